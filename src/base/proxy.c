#include "base/proxy.h"

#include "base/num.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const char v1_signature[] = "PROXY ";
static const char v2_signature[] = "\r\n\r\n\0\r\nQUIT\n";

/* Version 2: where things are, and what they may be. */
enum {
	AT_COMMAND = sizeof(v2_signature) - 1,
	AT_FAMILY = 13,
	AT_LENGTH = 14,
	AT_ADDRESSES = 16,

	COMMAND_LOCAL = 0x20, /* the version in the upper half */
	COMMAND_PROXY = 0x21,

	FAMILY_UNSPEC = 0x00,
	FAMILY_TCP4 = 0x11,
	FAMILY_UDP4 = 0x12,
	FAMILY_TCP6 = 0x21,
	FAMILY_UDP6 = 0x22,
	FAMILY_UNIX_STREAM = 0x31,
	FAMILY_UNIX_DGRAM = 0x32,

	BLOCK_4 = 2 * 4 + 2 * 2,
	BLOCK_6 = 2 * 16 + 2 * 2,
	BLOCK_UNIX = 2 * 108,
};

/* --- version 1 --- */

/* Cut the word off that *rest begins with, up to a space or the end. NULL if
 * there is none. */
static char *next_word(char **rest)
{
	char *word = *rest, *end;

	if (!word)
		return NULL;
	end = strchr(word, ' ');
	*rest = end ? end + 1 : NULL;
	if (end)
		*end = '\0';
	return word;
}

static bool parse_ip(const char *word, int family, struct addr *out)
{
	/* A zone is no part of the grammar. */
	return word && !strchr(word, '%') &&
	       (strchr(word, ':') != NULL) == (family == AF_INET6) &&
	       addr_parse_ip(out, word) == 0;
}

static bool parse_port(const char *word, struct addr *out)
{
	uint64_t port;

	if (!word || num_parse(word, 10, 0, UINT16_MAX, &port) < 0 ||
	    (word[0] == '0' && word[1] != '\0'))
		return false;
	out->port = (uint16_t)port;
	return true;
}

/* What stands between "PROXY " and CRLF. */
static enum proxy_verdict parse_line(char *line, struct proxy_header *out)
{
	char *protocol = next_word(&line);
	int family = AF_UNSPEC;

	/* "must ignore anything presented before the CRLF" */
	if (strcmp(protocol, "UNKNOWN") == 0)
		return PROXY_DONE;
	if (strcmp(protocol, "TCP4") == 0)
		family = AF_INET;
	if (strcmp(protocol, "TCP6") == 0)
		family = AF_INET6;
	if (family == AF_UNSPEC ||
	    !parse_ip(next_word(&line), family, &out->client) ||
	    !parse_ip(next_word(&line), family, &out->local) ||
	    !parse_port(next_word(&line), &out->client) ||
	    !parse_port(next_word(&line), &out->local) || line)
		return PROXY_MALFORMED;
	return PROXY_DONE;
}

static enum proxy_verdict parse_v1(const uint8_t *bytes, size_t n,
				   struct proxy_header *out, size_t *length)
{
	const size_t begin = sizeof(v1_signature) - 1;
	size_t most = n < PROXY_V1_MOST ? n : PROXY_V1_MOST, end = begin;
	char line[PROXY_V1_MOST];

	if (n < begin)
		return PROXY_NEED_MORE;
	while (end < most && bytes[end] != '\r' && bytes[end] != '\n')
		end++;
	/* No room for the CRLF, or the half of it. */
	if (end + 1 >= most)
		return n < PROXY_V1_MOST && (end == n || bytes[end] == '\r')
			       ? PROXY_NEED_MORE
			       : PROXY_MALFORMED;
	if (bytes[end] != '\r' || bytes[end + 1] != '\n')
		return PROXY_MALFORMED;
	*length = end + 2;
	memcpy(line, bytes + begin, end - begin);
	line[end - begin] = '\0';
	/* What a zero hides is no address, but may stand behind UNKNOWN. */
	if (strlen(line) < end - begin && strncmp(line, "UNKNOWN ", 8) != 0)
		return PROXY_MALFORMED;
	return parse_line(line, out);
}

static size_t print_v1(char *out, const struct addr *client,
		       const struct addr *local, int family)
{
	char from[INET6_ADDRSTRLEN], to[INET6_ADDRSTRLEN];
	int n;

	inet_ntop(family, client->ip, from, sizeof(from));
	inet_ntop(family, local->ip, to, sizeof(to));
	n = snprintf(out, PROXY_ROOM, "PROXY %s %s %s %u %u\r\n",
		     family == AF_INET ? "TCP4" : "TCP6", from, to,
		     client->port, local->port);
	return (size_t)n;
}

/* --- version 2 --- */

static uint16_t get_16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static void put_16(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static struct addr get_addr(int family, const uint8_t *ip, const uint8_t *port)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
	struct addr a;

	memcpy(&in.sin_port, port, sizeof(in.sin_port));
	memcpy(&in6.sin6_port, port, sizeof(in6.sin6_port));
	if (family == AF_INET) {
		memcpy(&in.sin_addr, ip, sizeof(in.sin_addr));
		addr_from_sockaddr(&a, (struct sockaddr *)&in, sizeof(in));
	} else {
		memcpy(&in6.sin6_addr, ip, sizeof(in6.sin6_addr));
		addr_from_sockaddr(&a, (struct sockaddr *)&in6, sizeof(in6));
	}
	return a;
}

/* How many bytes the addresses of a family take; -1 if there is no such one. */
static int block_length(uint8_t family)
{
	switch (family) {
	case FAMILY_UNSPEC:
		return 0;
	case FAMILY_TCP4:
	case FAMILY_UDP4:
		return BLOCK_4;
	case FAMILY_TCP6:
	case FAMILY_UDP6:
		return BLOCK_6;
	case FAMILY_UNIX_STREAM:
	case FAMILY_UNIX_DGRAM:
		return BLOCK_UNIX;
	default:
		return -1;
	}
}

/* Those that are not of streams are no addresses of this connection. */
static void get_block(const uint8_t *at, uint8_t family,
		      struct proxy_header *out)
{
	switch (family) {
	case FAMILY_TCP4:
		out->client = get_addr(AF_INET, at, at + 8);
		out->local = get_addr(AF_INET, at + 4, at + 10);
		break;
	case FAMILY_TCP6:
		out->client = get_addr(AF_INET6, at, at + 32);
		out->local = get_addr(AF_INET6, at + 16, at + 34);
		break;
	case FAMILY_UNIX_STREAM:
		out->client.family = AF_UNIX;
		out->local.family = AF_UNIX;
		break;
	}
}

static enum proxy_verdict parse_v2(const uint8_t *bytes, size_t n,
				   struct proxy_header *out, size_t *length)
{
	bool local;
	int block;

	if (n <= AT_COMMAND)
		return PROXY_NEED_MORE;
	local = bytes[AT_COMMAND] == COMMAND_LOCAL;
	if (!local && bytes[AT_COMMAND] != COMMAND_PROXY)
		return PROXY_MALFORMED;
	if (n < AT_ADDRESSES)
		return PROXY_NEED_MORE;
	*length = (size_t)AT_ADDRESSES + get_16(bytes + AT_LENGTH);
	/* LOCAL: the family "is ignored", whatever it is. */
	block = local ? 0 : block_length(bytes[AT_FAMILY]);
	if (block < 0 || *length > PROXY_V2_MOST ||
	    *length < (size_t)(AT_ADDRESSES + block))
		return PROXY_MALFORMED;
	if (n < (size_t)(AT_ADDRESSES + block))
		return PROXY_NEED_MORE;
	if (!local)
		get_block(bytes + AT_ADDRESSES, bytes[AT_FAMILY], out);
	return PROXY_DONE;
}

static size_t print_v2(uint8_t *out, const struct addr *client,
		       const struct addr *local, int family)
{
	size_t ip = family == AF_INET ? 4 : 16;
	uint8_t *at = out + AT_ADDRESSES;

	out[AT_COMMAND] = COMMAND_PROXY;
	out[AT_FAMILY] = family == AF_INET ? FAMILY_TCP4 : FAMILY_TCP6;
	memcpy(at, client->ip, ip);
	memcpy(at + ip, local->ip, ip);
	put_16(at + 2 * ip, client->port);
	put_16(at + 2 * ip + 2, local->port);
	put_16(out + AT_LENGTH, (uint16_t)(2 * ip + 4));
	return AT_ADDRESSES + 2 * ip + 4;
}

/* --- both --- */

/* Do the n bytes begin with it, as far as they go? */
static bool begins_with(const void *bytes, size_t n, const char *signature,
			size_t length)
{
	return memcmp(bytes, signature, n < length ? n : length) == 0;
}

enum proxy_verdict proxy_parse(const void *bytes, size_t n,
			       struct proxy_header *out, size_t *length)
{
	*out = (struct proxy_header){.client.family = AF_UNSPEC};
	if (begins_with(bytes, n, v1_signature, sizeof(v1_signature) - 1))
		return parse_v1(bytes, n, out, length);
	if (begins_with(bytes, n, v2_signature, sizeof(v2_signature) - 1))
		return parse_v2(bytes, n, out, length);
	return PROXY_MALFORMED;
}

static bool is_ip(const struct addr *a)
{
	return a->family == AF_INET || a->family == AF_INET6;
}

/* IPv4 as IPv6 has it, for a header that has one family for both. */
static struct addr to_v6(const struct addr *a)
{
	struct addr mapped = {.family = AF_INET6, .port = a->port};

	if (a->family == AF_INET6)
		return *a;
	mapped.ip[10] = mapped.ip[11] = 0xff;
	memcpy(mapped.ip + 12, a->ip, 4);
	return mapped;
}

/* The header that has no addresses. */
static size_t print_nothing(uint8_t *out, enum proxy_version version)
{
	static const char unknown[] = "PROXY UNKNOWN\r\n";

	if (version == PROXY_V1) {
		memcpy(out, unknown, sizeof(unknown) - 1);
		return sizeof(unknown) - 1;
	}
	out[AT_COMMAND] = COMMAND_LOCAL;
	out[AT_FAMILY] = FAMILY_UNSPEC;
	put_16(out + AT_LENGTH, 0);
	return AT_ADDRESSES;
}

size_t proxy_print(uint8_t out[PROXY_ROOM], enum proxy_version version,
		   const struct addr *client, const struct addr *local)
{
	struct addr from = *client, to = *local;

	if (version == PROXY_NONE)
		return 0;
	if (version == PROXY_V2)
		memcpy(out, v2_signature, AT_COMMAND);
	if (!is_ip(&from) || !is_ip(&to))
		return print_nothing(out, version);
	if (from.family != to.family) {
		from = to_v6(&from);
		to = to_v6(&to);
	}
	return version == PROXY_V1
		       ? print_v1((char *)out, &from, &to, from.family)
		       : print_v2(out, &from, &to, from.family);
}

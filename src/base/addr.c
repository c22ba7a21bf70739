#include "base/addr.h"

#include "base/num.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0,    0,
					  0, 0, 0, 0, 0xff, 0xff};

static void fold_mapped(struct addr *a)
{
	if (a->family != AF_INET6 || memcmp(a->ip, mapped_prefix, 12) != 0)
		return;
	a->family = AF_INET;
	a->scope = 0;
	memmove(a->ip, a->ip + 12, 4);
	memset(a->ip + 4, 0, 12);
}

static int parse_scope(const char *zone, uint32_t *scope)
{
	uint64_t index;

	/* Linux takes what follows a colon for the label of an old alias, and
	 * knows "lo:anything". */
	if (strchr(zone, ':'))
		return -EINVAL;
	if (num_parse(zone, 10, 1, UINT32_MAX, &index) < 0)
		index = if_nametoindex(zone);
	if (index == 0)
		return -EINVAL;
	*scope = (uint32_t)index;
	return 0;
}

int addr_parse_ip(struct addr *a, const char *text)
{
	char host[INET6_ADDRSTRLEN + 1];
	const char *zone = strchr(text, '%');
	size_t length = zone ? (size_t)(zone - text) : strlen(text);
	struct addr parsed = {0};

	if (length >= sizeof(host))
		return -EINVAL;
	memcpy(host, text, length);
	host[length] = '\0';
	if (!zone && inet_pton(AF_INET, host, parsed.ip) == 1)
		parsed.family = AF_INET;
	else if (inet_pton(AF_INET6, host, parsed.ip) == 1)
		parsed.family = AF_INET6;
	else
		return -EINVAL;
	if (zone && parse_scope(zone + 1, &parsed.scope) < 0)
		return -EINVAL;
	fold_mapped(&parsed);
	*a = parsed;
	return 0;
}

int addr_parse(struct addr *a, const char *text)
{
	const char *colon = strrchr(text, ':');
	bool brackets = text[0] == '[';
	char host[INET6_ADDRSTRLEN + IF_NAMESIZE + 1];
	struct addr parsed;
	uint64_t port;
	size_t length;

	if (!colon || num_parse(colon + 1, 10, 0, 65535, &port) < 0)
		return -EINVAL;
	length = (size_t)(colon - text);
	if (brackets) {
		if (length < 2 || text[length - 1] != ']')
			return -EINVAL;
		text++;
		length -= 2;
	}
	if (length >= sizeof(host))
		return -EINVAL;
	memcpy(host, text, length);
	host[length] = '\0';
	/* An IPv6 address without brackets leaves its port in doubt. */
	if (brackets != (strchr(host, ':') != NULL))
		return -EINVAL;
	if (addr_parse_ip(&parsed, host) < 0)
		return -EINVAL;
	parsed.port = (uint16_t)port;
	*a = parsed;
	return 0;
}

void addr_from_sockaddr(struct addr *a, const struct sockaddr *sa,
			socklen_t len)
{
	const struct sockaddr_in *in = (const void *)sa;
	const struct sockaddr_in6 *in6 = (const void *)sa;
	const struct sockaddr_un *un = (const void *)sa;

	memset(a, 0, sizeof(*a));
	if (len < offsetof(struct sockaddr_un, sun_path))
		return;
	if (sa->sa_family == AF_INET && len >= sizeof(*in)) {
		a->family = AF_INET;
		a->port = ntohs(in->sin_port);
		memcpy(a->ip, &in->sin_addr, 4);
	} else if (sa->sa_family == AF_INET6 && len >= sizeof(*in6)) {
		a->family = AF_INET6;
		a->port = ntohs(in6->sin6_port);
		a->scope = in6->sin6_scope_id;
		memcpy(a->ip, &in6->sin6_addr, 16);
		fold_mapped(a);
	} else if (sa->sa_family == AF_UNIX) {
		a->family = AF_UNIX;
		if (len > offsetof(struct sockaddr_un, sun_path) &&
		    un->sun_path[0] != '\0')
			a->path = un->sun_path;
	}
}

static socklen_t unix_to_sockaddr(const char *path, struct sockaddr_un *un)
{
	size_t length = path ? strlen(path) : 0;

	if (length == 0 || length >= sizeof(un->sun_path))
		return 0;
	un->sun_family = AF_UNIX;
	memcpy(un->sun_path, path, length + 1);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + 1);
}

socklen_t addr_to_sockaddr(const struct addr *a, struct sockaddr_storage *ss)
{
	struct sockaddr_in *in = (void *)ss;
	struct sockaddr_in6 *in6 = (void *)ss;

	memset(ss, 0, sizeof(*ss));
	switch (a->family) {
	case AF_INET:
		in->sin_family = AF_INET;
		in->sin_port = htons(a->port);
		memcpy(&in->sin_addr, a->ip, 4);
		return sizeof(*in);
	case AF_INET6:
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(a->port);
		in6->sin6_scope_id = a->scope;
		memcpy(&in6->sin6_addr, a->ip, 16);
		return sizeof(*in6);
	case AF_UNIX:
		return unix_to_sockaddr(a->path, (void *)ss);
	default:
		return 0;
	}
}

const char *addr_print(const struct addr *a, char buf[ADDR_TEXT])
{
	char ip[INET6_ADDRSTRLEN];
	char zone[16] = "";

	switch (a->family) {
	case AF_INET:
		inet_ntop(AF_INET, a->ip, ip, sizeof(ip));
		snprintf(buf, ADDR_TEXT, "%s:%u", ip, a->port);
		break;
	case AF_INET6:
		inet_ntop(AF_INET6, a->ip, ip, sizeof(ip));
		if (a->scope > 0)
			snprintf(zone, sizeof(zone), "%%%u",
				 (unsigned)a->scope);
		snprintf(buf, ADDR_TEXT, "[%s%s]:%u", ip, zone, a->port);
		break;
	case AF_UNIX:
		snprintf(buf, ADDR_TEXT, "unix:%s", a->path ? a->path : "-");
		break;
	default:
		snprintf(buf, ADDR_TEXT, "-");
	}
	return buf;
}

bool addr_localhost(const char *host, uint16_t port, struct addr out[2])
{
	if (strcasecmp(host, "localhost") != 0)
		return false;
	out[0] = (struct addr){.family = AF_INET6, .port = port};
	out[0].ip[15] = 1;
	out[1] = (struct addr){.family = AF_INET, .port = port};
	memcpy(out[1].ip, "\x7f\0\0\1", 4);
	return true;
}

bool addr_equal(const struct addr *a, const struct addr *b)
{
	if (a->family != b->family || a->port != b->port ||
	    a->scope != b->scope)
		return false;
	switch (a->family) {
	case AF_INET:
		return memcmp(a->ip, b->ip, 4) == 0;
	case AF_INET6:
		return memcmp(a->ip, b->ip, 16) == 0;
	case AF_UNIX:
		return a->path == b->path ||
		       (a->path && b->path && strcmp(a->path, b->path) == 0);
	default:
		return true;
	}
}

bool addr_same_ip(const struct addr *a, const struct addr *b)
{
	struct addr c = *b;

	c.port = a->port;
	return addr_equal(a, &c);
}

bool addr_is_wildcard(const struct addr *a)
{
	static const uint8_t zero[16];

	return (a->family == AF_INET && memcmp(a->ip, zero, 4) == 0) ||
	       (a->family == AF_INET6 && memcmp(a->ip, zero, 16) == 0);
}

bool addr_is_loopback(const struct addr *a)
{
	static const uint8_t loopback6[16] = {[15] = 1};

	return (a->family == AF_INET && a->ip[0] == 127) ||
	       (a->family == AF_INET6 && memcmp(a->ip, loopback6, 16) == 0);
}

#include "fuzz.h"

#include "base/proxy.h"

#include <stdlib.h>
#include <string.h>

/* A header is told from its bytes alone, however they come in; and what is
 * written is read as it was meant. */

/* In memory of just that size. */
static enum proxy_verdict parse(const uint8_t *data, size_t n,
				struct proxy_header *out, size_t *length)
{
	uint8_t *exact = fuzz_copy(data, n);
	enum proxy_verdict verdict;

	*length = 0;
	verdict = proxy_parse(exact, n, out, length);
	free(exact);
	return verdict;
}

static void must_be_the_same(const struct proxy_header *a,
			     const struct proxy_header *b)
{
	MUST(addr_equal(&a->client, &b->client));
	MUST(addr_equal(&a->local, &b->local));
}

/* Once there is a verdict, more bytes change nothing. */
static enum proxy_verdict read_bytewise(const uint8_t *data, size_t size,
					struct proxy_header *out)
{
	enum proxy_verdict before = PROXY_NEED_MORE, now;
	size_t length = 0;

	for (size_t n = 0; n <= size && n <= PROXY_ROOM + 8; n++) {
		struct proxy_header header;
		size_t so_long;

		now = parse(data, n, &header, &so_long);
		MUST(n < PROXY_ROOM || now != PROXY_NEED_MORE);
		if (before == PROXY_NEED_MORE && now == PROXY_DONE) {
			*out = header;
			length = so_long;
			MUST(length <= PROXY_V2_MOST && length > 0);
			MUST(data[0] != 'P' || length == n);
			MUST(data[0] == 'P' || length >= n);
		} else if (before != PROXY_NEED_MORE) {
			MUST(now == before);
			MUST(now != PROXY_DONE || so_long == length);
			if (now == PROXY_DONE)
				must_be_the_same(&header, out);
		}
		before = now;
	}
	return before;
}

/* A v1 line has no place for a scope, nor a v2 header. */
static void must_be_told(const struct proxy_header *told,
			 enum proxy_version version)
{
	struct addr client = told->client, local = told->local;
	uint8_t bytes[PROXY_ROOM];
	size_t n = proxy_print(bytes, version, &client, &local), length;
	struct proxy_header heard;

	MUST(n > 0 && n <= PROXY_ROOM);
	MUST(version != PROXY_V1 || n <= PROXY_V1_MOST);
	MUST(parse(bytes, n, &heard, &length) == PROXY_DONE);
	MUST(length == n);
	client.scope = local.scope = 0;
	if (client.family == AF_UNIX || client.family == AF_UNSPEC ||
	    local.family == AF_UNIX || local.family == AF_UNSPEC) {
		MUST(heard.client.family == AF_UNSPEC);
		MUST(heard.local.family == AF_UNSPEC);
		return;
	}
	MUST(addr_equal(&heard.client, &client));
	MUST(addr_equal(&heard.local, &local));
}

/* Any two addresses, of whatever families. */
static void tell(const uint8_t *data, size_t size)
{
	static const uint16_t families[] = {AF_INET, AF_INET6, AF_UNIX,
					    AF_UNSPEC};
	struct feed f = {data, size};
	struct proxy_header header = {{0}, {0}};
	struct addr *both[] = {&header.client, &header.local};

	for (int i = 0; i < 2; i++) {
		struct addr *a = both[i];

		a->family = families[feed_byte(&f) % 4];
		if (a->family != AF_INET && a->family != AF_INET6)
			continue;
		a->port = (uint16_t)feed_number(&f, 2);
		for (int j = 0; j < (a->family == AF_INET ? 4 : 16); j++)
			a->ip[j] = feed_byte(&f);
		/* As every address of ours is. */
		if (a->family == AF_INET6)
			a->ip[0] |= 0x20;
	}
	must_be_told(&header, PROXY_V1);
	must_be_told(&header, PROXY_V2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct proxy_header header;

	if (read_bytewise(data, size, &header) == PROXY_DONE) {
		must_be_told(&header, PROXY_V1);
		must_be_told(&header, PROXY_V2);
	}
	tell(data, size);
	return 0;
}

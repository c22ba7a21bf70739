#ifndef LOWPORT_BASE_PROXY_H
#define LOWPORT_BASE_PROXY_H

#include "base/addr.h"

#include <stddef.h>
#include <stdint.h>

/*
 * The PROXY protocol's header: who a client is, told by a proxy to the next one
 * before the client's first byte (haproxy.org/download/2.6/doc/
 * proxy-protocol.txt). Version 1 is a line, version 2 is binary.
 */

enum proxy_version { PROXY_NONE, PROXY_V1, PROXY_V2 };

enum {
	/* As much of a header as holds its addresses: version 2 with Unix
	 * paths. What comes behind them (TLVs) nobody has to read. */
	PROXY_ROOM = 16 + 2 * 108,
	/* The longest line of version 1, its CRLF included. */
	PROXY_V1_MOST = 107,
	/* The longest header of version 2 that is taken. It might have 64 KiB;
	 * 16 are what HAProxy can send. */
	PROXY_V2_MOST = 16 << 10,
};

/* What a header says. Both are AF_UNSPEC when it says nothing (LOCAL, UNKNOWN,
 * datagrams): then the connection's own addresses hold. A Unix address comes
 * without its path. */
struct proxy_header {
	struct addr client; /* where the connection came from */
	struct addr local;  /* where it was accepted */
};

enum proxy_verdict {
	PROXY_NEED_MORE, /* so far it may become a header */
	PROXY_DONE,      /* it is one */
	PROXY_MALFORMED, /* it is none, whatever follows */
};

/*
 * Look at the first n bytes of a connection. PROXY_DONE: *out is what the
 * header says, and it has *length bytes; those beyond n, which only version 2
 * has, are to be skipped. PROXY_ROOM bytes always bring a verdict other than
 * PROXY_NEED_MORE.
 */
enum proxy_verdict proxy_parse(const void *bytes, size_t n,
			       struct proxy_header *out, size_t *length);

/* Write the header that tells of a connection. One between Unix sockets has no
 * address that the version could tell (or that receivers would take): UNKNOWN,
 * or LOCAL. Returns its length, 0 for PROXY_NONE. */
size_t proxy_print(uint8_t out[PROXY_ROOM], enum proxy_version version,
		   const struct addr *client, const struct addr *local);

#endif

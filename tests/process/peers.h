#ifndef LOWPORT_TESTS_PEERS_H
#define LOWPORT_TESTS_PEERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Sockets at the two ends of a relay, in the test itself. WHERE is written as
 * on lowport's command line: 127.0.0.1:80, [::1]:80, unix:/path. Nothing here
 * waits longer than PROC_PATIENCE_MS, and what goes wrong fails the test.
 */

/* A listening socket; port 0 is any that is free. -1 where the machine has no
 * such address or the user no such right. */
int peer_try_listen(const char *where);
int peer_listen(const char *where);

/* Bound, but nobody listens: whoever connects to it is refused. */
int peer_bind(const char *where);

/* Where a socket is bound. */
const char *peer_where(int fd);

/* A port that is free now on all addresses, for those who have to be told one;
 * 0 if there is none. A low one is below 1024. */
unsigned peer_free_port(void);
unsigned peer_free_low_port(void);

/* Connected, or -1 with errno. */
int peer_try_dial(const char *where);
int peer_dial(const char *where);

/* Likewise, from an address of this machine (127.0.0.2, ::1). */
int peer_try_dial_from(const char *from, const char *where);

/* The next client of a listener, within the patience. */
int peer_accept(int listener);

void peer_send(int fd, const void *bytes, size_t size);
void peer_end(int fd);   /* no more will be sent */
void peer_close(int fd); /* takes fd */
void peer_reset(int fd); /* takes fd */

/* What comes until its end; "reset" if that is how it ends. */
const char *peer_hear(int fd);

/* Does nothing come for so long? */
bool peer_is_silent(int fd, int ms);

/* Dial, send text and an end, hear the answer. */
const char *peer_ask(const char *where, const char *text);

/* FNV-1a over bytes in their order; the first hash is PEER_HASH. */
#define PEER_HASH UINT64_C(0xcbf29ce484222325)
uint64_t peer_hash(uint64_t hash, const void *bytes, size_t size);

/* Bytes that repeat nowhere near, from their place in the stream on. */
void peer_fill(void *bytes, size_t size, uint64_t place);

/* Close all sockets made here; for teardowns. */
void peers_close(void);

#endif

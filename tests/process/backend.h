#ifndef LOWPORT_TESTS_BACKEND_H
#define LOWPORT_TESTS_BACKEND_H

#include "process/peers.h"

#include <stddef.h>
#include <stdint.h>

/*
 * A backend, a thread of the test: it hears a client to its end and then
 * answers with its own name, how much that was and its hash.
 */
struct backend;

struct backend *backend_start(const char *where, const char *name);

const char *backend_where(const struct backend *b);

/* What it answers to these bytes. */
const char *backend_answer(const struct backend *b, const void *bytes,
			   size_t size);

/* Is a client at where served by that backend, byte for byte? Who it is comes
 * first: that may be a call that starts it. */
#define assert_served(where, answerer)                                    \
	do {                                                              \
		const struct backend *answers = (answerer);               \
                                                                          \
		assert_string_equal(peer_ask(where, "hello"),             \
				    backend_answer(answers, "hello", 5)); \
	} while (0)

/* How many clients have come so far; wait until it is so many. */
unsigned backend_clients(struct backend *b);
void backend_await_clients(struct backend *b, unsigned count);

/* Wait until so many bytes have come, from all clients. */
void backend_await_bytes(struct backend *b, uint64_t count);

/* End all backends; for teardowns. */
void backends_stop(void);

#endif

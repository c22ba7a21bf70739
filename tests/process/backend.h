#ifndef LOWPORT_TESTS_BACKEND_H
#define LOWPORT_TESTS_BACKEND_H

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

/* How many clients have come so far; wait until it is so many. */
unsigned backend_clients(struct backend *b);
void backend_await_clients(struct backend *b, unsigned count);

/* Wait until so many bytes have come, from all clients. */
void backend_await_bytes(struct backend *b, uint64_t count);

/* End all backends; for teardowns. */
void backends_stop(void);

#endif

#ifndef LOWPORT_TESTS_RIG_H
#define LOWPORT_TESTS_RIG_H

#include "lowport.h"
#include "matrix.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A relay on a loop and a thread of its own, between a listener and a backend
 * of the families that a row of the matrix names. The test is the client and
 * the backend. What goes wrong in the rig fails the test.
 */
struct rig {
	const struct row *row;
	struct relay_options options; /* may be changed before rig_start() */
	struct relay_route route;     /* likewise; one backend: at */
	struct relay_backend at;
	struct addr front; /* where the relay listens */
	int backend;       /* listens at `at` */
	struct rig_inside *inside;
};

/* A rig whose relay does not run yet. */
struct rig *rig_new(const struct row *row);
void rig_start(struct rig *r);

/* Both, with the options as they are. */
struct rig *rig_run(const struct row *row);

/* Free the relay, end its loop, which must have nothing left open, and free
 * r. */
void rig_stop(struct rig *r);

/* The same, but it is by that calls relay_free(). */
void rig_stop_by(struct rig *r, void (*by)(struct rig *r, void *data));

/* rig_stop() for what a failed test left behind. */
void rig_clear_up(void);

/* Let the backend be one that sends back what it gets, until rig_stop(). */
void rig_echo(struct rig *r);

/* A path in the rig's own directory, for a Unix socket. Lives as long as r. */
const char *rig_path(struct rig *r, const char *name);

/* A further listener, of the row's family. Only while the relay runs. Returns
 * its descriptor, the relay's. */
int rig_listen(struct rig *r, const struct relay_route *route,
	       struct addr *where);

/* Have the relay's thread do it, and wait until it has. */
void rig_call(struct rig *r, void (*what)(struct rig *r, void *data),
	      void *data);

/* For that thread alone. */
struct relay *rig_relay(const struct rig *r);

/* Call relay_listen(), relay_unlisten(), relay_reroute(). The front's
 * descriptor. */
int rig_serve(struct rig *r, int fd, const struct addr *where,
	      const struct relay_route *route);
int rig_unlisten(struct rig *r, int fd);
int rig_reroute(struct rig *r, int fd, const struct relay_route *route);
int rig_front_fd(const struct rig *r);

/* The ends of a connection. Returns a descriptor, the caller's. */
int rig_connect(const struct rig *r);
int rig_accept(const struct rig *r);

/* This client is refused or lost. Closes its end. */
void rig_expect_refused(const struct rig *r, int client);

/* Who comes now is refused. */
void rig_expect_turned_away(const struct rig *r);

/* Wait for the n-th record, from 0 on. */
struct record rig_record(struct rig *r, size_t n);

/* Records and warnings there have been so far. */
size_t rig_records(struct rig *r);
size_t rig_warnings(struct rig *r);

/* Call relay_hold() for r->route. */
void rig_hold(struct rig *r, bool hold);

/* Call relay_drain(). */
void rig_drain(struct rig *r, uint64_t grace_ms);

/* Wait for its callback. Returns how often it has come. */
unsigned rig_drained(struct rig *r);

struct stats rig_stats(struct rig *r);

/* What the relay has cost so far. A loop that spins is known by its turns even
 * where others leave it little time. Asking waits until the relay has done what
 * was asked of it before. */
struct rig_cost {
	uint64_t cpu_ms; /* of its thread */
	uint64_t turns;  /* of its loop */
};

struct rig_cost rig_cost(struct rig *r);

/* Let so many milliseconds pass: has the relay been still meanwhile? */
bool rig_is_still(struct rig *r, unsigned ms);

/* The time of a clock that only goes forward. */
uint64_t rig_now_ms(void);

/* Let time pass, where that is the subject of the test. */
void rig_wait_ms(unsigned ms);

#endif

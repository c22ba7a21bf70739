#ifndef LOWPORT_TESTS_WORLD_H
#define LOWPORT_TESTS_WORLD_H

#include "lowport.h"
#include "sim/sim.h"

#include <sys/epoll.h>

#include <stdbool.h>

/* What the parts of the simulation know of each other. */

enum {
	LINKS_MOST = 12,
	BACKENDS_MOST_SIM = 3,
	FIRST_FD = 100,
	FDS = 512,
	LIBUV_FD = 99, /* uv_backend_fd() */
	CLIENT_PORT = 20000,
	FRONT_PORT = 80,
	BACKEND_PORT = 9000,
};

enum sock_state { FRESH, CONNECTING, OPEN, DEAD };

/* How a peer goes on when it has said all it wants to. */
enum ending {
	ENDS,     /* half-closes, and reads on */
	CLOSES,   /* closes: answers what comes then with a reset */
	RESETS,   /* resets */
	IS_SILENT /* says nothing more */
};

struct link;

/* One TCP connection: the engine's socket, and the peer at its other end. */
struct sock {
	enum sock_state state;
	int fd;             /* the engine's; -1: not yet, or not any more */
	bool listens, gone; /* closed by the engine */
	struct addr local, remote;
	struct link *link;
	struct sock *mate; /* the link's other one, once both are there */
	int which;         /* the backend; -1 of a client */
	uint32_t stream;   /* what it says: a start in the pattern */

	/* From the peer: it has sent up to end; the engine has read up to at. */
	uint64_t in_at, in_end;
	uint64_t urgent; /* the offset of an urgent byte; UINT64_MAX: none */
	bool in_fin;
	uint64_t said_ms, fin_ms; /* when they came */
	uint8_t in_prefix[256];   /* what its stream begins with */
	size_t prefix_size;
	size_t in_skip; /* what of that is for the engine itself */
	/* To the peer, likewise. */
	uint64_t out_at, out_end;
	bool out_fin;
	uint8_t out_prefix[256]; /* what the engine begins with */
	size_t out_skip;

	int error; /* sk_err */
	bool no_space, lingers_not, inlines;
	size_t in_room, out_room;

	/* epoll */
	uint32_t mask;
	void *watch;
	bool is_ready;

	/* The peer. */
	uint64_t to_send;
	enum ending ending;
	bool reads_late; /* not before it has sent everything */
	bool reads_never;
	bool closed, was_reset, owes_reset, did_reset;
	bool silent; /* a connect to it is never answered */

	/* What the checks go by. */
	bool heard_end;   /* the engine has read the end, or an error */
	bool failed_late; /* when its end had been passed on */
	uint64_t taken_ms, reset_ms;
};

/* One client, and what the engine makes of it. */
struct link {
	int id;
	bool accepted, ended;
	struct sock client, *backend;
	uint64_t accepted_ms, relaying_ms, moved_ms, half_ms;
	const struct relay_route *route;
	bool killed;
	struct record record;
};

struct world {
	const struct sim *sim;
	uint64_t now_ms;
	unsigned steps, steps_most;
	bool winding_down;

	struct relay *relay;
	uv_loop_t loop;
	struct relay_options options;
	struct relay_route route[2];
	struct relay_backend at[BACKENDS_MOST_SIM];
	struct relay_tally tally[BACKENDS_MOST_SIM];
	enum { SERVES, REFUSES, MUTE } mode[BACKENDS_MOST_SIM];
	int route_in_use;

	struct sock listener;
	struct link links[LINKS_MOST];
	int link_count, links_begun;
	struct sock *backends[512]; /* connections to backends */
	int backend_count;
	struct link *backlog[LINKS_MOST];
	int waiting;

	size_t open; /* links that the engine has */
	uint64_t drain_ms;
	bool draining, drained, freed, held, shortage_now, memory_short;
	uint64_t starved_ms;
	unsigned shortages; /* one in so many calls; 0: none */
	unsigned busy;      /* one call in so many finds something new */
	bool by_relay_run;
	bool control_due;
};

extern struct world world;

__attribute__((format(printf, 1, 2), noreturn)) void
world_failed(const char *how, ...);
__attribute__((format(printf, 1, 2))) void world_trace(const char *how, ...);

/* A number below that; true once in so many. */
uint32_t choose(uint32_t below);
bool one_in(uint32_t n);

/* What the peer of s says from an offset on: *n bytes at most, which becomes how
 * many there are in one piece. */
const uint8_t *stream_said(const struct sock *s, uint64_t offset, size_t *n);

/* peers.c: something happens. false: there is nothing that could. */
bool peers_act(void);
bool peers_are_through(void);
void peers_begin(struct sock *s, uint32_t stream);

/* What the program that the engine is in does, on a turn of its loop. */
void peers_control(void);
void world_free_relay(void);

/* A system call is made: something may have happened before it. */
void world_call(void);

/* The engine waits; until there is something for it, or the time is over. */
void world_wait(int timeout_ms, bool (*is_awaited)(void));

/* kernel.c */
void kernel_begin(void);
void kernel_end(void);
void kernel_wake(struct sock *s, uint32_t events);
uint32_t kernel_events(struct sock *s);
uint32_t kernel_events_of(int fd);
struct sock *kernel_new_listener(void);
bool kernel_is_set(int fd);
bool kernel_has_ready(int set); /* fd is a set with something to be told */
bool kernel_anything_ready(void);

/* loop.c: libuv */
void loop_begin(void);
void loop_end(void);
bool loop_has_work(void); /* for a turn of libuv's own */
bool loop_answer(void);   /* one of the names that are asked for */
unsigned loop_lookups(void);

/* checks.c */
void check_given(struct sock *to, const uint8_t *bytes, size_t n);
void check_end_is_due(struct sock *to, const char *what);
void check_waiting(void);
void check_closed(struct sock *s);
void check_record(const struct record *r);
void check_all_over(void);
uint64_t check_due_ms(const struct link *l);

#endif

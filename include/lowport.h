#ifndef LOWPORT_H
#define LOWPORT_H

#include "base/addr.h"
#include "base/cidr.h"
#include "base/log.h"
#include "base/proxy.h"
#include "base/record.h"
#include "base/sources.h"
#include "base/stats.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

/*
 * The relay, for embedders: listening descriptors come in, each connection goes
 * out to a backend, on a libuv loop of the caller's. Everything here belongs to
 * that loop's thread, and is called back there. Errors are negative errno values (libuv's codes).
 *
 * The program has to ignore SIGPIPE. The functions handed in through
 * relay_options may call relay_stats(), and no other function here.
 */

struct relay;

/* What has become of a backend, as relay_backend_stats() tells it. It is the
 * relay's own, whose threads all count in it, and starts as zeroes. */
struct relay_tally {
	uint64_t total, failed, open, up, down;
	int last;
};

/* One backend: an address, or a name to be looked up for each connection. */
struct relay_backend {
	struct addr addr;          /* of a name, only the port counts */
	const char *host;          /* NULL if addr is all there is */
	struct relay_tally *tally; /* NULL: nobody wants to know. It has to
				    * stay as the route has to; one route
				    * after another may have the same */
};

/* Whoever connects from this network is let in, or refused. */
struct relay_rule {
	struct cidr net;
	bool allow;
};

/*
 * Who may connect; whoever may not is reset. The first rule that fits decides,
 * then the limits of each source: an IPv4 address, or a /64 of IPv6. All routes
 * that point to the same door are counted together, those of another door
 * apart: with a new door counting begins anew, while those that came in by the
 * old one are given back to that. What a door has counted is forgotten when no
 * listener points to it and the last of those that are counted has left. Clients
 * of a Unix socket are let in as its file lets them, and not counted.
 */
struct relay_door {
	const struct relay_rule *rules;
	size_t rule_count;
	bool allow_others; /* whom no rule fits */
	struct source_limits per_source;
};

/* Where clients may come in: at one of these local addresses, whatever its
 * port, and, where the system can tell, through that interface or from this
 * machine. Its owner may change it between two turns of the loop. */
struct relay_entry {
	const struct addr *at;
	size_t count;
	unsigned interface; /* its index; 0: through any */
};

/*
 * What happens to the connections of a listener: who is let in, and which
 * backend they get: the first that can be reached, in this order, but those that
 * could not be just now after the others. Routes with the same backends array,
 * and then of the same count, are one group.
 *
 * A route has to stay as it is, with all that it points to, as long as a
 * listener points to it or a connection that came in by it has not left: until
 * the call of relay_options.left for the last one has returned, or until
 * relay_free() has. An array of backends, a door or an entry that several routes
 * share has to stay for each of them. relay_route_defaults() begins one.
 */
struct relay_route {
	const struct relay_backend *backends;
	size_t count;
	struct addr only; /* the one local address, whatever its port, that
			   * clients may come in at; others are reset.
			   * AF_UNSPEC: any */
	const struct relay_entry *entry; /* likewise, of several addresses that
					  * may change; NULL: anywhere */
	const struct relay_door *door;   /* NULL: whoever connects may */

	/* The PROXY protocol. */
	enum proxy_version send_proxy; /* how backends are told of the client */
	const struct cidr *fronts;     /* proxies that are believed: each has to
					* send a header, whose client is the
					* client */
	size_t front_count;
	bool unix_fronts; /* every Unix client is one as well */

	/* A backend that refuses, or whose socket file is missing, or that does
	 * not answer, is waited for so long, from when the client came; 0: not
	 * at all. */
	uint64_t wait_for_backend_ms;

	/* The record says at which address a wildcard listener was reached, at
	 * the cost of a system call. Without it that is only so if there is an
	 * ended(). */
	bool exact_local;

	/* 0 turns the one in question off; no connection should be without the
	 * first two. */
	uint64_t connect_timeout_ms;    /* for each address that is tried */
	uint64_t proxy_timeout_ms;      /* for the header of a front */
	uint64_t idle_timeout_ms;       /* no byte moved, either way */
	uint64_t half_close_timeout_ms; /* the same, once one way has ended */
	unsigned keepalive_s;           /* silence before the first probe */

	const char *name; /* for notices; NULL: it has none */
	void *data;       /* the caller's */
};

/* What holds for the relay as a whole. */
struct relay_options {
	size_t max_connections; /* exact; the backlog holds the rest */
	size_t max_waiting;     /* exact; of those who wait for a
					 * backend, others are refused */
	size_t max_pipes;       /* for splicing; 0: only copy */
	size_t threads; /* loops: the caller's, and the rest on threads of ours */

	uint64_t listener_check_ms; /* look so often whether they listen; 0:
				     * never */

	/* A client of a route has come; false: refuse it. NULL: all are taken.
	 */
	bool (*arrived)(void *data, const struct relay_route *route);
	/* One of those that were taken has gone, once for each; what is NULL if
	 * its connection could not even begin. NULL likewise. */
	void (*left)(void *data, const struct relay_route *route,
		     const struct record *what);
	/* One was not let in. NULL likewise. */
	void (*refused)(void *data, const struct relay_route *route,
			enum refusal why);
	/* A connection has ended. NULL if nobody wants to know. */
	void (*ended)(void *data, const struct record *what);
	/* Something an operator would want to know. NULL likewise. */
	void (*notice)(void *data, enum log_level level, const char *text);
	/* A listener serves nobody any more, and never will. NULL likewise. */
	void (*listener_died)(void *data, const struct addr *bound);
	void *data;
};

/* How far a connection has come. */
enum relay_phase {
	PHASE_HEADER,        /* its PROXY header is awaited */
	PHASE_DIALING,       /* a backend is looked for, or waited for */
	PHASE_RELAYING,      /* both ways are open */
	PHASE_CLIENT_ENDED,  /* the client sends no more */
	PHASE_BACKEND_ENDED, /* the backend sends no more */
	PHASES               /* how many there are */
};

/* One open connection at one moment. */
struct relay_connection {
	uint64_t id; /* no other of this relay has or had it; never 0 */
	const struct relay_route *route;
	enum relay_phase phase;
	struct addr client, local;
	const struct relay_backend *chosen; /* NULL while there is none */
	struct addr backend;                /* its; AF_UNSPEC likewise */
	uint64_t age_ms, idle_ms;
	uint64_t up, down; /* bytes given to the backend, and to the client */
};

/* How a listener is. */
enum relay_listener_state {
	LISTENER_OPEN,   /* clients are accepted */
	LISTENER_HELD,   /* they wait: relay_hold() */
	LISTENER_PAUSED, /* they wait: a shortage, or max_connections */
	LISTENER_DEAD,   /* it serves nobody any more, or there is none */
	LISTENER_STATES  /* how many there are */
};

/* How a backend is. */
enum relay_health {
	BACKEND_UNTRIED, /* nobody has wanted it yet */
	BACKEND_UP,      /* it answered the last time */
	BACKEND_DOWN,    /* it did not */
	BACKEND_HEALTHS  /* how many there are */
};

/* What is known of one backend. Bytes are those of ended connections. */
struct relay_backend_stats {
	enum relay_health health;
	int error;       /* of BACKEND_DOWN: a negative errno */
	uint64_t total;  /* connections that it took */
	uint64_t failed; /* tries in vain; of those who wait, each one */
	uint64_t open;   /* connections that it has now */
	uint64_t up, down;
};

/* What `lowport run` does when nothing else is said, with max_connections and
 * max_pipes what that many descriptors carry. */
void relay_defaults(struct relay_options *opt, size_t descriptor_limit);

/* The same for a route: its times, and nothing else. */
void relay_route_defaults(struct relay_route *route);

/* A relay without listeners. *opt is copied. Returns 0, -ENOMEM, or what
 * uv_timer_init() says; *out is the caller's until relay_free(). */
int relay_new(struct relay **out, uv_loop_t *loop,
	      const struct relay_options *opt);

/* Serve a listening, non-blocking stream socket bound to *bound, which is
 * copied. Takes fd on success; -EEXIST if the loop polls it already, -ENOMEM, or
 * what uv_random() says, where a door is the first to have limits.
 * TCP_NODELAY and keepalive are set on it, so that what it accepts inherits
 * them. */
int relay_listen(struct relay *r, int fd, const struct addr *bound,
		 const struct relay_route *route);

/* Would a connection that this route sends to *to come in at a listener of r and
 * from there, directly or through the backends of others, back to this group?
 * Then *where becomes that listener, its path r's. When connections are made,
 * such an address is passed over with -ELOOP, whether anyone has asked here or
 * not. */
bool relay_leads_back(struct relay *r, const struct relay_route *route,
		      const struct addr *to, struct addr *where);

/* Close the listener that relay_listen() took fd for; its connections live on,
 * and their route has to stay for them. Returns 0, or -ENOENT if there is none
 * (any more, as after relay_drain()). */
int relay_unlisten(struct relay *r, int fd);

/* New clients of the listener that relay_listen() took fd for are served as
 * route says; those that are there keep what they came in with, and their route
 * has to stay for them. Returns 0, -ENOENT if there is no such listener, -ENOMEM,
 * or what uv_random() says; then nothing has changed. */
int relay_reroute(struct relay *r, int fd, const struct relay_route *route);

/* Let the clients of a route wait in the backlog, or, with hold false, no longer.
 * That goes for the listeners that it has, and those that come to it while it
 * has one: when the last has gone, or been given another route, it is
 * forgotten. */
void relay_hold(struct relay *r, const struct relay_route *route, bool hold);

/*
 * Stop accepting and close the listeners; let connections end by themselves
 * until grace_ms are over, then reset those that are left. drained is called
 * once, when none is left, never from within relay_drain(). A second call only
 * shortens the grace: relay_drain(r, 0, ...) ends at once.
 */
void relay_drain(struct relay *r, uint64_t grace_ms,
		 void (*drained)(void *data));

/* Run the loop until r is drained: what uv_run(loop, UV_RUN_DEFAULT) does too,
 * in fewer system calls, for libuv has a turn only when there is something for
 * it (prepare and check handles are not called on the others). */
void relay_run(struct relay *r);

void relay_stats(const struct relay *r, struct stats *out);

/*
 * Tell of each open connection, in no order, and then that these were all: done
 * is called once, on the relay's loop, from within, or on a later turn, or from
 * within relay_free(). err is 0, or -ENOMEM if some are missing. A connection
 * that is told of has not left; what it points to is lent until each returns.
 * each may not call anything here, done all but relay_free(). Returns 0, or
 * -ENOMEM with nothing called.
 */
int relay_connections(struct relay *r,
		      void (*each)(void *data,
				   const struct relay_connection *c),
		      void (*done)(void *data, int err), void *data);

/* Reset the connection of that id, whose end (CLOSE_KILLED) may be told from
 * within. done, likewise, says whether there was one. Returns 0, or -ENOMEM with
 * nothing called and nothing reset. */
int relay_reset(struct relay *r, uint64_t id,
		void (*done)(void *data, bool found), void *data);

/* How the listener is that relay_listen() took fd for. */
enum relay_listener_state relay_listener_state(const struct relay *r, int fd);

/* What has become of a backend, by its tally: nothing, if it has none. May be
 * called by any thread. */
void relay_backend_stats(const struct relay_backend *b,
			 struct relay_backend_stats *out);

/* Reset all connections, whose ends are still told, and free r. Its last
 * handles close on the next turns of the loop. Returns 0, or -EBUSY when the
 * resolver still works on a name for it: nobody waits for that, but an orderly
 * exit of the process would (libuv joins its threads). */
int relay_free(struct relay *r);

#endif

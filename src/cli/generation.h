#ifndef LOWPORT_CLI_GENERATION_H
#define LOWPORT_CLI_GENERATION_H

#include "base/list.h"
#include "cli/demand.h"
#include "cli/follow.h"
#include "cli/ledger.h"
#include "config/config.h"

/*
 * A configuration in force: what was read, and all that it needs to serve
 * clients. One that has taken the place of another shares with it what stayed
 * the same, and lets it live on until its last client has left.
 */

struct generation;

/* One relay of a generation: what the routes of its listeners carry. */
struct member {
	struct generation *generation;
	const struct config_group *group;
	struct relay_door door;
	struct relay_route route; /* of interfaces; of others, but for where
				   * they let clients in */
	struct wanted *wanted;    /* NULL: nothing starts its backend */
	struct ledger *ledger;
};

/* One socket that is listened on. */
struct served {
	struct list node;
	struct listener listener; /* its fd is -1 once the relay has it */
	int fd;                   /* what it is called there */
	struct member *member;    /* NULL: it is parked */
	struct served *was; /* of the generation in force, until this one is;
			     * NULL: it is new */
	bool ours;          /* not another generation's, to close it */
	struct relay_route route;
	char *text; /* how it was asked for, if it is parked */
};

struct generation {
	struct list node;
	struct config config;
	struct member *members; /* as the groups of the config */
	struct list served;
	/* Handed over and not wanted any more. Whoever has them holds them open
	 * too, so they stay: another generation may want them. */
	struct list parked;
	struct list late; /* opened when those before them are closed */
	struct demand *demand;
	size_t clients; /* that came under it, and are there still */
	bool replaced;
};

/* Read what the arguments of `lowport run` say. mistake is called for each
 * mistake; NULL after those, or where there is no memory. */
struct generation *generation_read(int argc, char *const argv[],
				   void (*mistake)(const char *text));

/* Make its members, with the backends that they want, and what their namesakes
 * of before have done; before may be NULL. Returns 0, or a negative errno with
 * *why. */
int generation_prepare(struct generation *g, struct demand *demand,
		       const struct generation *before, struct fault *why);

/* Open what it listens on, but for what before, which may be NULL, has and serves
 * already. offered are sockets that another leaves to us, to be taken from until g
 * is freed, or NULL. All that is wrong is told to mistake. Returns whether to go
 * on. */
bool generation_open(struct generation *g, struct generation *before,
		     struct listeners *offered,
		     void (*mistake)(const char *text));

/* The same for those that had to wait until others of before were closed:
 * cli/late.h says which. */
bool generation_open_late(struct generation *g,
			  void (*mistake)(const char *text));

/* Has g taken over what was of the generation before? */
bool generation_shares(const struct generation *g, const struct served *before);

/* Has g a socket for that listener of its? */
bool generation_serves(const struct generation *g,
		       const struct listener_spec *spec);

/* How many sockets. */
size_t generation_listeners(const struct generation *g);

/* Tell systemd's sockets that nobody takes, and that are not offered. */
void generation_warn_of_unserved(const struct generation *g,
				 const struct listeners *offered);

/* Fill the routes of all that was opened. follow may be NULL if no interface is
 * mentioned. Returns 0 or -ENOMEM. */
int generation_route(struct generation *g, struct follow *follow);

/* The listeners that are g's own are closed, but for those that the relay has;
 * socket files of ours go. */
void generation_close(struct generation *g);

/* It is closed, if it is ours, and its socket file goes; but what the relay has,
 * the relay has to close. */
void served_close(struct served *s);

/* One that stays gets the backlog, or the file the mode, that is asked for
 * now. What cannot be had is said, and stays. */
void served_adjust(struct served *s);

/* Was it made by another, who has it open as well? */
bool served_is_handed_over(const struct served *s);

/* Another lowport has what g listens on: socket files are its own now. */
void generation_abandon(struct generation *g);

/* When no client of it is left. It may be NULL. */
void generation_free(struct generation *g);

#endif

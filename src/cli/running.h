#ifndef LOWPORT_CLI_RUNNING_H
#define LOWPORT_CLI_RUNNING_H

#include "cli/demand.h"
#include "cli/follow.h"
#include "cli/generation.h"
#include "cli/idle.h"

enum { RUNNING_SIGNALS = 3 };

/* What is running: the loop, the relay, the configuration in force and those
 * before it that have clients still, and how it was asked to end. */
struct running {
	int argc; /* of lowport run: a reload reads them again */
	char *const *argv;
	struct generation *now;
	struct list before; /* generations */
	struct demand demand;
	struct idle idle;
	uv_loop_t loop;
	uv_timer_t sweep; /* when a generation has lost its last client */
	struct relay *relay;
	struct follow *follow; /* NULL: no interface is listened on by name */
	uv_signal_t signals[RUNNING_SIGNALS];
	bool busy;      /* when it ended: the resolver still worked for it */
	unsigned stops; /* SIGTERM and SIGINT so far */
	bool loading;   /* launchd loads it anew, which will end this one */
	uint64_t reloads, reloads_refused;
};

/* Put a generation into force that has been opened, in the place of what is
 * there, if anything is: all of it or nothing. All that is wrong is told to
 * mistake. Returns 0, or EXIT_USAGE or EXIT_RUNTIME; then next is as it was. */
int running_take_over(struct running *run, struct generation *next,
		      void (*mistake)(const char *text));

/* Read the configuration again, and put it into force if nothing is wrong with
 * it; what is wrong is told to mistake, and changes nothing. Returns 0, or
 * EXIT_USAGE or EXIT_RUNTIME. */
int running_reload(struct running *run, void (*mistake)(const char *text));

/* Free the generations whose last client has left. */
void running_sweep(struct running *run);

#endif

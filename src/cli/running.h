#ifndef LOWPORT_CLI_RUNNING_H
#define LOWPORT_CLI_RUNNING_H

#include "cli/confine.h"
#include "cli/demand.h"
#include "cli/desk.h"
#include "cli/follow.h"
#include "cli/generation.h"
#include "cli/idle.h"
#include "cli/inspect.h"
#include "cli/log_signals.h"
#include "cli/service_notify.h"
#include "cli/web.h"

enum { RUNNING_SIGNALS = 3 };

/* What is running: the loop, the relay, the configuration in force and those
 * before it that have clients still, and how it was asked to end. */
struct running {
	int argc; /* of lowport run: a reload reads them again */
	char *const *argv;
	struct generation *now;
	struct list before; /* generations */
	struct confine confine;
	struct demand demand;
	struct idle idle;
	struct service_notify service;
	uv_loop_t loop;
	uv_timer_t sweep; /* when a generation has lost its last client */
	struct relay *relay;
	struct relay_options options; /* the relay's */
	struct inspect inspect;
	struct desk desk;
	struct web web, next_web; /* the latter: while a reload moves it */
	struct follow *follow; /* NULL: no interface is listened on by name */
	uv_signal_t signals[RUNNING_SIGNALS];
	struct log_signals log_signals;
	uv_timer_t leave;         /* runs when another one has taken over */
	struct takes takes;       /* where those that stay come from */
	struct listeners offered; /* they, and those of the one that we
				   * replace */
	char *replaced;           /* its status socket; NULL: none */
	size_t lent;              /* of those of offered that are its */
	bool busy;      /* when it ended: the resolver still worked for it */
	unsigned stops; /* SIGTERM and SIGINT so far */
	bool ending;    /* nobody is accepted any more */
	bool loading;   /* launchd loads it anew, which will end this one */
	uint64_t reloads, reloads_refused;
};

/* Put a generation into force that has been opened, in the place of what is
 * there, if anything is: all of it or nothing. All that is wrong is told to
 * mistake. Returns 0, or EXIT_USAGE or EXIT_RUNTIME; then next is as it was. */
int running_take_over(struct running *run, struct generation *next,
		      void (*mistake)(const char *text));

/* One that was opened in vain, from generation_open() on, is closed; what was
 * handed over for it is kept, for those that come after it. */
void running_give_up(struct running *run, struct generation *next);

/* Clients of all that b serves are to wait in the backlog, or no longer. */
void running_hold(struct running *run, const struct backend *b, bool hold);

/* Read the configuration again, and put it into force if nothing is wrong with
 * it; what is wrong is told to mistake, and changes nothing. Returns 0, or
 * EXIT_USAGE or EXIT_RUNTIME. */
int running_reload(struct running *run, void (*mistake)(const char *text));

/* Let it be asked how it is, on the status socket and over HTTP. Returns 0, or a
 * negative errno that has been said. */
int running_show(struct running *run);

/* next_web takes the place of web, or mistake is told why it cannot. */
void running_move_web(struct running *run, void (*mistake)(const char *text));

/* Open the log, or go over to another one. Returns false after telling mistake
 * why there is none, or why it stays as it was. */
bool running_open_log(const struct running *run, const struct config *c,
		      void (*mistake)(const char *text));

/* Get the sockets that c wants to be taken, for as long as this runs, or until
 * running_untake(). Returns false after saying which did not come. */
bool running_take(struct running *run, const struct config *c);
void running_untake(struct running *run);

/* g is what is served from now on: warn of those that it has not taken. */
void running_mark_taken(struct running *run, const struct generation *g);

/* Take the listeners of the lowport that c wants to be replaced; if there is
 * none, it is said, and all is well. Returns false after saying why not. */
bool running_replace(struct running *run, const struct config *c);

/* It has come to nothing: if c wanted one to be replaced, say how that stands. */
void running_not_replaced(const struct running *run, const struct config *c);

/* Ours serve: have it leave, unless it was another that we have nothing of. */
void running_replaced(struct running *run);

/* Accept no more, and let the clients that are there finish for so long. */
void running_drain(struct running *run, uint64_t grace_ms);

/* The same as running_reload(), with a word to the log and to the service
 * manager. */
int running_reload_aloud(struct running *run,
			 void (*mistake)(const char *text));

/* Free the generations whose last client has left, unless someone looks at
 * them: then later. */
void running_sweep(struct running *run);

#endif

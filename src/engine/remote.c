#include "engine/remote.h"

#include "os/sock.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* What is in the mail. An errand goes there and back, and so is both. */
enum {
	ORDER_OPEN,
	ORDER_CLOSE_ALL,
	ORDER_STOP,
	REPORT_ENDED,
	REPORT_FAILED,
	REPORT_STARVED,
	REPORT_NOTICE,
	ERRAND
};

/* From home to the worker. */
struct order {
	struct remote_letter letter;
	int fd;                   /* ORDER_OPEN */
	struct conn_origin from;  /* ORDER_OPEN */
	enum close_reason reason; /* ORDER_CLOSE_ALL */
};

/* From the worker to home; of a length that is there when it is needed. */
struct report {
	struct remote_letter letter;
	int err;
	const struct relay_route *route; /* REPORT_ENDED, REPORT_FAILED */
	uint32_t source;                 /* REPORT_FAILED */
	struct record what;              /* REPORT_ENDED */
	enum log_level level;            /* REPORT_NOTICE */
	char *text;                      /* REPORT_NOTICE; its own */
};

_Static_assert(sizeof(struct report) <= WORKER_MEMORY,
	       "an end is told in the memory of its connection");

/* What cannot be opened is reported in the letter that asked for it. */
union letters {
	struct order order;
	struct report report;
};

struct remote {
	/* Home's. */
	const struct remote_events *events;
	void *owner;
	uv_async_t reported; /* on home's loop */
	uv_thread_t thread;
	/* So that they never lack memory. */
	struct order stop, close_all;
	bool is_closing; /* close_all is on its way, or was */

	/* Under the lock. */
	uv_mutex_t lock;
	struct list orders, reports;

	/* The worker's. */
	uv_loop_t loop;
	uv_async_t ordered; /* on its loop */
	bool stuck;         /* the resolver still works for its loop */
	struct worker worker;
};

/* Move all of from, under the lock, to a list of one's own. */
static void take_all(struct remote *r, struct list *from, struct list *to)
{
	uv_mutex_lock(&r->lock);
	list_take(to, from);
	uv_mutex_unlock(&r->lock);
}

static void post(struct remote *r, struct list *to,
		 struct remote_letter *letter, uv_async_t *wake)
{
	list_init(&letter->node);
	uv_mutex_lock(&r->lock);
	list_append(to, &letter->node);
	uv_mutex_unlock(&r->lock);
	uv_async_send(wake);
}

static struct remote_letter *first(const struct list *letters)
{
	return list_entry(letters->next, struct remote_letter, node);
}

/* --- on the worker's thread --- */

/* Takes memory. */
static void report_in(void *memory, struct remote *r, const struct report *what)
{
	struct report *letter = memory;

	*letter = *what;
	post(r, &r->reports, &letter->letter, &r->reported);
}

/* False if there is no memory. */
static bool report(struct remote *r, const struct report *what)
{
	struct report *letter = malloc(sizeof(*letter));

	if (letter)
		report_in(letter, r, what);
	return letter;
}

/* It has to be told, or the count of connections would be wrong for good. */
static bool on_worker_ended(void *owner, const struct relay_route *route,
			    const struct record *what, void *memory)
{
	const struct report ended = {
		.letter.kind = REPORT_ENDED, .route = route, .what = *what};

	if (!memory)
		return report(owner, &ended);
	report_in(memory, owner, &ended);
	return true;
}

/* It will be said again if it lasts. */
static void on_worker_starved(void *owner, int err)
{
	report(owner,
	       &(struct report){.letter.kind = REPORT_STARVED, .err = err});
}

static void on_worker_notice(void *owner, enum log_level level,
			     const char *text)
{
	char *copy = strdup(text);

	if (copy &&
	    !report(owner, &(struct report){.letter.kind = REPORT_NOTICE,
					    .level = level,
					    .text = copy}))
		free(copy);
}

/* Not the end of the loop if the resolver works for it, but ours. */
static void on_ordered_closed(uv_handle_t *handle)
{
	struct remote *r = handle->data;

	watch_stop(&r->worker.watches);
}

static void on_worker_closed(void *owner)
{
	struct remote *r = owner;

	uv_close((uv_handle_t *)&r->ordered, on_ordered_closed);
}

static const struct worker_events worker_events = {
	.ended = on_worker_ended,
	.starved = on_worker_starved,
	.notice = on_worker_notice,
	.closed = on_worker_closed,
};

/* Takes o. */
static void open_one(struct remote *r, struct order *o)
{
	struct conn_origin from = o->from;
	int err = conn_open(&r->worker, o->fd, &from);

	if (err < 0)
		report_in(o, r,
			  &(struct report){.letter.kind = REPORT_FAILED,
					   .route = from.route,
					   .err = err,
					   .source = from.source});
	else
		free(o);
}

static void run_errand(struct remote *r, struct remote_letter *letter)
{
	struct remote_errand *e =
		list_entry(letter, struct remote_errand, letter);

	e->run(e, &r->worker);
	post(r, &r->reports, letter, &r->reported);
}

static void obey(struct remote *r, struct remote_letter *letter)
{
	struct order *o = list_entry(letter, struct order, letter);

	switch (letter->kind) {
	case ERRAND:
		run_errand(r, letter);
		return;
	case ORDER_STOP:
		conn_close_all(&r->worker, CLOSE_SHUTDOWN);
		worker_close(&r->worker);
		return;
	case ORDER_OPEN:
		open_one(r, o);
		break;
	case ORDER_CLOSE_ALL:
		conn_close_all(&r->worker, o->reason);
		break;
	}
}

static void on_ordered(uv_async_t *async)
{
	struct remote *r = async->data;
	struct list orders;

	take_all(r, &r->orders, &orders);
	while (!list_is_empty(&orders)) {
		struct remote_letter *letter = first(&orders);

		list_remove(&letter->node);
		obey(r, letter);
	}
}

static void run(void *data)
{
	struct remote *r = data;
	struct watch_running running;

	watch_run(&r->worker.watches, &running);
}

/* --- on home's thread --- */

static void tell(struct remote *r, struct report *what)
{
	switch (what->letter.kind) {
	case REPORT_ENDED:
		r->events->ended(r->owner, what->route, &what->what);
		break;
	case REPORT_FAILED:
		r->events->failed(r->owner, what->route, what->err,
				  what->source);
		break;
	case REPORT_STARVED:
		r->events->starved(r->owner, what->err);
		break;
	case REPORT_NOTICE:
		r->events->notice(r->owner, what->level, what->text);
		free(what->text);
		break;
	}
	free(what);
}

static void deliver(struct remote *r, struct remote_letter *letter)
{
	if (letter->kind == ERRAND) {
		struct remote_errand *e =
			list_entry(letter, struct remote_errand, letter);

		e->back(e);
	} else {
		tell(r, list_entry(letter, struct report, letter));
	}
}

static void on_reported(uv_async_t *async)
{
	struct remote *r = async->data;
	struct list reports;

	take_all(r, &r->reports, &reports);
	while (!list_is_empty(&reports)) {
		struct remote_letter *letter = first(&reports);

		list_remove(&letter->node);
		deliver(r, letter);
	}
}

static void order(struct remote *r, struct order *o)
{
	post(r, &r->orders, &o->letter, &r->ordered);
}

void remote_send(struct remote *r, struct remote_errand *e)
{
	e->letter.kind = ERRAND;
	post(r, &r->orders, &e->letter, &r->ordered);
}

int remote_give(struct remote *r, int fd, const struct conn_origin *from)
{
	union letters *l = malloc(sizeof(*l));

	if (!l) {
		sock_reset(fd);
		return -ENOMEM;
	}
	l->order = (struct order){
		.letter.kind = ORDER_OPEN,
		.fd = fd,
		.from = *from,
	};
	order(r, &l->order);
	return 0;
}

void remote_close_all(struct remote *r, enum close_reason reason)
{
	if (r->is_closing)
		return;
	r->is_closing = true;
	r->close_all = (struct order){
		.letter.kind = ORDER_CLOSE_ALL,
		.reason = reason,
	};
	order(r, &r->close_all);
}

static int start_loop(struct remote *r, const struct relay_options *opt,
		      struct commons *commons)
{
	int err = uv_loop_init(&r->loop);

	if (err < 0)
		return err;
	err = uv_async_init(&r->loop, &r->ordered, on_ordered);
	if (err < 0)
		goto close_loop;
	err = worker_init(&r->worker, &r->loop, opt, commons, &worker_events,
			  r);
	if (err < 0)
		goto close_async;
	conn_queues(&r->worker);
	return 0;

close_async:
	uv_close((uv_handle_t *)&r->ordered, NULL);
	uv_run(&r->loop, UV_RUN_DEFAULT);
close_loop:
	uv_loop_close(&r->loop);
	return err;
}

/* What start_loop() made, when no thread runs it. */
static void stop_loop(struct remote *r)
{
	worker_close(&r->worker);
	uv_run(&r->loop, UV_RUN_DEFAULT);
	uv_loop_close(&r->loop);
}

int remote_start(struct remote **out, uv_loop_t *home,
		 const struct relay_options *opt, struct commons *commons,
		 const struct remote_events *events, void *owner)
{
	struct remote *r = calloc(1, sizeof(*r));
	int err = -ENOMEM;

	if (!r)
		return err;
	r->events = events;
	r->owner = owner;
	list_init(&r->orders);
	list_init(&r->reports);
	err = uv_mutex_init(&r->lock);
	if (err < 0)
		goto free_remote;
	err = start_loop(r, opt, commons);
	if (err < 0)
		goto destroy_lock;
	r->ordered.data = r;
	err = uv_thread_create(&r->thread, run, r);
	if (err < 0)
		goto stop_loop;
	/* Last: its closing is not immediate. The thread has nothing to say
	 * before it has been given something. */
	err = uv_async_init(home, &r->reported, on_reported);
	if (err < 0)
		goto join_thread;
	r->reported.data = r;
	*out = r;
	return 0;

join_thread:
	r->stop.letter.kind = ORDER_STOP;
	order(r, &r->stop);
	uv_thread_join(&r->thread);
	uv_loop_close(&r->loop);
	goto destroy_lock;
stop_loop:
	stop_loop(r);
destroy_lock:
	uv_mutex_destroy(&r->lock);
free_remote:
	free(r);
	return err;
}

/* The resolver writes to the loop when it is through, so that has to stay. */
static void on_home_closed(uv_handle_t *handle)
{
	struct remote *r = handle->data;

	if (!r->stuck)
		free(r);
}

int remote_stop(struct remote *r)
{
	r->stop.letter.kind = ORDER_STOP;
	order(r, &r->stop);
	uv_thread_join(&r->thread);
	on_reported(&r->reported);
	r->stuck = uv_loop_close(&r->loop) < 0;
	uv_mutex_destroy(&r->lock);
	uv_close((uv_handle_t *)&r->reported, on_home_closed);
	return r->stuck ? -EBUSY : 0;
}

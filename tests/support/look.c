#include "look.h"

#include "peer.h"

#include <pthread.h>
#include <stdlib.h>

#include "cm.h"

enum { STEP_MS = 5 };

struct question {
	struct look *out;
	uint64_t id;
	bool found;
	int err;
	pthread_mutex_t lock; /* for the answer */
	pthread_cond_t changed;
	bool answered;
};

static void on_each(void *data, const struct relay_connection *c)
{
	struct question *q = data;

	assert_true(q->out->count < LOOK_MOST);
	q->out->at[q->out->count++] = *c;
}

static void on_done(void *data, int err)
{
	struct question *q = data;

	pthread_mutex_lock(&q->lock);
	assert_false(q->answered);
	q->answered = true;
	q->err = err;
	pthread_cond_signal(&q->changed);
	pthread_mutex_unlock(&q->lock);
}

static void on_reset(void *data, bool found)
{
	struct question *q = data;

	q->found = found;
	on_done(data, 0);
}

static void do_list(struct rig *r, void *data)
{
	assert_int_equal(
		relay_connections(rig_relay(r), on_each, on_done, data), 0);
}

static void do_reset(struct rig *r, void *data)
{
	struct question *q = data;

	assert_int_equal(relay_reset(rig_relay(r), q->id, on_reset, q), 0);
}

static void ask(struct rig *r, void (*what)(struct rig *r, void *data),
		struct question *q)
{
	pthread_mutex_init(&q->lock, NULL);
	pthread_cond_init(&q->changed, NULL);
	rig_call(r, what, q);
	pthread_mutex_lock(&q->lock);
	while (!q->answered)
		pthread_cond_wait(&q->changed, &q->lock);
	pthread_mutex_unlock(&q->lock);
	assert_int_equal(q->err, 0);
	pthread_cond_destroy(&q->changed);
	pthread_mutex_destroy(&q->lock);
}

static int by_id(const void *a, const void *b)
{
	const struct relay_connection *first = a, *second = b;

	return first->id < second->id ? -1 : first->id > second->id;
}

void look_connections(struct rig *r, struct look *out)
{
	struct question q = {.out = out};

	out->count = 0;
	ask(r, do_list, &q);
	qsort(out->at, out->count, sizeof(out->at[0]), by_id);
}

struct relay_connection look_phase(struct rig *r, enum relay_phase phase)
{
	uint64_t until_ms = rig_now_ms() + PEER_PATIENCE_MS;
	struct look seen;

	for (;;) {
		look_connections(r, &seen);
		if (seen.count == 1 && seen.at[0].phase == phase)
			return seen.at[0];
		assert_true(rig_now_ms() < until_ms);
		rig_wait_ms(STEP_MS);
	}
}

bool look_reset(struct rig *r, uint64_t id)
{
	struct question q = {.id = id};

	ask(r, do_reset, &q);
	return q.found;
}

struct state_call {
	int fd;
	enum relay_listener_state state;
};

static void do_state(struct rig *r, void *data)
{
	struct state_call *c = data;

	c->state = relay_listener_state(rig_relay(r), c->fd);
}

enum relay_listener_state look_listener(struct rig *r, int fd)
{
	struct state_call c = {.fd = fd};

	rig_call(r, do_state, &c);
	return c.state;
}

struct relay_backend_stats look_failed(const struct relay_backend *b,
				       uint64_t failed)
{
	uint64_t until_ms = rig_now_ms() + PEER_PATIENCE_MS;
	struct relay_backend_stats s;

	relay_backend_stats(b, &s);
	while (s.failed < failed && rig_now_ms() < until_ms) {
		rig_wait_ms(STEP_MS);
		relay_backend_stats(b, &s);
	}
	assert_true(s.failed >= failed);
	return s;
}

struct relay_backend_stats look_ended(const struct relay_backend *b,
				      uint64_t ended)
{
	uint64_t until_ms = rig_now_ms() + PEER_PATIENCE_MS;
	struct relay_backend_stats s;

	relay_backend_stats(b, &s);
	while (s.total - s.open < ended && rig_now_ms() < until_ms) {
		rig_wait_ms(STEP_MS);
		relay_backend_stats(b, &s);
	}
	assert_true(s.total - s.open >= ended);
	return s;
}

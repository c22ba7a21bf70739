#include "engine/conn_state.h"

static enum relay_phase phase_of(const struct conn *c)
{
	if (c->state == HEADER)
		return PHASE_HEADER;
	if (c->state == DIALING)
		return PHASE_DIALING;
	if (c->pump[CLIENT].src_ended || c->lost == CLIENT)
		return PHASE_CLIENT_ENDED;
	if (c->pump[BACKEND].src_ended || c->lost == BACKEND)
		return PHASE_BACKEND_ENDED;
	return PHASE_RELAYING;
}

static uint64_t idle_ms(const struct conn *c, uint64_t now_ms)
{
	uint64_t age_ms = now_ms - c->started_ms;
	uint32_t ticks = conn_ticks(now_ms) - c->moved_ticks;
	uint64_t ms = (uint64_t)ticks * CONN_TICK_MS;

	/* A tick may be younger than what it stands for. */
	return ms < age_ms ? ms : age_ms;
}

static void describe(const struct conn *c, struct relay_connection *out)
{
	uint64_t now_ms = uv_now(c->worker->loop);

	*out = (struct relay_connection){
		.id = c->id,
		.route = c->route,
		.chosen = conn_backend(c),
		.phase = phase_of(c),
		.client = c->client,
		.local = conn_local(c),
		.backend = c->backend,
		.age_ms = now_ms - c->started_ms,
		.idle_ms = idle_ms(c, now_ms),
		.up = c->pump[CLIENT].moved,
		.down = c->pump[BACKEND].moved,
	};
}

void conn_list(struct worker *w,
	       void (*each)(void *data, const struct relay_connection *c),
	       void *data)
{
	struct relay_connection one;
	struct list *pos;

	list_for_each (pos, &w->conns) {
		describe(list_entry(pos, struct conn, node), &one);
		each(data, &one);
	}
}

bool conn_kill(struct worker *w, uint64_t id)
{
	struct list *pos;

	list_for_each (pos, &w->conns) {
		struct conn *c = list_entry(pos, struct conn, node);

		if (c->id != id)
			continue;
		conn_close(c, CLOSE_KILLED);
		return true;
	}
	return false;
}

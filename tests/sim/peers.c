#include "sim/files.h"

#include "base/proxy.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Clients, backends, and the program around the engine. */

enum {
	CONTROLS = 6,
	SIGNATURE = 12 /* bytes of a header that cannot be otherwise */
};

static uint64_t some_bytes(void)
{
	static const uint32_t most[] = {1, 100, 20000, 200000, 3000000};

	return choose(most[choose(5)] + 1);
}

void peers_begin(struct sock *s, uint32_t stream)
{
	static const size_t rooms[] = {1 << 20, 4096, 40000, 300000};
	static const enum ending endings[] = {ENDS,   ENDS,   ENDS,
					      CLOSES, RESETS, IS_SILENT};

	s->stream = stream;
	s->in_room = rooms[choose(4)];
	s->out_room = rooms[choose(4)];
	s->to_send = some_bytes();
	s->ending = endings[choose(6)];
	s->reads_late = one_in(6);
	s->reads_never = one_in(12);
}

/* A header that a front sends; or something that is none. */
static void introduce(struct sock *s)
{
	enum proxy_version version = one_in(2) ? PROXY_V2 : PROXY_V1;
	struct addr from = s->remote;

	from.ip[0] = 192;
	s->prefix_size = proxy_print(s->in_prefix, version, &from, &s->local);
	if (one_in(8))
		s->in_prefix[choose(SIGNATURE)] ^= 0x80;
	s->to_send += one_in(8) ? 0 : s->prefix_size;
}

static void come(void)
{
	struct link *l = &world.links[world.link_count];
	struct sock *s = &l->client;

	*l = (struct link){.id = world.link_count, .half_ms = UINT64_MAX};
	s->link = l;
	s->fd = -1;
	s->which = -1;
	s->urgent = UINT64_MAX;
	s->state = OPEN;
	s->local = world.listener.local;
	s->remote = (struct addr){.family = AF_INET,
				  .port = (uint16_t)(CLIENT_PORT + l->id)};
	s->remote.ip[0] = 10;
	s->remote.ip[3] = (uint8_t)(1 + choose(3));
	peers_begin(s, (uint32_t)l->id * 7919 + choose(1000));
	if (world.route[world.route_in_use].front_count > 0)
		introduce(s);
	world.link_count++;
	world.backlog[world.waiting++] = l;
	kernel_wake(&world.listener, EPOLLIN);
	world_trace("client %d comes", l->id);
}

static void decide(struct sock *s)
{
	if (world.mode[s->which] == SERVES && !world.winding_down) {
		s->state = OPEN;
		world_trace("%d is connected", s->fd);
	} else if (world.mode[s->which] == SERVES && !one_in(4)) {
		s->state = OPEN;
	} else {
		s->state = DEAD;
		s->error = ECONNREFUSED;
		sim_seen.refused++;
		world_trace("%d is refused", s->fd);
	}
	kernel_wake(s, 0);
}

static void end(struct sock *s)
{
	enum ending how = s->ending;

	if (how == IS_SILENT)
		how = one_in(2) ? RESETS : ENDS;
	if (how == RESETS) {
		world_trace("peer of %d resets", s->fd);
		stream_reset(s);
		return;
	}
	world_trace("peer of %d %s", s->fd, how == CLOSES ? "closes" : "ends");
	s->closed = how == CLOSES;
	s->owes_reset = s->closed && s->out_at < s->out_end;
	stream_end(s);
}

static bool say(struct sock *s)
{
	uint64_t unread = s->in_end - s->in_at, n = 1 + some_bytes();

	if (s->in_fin || s->to_send == 0 || unread >= s->in_room)
		return false;
	if (n > s->to_send)
		n = s->to_send;
	if (n > s->in_room - unread)
		n = s->in_room - unread;
	if (one_in(16) && s->in_end >= s->prefix_size) {
		sim_seen.urgent++;
		stream_send(s, n, true);
	} else {
		stream_send(s, n, false);
	}
	world_trace("peer of %d sends %llu", s->fd, (unsigned long long)n);
	return true;
}

static bool take(struct sock *s)
{
	uint64_t n = s->out_end - s->out_at;

	if (n == 0 || s->closed)
		return false;
	if (!world.winding_down &&
	    (s->reads_never || (s->reads_late && !s->in_fin)))
		return false;
	if (n > 1 && one_in(3))
		n = 1 + choose((uint32_t)n);
	stream_take(s, n);
	world_trace("peer of %d takes %llu", s->fd, (unsigned long long)n);
	return true;
}

/* The peer does one thing. Returns false if it has nothing to do. */
static bool act(struct sock *s)
{
	bool quiet;

	if (s->gone || s->did_reset || s->was_reset)
		return false;
	if (s->state == CONNECTING && (!s->silent || world.winding_down)) {
		decide(s);
		return true;
	}
	if (s->state != OPEN)
		return false;
	if (s->owes_reset) {
		world_trace("peer of %d resets, for it has closed", s->fd);
		stream_reset(s);
		return true;
	}
	if (one_in(200)) {
		s->ending = RESETS;
		end(s);
		return true;
	}
	if (world.winding_down)
		s->to_send = 0;
	if (one_in(2) ? say(s) || take(s) : take(s) || say(s))
		return true;
	quiet = s->ending == IS_SILENT && !world.winding_down;
	if (s->in_fin || s->to_send > 0 || quiet)
		return false;
	end(s);
	return true;
}

static bool change_mode(void)
{
	uint32_t i = choose((uint32_t)world.route[0].count);

	if (world.winding_down || !one_in(30))
		return false;
	world.mode[i] = choose(3);
	world_trace("backend %u: %d", i, (int)world.mode[i]);
	return true;
}

static bool want_control(void)
{
	if (world.control_due || world.freed || world.winding_down ||
	    !one_in(40))
		return false;
	world.control_due = true;
	return true;
}

/* Of the peers, whoever it hits first and has something to do. */
static bool one_acts(void)
{
	int count = world.link_count + world.backend_count;
	int first = count > 0 ? (int)choose((uint32_t)count) : 0;

	for (int i = 0; i < count; i++) {
		int at = (first + i) % count;
		struct sock *s =
			at < world.link_count
				? &world.links[at].client
				: world.backends[at - world.link_count];

		if (act(s))
			return true;
	}
	return false;
}

bool peers_act(void)
{
	int left = world.links_begun - world.link_count;

	if (left > 0 && !world.winding_down && !world.listener.gone &&
	    one_in((uint32_t)(1 + world.link_count))) {
		come();
		return true;
	}
	if (change_mode() || want_control())
		return true;
	if (loop_lookups() > 0 && (one_in(4) || world.winding_down) &&
	    loop_answer())
		return true;
	if (one_acts())
		return true;
	if (left > 0 && !world.winding_down && !world.listener.gone) {
		come();
		return true;
	}
	return loop_answer();
}

/* --- what the program does --- */

static bool is_all_over(void)
{
	for (int i = 0; i < world.link_count; i++)
		if (world.links[i].accepted && !world.links[i].ended)
			return false;
	return world.waiting == 0;
}

bool peers_are_through(void)
{
	return (world.link_count == world.links_begun || world.winding_down) &&
	       is_all_over();
}

static void on_killed(void *data, bool found)
{
	const size_t *before = data;

	sim_seen.killed += found;
	if (world.open + found != *before)
		world_failed("%zu connections, one killed: %zu", *before,
			     world.open);
}

static void count(void *data, const struct relay_connection *c)
{
	size_t *n = data;

	if (c->id == 0)
		world_failed("a connection without an id");
	(*n)++;
}

static void on_counted(void *data, int err)
{
	size_t *n = data;

	if (err < 0 || *n != world.open)
		world_failed("%zu connections are told, there are %zu", *n,
			     world.open);
}

static void on_drained(void *data)
{
	(void)data;
	if (world.drained)
		world_failed("it is drained twice");
	if (world.open > 0)
		world_failed("it is drained with %zu connections", world.open);
	world_trace("drained");
	world.drained = true;
}

static void drain(uint64_t grace_ms)
{
	world.draining = true;
	sim_seen.drained++;
	world_trace("drain: %llu ms", (unsigned long long)grace_ms);
	relay_drain(world.relay, grace_ms, on_drained);
}

void world_free_relay(void)
{
	int err;

	world.freed = true;
	world.draining = true;
	sim_seen.freed += world.open > 0;
	world_trace("free");
	err = relay_free(world.relay);
	if ((err == -EBUSY) != (loop_lookups() > 0))
		world_failed("relay_free() says %d", err);
}

static const uint64_t graces[] = {0, 300, 100000};

/* The last things. */
static bool leave(void)
{
	if (world.drained && !world.freed && !world.by_relay_run) {
		world_free_relay();
		return true;
	}
	if (world.draining || (!is_all_over() && !world.winding_down))
		return false;
	if (world.held) {
		world.held = false;
		relay_hold(world.relay, &world.route[world.route_in_use],
			   false);
		return true;
	}
	if (is_all_over() || one_in(2)) {
		drain(graces[choose(3)]);
		return true;
	}
	if (one_in(4)) {
		world_free_relay();
		return true;
	}
	return false;
}

static void change_route(void)
{
	int to = !world.route_in_use, err;

	err = relay_reroute(world.relay, world.listener.fd, &world.route[to]);
	if (err < 0)
		world_failed("relay_reroute() says %d", err);
	world.route_in_use = to;
	/* A route is held while a listener has it. */
	world.held = false;
	sim_seen.rerouted++;
	world_trace("rerouted");
}

void peers_control(void)
{
	size_t n = 0;
	uint32_t which;

	world.control_due = false;
	if (world.freed || leave() || world.draining)
		return;
	switch (choose(CONTROLS)) {
	case 0:
		relay_connections(world.relay, count, on_counted, &n);
		break;
	case 1:
		if (world.link_count == 0)
			break;
		which = choose((uint32_t)world.link_count);
		world_trace("kill %u", which + 1);
		n = world.open;
		for (int i = 0; i < world.link_count; i++)
			world.links[i].killed |= world.links[i].accepted;
		relay_reset(world.relay, which + 1, on_killed, &n);
		break;
	case 2:
		change_route();
		break;
	case 3:
		world.held = !world.held;
		world_trace("held: %d", world.held);
		relay_hold(world.relay, &world.route[world.route_in_use],
			   world.held);
		break;
	case 4:
		if (one_in(8))
			drain(graces[choose(3)]);
		break;
	default:
		if (one_in(8))
			world_free_relay();
	}
}

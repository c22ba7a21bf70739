#include "sim/sim.h"

#include "sim/files.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* One world. */

/* No world is older. */
enum { BEGIN_MS = 1000000, FOR_EVER_MS = 100000000 };

struct world world;
struct sim_seen sim_seen;

void world_failed(const char *how, ...)
{
	char text[256];
	va_list args;

	va_start(args, how);
	vsnprintf(text, sizeof(text), how, args);
	va_end(args);
	world_trace("FAILED: %s", text);
	world.sim->failed(world.sim->data, text);
	abort();
}

void world_trace(const char *how, ...)
{
	va_list args;

	if (!world.sim->trace)
		return;
	fprintf(world.sim->trace, "%8" PRIu64 " ", world.now_ms);
	va_start(args, how);
	vfprintf(world.sim->trace, how, args);
	va_end(args);
	fputc('\n', world.sim->trace);
}

uint32_t choose(uint32_t below)
{
	return below > 1 ? world.sim->choose(world.sim->data, below) : 0;
}

bool one_in(uint32_t n)
{
	return choose(n) == n - 1;
}

static void count_step(void)
{
	sim_seen.steps++;
	if (world.winding_down ||
	    (++world.steps < world.steps_most && !peers_are_through()))
		return;
	world.winding_down = true;
	world_trace("winding down");
	world.control_due = !world.freed;
}

void world_call(void)
{
	static bool inside;

	if (inside || world.busy == 0 || !one_in(world.busy))
		return;
	inside = true;
	count_step();
	peers_act();
	inside = false;
}

static void pass(uint64_t until_ms)
{
	static const uint32_t some[] = {UINT32_MAX, 1, 20, 300};
	uint64_t ms = some[choose(4)];

	/* Nobody waits for ever for something that does not come. */
	if (until_ms == UINT64_MAX && ms == UINT32_MAX)
		ms = 1000;
	world.now_ms =
		ms > until_ms - world.now_ms ? until_ms : world.now_ms + ms;
}

static bool is_time_to_leave(void)
{
	return world.winding_down && !world.draining &&
	       (peers_are_through() || one_in(4));
}

void world_wait(int timeout_ms, bool (*is_awaited)(void))
{
	uint64_t until_ms = timeout_ms < 0
				    ? UINT64_MAX
				    : world.now_ms + (uint64_t)timeout_ms;

	while (world.now_ms < until_ms) {
		if (is_awaited()) {
			if (!one_in(3))
				return;
		} else {
			check_waiting();
		}
		count_step();
		if (!one_in(4) && peers_act())
			continue;
		if (is_awaited())
			return;
		if (is_time_to_leave()) {
			world.control_due = true;
			return;
		}
		if (world.now_ms > FOR_EVER_MS)
			world_failed("stuck");
		pass(until_ms);
	}
}

static void on_ended(void *data, const struct record *r)
{
	(void)data;
	check_record(r);
}

static void on_left(void *data, const struct relay_route *route,
		    const struct record *what)
{
	(void)data;
	if (!what ||
	    route != world.links[what->client.port - CLIENT_PORT].route)
		world_failed("someone has left by another route");
	world.open--;
}

static void on_notice(void *data, enum log_level level, const char *text)
{
	(void)data;
	(void)level;
	world_trace("notice: %s", text);
}

bool netif_is_local(const struct addr *a);

bool netif_is_local(const struct addr *a)
{
	return addr_is_loopback(a);
}

static uint64_t some_ms(void)
{
	static const uint64_t times[] = {0, 50, 400, 5000, 60000};

	return times[choose(5)];
}

static void set_route(struct relay_route *route)
{
	static const struct cidr clients = {
		.base = {.family = AF_INET, .ip = {10}}, .bits = 8};

	relay_route_defaults(route);
	route->backends = world.at;
	route->count = 1 + choose(BACKENDS_MOST_SIM);
	route->idle_timeout_ms = some_ms();
	route->half_close_timeout_ms = some_ms();
	route->connect_timeout_ms = 100 + some_ms();
	route->proxy_timeout_ms = 100 + some_ms();
	route->wait_for_backend_ms = one_in(3) ? some_ms() : 0;
	route->send_proxy = one_in(4) ? PROXY_V1 + choose(2) : PROXY_NONE;
	if (one_in(5)) {
		route->fronts = &clients;
		route->front_count = 1;
	}
}

static void set_up(void)
{
	struct relay_options *opt = &world.options;

	for (int i = 0; i < BACKENDS_MOST_SIM; i++) {
		struct relay_backend *b = &world.at[i];

		b->tally = &world.tally[i];
		b->addr = (struct addr){.family = AF_INET,
					.port = (uint16_t)(BACKEND_PORT + i)};
		b->addr.ip[0] = 127;
		b->addr.ip[3] = 1;
		b->host = one_in(5) ? "a.name.example" : NULL;
		world.mode[i] = one_in(6) ? choose(3) : SERVES;
	}
	set_route(&world.route[0]);
	set_route(&world.route[1]);
	/* One array of backends is one group. */
	world.route[1].count = world.route[0].count;
	relay_defaults(opt, 1024);
	opt->max_connections = 1 + choose(LINKS_MOST);
	opt->max_pipes = choose(4);
	opt->max_waiting = 1 + choose(4);
	opt->ended = on_ended;
	opt->left = on_left;
	opt->notice = on_notice;
	world.links_begun = 1 + (int)choose(LINKS_MOST);
	world.steps_most = 200 + choose(3000);
	world.shortages = one_in(4) ? 2 + choose(30) : 0;
	world.busy = one_in(2) ? 2 + choose(30) : 0;
	world.by_relay_run = one_in(2);
}

void sim_run(const struct sim *sim)
{
	struct sock *l;
	int err;

	memset(&world, 0, sizeof(world));
	world.sim = sim;
	world.now_ms = BEGIN_MS;
	kernel_begin();
	loop_begin();
	set_up();
	if (relay_new(&world.relay, &world.loop, &world.options) < 0)
		world_failed("relay_new()");
	l = kernel_new_listener();
	err = relay_listen(world.relay, l->fd, &l->local, &world.route[0]);
	if (err < 0)
		world_failed("relay_listen() says %d", err);
	if (world.by_relay_run) {
		relay_run(world.relay);
		if (!world.drained && !world.freed)
			world_failed("relay_run() has returned early");
		if (!world.freed)
			world_free_relay();
	}
	uv_run(&world.loop, UV_RUN_DEFAULT);
	if (!world.freed && !world.drained)
		world_failed("nothing keeps the loop alive");
	if (!world.freed) {
		world_free_relay();
		uv_run(&world.loop, UV_RUN_DEFAULT);
	}
	check_all_over();
	loop_end();
	kernel_end();
}

/*
 * A lowport that only shows itself: what it tells is made up, and moves.
 * usage: control_shown WHERE [--draining] [--dead] [--late MS] [--patience MS]
 *        [--connections N] [--host NAME]
 * Prints "serving WHERE", at the end "took N". SIGTERM ends it.
 */
#include "base/num.h"
#include "control/http.h"
#include "os/listen.h"
#include "os/proc.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RELAYS = 3, CONNECTIONS_MOST = 20000, NAME_TEXT = 32 };

static uv_loop_t loop;
static struct http *http;
static uv_timer_t late;
static uint64_t begun_ms, took, late_ms;
static size_t connection_count = 12;
static bool draining, dead;
static struct snapshot_connection connections[CONNECTIONS_MOST];

static void (*pending)(void *context, const struct snapshot *s);
static void *pending_context;

static struct addr at(const char *text)
{
	struct addr a = {0};

	if (text[0] == '/') {
		a.family = AF_UNIX;
		a.path = text;
	} else {
		addr_parse(&a, text);
	}
	return a;
}

static struct stats stats_at(uint64_t ms)
{
	struct stats s = {.open = connection_count,
			  .accepted = ms / 10,
			  .up = ms * 90,
			  .down = ms * 1500 + ms / 9000 * 5000000 +
				  (ms % 9000) * (ms % 9000) / 20,
			  .refused = 7,
			  .pauses = 1,
			  .turned_away = 2};

	s.ended[CLOSE_DONE] = ms / 12;
	s.ended[CLOSE_IDLE] = 12;
	s.ended[CLOSE_CLIENT_RESET] = 31;
	s.refused_for[REFUSED_DENIED] = 5;
	s.refused_for[REFUSED_RATE] = 2;
	return s;
}

static struct relay_connection connection_at(uint64_t i, uint64_t ms)
{
	char client[NAME_TEXT];

	snprintf(client, sizeof(client), "192.0.2.%u:%u",
		 (unsigned)(i * 37 % 250 + 1), (unsigned)(40000 + i));
	return (struct relay_connection){
		.id = i + 1,
		.phase = (enum relay_phase)(i * 7 % PHASES),
		.client = at(client),
		.local = at("127.0.0.1:80"),
		.backend = at(i % 4 == 3 ? "/run/app/<i>app</i>.sock"
					 : "127.0.0.1:8080"),
		.age_ms = ms + i * i * 700,
		.idle_ms = i * 13,
		.up = i * 700,
		.down = (connection_count - i) * 4000 + ms * i * 50};
}

static void tell(void (*ready)(void *context, const struct snapshot *s),
		 void *context, bool with_connections)
{
	static const char *const names[RELAYS] = {
		"web", "<img src=x onerror=alert(1)>",
		"git of \"the\" 'team' \\ &amp;"};
	uint64_t ms = uv_now(&loop) - begun_ms + 100000;
	enum relay_listener_state alive = dead ? LISTENER_DEAD : LISTENER_OPEN;
	struct snapshot_listener listeners[] = {
		{at("127.0.0.1:80"), "127.0.0.1:80", alive},
		{at("[::1]:80"), "systemd:web", alive},
		{at("10.8.0.2:80"), "if:wg0:80",
		 dead ? LISTENER_DEAD : LISTENER_PAUSED},
		{at("/run/lowport/git.sock"), "unix:/run/lowport/git.sock",
		 LISTENER_DEAD}};
	struct snapshot_backend backends[] = {
		{"127.0.0.1:8080",
		 {BACKEND_UP, 0, ms / 10, 0, 0, ms * 60, ms * 1000},
		 8},
		{"app.local:8080",
		 {BACKEND_DOWN, -ECONNREFUSED, 3, 12, 0, 512, 2048},
		 0},
		{"unix:/run/app/<i>app</i>.sock",
		 {BACKEND_UP, 0, 120, 1, 0, ms * 30, ms * 500},
		 4},
		{"[::1]:9418", {BACKEND_UNTRIED, 0, 0, 0, 0, 0, 0}, 0}};
	struct snapshot_relay relays[RELAYS] = {
		{names[0], listeners, 2, backends, 2, stats_at(ms)},
		{names[1], listeners + 2, 1, backends + 2, 1, {0}},
		{names[2], listeners + 3, 1, backends + 3, 1, {0}}};
	struct snapshot s = {
		.version = "1.2.3",
		.pid = 4711,
		.now_ms = 1700000000000 + ms,
		.uptime_ms = ms,
		.config = "/etc/lowport/lowport.conf",
		.reloads = 2,
		.draining = draining,
		.sandbox = "seccomp and Landlock",
		.workers = 2,
		.connections_most = 1000,
		.descriptors_most = 4096,
		.stats = stats_at(ms),
		.relays = relays,
		.relay_count = RELAYS,
		.connections = with_connections ? connections : NULL,
		.connection_count = with_connections ? connection_count : 0};

	for (size_t i = 0; i < s.connection_count; i++)
		connections[i] = (struct snapshot_connection){
			names[i % RELAYS], connection_at(i, ms)};
	ready(context, &s);
}

static void on_late(uv_timer_t *timer)
{
	void *context = pending_context;

	(void)timer;
	pending_context = NULL; /* a leak would be one */
	tell(pending, context, true);
}

static void take(void *data, bool with_connections,
		 void (*ready)(void *context, const struct snapshot *s),
		 void *context)
{
	(void)data;
	took++;
	if (late_ms == 0) {
		tell(ready, context, with_connections);
		return;
	}
	pending = ready;
	pending_context = context;
	uv_timer_start(&late, on_late, late_ms, 0);
}

static void on_end(uv_signal_t *handle, int number)
{
	(void)number;
	http_close(http);
	http = NULL; /* likewise */
	uv_close((uv_handle_t *)handle, NULL);
}

static uint64_t number(const char *text)
{
	uint64_t n;

	if (!text || num_parse(text, 10, 0, CONNECTIONS_MOST, &n) < 0)
		exit(2);
	return n;
}

static void read_options(char *argv[], struct http_options *opt, char **host)
{
	for (; *argv; argv++) {
		if (strcmp(*argv, "--draining") == 0)
			draining = true;
		else if (strcmp(*argv, "--dead") == 0)
			dead = true;
		else if (strcmp(*argv, "--late") == 0)
			late_ms = number(*++argv);
		else if (strcmp(*argv, "--patience") == 0)
			opt->request_ms = number(*++argv);
		else if (strcmp(*argv, "--connections") == 0)
			connection_count = (size_t)number(*++argv);
		else if (strcmp(*argv, "--host") == 0 && argv[1])
			*host = *++argv;
		else
			exit(2);
	}
	if (*host) {
		opt->hosts = host;
		opt->host_count = 1;
	}
}

static void listen_at(const char *where, struct listeners *out)
{
	bool path = strncmp(where, "unix:", 5) == 0;
	struct listen_request want = {.text = where,
				      .addr = at(path ? where + 5 : where),
				      .mode = 0600,
				      .backlog = 128};
	struct fault why;

	if ((path ? listen_open_unix : listen_open_bind)(&want, out, &why) == 0)
		return;
	fprintf(stderr, "%s\n", why.text);
	exit(1);
}

int main(int argc, char *argv[])
{
	struct http_options opt = {.request_ms = HTTP_REQUEST_MS};
	struct listeners listeners = {0};
	char text[ADDR_TEXT];
	char *host = NULL;
	uv_signal_t end;
	int err;

	if (argc < 2)
		return 2;
	proc_ignore_sigpipe();
	read_options(argv + 2, &opt, &host);
	listen_at(argv[1], &listeners);
	uv_loop_init(&loop);
	begun_ms = uv_now(&loop);
	uv_timer_init(&loop, &late);
	uv_signal_init(&loop, &end);
	uv_signal_start(&end, on_end, SIGTERM);
	opt.fd = listeners.at[0].fd;
	opt.at = listeners.at[0].addr;
	opt.source.take = take;
	err = http_open(&http, &loop, &opt);
	if (err < 0) {
		fprintf(stderr, "%s\n", uv_strerror(err));
		return 1;
	}
	listeners.at[0].fd = -1;
	fprintf(stderr, "serving %s\n", addr_print(&opt.at, text));
	uv_run(&loop, UV_RUN_DEFAULT);
	listen_close(&listeners, 0);
	uv_close((uv_handle_t *)&late, NULL);
	uv_run(&loop, UV_RUN_DEFAULT);
	uv_loop_close(&loop);
	fprintf(stderr, "took %" PRIu64 "\n", took);
	return 0;
}

#include "config/check.h"

#include "config/command.h"

#include <string.h>

typedef bool (*kind)(const char *prefix);

static bool has_source(const struct config_group *g, kind is)
{
	for (size_t i = 0; i < g->listener_count; i++)
		if (is(g->listeners[i].source->prefix))
			return true;
	return false;
}

static bool is_unix(const char *prefix)
{
	return strcmp(prefix, "unix") == 0;
}

static bool is_not_unix(const char *prefix)
{
	return !is_unix(prefix);
}

static bool is_ours(const char *prefix)
{
	return prefix[0] == '\0' || strcmp(prefix, "only") == 0 ||
	       strcmp(prefix, "if") == 0 || is_unix(prefix);
}

/* An option that can only have an effect where there is a listener of a kind. */
struct effect {
	const char *option;
	kind wanted;
	const char *text;
};

static const char no_address[] =
	"every listener is a unix:/path, and its clients have no address "
	"(--unix-mode says who may connect)";

static const struct effect effects[] = {
	{"unix-mode", is_unix,
	 "no listener is a unix:/path that it could apply to"},
	{"allow", is_not_unix, no_address},
	{"deny", is_not_unix, no_address},
	{"max-connections-per-source", is_not_unix, no_address},
	{"max-rate", is_not_unix, no_address},
	{"backlog", is_ours,
	 "every listener is handed over; its backlog is set where it is made"},
};

static const struct position *given(const struct settings *s, const char *name)
{
	const struct position *p = &s->given[option_find(name) - options];

	return p->line > 0 ? p : NULL;
}

/* Of a group; or, with g NULL, of all. */
static bool listens_so(const struct config *c, const struct config_group *g,
		       kind is)
{
	bool any = false;

	if (g)
		return g->listener_count == 0 || has_source(g, is);
	for (size_t i = 0; i < c->group_count; i++) {
		any = any || has_source(&c->groups[i], is);
		if (c->groups[i].trouble.listener)
			return true;
	}
	return any || c->group_count == 0;
}

static bool has_command(const struct config *c, const struct config_group *g)
{
	if (g)
		return g->command || g->trouble.command;
	for (size_t i = 0; i < c->group_count; i++)
		if (has_command(c, &c->groups[i]))
			return true;
	return c->trouble.command;
}

static bool believes_someone(const struct config *c,
			     const struct config_group *g)
{
	const struct settings *s = g ? &g->settings : &c->defaults;

	if (s->front_count > 0 || s->unix_fronts || given(s, "accept-proxy"))
		return true;
	for (size_t i = 0; i < c->group_count && !g; i++)
		if (believes_someone(c, &c->groups[i]))
			return true;
	return false;
}

/* Its socket file has the mode of the defaults. */
static bool shows_on_unix(const struct config *c)
{
	return c->http.at.request.addr.family == AF_UNIX;
}

/* Options that would have no effect: whoever gave them expects one. g is NULL
 * for those of all relays. */
static void check_effect(struct reader *r, const struct config_group *g)
{
	const struct config *c = r->config;
	const struct settings *s = g ? &g->settings : &c->defaults;
	const struct position *at = given(s, "stop-idle");

	if (at && !has_command(c, g))
		reader_complain_of(
			r, at, "stop-idle",
			"there is no --exec whose command it could stop");
	at = given(s, "proxy-timeout");
	if (at && !believes_someone(c, g))
		reader_complain_of(
			r, at, "proxy-timeout",
			"no --accept-proxy says whose header it is for");
	if (g ? g->trouble.listener : c->trouble.listener)
		return;
	for (size_t i = 0; i < sizeof(effects) / sizeof(effects[0]); i++) {
		const struct effect *e = &effects[i];

		at = given(s, e->option);
		if (at && !listens_so(c, g, e->wanted) &&
		    !(e->wanted == is_unix && !g && shows_on_unix(c)))
			reader_complain_of(r, at, e->option, e->text);
	}
}

/* Whoever ends has to be started again by someone. */
static void check_exit(struct reader *r, const struct config_group *g)
{
	const struct config *c = r->config;
	const struct position *at = given(&c->defaults, "exit-on-idle");
	struct fault why;

	if (!at || c->exit_on_idle_ms == 0 || g->trouble.listener)
		return;
	for (size_t i = 0; i < g->listener_count; i++) {
		/* What is taken is known once it is opened. */
		if (g->listeners[i].source->handed_over || c->takes.count > 0)
			continue;
		fault_set(&why, 0,
			  "\"%s\" is lowport's own listener: nobody would "
			  "take the next connection there. It is for sockets "
			  "that are handed over (try --listen systemd, "
			  "launchd:NAME or fd:N; or --take, for all of a "
			  "file)",
			  g->listeners[i].text);
		reader_complain_of(r, at, "exit-on-idle", why.text);
	}
}

static void check_http(struct reader *r)
{
	const struct config *c = r->config;
	const struct settings *s = &c->defaults;
	const struct position *http = given(s, "http");
	struct fault why;

	if (!http && c->http.host_count > 0)
		reader_complain_of(r, given(s, "http-host"), "http-host",
				   "no --http says where it could apply");
	if (!http && c->http.anywhere)
		reader_complain_of(r, given(s, "http-anywhere"),
				   "http-anywhere",
				   "no --http says where it could apply");
	if (http && http_check(&c->http, &why) < 0)
		reader_complain_of(r, http, "http", why.text);
}

static void check_command(struct reader *r, const struct config_group *g)
{
	const struct position *at;
	const char *option;
	struct fault why;

	if (command_check(g, &option, &why) == 0)
		return;
	at = given(&g->settings, option);
	reader_complain_of(r, at ? at : &g->place, option, why.text);
}

/* The last group of the command line, or one of a section, may lack something. */
static void complete(struct reader *r, struct config_group *g)
{
	struct config *c = r->config;
	struct fault why;

	if (g->name && g->listener_count == 0 && !g->trouble.listener)
		reader_complain_of(r, &g->place, g->name,
				   "nothing to listen on (try --listen "
				   "127.0.0.1:80)");
	if (g->closed || g->trouble.backend || g->trouble.command ||
	    (g->listener_count == 0 && !g->name))
		return;
	if (g->command) {
		if (config_choose_port(g) < 0)
			reader_complain_of(r, &g->place, "exec",
					   "out of memory");
		return;
	}
	if (g->name && g->listener_count == 0)
		fault_set(&why, 0,
			  "nothing says where to forward (try --to "
			  "127.0.0.1:8080)");
	else
		fault_set(&why, 0,
			  g->name ? "\"%s\": nothing says where to forward "
				    "(try --to 127.0.0.1:8080)"
				  : "\"%s\": no --to behind it says where to "
				    "forward (try --to 127.0.0.1:8080)",
			  g->listeners[0].text);
	reader_complain_of(r, &g->place, g->name ? g->name : "listen",
			   why.text);
	(void)c;
}

void config_check(struct reader *r)
{
	struct config *c = r->config;

	if (c->group_count == 0 && !c->trouble.listener && r->mistakes == 0)
		reader_complain(
			r, "",
			c->paths.count > 0
				? "no relay is described there (a "
				  "section begins with [relay NAME], "
				  "and has listen = and to =)"
				: "nothing to listen on (try --listen "
				  "127.0.0.1:80 --to 127.0.0.1:8080, or "
				  "-c FILE)");
	for (size_t i = 0; i < c->group_count; i++)
		complete(r, &c->groups[i]);
	takes_check(r);
	check_effect(r, NULL);
	check_http(r);
	for (size_t i = 0; i < c->group_count; i++) {
		check_command(r, &c->groups[i]);
		if (c->groups[i].name)
			check_effect(r, &c->groups[i]);
		check_exit(r, &c->groups[i]);
	}
}

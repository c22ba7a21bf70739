#include "config/args.h"

#include "config/command.h"
#include "config/options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { OPTIONS_MOST = 64 };

struct args {
	struct config *config;
	void (*mistake)(const char *text);
	size_t mistakes;
	bool seen[OPTIONS_MOST];
	bool bad_listener; /* so "no --listen" would be beside the point */
	bool bad_command;  /* likewise for what an --exec makes right */
	bool bad_backend;  /* a --to that names none: likewise "no --to" */
};

static void complain(struct args *a, const char *where, const char *what)
{
	char text[sizeof(struct fault) + 128];

	snprintf(text, sizeof(text), "%s%s%s", where, where[0] ? ": " : "",
		 what);
	a->mistake(text);
	a->mistakes++;
}

static void complain_unknown(struct args *a, const char *word)
{
	const struct option *near = option_suggest(word + 2);
	struct fault why;

	a->bad_listener |= near && strcmp(near->name, "listen") == 0;
	a->bad_backend |= near && strcmp(near->name, "to") == 0;
	if (near)
		fault_set(&why, 0, "no such option (did you mean --%s?)",
			  near->name);
	else
		fault_set(&why, 0,
			  "no such option (lowport run --help lists them)");
	complain(a, word, why.text);
}

static void complain_word(struct args *a, const char *word)
{
	struct fault why;

	fault_set(&why, 0,
		  word[0] == '-' && word[1] != '\0'
			  ? "\"%s\" is not understood (options are --long)"
			  : "\"%s\" stands alone (listeners need --listen, "
			    "backends --to)",
		  word);
	complain(a, "", why.text);
}

static void take(struct args *a, const struct option *o, const char *text)
{
	bool *seen = &a->seen[o - options];
	char where[64];
	struct fault why;
	int err;

	snprintf(where, sizeof(where), "--%s", o->name);
	if (*seen && !o->repeatable) {
		complain(a, where, "given twice; once is enough");
		return;
	}
	*seen = true;
	err = o->parse(a->config, o, text, &why);
	/* The listener that is missing has been complained of. */
	if (err == 0 || (err == -ENOENT && a->bad_listener))
		return;
	complain(a, where, why.text);
	a->bad_listener |= strcmp(o->name, "listen") == 0;
	a->bad_command |= strcmp(o->name, "exec") == 0;
}

/* Take argv[i], with its value. Returns how many arguments that were. */
static int take_argument(struct args *a, const char *word, const char *next)
{
	const char *equals = strchr(word, '=');
	const struct option *o;
	char name[64];

	if (strncmp(word, "--", 2) != 0 || word[2] == '\0') {
		complain_word(a, word);
		return 1;
	}
	snprintf(name, sizeof(name), "%.*s",
		 equals ? (int)(equals - word) : (int)strlen(word), word);
	o = option_find(name + 2);
	if (!o) {
		complain_unknown(a, name);
		/* Its value, if it has one, is no mistake of its own. */
		return !equals && next && next[0] != '-' ? 2 : 1;
	}
	if (equals) {
		take(a, o, equals + 1);
		return 1;
	}
	if (next && strncmp(next, "--", 2) != 0) {
		take(a, o, next);
		return 2;
	}
	complain(a, name, "wants a value (see lowport run --help)");
	a->bad_listener |= strcmp(o->name, "listen") == 0;
	a->bad_backend |= strcmp(o->name, "to") == 0;
	a->bad_command |= strcmp(o->name, "exec") == 0;
	return 1;
}

static bool has_source(const struct config *c, bool (*is)(const char *prefix))
{
	for (size_t i = 0; i < c->group_count; i++) {
		const struct config_group *g = &c->groups[i];

		for (size_t j = 0; j < g->listener_count; j++)
			if (is(g->listeners[j].source->prefix))
				return true;
	}
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

static void check_door(struct args *a)
{
	static const char *const names[] = {
		"allow", "deny", "max-connections-per-source", "max-rate"};
	char where[64];

	if (a->config->group_count == 0 || has_source(a->config, is_not_unix))
		return;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!a->seen[option_find(names[i]) - options])
			continue;
		snprintf(where, sizeof(where), "--%s", names[i]);
		complain(a, where,
			 "every listener is a unix:/path, and its clients have "
			 "no address (--unix-mode says who may connect)");
	}
}

static void check_commands(struct args *a)
{
	bool stop = a->seen[option_find("stop-idle") - options], any = false;

	for (size_t i = 0; i < a->config->group_count; i++) {
		const struct config_group *g = &a->config->groups[i];
		const char *option;
		struct fault why;

		any = any || g->command;
		if (command_check(g, &option, &why) < 0)
			complain(a, option, why.text);
	}
	if (stop && !any && !a->bad_command)
		complain(a, "--stop-idle",
			 "there is no --exec whose command it could stop");
}

/* Whoever ends has to be started again by someone. */
static void check_exit(struct args *a)
{
	const struct config *c = a->config;
	struct fault why;

	for (size_t i = 0; i < c->group_count && c->exit_on_idle_ms; i++) {
		const struct config_group *g = &c->groups[i];

		for (size_t j = 0; j < g->listener_count; j++) {
			if (g->listeners[j].source->handed_over)
				continue;
			fault_set(&why, 0,
				  "\"%s\" is lowport's own listener: nobody "
				  "would take the next connection there. It "
				  "is for sockets that are handed over (try "
				  "--listen systemd, launchd:NAME or fd:N)",
				  g->listeners[j].text);
			complain(a, "--exit-on-idle", why.text);
		}
	}
}

static void check_http(struct args *a)
{
	bool asked = a->config->http.at.text ||
		     a->seen[option_find("http") - options];
	struct fault why;

	if (!asked && a->config->http.host_count > 0)
		complain(a, "--http-host",
			 "no --http says where it could apply");
	if (!asked && a->config->http.anywhere)
		complain(a, "--http-anywhere",
			 "no --http says where it could apply");
	if (http_check(&a->config->http, &why) < 0)
		complain(a, "--http", why.text);
}

/* Options that would have no effect: whoever gave them expects one. */
static void check_effect(struct args *a)
{
	bool mode = a->seen[option_find("unix-mode") - options];
	bool backlog = a->seen[option_find("backlog") - options];

	check_commands(a);
	if (a->seen[option_find("proxy-timeout") - options] &&
	    !a->seen[option_find("accept-proxy") - options])
		complain(a, "--proxy-timeout",
			 "no --accept-proxy says whose header it is for");
	check_http(a);
	if (a->bad_listener)
		return;
	check_exit(a);
	if (mode && !has_source(a->config, is_unix) &&
	    a->config->http.at.request.addr.family != AF_UNIX)
		complain(a, "--unix-mode",
			 "no listener is a unix:/path that it could apply to");
	check_door(a);
	if (backlog && !has_source(a->config, is_ours))
		complain(a, "--backlog",
			 "every listener is handed over; its backlog is set "
			 "where it is made");
}

static void check_groups(struct args *a)
{
	struct config *c = a->config;
	struct config_group *g;
	struct fault why;

	if (c->group_count == 0) {
		if (!a->bad_listener)
			complain(a, "",
				 "nothing to listen on (try lowport run "
				 "--listen 127.0.0.1:80 --to 127.0.0.1:8080)");
		return;
	}
	g = &c->groups[c->group_count - 1];
	if (g->closed || g->listener_count == 0 || a->bad_backend ||
	    a->bad_command)
		return;
	if (g->command) {
		if (config_add_backend(c, "auto", &why) < 0)
			complain(a, "--exec", why.text);
		return;
	}
	fault_set(&why, 0,
		  "\"%s\": no --to behind it says where to forward (try --to "
		  "127.0.0.1:8080)",
		  g->listeners[0].text);
	complain(a, "--listen", why.text);
}

size_t args_read(struct config *c, int argc, char *const argv[],
		 void (*mistake)(const char *text))
{
	struct args a = {.config = c, .mistake = mistake};

	for (int i = 0; i < argc;)
		i += take_argument(&a, argv[i],
				   i + 1 < argc ? argv[i + 1] : NULL);
	check_groups(&a);
	check_effect(&a);
	return a.mistakes;
}

#include "config/config.h"

#include "base/words.h"
#include "config/command.h"
#include "config/options.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void config_init(struct config *c)
{
	memset(c, 0, sizeof(*c));
	for (const struct option *o = options; o->name; o++) {
		struct fault why;
		int err = o->fallback ? o->parse(c, o, o->fallback, &why) : 0;

		assert(err == 0);
		(void)err;
	}
}

static void free_group(struct config_group *g)
{
	for (size_t i = 0; i < g->listener_count; i++)
		spec_free_listener(&g->listeners[i]);
	for (size_t i = 0; i < g->backend_count; i++)
		free(g->strings[i]);
	settings_free(&g->settings);
	free(g->name);
	free(g->listeners);
	free(g->backends);
	free(g->strings);
	free(g->command);
	words_free(g->words);
}

static void free_names(struct names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->at[i]);
	free(names->at);
	*names = (struct names){0};
}

void config_free(struct config *c)
{
	for (size_t i = 0; i < c->group_count; i++)
		free_group(&c->groups[i]);
	free_names(&c->paths);
	free_names(&c->files);
	takes_free(&c->takes);
	free(c->groups);
	settings_free(&c->defaults);
	log_to_free(&c->log_to);
	http_free(&c->http);
	free(c->status);
	free(c->replaced);
	c->status = c->replaced = NULL;
	c->groups = NULL;
	c->group_count = 0;
}

/* Make room for one more behind the count members of *array. */
static void *grow(void *array, size_t count, size_t size)
{
	char *more = realloc(array, (count + 1) * size);

	if (more)
		memset(more + count * size, 0, size);
	return more;
}

/* The one that is being read, or was the last. Outside of sections those of the
 * sections do not count. */
static struct config_group *last_group(struct config *c)
{
	struct config_group *g =
		c->group_count > 0 ? &c->groups[c->group_count - 1] : NULL;

	return g && (c->in_section || !g->name) ? g : NULL;
}

static struct config_group *add_group(struct config *c)
{
	struct config_group *groups =
		grow(c->groups, c->group_count, sizeof(*groups));

	if (!groups)
		return NULL;
	c->groups = groups;
	return &groups[c->group_count++];
}

/* The group that a listener belongs to: outside of sections, a backend has
 * closed the one before. */
static struct config_group *open_group(struct config *c)
{
	struct config_group *g = last_group(c);

	return g && (c->in_section || !g->closed) ? g : add_group(c);
}

static int name_group(struct config *c, struct config_group *g,
		      const char *name, const struct position *place)
{
	g->name = strdup(name);
	g->place = *place;
	return g->name ? settings_copy(&g->settings, &c->defaults) : -ENOMEM;
}

int config_begin_section(struct config *c, const char *name,
			 const struct position *place, struct fault *why)
{
	struct config_group *g;

	for (size_t i = 0; i < c->group_count; i++) {
		g = &c->groups[i];
		if (g->name && strcmp(g->name, name) == 0)
			return fault_set(why, -EEXIST,
					 "there is a relay of that name at "
					 "%s:%u already (a relay has one "
					 "section; choose another name)",
					 g->place.file, g->place.line);
	}
	g = add_group(c);
	if (!g || name_group(c, g, name, place) < 0)
		return fault_set(why, -ENOMEM, "out of memory");
	c->in_section = true;
	return 0;
}

void config_end_section(struct config *c)
{
	c->in_section = false;
}

struct settings *config_settings(struct config *c)
{
	return c->in_section ? &c->groups[c->group_count - 1].settings
			     : &c->defaults;
}

int config_settle(struct config *c)
{
	int err = 0;

	for (size_t i = 0; i < c->group_count && err == 0; i++)
		if (!c->groups[i].name)
			err = settings_copy(&c->groups[i].settings,
					    &c->defaults);
	return err;
}

const char *config_add_name(struct names *names, const char *name)
{
	char **at = grow(names->at, names->count, sizeof(*at));

	if (!at)
		return NULL;
	names->at = at;
	at[names->count] = strdup(name);
	return at[names->count] ? at[names->count++] : NULL;
}

const char *config_group_name(const struct config_group *g)
{
	if (g->name)
		return g->name;
	return g->listener_count > 0 ? g->listeners[0].text : "";
}

const char *config_print_place(const struct position *place, const char *option,
			       char *buf, size_t size)
{
	if (place->file)
		snprintf(buf, size, "%s:%u: %s", place->file, place->line,
			 option);
	else
		snprintf(buf, size, "--%s", option);
	return buf;
}

bool config_same_listener(const struct listener_spec *a,
			  const struct listener_spec *b)
{
	const struct listen_request *x = &a->request, *y = &b->request;

	/* Of thousands, most are told apart by this alone. */
	if (a->source != b->source || x->addr.port != y->addr.port)
		return false;
	if (strcmp(a->text, b->text) == 0)
		return true;
	return a->source->argument == LISTEN_ADDRESS && x->addr.port != 0 &&
	       x->both_families == y->both_families &&
	       addr_equal(&x->addr, &y->addr);
}

bool config_overlap(const struct listener_spec *a,
		    const struct listener_spec *b)
{
	const struct listen_request *x = &a->request, *y = &b->request;

	if (a->source != b->source)
		return false;
	switch (a->source->argument) {
	case LISTEN_ADDRESS:
		if (x->addr.port == 0 || x->addr.port != y->addr.port)
			return false;
		/* *:80 is 0.0.0.0:80 and [::]:80. */
		if (x->both_families || y->both_families)
			return addr_is_wildcard(&x->addr) &&
			       addr_is_wildcard(&y->addr);
		return addr_equal(&x->addr, &y->addr);
	case LISTEN_INTERFACE:
		return x->addr.port != 0 && x->addr.port == y->addr.port &&
		       strcmp(x->interface, y->interface) == 0;
	case LISTEN_ONE_ADDRESS:
	case LISTEN_PATH:
		return addr_equal(&x->addr, &y->addr);
	case LISTEN_NUMBER:
		return x->fd == y->fd;
	case LISTEN_NAME:
	case LISTEN_OPTIONAL_NAME:
		return !x->name || !y->name || strcmp(x->name, y->name) == 0;
	}
	return false;
}

static const struct listener_spec *find_same(const struct config *c,
					     const struct listener_spec *spec)
{
	for (size_t i = 0; i < c->group_count; i++) {
		const struct config_group *g = &c->groups[i];

		for (size_t j = 0; j < g->listener_count; j++)
			if (config_overlap(&g->listeners[j], spec))
				return &g->listeners[j];
	}
	return NULL;
}

int config_add_listener(struct config *c, const char *text, struct fault *why)
{
	const struct listener_spec *same;
	struct listener_spec spec, *listeners;
	struct config_group *g = open_group(c);
	int err;

	if (!g)
		return fault_set(why, -ENOMEM, "out of memory");
	err = spec_parse_listener(&spec, text, why);
	if (err < 0)
		return err;
	same = find_same(c, &spec);
	if (same) {
		err = fault_set(
			why, -EINVAL,
			"\"%s\" asks for what \"%s\" has already taken; "
			"name each listener once",
			text, same->text);
		goto free_spec;
	}
	err = fault_set(why, -ENOMEM, "out of memory");
	listeners = grow(g->listeners, g->listener_count, sizeof(*listeners));
	if (!listeners)
		goto free_spec;
	g->listeners = listeners;
	listeners[g->listener_count++] = spec;
	return 0;

free_spec:
	spec_free_listener(&spec);
	return err;
}

static bool is_same_backend(const struct relay_backend *a,
			    const struct relay_backend *b)
{
	if (!a->host != !b->host)
		return false;
	if (a->host)
		return a->addr.port == b->addr.port &&
		       strcmp(a->host, b->host) == 0;
	return addr_equal(&a->addr, &b->addr);
}

/* Takes string, which backend points to. */
static int add_backend(struct config_group *g,
		       const struct relay_backend *backend, char *string)
{
	struct relay_backend *backends;
	char **strings;

	backends = grow(g->backends, g->backend_count, sizeof(*backends));
	if (!backends)
		goto free_string;
	g->backends = backends;
	strings = grow(g->strings, g->backend_count, sizeof(*strings));
	if (!strings)
		goto free_string;
	g->strings = strings;
	strings[g->backend_count] = string;
	backends[g->backend_count++] = *backend;
	return 0;

free_string:
	free(string);
	return -ENOMEM;
}

/* Where it is to be is found out when it is needed. A server that is told a
 * port alone may listen on either loopback address. */
static int add_choice(struct config_group *g, enum backend_choice choice)
{
	struct relay_backend b = {.host = NULL};
	struct addr both[2];
	int err = 0;

	g->choice = choice;
	if (choice == BACKEND_PATH) {
		b.addr.family = AF_UNIX;
		return add_backend(g, &b, NULL);
	}
	addr_localhost("localhost", 0, both);
	for (int i = 1; i >= 0 && err == 0; i--) {
		b.addr = both[i];
		err = add_backend(g, &b, NULL);
	}
	return err;
}

int config_choose_port(struct config_group *g)
{
	g->closed = true;
	return add_choice(g, BACKEND_PORT);
}

static enum backend_choice read_choice(const char *text)
{
	if (strcmp(text, "auto") == 0)
		return BACKEND_PORT;
	return strcmp(text, "unix:auto") == 0 ? BACKEND_PATH : BACKEND_GIVEN;
}

static int add_given(struct config_group *g, const char *text,
		     const struct relay_backend *backend, char *string,
		     struct fault *why)
{
	for (size_t i = 0; i < g->backend_count; i++) {
		if (!is_same_backend(&g->backends[i], backend))
			continue;
		free(string);
		return fault_set(why, -EINVAL,
				 "\"%s\" is a backend of these listeners "
				 "already; name each once",
				 text);
	}
	fault_set(why, 0, "out of memory");
	return add_backend(g, backend, string);
}

int config_add_backend(struct config *c, const char *text, struct fault *why)
{
	enum backend_choice choice = read_choice(text);
	struct config_group *g = last_group(c);
	struct relay_backend backend;
	char *string = NULL;
	int err = 0;

	if (choice == BACKEND_GIVEN)
		err = spec_parse_backend(&backend, &string, text, why);
	if (g)
		g->closed = true;
	if (err < 0)
		return err;
	if (!g) {
		free(string);
		return fault_set(why, -ENOENT,
				 "\"%s\": no listener stands before it (try "
				 "--listen 127.0.0.1:80 --to %s)",
				 text, text);
	}
	if (choice == BACKEND_GIVEN)
		return add_given(g, text, &backend, string, why);
	if (g->choice == choice)
		return fault_set(why, -EINVAL, "\"%s\": once is enough", text);
	fault_set(why, 0, "out of memory");
	return add_choice(g, choice);
}

int config_add_command(struct config *c, const char *text, struct fault *why)
{
	struct config_group *g = last_group(c);

	if (!g)
		return fault_set(why, -ENOENT,
				 "\"%s\": no listener stands before it (try "
				 "--listen 127.0.0.1:80 --to auto --exec '%s')",
				 text, text);
	if (g->command)
		return fault_set(why, -EINVAL,
				 "\"%s\": \"%s\" starts the backend of these "
				 "listeners already; a --to closes a group, "
				 "and each may have its own (try --to auto "
				 "behind the first)",
				 text, g->command);
	return command_parse(g, text, why);
}
enum { STATUS_NAME_MOST = 48 };

static bool is_name(const char *text)
{
	static const char first[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"0123456789";
	size_t length = strlen(text), i = strspn(text, first);

	for (; i > 0 && i < length; i++)
		if (!strchr(first, text[i]) && !strchr("._-", text[i]))
			return false;
	return i > 0 && length <= STATUS_NAME_MOST;
}

int config_set_status(struct config *c, const char *text, struct fault *why)
{
	struct sockaddr_storage ss;
	struct addr at = {.family = AF_UNIX, .path = text};
	char *copy = NULL;

	if (text[0] == '/' && addr_to_sockaddr(&at, &ss) == 0)
		return fault_set(why, -EINVAL,
				 "\"%s\" is too long for a socket's path",
				 text);
	if (text[0] != '/' && !is_name(text))
		return fault_set(why, -EINVAL,
				 "\"%s\" is neither a path nor a name (try "
				 "/run/lowport/web.sock, web, auto or none)",
				 text);
	if (strcmp(text, "auto") != 0) {
		copy = strdup(text);
		if (!copy)
			return fault_set(why, -ENOMEM, "out of memory");
	}
	free(c->status);
	c->status = copy;
	return 0;
}

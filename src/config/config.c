#include "config/config.h"

#include "base/words.h"
#include "config/command.h"
#include "config/options.h"

#include <assert.h>
#include <errno.h>
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
	free(g->name);
	free(g->listeners);
	free(g->backends);
	free(g->strings);
	free(g->command);
	words_free(g->words);
}

void config_free(struct config *c)
{
	for (size_t i = 0; i < c->group_count; i++)
		free_group(&c->groups[i]);
	free(c->fronts);
	free(c->groups);
	http_free(&c->http);
	rules_free(&c->rules);
	c->fronts = NULL;
	c->front_count = 0;
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

static struct config_group *last_group(struct config *c)
{
	return c->group_count > 0 ? &c->groups[c->group_count - 1] : NULL;
}

/* The group that a listener belongs to: a backend has closed the one before. */
static struct config_group *open_group(struct config *c)
{
	struct config_group *g = last_group(c), *groups;

	if (g && !g->closed)
		return g;
	groups = grow(c->groups, c->group_count, sizeof(*groups));
	if (!groups)
		return NULL;
	c->groups = groups;
	return &groups[c->group_count++];
}

/* Would both ask for the same socket? */
static bool is_same_listener(const struct listener_spec *a,
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
			if (is_same_listener(&g->listeners[j], spec))
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

int config_add_front(struct config *c, const char *text, struct fault *why)
{
	struct cidr net, *fronts;

	if (strcmp(text, "unix") == 0) {
		c->unix_fronts = true;
		return 0;
	}
	if (cidr_parse(&net, text) < 0)
		return fault_set(why, -EINVAL,
				 "\"%s\" is neither an address, nor a network "
				 "with no bit set behind its prefix, nor unix "
				 "(try 127.0.0.1, 10.0.0.0/8 or fd00::/8)",
				 text);
	fronts = grow(c->fronts, c->front_count, sizeof(*fronts));
	if (!fronts)
		return fault_set(why, -ENOMEM, "out of memory");
	c->fronts = fronts;
	fronts[c->front_count++] = net;
	return 0;
}

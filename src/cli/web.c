#include "cli/web.h"

#include "cli/logger.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WEB_BACKLOG = 128 };

size_t web_descriptors(const struct config *c)
{
	return c->http.at.text ? HTTP_DESCRIPTORS : 0;
}

static void forget(struct web *w)
{
	listen_close(&w->listeners, 0);
	for (size_t i = 0; i < w->host_count; i++)
		free(w->hosts[i]);
	free(w->hosts);
	free(w->text);
	*w = (struct web){0};
}

static int copy(struct web *w, const struct config_http *h)
{
	w->text = strdup(h->at.text);
	w->hosts = calloc(h->host_count + 1, sizeof(*w->hosts));
	if (!w->text || !w->hosts)
		return -ENOMEM;
	for (; w->host_count < h->host_count; w->host_count++) {
		w->hosts[w->host_count] = strdup(h->hosts[w->host_count]);
		if (!w->hosts[w->host_count])
			return -ENOMEM;
	}
	return 0;
}

static bool is_at(const struct web *w, const struct config *c)
{
	const char *text = c->http.at.text;

	return w->text && text ? strcmp(w->text, text) == 0 : w->text == text;
}

bool web_is_as(const struct web *w, const struct config *c)
{
	const struct config_http *h = &c->http;
	bool same = is_at(w, c) && (!w->text || w->host_count == h->host_count);

	for (size_t i = 0; i < w->host_count && same; i++)
		same = strcmp(w->hosts[i], h->hosts[i]) == 0;
	return same;
}

static int open_listener(struct web *w, struct config *c,
			 struct listeners *offered, struct fault *why)
{
	struct listener_spec *spec = &c->http.at;

	spec->request.mode = (unsigned)c->defaults.unix_mode;
	spec->request.backlog = WEB_BACKLOG;
	spec->request.offered = offered;
	return spec->source->open(&spec->request, &w->listeners, why);
}

/* Another descriptor of the same; its file stays before's for now. */
static int share_listener(struct web *w, const struct web *before,
			  struct config *c, struct fault *why)
{
	int fd = fcntl(before->fd, F_DUPFD_CLOEXEC, 0), err;

	if (fd < 0)
		return fault_set(why, -errno, "%s", strerror(errno));
	err = listen_add(&w->listeners, fd, &before->at, &c->http.at.request,
			 why);
	if (err < 0)
		close(fd);
	w->shared = err == 0;
	return err;
}

bool web_listen_again(struct web *w, const struct web *before, struct config *c,
		      struct listeners *offered,
		      void (*mistake)(const char *text))
{
	char text[sizeof(struct fault) + 16];
	struct fault why;
	int err;

	if (!c->http.at.text)
		return true;
	err = copy(w, &c->http);
	if (err < 0)
		fault_set(&why, err, "out of memory");
	else if (before->http && is_at(before, c))
		err = share_listener(w, before, c, &why);
	else
		err = open_listener(w, c, offered, &why);
	if (err == 0)
		return true;
	forget(w);
	snprintf(text, sizeof(text), "--http: %s", why.text);
	mistake(text);
	return false;
}

bool web_listen(struct web *w, struct config *c, struct listeners *offered,
		void (*mistake)(const char *text))
{
	const struct web nothing = {0};

	return web_listen_again(w, &nothing, c, offered, mistake);
}

static void announce(const struct addr *at)
{
	char text[256], where[ADDR_TEXT];

	addr_print(at, where);
	if (at->family == AF_UNIX)
		snprintf(text, sizeof(text),
			 "status over HTTP at %s (curl --unix-socket %s "
			 "http://localhost/metrics)",
			 where, at->path);
	else
		snprintf(text, sizeof(text), "status over HTTP at http://%s/",
			 where);
	logger_put(LEVEL_INFO, text);
}

int web_start(struct web *w, uv_loop_t *loop,
	      const struct snapshot_source *source,
	      void (*mistake)(const char *text))
{
	struct http_options opt = {.hosts = w->hosts,
				   .host_count = w->host_count,
				   .source = *source,
				   .request_ms = HTTP_REQUEST_MS};
	struct listener *l = w->listeners.at;
	char text[128];
	int err;

	if (w->listeners.count == 0)
		return 0;
	opt.fd = l->fd;
	opt.at = l->addr;
	err = http_open(&w->http, loop, &opt);
	if (err < 0) {
		snprintf(text, sizeof(text), "--http: %s", uv_strerror(err));
		mistake(text);
		return err;
	}
	w->fd = l->fd;
	w->at = l->addr;
	l->fd = -1;
	announce(&l->addr);
	return 0;
}

/* The socket file is to's to remove. */
static void inherit_file(struct listener *to, struct listener *from)
{
	to->made = from->made;
	to->dev = from->dev;
	to->ino = from->ino;
	from->made = false;
}

void web_take_place(struct web *next, struct web *w)
{
	char text[160], at[ADDR_TEXT];

	if (next->shared) {
		inherit_file(next->listeners.at, w->listeners.at);
	} else if (w->http) {
		snprintf(text, sizeof(text),
			 "no status over HTTP at %s any more",
			 addr_print(&w->at, at));
		logger_put(LEVEL_INFO, text);
	}
	web_close(w);
	*w = *next;
	*next = (struct web){0};
}

bool web_serves(const struct web *w)
{
	return w->http && !w->abandoned;
}

void web_abandon(struct web *w)
{
	if (w->listeners.count > 0)
		w->listeners.at->made = false;
	if (w->http)
		http_retire(w->http);
	w->abandoned = true;
}

void web_close(struct web *w)
{
	/* A socket file goes while the socket is still open; what http was lent
	 * goes after it. */
	listen_close(&w->listeners, 0);
	http_close(w->http);
	forget(w);
}

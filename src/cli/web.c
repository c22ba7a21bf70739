#include "cli/web.h"

#include "cli/cli.h"
#include "cli/logger.h"

#include <stdio.h>

enum { WEB_BACKLOG = 128 };

size_t web_descriptors(const struct config *c)
{
	return c->http.at.text ? HTTP_DESCRIPTORS : 0;
}

bool web_listen(struct web *w, struct config *c, struct listeners *offered)
{
	struct listener_spec *spec = &c->http.at;
	char text[sizeof(struct fault) + 16];
	struct fault why;

	if (!spec->text)
		return true;
	spec->request.mode = (unsigned)c->defaults.unix_mode;
	spec->request.backlog = WEB_BACKLOG;
	spec->request.offered = offered;
	if (spec->source->open(&spec->request, &w->listeners, &why) == 0)
		return true;
	snprintf(text, sizeof(text), "--http: %s", why.text);
	complain(text);
	return false;
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

int web_start(struct web *w, uv_loop_t *loop, const struct config *c,
	      const struct snapshot_source *source)
{
	struct http_options opt = {.hosts = c->http.hosts,
				   .host_count = c->http.host_count,
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
		complain(text);
		return err;
	}
	w->fd = l->fd;
	w->at = l->addr;
	l->fd = -1;
	announce(&l->addr);
	return 0;
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
	/* A socket file goes while the socket is still open. */
	listen_close(&w->listeners, 0);
	http_close(w->http);
	w->http = NULL;
}

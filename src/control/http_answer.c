#include "control/health.h"
#include "control/http_host.h"
#include "control/http_parts.h"
#include "control/page.h"
#include "control/render.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char plain[] = "text/plain; charset=utf-8";
static const char locked[] = "default-src 'none'; frame-ancestors 'none'";

static const struct {
	const char *path, *type;
} pages[PAGES] = {
	[PAGE_VIEW] = {"/", "text/html; charset=utf-8"},
	[PAGE_METRICS] = {"/metrics",
			  "text/plain; version=0.0.4; charset=utf-8"},
	[PAGE_STATUS] = {"/status.json", "application/json"},
	[PAGE_STATUS_BRIEF] = {NULL, "application/json"},
	[PAGE_HEALTH] = {"/healthz", plain},
};

/* Takes r, which may be NULL. */
static struct MHD_Response *with_headers(struct MHD_Response *r,
					 const char *type, const char *policy)
{
	const char *const headers[][2] = {
		{"Content-Type", type},
		{"Cache-Control", "no-store"},
		{"Content-Security-Policy", policy},
		{"X-Content-Type-Options", "nosniff"},
		{"X-Frame-Options", "DENY"},
		{"Referrer-Policy", "no-referrer"},
		{"Cross-Origin-Resource-Policy", "same-origin"},
	};

	if (!r)
		return NULL;
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		if (MHD_add_response_header(r, headers[i][0], headers[i][1]) ==
		    MHD_YES)
			continue;
		MHD_destroy_response(r);
		return NULL;
	}
	return r;
}

/* text is copied. */
static struct MHD_Response *say(const char *text)
{
	return with_headers(
		MHD_create_response_from_buffer(strlen(text), (void *)text,
						MHD_RESPMEM_MUST_COPY),
		plain, locked);
}

/* Takes text, which may be NULL. */
static struct MHD_Response *give(char *text, const char *type)
{
	struct MHD_Response *r;

	if (!text)
		return NULL;
	r = MHD_create_response_from_buffer(strlen(text), text,
					    MHD_RESPMEM_MUST_FREE);
	if (!r)
		free(text);
	return with_headers(r, type, locked);
}

static char *render_status(const struct snapshot *s, bool connections)
{
	struct snapshot brief = *s;

	if (!connections) {
		brief.connections = NULL;
		brief.connection_count = 0;
	}
	return render_json(&brief);
}

void http_answer(struct request *r, const struct snapshot *s)
{
	bool fine = true;
	char *text = NULL;

	if (s && r->page == PAGE_METRICS)
		text = render_metrics(s);
	else if (s && r->page == PAGE_HEALTH)
		text = health_print(s, &fine);
	else if (s)
		text = render_status(s, r->page == PAGE_STATUS);
	r->status = fine ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE;
	r->answer = give(text, pages[r->page].type);
	if (r->answer)
		return;
	r->status = MHD_HTTP_SERVICE_UNAVAILABLE;
	r->answer = say("lowport has no memory left for this\n");
}

void http_resume(struct request *r)
{
	MHD_resume_connection(r->connection);
}

void http_refuse(struct request *r)
{
	r->status = MHD_HTTP_SERVICE_UNAVAILABLE;
	r->answer = say("lowport is ending\n");
	http_resume(r);
}

/* Takes answer; without one the connection is closed. */
static enum MHD_Result put(struct MHD_Connection *connection, unsigned status,
			   struct MHD_Response *answer)
{
	enum MHD_Result done;

	if (!answer)
		return MHD_NO;
	done = MHD_queue_response(connection, status, answer);
	MHD_destroy_response(answer);
	return done;
}

struct host_check {
	const struct http *http;
	const char *bad; /* the first one that is not ours */
	bool any;
};

static enum MHD_Result check_host(void *data, enum MHD_ValueKind kind,
				  const char *name, const char *value)
{
	struct host_check *check = data;
	const struct http *h = check->http;

	(void)kind;
	if (strcasecmp(name, MHD_HTTP_HEADER_HOST) != 0)
		return MHD_YES;
	check->any = true;
	if (value && http_host_is_ours(value, &h->at, h->hosts, h->host_count))
		return MHD_YES;
	check->bad = value ? value : "";
	return MHD_NO;
}

static struct MHD_Response *say_foreign(const char *host)
{
	char text[1024];

	snprintf(
		text, sizeof(text),
		"The Host header \"%.255s\" is none that this lowport goes by: "
		"a page from elsewhere must not read it by way of your "
		"browser. Use its address or localhost, or start lowport with "
		"--http-host and the name, without a port.\n",
		host);
	return say(text);
}

static bool has_body(struct MHD_Connection *connection)
{
	const char *length = MHD_lookup_connection_value(
		connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);

	return (length && strcmp(length, "0") != 0) ||
	       MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
					   MHD_HTTP_HEADER_TRANSFER_ENCODING);
}

/* What is wrong with a request before its path is looked at. NULL: nothing. */
static struct MHD_Response *object(const struct http *h,
				   struct MHD_Connection *connection,
				   const char *method, const char *version,
				   unsigned *status)
{
	struct host_check check = {.http = h};
	struct MHD_Response *r;

	if (h->at.family != AF_UNIX)
		MHD_get_connection_values(connection, MHD_HEADER_KIND,
					  check_host, &check);
	if (check.bad) {
		*status = MHD_HTTP_FORBIDDEN;
		return say_foreign(check.bad);
	}
	/* A browser always sends one; some checkers of health do not. */
	if (!check.any && h->at.family != AF_UNIX &&
	    strcmp(version, MHD_HTTP_VERSION_1_0) != 0) {
		*status = MHD_HTTP_BAD_REQUEST;
		return say("HTTP/1.1 wants a Host header\n");
	}
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 &&
	    strcmp(method, MHD_HTTP_METHOD_HEAD) != 0) {
		*status = MHD_HTTP_METHOD_NOT_ALLOWED;
		r = say("Only GET and HEAD are served here\n");
		if (r)
			MHD_add_response_header(r, MHD_HTTP_HEADER_ALLOW,
						"GET, HEAD");
		return r;
	}
	if (has_body(connection)) {
		*status = MHD_HTTP_BAD_REQUEST;
		return say("A request has no body here\n");
	}
	*status = 0;
	return NULL;
}

/* PAGES: there is no such page. */
static enum page find(struct MHD_Connection *connection, const char *path)
{
	const char *connections;
	enum page page = PAGE_VIEW;

	while (page < PAGES &&
	       (!pages[page].path || strcmp(path, pages[page].path) != 0))
		page++;
	if (page != PAGE_STATUS)
		return page;
	connections = MHD_lookup_connection_value(
		connection, MHD_GET_ARGUMENT_KIND, "connections");
	return connections && strcmp(connections, "0") == 0 ? PAGE_STATUS_BRIEF
							    : page;
}

static struct MHD_Response *view(void)
{
	return with_headers(
		MHD_create_response_from_buffer(page_size, (void *)page_html,
						MHD_RESPMEM_PERSISTENT),
		pages[PAGE_VIEW].type, page_policy);
}

static enum MHD_Result begin(const struct http *h,
			     struct MHD_Connection *connection,
			     const char *path, const char *method,
			     const char *version, void **request)
{
	struct MHD_Response *objection;
	struct request *r;
	unsigned status;
	enum page page;

	objection = object(h, connection, method, version, &status);
	if (status != 0)
		return put(connection, status, objection);
	page = find(connection, path);
	if (page == PAGES)
		return put(connection, MHD_HTTP_NOT_FOUND,
			   say("There are /, /metrics, /status.json and "
			       "/healthz\n"));
	r = calloc(1, sizeof(*r));
	if (!r)
		return MHD_NO;
	list_init(&r->node);
	r->connection = connection;
	r->page = page;
	*request = r;
	return MHD_YES;
}

/* Ask the loop for a snapshot. */
static enum MHD_Result ask(struct http *h, struct request *r)
{
	bool closing;

	r->asked = true;
	/* Before the loop knows of it, for that will resume it. */
	MHD_suspend_connection(r->connection);
	uv_mutex_lock(&h->mutex);
	closing = h->closing;
	if (!closing) {
		list_append(&h->waiting, &r->node);
		uv_async_send(&h->wake);
	}
	uv_mutex_unlock(&h->mutex);
	if (closing)
		http_refuse(r);
	return MHD_YES;
}

enum MHD_Result http_asked(void *data, struct MHD_Connection *connection,
			   const char *path, const char *method,
			   const char *version, const char *body,
			   size_t *body_size, void **request)
{
	struct http *h = data;
	struct request *r = *request;
	struct MHD_Response *answer;

	(void)body;
	*body_size = 0;
	/* Answered at this first call, a connection would be closed. */
	if (!r)
		return begin(h, connection, path, method, version, request);
	if (r->page == PAGE_VIEW)
		return put(connection, MHD_HTTP_OK, view());
	if (!r->asked)
		return ask(h, r);
	answer = r->answer;
	r->answer = NULL;
	return put(connection, r->status, answer);
}

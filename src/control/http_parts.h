#ifndef LOWPORT_CONTROL_HTTP_PARTS_H
#define LOWPORT_CONTROL_HTTP_PARTS_H

/* What http.c and http_answer.c share: the one runs on the loop, the other on
 * libmicrohttpd's thread. */

#include "base/list.h"
#include "control/http.h"

#include <microhttpd.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

/* What is asked for. */
enum page {
	PAGE_VIEW, /* the only one that needs no snapshot */
	PAGE_METRICS,
	PAGE_STATUS,
	PAGE_STATUS_BRIEF, /* without the open connections */
	PAGE_HEALTH,
	PAGES
};

/* A request that is answered from a snapshot. Its connection is suspended
 * meanwhile. */
struct request {
	struct list node;
	struct MHD_Connection *connection;
	enum page page;
	bool asked;
	unsigned status;
	struct MHD_Response *answer; /* NULL: there was no memory */
};

/* A connection. */
struct visitor {
	struct list node;
	int fd;
	uint64_t since_ms; /* it came, or was answered last */
};

struct http {
	uv_loop_t *loop;
	uv_poll_t door;
	uv_async_t wake;
	uv_timer_t look; /* at visitors that take too long */
	uv_timer_t gap;  /* between two snapshots */
	unsigned handles;
	struct addr at;
	int fd;
	char *const *hosts;
	size_t host_count;
	struct snapshot_source source;
	uint64_t request_ms;
	struct MHD_Daemon *daemon;
	struct list batch; /* requests that the snapshot being taken is for */
	bool taking;
	uint64_t taken_ms;

	uv_mutex_t mutex; /* for all that follows */
	struct list waiting;
	struct list visitors;
	size_t visitor_count;
	size_t arriving; /* accepted, but not among the visitors yet */
	bool closing;
	bool retired; /* nobody is let in any more */
};

/* libmicrohttpd's callbacks. */
enum MHD_Result http_asked(void *data, struct MHD_Connection *connection,
			   const char *path, const char *method,
			   const char *version, const char *body,
			   size_t *body_size, void **request);
void http_answered(void *data, struct MHD_Connection *connection,
		   void **request, enum MHD_RequestTerminationCode how);
void http_visit(void *data, struct MHD_Connection *connection, void **visitor,
		enum MHD_ConnectionNotificationCode what);

/* The answer to r. s may be NULL: there was no memory for a snapshot. */
void http_answer(struct request *r, const struct snapshot *s);

/* Let r's connection go on, with its answer. */
void http_resume(struct request *r);

/* To those that no snapshot will come for any more. */
void http_refuse(struct request *r);

#endif

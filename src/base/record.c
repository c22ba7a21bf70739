#include "base/record.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const char *close_reason_name(enum close_reason reason)
{
	static const char *const names[CLOSE_REASONS] = {
		[CLOSE_DONE] = "done",
		[CLOSE_CLIENT_RESET] = "client-reset",
		[CLOSE_BACKEND_RESET] = "backend-reset",
		[CLOSE_UNREACHABLE] = "unreachable",
		[CLOSE_CONNECT_TIMEOUT] = "connect-timeout",
		[CLOSE_IDLE] = "idle",
		[CLOSE_HALF_OPEN] = "half-open",
		[CLOSE_BAD_HEADER] = "bad-header",
		[CLOSE_KILLED] = "killed",
		[CLOSE_SHUTDOWN] = "shutdown",
		[CLOSE_FAILED] = "failed",
	};

	return names[reason];
}

/* strerror() has another loop in mind, that of a path. */
const char *record_error(const struct record *r)
{
	if (r->error >= 0)
		return NULL;
	if (r->error == -ELOOP && r->backend.family != AF_UNIX)
		return "it leads back to lowport (ELOOP)";
	return strerror(-r->error);
}

const char *record_print(const struct record *r, char buf[RECORD_TEXT])
{
	char client[ADDR_TEXT], local[ADDR_TEXT], backend[ADDR_TEXT];
	const char *error = record_error(r);
	int n = snprintf(buf, RECORD_TEXT,
			 "closed%s%s client=%s local=%s backend=%s up=%" PRIu64
			 " down=%" PRIu64 " ms=%" PRIu64 " why=%s",
			 r->relay ? " relay=" : "", r->relay ? r->relay : "",
			 addr_print(&r->client, client),
			 addr_print(&r->local, local),
			 addr_print(&r->backend, backend), r->up, r->down,
			 r->duration_ms, close_reason_name(r->reason));

	if (error)
		snprintf(buf + n, (size_t)(RECORD_TEXT - n), " error=\"%s\"",
			 error);
	return buf;
}

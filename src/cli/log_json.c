#include "cli/log_json.h"

#include <assert.h>
#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum {
	FIELDS_MOST = 12,
	NUMBER_TEXT = 24,
	ERROR_TEXT = 256,
};

/* The members lie on the stack, not in the heap: there is a line for each
 * connection, and nothing of it is kept. */
struct object {
	cJSON whole;
	cJSON member[FIELDS_MOST];
	size_t count;
};

/* cJSON does not change what it prints, but has no const for it. */
static char *borrow(const char *text)
{
	return (char *)(uintptr_t)text;
}

static void add(struct object *o, const char *name, int type, const char *value)
{
	cJSON *member = &o->member[o->count];

	assert(o->count < FIELDS_MOST);
	*member = (cJSON){
		.type = type,
		.string = borrow(name),
		.valuestring = borrow(value),
	};
	if (o->count > 0)
		o->member[o->count - 1].next = member;
	o->count++;
}

static void add_text(struct object *o, const char *name, const char *value)
{
	add(o, name, cJSON_String, value);
}

/* cJSON's own numbers are doubles: not every count of bytes is one. */
static void add_number(struct object *o, const char *name, uint64_t number,
		       char buf[NUMBER_TEXT])
{
	snprintf(buf, NUMBER_TEXT, "%" PRIu64, number);
	add(o, name, cJSON_Raw, buf);
}

/* A path is the caller's, or even a peer's, bytes. */
enum { ADDR_ESCAPED = 4 * ADDR_TEXT };

static void add_addr(struct object *o, const char *name, const struct addr *a,
		     char buf[ADDR_ESCAPED])
{
	char text[ADDR_TEXT];

	if (a->family == AF_UNSPEC)
		return;
	log_escape(buf, ADDR_ESCAPED, addr_print(a, text), "\n");
	add_text(o, name, buf);
}

/* What the members of a record point to. */
struct record_text {
	char client[ADDR_ESCAPED], local[ADDR_ESCAPED], backend[ADDR_ESCAPED];
	char up[NUMBER_TEXT], down[NUMBER_TEXT], duration[NUMBER_TEXT];
	char error[ERROR_TEXT];
};

static void add_record(struct object *o, const struct record *r,
		       struct record_text *text)
{
	const char *error = record_error(r);

	if (r->relay)
		add_text(o, "relay", r->relay);
	add_addr(o, "client", &r->client, text->client);
	add_addr(o, "local", &r->local, text->local);
	add_addr(o, "backend", &r->backend, text->backend);
	add_number(o, "up", r->up, text->up);
	add_number(o, "down", r->down, text->down);
	add_number(o, "duration_ms", r->duration_ms, text->duration);
	add_text(o, "reason", close_reason_name(r->reason));
	if (!error)
		return;
	log_escape(text->error, sizeof(text->error), error, "\n");
	add_text(o, "error", text->error);
}

size_t log_json_line(char buf[LOG_JSON], uint64_t time_ms, enum log_level level,
		     const char *text, const struct record *ended)
{
	char time[LOG_TIME], message[LOG_TEXT];
	struct record_text record;
	struct object o;
	bool fits;
	size_t n;

	o.count = 0;
	log_escape(message, sizeof(message), text, "\n");
	add_text(&o, "time", log_time_rfc3339(time, time_ms));
	add_text(&o, "level", log_level_name(level));
	add_text(&o, "message", message);
	if (ended)
		add_record(&o, ended, &record);
	o.whole = (cJSON){.type = cJSON_Object, .child = o.member};
	/* All that text, each byte of it a quotation mark, has room. */
	fits = cJSON_PrintPreallocated(&o.whole, buf, LOG_JSON - 1, 0);
	assert(fits);
	(void)fits;
	n = strlen(buf);
	buf[n++] = '\n';
	buf[n] = '\0';
	return n;
}

#ifndef LOWPORT_CONTROL_JSON_H
#define LOWPORT_CONTROL_JSON_H

#include "base/text.h"

#include <stdbool.h>

/*
 * JSON as it is written, without a tree in memory: a hundred thousand
 * connections are one long line. A key is NULL in an array and at the top.
 */
struct json {
	struct text text;
	bool first; /* of its array or object */
};

void json_begin(struct json *j, const char *key, char bracket); /* { or [ */
void json_end(struct json *j, char bracket);                    /* } or ] */

/* s may be any bytes; what is not UTF-8 becomes U+FFFD. NULL: null. */
void json_string(struct json *j, const char *key, const char *s);
void json_number(struct json *j, const char *key, uint64_t n);
void json_bool(struct json *j, const char *key, bool b);

#endif

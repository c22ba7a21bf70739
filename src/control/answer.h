#ifndef LOWPORT_CONTROL_ANSWER_H
#define LOWPORT_CONTROL_ANSWER_H

#include "base/fault.h"

#include <cJSON.h>
#include <stdint.h>

/* What a running lowport has answered, which may be of another version: what is
 * not there is nothing. */

/* Returns the document, the caller's (cJSON_Delete()), or NULL with *why: it is
 * no JSON, or says that something went wrong. from is who said it. */
cJSON *answer_read(const char *text, const char *from, struct fault *why);

/* The same, of a status, whose format has to be ours. */
cJSON *answer_read_status(const char *text, const char *from,
			  struct fault *why);

/* A member: 0, "" if there is none of that kind. */
uint64_t answer_number(const cJSON *o, const char *name);
const char *answer_string(const cJSON *o, const char *name);

#endif

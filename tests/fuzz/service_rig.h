#ifndef LOWPORT_TESTS_FUZZ_SERVICE_RIG_H
#define LOWPORT_TESTS_FUZZ_SERVICE_RIG_H

#include "fuzz.h"

#include "service/agent.h"

/* The files that there are: what ends with that, has these bytes, which are
 * lent. NULL ends the array; none of it: -ENOENT. */
struct rig_file {
	const char *tail;
	const void *bytes;
	size_t size;
};

void service_rig_files(const struct rig_file *files);

/* An agent of those words: each word an argument, and the bytes behind the last
 * zero its sockets. */
void service_rig_fill(struct agent *a, struct feed *f);

void service_rig_must_be_same(const struct agent *a, const struct agent *b);

#endif

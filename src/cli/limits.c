#include "cli/limits.h"

#include "cli/logger.h"
#include "os/proc.h"

#include <inttypes.h>
#include <stdio.h>

enum {
	LOOP_DESCRIPTORS = 6, /* of each loop beside the first */
	DESCRIPTORS_FOR_THREADS = 1024,
};

/* More connections than the descriptors carry would be accepted and then left
 * without a backend; in the backlog they are served in turn. */
static void cap_connections(struct relay_options *opt, uint64_t asked,
			    size_t descriptors)
{
	char text[256];

	if (asked == 0)
		return;
	if (asked > opt->max_connections) {
		snprintf(text, sizeof(text),
			 "max-connections %" PRIu64
			 " is more than %zu descriptors carry: %zu at a time, "
			 "further clients wait in the backlog (raise ulimit "
			 "-n, LimitNOFILE=)",
			 asked, descriptors, opt->max_connections);
		logger_put(LEVEL_WARN, text);
		return;
	}
	opt->max_connections = (size_t)asked;
}

/* Few descriptors are not worth a second loop, which takes some itself. */
static size_t choose_threads(const struct config *c, size_t descriptors)
{
	if (c->threads > 0)
		return (size_t)c->threads;
	return descriptors < DESCRIPTORS_FOR_THREADS ? 1 : proc_threads();
}

/* What listeners and loops leave of the descriptors. */
static size_t descriptors_left(size_t descriptors, size_t listeners,
			       size_t threads)
{
	size_t taken = listeners + (threads - 1) * LOOP_DESCRIPTORS;

	return descriptors > taken ? descriptors - taken : 0;
}

void limits_set(struct relay_options *opt, const struct config *c,
		size_t listeners)
{
	size_t descriptors = proc_raise_descriptor_limit();
	size_t threads = choose_threads(c, descriptors);

	relay_defaults(opt, descriptors_left(descriptors, listeners, threads));
	opt->threads = threads;
	cap_connections(opt, c->max_connections, descriptors);
}

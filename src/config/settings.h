#ifndef LOWPORT_CONFIG_SETTINGS_H
#define LOWPORT_CONFIG_SETTINGS_H

#include "base/fault.h"
#include "base/rate.h"
#include "config/rules.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where something was written. */
struct position {
	const char *file; /* NULL: the command line */
	unsigned line;    /* from 1; 0: nowhere */
	uint64_t value;   /* of an option: another one for another text; 0: the
			   * default */
};

enum { OPTIONS_MOST = 64 };

/* What can be set for one relay, and, as a default, for all. Times in
 * milliseconds. */
struct settings {
	/* Proxies whose PROXY header is taken. */
	struct cidr *fronts;
	size_t front_count;
	bool unix_fronts;
	bool fronts_are_defaults; /* a first one of its own replaces them */

	/* Who may connect. 0: no limit. */
	struct rules rules;
	bool rules_are_defaults; /* likewise */
	uint64_t max_per_source;
	struct rate max_rate;

	uint64_t connect_timeout_ms;
	uint64_t wait_for_backend_ms;
	uint64_t idle_timeout_ms;
	uint64_t half_close_timeout_ms;
	uint64_t send_proxy; /* enum proxy_version */
	uint64_t proxy_timeout_ms;
	uint64_t keepalive_s;
	uint64_t stop_idle_ms; /* 0: never */
	uint64_t backlog;
	uint64_t unix_mode;
	uint64_t access_log; /* 0: off */

	/* Where each option was given, in the order of their table. */
	struct position given[OPTIONS_MOST];
};

/* What *from says, as defaults. Returns 0 or -ENOMEM. */
int settings_copy(struct settings *to, const struct settings *from);

void settings_free(struct settings *s);

/* Believe the PROXY headers from a net, or from all Unix clients ("unix").
 * Returns 0, or -EINVAL or -ENOMEM with *why. */
int settings_add_front(struct settings *s, const char *text, struct fault *why);

/* Add to the rules, as rules_add() does. */
int settings_add_rule(struct settings *s, const char *text, bool allow,
		      struct fault *why);

#endif

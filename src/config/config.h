#ifndef LOWPORT_CONFIG_CONFIG_H
#define LOWPORT_CONFIG_CONFIG_H

#include "config/http.h"
#include "config/rules.h"
#include "config/spec.h"

/*
 * What lowport has been told to do: groups of listeners with their backends,
 * and the settings that hold for all of them.
 */

/* Who says where a backend is. */
enum backend_choice {
	BACKEND_GIVEN, /* the user */
	BACKEND_PORT, /* we: a loopback port; the backends' ports are 0 still */
	BACKEND_PATH, /* we: a Unix socket; the backend's path is NULL still */
};

struct config_group {
	char *name; /* of its section in a file; NULL: the command line */
	struct listener_spec *listeners;
	size_t listener_count;
	struct relay_backend *backends;
	char **strings; /* what the backends point to */
	size_t backend_count;
	enum backend_choice choice;
	char *command; /* what starts the backend; NULL: it runs already */
	char **words;  /* the same, split */
	bool closed;   /* a backend was named, if only a bad one */
};

struct config {
	struct config_group *groups;
	size_t group_count;

	/* Proxies whose PROXY header is taken. */
	struct cidr *fronts;
	size_t front_count;
	bool unix_fronts;

	struct config_http http;

	/* The options, see options.c. Times in milliseconds. */
	uint64_t connect_timeout_ms;
	uint64_t wait_for_backend_ms;
	uint64_t max_waiting;
	uint64_t idle_timeout_ms;
	uint64_t half_close_timeout_ms;
	uint64_t drain_timeout_ms;
	uint64_t send_proxy; /* enum proxy_version */
	uint64_t proxy_timeout_ms;
	uint64_t keepalive_s;
	uint64_t listener_check_ms;
	uint64_t max_connections; /* 0: what the descriptors carry */
	uint64_t threads;      /* 0: one for each performance core, up to 4 */
	uint64_t stop_idle_ms; /* 0: never */
	uint64_t exit_on_idle_ms; /* 0: never */
	uint64_t backlog;
	uint64_t unix_mode;
	uint64_t splice;     /* 0: off */
	uint64_t log_level;  /* enum log_level */
	uint64_t access_log; /* 0: off */

	/* Who may connect. 0: no limit. */
	struct rules rules;
	uint64_t max_per_source;
	struct rate max_rate;
};

/* No group, and every option at its default. */
void config_init(struct config *c);

void config_free(struct config *c);

/* Add a listener to the group in progress, or begin the next group; a bad one
 * begins it too, so that what follows is read as it was meant. Returns 0, or
 * -EINVAL or -ENOMEM with *why. */
int config_add_listener(struct config *c, const char *text, struct fault *why);

/* Add a backend to the group in progress. Likewise; -ENOENT: no listener came
 * before it. */
int config_add_backend(struct config *c, const char *text, struct fault *why);

/* Say what starts the backend of the group in progress. Likewise. */
int config_add_command(struct config *c, const char *text, struct fault *why);

/* Believe the PROXY headers from a net, or from all Unix clients ("unix").
 * Returns 0, or -EINVAL or -ENOMEM with *why. */
int config_add_front(struct config *c, const char *text, struct fault *why);

#endif

#ifndef LOWPORT_CONFIG_CONFIG_H
#define LOWPORT_CONFIG_CONFIG_H

#include "config/http.h"
#include "config/log_to.h"
#include "config/settings.h"
#include "config/spec.h"
#include "config/take.h"

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

/* Mistakes that have been told: what follows from them need not be. */
struct trouble {
	bool listener, backend, command;
};

/* A relay: its listeners and their backends. */
struct config_group {
	char *name;            /* of its section; NULL: the command line's */
	struct position place; /* of the section */
	struct listener_spec *listeners;
	size_t listener_count;
	struct relay_backend *backends;
	char **strings; /* what the backends point to */
	size_t backend_count;
	enum backend_choice choice;
	char *command; /* what starts the backend; NULL: it runs already */
	char **words;  /* the same, split */
	bool closed;   /* a backend was named, if only a bad one */
	struct settings settings;
	struct trouble trouble;
};

struct config {
	struct config_group *groups;
	size_t group_count;
	struct settings defaults; /* of groups, while they are read */
	bool in_section; /* what is read belongs to the last group, by name */

	/* Files and folders to be read, as they were given, and the names of the
	 * files that were. */
	struct names {
		char **at;
		size_t count;
	} paths, files;

	struct takes takes;

	struct config_http http;

	/* The options of the process, see options.c. Times in milliseconds. */
	uint64_t max_waiting;
	uint64_t drain_timeout_ms;
	uint64_t listener_check_ms;
	uint64_t max_connections; /* 0: what the descriptors carry */
	uint64_t threads; /* 0: one for each performance core, up to 4 */
	uint64_t exit_on_idle_ms; /* 0: never */
	uint64_t splice;          /* 0: off */
	uint64_t log_level;       /* enum log_level */
	uint64_t log_json;        /* 0: text */
	struct log_to log_to;
	char *user; /* whom root becomes, NAME[:GROUP]; NULL: nobody else */
	uint64_t allow_root;
	uint64_t sandbox; /* enum sandbox_mode */
	uint64_t replace; /* 0: none; else the lowport at: */
	char *replaced;   /* a path or a name; NULL: the one that runs */
	char *status; /* "none", a path, or a name; NULL: we choose a name */

	struct trouble trouble;
};

/* No group, and every option at its default. */
void config_init(struct config *c);

void config_free(struct config *c);

/* Begin the group of a section, which has the defaults until it says otherwise;
 * what is added from here on is its own, until config_end_section(). Returns 0,
 * or -EEXIST if there is one of that name, or -ENOMEM, with *why. */
int config_begin_section(struct config *c, const char *name,
			 const struct position *place, struct fault *why);
void config_end_section(struct config *c);

/* What is set now: the defaults, or the group's of a section. */
struct settings *config_settings(struct config *c);

/* Give the groups that are outside of sections the defaults. 0 or -ENOMEM. */
int config_settle(struct config *c);

/* Add a listener to the group in progress, or, outside of sections, begin the
 * next group; a bad one begins it too, so that what follows is read as it was
 * meant. Returns 0, or -EINVAL or -ENOMEM with *why. */
int config_add_listener(struct config *c, const char *text, struct fault *why);

/* Add a backend to the group in progress. Likewise; -ENOENT: no listener came
 * before it. */
int config_add_backend(struct config *c, const char *text, struct fault *why);

/* Say what starts the backend of the group in progress. Likewise. */
int config_add_command(struct config *c, const char *text, struct fault *why);

/* Leave it to us where the backend of g is, which has a command and none yet. 0
 * or -ENOMEM. */
int config_choose_port(struct config_group *g);

/* Do both ask for the very same socket, or sockets? */
bool config_same_listener(const struct listener_spec *a,
			  const struct listener_spec *b);

/* Would both ask for the same socket? */
bool config_overlap(const struct listener_spec *a,
		    const struct listener_spec *b);

/* Keep a name for as long as c lives; NULL: no memory. */
const char *config_add_name(struct names *names, const char *name);

/* The name of a group, for people: its own, or its first listener. */
const char *config_group_name(const struct config_group *g);

/* Where an option was given, as the beginning of a message: --NAME or
 * FILE:LINE: NAME. Returns buf. */
const char *config_print_place(const struct position *place, const char *option,
			       char *buf, size_t size);

/* Say where the status socket is: auto, none, a name or a path. Likewise. */
int config_set_status(struct config *c, const char *text, struct fault *why);

#endif

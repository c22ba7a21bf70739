#ifndef LOWPORT_SERVICE_MANAGER_H
#define LOWPORT_SERVICE_MANAGER_H

#include "service/doctor.h"
#include "service/steps.h"

/*
 * A service manager, as far as installing goes: launchd, systemd. Both are
 * built everywhere; CMake picks whose manager_here it is. A third one is a new
 * manager_NAME.c.
 */
struct manager {
	const char *name;  /* also the prefix of what it hands over */
	const char *thing; /* an installed lowport, to it */
	const char *help;  /* of `lowport install`, what is its own */
	const char *list;  /* the command that lists those of this user */

	/* Set up a, for whoever runs this. -EINVAL if name cannot be one. */
	int (*init)(struct agent *a, const char *name, struct fault *why);

	/* One --listen: its sockets, and what `lowport run` has to be told to
	 * take them. first: it begins a group. */
	int (*add_listener)(struct agent *a, const char *text, bool first,
			    struct fault *why);

	/* What a configuration file listens on: a socket at one address, which
	 * may join the one before it; what it takes to serve the addresses of
	 * an interface. takes_all: `lowport run` can take all of them by the
	 * name of the manager alone, else one by one by theirs. */
	int (*add_socket)(struct agent *a, const struct addr *at, bool joins,
			  struct fault *why);
	int (*add_interface)(struct agent *a, const char *name, bool link_local,
			     uint16_t port, struct fault *why);
	bool takes_all;

	/* Can the service of a, which is of the system, read that file, and
	 * make that socket file? a is told what that takes. 0, or a negative
	 * errno with *why. NULL: it runs as whoever installs it. */
	int (*check_file)(struct agent *a, const char *path, struct fault *why);
	int (*check_socket)(const struct agent *a, const char *path,
			    struct fault *why);

	/* The files of a as text, which the caller frees, touching nothing;
	 * daemon: as a daemon of the system. *how, likewise, is what else
	 * there is to say, or NULL. Returns 0 or a negative errno. */
	int (*print)(struct agent *a, const char *program, bool daemon,
		     char **files, char **how, struct fault *why);

	/* May this user have a (NULL: any)? Nothing has been touched so far.
	 * 0, or -EPERM with *why. */
	int (*check)(const struct agent *a, struct fault *why);

	/* Write a, load it, look at it; program is this lowport. What fails
	 * leaves at most an older one of that name unloaded. Load one anew.
	 * Take it out. All return 0, or a negative errno with *why. */
	int (*install)(struct agent *a, const char *program, install_say say,
		       struct fault *why);
	int (*reload)(const char *name, const char *program, install_say say,
		      struct fault *why);
	int (*remove)(const char *name, install_say say, struct fault *why);

	/* For the doctor. init(), for one that is installed wherever this user
	 * may look. */
	int (*find)(struct agent *a, const char *name, struct fault *why);

	/* The files that a, which find() has set up, was installed
	 * with: -ENOENT if there are none. */
	int (*read)(struct agent *a, struct fault *why);

	/* Its files, whether it is loaded, which is returned, how it ended. */
	bool (*look)(struct doctor *d, const struct agent *a);

	/* Its sockets, which the manager should hold. */
	void (*look_at_sockets)(struct doctor *d, const struct agent *a,
				bool loaded);

	/* An address that is to be installed: what this user has to know. */
	void (*look_at_plan)(struct doctor *d, const struct addr *at);

	/* Call found() for each that is installed, and put where that is into
	 * buf. */
	void (*list_all)(void (*found)(void *data, const char *name),
			 void *data, char *buf, size_t size);
};

extern const struct manager manager_launchd, manager_systemd;

/* The one of this system. */
extern const struct manager *const manager_here;

/* What stands in folder as PREFIX NAME TAIL: found() for each NAME that does
 * not end with but. For list_all(). */
void manager_list_folder(const char *folder, const char *prefix,
			 const char *tail, const char *but,
			 void (*found)(void *data, const char *name),
			 void *data);

#endif

#ifndef LOWPORT_OS_LISTEN_H
#define LOWPORT_OS_LISTEN_H

#include "base/addr.h"
#include "base/fault.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Seam 1: where a listener comes from. Each source turns what was asked for
 * into listening descriptors, or says why not. A new source is one new file
 * and one new row in listen.c.
 */

/* What was asked for. Which fields count is the source's business. */
struct listen_request {
	const char *text;      /* as the user wrote it, for messages */
	const char *name;      /* systemd, launchd: the entry; NULL: all */
	int fd;                /* fd: the number */
	struct addr addr;      /* bind: where; elsewhere: what it must turn out
			      * to be bound to, AF_UNSPEC if not said */
	bool both_families;    /* bind: 0.0.0.0 and [::] */
	const char *interface; /* whose addresses are served; NULL: no matter.
				* Of addr only the port counts then, 0 where
				* it is handed over: any */
	bool link_local;       /* these of it too */
	const char *to;        /* if: the backend, for messages */
	unsigned mode;         /* unix: permissions of the socket file */
	int backlog;           /* bind, unix */
	struct listeners *offered; /* bind, only, if, unix: what is bound
				    * there in it is taken instead; NULL:
				    * nothing */
};

struct listener {
	int fd;           /* -1 once someone else has taken it */
	struct addr addr; /* where it is bound */
	struct addr only; /* the one local address to serve; AF_UNSPEC: any */
	const struct listen_request *asked; /* what it was opened for */
	int device; /* as sock_bind_device() says; 0: not tried */
	char *path; /* of a Unix listener: addr's, owned here */
	bool lent;  /* it was offered, by one who has it still */
	bool made;  /* bound by us: a Unix path is ours to remove, */
	dev_t dev;  /* if it is still this file */
	ino_t ino;
	bool stays; /* offered: for good, by whoever handed it over, however
		     * often it is taken. Else: it was taken from those */
	bool taken; /* offered: by a listener that is no interface's */
};

/* Listeners that were opened; all that they hold is the owner's of this. Starts
 * as zeroes. */
struct listeners {
	struct listener *at;
	size_t count;
};

/* What a source wants behind its prefix. */
enum listen_argument {
	LISTEN_ADDRESS,       /* ADDR:PORT */
	LISTEN_ONE_ADDRESS,   /* :ADDR:PORT */
	LISTEN_INTERFACE,     /* :INTERFACE[+ll]:PORT */
	LISTEN_PATH,          /* :PATH */
	LISTEN_NAME,          /* :NAME */
	LISTEN_OPTIONAL_NAME, /* nothing or :NAME */
	LISTEN_NUMBER,        /* :N */
};

struct listen_source {
	const char *prefix; /* "" for an address that we bind */
	enum listen_argument argument;
	bool handed_over;  /* made by another: @ADDR:PORT may follow */
	const char *giver; /* what that one is called; NULL: it is us */
	bool dispensable;  /* without it, the other listeners are served still:
			   * whoever starts us would only try again, for ever */

	/* Add what was asked for to out. On failure *why says in words what
	 * is wrong and how to mend it, nothing is added, and nothing of ours
	 * stays open (but what was handed over does, if it can be asked for
	 * again). Returns 0 or a negative errno. */
	int (*open)(const struct listen_request *want, struct listeners *out,
		    struct fault *why);
};

/* The sources of this system, the one with the empty prefix last. Ends with a
 * row whose prefix is NULL. */
extern const struct listen_source listen_sources[];

int listen_open_bind(const struct listen_request *want, struct listeners *out,
		     struct fault *why);
int listen_open_only(const struct listen_request *want, struct listeners *out,
		     struct fault *why);
/* Only looks whether this user may bind that port; what the interface has is
 * opened as it comes, with listen_open_address(). */
int listen_open_interface(const struct listen_request *want,
			  struct listeners *out, struct fault *why);
int listen_open_unix(const struct listen_request *want, struct listeners *out,
		     struct fault *why);
/* Remove the socket file at addr, unless somebody serves it: -EADDRINUSE. */
int listen_clear_unix(const struct addr *addr, struct fault *why);
int listen_open_systemd(const struct listen_request *want,
			struct listeners *out, struct fault *why);
int listen_open_launchd(const struct listen_request *want,
			struct listeners *out, struct fault *why);
int listen_open_fd(const struct listen_request *want, struct listeners *out,
		   struct fault *why);

/* The listener at one address of want->interface, through which alone clients
 * may come where the system can see to that. */
int listen_open_address(const struct addr *at,
			const struct listen_request *want,
			struct listeners *out, struct fault *why);

/* The names of systemd's sockets that no request took so far, joined by ", "
 * in buf. Returns how many. */
size_t listen_systemd_left(const struct listeners *taken, char *buf,
			   size_t size);

/*
 * A descriptor handed over is not yet a listener: look whether fd is a
 * listening stream socket, bound, and bound where want->addr says, and add it
 * to out, non-blocking and closed on exec. giver names who handed it over and
 * mend says what to do about it, for *why. fd stays the caller's on failure.
 */
int listen_adopt(int fd, const struct listen_request *want, const char *giver,
		 const char *mend, struct listeners *out, struct fault *why);

/*
 * Take what want->offered has, add it to out, listening with want's backlog, and
 * return how many were added (0: there is none), or a negative errno with *why.
 * What does not stay is lent: until listen_own(), a socket file is not ours, and
 * has the mode that it had.
 *
 * The one that is bound at addr; [::] only if it is for IPv6 alone. The one of
 * want's port that is for both families. All wildcards of that port that stay.
 */
int listen_take_offered(const struct addr *addr,
			const struct listen_request *want,
			struct listeners *out, struct fault *why);
int listen_take_both(const struct listen_request *want, struct listeners *out,
		     struct fault *why);
int listen_take_wildcards(const struct listen_request *want,
			  struct listeners *out, struct fault *why);

/* Is there any of want's port? */
bool listen_is_offered(const struct listen_request *want);

/* Close those that do not stay. */
void listen_drop_offered(struct listeners *l);

/* What was handed over to stay, and how wanted can be too, as a sentence; empty
 * if nothing was. l may be NULL. */
void listen_print_offered(const struct listeners *l, const struct addr *wanted,
			  char *buf, size_t size);

/* Who handed it over: systemd, launchd, ... */
const char *listen_giver(const struct listener *l);

/* Add fd, bound to addr, whose path is copied. Takes fd on success. -ENOMEM with
 * *why set. */
int listen_add(struct listeners *out, int fd, const struct addr *addr,
	       const struct listen_request *want, struct fault *why);

/* The socket file of a Unix listener gets the mode that was asked for, if it is
 * still there, and the same. Returns 0, or a negative errno with *why. */
int listen_set_mode(const struct listener *l, struct fault *why);

/* Whoever offered it has left: its file is ours now. Returns as
 * listen_set_mode() does. */
int listen_own(struct listener *l, struct fault *why);

/* Close it, and remove the socket file that we made if it is still ours. */
void listen_close_one(struct listener *l);

/* Close the listeners from the first-th on and remove each socket file that we
 * made and that is still ours. */
void listen_close(struct listeners *l, size_t first);

#endif

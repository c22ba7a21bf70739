#ifndef STANDIN_SOCKETS_H
#define STANDIN_SOCKETS_H

#include <plist/plist.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * The Sockets dictionary made real, as launchd makes it: one entry for each
 * dictionary (several under one key if its value is an array), one descriptor
 * for each address that getaddrinfo() gives. What cannot be bound is handed
 * over all the same, not bound; what cannot be resolved gives no descriptor.
 * Neither keeps the job from loading.
 */

struct socket_entry {
	char *name;
	plist_t dict; /* of the job's property list */
	int *fds;
	size_t count;
	bool active; /* the job has activated it */
};

struct sockets {
	struct socket_entry *at;
	size_t count;
};

/* Make what dict (or NULL) asks for. The descriptors are closed on exec. owner
 * gets the files of SockPathName unless SockPathOwner says otherwise. */
void sockets_open(struct sockets *s, plist_t dict, uid_t owner);

/* Does a poll for input mean that a client waits? */
bool socket_can_wake(int fd);

/* Entries and descriptors, as the job's environment carries them: one line for
 * each entry, "FD FD=NAME". The caller frees it. */
char *sockets_describe(const struct sockets *s);

/* The job has asked for that name, or has exited (NULL). */
void sockets_set_active(struct sockets *s, const char *name);

void sockets_close(struct sockets *s);

#endif

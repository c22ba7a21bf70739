#ifndef STANDIN_CONTROL_H
#define STANDIN_CONTROL_H

#include <stddef.h>

/*
 * How launchctl and liblaunch talk to the stand-in: one seqpacket message each
 * way on the socket "control" in LOWPORT_STANDIN_DIR. A question is words, each
 * ended by NUL; an answer is one byte, the exit status, and text.
 */

enum { CONTROL_MOST = 65536 };

struct sockaddr_un;

/* Returns 0, or a negative errno if there is no stand-in to speak to. */
int control_address(struct sockaddr_un *sun, const char *dir);

/* Put words into buf of CONTROL_MOST bytes. Returns the length; words that do
 * not fit are left out. */
size_t control_pack(char *buf, const char *const words[], size_t count);

/* The other way: pointers into buf. Returns how many, at most most. */
size_t control_unpack(const char *buf, size_t length, const char *words[],
		      size_t most);

/* Ask, and put the answer, ended by NUL, into buf. Returns the status, or a
 * negative errno. */
int control_ask(const char *const words[], size_t count,
		char buf[CONTROL_MOST + 1]);

#endif

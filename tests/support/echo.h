#ifndef LOWPORT_TESTS_ECHO_H
#define LOWPORT_TESTS_ECHO_H

/*
 * A backend that sends back what it gets, and ends when its client has, on a
 * thread of its own.
 */
struct echo;

/* Serve listener, which stays the caller's. Returns NULL if it cannot. */
struct echo *echo_start(int listener);

/* Close those that are still there, and free e. */
void echo_stop(struct echo *e);

#endif

#ifndef LOWPORT_TESTS_POOR_LINE_H
#define LOWPORT_TESTS_POOR_LINE_H

/*
 * A bad line for UDP: what comes to one end goes on to the other, later, and
 * one in so many is lost. It does what tc's netem would, which not every kernel
 * has, loses the same packets each time, and needs no rights.
 */
struct poor_line;

struct poor_line_options {
	const char *near; /* where one end sends to: ADDR:PORT */
	const char *far;  /* where it goes on to */
	unsigned delay_ms;
	unsigned lose_one_in;
};

/* On a thread of its own; its sockets are in the network where the caller is.
 * What goes wrong fails the test. */
struct poor_line *poor_line_start(const struct poor_line_options *opt);

/* Returns how many packets were lost. */
unsigned poor_line_stop(struct poor_line *line);

#endif

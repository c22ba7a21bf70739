#ifndef LOWPORT_CLI_OUTPUT_H
#define LOWPORT_CLI_OUTPUT_H

#include <sys/types.h>
#include <uv.h>

/*
 * What a program prints, taken into our log line by line, never waiting for
 * either: NAME[PID]: LINE.
 */
struct output;

/* *write_end is for the program to print to; the caller closes it. Returns 0 or
 * a negative errno. */
int output_open(struct output **out, uv_loop_t *loop, int *write_end);

/* Begin to read. name is copied. */
void output_start(struct output *o, const char *name, pid_t pid);

/* Read what is there now, and no more; o frees itself on a later turn of the
 * loop. o may be NULL. */
void output_close(struct output *o);

#endif

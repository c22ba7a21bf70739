#ifndef LOWPORT_CLI_IDLE_H
#define LOWPORT_CLI_IDLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

/*
 * Is anybody there? Under a service manager that holds the sockets, lowport may
 * end when nobody is: it is started for the next client.
 */
struct idle {
	uv_timer_t timer;
	uint64_t after_ms;    /* 0: off */
	uint64_t since_ms;    /* nobody was connected */
	uint64_t earliest_ms; /* to end */
	size_t clients;
	int *listeners; /* descriptors, others' */
	size_t count;
	void (*over)(void *data);
	void *data;
};

/* It is off. Returns 0 or a negative errno. */
int idle_open(struct idle *i, uv_loop_t *loop, void (*over)(void *data),
	      void *data);

/* From here on over is called once, when nobody was connected for after_ms and
 * nobody waits to be accepted; whoever comes after that must be left in the
 * backlog. 0: off. */
void idle_set(struct idle *i, uint64_t after_ms);

/* Clients come in here. fd stays open as long as i is. 0 or -ENOMEM. */
int idle_listener(struct idle *i, int fd);

/* They do not, any more. */
void idle_forget(struct idle *i, int fd);

void idle_arrived(struct idle *i);
void idle_left(struct idle *i);

/* Nothing is called any more. It need not be open. */
void idle_close(struct idle *i);

#endif

#ifndef LOWPORT_CLI_INSPECT_H
#define LOWPORT_CLI_INSPECT_H

#include "cli/account.h"
#include "control/snapshot.h"

/*
 * Snapshots of what runs. They are made when somebody asks, from what the relay
 * knows and what its owner tells; in between it costs nothing.
 */

/* One snapshot in the making. */
struct inspection;

/* Who is asked. Lent until the last snapshot is ready. */
struct inspect {
	struct relay *relay;

	/* Tell of each relay by inspection_relay(), and of each listener of it
	 * behind that by inspection_listener(); and of the process, in *s:
	 * config, reloads, draining, workers and limits. */
	void (*tell)(void *data, struct inspection *i, struct snapshot *s);

	/* Whose connections these are. NULL: nobody's. */
	struct account *(*account_of)(void *data,
				      const struct relay_route *route);

	/* The last of the snapshots in the making is made. */
	void (*made)(void *data);

	void *data;
	unsigned making; /* while there is one, what was told of has to stay */
	uint64_t since_ms; /* uv_now(), when it began */
	uv_loop_t *loop;
	uint64_t up_told, down_told;
};

/* backends and account, and for a listener from, are lent until the snapshot is
 * rendered. */
void inspection_relay(struct inspection *i, struct account *account,
		      const struct relay_backend *backends, size_t count);
void inspection_listener(struct inspection *i, int fd, const struct addr *at,
			 const char *from);

/* One that is made of *in, a struct inspect. */
struct snapshot_source inspect_source(struct inspect *in);

#endif

#include "sim/sim.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/*
 * Thousands of worlds, each from a seed: ctest runs those from a fixed one on,
 * `test_sim SEED COUNT` others, and `test_sim SEED` one, telling what happens.
 */

enum { SCHEDULES = 2000 };

static uint64_t state, seed;

/* Steele's splitmix64. */
static uint32_t next(void *data, uint32_t below)
{
	uint64_t z = (state += UINT64_C(0x9e3779b97f4a7c15));

	(void)data;
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	z ^= z >> 31;
	return (uint32_t)((z >> 32) * below >> 32);
}

static void on_failed(void *data, const char *what)
{
	(void)data;
	printf("seed %" PRIu64 ": %s\n", seed, what);
	exit(1);
}

static void tell_seen(void)
{
	const struct sim_seen *s = &sim_seen;

	printf("%" PRIu64 " steps, %" PRIu64 " clients, %" PRIu64
	       " MiB (%" PRIu64 " spliced, %" PRIu64 " halts with a full "
	       "pipe), %" PRIu64 " half-closed, %" PRIu64 " resets, %" PRIu64
	       " refused, %" PRIu64 " urgent bytes, %" PRIu64
	       " shortages, %" PRIu64 " names, %" PRIu64 " killed, %" PRIu64
	       " rerouted, %" PRIu64 " drained, %" PRIu64 " freed\n",
	       s->steps, s->accepted, s->bytes >> 20, s->spliced >> 20,
	       s->held_in_pipes, s->half_closed, s->resets, s->refused,
	       s->urgent, s->shortages, s->names, s->killed, s->rerouted,
	       s->drained, s->freed);
	for (int i = 0; i < CLOSE_REASONS; i++)
		printf("%s %" PRIu64 "%s",
		       close_reason_name((enum close_reason)i), s->ended[i],
		       i + 1 < CLOSE_REASONS ? ", " : "\n");
}

int main(int argc, char **argv)
{
	const char *from = argc > 1 ? argv[1] : getenv("SIM_SEED");
	uint64_t first = from ? strtoull(from, NULL, 0) : 1;
	uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 0)
			 : from   ? 1
				  : SCHEDULES;
	struct sim sim = {.choose = next, .failed = on_failed};

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (count == 1)
		sim.trace = stdout;
	for (seed = first; seed < first + count; seed++) {
		state = seed;
		sim_run(&sim);
	}
	printf("seeds %" PRIu64 " to %" PRIu64 "\n", first, first + count - 1);
	tell_seen();
	return 0;
}

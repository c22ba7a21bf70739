#include "fuzz.h"

#include "sim/sim.h"

#include <stdlib.h>

/*
 * The connection state machine: the engine in the world of tests/sim, in which
 * the bytes are what is left to chance (readiness, errors, short reads and
 * writes, ends, resets, the time, shortages). That world checks what must hold;
 * see tests/sim/checks.c. With SIM_TRACE set, what happens is told.
 */

static uint32_t next(void *data, uint32_t below)
{
	struct feed *f = data;
	uint64_t n = feed_number(f, below <= 256       ? 1
				    : below <= 1 << 16 ? 2
						       : 4);

	return (uint32_t)(n % below);
}

static void on_failed(void *data, const char *what)
{
	(void)data;
	fuzz_fail(__FILE__, __LINE__, "the engine keeps its promises", what);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct feed f = {data, size};
	const struct sim sim = {
		.choose = next,
		.failed = on_failed,
		.data = &f,
		.trace = getenv("SIM_TRACE") ? stderr : NULL,
	};

	sim_run(&sim);
	return 0;
}

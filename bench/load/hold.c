#include "load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* So many connections come from one source address: fewer than the ports that
 * Linux has for it. */
#define PORTS_PER_ADDRESS 20000

/* Open one, carry a byte each way, and say in *ns how long that took. Returns
 * a descriptor, or a negative errno. */
static int open_one(uint64_t port, uint64_t at, uint64_t *ns)
{
	uint64_t start = load_now_ns();
	int fd = load_dial(port, (unsigned)(at / PORTS_PER_ADDRESS), LOAD_ECHO);
	char byte = 'x';
	int err;

	if (fd < 0)
		return fd;
	err = load_exchange(fd, &byte, 1);
	*ns = load_now_ns() - start;
	if (err == 0)
		return fd;
	close(fd);
	return err;
}

void load_connects(const struct load_args *args)
{
	uint64_t count = args->number[1];
	uint64_t *took = calloc(count + 1, sizeof(*took));

	if (!took)
		load_die("samples", ENOMEM);
	for (uint64_t i = 0; i < count; i++) {
		int fd = open_one(args->number[0], 0, &took[i]);

		if (fd < 0)
			load_die("a connection", fd);
		close(fd);
	}
	printf("work %llu\n", (unsigned long long)count);
	load_percentiles(took, count);
}

void load_hold(const struct load_args *args)
{
	uint64_t count = args->number[1];
	uint64_t *took = calloc(count + 1, sizeof(*took));
	uint64_t start = load_now_ns();
	uint64_t held;
	char byte;

	if (!took)
		load_die("samples", ENOMEM);
	for (held = 0; held < count; held++) {
		int fd = open_one(args->number[0], held, &took[held]);

		if (fd < 0) {
			fprintf(stderr, "load: after %llu connections: %d\n",
				(unsigned long long)held, fd);
			break;
		}
	}
	printf("open_us %.1f\n",
	       held > 0 ? (double)(load_now_ns() - start) / 1e3 / (double)held
			: 0);
	printf("holding %llu\n", (unsigned long long)held);
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
}

#include "load.h"

#include "base/num.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const struct command {
	const char *name;
	void (*run)(const struct load_args *args);
	int fewest; /* numbers that have to be given */
	const char *usage;
} commands[] = {
	{"serve", load_serve, 1, "PORT [PATH]  be the backend"},
	{"connects", load_connects, 2,
	 "PORT COUNT  connections one after another, a byte each way"},
	{"hold", load_hold, 2,
	 "PORT COUNT  idle connections, until standard input ends"},
	{"rate", load_rate, 4,
	 "PORT SIZE RATE MS [BULK]  exchanges at a fixed rate, beside so many "
	 "bulk connections"},
	{"crowd", load_crowd, 3, "PORT COUNT MS  bulk connections at once"},
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

void load_die(const char *what, int err)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(abs(err)));
	exit(1);
}

uint64_t load_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

int load_dial(uint64_t port, unsigned from, char kind)
{
	struct sockaddr_in sin = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct timeval patience = {.tv_sec = 5};
	int on = 1;

	if (fd < 0)
		return -errno;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK + from);
	if (from > 0 && bind(fd, (struct sockaddr *)&sin, sizeof(sin)) < 0)
		goto fail;
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	sin.sin_port = htons((uint16_t)port);
	if (connect(fd, (struct sockaddr *)&sin, sizeof(sin)) < 0 ||
	    write(fd, &kind, 1) != 1)
		goto fail;
	return fd;
fail:
	on = errno;
	close(fd);
	return -on;
}

int load_exchange(int fd, char *bytes, size_t size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = write(fd, bytes + done, size - done);

		if (n < 0)
			return -errno;
		done += (size_t)n;
	}
	for (done = 0; done < size;) {
		ssize_t n = read(fd, bytes + done, size - done);

		if (n <= 0)
			return n < 0 ? -errno : -ECONNRESET;
		done += (size_t)n;
	}
	return 0;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a;
	uint64_t y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void print_percentile(const char *name, const uint64_t *samples,
			     size_t count, double part)
{
	size_t at = (size_t)((double)count * part);

	printf("%s %.1f\n", name,
	       (double)samples[at < count ? at : count - 1] / 1e3);
}

void load_percentiles(uint64_t *samples, size_t count)
{
	if (count == 0)
		load_die("no exchange was made in time", ETIMEDOUT);
	qsort(samples, count, sizeof(*samples), compare);
	print_percentile("p50_us", samples, count, 0.5);
	print_percentile("p99_us", samples, count, 0.99);
	print_percentile("p999_us", samples, count, 0.999);
	print_percentile("max_us", samples, count, 1);
}

static int usage(void)
{
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(stderr, "%s load %s %s\n",
			i > 0 ? "      " : "usage:", commands[i].name,
			commands[i].usage);
	return 2;
}

int main(int argc, char **argv)
{
	const struct command *c = commands;
	struct load_args args = {0};
	struct rlimit files;
	int numbers = 0;

	while (argc > 1 && c < commands + COMMANDS && strcmp(c->name, argv[1]))
		c++;
	if (argc < 2 || c == commands + COMMANDS || argc > 2 + 5)
		return usage();
	for (int i = 2; i < argc; i++) {
		if (argv[i][0] == '/')
			args.path = argv[i];
		else if (num_parse(argv[i], 10, 0, UINT32_MAX,
				   &args.number[numbers++]) < 0)
			return usage();
	}
	if (numbers < c->fewest)
		return usage();
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	signal(SIGPIPE, SIG_IGN);
	c->run(&args);
	return 0;
}

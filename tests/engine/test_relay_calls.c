/*
 * The relay, with a conn_open() that fails: for lack of memory, say, which no
 * test can bring about at that very place.
 */
#include "engine/conn.h"

static int failing_open(struct worker *w, int fd,
			const struct conn_origin *from);

#define conn_open failing_open
#include "engine/relay.c" /* NOLINT */
#undef conn_open

#include "support/unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TRIES = 3, PATIENCE_MS = 20000 };

static unsigned failed;

static int failing_open(struct worker *w, int fd,
			const struct conn_origin *from)
{
	(void)from;
	sock_reset(fd);
	if (++failed == TRIES)
		uv_stop(w->loop);
	return -ENOMEM;
}

static void on_patience_over(uv_timer_t *timer)
{
	uv_stop(timer->loop);
}

static int listen_here(struct addr *bound)
{
	struct sockaddr_in in = {.sin_family = AF_INET,
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = sock_open(AF_INET);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	assert_int_equal(listen(fd, TRIES), 0);
	assert_int_equal(sock_local(fd, bound), 0);
	return fd;
}

static void who_could_not_be_served_is_not_counted(void **state)
{
	struct relay_door door = {NULL, 0, true, {.connections = 1}};
	struct relay_route route = {.door = &door};
	struct relay_options opt;
	struct relay *r;
	struct addr bound;
	struct stats stats;
	uv_timer_t patience;
	int fds[TRIES];
	uv_loop_t loop;

	(void)state;
	relay_defaults(&opt, 64);
	assert_int_equal(uv_loop_init(&loop), 0);
	uv_timer_init(&loop, &patience);
	uv_timer_start(&patience, on_patience_over, PATIENCE_MS, 0);
	assert_int_equal(relay_new(&r, &loop, &opt), 0);
	assert_int_equal(relay_listen(r, listen_here(&bound), &bound, &route),
			 0);
	for (int i = 0; i < TRIES; i++) {
		fds[i] = sock_open(AF_INET);
		assert_in_range(-sock_connect(fds[i], &bound), 0, EINPROGRESS);
	}
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(failed, TRIES);
	relay_stats(r, &stats);
	assert_int_equal(stats.refused, 0);
	relay_free(r);
	uv_close((uv_handle_t *)&patience, NULL);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
	for (int i = 0; i < TRIES; i++)
		close(fds[i]);
}

/* Who embeds it may have asked the system for that number. */
static void there_is_at_least_one_thread_and_not_thousands(void **state)
{
	static const size_t asked[] = {0, THREADS_MOST + 1, SIZE_MAX};
	struct relay_options opt;
	struct relay *r;
	uv_loop_t loop;

	(void)state;
	for (size_t i = 0; i < COUNT(asked); i++) {
		relay_defaults(&opt, 64);
		opt.threads = asked[i];
		assert_int_equal(uv_loop_init(&loop), 0);
		assert_int_equal(relay_new(&r, &loop, &opt), 0);
		assert_in_range(r->options.threads, 1, THREADS_MOST);
		relay_free(r);
		uv_run(&loop, UV_RUN_DEFAULT);
		assert_int_equal(uv_loop_close(&loop), 0);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_could_not_be_served_is_not_counted),
		cmocka_unit_test(
			there_is_at_least_one_thread_and_not_thousands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "os/sink.h"

#include "support/pairs.h"

#include "base/addr.h"
#include "os/proc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>

/* A daemon that receives datagrams at a path, as syslogd does. */
struct rig {
	struct sink sink;
	char dir[32], path[64];
	int daemon; /* -1: it does not run */
};

static void start_daemon(struct rig *r)
{
	struct addr at = {.family = AF_UNIX, .path = r->path};
	struct sockaddr_storage ss;
	socklen_t length = addr_to_sockaddr(&at, &ss);

	r->daemon = socket(AF_UNIX, SOCK_DGRAM, 0);
	assert_true(r->daemon >= 0);
	assert_int_equal(bind(r->daemon, (void *)&ss, length), 0);
	fd_nonblocking(r->daemon);
}

static void stop_daemon(struct rig *r)
{
	fd_close(&r->daemon);
	unlink(r->path);
}

static int set_up(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	strcpy(r->dir, "/tmp/lowport-sink-XXXXXX");
	assert_non_null(mkdtemp(r->dir));
	snprintf(r->path, sizeof(r->path), "%s/log", r->dir);
	start_daemon(r);
	assert_int_equal(sink_open_datagram(&r->sink, r->path), 0);
	*state = r;
	return 0;
}

static int tear_down(void **state)
{
	struct rig *r = *state;

	sink_close(&r->sink);
	if (r->daemon >= 0)
		stop_daemon(r);
	rmdir(r->dir);
	free(r);
	return 0;
}

static void put(struct rig *r, unsigned number)
{
	char line[64];
	int n = snprintf(line, sizeof(line), "line %u\n", number);

	sink_put(&r->sink, line, (size_t)n);
}

/* Returns false when none is there. */
static bool hear(struct rig *r, char text[64])
{
	ssize_t n = recv(r->daemon, text, 63, 0);

	text[n > 0 ? n : 0] = '\0';
	return n >= 0;
}

static void assert_heard(struct rig *r, unsigned number)
{
	char text[64], line[64];

	snprintf(line, sizeof(line), "line %u", number);
	assert_true(hear(r, text));
	assert_string_equal(text, line);
}

static void each_line_is_a_datagram_without_its_newline(void **state)
{
	struct rig *r = *state;
	char text[64];

	for (unsigned i = 0; i < 3; i++)
		put(r, i);
	assert_true(sink_flush(&r->sink));
	for (unsigned i = 0; i < 3; i++)
		assert_heard(r, i);
	assert_false(hear(r, text));
}

/* It is a failure of this test if it does not come to an end. */
static void a_daemon_that_does_not_read_is_not_waited_for(void **state)
{
	enum { ALL = 20000 };
	struct rig *r = *state;
	unsigned next = 0;
	char text[64];

	for (unsigned i = 0; i < ALL; i++)
		put(r, i);
	assert_true(r->sink.dropped > 0);
	do {
		while (hear(r, text)) {
			unsigned number;

			assert_int_equal(sscanf(text, "line %u", &number), 1);
			assert_int_equal(number, next);
			next++;
		}
	} while (sink_flush(&r->sink));
	/* Those that were taken before the first that was not. */
	assert_int_equal(next + r->sink.dropped, ALL);
}

static void a_daemon_that_is_started_anew_gets_all_lines(void **state)
{
	struct rig *r = *state;

	put(r, 0);
	sink_flush(&r->sink);
	assert_heard(r, 0);
	stop_daemon(r);
	for (unsigned i = 1; i < 4; i++) {
		put(r, i);
		assert_false(sink_flush(&r->sink));
	}
	start_daemon(r);
	assert_true(sink_flush(&r->sink));
	for (unsigned i = 1; i < 4; i++)
		assert_heard(r, i);
	assert_int_equal(r->sink.dropped, 0);
}

static void a_daemon_that_is_not_there_at_first_is_an_error(void **state)
{
	struct rig *r = *state;
	char longest[200];

	sink_close(&r->sink);
	stop_daemon(r);
	assert_int_equal(sink_open_datagram(&r->sink, r->path), -ENOENT);
	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(sink_open_datagram(&r->sink, longest), -ENAMETOOLONG);
	start_daemon(r);
	assert_int_equal(sink_open_datagram(&r->sink, r->path), 0);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		ROW(each_line_is_a_datagram_without_its_newline),
		ROW(a_daemon_that_does_not_read_is_not_waited_for),
		ROW(a_daemon_that_is_started_anew_gets_all_lines),
		ROW(a_daemon_that_is_not_there_at_first_is_an_error),
	};

	proc_ignore_sigpipe();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "service/reach.h"

#include "support/unit.h"

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PATIENCE_MS = 5000, SHORT_MS = 20, RESETS = 200, ORPHAN_S = 60 };

static struct addr at;

/* A socket on a free port of 127.0.0.1, where at then is. */
static int open_socket(bool listens)
{
	struct sockaddr_storage ss;
	socklen_t length;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(addr_parse(&at, "127.0.0.1:0"), 0);
	length = addr_to_sockaddr(&at, &ss);
	assert_int_equal(bind(fd, (struct sockaddr *)&ss, length), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&ss, &length), 0);
	addr_from_sockaddr(&at, (struct sockaddr *)&ss, length);
	if (listens)
		assert_int_equal(listen(fd, 8), 0);
	return fd;
}

static void a_listener_is_reached_and_others_refuse(void **state)
{
	int fd = open_socket(true);

	(void)state;
	assert_int_equal(reach_connect(&at, PATIENCE_MS), 0);
	close(fd);
	fd = open_socket(false);
	assert_int_equal(reach_connect(&at, PATIENCE_MS), -ECONNREFUSED);
	assert_int_equal(reach_hold(&at, PATIENCE_MS), -ECONNREFUSED);
	close(fd);
}

/* Connect before the answer is known: from a child. */
static void answer(int listener, int how)
{
	struct linger none = {.l_onoff = 1};
	int fd = accept(listener, NULL, NULL);

	if (how == 'r')
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
	if (how == 's' && write(fd, "x", 1) != 1)
		_exit(1);
	if (how == 's')
		pause();
	_exit(0);
}

/* A relay whose backend is down may reset before the caller knows that it is
 * connected. */
static void who_resets_at_once_was_reached(void **state)
{
	const struct linger none = {.l_onoff = 1};
	int listener = open_socket(true), failed = 0;
	pid_t child = fork();

	(void)state;
	assert_int_not_equal(child, -1);
	if (child == 0)
		alarm(ORPHAN_S);
	while (child == 0) {
		int fd = accept(listener, NULL, NULL);

		setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
		close(fd);
	}
	for (int i = 0; i < RESETS; i++)
		failed += reach_connect(&at, PATIENCE_MS) < 0;
	kill(child, SIGKILL);
	close(listener);
	assert_int_equal(failed, 0);
}

static int hold(int how)
{
	int listener = open_socket(true), err;
	pid_t child = fork();

	assert_int_not_equal(child, -1);
	if (child == 0)
		answer(listener, how);
	err = reach_hold(&at, PATIENCE_MS);
	kill(child, SIGKILL);
	close(listener);
	return err;
}

static void whoever_hangs_up_is_told_from_whoever_stays(void **state)
{
	int listener = open_socket(true);

	(void)state;
	assert_int_equal(reach_hold(&at, SHORT_MS), 0);
	close(listener);
	assert_int_equal(hold('s'), 0);
	assert_int_equal(hold('r'), -ECONNRESET);
	assert_int_equal(hold('c'), -EPIPE);
}

static void who_listens_is_told_where_there_is_a_tool(void **state)
{
	int fd = open_socket(true);
	char who[512], text[ADDR_TEXT];

	(void)state;
	reach_who(at.port, who, sizeof(who));
	if (who[0] == '\0') {
		close(fd);
		print_message("needs the tool that shows listeners\n");
		skip();
	}
	assert_says(who, addr_print(&at, text));
	assert_true(who[strlen(who) - 1] != '\n');
	close(fd);
	setenv("PATH", "/none", 1);
	reach_who(at.port, who, sizeof(who));
	assert_string_equal(who, "");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_listener_is_reached_and_others_refuse),
		cmocka_unit_test(who_resets_at_once_was_reached),
		cmocka_unit_test(whoever_hangs_up_is_told_from_whoever_stays),
		cmocka_unit_test(who_listens_is_told_where_there_is_a_tool),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "os/notify.h"

#include "support/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* sd_notify(3), as a service manager hears it. */

static char folder[64], path[128], heard[1024];
static int manager = -1;

/* A service manager at that address; name[0] is '@' for the abstract one. */
static void listen_at(const char *name)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	struct timeval patience = {.tv_sec = 5};
	size_t size = strlen(name);

	memcpy(at.sun_path, name, size);
	if (name[0] == '@')
		at.sun_path[0] = '\0';
	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_true(manager >= 0);
	setsockopt(manager, SOL_SOCKET, SO_RCVTIMEO, &patience,
		   sizeof(patience));
	assert_int_equal(
		bind(manager, (struct sockaddr *)&at,
		     (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
				 size)),
		0);
	setenv("NOTIFY_SOCKET", name, 1);
}

static const char *hear(void)
{
	ssize_t n = recv(manager, heard, sizeof(heard) - 1, 0);

	assert_true(n >= 0);
	heard[n < 0 ? 0 : n] = '\0';
	return heard;
}

static int set_up(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/lowport-notify-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/socket", folder);
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	if (manager >= 0)
		close(manager);
	manager = -1;
	unlink(path);
	return rmdir(folder);
}

static void nobody_asks_and_all_is_fine(void **state)
{
	(void)state;
	assert_false(notify_is_wanted());
	assert_int_equal(notify_ready("relaying"), 0);
	assert_int_equal(notify_reloading(), 0);
	assert_int_equal(notify_stopping(), 0);
	assert_int_equal(notify_alive(), 0);
	setenv("NOTIFY_SOCKET", "", 1);
	assert_int_equal(notify_ready("relaying"), 0);
}

static void each_message_is_a_datagram(void **state)
{
	(void)state;
	listen_at(path);
	assert_true(notify_is_wanted());
	assert_int_equal(notify_ready("relaying"), 0);
	assert_string_equal(hear(), "READY=1\nSTATUS=relaying");
	assert_int_equal(notify_status("two\nlines"), 0);
	assert_string_equal(hear(), "STATUS=two lines");
	assert_int_equal(notify_stopping(), 0);
	assert_string_equal(hear(), "STOPPING=1");
	assert_int_equal(notify_alive(), 0);
	assert_string_equal(hear(), "WATCHDOG=1");
}

static void a_reload_says_when_it_began(void **state)
{
	unsigned long long us = 0;
	struct timespec now;
	double s;

	(void)state;
	listen_at(path);
	assert_int_equal(notify_reloading(), 0);
	assert_int_equal(
		sscanf(hear(), "RELOADING=1\nMONOTONIC_USEC=%llu", &us), 1);
	clock_gettime(CLOCK_MONOTONIC, &now);
	s = (double)now.tv_sec - (double)us / 1e6;
	assert_true(s > -2 && s < 60);
}

static void an_abstract_socket_is_found_by_its_name(void **state)
{
	char name[64];

	(void)state;
	snprintf(name, sizeof(name), "@lowport-notify-%ld", (long)getpid());
	listen_at(name);
	assert_int_equal(notify_stopping(), 0);
	assert_string_equal(hear(), "STOPPING=1");
}

static void a_long_status_is_cut(void **state)
{
	char status[2000];

	(void)state;
	listen_at(path);
	memset(status, 'x', sizeof(status) - 1);
	status[sizeof(status) - 1] = '\0';
	assert_int_equal(notify_ready(status), 0);
	assert_int_equal(strncmp(hear(), "READY=1\nSTATUS=xxx", 18), 0);
	assert_in_range(strlen(heard), 100, 600);
}

static void what_cannot_be_told_is_an_error(void **state)
{
	char name[200] = "/";

	(void)state;
	setenv("NOTIFY_SOCKET", path, 1);
	assert_int_equal(notify_ready("relaying"), -ENOENT);
	setenv("NOTIFY_SOCKET", "vsock:2:1", 1);
	assert_int_equal(notify_ready("relaying"), -EAFNOSUPPORT);
	memset(name + 1, 'x', 150);
	setenv("NOTIFY_SOCKET", name, 1);
	assert_int_equal(notify_ready("relaying"), -ENAMETOOLONG);
}

/* A full queue holds up a sign of life for nobody. */
static void a_manager_that_does_not_read_costs_no_time(void **state)
{
	struct timespec before, after;
	int err = 0;

	(void)state;
	listen_at(path);
	for (int i = 0; i < 100000 && err == 0; i++) {
		clock_gettime(CLOCK_MONOTONIC, &before);
		err = notify_alive();
	}
	clock_gettime(CLOCK_MONOTONIC, &after);
	assert_int_equal(err, -EAGAIN);
	assert_true((after.tv_sec - before.tv_sec) * 1000 +
			    (after.tv_nsec - before.tv_nsec) / 1000000 <
		    500);
}

static void signs_of_life_come_twice_as_often_as_they_are_wanted(void **state)
{
	char pid[24];

	(void)state;
	setenv("WATCHDOG_USEC", "30000000", 1);
	assert_int_equal(notify_alive_ms(), 0); /* nobody to tell */
	setenv("NOTIFY_SOCKET", path, 1);
	assert_int_equal(notify_alive_ms(), 15000);
	snprintf(pid, sizeof(pid), "%ld", (long)getpid());
	setenv("WATCHDOG_PID", pid, 1);
	assert_int_equal(notify_alive_ms(), 15000);
	setenv("WATCHDOG_PID", "1", 1);
	assert_int_equal(notify_alive_ms(), 0);
	unsetenv("WATCHDOG_PID");
	setenv("WATCHDOG_USEC", "1000", 1);
	assert_int_equal(notify_alive_ms(), 1);
	setenv("WATCHDOG_USEC", "soon", 1);
	assert_int_equal(notify_alive_ms(), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nobody_asks_and_all_is_fine),
		TEST(each_message_is_a_datagram),
		TEST(a_reload_says_when_it_began),
		TEST(an_abstract_socket_is_found_by_its_name),
		TEST(a_long_status_is_cut),
		TEST(what_cannot_be_told_is_an_error),
		TEST(a_manager_that_does_not_read_costs_no_time),
		TEST(signs_of_life_come_twice_as_often_as_they_are_wanted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

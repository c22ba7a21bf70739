#include "os/listen.h"

#include "listen_rig.h"

static void hand_over(int index, int fd)
{
	assert_int_equal(dup2(fd, FIRST + index), FIRST + index);
	close(fd);
}

/* Listeners at 3, 4, ... as systemd hands them over; names may be NULL. */
static void activate(int count, const char *names)
{
	char number[16];

	for (int i = 0; i < count; i++) {
		int fd = socket_at("127.0.0.1:0", SOCK_STREAM, true);
		int high = fcntl(fd, F_DUPFD, FAR_UP);

		close(fd);
		hand_over(i, high);
	}
	snprintf(number, sizeof(number), "%d", count);
	setenv("LISTEN_FDS", number, 1);
	snprintf(number, sizeof(number), "%ld", (long)getpid());
	setenv("LISTEN_PID", number, 1);
	if (names)
		setenv("LISTEN_FDNAMES", names, 1);
}

static void all_sockets_come_unless_a_name_is_asked_for(void **state)
{
	struct rig *r = *state;

	activate(3, "web:admin:web");
	opens(r, listen_open_systemd);
	assert_int_equal(r->got.count, 3);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(r->got.at[i].fd, FIRST + i);
		assert_prepared(FIRST + i);
	}
}

static void a_name_gets_its_own_sockets_and_no_other(void **state)
{
	struct rig *r = *state;

	activate(3, "web:admin:web");
	r->want.name = "admin";
	opens(r, listen_open_systemd);
	assert_int_equal(r->got.count, 1);
	assert_int_equal(r->got.at[0].fd, FIRST + 1);
	r->want.name = "web";
	opens(r, listen_open_systemd);
	assert_int_equal(r->got.count, 3);
	assert_int_equal(r->got.at[1].fd, FIRST);
	assert_int_equal(r->got.at[2].fd, FIRST + 2);
	r->want.name = "we";
	assert_refused(r, listen_open_systemd, -ENOENT, "web:admin:web");
	assert_says(r->why.text, "FileDescriptorName=we");
	r->want.name = "webx";
	assert_refused(r, listen_open_systemd, -ENOENT, "of that name");
}

static void more_sockets_than_names_is_no_trouble(void **state)
{
	struct rig *r = *state;

	activate(2, "web");
	r->want.name = "web";
	opens(r, listen_open_systemd);
	assert_int_equal(r->got.count, 1);
	unsetenv("LISTEN_FDNAMES");
	assert_refused(r, listen_open_systemd, -ENOENT, "of that name");
}

static void sockets_for_another_process_are_left_alone(void **state)
{
	static const char *const pids[] = {
		"1", "", "x", "-1", "0", " 1", "99999999999999999999"};
	struct rig *r = *state;

	activate(1, "web");
	for (size_t i = 0; i < COUNT(pids); i++) {
		setenv("LISTEN_PID", pids[i], 1);
		assert_refused(r, listen_open_systemd, -ENOENT, "LISTEN_PID");
		assert_says(r->why.text, "another process");
	}
	unsetenv("LISTEN_PID");
	assert_refused(r, listen_open_systemd, -ENOENT,
		       "handed over no socket");
}

static void without_sockets_it_says_how_to_get_them(void **state)
{
	static const char *const counts[] = {"0", "", "x", "-1", "1x", "1025"};
	struct rig *r = *state;

	activate(1, "web");
	for (size_t i = 0; i < COUNT(counts); i++) {
		setenv("LISTEN_FDS", counts[i], 1);
		assert_refused(r, listen_open_systemd, -ENOENT, "LISTEN_FDS");
		assert_says(r->why.text, ".socket unit");
	}
	unsetenv("LISTEN_FDS");
	assert_refused(r, listen_open_systemd, -ENOENT,
		       "systemd-socket-activate");
}

static void one_bad_socket_spoils_the_request(void **state)
{
	struct rig *r = *state;

	activate(2, "web:web");
	hand_over(1, socket_at("127.0.0.1:0", SOCK_DGRAM, false));
	assert_refused(r, listen_open_systemd, -ESOCKTNOSUPPORT, "UDP");
	assert_says(r->why.text, "ListenStream=");
}

static void what_is_expected_of_systemd_is_checked(void **state)
{
	struct rig *r = *state;

	activate(1, "web");
	assert_int_equal(sock_local(FIRST, &r->want.addr), 0);
	opens(r, listen_open_systemd);
	r->want.addr.port ^= 1;
	assert_refused(r, listen_open_systemd, -EADDRNOTAVAIL, "expected");
}

static void sockets_that_nobody_took_are_named(void **state)
{
	struct rig *r = *state;
	char names[64], little[8];

	activate(3, "web:admin:mail");
	r->want.name = "admin";
	opens(r, listen_open_systemd);
	assert_int_equal(listen_systemd_left(&r->got, names, sizeof(names)), 2);
	assert_string_equal(names, "web (3), mail (5)");
	assert_int_equal(listen_systemd_left(&r->got, little, sizeof(little)),
			 2);
	assert_string_equal(little, "web (3)");
	r->want.name = "web";
	opens(r, listen_open_systemd);
	r->want.name = "mail";
	opens(r, listen_open_systemd);
	assert_int_equal(listen_systemd_left(&r->got, names, sizeof(names)), 0);
	assert_string_equal(names, "");
}

static void where_nothing_was_handed_over_nothing_is_left(void **state)
{
	struct rig *r = *state;
	char names[64];

	assert_int_equal(listen_systemd_left(&r->got, names, sizeof(names)), 0);
	assert_string_equal(names, "");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		LISTEN_ROW(all_sockets_come_unless_a_name_is_asked_for),
		LISTEN_ROW(a_name_gets_its_own_sockets_and_no_other),
		LISTEN_ROW(more_sockets_than_names_is_no_trouble),
		LISTEN_ROW(sockets_for_another_process_are_left_alone),
		LISTEN_ROW(without_sockets_it_says_how_to_get_them),
		LISTEN_ROW(one_bad_socket_spoils_the_request),
		LISTEN_ROW(what_is_expected_of_systemd_is_checked),
		LISTEN_ROW(sockets_that_nobody_took_are_named),
		LISTEN_ROW(where_nothing_was_handed_over_nothing_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

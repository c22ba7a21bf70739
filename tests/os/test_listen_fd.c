#include "os/listen.h"

#include "listen_rig.h"

static void what_does_not_listen_is_refused_and_left_open(void **state)
{
	struct rig *r = *state;
	int pair[2], connected[2];
	struct {
		int fd, err;
		const char *word;
	} rows[] = {
		{open("/dev/null", O_RDWR), -ENOTSOCK, "not a socket"},
		{socket_at("127.0.0.1:0", SOCK_DGRAM, false), -ESOCKTNOSUPPORT,
		 "UDP"},
		{socket(AF_INET, SOCK_STREAM, 0), -EADDRNOTAVAIL,
		 "is not bound"},
		{socket_at("127.0.0.1:0", SOCK_STREAM, false), -EINVAL,
		 "does not listen"},
		{-1, -EINVAL, "does not listen"},
		{-1, -EINVAL, "does not listen"},
		{socket(AF_UNIX, SOCK_STREAM, 0), -EINVAL, "does not listen"},
		{socket(AF_UNIX, SOCK_SEQPACKET, 0), -ESOCKTNOSUPPORT,
		 "a seqpacket socket"},
	};

	assert_true(pair_open(PAIR_TCP4, connected));
	rows[4].fd = connected[1];
	assert_true(pair_open(PAIR_UNIX, pair));
	rows[5].fd = pair[0];
	for (size_t i = 0; i < COUNT(rows); i++) {
		char number[32];

		assert_true(rows[i].fd >= 0);
		r->want.fd = rows[i].fd;
		assert_refused(r, listen_open_fd, rows[i].err, rows[i].word);
		assert_says(r->why.text, "the request");
		assert_says(r->why.text, "listen()");
		snprintf(number, sizeof(number), "descriptor %d", rows[i].fd);
		assert_says(r->why.text, number);
		assert_int_not_equal(fcntl(rows[i].fd, F_GETFD), -1);
		close(rows[i].fd);
	}
	close(connected[0]);
	close(pair[1]);
}

static void listening_is_never_begun_for_another(void **state)
{
	struct rig *r = *state;
	int fd = socket(AF_INET, SOCK_STREAM, 0), listening = -1;
	socklen_t length = sizeof(listening);

	r->want.fd = fd;
	want_at(r, "127.0.0.1:80");
	assert_refused(r, listen_open_fd, -EADDRNOTAVAIL,
		       "expected 127.0.0.1:80");
	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening,
				    &length),
			 0);
	assert_int_equal(listening, 0);
	close(fd);
}

static void a_number_that_is_not_open_is_refused(void **state)
{
	struct rig *r = *state;
	int fd = dup(STDERR_FILENO);

	close(fd);
	r->want.fd = fd;
	assert_refused(r, listen_open_fd, -EBADF, "is not open");
}

static void what_listens_elsewhere_than_asked_is_refused(void **state)
{
	static const char *const elsewhere[] = {
		"127.0.0.1:0", /* right address, another port */
		"127.0.0.2:0", /* another address, right port */
		"0.0.0.0:0",   /* a wildcard, where an address was asked for */
	};
	struct rig *r = *state;

	for (size_t i = 0; i < COUNT(elsewhere); i++) {
		int fd = socket_at(elsewhere[i], SOCK_STREAM, true);
		char text[ADDR_TEXT], got[ADDR_TEXT + 16];
		struct addr at;

		assert_int_equal(sock_local(fd, &at), 0);
		want_at(r, "127.0.0.1:0");
		r->want.addr.port = (uint16_t)(i == 0 ? at.port ^ 1 : at.port);
		r->want.fd = fd;
		snprintf(got, sizeof(got), "bound to %s;",
			 addr_print(&at, text));
		assert_refused(r, listen_open_fd, -EADDRNOTAVAIL, got);
		snprintf(got, sizeof(got), "expected %s",
			 addr_print(&r->want.addr, text));
		assert_says(r->why.text, got);
		close(fd);
	}
}

static void what_listens_where_asked_is_served(void **state)
{
	struct rig *r = *state;
	int fd = socket_at("127.0.0.1:0", SOCK_STREAM, true);

	r->want.fd = fd;
	assert_int_equal(sock_local(fd, &r->want.addr), 0);
	opens(r, listen_open_fd);
	assert_int_equal(r->got.at[0].fd, fd);
	assert_true(addr_equal(&r->got.at[0].addr, &r->want.addr));
	assert_prepared(fd);
	assert_serves(fd, &r->want.addr);
}

static void without_an_expectation_any_listener_is_served(void **state)
{
	struct rig *r = *state;

	r->want.fd = socket_at("0.0.0.0:0", SOCK_STREAM, true);
	opens(r, listen_open_fd);
	assert_true(addr_is_wildcard(&r->got.at[0].addr));
}

static void a_unix_listener_is_known_by_its_path_and_stays(void **state)
{
	struct rig *r = *state;
	struct sockaddr_storage ss;
	socklen_t length;
	int fd = sock_open(AF_UNIX);

	want_path(r);
	length = addr_to_sockaddr(&r->want.addr, &ss);
	assert_int_equal(bind(fd, (struct sockaddr *)&ss, length), 0);
	assert_int_equal(listen(fd, 1), 0);
	r->want.fd = fd;
	r->want.addr.path = "/somewhere/else";
	assert_refused(r, listen_open_fd, -EADDRNOTAVAIL, r->path);
	assert_says(r->why.text, "expected unix:/somewhere/else");

	r->want.addr.path = r->path;
	opens(r, listen_open_fd);
	assert_string_equal(r->got.at[0].addr.path, r->path);
	listen_close(&r->got, 0);
	assert_int_equal(access(r->path, F_OK), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		LISTEN_ROW(what_does_not_listen_is_refused_and_left_open),
		LISTEN_ROW(listening_is_never_begun_for_another),
		LISTEN_ROW(a_number_that_is_not_open_is_refused),
		LISTEN_ROW(what_listens_elsewhere_than_asked_is_refused),
		LISTEN_ROW(what_listens_where_asked_is_served),
		LISTEN_ROW(without_an_expectation_any_listener_is_served),
		LISTEN_ROW(a_unix_listener_is_known_by_its_path_and_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "os/listen.h"

#include "listen_rig.h"

#include <sys/stat.h>

/* Sockets that are there already, and are taken instead of bound. */

static struct listeners pool;
static const struct listen_request source = {.text = "systemd:web"};

static int end(void **state)
{
	listen_close(&pool, 0);
	return tear_down(state);
}

static const struct addr *offer(struct rig *r, const char *at, bool stays)
{
	int fd = socket_at(at, SOCK_STREAM, true);

	assert_int_equal(
		listen_adopt(fd, &source, "systemd", "", &pool, &r->why), 0);
	pool.at[pool.count - 1].stays = stays;
	r->want.offered = &pool;
	return &pool.at[pool.count - 1].addr;
}

static void one_is_taken_by_its_address(void **state)
{
	struct rig *r = *state;

	r->want.addr = *offer(r, "127.0.0.1:0", true);
	opens(r, listen_open_bind);
	assert_int_equal(r->got.count, 1);
	assert_true(r->got.at[0].stays);
	assert_prepared(r->got.at[0].fd);
	assert_serves(r->got.at[0].fd, &r->want.addr);
}

static void one_that_stays_is_taken_again_and_again(void **state)
{
	struct rig *r = *state;

	r->want.addr = *offer(r, "127.0.0.1:0", true);
	for (int i = 0; i < 3; i++) {
		opens(r, listen_open_bind);
		assert_serves(r->got.at[0].fd, &r->want.addr);
		listen_close(&r->got, 0);
	}
	assert_true(sock_is_listening(pool.at[0].fd));
}

static void one_that_does_not_is_given_away(void **state)
{
	struct rig *r = *state;
	int fd;

	r->want.addr = *offer(r, "127.0.0.1:0", false);
	fd = pool.at[0].fd;
	opens(r, listen_open_bind);
	assert_int_equal(r->got.at[0].fd, fd);
	assert_false(r->got.at[0].stays);
	assert_int_equal(pool.at[0].fd, -1);
}

static void of_both_kinds_one_is_dropped(void **state)
{
	struct rig *r = *state;
	struct addr kept[2];

	offer(r, "127.0.0.1:0", false);
	kept[0] = *offer(r, "127.0.0.1:0", true);
	offer(r, "127.0.0.1:0", false);
	kept[1] = *offer(r, "127.0.0.1:0", true);
	listen_drop_offered(&pool);
	assert_int_equal(pool.count, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_true(addr_equal(&pool.at[i].addr, &kept[i]));
		assert_true(sock_is_listening(pool.at[i].fd));
	}
	listen_close(&pool, 0);
	offer(r, "127.0.0.1:0", false);
	listen_drop_offered(&pool);
	assert_int_equal(pool.count, 0);
	assert_null(pool.at);
}

static void a_wildcard_is_for_nobody_who_names_an_address(void **state)
{
	struct rig *r = *state;
	char port[16];

	want_at(r, "127.0.0.1:0");
	r->want.addr.port = offer(r, "0.0.0.0:0", true)->port;
	assert_refused(r, listen_open_bind, -EADDRINUSE,
		       "and not at that very address");
	snprintf(port, sizeof(port), ":%u;", r->want.addr.port);
	assert_says(r->why.text, "systemd handed over 0.0.0.0");
	assert_says(r->why.text, port);
	assert_says(r->why.text, "add ListenStream=127.0.0.1:");
}

static void one_for_both_families_is_for_both_alone(void **state)
{
	struct rig *r = *state;
	struct addr to = {0};
	int fd = socket(AF_INET6, SOCK_STREAM, 0), off = 0;

	if (fd < 0 ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) < 0)
		skip();
	close(fd);
	r->want.addr = *offer(r, "[::]:0", true);
	if (!sock_takes_ipv4(pool.at[0].fd))
		skip();
	assert_int_equal(listen_open_bind(&r->want, &r->got, &r->why),
			 -EADDRINUSE);
	r->want.both_families = true;
	r->want.addr.family = AF_INET;
	opens(r, listen_open_bind);
	assert_int_equal(r->got.count, 1);
	assert_int_equal(addr_parse(&to, "127.0.0.1:0"), 0);
	to.port = r->want.addr.port;
	assert_serves(r->got.at[0].fd, &to);
}

static void one_address_is_better_than_all_of_them(void **state)
{
	struct rig *r = *state;

	r->want.addr = *offer(r, "127.0.0.1:0", true);
	opens(r, listen_open_only);
	assert_true(addr_equal(&r->got.at[0].addr, &r->want.addr));
	assert_int_equal(r->got.at[0].only.family, AF_UNSPEC);
}

static void an_interface_takes_wildcards_and_leaves_the_rest(void **state)
{
	struct rig *r = *state;

	r->want.interface = "lo";
	r->want.addr.port = offer(r, "127.0.0.1:0", true)->port;
	opens(r, listen_open_interface);
	assert_int_equal(r->got.count, 0);
	assert_true(listen_is_offered(&r->want));
	r->want.addr.port = offer(r, "0.0.0.0:0", true)->port;
	opens(r, listen_open_interface);
	assert_int_equal(r->got.count, 1);
	assert_true(addr_is_wildcard(&r->got.at[0].addr));
}

static void what_another_listener_has_is_not_for_an_interface(void **state)
{
	struct rig *r = *state;

	r->want.addr = *offer(r, "127.0.0.1:0", true);
	pool.at[0].taken = true;
	r->want.interface = "lo";
	assert_int_equal(listen_take_offered(&r->want.addr, &r->want, &r->got,
					     &r->why),
			 0);
	r->want.interface = NULL;
	assert_int_equal(listen_take_offered(&r->want.addr, &r->want, &r->got,
					     &r->why),
			 1);
}

static void a_file_that_was_handed_over_is_left_alone(void **state)
{
	struct rig *r = *state;
	struct sockaddr_storage ss;
	struct stat was, now;
	socklen_t length;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	want_path(r);
	r->want.mode = 0600;
	length = addr_to_sockaddr(&r->want.addr, &ss);
	assert_int_equal(bind(fd, (struct sockaddr *)&ss, length), 0);
	assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(chmod(r->path, 0666), 0);
	assert_int_equal(stat(r->path, &was), 0);
	assert_int_equal(
		listen_adopt(fd, &source, "systemd", "", &pool, &r->why), 0);
	pool.at[0].stays = true;
	r->want.offered = &pool;
	opens(r, listen_open_unix);
	assert_serves(r->got.at[0].fd, &r->want.addr);
	listen_close(&r->got, 0);
	assert_int_equal(stat(r->path, &now), 0);
	assert_int_equal(now.st_mode, was.st_mode);
	/* One that another leaves to us becomes ours, when it has left. */
	pool.at[0].stays = false;
	opens(r, listen_open_unix);
	assert_int_equal(stat(r->path, &now), 0);
	assert_int_equal(now.st_mode, was.st_mode);
	assert_int_equal(listen_own(&r->got.at[0], &r->why), 0);
	assert_int_equal(stat(r->path, &now), 0);
	assert_int_equal(now.st_mode & 0777, 0600);
	listen_close(&r->got, 0);
	assert_int_equal(stat(r->path, &now), -1);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, set_up, end)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		ROW(one_is_taken_by_its_address),
		ROW(one_that_stays_is_taken_again_and_again),
		ROW(one_that_does_not_is_given_away),
		ROW(of_both_kinds_one_is_dropped),
		ROW(a_wildcard_is_for_nobody_who_names_an_address),
		ROW(one_for_both_families_is_for_both_alone),
		ROW(one_address_is_better_than_all_of_them),
		ROW(an_interface_takes_wildcards_and_leaves_the_rest),
		ROW(what_another_listener_has_is_not_for_an_interface),
		ROW(a_file_that_was_handed_over_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

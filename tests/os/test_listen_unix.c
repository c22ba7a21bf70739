#include "os/listen.h"

#include "listen_rig.h"

#include <sys/stat.h>

static unsigned mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return (unsigned)st.st_mode & 0777;
}

static void a_socket_file_has_the_mode_asked_for(void **state)
{
	static const unsigned modes[] = {0600, 0660, 0666, 0777};
	struct rig *r = *state;
	mode_t before = umask(027);

	want_path(r);
	for (size_t i = 0; i < COUNT(modes); i++) {
		r->want.mode = modes[i];
		opens(r, listen_open_unix);
		assert_int_equal(mode_of(r->path), modes[i]);
		assert_prepared(r->got.at[0].fd);
		assert_serves(r->got.at[0].fd, &r->want.addr);
		listen_close(&r->got, 0);
	}
	assert_int_equal(umask(before), 027);
}

static void a_stale_socket_file_is_replaced(void **state)
{
	struct rig *r = *state;
	struct sockaddr_storage ss;
	socklen_t length;
	int stale = sock_open(AF_UNIX);

	want_path(r);
	length = addr_to_sockaddr(&r->want.addr, &ss);
	assert_int_equal(bind(stale, (struct sockaddr *)&ss, length), 0);
	assert_int_equal(listen(stale, 1), 0);
	close(stale);
	opens(r, listen_open_unix);
	assert_serves(r->got.at[0].fd, &r->want.addr);
}

static void a_live_socket_file_is_left_alone(void **state)
{
	struct rig *r = *state;

	want_path(r);
	opens(r, listen_open_unix);
	assert_refused(r, listen_open_unix, -EADDRINUSE, r->path);
	assert_says(r->why.text, "another program");
	assert_serves(r->got.at[0].fd, &r->want.addr);
}

static void what_is_not_a_socket_is_left_alone(void **state)
{
	struct rig *r = *state;
	FILE *file = fopen(r->path, "w");

	assert_non_null(file);
	fputs("precious", file);
	fclose(file);
	want_path(r);
	assert_refused(r, listen_open_unix, -EEXIST, r->path);
	assert_says(r->why.text, "not a socket");
	file = fopen(r->path, "r");
	assert_non_null(file);
	assert_int_equal(fgetc(file), 'p');
	fclose(file);

	unlink(r->path);
	assert_int_equal(symlink("/nowhere", r->path), 0);
	assert_refused(r, listen_open_unix, -EEXIST, "not a socket");
}

static void a_folder_that_is_not_there_is_said(void **state)
{
	struct rig *r = *state;

	want_path(r);
	r->want.addr.path = "/no/such/folder/socket";
	assert_refused(r, listen_open_unix, -ENOENT, "/no/such/folder/socket");
}

static void a_path_through_a_file_is_said(void **state)
{
	struct rig *r = *state;
	char path[96];
	FILE *file = fopen(r->path, "w");

	assert_non_null(file);
	fclose(file);
	snprintf(path, sizeof(path), "%s/socket", r->path);
	want_path(r);
	r->want.addr.path = path;
	assert_refused(r, listen_open_unix, -ENOTDIR, path);
}

/* Whoever serves it has no time to accept: that is no stale file. */
static void a_socket_file_of_one_who_is_busy_is_left_alone(void **state)
{
	enum { CROWD = 8 };
	struct rig *r = *state;
	int crowd[CROWD];

	want_path(r);
	r->want.backlog = 1;
	opens(r, listen_open_unix);
	for (int i = 0; i < CROWD; i++) {
		crowd[i] = sock_open(AF_UNIX);
		sock_connect(crowd[i], &r->want.addr);
	}
	assert_refused(r, listen_open_unix, -EADDRINUSE, "another program");
	for (int i = 0; i < CROWD; i++)
		close(crowd[i]);
}

static void a_socket_file_goes_with_its_listener(void **state)
{
	struct rig *r = *state;

	want_path(r);
	opens(r, listen_open_unix);
	listen_close(&r->got, 0);
	assert_int_equal(access(r->path, F_OK), -1);

	/* Also where the descriptor has another owner by then. */
	opens(r, listen_open_unix);
	close(r->got.at[0].fd);
	r->got.at[0].fd = -1;
	listen_close(&r->got, 0);
	assert_int_equal(access(r->path, F_OK), -1);
}

static void a_socket_file_that_is_anothers_by_now_stays(void **state)
{
	struct rig *r = *state;
	struct listeners later = {0};
	char second_name[80];

	want_path(r);
	opens(r, listen_open_unix);
	/* So that the inode is not given out a second time. */
	snprintf(second_name, sizeof(second_name), "%s2", r->path);
	assert_int_equal(link(r->path, second_name), 0);
	unlink(r->path);
	assert_int_equal(listen_open_unix(&r->want, &later, &r->why), 0);
	listen_close(&r->got, 0);
	assert_int_equal(access(r->path, F_OK), 0);
	assert_serves(later.at[0].fd, &r->want.addr);
	listen_close(&later, 0);
	unlink(second_name);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		LISTEN_ROW(a_socket_file_has_the_mode_asked_for),
		LISTEN_ROW(a_stale_socket_file_is_replaced),
		LISTEN_ROW(a_live_socket_file_is_left_alone),
		LISTEN_ROW(what_is_not_a_socket_is_left_alone),
		LISTEN_ROW(a_folder_that_is_not_there_is_said),
		LISTEN_ROW(a_path_through_a_file_is_said),
		LISTEN_ROW(a_socket_file_of_one_who_is_busy_is_left_alone),
		LISTEN_ROW(a_socket_file_goes_with_its_listener),
		LISTEN_ROW(a_socket_file_that_is_anothers_by_now_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

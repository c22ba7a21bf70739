#include "os/runtime.h"

#include "os/sock.h"
#include "support/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST = 8 };

struct place {
	char folder[64];
	char *path;
	char *found[MOST];
	size_t count;
	struct fault why;
};

static int set_up(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	snprintf(p->folder, sizeof(p->folder), "/tmp/lowport-XXXXXX");
	assert_non_null(mkdtemp(p->folder));
	unsetenv("RUNTIME_DIRECTORY");
	unsetenv("XDG_RUNTIME_DIR");
	*state = p;
	return 0;
}

static const char *in(const struct place *p, const char *name)
{
	static char path[2][512];
	static int turn;

	turn = !turn;
	snprintf(path[turn], sizeof(path[turn]), "%s/%s", p->folder, name);
	return path[turn];
}

static int tear_down(void **state)
{
	struct place *p = *state;
	char command[128];

	snprintf(command, sizeof(command), "rm -r %s", p->folder);
	assert_int_equal(system(command), 0);
	for (size_t i = 0; i < p->count; i++)
		free(p->found[i]);
	free(p->path);
	free(p);
	return 0;
}

static void on_found(void *data, const char *path)
{
	struct place *p = data;

	/* Others may run on this machine. */
	if (strncmp(path, p->folder, strlen(p->folder)) != 0)
		return;
	assert_true(p->count < MOST);
	p->found[p->count++] = strdup(path);
}

static void make_socket(const char *path)
{
	const struct addr at = {.family = AF_UNIX, .path = path};
	struct sockaddr_storage ss;
	socklen_t length = addr_to_sockaddr(&at, &ss);
	int fd = sock_open(AF_UNIX);

	assert_int_equal(bind(fd, (struct sockaddr *)&ss, length), 0);
	close(fd);
}

static unsigned mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	return st.st_mode & 0777;
}

static void the_folder_of_the_session_is_made_private(void **state)
{
	struct place *p = *state;
	mode_t before = umask(0);

	setenv("XDG_RUNTIME_DIR", p->folder, 1);
	assert_int_equal(runtime_path(&p->path, "web", &p->why), 0);
	umask(before);
	assert_string_equal(p->path, in(p, "lowport/web.sock"));
	assert_int_equal(mode_of(in(p, "lowport")), 0700);
}

static void what_systemd_made_comes_first(void **state)
{
	struct place *p = *state;
	char both[256];

	setenv("XDG_RUNTIME_DIR", p->folder, 1);
	assert_int_equal(mkdir(in(p, "unit"), 0755), 0);
	snprintf(both, sizeof(both), "%s/unit:/elsewhere", p->folder);
	setenv("RUNTIME_DIRECTORY", both, 1);
	assert_int_equal(runtime_path(&p->path, "web", &p->why), 0);
	assert_string_equal(p->path, in(p, "unit/web.sock"));
}

/* Is a folder of this kind passed over, for the one of temporary files? */
static void assert_passed_over(struct place *p)
{
	char wanted[256];

	setenv("TMPDIR", p->folder, 1);
	snprintf(wanted, sizeof(wanted), "%s/lowport-%u/web.sock", p->folder,
		 (unsigned)geteuid());
	assert_int_equal(runtime_path(&p->path, "web", &p->why), 0);
	assert_string_equal(p->path, wanted);
	unsetenv("TMPDIR");
}

static void a_link_is_passed_over(void **state)
{
	struct place *p = *state;

	setenv("XDG_RUNTIME_DIR", p->folder, 1);
	assert_int_equal(mkdir(in(p, "other"), 0700), 0);
	assert_int_equal(symlink("other", in(p, "lowport")), 0);
	assert_passed_over(p);
}

static void a_folder_that_others_may_write_to_is_passed_over(void **state)
{
	struct place *p = *state;

	setenv("XDG_RUNTIME_DIR", p->folder, 1);
	assert_int_equal(mkdir(in(p, "lowport"), 0700), 0);
	assert_int_equal(chmod(in(p, "lowport"), 0770), 0);
	assert_passed_over(p);
}

static void a_folder_of_another_user_is_refused(void **state)
{
	struct place *p = *state;
	char theirs[256];

	setenv("TMPDIR", p->folder, 1);
	snprintf(theirs, sizeof(theirs), "lowport-%u", (unsigned)geteuid());
	assert_int_equal(symlink("/", in(p, theirs)), 0);
	assert_int_equal(runtime_path(&p->path, "web", &p->why), -EPERM);
	assert_says(p->why.text, "is no folder of this user alone");
	unsetenv("TMPDIR");
}

static void sockets_are_found_in_their_order_and_nothing_else(void **state)
{
	struct place *p = *state;

	setenv("XDG_RUNTIME_DIR", p->folder, 1);
	assert_int_equal(mkdir(in(p, "lowport"), 0700), 0);
	make_socket(in(p, "lowport/b.sock"));
	make_socket(in(p, "lowport/a.sock"));
	make_socket(in(p, "lowport/.sock"));
	make_socket(in(p, "lowport/c.other"));
	assert_int_equal(mkdir(in(p, "lowport/d.sock"), 0700), 0);
	/* The same folder by two names is one. */
	setenv("RUNTIME_DIRECTORY", in(p, "lowport"), 1);
	assert_int_equal(runtime_find(on_found, p), 0);
	assert_int_equal(p->count, 2);
	assert_string_equal(p->found[0], in(p, "lowport/a.sock"));
	assert_string_equal(p->found[1], in(p, "lowport/b.sock"));
}

static void no_folder_is_no_error(void **state)
{
	struct place *p = *state;

	setenv("XDG_RUNTIME_DIR", in(p, "missing"), 1);
	assert_int_equal(runtime_find(on_found, p), 0);
	assert_int_equal(p->count, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(the_folder_of_the_session_is_made_private),
		TEST(what_systemd_made_comes_first),
		TEST(a_link_is_passed_over),
		TEST(a_folder_that_others_may_write_to_is_passed_over),
		TEST(a_folder_of_another_user_is_refused),
		TEST(sockets_are_found_in_their_order_and_nothing_else),
		TEST(no_folder_is_no_error),
	};

	/* Root has folders of its own. */
	if (geteuid() == 0 && (setgid(65533) < 0 || setuid(65533) < 0))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "os/file.h"

#include "support/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];

static const char *path_of(const char *name)
{
	static char paths[4][160];
	static unsigned next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
	return path;
}

static int set_up(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/lowport-file-XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

/* rmdir() also shows that nothing else was left behind. */
static int tear_down(void **state)
{
	(void)state;
	unlink(path_of("a"));
	unlink(path_of("b"));
	rmdir(path_of("x/y"));
	rmdir(path_of("x"));
	return rmdir(folder);
}

static void assert_holds(const char *path, const char *text)
{
	size_t length;
	char *read;

	assert_int_equal(file_read(path, &read, &length), 0);
	assert_string_equal(read, text);
	assert_int_equal(length, strlen(text));
	free(read);
}

static void what_is_replaced_is_read_back_with_its_mode(void **state)
{
	struct stat st;

	(void)state;
	umask(077);
	assert_int_equal(file_replace(path_of("a"), "one", 3, 0644), 0);
	assert_holds(path_of("a"), "one");
	assert_int_equal(file_replace(path_of("a"), "", 0, 0755), 0);
	assert_holds(path_of("a"), "");
	assert_int_equal(stat(path_of("a"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
	umask(022);
}

static void whoever_has_the_old_file_open_keeps_it(void **state)
{
	char buf[8] = "";
	int fd;

	(void)state;
	assert_int_equal(file_replace(path_of("a"), "old", 3, 0644), 0);
	fd = open(path_of("a"), O_RDONLY);
	assert_int_equal(file_replace(path_of("a"), "new", 3, 0644), 0);
	assert_int_equal(read(fd, buf, sizeof(buf)), 3);
	assert_string_equal(buf, "old");
	close(fd);
	assert_holds(path_of("a"), "new");
}

static void a_copy_is_another_file_with_the_same_bytes(void **state)
{
	const size_t size = 100000;
	char *bytes = malloc(size), *copy;
	size_t length;

	(void)state;
	for (size_t i = 0; i < size; i++)
		bytes[i] = (char)(i * 31 + i / 256);
	assert_int_equal(file_replace(path_of("a"), bytes, size, 0644), 0);
	assert_int_equal(file_copy(path_of("a"), path_of("b"), 0755), 0);
	assert_int_equal(file_read(path_of("b"), &copy, &length), 0);
	assert_int_equal(length, size);
	assert_memory_equal(copy, bytes, size);
	assert_false(file_is_same(path_of("a"), path_of("b")));
	free(copy);
	free(bytes);
}

static void what_fails_leaves_the_old_file_and_no_other(void **state)
{
	(void)state;
	assert_int_equal(file_replace(path_of("a"), "old", 3, 0644), 0);
	assert_int_equal(file_copy(path_of("none"), path_of("a"), 0644),
			 -ENOENT);
	/* A folder can be opened, but not read. */
	assert_int_equal(file_copy(folder, path_of("a"), 0644), -EISDIR);
	assert_int_equal(file_replace(path_of("none/a"), "", 0, 0644), -ENOENT);
	assert_holds(path_of("a"), "old");
	/* A name that is a folder's cannot be taken. */
	assert_int_equal(mkdir(path_of("x"), 0755), 0);
	assert_int_equal(file_replace(path_of("x"), "", 0, 0644), -EISDIR);
}

static void a_name_that_is_too_long_is_told(void **state)
{
	char name[2000];

	(void)state;
	memset(name, '/', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(file_replace(path_of("a"), "old", 3, 0644), 0);
	assert_int_equal(file_replace(name, "new", 3, 0644), -ENAMETOOLONG);
	assert_int_equal(file_copy(path_of("a"), name, 0644), -ENAMETOOLONG);
	assert_int_equal(file_make_parent(name), -ENAMETOOLONG);
	assert_holds(path_of("a"), "old");
}

static void what_a_pipe_gives_is_read_to_its_end(void **state)
{
	static const char text[] = "a configuration that a program writes";
	char path[64];
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], text, strlen(text)), strlen(text));
	close(fds[1]);
	snprintf(path, sizeof(path), "/dev/fd/%d", fds[0]);
	assert_holds(path, text);
	close(fds[0]);
}

static void a_file_of_a_mebibyte_is_read_and_a_longer_one_is_not(void **state)
{
	const size_t most = 1 << 20;
	size_t length = 0;
	char *text = NULL;

	(void)state;
	assert_int_equal(file_replace(path_of("a"), "", 0, 0644), 0);
	assert_int_equal(truncate(path_of("a"), (off_t)most), 0);
	assert_int_equal(file_read(path_of("a"), &text, &length), 0);
	assert_int_equal(length, most);
	free(text);
	assert_int_equal(truncate(path_of("a"), (off_t)most + 1), 0);
	assert_int_equal(file_read(path_of("a"), &text, &length), -EFBIG);
	assert_int_equal(file_read(path_of("none"), &text, &length), -ENOENT);
}

static void all_names_of_a_file_are_the_same_file(void **state)
{
	(void)state;
	assert_int_equal(file_replace(path_of("a"), "", 0, 0644), 0);
	assert_int_equal(symlink("a", path_of("b")), 0);
	assert_true(file_is_same(path_of("a"), path_of("b")));
	assert_true(file_is_same(path_of("a"), path_of("./a")));
	assert_false(file_is_same(path_of("a"), path_of("none")));
	assert_false(file_is_same(path_of("none"), path_of("none")));
}

static void the_folders_above_a_file_are_made(void **state)
{
	(void)state;
	assert_int_equal(file_make_parent(path_of("x/y/z")), 0);
	assert_int_equal(access(path_of("x/y"), F_OK), 0);
	assert_int_equal(access(path_of("x/y/z"), F_OK), -1);
	/* They may be there. */
	assert_int_equal(file_make_parent(path_of("x/y/z")), 0);
	assert_int_equal(file_replace(path_of("a"), "", 0, 0644), 0);
	assert_int_equal(file_make_parent(path_of("a/b/c")), -ENOTDIR);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(what_is_replaced_is_read_back_with_its_mode),
		TEST(whoever_has_the_old_file_open_keeps_it),
		TEST(a_copy_is_another_file_with_the_same_bytes),
		TEST(what_fails_leaves_the_old_file_and_no_other),
		TEST(a_name_that_is_too_long_is_told),
		TEST(what_a_pipe_gives_is_read_to_its_end),
		TEST(a_file_of_a_mebibyte_is_read_and_a_longer_one_is_not),
		TEST(all_names_of_a_file_are_the_same_file),
		TEST(the_folders_above_a_file_are_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

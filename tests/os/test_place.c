#include "os/place.h"

#include "support/unit.h"

#include "os/sock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void a_port_is_free_and_never_given_to_one_who_connects(void **state)
{
	struct sock_ports connecting = sock_ephemeral();

	(void)state;
	for (int i = 0; i < 20; i++) {
		struct sockaddr_storage ss;
		struct addr both[2];
		uint16_t port = 0;
		int fd;

		assert_int_equal(place_port(&port), 0);
		assert_true(port < connecting.first || port > connecting.last);
		addr_localhost("localhost", port, both);
		fd = sock_open(AF_INET);
		assert_int_equal(bind(fd, (struct sockaddr *)&ss,
				      addr_to_sockaddr(&both[1], &ss)),
				 0);
		close(fd);
	}
}

static void a_path_is_in_a_private_directory_and_all_of_it_goes(void **state)
{
	char *path = NULL, folder[256], other[300];
	struct stat st;
	int fd;

	(void)state;
	assert_int_equal(place_path(&path), 0);
	assert_int_equal(access(path, F_OK), -1);
	snprintf(folder, sizeof(folder), "%.*s",
		 (int)(strrchr(path, '/') - path), path);
	assert_int_equal(stat(folder, &st), 0);
	assert_true(S_ISDIR(st.st_mode));
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(st.st_uid, geteuid());
	snprintf(other, sizeof(other), "%s.lock", path);
	fd = open(other, O_CREAT | O_WRONLY, 0600);
	assert_true(fd >= 0);
	close(fd);
	place_remove(path);
	assert_int_equal(stat(folder, &st), -1);
	assert_int_equal(errno, ENOENT);
	place_remove(NULL);
}

static void a_directory_that_is_too_long_is_told(void **state)
{
	char folder[] = "/tmp/lowport-place-XXXXXX", longer[200];
	char *path = NULL;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(longer, sizeof(longer), "%s/%0100d", folder, 0);
	assert_int_equal(mkdir(longer, 0700), 0);
	unsetenv("XDG_RUNTIME_DIR");
	setenv("TMPDIR", longer, 1);
	assert_int_equal(place_path(&path), -ENAMETOOLONG);
	/* One that is not there is passed over. */
	setenv("TMPDIR", "/no/such/place", 1);
	assert_int_equal(place_path(&path), 0);
	assert_int_equal(strncmp(path, "/tmp/lowport-", 13), 0);
	place_remove(path);
	rmdir(longer);
	rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_port_is_free_and_never_given_to_one_who_connects),
		cmocka_unit_test(
			a_path_is_in_a_private_directory_and_all_of_it_goes),
		cmocka_unit_test(a_directory_that_is_too_long_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

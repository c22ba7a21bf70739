#include "process/logs.h"
#include "process/program.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* A small disk of the test's own, which is full. */

static const char *disk;
static const char *missing; /* what it takes to have one */

static int set_up(void **state)
{
	if (geteuid() != 0)
		missing = "root, for a disk of its own";
	else if (unshare(CLONE_NEWNS) < 0 ||
		 mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		missing = "leave to have a disk of its own";
	return program_set_up(state);
}

static void mount_disk(void)
{
	if (missing)
		program_skip(missing);
	disk = program_file("disk");
	assert_int_equal(mkdir(disk, 0755), 0);
	assert_int_equal(mount("none", disk, "tmpfs", 0, "size=512k,mode=1777"),
			 0);
}

static int end_test(void **state)
{
	int err = program_end_test(state);

	if (!missing)
		umount2(program_file("disk"), MNT_DETACH);
	return err;
}

/* Until the last byte. */
static void fill_disk(void)
{
	static const char zeros[4096];
	int fd = open(scrap("%s/filler", disk), O_WRONLY | O_CREAT, 0600);
	ssize_t n;

	assert_true(fd >= 0);
	while ((n = write(fd, zeros, sizeof(zeros))) > 0)
		;
	assert_int_equal(errno, ENOSPC);
	close(fd);
}

static void a_full_disk_stops_nobody_and_what_is_missing_is_said(void **state)
{
	enum { CLIENTS = 1200 };
	struct backend *b = backend_start("127.0.0.1:0", "web");
	int fd = peer_listen("127.0.0.1:0");
	struct proc_options opt = {.fds = &fd, .fd_count = 1};
	const char *log, *all, *lost;
	struct proc *p;

	(void)state;
	mount_disk();
	log = scrap("%s/log", disk);
	p = program_start((const char *const[]){"run", "--listen", "fd:3",
						"--to", backend_where(b),
						"--log-to", log, "--log-format",
						"json", NULL},
			  &opt);
	log_await(log, "listening on ");
	fill_disk();
	for (unsigned i = 0; i < CLIENTS; i++)
		assert_served(peer_where(fd), b);
	assert_null(strstr(log_read(log), "were lost"));
	assert_int_equal(unlink(scrap("%s/filler", disk)), 0);
	all = log_await(log, "were lost: No space left on device\"}\n");
	lost = strstr(all, " log lines were lost");
	while (lost[-1] != '"')
		lost--;
	assert_int_equal(log_count(all, "\"closed\"") + strtoul(lost, NULL, 10),
			 CLIENTS);
	program_stop(p);
	/* Lines that were half written were ended later. */
	log_parse(log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(
			a_full_disk_stops_nobody_and_what_is_missing_is_said,
			end_test),
	};

	return cmocka_run_group_tests(tests, set_up, program_tear_down);
}

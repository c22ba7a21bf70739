#include "process/program.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* What the scripts of the shells ask for while somebody types. */

static const char *offered(const char *kind)
{
	struct proc *p;

	setenv("HOME", program_file("home"), 1);
	p = program_start((const char *const[]){"completions", kind, NULL},
			  NULL);
	proc_end(p, 0);
	return proc_out(p);
}

/* An empty file, with the folders above it, that everybody may read. */
static void make_file(const char *below_home)
{
	const char *path = program_file(scrap("home/%s", below_home));
	char part[256];
	FILE *f;

	for (const char *slash = strchr(path + 1, '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		snprintf(part, sizeof(part), "%.*s", (int)(slash - path), path);
		if (mkdir(part, 0755) == 0)
			assert_int_equal(chmod(part, 0755), 0);
	}
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fclose(f), 0);
}

static void labels_are_those_that_are_installed_here(void **state)
{
	(void)state;
	assert_string_equal(offered("labels"), "");
	make_file("Library/LaunchAgents/lowport.web.plist");
	make_file("Library/LaunchAgents/lowport.web.watch.plist");
	make_file("Library/LaunchAgents/another.plist");
	make_file(".config/systemd/user/lowport-web.service");
	make_file(".config/systemd/user/lowport-web.socket");
	make_file(".config/systemd/user/another.service");
	assert_string_equal(offered("labels"), "web\n");
}

static void interfaces_are_those_of_this_machine(void **state)
{
	const char *said = offered("interfaces");

	(void)state;
	assert_true(strstr(said, "if:lo:\n") || strstr(said, "if:lo0:\n"));
}

#define TEST(name) cmocka_unit_test_teardown(name, program_end_test)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(labels_are_those_that_are_installed_here),
		TEST(interfaces_are_those_of_this_machine),
	};

	return cmocka_run_group_tests(tests, program_set_up, program_tear_down);
}

#include "service/readable.h"

#include "support/unit.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Who may read a file, before anybody tries. */

static char folder[64], file[80], linked[80];
static struct fault why;

static int set_up(void **state)
{
	FILE *f;

	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/lowport-readable-XXXXXX");
	if (!mkdtemp(folder) || chmod(folder, 0755) < 0)
		return -1;
	snprintf(file, sizeof(file), "%s/a.conf", folder);
	snprintf(linked, sizeof(linked), "%s/link", folder);
	f = fopen(file, "w");
	return f && fclose(f) == 0 ? chmod(file, 0644) : -1;
}

static int tear_down(void **state)
{
	(void)state;
	chmod(folder, 0755);
	unlink(linked);
	unlink(file);
	return rmdir(folder);
}

static void what_is_for_all_is_for_a_user_of_its_own(void **state)
{
	(void)state;
	assert_int_equal(readable_by(NULL, file, &why), 0);
	assert_int_equal(readable_by(NULL, folder, &why), 0);
	assert_int_equal(readable_by(NULL, "/nothing/here", &why), -ENOENT);
	assert_says(why.text, "/nothing/here: No such file");
}

static void what_is_not_is_said_with_what_mends_it(void **state)
{
	(void)state;
	chmod(file, 0640);
	assert_int_equal(readable_by(NULL, file, &why), -EACCES);
	assert_says(why.text, "as a user of its own, who may not read it (mode "
			      "0640).\nLet it: chmod o+r /tmp/");
	chmod(file, 0644);
	chmod(folder, 0754);
	assert_int_equal(readable_by(NULL, file, &why), -EACCES);
	assert_says(why.text, "who may not enter this folder (mode 0754)");
	assert_says(why.text, "chmod o+x /tmp/");
	assert_int_equal(readable_by(NULL, folder, &why), -EACCES);
	assert_says(why.text, "chmod o+rx /tmp/");
}

static void its_owner_goes_by_the_owners_rights(void **state)
{
	const struct passwd *pw = getpwuid(getuid());
	char name[64];

	(void)state;
	if (!pw)
		skip();
	snprintf(name, sizeof(name), "%s", pw->pw_name);
	chmod(folder, 0700);
	chmod(file, 0600);
	assert_int_equal(readable_by(name, file, &why), 0);
	assert_int_equal(readable_by(NULL, file, &why), -EACCES);
	chmod(file, 0044);
	assert_int_equal(readable_by(name, file, &why), -EACCES);
	assert_says(why.text, name);
}

static void a_link_is_followed(void **state)
{
	char behind[100];

	(void)state;
	snprintf(behind, sizeof(behind), "%s/shut", folder);
	assert_int_equal(mkdir(behind, 0700), 0);
	snprintf(behind, sizeof(behind), "%s/shut/b.conf", folder);
	fclose(fopen(behind, "w"));
	assert_int_equal(symlink(behind, linked), 0);
	assert_int_equal(readable_by(NULL, linked, &why), -EACCES);
	assert_says(why.text, "/shut: the service runs as");
	unlink(behind);
	*strrchr(behind, '/') = '\0';
	rmdir(behind);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(what_is_for_all_is_for_a_user_of_its_own),
		TEST(what_is_not_is_said_with_what_mends_it),
		TEST(its_owner_goes_by_the_owners_rights),
		TEST(a_link_is_followed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "os/proc.h"

#include "support/unit.h"

#include "os/platform.h"

#include <errno.h>
#include <sys/resource.h>
#include <unistd.h>

static void the_soft_limit_becomes_the_hard_one(void **state)
{
	struct rlimit before, limit;
	size_t raised, most;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	most = before.rlim_max > platform_descriptors_max
		       ? platform_descriptors_max
		       : (size_t)before.rlim_max;
	limit = before;
	limit.rlim_cur = 64;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	raised = proc_raise_descriptor_limit();
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	setrlimit(RLIMIT_NOFILE, &before);
	assert_int_equal(raised, most);
	assert_int_equal(limit.rlim_cur, raised);
	assert_int_equal(limit.rlim_max, before.rlim_max);
}

static void a_limit_that_cannot_grow_is_told_as_it_is(void **state)
{
	size_t once, twice;

	(void)state;
	once = proc_raise_descriptor_limit();
	twice = proc_raise_descriptor_limit();
	assert_int_equal(once, twice);
}

static void a_write_to_a_peer_that_has_gone_is_an_error(void **state)
{
	int fds[2];

	(void)state;
	proc_ignore_sigpipe();
	assert_int_equal(pipe(fds), 0);
	close(fds[0]);
	assert_int_equal(write(fds[1], "x", 1), -1);
	assert_int_equal(errno, EPIPE);
	close(fds[1]);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_soft_limit_becomes_the_hard_one),
		cmocka_unit_test(a_limit_that_cannot_grow_is_told_as_it_is),
		cmocka_unit_test(a_write_to_a_peer_that_has_gone_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "os/listen.h"

#include "listen_rig.h"

static void launchd_is_macos_alone(void **state)
{
	struct rig *r = *state;
	int err;

	r->want.text = "launchd:web";
	r->want.name = "web";
	err = listen_open_launchd(&r->want, &r->got, &r->why);
	assert_true(err == -ENOTSUP || err == -ESRCH);
	assert_int_equal(r->got.count, 0);
	assert_says(r->why.text, "launchd:web: ");
	if (err == -ENOTSUP)
		assert_says(r->why.text, "not on this system");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		LISTEN_ROW(launchd_is_macos_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "base/deadline.h"

#include "support/unit.h"

static struct deadline *expired[16];
static size_t expired_count;
static struct deadline_queue *arm_again_in;
static struct deadline *cancel_meanwhile;

static void on_expired(struct deadline *d)
{
	expired[expired_count++] = d;
	if (cancel_meanwhile)
		deadline_cancel(cancel_meanwhile);
	if (arm_again_in)
		deadline_arm(arm_again_in, d, 1000);
}

static int forget(void **state)
{
	(void)state;
	expired_count = 0;
	arm_again_in = NULL;
	cancel_meanwhile = NULL;
	return 0;
}

static void a_deadline_expires_when_it_is_due_and_not_before(void **state)
{
	struct deadline_queue q;
	struct deadline d;

	(void)state;
	deadline_queue_init(&q, 100, on_expired);
	deadline_init(&d);
	deadline_arm(&q, &d, 1000);
	assert_int_equal(deadline_next(&q), 1100);
	deadline_expire(&q, 1099);
	assert_int_equal(expired_count, 0);
	deadline_expire(&q, 1100);
	assert_int_equal(expired_count, 1);
	assert_ptr_equal(expired[0], &d);
	deadline_expire(&q, 5000);
	assert_int_equal(expired_count, 1);
}

static void the_one_touched_last_is_due_last(void **state)
{
	struct deadline_queue q;
	struct deadline d[3];

	(void)state;
	deadline_queue_init(&q, 100, on_expired);
	for (size_t i = 0; i < 3; i++) {
		deadline_init(&d[i]);
		deadline_arm(&q, &d[i], i);
	}
	deadline_arm(&q, &d[0], 50);
	assert_int_equal(deadline_next(&q), 101);
	deadline_expire(&q, 149);
	assert_int_equal(expired_count, 2);
	assert_ptr_equal(expired[0], &d[1]);
	assert_ptr_equal(expired[1], &d[2]);
	deadline_expire(&q, 150);
	assert_ptr_equal(expired[2], &d[0]);
}

static void a_cancelled_deadline_never_expires(void **state)
{
	struct deadline_queue q;
	struct deadline d;

	(void)state;
	deadline_queue_init(&q, 100, on_expired);
	deadline_init(&d);
	deadline_cancel(&d);
	deadline_arm(&q, &d, 0);
	deadline_cancel(&d);
	deadline_cancel(&d);
	assert_int_equal(deadline_next(&q), UINT64_MAX);
	deadline_expire(&q, 1000);
	assert_int_equal(expired_count, 0);
}

static void a_queue_that_is_off_arms_nothing(void **state)
{
	struct deadline_queue off, on;
	struct deadline d;

	(void)state;
	deadline_queue_init(&off, 0, on_expired);
	deadline_queue_init(&on, 5, on_expired);
	deadline_init(&d);
	deadline_arm(&on, &d, 0);
	deadline_arm(&off, &d, 0);
	assert_int_equal(deadline_next(&off), UINT64_MAX);
	assert_int_equal(deadline_next(&on), UINT64_MAX);
}

static void a_deadline_waits_in_one_queue_at_a_time(void **state)
{
	struct deadline_queue idle, half_close;
	struct deadline d;

	(void)state;
	deadline_queue_init(&idle, 10, on_expired);
	deadline_queue_init(&half_close, 20, on_expired);
	deadline_init(&d);
	deadline_arm(&idle, &d, 0);
	deadline_arm(&half_close, &d, 0);
	deadline_expire(&idle, 1000);
	assert_int_equal(expired_count, 0);
	deadline_expire(&half_close, 20);
	assert_int_equal(expired_count, 1);
}

static void expiring_one_may_cancel_the_next(void **state)
{
	struct deadline_queue q;
	struct deadline d[3];

	(void)state;
	deadline_queue_init(&q, 1, on_expired);
	for (size_t i = 0; i < 3; i++) {
		deadline_init(&d[i]);
		deadline_arm(&q, &d[i], 0);
	}
	cancel_meanwhile = &d[1];
	deadline_expire(&q, 1);
	assert_int_equal(expired_count, 2);
	assert_ptr_equal(expired[1], &d[2]);
}

static void one_armed_again_meanwhile_waits_for_the_next_call(void **state)
{
	struct deadline_queue q;
	struct deadline d;

	(void)state;
	deadline_queue_init(&q, 1, on_expired);
	deadline_init(&d);
	deadline_arm(&q, &d, 999);
	arm_again_in = &q;
	deadline_expire(&q, 1000);
	assert_int_equal(expired_count, 1);
	assert_int_equal(deadline_next(&q), 1001);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(
			a_deadline_expires_when_it_is_due_and_not_before,
			forget),
		cmocka_unit_test_setup(the_one_touched_last_is_due_last,
				       forget),
		cmocka_unit_test_setup(a_cancelled_deadline_never_expires,
				       forget),
		cmocka_unit_test_setup(a_queue_that_is_off_arms_nothing,
				       forget),
		cmocka_unit_test_setup(a_deadline_waits_in_one_queue_at_a_time,
				       forget),
		cmocka_unit_test_setup(expiring_one_may_cancel_the_next,
				       forget),
		cmocka_unit_test_setup(
			one_armed_again_meanwhile_waits_for_the_next_call,
			forget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

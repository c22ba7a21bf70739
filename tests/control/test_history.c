#include "control/history.h"

#include "support/unit.h"

#include <stdio.h>

static void note(struct history *h, unsigned pid, uint64_t now_ms, unsigned up,
		 unsigned down)
{
	char text[512];
	cJSON *status;

	snprintf(text, sizeof(text),
		 "{\"pid\":%u,\"now_ms\":%llu,\"stats\":{\"up\":%u},"
		 "\"relays\":[{\"name\":\"web\",\"stats\":{\"up\":%u,"
		 "\"down\":%u}}]}",
		 pid, (unsigned long long)now_ms, up, up, down);
	status = cJSON_Parse(text);
	assert_non_null(status);
	history_note(h, status);
	cJSON_Delete(status);
}

static void one_look_gives_no_rate(void **state)
{
	struct history *h = history_new();

	(void)state;
	note(h, 1, 1000, 50, 60);
	assert_int_equal(history_rates(h, 1, "web").ms, 0);
	assert_int_equal(history_rates(h, 1, "other").ms, 0);
	history_free(h);
}

static void two_looks_give_the_rate_between_them(void **state)
{
	struct history *h = history_new();
	struct rates r;

	(void)state;
	note(h, 1, 1000, 50, 60);
	note(h, 2, 1000, 5, 5);
	note(h, 1, 1500, 150, 260);
	r = history_rates(h, 1, "web");
	assert_int_equal(r.ms, 500);
	assert_int_equal(r.up, 100);
	assert_int_equal(r.down, 200);
	assert_int_equal(r.past_count, 1);
	assert_int_equal(r.past[0], 600);
	assert_int_equal(history_rates(h, 1, NULL).up, 100);
	assert_int_equal(history_rates(h, 2, "web").ms, 0);
	history_free(h);
}

static void the_oldest_rates_make_room(void **state)
{
	struct history *h = history_new();
	struct rates r;

	(void)state;
	for (unsigned i = 0; i < HISTORY_LENGTH + 5; i++)
		note(h, 1, 1000 * (i + 1), i * i, 0);
	r = history_rates(h, 1, "web");
	assert_int_equal(r.past_count, HISTORY_LENGTH);
	assert_int_equal(r.past[HISTORY_LENGTH - 1], r.up);
	assert_true(r.past[0] < r.past[1]);
	history_free(h);
}

static void what_goes_back_begins_anew(void **state)
{
	struct history *h = history_new();

	(void)state;
	note(h, 1, 1000, 50, 60);
	note(h, 1, 2000, 10, 60);
	assert_int_equal(history_rates(h, 1, "web").ms, 0);
	note(h, 1, 1500, 20, 60);
	assert_int_equal(history_rates(h, 1, "web").ms, 0);
	note(h, 1, 1600, 30, 60);
	assert_int_equal(history_rates(h, 1, "web").up, 10);
	history_free(h);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_look_gives_no_rate),
		cmocka_unit_test(two_looks_give_the_rate_between_them),
		cmocka_unit_test(the_oldest_rates_make_room),
		cmocka_unit_test(what_goes_back_begins_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

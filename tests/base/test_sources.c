#include "base/sources.h"

#include "support/unit.h"

#include <errno.h>
#include <stdlib.h>

enum { START_MS = 5000, CAPACITY = 8, MANY = 20000, STEPS = 200000 };

static const struct siphash_key key = {1, 2};
static const struct source_limits two_each = {.connections = 2};
static const struct source_limits three_a_second = {.rate = {3, 1000}};
static const struct source_limits both = {.connections = 2, .rate = {3, 1000}};

static struct sources *table;

static int set_up(void **state)
{
	(void)state;
	return sources_new(&table, CAPACITY, &key);
}

static int tear_down(void **state)
{
	(void)state;
	sources_free(table);
	return 0;
}

static struct source source(const char *text)
{
	struct addr a;
	struct source s;

	assert_int_equal(addr_parse_ip(&a, text), 0);
	assert_true(source_of(&a, &s));
	return s;
}

static struct source numbered(uint32_t n)
{
	return (struct source){.net = n, .zone = UINT32_MAX};
}

static enum source_answer enter(const struct source_limits *limits,
				struct source who, uint64_t now_ms,
				uint32_t *ticket)
{
	return sources_enter(table, limits, &who, now_ms, ticket);
}

static void the_source_of_an_address(void **state)
{
	static const struct {
		const char *a, *b;
		bool same;
	} rows[] = {
		{"10.0.0.1", "10.0.0.1", true},
		{"10.0.0.1", "10.0.0.2", false},
		{"10.0.0.1", "::ffff:10.0.0.1", true},
		{"2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true},
		{"2001:db8:1:2::1", "2001:db8:1:3::1", false},
		{"fe80::1%3", "fe80::2%3", true},
		{"fe80::1%3", "fe80::1%4", false},
		/* The same first eight bytes. */
		{"0.0.0.0", "::1", false},
		{"10.0.0.1", "a00:1::", false},
	};
	struct addr path = {.family = AF_UNIX, .path = "/x"}, none = {0};
	struct source s;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct source a = source(rows[i].a), b = source(rows[i].b);

		if (source_equal(&a, &b) != rows[i].same)
			fail_msg("%s and %s", rows[i].a, rows[i].b);
	}
	assert_false(source_of(&path, &s));
	assert_false(source_of(&none, &s));
}

static void the_last_one_is_admitted_and_the_next_one_is_not(void **state)
{
	struct source who = source("10.0.0.1"), other = source("10.0.0.2");
	uint32_t first, second, third;

	(void)state;
	assert_int_equal(enter(&two_each, who, START_MS, &first), SOURCE_FINE);
	assert_int_equal(enter(&two_each, who, START_MS, &second), SOURCE_FINE);
	assert_int_equal(enter(&two_each, who, START_MS, &third),
			 SOURCE_TOO_MANY);
	assert_int_equal(third, 0);
	assert_int_equal(enter(&two_each, other, START_MS, &third),
			 SOURCE_FINE);
	sources_leave(table, first, START_MS);
	assert_int_equal(enter(&two_each, who, START_MS, &first), SOURCE_FINE);
	assert_int_equal(enter(&two_each, who, START_MS, &third),
			 SOURCE_TOO_MANY);
}

static void who_is_refused_is_not_counted(void **state)
{
	struct source who = source("10.0.0.1");
	uint32_t a, b, c;

	(void)state;
	enter(&both, who, START_MS, &a);
	enter(&both, who, START_MS, &b);
	/* Too many: that takes no token. */
	for (int i = 0; i < 10; i++)
		assert_int_equal(enter(&both, who, START_MS, &c),
				 SOURCE_TOO_MANY);
	sources_leave(table, a, START_MS);
	sources_leave(table, b, START_MS);
	assert_int_equal(enter(&both, who, START_MS, &a), SOURCE_FINE);
	/* Too fast: that takes no place. */
	for (int i = 0; i < 10; i++)
		assert_int_equal(enter(&both, who, START_MS, &c),
				 SOURCE_TOO_FAST);
	assert_int_equal(enter(&both, who, START_MS + 334, &b), SOURCE_FINE);
	assert_int_equal(enter(&both, who, START_MS + 5000, &c),
			 SOURCE_TOO_MANY);
}

static void a_ticket_of_nothing_gives_nothing_back(void **state)
{
	struct source who = source("10.0.0.1");
	uint32_t ticket = 1;

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(enter(&three_a_second, who, START_MS, &ticket),
				 SOURCE_FINE);
		assert_int_equal(ticket, 0);
		sources_leave(table, ticket, START_MS);
	}
	assert_int_equal(enter(&three_a_second, who, START_MS, &ticket),
			 SOURCE_TOO_FAST);
	assert_int_equal(ticket, 0);
}

static void other_limits_count_apart(void **state)
{
	static const struct source_limits same = {.connections = 2};
	uint32_t ticket, other;

	/* So many that both are in one chain at times. */
	(void)state;
	for (uint32_t i = 0; i < MANY; i++) {
		struct source who = numbered(i);

		enter(&two_each, who, START_MS, &ticket);
		enter(&two_each, who, START_MS, &ticket);
		assert_int_equal(enter(&same, who, START_MS, &other),
				 SOURCE_FINE);
		assert_int_not_equal(other, ticket);
		sources_leave(table, other, START_MS);
		assert_int_equal(enter(&two_each, who, START_MS, &other),
				 SOURCE_TOO_MANY);
		sources_leave(table, ticket, START_MS);
		sources_leave(table, ticket, START_MS);
	}
}

static void an_entry_lives_no_longer_than_it_is_needed(void **state)
{
	struct source who = source("10.0.0.1"), other = source("10.0.0.2");
	uint32_t a, b, c;

	(void)state;
	enter(&two_each, who, START_MS, &a);
	enter(&two_each, who, START_MS, &b);
	assert_int_equal(sources_count(table), 1);
	sources_leave(table, a, START_MS);
	assert_int_equal(sources_count(table), 1);
	sources_leave(table, b, START_MS);
	assert_int_equal(sources_count(table), 0);

	/* With a rate, until its bucket is full. */
	enter(&both, who, START_MS, &a);
	sources_leave(table, a, START_MS);
	assert_int_equal(sources_count(table), 1);
	enter(&two_each, other, START_MS + 333, &c);
	assert_int_equal(sources_count(table), 2);
	enter(&two_each, other, START_MS + 334, &b);
	assert_int_equal(sources_count(table), 1);
}

static void what_is_idle_is_cleared_away_in_passing(void **state)
{
	struct sources *many;
	uint32_t ticket;

	(void)state;
	assert_int_equal(sources_new(&many, MANY, &key), 0);
	for (uint32_t i = 0; i < MANY; i++) {
		struct source who = numbered(i);

		sources_enter(many, &three_a_second, &who, START_MS, &ticket);
	}
	assert_int_equal(sources_count(many), MANY);
	/* New ones come, and it shrinks all the same. */
	for (uint32_t i = 0; i < MANY; i++) {
		struct source who = numbered(MANY + i);

		sources_enter(many, &three_a_second, &who, START_MS + 1000 + i,
			      &ticket);
	}
	assert_in_range(sources_count(many), 1, 1001);
	sources_free(many);
}

static void many_sources_lock_nobody_out(void **state)
{
	struct source victim = source("10.0.0.1"), new = source("10.0.0.2");
	uint32_t mine, ticket;

	(void)state;
	assert_int_equal(enter(&both, victim, START_MS, &mine), SOURCE_FINE);
	/* Many more than there is room for, none idle for long enough. */
	for (uint32_t i = 0; i < MANY; i++) {
		assert_int_equal(enter(&both, numbered(i), START_MS, &ticket),
				 SOURCE_FINE);
		sources_leave(table, ticket, START_MS);
		assert_in_range(sources_count(table), 1, CAPACITY);
	}
	assert_int_equal(enter(&both, new, START_MS, &ticket), SOURCE_FINE);
	/* And the one that was there is counted on. */
	assert_int_equal(enter(&both, victim, START_MS, &ticket), SOURCE_FINE);
	assert_int_equal(enter(&both, victim, START_MS, &ticket),
			 SOURCE_TOO_MANY);
	sources_leave(table, mine, START_MS);
	sources_leave(table, mine, START_MS);
	assert_int_equal(enter(&both, victim, START_MS, &ticket), SOURCE_FINE);
	assert_int_equal(enter(&both, victim, START_MS, &ticket),
			 SOURCE_TOO_FAST);
}

static void there_is_no_room_while_every_entry_has_a_connection(void **state)
{
	uint32_t tickets[CAPACITY], ticket;

	(void)state;
	for (uint32_t i = 0; i < CAPACITY; i++)
		assert_int_equal(enter(&two_each, numbered(i), START_MS,
				       &tickets[i]),
				 SOURCE_FINE);
	assert_int_equal(enter(&two_each, numbered(99), START_MS, &ticket),
			 SOURCE_TOO_MANY);
	assert_int_equal(enter(&two_each, numbered(0), START_MS, &ticket),
			 SOURCE_FINE);
	sources_leave(table, tickets[1], START_MS);
	assert_int_equal(enter(&two_each, numbered(99), START_MS, &ticket),
			 SOURCE_FINE);
}

static void a_full_table_forgets_who_has_been_idle_for_longest(void **state)
{
	struct source kept = source("10.0.0.1"), new = source("10.0.0.2");
	uint32_t ticket, kept_ticket;

	(void)state;
	enter(&two_each, kept, START_MS, &kept_ticket);
	for (uint32_t i = 0; i < CAPACITY - 1; i++)
		for (int n = 0; n < 3; n++)
			enter(&three_a_second, numbered(i), START_MS, &ticket);
	assert_int_equal(sources_count(table), CAPACITY);
	assert_int_equal(enter(&three_a_second, new, START_MS, &ticket),
			 SOURCE_FINE);
	assert_int_equal(sources_count(table), CAPACITY);
	/* All remember but the first, and it comes for the second's place. */
	for (uint32_t i = CAPACITY - 1; i-- > 1;)
		assert_int_equal(enter(&three_a_second, numbered(i), START_MS,
				       &ticket),
				 SOURCE_TOO_FAST);
	assert_int_equal(enter(&three_a_second, numbered(0), START_MS, &ticket),
			 SOURCE_FINE);
	assert_int_equal(enter(&three_a_second, numbered(1), START_MS, &ticket),
			 SOURCE_FINE);
	/* Whoever has a connection is not forgotten. */
	assert_int_equal(enter(&two_each, kept, START_MS, &ticket),
			 SOURCE_FINE);
	assert_int_equal(enter(&two_each, kept, START_MS, &ticket),
			 SOURCE_TOO_MANY);
}

static void colliding_sources_are_told_apart(void **state)
{
	struct sources *one;
	uint32_t tickets[3], again;

	/* With one entry there is one chain; with two, two. */
	(void)state;
	assert_int_equal(sources_new(&one, 3, &key), 0);
	for (uint32_t turn = 0; turn < 1000; turn++) {
		for (uint32_t i = 0; i < 3; i++) {
			struct source who = numbered(3 * turn + i);

			assert_int_equal(sources_enter(one, &two_each, &who,
						       START_MS, &tickets[i]),
					 SOURCE_FINE);
			assert_int_equal(sources_enter(one, &two_each, &who,
						       START_MS, &again),
					 SOURCE_FINE);
			assert_int_equal(tickets[i], again);
			assert_int_equal(sources_enter(one, &two_each, &who,
						       START_MS, &again),
					 SOURCE_TOO_MANY);
		}
		/* In another order than they came. */
		for (uint32_t n = 0; n < 3; n++) {
			uint32_t i = (turn + n) % 3;

			sources_leave(one, tickets[i], START_MS);
			sources_leave(one, tickets[i], START_MS);
		}
		assert_int_equal(sources_count(one), 0);
	}
	sources_free(one);
}

/* Beside a plain account of the same. */
static void any_order_of_coming_and_going_is_counted_right(void **state)
{
	enum { SOURCES = 40, EACH = 3, ROOM = SOURCES * EACH };
	static const struct source_limits limits = {.connections = EACH};
	uint32_t tickets[SOURCES][EACH];
	unsigned open[SOURCES] = {0}, present = 0;
	uint64_t dice = 7;
	struct sources *s;

	(void)state;
	assert_int_equal(sources_new(&s, SOURCES, &key), 0);
	for (int step = 0; step < STEPS; step++) {
		unsigned i;
		struct source who;

		dice = dice * UINT64_C(6364136223846793005) +
		       1442695040888963407;
		i = (unsigned)(dice >> 33) % SOURCES;
		who = numbered(i);
		if (dice >> 63) {
			uint32_t ticket;
			bool fine = sources_enter(s, &limits, &who, START_MS,
						  &ticket) == SOURCE_FINE;

			assert_int_equal(fine, open[i] < EACH);
			if (!fine)
				continue;
			present += open[i] == 0;
			tickets[i][open[i]++] = ticket;
		} else if (open[i] > 0) {
			sources_leave(s, tickets[i][--open[i]], START_MS);
			present -= open[i] == 0;
		}
		assert_int_equal(sources_count(s), present);
	}
	sources_free(s);
}

/* Their memory may be gone, or another's, afterwards. */
static void limits_that_are_forgotten_begin_anew(void **state)
{
	struct source_limits *mine = malloc(sizeof(*mine));
	struct source who = source("10.0.0.1"), other = source("10.0.0.2");
	uint32_t ticket, fast;

	(void)state;
	assert_non_null(mine);
	*mine = both;
	assert_int_equal(enter(mine, who, START_MS, &ticket), SOURCE_FINE);
	assert_int_equal(enter(mine, other, START_MS, &fast), SOURCE_FINE);
	assert_int_equal(enter(&three_a_second, who, START_MS, &fast),
			 SOURCE_FINE);
	assert_ptr_equal(sources_leave(table, 1, START_MS), mine);
	assert_ptr_equal(sources_leave(table, 2, START_MS), mine);
	assert_null(sources_leave(table, 0, START_MS));
	assert_int_equal(sources_count(table), 3);
	sources_forget(table, mine);
	assert_int_equal(sources_count(table), 1);
	free(mine);
	for (uint32_t i = 0; i < MANY; i++)
		enter(&three_a_second, numbered(i), START_MS + i, &fast);
	assert_int_equal(sources_count(table), CAPACITY);
}

static void a_capacity_that_is_no_use_is_refused(void **state)
{
	struct sources *s;

	(void)state;
	assert_int_equal(sources_new(&s, 0, &key), -EINVAL);
	assert_int_equal(sources_new(&s, SOURCES_MOST + 1, &key), -EINVAL);
	assert_int_equal(sources_new(&s, 1, &key), 0);
	sources_free(s);
	sources_free(NULL);
}

#define ROW(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		ROW(the_source_of_an_address),
		ROW(the_last_one_is_admitted_and_the_next_one_is_not),
		ROW(who_is_refused_is_not_counted),
		ROW(a_ticket_of_nothing_gives_nothing_back),
		ROW(other_limits_count_apart),
		ROW(an_entry_lives_no_longer_than_it_is_needed),
		ROW(what_is_idle_is_cleared_away_in_passing),
		ROW(many_sources_lock_nobody_out),
		ROW(there_is_no_room_while_every_entry_has_a_connection),
		ROW(a_full_table_forgets_who_has_been_idle_for_longest),
		ROW(colliding_sources_are_told_apart),
		ROW(any_order_of_coming_and_going_is_counted_right),
		ROW(limits_that_are_forgotten_begin_anew),
		ROW(a_capacity_that_is_no_use_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "base/list.h"

#include "support/unit.h"

struct member {
	int number;
	struct list node;
};

static int number_of(const struct list *node)
{
	return list_entry(node, struct member, node)->number;
}

static void members_are_walked_in_the_order_they_came(void **state)
{
	struct member m[3];
	struct list head, *pos;
	int next = 0;

	(void)state;
	list_init(&head);
	assert_true(list_is_empty(&head));
	for (int i = 0; i < 3; i++) {
		m[i].number = i;
		list_append(&head, &m[i].node);
	}
	list_for_each (pos, &head)
		assert_int_equal(number_of(pos), next++);
	assert_int_equal(next, 3);
}

static void removing_what_is_in_no_list_does_nothing(void **state)
{
	struct member m;
	struct list head;

	(void)state;
	list_init(&head);
	list_init(&m.node);
	list_remove(&m.node);
	list_append(&head, &m.node);
	list_remove(&m.node);
	list_remove(&m.node);
	assert_true(list_is_empty(&head));
	assert_true(list_is_empty(&m.node));
}

static void the_member_at_hand_may_leave_during_a_safe_walk(void **state)
{
	struct member m[4];
	struct list head, *pos, *after;
	int left = 0;

	(void)state;
	list_init(&head);
	for (int i = 0; i < 4; i++) {
		m[i].number = i;
		list_append(&head, &m[i].node);
	}
	list_for_each_safe (pos, after, &head)
		if (number_of(pos) % 2 == 0)
			list_remove(pos);
	list_for_each (pos, &head) {
		assert_int_equal(number_of(pos) % 2, 1);
		left++;
	}
	assert_int_equal(left, 2);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_are_walked_in_the_order_they_came),
		cmocka_unit_test(removing_what_is_in_no_list_does_nothing),
		cmocka_unit_test(
			the_member_at_hand_may_leave_during_a_safe_walk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

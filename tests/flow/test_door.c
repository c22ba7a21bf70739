#include "knock.h"
#include "matrix.h"
#include "peer.h"
#include "rig.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "cm.h"

enum {
	MOST = 3,
	TRIES = 40,
	TICK_MS = 5,
};

/* The networks that the clients of this machine are in, and others. */
#define HOME_4  "127.0.0.0/8"
#define HOME_6  "::1"
#define OTHER_4 "192.0.2.0/24"
#define OTHER_6 "2001:db8::/32"

static struct relay_rule rule(bool allow, const char *net)
{
	struct relay_rule r = {.allow = allow};

	assert_int_equal(cidr_parse(&r.net, net), 0);
	return r;
}

static void who_is_denied_is_reset_and_counted(void **state)
{
	struct relay_rule rules[] = {rule(false, OTHER_4), rule(false, HOME_4),
				     rule(false, HOME_6)};
	struct relay_door door = {rules, 3, true, {0}};
	struct rig *r = knock_rig(*state, &door);
	struct stats s;

	for (int i = 0; i < MOST; i++)
		assert_int_equal(knock_is_let_in(r),
				 !knock_has_address(*state));
	s = rig_stats(r);
	assert_int_equal(s.refused, knock_has_address(*state) ? MOST : 0);
	assert_int_equal(s.refused_for[REFUSED_DENIED], s.refused);
	assert_int_equal(s.accepted, knock_has_address(*state) ? 0 : MOST);
	rig_stop(r);
}

static void whom_no_rule_fits_is_let_in_if_others_are(void **state)
{
	struct relay_rule rules[] = {rule(false, OTHER_4),
				     rule(false, OTHER_6)};
	struct relay_door door = {rules, 2, true, {0}};
	struct rig *r = knock_rig(*state, &door);

	assert_true(knock_is_let_in(r));
	rig_stop(r);
}

static void whom_no_rule_fits_is_refused_if_others_are(void **state)
{
	struct relay_rule rules[] = {rule(true, OTHER_4), rule(true, OTHER_6)};
	struct relay_door door = {rules, 2, false, {0}};
	struct rig *r = knock_rig(*state, &door);

	assert_int_equal(knock_is_let_in(r), !knock_has_address(*state));
	rig_stop(r);
}

static void the_first_rule_that_fits_decides(void **state)
{
	struct relay_rule in[] = {rule(true, "127.0.0.1"), rule(true, HOME_6),
				  rule(false, HOME_4), rule(false, "::/0")};
	struct relay_rule out[] = {rule(false, "127.0.0.1"),
				   rule(false, HOME_6), rule(true, HOME_4),
				   rule(true, "::/0")};
	struct relay_door first = {in, 4, false, {0}};
	struct relay_door second = {out, 4, true, {0}};
	struct rig *r = knock_rig(*state, &first);

	assert_true(knock_is_let_in(r));
	rig_stop(r);
	r = knock_rig(*state, &second);
	assert_int_equal(knock_is_let_in(r), !knock_has_address(*state));
	rig_stop(r);
}

static void a_family_is_in_no_network_of_the_other(void **state)
{
	const struct row *row = *state;
	struct relay_rule rules[] = {rule(
		false, row->client_family == AF_INET ? "::/0" : "0.0.0.0/0")};
	struct relay_door door = {rules, 1, true, {0}};
	struct rig *r = knock_rig(row, &door);

	assert_true(knock_is_let_in(r));
	rig_stop(r);
}

/* What the relay says, by kind. */
static struct {
	pthread_mutex_t lock;
	unsigned refused, more;
	unsigned long left_out;
	char line[256];
} said = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void on_notice(void *data, enum log_level level, const char *text)
{
	unsigned long count;

	(void)data;
	(void)level;
	pthread_mutex_lock(&said.lock);
	if (strncmp(text, "refused client=", 15) == 0) {
		said.refused++;
		snprintf(said.line, sizeof(said.line), "%s", text);
	} else if (sscanf(text, "refused %lu more,", &count) == 1) {
		said.more++;
		said.left_out += count;
	}
	pthread_mutex_unlock(&said.lock);
}

/* With a line of their own and without. */
static unsigned long refusals_said(void)
{
	unsigned long count;

	pthread_mutex_lock(&said.lock);
	count = said.refused + said.left_out;
	pthread_mutex_unlock(&said.lock);
	return count;
}

static struct rig *rig_that_refuses(const struct row *row,
				    const struct relay_door *door)
{
	struct rig *r = rig_new(row);

	said.refused = said.more = 0;
	said.left_out = 0;
	r->options.notice = on_notice;
	r->route.door = door;
	rig_start(r);
	return r;
}

static void refusals_are_said_once_a_second_and_none_is_lost(void **state)
{
	struct relay_door door = {NULL, 0, false, {0}};
	struct rig *r;
	uint64_t begun_ms;
	char text[ADDR_TEXT];
	struct addr front;

	if (!knock_has_address(*state))
		FLOW_SKIP("clients of a Unix socket are not refused");
	r = rig_that_refuses(*state, &door);
	front = r->front;
	begun_ms = rig_now_ms();
	for (int i = 0; i < TRIES; i++)
		assert_false(knock_is_let_in(r));
	/* The rest is said by itself. */
	while (refusals_said() < TRIES) {
		assert_in_range(rig_now_ms() - begun_ms, 0, PEER_PATIENCE_MS);
		rig_wait_ms(TICK_MS);
	}
	rig_stop(r);
	assert_int_equal(refusals_said(), TRIES);
	assert_in_range(said.refused, 1, 1 + (rig_now_ms() - begun_ms) / 1000);
	assert_in_range(said.more, 1, 1 + (rig_now_ms() - begun_ms) / 1000);
	assert_non_null(strstr(said.line, " why=denied"));
	assert_non_null(strstr(said.line, addr_print(&front, text)));
}

static void what_is_left_out_is_said_before_the_end(void **state)
{
	struct relay_door door = {NULL, 0, false, {0}};
	struct rig *r;

	if (!knock_has_address(*state))
		FLOW_SKIP("clients of a Unix socket are not refused");
	r = rig_that_refuses(*state, &door);
	for (int i = 0; i < MOST; i++)
		assert_false(knock_is_let_in(r));
	rig_drain(r, 0);
	assert_int_equal(refusals_said(), MOST);
	rig_stop(r);
}

int main(void)
{
	static const struct flow_case cases[] = {
		FLOW_CASE(who_is_denied_is_reset_and_counted),
		FLOW_CASE(whom_no_rule_fits_is_let_in_if_others_are),
		FLOW_CASE(whom_no_rule_fits_is_refused_if_others_are),
		FLOW_CASE(the_first_rule_that_fits_decides),
		FLOW_CASE(a_family_is_in_no_network_of_the_other),
		FLOW_CASE_SIDE_BY_SIDE(
			refusals_are_said_once_a_second_and_none_is_lost),
		FLOW_CASE(what_is_left_out_is_said_before_the_end),
	};

	return FLOW_RUN("door", cases);
}

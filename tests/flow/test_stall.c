#include "matrix.h"
#include "os/sock.h"
#include "peer.h"
#include "rig.h"
#include "talk.h"
#include "usage.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cm.h"

enum {
	MORE = 1 << 20,
	MOST = 64 << 20,   /* what all sockets on the way may hold together */
	MEMORY = 1 << 20,  /* what the relay's heap may grow by */
	NOTICED_MS = 6000, /* a few seconds for the probe, and some */
};

/* A connection with one end that only reads, and so far does not. */
struct flow {
	int from, to;
	uint64_t seed, sent;
};

static struct flow stall(struct rig *r, bool up, uint64_t seed)
{
	int client = rig_connect(r), backend = rig_accept(r);
	struct flow f = {
		.from = up ? client : backend,
		.to = up ? backend : client,
		.seed = seed,
	};

	f.sent = peer_fill(f.from, seed);
	assert_true(f.sent > 0);
	assert_true(f.sent < MOST);
	return f;
}

static void resume(struct flow *f)
{
	struct talk talks[] = {
		{
			.fd = f->from,
			.send_seed = f->seed,
			.send_at = f->sent,
			.send_to = f->sent + MORE,
		},
		{.fd = f->to, .receive_seed = f->seed},
	};

	talk_all(talks, 2);
	assert_true(talk_is_right(&talks[0], 0));
	assert_true(talk_is_right(&talks[1], f->sent + MORE));
	close(f->from);
	close(f->to);
}

static void a_stalled_reader_stops_its_writer_and_costs_nothing(void **state)
{
	struct rig *r = rig_run(*state);
	size_t heap = usage_heap();
	struct flow up = stall(r, true, 1), down = stall(r, false, 2);

	assert_true(rig_is_still(r, 2000));
	assert_true(usage_heap() < heap + MEMORY);
	assert_int_equal(rig_records(r), 0);
	resume(&up);
	assert_int_equal(rig_record(r, 0).up, up.sent + MORE);
	resume(&down);
	assert_int_equal(rig_record(r, 1).down, down.sent + MORE);
	rig_stop(r);
}

static void two_stalled_sides_carry_on_where_they_were(void **state)
{
	struct rig *r = rig_run(*state);
	int client = rig_connect(r), backend = rig_accept(r);
	uint64_t up = peer_fill(client, 1), down = peer_fill(backend, 2);
	struct talk talks[] = {
		{
			.fd = client,
			.send_seed = 1,
			.send_at = up,
			.send_to = up + MORE,
			.receive_seed = 2,
		},
		{
			.fd = backend,
			.send_seed = 2,
			.send_at = down,
			.send_to = down + MORE,
			.receive_seed = 1,
		},
	};

	assert_true(rig_is_still(r, 2000));
	talk_all(talks, 2);
	assert_true(talk_is_right(&talks[0], down + MORE));
	assert_true(talk_is_right(&talks[1], up + MORE));
	close(client);
	close(backend);
	assert_int_equal(rig_record(r, 0).reason, CLOSE_DONE);
	rig_stop(r);
}

/* What has crossed, whole from its beginning, and then the cut. */
static void expect_cut(int fd, uint64_t seed, int family)
{
	assert_true(talk_until_cut(fd, seed, family) > 0);
	close(fd);
}

/* So that a Unix socket can reset: something it has not read waits for it. */
static void leave_unread(struct flow *f)
{
	assert_int_equal(peer_send(f->to, 9, 0, 1), 0);
	assert_int_equal(peer_readable(f->from), 0);
}

static void a_reset_is_noticed_while_the_other_side_is_stalled(void **state)
{
	const struct row *row = *state;
	struct rig *r = rig_new(row);
	struct flow up, down;
	uint64_t began_ms;

	/* The reader never takes the rest, so only this ends it. */
	r->route.half_close_timeout_ms = 500;
	rig_start(r);
	up = stall(r, true, 1);
	down = stall(r, false, 2);
	leave_unread(&up);
	leave_unread(&down);
	began_ms = rig_now_ms();
	peer_reset(up.from);
	peer_reset(down.from);
	rig_record(r, 1);
	assert_true(rig_now_ms() - began_ms < NOTICED_MS);
	for (size_t i = 0; i < 2; i++) {
		struct record what = rig_record(r, i);

		assert_string_equal(
			close_reason_name(what.reason),
			close_reason_name(what.up > 1 ? CLOSE_CLIENT_RESET
						      : CLOSE_BACKEND_RESET));
	}
	expect_cut(up.to, up.seed, row->backend_family);
	expect_cut(down.to, down.seed, row->client_family);
	rig_stop(r);
}

static void a_reader_that_resumes_after_the_reset_gets_all(void **state)
{
	const struct row *row = *state;
	struct rig *r = rig_run(row);
	struct flow f = stall(r, true, 1);
	uint64_t sent = f.sent;

	leave_unread(&f);
	/* A reset takes what is still in our own buffer with it. */
	if (row->client_family != AF_UNIX)
		sent -= sock_unsent(f.from);
	peer_reset(f.from);
	/* The probe comes in between. */
	assert_true(rig_is_still(r, 3000));
	assert_int_equal(rig_records(r), 0);
	assert_true(talk_until_cut(f.to, f.seed, row->backend_family) >=
		    (int64_t)sent);
	close(f.to);
	assert_int_equal(rig_record(r, 0).reason, CLOSE_CLIENT_RESET);
	rig_stop(r);
}

int main(void)
{
	static const struct flow_case cases[] = {
		FLOW_CASE_SIDE_BY_SIDE(
			a_stalled_reader_stops_its_writer_and_costs_nothing),
		FLOW_CASE_SIDE_BY_SIDE(
			two_stalled_sides_carry_on_where_they_were),
		FLOW_CASE_SIDE_BY_SIDE(
			a_reset_is_noticed_while_the_other_side_is_stalled),
		FLOW_CASE_SIDE_BY_SIDE(
			a_reader_that_resumes_after_the_reset_gets_all),
	};

	return FLOW_RUN("stall", cases);
}

#include "bytes.h"
#include "echo.h"
#include "matrix.h"
#include "os/sock.h"
#include "peer.h"
#include "rig.h"
#include "talk.h"
#include "usage.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cm.h"

enum {
	BATCH = 50,
	BATCHES = 40, /* 2 000 connections */
	CLIENTS = 150,
	DESCRIPTORS = 64,
	CPU_MS = 1000,
};

/* A batch of short connections. Returns how many came back right. */
static int echo_batch(const struct addr *front, uint64_t most, int count)
{
	struct talk *talks = calloc((size_t)count, sizeof(*talks));
	uint64_t dice = 5;
	int right = 0;

	for (int i = 0; talks && i < count; i++)
		talks[i] = talk_echo(peer_connect(front), (uint64_t)i,
				     bytes_random(&dice) % most);
	talk_all(talks, (size_t)count);
	for (int i = 0; i < count; i++) {
		right += talk_is_right(&talks[i], talks[i].send_to);
		close(talks[i].fd);
	}
	free(talks);
	return right;
}

static void two_thousand_connections_leave_nothing_behind(void **state)
{
	struct rig *r = rig_new(*state);
	struct echo *echo = echo_start(r->backend);
	size_t descriptors = 0, heap = 0, records, allowed;

	rig_start(r);
	for (size_t i = 0; i < BATCHES; i++) {
		assert_int_equal(echo_batch(&r->front, 2000, BATCH), BATCH);
		rig_record(r, (i + 1) * BATCH - 1);
		/* What a loop keeps for good, it has after the first ones. */
		if (i > 0)
			continue;
		echo_stop(echo);
		rig_cost(r);
		descriptors = usage_descriptors();
		heap = usage_heap();
		echo = echo_start(r->backend);
	}
	echo_stop(echo);
	rig_cost(r);
	assert_int_equal(usage_descriptors(), descriptors);
	/* The rig's own: one record each, in a block that was moved about. */
	records = BATCH * BATCHES * sizeof(struct record);
	allowed = records + (64 << 10);
	assert_true(usage_heap() < heap + allowed);
	assert_int_equal(rig_stats(r).open, 0);
	assert_int_equal(rig_stats(r).ended[CLOSE_DONE], BATCH * BATCHES);
	rig_stop(r);
}

/* The clients and the backend, in a process that has descriptors enough. */
static pid_t start_clients(const struct rig *r)
{
	pid_t pid = fork();
	struct echo *echo;
	int right;

	assert_true(pid >= 0);
	if (pid > 0)
		return pid;
	echo = echo_start(r->backend);
	right = echo_batch(&r->front, 200000, CLIENTS);
	if (echo)
		echo_stop(echo);
	_exit(right == CLIENTS ? EXIT_SUCCESS : EXIT_FAILURE);
}

static void serve_with_few_descriptors(struct rig *r)
{
	struct rlimit few;
	pid_t clients;
	int status = -1;

	/* Before there is a thread, and while there is a listener. */
	clients = start_clients(r);
	getrlimit(RLIMIT_NOFILE, &few);
	few.rlim_cur = DESCRIPTORS;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	rig_start(r);
	waitpid(clients, &status, 0);
	assert_int_equal(status, 0);
	rig_record(r, CLIENTS - 1);
	assert_int_equal(rig_stats(r).ended[CLOSE_DONE], CLIENTS);
	assert_int_equal(rig_warnings(r), 1);
}

/* Nothing tells the relay of the limit: accept() and socket() do. */
static void all_are_served_when_descriptors_run_out(void **state)
{
	struct rig *r = rig_new(*state);

	serve_with_few_descriptors(r);
	assert_true(rig_cost(r).cpu_ms < CPU_MS);
	rig_stop(r);
}

static void the_default_limit_is_one_that_descriptors_carry(void **state)
{
	struct rig *r = rig_new(*state);
	struct relay_options fit;

	relay_defaults(&fit, DESCRIPTORS);
	r->options.max_connections = fit.max_connections;
	if (r->options.max_pipes > fit.max_pipes)
		r->options.max_pipes = fit.max_pipes;
	/* Names, which are looked up before a descriptor is asked for. */
	if (r->row->backend_family != AF_UNIX)
		r->at.host =
			r->row->backend_family == AF_INET ? "127.0.0.1" : "::1";
	serve_with_few_descriptors(r);
	rig_stop(r);
}

/* All are taken by others: there is nothing to do but wait, and not to spin. */
static void waiting_for_descriptors_costs_nothing(void **state)
{
	struct rig *r = rig_run(*state);
	int client = rig_connect(r), backend = rig_accept(r), waiting;
	int taken[DESCRIPTORS], n = 0, err;
	struct rlimit few, before;

	/* What is set up only once is set up by one that goes again. */
	close(rig_connect(r));
	close(rig_accept(r));
	rig_record(r, 0);
	getrlimit(RLIMIT_NOFILE, &before);
	few = before;
	few.rlim_cur = DESCRIPTORS;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	waiting = sock_open(r->front.family);
	while (n < DESCRIPTORS && (taken[n] = dup(waiting)) >= 0)
		n++;
	err = sock_connect(waiting, &r->front);
	assert_true(err == 0 || err == -EINPROGRESS);
	assert_true(rig_is_still(r, 1000));
	assert_int_equal(rig_warnings(r), 1);
	/* Those inside notice nothing. */
	assert_int_equal(peer_send(client, 1, 0, 1000), 0);
	assert_int_equal(peer_take(backend, 1, 0, 1000), 0);
	close(backend);
	close(client);
	while (n > 0)
		close(taken[--n]);
	backend = rig_accept(r);
	close(backend);
	close(waiting);
	rig_record(r, 2);
	setrlimit(RLIMIT_NOFILE, &before);
	rig_stop(r);
}

int main(void)
{
	static const struct flow_case cases[] = {
		FLOW_CASE(two_thousand_connections_leave_nothing_behind),
		FLOW_CASE_SIDE_BY_SIDE(all_are_served_when_descriptors_run_out),
		FLOW_CASE_SIDE_BY_SIDE(
			the_default_limit_is_one_that_descriptors_carry),
		FLOW_CASE_SIDE_BY_SIDE(waiting_for_descriptors_costs_nothing),
	};

	return FLOW_RUN("shortage", cases);
}

#include "matrix.h"
#include "peer.h"
#include "rig.h"

#include "os/sock.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cm.h"

enum {
	ROUNDS = 20,
	SOME = 1000,
	BULK = 3 << 20,
	SOON_MS = 300,
	CORKED_MS = 150, /* Linux lets a corked segment go after 200 ms */
	TRIES = 5,
};

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"

/* Of a string literal, with the zeros in it and without its end. */
#define BYTES(literal) (literal), sizeof(literal) - 1

/* Who a front says that it speaks for, and at which address. */
static const char v1_header[] = "PROXY TCP4 192.0.2.7 198.51.100.1 4711 80\r\n";
static const char v2_header[] = SIGNATURE "\x21\x11\0\x0c\xc0\0\x02\x07"
					  "\xc6\x33\x64\x01\x12\x67\0\x50";
static const struct {
	const char *bytes;
	size_t n;
} headers[] = {
	{v1_header, sizeof(v1_header) - 1},
	{v2_header, sizeof(v2_header) - 1},
};

enum { HEADERS = sizeof(headers) / sizeof(headers[0]) };

static bool is_client_ip(const struct row *row)
{
	return row->client_family != AF_UNIX;
}

/* Everybody who connects here is a trusted front. */
static struct cidr loopback;

static void trust_all(struct rig *r)
{
	loopback = (struct cidr){.bits = 0};
	loopback.base.family = (uint16_t)r->row->client_family;
	r->route.fronts = &loopback;
	r->route.front_count = is_client_ip(r->row) ? 1 : 0;
	r->route.unix_fronts = !is_client_ip(r->row);
}

static struct rig *trusting(const struct row *row)
{
	struct rig *r = rig_new(row);

	trust_all(r);
	return r;
}

static void put(int fd, const void *bytes, size_t n)
{
	assert_int_equal(send(fd, bytes, n, MSG_NOSIGNAL), n);
}

static void expect(int fd, const void *bytes, size_t n)
{
	char got[512];

	assert_true(n <= sizeof(got));
	assert_int_equal(peer_recv(fd, got, n, MSG_WAITALL), n);
	assert_memory_equal(got, bytes, n);
}

static void expect_addr(const struct addr *a, const char *text)
{
	char said[ADDR_TEXT];

	assert_string_equal(addr_print(a, said), text);
}

static void expect_reason(const struct record *what, enum close_reason reason)
{
	assert_string_equal(close_reason_name(what->reason),
			    close_reason_name(reason));
}

/* Its client is the one that the headers name. */
static void expect_named(struct record what)
{
	expect_reason(&what, CLOSE_DONE);
	expect_addr(&what.client, "192.0.2.7:4711");
}

/* As the backend should see them: made here, not by what is tested. */
static size_t wanted_v1(char *out, const struct addr *client,
			const struct addr *local)
{
	char from[ADDR_TEXT], to[ADDR_TEXT];
	bool v6 = client->family == AF_INET6;

	if (client->family == AF_UNIX)
		return (size_t)sprintf(out, "PROXY UNKNOWN\r\n");
	/* 127.0.0.1:80 or [::1]:80 */
	addr_print(client, from);
	addr_print(local, to);
	*strrchr(from, ':') = '\0';
	*strrchr(to, ':') = '\0';
	if (v6) {
		from[strlen(from) - 1] = '\0';
		to[strlen(to) - 1] = '\0';
	}
	return (size_t)sprintf(out, "PROXY %s %s %s %u %u\r\n",
			       v6 ? "TCP6" : "TCP4", from + v6, to + v6,
			       client->port, local->port);
}

static size_t wanted_v2(char *out, const struct addr *client,
			const struct addr *local)
{
	size_t ip = client->family == AF_INET6 ? 16 : 4;
	const uint8_t tail[] = {(uint8_t)(client->port >> 8),
				(uint8_t)client->port,
				(uint8_t)(local->port >> 8),
				(uint8_t)local->port};

	memcpy(out, BYTES(SIGNATURE "\x20\0\0\0"));
	if (client->family == AF_UNIX)
		return 16;
	out[12] = 0x21;
	out[13] = ip == 16 ? 0x21 : 0x11;
	out[15] = (char)(2 * ip + 4);
	memcpy(out + 16, client->ip, ip);
	memcpy(out + 16 + ip, local->ip, ip);
	memcpy(out + 16 + 2 * ip, tail, 4);
	return 16 + 2 * ip + 4;
}

static size_t wanted(char *out, enum proxy_version version, int client,
		     const struct addr *local)
{
	struct addr from;

	assert_int_equal(sock_local(client, &from), 0);
	return version == PROXY_V1 ? wanted_v1(out, &from, local)
				   : wanted_v2(out, &from, local);
}

static void backends_are_told_of_the_client_before_its_bytes(void **state)
{
	for (int version = PROXY_V1; version <= PROXY_V2; version++) {
		struct rig *r = rig_new(*state);
		char header[PROXY_ROOM];
		int client, backend;
		struct record what;
		size_t n;

		r->route.send_proxy = (enum proxy_version)version;
		rig_start(r);
		client = rig_connect(r);
		n = wanted(header, r->route.send_proxy, client, &r->front);
		assert_int_equal(peer_send(client, 5, 0, BULK / 100), 0);
		shutdown(client, SHUT_WR);
		backend = rig_accept(r);
		expect(backend, header, n);
		assert_int_equal(peer_take(backend, 5, 0, BULK / 100), 0);
		assert_int_equal(peer_end(backend), 0);
		assert_int_equal(peer_send(backend, 6, 0, SOME), 0);
		close(backend);
		assert_int_equal(peer_take(client, 6, 0, SOME), 0);
		assert_int_equal(peer_end(client), 0);
		close(client);
		what = rig_record(r, 0);
		expect_reason(&what, CLOSE_DONE);
		/* The header is ours, not the client's. */
		assert_int_equal(what.up, BULK / 100);
		assert_int_equal(what.down, SOME);
		rig_stop(r);
	}
}

/* Returns after how many milliseconds the header was there. */
static uint64_t await_header(const struct row *row, enum proxy_version version)
{
	struct rig *r = rig_new(row);
	char header[PROXY_ROOM];
	uint64_t began_ms, took_ms;
	int client, backend;
	size_t n;

	r->route.send_proxy = version;
	rig_start(r);
	began_ms = rig_now_ms();
	client = rig_connect(r);
	n = wanted(header, version, client, &r->front);
	backend = rig_accept(r);
	expect(backend, header, n);
	took_ms = rig_now_ms() - began_ms;
	assert_int_equal(peer_send(backend, 6, 0, SOME), 0);
	assert_int_equal(peer_take(client, 6, 0, SOME), 0);
	close(client);
	close(backend);
	rig_stop(r);
	return took_ms;
}

/* Nothing may wait for a client that waits for the server. */
static void a_server_that_speaks_first_gets_its_header_at_once(void **state)
{
	for (int version = PROXY_V1; version <= PROXY_V2; version++) {
		uint64_t took_ms = CORKED_MS;

		/* What waits does so each time; a busy machine does not. */
		for (int i = 0; i < TRIES && took_ms >= CORKED_MS; i++)
			took_ms = await_header(*state,
					       (enum proxy_version)version);
		assert_in_range(took_ms, 0, CORKED_MS - 1);
	}
}

static void header_and_first_bytes_are_one_segment(void **state)
{
#ifdef MSG_MORE
	const struct row *row = *state;
	int clients[ROUNDS];
	struct rig *r = rig_new(row);

	if (row->backend_family == AF_UNIX)
		FLOW_SKIP("a Unix socket has no segments");
	r->route.send_proxy = PROXY_V2;
	/* They are there when the relay comes to them. */
	for (int i = 0; i < ROUNDS; i++) {
		clients[i] = rig_connect(r);
		assert_int_equal(peer_send(clients[i], 5, 0, SOME), 0);
	}
	rig_start(r);
	for (int i = 0; i < ROUNDS; i++) {
		char got[2 * SOME], header[PROXY_ROOM];
		int backend = rig_accept(r);
		size_t n = wanted(header, PROXY_V2, clients[0], &r->front);

		assert_int_equal(peer_readable(backend), 0);
		assert_int_equal(peer_recv(backend, got, sizeof(got), 0),
				 n + SOME);
		close(backend);
	}
	for (int i = 0; i < ROUNDS; i++)
		close(clients[i]);
	rig_stop(r);
#else
	(void)state;
	FLOW_SKIP("MSG_MORE");
#endif
}

static void a_client_that_only_ends_is_told_of_too(void **state)
{
	struct rig *r = rig_new(*state);
	char header[PROXY_ROOM];
	int client, backend;
	size_t n;

	r->route.send_proxy = PROXY_V1;
	rig_start(r);
	client = rig_connect(r);
	n = wanted(header, PROXY_V1, client, &r->front);
	shutdown(client, SHUT_WR);
	backend = rig_accept(r);
	expect(backend, header, n);
	assert_int_equal(peer_end(backend), 0);
	close(backend);
	assert_int_equal(peer_end(client), 0);
	close(client);
	assert_int_equal(rig_record(r, 0).up, 0);
	rig_stop(r);
}

/* --- from a front --- */

static void echo_to_the_end(struct rig *r, int client, uint64_t seed)
{
	int backend = rig_accept(r);

	assert_int_equal(peer_take(backend, seed, 0, SOME), 0);
	assert_int_equal(peer_send(backend, seed, 0, SOME), 0);
	close(backend);
	assert_int_equal(peer_take(client, seed, 0, SOME), 0);
	assert_int_equal(peer_end(client), 0);
	close(client);
}

static void the_client_is_whom_the_header_names(void **state)
{
	struct rig *r = trusting(*state);

	rig_start(r);
	for (size_t i = 0; i < HEADERS; i++) {
		int client = rig_connect(r);
		struct record what;

		put(client, headers[i].bytes, headers[i].n);
		assert_int_equal(peer_send(client, i, 0, SOME), 0);
		echo_to_the_end(r, client, i);
		what = rig_record(r, i);
		expect_named(what);
		assert_true(addr_equal(&what.local, &r->front) ||
			    r->row->client_family == AF_UNIX);
		assert_int_equal(what.up, SOME);
		assert_int_equal(what.down, SOME);
	}
	rig_stop(r);
}

static void a_header_may_come_byte_by_byte(void **state)
{
	struct rig *r = trusting(*state);

	rig_start(r);
	for (size_t i = 0; i < HEADERS; i++) {
		int client = rig_connect(r);

		for (size_t at = 0; at < headers[i].n; at++) {
			put(client, headers[i].bytes + at, 1);
			assert_int_equal(peer_flush(client), 0);
			/* So that it is read by itself. */
			rig_cost(r);
		}
		assert_int_equal(peer_send(client, i, 0, SOME), 0);
		echo_to_the_end(r, client, i);
		expect_named(rig_record(r, i));
	}
	rig_stop(r);
}

/* In one write with the first bytes, and cut at each place. */
static void nothing_of_what_follows_a_header_is_lost(void **state)
{
	struct rig *r = trusting(*state);
	size_t records = 0;

	rig_start(r);
	for (size_t i = 0; i < HEADERS; i++) {
		for (size_t cut = 0; cut < headers[i].n; cut += 5) {
			int client = rig_connect(r), backend;
			char both[256];
			size_t n = headers[i].n + 7;

			memcpy(both, headers[i].bytes, headers[i].n);
			memcpy(both + headers[i].n, "PROXY \r", 7);
			put(client, both, cut);
			assert_int_equal(peer_flush(client), 0);
			rig_cost(r);
			put(client, both + cut, n - cut);
			shutdown(client, SHUT_WR);
			backend = rig_accept(r);
			expect(backend, "PROXY \r", 7);
			assert_int_equal(peer_end(backend), 0);
			close(backend);
			assert_int_equal(peer_end(client), 0);
			close(client);
			assert_int_equal(rig_record(r, records++).up, 7);
		}
	}
	rig_stop(r);
}

static void what_stands_behind_the_addresses_is_skipped(void **state)
{
	struct rig *r = trusting(*state);
	char header[16 << 10] = SIGNATURE "\x21\x11\x3f\xf0\xc0\0\x02\x07"
					  "\xc6\x33\x64\x01\x12\x67\0\x50";
	int client;

	rig_start(r);
	client = rig_connect(r);
	put(client, header, 1000);
	assert_int_equal(peer_flush(client), 0);
	rig_cost(r);
	put(client, header + 1000, sizeof(header) - 1000);
	assert_int_equal(peer_send(client, 1, 0, SOME), 0);
	echo_to_the_end(r, client, 1);
	expect_named(rig_record(r, 0));
	rig_stop(r);
}

static void a_header_that_names_nobody_leaves_the_client(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
	} rows[] = {
		{BYTES("PROXY UNKNOWN\r\n")},
		{BYTES("PROXY UNKNOWN 1.2.3.4 5.6.7.8 1 2\r\n")},
		{BYTES(SIGNATURE "\x20\0\0\0")},
		{BYTES(SIGNATURE "\x20\x11\0\x0c\x01\x02\x03\x04"
				 "\x05\x06\x07\x08\0\x01\0\x02")},
		{BYTES(SIGNATURE "\x21\0\0\0")},
	};
	struct rig *r = trusting(*state);

	rig_start(r);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int client = rig_connect(r);
		struct addr mine;
		struct record what;

		assert_int_equal(sock_local(client, &mine), 0);
		put(client, rows[i].bytes, rows[i].n);
		assert_int_equal(peer_send(client, i, 0, SOME), 0);
		echo_to_the_end(r, client, i);
		what = rig_record(r, i);
		expect_reason(&what, CLOSE_DONE);
		assert_true(addr_equal(&what.client, &mine));
	}
	rig_stop(r);
}

/* The header's client may be of another family than the socket, and what the
 * one allows the other does not: a reset overtakes bytes on TCP. */
static void the_socket_stays_what_it_is(void **state)
{
	static const char of_unix[PROXY_ROOM] = SIGNATURE "\x21\x31\0\xd8";
	const struct row *row = *state;
	/* More than a TCP reader's system takes unread; what a Unix one does. */
	const size_t sent = is_client_ip(row) ? 512 << 10 : 64 << 10;
	const char *bytes = is_client_ip(row) ? of_unix : v2_header;
	size_t n = is_client_ip(row) ? PROXY_ROOM : sizeof(v2_header) - 1;
	struct rig *r;
	struct record what;
	int client, backend;

	if (row->backend_family == AF_UNIX)
		FLOW_SKIP("a Unix socket has no reset");
	r = trusting(row);
	rig_start(r);
	client = rig_connect(r);
	put(client, bytes, n);
	backend = rig_accept(r);
	assert_int_equal(peer_send(backend, 8, 0, sent), 0);
	assert_int_equal(peer_flush(backend), 0);
	peer_reset(backend);
	rig_wait_ms(50);
	assert_int_equal(peer_take(client, 8, 0, sent), 0);
	rig_expect_refused(r, client);
	what = rig_record(r, 0);
	expect_reason(&what, CLOSE_BACKEND_RESET);
	expect_addr(&what.client,
		    is_client_ip(row) ? "unix:-" : "192.0.2.7:4711");
	rig_stop(r);
}

static void what_a_front_says_is_passed_on(void **state)
{
	struct rig *r = trusting(*state);

	r->route.send_proxy = PROXY_V2;
	rig_start(r);
	for (size_t i = 0; i < HEADERS; i++) {
		int client = rig_connect(r), backend;

		put(client, headers[i].bytes, headers[i].n);
		backend = rig_accept(r);
		expect(backend, v2_header, sizeof(v2_header) - 1);
		assert_int_equal(peer_send(client, i, 0, SOME), 0);
		assert_int_equal(peer_take(backend, i, 0, SOME), 0);
		close(client);
		close(backend);
	}
	rig_stop(r);
}

static void a_malformed_header_is_reset_and_counted(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
	} rows[] = {
		{BYTES("GET / HTTP/1.0\r\n\r\n")},
		{BYTES("PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n")},
		{BYTES("PROXY TCP4 1.2.3.256 5.6.7.8 1 2\r\nhello")},
		{BYTES(SIGNATURE "\x31\x11\0\x0c")},
		{BYTES(SIGNATURE "\x21\x11\0\x0b")},
		{BYTES(SIGNATURE "\x21\x11\xff\xff")},
	};
	enum { ROWS = sizeof(rows) / sizeof(rows[0]) };
	const struct row *row = *state;
	struct rig *r = trusting(row);

	rig_start(r);
	for (size_t i = 0; i < ROWS; i++) {
		int client = rig_connect(r);
		struct addr mine;
		struct record what;

		assert_int_equal(sock_local(client, &mine), 0);
		put(client, rows[i].bytes, rows[i].n);
		rig_expect_refused(r, client);
		what = rig_record(r, i);
		expect_reason(&what, CLOSE_BAD_HEADER);
		assert_int_equal(what.error, -EPROTO);
		assert_true(addr_equal(&what.client, &mine));
		assert_int_equal(what.backend.family, AF_UNSPEC);
	}
	assert_int_equal(rig_stats(r).ended[CLOSE_BAD_HEADER], ROWS);
	assert_int_equal(rig_stats(r).open, 0);
	rig_stop(r);
}

static void a_front_that_breaks_off_is_no_client(void **state)
{
	const struct row *row = *state;
	struct rig *r = trusting(row);
	struct record what;
	int client;

	rig_start(r);
	/* Within the header. */
	client = rig_connect(r);
	put(client, v1_header, 20);
	shutdown(client, SHUT_WR);
	rig_expect_refused(r, client);
	what = rig_record(r, 0);
	expect_reason(&what, CLOSE_BAD_HEADER);
	/* Within what is skipped. */
	client = rig_connect(r);
	put(client, BYTES(SIGNATURE "\x20\0\0\x08zzz"));
	shutdown(client, SHUT_WR);
	rig_expect_refused(r, client);
	what = rig_record(r, 1);
	expect_reason(&what, CLOSE_BAD_HEADER);
	/* Before it: a check whether someone listens. */
	client = rig_connect(r);
	shutdown(client, SHUT_WR);
	assert_int_equal(peer_end(client), 0);
	close(client);
	what = rig_record(r, 2);
	expect_reason(&what, CLOSE_DONE);
	assert_int_equal(what.error, 0);
	rig_stop(r);
}

/* The front sends so much of a header, and resets. */
static void expect_reset_heard(const struct row *row, const void *bytes,
			       size_t n)
{
	struct rig *r;
	struct record what;
	int client;

	if (row->client_family == AF_UNIX)
		FLOW_SKIP("a Unix socket has no reset");
	r = trusting(row);
	rig_start(r);
	client = rig_connect(r);
	put(client, bytes, n);
	assert_int_equal(peer_flush(client), 0);
	rig_cost(r);
	peer_reset(client);
	what = rig_record(r, 0);
	expect_reason(&what, CLOSE_CLIENT_RESET);
	rig_stop(r);
}

static void a_front_that_resets_is_heard(void **state)
{
	expect_reset_heard(*state, v1_header, 20);
}

static void a_front_that_resets_within_what_is_skipped_is_heard(void **state)
{
	static const char header[1000] =
		SIGNATURE "\x21\x11\x3f\xf0\xc0\0\x02\x07"
			  "\xc6\x33\x64\x01\x12\x67\0\x50";

	expect_reset_heard(*state, header, sizeof(header));
}

static void a_header_that_does_not_come_is_not_waited_for(void **state)
{
	const struct row *row = *state;
	struct rig *r = trusting(row);
	int silent, slow;

	r->route.proxy_timeout_ms = SOON_MS;
	rig_start(r);
	silent = rig_connect(r);
	slow = rig_connect(r);
	put(slow, v2_header, 27);
	rig_expect_refused(r, silent);
	rig_expect_refused(r, slow);
	for (size_t i = 0; i < 2; i++) {
		struct record what = rig_record(r, i);

		expect_reason(&what, CLOSE_BAD_HEADER);
		assert_int_equal(what.error, -ETIMEDOUT);
		assert_in_range(what.duration_ms, SOON_MS, PEER_PATIENCE_MS);
	}
	rig_stop(r);
}

/* The deadline is the header's, not the connection's. */
static void a_header_in_time_has_no_deadline_any_more(void **state)
{
	struct rig *r = trusting(*state);
	int client, backend;

	r->route.proxy_timeout_ms = SOON_MS;
	rig_start(r);
	client = rig_connect(r);
	put(client, v1_header, sizeof(v1_header) - 1);
	backend = rig_accept(r);
	rig_wait_ms(2 * SOON_MS);
	assert_int_equal(rig_records(r), 0);
	assert_int_equal(peer_send(client, 1, 0, SOME), 0);
	assert_int_equal(peer_take(backend, 1, 0, SOME), 0);
	close(client);
	close(backend);
	rig_stop(r);
}

static void bytes_of_who_is_not_trusted_are_just_bytes(void **state)
{
	const struct row *row = *state;
	struct rig *r = rig_new(row);
	/* All but whoever comes. */
	struct cidr others[2];

	assert_int_equal(cidr_parse(&others[0], "127.1.0.0/16"), 0);
	assert_int_equal(cidr_parse(&others[1], "fd00::/8"), 0);
	r->route.fronts = others;
	r->route.front_count = 2;
	r->route.unix_fronts = is_client_ip(row);
	rig_start(r);
	for (size_t i = 0; i < HEADERS; i++) {
		int client = rig_connect(r), backend;
		struct addr mine;
		struct record what;

		assert_int_equal(sock_local(client, &mine), 0);
		put(client, headers[i].bytes, headers[i].n);
		shutdown(client, SHUT_WR);
		backend = rig_accept(r);
		expect(backend, headers[i].bytes, headers[i].n);
		assert_int_equal(peer_end(backend), 0);
		close(backend);
		assert_int_equal(peer_end(client), 0);
		close(client);
		what = rig_record(r, i);
		assert_true(addr_equal(&what.client, &mine));
		assert_int_equal(what.up, headers[i].n);
	}
	rig_stop(r);
}

static void who_is_still_awaited_is_reset_at_the_end(void **state)
{
	const struct row *row = *state;
	struct rig *r = trusting(row);
	struct record what;
	int client;

	rig_start(r);
	client = rig_connect(r);
	put(client, v1_header, 20);
	assert_int_equal(peer_flush(client), 0);
	while (rig_stats(r).open == 0)
		rig_wait_ms(1);
	rig_drain(r, 0);
	rig_expect_refused(r, client);
	what = rig_record(r, 0);
	expect_reason(&what, CLOSE_SHUTDOWN);
	rig_drained(r);
	rig_stop(r);
}

int main(void)
{
	static const struct flow_case cases[] = {
		FLOW_CASE(backends_are_told_of_the_client_before_its_bytes),
		FLOW_CASE(a_server_that_speaks_first_gets_its_header_at_once),
		FLOW_CASE(header_and_first_bytes_are_one_segment),
		FLOW_CASE(a_client_that_only_ends_is_told_of_too),
		FLOW_CASE(the_client_is_whom_the_header_names),
		FLOW_CASE(a_header_may_come_byte_by_byte),
		FLOW_CASE(nothing_of_what_follows_a_header_is_lost),
		FLOW_CASE(what_stands_behind_the_addresses_is_skipped),
		FLOW_CASE(a_header_that_names_nobody_leaves_the_client),
		FLOW_CASE(the_socket_stays_what_it_is),
		FLOW_CASE(what_a_front_says_is_passed_on),
		FLOW_CASE(a_malformed_header_is_reset_and_counted),
		FLOW_CASE(a_front_that_breaks_off_is_no_client),
		FLOW_CASE(a_front_that_resets_is_heard),
		FLOW_CASE(a_front_that_resets_within_what_is_skipped_is_heard),
		FLOW_CASE_SIDE_BY_SIDE(
			a_header_that_does_not_come_is_not_waited_for),
		FLOW_CASE_SIDE_BY_SIDE(
			a_header_in_time_has_no_deadline_any_more),
		FLOW_CASE(bytes_of_who_is_not_trusted_are_just_bytes),
		FLOW_CASE(who_is_still_awaited_is_reset_at_the_end),
	};

	return FLOW_RUN("proxy", cases);
}

#include "base/proxy.h"

#include "support/unit.h"

#include <stdio.h>
#include <stdlib.h>

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"

/* Of a string literal, with the zeros in it and without its end. */
#define BYTES(literal) (literal), sizeof(literal) - 1

static struct addr at(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(&a, text), 0);
	return a;
}

static void assert_addr(const struct addr *a, const char *text)
{
	char said[ADDR_TEXT];

	assert_string_equal(addr_print(a, said), text);
}

/* In memory of exactly n bytes, so that a byte too far is found. */
static enum proxy_verdict parse(const void *bytes, size_t n,
				struct proxy_header *out, size_t *length)
{
	void *exact = malloc(n > 0 ? n : 1);
	enum proxy_verdict verdict;

	memcpy(exact, bytes, n);
	verdict = proxy_parse(exact, n, out, length);
	free(exact);
	return verdict;
}

struct example {
	const char *bytes;
	size_t n;
	const char *client, *local; /* as addr_print() has them */
};

static const struct example examples[] = {
	/* Those of the specification, 2.1. */
	{BYTES("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n"),
	 "255.255.255.255:65535", "255.255.255.255:65535"},
	{BYTES("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
	       "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"),
	 "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
	 "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"},
	{BYTES("PROXY UNKNOWN\r\n"), "-", "-"},
	{BYTES("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
	       "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"),
	 "-", "-"},
	{BYTES("PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n"),
	 "192.168.0.1:56324", "192.168.0.11:443"},
	{BYTES("PROXY TCP6 2001:DB8::1 ::1 0 1\r\n"), "[2001:db8::1]:0",
	 "[::1]:1"},
	{BYTES("PROXY TCP6 ::ffff:1.2.3.4 ::1 5 6\r\n"), "1.2.3.4:5",
	 "[::1]:6"},
	{BYTES("PROXY UNKNOWN \0\x01 whatever\r\n"), "-", "-"},
	/* 2.2 */
	{BYTES(SIGNATURE "\x21\x11\0\x0c\xc0\0\x02\x07\x7f\0\0\x01"
			 "\xc3\xc0\0\x50"),
	 "192.0.2.7:50112", "127.0.0.1:80"},
	{BYTES(SIGNATURE "\x21\x21\0\x24"
			 "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07"
			 "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01"
			 "\xc3\xc0\0\x50"),
	 "[2001:db8::7]:50112", "[::1]:80"},
	{BYTES(SIGNATURE "\x20\0\0\0"), "-", "-"},
	/* LOCAL: family and block are ignored. */
	{BYTES(SIGNATURE "\x20\x11\0\x0c\x01\x02\x03\x04\x05\x06\x07\x08"
			 "\0\x01\0\x02"),
	 "-", "-"},
	{BYTES(SIGNATURE "\x20\xff\0\x02zz"), "-", "-"},
	/* No stream, or nothing that is specified. */
	{BYTES(SIGNATURE "\x21\0\0\0"), "-", "-"},
	{BYTES(SIGNATURE "\x21\0\0\x03zzz"), "-", "-"},
	{BYTES(SIGNATURE "\x21\x12\0\x0c\x01\x02\x03\x04\x05\x06\x07\x08"
			 "\0\x01\0\x02"),
	 "-", "-"},
	/* A TLV (PP2_TYPE_NOOP) behind the addresses. */
	{BYTES(SIGNATURE "\x21\x11\0\x11\x01\x02\x03\x04\x05\x06\x07\x08"
			 "\0\x01\0\x02\x04\0\x02zz"),
	 "1.2.3.4:1", "5.6.7.8:2"},
};

static void what_the_specification_shows_is_understood(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(examples); i++) {
		const struct example *e = &examples[i];
		struct proxy_header h;
		size_t length = 0;

		assert_int_equal(parse(e->bytes, e->n, &h, &length),
				 PROXY_DONE);
		assert_int_equal(length, e->n);
		assert_addr(&h.client, e->client);
		assert_addr(&h.local, e->local);
	}
}

static void what_follows_a_header_is_not_looked_at(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(examples); i++) {
		const struct example *e = &examples[i];
		char more[PROXY_ROOM + 8];
		struct proxy_header h;
		size_t length = 0;

		memcpy(more, e->bytes, e->n);
		memcpy(more + e->n, "\r\n\r\nPROX", 8);
		assert_int_equal(parse(more, e->n + 8, &h, &length),
				 PROXY_DONE);
		assert_int_equal(length, e->n);
		assert_addr(&h.client, e->client);
	}
}

static void each_beginning_of_a_header_needs_more(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(examples); i++) {
		const struct example *e = &examples[i];

		for (size_t n = 0; n < e->n; n++) {
			struct proxy_header h;
			size_t length = 0;
			enum proxy_verdict v = parse(e->bytes, n, &h, &length);

			/* Of version 2 what is to be skipped need not be
			 * there. */
			if (v == PROXY_DONE)
				assert_int_equal(length, e->n);
			else
				assert_int_equal(v, PROXY_NEED_MORE);
			if (e->bytes[0] == 'P')
				assert_int_equal(v, PROXY_NEED_MORE);
		}
	}
}

static void a_unix_client_has_no_path(void **state)
{
	char bytes[PROXY_ROOM] = SIGNATURE "\x21\x31\0\xd8/run/front.sock";
	struct proxy_header h;
	size_t length = 0;

	(void)state;
	assert_int_equal(parse(bytes, sizeof(bytes) - 1, &h, &length),
			 PROXY_NEED_MORE);
	assert_int_equal(parse(bytes, sizeof(bytes), &h, &length), PROXY_DONE);
	assert_int_equal(length, PROXY_ROOM);
	assert_addr(&h.client, "unix:-");
	assert_addr(&h.local, "unix:-");
}

static void what_is_malformed_is_not_guessed_at(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
	} rows[] = {
		/* No header at all. */
		{BYTES("GET / HTTP/1.1\r\n\r\n")},
		{BYTES("\0")},
		{BYTES("\x16\x03\x01")},
		{BYTES("\r\n\r\n\0\r\nQUIX")},
		{BYTES("proxy TCP4 1.2.3.4 5.6.7.8 1 2\r\n")},
		{BYTES(" PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n")},
		{BYTES("PROXY\r\n")},
		{BYTES("PROXYTCP4 1.2.3.4 5.6.7.8 1 2\r\n")},
		/* Ends of the line. */
		{BYTES("PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n")},
		{BYTES("PROXY TCP4 1.2.3.4 5.6.7.8 1 2\rX")},
		{BYTES("PROXY UNKNOWN\n")},
		{BYTES("PROXY UNKNOWN a\rb\r\n")},
		/* Words. */
		{BYTES("PROXY \r\n")},
		{BYTES("PROXY TCP4\r\n")},
		{BYTES("PROXY TCP4 \r\n")},
		{BYTES("PROXY TCP5 1.2.3.4 5.6.7.8 1 2\r\n")},
		{BYTES("PROXY UDP4 1.2.3.4 5.6.7.8 1 2\r\n")},
		{BYTES("PROXY tcp4 1.2.3.4 5.6.7.8 1 2\r\n")},
		{BYTES("PROXY UNKNOWNS\r\n")},
		{BYTES("PROXY  TCP4 1.2.3.4 5.6.7.8 1 2\r\n")},
		{BYTES("PROXY TCP4  1.2.3.4 5.6.7.8 1 2\r\n")},
		{BYTES("PROXY TCP4 1.2.3.4 5.6.7.8 1 2 \r\n")},
		{BYTES("PROXY TCP4 1.2.3.4 5.6.7.8 1 2 3\r\n")},
		{BYTES("PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n")},
		{BYTES("PROXY TCP4\t1.2.3.4 5.6.7.8 1 2\r\n")},
		{BYTES("PROXY TCP4 1.2.3.4 5.6.7.8 1 2\0\r\n")},
		{BYTES("PROXY UNKNOWN\0\r\n")},
		/* Addresses. */
		{BYTES("PROXY TCP4 1.2.3 5.6.7.8 1 2\r\n")},
		{BYTES("PROXY TCP4 1.2.3.256 5.6.7.8 1 2\r\n")},
		{BYTES("PROXY TCP4 1.2.3.04 5.6.7.8 1 2\r\n")},
		{BYTES("PROXY TCP4 localhost 5.6.7.8 1 2\r\n")},
		{BYTES("PROXY TCP4 ::1 ::1 1 2\r\n")},
		{BYTES("PROXY TCP4 1.2.3.4 ::1 1 2\r\n")},
		{BYTES("PROXY TCP6 1.2.3.4 5.6.7.8 1 2\r\n")},
		{BYTES("PROXY TCP6 ::1::2 ::1 1 2\r\n")},
		{BYTES("PROXY TCP6 fe80::1%1 ::1 1 2\r\n")},
		{BYTES("PROXY TCP6 [::1] ::1 1 2\r\n")},
		/* Ports. */
		{BYTES("PROXY TCP4 1.2.3.4 5.6.7.8 65536 2\r\n")},
		{BYTES("PROXY TCP4 1.2.3.4 5.6.7.8 1 65536\r\n")},
		{BYTES("PROXY TCP4 1.2.3.4 5.6.7.8 -1 2\r\n")},
		{BYTES("PROXY TCP4 1.2.3.4 5.6.7.8 +1 2\r\n")},
		{BYTES("PROXY TCP4 1.2.3.4 5.6.7.8 01 2\r\n")},
		{BYTES("PROXY TCP4 1.2.3.4 5.6.7.8 0x1 2\r\n")},
		{BYTES("PROXY TCP4 1.2.3.4 5.6.7.8  2\r\n")},
		/* Version 2: another version, another command; families and
		 * transports that are none or do not belong together. */
		{BYTES(SIGNATURE "\x11\x11\0\x0c")},
		{BYTES(SIGNATURE "\x31\x11\0\x0c")},
		{BYTES(SIGNATURE "\x22\x11\0\x0c")},
		{BYTES(SIGNATURE "\x2f")},
		{BYTES(SIGNATURE "\x21\x41\0\x0c")},
		{BYTES(SIGNATURE "\x21\x13\0\x0c")},
		{BYTES(SIGNATURE "\x21\x10\0\x0c")},
		{BYTES(SIGNATURE "\x21\x01\0\0")},
		/* A block too short for its addresses. */
		{BYTES(SIGNATURE "\x21\x11\0\x0b")},
		{BYTES(SIGNATURE "\x21\x11\0\0")},
		{BYTES(SIGNATURE "\x21\x21\0\x23")},
		{BYTES(SIGNATURE "\x21\x31\0\xd7")},
		{BYTES(SIGNATURE "\x21\x12\0\x0b")},
		/* Longer than anyone sends: 16 + 0x3ff1 is a byte too much. */
		{BYTES(SIGNATURE "\x21\x11\x3f\xf1")},
		{BYTES(SIGNATURE "\x20\0\xff\xff")},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct proxy_header h;
		size_t length;

		if (parse(rows[i].bytes, rows[i].n, &h, &length) !=
		    PROXY_MALFORMED)
			fail_msg("taken: %s", rows[i].bytes);
	}
}

/* "PROXY UNKNOWN ", so many letters, CRLF. */
static enum proxy_verdict parse_long(size_t n, size_t ending)
{
	char line[PROXY_ROOM];
	struct proxy_header h;
	size_t length;

	memset(line, 'x', sizeof(line));
	memcpy(line, "PROXY UNKNOWN ", 14);
	memcpy(line + n - 2, "\r\n", 2);
	return parse(line, n - 2 + ending, &h, &length);
}

static void a_line_may_have_107_bytes_and_no_more(void **state)
{
	(void)state;
	assert_int_equal(parse_long(107, 0), PROXY_NEED_MORE);
	assert_int_equal(parse_long(107, 1), PROXY_NEED_MORE);
	assert_int_equal(parse_long(107, 2), PROXY_DONE);
	assert_int_equal(parse_long(108, 1), PROXY_MALFORMED);
	assert_int_equal(parse_long(108, 2), PROXY_MALFORMED);
	assert_int_equal(parse_long(PROXY_ROOM, 0), PROXY_MALFORMED);
}

static void a_long_header_of_version_2_is_told_before_it_is_there(void **state)
{
	struct proxy_header h;
	size_t length = 0;

	(void)state;
	assert_int_equal(parse(BYTES(SIGNATURE
				     "\x21\x11\x3f\xf0\x01\x02\x03\x04\x05\x06"
				     "\x07\x08\0\x01\0\x02"),
			       &h, &length),
			 PROXY_DONE);
	assert_int_equal(length, PROXY_V2_MOST);
	assert_addr(&h.client, "1.2.3.4:1");
}

/* Whatever comes, PROXY_ROOM bytes of it are enough for a verdict. */
static void noise_gets_a_verdict(void **state)
{
	uint64_t seed = 7;

	(void)state;
	for (int round = 0; round < 200000; round++) {
		const struct example *e =
			&examples[(size_t)round % COUNT(examples)];
		uint8_t bytes[PROXY_ROOM];
		struct proxy_header h;
		size_t length = 0;

		for (size_t i = 0; i < sizeof(bytes); i++) {
			seed = seed * UINT64_C(6364136223846793005) + 1;
			bytes[i] = (uint8_t)(seed >> 56);
		}
		/* Headers with a byte or two that are wrong. */
		memcpy(bytes, e->bytes, e->n);
		bytes[(seed >> 32) % e->n] = (uint8_t)(seed >> 24);
		bytes[(seed >> 40) % e->n] ^= (uint8_t)(1 << (seed >> 61));
		if (parse(bytes, sizeof(bytes), &h, &length) == PROXY_DONE)
			assert_in_range(length, 15, PROXY_V2_MOST);
		else
			assert_int_equal(parse(bytes, sizeof(bytes), &h,
					       &length),
					 PROXY_MALFORMED);
	}
}

/* --- what is sent --- */

static void assert_sends(enum proxy_version version, const struct addr *client,
			 const struct addr *local, const char *bytes, size_t n)
{
	uint8_t out[PROXY_ROOM];

	assert_int_equal(proxy_print(out, version, client, local), n);
	assert_memory_equal(out, bytes, n);
}

static void a_header_tells_where_from_and_where_to(void **state)
{
	struct addr v4 = at("192.0.2.7:50112"), v4_to = at("127.0.0.1:80");
	struct addr v6 = at("[2001:db8::7]:50112"), v6_to = at("[::1]:80");

	(void)state;
	assert_sends(PROXY_V1, &v4, &v4_to,
		     BYTES("PROXY TCP4 192.0.2.7 127.0.0.1 50112 80\r\n"));
	assert_sends(PROXY_V1, &v6, &v6_to,
		     BYTES("PROXY TCP6 2001:db8::7 ::1 50112 80\r\n"));
	assert_sends(PROXY_V2, &v4, &v4_to,
		     BYTES(SIGNATURE "\x21\x11\0\x0c\xc0\0\x02\x07\x7f\0\0\x01"
				     "\xc3\xc0\0\x50"));
	assert_sends(PROXY_V2, &v6, &v6_to,
		     BYTES(SIGNATURE
			   "\x21\x21\0\x24"
			   "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07"
			   "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01"
			   "\xc3\xc0\0\x50"));
	assert_sends(PROXY_NONE, &v4, &v4_to, NULL, 0);
}

static void a_link_local_address_is_sent_without_its_zone(void **state)
{
	struct addr from = at("[fe80::1%3]:5"), to = at("[fe80::2%3]:80");

	(void)state;
	assert_sends(PROXY_V1, &from, &to,
		     BYTES("PROXY TCP6 fe80::1 fe80::2 5 80\r\n"));
}

static void two_families_become_ipv6(void **state)
{
	struct addr v4 = at("1.2.3.4:5"), v6 = at("[::1]:80");

	(void)state;
	assert_sends(PROXY_V1, &v4, &v6,
		     BYTES("PROXY TCP6 ::ffff:1.2.3.4 ::1 5 80\r\n"));
	assert_sends(PROXY_V2, &v6, &v4,
		     BYTES(SIGNATURE
			   "\x21\x21\0\x24"
			   "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01"
			   "\0\0\0\0\0\0\0\0\0\0\xff\xff\x01\x02\x03\x04"
			   "\0\x50\0\x05"));
}

static void a_unix_client_is_unknown_or_local(void **state)
{
	struct addr unnamed = {.family = AF_UNIX};
	struct addr named = {.family = AF_UNIX, .path = "/run/web.sock"};
	struct addr none = {.family = AF_UNSPEC}, v4 = at("1.2.3.4:5");

	(void)state;
	assert_sends(PROXY_V1, &unnamed, &named, BYTES("PROXY UNKNOWN\r\n"));
	assert_sends(PROXY_V2, &unnamed, &named, BYTES(SIGNATURE "\x20\0\0\0"));
	assert_sends(PROXY_V1, &v4, &none, BYTES("PROXY UNKNOWN\r\n"));
	assert_sends(PROXY_V2, &none, &v4, BYTES(SIGNATURE "\x20\0\0\0"));
}

static void what_is_sent_is_understood(void **state)
{
	static const char *const rows[][2] = {
		{"1.2.3.4:5", "0.0.0.0:65535"},
		{"[::]:0", "[2001:db8:1:2:3:4:5:6]:443"},
		{"255.255.255.255:65535", "127.0.0.1:0"},
	};

	(void)state;
	for (int version = PROXY_V1; version <= PROXY_V2; version++) {
		for (size_t i = 0; i < COUNT(rows); i++) {
			struct addr from = at(rows[i][0]), to = at(rows[i][1]);
			uint8_t out[PROXY_ROOM];
			struct proxy_header h;
			size_t length = 0,
			       n = proxy_print(out, (enum proxy_version)version,
					       &from, &to);

			assert_int_equal(parse(out, n, &h, &length),
					 PROXY_DONE);
			assert_int_equal(length, n);
			assert_addr(&h.client, rows[i][0]);
			assert_addr(&h.local, rows[i][1]);
		}
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_specification_shows_is_understood),
		cmocka_unit_test(what_follows_a_header_is_not_looked_at),
		cmocka_unit_test(each_beginning_of_a_header_needs_more),
		cmocka_unit_test(a_unix_client_has_no_path),
		cmocka_unit_test(what_is_malformed_is_not_guessed_at),
		cmocka_unit_test(a_line_may_have_107_bytes_and_no_more),
		cmocka_unit_test(
			a_long_header_of_version_2_is_told_before_it_is_there),
		cmocka_unit_test(noise_gets_a_verdict),
		cmocka_unit_test(a_header_tells_where_from_and_where_to),
		cmocka_unit_test(a_link_local_address_is_sent_without_its_zone),
		cmocka_unit_test(two_families_become_ipv6),
		cmocka_unit_test(a_unix_client_is_unknown_or_local),
		cmocka_unit_test(what_is_sent_is_understood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "base/cidr.h"

#include "support/unit.h"

#include <errno.h>

static struct cidr net(const char *text)
{
	struct cidr c;

	if (cidr_parse(&c, text) < 0)
		fail_msg("\"%s\" was refused", text);
	return c;
}

static struct addr ip(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse_ip(&a, text), 0);
	return a;
}

static void what_is_read_is_printed_alike(void **state)
{
	static const char *const rows[][2] = {
		{"10.0.0.0/8", "10.0.0.0/8"},
		{"0.0.0.0/0", "0.0.0.0/0"},
		{"127.0.0.1", "127.0.0.1"},
		{"127.0.0.1/32", "127.0.0.1"},
		{"10.1.2.254/31", "10.1.2.254/31"},
		{"128.0.0.0/1", "128.0.0.0/1"},
		{"fd00::/8", "fd00::/8"},
		{"::/0", "::/0"},
		{"::1", "::1"},
		{"2001:db8:0:8000::/49", "2001:db8:0:8000::/49"},
		{"2001:DB8::1/128", "2001:db8::1"},
		{"::ffff:10.0.0.0/104", "10.0.0.0/8"},
		{"::ffff:0:0/96", "0.0.0.0/0"},
		{"::ffff:10.1.2.3", "10.1.2.3"},
		{"fe80::1%7", "fe80::1%7"},
		{"fe80::%7/64", "fe80::%7/64"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct cidr c = net(rows[i][0]);
		char text[ADDR_TEXT];

		assert_string_equal(cidr_print(&c, text), rows[i][1]);
	}
}

static void what_is_no_network_is_explained(void **state)
{
	static const char *const rows[][2] = {
		{"10.0.0.1/8", "try 10.0.0.0/8, or 10.0.0.1 for that one"},
		{"10.0.0.128/24", "try 10.0.0.0/24"},
		{"128.0.0.0/0", "try 0.0.0.0/0"},
		{"fd00::1/8", "try fd00::/8, or fd00::1 for that one"},
		{"::ffff:10.0.0.1/104", "try 10.0.0.0/8"},
		{"10.0.0.0/33", "0 to 32 bits"},
		{"fd00::/129", "0 to 128 bits"},
		{"10.0.0.0/", "\"\" is not a prefix of an IPv4 address"},
		{"10.0.0.0/-1", "\"-1\" is not a prefix"},
		{"10.0.0.0/8 ", "\"8 \" is not a prefix"},
		{"10.0.0.0/8/8", "\"8/8\" is not a prefix"},
		{"10.0.0.0/99999999999999999999", "is not a prefix"},
		{"10.0.0.0/255.0.0.0", "try 10.0.0.0/8"},
		{"10.1.2.3/255.255.255.255", "try 10.1.2.3"},
		{"10.0.0.0/255.0.255.0", "\"255.0.255.0\" is not a prefix"},
		{"::ffff:10.0.0.0/8", "try 10.0.0.0/8"},
		{"::ffff:0.0.0.0/95", "is not a prefix"},
		{"10.0.0.1:80", "has no port (try 10.0.0.1)"},
		{"[::1]:80", "has no port (try ::1)"},
		{"10/8", "neither a network nor an address"},
		{"10.0.0/24", "try 10.0.0.0/8, fd00::/8"},
		{"localhost", "neither a network nor an address"},
		{"all", "for everyone, 0.0.0.0/0 and ::/0"},
		{"*", "for everyone"},
		{"", "neither a network nor an address"},
		{"/8", "neither a network nor an address"},
		{" 10.0.0.0/8", "neither a network nor an address"},
		{"unix:/run/x", "neither a network nor an address"},
	};
	struct cidr untouched = net("192.0.2.0/24"), c = untouched;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct fault why;

		assert_int_equal(cidr_parse(&c, rows[i][0]), -EINVAL);
		assert_int_equal(cidr_explain(rows[i][0], &why), -EINVAL);
		assert_says(why.text, rows[i][0]);
		assert_says(why.text, rows[i][1]);
	}
	assert_memory_equal(&c, &untouched, sizeof(c));
}

static void text_of_any_length_is_refused(void **state)
{
	char text[600];
	struct fault why;
	struct cidr c;

	(void)state;
	memset(text, '1', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(cidr_parse(&c, text), -EINVAL);
	assert_int_equal(cidr_explain(text, &why), -EINVAL);
	text[300] = '/';
	assert_int_equal(cidr_parse(&c, text), -EINVAL);
	assert_int_equal(cidr_explain(text, &why), -EINVAL);
}

static void a_network_ends_at_its_last_bit(void **state)
{
	static const struct {
		const char *net, *in, *out;
	} rows[] = {
		{"10.0.0.0/8", "10.255.255.255", "11.0.0.0"},
		{"10.0.0.0/8", "10.0.0.0", "9.255.255.255"},
		{"10.1.2.0/23", "10.1.3.255", "10.1.4.0"},
		{"10.1.2.4/30", "10.1.2.7", "10.1.2.8"},
		{"10.1.2.3", "10.1.2.3", "10.1.2.2"},
		{"128.0.0.0/1", "255.255.255.255", "127.255.255.255"},
		{"0.0.0.0/0", "255.1.2.3", "::1"},
		{"::/0", "ffff::", "10.0.0.1"},
		{"0.0.0.0/0", "::ffff:1.2.3.4", "::"},
		{"2001:db8:0:8000::/49", "2001:db8:0:ffff::1",
		 "2001:db8:0:7fff::1"},
		{"fd00::/8", "fdff:ffff::1", "fe00::"},
		{"::1", "::1", "::"},
		{"fe80::/10", "fe80::1%3", "fec0::1"},
		{"fe80::%3/64", "fe80::1%3", "fe80::1%4"},
		{"fe80::%3/64", "fe80::2%3", "fe80::1"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct cidr c = net(rows[i].net);
		struct addr in = ip(rows[i].in), out = ip(rows[i].out);

		if (!cidr_contains(&c, &in))
			fail_msg("%s is not in %s", rows[i].in, rows[i].net);
		if (cidr_contains(&c, &out))
			fail_msg("%s is in %s", rows[i].out, rows[i].net);
		in.port = 4711;
		assert_true(cidr_contains(&c, &in));
	}
}

/* Bit by bit, as slowly as it can be done. */
static bool shares(const struct addr *a, const struct addr *b, unsigned bits)
{
	for (unsigned i = 0; i < bits; i++)
		if ((a->ip[i / 8] ^ b->ip[i / 8]) & (0x80 >> i % 8))
			return false;
	return true;
}

static void every_prefix_length_is_right(void **state)
{
	struct cidr all = net("::/0");
	struct addr ones = ip("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");

	(void)state;
	for (unsigned bits = 0; bits <= 128; bits++) {
		struct cidr c = all;

		c.bits = bits;
		for (unsigned i = 0; i < bits; i++)
			c.base.ip[i / 8] |= (uint8_t)(0x80 >> i % 8);
		assert_true(cidr_contains(&c, &ones));
		for (unsigned i = 0; i < 128; i++) {
			struct addr a = ones;

			a.ip[i / 8] ^= (uint8_t)(0x80 >> i % 8);
			assert_int_equal(cidr_contains(&c, &a),
					 shares(&c.base, &a, bits));
		}
	}
}

static void a_unix_address_is_in_no_network(void **state)
{
	struct addr a = {.family = AF_UNIX}, none = {0};
	struct cidr v4 = net("0.0.0.0/0"), v6 = net("::/0"), odd = {.base = a};

	(void)state;
	assert_false(cidr_contains(&v4, &a));
	assert_false(cidr_contains(&v6, &a));
	assert_false(cidr_contains(&odd, &a));
	assert_false(cidr_contains(&v4, &none));
	assert_false(cidr_contains(&(struct cidr){0}, &none));
}

static void a_network_covers_its_parts_and_itself(void **state)
{
	struct cidr big = net("10.0.0.0/8"), part = net("10.1.0.0/16"),
		    other = net("11.0.0.0/16"), all = net("0.0.0.0/0"),
		    six = net("::/0"), one = net("fe80::%3/64"),
		    any = net("fe80::/64");

	(void)state;
	assert_true(cidr_covers(&big, &part));
	assert_true(cidr_covers(&big, &big));
	assert_false(cidr_covers(&part, &big));
	assert_false(cidr_covers(&big, &other));
	assert_true(cidr_covers(&all, &big));
	assert_false(cidr_covers(&six, &big));
	assert_true(cidr_covers(&any, &one));
	assert_false(cidr_covers(&one, &any));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_read_is_printed_alike),
		cmocka_unit_test(what_is_no_network_is_explained),
		cmocka_unit_test(text_of_any_length_is_refused),
		cmocka_unit_test(a_network_ends_at_its_last_bit),
		cmocka_unit_test(every_prefix_length_is_right),
		cmocka_unit_test(a_unix_address_is_in_no_network),
		cmocka_unit_test(a_network_covers_its_parts_and_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

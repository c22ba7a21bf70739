#include "config/spec.h"

#include "os/platform.h"
#include "support/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static struct listener_spec listener(const char *text)
{
	struct listener_spec spec;
	struct fault why;

	if (spec_parse_listener(&spec, text, &why) != 0)
		fail_msg("refused: %s", why.text);
	assert_string_equal(spec.text, text);
	assert_ptr_equal(spec.request.text, spec.text);
	return spec;
}

static const char *print(const struct addr *a)
{
	static char buf[ADDR_TEXT];

	return addr_print(a, buf);
}

static void an_address_is_one_that_we_bind(void **state)
{
	static const struct {
		const char *text, *addr;
		bool both;
	} rows[] = {
		{"127.0.0.1:80", "127.0.0.1:80", false},
		{"[::1]:80", "[::1]:80", false},
		{"0.0.0.0:80", "0.0.0.0:80", false},
		{"[::]:80", "[::]:80", false},
		{"*:80", "0.0.0.0:80", true},
		{"*:0", "0.0.0.0:0", true},
		{"127.0.0.1:0", "127.0.0.1:0", false},
		{"[::ffff:10.0.0.1]:80", "10.0.0.1:80", false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct listener_spec s = listener(rows[i].text);

		assert_string_equal(s.source->prefix, "");
		assert_string_equal(print(&s.request.addr), rows[i].addr);
		assert_int_equal(s.request.both_families, rows[i].both);
		spec_free_listener(&s);
	}
}

static void only_is_one_address_whose_clients_are_served(void **state)
{
	static const char *const addresses[] = {"127.0.0.1:80", "[::1]:443",
						"10.8.0.2:0"};

	(void)state;
	for (size_t i = 0; i < COUNT(addresses); i++) {
		struct listener_spec s;
		char text[64];

		snprintf(text, sizeof(text), "only:%s", addresses[i]);
		s = listener(text);
		assert_string_equal(s.source->prefix, "only");
		assert_string_equal(print(&s.request.addr), addresses[i]);
		assert_false(s.request.both_families);
		spec_free_listener(&s);
	}
}

static void an_interface_is_a_name_and_a_port(void **state)
{
	static const struct {
		const char *text, *source, *interface;
		bool link_local;
		unsigned port;
	} rows[] = {
		{"if:wg0:80", "if", "wg0", false, 80},
		{"if:utun4:443", "if", "utun4", false, 443},
		{"if:lo:0", "if", "lo", false, 0},
		{"if:wg0+ll:80", "if", "wg0", true, 80},
		{"if:eth0.100:80", "if", "eth0.100", false, 80},
		{"if:wg-home_15chars:1", "if", "wg-home_15chars", false, 1},
		{"systemd@if:wg0", "systemd", "wg0", false, 0},
		{"systemd:web@if:wg0", "systemd", "wg0", false, 0},
		{"systemd:web@if:wg0:80", "systemd", "wg0", false, 80},
		{"launchd:web@if:utun4+ll", "launchd", "utun4", true, 0},
		{"fd:3@if:wg0+ll:80", "fd", "wg0", true, 80},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct listener_spec s = listener(rows[i].text);

		assert_string_equal(s.source->prefix, rows[i].source);
		assert_string_equal(s.request.interface, rows[i].interface);
		assert_int_equal(s.request.link_local, rows[i].link_local);
		assert_int_equal(s.request.addr.family, AF_UNSPEC);
		assert_int_equal(s.request.addr.port, rows[i].port);
		spec_free_listener(&s);
	}
}

static void a_unix_path_is_all_that_follows(void **state)
{
	struct listener_spec s = listener("unix:/run/a@b:c/web sock");

	(void)state;
	assert_string_equal(s.source->prefix, "unix");
	assert_int_equal(s.request.addr.family, AF_UNIX);
	assert_string_equal(s.request.addr.path, "/run/a@b:c/web sock");
	spec_free_listener(&s);
}

static void what_is_handed_over_has_a_name_and_an_expectation(void **state)
{
	static const struct {
		const char *text, *prefix, *name, *addr;
		int fd;
	} rows[] = {
		{"systemd", "systemd", NULL, "-", 0},
		{"systemd:web", "systemd", "web", "-", 0},
		{"systemd@127.0.0.1:80", "systemd", NULL, "127.0.0.1:80", 0},
		{"systemd:web@[::1]:80", "systemd", "web", "[::1]:80", 0},
		{"systemd:a:b@0.0.0.0:1", "systemd", "a:b", "0.0.0.0:1", 0},
		{"launchd:web", "launchd", "web", "-", 0},
		{"launchd:web@127.0.0.1:80", "launchd", "web", "127.0.0.1:80",
		 0},
		{"launchd:web@unix:/run/x", "launchd", "web", "unix:/run/x", 0},
		{"fd:0", "fd", NULL, "-", 0},
		{"fd:3", "fd", NULL, "-", 3},
		{"fd:3@10.8.0.2:80", "fd", NULL, "10.8.0.2:80", 3},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct listener_spec s = listener(rows[i].text);

		assert_string_equal(s.source->prefix, rows[i].prefix);
		assert_string_equal(s.request.name ? s.request.name : "",
				    rows[i].name ? rows[i].name : "");
		assert_int_equal(!s.request.name, !rows[i].name);
		assert_string_equal(print(&s.request.addr), rows[i].addr);
		assert_int_equal(s.request.fd, rows[i].fd);
		assert_false(s.request.both_families);
		spec_free_listener(&s);
	}
}

/* A bad text, and what the message must say beside it. */
struct bad {
	const char *text, *word;
};

static void a_bad_listener_is_named_with_what_would_be_right(void **state)
{
	static const struct bad rows[] = {
		{"", "not a listener (try 127.0.0.1:80"},
		{"80", "127.0.0.1:80, or *:80"},
		{"*", "not a listener"},
		{"web", "not a listener"},
		{"localhost:80", "(try 127.0.0.1:80, and [::1]:80 beside it)"},
		{"web.example:80", "is a name"},
		{"wg9:81", "or if:wg9:81 for"},
		{"http://127.0.0.1:80", "is a URL"},
		{"127.0.0.1", "no port (try 127.0.0.1:80)"},
		{"::1", "no port (try [::1]:80)"},
		{"2001:db8::2:80:x", "brackets"},
		{"fe80::1%1:80", "brackets (try [fe80::1%1]:80)"},
		{"127.0.0.1:", "\"\" is not a port (1 to 65535)"},
		{"127.0.0.1:http", "\"http\" is not a port"},
		{"127.0.0.1:65536", "\"65536\" is not a port"},
		{"127.0.0.1:-80", "\"-80\" is not a port"},
		{"*:99999", "\"99999\" is not a port"},
		{"127.0.0.256:80", "not a listener"},
		{"127.0.0.1 :80", "not a listener"},
		{"unix", "wants /path"},
		{"unix:", "starts with /"},
		{"unix:web.sock", "starts with / (try unix:/"},
		{"unix@/run/x", "wants /path"},
		{"systemd:", "wants a name"},
		{"systemd:@127.0.0.1:80", "wants a name"},
		{"systemd@", "@127.0.0.1:80"},
		{"systemd@web", "\"web\" behind the @ is not ADDR:PORT"},
		{"systemd:web@127.0.0.1", "is not ADDR:PORT"},
		{"systemd:web@127.0.0.1:0", "is not ADDR:PORT"},
		{"systemd:web@*:80", "is not ADDR:PORT"},
		{"systemd:web@80", "is not ADDR:PORT"},
		{"systemd:web@unix:x", "starts with /"},
		{"systemdx", "not a listener"},
		{"Systemd", "not a listener"},
		{"launchd", "wants a name"},
		{"launchd:", "wants a name"},
		{"launchd@127.0.0.1:80", "wants a name"},
		{"fd", "number of a descriptor"},
		{"fd:", "number of a descriptor"},
		{"fd:x", "number of a descriptor"},
		{"fd:-1", "number of a descriptor"},
		{"fd:3x", "number of a descriptor"},
		{"fd:99999999999", "number of a descriptor"},
		{"fd:3@", "is not ADDR:PORT"},
		{"only", "wants one address and a port"},
		{"only:", "wants one address and a port"},
		{"only:80", "wants one address and a port"},
		{"only:127.0.0.1", "wants one address and a port"},
		{"only:*:80", "wants one address and a port"},
		{"only:0.0.0.0:80", "wants one address and a port"},
		{"only:[::]:80", "wants one address and a port"},
		{"only:localhost:80", "wants one address and a port"},
		{"only:127.0.0.1:80@127.0.0.1:80", "wants one address"},
		{"only:127.0.0.1:65536", "wants one address and a port"},
		{"if", "no port (try if:wg0:80)"},
		{"if:", "no port (try if:wg0:80)"},
		{"if:wg1", "no port (try if:wg1:80)"},
		{"if::80", "\"\" is not the name of an interface"},
		{"if:wg0:", "\"\" is not a port (1 to 65535)"},
		{"if:wg0:http", "\"http\" is not a port"},
		{"if:wg0:65536", "\"65536\" is not a port"},
		{"if:wg0:-80", "\"-80\" is not a port"},
		{"if:wg0+ll", "no port"},
		{"if:+ll:80", "only +ll is known"},
		{"if:wg0+LL:80", "only +ll is known"},
		{"if:wg0+:80", "only +ll is known"},
		{"if:wg0+ll+ll:80", "only +ll is known"},
		{"if:wg 0:80", "\"wg 0\" is not the name of an interface"},
		{"if:wg/0:80", "is not the name of an interface"},
		{"if:.:80", "is not the name of an interface"},
		{"if:..:80", "is not the name of an interface"},
		{"if:*:80", "is not the name of an interface"},
		{"if:wg0@10.8.0.2:80", "is not the name of an interface"},
		{"if:wg0:80:80", "is not the name of an interface"},
		{"if:sixteen-bytes-it:80", "at most 15 bytes"},
		{"if:10.8.0.2:80", "is an address, not an interface (try "
				   "10.8.0.2:80)"},
		{"if:[fd00::1]:80", "not an interface (try [fd00::1]:80)"},
		{"if:fd00::1:80", "not an interface (try [fd00::1]:80)"},
		{"systemd@if", "\"if\" behind the @ is not ADDR:PORT"},
		{"systemd@if:", "\"\" is not the name of an interface"},
		{"systemd@if:wg0:", "\"\" is not a port"},
		{"systemd@if:wg0:0", "\"0\" is not a port"},
		{"systemd@if:wg0+x", "only +ll is known"},
		{"systemd@if:10.8.0.2:80", "is an address, not an interface"},
		{"unix@if:wg0", "wants /path"},
		{"only:if:wg0:80", "wants one address and a port"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct listener_spec spec = {.name = NULL};
		char quoted[256];
		struct fault why;

		if (spec_parse_listener(&spec, rows[i].text, &why) != -EINVAL)
			fail_msg("\"%s\" was taken", rows[i].text);
		assert_null(spec.text);
		assert_says(why.text, rows[i].word);
		/* Of what stands behind the @, the part at fault will do. */
		snprintf(quoted, sizeof(quoted), "\"%s\"",
			 strstr(rows[i].text, "@unix")
				 ? strchr(rows[i].text, '@') + 1
				 : rows[i].text);
		assert_says(why.text, quoted);
	}
}

/* lo on Linux, lo0 on a Mac. */
static void an_interface_alone_is_told_how_it_is_meant(void **state)
{
	struct listener_spec spec;
	char text[64], hint[96];
	struct fault why;

	(void)state;
	snprintf(text, sizeof(text), "%s:80", platform_loopback);
	snprintf(hint, sizeof(hint), "is an interface (try if:%s)", text);
	assert_int_equal(spec_parse_listener(&spec, text, &why), -EINVAL);
	assert_says(why.text, hint);
	assert_int_equal(spec_parse_listener(&spec, "nosuch0:80", &why),
			 -EINVAL);
	assert_says(why.text, "if:nosuch0:80 for an interface that comes");
}

static void a_path_that_does_not_fit_is_said_to_be_too_long(void **state)
{
	char text[256] = "unix:/", *strings;
	struct relay_backend backend;
	struct listener_spec spec;
	struct fault why;

	(void)state;
	memset(text + 6, 'p', 200);
	assert_int_equal(spec_parse_listener(&spec, text, &why), -EINVAL);
	assert_says(why.text, "201 bytes");
	assert_int_equal(spec_parse_backend(&backend, &strings, text, &why),
			 -EINVAL);
	assert_says(why.text, "201 bytes");
}

static void every_form_of_a_backend_is_understood(void **state)
{
	static const struct {
		const char *text, *host, *addr;
		uint16_t port;
	} rows[] = {
		{"127.0.0.1:8080", NULL, "127.0.0.1:8080", 8080},
		{"[::1]:8080", NULL, "[::1]:8080", 8080},
		{"8080", "localhost", NULL, 8080},
		{"1", "localhost", NULL, 1},
		{"65535", "localhost", NULL, 65535},
		{"localhost:8080", "localhost", NULL, 8080},
		{"web-1.example_x.org.:80", "web-1.example_x.org.", NULL, 80},
		{"3com.example:80", "3com.example", NULL, 80},
		{"systemd:80", "systemd", NULL, 80},
		{"unix:/run/web.sock", NULL, "unix:/run/web.sock", 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct relay_backend b;
		struct fault why;
		char *strings;

		if (spec_parse_backend(&b, &strings, rows[i].text, &why) != 0)
			fail_msg("refused: %s", why.text);
		assert_int_equal(b.addr.port, rows[i].port);
		if (rows[i].host)
			assert_string_equal(b.host, rows[i].host);
		else
			assert_null(b.host);
		if (rows[i].addr)
			assert_string_equal(print(&b.addr), rows[i].addr);
		free(strings);
	}
}

static void a_bad_backend_is_named_with_what_would_be_right(void **state)
{
	static const struct bad rows[] = {
		{"", "not a backend (try 127.0.0.1:8080"},
		{"0", "not a backend"},
		{"65536", "not a backend"},
		{"-1", "not a backend"},
		{"localhost", "\"localhost\" has no port (try localhost:8080)"},
		{"http://localhost:8080", "is a URL"},
		{"http://localhost:8080/", "is a URL"},
		{"localhost:", "\"\" is not a port"},
		{"localhost:0", "\"0\" is not a port"},
		{"localhost:http", "\"http\" is not a port"},
		{":8080", "not a backend"},
		{"-x:8080", "not a backend"},
		{"a b:8080", "not a backend"},
		{"127.0.0.1", "no port"},
		{"127.0.0.1:0", "\"0\" is not a port"},
		{"127.0.0.256:80", "not a backend"},
		{"::1", "no port (try [::1]:80)"},
		{"fe80::1%1:80", "brackets"},
		{"0.0.0.0:80", "where one listens"},
		{"[::]:80", "where one listens, not where one connects to (try "
			    "80)"},
		{"*:80", "not a backend"},
		{"unix:", "starts with /"},
		{"unix:x", "starts with /"},
		{"systemd", "has no port"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char quoted[256], *strings;
		struct relay_backend b;
		struct fault why;

		if (spec_parse_backend(&b, &strings, rows[i].text, &why) !=
		    -EINVAL)
			fail_msg("\"%s\" was taken", rows[i].text);
		assert_null(strings);
		assert_says(why.text, rows[i].word);
		snprintf(quoted, sizeof(quoted), "\"%s\"", rows[i].text);
		assert_says(why.text, quoted);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_is_one_that_we_bind),
		cmocka_unit_test(only_is_one_address_whose_clients_are_served),
		cmocka_unit_test(an_interface_is_a_name_and_a_port),
		cmocka_unit_test(an_interface_alone_is_told_how_it_is_meant),
		cmocka_unit_test(a_unix_path_is_all_that_follows),
		cmocka_unit_test(
			what_is_handed_over_has_a_name_and_an_expectation),
		cmocka_unit_test(
			a_bad_listener_is_named_with_what_would_be_right),
		cmocka_unit_test(
			a_path_that_does_not_fit_is_said_to_be_too_long),
		cmocka_unit_test(every_form_of_a_backend_is_understood),
		cmocka_unit_test(
			a_bad_backend_is_named_with_what_would_be_right),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

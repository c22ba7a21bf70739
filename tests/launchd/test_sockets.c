#include "standin/sockets.h"

#include "launchd/rig.h"
#include "standin/standin.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* The stand-in itself: does it make sockets as launchd does? */

static char said[1024];

void standin_log(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(said, sizeof(said), format, args);
	va_end(args);
}

/* What a test has open. */
static struct sockets sockets;
static plist_t root;

static struct sockets *make(const char *inside)
{
	const char *xml =
		scrap("<plist version=\"1.0\"><dict>%s</dict></plist>", inside);

	plist_from_xml(xml, (uint32_t)strlen(xml), &root);
	assert_non_null(root);
	said[0] = '\0';
	sockets_open(&sockets, root, getuid());
	return &sockets;
}

static int end_test(void **state)
{
	sockets_close(&sockets);
	plist_free(root);
	root = NULL;
	return rig_end_test(state);
}

static int option(int fd, int level, int name)
{
	int value = -1;
	socklen_t length = sizeof(value);

	getsockopt(fd, level, name, &value, &length);
	return value;
}

static const char *entry(const char *node, const char *family)
{
	return scrap("<dict>%s%s</dict>",
		     node ? rig_key("SockNodeName",
				    scrap("<string>%s</string>", node))
			  : "",
		     family ? rig_key("SockFamily",
				      scrap("<string>%s</string>", family))
			    : "");
}

static void a_literal_address_is_one_listening_socket(void **state)
{
	const struct sockets *s =
		make(rig_key("a", entry("127.0.0.1", "IPv4")));
	int fd;

	(void)state;
	assert_int_equal(s->count, 1);
	assert_int_equal(s->at[0].count, 1);
	fd = s->at[0].fds[0];
	assert_int_equal(option(fd, SOL_SOCKET, SO_TYPE), SOCK_STREAM);
	assert_int_equal(option(fd, SOL_SOCKET, SO_ACCEPTCONN), 1);
	assert_int_equal(option(fd, SOL_SOCKET, SO_REUSEADDR), 1);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	assert_true(socket_can_wake(fd));
}

static void without_an_address_it_is_the_wildcard_of_both_families(void **state)
{
	unsigned port = peer_free_port();
	const struct sockets *s = make(rig_key(
		"a", scrap("<dict>%s</dict>",
			   rig_key("SockServiceName",
				   scrap("<integer>%u</integer>", port)))));

	(void)state;
	assert_int_equal(s->at[0].count, 2);
	assert_string_equal(said, "");
	for (size_t i = 0; i < 2; i++)
		assert_says(peer_where(s->at[0].fds[i]), scrap(":%u", port));
}

static void ipv6_is_ipv6_alone_unless_both_are_asked_for(void **state)
{
	const struct sockets *s =
		make(scrap("%s%s", rig_key("a", entry("::1", NULL)),
			   rig_key("b", entry(NULL, "IPv4v6"))));

	(void)state;
	assert_int_equal(s->count, 2);
	assert_int_equal(s->at[0].count, 1);
	assert_int_equal(option(s->at[0].fds[0], IPPROTO_IPV6, IPV6_V6ONLY), 1);
	assert_int_equal(s->at[1].count, 1);
	assert_int_equal(option(s->at[1].fds[0], IPPROTO_IPV6, IPV6_V6ONLY), 0);
}

static void an_array_is_several_entries_of_one_name(void **state)
{
	const struct sockets *s = make(rig_key(
		"a", scrap("<array>%s%s</array>", entry("127.0.0.1", NULL),
			   entry("127.0.0.2", NULL))));
	char *text;

	(void)state;
	assert_int_equal(s->count, 2);
	text = sockets_describe(s);
	assert_string_equal(text, scrap("%d=a\n%d=a\n", s->at[0].fds[0],
					s->at[1].fds[0]));
	free(text);
}

static void what_cannot_be_bound_is_handed_over_unbound(void **state)
{
	struct place p = rig_place4();
	const struct sockets *s;
	int fd;

	(void)state;
	peer_listen(p.where);
	s = make(rig_key("a", rig_dict(&p)));
	assert_string_equal(said, "a: bind(): Address already in use");
	assert_int_equal(s->at[0].count, 1);
	fd = s->at[0].fds[0];
	assert_int_equal(option(fd, SOL_SOCKET, SO_ACCEPTCONN), 0);
	assert_string_equal(peer_where(fd), "0.0.0.0:0");
	assert_false(socket_can_wake(fd));
}

static void what_cannot_be_resolved_has_no_socket(void **state)
{
	const struct sockets *s = make(rig_key("a", entry("no host", NULL)));

	(void)state;
	assert_int_equal(s->count, 1);
	assert_int_equal(s->at[0].count, 0);
	assert_says(said, "a: getaddrinfo(): ");
}

static void the_backlog_is_128(void **state)
{
	struct place p = rig_place4();
	unsigned queue, most, most_of_all = 0;
	const char *line, *end;
	FILE *ss;
	char buf[512];

	(void)state;
	if (!proc_has("ss"))
		rig_skip("ss (package iproute2)");
	make(rig_key("a", rig_dict(&p)));
	ss = popen(scrap("ss -Hltn src %s", p.where), "re");
	assert_non_null(ss);
	line = fgets(buf, sizeof(buf), ss);
	end = line ? strstr(line, "LISTEN") : NULL;
	if (end && sscanf(end, "LISTEN %u %u", &queue, &most) == 2)
		most_of_all = most;
	pclose(ss);
	assert_int_equal(most_of_all, 128);
}

#define TEST(name) cmocka_unit_test_teardown(name, end_test)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(a_literal_address_is_one_listening_socket),
		TEST(without_an_address_it_is_the_wildcard_of_both_families),
		TEST(ipv6_is_ipv6_alone_unless_both_are_asked_for),
		TEST(an_array_is_several_entries_of_one_name),
		TEST(what_cannot_be_bound_is_handed_over_unbound),
		TEST(what_cannot_be_resolved_has_no_socket),
		TEST(the_backlog_is_128),
	};

	return cmocka_run_group_tests(tests, rig_set_up, rig_tear_down);
}

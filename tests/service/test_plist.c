#include "service/plist.h"

#include "service/agent_launchd.h"

#include "support/unit.h"

#include <errno.h>
#include <net/if.h>
#include <plist/plist.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct agent agent, back;
static struct fault why;
static char file[64];

static int set_up(void **state)
{
	int fd;

	(void)state;
	snprintf(file, sizeof(file), "/tmp/lowport-plist-XXXXXX");
	fd = mkstemp(file);
	if (fd < 0)
		return -1;
	close(fd);
	setenv("HOME", "/Users/ann", 1);
	memset(&agent, 0, sizeof(agent));
	memset(&back, 0, sizeof(back));
	return agent_init_launchd(&agent, "web", &why);
}

static int tear_down(void **state)
{
	(void)state;
	agent_free(&agent);
	agent_free(&back);
	return unlink(file);
}

static void add_socket(const char *where)
{
	struct addr at;

	assert_int_equal(addr_parse(&at, where), 0);
	assert_int_equal(agent_add_socket(&agent, &at, &why), 0);
}

static void save(const char *text, size_t length)
{
	FILE *f = fopen(file, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, length, f), length);
	assert_int_equal(fclose(f), 0);
}

/* Read the file as the agent "web". */
static int read_back(void)
{
	assert_int_equal(agent_init_launchd(&back, "web", &why), 0);
	snprintf(back.file, sizeof(back.file), "%s", file);
	return plist_read(&back, &why);
}

static int read_text(const char *inside)
{
	char text[4096];

	snprintf(text, sizeof(text),
		 "<?xml version=\"1.0\"?><plist version=\"1.0\">%s</plist>",
		 inside);
	save(text, strlen(text));
	return read_back();
}

static void assert_agents_agree(void)
{
	assert_int_equal(back.argument_count, agent.argument_count);
	for (size_t i = 0; i < agent.argument_count; i++)
		assert_string_equal(back.arguments[i], agent.arguments[i]);
	assert_int_equal(back.socket_count, agent.socket_count);
	for (size_t i = 0; i < agent.socket_count; i++) {
		assert_string_equal(back.sockets[i].name,
				    agent.sockets[i].name);
		assert_true(addr_equal(&back.sockets[i].addr,
				       &agent.sockets[i].addr));
	}
	assert_int_equal(back.exit_timeout_s, agent.exit_timeout_s);
}

static void fill(void)
{
	char local[64], name[IF_NAMESIZE];

	add_socket("10.8.0.2:80");
	add_socket("[::1]:443");
	add_socket("0.0.0.0:1");
	/* A link-local address means nothing without its interface. */
	snprintf(local, sizeof(local), "[fe80::1%%%s]:65535",
		 if_indextoname(1, name) ? name : "1");
	add_socket(local);
	assert_int_equal(agent_add_argument(&agent, "run", &why), 0);
	assert_int_equal(agent_add_argument(&agent, "", &why), 0);
	assert_int_equal(agent_add_argument(&agent, "a<b>&\"c'\xc3\xa4", &why),
			 0);
	agent.exit_timeout_s = 302;
}

static void what_is_written_is_read_back(void **state)
{
	char *text;

	(void)state;
	fill();
	text = plist_write(&agent, PLIST_AGENT, NULL);
	assert_non_null(text);
	save(text, strlen(text));
	free(text);
	assert_int_equal(read_back(), 0);
	assert_agents_agree();
}

/* plutil -convert binary1, and what other tools leave. */
static void a_binary_list_is_read_too(void **state)
{
	plist_t root = NULL;
	char *text, *binary = NULL;
	uint32_t length = 0;

	(void)state;
	fill();
	text = plist_write(&agent, PLIST_AGENT, NULL);
	plist_from_xml(text, (uint32_t)strlen(text), &root);
	plist_to_bin(root, &binary, &length);
	save(binary, length);
	plist_free(root);
	free(binary);
	free(text);
	assert_int_equal(read_back(), 0);
	assert_agents_agree();
}

static void a_daemon_has_a_user_and_no_session(void **state)
{
	char *text;

	(void)state;
	add_socket("10.8.0.2:80");
	text = plist_write(&agent, PLIST_DAEMON, "ann");
	assert_says(text, "<key>UserName</key>\n\t<string>ann</string>");
	assert_null(strstr(text, "LimitLoadToSessionType"));
	free(text);
}

static void only_what_is_always_up_is_kept_alive(void **state)
{
	struct agent watcher;
	char *text;

	(void)state;
	add_socket("10.8.0.2:80");
	text = plist_write(&agent, PLIST_AGENT, NULL);
	assert_null(strstr(text, "KeepAlive"));
	assert_null(strstr(text, "RunAtLoad"));
	free(text);
	assert_int_equal(agent_watcher(&watcher, &agent), 0);
	text = plist_write(&watcher, PLIST_AGENT, NULL);
	assert_says(text, "<key>KeepAlive</key>\n\t<true/>");
	assert_says(text, "<key>RunAtLoad</key>\n\t<true/>");
	assert_null(strstr(text, "Sockets"));
	free(text);
	agent_free(&watcher);
}

static void a_file_that_is_not_there_is_told_from_a_broken_one(void **state)
{
	static const char *const broken[] = {"", "x", "<plist>", "bplist00"};

	(void)state;
	for (size_t i = 0; i < COUNT(broken); i++) {
		save(broken[i], strlen(broken[i]));
		assert_int_equal(read_back(), -EINVAL);
		assert_says(why.text, file);
	}
	assert_int_equal(read_text("<array/>"), -EINVAL);
	assert_says(why.text, "not a dictionary");
	assert_int_equal(agent_init_launchd(&back, "web", &why), 0);
	snprintf(back.file, sizeof(back.file), "/none");
	assert_int_equal(plist_read(&back, &why), -ENOENT);
}

/* libplist would end the program. */
static void a_string_with_a_zero_byte_is_refused(void **state)
{
	static const char before[] =
		"<plist><dict><key>ProgramArguments</key><array>"
		"<string>p</string><string>a";
	static const char behind[] = "b</string></array></dict></plist>";
	char text[sizeof(before) + sizeof(behind)];

	(void)state;
	memcpy(text, before, sizeof(before));
	memcpy(text + sizeof(before), behind, sizeof(behind));
	save(text, sizeof(text) - 1);
	assert_int_equal(read_back(), -EINVAL);
	assert_says(why.text, "zero byte");
}

static void what_is_not_understood_is_left_out(void **state)
{
	static const char entry[] =
		"<key>%s</key><dict><key>SockNodeName</key><string>%s</string>"
		"<key>SockServiceName</key>%s</dict>";
	char sockets[2048] = "", inside[3072];
	static const struct {
		const char *name, *node, *service;
	} rows[] = {
		{"fine", "10.0.0.1", "<string>80</string>"},
		{"host", "localhost", "<string>80</string>"},
		{"http", "10.0.0.1", "<string>http</string>"},
		{"big", "10.0.0.1", "<string>65536</string>"},
		{"integer", "10.0.0.1", "<integer>80</integer>"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		snprintf(sockets + strlen(sockets),
			 sizeof(sockets) - strlen(sockets), entry, rows[i].name,
			 rows[i].node, rows[i].service);
	snprintf(inside, sizeof(inside),
		 "<dict><key>Sockets</key><dict>%s<key>text</key>"
		 "<string>x</string></dict><key>ExitTimeOut</key>"
		 "<string>5</string><key>ProgramArguments</key>"
		 "<array><string>p</string><integer>1</integer>"
		 "<string>run</string></array></dict>",
		 sockets);
	assert_int_equal(read_text(inside), 0);
	assert_int_equal(back.socket_count, 2);
	assert_string_equal(back.sockets[0].name, "fine");
	/* launchd takes a number as well. */
	assert_string_equal(back.sockets[1].name, "integer");
	assert_int_equal(back.argument_count, 1);
	assert_string_equal(back.arguments[0], "run");
	assert_int_equal(back.exit_timeout_s, 0);
}

static void a_list_with_too_many_sockets_is_cut(void **state)
{
	char *inside = malloc(1 << 16), *at = inside;

	(void)state;
	at += sprintf(at, "<plist><dict><key>Sockets</key><dict>");
	for (int i = 0; i < AGENT_SOCKETS_MAX + 1; i++)
		at += sprintf(at,
			      "<key>s%d</key><dict><key>SockNodeName</key>"
			      "<string>10.0.0.1</string><key>SockServiceName"
			      "</key><string>80</string></dict>",
			      i);
	at += sprintf(at, "</dict></dict></plist>");
	save(inside, (size_t)(at - inside));
	free(inside);
	assert_int_equal(read_back(), 0);
	assert_int_equal(back.socket_count, AGENT_SOCKETS_MAX);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(what_is_written_is_read_back),
		TEST(a_binary_list_is_read_too),
		TEST(a_daemon_has_a_user_and_no_session),
		TEST(only_what_is_always_up_is_kept_alive),
		TEST(a_file_that_is_not_there_is_told_from_a_broken_one),
		TEST(a_string_with_a_zero_byte_is_refused),
		TEST(what_is_not_understood_is_left_out),
		TEST(a_list_with_too_many_sockets_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

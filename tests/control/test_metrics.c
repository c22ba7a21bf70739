#include "control/render.h"

#include "support/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static struct snapshot_listener listeners[] = {
	{.from = "127.0.0.1:80", .state = LISTENER_OPEN},
	{.from = "launchd:\"web\\\n\xff\"", .state = LISTENER_PAUSED},
	{.from = "127.0.0.1:80", .state = LISTENER_DEAD}};

/* The same one twice. */
static struct snapshot_backend backends[] = {
	{"127.0.0.1:8080", {BACKEND_UP, 0, 10, 1, 0, 1000, 20000}, 3},
	{"unix:/run/\xc3\xa9.sock",
	 {BACKEND_DOWN, -ECONNREFUSED, 0, 7, 0, 0, 0},
	 0},
	{"127.0.0.1:8080", {BACKEND_UP, 0, 5, 1, 0, 24, 480}, 1},
	{"app:80", {BACKEND_UNTRIED, 0, 0, 0, 0, 0, 0}, 0}};

static struct snapshot_relay relays[] = {
	{.name = "web",
	 .listeners = listeners,
	 .listener_count = 3,
	 .backends = backends,
	 .backend_count = 4,
	 .stats = {.open = 4, .accepted = 15, .up = 1024, .down = 20480}},
	{.name = "a \"quoted\\ na\nme"}};

static struct snapshot the_snapshot(void)
{
	struct snapshot s = {.version = "1.2.3",
			     .pid = 42,
			     .uptime_ms = 61007,
			     .reloads = 2,
			     .reloads_refused = 1,
			     .workers = 4,
			     .connections_most = 1000,
			     .descriptors_most = 4096,
			     .log_lines_dropped = 3,
			     .stats = {.open = 5,
				       .accepted = 18446744073709551615ull,
				       .up = 1024,
				       .down = 9007199254740993,
				       .pauses = 2,
				       .refused = 7,
				       .waiting = 1,
				       .turned_away = 8},
			     .relays = relays,
			     .relay_count = COUNT(relays)};

	s.stats.ended[CLOSE_DONE] = 100;
	s.stats.ended[CLOSE_FAILED] = 1;
	s.stats.refused_for[REFUSED_RATE] = 7;
	for (size_t i = 0; i < COUNT(listeners); i++)
		addr_parse(&listeners[i].addr,
			   i == 1 ? "[::1]:80" : "127.0.0.1:80");
	return s;
}

/* tests/control/metrics.txt, which promtool looks at too. */
static void all_of_it_is_as_it_was_written_down(void **state)
{
	struct snapshot s = the_snapshot();
	char *said = render_metrics(&s);
	FILE *file = fopen(METRICS_WANTED, "r");
	char wanted[32768];
	size_t length;
	bool same;

	(void)state;
	assert_non_null(said);
	assert_non_null(file);
	length = fread(wanted, 1, sizeof(wanted) - 1, file);
	wanted[length] = '\0';
	fclose(file);
	same = strcmp(said, wanted) == 0;
	if (!same) /* fail_msg() would cut it */
		fputs(said, stderr);
	free(said);
	assert_true(same);
}

static const char *skip_label(const char *c)
{
	if (*c++ != '"')
		return NULL;
	for (; *c != '\0' && *c != '"' && *c != '\n'; c++)
		c += *c == '\\' && c[1] != '\0';
	return *c == '"' ? c + 1 : NULL;
}

/* name, or name{a="b",...} */
static bool is_sample_name(const char *line, size_t length)
{
	const char *c = line + strspn(line, "abcdefghijklmnopqrstuvwxyz_");

	if (c == line)
		return false;
	if (*c == '{')
		do {
			c += 1 + strspn(c + 1, "abcdefghijklmnopqrstuvwxyz_");
			c = *c == '=' ? skip_label(c + 1) : NULL;
		} while (c && *c == ',');
	if (c && *c == '}')
		c++;
	return c && c == line + length;
}

/* What is not ours to choose: names with anything in them. */
static void any_name_leaves_each_line_a_sample_of_its_own(void **state)
{
	static const char *const names[] = {"\"} 1\nevil{x=\"", "\\", "\\\"",
					    "\xf0\x9f",         "",   "#{},"};

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		struct snapshot_relay relay = {.name = names[i]};
		struct snapshot s = {.version = names[i],
				     .relays = &relay,
				     .relay_count = 1};
		char *said = render_metrics(&s), *next;

		for (char *line = said; *line != '\0'; line = next) {
			size_t length = strcspn(line, "\n");

			next = line + length + 1;
			line[length] = '\0';
			if (line[0] == '#')
				continue;
			assert_non_null(strrchr(line, ' '));
			if (!is_sample_name(
				    line, (size_t)(strrchr(line, ' ') - line)))
				fail_msg("no sample: %s", line);
		}
		free(said);
	}
}

static void relays_of_one_name_are_told_apart(void **state)
{
	struct snapshot_relay twins[] = {{.name = "127.0.0.1:0"},
					 {.name = "b"},
					 {.name = "127.0.0.1:0"}};
	struct snapshot s = {
		.version = "1", .relays = twins, .relay_count = COUNT(twins)};
	char *text = render_metrics(&s);

	(void)state;
	assert_says(text, "_open{relay=\"127.0.0.1:0\"} 0\n"
			  "lowport_relay_connections_open{relay=\"b\"} 0\n"
			  "lowport_relay_connections_open{relay=\"127.0.0.1:"
			  "0#2\"} 0\n");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_of_it_is_as_it_was_written_down),
		cmocka_unit_test(relays_of_one_name_are_told_apart),
		cmocka_unit_test(any_name_leaves_each_line_a_sample_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

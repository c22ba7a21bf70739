#include "control/show.h"

#include "control/answer.h"
#include "control/render.h"
#include "control/sample.h"
#include "support/unit.h"

#include <stdlib.h>

static cJSON *status_of(const struct snapshot *s)
{
	struct fault why;
	char *json = render_json(s);
	cJSON *o = answer_read_status(json, "here", &why);

	assert_non_null(o);
	free(json);
	return o;
}

/* What is shown of it, after looks before it. */
static void assert_shown(const struct snapshot *s, struct history *h, bool utf8,
			 const char *wanted)
{
	const struct show_options options = {.utf8 = utf8, .bars = true};
	cJSON *status = status_of(s);
	struct text t = {0};
	char *got;

	history_note(h, status);
	show_status(&t, status, h, &options);
	got = text_take(&t);
	assert_string_equal(got, wanted);
	free(got);
	cJSON_Delete(status);
	history_free(h);
}

static void a_first_look_has_all_but_rates(void **state)
{
	struct snapshot s = sample();

	(void)state;
	assert_shown(
		&s, history_new(), true,
		"lowport 1.2.3, pid 4711, up 2d 3h\n"
		"  config       /etc/lowport.conf, reloaded 3 times, 1 reload "
		"refused\n"
		"  sandbox      seccomp and Landlock\n"
		"  workers      2\n"
		"  connections  3 now (4000 at most), 1026 in all, 2 waiting, "
		"1 turned away\n"
		"  bytes        1.2 GiB up, 4.9 KiB down\n"
		"  log          9 lines lost\n"
		"\n"
		"web\n"
		"  listener     127.0.0.1:80            open\n"
		"               [::1]:80                paused  launchd:web\n"
		"  backend      app.local:8080          up      3 now, 1021 in "
		"all\n"
		"               unix:/run/\\x1b[2J.sock  down    0 now, 4 in "
		"all, 12 failed (Connection refused)\n"
		"  connections  3 now, 1026 in all\n"
		"  refused      7: denied 5, rate 2\n"
		"  ended        done 1021, unreachable 2\n"
		"  bytes        1.2 GiB up, 4.9 KiB down\n"
		"\n"
		"b\n"
		"  connections  0 now, 0 in all\n"
		"  bytes        0 B up, 0 B down\n"
		"\n"
		"id  relay  client               backend         state       "
		"age  idle       up     down\n"
		" 7  web    192.0.2.7:50112      127.0.0.1:8080  relaying  "
		"2h 5m    4s  1.2 KiB  3.0 MiB\n"
		"18  web    [2001:db8::1]:50112  -               dialing      "
		"0s    0s      0 B      0 B\n");
}

/* One relay, quiet at first. */
static struct snapshot lonely(void)
{
	static struct snapshot_relay relay;
	struct snapshot s = sample();

	relay = (struct snapshot_relay){.name = "web"};
	s.relays = &relay;
	s.relay_count = 1;
	s.connection_count = 0;
	s.config = NULL;
	s.reloads = s.reloads_refused = 0;
	s.log_lines_dropped = 0;
	s.stats = (struct stats){0};
	s.draining = true;
	return s;
}

static void look(struct history *h, struct snapshot *s, uint64_t up)
{
	cJSON *status;

	s->relays[0].stats.up += up;
	s->now_ms += 1000;
	status = status_of(s);
	history_note(h, status);
	cJSON_Delete(status);
}

#define LONELY                                            \
	"lowport 1.2.3, pid 4711, up 2d 3h, draining\n"   \
	"  sandbox      seccomp and Landlock\n"           \
	"  workers      2\n"                              \
	"  connections  0 now (4000 at most), 0 in all\n" \
	"\n"                                              \
	"web\n"                                           \
	"  connections  0 now, 0 in all\n"

static void rates_have_bars_of_what_they_have_been(void **state)
{
	for (int utf8 = 0; utf8 < 2; utf8++) {
		struct snapshot s = lonely();
		struct history *h = history_new();

		(void)state;
		look(h, &s, 0);
		look(h, &s, 80000);
		look(h, &s, 1);
		look(h, &s, 0);
		look(h, &s, 50000);
		s.relays[0].stats.up += 40000;
		s.relays[0].stats.down += 2000;
		s.now_ms += 1000;
		assert_shown(&s, h, utf8 != 0,
			     utf8 ? LONELY
				     "  bytes        166 KiB up, 2.0 KiB down\n"
				     "  rate         40 kB/s up, 2.0 kB/s down "
				     " \u2588\u2581 \u2585\u2584\n"
				     "\nno connection is open\n"
				  : LONELY
				     "  bytes        166 KiB up, 2.0 KiB down\n"
				     "  rate         40 kB/s up, 2.0 kB/s down "
				     " #. -:\n"
				     "\nno connection is open\n");
	}
}

static void silence_has_no_bars(void **state)
{
	struct snapshot s = lonely();
	struct history *h = history_new();

	(void)state;
	look(h, &s, 0);
	s.now_ms += 1000;
	s.connections = NULL;
	assert_shown(&s, h, true,
		     LONELY "  bytes        0 B up, 0 B down\n"
			    "  rate         0 B/s up, 0 B/s down\n");
}

static void names_cannot_command_the_terminal(void **state)
{
	struct snapshot s = lonely();
	struct snapshot_listener l = {.from = "\x1b]0;owned\x07"};

	(void)state;
	s.relays[0].name = "\x1b[2J\n";
	s.relays[0].listeners = &l;
	s.relays[0].listener_count = 1;
	s.version = "\x9b";
	s.draining = false;
	s.connections = NULL;
	assert_shown(&s, history_new(), true,
		     "lowport \ufffd, pid 4711, up 2d 3h\n"
		     "  sandbox      seccomp and Landlock\n"
		     "  workers      2\n"
		     "  connections  0 now (4000 at most), 0 in all\n"
		     "\n"
		     "\\x1b[2J\\x0a\n"
		     "  listener     \\x1b]0;owned\\x07  open\n"
		     "  connections  0 now, 0 in all\n"
		     "  bytes        0 B up, 0 B down\n");
}

static void an_answer_that_lacks_everything_is_shown(void **state)
{
	const struct show_options options = {.utf8 = true};
	cJSON *status = cJSON_Parse("{\"relays\":[{},7],\"connections\":[{}]}");
	struct history *h = history_new();
	struct text t = {0};

	(void)state;
	history_note(h, status);
	show_status(&t, status, h, &options);
	assert_false(t.failed);
	text_free(&t);
	history_free(h);
	cJSON_Delete(status);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_first_look_has_all_but_rates),
		cmocka_unit_test(rates_have_bars_of_what_they_have_been),
		cmocka_unit_test(silence_has_no_bars),
		cmocka_unit_test(names_cannot_command_the_terminal),
		cmocka_unit_test(an_answer_that_lacks_everything_is_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "control/render.h"

#include "control/sample.h"
#include "support/unit.h"

#include "base/text.h"

#include <cJSON.h>
#include <stdlib.h>

#define NO_REASONS                                                            \
	"\"ended\":{\"done\":0,\"client-reset\":0,\"backend-reset\":0,"       \
	"\"unreachable\":0,\"connect-timeout\":0,\"idle\":0,\"half-open\":0," \
	"\"bad-header\":0,\"killed\":0,\"shutdown\":0,\"failed\":0}"
#define NOBODY_REFUSED                                                     \
	"\"refused\":0,\"refused_for\":{\"wrong-address\":0,\"denied\":0," \
	"\"per-source\":0,\"rate\":0}"

static const char process[] =
	"{\"version\":\"1.2.3\",\"format\":1,\"pid\":4711,"
	"\"now_ms\":1700000000000,\"uptime_ms\":183600000,"
	"\"config\":\"/etc/lowport.conf\",\"reloads\":3,"
	"\"reloads_refused\":1,\"draining\":false,"
	"\"sandbox\":\"seccomp and Landlock\",\"workers\":2,"
	"\"connections_most\":4000,\"descriptors_most\":16384,"
	"\"log_lines_dropped\":9,"
	"\"stats\":{\"open\":3,\"accepted\":1026,\"up\":1288490189,"
	"\"down\":5000,\"waiting\":2,\"turned_away\":1,\"pauses\":"
	"0," NOBODY_REFUSED "," NO_REASONS "},"
	"\"relays\":[";

static const char web[] =
	"{\"name\":\"web\",\"listeners\":["
	"{\"address\":\"127.0.0.1:80\",\"from\":\"127.0.0.1:80\","
	"\"state\":\"open\"},"
	"{\"address\":\"[::1]:80\",\"from\":\"launchd:web\","
	"\"state\":\"paused\"}],"
	"\"backends\":["
	"{\"address\":\"app.local:8080\",\"health\":\"up\",\"error\":null,"
	"\"open\":3,\"total\":1021,\"failed\":0,\"up\":1000,\"down\":2000},"
	"{\"address\":\"unix:/run/\\u001b[2J.sock\",\"health\":\"down\","
	"\"error\":\"Connection refused\",\"open\":0,\"total\":4,"
	"\"failed\":12,\"up\":0,\"down\":0}],"
	"\"stats\":{\"open\":3,\"accepted\":1026,\"up\":1288490189,"
	"\"down\":5000,\"waiting\":0,\"turned_away\":0,\"pauses\":0,"
	"\"refused\":7,\"refused_for\":{\"wrong-address\":0,\"denied\":5,"
	"\"per-source\":0,\"rate\":2},"
	"\"ended\":{\"done\":1021,\"client-reset\":0,\"backend-reset\":0,"
	"\"unreachable\":2,\"connect-timeout\":0,\"idle\":0,\"half-open\":0,"
	"\"bad-header\":0,\"killed\":0,\"shutdown\":0,\"failed\":0}}},";

static const char b[] =
	"{\"name\":\"b\",\"listeners\":[],\"backends\":[],"
	"\"stats\":{\"open\":0,\"accepted\":0,\"up\":0,\"down\":0,"
	"\"waiting\":0,\"turned_away\":0,\"pauses\":0," NOBODY_REFUSED
	"," NO_REASONS "}}]";

static const char connections[] =
	",\"connections\":["
	"{\"id\":18,\"relay\":\"web\",\"phase\":\"dialing\","
	"\"client\":\"[2001:db8::1]:50112\",\"local\":\"[::1]:80\","
	"\"backend\":null,\"age_ms\":100,\"idle_ms\":0,\"up\":0,\"down\":0},"
	"{\"id\":7,\"relay\":\"web\",\"phase\":\"relaying\","
	"\"client\":\"192.0.2.7:50112\",\"local\":\"127.0.0.1:80\","
	"\"backend\":\"127.0.0.1:8080\",\"age_ms\":7500000,\"idle_ms\":4000,"
	"\"up\":1229,\"down\":3145728}]";

static void assert_json(const struct snapshot *s, const char *list)
{
	struct text wanted = {0};
	char *got = render_json(s), *text;
	cJSON *read = cJSON_Parse(got);

	text_addf(&wanted, "%s%s%s%s}", process, web, b, list);
	text = text_take(&wanted);
	assert_string_equal(got, text);
	assert_non_null(read);
	cJSON_Delete(read);
	free(text);
	free(got);
}

static void all_of_a_snapshot_is_there(void **state)
{
	struct snapshot s = sample();

	(void)state;
	assert_json(&s, connections);
}

static void connections_nobody_asked_for_are_left_out(void **state)
{
	struct snapshot s = sample();

	(void)state;
	s.connections = NULL;
	s.connection_count = 0;
	assert_json(&s, "");
}

static void no_connections_are_an_empty_list(void **state)
{
	struct snapshot s = sample();

	(void)state;
	s.connection_count = 0;
	assert_json(&s, ",\"connections\":[]");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_of_a_snapshot_is_there),
		cmocka_unit_test(connections_nobody_asked_for_are_left_out),
		cmocka_unit_test(no_connections_are_an_empty_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

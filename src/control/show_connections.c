#include "control/show.h"

#include "base/human.h"
#include "control/answer.h"
#include "control/table.h"

#include <stdlib.h>

static int by_id(const void *a, const void *b)
{
	uint64_t x = answer_number(*(const cJSON *const *)a, "id");
	uint64_t y = answer_number(*(const cJSON *const *)b, "id");

	return (x > y) - (x < y);
}

/* In the order in which they came, however many threads they are spread over.
 * NULL: out of memory. */
static const cJSON **sorted(const cJSON *all, size_t *count)
{
	size_t room = (size_t)cJSON_GetArraySize(all) + 1, n = 0;
	const cJSON **at = calloc(room, sizeof(const cJSON *));
	const cJSON *c;

	if (!at)
		return NULL;
	cJSON_ArrayForEach(c, all) at[n++] = c;
	qsort(at, n, sizeof(const cJSON *), by_id);
	*count = n;
	return at;
}

static const char *or_dash(const char *s)
{
	return s[0] != '\0' ? s : "-";
}

static void add_row(struct table *t, const cJSON *c, bool relays)
{
	char text[HUMAN_TEXT];

	table_add_number(t, answer_number(c, "id"));
	if (relays)
		table_add(t, or_dash(answer_string(c, "relay")));
	table_add(t, or_dash(answer_string(c, "client")));
	table_add(t, or_dash(answer_string(c, "backend")));
	table_add(t, answer_string(c, "phase"));
	table_add(t, human_duration(answer_number(c, "age_ms"), text));
	table_add(t, human_duration(answer_number(c, "idle_ms"), text));
	table_add(t, human_bytes(answer_number(c, "up"), text));
	table_add(t, human_bytes(answer_number(c, "down"), text));
}

static void add_heads(struct table *t, bool relays)
{
	static const char *const heads[] = {"id",      "relay", "client",
					    "backend", "state", "age",
					    "idle",    "up",    "down"};

	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
		if (i != 1 || relays)
			table_add(t, heads[i]);
}

void show_connections(struct text *out, const cJSON *status)
{
	static const bool right[] = {true, false, false, false, false,
				     true, true,  true,  true};
	static const bool right_of_one[] = {true, false, false, false,
					    true, true,  true,  true};
	const cJSON *all =
		cJSON_GetObjectItemCaseSensitive(status, "connections");
	bool relays = cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(
			      status, "relays")) > 1;
	struct table t = {.columns = relays ? 9 : 8,
			  .right = relays ? right : right_of_one};
	size_t count = 0;
	const cJSON **rows = sorted(all, &count);

	if (!rows) {
		out->failed = true;
		return;
	}
	if (count == 0)
		text_add(out, "no connection is open\n");
	else
		add_heads(&t, relays);
	for (size_t i = 0; i < count; i++)
		add_row(&t, rows[i], relays);
	table_print(&t, 0, out);
	table_free(&t);
	free(rows);
}

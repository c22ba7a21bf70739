#include "fuzz.h"

#include "control/answer.h"
#include "control/json.h"
#include "control/show.h"

#include <stdlib.h>
#include <string.h>

/* What another program answers, on a socket that only looks like lowport's:
 * whatever it is, the terminal gets lines of text. And what lowport writes as
 * JSON, with any bytes in it, is JSON. */

static void must_show(const cJSON *status, const struct history *h, bool utf8)
{
	const struct show_options options = {.utf8 = utf8, .bars = true};
	struct text out = {0};
	char *shown;

	show_status(&out, status, h, &options);
	shown = text_take(&out);
	MUST(shown);
	MUST_OF(fuzz_is_plain(shown, "\n"), shown);
	free(shown);
	show_connections(&out, status);
	shown = text_take(&out);
	MUST(shown);
	MUST_OF(fuzz_is_plain(shown, "\n"), shown);
	free(shown);
}

static void read_answer(const char *text)
{
	struct fault why = {""};
	cJSON *o = answer_read(text, "/run/lowport.sock", &why);

	if (!o) {
		fuzz_must_explain(why.text);
		MUST_OF(fuzz_is_plain(why.text, ""), why.text);
		return;
	}
	MUST(answer_string(o, "error")[0] == '\0');
	MUST(answer_number(o, "status") <= UINT64_C(9007199254740992));
	cJSON_Delete(o);
}

static void read_status(const char *text, struct history *h)
{
	struct fault why = {""};
	cJSON *o = answer_read_status(text, "/run/lowport.sock", &why);

	if (!o) {
		fuzz_must_explain(why.text);
		MUST_OF(fuzz_is_plain(why.text, ""), why.text);
		return;
	}
	history_note(h, o);
	must_show(o, h, true);
	must_show(o, h, false);
	cJSON_Delete(o);
}

static void write_json(const char *text)
{
	struct json j = {.first = true};
	const cJSON *member;
	char *written;
	cJSON *o;

	json_begin(&j, NULL, '{');
	json_string(&j, "a", text);
	json_begin(&j, text, '[');
	json_string(&j, NULL, text);
	json_end(&j, ']');
	json_end(&j, '}');
	written = text_take(&j.text);
	MUST(written);
	MUST(!strchr(written, '\n'));
	o = cJSON_Parse(written);
	MUST_OF(cJSON_IsObject(o), written);
	member = o->child;
	MUST(strcmp(member->string, "a") == 0 && member->valuestring);
	if (fuzz_is_plain(text, "\n\t"))
		MUST_OF(strcmp(member->valuestring, text) == 0, written);
	MUST(cJSON_IsArray(member->next) && !member->next->next);
	cJSON_Delete(o);
	free(written);
}

/* Several answers, one a line: rates come of two. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct feed f = {data, size};
	struct history *h = history_new();
	char *line, *whole = fuzz_text(data, size);

	MUST(h);
	write_json(whole);
	free(whole);
	while ((line = feed_line(&f))) {
		read_answer(line);
		read_status(line, h);
		free(line);
	}
	history_free(h);
	return 0;
}

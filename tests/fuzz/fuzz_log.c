#include "fuzz.h"

#include "cli/log_json.h"

#include <cJSON.h>
#include <stdlib.h>
#include <string.h>

/* Whatever the text, a line of the log is one line of UTF-8 that moves no
 * cursor; as JSON it is one object that says the same. */

static void check_text(const char *text, enum log_level level)
{
	char line[LOG_TEXT];
	size_t n = log_line(line, "2023-11-14 22:13:20.007 ", level, text, " ");

	MUST(n == strlen(line) && n < LOG_TEXT && line[n - 1] == '\n');
	line[n - 1] = '\0';
	MUST_OF(fuzz_is_plain(line, ""), line);
	/* What somebody else has put before it is cut, not overrun. */
	n = log_line(line, text, level, text, "\n  ");
	MUST(n == strlen(line) && n < LOG_TEXT && line[n - 1] == '\n');
}

static void check_escape(const char *text, size_t size)
{
	char *buf = malloc(size);
	size_t n;

	MUST(buf);
	n = log_escape(buf, size, text, "\n");
	MUST(n == strlen(buf) && n < size);
	MUST(fuzz_is_plain(buf, "\n"));
	free(buf);
}

static void check_json(const char *text, enum log_level level,
		       const struct record *ended)
{
	char line[LOG_JSON], message[LOG_TEXT];
	size_t n = log_json_line(line, 1700000000007, level, text, ended);
	cJSON *o;

	MUST(n == strlen(line) && n < LOG_JSON && line[n - 1] == '\n');
	line[n - 1] = '\0';
	MUST_OF(fuzz_is_plain(line, ""), line);
	o = cJSON_Parse(line);
	MUST_OF(cJSON_IsObject(o), line);
	log_escape(message, sizeof(message), text, "\n");
	MUST_OF(strcmp(cJSON_GetObjectItem(o, "message")->valuestring,
		       message) == 0,
		line);
	MUST(!cJSON_HasObjectItem(o, "reason") == !ended);
	cJSON_Delete(o);
}

static void fill_record(struct record *r, struct feed *f, const char *path)
{
	memset(r, 0, sizeof(*r));
	r->client = (struct addr){.family = AF_UNIX};
	r->client.path = path;
	r->local = (struct addr){.family = AF_INET6, .scope = feed_byte(f)};
	r->local.ip[0] = feed_byte(f);
	r->backend = feed_byte(f) % 2 ? r->client : r->local;
	r->up = feed_number(f, 8);
	r->down = feed_number(f, 8);
	r->duration_ms = feed_number(f, 8);
	r->reason = (enum close_reason)(feed_byte(f) % CLOSE_REASONS);
	r->error = -(int)feed_byte(f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size), buf[RECORD_TEXT];
	struct feed f = {data, size};
	struct record ended;
	enum log_level level;

	fill_record(&ended, &f, text);
	level = (enum log_level)(feed_byte(&f) % LEVELS);
	check_text(text, level);
	check_escape(text, 1 + feed_byte(&f));
	check_json(text, level, NULL);
	check_json(text, level, &ended);
	record_print(&ended, buf);
	check_text(buf, level);
	free(text);
	return 0;
}

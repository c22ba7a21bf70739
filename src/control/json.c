#include "control/json.h"

#include "base/utf8.h"

static void quote(struct text *t, const char *s)
{
	text_add_bytes(t, "\"", 1);
	while (*s != '\0') {
		size_t length = utf8_length(s);
		unsigned char c = (unsigned char)*s;

		if (length == 0)
			text_add(t, "\\ufffd");
		else if (c == '"' || c == '\\')
			text_addf(t, "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			text_addf(t, "\\u%04x", c);
		else if (length == 2 && c == 0xc2 && (s[1] & 0xe0) == 0x80)
			/* A terminal may obey what C1 has, too. */
			text_addf(t, "\\u00%02x", (unsigned char)s[1]);
		else
			text_add_bytes(t, s, length);
		s += length > 0 ? length : 1;
	}
	text_add_bytes(t, "\"", 1);
}

static void begin_value(struct json *j, const char *key)
{
	if (j->text.length > 0 && !j->first)
		text_add_bytes(&j->text, ",", 1);
	j->first = false;
	if (!key)
		return;
	quote(&j->text, key);
	text_add_bytes(&j->text, ":", 1);
}

void json_begin(struct json *j, const char *key, char bracket)
{
	begin_value(j, key);
	text_add_bytes(&j->text, &bracket, 1);
	j->first = true;
}

void json_end(struct json *j, char bracket)
{
	text_add_bytes(&j->text, &bracket, 1);
	j->first = false;
}

void json_string(struct json *j, const char *key, const char *s)
{
	begin_value(j, key);
	if (s)
		quote(&j->text, s);
	else
		text_add(&j->text, "null");
}

void json_number(struct json *j, const char *key, uint64_t n)
{
	begin_value(j, key);
	text_add_number(&j->text, n);
}

void json_bool(struct json *j, const char *key, bool b)
{
	begin_value(j, key);
	text_add(&j->text, b ? "true" : "false");
}

#include "service/unit_text.h"

#include "base/words.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

void unit_put_text(FILE *to, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '%')
			fputc('%', to);
		fputc(*text == '\n' ? ' ' : *text, to);
	}
}

static bool is_plain(const char *word)
{
	for (const char *p = word; *p != '\0'; p++)
		if (!isalnum((unsigned char)*p) &&
		    !strchr("-_./:@=,+[]*{}", *p))
			return false;
	return word[0] != '\0';
}

static void put_character(FILE *to, unsigned char c, bool is_program)
{
	if (c == '"' || c == '\\')
		fprintf(to, "\\%c", c);
	else if (c < ' ' || c == 0x7f)
		fprintf(to, "\\x%02x", c);
	else if (c == '%')
		fputs("%%", to);
	else if (c == '$' && !is_program)
		fputs("$$", to);
	else
		fputc(c, to);
}

void unit_put_word(FILE *to, const char *word, bool is_program)
{
	if (is_plain(word)) {
		fputs(word, to);
		return;
	}
	fputc('"', to);
	for (; *word != '\0'; word++)
		put_character(to, (unsigned char)*word, is_program);
	fputc('"', to);
}

static int hex(char c)
{
	const char *digits = "0123456789abcdef";
	const char *at = strchr(digits, tolower((unsigned char)c));

	return c != '\0' && at ? (int)(at - digits) : -1;
}

/* One character behind a backslash. Returns how far it went. */
static size_t unescape(const char *p, char *out)
{
	static const char from[] = "abfnrtvs", to[] = "\a\b\f\n\r\t\v ";
	const char *at = strchr(from, *p);

	if (*p == 'x' && hex(p[1]) >= 0 && hex(p[2]) >= 0) {
		*out = (char)(hex(p[1]) * 16 + hex(p[2]));
		return 3;
	}
	*out = at ? to[at - from] : *p;
	return 1;
}

/* The word at *p, which moves behind it; it is never longer than its text. In
 * the program itself a $ is only that. Returns its length. */
static size_t read_word(const char **p, char *out, bool is_program)
{
	char quote = '\0';
	size_t n = 0;

	while (**p != '\0' && (quote || !isspace((unsigned char)**p))) {
		char c = *(*p)++;

		if (c == quote && quote)
			quote = '\0';
		else if (!quote && (c == '"' || c == '\''))
			quote = c;
		else if (c == '\\' && **p != '\0')
			*p += unescape(*p, &out[n++]);
		else if ((c == '%' || (c == '$' && !is_program)) && **p == c)
			out[n++] = *(*p)++;
		else
			out[n++] = c;
	}
	return n;
}

int unit_split(const char *line, char ***out)
{
	size_t count = 0, most = strlen(line) / 2 + 2;
	char **words = calloc(most, sizeof(*words));
	char *word = malloc(strlen(line) + 1);

	while (words && word) {
		size_t length;

		while (isspace((unsigned char)*line))
			line++;
		if (*line == '\0')
			break;
		length = read_word(&line, word, count == 0);
		words[count] = strndup(word, length);
		if (!words[count++])
			break;
	}
	free(word);
	if (!words || !word || (count > 0 && !words[count - 1])) {
		words_free(words);
		return -ENOMEM;
	}
	*out = words;
	return 0;
}

/* Up to the end of the line, with those that a backslash joins. */
static char *copy_value(const char *from)
{
	size_t length = strlen(from), n = 0;
	char *value = malloc(length + 1);

	for (const char *p = from; value && *p != '\0' && *p != '\n'; p++) {
		if (p[0] == '\\' && p[1] == '\n') {
			value[n++] = ' ';
			p++;
		} else {
			value[n++] = *p;
		}
	}
	if (value)
		value[n] = '\0';
	return value;
}

char *unit_value(const char *text, const char *key, unsigned index)
{
	size_t length = strlen(key);

	for (const char *p = text; p; p = strchr(p, '\n')) {
		p += *p == '\n';
		if (strncmp(p, key, length) == 0 && p[length] == '=' &&
		    index-- == 0)
			return copy_value(p + length + 1);
	}
	return NULL;
}

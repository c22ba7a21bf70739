#include "base/words.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct splitter {
	const char *text; /* all of it */
	const char *at;   /* what comes next */
	char *word;       /* in the making */
	size_t length;
	struct fault *why;
};

/* A position as a person counts, from 1: UTF-8 follows on with 10xxxxxx. */
static int column(const struct splitter *s, const char *at)
{
	int n = 1;

	for (const char *p = s->text; p < at; p++)
		n += (*p & 0xc0) != 0x80;
	return n;
}

/* Show where; a text of several lines has no columns. */
static int complain(struct splitter *s, const char *at, const char *what)
{
	int n = column(s, at);

	if (strpbrk(s->text, "\n\t"))
		return fault_set(s->why, -EINVAL, "at character %d, %s", n,
				 what);
	return fault_set(s->why, -EINVAL, "at character %d, %s\n%s\n%*s^", n,
			 what, s->text, n - 1, "");
}

static int complain_shell(struct splitter *s, const char *at)
{
	return complain(s, at,
			"something that only a shell can do, and there is "
			"none; put quotes around it if it is an argument, or "
			"name the shell: --exec \"sh -c '...'\"");
}

static bool is_variable(const char *at)
{
	unsigned char next = (unsigned char)at[1];

	return at[0] == '$' && (isalnum(next) || strchr("_{(?$!@*#-", next)) &&
	       next != '\0';
}

static void keep(struct splitter *s, char c)
{
	s->word[s->length++] = c;
}

/* Take '...'; at is its first quote. */
static int take_single(struct splitter *s)
{
	const char *open = s->at++;
	const char *close = strchr(s->at, '\'');

	if (!close)
		return complain(s, open, "the ' is never closed");
	while (s->at < close)
		keep(s, *s->at++);
	s->at++;
	return 0;
}

/* Take "..."; at is its first quote. */
static int take_double(struct splitter *s)
{
	const char *open = s->at++;

	while (*s->at != '"') {
		if (*s->at == '\0')
			return complain(s, open, "the \" is never closed");
		if (*s->at == '`' || is_variable(s->at))
			return complain_shell(s, s->at);
		if (*s->at == '\\' && s->at[1] != '\0' &&
		    strchr("\"\\$`", s->at[1]))
			s->at++;
		keep(s, *s->at++);
	}
	s->at++;
	return 0;
}

static int take_bare(struct splitter *s)
{
	if (strchr("|&;<>()`", *s->at) || is_variable(s->at))
		return complain_shell(s, s->at);
	if (*s->at == '\\' && *++s->at == '\0')
		return complain(s, s->at - 1,
				"a \\ with nothing behind it (\\\\ is one "
				"that is meant)");
	keep(s, *s->at++);
	return 0;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

/* Returns 1 with a word, 0 at the end, or -EINVAL. */
static int next_word(struct splitter *s)
{
	int err = 0;

	while (is_blank(*s->at))
		s->at++;
	if (*s->at == '\0')
		return 0;
	s->length = 0;
	while (err == 0 && *s->at != '\0' && !is_blank(*s->at)) {
		if (*s->at == '\'')
			err = take_single(s);
		else if (*s->at == '"')
			err = take_double(s);
		else
			err = take_bare(s);
	}
	return err < 0 ? err : 1;
}

static int split(struct splitter *s, char **words)
{
	size_t count = 0;
	int more;

	while ((more = next_word(s)) > 0) {
		words[count] = strndup(s->word, s->length);
		if (!words[count++])
			return fault_set(s->why, -ENOMEM, "out of memory");
	}
	if (more == 0 && count == 0)
		return fault_set(s->why, -EINVAL,
				 "\"%s\" names no command (try 'npm start')",
				 s->text);
	return more;
}

int words_split(const char *text, char ***out, struct fault *why)
{
	size_t length = strlen(text);
	struct splitter s = {.text = text, .at = text, .why = why};
	char **words = calloc(length / 2 + 2, sizeof(*words));
	int err;

	s.word = malloc(length + 1);
	if (words && s.word)
		err = split(&s, words);
	else
		err = fault_set(why, -ENOMEM, "out of memory");
	free(s.word);
	if (err < 0)
		words_free(words);
	else
		*out = words;
	return err;
}

/* The value that {NAME} at word stands for, or NULL. */
static const char *value_at(const char *word, const struct words_value *values,
			    size_t *length)
{
	for (; *word == '{' && values->name; values++) {
		size_t n = strlen(values->name);

		*length = n + 2;
		if (strncmp(word + 1, values->name, n) == 0 &&
		    word[n + 1] == '}')
			return values->value;
	}
	return NULL;
}

/* Into buf, unless it is NULL. Returns the length. */
static size_t fill(const char *word, const struct words_value *values,
		   char *buf)
{
	size_t n = 0;

	while (*word != '\0') {
		size_t taken = 1, length = 1;
		const char *value = value_at(word, values, &taken);

		if (value)
			length = strlen(value);
		if (buf)
			memcpy(buf + n, value ? value : word, length);
		word += value ? taken : 1;
		n += length;
	}
	return n;
}

char *words_fill(const char *word, const struct words_value *values)
{
	size_t length = fill(word, values, NULL);
	char *filled = malloc(length + 1);

	if (filled)
		filled[fill(word, values, filled)] = '\0';
	return filled;
}

void words_free(char **words)
{
	for (size_t i = 0; words && words[i]; i++)
		free(words[i]);
	free(words);
}

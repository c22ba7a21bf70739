#include "fuzz.h"

#include "base/words.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Words that are quoted for a shell come apart again as they were, whatever is
 * in them; and what {NAME} stands for is all that changes. */

/* As a shell is given it: '...', and '\'' for a ' in it. */
static char *quote_all(char *const words[])
{
	char *text;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	MUST(f);
	for (; *words; words++) {
		fputc('\'', f);
		for (const char *p = *words; *p != '\0'; p++)
			if (*p == '\'')
				fputs("'\\''", f);
			else
				fputc(*p, f);
		fputs("' ", f);
	}
	fclose(f);
	return text;
}

static void must_come_apart(char *const words[])
{
	char *text = quote_all(words);
	char **again;
	struct fault why;
	size_t i = 0;

	MUST_OF(words_split(text, &again, &why) == 0, text);
	for (; words[i]; i++)
		MUST_OF(again[i] && strcmp(words[i], again[i]) == 0, text);
	MUST_OF(!again[i], text);
	words_free(again);
	free(text);
}

static void must_fill(const char *word)
{
	static const struct words_value none[] = {{NULL, NULL}};
	static const struct words_value itself[] = {
		{"port", "{port}"},
		{"path", NULL},
		{"", "{}"},
		{NULL, NULL},
	};
	static const struct words_value some[] = {
		{"port", "8080"},
		{"address", "127.0.0.1:8080"},
		{NULL, NULL},
	};
	char *filled = words_fill(word, none);

	MUST(filled && strcmp(filled, word) == 0);
	free(filled);
	filled = words_fill(word, itself);
	MUST(filled && strcmp(filled, word) == 0);
	free(filled);
	filled = words_fill(word, some);
	MUST(filled && !strstr(filled, "{address}"));
	free(filled);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size), **words;
	struct fault why = {""};
	int err = words_split(text, &words, &why);

	if (err == 0) {
		MUST(words[0]);
		must_come_apart(words);
		for (size_t i = 0; words[i]; i++)
			must_fill(words[i]);
		words_free(words);
	} else {
		MUST(err == -EINVAL);
		fuzz_must_explain(why.text);
	}
	free(text);
	return 0;
}

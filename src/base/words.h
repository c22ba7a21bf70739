#ifndef LOWPORT_BASE_WORDS_H
#define LOWPORT_BASE_WORDS_H

#include "base/fault.h"

#include <stddef.h>

/*
 * A command line as words, split like a shell would: blanks separate, '...'
 * keeps all that is in it, "..." all but \" \\ \$ and \`, and a backslash
 * outside of both keeps the character behind it.
 *
 * There is no shell, so what only a shell can do ($NAME, pipes, redirections,
 * ...) is a mistake, unless it is quoted; nobody is served by passing it on as
 * it is.
 */

/* Returns 0, or -EINVAL (an open quote, no word, something for a shell) or
 * -ENOMEM with *why. *out ends with NULL and is the caller's, who gives it to
 * words_free(). */
int words_split(const char *text, char ***out, struct fault *why);

/* What stands for {NAME} in a word. */
struct words_value {
	const char *name;  /* NULL ends an array of them */
	const char *value; /* NULL: {NAME} stays as it is */
};

/* The word with each {NAME} replaced; other braces stay. The caller's to free;
 * NULL if there is no memory. */
char *words_fill(const char *word, const struct words_value *values);

/* words may be NULL. */
void words_free(char **words);

#endif

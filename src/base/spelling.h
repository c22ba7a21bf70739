#ifndef LOWPORT_BASE_SPELLING_H
#define LOWPORT_BASE_SPELLING_H

#include <stdbool.h>
#include <stddef.h>

/* Which name was meant by a misspelt one. */

/* How many letters must be put in, left out or changed to make b of a
 * (Levenshtein); more than spelling_resembles() lets pass if one of them is
 * longer than any name. */
size_t spelling_distance(const char *a, const char *b);

/* Might somebody who typed this have meant that name? */
bool spelling_resembles(const char *typed, const char *name);

#endif

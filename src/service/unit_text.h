#ifndef LOWPORT_SERVICE_UNIT_TEXT_H
#define LOWPORT_SERVICE_UNIT_TEXT_H

#include "base/fault.h"

#include <stdbool.h>
#include <stdio.h>

/* The syntax of unit files, systemd.syntax(7) and systemd.service(5). */

/* Print text as a value: %, which begins a specifier, is doubled. */
void unit_put_text(FILE *to, const char *text);

/* Print one word of a command line, which stays that word whatever is in it:
 * quoted where it has to be, with % doubled and, behind the program itself, $
 * as well. */
void unit_put_word(FILE *to, const char *word, bool is_program);

/* The words of a command line. Returns 0 or a negative errno; *out is as
 * words_split() gives it (base/words.h). */
int unit_split(const char *line, char ***out);

/* The value of the index-th KEY= in the text of a unit file, continued lines
 * joined, which the caller frees; NULL if there is none. */
char *unit_value(const char *text, const char *key, unsigned index);

#endif

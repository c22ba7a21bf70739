#ifndef LOWPORT_BASE_UTF8_H
#define LOWPORT_BASE_UTF8_H

#include <stddef.h>

/* How many bytes the UTF-8 character at the start of text has: 1 to 4, or 0 if
 * these bytes are none (RFC 3629: cut off, overlong, a surrogate, beyond
 * U+10FFFF). text ends with a zero, which is a character of 1. */
size_t utf8_length(const char *text);

#endif

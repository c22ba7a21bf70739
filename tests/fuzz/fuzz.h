#ifndef LOWPORT_TESTS_FUZZ_H
#define LOWPORT_TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/*
 * What the targets share. A target is one function, which libFuzzer calls with
 * bytes of its own (the preset `fuzz`), or replay.c with those of a file (every
 * other one). It has to leave nothing behind.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Once, before the first input. A target that needs nothing has it from
 * begin_nothing.c. */
int LLVMFuzzerInitialize(int *argc, char ***argv);

/* What has to hold, in every build. */
#define MUST(what)                                                  \
	do {                                                        \
		if (!(what))                                        \
			fuzz_fail(__FILE__, __LINE__, #what, NULL); \
	} while (0)

/* The same, with what it was about. */
#define MUST_OF(what, about)                                         \
	do {                                                         \
		if (!(what))                                         \
			fuzz_fail(__FILE__, __LINE__, #what, about); \
	} while (0)

void fuzz_fail(const char *file, int line, const char *what, const char *about)
	__attribute__((noreturn));

/* The bytes as text, in memory of just that size; a zero among them ends it for
 * most readers. The caller frees it. */
char *fuzz_text(const uint8_t *data, size_t size);

/* The same bytes, in memory of just that size. */
uint8_t *fuzz_copy(const uint8_t *data, size_t size);

/* Input that is eaten from its front; at its end there are zeroes. */
struct feed {
	const uint8_t *at;
	size_t left;
};

uint8_t feed_byte(struct feed *f);
uint64_t feed_number(struct feed *f, unsigned bytes); /* 1 to 8 */

/* Up to a newline, or the end; the caller frees it. NULL: nothing is left. */
char *feed_line(struct feed *f);

/* Is it UTF-8 throughout, and has it no control characters but those? Told
 * apart here by RFC 3629, not by the code that is looked at. */
bool fuzz_is_plain(const char *text, const char *controls);

/* Does it say something, and does it fit a line of its own? */
void fuzz_must_explain(const char *text);

#endif

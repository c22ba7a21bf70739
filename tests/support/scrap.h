#ifndef LOWPORT_TESTS_SCRAP_H
#define LOWPORT_TESTS_SCRAP_H

/* Text that lives until the end of a test: arguments, paths, answers. */

/* As printf() would print it. */
const char *scrap(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

/* Free all of it; for teardowns. */
void scrap_free(void);

#endif

#ifndef LOWPORT_TESTS_PF_RIG_H
#define LOWPORT_TESTS_PF_RIG_H

#include "config/pf.h"

/*
 * A pf.conf that a test reads. Whatever comes of it is held to what the rest of
 * lowport takes: each listener, backend and network, and each install line as
 * options.
 */

/* Read it as the file "pf.conf". */
void pf_given(const char *text);
void pf_given_bytes(const char *text, size_t length);

/* What came of it. Freed by the next, and by pf_end(). */
const struct pf *pf_result(void);

/* One relay a line: LISTENERS > BACKEND, and then +ALLOWED or -DENIED. */
const char *pf_relays(void);

/* All that is said, a line each. */
const char *pf_said(void);

/* For cmocka, after each test. */
int pf_end(void **state);

/* Rules, and what they come to, with nothing said. */
void assert_becomes(const char *rules, const char *relays);

/* Rules that come to nothing, and why. */
void assert_left_out(const char *rules, const char *why);

/* No pf.conf at all, and where it goes wrong, and how. */
void assert_mistake(const char *text, const char *said);

#endif

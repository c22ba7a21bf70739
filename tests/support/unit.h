#ifndef LOWPORT_TESTS_UNIT_H
#define LOWPORT_TESTS_UNIT_H

/* cmocka, with what it wants to be included before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A message to a person has this word in it. */
#define assert_says(text, word)                                              \
	do {                                                                 \
		const char *said = (text), *wanted = (word);                 \
                                                                             \
		if (!strstr(said, wanted))                                   \
			fail_msg("\"%s\" is not said by: %s", wanted, said); \
	} while (0)

/* A row of a test list with a name of its own and something to begin with. */
#define UNIT_ROW(test, as, setup, teardown, with)              \
	{                                                      \
#test " (" as ")", test, setup, teardown, with \
	}

#endif

#ifndef LOWPORT_TESTS_PIPES_H
#define LOWPORT_TESTS_PIPES_H

#include <stdbool.h>

/*
 * pipe-user-pages-soft: a user who has that many pages in pipes is refused
 * large ones (pipe(7)). These take all of an ordinary user's, in a process of
 * their own, which ends with the test at the latest.
 */

/* False where there is no such limit. */
bool pipes_use_up(void);

void pipes_give_back(void);

#endif

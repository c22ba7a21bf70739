#ifndef LOWPORT_TESTS_SCENE_H
#define LOWPORT_TESTS_SCENE_H

#include "fault/plan.h"
#include "support/proc.h"

#include <stdbool.h>

/*
 * What a lowport goes through in its life: a start, clients of all kinds, a
 * question, a reload, an end. While it is played one of its calls fails.
 */

/* For cmocka: the plan, of the group. Call after program_set_up(). */
int scene_set_up(void);

/* All rows as zeroes. */
struct plan *scene_plan(void);
struct plan *scene_mapped(void); /* as it is */

/* Play it once, with the plan as it is. Returns NULL, or what is not as it
 * should be. */
const char *scene_play(void);

/* Of the last one: did it refuse to start, were clients lost? */
bool scene_began(void);
unsigned scene_lost(void);

/* What was wrong first; empty: nothing so far. */
const char *scene_wrong(void);

/* Start it with the plan; NULL if it ended before it listened. Where the
 * listeners are, by their names in scene.c. */
struct proc *scene_start(void);
const char *scene_at(unsigned listener);

enum { SCENE_TCP, SCENE_UNIX, SCENE_NAME, SCENE_DEAD, SCENE_LISTENERS };

/* Ask as a client does: exactly served, cut off (as it may be when a call
 * failed), or wrongly. */
enum scene_word { SCENE_FINE, SCENE_CUT, SCENE_WRONG, SCENE_HANGS };
enum scene_word scene_ask(unsigned listener, size_t size);

/* The same for a client that is connected already; takes fd and
 * has said that. */
enum scene_word scene_finish(int fd, unsigned listener, const char *said,
			     size_t size);

/* Wait until the backend has heard so many bytes, of all TCP clients. */
void scene_await_bytes(uint64_t count);

/* How long it has worked. */
double scene_worked_ms(const struct proc *p);

/* Wait until it has so few sockets. */
bool scene_settles(const struct proc *p, int sockets);

#endif

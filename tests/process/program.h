#ifndef LOWPORT_TESTS_PROGRAM_H
#define LOWPORT_TESTS_PROGRAM_H

#include "process/backend.h"
#include "process/peers.h"
#include "support/proc.h"
#include "support/scrap.h"

#include <stdbool.h>

/*
 * The built program, run as an ordinary user: where the test is root it is
 * dropped to proc_user(), otherwise it is whoever runs the test.
 */

/* For cmocka: of the group, and of each test. */
int program_set_up(void **state);
int program_tear_down(void **state);
int program_end_test(void **state);

/* The program, at a place that everybody may reach. */
const char *program_path(void);

/* A file in a directory that the ordinary user may write to. */
const char *program_file(const char *name);

/* Skip this test, saying what is missing. Does not return. */
void program_skip(const char *missing);

/* Skip it unless there is such a program. */
void program_need(const char *program, const char *package);

/* Not in the sandbox, for the rest of this test: a file has an --exec. */
void program_without_sandbox(void);

/* argv ends with NULL and begins behind `lowport`. opt may be NULL. */
struct proc *program_start(const char *const argv[],
			   const struct proc_options *opt);

/* `lowport run` with these, started and listening. */
#define RUN(...) RUN_WITH(NULL, __VA_ARGS__)
#define RUN_WITH(opt, ...)               \
	program_listening(program_start( \
		(const char *const[]){"run", __VA_ARGS__, NULL}, opt))

struct proc *program_listening(struct proc *p);

/* The address on its index-th "listening on" line. */
const char *program_where(struct proc *p, unsigned index);

/* End it as a service manager does, and fail unless it ends well. */
void program_stop(struct proc *p);

/* How many descriptors it has; with kind, of those only that link to such a
 * thing ("pipe:"). -1 where there is no /proc. */
int program_descriptors(const struct proc *p, const char *kind);

/* How long it has been at work, in milliseconds; -1 where there is no /proc. */
long program_worked_ms(const struct proc *p);

#define assert_says(text, wanted) \
	assert_says_at(text, wanted, __FILE__, __LINE__)
void assert_says_at(const char *text, const char *wanted, const char *file,
		    int line);

#endif

#ifndef LOWPORT_TESTS_MATRIX_H
#define LOWPORT_TESTS_MATRIX_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The matrix: each flow case runs once for every row, with both movers and all
 * pairings of families that this machine has.
 */
struct row {
	const char *name;
	bool splice;
	int client_family;
	int backend_family;
};

/* A case gets its row as *state. One that mostly waits runs its rows side by
 * side, each in a process of its own. */
struct flow_case {
	const char *name;
	void (*run)(void **state);
	bool side_by_side;
};

#define FLOW_CASE(case)            \
	{                          \
#case, case, false \
	}
#define FLOW_CASE_SIDE_BY_SIDE(case) \
	{                            \
#case, case, true    \
	}

/* Leave the case, for this row, and say why. */
#define FLOW_SKIP(why)                               \
	do {                                         \
		print_message("skipped: " why "\n"); \
		skip();                              \
	} while (0)

/* Run them all. Returns what main() returns. */
int matrix_run(const char *name, const struct flow_case *cases, size_t count);

#define FLOW_RUN(name, cases) \
	matrix_run(name, cases, sizeof(cases) / sizeof((cases)[0]))

#endif

#ifndef LOWPORT_CONTROL_TABLE_H
#define LOWPORT_CONTROL_TABLE_H

#include "base/text.h"

enum { TABLE_GAP = 2 }; /* spaces between columns */

/* Cells in columns, each as wide as its widest. */
struct table {
	size_t columns;
	const bool *right;  /* of each column: its cells stand at the right */
	size_t first_width; /* the least that the first column has */
	char **cells;
	size_t count, room;
	bool failed; /* out of memory */
};

/* The next cell, row by row. What a terminal would obey is escaped. */
void table_add(struct table *t, const char *cell);
void table_add_number(struct table *t, uint64_t n);

/* Each row as a line, after indent spaces. */
void table_print(const struct table *t, size_t indent, struct text *out);

void table_free(struct table *t);

#endif

#include "control/table.h"

#include <stdlib.h>
#include <string.h>

enum { COLUMNS_MOST = 16, FIRST_ROOM = 256 };

/* Takes cell, which may be NULL. */
static void add(struct table *t, char *cell)
{
	if (cell && t->count == t->room) {
		size_t room = t->room > 0 ? t->room * 2 : FIRST_ROOM;
		char **more = realloc(t->cells, room * sizeof(*more));

		if (!more) {
			free(cell);
			cell = NULL;
		} else {
			t->cells = more;
			t->room = room;
		}
	}
	if (cell)
		t->cells[t->count++] = cell;
	else
		t->failed = true;
}

void table_add(struct table *t, const char *cell)
{
	struct text text = {0};

	text_add_escaped(&text, cell);
	add(t, text_take(&text));
}

void table_add_number(struct table *t, uint64_t n)
{
	struct text text = {0};

	text_add_number(&text, n);
	add(t, text_take(&text));
}

static void measure(const struct table *t, size_t widths[COLUMNS_MOST])
{
	memset(widths, 0, COLUMNS_MOST * sizeof(widths[0]));
	widths[0] = t->first_width;
	for (size_t i = 0; i < t->count; i++) {
		size_t width = text_width(t->cells[i]);

		if (width > widths[i % t->columns])
			widths[i % t->columns] = width;
	}
}

static void blanks(struct text *out, size_t count)
{
	while (count-- > 0)
		text_add_bytes(out, " ", 1);
}

void table_print(const struct table *t, size_t indent, struct text *out)
{
	size_t widths[COLUMNS_MOST], behind = 0;

	out->failed = out->failed || t->failed;
	measure(t, widths);
	for (size_t i = 0; i < t->count; i++) {
		size_t column = i % t->columns;
		size_t gap = widths[column] - text_width(t->cells[i]);

		behind += column == 0 ? indent : TABLE_GAP;
		if (t->right[column])
			behind += gap;
		/* A line does not end with blanks. */
		if (t->cells[i][0] != '\0') {
			blanks(out, behind);
			text_add(out, t->cells[i]);
			behind = 0;
		}
		behind += t->right[column] ? 0 : gap;
		if (column + 1 == t->columns) {
			text_add_bytes(out, "\n", 1);
			behind = 0;
		}
	}
}

void table_free(struct table *t)
{
	for (size_t i = 0; i < t->count; i++)
		free(t->cells[i]);
	free(t->cells);
	t->cells = NULL;
	t->count = t->room = 0;
}

#include "support/scrap.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct piece {
	struct piece *next;
	char text[];
};

static struct piece *pieces;

const char *scrap(const char *format, ...)
{
	struct piece *p;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	p = malloc(sizeof(*p) + (size_t)n + 1);
	if (!p)
		abort();
	va_start(args, format);
	vsnprintf(p->text, (size_t)n + 1, format, args);
	va_end(args);
	p->next = pieces;
	pieces = p;
	return p->text;
}

void scrap_free(void)
{
	while (pieces) {
		struct piece *p = pieces;

		pieces = p->next;
		free(p);
	}
}

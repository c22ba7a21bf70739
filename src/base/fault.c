#include "base/fault.h"

#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

int fault_set(struct fault *why, int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why->text, sizeof(why->text), format, args);
	va_end(args);
	return err;
}

void fault_escape(struct fault *why)
{
	struct text t = {0};
	char *clean;

	text_add_escaped(&t, why->text);
	clean = text_take(&t);
	fault_set(why, 0, "%s", clean ? clean : "out of memory");
	free(clean);
}

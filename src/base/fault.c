#include "base/fault.h"

#include <stdarg.h>
#include <stdio.h>

int fault_set(struct fault *why, int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why->text, sizeof(why->text), format, args);
	va_end(args);
	return err;
}

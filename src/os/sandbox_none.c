#include "os/sandbox.h"

const bool sandbox_is_built = false;

bool sandbox_calls(struct fault *why)
{
	fault_set(why, 0, "there is none in this build of lowport");
	return false;
}

bool sandbox_files(const struct sandbox_plan *plan, struct fault *why)
{
	(void)plan;
	return sandbox_calls(why);
}

bool sandbox_begin(const struct sandbox_plan *plan, enum sandbox_mode mode,
		   void (*refused)(void), struct fault *why)
{
	(void)plan;
	(void)mode;
	(void)refused;
	return sandbox_calls(why);
}

void sandbox_end(void)
{
}

unsigned sandbox_refused(char *buf, size_t size)
{
	if (size > 0)
		buf[0] = '\0';
	return 0;
}

bool sandbox_reaches(const struct sandbox_place *place)
{
	(void)place;
	return true;
}

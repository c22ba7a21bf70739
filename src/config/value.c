#include "config/value.h"

#include "base/num.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

int value_time(struct config *c, const struct option *o, const char *text,
	       struct fault *why)
{
	uint64_t ms;
	int err = num_parse_duration(text, &ms);

	if (err == -EINVAL)
		return fault_set(why, err,
				 "\"%s\" is not a duration (try 30s, 10m, 2h)",
				 text);
	if (err < 0 || ms < o->min || ms > o->max)
		return fault_set(why, -EINVAL, "\"%s\" is too %s (try %s)",
				 text,
				 err < 0 || ms > o->max ? "long" : "short",
				 o->fallback);
	*option_member(c, o) = ms;
	return 0;
}

int value_seconds(struct config *c, const struct option *o, const char *text,
		  struct fault *why)
{
	int err = value_time(c, o, text, why);

	if (err == 0 && *option_member(c, o) % 1000 != 0)
		return fault_set(why, -EINVAL,
				 "\"%s\" is not in whole seconds (try %s)",
				 text, o->fallback);
	if (err == 0)
		*option_member(c, o) /= 1000;
	return err;
}

int value_number(struct config *c, const struct option *o, const char *text,
		 struct fault *why)
{
	uint64_t number;

	if (num_parse(text, 10, o->min, o->max, &number) < 0)
		return fault_set(why, -EINVAL,
				 "\"%s\" is not a number from %" PRIu64
				 " to %" PRIu64,
				 text, o->min, o->max);
	*option_member(c, o) = number;
	return 0;
}

int value_number_or_auto(struct config *c, const struct option *o,
			 const char *text, struct fault *why)
{
	if (strcmp(text, "auto") != 0)
		return value_number(c, o, text, why);
	*option_member(c, o) = 0;
	return 0;
}

int value_mode(struct config *c, const struct option *o, const char *text,
	       struct fault *why)
{
	uint64_t mode;

	if (num_parse(text, 8, o->min, o->max, &mode) < 0)
		return fault_set(why, -EINVAL,
				 "\"%s\" is not a file mode (try 0600, or 0660 "
				 "for a group)",
				 text);
	*option_member(c, o) = mode;
	return 0;
}

int value_switch(struct config *c, const struct option *o, const char *text,
		 struct fault *why)
{
	bool on = strcmp(text, o->fallback) == 0;

	if (!on && strcmp(text, "off") != 0)
		return fault_set(why, -EINVAL, "\"%s\" is neither %s nor off",
				 text, o->fallback);
	*option_member(c, o) = on;
	return 0;
}

int value_on_off(struct config *c, const struct option *o, const char *text,
		 struct fault *why)
{
	if (strcmp(text, "on") != 0 && strcmp(text, "off") != 0)
		return fault_set(why, -EINVAL, "\"%s\" is neither on nor off",
				 text);
	*option_member(c, o) = strcmp(text, "on") == 0;
	return 0;
}

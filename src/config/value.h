#ifndef LOWPORT_CONFIG_VALUE_H
#define LOWPORT_CONFIG_VALUE_H

#include "config/options.h"

/*
 * The kinds of values that any option may have: each reads text into the member
 * of o, within its min and max, as struct option has it.
 */

/* 30s, 10m: in milliseconds, or in seconds, of which there have to be whole
 * ones. */
int value_time(struct config *c, const struct option *o, const char *text,
	       struct fault *why);
int value_seconds(struct config *c, const struct option *o, const char *text,
		  struct fault *why);

/* A whole number; "auto" is 0. */
int value_number(struct config *c, const struct option *o, const char *text,
		 struct fault *why);
int value_number_or_auto(struct config *c, const struct option *o,
			 const char *text, struct fault *why);

/* The permissions of a file. */
int value_mode(struct config *c, const struct option *o, const char *text,
	       struct fault *why);

/* The default stands for on, "off" for off. */
int value_switch(struct config *c, const struct option *o, const char *text,
		 struct fault *why);

/* "on" or "off". */
int value_on_off(struct config *c, const struct option *o, const char *text,
		 struct fault *why);

#endif

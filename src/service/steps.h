#ifndef LOWPORT_SERVICE_STEPS_H
#define LOWPORT_SERVICE_STEPS_H

#include "service/agent.h"

/* What installing is made of, whoever the service manager is. Each step that a
 * person would want to hear of is told to say(). */

typedef void (*install_say)(const char *text);

void steps_sayf(install_say say, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Remove it, and say so; one that is not there is fine. */
void steps_remove_file(const char *path, install_say say);

/* Are the ports of a free, on those of its addresses that are here? 0, or
 * -EADDRINUSE with *why, which names who has it. */
int steps_check_ports(const struct agent *a, struct fault *why);

/* Put program where a runs it from. Returns 0, or a negative errno with *why. */
int steps_copy_program(const struct agent *a, const char *program,
		       struct fault *why);

/* Look at an address of a, which is here, from outside. Returns 0 if it listens,
 * or a negative errno with *why, which says what usually is the matter. */
int steps_look(const struct agent *a, const struct addr *at, const char *usual,
	       install_say say, struct fault *why);

/* Is it free, now that nobody should have it? */
void steps_say_port(const struct addr *at, install_say say);

#endif

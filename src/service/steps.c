#include "service/steps.h"

#include "os/file.h"
#include "os/netif.h"
#include "service/reach.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
	REACH_MS = 3000, /* for one address to accept a connection */
	HOLD_MS = 1000,  /* for the relay to hang up, if it has to */
};

void steps_sayf(install_say say, const char *format, ...)
{
	char text[2048];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	say(text);
}

void steps_remove_file(const char *path, install_say say)
{
	if (unlink(path) == 0)
		steps_sayf(say, "removed %s", path);
}

/* Is the port free? For launchd a wildcard listener of another user does not
 * stand in its way, one on this very address does. */
static int check_port(const struct agent_socket *s, struct fault *why)
{
	char text[ADDR_TEXT], who[768];

	if (!netif_has(&s->addr) || reach_connect(&s->addr, REACH_MS) < 0)
		return 0;
	reach_who(s->addr.port, who, sizeof(who));
	return fault_set(why, -EADDRINUSE,
			 "%s: something answers there already.\n%s%s",
			 addr_print(&s->addr, text), who[0] ? "It is:\n" : "",
			 who);
}

int steps_check_ports(const struct agent *a, struct fault *why)
{
	for (size_t i = 0; i < a->socket_count; i++) {
		int err = check_port(&a->sockets[i], why);

		if (err < 0)
			return err;
	}
	return 0;
}

int steps_look(const struct agent *a, const struct addr *at, const char *usual,
	       install_say say, struct fault *why)
{
	char text[ADDR_TEXT];
	int err = reach_hold(at, HOLD_MS);

	addr_print(at, text);
	if (err == -ECONNRESET || err == -EPIPE) {
		steps_sayf(
			say,
			"%s listens, but the backend does not answer yet (see "
			"%s)",
			text, a->log);
		return 0;
	}
	if (err < 0)
		return fault_set(why, err,
				 "%s: loaded, but nobody listens there: %s.\n"
				 "%s See %s, and: lowport doctor %s",
				 text, strerror(-err), usual, a->log, a->name);
	steps_sayf(say, "%s answers", text);
	return 0;
}

int steps_copy_program(const struct agent *a, const char *program,
		       struct fault *why)
{
	int err = 0;

	/* Reloaded by its own copy: nothing newer is at hand. */
	if (file_is_same(program, a->program))
		return 0;
	err = file_make_parent(a->program);
	if (err == 0)
		err = file_copy(program, a->program, 0755);
	return err < 0 ? fault_set(why, err, "%s: %s", a->program,
				   strerror(-err))
		       : 0;
}

void steps_say_port(const struct addr *at, install_say say)
{
	char text[ADDR_TEXT], who[1024];

	addr_print(at, text);
	if (!netif_has(at) || reach_connect(at, REACH_MS) < 0) {
		steps_sayf(say, "%s is free", text);
		return;
	}
	reach_who(at->port, who, sizeof(who));
	steps_sayf(say, "%s is still held, but not by this agent.\n%s", text,
		   who);
}

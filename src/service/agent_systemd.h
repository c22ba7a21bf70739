#ifndef LOWPORT_SERVICE_AGENT_SYSTEMD_H
#define LOWPORT_SERVICE_AGENT_SYSTEMD_H

#include "service/agent.h"

/*
 * Where the units of an agent lie: those of the system in /etc/systemd/system,
 * a user's in ~/.config/systemd/user. a->file is the .service; each .socket
 * beside it is for all sockets of one name.
 */

enum { UNIT_NAME = AGENT_NAME_MAX + 64 };

/* agent_init(), for the system if root asks, else for this user. Returns 0, or
 * -EINVAL with *why. */
int agent_init_systemd(struct agent *a, const char *name, struct fault *why);

/* Say whose it is. Returns 0, or -EINVAL with *why: there is no home. */
int agent_place_systemd(struct agent *a, bool of_system, struct fault *why);

/*
 * What it will run: this program where it is, if it is the system's (root's,
 * and where a package may replace it); else a copy, in a place of its own.
 * agent_has_copy() tells them apart.
 */
void agent_choose_program(struct agent *a, const char *program);
bool agent_has_copy(const struct agent *a);

/* One --listen: its sockets and arguments, as struct manager has it. */
int agent_add_listener_systemd(struct agent *a, const char *text, bool first,
			       struct fault *why);

/* A socket of a configuration file, as struct manager has it. */
int agent_add_socket_systemd(struct agent *a, const struct addr *at, bool joins,
			     struct fault *why);
int agent_add_interface_systemd(struct agent *a, const char *name,
				bool link_local, uint16_t port,
				struct fault *why);

/* The first socket that comes after i and has another name; a->socket_count if
 * there is none. */
size_t agent_next_name(const struct agent *a, size_t i);

/* lowport-NAME.service, and the .socket of socket i (lowport-NAME.socket; those
 * of further names are lowport-NAME@2.socket, ...). Return buf. */
const char *agent_service_unit(const struct agent *a, char buf[UNIT_NAME]);
const char *agent_socket_unit(const struct agent *a, size_t i,
			      char buf[UNIT_NAME]);

/* The file of a unit beside a->file. */
void agent_unit_file(const struct agent *a, const char *unit,
		     char buf[AGENT_PATH]);

#endif

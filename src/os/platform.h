#ifndef LOWPORT_OS_PLATFORM_H
#define LOWPORT_OS_PLATFORM_H

#include <stddef.h>
#include <sys/types.h>

/* What has another name or value on each system. CMake picks platform_linux.c
 * or platform_darwin.c. */

/* The TCP option that sets the silence before the first keepalive probe. */
extern const int platform_keepidle;

/* The most descriptors worth asking for, where the hard limit is no limit. */
extern const size_t platform_descriptors_max;

/* The cores that are made for speed and that this process may use; 0 if that
 * cannot be told. */
size_t platform_cores(void);

/* One sentence on how a port below 1024 on one address is had without root. */
extern const char platform_low_port_hint[];

/* What an error calls it when a port below 1024 is wanted on all addresses of an
 * interface: how lowport gets it, as a sentence and a command. to is the
 * backend, as the user wrote it or will. */
void platform_low_port_of_interface(char *buf, size_t size,
				    const char *interface, unsigned port,
				    const char *to);

/* The loopback interface. */
extern const char platform_loopback[];

/* The command that shows who listens on a TCP port, with one %u for it. */
extern const char platform_who_listens[];

/* The command that shows the addresses of this machine. */
extern const char platform_show_addresses[];

/* The program that tells the state of the Application Firewall; empty where
 * there is none. */
extern const char platform_firewall[];

/* The socket of the syslog daemon. */
extern const char platform_syslog[];

/* What Ctrl-T on a terminal sends, to ask how things are; 0 if nothing. */
extern const int platform_info_signal;
/* Where the system keeps what is of use only while it runs. */
extern const char platform_run_folder[];

/* The user's folder for temporary files, or everybody's. */
void platform_temporary_folder(char *buf, size_t size);

/* In a child: be asked to end (SIGTERM) when parent, which has just forked it,
 * dies. Nothing where the system cannot. */
void platform_die_with(pid_t parent);

/* Root becomes this user, with this group: real, effective and saved ids, of all
 * threads. Returns 0 or a negative errno. */
int platform_become(uid_t user, gid_t group);

/* Root has this group and the others of that user. Likewise. */
int platform_take_groups(const char *user, gid_t group);

/* No set-user-ID bit counts any more for this thread and those that it starts.
 * Returns 0 or a negative errno; -ENOSYS where there is no such thing. */
int platform_gain_no_rights(void);

/* No process of the same user may trace this one, and it dumps no core. */
void platform_let_nobody_look(void);

#endif

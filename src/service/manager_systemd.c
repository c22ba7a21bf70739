#include "service/manager.h"

#include "base/text.h"
#include "service/access_systemd.h"
#include "service/agent_systemd.h"
#include "service/doctor_systemd.h"
#include "service/install_systemd.h"
#include "service/unit.h"
#include "service/user_systemd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int put_unit(FILE *to, const struct agent *a, const char *unit,
		    char *text)
{
	char path[AGENT_PATH];

	if (!text)
		return -ENOMEM;
	agent_unit_file(a, unit, path);
	fprintf(to, "# %s\n%s", path, text);
	free(text);
	return 0;
}

/* As `systemctl cat` shows them. */
static char *all_units(const struct agent *a)
{
	char *text = NULL, unit[UNIT_NAME];
	size_t size;
	FILE *to = open_memstream(&text, &size);
	int err = 0;

	if (!to)
		return NULL;
	for (size_t i = 0; i < a->socket_count && err == 0;
	     i = agent_next_name(a, i)) {
		err = put_unit(to, a, agent_socket_unit(a, i, unit),
			       unit_socket(a, i));
		fputc('\n', to);
	}
	if (err == 0)
		err = put_unit(to, a, agent_service_unit(a, unit),
			       unit_service(a, user_behind_sudo()));
	text = text_of_stream(to, &text);
	if (err == 0)
		return text;
	free(text);
	return NULL;
}

static int print(struct agent *a, const char *program, bool daemon,
		 char **files, char **how, struct fault *why)
{
	struct fault note;
	int n = 0;

	*how = NULL;
	if (daemon)
		agent_place_systemd(a, true, why);
	agent_choose_program(a, program);
	*files = all_units(a);
	if (!*files)
		return fault_set(why, -ENOMEM, "out of memory");
	if (daemon)
		n = asprintf(how,
			     "This line, the only one with sudo, installs and "
			     "loads what was printed:\n\n"
			     "  sudo %s\n\n"
			     "It goes away with: sudo lowport uninstall %s\n",
			     a->asked ? a->asked : "lowport install ...",
			     a->name);
	else if (user_check_systemd(a, &note) < 0)
		n = asprintf(how, "lowport: %s\n", note.text);
	if (n < 0)
		*how = NULL;
	return 0;
}

/* Everybody may look at the system's. */
static int find(struct agent *a, const char *name, struct fault *why)
{
	int err = agent_init_systemd(a, name, why);

	if (err < 0 || a->of_system || access(a->file, F_OK) == 0)
		return err;
	agent_place_systemd(a, true, why);
	if (access(a->file, F_OK) == 0)
		return 0;
	return agent_place_systemd(a, false, why);
}

static void list_all(void (*found)(void *data, const char *name), void *data,
		     char *buf, size_t size)
{
	struct agent *a = calloc(1, sizeof(*a));
	struct fault why;
	size_t n = 0;

	buf[0] = '\0';
	if (!a || agent_init_systemd(a, "x", &why) < 0) {
		free(a);
		return;
	}
	for (int own = a->of_system ? 0 : 1; own >= 0; own--) {
		agent_place_systemd(a, !own, &why);
		*strrchr(a->file, '/') = '\0';
		if (n < size)
			n += (size_t)snprintf(buf + n, size - n,
					      "%s%s/lowport-*.service",
					      n > 0 ? ", " : "", a->file);
		manager_list_folder(a->file, "lowport-", ".service", NULL,
				    found, data);
	}
	free(a);
}

const struct manager manager_systemd = {
	.name = "systemd",
	.thing = "service",
	.help = "Have systemd hold a port and start lowport at the first "
		"connection: the system's\nsystemd with sudo (ports below 1024 "
		"need that; lowport then runs as a user\nwithout rights), "
		"your own without.\n\n"
		"  --listen SPEC    ADDR:PORT, *:PORT, INTERFACE:PORT or "
		"HOST:PORT; an interface\n"
		"                   is followed, a name is resolved now\n"
		"  --to BACKEND     as in lowport run\n"
		"  -c FILE          a socket for each address that the file "
		"listens at, and\n"
		"                   lowport run -c FILE; repeatable, or a "
		"folder\n"
		"  --label LABEL    what to call it (made from the first "
		"listener, or the file)\n"
		"  --print          print the units, and touch nothing\n"
		"  --daemon         print those of the system, and the one "
		"line "
		"that needs sudo\n"
		"  --reload LABEL   load an installed one anew: after an "
		"upgrade of lowport, or\n"
		"                   when the file listens elsewhere",
	.list = "ls /etc/systemd/system/lowport-* "
		"~/.config/systemd/user/lowport-*",
	.init = agent_init_systemd,
	.add_listener = agent_add_listener_systemd,
	.add_socket = agent_add_socket_systemd,
	.add_interface = agent_add_interface_systemd,
	.takes_all = true,
	.check_file = access_file_systemd,
	.check_socket = access_socket_systemd,
	.print = print,
	.check = user_check_systemd,
	.install = install_systemd,
	.reload = install_reload_systemd,
	.remove = install_remove_systemd,
	.find = find,
	.read = unit_read,
	.look = doctor_agent_systemd,
	.look_at_sockets = doctor_sockets_systemd,
	.look_at_plan = doctor_plan_systemd,
	.list_all = list_all,
};

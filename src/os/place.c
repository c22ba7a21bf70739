#include "os/place.h"

#include "base/addr.h"
#include "os/runtime.h"
#include "os/sock.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { PORT_FIRST = 10000, PORT_LAST = 65535, TRIES = 1000 };

static const char socket_name[] = "/backend.sock";

/* An address that this machine lacks is free, too. */
static bool is_free(const struct addr *where)
{
	struct sockaddr_storage ss;
	socklen_t length = addr_to_sockaddr(where, &ss);
	int fd = sock_open(where->family);
	bool is_taken;

	if (fd < 0)
		return fd == -EAFNOSUPPORT;
	is_taken = bind(fd, (const struct sockaddr *)&ss, length) < 0 &&
		   errno == EADDRINUSE;
	close(fd);
	return !is_taken;
}

/* Which one does not matter, only that two who look at the same time do not
 * look at the same. */
static unsigned next_random(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) +
		 UINT64_C(1442695040888963407);
	return (unsigned)(*state >> 33);
}

int place_port(uint16_t *port)
{
	struct sock_ports connecting = sock_ephemeral();
	bool any =
		connecting.first <= PORT_FIRST && connecting.last >= PORT_LAST;
	struct timespec now;
	uint64_t state;

	clock_gettime(CLOCK_REALTIME, &now);
	state = (uint64_t)now.tv_nsec ^ (uint64_t)getpid() << 32;
	for (int i = 0; i < TRIES; i++) {
		struct addr both[2];
		unsigned n = PORT_FIRST +
			     next_random(&state) % (PORT_LAST + 1 - PORT_FIRST);

		if (!any && n >= connecting.first && n <= connecting.last)
			continue;
		addr_localhost("localhost", (uint16_t)n, both);
		if (!is_free(&both[0]) || !is_free(&both[1]))
			continue;
		*port = (uint16_t)n;
		return 0;
	}
	return -EADDRINUSE;
}

/* systemd's and everybody's idea of where such things live. What is root's own,
 * nobody whom it becomes can enter. */
static const char *base_folder(void)
{
	static const char *const names[] = {"XDG_RUNTIME_DIR", "TMPDIR"};

	for (size_t i = runtime_has_owner() ? 1 : 0;
	     i < sizeof(names) / sizeof(names[0]); i++) {
		const char *folder = getenv(names[i]);

		if (folder && folder[0] == '/' && access(folder, W_OK) == 0)
			return folder;
	}
	return "/tmp";
}

int place_path(char **path)
{
	char made[sizeof(((struct sockaddr_un *)0)->sun_path)];
	int err, n = snprintf(made, sizeof(made), "%s/lowport-XXXXXX%s",
			      base_folder(), socket_name);

	if (n < 0 || (size_t)n >= sizeof(made))
		return -ENAMETOOLONG;
	made[(size_t)n - strlen(socket_name)] = '\0';
	if (!mkdtemp(made))
		return -errno;
	err = runtime_give(made);
	if (err == 0 && asprintf(path, "%s%s", made, socket_name) > 0)
		return 0;
	err = err < 0 ? err : -ENOMEM;
	rmdir(made);
	return err;
}

void place_clear(const char *path)
{
	unlink(path);
}

void place_remove(char *path)
{
	char *slash = path ? strrchr(path, '/') : NULL;
	struct dirent *entry;
	DIR *folder;

	if (!slash)
		return;
	*slash = '\0';
	folder = opendir(path);
	while (folder && (entry = readdir(folder)) != NULL)
		unlinkat(dirfd(folder), entry->d_name, 0);
	if (folder)
		closedir(folder);
	rmdir(path);
	free(path);
}

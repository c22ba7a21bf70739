#include "os/listen.h"

#include "base/num.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* sd_listen_fds(3): the sockets are the descriptors from 3 on, LISTEN_FDS says
 * how many, LISTEN_PID for whom, LISTEN_FDNAMES what each is called. */
enum { FIRST = 3 };

static const char mend[] =
	"Look at ListenStream= and Accept=no in the .socket unit "
	"(systemctl status NAME.socket), or at the -l of "
	"systemd-socket-activate.";

/* How many sockets are ours: 0 with *why where there are none. */
static unsigned count_ours(const char *asked_as, struct fault *why)
{
	const char *pid = getenv("LISTEN_PID");
	const char *fds = getenv("LISTEN_FDS");
	uint64_t number, count;

	if (!pid || !fds) {
		fault_set(why, -ENOENT,
			  "%s: systemd handed over no socket (LISTEN_FDS is "
			  "not set).\nStart lowport from a .socket unit, or "
			  "try: systemd-socket-activate -l 127.0.0.1:8000 "
			  "lowport run --listen systemd --to 8080",
			  asked_as);
		return 0;
	}
	if (num_parse(pid, 10, 1, UINT32_MAX, &number) < 0 ||
	    number != (uint64_t)getpid()) {
		fault_set(why, -ESRCH,
			  "%s: the sockets are for another process "
			  "(LISTEN_PID is %s, this is %ld).\nA wrapper that "
			  "forks is in the way: let it exec lowport.",
			  asked_as, pid, (long)getpid());
		return 0;
	}
	if (num_parse(fds, 10, 1, 1024, &count) < 0) {
		fault_set(why, -ENOENT,
			  "%s: LISTEN_FDS is \"%s\": no socket came.\n%s",
			  asked_as, fds, mend);
		return 0;
	}
	return (unsigned)count;
}

/* The index-th of the names that colons separate. Returns its length, 0 if it
 * has none. */
static size_t name_of(unsigned index, const char **name)
{
	const char *p = getenv("LISTEN_FDNAMES");

	*name = p;
	while (p && index-- > 0) {
		p = strchr(p, ':');
		if (p)
			p++;
	}
	if (!p)
		return 0;
	*name = p;
	return strcspn(p, ":");
}

static bool is_named(unsigned index, const char *wanted)
{
	const char *name;
	size_t length = name_of(index, &name);

	return length == strlen(wanted) && strncmp(name, wanted, length) == 0;
}

/* They stay open, for whoever asks for them by another name. */
static void leave(struct listeners *l, size_t first)
{
	for (size_t i = first; i < l->count; i++)
		l->at[i].fd = -1;
	listen_close(l, first);
}

int listen_open_systemd(const struct listen_request *want,
			struct listeners *out, struct fault *why)
{
	unsigned count = count_ours(want->text, why);
	size_t before = out->count;

	if (count == 0)
		return -ENOENT;
	for (unsigned i = 0; i < count; i++) {
		int err;

		if (want->name && !is_named(i, want->name))
			continue;
		err = listen_adopt(FIRST + (int)i, want, "systemd", mend, out,
				   why);
		if (err < 0) {
			leave(out, before);
			return err;
		}
	}
	if (out->count > before)
		return 0;
	return fault_set(why, -ENOENT,
			 "%s: systemd handed over no socket of that name "
			 "(LISTEN_FDNAMES is \"%s\").\nName it with "
			 "FileDescriptorName=%s in the .socket unit.",
			 want->text,
			 getenv("LISTEN_FDNAMES") ? getenv("LISTEN_FDNAMES")
						  : "",
			 want->name ? want->name : "NAME");
}

size_t listen_systemd_left(const struct listeners *taken, char *buf,
			   size_t size)
{
	struct fault ignored;
	unsigned count = count_ours("systemd", &ignored);
	size_t left = 0, n = 0;

	buf[0] = '\0';
	for (unsigned i = 0; i < count; i++) {
		const char *name;
		size_t length, j = 0;

		while (j < taken->count && taken->at[j].fd != FIRST + (int)i)
			j++;
		if (j < taken->count)
			continue;
		length = name_of(i, &name);
		if (n < size)
			n += (size_t)snprintf(buf + n, size - n, "%s%.*s (%d)",
					      left > 0 ? ", " : "",
					      (int)(length ? length : 7),
					      length ? name : "unnamed",
					      FIRST + (int)i);
		left++;
	}
	return left;
}

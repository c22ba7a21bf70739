#include "os/listen.h"

#include "os/sock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static bool serves_both(const struct listener *l)
{
	return l->addr.family == AF_INET6 && addr_is_wildcard(&l->addr) &&
	       sock_takes_ipv4(l->fd);
}

/* Of one that stays, the owner's is another descriptor of the same socket. */
static int take(struct listener *l, const struct listen_request *want)
{
	int fd = l->stays ? fcntl(l->fd, F_DUPFD_CLOEXEC, 0) : l->fd;

	if (fd < 0)
		return -1;
	listen(fd, want->backlog);
	if (!l->stays)
		l->fd = -1;
	return fd;
}

/* One that is for listeners of an address is not for an interface's. */
static bool is_for(const struct listener *l, const struct listen_request *want)
{
	return l->fd >= 0 && !(l->taken && want->interface);
}

static struct listener *find(const struct addr *addr,
			     const struct listen_request *want, bool both)
{
	for (size_t i = 0; want->offered && i < want->offered->count; i++) {
		struct listener *l = &want->offered->at[i];

		if (is_for(l, want) && addr_equal(&l->addr, addr) &&
		    serves_both(l) == both)
			return l;
	}
	return NULL;
}

static int add(struct listener *l, const struct listen_request *want,
	       struct listeners *out, struct fault *why)
{
	bool stays = l->stays;
	struct addr at = l->addr;
	int err, fd = take(l, want);

	if (fd < 0)
		return fault_set(why, -errno, "%s: %s", want->text,
				 strerror(errno));
	err = listen_add(out, fd, &at, want, why);
	if (err < 0) {
		close(fd);
		return err;
	}
	out->at[out->count - 1].stays = stays;
	out->at[out->count - 1].lent = !stays;
	return 1;
}

int listen_take_offered(const struct addr *addr,
			const struct listen_request *want,
			struct listeners *out, struct fault *why)
{
	struct listener *l = find(addr, want, false);

	return l ? add(l, want, out, why) : 0;
}

int listen_take_both(const struct listen_request *want, struct listeners *out,
		     struct fault *why)
{
	const struct addr any = {.family = AF_INET6, .port = want->addr.port};
	struct listener *l = find(&any, want, true);

	return l ? add(l, want, out, why) : 0;
}

int listen_take_wildcards(const struct listen_request *want,
			  struct listeners *out, struct fault *why)
{
	size_t before = out->count;
	int err = 0;

	for (size_t i = 0; want->offered && i < want->offered->count; i++) {
		struct listener *l = &want->offered->at[i];

		if (l->fd < 0 || !l->stays || !addr_is_wildcard(&l->addr) ||
		    l->addr.port != want->addr.port)
			continue;
		err = add(l, want, out, why);
		if (err < 0) {
			listen_close(out, before);
			return err;
		}
	}
	return (int)(out->count - before);
}

bool listen_is_offered(const struct listen_request *want)
{
	for (size_t i = 0; want->offered && i < want->offered->count; i++) {
		const struct listener *l = &want->offered->at[i];

		if (l->fd >= 0 && l->addr.family != AF_UNIX &&
		    l->addr.port == want->addr.port)
			return true;
	}
	return false;
}

void listen_drop_offered(struct listeners *l)
{
	struct listeners dropped;
	size_t kept = 0;

	for (size_t i = 0; i < l->count; i++) {
		struct listener one = l->at[i];

		if (one.stays) {
			l->at[i] = l->at[kept];
			l->at[kept++] = one;
		}
	}
	dropped = *l;
	if (kept > 0)
		listen_close(&dropped, kept);
	else
		listen_close(l, 0);
	l->count = kept;
}

/* "A, B and C" */
static void print_all(const struct listeners *l, char *buf, size_t size)
{
	size_t n = 0, left = 0;

	for (size_t i = 0; i < l->count; i++)
		left += l->at[i].stays;
	buf[0] = '\0';
	for (size_t i = 0; i < l->count && n < size; i++) {
		char at[ADDR_TEXT];

		if (!l->at[i].stays)
			continue;
		left--;
		n += (size_t)snprintf(buf + n, size - n, "%s%s",
				      addr_print(&l->at[i].addr, at),
				      left > 1    ? ", "
				      : left == 1 ? " and "
						  : "");
	}
}

const char *listen_giver(const struct listener *l)
{
	for (const struct listen_source *s = listen_sources;
	     l->asked && s->prefix && s->prefix[0] != '\0'; s++)
		if (strncmp(l->asked->text, s->prefix, strlen(s->prefix)) == 0)
			return s->giver;
	return "another";
}

void listen_print_offered(const struct listeners *l, const struct addr *wanted,
			  char *buf, size_t size)
{
	char all[400], at[ADDR_TEXT];

	buf[0] = '\0';
	for (size_t i = 0; l && i < l->count; i++) {
		const char *giver = listen_giver(&l->at[i]);

		if (!l->at[i].stays)
			continue;
		print_all(l, all, sizeof(all));
		snprintf(buf, size,
			 strcmp(giver, "systemd") == 0
				 ? "%s handed over %s; add ListenStream=%s to "
				   "the .socket unit, or run lowport install "
				   "again (lowport install --reload LABEL)."
			 : strcmp(giver, "launchd") == 0
				 ? "%s handed over %s, not %s; run lowport "
				   "install again (lowport install --reload "
				   "LABEL)."
				 : "%s handed over %s; have it hand over %s "
				   "too.",
			 giver, all, addr_print(wanted, at));
		return;
	}
}

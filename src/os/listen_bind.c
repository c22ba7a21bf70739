#include "os/listen.h"
#include "os/platform.h"
#include "os/rights.h"
#include "os/sock.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int explain(struct fault *why, int err, const struct addr *addr,
		   const struct listen_request *want)
{
	char text[ADDR_TEXT], who[64], offered[768];

	addr_print(addr, text);
	listen_print_offered(want->offered, addr, offered, sizeof(offered));
	switch (err) {
	case -EACCES:
		if (offered[0] != '\0')
			return fault_set(why, err,
					 "%s: this user may not bind a port "
					 "below 1024.\n%s",
					 text, offered);
		if (rights_were_dropped())
			return fault_set(why, err,
					 "%s: lowport was root when it "
					 "started, and no longer is: a new "
					 "port below 1024 takes another start "
					 "(lowport run --replace loses no "
					 "connection).",
					 text);
		return fault_set(why, err,
				 "%s: this user may not bind a port below "
				 "1024.\n%s\nOr take a port from 1024 on.",
				 text, platform_low_port_hint);
	case -EADDRINUSE:
		if (offered[0] != '\0' && listen_is_offered(want))
			return fault_set(why, err,
					 "%s: this port is held, and not at "
					 "that very address.\n%s",
					 text, offered);
		snprintf(who, sizeof(who), platform_who_listens, addr->port);
		return fault_set(why, err,
				 "%s: another program holds this port.\n"
				 "See which one: %s",
				 text, who);
	case -EADDRNOTAVAIL:
		return fault_set(why, err,
				 "%s: this machine does not have that address "
				 "now.\nIs the interface up? See: %s",
				 text, platform_show_addresses);
	default:
		return fault_set(why, err, "%s: %s", text, strerror(-err));
	}
}

static int bind_and_listen(int fd, const struct addr *addr, int backlog)
{
	struct sockaddr_storage ss;
	socklen_t length = addr_to_sockaddr(addr, &ss);
	int on = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
		return -errno;
	/* [::] is IPv6 alone, whatever the system's default: `*` is both. */
	if (addr->family == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0)
		return -errno;
	if (bind(fd, (const struct sockaddr *)&ss, length) < 0 ||
	    listen(fd, backlog) < 0)
		return -errno;
	return 0;
}

int listen_open_address(const struct addr *addr,
			const struct listen_request *want,
			struct listeners *out, struct fault *why)
{
	int fd, device = 0, err = listen_take_offered(addr, want, out, why);
	struct addr bound;

	if (err != 0)
		return err < 0 ? err : 0;
	fd = sock_open(addr->family);
	if (fd < 0)
		return explain(why, fd, addr, want);
	if (want->interface)
		device = sock_bind_device(fd, want->interface);
	err = bind_and_listen(fd, addr, want->backlog);
	if (err == 0)
		err = sock_local(fd, &bound);
	if (err < 0)
		explain(why, err, addr, want);
	else
		err = listen_add(out, fd, &bound, want, why);
	if (err < 0)
		close(fd);
	else
		out->at[out->count - 1].device = device;
	return err;
}

/* Whether the user may is a matter of the port alone, and of a bind to one
 * address: macOS lets everyone have the wildcards. What is handed over at
 * addresses of the interface is taken as they come. */
int listen_open_interface(const struct listen_request *want,
			  struct listeners *out, struct fault *why)
{
	struct addr loopback[2];
	struct sockaddr_storage ss;
	char hint[512];
	socklen_t length;
	int fd, err = listen_take_wildcards(want, out, why);

	if (err != 0 || listen_is_offered(want))
		return err < 0 ? err : 0;
	addr_localhost("localhost", want->addr.port, loopback);
	length = addr_to_sockaddr(&loopback[1], &ss);
	fd = sock_open(AF_INET);
	if (fd >= 0 && bind(fd, (const struct sockaddr *)&ss, length) < 0)
		err = -errno;
	if (fd >= 0)
		close(fd);
	/* Who else holds the port there does not matter. */
	if (err != -EACCES)
		return 0;
	platform_low_port_of_interface(hint, sizeof(hint), want->interface,
				       want->addr.port,
				       want->to ? want->to : "BACKEND");
	return fault_set(why, err,
			 "%s: this user may not bind a port below 1024.\n%s\n"
			 "Or take a port from 1024 on.",
			 want->text, hint);
}

int listen_open_bind(const struct listen_request *want, struct listeners *out,
		     struct fault *why)
{
	size_t before = out->count;
	struct addr any6 = {.family = AF_INET6, .port = want->addr.port};
	int err = want->both_families ? listen_take_both(want, out, why) : 0;

	if (err != 0)
		return err < 0 ? err : 0;
	err = listen_open_address(&want->addr, want, out, why);
	if (err < 0 || !want->both_families)
		return err;
	any6.port = out->at[before].addr.port;
	err = listen_open_address(&any6, want, out, why);
	/* A system without IPv6 has no second family to serve. */
	if (err == -EAFNOSUPPORT || err == -EADDRNOTAVAIL)
		return 0;
	if (err < 0)
		listen_close(out, before);
	return err;
}

/* macOS 10.14 and later let everyone bind a wildcard below 1024, and nobody one
 * address (XNU in_pcb.c). So the address is looked at once a client is there:
 * the port looks open on all of them. */
int listen_open_only(const struct listen_request *want, struct listeners *out,
		     struct fault *why)
{
	struct addr any = {.family = want->addr.family,
			   .port = want->addr.port};
	int err = listen_take_offered(&want->addr, want, out, why);
	struct listener *l;

	/* Of that one address alone: better. */
	if (err != 0)
		return err < 0 ? err : 0;
	err = listen_open_address(&any, want, out, why);
	if (err < 0)
		return err;
	l = &out->at[out->count - 1];
	l->only = want->addr;
	l->only.port = l->addr.port;
	return 0;
}

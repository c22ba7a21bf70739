#include "cli/interface.h"

#include "cli/announce.h"
#include "cli/logger.h"
#include "os/listen.h"

#include <errno.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void interface_init(struct interface *x, struct relay *relay, uint16_t port)
{
	x->relay = relay;
	x->port = port;
	x->entry.at = x->at;
}

void interface_serve(struct interface *x, const struct interface_terms *terms)
{
	x->terms = *terms;
	for (size_t i = 0; i < x->count && terms->group; i++)
		if (x->door[i].fd >= 0 &&
		    relay_reroute(x->relay, x->door[i].fd, terms->route) < 0)
			x->door[i].dead = true;
}

static void say(enum log_level level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* On one line, whatever it says. */
static void say(enum log_level level, const char *format, ...)
{
	char text[sizeof(struct fault) + 128];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	for (char *p = text; (p = strchr(p, '\n')) != NULL;)
		*p = ' ';
	logger_put(level, text);
}

/* Without the port. */
static const char *print_ip(const struct addr *a, char buf[ADDR_TEXT])
{
	char *colon;

	addr_print(a, buf);
	colon = strrchr(buf, ':');
	if (colon)
		*colon = '\0';
	return buf;
}

static struct addr with_port(const struct addr *a, uint16_t port)
{
	struct addr b = *a;

	b.port = port;
	return b;
}

/* Give what was opened to the relay. Returns its descriptor, or a negative
 * errno. */
static int hand_over(struct interface *x, struct listeners *one,
		     struct addr *bound)
{
	struct listener *l = &one->at[0];
	int fd = l->fd, err;

	*bound = l->addr;
	err = relay_listen(x->relay, fd, &l->addr, x->terms.route);
	if (err == 0)
		l->fd = -1;
	return err < 0 ? err : fd;
}

static void say_device(struct interface *x, int device)
{
	if (device >= 0 || x->told)
		return;
	x->told = true;
	say(LEVEL_INFO,
	    "%s: the system does not let this user bind to %s itself (%s): "
	    "whoever sends to its addresses through another interface is "
	    "served too",
	    x->terms.asked->text, x->terms.asked->interface, strerror(-device));
}

/* IP_FREEBIND would take an address that is still being checked (RFC 4862), but
 * also one that turns out to be another machine's; and the log would say that it
 * is served before it is. So it is tried until it can be had. */
static void say_refused(const struct interface *x, struct interface_door *door,
			int err, const struct fault *why)
{
	bool again = err == door->error;

	door->error = err;
	door->vacated = false;
	if (again)
		return;
	if (err == -EADDRNOTAVAIL)
		say(LEVEL_DEBUG,
		    "%s: an address of %s cannot be bound yet (IPv6 looks for "
		    "another machine that has it first); trying again",
		    x->terms.asked->text, x->terms.asked->interface);
	else
		say(LEVEL_ERROR, "%s: %s It is tried again.",
		    x->terms.asked->text, why->text);
}

/* Returns false if it has to be tried again. */
static bool open_door(struct interface *x, size_t i)
{
	struct addr at = with_port(&x->at[i], x->port), bound;
	struct interface_door *door = &x->door[i];
	struct listeners one = {0};
	struct fault why;
	char rest[128];
	int device = 0,
	    err = listen_open_address(&at, x->terms.asked, &one, &why);

	if (err == 0) {
		device = one.at[0].device;
		door->fd = hand_over(x, &one, &bound);
		if (door->fd < 0)
			err = fault_set(&why, door->fd, "%s",
					uv_strerror(door->fd));
	}
	listen_close(&one, 0);
	if (err < 0) {
		door->fd = -1;
		say_refused(x, door, err, &why);
		return false;
	}
	door->error = 0;
	x->port = bound.port;
	if (!door->vacated) {
		snprintf(rest, sizeof(rest), " (%s)", x->terms.asked->text);
		announce_listening(&bound, x->terms.group, rest);
		say_device(x, device);
	}
	door->vacated = false;
	return true;
}

static void close_door(struct interface *x, struct interface_door *door)
{
	if (door->fd >= 0)
		relay_unlisten(x->relay, door->fd);
	door->fd = -1;
	door->dead = door->vacated = false;
}

static void lose(struct interface *x, size_t i, const char *why)
{
	struct addr at = with_port(&x->at[i], x->port);
	char text[ADDR_TEXT];

	if (!x->terms.group)
		say(LEVEL_INFO, "%s: %s has gone: its clients are sent away",
		    x->terms.asked->text, print_ip(&at, text));
	else if (x->door[i].fd >= 0 || x->door[i].vacated)
		say(LEVEL_INFO, "no longer listening on %s: %s %s (%s)",
		    addr_print(&at, text), x->terms.asked->interface, why,
		    x->terms.asked->text);
	close_door(x, &x->door[i]);
	x->count--;
	x->at[i] = x->at[x->count];
	x->door[i] = x->door[x->count];
}

static void gain(struct interface *x, const struct addr *a)
{
	char text[ADDR_TEXT];

	x->at[x->count] = *a;
	x->door[x->count] = (struct interface_door){.fd = -1};
	x->count++;
	if (!x->terms.group)
		say(LEVEL_INFO, "%s: %s is there: its clients are served",
		    x->terms.asked->text, print_ip(a, text));
}

static bool is_among(const struct addr *a, const struct addr *at, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (addr_equal(a, &at[i]))
			return true;
	return false;
}

static bool open_doors(struct interface *x)
{
	bool fine = true;

	for (size_t i = 0; x->terms.group && i < x->count; i++) {
		if (x->door[i].dead)
			close_door(x, &x->door[i]);
		if (x->door[i].fd < 0 && !open_door(x, i))
			fine = false;
	}
	return fine;
}

bool interface_look(struct interface *x)
{
	const struct listen_request *asked = x->terms.asked;
	struct addr now[NETIF_ADDRESSES_MAX];
	unsigned index = if_nametoindex(asked->interface);
	int count = netif_addresses(asked->interface, asked->link_local, now);

	if (count == -ENODEV)
		count = 0;
	else if (count < 0)
		return false;
	/* Another interface of the same name: what was bound to the one before
	 * hears nobody any more. */
	for (size_t i = x->count; i-- > 0;)
		if (index != x->index ||
		    !is_among(&x->at[i], now, (size_t)count))
			lose(x, i, "has lost it");
	x->index = index;
	for (int i = 0; i < count; i++)
		if (!is_among(&now[i], x->at, x->count))
			gain(x, &now[i]);
	x->entry.count = x->count;
	x->entry.interface = index;
	return open_doors(x);
}

void interface_say_waiting(const struct interface *x)
{
	if (x->count == 0)
		say(LEVEL_INFO,
		    x->index == 0 ? "%s: there is no interface %s yet; "
				    "waiting for it"
				  : "%s: %s has no address yet; waiting for "
				    "one",
		    x->terms.asked->text, x->terms.asked->interface);
}

void interface_vacate(struct interface *x)
{
	for (size_t i = 0; i < x->count; i++) {
		bool had = x->door[i].fd >= 0;

		close_door(x, &x->door[i]);
		x->door[i].vacated = had;
	}
}

void interface_died(struct interface *x, const struct addr *bound)
{
	for (size_t i = 0; i < x->count; i++)
		if (x->port == bound->port && addr_same_ip(&x->at[i], bound))
			x->door[i].dead = true;
}

void interface_each(const struct interface *x,
		    void (*each)(void *data, int fd, const struct addr *at,
				 const char *from),
		    void *data)
{
	for (size_t i = 0; i < x->count; i++) {
		struct addr at = with_port(&x->at[i], x->port);

		if (x->door[i].fd >= 0)
			each(data, x->door[i].fd, &at, x->terms.asked->text);
	}
}

void interface_leave(struct interface *x)
{
	for (size_t i = x->count; i-- > 0;)
		if (x->terms.group)
			lose(x, i, "is not asked for any more");
}

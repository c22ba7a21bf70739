#include "cli/follow.h"

#include "base/list.h"
#include "cli/announce.h"
#include "cli/logger.h"
#include "os/netif.h"

#include <errno.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	SETTLE_MS = 20, /* changes come in a row; and a flood of them is one */
	AGAIN_MS = 250, /* after a listener that could not be had, at first */
	AGAIN_MOST_MS = 60000,
	DESCRIPTORS_EACH = 8, /* to keep free for an interface */
	DESCRIPTORS_ALWAYS = 2,
};

/* The listener at one address of an interface. */
struct door {
	int fd;    /* the relay's; -1: none */
	int error; /* why there is none: what was said last */
	bool dead;
};

/* What a configuration says of it. */
struct terms {
	const struct listen_request *asked; /* NULL: nothing any more */
	const struct config_group *group;   /* NULL: it was handed over */
	const struct relay_route *route;    /* of its doors */
};

/* One interface as one --listen asks for it. */
struct followed {
	struct list node;
	struct follow *follow;
	struct terms now, next; /* next: from follow_commit() on */
	uint16_t port;          /* 0 until the first has one */
	unsigned index;         /* 0: the interface is not there */
	bool told; /* that the system does not tell interfaces apart */
	struct relay_entry entry;
	struct addr at[NETIF_ADDRESSES_MAX]; /* that it has, port 0 */
	struct door door[NETIF_ADDRESSES_MAX];
	size_t count;
	bool is_new;
};

struct follow {
	struct relay *relay;
	struct list all, gone;
	int watched;
	uint64_t again_ms;
	uv_poll_t poll;
	uv_timer_t timer; /* until the next look */
	bool stopped;
};

size_t follow_descriptors(const struct config *c)
{
	size_t count = 0;

	for (size_t i = 0; i < c->group_count; i++)
		for (size_t j = 0; j < c->groups[i].listener_count; j++)
			count += c->groups[i].listeners[j].request.interface !=
				 NULL;
	return count > 0 ? count * DESCRIPTORS_EACH + DESCRIPTORS_ALWAYS : 0;
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
static int hand_over(struct followed *x, struct listeners *one,
		     struct addr *bound)
{
	struct listener *l = &one->at[0];
	int fd = l->fd, err;

	*bound = l->addr;
	err = relay_listen(x->follow->relay, fd, &l->addr, x->now.route);
	if (err == 0)
		l->fd = -1;
	return err < 0 ? err : fd;
}

static void say_device(struct followed *x, int device)
{
	if (device >= 0 || x->told)
		return;
	x->told = true;
	say(LEVEL_INFO,
	    "%s: the system does not let this user bind to %s itself (%s): "
	    "whoever sends to its addresses through another interface is "
	    "served too",
	    x->now.asked->text, x->now.asked->interface, strerror(-device));
}

/* IP_FREEBIND would take an address that is still being checked (RFC 4862), but
 * also one that turns out to be another machine's; and the log would say that it
 * is served before it is. So it is tried until it can be had. */
static void say_refused(const struct followed *x, struct door *door, int err,
			const struct fault *why)
{
	bool again = err == door->error;

	door->error = err;
	if (again)
		return;
	if (err == -EADDRNOTAVAIL)
		say(LEVEL_DEBUG,
		    "%s: an address of %s cannot be bound yet (IPv6 looks for "
		    "another machine that has it first); trying again",
		    x->now.asked->text, x->now.asked->interface);
	else
		say(LEVEL_ERROR, "%s: %s It is tried again.",
		    x->now.asked->text, why->text);
}

/* Returns false if it has to be tried again. */
static bool open_door(struct followed *x, size_t i)
{
	struct addr at = with_port(&x->at[i], x->port), bound;
	struct door *door = &x->door[i];
	struct listeners one = {0};
	struct fault why;
	char rest[128];
	int device = 0,
	    err = listen_open_address(&at, x->now.asked, &one, &why);

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
	snprintf(rest, sizeof(rest), " (%s)", x->now.asked->text);
	announce_listening(&bound, x->now.group, rest);
	say_device(x, device);
	return true;
}

static void close_door(struct followed *x, struct door *door)
{
	if (door->fd >= 0)
		relay_unlisten(x->follow->relay, door->fd);
	door->fd = -1;
	door->dead = false;
}

static void lose(struct followed *x, size_t i)
{
	struct addr at = with_port(&x->at[i], x->port);
	char text[ADDR_TEXT];

	if (!x->now.group)
		say(LEVEL_INFO, "%s: %s has gone: its clients are sent away",
		    x->now.asked->text, print_ip(&at, text));
	else if (x->door[i].fd >= 0)
		say(LEVEL_INFO,
		    x->next.asked
			    ? "no longer listening on %s: %s has lost it (%s)"
			    : "no longer listening on %s: %s is not asked for "
			      "any more (%s)",
		    addr_print(&at, text), x->now.asked->interface,
		    x->now.asked->text);
	close_door(x, &x->door[i]);
	x->count--;
	x->at[i] = x->at[x->count];
	x->door[i] = x->door[x->count];
}

static void gain(struct followed *x, const struct addr *a)
{
	char text[ADDR_TEXT];

	x->at[x->count] = *a;
	x->door[x->count] = (struct door){.fd = -1};
	x->count++;
	if (!x->now.group)
		say(LEVEL_INFO, "%s: %s is there: its clients are served",
		    x->now.asked->text, print_ip(a, text));
}

static bool is_among(const struct addr *a, const struct addr *at, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (addr_equal(a, &at[i]))
			return true;
	return false;
}

static bool open_doors(struct followed *x)
{
	bool fine = true;

	for (size_t i = 0; x->now.group && i < x->count; i++) {
		if (x->door[i].dead)
			close_door(x, &x->door[i]);
		if (x->door[i].fd < 0 && !open_door(x, i))
			fine = false;
	}
	return fine;
}

/* Returns false if that has to be done again before something changes. */
static bool look_at(struct followed *x)
{
	const struct listen_request *asked = x->now.asked;
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
			lose(x, i);
	x->index = index;
	for (int i = 0; i < count; i++)
		if (!is_among(&now[i], x->at, x->count))
			gain(x, &now[i]);
	x->entry.count = x->count;
	x->entry.interface = index;
	return open_doors(x);
}

static void on_timer(uv_timer_t *timer);

static void look(struct follow *f)
{
	bool fine = true;
	struct list *pos;

	list_for_each (pos, &f->all)
		if (!look_at(list_entry(pos, struct followed, node)))
			fine = false;
	if (fine) {
		f->again_ms = AGAIN_MS;
		return;
	}
	uv_timer_start(&f->timer, on_timer, f->again_ms, 0);
	f->again_ms *= 2;
	if (f->again_ms > AGAIN_MOST_MS)
		f->again_ms = AGAIN_MOST_MS;
}

static void on_timer(uv_timer_t *timer)
{
	look(timer->data);
}

static void look_soon(struct follow *f)
{
	f->again_ms = AGAIN_MS;
	if (!uv_is_active((uv_handle_t *)&f->timer) ||
	    uv_timer_get_due_in(&f->timer) > SETTLE_MS)
		uv_timer_start(&f->timer, on_timer, SETTLE_MS, 0);
}

static void on_change(uv_poll_t *poll, int status, int events)
{
	struct follow *f = poll->data;

	(void)events;
	netif_watch_drain(f->watched);
	/* Messages were lost, which libuv takes for the end. */
	if (status < 0)
		uv_poll_start(&f->poll, UV_READABLE, on_change);
	look_soon(f);
}

static int start_watching(struct follow *f, uv_loop_t *loop)
{
	int err;

	f->watched = netif_watch();
	if (f->watched < 0)
		return f->watched;
	err = uv_poll_init(loop, &f->poll, f->watched);
	if (err < 0) {
		close(f->watched);
		return err;
	}
	uv_timer_init(loop, &f->timer);
	f->poll.data = f;
	f->timer.data = f;
	return 0;
}

int follow_new(struct follow **out, uv_loop_t *loop, struct relay *relay,
	       struct fault *why)
{
	struct follow *f = calloc(1, sizeof(*f));
	int err;

	if (!f)
		return fault_set(why, -ENOMEM, "out of memory");
	f->relay = relay;
	f->again_ms = AGAIN_MS;
	list_init(&f->all);
	list_init(&f->gone);
	err = start_watching(f, loop);
	if (err < 0) {
		free(f);
		return fault_set(why, err,
				 "watching interfaces: %s (in a systemd unit, "
				 "RestrictAddressFamilies= has to have "
				 "AF_NETLINK)",
				 strerror(-err));
	}
	*out = f;
	return 0;
}

static bool is_same(const struct listen_request *a,
		    const struct listen_request *b)
{
	return strcmp(a->interface, b->interface) == 0 &&
	       a->link_local == b->link_local && a->addr.port == b->addr.port;
}

/* The one that these terms are of, which may be there already. */
static struct followed *find(struct follow *f, const struct terms *terms)
{
	struct list *pos;

	list_for_each (pos, &f->all) {
		struct followed *x = list_entry(pos, struct followed, node);
		const struct terms *known = x->next.asked ? &x->next : &x->now;

		/* All that one request was handed share it. */
		if (x->next.asked ? known->asked == terms->asked
				  : is_same(known->asked, terms->asked) &&
					    !known->group == !terms->group)
			return x;
	}
	return NULL;
}

static struct followed *add(struct follow *f, const struct terms *terms)
{
	struct followed *x = find(f, terms);

	if (!x) {
		x = calloc(1, sizeof(*x));
		if (!x)
			return NULL;
		x->follow = f;
		x->port = terms->asked->addr.port;
		x->entry.at = x->at;
		list_append(&f->all, &x->node);
	}
	x->next = *terms;
	return x;
}

void follow_begin(struct follow *f)
{
	struct list *pos;

	list_for_each (pos, &f->all)
		list_entry(pos, struct followed, node)->next.asked = NULL;
}

int follow_listen(struct follow *f, const struct listener_spec *spec,
		  const struct config_group *g, const struct relay_route *route)
{
	const struct terms terms = {&spec->request, g, route};

	return add(f, &terms) ? 0 : -ENOMEM;
}

const struct relay_entry *follow_entry(struct follow *f,
				       const struct listen_request *asked)
{
	const struct terms terms = {asked, NULL, NULL};
	struct followed *x = add(f, &terms);

	return x ? &x->entry : NULL;
}

/* Nobody asks for it any more. */
static void give_up(struct followed *x)
{
	for (size_t i = x->count; i-- > 0;)
		if (x->now.group)
			lose(x, i);
	list_remove(&x->node);
	list_append(&x->follow->gone, &x->node);
}

static void reroute(struct followed *x)
{
	for (size_t i = 0; i < x->count && x->now.group; i++)
		if (x->door[i].fd >= 0 &&
		    relay_reroute(x->follow->relay, x->door[i].fd,
				  x->now.route) < 0)
			x->door[i].dead = true;
}

static void say_waiting(const struct followed *x)
{
	if (x->count == 0)
		say(LEVEL_INFO,
		    x->index == 0 ? "%s: there is no interface %s yet; "
				    "waiting for it"
				  : "%s: %s has no address yet; waiting for "
				    "one",
		    x->now.asked->text, x->now.asked->interface);
}

void follow_commit(struct follow *f)
{
	struct list *pos, *after;

	list_for_each_safe (pos, after, &f->all) {
		struct followed *x = list_entry(pos, struct followed, node);

		x->is_new = !x->now.asked;
		if (!x->next.asked) {
			give_up(x);
			continue;
		}
		x->now = x->next;
		reroute(x);
	}
	uv_poll_start(&f->poll, UV_READABLE, on_change);
	look(f);
	list_for_each (pos, &f->all)
		if (list_entry(pos, struct followed, node)->is_new)
			say_waiting(list_entry(pos, struct followed, node));
}

void follow_rollback(struct follow *f)
{
	struct list *pos, *after;

	list_for_each_safe (pos, after, &f->all) {
		struct followed *x = list_entry(pos, struct followed, node);

		x->next = x->now;
		if (!x->now.asked) {
			list_remove(&x->node);
			list_append(&f->gone, &x->node);
		}
	}
}

static void free_all(struct list *all)
{
	while (!list_is_empty(all)) {
		struct followed *x =
			list_entry(all->next, struct followed, node);

		list_remove(&x->node);
		free(x);
	}
}

void follow_sweep(struct follow *f)
{
	free_all(&f->gone);
}

void follow_died(struct follow *f, const struct addr *bound)
{
	struct list *pos;

	list_for_each (pos, &f->all) {
		struct followed *x = list_entry(pos, struct followed, node);

		for (size_t i = 0; i < x->count; i++)
			if (x->port == bound->port &&
			    addr_same_ip(&x->at[i], bound))
				x->door[i].dead = true;
	}
	if (!f->stopped)
		look_soon(f);
}

void follow_each(const struct follow *f, const struct config_group *g,
		 void (*each)(void *data, int fd, const struct addr *at,
			      const char *from),
		 void *data)
{
	struct list *pos;

	list_for_each (pos, &f->all) {
		struct followed *x = list_entry(pos, struct followed, node);

		for (size_t i = 0; i < x->count && x->now.group == g; i++) {
			struct addr at = with_port(&x->at[i], x->port);

			if (x->door[i].fd >= 0)
				each(data, x->door[i].fd, &at,
				     x->now.asked->text);
		}
	}
}

void follow_stop(struct follow *f)
{
	if (f->stopped)
		return;
	f->stopped = true;
	uv_close((uv_handle_t *)&f->poll, NULL);
	uv_close((uv_handle_t *)&f->timer, NULL);
	close(f->watched);
}

void follow_free(struct follow *f)
{
	if (!f)
		return;
	free_all(&f->all);
	free_all(&f->gone);
	free(f);
}

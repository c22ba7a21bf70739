#include "cli/follow.h"

#include "base/list.h"
#include "cli/interface.h"
#include "os/netif.h"

#include <errno.h>
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

/* One interface as one --listen asks for it. */
struct followed {
	struct list node;
	struct interface interface;
	struct interface_terms next; /* from follow_commit() on */
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

static void on_timer(uv_timer_t *timer);

static void look(struct follow *f)
{
	bool fine = true;
	struct list *pos;

	list_for_each (pos, &f->all) {
		struct followed *x = list_entry(pos, struct followed, node);

		if (!interface_look(&x->interface))
			fine = false;
	}
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
static struct followed *find(struct follow *f,
			     const struct interface_terms *terms)
{
	struct list *pos;

	list_for_each (pos, &f->all) {
		struct followed *x = list_entry(pos, struct followed, node);
		const struct interface_terms *known =
			x->next.asked ? &x->next : &x->interface.terms;

		/* All that one request was handed share it. */
		if (x->next.asked ? known->asked == terms->asked
				  : is_same(known->asked, terms->asked) &&
					    !known->group == !terms->group)
			return x;
	}
	return NULL;
}

static struct followed *add(struct follow *f,
			    const struct interface_terms *terms)
{
	struct followed *x = find(f, terms);

	if (!x) {
		x = calloc(1, sizeof(*x));
		if (!x)
			return NULL;
		interface_init(&x->interface, f->relay,
			       terms->asked->addr.port);
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
	const struct interface_terms terms = {&spec->request, g, route};

	return add(f, &terms) ? 0 : -ENOMEM;
}

const struct relay_entry *follow_entry(struct follow *f,
				       const struct listen_request *asked)
{
	const struct interface_terms terms = {asked, NULL, NULL};
	struct followed *x = add(f, &terms);

	return x ? &x->interface.entry : NULL;
}

void follow_commit(struct follow *f)
{
	struct list *pos, *after;

	list_for_each_safe (pos, after, &f->all) {
		struct followed *x = list_entry(pos, struct followed, node);

		x->is_new = !x->interface.terms.asked;
		if (x->next.asked) {
			interface_serve(&x->interface, &x->next);
			continue;
		}
		interface_leave(&x->interface);
		list_remove(&x->node);
		list_append(&f->gone, &x->node);
	}
	uv_poll_start(&f->poll, UV_READABLE, on_change);
	look(f);
	list_for_each (pos, &f->all) {
		struct followed *x = list_entry(pos, struct followed, node);

		if (x->is_new)
			interface_say_waiting(&x->interface);
	}
}

void follow_rollback(struct follow *f)
{
	struct list *pos, *after;

	list_for_each_safe (pos, after, &f->all) {
		struct followed *x = list_entry(pos, struct followed, node);

		x->next = x->interface.terms;
		if (!x->next.asked) {
			list_remove(&x->node);
			list_append(&f->gone, &x->node);
		}
	}
}

void follow_vacate(struct follow *f, const struct listen_request *asked)
{
	struct list *pos;

	list_for_each (pos, &f->all) {
		struct followed *x = list_entry(pos, struct followed, node);

		if (x->interface.terms.asked == asked)
			interface_vacate(&x->interface);
	}
}

void follow_reopen(struct follow *f)
{
	look(f);
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

		interface_died(&x->interface, bound);
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

		if (x->interface.terms.group == g)
			interface_each(&x->interface, each, data);
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

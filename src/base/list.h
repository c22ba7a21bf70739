#ifndef LOWPORT_BASE_LIST_H
#define LOWPORT_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

/*
 * A list that lives inside its members: no allocation, removal in constant
 * time. A node that is in no list points to itself, so that list_remove() may
 * be called on it any number of times.
 */
struct list {
	struct list *prev, *next;
};

/* The struct of the given type whose member is at ptr. */
#define list_entry(ptr, type, member) \
	((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* Walks head; the member at pos must stay in the list meanwhile. */
#define list_for_each(pos, head) \
	for (pos = (head)->next; pos != (head); pos = pos->next)

/* Walks head; pos, and only pos, may be removed meanwhile. */
#define list_for_each_safe(pos, after, head)                       \
	for (pos = (head)->next, after = pos->next; pos != (head); \
	     pos = after, after = pos->next)

static inline void list_init(struct list *l)
{
	l->prev = l;
	l->next = l;
}

static inline bool list_is_empty(const struct list *l)
{
	return l->next == l;
}

/* Put node, which is in no list, at the end of head. */
static inline void list_append(struct list *head, struct list *node)
{
	node->prev = head->prev;
	node->next = head;
	head->prev->next = node;
	head->prev = node;
}

static inline void list_remove(struct list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	list_init(node);
}

/* Make to, whatever it was, the list of all that is in from. */
static inline void list_take(struct list *to, struct list *from)
{
	list_init(to);
	if (list_is_empty(from))
		return;
	*to = *from;
	to->next->prev = to;
	to->prev->next = to;
	list_init(from);
}

#endif

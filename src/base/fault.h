#ifndef LOWPORT_BASE_FAULT_H
#define LOWPORT_BASE_FAULT_H

/*
 * What went wrong, in words for a person: the value, the place and what would
 * be right. A function that can say more than an errno fills one in; the floor
 * that decides is the one that prints it.
 */
struct fault {
	char text[1024];
};

/* Say it, cut to what fits. Returns err, so that a failing function can end
 * with `return fault_set(why, -EINVAL, ...)`. */
int fault_set(struct fault *why, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Make it harmless for a terminal, where it quotes somebody else: control
 * characters, newlines too, become \xNN. */
void fault_escape(struct fault *why);

#endif

#include "engine/pump.h"

#include "os/sock.h"

#include <errno.h>
#include <sys/socket.h>

enum {
	/* A direction may move this much before others get their turn. */
	TURN = 512 << 10,
	/* This many full reads in a row are bulk: 256 KiB in one go. */
	BULK = 4,
	/* A spliced read below this is not bulk any more. */
	TRICKLE = 16 << 10,
};

void pump_init(struct pump *p, struct mover_pool *pool)
{
	*p = (struct pump){.wants = PUMP_SRC};
	mover_init(&p->mover, pool);
}

int pump_prefix(struct pump *p, const void *bytes, size_t n)
{
	int err = mover_copy_hold(&p->mover, bytes, n);

	if (err == 0)
		p->prefix = (uint16_t)n;
	return err;
}

void pump_cut(struct pump *p)
{
	p->src_cut = true;
	/* If the end was passed on before, the cut comes after it. */
	if (p->wants == PUMP_END)
		p->wants = PUMP_CUT;
}

void pump_release(struct pump *p)
{
	mover_release(&p->mover);
}

/* Nothing is held: copy or splice from here on? */
static void choose_mover(struct pump *p)
{
	bool bulk = p->streak >= BULK && !p->never_splice &&
		    mover_pool_has_pipe(p->mover.pool);
	const struct mover_kind *kind = bulk ? &mover_splice : &mover_copy;

	if (p->mover.kind != kind)
		mover_use(&p->mover, kind);
}

/* Has splice(), which came to n, said all there is to say of src? It stops
 * before an urgent byte and says "nothing", "the end" or how src has failed from
 * then on: only recv() gets past it. And it may lack a pipe, or memory. */
static bool is_left_to_recv(int src, ssize_t n)
{
	switch (n) {
	case 0:
	case -EINVAL:
	case -ENOMEM:
		return true;
	case -EAGAIN:
		return sock_at_mark(src);
	default:
		return n < 0 && sock_has_input(src);
	}
}

/* The source itself has failed, and will not say so twice. */
static bool is_of_src(ssize_t n)
{
	return n < 0 && n != -EAGAIN && n != -EINVAL && n != -ENOMEM;
}

/* Take from src. Returns the bytes taken, 0 at its end, -EAGAIN when there is
 * nothing now, or how reading failed. */
static ssize_t fill(struct pump *p, int src)
{
	ssize_t n;

	choose_mover(p);
	n = p->mover.kind->fill(&p->mover, src);
	if (n == -EINVAL && p->mover.kind == &mover_splice)
		p->never_splice = true;
	if (p->mover.kind == &mover_splice && is_left_to_recv(src, n)) {
		p->src_cut |= is_of_src(n);
		mover_use(&p->mover, &mover_copy);
		n = p->mover.kind->fill(&p->mover, src);
	}
	if ((n == -EAGAIN || n == 0) && p->src_cut)
		n = -ECONNRESET;
	if (n == -EAGAIN)
		return n;
	if (n <= 0)
		p->src_ended = true;
	if (n < 0) {
		p->src_cut = true;
		p->wants = PUMP_CUT;
	}
	return n;
}

/* Was that read the last for now? A read that leaves room in the buffer has
 * emptied the socket; asking again would cost a system call to hear so. */
static bool note_size(struct pump *p, size_t n)
{
	bool spliced = p->mover.kind == &mover_splice;

	/* There is the end to be read still. */
	if (p->src_ends || p->src_cut)
		return false;
	if (spliced && n < TRICKLE)
		p->streak = 0;
	else if (!spliced && n < MOVER_SCRATCH)
		p->streak = 0;
	else if (p->streak < BULK)
		p->streak++;
	return !spliced && !p->src_halts && n < MOVER_SCRATCH;
}

/* Everything that src gave is delivered, and it gives no more. */
static enum pump_fault finish(struct pump *p, int dst, int *error)
{
	if (p->src_cut) {
		p->wants = PUMP_CUT;
		return PUMP_FINE;
	}
	p->wants = PUMP_END;
	if (!p->dst_closes && shutdown(dst, SHUT_WR) < 0) {
		*error = -errno;
		return PUMP_DST_FAILED;
	}
	return PUMP_FINE;
}

/* dst has taken n bytes. */
static void count(struct pump *p, size_t n)
{
	size_t ours = n < p->prefix ? n : p->prefix;

	p->prefix = (uint16_t)(p->prefix - ours);
	p->moved += n - ours;
}

enum pump_fault pump_run(struct pump *p, int src, int dst, int *error)
{
	size_t taken = 0;
	bool emptied = false;
	/* A prefix may wait for what src has already; without that, it must
	 * go. */
	bool follows = p->prefix > 0 && sock_has_input(src);

	p->lacking = false;
	for (;;) {
		ssize_t n;

		if (p->mover.held > 0) {
			bool more = (p->src_ends && !p->src_cut) ||
				    (follows && p->prefix > 0);

			n = p->mover.kind->drain(&p->mover, dst, more);
			if (n > 0)
				count(p, (size_t)n);
			p->lacking = n == -ENOBUFS;
			if (n == -EAGAIN || n == 0 || p->lacking) {
				p->wants = PUMP_DST;
				return PUMP_FINE;
			}
			if (n < 0) {
				*error = (int)n;
				return n == -ENOMEM ? PUMP_NO_MEMORY
						    : PUMP_DST_FAILED;
			}
			continue;
		}
		if (p->src_ended)
			return finish(p, dst, error);
		p->wants = PUMP_SRC;
		p->more = !emptied && taken >= TURN;
		if (emptied || p->more)
			return PUMP_FINE;
		n = fill(p, src);
		if (n == -EAGAIN)
			return PUMP_FINE;
		if (n < 0) {
			*error = (int)n;
			return PUMP_SRC_FAILED;
		}
		taken += (size_t)n;
		emptied = n > 0 && note_size(p, (size_t)n);
	}
}

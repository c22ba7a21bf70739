#include "fuzz.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * Three pumps of one pool over system calls that are ours, driven by random
 * events: bytes that come, room that there is, short reads and writes, ends,
 * resets, interruptions, no memory, pipes of all sizes or none. What must hold:
 * each byte arrives once and in order, nothing waits for what is there already,
 * an end is told once and after the bytes, a pump that holds nothing owns
 * nothing, and in the end there is no memory and no pipe left.
 */

enum {
	STREAMS = 3,
	SRC = 1000, /* and the stream's number */
	DST = 2000,
	PIPE = 3000,
	PIPES = 8,
	GIVEN_MOST = 3 << 19, /* in all */
	PREFIX_MOST = 300,
};

struct stream {
	size_t given, taken; /* bytes that src has had, and that were read */
	size_t prefix;       /* bytes before those */
	size_t got;          /* bytes that dst has, with the prefix */
	size_t room;         /* that dst has */
	size_t read_most, write_most;
	size_t mark; /* splice() does not get past it; 0: none */
	unsigned shutdowns;
	bool ended, reset, halts, dst_failed, no_splice, ran, dead;
};

struct fake_pipe {
	bool open[2];
	size_t size, held, from; /* bytes, and the first one's place */
	int stream;
};

static struct stream streams[STREAMS];
static struct fake_pipe pipes[PIPES];
static struct {
	size_t live;        /* allocations */
	unsigned fail;      /* the next ones */
	unsigned interrupt; /* the next calls */
	size_t pipe_size;
	bool no_pipes, slots_gone;
} system_has;

static uint8_t byte_at(int stream, size_t at)
{
	return (uint8_t)(at * 31 + (at >> 8) * 7 + (at >> 16) +
			 (size_t)stream * 101);
}

static uint8_t all[STREAMS][GIVEN_MOST]; /* what there can be, once made */

static void make_all(void)
{
	for (int i = 0; i < STREAMS && all[1][0] == 0; i++)
		for (size_t at = 0; at < GIVEN_MOST; at++)
			all[i][at] = byte_at(i, at);
}

/* Is it what dst has to get next? */
static bool is_next(const struct stream *s, int i, const uint8_t *bytes,
		    size_t n)
{
	size_t at = s->got;

	for (; n > 0 && at < s->prefix; n--, at++)
		if (*bytes++ != (uint8_t)(200 - at))
			return false;
	return n == 0 || memcmp(bytes, all[i] + at - s->prefix, n) == 0;
}

static void *fake_malloc(size_t size)
{
	void *memory;

	if (system_has.fail > 0) {
		system_has.fail--;
		return NULL;
	}
	memory = malloc(size);
	MUST(memory);
	system_has.live++;
	return memory;
}

static void fake_free(void *memory)
{
	system_has.live -= memory != NULL;
	free(memory);
}

static int fail(int error)
{
	errno = error;
	return -1;
}

static bool is_interrupted(void)
{
	if (system_has.interrupt == 0)
		return false;
	system_has.interrupt--;
	return true;
}

/* How much may be read from src now; -1 with errno. */
static ssize_t readable(struct stream *s, size_t most)
{
	size_t there = s->given - s->taken;

	if (is_interrupted())
		return fail(EINTR);
	if (s->reset)
		return fail(ECONNRESET);
	if (there == 0)
		return s->ended ? 0 : fail(EAGAIN);
	if (s->halts && most > s->read_most)
		most = s->read_most;
	return (ssize_t)(there < most ? there : most);
}

static ssize_t writable(struct stream *s, size_t n)
{
	if (is_interrupted())
		return fail(EINTR);
	if (s->dst_failed)
		return fail(EPIPE);
	if (s->room == 0)
		return fail(EAGAIN);
	if (n > s->room)
		n = s->room;
	if (n > s->write_most)
		n = s->write_most;
	s->room -= n;
	return (ssize_t)n;
}

static ssize_t fake_recv(int fd, void *buf, size_t size, int flags)
{
	int i = fd - SRC;
	ssize_t n;

	MUST(i >= 0 && i < STREAMS && flags == 0);
	n = readable(&streams[i], size);
	if (n > 0) {
		memcpy(buf, all[i] + streams[i].taken, (size_t)n);
		streams[i].taken += (size_t)n;
	}
	if (streams[i].taken > streams[i].mark)
		streams[i].mark = 0;
	return n;
}

static ssize_t fake_send(int fd, const void *buf, size_t size, int flags)
{
	int i = fd - DST;
	ssize_t n;

	MUST(i >= 0 && i < STREAMS && (flags & MSG_NOSIGNAL) && size > 0);
	MUST(streams[i].shutdowns == 0);
	n = writable(&streams[i], size);
	if (n > 0) {
		MUST(is_next(&streams[i], i, buf, (size_t)n));
		streams[i].got += (size_t)n;
	}
	return n;
}

static ssize_t splice_in(int i, struct fake_pipe *p, size_t size)
{
	struct stream *s = &streams[i];
	size_t room = p->size - p->held;
	ssize_t n;

	if (s->no_splice)
		return fail(EINVAL);
	if (size > room)
		size = room;
	/* Slots, not bytes, are what a pipe runs out of. */
	if (size == 0 || (system_has.slots_gone && p->held > 0))
		return fail(EAGAIN);
	if (s->mark > 0 && s->taken + 1 >= s->mark && s->taken < s->given)
		return s->ended ? 0 : fail(EAGAIN);
	if (s->mark > 0 && s->taken + size >= s->mark)
		size = s->mark - 1 - s->taken;
	n = readable(s, size);
	if (n <= 0)
		return n;
	MUST(p->held == 0 || p->stream == i);
	if (p->held == 0) {
		p->stream = i;
		p->from = s->taken;
	}
	p->held += (size_t)n;
	s->taken += (size_t)n;
	return n;
}

static ssize_t splice_out(struct fake_pipe *p, int i, size_t size)
{
	ssize_t n;

	MUST(p->held > 0 && size <= p->held);
	MUST(p->stream == i);
	MUST(streams[i].shutdowns == 0);
	n = writable(&streams[i], size);
	if (n <= 0)
		return n;
	MUST(p->from + streams[i].prefix == streams[i].got);
	p->from += (size_t)n;
	p->held -= (size_t)n;
	streams[i].got += (size_t)n;
	return n;
}

static struct fake_pipe *pipe_of(int fd, int end)
{
	int i = (fd - PIPE) / 2;

	MUST(fd >= PIPE && i < PIPES && (fd - PIPE) % 2 == end);
	MUST(pipes[i].open[end]);
	return &pipes[i];
}

static ssize_t fake_splice(int from, off_t *from_at, int to, off_t *to_at,
			   size_t size, unsigned flags)
{
	MUST(!from_at && !to_at && (flags & SPLICE_F_NONBLOCK));
	if (to >= PIPE)
		return splice_in(from - SRC, pipe_of(to, 1), size);
	return splice_out(pipe_of(from, 0), to - DST, size);
}

static int fake_pipe2(int fds[2], int flags)
{
	MUST(flags == (O_CLOEXEC | O_NONBLOCK));
	for (int i = 0; i < PIPES && !system_has.no_pipes; i++) {
		if (pipes[i].open[0] || pipes[i].open[1])
			continue;
		pipes[i] = (struct fake_pipe){
			.open = {true, true},
			.size = system_has.pipe_size,
		};
		fds[0] = PIPE + 2 * i;
		fds[1] = fds[0] + 1;
		return 0;
	}
	return fail(EMFILE);
}

static int fake_fcntl(int fd, int what, ...)
{
	struct fake_pipe *p = pipe_of(fd, 1);

	MUST(what == F_SETPIPE_SZ || what == F_GETPIPE_SZ);
	return what == F_GETPIPE_SZ ? (int)p->size : fail(EPERM);
}

static int fake_close(int fd)
{
	struct fake_pipe *p = pipe_of(fd, (fd - PIPE) % 2);

	p->open[(fd - PIPE) % 2] = false;
	return 0;
}

static int fake_shutdown(int fd, int how)
{
	struct stream *s = &streams[fd - DST];

	MUST(how == SHUT_WR);
	MUST(s->ended && !s->reset && s->taken == s->given);
	MUST(s->got == s->prefix + s->given);
	MUST(s->shutdowns++ == 0);
	return s->dst_failed ? fail(ENOTCONN) : 0;
}

static bool fake_at_mark(int fd)
{
	const struct stream *s = &streams[fd - SRC];

	return s->mark > 0 && s->taken + 1 >= s->mark && s->taken < s->given;
}

static bool fake_has_input(int fd)
{
	const struct stream *s = &streams[fd - SRC];

	return s->given > s->taken;
}

/* In place of the floors' own, which are then not linked. */
#define recv           fake_recv
#define send           fake_send
#define splice         fake_splice
#define pipe2          fake_pipe2
#define fcntl          fake_fcntl
#define close          fake_close
#define shutdown       fake_shutdown
#define malloc         fake_malloc
#define free           fake_free
#define sock_at_mark   fake_at_mark
#define sock_has_input fake_has_input
#include "os/mover.c"
#include "os/mover_copy.c"
#include "os/mover_splice.c"
#include "engine/pump.c"
#undef recv
#undef send
#undef splice
#undef pipe2
#undef fcntl
#undef close
#undef shutdown
#undef malloc
#undef free
#undef sock_at_mark
#undef sock_has_input

static struct mover_pool pool;
static struct pump pumps[STREAMS];

static void must_add_up(const struct stream *s, const struct pump *p)
{
	MUST(s->got <= s->prefix + s->taken);
	MUST(p->mover.held == s->prefix + s->taken - s->got);
	MUST(p->moved == (s->got > s->prefix ? s->got - s->prefix : 0));
	if (p->mover.held == 0 && p->mover.kind == &mover_copy)
		MUST(!p->mover.kept);
	if (p->mover.held == 0 && p->mover.kind == &mover_splice)
		MUST(!p->mover.pipe);
	MUST(pool.pipes <= pool.pipes_most);
}

/* What it says it waits for is not there. */
static void must_wait_rightly(const struct stream *s, const struct pump *p)
{
	switch (p->wants) {
	case PUMP_SRC:
		MUST(p->mover.held == 0);
		MUST(p->more || (s->given == s->taken && !s->ended));
		MUST(p->more || !s->reset);
		break;
	case PUMP_DST:
		MUST(p->mover.held > 0 && s->room == 0 && !s->dst_failed);
		break;
	case PUMP_END:
		MUST(s->ended && !p->src_cut && p->mover.held == 0);
		MUST(s->shutdowns == !p->dst_closes);
		MUST(s->got == s->prefix + s->given);
		break;
	case PUMP_CUT:
		MUST(p->src_cut && p->mover.held == 0 && s->shutdowns == 0);
		break;
	default:
		MUST(false);
	}
}

static void run(int i)
{
	struct stream *s = &streams[i];
	struct pump *p = &pumps[i];
	unsigned fails = system_has.fail;
	enum pump_fault fault;
	int error = 0;

	if (s->dead || pump_is_over(p))
		return;
	/* Whoever hears of the end says so. */
	p->src_ends = s->ended;
	p->src_halts = s->halts;
	s->ran = true;
	fault = pump_run(p, SRC + i, DST + i, &error);
	s->dead = fault != PUMP_FINE;
	switch (fault) {
	case PUMP_FINE:
		must_wait_rightly(s, p);
		break;
	case PUMP_SRC_FAILED:
		MUST(p->wants == PUMP_CUT && error < 0 && p->mover.held == 0);
		MUST(s->reset || p->src_cut);
		break;
	case PUMP_DST_FAILED:
		MUST(s->dst_failed && error < 0);
		break;
	case PUMP_NO_MEMORY:
		MUST(fails > system_has.fail);
		break;
	}
	if (fault != PUMP_NO_MEMORY)
		must_add_up(s, p);
}

static size_t scaled(struct feed *f)
{
	static const size_t scales[] = {1, 61, 1009, 64 << 10};
	uint8_t byte = feed_byte(f);

	return (size_t)(byte >> 2) * scales[byte & 3];
}

static void give(struct stream *s, size_t n)
{
	size_t sum = 0;

	for (int i = 0; i < STREAMS; i++)
		sum += streams[i].given;
	if (!s->ended && !s->reset && sum + n <= GIVEN_MOST)
		s->given += n;
}

static void add_prefix(int i, size_t n)
{
	uint8_t bytes[PREFIX_MOST];

	if (streams[i].ran || streams[i].prefix > 0 || n == 0 ||
	    n > sizeof(bytes))
		return;
	for (size_t j = 0; j < n; j++)
		bytes[j] = (uint8_t)(200 - j);
	if (pump_prefix(&pumps[i], bytes, n) == 0)
		streams[i].prefix = n;
}

static void happen(uint8_t what, int i, struct feed *f)
{
	struct stream *s = &streams[i];

	switch (what) {
	case 0:
		give(s, scaled(f));
		break;
	case 1:
		s->room += scaled(f);
		break;
	case 2:
		s->ended = true;
		break;
	case 3:
		/* What was not read is lost with it. */
		s->reset = true;
		s->given = s->taken;
		break;
	case 4:
		s->dst_failed = feed_byte(f) % 4 == 0;
		break;
	case 5:
		system_has.fail = feed_byte(f) % 4 == 0;
		break;
	case 6:
		if (!s->dead && !pump_is_over(&pumps[i]) && s->ran)
			pump_cut(&pumps[i]);
		break;
	case 7:
		s->halts = true;
		s->read_most = scaled(f) + 1;
		break;
	case 8:
		s->write_most = scaled(f) + 1;
		break;
	case 9:
		system_has.interrupt = feed_byte(f) % 3;
		break;
	case 10:
		s->no_splice = feed_byte(f) % 4 == 0;
		break;
	case 11:
		s->mark = s->taken + 1 + scaled(f);
		break;
	case 12:
		add_prefix(i, scaled(f));
		break;
	case 13:
		system_has.slots_gone = feed_byte(f) % 2;
		system_has.no_pipes = feed_byte(f) % 4 == 0;
		break;
	case 14:
		if (!s->ran)
			pumps[i].dst_closes = true;
		break;
	case 15:
		/* The connection is dropped, with what is held. */
		if (feed_byte(f) % 4 == 0) {
			pump_release(&pumps[i]);
			s->dead = true;
		}
		break;
	default:
		run(i);
	}
}

static void begin(struct feed *f)
{
	static const size_t sizes[] = {1 << 20, 64 << 10, 256 << 10, 8 << 10};

	make_all();
	memset(streams, 0, sizeof(streams));
	memset(pipes, 0, sizeof(pipes));
	memset(&system_has, 0, sizeof(system_has));
	system_has.pipe_size = sizes[feed_byte(f) % 4];
	MUST(mover_pool_init(&pool, feed_byte(f) % 3) == 0);
	for (int i = 0; i < STREAMS; i++) {
		pump_init(&pumps[i], &pool);
		streams[i].read_most = streams[i].write_most = SIZE_MAX / 2;
	}
}

/* Nothing is in the way any more: all that was given comes through. */
static void run_out(int i)
{
	struct stream *s = &streams[i];

	if (s->dead || pump_is_over(&pumps[i]))
		return;
	system_has.fail = system_has.interrupt = 0;
	system_has.slots_gone = false;
	s->room = s->read_most = s->write_most = SIZE_MAX / 2;
	s->dst_failed = false;
	s->ended = true;
	for (int turns = 0; !s->dead && !pump_is_over(&pumps[i]); turns++) {
		MUST(turns < 100);
		run(i);
	}
	MUST(s->reset || s->dead || s->got == s->prefix + s->given);
}

static void end(void)
{
	for (int i = 0; i < STREAMS; i++) {
		run_out(i);
		pump_release(&pumps[i]);
	}
	mover_pool_free(&pool);
	MUST(pool.pipes == 0);
	for (int i = 0; i < PIPES; i++)
		MUST(!pipes[i].open[0] && !pipes[i].open[1]);
	MUST(system_has.live == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct feed f = {data, size};

	begin(&f);
	while (f.left > 0) {
		uint8_t what = feed_byte(&f);

		happen(what & 31, (what >> 5) % STREAMS, &f);
	}
	end();
	return 0;
}

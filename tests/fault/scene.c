#include "fault/scene.h"

#include "process/program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum {
	SMALL = 100,
	BULK = 3 << 20, /* enough to be spliced */
	HANGS_MS = 8000,
	STARTS_MS = 8000,
	STILL_MS = 60,
	WORKS_MS = 30,      /* most, while it has nothing to do */
	WORKS_ALL_MS = 900, /* most, in all */
	STATUS_MS = 8000,
};

static struct plan *plan;
static bool began;
static unsigned lost, asked;
static struct backend *backends[2];
static const char *where[SCENE_LISTENERS], *config;
static char wrong[8192];

int scene_set_up(void)
{
	int fd = open(program_file("plan"), O_RDWR | O_CREAT, 0666);
	void *memory = MAP_FAILED;

	if (fd >= 0 && ftruncate(fd, sizeof(*plan)) == 0 &&
	    fchmod(fd, 0666) == 0)
		memory = mmap(NULL, sizeof(*plan), PROT_READ | PROT_WRITE,
			      MAP_SHARED, fd, 0);
	close(fd);
	if (memory == MAP_FAILED ||
	    proc_copy(FAULT_CALLS, program_file("calls.so")) < 0)
		return -1;
	plan = memory;
	return 0;
}

struct plan *scene_plan(void)
{
	memset(plan, 0, sizeof(*plan));
	plan->left_over = -1;
	return plan;
}

struct plan *scene_mapped(void)
{
	return plan;
}

bool scene_began(void)
{
	return began;
}

unsigned scene_lost(void)
{
	return lost;
}

/* The first word is the one that counts. */
static void complain(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

static void complain(const char *format, ...)
{
	va_list args;

	if (wrong[0] != '\0')
		return;
	va_start(args, format);
	vsnprintf(wrong, sizeof(wrong), format, args);
	va_end(args);
}

static const char *any(void)
{
	return scrap("127.0.0.1:%u", peer_free_port());
}

static void write_config(void)
{
	const char *dead = peer_where(peer_bind("127.0.0.1:0"));
	const char *b = backend_where(backends[0]);
	FILE *f = fopen(config, "w");

	assert_non_null(f);
	fprintf(f,
		"[lowport]\nthreads = 2\nconnect-timeout = 2s\n"
		"max-connections-per-source = 200\nstatus = %s\n"
		"[relay tcp]\nlisten = %s\nto = %s\n"
		"[relay unix]\nlisten = %s\nto = %s\nunix-mode = 0666\n"
		"[relay name]\nlisten = %s\nto = 0x7f000001%s\n" /* a name */
		"[relay dead]\nlisten = %s\nto = %s\n",
		program_file("status"), where[SCENE_TCP], b, where[SCENE_UNIX],
		backend_where(backends[1]), where[SCENE_NAME], strchr(b, ':'),
		where[SCENE_DEAD], dead);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(config, 0644), 0);
}

const char *scene_at(unsigned listener)
{
	return where[listener];
}

static void prepare(void)
{
	int held[SCENE_LISTENERS];

	config = program_file("lowport.conf");
	backends[0] = backend_start("127.0.0.1:0", "web");
	unlink(program_file("b.sock"));
	backends[1] =
		backend_start(scrap("unix:%s", program_file("b.sock")), "app");
	where[SCENE_UNIX] = scrap("unix:%s", program_file("l.sock"));
	unlink(program_file("l.sock"));
	unlink(program_file("status"));
	/* Held, so that none comes twice. */
	for (int i = 0; i < SCENE_LISTENERS; i++) {
		if (i == SCENE_UNIX)
			continue;
		where[i] = any();
		held[i] = peer_listen(where[i]);
	}
	for (int i = 0; i < SCENE_LISTENERS; i++)
		if (i != SCENE_UNIX)
			peer_close(held[i]);
	write_config();
}

const char *scene_wrong(void)
{
	return wrong;
}

/* All listeners are told of, but for one whose line could not be written. */
static bool listens(struct proc *p)
{
	return proc_count_lines(p, "listening on ") +
		       proc_count_lines(p, "1 log line was lost") >=
	       SCENE_LISTENERS;
}

static bool begins(struct proc *p)
{
	const struct timespec tick = {.tv_nsec = 2000000};

	for (unsigned ms = 0; ms < STARTS_MS && proc_runs(p); ms += 2) {
		if (listens(p))
			return true;
		nanosleep(&tick, NULL);
	}
	return listens(p);
}

struct proc *scene_start(void)
{
	const char *env[] = {scrap("LD_PRELOAD=%s", program_file("calls.so")),
			     scrap(PLAN_VARIABLE "=%s", program_file("plan")),
			     NULL};
	struct proc_options opt = {.env = env};
	struct proc *p;

	wrong[0] = '\0';
	lost = asked = 0;
	prepare();
	p = program_start((const char *const[]){"run", "-c", config, NULL},
			  &opt);
	began = begins(p);
	return p;
}

static enum scene_word read_answer(int fd, const char *expected, bool is_unix)
{
	char text[256];
	size_t length = 0;

	for (;;) {
		ssize_t n = 0;

		if (peer_is_silent(fd, HANGS_MS))
			return SCENE_HANGS;
		n = recv(fd, text + length, sizeof(text) - 1 - length, 0);
		if (n < 0)
			return SCENE_CUT;
		if (n == 0)
			break;
		length += (size_t)n;
	}
	text[length] = '\0';
	if (strcmp(text, expected) == 0)
		return SCENE_FINE;
	/* A Unix socket has no reset. */
	if (is_unix && strncmp(text, expected, length) == 0)
		return SCENE_CUT;
	complain("a client heard \"%s\", not \"%s\"", text, expected);
	return SCENE_WRONG;
}

static const char *bytes(size_t size)
{
	static char all[BULK];

	if (all[0] == '\0')
		peer_fill(all, sizeof(all), 0);
	assert_in_range(size, 0, sizeof(all));
	return all;
}

static bool is_unix(unsigned listener)
{
	return listener == SCENE_UNIX;
}

enum scene_word scene_finish(int fd, unsigned listener, const char *said,
			     size_t size)
{
	const struct backend *b = backends[is_unix(listener)];
	enum scene_word word = SCENE_CUT;

	if (shutdown(fd, SHUT_WR) == 0)
		word = read_answer(fd, backend_answer(b, said, size),
				   is_unix(listener));
	peer_close(fd);
	return word;
}

static enum scene_word talk(int fd, unsigned listener, size_t size)
{
	const char *from = bytes(size);
	size_t sent = 0;

	while (sent < size) {
		ssize_t n = send(fd, from + sent, size - sent, 0);

		if (n < 0) {
			peer_close(fd);
			return errno == EAGAIN ? SCENE_HANGS : SCENE_CUT;
		}
		sent += (size_t)n;
	}
	return scene_finish(fd, listener, from, size);
}

enum scene_word scene_ask(unsigned listener, size_t size)
{
	int fd = peer_try_dial(where[listener]);

	return fd < 0 ? SCENE_CUT : talk(fd, listener, size);
}

void scene_await_bytes(uint64_t count)
{
	backend_await_bytes(backends[0], count);
}

static void judge(const char *who, enum scene_word word)
{
	asked++;
	if (word == SCENE_HANGS)
		complain("%s hangs", who);
	else if (word == SCENE_CUT)
		lost++;
}

double scene_worked_ms(const struct proc *p)
{
	struct timespec t;
	clockid_t clock;

	if (clock_getcpuclockid(proc_pid(p), &clock) != 0 ||
	    clock_gettime(clock, &t) < 0)
		return 0;
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

bool scene_settles(const struct proc *p, int sockets)
{
	const struct timespec tick = {.tv_nsec = 5000000};

	for (int i = 0; i < 600; i++) {
		if (program_descriptors(p, "socket:") <= sockets)
			return true;
		nanosleep(&tick, NULL);
	}
	return false;
}

static void reset_one(void)
{
	int fd = peer_try_dial(where[SCENE_TCP]);

	if (fd < 0)
		return;
	if (send(fd, "reset", 5, 0) == 5)
		peer_reset(fd);
	else
		peer_close(fd);
}

/* A connection to a backend that refuses has to look refused. */
static void ask_dead(void)
{
	int fd = peer_try_dial(where[SCENE_DEAD]);
	char byte;

	if (fd < 0)
		return;
	if (peer_is_silent(fd, HANGS_MS))
		complain("the client of a dead backend hangs");
	else if (recv(fd, &byte, 1, 0) >= 0)
		lost++; /* one that goes at accept may look like that */
	peer_close(fd);
}

static void ask_status(void)
{
	struct proc *status = program_start(
		(const char *const[]){"status", "--socket",
				      program_file("status"), NULL},
		NULL);

	if (proc_await(status, STATUS_MS) < 0)
		complain("status hangs");
}

static void reload(struct proc *p)
{
	const struct timespec tick = {.tv_nsec = 2000000};

	proc_signal(p, SIGHUP);
	for (int i = 0; i < STARTS_MS / 2 && proc_runs(p); i++) {
		if (proc_count_lines(p, "configuration is in force") > 0 ||
		    proc_count_lines(p, "configuration stays") > 0)
			return;
		nanosleep(&tick, NULL);
	}
	complain("a reload is not answered");
}

static void go_through(struct proc *p)
{
	int staying = peer_try_dial(where[SCENE_TCP]);

	judge("a small one", scene_ask(SCENE_TCP, SMALL));
	judge("a large one", scene_ask(SCENE_TCP, BULK));
	judge("a Unix client", scene_ask(SCENE_UNIX, SMALL));
	judge("a large Unix client", scene_ask(SCENE_UNIX, BULK));
	judge("who goes by a name", scene_ask(SCENE_NAME, SMALL));
	reset_one();
	ask_dead();
	ask_status();
	reload(p);
	judge("who comes after the reload", scene_ask(SCENE_TCP, SMALL));
	if (staying < 0)
		lost++;
	else
		judge("who has stayed", talk(staying, SCENE_TCP, SMALL));
}

static void look_after(struct proc *p, int sockets)
{
	const struct timespec still = {.tv_nsec = STILL_MS * 1000000};
	double before;

	for (int i = 0; i < SCENE_DEAD; i++)
		if (scene_ask((unsigned)i, SMALL) != SCENE_FINE)
			complain("%s is not served afterwards", where[i]);
	if (!scene_settles(p, sockets))
		complain("sockets are left: %d, not %d",
			 program_descriptors(p, "socket:"), sockets);
	before = scene_worked_ms(p);
	nanosleep(&still, NULL);
	if (scene_worked_ms(p) - before > WORKS_MS)
		complain("it spins: %.0f ms of work in %d",
			 scene_worked_ms(p) - before, STILL_MS);
}

/* What comes after the fault has to be as it always is. */
static void hold_faults(bool hold)
{
	static unsigned fail_at[PLAN_COUNT];

	for (int i = 0; i < PLAN_COUNT; i++) {
		if (hold)
			fail_at[i] = plan->row[i].fail_at;
		plan->row[i].fail_at = hold ? 0 : fail_at[i];
	}
}

static void judge_end(struct proc *p, int status)
{
	const char *said = proc_err(p);

	if (status < 0)
		complain("it does not end");
	else if (status > 2)
		complain("it ended with %d", status);
	else if (began && status != 0)
		complain("it began, and ended with %d", status);
	else if (!began && status == 0)
		complain("it did not begin, and ended with 0");
	else if (!began && !strstr(said, "lowport: "))
		complain("it did not begin, and did not say why");
}

const char *scene_play(void)
{
	struct proc *p = scene_start();
	unsigned failed = 0;
	int sockets, status;
	size_t n;

	if (began) {
		sockets = program_descriptors(p, "socket:");
		go_through(p);
		hold_faults(true);
		if (wrong[0] == '\0' && proc_runs(p))
			look_after(p, sockets);
		hold_faults(false);
		if (proc_runs(p) && scene_worked_ms(p) > WORKS_ALL_MS)
			complain("it has worked %.0f ms", scene_worked_ms(p));
		proc_signal(p, SIGTERM);
	}
	status = proc_await(p, HANGS_MS);
	/* That explains all the rest. */
	if (status > 2)
		wrong[0] = '\0';
	judge_end(p, status);
	for (int i = 0; i < PLAN_COUNT; i++)
		failed += plan->row[i].failed;
	if (!began && failed == 0)
		complain("it did not begin, and nothing had failed");
	if (lost > failed)
		complain("%u of %u clients were lost", lost, asked);
	n = strlen(wrong);
	if (n > 0)
		snprintf(wrong + n, sizeof(wrong) - n, "; it said:\n%s",
			 proc_err(p));
	program_end_test(NULL);
	return n > 0 ? wrong : NULL;
}

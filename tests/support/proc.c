#include "support/proc.h"

#include "support/scrap.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

extern char **environ;

enum { OUT, ERR, STREAMS };

enum { SAID_MOST = 400 };

/* Above every descriptor that a program is handed; none of a test is higher. */
enum { PARKED = 64, DESCRIPTORS_MOST = 4096 };

struct stream {
	int fd; /* the end that is read, or -1 */
	char *text;
	size_t length;
};

struct proc {
	struct proc *next;
	const char *name;
	pid_t pid;
	pthread_t reader;
	pthread_mutex_t lock; /* of all below */
	pthread_cond_t news;
	struct stream stream[STREAMS];
	bool ended;
	int status; /* as waitpid() says */
};

static struct proc *procs;

static bool is_ours(const char *variable)
{
	return strncmp(variable, "LISTEN_", 7) == 0 ||
	       strncmp(variable, "JOURNAL_STREAM=", 15) == 0;
}

/* The test's own, opt's, and the first of all room for LISTEN_PID. */
static char **make_environment(const struct proc_options *opt)
{
	size_t n = 0, most = 4;
	char **made;

	for (char **e = environ; *e; e++)
		most++;
	for (const char *const *e = opt->env; e && *e; e++)
		most++;
	made = calloc(most, sizeof(*made));
	if (!made)
		abort();
	if (opt->activated) {
		made[n++] = (char *)scrap("LISTEN_PID=%20d", 0);
		made[n++] = (char *)scrap("LISTEN_FDS=%u", opt->fd_count);
	}
	if (opt->activated && opt->activated[0] != '\0')
		made[n++] = (char *)scrap("LISTEN_FDNAMES=%s", opt->activated);
	for (char **e = environ; *e; e++)
		if (!is_ours(*e))
			made[n++] = *e;
	for (const char *const *e = opt->env; e && *e; e++)
		made[n++] = (char *)*e;
	return made;
}

static void give_up(const char *what)
{
	const char *why = strerror(errno);

	if (write(STDERR_FILENO, what, strlen(what)) < 0 ||
	    write(STDERR_FILENO, ": ", 2) < 0 ||
	    write(STDERR_FILENO, why, strlen(why)) < 0)
		_exit(126);
	_exit(127);
}

static void arrange_descriptors(const struct proc_options *opt,
				const int standard[3])
{
	int wanted[3 + 16], count = 3 + (int)opt->fd_count;

	for (int i = 0; i < 3; i++)
		wanted[i] = standard[i];
	for (int i = 3; i < count; i++)
		wanted[i] = opt->fds[i - 3];
	/* Out of the way first, so that none is overwritten. */
	for (int i = 0; i < count; i++)
		wanted[i] = fcntl(wanted[i], F_DUPFD, PARKED);
	for (int i = 0; i < count; i++)
		if (wanted[i] < 0 || dup2(wanted[i], i) < 0)
			give_up("dup2");
	for (int fd = count; fd < DESCRIPTORS_MOST; fd++)
		close(fd);
}

static void drop_rights(unsigned user)
{
	if (setgroups(0, NULL) < 0 || setgid(user) < 0 || setuid(user) < 0 ||
	    chdir("/") < 0)
		give_up("setuid");
}

static void write_pid(char *variable)
{
	char *digit = variable + strlen(variable);

	for (pid_t pid = getpid(); pid > 0; pid /= 10)
		*--digit = (char)('0' + pid % 10);
	/* Left-aligned, as a number has to be. */
	memmove(variable + strlen("LISTEN_PID="), digit, strlen(digit) + 1);
}

/* The child, which may only make system calls between fork() and exec(). */
static void become(const char *const argv[], const struct proc_options *opt,
		   char **environment, const int standard[3], unsigned user)
{
	struct rlimit limit = {opt->descriptors, opt->descriptors};

	setpgid(0, 0);
	/* Ignored signals stay ignored through exec(). */
	signal(SIGPIPE, SIG_DFL);
	arrange_descriptors(opt, standard);
	if (opt->descriptors > 0 && setrlimit(RLIMIT_NOFILE, &limit) < 0)
		give_up("setrlimit");
	if (opt->drop)
		drop_rights(user);
	if (opt->activated)
		write_pid(environment[0]);
	environ = environment;
	execvp(argv[0], (char *const *)(uintptr_t)argv);
	give_up(argv[0]);
}

static void take(struct proc *p, struct stream *s)
{
	char buf[16384];
	ssize_t n = read(s->fd, buf, sizeof(buf));

	if (n < 0 && errno == EINTR)
		return;
	pthread_mutex_lock(&p->lock);
	if (n <= 0) {
		close(s->fd);
		s->fd = -1;
	} else {
		s->text = realloc(s->text, s->length + (size_t)n + 1);
		if (!s->text)
			abort();
		memcpy(s->text + s->length, buf, (size_t)n);
		s->length += (size_t)n;
		s->text[s->length] = '\0';
	}
	pthread_cond_broadcast(&p->news);
	pthread_mutex_unlock(&p->lock);
}

static void *read_all(void *data)
{
	struct proc *p = data;
	siginfo_t info;

	while (p->stream[OUT].fd >= 0 || p->stream[ERR].fd >= 0) {
		struct pollfd polls[STREAMS];

		for (int i = 0; i < STREAMS; i++)
			polls[i] = (struct pollfd){.fd = p->stream[i].fd,
						   .events = POLLIN};
		if (poll(polls, STREAMS, -1) < 0)
			continue;
		for (int i = 0; i < STREAMS; i++)
			if (polls[i].revents)
				take(p, &p->stream[i]);
	}
	/* Its number is free for others only under the lock. */
	while (waitid(P_PID, (id_t)p->pid, &info, WEXITED | WNOWAIT) < 0 &&
	       errno == EINTR)
		;
	pthread_mutex_lock(&p->lock);
	waitpid(p->pid, &p->status, 0);
	p->ended = true;
	pthread_cond_broadcast(&p->news);
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

/* A pipe for a stream that is to be collected; its end for the child. */
static int open_stream(struct stream *s, int given)
{
	int fds[2];

	s->fd = -1;
	s->text = calloc(1, 1);
	if (!s->text)
		abort();
	if (given > 0)
		return given;
	if (pipe(fds) < 0)
		abort();
	s->fd = fds[0];
	return fds[1];
}

unsigned proc_user(void)
{
	/* No number of a system's own, and none that a user namespace lacks. */
	return 20000 + (unsigned)getpid() % 40000;
}

struct proc *proc_start(const char *const argv[],
			const struct proc_options *opt)
{
	static const struct proc_options plain;
	struct proc *p = calloc(1, sizeof(*p));
	unsigned user = proc_user();
	char **environment;
	int standard[3];

	if (!p)
		abort();
	opt = opt ? opt : &plain;
	environment = make_environment(opt);
	standard[0] = opt->in > 0 ? opt->in : open("/dev/null", O_RDONLY);
	standard[1] = open_stream(&p->stream[OUT], opt->out);
	standard[2] = open_stream(&p->stream[ERR], opt->err);
	p->name = argv[0];
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->news, NULL);
	p->pid = fork();
	if (p->pid == 0)
		become(argv, opt, environment, standard, user);
	if (p->pid < 0 || pthread_create(&p->reader, NULL, read_all, p) != 0)
		abort();
	setpgid(p->pid, p->pid);
	free(environment);
	if (opt->in <= 0)
		close(standard[0]);
	if (opt->out <= 0)
		close(standard[1]);
	if (opt->err <= 0)
		close(standard[2]);
	p->next = procs;
	procs = p;
	return p;
}

pid_t proc_pid(const struct proc *p)
{
	return p->pid;
}

static struct timespec ends_after(unsigned ms)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_nsec += (long)(ms % 1000) * 1000000;
	t.tv_sec += (time_t)(ms / 1000) + t.tv_nsec / 1000000000;
	t.tv_nsec %= 1000000000;
	return t;
}

static struct timespec patience_ends(void)
{
	return ends_after(PROC_PATIENCE_MS);
}

static const char *find_line(const struct stream *s, const char *text,
			     unsigned index)
{
	const char *at = s->text, *end;

	while ((at = strstr(at, text)) != NULL) {
		end = strchr(at, '\n');
		/* Half a line says less than the whole one. */
		if (!end)
			return NULL;
		if (index-- == 0)
			return scrap("%.*s", (int)(end - at), at);
		at = end + 1;
	}
	return NULL;
}

/* For a message, whose length has a bound: the first of what it said, and the
 * last. */
static const char *proc_said(struct proc *p)
{
	const char *all = proc_err(p);
	size_t length = strlen(all);

	if (length <= 2 * SAID_MOST)
		return all;
	return scrap("%.*s\n[...]\n%s", SAID_MOST, all,
		     all + length - SAID_MOST);
}

const char *proc_line(struct proc *p, const char *text, unsigned index)
{
	struct timespec end = patience_ends();
	const char *line;
	int err = 0;
	bool ended;

	pthread_mutex_lock(&p->lock);
	while (!(line = find_line(&p->stream[ERR], text, index)) && !p->ended &&
	       err == 0)
		err = pthread_cond_timedwait(&p->news, &p->lock, &end);
	ended = p->ended;
	pthread_mutex_unlock(&p->lock);
	if (!line)
		fail_msg("%s %s without saying \"%s\" %u times; it said:\n%s",
			 p->name, ended ? "ended" : "went on", text, index + 1,
			 proc_said(p));
	return line;
}

unsigned proc_count_lines(struct proc *p, const char *text)
{
	const char *at;
	unsigned n = 0;

	pthread_mutex_lock(&p->lock);
	at = p->stream[ERR].text;
	while ((at = strstr(at, text)) != NULL) {
		n++;
		at = strchr(at, '\n');
		if (!at)
			break;
	}
	pthread_mutex_unlock(&p->lock);
	return n;
}

static const char *copy(struct proc *p, int stream)
{
	const char *text;

	pthread_mutex_lock(&p->lock);
	text = scrap("%s", p->stream[stream].text);
	pthread_mutex_unlock(&p->lock);
	return text;
}

const char *proc_out(struct proc *p)
{
	return copy(p, OUT);
}

const char *proc_err(struct proc *p)
{
	return copy(p, ERR);
}

bool proc_runs(struct proc *p)
{
	bool runs;

	pthread_mutex_lock(&p->lock);
	runs = !p->ended;
	pthread_mutex_unlock(&p->lock);
	return runs;
}

static void signal_group(struct proc *p, pid_t whom, int number)
{
	pthread_mutex_lock(&p->lock);
	if (!p->ended)
		kill(whom, number);
	pthread_mutex_unlock(&p->lock);
}

void proc_signal(struct proc *p, int number)
{
	signal_group(p, p->pid, number);
}

int proc_await(struct proc *p, unsigned ms)
{
	struct timespec end = ends_after(ms);
	int err = 0, got;

	pthread_mutex_lock(&p->lock);
	while (!p->ended && err == 0)
		err = pthread_cond_timedwait(&p->news, &p->lock, &end);
	got = WIFEXITED(p->status) ? WEXITSTATUS(p->status)
				   : 128 + WTERMSIG(p->status);
	pthread_mutex_unlock(&p->lock);
	return err == 0 ? got : -1;
}

void proc_end(struct proc *p, int status)
{
	int got = proc_await(p, PROC_PATIENCE_MS);

	if (got < 0)
		fail_msg("%s does not end; it said:\n%s", p->name,
			 proc_said(p));
	if (got != status)
		fail_msg("%s ended with %d, not %d; it said:\n%s", p->name, got,
			 status, proc_said(p));
}

bool proc_has(const char *name)
{
	const char *at = getenv("PATH");

	while (at && *at != '\0') {
		size_t n = strcspn(at, ":");

		if (access(scrap("%.*s/%s", (int)n, at, name), X_OK) == 0)
			return true;
		at += n + (at[n] == ':');
	}
	return false;
}

void proc_stop_all(void)
{
	while (procs) {
		struct proc *p = procs;

		procs = p->next;
		signal_group(p, -p->pid, SIGKILL);
		pthread_join(p->reader, NULL);
		pthread_mutex_destroy(&p->lock);
		pthread_cond_destroy(&p->news);
		free(p->stream[OUT].text);
		free(p->stream[ERR].text);
		free(p);
	}
}

int proc_copy(const char *from, const char *to)
{
	int in = open(from, O_RDONLY);
	int out = open(to, O_WRONLY | O_CREAT | O_EXCL, 0755);
	char buf[65536];
	ssize_t n = in < 0 || out < 0 ? -1 : 0;

	while (n >= 0 && (n = read(in, buf, sizeof(buf))) > 0)
		if (write(out, buf, (size_t)n) != n)
			n = -1;
	close(in);
	close(out);
	return (int)n;
}

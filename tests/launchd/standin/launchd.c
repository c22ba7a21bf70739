#include "standin.h"

#include "control.h"
#include "job.h"
#include "verbs.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/*
 * A launchd for tests on Linux: what is known of the real one as far as an
 * agent with sockets can notice it, and no more. By hand:
 *
 *   export LOWPORT_STANDIN_DIR=/tmp/standin PATH=BUILD/tests/launchd/bin:$PATH
 *   mkdir $LOWPORT_STANDIN_DIR; standin-launchd &
 *   launchctl bootstrap gui/501 agent.plist
 *
 * It ends with the process that has started it. The other settings are in
 * standin.h.
 */

struct standin standin;

enum { SIGNALS, CONTROL, FIXED, POLLS_MOST = 1024, WORDS_MOST = 16 };

static int fixed[FIXED];

bool standin_has_quirk(const char *name)
{
	return strstr(standin.quirks, name) != NULL;
}

uint64_t standin_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

void standin_log(const char *format, ...)
{
	char text[2048];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text, sizeof(text) - 1, format, args);
	va_end(args);
	if (n > (int)sizeof(text) - 2)
		n = (int)sizeof(text) - 2;
	text[n] = '\n';
	/* Nobody is left to tell. */
	if (write(STDERR_FILENO, text, (size_t)n + 1) < 0)
		return;
}

static const char *setting(const char *name, const char *fallback)
{
	const char *value = getenv(name);

	return value && value[0] != '\0' ? value : fallback;
}

static bool read_settings(void)
{
	ssize_t n = readlink("/proc/self/exe", standin.bin,
			     sizeof(standin.bin) - 1);

	standin.dir = setting("LOWPORT_STANDIN_DIR", NULL);
	standin.domains = setting("LOWPORT_STANDIN_DOMAINS", "gui user system");
	standin.quirks = setting("LOWPORT_STANDIN_QUIRKS", "");
	standin.home = setting("LOWPORT_STANDIN_HOME", NULL);
	standin.second_ms = strtoull(
		setting("LOWPORT_STANDIN_SECOND_MS", "1000"), NULL, 10);
	standin.job_user = (uid_t)strtoul(
		setting("LOWPORT_STANDIN_USER", "65534"), NULL, 10);
	if (n > 0)
		dirname(standin.bin);
	return n > 0 && standin.dir && standin.second_ms > 0;
}

static int open_control(void)
{
	struct sockaddr_un sun;
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (fd < 0 || control_address(&sun, standin.dir) < 0)
		return -1;
	unlink(sun.sun_path);
	if (bind(fd, (const struct sockaddr *)&sun, sizeof(sun)) < 0 ||
	    chmod(sun.sun_path, 0666) < 0 || listen(fd, 64) < 0)
		return -1;
	return fd;
}

static int open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

static void reap(void)
{
	pid_t pid;
	int status;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		struct job *j = job_find_pid(pid);

		if (j)
			job_reap(j, status);
	}
}

/* Returns false if it was told to end. */
static bool take_signal(void)
{
	struct signalfd_siginfo info;

	if (read(fixed[SIGNALS], &info, sizeof(info)) != sizeof(info))
		return true;
	if (info.ssi_signo != SIGCHLD)
		return false;
	reap();
	return true;
}

static void answer(int fd, const char *question, size_t length)
{
	const char *words[WORDS_MOST];
	size_t count = control_unpack(question, length, words, WORDS_MOST);
	struct ucred who = {0};
	socklen_t size = sizeof(who);
	char *text = NULL;
	FILE *out = open_memstream(&text, &length);

	if (!out)
		abort();
	fputc(0, out);
	getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size);
	if (count > 0) {
		int status = verbs_answer(words, count, who.uid, who.pid, out);

		fflush(out);
		text[0] = (char)status;
	}
	fclose(out);
	if (length > CONTROL_MOST)
		length = CONTROL_MOST;
	/* It may have gone without waiting. */
	if (send(fd, text, length, MSG_NOSIGNAL) < 0)
		standin_log("control: %s", strerror(errno));
	free(text);
}

static void take_question(void)
{
	static char question[CONTROL_MOST];
	struct timeval patience = {.tv_sec = 1};
	int fd = accept4(fixed[CONTROL], NULL, NULL, SOCK_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	n = recv(fd, question, sizeof(question), 0);
	if (n > 0)
		answer(fd, question, (size_t)n);
	close(fd);
}

/* A waiting client starts the job that its socket belongs to. */
struct waker {
	struct job *job;
};

static nfds_t add_sockets(struct job *j, struct pollfd *polls,
			  struct waker *wakers, nfds_t n)
{
	for (size_t i = 0; i < j->sockets.count; i++) {
		const struct socket_entry *e = &j->sockets.at[i];

		for (size_t k = 0; k < e->count && n < POLLS_MOST; k++) {
			if (!socket_can_wake(e->fds[k]))
				continue;
			polls[n] = (struct pollfd){e->fds[k], POLLIN, 0};
			wakers[n++].job = j;
		}
	}
	return n;
}

static int until(uint64_t when, uint64_t now)
{
	if (when == UINT64_MAX)
		return -1;
	if (when <= now)
		return 0;
	return when - now < INT_MAX ? (int)(when - now) : INT_MAX;
}

/* Returns false when it is over. */
static bool turn(void)
{
	static struct pollfd polls[POLLS_MOST];
	static struct waker wakers[POLLS_MOST];
	uint64_t now = standin_now_ms(), next = UINT64_MAX;
	nfds_t n = FIXED;

	for (int i = 0; i < FIXED; i++)
		polls[i] = (struct pollfd){fixed[i], POLLIN, 0};
	for (struct job *j = jobs; j; j = j->next) {
		uint64_t when = job_tick(j, now);

		next = when < next ? when : next;
		if (job_listens(j, now))
			n = add_sockets(j, polls, wakers, n);
	}
	if (poll(polls, n, until(next, now)) < 0)
		return errno == EINTR;
	/* Before what could free a job. */
	for (nfds_t i = FIXED; i < n; i++)
		if (polls[i].revents & POLLIN)
			job_start(wakers[i].job, "ipc (socket)");
	if (polls[CONTROL].revents)
		take_question();
	return !polls[SIGNALS].revents || take_signal();
}

int main(void)
{
	struct sockaddr_un sun;

	if (!read_settings()) {
		fputs("standin-launchd: LOWPORT_STANDIN_DIR names no "
		      "directory\n",
		      stderr);
		return 2;
	}
	/* A test that is killed leaves nothing behind. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	fixed[SIGNALS] = open_signals();
	fixed[CONTROL] = open_control();
	if (fixed[SIGNALS] < 0 || fixed[CONTROL] < 0) {
		perror("standin-launchd");
		return 1;
	}
	standin_log("standin-launchd: ready");
	while (turn())
		;
	job_end_all();
	domain_forget_choices();
	control_address(&sun, standin.dir);
	unlink(sun.sun_path);
	close(fixed[CONTROL]);
	close(fixed[SIGNALS]);
	return 0;
}

#include "cli/backend.h"

#include "cli/logger.h"
#include "cli/output.h"
#include "os/child.h"
#include "os/place.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	AGAIN_FIRST_MS = 100, /* then twice as long each time, */
	AGAIN_MOST_MS = 5000,
	SOON_MS = 10000, /* whoever dies sooner has not really begun */
	SOON_MOST = 5,   /* times: then it is hopeless */
	CANNOT_MS = 1000,
	GRACE_MS = 5000,   /* between SIGTERM and SIGKILL */
	GIVE_UP_MS = 1000, /* after SIGKILL */
	LOOK_MS = 20,      /* whether all of the group are gone */
};

enum state { DOWN, UP, ENDING };

struct backend {
	uv_loop_t *loop;
	uv_timer_t timer;
	struct backend_plan plan;
	struct output *output;
	enum state state;
	pid_t pid; /* and group, unless DOWN */
	bool reaped, killed;
	bool for_good; /* it is not started again */
	bool said;     /* that it does not answer */
	size_t clients;
	unsigned deaths; /* soon after the start, in a row */
	int cannot;      /* what starting it said, if that was the last */
	uint64_t started_ms, idle_since_ms;
	uint64_t start_at_ms; /* not sooner */
	uint64_t kill_at_ms;
};

static void say(const struct backend *b, enum log_level level,
		const char *format, ...) __attribute__((format(printf, 3, 4)));

static void say(const struct backend *b, enum log_level level,
		const char *format, ...)
{
	const char *relay = b->plan.relay;
	char text[1024];
	int n = 0;
	va_list args;

	if (relay)
		n = snprintf(text, sizeof(text) / 2, "relay %s: ", relay);
	va_start(args, format);
	vsnprintf(text + n, sizeof(text) - (size_t)n, format, args);
	va_end(args);
	logger_put(level, text);
}

static void on_timer(uv_timer_t *timer);

static void wait_until(struct backend *b, uint64_t due_ms)
{
	uint64_t now_ms = uv_now(b->loop);

	uv_timer_start(&b->timer, on_timer,
		       due_ms > now_ms ? due_ms - now_ms : 0, 0);
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] != '\0' ? slash + 1 : path;
}

/* What mends it. */
static const char *advice(const struct backend *b, int err)
{
	const char *program = b->plan.argv[0];

	if (err == -ENOENT && strchr(program, '/') &&
	    access(program, F_OK) == 0)
		return "it is there, but not the interpreter that its first "
		       "line names";
	if (err == -ENOENT && strchr(program, '/'))
		return "look at the path; a relative one begins where lowport "
		       "was started";
	if (err == -ENOENT)
		return "it is not on the PATH that lowport was started with; "
		       "give its whole path";
	if (err == -EACCES)
		return "lowport's user may not run it (chmod +x, or the rights "
		       "of a directory above it)";
	return "lowport tries again for the next client";
}

static void say_cannot(struct backend *b, int err)
{
	/* Once, not for every client. */
	if (err == b->cannot)
		return;
	say(b, LEVEL_ERROR,
	    "\"%s\" cannot be run: %s: %s.\nClients are refused until it can: "
	    "%s",
	    b->plan.command, b->plan.argv[0], strerror(-err), advice(b, err));
}

static int run_command(struct backend *b)
{
	struct child_plan plan = {.argv = b->plan.argv, .envp = b->plan.envp};
	int err;

	if (b->plan.path)
		place_clear(b->plan.path);
	err = output_open(&b->output, b->loop, &plan.output);
	if (err < 0)
		return err;
	err = child_start(&plan, &b->pid);
	close(plan.output);
	if (err == 0) {
		output_start(b->output, base_name(plan.argv[0]), b->pid);
		return 0;
	}
	output_close(b->output);
	b->output = NULL;
	return err;
}

static int start(struct backend *b)
{
	int err = run_command(b);

	if (err < 0) {
		say_cannot(b, err);
		b->cannot = err;
		b->start_at_ms = uv_now(b->loop) + CANNOT_MS;
		return err;
	}
	b->state = UP;
	b->reaped = false;
	b->said = false;
	b->cannot = 0;
	b->started_ms = uv_now(b->loop);
	b->idle_since_ms = b->started_ms;
	say(b, LEVEL_INFO, "started \"%s\" (pid %ld), to listen on %s",
	    b->plan.command, (long)b->pid, b->plan.where);
	return 0;
}

/* Clients are there; some may wait since before it died. */
static void start_again(struct backend *b)
{
	if (b->clients > 0 && !b->for_good && start(b) < 0)
		wait_until(b, b->start_at_ms);
}

static void go_down(struct backend *b)
{
	output_close(b->output);
	b->output = NULL;
	b->state = DOWN;
	b->pid = 0;
	uv_timer_stop(&b->timer);
	if (b->for_good) {
		b->plan.gone(b->plan.data);
		return;
	}
	b->plan.hold(b->plan.data, b, false);
	if (b->clients > 0)
		wait_until(b, b->start_at_ms);
}

/* It has been asked to end. */
static void look_on(struct backend *b)
{
	uint64_t now_ms = uv_now(b->loop);

	if (b->reaped && !child_signal(b->pid, 0)) {
		go_down(b);
		return;
	}
	if (now_ms >= b->kill_at_ms + GIVE_UP_MS) {
		say(b, LEVEL_ERROR,
		    "some of the process group %ld of \"%s\" cannot be killed",
		    (long)b->pid, b->plan.command);
		go_down(b);
		return;
	}
	if (now_ms >= b->kill_at_ms && !b->killed) {
		say(b, LEVEL_WARN,
		    "not all of \"%s\" (process group %ld) ended when asked: "
		    "killing what is left",
		    b->plan.command, (long)b->pid);
		child_signal(b->pid, SIGKILL);
		b->killed = true;
	}
	wait_until(b, now_ms + LOOK_MS);
}

static void ask_to_end(struct backend *b)
{
	b->state = ENDING;
	b->killed = false;
	b->kill_at_ms = uv_now(b->loop) + GRACE_MS;
	if (!b->for_good)
		b->plan.hold(b->plan.data, b, true);
	child_signal(b->pid, SIGTERM);
	look_on(b);
}

static void stop_idle(struct backend *b)
{
	uint64_t due_ms = b->idle_since_ms + b->plan.stop_idle_ms;

	if (b->clients > 0)
		return;
	if (uv_now(b->loop) < due_ms) {
		wait_until(b, due_ms);
		return;
	}
	say(b, LEVEL_INFO,
	    "nobody was connected for %.3gs: stopping \"%s\" (pid %ld) until "
	    "the next client comes (--stop-idle)",
	    (double)b->plan.stop_idle_ms / 1000, b->plan.command, (long)b->pid);
	ask_to_end(b);
}

static void on_timer(uv_timer_t *timer)
{
	struct backend *b = timer->data;

	switch (b->state) {
	case DOWN:
		start_again(b);
		break;
	case UP:
		stop_idle(b);
		break;
	case ENDING:
		look_on(b);
		break;
	}
}

static void count_death(struct backend *b, uint64_t lived_ms)
{
	uint64_t pause_ms = AGAIN_FIRST_MS;

	b->deaths = lived_ms < SOON_MS ? b->deaths + 1 : 1;
	for (unsigned i = 1; i < b->deaths && pause_ms < AGAIN_MOST_MS; i++)
		pause_ms *= 2;
	if (pause_ms > AGAIN_MOST_MS)
		pause_ms = AGAIN_MOST_MS;
	b->start_at_ms = uv_now(b->loop) + pause_ms;
}

static void say_death(const struct backend *b, int status, uint64_t lived_ms)
{
	char how[64];

	if (WIFSIGNALED(status))
		snprintf(how, sizeof(how), "was killed by signal %d (%s)",
			 WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		snprintf(how, sizeof(how), "ended with status %d",
			 WEXITSTATUS(status));
	say(b, LEVEL_WARN, "\"%s\" (pid %ld) %s after %.3gs%s%s",
	    b->plan.command, (long)b->pid, how, (double)lived_ms / 1000,
	    b->clients > 0 ? "; it is started again" : "",
	    status == 0 && lived_ms < SOON_MS
		    ? " (it has to stay in the foreground)"
		    : "");
	if (b->deaths == SOON_MOST)
		say(b, LEVEL_ERROR,
		    "\"%s\" has died %d times soon after its start: while it "
		    "is down clients are refused from now on, and it is tried "
		    "no more than once in %d s. What it printed stands above",
		    b->plan.command, SOON_MOST, AGAIN_MOST_MS / 1000);
}

void backend_look(struct backend *b)
{
	uint64_t lived_ms;
	int status;

	if (b->state == DOWN || b->reaped || !child_reap(b->pid, &status))
		return;
	b->reaped = true;
	if (b->state == ENDING) {
		b->deaths = 0;
		b->start_at_ms = 0;
		look_on(b);
		return;
	}
	lived_ms = uv_now(b->loop) - b->started_ms;
	count_death(b, lived_ms);
	say_death(b, status, lived_ms);
	ask_to_end(b);
}

bool backend_arrived(struct backend *b)
{
	bool hopeless = b->cannot < 0 || b->deaths >= SOON_MOST;

	if (b->state == DOWN && uv_now(b->loop) >= b->start_at_ms) {
		if (start(b) < 0)
			return false;
	} else if (b->state == DOWN) {
		if (hopeless)
			return false;
		wait_until(b, b->start_at_ms);
	}
	b->clients++;
	return true;
}

/* A client has waited in vain. */
static void say_silent(struct backend *b, const struct record *what)
{
	if (b->state != UP || b->said ||
	    (what->reason != CLOSE_UNREACHABLE &&
	     what->reason != CLOSE_CONNECT_TIMEOUT))
		return;
	b->said = true;
	say(b, LEVEL_WARN,
	    "\"%s\" (pid %ld) runs for %.3gs, but does not answer on %s. It "
	    "is told so in $LOWPORT_BACKEND_ADDRESS and $LOWPORT_BACKEND_PORT "
	    "(or _PATH) and $PORT, and where its command line says {address}, "
	    "{port} or {path}",
	    b->plan.command, (long)b->pid,
	    (double)(uv_now(b->loop) - b->started_ms) / 1000, b->plan.where);
}

void backend_left(struct backend *b, const struct record *what)
{
	if (what)
		say_silent(b, what);
	if (--b->clients > 0)
		return;
	b->idle_since_ms = uv_now(b->loop);
	if (b->state == DOWN)
		uv_timer_stop(&b->timer);
	/* One that runs already looks again itself. */
	if (b->state == UP && b->plan.stop_idle_ms > 0 &&
	    !uv_is_active((uv_handle_t *)&b->timer))
		wait_until(b, b->idle_since_ms + b->plan.stop_idle_ms);
}

bool backend_holds(const struct backend *b)
{
	return b->state == ENDING && !b->for_good;
}

void backend_stop(struct backend *b)
{
	bool again = b->for_good;

	b->for_good = true;
	if (b->state == UP)
		ask_to_end(b);
	else if (b->state == DOWN)
		uv_timer_stop(&b->timer);
	if (again && b->state == ENDING) {
		b->kill_at_ms = uv_now(b->loop);
		look_on(b);
	}
}

bool backend_is_gone(const struct backend *b)
{
	return b->state == DOWN;
}

int backend_open(struct backend **out, uv_loop_t *loop,
		 const struct backend_plan *plan)
{
	struct backend *b = calloc(1, sizeof(*b));
	int err;

	if (!b)
		return -ENOMEM;
	b->loop = loop;
	b->plan = *plan;
	err = uv_timer_init(loop, &b->timer);
	if (err < 0) {
		free(b);
		return err;
	}
	b->timer.data = b;
	*out = b;
	return 0;
}

static void on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void backend_close(struct backend *b)
{
	uv_close((uv_handle_t *)&b->timer, on_closed);
}

#include "process/activator.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define ARGV(...) ((const char *const[]){__VA_ARGS__, NULL})

/* The activator's words, as they are gathered. */
struct words {
	const char *at[48];
	size_t count;
};

static void add(struct words *w, const char *const *more)
{
	while (*more)
		w->at[w->count++] = *more++;
	assert_in_range(w->count, 1, 47);
}

const char *activated_where(void)
{
	unsigned port = geteuid() == 0 ? peer_free_low_port() : 0;

	return scrap("127.0.0.1:%u", port ? port : peer_free_port());
}

struct proc *activate(const char *const options[], const char *const run[])
{
	const char *user = scrap("--reuid=%u", proc_user());
	const char *group = scrap("--regid=%u", proc_user());
	struct words w = {{"systemd-socket-activate"}, 1};
	struct proc *p;

	if (!proc_has("systemd-socket-activate"))
		program_skip("systemd-socket-activate (package systemd)");
	if (geteuid() == 0 && !proc_has("setpriv"))
		program_skip("setpriv (package util-linux)");
	add(&w, options);
	if (geteuid() == 0)
		add(&w, ARGV("setpriv", user, group, "--clear-groups"));
	add(&w, ARGV(program_path(), "run"));
	add(&w, run);
	p = proc_start(w.at, NULL);
	/* One line for each -l, in their order. */
	for (size_t i = 0, n = 0; options[i]; i++)
		if (strcmp(options[i], "-l") == 0)
			proc_line(p, "Listening on ", (unsigned)n++);
	return p;
}

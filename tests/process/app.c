#include "process/app.h"

#include "process/program.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const char source[] =
	"import os, signal, socket, sys, time\n"
	"options, place = sys.argv[1:-2], sys.argv[-2:]\n"
	"def later(*_):\n"
	"    signal.setitimer(signal.ITIMER_REAL, 1)\n"
	"if '--deaf' in options:\n"
	"    signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
	"if '--slow' in options:\n"
	"    signal.signal(signal.SIGTERM, later)\n"
	"if '--family' in options:\n"
	"    child = os.fork()\n"
	"    if child == 0:\n"
	"        signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
	"        os.write(1, b'child %d\\n' % os.getpid())\n"
	"        time.sleep(1000)\n"
	"if '--loud' in options:\n"
	"    os.write(1, b'x' * 500000)\n"
	"    os.write(1, b'loud\\n' * 100000)\n"
	"unix = place[0] == 'unix'\n"
	"s = socket.socket(socket.AF_UNIX if unix else socket.AF_INET)\n"
	"s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)\n"
	"s.bind(place[1] if unix else (place[0], int(place[1])))\n"
	"s.listen(128)\n"
	"while True:\n"
	"    c = s.accept()[0]\n"
	"    heard = b''\n"
	"    while True:\n"
	"        some = c.recv(65536)\n"
	"        if not some: break\n"
	"        os.write(1, b'hears\\n')\n"
	"        heard += some\n"
	"    c.sendall(b'%d heard %s' % (os.getpid(), heard))\n"
	"    c.close()\n";

void app_need(void)
{
	FILE *f;

	if (!proc_has("python3"))
		program_skip("python3");
	f = fopen(program_file("app.py"), "w");
	assert_non_null(f);
	fputs(source, f);
	fclose(f);
}

const char *app_command(const char *options)
{
	return scrap("python3 %s %s {address} {port}", program_file("app.py"),
		     options);
}

const char *app_unix_command(const char *options)
{
	return scrap("python3 %s %s unix {path}", program_file("app.py"),
		     options);
}

pid_t app_ask(const char *where)
{
	const char *answer = peer_ask(where, "hello");
	char *rest;
	long pid = strtol(answer, &rest, 10);

	assert_string_equal(rest, " heard hello");
	return (pid_t)pid;
}

/* Whoever should wait for an orphan may be slow, or not there at all. */
static bool is_gone(pid_t pid)
{
	const char *path = scrap("/proc/%ld/stat", (long)pid);
	char state = '\0';
	FILE *f;

	if (kill(pid, 0) < 0 && errno == ESRCH)
		return true;
	f = fopen(path, "re");
	if (!f)
		return access("/proc/self", F_OK) == 0;
	if (fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
		state = '\0';
	fclose(f);
	return state == 'Z';
}

void app_await_gone(pid_t pid)
{
	for (int i = 0; i < PROC_PATIENCE_MS / 10; i++) {
		if (is_gone(pid))
			return;
		poll(NULL, 0, 10);
	}
	fail_msg("process %ld does not end", (long)pid);
}

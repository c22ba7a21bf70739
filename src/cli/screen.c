#include "cli/screen.h"

#include "base/utf8.h"
#include "base/text.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

/* ECMA-48, and xterm's other screen. */
#define ENTER            "\x1b[?1049h\x1b[?25l"
#define LEAVE            "\x1b[?25h\x1b[?1049l"
#define HOME             "\x1b[H"
#define TO_END_OF_LINE   "\x1b[K"
#define TO_END_OF_SCREEN "\x1b[J"

enum { ROWS = 24, COLUMNS = 80 }; /* of a terminal that does not say */

static const int handled[] = {SIGINT, SIGTERM, SIGHUP, SIGTSTP, SIGWINCH};

static struct {
	bool terminal; /* we are in place */
	bool keys;     /* typed ones come at once, and are not shown */
	bool over;     /* nobody reads */
	struct termios before;
	sigset_t mask; /* with which we wait */
} screen;

static volatile sig_atomic_t ended, suspended, resized;

static void on_signal(int number)
{
	if (number == SIGWINCH)
		resized = 1;
	else if (number == SIGTSTP)
		suspended = 1;
	else
		ended = 1;
}

static void write_all(const char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t n = write(STDOUT_FILENO, bytes, length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			screen.over = true;
			return;
		}
		bytes += n;
		length -= (size_t)n;
	}
}

static void say(const char *text)
{
	write_all(text, strlen(text));
}

static void enter(void)
{
	struct termios t;

	say(ENTER);
	screen.keys = tcgetpgrp(STDIN_FILENO) == getpgrp() &&
		      tcgetattr(STDIN_FILENO, &screen.before) == 0;
	if (!screen.keys)
		return;
	t = screen.before;
	t.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	tcsetattr(STDIN_FILENO, TCSANOW, &t);
}

static void leave(void)
{
	if (screen.keys)
		tcsetattr(STDIN_FILENO, TCSANOW, &screen.before);
	screen.keys = false;
	say(LEAVE);
}

/* Signals come only while we wait, so that none finds us half way. */
void screen_open(void)
{
	struct sigaction act = {.sa_handler = on_signal};
	sigset_t block;

	screen.terminal = isatty(STDOUT_FILENO) == 1;
	sigemptyset(&block);
	for (size_t i = 0; i < sizeof(handled) / sizeof(handled[0]); i++)
		sigaddset(&block, handled[i]);
	if (!screen.terminal)
		sigemptyset(&block);
	sigprocmask(SIG_BLOCK, &block, &screen.mask);
	if (!screen.terminal)
		return;
	for (size_t i = 0; i < sizeof(handled) / sizeof(handled[0]); i++) {
		sigaction(handled[i], &act, NULL);
		sigdelset(&screen.mask, handled[i]);
	}
	enter();
}

void screen_close(void)
{
	if (screen.terminal)
		leave();
	screen.terminal = false;
}

static void suspend(void)
{
	suspended = 0;
	leave();
	raise(SIGSTOP);
	enter();
}

/* As many characters of a line as there are columns. */
static void add_line(struct text *t, const char *line, size_t length,
		     size_t columns)
{
	size_t at = 0;

	while (at < length && columns-- > 0) {
		size_t n = utf8_length(line + at);

		at += n > 0 ? n : 1;
	}
	text_add_bytes(t, line, at < length ? at : length);
}

/* One write, and nothing is cleared that is not written over: it does not
 * flicker. */
static void show_in_place(const char *text)
{
	struct winsize size = {0};
	struct text t = {0};
	size_t rows, columns;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_row == 0 ||
	    size.ws_col == 0) {
		size.ws_row = ROWS;
		size.ws_col = COLUMNS;
	}
	rows = size.ws_row;
	columns = size.ws_col;
	text_add(&t, HOME);
	for (size_t row = 0; row < rows && *text != '\0'; row++) {
		size_t length = strcspn(text, "\n");

		if (row > 0)
			text_add(&t, "\r\n");
		add_line(&t, text, length, columns);
		text_add(&t, TO_END_OF_LINE);
		text += length + (text[length] == '\n');
	}
	text_add(&t, TO_END_OF_SCREEN);
	if (!t.failed)
		write_all(t.at, t.length);
	text_free(&t);
}

void screen_show(const char *text)
{
	if (screen.terminal)
		show_in_place(text);
	else
		say(text);
}

void screen_next(void)
{
	if (!screen.terminal)
		say("\n");
}

/* Is it q? The end of input is no key any more. */
static bool read_key(void)
{
	char key;
	ssize_t n = read(STDIN_FILENO, &key, 1);

	if (n <= 0)
		screen.keys = false;
	return n > 0 && (key == 'q' || key == 'Q' || key == 4);
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* Whether a key ends it. */
static bool wait_some(uint64_t ms)
{
	struct timespec t = {.tv_sec = (time_t)(ms / 1000),
			     .tv_nsec = (long)(ms % 1000) * 1000000};
	fd_set keys;
	int n;

	FD_ZERO(&keys);
	if (screen.keys)
		FD_SET(STDIN_FILENO, &keys);
	n = pselect(screen.keys ? STDIN_FILENO + 1 : 0, &keys, NULL, NULL, &t,
		    &screen.mask);
	return n > 0 && read_key();
}

enum screen_event screen_wait(uint64_t ms)
{
	uint64_t due_ms = now_ms() + ms, at;

	while (!screen.over && (at = now_ms()) < due_ms) {
		if (wait_some(due_ms - at) || ended)
			return SCREEN_END;
		if (suspended) {
			suspend();
			resized = 1;
		}
		if (resized) {
			resized = 0;
			return SCREEN_RESIZED;
		}
	}
	return screen.over ? SCREEN_END : SCREEN_DUE;
}

bool screen_is_utf8(void)
{
	setlocale(LC_CTYPE, "");
	return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

#include "fuzz.h"

#include "base/addr.h"
#include "control/server.h"

#include <cJSON.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * The status socket, over a real one. The first byte says in what pieces the
 * others come. One line is one command with its argument as it was sent, and one
 * answer, which is JSON; no line is no command.
 */

enum { TURNS_MOST = 1000, AT_ONCE = 0, CLOSE_EARLY = 255 };

static uv_loop_t loop;
static uv_timer_t awake; /* the others do not keep the loop alive */
static struct control *control;
static char folder[] = "/tmp/lowport-fuzz-XXXXXX", path[64];
static struct control_request *pending;
static unsigned calls;
static char command[16], argument[CONTROL_REQUEST_MOST + 1];

static void note(const char *name, const char *text)
{
	calls++;
	snprintf(command, sizeof(command), "%s", name);
	snprintf(argument, sizeof(argument), "%s", text);
}

static void on_say(void *data, struct control_request *q, const char *text)
{
	(void)data;
	note("say", text);
	control_refuse(q, "%s", text);
}

static void on_later(void *data, struct control_request *q, const char *text)
{
	(void)data;
	note("later", text);
	MUST(!pending);
	pending = q;
}

static const struct control_command commands[] = {
	{"say", on_say},
	{"later", on_later},
	{NULL, NULL},
};

static void open_control(void)
{
	struct fault why;

	if (control_open(&control, &loop, path, commands, NULL, &why) < 0)
		fuzz_fail(__FILE__, __LINE__, "it opens", why.text);
}

static void clean(void)
{
	unlink(path);
	rmdir(folder);
}

static void on_awake(uv_timer_t *timer)
{
	(void)timer;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	signal(SIGPIPE, SIG_IGN);
	MUST(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/lowport.sock", folder);
	atexit(clean);
	MUST(uv_loop_init(&loop) == 0);
	uv_timer_init(&loop, &awake);
	uv_timer_start(&awake, on_awake, 1000, 1000);
	open_control();
	return 0;
}

static void turn(void)
{
	uv_run(&loop, UV_RUN_NOWAIT);
}

static int dial(void)
{
	struct addr to = {.family = AF_UNIX};
	struct sockaddr_storage ss;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	socklen_t length;

	to.path = path;
	length = addr_to_sockaddr(&to, &ss);
	MUST(fd >= 0 && connect(fd, (struct sockaddr *)&ss, length) == 0);
	return fd;
}

static void answer_pending(void)
{
	struct control_request *q = pending;

	pending = NULL;
	if (q)
		control_refuse(q, "%s", argument);
}

static void send_in_pieces(int fd, const uint8_t *data, size_t size,
			   size_t piece)
{
	while (size > 0) {
		size_t most = piece > 0 && piece < size ? piece : size;
		ssize_t n = send(fd, data, most, MSG_DONTWAIT);

		turn();
		/* It does not read while it is asked something. */
		if (n < 0 && errno == EAGAIN) {
			answer_pending();
			continue;
		}
		if (n <= 0)
			break;
		data += n;
		size -= (size_t)n;
	}
	shutdown(fd, SHUT_WR);
}

/* To its end. */
static size_t hear(int fd, char *buf, size_t size)
{
	size_t length = 0;

	for (int i = 0; i < TURNS_MOST; i++) {
		ssize_t n;

		turn();
		answer_pending();
		n = recv(fd, buf + length, size - length - 1, MSG_DONTWAIT);
		if (n == 0 || (n < 0 && errno != EAGAIN)) {
			buf[length] = '\0';
			return length;
		}
		length += n > 0 ? (size_t)n : 0;
		MUST(length + 1 < size);
	}
	fuzz_fail(__FILE__, __LINE__, "there is an end of the answer", NULL);
}

/* What has to come of a line, if it is one. */
static void must_have_obeyed(const char *line, size_t length)
{
	size_t name = strcspn(line, " ");
	bool known;

	if (strlen(line) < length) {
		MUST(calls == 0);
		return;
	}
	known = (name == 3 && strncmp(line, "say", 3) == 0) ||
		(name == 5 && strncmp(line, "later", 5) == 0);
	MUST(calls == known);
	if (!known)
		return;
	MUST(strlen(command) == name && strncmp(command, line, name) == 0);
	line += name;
	line += strspn(line, " ");
	MUST(strcmp(argument, line) == 0);
}

static void must_be_an_answer(char *text, size_t length)
{
	cJSON *o;

	MUST_OF(length > 0 && text[length - 1] == '\n', text);
	MUST_OF(strlen(text) == length, text);
	MUST_OF(strchr(text, '\n') == text + length - 1, text);
	text[length - 1] = '\0';
	o = cJSON_Parse(text);
	MUST_OF(cJSON_IsObject(o), text);
	MUST_OF(cJSON_IsString(cJSON_GetObjectItem(o, "error")), text);
	cJSON_Delete(o);
}

static void ask(const uint8_t *data, size_t size, size_t piece)
{
	static char heard[1 << 16];
	const uint8_t *end = memchr(
		data, '\n',
		size < CONTROL_REQUEST_MOST ? size : CONTROL_REQUEST_MOST);
	int fd = dial();
	size_t length;

	send_in_pieces(fd, data, size, piece);
	length = hear(fd, heard, sizeof(heard));
	close(fd);
	if (end) {
		char *line = fuzz_text(data, (size_t)(end - data));

		must_have_obeyed(line, (size_t)(end - data));
		free(line);
	} else {
		MUST(calls == 0);
	}
	if (end || size >= CONTROL_REQUEST_MOST)
		must_be_an_answer(heard, length);
	else
		MUST(length == 0);
}

/* What is asked while it closes is answered to nobody. */
static void close_early(const uint8_t *data, size_t size)
{
	int fd = dial();

	send_in_pieces(fd, data, size, AT_ONCE);
	turn();
	control_close(control);
	answer_pending();
	for (int i = 0; i < 4; i++)
		turn();
	MUST(access(path, F_OK) < 0);
	close(fd);
	open_control();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	calls = 0;
	if (data[0] == CLOSE_EARLY)
		close_early(data + 1, size - 1);
	else
		ask(data + 1, size - 1, data[0]);
	for (int i = 0; i < 4; i++)
		turn();
	MUST(!pending);
	return 0;
}

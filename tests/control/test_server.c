#include "control/server.h"

#include "control/client.h"
#include "os/sock.h"
#include "support/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE_MS = 20000, BEAT_MS = 2, LONG = 20 << 20 };

/* A server on the test's own loop, which goes on while the test waits. */
struct house {
	uv_loop_t loop;
	uv_timer_t beat; /* so that no wait is for ever */
	struct control *control;
	char folder[32], path[64];
	struct control_request *held[CONTROL_CLIENTS_MOST];
	size_t held_count;
	char argument[CONTROL_REQUEST_MOST + 1];
	unsigned heard;
	int file;
};

static void handle_echo(void *data, struct control_request *q,
			const char *argument)
{
	struct house *h = data;
	struct fault text;

	h->heard++;
	snprintf(h->argument, sizeof(h->argument), "%s", argument);
	fault_set(&text, 0, "{\"said\":\"%.100s\"}", argument);
	control_answer(q, strdup(text.text));
}

static void handle_hold(void *data, struct control_request *q,
			const char *argument)
{
	struct house *h = data;

	(void)argument;
	assert_true(h->held_count < CONTROL_CLIENTS_MOST);
	h->held[h->held_count++] = q;
}

static void handle_long(void *data, struct control_request *q,
			const char *argument)
{
	char *text = malloc(LONG + 1);

	(void)data;
	(void)argument;
	memset(text, 'x', LONG);
	text[LONG] = '\0';
	control_answer(q, text);
}

static void handle_file(void *data, struct control_request *q,
			const char *argument)
{
	struct house *h = data;

	(void)argument;
	control_answer_files(q, strdup("{\"files\":1}"), &h->file, 1);
}

static void handle_nothing(void *data, struct control_request *q,
			   const char *argument)
{
	(void)data;
	(void)argument;
	control_answer(q, NULL);
}

static const struct control_command commands[] = {
	{"echo", handle_echo},       {"hold", handle_hold},
	{"long", handle_long},       {"file", handle_file},
	{"nothing", handle_nothing}, {NULL, NULL},
};

static void on_beat(uv_timer_t *timer)
{
	(void)timer;
}

static void open_house(struct house *h)
{
	struct fault why;

	if (control_open(&h->control, &h->loop, h->path, commands, h, &why) < 0)
		fail_msg("%s", why.text);
}

static int set_up(void **state)
{
	struct house *h = calloc(1, sizeof(*h));

	signal(SIGPIPE, SIG_IGN);
	snprintf(h->folder, sizeof(h->folder), "/tmp/lowport-XXXXXX");
	assert_non_null(mkdtemp(h->folder));
	snprintf(h->path, sizeof(h->path), "%s/s.sock", h->folder);
	assert_int_equal(uv_loop_init(&h->loop), 0);
	uv_timer_init(&h->loop, &h->beat);
	uv_timer_start(&h->beat, on_beat, BEAT_MS, BEAT_MS);
	open_house(h);
	*state = h;
	return 0;
}

static int tear_down(void **state)
{
	struct house *h = *state;

	control_close(h->control);
	uv_close((uv_handle_t *)&h->beat, NULL);
	uv_run(&h->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&h->loop), 0);
	assert_int_equal(access(h->path, F_OK), -1);
	assert_int_equal(rmdir(h->folder), 0);
	free(h);
	return 0;
}

static int dial(const struct house *h)
{
	const struct addr to = {.family = AF_UNIX, .path = h->path};
	int fd = sock_open(AF_UNIX);

	assert_int_equal(sock_connect(fd, &to), 0);
	return fd;
}

static void say(int fd, const char *text)
{
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static int ask(const struct house *h, const char *text)
{
	int fd = dial(h);

	say(fd, text);
	return fd;
}

/* Go on until it is so. */
#define AWAIT(h, so)                                                \
	do {                                                        \
		uint64_t due = uv_hrtime() / 1000000 + PATIENCE_MS; \
                                                                    \
		while (!(so)) {                                     \
			if (uv_hrtime() / 1000000 > due)            \
				fail_msg("waited in vain: " #so);   \
			uv_run(&(h)->loop, UV_RUN_ONCE);            \
		}                                                   \
	} while (0)

static bool is_readable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, 0) > 0;
}

/* All that comes, to its end. Takes fd. */
static const char *hear(struct house *h, int fd)
{
	static char text[4096];
	size_t length = 0;
	ssize_t n;

	do {
		AWAIT(h, is_readable(fd));
		n = read(fd, text + length, sizeof(text) - 1 - length);
		length += n > 0 ? (size_t)n : 0;
	} while (n > 0);
	text[length] = '\0';
	close(fd);
	return text;
}

static void a_command_is_answered_by_one_line_and_the_end(void **state)
{
	struct house *h = *state;

	assert_string_equal(hear(h, ask(h, "echo  a b \n")),
			    "{\"said\":\"a b \"}\n");
	assert_string_equal(hear(h, ask(h, "echo\n")), "{\"said\":\"\"}\n");
}

static void a_request_may_come_byte_by_byte(void **state)
{
	struct house *h = *state;
	int fd = dial(h);

	for (const char *c = "echo 17"; *c; c++) {
		const char one[] = {*c, '\0'};

		say(fd, one);
		uv_run(&h->loop, UV_RUN_ONCE);
		uv_run(&h->loop, UV_RUN_NOWAIT);
	}
	assert_int_equal(h->heard, 0);
	say(fd, "\n");
	assert_string_equal(hear(h, fd), "{\"said\":\"17\"}\n");
}

static void an_unknown_command_is_told_those_that_are_known(void **state)
{
	struct house *h = *state;
	const char *answer = hear(h, ask(h, "ech\x1b \"x\n"));

	assert_says(answer, "{\"error\":\"\\\"ech\\u001b\\\" is no command of "
			    "lowport " LOWPORT_VERSION);
	assert_says(answer, "(which knows echo, hold, long, file, nothing)");
	assert_int_equal(h->heard, 0);
}

static void no_memory_for_an_answer_is_said(void **state)
{
	struct house *h = *state;

	assert_string_equal(hear(h, ask(h, "nothing\n")),
			    "{\"error\":\"out of memory\"}\n");
}

static void half_a_request_is_not_obeyed(void **state)
{
	struct house *h = *state;
	int fd = ask(h, "echo 17");

	shutdown(fd, SHUT_WR);
	assert_string_equal(hear(h, fd), "");
	assert_int_equal(h->heard, 0);
}

static void a_line_as_long_as_may_be_is_heard_and_no_longer_one(void **state)
{
	struct house *h = *state;
	char line[CONTROL_REQUEST_MOST + 2];
	int fd;

	memset(line, 'x', sizeof(line));
	memcpy(line, "echo ", 5);
	line[CONTROL_REQUEST_MOST - 1] = '\n';
	fd = dial(h);
	assert_int_equal(write(fd, line, CONTROL_REQUEST_MOST),
			 CONTROL_REQUEST_MOST);
	assert_memory_equal(hear(h, fd), "{\"said\":\"xxx", 12);
	assert_int_equal(strlen(h->argument), CONTROL_REQUEST_MOST - 6);
	line[CONTROL_REQUEST_MOST - 1] = 'x';
	line[CONTROL_REQUEST_MOST] = '\n';
	fd = dial(h);
	assert_int_equal(write(fd, line, CONTROL_REQUEST_MOST + 1),
			 CONTROL_REQUEST_MOST + 1);
	assert_says(hear(h, fd), "the request is too long (at most 4096");
	assert_int_equal(h->heard, 1);
}

static void a_zero_byte_hides_nothing(void **state)
{
	struct house *h = *state;
	int fd = dial(h);

	assert_int_equal(write(fd, "echo\0 17\n", 9), 9);
	assert_says(hear(h, fd), "the request is no text");
	assert_int_equal(h->heard, 0);
}

static void an_answer_may_come_later(void **state)
{
	struct house *h = *state;
	int fd = ask(h, "hold\n");

	AWAIT(h, h->held_count == 1);
	assert_string_equal(hear(h, ask(h, "echo x\n")), "{\"said\":\"x\"}\n");
	assert_false(is_readable(fd));
	control_refuse(h->held[0], "not %s", "\"now\"");
	assert_string_equal(hear(h, fd), "{\"error\":\"not \\\"now\\\"\"}\n");
}

static void who_asks_is_known(void **state)
{
	struct house *h = *state;
	int fd = ask(h, "hold\n");

	AWAIT(h, h->held_count == 1);
	assert_int_equal(control_user(h->held[0]), geteuid());
	control_answer(h->held[0], strdup("{}"));
	assert_string_equal(hear(h, fd), "{}\n");
}

static void a_client_may_leave_before_its_answer(void **state)
{
	struct house *h = *state;
	int fd = ask(h, "hold\n");

	AWAIT(h, h->held_count == 1);
	close(fd);
	control_answer(h->held[0], strdup("{}"));
	assert_string_equal(hear(h, ask(h, "echo x\n")), "{\"said\":\"x\"}\n");
}

static void what_is_asked_may_be_answered_after_the_end(void **state)
{
	struct house *h = *state;
	int first = ask(h, "hold\n"), second = ask(h, "hold\n");

	AWAIT(h, h->held_count == 2);
	control_close(h->control);
	h->control = NULL;
	control_answer(h->held[0], strdup("{}"));
	assert_string_equal(hear(h, first), "");
	assert_string_equal(hear(h, second), "");
	for (int i = 0; i < 3; i++)
		uv_run(&h->loop, UV_RUN_ONCE);
	control_answer(h->held[1], strdup("{}"));
}

static void the_end_cuts_off_who_has_not_asked_yet(void **state)
{
	struct house *h = *state;
	int fd = ask(h, "ec"), other = ask(h, "hold\n");

	AWAIT(h, h->held_count == 1);
	control_answer(h->held[0], strdup("{}"));
	hear(h, other);
	control_close(h->control);
	h->control = NULL;
	assert_string_equal(hear(h, fd), "");
}

static void more_clients_than_may_be_wait_for_their_turn(void **state)
{
	struct house *h = *state;
	int fds[CONTROL_CLIENTS_MOST], late[40];

	for (size_t i = 0; i < COUNT(fds); i++)
		fds[i] = ask(h, "hold\n");
	AWAIT(h, h->held_count == CONTROL_CLIENTS_MOST);
	for (size_t i = 0; i < COUNT(late); i++)
		late[i] = ask(h, "echo x\n");
	for (int i = 0; i < 50; i++)
		uv_run(&h->loop, UV_RUN_ONCE);
	assert_int_equal(h->heard, 0);
	control_answer(h->held[3], strdup("{}"));
	for (size_t i = 0; i < COUNT(late); i++)
		assert_string_equal(hear(h, late[i]), "{\"said\":\"x\"}\n");
	for (size_t i = 0; i < COUNT(fds); i++) {
		if (i != 3)
			control_answer(h->held[i], strdup("{}"));
		assert_string_equal(hear(h, fds[i]), "{}\n");
	}
}

static void who_says_or_reads_nothing_is_cut_off(void **state)
{
	struct house *h = *state;
	int silent = ask(h, "echo"), deaf = ask(h, "long\n");
	uint64_t before = uv_hrtime();
	char byte;
	ssize_t n, got = 0;

	assert_string_equal(hear(h, ask(h, "echo x\n")), "{\"said\":\"x\"}\n");
	assert_string_equal(hear(h, silent), "");
	assert_true(uv_hrtime() - before >=
		    (uint64_t)(CONTROL_PATIENCE_MS - 100) * 1000000);
	/* Both at about the same time: what is in the socket still comes. */
	for (int i = 0; i < 1000 / BEAT_MS; i++)
		uv_run(&h->loop, UV_RUN_ONCE);
	while ((n = read(deaf, &byte, 1)) > 0)
		got++;
	assert_int_equal(n, 0);
	assert_true(got < LONG);
	close(deaf);
}

/* A client on a thread of its own. */
struct visit {
	struct house *house;
	const char *request;
	int fds[2];
	struct client_files files;
	int err;
	char *answer;
	atomic_bool over;
};

static void *visit(void *data)
{
	struct visit *v = data;
	struct fault why;

	v->err = client_ask(v->house->path, v->request, &v->answer, &v->files,
			    &why);
	atomic_store(&v->over, true);
	return NULL;
}

static void play(struct visit *v)
{
	pthread_t thread;

	v->files.at = v->fds;
	v->files.most = COUNT(v->fds);
	assert_int_equal(pthread_create(&thread, NULL, visit, v), 0);
	AWAIT(v->house, atomic_load(&v->over));
	pthread_join(thread, NULL);
	assert_int_equal(v->err, 0);
}

static void a_long_answer_comes_whole(void **state)
{
	struct visit v = {.house = *state, .request = "long"};

	play(&v);
	assert_int_equal(strlen(v.answer), LONG);
	free(v.answer);
}

static void a_refusal_is_heard_though_not_all_was_read(void **state)
{
	char request[CONTROL_REQUEST_MOST + 1000];
	struct visit v = {.house = *state, .request = request};

	memset(request, 'x', sizeof(request));
	request[sizeof(request) - 1] = '\0';
	play(&v);
	assert_says(v.answer, "the request is too long");
	free(v.answer);
}

static void descriptors_come_with_an_answer(void **state)
{
	struct house *h = *state;
	struct visit v = {.house = h, .request = "file"};
	struct stat ours, theirs;

	h->file = open("/dev/null", O_RDONLY | O_CLOEXEC);
	play(&v);
	assert_int_equal(v.files.count, 1);
	assert_int_not_equal(v.fds[0], h->file);
	assert_int_equal(fstat(h->file, &ours), 0);
	assert_int_equal(fstat(v.fds[0], &theirs), 0);
	assert_int_equal(ours.st_rdev, theirs.st_rdev);
	assert_true(fcntl(v.fds[0], F_GETFD) & FD_CLOEXEC);
	close(v.fds[0]);
	close(h->file);
	free(v.answer);
}

static void the_file_is_private(void **state)
{
	struct house *h = *state;
	struct stat st;

	assert_int_equal(stat(h->path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_string_equal(control_path(h->control), h->path);
}

static void a_served_file_is_not_taken(void **state)
{
	struct house *h = *state;
	struct control *other;
	struct fault why;

	assert_int_equal(control_open(&other, &h->loop, h->path, commands, h,
				      &why),
			 -EADDRINUSE);
	assert_says(why.text, "another program serves this socket");
	assert_string_equal(hear(h, ask(h, "echo x\n")), "{\"said\":\"x\"}\n");
}

static void a_left_over_file_is_replaced(void **state)
{
	struct house *h = *state;
	struct addr at = {.family = AF_UNIX, .path = h->path};
	struct sockaddr_storage ss;
	socklen_t length = addr_to_sockaddr(&at, &ss);
	int fd = sock_open(AF_UNIX);

	control_close(h->control);
	assert_int_equal(bind(fd, (struct sockaddr *)&ss, length), 0);
	assert_int_equal(listen(fd, 1), 0);
	close(fd);
	open_house(h);
	assert_string_equal(hear(h, ask(h, "echo x\n")), "{\"said\":\"x\"}\n");
}

static void too_long_a_path_is_said_to_be_so(void **state)
{
	struct house *h = *state;
	struct control *other;
	struct fault why;
	char path[300];

	memset(path, 'x', sizeof(path));
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(control_open(&other, &h->loop, path, commands, h,
				      &why),
			 -ENAMETOOLONG);
	assert_says(why.text, "too long for a socket");
}

static void it_does_not_keep_the_loop_alive(void **state)
{
	struct house *h = *state;
	int fd = ask(h, "ec"), other = ask(h, "hold\n");

	AWAIT(h, h->held_count == 1);
	uv_unref((uv_handle_t *)&h->beat);
	assert_false(uv_loop_alive(&h->loop));
	uv_ref((uv_handle_t *)&h->beat);
	control_answer(h->held[0], strdup("{}"));
	close(fd);
	close(other);
}

/* What a user hears who is neither the owner nor root. Does not return. */
static void visit_as_other(const struct house *h)
{
	char said[512] = "";
	const struct addr to = {.family = AF_UNIX, .path = h->path};
	int fd = sock_open(AF_UNIX);
	struct pollfd p = {.fd = fd, .events = POLLIN};

	if (setuid(65534) < 0 || sock_connect(fd, &to) < 0)
		_exit(1);
	if (poll(&p, 1, PATIENCE_MS) <= 0 || read(fd, said, sizeof(said)) <= 0)
		_exit(2);
	_exit(strstr(said, "answers its own user (0) and root, and nobody")
		      ? 42
		      : 3);
}

static void another_user_is_refused(void **state)
{
	struct house *h = *state;
	int status;
	pid_t child;

	if (geteuid() != 0) {
		print_message("skipped, for want of root's rights\n");
		skip();
	}
	assert_int_equal(chmod(h->folder, 0755), 0);
	assert_int_equal(chmod(h->path, 0666), 0);
	child = fork();
	if (child == 0)
		visit_as_other(h);
	AWAIT(h, waitpid(child, &status, WNOHANG) == child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 42);
	assert_int_equal(h->heard, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(a_command_is_answered_by_one_line_and_the_end),
		TEST(a_request_may_come_byte_by_byte),
		TEST(an_unknown_command_is_told_those_that_are_known),
		TEST(no_memory_for_an_answer_is_said),
		TEST(half_a_request_is_not_obeyed),
		TEST(a_line_as_long_as_may_be_is_heard_and_no_longer_one),
		TEST(a_zero_byte_hides_nothing),
		TEST(an_answer_may_come_later),
		TEST(who_asks_is_known),
		TEST(a_client_may_leave_before_its_answer),
		TEST(what_is_asked_may_be_answered_after_the_end),
		TEST(the_end_cuts_off_who_has_not_asked_yet),
		TEST(more_clients_than_may_be_wait_for_their_turn),
		TEST(who_says_or_reads_nothing_is_cut_off),
		TEST(a_long_answer_comes_whole),
		TEST(a_refusal_is_heard_though_not_all_was_read),
		TEST(descriptors_come_with_an_answer),
		TEST(the_file_is_private),
		TEST(a_served_file_is_not_taken),
		TEST(a_left_over_file_is_replaced),
		TEST(too_long_a_path_is_said_to_be_so),
		TEST(it_does_not_keep_the_loop_alive),
		TEST(another_user_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "process/activator.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define ARGV(...) ((const char *const[]){__VA_ARGS__, NULL})

static void assert_ordinary(const struct proc *p)
{
	struct stat st;

	/* The owner of /proc/PID is whom the program runs as (proc(5)). */
	if (stat(scrap("/proc/%ld", (long)proc_pid(p)), &st) == 0)
		assert_int_equal(st.st_uid,
				 geteuid() == 0 ? proc_user() : geteuid());
}

static void an_ordinary_user_serves_a_port_that_systemd_holds(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "web");
	const char *where = activated_where();
	struct proc *p = activate(ARGV("-l", where),
				  ARGV("--listen", scrap("systemd@%s", where),
				       "--to", backend_where(b)));

	(void)state;
	assert_served(where, b);
	assert_ordinary(p);
	assert_string_equal(program_where(p, 0), where);
	assert_served(where, b);
	program_stop(p);
}

static void sockets_go_to_the_backends_of_their_names(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "web");
	struct backend *api = backend_start("127.0.0.1:0", "api");
	const char *first = activated_where();
	int held = peer_listen(first);
	const char *second = activated_where();
	struct proc *p;

	(void)state;
	/* It was held so that the second port is another one. */
	peer_close(held);
	p = activate(ARGV("-l", first, "-l", second, "--fdname=web:api"),
		     ARGV("--listen", scrap("systemd:api@%s", second), "--to",
			  backend_where(api), "--listen",
			  scrap("systemd:web@%s", first), "--to",
			  backend_where(b)));
	assert_served(first, b);
	assert_served(second, api);
	assert_served(first, b);
	assert_ordinary(p);
	program_stop(p);
	assert_int_equal(proc_count_lines(p, "no --listen takes"), 0);
}

static void systemd_without_a_name_takes_all_sockets(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "web");
	const char *path = scrap("unix:%s", program_file("activated.sock"));
	int fds[] = {peer_listen("127.0.0.1:0"), peer_listen(path)};
	struct proc_options opt = {
		.fds = fds, .fd_count = 2, .activated = "web:local"};
	struct proc *p =
		RUN_WITH(&opt, "--listen", "systemd", "--to", backend_where(b));

	(void)state;
	assert_served(peer_where(fds[0]), b);
	assert_served(path, b);
	program_stop(p);
	/* It is the activator's, and outlives the program. */
	assert_int_equal(access(program_file("activated.sock"), F_OK), 0);
	unlink(program_file("activated.sock"));
}

static void a_name_may_stand_for_several_sockets(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "web");
	struct backend *api = backend_start("127.0.0.1:0", "api");
	int fds[] = {peer_listen("127.0.0.1:0"), peer_listen("127.0.0.1:0"),
		     peer_listen("127.0.0.1:0")};
	struct proc_options opt = {
		.fds = fds, .fd_count = 3, .activated = "web:api:web"};
	struct proc *p = RUN_WITH(&opt, "--listen", "systemd:web", "--to",
				  backend_where(b), "--listen", "systemd:api",
				  "--to", backend_where(api));

	(void)state;
	assert_served(peer_where(fds[0]), b);
	assert_served(peer_where(fds[1]), api);
	assert_served(peer_where(fds[2]), b);
	program_stop(p);
}

static void a_socket_that_nobody_serves_is_warned_of(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "web");
	int fds[] = {peer_listen("127.0.0.1:0"), peer_listen("127.0.0.1:0")};
	struct proc_options opt = {
		.fds = fds, .fd_count = 2, .activated = "web:forgotten"};
	struct proc *p = RUN_WITH(&opt, "--listen", "systemd:web", "--to",
				  backend_where(b));

	(void)state;
	assert_says(proc_line(p, "no --listen takes", 0),
		    "for ever: forgotten (4)");
	assert_served(peer_where(fds[0]), b);
	program_stop(p);
}

/* What is said when `lowport run` with these cannot start. */
static const char *refusal(const char *const argv[],
			   const struct proc_options *opt)
{
	struct proc *p = program_start(argv, opt);

	proc_end(p, 1);
	return proc_err(p);
}

static void a_socket_that_is_bound_elsewhere_is_refused(void **state)
{
	int fd = peer_listen("127.0.0.1:0");
	struct proc_options opt = {
		.fds = &fd, .fd_count = 1, .activated = "web"};
	const char *said =
		refusal(ARGV("run", "--listen", "systemd:web@127.0.0.1:80",
			     "--to", "8080"),
			&opt);

	(void)state;
	assert_says(said, scrap("is bound to %s; expected 127.0.0.1:80",
				peer_where(fd)));
	assert_says(said, "ListenStream=");
}

static void a_name_that_did_not_come_is_refused(void **state)
{
	int fd = peer_listen("127.0.0.1:0");
	struct proc_options opt = {
		.fds = &fd, .fd_count = 1, .activated = "web"};
	const char *said = refusal(
		ARGV("run", "--listen", "systemd:api", "--to", "8080"), &opt);

	(void)state;
	assert_says(said, "systemd:api: systemd handed over no socket of that "
			  "name (LISTEN_FDNAMES is \"web\")");
	assert_says(said, "FileDescriptorName=api");
}

static void sockets_of_another_process_are_refused(void **state)
{
	static const char *const env[] = {"LISTEN_PID=1", "LISTEN_FDS=1", NULL};
	int fd = peer_listen("127.0.0.1:0");
	struct proc_options opt = {.fds = &fd, .fd_count = 1, .env = env};
	const char *said = refusal(
		ARGV("run", "--listen", "systemd", "--to", "8080"), &opt);

	(void)state;
	assert_says(said, "the sockets are for another process (LISTEN_PID is "
			  "1, this is ");
	assert_says(said, "let it exec lowport");
}

static void an_inherited_descriptor_is_served(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "web");
	int fds[] = {peer_bind("127.0.0.1:0"), peer_listen("127.0.0.1:0")};
	struct proc_options opt = {.fds = fds, .fd_count = 2};
	const char *where = peer_where(fds[1]);
	struct proc *p = RUN_WITH(&opt, "--listen", scrap("fd:4@%s", where),
				  "--to", backend_where(b));

	(void)state;
	assert_string_equal(program_where(p, 0), where);
	assert_served(where, b);
	program_stop(p);
}

/* inetd's wait style: the listening socket is all that the program has. */
static void inetd_may_hand_over_its_socket_as_0_1_and_2(void **state)
{
	struct backend *b = backend_start("127.0.0.1:0", "web");
	int fd = peer_listen("127.0.0.1:0");
	struct proc_options opt = {.in = fd, .out = fd, .err = fd};
	struct proc *p = program_start(ARGV("run", "--listen", "fd:0", "--to",
					    backend_where(b)),
				       &opt);

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_served(peer_where(fd), b);
	assert_true(proc_runs(p));
	program_stop(p);
}

#define TEST(name) cmocka_unit_test_teardown(name, program_end_test)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_ordinary_user_serves_a_port_that_systemd_holds),
		TEST(sockets_go_to_the_backends_of_their_names),
		TEST(systemd_without_a_name_takes_all_sockets),
		TEST(a_name_may_stand_for_several_sockets),
		TEST(a_socket_that_nobody_serves_is_warned_of),
		TEST(a_socket_that_is_bound_elsewhere_is_refused),
		TEST(a_name_that_did_not_come_is_refused),
		TEST(sockets_of_another_process_are_refused),
		TEST(an_inherited_descriptor_is_served),
		TEST(inetd_may_hand_over_its_socket_as_0_1_and_2),
	};

	return cmocka_run_group_tests(tests, program_set_up, program_tear_down);
}

#include "matrix.h"

#include "os/proc.h"
#include "peer.h"
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cm.h"

static const struct row rows[] = {
	{"copy, v4 to v4", false, AF_INET, AF_INET},
	{"copy, v6 to v6", false, AF_INET6, AF_INET6},
	{"copy, v6 to v4", false, AF_INET6, AF_INET},
	{"copy, unix to unix", false, AF_UNIX, AF_UNIX},
	{"copy, v4 to unix", false, AF_INET, AF_UNIX},
	{"copy, unix to v4", false, AF_UNIX, AF_INET},
	{"splice, v4 to v4", true, AF_INET, AF_INET},
	{"splice, v6 to v6", true, AF_INET6, AF_INET6},
	{"splice, v6 to v4", true, AF_INET6, AF_INET},
	{"splice, unix to unix", true, AF_UNIX, AF_UNIX},
	{"splice, v4 to unix", true, AF_INET, AF_UNIX},
	{"splice, unix to v4", true, AF_UNIX, AF_INET},
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static bool has_ipv6;

static void look_for_ipv6(void)
{
	struct addr bound;
	int fd = peer_listen(AF_INET6, NULL, 1, &bound);

	has_ipv6 = fd >= 0;
	if (has_ipv6)
		close(fd);
	else
		print_message("skipped: the rows with v6 (no ::1 here: %s)\n",
			      strerror(-fd));
}

static bool is_possible(const struct row *row)
{
	return has_ipv6 || (row->client_family != AF_INET6 &&
			    row->backend_family != AF_INET6);
}

/* Whatever a failed case left running must not disturb the next one. */
static int clear_up(void **state)
{
	(void)state;
	rig_clear_up();
	return 0;
}

static struct CMUnitTest test_of(const struct flow_case *c,
				 const struct row *row)
{
	struct CMUnitTest test = {
		.test_func = c->run,
		.teardown_func = clear_up,
		.initial_state = (void *)row,
	};
	char *name;

	if (asprintf(&name, "%s [%s]", c->name, row->name) < 0)
		abort();
	test.name = name;
	return test;
}

struct child {
	pid_t pid;
	FILE *output;
};

static void run_child(const struct flow_case *c, const struct row *row, int out)
{
	struct CMUnitTest test = test_of(c, row);
	int failed;

	dup2(out, STDOUT_FILENO);
	dup2(out, STDERR_FILENO);
	failed = _cmocka_run_group_tests("row", &test, 1, NULL, NULL);
	free((char *)test.name);
	exit(failed ? EXIT_FAILURE : EXIT_SUCCESS);
}

static void start_child(struct child *child, const struct flow_case *c,
			const struct row *row)
{
	child->output = tmpfile();
	assert_non_null(child->output);
	fflush(stdout);
	fflush(stderr);
	child->pid = fork();
	assert_true(child->pid >= 0);
	if (child->pid == 0)
		run_child(c, row, fileno(child->output));
}

/* cmocka's own counts say nothing about one case. */
static bool is_telling(const char *line)
{
	return line[0] != '\n' && strncmp(line, "[====", 5) != 0 &&
	       strncmp(line, "[  PASSED", 9) != 0 &&
	       !strstr(line, "FAILED TEST") && !strstr(line, "listed below");
}

static bool end_child(struct child *child)
{
	char line[1024];
	int status = -1;

	waitpid(child->pid, &status, 0);
	rewind(child->output);
	while (status != 0 && fgets(line, sizeof(line), child->output)) {
		if (is_telling(line))
			print_error("    %s", line);
	}
	fclose(child->output);
	return status == 0;
}

static void run_side_by_side(void **state)
{
	const struct flow_case *c = *state;
	struct child children[ROWS];
	int failed = 0;

	for (int i = 0; i < ROWS; i++) {
		if (is_possible(&rows[i]))
			start_child(&children[i], c, &rows[i]);
	}
	for (int i = 0; i < ROWS; i++) {
		if (is_possible(&rows[i]) && !end_child(&children[i]))
			failed++;
	}
	assert_int_equal(failed, 0);
}

int matrix_run(const char *name, const struct flow_case *cases, size_t count)
{
	struct CMUnitTest *tests = calloc(count * ROWS, sizeof(*tests));
	size_t n = 0;
	int failed;

	if (!tests)
		return EXIT_FAILURE;
	proc_ignore_sigpipe();
	proc_raise_descriptor_limit();
	look_for_ipv6();
	for (size_t c = 0; c < count; c++) {
		if (cases[c].side_by_side) {
			tests[n++] = (struct CMUnitTest){
				.name = strdup(cases[c].name),
				.test_func = run_side_by_side,
				.initial_state = (void *)&cases[c],
			};
			continue;
		}
		for (int i = 0; i < ROWS; i++) {
			if (is_possible(&rows[i]))
				tests[n++] = test_of(&cases[c], &rows[i]);
		}
	}
	failed = _cmocka_run_group_tests(name, tests, n, NULL, NULL);
	while (n > 0)
		free((char *)tests[--n].name);
	free(tests);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

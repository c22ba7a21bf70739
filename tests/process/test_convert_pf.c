#include "process/program.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define ARGV(...) ((const char *const[]){__VA_ARGS__, NULL})

/* All that is in a file; freed by the caller. */
static char *read_file(const char *path)
{
	FILE *f = fopen(path, "r");
	size_t length;
	char *text = calloc(1, 1 << 16);

	if (!f || !text)
		fail_msg("cannot read %s", path);
	length = fread(text, 1, (1 << 16) - 1, f);
	assert_in_range(length, 0, (1 << 16) - 2);
	fclose(f);
	return text;
}

static const char *write_file(const char *name, const char *text)
{
	const char *path = program_file(name);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	return path;
}

/* lowport convert-pf -, with that file as its input. */
static struct proc *convert(const char *path, int status)
{
	struct proc_options opt = {.in = open(path, O_RDONLY | O_CLOEXEC)};
	struct proc *p;

	if (opt.in < 0)
		fail_msg("cannot read %s", path);
	p = program_start(ARGV("convert-pf", "-"), &opt);
	close(opt.in);
	proc_end(p, status);
	return p;
}

static struct proc *convert_text(const char *text, int status)
{
	return convert(write_file("pf.conf", text), status);
}

static const struct {
	const char *name;
	int status;
} rows[] = {
	{"article", 0},        {"everywhere-and-lo0", 1},
	{"loopback-alias", 0}, {"both-families", 1},
	{"router", 1},         {"openbsd", 1},
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static void real_files_become_what_stands_beside_them(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS; i++) {
		const char *base = scrap("%s/%s", PF_FILES, rows[i].name);
		char *out = read_file(scrap("%s.out", base));
		char *err = read_file(scrap("%s.err", base));
		struct proc *p =
			convert(scrap("%s.conf", base), rows[i].status);

		assert_string_equal(proc_out(p), out);
		assert_string_equal(proc_err(p), err);
		free(out);
		free(err);
	}
}

static void what_is_printed_is_a_configuration(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS; i++) {
		const char *out = scrap("%s/%s.out", PF_FILES, rows[i].name);
		char *text = read_file(out);
		const char *path = write_file("lowport.conf", text);
		struct proc *p = program_start(ARGV("check", "-c", path), NULL);

		proc_end(p, 0);
		assert_string_equal(proc_err(p), "");
		free(text);
	}
}

#define RULE "rdr on lo0 inet proto tcp to port 80 -> 127.0.0.1 port 8080\n"

static void install_lines_can_be_had_alone(void **state)
{
	const char *path = write_file("pf.conf", RULE
				      "rdr proto tcp to port 81 -> localhost "
				      "port 8081\n");
	struct proc *p =
		program_start(ARGV("convert-pf", "--install", path), NULL);

	(void)state;
	proc_end(p, 0);
	assert_string_equal(proc_out(p),
			    "lowport install --listen 127.0.0.1:80 --to "
			    "127.0.0.1:8080\n"
			    "lowport install --listen '*:81' --to "
			    "localhost:8081\n");
	assert_string_equal(proc_err(p), "");
}

static void files_that_a_file_loads_are_read_too(void **state)
{
	const char *anchor = write_file("anchor", RULE);
	const char *macros = write_file("macros", "where = \"en0\"\n");
	const char *missing = program_file("missing");
	const char *path = write_file(
		"pf.conf",
		scrap("rdr-anchor \"web\"\nload anchor \"web\" from \"%s\"\n"
		      "include \"%s\"\n"
		      "rdr on $where inet proto tcp to port 81 -> 10.0.0.2\n",
		      anchor, macros));
	struct proc *p = program_start(ARGV("convert-pf", path), NULL);

	(void)state;
	proc_end(p, 0);
	assert_string_equal(proc_err(p), "");
	assert_says(proc_out(p), scrap("# %s:1: rdr on lo0", anchor));
	assert_says(proc_out(p), scrap("# %s:4: rdr on $where", path));
	assert_says(proc_out(p), "listen = if:en0:81");
	path = write_file("pf.conf",
			  scrap("%sinclude \"%s\"\n", RULE, missing));
	p = program_start(ARGV("convert-pf", path), NULL);
	proc_end(p, 1);
	assert_says(proc_out(p), "listen = 127.0.0.1:80");
	assert_says(proc_err(p), scrap("%s:2: %s was not read (No such file",
				       path, missing));
}

/* A file that includes itself, and what is no file, end. */
static void files_that_never_end_are_not_followed(void **state)
{
	const char *path = program_file("pf.conf");
	struct proc *p;

	(void)state;
	write_file("pf.conf", scrap("include \"%s\"\ninclude \"%s\"\n"
				    "include \"%s\"\ninclude \"%s\"\n",
				    path, path, path, path));
	p = program_start(ARGV("convert-pf", path), NULL);
	proc_end(p, 1);
	assert_says(proc_err(p), "does one name itself?");
	assert_in_range(proc_count_lines(p, "was not read"), 1, 4 * 64);
	path = program_file("pipe");
	assert_int_equal(mkfifo(path, 0666), 0);
	p = convert_text(scrap("include \"%s\"\n", path), 1);
	assert_says(proc_err(p), scrap("stdin:1: %s was not read (", path));
	p = program_start(ARGV("convert-pf", "/dev/zero"), NULL);
	proc_end(p, 2);
	assert_says(proc_err(p), "/dev/zero: ");
}

static void a_syntax_error_ends_with_2_and_prints_nothing(void **state)
{
	struct proc *p = convert_text(RULE "rdr on lo0 proto tcp to port\n"
					   "rdr onn lo0\n",
				      2);

	(void)state;
	assert_string_equal(proc_out(p), "");
	assert_says(proc_err(p), "stdin:2:29: expected a port (port 80, ");
	assert_says(proc_err(p), "stdin:3:5: expected on, inet, proto, ");
}

static void what_is_left_out_ends_with_1_and_prints_the_rest(void **state)
{
	struct proc *p = convert_text(
		RULE "rdr on lo0 proto udp to port 53 -> ::1\n", 1);

	(void)state;
	assert_says(proc_out(p), "listen = 127.0.0.1:80\n");
	assert_string_equal(proc_err(p),
			    "stdin:2: rdr on lo0 proto udp to port 53 -> ::1: "
			    "proto udp: lowport relays TCP alone\n");
}

/* A mistake behind them is said all the same. */
static void of_many_like_each_other_the_rest_is_counted(void **state)
{
	static const char rule[] = "rdr on lo0 proto udp to port 53 -> ::1\n";
	enum { MANY = 1200, SAID = 1000 };
	char *text = calloc(MANY + 1, sizeof(rule));
	struct proc *p;

	(void)state;
	assert_non_null(text);
	for (size_t i = 0; i < MANY; i++)
		memcpy(text + i * strlen(rule), rule, strlen(rule));
	p = convert_text(text, 1);
	assert_int_equal(proc_count_lines(p, "lowport relays TCP alone"), SAID);
	assert_says(proc_err(p), "stdin: and 200 more like these\n");
	strcat(text, "rdr onn lo0\n");
	p = convert_text(text, 2);
	assert_says(proc_err(p), scrap("stdin:%d:5: expected on, ", MANY + 1));
	free(text);
}

static void the_name_of_the_file_is_no_line_of_its_own(void **state)
{
	const char *file = write_file("pf\nexec = true",
				      "rdr on lo0 proto tcp to port 80 -> "
				      "127.0.0.1 port 8080\n");
	struct proc *p = program_start(ARGV("convert-pf", file), NULL);

	(void)state;
	proc_end(p, 0);
	assert_says(proc_out(p), "pf?exec = true redirects, as relays.");
	assert_null(strstr(proc_out(p), "\nexec"));
}

static void a_file_without_redirections_is_said_to_be_one(void **state)
{
	struct proc *p = convert_text("set skip on lo0\npass all\n", 0);

	(void)state;
	assert_string_equal(proc_out(p), "");
	assert_says(proc_err(p), "stdin: no rule redirects anything");
}

static void a_pipe_that_nobody_writes_to_is_not_waited_for(void **state)
{
	const char *path = program_file("silent");
	struct proc *p;

	(void)state;
	assert_int_equal(mkfifo(path, 0666), 0);
	p = program_start(ARGV("convert-pf", path), NULL);
	proc_end(p, 2);
	unlink(path);
	assert_says(proc_err(p), scrap("%s: is a pipe", path));
}

static void wrong_usage_is_named(void **state)
{
	static const struct {
		const char *argv[4], *says;
	} wrong[] = {
		{{"convert-pf"}, "wants a file (try lowport convert-pf"},
		{{"convert-pf", "--instal", "x"}, "--instal: no such option"},
		{{"convert-pf", "x", "y"}, "\"y\": one file at a time"},
		{{"convert-pf", "/no/such/pf.conf"},
		 "/no/such/pf.conf: No such file"},
		{{"convert-pf", "/"}, "/: Is a directory"},
	};
	struct proc *p;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		p = program_start(wrong[i].argv, NULL);
		proc_end(p, 2);
		assert_string_equal(proc_out(p), "");
		assert_says(proc_err(p), wrong[i].says);
	}
	p = program_start(ARGV("convert-pf", "--help"), NULL);
	proc_end(p, 0);
	assert_says(proc_out(p), "usage: lowport convert-pf [--install] FILE");
	p = program_start(ARGV("--help"), NULL);
	proc_end(p, 0);
	assert_says(proc_out(p), "convert-pf");
}

#define TEST(name) cmocka_unit_test_teardown(name, program_end_test)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(real_files_become_what_stands_beside_them),
		TEST(what_is_printed_is_a_configuration),
		TEST(install_lines_can_be_had_alone),
		TEST(files_that_a_file_loads_are_read_too),
		TEST(files_that_never_end_are_not_followed),
		TEST(a_syntax_error_ends_with_2_and_prints_nothing),
		TEST(what_is_left_out_ends_with_1_and_prints_the_rest),
		TEST(of_many_like_each_other_the_rest_is_counted),
		TEST(the_name_of_the_file_is_no_line_of_its_own),
		TEST(a_file_without_redirections_is_said_to_be_one),
		TEST(a_pipe_that_nobody_writes_to_is_not_waited_for),
		TEST(wrong_usage_is_named),
	};

	return cmocka_run_group_tests(tests, program_set_up, program_tear_down);
}

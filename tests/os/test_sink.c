#include "os/sink.h"

#include "support/pairs.h"

#include "os/file.h"
#include "os/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

/* A sink on a pipe whose writing end blocks, as a shell's does. */
struct rig {
	struct sink sink;
	int fds[2];
	char *text; /* what the reader has got */
	size_t length;
};

static int set_up(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	assert_int_equal(pipe(r->fds), 0);
	fd_nonblocking(r->fds[0]);
	sink_init(&r->sink, r->fds[1]);
	*state = r;
	return 0;
}

static int tear_down(void **state)
{
	struct rig *r = *state;

	pair_close(r->fds);
	free(r->text);
	free(r);
	return 0;
}

static void read_all(struct rig *r)
{
	char buf[4096];
	ssize_t n;

	while ((n = read(r->fds[0], buf, sizeof(buf))) > 0) {
		r->text = realloc(r->text, r->length + (size_t)n + 1);
		assert_non_null(r->text);
		memcpy(r->text + r->length, buf, (size_t)n);
		r->length += (size_t)n;
		r->text[r->length] = '\0';
	}
}

static void read_some(struct rig *r, size_t size)
{
	char buf[4096];

	assert_in_range(read(r->fds[0], buf, size), 1, sizeof(buf));
}

static void put_numbered(struct rig *r, unsigned number)
{
	char line[64];
	int n = snprintf(line, sizeof(line), "line %u\n", number);

	sink_put(&r->sink, line, (size_t)n);
}

/* As the log does it: what is missing is said where it is missing. */
static void put_or_count(struct rig *r, unsigned number)
{
	struct sink *s = &r->sink;
	char line[64];
	int n = snprintf(line, sizeof(line), "lost %u\n", (unsigned)s->lost);

	if (s->lost > 0 && sink_has_room(s, (size_t)n)) {
		sink_told(s);
		assert_true(sink_put(s, line, (size_t)n));
	}
	if (s->lost > 0)
		sink_drop(s);
	else
		put_numbered(r, number);
}

static void fill_pipe(struct rig *r)
{
	static const char zeros[4096];

	fd_nonblocking(r->fds[1]);
	while (write(r->fds[1], zeros, sizeof(zeros)) > 0)
		;
}

static void lines_come_out_whole_and_in_order(void **state)
{
	struct rig *r = *state;
	char *p;

	for (unsigned i = 0; i < 20000; i++) {
		put_numbered(r, i);
		if (i % 1000 == 0) {
			sink_flush(&r->sink);
			read_all(r);
		}
	}
	while (r->sink.held > 0) {
		sink_flush(&r->sink);
		read_all(r);
	}
	p = r->text;
	for (unsigned i = 0; i < 20000; i++) {
		unsigned number;
		int length;

		assert_int_equal(sscanf(p, "line %u\n%n", &number, &length), 1);
		assert_int_equal(number, i);
		p += length;
	}
	assert_int_equal(*p, '\0');
}

static void a_line_waits_until_it_is_flushed(void **state)
{
	struct rig *r = *state;

	put_numbered(r, 1);
	read_all(r);
	assert_null(r->text);
	sink_flush(&r->sink);
	read_all(r);
	assert_string_equal(r->text, "line 1\n");
	assert_int_equal(r->sink.held, 0);
}

/* It is a failure of this test if it does not come to an end. */
static void
a_pipe_that_nobody_reads_never_blocks_and_the_lost_are_counted(void **state)
{
	struct rig *r = *state;
	const unsigned all = 100000;
	unsigned next = 0, lost = 0, lines = 0;
	char *p;

	for (unsigned i = 0; i < all; i++) {
		put_or_count(r, i);
		if (i % 10 == 0)
			sink_flush(&r->sink);
	}
	assert_true(r->sink.lost > 0);
	for (unsigned i = 0; i < 3; i++) {
		do {
			sink_flush(&r->sink);
			read_all(r);
		} while (r->sink.held > 0);
		put_or_count(r, all + i);
	}
	assert_int_equal(r->sink.lost, 0);

	p = r->text;
	while (p && *p != '\0') {
		unsigned number;
		int length = 0;

		if (sscanf(p, "line %u\n%n", &number, &length) == 1) {
			assert_int_equal(number, next);
			next++;
			lines++;
		} else if (sscanf(p, "lost %u\n%n", &number, &length) == 1) {
			lost += number;
			next += number;
		} else {
			fail_msg("not a line: %.40s", p);
		}
		p += length;
	}
	assert_int_equal(lines + lost, all + 2);
	assert_true(lost > 0);
	assert_int_equal(r->sink.dropped, lost);
}

static void a_line_that_never_fits_is_lost_alone(void **state)
{
	struct rig *r = *state;
	char *huge = malloc(sizeof(r->sink.buf) + 1);

	assert_non_null(huge);
	memset(huge, 'x', sizeof(r->sink.buf) + 1);
	assert_false(sink_put(&r->sink, huge, sizeof(r->sink.buf) + 1));
	free(huge);
	assert_int_equal(r->sink.dropped, 1);
	put_numbered(r, 7);
	sink_flush(&r->sink);
	read_all(r);
	assert_string_equal(r->text, "line 7\n");
}

static void where_nothing_can_be_written_nothing_is_held(void **state)
{
	struct rig *r = *state;

	put_numbered(r, 1);
	fd_close(&r->fds[0]);
	sink_flush(&r->sink);
	assert_int_equal(r->sink.held, 0);
	fd_close(&r->fds[1]);
	assert_int_equal(r->sink.lost, 1);
	assert_int_equal(r->sink.lost_error, EPIPE);
	put_numbered(r, 2);
	sink_flush(&r->sink);
	assert_int_equal(r->sink.held, 0);
	assert_int_equal(r->sink.dropped, 2);
}

/* Shorter lines than any of ours: there may be no room for their lengths. */
static void many_short_lines_are_dropped_rather_than_mixed_up(void **state)
{
	struct rig *r = *state;
	size_t taken = 0;

	fill_pipe(r);
	for (size_t i = 0; i < 2 * SINK_LINES; i++)
		taken += sink_put(&r->sink, "\n", 1);
	assert_int_equal(taken, SINK_LINES);
	assert_int_equal(r->sink.dropped, SINK_LINES);
}

/* Or else there would be as many lines that tell of others as there are
 * others. */
static void who_has_lost_lines_waits_for_room_for_many(void **state)
{
	enum { LINE = 100 };
	struct rig *r = *state;
	char line[LINE];

	memset(line, 'x', sizeof(line));
	line[LINE - 1] = '\n';
	fill_pipe(r);
	while (sink_put(&r->sink, line, sizeof(line)))
		;
	assert_true(r->sink.held > SINK_ROOM - LINE);
	do {
		assert_false(sink_has_room(&r->sink, 1));
		read_some(r, 4096);
		assert_true(sink_flush(&r->sink));
	} while (r->sink.held > SINK_ROOM / 2);
	assert_true(sink_put(&r->sink, line, sizeof(line)));
	sink_told(&r->sink);
}

/* A file of its own, in a directory of its own. */
struct place {
	char dir[32], path[64], old[64];
};

static void make_place(struct place *at)
{
	strcpy(at->dir, "/tmp/lowport-sink-XXXXXX");
	assert_non_null(mkdtemp(at->dir));
	snprintf(at->path, sizeof(at->path), "%s/log", at->dir);
	snprintf(at->old, sizeof(at->old), "%s/old", at->dir);
}

static void remove_place(const struct place *at)
{
	unlink(at->path);
	unlink(at->old);
	rmdir(at->dir);
}

static void assert_file(const char *path, const char *text)
{
	char *is;
	size_t length;

	assert_int_equal(file_read(path, &is, &length), 0);
	assert_string_equal(is, text);
	free(is);
}

static void a_file_is_made_for_few_and_written_at_its_end(void **state)
{
	struct rig *r = *state;
	struct place at;
	struct stat st;

	make_place(&at);
	umask(0);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(sink_open(&r->sink, at.path, NULL), 0);
		put_numbered(r, i);
		sink_close(&r->sink);
	}
	assert_file(at.path, "line 0\nline 1\n");
	assert_int_equal(stat(at.path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	remove_place(&at);
}

static void what_came_before_a_reopening_is_in_the_old_file(void **state)
{
	struct rig *r = *state;
	struct place at;

	make_place(&at);
	assert_int_equal(sink_open(&r->sink, at.path, NULL), 0);
	put_numbered(r, 1);
	assert_int_equal(rename(at.path, at.old), 0);
	put_numbered(r, 2);
	assert_int_equal(sink_reopen(&r->sink), 0);
	put_numbered(r, 3);
	sink_close(&r->sink);
	assert_file(at.old, "line 1\nline 2\n");
	assert_file(at.path, "line 3\n");
	remove_place(&at);
}

/* A pipe that has room for some lines and a part of the next one. */
static void fill_but(const char *path, int reader, size_t room)
{
	static char bytes[8192];
	int fd = open(path, O_WRONLY | O_NONBLOCK);

	assert_true(fd >= 0 && room <= sizeof(bytes));
	while (write(fd, bytes, room) > 0)
		;
	assert_int_equal(read(reader, bytes, room), room);
	close(fd);
}

static void no_file_begins_with_half_a_line(void **state)
{
	static const char line[] = "a line of thirty-three characters\n";
	enum { LINES = 1000 };
	struct rig *r = *state;
	struct place at;
	size_t length, lines;
	char *text;
	int reader;

	make_place(&at);
	assert_int_equal(mkfifo(at.path, 0600), 0);
	reader = open(at.path, O_RDONLY | O_NONBLOCK);
	assert_true(reader >= 0);
	fill_but(at.path, reader, 8192);
	assert_int_equal(sink_open(&r->sink, at.path, NULL), 0);
	for (int i = 0; i < LINES; i++)
		sink_put(&r->sink, line, sizeof(line) - 1);
	sink_flush(&r->sink);
	assert_true(r->sink.begun > 0);
	lines = r->sink.lines;
	assert_int_equal(rename(at.path, at.old), 0);
	assert_int_equal(sink_reopen(&r->sink), 0);
	close(reader);
	sink_close(&r->sink);
	assert_int_equal(r->sink.dropped, 1);
	assert_int_equal(file_read(at.path, &text, &length), 0);
	assert_memory_equal(text, line, sizeof(line) - 1);
	assert_int_equal(length, (lines - 1) * (sizeof(line) - 1));
	free(text);
	remove_place(&at);
}

static void a_file_that_cannot_be_reopened_is_used_further(void **state)
{
	struct rig *r = *state;
	struct place at;

	make_place(&at);
	assert_int_equal(sink_open(&r->sink, at.path, NULL), 0);
	assert_int_equal(rename(at.path, at.old), 0);
	assert_int_equal(mkdir(at.path, 0700), 0);
	assert_int_equal(sink_reopen(&r->sink), -EISDIR);
	put_numbered(r, 1);
	sink_close(&r->sink);
	assert_file(at.old, "line 1\n");
	assert_int_equal(rmdir(at.path), 0);
	remove_place(&at);
}

static void what_cannot_be_opened_is_an_error(void **state)
{
	struct rig *r = *state;
	struct place at;

	make_place(&at);
	assert_int_equal(sink_open(&r->sink, at.dir, NULL), -EISDIR);
	assert_int_equal(mkfifo(at.path, 0600), 0);
	assert_int_equal(sink_open(&r->sink, at.path, NULL), -ENXIO);
	assert_int_equal(sink_open(&r->sink, "/nonexistent/log", NULL),
			 -ENOENT);
	remove_place(&at);
}

/* /dev/full: every write is one to a full disk. */
static void a_full_disk_is_waited_for(void **state)
{
	struct rig *r = *state;
	unsigned taken = 0;

	if (sink_open(&r->sink, "/dev/full", NULL) < 0)
		skip();
	for (unsigned i = 0; i < 10 * SINK_LINES; i++)
		put_numbered(r, i);
	sink_flush(&r->sink);
	assert_int_equal(r->sink.lost_error, ENOSPC);
	assert_true(r->sink.lost > 0);
	taken = (unsigned)r->sink.lines;
	assert_int_equal(taken + r->sink.lost, 10 * SINK_LINES);
	sink_close(&r->sink);
	assert_int_equal(r->sink.dropped, 10 * SINK_LINES);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		ROW(lines_come_out_whole_and_in_order),
		ROW(a_line_waits_until_it_is_flushed),
		ROW(a_pipe_that_nobody_reads_never_blocks_and_the_lost_are_counted),
		ROW(a_line_that_never_fits_is_lost_alone),
		ROW(where_nothing_can_be_written_nothing_is_held),
		ROW(many_short_lines_are_dropped_rather_than_mixed_up),
		ROW(who_has_lost_lines_waits_for_room_for_many),
		ROW(a_file_is_made_for_few_and_written_at_its_end),
		ROW(what_came_before_a_reopening_is_in_the_old_file),
		ROW(no_file_begins_with_half_a_line),
		ROW(a_file_that_cannot_be_reopened_is_used_further),
		ROW(what_cannot_be_opened_is_an_error),
		ROW(a_full_disk_is_waited_for),
	};

	proc_ignore_sigpipe();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

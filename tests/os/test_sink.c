#include "os/sink.h"

#include "support/pairs.h"

#include "os/proc.h"

#include <stdio.h>
#include <stdlib.h>

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

static void put_numbered(struct rig *r, unsigned number)
{
	char line[64];
	int n = snprintf(line, sizeof(line), "line %u\n", number);

	sink_put(&r->sink, line, (size_t)n);
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
		put_numbered(r, i);
		if (i % 10 == 0)
			sink_flush(&r->sink);
	}
	assert_true(r->sink.dropped > 0);
	for (unsigned i = 0; i < 3; i++) {
		do {
			sink_flush(&r->sink);
			read_all(r);
		} while (r->sink.held > 0);
		put_numbered(r, all + i);
	}
	assert_int_equal(r->sink.dropped, 0);

	p = r->text;
	while (p && *p != '\0') {
		unsigned number;
		int length = 0;

		if (sscanf(p, "line %u\n%n", &number, &length) == 1) {
			assert_int_equal(number, next);
			next++;
			lines++;
		} else if (sscanf(p, "warn %u log lines were lost\n%n", &number,
				  &length) == 1) {
			lost += number;
			next += number;
		} else {
			fail_msg("not a line: %.40s", p);
		}
		p += length;
	}
	assert_int_equal(lines + lost, all + 2);
	assert_true(lost > 0);
}

static void a_line_that_never_fits_is_lost_alone(void **state)
{
	struct rig *r = *state;
	char *huge = malloc(sizeof(r->sink.buf) + 1);

	assert_non_null(huge);
	memset(huge, 'x', sizeof(r->sink.buf) + 1);
	sink_put(&r->sink, huge, sizeof(r->sink.buf) + 1);
	free(huge);
	put_numbered(r, 7);
	sink_flush(&r->sink);
	read_all(r);
	assert_string_equal(r->text, "warn 1 log lines were lost\nline 7\n");
}

static void where_nothing_can_be_written_nothing_is_held(void **state)
{
	struct rig *r = *state;

	put_numbered(r, 1);
	fd_close(&r->fds[0]);
	sink_flush(&r->sink);
	assert_int_equal(r->sink.held, 0);
	fd_close(&r->fds[1]);
	put_numbered(r, 2);
	sink_flush(&r->sink);
	assert_int_equal(r->sink.held, 0);
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
	};

	proc_ignore_sigpipe();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

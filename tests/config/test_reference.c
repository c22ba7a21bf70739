#include "config/args.h"
#include "config/options.h"

#include "os/file.h"
#include "support/unit.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* conf/lowport.conf is what it says of itself. */

static char *reference;

static void complain(const char *text)
{
	fail_msg("%s", text);
}

/* Read it, with all that is commented out taken in if it is so asked. */
static void read_it(struct config *c, bool whole)
{
	char path[] = "/tmp/lowport-reference.XXXXXX";
	char *argv[] = {"-c", path};
	int fd = mkstemp(path);
	FILE *f;

	assert_true(fd >= 0);
	f = fdopen(fd, "w");
	assert_non_null(f);
	for (const char *line = reference; *line != '\0';) {
		size_t length = strcspn(line, "\n");
		bool key = line[0] == '#' && length > 1 && line[1] != ' ';

		if (key && whole)
			fprintf(f, "%.*s\n", (int)length - 1, line + 1);
		else
			fprintf(f, "%.*s\n", (int)length, line);
		line += length + (line[length] == '\n');
	}
	assert_int_equal(fclose(f), 0);
	config_init(c);
	assert_int_equal(args_read(c, 2, argv, complain), 0);
	unlink(path);
}

static void as_it_stands_it_is_one_relay_and_all_defaults(void **state)
{
	struct config c, plain;

	(void)state;
	read_it(&c, false);
	config_init(&plain);
	assert_int_equal(c.group_count, 1);
	assert_string_equal(c.groups[0].name, "web");
	for (const struct option *o = options; o->name; o++)
		if (o->fallback)
			assert_memory_equal(option_member(&c, o),
					    option_member(&plain, o),
					    sizeof(uint64_t));
	config_free(&plain);
	config_free(&c);
}

static void what_is_commented_out_are_the_defaults(void **state)
{
	struct config c, plain;

	(void)state;
	read_it(&c, true);
	config_init(&plain);
	assert_int_equal(c.group_count, 2);
	for (const struct option *o = options; o->name; o++) {
		/* log-to and http are more than a number. */
		if (!o->fallback || strcmp(o->name, "log-to") == 0 ||
		    strcmp(o->name, "http") == 0)
			continue;
		if (memcmp(option_member(&c, o), option_member(&plain, o),
			   sizeof(uint64_t)) != 0)
			fail_msg("%s is not at its default there", o->name);
	}
	config_free(&plain);
	config_free(&c);
}

/* Behind a # or at the beginning of a line. */
static bool has_key(const char *name, const char *fallback)
{
	size_t length = strlen(name);

	for (const char *at = reference; (at = strstr(at, name)) != NULL;
	     at += length) {
		bool begins = at == reference || at[-1] == '\n' ||
			      (at[-1] == '#' &&
			       (at - 1 == reference || at[-2] == '\n'));

		if (!begins || strncmp(at + length, " = ", 3) != 0)
			continue;
		if (!fallback)
			return true;
		if (strncmp(at + length + 3, fallback, strlen(fallback)) == 0 &&
		    at[length + 3 + strlen(fallback)] == '\n')
			return true;
	}
	return false;
}

static void every_key_is_there_with_its_default(void **state)
{
	(void)state;
	for (const struct option *o = options; o->name; o++)
		if (o->scope != OPTION_ONCE && !has_key(o->name, o->fallback))
			fail_msg("conf/lowport.conf lacks %s = %s", o->name,
				 o->fallback ? o->fallback : "...");
}

static int load(void **state)
{
	size_t length;

	(void)state;
	return file_read(REFERENCE, &reference, &length);
}

static int unload(void **state)
{
	(void)state;
	free(reference);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_it_stands_it_is_one_relay_and_all_defaults),
		cmocka_unit_test(what_is_commented_out_are_the_defaults),
		cmocka_unit_test(every_key_is_there_with_its_default),
	};

	return cmocka_run_group_tests(tests, load, unload);
}

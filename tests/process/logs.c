#include "process/logs.h"

#include "process/program.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { LOOK_AGAIN_US = 5000 };

static char *read_file(const char *path)
{
	FILE *f = fopen(path, "r");
	size_t length = 0, room = 1 << 16;
	char *text = malloc(room);

	assert_non_null(text);
	while (f) {
		size_t n = fread(text + length, 1, room - length - 1, f);

		length += n;
		if (n == 0)
			break;
		if (length == room - 1)
			text = realloc(text, room *= 2);
		assert_non_null(text);
	}
	text[length] = '\0';
	if (f)
		fclose(f);
	return text;
}

const char *log_read(const char *path)
{
	char *text = read_file(path);
	const char *kept = scrap("%s", text);

	free(text);
	return kept;
}

const char *log_await(const char *path, const char *text)
{
	for (int us = 0; us < PROC_PATIENCE_MS * 1000; us += LOOK_AGAIN_US) {
		char *log = read_file(path);
		bool there = strstr(log, text) != NULL;

		free(log);
		if (there)
			return log_read(path);
		usleep(LOOK_AGAIN_US);
	}
	fail_msg("%s never said: %s\nbut: %s", path, text, log_read(path));
	return NULL;
}

unsigned log_count(const char *log, const char *text)
{
	unsigned count = 0;

	while ((log = strstr(log, text)) != NULL) {
		log += strlen(text);
		count++;
	}
	return count;
}

unsigned log_each_once(const char *log, const char *name, unsigned count)
{
	bool *seen = calloc(count + 1, sizeof(*seen));
	unsigned lines = 0;

	assert_non_null(seen);
	while ((log = strstr(log, name)) != NULL) {
		unsigned long number = strtoul(log + strlen(name), NULL, 10);

		assert_in_range(number, 1, count);
		if (seen[number])
			fail_msg("%s%lu is there twice", name, number);
		seen[number] = true;
		lines++;
		log += strlen(name);
	}
	free(seen);
	return lines;
}

static const char script[] =
	"import json, sys, datetime\n"
	"connections = lines = 0\n"
	"for path in sys.argv[1:]:\n"
	"    for line in open(path, 'rb'):\n"
	"        entry = json.loads(line.decode('utf-8'))\n"
	"        lines += 1\n"
	"        assert line.endswith(b'\\n')\n"
	"        assert datetime.datetime.fromisoformat(\n"
	"            entry['time']).tzinfo, line\n"
	"        assert entry['level'] in ('error', 'warn', 'info', 'debug')\n"
	"        if entry['message'] != 'closed': continue\n"
	"        connections += 1\n"
	"        assert not {'client', 'local', 'backend', 'up', 'down',\n"
	"            'duration_ms', 'reason'} - set(entry), line\n"
	"        for name in ('up', 'down', 'duration_ms'):\n"
	"            assert type(entry[name]) is int, line\n"
	"print(connections, lines)\n";

const char *log_parse(const char *paths)
{
	const char *command =
		scrap("python3 - %s <<'END'\n%sEND\n", paths, script);
	struct proc *p;

	if (!proc_has("python3"))
		program_skip("python3");
	p = proc_start((const char *const[]){"sh", "-c", command, NULL}, NULL);
	proc_end(p, 0);
	return proc_out(p);
}

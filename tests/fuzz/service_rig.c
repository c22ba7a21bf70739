#include "service_rig.h"

#include "os/file.h"

#include <errno.h>
#include <string.h>
#include <stdlib.h>

static const struct rig_file *there;

void service_rig_files(const struct rig_file *files)
{
	there = files;
}

static bool ends_with(const char *text, const char *tail)
{
	size_t length = strlen(text), n = strlen(tail);

	return length >= n && strcmp(text + length - n, tail) == 0;
}

/* In place of the one of src/os/file.c, which is then not linked. */
int file_read(const char *path, char **text, size_t *length)
{
	for (const struct rig_file *f = there; f && f->tail; f++) {
		if (!ends_with(path, f->tail))
			continue;
		*text = fuzz_text(f->bytes, f->size);
		*length = f->size;
		return 0;
	}
	return -ENOENT;
}

static void add_socket(struct agent *a, struct feed *f)
{
	struct addr at = {.family = AF_INET};
	struct fault why;

	if (feed_byte(f) % 2)
		at.family = AF_INET6;
	at.port = (uint16_t)(feed_number(f, 2) | 1);
	for (int i = 0; i < (at.family == AF_INET ? 4 : 16); i++)
		at.ip[i] = feed_byte(f);
	if (at.family == AF_INET6)
		at.ip[0] |= 0x20; /* none that is folded to IPv4 */
	MUST(agent_add_socket(a, &at, &why) == 0);
}

void service_rig_fill(struct agent *a, struct feed *f)
{
	struct fault why;
	uint8_t words = feed_byte(f) % 8, sockets = feed_byte(f) % 4;

	while (words-- > 0) {
		char *word = feed_line(f);
		int err = agent_add_argument(a, word ? word : "", &why);

		MUST(err == 0);
		free(word);
	}
	while (sockets-- > 0)
		add_socket(a, f);
}

void service_rig_must_be_same(const struct agent *a, const struct agent *b)
{
	MUST(a->argument_count == b->argument_count);
	for (size_t i = 0; i < a->argument_count; i++)
		MUST_OF(strcmp(a->arguments[i], b->arguments[i]) == 0,
			a->arguments[i]);
	MUST(a->socket_count == b->socket_count);
	for (size_t i = 0; i < a->socket_count; i++) {
		MUST(addr_equal(&a->sockets[i].addr, &b->sockets[i].addr));
		MUST_OF(strcmp(a->sockets[i].name, b->sockets[i].name) == 0,
			b->sockets[i].name);
	}
}

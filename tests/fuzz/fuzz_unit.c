#include "service_rig.h"

#include "service/agent_systemd.h"
#include "service/unit.h"
#include "service/unit_text.h"
#include "base/words.h"

#include <stdlib.h>
#include <string.h>

/* Unit files: the text behind an empty line is the .socket's. And any word put
 * into one is read as that word. */

static void must_fit(const struct agent *a)
{
	MUST(a->argument_count <= AGENT_ARGUMENTS_MAX);
	MUST(a->socket_count <= AGENT_SOCKETS_MAX);
	MUST(strlen(a->program) < sizeof(a->program));
	for (size_t i = 0; i < a->socket_count; i++)
		MUST(strlen(a->sockets[i].name) < sizeof(a->sockets[i].name));
}

static struct agent *new_agent(void)
{
	struct agent *a = malloc(sizeof(*a));
	struct fault why;

	MUST(a);
	MUST(agent_init(a, "web", &why) == 0);
	MUST(agent_place_systemd(a, true, &why) == 0);
	a->exit_timeout_s = 30;
	a->backlog = 511;
	return a;
}

static void free_agent(struct agent *a)
{
	agent_free(a);
	free(a);
}

static void read_units(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	const char *empty = strstr(text, "\n\n");
	size_t first = empty ? (size_t)(empty - text) : size;
	const struct rig_file files[] = {
		{".service", text, first},
		{".socket", empty ? empty : "", empty ? strlen(empty) : 0},
		{0},
	};
	struct agent *a = new_agent();
	struct fault why = {""};

	service_rig_files(files);
	if (unit_read(a, &why) < 0)
		fuzz_must_explain(why.text);
	must_fit(a);
	free_agent(a);
	free(text);
}

/* In units that we write, which systemd reads as we do. */
static void write_and_read(const uint8_t *data, size_t size)
{
	struct agent *a = new_agent(), *b = new_agent();
	struct feed f = {data, size};
	struct rig_file files[3] = {{0}};
	char *service, *socket;
	struct fault why = {""};

	service_rig_fill(a, &f);
	for (size_t i = 0; i < a->socket_count; i++)
		snprintf(a->sockets[i].name, sizeof(a->sockets[i].name),
			 "listener1");
	snprintf(a->program, sizeof(a->program), "/usr/bin/lowport");
	service = unit_service(a, "nobody");
	socket = a->socket_count > 0 ? unit_socket(a, 0) : NULL;
	MUST(service);
	files[0] = (struct rig_file){".service", service, strlen(service)};
	if (socket)
		files[1] = (struct rig_file){".socket", socket, strlen(socket)};
	service_rig_files(files);
	if (unit_read(b, &why) < 0)
		fuzz_fail(__FILE__, __LINE__, why.text, service);
	MUST(strcmp(a->program, b->program) == 0);
	service_rig_must_be_same(a, b);
	free(service);
	free(socket);
	free_agent(a);
	free_agent(b);
}

static void put_and_split(const char *word)
{
	size_t size;
	char *text, **words;
	FILE *f = open_memstream(&text, &size);

	MUST(f);
	unit_put_word(f, word, true);
	fputc(' ', f);
	unit_put_word(f, word, false);
	fclose(f);
	MUST_OF(!strpbrk(text, "\n"), text);
	MUST(unit_split(text, &words) == 0);
	MUST_OF(words[0] && words[1] && !words[2], text);
	MUST_OF(strcmp(words[0], word) == 0, text);
	MUST_OF(strcmp(words[1], word) == 0, text);
	words_free(words);
	free(text);
}

static void split_any(const char *text)
{
	char **words, *value;

	MUST(unit_split(text, &words) == 0);
	for (size_t i = 0; words[i]; i++)
		MUST(strlen(words[i]) <= strlen(text));
	words_free(words);
	value = unit_value(text, "ExecStart", 0);
	MUST(!value || !strchr(value, '\n'));
	free(value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);

	put_and_split(text);
	split_any(text);
	free(text);
	read_units(data, size);
	write_and_read(data, size);
	return 0;
}

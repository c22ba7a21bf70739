#include "service_rig.h"

#include "service/plist.h"

#include <stdlib.h>
#include <string.h>

/* A property list, XML or binary, from anywhere; and an agent with any words in
 * its command line, which is read back as it was written. */

static void must_fit(const struct agent *a)
{
	MUST(a->argument_count <= AGENT_ARGUMENTS_MAX);
	MUST(a->socket_count <= AGENT_SOCKETS_MAX);
	for (size_t i = 0; i < a->socket_count; i++) {
		const struct agent_socket *s = &a->sockets[i];

		MUST(strlen(s->name) < sizeof(s->name));
		MUST(s->addr.family == AF_INET || s->addr.family == AF_INET6);
		MUST(s->addr.port > 0);
	}
}

static void init(struct agent *a)
{
	struct fault why;

	MUST(agent_init(a, "web", &why) == 0);
	snprintf(a->label, sizeof(a->label), "lowport.web");
	snprintf(a->program, sizeof(a->program), "/usr/local/bin/lowport");
	snprintf(a->file, sizeof(a->file), "/tmp/lowport.web.plist");
	a->exit_timeout_s = 30;
}

static struct agent *read_bytes(const void *bytes, size_t size, bool fine)
{
	const struct rig_file files[] = {{".plist", bytes, size}, {0}};
	struct agent *a = malloc(sizeof(*a));
	struct fault why = {""};
	int err;

	MUST(a);
	init(a);
	service_rig_files(files);
	err = plist_read(a, &why);
	MUST_OF(!fine || err == 0, why.text);
	if (err < 0)
		fuzz_must_explain(why.text);
	must_fit(a);
	return a;
}

static void write_and_read(const uint8_t *data, size_t size)
{
	struct agent *a = malloc(sizeof(*a)), *b;
	struct feed f = {data, size};
	char *text;

	MUST(a);
	init(a);
	service_rig_fill(a, &f);
	text = plist_write(a, PLIST_DAEMON, "nobody");
	MUST(text);
	b = read_bytes(text, strlen(text), true);
	service_rig_must_be_same(a, b);
	free(text);
	agent_free(a);
	agent_free(b);
	free(a);
	free(b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct agent *a = read_bytes(data, size, false);

	agent_free(a);
	free(a);
	write_and_read(data, size);
	return 0;
}

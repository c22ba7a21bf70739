#include "service/agent.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A watcher is called as its agent is, and this. */
static const char watcher_tail[] = ".watch";

static int check_name(const char *name, struct fault *why)
{
	const size_t tail = strlen(watcher_tail);
	size_t length = strlen(name);

	if (length == 0 || length > AGENT_NAME_MAX || name[0] == '.')
		return fault_set(why, -EINVAL,
				 "\"%s\" cannot be a label (1 to %d "
				 "characters, the first no dot)",
				 name, AGENT_NAME_MAX);
	for (const char *p = name; *p != '\0'; p++)
		if (!isalnum((unsigned char)*p) && !strchr("-._", *p))
			return fault_set(why, -EINVAL,
					 "\"%s\" cannot be a label: \"%c\" is "
					 "not a letter, digit, dot, dash or "
					 "underscore (try wg-web)",
					 name, *p);
	if (length > tail && strcmp(name + length - tail, watcher_tail) == 0)
		return fault_set(why, -EINVAL,
				 "\"%s\" cannot be a label: what ends with %s "
				 "is the watcher of another",
				 name, watcher_tail);
	return 0;
}

int agent_init(struct agent *a, const char *name, struct fault *why)
{
	int err = check_name(name, why);

	if (err < 0)
		return err;
	memset(a, 0, sizeof(*a));
	snprintf(a->name, sizeof(a->name), "%s", name);
	return 0;
}

int agent_add_argument(struct agent *a, const char *text, struct fault *why)
{
	char *copy;

	if (a->argument_count == AGENT_ARGUMENTS_MAX)
		return fault_set(why, -ENOSPC,
				 "more than %d arguments do not fit an agent",
				 AGENT_ARGUMENTS_MAX);
	copy = strdup(text);
	if (!copy)
		return fault_set(why, -ENOMEM, "out of memory");
	a->arguments[a->argument_count++] = copy;
	return 0;
}

int agent_add_socket(struct agent *a, const struct addr *addr,
		     struct fault *why)
{
	struct agent_socket *s;

	if (a->socket_count == AGENT_SOCKETS_MAX)
		return fault_set(why, -ENOSPC,
				 "more than %d addresses do not fit an agent",
				 AGENT_SOCKETS_MAX);
	s = &a->sockets[a->socket_count++];
	s->addr = *addr;
	snprintf(s->name, sizeof(s->name), "listener%zu", a->socket_count);
	return 0;
}

void agent_free(struct agent *a)
{
	for (size_t i = 0; i < a->argument_count; i++)
		free(a->arguments[i]);
	a->argument_count = 0;
}

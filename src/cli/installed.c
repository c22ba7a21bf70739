#include "cli/installed.h"

#include "service/manager.h"

#include <stdio.h>
#include <string.h>

struct names {
	char *buf;
	size_t size;
	unsigned count;
};

static void add(struct names *n, const char *text)
{
	size_t used = strlen(n->buf);

	snprintf(n->buf + used, n->size - used, "%s", text);
}

static void on_found(void *data, const char *name)
{
	struct names *n = data;

	add(n, n->count++ > 0 ? ", " : "installed are: ");
	add(n, name);
}

const char *installed_names(char *buf, size_t size)
{
	struct names n = {.buf = buf, .size = size};
	char where[2 * AGENT_PATH];

	buf[0] = '\0';
	manager_here->list_all(on_found, &n, where, sizeof(where));
	if (n.count == 0)
		add(&n, "none is installed");
	return buf;
}

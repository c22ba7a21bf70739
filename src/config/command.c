#include "config/command.h"

#include "base/words.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int command_parse(struct config_group *g, const char *text, struct fault *why)
{
	int err = words_split(text, &g->words, why);

	if (err < 0)
		return err;
	if (g->words[0][0] == '\0')
		err = fault_set(why, -EINVAL,
				"\"%s\" names no program (try --exec 'npm "
				"start')",
				text);
	/* env(1) does what a shell would have done. */
	if (strchr(g->words[0], '=') && !strchr(g->words[0], '/'))
		err = fault_set(why, -EINVAL,
				"\"%s\" would be set by a shell, and there is "
				"none (try --exec 'env %s')",
				g->words[0], text);
	if (err == 0) {
		g->command = strdup(text);
		if (!g->command)
			err = fault_set(why, -ENOMEM, "out of memory");
	}
	if (err < 0) {
		words_free(g->words);
		g->words = NULL;
	}
	return err;
}

static bool mentions(const struct config_group *g, const char *what)
{
	for (char **word = g->words; *word; word++)
		if (strstr(*word, what))
			return true;
	return false;
}

static int check_places(const struct config_group *g, struct fault *why)
{
	bool is_unix = g->backends[0].addr.family == AF_UNIX;

	if (is_unix && (mentions(g, "{port}") || mentions(g, "{address}")))
		return fault_set(why, -EINVAL,
				 "\"%s\": its backend is a Unix socket, which "
				 "has no {port} and no {address} (try {path}, "
				 "or --to auto)",
				 g->command);
	if (!is_unix && mentions(g, "{path}"))
		return fault_set(why, -EINVAL,
				 "\"%s\": its backend has a port, not a {path} "
				 "(try {port}, or --to unix:auto)",
				 g->command);
	return 0;
}

int command_check(const struct config_group *g, const char **option,
		  struct fault *why)
{
	size_t most = g->choice == BACKEND_PORT ? 2 : 1;

	*option = "to";
	if (g->choice != BACKEND_GIVEN && !g->command)
		return fault_set(why, -EINVAL,
				 "\"%s\" wants --exec: nobody else would hear "
				 "where to listen (try --exec 'npm start')",
				 g->choice == BACKEND_PORT ? "auto"
							   : "unix:auto");
	if (!g->command || g->backend_count == 0)
		return 0;
	*option = "exec";
	if (g->backend_count > most)
		return fault_set(why, -EINVAL,
				 "\"%s\" is one backend, and there are several "
				 "--to; give it one (try --to auto)",
				 g->command);
	return check_places(g, why);
}

#include "cli/find.h"

#include "base/addr.h"
#include "base/text.h"
#include "control/answer.h"
#include "control/client.h"
#include "os/listen.h"
#include "os/runtime.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct search {
	struct finds *finds;
	const char *name; /* NULL: any */
	bool failed;      /* out of memory */
};

static bool add(struct finds *f, const char *path)
{
	struct found *more = realloc(f->at, (f->count + 1) * sizeof(*f->at));

	if (!more)
		return false;
	f->at = more;
	memset(&more[f->count], 0, sizeof(*more));
	more[f->count].path = strdup(path);
	if (!more[f->count].path)
		return false;
	f->count++;
	return true;
}

/* FOLDER/NAME.sock */
static bool is_called(const char *path, const char *name)
{
	const char *base = strrchr(path, '/') + 1;
	size_t length = strlen(name);

	return strncmp(base, name, length) == 0 &&
	       strcmp(base + length, ".sock") == 0;
}

static void on_socket(void *data, const char *path)
{
	struct search *s = data;

	if (s->name && !is_called(path, s->name))
		return;
	if (!add(s->finds, path))
		s->failed = true;
}

static int look(struct finds *out, const char *which, struct fault *why)
{
	struct search s = {.finds = out, .name = which};
	int err;

	*out = (struct finds){0};
	if (which && strchr(which, '/'))
		return add(out, which)
			       ? 0
			       : fault_set(why, -ENOMEM, "out of memory");
	err = runtime_find(on_socket, &s);
	if (err < 0 || s.failed)
		return fault_set(why, -ENOMEM, "out of memory");
	return 0;
}

/* Returns false if nobody is there any more. */
static bool ask(struct found *f, const char *request, bool sweep)
{
	const struct addr at = {.family = AF_UNIX, .path = f->path};
	struct fault ignored;
	int err = client_ask(f->path, request, &f->answer, NULL, &f->why);

	if (err < 0 && sweep && (err == -ECONNREFUSED || err == -ENOENT)) {
		listen_clear_unix(&at, &ignored);
		return false;
	}
	if (err == 0)
		f->status = answer_read_status(f->answer, f->path, &f->why);
	if (err == 0 && !f->status) {
		free(f->answer);
		f->answer = NULL;
	}
	return true;
}

static void free_found(struct found *f)
{
	cJSON_Delete(f->status);
	free(f->answer);
	free(f->path);
}

static int none(const char *which, struct fault *why)
{
	if (which)
		return fault_set(why, -ENOENT,
				 "there is no lowport called \"%s\" (lowport "
				 "status shows those that are; a path has a "
				 "/)",
				 which);
	return fault_set(why, -ENOENT,
			 "no lowport is running as this user.\n"
			 "One of another user, or of systemd: sudo lowport "
			 "status\n"
			 "One that was started with --status PATH: lowport "
			 "status --socket PATH");
}

int find_ask(struct finds *out, const char *which, const char *request,
	     struct fault *why)
{
	bool sweep = !which || !strchr(which, '/');
	size_t kept = 0;
	int err = look(out, which, why);

	for (size_t i = 0; i < out->count && err == 0; i++) {
		if (ask(&out->at[i], request, sweep))
			out->at[kept++] = out->at[i];
		else
			free_found(&out->at[i]);
	}
	if (err == 0) {
		out->count = kept;
		if (kept == 0)
			err = none(which, why);
	}
	if (err < 0)
		find_free(out);
	return err;
}

static int several(const struct finds *f, struct fault *why)
{
	struct text t = {0};
	char *names;

	for (size_t i = 0; i < f->count; i++) {
		text_add(&t, "\n");
		text_add_escaped(&t, f->at[i].path);
	}
	names = text_take(&t);
	fault_set(why, -EINVAL,
		  "several lowports are running: say which by --socket:%s",
		  names ? names : "");
	free(names);
	return -EINVAL;
}

int find_one(char **path, const char *which, struct fault *why)
{
	struct finds f;
	int err;

	if (which && strchr(which, '/')) {
		*path = strdup(which);
		return *path ? 0 : fault_set(why, -ENOMEM, "out of memory");
	}
	err = find_ask(&f, which, "status", why);
	if (err < 0)
		return err;
	if (f.count > 1) {
		err = several(&f, why);
	} else {
		*path = f.at[0].path;
		f.at[0].path = NULL;
	}
	find_free(&f);
	return err;
}

void find_free(struct finds *f)
{
	for (size_t i = 0; i < f->count; i++)
		free_found(&f->at[i]);
	free(f->at);
	*f = (struct finds){0};
}

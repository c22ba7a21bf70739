#include "cli/desk.h"

#include "base/num.h"
#include "cli/logger.h"
#include "control/json.h"
#include "control/render.h"
#include "os/runtime.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void on_snapshot(void *context, const struct snapshot *s)
{
	control_answer(context, s ? render_json(s) : NULL);
}

static void handle_status(void *data, struct control_request *q,
			  const char *argument)
{
	struct desk *d = data;
	bool connections = strcmp(argument, "connections") == 0;

	if (argument[0] != '\0' && !connections)
		control_refuse(q, "status takes connections, or nothing");
	else
		d->source.take(d->source.data, connections, on_snapshot, q);
}

struct killing {
	struct control_request *q;
	uint64_t id;
};

static void on_killed(void *data, bool found)
{
	struct killing *k = data;
	struct json j = {.first = true};

	if (found) {
		json_begin(&j, NULL, '{');
		json_number(&j, "reset", k->id);
		json_end(&j, '}');
		control_answer(k->q, text_take(&j.text));
	} else {
		control_refuse(k->q,
			       "there is no connection %" PRIu64 " (any more)",
			       k->id);
	}
	free(k);
}

static void handle_kill(void *data, struct control_request *q,
			const char *argument)
{
	struct desk *d = data;
	struct killing *k;
	uint64_t id;

	if (num_parse(argument, 10, 1, UINT64_MAX, &id) < 0) {
		control_refuse(q, "kill takes the id of a connection");
		return;
	}
	k = malloc(sizeof(*k));
	if (!k) {
		control_answer(q, NULL);
		return;
	}
	*k = (struct killing){.q = q, .id = id};
	if (relay_reset(d->relay, id, on_killed, k) < 0) {
		free(k);
		control_answer(q, NULL);
	}
}

/* What a reload has found wrong, while it goes on. */
static struct text mistakes;

static void note(const char *text)
{
	logger_put(LEVEL_ERROR, text);
	text_addf(&mistakes, "%s%s", mistakes.length > 0 ? "\n" : "", text);
}

static void handle_reload(void *data, struct control_request *q,
			  const char *argument)
{
	struct json j = {.first = true};
	struct desk *d = data;
	char *what;
	int status;

	(void)argument;
	logger_put(LEVEL_INFO, "reload: reading the configuration again");
	status = d->actions.reload(d->actions.data, note);
	what = text_take(&mistakes);
	json_begin(&j, NULL, '{');
	json_number(&j, "status", (uint64_t)status);
	json_string(&j, "mistakes", what ? what : "");
	json_end(&j, '}');
	free(what);
	control_answer(q, text_take(&j.text));
}

/* Some of the listeners, from a number on: an answer carries only so many. */
struct handing {
	struct json json;
	uint64_t first, count;
	int files[CONTROL_FILES_MOST];
	size_t file_count;
};

static void hand_over(void *context, int fd, const struct addr *at)
{
	struct handing *h = context;
	char text[ADDR_TEXT];

	if (h->count++ < h->first || h->file_count == CONTROL_FILES_MOST)
		return;
	json_string(&h->json, NULL, addr_print(at, text));
	h->files[h->file_count++] = fd;
}

static void handle_listeners(void *data, struct control_request *q,
			     const char *argument)
{
	struct handing h = {.json.first = true};
	struct desk *d = data;

	if (argument[0] != '\0' &&
	    num_parse(argument, 10, 0, UINT32_MAX, &h.first) < 0) {
		control_refuse(q, "listeners takes the number of the first");
		return;
	}
	json_begin(&h.json, NULL, '{');
	json_begin(&h.json, "listeners", '[');
	d->actions.listeners(d->actions.data, hand_over, &h);
	json_end(&h.json, ']');
	json_number(&h.json, "all", h.count);
	json_end(&h.json, '}');
	control_answer_files(q, text_take(&h.json.text), h.files, h.file_count);
}

static void handle_leave(void *data, struct control_request *q,
			 const char *argument)
{
	struct json j = {.first = true};
	struct desk *d = data;

	(void)argument;
	if (d->left) {
		control_refuse(q, "another lowport has taken over already");
		return;
	}
	d->left = true;
	control_retire(d->control);
	d->actions.leave(d->actions.data);
	json_begin(&j, NULL, '{');
	json_bool(&j, "leaves", true);
	json_end(&j, '}');
	control_answer(q, text_take(&j.text));
}

static const struct control_command commands[] = {
	{"status", handle_status}, {"kill", handle_kill},
	{"reload", handle_reload}, {"listeners", handle_listeners},
	{"leave", handle_leave},   {NULL, NULL},
};

/* launchd tells its label, which `lowport install` made; a person's name for it
 * is the best one. */
static const char *choose_name(char *buf, size_t size)
{
	static const char ours[] = "lowport.";
	const char *label = getenv("XPC_SERVICE_NAME");

	if (label && strncmp(label, ours, strlen(ours)) == 0 &&
	    !strchr(label, '/'))
		snprintf(buf, size, "%s", label + strlen(ours));
	else
		snprintf(buf, size, "%ld", (long)getpid());
	return buf;
}

static int find_place(char **path, const char *asked, struct fault *why)
{
	char name[256];

	if (asked && asked[0] == '/') {
		*path = strdup(asked);
		return *path ? 0 : fault_set(why, -ENOMEM, "out of memory");
	}
	return runtime_path(
		path, asked ? asked : choose_name(name, sizeof(name)), why);
}

static bool is_none(const struct config *c)
{
	return c->status && strcmp(c->status, "none") == 0;
}

size_t desk_descriptors(const struct config *c)
{
	return is_none(c) ? 0 : CONTROL_DESCRIPTORS;
}

void desk_open(struct desk *d, uv_loop_t *loop, const struct config *c,
	       const struct snapshot_source *source, struct relay *relay,
	       const struct desk_actions *actions)
{
	struct fault why, said;
	char *path = NULL;
	int err;

	*d = (struct desk){
		.source = *source, .relay = relay, .actions = *actions};
	if (is_none(c))
		return;
	err = find_place(&path, c->status, &why);
	if (err == 0)
		err = control_open(&d->control, loop, path, commands, d, &why);
	free(path);
	if (err == 0)
		return;
	fault_set(&said, 0,
		  "there is no status socket: %s (--status says where it is, "
		  "or none)",
		  why.text);
	logger_put(LEVEL_WARN, said.text);
}

void desk_close(struct desk *d)
{
	control_close(d->control);
	d->control = NULL;
}

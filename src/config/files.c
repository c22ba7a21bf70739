#include "config/files.h"

#include "config/ini.h"
#include "os/file.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_MOST = 40 };

enum section { NO_SECTION, SECTION_PROCESS, SECTION_RELAY, SECTION_UNKNOWN };

/* A key of a section, or, where key is NULL, the beginning of one. */
struct entry {
	enum section section;
	struct position place;
	char *key, *value; /* of a beginning, value is the relay's name */
};

struct files {
	struct entry *entries;
	size_t count;
	/* While a file is read. */
	struct reader *reader;
	const char *path;
	enum section section;
};

static void add(struct files *f, unsigned line, const char *key,
		const char *value)
{
	struct entry *more =
		realloc(f->entries, (f->count + 1) * sizeof(*more));
	struct entry e = {
		.section = f->section,
		.place = {.file = f->path, .line = line},
		.key = key ? strdup(key) : NULL,
		.value = strdup(value),
	};

	if (more)
		f->entries = more;
	if (!more || !e.value || (key && !e.key)) {
		reader_complain_at(f->reader, &e.place, "out of memory");
		free(e.key);
		free(e.value);
		return;
	}
	f->entries[f->count++] = e;
}

/* Behind "relay", blanks apart; NULL if it is none. */
static const char *relay_name(const char *section)
{
	static const char word[] = "relay";
	size_t length = strlen(word);

	if (strncmp(section, word, length) != 0 ||
	    (section[length] != ' ' && section[length] != '\t' &&
	     section[length] != '\0'))
		return NULL;
	return section + length + strspn(section + length, " \t");
}

static bool is_good_name(const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789._-";

	return name[0] != '\0' && strlen(name) <= NAME_MOST &&
	       name[strspn(name, letters)] == '\0';
}

static void on_section(void *data, unsigned line, const char *section)
{
	struct files *f = data;
	const struct position place = {.file = f->path, .line = line};
	const char *name = relay_name(section);
	struct fault why;

	f->section = SECTION_UNKNOWN;
	if (strcmp(section, "lowport") == 0) {
		f->section = SECTION_PROCESS;
		return;
	}
	if (!name) {
		fault_set(&why, 0,
			  "[%s]: there is no such section (try [relay NAME], "
			  "or [lowport] for what holds for all)",
			  section);
		reader_complain_at(f->reader, &place, why.text);
		return;
	}
	if (!is_good_name(name)) {
		fault_set(&why, 0,
			  "[%s]: a relay wants a name of letters, digits, "
			  "\".\", \"_\" and \"-\", at most %d of them (try "
			  "[relay web])",
			  section, NAME_MOST);
		reader_complain_at(f->reader, &place, why.text);
		return;
	}
	f->section = SECTION_RELAY;
	add(f, line, NULL, name);
}

static void on_key(void *data, unsigned line, const char *key,
		   const char *value)
{
	struct files *f = data;
	const struct position place = {.file = f->path, .line = line};

	if (f->section == NO_SECTION)
		reader_complain_at(
			f->reader, &place,
			"stands before any section (begin with [relay "
			"NAME] or [lowport])");
	/* What is in an unknown section cannot be judged. */
	if (f->section == SECTION_PROCESS || f->section == SECTION_RELAY)
		add(f, line, key, value);
}

static void on_mistake(void *data, unsigned line, const char *text)
{
	struct files *f = data;
	const struct position place = {.file = f->path, .line = line};

	reader_complain_at(f->reader, &place, text);
}

static const char *explain(int err)
{
	switch (err) {
	case -EFBIG:
		return "is larger than 1 MiB: is it the right file?";
	case -ETIMEDOUT:
		return "is a pipe, and did not come to its end in time: is it "
		       "the right file?";
	default:
		return strerror(-err);
	}
}

static void read_one(struct files *f, const char *path)
{
	const struct ini_events events = {on_section, on_key, on_mistake, f};
	char *text;
	size_t length;
	int err = file_read(path, &text, &length);

	f->path = config_add_name(&f->reader->config->files, path);
	f->section = NO_SECTION;
	if (err == 0 && f->path)
		ini_read(text, length, &events);
	else
		reader_complain(f->reader, path,
				explain(err < 0 ? err : -ENOMEM));
	if (err == 0)
		free(text);
}

static int is_conf(const struct dirent *entry)
{
	const char *tail = strrchr(entry->d_name, '.');

	return entry->d_name[0] != '.' && tail && strcmp(tail, ".conf") == 0;
}

static void read_folder(struct files *f, const char *path)
{
	struct dirent **found;
	int count = scandir(path, &found, is_conf, alphasort);
	size_t length = strlen(path);

	while (length > 1 && path[length - 1] == '/')
		length--;
	for (int i = 0; i < count; i++) {
		char *one;

		if (asprintf(&one, "%.*s/%s", (int)length, path,
			     found[i]->d_name) >= 0) {
			read_one(f, one);
			free(one);
		} else {
			reader_complain(f->reader, found[i]->d_name,
					"out of memory");
		}
		free(found[i]);
	}
	if (count == 0)
		reader_complain(f->reader, path,
				"there is no *.conf in this folder");
	if (count < 0)
		reader_complain(f->reader, path, strerror(errno));
	else
		free(found);
}

void files_read(struct files **files, struct reader *r, const char *path)
{
	struct files *f = *files;
	DIR *folder;

	if (!f)
		f = *files = calloc(1, sizeof(*f));
	if (!f) {
		reader_complain(r, path, "out of memory");
		return;
	}
	f->reader = r;
	folder = opendir(path);
	if (folder) {
		closedir(folder);
		read_folder(f, path);
	} else {
		read_one(f, path);
	}
}

static void complain_unknown(struct reader *r, const struct entry *e)
{
	const struct option *near = option_suggest(e->key);
	struct fault why;

	if (near)
		fault_set(&why, 0, "there is no such key (did you mean %s?)",
			  near->name);
	else
		fault_set(&why, 0,
			  "there is no such key (man lowport.conf lists them)");
	reader_complain_of(r, &e->place, e->key, why.text);
	if (near)
		reader_trouble(r, near->name);
}

static void take(struct reader *r, const struct entry *e)
{
	const struct option *o = option_find(e->key);
	bool relay = e->section == SECTION_RELAY;
	const char *wrong = NULL;

	if (!o) {
		complain_unknown(r, e);
		return;
	}
	if (o->scope == OPTION_ONCE)
		wrong = "is for the command line alone";
	else if (o->scope == OPTION_PROCESS && relay)
		wrong = "is not of one relay (put it into [lowport])";
	else if (o->scope == OPTION_GROUP && !relay)
		wrong = "is of one relay (put it into a [relay NAME])";
	if (wrong)
		reader_complain_of(r, &e->place, e->key, wrong);
	else
		reader_take(r, o, e->value, &e->place);
}

void files_take_process(struct files *f, struct reader *r)
{
	for (size_t i = 0; f && i < f->count; i++)
		if (f->entries[i].section == SECTION_PROCESS)
			take(r, &f->entries[i]);
}

void files_take_relays(struct files *f, struct reader *r)
{
	bool skip = false;

	for (size_t i = 0; f && i < f->count; i++) {
		const struct entry *e = &f->entries[i];
		struct fault why;

		if (e->section != SECTION_RELAY)
			continue;
		if (e->key) {
			if (!skip)
				take(r, e);
			continue;
		}
		skip = config_begin_section(r->config, e->value, &e->place,
					    &why) < 0;
		if (skip)
			reader_complain_of(r, &e->place, e->value, why.text);
	}
	config_end_section(r->config);
}

void files_free(struct files *f)
{
	for (size_t i = 0; f && i < f->count; i++) {
		free(f->entries[i].key);
		free(f->entries[i].value);
	}
	if (f)
		free(f->entries);
	free(f);
}

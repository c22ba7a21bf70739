#include "fuzz.h"

#include "base/words.h"
#include "config/pf.h"
#include "config/pf_write.h"
#include "config_rig.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What a pf.conf becomes is a configuration that lowport takes, and lines that
 * `lowport install` takes; and nothing in it steers a terminal or writes a line
 * of its own. Behind a zero comes the file that it may include. */

static const char *included;
static size_t included_size;

static int open_included(const char *path, char **text, size_t *length)
{
	(void)path;
	if (!included)
		return -ENOENT;
	*text = fuzz_text((const uint8_t *)included, included_size);
	*length = included_size;
	return 0;
}

static size_t count_needed(const struct pf *p)
{
	size_t count = 0;

	for (size_t i = 0; i < p->relay_count; i++)
		count += pf_relay_is_needed(&p->relays[i]);
	return count;
}

static void must_be_a_configuration(const struct pf *p)
{
	static char option[] = "-c", path[] = "lowport-fuzz.conf";
	static char *const arguments[] = {option, path, NULL};
	size_t size, needed = count_needed(p), mistakes;
	struct config c;
	char *text;
	FILE *f = open_memstream(&text, &size);

	MUST(f);
	pf_write_config(p, "pf.conf", f);
	fclose(f);
	MUST_OF(fuzz_is_plain(text, "\n"), text);
	config_rig_file(text, size);
	mistakes = config_rig_read(&c, 2, arguments);
	if (needed > 0)
		MUST_OF(mistakes == 0, config_rig_last());
	MUST(c.group_count == needed);
	config_free(&c);
	free(text);
}

static void must_be_an_install_line(char *line)
{
	struct config c;
	struct fault why;
	char **words;
	int count = 0;

	MUST_OF(words_split(line, &words, &why) == 0, line);
	while (words[count])
		count++;
	MUST_OF(count > 2 && strcmp(words[0], "lowport") == 0, line);
	MUST_OF(strcmp(words[1], "install") == 0, line);
	MUST_OF(config_rig_read(&c, count - 2, words + 2) == 0,
		config_rig_last());
	MUST_OF(c.group_count == 1, line);
	config_free(&c);
	words_free(words);
}

static void must_install(const struct pf *p)
{
	size_t size, lines = 0;
	char *text, *line, *rest;
	FILE *f = open_memstream(&text, &size);

	MUST(f);
	pf_write_install(p, f);
	fclose(f);
	for (line = strtok_r(text, "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest), lines++)
		must_be_an_install_line(line);
	MUST(lines == count_needed(p));
	free(text);
}

static void must_be_plain(const struct pf *p)
{
	for (size_t i = 0; i < p->message_count; i++)
		MUST_OF(fuzz_is_plain(p->messages[i].text, ""),
			p->messages[i].text);
	MUST(p->message_count <= PF_MESSAGES_MOST + PF_MISTAKES_MOST);
	MUST(p->message_count > 0 || p->mistakes + p->left_out == 0);
	MUST(p->listeners <= PF_LISTENERS_MOST);
	MUST(p->files <= PF_FILES_MOST);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *bytes = (char *)fuzz_copy(data, size);
	const char *zero = memchr(bytes, '\0', size);
	size_t length = zero ? (size_t)(zero - bytes) : size;
	struct pf p = {.open = open_included};

	included = zero ? zero + 1 : NULL;
	included_size = zero ? size - length - 1 : 0;
	MUST(pf_read(&p, "pf.conf", bytes, length) == 0);
	MUST(!p.no_memory);
	must_be_plain(&p);
	must_be_a_configuration(&p);
	must_install(&p);
	pf_free(&p);
	free(bytes);
	return 0;
}

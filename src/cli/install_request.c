#include "cli/install_request.h"

#include "base/text.h"
#include "cli/cli.h"
#include "cli/flags.h"
#include "cli/install_file.h"
#include "service/manager.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The value of --NAME VALUE or --NAME=VALUE at argv[*i], moving *i to it; NULL
 * if that is another option. */
static const char *value_of(const char *name, int argc, char *const argv[],
			    int *i)
{
	size_t length = strlen(name);
	const char *word = argv[*i];

	if (strncmp(word, name, length) != 0)
		return NULL;
	if (word[length] == '=')
		return word + length + 1;
	if (word[length] != '\0')
		return NULL;
	if (*i + 1 < argc)
		return argv[++*i];
	return "";
}

/* --lable is no option of run that is missing, but --label misspelt. */
static bool is_misspelt(const char *word)
{
	const char *meant = flags_resembling("install", word);
	struct fault why;

	if (!meant)
		return false;
	fault_set(&why, 0, "%s: no such option (did you mean --%s?)", word,
		  meant);
	complain(why.text);
	return true;
}

int install_request_read(struct install_request *r, int argc,
			 char *const argv[])
{
	int mistakes = 0, rest = 0;
	bool dropped = false;
	char text[80];

	for (int i = 0; i < argc; i++) {
		const char *value;

		if ((value = value_of("--label", argc, argv, &i)))
			r->label = value;
		else if ((value = value_of("--reload", argc, argv, &i)))
			r->reload = value;
		else if (strcmp(argv[i], "--print") == 0)
			r->print = true;
		else if (strcmp(argv[i], "--daemon") == 0)
			r->daemon = true;
		else if (is_misspelt(argv[i]))
			mistakes++;
		else if (rest < AGENT_ARGUMENTS_MAX)
			r->rest[rest++] = argv[i];
		else
			dropped = true;
	}
	if (dropped) {
		complain("more arguments than fit");
		mistakes++;
	}
	if (r->label && r->label[0] == '\0') {
		complain("--label: wants a name (try --label wg-web)");
		mistakes++;
	}
	if (r->reload && r->reload[0] == '\0') {
		snprintf(text, sizeof(text),
			 "--reload: wants the label of an installed %s",
			 manager_here->thing);
		complain(text);
		mistakes++;
	}
	if (r->reload && (rest > 0 || r->print || r->daemon || r->label)) {
		complain("--reload stands alone: it loads what is installed; "
			 "to change it, install it again");
		mistakes++;
	}
	if (install_file_is_taking(rest, r->rest)) {
		complain("--take: install sees to that (give it -c FILE, or "
			 "--listen and --to)");
		mistakes++;
	}
	r->argc = rest;
	r->argv = r->rest;
	r->has_file = install_file_is_named(rest, r->rest);
	return mistakes;
}

const char *install_request_listener(const struct install_request *r, int *i)
{
	return value_of("--listen", r->argc, r->argv, i);
}

/* A label from what is listened on: 127.0.0.1:80 is 127.0.0.1-80. */
static void make_label(const char *listener, char *buf, size_t size)
{
	size_t n = 0;

	if (listener[0] == '*')
		n = (size_t)snprintf(buf, size, "all");
	for (; *listener != '\0' && n + 1 < size; listener++) {
		bool plain = isalnum((unsigned char)*listener) ||
			     *listener == '.' || *listener == '_';

		if (plain)
			buf[n++] = *listener;
		else if (n > 0 && buf[n - 1] != '-')
			buf[n++] = '-';
	}
	buf[n] = '\0';
}

static const char *first_listener(const struct install_request *r)
{
	for (int i = 0; i < r->argc; i++) {
		const char *value = install_request_listener(r, &i);

		if (value)
			return value;
	}
	return "lowport";
}

const char *install_request_label(const struct install_request *r, char *buf,
				  size_t size)
{
	if (r->label)
		return r->label;
	if (r->has_file)
		install_file_label(r->argc, r->argv, buf, size);
	else
		make_label(first_listener(r), buf, size);
	return buf;
}

static bool has_option(const struct install_request *r, const char *name)
{
	for (int i = 0; i < r->argc; i++)
		if (value_of(name, r->argc, r->argv, &i))
			return true;
	return false;
}

bool install_request_lacks_backend(const struct install_request *r)
{
	return !r->has_file && has_option(r, "--listen") &&
	       first_listener(r)[0] != '\0' && !has_option(r, "--to") &&
	       !has_option(r, "--exec");
}

static void put_word(FILE *to, const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "-_./:@=,+%";

	fputc(' ', to);
	if (word[0] != '\0' && word[strspn(word, plain)] == '\0') {
		fputs(word, to);
		return;
	}
	fputc('\'', to);
	for (; *word != '\0'; word++)
		if (*word == '\'')
			fputs("'\\''", to);
		else
			fputc(*word, to);
	fputc('\'', to);
}

char *install_request_print(const struct install_request *r,
			    const char *program)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	if (!to)
		return NULL;
	put_word(to, program);
	fputs(" install", to);
	for (int i = 0; i < r->argc; i++)
		put_word(to, r->argv[i]);
	if (r->label) {
		fputs(" --label", to);
		put_word(to, r->label);
	}
	text = text_of_stream(to, &text);
	if (text)
		memmove(text, text + 1, strlen(text));
	return text;
}

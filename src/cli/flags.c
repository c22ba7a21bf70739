#include "cli/flags.h"

#include "base/fault.h"
#include "base/spelling.h"
#include "cli/brief.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static const struct usage usages[] = {
	{"run", true, NULL, {{0}}},
	{"install",
	 true,
	 NULL,
	 {{"label", "NAME", "what to call it", false},
	  {"print", NULL, "print the property list only", false},
	  {"daemon", NULL, "print that of a LaunchDaemon", false},
	  {"reload", "LABEL", "load an installed one anew", false}}},
	{"check", true, NULL, {{0}}},
	{"status",
	 false,
	 NULL,
	 {{"socket", "PATH", "only the lowport that answers there", false},
	  {"connections", NULL, "every open connection, with its id", false},
	  {"watch", NULL, "again and again", false},
	  {"json", NULL, "for programs", false}}},
	{"reload",
	 false,
	 NULL,
	 {{"socket", "PATH", "of the lowport that answers there", false}}},
	{"kill",
	 false,
	 "ID",
	 {{"socket", "PATH", "of the lowport that answers there", false}}},
	{"convert-pf",
	 false,
	 "FILE",
	 {{"install", NULL, "only the lines for lowport install", false}}},
	{"uninstall", false, "LABEL", {{0}}},
	{"doctor",
	 false,
	 "LABEL",
	 {{"listen", "SPEC", "look before installing", true},
	  {"to", "BACKEND", "at this backend", true}}},
	{"completions", false, "bash|zsh|fish", {{0}}},
};

const struct usage *usage_of(const struct command *c)
{
	static const struct usage unknown;

	for (size_t i = 0; i < sizeof(usages) / sizeof(usages[0]); i++)
		if (strcmp(usages[i].command, c->name) == 0)
			return &usages[i];
	return &unknown;
}

size_t usage_flags(const struct usage *u, struct flag flags[FLAGS_MOST],
		   char briefs[FLAGS_MOST][BRIEF_TEXT])
{
	size_t n = 0;

	for (size_t i = 0; i < FLAGS_OWN_MOST && u->own[i].name; i++)
		flags[n++] = u->own[i];
	for (const struct option *o = options;
	     u->takes_options && o->name && n + 1 < FLAGS_MOST; o++) {
		brief_option(o, briefs[n], BRIEF_TEXT);
		flags[n] = (struct flag){o->name, o->argument, briefs[n],
					 o->repeatable};
		n++;
	}
	flags[n++] = (struct flag){"help", NULL, "what it takes", false};
	return n;
}

static const struct usage *usage_called(const char *command)
{
	const struct command c = {.name = command};

	return usage_of(&c);
}

const char *flags_resembling(const char *command, const char *word)
{
	const struct usage *u = usage_called(command);
	char name[64];

	if (strncmp(word, "--", 2) != 0)
		return NULL;
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(word + 2, "="),
		 word + 2);
	if (u->takes_options && option_find(name))
		return NULL;
	for (size_t i = 0; i < FLAGS_OWN_MOST && u->own[i].name; i++)
		if (spelling_resembles(name, u->own[i].name))
			return u->own[i].name;
	return NULL;
}

void flags_complain(const char *command, const char *word)
{
	const char *meant = flags_resembling(command, word);
	struct fault why;

	fault_set(&why, 0, "%s: \"%s\" is not understood (%s%s%s", command,
		  word, meant ? "did you mean --" : "lowport ",
		  meant ? meant : command,
		  meant ? "?)" : " --help lists what is)");
	complain(why.text);
}

/* Of off|v1|v2 all, of CIDR|unix the last: what is no placeholder. */
static bool pick_words(const char *argument, char words[BRIEF_TEXT])
{
	size_t used = 0;

	words[0] = '\0';
	while (*argument != '\0') {
		size_t length = strcspn(argument, "|");
		bool upper = false;

		for (size_t i = 0; i < length; i++)
			upper = upper || isupper((unsigned char)argument[i]);
		if (!upper && !memchr(argument, '/', length) &&
		    used + length + 2 < BRIEF_TEXT)
			used += (size_t)snprintf(words + used,
						 BRIEF_TEXT - used, "%s%.*s",
						 used > 0 ? " " : "",
						 (int)length, argument);
		argument += length + (argument[length] == '|');
	}
	return used > 0;
}

enum value value_of_argument(const char *argument, char words[BRIEF_TEXT])
{
	static const struct {
		const char *argument;
		enum value value;
	} known[] = {
		{"SPEC", VALUE_SPEC},       {"BACKEND", VALUE_BACKEND},
		{"COMMAND", VALUE_COMMAND}, {"FILE", VALUE_FILE},
		{"PATH", VALUE_FILE},       {"LABEL", VALUE_LABEL},
	};

	if (!argument)
		return VALUE_NONE;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(argument, known[i].argument) == 0)
			return known[i].value;
	if (strcmp(argument, "LEVEL") == 0)
		argument = "error|warn|info|debug";
	if (strcmp(argument, "SOURCE") == 0)
		argument = "systemd|systemd:NAME|launchd:NAME|fd:N";
	return pick_words(argument, words) ? VALUE_WORDS : VALUE_FREE;
}

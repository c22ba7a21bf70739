#include "cli/completions.h"

#include "cli/flags.h"

#include <stdio.h>
#include <string.h>

static void print_quoted(const char *text)
{
	putchar('\'');
	for (; *text != '\0'; text++) {
		if (*text == '\'' || *text == '\\')
			putchar('\\');
		putchar(*text);
	}
	putchar('\'');
}

/* What the value of an option may be, and whether it may be a file. */
static void print_value(const char *argument)
{
	static const char *const lists[] = {
		[VALUE_SPEC] =
			"(string split \" \" \"" SPEC_WORDS
			"\"; lowport completions interfaces 2>/dev/null)",
		[VALUE_BACKEND] = BACKEND_WORDS,
		[VALUE_COMMAND] = "(__fish_complete_command)",
		[VALUE_LABEL] = "(lowport completions labels 2>/dev/null)",
	};
	char words[BRIEF_TEXT];
	enum value value = value_of_argument(argument, words);

	if (value == VALUE_FILE)
		fputs(" -F", stdout);
	else
		fputs(" -f", stdout);
	if (value == VALUE_FREE || value == VALUE_FILE)
		return;
	fputs(" -a ", stdout);
	print_quoted(value == VALUE_WORDS ? words : lists[value]);
}

static void print_command(const struct command *c)
{
	struct flag flags[FLAGS_MOST];
	char briefs[FLAGS_MOST][BRIEF_TEXT];
	const struct usage *u = usage_of(c);
	size_t n = usage_flags(u, flags, briefs);

	printf("\ncomplete -c lowport -n __fish_use_subcommand -a %s -d ",
	       c->name);
	print_quoted(c->help);
	putchar('\n');
	for (size_t i = 0; i < n; i++) {
		printf("complete -c lowport -n '__fish_seen_subcommand_from "
		       "%s' -l %s",
		       c->name, flags[i].name);
		if (flags[i].argument) {
			fputs(" -r", stdout);
			print_value(flags[i].argument);
		}
		fputs(" -d ", stdout);
		print_quoted(flags[i].help);
		putchar('\n');
	}
	if (u->operand) {
		printf("complete -c lowport -n '__fish_seen_subcommand_from "
		       "%s'",
		       c->name);
		print_value(u->operand);
		putchar('\n');
	}
}

void completions_fish(void)
{
	puts("# fish completion for lowport, made by `lowport completions "
	     "fish`.\n\n"
	     "complete -c lowport -f\n"
	     "complete -c lowport -n __fish_use_subcommand -l help -d 'what "
	     "it takes'\n"
	     "complete -c lowport -n __fish_use_subcommand -l version -d 'the "
	     "version of lowport and of libuv'");
	for (const struct command *c = commands; c->name; c++)
		if (c->help)
			print_command(c);
}

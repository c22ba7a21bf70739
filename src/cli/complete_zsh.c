#include "cli/completions.h"

#include "cli/flags.h"

#include <stdio.h>
#include <string.h>

static const char head[] =
	"#compdef lowport\n"
	"# zsh completion for lowport, made by `lowport completions zsh`.\n"
	"\n"
	"_lowport_words() {\n"
	"\tlocal -a whole begun\n"
	"\twhole=(${@:#*[:/]})\n"
	"\tbegun=(${(M)@:#*[:/]})\n"
	"\tcompadd -a whole\n"
	"\tcompadd -S '' -a begun\n"
	"}\n"
	"\n"
	"_lowport_spec() {\n"
	"\tif compset -P unix:; then\n"
	"\t\t_files\n"
	"\telse\n"
	"\t\t_lowport_words " SPEC_WORDS " \\\n"
	"\t\t\t${(f)\"$(_call_program interfaces \\\n"
	"\t\t\t\tlowport completions interfaces)\"}\n"
	"\tfi\n"
	"}\n"
	"\n"
	"_lowport_backend() {\n"
	"\tif [[ $PREFIX == unix:/* ]] && compset -P unix:; then\n"
	"\t\t_files\n"
	"\telse\n"
	"\t\t_lowport_words " BACKEND_WORDS "\n"
	"\tfi\n"
	"}\n"
	"\n"
	"_lowport_label() {\n"
	"\tcompadd -- ${(f)\"$(_call_program labels \\\n"
	"\t\tlowport completions labels)\"}\n"
	"}\n"
	"\n"
	"_lowport() {\n"
	"\tlocal curcontext=$curcontext state line\n"
	"\tlocal -a commands\n"
	"\ttypeset -A opt_args\n"
	"\t_arguments -C \\\n"
	"\t\t'(- *)'{-h,--help}'[what it takes]' \\\n"
	"\t\t'(- *)'{-V,--version}'[the version of lowport and of libuv]' "
	"\\\n"
	"\t\t'1:command:->command' '*::argument:->arguments'\n"
	"\tcase $state in\n"
	"\tcommand)\n"
	"\t\tcommands=(\n";

/* For a word in quotes, whose : and ] would end a description. */
static void print_quoted(const char *text)
{
	for (; *text != '\0'; text++) {
		if (strchr(":[]\\", *text))
			putchar('\\');
		if (*text == '\'')
			fputs("'\\'", stdout);
		putchar(*text);
	}
}

/* :MESSAGE:ACTION, which says what stands for an argument. */
static void print_value(const char *argument)
{
	static const char *const actions[] = {
		[VALUE_SPEC] = "_lowport_spec",
		[VALUE_BACKEND] = "_lowport_backend",
		[VALUE_COMMAND] = "_command_names -e",
		[VALUE_FILE] = "_files",
		[VALUE_LABEL] = "_lowport_label",
	};
	char words[BRIEF_TEXT];
	enum value value = value_of_argument(argument, words);

	putchar(':');
	print_quoted(argument);
	if (value == VALUE_WORDS)
		printf(":(%s)", words);
	else
		printf(":%s", value == VALUE_FREE ? " " : actions[value]);
}

static void print_command(const struct command *c)
{
	struct flag flags[FLAGS_MOST];
	char briefs[FLAGS_MOST][BRIEF_TEXT];
	const struct usage *u = usage_of(c);
	size_t n = usage_flags(u, flags, briefs);

	printf("\t\t%s)\n\t\t\t_arguments", c->name);
	for (size_t i = 0; i < n; i++) {
		printf(" \\\n\t\t\t\t'%s--%s%s[",
		       flags[i].repeatable ? "*" : "", flags[i].name,
		       flags[i].argument ? "=" : "");
		print_quoted(flags[i].help);
		putchar(']');
		if (flags[i].argument)
			print_value(flags[i].argument);
		putchar('\'');
	}
	if (u->operand) {
		fputs(" \\\n\t\t\t\t'1", stdout);
		print_value(u->operand);
		putchar('\'');
	}
	puts("\n\t\t\t;;");
}

void completions_zsh(void)
{
	fputs(head, stdout);
	for (const struct command *c = commands; c->name; c++) {
		if (!c->help)
			continue;
		printf("\t\t\t'%s:", c->name);
		print_quoted(c->help);
		puts("'");
	}
	puts("\t\t)\n\t\t_describe command commands\n\t\t;;\n\targuments)\n"
	     "\t\tcurcontext=${curcontext%:*:*}:lowport-$words[1]:\n"
	     "\t\tcase $words[1] in");
	for (const struct command *c = commands; c->name; c++)
		if (c->help)
			print_command(c);
	puts("\t\tesac\n\t\t;;\n\tesac\n}\n\n"
	     "if [[ $funcstack[1] == _lowport ]]; then\n"
	     "\t_lowport \"$@\"\n"
	     "else\n"
	     "\tcompdef _lowport lowport\n"
	     "fi");
}

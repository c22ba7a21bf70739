#include "cli/completions.h"

#include "cli/flags.h"

#include <stdio.h>
#include <string.h>

/* Readline breaks words at : and =, so the words are taken from the line, and
 * of what is offered it gets what stands behind the last break. This runs in
 * the bash 3.2 of macOS too. */
static const char head[] =
	"# bash completion for lowport, made by `lowport completions bash`.\n"
	"\n"
	"_lowport_reply()\n"
	"{\n"
	"\tlocal cur=$1 word broken\n"
	"\tlocal -a list\n"
	"\tread -r -d '' -a list <<<\"$2\"\n"
	"\tfor word in \"${list[@]}\"; do\n"
	"\t\tcase $word in \"$cur\"*) COMPREPLY+=(\"$word\") ;; esac\n"
	"\tdone\n"
	"\tcase ${#COMPREPLY[@]}:${COMPREPLY[0]} in\n"
	"\t1:*[:/]) compopt -o nospace 2>/dev/null ;;\n"
	"\tesac\n"
	"\tbroken=${cur%\"${cur##*:}\"}\n"
	"\tcase $COMP_WORDBREAKS:${#COMPREPLY[@]} in\n"
	"\t*:*:0) ;;\n"
	"\t*:*:*) COMPREPLY=(\"${COMPREPLY[@]#\"$broken\"}\") ;;\n"
	"\tesac\n"
	"}\n"
	"\n"
	"_lowport_files()\n"
	"{\n"
	"\tlocal file\n"
	"\twhile IFS= read -r file; do\n"
	"\t\tCOMPREPLY+=(\"$file\")\n"
	"\tdone < <(compgen -f -- \"$1\")\n"
	"\tcompopt -o filenames 2>/dev/null\n"
	"}\n"
	"\n"
	"_lowport_value()\n"
	"{\n"
	"\tcase $1:$2 in\n"
	"\tspec:unix:/* | backend:unix:/*) _lowport_files \"${2#unix:}\" ;;\n"
	"\tspec:*) _lowport_reply \"$2\" \"" SPEC_WORDS "\n"
	"$(lowport completions interfaces 2>/dev/null)\" ;;\n"
	"\tbackend:*) _lowport_reply \"$2\" '" BACKEND_WORDS "' ;;\n"
	"\tlabel:*) _lowport_reply \"$2\" \\\n"
	"\t\t\"$(lowport completions labels 2>/dev/null)\" ;;\n"
	"\tcommand:*) _lowport_reply \"$2\" \"$(compgen -c -- \"$2\")\" ;;\n"
	"\tfile:*) _lowport_files \"$2\" ;;\n"
	"\tesac\n"
	"}\n"
	"\n"
	"_lowport()\n"
	"{\n"
	"\tlocal line=${COMP_LINE:0:COMP_POINT} cur last flags operand\n"
	"\tlocal -a words\n"
	"\tCOMPREPLY=()\n"
	"\tread -r -a words <<<\"$line\"\n"
	"\tcase $line in *[[:space:]]) words+=('') ;; esac\n"
	"\tcur=${words[${#words[@]} - 1]}\n"
	"\tlast=${words[${#words[@]} - 2]}\n"
	"\tcase $cur in --*=*) last=${cur%%=*} cur=${cur#*=} ;; esac\n"
	"\tif [ ${#words[@]} -le 2 ]; then\n";

static const char tail[] =
	"\tesac\n"
	"\tcase $cur in\n"
	"\t-*) _lowport_reply \"$cur\" \"$flags\" ;;\n"
	"\t*) _lowport_reply \"$cur\" \"${operand-$flags}\" ;;\n"
	"\tesac\n"
	"}\n"
	"\n"
	"complete -F _lowport lowport\n";

static void print_value(const char *argument)
{
	static const char *const kinds[] = {
		[VALUE_SPEC] = "spec",       [VALUE_BACKEND] = "backend",
		[VALUE_COMMAND] = "command", [VALUE_FILE] = "file",
		[VALUE_LABEL] = "label",
	};
	char words[BRIEF_TEXT];
	enum value value = value_of_argument(argument, words);

	if (value == VALUE_WORDS)
		printf("_lowport_reply \"$cur\" '%s'", words);
	else if (value == VALUE_FREE)
		putchar(':');
	else
		printf("_lowport_value %s \"$cur\"", kinds[value]);
}

static void print_command(const struct command *c)
{
	struct flag flags[FLAGS_MOST];
	char briefs[FLAGS_MOST][BRIEF_TEXT];
	const struct usage *u = usage_of(c);
	size_t n = usage_flags(u, flags, briefs);

	printf("\t%s)\n\t\tflags='", c->name);
	for (size_t i = 0; i < n; i++)
		printf("%s--%s", i > 0 ? "\n\t\t\t" : "", flags[i].name);
	puts("'\n\t\tcase $last in");
	for (size_t i = 0; i < n; i++) {
		if (!flags[i].argument)
			continue;
		printf("\t\t--%s) ", flags[i].name);
		print_value(flags[i].argument);
		puts("; return ;;");
	}
	puts("\t\tesac");
	if (u->operand) {
		printf("\t\tcase $cur in\n\t\t-*) ;;\n\t\t*) ");
		print_value(u->operand);
		puts("; return ;;\n\t\tesac");
	}
	puts("\t\t;;");
}

void completions_bash(void)
{
	fputs(head, stdout);
	fputs("\t\t_lowport_reply \"$cur\" '", stdout);
	for (const struct command *c = commands; c->name; c++)
		if (c->help)
			printf("%s ", c->name);
	puts("--help --version'\n\t\treturn\n\tfi\n\tcase ${words[1]} in");
	for (const struct command *c = commands; c->name; c++)
		if (c->help)
			print_command(c);
	fputs(tail, stdout);
}

#include "cli/cli.h"

#include "config/options.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/*
 * The part of the manual pages that lists the options, in mdoc: of lowport(1)
 * the ones of the command line, of lowport.conf(5) the same as keys.
 */

enum { LINE_MOST = 76 };

struct page {
	bool keys;
	size_t column; /* where the line in progress ends */
};

static void end_line(struct page *p)
{
	if (p->column > 0)
		putchar('\n');
	p->column = 0;
}

/* An option in a sentence is marked up, on a line of its own. */
static void put_option(struct page *p, const char *word, size_t length)
{
	size_t name = strspn(word, "abcdefghijklmnopqrstuvwxyz-");

	end_line(p);
	if (p->keys)
		printf(".Ic %.*s", (int)name - 2, word + 2);
	else
		printf(".Fl %.*s", (int)name - 1, word + 1);
	if (word[name] == '=')
		printf(" Ns = Ns Ar %.*s", (int)(length - name) - 1,
		       word + name + 1);
	for (size_t i = name; i < length && word[name] != '='; i++)
		printf(" %c", word[i]);
	putchar('\n');
}

static void put_word(struct page *p, const char *word, size_t length)
{
	if (p->column + 1 + length > LINE_MOST)
		end_line(p);
	if (p->column > 0)
		putchar(' ');
	printf("%.*s", (int)length, word);
	p->column += length + 1;
	/* mdoc wants each sentence on a line of its own. */
	if (word[length - 1] == '.')
		end_line(p);
}

static void put_text(struct page *p, const char *text)
{
	char word[64];
	bool first = true;

	while (*text != '\0') {
		size_t length = strcspn(text, " ");
		bool last = text[length] == '\0';
		const char *stop = last && text[length - 1] != '.' ? "." : "";

		snprintf(word, sizeof(word), "%.*s%s", (int)length, text, stop);
		if (first)
			word[0] = (char)toupper((unsigned char)word[0]);
		first = false;
		if (strncmp(word, "--", 2) == 0)
			put_option(p, word, strlen(word));
		else
			put_word(p, word, strlen(word));
		text += length + !last;
	}
	end_line(p);
}

/* off|v1|v2 is typed as it stands, CIDR stands for something. */
static void put_argument(const char *argument)
{
	while (*argument != '\0') {
		size_t length = strcspn(argument, "|");
		bool upper = false;

		for (size_t i = 0; i < length; i++)
			upper = upper || isupper((unsigned char)argument[i]);
		printf(" %s %.*s", upper ? "Ar" : "Cm", (int)length, argument);
		argument += length;
		if (*argument == '|') {
			fputs(" |", stdout);
			argument++;
		}
	}
	putchar('\n');
}

static void put_row(struct page *p, const struct option *o)
{
	printf(p->keys ? ".It Ic %s No =" : ".It Fl -%s", o->name);
	put_argument(o->argument ? o->argument : "");
	put_text(p, o->help);
	if (o->fallback)
		printf("Default:\n.Cm %s .\n", o->fallback);
	if (p->keys && o->scope == OPTION_PROCESS)
		puts("Of the process: only in\n.Li [lowport] .");
	if (p->keys && o->scope == OPTION_GROUP)
		puts("Only in a relay.");
}

int cmd_manual(int argc, char *const argv[])
{
	struct page page = {
		.keys = argc == 1 && strcmp(argv[0], "keys") == 0,
	};

	if (!page.keys && (argc != 1 || strcmp(argv[0], "options") != 0)) {
		complain("manual wants to know which: options, or keys");
		return EXIT_USAGE;
	}
	for (const struct option *o = options; o->name; o++)
		if (!page.keys || o->scope != OPTION_ONCE)
			put_row(&page, o);
	return EXIT_OK;
}

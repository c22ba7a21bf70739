#include "control.h"

#include "errors.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The stand-in's launchctl: it hands its words over and prints the answer. */

enum { WORDS_MOST = 16 };

int main(int argc, char *argv[])
{
	static char answer[CONTROL_MOST + 1];
	const char *words[WORDS_MOST];
	char directory[PATH_MAX];
	int status;

	if (argc < 2 || argc > WORDS_MOST ||
	    !getcwd(directory, sizeof(directory))) {
		fputs("Usage: launchctl <subcommand> ...\n", stderr);
		return LAUNCHD_USAGE;
	}
	words[0] = directory;
	for (int i = 1; i < argc; i++)
		words[i] = argv[i];
	status = control_ask(words, (size_t)argc, answer);
	if (status < 0) {
		fprintf(stderr, "launchctl: no stand-in answers: %s\n",
			strerror(-status));
		return 255;
	}
	fputs(answer, status == 0 ? stdout : stderr);
	return status;
}

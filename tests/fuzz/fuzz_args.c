#include "fuzz.h"

#include "config_rig.h"

#include <stdlib.h>
#include <string.h>

/* A command line, of words that zeroes end (or newlines, which are easier to
 * write). Behind an empty line comes what is in its files. */

enum { WORDS_MOST = 64 };

static size_t word_length(const char *text)
{
	return strcspn(text, "\n");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size), *p = text, *end = text + size;
	char *argv[WORDS_MOST + 1];
	struct config c;
	int argc = 0;

	config_rig_file(NULL, 0);
	while (p < end && argc < WORDS_MOST) {
		size_t length = word_length(p);

		if (length == 0) {
			config_rig_file(p + 1, (size_t)(end - p - 1));
			break;
		}
		argv[argc++] = p;
		p[length] = '\0';
		p += length + 1;
	}
	argv[argc] = NULL;
	config_rig_read(&c, argc, argv);
	config_free(&c);
	free(text);
	return 0;
}

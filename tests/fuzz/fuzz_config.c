#include "fuzz.h"

#include "config_rig.h"

#include <stdlib.h>

/* A configuration file. */

static char option[] = "-c", path[] = "lowport-fuzz.conf";
static char *const arguments[] = {option, path, NULL};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *bytes = fuzz_text(data, size);
	struct config first, second;
	size_t mistakes;

	config_rig_file(bytes, size);
	mistakes = config_rig_read(&first, 2, arguments);
	MUST(config_rig_read(&second, 2, arguments) == mistakes);
	MUST(first.group_count == second.group_count);
	config_free(&first);
	config_free(&second);
	free(bytes);
	return 0;
}

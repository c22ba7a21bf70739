#include "fuzz.h"

/* What is read of its output is not to be had without it. */
#include "service/systemctl.c"

/* What `systemctl show` says of a unit, whatever it says. */

static void must_be_a_line(const char *text, size_t size)
{
	MUST(strlen(text) < size);
	MUST(!strchr(text, '\n'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	struct systemctl_unit u;

	parse(&u, text);
	must_be_a_line(u.state, sizeof(u.state));
	must_be_a_line(u.file, sizeof(u.file));
	must_be_a_line(u.result, sizeof(u.result));
	MUST(u.pid >= 0);
	MUST(u.last_status >= 0);
	if (!strstr(text, "MainPID="))
		MUST(u.pid == 0);
	if (!strstr(text, "LoadState=loaded"))
		MUST(!u.known);
	is_moving(&u);
	free(text);
	return 0;
}

#include "fuzz.h"

/* What is read of its output is not to be had without it. */
#include "service/launchctl.c"

/* What `launchctl print` says of a job, whatever it says. */

enum { DAY_S = 24 * 60 * 60, SIGNALS = 128 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct launchctl_job *job = calloc(1, sizeof(*job));
	char *text = fuzz_text(data, size);

	MUST(job);
	snprintf(job->text, sizeof(job->text), "%s", text);
	parse_job(job);
	MUST(job->pid >= 0);
	MUST(job->exit_timeout_s >= 0 && job->exit_timeout_s <= DAY_S);
	MUST(job->last_signal >= 0 && job->last_signal < SIGNALS);
	MUST(job->has_ended || job->last_status == 0);
	if (!strstr(job->text, "pid = "))
		MUST(job->pid == 0);
	if (!strstr(job->text, "last terminating signal = "))
		MUST(job->last_signal == 0);
	free(text);
	free(job);
	return 0;
}

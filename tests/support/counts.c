#include <signal.h>
#include <stddef.h>

/*
 * Of the coverage build alone: what has run is written down also where a
 * process ends by _exit(), which the linker leads here, or by a signal that
 * nobody waits for.
 */

void __gcov_dump(void);
_Noreturn void __real__exit(int status);
_Noreturn void __wrap__exit(int status);

/* Of tests/fault: writing it down is not what is to fail. */
__attribute__((weak)) void faults_over(void);

__attribute__((destructor)) static void end_faults(void)
{
	if (faults_over)
		faults_over();
}

void __wrap__exit(int status)
{
	end_faults();
	__gcov_dump();
	__real__exit(status);
}

static void on_signal(int number)
{
	end_faults();
	__gcov_dump();
	signal(number, SIG_DFL);
	raise(number);
}

__attribute__((constructor)) static void count_signals(void)
{
	static const int numbers[] = {SIGHUP, SIGINT, SIGTERM};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (signal(numbers[i], SIG_IGN) == SIG_DFL)
			signal(numbers[i], on_signal);
}

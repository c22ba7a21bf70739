#include "fuzz.h"

#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * In place of libFuzzer's own main(): each file of the folders that are named
 * goes through the target once, in the order of their names. Which one is being
 * read is told only when something is wrong with it.
 */

enum { INPUT_MOST = 1 << 20, PATIENCE_S = 20 };

static char now[1024];

/* Whatever ends it, the sanitizers too (see ASAN_OPTIONS in CMakeLists.txt),
 * ends it with a signal. */
static void on_end(int number)
{
	static const char what[] = "while reading ";

	if (write(STDERR_FILENO, what, sizeof(what) - 1) < 0 ||
	    write(STDERR_FILENO, now, strlen(now)) < 0 ||
	    write(STDERR_FILENO, "\n", 1) < 0)
		_exit(1);
	signal(number, SIG_DFL);
	raise(number);
}

static void replay(const char *path)
{
	uint8_t *bytes = malloc(INPUT_MOST);
	FILE *f = fopen(path, "rb");
	uint8_t *exact;
	size_t length;

	if (!f || !bytes) {
		perror(path);
		exit(1);
	}
	length = fread(bytes, 1, INPUT_MOST, f);
	fclose(f);
	exact = fuzz_copy(bytes, length);
	free(bytes);
	snprintf(now, sizeof(now), "%s", path);
	alarm(PATIENCE_S);
	LLVMFuzzerTestOneInput(exact, length);
	alarm(0);
	free(exact);
}

static int is_input(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static size_t replay_folder(const char *folder)
{
	struct dirent **found;
	int count = scandir(folder, &found, is_input, alphasort);

	if (count < 0) {
		perror(folder);
		exit(1);
	}
	for (int i = 0; i < count; i++) {
		char path[1024];

		snprintf(path, sizeof(path), "%s/%s", folder, found[i]->d_name);
		replay(path);
		free(found[i]);
	}
	free(found);
	return (size_t)count;
}

int main(int argc, char **argv)
{
	size_t count = 0;

	signal(SIGABRT, on_end);
	signal(SIGALRM, on_end);
	LLVMFuzzerInitialize(&argc, &argv);
	for (int i = 1; i < argc; i++)
		count += replay_folder(argv[i]);
	printf("%zu inputs\n", count);
	return count > 0 ? 0 : 1;
}

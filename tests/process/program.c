#include "process/program.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char place[256];

int program_set_up(void **state)
{
	const char *base = getenv("TMPDIR");
	int err;

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	snprintf(place, sizeof(place), "%s/lowport-process-XXXXXX",
		 base && base[0] != '\0' ? base : "/tmp");
	if (!mkdtemp(place) || chmod(place, 0755) < 0)
		return -1;
	err = proc_copy(LOWPORT_PROGRAM, program_path()) < 0 ||
	      chmod(program_path(), 0755) < 0 ||
	      mkdir(program_file(""), 0755) < 0;
	if (!err && geteuid() == 0)
		err = chown(program_file(""), proc_user(), proc_user()) < 0;
	/* So that no test sees what runs beside it. */
	setenv("XDG_RUNTIME_DIR", scrap("%s/files", place), 1);
	unsetenv("RUNTIME_DIRECTORY");
	scrap_free();
	return err ? -1 : 0;
}

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	return remove(path);
}

int program_tear_down(void **state)
{
	(void)state;
	return nftw(place, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

int program_end_test(void **state)
{
	(void)state;
	proc_stop_all();
	backends_stop();
	peers_close();
	scrap_free();
	return 0;
}

const char *program_path(void)
{
	return scrap("%s/lowport", place);
}

const char *program_file(const char *name)
{
	return scrap("%s/files/%s", place, name);
}

void program_skip(const char *missing)
{
	print_message("skipped, for want of %s\n", missing);
	skip();
}

void program_need(const char *program, const char *package)
{
	if (!proc_has(program))
		program_skip(scrap("%s (package %s)", program, package));
}

struct proc *program_start(const char *const argv[],
			   const struct proc_options *opt)
{
	struct proc_options dropped = opt ? *opt : (struct proc_options){0};
	const char *words[64] = {program_path()};
	size_t n = 0;

	while (argv[n]) {
		assert_in_range(n, 0, 61);
		words[n + 1] = argv[n];
		n++;
	}
	dropped.drop = geteuid() == 0;
	return proc_start(words, &dropped);
}

struct proc *program_listening(struct proc *p)
{
	proc_line(p, "listening on ", 0);
	return p;
}

const char *program_where(struct proc *p, unsigned index)
{
	const char *at = proc_line(p, "listening on ", index);

	at += strlen("listening on ");
	return scrap("%.*s", (int)strcspn(at, " "), at);
}

void program_stop(struct proc *p)
{
	proc_signal(p, SIGTERM);
	proc_end(p, 0);
}

int program_descriptors(const struct proc *p, const char *kind)
{
	const char *path = scrap("/proc/%ld/fd", (long)proc_pid(p));
	DIR *dir = opendir(path);
	struct dirent *entry;
	int count = 0;

	if (!dir)
		return -1;
	while ((entry = readdir(dir)) != NULL) {
		char to[64] = "";

		if (entry->d_name[0] == '.')
			continue;
		if (readlinkat(dirfd(dir), entry->d_name, to, sizeof(to) - 1) <
		    0)
			continue;
		count += !kind || strncmp(to, kind, strlen(kind)) == 0;
	}
	closedir(dir);
	return count;
}

long program_worked_ms(const struct proc *p)
{
	FILE *file = fopen(scrap("/proc/%ld/stat", (long)proc_pid(p)), "r");
	unsigned long user, system;
	int found;

	if (!file)
		return -1;
	/* proc_pid_stat(5), 14 and 15; the name has no blank. */
	found = fscanf(file,
		       "%*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
		       "%lu %lu",
		       &user, &system);
	fclose(file);
	return found < 2 ? -1
			 : (long)(user + system) * 1000 / sysconf(_SC_CLK_TCK);
}

void assert_says_at(const char *text, const char *wanted, const char *file,
		    int line)
{
	if (strstr(text, wanted))
		return;
	print_error("it does not say: %s\nbut: %s\n", wanted, text);
	_fail(file, line);
}

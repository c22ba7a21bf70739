#include "cli/cli.h"

#include "config/pf_write.h"
#include "os/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int print_help(void)
{
	puts("usage: lowport convert-pf [--install] FILE\n\n"
	     "Print what the rdr rules of a pf.conf come to as a lowport.conf, "
	     "with the lines\nfor lowport install in comments. FILE may be "
	     "/etc/pf.conf (the files that it\nloads are read too), one of "
	     "/etc/pf.anchors, or - for standard input. Nothing\nis "
	     "changed.\n\n"
	     "  --install   print only the lines for lowport install\n\n"
	     "A rule that lowport cannot do the same for is left out, and "
	     "named on standard\nerror: FILE:LINE: RULE: why, and what to do "
	     "instead. Those are rules that are\nnot TCP; with tables, tags, "
	     "negations, pools of addresses; to networks, or to\nmore than 64 "
	     "ports. What redirects nothing (pass, block, nat, ...) is "
	     "skipped.\n\n"
	     "for example:\n"
	     "  lowport convert-pf /etc/pf.conf > lowport.conf\n"
	     "  echo 'rdr on lo0 proto tcp to port 80 -> 127.0.0.1 port 8080' "
	     "|\n"
	     "      lowport convert-pf -\n\n"
	     "Exit 0: all was converted. Exit 1: something was left out. Exit "
	     "2: the file\ncannot be read, or is not in the grammar of "
	     "pf.conf(5).");
	return EXIT_OK;
}

/* All of it, but not more than a pf.conf may have and one byte. */
static int read_stream(FILE *f, char **text, size_t *length)
{
	size_t most = PF_TEXT_MOST + 1;
	char *buf = malloc(most);
	int err = 0;

	if (!buf)
		return -ENOMEM;
	*length = fread(buf, 1, most, f);
	if (ferror(f))
		err = errno > 0 ? -errno : -EIO;
	else if (*length == most)
		err = -EFBIG;
	if (err < 0)
		free(buf);
	else
		*text = buf;
	return err;
}

/* Of a file that another names: a plain one, for nobody said it in person. */
static int open_named(const char *path, char **text, size_t *length)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	return file_read(path, text, length);
}

static int open_given(const char *path, char **text, size_t *length)
{
	if (strcmp(path, "-") == 0)
		return read_stream(stdin, text, length);
	return file_read(path, text, length);
}

static const char *explain(int err)
{
	switch (err) {
	case -EFBIG:
		return "is larger than 1 MiB: is it the right file?";
	case -ETIMEDOUT:
		return "is a pipe, and did not come to its end in time (- "
		       "reads "
		       "standard input for as long as it takes)";
	default:
		return strerror(-err);
	}
}

static int finish(const struct pf *p, const char *file, bool install)
{
	for (size_t i = 0; i < p->message_count; i++)
		if (p->mistakes == 0 || p->messages[i].mistake)
			fprintf(stderr, "%s\n", p->messages[i].text);
	if (p->mistakes > 0)
		return EXIT_USAGE;
	if (p->left_out > PF_MESSAGES_MOST)
		fprintf(stderr, "%s: and %zu more like these\n", file,
			p->left_out - PF_MESSAGES_MOST);
	if (p->redirections == 0)
		fprintf(stderr,
			"%s: no rule redirects anything (rdr, or pass "
			"with rdr-to)\n",
			file);
	else if (install)
		pf_write_install(p, stdout);
	else
		pf_write_config(p, file, stdout);
	if (fflush(stdout) != 0) {
		complain(strerror(errno));
		return EXIT_RUNTIME;
	}
	return p->left_out > 0 ? EXIT_RUNTIME : EXIT_OK;
}

static int convert(const char *path, bool install)
{
	const char *file = strcmp(path, "-") == 0 ? "stdin" : path;
	struct pf p = {.open = open_named};
	char *text = NULL, said[1200];
	size_t length = 0;
	int status = EXIT_USAGE;
	int err = open_given(path, &text, &length);

	if (err == 0)
		err = pf_read(&p, file, text, length);
	if (err == 0) {
		status = finish(&p, file, install);
	} else {
		snprintf(said, sizeof(said), "%.1000s: %s", file, explain(err));
		complain(said);
	}
	free(text);
	pf_free(&p);
	return status;
}

int cmd_convert_pf(int argc, char *const argv[])
{
	const char *path = NULL;
	bool install = false;
	char text[256];

	if (cli_wants_help(argc, argv))
		return print_help();
	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "--install") == 0) {
			install = true;
		} else if (path || (argv[i][0] == '-' && argv[i][1] != '\0')) {
			snprintf(text, sizeof(text),
				 path ? "convert-pf: \"%.100s\": one file at a "
					"time (cat them into lowport "
					"convert-pf -)"
				      : "convert-pf: %.100s: no such option "
					"(there is --install)",
				 argv[i]);
			complain(text);
			return EXIT_USAGE;
		} else {
			path = argv[i];
		}
	}
	if (!path) {
		complain("convert-pf wants a file (try lowport convert-pf "
			 "/etc/pf.conf, or - for standard input)");
		return EXIT_USAGE;
	}
	return convert(path, install);
}

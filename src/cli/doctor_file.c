#include "cli/doctor_file.h"

#include "cli/install_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Whom mistakes are told to. */
static struct doctor *doctor;

static void note(const char *text)
{
	doctor_report(doctor, FINDING_PROBLEM, "file",
		      "mend it there, then: lowport install --reload LABEL",
		      "%s", text);
}

static void note_in_the_way(const char *text)
{
	doctor_report(doctor, FINDING_PROBLEM, "file", NULL, "%s", text);
}

static const char again[] = "lowport install --reload LABEL";

static void lacks(void *data, const char *where)
{
	doctor_report(data, FINDING_PROBLEM, "listener", again,
		      "the file listens at %s, which %s does not hold", where,
		      manager_here->name);
}

static void left(void *data, const char *where)
{
	doctor_report(data, FINDING_PROBLEM, "listener", again,
		      "%s holds %s, where the file does not listen any more",
		      manager_here->name, where);
}

static void look_at_sockets(struct doctor *d, const struct agent *a,
			    const struct config *c)
{
	struct agent *wanted = calloc(1, sizeof(*wanted));
	struct fault why;

	if (wanted && manager_here->find(wanted, a->name, &why) == 0 &&
	    install_file_sockets(wanted, c, note_in_the_way) == 0)
		install_file_compare(a, wanted, lacks, left, d);
	free(wanted);
}

void doctor_file(struct doctor *d, struct agent *a, struct config *c)
{
	unsigned before = d->problems;

	doctor = d;
	if (install_file_read(c, a, note) > 0)
		return;
	for (size_t i = 0; i < c->group_count; i++)
		a->starts_app = a->starts_app || c->groups[i].command;
	install_file_check(a, c, a->of_system, note_in_the_way);
	if (d->problems == before)
		for (size_t i = 0; i < c->files.count; i++)
			doctor_report(d, FINDING_OK, "file", NULL,
				      "%s: no mistake", c->files.at[i]);
	look_at_sockets(d, a, c);
}

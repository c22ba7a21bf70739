#ifndef LOWPORT_SERVICE_DOCTOR_H
#define LOWPORT_SERVICE_DOCTOR_H

#include "lowport.h"
#include "service/agent.h"

#include <sys/types.h>

/*
 * Looks at what goes wrong in practice and says for each thing whether it is
 * all right, a problem (and how it is mended), or cannot be told from here.
 * Nothing is changed; a listener that is looked at is connected to once.
 */

enum finding { FINDING_OK, FINDING_PROBLEM, FINDING_UNKNOWN };

struct doctor {
	/* subject is one or two words; mend is NULL where nothing has to be
	 * done. */
	void (*say)(enum finding finding, const char *subject, const char *text,
		    const char *mend);
	unsigned problems; /* so far */
};

/* Say one thing; a problem is counted. */
void doctor_report(struct doctor *d, enum finding finding, const char *subject,
		   const char *mend, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/* Does the line of that address, if there is one in what reach_who() said, name
 * another process? */
bool doctor_is_of_another(const char *who, const char *address, pid_t pid);

/* An address that is to be listened on: is it here, is its port free? */
void doctor_listener(struct doctor *d, const struct addr *a);

/* Who else listens on that port on every address: they will collide. */
void doctor_wildcards(struct doctor *d, const struct addr *a);

/* A backend, on each of its addresses. */
void doctor_backend(struct doctor *d, const struct relay_backend *b);

/* The descriptor limit of this process. */
void doctor_limits(struct doctor *d);

/* What the system's firewall may do to listeners at that address. */
void doctor_firewall(struct doctor *d, const struct addr *a);

#endif

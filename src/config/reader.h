#ifndef LOWPORT_CONFIG_READER_H
#define LOWPORT_CONFIG_READER_H

#include "config/config.h"
#include "config/options.h"

/*
 * What the readers of arguments and of files share: an option that is taken,
 * and a mistake that is told, each with its place.
 */
struct reader {
	struct config *config;
	struct mistake *told; /* in the order in which they were found */
	size_t mistakes;
	size_t lost; /* for which there was no memory */
};

/* Tell of all of them, in the order in which they stand: the command line's,
 * then those of each file. */
void reader_tell(struct reader *r, void (*mistake)(const char *text));

/* WHERE: WHAT, or WHAT alone where where is empty: about no place in a file. */
void reader_complain(struct reader *r, const char *where, const char *what);

/* About a line as a whole. */
void reader_complain_at(struct reader *r, const struct position *place,
			const char *what);

/* The same about an option that was given at place, or to be given. What is said
 * with --NAME is said as in a file, if place is in one. */
void reader_complain_of(struct reader *r, const struct position *place,
			const char *option, const char *what);

/* Read an option's value that was written at place. */
void reader_take(struct reader *r, const struct option *o, const char *text,
		 const struct position *place);

/* What the settings mean for the group that was read last, when one of it was
 * wrong or could not be understood. */
void reader_trouble(struct reader *r, const char *option);

#endif

#ifndef STANDIN_PRINT_H
#define STANDIN_PRINT_H

#include "job.h"

#include <stdio.h>

/* What `launchctl print` says, in the words of a recent macOS. */
void print_job(const struct job *j, FILE *out);
void print_domain(const struct target *t, FILE *out);
void print_disabled(const struct target *t, FILE *out);

#endif

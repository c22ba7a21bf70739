#ifndef LOWPORT_TESTS_LOGS_H
#define LOWPORT_TESTS_LOGS_H

#include <stdbool.h>

/* What lowport has logged into a file. */

/* The whole of it; empty if there is none. Lives until the end of the test. */
const char *log_read(const char *path);

/* Wait until it has this text, and return all of it. */
const char *log_await(const char *path, const char *text);

/* How often a text is in another. */
unsigned log_count(const char *log, const char *text);

/* Is each line that was put there once? Numbers behind name (" up=") have to be
 * 1 to count, each once. Returns how many there are. */
unsigned log_each_once(const char *log, const char *name, unsigned count);

/* Have python3 read these files line by line: each line has to be a JSON object
 * with a time, a level and a message, and those of the connections all their
 * members. Returns what it prints: the number of connections, of lines. Skips
 * the test where there is no python3. */
const char *log_parse(const char *paths);

#endif

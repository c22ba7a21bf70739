#ifndef LOWPORT_TESTS_APP_H
#define LOWPORT_TESTS_APP_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * A real program for lowport to start: a server in Python, which hears a client
 * to its end (and prints "hears" meanwhile) and answers "PID heard TEXT".
 */

/* Skip this test if there is no Python; write the server to a file. */
void app_need(void);

/* `python3 FILE OPTIONS {address} {port}`, or with {path}. Options:
 * --deaf       SIGTERM is ignored
 * --slow       after SIGTERM it serves on for a second
 * --family     a child of its own, which ignores SIGTERM, is told: "child PID"
 * --loud       prints a megabyte first
 */
const char *app_command(const char *options);
const char *app_unix_command(const char *options);

/* Ask it through lowport; who answered. Fails unless it answers right. */
pid_t app_ask(const char *where);

/* Wait until there is no such process any more. */
void app_await_gone(pid_t pid);

#endif

#ifndef LOWPORT_TESTS_NGINX_H
#define LOWPORT_TESTS_NGINX_H

#include <stdio.h>

/* An nginx of the test's own, as a backend. */

/* Skip this test if there is none. */
void nginx_need(void);

/* A file for it to serve, to be written to. */
FILE *nginx_file(const char *name);

/* Start it as an ordinary user, on a socket of the test's. */
void nginx_start(int listener);

#endif

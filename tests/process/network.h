#ifndef LOWPORT_TESTS_NETWORK_H
#define LOWPORT_TESTS_NETWORK_H

/*
 * Networks of the test's own, which go when it ends. Sockets and programs are
 * made in the network where the thread is.
 */

/* Of the group, before any thread is started: files that are mounted later are
 * the test's own too. Returns NULL, or what is missing for that. */
const char *network_set_up(void);

/* Go to a new one, whose loopback interface is up. Returns its descriptor, which
 * networks_close() closes. */
int network_new(void);

void network_go(int network);

/* `ip` with these words, which has to work. */
#define IP(...) network_run((const char *const[]){"ip", __VA_ARGS__, NULL})
void network_run(const char *const argv[]);

/* A cable from here, where its end has that name, to another network. */
void network_cable(const char *name, int to, const char *name_there);

void networks_close(void);

#endif

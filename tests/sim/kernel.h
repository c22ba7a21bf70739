#ifndef LOWPORT_TESTS_KERNEL_H
#define LOWPORT_TESTS_KERNEL_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/types.h>

/*
 * System calls over a kernel that is made up: TCP sockets, pipes and epoll sets
 * that behave as Linux's do (tcp_recvmsg(), tcp_poll(), ep_poll_callback()).
 * Each call may find that something has happened meanwhile, and each that is
 * wrong (a descriptor that is closed, a byte out of order, an end that is not
 * due) ends the simulation.
 */

int kernel_socket(int family, int type);
int kernel_connect(int fd, const struct sockaddr *to, socklen_t length);
int kernel_accept(int fd, void *peer, socklen_t *length);
int kernel_bind(int fd, const struct sockaddr *at, socklen_t length);
ssize_t kernel_recv(int fd, void *buf, size_t size, int flags);
ssize_t kernel_send(int fd, const void *buf, size_t size, int flags);
ssize_t kernel_splice(int from, int to, size_t size);
int kernel_pipe(int fds[2]);
int kernel_fcntl(int fd, int what, ...);
int kernel_shutdown(int fd);
int kernel_close(int fd);
int kernel_poll(struct pollfd *p);
int kernel_ioctl(int fd, unsigned long what, int *out);
int kernel_at_mark(int fd);
int kernel_getsockname(int fd, void *at, socklen_t *length);
int kernel_getsockopt(int fd, int level, int option, void *value,
		      socklen_t *length);
int kernel_setsockopt(int fd, int level, int option, const void *value,
		      socklen_t length);
int kernel_epoll_create(void);
int kernel_epoll_ctl(int set, int what, int fd, const struct epoll_event *e);
int kernel_epoll_wait(int set, struct epoll_event *events, int most,
		      int timeout);
bool kernel_has_memory(void);

#endif

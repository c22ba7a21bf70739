#ifndef LOWPORT_TESTS_CALLS_H
#define LOWPORT_TESTS_CALLS_H

/*
 * Comes before each file of the engine and of os that the simulation is built
 * from: their system calls are kernel.h's. What declares the real ones is
 * included first, so that it stays as it is.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sim/kernel.h"

#define socket(family, type, protocol)   kernel_socket(family, type)
#define connect(fd, to, length)          kernel_connect(fd, to, length)
#define accept4(fd, peer, length, flags) kernel_accept(fd, peer, length)
#define bind(fd, at, length)             kernel_bind(fd, at, length)
#define recv(fd, buf, size, flags)       kernel_recv(fd, buf, size, flags)
#define send(fd, buf, size, flags)       kernel_send(fd, buf, size, flags)
#define splice(from, from_at, to, to_at, size, flags) \
	kernel_splice(from, to, size)
#define pipe2(fds, flags)           kernel_pipe(fds)
#define fcntl(...)                  kernel_fcntl(__VA_ARGS__)
#define shutdown(fd, how)           kernel_shutdown(fd)
#define close(fd)                   kernel_close(fd)
#define poll(fds, count, timeout)   kernel_poll(fds)
#define ioctl(fd, what, out)        kernel_ioctl(fd, what, out)
#define sockatmark(fd)              kernel_at_mark(fd)
#define getsockname(fd, at, length) kernel_getsockname(fd, at, length)
#define getsockopt(fd, level, option, value, length) \
	kernel_getsockopt(fd, level, option, value, length)
#define setsockopt(fd, level, option, value, length) \
	kernel_setsockopt(fd, level, option, value, length)
#define epoll_create1(flags)            kernel_epoll_create()
#define epoll_ctl(set, what, fd, event) kernel_epoll_ctl(set, what, fd, event)
#define epoll_wait(set, events, most, timeout) \
	kernel_epoll_wait(set, events, most, timeout)
#define malloc(size)        (kernel_has_memory() ? malloc(size) : NULL)
#define calloc(count, size) (kernel_has_memory() ? calloc(count, size) : NULL)
/* Only for what /proc tells. */
#define fopen(path, mode) NULL

#endif

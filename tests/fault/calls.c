#include "fault/plan.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <link.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/*
 * To be preloaded: calls that fail when the plan wants them to. What a library
 * calls within itself goes past it, as glibc does.
 */

/* glibc's own, which need nothing to be looked up first. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void __libc_free(void *memory);

enum { OBJECTS_MOST = 32 };

static struct plan *plan;
static atomic_bool over;
static atomic_int blocks; /* in use */
static atomic_uint drawn; /* random numbers */

/* The program and its libraries, as they lie in memory. */
static struct object {
	uintptr_t from, to;
	const char *name;
} objects[OBJECTS_MOST];
static unsigned object_count;

static int note_object(struct dl_phdr_info *info, size_t size, void *data)
{
	struct object *o = &objects[object_count];
	const char *slash = strrchr(info->dlpi_name, '/');

	(void)size;
	(void)data;
	o->name = slash ? slash + 1 : info->dlpi_name;
	if (object_count == 0)
		o->name = "lowport";
	o->from = UINTPTR_MAX;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *part = &info->dlpi_phdr[i];
		uintptr_t from = info->dlpi_addr + part->p_vaddr;

		if (part->p_type != PT_LOAD)
			continue;
		if (from < o->from)
			o->from = from;
		if (from + part->p_memsz > o->to)
			o->to = from + part->p_memsz;
	}
	return ++object_count == OBJECTS_MOST;
}

static const char *whose(const void *code)
{
	uintptr_t at = (uintptr_t)code;

	for (unsigned i = 0; i < object_count; i++)
		if (at >= objects[i].from && at < objects[i].to)
			return objects[i].name;
	return "?";
}

/* The library of that name, or the program. */
static const char *home_of(const char *library)
{
	for (unsigned i = 0; i < object_count; i++)
		if (strncmp(objects[i].name, library, strlen(library)) == 0)
			return objects[i].name;
	return objects[0].name;
}

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv(PLAN_VARIABLE);
	int fd = path ? (int)syscall(SYS_openat, AT_FDCWD, path,
				     O_RDWR | O_CLOEXEC)
		      : -1;
	void *memory;

	if (fd < 0)
		return;
	dl_iterate_phdr(note_object, NULL);
	memory = mmap(NULL, sizeof(*plan), PROT_READ | PROT_WRITE, MAP_SHARED,
		      fd, 0);
	syscall(SYS_close, fd);
	if (memory == MAP_FAILED)
		return;
	plan = memory;
	strncpy(plan->libuv, home_of("libuv.so"), PLAN_WHO - 1);
}

__attribute__((destructor)) static void end(void)
{
	if (plan)
		atomic_store(&plan->left_over, atomic_load(&blocks));
}

/* Nothing fails from here on: what follows is no part of the program. */
void faults_over(void);

void faults_over(void)
{
	atomic_store(&over, true);
}

/* splitmix64: any number of threads may draw. */
static uint32_t draw(void)
{
	uint64_t z = ((uint64_t)plan->seed << 32) +
		     (atomic_fetch_add(&drawn, 1) + 1) *
			     UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (uint32_t)((z ^ z >> 31) >> 16);
}

/* libseccomp (2.5.4) comes to grief by itself when it gets no memory. */
static bool is_spared(const void *caller)
{
	static const char spared[] = "libseccomp.";

	return strncmp(whose(caller), spared, sizeof(spared) - 1) == 0;
}

/* How this call fails; 0: it does not. */
static int fault(enum plan_call call, const void *caller)
{
	struct plan_row *row;
	unsigned number, rate;
	int error;

	if (!plan || atomic_load(&over))
		return 0;
	row = &plan->row[call];
	if (row->own && whose(caller) != objects[0].name)
		return 0;
	if (is_spared(caller))
		return 0;
	number = atomic_fetch_add(&row->calls, 1) + 1;
	rate = atomic_load(&row->rate);
	if (number == atomic_load(&row->fail_at))
		error = row->error[0];
	else if (rate > 0 && draw() % 1000000 < rate)
		error = row->error[draw() % row->ways];
	else
		return 0;
	atomic_fetch_add(&row->failed, 1);
	strncpy(plan->who, whose(caller), PLAN_WHO - 1);
	return error;
}

#define CALLER __builtin_return_address(0)

static void find(void *behind, const char *name)
{
	void *found = dlsym(RTLD_NEXT, name);

	memcpy(behind, &found, sizeof(found));
}

/* The call that is behind ours. */
#define BEHIND(call)                     \
	static __typeof__(call) *behind; \
                                         \
	if (!behind)                     \
	find(&behind, #call)

#define OR_FAIL(call)                           \
	int error = fault(PLAN_##call, CALLER); \
                                                \
	if (error > 0) {                        \
		errno = error;                  \
		return -1;                      \
	}                                       \
	(void)error

#define SIMPLE(result, call, parameters, ...) \
	result call parameters                \
	{                                     \
		BEHIND(call);                 \
		OR_FAIL(call);                \
		return behind(__VA_ARGS__);   \
	}

SIMPLE(int, bind, (int fd, const struct sockaddr *a, socklen_t n), fd, a, n)
SIMPLE(int, epoll_create1, (int flags), flags)
SIMPLE(int, epoll_ctl, (int set, int how, int fd, struct epoll_event *e), set,
       how, fd, e)
SIMPLE(int, epoll_wait, (int set, struct epoll_event *e, int n, int ms), set, e,
       n, ms)
SIMPLE(int, epoll_pwait,
       (int set, struct epoll_event *e, int n, int ms, const sigset_t *mask),
       set, e, n, ms, mask)
SIMPLE(int, eventfd, (unsigned start, int flags), start, flags)
SIMPLE(int, getifaddrs, (struct ifaddrs * *list), list)
SIMPLE(ssize_t, getrandom, (void *to, size_t n, unsigned flags), to, n, flags)
SIMPLE(int, getsockname, (int fd, struct sockaddr *a, socklen_t *n), fd, a, n)
SIMPLE(int, getsockopt, (int fd, int l, int o, void *v, socklen_t *n), fd, l, o,
       v, n)
SIMPLE(int, setsockopt, (int fd, int l, int o, const void *v, socklen_t n), fd,
       l, o, v, n)
SIMPLE(int, listen, (int fd, int n), fd, n)
SIMPLE(int, pipe2, (int fds[2], int flags), fds, flags)
SIMPLE(int, poll, (struct pollfd * p, nfds_t n, int ms), p, n, ms)
SIMPLE(ssize_t, read, (int fd, void *to, size_t n), fd, to, n)
SIMPLE(ssize_t, recv, (int fd, void *to, size_t n, int flags), fd, to, n, flags)
SIMPLE(ssize_t, recvmsg, (int fd, struct msghdr *m, int flags), fd, m, flags)
SIMPLE(ssize_t, sendmsg, (int fd, const struct msghdr *m, int flags), fd, m,
       flags)
SIMPLE(ssize_t, sendto,
       (int fd, const void *from, size_t n, int flags, const struct sockaddr *a,
	socklen_t length),
       fd, from, n, flags, a, length)
SIMPLE(int, socket, (int family, int kind, int protocol), family, kind,
       protocol)
SIMPLE(ssize_t, splice,
       (int in, off64_t *in_at, int out, off64_t *out_at, size_t n,
	unsigned flags),
       in, in_at, out, out_at, n, flags)

ssize_t write(int fd, const void *from, size_t n)
{
	BEHIND(write);
	OR_FAIL(write);
	return behind(fd, from, error == PLAN_SHORT && n > 0 ? 1 : n);
}

ssize_t send(int fd, const void *from, size_t n, int flags)
{
	BEHIND(send);
	OR_FAIL(send);
	return behind(fd, from, error == PLAN_SHORT && n > 0 ? 1 : n, flags);
}

/* One that is interrupted goes on (connect(2)). */
int connect(int fd, const struct sockaddr *a, socklen_t n)
{
	BEHIND(connect);
	int error = fault(PLAN_connect, CALLER), result = 0;

	if (error == EINTR || error == 0)
		result = behind(fd, a, n);
	if (error > 0 &&
	    (error != EINTR || (result < 0 && errno == EINPROGRESS)))
		result = -1, errno = error;
	return result;
}

/* The connection that such an error tells of has gone. */
static bool takes_connection(int error)
{
	return error == ECONNABORTED || error == EPROTO;
}

int accept4(int fd, struct sockaddr *a, socklen_t *n, int flags)
{
	BEHIND(accept4);
	int error = fault(PLAN_accept4, CALLER), client = -1;

	if (error == 0 || takes_connection(error))
		client = behind(fd, a, n, flags);
	if (error == 0 || (takes_connection(error) && client < 0))
		return client;
	if (client >= 0)
		close(client);
	errno = error;
	return -1;
}

int fcntl(int fd, int command, ...)
{
	BEHIND(fcntl);
	va_list rest;
	void *value;

	OR_FAIL(fcntl);
	va_start(rest, command);
	value = va_arg(rest, void *);
	va_end(rest);
	return behind(fd, command, value);
}

/* Its name where files may be large. */
int fcntl64(int fd, int command, ...) __attribute__((alias("fcntl")));

int ioctl(int fd, unsigned long request, ...)
{
	BEHIND(ioctl);
	va_list rest;
	void *value;

	OR_FAIL(ioctl);
	va_start(rest, request);
	value = va_arg(rest, void *);
	va_end(rest);
	return behind(fd, request, value);
}

int open(const char *path, int flags, ...)
{
	va_list rest;
	unsigned mode;

	OR_FAIL(open);
	va_start(rest, flags);
	mode = va_arg(rest, unsigned);
	va_end(rest);
	return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...) __attribute__((alias("open")));

FILE *fopen(const char *path, const char *mode)
{
	BEHIND(fopen);
	int error = fault(PLAN_fopen, CALLER);

	if (error == 0)
		return behind(path, mode);
	errno = error;
	return NULL;
}

int getaddrinfo(const char *name, const char *service,
		const struct addrinfo *hints, struct addrinfo **list)
{
	BEHIND(getaddrinfo);
	int error = fault(PLAN_getaddrinfo, CALLER);

	errno = EIO;
	return error ? error : behind(name, service, hints, list);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *how,
		   void *(*run)(void *), void *data)
{
	BEHIND(pthread_create);
	int error = fault(PLAN_pthread_create, CALLER);

	return error ? error : behind(thread, how, run, data);
}

/* A clock that jumps; the others do not. */
int clock_gettime(clockid_t clock, struct timespec *t)
{
	int err = (int)syscall(SYS_clock_gettime, clock, t);

	if (err == 0 && clock == CLOCK_REALTIME && plan)
		t->tv_sec += atomic_load(&plan->clock_s);
	return err;
}

static void *count(void *memory)
{
	if (memory)
		atomic_fetch_add(&blocks, 1);
	else
		errno = ENOMEM;
	return memory;
}

void *malloc(size_t size)
{
	return count(fault(PLAN_malloc, CALLER) ? NULL : __libc_malloc(size));
}

void *calloc(size_t n, size_t size)
{
	return count(fault(PLAN_calloc, CALLER) ? NULL
						: __libc_calloc(n, size));
}

void *realloc(void *old, size_t size)
{
	void *memory;

	if (fault(PLAN_realloc, CALLER)) {
		errno = ENOMEM;
		return NULL;
	}
	memory = __libc_realloc(old, size);
	return old ? memory : count(memory);
}

void free(void *memory)
{
	if (memory)
		atomic_fetch_sub(&blocks, 1);
	__libc_free(memory);
}

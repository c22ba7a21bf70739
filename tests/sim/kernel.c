#include "sim/kernel.h"

#include "sim/files.h"
#include "sim/world.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

/*
 * What is no byte: descriptors, epoll sets, options. stream.c has the rest.
 */

struct file files[FDS];
static bool low_first;
static int next_file;

void kernel_begin(void)
{
	memset(files, 0, sizeof(files));
	low_first = one_in(2);
	next_file = 0;
}

/* The lowest, as the system gives it; or, so that one that is used too long is
 * found out, one that has not been used yet. */
int file_new(enum file_kind kind)
{
	for (int i = 0; i < FDS; i++) {
		int at = low_first ? i : (next_file + i) % FDS;

		if (files[at].kind != NO_FILE)
			continue;
		files[at] = (struct file){.kind = kind};
		next_file = at + 1;
		return FIRST_FD + at;
	}
	world_failed("%d descriptors are open", FDS);
}

struct file *file_at(int fd, const char *call)
{
	if (fd < FIRST_FD || fd >= FIRST_FD + FDS ||
	    files[fd - FIRST_FD].kind == NO_FILE)
		world_failed("%s(%d): it is not open", call, fd);
	return &files[fd - FIRST_FD];
}

struct sock *sock_at(int fd, const char *call)
{
	struct file *f = file_at(fd, call);

	if (f->kind != A_SOCKET)
		world_failed("%s(%d): it is no socket", call, fd);
	return f->sock;
}

void kernel_end(void)
{
	for (int i = 0; i < FDS; i++)
		if (files[i].kind != NO_FILE)
			world_failed("descriptor %d is left open",
				     FIRST_FD + i);
	for (int i = 0; i < world.backend_count; i++)
		free(world.backends[i]);
}

static bool is_short(void)
{
	if (world.draining || world.winding_down || world.shortages == 0 ||
	    !one_in(world.shortages))
		return false;
	sim_seen.shortages++;
	world.starved_ms = world.now_ms;
	world_trace("no descriptor");
	return true;
}

bool kernel_has_memory(void)
{
	return true;
}

int kernel_socket(int family, int type)
{
	struct sock *s;

	(void)type;
	world_call();
	if (family != AF_INET || world.backend_count == 512) {
		errno = EAFNOSUPPORT;
		return -1;
	}
	if (is_short()) {
		errno = EMFILE;
		return -1;
	}
	s = calloc(1, sizeof(*s));
	s->fd = file_new(A_SOCKET);
	s->which = -1;
	s->urgent = UINT64_MAX;
	world.backends[world.backend_count++] = s;
	files[s->fd - FIRST_FD].sock = s;
	return s->fd;
}

struct sock *kernel_new_listener(void)
{
	struct sock *s = &world.listener;

	*s = (struct sock){.listens = true, .urgent = UINT64_MAX};
	s->fd = file_new(A_SOCKET);
	s->local = (struct addr){.family = AF_INET, .port = FRONT_PORT};
	s->local.ip[0] = 127;
	s->local.ip[3] = 1;
	files[s->fd - FIRST_FD].sock = s;
	return s;
}

int kernel_connect(int fd, const struct sockaddr *to, socklen_t length)
{
	struct sock *s = sock_at(fd, "connect");

	world_call();
	if (s->state != FRESH)
		world_failed("connect(%d): for the second time", fd);
	addr_from_sockaddr(&s->remote, to, length);
	s->which = s->remote.port - BACKEND_PORT;
	s->local = (struct addr){.family = AF_INET,
				 .port = (uint16_t)(30000 + fd)};
	s->local.ip[0] = 127;
	s->local.ip[3] = 1;
	s->state = CONNECTING;
	s->silent = world.mode[s->which] == MUTE;
	peers_begin(s, choose(1U << 20));
	world_trace("connect(%d) to backend %d", fd, s->which);
	errno = EINPROGRESS;
	return -1;
}

int kernel_accept(int fd, void *peer, socklen_t *length)
{
	struct sock *l = sock_at(fd, "accept"), *s;

	world_call();
	if (!l->listens)
		world_failed("accept(%d): it is no listener", fd);
	if (world.waiting == 0) {
		errno = EAGAIN;
		return -1;
	}
	if (is_short()) {
		errno = EMFILE;
		return -1;
	}
	s = &world.backlog[0]->client;
	memmove(&world.backlog[0], &world.backlog[1],
		sizeof(world.backlog[0]) * (size_t)--world.waiting);
	if (one_in(64)) {
		/* Gone before it could be taken. */
		s->was_reset = s->gone = true;
		s->link->ended = true;
		errno = ECONNABORTED;
		return -1;
	}
	s->fd = file_new(A_SOCKET);
	s->inlines = l->inlines;
	files[s->fd - FIRST_FD].sock = s;
	s->link->accepted = true;
	s->link->accepted_ms = world.now_ms;
	s->link->route = &world.route[world.route_in_use];
	s->in_skip = s->link->route->front_count > 0 ? s->prefix_size : 0;
	world.open++;
	sim_seen.accepted++;
	*length = addr_to_sockaddr(&s->remote, peer);
	world_trace("accept: client %d is %d", s->link->id, s->fd);
	if (world.open > world.options.max_connections)
		world_failed("%zu connections: %zu is the limit", world.open,
			     world.options.max_connections);
	return s->fd;
}

int kernel_bind(int fd, const struct sockaddr *at, socklen_t length)
{
	(void)at;
	(void)length;
	sock_at(fd, "bind");
	return 0;
}

int kernel_close(int fd)
{
	struct file *f = file_at(fd, "close");
	struct sock *s = f->sock;

	world_call();
	if (f->kind == A_SOCKET)
		stream_close(s);
	else if (f->kind == A_PIPE && --f->pipe->ends == 0)
		free(f->pipe);
	f->kind = NO_FILE;
	return 0;
}

/* As tcp_poll() has it. */
uint32_t kernel_events(struct sock *s)
{
	uint32_t events = 0;
	bool in_end = s->in_fin || s->state == DEAD;

	if (s->listens)
		return world.waiting > 0 ? EPOLLIN : 0;
	if (s->state == FRESH)
		return EPOLLHUP | EPOLLOUT;
	if (s->state == DEAD || (in_end && s->out_fin))
		events |= EPOLLHUP;
	if (in_end)
		events |= EPOLLIN | EPOLLRDHUP;
	if (s->state != CONNECTING) {
		if (s->in_end > s->in_at)
			events |= EPOLLIN;
		if (s->out_fin || s->state == DEAD || stream_has_room(s))
			events |= EPOLLOUT;
		else
			s->no_space = true;
		if (s->urgent != UINT64_MAX)
			events |= EPOLLPRI;
	}
	if (s->error)
		events |= EPOLLERR;
	return events;
}

uint32_t kernel_events_of(int fd)
{
	return kernel_events(sock_at(fd, "poll"));
}

int kernel_poll(struct pollfd *p)
{
	struct sock *s = sock_at(p->fd, "poll");
	uint32_t asked = (uint32_t)p->events | EPOLLERR | EPOLLHUP;

	world_call();
	p->revents = (short)(kernel_events(s) & asked);
	return p->revents != 0;
}

int kernel_ioctl(int fd, unsigned long what, int *out)
{
	struct sock *s = sock_at(fd, "ioctl");

	world_call();
	if (what == FIONREAD) {
		*out = (int)(s->in_end - s->in_at);
	} else if (what == SIOCOUTQ) {
		*out = (int)(s->out_end - s->out_at);
	} else {
		world_failed("ioctl(%d, %lu)", fd, what);
	}
	return 0;
}

int kernel_at_mark(int fd)
{
	struct sock *s = sock_at(fd, "sockatmark");

	return s->urgent == s->in_at;
}

int kernel_getsockname(int fd, void *at, socklen_t *length)
{
	struct sock *s = sock_at(fd, "getsockname");

	*length = addr_to_sockaddr(&s->local, at);
	return 0;
}

static void tell_info(const struct sock *s, struct tcp_info *info,
		      socklen_t *length)
{
	*length = sizeof(*info);
	memset(info, 0, sizeof(*info));
	info->tcpi_last_data_recv = (uint32_t)(world.now_ms - s->said_ms);
	info->tcpi_last_ack_recv = (uint32_t)(world.now_ms - s->fin_ms);
}

int kernel_getsockopt(int fd, int level, int option, void *value,
		      socklen_t *length)
{
	struct sock *s = sock_at(fd, "getsockopt");
	int *out = value;

	world_call();
	if (level == IPPROTO_TCP && option == TCP_INFO) {
		tell_info(s, value, length);
		return 0;
	}
	*length = sizeof(*out);
	if (level != SOL_SOCKET)
		world_failed("getsockopt(%d, %d, %d)", fd, level, option);
	if (option == SO_ERROR) {
		*out = s->error;
		if (s->error)
			stream_heard_end(s);
		s->error = 0;
	} else if (option == SO_ACCEPTCONN) {
		*out = s->listens;
	} else {
		world_failed("getsockopt(%d, %d, %d)", fd, level, option);
	}
	return 0;
}

int kernel_setsockopt(int fd, int level, int option, const void *value,
		      socklen_t length)
{
	struct sock *s = sock_at(fd, "setsockopt");
	const int *on = value;

	(void)length;
	if (level == SOL_SOCKET && option == SO_OOBINLINE)
		s->inlines = *on;
	if (level == SOL_SOCKET && option == SO_LINGER) {
		const struct linger *how = value;

		s->lingers_not = how->l_onoff && how->l_linger == 0;
	}
	return 0;
}

int kernel_pipe(int fds[2])
{
	static const size_t sizes[] = {1 << 20, 1 << 18, 1 << 16, 1 << 13};
	struct pipe_inside *p;

	if (is_short()) {
		errno = EMFILE;
		return -1;
	}
	p = calloc(1, sizeof(*p));
	p->size = sizes[choose(4)];
	p->ends = 2;
	for (int i = 0; i < 2; i++) {
		fds[i] = file_new(A_PIPE);
		files[fds[i] - FIRST_FD].pipe = p;
	}
	return 0;
}

int kernel_fcntl(int fd, int what, ...)
{
	struct file *f = file_at(fd, "fcntl");

	if (f->kind != A_PIPE)
		return 0;
	return what == F_GETPIPE_SZ ? (int)f->pipe->size : 0;
}

/* --- epoll --- */

int kernel_epoll_create(void)
{
	return file_new(AN_EPOLL);
}

void kernel_wake(struct sock *s, uint32_t events)
{
	if (s->mask != 0 &&
	    (events == 0 || events & (s->mask | EPOLLERR | EPOLLHUP)))
		s->is_ready = true;
}

int kernel_epoll_ctl(int set, int what, int fd, const struct epoll_event *e)
{
	struct file *f = file_at(set, "epoll_ctl");
	struct sock *s;

	world_call();
	if (f->kind != AN_EPOLL)
		world_failed("epoll_ctl(%d): it is no epoll set", set);
	if (fd == LIBUV_FD) {
		f->has_libuv = what != EPOLL_CTL_DEL;
		return 0;
	}
	s = sock_at(fd, "epoll_ctl");
	if ((what == EPOLL_CTL_ADD) != (s->mask == 0))
		world_failed("epoll_ctl(%d, %d): it is%s in the set", fd, what,
			     s->mask ? "" : " not");
	s->mask = what == EPOLL_CTL_DEL ? 0 : e->events;
	s->watch = what == EPOLL_CTL_DEL ? NULL : e->data.ptr;
	s->is_ready = false;
	if (what != EPOLL_CTL_DEL &&
	    kernel_events(s) & (s->mask | EPOLLERR | EPOLLHUP))
		s->is_ready = true;
	return 0;
}

static bool may_be_told(int i)
{
	return files[i].kind == A_SOCKET && files[i].sock->is_ready;
}

bool kernel_anything_ready(void)
{
	for (int i = 0; i < FDS; i++)
		if (may_be_told(i))
			return true;
	return false;
}

bool kernel_is_set(int fd)
{
	return files[fd - FIRST_FD].kind == AN_EPOLL;
}

bool kernel_has_ready(int set)
{
	return kernel_is_set(set) && kernel_anything_ready();
}

static bool is_libuv_told;

static bool is_awaited(void)
{
	return kernel_anything_ready() || (is_libuv_told && loop_has_work());
}

int kernel_epoll_wait(int set, struct epoll_event *events, int most,
		      int timeout)
{
	struct file *f = file_at(set, "epoll_wait");
	uint32_t start = choose(FDS);
	int n = 0;

	is_libuv_told = f->has_libuv;
	world_wait(timeout, is_awaited);
	if (f->has_libuv && loop_has_work())
		events[n++] = (struct epoll_event){.events = EPOLLIN};
	for (uint32_t i = 0; i < FDS && n < most; i++) {
		int at = (int)((start + i) % FDS);
		struct sock *s = files[at].sock;
		uint32_t told;

		if (!may_be_told(at))
			continue;
		/* They may come one by one. */
		if (n > 0 && one_in(8))
			continue;
		s->is_ready = false;
		told = kernel_events(s) & (s->mask | EPOLLERR | EPOLLHUP);
		if (told == 0)
			continue;
		events[n++] = (struct epoll_event){.events = told,
						   .data.ptr = s->watch};
	}
	return n;
}

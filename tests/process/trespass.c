#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <linux/vm_sockets.h>
#include <netinet/in.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

/*
 * Loaded into lowport (LD_PRELOAD), where it plays someone who has got in: on
 * SIGRTMIN it does what TRESPASS names, and says on standard error how that
 * ended: "trespass: WHAT: " and "done", or the error.
 */

static long try_exec(void)
{
	char *const argv[] = {(char *)"/bin/true", NULL};

	return execve(argv[0], argv, argv + 1);
}

static long try_fork(void)
{
	long pid = syscall(SYS_fork);

	if (pid == 0)
		_exit(0);
	return pid;
}

static long try_open(void)
{
	return open("/etc/passwd", O_RDONLY | O_CLOEXEC);
}

static long try_write(void)
{
	return open("/tmp/lowport-trespass", O_WRONLY | O_CREAT | O_CLOEXEC,
		    0600);
}

static long try_ptrace(void)
{
	return ptrace(PTRACE_ATTACH, getppid(), NULL, NULL);
}

static long try_look(void)
{
	char byte;
	struct iovec here = {&byte, 1}, there = {&byte, 1};

	return process_vm_readv(getppid(), &here, 1, &there, 1, 0);
}

static long try_packet(void)
{
	return socket(AF_PACKET, SOCK_DGRAM, 0);
}

static long try_vsock(void)
{
	return socket(AF_VSOCK, SOCK_STREAM, 0);
}

static long try_raw(void)
{
	return socket(AF_INET, SOCK_RAW, 1);
}

static long try_sctp(void)
{
	return socket(AF_INET, SOCK_STREAM, IPPROTO_SCTP);
}

static long try_ping(void)
{
	return socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
}

static long try_listen(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return fd < 0 ? fd : listen(fd, 1);
}

/* Calls that no filter would see could be given to it. */
static long try_ring(void)
{
	char params[256] = {0};

	return syscall(SYS_io_uring_setup, 1, params);
}

/* One of those that Linux has had since 2020. */
static long try_new(void)
{
	struct open_how how = {.flags = O_RDONLY | O_CLOEXEC};

	return syscall(SYS_openat2, AT_FDCWD, "/etc/passwd", &how, sizeof(how));
}

static long try_library(void)
{
	return dlopen("libanl.so.1", RTLD_NOW) ? 0 : -1;
}

static long try_become_code(void)
{
	void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return mprotect(at, 4096, PROT_READ | PROT_EXEC);
}

static long try_code(void)
{
	void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return at == MAP_FAILED ? -1 : 0;
}

static long try_kill(void)
{
	return kill(getppid(), 0);
}

/* The kernel would signal it whenever there is something to be read. */
static long try_own(void)
{
	int fds[2];

	return pipe2(fds, O_CLOEXEC) < 0
		       ? -1
		       : fcntl(fds[0], F_SETOWN, (int)getppid());
}

static long try_async(void)
{
	int fds[2];

	return pipe2(fds, O_CLOEXEC) < 0 ? -1 : fcntl(fds[0], F_SETFL, O_ASYNC);
}

/* Landlock asks only whether it may be read. */
static long try_empty(void)
{
	return open("/tmp/lowport-trespass", O_RDONLY | O_TRUNC | O_CLOEXEC);
}

static long try_chmod(void)
{
	return chmod("/tmp/lowport-trespass", 0666);
}

static long try_setuid_bit(void)
{
	return chmod("/tmp/lowport-trespass", 04755);
}

/* A Unix socket without a file, of whoever started lowport. */
static long try_abstract(void)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int n = snprintf(to.sun_path + 1, sizeof(to.sun_path) - 1,
			 "lowport-trespass-%ld", (long)getppid());
	size_t size = offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n;

	return connect(fd, (struct sockaddr *)&to, (socklen_t)size);
}

/* What serving takes. */
static long try_nothing(void)
{
	return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static const struct {
	const char *name;
	long (*try)(void);
} tries[] = {
	{"exec", try_exec},
	{"fork", try_fork},
	{"open", try_open},
	{"write", try_write},
	{"ptrace", try_ptrace},
	{"look", try_look},
	{"packet", try_packet},
	{"vsock", try_vsock},
	{"raw", try_raw},
	{"sctp", try_sctp},
	{"ping", try_ping},
	{"code", try_code},
	{"become", try_become_code},
	{"kill", try_kill},
	{"own", try_own},
	{"async", try_async},
	{"empty", try_empty},
	{"chmod", try_chmod},
	{"set-uid", try_setuid_bit},
	{"abstract", try_abstract},
	{"listen", try_listen},
	{"ring", try_ring},
	{"new", try_new},
	{"library", try_library},
	{"loop", try_ring},
	{"nothing", try_nothing},
};

static const char *what;

static void say(const char *text)
{
	if (write(STDERR_FILENO, text, strlen(text)) < 0)
		abort();
}

static void try_it(void)
{
	char text[128] = "";

	for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++)
		if (strcmp(tries[i].name, what) == 0)
			snprintf(text, sizeof(text), "trespass: %s: %s\n", what,
				 tries[i].try() < 0 ? strerror(errno) : "done");
	say(text);
}

static void on_signal(int number)
{
	(void)number;
	try_it();
}

/* libuv's, which may open a ring. */
int uv_loop_init(void *loop);

int uv_loop_init(void *loop)
{
	int (*real)(void *loop);

	*(void **)&real = dlsym(RTLD_NEXT, "uv_loop_init");
	if (what && strcmp(what, "loop") == 0)
		try_it();
	return real(loop);
}

__attribute__((constructor)) static void lie_in_wait(void)
{
	const struct sigaction action = {.sa_handler = on_signal,
					 .sa_flags = SA_RESTART};

	what = getenv("TRESPASS");
	if (!what)
		return;
	sigaction(SIGRTMIN, &action, NULL);
	if (strcmp(what, "loop") == 0 && !dlsym(RTLD_NEXT, "uv_loop_init"))
		say("trespass: loop: libuv is a part of it\n");
}

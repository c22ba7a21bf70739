#include "os/syscalls.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <ucontext.h>
#include <unistd.h>

#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#endif

/* Not by their arguments: the kernel lets these through without a look at the
 * rules (since Linux 5.11), so what is often called costs nothing. */
static const char *const allowed[] = {
	/* bytes */
	"read",
	"readv",
	"pread64",
	"write",
	"writev",
	"pwrite64",
	"splice",
	"recvfrom",
	"recvmsg",
	"recvmmsg",
	"sendto",
	"sendmsg",
	"sendmmsg",
	"recv",
	"send",
	"sendfile",
	"close",
	"shutdown",
	"lseek",
	"_llseek",
	/* sockets and what waits for them */
	"accept",
	"accept4",
	"bind",
	"connect",
	"listen",
	"getsockname",
	"getpeername",
	"getsockopt",
	"setsockopt",
	"poll",
	"ppoll",
	"select",
	"_newselect",
	"pselect6",
	"epoll_create",
	"epoll_create1",
	"epoll_ctl",
	"epoll_wait",
	"epoll_pwait",
	"epoll_pwait2",
	"eventfd",
	"eventfd2",
	"pipe",
	"pipe2",
	"timerfd_create",
	"timerfd_settime",
	"dup",
	"dup2",
	"dup3",
	"fcntl",
	"fcntl64",
	"flock",
	/* files: where, Landlock says */
	"open",
	"openat",
	"access",
	"faccessat",
	"faccessat2",
	"stat",
	"lstat",
	"fstat",
	"stat64",
	"lstat64",
	"fstat64",
	"newfstatat",
	"fstatat64",
	"statx",
	"fstatfs",
	"statfs",
	"getdents",
	"getdents64",
	"readlink",
	"readlinkat",
	"getcwd",
	"umask",
	"chmod",
	"fchmod",
	"fchmodat",
	"unlink",
	"unlinkat",
	"ftruncate",
	"fadvise64",
	/* memory */
	"brk",
	"munmap",
	"mremap",
	"madvise",
	/* threads and signals */
	"futex",
	"futex_time64",
	"futex_waitv",
	"set_robust_list",
	"rseq",
	"set_tid_address",
	"arch_prctl",
	"exit",
	"exit_group",
	"rt_sigaction",
	"rt_sigprocmask",
	"rt_sigreturn",
	"rt_sigtimedwait",
	"sigaltstack",
	"sigreturn",
	"restart_syscall",
	"sched_yield",
	"sched_getaffinity",
	"membarrier",
	"getcpu",
	/* time, and who and where we are */
	"clock_gettime",
	"clock_gettime64",
	"clock_getres",
	"clock_nanosleep",
	"nanosleep",
	"gettimeofday",
	"time",
	"times",
	"getrandom",
	"getpid",
	"getppid",
	"gettid",
	"getuid",
	"geteuid",
	"getgid",
	"getegid",
	"getresuid",
	"getresgid",
	"getgroups",
	"getrlimit",
	"getrusage",
	"sysinfo",
	"uname",
	/* a further filter only forbids more */
	"seccomp",
};

static const uint64_t controls[] = {FIONBIO,      FIOCLEX,     FIONCLEX,
				    FIONREAD,     TCGETS,      TIOCGWINSZ,
				    SIOCGIFINDEX, SIOCGIFNAME, SIOCGIFFLAGS,
				    SIOCGIFCONF,  SIOCOUTQ,    SIOCATMARK,
				    SIOCGIFADDR};

static const uint64_t self_controls[] = {PR_SET_NAME, PR_GET_NAME, PR_SET_VMA,
					 PR_SET_NO_NEW_PRIVS};

static struct {
	uint32_t deny; /* an action */
	bool serves;
	void (*refused)(void);
	atomic_int last;
	atomic_uint count;
} calls;

/* 0 for what this architecture, or libseccomp, does not know. */
static int add(scmp_filter_ctx f, uint32_t action, const char *name,
	       const struct scmp_arg_cmp *args, unsigned count)
{
	int number = seccomp_syscall_resolve_name(name);

	if (number == __NR_SCMP_ERROR)
		return 0;
	return seccomp_rule_add_array(f, action, number, count, args);
}

static struct scmp_arg_cmp is(unsigned arg, uint64_t value)
{
	return (struct scmp_arg_cmp){
		.arg = arg, .op = SCMP_CMP_EQ, .datum_a = value};
}

static struct scmp_arg_cmp has_bits(unsigned arg, uint64_t mask, uint64_t bits)
{
	return (struct scmp_arg_cmp){.arg = arg,
				     .op = SCMP_CMP_MASKED_EQ,
				     .datum_a = mask,
				     .datum_b = bits};
}

static int allow_value(scmp_filter_ctx f, const char *name, unsigned arg,
		       uint64_t value)
{
	const struct scmp_arg_cmp args = is(arg, value);

	return add(f, SCMP_ACT_ALLOW, name, &args, 1);
}

static int allow_bits(scmp_filter_ctx f, const char *name, unsigned arg,
		      uint64_t mask, uint64_t bits)
{
	const struct scmp_arg_cmp args = has_bits(arg, mask, bits);

	return add(f, SCMP_ACT_ALLOW, name, &args, 1);
}

enum { TYPE_MASK = 0xf }; /* without SOCK_NONBLOCK and SOCK_CLOEXEC */

static int socket_rule(scmp_filter_ctx f, uint32_t action, int family, int type)
{
	const struct scmp_arg_cmp args[] = {is(0, (uint64_t)family),
					    has_bits(1, TYPE_MASK,
						     (uint64_t)type)};

	return add(f, action, "socket", args, 2);
}

static int netlink_rule(scmp_filter_ctx f, uint32_t action)
{
	const struct scmp_arg_cmp args[] = {is(0, AF_NETLINK),
					    is(2, NETLINK_ROUTE)};

	return add(f, action, "socket", args, 2);
}

static int allow_sockets(scmp_filter_ctx f)
{
	static const int families[] = {AF_INET, AF_INET6, AF_UNIX};
	int err = netlink_rule(f, SCMP_ACT_ALLOW);

	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		if (err == 0)
			err = socket_rule(f, SCMP_ACT_ALLOW, families[i],
					  SOCK_STREAM);
		if (err == 0)
			err = socket_rule(f, SCMP_ACT_ALLOW, families[i],
					  SOCK_DGRAM);
	}
	if (err == 0)
		err = allow_value(f, "socketpair", 0, AF_UNIX);
	return err;
}

/* Memory that can be written to never becomes code. */
static int allow_memory(scmp_filter_ctx f, bool load_code)
{
	static const char *const names[] = {"mmap", "mmap2", "mprotect"};
	int err = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (err == 0)
			err = allow_bits(f, names[i], 2, PROT_EXEC, 0);
		if (err == 0 && load_code)
			err = allow_bits(f, names[i], 2, PROT_EXEC | PROT_WRITE,
					 PROT_EXEC);
	}
	return err;
}

/* Threads are started, processes are not. clone3() hides its flags from a
 * filter; where it is missing, clone() is called. */
static int allow_threads(scmp_filter_ctx f)
{
	int err = allow_bits(f, "clone", 0, CLONE_THREAD, CLONE_THREAD);

	if (err == 0)
		err = add(f, SCMP_ACT_ERRNO(ENOSYS), "clone3", NULL, 0);
	/* libuv asks whether it is there, and does without. */
	if (err == 0)
		err = add(f, SCMP_ACT_ERRNO(ENOSYS), "io_uring_setup", NULL, 0);
	/* abort() */
	if (err == 0)
		err = allow_value(f, "tgkill", 0, (uint64_t)getpid());
	return err;
}

static int allow_by_argument(scmp_filter_ctx f,
			     const struct syscalls_plan *plan)
{
	int err = allow_sockets(f);

	if (err == 0)
		err = allow_memory(f, plan->load_code);
	if (err == 0)
		err = allow_threads(f);
	for (size_t i = 0; i < sizeof(controls) / sizeof(controls[0]); i++)
		err = err < 0 ? err : allow_value(f, "ioctl", 1, controls[i]);
	for (size_t i = 0; i < sizeof(self_controls) / sizeof(self_controls[0]);
	     i++)
		err = err < 0 ? err
			      : allow_value(f, "prctl", 0, self_controls[i]);
	/* Limits are read, not set. */
	if (err == 0)
		err = allow_value(f, "prlimit64", 2, 0);
	return err;
}

#if defined(__x86_64__) || defined(__aarch64__)
enum { CAN_TELL = 1 };

/* What the call returns. */
static void set_result(ucontext_t *at, long result)
{
#ifdef __x86_64__
	at->uc_mcontext.gregs[REG_RAX] = result;
#else
	at->uc_mcontext.regs[0] = (unsigned long long)result;
#endif
}
#else
enum { CAN_TELL = 0 };

static void set_result(ucontext_t *at, long result)
{
	(void)at;
	(void)result;
}
#endif

/* The whole filter, or a part of one that only forbids. */
static scmp_filter_ctx begin(uint32_t other)
{
	scmp_filter_ctx f = seccomp_init(other);

	if (!f)
		return NULL;
	/* All threads; no slower than without, which is for those who run code
	 * of others; and looked up as in a tree. */
	seccomp_attr_set(f, SCMP_FLTATR_CTL_TSYNC, 1);
	seccomp_attr_set(f, SCMP_FLTATR_CTL_SSB, 1);
	seccomp_attr_set(f, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	/* Where nobody else can tell, the kernel's log does. */
	if (!CAN_TELL)
		seccomp_attr_set(f, SCMP_FLTATR_CTL_LOG, 1);
	return f;
}

static void on_refused(int number, siginfo_t *info, void *context)
{
	int before = errno;

	(void)number;
	atomic_store(&calls.last, info->si_syscall);
	atomic_fetch_add(&calls.count, 1);
	set_result(context, -EPERM);
	if (calls.refused)
		calls.refused();
	errno = before;
}

/* The kernel refuses, and we tell of it, where we know how to. */
static int choose_action(const struct syscalls_plan *plan)
{
	struct sigaction tell = {.sa_sigaction = on_refused,
				 .sa_flags = SA_SIGINFO | SA_RESTART};

	calls.refused = plan->refused;
	if (plan->kill)
		calls.deny = SCMP_ACT_KILL_PROCESS;
	else if (CAN_TELL)
		calls.deny = SCMP_ACT_TRAP;
	else
		calls.deny = SCMP_ACT_ERRNO(EPERM);
	if (calls.deny == SCMP_ACT_TRAP && sigaction(SIGSYS, &tell, NULL) < 0)
		return -errno;
	return 0;
}

int syscalls_serve(const struct syscalls_plan *plan)
{
	int err = choose_action(plan);
	scmp_filter_ctx f = err == 0 ? begin(calls.deny) : NULL;

	if (!f)
		return err < 0 ? err : -ENOMEM;
	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
		err = err < 0 ? err
			      : add(f, SCMP_ACT_ALLOW, allowed[i], NULL, 0);
	if (err == 0)
		err = allow_by_argument(f, plan);
	if (err == 0)
		err = seccomp_load(f);
	seccomp_release(f);
	calls.serves = err == 0;
	return err;
}

/* Quietly: a connection that was just about to be made is in the right. */
static int forbid_new(scmp_filter_ctx f)
{
	static const char *const names[] = {"bind", "listen"};
	static const int families[] = {AF_INET, AF_INET6};
	int err = netlink_rule(f, SCMP_ACT_ERRNO(EPERM));

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		err = err < 0 ? err
			      : add(f, SCMP_ACT_ERRNO(EPERM), names[i], NULL,
				    0);
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		err = err < 0 ? err
			      : socket_rule(f, SCMP_ACT_ERRNO(EPERM),
					    families[i], SOCK_STREAM);
	return err;
}

void syscalls_end(void)
{
	scmp_filter_ctx f;

	if (!calls.serves)
		return;
	calls.serves = false;
	f = begin(SCMP_ACT_ALLOW);
	if (!f)
		return;
	if (forbid_new(f) == 0)
		seccomp_load(f);
	seccomp_release(f);
}

unsigned syscalls_refused(char *buf, size_t size)
{
	unsigned count = atomic_exchange(&calls.count, 0);
	char *name =
		seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, calls.last);

	snprintf(buf, size, "%s", name ? name : "one without a name");
	free(name);
	return count;
}

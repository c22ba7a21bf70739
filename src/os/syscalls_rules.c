#include "os/syscalls_rules.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
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
	"recvmmsg_time64",
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
	"ppoll_time64",
	"select",
	"_newselect",
	"pselect6",
	"pselect6_time64",
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
	"timerfd_settime64",
	"dup",
	"dup2",
	"dup3",
	"flock",
	/* files: where, Landlock says */
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
	"rt_sigtimedwait_time64",
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
	"clock_getres_time64",
	"clock_nanosleep",
	"clock_nanosleep_time64",
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

/* F_SETOWN, with F_SETSIG, would have the kernel signal other processes for it. */
static const uint64_t on_descriptors[] = {
	F_DUPFD,      F_DUPFD_CLOEXEC, F_GETFD,      F_SETFD,     F_GETFL,
	F_GETLK,      F_SETLK,         F_SETLKW,     F_OFD_GETLK, F_OFD_SETLK,
	F_OFD_SETLKW, F_SETPIPE_SZ,    F_GETPIPE_SZ,
};

enum { OWN_MODES = 07777 & ~0777 }; /* set-user-ID and the like */

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

enum {
	TYPE_MASK = 0xf, /* without SOCK_NONBLOCK and SOCK_CLOEXEC */
	ANY_TYPE = 0,
};

/* Other protocols (SCTP, UDP-Lite, ping) have the kernel load modules. */
static const struct {
	int family, type, protocol;
} sockets[] = {
	{AF_INET, SOCK_STREAM, 0},
	{AF_INET, SOCK_STREAM, IPPROTO_TCP},
	{AF_INET, SOCK_DGRAM, 0},
	{AF_INET, SOCK_DGRAM, IPPROTO_UDP},
	{AF_INET6, SOCK_STREAM, 0},
	{AF_INET6, SOCK_STREAM, IPPROTO_TCP},
	{AF_INET6, SOCK_DGRAM, 0},
	{AF_INET6, SOCK_DGRAM, IPPROTO_UDP},
	{AF_UNIX, SOCK_STREAM, 0},
	{AF_UNIX, SOCK_DGRAM, 0},
	{AF_NETLINK, ANY_TYPE, NETLINK_ROUTE},
};

static int allow_sockets(scmp_filter_ctx f)
{
	int err = 0;

	for (size_t i = 0; i < sizeof(sockets) / sizeof(sockets[0]); i++) {
		const struct scmp_arg_cmp args[] = {
			is(0, (uint64_t)sockets[i].family),
			is(2, (uint64_t)sockets[i].protocol),
			has_bits(1, TYPE_MASK, (uint64_t)sockets[i].type)};

		if (err == 0)
			err = add(f, SCMP_ACT_ALLOW, "socket", args,
				  sockets[i].type == ANY_TYPE ? 2 : 3);
	}
	if (err == 0)
		err = allow_value(f, "socketpair", 0, AF_UNIX);
	return err;
}

/* Memory that can be written to never becomes code; files may, where libraries
 * are loaded. */
static int allow_memory(scmp_filter_ctx f, bool load_code)
{
	static const char *const names[] = {"mmap", "mmap2", "mprotect"};
	const struct scmp_arg_cmp code[] = {
		has_bits(2, PROT_EXEC | PROT_WRITE, PROT_EXEC),
		has_bits(3, MAP_SHARED | MAP_ANONYMOUS, 0)};
	int err = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		err = err < 0 ? err : allow_bits(f, names[i], 2, PROT_EXEC, 0);
	for (size_t i = 0; i < 2 && load_code; i++)
		err = err < 0 ? err : add(f, SCMP_ACT_ALLOW, names[i], code, 2);
	return err;
}

enum {
	OWN_NAMESPACES = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC |
			 CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET |
			 CLONE_NEWCGROUP,
#if defined(__s390__)
	CLONE_FLAGS = 1, /* clone(2): there the stack comes first */
#else
	CLONE_FLAGS = 0,
#endif
};

/* libuv asks whether it is there, and does without. */
int rules_forbid_rings(scmp_filter_ctx f)
{
	return add(f, SCMP_ACT_ERRNO(ENOSYS), "io_uring_setup", NULL, 0);
}

/* Threads are started, processes are not. clone3() hides its flags from a
 * filter; where it is missing, clone() is called. */
static int allow_threads(scmp_filter_ctx f)
{
	int err = allow_bits(f, "clone", CLONE_FLAGS,
			     CLONE_THREAD | OWN_NAMESPACES, CLONE_THREAD);

	if (err == 0)
		err = add(f, SCMP_ACT_ERRNO(ENOSYS), "clone3", NULL, 0);
	if (err == 0)
		err = rules_forbid_rings(f);
	/* abort() */
	if (err == 0)
		err = allow_value(f, "tgkill", 0, (uint64_t)getpid());
	return err;
}

static int allow_descriptors(scmp_filter_ctx f)
{
	static const char *const names[] = {"fcntl", "fcntl64"};
	const struct scmp_arg_cmp flags[] = {is(1, F_SETFL),
					     has_bits(2, O_ASYNC, 0)};
	int err = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		err = err < 0 ? err
			      : add(f, SCMP_ACT_ALLOW, names[i], flags, 2);
		for (size_t j = 0;
		     j < sizeof(on_descriptors) / sizeof(on_descriptors[0]);
		     j++)
			err = err < 0 ? err
				      : allow_value(f, names[i], 1,
						    on_descriptors[j]);
	}
	return err;
}

/* Before Linux 6.2 Landlock lets whoever may read a file empty it, and it never
 * looks at whose a file's mode is changed. */
static int allow_files(scmp_filter_ctx f, bool change_modes)
{
	int err = allow_bits(f, "open", 1, O_TRUNC, 0);

	if (err == 0)
		err = allow_bits(f, "openat", 2, O_TRUNC, 0);
	if (err == 0 && change_modes)
		err = allow_bits(f, "chmod", 1, OWN_MODES, 0);
	if (err == 0 && change_modes)
		err = allow_bits(f, "fchmodat", 2, OWN_MODES, 0);
	return err;
}

static int allow_by_argument(scmp_filter_ctx f,
			     const struct syscalls_plan *plan)
{
	int err = allow_sockets(f);

	if (err == 0)
		err = allow_descriptors(f);
	if (err == 0)
		err = allow_files(f, plan->change_modes);
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

int rules_serve(scmp_filter_ctx f, const struct syscalls_plan *plan)
{
	int err = 0;

	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
		err = err < 0 ? err
			      : add(f, SCMP_ACT_ALLOW, allowed[i], NULL, 0);
	return err < 0 ? err : allow_by_argument(f, plan);
}

int rules_end(scmp_filter_ctx f)
{
	static const char *const names[] = {"listen", "chmod", "fchmodat"};
	int err = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		err = err < 0 ? err
			      : add(f, SCMP_ACT_ERRNO(EPERM), names[i], NULL,
				    0);
	return err;
}

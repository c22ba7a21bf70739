#include "os/syscalls.h"

#include "os/syscalls_rules.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

static struct {
	uint32_t deny; /* an action */
	void (*refused)(void);
	atomic_int last;
	atomic_uint count;
	struct sock_fprog serve,
		end; /* filters of rules_serve(), rules_end() */
} calls;

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

/* One that does so with all calls that it has no rule for. */
static scmp_filter_ctx new_filter(uint32_t other)
{
	scmp_filter_ctx f = seccomp_init(other);

	if (!f)
		return NULL;
	/* Calls of another architecture, which this program has none of. */
	seccomp_attr_set(f, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	/* Looked up as in a tree. */
	seccomp_attr_set(f, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	return f;
}

/* From here on calls have the same number everywhere. Libraries find that such a
 * one is missing, and do with an older one. */
enum { FIRST_NEW_CALL = 424 };

static void on_refused(int number, siginfo_t *info, void *context)
{
	int before = errno;

	(void)number;
	atomic_store(&calls.last, info->si_syscall);
	atomic_fetch_add(&calls.count, 1);
	set_result(context,
		   info->si_syscall >= FIRST_NEW_CALL ? -ENOSYS : -EPERM);
	if (calls.refused)
		calls.refused();
	errno = before;
}

/* The kernel refuses, and we tell of it, where we know how to. */
static void choose_action(const struct syscalls_plan *plan)
{
	calls.refused = plan->refused;
	if (plan->kill)
		calls.deny = SCMP_ACT_KILL_PROCESS;
	else if (CAN_TELL)
		calls.deny = SCMP_ACT_TRAP;
	else
		calls.deny = SCMP_ACT_ERRNO(EPERM);
}

static int tell_of_refused(void)
{
	struct sigaction tell = {.sa_sigaction = on_refused,
				 .sa_flags = SA_SIGINFO | SA_RESTART};

	if (calls.deny == SCMP_ACT_TRAP && sigaction(SIGSYS, &tell, NULL) < 0)
		return -errno;
	return 0;
}

/* What is in fd becomes *p, whose instructions are the caller's to free. */
static int read_program(int fd, struct sock_fprog *p)
{
	off_t size = lseek(fd, 0, SEEK_END);
	struct sock_filter *code;

	if (size < 0)
		return -errno;
	code = malloc((size_t)size);
	if (!code)
		return -ENOMEM;
	if (pread(fd, code, (size_t)size, 0) != size) {
		free(code);
		return -EIO;
	}
	p->filter = code;
	p->len = (unsigned short)((size_t)size / sizeof(*code));
	return 0;
}

/* Make *p of f, which it takes, if nothing has gone wrong with that. Likewise. */
static int make_program(scmp_filter_ctx f, int err, struct sock_fprog *p)
{
	int fd = err == 0 ? memfd_create("lowport-seccomp", MFD_CLOEXEC) : -1;

	if (err == 0)
		err = fd < 0 ? -errno : seccomp_export_bpf(f, fd);
	if (err == 0)
		err = read_program(fd, p);
	seccomp_release(f);
	if (fd >= 0)
		close(fd);
	return err;
}

static void forget(struct sock_fprog *p)
{
	free(p->filter);
	p->filter = NULL;
}

/* All threads; no slower than without, which is for those who run code of others;
 * and where nobody else can tell, the kernel's log does. */
static int load(const struct sock_fprog *p)
{
	const unsigned flags = SECCOMP_FILTER_FLAG_TSYNC |
			       SECCOMP_FILTER_FLAG_SPEC_ALLOW |
			       (CAN_TELL ? 0 : SECCOMP_FILTER_FLAG_LOG);
	long other;

	other = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, p);
	/* Before Linux 4.17 only the first one was known. */
	if (other < 0 && errno == EINVAL)
		other = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
				SECCOMP_FILTER_FLAG_TSYNC, p);
	/* A thread that cannot follow. */
	return other > 0 ? -ESRCH : other < 0 ? -errno : 0;
}

static int forbid_rings(void)
{
	struct sock_fprog rings = {0};
	scmp_filter_ctx f = new_filter(SCMP_ACT_ALLOW);
	int err = make_program(f, f ? rules_forbid_rings(f) : -ENOMEM, &rings);

	if (err == 0)
		err = load(&rings);
	forget(&rings);
	return err;
}

static int make_filters(const struct syscalls_plan *plan)
{
	scmp_filter_ctx f = new_filter(calls.deny);
	int err = f ? rules_serve(f, plan) : -ENOMEM;

	err = make_program(f, err, &calls.serve);
	if (err < 0)
		return err;
	f = new_filter(SCMP_ACT_ALLOW);
	return make_program(f, f ? rules_end(f) : -ENOMEM, &calls.end);
}

int syscalls_begin(const struct syscalls_plan *plan)
{
	int err = forbid_rings();

	choose_action(plan);
	if (err == 0)
		err = make_filters(plan);
	if (err < 0) {
		forget(&calls.serve);
		forget(&calls.end);
	}
	return err;
}

int syscalls_serve(void)
{
	int err = tell_of_refused();

	if (err == 0)
		err = load(&calls.serve);
	forget(&calls.serve);
	if (err < 0)
		forget(&calls.end);
	return err;
}

void syscalls_end(void)
{
	if (calls.end.filter)
		load(&calls.end);
	forget(&calls.end);
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

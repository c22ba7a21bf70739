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
	struct sock_fprog end; /* of rules_end() */
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

/* The whole filter, or a part of one that only forbids. */
static scmp_filter_ctx begin(uint32_t other)
{
	scmp_filter_ctx f = seccomp_init(other);

	if (!f)
		return NULL;
	/* Calls of another architecture, which this program has none of. */
	seccomp_attr_set(f, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
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

/* The filter of rules_end(). Beforehand: libseccomp wants memory to make it, and
 * does not survive that there is none. */
static int prepare_end(void)
{
	int fd = memfd_create("lowport-seccomp", MFD_CLOEXEC), err;
	scmp_filter_ctx f = begin(SCMP_ACT_ALLOW);

	err = f ? rules_end(f) : -ENOMEM;
	if (err == 0)
		err = fd < 0 ? -errno : seccomp_export_bpf(f, fd);
	if (err == 0)
		err = read_program(fd, &calls.end);
	seccomp_release(f);
	if (fd >= 0)
		close(fd);
	return err;
}

static void forget_end(void)
{
	free(calls.end.filter);
	calls.end.filter = NULL;
}

int syscalls_serve(const struct syscalls_plan *plan)
{
	int err = choose_action(plan);
	scmp_filter_ctx f;

	if (err == 0)
		err = prepare_end();
	if (err < 0)
		return err;
	f = begin(calls.deny);
	err = f ? rules_serve(f, plan->load_code) : -ENOMEM;
	if (err == 0)
		err = seccomp_load(f);
	seccomp_release(f);
	if (err < 0)
		forget_end();
	return err;
}

int syscalls_begin(void)
{
	scmp_filter_ctx f = begin(SCMP_ACT_ALLOW);
	int err = f ? rules_forbid_rings(f) : -ENOMEM;

	if (err == 0)
		err = seccomp_load(f);
	seccomp_release(f);
	return err;
}

void syscalls_end(void)
{
	if (!calls.end.filter)
		return;
	syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
		SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_SPEC_ALLOW,
		&calls.end);
	forget_end();
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

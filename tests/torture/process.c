// SPDX-License-Identifier: GPL-2.0
/*
 * Operations of memory actors that take another process, or thread: fork, exec,
 * sharing an mm, ptrace, writing to each other, userfaultfd, and the death of
 * pages and processes. The mappings are those of memory.c.
 */
#include <fcntl.h>
#include <linux/mempolicy.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>
#include "torture.h"

#ifndef MADV_SOFT_OFFLINE
#define MADV_SOFT_OFFLINE 101
#endif
#ifndef MADV_HWPOISON
#define MADV_HWPOISON 100
#endif

/* ---- forks ---- */

/* Both write to what they share, the child with the same stamps. */
int op_fork(struct actor *a)
{
	struct region *r = random_region(a);
	unsigned long half, wait = below(a, 20);
	pid_t pid;

	if (!r)
		return NOTHING;
	half = r->pages / 2;
	pid = fork_child(a);
	if (pid < 0)
		return errno;
	if (!pid) {
		if (r->stamped && !check_stamps(r, 0, r->pages))
			_exit(1);
		write_stamps(r, half, r->pages - half);
		usleep(wait * 1000);
		_exit(r->stamped && !check_stamps(r, 0, r->pages) ? 1 : 0);
	}
	write_stamps(r, 0, half);
	return await_child(a, pid);
}

/* A child with children, which outlive it for a moment. */
int op_fork_deep(struct actor *a)
{
	struct region *r = random_region(a);
	unsigned long many = 2 + below(a, 4);
	pid_t pid;

	if (!r)
		return NOTHING;
	pid = fork_child(a);
	if (pid < 0)
		return errno;
	if (!pid) {
		for (unsigned long i = 0; i < many; i++) {
			if (fork())
				continue;
			alarm(2);
			write_stamps(r, 0, r->pages / (i + 1));
			_exit(0);
		}
		_exit(0);
	}
	return await_child(a, pid);
}

int touch_and_exit(const char *pages)
{
	size_t size = strtoul(pages, NULL, 10) * PAGE;
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_ANONYMOUS | MAP_PRIVATE, -1, 0);

	if (p == MAP_FAILED)
		return 1;
	for (size_t i = 0; i < size; i += PAGE)
		p[i] = 1;
	return 0;
}

int op_exec(struct actor *a)
{
	char pages[16];
	pid_t pid;

	snprintf(pages, sizeof(pages), "%lu", 1 + below(a, 300));
	pid = fork_child(a);
	if (pid < 0)
		return errno;
	if (!pid) {
		execl(WORK "/exe", "torture", "--touch", pages, NULL);
		_exit(1);
	}
	return await_child(a, pid);
}

int op_vfork(struct actor *a)
{
	char pages[16];
	pid_t pid;

	snprintf(pages, sizeof(pages), "%lu", 1 + below(a, 300));
	pid = vfork();
	if (pid < 0)
		return errno;
	if (!pid) {
		execl(WORK "/exe", "torture", "--touch", pages, NULL);
		_exit(1);
	}
	a->slot->child = pid;
	return await_child(a, pid);
}

/* ---- sharing an mm ---- */

struct part {
	struct region *region;
	size_t from;
	size_t count;
};

static int write_part(void *arg)
{
	struct part *part = arg;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (int i = 0; i < 3; i++)
		write_stamps(part->region, part->from, part->count);
	return 0;
}

/* Another process that is not a thread of this one, but has its memory. */
int op_sharer(struct actor *a)
{
	struct region *r = random_region(a);
	struct part part;
	char *stack;
	pid_t pid;
	int err;

	if (!r)
		return NOTHING;
	part = (struct part){ r, 0, r->pages };
	stack = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE,
		     MAP_ANONYMOUS | MAP_PRIVATE, -1, 0);
	if (stack == MAP_FAILED)
		return errno;
	pid = clone(write_part, stack + 16 * PAGE, CLONE_VM | SIGCHLD, &part);
	if (pid < 0) {
		err = errno;
	} else {
		a->slot->child = pid;
		err = await_child(a, pid);
	}
	munmap(stack, 16 * PAGE);
	return err;
}

static void *thread(void *arg)
{
	struct part *part = arg;

	for (int i = 0; i < 3; i++) {
		write_stamps(part->region, part->from, part->count);
		madvise(part->region->p + part->from * PAGE,
			part->count * PAGE, MADV_DONTNEED);
	}
	return NULL;
}

int op_threads(struct actor *a)
{
	struct region *r = random_region(a);
	unsigned long nr = 1 + below(a, 6), started = 0;
	pthread_t threads[6];
	struct part parts[6];
	int err = 0;

	if (!r)
		return NOTHING;
	for (unsigned long i = 0; i < nr && !err; i++) {
		parts[i] = (struct part){ r, r->pages * i / nr,
			r->pages * (i + 1) / nr - r->pages * i / nr };
		err = pthread_create(&threads[i], NULL, thread, &parts[i]);
		started += !err;
	}
	for (unsigned long i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	return err;
}

/* ---- into the memory of others ---- */

int op_ptrace(struct actor *a)
{
	struct region *r = random_region(a);
	int status, err = 0;
	pid_t pid;

	if (!r)
		return NOTHING;
	pid = fork_child(a);
	if (pid < 0)
		return errno;
	if (!pid) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		/* cppcheck-suppress unreachableCode ; it is continued */
		_exit(0);
	}
	/* the child's page, copied for it by its parent */
	if (waitpid(pid, &status, 0) == pid && WIFSTOPPED(status)) {
		for (int i = 0; i < 20; i++) {
			if (!ptrace(PTRACE_POKEDATA, pid,
				    r->p + below(a, r->pages) * PAGE + 8, i))
				continue;
			err = errno;
			break;
		}
		if (ptrace(PTRACE_DETACH, pid, NULL, NULL) && !err)
			/* cppcheck-suppress unreadVariable ; it is returned below */
			err = errno;
		kill(pid, SIGCONT);
		return await_child(a, pid) ?: err;
	}
	a->slot->child = 0;
	return ECHILD;
}

static pid_t random_other(struct actor *a)
{
	struct slot *slot = &shared->slot[below(a, shared->nr_slots)];

	return slot->kind == &memory_kind && slot != a->slot ? slot->pid : 0;
}

int op_vm_write(struct actor *a)
{
	/* cppcheck-suppress unassignedVariable ; zeroes will do */
	static char buf[MAILBOX_PAGES * PAGE];
	struct iovec here = { buf, (1 + below(a, MAILBOX_PAGES)) * PAGE };
	struct iovec there = { MAILBOX, here.iov_len };
	pid_t pid = random_other(a);

	if (!pid)
		return NOTHING;
	if (chance(a, 30))
		madvise(MAILBOX, MAILBOX_PAGES * PAGE, MADV_DONTNEED);
	return process_vm_writev(pid, &here, 1, &there, 1, 0) < 0 ? errno : 0;
}

int op_proc_mem(struct actor *a)
{
	static const char * const names[] = {
		"mem", "smaps", "pagemap", "clear_refs", "oom_score_adj", "mem",
	};
	static char buf[16 * PAGE];
	int i = below(a, 6), err = 0, fd;
	pid_t pid = random_other(a);
	char path[64];

	if (!pid)
		return NOTHING;
	snprintf(path, sizeof(path), "/proc/%d/%s", pid, names[i]);
	if (!strcmp(names[i], "clear_refs"))
		return put(path, "1");
	if (!strcmp(names[i], "oom_score_adj"))
		return putf(path, "%lu", below(a, 1000));
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	if (!strcmp(names[i], "mem")) {
		if (pwrite(fd, buf, PAGE * (1 + below(a, 16)), (off_t)MAILBOX) < 0)
			err = errno;
	} else {
		for (int j = 0; j < 20 && read(fd, buf, sizeof(buf)) > 0; j++)
			;
	}
	close(fd);
	return err;
}

/* ---- userfaultfd: this fills a mapping page by page as another reads it ---- */

struct filler {
	int fd;
	bool zero;
	char *from;
};

/* A page that it faults in. */
static char own_page[PAGE] __attribute__((aligned(4096)));

static void *fill(void *arg)
{
	struct filler *filler = arg;
	struct pollfd pfd = { filler->fd, POLLIN, 0 };
	struct uffd_msg msg;

	while (poll(&pfd, 1, -1) > 0 &&
	       read(filler->fd, &msg, sizeof(msg)) == sizeof(msg)) {
		unsigned long to = msg.arg.pagefault.address & ~(PAGE - 1);
		struct uffdio_copy copy = {
			.dst = to, .src = (unsigned long)filler->from, .len = PAGE,
		};
		struct uffdio_zeropage zero = { .range = { to, PAGE } };

		if (msg.event != UFFD_EVENT_PAGEFAULT)
			break;
		/* whatever is short now, the other waits until this is done */
		while (ioctl(filler->fd, filler->zero ? UFFDIO_ZEROPAGE :
							UFFDIO_COPY,
			     filler->zero ? (void *)&zero : (void *)&copy) &&
		       (errno == EAGAIN || errno == ENOMEM)) {
			copy.copy = 0;
			zero.zeropage = 0;
			/* this does not wait for room, but a fault does */
			madvise(own_page, PAGE, MADV_DONTNEED);
			*(volatile char *)own_page = 1;
		}
	}
	return NULL;
}

int op_userfault(struct actor *a)
{
	size_t pages = 1 + below(a, 64);
	char *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
		       MAP_ANONYMOUS | (chance(a, 50) ? MAP_PRIVATE : MAP_SHARED),
		       -1, 0);
	struct filler filler = { .zero = chance(a, 30) };
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = {
		.range = { (unsigned long)p, pages * PAGE },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	struct uffdio_range range = reg.range;
	pthread_t worker;
	char from[2 * PAGE];
	int err = 0;

	if (p == MAP_FAILED)
		return errno;
	filler.from = (char *)from + (-(uintptr_t)from & (PAGE - 1));
	memset(from, 7, sizeof(from));
	filler.fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (filler.fd < 0 || ioctl(filler.fd, UFFDIO_API, &api) ||
	    ioctl(filler.fd, UFFDIO_REGISTER, &reg))
		err = errno;
	if (!err)
		err = pthread_create(&worker, NULL, fill, &filler);
	if (!err) {
		for (size_t i = 0; i < pages; i++) {
			char c = *(volatile char *)(p + i * PAGE);

			if (c != (filler.zero ? 0 : 7))
				corrupt("userfaultfd: %d", c);
		}
		ioctl(filler.fd, UFFDIO_UNREGISTER, &range);
		/* nothing more comes: it need not wait until its poll is over */
		pthread_cancel(worker);
		pthread_join(worker, NULL);
	}
	if (filler.fd >= 0)
		close(filler.fd);
	munmap(p, pages * PAGE);
	return err;
}

/* ---- death ---- */

/* All threads at once, in the middle of faults. */
int op_die(struct actor *a)
{
	struct region *r = random_region(a);
	struct part part;
	pthread_t t;
	pid_t pid;

	if (!r)
		return NOTHING;
	part = (struct part){ r, 0, r->pages };
	pid = fork_child(a);
	if (pid < 0)
		return errno;
	if (!pid) {
		for (int i = 0; i < 3; i++)
			pthread_create(&t, NULL, thread, &part);
		usleep(2000);
		kill(getpid(), SIGKILL);
	}
	return await_child(a, pid) == ECHILD ? 0 : EPROTO;
}

/*
 * Poisoned pages are lost until the guest ends, so there are but a few in all.
 * It is a child's page, as whoever has it may be killed.
 */
static int lose_page(struct actor *a, int advice, int *left)
{
	int how = below(a, 3), status;
	char *p;
	pid_t pid;

	if (__atomic_sub_fetch(left, 1, __ATOMIC_RELAXED) < 0)
		return NOTHING;
	pid = fork_child(a);
	if (pid < 0)
		return errno;
	if (!pid) {
		p = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_ANONYMOUS |
			 (how ? MAP_PRIVATE : MAP_SHARED), -1, 0);
		if (p == MAP_FAILED)
			_exit(2);
		memset(p, 1, 8 * PAGE);
		if (madvise(p + 3 * PAGE, PAGE, advice))
			_exit(errno);
		if (how == 2)
			*(volatile char *)(p + 3 * PAGE) = 2;
		_exit(0);
	}
	waitpid(pid, &status, 0);
	a->slot->child = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 0;
}

int op_soft_offline(struct actor *a)
{
	return lose_page(a, MADV_SOFT_OFFLINE, &shared->offline_left);
}

int op_poison(struct actor *a)
{
	return lose_page(a, MADV_HWPOISON, &shared->poison_left);
}

/* ---- from node to node ---- */

int op_migrate(struct actor *a)
{
	unsigned long node = below(a, 2), mask = 1UL << node, other = 3 & ~mask;
	struct region *r = random_region(a);
	void *pages[64];
	int nodes[64], status[64];

	if (!r)
		return NOTHING;
	switch (below(a, 3)) {
	case 0:
		return syscall(SYS_mbind, r->p, r->pages * PAGE, MPOL_BIND, &mask,
			       3, MPOL_MF_MOVE) < 0 ? errno : 0;
	case 1:
		return syscall(SYS_migrate_pages, 0, 3, &other, &mask) < 0 ?
		       errno : 0;
	}
	for (int i = 0; i < 64; i++) {
		pages[i] = r->p + below(a, r->pages) * PAGE;
		nodes[i] = node;
	}
	return syscall(SYS_move_pages, 0, 64, pages, nodes, status,
		       MPOL_MF_MOVE) < 0 ? errno : 0;
}

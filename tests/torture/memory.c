// SPDX-License-Identifier: GPL-2.0
/*
 * Actors that map memory, use it, advise on it and unmap it. Each page that they
 * write has a stamp in it, which says what page of what mapping it is: whatever
 * is done with it, it reads as that, or as zero where it was given up.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "torture.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

static struct region regions[REGIONS];
static uint64_t next_id;

struct region *random_region(struct actor *a)
{
	struct region *r = &regions[below(a, REGIONS)];

	return r->p ? r : NULL;
}

/* ---- stamps ---- */

static uint64_t stamp(struct region *r, size_t page)
{
	return (r->id << 32 | (r->same ? 0 : page)) + 1;
}

void write_stamps(struct region *r, size_t from, size_t count)
{
	for (size_t i = from; i < from + count; i++)
		*(volatile uint64_t *)(r->p + i * PAGE) = stamp(r, i);
}

bool check_stamps(struct region *r, size_t from, size_t count)
{
	for (size_t i = from; i < from + count; i++) {
		uint64_t is = *(volatile uint64_t *)(r->p + i * PAGE);

		if (is && r->stamped && is != stamp(r, i)) {
			corrupt("%d: page %zu of %zu at %p is %#lx, not %#lx",
				getpid(), i, r->pages, (void *)r->p, is,
				stamp(r, i));
			return false;
		}
	}
	return true;
}

/* Some of its pages; fewer than all, mostly. */
static void random_range(struct actor *a, struct region *r, size_t *from,
			 size_t *count)
{
	if (chance(a, 30)) {
		*from = 0;
		*count = r->pages;
		return;
	}
	*from = below(a, r->pages);
	*count = 1 + below(a, r->pages - *from);
}

/* ---- mapping ---- */

static struct region *new_region(struct actor *a)
{
	struct region *r = &regions[below(a, REGIONS)];

	if (r->p) {
		munmap(r->p, r->pages * PAGE);
		r->p = NULL;
	}
	memset(r, 0, sizeof(*r));
	r->id = (uint64_t)a->number << 16 | (++next_id & 0xffff);
	r->pages = 1 + below(a, chance(a, 20) ? 1500 : 200);
	r->stamped = true;
	return r;
}

static int finish(struct region *r, void *p)
{
	if (p == MAP_FAILED)
		return errno;
	r->p = p;
	return 0;
}

static int map_anon(struct region *r, int flags)
{
	return finish(r, mmap(NULL, r->pages * PAGE, PROT_READ | PROT_WRITE,
			      MAP_ANONYMOUS | flags, -1, 0));
}

static int op_map(struct actor *a)
{
	return map_anon(new_region(a), MAP_PRIVATE);
}

static int op_populate(struct actor *a)
{
	return map_anon(new_region(a), MAP_PRIVATE | MAP_POPULATE);
}

static int op_map_shared(struct actor *a)
{
	struct region *r = new_region(a);

	r->shared = true;
	return map_anon(r, MAP_SHARED);
}

static int op_map_huge(struct actor *a)
{
	struct region *r = new_region(a);
	char *p, *end;

	r->pages = 512 * (1 + below(a, 3));
	p = mmap(NULL, r->pages * PAGE + HUGE, PROT_READ | PROT_WRITE,
		 MAP_ANONYMOUS | MAP_PRIVATE, -1, 0);
	if (p == MAP_FAILED)
		return errno;
	r->p = (char *)p + (-(uintptr_t)p & (HUGE - 1));
	end = r->p + r->pages * PAGE;
	munmap(p, r->p - p);
	munmap(end, p + r->pages * PAGE + HUGE - end);
	return madvise(r->p, r->pages * PAGE, MADV_HUGEPAGE) ? errno : 0;
}

static int op_memfd(struct actor *a)
{
	struct region *r = new_region(a);
	int fd = memfd_create("torture", MFD_CLOEXEC);
	int err;

	if (fd < 0)
		return errno;
	r->shared = true;
	err = ftruncate(fd, r->pages * PAGE) ? errno :
	      finish(r, mmap(NULL, r->pages * PAGE, PROT_READ | PROT_WRITE,
			     MAP_SHARED, fd, 0));
	close(fd);
	return err;
}

/* In no other process' reach, nor in the kernel's; it cannot be swapped. */
static int op_secret(struct actor *a)
{
	struct region *r = new_region(a);
	int fd = syscall(SYS_memfd_secret, O_CLOEXEC);
	int err;

	if (fd < 0)
		return errno;
	r->shared = true;
	if (r->pages > 100)
		r->pages = 100;
	err = ftruncate(fd, r->pages * PAGE) ? errno :
	      finish(r, mmap(NULL, r->pages * PAGE, PROT_READ | PROT_WRITE,
			     MAP_SHARED, fd, 0));
	close(fd);
	return err;
}

static int op_map_file(struct actor *a)
{
	struct region *r = new_region(a);
	int fd = open(random_file(a), O_RDWR | O_CLOEXEC);
	off_t size;
	int err;

	if (fd < 0)
		return errno;
	/*
	 * Private, so that writing to it does not hurt the file's contents. The
	 * file may get shorter: reading would then be a SIGBUS, but pages that
	 * have been written stay, or go with it.
	 */
	r->stamped = false;
	size = lseek(fd, 0, SEEK_END) / PAGE;
	if (size < 1) {
		close(fd);
		return NOTHING;
	}
	if ((size_t)size < r->pages)
		r->pages = size;
	err = finish(r, mmap(NULL, r->pages * PAGE, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE, fd, 0));
	close(fd);
	return err;
}

static int op_shm(struct actor *a)
{
	struct region *r = new_region(a);
	int id = shmget(IPC_PRIVATE, r->pages * PAGE, IPC_CREAT | 0600);
	void *p;
	bool attached;
	int err = 0;

	if (id < 0)
		return errno;
	p = shmat(id, NULL, 0);
	attached = (intptr_t)p != -1;
	if (!attached || (chance(a, 20) && shmctl(id, SHM_LOCK, NULL)))
		err = errno;
	shmctl(id, IPC_RMID, NULL);
	if (!attached)
		return err;
	/* munmap() does for it what shmdt() does */
	r->p = p;
	r->shared = true;
	return err;
}

static int op_unmap(struct actor *a)
{
	struct region *r = random_region(a);
	size_t from;

	if (!r)
		return NOTHING;
	/* the end of it, or all */
	from = chance(a, 50) ? 0 : below(a, r->pages);
	if (munmap(r->p + from * PAGE, (r->pages - from) * PAGE))
		return errno;
	r->pages = from;
	if (!from)
		r->p = NULL;
	return 0;
}

static int op_mremap(struct actor *a)
{
	struct region *r = random_region(a);
	size_t pages;
	void *p;

	if (!r)
		return NOTHING;
	pages = 1 + below(a, r->shared ? r->pages : r->pages * 2);
	if (pages > 2000)
		pages = 2000;
	p = mremap(r->p, r->pages * PAGE, pages * PAGE, MREMAP_MAYMOVE);
	if (p == MAP_FAILED)
		return errno;
	r->p = p;
	r->pages = pages;
	return 0;
}

static int op_move(struct actor *a)
{
	struct region *r = random_region(a);
	char *to;

	if (!r)
		return NOTHING;
	to = mmap(NULL, r->pages * PAGE, PROT_NONE, MAP_ANONYMOUS | MAP_PRIVATE,
		  -1, 0);
	if (to == MAP_FAILED)
		return errno;
	if (mremap(r->p, r->pages * PAGE, r->pages * PAGE,
		   MREMAP_MAYMOVE | MREMAP_FIXED, to) == MAP_FAILED) {
		munmap(to, r->pages * PAGE);
		return errno;
	}
	r->p = to;
	return 0;
}

/* ---- using ---- */

static int op_write(struct actor *a)
{
	struct region *r = random_region(a);
	size_t from, count;

	if (!r)
		return NOTHING;
	random_range(a, r, &from, &count);
	write_stamps(r, from, count);
	return 0;
}

static int op_read(struct actor *a)
{
	struct region *r = random_region(a);
	size_t from, count;

	if (!r)
		return NOTHING;
	random_range(a, r, &from, &count);
	return check_stamps(r, from, count) ? 0 : EILSEQ;
}

/* Each advice is an operation of its own in the report. */
static int advise(struct actor *a, int advice)
{
	struct region *r = random_region(a);
	size_t from, count;

	if (!r)
		return NOTHING;
	random_range(a, r, &from, &count);
	return madvise(r->p + from * PAGE, count * PAGE, advice) ? errno : 0;
}

#define ADVICE(name, advice)				\
static int op_##name(struct actor *a)			\
{							\
	return advise(a, advice);			\
}

ADVICE(dontneed, MADV_DONTNEED)
ADVICE(cold, MADV_COLD)
ADVICE(pageout, MADV_PAGEOUT)
ADVICE(free, MADV_FREE)
ADVICE(willneed, MADV_WILLNEED)
ADVICE(remove, MADV_REMOVE)
ADVICE(huge, MADV_HUGEPAGE)
ADVICE(nohuge, MADV_NOHUGEPAGE)
ADVICE(collapse, MADV_COLLAPSE)
ADVICE(populate_write, MADV_POPULATE_WRITE)
ADVICE(wipeonfork, MADV_WIPEONFORK)
ADVICE(keeponfork, MADV_KEEPONFORK)

/* All pages the same, so that KSM has something to merge. */
static int op_mergeable(struct actor *a)
{
	struct region *r = random_region(a);

	if (!r || r->shared || !r->stamped)
		return NOTHING;
	if (chance(a, 20))
		return madvise(r->p, r->pages * PAGE, MADV_UNMERGEABLE) ? errno : 0;
	if (!r->same) {
		/* what other stamps are left must not be seen */
		if (madvise(r->p, r->pages * PAGE, MADV_DONTNEED))
			return errno;
		r->same = true;
	}
	write_stamps(r, 0, r->pages);
	return madvise(r->p, r->pages * PAGE, MADV_MERGEABLE) ? errno : 0;
}

static int op_mlock(struct actor *a)
{
	struct region *r = random_region(a);
	size_t from, count;

	if (!r)
		return NOTHING;
	random_range(a, r, &from, &count);
	if (chance(a, 50))
		return munlock(r->p, r->pages * PAGE) ? errno : 0;
	if (count > 100)
		count = 100;
	return mlock2(r->p + from * PAGE, count * PAGE,
		      chance(a, 30) ? MLOCK_ONFAULT : 0) ? errno : 0;
}

static int op_mprotect(struct actor *a)
{
	struct region *r = random_region(a);
	size_t from, count;

	if (!r)
		return NOTHING;
	random_range(a, r, &from, &count);
	if (mprotect(r->p + from * PAGE, count * PAGE, PROT_READ) ||
	    mprotect(r->p, r->pages * PAGE, PROT_READ | PROT_WRITE))
		return errno;
	return 0;
}

static int op_msync(struct actor *a)
{
	struct region *r = random_region(a);

	if (!r)
		return NOTHING;
	return msync(r->p, r->pages * PAGE, MS_SYNC) ? errno : 0;
}

/* ---- the kind ---- */

static void begin(struct actor *a)
{
	(void)a;
	/* cppcheck-suppress leakReturnValNotUsed ; it is at MAILBOX */
	if (mmap(MAILBOX, MAILBOX_PAGES * PAGE, PROT_READ | PROT_WRITE,
		 MAP_ANONYMOUS | MAP_PRIVATE | MAP_FIXED_NOREPLACE, -1, 0) ==
	    MAP_FAILED)
		_exit(1);
}

static const struct op ops[] = {
	{ "mmap", 10, op_map },
	{ "mmap populate", 4, op_populate },
	{ "mmap shared", 6, op_map_shared },
	{ "mmap huge", 6, op_map_huge },
	{ "memfd", 6, op_memfd },
	{ "memfd_secret", 2, op_secret },
	{ "mmap file", 8, op_map_file },
	{ "shmat", 5, op_shm },
	{ "munmap", 10, op_unmap },
	{ "mremap", 10, op_mremap },
	{ "mremap fixed", 5, op_move },
	{ "write", 60, op_write },
	{ "read", 30, op_read },
	{ "dontneed", 5, op_dontneed },
	{ "cold", 4, op_cold },
	{ "pageout", 6, op_pageout },
	{ "free", 6, op_free },
	{ "willneed", 3, op_willneed },
	{ "remove", 4, op_remove },
	{ "hugepage", 4, op_huge },
	{ "nohugepage", 2, op_nohuge },
	{ "collapse", 5, op_collapse },
	{ "populate_write", 4, op_populate_write },
	{ "wipeonfork", 1, op_wipeonfork },
	{ "keeponfork", 1, op_keeponfork },
	{ "mergeable", 4, op_mergeable },
	{ "mlock", 5, op_mlock },
	{ "mprotect", 4, op_mprotect },
	{ "msync", 2, op_msync },
	{ "fork", 12, op_fork },
	{ "fork deep", 3, op_fork_deep },
	{ "exec", 5, op_exec },
	{ "vfork", 4, op_vfork },
	{ "clone vm", 4, op_sharer },
	{ "threads", 5, op_threads },
	{ "ptrace", 3, op_ptrace },
	{ "process_vm_writev", 5, op_vm_write },
	{ "/proc/pid/mem", 3, op_proc_mem },
	{ "userfaultfd", 4, op_userfault },
	{ "migrate", 4, op_migrate },
	{ "soft offline", 1, op_soft_offline },
	{ "poison", 1, op_poison },
	{ "open more", 8, op_more_files },
	{ "socket", 8, op_socket },
	{ "lock", 10, op_lock_bytes },
	{ "sigqueue", 6, op_signals },
	{ "pass", 4, op_pass },
	{ "die", 1, op_die },
	{ }
};

const struct kind memory_kind = {
	.name = "memory", .ops = ops, .begin = begin, .mortal = true,
};

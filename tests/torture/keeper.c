// SPDX-License-Identifier: GPL-2.0
/*
 * Actors that keep what they have over the removal of their container: pages,
 * files, segments, what is in swap and in a pipe. Others are made at once, which
 * get the place in the kernel's table that the one before has left, and nobody
 * goes into most of these: so they have nothing, at any time, whatever becomes of
 * what was charged to the one before. If it were taken for theirs they would have
 * some of it, or less than none when it is freed.
 */
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>
#include "torture.h"

#define KEPT		12
#define EMPTIES		3
#define PIPE_PAGES	16

enum what {
	ANON, HUGE_ANON, SHARED_ANON, MEMFD, SYSV, TMPFS, RAMFS, DISK, IN_PIPE, WHATS,
};

struct kept {
	char *p;	/* or NULL: this one is free */
	size_t pages;
	uint64_t id;
	int fd;		/* or -1 */
	int pipe[2];	/* or -1 */
	enum what what;
};

static struct kept kept[KEPT];
static uint64_t next_id;

/* The container that this process is in, or an empty string. */
static char own_name[32];
static unsigned int lives;
static bool made[EMPTIES];

static void own_path(char *path, size_t size, const char *file)
{
	snprintf(path, size, ROOT "/%s%s%s", own_name, file ? "/" : "", file ?: "");
}

static void empty_name(struct actor *a, int i, char *name, size_t size)
{
	snprintf(name, size, "k%d-e%d", a->number, i);
}

/* ---- what is kept ---- */

static struct kept *random_kept(struct actor *a)
{
	struct kept *k = &kept[below(a, KEPT)];

	return k->p ? k : NULL;
}

static uint64_t stamp(struct kept *k, size_t page)
{
	return (k->id << 32 | page) + 1;
}

static void write_pages(struct kept *k, size_t from, size_t count)
{
	for (size_t i = from; i < from + count; i++)
		*(volatile uint64_t *)(k->p + i * PAGE) = stamp(k, i);
}

static int check_pages(struct kept *k, size_t from, size_t count)
{
	for (size_t i = from; i < from + count; i++) {
		uint64_t is = *(volatile uint64_t *)(k->p + i * PAGE);

		/* they are given up at times */
		if (!is || is == stamp(k, i))
			continue;
		corrupt("kept: page %zu of %zu, of kind %d, is %#lx, not %#lx", i,
			k->pages, k->what, is, stamp(k, i));
		return EILSEQ;
	}
	return 0;
}

static void random_range(struct actor *a, struct kept *k, size_t *from, size_t *count)
{
	*from = chance(a, 30) ? 0 : below(a, k->pages);
	*count = 1 + below(a, k->pages - *from);
}

static void let_go(struct kept *k)
{
	if (k->fd >= 0)
		close(k->fd);
	for (int i = 0; i < 2; i++)
		if (k->pipe[i] >= 0)
			close(k->pipe[i]);
	munmap(k->p, k->pages * PAGE);
	k->p = NULL;
}

static char *map_sysv(struct kept *k)
{
	int id = shmget(IPC_PRIVATE, k->pages * PAGE, IPC_CREAT | 0600);
	void *p;

	if (id < 0)
		return MAP_FAILED;
	p = shmat(id, NULL, 0);
	shmctl(id, IPC_RMID, NULL);
	return (intptr_t)p == -1 ? MAP_FAILED : p;
}

static char *map_kept(struct kept *k)
{
	static const char * const dirs[] = {
		[TMPFS] = WORK "/shm", [RAMFS] = WORK "/ramfs", [DISK] = "/mnt/disk",
	};
	const size_t size = k->pages * PAGE;
	char *p;

	switch (k->what) {
	case SYSV:
		return map_sysv(k);
	case MEMFD:
		k->fd = memfd_create("kept", MFD_CLOEXEC);
		break;
	case TMPFS:
	case RAMFS:
	case DISK:
		k->fd = open(dirs[k->what], O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
		break;
	default:
		p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_ANONYMOUS |
			 (k->what == SHARED_ANON ? MAP_SHARED : MAP_PRIVATE), -1, 0);
		if (p != MAP_FAILED && k->what == HUGE_ANON)
			madvise(p, size, MADV_HUGEPAGE);
		return p;
	}
	if (k->fd < 0)
		return MAP_FAILED;
	if (ftruncate(k->fd, size)) {
		close(k->fd);
		return MAP_FAILED;
	}
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, k->fd, 0);
	if (p == MAP_FAILED)
		close(k->fd);
	return p;
}

/* The pipe has the pages, then this gets others for them. */
static int put_in_pipe(struct kept *k)
{
	struct iovec iov = { k->p, PIPE_PAGES * PAGE };

	if (pipe2(k->pipe, O_CLOEXEC | O_NONBLOCK))
		return errno;
	if (vmsplice(k->pipe[1], &iov, 1, SPLICE_F_GIFT) < 0)
		return errno;
	return madvise(k->p, PIPE_PAGES * PAGE, MADV_DONTNEED) ? errno : 0;
}

static int op_gather(struct actor *a)
{
	struct kept *k = &kept[below(a, KEPT)];
	char *p;

	if (k->p)
		return NOTHING;
	*k = (struct kept) {
		.what = below(a, WHATS), .fd = -1, .pipe = { -1, -1 },
		.id = (uint64_t)a->number << 16 | (++next_id & 0xffff),
	};
	k->pages = 1 + below(a, chance(a, 20) ? 800 : 150);
	if (k->what == HUGE_ANON)
		k->pages = 1024;
	if (k->what == IN_PIPE)
		k->pages = PIPE_PAGES;
	p = map_kept(k);
	if (p == MAP_FAILED)
		return errno;
	k->p = p;
	write_pages(k, 0, k->pages);
	return k->what == IN_PIPE ? put_in_pipe(k) : 0;
}

static int op_let_go(struct actor *a)
{
	struct kept *k = random_kept(a);

	if (!k)
		return NOTHING;
	let_go(k);
	return 0;
}

/* ---- using it ---- */

static int op_write(struct actor *a)
{
	struct kept *k = random_kept(a);
	size_t from, count;

	if (!k)
		return NOTHING;
	random_range(a, k, &from, &count);
	write_pages(k, from, count);
	return 0;
}

static int op_read(struct actor *a)
{
	struct kept *k = random_kept(a);
	size_t from, count;

	if (!k)
		return NOTHING;
	random_range(a, k, &from, &count);
	return check_pages(k, from, count);
}

/* By way of the file, of some, or out of the pipe. */
static int op_copy(struct actor *a)
{
	static char text[32 * PAGE];
	struct kept *k = random_kept(a);

	if (!k || (k->fd < 0 && k->pipe[0] < 0))
		return NOTHING;
	if (k->pipe[0] >= 0)
		return read(k->pipe[0], text, below(a, sizeof(text))) < 0 ? errno : 0;
	return pread(k->fd, text, sizeof(text), below(a, k->pages) * PAGE) < 0 ?
	       errno : 0;
}

static int op_advise(struct actor *a)
{
	static const int advice[] = {
		MADV_PAGEOUT, MADV_PAGEOUT, MADV_PAGEOUT, MADV_COLD, MADV_FREE,
		MADV_DONTNEED, MADV_REMOVE, MADV_WILLNEED, MADV_HUGEPAGE,
		25 /* MADV_COLLAPSE */, MADV_POPULATE_WRITE, MADV_POPULATE_READ,
	};
	struct kept *k = random_kept(a);
	size_t from, count;

	if (!k)
		return NOTHING;
	random_range(a, k, &from, &count);
	return madvise(k->p + from * PAGE, count * PAGE, advice[below(a, 12)]) ?
	       errno : 0;
}

static int op_lock(struct actor *a)
{
	struct kept *k = random_kept(a);

	if (!k)
		return NOTHING;
	if (chance(a, 60))
		return munlock(k->p, k->pages * PAGE) ? errno : 0;
	return mlock(k->p, k->pages * PAGE < 64 * PAGE ? k->pages * PAGE : 64 * PAGE) ?
	       errno : 0;
}

static int op_bind(struct actor *a)
{
	struct kept *k = random_kept(a);
	unsigned long mask = 1UL << below(a, 2);

	if (!k)
		return NOTHING;
	/* 2: MPOL_BIND, and MPOL_MF_MOVE */
	return syscall(SYS_mbind, k->p, k->pages * PAGE, 2, &mask, 3, 2) < 0 ?
	       errno : 0;
}

static int op_cut(struct actor *a)
{
	struct kept *k = random_kept(a);
	off_t at, len;

	if (!k || k->fd < 0)
		return NOTHING;
	at = below(a, k->pages) * PAGE;
	len = (1 + below(a, 64)) * PAGE;
	if (chance(a, 50))
		return fallocate(k->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				 at, len) ? errno : 0;
	/* what is mapped stays within the file */
	if (ftruncate(k->fd, at) || ftruncate(k->fd, k->pages * PAGE))
		return errno;
	return 0;
}

/* A child has the pages in common with this process, and copies them later on. */
static int op_share(struct actor *a)
{
	struct kept *k = random_kept(a);
	unsigned long wait = below(a, 1500);
	pid_t pid;

	if (!k)
		return NOTHING;
	pid = fork_child(a);
	if (pid < 0)
		return errno;
	if (!pid) {
		usleep(wait * 1000);
		write_pages(k, 0, k->pages);
		_exit(check_pages(k, 0, k->pages) ? 1 : 0);
	}
	/* it is waited for when it is through */
	a->slot->child = 0;
	return 0;
}

/* ---- containers ---- */

static int join(const char *name)
{
	char path[96];
	int err;

	snprintf(path, sizeof(path), ROOT "/%s/addtask", name);
	err = putf(path, "%d", getpid());
	if (!err)
		strcpy(own_name, name);
	return err;
}

static int op_join(struct actor *a)
{
	char name[32], path[96];
	int err;

	if (own_name[0])
		return NOTHING;
	snprintf(name, sizeof(name), "k%d-%u", a->number, ++lives);
	snprintf(path, sizeof(path), ROOT "/%s", name);
	if (mkdir(path, 0755))
		return errno;
	err = join(name);
	if (!err && chance(a, 40)) {
		own_path(path, sizeof(path), chance(a, 50) ? "rss_limit" : "page_limit");
		putf(path, "%lu", 1500 + below(a, 4000));
	}
	return err;
}

/* All that it has and nobody is charged for comes along to one of the new ones. */
static int op_join_empty(struct actor *a)
{
	int i = below(a, EMPTIES);
	char name[32];
	int err;

	if (own_name[0] || !made[i])
		return NOTHING;
	empty_name(a, i, name, sizeof(name));
	made[i] = false;
	err = join(name);
	if (err)
		made[i] = true;
	return err;
}

/* Once those that were there have been looked at. */
static int make_empties(struct actor *a)
{
	char name[32], path[64];
	int err = 0;

	for (int i = 0; i < EMPTIES; i++) {
		empty_name(a, i, name, sizeof(name));
		if (!made[i])
			continue;
		is_empty(name);
		snprintf(path, sizeof(path), ROOT "/%s", name);
		made[i] = false;
		if (rmdir(path))
			err = errno;
	}
	for (int i = 0; i < EMPTIES; i++) {
		empty_name(a, i, name, sizeof(name));
		snprintf(path, sizeof(path), ROOT "/%s", name);
		if (!strcmp(name, own_name))
			continue;
		made[i] = !mkdir(path, 0755);
		if (!made[i])
			err = errno;
	}
	return err;
}

static int op_leave(struct actor *a)
{
	char path[64];

	if (!own_name[0])
		return NOTHING;
	own_path(path, sizeof(path), NULL);
	own_name[0] = '\0';
	if (rmdir(path))
		return errno;
	return make_empties(a);
}

static int op_renew(struct actor *a)
{
	return make_empties(a);
}

static int op_look(struct actor *a)
{
	int i = below(a, EMPTIES);
	char name[32];

	if (!made[i])
		return NOTHING;
	empty_name(a, i, name, sizeof(name));
	return is_empty(name) ? 0 : EILSEQ;
}

static int op_shrink(struct actor *a)
{
	char path[96];

	if (!own_name[0])
		return NOTHING;
	own_path(path, sizeof(path), "shrink");
	return putf(path, "%lu", below(a, 2000));
}

/* ---- the kind ---- */

static void begin(struct actor *a)
{
	remove_own(a);
}

static const struct op ops[] = {
	{ "gather", 40, op_gather },
	{ "let go", 12, op_let_go },
	{ "write", 20, op_write },
	{ "read", 15, op_read },
	{ "copy", 8, op_copy },
	{ "advise", 25, op_advise },
	{ "mlock", 6, op_lock },
	{ "migrate", 5, op_bind },
	{ "cut", 6, op_cut },
	{ "share", 8, op_share },
	{ "join", 14, op_join },
	{ "join a new one", 6, op_join_empty },
	{ "leave", 10, op_leave },
	{ "new ones", 3, op_renew },
	{ "look", 8, op_look },
	{ "shrink", 3, op_shrink },
	{ }
};

const struct kind keeper_kind = {
	.name = "keeper", .ops = ops, .begin = begin, .mortal = true, .alone = true,
	.delay = 20,
};

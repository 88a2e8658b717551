// SPDX-License-Identifier: GPL-2.0
/*
 * Actors that see whether limits hold: a child in a container of its own, which
 * nobody else touches, goes for more than its rss_limit in one of the ways that
 * there are, while the actor, which is in none, watches what the container has.
 * And two containers that write to each other's files, of which each has what it
 * has brought in.
 */
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>
#include "torture.h"

#define CHUNK		(256 * PAGE)
#define TIME		5	/* seconds that a child has */
#define THREADS		4
/* Pages over the limit: those that died in the middle of one, of all threads */
#define SLACK		(4L * THREADS)

static char chunk[CHUNK] __attribute__((aligned(4096)));

static char *map(size_t pages, int flags)
{
	char *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
		       MAP_ANONYMOUS | flags, -1, 0);

	if (p == MAP_FAILED)
		_exit(1);
	return p;
}

/* ---- ways past the limit: each in a child, again and again until it is killed ---- */

/*
 * @pages is more than it may have. None of the errors is one: they are what is to
 * come of it.
 */
static void by_proc_mem(size_t pages)
{
	int fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	char *p = map(pages, MAP_PRIVATE);

	for (;;) {
		for (size_t at = 0; at < pages * PAGE; at += CHUNK)
			if (pwrite(fd, chunk, CHUNK, (off_t)(p + at)) < (ssize_t)CHUNK)
				usleep(1000);
		madvise(p, pages * PAGE, MADV_DONTNEED);
	}
}

static void by_vm_write(size_t pages)
{
	char *p = map(pages, MAP_PRIVATE);

	for (;;) {
		for (size_t at = 0; at < pages * PAGE; at += CHUNK) {
			struct iovec here = { chunk, CHUNK }, there = { p + at, CHUNK };

			process_vm_writev(getpid(), &here, 1, &there, 1, 0);
		}
		madvise(p, pages * PAGE, MADV_DONTNEED);
	}
}

static void by_populate(size_t pages)
{
	for (;;) {
		char *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
			       MAP_ANONYMOUS | MAP_PRIVATE | MAP_POPULATE, -1, 0);

		if (p != MAP_FAILED)
			munmap(p, pages * PAGE);
	}
}

static void by_shared_memory(size_t pages)
{
	char *p = map(pages, MAP_SHARED);

	for (;;) {
		madvise(p, pages * PAGE, MADV_POPULATE_WRITE);
		madvise(p, pages * PAGE, MADV_REMOVE);
	}
}

static void by_mlock(size_t pages)
{
	char *p = map(pages, MAP_PRIVATE);

	for (;;) {
		mlock(p, pages * PAGE);
		munlock(p, pages * PAGE);
		madvise(p, pages * PAGE, MADV_DONTNEED);
	}
}

struct touch {
	char *p;
	size_t from;
	size_t to;
};

static void *touch(void *arg)
{
	struct touch *t = arg;

	for (;;) {
		for (size_t i = t->from; i < t->to; i++)
			*(volatile char *)(t->p + i * PAGE) = 1;
		madvise(t->p + t->from * PAGE, (t->to - t->from) * PAGE, MADV_DONTNEED);
	}
	return NULL;
}

static void by_touching(size_t pages)
{
	struct touch t[THREADS];
	char *p = map(pages, MAP_PRIVATE);
	pthread_t thread;

	for (size_t i = 0; i < THREADS; i++) {
		t[i] = (struct touch){ p, pages * i / THREADS, pages * (i + 1) / THREADS };
		if (i && pthread_create(&thread, NULL, touch, &t[i]))
			_exit(1);
	}
	touch(&t[0]);
}

/* Several processes, which go when the first does. */
static void fork_some(void)
{
	pid_t first = getpid();

	for (int i = 0; i < THREADS - 1; i++) {
		if (fork())
			continue;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != first)
			_exit(0);
		break;
	}
}

static void by_fork(size_t pages)
{
	size_t part = pages / THREADS;
	char *p = map(part, MAP_PRIVATE);

	memset(p, 1, part * PAGE);
	fork_some();
	touch(&(struct touch){ p, 0, part });
}

/* Until the file has more than the limit; what does not fit is not written. */
static void fill(int fd, size_t pages)
{
	for (;;) {
		for (size_t at = 0; at < pages * PAGE; at += CHUNK)
			if (pwrite(fd, chunk, CHUNK, at) < 0)
				usleep(1000);
		if (ftruncate(fd, 0))
			_exit(1);
	}
}

static void by_tmpfs(size_t pages)
{
	int fd = open(WORK "/shm", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd < 0)
		_exit(1);
	fill(fd, pages);
}

static void by_allocating(size_t pages)
{
	int fd = memfd_create("limit", MFD_CLOEXEC);

	for (;;) {
		if (fallocate(fd, 0, 0, pages * PAGE))
			usleep(1000);
		if (ftruncate(fd, 0))
			_exit(1);
	}
}

static void say_once(const char *path, const char *text)
{
	if (put(path, text))
		_exit(1);
}

/* As anybody can, where there are namespaces: nothing can take these pages. */
static void by_ramfs(size_t pages)
{
	int fd;

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS))
		_exit(2);
	say_once("/proc/self/setgroups", "deny");
	say_once("/proc/self/uid_map", "0 0 1");
	say_once("/proc/self/gid_map", "0 0 1");
	if (mount("limit", WORK "/mnt", "ramfs", 0, NULL))
		_exit(2);
	fd = open(WORK "/mnt/file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		_exit(1);
	fill(fd, pages);
}

static void by_direct_io(size_t pages)
{
	int fd = open("/mnt/disk", O_TMPFILE | O_RDWR | O_DIRECT | O_CLOEXEC, 0600);
	char *p = map(pages, MAP_PRIVATE);

	if (fd < 0 || pwrite(fd, chunk, CHUNK, 0) != (ssize_t)CHUNK)
		_exit(1);
	for (;;) {
		for (size_t at = 0; at < pages * PAGE; at += CHUNK)
			if (pread(fd, p + at, CHUNK, 0) < 0)
				usleep(1000);
		madvise(p, pages * PAGE, MADV_DONTNEED);
	}
}

static void by_userfault(size_t pages)
{
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	struct uffdio_api api = { .api = UFFD_API };
	char *p = map(pages, MAP_PRIVATE);
	struct uffdio_register reg = {
		.range = { (unsigned long)p, pages * PAGE },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};

	if (fd < 0 || ioctl(fd, UFFDIO_API, &api) || ioctl(fd, UFFDIO_REGISTER, &reg))
		_exit(2);
	for (;;) {
		for (size_t at = 0; at < pages * PAGE; at += CHUNK) {
			struct uffdio_copy copy = {
				.dst = (unsigned long)p + at,
				.src = (unsigned long)chunk, .len = CHUNK,
			};

			if (ioctl(fd, UFFDIO_COPY, &copy))
				usleep(1000);
		}
		madvise(p, pages * PAGE, MADV_DONTNEED);
	}
}

/* It is in swap, and all of it is asked for. */
static void by_swap_in(size_t pages)
{
	size_t half = pages / 2;
	char *p = map(pages, MAP_PRIVATE);

	for (;;) {
		for (size_t i = 0; i < pages; i++) {
			*(volatile char *)(p + i * PAGE) = 1;
			if (i % half == half - 1)
				madvise(p, pages * PAGE, MADV_PAGEOUT);
		}
		madvise(p, pages * PAGE, MADV_WILLNEED);
		madvise(p, pages * PAGE, MADV_POPULATE_READ);
		madvise(p, pages * PAGE, MADV_DONTNEED);
	}
}

/* Arguments of two megabytes, of several processes. */
static void by_exec(size_t pages)
{
	static char text[100 * 1024];
	char *args[22] = { "torture", "--touch", "1" };

	(void)pages;
	fork_some();
	memset(text, 'x', sizeof(text) - 1);
	for (int i = 3; i < 21; i++)
		args[i] = text;
	for (;;) {
		pid_t pid = fork();

		if (!pid) {
			execv("/proc/self/exe", args);
			_exit(1);
		}
		if (pid > 0)
			waitpid(pid, NULL, 0);
	}
}

static void by_pipe(size_t pages)
{
	char *p = map(256, MAP_PRIVATE);
	struct iovec iov = { p, 256 * PAGE };
	int fds[2];

	/* so many pipes as it takes: what is in one cannot be swapped */
	for (size_t i = 0; i <= pages / 256; i++) {
		if (pipe2(fds, O_CLOEXEC | O_NONBLOCK))
			break;
		fcntl(fds[1], F_SETPIPE_SZ, 256 * PAGE);
		vmsplice(fds[1], &iov, 1, SPLICE_F_GIFT);
		madvise(p, 256 * PAGE, MADV_DONTNEED);
	}
	for (;;)
		pause();
}

/* ---- the container ---- */

/* Make one and put the child in, which waits to be told to go on. */
static int put_in(const char *dir, pid_t pid)
{
	char path[96];

	if (mkdir(dir, 0755))
		return errno;
	snprintf(path, sizeof(path), "%s/addtask", dir);
	return putf(path, "%d", pid);
}

/* A child that waits for a byte from @go; its end is closed in the parent. */
static pid_t start_child(struct actor *a, int *go, void (*fn)(void *arg), void *arg)
{
	int fds[2];
	pid_t pid;
	char c;

	if (pipe2(fds, O_CLOEXEC))
		return -1;
	pid = fork_child(a);
	if (!pid) {
		close(fds[1]);
		put("/proc/self/oom_score_adj", "300");
		/* one that dies as it faults is charged for what it needs no more */
		prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
		if (read(fds[0], &c, 1) == 1)
			fn(arg);
		_exit(0);
	}
	close(fds[0]);
	*go = fds[1];
	if (pid < 0)
		close(fds[1]);
	return pid;
}

static void let_it_go(int go)
{
	if (write(go, "", 1) != 1)
		say("limit: %m");
	close(go);
}

/* ---- whether it holds ---- */

struct task {
	void (*way)(size_t pages);
	size_t pages;
};

static void carry_out(void *arg)
{
	struct task *task = arg;

	task->way(task->pages);
}

/*
 * What the container has is read from one processor's part after the other: what is
 * freed on one and charged on another meanwhile can be there twice. Not always.
 */
static long usage_at_least(const char *dir)
{
	long least = -1, usage;

	for (int i = 0; i < 4; i++) {
		usage = number_in(dir, "rss_usage");
		if (least < 0 || usage < least)
			least = usage;
	}
	return least;
}

/* Returns 0, or EAGAIN if it did not come near the limit. */
static int watch(const char *dir, pid_t pid, long limit, const char *name,
		 unsigned int swapoffs)
{
	long end = now() + TIME, usage, peak = 0;

	while (now() < end && !shared->pause && waitpid(pid, NULL, WNOHANG) != pid) {
		usage = number_in(dir, "rss_usage");
		if (usage > limit + SLACK)
			usage = usage_at_least(dir);
		/* this brings in what is there */
		if (shared->swapoffs != swapoffs || swapoffs & 1)
			break;
		if (usage > peak)
			peak = usage;
		usleep(1000);
	}
	/* at a pause the limit has been lifted */
	if (peak > limit + SLACK && !shared->pause &&
	    number_in(dir, "rss_limit") == limit)
		broken("%s: %ld pages by %s, and the limit is %ld", dir, peak, name, limit);
	return peak < limit * 3 / 4 ? EAGAIN : 0;
}

static int go_for(struct actor *a, const char *name, void (*way)(size_t pages))
{
	struct task task = { .way = way };
	unsigned int swapoffs = shared->swapoffs;
	char dir[64], path[96];
	long limit;
	int go, err;
	pid_t pid;

	snprintf(dir, sizeof(dir), OWN "-limit", a->number);
	rmdir(dir);
	/* as much as it has when it joins, and some more */
	limit = 200 + below(a, 1500);
	/* whole chunks: what is beyond is somebody else's */
	task.pages = (limit * 2 + CHUNK / PAGE - 1) / (CHUNK / PAGE) * (CHUNK / PAGE);
	pid = start_child(a, &go, carry_out, &task);
	if (pid < 0)
		return errno;
	err = put_in(dir, pid);
	if (!err) {
		limit += number_in(dir, "rss_usage");
		snprintf(path, sizeof(path), "%s/rss_limit", dir);
		err = putf(path, "%ld", limit);
	}
	if (!err) {
		let_it_go(go);
		err = watch(dir, pid, limit, name, swapoffs);
	} else {
		close(go);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	a->slot->child = 0;
	return err;
}

#define WAY(way, name)				\
static int op_##way(struct actor *a)		\
{						\
	return go_for(a, name, way);		\
}

WAY(by_proc_mem, "/proc/self/mem")
WAY(by_vm_write, "process_vm_writev")
WAY(by_populate, "MAP_POPULATE")
WAY(by_shared_memory, "shared memory")
WAY(by_mlock, "mlock")
WAY(by_touching, "threads")
WAY(by_fork, "fork")
WAY(by_tmpfs, "tmpfs")
WAY(by_allocating, "fallocate")
WAY(by_ramfs, "ramfs")
WAY(by_direct_io, "O_DIRECT")
WAY(by_userfault, "UFFDIO_COPY")
WAY(by_swap_in, "swap")
WAY(by_exec, "exec")
WAY(by_pipe, "vmsplice")

/* ---- two of them with the same files ---- */

#define PAIR_PAGES	256

struct writer {
	int fd[2];
	int which;
	unsigned int order;
	bool limited;
};

/* Every second page of both, in an order that is not the other's. */
static void write_half(void *arg)
{
	struct writer *w = arg;

	for (unsigned int i = 0; i < PAIR_PAGES; i++) {
		unsigned int page = (i * 77 + w->order) % PAIR_PAGES * 2 + w->which;

		for (int f = 0; f < 2; f++) {
			if (pwrite(w->fd[f], chunk, PAGE, page * PAGE) >= 0)
				continue;
			/* what the other may have is nothing to this one */
			if (errno == ENOMEM && !w->limited)
				broken("ENOMEM for another's limit");
			_exit(errno == ENOMEM ? 0 : 1);
		}
	}
}

/* How many pages of the file the container has, by its own account. */
static long pages_in(const char *dir, int fd)
{
	static char text[1 << 16];
	unsigned int major, minor;
	char path[96], *line, *save;
	unsigned long pages, ino;
	struct stat st;

	snprintf(path, sizeof(path), "%s/mappings", dir);
	if (fstat(fd, &st) || get(path, text, sizeof(text)) < 0)
		return -1;
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (sscanf(line, "%lu %u:%u %lu ", &pages, &major, &minor, &ino) == 4 &&
		    ino == st.st_ino && makedev(major, minor) == st.st_dev)
			return pages;
	return 0;
}

/* Returns whether each has all that it has brought in: else some is in swap. */
static bool check_pair(char dirs[2][64], const int *fd)
{
	bool all = true;

	for (int c = 0; c < 2; c++)
		for (int f = 0; f < 2; f++) {
			long pages = pages_in(dirs[c], fd[f]);

			if (pages > PAIR_PAGES)
				broken("%s has %ld pages of a file", dirs[c], pages);
			all &= pages == PAIR_PAGES;
		}
	return all;
}

static int op_pair(struct actor *a)
{
	struct writer w = { .fd = { -1, -1 } };
	char dirs[2][64], path[96];
	bool named = chance(a, 20);
	pid_t pid[2] = { 0, 0 };
	int go[2], err = 0;

	for (int i = 0; i < 2; i++) {
		w.fd[i] = open(WORK "/shm", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
		if (w.fd[i] < 0)
			err = errno;
	}
	for (int i = 0; i < 2 && !err; i++) {
		snprintf(dirs[i], sizeof(dirs[i]), OWN "-pair%d", a->number, i);
		rmdir(dirs[i]);
		w.which = i;
		w.order = below(a, PAIR_PAGES);
		w.limited = i && chance(a, 50);
		pid[i] = start_child(a, &go[i], write_half, &w);
		if (pid[i] < 0) {
			err = errno;
			break;
		}
		err = put_in(dirs[i], pid[i]);
		if (w.limited) {
			snprintf(path, sizeof(path), "%s/rss_limit", dirs[i]);
			putf(path, "%lu", number_in(dirs[i], "rss_usage") + below(a, 600));
		}
		if (named && !i) {
			/* it is charged for what the other brings in, too */
			snprintf(path, sizeof(path), "%s/addfile", dirs[i]);
			putf(path, "/proc/%d/fd/%d", getpid(), w.fd[0]);
		}
	}
	for (int i = 0; i < 2; i++)
		if (pid[i] > 0 && !err)
			let_it_go(go[i]);
		else if (pid[i] > 0)
			close(go[i]);
	for (int i = 0; i < 2; i++)
		if (pid[i] > 0 && await_child(a, pid[i]) && !err)
			err = ECHILD;
	if (!err && !named && !check_pair(dirs, w.fd))
		err = EAGAIN;
	/* one of them goes, and the other's are its own still */
	if (pid[1] > 0) {
		rmdir(dirs[chance(a, 50)]);
		for (unsigned int i = 0; i < 2 * PAIR_PAGES; i++)
			if (pread(w.fd[i & 1], path, 1, (i >> 1) * PAGE) < 0 && !err)
				err = errno;
		if (!named && !err)
			check_pair(dirs, w.fd);
	}
	for (int i = 0; i < 2; i++)
		if (w.fd[i] >= 0)
			close(w.fd[i]);
	return err;
}

/* ---- the kind ---- */

static void begin(struct actor *a)
{
	remove_own(a);
}

static const struct op ops[] = {
	{ "/proc/self/mem", 6, op_by_proc_mem },
	{ "process_vm_writev", 3, op_by_vm_write },
	{ "populate", 2, op_by_populate },
	{ "shared memory", 3, op_by_shared_memory },
	{ "mlock", 2, op_by_mlock },
	{ "threads", 3, op_by_touching },
	{ "fork", 3, op_by_fork },
	{ "tmpfs", 4, op_by_tmpfs },
	{ "fallocate", 2, op_by_allocating },
	{ "ramfs", 3, op_by_ramfs },
	{ "O_DIRECT", 2, op_by_direct_io },
	{ "UFFDIO_COPY", 2, op_by_userfault },
	{ "swap", 3, op_by_swap_in },
	{ "exec", 2, op_by_exec },
	{ "vmsplice", 2, op_by_pipe },
	{ "pair", 15, op_pair },
	{ }
};

const struct kind limit_kind = {
	.name = "limit", .ops = ops, .begin = begin, .mortal = true, .alone = true,
	.delay = 20,
};

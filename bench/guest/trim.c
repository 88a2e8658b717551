// SPDX-License-Identifier: GPL-2.0
/*
 * What it costs to trim a group, how long it takes, and whom it holds up.
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "guest.h"

static char *map_pages(unsigned long pages)
{
	char *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		die("mmap of %lu pages", pages);
	for (unsigned long i = 0; i < pages; i++)
		*(unsigned long *)(p + i * PAGE) = i + 1;
	return p;
}

static int make_file(const char *path, unsigned long pages)
{
	static char page[PAGE] = "not a hole";
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);

	if (fd < 0)
		die("%s", path);
	for (unsigned long i = 0; i < pages; i++)
		if (write(fd, page, PAGE) != PAGE)
			die("writing to %s", path);
	return fd;
}

static void read_file(int fd, unsigned long pages)
{
	static char buffer[16 * PAGE];

	for (unsigned long i = 0; i < pages; i += 16)
		if (pread(fd, buffer, sizeof(buffer), i * PAGE) <= 0)
			die("reading");
}

/* ---- the cost of a page that is trimmed ---- */

/* Trim @pages, and return instructions for each page that is gone. */
static double trim(unsigned long pages)
{
	unsigned long before = group_usage("bench"), after;
	struct span span = span_begin();
	double cost;

	group_trim("bench", pages);
	cost = span_end(span, 1);
	after = group_usage("bench");
	if (after + pages / 2 > before)
		die("only %ld of %lu pages were trimmed", before - after, pages);
	profiled_units += before - after - 1;
	return cost / (before - after);
}

void row_trim(void)
{
	const unsigned long pages = 8192, part = 4096;
	char *p;
	int fd;

	fd = make_file(EXT4 "/trim", pages);
	fsync(fd);
	read_file(fd, pages);
	result("trim-clean", trim(part));
	close(fd);
	unlink(EXT4 "/trim");

	fd = make_file(EXT4 "/trim", pages);
	result("trim-dirty", trim(part));
	close(fd);
	unlink(EXT4 "/trim");

	fd = make_file(TMPFS "/trim", pages);
	result("trim-tmpfs", trim(part));
	close(fd);
	unlink(TMPFS "/trim");

	p = map_pages(pages);
	result("trim-anon", trim(part));
	munmap(p, pages * PAGE);
}

/* ---- from crossing the limit to being below it ---- */

/*
 * The limit is what is used now, and then come 4 MB more: the time until usage
 * is at the limit again, with that of the 4 MB. Idle or not, it is time.
 */
static double time_to_trim(void (*more)(void))
{
	const struct timespec nap = { .tv_nsec = 50000 };
	unsigned long limit = group_usage("bench");
	uint64_t begin, end;

	group_limit("bench", limit * PAGE);
	begin = clock_now();
	more();
	while (group_usage("bench") > limit)
		nanosleep(&nap, NULL);
	end = clock_now();
	group_limit("bench", 1024 * MB);
	settle();
	return (end - begin) / 1000.0;
}

static int read_fd;

static void read_more(void)
{
	read_file(read_fd, 1024);
}

static void write_more(void)
{
	close(make_file(EXT4 "/more", 1024));
}

static void map_more(void)
{
	/* it stays until the exit */
	/* cppcheck-suppress leakReturnValNotUsed */
	map_pages(1024);
}

void row_crossing(void)
{
	char *p;
	int fd;

	/* what there is to trim: 32 MB of each kind */
	read_fd = make_file(EXT4 "/more-to-read", 1024);
	fd = make_file(EXT4 "/file", 8192);
	if (fsync(fd) || fsync(read_fd) ||
	    posix_fadvise(read_fd, 0, 0, POSIX_FADV_DONTNEED))
		die("fsync");
	read_file(fd, 8192);
	result("crossing-read", time_to_trim(read_more));
	result("crossing-write", time_to_trim(write_more));
	close(fd);
	unlink(EXT4 "/file");
	unlink(EXT4 "/more");
	unlink(EXT4 "/more-to-read");
	p = map_pages(8192);
	result("crossing-anon", time_to_trim(map_more));
	munmap(p, 8192 * PAGE);
}

/* ---- meanwhile, in another container ---- */

/*
 * A task of another group has to do something every 0.2 ms, and comes before
 * all others then: it faults in a page, and reads one that is cached. How late
 * the latest of these was done is how long anything made it wait: what is not
 * preempted, and locks. The same without the trimming is there to compare.
 */
#define STALL_PERIOD	200000

static volatile double *latest;

static void stall_victim(void)
{
	const struct sched_param first = { .sched_priority = 50 };
	struct timespec at;
	char *p, byte;
	int fd;

	fd = make_file(TMPFS "/victim", 1);
	p = mmap(NULL, 64 * PAGE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED || sched_setscheduler(0, SCHED_FIFO, &first))
		die("the victim");
	clock_gettime(CLOCK_MONOTONIC, &at);
	for (;;) {
		struct timespec now;
		double late;

		at.tv_nsec += STALL_PERIOD;
		if (at.tv_nsec >= 1000000000) {
			at.tv_nsec -= 1000000000;
			at.tv_sec++;
		}
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
		*p = 1;
		madvise(p, PAGE, MADV_DONTNEED);
		if (pread(fd, &byte, 1, 0) != 1)
			die("the victim's file");
		clock_gettime(CLOCK_MONOTONIC, &now);
		late = (now.tv_sec - at.tv_sec) * 1e9 + now.tv_nsec - at.tv_nsec;
		if (late > *latest)
			*latest = late;
		if (late > STALL_PERIOD)
			at = now;
	}
}

/* The largest delay of the victim while @work() is done in the group. */
static double stall(void (*work)(void))
{
	pid_t pid;

	*latest = 0;
	fflush(stdout);
	pid = fork();
	if (!pid) {
		if (conf->enter)
			group_enter("other");
		stall_victim();
	}
	while (!*latest)
		usleep(1000);
	in_child(conf->enter ? "bench" : NULL, work);
	kill(pid, SIGKILL);
	if (waitpid(pid, NULL, 0) != pid)
		die("waitpid");
	return *latest / 1000;
}

static void stall_nothing(void)
{
	*latest = 0;
	for (int i = 0; i < 1000; i++)
		usleep(100);
}

static void stall_read(void)
{
	*latest = 0;
	read_file(read_fd, 16384);
}

static void stall_write(void)
{
	int fd;

	*latest = 0;
	fd = make_file(EXT4 "/stall-write", 8192);
	if (fsync(fd))
		die("fsync");
}

static void stall_anon(void)
{
	char *p;

	*latest = 0;
	p = map_pages(8192);
	for (unsigned long i = 0; i < 8192; i++)
		*(unsigned long *)(p + i * PAGE) += 1;
}

void row_stall(void)
{
	latest = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (latest == MAP_FAILED)
		die("mmap");
	read_fd = make_file(EXT4 "/stall", 16384);
	if (fsync(read_fd) || posix_fadvise(read_fd, 0, 0, POSIX_FADV_DONTNEED))
		die("fsync");
	if (conf->enter) {
		group_make("other");
		group_limit("bench", 16 * MB);
	}
	result("stall-quiet", stall(stall_nothing));
	result("stall-read", stall(stall_read));
	result("stall-write", stall(stall_write));
	if (conf->enter)
		result("stall-anon", stall(stall_anon));
}

/* ---- a round does not depend on what it need not look at ---- */

#define SMALL		1000	/* pages that a round is to trim */
#define MANY		100000	/* VMAs, files */
#define VMA_PAGES	10	/* 4 GB in 100,000 of them: 40 KB each */

/* The dearest of a few trims, so that none of them searches for long. */
static double dearest_trim(void)
{
	double worst = 0;

	for (int i = 0; i < 4; i++) {
		double cost = trim(SMALL);

		if (cost > worst)
			worst = cost;
	}
	return worst;
}

/* As many pages in one VMA, to compare with */
void row_vma(void)
{
	char *p = map_pages(MANY);

	result("vmas-1", dearest_trim());
	munmap(p, MANY * PAGE);
}

/*
 * 4 GB of address space in 100,000 VMAs, and a page in each. Every other one is
 * not to be executed, so that they are not merged.
 */
void row_vmas(void)
{
	const unsigned long size = VMA_PAGES * PAGE;
	char *p;

	put("/proc/sys/vm/max_map_count", "%d", 2 * MANY);
	p = mmap(NULL, MANY * size, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		die("mmap");
	for (unsigned long i = 0; i < MANY; i += 2)
		if (mprotect(p + i * size, size, PROT_READ | PROT_WRITE | PROT_EXEC))
			die("mprotect");
	for (unsigned long i = 0; i < MANY; i++)
		*(unsigned long *)(p + i * size) = i + 1;
	result("vmas-100000", dearest_trim());
}

void row_file(void)
{
	int fd = open(EXT4 "/one", O_RDWR | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || ftruncate(fd, MANY * PAGE))
		die("a file");
	read_file(fd, MANY);
	result("files-1", dearest_trim());
}

/* One page in each, a hole, so that the ramdisk need not hold them. */
void row_files(void)
{
	char path[64], page[PAGE];

	for (int i = 0; i < MANY; i++) {
		int fd;

		if (i % 1000 == 0) {
			snprintf(path, sizeof(path), EXT4 "/%d", i / 1000);
			make_dir(path);
		}
		snprintf(path, sizeof(path), EXT4 "/%d/%d", i / 1000, i);
		fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
		if (fd < 0 || ftruncate(fd, PAGE) || read(fd, page, PAGE) != PAGE)
			die("%s", path);
		close(fd);
	}
	sync();
	result("files-100000", dearest_trim());
}

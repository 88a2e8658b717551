// SPDX-License-Identifier: GPL-2.0
/*
 * What a page, a fork, a limit and a group cost, each on its own. The first
 * round of each row is not measured: it fills the allocators' lists. Of the
 * others the cheapest counts, as what disturbs one (a timer, a list that has to
 * be refilled) only ever adds to it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "guest.h"

static double least(double a, double b)
{
	return a && a < b ? a : b;
}

/* A limit that is never met, but has to be kept. */
static void far_limit(void)
{
	if (group_any())
		group_hard_limit("bench", 512 * MB);
}

/* Private anonymous pages: fault each in, then unmap all. */
static double anon_page(void)
{
	const unsigned long pages = 8192;
	double best = 0, cost;

	for (int round = 0; round < 6; round++) {
		struct span span = span_begin();
		char *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (p == MAP_FAILED)
			die("mmap");
		for (unsigned long i = 0; i < pages; i++)
			p[i * PAGE] = 1;
		munmap(p, pages * PAGE);
		cost = span_end(span, pages);
		if (round)
			best = least(best, cost);
	}
	return best;
}

void row_anon(void)
{
	result("anon", anon_page());
}

void row_anon_limit(void)
{
	far_limit();
	result("anon-limit", anon_page());
}

/* A page written to a file on tmpfs, and truncated. */
static double tmpfs_page(void)
{
	const unsigned long pages = 4096;
	static char page[PAGE];
	double best = 0, cost;
	int fd;

	fd = open(TMPFS "/file", O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (fd < 0)
		die("tmpfs");
	for (int round = 0; round < 6; round++) {
		struct span span = span_begin();

		for (unsigned long i = 0; i < pages; i++)
			if (pwrite(fd, page, PAGE, i * PAGE) != PAGE)
				die("writing to tmpfs");
		if (ftruncate(fd, 0))
			die("ftruncate");
		cost = span_end(span, pages);
		if (round)
			best = least(best, cost);
	}
	close(fd);
	unlink(TMPFS "/file");
	return best;
}

void row_tmpfs(void)
{
	result("tmpfs", tmpfs_page());
}

void row_tmpfs_limit(void)
{
	far_limit();
	result("tmpfs-limit", tmpfs_page());
}

/*
 * A fault maps what the page cache has of the 16 pages around: fault_around_bytes.
 * So one page in 16 of a file is read, without what is read ahead, and each fault
 * maps one; or all of a file, and each fault maps 16. The file is a hole.
 */
#define AROUND	16

/* Touch @pages of a file in the page cache, one in @stride; then unmap all. */
static double map_page(unsigned long pages, unsigned long stride)
{
	const unsigned long size = pages * stride * PAGE;
	double best = 0, cost;
	char page[PAGE];
	int fd;

	fd = open(EXT4 "/map", O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || ftruncate(fd, size) ||
	    posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM))
		die("ext4");
	for (unsigned long i = 0; i < pages; i++)
		if (pread(fd, page, PAGE, i * stride * PAGE) != PAGE)
			die("reading from ext4");
	for (int round = 0; round < 6; round++) {
		struct span span = span_begin();
		volatile char *p = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);

		if (p == MAP_FAILED)
			die("mmap");
		for (unsigned long i = 0; i < pages; i++)
			(void)p[i * stride * PAGE];
		munmap((void *)p, size);
		cost = span_end(span, pages);
		if (round)
			best = least(best, cost);
	}
	close(fd);
	unlink(EXT4 "/map");
	return best;
}

void row_map(void)
{
	result("map", map_page(4096, AROUND));
	result("map-around", map_page(4096, 1));
}

/* fork, exit and wait */
void row_fork(void)
{
	const int forks = 16;
	double best = 0;

	for (int batch = 0; batch < 60; batch++) {
		struct span span = span_begin();

		for (int i = 0; i < forks; i++) {
			pid_t pid = fork();

			if (pid < 0)
				die("fork");
			if (!pid)
				_exit(0);
			if (waitpid(pid, NULL, 0) != pid)
				die("waitpid");
		}
		best = least(best, span_end(span, forks));
	}
	result("fork", best);
}

/* A message sent and received: one object that the kernel accounts for, and frees */
void row_object(void)
{
	const int messages = 4000;
	struct { long type; char text[16]; } message = { .type = 1 };
	int queue = msgget(IPC_PRIVATE, 0600);
	double best = 0;

	for (int batch = 0; batch < 20; batch++) {
		struct span span = span_begin();

		for (int i = 0; i < messages; i++)
			if (msgsnd(queue, &message, sizeof(message.text), 0) ||
			    msgrcv(queue, &message, sizeof(message.text), 0, 0) < 0)
				die("a message");
		best = least(best, span_end(span, messages));
	}
	msgctl(queue, IPC_RMID, NULL);
	result("object", best);
}

/* ---- at a limit of 16 MB, where the configuration has limits ---- */

#define LIMIT	(16 * MB)

static bool limited(void)
{
	if (conf->enter)
		group_limit("bench", LIMIT);
	return conf->enter;
}

/* Read a file that is four times the limit, again and again. */
void row_read(void)
{
	const unsigned long size = 64 * MB, chunk = 64UL * 1024, pages = size / PAGE;
	char *buffer = malloc(chunk);
	bool has_limit;
	double best = 0, cost;
	int fd;

	fd = open(EXT4 "/read", O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || !buffer)
		die("ext4");
	for (unsigned long done = 0; done < size; done += chunk) {
		memset(buffer, done >> 16, chunk);
		if (write(fd, buffer, chunk) != (ssize_t)chunk)
			die("writing to ext4");
	}
	if (fsync(fd))
		die("fsync");
	has_limit = limited();
	for (int round = 0; round < 4; round++) {
		struct span span;

		if (!has_limit && posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED))
			die("fadvise");
		if (lseek(fd, 0, SEEK_SET))
			die("lseek");
		span = span_begin();
		for (unsigned long done = 0; done < size; done += chunk)
			if (read(fd, buffer, chunk) != (ssize_t)chunk)
				die("reading from ext4");
		cost = span_end(span, pages);
		if (round)
			best = least(best, cost);
	}
	result("read", best);
}

/* Write a file that is twice the limit, and fsync it. */
void row_write(void)
{
	const unsigned long size = 32 * MB, chunk = 64UL * 1024, pages = size / PAGE;
	char *buffer = malloc(chunk);
	double best = 0, cost;

	if (!buffer)
		die("malloc");
	memset(buffer, 1, chunk);
	limited();
	for (int round = 0; round < 5; round++) {
		struct span span;
		int fd;

		fd = open(EXT4 "/write", O_RDWR | O_CREAT | O_TRUNC, 0600);
		if (fd < 0)
			die("ext4");
		span = span_begin();
		for (unsigned long done = 0; done < size; done += chunk)
			if (write(fd, buffer, chunk) != (ssize_t)chunk)
				die("writing to ext4");
		if (fsync(fd))
			die("fsync");
		cost = span_end(span, pages);
		if (round)
			best = least(best, cost);
		close(fd);
		if (unlink(EXT4 "/write"))
			die("unlink");
		settle();
	}
	result("write", best);
}

/*
 * Anonymous memory of twice the limit, touched in a loop. Where there is a limit
 * each page has to come back from swap and another to go, or nearly so: which of
 * them a container has kept, and by how much it is over its limit or below it when
 * a loop ends, depends on where the timer's ticks fall. So "swap-in" is for a page
 * that came back, not one that was touched; the first loops, where more is kept,
 * are not measured; and the others count together, as the cheapest is the one
 * that leaves most to the next.
 */
void row_swap(void)
{
	const unsigned long pages = 32 * MB / PAGE;
	const int warm = 4, loops = 32;
	unsigned long in = 0;
	struct span span = { 0 };
	double cost;
	char *p;

	p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		die("mmap");
	limited();
	for (int loop = 0; loop < warm + loops; loop++) {
		if (loop == warm) {
			in = get_field("/proc/vmstat", "pswpin");
			span = span_begin();
		}
		for (unsigned long i = 0; i < pages; i++)
			*(volatile unsigned long *)(p + i * PAGE) = i + loop;
	}
	cost = span_end(span, loops * pages);
	result("swap", cost);
	in = get_field("/proc/vmstat", "pswpin") - in;
	if (in)
		result("swap-in", cost * loops * pages / in);
}

/* ---- groups ---- */

#define GROUPS	1000

static void remove_all(int groups)
{
	char name[32];

	for (int i = 0; i < groups; i++) {
		snprintf(name, sizeof(name), "g%d", i);
		group_remove(name);
	}
}

static void make_all(int groups)
{
	char name[32];

	for (int i = 0; i < groups; i++) {
		snprintf(name, sizeof(name), "g%d", i);
		group_make(name);
	}
}

/*
 * rmdir puts off a part of its work. "rmdir" is what the caller sees, as
 * "mkdir" is; "rmdir-all" has the rest, too.
 */
void row_mkdir(void)
{
	double made = 0, removed = 0, gone = 0;

	for (int round = 0; round < 3; round++) {
		uint64_t begin, end;
		struct span span;

		span = span_begin();
		make_all(GROUPS);
		made = least(made, span_end(span, GROUPS));

		span = span_begin();
		begin = clock_now();
		remove_all(GROUPS);
		end = clock_now();
		for (int second = 0; second < 5; second++)
			settle();
		gone = least(gone, span_end(span, GROUPS));
		removed = least(removed, (double)(end - begin) / GROUPS);
	}
	result("mkdir", made);
	result("rmdir", removed);
	result("rmdir-all", gone);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Work that uses some pages over and over, and others once: how many of those that it
 * had before have to come from the disk, or from swap, again? Nothing in it is random
 * but for QEMU's and kcontainerd's timing: each row makes the same accesses each time.
 *
 *	choice make ROW DIR [N]	make its files, outside of any container
 *	choice run ROW DIR [N]	do the work; prints "again=N of=N usec=N"
 *
 * N is how many MB of hot are used again and again, or how large the loop is.
 *
 * Files are read 4 KB at a time, without readahead; cachestat(2) says whether a page is
 * in the cache before. For memory it is major faults that are counted, which the first
 * touch of a page is not, or is subtracted.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define PAGE		4096L
#define MB		256L		/* pages */
#define MAX_PAGES	(64 * MB)

#ifndef SYS_cachestat
#define SYS_cachestat	451
#endif

#define die(...) do { fprintf(stderr, __VA_ARGS__); fputc('\n', stderr); exit(1); } while (0)

static const char *dir;
static long number;	/* N, or 0 */
static long again, of;

/* ---- chance, the same each time ---- */

static uint64_t state = 88172645463325252ULL;

static uint64_t next(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static long below(long n)
{
	return next() % n;
}

static double cdf[MAX_PAGES];
static long place[MAX_PAGES];

/* The nth most often used of @n pages is used as 1/n; where it is is chance. */
static void zipf_init(long n)
{
	double sum = 0;

	for (long i = 0; i < n; i++) {
		sum += 1.0 / (i + 1);
		cdf[i] = sum;
		place[i] = i;
	}
	for (long i = 0; i < n; i++) {
		long j = below(n), t = place[i];

		cdf[i] /= sum;
		place[i] = place[j];
		place[j] = t;
	}
}

static long zipf(long n)
{
	double x = (next() >> 11) * 0x1p-53;
	long low = 0, high = n - 1;

	while (low < high) {
		long mid = (low + high) / 2;

		if (cdf[mid] < x)
			low = mid + 1;
		else
			high = mid;
	}
	return place[low];
}

/* ---- files ---- */

static char buffer[MB * PAGE];

static char *path_of(const char *name)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void make(const char *name, long pages)
{
	int fd = open(path_of(name), O_CREAT | O_TRUNC | O_WRONLY, 0644);

	if (fd < 0)
		die("%s: %s", path_of(name), strerror(errno));
	while (pages > 0) {
		long nr = pages < MB ? pages : MB;

		memset(buffer, pages & 127, nr * PAGE);
		if (write(fd, buffer, nr * PAGE) != nr * PAGE)
			die("%s: %s", name, strerror(errno));
		pages -= nr;
	}
	if (fsync(fd) || posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED))
		die("%s: %s", name, strerror(errno));
	close(fd);
}

static int open_at_random(const char *name)
{
	int fd = open(path_of(name), O_RDONLY);

	if (fd < 0 || posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM))
		die("%s: %s", path_of(name), strerror(errno));
	return fd;
}

/* Is the page in the cache? Reading with RWF_NOWAIT would begin to read it. */
static int is_cached(int fd, long page)
{
	struct cachestat_range {
		uint64_t off, len;
	} range = { page * PAGE, PAGE };
	struct cachestat {
		uint64_t nr_cache, nr_dirty, nr_writeback, nr_evicted, nr_recently_evicted;
	} stat;

	if (syscall(SYS_cachestat, fd, &range, &stat, 0))
		die("cachestat: %s", strerror(errno));
	return stat.nr_cache;
}

/* Read a page; was it there? */
static int read_page(int fd, long page)
{
	int there = is_cached(fd, page);

	if (pread(fd, buffer, PAGE, page * PAGE) != PAGE)
		die("pread: %s", strerror(errno));
	return there;
}

static unsigned char seen[MAX_PAGES];

/* The same, counted. */
static void use_page(int fd, long page, long number, int counts)
{
	int there = read_page(fd, page);

	if (counts) {
		of++;
		again += seen[number] && !there;
	}
	seen[number] = 1;
}

static void stream(long mb)
{
	static int fd = -1;

	if (fd < 0)
		fd = open(path_of("stream"), O_RDONLY);
	if (fd < 0 || pread(fd, buffer, sizeof(buffer), mb * sizeof(buffer)) !=
		      sizeof(buffer))
		die("stream: %s", strerror(errno));
}

/* ---- memory ---- */

static long major_faults(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_majflt;
}

static volatile char *memory(long pages)
{
	char *addr = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (addr == MAP_FAILED)
		die("mmap: %s", strerror(errno));
	madvise(addr, pages * PAGE, MADV_NOHUGEPAGE);
	return addr;
}

static void touch(volatile char *addr, long page, long number, int counts, int file)
{
	long before = major_faults();

	if (file)
		(void)addr[page * PAGE];
	else
		addr[page * PAGE]++;
	if (counts) {
		of++;
		again += seen[number] ? major_faults() - before : 0;
	}
	seen[number] = 1;
}

/* ---- the rows ---- */

#define STREAM_MB	160

/* How many pages are used again: N or so many MB. */
static long pages_of(long mb)
{
	return (number ? number : mb) * MB;
}

static void make_hot(void)
{
	make("hot", pages_of(16));
	make("stream", STREAM_MB * MB);
}

static void run_hot(void)
{
	int fd = open_at_random("hot");

	for (long mb = 0; mb < STREAM_MB; mb++) {
		stream(mb);
		for (int i = 0; i < MB; i++) {
			long page = below(pages_of(16));

			use_page(fd, page, page, 1);
		}
	}
}

static void make_zipf(void)
{
	make("zipf", 64 * MB);
}

static void run_zipf(void)
{
	int fd = open_at_random("zipf");

	zipf_init(64 * MB);
	for (long i = 0; i < 300000; i++) {
		long page = zipf(64 * MB);

		use_page(fd, page, page, i >= 30000);
	}
}

static void make_loop(void)
{
	make("loop", pages_of(40));
}

static void run_loop(void)
{
	int fd = open_at_random("loop");

	for (int round = 0; round < 8; round++) {
		long before = again;

		for (long page = 0; page < pages_of(40); page++)
			use_page(fd, page, page, round > 0);
		if (getenv("VERBOSE"))
			fprintf(stderr, "round %d: %ld\n", round, again - before);
	}
}

static void make_both(void)
{
	make("hot", 16 * MB);
	make("loop", 40 * MB);
}

/* A page of a loop, and one of those that are used at random */
static void run_both(void)
{
	int hot = open_at_random("hot"), loop = open_at_random("loop");

	for (int round = 0; round < 8; round++) {
		for (long page = 0; page < 40 * MB; page++) {
			long other = below(16 * MB);

			use_page(loop, page, page, round > 0);
			use_page(hot, other, 40 * MB + other, 1);
		}
	}
}

static void make_stream(void)
{
	make("stream", STREAM_MB * MB);
}

static void run_anon(void)
{
	volatile char *addr = memory(16 * MB);

	for (long mb = 0; mb < STREAM_MB; mb++) {
		stream(mb);
		for (int i = 0; i < MB; i++) {
			long page = below(16 * MB);

			touch(addr, page, page, 1, 0);
		}
	}
}

static void run_anon_zipf(void)
{
	volatile char *addr = memory(48 * MB);

	zipf_init(48 * MB);
	for (long i = 0; i < 300000; i++) {
		long page = zipf(48 * MB);

		touch(addr, page, page, i >= 30000, 0);
	}
}

static void run_mapped(void)
{
	int fd = open_at_random("hot");
	char *addr = mmap(NULL, 16 * MB * PAGE, PROT_READ, MAP_SHARED, fd, 0);

	if (addr == MAP_FAILED || madvise(addr, 16 * MB * PAGE, MADV_RANDOM))
		die("mmap: %s", strerror(errno));
	for (long mb = 0; mb < STREAM_MB; mb++) {
		stream(mb);
		for (int i = 0; i < MB; i++) {
			long page = below(16 * MB);

			touch(addr, page, page, 1, 1);
		}
	}
}

/* Files of two pages each */
#define USED	2000
#define ONCE	4000

static void make_files(void)
{
	char name[64];

	for (int i = 0; i < USED + ONCE; i++) {
		if (i % 500 == 0) {
			snprintf(name, sizeof(name), "%d", i / 500);
			mkdir(path_of(name), 0755);
		}
		snprintf(name, sizeof(name), "%d/%d", i / 500, i);
		make(name, 2);
	}
}

static void use_file(int i, int counts)
{
	char name[64];
	int fd;

	snprintf(name, sizeof(name), "%d/%d", i / 500, i);
	fd = open_at_random(name);
	for (int page = 0; page < 2; page++)
		use_page(fd, page, i * 2 + page, counts);
	close(fd);
}

static void run_files(void)
{
	/* those that are used once are all new, but the disk is not that large */
	for (int i = 0; i < ONCE; i++) {
		for (int j = 0; j < 5; j++)
			use_file(below(USED), 1);
		use_file(USED + i, 0);
	}
}

static const struct row {
	const char *name;
	void (*make)(void), (*run)(void);
} rows[] = {
	{ "hot", make_hot, run_hot },
	{ "zipf", make_zipf, run_zipf },
	{ "loop", make_loop, run_loop },
	{ "both", make_both, run_both },
	{ "anon", make_stream, run_anon },
	{ "anon-zipf", NULL, run_anon_zipf },
	{ "mapped", make_hot, run_mapped },
	{ "files", make_files, run_files },
};

static const struct row *row_of(const char *name)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (!strcmp(rows[i].name, name))
			return &rows[i];
	die("there is no row %s", name);
}

int main(int argc, char **argv)
{
	struct timespec from, to;
	const struct row *row;

	if (argc < 4 || argc > 5)
		die("usage: choice make|run ROW DIR [N]");
	row = row_of(argv[2]);
	dir = argv[3];
	number = argc > 4 ? atol(argv[4]) : 0;
	if (number < 0 || number > MAX_PAGES / MB)
		die("%s: too large", argv[4]);
	if (!strcmp(argv[1], "make")) {
		if (row->make)
			row->make();
		return 0;
	}
	clock_gettime(CLOCK_MONOTONIC, &from);
	row->run();
	clock_gettime(CLOCK_MONOTONIC, &to);
	printf("again=%ld of=%ld usec=%ld\n", again, of,
	       (to.tv_sec - from.tv_sec) * 1000000 + (to.tv_nsec - from.tv_nsec) / 1000);
	return 0;
}

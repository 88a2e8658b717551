// SPDX-License-Identifier: GPL-2.0
/*
 * Work that uses some pages over and over, and others once or seldom: how many of those
 * that it had before have to come from the disk, or from swap, again? Chance is the
 * same each time, so that a row always makes the same accesses.
 *
 *	choice make ROW DIR	make its files, outside of any group
 *	choice run ROW DIR	do the work; prints "again=N of=N usec=N"
 *	choice list ROW		print the accesses instead, 32 bits for each: four times
 *				the number of the page, plus 1 if it is counted; plus 2
 *				if it is no access, and the page is given back
 *
 * Files are read 4 KB at a time, without readahead, but for those that are read once
 * from beginning to end; cachestat(2) says whether a page is in the cache before. For
 * memory and what is mapped it is major faults that are counted. The first use of a page
 * counts as one that was there.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE		4096L
#define MB		256L		/* pages */
#define MAX_PAGES	(512 * MB)	/* of all that a row uses */

#ifndef SYS_cachestat
#define SYS_cachestat	451
#endif

#define die(...) do { fprintf(stderr, __VA_ARGS__); fputc('\n', stderr); exit(1); } while (0)

enum { MAKE, RUN, LIST } mode;
static const char *dir;

/* ---- chance ---- */

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

struct zipf {
	long n;
	double *cdf;
	long *place;
};

/* The nth most often used of @n pages is used as n^-exponent; where it is is chance. */
static struct zipf zipf_new(long n, double exponent)
{
	struct zipf z = { n, calloc(n, sizeof(double)), calloc(n, sizeof(long)) };
	double sum = 0;

	if (!z.cdf || !z.place)
		die("no memory");
	for (long i = 0; i < n; i++) {
		sum += pow(i + 1, -exponent);
		z.cdf[i] = sum;
		z.place[i] = i;
	}
	for (long i = 0; i < n; i++) {
		long j = below(n), t = z.place[i];

		z.cdf[i] /= sum;
		z.place[i] = z.place[j];
		z.place[j] = t;
	}
	return z;
}

static long zipf(struct zipf *z)
{
	double x = (next() >> 11) * 0x1p-53;
	long low = 0, high = z->n - 1;

	while (low < high) {
		long mid = (low + high) / 2;

		if (z->cdf[mid] < x)
			low = mid + 1;
		else
			high = mid;
	}
	return z->place[low];
}

/* ---- what is used: a file, a file that is mapped, or memory ---- */

struct area {
	long pages;
	long first;		/* the number of its first page */
	int fd;
	volatile char *addr;	/* NULL if it is read and written */
};

static char buffer[MB * PAGE];
static unsigned char seen[MAX_PAGES];
static long numbers, again, of;

static struct area area_new(long pages)
{
	struct area a = { .pages = pages, .first = numbers, .fd = -1 };

	numbers += pages;
	if (numbers > MAX_PAGES)
		die("too many pages");
	return a;
}

static const char *path_of(const char *name)
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
	close(fd);
}

/* A file of that many pages: made, or opened. */
static struct area file(const char *name, long pages)
{
	struct area a = area_new(pages);

	if (mode == MAKE) {
		make(name, pages);
	} else if (mode == RUN) {
		a.fd = open(path_of(name), O_RDWR);
		if (a.fd < 0)
			die("%s: %s", path_of(name), strerror(errno));
	}
	return a;
}

/* One that is not read in its order, and so without readahead. */
static struct area random_file(const char *name, long pages)
{
	struct area a = file(name, pages);

	if (mode == RUN && posix_fadvise(a.fd, 0, 0, POSIX_FADV_RANDOM))
		die("%s: %s", name, strerror(errno));
	return a;
}

/* One that is empty in the beginning. */
static struct area new_file(const char *name, long pages)
{
	struct area a = area_new(pages);

	if (mode == RUN) {
		a.fd = open(path_of(name), O_CREAT | O_TRUNC | O_RDWR, 0644);
		if (a.fd < 0)
			die("%s: %s", path_of(name), strerror(errno));
	}
	return a;
}

static void map(struct area *a, int prot, int flags, int advice)
{
	if (mode != RUN)
		return;
	a->addr = mmap(NULL, a->pages * PAGE, prot, flags, a->fd, 0);
	if (a->addr == MAP_FAILED || madvise((void *)a->addr, a->pages * PAGE, advice))
		die("mmap: %s", strerror(errno));
}

static struct area memory(long pages)
{
	struct area a = area_new(pages);

	map(&a, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, MADV_NOHUGEPAGE);
	return a;
}

static struct area mapped_file(const char *name, long pages)
{
	struct area a = file(name, pages);

	map(&a, PROT_READ, MAP_SHARED, MADV_RANDOM);
	return a;
}

/* ---- accesses ---- */

static void list_entry(uint32_t entry)
{
	if (fwrite(&entry, sizeof(entry), 1, stdout) != 1)
		die("write: %s", strerror(errno));
}

static void list_page(long number, int counts)
{
	list_entry(number * 4 + counts);
}

static void list_gone(long number)
{
	list_entry(number * 4 + 2);
}

static void count(long number, int counts, int there)
{
	of += counts;
	again += counts && seen[number] && !there;
	seen[number] = 1;
}

/* Reading with RWF_NOWAIT instead would begin to read it. */
static int is_cached(int fd, long page)
{
	/* struct cachestat_range: offset and length; struct cachestat: nr_cache is first */
	uint64_t range[2] = { (uint64_t)page * PAGE, PAGE }, stat[5] = { 0 };

	if (syscall(SYS_cachestat, fd, range, stat, 0))
		die("cachestat: %s", strerror(errno));
	return stat[0] != 0;
}

static long major_faults(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_majflt;
}

enum access { READ, WRITE };

static void use_file_page(struct area *a, long page, enum access access, int counts)
{
	int there = is_cached(a->fd, page);
	ssize_t done = access == WRITE ? pwrite(a->fd, buffer, PAGE, page * PAGE) :
					 pread(a->fd, buffer, PAGE, page * PAGE);

	if (done != PAGE)
		die("%s: %s", access == WRITE ? "pwrite" : "pread", strerror(errno));
	count(a->first + page, counts, there);
}

static void touch(struct area *a, long page, enum access access, int counts)
{
	long before = major_faults();

	if (access == WRITE)
		a->addr[page * PAGE]++;
	else
		(void)a->addr[page * PAGE];
	count(a->first + page, counts, major_faults() == before);
}

static void use(struct area *a, long page, enum access access, int counts)
{
	if (mode == LIST)
		list_page(a->first + page, counts);
	else if (a->addr)
		touch(a, page, access, counts);
	else
		use_file_page(a, page, access, counts);
}

/* The next MB of a file, which is used once, or each time that one comes around. */
static void stream(struct area *a, long mb, enum access access)
{
	const off_t off = mb * MB * PAGE % (a->pages * PAGE);
	ssize_t done;

	if (mode == LIST) {
		for (long page = 0; page < MB; page++)
			list_page(a->first + off / PAGE + page, 0);
		return;
	}
	done = access == WRITE ? pwrite(a->fd, buffer, sizeof(buffer), off) :
				 pread(a->fd, buffer, sizeof(buffer), off);
	if (done != sizeof(buffer))
		die("a stream: %s", strerror(errno));
}

static void sync_file(struct area *a)
{
	if (mode == RUN && fdatasync(a->fd))
		die("fdatasync: %s", strerror(errno));
}

/* ---- the rows ---- */

#define STREAM_MB	160

/* 16 MB at random, beside what is read once. */
static void beside_stream(struct area hot, enum access access)
{
	struct area once = file("stream", STREAM_MB * MB);

	if (mode == MAKE)
		return;
	for (long mb = 0; mb < STREAM_MB; mb++) {
		stream(&once, mb, READ);
		for (int i = 0; i < MB; i++)
			use(&hot, below(hot.pages), access, 1);
	}
}

static void hot_row(void)
{
	beside_stream(random_file("hot", 16 * MB), READ);
}

static void anon(void)
{
	beside_stream(memory(16 * MB), WRITE);
}

static void mapped(void)
{
	beside_stream(mapped_file("hot", 16 * MB), READ);
}

static void by_zipf(struct area a, long n, enum access access)
{
	struct zipf z;

	if (mode == MAKE)
		return;
	z = zipf_new(a.pages, 1);
	for (long i = 0; i < n; i++)
		use(&a, zipf(&z), access, i >= 30000);
}

static void zipf_row(void)
{
	by_zipf(random_file("zipf", 64 * MB), 300000, READ);
}

static void anon_zipf(void)
{
	by_zipf(memory(48 * MB), 300000, WRITE);
}

/* An LMDB: a mapped file that is four times as large as what there is room for */
static void lmdb(void)
{
	by_zipf(mapped_file("lmdb", 128 * MB), 150000, READ);
}

static void loop_row(void)
{
	struct area a = random_file("loop", 40 * MB);

	if (mode == MAKE)
		return;
	for (int round = 0; round < 8; round++)
		for (long page = 0; page < a.pages; page++)
			use(&a, page, READ, round > 0);
}

/* Small files, each a place of its own in the tree */
static void make_small_files(long n, long pages)
{
	char name[64];

	for (long i = 0; i < n; i++) {
		if (i % 500 == 0) {
			snprintf(name, sizeof(name), "%ld", i / 500);
			mkdir(path_of(name), 0755);
		}
		snprintf(name, sizeof(name), "%ld/%ld", i / 500, i);
		make(name, pages);
	}
}

static void use_small_file(long i, long pages, int counts)
{
	struct area a = { .pages = pages, .first = i * pages, .fd = -1 };
	char name[64];

	if (mode == RUN) {
		snprintf(name, sizeof(name), "%ld/%ld", i / 500, i);
		a.fd = open(path_of(name), O_RDONLY);
		if (a.fd < 0 || posix_fadvise(a.fd, 0, 0, POSIX_FADV_RANDOM))
			die("%s: %s", path_of(name), strerror(errno));
	}
	for (long page = 0; page < pages; page++)
		use(&a, page, READ, counts);
	if (a.fd >= 0)
		close(a.fd);
}

/* 2,000 small files in use, beside 4,000 that are read once */
static void files(void)
{
	if (mode == MAKE) {
		make_small_files(6000, 2);
		return;
	}
	for (long i = 0; i < 4000; i++) {
		for (int j = 0; j < 5; j++)
			use_small_file(below(2000), 2, 1);
		use_small_file(2000 + i, 2, 0);
	}
}

/*
 * A tree of sources: "git status" looks at all files and reads a few, "make" reads those
 * that have changed and the headers that all include; meanwhile tar reads other trees.
 */
static void tree(void)
{
	const long sources = 5000, headers = 600;
	long tarred = sources;

	if (mode == MAKE) {
		make_small_files(8000, 2);
		return;
	}
	for (int round = 0; round < 12; round++) {
		for (long i = 0; i < sources; i++) {
			if (i % 4 == round % 4)
				use_small_file(i, 2, round > 3);
			if (i % 2 == 0)
				use_small_file(below(headers), 2, round > 0);
			if (i % 20 == 0)
				use_small_file(tarred++, 2, 0);
		}
	}
}

/* A database: a table and its log, a checkpoint now and then, and a dump of it all */
static void db(void)
{
	struct area table = random_file("table", 64 * MB);
	struct area dumped = file("dumped", 64 * MB);
	struct area log = new_file("log", 64 * MB);
	long logged = 0, mb = 0;
	struct zipf z;

	if (mode == MAKE)
		return;
	z = zipf_new(table.pages, 1);
	for (long i = 0; i < 240000; i++) {
		use(&table, zipf(&z), i % 10 ? READ : WRITE, i >= 30000);
		if (i % 100 == 0)
			use(&log, logged++, WRITE, 0);
		if (i % 20000 == 0)
			sync_file(&table);
		/* other tables, from beginning to end */
		if (i >= 100000 && i % 1000 == 0 && mb < 64)
			stream(&dumped, mb++, READ);
	}
}

/* pgbench: an index and its inner pages, accounts at random, and a log that is flushed */
static void pgbench(void)
{
	struct area inner = random_file("inner", MB / 4);
	struct area leaves = random_file("leaves", 8 * MB);
	struct area accounts = random_file("accounts", 48 * MB);
	struct area log = new_file("log", 64 * MB);
	long logged = 0;

	if (mode == MAKE)
		return;
	for (long i = 0; i < 60000; i++) {
		long account = below(accounts.pages);

		use(&inner, account * inner.pages / accounts.pages, READ, i >= 10000);
		use(&leaves, account * leaves.pages / accounts.pages, READ, i >= 10000);
		use(&accounts, account, WRITE, i >= 10000);
		if (i % 10 == 0)
			use(&log, logged++, WRITE, 0);
		if (i % 200 == 0)
			sync_file(&log);
	}
}

/*
 * For the list, what fork(2) and copying on write make of memory: the number of each page
 * of the parent, and of those that its child has and it does not have any more.
 */
struct copies {
	long *parent, *child;
	long count;
	int forked;
};

static struct copies copies_new(struct area *a)
{
	struct copies c = { calloc(a->pages, sizeof(long)), calloc(a->pages, sizeof(long)),
			    a->pages, 0 };

	if (!c.parent || !c.child)
		die("no memory");
	for (long i = 0; i < a->pages; i++)
		c.parent[i] = a->first + i;
	return c;
}

static void copies_fork(struct copies *c)
{
	memcpy(c->child, c->parent, c->count * sizeof(long));
	c->forked = 1;
}

/* The parent writes: what it shares with a child is read, and a copy is its own. */
static void copies_write(struct copies *c, long page)
{
	list_page(c->parent[page], 1);
	if (!c->forked || c->parent[page] != c->child[page])
		return;
	c->parent[page] = numbers++;
	if (numbers > MAX_PAGES)
		die("too many pages");
	list_page(c->parent[page], 0);
}

/* The child ends. */
static void copies_end(struct copies *c)
{
	for (long i = 0; i < c->count; i++)
		if (c->parent[i] != c->child[i])
			list_gone(c->child[i]);
	c->forked = 0;
}

static void redis_write(struct area *data, struct copies *copies, long page)
{
	if (mode == LIST)
		copies_write(copies, page);
	else
		use(data, page, WRITE, 1);
}

/* Redis: a child writes what was in memory to a file while the parent changes it. */
static void redis(void)
{
	struct area data = memory(18 * MB);
	struct area dump = new_file("dump", 18 * MB);
	struct copies copies = copies_new(&data);
	int go[2], gone[2];
	struct zipf z;
	char c = 0;

	if (mode == MAKE)
		return;
	z = zipf_new(data.pages, 0.8);
	for (long page = 0; page < data.pages; page++)
		use(&data, page, WRITE, 0);
	for (int round = 0; round < 6; round++) {
		pid_t child = 0;

		if (mode == RUN) {
			if (pipe(go) || pipe(gone) || (child = fork()) < 0)
				die("fork: %s", strerror(errno));
			if (!child) {
				for (long mb = 0; mb < data.pages / MB; mb++) {
					if (read(go[0], &c, 1) != 1)
						_exit(1);
					memcpy(buffer, (char *)data.addr + mb * MB * PAGE,
					       sizeof(buffer));
					stream(&dump, mb, WRITE);
					if (write(gone[1], &c, 1) != 1)
						_exit(1);
				}
				_exit(0);
			}
		} else {
			copies_fork(&copies);
		}
		for (long mb = 0; mb < data.pages / MB; mb++) {
			for (int i = 0; i < 1000; i++)
				redis_write(&data, &copies, zipf(&z));
			if (mode == LIST) {
				for (long page = 0; page < MB; page++)
					list_page(copies.child[mb * MB + page], 0);
				stream(&dump, mb, WRITE);
			} else if (write(go[1], &c, 1) != 1 || read(gone[0], &c, 1) != 1) {
				die("the child: %s", strerror(errno));
			}
		}
		if (mode == RUN) {
			waitpid(child, NULL, 0);
			for (int i = 0; i < 2; i++) {
				close(go[i]);
				close(gone[i]);
			}
			sync_file(&dump);
		} else {
			copies_end(&copies);
		}
		for (int i = 0; i < 20000; i++)
			redis_write(&data, &copies, zipf(&z));
	}
}

/* A heap of two generations whose collector goes over it, beside files read once */
static void heap(void)
{
	struct area old = memory(16 * MB), young = memory(4 * MB);
	struct area once = file("stream", STREAM_MB * MB);
	long allocated = 0;
	struct zipf z;

	if (mode == MAKE)
		return;
	z = zipf_new(old.pages, 0.8);
	for (long mb = 0; mb < STREAM_MB; mb++) {
		stream(&once, mb, READ);
		for (int i = 0; i < 1000; i++) {
			use(&old, zipf(&z), i % 4 ? READ : WRITE, 1);
			if (i % 8 == 0)
				use(&young, allocated++ % young.pages, WRITE, 1);
		}
		if (mb % 16 == 15)
			for (long page = 0; page < old.pages; page++)
				use(&old, page, READ, 1);
	}
}

/* A log that is flushed with each page, beside 20 MB that are read at random */
static void log_row(void)
{
	struct area read = random_file("hot", 20 * MB);
	struct area log = new_file("log", 64 * MB);

	if (mode == MAKE)
		return;
	for (long i = 0; i < 15000; i++) {
		use(&log, i, WRITE, 0);
		if (i % 8 == 0)
			sync_file(&log);
		for (int j = 0; j < 6; j++)
			use(&read, below(read.pages), READ, 1);
	}
}

/* A loop and what is used at random, in two files */
static void both(void)
{
	struct area hot = random_file("hot", 16 * MB), loop = random_file("loop", 40 * MB);

	if (mode == MAKE)
		return;
	for (int round = 0; round < 4; round++) {
		for (long page = 0; page < loop.pages; page++) {
			use(&loop, page, READ, round > 0);
			use(&hot, below(hot.pages), READ, 1);
		}
	}
}

/* Two jobs: memory by Zipf, and a file in a loop */
static void two(void)
{
	struct area data = memory(20 * MB), loop = random_file("loop", 24 * MB);
	struct zipf z;

	if (mode == MAKE)
		return;
	z = zipf_new(data.pages, 1);
	for (int round = 0; round < 5; round++) {
		for (long page = 0; page < loop.pages; page++) {
			use(&loop, page, READ, round > 0);
			for (int i = 0; i < 3; i++)
				use(&data, zipf(&z), WRITE, 1);
		}
	}
}

/* A working set of 16 MB that becomes another one five times */
static void shift(void)
{
	struct area a = random_file("shift", 96 * MB);

	if (mode == MAKE)
		return;
	for (long phase = 0; phase < 6; phase++)
		for (long i = 0; i < 40000; i++)
			use(&a, phase * 16 * MB + below(16 * MB), READ, 1);
}

static const struct row {
	const char *name;
	void (*work)(void);
} rows[] = {
	{ "hot", hot_row }, { "zipf", zipf_row }, { "loop", loop_row }, { "anon", anon },
	{ "anon-zipf", anon_zipf }, { "mapped", mapped }, { "files", files },
	{ "both", both }, { "db", db }, { "heap", heap }, { "lmdb", lmdb },
	{ "log", log_row }, { "pgbench", pgbench }, { "redis", redis },
	{ "shift", shift }, { "tree", tree }, { "two", two },
};

static const struct row *row_of(const char *name)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (!strcmp(rows[i].name, name))
			return &rows[i];
	die("there is no row %s", name);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

int main(int argc, char **argv)
{
	static const char *const modes[] = { "make", "run", "list" };
	const struct row *row;
	double begun;

	for (mode = MAKE; mode <= LIST && argc > 1; mode++)
		if (!strcmp(argv[1], modes[mode]))
			break;
	if (argc < 2 || mode > LIST || argc != (mode == LIST ? 3 : 4))
		die("usage: choice make|run ROW DIR, or choice list ROW");
	row = row_of(argv[2]);
	dir = argv[3];
	begun = now();
	row->work();
	if (mode == RUN)
		printf("again=%ld of=%ld usec=%.0f\n", again, of, now() - begun);
	if (fflush(stdout))
		die("write: %s", strerror(errno));
	return 0;
}

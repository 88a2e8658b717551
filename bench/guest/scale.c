// SPDX-License-Identifier: GPL-2.0
/*
 * Whether what is cheap stays so: with 1 group and with 10,000, a task in each,
 * and with 1 file and with 100,000 in one container. Results are named
 * WHAT@NUMBER.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest.h"

static void result_at(const char *what, int number, double value)
{
	char name[64];

	snprintf(name, sizeof(name), "%s@%d", what, number);
	result(name, value);
}

static double least(double a, double b)
{
	return a && a < b ? a : b;
}

/* ---- groups ---- */

#define EXTRA	32	/* groups that are made and removed to measure that */

/*
 * Make the groups from @from to @to, each with a task that does nothing; only
 * the tasks where there are no groups, to see what they alone make dearer.
 */
static void populate(int from, int to)
{
	char name[32];
	pid_t pid;

	for (int i = from; i < to; i++) {
		snprintf(name, sizeof(name), "s%d", i);
		if (group_any())
			group_make(name);
		pid = fork();
		if (pid < 0)
			die("fork of task %d", i);
		if (!pid) {
			if (group_any())
				group_enter(name);
			for (;;)
				pause();
		}
		/* it enters at once, and pauses */
		if (i % 64 == 0)
			settle();
	}
	settle();
}

static double cost_of_pages(void)
{
	const unsigned long pages = 1024;
	double best = 0;

	for (int round = 0; round < 4; round++) {
		struct span span = span_begin();
		char *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (p == MAP_FAILED)
			die("mmap");
		for (unsigned long i = 0; i < pages; i++)
			p[i * PAGE] = 1;
		munmap(p, pages * PAGE);
		best = least(best, span_end(span, pages));
	}
	return best;
}

static double cost_of_forks(void)
{
	const int forks = 16;
	double best = 0;

	for (int batch = 0; batch < 20; batch++) {
		struct span span = span_begin();

		for (int i = 0; i < forks; i++) {
			pid_t pid = fork();

			if (!pid)
				_exit(0);
			if (pid < 0 || waitpid(pid, NULL, 0) != pid)
				die("fork");
		}
		best = least(best, span_end(span, forks));
	}
	return best;
}

/* All numbers that there are of one group. */
static double cost_of_reading(const char *name)
{
	static const char * const container[] = { "stat", NULL };
	static const char * const memcg[] = { "memory.current", "memory.stat", NULL };
	char path[256], file[512];
	double best = 0;

	group_path(path, sizeof(path), name);
	for (int round = 0; round < 6; round++) {
		struct span span = span_begin();

		for (const char * const *f = conf->container ? container : memcg; *f; f++) {
			snprintf(file, sizeof(file), "%s/%s", path, *f);
			get(file);
		}
		best = least(best, span_end(span, 1));
	}
	return best;
}

/* Of all groups in one file, for each of them. */
static double cost_of_reading_all(int number)
{
	const size_t size = 65536;
	/* not in the program, whose other pages a fork in another row copies */
	char *text = mmap(NULL, size, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	double best = 0;

	if (text == MAP_FAILED)
		die("mmap");
	for (int round = 0; round < 6; round++) {
		struct span span = span_begin();
		int fd = open("/config/containers/stat", O_RDONLY);
		ssize_t got;

		if (fd < 0)
			die("stat of all");
		while ((got = read(fd, text, size)) > 0)
			;
		close(fd);
		if (got < 0)
			die("read");
		best = least(best, span_end(span, (unsigned long)number));
	}
	munmap(text, size);
	return best;
}

/* What a task in "bench" meets while there are @number groups beside it. */
static int scale_number;

static void measure_inside(void)
{
	result_at("scale-anon", scale_number, cost_of_pages());
	result_at("scale-fork", scale_number, cost_of_forks());
}

static void measure_groups(void)
{
	double made = 0, removed = 0;
	char name[32];

	in_child(conf->enter ? "bench" : NULL, measure_inside);
	if (!group_any())
		return;
	result_at("scale-stat", scale_number, cost_of_reading("s0"));
	if (conf->container)
		result_at("scale-stat-all", scale_number, cost_of_reading_all(scale_number));
	for (int round = 0; round < 3; round++) {
		struct span span = span_begin();

		for (int i = 0; i < EXTRA; i++) {
			snprintf(name, sizeof(name), "extra%d", i);
			group_make(name);
		}
		made = least(made, span_end(span, EXTRA));
		span = span_begin();
		for (int i = 0; i < EXTRA; i++) {
			snprintf(name, sizeof(name), "extra%d", i);
			group_remove(name);
		}
		removed = least(removed, span_end(span, EXTRA));
		settle();
	}
	result_at("scale-mkdir", scale_number, made);
	result_at("scale-rmdir", scale_number, removed);
}

void row_scale(void)
{
	int number = 0;

	put("/proc/sys/kernel/pid_max", "40000");
	put("/proc/sys/kernel/threads-max", "40000");
	for (scale_number = 1; scale_number <= 10000; scale_number *= 10) {
		populate(number, scale_number);
		number = scale_number;
		measure_groups();
	}
}

/* ---- files ---- */

#define BATCH		32
#define CONTAINER	"/config/containers/bench"

static int owned;	/* files that the container has by now */

static void file_path(char *path, size_t size, int number)
{
	snprintf(path, size, TMPFS "/%d/%d", number / 1000, number);
}

/* A task of the container owns a file as soon as it writes it. */
static int claim_to;

static void claim(void)
{
	char path[64];

	for (int i = owned; i < claim_to; i++) {
		int fd;

		if (i % 1000 == 0) {
			snprintf(path, sizeof(path), TMPFS "/%d", i / 1000);
			make_dir(path);
		}
		file_path(path, sizeof(path), i);
		fd = open(path, O_RDWR | O_CREAT, 0600);
		if (fd < 0 || write(fd, "", 1) != 1 || ftruncate(fd, 0))
			die("%s", path);
		close(fd);
	}
}

static double cost_of_list(void)
{
	static char buffer[1 << 16];
	unsigned long lines = 0;
	struct span span = span_begin();
	ssize_t size;
	int fd = open(CONTAINER "/mappings", O_RDONLY);

	if (fd < 0)
		die("mappings");
	while ((size = read(fd, buffer, sizeof(buffer))) > 0)
		for (char *p = buffer; (p = memchr(p, '\n', buffer + size - p)); p++)
			lines++;
	close(fd);
	if (lines != (unsigned long)owned)
		die("%lu lines for %d files", lines, owned);
	return span_end(span, lines);
}

static void expect_files(unsigned long number)
{
	unsigned long is = get_number(CONTAINER "/num_files");

	if (is != number)
		die("%lu files, not %lu", is, number);
}

static void measure_files(void)
{
	double added = 0, evicted = 0, listed = 0;
	char path[64];

	for (int round = 0; round < 3; round++) {
		struct span span;

		for (int i = 0; i < BATCH; i++) {
			snprintf(path, sizeof(path), TMPFS "/extra%d", i);
			close(open(path, O_RDWR | O_CREAT, 0600));
		}
		if (conf->container) {
			span = span_begin();
			for (int i = 0; i < BATCH; i++)
				put(CONTAINER "/addfile", TMPFS "/extra%d", i);
			added = least(added, span_end(span, BATCH));
			expect_files(owned + BATCH);
		}
		span = span_begin();
		for (int i = 0; i < BATCH; i++) {
			snprintf(path, sizeof(path), TMPFS "/extra%d", i);
			unlink(path);
		}
		evicted = least(evicted, span_end(span, BATCH));
		settle();
		if (conf->container) {
			expect_files(owned);
			listed = least(listed, cost_of_list());
		}
	}
	result_at("files-evict", owned, evicted);
	if (conf->container) {
		result_at("files-addfile", owned, added);
		result_at("files-mappings", owned, listed);
	}
}

void row_owned(void)
{
	for (claim_to = 1; claim_to <= 100000; claim_to *= 10) {
		in_child(conf->container ? "bench" : NULL, claim);
		owned = claim_to;
		measure_files();
	}
}

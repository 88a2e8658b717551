// SPDX-License-Identifier: GPL-2.0
/*
 * The containers of a worker, with the processes and files that it puts into
 * them: what each is to say, and whether it does.
 *
 * Whose the pages of the files can be is known, page by page; how many of them
 * are in memory, and not in swap, is not.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fuzz.h"

struct own own[NR_OWN];
pid_t sleepers[NR_SLEEPERS];
int sleeper_in[NR_SLEEPERS];
const char *const file_names[NR_FILES] = { "file", "a b", "new\nline", "\xc3\xbc" };
int file_in[NR_FILES];
static struct stat file_stat[NR_FILES];
/* For each page: is it there, and which of own[] can it be charged to? A bit each. */
static int page_there[NR_FILES][FILE_PAGES];
static unsigned int page_may[NR_FILES][FILE_PAGES];
char defaults[2][VALUE_MAX];
unsigned long long default_barrier[NR_RESOURCES] = { [0 ... NR_RESOURCES - 1] = NO_LIMIT };
unsigned long long default_limit[NR_RESOURCES] = { [0 ... NR_RESOURCES - 1] = NO_LIMIT };
char default_rss_limit[VALUE_MAX] = "max";

const char *const value_names[NR_VALUES] = {
	[PAGE_LIMIT] = "page_limit",
	[RSS_LIMIT] = "rss_limit",
	[TASK_LIMIT] = "task_limit",
	[OVER_LIMIT] = "over_limit",
	[OOM] = "oom",
};

const enum kind value_kinds[NR_VALUES] = {
	[PAGE_LIMIT] = KIND_PAGES,
	[RSS_LIMIT] = KIND_PAGES,
	[TASK_LIMIT] = KIND_TASKS,
	[OVER_LIMIT] = KIND_OVER,
	[OOM] = KIND_OOM,
};

void own_path(const struct own *ctn, const char *attr, char *path, size_t size)
{
	snprintf(path, size, ROOT "/%s%s%s", ctn->name, attr ? "/" : "",
		 attr ? attr : "");
}

void read_value(const char *path, char *value, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len;

	if (fd < 0)
		complain("cannot open %s: %s", path, strerror(errno));
	len = read(fd, value, size - 1);
	if (len < 0)
		complain("cannot read %s: %s", path, strerror(errno));
	close(fd);
	value[len] = 0;
	value[strcspn(value, "\n")] = 0;
}

static void expect(const struct own *ctn, const char *attr, const char *what)
{
	char path[512], value[64];

	own_path(ctn, attr, path, sizeof(path));
	read_value(path, value, sizeof(value));
	if (strcmp(value, what))
		complain("%s says %s, not %s", path, value, what);
}

static void expect_number(const struct own *ctn, const char *attr, int number)
{
	char what[16];

	snprintf(what, sizeof(what), "%d", number);
	expect(ctn, attr, what);
}

static int count(const int *in, size_t nr, int index)
{
	int sum = 0;

	while (nr--)
		sum += *in++ == index;
	return sum;
}

/* ---- the pages of its files ---- */

void page_read(int file, unsigned long page)
{
	if (file_in[file] != NOBODY)
		page_may[file][page] |= 1u << file_in[file];
}

void page_written(int file, unsigned long page)
{
	if (!page_there[file][page])
		page_may[file][page] = 0;
	page_there[file][page] = 1;
	page_read(file, page);
}

void file_cut(int file, unsigned long size)
{
	unsigned long page = size / PAGE;

	/* the end of this one is cleared */
	if (size % PAGE)
		page_read(file, page++);
	for (; page < FILE_PAGES; page++)
		page_there[file][page] = 0;
}

void file_named(int file, int index)
{
	file_in[file] = index;
	for (int i = 0; i < FILE_PAGES; i++)
		page_may[file][i] |= 1u << index;
}

/* Only who may have what they like charged to nobody has it so. */
void file_let_go(int file)
{
	for (int i = 0; i < FILE_PAGES; i++)
		if (me.as == AS_ROOT)
			page_may[file][i] &= ~(1u << file_in[file]);
	file_in[file] = NOBODY;
}

static unsigned long may_have(int file, int index)
{
	unsigned long nr = 0;

	for (int i = 0; i < FILE_PAGES; i++)
		nr += page_there[file][i] && page_may[file][i] & 1u << index;
	return nr;
}

/* A line of "mappings": which of the files it is, or complain. */
static int check_mapping(const struct own *ctn, const char *line)
{
	unsigned long pages, ino;
	unsigned int dev[2];
	int file;

	if (sscanf(line, "%lu %u:%u %lu ", &pages, &dev[0], &dev[1], &ino) != 4)
		complain("%s/mappings has the line %s", ctn->name, line);
	for (file = 0; file < NR_FILES; file++)
		if (file_stat[file].st_ino == ino &&
		    file_stat[file].st_dev == makedev(dev[0], dev[1]))
			break;
	if (file == NR_FILES)
		complain("%s has another's file: %s", ctn->name, line);
	if (pages > may_have(file, (int)(ctn - own)))
		complain("%s can have %lu pages at most of %s", ctn->name,
			 may_have(file, (int)(ctn - own)), line);
	return file;
}

void check_files(struct own *ctn)
{
	int listed[NR_FILES] = { 0 }, fd;
	char path[512], text[4096], *line, *save;
	ssize_t len;

	own_path(ctn, "mappings", path, sizeof(path));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	len = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (len < 0)
		complain("cannot read %s: %s", path, strerror(errno));
	close(fd);
	text[len] = 0;
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (listed[check_mapping(ctn, line)]++)
			complain("%s has a file twice: %s", ctn->name, line);
	for (int i = 0; i < NR_FILES; i++)
		if (file_in[i] == ctn - own && !listed[i])
			complain("%s is not in %s", file_names[i], path);
}

/* ---- the containers ---- */

static const char *const counters[] = {
	"num_tasks", "num_files", "num_anon_pages", "num_file_pages",
	"num_mapped_pages", "num_active_pages", "rss_usage",
};

unsigned long long limit_of(const char *value)
{
	return strcmp(value, "max") ? strtoull(value, NULL, 10) : NO_LIMIT;
}

int is_bound(const struct own *ctn, int value, const char *then)
{
	if (!is_user() || (value != TASK_LIMIT && value != RSS_LIMIT))
		return 0;
	return limit_of(then) > ctn->bound[value == TASK_LIMIT ? NUMPROC : PHYSPAGES][1];
}

/* The numbers of a line of beancounters; complains if there is none. */
static void read_bc(const struct own *ctn, enum resource resource,
		    unsigned long long *numbers)
{
	char path[512], text[4096], words[7][32], *line;
	FILE *file;
	int nr = 0;

	own_path(ctn, "beancounters", path, sizeof(path));
	file = fopen(path, "re");
	if (!file)
		complain("%s: %s", path, strerror(errno));
	while ((line = fgets(text, sizeof(text), file)) != NULL) {
		nr = sscanf(line, "%31s %31s %31s %31s %31s %31s %31s", words[0],
			    words[1], words[2], words[3], words[4], words[5], words[6]);
		if (!strcmp(words[0], resource_names[resource]))
			break;
	}
	fclose(file);
	if (!line || nr != 7)
		complain("%s has no line of %s", path, resource_names[resource]);
	for (int i = 0; i < 6; i++)
		numbers[i] = limit_of(words[i + 1]);
}

static void check_bc(const struct own *ctn)
{
	unsigned long long is[6], limit, barrier;

	for (enum resource r = 0; r < NR_RESOURCES; r++) {
		read_bc(ctn, r, is);
		limit = r > PHYSPAGES ? ctn->limit[r] :
			limit_of(ctn->values[r == NUMPROC ? TASK_LIMIT : RSS_LIMIT]);
		barrier = ctn->barrier[r] < limit ? ctn->barrier[r] : limit;
		if ((is[3] != barrier && ctn->barrier[r] != UNKNOWN) || is[4] != limit)
			complain("%s: %s says barrier %llu and limit %llu, not %llu and %llu",
				 ctn->name, resource_names[r], is[3], is[4], barrier, limit);
		if (is[0] > is[1] || is[0] < is[2])
			complain("%s: %s holds %llu, at most %llu, at least %llu", ctn->name,
				 resource_names[r], is[0], is[1], is[2]);
		if (r == NUMPROC && is[0] != (unsigned long long)
		    count(sleeper_in, NR_SLEEPERS, (int)(ctn - own)))
			complain("%s: numproc says %llu", ctn->name, is[0]);
	}
}

void check_own(struct own *ctn)
{
	int index = (int)(ctn - own);

	for (int i = 0; i < NR_VALUES; i++)
		expect(ctn, value_names[i], ctn->values[i]);
	expect_number(ctn, "num_tasks", count(sleeper_in, NR_SLEEPERS, index));
	expect_number(ctn, "num_files", count(file_in, NR_FILES, index));
	expect(ctn, "freeing", "0");
	check_bc(ctn);
	/* what was others' before is not its own, whatever becomes of that */
	for (size_t i = 0; !ctn->used && i < ARRAY_SIZE(counters); i++)
		expect_number(ctn, counters[i], 0);
}

void adopt(struct own *ctn, const char *name)
{
	static unsigned long lives;
	char path[512];

	if (name != ctn->name)
		snprintf(ctn->name, sizeof(ctn->name), "%s", name);
	ctn->alive = 1;
	ctn->used = 0;
	ctn->life = ++lives;
	strcpy(ctn->values[OVER_LIMIT], "reclaim");
	strcpy(ctn->values[OOM], "task");
	/* another worker may set the defaults: then they are what they are */
	if (me.as == AS_ROOT && !me.number) {
		strcpy(ctn->values[PAGE_LIMIT], defaults[0]);
		strcpy(ctn->values[TASK_LIMIT], defaults[1]);
		strcpy(ctn->values[RSS_LIMIT], default_rss_limit);
		memcpy(ctn->barrier, default_barrier, sizeof(ctn->barrier));
		memcpy(ctn->limit, default_limit, sizeof(ctn->limit));
	} else {
		own_path(ctn, "rss_limit", path, sizeof(path));
		read_value(path, ctn->values[RSS_LIMIT], VALUE_MAX);
		own_path(ctn, "page_limit", path, sizeof(path));
		read_value(path, ctn->values[PAGE_LIMIT], VALUE_MAX);
		own_path(ctn, "task_limit", path, sizeof(path));
		read_value(path, ctn->values[TASK_LIMIT], VALUE_MAX);
		for (enum resource r = 0; r < NR_RESOURCES; r++) {
			unsigned long long numbers[6];

			read_bc(ctn, r, numbers);
			/* one that is over the limit is shown once that is raised */
			ctn->barrier[r] = numbers[3] == numbers[4] ? UNKNOWN : numbers[3];
			ctn->limit[r] = numbers[4];
			ctn->bound[r][0] = numbers[3];
			ctn->bound[r][1] = numbers[4];
		}
	}
	check_own(ctn);
	check_files(ctn);
}

void forget(struct own *ctn)
{
	int index = (int)(ctn - own);

	ctn->alive = 0;
	for (int i = 0; i < NR_SLEEPERS; i++)
		if (sleeper_in[i] == index)
			sleeper_in[i] = NOBODY;
	for (int i = 0; i < NR_FILES; i++)
		if (file_in[i] == index)
			file_in[i] = NOBODY;
	for (int i = 0; i < NR_FILES * FILE_PAGES; i++)
		page_may[i / FILE_PAGES][i % FILE_PAGES] &= ~(1u << index);
}

struct own *any_own(void)
{
	unsigned int start = below(NR_OWN);

	for (unsigned int i = 0; i < NR_OWN; i++) {
		struct own *ctn = &own[(start + i) % NR_OWN];

		if (ctn->alive)
			return ctn;
	}
	return NULL;
}

static void make_file(int file)
{
	char page[PAGE] = "x";
	int fd = open(file_names[file], O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		complain("cannot make a file: %s", strerror(errno));
	file_in[file] = NOBODY;
	for (unsigned int i = 0; i < 20; i++) {
		if (write(fd, page, sizeof(page)) != sizeof(page))
			complain("cannot write a file: %s", strerror(errno));
		page_written(file, i);
	}
	if (fstat(fd, &file_stat[file]))
		complain("cannot stat a file: %s", strerror(errno));
	close(fd);
}

/* The containers of a user have been made by root. */
void start_own(void)
{
	if (chdir(me.scratch))
		complain("%s: %s", me.scratch, strerror(errno));
	for (int i = 0; i < NR_SLEEPERS; i++) {
		sleepers[i] = start_sleeper();
		sleeper_in[i] = NOBODY;
	}
	for (int i = 0; i < NR_FILES; i++)
		make_file(i);
	if (symlink("file", "link") || symlink("loop", "loop") ||
	    mkdir("dir", 0700) || mkfifo("fifo", 0600))
		complain("%s: %s", me.scratch, strerror(errno));
	strcpy(defaults[0], "max");
	strcpy(defaults[1], "max");
	for (int i = 0; i < NR_OWN; i++) {
		char name[64];

		snprintf(name, sizeof(name), "w%d-%d", me.number, i);
		snprintf(own[i].name, sizeof(own[i].name), "%s", name);
		if (is_user())
			adopt(&own[i], name);
	}
}

static void await_zero(const struct own *ctn, const char *attr)
{
	char path[512], value[64];

	own_path(ctn, attr, path, sizeof(path));
	/* a page that was freed can wait in a CPU's list for a moment */
	for (int tries = 0; tries < 400; tries++) {
		read_value(path, value, sizeof(value));
		if (!strcmp(value, "0"))
			return;
		nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
	}
	complain("%s is %s in the end", path, value);
}

void end_own(void)
{
	end_held();
	for (int i = 0; i < NR_SLEEPERS; i++) {
		if (waitpid(sleepers[i], NULL, WNOHANG))
			complain("sleeper %d has not survived", i);
		kill(sleepers[i], SIGKILL);
		waitpid(sleepers[i], NULL, 0);
		sleeper_in[i] = NOBODY;
	}
	for (int i = 0; i < NR_FILES; i++) {
		if (unlink(file_names[i]))
			complain("%s: %s", file_names[i], strerror(errno));
		file_in[i] = NOBODY;
	}
	for (int i = 0; i < NR_OWN; i++)
		for (size_t n = 0; own[i].alive && n < ARRAY_SIZE(counters); n++)
			await_zero(&own[i], counters[n]);
}

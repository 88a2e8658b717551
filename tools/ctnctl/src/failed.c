// SPDX-License-Identifier: GPL-2.0-only
/*
 * What "ctnctl beancounters --failed" has seen: a file in a directory of the user's own,
 * with the boot in which it was written, and a line for each failcnt:
 *
 *   ID INODE RESOURCE FAILCNT
 *
 * A container is known by its id and the inode of its directory: the id of one that was
 * removed is given to another. What is read is shown first and kept then, so that what
 * could not be shown is shown the next time. Calls at the same time may both show it, and
 * neither takes back what the other has kept: the lock is held where the file is read
 * once more and written, and not while somebody looks at a pager.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "failed.h"

#define FILE_NAME "beancounters"
#define NEW_NAME FILE_NAME ".new"
#define LOCK_NAME FILE_NAME ".lock"

#define BOOT_SIZE 64

/* Of one resource of one container. */
struct count {
	uint64_t id;
	uint64_t inode;
	char *resource;
	uint64_t before;	/* the failcnt that was in the file */
	uint64_t now;		/* the one that was seen now, if it was */
	int seen;
};

struct counts {
	struct count **list;
	size_t count;
	void *index;		/* for tsearch(3) */
};

struct failed {
	char *path;		/* of the directory; NULL if there is none */
	int dir;		/* -1 if there is no place */
	char boot[BOOT_SIZE];
	struct counts counts;
};

/* The directory */

static int make_parents(const char *path)
{
	char *part = xasprintf("%s", path);
	int ret = 0;

	for (char *at = part + 1; !ret && *at; at++) {
		if (*at != '/')
			continue;
		*at = '\0';
		ret = mkdir(part, 0700) && errno != EEXIST ? -1 : 0;
		*at = '/';
	}
	if (!ret && mkdir(path, 0700) && errno != EEXIST)
		ret = -1;
	free(part);
	return ret;
}

/* root takes nobody's word for where to write but CTN_STATE. */
static char *find_place(void)
{
	const char *named = getenv("CTN_STATE"), *home = getenv("HOME");
	const char *state = getenv("XDG_STATE_HOME");

	if (named && *named)
		return xasprintf("%s", named);
	if (!geteuid())
		return xasprintf("/var/lib/ctnctl");
	if (state && *state == '/')
		return xasprintf("%s/ctnctl", state);
	if (home && *home == '/')
		return xasprintf("%s/.local/state/ctnctl", home);
	return NULL;
}

static int open_lock(int dir)
{
	return openat(dir, LOCK_NAME, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
}

/* Returns why it cannot be used, or NULL. */
static const char *open_place(struct failed *failed)
{
	struct stat st;
	int lock;

	if (!failed->path)
		return "there is no HOME";
	if (make_parents(failed->path))
		return strerror(errno);
	failed->dir = open(failed->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (failed->dir < 0)
		return errno == ELOOP || errno == ENOTDIR ? "it is no directory" :
		       strerror(errno);
	if (fstat(failed->dir, &st))
		return strerror(errno);
	if (st.st_uid != geteuid())
		return "it is another user's";
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		return "others may write to it";
	lock = open_lock(failed->dir);
	if (lock < 0)
		return strerror(errno);
	close(lock);
	return NULL;
}

static void read_boot(char *boot)
{
	FILE *from = fopen("/proc/sys/kernel/random/boot_id", "re");

	if (!from || fscanf(from, "%63s", boot) != 1)
		strcpy(boot, "?");
	if (from)
		fclose(from);
}

/* Counts */

static int by_key(const void *a, const void *b)
{
	const struct count *x = a, *y = b;

	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	if (x->inode != y->inode)
		return x->inode < y->inode ? -1 : 1;
	return strcmp(x->resource, y->resource);
}

static struct count *get_count(struct counts *counts, uint64_t id, uint64_t inode,
			       const char *resource)
{
	struct count wanted = { .id = id, .inode = inode, .resource = (char *)resource };
	struct count **found = tfind(&wanted, &counts->index, by_key), *count;

	if (found)
		return *found;
	count = xrealloc(NULL, 1, sizeof(*count));
	*count = wanted;
	count->resource = xasprintf("%s", resource);
	if (!tsearch(count, &counts->index, by_key))
		die("%s", strerror(ENOMEM));
	counts->list = xrealloc(counts->list, counts->count + 1, sizeof(*counts->list));
	counts->list[counts->count++] = count;
	return count;
}

static void keep_it(void *count)
{
	(void)count;
}

static void free_counts(struct counts *counts)
{
	tdestroy(counts->index, keep_it);
	for (size_t i = 0; i < counts->count; i++) {
		free(counts->list[i]->resource);
		free(counts->list[i]);
	}
	free(counts->list);
}

/* What cannot be understood, and what another boot has left, was not seen. */
static void read_counts(const struct failed *failed, struct counts *counts)
{
	int fd = openat(failed->dir, FILE_NAME, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	FILE *from = fd < 0 ? NULL : fdopen(fd, "r");
	char boot[BOOT_SIZE], resource[64];
	uint64_t id, inode, failcnt;

	if (from && fscanf(from, "boot %63s\n", boot) == 1 && !strcmp(boot, failed->boot))
		while (fscanf(from, "%" SCNu64 " %" SCNu64 " %63s %" SCNu64, &id, &inode,
			      resource, &failcnt) == 4)
			get_count(counts, id, inode, resource)->before = failcnt;
	if (from)
		fclose(from);
}

struct failed *failed_open(void)
{
	struct failed *failed = xrealloc(NULL, 1, sizeof(*failed));
	const char *why;

	*failed = (struct failed){ .path = find_place(), .dir = -1 };
	read_boot(failed->boot);
	why = open_place(failed);
	if (!why) {
		read_counts(failed, &failed->counts);
		return failed;
	}
	complain("%s: %s: what has ever failed is printed, as nothing can be kept there",
		 failed->path ? failed->path : "XDG_STATE_HOME", why);
	if (failed->dir >= 0)
		close(failed->dir);
	failed->dir = -1;
	return failed;
}

int failed_has_grown(struct failed *failed, const struct ctn *ctn, const struct ctn_bc *row)
{
	struct count *count;
	struct stat st;
	uint64_t id;

	if (failed->dir < 0 || stat(ctn_path(ctn), &st) || ctn_get_number(ctn, "id", &id))
		return row->failcnt != 0;
	count = get_count(&failed->counts, id, st.st_ino, row->resource);
	count->now = row->failcnt;
	count->seen = 1;
	/* it never becomes less: this is not the one that was seen then */
	return count->now > count->before || (count->now && count->now < count->before);
}

/* What another call has kept since ours began is not taken back. */
static void merge(const struct failed *failed, struct counts *kept, int all)
{
	for (size_t i = 0; i < failed->counts.count; i++) {
		const struct count *ours = failed->counts.list[i];
		struct count *count = get_count(kept, ours->id, ours->inode,
						ours->resource);

		if (ours->seen && (count->before == ours->before ||
				   count->before < ours->now))
			count->before = ours->now;
		else if (!ours->seen && all && count->before == ours->before)
			count->before = 0;
	}
}

static int write_counts(const struct failed *failed, const struct counts *counts)
{
	FILE *to;
	int fd, bad;

	unlinkat(failed->dir, NEW_NAME, 0);
	fd = openat(failed->dir, NEW_NAME, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	to = fd < 0 ? NULL : fdopen(fd, "w");
	if (!to)
		return -1;
	fprintf(to, "boot %s\n", failed->boot);
	/* 0 is what is known of all others */
	for (size_t i = 0; i < counts->count; i++) {
		const struct count *count = counts->list[i];

		if (count->before)
			fprintf(to, "%" PRIu64 " %" PRIu64 " %s %" PRIu64 "\n", count->id,
				count->inode, count->resource, count->before);
	}
	bad = ferror(to);
	if (fclose(to) || bad || renameat(failed->dir, NEW_NAME, failed->dir, FILE_NAME)) {
		int err = errno;

		unlinkat(failed->dir, NEW_NAME, 0);
		errno = err;
		return -1;
	}
	return 0;
}

int failed_keep(struct failed *failed, int all)
{
	struct counts kept = { 0 };
	int lock, ret;

	if (failed->dir < 0)
		return STATUS_REFUSED;
	lock = open_lock(failed->dir);
	ret = lock < 0 ? -1 : flock(lock, LOCK_EX);
	if (!ret) {
		read_counts(failed, &kept);
		merge(failed, &kept, all);
		ret = write_counts(failed, &kept);
	}
	if (ret)
		complain("%s: %s: what was seen is not kept", failed->path,
			 strerror(errno));
	free_counts(&kept);
	if (lock >= 0)
		close(lock);
	return ret ? STATUS_REFUSED : STATUS_OK;
}

void failed_close(struct failed *failed)
{
	if (!failed)
		return;
	if (failed->dir >= 0)
		close(failed->dir);
	free_counts(&failed->counts);
	free(failed->path);
	free(failed);
}

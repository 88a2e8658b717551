// SPDX-License-Identifier: GPL-2.0-only
/*
 * What "ctnctl beancounters --failed" and "ctnctl check --new" have seen: a file for each
 * of the two, in a directory of the user's own. It has the boot in which it was written,
 * and a line for each counter; of beancounters that is a failcnt, whose key is the name
 * of the resource:
 *
 *   ID INODE KEY VALUE
 *
 * A container is known by its id and the inode of its directory, since a later container
 * may get the id of one that was removed. A command reads the file, prints what has grown
 * since, and only then writes the file: what it could not print, the next call prints.
 * Two calls at the same time may both print the same. Neither takes back what the other
 * has written: each reads the file once more before it writes it, and holds a lock only
 * for these two steps, so that no call waits while somebody looks at the pager of another.
 *
 * There is no fsync(2): a file that a crash has damaged is of another boot, and what is
 * of another boot does not count.
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

#define BOOT_SIZE 64

/* One counter of one container. */
struct count {
	uint64_t id;
	uint64_t inode;
	char *key;
	uint64_t before;	/* the value that was in the file */
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
	int lock;		/* a file beside, to be locked */
	char *file;		/* what is kept */
	char *new;		/* what is to take its place */
	char boot[BOOT_SIZE];
	struct counts counts;
};

/* The directory */

/* root takes nobody's word for where to write but CTN_STATE. */
static char *find_place(void)
{
	const char *named = getenv("CTN_STATE"), *home = getenv("HOME");
	const char *state = getenv("XDG_STATE_HOME");

	if (named && *named) {
		size_t len = strlen(named);

		/* with a slash at its end, a symbolic link would be followed */
		while (len > 1 && named[len - 1] == '/')
			len--;
		return xasprintf("%.*s", (int)len, named);
	}
	if (!geteuid())
		return xasprintf("/var/lib/ctnctl");
	if (state && *state == '/')
		return xasprintf("%s/ctnctl", state);
	if (home && *home == '/')
		return xasprintf("%s/.local/state/ctnctl", home);
	return NULL;
}

/* Returns why it cannot be used, or NULL. */
static const char *open_place(struct failed *failed)
{
	const char *why;
	char *lock;

	if (!failed->path)
		return "it says no directory";
	failed->dir = open_own_directory(failed->path, &why);
	if (failed->dir < 0)
		return why;
	lock = xasprintf("%s.lock", failed->file);
	failed->lock = openat(failed->dir, lock,
			      O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	free(lock);
	return failed->lock < 0 ? strerror(errno) : NULL;
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
	return strcmp(x->key, y->key);
}

static struct count *get_count(struct counts *counts, uint64_t id, uint64_t inode,
			       const char *key)
{
	struct count wanted = { .id = id, .inode = inode, .key = (char *)key };
	struct count **found = tfind(&wanted, &counts->index, by_key), *count;

	if (found)
		return *found;
	count = xrealloc(NULL, 1, sizeof(*count));
	*count = wanted;
	count->key = xasprintf("%s", key);
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
		free(counts->list[i]->key);
		free(counts->list[i]);
	}
	free(counts->list);
}

/* One of our files, which may not be a link. */
static FILE *open_file(int dir, const char *name, int flags, const char *mode)
{
	int fd = openat(dir, name, flags | O_NOFOLLOW | O_CLOEXEC, 0600);
	FILE *file = fd < 0 ? NULL : fdopen(fd, mode);

	if (!file && fd >= 0)
		close(fd);
	return file;
}

/* What cannot be understood, and what another boot has left, was not seen. */
static void read_counts(const struct failed *failed, struct counts *counts)
{
	FILE *from = open_file(failed->dir, failed->file, O_RDONLY | O_NONBLOCK, "r");
	char boot[BOOT_SIZE], *key = NULL;
	uint64_t id, inode, value;

	if (!from)
		return;
	if (fscanf(from, "boot %63s\n", boot) == 1 && !strcmp(boot, failed->boot))
		while (fscanf(from, "%" SCNu64 " %" SCNu64 " %ms %" SCNu64, &id, &inode,
			      &key, &value) == 4) {
			get_count(counts, id, inode, key)->before = value;
			free(key);
			key = NULL;
		}
	/* of a line that has no value */
	free(key);
	fclose(from);
}

struct failed *failed_open(const char *name)
{
	struct failed *failed = xrealloc(NULL, 1, sizeof(*failed));
	const char *why;

	*failed = (struct failed){
		.path = find_place(), .dir = -1, .lock = -1,
		.file = xasprintf("%s", name), .new = xasprintf("%s.new", name),
	};
	read_boot(failed->boot);
	why = open_place(failed);
	if (!why) {
		read_counts(failed, &failed->counts);
		return failed;
	}
	complain("%s: %s: what has ever failed is printed, as nothing can be kept there",
		 failed->path ? failed->path : "HOME", why);
	if (failed->dir >= 0)
		close(failed->dir);
	failed->dir = -1;
	return failed;
}

int failed_has_grown(struct failed *failed, const struct ctn *ctn, const char *key,
		     uint64_t value)
{
	struct count *count;
	struct stat st;
	uint64_t id;

	if (failed->dir < 0 || fstat(ctn_fd(ctn), &st) || ctn_get_number(ctn, "id", &id))
		return value != 0;
	count = get_count(&failed->counts, id, st.st_ino, key);
	count->now = value;
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
						ours->key);

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
	int bad;

	/* a call that was killed may have left one */
	unlinkat(failed->dir, failed->new, 0);
	to = open_file(failed->dir, failed->new, O_WRONLY | O_CREAT | O_EXCL, "w");
	if (!to)
		return -1;
	fprintf(to, "boot %s\n", failed->boot);
	/* 0 is what is known of all others */
	for (size_t i = 0; i < counts->count; i++) {
		const struct count *count = counts->list[i];

		if (count->before)
			fprintf(to, "%" PRIu64 " %" PRIu64 " %s %" PRIu64 "\n", count->id,
				count->inode, count->key, count->before);
	}
	bad = ferror(to);
	if (fclose(to) || bad || renameat(failed->dir, failed->new, failed->dir,
				      failed->file)) {
		int err = errno;

		unlinkat(failed->dir, failed->new, 0);
		errno = err;
		return -1;
	}
	return 0;
}

int failed_keep(struct failed *failed, int all)
{
	struct counts kept = { 0 };
	int ret;

	if (failed->dir < 0)
		return STATUS_REFUSED;
	ret = flock(failed->lock, LOCK_EX);
	if (!ret) {
		read_counts(failed, &kept);
		merge(failed, &kept, all);
		ret = write_counts(failed, &kept);
	}
	if (ret)
		complain("%s: %s: what was seen is not kept", failed->path,
			 strerror(errno));
	flock(failed->lock, LOCK_UN);
	free_counts(&kept);
	return ret ? STATUS_REFUSED : STATUS_OK;
}

void failed_close(struct failed *failed)
{
	if (!failed)
		return;
	if (failed->lock >= 0)
		close(failed->lock);
	if (failed->dir >= 0)
		close(failed->dir);
	free_counts(&failed->counts);
	free(failed->path);
	free(failed->file);
	free(failed->new);
	free(failed);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The files that a configuration names: by their paths, by patterns, or all that are
 * in a tree. Here they are found, and compared with those that a container has.
 *
 * Others may change what is below a directory meanwhile. A pattern and a tree take
 * no file that is reached through a symbolic link below what the line itself names:
 * whoever may write there cannot have somebody else's file named.
 */
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <glob.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "named.h"

/* What a search has found so far, and for which line it is. */
struct search {
	struct named_files *named;
	struct section *section;
	const struct place *at;
};

/* glob(3) has no argument for whom it calls. */
static struct search *searching;

static void refuse(const struct search *search, const char *path, int err)
{
	complain_at(search->at, "%s: %s", path, strerror(err));
	search->named->status = STATUS_REFUSED;
}

static void add(const struct search *search, const char *path,
		const struct stat *st, int follow)
{
	struct named_files *named = search->named;

	named->files = xrealloc(named->files, named->count + 1,
				sizeof(*named->files));
	named->files[named->count] = (struct named){
		.section = search->section, .at = search->at,
		.path = xasprintf("%s", path), .dev = st->st_dev,
		.ino = st->st_ino, .order = named->count, .follow = follow,
	};
	named->count++;
}

/* Paths and patterns */

/*
 * The value of a line as a pattern of glob(3), in which each byte that was escaped
 * stands for itself. Returns NULL, and says why, if it cannot be one.
 */
static char *take_pattern(const struct search *search, const char *value)
{
	char *pattern = xrealloc(NULL, strlen(value) + 1, 2);
	char *out = pattern;
	const char *why = NULL;

	while (!why && *value) {
		int escaped;
		char byte;

		why = config_byte(&value, &byte, &escaped);
		if (escaped)
			*out++ = '\\';
		*out++ = byte;
	}
	*out = '\0';
	if (!why && *pattern != '/')
		why = "want an absolute path";
	if (!why)
		return pattern;
	fault_at(search->at, why);
	search->named->status = STATUS_REFUSED;
	free(pattern);
	return NULL;
}

/* Where the first byte is that glob(3) matches with others, or NULL. */
static const char *special(const char *pattern)
{
	for (; *pattern; pattern++) {
		if (strchr("*?[", *pattern))
			return pattern;
		if (*pattern == '\\')
			pattern++;
	}
	return NULL;
}

/* A part of a pattern that has nothing special in it, as a path. */
static char *literal(const char *pattern, size_t len)
{
	char *path = xrealloc(NULL, len + 1, 1), *out = path;

	for (size_t i = 0; i < len; i++) {
		if (pattern[i] == '\\')
			i++;
		*out++ = pattern[i];
	}
	*out = '\0';
	return path;
}

/* The reverse. */
static char *as_pattern(const char *path)
{
	char *pattern = xrealloc(NULL, strlen(path) + 1, 2), *out = pattern;

	for (; *path; path++) {
		if (strchr("*?[\\", *path))
			*out++ = '\\';
		*out++ = *path;
	}
	*out = '\0';
	return pattern;
}

static int on_glob_error(const char *path, int err)
{
	/* what has gone is not there */
	if (err != ENOENT)
		refuse(searching, path, err);
	return 0;
}

/*
 * Expand a pattern; the directories before what is special in it may be symbolic
 * links. Returns 0, also if there is nothing, or -1 if it was refused.
 */
static int expand(struct search *search, const char *pattern, glob_t *found)
{
	const char *slash = special(pattern);
	char *prefix, *real, *escaped, *whole;
	int ret;

	while (*slash != '/')
		slash--;
	prefix = literal(pattern, (size_t)(slash - pattern));
	real = realpath(*prefix ? prefix : "/", NULL);
	if (!real) {
		refuse(search, prefix, errno);
		free(prefix);
		return -1;
	}
	escaped = as_pattern(strcmp(real, "/") ? real : "");
	whole = xasprintf("%s%s", escaped, slash);
	searching = search;
	*found = (glob_t){ 0 };
	ret = glob(whole, 0, on_glob_error, found);
	if (ret == GLOB_NOSPACE)
		die("%s", strerror(ENOMEM));
	free(whole);
	free(escaped);
	free(real);
	free(prefix);
	return 0;
}

/* Trees */

static int by_entry_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static void find_below(const struct search *search, char *dir)
{
	char *dirs[] = { dir, NULL };
	FTS *walk = fts_open(dirs, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV,
			     by_entry_name);
	FTSENT *entry;

	if (!walk) {
		refuse(search, dir, errno);
		return;
	}
	while (errno = 0, (entry = fts_read(walk))) {
		switch (entry->fts_info) {
		case FTS_F:
			add(search, entry->fts_path, entry->fts_statp, 0);
			break;
		case FTS_DNR:
		case FTS_ERR:
		case FTS_NS:
			if (entry->fts_errno != ENOENT)
				refuse(search, entry->fts_path, entry->fts_errno);
			break;
		}
	}
	if (errno)
		refuse(search, dir, errno);
	fts_close(walk);
}

/* Whether what a pattern has found is where it looks to be: no link leads there. */
static int is_real(const char *path, mode_t type)
{
	struct stat st;
	char *real;
	int same;

	if (lstat(path, &st) || (st.st_mode & S_IFMT) != type)
		return 0;
	real = realpath(path, NULL);
	same = real && !strcmp(real, path);
	free(real);
	return same;
}

/* @dir is what comes before the "/" and two stars. */
static void find_in_tree(struct search *search, const char *dir)
{
	char *path, *real;
	struct stat st;
	glob_t found;

	if (special(dir)) {
		if (expand(search, dir, &found))
			return;
		for (size_t i = 0; i < found.gl_pathc; i++)
			if (is_real(found.gl_pathv[i], S_IFDIR))
				find_below(search, found.gl_pathv[i]);
		globfree(&found);
		return;
	}
	path = literal(dir, strlen(dir));
	real = realpath(*path ? path : "/", NULL);
	if (real && (stat(real, &st) || !S_ISDIR(st.st_mode))) {
		free(real);
		real = NULL;
		errno = ENOTDIR;
	}
	if (real)
		find_below(search, real);
	else
		refuse(search, path, errno);
	free(real);
	free(path);
}

static void find_one(struct search *search, const char *pattern)
{
	char *path = literal(pattern, strlen(pattern));
	struct stat st;

	if (stat(path, &st)) {
		refuse(search, path, errno);
	} else if (!S_ISREG(st.st_mode)) {
		complain_at(search->at, "%s: it is no regular file%s", path,
			    S_ISDIR(st.st_mode) ? "; for all in it, write /** after it" :
			    "");
		search->named->status = STATUS_REFUSED;
	} else {
		add(search, path, &st, 1);
	}
	free(path);
}

static void find_matches(struct search *search, const char *pattern)
{
	struct stat st;
	glob_t found;

	if (expand(search, pattern, &found))
		return;
	for (size_t i = 0; i < found.gl_pathc; i++)
		if (is_real(found.gl_pathv[i], S_IFREG) &&
		    !lstat(found.gl_pathv[i], &st))
			add(search, found.gl_pathv[i], &st, 0);
	globfree(&found);
}

static void find_for_line(struct search *search, const char *value)
{
	static const char all[] = "/**";
	char *pattern = take_pattern(search, value);
	size_t before = search->named->count;
	int status = search->named->status;
	size_t len;

	if (!pattern)
		return;
	search->named->status = STATUS_OK;
	len = strlen(pattern);
	if (len >= strlen(all) && !strcmp(pattern + len - strlen(all), all)) {
		pattern[len - strlen(all)] = '\0';
		find_in_tree(search, pattern);
	} else if (special(pattern)) {
		find_matches(search, pattern);
	} else {
		find_one(search, pattern);
	}
	/* they may come later: worth a word, and no fault */
	if (search->named->count == before && !search->named->status)
		complain_at(search->at, "%s: there is no such file yet", value);
	search->named->status |= status;
	free(pattern);
}

/* Of lines that name the same file the last first. */
static int by_inode(const void *a, const void *b)
{
	const struct named *x = a, *y = b;

	if (x->dev != y->dev)
		return x->dev < y->dev ? -1 : 1;
	if (x->ino != y->ino)
		return x->ino < y->ino ? -1 : 1;
	if (x->at->order != y->at->order)
		return x->at->order > y->at->order ? -1 : 1;
	return x->order < y->order ? -1 : 1;
}

static int by_section(const void *a, const void *b)
{
	const struct named *x = a, *y = b;

	if (x->section != y->section)
		return (uintptr_t)x->section < (uintptr_t)y->section ? -1 : 1;
	if (x->at->order != y->at->order)
		return x->at->order < y->at->order ? -1 : 1;
	return x->order < y->order ? -1 : 1;
}

static void drop_repeated(struct named_files *named)
{
	size_t kept = 0;

	for (size_t i = 0; i < named->count; i++) {
		struct named *file = &named->files[i];

		if (kept && named->files[kept - 1].dev == file->dev &&
		    named->files[kept - 1].ino == file->ino)
			free(file->path);
		else
			named->files[kept++] = *file;
	}
	named->count = kept;
}

void named_find(struct named_files *named, const struct config *config)
{
	*named = (struct named_files){ 0 };
	for (size_t i = 0; i < config->nsections; i++) {
		struct search search = {
			.named = named, .section = config->sections[i],
		};

		for (size_t n = 0; n < search.section->nkeys; n++) {
			const struct key *key = &search.section->keys[n];

			search.at = &key->at;
			if (!strcmp(key->name, CONFIG_FILE))
				find_for_line(&search, key->value);
		}
	}
	if (!named->count)
		return;
	qsort(named->files, named->count, sizeof(*named->files), by_inode);
	drop_repeated(named);
	qsort(named->files, named->count, sizeof(*named->files), by_section);
	for (size_t i = 0; i < named->count; i++) {
		struct section *section = named->files[i].section;

		if (!section->nfiles++)
			section->files = &named->files[i];
	}
}

void named_free(struct named_files *named)
{
	for (size_t i = 0; i < named->count; i++)
		free(named->files[i].path);
	free(named->files);
}

/* What is there, and what a container has */

int is_held(int fd)
{
	struct statfs fs;

	return !fstatfs(fd, &fs) && (fs.f_type == TMPFS_MAGIC ||
				     fs.f_type == RAMFS_MAGIC);
}

/* Where a file is, without symbolic links, or "" if that cannot be told. */
static char *where(int fd)
{
	char *link = xasprintf("/proc/self/fd/%d", fd);
	char *path = xrealloc(NULL, PATH_MAX, 1);
	ssize_t len = readlink(link, path, PATH_MAX - 1);

	path[len > 0 ? len : 0] = '\0';
	free(link);
	return path;
}

static int is_at(int fd, const char *path)
{
	char *real = where(fd);
	int same = !strcmp(real, path);

	free(real);
	return same;
}

int named_open(const struct named *file, struct opened *opened)
{
	int fd = open(file->path, O_PATH | O_CLOEXEC |
		      (file->follow ? 0 : O_NOFOLLOW));
	struct stat st;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_dev != file->dev ||
	    st.st_ino != file->ino || (!file->follow && !is_at(fd, file->path))) {
		close(fd);
		errno = 0;
		return -1;
	}
	*opened = (struct opened){ .fd = fd, .held = is_held(fd), .ino = st.st_ino };
	return 0;
}

/* A line of mappings, by which files are compared. */
struct file_id {
	dev_t dev;
	ino_t ino;
	const char *name;	/* the last part of its path, or "" */
};

struct mount {
	uint64_t id;
	dev_t dev;
};

struct owned {
	struct ctn_mapping **mappings;
	struct file_id *ids;	/* by inode */
	size_t count;
	struct mount *mounts;
	size_t nmounts;
};

/* Without mounts, devices are what stat(2) says. */
static void read_mounts(struct owned *owned)
{
	FILE *from = fopen("/proc/self/mountinfo", "re");
	unsigned int id, major, minor;
	char *line = NULL;
	size_t size = 0;

	while (from && getline(&line, &size, from) > 0) {
		if (sscanf(line, "%u %*u %u:%u ", &id, &major, &minor) != 3)
			continue;
		owned->mounts = xrealloc(owned->mounts, owned->nmounts + 1,
					 sizeof(*owned->mounts));
		owned->mounts[owned->nmounts++] = (struct mount){
			.id = id, .dev = makedev(major, minor),
		};
	}
	free(line);
	if (from)
		fclose(from);
}

static const char *last_part(const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;

	return slash ? slash + 1 : "";
}

static int by_number(const void *a, const void *b)
{
	const struct file_id *x = a, *y = b;

	return x->ino < y->ino ? -1 : x->ino > y->ino;
}

struct owned *owned_read(const struct ctn *ctn)
{
	struct ctn_mapping **mappings;
	ssize_t count = ctn_mappings(ctn, &mappings);
	struct owned *owned;

	if (count < 0)
		return NULL;
	owned = xrealloc(NULL, 1, sizeof(*owned));
	*owned = (struct owned){
		.mappings = mappings, .count = (size_t)count,
		.ids = xrealloc(NULL, (size_t)count + 1, sizeof(*owned->ids)),
	};
	read_mounts(owned);
	for (size_t i = 0; i < owned->count; i++)
		owned->ids[i] = (struct file_id){
			.dev = makedev(mappings[i]->major, mappings[i]->minor),
			.ino = mappings[i]->inode,
			.name = last_part(mappings[i]->fspath),
		};
	qsort(owned->ids, owned->count, sizeof(*owned->ids), by_number);
	return owned;
}

void owned_free(struct owned *owned)
{
	if (!owned)
		return;
	ctn_mappings_free(owned->mappings);
	free(owned->ids);
	free(owned->mounts);
	free(owned);
}

/*
 * The device of the file system that a file is on: that of the mount, which is what
 * the kernel lists. stat(2) has another on btrfs.
 */
static dev_t device(const struct owned *owned, int fd)
{
	struct statx stx;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &stx))
		return 0;
	if (stx.stx_mask & STATX_MNT_ID)
		for (size_t i = 0; i < owned->nmounts; i++)
			if (owned->mounts[i].id == stx.stx_mnt_id)
				return owned->mounts[i].dev;
	return makedev(stx.stx_dev_major, stx.stx_dev_minor);
}

/* What is listed of a file on overlayfs is the file beneath, which has its inode. */
static int is_beneath(const struct file_id *id, int fd)
{
	struct statfs fs;
	char *path;
	int same;

	if (fstatfs(fd, &fs) || fs.f_type != OVERLAYFS_SUPER_MAGIC)
		return 0;
	path = where(fd);
	same = !strcmp(id->name, last_part(path));
	free(path);
	return same;
}

int owned_has(const struct owned *owned, const struct opened *opened)
{
	struct file_id wanted = { .ino = opened->ino };
	const struct file_id *id = bsearch(&wanted, owned->ids, owned->count,
					   sizeof(*owned->ids), by_number);
	const struct file_id *end = owned->ids + owned->count;
	dev_t dev;

	if (!id)
		return 0;
	while (id > owned->ids && id[-1].ino == opened->ino)
		id--;
	dev = device(owned, opened->fd);
	for (; id < end && id->ino == opened->ino; id++)
		if (id->dev == dev || is_beneath(id, opened->fd))
			return 1;
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The files that a configuration names: by their paths, by patterns, or all that are
 * in a tree. Here they are found, and compared with those that a container has.
 *
 * Others may change what is below a directory meanwhile, and must not have somebody
 * else's file named by that. So what a line names is resolved first, where only links
 * are followed that may be trusted, and from there on no link is followed at all: not
 * by patterns and trees, nor where a file is opened. A hard link cannot be told from
 * the file: one that somebody may have made is left out; see may_be_linked().
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <glob.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "named.h"
#include "resolve.h"

/* What a search has found so far, and for which line it is. */
struct search {
	struct named_files *named;
	struct section *section;
	const struct place *at;
	/* what may be somebody else's: how many, and the first */
	size_t linked;
	char *first_linked;
};

/* glob(3) has no argument for whom it calls. */
static struct search *searching;

static void refuse(const struct search *search, const char *path, int err)
{
	complain_at(search->at, "%s: %s", path, strerror(err));
	search->named->status = STATUS_REFUSED;
}

/* Open what is there without following any link on the way to it. */
static int open_real_at(int dir, const char *path, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)(unsigned int)(flags | O_CLOEXEC),
		.resolve = RESOLVE_NO_SYMLINKS,
	};

	return (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));
}

static int open_real(const char *path, int flags)
{
	return open_real_at(AT_FDCWD, path, flags);
}

/*
 * Could somebody have put another's file here under a second name? Not into a directory
 * that only root or we may write to. Where others may, a file is taken if it has no
 * other name, or if it is the owner's of the directory and nobody else may write there.
 */
static int may_be_linked(const struct stat *dir, const struct stat *file)
{
	int shared = dir->st_mode & (S_IWGRP | S_IWOTH);

	if (file->st_nlink == 1)
		return 0;
	return shared || (dir->st_uid != 0 && dir->st_uid != geteuid() &&
			  dir->st_uid != file->st_uid);
}

/*
 * A regular file, and whether it may be somebody else's. The directory is held open, so
 * that it is the one that the file is found in. Returns 0 or -1.
 */
static int stat_file(const char *path, struct stat *st, int *linked)
{
	char *parent = xasprintf("%s", path);
	int dir, fd = -1, ret = -1;
	struct stat st_dir;

	drop_last(parent);
	dir = open_real(*parent ? parent : "/", O_PATH | O_DIRECTORY);
	if (dir >= 0 && !fstat(dir, &st_dir))
		fd = open_real_at(dir, strrchr(path, '/') + 1, O_PATH);
	if (fd >= 0 && !fstat(fd, st)) {
		*linked = S_ISREG(st->st_mode) && may_be_linked(&st_dir, st);
		ret = 0;
	}
	if (fd >= 0)
		close(fd);
	if (dir >= 0)
		close(dir);
	free(parent);
	return ret;
}

static int stat_real(const char *path, struct stat *st)
{
	int fd = open_real(path, O_PATH);
	int ret;

	if (fd < 0)
		return -1;
	ret = fstat(fd, st);
	close(fd);
	return ret;
}

/*
 * May a path lead by this, if it is a link? It may if that is root's or ours, or if it leads
 * to what belongs to its own owner, who needs none for that. 0, or an errno: EPERM if not.
 */
static int distrust(const char *path, const struct stat *dir, const struct stat *link)
{
	struct stat st;

	(void)dir;
	if (!link || !S_ISLNK(link->st_mode) || link->st_uid == 0 ||
	    link->st_uid == geteuid())
		return 0;
	if (stat(path, &st))
		return errno;
	return st.st_uid == link->st_uid ? 0 : EPERM;
}

static void refuse_link(const struct search *search, const char *path)
{
	if (errno == EPERM) {
		complain_at(search->at, "%s: it leads by a user's symbolic link to what "
			    "is not that user's", path);
		search->named->status = STATUS_REFUSED;
	} else {
		refuse(search, path, errno);
	}
}

static void add(const struct search *search, const char *path, const char *real,
		const struct stat *st)
{
	struct named_files *named = search->named;

	named->files = xrealloc(named->files, named->count + 1,
				sizeof(*named->files));
	named->files[named->count] = (struct named){
		.section = search->section, .at = search->at,
		.path = xasprintf("%s", path), .real = xasprintf("%s", real),
		.dev = st->st_dev, .ino = st->st_ino, .order = named->count,
	};
	named->count++;
}

/* Add what a pattern or a tree has found, if it is a regular file. */
static void add_found(struct search *search, const char *path)
{
	struct stat st;
	int linked;

	if (stat_file(path, &st, &linked) || !S_ISREG(st.st_mode))
		return;
	if (!linked) {
		add(search, path, path, &st);
		return;
	}
	if (!search->linked++)
		search->first_linked = xasprintf("%s", path);
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
		if (why)
			break;
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
	/* what has gone, is a link, or is no directory has nothing that matches */
	if (err != ENOENT && err != ELOOP && err != ENOTDIR)
		refuse(searching, path, err);
	return 0;
}

static void *open_dir(const char *path)
{
	int fd = open_real(path, O_RDONLY | O_DIRECTORY);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir && fd >= 0)
		close(fd);
	return dir;
}

static struct dirent *read_dir(void *dir)
{
	return readdir(dir);
}

static void close_dir(void *dir)
{
	closedir(dir);
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
	real = resolve(prefix, NULL, distrust);
	if (!real) {
		refuse_link(search, prefix);
		free(prefix);
		return -1;
	}
	escaped = as_pattern(real);
	whole = xasprintf("%s%s", escaped, slash);
	searching = search;
	*found = (glob_t){
		.gl_opendir = open_dir, .gl_readdir = read_dir, .gl_closedir = close_dir,
		.gl_lstat = lstat, .gl_stat = lstat,
	};
	ret = glob(whole, GLOB_ALTDIRFUNC, on_glob_error, found);
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

static void find_below(struct search *search, char *dir)
{
	char *dirs[] = { dir, NULL };
	FTS *walk = fts_open(dirs, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV,
			     by_entry_name);
	FTSENT *entry;
	struct stat st;

	if (!walk) {
		refuse(search, dir, errno);
		return;
	}
	while (errno = 0, (entry = fts_read(walk))) {
		switch (entry->fts_info) {
		case FTS_D:
			/* somebody may have put a link in its place */
			if (stat_real(entry->fts_path, &st))
				fts_set(walk, entry, FTS_SKIP);
			break;
		case FTS_F:
			add_found(search, entry->fts_path);
			break;
		case FTS_DNR:
		case FTS_ERR:
		case FTS_NS:
			/* what is too deep for a path cannot be named, by nobody */
			if (entry->fts_errno != ENOENT &&
			    entry->fts_errno != ENAMETOOLONG)
				refuse(search, entry->fts_path, entry->fts_errno);
			break;
		}
	}
	if (errno)
		refuse(search, dir, errno);
	fts_close(walk);
}

/* @dir is what comes before the "/" and two stars. */
static void find_in_tree(struct search *search, const char *dir)
{
	char root[] = "/";
	char *path, *real;
	struct stat st;
	glob_t found;

	if (special(dir)) {
		if (expand(search, dir, &found))
			return;
		for (size_t i = 0; i < found.gl_pathc; i++)
			if (!stat_real(found.gl_pathv[i], &st) &&
			    S_ISDIR(st.st_mode))
				find_below(search, found.gl_pathv[i]);
		globfree(&found);
		return;
	}
	path = literal(dir, strlen(dir));
	real = resolve(path, NULL, distrust);
	if (!real)
		refuse_link(search, path);
	else if (*real && (stat_real(real, &st) || !S_ISDIR(st.st_mode)))
		refuse(search, path, ENOTDIR);
	else
		find_below(search, *real ? real : root);
	free(real);
	free(path);
}

static void find_one(struct search *search, const char *pattern)
{
	char *path = literal(pattern, strlen(pattern));
	char *real = resolve(path, NULL, distrust);
	struct stat st;
	int linked = 0;

	if (!real || (*real ? stat_file(real, &st, &linked) : stat("/", &st))) {
		refuse_link(search, path);
	} else if (!S_ISREG(st.st_mode)) {
		complain_at(search->at, "%s: it is no regular file%s", path,
			    S_ISDIR(st.st_mode) ? "; for all in it, write /** after it" :
			    "");
		search->named->status = STATUS_REFUSED;
	} else if (linked) {
		complain_at(search->at, "%s: it has another name, and may be somebody else's "
			    "file, linked there by a user", path);
		search->named->status = STATUS_REFUSED;
	} else {
		add(search, path, real, &st);
	}
	free(real);
	free(path);
}

static void find_matches(struct search *search, const char *pattern)
{
	glob_t found;

	if (expand(search, pattern, &found))
		return;
	for (size_t i = 0; i < found.gl_pathc; i++)
		add_found(search, found.gl_pathv[i]);
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
	search->linked = 0;
	search->first_linked = NULL;
	len = strlen(pattern);
	if (len >= strlen(all) && !strcmp(pattern + len - strlen(all), all)) {
		pattern[len - strlen(all)] = '\0';
		find_in_tree(search, pattern);
	} else if (special(pattern)) {
		find_matches(search, pattern);
	} else {
		find_one(search, pattern);
	}
	/* whoever may write there could make a fault of it */
	if (search->linked)
		complain_at(search->at, "%s: %zu file%s left out, which a user may have "
			    "linked there from elsewhere: %s%s", value, search->linked,
			    search->linked == 1 ? " is" : "s are", search->first_linked,
			    search->linked == 1 ? "" : ", ...");
	free(search->first_linked);
	/* they may come later: worth a word, and no fault */
	if (search->named->count == before && !search->named->status && !search->linked)
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

static void free_named(struct named *file)
{
	free(file->path);
	free(file->real);
}

static void drop_repeated(struct named_files *named)
{
	size_t kept = 0;

	for (size_t i = 0; i < named->count; i++) {
		struct named *file = &named->files[i];

		if (kept && named->files[kept - 1].dev == file->dev &&
		    named->files[kept - 1].ino == file->ino)
			free_named(file);
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
		free_named(&named->files[i]);
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

int named_open(const struct named *file, struct opened *opened)
{
	int fd = open_real(file->real, O_PATH);
	struct stat st;

	/* no link was there when it was found */
	if (fd < 0 && errno != ELOOP) {
		complain_at(file->at, "%s: %s", file->path, strerror(errno));
		return -1;
	}
	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_dev != file->dev ||
	    st.st_ino != file->ino) {
		complain_at(file->at, "%s: it was replaced meanwhile", file->path);
		if (fd >= 0)
			close(fd);
		return -1;
	}
	*opened = (struct opened){ .fd = fd, .held = is_held(fd), .ino = st.st_ino };
	return 0;
}

int named_add(const struct named *file, const struct opened *opened,
	      const struct ctn *ctn)
{
	char *path = xasprintf("/proc/self/fd/%d", opened->fd);
	int ret = ctn_add_file(ctn, path), err = errno;

	free(path);
	/* the file is open: it is the attribute that is not there */
	if (ret && err == ENOENT)
		refused_at(file->at);
	else if (ret)
		complain_at(file->at, "%s: %s%s", file->path, strerror(err),
			    err == EPERM ? " (it is another user's file)" : "");
	return ret;
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

// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The files that a container owns: giving and taking them by path, and
 * listing them with the paths that they have for the caller.
 */
#include <errno.h>
#include <inttypes.h>
#include <libmount/libmount.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "internal.h"

/*
 * The kernel looks a path up as open(2) does, from the caller's root or directory.
 * It takes one newline at the end for echo's: a name's own needs it.
 */
static int set_path(const struct ctn *ctn, const char *attr, const char *path)
{
	size_t len = strlen(path);
	char *longer, *file;
	int ret;

	if (!len)
		return fail(ENOENT, NULL, path, NULL, NULL);
	if (len > CTN_VALUE_MAX) {
		file = join(ctn->path, attr);
		if (file)
			fail(ENAMETOOLONG, file, path, NULL, NULL);
		free(file);
		return -1;
	}
	if (path[len - 1] != '\n')
		return ctn_set(ctn, attr, path);
	if (asprintf(&longer, "%s\n", path) < 0)
		return fail(ENOMEM, NULL, path, NULL, NULL);
	ret = ctn_set(ctn, attr, longer);
	free(longer);
	return ret;
}

CTN_API int ctn_add_file(const struct ctn *ctn, const char *path)
{
	return set_path(ctn, "addfile", path);
}

CTN_API int ctn_rm_file(const struct ctn *ctn, const char *path)
{
	return set_path(ctn, "rmfile", path);
}

/* What of @path lies below @root, or NULL if it does not. */
static const char *below(const char *path, const char *root)
{
	size_t len = strlen(root);

	if (!strcmp(root, "/"))
		return path;
	if (strncmp(path, root, len) || (path[len] && path[len] != '/'))
		return NULL;
	return path + len;
}

/*
 * A mount shows a part of its file system, and another mount may hide parts
 * of what it shows: a path counts only if it leads to the inode. A path that
 * the caller may not look at is believed. The device is not compared, since
 * stat(2) on btrfs has another number than the mount table.
 */
static char *path_in_mount(struct libmnt_fs *fs, const struct ctn_mapping *map)
{
	const char *root = mnt_fs_get_root(fs);
	const char *target = mnt_fs_get_target(fs);
	const char *rest;
	struct stat st;
	char *path;

	if (!root || !target || !map->fspath)
		return NULL;
	rest = below(map->fspath, root);
	if (!rest)
		return NULL;
	if (asprintf(&path, "%s%s", strcmp(target, "/") ? target : "",
		     *rest || strcmp(target, "/") ? rest : "/") < 0)
		return NULL;
	if (lstat(path, &st) ? errno != EACCES : st.st_ino != map->inode) {
		free(path);
		return NULL;
	}
	return path;
}

static char *locate(struct libmnt_table *table, struct libmnt_iter *iter,
		    const struct ctn_mapping *map)
{
	dev_t dev = makedev(map->major, map->minor);
	struct libmnt_fs *fs;
	char *path = NULL;

	mnt_reset_iter(iter, MNT_ITER_FORWARD);
	while (!path && !mnt_table_next_fs(table, iter, &fs))
		if (mnt_fs_get_devno(fs) == dev)
			path = path_in_mount(fs, map);
	return path;
}

/* "PAGES MAJOR:MINOR INODE PATH", where "-" is no path. */
static struct ctn_mapping *parse(const char *line)
{
	struct ctn_mapping *map = calloc(1, sizeof(*map));
	int at = 0;

	if (!map)
		return NULL;
	if (sscanf(line, "%" SCNu64 " %u:%u %" SCNu64 "%n", &map->pages,
		   &map->major, &map->minor, &map->inode, &at) != 4 ||
	    line[at] != ' ') {
		free(map);
		errno = EPROTO;
		return NULL;
	}
	if (!strcmp(line + at, " -"))
		return map;
	map->fspath = strdup(line + at + 1);
	if (!map->fspath) {
		free(map);
		return NULL;
	}
	undo_octal(map->fspath);
	return map;
}

static struct ctn_mapping **parse_all(char *text, size_t *count)
{
	size_t lines = *text ? 1 : 0;
	struct ctn_mapping **list;
	char *line;

	for (const char *at = text; (at = strchr(at, '\n')); at++)
		lines++;
	list = calloc(lines + 1, sizeof(*list));
	if (!list)
		return NULL;
	for (*count = 0; *count < lines; ++*count) {
		line = strsep(&text, "\n");
		list[*count] = parse(line);
		if (!list[*count]) {
			ctn_mappings_free(list);
			return NULL;
		}
	}
	return list;
}

CTN_API ssize_t ctn_mappings(const struct ctn *ctn,
			     struct ctn_mapping ***mappings)
{
	char *text = ctn_get(ctn, "mappings");
	struct ctn_mapping **list;
	struct libmnt_table *table;
	struct libmnt_iter *iter;
	size_t count;

	if (!text)
		return -1;
	list = parse_all(text, &count);
	free(text);
	if (!list)
		return fail(errno, ctn->path, NULL, errno == EPROTO ?
			    "Cannot understand its mappings" : NULL, NULL);

	/* Without a mount table the files are still listed, just not found. */
	table = mnt_new_table_from_file("/proc/self/mountinfo");
	iter = mnt_new_iter(MNT_ITER_FORWARD);
	for (size_t i = 0; table && iter && i < count; i++)
		list[i]->path = locate(table, iter, list[i]);
	mnt_free_iter(iter);
	mnt_unref_table(table);
	*mappings = list;
	return (ssize_t)count;
}

CTN_API void ctn_mappings_free(struct ctn_mapping **mappings)
{
	for (size_t i = 0; mappings && mappings[i]; i++) {
		free(mappings[i]->fspath);
		free(mappings[i]->path);
		free(mappings[i]);
	}
	free(mappings);
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The tree: where configfs is, whether the kernel has containers in it, and
 * the attributes that belong to no container.
 */
#include <dirent.h>
#include <errno.h>
#include <libmount/libmount.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "internal.h"

#define SUBSYSTEM "containers"
#define NOT_MOUNTED "configfs is not mounted; mount it with: " \
	"modprobe configfs; mount -t configfs none /sys/kernel/config"

static int is_dir(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return 0;
	if (!S_ISDIR(st.st_mode)) {
		errno = ENOTDIR;
		return 0;
	}
	return 1;
}

/*
 * One file system, it may be mounted more than once, and another mount may
 * hide one of these: take the first that shows the containers, or else the
 * first, for the message.
 */
static char *find_mount(struct libmnt_table *table)
{
	struct libmnt_iter *iter = mnt_new_iter(MNT_ITER_FORWARD);
	struct libmnt_fs *fs;
	char *found = NULL;

	if (!iter) {
		fail(ENOMEM, NULL, NULL, NULL, NULL);
		return NULL;
	}
	while (!mnt_table_next_fs(table, iter, &fs)) {
		const char *type = mnt_fs_get_fstype(fs);
		const char *root = mnt_fs_get_root(fs);
		char *path;
		int match;

		if (!type || strcmp(type, "configfs") ||
		    (root && strcmp(root, "/")))
			continue;
		path = join(mnt_fs_get_target(fs), SUBSYSTEM);
		if (!path)
			break;
		match = is_dir(path);
		if (match || !found) {
			free(found);
			found = path;
		} else {
			free(path);
		}
		if (match)
			break;
	}
	mnt_free_iter(iter);
	if (!found)
		fail(ENODEV, NULL, NULL, NOT_MOUNTED, NULL);
	return found;
}

static char *find_tree(void)
{
	static const char mountinfo[] = "/proc/self/mountinfo";
	struct libmnt_table *table = mnt_new_table_from_file(mountinfo);
	char *path;

	if (!table) {
		fail(errno ? errno : EIO, mountinfo, NULL, NULL, NULL);
		return NULL;
	}
	path = find_mount(table);
	mnt_unref_table(table);
	return path;
}

static void fail_no_containers(const char *path)
{
	char *reason;

	if (asprintf(&reason, "no %s; it needs CONFIG_CONTAINERS", path) < 0)
		reason = NULL;
	fail(ENOSYS, NULL, NULL, "this kernel has no containers", reason);
	free(reason);
}

CTN_API struct ctn_tree *ctn_tree_open(const char *configfs)
{
	struct ctn_tree *tree;
	char *path;

	if (configfs && !is_dir(configfs)) {
		fail(errno, configfs, NULL, NULL, NULL);
		return NULL;
	}
	path = configfs ? join(configfs, SUBSYSTEM) : find_tree();
	if (!path)
		return NULL;
	if (!is_dir(path)) {
		if (errno == ENOENT)
			fail_no_containers(path);
		else
			fail(errno, path, NULL, NULL, NULL);
		free(path);
		return NULL;
	}
	tree = malloc(sizeof(*tree));
	if (!tree) {
		fail(ENOMEM, path, NULL, NULL, NULL);
		free(path);
		return NULL;
	}
	tree->path = path;
	return tree;
}

CTN_API void ctn_tree_close(struct ctn_tree *tree)
{
	if (!tree)
		return;
	free(tree->path);
	free(tree);
}

CTN_API const char *ctn_tree_path(const struct ctn_tree *tree)
{
	return tree->path;
}

CTN_API char **ctn_tree_names(const struct ctn_tree *tree)
{
	return dir_names(dir_of_tree(tree), DT_DIR);
}

CTN_API char **ctn_tree_attrs(const struct ctn_tree *tree)
{
	return dir_names(dir_of_tree(tree), DT_REG);
}

CTN_API char *ctn_tree_get(const struct ctn_tree *tree, const char *attr)
{
	return attr_get(dir_of_tree(tree), attr);
}

CTN_API int ctn_tree_set(const struct ctn_tree *tree, const char *attr,
			 const char *value)
{
	return attr_set(dir_of_tree(tree), attr, value);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * What is done with the names in the tree: containers come and go, and all else
 * that one can do to a name is refused.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "fuzz.h"

/* What mkdir(2) says to a name at the top of the tree; there is no "/" in it. */
static int judge_name(const char *name)
{
	char path[TEXT_MAX + 64];
	struct stat st;

	snprintf(path, sizeof(path), ROOT "/%s", name);
	if (!stat(path, &st))
		return EEXIST;
	if (strlen(name) > NAME_MAX_BYTES)
		return ENAMETOOLONG;
	return is_user() ? EACCES : 0;
}

/* The id that a container of this name has, or 0 for any. */
static unsigned long id_of(const char *name)
{
	unsigned long id = strtoul(name, NULL, 10);
	char same[24];

	snprintf(same, sizeof(same), "%lu", id);
	return strcmp(same, name) || id > 2147483647 ? 0 : id;
}

static struct own *dead_own(void)
{
	unsigned int start = below(NR_OWN);

	for (unsigned int i = 0; i < NR_OWN; i++)
		if (!own[(start + i) % NR_OWN].alive)
			return &own[(start + i) % NR_OWN];
	return NULL;
}

/* A name that no other worker makes. */
static void gen_own_name(struct text *name)
{
	struct text wild;

	gen_name(&wild);
	if (one_in(2) || strchr(wild.bytes, '/'))
		name->len = (size_t)snprintf(name->bytes, TEXT_MAX, "w%d-%u",
					     me.number, below(NR_OWN));
	else if (me.number)
		name->len = (size_t)snprintf(name->bytes, TEXT_MAX, "w%d%s",
					     me.number, wild.bytes);
	else
		*name = wild;
}

static int mkdir_top(void)
{
	struct own *ctn = dead_own();
	char path[TEXT_MAX + 64], id[32];
	struct text name;
	int expected, err;

	gen_own_name(&name);
	if (!ctn && !is_user())
		return 0;
	expected = judge_name(name.bytes);
	snprintf(path, sizeof(path), ROOT "/%s", name.bytes);
	err = mkdir(path, 0777) ? errno : 0;
	/* whether another has that id is not known */
	if (err == EEXIST && !expected && id_of(name.bytes))
		return 0;
	if (err != expected)
		complain("mkdir of a name of %zu bytes, %s: %s, not %s", name.len, path,
			 strerror(err), strerror(expected));
	if (!err)
		adopt(ctn, name.bytes);
	if (!err && id_of(name.bytes)) {
		snprintf(path, sizeof(path), ROOT "/%s/id", name.bytes);
		read_value(path, id, sizeof(id));
		if (strcmp(id, name.bytes))
			complain("%s says %s", path, id);
	}
	return !err;
}

/* Containers do not nest, and nothing can be made by others. */
static int mkdir_inside(void)
{
	struct own *ctn = any_own();
	char path[TEXT_MAX + 600];
	struct text name;

	gen_name(&name);
	if (is_user() && one_in(2))
		snprintf(path, sizeof(path), WITNESS "/%s", name.bytes);
	else if (ctn)
		snprintf(path, sizeof(path), ROOT "/%s/%s", ctn->name, name.bytes);
	else
		return 0;
	/* "../x" would be beside it */
	if (strstr(name.bytes, ".."))
		return 0;
	if (!mkdir(path, 0777))
		complain("%s could be made", path);
	return 0;
}

int op_mkdir(void)
{
	return one_in(4) ? mkdir_inside() : mkdir_top();
}

int op_rmdir(void)
{
	struct own *ctn = any_own();
	char path[8192];
	int err;

	if (is_user() || one_in(8)) {
		/* those are not empty for whoever may not empty them */
		if (is_user() && ctn && one_in(2))
			own_path(ctn, NULL, path, sizeof(path));
		else if (is_user())
			snprintf(path, sizeof(path), WITNESS);
		else
			foreign_path(path, sizeof(path));
		if (!rmdir(path))
			complain("%s could be removed", path);
		return 0;
	}
	if (!ctn)
		return 0;
	own_path(ctn, NULL, path, sizeof(path));
	err = rmdir(path) ? errno : 0;
	if (err)
		complain("rmdir %s: %s", path, strerror(err));
	forget(ctn);
	return 1;
}

/* rename(2), link(2) and the like change nothing here, for nobody. */
int op_link(void)
{
	char from[8192], to[8192];
	int ret = -1;

	any_path(from, sizeof(from));
	if (one_in(3))
		snprintf(to, sizeof(to), "%s/moved", me.scratch);
	else
		any_path(to, sizeof(to));
	switch (below(7)) {
	case 0:
		/* to its own name it succeeds, and does nothing */
		ret = strcmp(from, to) ? renameat2(AT_FDCWD, from, AT_FDCWD, to,
						   below(4)) : -1;
		break;
	case 1:
		ret = link(from, to);
		break;
	case 2:
		/* in the scratch directory anybody may have one */
		ret = strncmp(to, "/config", 7) ? -1 : symlink(from, to);
		break;
	case 3:
		ret = strncmp(from, "/config", 7) ? -1 : unlink(from);
		break;
	case 4:
		ret = mknod(from, S_IFREG | 0644, 0);
		break;
	case 5:
		ret = mknod(from, S_IFIFO | 0644, 0);
		break;
	default:
		ret = rename("file", from);
	}
	if (!ret)
		complain("an entry was made, moved or taken away: %s, %s", from, to);
	return 0;
}

/* Modes and owners: one's own can be changed, and are put back. */
int op_chmod(void)
{
	struct own *ctn = any_own();
	mode_t mode = (mode_t)below(07777 + 1);
	struct stat before, after;
	char path[8192];
	int ret;

	if (is_user() && one_in(2)) {
		foreign_path(path, sizeof(path));
		switch (below(4)) {
		case 0:
			ret = chmod(path, mode);
			break;
		case 1:
			ret = lchown(path, USER, USER);
			break;
		case 2:
			ret = chown(path, below(3), (gid_t)-1);
			break;
		default:
			ret = utimensat(AT_FDCWD, path, NULL, 0);
		}
		if (!ret)
			complain("%s: mode, owner or times could be changed", path);
		return 0;
	}
	if (!ctn)
		return 0;
	own_path(ctn, one_in(4) ? NULL : value_names[below(NR_VALUES)], path,
		 sizeof(path));
	if (stat(path, &before))
		complain("stat %s: %s", path, strerror(errno));
	if (chmod(path, mode) || stat(path, &after) ||
	    (after.st_mode & 0777) != (mode & 0777))
		complain("chmod %o %s: %s", mode, path, strerror(errno));
	if (!is_user()) {
		if (chown(path, USER, USER + 1) || stat(path, &after) ||
		    after.st_uid != USER || after.st_gid != USER + 1)
			complain("chown %s: %s", path, strerror(errno));
		if (chown(path, before.st_uid, before.st_gid))
			complain("chown %s: %s", path, strerror(errno));
	} else if (!chown(path, USER + 1, (gid_t)-1)) {
		complain("%s could be given away", path);
	}
	if (chmod(path, before.st_mode & 07777))
		complain("chmod %s: %s", path, strerror(errno));
	return 1;
}

int op_xattr(void)
{
	static const char *const names[] = {
		"user.fuzz", "trusted.fuzz", "security.fuzz", "security.capability",
		"system.posix_acl_access", "system.posix_acl_default", "", "nonsense",
	};
	const char *name = ONE_OF(names);
	struct text value;
	char path[8192];
	int ret;

	gen_value(&value);
	if (one_in(2)) {
		foreign_path(path, sizeof(path));
		ret = one_in(2) ? removexattr(path, name) :
		      setxattr(path, name, value.bytes, value.len, (int)below(3));
		if (!ret && is_user())
			complain("%s: attribute %s could be changed", path, name);
		return !ret;
	}
	any_path(path, sizeof(path));
	return (one_in(2) ? getxattr(path, name, value.bytes, TEXT_MAX) :
		listxattr(path, value.bytes, below(TEXT_MAX))) >= 0;
}

/* Calls that only look. */
int op_look(void)
{
	char path[8192], link[64];
	struct statx stx;
	struct stat st;
	DIR *dir;

	any_path(path, sizeof(path));
	switch (below(6)) {
	case 0:
		return !stat(path, &st);
	case 1:
		return !statx(AT_FDCWD, path, (int)below(0x8000) & ~AT_EMPTY_PATH,
			      (unsigned int)chance() & 0xfff, &stx);
	case 2:
		return !access(path, (int)below(8));
	case 3:
		return readlink(path, link, sizeof(link)) >= 0;
	case 4:
		return pathconf(path, _PC_NAME_MAX) >= 0;
	default:
		dir = opendir(path);
		if (!dir)
			return 0;
		for (int n = (int)below(50); n && readdir(dir); n--)
			if (one_in(10))
				seekdir(dir, one_in(2) ? telldir(dir) : (long)below(60));
		closedir(dir);
		return 1;
	}
}

/* A user has no way to see the tree from elsewhere. */
int op_mount(void)
{
	int ret;

	if (!is_user())
		return 0;
	mkdir("mnt", 0700);
	ret = mount("none", "mnt", "configfs", below(16), one_in(2) ? "" : "x=y");
	if (!ret)
		complain("a user could mount configfs");
	return 0;
}

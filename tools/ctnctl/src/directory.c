// SPDX-License-Identifier: GPL-2.0-only
/*
 * Directories in which ctnctl keeps something from one call to the next.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common.h"

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

static const char *look_at(int dir)
{
	struct stat st;

	if (fstat(dir, &st))
		return strerror(errno);
	if (st.st_uid != geteuid())
		return "it is another user's";
	return (st.st_mode & (S_IWGRP | S_IWOTH)) ? "others may write to it" : NULL;
}

int open_own_directory(const char *path, const char **why)
{
	int dir = -1;

	if (!make_parents(path))
		dir = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir >= 0)
		*why = look_at(dir);
	else
		*why = errno == ELOOP || errno == ENOTDIR ? "it is no directory" : strerror(errno);
	if (dir >= 0 && *why) {
		close(dir);
		dir = -1;
	}
	return dir;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Paths without symbolic links, found step by step, so that each step can be judged.
 */
#ifndef CTNCTL_RESOLVE_H
#define CTNCTL_RESOLVE_H

#include <sys/stat.h>

/* Cut off the last slash, and what comes after it. */
void drop_last(char *path);

/*
 * May a path lead by what is at @path? @st is what lstat(2) says of that, or NULL if it is
 * not there, and @dir of the directory that it is in. 0, or an errno.
 */
typedef int resolve_check(const char *path, const struct stat *dir, const struct stat *st);

/*
 * An absolute path as it is without symbolic links, "" for the root, to be given to free(3);
 * @st, unless it is NULL, is set to what lstat(2) says of it. NULL with errno if it is not there, or @check
 * says so.
 */
char *resolve(const char *path, struct stat *st, resolve_check *check);

#endif

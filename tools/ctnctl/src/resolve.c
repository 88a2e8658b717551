// SPDX-License-Identifier: GPL-2.0-only
/*
 * Following a path by hand: the kernel does not say by what a path has led.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common.h"
#include "resolve.h"

/* as many as the kernel follows */
enum { MOST_LINKS = 40 };

void drop_last(char *path)
{
	char *slash = strrchr(path, '/');

	if (slash)
		*slash = '\0';
}

/* A path that is being followed: as far as it is without links, and the rest. */
struct way {
	char *done, *rest, *at;
	struct stat st;		/* of what is done */
	int links;
};

static int look_again(struct way *way)
{
	return lstat(*way->done ? way->done : "/", &way->st) ? errno : 0;
}

/* The link at @path takes the place of what has been followed. 0 or an errno. */
static int follow(struct way *way, const char *path)
{
	char to[PATH_MAX], *rest;
	ssize_t len = readlink(path, to, sizeof(to) - 1);

	if (len < 0)
		return errno;
	if (++way->links > MOST_LINKS)
		return ELOOP;
	to[len] = '\0';
	rest = xasprintf("%s/%s", to, way->at);
	free(way->rest);
	way->at = way->rest = rest;
	if (*to == '/')
		*way->done = '\0';
	return look_again(way);
}

/* One name further. 0 or an errno. */
static int step(struct way *way, size_t len, resolve_check *check)
{
	struct stat dir = way->st;
	char *next = xasprintf("%s/%.*s", way->done, (int)len, way->at);
	int error = lstat(next, &way->st) ? errno : 0;

	way->at += len;
	if (!error || error == ENOENT) {
		int fault = check(next, &dir, error ? NULL : &way->st);

		error = fault ? fault : error;
	}
	if (!error && S_ISLNK(way->st.st_mode)) {
		error = follow(way, next);
	} else if (!error) {
		free(way->done);
		way->done = next;
		return 0;
	}
	free(next);
	return error;
}

char *resolve(const char *path, struct stat *st, resolve_check *check)
{
	struct way way = { .done = xasprintf("%s", ""), .rest = xasprintf("%s", path) };
	int error;

	way.at = way.rest;
	error = look_again(&way);
	while (!error && *(way.at += strspn(way.at, "/"))) {
		size_t len = strcspn(way.at, "/");

		if (len == 1 && *way.at == '.') {
			way.at += len;
		} else if (len == 2 && !strncmp(way.at, "..", len)) {
			way.at += len;
			drop_last(way.done);
			error = look_again(&way);
		} else {
			error = step(&way, len, check);
		}
	}
	free(way.rest);
	if (st)
		*st = way.st;
	if (!error)
		return way.done;
	free(way.done);
	errno = error;
	return NULL;
}

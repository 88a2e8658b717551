// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Attributes as what they are, files: read whole, written in one write(2),
 * listed. Nothing here knows what a container is.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "internal.h"

char *join(const char *dir, const char *name)
{
	char *path;

	if (asprintf(&path, "%s/%s", dir, name) < 0) {
		fail(ENOMEM, dir, NULL, NULL, NULL);
		return NULL;
	}
	return path;
}

static char *attr_path(const char *dir, const char *attr)
{
	if (!*attr || !strcmp(attr, ".") || !strcmp(attr, "..") ||
	    strchr(attr, '/')) {
		fail(EINVAL, dir, attr, "Not the name of an attribute", NULL);
		return NULL;
	}
	return join(dir, attr);
}

static int open_attr(struct dir dir, const char *path, int flags)
{
	return dir.fd < 0 ? open(path, flags | O_CLOEXEC) :
	       openat(dir.fd, strrchr(path, '/') + 1, flags | O_CLOEXEC);
}

static int stat_attr(struct dir dir, const char *path, struct stat *st)
{
	return dir.fd < 0 ? stat(path, st) :
	       fstatat(dir.fd, strrchr(path, '/') + 1, st, 0);
}

/* An attribute that should be there is missing because the kernel is older. */
static int fail_missing(struct dir dir, const char *path, const char *value)
{
	const struct ctn_attr *known = ctn_attr_find(strrchr(path, '/') + 1);

	return fail(ENOENT, path, value, "No such attribute",
		    known && !(known->flags & CTN_ATTR_TREE) == (dir.fd >= 0) ?
		    "this kernel lacks it" : NULL);
}

/* A directory that was removed has no files: that is not the kernel's want. */
static int is_removed(struct dir dir)
{
	return dir.fd < 0 ? access(dir.path, F_OK) : still_named(dir);
}

static int fail_open(struct dir dir, const char *path, const char *value, int writing)
{
	int err = errno;
	struct stat st;

	if (err == ENOENT)
		return is_removed(dir) ?
		       fail(err, dir.path, NULL, "No such container", NULL) :
		       fail_missing(dir, path, value);
	if (err == EACCES && !stat_attr(dir, path, &st) &&
	    !(st.st_mode & (writing ? 0222 : 0444)) &&
	    (st.st_mode & (writing ? 0444 : 0222)))
		return fail(err, path, value, NULL,
			    writing ? "it is read-only" : "it is write-only");
	return fail(err, path, value, NULL, NULL);
}

int attr_exists(struct dir dir, const char *attr)
{
	char *path = attr_path(dir.path, attr);
	struct stat st;
	int ret = 0;

	if (!path)
		return -1;
	if (stat_attr(dir, path, &st))
		ret = fail_open(dir, path, NULL, 0);
	free(path);
	return ret;
}

/* A list can have any length, and its size is not known before the end. */
static char *read_all(int fd)
{
	size_t len = 0, size = 4096;
	char *text = NULL;

	for (;;) {
		char *more = realloc(text, size);
		ssize_t got;

		if (!more)
			break;
		text = more;
		got = read(fd, text + len, size - len - 1);
		if (got < 0) {
			if (errno == EINTR)
				continue;
			break;
		}
		if (got == 0) {
			text[len] = '\0';
			return text;
		}
		len += (size_t)got;
		if (len == size - 1)
			size *= 2;
	}
	free(text);
	return NULL;
}

char *attr_get(struct dir dir, const char *attr)
{
	char *path = attr_path(dir.path, attr);
	char *text = NULL;
	size_t len;
	int fd;

	if (!path)
		return NULL;
	fd = open_attr(dir, path, O_RDONLY);
	if (fd < 0) {
		fail_open(dir, path, NULL, 0);
		goto out;
	}
	text = read_all(fd);
	if (!text)
		fail(errno, path, NULL, NULL, NULL);
	close(fd);
	if (text) {
		len = strlen(text);
		if (len && text[len - 1] == '\n')
			text[len - 1] = '\0';
	}
out:
	free(path);
	return text;
}

static int write_once(const char *path, int fd, const char *attr,
		      const char *value)
{
	size_t len = strlen(value);
	ssize_t put = write(fd, value, len);

	if (put < 0)
		return fail(errno, path, value, NULL,
			    attr_hint(attr, errno));
	if ((size_t)put != len)
		return fail(EIO, path, value, "The kernel took only a part of it",
			    NULL);
	return 0;
}

int attr_set(struct dir dir, const char *attr, const char *value)
{
	char *path = attr_path(dir.path, attr);
	int ret = -1;
	int fd;

	if (!path)
		return -1;
	/*
	 * configfs hands its attributes neither of these: it drops an empty
	 * write, which would pass for success, and cuts a long one short.
	 */
	if (!*value) {
		fail(EINVAL, path, value, NULL, attr_hint(attr, EINVAL));
		goto out;
	}
	if (strlen(value) > CTN_VALUE_MAX) {
		fail(E2BIG, path, value, "The value is too long", NULL);
		goto out;
	}
	/* O_TRUNC changes nothing in configfs; it is what a shell's > does. */
	fd = open_attr(dir, path, O_WRONLY | O_TRUNC);
	if (fd < 0) {
		fail_open(dir, path, value, 1);
		goto out;
	}
	ret = write_once(path, fd, attr, value);
	/* The file takes effect on write(2); close(2) has nothing to add. */
	close(fd);
out:
	free(path);
	return ret;
}

static int by_number(const void *a, const void *b)
{
	return strverscmp(*(char *const *)a, *(char *const *)b);
}

static int is_type(DIR *dir, const char *name, unsigned int type)
{
	struct stat st;

	return strcmp(name, ".") && strcmp(name, "..") &&
	       !fstatat(dirfd(dir), name, &st, 0) &&
	       (S_ISDIR(st.st_mode) ? type == DT_DIR : type == DT_REG);
}

static DIR *open_dir(struct dir at)
{
	int fd;
	DIR *dir;

	if (at.fd < 0)
		return opendir(at.path);
	fd = openat(at.fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir && fd >= 0)
		close(fd);
	return dir;
}

/* The names in a directory that are of a type: DT_DIR or, all else, DT_REG. */
char **dir_names(struct dir at, unsigned int type)
{
	char **names = calloc(1, sizeof(*names));
	DIR *dir = open_dir(at);
	struct dirent *entry;
	size_t count = 0;

	if (!names || !dir)
		goto fail;
	while (errno = 0, (entry = readdir(dir))) {
		char **more;

		if (!is_type(dir, entry->d_name, type))
			continue;
		more = realloc(names, (count + 2) * sizeof(*names));
		if (!more)
			goto fail;
		names = more;
		names[count] = strdup(entry->d_name);
		if (!names[count])
			goto fail;
		names[++count] = NULL;
	}
	if (errno)
		goto fail;
	/* one that was removed may look empty */
	if (!count && at.fd >= 0 && is_removed(at)) {
		errno = ENOENT;
		goto fail;
	}
	closedir(dir);
	qsort(names, count, sizeof(*names), by_number);
	return names;
fail:
	fail(errno, at.path, NULL, errno == ENOENT && at.fd >= 0 ?
	     "No such container" : NULL, NULL);
	if (dir)
		closedir(dir);
	ctn_names_free(names);
	return NULL;
}

CTN_API void ctn_names_free(char **names)
{
	for (size_t i = 0; names && names[i]; i++)
		free(names[i]);
	free(names);
}

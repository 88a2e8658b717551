// SPDX-License-Identifier: GPL-2.0-only
/*
 * Programs that rules name: which files those are, and whether a process runs one of them.
 *
 * What /proc/PID/exe says is a path in the mount namespace of the process, and every user
 * can have one of those, with anything mounted on /usr/bin/rsync. So the file itself is
 * compared, by its device and inode: nobody but root can give another file those. And
 * nobody but root may be able to put another file where the rule names one.
 *
 * That path is looked at first all the same: a file that is not called so is not touched,
 * as it may be on a file system that a user has made and that never answers.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "resolve.h"
#include "rule.h"

/* Where a name alone is looked for. */
static const char *const directories[] = {
	"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin",
};

/* A file, as it was when it was looked for last. */
struct image {
	char *path;		/* without symbolic links; NULL if it is not there */
	unsigned int major, minor;
	ino_t inode;
};

struct program {
	char *word;
	struct image images[ARRAY_SIZE(directories)];
	size_t count;
	time_t looked;		/* when, in seconds */
};

static int is_ours(const struct stat *st)
{
	return st->st_uid == 0 || st->st_uid == geteuid();
}

/*
 * Can anybody but root, or us, put something else where @st was found? Not in a directory
 * that only they may write to, nor, where it is root's itself, in one that is sticky.
 */
static int may_be_replaced(const struct stat *dir, const struct stat *st)
{
	if (!is_ours(dir) || !is_ours(st))
		return 1;
	return (dir->st_mode & (S_IWGRP | S_IWOTH)) && !(dir->st_mode & S_ISVTX);
}

/* Whoever may make what is not there yet has a say in it as well. */
static int distrust(const char *path, const struct stat *dir, const struct stat *st)
{
	(void)path;
	if (!st)
		return is_ours(dir) && !(dir->st_mode & (S_IWGRP | S_IWOTH)) ? 0 : EPERM;
	return may_be_replaced(dir, st) ? EPERM : 0;
}

static int is_script(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	char begin[2] = "";
	ssize_t len;

	if (fd < 0)
		return 0;
	len = read(fd, begin, sizeof(begin));
	close(fd);
	return len == sizeof(begin) && begin[0] == '#' && begin[1] == '!';
}

/* Returns why it can be no program, or NULL; it need not be there. */
static const char *look_for(struct image *image, const char *path)
{
	struct stat st;

	free(image->path);
	image->path = resolve(path, &st, distrust);
	if (!image->path)
		return errno == ENOENT ? NULL :
		       errno == EPERM ? "others than root can put something else there" :
		       strerror(errno);
	/* root alone may write to it */
	if (S_ISREG(st.st_mode) && !(st.st_mode & (S_IWGRP | S_IWOTH))) {
		image->major = major(st.st_dev);
		image->minor = minor(st.st_dev);
		image->inode = st.st_ino;
		return NULL;
	}
	free(image->path);
	image->path = NULL;
	return S_ISREG(st.st_mode) ? "others than root can write to it" :
				     "it is no regular file";
}

static time_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec;
}

/* Of several, those that can be none are left out. */
static const char *look(struct program *program)
{
	const char *why = NULL;

	program->looked = now();
	if (*program->word == '/') {
		program->count = 1;
		return look_for(&program->images[0], program->word);
	}
	program->count = ARRAY_SIZE(directories);
	for (size_t i = 0; i < program->count; i++) {
		char *path = xasprintf("%s/%s", directories[i], program->word);
		const char *fault = look_for(&program->images[i], path);

		why = why ? why : fault;
		free(path);
	}
	for (size_t i = 0; i < program->count; i++)
		if (program->images[i].path)
			return NULL;
	return why;
}

const char *program_new(const char *word, struct program **program)
{
	struct program *new;
	const char *why;

	if (*word != '/' && strchr(word, '/'))
		return "want an absolute path, or a name without /";
	new = xrealloc(NULL, 1, sizeof(*new));
	*new = (struct program){ .word = xasprintf("%s", word) };
	why = look(new);
	for (size_t i = 0; i < new->count && !why; i++)
		if (new->images[i].path && is_script(new->images[i].path))
			why = "it is a script: what runs is its interpreter";
	if (!why)
		*program = new;
	else
		program_free(new);
	return why;
}

void program_free(struct program *program)
{
	if (!program)
		return;
	for (size_t i = 0; i < program->count; i++)
		free(program->images[i].path);
	free(program->word);
	free(program);
}

static int has_image(const struct program *program, const struct statx *st)
{
	for (size_t i = 0; i < program->count; i++) {
		const struct image *image = &program->images[i];

		if (image->path && image->inode == st->stx_ino &&
		    image->major == st->stx_dev_major && image->minor == st->stx_dev_minor)
			return 1;
	}
	return 0;
}

int program_is_called(struct program *program, const char *exe)
{
	/* it may have come, or lead elsewhere now */
	if (now() - program->looked >= 1)
		look(program);
	for (size_t i = 0; i < program->count; i++)
		if (program->images[i].path && !strcmp(program->images[i].path, exe))
			return 1;
	return 0;
}

int program_is(struct program *program, const struct subject *subject)
{
	struct statx st;

	if (!program_is_called(program, subject->exe))
		return 0;
	/* what there is to know of it without asking whose file system it is */
	if (statx(subject->dir, "exe", AT_STATX_DONT_SYNC, STATX_INO, &st))
		return 0;
	if (has_image(program, &st))
		return 1;
	/* it has just been upgraded, or is none of them */
	look(program);
	return has_image(program, &st);
}

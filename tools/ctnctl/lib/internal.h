/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the files of libctn share and programs do not see.
 */
#ifndef CTN_INTERNAL_H
#define CTN_INTERNAL_H

#include <limits.h>
#include <stddef.h>
#include <wchar.h>

#include "ctn.h"
#include "parse.h"

/* Everything is hidden by default; this marks what ctn.h declares. */
#define CTN_API __attribute__((visibility("default")))

struct ctn_tree {
	char *path;
};

/*
 * What is done to a container is done through the descriptor: its name may be that of
 * another by now. The path is for messages, and for what the kernel takes by path only.
 */
struct ctn {
	char *path;
	const char *name;	/* the last part of path */
	int fd;			/* of the directory, with O_PATH */
};

/* A directory with attributes: that of a container, or, with -1, that of all. */
struct dir {
	int fd;
	const char *path;
};

static inline struct dir dir_of(const struct ctn *ctn)
{
	return (struct dir){ ctn->fd, ctn->path };
}

static inline struct dir dir_of_tree(const struct ctn_tree *tree)
{
	return (struct dir){ -1, tree->path };
}

/* Which directory it is, whatever becomes of its name. */
struct identity {
	dev_t dev;
	ino_t ino;
};

/* container.c */

/* Record that a line of an attribute is none that is expected there. Returns -1. */
int fail_content(const struct ctn *ctn, const char *attr, const char *line);

/* Returns 0, or -1 with errno. */
int identify(const struct ctn *ctn, struct identity *id);

/* Whether the path still leads to the descriptor. Returns 0, or -1 with errno. */
int still_named(struct dir dir);

/* error.c */

/**
 * fail() - record why something failed
 * @err: becomes errno
 * @file: what it was about
 * @value: what was to be written, or NULL
 * @reason: why, or NULL for strerror(@err)
 * @hint: what to do about it, or NULL
 *
 * Returns -1, for the caller to return.
 */
int fail(int err, const char *file, const char *value, const char *reason,
	 const char *hint);

/* text.c */

/* Text that is to be escaped, one character after the other. */
struct escape {
	const char *text;	/* what is left */
	const char *special;	/* bytes to escape although they can be printed */
	mbstate_t state;
	int is_after;		/* the last one was printed, and no space */
};

/* What the escapes of the bytes of one character take, and a null byte. */
#define ESCAPED_MAX (4 * MB_LEN_MAX + 1)

/*
 * Put the next character into @out, which has room for ESCAPED_MAX bytes, as
 * it is or as \xNN. Returns how many bytes that are, 0 at the end of the text.
 */
size_t escape_next(struct escape *from, char *out);

/* attr.c: what to say to people about a refusal by the kernel, or NULL */
const char *attr_hint(const char *attr, int err);

/* file.c: attributes as files in a directory */
char *attr_get(struct dir dir, const char *attr);
int attr_set(struct dir dir, const char *attr, const char *value);
int attr_exists(struct dir dir, const char *attr);
char **dir_names(struct dir at, unsigned int type);
char *join(const char *dir, const char *name);

#endif /* CTN_INTERNAL_H */

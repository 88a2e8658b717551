/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The files that a configuration names for containers: which files that are, and
 * which of them a container has already.
 */
#ifndef CTNCTL_NAMED_H
#define CTNCTL_NAMED_H

#include <sys/types.h>

#include "config.h"

/* A file that is to belong to a container. */
struct named {
	struct section *section;
	const struct place *at;
	char *path;		/* as it is written, or was found */
	char *real;		/* and without symbolic links */
	dev_t dev;		/* as stat(2) has them */
	ino_t ino;
	size_t order;		/* in which they were found */
};

struct named_files {
	struct named *files;	/* those of a section together: it points to them */
	size_t count;
	int status;		/* STATUS_REFUSED if something was not found */
};

/*
 * Look for all files that the configuration names. One that several lines name is
 * what the last of them says.
 */
void named_find(struct named_files *named, const struct config *config);
void named_free(struct named_files *named);

/* The files that a container has. */
struct owned;

/* What can be given to owned_free(), or NULL if the library refused it. */
struct owned *owned_read(const struct ctn *ctn);
void owned_free(struct owned *owned);

/* A file that was opened, to be looked at and to be named. */
struct opened {
	int fd;
	ino_t ino;
	int held;		/* on tmpfs or ramfs: memory that is no cache */
};

/* Open a file, and not another that has taken its place. Returns 0, or -1 and says why. */
int named_open(const struct named *file, struct opened *opened);

/* Name one that is open for a container. Returns 0, or -1 and says why. */
int named_add(const struct named *file, const struct opened *opened,
	      const struct ctn *ctn);

/*
 * Whether a container has it already. Of one that is held this is only likely: it is
 * listed as well if the container has memory in it.
 */
int owned_has(const struct owned *owned, const struct opened *opened);

/* Whether the files of this file system are held. */
int is_held(int fd);

#endif /* CTNCTL_NAMED_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whose a container's directory and its files are, and their modes: as text, and
 * what a container has when it is new.
 */
#ifndef CTNCTL_RIGHTS_H
#define CTNCTL_RIGHTS_H

#include <sys/stat.h>
#include <sys/types.h>

#include "common.h"

/* What is not (uid_t)-1 or (gid_t)-1. */
struct owner {
	uid_t uid;
	gid_t gid;
};

/*
 * "USER", "USER:GROUP", "USER:", which is the group that USER logs in with, or
 * ":GROUP"; names or numbers, as chown(1) takes them. Returns why it is none, or NULL.
 */
const char *owner_parse(const char *text, struct owner *owner);

/* "USER:GROUP" that owner_parse() takes, to be given to free(3). */
char *owner_text(const struct owner *owner);

/* An octal number. Returns why it is none, or NULL. */
const char *mode_parse(const char *text, mode_t *mode);

/*
 * The mode that an attribute has in a new container, or, with NULL, its directory.
 * Returns -1 if that is not known.
 */
int mode_of_new(const char *attr, mode_t *mode);

#endif /* CTNCTL_RIGHTS_H */

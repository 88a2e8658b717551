/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The resources that beancounters count: what they are counted in, and their barriers
 * and limits as they are written, BARRIER:LIMIT.
 */
#ifndef CTNCTL_RESOURCE_H
#define CTNCTL_RESOURCE_H

#include "common.h"

/* A container, or the defaults of new ones: what has barriers and limits. */
struct holder {
	const struct ctn *ctn;
	const struct ctn_tree *tree;	/* if ctn is NULL */
};

/* CTN_MAX is none. */
struct bounds {
	uint64_t barrier;
	uint64_t limit;
};

/* What is known of one resource. Of the defaults nothing is held. */
struct resource_row {
	char *name;
	uint64_t held;
	uint64_t maxheld;
	uint64_t minheld;
	struct bounds bounds;
	uint64_t failcnt;
};

/*
 * What this kernel counts, and what @of has of it. Returns how many rows there are in
 * @rows, to be given to resource_rows_free(), or -1 with errno as ctn_get().
 */
ssize_t resource_rows(const struct holder *of, struct resource_row **rows);
void resource_rows_free(struct resource_row *rows, ssize_t count);

/*
 * The bounds of one. Returns 1, or 0 if this kernel does not count it, or -1 with errno
 * as ctn_get() if that cannot be told.
 */
int resource_get(const struct holder *of, const char *name, struct bounds *bounds);

/*
 * Whether a setting of this name is a resource, of those that were ever counted, or that
 * this kernel counts: a file that is called so comes first. Returns 1, 0, or -1 with
 * errno as ctn_get().
 */
int resource_is(const struct holder *of, const char *name);

/* What is said of one that this kernel does not count. */
#define RESOURCE_NOT_COUNTED "this kernel does not count that"

/* Say of which file of @of that is true. Returns STATUS_REFUSED. */
int resource_not_counted(const struct holder *of, const char *name);

/*
 * Write BARRIER:LIMIT, one for both, or "reset", as resource_parse() has left it. Returns
 * as ctn_set() does.
 */
int resource_set(const struct holder *of, const char *name, const char *value);

/*
 * What BARRIER:LIMIT, or one for both, says. Of pages and bytes they may be sizes as
 * options have them, which @value then has as the kernel takes them. Returns why it
 * cannot be understood, or NULL.
 */
const char *resource_parse(const char *name, char *value, struct bounds *bounds);

/* As it is written, with pages as sizes. */
char *resource_text(const char *name, const struct bounds *bounds);

#endif /* CTNCTL_RESOURCE_H */

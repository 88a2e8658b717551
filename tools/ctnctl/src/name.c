// SPDX-License-Identifier: GPL-2.0-only
/*
 * Names of containers as arguments. They are printed with escapes where a terminal could
 * not take them, and what was printed can be typed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"

int exact_names;

/* Names that stand in for arguments, and live as long as these. */
static char **taken;
static size_t ntaken;

/* One that cannot be opened is there all the same, and who opens it says why. */
static int is_there(const struct ctn_tree *tree, const char *name)
{
	struct ctn *ctn = ctn_open(tree, name);
	int there = ctn || (errno != ENOENT && errno != ENAMETOOLONG && errno != EINVAL);

	ctn_close(ctn);
	return there;
}

char *take_name(const struct ctn_tree *tree, char *typed)
{
	char *meant;

	if (exact_names || !strchr(typed, '\\'))
		return typed;
	meant = ctn_unescape(typed);
	if (!meant || !is_there(tree, meant)) {
		free(meant);
		return typed;
	}
	if (is_there(tree, typed))
		die("%s: a container has this name, and another is printed like it; with --exact names are as they are typed",
		    typed);
	taken = xrealloc(taken, ntaken + 1, sizeof(*taken));
	taken[ntaken++] = meant;
	return meant;
}

void take_names(const struct ctn_tree *tree, char **names)
{
	for (; names && *names; names++)
		*names = take_name(tree, *names);
}

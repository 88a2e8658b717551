/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The processes of containers as a table, or as a tree: for "ps" and "show --tree".
 */
#ifndef CTNCTL_PS_H
#define CTNCTL_PS_H

#include "table.h"

/* Make the table; with @tree each container is the root of one. */
void ps_init(struct table *table, const struct command *cmd,
	     const struct look *look, int tree);

/*
 * Add the processes of a container; if @named is 0 it may have gone. Returns an exit
 * status.
 */
int ps_add(struct table *table, const struct ctn_tree *tree, const char *name,
	   int named);

/* The same of all containers, if @names has none. */
int ps_add_all(struct table *table, const struct ctn_tree *tree, char **names);

/* For the help. */
void ps_print_columns(int tree);

#endif /* CTNCTL_PS_H */

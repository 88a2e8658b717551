/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is between "top" and its screen: rows that are read over and over, and what their
 * columns say. The terminal is in screen.c, all else in top.c.
 */
#ifndef CTNCTL_TOP_H
#define CTNCTL_TOP_H

#include <stddef.h>
#include <stdint.h>

#include "counts.h"
#include "table.h"

enum {
	TOP_NAME, TOP_TASKS, TOP_USAGE, TOP_LIMIT, TOP_USE, TOP_HITS, TOP_TRIM,
	TOP_REFAULT, TOP_THROTTLED, TOP_FAIL, TOP_KILLS, TOP_RSS, TOP_RSS_LIMIT,
	TOP_COLUMNS
};

extern const struct column top_columns[TOP_COLUMNS];

struct row {
	char *name;
	struct counts now;
	struct counts before;	/* at the last reading but one */
	uint64_t time;		/* of the last reading, in nanoseconds; 0: none */
	uint64_t time_before;
	uint64_t turn;		/* in which it was read last */
	int gone;
};

struct top {
	const struct ctn_tree *tree;
	int dir;		/* that of all containers, open while it is looked at */
	int changes;		/* inotify of that, or -1 */
	char **names;		/* those to show, NULL for all */
	uint64_t interval;	/* in milliseconds */
	size_t sort;		/* a column */
	int reverse;		/* other than is usual for it */
	struct row **rows;	/* in the order of their names */
	struct row **view;	/* in the order that was asked for */
	size_t count;
	size_t next;		/* of rows: where the next turn goes on */
	uint64_t turn;
	int unlisted;		/* the names have to be read */
};

/**
 * top_refresh() - look at the containers once more
 * @top: the rows
 * @first: of the view, those that are seen; they are read each time
 * @seen: how many that are
 *
 * Of the others, if sorting needs them, as many are read as there is time for: the rest
 * has its turn later.
 */
void top_refresh(struct top *top, size_t first, size_t seen);

/* Put the view into order again. */
void top_sort(struct top *top);

/* What a column says: "-" if that is not known. */
struct size_text top_text(const struct row *row, size_t column);

/* Hundredths of the page limit, rounded up, or -1 without one. */
double top_use(const struct row *row);

/* Whether this counter, or what this rate is of, has grown since the last reading. */
int top_grew(const struct row *row, size_t column);

/* A line on all: to be given to free(3). */
char *top_headline(const struct top *top);

/* Show it on the terminal, @count times, or for ever if it is 0. Returns the exit status. */
int show_screen(struct top *top, uint64_t count);

#endif /* CTNCTL_TOP_H */

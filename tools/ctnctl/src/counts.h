/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The numbers of a container that "top" shows, read with as few system calls as there can
 * be. What is made of them is in top.c.
 */
#ifndef CTNCTL_COUNTS_H
#define CTNCTL_COUNTS_H

#include <stdint.h>

/* Each is a line of "stat". Memory is in pages, time in microseconds. */
enum count {
	COUNT_TASKS,
	COUNT_ANON,
	COUNT_FILE,
	COUNT_LIMIT,
	COUNT_HITS,
	COUNT_RSS,
	COUNT_RSS_LIMIT,
	COUNT_KILLS,
	/* from here on only of "stat" */
	COUNT_DROPPED,
	COUNT_RECLAIMED,
	COUNT_REFAULTED,
	COUNT_THROTTLED,
	COUNT_WAITED,
	COUNT_FAILED,
	COUNTS
};

#define COUNT(count)	(1u << (count))

struct counts {
	uint64_t value[COUNTS];		/* CTN_MAX: no limit */
	unsigned int there;		/* COUNT() of those that are known */
};

/**
 * counts_read() - read the numbers of a container
 * @tree: the directory of all containers, open
 * @name: that of the container
 * @counts: where to put them
 *
 * What this kernel lacks, what may not be read and what cannot be understood is not
 * there then.
 *
 * Returns 0, or -1 if there is no such container any more.
 */
int counts_read(int tree, const char *name, struct counts *counts);

/**
 * counts_read_all() - read the numbers of all containers
 * @tree: the directory of all containers, open
 * @each: called for each of them
 * @data: for it
 *
 * Returns 0, or -1 if the kernel has no such file, or this user may not read it; then
 * some of them may have been told of.
 */
int counts_read_all(int tree,
		    void (*each)(void *data, const char *name, const struct counts *counts),
		    void *data);

#endif /* CTNCTL_COUNTS_H */

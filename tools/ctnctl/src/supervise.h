/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Running a program in a container as its parent: for "run" with --rm, --kill and
 * --summary.
 */
#ifndef CTNCTL_SUPERVISE_H
#define CTNCTL_SUPERVISE_H

#include "common.h"

enum summary { SUMMARY_NONE, SUMMARY_TEXT, SUMMARY_JSON };

struct supervision {
	int remove;		/* the container, in the end */
	int kill;		/* who is left in it */
	enum summary summary;
};

/**
 * supervise() - run a program in a container, and do what is to be done at its end
 * @ctn: the container
 * @made: it was made for this: only then it is removed
 * @program: what to run, and its arguments
 * @what: what is to be done
 *
 * Signals that come meanwhile are handed on. Does not return if a signal has ended the
 * program: it ends ctnctl as well.
 *
 * Returns the exit status.
 */
int supervise(const struct ctn *ctn, int made, char **program,
	      const struct supervision *what);

#endif /* CTNCTL_SUPERVISE_H */

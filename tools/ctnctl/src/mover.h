/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Moves of processes, each made by a child of ours: a process can keep the kernel waiting
 * that is to move it, as long as it holds its memory locked or after vfork(2), and is to keep
 * nobody else waiting. So there are few at a time for one user, and none for long.
 */
#ifndef CTNCTL_MOVER_H
#define CTNCTL_MOVER_H

#include "rule.h"

enum move_result { MOVE_DONE, MOVE_REFUSED, MOVE_GONE };

/* A process that is being moved, or has been. */
struct move {
	pid_t pid;
	uid_t uid;
	struct rule *rule;	/* NULL if there are other rules by now */
	char *exe;
	int again;		/* something has happened to it meanwhile */
	enum move_result result;
	char *why;		/* it was refused */
};

struct movers;

struct movers *movers_new(void);

/* Those that are under way are ended. */
void movers_free(struct movers *movers);

/* The move of a process that is under way, or NULL. It belongs to the movers. */
struct move *movers_find(struct movers *movers, pid_t pid);

/**
 * movers_start() - begin to move a process
 * @movers: those
 * @move: what it is about; the strings are copied
 * @work: what a child does; what has been refused it leaves in ctn_errmsg()
 * @data: for @work
 *
 * Returns 0, or -1 if there are too many under way, of this user or at all.
 */
int movers_start(struct movers *movers, const struct move *move,
		 enum move_result work(void *data), void *data);

/*
 * Take one that has come to its end, or to the end of its time. Returns 1, or 0 if there is
 * none now; @move is to be given to move_free().
 */
int movers_take(struct movers *movers, struct move *move);

void move_free(struct move *move);

/* Forget the rules: there are others. */
void movers_forget_rules(struct movers *movers);

/* How many are under way? */
size_t movers_count(const struct movers *movers);

/* How long the next of them may take, in milliseconds, or -1 if there is none. */
int movers_timeout(const struct movers *movers);

#endif /* CTNCTL_MOVER_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rules: which processes belong into which container, by program, user and group, as
 * ctnctl.conf(5) has them. What is done by them is in rules.c.
 */
#ifndef CTNCTL_RULE_H
#define CTNCTL_RULE_H

#include <sys/types.h>

#include "config.h"

/* What is known of a process that a rule may be about. */
struct subject {
	int dir;		/* /proc/PID, or that of a thread, with O_PATH */
	uid_t uid;		/* the real ones: of who has started it */
	gid_t gid;
	const gid_t *groups;	/* the supplementary ones */
	size_t ngroups;
	const char *exe;	/* what /proc/PID/exe says, which anybody may choose */
	const char *container;	/* "" for none */
};

struct rule {
	const char *container;
	const struct place *at;
	struct program *program;	/* NULL for any */
	int has_user, has_group;
	uid_t uid;
	gid_t gid;
	int from_any;
	char **from;		/* out of these as well */
	size_t nfrom;
	/* of the last complaint about it, in milliseconds; 0 for none */
	uint64_t complained;
};

struct rules {
	struct rule *list;	/* that of the last line comes first */
	size_t count;
	int by_group;		/* is there one by a group? */
};

/*
 * Look at the form of a line of CONFIG_PROCESS, and say what is wrong with it; who and what
 * it names need not be there. Returns STATUS_OK or STATUS_REFUSED.
 */
int rule_check(const struct key *key);

/*
 * Take all lines of a configuration, which has to stay as long as the rules do. One that is
 * wrong is told, and left out. Returns STATUS_OK, or STATUS_REFUSED if there was one.
 */
int rules_take(struct rules *rules, const struct config *config);

void rules_free(struct rules *rules);

/* Can there be a rule for a process that says it runs @exe? Most often there is none. */
int rules_may_match(const struct rules *rules, const char *exe);

/* Returns the rule for a process, or NULL. It may be in that container already. */
struct rule *rules_match(const struct rules *rules, const struct subject *subject);

/* program.c */

/* A program that a rule names, by a path or by a name alone. */
struct program;

/**
 * program_new() - look for a program
 * @word: an absolute path, or the name of what is in one of the usual directories
 * @program: where to put it, to be given to program_free()
 *
 * One that is not there is looked for again as often as it is asked for.
 *
 * Returns why it cannot be one, or NULL.
 */
const char *program_new(const char *word, struct program **program);

void program_free(struct program *program);

/* May a process run it that says so? It costs little, and proves nothing. */
int program_is_called(struct program *program, const char *exe);

/* Does a process run that very file? */
int program_is(struct program *program, const struct subject *subject);

#endif /* CTNCTL_RULE_H */

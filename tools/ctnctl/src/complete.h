/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What shells complete, by what the help says.
 */
#ifndef CTNCTL_COMPLETE_H
#define CTNCTL_COMPLETE_H

#include <stdnoreturn.h>

#include "common.h"

/* What ctnctl.c knows of commands. */
struct words {
	/* NULL if there is none; other names of a command count, too */
	const struct command *(*find)(const char *name);
	/* prints the help of ctnctl, and exits */
	void (*print_help)(void);
};

/* "ctnctl complete": argv[0] is the name of the command, and words come after it. */
noreturn void complete(const struct words *words, int argc, char **argv);

#endif /* CTNCTL_COMPLETE_H */

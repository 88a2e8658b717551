/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What /proc says of tasks, through libproc2. What is made of it is in ps.c and show.c.
 */
#ifndef CTNCTL_PROCESS_H
#define CTNCTL_PROCESS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct process {
	pid_t id;		/* of the task; the rest is of its process, but for name */
	pid_t pid;
	pid_t parent;
	char *user;
	char *name;
	char *args;		/* the command line, "" if there is none */
	char state;		/* as ps(1) has it */
	uint64_t threads;
	uint64_t rss, swap;	/* bytes */
	uint64_t pss;		/* bytes; CTN_MAX if that is not for us to know */
};

/**
 * processes_read() - read what there is of some tasks
 * @ids: theirs
 * @count: how many
 * @with_pss: whether the pss is wanted, which is dear
 * @processes: where to put an array, in the order of @ids, to be given to
 *             processes_free()
 *
 * Those that have gone are left out. Exits if there is no /proc.
 *
 * Returns how many there are.
 */
size_t processes_read(const pid_t *ids, size_t count, int with_pss,
		      struct process **processes);

void processes_free(struct process *processes, size_t count);

/* What is written into @text, which ends with a null byte, or NULL. */
const char *proc_read(pid_t id, const char *file, char *text, size_t size);

#endif /* CTNCTL_PROCESS_H */

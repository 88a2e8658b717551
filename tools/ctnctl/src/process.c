// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading tasks and processes from /proc.
 */
#include <errno.h>
#include <fcntl.h>
#include <libproc2/pids.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common.h"
#include "process.h"

enum {
	ITEM_ID, ITEM_PID, ITEM_PARENT, ITEM_USER, ITEM_NAME, ITEM_ARGS,
	ITEM_STATE, ITEM_THREADS, ITEM_RSS, ITEM_SWAP, ITEM_PSS, ITEM_ALL_RSS,
	NR_ITEMS
};

/* As many as the library takes at a time. */
#define MANY 250

static const enum pids_item items[NR_ITEMS] = {
	[ITEM_ID] = PIDS_ID_PID,
	[ITEM_PID] = PIDS_ID_TGID,
	[ITEM_PARENT] = PIDS_ID_PPID,
	[ITEM_USER] = PIDS_ID_EUSER,
	[ITEM_NAME] = PIDS_CMD,
	[ITEM_ARGS] = PIDS_CMDLINE,
	[ITEM_STATE] = PIDS_STATE,
	[ITEM_THREADS] = PIDS_NLWP,
	[ITEM_RSS] = PIDS_VM_RSS,
	[ITEM_SWAP] = PIDS_VM_SWAP,
	/* the last two of another file, which takes long */
	[ITEM_PSS] = PIDS_SMAP_PSS,
	[ITEM_ALL_RSS] = PIDS_SMAP_RSS,
};

static char *copy(const char *text)
{
	char *new = strdup(text ? text : "");

	if (!new)
		die("%s", strerror(ENOMEM));
	return new;
}

/* As it is: the library puts a ? for what cannot be printed. */
static char *read_name(pid_t id, const char *shown)
{
	char text[64];
	char *end;

	if (!proc_read(id, "comm", text, sizeof(text)))
		return copy(shown);
	/* the last newline is the kernel's, others are part of the name */
	end = strrchr(text, '\n');
	if (end)
		*end = '\0';
	return copy(text);
}

static void take(struct process *process, const struct pids_stack *stack,
		 int with_pss)
{
	const struct pids_result *of = stack->head;

	*process = (struct process){
		.id = of[ITEM_ID].result.s_int,
		.pid = of[ITEM_PID].result.s_int,
		.parent = of[ITEM_PARENT].result.s_int,
		.user = copy(of[ITEM_USER].result.str),
		.name = read_name(of[ITEM_ID].result.s_int, of[ITEM_NAME].result.str),
		.args = copy(of[ITEM_ARGS].result.str),
		.state = (char)of[ITEM_STATE].result.s_ch,
		.threads = (uint64_t)of[ITEM_THREADS].result.s_int,
		.rss = (uint64_t)of[ITEM_RSS].result.ul_int * 1024,
		.swap = (uint64_t)of[ITEM_SWAP].result.ul_int * 1024,
		.pss = CTN_MAX,
	};
	/* of another user's there is nothing to be read */
	if (with_pss && (of[ITEM_ALL_RSS].result.ul_int || !process->rss))
		process->pss = (uint64_t)of[ITEM_PSS].result.ul_int * 1024;
	/* the library has the name in brackets where there is no command line */
	if (*process->args == '[')
		*process->args = '\0';
}

size_t processes_read(const pid_t *ids, size_t count, int with_pss,
		      struct process **processes)
{
	struct pids_info *info = NULL;
	enum pids_item wanted[NR_ITEMS];
	struct process *found = NULL;
	unsigned int some[MANY];
	size_t done = 0;
	int err;

	memcpy(wanted, items, sizeof(items));
	err = procps_pids_new(&info, wanted, with_pss ? NR_ITEMS : ITEM_PSS);
	if (err)
		die("/proc: %s", strerror(-err));
	for (size_t at = 0; at < count; at += MANY) {
		struct pids_fetch *fetch;
		size_t n = count - at;

		if (n > MANY)
			n = MANY;
		for (size_t i = 0; i < n; i++)
			some[i] = (unsigned int)ids[at + i];
		fetch = procps_pids_select(info, some, (int)n, PIDS_SELECT_PID);
		if (!fetch)
			die("/proc: %s", strerror(errno));
		found = xrealloc(found, done + (size_t)fetch->counts->total + 1,
				 sizeof(*found));
		for (int i = 0; i < fetch->counts->total; i++)
			take(&found[done++], fetch->stacks[i], with_pss);
	}
	procps_pids_unref(&info);
	*processes = found;
	return done;
}

void processes_free(struct process *processes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(processes[i].user);
		free(processes[i].name);
		free(processes[i].args);
	}
	free(processes);
}

const char *proc_read(pid_t id, const char *file, char *text, size_t size)
{
	char *path = xasprintf("/proc/%d/%s", (int)id, file);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len;

	free(path);
	if (fd < 0)
		return NULL;
	len = read(fd, text, size - 1);
	close(fd);
	if (len < 0)
		return NULL;
	text[len] = '\0';
	return text;
}

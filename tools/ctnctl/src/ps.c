// SPDX-License-Identifier: GPL-2.0-only
/*
 * ctnctl ps: the processes that are in containers. With --tree each container is the
 * root of a tree, and a process is below its parent if that is in the same one.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "process.h"
#include "ps.h"

enum {
	PS_NAME, PS_CONTAINER, PS_PID, PS_PPID, PS_USER, PS_STATE, PS_THREADS,
	PS_RSS, PS_PSS, PS_SWAP, PS_COMMAND, PS_ARGS
};

static const struct column ps_columns[] = {
	[PS_NAME] = { "NAME", CELL_TEXT, "command, or container, with the tree", NULL },
	[PS_CONTAINER] = { "CONTAINER", CELL_TEXT, "name of the container", NULL },
	[PS_PID] = { "PID", CELL_NUMBER, "process", NULL },
	[PS_PPID] = { "PPID", CELL_NUMBER, "its parent", NULL },
	[PS_USER] = { "USER", CELL_TEXT, "whose it is", NULL },
	[PS_STATE] = { "STATE", CELL_TEXT, "R, S, D, T, as ps(1) has them", NULL },
	[PS_THREADS] = { "THREADS", CELL_NUMBER, "its threads", NULL },
	[PS_RSS] = { "RSS", CELL_SIZE, "memory that it maps; of a container, rss_usage", NULL },
	[PS_PSS] = { "PSS", CELL_SIZE, "the same, shared pages in parts", NULL },
	[PS_SWAP] = { "SWAP", CELL_SIZE, "what it has in swap", NULL },
	[PS_COMMAND] = { "COMMAND", CELL_TEXT, "name of the command", NULL },
	[PS_ARGS] = { "ARGS", CELL_TEXT, "command line", NULL },
};

static const char ps_usual[] = "CONTAINER,PID,USER,STATE,RSS,PSS,SWAP,ARGS";
static const char tree_usual[] = "NAME,PID,USER,STATE,RSS,PSS,SWAP";

void ps_init(struct table *table, const struct command *cmd,
	     const struct look *look, int tree)
{
	const char *usual = tree ? tree_usual : ps_usual;

	if (tree && look->sort)
		wrong_usage(cmd, "--sort and --tree exclude each other");
	table_init(table, cmd, "processes", look, ps_columns,
		   ARRAY_SIZE(ps_columns), usual);
	if (tree)
		table_be_tree(table, PS_NAME);
}

void ps_print_columns(int tree)
{
	print_columns(ps_columns, ARRAY_SIZE(ps_columns));
	printf("\nUsual are %s.\n", tree ? tree_usual : ps_usual);
}

static int wants(const struct table *table, size_t column)
{
	for (size_t i = 0; i < table->nshown; i++)
		if (table->shown[i] == column)
			return 1;
	return 0;
}

static void fill(struct table *table, const char *container,
		 const struct process *process)
{
	const char state[] = { process->state, '\0' };

	for (size_t i = 0; i < table->nshown; i++) {
		switch (table->shown[i]) {
		case PS_NAME:
		case PS_COMMAND:
			table_text(table, i, process->name);
			break;
		case PS_CONTAINER:
			table_text(table, i, container);
			break;
		case PS_PID:
			table_number(table, i, (uint64_t)process->pid);
			break;
		case PS_PPID:
			table_number(table, i, (uint64_t)process->parent);
			break;
		case PS_USER:
			table_text(table, i, process->user);
			break;
		case PS_STATE:
			table_text(table, i, state);
			break;
		case PS_THREADS:
			table_number(table, i, process->threads);
			break;
		case PS_RSS:
			table_size(table, i, process->rss);
			break;
		case PS_PSS:
			if (process->pss != CTN_MAX)
				table_size(table, i, process->pss);
			break;
		case PS_SWAP:
			table_size(table, i, process->swap);
			break;
		case PS_ARGS:
			if (*process->args)
				table_text(table, i, process->args);
			break;
		}
	}
}

/* Processes by their ids, which are in ascending order. */
struct members {
	struct process *list;
	struct libscols_line **lines;	/* those that have been placed */
	char *placing;
	size_t count;
};

static int compare_pids(const void *a, const void *b)
{
	pid_t x = *(const pid_t *)a, y = *(const pid_t *)b;

	return (x > y) - (x < y);
}

/* The process of each thread, once. Those that have gone are left out. */
static size_t to_processes(pid_t *ids, size_t count)
{
	size_t found = 0, kept = 0;
	char text[512];

	for (size_t i = 0; i < count; i++) {
		const char *line = proc_read(ids[i], "status", text, sizeof(text));
		int pid;

		line = line ? strstr(line, "\nTgid:") : NULL;
		if (line && sscanf(line, "\nTgid: %d", &pid) == 1)
			ids[found++] = pid;
	}
	qsort(ids, found, sizeof(*ids), compare_pids);
	for (size_t i = 0; i < found; i++)
		if (!kept || ids[kept - 1] != ids[i])
			ids[kept++] = ids[i];
	return kept;
}

static size_t find(const struct members *members, pid_t pid)
{
	size_t low = 0, high = members->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (members->list[middle].pid < pid)
			low = middle + 1;
		else
			high = middle;
	}
	return low < members->count && members->list[low].pid == pid ? low :
	       members->count;
}

/* The parent comes first. What was read in different moments may make a circle. */
static void place(struct table *table, struct members *members, size_t i,
		  const char *container, struct libscols_line *root)
{
	struct libscols_line *above = root;
	size_t parent;

	if (members->placing[i])
		return;
	members->placing[i] = 1;
	parent = find(members, members->list[i].parent);
	if (root && parent < members->count) {
		place(table, members, parent, container, root);
		if (members->lines[parent])
			above = members->lines[parent];
	}
	table_line_below(table, above);
	members->lines[i] = table->line;
	fill(table, container, &members->list[i]);
}

static void add_root(struct table *table, const struct ctn *ctn)
{
	uint64_t rss;

	table_line_below(table, NULL);
	for (size_t i = 0; i < table->nshown; i++) {
		if (table->shown[i] == PS_NAME || table->shown[i] == PS_CONTAINER)
			table_text(table, i, ctn_name(ctn));
		else if (table->shown[i] == PS_RSS &&
			 !ctn_get_number(ctn, "rss_usage", &rss))
			table_size(table, i, pages_to_bytes(rss));
	}
}

int ps_add(struct table *table, const struct ctn_tree *tree, const char *name,
	   int named)
{
	struct ctn *ctn = ctn_open(tree, name);
	struct libscols_line *root = NULL;
	struct members members = { 0 };
	pid_t *ids = NULL;
	ssize_t count;
	size_t kept;

	if (!ctn)
		return named || errno != ENOENT ? refused() : STATUS_OK;
	count = ctn_tasks(ctn, &ids);
	if (count < 0) {
		int gone = !named && errno == ENOENT;

		ctn_close(ctn);
		return gone ? STATUS_OK : refused();
	}
	if (table->tree) {
		add_root(table, ctn);
		root = table->line;
	}
	kept = to_processes(ids, (size_t)count);
	members.count = processes_read(ids, kept, wants(table, PS_PSS), &members.list);
	members.lines = xrealloc(NULL, members.count + 1, sizeof(*members.lines));
	members.placing = xrealloc(NULL, members.count + 1, 1);
	memset(members.lines, 0, (members.count + 1) * sizeof(*members.lines));
	memset(members.placing, 0, members.count + 1);
	for (size_t i = 0; i < members.count; i++)
		place(table, &members, i, name, root);
	free(members.placing);
	free(members.lines);
	processes_free(members.list, members.count);
	free(ids);
	ctn_close(ctn);
	return STATUS_OK;
}

int ps_add_all(struct table *table, const struct ctn_tree *tree, char **names)
{
	int status = STATUS_OK;
	char **all;

	if (*names) {
		for (; *names; names++)
			status |= ps_add(table, tree, *names, 1);
		return status;
	}
	all = ctn_tree_names(tree);
	if (!all)
		exit(refused());
	for (char **name = all; *name; name++)
		status |= ps_add(table, tree, *name, 0);
	ctn_names_free(all);
	return status;
}

static noreturn void print_ps_help(const struct command *cmd)
{
	fputs(cmd->help, stdout);
	ps_print_columns(0);
	finish(STATUS_OK);
}

static int run_ps(const struct command *cmd, int argc, char **argv)
{
	static const struct option options[] = {
		LOOK_OPTIONS,
		{ "help", no_argument, NULL, 'h' },
		{ "tree", no_argument, NULL, 'T' },
		{ 0 }
	};
	struct look look = { 0 };
	struct ctn_tree *tree;
	struct table table;
	int opt, status, as_tree = 0;

	while ((opt = next_option(argc, argv, LOOK_SHORT "hs:T", options)) != -1) {
		if (opt == 'h')
			print_ps_help(cmd);
		if (opt == 's')
			opt = OPT_SORT;
		if (opt == 'T')
			as_tree = 1;
		else if (!look_option(cmd, &look, opt, optarg))
			try_help(cmd);
	}
	ps_init(&table, cmd, &look, as_tree);
	tree = open_tree();
	take_names(tree, argv + optind);
	status = ps_add_all(&table, tree, argv + optind);
	table_print(&table);
	ctn_tree_close(tree);
	return status;
}

const struct command ps_command = {
	.name = "ps",
	.summary = "print the processes that are in containers",
	.help =
	"Usage: ctnctl ps [OPTION...] [NAME...]\n\n"
	"Print a line for each process in a container, or in those of each NAME.\n"
	"What is another user's to know is left out.\n\n"
	"Options:\n"
	" -T, --tree            print a tree: processes below their parents, below\n"
	"                       their container\n"
	LOOK_HELP
	SORT_HELP("-s, ")
	" -h, --help            print this help\n"
	"\nColumns:\n",
	.run = run_ps,
};

// SPDX-License-Identifier: GPL-2.0-only
/*
 * ctnctl show: all about one container: its attributes, its tasks, its files,
 * its statistics.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parse.h"
#include "process.h"
#include "ps.h"
#include "resource.h"

enum what { SHOW_ATTRS, SHOW_TASKS, SHOW_FILES, SHOW_STAT, SHOW_TREE };

struct config {
	enum what what;
	int defaults;
	char *name;
	char **attrs;		/* those to show, none for all */
	struct look look;
};

/* Attributes */

enum { ATTR_NAME, ATTR_VALUE, ATTR_SIZE, ATTR_HELP };

static const struct column attr_columns[] = {
	[ATTR_NAME] = { "ATTRIBUTE", CELL_TEXT, "name of the file", NULL },
	[ATTR_VALUE] = { "VALUE", CELL_LINES, "what the file says", NULL },
	[ATTR_SIZE] = { "SIZE", CELL_SIZE, "that number of pages, as a size",
			NULL },
	[ATTR_HELP] = { "HELP", CELL_TEXT, "what it is", NULL },
};

static const char attr_usual[] = "ATTRIBUTE,VALUE,SIZE";

static void fill_size(struct table *table, size_t shown, const char *value,
		      const struct ctn_attr *known)
{
	uint64_t pages;

	if (known && known->kind == CTN_KIND_PAGES && !parse_value(value, &pages))
		table_pages(table, shown, pages);
}

static void fill_attr(struct table *table, const char *name, const char *value,
		      const struct ctn_attr *known)
{
	if (table->object) {
		json_put_attr(table->object, name, value);
		return;
	}
	table_line(table);
	for (size_t i = 0; i < table->nshown; i++) {
		switch (table->shown[i]) {
		case ATTR_NAME:
			table_text(table, i, name);
			break;
		case ATTR_VALUE:
			table_text(table, i, value);
			break;
		case ATTR_SIZE:
			fill_size(table, i, value, known);
			break;
		case ATTR_HELP:
			if (known)
				table_text(table, i, known->help);
			break;
		}
	}
}

/* As set takes it. */
static int show_resource(struct table *table, const struct holder *of, const char *name)
{
	struct bounds bounds;
	int counted = resource_get(of, name, &bounds);
	char *value;

	if (counted < 0)
		return refused();
	if (!counted)
		return resource_not_counted(of, name);
	value = resource_text(name, &bounds);
	fill_attr(table, name, value, NULL);
	free(value);
	return STATUS_OK;
}

static int show_named(struct table *table, const struct ctn_tree *tree,
		      const struct ctn *ctn, const char *name)
{
	char *value, *file = NULL;
	const struct holder of = { ctn, tree };
	int is_resource = resource_is(&of, name);

	if (is_resource)
		return is_resource < 0 ? refused() : show_resource(table, &of, name);
	value = ctn ? ctn_get(ctn, name) : ctn_tree_get(tree, name);
	if (!value && !ctn && errno == ENOENT) {
		file = default_name(name);
		value = ctn_tree_get(tree, file);
	}
	if (value)
		fill_attr(table, file ? file : name, value,
			  ctn_attr_find(file ? file : name));
	free(file);
	if (!value)
		return refused();
	free(value);
	return STATUS_OK;
}

/* One of all: it may be no concern of this table, or of this kernel. */
static int show_attr(struct table *table, const struct ctn_tree *tree,
		     const struct ctn *ctn, const char *name)
{
	const struct ctn_attr *known = ctn_attr_find(name);
	char *value;

	if (known && (known->kind == CTN_KIND_LIST ||
		      !(known->flags & CTN_ATTR_READ)))
		return STATUS_OK;
	value = ctn ? ctn_get(ctn, name) : ctn_tree_get(tree, name);
	if (value) {
		fill_attr(table, name, value, known);
		free(value);
		return STATUS_OK;
	}
	/* Files that the library does not know may well be write-only. */
	return errno == ENOENT || (!known && errno == EACCES) ? STATUS_OK :
	       refused();
}

/* As set --defaults takes them. A kernel may have no beancounters. */
static int show_default_resources(struct table *table, const struct ctn_tree *tree)
{
	struct resource_row *rows = NULL;
	ssize_t count = resource_rows(&(struct holder){ .tree = tree }, &rows);

	if (count < 0)
		return errno == ENOENT ? STATUS_OK : refused();
	for (ssize_t i = 0; i < count; i++) {
		char *text = resource_text(rows[i].name, &rows[i].bounds);

		fill_attr(table, rows[i].name, text, NULL);
		free(text);
	}
	resource_rows_free(rows, count);
	return STATUS_OK;
}

/* Those that the library knows in its order, then those it does not. */
static int show_all(struct table *table, const struct ctn_tree *tree,
		    const struct ctn *ctn)
{
	char **names = ctn ? ctn_attrs(ctn) : ctn_tree_attrs(tree);
	const struct ctn_attr *attr;
	int status = STATUS_OK;

	if (!names)
		exit(refused());
	for (size_t i = 0; (attr = ctn_attr_at(i)); i++)
		if (!(attr->flags & CTN_ATTR_TREE) == (ctn != NULL))
			status |= show_attr(table, tree, ctn, attr->name);
	for (char **name = names; *name; name++)
		if (!ctn_attr_find(*name))
			status |= show_attr(table, tree, ctn, *name);
	ctn_names_free(names);
	return status | (ctn ? STATUS_OK : show_default_resources(table, tree));
}

static int show_attrs(struct table *table, const struct ctn_tree *tree,
		      const struct ctn *ctn, char **attrs)
{
	int status = STATUS_OK;

	if (!*attrs)
		return show_all(table, tree, ctn);
	for (; *attrs; attrs++)
		status |= show_named(table, tree, ctn, *attrs);
	return status;
}

/* Tasks */

enum {
	TASK_TID, TASK_PID, TASK_USER, TASK_STATE, TASK_RSS, TASK_PSS, TASK_SWAP,
	TASK_COMMAND, TASK_ARGS
};

static const struct column task_columns[] = {
	[TASK_TID] = { "TID", CELL_NUMBER, "thread id", NULL },
	[TASK_PID] = { "PID", CELL_NUMBER, "process that it is a thread of",
		       NULL },
	[TASK_USER] = { "USER", CELL_TEXT, "whose it is", NULL },
	[TASK_STATE] = { "STATE", CELL_TEXT, "R, S, D, T, as ps(1) has them", NULL },
	[TASK_RSS] = { "RSS", CELL_SIZE, "memory that the process maps", NULL },
	[TASK_PSS] = { "PSS", CELL_SIZE, "the same, shared pages in parts", NULL },
	[TASK_SWAP] = { "SWAP", CELL_SIZE, "what the process has in swap", NULL },
	[TASK_COMMAND] = { "COMMAND", CELL_TEXT, "name of the thread", NULL },
	[TASK_ARGS] = { "ARGS", CELL_TEXT, "command line of the process", NULL },
};

static const char task_usual[] = "TID,PID,USER,STATE,COMMAND";

/* A thread that has gone has its number only. */
static void fill_task(struct table *table, pid_t tid, const struct process *process)
{
	const char state[] = { process ? process->state : '\0', '\0' };

	table_line(table);
	for (size_t i = 0; i < table->nshown; i++) {
		if (table->shown[i] == TASK_TID) {
			table_number(table, i, (uint64_t)tid);
			continue;
		}
		if (!process)
			continue;
		switch (table->shown[i]) {
		case TASK_PID:
			table_number(table, i, (uint64_t)process->pid);
			break;
		case TASK_USER:
			table_text(table, i, process->user);
			break;
		case TASK_STATE:
			table_text(table, i, state);
			break;
		case TASK_RSS:
			table_size(table, i, process->rss);
			break;
		case TASK_PSS:
			if (process->pss != CTN_MAX)
				table_size(table, i, process->pss);
			break;
		case TASK_SWAP:
			table_size(table, i, process->swap);
			break;
		case TASK_COMMAND:
			table_text(table, i, process->name);
			break;
		case TASK_ARGS:
			if (*process->args)
				table_text(table, i, process->args);
			break;
		}
	}
}

static int show_tasks(struct table *table, const struct ctn *ctn)
{
	struct process *processes = NULL;
	pid_t *tids = NULL;
	ssize_t count = ctn_tasks(ctn, &tids);
	int with_pss = 0;
	size_t found, at = 0;

	if (count < 0)
		return refused();
	for (size_t i = 0; i < table->nshown; i++)
		with_pss |= table->shown[i] == TASK_PSS;
	found = processes_read(tids, (size_t)count, with_pss, &processes);
	for (ssize_t n = 0; n < count; n++) {
		int there = at < found && processes[at].id == tids[n];

		fill_task(table, tids[n], there ? &processes[at] : NULL);
		at += (size_t)there;
	}
	processes_free(processes, found);
	free(tids);
	return STATUS_OK;
}

/* Files */

enum { FILE_SIZE, FILE_PAGES, FILE_DEVICE, FILE_INODE, FILE_FSPATH, FILE_PATH };

static const struct column file_columns[] = {
	[FILE_SIZE] = { "SIZE", CELL_SIZE, "its page cache", NULL },
	[FILE_PAGES] = { "PAGES", CELL_NUMBER, "its page cache, in pages",
			 NULL },
	[FILE_DEVICE] = { "DEVICE", CELL_TEXT, "device of its file system",
			  "MAJ:MIN" },
	[FILE_INODE] = { "INODE", CELL_NUMBER, "number of its inode", NULL },
	[FILE_FSPATH] = { "FSPATH", CELL_TEXT,
			  "path from the root of its file system", NULL },
	[FILE_PATH] = { "PATH", CELL_TEXT,
			"path, or [FSPATH] if it has none here", NULL },
};

static const char file_usual[] = "SIZE,DEVICE,INODE,PATH";

static void fill_path(struct table *table, size_t shown,
		      const struct ctn_mapping *map)
{
	char *text;

	if (map->path) {
		table_text(table, shown, map->path);
	} else if (map->fspath && !table->look->json) {
		text = xasprintf("[%s]", map->fspath);
		table_text(table, shown, text);
		free(text);
	}
}

static void fill_file(struct table *table, const struct ctn_mapping *map)
{
	char *device = xasprintf("%u:%u", map->major, map->minor);

	table_line(table);
	for (size_t i = 0; i < table->nshown; i++) {
		switch (table->shown[i]) {
		case FILE_SIZE:
			table_size(table, i, pages_to_bytes(map->pages));
			break;
		case FILE_PAGES:
			table_number(table, i, map->pages);
			break;
		case FILE_DEVICE:
			table_text(table, i, device);
			break;
		case FILE_INODE:
			table_number(table, i, map->inode);
			break;
		case FILE_FSPATH:
			if (map->fspath)
				table_text(table, i, map->fspath);
			break;
		case FILE_PATH:
			fill_path(table, i, map);
			break;
		}
	}
	free(device);
}

static int show_files(struct table *table, const struct ctn *ctn)
{
	struct ctn_mapping **maps = NULL;

	if (ctn_mappings(ctn, &maps) < 0)
		return refused();
	for (size_t i = 0; maps[i]; i++)
		fill_file(table, maps[i]);
	ctn_mappings_free(maps);
	return STATUS_OK;
}

/* Statistics */

enum { STAT_KEY, STAT_VALUE };

static const struct column stat_columns[] = {
	[STAT_KEY] = { "KEY", CELL_TEXT, "what was counted", NULL },
	[STAT_VALUE] = { "VALUE", CELL_NUMBER, "since the container was made",
			 NULL },
};

static const char stat_usual[] = "KEY,VALUE";

static int show_stat(struct table *table, const struct ctn *ctn)
{
	struct ctn_stats *stats = ctn_stats_read(ctn);

	if (!stats)
		return refused();
	for (size_t n = 0; n < ctn_stats_count(stats); n++) {
		const char *key = ctn_stats_key(stats, n);
		uint64_t value = ctn_stats_value(stats, n);

		/* what has a file of its own is shown without --stat */
		if (ctn_attr_find(key))
			continue;
		if (table->object) {
			json_put_number(table->object, key, value);
			continue;
		}
		table_line(table);
		for (size_t i = 0; i < table->nshown; i++) {
			if (table->shown[i] == STAT_KEY)
				table_text(table, i, key);
			else
				table_number(table, i, value);
		}
	}
	ctn_stats_free(stats);
	return STATUS_OK;
}

/* The command */

static noreturn void print_show_help(const struct command *cmd)
{
	fputs(cmd->help, stdout);
	fputs("\nColumns:\n", stdout);
	print_columns(attr_columns, ARRAY_SIZE(attr_columns));
	fputs("\nColumns with --tasks:\n", stdout);
	print_columns(task_columns, ARRAY_SIZE(task_columns));
	fputs("\nColumns with --files:\n", stdout);
	print_columns(file_columns, ARRAY_SIZE(file_columns));
	fputs("\nColumns with --stat:\n", stdout);
	print_columns(stat_columns, ARRAY_SIZE(stat_columns));
	fputs("\nColumns with --tree:\n", stdout);
	ps_print_columns(1);
	finish(STATUS_OK);
}

static void parse(const struct command *cmd, struct config *config, int argc,
		  char **argv)
{
	static const struct option options[] = {
		LOOK_OPTIONS,
		{ "defaults", no_argument, NULL, 'd' },
		{ "files", no_argument, NULL, 'f' },
		{ "help", no_argument, NULL, 'h' },
		{ "stat", no_argument, NULL, 's' },
		{ "tasks", no_argument, NULL, 't' },
		{ "tree", no_argument, NULL, 'T' },
		{ 0 }
	};
	int opt, views = 0;

	while ((opt = next_option(argc, argv, LOOK_SHORT "dfhstT", options)) != -1) {
		switch (opt) {
		case 'd':
			config->defaults = 1;
			views++;
			break;
		case 'f':
			config->what = SHOW_FILES;
			views++;
			break;
		case 's':
			config->what = SHOW_STAT;
			views++;
			break;
		case 't':
			config->what = SHOW_TASKS;
			views++;
			break;
		case 'T':
			config->what = SHOW_TREE;
			views++;
			break;
		case 'h':
			print_show_help(cmd);
		default:
			if (!look_option(cmd, &config->look, opt, optarg))
				try_help(cmd);
		}
	}
	if (views > 1)
		wrong_usage(cmd, "want one of --defaults, --files, --stat, "
			    "--tasks and --tree");
	config->attrs = argv + optind;
	if (config->what == SHOW_TREE)
		return;
	if (!config->defaults) {
		if (optind == argc)
			wrong_usage(cmd, "no NAME given");
		config->name = argv[optind++];
	}
	config->attrs = argv + optind;
	if (config->look.json && config->look.columns &&
	    (config->what == SHOW_ATTRS || config->what == SHOW_STAT))
		wrong_usage(cmd, "--json prints an object here, which has no columns");
	if (config->what != SHOW_ATTRS && optind < argc)
		wrong_usage(cmd, "too many arguments: %s", argv[optind]);
}

static void init_table(struct table *table, const struct command *cmd,
		       const struct config *config)
{
	switch (config->what) {
	case SHOW_ATTRS:
		table_init(table, cmd, "attributes", &config->look,
			   attr_columns, ARRAY_SIZE(attr_columns), attr_usual);
		break;
	case SHOW_TASKS:
		table_init(table, cmd, "tasks", &config->look, task_columns,
			   ARRAY_SIZE(task_columns), task_usual);
		break;
	case SHOW_FILES:
		table_init(table, cmd, "files", &config->look, file_columns,
			   ARRAY_SIZE(file_columns), file_usual);
		break;
	case SHOW_TREE:
		ps_init(table, cmd, &config->look, 1);
		break;
	case SHOW_STAT:
		table_init(table, cmd, "stat", &config->look, stat_columns,
			   ARRAY_SIZE(stat_columns), stat_usual);
		break;
	}
}

static int run_show(const struct command *cmd, int argc, char **argv)
{
	struct config config = { 0 };
	struct ctn *ctn = NULL;
	struct ctn_tree *tree;
	struct table table;
	int status;

	parse(cmd, &config, argc, argv);
	init_table(&table, cmd, &config);
	tree = open_tree();
	if (config.what == SHOW_TREE)
		take_names(tree, config.attrs);
	if (config.name)
		ctn = open_container(tree, take_name(tree, config.name));
	if (config.look.json &&
	    (config.what == SHOW_ATTRS || config.what == SHOW_STAT)) {
		table.object = json_new();
		if (ctn)
			json_put_text(table.object, "name", ctn_name(ctn));
	}

	if (config.what == SHOW_TASKS)
		status = show_tasks(&table, ctn);
	else if (config.what == SHOW_FILES)
		status = show_files(&table, ctn);
	else if (config.what == SHOW_STAT)
		status = show_stat(&table, ctn);
	else if (config.what == SHOW_TREE)
		status = ps_add_all(&table, tree, config.attrs);
	else
		status = show_attrs(&table, tree, ctn, config.attrs);
	table_print(&table);
	ctn_close(ctn);
	ctn_tree_close(tree);
	return status;
}

const struct command show_command = {
	.name = "show",
	.summary = "print all about a container",
	.help =
	"Usage: ctnctl show [OPTION...] NAME [ATTR...]\n"
	"       ctnctl show [OPTION...] --defaults [ATTR...]\n"
	"       ctnctl show [OPTION...] --tasks|--files|--stat NAME\n"
	"       ctnctl show [OPTION...] --tree [NAME...]\n\n"
	"Print the attributes of the container NAME, all or each ATTR, or its\n"
	"tasks, or its files, or its statistics.\n\n"
	"Options:\n"
	" -t, --tasks           print its threads\n"
	" -T, --tree            print who is where: the processes of all containers, or\n"
	"                       of each NAME, below their parents\n"
	" -f, --files           print the files that it owns\n"
	" -s, --stat            print what the kernel has done about its limits\n"
	" -d, --defaults        print what new containers get, with the barriers and\n"
	"                       limits of resources, and what belongs to no container\n"
	LOOK_HELP
	SORT_HELP("    ")
	" -h, --help            print this help\n",
	.run = run_show,
};

// SPDX-License-Identifier: GPL-2.0-only
/*
 * ctnctl list: a line for each container. The columns are the attributes that
 * have a heading, and a few that ctnctl makes up.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "table.h"

static const char usual[] = "ID,NAME,TASKS,FILES,ANON,FILE,USAGE,LIMIT,HITS";

/* Columns come in this order; after these, one for each attribute. */
enum { COL_NAME, COL_USAGE, COL_ATTRS };

static const struct column made_up[COL_ATTRS] = {
	[COL_NAME] = { "NAME", CELL_TEXT, "name of the container", NULL },
	[COL_USAGE] = { "USAGE", CELL_SIZE, "ANON and FILE together", NULL },
};

static enum cell cell_of(enum ctn_kind kind)
{
	switch (kind) {
	case CTN_KIND_COUNT:
		return CELL_NUMBER;
	case CTN_KIND_PAGES:
		return CELL_SIZE;
	default:
		return CELL_TEXT;
	}
}

static struct column *all_columns(size_t *count)
{
	struct column *columns = xrealloc(NULL, COL_ATTRS, sizeof(*columns));
	const struct ctn_attr *attr;

	memcpy(columns, made_up, sizeof(made_up));
	*count = COL_ATTRS;
	for (size_t i = 0; (attr = ctn_attr_at(i)); i++) {
		if (!attr->column)
			continue;
		columns = xrealloc(columns, *count + 1, sizeof(*columns));
		columns[(*count)++] = (struct column){
			attr->column, cell_of(attr->kind), attr->help,
			attr->name,
		};
	}
	return columns;
}

/* A kernel may lack an attribute: its cell stays empty. */
static int missing(void)
{
	return errno == ENOENT ? STATUS_OK : refused();
}

static int fill_usage(struct table *table, size_t shown, const struct ctn *ctn)
{
	uint64_t pages;

	if (ctn_usage(ctn, &pages))
		return missing();
	table_size(table, shown, pages_to_bytes(pages));
	return STATUS_OK;
}

static int fill_text(struct table *table, size_t shown, const struct ctn *ctn,
		     const char *attr)
{
	char *text = ctn_get(ctn, attr);

	if (!text)
		return missing();
	table_text(table, shown, text);
	free(text);
	return STATUS_OK;
}

static int fill_attr(struct table *table, size_t shown, const struct ctn *ctn,
		     const struct column *column)
{
	uint64_t number;

	if (column->cell == CELL_TEXT)
		return fill_text(table, shown, ctn, column->alias);
	if (ctn_get_number(ctn, column->alias, &number))
		return missing();
	if (number == CTN_MAX)
		table_max(table, shown);
	else if (column->cell == CELL_SIZE)
		table_size(table, shown, pages_to_bytes(number));
	else
		table_number(table, shown, number);
	return STATUS_OK;
}

static int fill_line(struct table *table, const struct ctn *ctn)
{
	int status = STATUS_OK;

	table_line(table);
	for (size_t i = 0; i < table->nshown; i++) {
		size_t col = table->shown[i];

		if (col == COL_NAME)
			table_text(table, i, ctn_name(ctn));
		else if (col == COL_USAGE)
			status |= fill_usage(table, i, ctn);
		else
			status |= fill_attr(table, i, ctn,
					    &table->columns[col]);
	}
	return status;
}

/* @named: the user asked for this one, so it matters that it is not there. */
static int list_one(struct table *table, const struct ctn_tree *tree,
		    const char *name, int named)
{
	struct ctn *ctn = ctn_open(tree, name);
	int status;

	if (!ctn)
		return named || errno != ENOENT ? refused() : STATUS_OK;
	status = fill_line(table, ctn);
	ctn_close(ctn);

	/* It may have gone while its line was filled. */
	ctn = ctn_open(tree, name);
	if (!ctn) {
		table_drop_line(table);
		if (named)
			status = refused();
	}
	ctn_close(ctn);
	return status;
}

static noreturn void print_list_help(const struct command *cmd,
				     const struct column *columns, size_t count)
{
	fputs(cmd->help, stdout);
	print_columns(columns, count);
	printf("\nUsual are %s.\n", usual);
	finish(STATUS_OK);
}

static int run_list(const struct command *cmd, int argc, char **argv)
{
	static const struct option options[] = {
		LOOK_OPTIONS,
		{ "help", no_argument, NULL, 'h' },
		{ 0 }
	};
	struct look look = { 0 };
	struct column *columns;
	struct ctn_tree *tree;
	struct table table;
	int opt, status = STATUS_OK;
	char **names = NULL;
	size_t count;

	columns = all_columns(&count);
	while ((opt = next_option(argc, argv, LOOK_SHORT "h", options)) != -1) {
		if (opt == 'h')
			print_list_help(cmd, columns, count);
		if (!look_option(cmd, &look, opt, optarg))
			try_help(cmd);
	}

	table_init(&table, cmd, "containers", &look, columns, count, usual);
	tree = open_tree();
	if (optind == argc) {
		names = ctn_tree_names(tree);
		if (!names)
			exit(refused());
	}
	for (size_t i = 0; names && names[i]; i++)
		status |= list_one(&table, tree, names[i], 0);
	for (; optind < argc; optind++)
		status |= list_one(&table, tree, argv[optind], 1);
	if (names && !names[0] && isatty(STDOUT_FILENO))
		complain("there are no containers");
	table_print(&table);
	ctn_names_free(names);
	ctn_tree_close(tree);
	free(columns);
	return status;
}

const struct command list_command = {
	.name = "list",
	.summary = "print a table of containers",
	.help =
	"Usage: ctnctl list [OPTION...] [NAME...]\n\n"
	"Print a line for each container, or for those of each NAME.\n\n"
	"Options:\n"
	LOOK_HELP
	" -h, --help            print this help\n"
	"\nColumns, also taken by the names of their files:\n",
	.run = run_list,
};

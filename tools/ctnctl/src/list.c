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
enum { COL_NAME, COL_USAGE, COL_USE, COL_ATTRS };

static const struct column made_up[COL_ATTRS] = {
	[COL_NAME] = { "NAME", CELL_TEXT, "name of the container", NULL },
	[COL_USAGE] = { "USAGE", CELL_SIZE, "ANON and FILE together", "usage" },
	[COL_USE] = { "USE%", CELL_PERCENT, "USAGE in hundredths of LIMIT, rounded up",
		      "use_percent" },
};

/* What a line of totals has, if it is wanted. */
struct totals {
	uint64_t usage;		/* both in pages */
	uint64_t limit;
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

/* A kernel may lack an attribute: its cell stays empty. What else it is, is not said. */
static int missing(void)
{
	return errno == ENOENT ? STATUS_OK : STATUS_REFUSED;
}

static int fill_usage(struct table *table, size_t shown, const struct ctn *ctn,
		      const struct ctn_stats *stats)
{
	uint64_t pages;

	if (read_usage(ctn, stats, &pages))
		return missing();
	table_pages(table, shown, pages);
	return STATUS_OK;
}

/*
 * More than 100 if, and only if, it is over its limit, as it is rounded up. No limit
 * has no hundredths, and a limit of 0 counts as a page.
 */
static void fill_percent(struct table *table, size_t shown, uint64_t usage,
			 uint64_t limit)
{
	unsigned __int128 hundredths = (unsigned __int128)usage * 100;

	if (limit == CTN_MAX)
		return;
	limit += !limit;
	hundredths = (hundredths + limit - 1) / limit;
	table_number(table, shown, hundredths < CTN_MAX ? (uint64_t)hundredths :
		     CTN_MAX - 1);
}

static uint64_t add(uint64_t a, uint64_t b)
{
	return a > CTN_MAX - b ? CTN_MAX : a + b;
}

static int fill_use(struct table *table, size_t shown, const struct ctn *ctn,
		    const struct ctn_stats *stats, struct totals *totals)
{
	uint64_t usage, limit;

	if (read_usage(ctn, stats, &usage) ||
	    read_number(ctn, stats, "page_limit", &limit))
		return missing();
	fill_percent(table, shown, usage, limit);
	totals->usage = add(totals->usage, usage);
	totals->limit = add(totals->limit, limit);
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
		     const struct ctn_stats *stats, const struct column *column)
{
	uint64_t number;

	if (column->cell == CELL_TEXT)
		return fill_text(table, shown, ctn, column->alias);
	if (read_number(ctn, stats, column->alias, &number))
		return missing();
	if (column->cell == CELL_SIZE)
		table_pages(table, shown, number);
	else
		table_number(table, shown, number);
	return STATUS_OK;
}

static int fill_line(struct table *table, const struct ctn *ctn,
		     struct totals *totals)
{
	/* without it, or what it lacks, there are the files */
	struct ctn_stats *stats = ctn_stats_read(ctn);
	int status = STATUS_OK;

	table_line(table);
	for (size_t i = 0; i < table->nshown; i++) {
		size_t col = table->shown[i];
		int ret = STATUS_OK;

		if (col == COL_NAME)
			table_text(table, i, ctn_name(ctn));
		else if (col == COL_USAGE)
			ret = fill_usage(table, i, ctn, stats);
		else if (col == COL_USE)
			ret = fill_use(table, i, ctn, stats, totals);
		else
			ret = fill_attr(table, i, ctn, stats, &table->columns[col]);
		/* of a container one line is enough */
		if (ret && !status)
			status = refused();
	}
	ctn_stats_free(stats);
	return status;
}

/* @named: the user asked for this one, so it matters that it is not there. */
static int list_one(struct table *table, const struct ctn_tree *tree,
		    const char *name, int named, struct totals *totals)
{
	struct ctn *ctn = ctn_open(tree, name);
	struct totals before = *totals;
	int status;

	if (!ctn)
		return named || errno != ENOENT ? refused() : STATUS_OK;
	status = fill_line(table, ctn, totals);
	/* It may have gone while its line was filled. */
	if (ctn_exists(ctn)) {
		table_drop_line(table);
		*totals = before;
		if (named)
			status = refused();
	}
	ctn_close(ctn);
	return status;
}

/* Sums of what can be added up; limits only if all have one. */
static void list_total(struct table *table, const struct totals *totals)
{
	table_total_line(table);
	for (size_t i = 0; i < table->nshown; i++) {
		size_t col = table->shown[i];
		const char *file = table->columns[col].alias;
		uint64_t sum;

		/* in JSON it is not among the containers */
		if (col == COL_NAME && !table->look->json)
			table_text(table, i, "total");
		else if (col == COL_USE)
			fill_percent(table, i, totals->usage, totals->limit);
		else if (col == COL_NAME || !strcmp(file, "id") ||
			 !table_sum(table, i, &sum))
			continue;
		else if (table->columns[col].cell == CELL_SIZE)
			table_pages(table, i, sum);
		else
			table_number(table, i, sum);
	}
}

static noreturn void print_list_help(const struct command *cmd,
				     const struct column *columns, size_t count)
{
	fputs(cmd->help, stdout);
	print_columns(columns, count);
	printf("\nUsual are %s.\n", usual);
	finish(STATUS_OK);
}

enum { OPT_TOTAL = 0x100 };

static int run_list(const struct command *cmd, int argc, char **argv)
{
	static const struct option options[] = {
		LOOK_OPTIONS,
		{ "help", no_argument, NULL, 'h' },
		{ "total", no_argument, NULL, OPT_TOTAL },
		{ 0 }
	};
	struct look look = { 0 };
	struct totals totals = { 0 };
	struct column *columns;
	struct ctn_tree *tree;
	struct table table;
	int opt, status = STATUS_OK;
	char **names = NULL;
	size_t count;

	columns = all_columns(&count);
	while ((opt = next_option(argc, argv, LOOK_SHORT "hs:", options)) != -1) {
		if (opt == 'h')
			print_list_help(cmd, columns, count);
		if (opt == 's')
			opt = OPT_SORT;
		if (opt == OPT_TOTAL)
			look.total = 1;
		else if (!look_option(cmd, &look, opt, optarg))
			try_help(cmd);
	}

	table_init(&table, cmd, "containers", &look, columns, count, usual);
	tree = open_tree();
	take_names(tree, argv + optind);
	if (optind == argc) {
		names = ctn_tree_names(tree);
		if (!names)
			exit(refused());
	}
	for (size_t i = 0; names && names[i]; i++)
		status |= list_one(&table, tree, names[i], 0, &totals);
	for (; optind < argc; optind++)
		status |= list_one(&table, tree, argv[optind], 1, &totals);
	if (names && !names[0] && isatty(STDOUT_FILENO))
		complain("there are no containers");
	if (look.total)
		list_total(&table, &totals);
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
	SORT_HELP("-s, ")
	"     --total           print a line with the sums at the end\n"
	" -h, --help            print this help\n"
	"\nColumns, also taken by the names of their files:\n",
	.run = run_list,
};

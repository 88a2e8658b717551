// SPDX-License-Identifier: GPL-2.0-only
/*
 * ctnctl beancounters: what containers hold of each resource, and their barriers and
 * limits.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "failed.h"
#include "resource.h"
#include "table.h"

enum { NAME, RESOURCE, HELD, MAXHELD, MINHELD, BARRIER, LIMIT, FAILCNT, UNIT };

static const struct column columns[] = {
	[NAME] = { "NAME", CELL_TEXT, "name of the container", "name" },
	[RESOURCE] = { "RESOURCE", CELL_TEXT, "what is counted", "resource" },
	[HELD] = { "HELD", CELL_NUMBER, "in use now", "held" },
	[MAXHELD] = { "MAXHELD", CELL_NUMBER, "the most since the container was made, or a reset",
		      "maxheld" },
	[MINHELD] = { "MINHELD", CELL_NUMBER, "the least since then", "minheld" },
	[BARRIER] = { "BARRIER", CELL_NUMBER, "what should be held at most", "barrier" },
	[LIMIT] = { "LIMIT", CELL_NUMBER, "what can be held at most", "limit" },
	[FAILCNT] = { "FAILCNT", CELL_NUMBER, "how often a charge found no room and failed",
		      "failcnt" },
	[UNIT] = { "UNIT", CELL_TEXT, "what the numbers are: tasks, pages or bytes", "unit" },
};

static const char usual[] = "NAME,RESOURCE,HELD,MAXHELD,BARRIER,LIMIT,FAILCNT";

/* A kernel that is newer than this may count what has no unit here. */
static const char *unit_of(const struct ctn_resource *known, int in_bytes)
{
	if (!known)
		return NULL;
	if (known->unit == CTN_UNIT_PAGES)
		return in_bytes ? "bytes" : "pages";
	return known->unit == CTN_UNIT_BYTES ? "bytes" :
	       !strcmp(known->name, "numproc") ? "tasks" : "number";
}

/* JSON has pages as they are, and in bytes beside. */
static void fill_number(struct table *table, size_t shown, const struct ctn_resource *known,
			uint64_t number)
{
	int is_pages = known && known->unit == CTN_UNIT_PAGES;

	if (is_pages && table->look->json)
		table_pages(table, shown, number);
	else if (is_pages && table->look->bytes && number != CTN_MAX)
		table_number(table, shown, pages_to_bytes(number));
	else
		table_number(table, shown, number);
}

static void fill_row(struct table *table, const char *name, const struct resource_row *row)
{
	const uint64_t numbers[] = {
		[HELD] = row->held, [MAXHELD] = row->maxheld, [MINHELD] = row->minheld,
		[BARRIER] = row->bounds.barrier, [LIMIT] = row->bounds.limit,
	};

	const struct ctn_resource *known = ctn_resource_find(row->name);
	int in_bytes = table->look->bytes && !table->look->json;
	const char *unit = unit_of(known, in_bytes);

	table_line(table);
	for (size_t i = 0; i < table->nshown; i++) {
		switch (table->shown[i]) {
		case NAME:
			table_text(table, i, name);
			break;
		case RESOURCE:
			table_text(table, i, row->name);
			break;
		case UNIT:
			if (unit)
				table_text(table, i, unit);
			break;
		case FAILCNT:
			table_number(table, i, row->failcnt);
			break;
		default:
			fill_number(table, i, known, numbers[table->shown[i]]);
		}
	}
}

/*
 * @failed: only what has failed since it was written, unless it is NULL. @asked: it was
 * named; one that was not can have gone meanwhile, and then there is nothing to print.
 */
static int fill(struct table *table, const struct ctn_tree *tree, const char *name,
		struct failed *failed, int asked)
{
	struct ctn *ctn = ctn_open(tree, name);
	struct resource_row *rows = NULL;
	ssize_t count = ctn ? resource_rows(&(struct holder){ ctn, tree }, &rows) : -1;

	if (count < 0) {
		int gone = !asked && errno == ENOENT && (!ctn || ctn_exists(ctn));
		int status = gone ? STATUS_OK : refused();

		ctn_close(ctn);
		return status;
	}
	for (ssize_t n = 0; n < count; n++)
		if (!failed || failed_has_grown(failed, ctn, rows[n].name, rows[n].failcnt))
			fill_row(table, ctn_name(ctn), &rows[n]);
	resource_rows_free(rows, count);
	ctn_close(ctn);
	return STATUS_OK;
}

static noreturn void print_beancounters_help(const struct command *cmd)
{
	fputs(cmd->help, stdout);
	print_columns(columns, ARRAY_SIZE(columns));
	printf("\nUsual are %s.\n", usual);
	finish(STATUS_OK);
}

static int run_beancounters(const struct command *cmd, int argc, char **argv)
{
	static const struct option options[] = {
		LOOK_OPTIONS,
		{ "failed", no_argument, NULL, 'f' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 }
	};
	struct look look = { 0 };
	int opt, all, only_failed = 0, status = STATUS_OK;
	struct failed *failed = NULL;
	struct ctn_tree *tree;
	struct table table;
	char **names = NULL;

	while ((opt = next_option(argc, argv, LOOK_SHORT "fhs:", options)) != -1) {
		if (opt == 'h')
			print_beancounters_help(cmd);
		if (opt == 's')
			opt = OPT_SORT;
		if (opt == 'f')
			only_failed = 1;
		else if (!look_option(cmd, &look, opt, optarg))
			try_help(cmd);
	}

	table_init(&table, cmd, "beancounters", &look, columns, ARRAY_SIZE(columns), usual);
	tree = open_tree();
	take_names(tree, argv + optind);
	if (only_failed)
		failed = failed_open("beancounters");
	all = optind == argc;
	if (all) {
		names = ctn_tree_names(tree);
		if (!names)
			exit(refused());
	}
	for (size_t i = 0; names && names[i]; i++)
		status |= fill(&table, tree, names[i], failed, 0);
	for (; optind < argc; optind++)
		status |= fill(&table, tree, argv[optind], failed, 1);
	table_print(&table);
	/*
	 * What could not be shown was not seen. A container that could not be read is not
	 * seen either, and is not to be taken for one that has gone.
	 */
	if (failed && !fflush(stdout) && !ferror(stdout))
		status |= failed_keep(failed, all && !status);
	failed_close(failed);
	ctn_names_free(names);
	ctn_tree_close(tree);
	return status;
}

const struct command beancounters_command = {
	.name = "beancounters",
	.summary = "print barriers, limits and what is held",
	.help =
	"Usage: ctnctl beancounters [OPTION...] [NAME...]\n\n"
	"Print what each container, or each NAME, holds of each resource that the\n"
	"kernel counts, with its barrier and limit: in tasks, pages or bytes, as the\n"
	"file has them; with --bytes there are no pages. They are set with ctnctl set\n"
	"NAME RESOURCE=BARRIER:LIMIT.\n\n"
	"Options:\n"
	LOOK_HELP
	SORT_HELP("-s, ")
	" -f, --failed          print only those of which a charge has failed since the\n"
	"                       last call with this option\n"
	" -h, --help            print this help\n"
	"\nColumns, also taken in small letters:\n",
	.run = run_beancounters,
};

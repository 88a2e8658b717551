/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tables for people and for programs, through libsmartcols: columns that are
 * chosen by name, cells of numbers, sizes and text.
 */
#ifndef CTNCTL_TABLE_H
#define CTNCTL_TABLE_H

#include <libsmartcols.h>
#include <stdint.h>

#include "common.h"

enum cell {
	CELL_TEXT,	/* a string */
	CELL_NUMBER,	/* a number */
	CELL_SIZE,	/* a number of bytes */
	CELL_PERCENT,	/* a number of hundredths */
	CELL_LINES,	/* text that can have several lines */
};

struct column {
	const char *name;
	enum cell cell;
	const char *help;
	/*
	 * Another name that -o takes, or NULL. If it is in small letters, as the name
	 * of a file is, JSON has it; if not, the column's own name.
	 */
	const char *alias;
};

/* How the options say that a table is to look. */
struct look {
	const char *columns;	/* of -o, or NULL */
	const char *sort;	/* of --sort, or NULL */
	int json;
	int bytes;
	int raw;
	int noheadings;
	int total;		/* there will be a line that is not sorted */
};

/* Apart from the letters, and from the options that set limits. */
enum {
	OPT_SORT = 0x200,
};

#define LOOK_SHORT "bJno:r"

#define LOOK_OPTIONS							\
	{ "bytes", no_argument, NULL, 'b' },				\
	{ "json", no_argument, NULL, 'J' },				\
	{ "noheadings", no_argument, NULL, 'n' },			\
	{ "output", required_argument, NULL, 'o' },			\
	{ "raw", no_argument, NULL, 'r' },				\
	{ "sort", required_argument, NULL, OPT_SORT }

#define LOOK_HELP							\
	" -b, --bytes           print sizes in bytes\n"			\
	" -J, --json            print JSON, whose keys are names of files\n"	\
	" -n, --noheadings      print no headings\n"			\
	" -o, --output COLUMNS  print these columns, separated by commas, or all;\n"	\
	"                       +COLUMNS adds to the usual ones\n"	\
	" -r, --raw             print one space between columns, escape others,\n"	\
	"                       and \"-\" for what is not there\n"

/* The same rule wherever something is sorted. A line begins with @indent. */
#define SORT_RULE(indent)						\
	indent "numbers from the largest, text from its\n"	\
	indent "beginning; with + before the name the smallest\n"	\
	indent "first, with - the largest\n"

/* A command that has no other -s puts the letter before it. */
#define SORT_HELP(letter)						\
	" " letter "--sort COLUMNS    sort by these, separated by commas, shown or not:\n"	\
	SORT_RULE("                       ")

/* Take an option of LOOK_OPTIONS. Returns 0 if it is none of them. */
int look_option(const struct command *cmd, struct look *look, int opt,
		const char *value);

/*
 * Whether the largest of a column comes first, with '+', '-' or another character before
 * its name.
 */
int sorts_descending(const struct column *column, char sign);

struct sort_key;

struct table {
	const struct look *look;
	const struct column *columns;	/* all that there are */
	size_t count;
	size_t *shown;			/* indices into columns */
	size_t nshown;			/* those that are only sorted by included */
	size_t nvisible;		/* the first so many are printed */
	struct sort_key *keys;
	size_t nkeys;
	const char *title;
	struct libscols_table *scols;
	struct libscols_line *line;	/* the last */
	int tree;			/* whether lines are below others */
	struct json_object *total;	/* the line of totals in JSON */
	/* What JSON is instead of lines and columns, if it is not NULL. */
	struct json_object *object;
};

/*
 * Make a table. @title names the array in JSON; @usual lists the columns
 * that are shown without -o. A column that is not there is wrong usage.
 */
void table_init(struct table *table, const struct command *cmd,
		const char *title, const struct look *look,
		const struct column *columns, size_t count, const char *usual);

void table_line(struct table *table);

/*
 * Make it a tree, drawn in the column @column if that is shown. Its lines are made by
 * table_line_below(): @above is the line that is above it, or NULL. JSON has no tree.
 */
void table_be_tree(struct table *table, size_t column);
void table_line_below(struct table *table, struct libscols_line *above);

/* Take back the last line. */
void table_drop_line(struct table *table);

/*
 * Sort what there is, and add a line below it for the totals, an object of its own in
 * JSON. look->total has to be set.
 */
void table_total_line(struct table *table);

/*
 * Fill cell @shown (counted in the columns that are shown) of the last line.
 * A cell that is never filled is empty, and has no key in JSON.
 */
void table_text(struct table *table, size_t shown, const char *text);
/* In the columns of numbers and pages CTN_MAX is "max". */
void table_number(struct table *table, size_t shown, uint64_t number);
void table_size(struct table *table, size_t shown, uint64_t bytes);
/* JSON has them as pages, and as bytes. */
void table_pages(struct table *table, size_t shown, uint64_t pages);

/* The sum of a column, in what it was filled with. Returns 0 if nothing is in it. */
int table_sum(const struct table *table, size_t shown, uint64_t *sum);

/* Print and free. */
void table_print(struct table *table);

/* For the help: a line for each column. */
void print_columns(const struct column *columns, size_t count);

#endif /* CTNCTL_TABLE_H */

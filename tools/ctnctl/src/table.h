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
	CELL_JSON,	/* a number or a string: see table_json() */
};

struct column {
	const char *name;
	enum cell cell;
	const char *help;
	const char *alias;	/* another name that -o takes, or NULL */
};

/* How the options say that a table is to look. */
struct look {
	const char *columns;	/* of -o, or NULL */
	int json;
	int bytes;
	int raw;
	int noheadings;
};

#define LOOK_SHORT "bJno:r"

#define LOOK_OPTIONS							\
	{ "bytes", no_argument, NULL, 'b' },				\
	{ "json", no_argument, NULL, 'J' },				\
	{ "noheadings", no_argument, NULL, 'n' },			\
	{ "output", required_argument, NULL, 'o' },			\
	{ "raw", no_argument, NULL, 'r' }

#define LOOK_HELP							\
	" -b, --bytes           print sizes in bytes\n"			\
	" -J, --json            print JSON; sizes are in bytes then\n"	\
	" -n, --noheadings      print no headings\n"			\
	" -o, --output COLUMNS  print these columns, separated by commas;\n"	\
	"                       +COLUMNS adds to the usual ones\n"	\
	" -r, --raw             print one space between columns, escape others,\n"	\
	"                       and \"-\" for what is not there\n"

/* Take an option of LOOK_OPTIONS. Returns 0 if it is none of them. */
int look_option(const struct command *cmd, struct look *look, int opt,
		const char *value);

struct table {
	const struct look *look;
	const struct column *columns;	/* all that there are */
	size_t count;
	size_t *shown;			/* indices into columns */
	size_t nshown;
	struct libscols_table *scols;
	struct libscols_line *line;	/* the last */
};

/*
 * Make a table. @title names the array in JSON; @usual lists the columns
 * that are shown without -o. A column that is not there is wrong usage.
 */
void table_init(struct table *table, const struct command *cmd,
		const char *title, const struct look *look,
		const struct column *columns, size_t count, const char *usual);

void table_line(struct table *table);

/* Take back the last line. */
void table_drop_line(struct table *table);

/*
 * Fill cell @shown (counted in the columns that are shown) of the last line.
 * A cell that is never filled is empty, and null in JSON.
 */
void table_text(struct table *table, size_t shown, const char *text);
void table_number(struct table *table, size_t shown, uint64_t number);
void table_size(struct table *table, size_t shown, uint64_t bytes);
/* No limit: "max" for people, null in JSON. */
void table_max(struct table *table, size_t shown);
/* A string in a column that also has numbers. */
void table_json(struct table *table, size_t shown, const char *text);

/* Print and free. */
void table_print(struct table *table);

/* For the help: a line for each column. */
void print_columns(const struct column *columns, size_t count);

#endif /* CTNCTL_TABLE_H */

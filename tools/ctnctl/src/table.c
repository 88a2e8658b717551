// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tables through libsmartcols. What is in them is for list.c and show.c.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "table.h"

int look_option(const struct command *cmd, struct look *look, int opt,
		const char *value)
{
	switch (opt) {
	case 'b':
		look->bytes = 1;
		break;
	case 'J':
		look->json = 1;
		break;
	case 'n':
		look->noheadings = 1;
		break;
	case 'o':
		look->columns = value;
		break;
	case 'r':
		look->raw = 1;
		break;
	default:
		return 0;
	}
	if (look->json && look->raw)
		wrong_usage(cmd, "--json and --raw exclude each other");
	return 1;
}

static int is_named(const char *name, const char *given, size_t len)
{
	return name && strlen(name) == len && !strncasecmp(name, given, len);
}

/* A column is shown once: JSON has no use for the same key twice. */
static void show_column(struct table *table, size_t column)
{
	for (size_t i = 0; i < table->nshown; i++)
		if (table->shown[i] == column)
			return;
	table->shown = xrealloc(table->shown, table->nshown + 1,
				sizeof(*table->shown));
	table->shown[table->nshown++] = column;
}

static void choose(struct table *table, const struct command *cmd,
		   const char *names)
{
	size_t len;

	for (;; names += len + 1) {
		size_t i = 0;

		len = strcspn(names, ",");
		while (i < table->count &&
		       !is_named(table->columns[i].name, names, len) &&
		       !is_named(table->columns[i].alias, names, len))
			i++;
		if (i == table->count)
			wrong_usage(cmd, "unknown column: \"%.*s\"", (int)len,
				    names);
		show_column(table, i);
		if (!names[len])
			return;
	}
}

static int json_type(enum cell cell)
{
	return cell == CELL_TEXT ? SCOLS_JSON_STRING : SCOLS_JSON_NUMBER;
}

static noreturn void no_memory(void)
{
	die("%s", strerror(ENOMEM));
}

void table_init(struct table *table, const struct command *cmd,
		const char *title, const struct look *look,
		const struct column *columns, size_t count, const char *usual)
{
	const char *chosen = look->columns;

	*table = (struct table){
		.look = look, .columns = columns, .count = count,
	};
	if (!chosen || *chosen == '+')
		choose(table, cmd, usual);
	if (chosen)
		choose(table, cmd, chosen + (*chosen == '+'));

	scols_init_debug(0);
	table->scols = scols_new_table();
	if (!table->scols || scols_table_set_name(table->scols, title) ||
	    scols_table_enable_json(table->scols, look->json) ||
	    scols_table_enable_raw(table->scols, look->raw) ||
	    scols_table_enable_noheadings(table->scols, look->noheadings))
		no_memory();
	for (size_t i = 0; i < table->nshown; i++) {
		const struct column *column = &columns[table->shown[i]];
		int right = column->cell == CELL_NUMBER ||
			    column->cell == CELL_SIZE;
		int lines = column->cell == CELL_JSON;
		struct libscols_column *cl;

		cl = scols_table_new_column(table->scols, column->name, 0,
					    right ? SCOLS_FL_RIGHT :
					    lines ? SCOLS_FL_WRAP : 0);
		if (!cl || scols_column_set_json_type(cl,
						      json_type(column->cell)))
			no_memory();
		/* A value of several lines is printed as such. */
		if (lines && !look->raw &&
		    (scols_column_set_safechars(cl, "\n") ||
		     scols_column_set_wrapfunc(cl, scols_wrapnl_chunksize,
					       scols_wrapnl_nextchunk, NULL)))
			no_memory();
	}
}

void table_line(struct table *table)
{
	table->line = scols_table_new_line(table->scols, NULL);
	if (!table->line)
		no_memory();
}

void table_drop_line(struct table *table)
{
	scols_table_remove_line(table->scols, table->line);
	table->line = NULL;
}

void table_text(struct table *table, size_t shown, const char *text)
{
	char *copy = table->look->json ? to_utf8(text) : NULL;

	if (scols_line_set_data(table->line, shown, copy ? copy : text))
		no_memory();
	free(copy);
}

void table_number(struct table *table, size_t shown, uint64_t number)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRIu64, number);
	table_text(table, shown, text);
}

void table_size(struct table *table, size_t shown, uint64_t bytes)
{
	if (table->look->bytes || table->look->json)
		table_number(table, shown, bytes);
	else
		table_text(table, shown, size_of_bytes(bytes).text);
}

void table_max(struct table *table, size_t shown)
{
	if (!table->look->json)
		table_text(table, shown, "max");
}

/*
 * A column has one type in libsmartcols, and what is in a column of numbers
 * is printed as it is: a string brings its own quotes.
 */
void table_json(struct table *table, size_t shown, const char *text)
{
	char *quoted;

	if (!table->look->json) {
		table_text(table, shown, text);
		return;
	}
	quoted = json_string(text);
	table_text(table, shown, quoted);
	free(quoted);
}

/* Where a space is all that is between two cells, none can be empty. */
static void fill_empty_cells(struct table *table)
{
	size_t lines = scols_table_get_nlines(table->scols);

	for (size_t n = 0; n < lines; n++) {
		table->line = scols_table_get_line(table->scols, n);
		for (size_t i = 0; i < table->nshown; i++) {
			const char *text = scols_cell_get_data(
				scols_line_get_cell(table->line, i));

			if (!text || !*text)
				table_text(table, i, "-");
		}
	}
}

void table_print(struct table *table)
{
	if (table->look->raw)
		fill_empty_cells(table);
	if (scols_print_table(table->scols))
		no_memory();
	scols_unref_table(table->scols);
	free(table->shown);
}

void print_columns(const struct column *columns, size_t count)
{
	for (size_t i = 0; i < count; i++)
		printf("  %-10s  %s\n", columns[i].name, columns[i].help);
}

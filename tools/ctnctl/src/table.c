// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tables through libsmartcols. What is in them is for list.c and show.c.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "table.h"

struct sort_key {
	size_t shown;
	int descending;
};

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
	case OPT_SORT:
		look->sort = value;
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
	char *copy = xasprintf("%.*s", (int)len, given);
	int same = name && same_word(name, copy);

	free(copy);
	return same;
}

/* A column is shown once: JSON has no use for the same key twice. Returns where. */
static size_t show_column(struct table *table, size_t column)
{
	for (size_t i = 0; i < table->nshown; i++)
		if (table->shown[i] == column)
			return i;
	table->shown = xrealloc(table->shown, table->nshown + 1,
				sizeof(*table->shown));
	table->shown[table->nshown] = column;
	return table->nshown++;
}

/* The column of this name; how many there are if there is none. */
static size_t find_column(const struct table *table, const char *name, size_t len)
{
	size_t i = 0;

	while (i < table->count &&
	       !is_named(table->columns[i].name, name, len) &&
	       !is_named(table->columns[i].alias, name, len))
		i++;
	return i;
}

static noreturn void unknown_column(const struct command *cmd, const char *name,
				    size_t len)
{
	wrong_usage(cmd, "unknown column: \"%.*s\"", (int)len, name);
}

static void choose(struct table *table, const struct command *cmd,
		   const char *names)
{
	size_t len;

	for (;; names += len + 1) {
		size_t i;

		len = strcspn(names, ",");
		i = find_column(table, names, len);
		if (i < table->count)
			show_column(table, i);
		else if (is_named("all", names, len))
			for (i = 0; i < table->count; i++)
				show_column(table, i);
		else
			unknown_column(cmd, names, len);
		if (!names[len])
			return;
	}
}

static int is_text(const struct column *column)
{
	return column->cell == CELL_TEXT || column->cell == CELL_LINES;
}

int sorts_descending(const struct column *column, char sign)
{
	return sign == '-' || (sign != '+' && !is_text(column));
}

/* Those that are not printed come after those that are. */
static void choose_keys(struct table *table, const struct command *cmd,
			const char *names)
{
	size_t len;

	for (;; names += len + 1) {
		char sign = *names;
		size_t i;

		names += sign == '-' || sign == '+';
		len = strcspn(names, ",");
		i = find_column(table, names, len);
		if (i == table->count)
			unknown_column(cmd, names, len);
		table->keys = xrealloc(table->keys, table->nkeys + 1,
				       sizeof(*table->keys));
		table->keys[table->nkeys++] = (struct sort_key){
			.shown = show_column(table, i),
			.descending = sorts_descending(&table->columns[i], sign),
		};
		if (!names[len])
			return;
	}
}

static noreturn void no_memory(void)
{
	die("%s", strerror(ENOMEM));
}

/* What is not there comes last, from whichever end they are counted. */
static int compare(struct libscols_cell *a, struct libscols_cell *b, void *data)
{
	const struct sort_key *key = data;
	const uint64_t *number_a = scols_cell_get_userdata(a);
	const uint64_t *number_b = scols_cell_get_userdata(b);
	const char *text_a = scols_cell_get_data(a);
	const char *text_b = scols_cell_get_data(b);
	int order;

	if (!text_a || !text_b)
		return !text_a - !text_b;
	if (number_a && number_b)
		order = (*number_a > *number_b) - (*number_a < *number_b);
	else
		order = strverscmp(text_a, text_b);
	return key->descending ? -order : order;
}

static void add_column(struct table *table, size_t shown)
{
	const struct column *column = &table->columns[table->shown[shown]];
	int flags = is_text(column) ? 0 : SCOLS_FL_RIGHT;
	struct libscols_column *cl;

	if (shown >= table->nvisible)
		flags |= SCOLS_FL_HIDDEN;
	cl = scols_table_new_column(table->scols, column->name, 0, flags);
	if (!cl)
		no_memory();
	/*
	 * A long line in one value and many lines in another: spaces up to its end in each of
	 * them would be more than anybody can read.
	 */
	if (column->cell == CELL_LINES && scols_table_enable_minout(table->scols, 1))
		no_memory();
	/* What is to be escaped is, but in raw lines, where all is that is not ASCII. */
	if (scols_column_set_safechars(cl, column->cell == CELL_LINES ? "\n\\" : "\\"))
		no_memory();
}

void table_init(struct table *table, const struct command *cmd,
		const char *title, const struct look *look,
		const struct column *columns, size_t count, const char *usual)
{
	const char *chosen = look->columns;

	*table = (struct table){
		.look = look, .columns = columns, .count = count,
		.title = title,
	};
	if (!chosen || *chosen == '+')
		choose(table, cmd, usual);
	if (chosen)
		choose(table, cmd, chosen + (*chosen == '+'));
	table->nvisible = table->nshown;
	if (look->sort)
		choose_keys(table, cmd, look->sort);

	scols_init_debug(0);
	table->scols = scols_new_table();
	if (!table->scols ||
	    scols_table_enable_raw(table->scols, look->raw) ||
	    scols_table_enable_noheadings(table->scols, look->noheadings))
		no_memory();
	for (size_t i = 0; i < table->nshown; i++)
		add_column(table, i);
}

static void new_line(struct table *table, struct libscols_line *above)
{
	table->line = scols_table_new_line(table->scols, above);
	if (!table->line ||
	    (table->look->json &&
	     scols_line_set_userdata(table->line, json_new())))
		no_memory();
}

void table_line(struct table *table)
{
	new_line(table, NULL);
}

void table_be_tree(struct table *table, size_t column)
{
	table->tree = 1;
	/* there it is not drawn */
	if (table->look->raw || table->look->json)
		return;
	for (size_t i = 0; i < table->nvisible; i++) {
		struct libscols_column *cl;

		if (table->shown[i] != column)
			continue;
		cl = scols_table_get_column(table->scols, i);
		if (scols_column_set_flags(cl, scols_column_get_flags(cl) |
					   SCOLS_FL_TREE))
			no_memory();
	}
}

void table_line_below(struct table *table, struct libscols_line *above)
{
	new_line(table, table->look->raw || table->look->json ? NULL : above);
}

static void free_numbers(struct table *table, struct libscols_line *line)
{
	for (size_t i = 0; i < table->nshown; i++)
		free(scols_cell_get_userdata(scols_line_get_cell(line, i)));
}

void table_drop_line(struct table *table)
{
	free_numbers(table, table->line);
	json_object_put(scols_line_get_userdata(table->line));
	scols_table_remove_line(table->scols, table->line);
	table->line = NULL;
}

static void set_text(struct table *table, size_t shown, const char *text)
{
	if (scols_line_set_data(table->line, shown, text))
		no_memory();
}

/* What sorting and adding up go by. */
static void set_number(struct table *table, size_t shown, uint64_t number)
{
	struct libscols_cell *cell = scols_line_get_cell(table->line, shown);
	uint64_t *copy;

	if (!table->look->sort && !table->look->total)
		return;
	copy = xrealloc(NULL, 1, sizeof(*copy));
	*copy = number;
	scols_cell_set_userdata(cell, copy);
}

/* The object that a cell goes into, and the key that it has there; NULL for none. */
static struct json_object *object_of(const struct table *table, size_t shown,
				     char key[static 64])
{
	const struct column *column = &table->columns[table->shown[shown]];
	const char *name = column->alias && islower((unsigned char)*column->alias) ?
			   column->alias : column->name;

	if (!table->look->json || shown >= table->nvisible)
		return NULL;
	snprintf(key, 64, "%s", name);
	for (char *c = key; *c; c++)
		*c = (char)(*c == '-' ? '_' : small_letter(*c));
	return scols_line_get_userdata(table->line);
}

void table_text(struct table *table, size_t shown, const char *text)
{
	char key[64];
	struct json_object *object = object_of(table, shown, key);
	char *line;

	if (table->look->raw) {
		set_text(table, shown, text);
	} else {
		line = printable_but(text, table->columns[table->shown[shown]].cell ==
				     CELL_LINES ? " \n" : " ");
		set_text(table, shown, line);
		free(line);
	}
	if (object)
		json_put_text(object, key, text);
}

static void print_number(struct table *table, size_t shown, uint64_t number)
{
	size_t column = table->shown[shown];
	char text[32];

	snprintf(text, sizeof(text), "%" PRIu64 "%s", number,
		 table->columns[column].cell == CELL_PERCENT ? "%" : "");
	set_text(table, shown, number == CTN_MAX ? "max" : text);
}

void table_number(struct table *table, size_t shown, uint64_t number)
{
	char key[64];
	struct json_object *object = object_of(table, shown, key);

	print_number(table, shown, number);
	set_number(table, shown, number);
	if (object)
		json_put_number(object, key, number);
}

static void print_size(struct table *table, size_t shown, uint64_t bytes)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRIu64, bytes);
	set_text(table, shown, table->look->bytes ? text :
		 size_of_bytes(bytes).text);
}

void table_size(struct table *table, size_t shown, uint64_t bytes)
{
	char key[64];
	struct json_object *object = object_of(table, shown, key);
	char *long_key;

	print_size(table, shown, bytes);
	set_number(table, shown, bytes);
	if (!object)
		return;
	long_key = xasprintf("%s_bytes", key);
	json_put_number(object, long_key, bytes);
	free(long_key);
}

void table_pages(struct table *table, size_t shown, uint64_t pages)
{
	char key[64];
	struct json_object *object = object_of(table, shown, key);

	if (pages == CTN_MAX)
		print_number(table, shown, pages);
	else
		print_size(table, shown, pages_to_bytes(pages));
	set_number(table, shown, pages);
	if (object)
		json_put_pages(object, key, pages);
}

/* The lines in the order that they are in; lines are numbered as they were made. */
static struct libscols_iter *begin(void)
{
	struct libscols_iter *iter = scols_new_iter(SCOLS_ITER_FORWARD);

	if (!iter)
		no_memory();
	return iter;
}

static struct libscols_line *next(const struct table *table,
				  struct libscols_iter *iter)
{
	struct libscols_line *line;

	if (!scols_table_next_line(table->scols, iter, &line))
		return line;
	scols_free_iter(iter);
	return NULL;
}

static void sort(struct table *table)
{
	/* It keeps the order of what is equal: the first key comes last. */
	while (table->nkeys) {
		struct sort_key *key = &table->keys[--table->nkeys];
		struct libscols_column *cl =
			scols_table_get_column(table->scols, key->shown);

		if (scols_column_set_cmpfunc(cl, compare, key) ||
		    scols_sort_table(table->scols, cl))
			no_memory();
	}
}

void table_total_line(struct table *table)
{
	sort(table);
	new_line(table, NULL);
	table->total = scols_line_get_userdata(table->line);
}

int table_sum(const struct table *table, size_t shown, uint64_t *sum)
{
	struct libscols_iter *iter = begin();
	struct libscols_line *line;
	int any = 0;

	*sum = 0;
	while ((line = next(table, iter))) {
		const uint64_t *number = scols_cell_get_userdata(
			scols_line_get_cell(line, shown));

		if (!number)
			continue;
		any = 1;
		if (__builtin_add_overflow(*sum, *number, sum))
			*sum = CTN_MAX;
	}
	return any;
}

/* Where a space is all that is between two cells, none can be empty. */
static void fill_empty_cells(struct table *table)
{
	struct libscols_iter *iter = begin();

	while ((table->line = next(table, iter))) {
		for (size_t i = 0; i < table->nvisible; i++) {
			const char *text = scols_cell_get_data(
				scols_line_get_cell(table->line, i));

			if (!text || !*text)
				set_text(table, i, "-");
		}
	}
}

/* A cell of several lines keeps the first, and the rest are put into lines below. */
static void split_cell(struct table *table, struct libscols_line *line, size_t shown)
{
	const char *data = scols_cell_get_data(scols_line_get_cell(line, shown));
	char *text, *rest, *part;

	if (!data || !strchr(data, '\n'))
		return;
	text = rest = xasprintf("%s", data);
	table->line = line;
	while ((part = strsep(&rest, "\n"))) {
		if (part != text)
			new_line(table, NULL);
		set_text(table, shown, part);
	}
	free(text);
}

/*
 * libsmartcols can print cells of several lines itself, but the time that it takes grows
 * with the square of their number, and a list can have thousands. There is one such
 * column at most.
 */
static void split_lines(struct table *table)
{
	size_t count = scols_table_get_nlines(table->scols), shown = 0;
	struct libscols_line **lines, *line;
	struct libscols_iter *iter;

	while (shown < table->nvisible &&
	       table->columns[table->shown[shown]].cell != CELL_LINES)
		shown++;
	if (shown == table->nvisible || !count)
		return;
	lines = xrealloc(NULL, count, sizeof(*lines));
	iter = begin();
	for (count = 0; (line = next(table, iter)); count++)
		lines[count] = line;
	for (size_t i = 0; i < count; i++) {
		/* it goes to the end, and what is below it comes after it */
		scols_ref_line(lines[i]);
		if (scols_table_remove_line(table->scols, lines[i]) ||
		    scols_table_add_line(table->scols, lines[i]))
			no_memory();
		scols_unref_line(lines[i]);
		split_cell(table, lines[i], shown);
	}
	free(lines);
}

static void print_json(const struct table *table)
{
	struct json_object *object = json_new();
	struct json_object *array = json_object_new_array();
	struct libscols_iter *iter = begin();
	struct libscols_line *line;

	json_put(object, table->title, array);
	while ((line = next(table, iter))) {
		struct json_object *part = scols_line_get_userdata(line);

		if (part != table->total && json_object_array_add(array, part))
			no_memory();
	}
	if (table->total)
		json_put(object, "total", table->total);
	json_print(object);
}

static int print_lines(struct table *table)
{
	if (!table->look->raw)
		split_lines(table);
	return scols_print_table(table->scols);
}

void table_print(struct table *table)
{
	struct libscols_iter *iter;
	struct libscols_line *line;

	sort(table);
	if (table->look->raw)
		fill_empty_cells(table);
	if (table->object)
		json_print(table->object);
	else if (table->look->json)
		print_json(table);
	else if (print_lines(table))
		no_memory();
	iter = begin();
	while ((line = next(table, iter)))
		free_numbers(table, line);
	scols_unref_table(table->scols);
	free(table->shown);
	free(table->keys);
}

void print_columns(const struct column *columns, size_t count)
{
	for (size_t i = 0; i < count; i++)
		printf("  %-13s  %s\n", columns[i].name, columns[i].help);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * ctnctl top: usage, limits and rates of the containers, over and over. Here they are
 * read, sorted and printed as plain lines; the screen is in screen.c.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "terminal.h"
#include "top.h"

/* All that is read of what is not seen takes this part of the time at most. */
#define SHARE_PERCENT 4

#define MOST_SECONDS 1000000

const struct column top_columns[TOP_COLUMNS] = {
	[TOP_NAME] = { "NAME", CELL_TEXT, "name of the container", NULL },
	[TOP_TASKS] = { "TASKS", CELL_NUMBER, "threads in it", "num_tasks" },
	[TOP_USAGE] = { "USAGE", CELL_SIZE, "anonymous memory and page cache",
			"usage" },
	[TOP_LIMIT] = { "LIMIT", CELL_SIZE, "memory it is trimmed to",
			"page_limit" },
	[TOP_USE] = { "USE%", CELL_PERCENT, "USAGE in hundredths of LIMIT",
		      "use_percent" },
	[TOP_HITS] = { "HITS", CELL_NUMBER, "times it went over page_limit",
		       "page_limit_hits" },
	[TOP_TRIM] = { "TRIM/s", CELL_SIZE,
		       "memory that kcontainerd freed, a second", "trimmed" },
	[TOP_REFAULT] = { "REFLT/s", CELL_SIZE,
			  "memory that came back after that, a second",
			  "refaulted" },
	[TOP_THROTTLED] = { "THROT%", CELL_PERCENT,
			    "time that its tasks waited for memory; 100% is one task",
			    "throttled" },
	[TOP_FAIL] = { "FAIL/s", CELL_NUMBER,
		       "charges that met rss_limit, a second", "failed" },
	[TOP_KILLS] = { "KILLS", CELL_NUMBER, "processes killed for rss_limit",
			"rss_oom_kills" },
	[TOP_RSS] = { "RSS", CELL_SIZE, "anonymous, shared and mapped memory",
		      "rss_usage" },
	[TOP_RSS_LIMIT] = { "RSS-LIMIT", CELL_SIZE,
			    "the most of that, but for mapped files",
			    "rss_limit" },
};

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

/* Values */

static int has(const struct counts *counts, unsigned int wanted)
{
	return (counts->there & wanted) == wanted;
}

static double usage(const struct row *row)
{
	return has(&row->now, COUNT(COUNT_ANON) | COUNT(COUNT_FILE)) ?
	       (double)row->now.value[COUNT_ANON] +
	       (double)row->now.value[COUNT_FILE] : NAN;
}

static double number(const struct row *row, enum count count)
{
	return !has(&row->now, COUNT(count)) ? NAN :
	       row->now.value[count] == CTN_MAX ? INFINITY :
	       (double)row->now.value[count];
}

/* Less than before is that of another container. */
static double growth(const struct row *row, enum count count)
{
	return row->time_before && has(&row->now, COUNT(count)) &&
	       has(&row->before, COUNT(count)) &&
	       row->now.value[count] >= row->before.value[count] ?
	       (double)(row->now.value[count] - row->before.value[count]) : NAN;
}

/* Of two, if the kernel has both. */
static double rate(const struct row *row, enum count one, enum count other)
{
	double grown = growth(row, one);

	if (other != one)
		grown += growth(row, other);
	return grown * 1e9 / (double)(row->time - row->time_before);
}

double top_use(const struct row *row)
{
	double limit = number(row, COUNT_LIMIT);

	if (isnan(usage(row)) || !isfinite(limit))
		return -1;
	return ceil(usage(row) * 100 / (limit < 1 ? 1 : limit));
}

/* In pages, hundredths, or just a number; NAN if it is not known. */
static double value(const struct row *row, size_t column)
{
	double use;

	switch (column) {
	case TOP_TASKS:
		return number(row, COUNT_TASKS);
	case TOP_USAGE:
		return usage(row);
	case TOP_LIMIT:
		return number(row, COUNT_LIMIT);
	case TOP_USE:
		use = top_use(row);
		return use < 0 ? NAN : use;
	case TOP_HITS:
		return number(row, COUNT_HITS);
	case TOP_TRIM:
		return rate(row, COUNT_DROPPED, COUNT_RECLAIMED);
	case TOP_REFAULT:
		return rate(row, COUNT_REFAULTED, COUNT_REFAULTED);
	case TOP_THROTTLED:
		/* microseconds a second into hundredths */
		return rate(row, COUNT_THROTTLED, COUNT_WAITED) / 1e4;
	case TOP_FAIL:
		return rate(row, COUNT_FAILED, COUNT_FAILED);
	case TOP_KILLS:
		return number(row, COUNT_KILLS);
	case TOP_RSS:
		return number(row, COUNT_RSS);
	case TOP_RSS_LIMIT:
		return number(row, COUNT_RSS_LIMIT);
	}
	return NAN;
}

struct size_text top_text(const struct row *row, size_t column)
{
	double amount = value(row, column);
	struct size_text text = { "-" };

	if (isinf(amount))
		strcpy(text.text, "max");
	else if (isnan(amount))
		return text;
	else if (top_columns[column].cell == CELL_SIZE)
		return amount < 0x1p63 ? size_of_pages((uint64_t)amount) :
		       size_of_pages(UINT64_MAX);
	else
		snprintf(text.text, sizeof(text.text), "%.0f%s", amount,
			 top_columns[column].cell == CELL_PERCENT ? "%" : "");
	return text;
}

int top_grew(const struct row *row, size_t column)
{
	switch (column) {
	case TOP_HITS:
		return growth(row, COUNT_HITS) > 0;
	case TOP_KILLS:
		return growth(row, COUNT_KILLS) > 0;
	case TOP_TRIM:
	case TOP_REFAULT:
	case TOP_THROTTLED:
	case TOP_FAIL:
		return value(row, column) > 0;
	}
	return 0;
}

char *top_headline(const struct top *top)
{
	char now[16];
	time_t seconds = time(NULL);
	struct tm local;
	size_t over = 0;

	for (size_t i = 0; i < top->count; i++)
		over += top_use(top->view[i]) > 100;
	localtime_r(&seconds, &local);
	strftime(now, sizeof(now), "%H:%M:%S", &local);
	return xasprintf("ctnctl top - %s, %zu container%s, %zu over %s limit", now,
			 top->count, top->count == 1 ? "" : "s", over,
			 over == 1 ? "its" : "their");
}

/* Order */

static int by_name(const void *a, const void *b)
{
	const struct row *const *one = a, *const *other = b;

	return strverscmp((*one)->name, (*other)->name);
}

/* The most comes first, but for names; what is not known comes last. */
static int by_column(const void *a, const void *b, void *data)
{
	const struct row *const *one = a, *const *other = b;
	const struct top *top = data;
	double first, second;
	int order;

	if (top->sort != TOP_NAME) {
		first = value(*one, top->sort);
		second = value(*other, top->sort);
		if (isnan(first) || isnan(second)) {
			order = !!isnan(first) - !!isnan(second);
			return order ? order : by_name(a, b);
		}
		order = (first < second) - (first > second);
		if (order)
			return top->reverse ? -order : order;
		return by_name(a, b);
	}
	return top->reverse ? -by_name(a, b) : by_name(a, b);
}

void top_sort(struct top *top)
{
	if (top->count)
		qsort_r(top->view, top->count, sizeof(*top->view), by_column, top);
}

/* Which there are */

static void free_row(struct row *row)
{
	free(row->name);
	free(row);
}

static struct row *new_row(const char *name)
{
	struct row *row = xrealloc(NULL, 1, sizeof(*row));

	*row = (struct row){ .name = xasprintf("%s", name) };
	return row;
}

static int is_container(const struct top *top, const char *name,
			unsigned char type)
{
	struct stat st;

	if (!strcmp(name, ".") || !strcmp(name, "..") || type == DT_REG)
		return 0;
	return type == DT_DIR ||
	       (!fstatat(top->dir, name, &st, 0) && S_ISDIR(st.st_mode));
}

/* Said on the screen that there was before, where it stays. */
static noreturn void fail_tree(const struct top *top)
{
	int err = errno;

	give_back_terminal();
	die("%s: %s", ctn_tree_path(top->tree), strerror(err));
}

static DIR *open_dir(const struct top *top)
{
	int fd = openat(top->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (dir)
		return dir;
	fail_tree(top);
}

/* As new rows, in no order. */
static struct row **list(const struct top *top, size_t *count)
{
	struct row **rows = NULL;
	struct dirent *entry;
	DIR *dir;

	*count = 0;
	for (char **name = top->names; name && *name; name++) {
		if (!is_container(top, *name, DT_UNKNOWN))
			continue;
		rows = xrealloc(rows, *count + 1, sizeof(*rows));
		rows[(*count)++] = new_row(*name);
	}
	if (top->names)
		return rows;
	dir = open_dir(top);
	while ((entry = readdir(dir))) {
		if (!is_container(top, entry->d_name, entry->d_type))
			continue;
		if (!(*count & (*count + 1)))
			rows = xrealloc(rows, 2 * *count + 2, sizeof(*rows));
		rows[(*count)++] = new_row(entry->d_name);
	}
	closedir(dir);
	return rows;
}

/* The rows of those that are there stay, with what is known of them. */
static void list_again(struct top *top)
{
	size_t count, unique = 0, old = 0;
	struct row **rows = list(top, &count);

	if (count)
		qsort(rows, count, sizeof(*rows), by_name);
	for (size_t i = 0; i < count; i++) {
		int order = -1;

		if (unique && !strcmp(rows[unique - 1]->name, rows[i]->name)) {
			free_row(rows[i]);
			continue;
		}
		rows[unique++] = rows[i];
		while (old < top->count &&
		       (order = by_name(&top->rows[old], &rows[unique - 1])) < 0)
			free_row(top->rows[old++]);
		if (old == top->count || order)
			continue;
		free_row(rows[unique - 1]);
		rows[unique - 1] = top->rows[old++];
	}
	while (old < top->count)
		free_row(top->rows[old++]);
	free(top->rows);
	top->rows = rows;
	top->count = unique;
	top->view = xrealloc(top->view, unique + 1, sizeof(*top->view));
	if (unique)
		memcpy(top->view, rows, unique * sizeof(*rows));
}

/* Without word of changes the names are read each time. */
static int has_changed(const struct top *top)
{
	char events[4096];
	int changed = top->unlisted || top->names || top->changes < 0;

	while (top->changes >= 0 && read(top->changes, events, sizeof(events)) > 0)
		changed = 1;
	return changed;
}

/* Reading */

static void begin_row(const struct top *top, struct row *row)
{
	row->before = row->now;
	row->time_before = row->time;
	row->turn = top->turn;
}

static void read_row(struct top *top, struct row *row)
{
	if (row->turn == top->turn)
		return;
	begin_row(top, row);
	row->gone = counts_read(top->dir, row->name, &row->now) < 0;
	row->time = clock_ns(CLOCK_MONOTONIC);
	top->unlisted |= row->gone;
}

static int by_name_of(const void *key, const void *row)
{
	const struct row *const *one = row;

	return strverscmp(key, (*one)->name);
}

static void take_row(void *data, const char *name, const struct counts *counts)
{
	struct top *top = data;
	struct row **found = !top->count ? NULL :
			     bsearch(name, top->rows, top->count, sizeof(*top->rows),
				     by_name_of);

	/* one that is new is listed the next time */
	if (!found) {
		top->unlisted = 1;
		return;
	}
	begin_row(top, *found);
	(*found)->now = *counts;
	(*found)->time = clock_ns(CLOCK_MONOTONIC);
}

/*
 * Where more are wanted than are seen, one file has all of them, if the kernel has that
 * and whoever this is may read it. What is not there is read as if it was not.
 */
static void read_all(struct top *top, size_t seen)
{
	if (!top->names && (top->sort != TOP_NAME || seen >= top->count))
		counts_read_all(top->dir, take_row, top);
}

static void read_others(struct top *top)
{
	uint64_t end = clock_ns(CLOCK_THREAD_CPUTIME_ID) +
		       top->interval * 1000000 / 100 * SHARE_PERCENT;

	for (size_t i = 0; i < top->count && top->sort != TOP_NAME; i++) {
		if (top->next >= top->count)
			top->next = 0;
		read_row(top, top->rows[top->next++]);
		/* The first time there is nothing to be seen yet. */
		if (top->turn > 1 && i % 16 == 15 &&
		    clock_ns(CLOCK_THREAD_CPUTIME_ID) > end)
			break;
	}
}

static void remove_gone(struct top *top)
{
	size_t left = 0;

	for (size_t i = 0; i < top->count; i++) {
		if (top->rows[i]->gone)
			free_row(top->rows[i]);
		else
			top->rows[left++] = top->rows[i];
	}
	if (left < top->count && left)
		memcpy(top->view, top->rows, left * sizeof(*top->view));
	top->count = left;
}

void top_refresh(struct top *top, size_t first, size_t seen)
{
	/* What is open all the time would keep configfs from being unmounted. */
	top->dir = open(ctn_tree_path(top->tree), O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (top->dir < 0)
		fail_tree(top);
	if (has_changed(top)) {
		top->unlisted = 0;
		list_again(top);
		top_sort(top);
	}
	top->turn++;
	read_all(top, seen);
	for (size_t i = first; i < top->count && i - first < seen; i++)
		read_row(top, top->view[i]);
	read_others(top);
	remove_gone(top);
	top_sort(top);
	/* Those that have come into view. */
	for (size_t i = first; i < top->count && i - first < seen; i++)
		read_row(top, top->view[i]);
	remove_gone(top);
	top_sort(top);
	close(top->dir);
}

/* Plain lines */

static void print_rows(const struct command *cmd, const struct top *top)
{
	static const struct look look = { .columns = "all" };
	char *headline = top_headline(top);
	struct table table;

	puts(headline);
	free(headline);
	table_init(&table, cmd, "containers", &look, top_columns, TOP_COLUMNS, "");
	for (size_t n = 0; n < top->count; n++) {
		table_line(&table);
		table_text(&table, TOP_NAME, top->view[n]->name);
		for (size_t i = TOP_NAME + 1; i < TOP_COLUMNS; i++)
			table_text(&table, i, top_text(top->view[n], i).text);
	}
	table_print(&table);
}

static void pause_for(uint64_t milliseconds)
{
	/* who reads may go */
	struct pollfd fd = { .fd = STDOUT_FILENO };

	if (poll(&fd, 1, (int)milliseconds) > 0 && fd.revents)
		raise(SIGPIPE);
}

static int print_lines(const struct command *cmd, struct top *top, uint64_t count)
{
	for (uint64_t i = 0; !stop_signal && (!count || i < count); i++) {
		if (i) {
			pause_for(top->interval);
			putchar('\n');
		}
		if (stop_signal)
			break;
		top_refresh(top, 0, SIZE_MAX);
		print_rows(cmd, top);
		if (fflush(stdout)) {
			if (errno == EPIPE)
				raise(SIGPIPE);
			die("standard output: %s", strerror(errno));
		}
	}
	return STATUS_OK;
}

/* The command */

struct config {
	int batch;
	uint64_t count;
	uint64_t interval;
	size_t sort;
	int reverse;
};

static uint64_t parse_count(const struct command *cmd, const char *text)
{
	char *end;
	unsigned long long count;

	errno = 0;
	count = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || !count || errno)
		wrong_usage(cmd, "want how many times, not: %s", text);
	return count;
}

/* In milliseconds: digits, and up to three more after a point. */
static uint64_t parse_interval(const struct command *cmd, const char *text)
{
	const char *at = text;
	uint64_t interval = 0;
	int unit = 1000;

	for (; *at >= '0' && *at <= '9' && interval <= MOST_SECONDS; at++)
		interval = interval * 10 + (uint64_t)(*at - '0');
	interval *= 1000;
	if (at > text && *at == '.' && at[1])
		for (at++; *at >= '0' && *at <= '9' && unit > 1; at++)
			interval += (uint64_t)(*at - '0') * (uint64_t)(unit /= 10);
	if (at == text || *at || !interval || interval > MOST_SECONDS * 1000ull)
		wrong_usage(cmd, "want a number of seconds, not: %s", text);
	return interval;
}

static void parse_sort(const struct command *cmd, struct config *config,
		       const char *text)
{
	const char *name = text + (*text == '-' || *text == '+');

	for (size_t i = 0; i < TOP_COLUMNS; i++) {
		const struct column *column = &top_columns[i];

		if (!same_word(column->name, name) &&
		    !(column->alias && same_word(column->alias, name)))
			continue;
		config->sort = i;
		/* it is turned around if it is not what its letter key sorts by */
		config->reverse = sorts_descending(column, *text) !=
				  sorts_descending(column, '\0');
		return;
	}
	wrong_usage(cmd, "unknown column: \"%s\"", name);
}

static noreturn void print_top_help(const struct command *cmd)
{
	fputs(cmd->help, stdout);
	print_columns(top_columns, TOP_COLUMNS);
	finish(STATUS_OK);
}

static void parse(const struct command *cmd, struct config *config, int argc,
		  char **argv)
{
	static const struct option options[] = {
		{ "batch", no_argument, NULL, 'b' },
		{ "count", required_argument, NULL, 'n' },
		{ "delay", required_argument, NULL, 'd' },
		{ "help", no_argument, NULL, 'h' },
		{ "sort", required_argument, NULL, 's' },
		{ 0 }
	};
	int opt;

	while ((opt = next_option(argc, argv, "bd:hn:s:", options)) != -1) {
		switch (opt) {
		case 'b':
			config->batch = 1;
			break;
		case 'd':
			config->interval = parse_interval(cmd, optarg);
			break;
		case 'n':
			config->count = parse_count(cmd, optarg);
			break;
		case 's':
			parse_sort(cmd, config, optarg);
			break;
		case 'h':
			print_top_help(cmd);
		default:
			try_help(cmd);
		}
	}
}

static void open_top(struct top *top)
{
	const char *path = ctn_tree_path(top->tree);

	/* Those that are named have to be there now, and may go later. */
	for (char **name = top->names; name && *name; name++)
		ctn_close(open_container(top->tree, *name));
	top->changes = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (top->changes >= 0 &&
	    inotify_add_watch(top->changes, path, IN_ONLYDIR | IN_CREATE |
			      IN_DELETE | IN_MOVE) < 0) {
		close(top->changes);
		top->changes = -1;
	}
}

static int run_top(const struct command *cmd, int argc, char **argv)
{
	struct config config = { .interval = 1000, .sort = TOP_USAGE };
	struct ctn_tree *tree;
	struct top top = { .unlisted = 1 };
	int status;

	parse(cmd, &config, argc, argv);
	need_output();
	top.interval = config.interval;
	top.sort = config.sort;
	top.reverse = config.reverse;
	top.names = optind < argc ? argv + optind : NULL;
	top.tree = tree = open_tree();
	take_names(tree, top.names);
	open_top(&top);
	stop_begin();
	status = config.batch ? print_lines(cmd, &top, config.count) :
		 show_screen(&top, config.count);
	stop_end();
	for (size_t i = 0; i < top.count; i++)
		free_row(top.rows[i]);
	free(top.rows);
	free(top.view);
	if (top.changes >= 0)
		close(top.changes);
	ctn_tree_close(tree);
	return status;
}

const struct command top_command = {
	.name = "top",
	.summary = "show usage, limits and rates, over and over",
	.help =
	"Usage: ctnctl top [OPTION...] [NAME...]\n\n"
	"Show the containers, or those of each NAME, on the terminal: what they use\n"
	"of their limits, and what is done about it. h or ? lists the keys, q ends it.\n\n"
	"Options:\n"
	" -b, --batch          print plain lines instead, for a pipe or a file\n"
	" -d, --delay SECONDS  look so often: 1 if it is not given, or 0.5\n"
	" -n, --count COUNT    end after so many times\n"
	" -s, --sort COLUMN    sort by this:\n"
	SORT_RULE("                      ")
	" -h, --help           print this help\n"
	"\nColumns; rates are \"-\" until it has been looked at twice:\n",
	.run = run_top,
};

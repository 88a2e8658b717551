// SPDX-License-Identifier: GPL-2.0-only
/*
 * The screen of "top": rows as they fit, the tasks of a container, keys. Names can have
 * any bytes, and none of them gets to the terminal but as characters that it prints.
 */
#include <curses.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <wchar.h>

#include "terminal.h"
#include "top.h"

/* Lines above the rows: the headline, what is sorted by, and the headings. */
#define HEAD_LINES 3

enum view { VIEW_ROWS, VIEW_TASKS, VIEW_HELP };

enum { COLOUR_LOW = 1, COLOUR_NEAR, COLOUR_OVER };

struct screen {
	struct top *top;
	enum view view;
	enum view before;	/* the one that help was called from */
	size_t first;		/* of the rows, or of the tasks: the one on top */
	size_t selected;	/* a row */
	char *name;		/* of the row, or of the container whose tasks these are */
	pid_t *tids;
	ssize_t ntids;		/* -1: they cannot be read */
	int done;
};

static void set_up(void)
{
	const char *no_colours = getenv("NO_COLOR");

	take_terminal();
	cbreak();
	noecho();
	nonl();
	curs_set(0);
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	set_escdelay(25);
	if (no_colours && *no_colours)
		return;
	if (has_colors() && start_color() == OK && use_default_colors() == OK) {
		init_pair(COLOUR_LOW, COLOR_GREEN, -1);
		init_pair(COLOUR_NEAR, COLOR_YELLOW, -1);
		init_pair(COLOUR_OVER, COLOR_RED, -1);
	}
}

/* Text */

/* Put what can be printed at a place, in @width columns: what is too long ends in a +. */
static void put(int y, int x, int width, const char *text)
{
	size_t left = strlen(text);
	mbstate_t state = { 0 };
	int begin = x, end = x + width;

	if (y >= LINES || x >= COLS || width <= 0)
		return;
	if (end > COLS)
		end = COLS;
	while (left) {
		wchar_t wide[2] = { 0 };
		size_t len = mbrtowc(wide, text, left, &state);
		int columns;

		if (!len || len == (size_t)-1 || len == (size_t)-2)
			return;
		columns = wcwidth(*wide);
		if (columns < 0)
			columns = 0;
		if (x + columns > end - (left > len)) {
			mvaddnwstr(y, x, L"+", 1);
			return;
		}
		/* what takes none goes on top of the character before it */
		if (columns)
			mvaddwstr(y, x, wide);
		else if (x > begin)
			addwstr(wide);
		x += columns;
		text += len;
		left -= len;
	}
}

/* The same for what can have any bytes. */
static void put_any(int y, int x, int width, const char *text)
{
	char *line = printable(text);

	put(y, x, width, line);
	free(line);
}

static void put_right(int y, int x, int width, const char *text)
{
	int len = (int)strlen(text);

	put(y, x + (len < width ? width - len : 0), len < width ? len : width, text);
}

/* Rows */

struct layout {
	size_t columns[TOP_COLUMNS];
	int widths[TOP_COLUMNS];
	size_t count;
};

static const int least_width[TOP_COLUMNS] = {
	[TOP_NAME] = 12, [TOP_TASKS] = 5, [TOP_USAGE] = 6, [TOP_LIMIT] = 6,
	[TOP_USE] = 12, [TOP_HITS] = 5, [TOP_TRIM] = 6, [TOP_REFAULT] = 7,
	[TOP_THROTTLED] = 6, [TOP_FAIL] = 6, [TOP_KILLS] = 5, [TOP_RSS] = 6,
	[TOP_RSS_LIMIT] = 9,
};

/* Those that go last when there is little room come first. */
static const size_t importance[TOP_COLUMNS] = {
	TOP_NAME, TOP_USAGE, TOP_USE, TOP_LIMIT, TOP_TRIM, TOP_REFAULT,
	TOP_THROTTLED, TOP_FAIL, TOP_TASKS, TOP_HITS, TOP_KILLS, TOP_RSS,
	TOP_RSS_LIMIT,
};

/* Names get so much before other columns do, and so much if there is room. */
#define WIDE_NAME	16
#define WIDEST_NAME	40
#define WIDEST_BAR	40

/* How many fit on the screen. */
static size_t room(void)
{
	return LINES > HEAD_LINES ? (size_t)(LINES - HEAD_LINES) : 0;
}

/* How many columns a name takes. */
static int name_width(const char *name)
{
	wchar_t wide[CTN_NAME_MAX * 4 + 1] = { 0 };
	char *line = printable(name);
	size_t len = mbstowcs(wide, line, ARRAY_SIZE(wide) - 1);

	free(line);
	return len == (size_t)-1 ? WIDEST_NAME : wcswidth(wide, len);
}

static struct layout lay_out(const struct top *top, size_t first)
{
	int shown[TOP_COLUMNS] = { 0 };
	struct layout layout = { .count = 0 };
	int longest = least_width[TOP_NAME];
	int left;

	for (size_t i = first; i < top->count && i < first + room(); i++) {
		int width = name_width(top->view[i]->name);

		longest = width > longest ? width : longest;
	}
	shown[TOP_NAME] = longest < WIDE_NAME ? longest : WIDE_NAME;
	left = COLS - shown[TOP_NAME];

	/* What is sorted by is seen. */
	if (top->sort != TOP_NAME && left > least_width[top->sort]) {
		shown[top->sort] = least_width[top->sort];
		left -= least_width[top->sort] + 1;
	}
	for (size_t i = 0; i < TOP_COLUMNS; i++) {
		size_t column = importance[i];

		if (shown[column])
			continue;
		if (left <= least_width[column])
			break;
		shown[column] = least_width[column];
		left -= least_width[column] + 1;
	}
	for (; left > 0 && shown[TOP_NAME] < longest &&
	       shown[TOP_NAME] < WIDEST_NAME; left--)
		shown[TOP_NAME]++;
	for (; left > 0 && shown[TOP_USE] && shown[TOP_USE] < WIDEST_BAR; left--)
		shown[TOP_USE]++;
	for (size_t i = 0; i < TOP_COLUMNS; i++) {
		if (!shown[i])
			continue;
		layout.columns[layout.count] = i;
		layout.widths[layout.count++] = shown[i];
	}
	return layout;
}

/* Such as "[||||  ]  63%". */
static void put_bar(int y, int x, int width, const struct row *row)
{
	double use = top_use(row);
	int inside = width - 6;
	int full = use >= 100 ? inside : (int)(use * inside / 100 + 0.5);
	int colour = COLOR_PAIR(use > 100 ? COLOUR_OVER : use >= 80 ? COLOUR_NEAR :
				COLOUR_LOW);
	char text[16];

	if (use < 0) {
		put_right(y, x, width, "-");
		return;
	}
	put(y, x, 1, "[");
	attron(colour);
	for (int i = 0; i < full; i++)
		put(y, x + 1 + i, 1, "|");
	attroff(colour);
	put(y, x + 1 + inside, 1, "]");
	snprintf(text, sizeof(text), use > 999 ? ">999" : "%.0f%%", use);
	put_right(y, x + 2 + inside, 4, text);
}

static void put_row(int y, const struct layout *layout, const struct row *row,
		    int selected)
{
	int x = 0;

	if (selected)
		attron(A_REVERSE);
	for (int i = 0; selected && i < COLS; i++)
		put(y, i, 1, " ");
	for (size_t i = 0; i < layout->count; x += layout->widths[i++] + 1) {
		size_t column = layout->columns[i];
		int grew = top_grew(row, column);
		int alarming = (int)(A_BOLD | COLOR_PAIR(COLOUR_OVER));

		if (grew)
			attron(alarming);
		if (column == TOP_NAME)
			put_any(y, x, layout->widths[i], row->name);
		else if (column == TOP_USE)
			put_bar(y, x, layout->widths[i], row);
		else
			put_right(y, x, layout->widths[i],
				  top_text(row, column).text);
		if (grew)
			attroff(alarming);
		if (selected)
			attron(A_REVERSE);
	}
	attroff(A_REVERSE);
}

static void put_headings(const struct screen *screen, const struct layout *layout)
{
	int x = 0;

	attron(A_REVERSE);
	for (int i = 0; i < COLS; i++)
		put(HEAD_LINES - 1, i, 1, " ");
	for (size_t i = 0; i < layout->count; x += layout->widths[i++] + 1) {
		size_t column = layout->columns[i];

		if (column == screen->top->sort)
			attron(A_BOLD | A_UNDERLINE);
		if (column == TOP_NAME)
			put(HEAD_LINES - 1, x, layout->widths[i],
			    top_columns[column].name);
		else
			put_right(HEAD_LINES - 1, x, layout->widths[i],
				  top_columns[column].name);
		attroff(A_BOLD | A_UNDERLINE);
	}
	attroff(A_REVERSE);
}

/* The row that was selected, wherever it is now; then what is seen follows it. */
static void follow_row(struct screen *screen)
{
	struct top *top = screen->top;

	for (size_t i = 0; screen->name && i < top->count; i++)
		if (!strcmp(top->view[i]->name, screen->name))
			screen->selected = i;
	if (screen->selected >= top->count)
		screen->selected = top->count ? top->count - 1 : 0;
	if (screen->selected < screen->first)
		screen->first = screen->selected;
	if (room() && screen->selected >= screen->first + room())
		screen->first = screen->selected - room() + 1;
	if (screen->first + room() > top->count)
		screen->first = top->count > room() ? top->count - room() : 0;
}

static void draw_rows(struct screen *screen)
{
	struct top *top = screen->top;
	struct layout layout = lay_out(top, screen->first);
	char *line = top_headline(top);

	put(0, 0, COLS, line);
	free(line);
	line = xasprintf("sorted by %s%s, %s first; h help, t tasks, q quit",
			 top_columns[top->sort].name,
			 top->count > room() ? ", not all of them seen" : "",
			 (top->sort == TOP_NAME) != top->reverse ? "smallest" :
			 "largest");
	put(1, 0, COLS, line);
	free(line);
	put_headings(screen, &layout);
	for (size_t i = 0; i < room() && screen->first + i < top->count; i++) {
		size_t row = screen->first + i;

		put_row(HEAD_LINES + (int)i, &layout, top->view[row],
			screen->name && row == screen->selected);
	}
	if (!top->count)
		put(HEAD_LINES, 0, COLS, "there are no containers");
}

/* Tasks */

struct task {
	char name[128];		/* with a newline as \n, as the kernel has it */
	unsigned int pid;
	char state;
	uint64_t rss, swap;	/* in KB */
};

static int read_task(pid_t tid, struct task *task)
{
	char *path = xasprintf("/proc/%d/status", (int)tid);
	FILE *from = fopen(path, "re");
	char line[256];

	free(path);
	*task = (struct task){ .state = '?' };
	if (!from)
		return -1;
	while (fgets(line, sizeof(line), from)) {
		sscanf(line, "Name:\t%127[^\n]", task->name);
		sscanf(line, "Tgid:\t%u", &task->pid);
		sscanf(line, "State:\t%c", &task->state);
		sscanf(line, "VmRSS:\t%" SCNu64, &task->rss);
		sscanf(line, "VmSwap:\t%" SCNu64, &task->swap);
	}
	fclose(from);
	return 0;
}

static void read_tasks(struct screen *screen)
{
	struct ctn *ctn = ctn_open(screen->top->tree, screen->name);

	free(screen->tids);
	screen->tids = NULL;
	screen->ntids = ctn ? ctn_tasks(ctn, &screen->tids) : -1;
	ctn_close(ctn);
}

static void put_task(int y, pid_t tid)
{
	struct task task;
	char *line;

	if (read_task(tid, &task))
		line = xasprintf("%8d %8s %c %7s %7s", (int)tid, "-", '-', "-", "-");
	else
		line = xasprintf("%8d %8u %c %7s %7s ", (int)tid, task.pid,
				 task.state, size_of_bytes(task.rss << 10).text,
				 size_of_bytes(task.swap << 10).text);
	put(y, 0, COLS, line);
	put_any(y, (int)strlen(line), COLS - (int)strlen(line), task.name);
	free(line);
}

static void draw_tasks(struct screen *screen)
{
	size_t count = screen->ntids > 0 ? (size_t)screen->ntids : 0;
	char *line;

	if (screen->ntids < 0) {
		put(0, 0, COLS, ctn_errmsg());
	} else {
		put_any(0, 0, COLS, screen->name);
		line = xasprintf("%zu thread%s; t back, q quit", count,
				 count == 1 ? "" : "s");
		put(1, 0, COLS, line);
		free(line);
	}
	attron(A_REVERSE);
	for (int i = 0; i < COLS; i++)
		put(HEAD_LINES - 1, i, 1, " ");
	put(HEAD_LINES - 1, 0, COLS, "     TID      PID S     RSS    SWAP COMMAND");
	attroff(A_REVERSE);
	if (screen->first + room() > count)
		screen->first = count > room() ? count - room() : 0;
	for (size_t i = 0; i < room() && screen->first + i < count; i++)
		put_task(HEAD_LINES + (int)i, screen->tids[screen->first + i]);
}

/* Help */

static void draw_help(void)
{
	static const char *const lines[] = {
		"Keys of ctnctl top",
		"",
		"  < >, left, right  sort by the column before, after",
		"  n u l % i         sort by NAME, USAGE, LIMIT, USE%, HITS",
		"  m f w e           sort by TRIM/s, REFLT/s, THROT%, FAIL/s",
		"  r                 turn the order around",
		"  up, down, j, k    select a container; Esc: none",
		"  page up, down     a screen further; home, end: the first, the last",
		"  t, Enter          show its tasks, and back",
		"  space             look again now",
		"  h, ?              this help, and back",
		"  q                 quit",
		"",
		"TRIM/s: memory that kcontainerd freed. REFLT/s: what came back of it.",
		"THROT%: time that tasks waited for memory. FAIL/s: charges that met",
		"rss_limit. What has grown since the last look is red.",
	};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		put((int)i, 0, COLS, lines[i]);
}

static void draw(struct screen *screen)
{
	erase();
	switch (screen->view) {
	case VIEW_ROWS:
		follow_row(screen);
		draw_rows(screen);
		break;
	case VIEW_TASKS:
		draw_tasks(screen);
		break;
	case VIEW_HELP:
		draw_help();
		break;
	}
	refresh_terminal();
}

/* Keys */

static void sort_by(struct screen *screen, size_t column)
{
	screen->top->sort = column;
	screen->top->reverse = 0;
	top_sort(screen->top);
}

/* What has a letter of its own. */
static int sort_key(int key)
{
	static const struct {
		int key;
		int column;
	} keys[] = {
		{ 'n', TOP_NAME }, { 'u', TOP_USAGE }, { 'l', TOP_LIMIT },
		{ '%', TOP_USE }, { 'i', TOP_HITS }, { 'm', TOP_TRIM },
		{ 'f', TOP_REFAULT }, { 'w', TOP_THROTTLED }, { 'e', TOP_FAIL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (keys[i].key == key)
			return keys[i].column;
	return -1;
}

static void remember(struct screen *screen)
{
	free(screen->name);
	screen->name = screen->top->count ?
		       xasprintf("%s", screen->top->view[screen->selected]->name) :
		       NULL;
}

static void forget(struct screen *screen)
{
	free(screen->name);
	screen->name = NULL;
	screen->selected = screen->first;
}

/* By so many lines; the tasks have no line that is selected. */
static void move_by(struct screen *screen, long lines)
{
	size_t *at = screen->view == VIEW_TASKS ? &screen->first :
		     &screen->selected;
	size_t count = screen->view == VIEW_TASKS ?
		       screen->ntids > 0 ? (size_t)screen->ntids : 0 :
		       screen->top->count;

	/* The first key shows which is selected. */
	if (screen->view == VIEW_ROWS && !screen->name && lines == 1)
		lines = 0;
	if (lines < 0 && (size_t)-lines > *at)
		*at = 0;
	else
		*at += (size_t)lines;
	if (*at >= count)
		*at = count ? count - 1 : 0;
	if (screen->view == VIEW_ROWS)
		remember(screen);
}

static void switch_tasks(struct screen *screen)
{
	if (screen->view == VIEW_TASKS) {
		screen->view = VIEW_ROWS;
		screen->first = 0;
		return;
	}
	if (!screen->name)
		remember(screen);
	if (!screen->name)
		return;
	screen->view = VIEW_TASKS;
	screen->first = 0;
	read_tasks(screen);
}

static void switch_help(struct screen *screen)
{
	if (screen->view == VIEW_HELP) {
		screen->view = screen->before;
	} else {
		screen->before = screen->view;
		screen->view = VIEW_HELP;
	}
}

/* Returns 1 if there is to be another look now. */
static int press(struct screen *screen, int key)
{
	long page = room() > 1 ? (long)room() - 1 : 1;
	struct top *top = screen->top;

	if (screen->view == VIEW_HELP && key != 'q' && key != KEY_RESIZE) {
		switch_help(screen);
		return 0;
	}
	switch (key) {
	case 'q':
		screen->done = 1;
		return 0;
	case 'h':
	case '?':
		switch_help(screen);
		return 0;
	case 't':
	case '\r':
	case '\n':
	case KEY_ENTER:
		switch_tasks(screen);
		return 0;
	case 27:
		if (screen->view == VIEW_TASKS)
			switch_tasks(screen);
		else
			forget(screen);
		return 0;
	case KEY_UP:
	case 'k':
		move_by(screen, -1);
		return 0;
	case KEY_DOWN:
	case 'j':
		move_by(screen, 1);
		return 0;
	case KEY_PPAGE:
		move_by(screen, -page);
		return 0;
	case KEY_NPAGE:
		move_by(screen, page);
		return 0;
	case KEY_HOME:
		move_by(screen, -INT32_MAX);
		return 0;
	case KEY_END:
		move_by(screen, INT32_MAX);
		return 0;
	case ' ':
		return 1;
	}
	if (screen->view != VIEW_ROWS)
		return 0;
	if (key == 'r') {
		top->reverse = !top->reverse;
		top_sort(top);
	} else if (key == '<' || key == KEY_LEFT) {
		sort_by(screen, (top->sort + TOP_COLUMNS - 1) % TOP_COLUMNS);
	} else if (key == '>' || key == KEY_RIGHT) {
		sort_by(screen, (top->sort + 1) % TOP_COLUMNS);
	} else if (sort_key(key) >= 0) {
		sort_by(screen, (size_t)sort_key(key));
	}
	return 0;
}

/* Time */

static int64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/* Take keys until there is to be another look, at @until at the latest. */
static void take_keys(struct screen *screen, int64_t until)
{
	struct pollfd fd = { .fd = STDIN_FILENO, .events = POLLIN };
	int again = 0;

	while (!stop_signal && !screen->done && !again) {
		int64_t left = until - now();
		int key;

		if (left <= 0)
			return;
		/* SIGWINCH ends it, and is a key then. */
		poll(&fd, 1, (int)left);
		if (fd.revents & (POLLHUP | POLLERR | POLLNVAL)) {
			screen->done = 1;
			return;
		}
		while (!screen->done && !again && (key = getch()) != ERR) {
			again = press(screen, key);
			draw(screen);
		}
	}
}

static void look(struct screen *screen)
{
	struct top *top = screen->top;

	if (screen->view == VIEW_TASKS)
		read_tasks(screen);
	else
		top_refresh(top, screen->first, room());
	draw(screen);
}

int show_screen(struct top *top, uint64_t count)
{
	struct screen screen = { .top = top };
	int64_t next;

	set_up();
	next = now();
	for (uint64_t i = 0; !stop_signal && !screen.done; i++) {
		look(&screen);
		if (count && i + 1 >= count)
			break;
		/* One that took too long is not made up for. */
		next += (int64_t)top->interval;
		if (next < now())
			next = now() + (int64_t)top->interval;
		take_keys(&screen, next);
	}
	give_back_terminal();
	free(screen.name);
	free(screen.tids);
	if (stop_signal == SIGQUIT) {
		signal(SIGQUIT, SIG_DFL);
		raise(SIGQUIT);
	}
	return STATUS_OK;
}

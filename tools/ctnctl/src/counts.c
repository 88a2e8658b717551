// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading the numbers of a container, for who does it over and over.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common.h"
#include "parse.h"
#include "counts.h"

/* Each is a line of "stat"; those before COUNT_DROPPED are files as well. */
static const char *const names[COUNTS] = {
	[COUNT_TASKS] = "num_tasks",
	[COUNT_ANON] = "num_anon_pages",
	[COUNT_FILE] = "num_file_pages",
	[COUNT_LIMIT] = "page_limit",
	[COUNT_HITS] = "page_limit_hits",
	[COUNT_RSS] = "rss_usage",
	[COUNT_RSS_LIMIT] = "rss_limit",
	[COUNT_KILLS] = "rss_oom_kills",
	[COUNT_DROPPED] = "dropped",
	[COUNT_RECLAIMED] = "reclaimed",
	[COUNT_REFAULTED] = "refaulted",
	[COUNT_THROTTLED] = "throttled_usec",
	[COUNT_WAITED] = "reclaim_usec",
	[COUNT_FAILED] = "charge_failures",
};

/* None of these files is longer: what does not fit is not looked at. */
#define TEXT_SIZE 4096

static int read_file(int tree, const char *name, const char *file,
		     char text[static TEXT_SIZE])
{
	char path[CTN_NAME_MAX + 64];
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", name, file);
	fd = openat(tree, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -1;
	got = read(fd, text, TEXT_SIZE - 1);
	close(fd);
	text[got < 0 ? 0 : got] = '\0';
	return 0;
}

/* A number and the end of its line. */
static int parse(const char *text, uint64_t *value)
{
	char *end;

	if (!strncmp(text, "max\n", 4)) {
		*value = CTN_MAX;
		return 0;
	}
	if (*text < '0' || *text > '9')
		return -1;
	errno = 0;
	*value = strtoull(text, &end, 10);
	return errno || (*end && *end != '\n') ? -1 : 0;
}

static void set(struct counts *counts, enum count count, const char *text)
{
	if (!parse(text, &counts->value[count]))
		counts->there |= COUNT(count);
}

static void parse_stat(struct counts *counts, const char *line)
{
	while (*line) {
		size_t len = strcspn(line, " \n");

		for (enum count i = 0; line[len] == ' ' && i < COUNTS; i++)
			if (strlen(names[i]) == len && !strncmp(names[i], line, len))
				set(counts, i, line + len + 1);
		line += strcspn(line, "\n");
		line += *line == '\n';
	}
}

int counts_read(int tree, const char *name, struct counts *counts)
{
	char text[TEXT_SIZE];
	int missing = 0;

	/* a kernel may have some of them in files of their own only */
	counts->there = 0;
	if (read_file(tree, name, "stat", text))
		missing |= errno == ENOENT;
	else
		parse_stat(counts, text);
	for (enum count i = 0; i < COUNT_DROPPED; i++) {
		if (counts->there & COUNT(i))
			continue;
		if (read_file(tree, name, names[i], text))
			missing |= errno == ENOENT;
		else
			set(counts, i, text);
	}
	return missing && faccessat(tree, name, F_OK, 0) ? -1 : 0;
}

/* A kernel has that many columns at most that are looked at. */
#define MAX_COLUMNS 128

/* What the columns of the table are: a count, or one of these. */
enum { COLUMN_OTHER = COUNTS, COLUMN_NAME };

static size_t parse_heading(char *line, unsigned char *columns)
{
	size_t count = 0;
	char *rest;

	for (char *word = strtok_r(line, " \n", &rest); word && count < MAX_COLUMNS;
	     word = strtok_r(NULL, " \n", &rest)) {
		enum count i = 0;

		while (i < COUNTS && strcmp(word, names[i]) != 0)
			i++;
		columns[count++] = !strcmp(word, "name") ? COLUMN_NAME :
				   i < COUNTS ? (unsigned char)i : COLUMN_OTHER;
	}
	return count;
}

/* Returns the name, or NULL. */
static char *parse_row(char *line, const unsigned char *columns, size_t count,
		       struct counts *counts)
{
	char *name = NULL;

	*counts = (struct counts){ 0 };
	for (size_t i = 0; i < count && line; i++) {
		char *word = strsep(&line, " \n");

		if (columns[i] == COLUMN_NAME)
			name = word;
		else if (columns[i] < COUNTS && !strcmp(word, "max"))
			counts->value[columns[i]] = CTN_MAX;
		else if (columns[i] >= COUNTS || parse(word, &counts->value[columns[i]]))
			continue;
		if (columns[i] < COUNTS)
			counts->there |= COUNT(columns[i]);
	}
	if (name)
		undo_octal(name);
	return name;
}

int counts_read_all(int tree,
		    void (*each)(void *data, const char *name, const struct counts *counts),
		    void *data)
{
	int fd = openat(tree, "stat", O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
	unsigned char columns[MAX_COLUMNS];
	struct counts counts;
	char *line = NULL, *name;
	size_t size = 0, count;
	int ret;

	if (!file) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	count = getline(&line, &size, file) > 0 ? parse_heading(line, columns) : 0;
	while (count && getline(&line, &size, file) > 0) {
		name = parse_row(line, columns, count, &counts);
		if (name)
			each(data, name, &counts);
	}
	ret = count && !ferror(file) ? 0 : -1;
	free(line);
	fclose(file);
	return ret;
}

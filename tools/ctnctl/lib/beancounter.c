// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Beancounters: the table of a container, and setting a barrier and a limit in it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

#define NUMBERS	6

/* "RESOURCE HELD MAXHELD MINHELD BARRIER LIMIT FAILCNT", with any spaces between. */
static int parse_row(char *line, struct ctn_bc *row)
{
	uint64_t numbers[NUMBERS];
	char *save, *word = strtok_r(line, " ", &save), *end;

	if (!word)
		return -1;
	row->resource = word;
	for (int i = 0; i < NUMBERS; i++) {
		word = strtok_r(NULL, " ", &save);
		if (!word)
			return -1;
		if (!strcmp(word, "max"))
			numbers[i] = CTN_MAX;
		else if (parse_number(word, &end, &numbers[i]) || *end)
			return -1;
	}
	row->held = numbers[0];
	row->maxheld = numbers[1];
	row->minheld = numbers[2];
	row->barrier = numbers[3];
	row->limit = numbers[4];
	row->failcnt = numbers[5];
	return strtok_r(NULL, " ", &save) ? -1 : 0;
}

static ssize_t fail_line(const struct ctn *ctn, const char *line)
{
	char *path = join(ctn->path, "beancounters");

	if (!path)
		return -1;
	fail(EPROTO, path, line, "Not what is expected of this file", NULL);
	free(path);
	return -1;
}

CTN_API ssize_t ctn_bc_list(const struct ctn *ctn, struct ctn_bc **rows)
{
	char *text = ctn_get(ctn, "beancounters");
	size_t lines = 1, len;
	struct ctn_bc *list;
	ssize_t count = 0;
	char *rest;

	if (!text)
		return -1;
	for (rest = text; *rest; rest++)
		lines += *rest == '\n';
	/* the names stay in a copy of the text behind the array */
	len = strlen(text) + 1;
	list = malloc(lines * sizeof(*list) + len);
	if (!list) {
		free(text);
		return fail(ENOMEM, ctn->path, NULL, NULL, NULL);
	}
	memcpy(list + lines, text, len);

	/* the first is the heading */
	rest = text + strcspn(text, "\n");
	while (*rest) {
		char *line = ++rest;
		char *copy = (char *)(list + lines) + (line - text);

		rest += strcspn(rest, "\n");
		copy[rest - line] = '\0';
		if (parse_row(copy, &list[count++])) {
			if (*rest)
				*rest = '\0';
			fail_line(ctn, line);
			free(list);
			free(text);
			return -1;
		}
	}
	free(text);
	*rows = list;
	return count;
}

/* Write "RESOURCE FIRST SECOND"; @second may be NULL. */
static int write_words(const struct ctn *ctn, const char *resource,
		       const char *first, const char *second)
{
	size_t len = strlen(resource) + strlen(first) + (second ? strlen(second) : 0) + 3;
	char *line = malloc(len);
	int ret;

	if (!line)
		return fail(ENOMEM, ctn->path, NULL, NULL, NULL);
	strcpy(line, resource);
	strcat(strcat(line, " "), first);
	if (second)
		strcat(strcat(line, " "), second);
	ret = ctn_set(ctn, "beancounters", line);
	free(line);
	return ret;
}

CTN_API int ctn_bc_set(const struct ctn *ctn, const char *resource,
		       const char *barrier, const char *limit)
{
	return write_words(ctn, resource, barrier, limit);
}

CTN_API int ctn_bc_reset(const struct ctn *ctn, const char *resource)
{
	return write_words(ctn, resource, "reset", NULL);
}

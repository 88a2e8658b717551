// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Beancounters: what can be counted, the table of a container, and setting a barrier
 * and a limit in it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* The names that OpenVZ's kernels gave them. */
static const struct ctn_resource resources[] = {
	{ "kmemsize", CTN_UNIT_BYTES, NULL, NULL },
	{ "lockedpages", CTN_UNIT_PAGES, NULL, NULL },
	{ "privvmpages", CTN_UNIT_PAGES, NULL, NULL },
	{ "shmpages", CTN_UNIT_PAGES, NULL, NULL },
	{ "numproc", CTN_UNIT_COUNT, "task_limit", "task_limit_hits" },
	{ "physpages", CTN_UNIT_PAGES, "rss_limit", "rss_failcnt" },
	{ "vmguarpages", CTN_UNIT_PAGES, NULL, NULL },
	{ "oomguarpages", CTN_UNIT_PAGES, NULL, NULL },
	{ "numtcpsock", CTN_UNIT_COUNT, NULL, NULL },
	{ "numflock", CTN_UNIT_COUNT, NULL, NULL },
	{ "numpty", CTN_UNIT_COUNT, NULL, NULL },
	{ "numsiginfo", CTN_UNIT_COUNT, NULL, NULL },
	{ "tcpsndbuf", CTN_UNIT_BYTES, NULL, NULL },
	{ "tcprcvbuf", CTN_UNIT_BYTES, NULL, NULL },
	{ "othersockbuf", CTN_UNIT_BYTES, NULL, NULL },
	{ "dgramrcvbuf", CTN_UNIT_BYTES, NULL, NULL },
	{ "numothersock", CTN_UNIT_COUNT, NULL, NULL },
	{ "dcachesize", CTN_UNIT_BYTES, NULL, NULL },
	{ "numfile", CTN_UNIT_COUNT, NULL, NULL },
	{ "numiptent", CTN_UNIT_COUNT, NULL, NULL },
};

CTN_API const struct ctn_resource *ctn_resource_at(size_t index)
{
	return index < sizeof(resources) / sizeof(*resources) ? &resources[index] : NULL;
}

CTN_API const struct ctn_resource *ctn_resource_find(const char *name)
{
	for (size_t i = 0; i < sizeof(resources) / sizeof(*resources); i++)
		if (!strcmp(resources[i].name, name))
			return &resources[i];
	return NULL;
}

#define NUMBERS	6

/* "RESOURCE HELD MAXHELD MINHELD BARRIER LIMIT FAILCNT" */
static int parse_bc(char *line, struct ctn_bc *row)
{
	uint64_t numbers[NUMBERS];
	char *name;

	if (parse_line(line, &name, numbers, NUMBERS))
		return -1;
	row->resource = name;
	row->held = numbers[0];
	row->maxheld = numbers[1];
	row->minheld = numbers[2];
	row->barrier = numbers[3];
	row->limit = numbers[4];
	row->failcnt = numbers[5];
	return 0;
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
		if (parse_bc(copy, &list[count++])) {
			if (*rest)
				*rest = '\0';
			fail_content(ctn, "beancounters", line);
			free(list);
			free(text);
			return -1;
		}
	}
	free(text);
	*rows = list;
	return count;
}

struct ctn_bcs {
	size_t count;
	struct ctn_bc *rows;
};

CTN_API struct ctn_bcs *ctn_bcs_read(const struct ctn *ctn)
{
	struct ctn_bcs *bcs = malloc(sizeof(*bcs));
	ssize_t count;

	if (!bcs) {
		fail(ENOMEM, ctn->path, NULL, NULL, NULL);
		return NULL;
	}
	count = ctn_bc_list(ctn, &bcs->rows);
	if (count < 0) {
		free(bcs);
		return NULL;
	}
	bcs->count = (size_t)count;
	return bcs;
}

CTN_API size_t ctn_bcs_count(const struct ctn_bcs *bcs)
{
	return bcs->count;
}

CTN_API const char *ctn_bcs_resource(const struct ctn_bcs *bcs, size_t index)
{
	return index < bcs->count ? bcs->rows[index].resource : NULL;
}

CTN_API int ctn_bcs_number(const struct ctn_bcs *bcs, size_t index,
			   enum ctn_bc_what what, uint64_t *number)
{
	const struct ctn_bc *row = index < bcs->count ? &bcs->rows[index] : NULL;

	if (row && what == CTN_BC_HELD)
		*number = row->held;
	else if (row && what == CTN_BC_MAXHELD)
		*number = row->maxheld;
	else if (row && what == CTN_BC_MINHELD)
		*number = row->minheld;
	else if (row && what == CTN_BC_BARRIER)
		*number = row->barrier;
	else if (row && what == CTN_BC_LIMIT)
		*number = row->limit;
	else if (row && what == CTN_BC_FAILCNT)
		*number = row->failcnt;
	else
		return fail(EINVAL, NULL, NULL, NULL, NULL);
	return 0;
}

CTN_API void ctn_bcs_free(struct ctn_bcs *bcs)
{
	if (bcs)
		free(bcs->rows);
	free(bcs);
}

/* Write "RESOURCE FIRST SECOND"; @second may be NULL. */
static int write_words(const struct ctn *ctn, const char *resource,
		       const char *first, const char *second)
{
	char *line;
	int ret;

	if (asprintf(&line, "%s %s%s%s", resource, first, second ? " " : "",
		     second ? second : "") < 0)
		return fail(ENOMEM, ctn->path, NULL, NULL, NULL);
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

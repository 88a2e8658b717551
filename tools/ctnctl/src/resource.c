// SPDX-License-Identifier: GPL-2.0-only
/*
 * Resources: the names that OpenVZ's kernels gave them, of which this kernel may count
 * some; reading and writing barriers and limits in a container and in the defaults.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "parse.h"
#include "resource.h"

/* A kernel that is newer than this may count others. */
static enum ctn_unit unit_of(const char *name)
{
	const struct ctn_resource *known = ctn_resource_find(name);

	return known ? known->unit : CTN_UNIT_COUNT;
}

/* Reading and writing */

static uint64_t number_of(const struct ctn_bcs *bcs, size_t row, enum ctn_bc_what what)
{
	uint64_t value = 0;

	/* a row that is there has each of them */
	ctn_bcs_number(bcs, row, what, &value);
	return value;
}

static ssize_t container_rows(const struct ctn *ctn, struct resource_row **rows)
{
	struct ctn_bcs *bcs = ctn_bcs_read(ctn);
	struct resource_row *list;
	size_t count;

	if (!bcs)
		return -1;
	count = ctn_bcs_count(bcs);
	list = xrealloc(NULL, count + 1, sizeof(*list));
	for (size_t i = 0; i < count; i++)
		list[i] = (struct resource_row){
			.name = xasprintf("%s", ctn_bcs_resource(bcs, i)),
			.held = number_of(bcs, i, CTN_BC_HELD),
			.maxheld = number_of(bcs, i, CTN_BC_MAXHELD),
			.minheld = number_of(bcs, i, CTN_BC_MINHELD),
			.bounds.barrier = number_of(bcs, i, CTN_BC_BARRIER),
			.bounds.limit = number_of(bcs, i, CTN_BC_LIMIT),
			.failcnt = number_of(bcs, i, CTN_BC_FAILCNT),
		};
	ctn_bcs_free(bcs);
	*rows = list;
	return (ssize_t)count;
}

/* A number that means "max" to us is too large for one. */
static int take_number(const char *text, uint64_t *number)
{
	return parse_value(text, number) || (*number == CTN_MAX && strcmp(text, "max")) ?
	       -1 : 0;
}

/* "RESOURCE BARRIER LIMIT", after a heading; a line that is none is left out. */
static ssize_t default_rows(const struct ctn_tree *tree, struct resource_row **rows)
{
	char *text = ctn_tree_get(tree, "default_beancounters");
	struct resource_row *list;
	char *line, *save = NULL;
	ssize_t count = 0;

	if (!text)
		return -1;
	list = xrealloc(NULL, 1, sizeof(*list));
	line = strtok_r(text, "\n", &save);
	while (line && (line = strtok_r(NULL, "\n", &save)) != NULL) {
		uint64_t numbers[2];
		char *name;

		if (parse_line(line, &name, numbers, 2))
			continue;
		list = xrealloc(list, (size_t)count + 1, sizeof(*list));
		list[count++] = (struct resource_row){
			.name = xasprintf("%s", name),
			.bounds = { numbers[0], numbers[1] },
		};
	}
	free(text);
	*rows = list;
	return count;
}

ssize_t resource_rows(const struct holder *of, struct resource_row **rows)
{
	return of->ctn ? container_rows(of->ctn, rows) : default_rows(of->tree, rows);
}

void resource_rows_free(struct resource_row *rows, ssize_t count)
{
	for (ssize_t i = 0; i < count; i++)
		free(rows[i].name);
	free(rows);
}

int resource_get(const struct holder *of, const char *name, struct bounds *bounds)
{
	struct resource_row *rows = NULL;
	ssize_t count = resource_rows(of, &rows);
	int ret = 0;

	/* a kernel may have no beancounters; a container that has gone is not that */
	if (count < 0)
		return errno == ENOENT && !(of->ctn && ctn_exists(of->ctn)) ? 0 : -1;
	for (ssize_t i = 0; i < count; i++) {
		if (strcmp(rows[i].name, name))
			continue;
		*bounds = rows[i].bounds;
		ret = 1;
	}
	resource_rows_free(rows, count);
	return ret;
}

int resource_not_counted(const struct holder *of, const char *name)
{
	complain("%s/%s: %s: " RESOURCE_NOT_COUNTED,
		 of->ctn ? ctn_path(of->ctn) : ctn_tree_path(of->tree),
		 of->ctn ? "beancounters" : "default_beancounters", name);
	return STATUS_REFUSED;
}

int resource_is(const struct holder *of, const char *name)
{
	struct bounds bounds;

	if (ctn_attr_find(name) || (of->ctn && !ctn_has(of->ctn, name)))
		return 0;
	return ctn_resource_find(name) ? 1 : resource_get(of, name, &bounds);
}

int resource_set(const struct holder *of, const char *name, const char *value)
{
	char *barrier = xasprintf("%s", value), *line;
	char *limit = strchr(barrier, ':');
	int ret;

	if (limit)
		*limit++ = '\0';
	else
		limit = barrier;
	if (of->ctn) {
		ret = strcmp(value, "reset") ? ctn_bc_set(of->ctn, name, barrier, limit) :
					       ctn_bc_reset(of->ctn, name);
	} else {
		line = xasprintf("%s %s %s", name, barrier, limit);
		ret = ctn_tree_set(of->tree, "default_beancounters", line);
		free(line);
	}
	free(barrier);
	return ret;
}

/* Text */

static int is_number(const char *text)
{
	return *text && !text[strspn(text, "0123456789")];
}

/* Bytes, of which there need not be whole pages. */
static int take_bytes(const char *text, uint64_t *bytes)
{
	static const char letters[] = "KMGT";
	size_t digits = strspn(text, "0123456789");
	const char *letter = text[digits] ? strchr(letters, text[digits]) : NULL;
	unsigned int shift = letter ? 10 * (unsigned int)(letter - letters + 1) : 0;
	char *number = xasprintf("%.*s", (int)digits, text);
	int ret = take_number(number, bytes);

	free(number);
	if (ret || text[digits + !!letter] || (*bytes << shift) >> shift != *bytes)
		return -1;
	*bytes <<= shift;
	return 0;
}

/* @text is changed to what the kernel takes, which is never longer. */
static int take_bound(enum ctn_unit unit, char *text, uint64_t *number)
{
	if (!strcmp(text, "max") || is_number(text)) {
		int ret = take_number(text, number);

		/* as OpenVZ's kernels and their files have it */
		if (!ret && *number == INT64_MAX)
			*number = CTN_MAX;
		return ret;
	}
	if (unit == CTN_UNIT_BYTES)
		return take_bytes(text, number);
	return unit != CTN_UNIT_PAGES || take_size(text) ? -1 :
	       ctn_parse_pages(text, number);
}

const char *resource_parse(const char *name, char *value, struct bounds *bounds)
{
	static const char *const want[] = {
		[CTN_UNIT_COUNT] = "want LIMIT or BARRIER:LIMIT, numbers or \"max\"",
		[CTN_UNIT_PAGES] = "want LIMIT or BARRIER:LIMIT, sizes such as 64M, numbers of pages, or \"max\"",
		[CTN_UNIT_BYTES] = "want LIMIT or BARRIER:LIMIT, numbers of bytes such as 64M, or \"max\"",
	};
	enum ctn_unit unit = unit_of(name);
	char *barrier = xasprintf("%s", value);
	char *limit = strchr(barrier, ':');
	const char *why = NULL;

	if (limit)
		*limit++ = '\0';
	if (take_bound(unit, barrier, &bounds->barrier))
		why = want[unit];
	bounds->limit = bounds->barrier;
	if (!why && limit && take_bound(unit, limit, &bounds->limit))
		why = want[unit];
	if (!why && bounds->barrier > bounds->limit)
		why = "the barrier is over the limit";
	if (!why && limit)
		sprintf(value, "%s:%s", barrier, limit);
	else if (!why)
		strcpy(value, barrier);
	free(barrier);
	return why;
}

static char *bound_text(enum ctn_unit unit, uint64_t number)
{
	if (number == CTN_MAX)
		return xasprintf("max");
	/* a larger size is none to the kernel */
	if (unit == CTN_UNIT_PAGES && pages_to_bytes(number) != UINT64_MAX)
		return xasprintf("%s", exact_size(number).text);
	return xasprintf("%" PRIu64, number);
}

char *resource_text(const char *name, const struct bounds *bounds)
{
	char *barrier = bound_text(unit_of(name), bounds->barrier);
	char *limit = bound_text(unit_of(name), bounds->limit);
	char *text = xasprintf("%s:%s", barrier, limit);

	free(barrier);
	free(limit);
	return text;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * What the actors did: how often each operation, and what came of it, so that one
 * sees that they did not just collect errors.
 */
#include <stdio.h>
#include <string.h>
#include "torture.h"

/* Tried so often without success, an operation does not test what it is to. */
#define OFTEN	100

static unsigned long total(const struct kind *kind, int op, int err)
{
	unsigned long sum = 0;

	for (int i = 0; i < shared->nr_slots; i++)
		if (shared->slot[i].kind == kind)
			sum += shared->count[i][op][err];
	return sum;
}

static void report_op(const struct kind *kind, int op)
{
	char line[512];
	int len = snprintf(line, sizeof(line), "%-7s %-20s ok %lu", kind->name,
			   kind->ops[op].name, total(kind, op, 0));

	for (int err = 1; err < ERRNOS; err++) {
		unsigned long nr = total(kind, op, err);

		if (nr && len < (int)sizeof(line) - 40)
			len += snprintf(line + len, sizeof(line) - len, ", %s %lu",
					strerrorname_np(err), nr);
	}
	say("%s", line);
}

/* Call @fn once for each kind that there is. */
static void for_all_kinds(void (*fn)(const struct kind *kind))
{
	for (int i = 0; i < shared->nr_slots; i++)
		if (!i || shared->slot[i].kind != shared->slot[i - 1].kind)
			fn(shared->slot[i].kind);
}

static void report_kind(const struct kind *kind)
{
	unsigned long deaths;

	for (int op = 0; kind->ops[op].name; op++)
		report_op(kind, op);
	for (int sig = 0; sig < 65; sig++) {
		deaths = 0;
		for (int i = 0; i < shared->nr_slots; i++)
			if (shared->slot[i].kind == kind)
				deaths += shared->deaths[i][sig];
		if (deaths)
			say("%-7s died of %s: %lu", kind->name,
			    sig ? sigabbrev_np(sig) ?: "?" : "exit", deaths);
	}
}

void report_counts(void)
{
	for_all_kinds(report_kind);
}

static int futile;

static void count_futile_of(const struct kind *kind)
{
	for (int op = 0; kind->ops[op].name; op++) {
		unsigned long tried = 0;

		/* this one is there to fail */
		if (!strcmp(kind->ops[op].name, "refused") ||
		    !strcmp(kind->ops[op].name, "bad pid"))
			continue;
		for (int err = 1; err < ERRNOS; err++)
			tried += total(kind, op, err);
		if (tried < OFTEN || total(kind, op, 0))
			continue;
		say("%s: \"%s\" has failed each time", kind->name,
		    kind->ops[op].name);
		futile++;
	}
}

int count_futile(void)
{
	futile = 0;
	for_all_kinds(count_futile_of);
	return futile;
}

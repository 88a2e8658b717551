// SPDX-License-Identifier: GPL-2.0
/*
 * What must hold when the load is stopped: the audit agrees, the files of the
 * containers say the same as the audit, and in the end there is nothing left.
 *
 * Stopped is the load of the actors. Reclaim, writeback and khugepaged may go on
 * for a moment, and while a folio is in their hands it is where no counter has
 * it: so each check is tried until it holds, for as long as it is given.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "torture.h"

static char audit[1 << 18];

/* Its verdict, or NULL without any. */
static const char *read_audit(void)
{
	ssize_t len = get(AUDIT, audit, sizeof(audit));
	char *last;

	if (len < 2)
		return NULL;
	audit[len - 1] = '\0';
	last = strrchr(audit, '\n');
	return last ? last + 1 : audit;
}

/* Which files each container has. */
static void show_mappings(void)
{
	char path[64], *save, *line;

	for (int i = 0; i < CONTAINERS; i++) {
		snprintf(path, sizeof(path), ROOT "/c%d/mappings", i);
		if (get(path, audit, sizeof(audit)) < 0)
			continue;
		for (line = strtok_r(audit, "\n", &save); line;
		     line = strtok_r(NULL, "\n", &save))
			say("c%d: %s", i, line);
	}
}

void show_audit(void)
{
	char *save, *line;

	read_audit();
	for (line = strtok_r(audit, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		say("%s", line);
	show_mappings();
	if (get("/proc/meminfo", audit, sizeof(audit)) < 0)
		return;
	/* where folios are that no process has */
	for (line = strtok_r(audit, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		if (!strncmp(line, "SwapCached", 10) ||
		    !strncmp(line, "HardwareCorrupted", 17))
			say("%s", line);
	/* and files without a name that no process has */
	if (get("/proc/sysvipc/shm", audit, sizeof(audit)) < 0)
		return;
	for (line = strtok_r(audit, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		say("SysV %s", line);
}

/* ---- the lines of containers ---- */

static bool is_container(const char *line)
{
	return isdigit(line[0]);
}

/* The number that a line has for a key. */
static long value(const char *line, const char *key)
{
	char pattern[32];
	const char *p;

	snprintf(pattern, sizeof(pattern), " %s=", key);
	p = strstr(line, pattern);
	return p ? strtol(p + strlen(pattern), NULL, 10) : -1;
}

static bool file_says(const char *line, const char *file, long number)
{
	char name[64], path[160], text[32];

	if (sscanf(line, "%*d %63s", name) != 1)
		return false;
	snprintf(path, sizeof(path), ROOT "/%s/%s", name, file);
	/* a container that is being freed has no files any more */
	if (get(path, text, sizeof(text)) < 0)
		return name[0] == '-';
	return strtol(text, NULL, 10) == number;
}

static bool files_agree(const char *line)
{
	return file_says(line, "num_anon_pages", value(line, "anon")) &&
	       file_says(line, "num_file_pages",
			 value(line, "file") + value(line, "shmem")) &&
	       file_says(line, "num_mapped_pages", value(line, "mapped_file") +
			 value(line, "mapped_shmem")) &&
	       file_says(line, "num_active_pages", value(line, "active")) &&
	       file_says(line, "rss_usage", value(line, "rss")) &&
	       file_says(line, "num_tasks", value(line, "tasks")) &&
	       file_says(line, "num_files", value(line, "files"));
}

/* Does each line of a container pass? */
static bool all_lines(bool (*pass)(const char *line))
{
	const char *line = audit;

	while (line && *line) {
		if (is_container(line) && !pass(line))
			return false;
		line = strchr(line, '\n');
		line += !!line;
	}
	return true;
}

static bool line_is_zero(const char *line)
{
	for (const char *p = strchr(line, '='); p && p < strchrnul(line, '\n');
	     p = strchr(p + 1, '='))
		if (p[1] != '0')
			return false;
	return true;
}

/* ---- waiting for it ---- */

static bool agrees(void)
{
	const char *verdict = read_audit();

	return verdict && !strcmp(verdict, "agree") && all_lines(files_agree);
}

static bool is_zero(void)
{
	/* 4: do not say so in the log */
	put("/proc/sys/vm/drop_caches", "4");
	put("/proc/sys/vm/drop_caches", "3");
	return agrees() && all_lines(line_is_zero);
}

static bool no_line(const char *line)
{
	(void)line;
	return false;
}

static bool is_freed(void)
{
	const char *verdict = read_audit();

	return verdict && !strcmp(verdict, "agree") && all_lines(no_line) &&
	       strstr(audit, "\nallocated 0\n");
}

static bool comes_true(bool (*check)(void), int seconds)
{
	long end = now() + seconds;

	while (!check()) {
		if (now() >= end)
			return false;
		usleep(200000);
	}
	return true;
}

bool audit_agrees(int seconds)
{
	return comes_true(agrees, seconds);
}

bool all_is_zero(int seconds)
{
	return comes_true(is_zero, seconds);
}

bool all_is_freed(int seconds)
{
	return comes_true(is_freed, seconds);
}

/* ---- coming to rest ---- */

/* Whoever waits for room gets it. */
void lift_limits(void)
{
	static const char * const limits[] = {
		"page_limit", "rss_limit", "task_limit",
	};
	char path[96];

	put(ROOT "/default_page_limit", "max");
	put(ROOT "/default_task_limit", "max");
	for (int i = 0; i < CONTAINERS * 3; i++) {
		snprintf(path, sizeof(path), ROOT "/c%d/%s", i / 3, limits[i % 3]);
		put(path, "max");
	}
}

static void show_process(pid_t pid)
{
	static const char * const names[] = { "status", "wchan", "stack" };
	static char text[8192];
	char path[64], *line, *save;

	for (int i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "/proc/%d/%s", pid, names[i]);
		if (get(path, text, sizeof(text)) < 0)
			continue;
		for (line = strtok_r(text, "\n", &save); line;
		     line = strtok_r(NULL, "\n", &save))
			if (i || !strncmp(line, "State", 5) || !strncmp(line, "Name", 4))
				say("  %d %s: %s", pid, names[i], line);
	}
}

void show_stuck(struct slot *slot)
{
	const struct op *op = slot->op;

	say("actor %td (%s, pid %d) is at \"%s\" for %ld s", slot - shared->slot,
	    slot->kind->name, slot->pid, op ? op->name : "nothing",
	    now() - slot->since);
	show_process(slot->pid);
	if (slot->child)
		show_process(slot->child);
}

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
#include <sys/stat.h>
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

/* The files with a number that is 0 where nothing is. */
static const char * const numbers[] = {
	"num_anon_pages", "num_file_pages", "num_mapped_pages", "num_active_pages",
	"rss_usage", "num_tasks", "num_files",
};

#define NUMBERS	((int)(sizeof(numbers) / sizeof(*numbers)))

/* Which files each container has. */
static void show_mappings(const char *dir)
{
	char path[160], *save, *line;

	snprintf(path, sizeof(path), "%s/mappings", dir);
	if (get(path, audit, sizeof(audit)) < 0)
		return;
	for (line = strtok_r(audit, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		say("%s: %s", dir + sizeof(ROOT), line);
}

static void show_numbers(const char *dir)
{
	char text[256];
	int len = 0;

	for (int i = 0; i < NUMBERS; i++)
		len += snprintf(text + len, sizeof(text) - len, " %s=%ld",
				numbers[i], number_in(dir, numbers[i]));
	say("%s:%s", dir + sizeof(ROOT), text);
}

void show_audit(void)
{
	char *save, *line;

	read_audit();
	for (line = strtok_r(audit, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		say("%s", line);
	for_containers(show_numbers);
	for_containers(show_mappings);
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
	/* the host's is 0 */
	return line[0] >= '1' && line[0] <= '9';
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

/* The directory of the container of a line; false for one that has none any more. */
static bool line_dir(const char *line, char *dir)
{
	char name[64];

	if (sscanf(line, "%*d %63s", name) != 1 || !strcmp(name, "-"))
		return false;
	sprintf(dir, ROOT "/%s", name);
	return true;
}

/*
 * What "mappings" says: the lines, and their pages. Those on devices, which can
 * be dropped, are all that are cached of a file of the container, others its own.
 */
struct listed {
	long files;
	long dropped_pages;
	long held_pages;
};

static bool list_mappings(const char *dir, struct listed *l)
{
	static char text[1 << 20];
	unsigned int major, minor;
	char path[160], *line, *save;
	long pages;

	snprintf(path, sizeof(path), "%s/mappings", dir);
	if (get(path, text, sizeof(text)) < 0)
		return false;
	for (line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		if (sscanf(line, "%ld %u:%u ", &pages, &major, &minor) != 3)
			return false;
		l->files++;
		/* the program that all of them run is on what has no device either */
		if (!major && !strstr(line, "/torture/torture"))
			l->held_pages += pages;
		else
			l->dropped_pages += pages;
	}
	return true;
}

/*
 * The files that it has a part in are more than those that are listed, of which it
 * may have no page just now, and these more than those that it owns. What the swap
 * cache has of held memory is in no file.
 */
static bool mappings_agree(const char *dir, const char *line)
{
	struct listed l = {};
	long owned = number_in(dir, "num_files");

	return list_mappings(dir, &l) && owned >= 0 && owned <= l.files &&
	       l.files <= value(line, "files") &&
	       l.held_pages <= value(line, "held_file") &&
	       l.dropped_pages >= value(line, "file");
}

static bool files_agree(const char *line)
{
	char dir[96];

	/* a container that is being freed has no files any more */
	if (!line_dir(line, dir))
		return true;
	return number_in(dir, "num_anon_pages") == value(line, "anon") &&
	       number_in(dir, "num_file_pages") ==
		       value(line, "file") + value(line, "held_file") &&
	       number_in(dir, "num_mapped_pages") ==
		       value(line, "mapped_file") + value(line, "mapped_held") &&
	       number_in(dir, "num_active_pages") == value(line, "active") &&
	       number_in(dir, "rss_usage") == value(line, "anon") +
		       value(line, "held_file") + value(line, "mapped_file") &&
	       value(line, "held") == value(line, "anon") + value(line, "held_file") &&
	       value(line, "droppable") == value(line, "file") &&
	       number_in(dir, "num_tasks") == value(line, "tasks") &&
	       mappings_agree(dir, line);
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

/* "0" and nothing else: not "0/0/-1", either. What ends with @but may be something. */
static bool is_zero_but(const char *line, const char *but)
{
	size_t len = but ? strlen(but) : 0;

	for (const char *p = strchr(line, '='); p && p < strchrnul(line, '\n');
	     p = strchr(p + 1, '='))
		if ((p[1] != '0' || (p[2] && p[2] != ' ' && p[2] != '\n')) &&
		    (!but || strncmp(p - len, but, len)))
			return false;
	return true;
}

static bool line_is_zero(const char *line)
{
	return is_zero_but(line, NULL);
}

/* Objects of the kernel may be anybody's by now. */
static bool memory_is_zero(const char *line)
{
	return is_zero_but(line, "size");
}

/* ---- one that has nothing ---- */

bool is_empty(const char *name)
{
	const char *line = read_audit() ? audit : NULL;
	char dir[96], is[64];

	/* whatever the others do meanwhile: not for a moment, and not less than none */
	for (; line && *line; line = strchr(line, '\n'), line += !!line)
		if (is_container(line) && sscanf(line, "%*d %63s", is) == 1 &&
		    !strcmp(is, name))
			break;
	if (line && (!*line || !line_is_zero(line))) {
		broken("%s: %.*s", name, (int)(strchrnul(line, '\n') - line), line);
		return false;
	}
	snprintf(dir, sizeof(dir), ROOT "/%s", name);
	for (int i = 0; i < NUMBERS; i++)
		if (number_in(dir, numbers[i]) > 0) {
			broken("%s/%s is %ld", name, numbers[i], number_in(dir, numbers[i]));
			return false;
		}
	return true;
}

#define NEW_ONES	8

bool new_are_empty(void)
{
	char path[64];
	bool ret = true;

	for (int i = 0; i < NEW_ONES; i++) {
		snprintf(path, sizeof(path), ROOT "/new%d", i);
		ret &= !mkdir(path, 0755);
	}
	for (int i = 0; i < NEW_ONES; i++) {
		snprintf(path, sizeof(path), "new%d", i);
		ret &= is_empty(path);
	}
	for (int i = 0; i < NEW_ONES; i++) {
		snprintf(path, sizeof(path), ROOT "/new%d", i);
		ret &= !rmdir(path);
	}
	return ret;
}

/* ---- waiting for it ---- */

static bool numbers_left;

static bool agrees(void)
{
	const char *verdict = read_audit();

	return verdict && !strcmp(verdict, "agree") && all_lines(files_agree);
}

/*
 * Is there nothing left of what only actors have that have been killed? Files may be
 * kept by others.
 */
static void numbers_are_zero(const char *dir)
{
	static const char * const names[] = { "numflock ", "numpty ", "numsiginfo " };
	static char text[4096];
	char path[160], *at;

	snprintf(path, sizeof(path), "%s/beancounters", dir);
	if (get(path, text, sizeof(text)) < 0)
		return;
	for (int i = 0; i < 3; i++) {
		at = strstr(text, names[i]);
		if (at && strtol(at + strlen(names[i]), NULL, 10))
			numbers_left = true;
	}
}

static bool is_zero(void)
{
	numbers_left = false;
	for_containers(numbers_are_zero);
	if (numbers_left)
		return false;
	/* 4: do not say so in the log */
	put("/proc/sys/vm/drop_caches", "4");
	put("/proc/sys/vm/drop_caches", "3");
	return agrees() && all_lines(memory_is_zero);
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
		/* what waits to be put on a list may be in no file any more */
		put("/proc/sys/vm/compact_memory", "1");
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

static void lift_limits_of(const char *dir)
{
	static const char * const limits[] = {
		"page_limit", "rss_limit", "task_limit",
	};
	char path[160];

	for (int i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, limits[i]);
		put(path, "max");
	}
}

/* Whoever waits for room gets it. */
void lift_limits(void)
{
	put(ROOT "/default_page_limit", "max");
	put(ROOT "/default_task_limit", "max");
	/* what the host has, everybody has */
	put(ROOT "/count_host", "0");
	for_containers(lift_limits_of);
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
	    slot->kind->name, slot->process, op ? op->name : "nothing",
	    now() - slot->since);
	show_process(slot->process);
	if (slot->child)
		show_process(slot->child);
}

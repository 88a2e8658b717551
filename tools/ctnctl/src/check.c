// SPDX-License-Identifier: GPL-2.0-only
/*
 * ctnctl check: what is wrong with the containers, and why, as far as that can be seen
 * from outside: the manual's "Troubleshooting" as a command. It changes nothing.
 */
#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <linux/magic.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "failed.h"
#include "resource.h"

/* Tasks are many when they are this part of the limit. */
#define MANY_OF(limit) ((limit) - (limit) / 10)

/* Swap is full when no more than this part of it is free. */
#define FULL_PERCENT 2

/* A container that is over its limit is so if it is after this time, too. */
static const struct timespec moment = { 1, 0 };

struct config {
	int json;
	int only_new;
	char **names;		/* NULL for all */
};

struct machine {
	uint64_t memory;	/* in bytes */
	uint64_t swap;
	uint64_t swap_free;
};

/* What the limits add up to, in pages, of those that have one. */
struct promised {
	uint64_t page_limit;
	uint64_t rss_limit;
	size_t count;		/* how many containers there are */
	int has_rss_limit;
};

struct report {
	const struct config *config;
	struct json_object *array;
	struct failed *seen;	/* NULL if all is to be told that was ever counted */
	size_t count;
	int status;		/* STATUS_REFUSED if something could not be read */
};

/* Reporting */

/*
 * @name: the container, or NULL for the machine. @about: a file, or a word for what is no
 * file, for programs.
 */
static PRINTF(4, 5) void find(struct report *report, const char *name,
			      const char *about, const char *fmt, ...)
{
	struct json_object *object;
	va_list args;
	char *text, *line;

	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		die("%s", strerror(ENOMEM));
	va_end(args);
	report->count++;
	if (report->config->json) {
		object = json_new();
		if (name)
			json_put_text(object, "name", name);
		json_put_text(object, "about", about);
		json_put_text(object, "text", text);
		if (json_object_array_add(report->array, object))
			die("%s", strerror(ENOMEM));
	} else {
		char *escaped = name ? ctn_escape(name) : NULL;

		line = printable(text);
		printf("%s: %s\n", escaped ? escaped : "the machine", line);
		free(line);
		free(escaped);
	}
	free(text);
}

/* Reasons that are collected for one finding. */
struct reasons {
	FILE *to;
	char *text;
	size_t len;
	int any;
};

static void begin(struct reasons *reasons)
{
	*reasons = (struct reasons){ 0 };
	reasons->to = open_memstream(&reasons->text, &reasons->len);
	if (!reasons->to)
		die("%s", strerror(errno));
}

static PRINTF(2, 3) void because(struct reasons *reasons, const char *fmt, ...)
{
	va_list args;

	fputs(reasons->any++ ? "; " : ": ", reasons->to);
	va_start(args, fmt);
	vfprintf(reasons->to, fmt, args);
	va_end(args);
}

static const char *end(struct reasons *reasons)
{
	if (fclose(reasons->to))
		die("%s", strerror(errno));
	return reasons->text;
}

/* The machine */

static void read_meminfo(struct machine *machine)
{
	FILE *from = fopen("/proc/meminfo", "re");
	char line[256];

	while (from && fgets(line, sizeof(line), from)) {
		sscanf(line, "MemTotal: %" SCNu64, &machine->memory);
		sscanf(line, "SwapTotal: %" SCNu64, &machine->swap);
		sscanf(line, "SwapFree: %" SCNu64, &machine->swap_free);
	}
	if (from)
		fclose(from);
	machine->memory <<= 10;
	machine->swap <<= 10;
	machine->swap_free <<= 10;
}

/* Why held memory cannot be swapped out, or NULL if it can. */
static const char *no_swap(const struct machine *machine)
{
	return !machine->swap ? "there is no swap" :
	       machine->swap_free / FULL_PERCENT < machine->swap / 100 ?
	       "swap is full" : NULL;
}

static int has_line(const char *file, const char *wanted)
{
	FILE *from = fopen(file, "re");
	char line[512];
	int found = 0;

	if (!from)
		return -1;
	while (!found && fgets(line, sizeof(line), from)) {
		line[strcspn(line, "\n")] = '\0';
		found = !strcmp(line, wanted);
	}
	fclose(from);
	return found;
}

/* There is no tree: what the library says, and what the kernel was built with. */
static void check_kernel(struct report *report)
{
	struct utsname name;
	char *config;

	find(report, NULL, "containers", "%s", ctn_errmsg());
	if (uname(&name))
		return;
	config = xasprintf("/boot/config-%s", name.release);
	if (!has_line(config, "CONFIG_CONTAINERS=y"))
		find(report, NULL, "CONFIG_CONTAINERS",
		     "this kernel, %s, was built without CONFIG_CONTAINERS (%s)",
		     name.release, config);
	if (!has_line("/proc/filesystems", "nodev\tconfigfs"))
		find(report, NULL, "CONFIG_CONFIGFS_FS",
		     "this kernel has no configfs, or it is not loaded (modprobe configfs)");
	free(config);
}

/* Files that the library knows, and that a container of this kernel has not. */
static void check_files(struct report *report, const struct ctn *ctn)
{
	const struct ctn_attr *attr;
	struct reasons lacks;

	begin(&lacks);
	for (size_t i = 0; (attr = ctn_attr_at(i)); i++) {
		/* beancounters are an option of the kernel's */
		if ((attr->flags & CTN_ATTR_TREE) || !ctn_has(ctn, attr->name) ||
		    !strcmp(attr->name, "beancounters"))
			continue;
		if (ctn_exists(ctn))
			lacks.any = 0;
		else
			fprintf(lacks.to, "%s%s", lacks.any++ ? ", " : "",
				attr->name);
	}
	end(&lacks);
	if (lacks.any)
		find(report, NULL, "kernel", "this kernel lacks %s: it is older than ctnctl",
		     lacks.text);
	free(lacks.text);
}

static void check_promised(struct report *report, const struct machine *machine,
			   const struct promised *promised)
{
	uint64_t pages = pages_to_bytes(promised->page_limit);
	uint64_t rss = pages_to_bytes(promised->rss_limit);

	if (machine->memory && pages > machine->memory)
		find(report, NULL, "page_limit",
		     "page limits add up to %s, and it has %s of memory: not all can be used at once",
		     size_of_bytes(pages).text, size_of_bytes(machine->memory).text);
	if (machine->memory && rss > machine->memory + machine->swap)
		find(report, NULL, "rss_limit",
		     "rss limits add up to %s, and it has %s of memory and %s of swap: its own OOM killer may come first",
		     size_of_bytes(rss).text, size_of_bytes(machine->memory).text,
		     size_of_bytes(machine->swap).text);
	if (machine->memory && promised->has_rss_limit && no_swap(machine))
		find(report, NULL, "swap",
		     "%s: a container that meets its rss_limit has a process killed at once",
		     no_swap(machine));
}

static void check_watches(struct report *report, size_t containers)
{
	FILE *from = fopen("/proc/sys/fs/inotify/max_user_watches", "re");
	const struct ctn_attr *attr;
	size_t each = 0;
	uint64_t most;

	for (size_t i = 0; (attr = ctn_attr_at(i)); i++)
		each += !!(attr->flags & CTN_ATTR_EVENT);
	if (from && fscanf(from, "%" SCNu64, &most) == 1 &&
	    containers * each + 1 > most)
		find(report, NULL, "fs.inotify.max_user_watches",
		     "watch and trim need %zu watches of inotify for all containers, and fs.inotify.max_user_watches is %" PRIu64,
		     containers * each + 1, most);
	if (from)
		fclose(from);
}

/* A container */

/* 0 if this kernel has no such file; what cannot be read was said before. */
static uint64_t get(const struct ctn *ctn, const char *attr)
{
	uint64_t value;

	return ctn_get_number(ctn, attr, &value) ? 0 : value;
}

static uint64_t get_limit(const struct ctn *ctn, const char *attr)
{
	uint64_t value;

	return ctn_get_number(ctn, attr, &value) ? CTN_MAX : value;
}

static uint64_t usage(const struct ctn *ctn)
{
	uint64_t pages;

	return ctn_usage(ctn, &pages) ? 0 : pages;
}

/* Of no rows if they cannot be read, which check_readable() has said. */
static ssize_t get_rows(const struct ctn *ctn, struct resource_row **rows)
{
	ssize_t count = resource_rows(&(struct holder){ .ctn = ctn }, rows);

	return count < 0 ? 0 : count;
}

static int is_over_barrier(const struct ctn *ctn)
{
	struct resource_row *rows = NULL;
	ssize_t count = get_rows(ctn, &rows);
	int over = 0;

	for (ssize_t i = 0; i < count; i++)
		over |= rows[i].held > rows[i].bounds.barrier;
	resource_rows_free(rows, count);
	return over;
}

static int is_over(const struct ctn *ctn)
{
	return is_over_barrier(ctn) || usage(ctn) > get_limit(ctn, "page_limit") ||
	       get(ctn, "rss_usage") > get_limit(ctn, "rss_limit");
}

/* Of a process, in bytes; 0 for a thread that is not the first of one. */
static uint64_t locked_of(pid_t tid)
{
	char *path = xasprintf("/proc/%d/status", (int)tid);
	FILE *from = fopen(path, "re");
	uint64_t locked = 0;
	char line[256];
	int pid = 0;

	free(path);
	while (from && fgets(line, sizeof(line), from)) {
		sscanf(line, "Tgid: %d", &pid);
		sscanf(line, "VmLck: %" SCNu64, &locked);
	}
	if (from)
		fclose(from);
	return pid == tid ? locked << 10 : 0;
}

/* Who has the most locked memory, and how much all have. */
static void explain_locked(struct reasons *reasons, const struct ctn *ctn)
{
	pid_t *tids = NULL;
	ssize_t count = ctn_tasks(ctn, &tids);
	uint64_t all = 0, most = 0;
	pid_t pid = 0;

	for (ssize_t i = 0; i < count; i++) {
		uint64_t locked = locked_of(tids[i]);

		all += locked;
		if (locked > most) {
			most = locked;
			pid = tids[i];
		}
	}
	if (count >= 0)
		free(tids);
	if (all)
		because(reasons, "%s of its processes' memory is locked, the most by process %d",
			size_of_bytes(all).text, (int)pid);
}

/* Whether what is in this file can go to swap at most. */
static int is_held(const struct ctn_mapping *map)
{
	struct statfs fs;

	/* a memfd, shared anonymous memory */
	if (!map->fspath && !map->major)
		return 1;
	return map->path && !statfs(map->path, &fs) &&
	       (fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC);
}

/* 0 if that may not be read. */
static uint64_t shared(const struct ctn *ctn)
{
	struct ctn_mapping **maps = NULL;
	uint64_t pages = 0;

	if (ctn_mappings(ctn, &maps) < 0)
		return 0;
	for (size_t i = 0; maps[i]; i++)
		if (is_held(maps[i]))
			pages += maps[i]->pages;
	ctn_mappings_free(maps);
	return pages;
}

static int is_deactivating(const struct ctn *ctn)
{
	char *mode = ctn_get(ctn, "over_limit");
	int deactivating = mode && !strcmp(mode, "deactivate");

	free(mode);
	return deactivating;
}

static void check_page_limit(struct report *report, const struct machine *machine,
			     const struct ctn *ctn)
{
	uint64_t limit = get_limit(ctn, "page_limit");
	uint64_t anon = get(ctn, "num_anon_pages");
	uint64_t used = usage(ctn);
	const char *swap = no_swap(machine);
	struct reasons why;
	uint64_t held;

	if (used <= limit)
		return;
	begin(&why);
	if (is_deactivating(ctn))
		because(&why, "over_limit is \"deactivate\"");
	held = shared(ctn);
	if (swap && anon)
		because(&why, "%s is anonymous, and %s", size_of_pages(anon).text,
			swap);
	if (swap && held)
		because(&why, "%s is shared memory, and %s",
			size_of_pages(held).text, swap);
	explain_locked(&why, ctn);
	if (!why.any)
		because(&why, "what it has is in use, or comes back as fast as it is trimmed");
	find(report, ctn_name(ctn), "page_limit", "it has %s, %s over its page_limit%s",
	     size_of_pages(used).text, size_of_pages(used - limit).text, end(&why));
	free(why.text);
}

static void check_rss_limit(struct report *report, const struct machine *machine,
			    const struct ctn *ctn)
{
	uint64_t limit = get_limit(ctn, "rss_limit");
	uint64_t rss = get(ctn, "rss_usage");
	uint64_t mapped = get(ctn, "num_mapped_pages");
	struct reasons why;

	if (rss <= limit)
		return;
	begin(&why);
	if (mapped)
		because(&why, "%s of files is mapped, which counts and kills nobody",
			size_of_pages(mapped).text);
	if (rss - limit > mapped && no_swap(machine))
		because(&why, "%s", no_swap(machine));
	explain_locked(&why, ctn);
	find(report, ctn_name(ctn), "rss_limit", "its rss is %s, %s over its rss_limit%s",
	     size_of_pages(rss).text, size_of_pages(rss - limit).text, end(&why));
	free(why.text);
}

/* Whether a counter is to be told of: never one that is 0. */
static int counts(const struct report *report, const struct ctn *ctn, const char *key,
		  uint64_t value)
{
	return report->seen ? failed_has_grown(report->seen, ctn, key, value) : value != 0;
}

/* What has happened since it was made. */
static void check_counters(struct report *report, const struct ctn *ctn)
{
	uint64_t kills = get(ctn, "rss_oom_kills");
	uint64_t failed = get(ctn, "rss_failcnt");
	uint64_t refused_forks = get(ctn, "task_limit_hits");

	if (counts(report, ctn, "rss_oom_kills", kills))
		find(report, ctn_name(ctn), "rss_oom_kills",
		     "%" PRIu64 " process%s killed for its rss_limit; the kernel's log has which",
		     kills, kills == 1 ? " was" : "es were");
	if (counts(report, ctn, "rss_failcnt", failed))
		find(report, ctn_name(ctn), "rss_failcnt",
		     "%" PRIu64 " charge%s found no room below its rss_limit: tasks waited, or got ENOMEM",
		     failed, failed == 1 ? "" : "s");
	if (counts(report, ctn, "task_limit_hits", refused_forks))
		find(report, ctn_name(ctn), "task_limit_hits",
		     "%" PRIu64 " fork%s or move%s refused for its task_limit",
		     refused_forks, refused_forks == 1 ? "" : "s",
		     refused_forks == 1 ? " was" : "s were");
}

static void check_tasks(struct report *report, const struct ctn *ctn)
{
	uint64_t tasks = get(ctn, "num_tasks");
	uint64_t limit = get_limit(ctn, "task_limit");
	uint64_t anon = get(ctn, "num_anon_pages");

	if (limit != CTN_MAX && tasks && tasks >= MANY_OF(limit))
		find(report, ctn_name(ctn), "task_limit",
		     "it has %" PRIu64 " of the %" PRIu64 " tasks that it may have",
		     tasks, limit);
	if (!tasks && anon)
		find(report, ctn_name(ctn), "num_anon_pages",
		     "it has %s of anonymous memory and no task: a process that has left it, or shared it before, or a debugger, uses that",
		     size_of_pages(anon).text);
}

/* In what it is counted in; pages as a size. */
static struct size_text amount(const struct ctn_resource *known, uint64_t number)
{
	struct size_text text;

	if (known && known->unit != CTN_UNIT_COUNT)
		return known->unit == CTN_UNIT_PAGES ? size_of_pages(number) :
		       size_of_bytes(number);
	snprintf(text.text, sizeof(text.text), "%" PRIu64, number);
	return text;
}

/*
 * What has files of its own was told by their names: what was refused, and that more is
 * held than the limit. They have no barrier.
 */
static void check_resource(struct report *report, const struct ctn *ctn,
			   const struct resource_row *row)
{
	const struct ctn_resource *known = ctn_resource_find(row->name);
	int told = known && known->limit && !ctn_has(ctn, known->limit);

	if (!(told && get(ctn, known->failcnt)) &&
	    counts(report, ctn, row->name, row->failcnt))
		find(report, ctn_name(ctn), row->name,
		     "%" PRIu64 " charge%s of %s found no room below its limit, and failed",
		     row->failcnt, row->failcnt == 1 ? "" : "s", row->name);
	if (row->held > row->bounds.limit && !told)
		find(report, ctn_name(ctn), row->name,
		     "it holds %s of %s, and its limit is %s: it gets no more that can be refused",
		     amount(known, row->held).text, row->name,
		     amount(known, row->bounds.limit).text);
	else if (row->held > row->bounds.barrier && row->held <= row->bounds.limit)
		find(report, ctn_name(ctn), row->name,
		     "it holds %s of %s, which is over its barrier of %s",
		     amount(known, row->held).text, row->name,
		     amount(known, row->bounds.barrier).text);
}

static void check_beancounters(struct report *report, const struct ctn *ctn)
{
	struct resource_row *rows = NULL;
	ssize_t count = get_rows(ctn, &rows);

	for (ssize_t i = 0; i < count; i++)
		check_resource(report, ctn, &rows[i]);
	resource_rows_free(rows, count);
}

/* A limit below what it works on: half of what is taken, and not a little, comes back. */
static void check_refaults(struct report *report, const struct ctn *ctn)
{
	uint64_t taken = 0, back = 0, limit = get_limit(ctn, "page_limit");
	struct ctn_stats *stats = ctn_stats_read(ctn);

	for (size_t i = 0; stats && i < ctn_stats_count(stats); i++) {
		const char *key = ctn_stats_key(stats, i);

		if (!strcmp(key, "dropped") || !strcmp(key, "reclaimed"))
			taken += ctn_stats_value(stats, i);
		else if (!strcmp(key, "refaulted"))
			back = ctn_stats_value(stats, i);
	}
	ctn_stats_free(stats);
	if (counts(report, ctn, "refaulted", back) && limit != CTN_MAX && back > limit / 8 &&
	    back >= taken / 2)
		find(report, ctn_name(ctn), "stat",
		     "of %s that was trimmed for its page_limit, %s came back: the limit is below what it works on",
		     size_of_pages(taken).text, size_of_pages(back).text);
}

/* What cannot be read is said, and not taken for well. */
static void check_readable(struct report *report, const struct ctn *ctn)
{
	static const char *const attrs[] = {
		"num_tasks", "task_limit", "task_limit_hits", "num_anon_pages",
		"num_file_pages", "num_mapped_pages", "page_limit", "rss_usage",
		"rss_limit", "rss_failcnt", "rss_oom_kills", "freeing",
	};
	struct resource_row *rows = NULL;
	uint64_t value;
	ssize_t count;

	/* of a container one line is enough */
	for (size_t i = 0; i < ARRAY_SIZE(attrs); i++) {
		if (ctn_get_number(ctn, attrs[i], &value) && errno != ENOENT) {
			report->status = refused();
			return;
		}
	}
	count = resource_rows(&(struct holder){ .ctn = ctn }, &rows);
	if (count < 0 && errno != ENOENT)
		report->status = refused();
	resource_rows_free(rows, count);
}

static void check_container(struct report *report, const struct machine *machine,
			    const struct ctn *ctn)
{
	if (get(ctn, "freeing") == 1) {
		find(report, ctn_name(ctn), "freeing", "it is being removed");
		return;
	}
	check_page_limit(report, machine, ctn);
	check_rss_limit(report, machine, ctn);
	check_counters(report, ctn);
	check_beancounters(report, ctn);
	check_refaults(report, ctn);
	check_tasks(report, ctn);
}

static void add_promised(struct promised *promised, const struct ctn *ctn)
{
	uint64_t page_limit = get_limit(ctn, "page_limit");
	uint64_t rss_limit = get_limit(ctn, "rss_limit");

	promised->count++;
	if (page_limit != CTN_MAX &&
	    __builtin_add_overflow(promised->page_limit, page_limit,
				   &promised->page_limit))
		promised->page_limit = CTN_MAX;
	if (rss_limit == CTN_MAX)
		return;
	promised->has_rss_limit = 1;
	if (__builtin_add_overflow(promised->rss_limit, rss_limit,
				   &promised->rss_limit))
		promised->rss_limit = CTN_MAX;
}

/* The command */

static int parse(const struct command *cmd, struct config *config, int argc,
		 char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'J' },
		{ "new", no_argument, NULL, 'N' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 }
	};
	int opt;

	while ((opt = next_option(argc, argv, "JNh", options)) != -1) {
		switch (opt) {
		case 'J':
			config->json = 1;
			break;
		case 'N':
			config->only_new = 1;
			break;
		case 'h':
			print_help(cmd);
		default:
			try_help(cmd);
		}
	}
	config->names = optind < argc ? argv + optind : NULL;
	return optind < argc;
}

/* One that was named has to be there. None is held open for long: there may be thousands. */
static void check_all(struct report *report, const struct machine *machine,
		      const struct ctn_tree *tree, char **names, int named)
{
	struct promised promised = { 0 };
	struct ctn *ctn;
	int over = 0;

	for (char **name = names; *name; name++) {
		ctn = ctn_open(tree, *name);
		if (!ctn && (named || errno != ENOENT))
			report->status = refused();
		if (!ctn)
			continue;
		check_readable(report, ctn);
		if (!named && !promised.count)
			check_files(report, ctn);
		add_promised(&promised, ctn);
		over |= is_over(ctn);
		ctn_close(ctn);
	}
	if (!named) {
		check_promised(report, machine, &promised);
		check_watches(report, promised.count);
	}
	/* To be over a limit for a moment is what a soft limit is like. */
	if (over)
		nanosleep(&moment, NULL);
	for (char **name = names; *name; name++) {
		ctn = ctn_open(tree, *name);
		if (ctn)
			check_container(report, machine, ctn);
		ctn_close(ctn);
	}
}

/* What could not be printed was not seen, and is new the next time. */
static void keep_seen(struct report *report)
{
	if (report->seen && !fflush(stdout) && !ferror(stdout))
		report->status |= failed_keep(report->seen, !report->config->names &&
					      !report->status);
	failed_close(report->seen);
}

static int print_report(struct report *report)
{
	if (report->config->json) {
		struct json_object *object = json_new();

		json_put(object, "findings", report->array);
		json_print(object);
	} else if (!report->count && !report->status && isatty(STDOUT_FILENO)) {
		puts("nothing found");
	}
	keep_seen(report);
	return report->count ? STATUS_REFUSED : report->status;
}

static int run_check(const struct command *cmd, int argc, char **argv)
{
	struct config config = { 0 };
	struct report report = { .config = &config };
	struct machine machine = { 0 };
	int named = parse(cmd, &config, argc, argv);
	struct ctn_tree *tree = ctn_tree_open(configfs);
	char **names;

	report.array = config.json ? json_object_new_array() : NULL;
	if (!tree) {
		check_kernel(&report);
		return print_report(&report);
	}
	report.seen = config.only_new ? failed_open("check") : NULL;
	read_meminfo(&machine);
	take_names(tree, config.names);
	names = named ? config.names : ctn_tree_names(tree);
	if (!names)
		exit(refused());
	check_all(&report, &machine, tree, names, named);
	if (!named)
		ctn_names_free(names);
	ctn_tree_close(tree);
	return print_report(&report);
}

const struct command check_command = {
	.name = "check",
	.summary = "say what is wrong with the containers, and why",
	.help =
	"Usage: ctnctl check [OPTION...] [NAME...]\n\n"
	"Print a line for each thing that is wrong, as far as it can be seen from\n"
	"outside: containers that stay over their limits, and why; processes that were\n"
	"killed for a limit, and charges that found no room below one; what is over its\n"
	"barrier; limits that are below what is needed, or add up to more than the\n"
	"machine has; what this kernel lacks. With a NAME, only of this container.\n"
	"Nothing is changed.\n\n"
	"The status is 0 if nothing was found, and 1 if something was. What was killed\n"
	"or failed is told for as long as the container is there; with --new, once.\n\n"
	"Options:\n"
	" -J, --json  print JSON\n"
	" -N, --new   of what was counted since a container was made, print only what\n"
	"             has grown since the last call with this option\n"
	" -h, --help  print this help\n"
	"\nExample:\n"
	"  ctnctl check web\n",
	.run = run_check,
};

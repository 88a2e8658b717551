// SPDX-License-Identifier: GPL-2.0-only
/*
 * ctnctl trim: keep containers below a watermark. It sleeps until one of them
 * meets a limit, looks at all, and shrinks those that are over the watermark in
 * rounds. What each is shrunk by in a round is for divide.c to say.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common.h"
#include "divide.h"

/*
 * Containers are shrunk one after the other. A round is so small that none has
 * to wait for long, and large enough to be worth a write for each.
 */
#define ROUND_BYTES (64ull << 20)

/* A container is given up after so many rounds that have not made it smaller. */
#define ROUNDS_IN_VAIN 5

/* It is then left alone for a second, the next time two, up to: */
#define MOST_PATIENCE 64

/* The longest interval, such that poll(2) can wait for it. */
#define MOST_SECONDS 1000000

struct config {
	int percent;		/* of its page_limit; -1: pages count */
	uint64_t pages;
	unsigned int interval;	/* in seconds, 0 for none */
	int once;
	int verbose;
	char **names;		/* NULL for all */
};

/*
 * A container, which is opened whenever it is looked at: held open, it would keep configfs
 * from being unmounted while we sleep, and there may be thousands.
 */
struct group {
	char *name;
	uint64_t usage;		/* these three in pages */
	uint64_t over;		/* how far it is over its watermark */
	uint64_t least;		/* how far it has been over in this pass */
	int in_vain;		/* rounds that have not made it smaller */
	int done;		/* with this pass */
	unsigned int patience;	/* after it was given up, in seconds */
	uint64_t wait_until;	/* in milliseconds of now() */
};

struct groups {
	const struct config *config;
	struct ctn_tree *tree;
	struct group *list;
	size_t count;
	int status;		/* whether all could be trimmed */
};

/* In milliseconds. */
static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

static ssize_t find_group(const struct groups *groups, const char *name)
{
	for (size_t i = 0; i < groups->count; i++)
		if (!strcmp(groups->list[i].name, name))
			return (ssize_t)i;
	return -1;
}

/* Which is said if it was @named: its name may be mistyped. */
static void miss_group(struct groups *groups, int named)
{
	if (errno != ENOENT || (named && groups->config->once))
		groups->status = refused();
	else if (named)
		fprintf(stderr, "ctnctl: %s; waiting for it\n", ctn_errmsg());
}

/*
 * It may be there already, or gone again. A kernel that cannot shrink one can
 * shrink none.
 */
static void add_group(struct groups *groups, const char *name, int named)
{
	struct ctn *ctn;

	if (find_group(groups, name) >= 0)
		return;
	ctn = ctn_open(groups->tree, name);
	if (!ctn) {
		miss_group(groups, named);
		return;
	}
	if (ctn_has(ctn, "shrink")) {
		char *why = xasprintf("%s", ctn_errmsg());

		if (!ctn_exists(ctn)) {
			fprintf(stderr, "ctnctl: %s\n", why);
			exit(STATUS_REFUSED);
		}
		free(why);
		ctn_close(ctn);
		return;
	}
	ctn_close(ctn);
	groups->list = xrealloc(groups->list, groups->count + 1,
				sizeof(*groups->list));
	/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): just allocated */
	groups->list[groups->count++] = (struct group){
		.name = xasprintf("%s", name),
	};
}

static void remove_group(struct groups *groups, const char *name)
{
	ssize_t index = find_group(groups, name);

	if (index < 0)
		return;
	/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): it was found there */
	free(groups->list[index].name);
	groups->list[index] = groups->list[--groups->count];
}

static void add_groups(struct groups *groups)
{
	char **names = groups->config->names;
	char **all = NULL;

	if (!names) {
		names = all = ctn_tree_names(groups->tree);
		if (!names)
			exit(refused());
	}
	for (; *names; names++)
		add_group(groups, *names, !all);
	ctn_names_free(all);
}

static void free_groups(struct groups *groups)
{
	for (size_t i = 0; i < groups->count; i++)
		free(groups->list[i].name);
	free(groups->list);
}

/* What stays the same is said once, not whenever there is an event. */
static void give_up(struct groups *groups, struct group *group, const char *why)
{
	if (!group->patience || groups->config->verbose)
		fprintf(stderr, "ctnctl: %s\n", why);
	group->patience = !group->patience ? 1 :
			  group->patience < MOST_PATIENCE ?
			  2 * group->patience : MOST_PATIENCE;
	group->wait_until = now() + group->patience * 1000ull;
	group->done = 1;
	groups->status = STATUS_REFUSED;
}

/* That it has gone, or is just going, is no failure. */
static void fail_group(struct groups *groups, struct group *group,
		       const struct ctn *ctn)
{
	int err = errno;
	char *why = xasprintf("%s", ctn_errmsg());

	if (err == ENODEV || (err == ENOENT && (!ctn || ctn_exists(ctn)))) {
		group->done = 1;
		free(why);
		return;
	}
	give_up(groups, group, why);
	free(why);
}

static void give_up_growing(struct groups *groups, struct group *group)
{
	char *file = xasprintf("%s/%s", ctn_tree_path(groups->tree), group->name);
	char *path = ctn_escape(file);
	char *why;

	free(file);
	if (!path)
		exit(refused());
	why = xasprintf("%s: it did not get smaller in %d rounds, and is %s over",
			path, ROUNDS_IN_VAIN, size_of_pages(group->over).text);
	give_up(groups, group, why);
	free(why);
	free(path);
}

/* No limit has no part that is a watermark. */
static int read_watermark(const struct config *config, const struct ctn *ctn,
			  uint64_t *pages)
{
	uint64_t limit;

	*pages = config->pages;
	if (config->percent < 0)
		return 0;
	if (ctn_get_number(ctn, "page_limit", &limit))
		return -1;
	*pages = limit == CTN_MAX ? CTN_MAX :
		 limit / 100 * (uint64_t)config->percent +
		 limit % 100 * (uint64_t)config->percent / 100;
	return 0;
}

static void measure(struct groups *groups, struct group *group)
{
	uint64_t watermark;
	struct ctn *ctn;
	int ret;

	group->over = 0;
	if (group->done)
		return;
	ctn = ctn_open(groups->tree, group->name);
	ret = !ctn || read_watermark(groups->config, ctn, &watermark) ||
	      ctn_usage(ctn, &group->usage);
	if (ret)
		fail_group(groups, group, ctn);
	ctn_close(ctn);
	if (ret)
		return;
	if (group->usage <= watermark) {
		group->patience = 0;
		group->done = 1;
		return;
	}
	group->over = group->usage - watermark;
	if (group->over < group->least) {
		group->least = group->over;
		group->in_vain = 0;
	} else if (++group->in_vain == ROUNDS_IN_VAIN) {
		give_up_growing(groups, group);
		group->over = 0;
	}
}

static void say(const struct group *group, const struct ctn *ctn)
{
	char *name = ctn_escape(group->name);
	uint64_t usage;

	if (!name)
		exit(refused());
	if (!ctn_usage(ctn, &usage))
		printf("%s: %s, %s over, trimmed to %s\n", name,
		       size_of_pages(group->usage).text,
		       size_of_pages(group->over).text,
		       size_of_pages(usage).text);
	free(name);
	if (fflush(stdout))
		die("standard output: %s", strerror(errno));
}

/* Another one may have the name by now: what it has counts, not what was measured. */
static void trim(struct groups *groups, struct group *group, uint64_t part)
{
	struct ctn *ctn = ctn_open(groups->tree, group->name);
	uint64_t usage, watermark;

	if (!ctn || read_watermark(groups->config, ctn, &watermark) ||
	    ctn_usage(ctn, &usage)) {
		fail_group(groups, group, ctn);
		goto out;
	}
	if (usage <= watermark)
		goto out;
	if (part > usage - watermark)
		part = usage - watermark;
	/* A signal that does not ask to stop is none of its business. */
	if (ctn_shrink(ctn, usage - part) && errno != EINTR)
		fail_group(groups, group, ctn);
	if (groups->config->verbose)
		say(group, ctn);
out:
	ctn_close(ctn);
}

/* Returns 0 when there is nothing left to do. */
static int do_round(struct groups *groups)
{
	uint64_t round = ROUND_BYTES / (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t *over = xrealloc(NULL, groups->count + 1, sizeof(*over));
	uint64_t *part = xrealloc(NULL, groups->count + 1, sizeof(*part));
	int busy = 0;

	for (size_t i = 0; i < groups->count; i++) {
		measure(groups, &groups->list[i]);
		over[i] = groups->list[i].over;
	}
	divide(over, groups->count, round, part);
	for (size_t i = 0; i < groups->count && !stop_signal; i++) {
		if (!part[i])
			continue;
		trim(groups, &groups->list[i], part[i]);
		busy = 1;
	}
	free(over);
	free(part);
	return busy;
}

static void do_pass(struct groups *groups)
{
	uint64_t time = now();

	for (size_t i = 0; i < groups->count; i++) {
		struct group *group = &groups->list[i];

		group->done = group->patience && time < group->wait_until;
		group->least = UINT64_MAX;
		group->in_vain = 0;
	}
	while (do_round(groups))
		continue;
}

/* Events */

enum todo { TODO_WAIT, TODO_PASS, TODO_FAIL };

static enum todo take_event(struct groups *groups,
			    const struct ctn_watch *watch)
{
	switch (ctn_watch_type(watch)) {
	case CTN_EVENT_ADDED:
		add_group(groups, ctn_watch_name(watch), 0);
		return TODO_PASS;
	case CTN_EVENT_REMOVED:
		remove_group(groups, ctn_watch_name(watch));
		return TODO_WAIT;
	case CTN_EVENT_COUNT:
		return !strcmp(ctn_watch_attr(watch), "page_limit_hits") ||
		       !strcmp(ctn_watch_attr(watch), "rss_failcnt") ?
		       TODO_PASS : TODO_WAIT;
	}
	return TODO_WAIT;
}

/* Take all that have come, and say what they ask for. */
static enum todo take_events(struct groups *groups, struct ctn_watch *watch)
{
	enum todo todo = TODO_WAIT;
	int ret;

	while (todo < TODO_FAIL && (ret = ctn_watch_take(watch))) {
		if (ret > 0) {
			enum todo more = take_event(groups, watch);

			if (more > todo)
				todo = more;
		} else {
			int last = errno == ENODEV || errno == ENOSYS;

			refused();
			if (last)
				todo = TODO_FAIL;
		}
	}
	return todo;
}

static int serve(struct groups *groups, struct ctn_watch *watch)
{
	uint64_t interval = groups->config->interval * 1000ull;
	struct pollfd events = { .fd = ctn_watch_fd(watch), .events = POLLIN };
	enum todo todo = TODO_PASS;
	uint64_t next = 0;

	while (todo < TODO_FAIL && !stop_signal) {
		uint64_t time = now();

		if (todo == TODO_PASS || (interval && time >= next)) {
			do_pass(groups);
			next = now() + interval;
		} else {
			poll(&events, 1, interval ? (int)(next - time) : -1);
		}
		todo = take_events(groups, watch);
	}
	/* That some could not be trimmed is no failure of the service. */
	return todo == TODO_FAIL ? STATUS_REFUSED : STATUS_OK;
}

/* The command */

enum { OPT_BELOW = 0x100, OPT_INTERVAL, OPT_ONCE };

static int parse_percent(const char *text)
{
	char *end;
	unsigned long percent;

	if (*text < '0' || *text > '9')
		return -1;
	percent = strtoul(text, &end, 10);
	return strcmp(end, "%") || percent > 100 ? -1 : (int)percent;
}

static void take_watermark(const struct command *cmd, struct config *config,
			   char *text)
{
	const char *why = NULL;

	config->percent = parse_percent(text);
	if (config->percent < 0)
		why = take_size(text);
	if (why)
		wrong_usage(cmd, "--below %s: %s; " WANT_SIZE ", or a part of each page limit such as 80%%",
			    text, why);
	if (config->percent < 0 && ctn_parse_pages(text, &config->pages))
		exit(refused());
}

static unsigned int parse_interval(const struct command *cmd, const char *text)
{
	unsigned long seconds;
	char *end;

	seconds = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || !seconds ||
	    seconds > MOST_SECONDS)
		wrong_usage(cmd, "want a number of seconds, not: %s", text);
	return (unsigned int)seconds;
}

static void parse(const struct command *cmd, struct config *config, int argc,
		  char **argv)
{
	static const struct option options[] = {
		{ "below", required_argument, NULL, OPT_BELOW },
		{ "interval", required_argument, NULL, OPT_INTERVAL },
		{ "once", no_argument, NULL, OPT_ONCE },
		{ "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 }
	};
	char *below = NULL;
	int opt;

	while ((opt = next_option(argc, argv, "vh", options)) != -1) {
		switch (opt) {
		case OPT_BELOW:
			below = optarg;
			take_watermark(cmd, config, below);
			break;
		case OPT_INTERVAL:
			config->interval = parse_interval(cmd, optarg);
			break;
		case OPT_ONCE:
			config->once = 1;
			break;
		case 'v':
			config->verbose = 1;
			break;
		case 'h':
			print_help(cmd);
		default:
			try_help(cmd);
		}
	}
	if (!below)
		wrong_usage(cmd, "no --below given");
	if (config->verbose)
		need_output();
	if (config->once && config->interval)
		wrong_usage(cmd, "--once and --interval exclude each other");
	if (optind < argc)
		config->names = argv + optind;
}

static int run_trim(const struct command *cmd, int argc, char **argv)
{
	struct config config = { 0 };
	struct groups groups = { .config = &config };
	struct ctn_watch *watch = NULL;
	int status;

	parse(cmd, &config, argc, argv);
	stop_begin();
	groups.tree = open_tree();
	take_names(groups.tree, config.names);
	/* First, so that nothing is missed. */
	if (!config.once) {
		watch = ctn_watch_await(groups.tree, config.names);
		if (!watch)
			exit(refused());
	}
	add_groups(&groups);
	if (watch) {
		status = serve(&groups, watch);
	} else {
		do_pass(&groups);
		status = groups.status;
	}
	ctn_watch_close(watch);
	free_groups(&groups);
	ctn_tree_close(groups.tree);
	stop_end();
	if (config.once)
		stop_now();
	return status;
}

const struct command trim_command = {
	.name = "trim",
	.summary = "keep containers below a watermark",
	.help =
	"Usage: ctnctl trim [OPTION...] --below SIZE|PERCENT [NAME...]\n\n"
	"Keep all containers, or those of each NAME, below a watermark: shrink\n"
	"those that are over it whenever one of them meets its page limit or its\n"
	"rss limit. Those that are farther over are shrunk by more at a time.\n\n"
	"The kernel does not tell when the watermark is passed, only when a limit\n"
	"is met. What grows without meeting its limit is found by --interval.\n\n"
	"Containers that are made later are trimmed as well. A NAME that is not\n"
	"there is reported and waited for; --once refuses it.\n\n"
	"Options:\n"
	"     --below SIZE|PERCENT  the watermark: a part of each page limit, such as\n"
	"                           80%, a size with K, M, G or T, or a number of\n"
	"                           pages with p\n"
	"     --interval SECONDS    look at all containers at least that often\n"
	"     --once                look at all containers now, and end\n"
	" -v, --verbose             print what is done\n"
	" -h, --help                print this help\n"
	"\nExample:\n"
	"  ctnctl trim --below 80% --interval 10\n",
	.run = run_trim,
};

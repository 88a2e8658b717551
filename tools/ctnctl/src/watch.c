// SPDX-License-Identifier: GPL-2.0-only
/*
 * ctnctl watch: a line for each event, as it happens, or a program that is run for it.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <search.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common.h"

struct config {
	int json;
	char **program;		/* to be run for each event, or NULL */
	char **names;		/* NULL for all */
};

/*
 * The ids of the containers: one that was removed cannot be asked any more. A name that
 * was made anew has another.
 */
struct known {
	uint64_t id;
	char name[];
};

struct ids {
	void *tree;		/* of tsearch(3) */
	const struct ctn_tree *ctns;
};

static int by_name(const void *a, const void *b)
{
	const struct known *one = a, *other = b;

	return strcmp(one->name, other->name);
}

static const struct known *find_id(const struct ids *ids, const struct known *named)
{
	struct known **found = tfind(named, &ids->tree, by_name);

	return found ? *found : NULL;
}

/*
 * Returns what is known of a container, NULL if it has gone before that was read. One
 * that is known is asked again only if it is @new: an event may be told late, when there
 * is another of that name.
 */
static const struct known *get_id(struct ids *ids, const char *name, int new)
{
	size_t size = sizeof(struct known) + strlen(name) + 1;
	struct known *known = xrealloc(NULL, 1, size);
	const struct known *old;
	struct known **found;
	struct ctn *ctn;
	int there;

	strcpy(known->name, name);
	old = find_id(ids, known);
	if (old && !new) {
		free(known);
		return old;
	}
	ctn = ctn_open(ids->ctns, name);
	there = ctn && !ctn_get_number(ctn, "id", &known->id);
	ctn_close(ctn);
	if (!there) {
		free(known);
		return NULL;
	}
	found = tsearch(known, &ids->tree, by_name);
	if (!found)
		die("%s", strerror(ENOMEM));
	(*found)->id = known->id;
	if (*found != known)
		free(known);
	return *found;
}

static void forget_id(struct ids *ids, const struct known *known)
{
	/* the name is only what it is found by */
	tdelete(known, &ids->tree, by_name);
	free((void *)known);
}

/* Of those that are there now. */
static void get_ids(struct ids *ids, char **names)
{
	char **all = names ? NULL : ctn_tree_names(ids->ctns);

	for (char **name = names ? names : all; name && *name; name++)
		get_id(ids, *name, 1);
	ctn_names_free(all);
}

/* Such as "2026-11-21T10:23:27.123+01:00". */
struct time_text {
	char text[80];
};

static struct time_text time_now(void)
{
	char day[40], zone[16];
	struct time_text now_text;
	struct timespec now;
	struct tm local;

	clock_gettime(CLOCK_REALTIME, &now);
	localtime_r(&now.tv_sec, &local);
	strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &local);
	strftime(zone, sizeof(zone), "%z", &local);
	snprintf(now_text.text, sizeof(now_text.text), "%s.%03ld%.3s:%s", day,
		 now.tv_nsec / 1000000, zone, zone + 3);
	return now_text;
}

/* What is told: a counter that has grown, or that a container came or went. */
static const char *what(const struct ctn_watch *watch)
{
	return ctn_watch_type(watch) == CTN_EVENT_ADDED ? "added" :
	       ctn_watch_type(watch) == CTN_EVENT_REMOVED ? "removed" : ctn_watch_attr(watch);
}

static void print_json(const struct ctn_watch *watch, const struct known *known)
{
	struct json_object *line = json_new();

	json_put_text(line, "time", time_now().text);
	json_put_text(line, "name", ctn_watch_name(watch));
	if (known)
		json_put_number(line, "id", known->id);
	json_put_text(line, "event", what(watch));
	if (ctn_watch_type(watch) == CTN_EVENT_COUNT) {
		json_put_number(line, "value", ctn_watch_value(watch));
		json_put_number(line, "increase", ctn_watch_increase(watch));
	}
	json_print_line(line);
}

static void print_text(const struct ctn_watch *watch)
{
	char *name = ctn_escape(ctn_watch_name(watch));

	if (!name)
		exit(refused());
	printf("%s %s %s", time_now().text, name, what(watch));
	if (ctn_watch_type(watch) == CTN_EVENT_COUNT)
		printf(" %" PRIu64 " +%" PRIu64, ctn_watch_value(watch), ctn_watch_increase(watch));
	putchar('\n');
	free(name);
}

/* Running a program */

static void set_number(const char *variable, int there, uint64_t number)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRIu64, number);
	if (there ? setenv(variable, text, 1) : unsetenv(variable))
		die("%s", strerror(errno));
}

static void set_text(const char *variable, const char *text)
{
	if (setenv(variable, text, 1))
		die("%s", strerror(errno));
}

/* Wait for a program, which is told to stop when we are. */
static int wait_for(pid_t pid)
{
	int status, told = 0;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return 0;
		if (stop_signal && !told++)
			kill(pid, stop_signal);
	}
	return status;
}

/* One at a time: what happens meanwhile is kept by the kernel. */
static int run_program(char **program, const struct ctn_watch *watch,
		       const struct known *known)
{
	int counted = ctn_watch_type(watch) == CTN_EVENT_COUNT;
	posix_spawn_file_actions_t actions;
	int err, status;
	pid_t pid = 0;

	set_text("CTN_TIME", time_now().text);
	set_text("CTN_NAME", ctn_watch_name(watch));
	set_text("CTN_EVENT", what(watch));
	set_number("CTN_ID", known != NULL, known ? known->id : 0);
	set_number("CTN_VALUE", counted, ctn_watch_value(watch));
	set_number("CTN_INCREASE", counted, ctn_watch_increase(watch));
	err = posix_spawn_file_actions_init(&actions);
	if (!err)
		err = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO,
						       "/dev/null", O_RDONLY, 0);
	if (!err)
		err = posix_spawnp(&pid, *program, &actions, NULL, program, environ);
	if (err)
		die("%s: %s", *program, strerror(err));
	posix_spawn_file_actions_destroy(&actions);
	status = wait_for(pid);
	if (!status || stop_signal)
		return STATUS_OK;
	if (WIFSIGNALED(status))
		complain("%s: %s", *program, strsignal(WTERMSIG(status)));
	else
		complain("%s: exit status %d", *program, WEXITSTATUS(status));
	return STATUS_REFUSED;
}

/* Events */

static noreturn void fail_output(int err)
{
	if (err == EPIPE)
		raise(SIGPIPE);
	die("standard output: %s", strerror(err));
}

/*
 * Until there is an event, or a signal. Returns an errno if it is no use to
 * wait, as nobody reads any more.
 */
static int wait_for_event(const struct config *config,
			  const struct ctn_watch *watch)
{
	struct pollfd fds[] = {
		{ .fd = ctn_watch_fd(watch), .events = POLLIN },
		{ .fd = config->program ? -1 : STDOUT_FILENO },
	};

	return poll(fds, ARRAY_SIZE(fds), -1) > 0 && fds[1].revents ? EPIPE : 0;
}

static int tell(const struct config *config, struct ids *ids,
		const struct ctn_watch *watch)
{
	/* what is printed as plain text has none */
	const struct known *known = config->json || config->program ?
				    get_id(ids, ctn_watch_name(watch),
					   ctn_watch_type(watch) == CTN_EVENT_ADDED) : NULL;
	int status = STATUS_OK;

	if (config->program)
		status = run_program(config->program, watch, known);
	else if (config->json)
		print_json(watch, known);
	else
		print_text(watch);
	if (known && ctn_watch_type(watch) == CTN_EVENT_REMOVED)
		forget_id(ids, known);
	return status;
}

/* *OUTPUT_ERROR becomes an errno if nothing can be printed any more. */
static int tell_events(const struct config *config, struct ids *ids,
		       struct ctn_watch *watch, int *output_error)
{
	int status = STATUS_OK;

	*output_error = 0;
	while (!stop_signal && !*output_error) {
		int ret = ctn_watch_take(watch);

		if (ret < 0) {
			int last = errno == ENODEV || errno == ENOSYS;

			status = refused();
			if (last)
				break;
		} else if (ret == 0) {
			*output_error = wait_for_event(config, watch);
		} else {
			status |= tell(config, ids, watch);
			if (fflush(stdout))
				*output_error = errno;
			if (ctn_watch_type(watch) == CTN_EVENT_REMOVED && config->names &&
			    !ctn_watch_count(watch))
				break;
		}
	}
	return status;
}

/* What comes after "--" are arguments of the program, if there is one. */
static void parse(const struct command *cmd, struct config *config, int argc,
		  char **argv)
{
	static const struct option options[] = {
		{ "exec", required_argument, NULL, 'x' },
		{ "json", no_argument, NULL, 'J' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 }
	};
	char **rest = argv + argc;
	char *program = NULL;
	size_t nrest = 0;
	int opt;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--")) {
			rest = argv + i + 1;
			argc = i;
		}
	}
	while (rest[nrest])
		nrest++;
	while ((opt = next_option(argc, argv, "Jhx:", options)) != -1) {
		switch (opt) {
		case 'x':
			program = optarg;
			if (!*program)
				wrong_usage(cmd, "want a program, not: \"\"");
			break;
		case 'J':
			config->json = 1;
			break;
		case 'h':
			print_help(cmd);
		default:
			try_help(cmd);
		}
	}
	if (program && config->json)
		wrong_usage(cmd, "--exec and --json exclude each other");
	argv[argc] = NULL;
	if (program) {
		config->program = xrealloc(NULL, nrest + 2,
					   sizeof(*config->program));
		config->program[0] = program;
		memcpy(config->program + 1, rest, (nrest + 1) * sizeof(*rest));
	} else {
		/* then they are names, whatever they begin with */
		memmove(argv + argc, rest, (nrest + 1) * sizeof(*rest));
		argc += (int)nrest;
	}
	config->names = optind < argc ? argv + optind : NULL;
}

static int run_watch(const struct command *cmd, int argc, char **argv)
{
	struct config config = { 0 };
	struct ids ids = { 0 };
	struct ctn_watch *watch;
	struct ctn_tree *tree;
	int status, output_error;

	parse(cmd, &config, argc, argv);
	if (config.program) {
		int err = find_program(*config.program);

		if (err)
			die("%s: %s", *config.program, strerror(err));
		if (configfs)
			set_text("CTN_CONFIG", configfs);
	} else {
		need_output();
	}

	stop_begin();
	ids.ctns = tree = open_tree();
	take_names(tree, config.names);
	watch = ctn_watch_open(tree, config.names);
	if (!watch)
		exit(refused());
	if (config.json || config.program)
		get_ids(&ids, config.names);
	status = tell_events(&config, &ids, watch, &output_error);
	tdestroy(ids.tree, free);
	ctn_watch_close(watch);
	ctn_tree_close(tree);
	free(config.program);
	if (output_error)
		fail_output(output_error);
	stop_end();
	return status;
}

const struct command watch_command = {
	.name = "watch",
	.summary = "print events as they happen",
	.help =
	"Usage: ctnctl watch [OPTION...] [NAME...]\n"
	"       ctnctl watch --exec PROGRAM [NAME...] [-- ARGUMENT...]\n\n"
	"Print a line when something happens in a container, or in one of those\n"
	"of each NAME: the time, the container, which of its counters has grown,\n"
	"its value, and by how much it has grown, or that it came or went:\n\n"
	"  page_limit_hits  it went over page_limit\n"
	"  task_limit_hits  a fork was refused for task_limit\n"
	"  rss_failcnt      a charge found no room below rss_limit\n"
	"  rss_oom_kills    a process was killed for rss_limit\n"
	"  added            it was made\n"
	"  removed          it was removed\n\n"
	"Without a NAME, containers that are made later are watched as well. This\n"
	"ends with Ctrl-C, or when all of the names have been removed.\n\n"
	"Options:\n"
	" -J, --json          print a JSON object on each line\n"
	" -x, --exec PROGRAM  run this for each event instead, one after the other;\n"
	"                     what comes after -- are its arguments, and CTN_NAME,\n"
	"                     CTN_ID, CTN_EVENT, CTN_VALUE, CTN_INCREASE and CTN_TIME\n"
	"                     in its environment say what has happened\n"
	" -h, --help          print this help\n"
	"\nExample:\n"
	"  ctnctl watch --json | jq --unbuffered 'select(.event == \"rss_oom_kills\")'\n"
	"  ctnctl watch --exec sh -- -c 'logger \"$CTN_NAME: $CTN_EVENT $CTN_VALUE\"'\n",
	.run = run_watch,
};

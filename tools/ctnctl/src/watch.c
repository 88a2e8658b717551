// SPDX-License-Identifier: GPL-2.0-only
/*
 * ctnctl watch: a line for each event, as it happens.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common.h"

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
static const char *what(const struct ctn_event *event)
{
	return event->type == CTN_EVENT_ADDED ? "added" :
	       event->type == CTN_EVENT_REMOVED ? "removed" : event->attr;
}

static void print_json(const struct ctn_event *event)
{
	struct json_object *line = json_new();

	json_put_text(line, "time", time_now().text);
	json_put_text(line, "name", event->name);
	json_put_text(line, "event", what(event));
	if (event->type == CTN_EVENT_COUNT) {
		json_put_number(line, "value", event->value);
		json_put_number(line, "increase", event->increase);
	}
	json_print_line(line);
}

static void print_text(const struct ctn_event *event)
{
	char *name = ctn_escape(event->name);

	if (!name)
		exit(refused());
	printf("%s %s %s", time_now().text, name, what(event));
	if (event->type == CTN_EVENT_COUNT)
		printf(" %" PRIu64 " +%" PRIu64, event->value, event->increase);
	putchar('\n');
	free(name);
}

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
static int wait_for_event(const struct ctn_watch *watch)
{
	struct pollfd fds[] = {
		{ .fd = ctn_watch_fd(watch), .events = POLLIN },
		{ .fd = STDOUT_FILENO },
	};

	return poll(fds, ARRAY_SIZE(fds), -1) > 0 && fds[1].revents ? EPIPE : 0;
}

/* *OUTPUT_ERROR becomes an errno if nothing can be printed any more. */
static int print_events(struct ctn_watch *watch, int named, int json,
			int *output_error)
{
	int status = STATUS_OK;
	struct ctn_event event;

	*output_error = 0;
	while (!stop_signal && !*output_error) {
		int ret = ctn_watch_next(watch, &event);

		if (ret < 0) {
			int last = errno == ENODEV || errno == ENOSYS;

			status = refused();
			if (last)
				break;
		} else if (ret == 0) {
			*output_error = wait_for_event(watch);
		} else {
			if (json)
				print_json(&event);
			else
				print_text(&event);
			if (fflush(stdout))
				*output_error = errno;
			if (event.type == CTN_EVENT_REMOVED && named &&
			    !ctn_watch_count(watch))
				break;
		}
	}
	return status;
}

static int run_watch(const struct command *cmd, int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'J' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 }
	};
	struct ctn_watch *watch;
	struct ctn_tree *tree;
	int opt, status, named, output_error, json = 0;

	while ((opt = next_option(argc, argv, "Jh", options)) != -1) {
		if (opt == 'h')
			print_help(cmd);
		if (opt != 'J')
			try_help(cmd);
		json = 1;
	}
	named = optind < argc;
	need_output();

	stop_begin();
	tree = open_tree();
	watch = ctn_watch_open(tree, named ? argv + optind : NULL);
	if (!watch)
		exit(refused());
	status = print_events(watch, named, json, &output_error);
	ctn_watch_close(watch);
	ctn_tree_close(tree);
	if (output_error)
		fail_output(output_error);
	stop_end();
	return status;
}

const struct command watch_command = {
	.name = "watch",
	.summary = "print events as they happen",
	.help =
	"Usage: ctnctl watch [OPTION...] [NAME...]\n\n"
	"Print a line when something happens in a container, or in one of those\n"
	"of each NAME: the time, the container, which of its counters has grown,\n"
	"its value, and by how much it has grown, or that it came or went:\n\n"
	"  page_limit_hits  it went over page_limit\n"
	"  task_limit_hits  a fork was refused for task_limit\n"
	"  rss_failcnt      a charge met rss_limit\n"
	"  rss_oom_kills    a process was killed for rss_limit\n"
	"  added            it was made\n"
	"  removed          it was removed\n\n"
	"Without a NAME, containers that are made later are watched as well. This\n"
	"ends with Ctrl-C, or when all of the names have been removed.\n\n"
	"Options:\n"
	" -J, --json  print a JSON object on each line\n"
	" -h, --help  print this help\n"
	"\nExample:\n"
	"  ctnctl watch --json | jq --unbuffered 'select(.event == \"rss_oom_kills\")'\n",
	.run = run_watch,
};

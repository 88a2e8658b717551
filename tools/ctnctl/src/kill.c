// SPDX-License-Identifier: GPL-2.0-only
/*
 * ctnctl kill and stop: a signal to all processes of containers, and waiting until they
 * have ended. The kernel sees to it that nobody is missed who is forked meanwhile.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common.h"

/* Nothing tells that a container is empty: it is looked at, more and more seldom. */
#define FIRST_LOOK	5000000L	/* nanoseconds */
#define LAST_LOOK	200000000L

#define STOP_SECONDS	10.0

/* A number of a few digits and nothing else, or -1. */
static int take_number(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	return digits && digits < 4 && !text[digits] ? atoi(text) : -1;
}

int take_signal(const char *text)
{
	int number = take_number(text);

	if (number >= 0)
		return number <= SIGRTMAX ? number : -1;
	if (begins_word(text, "SIG"))
		text += 3;
	for (int i = 1; i < SIGRTMIN; i++) {
		const char *name = sigabbrev_np(i);

		if (name && same_word(name, text))
			return i;
	}
	if (same_word(text, "RTMIN"))
		return SIGRTMIN;
	if (same_word(text, "RTMAX"))
		return SIGRTMAX;
	number = -1;
	if (begins_word(text, "RTMIN+") && take_number(text + 6) >= 0)
		number = SIGRTMIN + take_number(text + 6);
	else if (begins_word(text, "RTMAX-") && take_number(text + 6) >= 0)
		number = SIGRTMAX - take_number(text + 6);
	return number >= SIGRTMIN && number <= SIGRTMAX ? number : -1;
}

static int need_signal(const struct command *cmd, const char *text)
{
	int number = take_signal(text);

	if (number < 0)
		wrong_usage(cmd, "unknown signal: \"%s\"", text);
	return number;
}

int send_signal(const struct ctn *ctn, int number)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", number);
	return ctn_set(ctn, "kill", text);
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

int wait_until_empty(const struct ctn *ctn, double seconds, uint64_t *left)
{
	double end = now() + seconds;
	long look = FIRST_LOOK;

	for (;;) {
		if (ctn_get_number(ctn, "num_tasks", left)) {
			/* removed meanwhile: there is nobody in it */
			*left = 0;
			return errno == ENOENT ? 0 : -1;
		}
		if (!*left || now() >= end || stop_signal)
			return 0;
		nanosleep(&(struct timespec){ .tv_nsec = look }, NULL);
		look = look * 2 < LAST_LOOK ? look * 2 : LAST_LOOK;
	}
}

/* Open containers, and send each the signal: those of the array that were sent it. */
static struct ctn **signal_all(const struct ctn_tree *tree, char **names, size_t count,
			       int number, int *status)
{
	struct ctn **all = xrealloc(NULL, count + 1, sizeof(*all));

	allow_many_files();
	/* first all: that a name is wrong is said before anything is done */
	for (size_t i = 0; i < count; i++) {
		all[i] = ctn_open(tree, names[i]);
		if (!all[i])
			*status = refused();
	}
	for (size_t i = 0; i < count; i++) {
		if (!all[i] || !send_signal(all[i], number))
			continue;
		*status = refused();
		ctn_close(all[i]);
		all[i] = NULL;
	}
	return all;
}

/* Who asked to stop is told what has been left as it is. */
static void say_left(struct ctn **all, size_t count)
{
	uint64_t left;

	for (size_t i = 0; i < count && stop_signal; i++)
		if (all[i] && !ctn_get_number(all[i], "num_tasks", &left) && left)
			complain("%s: %" PRIu64 " thread%s still in it", ctn_name(all[i]),
				 left, left == 1 ? " is" : "s are");
}

static void close_all(struct ctn **all, size_t count)
{
	for (size_t i = 0; i < count; i++)
		ctn_close(all[i]);
	free(all);
}

/* Wait for @ctn; one that could not be asked is not waited for. */
static int wait_for(const struct ctn *ctn)
{
	uint64_t left;

	return wait_until_empty(ctn, INFINITY, &left) ? refused() : STATUS_OK;
}

static int run_kill(const struct command *cmd, int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "signal", required_argument, NULL, 's' },
		{ "wait", no_argument, NULL, 'w' },
		{ 0 }
	};
	int opt, number = SIGKILL, wait = 0, status = STATUS_OK;
	struct ctn_tree *tree;
	struct ctn **all;
	size_t count;

	/* as kill(1) takes it; no signal is called as an option is */
	if (argc > 1 && *argv[1] == '-' && take_signal(argv[1] + 1) >= 0) {
		number = take_signal(argv[1] + 1);
		argv[1] = argv[0];
		argv++;
		argc--;
	}
	while ((opt = next_option(argc, argv, "hs:w", options)) != -1) {
		switch (opt) {
		case 's':
			number = need_signal(cmd, optarg);
			break;
		case 'w':
			wait = 1;
			break;
		case 'h':
			print_help(cmd);
		default:
			try_help(cmd);
		}
	}
	if (optind == argc)
		wrong_usage(cmd, "no NAME given");

	tree = open_tree();
	take_names(tree, argv + optind);
	count = (size_t)(argc - optind);
	/* who is to wait has been sent the signal to all before it is asked to stop */
	if (wait)
		stop_begin();
	all = signal_all(tree, argv + optind, count, number, &status);
	for (size_t i = 0; i < count && wait && !stop_signal; i++)
		if (all[i])
			status |= wait_for(all[i]);
	if (wait)
		stop_end();
	say_left(all, count);
	close_all(all, count);
	ctn_tree_close(tree);
	stop_now();
	return status;
}

const struct command kill_command = {
	.name = "kill",
	.summary = "send a signal to all processes of containers",
	.help =
	"Usage: ctnctl kill [OPTION...] NAME...\n\n"
	"Send a signal to all processes in the container of each NAME, and to those\n"
	"that they fork meanwhile: SIGKILL, or the one that is given. Processes of\n"
	"other users are left alone.\n\n"
	"Options:\n"
	" -s, --signal SIGNAL  the signal: a name such as TERM, or a number; with 0\n"
	"                      none is sent, and the status says whether one could be.\n"
	"                      Right after kill it may also be written as -TERM or -9\n"
	" -w, --wait           wait until nobody is in the containers\n"
	" -h, --help           print this help\n"
	"\nExample:\n"
	"  ctnctl kill --wait web\n",
	.run = run_kill,
};

static double take_seconds(const struct command *cmd, const char *text)
{
	char *end;
	double seconds = strtod(text, &end);

	if (end == text || *end || !(seconds >= 0))
		wrong_usage(cmd, "want a number of seconds, not: \"%s\"", text);
	return seconds;
}

/* Those that are there after @end have had their time. */
static int stop_one(const struct ctn *ctn, double end)
{
	double seconds = end - now();
	uint64_t left;

	if (wait_until_empty(ctn, seconds > 0 ? seconds : 0, &left))
		return refused();
	if (!left || stop_signal)
		return STATUS_OK;
	if (send_signal(ctn, SIGKILL))
		return refused();
	complain("%s: %" PRIu64 " thread%s not ended in time, and %s killed",
		 ctn_name(ctn), left, left == 1 ? " has" : "s have",
		 left == 1 ? "is" : "are");
	return wait_for(ctn);
}

static int run_stop(const struct command *cmd, int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "signal", required_argument, NULL, 's' },
		{ "time", required_argument, NULL, 't' },
		{ 0 }
	};
	int opt, number = SIGTERM, status = STATUS_OK;
	double end, seconds = STOP_SECONDS;
	struct ctn_tree *tree;
	struct ctn **all;
	size_t count;

	while ((opt = next_option(argc, argv, "hs:t:", options)) != -1) {
		switch (opt) {
		case 's':
			number = need_signal(cmd, optarg);
			break;
		case 't':
			seconds = take_seconds(cmd, optarg);
			break;
		case 'h':
			print_help(cmd);
		default:
			try_help(cmd);
		}
	}
	if (optind == argc)
		wrong_usage(cmd, "no NAME given");

	tree = open_tree();
	take_names(tree, argv + optind);
	count = (size_t)(argc - optind);
	stop_begin();
	/* all have the same time, and it begins for all at once */
	all = signal_all(tree, argv + optind, count, number, &status);
	end = now() + seconds;
	for (size_t i = 0; i < count && !stop_signal; i++)
		if (all[i])
			status |= stop_one(all[i], end);
	stop_end();
	say_left(all, count);
	close_all(all, count);
	ctn_tree_close(tree);
	stop_now();
	return status;
}

const struct command stop_command = {
	.name = "stop",
	.summary = "end all processes of containers, in good time",
	.help =
	"Usage: ctnctl stop [OPTION...] NAME...\n\n"
	"Send SIGTERM to all processes in the container of each NAME, wait until\n"
	"they have ended, and send SIGKILL to those that have not in time. The\n"
	"containers stay.\n\n"
	"Options:\n"
	" -t, --time SECONDS   give them that long: 10 unless it is said\n"
	" -s, --signal SIGNAL  send this one first: a name such as INT, or a number\n"
	" -h, --help           print this help\n"
	"\nExample:\n"
	"  ctnctl stop -t 30 web db && ctnctl delete web db\n",
	.run = run_stop,
};

// SPDX-License-Identifier: GPL-2.0-only
/*
 * ctnctl shrink: trim a container now. The write blocks until that is done; a
 * second thread tells a terminal how far it is.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common.h"

#define DRAW_MS 250
/* What the longest progress line takes. */
#define LINE_WIDTH 30

struct progress {
	const struct ctn *ctn;
	uint64_t from;		/* pages */
	uint64_t to;
	int end;		/* an eventfd; -1 if nothing is drawn */
	pthread_t thread;
};

static void draw(const struct progress *progress)
{
	uint64_t now, left;
	char line[3 * LINE_WIDTH];

	if (ctn_usage(progress->ctn, &now))
		return;
	if (now > progress->from)
		now = progress->from;
	left = now > progress->to ? now - progress->to : 0;
	snprintf(line, sizeof(line), "%s, %s to go, %" PRIu64 "%%",
		 size_of_pages(now).text, size_of_pages(left).text,
		 100 - left * 100 / (progress->from - progress->to));
	fprintf(stderr, "\r%-*s", LINE_WIDTH, line);
}

static void *draw_until_end(void *arg)
{
	const struct progress *progress = arg;
	struct pollfd end = { .fd = progress->end, .events = POLLIN };

	while (poll(&end, 1, DRAW_MS) == 0)
		draw(progress);
	fprintf(stderr, "\r%*s\r", LINE_WIDTH, "");
	return NULL;
}

/* Signals are for the thread that writes. Without a second it goes as well. */
static void begin_progress(struct progress *progress)
{
	sigset_t all, before;

	progress->end = eventfd(0, EFD_CLOEXEC);
	if (progress->end < 0)
		return;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	if (pthread_create(&progress->thread, NULL, draw_until_end, progress)) {
		close(progress->end);
		progress->end = -1;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void end_progress(struct progress *progress)
{
	eventfd_write(progress->end, 1);
	pthread_join(progress->thread, NULL);
	close(progress->end);
}

/* @from: what was used before, CTN_MAX if that is not known. */
static int fail_shrink(const struct ctn *ctn, int err, uint64_t from)
{
	char *why = xasprintf("%s", ctn_errmsg());
	uint64_t now;

	if ((err == EBUSY || err == EINTR) && from != CTN_MAX &&
	    !ctn_usage(ctn, &now))
		fprintf(stderr, "ctnctl: %s; usage went from %s to %s\n", why,
			size_of_pages(from).text, size_of_pages(now).text);
	else
		fprintf(stderr, "ctnctl: %s\n", why);
	free(why);
	return STATUS_REFUSED;
}

static int shrink(const struct ctn *ctn, const char *size)
{
	struct progress progress = { .ctn = ctn, .end = -1 };
	int ret;

	if (ctn_usage(ctn, &progress.from))
		progress.from = CTN_MAX;
	else if (isatty(STDERR_FILENO) &&
		 !ctn_parse_pages(size, &progress.to) &&
		 progress.to < progress.from)
		begin_progress(&progress);

	stop_begin();
	ret = ctn_set(ctn, "shrink", size) ? errno : 0;
	stop_end();
	if (progress.end >= 0)
		end_progress(&progress);
	return ret ? fail_shrink(ctn, ret, progress.from) : STATUS_OK;
}

static int run_shrink(const struct command *cmd, int argc, char **argv)
{
	struct ctn_tree *tree;
	struct ctn *ctn;
	int status;
	const char *why;
	char *size;

	take_no_options(cmd, argc, argv);
	if (argc - optind < 2)
		wrong_usage(cmd, "no %s given", optind == argc ? "NAME" : "SIZE");
	if (argc - optind > 2)
		wrong_usage(cmd, "too many arguments: %s", argv[optind + 2]);
	size = argv[optind + 1];
	why = take_size(size);
	if (why)
		wrong_usage(cmd, "%s: %s; " WANT_SIZE, size, why);

	tree = open_tree();
	ctn = open_container(tree, take_name(tree, argv[optind]));
	status = shrink(ctn, size);
	ctn_close(ctn);
	ctn_tree_close(tree);
	stop_now();
	return status;
}

const struct command shrink_command = {
	.name = "shrink",
	.summary = "trim a container now",
	.help =
	"Usage: ctnctl shrink [OPTION...] NAME SIZE\n\n"
	"Trim the memory of the container NAME, anonymous memory and page cache,\n"
	"down to SIZE: a size with K, M, G or T, or a number of pages with p. Its\n"
	"limits stay as they are, and so it may grow again.\n\n"
	"This takes as long as it takes, and tells a terminal how far it is. It\n"
	"ends when SIZE is reached; when no more can be freed, which is a refusal;\n"
	"or with Ctrl-C. What has been freed by then stays free.\n\n"
	"Options:\n"
	" -h, --help  print this help\n"
	"\nExample:\n"
	"  ctnctl shrink web 400M\n",
	.run = run_shrink,
};

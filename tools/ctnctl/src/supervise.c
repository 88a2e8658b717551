// SPDX-License-Identifier: GPL-2.0-only
/*
 * ctnctl stays as the parent of a program in a container, outside of it, hands on the
 * signals that it gets, and cleans up behind the program.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "supervise.h"

/* What a program is sent that runs other programs. */
static const int handed_on[] = {
	SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGCONT,
};

/* How long those have to end that are killed. A device may keep one for longer. */
#define KILL_SECONDS 30.0

/* What "stat" counts, and the summary tells the growth of. */
struct work {
	uint64_t throttled;	/* microseconds, at both limits */
	uint64_t trimmed;	/* pages */
};

static struct work read_work(const struct ctn *ctn)
{
	struct ctn_stats *stats = ctn_stats_read(ctn);
	struct work work = { 0 };

	for (size_t i = 0; stats && i < ctn_stats_count(stats); i++) {
		const char *key = ctn_stats_key(stats, i);

		if (!strcmp(key, "throttled_usec") || !strcmp(key, "reclaim_usec"))
			work.throttled += ctn_stats_value(stats, i);
		else if (!strcmp(key, "dropped") || !strcmp(key, "reclaimed"))
			work.trimmed += ctn_stats_value(stats, i);
	}
	ctn_stats_free(stats);
	return work;
}

static double seconds_between(const struct timespec *from, const struct timespec *to)
{
	return (double)(to->tv_sec - from->tv_sec) +
	       (double)(to->tv_nsec - from->tv_nsec) / 1e9;
}

static double seconds_of(const struct timeval *time)
{
	return (double)time->tv_sec + (double)time->tv_usec / 1e6;
}

/* The child: join, and become the program; or say so through @failed, and end. */
static noreturn void become(const struct ctn *ctn, char **program, int failed,
			    const sigset_t *mask)
{
	int status;

	sigprocmask(SIG_SETMASK, mask, NULL);
	if (ctn_add_task(ctn, getpid())) {
		status = refused();
	} else {
		execvp(program[0], program);
		status = cannot_run(program[0], errno);
	}
	if (write(failed, "", 1) < 0)
		status = STATUS_REFUSED;
	_exit(status);
}

/*
 * Until the child has ended. What a terminal sends goes to all of its foreground, the
 * child included: that is not sent twice.
 */
static void hand_on_until_end(pid_t child, const sigset_t *signals, int *status,
			      struct rusage *usage)
{
	siginfo_t info;

	for (;;) {
		if (wait4(child, status, WNOHANG, usage) == child)
			return;
		if (sigwaitinfo(signals, &info) > 0 && info.si_signo != SIGCHLD &&
		    info.si_code <= 0)
			kill(child, info.si_signo);
	}
}

static void put_line(const char *key, const char *format, ...) PRINTF(2, 3);

static void put_line(const char *key, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "%-11s ", key);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	putc('\n', stderr);
}

struct taken {
	double seconds;
	struct rusage usage;
	struct work work;
	uint64_t rss_peak, usage_peak, tasks_peak;
	unsigned int there;	/* of the three, a bit each */
	int status;
};

static void print_text(const struct taken *taken)
{
	put_line("time", "%.3f s, %.3f s user, %.3f s system", taken->seconds,
		 seconds_of(&taken->usage.ru_utime), seconds_of(&taken->usage.ru_stime));
	if (taken->there & 1)
		put_line("rss peak", "%s", size_of_pages(taken->rss_peak).text);
	if (taken->there & 2)
		put_line("usage peak", "%s", size_of_pages(taken->usage_peak).text);
	if (taken->there & 4)
		put_line("tasks peak", "%" PRIu64, taken->tasks_peak);
	put_line("throttled", "%.3f s", (double)taken->work.throttled / 1e6);
	put_line("trimmed", "%s", size_of_pages(taken->work.trimmed).text);
}

static void print_json(const struct taken *taken, const char *name)
{
	struct json_object *object = json_new();

	json_put_text(object, "name", name);
	if (WIFSIGNALED(taken->status))
		json_put_number(object, "signal", (uint64_t)WTERMSIG(taken->status));
	else
		json_put_number(object, "status", (uint64_t)WEXITSTATUS(taken->status));
	json_put_number(object, "usec", (uint64_t)(taken->seconds * 1e6));
	json_put_number(object, "user_usec", (uint64_t)
			(seconds_of(&taken->usage.ru_utime) * 1e6));
	json_put_number(object, "system_usec", (uint64_t)
			(seconds_of(&taken->usage.ru_stime) * 1e6));
	if (taken->there & 1)
		json_put_pages(object, "rss_peak", taken->rss_peak);
	if (taken->there & 2)
		json_put_pages(object, "usage_peak", taken->usage_peak);
	if (taken->there & 4)
		json_put_number(object, "tasks_peak", taken->tasks_peak);
	json_put_number(object, "throttled_usec", taken->work.throttled);
	json_put_pages(object, "trimmed_pages", taken->work.trimmed);
	fputs(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN |
					     JSON_C_TO_STRING_NOSLASHESCAPE), stderr);
	putc('\n', stderr);
	json_object_put(object);
}

static void summarize(const struct ctn *ctn, enum summary how, struct taken *taken,
		      struct work before)
{
	taken->work = read_work(ctn);
	taken->work.throttled -= before.throttled;
	taken->work.trimmed -= before.trimmed;
	/* a kernel may lack them */
	taken->there = ctn_get_number(ctn, "rss_peak", &taken->rss_peak) ? 0 : 1;
	taken->there |= ctn_get_number(ctn, "usage_peak", &taken->usage_peak) ? 0 : 2;
	taken->there |= ctn_get_number(ctn, "tasks_peak", &taken->tasks_peak) ? 0 : 4;
	if (how == SUMMARY_JSON)
		print_json(taken, ctn_name(ctn));
	else
		print_text(taken);
}

static void kill_rest(const struct ctn *ctn)
{
	uint64_t left = 0;

	if (send_signal(ctn, SIGKILL) || wait_until_empty(ctn, KILL_SECONDS, &left))
		refused();
	else if (left)
		complain("%s: %" PRIu64 " of its threads do not end", ctn_name(ctn), left);
}

/* One who was there before does not have it removed over their head. */
static void remove_it(const struct ctn *ctn, int made)
{
	if (made)
		delete_loudly(ctn);
	else
		complain("%s: it was there before, and stays", ctn_name(ctn));
}

/* As the program has: for a shell, an end by a signal is not an exit. */
static int end_as(int status)
{
	static const struct rlimit no_core;
	int number;

	if (!WIFSIGNALED(status))
		return WEXITSTATUS(status);
	number = WTERMSIG(status);
	setrlimit(RLIMIT_CORE, &no_core);
	fflush(NULL);
	signal(number, SIG_DFL);
	raise(number);
	return 128 + number;
}

int supervise(const struct ctn *ctn, int made, char **program,
	      const struct supervision *what)
{
	struct timespec from, to;
	struct taken taken = { 0 };
	struct work before;
	sigset_t signals, mask;
	int failed[2], not_run;
	pid_t child;
	char byte;

	sigemptyset(&signals);
	sigaddset(&signals, SIGCHLD);
	for (size_t i = 0; i < ARRAY_SIZE(handed_on); i++)
		sigaddset(&signals, handed_on[i]);
	/* one that is ignored would not be waited for */
	signal(SIGCHLD, SIG_DFL);
	sigprocmask(SIG_BLOCK, &signals, &mask);
	if (pipe2(failed, O_CLOEXEC))
		die("pipe: %s", strerror(errno));
	before = read_work(ctn);
	clock_gettime(CLOCK_MONOTONIC, &from);
	fflush(NULL);
	child = fork();
	if (child < 0)
		die("fork: %s", strerror(errno));
	if (!child)
		become(ctn, program, failed[1], &mask);
	close(failed[1]);
	hand_on_until_end(child, &signals, &taken.status, &taken.usage);
	clock_gettime(CLOCK_MONOTONIC, &to);
	taken.seconds = seconds_between(&from, &to);
	not_run = read(failed[0], &byte, 1) == 1;
	close(failed[0]);

	if (what->kill && !not_run)
		kill_rest(ctn);
	if (what->summary && !not_run)
		summarize(ctn, what->summary, &taken, before);
	if (not_run && made)
		delete_unused(ctn, 0);
	else if (what->remove && !not_run)
		remove_it(ctn, made);
	/* those that are pending have been for the program, or came too late for it */
	while (sigtimedwait(&signals, NULL, &(struct timespec){ 0 }) > 0)
		continue;
	sigprocmask(SIG_SETMASK, &mask, NULL);
	return end_as(taken.status);
}

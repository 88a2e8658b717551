// SPDX-License-Identifier: GPL-2.0-only
/*
 * Signals that ask to stop. Some writes block until memory has been freed, and
 * some commands wait for events: a signal ends the system call, and what is
 * under way is brought to an end in order.
 */
#include <signal.h>
#include <unistd.h>

#include "common.h"

volatile sig_atomic_t stop_signal;

static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
static struct sigaction before[ARRAY_SIZE(signals)];

/*
 * A signal that comes between a look at stop_signal and the system call would
 * not end that: knock again until somebody has noticed.
 */
static void on_signal(int signal)
{
	if (signal != SIGALRM)
		stop_signal = signal;
	alarm(1);
}

void stop_begin(void)
{
	/* Without SA_RESTART. */
	struct sigaction act = { .sa_handler = on_signal };

	sigemptyset(&act.sa_mask);
	sigaction(SIGALRM, &act, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		sigaction(signals[i], NULL, &before[i]);
		if (before[i].sa_handler != SIG_IGN)
			sigaction(signals[i], &act, NULL);
	}
}

void stop_end(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		sigaction(signals[i], &before[i], NULL);
	alarm(0);
	signal(SIGALRM, SIG_DFL);
}

void stop_now(void)
{
	if (stop_signal)
		raise(stop_signal);
}

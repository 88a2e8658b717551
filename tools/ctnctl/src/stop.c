// SPDX-License-Identifier: GPL-2.0-only
/*
 * Signals that ask to stop. Some writes block until memory has been freed, and
 * some commands wait for events: a signal ends the system call, and what is
 * under way is brought to an end in order.
 */
#include <signal.h>
#include <time.h>

#include "common.h"

volatile sig_atomic_t stop_signal;

static struct stop {
	int signal;
	struct sigaction before;
	timer_t knock;
	volatile sig_atomic_t can_knock;
} stops[] = {
	{ .signal = SIGINT }, { .signal = SIGTERM }, { .signal = SIGHUP },
};

/*
 * A signal that comes between a look at stop_signal and the system call would
 * not end that: it knocks again until somebody has noticed. SIGALRM and alarm(2)
 * are left to those who have set them, and to the program that we may become.
 */
static void on_signal(int signal, siginfo_t *info, void *context)
{
	static const struct itimerspec second = { { 1, 0 }, { 1, 0 } };

	(void)context;
	if (info->si_code == SI_TIMER)
		return;
	stop_signal = signal;
	for (size_t i = 0; i < ARRAY_SIZE(stops); i++)
		if (stops[i].signal == signal && stops[i].can_knock)
			timer_settime(stops[i].knock, 0, &second, NULL);
}

void stop_begin(void)
{
	/* Without SA_RESTART. */
	struct sigaction act = {
		.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO,
	};

	sigemptyset(&act.sa_mask);
	for (size_t i = 0; i < ARRAY_SIZE(stops); i++) {
		struct stop *stop = &stops[i];
		struct sigevent event = {
			.sigev_notify = SIGEV_SIGNAL,
			.sigev_signo = stop->signal,
		};

		sigaction(stop->signal, NULL, &stop->before);
		if (stop->before.sa_handler == SIG_IGN)
			continue;
		/* Without it most signals are not lost either. */
		stop->can_knock = !timer_create(CLOCK_MONOTONIC, &event,
						&stop->knock);
		sigaction(stop->signal, &act, NULL);
	}
}

void stop_end(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(stops); i++) {
		struct stop *stop = &stops[i];

		if (stop->can_knock) {
			stop->can_knock = 0;
			timer_delete(stop->knock);
		}
		sigaction(stop->signal, &stop->before, NULL);
	}
}

void stop_now(void)
{
	if (stop_signal)
		raise(stop_signal);
}

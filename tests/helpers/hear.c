// SPDX-License-Identifier: GPL-2.0
/*
 * hear DIRECTORY SIGNAL [THREADS]: join the container of DIRECTORY, say "ready", and
 * from then on a line for each SIGNAL that comes: its number, and the process and the
 * user that it is from. With THREADS there are so many besides the first one; if that
 * is negative, the first exits once they are there.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "join.h"

static void on_signal(int signal, siginfo_t *info, void *context)
{
	char line[64];
	int len = snprintf(line, sizeof(line), "%d %d %d\n", signal, info->si_pid,
			   info->si_uid);

	(void)context;
	if (write(1, line, (size_t)len) != len)
		_exit(1);
}

static void *wait_for_ever(void *unused)
{
	for (;;)
		pause();
	return unused;
}

int main(int argc, char **argv)
{
	struct sigaction action = {
		.sa_sigaction = on_signal,
		.sa_flags = SA_SIGINFO | SA_RESTART,
	};
	int threads = argc > 3 ? atoi(argv[3]) : 0;
	pthread_t thread;

	if (argc < 3)
		return 2;
	if (join(argv[1]) || sigaction(atoi(argv[2]), &action, NULL))
		return 1;
	for (int i = 0; i < abs(threads); i++)
		if (pthread_create(&thread, NULL, wait_for_ever, NULL))
			return 1;
	if (write(1, "ready\n", 6) != 6)
		return 1;
	if (threads < 0)
		pthread_exit(NULL);
	wait_for_ever(NULL);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * bomb DIRECTORY: join the container of DIRECTORY, and fork without end; so do the
 * children.
 *
 * bomb DIRECTORY SIGNAL COUNT: fork COUNT children, which wait. At the first SIGNAL
 * that comes meanwhile it forks no more, and each child ends at one. Then say how many
 * there were, and wait.
 *
 * bomb DIRECTORY SIGNAL COUNT STOP N: write N to STOP, which is the debugfs file of
 * that name, before each fork.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "join.h"

static volatile sig_atomic_t told;
static pid_t first;

static void on_signal(int signal)
{
	(void)signal;
	if (getpid() != first)
		_exit(0);
	told = 1;
}

/* Kept open: to open it takes memory, which is no part of a fork. */
static int stop_fd = -1;

static void stop_at(const char *n)
{
	if (stop_fd >= 0 && write(stop_fd, n, strlen(n)) < 0)
		_exit(1);
}

static void wait_for_ever(void)
{
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	int count = argc > 3 ? atoi(argv[3]) : 0, nr = 0;
	pid_t pid;

	if (argc != 2 && argc != 4 && argc != 6)
		return 2;
	first = getpid();
	/* no zombies */
	signal(SIGCHLD, SIG_IGN);
	if (argc == 6)
		stop_fd = open(argv[4], O_WRONLY | O_CLOEXEC);
	/* with a stop it is to be ended by the signal, where it waits */
	if (argc == 4 && sigaction(atoi(argv[2]), &action, NULL))
		return 1;
	if (join(argv[1]))
		return 1;
	if (argc == 2)
		for (;;)
			fork();
	while (nr < count && !told) {
		stop_at(argv[argc - 1]);
		pid = fork();
		if (!pid)
			wait_for_ever();
		nr += pid > 0;
	}
	printf("%d\n", nr);
	fflush(stdout);
	wait_for_ever();
}

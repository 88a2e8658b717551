// SPDX-License-Identifier: GPL-2.0
/*
 * Operations of memory actors on what beancounters have a number of: open files, locks,
 * ptys, queued signals, sockets. Some are passed to another process, which closes them
 * later, wherever it is by then.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <unistd.h>
#include "torture.h"

#define KEPT	64

static int kept[KEPT];	/* descriptors, and 0 where there is none */

static void drop(int i)
{
	if (kept[i])
		close(kept[i]);
	kept[i] = 0;
}

static int keep(struct actor *a, int fd)
{
	int i = below(a, KEPT);

	if (fd < 0)
		return errno;
	drop(i);
	kept[i] = fd;
	return 0;
}

int op_more_files(struct actor *a)
{
	static const char * const names[] = { "/dev/null", "/dev/ptmx", "/proc/self/stat" };

	return keep(a, open(names[below(a, 3)], O_RDONLY | O_NOCTTY | O_CLOEXEC));
}

int op_socket(struct actor *a)
{
	static const int families[] = { AF_UNIX, AF_INET, AF_NETLINK };
	int pair[2];

	if (chance(a, 50))
		return keep(a, socket(families[below(a, 3)], SOCK_DGRAM | SOCK_CLOEXEC, 0));
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return errno;
	keep(a, pair[0]);
	return keep(a, pair[1]);
}

/* Of bytes of a file, so that they are joined, split and replaced. */
int op_lock_bytes(struct actor *a)
{
	static const short types[] = { F_RDLCK, F_WRLCK, F_UNLCK };
	struct flock lock = {
		.l_type = types[below(a, 3)], .l_whence = SEEK_SET,
		.l_start = (off_t)below(a, 30), .l_len = (off_t)below(a, 10),
	};
	static int fd = -1;

	if (fd < 0)
		fd = open(random_file(a), O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return errno;
	if (chance(a, 20))
		return flock(fd, (chance(a, 50) ? LOCK_SH : LOCK_EX) | LOCK_NB) ? errno : 0;
	return fcntl(fd, F_SETLK, &lock) ? errno : 0;
}

int op_signals(struct actor *a)
{
	struct timespec soon = { 0, 0 };
	union sigval none = { 0 };
	sigset_t set;
	int err = 0;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMAX);
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (unsigned long i = below(a, 10); i && !err; i--)
		err = sigqueue(getpid(), SIGRTMAX, none) ? errno : 0;
	for (unsigned long i = below(a, 12); i; i--)
		sigtimedwait(&set, NULL, &soon);
	return err;
}

/* A child has all that is open, and closes it a little later than its parent. */
int op_pass(struct actor *a)
{
	unsigned long wait = below(a, 30);
	pid_t pid = fork_child(a);

	if (pid < 0)
		return errno;
	if (!pid) {
		usleep(wait * 1000);
		_exit(0);
	}
	for (int i = 0; i < KEPT; i++)
		if (chance(a, 50))
			drop(i);
	return await_child(a, pid);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * many WHAT [FILE]: for each line of standard input make so many more of these, as far
 * as that goes, and say how many it was, and the error or "ok"; "-" frees all of them and
 * says "0 ok"; "-1" frees the last one. At the end of the input or with "quit", end. Of
 * posix, "all" makes one lock of all that there is, and "shared" has the last lock be a
 * shared one.
 *
 *	file		open /dev/null
 *	pipe		a pipe: two open files
 *	flock		an open file of FILE in a directory, with a flock(2) lock
 *	posix		a lock of a byte of FILE, every other one
 *	lease		an open file with a lease
 *	pty		a pty's master
 *	signal		a signal to itself that stays queued
 *	timer		a timer of timer_create(2)
 *	tcp, tcp6, udp, unix, netlink	a socket
 *	accept		a connection over loopback: two sockets of TCP
 *	unix-accept	the same over a unix socket, which is FILE
 *	unix-listen	nothing; but it listens at FILE
 *	unix-connect	a connection to FILE, which nobody has to accept
 *	signal-to	a signal to the process whose pid FILE is
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MOST 20000

static const char *what, *path;
static int fds[MOST], nr, byte_fd = -1, listener = -1;
static timer_t timers[MOST];
static struct sockaddr_in address = { .sin_family = AF_INET };
static struct sockaddr_un named = { .sun_family = AF_UNIX };

static bool is(const char *name)
{
	return !strcmp(what, name);
}

static int keep(int fd)
{
	if (fd < 0 || nr >= MOST)
		return -1;
	fds[nr++] = fd;
	return 0;
}

static int lock_byte(int at, short type)
{
	struct flock lock = { .l_type = type, .l_whence = SEEK_SET, .l_start = 2L * at,
			      .l_len = 1 };

	if (byte_fd < 0)
		byte_fd = open(path, O_RDWR | O_CREAT, 0600);
	return fcntl(byte_fd, F_SETLK, &lock);
}

static int make_locked(int operation)
{
	char name[4096];
	int fd, err;

	snprintf(name, sizeof(name), "%s.%d", path, nr);
	fd = open(name, O_RDWR | O_CREAT, 0600);
	if (fd < 0)
		return -1;
	err = operation ? flock(fd, operation) : fcntl(fd, F_SETLEASE, F_WRLCK);
	if (!err)
		return keep(fd);
	err = errno;
	close(fd);
	errno = err;
	return -1;
}

static int make_connection(void)
{
	struct pollfd ready = { .events = POLLOUT };
	socklen_t size = sizeof(address);
	int fd, err;

	if (listener < 0) {
		listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		if (bind(listener, (struct sockaddr *)&address, size) ||
		    listen(listener, 1000) ||
		    getsockname(listener, (struct sockaddr *)&address, &size))
			return -1;
	}
	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -1;
	ready.fd = fd;
	if (connect(fd, (struct sockaddr *)&address, size) && errno != EINPROGRESS)
		return -1;
	if (poll(&ready, 1, 1000) != 1) {
		close(fd);
		errno = ETIMEDOUT;
		return -1;
	}
	err = keep(fd);
	ready.fd = listener;
	ready.events = POLLIN;
	/* over loopback it is there at once, or not at all */
	poll(&ready, 1, 1000);
	if (!err)
		err = keep(accept(listener, NULL, NULL));
	return err;
}

static int unix_listen(void)
{
	if (listener >= 0)
		return 0;
	listener = socket(AF_UNIX, SOCK_STREAM, 0);
	return bind(listener, (struct sockaddr *)&named, sizeof(named)) ?:
	       listen(listener, 4000);
}

static int unix_connect(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), err;

	if (fd < 0 || !connect(fd, (struct sockaddr *)&named, sizeof(named)))
		return keep(fd);
	err = errno;
	close(fd);
	errno = err;
	return -1;
}

static int make(void)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	union sigval none = { .sival_int = 0 };
	int pair[2];

	if (is("file"))
		return keep(open("/dev/null", O_RDWR));
	if (is("pipe"))
		return pipe(pair) ? -1 : keep(pair[0]) ?: keep(pair[1]);
	if (is("flock"))
		return make_locked(LOCK_EX | LOCK_NB);
	if (is("lease"))
		return make_locked(0);
	if (is("posix"))
		return lock_byte(nr, F_WRLCK) ? -1 : (nr++, 0);
	if (is("pty"))
		return keep(open("/dev/ptmx", O_RDWR | O_NOCTTY));
	if (is("signal"))
		return sigqueue(getpid(), SIGRTMIN, none) ? -1 : (nr++, 0);
	if (is("timer"))
		return timer_create(CLOCK_MONOTONIC, &event, &timers[nr]) ? -1 : (nr++, 0);
	if (is("tcp"))
		return keep(socket(AF_INET, SOCK_STREAM, 0));
	if (is("tcp6"))
		return keep(socket(AF_INET6, SOCK_STREAM, 0));
	if (is("udp"))
		return keep(socket(AF_INET, SOCK_DGRAM, 0));
	if (is("unix"))
		return keep(socket(AF_UNIX, SOCK_STREAM, 0));
	if (is("netlink"))
		return keep(socket(AF_NETLINK, SOCK_RAW, 0));
	if (is("accept"))
		return make_connection();
	if (is("unix-accept"))
		return unix_connect() ?: keep(accept(listener, NULL, NULL));
	if (is("unix-connect"))
		return unix_connect();
	if (is("signal-to"))
		return sigqueue((pid_t)strtol(path, NULL, 10), SIGRTMIN, none) ? -1 : (nr++, 0);
	exit(2);
}

static int unmake(void)
{
	struct timespec now = { 0, 0 };
	sigset_t queued;

	nr--;
	if (is("posix")) {
		return lock_byte(nr, F_UNLCK);
	} else if (is("signal")) {
		sigemptyset(&queued);
		sigaddset(&queued, SIGRTMIN);
		sigtimedwait(&queued, NULL, &now);
	} else if (is("timer")) {
		timer_delete(timers[nr]);
	} else {
		close(fds[nr]);
	}
	return 0;
}

/* One lock of all bytes that are locked; what that says. */
static int lock_all(void)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0,
			      .l_len = 2L * nr };

	return fcntl(byte_fd, F_SETLK, &lock);
}

/* The last lock becomes a shared one; what that says. */
static int share(void)
{
	return is("flock") ? flock(fds[nr - 1], LOCK_SH) : lock_byte(nr - 1, F_RDLCK);
}

int main(int argc, char **argv)
{
	struct rlimit files = { MOST + 100, MOST + 100 };
	sigset_t all;
	char line[64];
	int i, was, err;

	if (argc < 2)
		return 2;
	what = argv[1];
	path = argc > 2 ? argv[2] : "";
	setlinebuf(stdout);
	snprintf(named.sun_path, sizeof(named.sun_path), "%s", path);
	if ((is("unix-accept") || is("unix-listen")) && unix_listen())
		return 1;
	setrlimit(RLIMIT_NOFILE, &files);
	setrlimit(RLIMIT_SIGPENDING, &files);
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	while (fgets(line, sizeof(line), stdin)) {
		was = nr;
		err = 0;
		if (!strcmp(line, "quit\n"))
			break;
		if (!strcmp(line, "all\n")) {
			err = lock_all() ? errno : 0;
		} else if (!strcmp(line, "shared\n")) {
			err = share() ? errno : 0;
		} else if (line[0] == '-') {
			i = line[1] == '1' ? 1 : nr;
			while (i--)
				err = unmake() ? errno : err;
			was = nr;
		} else {
			for (i = (int)strtol(line, NULL, 10); i && !err; i--)
				err = make() ? errno : 0;
		}
		printf("%d %s\n", nr - was, err ? strerrorname_np(err) : "ok");
	}
	return 0;
}

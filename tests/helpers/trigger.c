// SPDX-License-Identifier: GPL-2.0
/*
 * trigger FILE TEXT [COUNT]: open FILE, write TEXT to it, and say "ok", or the error;
 * with COUNT have that many files open, and say how many could be written, and the error.
 * With TRIGGER_NUL in the environment, write the NUL at its end, too.
 * Then wait, and say "pressure" and after how many ms for each event, until there is an
 * error, after which it ends with "removed".
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static size_t nul;

static int begin(const char *path, const char *text, struct pollfd *p)
{
	*p = (struct pollfd){ .fd = open(path, O_RDWR), .events = POLLPRI };
	if (p->fd < 0)
		return errno;
	/* with the NUL, as many programs do */
	return write(p->fd, text, strlen(text) + nul) < 0 ? errno : 0;
}

int main(int argc, char **argv)
{
	int err, i, count = argc > 3 ? atoi(argv[3]) : 1;
	struct pollfd p = { .fd = -1 };
	long begun = now();

	nul = !!getenv("TRIGGER_NUL");
	if (argc < 3)
		return 2;
	setlinebuf(stdout);
	for (i = 0, err = 0; i < count && !err; i++)
		err = begin(argv[1], argv[2], &p);
	if (argc > 3)
		printf("%d ", i - !!err);
	puts(err ? strerrorname_np(err) : "ok");
	/* without a trigger there is an error at once */
	while (poll(&p, 1, -1) > 0 && !(p.revents & POLLERR))
		printf("pressure %ld\n", now() - begun);
	puts("removed");
	return 0;
}

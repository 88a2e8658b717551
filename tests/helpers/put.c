// SPDX-License-Identifier: GPL-2.0
/*
 * put FILE: write standard input, whole, to FILE in one write(2), also if it is
 * empty, and print what came of it: "ok", or the name of the error, such as
 * EINVAL. A shell's echo does no write for nothing, and splits long ones.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char buf[1 << 20];

int main(int argc, char **argv)
{
	size_t len = 0;
	ssize_t got;
	int fd;

	if (argc != 2)
		return 2;

	while ((got = read(0, buf + len, sizeof(buf) - len)) > 0)
		len += got;

	fd = open(argv[1], O_WRONLY);
	if (fd < 0) {
		printf("open: %s\n", strerrorname_np(errno));
		return 0;
	}
	got = write(fd, buf, len);
	if (got < 0)
		printf("%s\n", strerrorname_np(errno));
	else if ((size_t)got != len)
		printf("short: %zd of %zu\n", got, len);
	else
		printf("ok\n");
	return 0;
}

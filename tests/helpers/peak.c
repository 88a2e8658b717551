// SPDX-License-Identifier: GPL-2.0
/*
 * peak FILE: read the number that FILE has, say "begun", read it over and over until
 * SIGTERM, and then print the largest that it was.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static volatile sig_atomic_t ended;

static void end(int signal)
{
	(void)signal;
	ended = 1;
}

int main(int argc, char **argv)
{
	unsigned long value, most = 0;
	bool begun = false;
	char text[32];
	ssize_t len;
	int fd;

	if (argc < 2)
		return 1;
	signal(SIGTERM, end);
	while (!ended) {
		fd = open(argv[1], O_RDONLY);
		len = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
		if (len < 0)
			return 1;
		close(fd);
		text[len] = '\0';
		value = strtoul(text, NULL, 10);
		if (value > most)
			most = value;
		if (!begun) {
			puts("begun");
			fflush(stdout);
			begun = true;
		}
	}
	printf("%lu\n", most);
	return 0;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * keep FILE...: have these files in the page cache from now on, charged to nobody,
 * whoever reads or runs them and whatever else is dropped. Goes into the background
 * when they are.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void keep(const char *name)
{
	struct stat st;
	void *mem;
	int fd;

	fd = open(name, O_RDONLY);
	if (fd < 0 || fstat(fd, &st))
		die(name);
	mem = mmap(NULL, st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (mem == MAP_FAILED || mlock(mem, st.st_size))
		die(name);
	close(fd);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		keep(argv[i]);

	/* locks are not inherited: it is this process that stays */
	switch (fork()) {
	case -1:
		die("fork");
	case 0:
		break;
	default:
		_exit(0);
	}
	for (int i = 1; i < argc; i++)
		keep(argv[i]);
	setsid();
	for (int fd = 0; fd < 256; fd++)
		close(fd);
	for (;;)
		pause();
}

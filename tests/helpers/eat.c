// SPDX-License-Identifier: GPL-2.0
/*
 * eat TASKS PAGES ROUNDS [HOW [together]]: so many tasks at once, each of which
 * writes as many pages, so many times, and then sees whether they are what it
 * wrote. HOW is anon (the default), thp for huge pages, shm for shared memory of
 * its own, or the path of a file, which is mapped, and of which a page is read for
 * each that is written, as if it were the program. Those that are together hold what they have until the last of them
 * has come to its end, or has been killed. Says how many tasks were well, and how
 * many were killed.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096UL

/* No end of it is written to. It reads as ended once all writing ends are closed. */
struct door {
	int read, write;
};

static void wait_for(struct door *door)
{
	char c;

	close(door->write);
	if (read(door->read, &c, 1))
		_exit(4);
}

/* All of a file, or NULL. */
static const volatile char *map_text(const char *path, size_t *pages)
{
	struct stat st;
	void *addr;
	int fd;

	if (path[0] != '/')
		return NULL;
	fd = open(path, O_RDONLY);
	if (fd < 0 || fstat(fd, &st) || st.st_size < (off_t)PAGE)
		_exit(3);
	addr = mmap(NULL, st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (addr == MAP_FAILED)
		_exit(3);
	close(fd);
	*pages = st.st_size / PAGE;
	return addr;
}

static int eat(unsigned long pages, int rounds, const char *how,
	       struct door *ended, struct door *leave)
{
	size_t size = pages * PAGE, text_pages = 0;
	const volatile char *text = map_text(how, &text_pages);
	char *p;

	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_ANONYMOUS |
		 (strcmp(how, "shm") ? MAP_PRIVATE : MAP_SHARED), -1, 0);
	if (p == MAP_FAILED)
		return 3;
	madvise(p, size, strcmp(how, "thp") ? MADV_NOHUGEPAGE : MADV_HUGEPAGE);

	for (int round = 1; round <= rounds; round++)
		for (unsigned long i = 0; i < pages; i++) {
			*(unsigned long *)(p + i * PAGE) = i + round;
			if (text)
				(void)text[i * 7 % text_pages * PAGE];
		}
	if (ended) {
		close(ended->write);
		wait_for(leave);
	}
	for (unsigned long i = 0; i < pages; i++)
		if (*(unsigned long *)(p + i * PAGE) != i + rounds)
			return 2;
	return 0;
}

int main(int argc, char **argv)
{
	int status, well = 0, killed = 0, bad = 0;
	struct door ended, leave;
	bool together = argc > 5 && !strcmp(argv[5], "together");

	if (argc < 4 || (argc > 5 && !together))
		return 1;
	if (together && (pipe((int *)&ended) || pipe((int *)&leave)))
		return 1;
	for (int i = 0; i < atoi(argv[1]); i++)
		if (!fork())
			_exit(eat(strtoul(argv[2], NULL, 10), atoi(argv[3]),
				  argc > 4 ? argv[4] : "anon",
				  together ? &ended : NULL, &leave));

	if (together) {
		wait_for(&ended);
		close(leave.write);
	}
	while (wait(&status) > 0) {
		if (WIFSIGNALED(status) && WTERMSIG(status) == 9)
			killed++;
		else if (status)
			bad++;
		else
			well++;
	}
	printf("well=%d killed=%d bad=%d\n", well, killed, bad);
	return 0;
}

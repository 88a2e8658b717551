// SPDX-License-Identifier: GPL-2.0
/*
 * shuffle PID: move all pages of that process from one memory node to the other
 * and back, on and on. Needs two nodes, which numa=fake=2 makes of one. Says how
 * often it has moved them once its input ends.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct pollfd input = { .fd = 0, .events = POLLIN };
	unsigned long nodes[2] = { 1, 2 }, times = 0;
	long ret = 0;

	if (argc != 2)
		return 2;
	while (!poll(&input, 1, 0) && ret >= 0) {
		ret = syscall(SYS_migrate_pages, atoi(argv[1]), 3,
			      &nodes[times % 2], &nodes[(times + 1) % 2]);
		times++;
	}
	if (ret < 0) {
		perror("migrate_pages");
		return 1;
	}
	printf("%lu\n", times);
	return 0;
}

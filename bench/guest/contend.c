// SPDX-License-Identifier: GPL-2.0
/*
 * Two tasks on two processors, in one group and in two. Instructions do not show
 * how they get in each other's way: here it is real time, with all its noise,
 * and only the quotient of two configurations says something.
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "guest.h"

#define BATCH	64		/* pages */
#define ROUNDS	5
#define SECONDS	1.0

static volatile double *done;	/* pages per second, for each of the two */

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

/* Fault in pages and unmap them, write others to a file and truncate it. */
static void work(int task, double begin)
{
	static char page[PAGE];
	unsigned long pages = 0;
	char path[64];
	cpu_set_t cpus;
	double now;
	int fd;

	CPU_ZERO(&cpus);
	CPU_SET(task, &cpus);
	snprintf(path, sizeof(path), TMPFS "/contend%d", task);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || sched_setaffinity(0, sizeof(cpus), &cpus))
		die("task %d", task);
	while (seconds() < begin)
		;
	do {
		char *p = mmap(NULL, BATCH * PAGE, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (p == MAP_FAILED)
			die("mmap");
		for (int i = 0; i < BATCH; i++)
			p[i * PAGE] = 1;
		munmap(p, BATCH * PAGE);
		for (int i = 0; i < BATCH; i++)
			if (pwrite(fd, page, PAGE, (off_t)i * PAGE) != PAGE)
				die("write");
		if (ftruncate(fd, 0))
			die("ftruncate");
		pages += 2UL * BATCH;
		now = seconds();
	} while (now < begin + SECONDS);
	done[task] = pages / (now - begin);
	unlink(path);
	_exit(0);
}

/* Pages per second of both, task 1 in @other. */
static double throughput(const char *other)
{
	double begin = seconds() + 0.1;
	int status;

	for (int task = 0; task < 2; task++) {
		pid_t pid;

		fflush(stdout);
		pid = fork();
		if (pid < 0)
			die("fork");
		if (!pid) {
			if (conf->enter)
				group_enter(task ? other : "bench");
			work(task, begin);
		}
	}
	while (wait(&status) > 0)
		if (status)
			_exit(1);
	return done[0] + done[1];
}

void row_contend(void)
{
	double one = 0, two = 0;

	done = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (done == MAP_FAILED)
		die("mmap");
	if (conf->enter)
		group_make("other");
	/* the best of them is the one that the host disturbed least */
	for (int round = 0; round < ROUNDS; round++) {
		double now = throughput("bench");

		one = now > one ? now : one;
		now = throughput("other");
		two = now > two ? now : two;
	}
	result("contend-one", one);
	result("contend-two", two);
}

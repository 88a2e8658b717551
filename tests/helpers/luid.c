// SPDX-License-Identifier: GPL-2.0
/*
 * luid: the system calls of beancounters by their numbers alone, as programs know
 * them that were built for OpenVZ's kernels: no header, no library, no configfs.
 *
 * luid [AS] get			getluid: the id
 * luid [AS] set ID			setluid, and then getluid: "ok" and the id
 * luid [AS] run ID PROGRAM...		setluid, and execute PROGRAM
 * luid [AS] both ID COUNT		setluid with so many threads: "ok", and how many
 *					of them are in the container then
 * luid [AS] limit ID RESOURCE BARRIER LIMIT	setublimit
 * luid [AS] stat ID RESOURCE		barrier, limit, held, maxheld, minheld, failcnt
 * luid race ID COUNT			so many processes that do setluid at once: how
 *					many got in
 * luid number N			the system call N, with zeros
 * luid x32 N				the same as x32 programs make it
 *
 * AS is "uid=N", for another user, or "without=CAP", a number, to drop a capability.
 * BARRIER may be "null" or "torn": what limits points to is nothing, or ends in the
 * middle. RESOURCE may be "null:N". What fails prints the name of the error.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/capability.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define GETLUID		500
#define SETLUID		501
#define SETUBLIMIT	502
#define GET_BCSTAT	511
#define X32_BIT		0x40000000
#define MOST		200

static int say(long ret)
{
	if (ret < 0)
		puts(strerrorname_np(errno));
	else
		puts("ok");
	return ret < 0;
}

static unsigned long number(const char *text)
{
	return strtoul(text, NULL, 0);
}

/* Lose a capability, in all sets, and for good. */
static void drop(unsigned long cap)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2] = { 0 };

	if (prctl(PR_CAPBSET_DROP, cap) || syscall(SYS_capget, &header, data)) {
		perror("luid");
		exit(2);
	}
	data[cap / 32].effective &= ~(1u << cap % 32);
	data[cap / 32].permitted &= ~(1u << cap % 32);
	data[cap / 32].inheritable &= ~(1u << cap % 32);
	if (syscall(SYS_capset, &header, data)) {
		perror("luid");
		exit(2);
	}
}

/* Two numbers; or where they cannot be read. */
static unsigned long *limits_at(const char *barrier, const char *limit)
{
	static unsigned long limits[2];
	char *pages;

	if (!strcmp(barrier, "null"))
		return NULL;
	if (!strcmp(barrier, "torn")) {
		pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		mprotect(pages + 4096, 4096, PROT_NONE);
		return (unsigned long *)(pages + 4096 - sizeof(limits[0]));
	}
	limits[0] = number(barrier);
	limits[1] = number(limit);
	return limits;
}

static int tell_stat(const char *id, const char *resource)
{
	unsigned long six[6] = { 0 }, *where = six;

	if (!strncmp(resource, "null:", 5)) {
		resource += 5;
		where = NULL;
	}
	if (syscall(GET_BCSTAT, number(id), number(resource), where))
		return say(-1);
	printf("%lu %lu %lu %lu %lu %lu\n", six[0], six[1], six[2], six[3], six[4], six[5]);
	return 0;
}

static pthread_barrier_t moved, looked;
static long ids[MOST];

static void *thread(void *arg)
{
	pthread_barrier_wait(&moved);
	*(long *)arg = syscall(GETLUID);
	pthread_barrier_wait(&looked);
	return NULL;
}

static int with_threads(unsigned long id, unsigned long count)
{
	unsigned long in = 0, i;
	pthread_t tid;

	pthread_barrier_init(&moved, NULL, (unsigned int)count + 1);
	pthread_barrier_init(&looked, NULL, (unsigned int)count + 1);
	for (i = 0; i < count; i++)
		pthread_create(&tid, NULL, thread, &ids[i]);
	if (syscall(SETLUID, id))
		return say(-1);
	pthread_barrier_wait(&moved);
	pthread_barrier_wait(&looked);
	for (i = 0; i < count; i++)
		in += (unsigned long)ids[i] == id;
	printf("ok %lu\n", in);
	return 0;
}

static int race(unsigned long id, unsigned long count)
{
	unsigned long in = 0;
	int go[2], status;
	char c;

	if (pipe(go))
		return 2;
	for (unsigned long i = 0; i < count; i++) {
		if (fork())
			continue;
		close(go[1]);
		while (read(go[0], &c, 1) > 0)
			;
		_exit(syscall(SETLUID, id) || syscall(GETLUID) != (long)id ? 1 : 0);
	}
	close(go[0]);
	close(go[1]);
	while (wait(&status) > 0)
		in += !status;
	printf("%lu\n", in);
	return 0;
}

int main(int argc, char **argv)
{
	for (; argc > 1 && strchr(argv[1], '='); argc--, argv++) {
		if (!strncmp(argv[1], "uid=", 4) && setuid((uid_t)number(argv[1] + 4)))
			return 2;
		if (!strncmp(argv[1], "without=", 8))
			drop(number(argv[1] + 8));
	}
#define IS(word, words) (argc == 2 + (words) && !strcmp(argv[1], word))
	if (IS("get", 0)) {
		printf("%ld\n", syscall(GETLUID));
		return 0;
	}
	if (IS("set", 1)) {
		if (syscall(SETLUID, number(argv[2])))
			return say(-1);
		printf("ok %ld\n", syscall(GETLUID));
		return 0;
	}
	if (argc > 3 && !strcmp(argv[1], "run")) {
		if (syscall(SETLUID, number(argv[2])))
			return say(-1);
		execvp(argv[3], argv + 3);
		return say(-1);
	}
	if (IS("both", 2) && number(argv[3]) <= MOST)
		return with_threads(number(argv[2]), number(argv[3]));
	if (IS("limit", 4))
		return say(syscall(SETUBLIMIT, number(argv[2]), number(argv[3]),
				   limits_at(argv[4], argv[5])));
	if (IS("stat", 2))
		return tell_stat(argv[2], argv[3]);
	if (IS("race", 2))
		return race(number(argv[2]), number(argv[3]));
	if (IS("number", 1))
		return say(syscall((long)number(argv[2]), 0, 0, 0));
	if (IS("x32", 1))
		return say(syscall((long)(number(argv[2]) | X32_BIT), 0, 0, 0));
	fputs("usage: see the first lines of luid.c\n", stderr);
	return 2;
}

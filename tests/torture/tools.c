// SPDX-License-Identifier: GPL-2.0
/*
 * Tools that the actors share: random numbers, names, small files, children.
 * Nothing here is about any one operation.
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "torture.h"

/* ---- random numbers: splitmix64 ---- */

static uint64_t mix(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

void seed_random(struct actor *a, unsigned int generation)
{
	a->random = shared->seed ^ ((uint64_t)(a->number + 1) << 32) ^ generation;
	mix(&a->random);
}

uint64_t next_random(struct actor *a)
{
	return mix(&a->random);
}

unsigned long below(struct actor *a, unsigned long n)
{
	return next_random(a) % n;
}

bool chance(struct actor *a, unsigned int percent)
{
	return below(a, 100) < percent;
}

/* ---- names ---- */

/*
 * A disk, a tmpfs that stays, one that is unmounted now and then with what is in
 * it, a ramfs, and an ext4 on a RAM disk, which is unmounted too.
 */
const char * const work_dirs[] = {
	"/mnt/disk", WORK "/shm", WORK "/tmp", WORK "/ramfs", WORK "/ram",
};
const int nr_work_dirs = sizeof(work_dirs) / sizeof(*work_dirs);

const char *random_container(struct actor *a)
{
	static char path[64];

	snprintf(path, sizeof(path), ROOT "/c%lu", below(a, CONTAINERS));
	return path;
}

/*
 * The last has few users, so that it can be unmounted, and the one before, as
 * nobody can take from it what is in it.
 */
const char *random_dir(struct actor *a)
{
	return work_dirs[chance(a, 15) ? nr_work_dirs - 1 - below(a, 2) :
					 below(a, nr_work_dirs - 2)];
}

const char *random_file(struct actor *a)
{
	static char path[64];

	snprintf(path, sizeof(path), "%s/f%lu", random_dir(a), below(a, FILES));
	return path;
}

/* ---- small files ---- */

int put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int err = 0;

	if (fd < 0)
		return errno;
	if (write(fd, text, strlen(text)) < 0)
		err = errno;
	close(fd);
	return err;
}

int putf(const char *path, const char *format, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	return put(path, text);
}

ssize_t get(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got, len = 0;

	if (fd < 0)
		return -errno;
	while ((got = read(fd, buf + len, size - 1 - len)) > 0)
		len += got;
	if (got < 0)
		len = -errno;
	else
		buf[len] = '\0';
	close(fd);
	return len;
}

/* ---- containers ---- */

void for_containers(void (*fn)(const char *dir))
{
	DIR *d = opendir(ROOT);
	struct dirent *entry;
	char path[320];

	while (d && (entry = readdir(d))) {
		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), ROOT "/%s", entry->d_name);
		fn(path);
	}
	if (d)
		closedir(d);
}

static char own_prefix[32];

static void remove_if_own(const char *dir)
{
	if (!strncmp(dir, own_prefix, strlen(own_prefix)))
		rmdir(dir);
}

void remove_own(struct actor *a)
{
	snprintf(own_prefix, sizeof(own_prefix), OWN "-", a->number);
	for_containers(remove_if_own);
}

long number_in(const char *dir, const char *file)
{
	char path[160], text[32];

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	return get(path, text, sizeof(text)) > 0 ? strtol(text, NULL, 10) : -1;
}

/* ---- children ---- */

pid_t fork_child(struct actor *a)
{
	pid_t parent = getpid(), pid = fork();

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(0);
		/* it is not to be told of what its parent is told */
		alarm(0);
	} else if (pid > 0) {
		a->slot->child = pid;
	}
	return pid;
}

int await_child(struct actor *a, pid_t pid)
{
	int status;

	while (waitpid(pid, &status, __WALL) < 0)
		if (errno != EINTR)
			return errno;
	a->slot->child = 0;
	if (WIFSIGNALED(status))
		return ECHILD;
	return WEXITSTATUS(status) ? EPROTO : 0;
}

/* ---- telling ---- */

long now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

/* One write for each line, as many may speak at once. */
void say(const char *format, ...)
{
	char text[1024] = "# ";
	va_list ap;
	int len;

	va_start(ap, format);
	len = vsnprintf(text + 2, sizeof(text) - 3, format, ap);
	va_end(ap);
	len = 2 + (len < (int)sizeof(text) - 4 ? len : (int)sizeof(text) - 4);
	text[len++] = '\n';
	if (write(STDOUT_FILENO, text, len) < 0)
		_exit(1);
}

void corrupt(const char *format, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	__atomic_add_fetch(&shared->corrupt, 1, __ATOMIC_RELAXED);
	say("CORRUPT: %s", text);
}

void broken(const char *format, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	__atomic_add_fetch(&shared->broken, 1, __ATOMIC_RELAXED);
	say("BROKEN: %s", text);
}

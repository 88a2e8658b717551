// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a kernel does with a write to shrink or rss_limit, where files that hold
 * still are not enough: preloaded into ctnctl, it makes num_file_pages of the
 * container go down step by step to what is written, in pages or with M.
 *
 * Files in the container's directory say how:
 *
 *   floor   below it there is nothing to be freed: EBUSY
 *   step    how many pages go at a time
 *   pause   how many milliseconds that takes, in which a signal means EINTR
 *   deaf    for how many before that a signal comes too early, as one does that
 *           comes before the system call
 *   dying   it is being removed: ENODEV
 *   writes  gets a line for each write
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static unsigned long get(const char *dir, const char *file, unsigned long none)
{
	char path[PATH_MAX];
	unsigned long value;
	FILE *from;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	from = fopen(path, "re");
	if (!from)
		return none;
	if (fscanf(from, "%lu", &value) != 1)
		value = none;
	fclose(from);
	return value;
}

static void put(const char *dir, const char *file, const char *mode,
		const char *what, unsigned long value)
{
	char path[PATH_MAX];
	FILE *to;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	to = fopen(path, mode);
	if (!to)
		abort();
	fprintf(to, "%s%lu\n", what, value);
	fclose(to);
}

static struct timespec get_ms(const char *dir, const char *file)
{
	unsigned long ms = get(dir, file, 0);

	return (struct timespec){ (long)(ms / 1000),
				  (long)(ms % 1000) * 1000000 };
}

static unsigned long pages(const char *text)
{
	unsigned long value = strtoul(text, NULL, 10);

	return strchr(text, 'M') ? (value << 20) / (unsigned long)getpagesize() :
	       value;
}

static int trim(const char *dir, unsigned long target)
{
	unsigned long floor = get(dir, "floor", 0);
	unsigned long step = get(dir, "step", ULONG_MAX);
	struct timespec pause = get_ms(dir, "pause");
	struct timespec deaf = get_ms(dir, "deaf");
	unsigned long anon = get(dir, "num_anon_pages", 0);
	unsigned long file, free;

	if (get(dir, "dying", 0))
		return ENODEV;
	while (nanosleep(&deaf, &deaf))
		continue;
	while ((file = get(dir, "num_file_pages", 0)) + anon > target) {
		free = file + anon - target;
		if (free > step)
			free = step;
		if (nanosleep(&pause, NULL))
			return EINTR;
		if (file <= floor)
			return EBUSY;
		if (free > file - floor)
			free = file - floor;
		put(dir, "num_file_pages", "we", "", file - free);
	}
	return 0;
}

/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name) */
ssize_t write(int fd, const void *buf, size_t count)
{
	ssize_t (*real)(int fd, const void *buf, size_t count);
	char link[64], path[PATH_MAX], value[64], label[80], *name = NULL;
	ssize_t len;
	int err;

	*(void **)&real = dlsym(RTLD_NEXT, "write");
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, path, sizeof(path) - 1);
	if (len > 0) {
		path[len] = '\0';
		name = strrchr(path, '/');
	}
	if (!name || (strcmp(name, "/shrink") && strcmp(name, "/rss_limit")) ||
	    count >= sizeof(value) || *(const char *)buf < '0' ||
	    *(const char *)buf > '9')
		return real(fd, buf, count);
	memcpy(value, buf, count);
	value[count] = '\0';
	*name++ = '\0';
	snprintf(label, sizeof(label), "%s ", name);
	put(path, "writes", "ae", label, pages(value));
	err = trim(path, pages(value));
	if (!err)
		return real(fd, buf, count);
	errno = err;
	return -1;
}

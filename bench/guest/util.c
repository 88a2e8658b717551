// SPDX-License-Identifier: GPL-2.0
/*
 * Files, the clock and results. Whatever fails ends the run: a number that was
 * measured beside an error is worth nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "guest.h"

void die(const char *format, ...)
{
	int error = errno;
	va_list args;

	printf("bench: ");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf(": %s\n", strerror(error));
	fflush(stdout);
	_exit(1);
}

/* 0, or -1 with errno */
int try_put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t done;

	if (fd < 0)
		return -1;
	done = write(fd, text, strlen(text));
	if (close(fd) || done != (ssize_t)strlen(text))
		return -1;
	return 0;
}

void put(const char *path, const char *format, ...)
{
	char text[4096];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (try_put(path, text))
		die("writing \"%s\" to %s", text, path);
}

/* All of a file, up to 1 MB of it, until the next call. */
char *get(const char *path)
{
	static char text[1 << 20];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t part, size = 0;

	if (fd < 0)
		die("%s", path);
	while ((part = read(fd, text + size, sizeof(text) - 1 - size)) > 0)
		size += part;
	if (part < 0)
		die("reading %s", path);
	close(fd);
	text[size] = '\0';
	return text;
}

unsigned long get_number(const char *path)
{
	return strtoul(get(path), NULL, 10);
}

/* The number after @key in a file of lines that begin with a key. */
unsigned long get_field(const char *path, const char *key)
{
	size_t length = strlen(key);
	char *line;

	for (line = strtok(get(path), "\n"); line; line = strtok(NULL, "\n"))
		if (!strncmp(line, key, length))
			return strtoul(line + length + strspn(line + length, ": \t"),
				       NULL, 10);
	errno = ENOENT;
	die("%s of %s", key, path);
}

void make_dir(const char *path)
{
	if (mkdir(path, 0755) && errno != EEXIST)
		die("mkdir %s", path);
}

void mount_at(const char *type, const char *device, const char *dir)
{
	make_dir(dir);
	if (mount(device, dir, type, MS_NOATIME, NULL))
		die("mounting %s on %s", type, dir);
}

void result(const char *name, double value)
{
	printf("= %s %.2f\n", name, value);
	fflush(stdout);
}

/*
 * What others have left to do, in RCU callbacks and work queues, is done, and
 * the pages that wait in the CPU's batches are where they belong.
 */
void settle(void)
{
	struct timespec second = { .tv_sec = 1 };
	int fd;

	nanosleep(&second, NULL);
	fd = memfd_create("settle", MFD_ALLOW_SEALING);
	if (fd < 0 || write(fd, "", 1) != 1 || fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE))
		die("draining the CPUs' batches");
	close(fd);
}

/* How long the one CPU has been idle: with no HZ it is exact. */
uint64_t idle_ns(void)
{
	char *at = strstr(get("/proc/timer_list"), "idle_sleeptime");

	if (!at)
		die("no idle_sleeptime in /proc/timer_list");
	at = strchr(at, ':');
	return strtoull(at + 1, NULL, 10);
}

double profiled_units;

__attribute__((noinline)) void profile_begin(void)
{
	asm volatile("" : : : "memory");
}

__attribute__((noinline)) void profile_end(void)
{
	asm volatile("nop" : : : "memory");
}

struct span span_begin(void)
{
	struct span span = { .idle = idle_ns() };

	profile_begin();
	span.begin = clock_now();
	return span;
}

double span_end(struct span span, double units)
{
	uint64_t end = clock_now();

	profile_end();
	profiled_units += units;
	return (end - span.begin - (idle_ns() - span.idle)) / units;
}

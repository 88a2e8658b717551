// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a kernel does, where files that hold still are not enough: preloaded into
 * ctnctl, it makes containers, removes them and names files for them, and with a
 * write to shrink or rss_limit it makes num_file_pages of the container go down step
 * by step to what is written, in pages or with M.
 *
 * A new container is a copy of "new", which lies beside the directory of all
 * containers; without that it is empty, and only an empty one can be removed. A
 * file that is written to addfile is put into mappings; one whose name ends in
 * ".others" is another user's.
 *
 * Files in the container's directory say how it shrinks:
 *
 *   floor   below it there is nothing to be freed: EBUSY
 *   step    how many pages go at a time
 *   pause   how many milliseconds that takes, in which a signal means EINTR
 *   deaf    for how many before that a signal comes too early, as one does that
 *           comes before the system call
 *   dying   it is being removed: ENODEV
 *   writes  gets a line for each write
 *
 * A program on-ATTR beside the directory of all containers is run when something is to
 * be written to ATTR of one, before that is done.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
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

/* Whether @path is that of a container, and in @config where configfs is. */
static int is_container(const char *path, char *config)
{
	char *last;

	snprintf(config, PATH_MAX, "%s", path);
	last = strrchr(config, '/');
	if (!last)
		return 0;
	*last = '\0';
	last = strrchr(config, '/');
	if (!last || strcmp(last, "/containers"))
		return 0;
	*last = '\0';
	return 1;
}

/* What is written then is no write to an attribute. */
static int is_making;

static void copy(int from_dir, int to_dir, const char *name)
{
	int from = openat(from_dir, name, O_RDONLY | O_CLOEXEC);
	struct stat st;
	char text[4096];
	ssize_t len;
	int to;

	if (from < 0)
		return;
	if (fstat(from, &st) || !S_ISREG(st.st_mode)) {
		close(from);
		return;
	}
	to = openat(to_dir, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	len = read(from, text, sizeof(text));
	if (to < 0 || len < 0 ||
	    (len && write(to, text, (size_t)len) != len) ||
	    fchmod(to, st.st_mode & 07777))
		abort();
	close(from);
	close(to);
}

int mkdir(const char *path, mode_t mode)
{
	int (*real)(const char *path, mode_t mode);
	char config[PATH_MAX], new[PATH_MAX + 4];
	struct dirent *entry;
	int ret, to;
	DIR *from;

	*(void **)&real = dlsym(RTLD_NEXT, "mkdir");
	ret = real(path, mode);
	if (ret || !is_container(path, config))
		return ret;
	snprintf(new, sizeof(new), "%s/new", config);
	from = opendir(new);
	if (!from)
		return 0;
	to = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	is_making = 1;
	while ((entry = readdir(from)))
		copy(dirfd(from), to, entry->d_name);
	is_making = 0;
	closedir(from);
	close(to);
	return 0;
}

int rmdir(const char *path)
{
	int (*real)(const char *path);
	char config[PATH_MAX], new[PATH_MAX + 4];
	struct dirent *entry;
	DIR *dir;

	*(void **)&real = dlsym(RTLD_NEXT, "rmdir");
	if (is_container(path, config)) {
		snprintf(new, sizeof(new), "%s/new", config);
		dir = access(new, F_OK) ? NULL : opendir(path);
		while (dir && (entry = readdir(dir)))
			unlinkat(dirfd(dir), entry->d_name, 0);
		if (dir)
			closedir(dir);
	}
	return real(path);
}

/* Returns an errno. */
static int name_file(const char *dir, const char *value)
{
	static const char others[] = ".others";
	char path[2 * PATH_MAX + 16], real[PATH_MAX];
	struct stat st;
	FILE *to;

	if (stat(value, &st))
		return errno;
	if (!realpath(value, real))
		return errno;
	if (strlen(real) > strlen(others) &&
	    !strcmp(real + strlen(real) - strlen(others), others))
		return EPERM;
	snprintf(path, sizeof(path), "%s/mappings", dir);
	to = fopen(path, "ae");
	if (!to)
		abort();
	fprintf(to, "0 %u:%u %lu ", major(st.st_dev), minor(st.st_dev),
		(unsigned long)st.st_ino);
	for (const char *at = real; *at; at++)
		fprintf(to, strchr(" \t\n\v\f\r\\", *at) ? "\\%03o" : "%c", *at);
	fprintf(to, "\n");
	fclose(to);
	put(dir, "num_files", "we", "", get(dir, "num_files", 0) + 1);
	return 0;
}

/* @path is that of an attribute. */
static void meanwhile(const char *path, const char *name)
{
	char dir[PATH_MAX], config[PATH_MAX], program[2 * PATH_MAX];

	snprintf(dir, sizeof(dir), "%.*s", (int)(name - path), path);
	if (!is_container(dir, config))
		return;
	snprintf(program, sizeof(program), "%s/on-%s", config, name + 1);
	if (access(program, X_OK))
		return;
	unsetenv("LD_PRELOAD");
	/* NOLINTNEXTLINE(cert-env33-c): it is the test that has written it */
	if (system(program))
		abort();
}

/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name) */
ssize_t write(int fd, const void *buf, size_t count)
{
	ssize_t (*real)(int fd, const void *buf, size_t count);
	char link[64], path[2 * PATH_MAX], value[64], label[80], *name = NULL;
	ssize_t len;
	int err;

	*(void **)&real = dlsym(RTLD_NEXT, "write");
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, path, PATH_MAX - 1);
	if (len > 0) {
		path[len] = '\0';
		name = strrchr(path, '/');
	}
	if (name && !is_making)
		meanwhile(path, name);
	if (name && !strcmp(name, "/addfile") && count < PATH_MAX) {
		memcpy(path + len + 1, buf, count);
		path[(size_t)len + 1 + count] = '\0';
		*name = '\0';
		err = name_file(path, path + len + 1);
		if (!err)
			return (ssize_t)count;
		errno = err;
		return -1;
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

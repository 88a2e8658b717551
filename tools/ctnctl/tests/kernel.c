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
 * A container, or the directory of all, that has a file "table" has its beancounters
 * there: a write to beancounters or default_beancounters changes what is in it, and
 * the file that has the same limit, and one to that file changes the table.
 *
 * Files in the container's directory say how it shrinks:
 *
 *   floor   below it there is nothing to be freed: EBUSY
 *   step    how many pages go at a time
 *   pause   how many milliseconds that takes, in which a signal means EINTR
 *   deaf    for how many before that a signal comes too early, as one does that
 *           comes before the system call; and how long a write to kill takes
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

static unsigned long bound(const char *text, int is_pages)
{
	static const char letters[] = "KMGT";
	char *end;
	unsigned long value = strtoul(text, &end, 10);
	const char *letter = *end ? strchr(letters, *end) : NULL;

	if (!strcmp(text, "max"))
		return ULONG_MAX;
	if (letter)
		value <<= 10 * (letter - letters + 1);
	if (letter && is_pages)
		value /= (unsigned long)getpagesize();
	return value >= 2251799813685247 ? ULONG_MAX : value;
}

static const char *bound_text(unsigned long value, char *text)
{
	if (value == ULONG_MAX)
		return strcpy(text, "max");
	sprintf(text, "%lu", value);
	return text;
}

/* The file that has the same limit, or NULL. */
static const char *same_limit(const char *resource, int is_default)
{
	return !strcmp(resource, "numproc") ?
	       is_default ? "default_task_limit" : "task_limit" :
	       !strcmp(resource, "physpages") && !is_default ? "rss_limit" : NULL;
}

static void put_text(const char *dir, const char *file, const char *text)
{
	char path[3 * PATH_MAX];
	FILE *to;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	to = fopen(path, "we");
	if (!to)
		abort();
	fputs(text, to);
	fclose(to);
}

/*
 * Put bounds into a table, and the table into the file that shows it. A barrier
 * that is NULL is what there is, if that is not over the limit. Returns an errno.
 */
static int set_bounds(const char *dir, const char *file, const char *resource,
		      const char *barrier, const char *limit)
{
	int is_default = !strncmp(file, "default_", 8), found = 0;
	char path[3 * PATH_MAX], line[256], text[4096] = "";
	FILE *table;

	snprintf(path, sizeof(path), "%s/table", dir);
	table = fopen(path, "re");
	if (!table)
		abort();
	while (fgets(line, sizeof(line), table)) {
		char name[64] = "", head[128] = "", tail[64] = "", old[64] = "";
		char low_text[24], high_text[24];
		unsigned long low, high, held, most, least;
		int is_pages;

		if (is_default) {
			sscanf(line, "%63s %63s", name, old);
		} else if (sscanf(line, "%63s %lu %lu %lu %63s %*s %63s", name, &held,
				  &most, &least, old, tail) == 6) {
			sprintf(head, " %lu %lu %lu", held, most, least);
		}
		if (strcmp(name, resource)) {
			strcat(text, line);
			continue;
		}
		is_pages = strstr(name, "pages") != NULL;
		high = bound(limit, is_pages);
		low = bound(barrier ? barrier : old, is_pages);
		if (low > high && barrier) {
			fclose(table);
			return EINVAL;
		}
		if (low > high)
			low = high;
		found = 1;
		sprintf(text + strlen(text), "%s%s %s %s%s%s\n", name, head,
			bound_text(low, low_text), bound_text(high, high_text),
			*tail ? " " : "", tail);
	}
	fclose(table);
	if (!found)
		return EOPNOTSUPP;
	put_text(dir, "table", text);
	put_text(dir, file, text);
	return 0;
}

static int has_table(const char *dir)
{
	char path[PATH_MAX + 8];

	snprintf(path, sizeof(path), "%s/table", dir);
	return !access(path, F_OK);
}

/* "RESOURCE BARRIER LIMIT", or "RESOURCE LIMIT". */
static int write_table(const char *dir, const char *file, const char *value)
{
	char name[64], barrier[64], limit[64], text[32];
	int words = sscanf(value, "%63s %63s %63s", name, barrier, limit);
	const char *same, *last = words == 2 ? barrier : limit;
	int err;

	if (words < 2)
		return EINVAL;
	err = set_bounds(dir, file, name, barrier, last);
	same = err ? NULL : same_limit(name, !strncmp(file, "default_", 8));
	if (!same)
		return err;
	bound_text(bound(last, strstr(name, "pages") != NULL), text);
	put_text(dir, same, strcat(text, "\n"));
	return 0;
}

/* What was written to a file that has the limit of a resource. */
static void update_table(const char *dir, const char *file, const char *value)
{
	if (!strcmp(file, "task_limit"))
		set_bounds(dir, "beancounters", "numproc", NULL, value);
	else if (!strcmp(file, "rss_limit"))
		set_bounds(dir, "beancounters", "physpages", NULL, value);
	else if (!strcmp(file, "default_task_limit"))
		set_bounds(dir, "default_beancounters", "numproc", NULL, value);
}

/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name) */
ssize_t write(int fd, const void *buf, size_t count)
{
	ssize_t (*real)(int fd, const void *buf, size_t count);
	char link[64], path[2 * PATH_MAX], value[64], label[80], *name = NULL;
	struct timespec deaf;
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
	if (name && count < sizeof(value)) {
		memcpy(value, buf, count);
		value[count] = '\0';
		value[strcspn(value, "\n")] = '\0';
		*name = '\0';
		if (has_table(path) && (!strcmp(name + 1, "beancounters") ||
					!strcmp(name + 1, "default_beancounters"))) {
			err = write_table(path, name + 1, value);
			if (!err)
				return (ssize_t)count;
			errno = err;
			return -1;
		}
		deaf = get_ms(path, "deaf");
		while (!strcmp(name + 1, "kill") && nanosleep(&deaf, &deaf))
			continue;
		if (has_table(path))
			update_table(path, name + 1, value);
		*name = '/';
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

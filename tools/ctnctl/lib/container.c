// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A container: made, opened, removed, its attributes, its tasks. What it
 * knows about files is in mapping.c.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "internal.h"

static int check_name(const struct ctn_tree *tree, const char *name)
{
	static const char want[] =
		"want a name other than \".\" and \"..\", without \"/\"";

	if (strlen(name) > CTN_NAME_MAX)
		return fail(ENAMETOOLONG, tree->path, name, NULL,
			    "want at most 255 bytes");
	if (!*name || strchr(name, '/') || !strcmp(name, ".") ||
	    !strcmp(name, ".."))
		return fail(EINVAL, tree->path, name, NULL, want);
	return 0;
}

static struct ctn *new_container(const struct ctn_tree *tree, const char *name)
{
	struct ctn *ctn;

	if (check_name(tree, name))
		return NULL;
	ctn = malloc(sizeof(*ctn));
	if (!ctn) {
		fail(ENOMEM, name, NULL, NULL, NULL);
		return NULL;
	}
	ctn->fd = -1;
	ctn->path = join(tree->path, name);
	if (!ctn->path) {
		free(ctn);
		return NULL;
	}
	ctn->name = ctn->path + strlen(tree->path) + 1;
	return ctn;
}

CTN_API void ctn_close(struct ctn *ctn)
{
	if (!ctn)
		return;
	if (ctn->fd >= 0)
		close(ctn->fd);
	free(ctn->path);
	free(ctn);
}

static int fail_dir(const struct ctn *ctn)
{
	return fail(errno, ctn->path, NULL,
		    errno == ENOENT ? "No such container" :
		    errno == ENOTDIR ? "Not a container" : NULL, NULL);
}

static int open_path(const char *path)
{
	return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

int identify(const struct ctn *ctn, struct identity *id)
{
	struct stat st;

	if (fstat(ctn->fd, &st))
		return -1;
	*id = (struct identity){ st.st_dev, st.st_ino };
	return 0;
}

int still_named(struct dir dir)
{
	struct stat named, opened;

	if (stat(dir.path, &named) || fstat(dir.fd, &opened))
		return -1;
	if (named.st_dev == opened.st_dev && named.st_ino == opened.st_ino)
		return 0;
	errno = ENOENT;
	return -1;
}

CTN_API struct ctn *ctn_create(const struct ctn_tree *tree, const char *name)
{
	struct ctn *ctn = new_container(tree, name);
	int spare, err;

	if (!ctn)
		return NULL;
	/* that there is no room for another file is known before anything is made */
	spare = open_path(tree->path);
	if (spare < 0 || mkdir(ctn->path, 0777)) {
		fail(errno, ctn->path, NULL, NULL, NULL);
		goto fail;
	}
	close(spare);
	spare = -1;
	ctn->fd = open_path(ctn->path);
	if (ctn->fd >= 0)
		return ctn;
	fail_dir(ctn);
	err = errno;
	if (err != ENOENT)
		rmdir(ctn->path);
	errno = err;
fail:
	if (spare >= 0)
		close(spare);
	ctn_close(ctn);
	return NULL;
}

CTN_API struct ctn *ctn_open(const struct ctn_tree *tree, const char *name)
{
	struct ctn *ctn = new_container(tree, name);

	if (!ctn)
		return NULL;
	ctn->fd = open_path(ctn->path);
	if (ctn->fd >= 0)
		return ctn;
	fail_dir(ctn);
	ctn_close(ctn);
	return NULL;
}

CTN_API int ctn_delete(const struct ctn_tree *tree, const char *name)
{
	struct ctn *ctn = new_container(tree, name);
	int ret = 0;

	if (!ctn)
		return -1;
	if (rmdir(ctn->path))
		ret = fail_dir(ctn);
	ctn_close(ctn);
	return ret;
}

CTN_API int ctn_exists(const struct ctn *ctn)
{
	return still_named(dir_of(ctn)) ? fail_dir(ctn) : 0;
}

/*
 * rmdir(2) goes by name, and there is nothing that goes by descriptor: between the look
 * and the call is a moment in which the name can become that of another.
 */
CTN_API int ctn_remove(const struct ctn *ctn)
{
	return still_named(dir_of(ctn)) || rmdir(ctn->path) ? fail_dir(ctn) : 0;
}

CTN_API int ctn_fd(const struct ctn *ctn)
{
	return ctn->fd;
}

CTN_API const char *ctn_name(const struct ctn *ctn)
{
	return ctn->name;
}

CTN_API const char *ctn_path(const struct ctn *ctn)
{
	return ctn->path;
}

CTN_API char **ctn_attrs(const struct ctn *ctn)
{
	return dir_names(dir_of(ctn), DT_REG);
}

CTN_API char *ctn_get(const struct ctn *ctn, const char *attr)
{
	return attr_get(dir_of(ctn), attr);
}

CTN_API int ctn_set(const struct ctn *ctn, const char *attr, const char *value)
{
	return attr_set(dir_of(ctn), attr, value);
}

int fail_content(const struct ctn *ctn, const char *attr, const char *line)
{
	char *path = join(ctn->path, attr);

	if (!path)
		return -1;
	fail(EPROTO, path, line, "Not what is expected of this file", NULL);
	free(path);
	return -1;
}

CTN_API int ctn_get_number(const struct ctn *ctn, const char *attr,
			   uint64_t *value)
{
	char *text = ctn_get(ctn, attr);
	uint64_t number;
	int ret = 0;

	if (!text)
		return -1;
	if (parse_value(text, &number))
		ret = fail_content(ctn, attr, text);
	else
		*value = number;
	free(text);
	return ret;
}

CTN_API int ctn_has(const struct ctn *ctn, const char *attr)
{
	return attr_exists(dir_of(ctn), attr);
}

CTN_API int ctn_usage(const struct ctn *ctn, uint64_t *pages)
{
	uint64_t anon, file;

	if (ctn_get_number(ctn, "num_anon_pages", &anon) ||
	    ctn_get_number(ctn, "num_file_pages", &file))
		return -1;
	*pages = anon + file;
	return 0;
}

CTN_API int ctn_shrink(const struct ctn *ctn, uint64_t pages)
{
	char text[3 * sizeof(pages) + 1];

	snprintf(text, sizeof(text), "%" PRIu64, pages);
	return ctn_set(ctn, "shrink", text);
}

static int set_pid(const struct ctn *ctn, const char *attr, pid_t pid)
{
	char text[3 * sizeof(pid) + 2];

	snprintf(text, sizeof(text), "%jd", (intmax_t)pid);
	return ctn_set(ctn, attr, text);
}

CTN_API int ctn_add_task(const struct ctn *ctn, pid_t pid)
{
	return set_pid(ctn, "addtask", pid);
}

CTN_API int ctn_rm_task(const struct ctn *ctn, pid_t pid)
{
	return set_pid(ctn, "rmtask", pid);
}

static size_t count_lines(const char *text)
{
	size_t lines = 1;

	while ((text = strchr(text, '\n'))) {
		text++;
		lines++;
	}
	return lines;
}

CTN_API ssize_t ctn_tasks(const struct ctn *ctn, pid_t **tids)
{
	char *text = ctn_get(ctn, "tasks");
	ssize_t count = 0;
	pid_t *list;
	char *at;

	if (!text)
		return -1;
	list = calloc(count_lines(text), sizeof(*list));
	if (!list) {
		free(text);
		return fail(ENOMEM, ctn->path, NULL, NULL, NULL);
	}
	for (at = text; *at; at += *at == '\n') {
		uint64_t number;
		char *end;

		if (parse_number(at, &end, &number) || number > INT_MAX ||
		    (*end && *end != '\n')) {
			at[strcspn(at, "\n")] = '\0';
			fail_content(ctn, "tasks", at);
			free(list);
			free(text);
			return -1;
		}
		list[count++] = (pid_t)number;
		at = end;
	}
	free(text);
	*tids = list;
	return count;
}

/* "KEY VALUE" */
static int parse_stat(char *line, struct ctn_stat *stat)
{
	char *space = strchr(line, ' ');

	if (!space || space == line || parse_value(space + 1, &stat->value))
		return -1;
	*space = '\0';
	stat->key = line;
	return 0;
}

CTN_API ssize_t ctn_stats(const struct ctn *ctn, struct ctn_stat **stats)
{
	char *text = ctn_get(ctn, "stat");
	struct ctn_stat *list;
	ssize_t count = 0;
	char *rest, *line;
	size_t lines;

	if (!text)
		return -1;
	/* The keys stay in a copy of the text behind the array. */
	lines = count_lines(text);
	list = malloc(lines * sizeof(*list) + strlen(text) + 1);
	if (!list) {
		free(text);
		return fail(ENOMEM, ctn->path, NULL, NULL, NULL);
	}
	rest = strcpy((char *)(list + lines), text);
	free(text);
	while (*rest) {
		line = rest;
		rest += strcspn(rest, "\n");
		if (*rest)
			*rest++ = '\0';
		if (parse_stat(line, &list[count++])) {
			fail_content(ctn, "stat", line);
			free(list);
			return -1;
		}
	}
	*stats = list;
	return count;
}

struct ctn_stats {
	size_t count;
	struct ctn_stat *list;
};

CTN_API struct ctn_stats *ctn_stats_read(const struct ctn *ctn)
{
	struct ctn_stats *stats = malloc(sizeof(*stats));
	ssize_t count;

	if (!stats) {
		fail(ENOMEM, ctn->path, NULL, NULL, NULL);
		return NULL;
	}
	count = ctn_stats(ctn, &stats->list);
	if (count < 0) {
		free(stats);
		return NULL;
	}
	stats->count = (size_t)count;
	return stats;
}

CTN_API size_t ctn_stats_count(const struct ctn_stats *stats)
{
	return stats->count;
}

CTN_API const char *ctn_stats_key(const struct ctn_stats *stats, size_t index)
{
	return index < stats->count ? stats->list[index].key : NULL;
}

CTN_API uint64_t ctn_stats_value(const struct ctn_stats *stats, size_t index)
{
	return index < stats->count ? stats->list[index].value : 0;
}

CTN_API void ctn_stats_free(struct ctn_stats *stats)
{
	if (stats)
		free(stats->list);
	free(stats);
}

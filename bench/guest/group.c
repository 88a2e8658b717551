// SPDX-License-Identifier: GPL-2.0
/*
 * A group is a container or a memory cgroup: the rows are the same for both.
 * With both at once ("coexist") a row runs in one of each, and what it makes,
 * limits and reads is the container.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest.h"

#define CGROUPS		"/sys/fs/cgroup"
#define CONTAINERS	"/config/containers"

static const struct group_conf confs[] = {
	{ .name = "plain" },
	{ .name = "memcg-root", .memcg = true },
	{ .name = "memcg", .memcg = true, .enter = true },
	{ .name = "memcg-high", .memcg = true, .enter = true, .high = true },
	{ .name = "none" },
	{ .name = "outside", .container = true },
	{ .name = "inside", .container = true, .enter = true },
	{ .name = "coexist", .memcg = true, .container = true, .enter = true },
};

const struct group_conf *conf;

void group_choose(const char *name)
{
	for (size_t i = 0; i < sizeof(confs) / sizeof(*confs); i++)
		if (!strcmp(confs[i].name, name))
			conf = &confs[i];
	if (!conf) {
		errno = EINVAL;
		die("configuration %s", name);
	}
}

/* Whether the configuration has groups that can be made. */
bool group_any(void)
{
	return conf->memcg || conf->container;
}

void group_path(char *path, size_t size, const char *name)
{
	snprintf(path, size, "%s/%s", conf->container ? CONTAINERS : CGROUPS, name);
}

/* The group that the row runs in, or that is just there. */
void group_setup(void)
{
	if (conf->memcg) {
		put(CGROUPS "/cgroup.subtree_control", "+memory");
		make_dir(CGROUPS "/bench");
	}
	if (conf->container)
		make_dir(CONTAINERS "/bench");
}

/* What the kernel has for itself is counted for it from now on: memcg always does that. */
void group_count(void)
{
	if (conf->container)
		put(CONTAINERS "/bench/beancounters", "kmemsize max");
}

void group_make(const char *name)
{
	char path[256];

	group_path(path, sizeof(path), name);
	if (mkdir(path, 0755))
		die("mkdir %s", path);
}

void group_remove(const char *name)
{
	char path[256];

	group_path(path, sizeof(path), name);
	if (rmdir(path))
		die("rmdir %s", path);
}

void group_enter(const char *name)
{
	char path[256];

	if (conf->memcg) {
		snprintf(path, sizeof(path), CGROUPS "/%s/cgroup.procs",
			 conf->container ? "bench" : name);
		put(path, "0");
	}
	if (conf->container) {
		snprintf(path, sizeof(path), CONTAINERS "/%s/addtask", name);
		put(path, "%d", getpid());
	}
}

void group_limit(const char *name, unsigned long bytes)
{
	char path[256], file[512];

	group_path(path, sizeof(path), name);
	snprintf(file, sizeof(file), "%s/%s", path, conf->container ? "page_limit" :
		 conf->high ? "memory.high" : "memory.max");
	if (conf->container)
		put(file, "%lu", bytes / PAGE);
	else
		put(file, "%lu", bytes);
}

/* For what cannot simply be dropped, or for all: nobody goes over it. */
void group_hard_limit(const char *name, unsigned long bytes)
{
	char path[256], file[512];

	group_path(path, sizeof(path), name);
	snprintf(file, sizeof(file), "%s/%s", path,
		 conf->container ? "rss_limit" : "memory.max");
	put(file, "%lu", conf->container ? bytes / PAGE : bytes);
}

unsigned long group_usage(const char *name)
{
	char path[256], file[512];
	unsigned long pages;

	group_path(path, sizeof(path), name);
	if (!conf->container) {
		snprintf(file, sizeof(file), "%s/memory.current", path);
		return get_number(file) / PAGE;
	}
	snprintf(file, sizeof(file), "%s/num_anon_pages", path);
	pages = get_number(file);
	snprintf(file, sizeof(file), "%s/num_file_pages", path);
	return pages + get_number(file);
}

/* Trim @pages of what it has: asked for by somebody, and done when we return. */
void group_trim(const char *name, unsigned long pages)
{
	char path[256], file[512];

	group_path(path, sizeof(path), name);
	if (conf->container) {
		snprintf(file, sizeof(file), "%s/shrink", path);
		put(file, "%lu", group_usage(name) - pages);
	} else {
		snprintf(file, sizeof(file), "%s/memory.reclaim", path);
		put(file, "%lu", pages * PAGE);
	}
}

void in_child(const char *name, void (*fn)(void))
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		die("fork");
	if (!pid) {
		if (name)
			group_enter(name);
		fn();
		result("units", profiled_units);
		fflush(stdout);
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid)
		die("waitpid");
	if (status)
		_exit(1);
}

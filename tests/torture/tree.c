// SPDX-License-Identifier: GPL-2.0
/*
 * Actors that do with containers what an administrator may do: make, fill,
 * limit, read and remove them, and a few things that nobody should.
 */
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>
#include "torture.h"

static char text[1 << 20];

/* ---- making and removing ---- */

static int op_mkdir(struct actor *a)
{
	return mkdir(random_container(a), 0755) ? errno : 0;
}

static int op_rmdir(struct actor *a)
{
	return rmdir(random_container(a)) ? errno : 0;
}

static int op_refused(struct actor *a)
{
	char to[80];

	/* none of these is possible, whatever the state of things */
	snprintf(to, sizeof(to), "%s/x", random_container(a));
	if (!mkdir(to, 0755) || !symlink("/", to) ||
	    !rename(random_container(a), ROOT "/y") ||
	    !link("/dev/shm/torture/exe", to))
		corrupt("%s: something went through that must not", to);
	return errno;
}

/* ---- members ---- */

static pid_t random_pid(struct actor *a)
{
	struct slot *slot = &shared->slot[below(a, shared->nr_slots)];
	pid_t child = slot->child;

	/* the machine's administrator has to get on whatever happens */
	if (!slot->kind->mortal || slot->kind->alone)
		return 0;
	return child && chance(a, 30) ? child : slot->pid;
}

static int put_pid(struct actor *a, const char *file)
{
	pid_t pid = random_pid(a);
	char path[96];

	if (!pid)
		return NOTHING;
	snprintf(path, sizeof(path), "%s/%s", random_container(a), file);
	return putf(path, "%d\n", pid);
}

static int op_addtask(struct actor *a)
{
	return put_pid(a, chance(a, 90) ? "addtask" : "tasks");
}

/* Out of the one that it is in, most of the time. */
static int op_rmtask(struct actor *a)
{
	char path[96], *line, *save;

	if (chance(a, 20))
		return put_pid(a, "rmtask");
	snprintf(path, sizeof(path), "%s/tasks", random_container(a));
	if (get(path, text, sizeof(text)) <= 0)
		return NOTHING;
	line = strtok_r(text, "\n", &save);
	strcpy(strrchr(path, '/'), "/rmtask");
	return put(path, line);
}

static int op_bad_pid(struct actor *a)
{
	static const char * const bad[] = {
		"2", "0", "-1", "x", "4194304", "99999999999", "1 1", "",
	};
	char path[96];

	snprintf(path, sizeof(path), "%s/%s", random_container(a),
		 chance(a, 50) ? "addtask" : "rmtask");
	return put(path, bad[below(a, 8)]);
}

static int op_addfile(struct actor *a)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/addfile", random_container(a));
	/* the program that all of these run, and what their children do */
	if (chance(a, 3))
		return put(path, chance(a, 50) ? WORK "/exe" : "/proc/self/exe");
	return put(path, random_file(a));
}

/* One that it owns, as far as it has a name. */
static int op_rmfile(struct actor *a)
{
	char path[96], file[96];
	unsigned long pages, major, minor, ino;
	char *line, *save;
	struct stat st;

	if (chance(a, 20)) {
		snprintf(path, sizeof(path), "%s/rmfile", random_container(a));
		return put(path, random_file(a));
	}
	snprintf(path, sizeof(path), "%s/mappings", random_container(a));
	if (get(path, text, sizeof(text)) <= 0)
		return NOTHING;
	strcpy(strrchr(path, '/'), "/rmfile");
	for (line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		if (sscanf(line, "%lu %lu:%lu %lu", &pages, &major, &minor, &ino) != 4)
			corrupt("mappings: %s", line);
		for (int i = 0; i < nr_work_dirs * FILES; i++) {
			snprintf(file, sizeof(file), "%s/f%d",
				 work_dirs[i / FILES], i % FILES);
			if (!stat(file, &st) && st.st_ino == ino && chance(a, 30))
				return put(path, file);
		}
	}
	return NOTHING;
}

/* Who is in a container can die at any time; most signals here do nothing to them. */
static int op_kill(struct actor *a)
{
	static const char * const signals[] = { "0", "9", "18", "23", "28", "65", "x" };
	char path[96];

	snprintf(path, sizeof(path), "%s/kill", random_container(a));
	return put(path, signals[below(a, 7)]);
}

/* ---- limits ---- */

static int put_limit(struct actor *a, const char *file, unsigned long low)
{
	static const unsigned long pages[] = { 300, 1000, 2000, 4000, 8000, 16000 };
	char path[96];

	snprintf(path, sizeof(path), "%s/%s", random_container(a), file);
	if (chance(a, 30))
		return put(path, "max");
	if (chance(a, 5))
		return putf(path, "%lu\n", below(a, low));
	if (chance(a, 10))
		return putf(path, "%luM\n", 1 + below(a, 64));
	return putf(path, "%lu\n", pages[below(a, 6)]);
}

static int op_page_limit(struct actor *a)
{
	return put_limit(a, "page_limit", 100);
}

static int op_rss_limit(struct actor *a)
{
	return put_limit(a, "rss_limit", 100);
}

static int op_shrink(struct actor *a)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/shrink", random_container(a));
	return putf(path, "%lu\n", below(a, 4000));
}

static int op_task_limit(struct actor *a)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/task_limit", random_container(a));
	return chance(a, 60) ? put(path, "max") : putf(path, "%lu", below(a, 12));
}

static int op_words(struct actor *a)
{
	static const char * const words[][2] = {
		{ "over_limit", "reclaim" }, { "over_limit", "deactivate" },
		{ "oom", "task" }, { "oom", "container" }, { "oom", "nobody" },
	};
	char path[96];
	int i = below(a, 5);

	snprintf(path, sizeof(path), "%s/%s", random_container(a), words[i][0]);
	return put(path, words[i][1]);
}

static int op_defaults(struct actor *a)
{
	if (chance(a, 50))
		return put(ROOT "/default_page_limit",
			   chance(a, 70) ? "max" : "32M");
	return put(ROOT "/default_task_limit", chance(a, 70) ? "max" : "20");
}

static int op_peaks(struct actor *a)
{
	static const char * const names[] = { "rss_peak", "usage_peak", "tasks_peak" };
	char path[96];

	snprintf(path, sizeof(path), "%s/%s", random_container(a), names[below(a, 3)]);
	return put(path, "0");
}

static const char * const numbers[] = {
	"numfile", "numflock", "numpty", "numsiginfo", "numtcpsock", "numothersock",
};

/* In pages; an actor without memory gets nowhere. */
static int op_vm(struct actor *a)
{
	unsigned long limit = below(a, 200000);
	char path[96];

	snprintf(path, sizeof(path), "%s/beancounters", random_container(a));
	if (chance(a, 30))
		return put(path, chance(a, 50) ? "privvmpages max" : "lockedpages max");
	if (chance(a, 30))
		return putf(path, "lockedpages %lu", limit / 100);
	return putf(path, "privvmpages %lu %lu", 20000 + limit / 2, 20000 + limit);
}

static int op_numbers(struct actor *a)
{
	char path[96];
	unsigned long limit = below(a, 60);

	snprintf(path, sizeof(path), "%s/beancounters", random_container(a));
	if (chance(a, 20))
		return putf(path, "%s reset", numbers[below(a, 6)]);
	/* an actor that cannot open a file gets nowhere */
	return putf(path, "%s %lu %lu", numbers[below(a, 6)], 30 + limit / 2, 30 + limit);
}

/* Little enough to be felt, and not so little that nobody gets anywhere. */
static int op_kmem(struct actor *a)
{
	unsigned long limit = 200000 + below(a, 4000000);
	char path[96];

	snprintf(path, sizeof(path), "%s/beancounters", random_container(a));
	if (chance(a, 30))
		return put(path, chance(a, 50) ? "kmemsize max" : "dcachesize max");
	return putf(path, "%s %lu %lu", chance(a, 70) ? "kmemsize" : "dcachesize", limit,
		    limit + below(a, limit));
}

static int op_buffers(struct actor *a)
{
	static const char * const names[] = {
		"tcpsndbuf", "tcprcvbuf", "dgramrcvbuf", "othersockbuf", "shmpages",
	};
	const char *name = names[below(a, 5)];
	unsigned long limit = 1000 + below(a, 400000);
	char path[96];

	snprintf(path, sizeof(path), "%s/beancounters", random_container(a));
	if (chance(a, 30))
		return putf(path, "%s max", name);
	return putf(path, "%s %lu %lu", name, limit, limit + below(a, limit));
}

/* What is in no container is counted for a while, too. */
static int op_host(struct actor *a)
{
	return put(ROOT "/count_host", chance(a, 50) ? "1" : "0");
}

/* Who waits for pressure, while the container comes and goes. */
static int op_trigger(struct actor *a)
{
	static int fds[4] = { -1, -1, -1, -1 };
	struct pollfd p = { .events = POLLPRI };
	int i = below(a, 4);
	char path[96];

	if (fds[i] >= 0 && chance(a, 60)) {
		p.fd = fds[i];
		return poll(&p, 1, below(a, 200)) < 0 ? errno : 0;
	}
	if (fds[i] >= 0)
		close(fds[i]);
	snprintf(path, sizeof(path), "%s/pressure", random_container(a));
	fds[i] = open(path, O_RDWR | O_CLOEXEC);
	if (fds[i] < 0)
		return errno;
	return dprintf(fds[i], "some %lu 500000", 1 + below(a, 400000)) < 0 ? errno : 0;
}

/* So that not all get stuck below small limits. */
static int op_relax(struct actor *a)
{
	const char *dir = random_container(a);
	char path[96];
	int err;

	snprintf(path, sizeof(path), "%s/rss_limit", dir);
	err = put(path, "max");
	snprintf(path, sizeof(path), "%s/task_limit", dir);
	put(path, "max");
	snprintf(path, sizeof(path), "%s/beancounters", dir);
	for (int i = 0; i < 6; i++)
		putf(path, "%s max", numbers[i]);
	put(path, "kmemsize max");
	put(path, "dcachesize max");
	snprintf(path, sizeof(path), "%s/page_limit", dir);
	put(path, chance(a, 50) ? "max" : "16M");
	return err;
}

/* ---- reading ---- */

static int op_read_all(struct actor *a)
{
	const char *dir = random_container(a);
	struct dirent *entry;
	char path[320];
	ssize_t len;
	DIR *d = opendir(dir);
	int err = 0;

	if (!d)
		return errno;
	while ((entry = readdir(d))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		len = get(path, text, sizeof(text));
		if (len < 0 && len != -EACCES && len != -ENOENT)
			err = -len;
	}
	closedir(d);
	return err;
}

/* A file that was opened before the container went, and others a bit of it. */
static int op_held(struct actor *a)
{
	static const char * const names[] = {
		"mappings", "tasks", "freeing", "stat", "num_anon_pages",
		"page_limit", "addtask", "shrink", "kill", "rss_peak",
	};
	static int fds[4] = { -1, -1, -1, -1 };
	int i = below(a, 4), err = 0;
	char path[96];
	ssize_t ret;

	if (fds[i] < 0 || chance(a, 30)) {
		close(fds[i]);
		snprintf(path, sizeof(path), "%s/%s", random_container(a),
			 names[below(a, 10)]);
		fds[i] = open(path, (chance(a, 80) ? O_RDONLY : O_WRONLY) |
			      O_CLOEXEC);
		return fds[i] < 0 ? errno : 0;
	}
	ret = pread(fds[i], text, 1 + below(a, 64), below(a, 100));
	if (ret < 0)
		err = errno;
	if (err == EBADF)
		err = write(fds[i], "100", 3) < 0 ? errno : 0;
	return err;
}

static int op_inotify(struct actor *a)
{
	static const char * const names[] = {
		"page_limit_hits", "task_limit_hits", "rss_failcnt",
		"rss_oom_kills",
	};
	static int fd = -1;
	char path[96];

	if (fd < 0 || chance(a, 5)) {
		close(fd);
		fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	}
	if (chance(a, 50))
		return read(fd, text, 4096) < 0 ? errno : 0;
	snprintf(path, sizeof(path), "%s/%s", random_container(a),
		 names[below(a, 4)]);
	return inotify_add_watch(fd, path, IN_MODIFY) < 0 ? errno : 0;
}

static int op_chown(struct actor *a)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/addtask", random_container(a));
	if (chance(a, 50))
		return chown(path, below(a, 3), below(a, 3)) ? errno : 0;
	return chmod(path, chance(a, 50) ? 0200 : 0600) ? errno : 0;
}

/* In which container somebody is, who may be anywhere by now. */
static int op_whose(struct actor *a)
{
	struct slot *slot = &shared->slot[below(a, shared->nr_slots)];
	char path[64];
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/%d/container", slot->pid);
	len = get(path, text, sizeof(text));
	if (len > 0 && (text[len - 1] != '\n' || memchr(text, '\n', (size_t)len - 1)))
		corrupt("%s: %s", path, text);
	return len < 0 ? -len : 0;
}

/* The audit itself, while nothing stands still: it has to be safe. */
static int op_audit(struct actor *a)
{
	ssize_t len;

	(void)a;
	len = get(AUDIT, text, sizeof(text));
	return len < 0 ? -len : 0;
}

static const struct op ops[] = {
	{ "mkdir", 30, op_mkdir },
	{ "rmdir", 6, op_rmdir },
	{ "refused", 1, op_refused },
	{ "addtask", 30, op_addtask },
	{ "rmtask", 6, op_rmtask },
	{ "bad pid", 2, op_bad_pid },
	{ "kill", 3, op_kill },
	{ "whose", 10, op_whose },
	{ "addfile", 15, op_addfile },
	{ "rmfile", 8, op_rmfile },
	{ "page_limit", 8, op_page_limit },
	{ "rss_limit", 6, op_rss_limit },
	{ "shrink", 3, op_shrink },
	{ "task_limit", 4, op_task_limit },
	{ "over_limit, oom", 3, op_words },
	{ "peaks", 3, op_peaks },
	{ "defaults", 2, op_defaults },
	{ "relax", 10, op_relax },
	{ "beancounters", 6, op_numbers },
	{ "virtual memory", 4, op_vm },
	{ "buffers", 4, op_buffers },
	{ "host", 2, op_host },
	{ "kernel memory", 4, op_kmem },
	{ "pressure", 6, op_trigger },
	{ "read all", 5, op_read_all },
	{ "held open", 10, op_held },
	{ "inotify", 6, op_inotify },
	{ "chown, chmod", 2, op_chown },
	{ "audit", 1, op_audit },
	{ }
};

const struct kind tree_kind = {
	.name = "tree", .ops = ops, .mortal = true, .patience = 3, .delay = 60,
};

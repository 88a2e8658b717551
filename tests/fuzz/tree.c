// SPDX-License-Identifier: GPL-2.0
/*
 * fuzz-tree --as root|user|userns|pidns [--seed N] [--count N] [--workers N]
 *
 * Do COUNT random things to /config/containers and in it, by several processes
 * at a time, as root or as a user who has been given a few containers: also from
 * a user namespace, or from one of those and a pid namespace. It runs in a guest,
 * as root and from nothing: there must be no containers. Nor may it be on a tmpfs:
 * who joins a container brings along the program that it runs from there.
 *
 * It ends with status 1 and a few lines on standard error when something was
 * taken or refused that should not have been, a value is not what was written,
 * the witness, which is none of their business, has changed, a call does not
 * return, or something is left over in the end. What the kernel says of it is
 * for tests/vm/run to see.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <grp.h>
#include <linux/magic.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fuzz.h"

#define MOST_WORKERS 8
#define LONGEST_CALL 60		/* seconds */

struct worker me = { .number = -1 };

static const char *const as_names[] = {
	[AS_ROOT] = "root", [AS_USER] = "user", [AS_USERNS] = "userns",
	[AS_PIDNS] = "pidns",
};
static unsigned long count = 10000;
static int workers = 2;
static uint64_t seed = 1;

/* Some are slow, such as rmdir, which waits for grace periods. */
static struct op {
	const char *name;
	int (*run)(void);
	unsigned int weight;
	unsigned long done, taken;
} ops[] = {
	{ "write_value", op_write_value, 120, 0, 0 },
	{ "write_default", op_write_default, 20, 0, 0 },
	{ "write_bc", op_write_bc, 60, 0, 0 },
	{ "write_default_bc", op_write_default_bc, 10, 0, 0 },
	{ "count_host", op_count_host, 4, 0, 0 },
	{ "write_task", op_write_task, 12, 0, 0 },
	{ "write_file", op_write_file, 12, 0, 0 },
	{ "kill", op_kill, 12, 0, 0 },
	{ "write_peak", op_write_peak, 20, 0, 0 },
	{ "shrink", op_shrink, 20, 0, 0 },
	{ "write_held", op_write_held, 60, 0, 0 },
	{ "write_foreign", op_write_foreign, 60, 0, 0 },
	{ "open", op_open, 120, 0, 0 },
	{ "read_held", op_read_held, 200, 0, 0 },
	{ "fd_call", op_fd_call, 80, 0, 0 },
	{ "splice", op_splice, 40, 0, 0 },
	{ "map", op_map, 20, 0, 0 },
	{ "watch", op_watch, 60, 0, 0 },
	{ "close", op_close, 40, 0, 0 },
	{ "file_io", op_file_io, 20, 0, 0 },
	{ "mkdir", op_mkdir, 12, 0, 0 },
	{ "rmdir", op_rmdir, 3, 0, 0 },
	{ "link", op_link, 40, 0, 0 },
	{ "chmod", op_chmod, 20, 0, 0 },
	{ "xattr", op_xattr, 30, 0, 0 },
	{ "look", op_look, 60, 0, 0 },
	{ "mount", op_mount, 5, 0, 0 },
};

static struct op *now;

static void say_where(char *text, size_t size)
{
	snprintf(text, size, "fuzz-tree --as %s --seed %llu --count %lu --workers %d",
		 as_names[me.as], (unsigned long long)seed, count, workers);
}

void complain(const char *fmt, ...)
{
	char where[200];
	va_list args;

	say_where(where, sizeof(where));
	fprintf(stderr, "%s\n", where);
	if (me.number >= 0)
		fprintf(stderr, "worker %d, operation %lu (%s): ", me.number, me.op,
			now ? now->name : "-");
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	_exit(1);
}

static void on_alarm(int signal)
{
	(void)signal;
	complain("the call has not returned for %d seconds", LONGEST_CALL);
}

static struct op *choose(void)
{
	unsigned int sum = 0, at;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ops); i++)
		sum += ops[i].weight;
	at = below(sum);
	for (i = 0; at >= ops[i].weight; i++)
		at -= ops[i].weight;
	return &ops[i];
}

static void put_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		complain("%s: %s", path, strerror(errno));
	close(fd);
}

static void become_user(void)
{
	if (setgroups(0, NULL) || setresgid(USER, USER, USER) ||
	    setresuid(USER, USER, USER) || prctl(PR_SET_DUMPABLE, 1))
		complain("cannot be a user: %s", strerror(errno));
	if (me.as == AS_USER)
		return;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS |
		    (me.as == AS_PIDNS ? CLONE_NEWPID : 0)))
		complain("no namespaces: %s", strerror(errno));
	put_text("/proc/self/setgroups", "deny");
	put_text("/proc/self/uid_map", "0 1000 1");
	put_text("/proc/self/gid_map", "0 1000 1");
}

/* All that a worker did, so that the sum shows that nothing was done in vain. */
static void report(void)
{
	char text[4096];
	size_t at = 0;

	for (size_t i = 0; i < ARRAY_SIZE(ops); i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%d %s %lu %lu\n",
				       me.number, ops[i].name, ops[i].done,
				       ops[i].taken);
	if (write(1, text, at) != (ssize_t)at)
		complain("standard output: %s", strerror(errno));
}

static void work(void)
{
	unsigned long mine = count / (unsigned long)workers;

	signal(SIGALRM, on_alarm);
	signal(SIGPIPE, SIG_IGN);
	/* O_ASYNC and F_NOTIFY end a process that does not expect them */
	signal(SIGIO, SIG_IGN);
	seed_chance(seed * MOST_WORKERS + (uint64_t)me.number);
	start_own();
	for (me.op = 1; me.op <= mine; me.op++) {
		alarm(LONGEST_CALL);
		now = choose();
		now->done++;
		now->taken += now->run() > 0;
	}
	now = NULL;
	alarm(0);
	end_own();
	report();
	_exit(0);
}

/* The directory of a worker, and the containers that a user is given. */
static void prepare(void)
{
	static const char *const handed[] = {
		"tasks", "addtask", "rmtask", "addfile", "rmfile", "shrink",
		"page_limit", "rss_limit", "task_limit", "over_limit", "oom",
		"mappings", "beancounters", "kill", "rss_peak", "usage_peak", "tasks_peak",
	};
	char path[512];
	FILE *file;

	snprintf(me.scratch, sizeof(me.scratch), "/dev/shm/fuzz-%d", me.number);
	if (mkdir(me.scratch, 0700))
		complain("%s: %s", me.scratch, strerror(errno));
	if (!is_user())
		return;
	if (chown(me.scratch, USER, USER))
		complain("%s: %s", me.scratch, strerror(errno));
	for (int i = 0; i < NR_OWN; i++) {
		snprintf(path, sizeof(path), ROOT "/w%d-%d", me.number, i);
		if (mkdir(path, 0777) || chown(path, USER, USER))
			complain("%s: %s", path, strerror(errno));
		for (size_t n = 0; n < ARRAY_SIZE(handed); n++) {
			snprintf(path, sizeof(path), ROOT "/w%d-%d/%s", me.number, i,
				 handed[n]);
			if (chown(path, USER, USER))
				complain("%s: %s", path, strerror(errno));
		}
		/* two of them with limits that hold: see adopt() */
		snprintf(path, sizeof(path), ROOT "/w%d-%d/beancounters", me.number, i);
		file = i % 2 ? fopen(path, "w") : NULL;
		if (i % 2 && (!file || fprintf(file, "physpages 30000 40000\n") < 0 ||
			      fflush(file) || fprintf(file, "numproc 60 70\n") < 0 ||
			      fclose(file)))
			complain("%s: %s", path, strerror(errno));
	}
}

static void start_worker(int number)
{
	pid_t pid;
	int status;

	me.number = number;
	prepare();
	pid = fork();
	if (pid < 0)
		complain("fork: %s", strerror(errno));
	if (pid)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (is_user())
		become_user();
	if (me.as == AS_PIDNS) {
		/* the first process of the namespace */
		pid = fork();
		if (pid) {
			if (waitpid(pid, &status, 0) < 0 || !WIFEXITED(status))
				_exit(1);
			_exit(WEXITSTATUS(status));
		}
	}
	work();
}

/* Nothing but containers and the five files is at the top, and all can go. */
static void remove_all(void)
{
	struct dirent **entries;
	int nr = scandir(ROOT, &entries, NULL, alphasort), files = 0;
	char path[512];

	for (int i = 0; i < nr; i++) {
		const char *name = entries[i]->d_name;

		snprintf(path, sizeof(path), ROOT "/%s", name);
		if (entries[i]->d_type != DT_DIR)
			files++;
		else if (strcmp(name, ".") && strcmp(name, "..") && rmdir(path))
			complain("rmdir %s: %s", path, strerror(errno));
	}
	if (files != 7)
		complain("there are %d files in " ROOT ", not 7", files);
	if (rmdir("/dev/shm/fuzz-witness") && errno != ENOENT)
		complain("/dev/shm/fuzz-witness: %s", strerror(errno));
}

static void take_options(int argc, char **argv)
{
	static const struct option options[] = {
		{ "as", required_argument, NULL, 'a' },
		{ "seed", required_argument, NULL, 's' },
		{ "count", required_argument, NULL, 'c' },
		{ "workers", required_argument, NULL, 'w' },
		{ "sleep", no_argument, NULL, 'z' },
		{ 0 }
	};
	int opt, as = -1;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (opt) {
		case 'a':
			for (as = AS_PIDNS; as >= 0 && strcmp(as_names[as], optarg); as--)
				;
			break;
		case 's':
			seed = strtoull(optarg, NULL, 0);
			break;
		case 'c':
			count = strtoul(optarg, NULL, 0);
			break;
		case 'w':
			workers = atoi(optarg);
			break;
		case 'z':
			sleep_for_ever();
		default:
			exit(2);
		}
	}
	if (as < 0 || optind < argc || workers < 1 || workers > MOST_WORKERS) {
		fputs("usage: fuzz-tree --as root|user|userns|pidns [--seed N] [--count N] [--workers N]\n",
		      stderr);
		exit(2);
	}
	me.as = (enum as)as;
}

/*
 * Have this program in the page cache as long as this process is there, which is
 * in no container: so it is charged to nobody, whoever runs it.
 */
static void keep_program(void)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct statfs fs;
	struct stat st;
	void *mem;

	if (fd < 0 || fstat(fd, &st) || fstatfs(fd, &fs))
		complain("/proc/self/exe: %s", strerror(errno));
	if (fs.f_type == TMPFS_MAGIC)
		complain("it is on a tmpfs");
	mem = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (mem == MAP_FAILED || mlock(mem, (size_t)st.st_size))
		complain("cannot keep its program: %s", strerror(errno));
	close(fd);
}

int main(int argc, char **argv)
{
	int failed = 0, left, status;

	take_options(argc, argv);
	keep_program();
	make_witness();
	left = workers;
	for (int i = 0; i < workers; i++)
		start_worker(i);
	me.number = -1;
	check_witness();
	while (left) {
		pid_t pid = waitpid(-1, &status, WNOHANG);

		if (pid == witness_pid)
			complain("the witness' process has not survived");
		if (pid > 0) {
			left--;
			if (!WIFEXITED(status) || WEXITSTATUS(status)) {
				if (WIFSIGNALED(status))
					fprintf(stderr, "a worker died of signal %d\n",
						WTERMSIG(status));
				failed = 1;
				break;
			}
		} else {
			check_witness();
			nanosleep(&(struct timespec){ .tv_nsec = 500000000 }, NULL);
		}
	}
	if (failed)
		return 1;
	check_witness();
	remove_witness();
	remove_all();
	return 0;
}

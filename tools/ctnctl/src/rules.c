// SPDX-License-Identifier: GPL-2.0-only
/*
 * ctnctl rules: move processes into the containers that rules have for them, those that
 * there are and those that come. What a rule says is in rule.c.
 *
 * It runs as root, or nearly, and is for all processes, among them those of users who want
 * it to move somebody else's, or to be busy. So:
 *
 *  - What is read of a process is read through one descriptor of its directory in /proc,
 *    which never is that of another. The kernel takes a number, though; a pidfd that was
 *    opened before tells afterwards whether the number was this process' until then. If
 *    not, who has been moved is put back.
 *  - Nothing is read of a process that it can keep from being read: no command line, no
 *    environment, and of files only what the kernel knows without asking a file system.
 *  - What may wait for a process nevertheless, which is to move it, is done by a child: see
 *    mover.h.
 *  - When there are more events than can be taken, all of /proc is looked at instead, at
 *    intervals that are longer than that takes; and now and then in any case, as the kernel
 *    can be kept from telling.
 *  - What is refused over and over is said once a minute.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "mover.h"
#include "parse.h"
#include "procevent.h"
#include "process.h"

/* Between two looks at all processes, at least; and so many times what one takes. */
#define PAUSE_MS 1000
#define PAUSE_TIMES 5

/* And if no event says so: whoever may ask the kernel can have it tell of nothing. */
#define SELDOM_MS 60000

/* How often the same complaint is printed. */
#define QUIET_MS 60000

/* A process has 65536 groups at most. */
#define STATUS_MAX (1 << 20)

struct server {
	const struct ctn_tree *tree;
	char **files;		/* the configuration's, or NULL for the usual ones */
	struct config config;
	struct rules rules;
	int status;		/* of the last look at the configuration, or at processes */
	int dry_run;
	int verbose;
	int lost;		/* events: all processes are to be looked at */
	uint64_t scan_at;	/* not before, in milliseconds */
	struct movers *movers;
	char *text;		/* for what is read */
	gid_t *groups;
};

static uint64_t now_ms(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

/* ---- the rules ---- */

static void read_rules(struct server *server)
{
	movers_forget_rules(server->movers);
	rules_free(&server->rules);
	config_free(&server->config);
	server->config = (struct config){ 0 };
	if (!server->files)
		config_read_all(&server->config);
	for (char **file = server->files; file && *file; file++)
		config_read(&server->config, *file);
	server->status = server->config.status |
			 rules_take(&server->rules, &server->config);
}

/* ---- what is known of a process ---- */

/* All that a file of the process has, in server->text, or NULL with errno: never a part. */
static char *read_file(struct server *server, int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t n = 0;
	int error;

	if (fd < 0)
		return NULL;
	while (len < STATUS_MAX && (n = read(fd, server->text + len, STATUS_MAX - len)) > 0)
		len += (size_t)n;
	error = errno;
	close(fd);
	errno = error;
	if (n < 0)
		return NULL;
	server->text[len] = '\0';
	return server->text;
}

/* The first number of a line, which has the real id; a newline in a name is escaped. */
static int find_id(const char *status, const char *key, unsigned int *id)
{
	const char *line = strstr(status, key);

	return line && sscanf(line + strlen(key), "%u", id) == 1 ? 0 : -1;
}

static size_t find_groups(const char *status, gid_t *groups)
{
	static const char key[] = "\nGroups:\t";
	const char *line = strstr(status, key);
	size_t count = 0;
	char *end;

	for (line = line ? line + strlen(key) : ""; count < NGROUPS_MAX; line = end) {
		unsigned long id = strtoul(line, &end, 10);

		if (end == line || *end != ' ')
			break;
		groups[count++] = (gid_t)id;
		/* the next line begins with no number */
		if (end[1] == '\n')
			break;
	}
	return count;
}

/*
 * The name of its container, "" if it is in none; to be given to free(3). A kernel that does
 * not say so has lists. NULL if it has ended, or cannot be asked.
 */
static char *find_container(struct server *server, int dir, pid_t pid)
{
	const char *text = read_file(server, dir, "container");

	if (!text && errno == ENOENT && !faccessat(dir, "status", F_OK, 0))
		return which_container(server->tree, pid);
	if (!text)
		return NULL;
	server->text[strcspn(text, "\n")] = '\0';
	undo_octal(server->text);
	return xasprintf("%s", text);
}

/* A process that is being looked at. */
struct process_seen {
	pid_t pid;
	int pidfd;
	struct subject subject;
	char exe[PATH_MAX];
	char *container;
};

static void close_process(struct process_seen *process)
{
	if (process->pidfd >= 0)
		close(process->pidfd);
	if (process->subject.dir >= 0)
		close(process->subject.dir);
	free(process->container);
}

/* What the thread runs whose directory it is. Returns 0, or -1 with errno. */
static int read_exe(int dir, char *exe)
{
	ssize_t len = readlinkat(dir, "exe", exe, PATH_MAX - 1);

	/* a path that is too long to be told is none of a rule's, and those begin with a slash */
	if (len < 0 && errno == ENAMETOOLONG)
		len = snprintf(exe, PATH_MAX, "?");
	if (len < 0)
		return -1;
	exe[len] = '\0';
	return 0;
}

/*
 * The first thread may end before others do, and then says nothing of what it ran: take
 * another one of them in its place. Returns 0, or -1 if there is none that runs a program.
 */
static int find_thread(int *dir, char *exe)
{
	int tasks = openat(*dir, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = tasks < 0 ? NULL : fdopendir(tasks);
	struct dirent *entry;
	int found = -1;

	if (!list && tasks >= 0)
		close(tasks);
	while (list && found < 0 && (entry = readdir(list))) {
		int thread;

		if (*entry->d_name == '.')
			continue;
		thread = openat(tasks, entry->d_name, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (thread >= 0 && !read_exe(thread, exe))
			found = thread;
		else if (thread >= 0)
			close(thread);
	}
	if (list)
		closedir(list);
	if (found < 0)
		return -1;
	close(*dir);
	*dir = found;
	return 0;
}

/* Returns -1 if there is none, or it is the kernel's, or ends, or no rule can be for it. */
static int open_process(struct server *server, pid_t pid, struct process_seen *process)
{
	struct subject *subject = &process->subject;
	char path[32];
	const char *status;

	*process = (struct process_seen){ .pid = pid, .subject.dir = -1 };
	process->pidfd = pidfd_open(pid, 0);
	if (process->pidfd < 0)
		return -1;
	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	subject->dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (subject->dir < 0)
		return -1;
	/* threads of the kernel, and zombies, have none */
	if (read_exe(subject->dir, process->exe) &&
	    (errno != ENOENT || find_thread(&subject->dir, process->exe)))
		return -1;
	subject->exe = process->exe;
	if (!rules_may_match(&server->rules, subject->exe))
		return -1;
	process->container = find_container(server, subject->dir, pid);
	subject->container = process->container;
	if (!subject->container)
		return -1;
	status = read_file(server, subject->dir, "status");
	if (!status || find_id(status, "\nUid:\t", &subject->uid) ||
	    find_id(status, "\nGid:\t", &subject->gid))
		return -1;
	if (server->rules.by_group) {
		subject->groups = server->groups;
		subject->ngroups = find_groups(status, server->groups);
	}
	return 0;
}

/* Has nobody else had the number of this process until now? */
static int is_there(const struct process_seen *process)
{
	/* it need not be allowed: EPERM says that there is one */
	return !pidfd_send_signal(process->pidfd, 0, NULL, 0) || errno != ESRCH;
}

/* ---- what is done with it ---- */

static void complain_of(struct server *server, struct rule *rule, const char *why)
{
	uint64_t time = now_ms();

	server->status = STATUS_REFUSED;
	if (!rule || (rule->complained && time - rule->complained < QUIET_MS))
		return;
	rule->complained = time;
	fault_at(rule->at, why);
}

static void say(const struct server *server, const struct move *move)
{
	char *container = printable(move->rule->container), *exe = printable(move->exe);

	if (server->verbose || server->dry_run)
		printf("%s: %d %s\n", container, (int)move->pid, exe);
	free(container);
	free(exe);
}

/* What a child is to do. */
struct task {
	struct server *server;
	struct process_seen *process;
	struct rule *rule;
};

/* Where whoever has the number now is; NULL if that cannot be told. */
static char *find_current(struct server *server, pid_t pid)
{
	char path[32], *container;
	int dir;

	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return NULL;
	container = find_container(server, dir, pid);
	close(dir);
	return container;
}

/*
 * The number has become another's, who may be in the container for our mistake: back to
 * where that one has been, as it may be bound to that. If there is no way back, for it is
 * full, it stays: to be in none would be to be bound by nothing.
 */
static void put_back(const struct task *task, const struct ctn *ctn, const char *before)
{
	pid_t pid = task->process->pid;
	struct process_seen other;
	struct ctn *back;
	int is_right = 0;

	if (!open_process(task->server, pid, &other)) {
		other.subject.container = before;
		is_right = rules_match(&task->server->rules, &other.subject) == task->rule;
	}
	close_process(&other);
	if (is_right)
		return;
	if (!*before) {
		ctn_rm_task(ctn, pid);
		return;
	}
	back = ctn_open(task->server->tree, before);
	if (back)
		ctn_add_task(back, pid);
	ctn_close(back);
}

static enum move_result add_task(void *data)
{
	const struct task *task = data;
	pid_t pid = task->process->pid;
	struct ctn *ctn = ctn_open(task->server->tree, task->rule->container);
	enum move_result result = MOVE_DONE;
	char *before = NULL;

	/* the number may become another's from here on, and not sooner */
	if (ctn && is_there(task->process))
		before = find_current(task->server, pid);
	/* one that has ended meanwhile needs no container */
	if (ctn && !before) {
		result = MOVE_GONE;
	} else if (!ctn || ctn_add_task(ctn, pid)) {
		result = ctn && errno == ESRCH ? MOVE_GONE : MOVE_REFUSED;
	} else if (!is_there(task->process)) {
		put_back(task, ctn, before);
		result = MOVE_GONE;
	}
	free(before);
	ctn_close(ctn);
	return result;
}

static void begin_move(struct server *server, struct process_seen *process, struct rule *rule)
{
	const struct move wanted = {
		.pid = process->pid, .uid = process->subject.uid, .rule = rule,
		.exe = process->exe,
	};
	struct task task = { server, process, rule };
	struct move *under_way = movers_find(server->movers, process->pid);

	if (server->dry_run)
		say(server, &wanted);
	else if (under_way)
		under_way->again = 1;
	else if (movers_start(server->movers, &wanted, add_task, &task))
		server->lost = 1;
}

static void look_at(pid_t pid, void *data)
{
	struct server *server = data;
	struct process_seen process;
	struct rule *rule;

	/* with process 1 all would go that it starts from then on: every service */
	if (!server->rules.count || pid == 1)
		return;
	if (!open_process(server, pid, &process)) {
		rule = rules_match(&server->rules, &process.subject);
		if (rule && strcmp(rule->container, process.container))
			begin_move(server, &process, rule);
	}
	close_process(&process);
}

static void end_moves(struct server *server)
{
	struct move move;

	while (movers_take(server->movers, &move)) {
		if (move.result == MOVE_REFUSED)
			complain_of(server, move.rule, move.why);
		else if (move.result == MOVE_DONE && move.rule)
			say(server, &move);
		if (move.again)
			look_at(move.pid, server);
		move_free(&move);
	}
}

static void look_at_all(struct server *server)
{
	uint64_t begin = now_ms(), took;
	DIR *proc = opendir("/proc");
	struct dirent *entry;

	/* without descriptors or memory for it; another time there are some */
	server->lost = !proc;
	while (proc && (entry = readdir(proc))) {
		if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
			continue;
		look_at((pid_t)strtol(entry->d_name, NULL, 10), server);
		end_moves(server);
	}
	if (proc)
		closedir(proc);
	took = now_ms() - begin;
	server->scan_at = now_ms() + PAUSE_MS + PAUSE_TIMES * took;
}

/* ---- as a service ---- */

static volatile sig_atomic_t ending, reading;

static void on_signal(int signal)
{
	if (signal == SIGHUP)
		reading = 1;
	else if (signal != SIGCHLD)
		ending = 1;
}

/* They come while we sleep, and at no other time. Returns what is let through then. */
static sigset_t take_signals(void)
{
	static const int signals[] = { SIGHUP, SIGINT, SIGTERM, SIGCHLD };
	struct sigaction act = { .sa_handler = on_signal };
	sigset_t blocked, before;

	sigemptyset(&act.sa_mask);
	sigemptyset(&blocked);
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		sigaddset(&blocked, signals[i]);
	sigprocmask(SIG_BLOCK, &blocked, &before);
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		sigaction(signals[i], &act, NULL);
		sigdelset(&before, signals[i]);
	}
	return before;
}

/* When all processes are looked at, in milliseconds. */
static uint64_t next_scan(const struct server *server)
{
	return server->scan_at + (server->lost ? 0 : SELDOM_MS);
}

/* Until something comes, or a move has taken too long, or all are to be looked at. */
static void sleep_until_next(const struct server *server, int fd, const sigset_t *awake)
{
	struct pollfd readable = { .fd = fd, .events = POLLIN };
	int timeout = movers_timeout(server->movers);
	uint64_t time = now_ms(), at = next_scan(server);
	int until_scan = at > time ? (int)(at - time) : 0;
	struct timespec rest;

	if (timeout < 0 || until_scan < timeout)
		timeout = until_scan;
	rest = (struct timespec){ timeout / 1000, timeout % 1000 * 1000000L };
	ppoll(&readable, fd >= 0, &rest, awake);
}

static void serve(struct server *server, const sigset_t *awake)
{
	/* first, so that nobody is missed */
	struct procevents *events = procevents_open();

	look_at_all(server);
	while (!ending) {
		fflush(stdout);
		sleep_until_next(server, procevents_fd(events), awake);
		if (reading) {
			reading = 0;
			read_rules(server);
			look_at_all(server);
		}
		end_moves(server);
		if (procevents_take(events, look_at, server))
			server->lost = 1;
		if (now_ms() >= next_scan(server))
			look_at_all(server);
	}
	procevents_close(events);
}

/* All that there are, until each has been moved or refused. */
static void look_once(struct server *server, const sigset_t *awake)
{
	look_at_all(server);
	while (!ending && (server->lost || movers_count(server->movers))) {
		sleep_until_next(server, -1, awake);
		end_moves(server);
		if (server->lost && now_ms() >= server->scan_at)
			look_at_all(server);
	}
}

/* ---- the command ---- */

enum { OPT_CHECK = 0x100, OPT_ONCE };

static int run_rules(const struct command *cmd, int argc, char **argv)
{
	static const struct option options[] = {
		{ "check", no_argument, NULL, OPT_CHECK },
		{ "dry-run", no_argument, NULL, 'n' },
		{ "once", no_argument, NULL, OPT_ONCE },
		{ "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 }
	};
	struct server server = { 0 };
	struct ctn_tree *tree = NULL;
	int check = 0, once = 0, opt;
	sigset_t awake;

	while ((opt = next_option(argc, argv, "nvh", options)) != -1) {
		switch (opt) {
		case OPT_CHECK:
			check = 1;
			break;
		case OPT_ONCE:
			once = 1;
			break;
		case 'n':
			server.dry_run = 1;
			break;
		case 'v':
			server.verbose = 1;
			break;
		case 'h':
			print_help(cmd);
		default:
			try_help(cmd);
		}
	}
	if (optind < argc)
		server.files = argv + optind;
	server.text = xrealloc(NULL, STATUS_MAX + 1, 1);
	server.groups = xrealloc(NULL, NGROUPS_MAX, sizeof(*server.groups));
	server.movers = movers_new();
	/* before anything that takes time: SIGHUP would end it */
	if (!check)
		awake = take_signals();
	read_rules(&server);
	if (!check) {
		if (server.verbose || server.dry_run)
			need_output();
		tree = open_tree();
		server.tree = tree;
	}
	if (!check && (once || server.dry_run)) {
		look_once(&server, &awake);
	} else if (!check) {
		serve(&server, &awake);
		/* that something was refused is no failure of the service */
		server.status = STATUS_OK;
	}
	movers_free(server.movers);
	rules_free(&server.rules);
	config_free(&server.config);
	ctn_tree_close(tree);
	free(server.text);
	free(server.groups);
	return server.status;
}

const struct command rules_command = {
	.name = "rules",
	.summary = "move processes into containers by program, user and group",
	.help =
	"Usage: ctnctl rules [OPTION...] [FILE...]\n\n"
	"Move each process for which there is a rule into the container of the rule,\n"
	"those that there are and, until a signal ends it, those that come. The rules\n"
	"are the lines \"process = \" of each FILE, or of the files that ctnctl apply\n"
	"reads: see ctnctl.conf(5). SIGHUP has them read again.\n\n"
	"A process that is in a container stays there, unless the rule says otherwise.\n\n"
	"Options:\n"
	"     --check    read the rules, say what is wrong with them, and end\n"
	" -n, --dry-run  print which processes would be moved now, and end\n"
	"     --once     look at the processes that there are, and end\n"
	" -v, --verbose  print each process that is moved\n"
	" -h, --help     print this help\n"
	"\nThe exit status is 1 if a rule was refused, or a process with --once.\n"
	"\nExample:\n"
	"  ctnctl rules --check && ctnctl rules -n\n",
	.run = run_rules,
};

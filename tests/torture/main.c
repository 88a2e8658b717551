// SPDX-License-Identifier: GPL-2.0
/*
 * torture [OPTION...]: everything at once, for hours. Actors make and remove
 * containers, put tasks and files in and take them out, and set limits, while
 * others, which are those tasks, use memory and files in every way that there is,
 * and one does to the machine what an administrator may. From time to time all of
 * them stop between two operations, with what they hold, and what the kernel has
 * counted is audited. Every few times all goes: then all counters must be zero,
 * and every container be freed.
 *
 *	--seed N	the same operations once more (default: by the clock)
 *	--minutes M	for so long (default: 2)
 *	--round S	seconds between two pauses (default: 25)
 *	--patience S	that things may take to come to rest (default: 60)
 *	--actors T,M,F,S,K,L  of trees, memory, files, the system, what is kept over
 *			rmdir, and the limit (default: 2,5,3,1,2,1)
 *
 * The result is TAP. It is for a guest that is thrown away: tests/torture/run.
 */
#include <fcntl.h>
#include <getopt.h>
#include <linux/fs.h>
#include <linux/futex.h>
#include <linux/magic.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "torture.h"

struct shared *shared;

static double minutes = 2;
static int round_seconds = 25;
static int patience = 60;
static int tests, failures;
static void *program;
static size_t program_size;

/* Every so many pauses all of it goes. */
#define ROUNDS_OF_A_LIFE	3

__attribute__((format(printf, 2, 3)))
static bool result(bool ok, const char *format, ...)
{
	va_list ap;

	printf("%sok %d - ", ok ? "" : "not ", ++tests);
	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
	failures += !ok;
	return ok;
}

/* ---- an actor's life ---- */

/* Where an actor finds the file of what all of them see. */
#define SHARED_FD	200

static pid_t own_pid;
static sigjmp_buf lost_page;

static void nothing(int sig)
{
	(void)sig;
}

/* A file was cut that is mapped, or a page is poisoned: on with something else. */
static void on_lost_page(int sig)
{
	(void)sig;
	if (getpid() != own_pid)
		_exit(0);
	if (gettid() != own_pid)
		kill(own_pid, SIGKILL);
	siglongjmp(lost_page, 1);
}

static void park(struct slot *slot)
{
	if (!shared->pause)
		return;
	slot->op = NULL;
	slot->parked = true;
	while (shared->pause)
		syscall(SYS_futex, &shared->pause, FUTEX_WAIT, 1, NULL, NULL, 0);
	slot->parked = false;
}

static const struct op *choose(struct actor *a)
{
	const struct op *op;
	int sum = 0;

	for (op = a->slot->kind->ops; op->name; op++)
		sum += op->weight;
	sum = below(a, sum);
	for (op = a->slot->kind->ops; sum >= op->weight; op++)
		sum -= op->weight;
	return op;
}

static int perform(struct actor *a, const struct op *op)
{
	struct itimerval timer = {
		{ 1, 0 }, { a->slot->kind->patience, 0 },
	};
	static const struct itimerval none;
	int err;

	if (timer.it_value.tv_sec)
		setitimer(ITIMER_REAL, &timer, NULL);
	if (!sigsetjmp(lost_page, 1))
		err = op->fn(a);
	else
		err = EFAULT;
	setitimer(ITIMER_REAL, &none, NULL);
	/* that an operation which did not get to its end has left */
	while (waitpid(-1, NULL, WNOHANG | __WALL) > 0)
		;
	a->slot->child = 0;
	return err;
}

__attribute__((noreturn))
static void live(int number)
{
	static struct actor a;
	struct sigaction act = { .sa_handler = nothing };
	const struct op *op;
	int err;

	a.number = number;
	a.slot = &shared->slot[number];
	own_pid = getpid();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() == 1)
		_exit(1);
	prctl(PR_SET_NAME, a.slot->kind->name);
	put("/proc/self/oom_score_adj", a.slot->kind->mortal ? "300" : "-1000");
	sigaction(SIGALRM, &act, NULL);
	act.sa_handler = on_lost_page;
	sigaction(SIGBUS, &act, NULL);
	seed_random(&a, a.slot->generation);
	if (a.slot->kind->begin)
		a.slot->kind->begin(&a);
	a.slot->pid = own_pid;

	for (;;) {
		park(a.slot);
		op = choose(&a);
		a.slot->since = now();
		a.slot->op = op;
		err = perform(&a, op);
		if (err != NOTHING)
			shared->count[number][op - a.slot->kind->ops]
				     [err >= 0 && err < ERRNOS ? err : EPROTO]++;
		if (a.slot->kind->delay)
			usleep(below(&a, a.slot->kind->delay) * 1000);
	}
}

static void give_birth(int number)
{
	struct slot *slot = &shared->slot[number];
	char text[16];
	pid_t pid;

	slot->generation++;
	slot->parked = false;
	slot->child = 0;
	slot->op = NULL;
	fflush(stdout);
	slot->pid = 0;
	snprintf(text, sizeof(text), "%d", number);
	pid = fork();
	if (!pid) {
		/*
		 * A page that it has in common with us, who are in no container,
		 * would be charged to the first that it joins as long as we live.
		 */
		execl("/proc/self/exe", "torture", "--live", text, NULL);
		_exit(1);
	}
	slot->process = pid > 0 ? pid : 0;
}

/* Those that have died; @again: others take their place. */
static void bury(bool again)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG | __WALL)) > 0)
		for (int i = 0; i < shared->nr_slots; i++)
			if (shared->slot[i].process == pid) {
				shared->slot[i].process = 0;
				shared->slot[i].pid = 0;
				shared->deaths[i][WIFSIGNALED(status) ?
						  WTERMSIG(status) : 0]++;
			}
	for (int i = 0; again && i < shared->nr_slots; i++)
		if (!shared->slot[i].process)
			give_birth(i);
}

/* ---- pauses ---- */

static bool all_parked(void)
{
	for (int i = 0; i < shared->nr_slots; i++)
		if (shared->slot[i].process && !shared->slot[i].parked)
			return false;
	return true;
}

static bool stop(void)
{
	long end = now() + patience;

	shared->pause = 1;
	while (bury(false), !all_parked()) {
		if (now() >= end) {
			for (int i = 0; i < shared->nr_slots; i++)
				if (shared->slot[i].process && !shared->slot[i].parked)
					show_stuck(&shared->slot[i]);
			return false;
		}
		lift_limits();
		usleep(100000);
	}
	/* what was set just before its actor stopped */
	lift_limits();
	return true;
}

static void go_on(void)
{
	shared->pause = 0;
	syscall(SYS_futex, &shared->pause, FUTEX_WAKE, 1 << 20, NULL, NULL, 0);
	bury(true);
}

/* Those in containers go, with all that they had; does that come to an end? */
static bool kill_mortals(void)
{
	long end = now() + patience;
	bool left;

	do {
		left = false;
		for (int i = 0; i < shared->nr_slots; i++) {
			struct slot *slot = &shared->slot[i];

			if (!slot->kind->mortal || !slot->process)
				continue;
			left = true;
			kill(slot->process, SIGKILL);
		}
		usleep(20000);
		bury(false);
	} while (left && now() < end);
	for (int i = 0; left && i < shared->nr_slots; i++)
		if (shared->slot[i].kind->mortal && shared->slot[i].process)
			show_stuck(&shared->slot[i]);
	return !left;
}

static void make_exe(void);

static void let_go_of_program(const char *dir)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/rmfile", dir);
	put(path, "/proc/self/exe");
}

static void clear_files(void)
{
	char path[96];

	for (int i = 0; i < nr_work_dirs * FILES; i++) {
		snprintf(path, sizeof(path), "%s/f%d", work_dirs[i / FILES],
			 i % FILES);
		unlink(path);
	}
	/* this one stays */
	for_containers(let_go_of_program);
	/* and what of this one is charged to somebody goes with it */
	make_exe();
}

/* Who is killed between shmget() and IPC_RMID leaves a segment for good. */
static void clear_shm(void)
{
	struct shmid_ds ds;
	int last = shmctl(0, SHM_INFO, &ds);
	int id;

	for (int i = 0; i <= last; i++) {
		id = shmctl(i, SHM_STAT, &ds);
		if (id >= 0)
			shmctl(id, IPC_RMID, NULL);
	}
}

static void remove_container(const char *dir)
{
	rmdir(dir);
}

/* False if the guest is not fit to go on. */
static bool clear(int number)
{
	if (!result(kill_mortals(), "pause %d: actors can be killed", number))
		return false;
	clear_files();
	clear_shm();
	if (!result(all_is_zero(patience),
		    "pause %d: without tasks and files, nothing is counted", number))
		show_audit();
	for_containers(remove_container);
	if (!result(all_is_freed(patience),
		    "pause %d: every container is freed", number))
		show_audit();
	return true;
}

static bool pause_and_check(int number, long elapsed, bool last)
{
	bool ok;

	if (!result(stop(), "pause %d, after %ld s: the actors come to rest",
		    number, elapsed))
		return clear(number) && !last;
	ok = result(audit_agrees(patience), "pause %d: the audit agrees", number);
	if (!ok)
		show_audit();
	result(new_are_empty(), "pause %d: new containers have nothing", number);
	/* what is wrong once stays so: begin anew */
	if (!ok || last || number % ROUNDS_OF_A_LIFE == 0)
		return clear(number);
	return true;
}

static void rounds(void)
{
	long begin = now(), end = begin + minutes * 60, next;
	struct actor a = { .number = ACTORS_MAX };
	int number = 0;

	seed_random(&a, 0);
	do {
		next = now() + round_seconds * 3 / 4 + below(&a, round_seconds / 2 + 1);
		go_on();
		while (now() < next) {
			usleep(100000);
			bury(true);
		}
	} while (pause_and_check(++number, now() - begin, now() >= end) &&
		 now() < end);
}

/* ---- the guest ---- */

static void need(bool ok, const char *what)
{
	if (ok)
		return;
	printf("Bail out! %s: %s\n", what, strerror(errno));
	exit(1);
}

/*
 * The program, all of it, is mapped and locked by us, who are in no container: so it
 * is in the page cache, charged to nobody, whoever runs it and whatever is dropped.
 * It must not be on a tmpfs: who joins a container brings such a program along.
 */
static void keep_program(void)
{
	struct stat st;
	struct statfs fs;
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	need(fd >= 0 && !fstat(fd, &st) && !fstatfs(fd, &fs), "/proc/self/exe");
	program_size = st.st_size;
	program = mmap(NULL, program_size, PROT_READ, MAP_SHARED, fd, 0);
	need(program != MAP_FAILED && !mlock(program, program_size), "the program");
	close(fd);
	if (fs.f_type != TMPFS_MAGIC)
		return;
	printf("Bail out! it is on a tmpfs\n");
	exit(1);
}

/* The same on a tmpfs, for the children of actors; anew, and charged to nobody. */
static void make_exe(void)
{
	int fd;

	unlink(WORK "/exe");
	fd = open(WORK "/exe", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	need(fd >= 0 && write(fd, program, program_size) == (ssize_t)program_size,
	     WORK "/exe");
	close(fd);
}

static void map_shared(void)
{
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED,
		      SHARED_FD, 0);
	need(shared != MAP_FAILED, "shared memory");
}

/*
 * What all of them see is in a file on a disk. In memory of its own it would be
 * charged to whoever of them is the first to join a container.
 */
static void make_shared(void)
{
	static const char zeroes[1 << 16];
	int fd = open("/mnt/disk", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	need(fd >= 0, "/mnt/disk");
	for (size_t size = 0; size < sizeof(*shared); size += sizeof(zeroes))
		need(write(fd, zeroes, sizeof(zeroes)) == sizeof(zeroes), "/mnt/disk");
	need(dup2(fd, SHARED_FD) == SHARED_FD, "shared memory");
	close(fd);
	map_shared();
}

/*
 * A directory for a file system that actors unmount. What is made in it while
 * nothing is mounted would be out of sight for good as soon as something is, and
 * would keep its owner: so nothing is.
 */
static void make_mount_point(const char *path)
{
	int flags = FS_IMMUTABLE_FL, fd;

	need(!mkdir(path, 0755), path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	need(fd >= 0 && !ioctl(fd, FS_IOC_SETFLAGS, &flags), path);
	close(fd);
}

static void make_places(void)
{
	need(!access(ROOT, W_OK), ROOT);
	need(!access(AUDIT, R_OK), AUDIT);
	need(!access("/mnt/disk", W_OK), "/mnt/disk");
	mkdir(WORK, 0755);
	mkdir(WORK "/shm", 0755);
	mkdir(WORK "/mnt", 0755);
	make_exe();
	make_mount_point(WORK "/tmp");
	make_mount_point(WORK "/ram");
	make_mount_point(WORK "/ramfs");
	need(!mount("torture", WORK "/ramfs", "ramfs", 0, NULL), WORK "/ramfs");
	need(!mount("torture", WORK "/tmp", "tmpfs", 0, "size=40%"), WORK "/tmp");
	/* NOLINTNEXTLINE(cert-env33-c): of ourselves, with nothing from outside */
	need(!system("mkfs.ext4 -q -O ^has_journal /dev/ram0") &&
	     !mount("/dev/ram0", WORK "/ram", "ext4", 0, NULL), WORK "/ram");
	/* only with the memory cgroup */
	if (!put("/sys/fs/cgroup/cgroup.subtree_control", "+memory")) {
		mkdir("/sys/fs/cgroup/torture0", 0755);
		mkdir("/sys/fs/cgroup/torture1", 0755);
	}
}

static void make_actors(const char *numbers)
{
	static const struct kind * const kinds[] = {
		&tree_kind, &memory_kind, &file_kind, &system_kind,
		&keeper_kind, &limit_kind,
	};
	int nr[6], i, j;

	if (sscanf(numbers, "%d,%d,%d,%d,%d,%d", &nr[0], &nr[1], &nr[2], &nr[3],
		   &nr[4], &nr[5]) != 6) {
		fprintf(stderr, "torture: --actors: \"%s\" is not six numbers\n",
			numbers);
		exit(2);
	}
	for (i = 0; i < 6; i++)
		for (j = 0; j < nr[i]; j++) {
			if (shared->nr_slots == ACTORS_MAX) {
				fprintf(stderr, "torture: more than %d actors\n",
					ACTORS_MAX);
				exit(2);
			}
			shared->slot[shared->nr_slots++].kind = kinds[i];
		}
}

static void parse(int argc, char **argv)
{
	static const struct option options[] = {
		{ "seed", required_argument, NULL, 's' },
		{ "minutes", required_argument, NULL, 'm' },
		{ "round", required_argument, NULL, 'r' },
		{ "patience", required_argument, NULL, 'p' },
		{ "actors", required_argument, NULL, 'a' },
		{ }
	};
	const char *actors = "2,5,3,1,2,1";
	int option;

	shared->seed = time(NULL);
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 's':
			shared->seed = strtoull(optarg, NULL, 0);
			break;
		case 'm':
			minutes = atof(optarg);
			break;
		case 'r':
			round_seconds = atoi(optarg);
			break;
		case 'p':
			patience = atoi(optarg);
			break;
		case 'a':
			actors = optarg;
			break;
		default:
			exit(2);
		}
	}
	make_actors(actors);
}

int main(int argc, char **argv)
{
	if (argc >= 3 && !strcmp(argv[1], "--touch"))
		return touch_and_exit(argv[2]);
	if (argc == 3 && !strcmp(argv[1], "--live")) {
		map_shared();
		close(SHARED_FD);
		live(atoi(argv[2]));
	}

	keep_program();
	make_shared();
	shared->offline_left = 20;
	shared->poison_left = 20;
	parse(argc, argv);
	put("/proc/self/oom_score_adj", "-1000");
	/* what the actors have of it in common must not be what is counted */
	mlockall(MCL_CURRENT);
	make_places();

	printf("# seed %lu, for %g minutes\n", (unsigned long)shared->seed, minutes);
	fflush(stdout);
	rounds();
	shared->pause = 1;
	for (int i = 0; i < shared->nr_slots; i++)
		if (shared->slot[i].process)
			kill(shared->slot[i].process, SIGKILL);
	report_counts();
	result(!shared->corrupt, "contents are what was written");
	result(!shared->broken, "limits hold, and nobody is charged for another's");
	result(!count_futile(), "every operation gets somewhere");
	printf("1..%d\n", tests);
	printf("# seed %lu, %d of %d failed\n", (unsigned long)shared->seed,
	       failures, tests);
	return failures > 0;
}

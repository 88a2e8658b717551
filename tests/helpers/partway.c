// SPDX-License-Identifier: GPL-2.0
/*
 * partway fault|kill|once OPERATION CONTAINER DISK: do something for a container that
 * does not come to its end: have the first memory allocation in it fail, and in
 * another try the second, and so on (/proc/self/fail-nth), or kill it at the
 * first stop point that it passes, at the second, and so on (debugfs'
 * containers/stop); until one comes to its end without. With "once" nothing goes
 * wrong, and that is all.
 *
 * CONTAINER is the directory of a container that does not exist; it is made anew
 * for each try. DISK is a directory on a disk. After each try, it must have come
 * to what it may come to, the audit must agree, the tasks in the container must
 * be those that live, what was tried must succeed once more ("fault"), or the
 * container be of use ("kill"), and rmdir must free it. What comes of it all is
 * printed: how many tries, and either the errors or the names of the stop points.
 * The status is 0 if everything was right; else a line says what was not, and at
 * which try.
 *
 * With "-v" before all that, each try is told of.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/fuse.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE		4096UL
#define DEBUGFS		"/sys/kernel/debug"
#define AUDIT		DEBUGFS "/containers/audit"
#define STOP		DEBUGFS "/containers/stop"
/* Seconds that anything may take, in a kernel without checks */
#define PATIENCE	30
#define MAX_TRIES	1000
/* What it takes for more than one batch when a process is moved */
#define PAGES		70

/* What is tried: */
struct operation {
	const char *name;
	/* what there is to be beforehand; by who tries, outside of the container */
	void (*before)(void);
	/* and by the child that tries it */
	void (*ready)(void);
	/* returns -1, with errno set, if it fails */
	long (*act)(void);
	/* by who has that child, while it tries */
	void (*meanwhile)(pid_t child);
	/* is the container as it is to be if that succeeded, or did not? */
	void (*check)(int succeeded);
	/* and as it may be if who tried was killed? */
	void (*check_killed)(void);
	/* afterwards, whatever came of it */
	void (*after)(void);
	int inside;		/* is the child in the container? */
	int makes;		/* is the container there only if it succeeds? */
	int removes;		/* or only if it does not? */
	int dies;		/* may the child die of a fault, or for want of room? */
	int fails;		/* the error that it always fails with, or 0 */
	int errors[3];		/* for want of memory, besides ENOMEM */
};

static const struct operation *op;
static int faults;		/* or else stop points */
static int verbose;
static unsigned long nth;
static char container[256], second[300], disk[256], self[4096];
static int arm;			/* fail-nth or stop: a descriptor */

/* What came of a try. Survives an exec, as a file. */
static struct outcome {
	int done;
	int left;		/* fail-nth as it then was */
	long ret;
	int error;
} *outcome;
static int outcome_fd;

/* ---- saying what is wrong ---- */

static void wrong(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
static void wrong(const char *format, ...)
{
	va_list args;

	printf("%s, %s %lu: ", op ? op->name : "partway",
	       faults ? "fault" : "stop", nth);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
	_exit(1);
}

static const char *stage = "to begin";

static void give_up(int signal)
{
	(void)signal;
	wrong("too long: %s", stage);
}

static unsigned int patience(void)
{
	const char *slow = getenv("SLOW");

	return PATIENCE * (slow ? strtoul(slow, NULL, 10) : 1);
}

/* From here on, @what is waited for. */
static void begin(const char *what)
{
	stage = what;
	alarm(patience());
}

/* ---- files ---- */

static char text[1 << 20];

static ssize_t look(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got, len = 0;

	if (fd < 0)
		return -1;
	while ((got = read(fd, text + len, sizeof(text) - 1 - len)) > 0)
		len += got;
	close(fd);
	text[len] = 0;
	return got < 0 ? -1 : len;
}

static const char *in(const char *dir, const char *name)
{
	static char path[600];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static int set_path(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int ret = -1, error;

	if (fd >= 0) {
		ret = write(fd, value, strlen(value)) < 0 ? -1 : 0;
		error = errno;
		close(fd);
		errno = error;
	}
	return ret;
}

static int set(const char *name, const char *value)
{
	return set_path(in(container, name), value);
}

static void must_set(const char *dir, const char *name, const char *value)
{
	if (set_path(in(dir, name), value))
		wrong("cannot write %s to %s/%s: %m", value, dir, name);
}

static void must_set_number(const char *dir, const char *name, long value)
{
	char digits[32];

	snprintf(digits, sizeof(digits), "%ld", value);
	must_set(dir, name, digits);
}

static long number(const char *name)
{
	if (look(in(container, name)) < 0)
		wrong("cannot read %s: %m", name);
	return strtol(text, NULL, 10);
}

static int exists(const char *path)
{
	return !access(path, F_OK);
}

/* ---- the audit ---- */

static void nap(long ms)
{
	nanosleep(&(struct timespec){ .tv_nsec = ms * 1000000 }, NULL);
}

/* Wait until the last lines are @end. */
static void await_audit(const char *end)
{
	size_t len = strlen(end);

	begin("the audit");
	for (time_t until = time(NULL) + patience() - 5; ; nap(5)) {
		ssize_t got = look(AUDIT);

		if (got >= (ssize_t)len && !strcmp(text + got - len, end))
			return;
		if (time(NULL) > until)
			wrong("the audit says:\n%s", text);
	}
}

/* ---- memory ---- */

static char *memory;

static char *map(unsigned long pages)
{
	char *addr = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (addr == MAP_FAILED)
		wrong("mmap: %m");
	madvise(addr, pages * PAGE, MADV_NOHUGEPAGE);
	return addr;
}

static void touch(volatile char *addr, unsigned long pages)
{
	for (unsigned long i = 0; i < pages; i++)
		addr[i * PAGE] = 1;
}

/* ---- another process, with pages, that does as it is told ---- */

static pid_t other;
static char other_file[300];

/* Children die with who made them. */
static pid_t start(void (*run)(void))
{
	int ready[2];
	char c;
	pid_t pid;

	if (pipe(ready))
		wrong("pipe: %m");
	pid = fork();
	if (pid < 0)
		wrong("fork: %m");
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		run();
		if (write(ready[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	if (read(ready[0], &c, 1) != 1)
		wrong("no other process");
	close(ready[0]);
	return pid;
}

static void join(const char *dir)
{
	must_set_number(dir, "addtask", getpid());
}

static void write_file(const char *path, unsigned long pages)
{
	static char page[PAGE];
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0)
		wrong("%s: %m", path);
	for (unsigned long i = 0; i < pages; i++)
		if (write(fd, page, PAGE) != PAGE)
			wrong("%s: %m", path);
	close(fd);
}

static void outside(void)
{
	touch(map(PAGES), PAGES);
}

static void outside_shared(void)
{
	char *shared = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (shared == MAP_FAILED)
		wrong("mmap: %m");
	touch(shared, PAGES);
	outside();
}

static void inside(void)
{
	join(container);
	touch(map(PAGES), PAGES);
	write_file(other_file, 20);
}

static void locked(void)
{
	join(container);
	mlockall(MCL_CURRENT | MCL_FUTURE);
	touch(map(PAGES), PAGES);
	set_path("/proc/self/oom_score_adj", "1000");
}

static const char many[] = "/dev/shm/many";

#define MANY		25
#define MANY_NAME	200	/* characters */

static void many_name(char *path, size_t size, int i)
{
	snprintf(path, size, "%s/%0*d", many, MANY_NAME, i);
}

/* As many files as it takes for their list to be longer than a page */
static void owner_of_many(void)
{
	char path[300];

	join(container);
	mkdir(many, 0755);
	for (int i = 0; i < MANY; i++) {
		many_name(path, sizeof(path), i);
		write_file(path, 1);
	}
}

static void other_outside(void) { other = start(outside); }
static void other_outside_shared(void) { other = start(outside_shared); }
static void other_inside(void) { other = start(inside); }
static void other_locked(void) { other = start(locked); }
static void other_with_many(void) { other = start(owner_of_many); }

static void other_in_second(void)
{
	if (mkdir(second, 0755))
		wrong("%s: %m", second);
	other = start(outside);
	must_set_number(second, "addtask", other);
}

/* That process is gone, and with it what it had, also what it forgot to take along. */
static void no_other(void)
{
	char path[300];

	if (other) {
		kill(other, SIGKILL);
		waitpid(other, NULL, 0);
		other = 0;
	}
	unlink(other_file);
	for (int i = 0; exists(many) && i < MANY; i++) {
		many_name(path, sizeof(path), i);
		unlink(path);
	}
	rmdir(many);
	if (exists(second) && rmdir(second))
		wrong("rmdir %s: %m", second);
}

/* ---- what is tried ---- */

static int file;
static char value[300];
static char buffer[1 << 16];

static void open_attr(const char *name, int flags)
{
	file = open(in(container, name), flags | O_CLOEXEC);
	if (file < 0)
		wrong("%s: %m", name);
}

static long write_value(void)
{
	return write(file, value, strlen(value));
}

/* So many that the next id, which is 64, is not in the first node of the xarray */
#define OTHER_IDS	63

static void for_other_ids(int (*fn)(const char *path))
{
	char path[300];

	for (int i = 0; i < OTHER_IDS; i++) {
		snprintf(path, sizeof(path), "%s-%d", container, i);
		if (fn(path))
			wrong("%s: %m", path);
	}
}

static int make(const char *path) { return mkdir(path, 0755); }
static void other_ids(void) { for_other_ids(make); }
static void no_other_ids(void) { for_other_ids(rmdir); }

static long do_mkdir(void) { return mkdir(container, 0755); }
static long do_rmdir(void) { return rmdir(container); }

static void ready_join(void)
{
	memory = map(PAGES);
	touch(memory, PAGES);
	open_attr("addtask", O_WRONLY);
	snprintf(value, sizeof(value), "%d", getpid());
}

static void ready_addtask(void)
{
	open_attr("addtask", O_WRONLY);
	snprintf(value, sizeof(value), "%d", other);
}

static void ready_rmtask(void)
{
	open_attr("rmtask", O_WRONLY);
	snprintf(value, sizeof(value), "%d", other);
}

static void file_of_nobody(void)
{
	write_file(other_file, 20);
}

static void file_of_second(void)
{
	file_of_nobody();
	if (mkdir(second, 0755))
		wrong("%s: %m", second);
	must_set(second, "addfile", other_file);
}

static void ready_addfile(void)
{
	open_attr("addfile", O_WRONLY);
	snprintf(value, sizeof(value), "%s", other_file);
}

static void file_inside(void)
{
	file_of_nobody();
	must_set(container, "addfile", other_file);
}

static void on_tmpfs(void)
{
	strcpy(other_file, "/dev/shm/partway");
}

static void held_file_of_nobody(void)
{
	on_tmpfs();
	file_of_nobody();
}

static void held_file_of_second(void)
{
	on_tmpfs();
	file_of_second();
}

static void held_file_inside(void)
{
	on_tmpfs();
	file_inside();
}

static void ready_rmfile(void)
{
	open_attr("rmfile", O_WRONLY);
	snprintf(value, sizeof(value), "%s", other_file);
}

static long do_unlink(void)
{
	return unlink(other_file);
}

static long do_fork(void)
{
	long pid = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);

	if (!pid)
		syscall(SYS_exit_group, 0);
	return pid;
}

static int thread(void *arg)
{
	(void)arg;
	return 0;
}

static long do_thread(void)
{
	return clone(thread, buffer + sizeof(buffer),
		     CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND |
		     CLONE_THREAD | CLONE_SYSVSEM, NULL);
}

/* main() goes on with this in the new program. */
static long do_exec(void)
{
	char arm_text[16], outcome_text[16];
	char *args[] = { self, "--executed", faults ? "fault" : "kill", arm_text,
			 outcome_text, NULL };

	snprintf(arm_text, sizeof(arm_text), "%d", arm);
	snprintf(outcome_text, sizeof(outcome_text), "%d", outcome_fd);
	return execve(self, args, environ);
}

/* Have no CPU hold pages in advance: a change of the limit takes them back. */
static void no_stock(void)
{
	must_set(container, "page_limit", "max");
}

static void ready_anon(void)
{
	memory = map(16);
	no_stock();
}

static long do_touch(void)
{
	touch(memory, 6);
	return 0;
}

static void ready_huge(void)
{
	const unsigned long huge = 512 * PAGE;

	memory = map(1024);
	memory += -(uintptr_t)memory & (huge - 1);
	madvise(memory, huge, MADV_HUGEPAGE);
}

static void with_page_limit(void)
{
	must_set(container, "page_limit", "1000");
}

static char *small;

static void ready_over_page_limit(void)
{
	small = map(8);
	touch(map(700), 700);
	ready_huge();
}

/*
 * A huge page is more than an eighth over the limit, all at once: kcontainerd has
 * had no time. It is with the next page that this is noticed.
 */
static long do_touch_huge(void)
{
	touch(memory, 1);
	touch(small, 2);
	return 0;
}

/* Within half a second? Who does not is waiting for somebody. */
static int ends_soon(pid_t child)
{
	siginfo_t info = {};

	for (unsigned int i = 0; i < 100 * (patience() / PATIENCE) && !info.si_pid; i++) {
		nap(5);
		waitid(P_PID, child, &info, WEXITED | WNOHANG | WNOWAIT);
	}
	return info.si_pid;
}

/* Only two more pages fit. */
static void limit_rss(void)
{
	must_set_number(container, "rss_limit", number("rss_usage") + 2);
}

static void ready_at_rss_limit(void)
{
	memory = map(300);
	touch(memory + 100 * PAGE, 100);
	limit_rss();
}

static void ready_at_rss_limit_locked(void)
{
	mlockall(MCL_CURRENT);
	memory = map(16);
	mlockall(MCL_CURRENT | MCL_ONFAULT);
	limit_rss();
}

static void ready_unkillable_at_rss_limit(void)
{
	must_set("/proc/self", "oom_score_adj", "-1000");
	ready_at_rss_limit_locked();
}

static void raise_limit_late(pid_t child)
{
	if (!ends_soon(child))
		must_set(container, "rss_limit", "max");
}

static void ready_swapin(void)
{
	memory = map(300);
	touch(memory, 100);
	/* as far as it goes: so that they are in swap and nowhere else */
	set("shrink", "0");
	touch(memory + 200 * PAGE, 100);
	limit_rss();
}

static void open_file(void)
{
	file = open(other_file, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (file < 0)
		wrong("%s: %m", other_file);
}

static void ready_tmpfs_at_rss_limit(void)
{
	open_file();
	if (pwrite(file, buffer, 8 * PAGE, 32 * PAGE) != 8 * PAGE)
		wrong("%s: %m", other_file);
	ready_at_rss_limit();
}

/* What is short has met an error, too: it says so the next time. */
static long all_or_no_memory(long ret, long wanted)
{
	if (ret >= 0 && ret != wanted) {
		errno = ENOMEM;
		ret = -1;
	}
	return ret;
}

static long do_pwrite(void)
{
	return all_or_no_memory(pwrite(file, buffer, 4 * PAGE, 0), 4 * PAGE);
}

static long do_fallocate(void)
{
	return fallocate(file, 0, 0, 4 * PAGE);
}

/* As ready_swapin(), with what is in a file. */
static void ready_tmpfs_swapin(void)
{
	open_file();
	if (pwrite(file, buffer, 8 * PAGE, 0) != 8 * PAGE)
		wrong("%s: %m", other_file);
	ready_swapin();
}

static long do_pread_swapped(void)
{
	return all_or_no_memory(pread(file, buffer, 4 * PAGE, 0), 4 * PAGE);
}

/* Arguments that do not fit by far */
static void ready_exec_at_rss_limit(void)
{
	static char fill[20 * PAGE];

	memset(fill, 'x', sizeof(fill) - 1);
	setenv("FILL", fill, 1);
	ready_at_rss_limit();
}

/* On the disk and not in memory. */
static void cold_file(void)
{
	write_file(other_file, 8);
	file = open(other_file, O_RDONLY | O_CLOEXEC);
	if (file < 0 || fsync(file) || posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED))
		wrong("%s: %m", other_file);
	close(file);
}

static void ready_tmpfs(void)
{
	open_file();
	no_stock();
}

static long do_pread(void)
{
	return pread(file, buffer, 4 * PAGE, 0);
}

static void ready_map(void)
{
	open_file();
	memory = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	if (memory == MAP_FAILED)
		wrong("%s: %m", other_file);
}

static void no_file(void)
{
	unlink(other_file);
}

static void look_at(const char *addr, unsigned long pages)
{
	for (unsigned long i = 0; i < pages; i++)
		(void)*(const volatile char *)(addr + i * PAGE);
}

/*
 * To map what is cached is neither refused nor waited for, also where it leaves
 * rss_usage over the limit.
 */
static void ready_map_over_rss_limit(void)
{
	char *mapped;

	write_file(other_file, 100);
	open_file();
	mapped = mmap(NULL, 100 * PAGE, PROT_READ, MAP_SHARED, file, 0);
	if (mapped == MAP_FAILED)
		wrong("%s: %m", other_file);
	look_at(mapped, 64);
	ready_at_rss_limit();
	memory = mapped;
}

static long do_look(void)
{
	look_at(memory, 100);
	return 0;
}

static void ready_shrink(void)
{
	open_attr("shrink", O_WRONLY);
	strcpy(value, "20");
}

static void ready_page_limit(void)
{
	open_attr("page_limit", O_WRONLY);
	strcpy(value, "20");
}

static void ready_rss_limit(void)
{
	open_attr("rss_limit", O_WRONLY);
	strcpy(value, "50");
}

/* One whose dentry is kept as long as the container is there */
static long do_open(void)
{
	return open(in(container, "page_limit_hits"), O_RDONLY | O_CLOEXEC);
}

static long shortest;		/* of what there is to be read, in bytes */

static void ready_tasks(void)
{
	open_attr("tasks", O_RDONLY);
	shortest = 2;
}

static void ready_mappings(void)
{
	open_attr("mappings", O_RDONLY);
	shortest = MANY * (long)MANY_NAME;
}

/* To the end: it may come a page at a time. */
static long do_read(void)
{
	long len = 0, ret;

	while ((ret = read(file, buffer + len, sizeof(buffer) - len)) > 0)
		len += ret;
	if (!ret && len < shortest) {
		errno = ENODATA;
		ret = -1;
	}
	return ret < 0 ? ret : len;
}

/* ---- what is to come of that ---- */

static void must_be(const char *name, int right)
{
	if (!right)
		wrong("%s is %ld", name, number(name));
}

static void check_addtask(int succeeded)
{
	must_be("num_tasks", number("num_tasks") == succeeded);
	must_be("num_anon_pages",
		(number("num_anon_pages") >= PAGES) == succeeded);
}

/*
 * If there is no memory to say in which file it is, what is shared is charged to
 * nobody as before.
 */
static void check_addtask_shared(int succeeded)
{
	check_addtask(succeeded);
	if (!faults)
		must_be("num_file_pages",
			number("num_file_pages") == succeeded * (long)PAGES);
}

static void check_rmtask(int succeeded)
{
	check_addtask(!succeeded);
}

static void check_addfile(int succeeded)
{
	must_be("num_files", number("num_files") == succeeded);
	must_be("num_file_pages", number("num_file_pages") == succeeded * 20L);
}

static void check_rmfile(int succeeded)
{
	check_addfile(!succeeded);
}

static void check_page_limit(int succeeded)
{
	/* 0 is what becomes of "max" here */
	must_be("page_limit", number("page_limit") == succeeded * 20L);
}

static void check_rss_limit(int succeeded)
{
	must_be("rss_limit", number("rss_limit") == succeeded * 50L);
}

/* The old limit or the new one, and never nothing in between */
static void check_killed_page_limit(void)
{
	must_be("page_limit", number("page_limit") == 0 || number("page_limit") == 20);
}

static void check_killed_rss_limit(void)
{
	must_be("rss_limit", number("rss_limit") == 0 || number("rss_limit") == 50);
}

/* Whoever is at a file of the container meanwhile. */
static pid_t user;

static void no_user(void)
{
	kill(user, SIGKILL);
	waitpid(user, NULL, 0);
	user = 0;
}

/* ---- a file system that does not answer ---- */

static const char fuse_dir[] = "/dev/shm/fuse";
static int fuse_fd = -1;

/* as large as it may have to be for the kernel to write to it */
static union {
	struct fuse_in_header in;
	char room[1 << 17];
} request;

static void answer_fuse_init(void)
{
	struct {
		struct fuse_out_header out;
		struct fuse_init_out init;
	} reply = { .init = { .major = FUSE_KERNEL_VERSION,
			      .minor = FUSE_KERNEL_MINOR_VERSION,
			      .max_write = PAGE } };

	if (read(fuse_fd, request.room, sizeof(request.room)) < 0 ||
	    request.in.opcode != FUSE_INIT)
		wrong("fuse: %m");
	reply.out.len = sizeof(reply);
	reply.out.unique = request.in.unique;
	if (write(fuse_fd, &reply, sizeof(reply)) != sizeof(reply))
		wrong("fuse: %m");
	/* and that was the last answer for long: this is the lookup */
	if (read(fuse_fd, request.room, sizeof(request.room)) < 0 ||
	    request.in.opcode != FUSE_LOOKUP)
		wrong("fuse: no lookup");
}

/* It is a file. */
static void answer_fuse_lookup(void)
{
	struct {
		struct fuse_out_header out;
		struct fuse_entry_out entry;
	} reply = {
		.out = { .len = sizeof(reply), .unique = request.in.unique },
		.entry = { .nodeid = 2, .entry_valid = 60, .attr_valid = 60,
			   .attr = { .ino = 2, .mode = S_IFREG | 0644, .nlink = 1 } },
	};

	if (write(fuse_fd, &reply, sizeof(reply)) != sizeof(reply))
		wrong("fuse: %m");
}

/* Somebody adds a file to the container, and it takes as long as it takes. */
static void other_and_adder(void)
{
	char options[100];

	other_inside();
	mkdir(fuse_dir, 0755);
	fuse_fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0",
		 fuse_fd);
	if (fuse_fd < 0 || mount("partway", fuse_dir, "fuse", 0, options))
		wrong("fuse: %m");
	user = fork();
	if (!user) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(fuse_fd);
		_exit(set("addfile", "/dev/shm/fuse/file") ? 1 : 0);
	}
	answer_fuse_init();
}

/* Whoever has it keeps the adder waiting. */
static void not_fuse(void)
{
	close(fuse_fd);
	fuse_fd = -1;
}

/*
 * The adder gets its answer when a container that is to be freed would have been, as
 * nobody waits for the adder.
 */
static void no_adder(void)
{
	int status;

	if (!exists(container))
		for (unsigned int i = 0; i < patience() / PATIENCE; i++)
			nap(150);
	answer_fuse_lookup();
	if (waitpid(user, &status, 0) != user ||
	    status != (exists(container) ? 0 : 1 << 8))
		wrong("who adds a file has status %#x", status);
	user = 0;
	umount2(fuse_dir, MNT_DETACH);
	not_fuse();
	rmdir(fuse_dir);
}

/* ---- somebody moves a process, which waits for who knows what ---- */

#define MOVED	"move: unlocked"

/* Whoever has that may move what does not fit, and needs no room. */
static int drop_sys_resource(void)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data))
		return -1;
	data[0].effective &= ~(1U << CAP_SYS_RESOURCE);
	return syscall(SYS_capset, &header, data);
}

static void other_and_mover(void)
{
	other = start(outside);
	user = fork();
	if (!user) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		/* the sixth is the one where that has no lock; room is kept for it */
		if (set_path(STOP, "-6") || drop_sys_resource())
			_exit(1);
		must_set_number(container, "addtask", other);
		_exit(0);
	}
	for (int i = 0; look(STOP) < 0 || !strstr(text, "waits " MOVED); i++) {
		if (i == 1000)
			wrong("the mover does not wait: %s", text);
		nap(5);
	}
}

/* ---- a child that is on the memory of its parent until it executes something ---- */

static int spawned_to[2];
static long spawned_for;	/* ms */

static int spawned(void *arg)
{
	pid_t pid = getpid();

	(void)arg;
	if (write(spawned_to[1], &pid, sizeof(pid)) != sizeof(pid))
		_exit(1);
	nap(spawned_for);
	execl(self, "partway", "--sleep", NULL);
	_exit(127);
}

/* The parent is @user, and has pages; @other is the child. */
static void spawn(long ms)
{
	spawned_for = ms;
	if (pipe(spawned_to))
		wrong("pipe: %m");
	user = fork();
	if (!user) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		outside();
		if (clone(spawned, buffer + sizeof(buffer),
			  CLONE_VM | CLONE_VFORK | SIGCHLD, NULL) < 0)
			_exit(1);
		for (;;)
			pause();
	}
	close(spawned_to[1]);
	if (read(spawned_to[0], &other, sizeof(other)) != sizeof(other))
		wrong("no child");
	close(spawned_to[0]);
}

static void other_spawned(void) { spawn(100); }
static void other_spawned_for_long(void) { spawn(4000); }

static void check_spawned(int succeeded)
{
	must_be("num_tasks", number("num_tasks") == succeeded);
	/* nothing of its parent's */
	must_be("num_anon_pages", number("num_anon_pages") < PAGES);
}

static void check_killed_spawned(void)
{
	must_be("num_anon_pages", number("num_anon_pages") < PAGES);
}

/* ---- a reader of a file of the container who does not come to an end ---- */

static pid_t reader;

static void start_reader(void)
{
	reader = fork();
	if (!reader) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		file = open(in(container, "tasks"), O_RDONLY | O_CLOEXEC);
		if (file < 0 || set_path(STOP, "-1"))
			_exit(1);
		_exit(read(file, buffer, sizeof(buffer)) < 0 ? 1 : 0);
	}
	for (int i = 0; look(STOP) < 0 || !strstr(text, "waits tasks: allocated"); i++) {
		if (i == 1000)
			wrong("the reader does not wait");
		nap(5);
	}
}

static void no_reader(void)
{
	kill(reader, SIGKILL);
	waitpid(reader, NULL, 0);
	reader = 0;
}

static void other_and_reader(void)
{
	other_inside();
	start_reader();
}

static void mover_and_reader(void)
{
	other_and_mover();
	start_reader();
}

static void no_mover_nor_reader(void)
{
	no_user();
	no_reader();
}

/* Who is not killed waits for the reader: that is, after a while. */
static void kill_reader_late(pid_t child)
{
	if (!ends_soon(child))
		kill(reader, SIGKILL);
}

/* ---- a file whose inode cannot be held ---- */

static int frozen;

static void freeze(unsigned long request)
{
	int fd = open(disk, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || ioctl(fd, request, 0))
		wrong("cannot freeze or thaw %s: %m", disk);
	frozen = request == FIFREEZE;
	close(fd);
}

static void other_frozen_and_reader(void)
{
	other_and_reader();
	freeze(FIFREEZE);
}

static void thaw_and_no_reader(void)
{
	freeze(FITHAW);
	no_reader();
}

static const struct operation operations[] = {
	{ .name = "mkdir", .act = do_mkdir, .makes = 1 },
	{ .name = "mkdir-64th", .before = other_ids, .act = do_mkdir,
	  .after = no_other_ids, .makes = 1 },
	{ .name = "rmdir", .before = other_inside, .act = do_rmdir, .removes = 1 },
	{ .name = "rmdir-addfile", .before = other_and_adder, .ready = not_fuse,
	  .act = do_rmdir, .after = no_adder, .removes = 1 },
	{ .name = "rmdir-addtask", .before = other_and_mover, .act = do_rmdir,
	  .after = no_user, .removes = 1 },
	{ .name = "rmdir-busy", .before = other_and_reader, .act = do_rmdir,
	  .meanwhile = kill_reader_late, .after = no_reader, .removes = 1 },
	{ .name = "rmdir-busy-addtask", .before = mover_and_reader,
	  .act = do_rmdir, .meanwhile = kill_reader_late,
	  .after = no_mover_nor_reader, .removes = 1 },
	{ .name = "rmdir-busy-frozen", .before = other_frozen_and_reader,
	  .act = do_rmdir, .meanwhile = kill_reader_late,
	  .after = thaw_and_no_reader, .removes = 1 },
	{ .name = "join", .ready = ready_join, .act = write_value },
	{ .name = "addtask", .before = other_outside, .ready = ready_addtask,
	  .act = write_value, .check = check_addtask },
	{ .name = "addtask-moved", .before = other_in_second,
	  .ready = ready_addtask, .act = write_value, .check = check_addtask },
	{ .name = "addtask-shared", .before = other_outside_shared,
	  .ready = ready_addtask, .act = write_value,
	  .check = check_addtask_shared },
	{ .name = "addtask-spawned", .before = other_spawned,
	  .ready = ready_addtask, .act = write_value, .check = check_spawned,
	  .check_killed = check_killed_spawned, .after = no_user },
	{ .name = "addtask-spawned-for-long", .before = other_spawned_for_long,
	  .ready = ready_addtask, .act = write_value, .check = check_spawned,
	  .after = no_user, .fails = EAGAIN },
	{ .name = "rmtask", .before = other_inside, .ready = ready_rmtask,
	  .act = write_value, .check = check_rmtask },
	{ .name = "addfile", .before = file_of_nobody, .ready = ready_addfile,
	  .act = write_value, .check = check_addfile },
	{ .name = "addfile-taken", .before = file_of_second,
	  .ready = ready_addfile, .act = write_value, .check = check_addfile },
	{ .name = "rmfile", .before = file_inside, .ready = ready_rmfile,
	  .act = write_value, .check = check_rmfile },
	{ .name = "unlink", .before = file_inside, .act = do_unlink },
	{ .name = "addfile-held", .before = held_file_of_nobody,
	  .ready = ready_addfile, .act = write_value, .check = check_addfile },
	{ .name = "addfile-held-taken", .before = held_file_of_second,
	  .ready = ready_addfile, .act = write_value, .check = check_addfile },
	{ .name = "rmfile-held", .before = held_file_inside,
	  .ready = ready_rmfile, .act = write_value, .check = check_rmfile },
	{ .name = "unlink-held", .before = held_file_inside, .act = do_unlink },
	{ .name = "fork", .act = do_fork, .inside = 1,
	  .errors = { EAGAIN } },
	{ .name = "thread", .act = do_thread, .inside = 1,
	  .errors = { EAGAIN } },
	{ .name = "exec", .ready = no_stock, .act = do_exec, .inside = 1, .dies = 1,
	  /* no page for the arguments; none to know the program by */
	  .errors = { E2BIG, ENOEXEC } },
	{ .name = "exec-at-rss-limit", .ready = ready_exec_at_rss_limit,
	  .act = do_exec, .inside = 1, .dies = 1,
	  /* or for a page of its own that is read, and is in swap */
	  .errors = { E2BIG, ENOEXEC, EFAULT } },
	{ .name = "anon", .ready = ready_anon, .act = do_touch, .inside = 1 },
	{ .name = "huge", .before = no_stock, .ready = ready_huge,
	  .act = do_touch, .inside = 1 },
	{ .name = "anon-over-page-limit", .before = with_page_limit,
	  .ready = ready_over_page_limit, .act = do_touch_huge,
	  .inside = 1 },
	{ .name = "anon-at-rss-limit", .ready = ready_at_rss_limit,
	  .act = do_touch, .inside = 1 },
	{ .name = "swapin-at-rss-limit", .ready = ready_swapin,
	  .act = do_touch, .inside = 1 },
	{ .name = "oom", .ready = ready_at_rss_limit_locked, .act = do_touch,
	  .inside = 1, .dies = 1 },
	{ .name = "oom-of-another", .before = other_locked,
	  .ready = ready_at_rss_limit_locked, .act = do_touch, .inside = 1 },
	{ .name = "oom-of-nobody", .ready = ready_unkillable_at_rss_limit,
	  .act = do_touch, .meanwhile = raise_limit_late, .inside = 1 },
	{ .name = "tmpfs", .before = on_tmpfs, .ready = ready_tmpfs,
	  .act = do_pwrite, .inside = 1 },
	{ .name = "tmpfs-at-rss-limit", .before = on_tmpfs,
	  .ready = ready_tmpfs_at_rss_limit, .act = do_pwrite, .inside = 1 },
	{ .name = "fallocate-at-rss-limit", .before = on_tmpfs,
	  .ready = ready_tmpfs_at_rss_limit, .act = do_fallocate, .inside = 1 },
	/* what it reads into can be in swap as well */
	{ .name = "tmpfs-swapin-at-rss-limit", .before = on_tmpfs,
	  .ready = ready_tmpfs_swapin, .act = do_pread_swapped, .inside = 1,
	  .errors = { EFAULT } },
	{ .name = "write", .ready = open_file, .act = do_pwrite, .inside = 1 },
	{ .name = "read", .before = cold_file, .ready = open_file,
	  .act = do_pread, .inside = 1 },
	/* a page of a file that cannot be read is SIGBUS */
	{ .name = "map", .before = cold_file, .ready = ready_map,
	  .act = do_touch, .inside = 1, .dies = 1 },
	{ .name = "map-over-rss-limit", .before = no_file,
	  .ready = ready_map_over_rss_limit, .act = do_look, .inside = 1 },
	{ .name = "open", .act = do_open },
	{ .name = "tasks", .before = other_inside, .ready = ready_tasks,
	  .act = do_read },
	{ .name = "mappings", .before = other_with_many,
	  .ready = ready_mappings, .act = do_read },
	{ .name = "shrink", .before = other_inside, .ready = ready_shrink,
	  .act = write_value },
	{ .name = "shrink-in-vain", .before = other_locked,
	  .ready = ready_shrink, .act = write_value, .fails = EBUSY },
	{ .name = "page_limit", .before = other_inside,
	  .ready = ready_page_limit, .act = write_value,
	  .check = check_page_limit, .check_killed = check_killed_page_limit },
	{ .name = "rss_limit", .before = other_inside,
	  .ready = ready_rss_limit, .act = write_value,
	  .check = check_rss_limit, .check_killed = check_killed_rss_limit },
};

/* ---- a try ---- */

static void write_arm(unsigned long at)
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%lu", at);

	if (write(arm, digits, len) != len)
		_exit(120);
}

/* It has come to its end, and lives. */
static void tell_outcome(long ret, int error)
{
	/* written to, so that it is there: a fault in pread() would be one */
	volatile char digits[24] = "";

	if (faults && pread(arm, (char *)digits, sizeof(digits) - 1, 0) <= 0)
		_exit(121);
	/* what comes of exit is not what was tried */
	write_arm(0);
	outcome = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, outcome_fd, 0);
	if (outcome == MAP_FAILED)
		_exit(122);
	outcome->left = atoi((char *)digits);
	outcome->ret = ret;
	outcome->error = error;
	outcome->done = 1;
	_exit(0);
}

static void try(unsigned long at)
{
	long ret;

	/* what it needs itself, so that it does not come upon a limit for that */
	touch(buffer, sizeof(buffer) / PAGE);
	/* here, so that it is this task's */
	if (faults)
		arm = open("/proc/self/fail-nth", O_RDWR);
	if (op->inside)
		join(container);
	if (op->ready)
		op->ready();
	write_arm(at);
	ret = op->act();
	tell_outcome(ret, errno);
}

/* In a child, and its status is returned. */
static int run_try(unsigned long at)
{
	int status;
	pid_t pid;

	memset(outcome, 0, sizeof(*outcome));
	begin("before it");
	if (op->before)
		op->before();
	fflush(stdout);
	begin("itself");
	pid = fork();
	if (!pid) {
		alarm(patience());
		try(at);
	}
	if (pid > 0 && op->meanwhile)
		op->meanwhile(pid);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		wrong("fork, wait: %m");
	/* children that it has not waited for are ours */
	begin("its children");
	if (!other && !user)
		while (waitpid(-1, NULL, __WALL) > 0)
			;
	return status;
}

/* ---- what came of it ---- */

/* Are all that are in the container those that are to be? */
static int tasks_are_right(void)
{
	long tasks = number("num_tasks"), listed = 0;
	char *rest, *line;

	if (look(in(container, "tasks")) < 0)
		wrong("tasks: %m");
	for (line = strtok_r(text, "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest)) {
		if (atoi(line) != other)
			return 0;
		listed++;
	}
	return listed == tasks;
}

/* One that was killed may not be gone yet. */
static void check_tasks(void)
{
	for (int i = 0; !tasks_are_right(); i++) {
		if (i == 100)
			wrong("num_tasks is %ld, and not just %d is in tasks",
			      number("num_tasks"), other);
		nap(20);
	}
}

static void no_limits(void)
{
	must_set(container, "page_limit", "max");
	must_set(container, "rss_limit", "max");
}

/* A process joins, uses memory and files, has a child, and leaves. */
static void use(void)
{
	const char *held_file = "/dev/shm/partway-use";
	char own_file[300];
	pid_t pid, child;
	int status;

	snprintf(own_file, sizeof(own_file), "%s/partway-use", disk);

	no_limits();
	/* nobody has left what these take turns at */
	must_set(container, "shrink", "1G");
	must_set(container, "rss_limit", "1G");
	pid = fork();
	if (!pid) {
		memory = map(20);
		join(container);
		touch(memory, 20);
		if (number("num_anon_pages") < 20)
			wrong("no pages are charged to it");
		if (!frozen) {
			write_file(own_file, 2);
			if (!number("num_files"))
				wrong("no file becomes its own");
			unlink(own_file);
		}
		write_file(held_file, 2);
		if (number("num_file_pages") < 2)
			wrong("no memory in a file is charged to it");
		must_set(container, "addfile", held_file);
		if (!number("num_files"))
			wrong("no file that is named is its own");
		child = fork();
		if (!child)
			_exit(0);
		waitpid(child, NULL, 0);
		must_set_number(container, "rmtask", getpid());
		unlink(held_file);
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid || status)
		wrong("who uses it has status %#x", status);
}

static void check_presence(int done)
{
	int there = exists(container);

	/* killed, it may have come to it or not */
	if (done && op->makes && there != (outcome->ret >= 0))
		wrong("there is %s container", there ? "a" : "no");
	if (done && op->removes && there != (outcome->ret < 0))
		wrong("there is %s container", there ? "a" : "no");
	if (!op->makes && !op->removes && !there)
		wrong("the container is gone");
}

static void check(int done)
{
	check_presence(done);
	await_audit("agree\n");
	if (!exists(container))
		return;
	begin("using it");
	check_tasks();
	if (done && op->check)
		op->check(outcome->ret >= 0);
	if (!done && op->check_killed)
		op->check_killed();
	if (!faults) {
		use();
		check_tasks();
		await_audit("agree\n");
	}
}

static void clear(int keep)
{
	begin("what comes after it");
	if (op->after)
		op->after();
	no_other();
	if (exists(container) && !keep) {
		begin("rmdir");
		if (rmdir(container))
			wrong("rmdir: %m");
	}
}

static void fresh(void)
{
	snprintf(other_file, sizeof(other_file), "%s/partway", disk);
	if (exists(container))
		no_limits();
	else if (!op->makes && mkdir(container, 0755))
		wrong("mkdir: %m");
}

/* ---- faults ---- */

static const struct {
	const char *path;
	const char *value;
} knobs[] = {
	{ "failslab/ignore-gfp-wait", "0" },
	{ "failslab/verbose", "0" },
	{ "fail_page_alloc/ignore-gfp-wait", "0" },
	{ "fail_page_alloc/ignore-gfp-highmem", "0" },
	{ "fail_page_alloc/min-order", "0" },
	{ "fail_page_alloc/verbose", "0" },
};

static int nr_errors[256], nr_died;

static int may_fail_with(int error)
{
	size_t i;

	for (i = 0; i < sizeof(op->errors) / sizeof(*op->errors); i++)
		if (error && error == op->errors[i])
			return 1;
	return error == ENOMEM;
}

/* Returns whether a fault was injected. */
static int try_fault(void)
{
	int status, injected;

	fresh();
	status = run_try(nth);
	injected = !outcome->done || !outcome->left;
	if (!outcome->done) {
		/* a new program may also find by itself that it cannot go on */
		if (!op->dies)
			wrong("the status is %#x", status);
		nr_died++;
	} else if (outcome->ret < 0) {
		if (!injected ? outcome->error != op->fails :
		    outcome->error != op->fails && !may_fail_with(outcome->error))
			wrong("%s", strerror(outcome->error));
		nr_errors[outcome->error]++;
	} else {
		nr_errors[0]++;
	}
	if (verbose)
		printf("%s %lu: %s\n", op->name, nth, !outcome->done ? "died" :
		       outcome->ret < 0 ? strerrorname_np(outcome->error) : "ok");
	check(outcome->done);
	clear(!op->makes && injected);
	if (!injected)
		return 0;

	/* and now without, with what that has left */
	fresh();
	status = run_try(0);
	if (outcome->done ? outcome->ret < 0 && outcome->error != op->fails :
			    !op->dies)
		wrong("without a fault: status %#x, %s", status,
		      strerror(outcome->error));
	check(outcome->done);
	clear(0);
	await_audit("allocated 0\nagree\n");
	return 1;
}

static void try_faults(void)
{
	for (size_t i = 0; i < sizeof(knobs) / sizeof(knobs[0]); i++)
		must_set(DEBUGFS, knobs[i].path, knobs[i].value);
	for (nth = 1; try_fault(); nth++)
		if (nth == MAX_TRIES)
			wrong("no end");
	await_audit("allocated 0\nagree\n");

	printf("%s: %lu faults:", op->name, nth - 1);
	for (int i = 0; i < 256; i++)
		if (nr_errors[i])
			printf(" %d %s", nr_errors[i], i ? strerrorname_np(i) : "ok");
	if (nr_died)
		printf(" %d died", nr_died);
	putchar('\n');
}

/* ---- stop points ---- */

/* Where the last child was killed, or NULL. */
static const char *killed_at(void)
{
	char *name;

	if (look(STOP) < 0)
		wrong("%s: %m", STOP);
	name = strstr(text, "killed ");
	if (!name)
		wrong("%s says: %s", STOP, text);
	name += strlen("killed ");
	name[strcspn(name, "\n")] = 0;
	return strcmp(name, "-") ? name : NULL;
}

/* Returns whether it was killed. */
static int try_stop(void)
{
	const char *name;
	int status;

	fresh();
	status = run_try(nth);
	name = killed_at();
	if (name) {
		if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
			wrong("at \"%s\", the status is %#x", name, status);
		printf("%s %lu: %s\n", op->name, nth, name);
	} else if (!outcome->done) {
		if (!op->dies || !WIFSIGNALED(status))
			wrong("the status is %#x", status);
	} else if (outcome->ret < 0 && outcome->error != op->fails) {
		wrong("%s", strerror(outcome->error));
	}
	check(outcome->done);
	clear(0);
	await_audit("allocated 0\nagree\n");
	return !!name;
}

static void open_stop(void)
{
	arm = open(STOP, O_WRONLY);
	if (arm < 0)
		wrong("%s: %m", STOP);
}

/* 0 is nowhere. */
static void try_once(void)
{
	open_stop();
	try_stop();
	printf("%s: once\n", op->name);
}

static void try_stops(void)
{
	open_stop();
	for (nth = 1; try_stop(); nth++)
		if (nth == MAX_TRIES)
			wrong("no end");
	printf("%s: %lu stops\n", op->name, nth - 1);
}

static void usage(void)
{
	fputs("usage: partway [-v] fault|kill|once OPERATION CONTAINER DISK\n", stderr);
	for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++)
		fprintf(stderr, "  %s\n", operations[i].name);
	exit(2);
}

int main(int argc, char **argv)
{
	static const char tunables[] = "GLIBC_TUNABLES";
	int once;

	if (argc == 5 && !strcmp(argv[1], "--executed")) {
		faults = !strcmp(argv[2], "fault");
		arm = atoi(argv[3]);
		outcome_fd = atoi(argv[4]);
		tell_outcome(0, 0);
	}

	if (argc == 2 && !strcmp(argv[1], "--sleep")) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}

	/*
	 * On its way back to user mode a task dies of SIGSEGV if it cannot have the
	 * page of its rseq area: that is so without containers.
	 */
	if (!getenv(tunables)) {
		setenv(tunables, "glibc.pthread.rseq=0", 1);
		execv("/proc/self/exe", argv);
	}
	if (argc > 1 && !strcmp(argv[1], "-v")) {
		verbose = 1;
		argv++;
		argc--;
	}
	if (argc != 5)
		usage();
	faults = !strcmp(argv[1], "fault");
	once = !strcmp(argv[1], "once");
	if (!faults && !once && strcmp(argv[1], "kill"))
		usage();
	for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++)
		if (!strcmp(argv[2], operations[i].name))
			op = &operations[i];
	if (!op)
		usage();
	snprintf(container, sizeof(container), "%s", argv[3]);
	snprintf(second, sizeof(second), "%s-2", argv[3]);
	snprintf(disk, sizeof(disk), "%s", argv[4]);
	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		wrong("/proc/self/exe: %m");

	signal(SIGALRM, give_up);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	outcome_fd = memfd_create("outcome", 0);
	if (outcome_fd < 0 || ftruncate(outcome_fd, PAGE))
		wrong("memfd: %m");
	outcome = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, outcome_fd, 0);
	if (outcome == MAP_FAILED)
		wrong("mmap: %m");

	if (faults)
		try_faults();
	else if (once)
		try_once();
	else
		try_stops();
	return 0;
}

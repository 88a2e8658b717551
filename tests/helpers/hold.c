// SPDX-License-Identifier: GPL-2.0
/*
 * hold [DIRECTORY]: hold memory, files, threads and children, as told line by
 * line on standard input, each line answered by one; first join the container
 * of DIRECTORY. At the end of the input it ends, and with it all that it held.
 *
 * It also is the witness: "count" tells what pages it has from what the kernel
 * says in pagemap and kpageflags, which know nothing of containers.
 *
 *	anon NAME PAGES		private anonymous memory, of small pages
 *	thp NAME PAGES		the same, to be of huge pages
 *	droppable NAME PAGES	memory that the kernel may drop: MAP_DROPPABLE
 *	shm NAME PAGES		a memfd, shared
 *	sysv NAME KEY PAGES	a SysV segment, of which others have the key
 *	shared NAME PAGES	shared anonymous memory
 *	secret NAME PAGES	a memfd_secret
 *	uffd NAME PAGES		anonymous memory, filled by UFFDIO_COPY: so many
 *				pages, and the error
 *	map NAME PATH PAGES HOW	a file, HOW is shared or private
 *	often PATH PAGES COUNT	map a file so many times, for reading: how often it was
 *	touch NAME [PAGES]	write each page, each with other content
 *	fill NAME		write each page, all with the same content
 *	look NAME [PAGES]	read each page
 *	check NAME		is each page as touch left it?
 *	advise NAME WHAT	pageout, free, dontneed, willneed, mergeable,
 *				unmergeable, collapse, populate
 *	lock NAME		mlock
 *	unlock NAME		munlock
 *	pin NAME		have an io_uring hold its pages, until "unpin"
 *	where NAME		its first address and the one after its last
 *	unmap NAME [PAGES]	all of it, or the first so many pages
 *	count [NAME]		anon=, file=, active=, swap=, huge= pages, each
 *				physical page once
 *	write PATH PAGES	make PATH this long with write(2)
 *	read PATH		read it with read(2)
 *	splice PATH		read it with sendfile(2), to /dev/null
 *	store NAME PATH		add the region to PATH, with one write(2): ok,
 *				short or the error
 *	fetch NAME PATH		fill the region from PATH, with one read(2):
 *				likewise
 *	poke HOW PID ADDRESS PAGES  write to another process, or to "self": by mem
 *				with one write(2) to /proc/PID/mem, by vm with
 *				process_vm_writev(2), by ptrace a word a page: so
 *				many pages, and the error
 *	sync PATH		fsync
 *	open PATH		and keep it open
 *	resident PATH [FIRST PAGES]  pages of it, or of so many, in memory: mincore
 *	files DIR COUNT		make so many files of one byte
 *	ramfs PATH		mount one there, as root of a user namespace of its
 *				own, in which it is from then on
 *	symlinks DIR COUNT	make so many to 3000 bytes: how many it was, and
 *				the error
 *	threads COUNT [NAME]	threads, which sleep; at the end of each the kernel
 *				writes to a page of that
 *	exits NAME		for each page of it a thread that exits, for which
 *				the kernel writes there
 *	sharer [UID]		a process that shares the memory, and sleeps,
 *				as another user's; its pid
 *	uid UID			be another user from now on, without an exec
 *	child COMMAND[; ...]	a fork, which does these and sleeps; its pid and
 *				the last answer
 *	vfork [PAGES [MS]]	a vfork that executes a sleeper, which has written
 *				so many pages, but only after a time; its pid
 *	again COMMAND[; ...]	a fork, which does these over and over; its pid
 *	handler [NAME]		from now on, say "caught" at a SIGUSR1, with that
 *				region for a stack
 *	ticks MS		from now on, handle a SIGALRM that often, without a word
 *	reap PID		end a child
 *	forks COUNT		fork so many that sleep: how many it was, and
 *				the error
 *	rounds COUNT DIR	so many times: make the container DIR, have a
 *				child join it, use memory, make a thread, and
 *				exit, remove DIR
 *	exec			execute itself again
 *	time COMMAND		do it and tell how many ms that took
 *	drain			have every CPU put the pages that wait in its
 *				batches where they belong
 *	pid			its pid
 *	quit			end
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/sendfile.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

#define PAGE		4096UL
#define HUGE		(512 * PAGE)
#define MAX_REGIONS	16
#define MAX_CHILDREN	4096

#define KPF_ACTIVE	6
#define KPF_ANON	12
#define KPF_THP		22

static struct region {
	char name[32];
	char *addr;
	unsigned long pages;
} regions[MAX_REGIONS];

static char answer[4096];
static char *self;

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(answer, sizeof(answer), format, args);
	va_end(args);
}

static void say_result(long ret)
{
	if (ret < 0)
		say("%s", strerrorname_np(errno));
	else
		say("ok");
}

/* What came of a read(2) or write(2) of so many bytes. */
static void say_transfer(ssize_t ret, size_t size)
{
	if (ret < 0 || (size_t)ret == size)
		say_result(ret);
	else
		say("short");
}

/* How many there were, and how it ended. */
static void say_count(long nr, int err)
{
	say("%ld %s", nr, err ? strerrorname_np(err) : "ok");
}

static struct region *find(const char *name)
{
	for (int i = 0; i < MAX_REGIONS; i++)
		if (regions[i].addr && name && !strcmp(regions[i].name, name))
			return &regions[i];
	return NULL;
}

static void keep(const char *name, void *addr, unsigned long pages)
{
	if (addr == MAP_FAILED) {
		say_result(-1);
		return;
	}
	for (int i = 0; i < MAX_REGIONS; i++) {
		if (!regions[i].addr) {
			snprintf(regions[i].name, sizeof(regions[i].name), "%s", name);
			regions[i].addr = addr;
			regions[i].pages = pages;
			say("ok");
			return;
		}
	}
	say("too many");
}

static void *map_anon(unsigned long pages, int huge)
{
	char *addr;

	if (!huge) {
		addr = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (addr != MAP_FAILED)
			madvise(addr, pages * PAGE, MADV_NOHUGEPAGE);
		return addr;
	}
	addr = mmap(NULL, pages * PAGE + HUGE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (addr == MAP_FAILED)
		return addr;
	addr = (char *)addr + (-(uintptr_t)addr & (HUGE - 1));
	madvise(addr, pages * PAGE, MADV_HUGEPAGE);
	return addr;
}

#ifndef MAP_DROPPABLE
#define MAP_DROPPABLE	0x08
#endif

static void *map_droppable(unsigned long pages)
{
	void *addr = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
			  MAP_DROPPABLE | MAP_ANONYMOUS, -1, 0);

	if (addr != MAP_FAILED)
		madvise(addr, pages * PAGE, MADV_NOHUGEPAGE);
	return addr;
}

static void *map_file(int fd, unsigned long pages, int how)
{
	void *addr;

	if (fd < 0)
		return MAP_FAILED;
	addr = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, how, fd, 0);
	close(fd);
	return addr;
}

/* ---- the witness ---- */

static uint64_t entry(int fd, uint64_t index)
{
	uint64_t value = 0;

	if (pread(fd, &value, sizeof(value), index * sizeof(value)) != sizeof(value))
		return 0;
	return value;
}

static struct counts {
	unsigned long anon, file, active, swap, huge;
} counts;

/*
 * Which page frames have been counted. There at all times, as nothing may be
 * allocated while one counts. Frames beyond 16 GiB are not.
 */
static unsigned char counted[(16UL << 30) / PAGE / 8];

static void count_frame(int kpageflags, uint64_t frame, int file)
{
	uint64_t bits;

	if (frame >= sizeof(counted) * 8 || counted[frame / 8] >> frame % 8 & 1)
		return;
	counted[frame / 8] |= 1 << frame % 8;
	bits = entry(kpageflags, frame);
	if (bits >> KPF_ANON & 1)
		counts.anon++;
	else if (file)
		counts.file++;
	else
		return;
	counts.active += bits >> KPF_ACTIVE & 1;
	counts.huge += bits >> KPF_THP & 1;
}

/*
 * The entry of a page that is on its way to another frame says "swapped", too. Its type
 * is one of the last of 32, which no swap area has; see include/linux/swapops.h. It is
 * soon over: look again until then.
 */
static uint64_t entry_in_place(int pagemap, unsigned long page, uint64_t bits)
{
	for (int tries = 0; tries < 1000; tries++) {
		if (!(bits >> 62 & 1) || (bits & 31) < 20)
			break;
		usleep(1000);
		bits = entry(pagemap, page);
	}
	return bits;
}

static void count_range(int pagemap, int kpageflags, unsigned long start,
			unsigned long end, int file)
{
	static uint64_t batch[512];
	unsigned long page = start / PAGE, last = end / PAGE;

	while (page < last) {
		unsigned long nr = last - page < 512 ? last - page : 512;
		ssize_t got = pread(pagemap, batch, nr * 8, page * 8);

		if (got <= 0)
			return;
		for (ssize_t i = 0; i < got / 8; i++) {
			uint64_t bits = entry_in_place(pagemap, page + i, batch[i]);

			counts.swap += bits >> 62 & 1;
			if (bits >> 63)
				count_frame(kpageflags, bits & ((1ULL << 55) - 1), file);
		}
		page += got / 8;
	}
}

static void count(struct region *region)
{
	int pagemap = open("/proc/self/pagemap", O_RDONLY);
	int flags = open("/proc/kpageflags", O_RDONLY);

	memset(&counts, 0, sizeof(counts));
	memset(counted, 0, sizeof(counted));

	if (region) {
		count_range(pagemap, flags, (uintptr_t)region->addr,
			    (uintptr_t)region->addr + region->pages * PAGE, 1);
	} else {
		static char maps[1 << 16];
		size_t len = 0;
		ssize_t got;
		int fd = open("/proc/self/maps", O_RDONLY);

		/* have all of it from the first time on */
		memset(maps, 0, sizeof(maps));
		while ((got = read(fd, maps + len, sizeof(maps) - 1 - len)) > 0)
			len += got;
		maps[len] = 0;
		close(fd);
		for (char *line = strtok(maps, "\n"); line; line = strtok(NULL, "\n")) {
			unsigned long start, end, inode;

			if (sscanf(line, "%lx-%lx %*s %*s %*s %lu", &start, &end, &inode) != 3)
				continue;
			/* the devices' and the kernel's own have no inode */
			count_range(pagemap, flags, start, end, inode != 0);
		}
	}

	close(pagemap);
	close(flags);
	say("anon=%lu file=%lu active=%lu swap=%lu huge=%lu",
	    counts.anon, counts.file, counts.active, counts.swap, counts.huge);
}

/* ---- files ---- */

static char buffer[16 * PAGE] __attribute__((aligned(4096)));

static void write_file(const char *path, unsigned long pages)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	if (fd < 0) {
		say_result(-1);
		return;
	}
	while (pages) {
		unsigned long nr = pages < 16 ? pages : 16;
		size_t done = 0;
		ssize_t ret;

		memset(buffer, pages, nr * PAGE);
		/* what is written in part tells of no error */
		while (done < nr * PAGE) {
			ret = write(fd, buffer + done, nr * PAGE - done);
			if (ret <= 0) {
				say_result(-1);
				close(fd);
				return;
			}
			done += ret;
		}
		pages -= nr;
	}
	close(fd);
	say("ok");
}

static void read_file(const char *path)
{
	int fd = open(path, O_RDONLY);
	ssize_t got = -1;

	if (fd >= 0) {
		while ((got = read(fd, buffer, sizeof(buffer))) > 0)
			;
		close(fd);
	}
	say_result(got);
}

static void splice_file(const char *path)
{
	int from = open(path, O_RDONLY);
	int to = open("/dev/null", O_WRONLY);
	struct stat st;

	if (fstat(from, &st) || sendfile(to, from, NULL, st.st_size) != st.st_size)
		say_result(-1);
	else
		say("ok");
	close(from);
	close(to);
}

static void store(const struct region *r, const char *path)
{
	int fd = open(path, O_WRONLY | O_APPEND);

	say_transfer(write(fd, r->addr, r->pages * PAGE), r->pages * PAGE);
	close(fd);
}

static void fetch(const struct region *r, const char *path)
{
	int fd = open(path, O_RDONLY);

	say_transfer(read(fd, r->addr, r->pages * PAGE), r->pages * PAGE);
	close(fd);
}

static void resident(const char *path, unsigned long first, unsigned long last)
{
	int fd = open(path, O_RDWR);
	struct stat st;
	unsigned long pages, nr = 0;
	static unsigned char vec[1 << 20];
	void *addr;

	if (fd < 0 || fstat(fd, &st)) {
		say_result(-1);
		if (fd >= 0)
			close(fd);
		return;
	}
	pages = (st.st_size + PAGE - 1) / PAGE;
	if (pages > sizeof(vec)) {
		say("too large");
		close(fd);
		return;
	}
	if (pages) {
		addr = mmap(NULL, pages * PAGE, PROT_READ, MAP_SHARED, fd, 0);
		if (addr == MAP_FAILED || mincore(addr, pages * PAGE, vec)) {
			say_result(-1);
			close(fd);
			return;
		}
		munmap(addr, pages * PAGE);
		for (unsigned long i = first; i < pages && i < last; i++)
			nr += vec[i] & 1;
	}
	close(fd);
	say("%lu", nr);
}

static void make_files(const char *dir, unsigned long nr)
{
	char path[4096];

	for (unsigned long i = 0; i < nr; i++) {
		int fd;

		snprintf(path, sizeof(path), "%s/f%lu", dir, i);
		fd = open(path, O_WRONLY | O_CREAT, 0644);
		if (fd < 0 || write(fd, "x", 1) != 1) {
			say_result(-1);
			return;
		}
		close(fd);
	}
	say("ok");
}

static void make_symlinks(const char *dir, unsigned long nr)
{
	static char target[3001];
	char path[4096];
	unsigned long i;

	memset(target, 'x', sizeof(target) - 1);
	for (i = 0; i < nr; i++) {
		snprintf(path, sizeof(path), "%s/l%lu", dir, i);
		if (symlink(target, path))
			break;
	}
	say_count(i, i < nr ? errno : 0);
}

/* ---- other ways to have memory ---- */

static void *map_sysv(int key, unsigned long pages)
{
	int id = shmget(key, pages * PAGE, IPC_CREAT | 0600);

	return id < 0 ? MAP_FAILED : shmat(id, NULL, 0);
}

static int put_text(const char *path, const char *text)
{
	ssize_t len = strlen(text);
	int fd = open(path, O_WRONLY);
	int ret = write(fd, text, len) == len ? 0 : -1;

	close(fd);
	return ret;
}

/* As anybody could: the right to mount it is one in the namespace. */
static void mount_ramfs(const char *path)
{
	char map[64];

	snprintf(map, sizeof(map), "0 %d 1", geteuid());
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) ||
	    put_text("/proc/self/setgroups", "deny") ||
	    put_text("/proc/self/uid_map", map) ||
	    put_text("/proc/self/gid_map", map))
		say_result(-1);
	else
		say_result(mount("ramfs", path, "ramfs", 0, NULL));
}

static void fill_by_uffd(const char *name, unsigned long pages)
{
	int uffd = syscall(SYS_userfaultfd, O_CLOEXEC);
	struct uffdio_api api = { .api = UFFD_API };
	char *addr = map_anon(pages, 0);
	struct uffdio_register reg = {
		.range = { (uintptr_t)addr, pages * PAGE },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	unsigned long i;

	if (uffd < 0 || ioctl(uffd, UFFDIO_API, &api) ||
	    ioctl(uffd, UFFDIO_REGISTER, &reg)) {
		say_result(-1);
		return;
	}
	for (i = 0; i < pages; i++) {
		struct uffdio_copy copy = {
			.dst = (uintptr_t)addr + i * PAGE,
			.src = (uintptr_t)buffer,
			.len = PAGE,
		};

		if (ioctl(uffd, UFFDIO_COPY, &copy))
			break;
	}
	keep(name, addr, pages);
	say_count(i, i < pages ? errno : 0);
	close(uffd);
}

static int ring = -1;

static void pin(const struct region *r)
{
	static char params[120];
	struct iovec where = { r->addr, r->pages * PAGE };

	ring = syscall(SYS_io_uring_setup, 8, params);
	say_result(ring < 0 ? -1 :
		   syscall(SYS_io_uring_register, ring, 0, &where, 1));
}

static long poke_mem(pid_t pid, const char *from, const char *to, size_t size)
{
	char path[64];
	long ret;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	fd = open(path, O_RDWR);
	ret = fd < 0 ? -1 : pwrite(fd, from, size, (uintptr_t)to);
	close(fd);
	return ret;
}

static long poke_vm(pid_t pid, char *from, char *to, size_t size)
{
	struct iovec local = { from, size }, remote = { to, size };

	return process_vm_writev(pid, &local, 1, &remote, 1, 0);
}

static long poke_ptrace(pid_t pid, char *to, size_t size)
{
	size_t done = 0;
	int err = 0;

	if (ptrace(PTRACE_ATTACH, pid, 0, 0) || waitpid(pid, NULL, __WALL) < 0)
		return -1;
	while (done < size && !err) {
		if (ptrace(PTRACE_POKEDATA, pid, to + done, 1L))
			err = errno;
		else
			done += PAGE;
	}
	ptrace(PTRACE_DETACH, pid, 0, 0);
	errno = err;
	return done ? (long)done : -1;
}

/* What is written is one page of zeroes, many times: it takes no memory. */
static void poke(const char *how, const char *whom, const char *where,
		 unsigned long pages)
{
	size_t size = pages * PAGE;
	pid_t pid = strcmp(whom, "self") ? atoi(whom) : getpid();
	volatile char sink;
	char *from;
	void *to;
	long ret;

	/* as "where" has said it */
	if (sscanf(where, "%p", &to) != 1) {
		say("no address");
		return;
	}

	from = map_anon(pages, 0);
	for (unsigned long i = 0; i < pages; i++)
		sink = from[i * PAGE];
	(void)sink;
	errno = 0;
	if (!strcmp(how, "mem"))
		ret = poke_mem(pid, from, to, size);
	else if (!strcmp(how, "vm"))
		ret = poke_vm(pid, from, to, size);
	else
		ret = poke_ptrace(pid, to, size);
	/* one that was done in part tells of no error */
	say_count(ret < 0 ? 0 : ret / (long)PAGE,
		  ret == (long)size ? 0 : errno ? errno : EFAULT);
	munmap(from, size);
}

/* ---- threads and processes ---- */

/*
 * A raw clone whose child does nothing but one system call, for ever or to its end. It
 * needs no stack for that: it may have that of its parent, as many as there are. When it
 * exits the kernel clears @tid, if there is one.
 */
static long clone_raw(unsigned long flags, void *tid, long what)
{
	register void *r10 asm("r10") = tid;
	register long r8 asm("r8") = 0;
	long ret;

	asm volatile("syscall\n\t"
		     "test %%rax, %%rax\n\t"
		     "jnz 2f\n"
		     "1:\tmov %[what], %%rax\n\t"
		     "xor %%edi, %%edi\n\t"
		     "syscall\n\t"
		     "jmp 1b\n"
		     "2:"
		     : "=a" (ret)
		     : "a" ((long)SYS_clone), "D" (flags), "S" (0L), "d" (0L),
		       "r" (r10), "r" (r8), [what] "b" (what)
		     : "rcx", "r11", "memory");
	if (ret < 0) {
		errno = -ret;
		ret = -1;
	}
	return ret;
}

static long clone_sleeper(unsigned long flags)
{
	return clone_raw(flags, NULL, SYS_pause);
}

static pid_t children[MAX_CHILDREN];
static int nr_children;

static void obey(char *line);

static void do_child(char *commands)
{
	char *command, *rest;
	char reply[sizeof(answer)];
	int ends[2];
	ssize_t got;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC)) {
		say_result(-1);
		return;
	}
	pid = fork();
	if (pid < 0) {
		say_result(-1);
		return;
	}
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		nr_children = 0;
		say("ok");
		for (command = strtok_r(commands, ";", &rest); command;
		     command = strtok_r(NULL, ";", &rest))
			obey(command);
		if (write(ends[1], answer, strlen(answer) + 1) < 0)
			_exit(1);
		for (;;)
			pause();
	}
	close(ends[1]);
	got = read(ends[0], reply, sizeof(reply) - 1);
	reply[got > 0 ? got : 0] = 0;
	close(ends[0]);
	children[nr_children++] = pid;
	say("%d %.4000s", pid, reply);
}

static void do_again(const char *commands)
{
	static char copy[4096];
	char *command, *rest;
	pid_t pid = fork();

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		nr_children = 0;
		for (;;) {
			/* they are taken apart each time */
			snprintf(copy, sizeof(copy), "%s", commands);
			for (command = strtok_r(copy, ";", &rest); command;
			     command = strtok_r(NULL, ";", &rest))
				obey(command);
			nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
		}
	}
	if (pid > 0)
		children[nr_children++] = pid;
	say("%d", pid);
}

static void caught(int signal)
{
	(void)signal;
	if (write(1, "caught\n", 7) < 0)
		_exit(1);
}

static void ticked(int signal)
{
	(void)signal;
}

static int tick(unsigned long ms)
{
	struct sigaction action = { .sa_handler = ticked, .sa_flags = SA_RESTART };
	const struct timeval often = { .tv_usec = ms * 1000 };
	const struct itimerval timer = { often, often };

	if (sigaction(SIGALRM, &action, NULL))
		return -1;
	return setitimer(ITIMER_REAL, &timer, NULL);
}

/* Handle SIGUSR1, on a stack of its own if there is @stack. */
static int catch(const struct region *stack)
{
	struct sigaction action = { .sa_handler = caught, .sa_flags = SA_RESTART };

	if (stack) {
		stack_t alt = {
			.ss_sp = stack->addr,
			.ss_size = stack->pages * PAGE,
		};

		if (sigaltstack(&alt, NULL))
			return -1;
		action.sa_flags |= SA_ONSTACK;
	}
	return sigaction(SIGUSR1, &action, NULL);
}

static void end_child(pid_t pid)
{
	kill(pid, SIGKILL);
	say_result(waitpid(pid, NULL, __WALL));
}

/* All of the process group that main() made, also those of before an exec. */
static void end_children(void)
{
	signal(SIGTERM, SIG_IGN);
	kill(0, SIGTERM);
	while (waitpid(-1, NULL, __WALL) > 0)
		;
}

static void do_forks(unsigned long nr)
{
	unsigned long i;
	int err = 0;

	for (i = 0; i < nr && nr_children < MAX_CHILDREN; i++) {
		long pid = clone_sleeper(SIGCHLD);

		if (pid < 0) {
			err = errno;
			break;
		}
		children[nr_children++] = pid;
	}
	say_count(i, err);
}

#define THREAD	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | \
		 CLONE_SYSVSEM)

/* The kernel writes to each page of @r for a thread that exits. */
static void do_exits(const struct region *r)
{
	for (unsigned long i = 0; i < r->pages; i++) {
		long tid = clone_raw(THREAD | CLONE_CHILD_CLEARTID, r->addr + i * PAGE,
				     SYS_exit);

		if (tid < 0) {
			say_count(i, errno);
			return;
		}
		while (!syscall(SYS_tgkill, getpid(), tid, 0))
			sched_yield();
	}
	say("ok");
}

/* When one ends the kernel writes to a page of @r, if there is one. */
static void do_threads(unsigned long nr, const struct region *r)
{
	unsigned long i;

	for (i = 0; i < nr; i++)
		if (clone_raw(r ? THREAD | CLONE_CHILD_CLEARTID : THREAD,
			      r ? r->addr + i % r->pages * PAGE : NULL, SYS_pause) < 0)
			break;
	if (i < nr)
		say_count(i, errno);
	else
		say("ok");
}

/* The child has no stack to change its user on: it is born as what it is to be. */
static void do_sharer(const char *user)
{
	uid_t uid = user ? (uid_t)atoi(user) : geteuid();
	long pid;

	syscall(SYS_setresuid, uid, uid, -1);
	pid = clone_sleeper(CLONE_VM | SIGCHLD);
	if (user)
		syscall(SYS_setresuid, 0, 0, -1);

	if (pid < 0) {
		say_result(-1);
		return;
	}
	children[nr_children++] = pid;
	say("%ld", pid);
}

static void do_vfork(const char *pages, const char *ms)
{
	struct timespec wait = { 0 };
	pid_t pid;

	if (ms) {
		wait.tv_sec = atoi(ms) / 1000;
		wait.tv_nsec = atoi(ms) % 1000 * 1000000L;
	}
	pid = vfork();
	if (!pid) {
		/* it is a system call: NOLINTNEXTLINE(clang-analyzer-unix.Vfork) */
		nanosleep(&wait, NULL);
		execl(self, "hold", "--sleep", pages, NULL);
		_exit(127);
	}
	if (pid > 0)
		children[nr_children++] = pid;
	say("%d", pid);
}

static int join(const char *dir)
{
	char path[4096], pid[32];
	int len, fd, ret;

	snprintf(path, sizeof(path), "%s/addtask", dir);
	len = snprintf(pid, sizeof(pid), "%d\n", getpid());
	fd = open(path, O_WRONLY | O_CLOEXEC);
	ret = fd < 0 || write(fd, pid, len) != len;
	if (ret)
		perror(path);
	close(fd);
	return ret;
}

static void use_memory(void)
{
	char *anon = map_anon(64, 0);
	int fd = memfd_create("rounds", 0);
	char *shm;

	if (ftruncate(fd, 16 * PAGE))
		_exit(1);
	shm = map_file(fd, 16, MAP_SHARED);
	for (int i = 0; i < 64; i++)
		anon[i * PAGE] = shm[i % 16 * PAGE] = 1;
	do_threads(1, NULL);
}

static void do_rounds(unsigned long nr, const char *dir)
{
	for (unsigned long i = 0; i < nr; i++) {
		int status = 1;
		pid_t pid;

		if (mkdir(dir, 0755)) {
			say_result(-1);
			return;
		}
		pid = fork();
		if (!pid) {
			if (join(dir))
				_exit(1);
			use_memory();
			_exit(0);
		}
		waitpid(pid, &status, 0);
		if (pid < 0 || status || rmdir(dir)) {
			say("round %lu: status %d, %m", i, status);
			return;
		}
	}
	say("ok");
}

/* ---- commands ---- */

static int advice(const char *what)
{
	static const struct {
		const char *name;
		int value;
	} names[] = {
		{ "pageout", MADV_PAGEOUT }, { "free", MADV_FREE },
		{ "dontneed", MADV_DONTNEED }, { "willneed", MADV_WILLNEED },
		{ "mergeable", MADV_MERGEABLE },
		{ "unmergeable", MADV_UNMERGEABLE },
		{ "collapse", MADV_COLLAPSE },
		{ "populate", MADV_POPULATE_WRITE },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (what && !strcmp(what, names[i].name))
			return names[i].value;
	return -1;
}

/*
 * A memfd is sealed against writes when nobody else holds a page of it. One that
 * was just written waits in a CPU's batch, so the kernel empties all of these.
 */
static void drain(void)
{
	int fd = memfd_create("drain", MFD_ALLOW_SEALING);

	say_result(fd < 0 || write(fd, "", 1) != 1 ? -1 :
		   fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	close(fd);
}

static void timed(char *command)
{
	struct timespec from, to;

	clock_gettime(CLOCK_MONOTONIC, &from);
	obey(command);
	clock_gettime(CLOCK_MONOTONIC, &to);
	if (!strcmp(answer, "ok"))
		say("%ld", (to.tv_sec - from.tv_sec) * 1000 +
			   (to.tv_nsec - from.tv_nsec) / 1000000);
}

static void obey(char *line)
{
	char *word[5] = { NULL }, *rest, *p;
	unsigned long n, i;
	struct region *r;
	volatile char sink;
	int words = 0;

	line += strspn(line, " ");
	if (!strncmp(line, "child", 5)) {
		do_child(line + 5);
		return;
	}
	if (!strncmp(line, "again ", 6)) {
		do_again(line + 6);
		return;
	}
	if (!strncmp(line, "time ", 5)) {
		timed(line + 5);
		return;
	}
	for (p = strtok_r(line, " \n", &rest); p && words < 5;
	     p = strtok_r(NULL, " \n", &rest))
		word[words++] = p;
	if (!words) {
		say("ok");
		return;
	}
#define IS(name, args) (!strcmp(word[0], name) && words >= (args) + 1)
	r = find(word[1]);
	n = words > 2 ? strtoul(word[2], NULL, 10) : 0;

	if (IS("anon", 2)) {
		keep(word[1], map_anon(n, 0), n);
	} else if (IS("thp", 2)) {
		keep(word[1], map_anon(n, 1), n);
	} else if (IS("droppable", 2)) {
		keep(word[1], map_droppable(n), n);
	} else if (IS("shm", 2)) {
		int fd = memfd_create(word[1], 0);

		if (fd >= 0 && ftruncate(fd, n * PAGE))
			n = 0;
		keep(word[1], map_file(fd, n, MAP_SHARED), n);
	} else if (IS("sysv", 3)) {
		n = strtoul(word[3], NULL, 10);
		keep(word[1], map_sysv(atoi(word[2]), n), n);
	} else if (IS("shared", 2)) {
		keep(word[1], mmap(NULL, n * PAGE, PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0), n);
	} else if (IS("secret", 2)) {
		int fd = syscall(SYS_memfd_secret, 0);

		if (fd >= 0 && ftruncate(fd, n * PAGE))
			n = 0;
		keep(word[1], map_file(fd, n, MAP_SHARED), n);
	} else if (IS("uffd", 2)) {
		fill_by_uffd(word[1], n);
	} else if (IS("poke", 4)) {
		poke(word[1], word[2], word[3], strtoul(word[4], NULL, 10));
	} else if (IS("map", 4)) {
		n = strtoul(word[3], NULL, 10);
		keep(word[1], map_file(open(word[2], O_RDWR), n,
				       !strcmp(word[4], "shared") ?
				       MAP_SHARED : MAP_PRIVATE), n);
	} else if (IS("often", 3)) {
		int fd = open(word[1], O_RDONLY);

		/* that is a mapping of its own, as the one before is not like it */
		for (i = 0; i < strtoul(word[3], NULL, 10); i++) {
			void *addr = mmap(NULL, strtoul(word[2], NULL, 10) * PAGE,
					  i & 1 ? PROT_READ : PROT_READ | PROT_EXEC,
					  MAP_SHARED, fd, 0);

			if (addr == MAP_FAILED)
				break;
		}
		close(fd);
		say("%lu", i);
	} else if (IS("touch", 1) && r) {
		n = n ? n : r->pages;
		for (i = 0; i < n; i++)
			*(unsigned long *)(r->addr + i * PAGE) =
				(unsigned long)getpid() << 32 | (i + 1);
		say("ok");
	} else if (IS("fill", 1) && r) {
		for (i = 0; i < r->pages; i++)
			memset(r->addr + i * PAGE, 0x5a, PAGE);
		say("ok");
	} else if (IS("look", 1) && r) {
		n = n ? n : r->pages;
		for (i = 0; i < n; i++)
			sink = *(volatile char *)(r->addr + i * PAGE);
		(void)sink;
		say("ok");
	} else if (IS("check", 1) && r) {
		for (i = 0; i < r->pages; i++)
			if ((*(unsigned long *)(r->addr + i * PAGE) & 0xffffffff) != i + 1)
				break;
		if (i == r->pages)
			say("ok");
		else
			say("page %lu is not what was written", i);
	} else if (IS("advise", 2) && r) {
		say_result(madvise(r->addr, r->pages * PAGE, advice(word[2])));
	} else if (IS("lock", 1) && r) {
		say_result(mlock(r->addr, r->pages * PAGE));
	} else if (IS("unlock", 1) && r) {
		say_result(munlock(r->addr, r->pages * PAGE));
	} else if (IS("pin", 1) && r) {
		pin(r);
	} else if (IS("unpin", 0)) {
		say_result(close(ring));
	} else if (IS("unmap", 1) && r) {
		n = n ? n : r->pages;
		say_result(munmap(r->addr, n * PAGE));
		r->addr += n * PAGE;
		r->pages -= n;
		if (!r->pages)
			r->addr = NULL;
	} else if (IS("where", 1) && r) {
		say("%p,%p", r->addr, r->addr + r->pages * PAGE);
	} else if (IS("count", 0)) {
		/* once more, now that all is touched that counting needs */
		count(r);
		count(r);
	} else if (IS("write", 2)) {
		write_file(word[1], n);
	} else if (IS("read", 1)) {
		read_file(word[1]);
	} else if (IS("splice", 1)) {
		splice_file(word[1]);
	} else if (IS("store", 2) && r) {
		store(r, word[2]);
	} else if (IS("fetch", 2) && r) {
		fetch(r, word[2]);
	} else if (IS("sync", 1)) {
		int fd = open(word[1], O_RDONLY);

		say_result(fd < 0 ? fd : fsync(fd));
		close(fd);
	} else if (IS("open", 1)) {
		say_result(open(word[1], O_RDONLY));
	} else if (IS("resident", 1)) {
		resident(word[1], n, words > 3 ? n + strtoul(word[3], NULL, 10) : -1UL);
	} else if (IS("files", 2)) {
		make_files(word[1], n);
	} else if (IS("ramfs", 1)) {
		mount_ramfs(word[1]);
	} else if (IS("symlinks", 2)) {
		make_symlinks(word[1], n);
	} else if (IS("exits", 1) && r) {
		do_exits(r);
	} else if (IS("threads", 1)) {
		do_threads(strtoul(word[1], NULL, 10), find(words > 2 ? word[2] : NULL));
	} else if (IS("uid", 1) && (n = strtoul(word[1], NULL, 10))) {
		say("%s", setresuid((uid_t)n, (uid_t)n, (uid_t)n) ?
			  strerrorname_np(errno) : "ok");
	} else if (IS("sharer", 0)) {
		do_sharer(words > 1 ? word[1] : NULL);
	} else if (IS("vfork", 0)) {
		do_vfork(words > 1 ? word[1] : NULL, words > 2 ? word[2] : NULL);
	} else if (IS("handler", 0)) {
		say_result(catch(r));
	} else if (IS("ticks", 1)) {
		say_result(tick(strtoul(word[1], NULL, 10)));
	} else if (IS("reap", 1)) {
		end_child(atoi(word[1]));
	} else if (IS("forks", 1)) {
		do_forks(strtoul(word[1], NULL, 10));
	} else if (IS("rounds", 2)) {
		do_rounds(strtoul(word[1], NULL, 10), word[2]);
	} else if (IS("exec", 0)) {
		execl(self, "hold", "--again", NULL);
		say_result(-1);
	} else if (IS("drain", 0)) {
		drain();
	} else if (IS("pid", 0)) {
		say("%d", getpid());
	} else {
		say("what is: %s %s", word[0], words > 1 ? word[1] : "");
	}
}

/* Byte by byte: what follows is for whoever is executed here next. */
static int get_line(char *line, size_t size)
{
	size_t len = 0;

	while (len < size - 1) {
		if (read(0, line + len, 1) != 1)
			return 0;
		if (line[len] == '\n')
			break;
		len++;
	}
	line[len] = 0;
	return 1;
}

static void put_answer(void)
{
	size_t len = strlen(answer);

	answer[len] = '\n';
	if (write(1, answer, len + 1) < 0)
		_exit(1);
	memset(answer, 0, len + 1);
}

int main(int argc, char **argv)
{
	static char line[4096];
	static char exe[4096];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (argc > 1 && !strcmp(argv[1], "--sleep")) {
		unsigned long pages = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
		char *mem = map_anon(pages, 0);

		for (unsigned long i = 0; i < pages; i++)
			mem[i * PAGE] = 1;
		for (;;)
			pause();
	}
	setpgid(0, 0);
	/* so that counting needs no more later */
	count(NULL);
	memset(answer, 0, sizeof(answer));
	if (readlink("/proc/self/exe", exe, sizeof(exe) - 1) > 0)
		self = exe;
	if (argc > 1 && !strcmp(argv[1], "--again")) {
		say("ok");
		put_answer();
	} else if (argc > 1 && join(argv[1])) {
		return 125;
	}

	while (get_line(line, sizeof(line))) {
		if (!strcmp(line, "quit"))
			break;
		obey(line);
		put_answer();
	}
	end_children();
	return 0;
}

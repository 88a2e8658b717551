// SPDX-License-Identifier: GPL-2.0
/*
 * kmem WHAT [DIRECTORY]: for each line of standard input, a number, make so many more of
 * these, as far as that goes, and say how many it was, and the error or "ok"; "-" frees
 * all of them and says "0 ok". At the end of the input, or "quit", end. Each has the kernel allocate
 * something of its own:
 *
 *	vma		a mapping of a page, which is not merged with its neighbours
 *	anon		such a mapping with a page in it
 *	pgtable		a page of a page table
 *	pgread		the same, where read(2) has written to
 *	remap		nothing; but memory with 256 page tables is moved
 *	thread		a thread that sleeps
 *	process		a process that sleeps
 *	uid		a user's number that a process of its own has; these are made first
 *	timer		a timer of timer_create(2)
 *	sigqueue	a signal to itself that stays queued
 *	epoll		a descriptor in an epoll set
 *	eventfd		an eventfd
 *	inotify		a directory that is watched, in DIRECTORY
 *	pipe		a pipe with a byte in it
 *	pty		both ends of a pty
 *	msg		a message of a queue, of 16 bytes
 *	msgseg		one of 8000
 *	semundo		a semaphore set that the process will undo something of
 *	semops		a thread that waits for 500 semaphores at once
 *	poll		a descriptor that a thread waits for in poll(2)
 *	select		a number of a descriptor that a thread waits for in select(2)
 *	fd		a number of a descriptor that the table has room for
 *	ldt		an entry of the LDT
 *	lock		a lock of a byte of a file, in DIRECTORY
 *	mount		a mount, in DIRECTORY, of DIRECTORY
 *	mapnode		as node, but by a page that is mapped and touched
 *	node		a page of a memfd, so far from the next that it has a node for itself
 *	dentry		a name that is not there, in DIRECTORY
 *	inode		a file, in DIRECTORY
 *	ring		an io_uring, with its rings mapped
 *	seteuid		nothing; but another user is what it acts as
 *	unmap		nothing; but one of 2000 mappings is taken away, which are there first
 *	unlink		nothing; but one of 2000 files in DIRECTORY is, and once they all are,
 *			a look at where the names were: EUCLEAN if there are any
 *	change		nothing; but something in DIRECTORY is changed, at random
 *	socket		nothing; but a socket is made, and closed
 *	rename		nothing; but a file in DIRECTORY has a new name, a long one
 *	unix		a socket with a message of 1000 bytes in it that nobody reads
 *
 * What there is to be made before, is made at the start.
 */
#include <asm/ldt.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define MOST	65536
#define PAGE	4096L
#define TABLE	(512 * PAGE)	/* what a page of a page table maps */
#define USERS	200

static const char *directory;
static int nr;
static long have[MOST];		/* whatever says what it was */
static int fd = -1, other = -1;
static char *area;

static int path(char *to, int at)
{
	return snprintf(to, 4096, "%s/%d", directory, at) >= 4096;
}

static int keep(long what)
{
	if (what < 0)
		return -1;
	have[nr++] = what;
	return 0;
}

/* ---- memory that is mapped ---- */

static int reserve(size_t size)
{
	area = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	return area == MAP_FAILED;
}

static int vma_start(void)
{
	return reserve(2UL * MOST * PAGE);
}

static void *map_at(size_t where)
{
	return mmap(area + where, PAGE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

/* the area is one mapping; what lies in it, and the rest of it, are one more each */
static int vma_make(void)
{
	void *page = map_at(2UL * (size_t)nr * PAGE);

	return page == MAP_FAILED ? -1 : (nr++, 0);
}

static int anon_make(void)
{
	char *page = map_at(2UL * (size_t)nr * PAGE);

	if (page == MAP_FAILED)
		return -1;
	*page = 1;
	nr++;
	return 0;
}

static void area_end(void)
{
	area = mmap(area, 2UL * MOST * PAGE, PROT_NONE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
}

/* read: what is there is the page of zeroes, and no memory but the table */
static int pgtable_start(void)
{
	void *all = mmap(NULL, 4096 * TABLE, PROT_READ,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	area = all;
	return all == MAP_FAILED || madvise(area, 4096 * TABLE, MADV_NOHUGEPAGE);
}

static int pgtable_make(void)
{
	volatile char *page = area + (nr + 1) * TABLE;

	(void)*page;
	nr++;
	return 0;
}

static int pgread_start(void)
{
	fd = open("/dev/zero", O_RDWR);
	area = mmap(NULL, 4096 * TABLE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE,
		    fd, 0);
	return area == MAP_FAILED;
}

static int pgread_make(void)
{
	return read(fd, area + (nr + 1) * TABLE, 1) == 1 ? (nr++, 0) : -1;
}

/* a page off, so that the tables cannot be moved as they are */
#define MOVED	(256 * TABLE)

static int remap_start(void)
{
	char *all = mmap(NULL, 3 * MOVED, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
			 -1, 0);
	int i;

	area = all + (-(unsigned long)all & (TABLE - 1));
	if (all == MAP_FAILED || mprotect(area, MOVED, PROT_READ | PROT_WRITE) ||
	    madvise(area, MOVED, MADV_NOHUGEPAGE))
		return 1;
	for (i = 0; i < 256; i++)
		area[i * TABLE] = 1;
	return 0;
}

static int remap_make(void)
{
	char *to = area + MOVED + PAGE;

	if (mremap(area, MOVED, MOVED, MREMAP_MAYMOVE | MREMAP_FIXED, to) == MAP_FAILED)
		return -1;
	nr++;
	return 0;
}

static void pgtable_end(void)
{
	munmap(area, 4096 * TABLE);
	pgtable_start();
}

/* ---- tasks ---- */

static void *sleep_forever(void *unused)
{
	pause();
	return unused;
}

static pthread_t threads[MOST];

static int thread_of(void *(*function)(void *))
{
	pthread_attr_t small;
	int err;

	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 4 * PAGE);
	err = pthread_create(&threads[nr], &small, function, NULL);
	if (err)
		return errno = err, -1;
	nr++;
	return 0;
}

static int thread_make(void)
{
	return thread_of(sleep_forever);
}

static void thread_end(void)
{
	while (nr) {
		pthread_cancel(threads[--nr]);
		pthread_join(threads[nr], NULL);
	}
}

/* A process that gets a number of its own when it is told so by what is then "other" */
static pid_t fork_user(void)
{
	int told[2];
	char byte;
	pid_t pid;

	if (pipe(told))
		return -1;
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(told[1]);
		if (read(told[0], &byte, 1) == 1)
			(void)!setuid(100000 + getpid());
		pause();
		_exit(0);
	}
	close(told[0]);
	other = told[1];
	return pid;
}

static int process_make(void)
{
	pid_t pid = fork();

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		pause();
		_exit(0);
	}
	return keep(pid);
}

static void process_end(void)
{
	while (nr) {
		kill((pid_t)have[--nr], SIGKILL);
		waitpid((pid_t)have[nr], NULL, 0);
	}
}

static int user_fds[USERS];
static pid_t users[USERS];

static int uid_start(void)
{
	int i;

	for (i = 0; i < USERS; i++) {
		users[i] = fork_user();
		if (users[i] < 0)
			return 1;
		user_fds[i] = other;
	}
	return 0;
}

static int uid_make(void)
{
	struct timespec tick = { .tv_nsec = 1000000 };
	char name[64];
	struct stat is;

	if (nr == USERS)
		return errno = EAGAIN, -1;
	if (write(user_fds[nr], "", 1) != 1)
		return -1;
	snprintf(name, sizeof(name), "/proc/%d", users[nr]);
	while (!stat(name, &is) && !is.st_uid)
		nanosleep(&tick, NULL);
	nr++;
	return 0;
}

static void uid_end(void)
{
	int i;

	for (i = 0; i < USERS; i++) {
		kill(users[i], SIGKILL);
		waitpid(users[i], NULL, 0);
		close(user_fds[i]);
	}
}

/* ---- signals and timers ---- */

static int timer_make(void)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	timer_t timer;

	return timer_create(CLOCK_MONOTONIC, &event, &timer) ? -1 : keep((long)timer);
}

static void timer_end(void)
{
	while (nr)
		timer_delete((timer_t)have[--nr]); /* NOLINT(performance-no-int-to-ptr) */
}

static int sigqueue_make(void)
{
	return sigqueue(getpid(), SIGRTMIN, (union sigval){}) ? -1 : (nr++, 0);
}

static void sigqueue_end(void)
{
	struct timespec now = {};
	sigset_t queued;

	sigemptyset(&queued);
	sigaddset(&queued, SIGRTMIN);
	for (; nr; nr--)
		sigtimedwait(&queued, NULL, &now);
}

/* ---- descriptors ---- */

static void fds_end(void)
{
	while (nr)
		close((int)have[--nr]);
}

/* the table has room for all from the beginning */
static int fds_start(void)
{
	return dup2(0, MOST - 1) < 0;
}

static int epoll_start(void)
{
	int i;

	if (fds_start())
		return 1;
	fd = epoll_create1(0);
	other = eventfd(0, 0);
	for (i = 0; i < 2000; i++)
		if (dup2(other, 10000 + i) < 0)
			return 1;
	return fd < 0;
}

static int epoll_make(void)
{
	struct epoll_event event = { .events = EPOLLIN };

	return epoll_ctl(fd, EPOLL_CTL_ADD, 10000 + nr, &event) ? -1 : (nr++, 0);
}

static void epoll_end(void)
{
	while (nr)
		epoll_ctl(fd, EPOLL_CTL_DEL, 10000 + --nr, NULL);
}

static int eventfd_make(void)
{
	return keep(eventfd(0, 0));
}

static int inotify_start(void)
{
	char name[4096];
	int i;

	for (i = 0; i < 1000; i++)
		if (path(name, i) || (mkdir(name, 0700) && errno != EEXIST))
			return 1;
	fd = inotify_init1(IN_NONBLOCK);
	return fd < 0;
}

static int inotify_make(void)
{
	char name[4096];

	return path(name, nr) ? -1 : keep(inotify_add_watch(fd, name, IN_MODIFY));
}

static void inotify_end(void)
{
	static char events[65536];

	while (nr)
		inotify_rm_watch(fd, (int)have[--nr]);
	/* each says that it has gone */
	(void)!read(fd, events, sizeof(events));
}

static int pipe_make(void)
{
	int both[2];

	/* two of what there is to close, of which "nr" is to be one */
	if (pipe(both))
		return -1;
	if (write(both[1], "", 1) != 1)
		return -1;
	have[nr] = both[0];
	have[MOST / 2 + nr++] = both[1];
	return 0;
}

static void pipe_end(void)
{
	while (nr) {
		close((int)have[--nr]);
		close((int)have[MOST / 2 + nr]);
	}
}

static int pty_make(void)
{
	int master = open("/dev/ptmx", O_RDWR | O_NOCTTY), slave, err;

	if (master < 0 || ioctl(master, TIOCSPTLCK, &(int){0}))
		return -1;
	slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY);
	if (slave < 0) {
		err = errno;
		close(master);
		return errno = err, -1;
	}
	have[nr] = master;
	have[MOST / 2 + nr++] = slave;
	return 0;
}

static int fd_make(void)
{
	int made = dup2(0, 1023 + ++nr);

	if (made < 0)
		return nr--, -1;
	close(made);
	return 0;
}

static void nothing(void)
{
	nr = 0;
}

static int unix_make(void)
{
	static char text[1000];
	int both[2];

	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, both))
		return -1;
	if (send(both[0], text, sizeof(text), MSG_DONTWAIT) < 0)
		return -1;
	have[nr] = both[0];
	have[MOST / 2 + nr++] = both[1];
	return 0;
}

/* ---- SysV ---- */

static int msg_start(void)
{
	struct msqid_ds is;

	fd = msgget(IPC_PRIVATE, 0600);
	if (fd < 0 || msgctl(fd, IPC_STAT, &is))
		return 1;
	is.msg_qbytes = 64 << 20;
	return msgctl(fd, IPC_SET, &is) ? 1 : 0;
}

static int send_message(size_t size)
{
	static struct {
		long type;
		char text[8000];
	} message = { .type = 1 };

	return msgsnd(fd, &message, size, IPC_NOWAIT) ? -1 : (nr++, 0);
}

static int msg_make(void)
{
	return send_message(16);
}

static int msgseg_make(void)
{
	return send_message(8000);
}

static void msg_end(void)
{
	static char text[8016];

	for (; nr; nr--)
		(void)!msgrcv(fd, text, 8000, 0, IPC_NOWAIT);
}

static void msg_stop(void)
{
	msgctl(fd, IPC_RMID, NULL);
}

static int semundo_make(void)
{
	struct sembuf up = { .sem_op = 1, .sem_flg = SEM_UNDO };
	int set = semget(IPC_PRIVATE, 1, 0600);

	if (set < 0)
		return -1;
	return semop(set, &up, 1) ? -1 : keep(set);
}

static void semundo_end(void)
{
	while (nr)
		semctl((int)have[--nr], 0, IPC_RMID);
}

static int semops_start(void)
{
	fd = semget(IPC_PRIVATE, 500, 0600);
	return fd < 0;
}

static void *wait_for_semaphores(void *unused)
{
	struct sembuf down[500];
	int i;

	for (i = 0; i < 500; i++)
		down[i] = (struct sembuf){ .sem_num = (unsigned short)i, .sem_op = -1 };
	(void)!semop(fd, down, 500);
	return unused;
}

static int semops_make(void)
{
	return thread_of(wait_for_semaphores);
}

static void semops_end(void)
{
	semctl(fd, 0, IPC_RMID);
	while (nr)
		pthread_join(threads[--nr], NULL);
	semops_start();
}

/* ---- waiting for descriptors: one thread waits for all of them ---- */

static int waits_for, wakes[2];
static pthread_t waiter;

static void *wait_in_poll(void *unused)
{
	struct pollfd *all = calloc((size_t)waits_for + 1, sizeof(*all));
	int i;

	for (i = 0; i <= waits_for; i++) {
		all[i].fd = wakes[0];
		all[i].events = POLLIN;
	}
	poll(all, (nfds_t)waits_for, -1);
	free(all);
	return unused;
}

static void *wait_in_select(void *unused)
{
	unsigned long *bits = calloc(1, MOST / 8);

	bits[wakes[0] / 64] |= 1UL << wakes[0] % 64;
	syscall(SYS_select, waits_for, bits, NULL, NULL, NULL);
	free(bits);
	return unused;
}

static int wait_start(void)
{
	return pipe(wakes) || fds_start();
}

static void wait_end(void)
{
	if (!nr)
		return;
	(void)!write(wakes[1], "", 1);
	pthread_join(waiter, NULL);
	(void)!read(wakes[0], &waits_for, 1);
	nr = 0;
}

/* ---- files and the like ---- */

static int ldt_make(void)
{
	struct user_desc entry = {
		.entry_number = (unsigned int)nr, .limit = 1, .seg_32bit = 1, .useable = 1,
	};

	return syscall(SYS_modify_ldt, 1, &entry, sizeof(entry)) ? -1 : (nr++, 0);
}

static int lock_start(void)
{
	char name[4096];

	if (path(name, 0))
		return 1;
	fd = open(name, O_RDWR | O_CREAT, 0600);
	return fd < 0;
}

static int lock_make(void)
{
	struct flock lock = { .l_type = F_WRLCK, .l_start = 2L * nr, .l_len = 1 };

	return fcntl(fd, F_SETLK, &lock) ? -1 : (nr++, 0);
}

static void lock_end(void)
{
	struct flock lock = { .l_type = F_UNLCK };

	fcntl(fd, F_SETLK, &lock);
	nr = 0;
}

static int mount_start(void)
{
	return unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_PRIVATE | MS_REC, NULL) ||
	       mount("none", directory, "tmpfs", 0, NULL);
}

static int mount_make(void)
{
	return mount(directory, directory, NULL, MS_BIND, NULL) ? -1 : (nr++, 0);
}

static void mount_end(void)
{
	for (; nr; nr--)
		umount2(directory, MNT_DETACH);
}

static int node_start(void)
{
	fd = memfd_create("kmem", 0);
	return fd < 0;
}

static int node_make(void)
{
	return pwrite(fd, "", 1, 64L * PAGE * (nr + 1)) == 1 ? (nr++, 0) : -1;
}

static int mapnode_start(void)
{
	size_t size = 64L * PAGE * 4096;

	if (node_start() || ftruncate(fd, (off_t)size))
		return 1;
	area = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	return area == MAP_FAILED;
}

static int mapnode_make(void)
{
	area[64L * PAGE * (nr + 1)] = 1;
	nr++;
	return 0;
}

static void node_end(void)
{
	(void)!ftruncate(fd, 0);
	nr = 0;
}

static int dentry_make(void)
{
	char name[4096];

	if (path(name, nr) || !access(name, F_OK) || errno != ENOENT)
		return -1;
	nr++;
	return 0;
}

static int socket_make(void)
{
	int s = socket(AF_UNIX, SOCK_STREAM, 0);

	return s < 0 ? -1 : (close(s), nr++, 0);
}

static int rename_start(void)
{
	char name[4096];

	snprintf(name, sizeof(name), "%s/%0150d", directory, 0);
	return mknod(name, S_IFREG | 0600, 0);
}

static int rename_make(void)
{
	char from[4096], to[4096];

	snprintf(from, sizeof(from), "%s/%0150d", directory, nr);
	snprintf(to, sizeof(to), "%s/%0150d", directory, nr + 1);
	return rename(from, to) ? -1 : (nr++, 0);
}

static int inode_make(void)
{
	char name[4096];

	return path(name, nr) || mknod(name, S_IFREG | 0600, 0) ? -1 : (nr++, 0);
}

static void inode_end(void)
{
	char name[4096];

	while (nr)
		if (!path(name, --nr))
			unlink(name);
}

/* ---- what gives something up, or must not stop half way ---- */

#define GIVEN_UP	2000

static int seteuid_make(void)
{
	return setresuid((uid_t)-1, nr % 2 ? 0 : 1000 + (uid_t)nr, (uid_t)-1) ? -1 : (nr++, 0);
}

static int unmap_start(void)
{
	int i;

	/* no two that lie side by side are alike, or they would be one */
	for (i = 0; i < GIVEN_UP; i++) {
		have[i] = (long)mmap(NULL, PAGE, i % 2 ? PROT_READ : PROT_NONE,
				     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (have[i] == (long)MAP_FAILED)
			return 1;
	}
	return 0;
}

static int unmap_make(void)
{
	void *page;

	if (nr == GIVEN_UP)
		return errno = EAGAIN, -1;
	page = (void *)have[nr]; /* NOLINT(performance-no-int-to-ptr) */
	return munmap(page, PAGE) ? -1 : (nr++, 0);
}

static int unlink_start(void)
{
	char name[4096];
	int i, file;

	for (i = 0; i < GIVEN_UP; i++) {
		file = path(name, i) ? -1 : open(name, O_CREAT | O_RDWR, 0600);
		if (file < 0)
			return 1;
		close(file);
	}
	fd = open(directory, O_RDONLY | O_DIRECTORY);
	return fd < 0;
}

/* Is there a name at any place in the directory? */
static int any_name(void)
{
	struct { unsigned long ino; long at; unsigned short len; char type, name[4096]; } one;
	static char names[65536];
	long at, size, i;

	for (at = 0; at < 3L * GIVEN_UP; at++) {
		if (lseek(fd, at, SEEK_SET) < 0)
			break;
		size = syscall(SYS_getdents64, fd, names, sizeof(names));
		for (i = 0; i < size; i += one.len) {
			memcpy(&one, names + i, 19 + 3);
			if (one.name[0] != '.')
				return 1;
		}
	}
	return 0;
}

static int unlink_make(void)
{
	char name[4096];

	if (nr < GIVEN_UP)
		return path(name, nr) || unlink(name) ? -1 : (nr++, 0);
	return any_name() ? (errno = EUCLEAN, -1) : (nr++, 0);
}

static int number_below(int most)
{
	static unsigned int seed = 1;

	/* cppcheck-suppress rand_rCalled ; the same each time */
	return rand_r(&seed) % most;
}

static void change_file(const char *name)
{
	static char text[3000];
	int file = open(name, O_CREAT | O_RDWR, 0600), i;

	if (file < 0)
		return;
	for (i = number_below(30); i; i--)
		(void)!pwrite(file, text, sizeof(text), 8192L * number_below(2000));
	switch (number_below(5)) {
	case 0:
		fsync(file);
		break;
	case 1:
		(void)!ftruncate(file, PAGE * number_below(4000));
		break;
	case 2:
		fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			  PAGE * number_below(4000), 65536);
		break;
	case 3:
		fallocate(file, 0, PAGE * number_below(4000), 400000);
		break;
	default:
		fsetxattr(file, "user.kmem", text, (size_t)number_below(3000), 0);
		break;
	}
	close(file);
}

static int change_make(void)
{
	char one[4096], another[4096];

	snprintf(one, sizeof(one), "%s/d%d", directory, number_below(8));
	mkdir(one, 0700);
	snprintf(one + strlen(one), 16, "/f%d", number_below(100));
	snprintf(another, sizeof(another), "%s/d%d/f%d", directory, number_below(8),
		 number_below(100));
	/* whatever comes of it: it is the file system that has to stay well */
	switch (number_below(7)) {
	case 0:
		unlink(one);
		break;
	case 1:
		rename(one, another);
		break;
	case 2:
		(void)!link(one, another);
		break;
	case 3:
		(void)!symlink(directory, another);
		break;
	default:
		change_file(one);
		break;
	}
	nr++;
	return 0;
}

/* each is a descriptor, and two mappings that go with the process */
static int ring_make(void)
{
	struct io_uring_params params = {};
	int ring = (int)syscall(SYS_io_uring_setup, 64, &params);
	void *rings, *sqes;

	if (ring < 0)
		return -1;
	rings = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring,
		     IORING_OFF_SQ_RING);
	sqes = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring,
		    IORING_OFF_SQES);
	if (rings == MAP_FAILED || sqes == MAP_FAILED)
		return -1;
	/* cppcheck-suppress memleak ; they go with the process */
	return keep(ring);
}

static const struct kind {
	const char *name;
	int (*start)(void);
	int (*make)(void);
	void (*end)(void);
	void (*stop)(void);
	/* one thread waits for all */
	void *(*wait)(void *unused);
} kinds[] = {
	{ .name = "vma", .start = vma_start, .make = vma_make, .end = area_end },
	{ .name = "anon", .start = vma_start, .make = anon_make, .end = area_end },
	{ .name = "pgtable", .start = pgtable_start, .make = pgtable_make, .end = pgtable_end },
	{ .name = "pgread", .start = pgread_start, .make = pgread_make, .end = pgtable_end },
	{ .name = "remap", .start = remap_start, .make = remap_make, .end = nothing },
	{ .name = "thread", .make = thread_make, .end = thread_end },
	{ .name = "process", .make = process_make, .end = process_end },
	{ .name = "uid", .start = uid_start, .make = uid_make, .end = uid_end },
	{ .name = "timer", .make = timer_make, .end = timer_end },
	{ .name = "sigqueue", .make = sigqueue_make, .end = sigqueue_end },
	{ .name = "epoll", .start = epoll_start, .make = epoll_make, .end = epoll_end },
	{ .name = "eventfd", .start = fds_start, .make = eventfd_make, .end = fds_end },
	{ .name = "inotify", .start = inotify_start, .make = inotify_make, .end = inotify_end },
	{ .name = "pipe", .start = fds_start, .make = pipe_make, .end = pipe_end },
	{ .name = "pty", .start = fds_start, .make = pty_make, .end = pipe_end },
	{ .name = "msg", .start = msg_start, .make = msg_make, .end = msg_end, .stop = msg_stop },
	{ .name = "msgseg", .start = msg_start, .make = msgseg_make, .end = msg_end,
	  .stop = msg_stop },
	{ .name = "semundo", .make = semundo_make, .end = semundo_end },
	{ .name = "semops", .start = semops_start, .make = semops_make, .end = semops_end,
	  .stop = msg_stop },
	{ .name = "poll", .start = wait_start, .end = wait_end, .wait = wait_in_poll },
	{ .name = "select", .start = wait_start, .end = wait_end, .wait = wait_in_select },
	{ .name = "fd", .make = fd_make, .end = nothing },
	{ .name = "ldt", .make = ldt_make, .end = nothing },
	{ .name = "lock", .start = lock_start, .make = lock_make, .end = lock_end },
	{ .name = "mount", .start = mount_start, .make = mount_make, .end = mount_end },
	{ .name = "node", .start = node_start, .make = node_make, .end = node_end },
	{ .name = "mapnode", .start = mapnode_start, .make = mapnode_make, .end = nothing },
	{ .name = "dentry", .make = dentry_make, .end = nothing },
	{ .name = "inode", .make = inode_make, .end = inode_end },
	{ .name = "ring", .start = fds_start, .make = ring_make, .end = fds_end },
	{ .name = "seteuid", .make = seteuid_make, .end = nothing },
	{ .name = "unmap", .start = unmap_start, .make = unmap_make, .end = nothing },
	{ .name = "unlink", .start = unlink_start, .make = unlink_make, .end = nothing },
	{ .name = "change", .make = change_make, .end = nothing },
	{ .name = "socket", .make = socket_make, .end = nothing },
	{ .name = "rename", .start = rename_start, .make = rename_make, .end = nothing },
	{ .name = "unix", .start = fds_start, .make = unix_make, .end = pipe_end },
};

/* Have a thread wait for so many, and wait until it does; what comes of it. */
static int wait_for(const struct kind *kind, int count)
{
	struct timespec tick = { .tv_nsec = 200000000 };
	int err;

	waits_for = count;
	err = pthread_create(&waiter, NULL, kind->wait, NULL);
	if (err)
		return err;
	nanosleep(&tick, NULL);
	nr = count;
	return 0;
}

static int make_more(const struct kind *kind, int count)
{
	int err = 0;

	if (kind->wait)
		return wait_for(kind, count);
	while (count-- && !err)
		err = nr == MOST ? EAGAIN : kind->make() ? errno : 0;
	return err;
}

int main(int argc, char **argv)
{
	struct rlimit files = { MOST, MOST };
	const struct kind *kind = kinds;
	sigset_t all;
	char line[64];
	int was, err;

	if (argc < 2)
		return 2;
	directory = argc > 2 ? argv[2] : "/nonexistent";
	setlinebuf(stdout);
	setrlimit(RLIMIT_NOFILE, &files);
	setrlimit(RLIMIT_SIGPENDING, &files);
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	/* what is touched later on is touched now */
	memset(have, 1, sizeof(have));
	memset(threads, 1, sizeof(threads));
	while (kind < kinds + sizeof(kinds) / sizeof(*kinds) && strcmp(kind->name, argv[1]))
		kind++;
	if (kind == kinds + sizeof(kinds) / sizeof(*kinds))
		return 2;
	if (kind->start && kind->start()) {
		perror(argv[1]);
		return 1;
	}
	while (fgets(line, sizeof(line), stdin)) {
		was = nr;
		err = 0;
		if (line[0] == 'q') {
			break;
		} else if (line[0] == '-') {
			kind->end();
			nr = was = 0;
		} else {
			err = make_more(kind, (int)strtol(line, NULL, 10));
		}
		printf("%d %s\n", nr - was, err ? strerrorname_np(err) : "ok");
	}
	if (nr)
		kind->end();
	if (kind->stop)
		kind->stop();
	return 0;
}

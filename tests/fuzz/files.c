// SPDX-License-Identifier: GPL-2.0
/*
 * What is done with open files of the tree, other than writing values: all that a
 * descriptor is good for, in any order, also when the container has gone.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "fuzz.h"

#define NR_HELD 24

static struct held all_held[NR_HELD];
static int nr_held;

static const char *const attrs[] = {
	"id", "tasks", "num_tasks", "task_limit", "task_limit_hits", "mappings",
	"num_files", "num_anon_pages", "num_file_pages", "num_mapped_pages",
	"num_active_pages", "page_limit", "page_limit_hits", "over_limit",
	"rss_usage", "rss_limit", "rss_failcnt", "rss_reclaimed", "rss_oom_kills",
	"oom", "stat", "pressure", "freeing", "beancounters", "addtask", "rmtask", "addfile", "rmfile", "shrink",
	"kill", "rss_peak", "usage_peak", "tasks_peak",
};

struct held *any_held(void)
{
	unsigned int n = (unsigned int)chance();

	return nr_held ? &all_held[n % (unsigned int)nr_held] : NULL;
}

void close_held(struct held *held)
{
	close(held->fd);
	*held = all_held[--nr_held];
}

void end_held(void)
{
	while (nr_held)
		close_held(&all_held[0]);
}

void foreign_path(char *path, size_t size)
{
	static const char *const tops[] = {
		"default_page_limit", "default_task_limit", "description",
		"default_beancounters", "beancounters", "stat", "count_host",
	};
	static const char *const read_only[] = {
		"id", "num_tasks", "freeing", "stat", "page_limit_hits",
		"mappings",
	};
	struct own *ctn = any_own();

	/* root may write to all but to what nobody may */
	if (!is_user() && ctn)
		own_path(ctn, ONE_OF(read_only), path, size);
	else if (!is_user())
		snprintf(path, size, ROOT "/description");
	else if (one_in(3))
		snprintf(path, size, ROOT "/%s", ONE_OF(tops));
	else
		snprintf(path, size, WITNESS "/%s", ONE_OF(attrs));
}

void any_path(char *path, size_t size)
{
	struct own *ctn = any_own();
	struct text text;

	switch (below(8)) {
	case 0:
		snprintf(path, size, "%s", one_in(2) ? ROOT : one_in(2) ? WITNESS :
			 "/config");
		break;
	case 1:
		gen_name(&text);
		snprintf(path, size, ROOT "/%s", text.bytes);
		break;
	case 2:
		foreign_path(path, size);
		break;
	case 3:
		if (ctn) {
			own_path(ctn, NULL, path, size);
			break;
		}
		/* fall through */
	default:
		if (ctn)
			own_path(ctn, ONE_OF(attrs), path, size);
		else
			snprintf(path, size, ROOT "/description");
	}
}

static void hold(struct held held)
{
	if (nr_held == NR_HELD)
		close_held(any_held());
	all_held[nr_held++] = held;
}

/* Of one's own: what it says, or may be made to say, is known. */
static int open_own(struct own *ctn)
{
	struct held held = { .own = (int)(ctn - own), .life = ctn->life };
	char path[512];

	held.value = (int)below(NR_VALUES);
	held.writable = one_in(2);
	own_path(ctn, value_names[held.value], path, sizeof(path));
	held.fd = open(path, held.writable ? O_RDWR : O_RDONLY);
	if (held.fd < 0)
		complain("cannot open %s: %s", path, strerror(errno));
	hold(held);
	return 1;
}

int op_open(void)
{
	static const int flags[] = {
		O_APPEND, O_ASYNC, O_CREAT, O_DIRECT, O_DIRECTORY, O_DSYNC, O_EXCL,
		O_NOATIME, O_NOCTTY, O_NOFOLLOW, O_NONBLOCK, O_PATH, O_SYNC, O_TRUNC,
		O_TMPFILE, O_CLOEXEC,
	};
	struct held held = { .own = NOBODY, .value = -1 };
	struct own *ctn = any_own();
	int flag = O_RDONLY;
	char path[8192];
	int fd;

	if (ctn && one_in(2))
		return open_own(ctn);
	any_path(path, sizeof(path));
	for (unsigned int n = below(4); n; n--)
		flag |= ONE_OF(flags);
	fd = open(path, flag, 0666);
	if (fd < 0)
		return 0;
	held.fd = fd;
	/* it is listed line by line, of whatever is there then */
	held.changes = !!strstr(path, "mappings");
	hold(held);
	return 1;
}

int op_close(void)
{
	struct held *held = any_held();

	if (!held)
		return 0;
	close_held(held);
	return 1;
}

int op_read_held(void)
{
	static char bytes[16384], again[16384];
	struct held *held = any_held();
	struct iovec pieces[3];
	off_t at = one_in(2) ? (off_t)below(64) : (off_t)(chance() >> below(64));
	size_t len = one_in(2) ? below(16) : below(sizeof(bytes));
	ssize_t got, got_again;

	if (!held)
		return 0;
	switch (below(5)) {
	case 0:
		pieces[0] = (struct iovec){ bytes, len / 3 };
		pieces[1] = (struct iovec){ bytes + len / 3, len / 3 };
		pieces[2] = (struct iovec){ bytes + 2 * (len / 3), len / 3 };
		return (one_in(2) ? readv(held->fd, pieces, 3) :
			preadv(held->fd, pieces, 3, at)) >= 0;
	case 1:
		return lseek(held->fd, at, (int)below(5)) >= 0;
	case 2:
		/* to where there is no memory */
		return read(held->fd, NULL, len) >= 0;
	case 3:
		return read(held->fd, bytes, len) >= 0;
	default:
		/* the text stays the same while the file is open, of most */
		got = pread(held->fd, bytes, len, at);
		got_again = pread(held->fd, again, len, at);
		if (!held->changes &&
		    (got != got_again ||
		     (got > 0 && memcmp(bytes, again, (size_t)got))))
			complain("two reads of one open file differ: %zd and %zd bytes",
				 got, got_again);
		return got >= 0;
	}
}

/* Calls that a file in configfs has little to say to. */
int op_fd_call(void)
{
	struct held *held = any_held();
	struct flock lock = { .l_type = F_RDLCK };
	struct statfs fs;
	struct stat st;
	int arg = (int)chance(), fd;
	char buf[1024];

	if (!held)
		return 0;
	fd = held->fd;
	switch (below(16)) {
	case 0:
		return !fstat(fd, &st);
	case 1:
		return !fstatfs(fd, &fs);
	case 2:
		return !fsync(fd);
	case 3:
		return !fdatasync(fd);
	case 4:
		return !ftruncate(fd, below(10000));
	case 5:
		return !fallocate(fd, (int)below(64), below(10000), below(10000));
	case 6:
		return !flock(fd, LOCK_NB | (one_in(2) ? LOCK_SH : LOCK_UN));
	case 7:
		lock.l_len = below(10);
		return fcntl(fd, F_SETLK, &lock) >= 0;
	case 8:
		return ioctl(fd, (unsigned long)chance(), buf) >= 0;
	case 9:
		return ioctl(fd, FIONREAD, &arg) >= 0;
	case 10:
		return !posix_fadvise(fd, below(10000), below(10000), (int)below(8));
	case 11:
		return readahead(fd, below(10000), below(10000)) >= 0;
	case 12:
		return !fcntl(fd, F_SETFL, one_in(2) ? O_NONBLOCK : 0);
	case 13:
		return syscall(SYS_getdents64, fd, buf, sizeof(buf)) >= 0;
	case 14:
		return syncfs(fd) >= 0;
	default:
		return fchdir(fd) >= 0 && chdir(me.scratch) >= 0;
	}
}

/* From or to a pipe or another file: configfs knows none of it. */
int op_splice(void)
{
	struct held *held = any_held();
	static int ends[2] = { -1, -1 }, null = -1, memory = -1;
	loff_t at = below(64), *from = one_in(2) ? &at : NULL;
	struct text text;
	ssize_t ret = -1;

	if (null < 0) {
		null = open("/dev/null", O_WRONLY | O_CLOEXEC);
		memory = memfd_create("fuzz", MFD_CLOEXEC);
		if (null < 0 || memory < 0 || pipe2(ends, O_NONBLOCK | O_CLOEXEC))
			complain("no pipe or memfd: %s", strerror(errno));
	}
	gen_value(&text);
	if (!held)
		return 0;
	switch (below(5)) {
	case 0:
		ret = sendfile(null, held->fd, from, below(10000));
		break;
	case 1:
		ret = sendfile(ends[1], held->fd, from, below(10000));
		break;
	case 2:
		ret = splice(held->fd, from, ends[1], NULL, below(10000),
			     SPLICE_F_NONBLOCK | (one_in(2) ? SPLICE_F_MOVE : 0));
		break;
	case 3:
		ret = copy_file_range(held->fd, from, memory, NULL, below(10000), 0);
		break;
	default:
		/* to a file that can be written, also by what becomes a value */
		if (write(ends[1], text.bytes, text.len) < 0)
			break;
		ret = splice(ends[0], NULL, held->fd, from, text.len,
			     SPLICE_F_NONBLOCK);
		if (held->own >= 0 && held->value >= 0 && ret > 0 &&
		    own[held->own].life == held->life && own[held->own].alive) {
			struct own *ctn = &own[held->own];
			char path[512];

			/* it goes in pieces: it may be any of them */
			own_path(ctn, value_names[held->value], path, sizeof(path));
			read_value(path, ctn->values[held->value], VALUE_MAX);
			check_own(ctn);
		}
	}
	/* leave nothing for the next */
	while (read(ends[0], text.bytes, TEXT_MAX) > 0)
		;
	if (ftruncate(memory, 0) || lseek(memory, 0, SEEK_SET))
		complain("memfd: %s", strerror(errno));
	return ret > 0;
}

int op_map(void)
{
	static const int prots[] = {
		PROT_READ, PROT_WRITE, PROT_READ | PROT_WRITE, PROT_EXEC, PROT_NONE,
	};
	struct held *held = any_held();
	size_t len = (1 + below(4)) * PAGE;
	int shared = one_in(2);
	void *map;

	if (!held)
		return 0;
	map = mmap(NULL, len, ONE_OF(prots), shared ? MAP_SHARED : MAP_PRIVATE,
		   held->fd, (off_t)(below(4) * PAGE));
	if (map != MAP_FAILED)
		complain("a file in the tree could be mapped");
	return 0;
}

int op_watch(void)
{
	struct held *held = any_held();
	static int watch = -1, epoll = -1;
	struct epoll_event event = { .events = EPOLLIN | EPOLLPRI };
	struct pollfd poller = { .events = (short)chance() };
	char path[8192], events[4096];

	if (watch < 0) {
		watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
		epoll = epoll_create1(EPOLL_CLOEXEC);
		if (watch < 0 || epoll < 0)
			complain("no inotify or epoll: %s", strerror(errno));
	}
	any_path(path, sizeof(path));
	switch (below(6)) {
	case 0:
	case 1:
		return inotify_add_watch(watch, path, (uint32_t)chance()) >= 0;
	case 2:
		return !inotify_rm_watch(watch, (int)below(64));
	case 3:
		return read(watch, events, sizeof(events)) >= 0;
	case 4:
		if (!held)
			return 0;
		poller.fd = held->fd;
		return poll(&poller, 1, 0) >= 0;
	default:
		if (!held || epoll_ctl(epoll, EPOLL_CTL_ADD, held->fd, &event))
			return 0;
		epoll_wait(epoll, &event, 1, 0);
		return !epoll_ctl(epoll, EPOLL_CTL_DEL, held->fd, &event);
	}
}

/* The files in the containers are read and written meanwhile. */
int op_file_io(void)
{
	int file = (int)below(NR_FILES);
	int fd = open(file_names[file], O_RDWR | O_CLOEXEC);
	unsigned int at = below(FILE_PAGES - 1);
	struct own *ctn = any_own();
	char page[PAGE] = { 0 };
	ssize_t ret;

	if (fd < 0)
		complain("cannot open its file: %s", strerror(errno));
	switch (below(4)) {
	case 0:
		page_written(file, at);
		ret = pwrite(fd, page, sizeof(page), (off_t)(at * PAGE));
		break;
	case 1:
		at = below(20 * (unsigned int)PAGE);
		file_cut(file, at);
		ret = ftruncate(fd, at);
		break;
	case 2:
		ret = posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
		break;
	default:
		page_read(file, at);
		ret = pread(fd, page, sizeof(page), (off_t)(at * PAGE));
	}
	close(fd);
	/* whatever the limits of the container that it is named for are */
	if (ret < 0)
		complain("its file: %s", strerror(errno));
	if (ctn)
		check_files(ctn);
	return 1;
}

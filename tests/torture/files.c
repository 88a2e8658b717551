// SPDX-License-Identifier: GPL-2.0
/*
 * Actors that use files of some file systems in all ways in which pages come
 * into the page cache and leave it. All of them use the same few files.
 */
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#include "torture.h"

#define SIZE_MAX_PAGES	1500
#define CHUNK		(64 * PAGE)

static char buf[CHUNK] __attribute__((aligned(4096)));

/* ---- a few open files ---- */

#define OPEN_FILES	4

static int fds[OPEN_FILES] = { -1, -1, -1, -1 };

static int random_fd(struct actor *a)
{
	return fds[below(a, OPEN_FILES)];
}

static off_t random_offset(struct actor *a)
{
	return below(a, SIZE_MAX_PAGES) * PAGE;
}

static size_t random_length(struct actor *a)
{
	return (1 + below(a, chance(a, 20) ? 512 : 64)) * PAGE;
}

static int op_open(struct actor *a)
{
	int i = below(a, OPEN_FILES);

	if (fds[i] >= 0)
		close(fds[i]);
	if (chance(a, 10))
		fds[i] = open(random_dir(a), O_TMPFILE | O_RDWR | O_CLOEXEC, 0644);
	else
		fds[i] = open(random_file(a), O_RDWR | O_CREAT | O_CLOEXEC |
			      (chance(a, 5) ? O_TRUNC : 0), 0644);
	return fds[i] < 0 ? errno : 0;
}

/* So that a file system can be unmounted. */
static int op_close(struct actor *a)
{
	(void)a;
	for (int i = 0; i < OPEN_FILES; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
		fds[i] = -1;
	}
	return 0;
}

/* ---- reading and writing ---- */

/* In chunks, so that a big one can be as long as it likes. */
static int transfer(int fd, bool write, off_t offset, size_t len)
{
	while (len) {
		size_t part = len < CHUNK ? len : CHUNK;
		ssize_t ret = write ? pwrite(fd, buf, part, offset) :
				      pread(fd, buf, part, offset);

		if (ret < 0)
			return errno;
		if (!ret)
			return 0;
		offset += ret;
		len -= ret;
	}
	return 0;
}

static int op_write(struct actor *a)
{
	int fd = random_fd(a);

	if (fd < 0)
		return NOTHING;
	return transfer(fd, true, random_offset(a), random_length(a));
}

static int op_read(struct actor *a)
{
	int fd = random_fd(a);

	if (fd < 0)
		return NOTHING;
	return transfer(fd, false, chance(a, 30) ? 0 : random_offset(a),
			chance(a, 30) ? SIZE_MAX_PAGES * PAGE : random_length(a));
}

/* A file is opened anew for this: the flag is one of how it is opened. */
static int op_direct(struct actor *a)
{
	int fd = open(random_file(a), O_RDWR | O_DIRECT | O_CLOEXEC);
	int err;

	if (fd < 0)
		return errno;
	err = transfer(fd, chance(a, 50), random_offset(a), random_length(a));
	close(fd);
	return err;
}

/* Into memory that is pinned for it. */
static int op_direct_to_new(struct actor *a)
{
	int fd = open(random_file(a), O_RDWR | O_DIRECT | O_CLOEXEC);
	size_t len = random_length(a);
	int err = 0;
	char *p;

	if (fd < 0)
		return errno;
	p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_PRIVATE,
		 -1, 0);
	if (p == MAP_FAILED) {
		err = errno;
	} else {
		if (pread(fd, p, len, random_offset(a)) < 0)
			err = errno;
		munmap(p, len);
	}
	close(fd);
	return err;
}

static int op_uring(struct actor *a)
{
	int fd = random_fd(a);
	size_t len = random_length(a);
	char *p;
	int err;

	if (fd < 0)
		return NOTHING;
	p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_PRIVATE,
		 -1, 0);
	if (p == MAP_FAILED)
		return errno;
	err = uring_transfer(fd, p, len, random_offset(a), chance(a, 50),
			     below(a, 4));
	munmap(p, len);
	return err;
}

/* From one file through a pipe to another, whole pages if that can be. */
static int op_splice(struct actor *a)
{
	int from = random_fd(a), to = random_fd(a), pipefd[2], err = 0;
	off_t in = random_offset(a), out = random_offset(a);
	size_t left = random_length(a);

	if (from < 0 || to < 0)
		return NOTHING;
	if (pipe2(pipefd, O_CLOEXEC))
		return errno;
	while (left && !err) {
		ssize_t got = splice(from, &in, pipefd[1], NULL,
				     left < 8 * PAGE ? left : 8 * PAGE,
				     SPLICE_F_MOVE);

		if (got <= 0) {
			err = got ? errno : 0;
			break;
		}
		left -= got;
		while (got > 0 && !err) {
			ssize_t gone = splice(pipefd[0], NULL, to, &out, got,
					     SPLICE_F_MOVE);

			if (gone <= 0)
				err = gone ? errno : EIO;
			else
				got -= gone;
		}
	}
	close(pipefd[0]);
	close(pipefd[1]);
	return err;
}

static int op_vmsplice(struct actor *a)
{
	struct iovec iov = { NULL, 8 * PAGE };
	int fd = random_fd(a), pipefd[2], err = 0;
	off_t out = random_offset(a);

	if (fd < 0)
		return NOTHING;
	if (pipe2(pipefd, O_CLOEXEC))
		return errno;
	iov.iov_base = mmap(NULL, iov.iov_len, PROT_READ | PROT_WRITE,
			    MAP_ANONYMOUS | MAP_PRIVATE, -1, 0);
	if (iov.iov_base == MAP_FAILED) {
		err = errno;
	} else {
		memset(iov.iov_base, 1, iov.iov_len);
		if (vmsplice(pipefd[1], &iov, 1, SPLICE_F_GIFT) < 0)
			err = errno;
		/* the pipe has the pages now */
		munmap(iov.iov_base, iov.iov_len);
		if (!err && splice(pipefd[0], NULL, fd, &out, 8 * PAGE,
				   SPLICE_F_MOVE) < 0)
			err = errno;
	}
	close(pipefd[0]);
	close(pipefd[1]);
	return err;
}

static int op_sendfile(struct actor *a)
{
	int from = random_fd(a), to = random_fd(a);
	off_t in = random_offset(a);

	if (from < 0 || to < 0)
		return NOTHING;
	if (chance(a, 50))
		return copy_file_range(from, &in, to, NULL, random_length(a), 0) < 0 ?
		       errno : 0;
	return sendfile(to, from, &in, random_length(a)) < 0 ? errno : 0;
}

/* ---- mapping ---- */

/*
 * Only where the file is that long now. It may be cut at any time, so reading
 * and writing is left to the kernel, which says EFAULT then, and no more.
 */
static int map_and_use(struct actor *a, int how)
{
	off_t offset = random_offset(a) & ~(16 * PAGE - 1);
	size_t len = random_length(a);
	int fd = random_fd(a), err = 0, null;
	char *p;

	if (fd < 0)
		return NOTHING;
	p = mmap(NULL, len, PROT_READ | PROT_WRITE, how, fd, offset);
	if (p == MAP_FAILED)
		return errno;
	if (chance(a, 30))
		madvise(p, len, MADV_HUGEPAGE);
	if (madvise(p, len, chance(a, 50) ? MADV_POPULATE_WRITE :
					    MADV_POPULATE_READ))
		err = errno;
	null = open("/dev/zero", O_RDWR | O_CLOEXEC);
	/* faults in the middle of a system call */
	if (null >= 0 && read(null, p, len / 2) < 0)
		err = errno;
	close(null);
	if (chance(a, 30))
		madvise(p, len, MADV_PAGEOUT);
	if (chance(a, 30))
		msync(p, len, MS_SYNC);
	if (chance(a, 10))
		mlock(p, len < 100 * PAGE ? len : 100 * PAGE);
	if (chance(a, 10))
		madvise(p, len, MADV_REMOVE);
	munmap(p, len);
	return err == EFAULT ? 0 : err;
}

static int op_map_shared(struct actor *a)
{
	return map_and_use(a, MAP_SHARED);
}

static int op_map_private(struct actor *a)
{
	return map_and_use(a, MAP_PRIVATE);
}

/* ---- cutting ---- */

static int op_truncate(struct actor *a)
{
	int fd = random_fd(a);

	if (fd < 0)
		return NOTHING;
	return ftruncate(fd, chance(a, 30) ? 0 :
			     random_offset(a) + below(a, PAGE)) ? errno : 0;
}

static int allocate(struct actor *a, int mode)
{
	int fd = random_fd(a);

	if (fd < 0)
		return NOTHING;
	return fallocate(fd, mode, random_offset(a), random_length(a)) ? errno : 0;
}

static int op_allocate(struct actor *a)
{
	return allocate(a, chance(a, 50) ? 0 : FALLOC_FL_KEEP_SIZE);
}

static int op_punch(struct actor *a)
{
	return allocate(a, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE);
}

static int op_collapse(struct actor *a)
{
	return allocate(a, chance(a, 50) ? FALLOC_FL_COLLAPSE_RANGE :
			   chance(a, 50) ? FALLOC_FL_INSERT_RANGE :
					   FALLOC_FL_ZERO_RANGE);
}

/* ---- names ---- */

/* Two names, in the same directory. */
static void random_names(struct actor *a, char *from, char *to)
{
	strcpy(from, random_file(a));
	strcpy(to, from);
	sprintf(strrchr(to, '/'), "/f%lu", below(a, FILES));
}

static int op_rename(struct actor *a)
{
	char from[64], to[64];

	random_names(a, from, to);
	return rename(from, to) ? errno : 0;
}

static int op_link(struct actor *a)
{
	char from[64], to[64];

	random_names(a, from, to);
	return link(from, to) ? errno : 0;
}

static int op_unlink(struct actor *a)
{
	return unlink(random_file(a)) ? errno : 0;
}

/* ---- hints ---- */

static int op_fadvise(struct actor *a)
{
	static const int advice[] = {
		POSIX_FADV_DONTNEED, POSIX_FADV_WILLNEED, POSIX_FADV_RANDOM,
		POSIX_FADV_SEQUENTIAL, POSIX_FADV_DONTNEED,
	};
	int fd = random_fd(a);

	if (fd < 0)
		return NOTHING;
	return posix_fadvise(fd, random_offset(a), random_length(a),
			     advice[below(a, 5)]);
}

static int op_readahead(struct actor *a)
{
	int fd = random_fd(a);

	if (fd < 0)
		return NOTHING;
	return readahead(fd, random_offset(a), random_length(a)) ? errno : 0;
}

static int op_sync(struct actor *a)
{
	int fd = random_fd(a);

	if (fd < 0)
		return NOTHING;
	if (chance(a, 50))
		return sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE) ? errno : 0;
	return fsync(fd) ? errno : 0;
}

/* ---- memfds ---- */

static int op_memfd(struct actor *a)
{
	int fd = memfd_create("torture", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int err;

	if (fd < 0)
		return errno;
	err = transfer(fd, true, random_offset(a), random_length(a));
	if (!err && fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK))
		err = errno;
	if (!err && ftruncate(fd, 0) == 0)
		corrupt("a sealed memfd shrinks");
	if (!err)
		err = transfer(fd, false, 0, SIZE_MAX_PAGES * PAGE);
	close(fd);
	return err;
}

static const struct op ops[] = {
	{ "open", 20, op_open },
	{ "close", 2, op_close },
	{ "write", 25, op_write },
	{ "read", 25, op_read },
	{ "direct", 8, op_direct },
	{ "direct to new memory", 4, op_direct_to_new },
	{ "io_uring", 8, op_uring },
	{ "splice", 6, op_splice },
	{ "vmsplice", 4, op_vmsplice },
	{ "sendfile", 6, op_sendfile },
	{ "mmap shared", 12, op_map_shared },
	{ "mmap private", 8, op_map_private },
	{ "truncate", 6, op_truncate },
	{ "fallocate", 4, op_allocate },
	{ "punch hole", 6, op_punch },
	{ "collapse range", 3, op_collapse },
	{ "rename", 4, op_rename },
	{ "link", 2, op_link },
	{ "unlink", 4, op_unlink },
	{ "fadvise", 6, op_fadvise },
	{ "readahead", 4, op_readahead },
	{ "sync", 4, op_sync },
	{ "memfd", 5, op_memfd },
	{ }
};

const struct kind file_kind = {
	.name = "files", .ops = ops, .mortal = true,
};

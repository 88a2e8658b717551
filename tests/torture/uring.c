// SPDX-License-Identifier: GPL-2.0
/*
 * As much of io_uring as it takes to transfer one piece of a file: a ring that is
 * made for it, filled, and waited for. No library, as this is all.
 */
#include <linux/io_uring.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>
#include "torture.h"

#define ENTRIES	8

struct ring {
	int fd;
	struct io_uring_params params;
	char *sq;
	char *cq;
	struct io_uring_sqe *sqes;
	size_t sq_size;
	size_t cq_size;
};

static char *map(struct ring *ring, size_t size, off_t what)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_POPULATE, ring->fd, what);

	/* cppcheck-suppress memleak ; it is given away */
	return p == MAP_FAILED ? NULL : p;
}

static void close_ring(struct ring *ring)
{
	if (ring->sq)
		munmap(ring->sq, ring->sq_size);
	if (ring->cq)
		munmap(ring->cq, ring->cq_size);
	if (ring->sqes)
		munmap(ring->sqes, ENTRIES * sizeof(*ring->sqes));
	close(ring->fd);
}

static int open_ring(struct ring *ring)
{
	int err;

	memset(ring, 0, sizeof(*ring));
	ring->fd = syscall(SYS_io_uring_setup, ENTRIES, &ring->params);
	if (ring->fd < 0)
		return errno;
	ring->sq_size = ring->params.sq_off.array + ENTRIES * sizeof(unsigned int);
	ring->cq_size = ring->params.cq_off.cqes +
			ring->params.cq_entries * sizeof(struct io_uring_cqe);
	ring->sq = map(ring, ring->sq_size, IORING_OFF_SQ_RING);
	ring->cq = map(ring, ring->cq_size, IORING_OFF_CQ_RING);
	ring->sqes = (void *)map(ring, ENTRIES * sizeof(*ring->sqes),
				 IORING_OFF_SQES);
	if (ring->sq && ring->cq && ring->sqes)
		return 0;
	err = errno;
	close_ring(ring);
	return err;
}

/*
 * @flags: 1 has a worker thread do it, 2 registers the buffer, which pins it.
 * Returns 0 or an errno: the first that there was.
 */
int uring_transfer(int fd, void *buf, size_t len, off_t offset, bool write,
		   unsigned int flags)
{
	struct iovec iov = { buf, len };
	size_t part = len / ENTRIES;
	unsigned int *tail, *head, *array;
	struct ring ring;
	int ret, err = open_ring(&ring);

	if (err)
		return err;
	if ((flags & 2) && syscall(SYS_io_uring_register, ring.fd,
				   IORING_REGISTER_BUFFERS, &iov, 1) < 0) {
		err = errno;
		goto out;
	}

	tail = (void *)(ring.sq + ring.params.sq_off.tail);
	array = (void *)(ring.sq + ring.params.sq_off.array);
	for (int i = 0; i < ENTRIES; i++) {
		ring.sqes[i] = (struct io_uring_sqe) {
			.opcode = flags & 2 ?
				(write ? IORING_OP_WRITE_FIXED : IORING_OP_READ_FIXED) :
				(write ? IORING_OP_WRITE : IORING_OP_READ),
			.flags = flags & 1 ? IOSQE_ASYNC : 0,
			.fd = fd,
			.addr = (unsigned long)buf + i * part,
			.len = part,
			.off = offset + i * part,
		};
		array[i] = i;
	}
	__atomic_store_n(tail, *tail + ENTRIES, __ATOMIC_RELEASE);

	do {
		ret = syscall(SYS_io_uring_enter, ring.fd, ENTRIES, ENTRIES,
			      IORING_ENTER_GETEVENTS, NULL, 0);
	} while (ret < 0 && errno == EINTR);
	if (ret < 0)
		err = errno;

	head = (void *)(ring.cq + ring.params.cq_off.head);
	tail = (void *)(ring.cq + ring.params.cq_off.tail);
	for (; *head != __atomic_load_n(tail, __ATOMIC_ACQUIRE); ++*head) {
		struct io_uring_cqe *cqe = (void *)(ring.cq + ring.params.cq_off.cqes);

		ret = cqe[*head & (ring.params.cq_entries - 1)].res;
		if (ret < 0 && !err)
			err = -ret;
	}
out:
	close_ring(&ring);
	return err;
}

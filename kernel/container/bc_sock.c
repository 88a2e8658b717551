// SPDX-License-Identifier: GPL-2.0
/*
 * Beancounters of socket buffers:
 *
 *	tcpsndbuf	what sockets of TCP have to send, and have sent and nobody has
 *			acknowledged
 *	tcprcvbuf	what they have received and nobody has read
 *	dgramrcvbuf	the same, of UDP
 *	othersockbuf	what all others have to send, and UDP has; and all of SCTP
 *
 * A socket's buffers are counted where the socket is: for who made it, or listened. Two
 * kinds of counting of the network's own are followed. Where a protocol counts its memory,
 * for net.ipv4.tcp_mem and the like, it is these pages: __sk_mem_raise_allocated(),
 * __sk_mem_reduce_allocated(). When they are given back it is not known whether they had
 * been to send or received, so it is what is charged beyond what has been received, to a
 * page; the sum of both is exact. Else it is sk_wmem_alloc, by skb and byte. What sockets
 * of other kinds have received, netlink's and packet's, the kernel counts for SO_RCVBUF
 * only: numothersock bounds that.
 *
 * The token of the buffers stays as long as the socket: of one that was closed some may
 * be on their way yet. Each socket knows what is charged for it, so that no more than that
 * is uncharged, whatever it had before it was counted.
 */
#include <linux/container_sock.h>
#include <linux/export.h>
#include "bc.h"
#include "token.h"

bool __container_charge_buffer(struct container_buffers *bufs, unsigned int nr,
			       enum container_buffer which, unsigned int bytes,
			       enum bc_severity severity)
{
	struct container *ctn;
	struct beancounter *bc;
	bool fits = true;

	rcu_read_lock();
	ctn = token_container(READ_ONCE(bufs->token));
	if (ctn) {
		/* what is in them is there: pairs with container_make_bc() */
		bc = smp_load_acquire(&ctn->bc);
		fits = !bc_row_charge(&bc->row[nr], bc_resource(nr), ctn, bytes, severity);
		if (fits)
			atomic_add(bytes, &bufs->charged[which]);
	}
	rcu_read_unlock();
	return fits;
}
EXPORT_SYMBOL_GPL(__container_charge_buffer);

unsigned int __container_uncharge_buffer(struct container_buffers *bufs, unsigned int nr,
					 enum container_buffer which, unsigned int bytes)
{
	int charged = atomic_read(&bufs->charged[which]);
	struct beancounter *bc;
	struct container *ctn;
	unsigned int less;

	do {
		less = min_t(unsigned int, bytes, charged);
	} while (less && !atomic_try_cmpxchg(&bufs->charged[which], &charged,
					     charged - less));
	if (!less)
		return 0;

	rcu_read_lock();
	ctn = token_container(READ_ONCE(bufs->token));
	if (ctn) {
		/* as above */
		bc = smp_load_acquire(&ctn->bc);
		bc_row_uncharge(&bc->row[nr], bc_resource(nr), ctn, less);
	}
	rcu_read_unlock();
	return less;
}
EXPORT_SYMBOL_GPL(__container_uncharge_buffer);

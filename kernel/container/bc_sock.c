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
	bool fits = true;

	rcu_read_lock();
	ctn = token_container(READ_ONCE(bufs->token));
	if (ctn) {
		fits = !container_bc_charge(ctn, nr, bytes, severity);
		if (fits)
			bc_count_add(&bufs->charged[which], bytes);
	}
	rcu_read_unlock();
	return fits;
}
EXPORT_SYMBOL_GPL(__container_charge_buffer);

void __container_own_buffers(struct container_buffers *bufs,
			     const struct container_owner *owner)
{
	unsigned long token = READ_ONCE(bufs->token);
	bool is_free;

	rcu_read_lock();
	is_free = !token_container(token);
	rcu_read_unlock();
	/* what was charged to one that is gone is nobody's */
	if (is_free && !READ_ONCE(bufs->charged[CONTAINER_SNDBUF]) &&
	    !READ_ONCE(bufs->charged[CONTAINER_RCVBUF]))
		cmpxchg(&bufs->token, token, READ_ONCE(owner->token));
}
EXPORT_SYMBOL_GPL(__container_own_buffers);

unsigned int __container_uncharge_buffer(struct container_buffers *bufs, unsigned int nr,
					 enum container_buffer which, unsigned int bytes)
{
	unsigned int less = bc_count_sub(&bufs->charged[which], bytes);

	container_bc_uncharge(READ_ONCE(bufs->token), nr, less);
	return less;
}
EXPORT_SYMBOL_GPL(__container_uncharge_buffer);

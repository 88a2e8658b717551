/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Beancounters of socket buffers: what the network calls for them. What is counted, and as
 * what, is said in kernel/container/bc_sock.c.
 */
#ifndef _LINUX_CONTAINER_SOCK_H
#define _LINUX_CONTAINER_SOCK_H

#include <linux/container.h>

#ifdef CONFIG_BEANCOUNTERS

bool __container_charge_buffer(struct container_buffers *bufs, unsigned int nr,
			       enum container_buffer which, unsigned int bytes,
			       enum bc_severity severity);
void __container_own_buffers(struct container_buffers *bufs,
			     const struct container_owner *owner);
unsigned int __container_uncharge_buffer(struct container_buffers *bufs, unsigned int nr,
					 enum container_buffer which, unsigned int bytes);

/**
 * container_counts_buffers - are buffers of a socket charged to some container?
 * @bufs: the socket's.
 *
 * Context: Any.
 * Return: whether they are, or were until that was removed.
 */
static __always_inline bool container_counts_buffers(const struct container_buffers *bufs)
{
	return static_branch_unlikely(&container_bc_key) && READ_ONCE(bufs->token);
}

/**
 * container_own_buffers - what a socket has in buffers is counted where the socket is
 * @bufs: the socket's. If some are counted already in a container that is there, they stay so.
 * @owner: where the socket is counted, if it is.
 *
 * Context: Any.
 */
static __always_inline void container_own_buffers(struct container_buffers *bufs,
						  const struct container_owner *owner)
{
	if (static_branch_unlikely(&container_bc_key) &&
	    READ_ONCE(bufs->token) != READ_ONCE(owner->token))
		__container_own_buffers(bufs, owner);
}

/**
 * container_init_buffers - the same, for a socket that was copied from another
 * @bufs: the socket's, whatever is in there.
 * @owner: where it is counted, if it is.
 *
 * Context: Any. Nobody else knows the socket.
 */
static __always_inline void container_init_buffers(struct container_buffers *bufs,
						   const struct container_owner *owner)
{
	bufs->token = owner->token;
	bufs->charged[CONTAINER_SNDBUF] = 0;
	bufs->charged[CONTAINER_RCVBUF] = 0;
	bufs->sndbuf = 0;
}

/**
 * container_charge_buffer - a socket is to have so much more in its buffers
 * @bufs: the socket's.
 * @nr: BC_TCPSNDBUF and the like.
 * @which: is it to be sent, or has it been received?
 * @bytes: how much.
 * @severity: which of barrier and limit it has to fit below.
 *
 * Context: Any but an NMI.
 * Return: whether it does, or nobody is charged. If not, that has been counted.
 */
static __always_inline bool container_charge_buffer(struct container_buffers *bufs,
						    unsigned int nr,
						    enum container_buffer which,
						    unsigned int bytes,
						    enum bc_severity severity)
{
	if (container_counts_buffers(bufs))
		return __container_charge_buffer(bufs, nr, which, bytes, severity);
	return true;
}

/**
 * container_uncharge_buffer - and so much less
 * @bufs: the socket's.
 * @nr: what was charged.
 * @which: is it that was to be sent, or that was received?
 * @bytes: how much. If less was charged, as it was there before the socket was counted, it
 *	   is that.
 *
 * Context: Any but an NMI.
 * Return: how much it was.
 */
static __always_inline unsigned int
container_uncharge_buffer(struct container_buffers *bufs, unsigned int nr,
			  enum container_buffer which, unsigned int bytes)
{
	if (container_counts_buffers(bufs))
		return __container_uncharge_buffer(bufs, nr, which, bytes);
	return 0;
}

/**
 * container_move_buffers - what a socket has to send is another's from here on
 * @bufs: the socket's.
 * @nr: what it is charged as.
 * @owner: where the socket is counted now, if it is.
 *
 * It is charged there even if that is more than the limit.
 *
 * Context: Any but an NMI. Nobody else knows the socket.
 */
static __always_inline void container_move_buffers(struct container_buffers *bufs,
						   unsigned int nr,
						   const struct container_owner *owner)
{
	unsigned int bytes = container_uncharge_buffer(bufs, nr, CONTAINER_SNDBUF, INT_MAX);

	bufs->token = owner->token;
	if (bytes)
		container_charge_buffer(bufs, nr, CONTAINER_SNDBUF, bytes, BC_FORCE);
}

/* How much is charged of these. Context: Any. */
static __always_inline unsigned int
container_charged_buffer(const struct container_buffers *bufs, enum container_buffer which)
{
	return READ_ONCE(bufs->charged[which]);
}

#else
static inline bool container_counts_buffers(const struct container_buffers *bufs)
{
	return false;
}

static inline void container_own_buffers(struct container_buffers *bufs,
					 const struct container_owner *owner)
{
}

static inline void container_init_buffers(struct container_buffers *bufs,
					  const struct container_owner *owner)
{
}

static inline bool container_charge_buffer(struct container_buffers *bufs, unsigned int nr,
					   enum container_buffer which, unsigned int bytes,
					   enum bc_severity severity)
{
	return true;
}

static inline unsigned int container_uncharge_buffer(struct container_buffers *bufs,
						     unsigned int nr,
						     enum container_buffer which,
						     unsigned int bytes)
{
	return 0;
}

static inline void container_move_buffers(struct container_buffers *bufs, unsigned int nr,
					  const struct container_owner *owner)
{
}

static inline unsigned int container_charged_buffer(const struct container_buffers *bufs,
						    enum container_buffer which)
{
	return 0;
}
#endif /* CONFIG_BEANCOUNTERS */

#endif /* _LINUX_CONTAINER_SOCK_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What other structures have of containers.
 */
#ifndef _LINUX_CONTAINER_TYPES_H
#define _LINUX_CONTAINER_TYPES_H

#include <linux/types.h>

/*
 * Which container counts this object, as one of a number that it is limited in: see
 * container_charge_one(). 0: none. The token is weak: once the container is removed it
 * names nobody. Where beancounters are not built, it takes no room.
 */
struct container_owner {
#ifdef CONFIG_BEANCOUNTERS
	unsigned long token;
#endif
};

/* What a socket has in buffers: see linux/container_sock.h. */
enum container_buffer {
	CONTAINER_SNDBUF,	/* to be sent */
	CONTAINER_RCVBUF,	/* received */
	NR_CONTAINER_BUFFERS,
};

/* Which container counts that, by a weak token as above, and how many bytes are charged. */
struct container_buffers {
#ifdef CONFIG_BEANCOUNTERS
	unsigned long token;
	unsigned long charged[NR_CONTAINER_BUFFERS];
	int sndbuf;	/* what was set with SO_SNDBUF, while it is less */
#endif
};

/*
 * Which container counts the shared memory of a file, by a weak token as above; how many
 * pages of it, and how many there are that it does not: see linux/container_shm.h.
 */
struct container_shm {
#ifdef CONFIG_BEANCOUNTERS
	unsigned long token;
	/* several may change these at once */
	unsigned long charged;
	unsigned long others;
#endif
};

/* How hard a charge of a beancounter is: see kernel/container/bc.h. */
enum bc_severity {
	BC_BARRIER,
	BC_LIMIT,
	BC_FORCE,
};

/* What is counted of the memory that a process has mapped: see linux/container_vm.h. */
enum {
	CONTAINER_VM_PRIVATE,
	CONTAINER_VM_LOCKED,
	NR_CONTAINER_VMS,
};

/* What its container is charged for it: see kernel/container/bc_vm.c. */
struct container_vm {
#ifdef CONFIG_BEANCOUNTERS
	unsigned long charged[NR_CONTAINER_VMS];
#endif
};

#endif /* _LINUX_CONTAINER_TYPES_H */

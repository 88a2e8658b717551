/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What other structures have of containers.
 */
#ifndef _LINUX_CONTAINER_TYPES_H
#define _LINUX_CONTAINER_TYPES_H

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

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

#endif /* _LINUX_CONTAINER_TYPES_H */

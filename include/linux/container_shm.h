/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Beancounters of shared memory: what tmpfs calls for them. What is counted is said in
 * kernel/container/bc_shm.c.
 */
#ifndef _LINUX_CONTAINER_SHM_H
#define _LINUX_CONTAINER_SHM_H

#include <linux/container.h>

#ifdef CONFIG_BEANCOUNTERS

void __container_own_shm(struct container_shm *shm);
int __container_charge_shm(struct container_shm *shm, unsigned long nr,
			   unsigned long there, bool *mine);
void __container_cancel_shm(struct container_shm *shm, unsigned long nr, bool mine);
void __container_uncharge_shm(struct container_shm *shm, unsigned long nr);

/**
 * container_own_shm - the current task makes a file that can have shared memory
 * @shm: the file's, zeroed. Nobody else knows it.
 *
 * Context: Task.
 */
static __always_inline void container_own_shm(struct container_shm *shm)
{
	if (static_branch_unlikely(&container_bc_key))
		__container_own_shm(shm);
}

/**
 * container_charge_shm - the current task is to have more of it
 * @shm: the file's.
 * @nr: pages.
 * @there: how many there are.
 * @mine: set to whether it is charged to the task's container, for container_cancel_shm().
 *
 * Where that is not a task of the container that counts the file, nobody is charged; if
 * none does, that of the task does from now on.
 *
 * Context: Any but an NMI.
 * Return: 0, or -ENOMEM if it does not fit below the barrier; that has been counted, then.
 */
static __always_inline int container_charge_shm(struct container_shm *shm, unsigned long nr,
						unsigned long there, bool *mine)
{
	*mine = false;
	if (static_branch_unlikely(&container_bc_key) &&
	    (READ_ONCE(shm->token) || current_has_container()))
		return __container_charge_shm(shm, nr, there, mine);
	return 0;
}

/**
 * container_cancel_shm - it came to nothing
 * @shm: the file's.
 * @nr: pages, as they were charged.
 * @mine: what was said then.
 *
 * Context: Any but an NMI.
 */
static __always_inline void container_cancel_shm(struct container_shm *shm,
						 unsigned long nr, bool mine)
{
	if (static_branch_unlikely(&container_bc_key) && READ_ONCE(shm->token))
		__container_cancel_shm(shm, nr, mine);
}

/**
 * container_uncharge_shm - there is less
 * @shm: the file's.
 * @nr: pages; those that nobody was charged for are the first to go.
 *
 * Context: Any but an NMI.
 */
static __always_inline void container_uncharge_shm(struct container_shm *shm,
						   unsigned long nr)
{
	if (static_branch_unlikely(&container_bc_key) && READ_ONCE(shm->token))
		__container_uncharge_shm(shm, nr);
}

#else
static inline void container_own_shm(struct container_shm *shm)
{
}

static inline int container_charge_shm(struct container_shm *shm, unsigned long nr,
				       unsigned long there, bool *mine)
{
	*mine = false;
	return 0;
}

static inline void container_cancel_shm(struct container_shm *shm, unsigned long nr,
					bool mine)
{
}

static inline void container_uncharge_shm(struct container_shm *shm, unsigned long nr)
{
}
#endif /* CONFIG_BEANCOUNTERS */

#endif /* _LINUX_CONTAINER_SHM_H */

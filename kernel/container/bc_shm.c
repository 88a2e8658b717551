// SPDX-License-Identifier: GPL-2.0
/*
 * Beancounters of shared memory: shmpages is what there is of tmpfs files, memfds, System V
 * segments and shared anonymous mappings, in memory or in swap. A segment or a mapping
 * counts in whole from the beginning, as it does for vm.overcommit_memory; of files, and
 * with SHM_NORESERVE or MAP_NORESERVE, what has been used.
 *
 * It is counted for the container of the task that makes the file or, where that is in none
 * that counts, of the first that puts something into it; and for as long as the file is
 * there. What others put into it is not. Nobody knows of each page who that was, so when
 * some are freed those of others go first.
 */
#include <linux/container_shm.h>
#include <linux/sched.h>
#include "bc.h"
#include "token.h"

void __container_own_shm(struct container_shm *shm)
{
	struct container *ctn;

	rcu_read_lock();
	ctn = rcu_dereference(current->container);
	if (ctn && READ_ONCE(ctn->bc))
		shm->token = container_token(ctn);
	rcu_read_unlock();
}

/* Has @ctn the file, or nobody? Then it has it from now on. Within RCU. */
static bool owns_shm(struct container_shm *shm, struct container *ctn, unsigned long there)
{
	unsigned long token = 0;

	if (!READ_ONCE(ctn->bc))
		return false;
	if (try_cmpxchg(&shm->token, &token, container_token(ctn))) {
		bc_count_add(&shm->others, there);
		return true;
	}
	return token == container_token(ctn);
}

int __container_charge_shm(struct container_shm *shm, unsigned long nr,
			   unsigned long there, bool *mine)
{
	struct container *ctn;
	int err = 0;

	rcu_read_lock();
	ctn = in_task() ? rcu_dereference(current->container) : NULL;
	*mine = ctn && owns_shm(shm, ctn, there);
	if (*mine) {
		err = container_bc_charge(ctn, BC_SHMPAGES, nr, BC_BARRIER);
		if (!err)
			bc_count_add(&shm->charged, nr);
	} else if (READ_ONCE(shm->token)) {
		bc_count_add(&shm->others, nr);
	}
	rcu_read_unlock();
	return err;
}

void __container_cancel_shm(struct container_shm *shm, unsigned long nr, bool mine)
{
	nr = bc_count_sub(mine ? &shm->charged : &shm->others, nr);
	if (mine)
		container_bc_uncharge(READ_ONCE(shm->token), BC_SHMPAGES, nr);
}

void __container_uncharge_shm(struct container_shm *shm, unsigned long nr)
{
	nr -= bc_count_sub(&shm->others, nr);
	if (nr)
		__container_cancel_shm(shm, nr, true);
}

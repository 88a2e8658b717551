// SPDX-License-Identifier: GPL-2.0
/*
 * Beancounters of shared memory: shmpages is what there is of tmpfs files, memfds, System V
 * segments and shared anonymous mappings, in memory or in swap. A segment or a mapping
 * counts in whole from the beginning, as it does for vm.overcommit_memory; of files, and
 * with SHM_NORESERVE or MAP_NORESERVE, what has been used.
 *
 * It is counted for the container of the task that makes the file, for as long as that
 * is there; but what others put into it is not. Nobody knows of each page who that was, so
 * when some are freed those of others go first.
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

int __container_charge_shm(struct container_shm *shm, unsigned long nr)
{
	struct beancounter *bc;
	struct container *ctn;
	unsigned long charged;
	int err = 0;

	if (!in_task())
		return 0;
	rcu_read_lock();
	ctn = token_container(shm->token);
	if (ctn && ctn == rcu_access_pointer(current->container)) {
		/* what is in them is there: pairs with container_make_bc() */
		bc = smp_load_acquire(&ctn->bc);
		err = bc_row_charge(&bc->row[BC_SHMPAGES], bc_resource(BC_SHMPAGES), ctn,
				    nr, BC_BARRIER);
		charged = READ_ONCE(shm->charged);
		while (!err && !try_cmpxchg(&shm->charged, &charged, charged + nr))
			;
	}
	rcu_read_unlock();
	return err;
}

void __container_uncharge_shm(struct container_shm *shm, unsigned long nr,
			      unsigned long left)
{
	unsigned long charged = READ_ONCE(shm->charged);
	struct beancounter *bc;
	struct container *ctn;
	unsigned long less;

	do {
		less = charged > left ? min(nr, charged - left) : 0;
	} while (less && !try_cmpxchg(&shm->charged, &charged, charged - less));
	if (!less)
		return;

	rcu_read_lock();
	ctn = token_container(shm->token);
	if (ctn) {
		/* as above */
		bc = smp_load_acquire(&ctn->bc);
		bc_row_uncharge(&bc->row[BC_SHMPAGES], bc_resource(BC_SHMPAGES), ctn, less);
	}
	rcu_read_unlock();
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Beancounters of virtual memory: privvmpages, which is VmData and VmStk of all
 * processes together, and lockedpages, which is their VmLck.
 *
 * Each mm keeps these numbers by itself, in data_vm, stack_vm and locked_vm. They
 * change while mmap_lock is held for writing; munmap goes on to change them when it
 * has gone over to hold it for reading, and as it had it for writing, there is nobody
 * else who does. Here is counted what is charged for them:
 *
 *  - who is about to have more charges that before there is any of it:
 *    container_charge_private() and the like. This is what can fail;
 *  - before mmap_lock is released, what is charged for the mm is made what it has:
 *    container_update_vm(). What has gone is uncharged, and what has come to nothing
 *    after it was charged. What was not asked for is charged, whatever the limit is,
 *    so that what is held is right if somebody forgets to ask.
 *
 * A container counts from when it has beancounters. Before that nothing is charged,
 * and who wants to know what it holds sums that up over its mms.
 *
 * mm_struct::container_vm is what has been charged for the mm where it is, and changes
 * under container::lock of that container, which nests inside mmap_lock. Who moves an mm,
 * or begins to count, does not wait for mmap_lock, as anybody can hold that for long. He
 * reads how much the mm has while that changes, and may be late. But who changes it does
 * that first, and looks then for where the mm is counted, and for what is charged; and who
 * makes it counted there does that first, and looks then at how much it is. With a full
 * barrier between, in each, one of them sees what the other has done. What is not counted
 * is a value of its own, so that it is never taken for as much as there is.
 *
 * Lifetime: an mm is in the list of its container, so whoever holds container::lock and
 * finds it in there may use it. A container that was found by an mm is used within RCU.
 */
#include <linux/capability.h>
#include <linux/container.h>
#include <linux/export.h>
#include <linux/mm.h>
#include "../../mm/internal.h"
#include "bc.h"
#include "token.h"

static const unsigned int numbers[NR_CONTAINER_VMS] = {
	[CONTAINER_VM_PRIVATE]	= BC_PRIVVMPAGES,
	[CONTAINER_VM_LOCKED]	= BC_LOCKEDPAGES,
};

/* How many pages it has. */
static unsigned long pages_of(const struct mm_struct *mm, unsigned int which)
{
	if (which == CONTAINER_VM_LOCKED)
		/* who has mmap_lock may be changing it: then this is late, see above */
		return data_race(READ_ONCE(mm->locked_vm));
	/* likewise */
	return data_race(READ_ONCE(mm->data_vm) + READ_ONCE(mm->stack_vm));
}

/* What is charged is kept as one more than it is: 0 is "not counted". */
static unsigned long charged_for(const struct mm_struct *mm, unsigned int which)
{
	unsigned long charged = READ_ONCE(mm->container_vm.charged[which]);

	return charged ? charged - 1 : 0;
}

static void set_charged(struct mm_struct *mm, unsigned int which, unsigned long nr)
{
	WRITE_ONCE(mm->container_vm.charged[which], nr + 1);
}

static bool is_up_to_date(const struct mm_struct *mm)
{
	unsigned int i;

	for (i = 0; i < NR_CONTAINER_VMS; i++)
		if (READ_ONCE(mm->container_vm.charged[i]) != pages_of(mm, i) + 1)
			return false;
	return true;
}

/* Charge what @mm has, and no more. ctn->lock is held, and @mm is in @ctn. */
static void update_charge(struct container *ctn, struct beancounter *bc, struct mm_struct *mm)
{
	unsigned int i;

	for (i = 0; i < NR_CONTAINER_VMS; i++) {
		struct bc_row *row = &bc->row[numbers[i]];
		const struct bc_resource *res = bc_resource(numbers[i]);
		unsigned long was = charged_for(mm, i), now = pages_of(mm, i);

		if (now > was)
			bc_row_charge(row, res, ctn, now - was, BC_FORCE);
		else if (now < was)
			bc_row_uncharge(row, res, ctn, was - now);
		set_charged(mm, i, now);
	}
}

/* ---- hooks ---- */

/*
 * The container where @mm is counted, and its beancounters, or NULL. Within RCU; under
 * its lock it has to be seen whether it is still there.
 */
static struct container *counted_in(struct mm_struct *mm, struct beancounter **bc)
{
	struct container *ctn = mm_container(mm);

	/* what is in them is there: pairs with container_make_bc() */
	*bc = ctn ? smp_load_acquire(&ctn->bc) : NULL;
	return *bc ? ctn : NULL;
}

/* Charge @nr more than there is. 0 or -ENOMEM. */
static int charge(struct mm_struct *mm, unsigned int which, unsigned long nr,
		  enum bc_severity severity)
{
	unsigned long was, wanted;
	struct beancounter *bc;
	struct container *ctn;
	bool done = false;
	int err = 0;

	rcu_read_lock();
	while (!done && (ctn = counted_in(mm, &bc))) {
		spin_lock(&ctn->lock);
		done = mm_container(mm) == ctn;
		was = charged_for(mm, which);
		wanted = pages_of(mm, which) + nr;
		if (done && wanted > was) {
			err = bc_row_charge(&bc->row[numbers[which]],
					    bc_resource(numbers[which]), ctn,
					    wanted - was, severity);
			if (!err)
				set_charged(mm, which, wanted);
		}
		spin_unlock(&ctn->lock);
	}
	rcu_read_unlock();
	return err;
}

int __container_charge_private(struct mm_struct *mm, long nr, enum bc_severity severity)
{
	return charge(mm, CONTAINER_VM_PRIVATE, nr, severity);
}

int __container_charge_locked(struct mm_struct *mm, long nr)
{
	return charge(mm, CONTAINER_VM_LOCKED, nr,
		      has_capability_noaudit(current, CAP_IPC_LOCK) ? BC_LIMIT :
								     BC_BARRIER);
}

void __container_update_vm(struct mm_struct *mm)
{
	struct beancounter *bc;
	struct container *ctn;

	/* what has changed comes first: see above */
	smp_mb();
	if (!READ_ONCE(mm->container_token))
		return;

	rcu_read_lock();
	while ((ctn = counted_in(mm, &bc)) && !is_up_to_date(mm)) {
		spin_lock(&ctn->lock);
		if (mm_container(mm) == ctn)
			update_charge(ctn, bc, mm);
		spin_unlock(&ctn->lock);
	}
	rcu_read_unlock();
}
EXPORT_SYMBOL(__container_update_vm);

int __container_dup_vm(struct mm_struct *mm, struct mm_struct *oldmm)
{
	struct vm_area_struct *vma;
	struct vma_iterator vmi;
	struct beancounter *bc;
	unsigned long nr = 0;
	bool counted;

	rcu_read_lock();
	counted = counted_in(mm, &bc);
	rcu_read_unlock();
	if (!counted)
		return 0;

	vma_iter_init(&vmi, oldmm, 0);
	for_each_vma(vmi, vma)
		if (!(vma->vm_flags & VM_DONTCOPY) && is_private_mapping(vma->vm_flags))
			nr += vma_pages(vma);
	return charge(mm, CONTAINER_VM_PRIVATE, nr, BC_BARRIER);
}

/* ---- membership ---- */

/*
 * @mm has just been put into @ctn. What it has is charged, even if that is more than the
 * limit: who may move it in may as well leave it, or take it, where there is none, and
 * have that much besides. Context: ctn->lock held.
 */
void container_vm_joined(struct container *ctn, struct mm_struct *mm)
{
	struct beancounter *bc;

	/* that it is there comes first: see above */
	smp_mb();
	/* as in counted_in() */
	bc = smp_load_acquire(&ctn->bc);
	if (bc)
		update_charge(ctn, bc, mm);
}

/* @mm is about to be taken out of @ctn. Context: ctn->lock held. */
void container_vm_leaves(struct container *ctn, struct mm_struct *mm)
{
	unsigned int i;

	for (i = 0; i < NR_CONTAINER_VMS; i++) {
		/* what is charged is charged here, and so there are beancounters */
		if (charged_for(mm, i))
			bc_row_uncharge(&ctn->bc->row[numbers[i]],
					bc_resource(numbers[i]), ctn, charged_for(mm, i));
		WRITE_ONCE(mm->container_vm.charged[i], 0);
	}
}

/* ---- reading ---- */

/**
 * container_vm_count - begin to count
 * @ctn: the container.
 * @bc: its beancounters, which all can see by now.
 *
 * Context: May sleep. One at a time.
 */
void container_vm_count(struct container *ctn, struct beancounter *bc)
{
	struct mm_struct *mm;

	/* that they are there comes first: see above */
	smp_mb();
	spin_lock(&ctn->lock);
	list_for_each_entry(mm, &ctn->mms, container_node)
		update_charge(ctn, bc, mm);
	spin_unlock(&ctn->lock);
	/* what is held is all: pairs with container_bc_read() */
	smp_store_release(&bc->counts_vm, true);
}

static unsigned long sum_up(struct container *ctn, unsigned int which)
{
	struct mm_struct *mm;
	unsigned long sum = 0;

	spin_lock(&ctn->lock);
	list_for_each_entry(mm, &ctn->mms, container_node)
		sum += pages_of(mm, which);
	spin_unlock(&ctn->lock);
	return sum;
}

/* What is held of privvmpages, in pages, if it is not counted. Context: Any but an interrupt. */
unsigned long container_private_vm(struct container *ctn)
{
	return sum_up(ctn, CONTAINER_VM_PRIVATE);
}

/* And of lockedpages. */
unsigned long container_locked_vm(struct container *ctn)
{
	return sum_up(ctn, CONTAINER_VM_LOCKED);
}

#ifdef CONFIG_CONTAINERS_DEBUG
/*
 * For each of both: what the mms have, what is charged for them, and what is held. Where
 * nothing is charged these are the same. Context: ctn->lock held.
 */
void container_vm_audit(struct container *ctn, long nr[][3])
{
	struct beancounter *bc = ctn->bc;
	struct mm_struct *mm;
	unsigned int i;

	for (i = 0; i < NR_CONTAINER_VMS; i++) {
		nr[i][0] = 0;
		nr[i][1] = 0;
		list_for_each_entry(mm, &ctn->mms, container_node) {
			nr[i][0] += pages_of(mm, i);
			nr[i][1] += bc ? charged_for(mm, i) : pages_of(mm, i);
		}
		nr[i][2] = bc ? atomic_long_read(&bc->row[numbers[i]].held) : nr[i][1];
	}
}
#endif

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Beancounters of virtual memory: what the rest of mm calls for them. What they count,
 * and what these functions do, is in kernel/container/bc_vm.c.
 *
 * This is for mmap_lock.h, and so for nearly every file: it includes next to nothing.
 */
#ifndef _LINUX_CONTAINER_VM_H
#define _LINUX_CONTAINER_VM_H

#include <linux/container_types.h>
#include <linux/jump_label.h>
#include <linux/mm_types.h>

#ifdef CONFIG_BEANCOUNTERS

DECLARE_STATIC_KEY_FALSE(container_bc_key);

int __container_charge_private(struct mm_struct *mm, long nr, enum bc_severity severity);
int __container_charge_locked(struct mm_struct *mm, long nr);
int __container_dup_vm(struct mm_struct *mm, struct mm_struct *oldmm);
void __container_update_vm(struct mm_struct *mm);

/* Does any container have beancounters? It then stays true. */
static __always_inline bool container_counts_vm(void)
{
	return static_branch_unlikely(&container_bc_key);
}

/**
 * container_charge_private - a process is to have more private memory
 * @mm: whose.
 * @nr: so many pages more than it has now, or less than none: mapped private and
 *	writable, or as a stack.
 * @severity: BC_BARRIER if somebody asks for it, BC_LIMIT for a stack that grows.
 *
 * If it comes to nothing, it is uncharged when the lock is released.
 *
 * Context: mmap_lock held for writing.
 * Return: 0, or -ENOMEM if its container has too much; that has been counted, then.
 */
static __always_inline int
container_charge_private(struct mm_struct *mm, long nr, enum bc_severity severity)
{
	if (container_counts_vm() && nr > 0)
		return __container_charge_private(mm, nr, severity);
	return 0;
}

/**
 * container_charge_locked - a process is to have more memory locked
 * @mm: whose.
 * @nr: so many pages more than it has now.
 *
 * Up to the barrier, or to the limit if the current task has CAP_IPC_LOCK.
 *
 * Context: mmap_lock held for writing.
 * Return: as container_charge_private().
 */
static __always_inline int container_charge_locked(struct mm_struct *mm, long nr)
{
	if (container_counts_vm() && nr > 0)
		return __container_charge_locked(mm, nr);
	return 0;
}

/**
 * container_update_vm - what is charged for a process is what it has
 * @mm: the process's.
 *
 * Context: mmap_lock held for writing, or since then: before it is released.
 */
static __always_inline void container_update_vm(struct mm_struct *mm)
{
	if (container_counts_vm())
		__container_update_vm(mm);
}

/* @mm is new, perhaps a copy of another's struct: it has no memory. */
static inline void container_init_vm(struct mm_struct *mm)
{
	mm->container_vm = (struct container_vm){};
	mm->data_vm = 0;
	mm->stack_vm = 0;
}

/**
 * container_dup_vm - a process is about to get a copy of another's memory
 * @mm: its own, which has none yet.
 * @oldmm: the other's.
 *
 * Context: mmap_lock of both held for writing.
 * Return: as container_charge_private().
 */
static __always_inline int container_dup_vm(struct mm_struct *mm,
					    struct mm_struct *oldmm)
{
	if (container_counts_vm())
		return __container_dup_vm(mm, oldmm);
	return 0;
}

/* That has failed, or been left half done: nobody will use @mm. */
static inline void container_undo_dup_vm(struct mm_struct *mm)
{
	mm->data_vm = 0;
	mm->stack_vm = 0;
}

#else
static inline bool container_counts_vm(void)
{
	return false;
}

static inline int
container_charge_private(struct mm_struct *mm, long nr, enum bc_severity severity)
{
	return 0;
}

static inline int container_charge_locked(struct mm_struct *mm, long nr)
{
	return 0;
}

static inline void container_update_vm(struct mm_struct *mm) { }
static inline void container_init_vm(struct mm_struct *mm) { }
static inline int container_dup_vm(struct mm_struct *mm, struct mm_struct *oldmm)
{
	return 0;
}

static inline void container_undo_dup_vm(struct mm_struct *mm) { }
#endif

#endif /* _LINUX_CONTAINER_VM_H */

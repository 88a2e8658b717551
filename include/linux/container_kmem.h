/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Beancounters of kernel memory: what the allocators call for them. What is counted, and
 * what these functions do, is in kernel/container/bc_kmem.c.
 */
#ifndef _LINUX_CONTAINER_KMEM_H
#define _LINUX_CONTAINER_KMEM_H

#include <linux/gfp_types.h>
#include <linux/jump_label.h>
#include <linux/mm_types.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>

struct inode;
struct kmem_cache;
struct slab;
struct slabobj_ext;

#ifdef CONFIG_BEANCOUNTERS

DECLARE_STATIC_KEY_FALSE(container_bc_key);

int __container_charge_page(struct page *page, gfp_t gfp, unsigned int order);
void __container_uncharge_page(struct page *page);
void __container_split_page(struct page *page, unsigned int order);
bool container_charge_object(struct kmem_cache *s, gfp_t gfp, void *object);
bool container_charge_objects(struct kmem_cache *s, gfp_t gfp, size_t nr, void **p);
void container_uncharge_object(struct kmem_cache *s, struct slab *slab,
			       struct slabobj_ext *exts, void *object);
bool __container_keeps(const void *object, bool kept);
bool __container_keeps_inode(struct inode *inode);

/* Does any container have beancounters? It then stays true. */
static __always_inline bool container_counts_kmem(void)
{
	return static_branch_unlikely(&container_bc_key);
}

DECLARE_STATIC_KEY_FALSE(container_host_key);

/* May somebody be charged for what the current task takes? */
static __always_inline bool container_charges_current(void)
{
	return rcu_access_pointer(current->container) ||
	       static_branch_unlikely(&container_host_key);
}

/**
 * container_charge_page - the current task gets pages for the kernel's own use
 * @page: the first of them.
 * @gfp: how they were asked for.
 * @order: how many they are.
 *
 * As container_charge_one() has it.
 *
 * Context: Any but an NMI. Nobody else knows @page.
 * Return: 0, or -ENOMEM if its container has too much; that has been counted, then.
 */
static __always_inline int __must_check
container_charge_page(struct page *page, gfp_t gfp, unsigned int order)
{
	if (container_counts_kmem())
		return __container_charge_page(page, gfp, order);
	return 0;
}

/**
 * container_uncharge_page - such pages are freed, or the kernel's own use of them ends
 * @page: the first of them; nothing happens if they are not charged as such.
 *
 * Context: Any but an NMI. Nobody else knows @page.
 */
static __always_inline void container_uncharge_page(struct page *page)
{
#ifdef CONFIG_MEMCG
	if (container_counts_kmem())
		__container_uncharge_page(page);
#else
	if (container_counts_kmem() && READ_ONCE(page->container_token))
		__container_uncharge_page(page);
#endif
}

/**
 * container_split_page - pages that were allocated together will be freed one by one
 * @page: the first of them.
 * @order: how many they are.
 *
 * Context: as container_uncharge_page().
 */
static inline void container_split_page(struct page *page, unsigned int order)
{
	if (container_counts_kmem())
		__container_split_page(page, order);
}

/**
 * container_keeps - the current task is the last to let go of a dentry or an inode
 * @object: which is that, in an object of a slab cache or not.
 * @kept: was it kept before, when nobody used it?
 *
 * It is not kept if the container of the task is charged for it, and has so little room
 * that something could fail for what nobody uses. If it was kept before, it still is,
 * until something has failed.
 *
 * Context: a task's; may hold spinlocks.
 * Return: whether it may be kept in case it is used again.
 */
static __always_inline bool container_keeps(const void *object, bool kept)
{
	return !container_counts_kmem() || likely(!rcu_access_pointer(current->container)) ||
	       __container_keeps(object, kept);
}

/**
 * container_keeps_inode - the same of an inode that is clean
 * @inode: the inode, whose i_lock is held.
 *
 * It is kept, too, if it has page cache that is not the container's, or much of it.
 *
 * Context: a task's; holds spinlocks.
 * Return: whether it may be kept.
 */
static __always_inline bool container_keeps_inode(struct inode *inode)
{
	return !container_counts_kmem() || likely(!rcu_access_pointer(current->container)) ||
	       __container_keeps_inode(inode);
}

#else
static inline bool container_counts_kmem(void)
{
	return false;
}

static inline int __must_check
container_charge_page(struct page *page, gfp_t gfp, unsigned int order)
{
	return 0;
}

static inline void container_uncharge_page(struct page *page) { }
static inline void container_split_page(struct page *page, unsigned int order) { }

static inline bool container_keeps(const void *object, bool kept)
{
	return true;
}

static inline bool container_keeps_inode(struct inode *inode)
{
	return true;
}
#endif

#endif /* _LINUX_CONTAINER_KMEM_H */

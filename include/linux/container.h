/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Containers: what the rest of the kernel may call.
 *
 * A container is a set of tasks and files, made as a directory in configfs,
 * to which memory is charged. The hooks here are called where memory is
 * charged, uncharged, moved and mapped anyway; each is a patched-out branch
 * until the first container is made, and all of them are empty with
 * CONFIG_CONTAINERS=n. What they do is in kernel/container/.
 */
#ifndef _LINUX_CONTAINER_H
#define _LINUX_CONTAINER_H

#include <linux/fs.h>
#include <linux/jump_label.h>
#include <linux/mm_types.h>
#include <linux/mmzone.h>
#include <linux/sched.h>

struct container;
struct folio_batch;

/* What somebody is about to do with a page of a shmem file. */
enum container_use {
	CONTAINER_READ,		/* read it, without any lock */
	CONTAINER_SPLICE,	/* read it, with the lock of a pipe */
	CONTAINER_WRITE,	/* write to it, with the inode's lock */
	CONTAINER_RESERVE,	/* so that writing cannot fail later; also with it */
};

#ifdef CONFIG_CONTAINERS

DECLARE_STATIC_KEY_FALSE(containers_key);

/* True once a container has been made; it then stays true. */
static __always_inline bool containers_enabled(void)
{
	return static_branch_unlikely(&containers_key);
}

/*
 * The token: one word for every folio, 0 or the container that is charged for
 * the folio with what has been counted for it there. Whoever changes a token
 * away from a container (xchg or cmpxchg) has taken over that charge and is
 * the one to uncharge it. kernel/container/internal.h has its layout.
 *
 * It lies in the struct page that heads the folio, in the room that memcg_data
 * would use, or else in page_ext.
 */
#define CONTAINER_TOKEN_ACTIVE	1UL	/* counted as active, see internal.h */
#define CONTAINER_TOKEN_SHIFT	17	/* above what it says of the folio: */
#define CONTAINER_ALIGN_SHIFT	8	/* where the container is */

/* The token of a folio that @ctn is charged for, nothing else being counted. */
static inline unsigned long container_token(const struct container *ctn)
{
	return (((unsigned long)ctn - PAGE_OFFSET) >> CONTAINER_ALIGN_SHIFT)
	       << CONTAINER_TOKEN_SHIFT;
}

/*
 * True once a container has had an rss_limit; it then stays true. Only then can
 * a charge fail, and somebody have to wait for it.
 */
DECLARE_STATIC_KEY_FALSE(container_rss_key);

static __always_inline bool container_rss_enabled(void)
{
	return static_branch_unlikely(&container_rss_key);
}

/* bits in task_struct::container_over: before it goes on in user mode, it ... */
#define CONTAINER_OVER_SOFT	1	/* page_limit, by far: sleeps a little */
#define CONTAINER_OVER_HARD	2	/* rss_limit: waits until under it */
#define CONTAINER_OVER_FAILED	4	/* page fault failed: waits for room */
#define CONTAINER_OVER_LET	8	/* one charge may go over rss_limit ... */
#define CONTAINER_OVER_FORCE	16	/* ... whatever it is that is in the way */

#ifdef CONFIG_MEMCG
extern struct page_ext_operations container_page_ext_ops;

/* Reading page_ext is not worth it where this is asked: let the callee do it. */
static __always_inline bool folio_maybe_charged(const struct folio *folio)
{
	return true;
}

/* Not 0 if @folio may be charged: cheaper to collect than to ask. */
static __always_inline unsigned long
folio_token_hint(const struct folio *folio)
{
	return containers_enabled();
}

/* May it be counted as active, on a list that is not? Or the other way round? */
static __always_inline bool folio_maybe_miscounted(const struct folio *folio,
						   enum lru_list lru)
{
	return true;
}

static __always_inline bool folio_maybe_counted_active(const struct folio *folio,
						       enum lru_list lru)
{
	return is_active_lru(lru);
}

/* Would charging @folio to @mm's container change anything? */
static __always_inline bool folio_maybe_not_of(const struct folio *folio,
					       const struct mm_struct *mm)
{
	return true;
}

static inline unsigned long page_container_token(const struct page *page)
{
	return 0;
}
#else
static __always_inline bool folio_maybe_charged(const struct folio *folio)
{
	return READ_ONCE(folio->container_token);
}

static __always_inline unsigned long
folio_token_hint(const struct folio *folio)
{
	return READ_ONCE(folio->container_token);
}

/* The bit is the same in the token and in the number of a list. */
static_assert(!(LRU_ACTIVE ^ CONTAINER_TOKEN_ACTIVE) &&
	      !(LRU_FILE & LRU_ACTIVE) && !(LRU_UNEVICTABLE & LRU_ACTIVE));

static __always_inline bool folio_maybe_miscounted(const struct folio *folio,
						   enum lru_list lru)
{
	unsigned long token = READ_ONCE(folio->container_token);

	/* in this order, as most are not active */
	return ((token ^ lru) & CONTAINER_TOKEN_ACTIVE) && token;
}

static __always_inline bool folio_maybe_counted_active(const struct folio *folio,
						       enum lru_list lru)
{
	return READ_ONCE(folio->container_token) & lru & CONTAINER_TOKEN_ACTIVE;
}

static __always_inline bool folio_maybe_not_of(const struct folio *folio,
					       const struct mm_struct *mm)
{
	return (READ_ONCE(folio->container_token) ^
		READ_ONCE(mm->container_token)) >> CONTAINER_TOKEN_SHIFT;
}

static inline unsigned long page_container_token(const struct page *page)
{
	return page->container_token;
}
#endif

int __container_charge(struct folio *folio, struct mm_struct *mm);
void __container_commit_anon(struct folio *folio, struct mm_struct *mm);
int __container_charge_swapin(struct folio *folio, struct mm_struct *mm);
void __container_commit_swapin(struct folio *folio, struct mm_struct *mm);
int __container_charge_shmem(struct folio *folio,
			     struct address_space *mapping);
int __container_use_shmem(struct address_space *mapping, pgoff_t index,
			  enum container_use use);
bool __container_may_map(struct folio *folio);
void __container_claim_mapping(struct address_space *mapping, gfp_t gfp);
void __container_charge_file(struct folio *folio, struct address_space *mapping,
			     bool refault);
void __container_uncharge(struct folio *folio);
void __container_uncharge_folios(struct folio_batch *folios);
void __container_orphan_later(struct folio *folio);
void __container_replace_folio(struct folio *old, struct folio *new);
void __container_split_folio(struct folio *folio, unsigned int new_order);
void __container_mod_mapped(struct folio *folio, int nr);
void __container_mod_active(struct folio *folio, bool active);
void __container_forget_mapping(struct address_space *mapping);
void __container_dup_mm(struct mm_struct *mm);
void __container_mm_exit(struct mm_struct *mm);
void __container_exec(struct mm_struct *mm);
int __container_can_fork(struct task_struct *child, u64 clone_flags);
void __container_end_fork(struct task_struct *child, bool forked);
void __container_exit(struct task_struct *task);
void __container_throttle(void);
unsigned long container_oom_pages(struct container *ctn);
bool container_oom_eligible(struct container *ctn, struct task_struct *task);
bool container_oom_told(struct container *ctn);
void container_oom_print(struct container *ctn);
void container_oom_killed(struct container *ctn,
			  int (*kill)(struct task_struct *task, void *message),
			  void *message);
vm_fault_t __container_exit_fault(struct vm_area_struct *vma,
				  struct mm_struct *mm, unsigned int flags,
				  vm_fault_t ret);

/*
 * Charging is in three stages. First, where a folio is allocated or comes back
 * from swap, it is charged to a container, if that is below its rss_limit:
 * container_charge(), container_charge_swapin(), container_charge_shmem().
 * Then, where it becomes part of a process or a file, with the lock held that
 * orders this against a change of container, that is set right if need be,
 * which cannot fail: container_commit_anon(), container_commit_swapin(),
 * container_charge_file(). A folio that does not come to that is uncharged
 * when it is freed. Page cache that only becomes part of rss by being mapped is
 * not charged before, so the limit does not make it fail.
 *
 * A page fault that fails at the first stage waits for room in
 * container_exit_fault(), where locks can be dropped, and is tried again.
 */

/**
 * container_charge - charge a new folio to a process's container
 * @folio: the folio, which nobody else knows, and which is not for shmem.
 * @mm: who it is for; NULL for page cache, which is left alone.
 *
 * In a page fault this fails at the limit; elsewhere it then charges what is
 * over it, for one page at least, and the task waits before it returns to user
 * mode.
 *
 * Context: Any, but not from an interrupt.
 * Return: 0 or -ENOMEM.
 */
static __always_inline int container_charge(struct folio *folio,
					    struct mm_struct *mm)
{
	if (containers_enabled() && mm && READ_ONCE(mm->container_token))
		return __container_charge(folio, mm);
	return 0;
}

/**
 * container_commit_anon - a new anonymous folio is mapped
 * @folio: the folio, not yet on an LRU list.
 * @mm: where it is mapped.
 *
 * Context: Atomic, with the page table lock of the mapping held: that lock
 * orders the charge against a task's move to another container.
 */
static __always_inline void container_commit_anon(struct folio *folio,
						  struct mm_struct *mm)
{
	if (containers_enabled() &&
	    folio_maybe_not_of(folio, mm))
		__container_commit_anon(folio, mm);
}

/**
 * container_charge_swapin - charge a folio that is about to be mapped from swap
 * @folio: the folio, locked; it may be in the swap cache and on an LRU list.
 * @mm: where it is to be mapped.
 *
 * A folio that no one maps goes to @mm's container, whoever had it before it
 * was swapped out.
 *
 * Context: Any, but not from an interrupt.
 * Return: 0 or -ENOMEM, as container_charge().
 */
static __always_inline int container_charge_swapin(struct folio *folio,
						   struct mm_struct *mm)
{
	if (containers_enabled() &&
	    folio_maybe_not_of(folio, mm))
		return __container_charge_swapin(folio, mm);
	return 0;
}

/**
 * container_commit_swapin - such a folio is mapped
 * @folio: the folio; it need not have been charged before.
 * @mm: where it is about to be mapped.
 *
 * Context: Atomic, page table lock held, @folio locked.
 */
static __always_inline void container_commit_swapin(struct folio *folio,
						    struct mm_struct *mm)
{
	if (containers_enabled() &&
	    folio_maybe_not_of(folio, mm))
		__container_commit_swapin(folio, mm);
}

/**
 * container_use_shmem - a page of a shmem file is about to be read or written
 * @mapping: the file.
 * @index: which page of it.
 * @use: what for.
 *
 * Comes before container_charge_shmem() where there are no locks but those that
 * @use names: if the page is not there yet, is going to be, and will be charged
 * to the container of the task, this waits for room below rss_limit.
 *
 * Context: May sleep, for long.
 * Return: 0, or -ENOMEM: there is no room, @use is with a lock, and nobody may be
 * killed for that; for CONTAINER_RESERVE nobody ever is.
 */
static inline int container_use_shmem(struct address_space *mapping,
				      pgoff_t index, enum container_use use)
{
	if (container_rss_enabled() && rcu_access_pointer(current->container))
		return __container_use_shmem(mapping, index, use);
	return 0;
}

/**
 * container_claim_mapping - let the current task's container own a file
 * @mapping: the file, to which a folio is about to be added.
 * @gfp: how to allocate.
 *
 * Does nothing if the file is owned, is not a regular file, or the task is in
 * no container. If memory is short, the file just stays without an owner.
 *
 * Context: May sleep if @gfp allows.
 */
static __always_inline void
container_claim_mapping(struct address_space *mapping, gfp_t gfp)
{
	if (containers_enabled() &&
	    !rcu_access_pointer(mapping->container_file) &&
	    rcu_access_pointer(current->container))
		__container_claim_mapping(mapping, gfp);
}

/**
 * container_charge_shmem - charge a shmem folio to its file's owner
 * @folio: the folio, locked, new or from swap.
 * @mapping: the file that it is about to be added to.
 * @gfp: how to allocate.
 *
 * The file is claimed as container_claim_mapping() does. At the limit, a page
 * fault of a task of that container fails; all else charges what is over it,
 * after container_use_shmem() has waited. While nobody has an rss_limit it
 * cannot fail, and so is left to container_charge_file().
 *
 * Context: May sleep if @gfp allows.
 * Return: 0 or -ENOMEM.
 */
static __always_inline int
container_charge_shmem(struct folio *folio, struct address_space *mapping,
		       gfp_t gfp)
{
	container_claim_mapping(mapping, gfp);
	if (container_rss_enabled() &&
	    rcu_access_pointer(mapping->container_file))
		return __container_charge_shmem(folio, mapping);
	return 0;
}

/**
 * container_charge_file - charge a page cache folio to its file's owner
 * @folio: the folio, locked.
 * @mapping: the file, to which @folio has just been added.
 * @refault: whether it was there before, and was reclaimed.
 *
 * Context: Any, but not from an interrupt.
 */
static __always_inline void container_charge_file(struct folio *folio,
						  struct address_space *mapping,
						  bool refault)
{
	if (containers_enabled() &&
	    (rcu_access_pointer(mapping->container_file) ||
	     folio_maybe_charged(folio)))
		__container_charge_file(folio, mapping, refault);
}

/**
 * container_uncharge - a folio leaves the page cache, or is freed
 * @folio: the folio.
 *
 * Context: Any.
 */
static __always_inline void container_uncharge(struct folio *folio)
{
	if (containers_enabled() && folio_maybe_charged(folio))
		__container_uncharge(folio);
}

/* The same for several folios that are about to be freed. */
static __always_inline void container_uncharge_folios(struct folio_batch *folios)
{
	if (containers_enabled())
		__container_uncharge_folios(folios);
}

/**
 * container_orphan_later - a folio in the swap cache loses its last user
 * @folio: the folio; the caller has a reference. It is locked by somebody else,
 *	   so that it cannot be freed, nor be said whether it is to be.
 *
 * Both is done a moment later, if it is charged to a container.
 *
 * Context: Any, but not from an interrupt.
 */
static inline void container_orphan_later(struct folio *folio)
{
	if (containers_enabled() && folio_maybe_charged(folio))
		__container_orphan_later(folio);
}

/**
 * container_replace_folio - one folio takes another's place, and its charge
 * @old: the folio that is going away.
 * @new: the folio that replaces it: as large, not on an LRU list, not mapped.
 *
 * Context: Any.
 */
static __always_inline void container_replace_folio(struct folio *old,
						    struct folio *new)
{
	if (containers_enabled())
		__container_replace_folio(old, new);
}

/**
 * container_split_folio - a folio is split into folios of @new_order
 * @folio: the folio: locked, unmapped, its references frozen.
 * @new_order: the order of each part.
 *
 * Context: Atomic, before any of the new folios can be seen.
 */
static __always_inline void container_split_folio(struct folio *folio,
						  unsigned int new_order)
{
	if (containers_enabled() && folio_maybe_charged(folio))
		__container_split_folio(folio, new_order);
}

/**
 * container_mod_mapped - pages of a file folio become mapped or unmapped
 * @folio: the folio.
 * @nr: how many pages, negative if they are unmapped.
 *
 * Context: Atomic, page table lock held. Where @nr is positive for a folio
 * that had no page mapped, the folio is locked.
 */
static __always_inline void container_mod_mapped(struct folio *folio, int nr)
{
	if (containers_enabled() && folio_maybe_charged(folio))
		__container_mod_mapped(folio, nr);
}

/**
 * container_may_map - may a whole large folio of a file be mapped at once?
 * @folio: the folio.
 *
 * Context: Any.
 * Return: false if that would go over an rss_limit.
 */
static inline bool container_may_map(struct folio *folio)
{
	return !container_rss_enabled() || __container_may_map(folio);
}

/**
 * container_lru_add - a folio is put on an LRU list
 * @folio: the folio. It may have been taken off another without
 *	   container_lru_del(), as reclaim does it.
 * @lru: the list. A multi-generational LRU has no active list: it does not
 *	 call this, and counts none of its folios as active, as PG_active does.
 *
 * Context: lru_lock held.
 */
static __always_inline void container_lru_add(struct folio *folio,
					      enum lru_list lru)
{
	if (containers_enabled() && folio_maybe_miscounted(folio, lru))
		__container_mod_active(folio, is_active_lru(lru));
}

/* The same for a folio that is taken off an LRU list. */
static __always_inline void container_lru_del(struct folio *folio,
					      enum lru_list lru)
{
	if (containers_enabled() && folio_maybe_counted_active(folio, lru))
		__container_mod_active(folio, false);
}

/* An inode is evicted, all its pages are gone. Context: May sleep. */
static inline void container_forget_mapping(struct address_space *mapping)
{
	if (containers_enabled())
		__container_forget_mapping(mapping);
}

/*
 * A copy of the current task's mm belongs to its container; one that is made
 * for exec does not until then. Context: May sleep.
 */
static inline void container_dup_mm(struct mm_struct *mm)
{
	mm->container_token = 0;
	if (containers_enabled() && rcu_access_pointer(current->container))
		__container_dup_mm(mm);
}

/* The last user of @mm has gone, and all its pages. Context: May sleep. */
static inline void container_mm_exit(struct mm_struct *mm)
{
	if (containers_enabled() && READ_ONCE(mm->container_token))
		__container_mm_exit(mm);
}

/* The current task runs on @mm now, and nobody else. Context: May sleep. */
static inline void container_exec(struct mm_struct *mm)
{
	if (containers_enabled())
		__container_exec(mm);
}

/**
 * container_can_fork - may the current task have one more child or thread?
 * @child: the child, complete but not yet visible.
 * @clone_flags: how it was cloned.
 *
 * The child is to be in its parent's container. On success no task changes
 * its container until container_post_fork() or container_cancel_fork().
 *
 * Context: May sleep.
 * Return: 0, or -EAGAIN if the container is at its task_limit.
 */
static inline int container_can_fork(struct task_struct *child, u64 clone_flags)
{
	RCU_INIT_POINTER(child->container, NULL);
	child->container_over = 0;
	child->container_in_fault = false;
	child->container_forking = false;
	if (containers_enabled())
		return __container_can_fork(child, clone_flags);
	return 0;
}

static inline void container_post_fork(struct task_struct *child)
{
	if (containers_enabled() && child->container_forking)
		__container_end_fork(child, true);
}

static inline void container_cancel_fork(struct task_struct *child)
{
	if (containers_enabled() && child->container_forking)
		__container_end_fork(child, false);
}

/* @task, the current one, exits and has left its mm. */
static inline void container_exit(struct task_struct *task)
{
	if (containers_enabled() && rcu_access_pointer(task->container))
		__container_exit(task);
}

/* On the way back to user mode, no locks held: sleep if that is called for. */
static inline void container_throttle(void)
{
	if (containers_enabled() && unlikely(current->container_over))
		__container_throttle();
}

/*
 * A page fault begins and ends. Where it failed for want of room below an
 * rss_limit, or has gone over it, wait until there is some: the lock that the
 * caller holds is dropped for that, as the result then says.
 *
 * Context: the mmap lock, or the lock of @vma by @flags, is held for reading,
 * unless @ret says that it has been dropped. A fault that may not be retried
 * neither fails for a limit nor waits.
 */
static __always_inline bool container_may_wait(unsigned int flags)
{
	return (flags & (FAULT_FLAG_ALLOW_RETRY | FAULT_FLAG_RETRY_NOWAIT)) ==
	       FAULT_FLAG_ALLOW_RETRY;
}

static __always_inline void container_enter_fault(unsigned int flags)
{
	if (container_rss_enabled())
		current->container_in_fault = container_may_wait(flags);
}

static __always_inline vm_fault_t
container_exit_fault(struct vm_area_struct *vma, struct mm_struct *mm,
		     unsigned int flags, vm_fault_t ret)
{
	if (container_rss_enabled()) {
		current->container_in_fault = false;
		if (unlikely(current->container_over))
			return __container_exit_fault(vma, mm, flags, ret);
	}
	return ret;
}

/* Is the current task to wait? Then a system call had better come to its end. */
static inline bool container_must_wait(void)
{
	return container_rss_enabled() &&
	       (current->container_over & CONTAINER_OVER_HARD);
}

#else /* !CONFIG_CONTAINERS */

static inline unsigned long page_container_token(const struct page *page)
{
	return 0;
}

static inline unsigned long folio_token_hint(const struct folio *folio)
{
	return 0;
}

static inline int container_charge(struct folio *folio, struct mm_struct *mm)
{
	return 0;
}

static inline void container_commit_anon(struct folio *folio,
					 struct mm_struct *mm) { }
static inline int container_charge_swapin(struct folio *folio,
					  struct mm_struct *mm)
{
	return 0;
}

static inline void container_commit_swapin(struct folio *folio,
					   struct mm_struct *mm) { }
static inline int container_charge_shmem(struct folio *folio,
					 struct address_space *mapping,
					 gfp_t gfp)
{
	return 0;
}

static inline void container_claim_mapping(struct address_space *mapping,
					   gfp_t gfp) { }
static inline void container_charge_file(struct folio *folio,
					 struct address_space *mapping,
					 bool refault) { }
static inline void container_uncharge(struct folio *folio) { }
static inline void container_uncharge_folios(struct folio_batch *folios) { }
static inline void container_orphan_later(struct folio *folio) { }
static inline void container_replace_folio(struct folio *old,
					   struct folio *new) { }
static inline void container_split_folio(struct folio *folio,
					 unsigned int new_order) { }
static inline void container_mod_mapped(struct folio *folio, int nr) { }
static inline void container_lru_add(struct folio *folio, enum lru_list lru) { }
static inline void container_lru_del(struct folio *folio, enum lru_list lru) { }
static inline void container_forget_mapping(struct address_space *mapping) { }
static inline void container_dup_mm(struct mm_struct *mm) { }
static inline void container_mm_exit(struct mm_struct *mm) { }
static inline void container_exec(struct mm_struct *mm) { }
static inline int container_can_fork(struct task_struct *child, u64 clone_flags)
{
	return 0;
}

static inline void container_post_fork(struct task_struct *child) { }
static inline void container_cancel_fork(struct task_struct *child) { }
static inline void container_exit(struct task_struct *task) { }
static inline void container_throttle(void) { }
static inline int container_use_shmem(struct address_space *mapping,
				      pgoff_t index, enum container_use use)
{
	return 0;
}

static inline bool container_may_map(struct folio *folio)
{
	return true;
}

static inline void container_enter_fault(unsigned int flags) { }
static inline vm_fault_t
container_exit_fault(struct vm_area_struct *vma, struct mm_struct *mm,
		     unsigned int flags, vm_fault_t ret)
{
	return ret;
}

static inline bool container_must_wait(void)
{
	return false;
}

static inline unsigned long container_oom_pages(struct container *ctn)
{
	return 0;
}

static inline bool container_oom_eligible(struct container *ctn,
					  struct task_struct *task)
{
	return true;
}

static inline bool container_oom_told(struct container *ctn)
{
	return false;
}

static inline void container_oom_print(struct container *ctn) { }
static inline void
container_oom_killed(struct container *ctn,
		     int (*kill)(struct task_struct *task, void *message),
		     void *message) { }

#endif /* CONFIG_CONTAINERS */

#endif /* _LINUX_CONTAINER_H */

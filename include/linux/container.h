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

#include <linux/container_types.h>
#include <linux/fs.h>
#include <linux/jump_label.h>
#include <linux/mm_types.h>
#include <linux/mmzone.h>
#include <linux/sched.h>
#include <uapi/linux/beancounter.h>

struct container;
struct folio_batch;
struct list_head;
struct pid;
struct pid_namespace;
struct seq_file;

/* In task_struct::container_flags */
#define CONTAINER_TASK_THROTTLED 1	/* to sleep on its way back to user mode */
#define CONTAINER_TASK_SHORT	2	/* in this system call a charge has failed, */
#define CONTAINER_TASK_GAVE_UP	4	/* and it has waited for room in vain */
#define CONTAINER_TASK_FAULT	8	/* in a page fault, */
#define CONTAINER_TASK_OVER	16	/* in which kmemsize has gone over its limit */
#define CONTAINER_TASK_FORCE	32	/* what it takes for the kernel is not refused */
#define CONTAINER_TASK_WAITS_RCU 64	/* to wait on that way for what RCU is to free */

#ifdef CONFIG_CONTAINERS

DECLARE_STATIC_KEY_FALSE(containers_key);

/* True once a container has been made; it then stays true. */
static __always_inline bool containers_enabled(void)
{
	return static_branch_unlikely(&containers_key);
}

/* Is the current task in a container? That is who pays for what it brings in. */
static __always_inline bool current_has_container(void)
{
	return containers_enabled() && rcu_access_pointer(current->container);
}

/*
 * The token: one word for every folio, 0 or a name of the container that is
 * charged for the folio with what has been counted for it there. Whoever changes
 * a token away from a container (xchg or cmpxchg) has taken over that charge and
 * is the one to uncharge it. kernel/container/token.h has its layout.
 *
 * A token is weak: it names an entry of a table and the generation of that
 * entry, and once the container is removed it names nobody. It has to be looked
 * up within RCU each time.
 *
 * It lies in the struct page that heads the folio, in the room that memcg_data
 * would use, or else in page_ext.
 */
#define CONTAINER_TOKEN_ACTIVE	1UL	/* counted as active, see token.h */
#define CONTAINER_TOKEN_SHIFT	17	/* above what it says of the folio: */

/* In address_space::container_files, beside the address: see file.c */
#define CONTAINER_FILES_HELD	1UL

/*
 * True once a container has had an rss_limit; it then stays true. Only then can
 * a charge fail, and somebody have to wait for it.
 */
DECLARE_STATIC_KEY_FALSE(container_rss_key);

static __always_inline bool container_rss_enabled(void)
{
	return static_branch_unlikely(&container_rss_key);
}

/* True once a page fault may have to wait for room, or take too much for the kernel. */
DECLARE_STATIC_KEY_FALSE(container_fault_key);

static __always_inline bool container_fault_enabled(void)
{
	return static_branch_unlikely(&container_fault_key);
}

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

int __container_charge(struct folio *folio, struct mm_struct *mm, gfp_t gfp);
void __container_commit_anon(struct folio *folio, struct mm_struct *mm);
int __container_charge_swapin(struct folio *folio, struct mm_struct *mm);
void __container_commit_swapin(struct folio *folio, struct mm_struct *mm);
bool __container_has_room(struct mm_struct *mm);
int __container_charge_cache(struct folio *folio, struct address_space *mapping,
			     gfp_t gfp);
void __container_cache_added(struct folio *folio, struct address_space *mapping,
			     bool refault);
bool __container_may_collapse(struct address_space *mapping,
			      struct list_head *folios, struct mm_struct *mm,
			      int nr_none);
void __container_collapse(struct folio *new, struct address_space *mapping,
			  struct list_head *folios);
void __container_uncharge(struct folio *folio);
void __container_uncharge_folios(struct folio_batch *folios);
void __container_orphan_later(struct folio *folio);
void __container_free_orphan(struct folio *folio);
void __container_replace_folio(struct folio *old, struct folio *new);
void __container_split_folio(struct folio *folio, unsigned int new_order);
void __container_mod_mapped(struct folio *folio, int nr);
void __container_mod_active(struct folio *folio, bool active);
void __container_forget_mapping(struct address_space *mapping);
void __container_join_mm(struct mm_struct *mm);
void __container_mm_exit(struct mm_struct *mm);
void __container_exec(struct mm_struct *mm);
int __container_can_fork(struct task_struct *child, u64 clone_flags);
void __container_end_fork(struct task_struct *child, bool forked);
void __container_exit(struct task_struct *task);
int proc_container_show(struct seq_file *m, struct pid_namespace *ns,
			struct pid *pid, struct task_struct *task);
void __container_stall_begin(void);
void __container_stall_end(void);
void __container_resume_user_mode(void);
bool __container_wait_for_room(void);
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
 * Memory is held or droppable. Anonymous pages are held, and so are pages of a
 * file that can be neither written back nor reclaimed: shmem, tmpfs, ramfs and
 * the like. All other page cache is droppable. rss_limit is about what is held,
 * and only charging that can fail.
 *
 * An anonymous folio is charged where it is allocated, container_charge(), or
 * read from swap, container_charge_swapin(). Where it is mapped, with the page
 * table lock that orders this against a move of the mm, the charge is set right
 * if the mm has been moved meanwhile: container_commit_anon(),
 * container_commit_swapin().
 *
 * A folio of a file is charged before it is added, container_charge_cache(), if
 * it is held; else once it is there, container_cache_added(), to who owns the
 * file then.
 *
 * A folio that does not come to be used is uncharged when it is freed.
 *
 * When a charge fails its caller fails as it does without memory. In a page
 * fault the task then waits for room in container_exit_fault(), where locks can
 * be dropped, and tries again. Some system calls do the same by
 * container_wait_for_room(). All others get their error.
 */

/**
 * container_charge - charge a new anonymous folio to a process's container
 * @folio: the folio, which nobody else knows.
 * @mm: who it is for.
 * @gfp: with __GFP_NOFAIL this does not fail.
 *
 * Context: Any, but not from an interrupt.
 * Return: 0 or -ENOMEM.
 */
static __always_inline int __must_check
container_charge(struct folio *folio, struct mm_struct *mm, gfp_t gfp)
{
	if (containers_enabled() && READ_ONCE(mm->container_token))
		return __container_charge(folio, mm, gfp);
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
static __always_inline int
container_charge_swapin(struct folio *folio, struct mm_struct *mm)
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
 * container_has_room - is it worth reading a page from swap?
 * @mm: who it is for.
 *
 * If not this counts as a charge that has failed.
 *
 * Context: Any, but not from an interrupt.
 * Return: false if @mm's container is at its rss_limit.
 */
static inline bool container_has_room(struct mm_struct *mm)
{
	if (container_rss_enabled() && READ_ONCE(mm->container_token))
		return __container_has_room(mm);
	return true;
}

/**
 * container_wait_for_room - wait for room below rss_limit
 *
 * To be called where something has failed with -ENOMEM. Nobody is killed for
 * the room: that is for page faults, which cannot just return an error.
 *
 * Context: May sleep, for ten seconds at most, killably. Others may be after a
 * lock that the caller has: kcontainerd does without.
 * Return: true if it was a charge to the current task's container that failed,
 * and there may be room now.
 */
static inline bool container_wait_for_room(void)
{
	if (container_rss_enabled() && current->container_wanted)
		return __container_wait_for_room();
	return false;
}

/**
 * container_charge_cache - charge a folio that is about to be added to a file
 * @folio: the folio, locked or new; new, or shmem from swap.
 * @mapping: the file.
 * @gfp: how to allocate; with __GFP_NOFAIL this does not fail.
 *
 * A folio of held memory is charged to the container that @mapping was named
 * for, if that has room, or to the current task's. A file of droppable cache
 * that nobody owns comes to belong to the current task's container.
 *
 * Context: May sleep if @gfp allows.
 * Return: 0 or -ENOMEM.
 */
static __always_inline int __must_check
container_charge_cache(struct folio *folio, struct address_space *mapping,
		       gfp_t gfp)
{
	unsigned long files;

	if (!containers_enabled())
		return 0;
	files = READ_ONCE(mapping->container_files);
	if (files ? files & CONTAINER_FILES_HELD :
		    !!rcu_access_pointer(current->container))
		return __container_charge_cache(folio, mapping, gfp);
	return 0;
}

/**
 * container_cache_added - a folio has been added to a file
 * @folio: the folio, locked.
 * @mapping: the file.
 * @refault: whether it was there before, and was reclaimed.
 *
 * Context: Any, but not from an interrupt.
 */
static __always_inline void container_cache_added(struct folio *folio,
						  struct address_space *mapping,
						  bool refault)
{
	if (containers_enabled() && READ_ONCE(mapping->container_files))
		__container_cache_added(folio, mapping, refault);
}

/**
 * container_may_collapse - may folios of a file be replaced by a large one?
 * @mapping: the file.
 * @folios: the folios, linked by their lru, locked and isolated.
 * @mm: for whom.
 * @nr_none: how many pages there will be that are not there now.
 *
 * Held memory stays with who is charged for it: all of it must be one's, and
 * what is new the same's.
 *
 * Context: May sleep.
 * Return: whether they may.
 */
static inline bool container_may_collapse(struct address_space *mapping,
					  struct list_head *folios,
					  struct mm_struct *mm, int nr_none)
{
	return !containers_enabled() ||
	       __container_may_collapse(mapping, folios, mm, nr_none);
}

/* That is done: @new takes their place. Context: i_pages locked. */
static inline void container_collapse(struct folio *new,
				      struct address_space *mapping,
				      struct list_head *folios)
{
	if (containers_enabled())
		__container_collapse(new, mapping, folios);
}

/**
 * container_uncharge - a folio is freed
 * @folio: the folio.
 *
 * Context: Any.
 */
static __always_inline void container_uncharge(struct folio *folio)
{
	if (containers_enabled() && folio_maybe_charged(folio))
		__container_uncharge(folio);
}

/**
 * container_cache_removed - a folio is taken out of a file
 * @folio: the folio, locked.
 * @mapping: the file.
 *
 * Who has a reference can keep it for as long as he likes. If it is held memory it
 * stays charged until it is freed.
 *
 * Context: Atomic, i_pages locked.
 */
static __always_inline void
container_cache_removed(struct folio *folio, struct address_space *mapping)
{
	if (containers_enabled() && folio_maybe_charged(folio) &&
	    !(READ_ONCE(mapping->container_files) & CONTAINER_FILES_HELD))
		__container_uncharge(folio);
}

/* container_uncharge() for several folios that are about to be freed. */
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
 * container_free_orphan - who holds a folio's lock is about to let go of it
 * @folio: the folio, locked; the caller has a reference.
 *
 * If it is in the swap cache and has lost its last user meanwhile, who could not
 * see or lock it, its swap space is freed. If it is being written, nobody is
 * charged for it from here on. Else nothing happens.
 *
 * Context: Any, but not from an interrupt. A spinlock of page tables may be held.
 */
static inline void container_free_orphan(struct folio *folio)
{
	if (IS_ENABLED(CONFIG_SWAP) && containers_enabled() &&
	    folio_maybe_charged(folio))
		__container_free_orphan(folio);
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
 * @mm is a copy of the current task's, or is made for it to exec, and belongs to
 * its container. Context: May sleep.
 */
static inline void container_join_mm(struct mm_struct *mm)
{
	mm->container_token = 0;
	if (current_has_container())
		__container_join_mm(mm);
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
	child->container_stall = 0;
	child->container_wanted = 0;
	child->container_flags = 0;
	child->container_forking = 0;
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

/*
 * The current task waits for memory from now on, or does not any more: for what is
 * outermost of psi_memstall_enter() and psi_memstall_leave(). Context: not from an
 * interrupt, and with interrupts on; a page table lock may be held.
 */
static inline void container_stall_begin(void)
{
	if (current_has_container())
		__container_stall_begin();
}

static inline void container_stall_end(void)
{
	if (containers_enabled() && unlikely(current->container_stall))
		__container_stall_end();
}

/* On the way back to user mode, no locks held: sleep if that is called for. */
static inline void container_resume_user_mode(void)
{
	if (containers_enabled() &&
	    unlikely(current->container_flags &
		     (CONTAINER_TASK_THROTTLED | CONTAINER_TASK_WAITS_RCU)))
		__container_resume_user_mode();
}

/*
 * A system call has ended, or a signal is to be handled: what comes now may wait for
 * room below rss_limit, whether that call has in vain or not.
 */
static inline void container_end_syscall(void)
{
	if (container_rss_enabled() &&
	    unlikely(current->container_flags & CONTAINER_TASK_SHORT)) {
		current->container_wanted = 0;
		current->container_flags &= ~(CONTAINER_TASK_SHORT |
					      CONTAINER_TASK_GAVE_UP);
	}
}

/* A page fault begins: what has failed before is not why it may fail. */
static inline void container_enter_fault(void)
{
	if (container_fault_enabled()) {
		current->container_wanted = 0;
		current->container_flags |= CONTAINER_TASK_FAULT;
	}
}

/**
 * container_kmem_save - what the kernel allocates from here on is treated otherwise
 * @how: CONTAINER_TASK_FAULT: as in a page fault, at whose end the task is killed if it is
 *	 too much. CONTAINER_TASK_FORCE: it is counted, and not refused.
 *
 * Context: Any but an interrupt.
 * Return: what to give to container_kmem_restore() where that ends.
 */
static inline unsigned int container_kmem_save(unsigned int how)
{
	unsigned int flags = 0;

	if (container_fault_enabled()) {
		flags = how & ~current->container_flags;
		current->container_flags |= how;
	}
	return flags;
}

static inline void container_kmem_restore(unsigned int flags)
{
	if (container_fault_enabled())
		current->container_flags &= ~flags;
}

/* Has it failed for want of room below an rss_limit? */
static inline bool container_is_short(void)
{
	return container_rss_enabled() && current->container_wanted;
}

/**
 * container_exit_fault - a page fault ends
 * @vma: where it was; not to be used if @ret says that its lock was dropped.
 * @mm: whose that is.
 * @flags: FAULT_FLAG_*.
 * @ret: how it went.
 *
 * If it failed for want of room below an rss_limit, and may be tried again, wait
 * until there is some. If it has taken more than the limit of kmemsize, the task is
 * killed.
 *
 * Context: the mmap lock, or the lock of @vma by @flags, is held for reading,
 * unless @ret says that it has been dropped.
 * Return: @ret, or VM_FAULT_RETRY with that lock dropped.
 */
static __always_inline vm_fault_t
container_exit_fault(struct vm_area_struct *vma, struct mm_struct *mm,
		     unsigned int flags, vm_fault_t ret)
{
	if (container_fault_enabled()) {
		current->container_flags &= ~CONTAINER_TASK_FAULT;
		if (unlikely(current->container_flags &
			     (CONTAINER_TASK_SHORT | CONTAINER_TASK_OVER)))
			return __container_exit_fault(vma, mm, flags, ret);
	}
	return ret;
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

static inline int __must_check
container_charge(struct folio *folio, struct mm_struct *mm, gfp_t gfp)
{
	return 0;
}

static inline void container_commit_anon(struct folio *folio,
					 struct mm_struct *mm) { }
static inline int
container_charge_swapin(struct folio *folio, struct mm_struct *mm)
{
	return 0;
}

static inline void container_commit_swapin(struct folio *folio,
					   struct mm_struct *mm) { }
static inline bool container_has_room(struct mm_struct *mm)
{
	return true;
}

static inline bool container_wait_for_room(void)
{
	return false;
}

static inline int __must_check
container_charge_cache(struct folio *folio, struct address_space *mapping,
		       gfp_t gfp)
{
	return 0;
}

static inline void container_cache_added(struct folio *folio,
					 struct address_space *mapping,
					 bool refault) { }
static inline bool container_may_collapse(struct address_space *mapping,
					  struct list_head *folios,
					  struct mm_struct *mm, int nr_none)
{
	return true;
}

static inline void container_collapse(struct folio *new,
				      struct address_space *mapping,
				      struct list_head *folios) { }
static inline void container_uncharge(struct folio *folio) { }
static inline void
container_cache_removed(struct folio *folio, struct address_space *mapping) { }
static inline void container_uncharge_folios(struct folio_batch *folios) { }
static inline void container_orphan_later(struct folio *folio) { }
static inline void container_free_orphan(struct folio *folio) { }
static inline void container_replace_folio(struct folio *old,
					   struct folio *new) { }
static inline void container_split_folio(struct folio *folio,
					 unsigned int new_order) { }
static inline void container_mod_mapped(struct folio *folio, int nr) { }
static inline void container_lru_add(struct folio *folio, enum lru_list lru) { }
static inline void container_lru_del(struct folio *folio, enum lru_list lru) { }
static inline void container_forget_mapping(struct address_space *mapping) { }
static inline void container_join_mm(struct mm_struct *mm) { }
static inline void container_mm_exit(struct mm_struct *mm) { }
static inline void container_exec(struct mm_struct *mm) { }
static inline int container_can_fork(struct task_struct *child, u64 clone_flags)
{
	return 0;
}

static inline void container_post_fork(struct task_struct *child) { }
static inline void container_cancel_fork(struct task_struct *child) { }
static inline void container_exit(struct task_struct *task) { }
static inline void container_stall_begin(void) { }
static inline void container_stall_end(void) { }
static inline void container_resume_user_mode(void) { }
static inline void container_end_syscall(void) { }
static inline void container_enter_fault(void) { }
static inline unsigned int container_kmem_save(unsigned int how) { return 0; }
static inline void container_kmem_restore(unsigned int flags) { }
static inline bool container_is_short(void) { return false; }
static inline bool current_has_container(void) { return false; }
static inline vm_fault_t
container_exit_fault(struct vm_area_struct *vma, struct mm_struct *mm,
		     unsigned int flags, vm_fault_t ret)
{
	return ret;
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

#ifdef CONFIG_BEANCOUNTERS

DECLARE_STATIC_KEY_FALSE(container_bc_key);

int __container_charge_one(struct container_owner *owner, unsigned int nr,
			   enum bc_severity severity);
int __container_charge_task(struct container_owner *owner, struct task_struct *task,
			    unsigned int nr, enum bc_severity severity);
void __container_charge_uncounted(struct container_owner *owner, unsigned int nr);
int __container_charge_like(struct container_owner *owner,
			    const struct container_owner *like, unsigned int nr,
			    enum bc_severity severity);
int __container_charge_instead(struct container_owner *owner, unsigned int is,
			       struct container_owner *old, unsigned int was,
			       unsigned int nr, enum bc_severity severity);
void __container_uncharge_many(struct container_owner *owner, unsigned int nr,
			       unsigned int val);

/**
 * container_charge_one - the current task makes one more of what is counted
 * @owner: of the object, or for it; set, whatever it was.
 * @nr: BC_NUMFILE and the like.
 * @severity: BC_BARRIER if it can be refused, BC_LIMIT if that does harm, BC_FORCE
 *	      if it has to be there.
 *
 * Nobody is charged for a task in a container without beancounters. What is made in an
 * interrupt, or by a task in none, is the host's, if that is counted.
 *
 * Context: Any but an NMI.
 * Return: 0, or -ENOMEM if its container has too many; that has been counted, then. Not
 *	   with BC_FORCE.
 */
static __always_inline int container_charge_one(struct container_owner *owner,
						unsigned int nr,
						enum bc_severity severity)
{
	if (static_branch_unlikely(&container_bc_key))
		return __container_charge_one(owner, nr, severity);
	owner->token = 0;
	return 0;
}

/**
 * container_charge_task - there is one more of what is counted, for a task
 * @owner: of the object, or for it; set, whatever it was.
 * @task: who is to have it; stays within RCU.
 * @nr: as for container_charge_one(), as is
 * @severity: this.
 *
 * Context: Any but an NMI.
 * Return: as container_charge_one().
 */
static __always_inline int container_charge_task(struct container_owner *owner,
						 struct task_struct *task,
						 unsigned int nr,
						 enum bc_severity severity)
{
	if (static_branch_unlikely(&container_bc_key))
		return __container_charge_task(owner, task, nr, severity);
	owner->token = 0;
	return 0;
}

/**
 * container_charge_uncounted - if an object is in no container, the current task has it
 * @owner: of the object.
 * @nr: as for container_charge_one().
 *
 * It is counted even if that is more than the limit, and not for the host any more if it was.
 * Several may call this at once.
 *
 * Context: Any but an NMI.
 */
static __always_inline void container_charge_uncounted(struct container_owner *owner,
						       unsigned int nr)
{
	if (static_branch_unlikely(&container_bc_key))
		__container_charge_uncounted(owner, nr);
}

/**
 * container_charge_like - there is one more, where another is counted
 * @owner: of the object, or for it; set, whatever it was.
 * @like: of the other.
 * @nr: as for container_charge_one(), as is
 * @severity: this.
 *
 * Context: Any but an NMI.
 * Return: as container_charge_one().
 */
static __always_inline int container_charge_like(struct container_owner *owner,
						 const struct container_owner *like,
						 unsigned int nr,
						 enum bc_severity severity)
{
	if (static_branch_unlikely(&container_bc_key) && READ_ONCE(like->token))
		return __container_charge_like(owner, like, nr, severity);
	owner->token = 0;
	return 0;
}

/**
 * container_charge_instead - the current task has something take the place of another
 * @owner: of what is new, or for it; set, whatever it was.
 * @is: how many that is, as container_uncharge_many() will be told.
 * @old: of what it takes the place of. If the same container has both, that is counted no more.
 * @was: how many that is.
 * @nr: as for container_charge_one(), as is
 * @severity: this.
 *
 * Context: Any but an NMI. Nobody else charges or uncharges any of the two.
 * Return: as container_charge_one(), and then @old is counted as it was.
 */
static __always_inline int container_charge_instead(struct container_owner *owner,
						    unsigned int is,
						    struct container_owner *old,
						    unsigned int was, unsigned int nr,
						    enum bc_severity severity)
{
	if (static_branch_unlikely(&container_bc_key))
		return __container_charge_instead(owner, is, old, was, nr, severity);
	owner->token = 0;
	return 0;
}

/**
 * container_uncharge_many - so many are freed
 * @owner: of all of them.
 * @nr: what they were charged as.
 * @val: how many.
 *
 * Context: Any but an NMI.
 */
static __always_inline void container_uncharge_many(struct container_owner *owner,
						    unsigned int nr, unsigned int val)
{
	if (static_branch_unlikely(&container_bc_key) && owner->token)
		__container_uncharge_many(owner, nr, val);
}

/**
 * container_uncharge_one - it is freed
 * @owner: of the object.
 * @nr: what it was charged as.
 *
 * Context: Any but an NMI.
 */
static __always_inline void container_uncharge_one(struct container_owner *owner,
						   unsigned int nr)
{
	container_uncharge_many(owner, nr, 1);
}

/* One object takes another's place: it is counted where that was, which is not any more. */
static __always_inline void container_move_owner(struct container_owner *to,
						 struct container_owner *from)
{
	*to = *from;
	from->token = 0;
}

#else
static inline int container_charge_one(struct container_owner *owner, unsigned int nr,
				       enum bc_severity severity)
{
	return 0;
}

static inline int container_charge_task(struct container_owner *owner,
					struct task_struct *task, unsigned int nr,
					enum bc_severity severity)
{
	return 0;
}

static inline void container_charge_uncounted(struct container_owner *owner,
					      unsigned int nr)
{
}

static inline void container_move_owner(struct container_owner *to,
					struct container_owner *from)
{
}

static inline int container_charge_like(struct container_owner *owner,
					const struct container_owner *like,
					unsigned int nr, enum bc_severity severity)
{
	return 0;
}

static inline int container_charge_instead(struct container_owner *owner, unsigned int is,
					   struct container_owner *old, unsigned int was,
					   unsigned int nr, enum bc_severity severity)
{
	return 0;
}

static inline void container_uncharge_many(struct container_owner *owner, unsigned int nr,
					   unsigned int val)
{
}

static inline void container_uncharge_one(struct container_owner *owner,
					  unsigned int nr)
{
}
#endif /* CONFIG_BEANCOUNTERS */

#endif /* _LINUX_CONTAINER_H */

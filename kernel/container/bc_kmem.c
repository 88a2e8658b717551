// SPDX-License-Identifier: GPL-2.0
/*
 * Beancounters of kernel memory: kmemsize, which is what the kernel cannot give back
 * while it is used, and dcachesize, which is what it keeps in case it is used again:
 * dentries, inodes, and the like. Bytes.
 *
 * It is counted where somebody asks for it with __GFP_ACCOUNT, or from a cache with
 * SLAB_ACCOUNT: the kernel has marked so what a user can make it allocate. Where it has
 * not, and there has to be a limit all the same, it is GFP_KERNEL_BC and SLAB_BC. An
 * object is counted as large as its cache says that objects are, without what debugging
 * adds; pages are counted as pages. The pages of a slab are not counted themselves.
 *
 * Charged is the container of the task that allocates. It stays so until it is freed,
 * whoever has it by then, and wherever the task goes. Objects have a token in the vector
 * that SLUB has for those who want to know whose they are, pages in the room of a folio's.
 * When the container is removed its tokens name nobody, and there is nothing to uncharge.
 *
 * Of dcachesize as little as can be is to fail for names and clean inodes that nobody uses. What
 * these are cannot be found: the kernel has lists of all of them, but not of one container's. So
 * where less than an eighth is left below the barrier, a dentry or an inode that is charged to
 * a container is not kept when its last user, a task of the container, lets go of it: see
 * container_keeps(). What is there already stays, and what others let go of is kept. RCU frees
 * these, and names and inodes that are never kept, so that they are charged for a moment more:
 * where less than an eighth is left, a task that has taken more waits for a grace period on its
 * way back to user mode, but not for each bit of it: see wait_for_freed_later(). Once an
 * allocation has failed, what was kept goes as well when it has been used once more, until
 * there is an eighth again.
 *
 * An allocation that does not fit fails, but for these:
 *
 *  - page tables may go over the barrier up to the limit;
 *
 *  - what is allocated without __GFP_FS or __GFP_IO, or in a scope without, is charged in
 *    any case: a file system that has begun to change something on disk may not be able to
 *    go back. Whoever asks for something else next is refused;
 *
 *  - so are new credentials, user numbers and nodes of maple trees: there are those who go
 *    on without them, and do harm;
 *
 *  - so are nodes and buffer heads of the page cache as far as they go with its pages, of
 *    which there are as many as page_limit says. Nor do they take room from names and inodes;
 *
 *  - so is what is wanted by a task that does without memory in order to free some, exits,
 *    or is to be killed;
 *
 *  - an allocation in a page fault, or for a stack that grows, must not fail: it would be
 *    tried again for ever, or the task be killed. Up to the limit it is charged; over it is
 *    charged as well, and if it is kmemsize the task is killed when the fault ends. For
 *    dcachesize nobody is: it can be freed, and much of it goes with page cache.
 *
 * Locks: none is taken, as this is called with any of the kernel's held. Those who watch
 * are told by an irq_work for that reason. A charge and the token that says so, or both
 * ends, are within one section without preemption: so the audit, which stops the machine,
 * sees all of it or nothing.
 */
#include <linux/buffer_head.h>
#include <linux/container.h>
#include <linux/container_kmem.h>
#include <linux/memcontrol.h>
#include <linux/oom.h>
#include <linux/pagemap.h>
#include <linux/rcupdate.h>
#include <linux/resume_user_mode.h>
#include <linux/sched/signal.h>
#include "../../mm/slab.h"
#include "bc.h"
#include "token.h"

/* The beancounters of who is charged for what the current task takes, or NULL. Within RCU. */
static __always_inline struct beancounter *own_bc(void)
{
	struct container *ctn = container_of_current();

	/* what is in them is there: pairs with container_make_bc() */
	return ctn ? smp_load_acquire(&ctn->bc) : NULL;
}

static void count_failure(struct beancounter *bc, struct bc_row *row)
{
	atomic_long_inc(&row->failcnt);
	irq_work_queue(&bc->failed);
	if (row == &bc->row[BC_DCACHESIZE])
		WRITE_ONCE(bc->squeezed, true);
}

/*
 * Is an error worse than to have too much? The flags are those that the allocator was
 * called with: scopes are not in them. What may not wait is refused everywhere, from time
 * to time: who asks for that can do without.
 */
static bool has_to_be(gfp_t gfp)
{
	if ((gfp & __GFP_DIRECT_RECLAIM) &&
	    (gfp & (__GFP_FS | __GFP_IO)) != (__GFP_FS | __GFP_IO))
		return true;
	return (gfp & __GFP_NOFAIL) ||
	       (current->flags & (PF_MEMALLOC | PF_MEMALLOC_NOFS | PF_MEMALLOC_NOIO |
				  PF_EXITING)) ||
	       (current->container_flags & CONTAINER_TASK_FORCE) ||
	       tsk_is_oom_victim(current) || fatal_signal_pending(current);
}

/*
 * Nodes and buffer heads of so much go with the pages that the container has: for each page an
 * eighth of a node, and a buffer head for each 1K. What there is more of, of files with holes
 * or whose pages have gone and left a note, is as all else.
 */
#define OF_PAGE		(PAGE_SIZE / 1024 * sizeof(struct buffer_head) + \
			 sizeof(struct xa_node) / 8)
#define OF_NO_PAGE	(16 * PAGE_SIZE)

static unsigned long most_of_pages(struct beancounter *bc)
{
	return container_charged(bc->ctn) * OF_PAGE + OF_NO_PAGE;
}

/* How much of @row takes no room */
static __always_inline unsigned long apart(struct beancounter *bc, const struct bc_row *row)
{
	long of_pages;

	if (row != &bc->row[BC_DCACHESIZE])
		return 0;
	of_pages = max(atomic_long_read(&bc->of_pages), 0L);
	return min_t(unsigned long, of_pages, most_of_pages(bc));
}

/*
 * Are they nodes or buffer heads of the page cache? These come and go with its pages, of
 * which page_limit is; they are counted, but take no room from what is not.
 */
static __always_inline bool is_of_pages(const struct kmem_cache *s)
{
	return (s->flags & (SLAB_RECLAIM_ACCOUNT | SLAB_BC_FORCE)) ==
	       (SLAB_RECLAIM_ACCOUNT | SLAB_BC_FORCE);
}

/* Is an object never refused? */
static __always_inline bool has_to_be_there(struct beancounter *bc, const struct kmem_cache *s)
{
	if (likely(!(s->flags & SLAB_BC_FORCE)))
		return false;
	return !is_of_pages(s) || atomic_long_read(&bc->of_pages) < (long)most_of_pages(bc);
}

/* The same as bc_row_add(), but for what takes no room. */
static bool add(struct beancounter *bc, struct bc_row *row, unsigned long size,
		enum bc_severity severity)
{
	unsigned long before;

	return bc_row_add_beside(row, size, apart(bc, row), severity, &before);
}

/* It does not fit as it was asked for; @s is NULL for pages. */
static noinline int charge_slowly(struct beancounter *bc, struct bc_row *row,
				  unsigned long size, gfp_t gfp, enum bc_severity severity,
				  const struct kmem_cache *s)
{
	bool fault = current->container_flags & CONTAINER_TASK_FAULT;

	if (add(bc, row, size, severity))
		return 0;
	if (has_to_be(gfp) || (s && has_to_be_there(bc, s))) {
		add(bc, row, size, BC_FORCE);
		return 0;
	}
	if (fault && add(bc, row, size, BC_LIMIT))
		return 0;

	count_failure(bc, row);
	if (!fault)
		return -ENOMEM;
	add(bc, row, size, BC_FORCE);
	if (row == &bc->row[BC_KMEMSIZE])
		current->container_flags |= CONTAINER_TASK_OVER;
	return 0;
}

/* 0 or -ENOMEM. @s is the cache, NULL for pages. Within RCU, by rcu_read_lock_sched(). */
static __always_inline int charge(struct beancounter *bc, unsigned int nr,
				  unsigned long size, gfp_t gfp, const struct kmem_cache *s)
{
	enum bc_severity severity = gfp & __GFP_BC_LIMIT ? BC_LIMIT : BC_BARRIER;
	struct bc_row *row = &bc->row[nr];
	unsigned long before;

	if (likely(bc_row_add(row, size, severity, &before)))
		return 0;
	return charge_slowly(bc, row, size, gfp, severity, s);
}

/* @of_pages: see is_of_pages() */
static __always_inline void uncharge(unsigned long token, unsigned int nr, unsigned long size,
				     bool of_pages)
{
	struct container *ctn = token_container(token);
	struct bc_row *row;

	if (!ctn)
		return;
	if (of_pages)
		atomic_long_sub(size, &ctn->bc->of_pages);
	/* what is charged to it has been by beancounters that it has */
	row = &ctn->bc->row[nr];
	if (unlikely(bc_row_sub(row, size) != size))
		bc_warn_uncharged(row, bc_resource(nr), ctn, size);
}

/* ---- pages ---- */

/* @token of such pages has been taken away. Within RCU. */
void container_uncharge_kmem(unsigned long token)
{
	uncharge(token, BC_KMEMSIZE, PAGE_SIZE << token_kmem_order(token), false);
}

int __container_charge_page(struct page *page, gfp_t gfp, unsigned int order)
{
	struct beancounter *bc;
	unsigned long *slot;
	int err = 0;

	rcu_read_lock_sched();
	bc = own_bc();
	slot = bc ? page_token_slot(page) : NULL;
	if (slot)
		err = charge(bc, BC_KMEMSIZE, PAGE_SIZE << order, gfp, NULL);
	if (slot && !err)
		WRITE_ONCE(*slot, container_token(bc->ctn) | token_kmem(order));
	rcu_read_unlock_sched();
	return err;
}

void __container_uncharge_page(struct page *page)
{
	unsigned long *slot, token;

	rcu_read_lock_sched();
	slot = page_token_slot(page);
	token = has_slot(slot) ? READ_ONCE(*slot) : 0;
	if (token_is_kmem(token)) {
		WRITE_ONCE(*slot, 0);
		container_uncharge_kmem(token);
	}
	rcu_read_unlock_sched();
}

void __container_split_page(struct page *page, unsigned int order)
{
	unsigned long *slot, token;
	long i;

	rcu_read_lock_sched();
	slot = page_token_slot(page);
	token = has_slot(slot) ? READ_ONCE(*slot) : 0;
	if (token_is_kmem(token) && !WARN_ON_ONCE(token_kmem_order(token) != order))
		for (i = 0; i < 1L << order; i++)
			WRITE_ONCE(*page_token_slot(page + i),
				   (token & ~CONTAINER_TOKEN_MAPPED_MASK) | token_kmem(0));
	rcu_read_unlock_sched();
}

/* ---- room for names and inodes ---- */

/* With less than 1 / KEEP_BELOW left nothing is kept that nobody uses, */
#define KEEP_BELOW	8
/* and after 1 / WAIT_AFTER was taken, or half of what is left, one waits for RCU. */
#define WAIT_AFTER	64

static unsigned long most_of_names(struct beancounter *bc)
{
	struct bc_row *row = &bc->row[BC_DCACHESIZE];

	return min(READ_ONCE(row->limits.barrier), READ_ONCE(row->limits.limit));
}

static long held_of_names(struct beancounter *bc)
{
	struct bc_row *row = &bc->row[BC_DCACHESIZE];

	return atomic_long_read(&row->held) - (long)apart(bc, row);
}

/* What takes no room is asked last. */
static bool is_nearly_full(struct beancounter *bc)
{
	struct bc_row *row = &bc->row[BC_DCACHESIZE];
	unsigned long most = most_of_names(bc);
	long enough = most - most / KEEP_BELOW;

	return atomic_long_read(&row->held) > enough && held_of_names(bc) > enough;
}

/* So much more than @least is notable. */
static long notable(struct beancounter *bc, long least)
{
	long most = most_of_names(bc);

	return clamp((most - least) / 2, 1L, most / WAIT_AFTER + 1);
}

/* Does it not come to resume_user_mode_work(), or only with locks of others? */
static bool is_kernels_own(void)
{
	return current->flags & (PF_KTHREAD | PF_EXITING) ||
	       (current->flags & (PF_USER_WORKER | PF_IO_WORKER)) == PF_USER_WORKER;
}

/*
 * The current task has taken more, where there is little, or was @refused. Some of what is held
 * may be on its way out: the task waits for that when it returns to user mode, where it has no
 * locks. But all may be in use. So not again before there is notably more than was left by the
 * last wait, or has been there since. That may be inexact if several tasks are here at once.
 */
static noinline void wait_for_freed_later(struct beancounter *bc, bool refused)
{
	long held = held_of_names(bc), least = READ_ONCE(bc->least_names);

	if (held < least)
		WRITE_ONCE(bc->least_names, held);
	if (!refused && held - least < notable(bc, least))
		return;
	if (!is_kernels_own()) {
		current->container_flags |= CONTAINER_TASK_WAITS_RCU;
		set_notify_resume(current);
	}
}

/* It returns: see above. @ctn is its own, with a reference. Says whether it has slept. */
bool container_wait_for_freed(struct container *ctn)
{
	/* if it has been moved meanwhile, this one may have none */
	struct beancounter *bc = smp_load_acquire(&ctn->bc);
	long least, held;

	if (!bc || !is_nearly_full(bc) || fatal_signal_pending(current))
		return false;
	least = READ_ONCE(bc->least_names);
	synchronize_rcu();
	/* what is to be freed by another CPU may take until after the next */
	if (held_of_names(bc) - least >= notable(bc, least))
		synchronize_rcu();
	/* what is left may be in use. Of several who have waited this is for the first */
	held = held_of_names(bc);
	cmpxchg(&bc->least_names, least, held > least ? least + (held - least) / 2 : held);
	return true;
}

/* ---- objects ---- */

static __always_inline unsigned int resource_of(const struct kmem_cache *s)
{
	return s->flags & SLAB_RECLAIM_ACCOUNT ? BC_DCACHESIZE : BC_KMEMSIZE;
}

#ifdef CONFIG_CONTAINERS_DEBUG
/* As which its objects are counted, for the audit. */
unsigned int container_kmem_resource(const struct kmem_cache *s)
{
	return resource_of(s);
}
#endif

/*
 * Where the token of @object is, in the vector of its slab. The pages of a slab begin at a
 * multiple of their size: it takes no look at where the slab is.
 */
static __always_inline struct container_owner *
owner_of(struct kmem_cache *s, struct slab *slab, struct slabobj_ext *exts, void *object)
{
	u32 offset = (unsigned long)kasan_reset_tag(object) & (slab_size(slab) - 1);

	if (is_kfence_address(object))
		return &exts->container;
	return &exts[reciprocal_divide(offset, s->reciprocal_size)].container;
}

/*
 * Have a slab have room for tokens, if the current task is counted, and return it, or NULL.
 * Without memory for that an object is counted nowhere.
 */
static noinline struct slabobj_ext *make_room(struct kmem_cache *s, struct slab *slab,
					      gfp_t gfp)
{
	bool counted;

	rcu_read_lock_sched();
	counted = own_bc();
	rcu_read_unlock_sched();
	if (!counted)
		return NULL;
	alloc_slab_obj_exts(slab, s, gfp & gfp_allowed_mask, false);
	return slab_obj_exts(slab);
}

/**
 * container_charge_object - the current task gets an object of a cache
 * @s: the cache.
 * @gfp: how it was asked for.
 * @object: the object.
 *
 * Context: Any but an NMI; may sleep if @gfp allows.
 * Return: false if its container has too much; that has been counted, then.
 */
bool container_charge_object(struct kmem_cache *s, gfp_t gfp, void *object)
{
	struct slab *slab = virt_to_slab(object);
	struct slabobj_ext *exts = slab_obj_exts(slab);
	struct beancounter *bc;
	bool ok = true;

	/* old slabs, and those of whom nobody is counted, have none; this may sleep */
	if (unlikely(!exts))
		exts = make_room(s, slab, gfp);
	if (unlikely(!exts))
		return true;

	rcu_read_lock_sched();
	bc = own_bc();
	if (bc) {
		ok = !charge(bc, resource_of(s), s->object_size, gfp, s);
		if (likely(ok))
			owner_of(s, slab, exts, object)->token = container_token(bc->ctn);
		if (unlikely(s->flags & SLAB_RECLAIM_ACCOUNT)) {
			if (ok && is_of_pages(s))
				atomic_long_add(s->object_size, &bc->of_pages);
			else if (is_nearly_full(bc))
				wait_for_freed_later(bc, !ok);
		}
	}
	rcu_read_unlock_sched();
	return ok;
}

/**
 * container_charge_objects - and several of them
 * @s: the cache.
 * @gfp: how they were asked for.
 * @nr: so many.
 * @p: them.
 *
 * Context: as container_charge_object().
 * Return: likewise; some of them may have been charged, then.
 */
bool container_charge_objects(struct kmem_cache *s, gfp_t gfp, size_t nr, void **p)
{
	size_t i;

	for (i = 0; i < nr; i++)
		if (unlikely(!container_charge_object(s, gfp, p[i])))
			return false;
	return true;
}

/**
 * container_uncharge_object - it is freed
 * @s: the cache.
 * @slab: which has it.
 * @exts: of the slab.
 * @object: the object.
 *
 * Context: Any but an NMI.
 */
void container_uncharge_object(struct kmem_cache *s, struct slab *slab,
			       struct slabobj_ext *exts, void *object)
{
	struct container_owner *owner = owner_of(s, slab, exts, object);
	unsigned long token = owner->token;

	if (!token)
		return;
	rcu_read_lock_sched();
	owner->token = 0;
	uncharge(token, resource_of(s), s->object_size, is_of_pages(s));
	rcu_read_unlock_sched();
}

/* ---- what nobody uses any more ---- */

/* Is it @ctn that is charged for the object that @part is in, and as what could go? */
static bool is_charged(struct container *ctn, const void *part)
{
	struct slab *slab = virt_to_slab(part);
	struct slabobj_ext *exts = slab ? slab_obj_exts(slab) : NULL;

	return exts && resource_of(slab->slab_cache) == BC_DCACHESIZE &&
	       owner_of(slab->slab_cache, slab, exts, (void *)part)->token ==
	       container_token(ctn);
}

/* Pages of a file, or notes of such that have gone, that are looked at with a lock held */
#define MAX_ENTRIES	64

/* Has a file nothing in memory but clean pages of @ctn, and few? */
static bool is_own_cache(struct container *ctn, struct address_space *mapping)
{
	XA_STATE(xas, &mapping->i_pages, 0);
	unsigned int left = MAX_ENTRIES;
	struct folio *folio;
	bool own = true;

	if (mapping->nrpages > MAX_ENTRIES || mapping->wb_err ||
	    mapping_tagged(mapping, PAGECACHE_TAG_DIRTY) ||
	    mapping_tagged(mapping, PAGECACHE_TAG_WRITEBACK))
		return false;

	/* some of these have many pages */
	rcu_read_lock();
	xas_for_each(&xas, folio, ULONG_MAX) {
		own = left--;
		if (own && !xas_retry(&xas, folio) && !xa_is_value(folio))
			own = !folio_test_locked(folio) && folio_charged_to(folio, ctn);
		if (!own)
			break;
	}
	rcu_read_unlock();
	return own;
}

/*
 * Does a dentry or, with @mapping, an inode go that the current task lets go of? Not while
 * it is to free memory for somebody, or is in the middle of something in a file system.
 */
static bool goes(const void *object, struct address_space *mapping, bool kept)
{
	struct beancounter *bc;
	bool ret = false;

	if (current->journal_info ||
	    current->flags & (PF_MEMALLOC | PF_MEMALLOC_NOFS | PF_MEMALLOC_NOIO))
		return false;

	rcu_read_lock_sched();
	bc = own_bc();
	if (bc && (!kept || READ_ONCE(bc->squeezed))) {
		if (unlikely(is_nearly_full(bc)))
			ret = is_charged(bc->ctn, object) &&
			      (!mapping || is_own_cache(bc->ctn, mapping));
		else if (kept)
			WRITE_ONCE(bc->squeezed, false);
	}
	rcu_read_unlock_sched();
	return ret;
}

bool __container_keeps(const void *object, bool kept)
{
	return !goes(object, NULL, kept);
}

bool __container_keeps_inode(struct inode *inode)
{
	return !goes(inode, &inode->i_data, false);
}

/* ---- what comes of it ---- */

/* A page fault of the current task ends that has taken more than the limit. */
void container_kill_over(void)
{
	current->container_flags &= ~CONTAINER_TASK_OVER;
	pr_info_ratelimited("container: %s[%d] is killed, its container is over the limit of kmemsize\n",
			    current->comm, task_pid_nr(current));
	send_sig(SIGKILL, current, 1);
}

static void tell(struct irq_work *work)
{
	struct beancounter *bc = container_of(work, struct beancounter, failed);

	container_notify(bc->ctn, CONTAINER_BC_FAILCNT);
}

/* Nothing is charged to @bc any more. */
void container_kmem_revive(struct beancounter *bc)
{
	atomic_long_set(&bc->of_pages, 0);
	WRITE_ONCE(bc->squeezed, false);
	WRITE_ONCE(bc->least_names, 0);
}

/* @bc is new, and its container's. */
void container_kmem_init(struct beancounter *bc)
{
	init_irq_work(&bc->failed, tell);
}

#ifdef CONFIG_CONTAINERS_KUNIT_TEST
#include "tests/bc-kmem-kunit.h"
#endif

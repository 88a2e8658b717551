// SPDX-License-Identifier: GPL-2.0
/*
 * The hooks: where folios are allocated, mapped, added to files, replaced, split
 * and freed. When each is called, and which of them can fail, is said in
 * linux/container.h; who is charged for the pages of files, in file.c.
 *
 * Whoever charges has the container at hand, or finds it by the token of an mm.
 * Whoever uncharges looks up what the folio's token names, and if that is nobody
 * any more there is nothing left to do.
 *
 * The read-side sections here have preemption disabled, which RCU waits for as
 * well: they are short, and this is cheaper than rcu_read_lock() where that is
 * preemptible.
 *
 * Locks and lifetime: see internal.h.
 */
#include <linux/mm.h>
#include <linux/oom.h>
#include <linux/pagemap.h>
#include <linux/pagevec.h>
#include <linux/swap.h>
#include "counter.h"
#include "token.h"

DEFINE_STATIC_KEY_FALSE(containers_key);
DEFINE_STATIC_KEY_FALSE(container_rss_key);
DEFINE_STATIC_KEY_FALSE(container_fault_key);

#ifdef CONFIG_MEMCG
static __init bool need_container_page_ext(void)
{
	return true;
}

struct page_ext_operations container_page_ext_ops = {
	.size = sizeof(unsigned long),
	.need = need_container_page_ext,
};
#endif

/* ---- anonymous folios ---- */

/* @nr pages of held memory, a folio that nobody else knows, have been charged. */
static __always_inline void set_new_token(struct container *ctn,
					  struct folio *folio,
					  unsigned long token, long nr)
{
	WRITE_ONCE(*folio_token_slot(folio), token);
	this_cpu_add(ctn->pcpu->stat[token_stat(token)], nr);
}

static noinline int charge_new_slowly(struct container *ctn,
				      struct folio *folio, unsigned long token,
				      gfp_t gfp)
{
	long nr = folio_nr_pages(folio);
	int err;

	if (!folio_token_slot(folio))
		return 0;

	err = container_reserve(ctn, nr);
	/* if there is no room for a large one, it is small ones that are wanted */
	if (err)
		err = container_charge_fails(ctn, nr, gfp, nr == 1);
	if (!err) {
		set_new_token(ctn, folio, token, nr);
		container_check_limit(ctn);
	}
	container_stop_point("charge: a new folio");
	return err;
}

/* The most common case is one page, and it is in stock. */
static __always_inline int charge_new(struct container *ctn,
				      struct folio *folio, unsigned long token,
				      gfp_t gfp)
{
	if (unlikely(folio_test_large(folio)) ||
	    unlikely(!has_slot(folio_token_slot(folio))) ||
	    unlikely(!container_reserve_from_stock(ctn, 1)))
		return charge_new_slowly(ctn, folio, token, gfp);
	set_new_token(ctn, folio, token, 1);
	return 0;
}

int __container_charge(struct folio *folio, struct mm_struct *mm, gfp_t gfp)
{
	struct container *ctn;
	unsigned long token;
	int err = 0;

	rcu_read_lock_sched();
	token = READ_ONCE(mm->container_token);
	ctn = token_container(token);
	if (likely(ctn))
		err = charge_new(ctn, folio, token, gfp);
	rcu_read_unlock_sched();
	return err;
}

void __container_commit_anon(struct folio *folio, struct mm_struct *mm)
{
	struct container *ctn;

	rcu_read_lock_sched();
	ctn = mm_container(mm);
	/* it was charged when it was swapped in, or the mm has been moved */
	if (ctn)
		container_own_folio(folio, ctn, 0, CONTAINER_OWN_FORCE);
	else
		container_disown_folio(folio);
	rcu_read_unlock_sched();
}

int __container_charge_swapin(struct folio *folio, struct mm_struct *mm)
{
	struct container *ctn;
	bool refault;
	int err = 0;

	/* some other task has it, and its container the charge */
	if (folio_mapped(folio))
		return 0;

	rcu_read_lock_sched();
	ctn = mm_container(mm);
	if (ctn) {
		refault = !folio_container(folio);
		err = container_own_folio(folio, ctn, 0, CONTAINER_OWN_CHARGE);
		if (refault && !err)
			this_cpu_add(ctn->pcpu->stat[CONTAINER_REFAULTED],
				     folio_nr_pages(folio));
	}
	rcu_read_unlock_sched();
	return err;
}

void __container_commit_swapin(struct folio *folio, struct mm_struct *mm)
{
	if (!folio_mapped(folio))
		__container_commit_anon(folio, mm);
}

bool __container_has_room(struct mm_struct *mm)
{
	struct container *ctn;
	bool ret;

	rcu_read_lock_sched();
	ctn = mm_container(mm);
	/* the counter is never less than what is held */
	ret = !ctn || page_counter_read(&ctn->counter[CONTAINER_HELD]) <
		      container_rss_limit(ctn) ||
	      container_held(ctn) < container_rss_limit(ctn);
	if (!ret && !container_charge_fails(ctn, 1, 0, true)) {
		container_uncharge_pages(ctn, CONTAINER_HELD, 1);
		ret = true;
	}
	rcu_read_unlock_sched();
	return ret;
}

/* ---- folios of files ---- */

/*
 * Charge a folio of held memory for a file to @ctn, which has a part in it. For
 * swapoff(2) that cannot fail, nor for one that must not.
 */
static int charge_held(struct container *ctn, struct folio *folio, gfp_t gfp)
{
	const unsigned long kind = CONTAINER_TOKEN_FILE | CONTAINER_TOKEN_HELD;
	unsigned int how = CONTAINER_OWN_CHARGE;

	if (likely(!folio_test_swapcache(folio) && !folio_token(folio)))
		return charge_new(ctn, folio, container_token(ctn) | kind, gfp);
	/* swapoff(2) brings in what is there, whether it fits or not */
	if ((gfp & __GFP_NOFAIL) || oom_task_origin(current))
		how = CONTAINER_OWN_FORCE;
	return container_own_folio(folio, ctn, kind, how);
}

/*
 * The container that a file of held memory was named for, if @folio fits there.
 * A task of it is charged like any other of its own: it has to wait.
 */
static bool charge_named(struct address_space *mapping, struct folio *folio)
{
	const unsigned long kind = CONTAINER_TOKEN_FILE | CONTAINER_TOKEN_HELD;
	struct container_file *file = container_first_file(mapping);

	/* a named one comes first */
	return file && file->named &&
	       !container_own_folio(folio, file->ctn, kind, CONTAINER_OWN_TRY);
}

/*
 * swapoff(2) reads in what is everybody's: what nobody is known to have brought in
 * is charged to the only container that has memory in the file.
 */
static struct container *container_for_swapoff(struct address_space *mapping)
{
	struct container_file *file = container_first_file(mapping);

	if (file && (file->named || !rcu_access_pointer(file->next)))
		return file->ctn;
	return NULL;
}

static noinline int charge_held_slowly(struct folio *folio,
				       struct address_space *mapping, gfp_t gfp)
{
	bool swapoff = oom_task_origin(current);
	struct container *ctn;
	int err;

again:
	err = 0;
	rcu_read_lock_sched();
	if (!swapoff)
		ctn = rcu_dereference_sched(current->container);
	else
		ctn = folio_container(folio) ?: container_for_swapoff(mapping);
	if (!swapoff && charge_named(mapping, folio))
		;
	else if (ctn && container_find_file(mapping, ctn))
		err = charge_held(ctn, folio, gfp);
	else if (ctn && !test_bit(CONTAINER_DYING, &ctn->flags))
		err = -EAGAIN;
	else
		container_disown_folio(folio);
	rcu_read_unlock_sched();

	/* it has no part in the file yet; or it is moved again and again */
	if (err == -EAGAIN) {
		err = container_join_own(mapping, gfp);
		if (!err || err == -ENODEV)
			goto again;
	}
	return err;
}

/* What the shortest ways must not meet: others may know such a folio */
#define FOLIO_KNOWN	(BIT(PG_head) | BIT(PG_lru) | BIT(PG_swapcache))

/*
 * The most common case: one page that nobody else knows, of a file in which the
 * first part is the container's own, and it is in stock.
 */
static __always_inline bool charge_new_held(struct folio *folio,
					    struct address_space *mapping)
{
	struct container_file *file;
	unsigned long *slot;
	bool ret = false;

	rcu_read_lock_sched();
	file = container_first_file(mapping);
	slot = folio_token_slot(folio);
	if (likely(file) &&
	    likely(rcu_access_pointer(current->container) == file->ctn) &&
	    likely(!(READ_ONCE(folio->flags) & FOLIO_KNOWN)) &&
	    likely(has_slot(slot)) && likely(!READ_ONCE(*slot)) &&
	    likely(container_reserve_from_stock(file->ctn, 1))) {
		WRITE_ONCE(*slot, file->token);
		this_cpu_inc(file->ctn->pcpu->stat[CONTAINER_HELD_FILE]);
		ret = true;
	}
	rcu_read_unlock_sched();
	return ret;
}

static noinline int charge_cache_slowly(struct folio *folio,
					struct address_space *mapping, gfp_t gfp)
{
	unsigned long files = READ_ONCE(mapping->container_files);

	if (!mapping->host)
		return 0;
	if (files & CONTAINER_FILES_HELD ||
	    (!files && container_mapping_is_held(mapping)))
		return charge_held_slowly(folio, mapping, gfp);
	/* if memory is short, the file just stays without an owner */
	if (!files && !oom_task_origin(current))
		container_claim_file(mapping, gfp);
	return 0;
}

int __container_charge_cache(struct folio *folio, struct address_space *mapping,
			     gfp_t gfp)
{
	if (likely(READ_ONCE(mapping->container_files) & CONTAINER_FILES_HELD) &&
	    likely(charge_new_held(folio, mapping)))
		return 0;
	return charge_cache_slowly(folio, mapping, gfp);
}

/* The same of droppable cache, which is the owner's, whoever brings it in. */
static __always_inline bool charge_new_droppable(struct folio *folio,
						 struct container_file *file)
{
	unsigned long *slot = folio_token_slot(folio);
	struct container *ctn = file->ctn;

	/* PG_swapcache may be another flag, of which some file systems know */
	if (unlikely(!has_slot(slot)) || unlikely(READ_ONCE(*slot)) ||
	    unlikely(READ_ONCE(folio->flags) & FOLIO_KNOWN))
		return false;
	WRITE_ONCE(*slot, file->token);
	this_cpu_inc(ctn->pcpu->stat[CONTAINER_FILE]);
	container_charge_pages(ctn, CONTAINER_DROPPABLE, 1);
	return true;
}

static __always_inline bool has_grown(struct container_file *file,
				      struct address_space *mapping)
{
	return READ_ONCE(mapping->nrpages) >= READ_ONCE(file->outgrown);
}

static noinline void cache_added_slowly(struct folio *folio,
					struct address_space *mapping,
					bool refault)
{
	struct container_file *file;

	rcu_read_lock_sched();
	file = container_first_file(mapping);
	if (file && file_is_held(file)) {
		/* charged before, to one who has a part in it by now */
		file = container_find_file(mapping, folio_container(folio));
	} else if (file) {
		container_stop_point("charge: a file folio");
		container_own_folio(folio, file->ctn, CONTAINER_TOKEN_FILE,
				    CONTAINER_OWN_FORCE);
	}
	if (file && refault) {
		this_cpu_add(file->ctn->pcpu->stat[CONTAINER_REFAULTED],
			     folio_nr_pages(folio));
		if (!file_is_held(file))
			container_restore_use(folio, file);
	}
	/* khugepaged has i_pages locked: kcontainerd finds that out by itself */
	if (file && has_grown(file, mapping) && !irqs_disabled())
		container_file_grown(file);
	rcu_read_unlock_sched();
}

void __container_cache_added(struct folio *folio, struct address_space *mapping,
			     bool refault)
{
	struct container_file *file;
	bool done = false;

	rcu_read_lock_sched();
	file = container_first_file(mapping);
	if (likely(file && !refault) && likely(!has_grown(file, mapping)))
		done = file_is_held(file) ? !rcu_access_pointer(file->next) :
					    charge_new_droppable(folio, file);
	rcu_read_unlock_sched();
	if (unlikely(!done))
		cache_added_slowly(folio, mapping, refault);
}

/*
 * @folios are held memory of one container, or of none, or are droppable. The
 * locks that the caller has on them keep it so.
 */
bool __container_may_collapse(struct address_space *mapping,
			      struct list_head *folios, struct mm_struct *mm,
			      int nr_none)
{
	struct container *first = NULL, *ctn;
	struct folio *folio;
	bool ret = true;

	if (!container_mapping_is_held(mapping))
		return true;

	rcu_read_lock();
	list_for_each_entry(folio, folios, lru) {
		ctn = folio_container(folio);
		if (list_is_first(&folio->lru, folios))
			first = ctn;
		ret &= ctn == first;
	}
	if (nr_none)
		ret &= first == mm_container(mm);
	if (nr_none && first)
		ret &= container_room_for(first, nr_none);
	rcu_read_unlock();
	return ret;
}

void __container_collapse(struct folio *new, struct address_space *mapping,
			  struct list_head *folios)
{
	struct folio *folio = list_first_entry_or_null(folios, struct folio, lru);
	unsigned long token = folio ? folio_token(folio) : 0;
	struct container *ctn;

	if (!container_mapping_is_held(mapping)) {
		if (READ_ONCE(mapping->container_files))
			__container_cache_added(new, mapping, false);
		return;
	}
	rcu_read_lock_sched();
	list_for_each_entry(folio, folios, lru)
		container_disown_folio(folio);
	ctn = token_container(token);
	if (ctn)
		container_own_folio(new, ctn, token & CONTAINER_TOKEN_KIND,
				    CONTAINER_OWN_FORCE);
	rcu_read_unlock_sched();
}

/* ---- uncharging ---- */

/* @token is that of one page, which is neither active nor mapped. */
static __always_inline void uncount_plain(unsigned long token)
{
	struct container *ctn = token_container(token);

	if (unlikely(!ctn))
		return;
	this_cpu_dec(ctn->pcpu->stat[token_stat(token)]);
	/* a branch is cheaper than to compute which */
	if (token_stat(token) == CONTAINER_FILE)
		container_uncharge_pages(ctn, CONTAINER_DROPPABLE, 1);
	else
		container_uncharge_pages(ctn, CONTAINER_HELD, 1);
}

void __container_uncharge(struct folio *folio)
{
	unsigned long *slot;
	unsigned long token = 0;

	rcu_read_lock_sched();
	slot = folio_token_slot(folio);
	/* without page_ext, this has been asked already */
	if (!IS_ENABLED(CONFIG_MEMCG) || (slot && READ_ONCE(*slot)))
		token = xchg(slot, 0);
	if (!token)
		;
	else if (likely(!(token & CONTAINER_TOKEN_STATE)) &&
		 likely(!(READ_ONCE(folio->flags) & BIT(PG_head))))
		uncount_plain(token);
	else
		container_uncount(token, folio_nr_pages(folio));
	rcu_read_unlock_sched();
}

void __container_uncharge_folios(struct folio_batch *folios)
{
	unsigned long token = 0, next;
	unsigned long *slot;
	struct folio *folio;
	long nr = 0;
	int i;

	/*
	 * Folios that are freed together mostly have the same token. Nobody has a
	 * reference by now: it takes no xchg to have it for oneself.
	 */
	rcu_read_lock_sched();
	for (i = 0; i < folio_batch_count(folios); i++) {
		folio = folios->folios[i];
		slot = folio_token_slot(folio);
		next = has_slot(slot) ? READ_ONCE(*slot) : 0;
		if (!next)
			continue;
		WRITE_ONCE(*slot, 0);
		if (unlikely(next != token)) {
			if (token)
				container_uncount(token, nr);
			token = next;
			nr = 0;
		}
		nr += folio_nr_pages(folio);
		/* mapped pages are counted per folio */
		if (unlikely(token_mapped(token))) {
			container_uncount(token, nr);
			token = 0;
			nr = 0;
		}
	}
	if (token)
		container_uncount(token, nr);
	rcu_read_unlock_sched();
}

/* ---- what becomes of a folio that is charged ---- */

/*
 * The new folio has the charge, and is neither mapped nor on a list as yet. What
 * was counted for the old one of that is not any more.
 */
void __container_replace_folio(struct folio *old, struct folio *new)
{
	unsigned long *old_slot, *new_slot;
	unsigned long token, before, state;
	struct container *ctn;

	rcu_read_lock_sched();
	old_slot = folio_token_slot(old);
	new_slot = folio_token_slot(new);
	token = old_slot && new_slot ? xchg(old_slot, 0) : 0;
	if (token) {
		/* somebody may have found it in the swap cache, and charged it */
		before = xchg(new_slot, token & ~CONTAINER_TOKEN_STATE);
		if (before)
			container_uncount(before, folio_nr_pages(new));
		state = token & CONTAINER_TOKEN_STATE;
		ctn = state ? token_container(token) : NULL;
		if (ctn && (state & CONTAINER_TOKEN_ACTIVE))
			this_cpu_sub(ctn->pcpu->stat[CONTAINER_ACTIVE],
				     folio_nr_pages(old));
		if (ctn && token_mapped(token))
			this_cpu_sub(ctn->pcpu->stat[token_mapped_stat(token)],
				     token_mapped(token));
	}
	rcu_read_unlock_sched();
}

void __container_split_folio(struct folio *folio, unsigned int new_order)
{
	long i, nr = folio_nr_pages(folio);
	unsigned long token;
	unsigned long *slot;

	rcu_read_lock_sched();
	slot = folio_token_slot(folio);
	token = slot ? READ_ONCE(*slot) : 0;
	/* it is unmapped, so what one part may have counted is not the others' */
	token &= ~CONTAINER_TOKEN_MAPPED_MASK;
	/* the parts take their place on the LRU list, active or not */
	if (token)
		for (i = 1L << new_order; i < nr; i += 1L << new_order)
			*page_token_slot(folio_page(folio, i)) = token;
	rcu_read_unlock_sched();
}

/* Mapped page cache is looked at each time that a CPU has so many more or less */
#define LOOK_SHIFT	ilog2(CONTAINER_STOCK)

static noinline void mapped_moved(struct container *ctn, long nr)
{
	container_note_mapped(ctn, nr);
	if (nr > 0 && container_rss_enabled())
		container_check_mapped(ctn);
}

static void count_mapped(unsigned long token, long nr)
{
	enum container_stat stat = token_mapped_stat(token);
	struct container *ctn = token_container(token);
	long now, steps;

	if (!ctn || !nr)
		return;
	now = this_cpu_add_return(ctn->pcpu->stat[stat], nr);
	steps = (now >> LOOK_SHIFT) - ((now - nr) >> LOOK_SHIFT);
	if (steps && stat == CONTAINER_MAPPED_FILE)
		mapped_moved(ctn, steps << LOOK_SHIFT);
}

/*
 * The count in the token is what has been counted for the container. One task
 * may come here for its unmapping after another that has mapped the page again
 * meanwhile, so it can be more than the folio has pages for a moment; and one
 * whose mapping was never counted, as the folio was adopted since, may come
 * for its unmapping: hence the bound.
 */
void __container_mod_mapped(struct folio *folio, int nr)
{
	unsigned long *slot;
	unsigned long old, new;
	long mapped;

	rcu_read_lock_sched();
	slot = folio_token_slot(folio);
	old = slot ? READ_ONCE(*slot) : 0;
	/* pages of the kernel itself may be mapped, too, such as rings: they say no such thing */
	while (old && !token_is_kmem(old)) {
		mapped = clamp((long)token_mapped(old) + nr, 0L,
			       CONTAINER_TOKEN_MAPPED_MAX);
		new = old + (mapped - token_mapped(old)) *
			    CONTAINER_TOKEN_MAPPED;
		if (try_cmpxchg(slot, &old, new)) {
			count_mapped(old, mapped - (long)token_mapped(old));
			break;
		}
	}
	rcu_read_unlock_sched();
}

void __container_mod_active(struct folio *folio, bool active)
{
	long nr = active ? folio_nr_pages(folio) : -folio_nr_pages(folio);
	struct container *ctn;
	unsigned long *slot;
	unsigned long old;

	rcu_read_lock_sched();
	slot = folio_token_slot(folio);
	old = slot ? READ_ONCE(*slot) : 0;
	/* what was not counted when it was put there is not taken off either */
	while (old && !!(old & CONTAINER_TOKEN_ACTIVE) != active) {
		if (try_cmpxchg(slot, &old, old ^ CONTAINER_TOKEN_ACTIVE)) {
			ctn = token_container(old);
			if (ctn)
				this_cpu_add(ctn->pcpu->stat[CONTAINER_ACTIVE],
					     nr);
			break;
		}
	}
	rcu_read_unlock_sched();
}

static int __init container_charge_init(void)
{
	BUILD_BUG_ON(MAX_PAGECACHE_ORDER >=
		     CONTAINER_TOKEN_SHIFT - CONTAINER_TOKEN_MAPPED_SHIFT);
	return 0;
}
core_initcall(container_charge_init);

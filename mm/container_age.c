// SPDX-License-Identifier: GPL-2.0
/*
 * How much a folio is used, as far as kcontainerd remembers: 0, once, or more.
 *
 * folio_mark_accessed() counts that in the folio's flags, and reclaim and workingset.c
 * use them, too, so it needs no memory here. With active and inactive lists they tell
 * four counts, with MGLRU six; a folio that has been on the active list has to be used
 * only once to be there again. kcontainerd comes by from time to time and takes one
 * back: what is used as often as it comes stays, and what is not loses all of it.
 */
#include <linux/mm.h>
#include <linux/mm_inline.h>
#include <linux/mmu_notifier.h>
#include <linux/random.h>
#include <linux/rmap.h>
#include <linux/swap.h>
#include "internal.h"
#include "container_trim.h"

#ifdef CONFIG_LRU_GEN
static unsigned int gen_uses(const struct folio *folio)
{
	return folio_test_referenced(folio) + folio_lru_refs((struct folio *)folio);
}

/* All but two, or one of these. Returns whether it was that. */
static bool gen_forget(struct folio *folio)
{
	unsigned long old = READ_ONCE(folio->flags), new;

	do {
		new = old & LRU_REFS_MASK ? old & ~LRU_REFS_MASK :
					    old & ~BIT(PG_workingset);
	} while (!try_cmpxchg(&folio->flags, &old, new));
	return !(old & LRU_REFS_MASK);
}
#else
static unsigned int gen_uses(const struct folio *folio)
{
	return 0;
}

static bool gen_forget(struct folio *folio)
{
	return false;
}
#endif

/**
 * folio_uses - how often was a folio used, and that is not forgotten?
 * @folio: the folio.
 *
 * What is used by way of page tables counts when somebody looks there.
 *
 * Context: Any.
 * Return: 0, 1, or more than that if it is in use.
 */
unsigned int folio_uses(const struct folio *folio)
{
	bool referenced = folio_test_referenced(folio);

	if (lru_gen_enabled())
		return gen_uses(folio);
	if (folio_test_active(folio))
		return 2 + referenced;
	return referenced + (referenced && folio_test_workingset(folio));
}

/*
 * Is a page in use that was dropped and comes back? If all were, those of a loop that
 * is too large would drive each other out before they are used again. If none were,
 * what is used too seldom would never stay. So a part is: of a file of which nothing
 * is in use five in eight, and fewer the more is, down to none at five eighths.
 */
static bool returns_in_use(unsigned int looked, unsigned int used)
{
	return get_random_u32_below(looked) + used < looked * 5 / 8;
}

/*
 * Has the container as much as it may have, or nearly so? If not, it was not kcontainerd
 * that took what comes back, and all of the machine is short of memory.
 */
static bool is_nearly_full(struct container *ctn)
{
	unsigned long limit = READ_ONCE(ctn->page_limit);

	return container_charged(ctn) >= limit - limit / 4;
}

/*
 * Is it one of the container's tasks that reads the page again? What others do there is
 * no reason to have anything of it go that is in use; but if it has no tasks, its files
 * are there for others.
 */
static bool is_for_container(struct container *ctn)
{
	return rcu_access_pointer(current->container) == ctn ||
	       !atomic_long_read(&ctn->nr_tasks);
}

/**
 * container_restore_use - a page that was dropped has come back
 * @folio: it, in nobody's hands yet.
 * @file: the part of a container in its file, which is droppable.
 *
 * Sets whether it is in use once it has been read, which comes next. workingset.c
 * knows of all of the machine's memory, not of how little of it the container may
 * use, and says so of nearly all that comes back. Only of a file in which kcontainerd
 * has not been does it know more.
 *
 * Context: Any. Within RCU.
 */
void container_restore_use(struct folio *folio, struct container_file *file)
{
	unsigned int looked = READ_ONCE(file->scan.looked);
	bool ours = is_for_container(file->ctn);

	if (!looked || !is_nearly_full(file->ctn))
		return;
	if (ours)
		atomic_long_add(folio_nr_pages(folio), &file->ctn->came_back);
	folio_clear_active(folio);
	if (lru_gen_enabled())
		set_mask_bits(&folio->flags, LRU_REFS_MASK, 0);
	/* PG_workingset is not set here: who waits for such a one is stalled, says PSI */
	if (ours && returns_in_use(looked, READ_ONCE(file->scan.used))) {
		folio_set_referenced(folio);
	} else {
		folio_clear_referenced(folio);
		folio_clear_workingset(folio);
	}
}

/*
 * One use less, of a folio that has more than one. The caller has a reference. Returns
 * how many are left: what is deactivated is still active until its batch is full.
 */
unsigned int trim_forget_use(struct trim *tr, struct folio *folio)
{
	tr->deactivated += folio_nr_pages(folio);
	if (lru_gen_enabled()) {
		if (gen_forget(folio))
			folio_deactivate(folio);
	} else if (folio_test_referenced(folio)) {
		folio_clear_referenced(folio);
	} else {
		folio_set_workingset(folio);
		folio_deactivate(folio);
		return 0;
	}
	return folio_uses(folio);
}

/*
 * Mappings of a file, by those who are not in its container, to go through for a page.
 * Anybody who may read a file can map it as often as he likes, and 60,000 times would
 * have it take milliseconds for each. The container's own are all gone through: else it
 * could map what it has until that is not trimmed any more.
 */
#define OTHERS_MAPPINGS		1024

struct touched {
	unsigned long token;	/* of the container */
	bool clear_others;	/* begin anew with what others have used? */
	int mapcount;		/* mappings that have not been met as yet */
	int left;		/* of others', that may be gone through */
	unsigned int ret;
};

/* Who said that it is read once, from beginning to end, is believed. */
static bool is_stream_vma(const struct vm_area_struct *vma)
{
	return (vma->vm_flags & VM_SEQ_READ) ||
	       (vma->vm_file && (vma->vm_file->f_mode & FMODE_NOREUSE));
}

/* Is the page young in the place where the walk is? With @clear, not any more. */
static bool walk_young(struct page_vma_mapped_walk *pvmw, bool clear)
{
	struct vm_area_struct *vma = pvmw->vma;

	if (!clear)
		return (pvmw->pte ? pte_young(ptep_get(pvmw->pte)) :
				    pmd_young(pmdp_get(pvmw->pmd))) ||
		       mmu_notifier_test_young(vma->vm_mm, pvmw->address);
	if (pvmw->pte)
		return ptep_clear_flush_young_notify(vma, pvmw->address,
						     pvmw->pte);
	if (IS_ENABLED(CONFIG_TRANSPARENT_HUGEPAGE))
		return pmdp_clear_flush_young_notify(vma, pvmw->address,
						     pvmw->pmd);
	return false;
}

static bool touched_one(struct folio *folio, struct vm_area_struct *vma,
			unsigned long addr, void *arg)
{
	DEFINE_FOLIO_VMA_WALK(pvmw, folio, vma, addr, 0);
	struct touched *touched = arg;
	bool others = READ_ONCE(vma->vm_mm->container_token) != touched->token;
	bool young = false;

	if (others && !touched->left--) {
		touched->ret |= MAPPED_BY_MANY;
		return false;
	}
	while (page_vma_mapped_walk(&pvmw)) {
		young |= walk_young(&pvmw, !others || touched->clear_others);
		touched->mapcount--;
		if (others)
			touched->ret |= MAPPED_BY_OTHERS;
	}
	if (young && !is_stream_vma(vma))
		touched->ret |= others ? TOUCHED_BY_OTHERS : TOUCHED;
	return touched->mapcount > 0;
}

/**
 * folio_was_touched - was a mapped folio used since one looked the last time?
 * @folio: the folio, of a file. The caller has a reference, and not its lock.
 * @ctn: the container that is charged for it.
 * @clear_others: if not, what others have used is still used the next time.
 *
 * folio_referenced() asks that, too. But of what is mapped with MADV_RANDOM it does not
 * want to know: that nothing will be read there soon is taken for granted, and for a
 * database it is wrong. With MGLRU it takes what neighbours have been touched as well,
 * which then is not seen when they are looked at. And it does not say by whom.
 *
 * Context: May sleep.
 * Return: TOUCHED if it was by @ctn's, TOUCHED_BY_OTHERS if by others; MAPPED_BY_OTHERS
 * if they map it; MAPPED_BY_MANY if they map its file so often that not all were asked.
 */
unsigned int folio_was_touched(struct folio *folio, const struct container *ctn,
			       bool clear_others)
{
	struct touched touched = {
		.token = container_token(ctn),
		.clear_others = clear_others,
		/* held memory is to be had whoever maps it: somebody may wait for it */
		.left = folio_test_swapbacked(folio) ? INT_MAX : OTHERS_MAPPINGS,
	};
	struct rmap_walk_control rwc = {
		.rmap_one = touched_one,
		.arg = &touched,
		.try_lock = true,
	};
	bool busy = !folio_trylock(folio);

	if (!busy) {
		touched.mapcount = folio_mapcount(folio);
		if (folio_test_clear_young(folio))
			touched.ret |= TOUCHED;
		/* if it has left its file, for the swap cache maybe, there is nowhere to look */
		if (touched.mapcount && folio_mapping(folio) &&
		    !folio_test_swapcache(folio))
			rmap_walk(folio, &rwc);
		folio_unlock(folio);
	}
	/* who is at it has it in use, and if others may map it, it may be they */
	if (busy || rwc.contended) {
		touched.ret |= TOUCHED;
		if (folio_likely_mapped_shared(folio))
			touched.ret |= MAPPED_BY_OTHERS | TOUCHED_BY_OTHERS;
	}
	if (touched.ret & TOUCHED)
		folio_clear_idle(folio);
	return touched.ret;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * What kcontainerd trims of anonymous pages: the page tables of a container's
 * processes are walked, from where that left off. Folios are collected under the
 * page table lock and mmap_lock; these are dropped before anything is done with
 * them that may sleep.
 */
#include <linux/hugetlb.h>
#include <linux/mm.h>
#include <linux/oom.h>
#include <linux/pagemap.h>
#include <linux/pagewalk.h>
#include <linux/rmap.h>
#include <linux/sched/mm.h>
#include <linux/swap.h>
#include <linux/swapops.h>
#include "internal.h"
#include "swap.h"
#include "container_trim.h"

/*
 * Page tables to go through before mmap_lock is released, most of which may have
 * nothing that is wanted: 128 MB of address space.
 */
#define ANON_TABLES	64

struct anon_walk {
	struct trim *tr;
	unsigned long next;	/* address to go on at */
	unsigned long left;	/* pages that may still be looked at */
	unsigned int tables;	/* page tables that may still be */
	bool swap;		/* is there room in swap? */
	int nr;
	struct folio *folios[TRIM_BATCH];
	bool young[TRIM_BATCH];
};

static bool anon_wanted(struct anon_walk *aw, struct folio *folio)
{
	return folio_test_anon(folio) && !folio_test_unevictable(folio) &&
	       /* without swap, only what MADV_FREE gave up can go */
	       (aw->swap || !folio_test_swapbacked(folio)) &&
	       folio_charged_to(folio, aw->tr->ctn);
}

/*
 * Is there no room for @folio? Not asked after the fact, so that all that is
 * known of the last folio is in the batch, and no referenced bit is cleared in
 * vain.
 */
static bool anon_full(struct anon_walk *aw, struct folio *folio)
{
	return !aw->left ||
	       (aw->nr == TRIM_BATCH && aw->folios[aw->nr - 1] != folio);
}

static void anon_collect(struct anon_walk *aw, struct folio *folio, bool young)
{
	if (aw->nr && aw->folios[aw->nr - 1] == folio) {
		aw->young[aw->nr - 1] |= young;
		return;
	}

	folio_get(folio);
	aw->folios[aw->nr] = folio;
	aw->young[aw->nr++] = young;
	aw->left -= min(aw->left, folio_nr_pages(folio));
}

/*
 * A page that is in swap may still be in memory: one that others reclaimed
 * while it was being written, or that was read ahead and not wanted. Returns
 * whether there is no room for it.
 */
static bool anon_collect_swapcache(struct anon_walk *aw, pte_t pte)
{
	struct folio *folio;
	swp_entry_t entry;
	bool full = false;

	if (pte_none(pte))
		return false;
	entry = pte_to_swp_entry(pte);
	if (non_swap_entry(entry))
		return false;

	folio = filemap_get_folio(swap_address_space(entry),
				  swap_cache_index(entry));
	if (IS_ERR(folio))
		return false;
	if (anon_wanted(aw, folio) && !folio_mapped(folio)) {
		full = anon_full(aw, folio);
		if (!full)
			anon_collect(aw, folio, false);
	}
	folio_put(folio);
	return full;
}

/* Returns 1 to stop at aw->next. */
static int anon_pmd(pmd_t *pmd, unsigned long addr, unsigned long end,
		    struct mm_walk *walk)
{
	struct vm_area_struct *vma = walk->vma;
	struct anon_walk *aw = walk->private;
	struct folio *folio;
	pte_t *start, *pte;
	spinlock_t *ptl;	/* of the page table that is walked */
	int full = 0;

	aw->next = addr;
	if (!aw->tables ||
	    (aw->tables < ANON_TABLES && mmap_lock_is_contended(walk->mm)))
		return 1;
	aw->tables--;

	ptl = pmd_trans_huge_lock(pmd, vma);
	if (ptl) {
		folio = pmd_present(*pmd) && !is_huge_zero_pmd(*pmd) ?
			pmd_folio(*pmd) : NULL;
		if (folio && anon_wanted(aw, folio)) {
			full = anon_full(aw, folio);
			if (!full)
				anon_collect(aw, folio,
					     pmdp_test_and_clear_young(vma, addr & PMD_MASK, pmd));
		}
		aw->next = full ? addr : end;
		spin_unlock(ptl);
		return full;
	}

	start = pte_offset_map_lock(walk->mm, pmd, addr, &ptl);
	if (!start) {
		walk->action = ACTION_AGAIN;
		return 0;
	}
	for (pte = start; addr < end; pte++, addr += PAGE_SIZE) {
		if (!pte_present(ptep_get(pte))) {
			full = anon_collect_swapcache(aw, ptep_get(pte));
			if (full)
				break;
			continue;
		}
		folio = vm_normal_folio(vma, addr, ptep_get(pte));
		if (!folio || !anon_wanted(aw, folio))
			continue;
		full = anon_full(aw, folio);
		if (full)
			break;
		anon_collect(aw, folio,
			     ptep_test_and_clear_young(vma, addr, pte));
	}
	aw->next = addr;
	pte_unmap_unlock(start, ptl);
	cond_resched();
	return full;
}

static const struct mm_walk_ops anon_ops = {
	.pmd_entry = anon_pmd,
	.walk_lock = PGWALK_RDLOCK,
};

/* Only a vma with an anon_vma has anonymous pages. */
static bool may_have_anon(struct vm_area_struct *vma)
{
	return vma->anon_vma && !is_vm_hugetlb_page(vma) &&
	       !(vma->vm_flags & (VM_LOCKED | VM_PFNMAP));
}

/*
 * All of @mm from @start on, mmap_lock held; vma by vma, as looking each of them up
 * anew costs more than all else if there are many. Returns 1 to stop at aw->next.
 */
static int walk_anon(struct anon_walk *aw, struct mm_struct *mm,
		     unsigned long start)
{
	VMA_ITERATOR(vmi, mm, start);
	struct vm_area_struct *vma;
	int more;

	for_each_vma(vmi, vma) {
		if (!may_have_anon(vma))
			continue;
		more = walk_page_range_vma(vma, max(start, vma->vm_start),
					   vma->vm_end, &anon_ops, aw);
		if (more)
			return more;
	}
	return 0;
}

/* Count one use more, if it was used since one looked the last time, or one less. */
static void anon_age(struct trim *tr, struct folio *folio, bool young)
{
	if (!may_reclaim(tr)) {
		/* all that is to be had */
		folio_clear_referenced(folio);
		folio_deactivate(folio);
		tr->deactivated += folio_nr_pages(folio);
		return;
	}
	if (young)
		folio_mark_accessed(folio);
	else if (trim_forget_use(tr, folio) < 2)
		tr->chosen += folio_nr_pages(folio);
}

static void trim_anon_batch(struct anon_walk *aw)
{
	struct trim *tr = aw->tr;
	int i;

	/* what is in this CPU's batches cannot be isolated */
	lru_add_drain();
	tr->held = true;
	for (i = 0; i < aw->nr; i++) {
		struct folio *folio = aw->folios[i];
		bool used = folio_in_use(folio) || aw->young[i];

		tr->scanned += folio_nr_pages(folio);
		if (may_reclaim(tr) && (!used || last_pass(tr)))
			trim_isolate(tr, folio);
		else if (used)
			anon_age(tr, folio, aw->young[i]);
		folio_put(folio);
	}
	aw->nr = 0;
	trim_reclaim(tr);
}

/*
 * The first pass only chooses what the next one is to take, so it need not go
 * through all that there is: some of it will be in use, but hardly two thirds.
 */
static bool chosen_enough(struct trim *tr)
{
	return tr->pass == TRIM_LARGE && may_reclaim(tr) && tr->chosen / 3 > trim_excess(tr);
}

/* Its process has ended meanwhile, and what it has is to be freed by us. */
static bool only_we_use(struct mm_struct *mm)
{
	return atomic_read(&mm->mm_users) == 1;
}

/*
 * Pages of @mm from @start on, until the container is under its target.
 * Returns where to go on; 0 at the end.
 */
static unsigned long trim_mm(struct trim *tr, struct mm_struct *mm,
			     unsigned long start)
{
	struct anon_walk *aw = kmalloc(sizeof(*aw), GFP_KERNEL);
	int more;

	if (!aw) {
		/* there is something to be had yet, if not now */
		tr->busy = true;
		return start;
	}

	aw->tr = tr;
	aw->swap = get_nr_swap_pages() > 0;
	do {
		aw->nr = 0;
		aw->left = tr->pass > TRIM_LARGE ? 2 * TRIM_COUNT : TRIM_COUNT;
		aw->tables = ANON_TABLES;
		aw->next = start;

		/* whoever holds it for long is not to hold up the others */
		if (!mmap_read_trylock(mm)) {
			tr->busy = true;
			more = 0;
			break;
		}
		/* after a fork that failed half way it has its parent's vmas */
		more = check_stable_address_space(mm) ? 0 :
		       walk_anon(aw, mm, start);
		mmap_read_unlock(mm);
		start = aw->next;

		trim_anon_batch(aw);
	} while (more > 0 && !trim_reached(tr) && !chosen_enough(tr) &&
		 !only_we_use(mm));
	kfree(aw);
	return more > 0 ? start : 0;
}

/*
 * The counter says how many pages there are without what the CPUs have not added
 * to it yet: a process for which it says none may have some. And what is in swap can
 * still be in memory: who looks everywhere looks there as well.
 */
static bool mm_wanted(struct trim *tr, struct mm_struct *mm, bool large)
{
	unsigned long nr = get_mm_counter(mm, MM_ANONPAGES);

	if (is_large(nr) != large)
		return false;
	return nr || get_mm_counter_sum(mm, MM_ANONPAGES) ||
	       (last_pass(tr) && get_mm_counter_sum(mm, MM_SWAPENTS));
}

/*
 * The mm in front, with a reference, if it is a large one, or a small one, as
 * asked for; those that are not go to the end of the list, and count as @done.
 */
static struct mm_struct *first_mm(struct trim *tr, bool large,
				  unsigned long *left, unsigned long *done)
{
	struct container *ctn = tr->ctn;
	struct mm_struct *mm, *ret = NULL;

	spin_lock(&ctn->lock);
	while (!ret && *left && !list_empty(&ctn->mms)) {
		--*left;
		mm = list_first_entry(&ctn->mms, struct mm_struct,
				      container_node);
		if (mm_wanted(tr, mm, large) && mmget_not_zero(mm)) {
			ret = mm;
		} else {
			list_move_tail(&mm->container_node, &ctn->mms);
			++*done;
		}
		cond_resched_lock(&ctn->lock);
	}
	spin_unlock(&ctn->lock);
	return ret;
}

/* @mm is done with: it goes to the end of the list, if it is still there. */
static void mm_done(struct container *ctn, struct mm_struct *mm)
{
	spin_lock(&ctn->lock);
	if (READ_ONCE(mm->container_token) == container_token(ctn))
		list_move_tail(&mm->container_node, &ctn->mms);
	spin_unlock(&ctn->lock);
}

/*
 * Have the next pass begin where this one did, which has been through @done mms
 * from @mm on, and there from @addr on, and into one more.
 */
static void rewind_mms(struct trim *tr, unsigned long done,
		       struct mm_struct *mm, unsigned long addr)
{
	struct container *ctn = tr->ctn;

	spin_lock(&ctn->lock);
	while (done-- && !list_empty(&ctn->mms))
		list_move(ctn->mms.prev, &ctn->mms);
	spin_unlock(&ctn->lock);
	tr->trimmer->mm = mm;
	tr->trimmer->addr = addr;
}

/**
 * trim_anon - trim anonymous pages of a container's processes
 * @tr: the round.
 * @large: those of processes with CONTAINER_LARGE pages or more, or the others.
 *
 * Context: May sleep.
 */
void trim_anon(struct trim *tr, bool large)
{
	struct container_trimmer *trimmer = tr->trimmer;
	struct container *ctn = tr->ctn;
	struct mm_struct *first = trimmer->mm;
	unsigned long first_addr = trimmer->addr;
	struct mm_struct *mm;
	unsigned long left = 0, done = 0;
	struct list_head *pos;

	spin_lock(&ctn->lock);
	list_for_each(pos, &ctn->mms)
		left++;
	spin_unlock(&ctn->lock);

	tr->chosen = 0;
	while (!trim_reached(tr) && !chosen_enough(tr) &&
	       (mm = first_mm(tr, large, &left, &done))) {
		if (mm != trimmer->mm)
			trimmer->addr = 0;
		trimmer->mm = mm;
		trimmer->addr = trim_mm(tr, mm, trimmer->addr);
		if (!trimmer->addr) {
			mm_done(ctn, mm);
			done++;
		}
		mmput_async(mm);
	}
	if (chosen_enough(tr) && !trim_reached(tr))
		rewind_mms(tr, done, first, first_addr);
}

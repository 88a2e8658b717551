// SPDX-License-Identifier: GPL-2.0
/*
 * Adoption: the anonymous pages that a process holds follow it when it is moved
 * into a container, out of one, or from one to another. Who is moved, and when,
 * is in task.c; file pages belong to their file and stay, see file.c.
 */
#include <linux/mm.h>
#include <linux/oom.h>
#include <linux/pagewalk.h>
#include <linux/rmap.h>
#include <linux/swap.h>
#include <linux/swapops.h>
#include "internal.h"

#define ADOPT_BATCH	64

struct adopt_walk {
	struct container *to;	/* compared only */
	unsigned long next;	/* where to go on */
	int nr;
	struct folio *folios[ADOPT_BATCH];
};

/* Returns 1 if that was as many as fit. */
static int adopt_collect(struct adopt_walk *aw, struct folio *folio,
			 unsigned long next)
{
	aw->next = next;
	if (!folio_test_anon(folio) || folio_container(folio) == aw->to ||
	    (aw->nr && aw->folios[aw->nr - 1] == folio))
		return 0;

	folio_get(folio);
	aw->folios[aw->nr++] = folio;
	return aw->nr == ADOPT_BATCH;
}

/*
 * A page that is being migrated is in nobody's page table until that is done, and
 * then comes back as it was charged before: wait for that, and go on with it.
 */
static int adopt_again(struct adopt_walk *aw, unsigned long addr)
{
	aw->next = addr;
	return 1;
}

static int adopt_pmd(pmd_t *pmd, unsigned long addr, unsigned long end,
		     struct mm_walk *walk)
{
	struct adopt_walk *aw = walk->private;
	struct folio *folio;
	spinlock_t *ptl;	/* of the page table that is walked */
	pte_t *start, *pte;
	int full = 0;

	ptl = pmd_trans_huge_lock(pmd, walk->vma);
	if (ptl) {
		if (is_pmd_migration_entry(*pmd)) {
			spin_unlock(ptl);
			pmd_migration_entry_wait(walk->mm, pmd);
			return adopt_again(aw, addr);
		}
		if (pmd_present(*pmd) && !is_huge_zero_pmd(*pmd))
			full = adopt_collect(aw, pmd_folio(*pmd), end);
		spin_unlock(ptl);
		return full;
	}

	start = pte_offset_map_lock(walk->mm, pmd, addr, &ptl);
	if (!start) {
		walk->action = ACTION_AGAIN;
		return 0;
	}
	for (pte = start; addr < end && !full; pte++, addr += PAGE_SIZE) {
		if (is_swap_pte(ptep_get(pte)) &&
		    is_migration_entry(pte_to_swp_entry(ptep_get(pte)))) {
			pte_unmap_unlock(start, ptl);
			migration_entry_wait(walk->mm, pmd, addr);
			return adopt_again(aw, addr);
		}
		if (!pte_present(ptep_get(pte)))
			continue;
		folio = vm_normal_folio(walk->vma, addr, ptep_get(pte));
		if (folio)
			full = adopt_collect(aw, folio, addr + PAGE_SIZE);
	}
	pte_unmap_unlock(start, ptl);
	cond_resched();
	return full;
}

static int adopt_test(unsigned long start, unsigned long end,
		      struct mm_walk *walk)
{
	/* only a vma with an anon_vma has anonymous pages */
	return !walk->vma->anon_vma || is_vm_hugetlb_page(walk->vma);
}

static const struct mm_walk_ops adopt_ops = {
	.pmd_entry = adopt_pmd,
	.test_walk = adopt_test,
	.walk_lock = PGWALK_RDLOCK,
};

struct other_user {
	struct container *ctn;	/* compared only */
	struct mm_struct *mm;
	bool found;
};

static bool other_user_one(struct folio *folio, struct vm_area_struct *vma,
			   unsigned long address, void *arg)
{
	DEFINE_FOLIO_VMA_WALK(pvmw, folio, vma, address, 0);
	struct other_user *other = arg;

	if (vma->vm_mm == other->mm ||
	    mm_container(vma->vm_mm) != other->ctn)
		return true;
	if (!page_vma_mapped_walk(&pvmw))
		return true;

	page_vma_mapped_walk_done(&pvmw);
	other->found = true;
	return false;
}

/*
 * A folio that others map as well, after a fork, stays with the container it
 * is charged to, or with none, as long as one of them is there. When the last of
 * them goes, sweep.c finds it.
 */
static bool stays_where_it_is(struct folio *folio, struct mm_struct *mm)
{
	struct other_user other = { .mm = mm };
	struct rmap_walk_control rwc = {
		.rmap_one = other_user_one,
		.arg = &other,
		/* whoever maps it may unmap it, and then go */
		.anon_lock = folio_lock_anon_vma_read,
	};

	if (!folio_likely_mapped_shared(folio))
		return false;

	rcu_read_lock();
	other.ctn = folio_container(folio);
	rcu_read_unlock();

	folio_lock(folio);
	if (folio_test_anon(folio))
		rmap_walk(folio, &rwc);
	folio_unlock(folio);
	return other.found;
}

/**
 * container_adopt_pages - charge what a process holds when it is moved
 * @mm: its mm, which has been moved; the caller has a reference.
 *
 * A page that is mapped from now on is charged to the new container at once,
 * as the page table lock orders that after the move: it is enough to walk the
 * page tables one time.
 *
 * Context: May sleep.
 */
void container_adopt_pages(struct mm_struct *mm)
{
	struct adopt_walk *aw;
	unsigned long start = 0;
	int i, more;

	/* a folio an entry, so this cannot do without memory */
	aw = kmalloc(sizeof(*aw), GFP_KERNEL | __GFP_NOFAIL);
	do {
		aw->nr = 0;
		aw->next = start;
		aw->to = mm_container(mm);

		mmap_read_lock(mm);
		/* after a fork that failed half way it has its parent's vmas */
		more = check_stable_address_space(mm) ? 0 :
		       walk_page_range(mm, start, TASK_SIZE_MAX, &adopt_ops, aw);
		mmap_read_unlock(mm);
		start = aw->next;
		container_stop_point("adopt: a batch found");

		for (i = 0; i < aw->nr; i++) {
			if (!stays_where_it_is(aw->folios[i], mm))
				container_move_charge(aw->folios[i], mm);
			folio_put(aw->folios[i]);
		}
		container_stop_point("adopt: a batch done");
		cond_resched();
	} while (more > 0);
	kfree(aw);
}

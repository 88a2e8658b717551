// SPDX-License-Identifier: GPL-2.0
/*
 * Adoption: what a process holds follows it when it is moved into a container, out
 * of one, or from one to another. Who is moved, and when, is in move.c.
 *
 * A process brings along what it alone maps, and all that it maps that is charged
 * to nobody, held memory of files included. What it shares with others after a
 * fork, and that is charged to a container, stays there until it is freed.
 * Droppable page cache belongs to its file.
 *
 * Whoever has a page charged to their container can have it swapped out. So a writer
 * who has not got CAP_SYS_RESOURCE brings nothing along that is another's as well: no
 * anonymous page that others map, and no memory of another user's file.
 */
#include <linux/mm.h>
#include <linux/oom.h>
#include <linux/pagemap.h>
#include <linux/pagewalk.h>
#include <linux/rmap.h>
#include <linux/swap.h>
#include <linux/swapops.h>
#include "../../mm/swap.h"
#include "token.h"

#define ADOPT_BATCH	64

struct adopt_walk {
	unsigned long token;	/* of the container that is joined; 0 for none */
	unsigned long next;	/* where to go on */
	int nr;
	struct folio *folios[ADOPT_BATCH];
};

/* Held memory of a file, if it is charged to nobody: what else there is stays. */
static bool is_unowned_file(struct folio *folio)
{
	struct address_space *mapping = folio_mapping(folio);

	return mapping && !folio_test_anon(folio) &&
	       container_mapping_is_held(mapping) && !folio_container(folio);
}

static bool adopt_wanted(struct adopt_walk *aw, struct folio *folio)
{
	if (aw->nr && aw->folios[aw->nr - 1] == folio)
		return false;
	if (!((folio_token(folio) ^ aw->token) >> CONTAINER_TOKEN_SHIFT))
		return false;
	return folio_test_anon(folio) ||
	       (folio_test_swapcache(folio) && !folio_mapped(folio)) ||
	       (aw->token && is_unowned_file(folio));
}

/* Returns 1 if that was as many as fit. */
static int adopt_collect(struct adopt_walk *aw, struct folio *folio,
			 unsigned long next)
{
	aw->next = next;
	if (!adopt_wanted(aw, folio))
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

/* A page that only this process has in swap can still be in memory. */
static int adopt_swapcache(struct adopt_walk *aw, pte_t pte, unsigned long next)
{
	swp_entry_t entry = pte_to_swp_entry(pte);
	struct folio *folio;
	int full;

	if (pte_none(pte) || non_swap_entry(entry) || !pte_swp_exclusive(pte))
		return 0;
	folio = filemap_get_folio(swap_address_space(entry),
				  swap_cache_index(entry));
	if (IS_ERR(folio))
		return 0;
	full = adopt_collect(aw, folio, next);
	folio_put(folio);
	return full;
}

static int adopt_pmd(pmd_t *pmd, unsigned long addr, unsigned long end,
		     struct mm_walk *walk)
{
	struct adopt_walk *aw = walk->private;
	struct folio *folio;
	spinlock_t *ptl;	/* of the page table that is walked */
	pte_t *start, *pte, entry;
	int full = 0;

	ptl = pmd_trans_huge_lock(pmd, walk->vma);
	if (ptl) {
		if (is_pmd_migration_entry(*pmd)) {
			spin_unlock(ptl);
			pmd_migration_entry_wait(walk->mm, pmd);
			return adopt_again(aw, addr);
		}
		folio = pmd_present(*pmd) ?
			vm_normal_folio_pmd(walk->vma, addr, *pmd) : NULL;
		if (folio)
			full = adopt_collect(aw, folio, end);
		spin_unlock(ptl);
		return full;
	}

	start = pte_offset_map_lock(walk->mm, pmd, addr, &ptl);
	if (!start) {
		walk->action = ACTION_AGAIN;
		return 0;
	}
	for (pte = start; addr < end && !full; pte++, addr += PAGE_SIZE) {
		entry = ptep_get(pte);
		if (is_swap_pte(entry) &&
		    is_migration_entry(pte_to_swp_entry(entry))) {
			pte_unmap_unlock(start, ptl);
			migration_entry_wait(walk->mm, pmd, addr);
			return adopt_again(aw, addr);
		}
		if (!pte_present(entry)) {
			full = adopt_swapcache(aw, entry, addr + PAGE_SIZE);
			continue;
		}
		folio = vm_normal_folio(walk->vma, addr, entry);
		if (folio)
			full = adopt_collect(aw, folio, addr + PAGE_SIZE);
	}
	pte_unmap_unlock(start, ptl);
	cond_resched();
	return full;
}

/* Only a vma with an anon_vma has anonymous pages. */
static int adopt_test(unsigned long start, unsigned long end,
		      struct mm_walk *walk)
{
	struct vm_area_struct *vma = walk->vma;

	if (is_vm_hugetlb_page(vma) || (vma->vm_flags & (VM_PFNMAP | VM_IO)))
		return 1;
	return !vma->anon_vma &&
	       !(vma->vm_file &&
		 container_mapping_is_held(vma->vm_file->f_mapping));
}

static const struct mm_walk_ops adopt_ops = {
	.pmd_entry = adopt_pmd,
	.test_walk = adopt_test,
	.walk_lock = PGWALK_RDLOCK,
};

/*
 * An anonymous folio, or one in the swap cache. @mm may be moved again meanwhile,
 * and then whoever did that finds this folio as well, if not before. The lock is
 * against migration, and against what else becomes of a folio that is not mapped.
 */
static void adopt_anon(struct folio *folio, struct mm_struct *mm, unsigned int how,
		       bool only_own)
{
	struct container *to, *owner;
	unsigned long token;

	folio_lock(folio);
	if (!folio_test_anon(folio) && !folio_test_swapcache(folio))
		goto out;
	rcu_read_lock_sched();
	do {
		token = READ_ONCE(mm->container_token);
		to = token_container(token);
		owner = folio_container(folio);
		if ((owner || only_own) && folio_likely_mapped_shared(folio))
			break;
		if (to)
			container_own_folio(folio, to, 0, how);
		else
			container_disown_folio(folio);
		/* moved again meanwhile, and this page was seen there before? */
	} while (token != READ_ONCE(mm->container_token));
	rcu_read_unlock_sched();
out:
	folio_unlock(folio);
}

/* Does pages_of() in move.c count it? */
static bool is_reserved_for(struct folio *folio)
{
	return folio_test_anon(folio) || folio_test_swapbacked(folio);
}

/* Pages of drivers say that they are of a file, and are not in its cache. */
static bool is_cached(struct folio *folio)
{
	return folio->mapping && !folio_test_anon(folio) &&
	       xa_load(&folio->mapping->i_pages, folio->index) == folio;
}

/* A folio of a file, or, as it is not locked yet, of none any more. */
static void adopt_file(struct folio *folio, struct container *ctn, unsigned int how,
		       bool only_own)
{
	folio_lock(folio);
	if (is_cached(folio) && is_unowned_file(folio) &&
	    (!only_own || container_may_say(folio->mapping->host)) &&
	    !container_join_file(folio->mapping, ctn))
		container_adopt_folios(&folio, 1, ctn, how);
	folio_unlock(folio);
}

/**
 * container_moved_in - pages that were on their way are there, or do not come
 * @reserve: what is charged in advance for them.
 * @nr: pages; more than that was for is all of it.
 *
 * Context: Any.
 */
void container_moved_in(struct container_reserve *reserve, long nr)
{
	nr = min(nr, reserve->nr);
	if (!nr)
		return;
	reserve->nr -= nr;
	atomic_long_sub(nr, &reserve->ctn->moving_in);
	page_counter_uncharge(&reserve->ctn->counter[CONTAINER_HELD], nr);
}

/*
 * @ctn is NULL where the process is in none any more. What is not reserved for is charged
 * if it fits, and else stays charged as it is.
 */
static void adopt_folio(struct folio *folio, struct mm_struct *mm,
			struct container *ctn, struct container_reserve *reserve)
{
	long nr = reserve && is_reserved_for(folio) ? folio_nr_pages(folio) : 0;
	unsigned int how = CONTAINER_OWN_FORCE;

	if (reserve && (!nr || nr > reserve->nr))
		how = CONTAINER_OWN_TRY;
	if (folio_test_anon(folio) || folio_test_swapcache(folio))
		adopt_anon(folio, mm, how, reserve);
	else if (ctn)
		adopt_file(folio, ctn, how, reserve);
	/* for a moment both are charged, rather than neither */
	if (nr)
		container_moved_in(reserve, nr);
}

/* The container that @mm is in, with a reference. */
static struct container *get_mm_container(struct mm_struct *mm)
{
	struct container *ctn;

	rcu_read_lock();
	ctn = mm_container(mm);
	if (ctn)
		ctn = container_tryget(ctn);
	rcu_read_unlock();
	return ctn;
}

/**
 * container_adopt_pages - charge what a process holds when it is moved
 * @mm: its mm, which has been moved; the caller has a reference.
 * @reserve: what is charged in advance for it, and is given back page by page. NULL
 *	     if all is to be charged, whether it fits or not, and whosever it is: for
 *	     who has CAP_SYS_RESOURCE.
 *
 * A page that is mapped from now on is charged to the new container at once,
 * as the page table lock orders that after the move: it is enough to walk the
 * page tables one time. This may take the container over its rss_limit.
 *
 * Context: May sleep.
 */
void container_adopt_pages(struct mm_struct *mm, struct container_reserve *reserve)
{
	struct container *ctn = get_mm_container(mm);
	struct adopt_walk *aw;
	unsigned long start = 0;
	int i, more;

	/* a folio an entry, so this cannot do without memory */
	aw = kmalloc(sizeof(*aw), GFP_KERNEL | __GFP_NOFAIL);
	do {
		aw->nr = 0;
		aw->next = start;
		aw->token = READ_ONCE(mm->container_token);

		/* others may have it for long; what is left stays charged as it is */
		if (mmap_read_lock_killable(mm))
			break;
		/* after a fork that failed half way it has its parent's vmas */
		more = check_stable_address_space(mm) ? 0 :
		       walk_page_range(mm, start, TASK_SIZE_MAX, &adopt_ops, aw);
		mmap_read_unlock(mm);
		start = aw->next;
		container_stop_point("adopt: a batch found");

		for (i = 0; i < aw->nr; i++) {
			adopt_folio(aw->folios[i], mm, ctn, reserve);
			folio_put(aw->folios[i]);
		}
		container_stop_point("adopt: a batch done");
		cond_resched();
	} while (more > 0);
	kfree(aw);
	if (ctn)
		container_put(ctn);
}

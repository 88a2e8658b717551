// SPDX-License-Identifier: GPL-2.0
/*
 * kcontainerd: what happens to a container that is over its page_limit.
 *
 * One work item per container on one workqueue, so that many containers are
 * trimmed at once and one that is stuck in I/O delays no other. A round brings
 * the container below limit - limit/8, in passes of growing insistence:
 *
 *  pass 0	large files and tasks: dirty pages are written back, clean ones
 *		that nobody maps are dropped; what is active or was referenced
 *		is deactivated, its referenced bits cleared
 *  pass 1	the same, for small files and tasks too
 *  pass 2	what was deactivated and is referenced all the same goes too
 *
 * In every pass files come first, if they are more than half of the limit, and
 * then anonymous pages, if they are more than 1/64 of it and there is swap. A
 * page that is mapped or anonymous, that was deactivated by an earlier visit
 * and is still cold, is reclaimed, unless over_limit says to stop at that.
 *
 * Both go round from where they left off the last time. Files are held as
 * kernel/container/file.c says, tasks by a reference to the mm. Folios are
 * collected under the page table lock and mmap_lock; these are dropped before
 * anything is done with them that may sleep.
 *
 * Who is charged, and when this is called, is in kernel/container/charge.c.
 */
#include <linux/backing-dev.h>
#include <linux/hugetlb_inline.h>
#include <linux/mm.h>
#include <linux/mm_inline.h>
#include <linux/oom.h>
#include <linux/pagemap.h>
#include <linux/pagevec.h>
#include <linux/pagewalk.h>
#include <linux/rmap.h>
#include <linux/sched/mm.h>
#include <linux/shmem_fs.h>
#include <linux/swap.h>
#include <linux/swapops.h>
#include <linux/writeback.h>
#include <trace/events/container.h>
#include "internal.h"
#include "swap.h"
#include "../kernel/container/internal.h"

/* Pages that one visit to a file or a task deals with: DEACTIVATE_COUNT */
#define TRIM_COUNT	1000

/*
 * Where only rss is to be trimmed, page cache that nobody maps is not dealt with
 * but passed over: so many folios for every page that may be dealt with.
 */
#define TRIM_SKIP	64

#define TRIM_PASSES	3

/* Folios that are given to reclaim at a time, so many that a disk is kept busy */
#define TRIM_BATCH	256

/* How long a container that could not be trimmed is left alone, at first */
#define TRIM_DELAY_MIN	(HZ / 10)
#define TRIM_DELAY_MAX	HZ

struct workqueue_struct *kcontainerd_wq;

struct trim {
	struct container *ctn;
	int pass;
	unsigned long goal;		/* anon + file pages, at most */
	unsigned long rss_goal;		/* rss, at most */
	unsigned long trimmed;		/* pages that are no longer charged */
	unsigned long scanned;
	unsigned long deactivated;
	unsigned long chosen;		/* of that, anonymous, in this pass */
	unsigned long written_back;
	unsigned long dropped;
	unsigned long reclaimed;
	unsigned long swapped_out;
	unsigned long unmapped;
	bool insist;			/* reclaim, whatever over_limit says? */
	bool rss_only;			/* is only rss over its goal? By reached() */
	bool held;			/* is what is isolated anon or shmem? */
	bool busy;			/* met what is being written, or locked */
	/* of what was reclaimed: what writeback may have kept from being freed */
	unsigned long pfns[TRIM_BATCH];
	int nr_pfns;
	struct list_head folios;	/* isolated, to be reclaimed */
	int nr_folios;
	struct folio_batch gone;	/* dropped, to be put together */
};

static bool over_goal(struct trim *tr)
{
	return tr->goal != ULONG_MAX && container_usage(tr->ctn) > tr->goal;
}

static bool over_rss_goal(struct trim *tr)
{
	return tr->rss_goal != ULONG_MAX &&
	       container_rss(tr->ctn) > tr->rss_goal;
}

/*
 * Has the round come to where it was to come, or does nobody want it any more? If
 * not, tells what for.
 */
static bool reached(struct trim *tr)
{
	tr->rss_only = !over_goal(tr);
	return (tr->rss_only && !over_rss_goal(tr)) ||
	       test_bit(CONTAINER_DYING, &tr->ctn->flags);
}

/* How many pages it is from there. */
static unsigned long excess(struct trim *tr)
{
	unsigned long nr = 0;

	if (over_goal(tr))
		nr = container_usage(tr->ctn) - tr->goal;
	if (over_rss_goal(tr))
		nr = max(nr, container_rss(tr->ctn) - tr->rss_goal);
	/* another CPU may have uncharged some in between */
	return (long)nr > 0 ? nr : 0;
}

static bool over_limit(struct container *ctn)
{
	return container_usage(ctn) > READ_ONCE(ctn->page_limit);
}

/*
 * How far down a task that needs a page below rss_limit has it trimmed, so that
 * the next few need not come for it: as many pages as a CPU takes in advance, or
 * 1/64 of a large limit, or 1/8 of a small one.
 */
static unsigned long rss_headroom(unsigned long limit)
{
	return min(max(limit / 64, (unsigned long)CONTAINER_STOCK), limit / 8);
}

/* Where a round that begins now is to come to. */
static void set_goals(struct trim *tr)
{
	struct container *ctn = tr->ctn;
	unsigned long limit = READ_ONCE(ctn->page_limit);
	unsigned long rss_limit = READ_ONCE(ctn->counter[CONTAINER_RSS].max);

	tr->goal = over_limit(ctn) ? limit - limit / 8 : ULONG_MAX;
	tr->goal = min(tr->goal, READ_ONCE(ctn->shrink_pages));

	tr->rss_goal = READ_ONCE(ctn->shrink_rss);
	if (atomic_read(&ctn->room_waiters))
		tr->rss_goal = min(tr->rss_goal, rss_limit -
				   min(max(rss_headroom(rss_limit), 1UL),
				       rss_limit));
	else if (container_over_rss(ctn))
		tr->rss_goal = min(tr->rss_goal, rss_limit);
}

/* Is this round for somebody who asked for it, rather than for page_limit? */
static bool is_urgent(struct trim *tr)
{
	return tr->rss_goal != ULONG_MAX ||
	       READ_ONCE(tr->ctn->shrink_pages) != ULONG_MAX;
}

/* ---- reclaim of isolated folios ---- */

/*
 * The folio at @pfn with a reference, if @ctn is still charged for it, or if
 * it is what its tasks have left behind in the swap cache meanwhile.
 */
static struct folio *get_reclaimed_folio(unsigned long pfn,
					 struct container *ctn)
{
	struct page *page = pfn_to_online_page(pfn);
	struct folio *folio;
	struct container *owner;

	if (!page || PageTail(page))
		return NULL;
	folio = page_folio(page);
	if (!folio_try_get(folio))
		return NULL;
	if (folio == page_folio(page)) {
		rcu_read_lock();
		owner = folio_container(folio);
		rcu_read_unlock();
		if (owner == ctn || (!owner && folio_test_swapcache(folio)))
			return folio;
	}
	folio_put(folio);
	return NULL;
}

/*
 * Reclaim what has been isolated. Pages that go to a disk are not free when
 * reclaim comes back, and nothing but this remembers them, as no mm maps them
 * any more: wait until they are written, and reclaim them again.
 */
static void reclaim_isolated(struct trim *tr)
{
	struct folio *folio;
	unsigned long nr;
	bool away = false;
	int i;

	if (!tr->nr_folios)
		return;

	nr = reclaim_pages(&tr->folios);

	for (i = 0; i < tr->nr_pfns; i++) {
		folio = get_reclaimed_folio(tr->pfns[i], tr->ctn);
		if (!folio)
			continue;
		if (!folio_mapped(folio)) {
			folio_wait_writeback(folio);
			away |= !folio_test_lru(folio);
		}
		folio_put(folio);
	}

	/*
	 * Those put back, and those whose writing has ended, are in a CPU's
	 * batch before they are on a list: any CPU's.
	 */
	if (away)
		lru_add_drain_all();

	for (i = 0; i < tr->nr_pfns; i++) {
		folio = get_reclaimed_folio(tr->pfns[i], tr->ctn);
		if (!folio)
			continue;
		if (!folio_mapped(folio) && folio_isolate_lru(folio))
			list_add(&folio->lru, &tr->folios);
		folio_put(folio);
	}
	nr += reclaim_pages(&tr->folios);

	tr->trimmed += nr;
	tr->reclaimed += nr;
	if (tr->held) {
		atomic_long_add(nr, &tr->ctn->held_reclaimed);
		/* but for the few that MADV_FREE has given up */
		tr->swapped_out += nr;
	}
	tr->nr_folios = 0;
	tr->nr_pfns = 0;
	cond_resched();
}

static void take_isolated(struct trim *tr, struct folio *folio)
{
	list_add(&folio->lru, &tr->folios);
	tr->pfns[tr->nr_pfns++] = folio_pfn(folio);
	tr->nr_folios++;
}

/* The caller holds a reference to @folio, and keeps it. */
static void isolate_for_reclaim(struct trim *tr, struct folio *folio)
{
	if (folio_test_unevictable(folio))
		return;
	if (!folio_isolate_lru(folio)) {
		/* it is in some CPU's batch, or in somebody's hands */
		tr->busy = true;
		return;
	}

	take_isolated(tr, folio);
}

static bool may_reclaim(struct trim *tr)
{
	return tr->insist ||
	       READ_ONCE(tr->ctn->over_limit) == CONTAINER_OVER_RECLAIM;
}

static void deactivate(struct trim *tr, struct folio *folio)
{
	folio_clear_referenced(folio);
	folio_deactivate(folio);
	tr->deactivated += folio_nr_pages(folio);
}

/* ---- file pages ---- */

/*
 * Only rss is too large: unmap a folio. It stays in the page cache, where
 * whoever needs it finds it again.
 */
static void unmap_folio(struct trim *tr, struct folio *folio,
			struct address_space *mapping)
{
	long nr;

	if (!folio_trylock(folio)) {
		tr->busy = true;
		return;
	}
	if (folio->mapping == mapping) {
		nr = folio_nr_pages(folio);
		try_to_unmap(folio, folio_test_pmd_mappable(folio) ?
				    TTU_SPLIT_HUGE_PMD : 0);
		if (!folio_mapped(folio)) {
			tr->trimmed += nr;
			tr->unmapped += nr;
		}
	}
	folio_unlock(folio);
}

/* What becomes of a folio that has been looked at: */
enum trim_fate {
	TRIM_STAYS,
	TRIM_DROP,	/* is to be dropped, and is locked */
	TRIM_RECLAIM,	/* is to be isolated and reclaimed: shmem, for which it takes swap */
};

/*
 * Can the folio, which is locked, just be dropped? That is asked once more when
 * it is. As mapping_evict_folio() does.
 */
static bool may_drop(struct folio *folio)
{
	return !folio_test_dirty(folio) && !folio_test_writeback(folio) &&
	       folio_ref_count(folio) <= folio_nr_pages(folio) +
					 folio_has_private(folio) + 1 &&
	       filemap_release_folio(folio, 0);
}

/*
 * One that is mapped is isolated while one asks whether it was referenced, which
 * reclaim always has it, and what that calls counts on.
 */
static enum trim_fate trim_mapped_folio(struct trim *tr, struct folio *folio,
					struct address_space *mapping,
					bool active)
{
	bool needs_reclaim = folio_test_swapbacked(folio) || !tr->rss_only;
	unsigned long vm_flags;

	if (!folio_isolate_lru(folio)) {
		tr->busy = true;
		return TRIM_STAYS;
	}
	if (folio_referenced(folio, 0, NULL, &vm_flags))
		active = true;

	if (active && (tr->pass < TRIM_PASSES - 1 ||
		       (needs_reclaim && !may_reclaim(tr)))) {
		folio_clear_active(folio);
		folio_clear_referenced(folio);
		tr->deactivated += folio_nr_pages(folio);
	} else if (needs_reclaim && may_reclaim(tr)) {
		take_isolated(tr, folio);
		return TRIM_STAYS;
	} else if (!needs_reclaim) {
		unmap_folio(tr, folio, mapping);
	}
	folio_putback_lru(folio);
	return TRIM_STAYS;
}

static enum trim_fate trim_file_folio(struct trim *tr, struct folio *folio,
				      struct address_space *mapping)
{
	bool active = folio_test_active(folio);
	bool mapped = folio_mapped(folio);
	bool shmem = folio_test_swapbacked(folio);

	if (!folio_charged_to(folio, tr->ctn) || folio_test_unevictable(folio))
		return TRIM_STAYS;
	/* page cache that nobody maps is not in the way */
	if (tr->rss_only && !mapped && !shmem)
		return TRIM_STAYS;
	/* unmapping it would be all that came of it */
	if (shmem && get_nr_swap_pages() <= 0)
		return TRIM_STAYS;
	/* shmem_fallocate() is at it: it gives up if these are written out */
	if (shmem && !folio_test_uptodate(folio) &&
	    READ_ONCE(mapping->host->i_private))
		return TRIM_STAYS;

	tr->scanned += folio_nr_pages(folio);
	if (folio_test_writeback(folio) && (shmem || !tr->rss_only)) {
		tr->busy = true;
		return TRIM_STAYS;
	}

	if (mapped)
		return trim_mapped_folio(tr, folio, mapping, active);
	/* a folio waits in a batch to be deactivated, and cannot go then */
	if (active && (tr->pass < TRIM_PASSES - 1 ||
		       (shmem && !may_reclaim(tr)))) {
		deactivate(tr, folio);
		return TRIM_STAYS;
	}
	if (shmem)
		return may_reclaim(tr) ? TRIM_RECLAIM : TRIM_STAYS;

	if (!folio_trylock(folio))
		return TRIM_STAYS;
	if (folio->mapping == mapping && may_drop(folio))
		return TRIM_DROP;
	folio_unlock(folio);
	return TRIM_STAYS;
}

/*
 * Drop the folios of @fbatch, which are locked and held. Those that nobody else
 * has begun to use are freed in the end, together: one by one costs a lock for
 * each.
 */
static void drop_folios(struct trim *tr, struct folio_batch *fbatch,
			struct address_space *mapping)
{
	unsigned int i, count = folio_batch_count(fbatch);
	struct folio *folio, *all[PAGEVEC_SIZE];
	long nr;

	if (!count)
		return;
	memcpy(all, fbatch->folios, count * sizeof(*all));
	filemap_remove_unused(mapping, fbatch);
	for (i = 0; i < count; i++) {
		folio = all[i];
		if (!folio->mapping) {
			nr = folio_nr_pages(folio);
			tr->trimmed += nr;
			tr->dropped += nr;
		}
		folio_unlock(folio);
		if (!folio_batch_add(&tr->gone, folio))
			folio_batch_release(&tr->gone);
	}
}

/*
 * Deal with the folios of @fbatch, which holds them, and hand them on or put them.
 * Returns how many pages of the visit's count that was.
 */
static unsigned long trim_file_batch(struct trim *tr, struct folio_batch *fbatch,
				     struct address_space *mapping,
				     unsigned long *skip)
{
	struct folio_batch drop;
	unsigned int i, kept = 0;
	unsigned long nr = 0;

	folio_batch_init(&drop);
	for (i = 0; i < folio_batch_count(fbatch); i++) {
		struct folio *folio = fbatch->folios[i];

		if (tr->rss_only && !tr->held && !folio_mapped(folio) && *skip) {
			--*skip;
			fbatch->folios[kept++] = folio;
			continue;
		}
		nr += folio_nr_pages(folio);
		switch (trim_file_folio(tr, folio, mapping)) {
		case TRIM_DROP:
			folio_batch_add(&drop, folio);
			continue;
		case TRIM_RECLAIM:
			isolate_for_reclaim(tr, folio);
			break;
		case TRIM_STAYS:
			break;
		}
		fbatch->folios[kept++] = folio;
	}
	fbatch->nr = kept;
	folio_batch_release(fbatch);
	drop_folios(tr, &drop, mapping);
	return nr;
}

/*
 * Up to @nr pages of a file from @index on: start writing what is dirty, then
 * drop what can be. Returns where to go on; 0 after the last page.
 */
static pgoff_t trim_file_range(struct trim *tr, struct inode *inode,
			       pgoff_t index, unsigned long nr)
{
	struct address_space *mapping = inode->i_mapping;
	struct folio_batch fbatch;
	unsigned long skip = nr * TRIM_SKIP;

	if (!tr->rss_only && mapping_tagged(mapping, PAGECACHE_TAG_DIRTY) &&
	    mapping_can_writeback(mapping)) {
		struct writeback_control wbc = {
			.sync_mode = WB_SYNC_NONE,
			.nr_to_write = nr,
			.range_start = (loff_t)index << PAGE_SHIFT,
			.range_end = LLONG_MAX,
		};

		filemap_fdatawrite_wbc(mapping, &wbc);
		tr->written_back += max(0L, (long)nr - wbc.nr_to_write);
		tr->busy = true;
	}

	folio_batch_init(&fbatch);
	tr->held = shmem_mapping(mapping);
	do {
		if (!filemap_get_folios(mapping, &index, -1, &fbatch))
			return 0;
		nr -= min(nr, trim_file_batch(tr, &fbatch, mapping, &skip));
		if (tr->nr_folios + PAGEVEC_SIZE > TRIM_BATCH)
			reclaim_isolated(tr);
		cond_resched();
		/* that was the last page of it */
		if (index == (pgoff_t)-1)
			return 0;
	} while (nr && !reached(tr));
	return index;
}

static void trim_files(struct trim *tr, bool large)
{
	struct container *ctn = tr->ctn;
	unsigned long nr = tr->pass ? 2 * TRIM_COUNT : TRIM_COUNT;
	unsigned long left = READ_ONCE(ctn->nr_files[large ?
						     CONTAINER_FILE_LARGE :
						     CONTAINER_FILE_SMALL]);
	struct inode *inode;
	pgoff_t cursor, next;

	/* each of them once, and one alone as often as could be enough */
	left += excess(tr) / nr + 1;
	/* those in this CPU's batches have a reference too many to be dropped */
	lru_add_drain();
	while (!reached(tr) &&
	       (inode = container_next_file(ctn, large, tr->rss_only, &left,
					    &cursor, &tr->busy))) {
		if (large)
			lru_add_drain();
		next = trim_file_range(tr, inode, cursor, nr);
		/* the part before the place where the last round left off */
		if (!next && cursor && !reached(tr))
			next = trim_file_range(tr, inode, 0, nr);
		reclaim_isolated(tr);
		if (next != cursor)
			container_set_cursor(ctn, inode, next);
		container_release_file(inode);
	}
	folio_batch_release(&tr->gone);
}

/* ---- anonymous pages ---- */

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
	       folio_container(folio) == aw->tr->ctn;
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

static void trim_anon_batch(struct anon_walk *aw)
{
	struct trim *tr = aw->tr;
	int i;

	/* what is in this CPU's batches cannot be isolated */
	lru_add_drain();
	tr->held = true;
	for (i = 0; i < aw->nr; i++) {
		struct folio *folio = aw->folios[i];
		bool active = folio_test_active(folio) || aw->young[i];

		tr->scanned += folio_nr_pages(folio);
		if (may_reclaim(tr) &&
		    (!active || tr->pass == TRIM_PASSES - 1)) {
			isolate_for_reclaim(tr, folio);
		} else if (active) {
			deactivate(tr, folio);
			tr->chosen += folio_nr_pages(folio);
		}
		folio_put(folio);
	}
	aw->nr = 0;
	reclaim_isolated(tr);
}

/*
 * The first pass only chooses what the next one is to take, so it need not go
 * through all that there is: some of it will be in use, but hardly two thirds.
 */
static bool chosen_enough(struct trim *tr)
{
	return !tr->pass && may_reclaim(tr) && tr->chosen / 3 > excess(tr);
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
		aw->left = tr->pass ? 2 * TRIM_COUNT : TRIM_COUNT;
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
	} while (more > 0 && !reached(tr) && !chosen_enough(tr) &&
		 !only_we_use(mm));
	kfree(aw);
	return more > 0 ? start : 0;
}

/*
 * The mm in front, with a reference, if it is a large one, or a small one, as
 * asked for; those that are not go to the end of the list, and count as @done.
 */
static struct mm_struct *first_mm(struct container *ctn, bool large,
				  unsigned long *left, unsigned long *done)
{
	struct mm_struct *mm, *ret = NULL;
	unsigned long nr;

	spin_lock(&ctn->lock);
	while (!ret && *left && !list_empty(&ctn->mms)) {
		--*left;
		mm = list_first_entry(&ctn->mms, struct mm_struct,
				      container_node);
		nr = get_mm_counter(mm, MM_ANONPAGES);
		if (nr && is_large(nr) == large &&
		    mmget_not_zero(mm)) {
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
	if (mm_container(mm) == ctn)
		list_move_tail(&mm->container_node, &ctn->mms);
	spin_unlock(&ctn->lock);
}

/*
 * Have the next pass begin where this one did, which has been through @done mms
 * from @mm on, and there from @addr on, and into one more.
 */
static void rewind_mms(struct container *ctn, unsigned long done,
		       struct mm_struct *mm, unsigned long addr)
{
	spin_lock(&ctn->lock);
	while (done-- && !list_empty(&ctn->mms))
		list_move(ctn->mms.prev, &ctn->mms);
	spin_unlock(&ctn->lock);
	ctn->trim_mm = mm;
	ctn->trim_addr = addr;
}

static void trim_anon(struct trim *tr, bool large)
{
	struct container *ctn = tr->ctn;
	struct mm_struct *first = ctn->trim_mm;
	unsigned long first_addr = ctn->trim_addr;
	struct mm_struct *mm;
	unsigned long left = 0, done = 0;
	struct list_head *pos;

	spin_lock(&ctn->lock);
	list_for_each(pos, &ctn->mms)
		left++;
	spin_unlock(&ctn->lock);

	tr->chosen = 0;
	while (!reached(tr) && !chosen_enough(tr) &&
	       (mm = first_mm(ctn, large, &left, &done))) {
		if (mm != ctn->trim_mm)
			ctn->trim_addr = 0;
		ctn->trim_mm = mm;
		ctn->trim_addr = trim_mm(tr, mm, ctn->trim_addr);
		if (!ctn->trim_addr) {
			mm_done(ctn, mm);
			done++;
		}
		mmput_async(mm);
	}
	if (chosen_enough(tr) && !reached(tr))
		rewind_mms(ctn, done, first, first_addr);
}

/* ---- a round ---- */

/* Does the share of one kind of pages make it worth going for them? */
static bool worth_trimming(struct trim *tr, unsigned long pages,
			   unsigned int shift)
{
	return is_urgent(tr) || pages > READ_ONCE(tr->ctn->page_limit) >> shift;
}

static void trim_pass(struct trim *tr)
{
	struct container *ctn = tr->ctn;
	bool last = tr->pass == TRIM_PASSES - 1;

	tr->insist = over_rss_goal(tr) ||
		     container_usage(ctn) > READ_ONCE(ctn->shrink_pages);

	/* few file pages are better than none to trim at all */
	if (worth_trimming(tr, container_file(ctn), 1) || last) {
		trim_files(tr, true);
		if (tr->pass)
			trim_files(tr, false);
	}

	/* without swap, some may have been given up all the same */
	if ((total_swap_pages || last) &&
	    worth_trimming(tr, container_stat(ctn, CONTAINER_ANON), 6)) {
		trim_anon(tr, true);
		if (tr->pass)
			trim_anon(tr, false);
	}
}

/* Add what a round has done to what the container's stat file says. */
static void count_round(struct trim *tr)
{
	struct container *ctn = tr->ctn;

	container_count(ctn, CONTAINER_ROUNDS, 1);
	container_count(ctn, CONTAINER_SCANNED, tr->scanned);
	container_count(ctn, CONTAINER_DEACTIVATED, tr->deactivated);
	container_count(ctn, CONTAINER_WRITTEN_BACK, tr->written_back);
	container_count(ctn, CONTAINER_DROPPED, tr->dropped);
	container_count(ctn, CONTAINER_RECLAIMED, tr->reclaimed);
	container_count(ctn, CONTAINER_SWAPPED_OUT, tr->swapped_out);
	if (tr->rss_goal != ULONG_MAX)
		atomic_long_add(tr->reclaimed + tr->unmapped,
				&ctn->rss_reclaimed);
}

/* Over the limit still: when to have another go. */
static unsigned int next_delay(struct trim *tr)
{
	struct container *ctn = tr->ctn;

	if (tr->trimmed || tr->busy) {
		clear_bit(CONTAINER_FUTILE, &ctn->flags);
		ctn->trim_delay = 0;
		/* not at once: it shall not have a CPU for itself */
		return tr->trimmed ? 1 : HZ / 50;
	}

	ctn->trim_delay = clamp(2 * ctn->trim_delay,
				TRIM_DELAY_MIN, TRIM_DELAY_MAX);
	/* that is about page_limit only */
	if (over_limit(ctn)) {
		WRITE_ONCE(ctn->futile_usage, container_usage(ctn));
		set_bit(CONTAINER_FUTILE, &ctn->flags);
	}
	return ctn->trim_delay;
}

/* For a moment, as much of it as may be under way. */
static void wait_for_writeback(void)
{
	__set_current_state(TASK_UNINTERRUPTIBLE);
	io_schedule_timeout(HZ / 50);
}

static void trim_round(struct trim *tr)
{
	struct container *ctn = tr->ctn;
	ktime_t start = ktime_get();

	trace_container_trim_begin(ctn->id, container_usage(ctn), tr->goal,
				   container_rss(ctn), tr->rss_goal);
	for (; tr->pass < TRIM_PASSES && !reached(tr); tr->pass++) {
		/* let what was started be written before one insists */
		if (tr->busy && tr->pass)
			wait_for_writeback();
		tr->busy = false;
		/* somebody is killed if nothing is found: look everywhere */
		if (tr->pass && is_urgent(tr))
			lru_add_drain_all();
		trim_pass(tr);
		container_wake_waiters(ctn);
	}
	count_round(tr);
	trace_container_trim_end(ctn->id, container_usage(ctn),
				 container_rss(ctn), tr->scanned,
				 tr->deactivated, tr->written_back, tr->dropped,
				 tr->unmapped, tr->reclaimed,
				 ktime_us_delta(ktime_get(), start));
}

/* One round for one container. */
void container_trim_work(struct work_struct *work)
{
	struct container *ctn = container_of(to_delayed_work(work),
					     struct container, trim_work);
	unsigned long round = ctn->rounds_begun + 1;
	struct trim *tr;

	/* small, and the way out of a shortage: it is worth waiting for */
	tr = kzalloc(sizeof(*tr), GFP_NOIO | __GFP_NOFAIL);
	tr->ctn = ctn;
	INIT_LIST_HEAD(&tr->folios);
	folio_batch_init(&tr->gone);

	WRITE_ONCE(ctn->rounds_begun, round);
	/* who sees that it has begun may have to have set a goal before */
	smp_mb();
	set_goals(tr);
	if (!reached(tr))
		trim_round(tr);

	/* from here on, who goes over the limit calls again */
	clear_bit(CONTAINER_TRIMMING, &ctn->flags);
	/* and who did before is seen: the bit goes before the usage is read */
	smp_mb__after_atomic();
	if (test_bit(CONTAINER_DYING, &ctn->flags)) {
		/* container_free_work() waits for this */
	} else if (over_limit(ctn) || container_over_rss(ctn)) {
		queue_delayed_work(kcontainerd_wq, &ctn->trim_work,
				   next_delay(tr));
	} else {
		clear_bit(CONTAINER_FUTILE, &ctn->flags);
		ctn->trim_delay = 0;
	}

	WRITE_ONCE(ctn->round_idle, !tr->busy);
	/* what it did is there to be seen by who waited for it */
	smp_store_release(&ctn->rounds_ended, round);
	container_wake_waiters(ctn);
	kfree(tr);
}

static int __init kcontainerd_init(void)
{
	kcontainerd_wq = alloc_workqueue("kcontainerd",
					 WQ_UNBOUND | WQ_MEM_RECLAIM | WQ_SYSFS,
					 WQ_MAX_ACTIVE);
	if (!kcontainerd_wq)
		panic("containers: no memory at boot\n");
	return 0;
}
core_initcall(kcontainerd_init);

#ifdef CONFIG_CONTAINERS_KUNIT_TEST
#include "tests/container-kunit.h"
#endif

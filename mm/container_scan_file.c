// SPDX-License-Identifier: GPL-2.0
/*
 * What kcontainerd trims of files, from where it left off in each. Files are held
 * as kernel/container/file.c says; what is dirty is written back, what is clean and
 * not mapped is dropped, and held memory goes to swap.
 *
 * Every folio is asked whether it is charged to this container: others can have
 * memory in the same file.
 */
#include <linux/backing-dev.h>
#include <linux/mm.h>
#include <linux/mm_inline.h>
#include <linux/pagemap.h>
#include <linux/rmap.h>
#include <linux/shmem_fs.h>
#include <linux/swap.h>
#include <linux/writeback.h>
#include "internal.h"
#include "container_trim.h"

/*
 * What is none of a round's business is not dealt with but passed over: so many
 * folios for every page that may be dealt with.
 */
#define TRIM_SKIP	64

/*
 * Unmap a folio that is cold. It stays in the page cache, where whoever needs it
 * finds it again.
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
		if (!folio_mapped(folio))
			tr->unmapped += nr;
	}
	folio_unlock(folio);
}

/* What becomes of a folio that has been looked at: */
enum trim_fate {
	TRIM_STAYS,
	TRIM_DROP,	/* is to be dropped, and is locked */
	TRIM_RECLAIM,	/* is to be isolated and reclaimed */
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
 * Is its file one that others map very often? To look at a page of that takes long, and
 * to unmap it does. One look at the file is enough to know; its pages are left to the last
 * pass, and to so much of it. Who waits for the round is not to wait for that.
 */
#define TRIM_DEAR	(HZ / 10)

static bool is_too_dear(struct trim *tr)
{
	if (!tr->dear)
		return false;
	if (!last_pass(tr) && !tr->unmap)
		return true;
	if (!tr->dear_until)
		tr->dear_until = (jiffies + TRIM_DEAR) | 1;
	return time_after(jiffies, tr->dear_until);
}

/* Is it the container's alone: held memory, or of a file that was named for it? */
static bool is_own(const struct trim *tr)
{
	return tr->held || tr->named || tr->unmap;
}

/*
 * Is it others who use it? Who was the first to read a file has its cache, but is not to
 * take from others what they use. They do not make the rounds, so they have a time in
 * which one use is enough: in between all that they map stays, and when that is over
 * what they have not used is dealt with as all else. It begins anew with the last pass.
 */
static bool others_use_it(const struct trim *tr, unsigned int touched)
{
	if (is_own(tr) || !(touched & MAPPED_BY_OTHERS))
		return false;
	return !tr->others || (touched & TOUCHED_BY_OTHERS);
}

static enum trim_fate trim_mapped_folio(struct trim *tr, struct folio *folio,
					struct address_space *mapping)
{
	bool stays = !last_pass(tr) || tr->unmap || !may_reclaim(tr);
	unsigned int touched;

	if (is_too_dear(tr))
		return TRIM_STAYS;
	touched = folio_was_touched(folio, tr->ctn,
				    is_own(tr) || (tr->others && last_pass(tr)));
	if (touched & MAPPED_BY_MANY) {
		tr->dear = true;
		if (is_too_dear(tr))
			return TRIM_STAYS;
	}

	if (others_use_it(tr, touched))
		return TRIM_STAYS;
	if ((touched & (TOUCHED | TOUCHED_BY_OTHERS)) && stays)
		folio_mark_accessed(folio);
	else if (folio_in_use(folio) && stays)
		trim_forget_use(tr, folio);
	else if (tr->unmap)
		unmap_folio(tr, folio, mapping);
	else if (may_reclaim(tr))
		return TRIM_RECLAIM;
	return TRIM_STAYS;
}

/* Only swap can take it: is there room? Then it is isolated and reclaimed. */
static bool may_swap_out(struct folio *folio, struct address_space *mapping)
{
	if (get_nr_swap_pages() <= 0)
		return false;
	/* shmem_fallocate() is at it: it gives up if these are written out */
	return folio_test_uptodate(folio) ||
	       !READ_ONCE(mapping->host->i_private);
}

/* Are many of a file's pages used more than once: an eighth of those looked at? */
static bool is_used_again(const struct container_scan *scan)
{
	return scan->used > scan->looked / 8;
}

static enum trim_fate trim_file_folio(struct trim *tr, struct folio *folio,
				      struct address_space *mapping)
{
	bool mapped = folio_mapped(folio);
	bool used = folio_in_use(folio);

	if (!folio_charged_to(folio, tr->ctn) || folio_test_unevictable(folio))
		return TRIM_STAYS;
	if (tr->held && !may_swap_out(folio, mapping))
		return TRIM_STAYS;

	tr->scanned += folio_nr_pages(folio);
	if (folio_test_writeback(folio) && !tr->unmap) {
		tr->writing = true;
		return TRIM_STAYS;
	}

	/* where only what is mapped is looked at, that is not what all of it is like */
	if (!tr->unmap) {
		tr->scan.looked += folio_nr_pages(folio);
		if (used)
			tr->scan.used += folio_nr_pages(folio);
	}
	if ((used || mapped) && tr->pass == TRIM_ONCE && !tr->unmap) {
		if (!mapped && tr->age) {
			tr->age -= min(tr->age, folio_nr_pages(folio));
			trim_forget_use(tr, folio);
		}
		return TRIM_STAYS;
	}

	if (mapped)
		return trim_mapped_folio(tr, folio, mapping);
	/* a folio waits in a batch to be deactivated, and cannot go then */
	if (used && (!last_pass(tr) || (tr->held && !may_reclaim(tr)))) {
		trim_forget_use(tr, folio);
		return TRIM_STAYS;
	}
	if (tr->held)
		return may_reclaim(tr) ? TRIM_RECLAIM : TRIM_STAYS;

	if (!folio_trylock(folio))
		return TRIM_STAYS;
	if (folio->mapping == mapping && may_drop(folio))
		return TRIM_DROP;
	folio_unlock(folio);
	return TRIM_STAYS;
}

/*
 * Take the folios of @fbatch off their lists, with one lock for as many as have it.
 * Those that somebody else has taken off come last; returns how many come before.
 */
static unsigned int isolate_batch(struct folio_batch *fbatch)
{
	struct lruvec *lruvec = NULL;
	unsigned int i, nr = 0;

	for (i = 0; i < folio_batch_count(fbatch); i++) {
		struct folio *folio = fbatch->folios[i];

		if (!folio_test_clear_lru(folio))
			continue;
		lruvec = folio_lruvec_relock_irq(folio, lruvec);
		lruvec_del_folio(lruvec, folio);
		swap(fbatch->folios[i], fbatch->folios[nr]);
		nr++;
	}
	if (lruvec)
		unlock_page_lruvec_irq(lruvec);
	return nr;
}

/*
 * Drop the folios of @fbatch, which are locked and held. Those that nobody else
 * has begun to use are freed in the end, together: one by one costs a lock for
 * each.
 */
static void drop_folios(struct trim *tr, struct folio_batch *fbatch,
			struct address_space *mapping)
{
	unsigned int i, isolated, count = folio_batch_count(fbatch);
	struct folio *folio, *all[PAGEVEC_SIZE];
	long nr;

	isolated = isolate_batch(fbatch);
	memcpy(all, fbatch->folios, count * sizeof(*all));
	fbatch->nr = isolated;
	if (isolated)
		filemap_remove_unused(mapping, fbatch);
	for (i = 0; i < count; i++) {
		folio = all[i];
		if (!folio->mapping) {
			/* it has it if it was in use; a free page must not */
			folio_clear_active(folio);
			nr = folio_nr_pages(folio);
			tr->trimmed += nr;
			tr->dropped += nr;
		} else if (i < isolated) {
			folio_add_lru(folio);
		}
		folio_unlock(folio);
		if (!folio_batch_add(&tr->gone, folio))
			folio_batch_release(&tr->gone);
	}
	tr->busy |= isolated < count;
}

/* It is another container's, or not mapped where that is what is looked for. */
static bool passes_over(struct trim *tr, struct folio *folio)
{
	return tr->held ? !folio_charged_to(folio, tr->ctn) :
			  tr->unmap && !folio_mapped(folio);
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

		if (*skip && passes_over(tr, folio)) {
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
			trim_isolate(tr, folio);
			/* one by one, to see how long it takes */
			if (tr->dear)
				trim_reclaim(tr);
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

/* What was long ago counts half as much as what is now. */
static void halve(struct container_scan *scan)
{
	if (scan->looked < 4 * TRIM_COUNT)
		return;
	scan->looked /= 2;
	scan->used /= 2;
}

/*
 * What filemap_get_folios() does, but it goes over no more than so many entries of what
 * has been dropped in one go. Returns whether there is more before @last; *@index is
 * where, then.
 */
#define TRIM_SHADOWS	4096

static bool get_folios(struct address_space *mapping, pgoff_t *index, pgoff_t last,
		       struct folio_batch *fbatch, unsigned long *skip)
{
	XA_STATE(xas, &mapping->i_pages, *index);
	unsigned long shadows = 0;
	struct folio *folio;
	bool more = true;

	folio_batch_init(fbatch);
	rcu_read_lock();
	xas_for_each(&xas, folio, last) {
		if (xas_retry(&xas, folio))
			continue;
		if (xa_is_value(folio)) {
			*index = xas.xa_index + 1;
			if (++shadows == TRIM_SHADOWS)
				goto out;
			continue;
		}
		if (!folio_try_get(folio)) {
			xas_reset(&xas);
			continue;
		}
		if (unlikely(folio != xas_reload(&xas))) {
			folio_put(folio);
			xas_reset(&xas);
			continue;
		}
		*index = folio_next_index(folio);
		if (!folio_batch_add(fbatch, folio))
			goto out;
	}
	more = false;
out:
	rcu_read_unlock();
	*skip -= min(*skip, shadows);
	return more && *index && *index <= last;
}

static void write_back(struct trim *tr, struct address_space *mapping, pgoff_t index,
		       unsigned long nr)
{
	struct writeback_control wbc = {
		.sync_mode = WB_SYNC_NONE,
		.nr_to_write = nr,
		.range_start = (loff_t)index << PAGE_SHIFT,
		.range_end = LLONG_MAX,
	};

	filemap_fdatawrite_wbc(mapping, &wbc);
	tr->written_back += max(0L, (long)nr - wbc.nr_to_write);
	tr->writing = true;
}

/*
 * Up to *@nr pages of a file from *@index to @last, of which those that are dealt with
 * are taken off. Returns whether there is more; *@index is where, then.
 */
static bool trim_file_range(struct trim *tr, struct address_space *mapping,
			    pgoff_t *index, pgoff_t last, unsigned long *nr)
{
	unsigned long skip = *nr * TRIM_SKIP;
	struct folio_batch fbatch;
	bool more;

	do {
		more = get_folios(mapping, index, last, &fbatch, &skip);
		*nr -= min(*nr, trim_file_batch(tr, &fbatch, mapping, &skip));
		if (tr->nr_folios + PAGEVEC_SIZE > TRIM_BATCH)
			trim_reclaim(tr);
		cond_resched();
		/* it has so much else that it has to wait for its next turn */
		if (!skip)
			*nr = 0;
	} while (more && *nr && !trim_reached(tr) &&
		 /* it is none of those that are looked for */
		 !(tr->streams && is_used_again(&tr->scan)));
	return more;
}

/*
 * Up to @nr pages of a file, from where the last visit ended, but not beyond where the
 * lap began: start writing what is dirty, then drop what can be.
 */
static void visit_file(struct trim *tr, struct inode *inode, unsigned long nr)
{
	struct address_space *mapping = inode->i_mapping;
	struct container_scan *scan = &tr->scan;
	struct container_file *file;

	if (!tr->unmap && mapping_tagged(mapping, PAGECACHE_TAG_DIRTY) &&
	    mapping_can_writeback(mapping))
		write_back(tr, mapping, scan->cursor, nr);

	tr->held = container_mapping_is_held(mapping);
	tr->dear = false;
	rcu_read_lock();
	file = container_find_file(mapping, tr->ctn);
	tr->named = file && file->named;
	rcu_read_unlock();

	if (!scan->wrapped && !trim_file_range(tr, mapping, &scan->cursor, -1, &nr)) {
		scan->cursor = 0;
		scan->wrapped = true;
		scan->lapped = !scan->start;
	}
	if (scan->wrapped && !scan->lapped && nr && !trim_reached(tr))
		scan->lapped = !trim_file_range(tr, mapping, &scan->cursor,
						scan->start - 1, &nr);
}

/* Of held memory only shmem can go anywhere. */
static bool can_swap_out(struct container_file *file)
{
	return shmem_mapping(file->mapping) && get_nr_swap_pages() > 0;
}

static bool held_wanted(struct container_file *file)
{
	return file_is_held(file) && can_swap_out(file);
}

static bool any_wanted(struct container_file *file)
{
	return !file_is_held(file) || can_swap_out(file);
}

static bool droppable_wanted(struct container_file *file)
{
	return !file_is_held(file);
}

static bool stream_wanted(struct container_file *file)
{
	return !file_is_held(file) && !is_used_again(&file->scan);
}

static bool mapped_wanted(struct container_file *file)
{
	return !file_is_held(file) && mapping_mapped(file->mapping);
}

/**
 * trim_files - trim pages of a container's files
 * @tr: the round.
 * @large: those of files with CONTAINER_LARGE pages or more, or the others.
 *
 * Context: May sleep.
 */
void trim_files(struct trim *tr, bool large)
{
	struct container *ctn = tr->ctn;
	unsigned long nr = tr->pass > TRIM_LARGE ? 2 * TRIM_COUNT : TRIM_COUNT;
	unsigned long files = READ_ONCE(ctn->nr_files[large ?
						      CONTAINER_FILE_LARGE :
						      CONTAINER_FILE_SMALL]);
	struct container_lap lap = {
		.nr = atomic_inc_return(&ctn->trim_laps),
		.large = large,
	};
	bool (*wanted)(struct container_file *file) =
		tr->unmap ? mapped_wanted :
		tr->streams ? stream_wanted :
		tr->pass == TRIM_ONCE ? droppable_wanted :
		only_held(tr) ? held_wanted : any_wanted;
	unsigned long pages = container_stat(ctn, CONTAINER_FILE) +
			      (tr->pass == TRIM_ONCE ? 0 :
			       container_stat(ctn, CONTAINER_HELD_FILE));
	struct inode *inode;

	/*
	 * So many visits: each file once, and one alone until all of it has been looked
	 * at. Where what is looked at goes, or is only deactivated: as could be enough.
	 */
	if (only_held(tr) || last_pass(tr) ||
	    (tr->pass > TRIM_ONCE && !may_reclaim(tr)))
		pages = trim_excess(tr);
	lap.visits = files + pages / nr + 1;
	/* those that are gone over already, between visits to one that is larger */
	lap.skips = files + pages + 1;
	/* those in this CPU's batches have a reference too many to be dropped */
	lru_add_drain();
	while (!trim_reached(tr) &&
	       (inode = container_next_file(ctn, wanted, &lap, &tr->scan, &tr->busy))) {
		if (large)
			lru_add_drain();
		visit_file(tr, inode, nr);
		trim_reclaim(tr);
		halve(&tr->scan);
		container_set_scan(ctn, inode, &tr->scan);
		container_release_file(inode);
	}
	folio_batch_release(&tr->gone);
}

#ifdef CONFIG_CONTAINERS_KUNIT_TEST
#include "tests/container-file-kunit.h"
#endif

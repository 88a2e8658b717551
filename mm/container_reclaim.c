// SPDX-License-Identifier: GPL-2.0
/*
 * Having what kcontainerd has chosen go: folios that are isolated from their LRU
 * lists are given to reclaim, a batch at a time.
 */
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/swap.h>
#include "internal.h"
#include "container_trim.h"

/*
 * @folio is isolated. It may have become unevictable before that, of which reclaim knows
 * nothing: then it is put back, and not to be touched any more.
 */
static bool is_evictable(struct folio *folio)
{
	if (likely(!folio_test_unevictable(folio)))
		return true;
	folio_putback_lru(folio);
	return false;
}

/*
 * The folio at @pfn with a reference, if @ctn is still charged for it, or if
 * it is what its tasks have left behind in the swap cache meanwhile.
 */
static struct folio *get_reclaimed_folio(unsigned long pfn,
					 struct container *ctn)
{
	struct page *page = pfn_to_online_page(pfn);
	struct folio *folio;
	unsigned long token;

	if (!page || PageTail(page))
		return NULL;
	folio = page_folio(page);
	if (!folio_try_get(folio))
		return NULL;
	if (folio == page_folio(page)) {
		token = folio_token(folio);
		if (folio_charged_to(folio, ctn) ||
		    (!token && folio_test_swapcache(folio)))
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
void trim_reclaim(struct trim *tr)
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
		if (!folio_mapped(folio) && folio_isolate_lru(folio) &&
		    is_evictable(folio))
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

/* @folio is isolated: it is to be reclaimed. */
void trim_take(struct trim *tr, struct folio *folio)
{
	list_add(&folio->lru, &tr->folios);
	tr->pfns[tr->nr_pfns++] = folio_pfn(folio);
	tr->nr_folios++;
}

/* Isolate @folio for that. The caller holds a reference, and keeps it. */
void trim_isolate(struct trim *tr, struct folio *folio)
{
	if (folio_test_unevictable(folio))
		return;
	if (!folio_isolate_lru(folio)) {
		/* it is in some CPU's batch, or in somebody's hands */
		tr->busy = true;
		return;
	}
	if (is_evictable(folio))
		trim_take(tr, folio);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Orphans: pages in the swap cache that nobody can come back to any more, as the
 * last process has gone that had them mapped or in swap. Who goes frees them in
 * passing, or, while they are being written, has nobody charged for them. But
 * that takes the folio's lock, for which a process that is taken apart cannot
 * wait: then it is done here, a moment later.
 *
 * Nor can who goes tell a page of which it sees a migration entry, one that is
 * not in the swap cache yet, or one that is charged later. There, who holds the
 * folio's lock looks before it lets go: container_free_orphan().
 */
#include <linux/container.h>
#include <linux/llist.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/slab.h>
#include <linux/swap.h>
#include <linux/workqueue.h>
#include "swap.h"
#include "../kernel/container/token.h"

struct orphan {
	struct llist_node node;
	struct folio *folio;	/* with a reference */
};

static LLIST_HEAD(orphans);

/* It may be that it is none: it may be mapped again, or still be in swap. */
void __container_free_orphan(struct folio *folio)
{
	if (folio_test_swapcache(folio) && !folio_mapped(folio) &&
	    !folio_free_swap(folio))
		swap_uncharge_orphan(folio);
}

static void free_orphans(struct work_struct *work)
{
	struct llist_node *list = llist_del_all(&orphans);
	struct orphan *orphan, *next;

	llist_for_each_entry_safe(orphan, next, list, node) {
		struct folio *folio = orphan->folio;

		folio_lock(folio);
		__container_free_orphan(folio);
		folio_unlock(folio);
		folio_put(folio);
		kfree(orphan);
		cond_resched();
	}
}

static DECLARE_WORK(orphan_work, free_orphans);

void __container_orphan_later(struct folio *folio)
{
	struct orphan *orphan;
	bool charged;

	rcu_read_lock();
	charged = folio_container(folio);
	rcu_read_unlock();
	if (!charged)
		return;

	/*
	 * A page of the reserve is enough for hundreds of them, and what they
	 * free comes back in a moment. If there is not even that, reclaim is
	 * about to come by.
	 */
	orphan = kmalloc(sizeof(*orphan), GFP_ATOMIC | __GFP_NOWARN);
	if (!orphan)
		return;

	folio_get(folio);
	orphan->folio = folio;
	if (llist_add(&orphan->node, &orphans))
		queue_work(system_unbound_wq, &orphan_work);
}

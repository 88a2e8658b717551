// SPDX-License-Identifier: GPL-2.0
/*
 * Finding the pages that are charged to a container when nothing leads to them
 * any more, by a search through all of memory. That is when
 *
 *  - it has been removed: its pages let go of it, or it could not be freed;
 *  - the last process in it has gone, and anonymous pages are left. A page that
 *    processes share after a fork stays where it is charged when one of them is
 *    moved, as long as another that is there maps it; nothing tells that this
 *    has gone. It goes to the container of whoever maps it then, or to nobody;
 *  - its last file has left, and pages of files are left: rmdir could not hold the
 *    inode, of a file system that is frozen, and then did not come to its end.
 *
 * But for the first, it takes a moment, and is not looked for but where it would
 * show: while there are other processes, pages that only outsiders map count as
 * theirs.
 *
 * Locks: sweep_mutex, and that of memory hotplug, outside of all; inside, a folio's,
 * which is only tried, then its anon_vma's, and those that charging takes.
 */
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/rmap.h>
#include <linux/swap.h>
#include <linux/workqueue.h>
#include "internal.h"

/* When to begin, so that what a process leaves for a moment is not searched for */
#define LEFTOVERS_DELAY		HZ

/* A page may be in somebody's hands each time: how often to try, ever more slowly */
#define LEFTOVERS_TRIES		8

static DEFINE_MUTEX(sweep_mutex);

/**
 * container_sweep - call a function for every folio that is charged to a container
 * @ctn: the container.
 * @fn: gets the folio, with a reference of the caller's. May sleep.
 *
 * A folio whose references are frozen at the moment is not found. There is one
 * search at a time: they are in no hurry, and shall not have all CPUs.
 *
 * Context: May sleep. Takes the lock of memory hotplug.
 */
void container_sweep(struct container *ctn,
		     void (*fn)(struct folio *folio, struct container *ctn))
{
	struct folio *folio;
	struct page *page;
	unsigned long pfn, end;

	mutex_lock(&sweep_mutex);
	get_online_mems();
	for (pfn = 0, end = max_pfn; pfn < end; pfn++) {
		if (!(pfn % PAGES_PER_SECTION))
			cond_resched();

		page = pfn_to_online_page(pfn);
		if (!page) {
			/* there may be memory in the same section */
			pfn |= PAGES_PER_SUBSECTION - 1;
			continue;
		}

		rcu_read_lock();
		folio = folio_container((struct folio *)page) == ctn ?
			page_folio(page) : NULL;
		if (folio && !folio_try_get(folio))
			folio = NULL;
		rcu_read_unlock();
		if (!folio)
			continue;

		fn(folio, ctn);
		folio_put(folio);
	}
	put_online_mems();
	mutex_unlock(&sweep_mutex);
}

/* Whoever maps @folio, and is in a container, has it charged. */
static bool charge_user(struct folio *folio, struct vm_area_struct *vma,
			unsigned long address, void *arg)
{
	DEFINE_FOLIO_VMA_WALK(pvmw, folio, vma, address, 0);
	bool *found = arg;

	if (!READ_ONCE(vma->vm_mm->container_token) ||
	    !page_vma_mapped_walk(&pvmw))
		return true;

	page_vma_mapped_walk_done(&pvmw);
	container_move_charge(folio, vma->vm_mm);
	*found = true;
	return false;
}

/*
 * An anonymous folio of a container without processes, which is locked. One that is
 * neither mapped nor in the swap cache, and never was, is new: somebody is about to
 * map it.
 */
static void disown_anon_folio(struct folio *folio, struct container *ctn)
{
	bool found = false;
	struct rmap_walk_control rwc = {
		.rmap_one = charge_user,
		.arg = &found,
		/* whoever maps it may unmap it, and then go */
		.anon_lock = folio_lock_anon_vma_read,
	};

	if (folio_test_anon(folio) && folio_mapped(folio)) {
		rmap_walk(folio, &rwc);
		if (!found) {
			container_drop_charge(folio, ctn);
			/*
			 * A process that maps it may have joined the container
			 * meanwhile, and found it charged there: look again. One
			 * that joins from now on finds that it is not.
			 */
			rmap_walk(folio, &rwc);
		}
	} else if (folio_test_anon(folio) || folio_test_swapcache(folio)) {
		folio_free_swap(folio);
		container_drop_charge(folio, ctn);
	}
}

/*
 * As soon as there is a process again, or a file, it may be one of that. Who makes
 * it so for a page of a file does it later than that, and with the lock.
 *
 * A page that is new is not locked: its flags change without that. It comes to a
 * list when it is complete, and what has been taken from there is back soon.
 */
static void disown_folio(struct folio *folio, struct container *ctn)
{
	if (!folio_test_lru(folio) || !folio_trylock(folio))
		return;
	if (!folio_charged_as_anon(folio)) {
		if (list_empty(&ctn->files))
			container_drop_charge(folio, ctn);
	} else if (list_empty(&ctn->mms) && folio_charged_to(folio, ctn)) {
		disown_anon_folio(folio, ctn);
	}
	folio_unlock(folio);
}

static bool has_leftovers(struct container *ctn)
{
	return (list_empty(&ctn->mms) && container_stat(ctn, CONTAINER_ANON)) ||
	       (!container_nr_files(ctn) && container_file(ctn));
}

static struct workqueue_struct *leftovers_wq;

void container_leftovers_work(struct work_struct *work)
{
	struct container *ctn = container_of(to_delayed_work(work),
					     struct container, leftovers_work);
	unsigned int tries = READ_ONCE(ctn->leftovers_tries) + 1;

	if (test_bit(CONTAINER_DYING, &ctn->flags) || !has_leftovers(ctn))
		return;
	/* mostly it is just what other CPUs have in their batches */
	lru_add_drain_all();
	if (!has_leftovers(ctn))
		return;

	container_sweep(ctn, disown_folio);
	if (!has_leftovers(ctn) || tries == LEFTOVERS_TRIES)
		return;
	/* unless there are more of them, for which it begins anew */
	cmpxchg(&ctn->leftovers_tries, tries - 1, tries);
	queue_delayed_work(leftovers_wq, &ctn->leftovers_work,
			   LEFTOVERS_DELAY << tries);
}

/**
 * container_check_leftovers - an mm, or a file, has left a container
 * @ctn: the container.
 *
 * If pages are left of what is not in it any more, a search for them will begin
 * in a moment.
 *
 * Context: Any. Within RCU, or with @ctn held.
 */
void container_check_leftovers(struct container *ctn)
{
	if (!has_leftovers(ctn))
		return;
	/* it may be waiting for long by now */
	if (xchg(&ctn->leftovers_tries, 0))
		mod_delayed_work(leftovers_wq, &ctn->leftovers_work,
				 LEFTOVERS_DELAY);
	else
		queue_delayed_work(leftovers_wq, &ctn->leftovers_work,
				   LEFTOVERS_DELAY);
}

static int __init container_sweep_init(void)
{
	leftovers_wq = alloc_ordered_workqueue("container_leftovers", 0);
	if (!leftovers_wq)
		panic("containers: no memory at boot\n");
	return 0;
}
core_initcall(container_sweep_init);

// SPDX-License-Identifier: GPL-2.0
/*
 * Life of a container: making, emptying, freeing.
 *
 * rmdir empties it: its tasks, mms and files leave, and the pages of the files
 * with them. Then it waits, in the background, for an RCU grace period, after
 * which nobody charges it any more. If pages are still charged to it then, those
 * of tasks that live on, in flight or pinned by someone, all of memory is
 * searched for them: it is the pages that let go, not the container that stays.
 * Once nothing is charged, and all who took part in that are through, it is
 * freed.
 */
#include <linux/idr.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/slab.h>
#include <linux/swap.h>
#include "internal.h"

#define CREATE_TRACE_POINTS
#include <trace/events/container.h>

unsigned long container_default_page_limit = PAGE_COUNTER_MAX;
unsigned long container_default_task_limit = PAGE_COUNTER_MAX;

static DEFINE_IDA(container_ida);
static struct kmem_cache *container_cache;
static struct workqueue_struct *container_free_wq;

static void container_free_work(struct work_struct *work);

/**
 * container_create - make a container with nothing in it
 *
 * Context: May sleep.
 * Return: the container, with the default limits, or NULL without memory. It
 * is the caller's, until its group is released: container_destroy().
 */
struct container *container_create(void)
{
	struct container *ctn = kmem_cache_zalloc(container_cache, GFP_KERNEL);
	int i;

	if (!ctn)
		return NULL;

	container_stop_point("mkdir: allocated");
	if (!container_percpu_fails(sizeof(*ctn->pcpu)))
		ctn->pcpu = alloc_percpu(struct container_pcpu);
	ctn->id = ida_alloc_min(&container_ida, 1, GFP_KERNEL);
	if (!ctn->pcpu || ctn->id < 0) {
		if (ctn->id > 0)
			ida_free(&container_ida, ctn->id);
		free_percpu(ctn->pcpu);
		kmem_cache_free(container_cache, ctn);
		return NULL;
	}

	for (i = 0; i < NR_CONTAINER_COUNTERS; i++)
		page_counter_init(&ctn->counter[i], NULL, false);
	ctn->page_limit = READ_ONCE(container_default_page_limit);
	ctn->task_limit = READ_ONCE(container_default_task_limit);
	/* so that the first hit is not one that follows another */
	ctn->last_hit = jiffies - HZ;
	ctn->oom_told_until = jiffies;
	spin_lock_init(&ctn->lock);
	INIT_LIST_HEAD(&ctn->tasks);
	INIT_LIST_HEAD(&ctn->mms);
	spin_lock_init(&ctn->files_lock);
	INIT_LIST_HEAD(&ctn->files);
	for (i = 0; i < NR_CONTAINER_FILE_CLASSES; i++)
		INIT_LIST_HEAD(&ctn->trim_files[i]);
	mutex_init(&ctn->shrink_lock);
	ctn->shrink_pages = ULONG_MAX;
	ctn->shrink_rss = ULONG_MAX;
	INIT_DELAYED_WORK(&ctn->notify_work, container_notify_work);
	ctn->last_notice = jiffies - HZ;
	INIT_DELAYED_WORK(&ctn->trim_work, container_trim_work);
	INIT_DELAYED_WORK(&ctn->leftovers_work, container_leftovers_work);
	INIT_RCU_WORK(&ctn->free_work, container_free_work);
	container_audit_add(ctn);

	static_branch_enable(&containers_key);
	container_stop_point("mkdir: made");
	return ctn;
}

/**
 * container_empty - let everything leave a container that is to be removed
 * @ctn: the container.
 *
 * Context: May sleep, and for as long as it takes to walk all it owns.
 */
void container_empty(struct container *ctn)
{
	set_bit(CONTAINER_DYING, &ctn->flags);
	container_stop_point("rmdir: dying");
	/* it uses the directory */
	disable_delayed_work_sync(&ctn->notify_work);
	container_expel_tasks(ctn);
	container_stop_point("rmdir: no tasks");
	container_expel_files(ctn);
	container_stop_point("rmdir: no files");
}

/* It has not been removed after all. */
void container_revive(struct container *ctn)
{
	clear_bit(CONTAINER_DYING, &ctn->flags);
	enable_delayed_work(&ctn->notify_work);
	/*
	 * Its processes have left it without their pages, and files may have.
	 * Who still charges for one of them is through after this.
	 */
	synchronize_rcu();
	container_check_leftovers(ctn);
	if (READ_ONCE(ctn->notices))
		queue_delayed_work(system_unbound_wq, &ctn->notify_work, 0);
}

/* The directory is gone: another container may have the id. */
void container_free_id(struct container *ctn)
{
	ida_free(&container_ida, ctn->id);
}

/**
 * container_destroy - the directory is gone, and so is every user of its files
 * @ctn: the container, which container_empty() has emptied.
 *
 * Context: May sleep.
 */
void container_destroy(struct container *ctn)
{
	queue_rcu_work(container_free_wq, &ctn->free_work);
}

static void container_free_rcu(struct rcu_head *head)
{
	struct container *ctn = container_of(head, struct container,
					     free_work.rcu);

	container_drain_stock(ctn);
	WARN_ON_ONCE(page_counter_read(&ctn->counter[CONTAINER_RSS]));
	WARN_ON_ONCE(page_counter_read(&ctn->counter[CONTAINER_CACHE]));
	WARN_ON_ONCE(container_mapped(ctn));
	WARN_ON_ONCE(container_stat(ctn, CONTAINER_ACTIVE));
	free_percpu(ctn->pcpu);
	kmem_cache_free(container_cache, ctn);
	container_audit_freed();
}

/* A folio may be frozen, in a split, each time the search comes by. */
#define CONTAINER_SWEEPS	100

/* Runs after a grace period: nobody charges @ctn any more. */
static void container_free_work(struct work_struct *work)
{
	struct container *ctn = container_of(to_rcu_work(work),
					     struct container, free_work);
	int i;

	cancel_delayed_work_sync(&ctn->trim_work);
	cancel_delayed_work_sync(&ctn->leftovers_work);

	/* mostly it is just what other CPUs have in their batches */
	if (container_usage(ctn))
		lru_add_drain_all();
	for (i = 0; container_usage(ctn) && i < CONTAINER_SWEEPS; i++) {
		if (i)
			schedule_timeout_idle(HZ / 100 * i);
		container_sweep(ctn, container_drop_charge);
	}
	/* rather lose its memory than have a page point to what is freed */
	if (WARN_ON_ONCE(container_usage(ctn)))
		return;

	container_audit_remove(ctn);
	/* those who have just uncharged the last page still use it */
	call_rcu(&ctn->free_work.rcu, container_free_rcu);
}

static int __init container_core_init(void)
{
	BUILD_BUG_ON(MAX_PAGECACHE_ORDER >=
		     CONTAINER_TOKEN_SHIFT - CONTAINER_TOKEN_MAPPED_SHIFT);

	/* that the token can tell where it is */
	container_cache = kmem_cache_create("container",
					    sizeof(struct container),
					    CONTAINER_ALIGN, 0, NULL);
	container_free_wq = alloc_workqueue("container_free", WQ_UNBOUND, 0);
	if (!container_cache || !container_free_wq)
		panic("containers: no memory at boot\n");
	return 0;
}
core_initcall(container_core_init);

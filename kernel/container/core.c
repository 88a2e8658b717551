// SPDX-License-Identifier: GPL-2.0
/*
 * Life of a container: making, holding, emptying, freeing.
 *
 * rmdir empties it: its tasks, mms and files leave, and its entry in the table of
 * tokens is cleared, so that whatever is still charged to it is charged to nobody.
 * Nothing is searched for. After an RCU grace period, when all who had found it
 * before are through, its memory is freed.
 */
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/slab.h>
#include <linux/swap.h>
#include <linux/xarray.h>
#include "counter.h"

#define CREATE_TRACE_POINTS
#include <trace/events/container.h>

unsigned long container_default_page_limit = PAGE_COUNTER_MAX;
unsigned long container_default_task_limit = PAGE_COUNTER_MAX;

/* by id: NULL until mkdir is through, and cannot fail any more */
static DEFINE_XARRAY_ALLOC1(containers_by_id);
static struct kmem_cache *container_cache;
static struct workqueue_struct *container_free_wq;

static void container_release_work(struct work_struct *work);

/* Have @ctn have that id, or for 0 the lowest that is free. 0, -ENOMEM or -EEXIST. */
static int get_id(struct container *ctn, u32 id)
{
	int err;

	if (!id)
		err = xa_alloc(&containers_by_id, &id, NULL, XA_LIMIT(1, INT_MAX),
			       GFP_KERNEL);
	else
		err = xa_insert(&containers_by_id, id, NULL, GFP_KERNEL);
	if (!err)
		ctn->id = id;
	return err == -EBUSY ? -EEXIST : err;
}

/*
 * One with nothing in it, and with that id, or the lowest that is free for 0; that of the host
 * has none, and no beancounters yet.
 */
static struct container *create(u32 id, bool is_host)
{
	struct container *ctn = kmem_cache_zalloc(container_cache, GFP_KERNEL);
	int i, err;

	if (!ctn)
		return ERR_PTR(-ENOMEM);

	container_stop_point("mkdir: allocated");
	if (!container_percpu_fails(sizeof(*ctn->pcpu)))
		ctn->pcpu = alloc_percpu(struct container_pcpu);
	err = is_host ? 0 : get_id(ctn, id);
	if (err)
		goto fail;
	err = -ENOMEM;
	if (!ctn->pcpu)
		goto fail;

	for (i = 0; i < NR_CONTAINER_COUNTERS; i++)
		page_counter_init(&ctn->counter[i], NULL, false);
	ctn->stock_most = CONTAINER_STOCK_MOST;
	ctn->page_limit = READ_ONCE(container_default_page_limit);
	ctn->task_limit = READ_ONCE(container_default_task_limit);
	/* so that the first hit is not one that follows another */
	ctn->last_hit = jiffies - HZ;
	ctn->oom_told_until = jiffies;
	ctn->no_room_until[0] = jiffies;
	ctn->no_room_until[1] = jiffies;
	ctn->last_kill = jiffies;
	spin_lock_init(&ctn->lock);
	INIT_LIST_HEAD(&ctn->tasks);
	INIT_LIST_HEAD(&ctn->mms);
	INIT_LIST_HEAD(&ctn->forks);
	mutex_init(&ctn->kill_mutex);
	spin_lock_init(&ctn->files_lock);
	xa_init_flags(&ctn->files, XA_FLAGS_ALLOC1);
	for (i = 0; i < NR_CONTAINER_FILE_CLASSES; i++)
		INIT_LIST_HEAD(&ctn->trim_files[i]);
	init_waitqueue_head(&ctn->wait);
	spin_lock_init(&ctn->shrink_lock);
	INIT_LIST_HEAD(&ctn->shrinkers);
	ctn->shrink_pages = ULONG_MAX;
	ctn->limit_reached = PAGE_COUNTER_MAX;
	INIT_DELAYED_WORK(&ctn->notify_work, container_notify_work);
	ctn->last_notice = jiffies - HZ;
	container_trim_init(ctn);
	container_pressure_init(ctn);
	if (!is_host && container_bc_create(ctn))
		goto fail;
	INIT_WORK(&ctn->release_work, container_release_work);

	/* from here on it can be charged, but nobody knows it yet */
	if (container_table_add(ctn))
		goto fail;
	container_audit_add(ctn);
	static_branch_enable(&containers_key);
	container_stop_point("mkdir: made");
	return ctn;

fail:
	if (ctn->id)
		xa_erase(&containers_by_id, ctn->id);
	container_bc_free(ctn);
	free_percpu(ctn->pcpu);
	kmem_cache_free(container_cache, ctn);
	return ERR_PTR(err);
}

/**
 * container_create - make a container with nothing in it
 * @id: that it is to have, or 0 for the lowest that is free.
 *
 * Context: May sleep.
 * Return: the container, with the default limits; -ENOMEM, or -EEXIST if another
 * has the id. It is the caller's, until its group is released: container_destroy().
 */
struct container *container_create(u32 id)
{
	return create(id, false);
}

/**
 * container_create_host - make one for what is in no container
 *
 * It has the id 0, and nobody finds it: see bc_host.c.
 *
 * Context: May sleep.
 * Return: it, -ENOMEM, or -ENOSPC if there are too many containers. It is the caller's, until
 * container_destroy().
 */
struct container *container_create_host(void)
{
	return create(0, true);
}

/* mkdir is through: from now on it may be found. Context: May sleep. */
void container_publish(struct container *ctn)
{
	/* its place is there, so this needs no memory */
	xa_store(&containers_by_id, ctn->id, ctn, GFP_KERNEL);
}

/**
 * container_find - the container with that id
 * @id: the id.
 *
 * Context: Any but an interrupt.
 * Return: it, with a reference, or NULL if there is none or it is being removed.
 */
struct container *container_find(u32 id)
{
	struct container *ctn;

	rcu_read_lock();
	ctn = xa_load(&containers_by_id, id);
	if (ctn)
		ctn = container_tryget(ctn);
	rcu_read_unlock();
	return ctn;
}

/**
 * container_find_from - the container with the least id from there on
 * @id: 1 or more; set to the id that is found.
 *
 * Context: Any but an interrupt.
 * Return: it, with a reference, or NULL if there is none. Those that are being removed
 * are passed over.
 */
struct container *container_find_from(loff_t *id)
{
	struct container *ctn, *held = NULL;
	unsigned long at;

	if (*id > INT_MAX)
		return NULL;
	at = *id;
	rcu_read_lock();
	for (ctn = xa_find(&containers_by_id, &at, INT_MAX, XA_PRESENT); ctn;
	     ctn = xa_find_after(&containers_by_id, &at, INT_MAX, XA_PRESENT)) {
		held = container_tryget(ctn);
		if (held)
			break;
	}
	rcu_read_unlock();
	*id = at;
	return held;
}

/**
 * container_tryget - hold a container that was found within RCU beyond that
 * @ctn: the container.
 *
 * Its memory stays, not its members: CONTAINER_DYING may be set at any time.
 *
 * Context: Any. Within RCU.
 * Return: @ctn, or NULL if it is being removed.
 */
struct container *container_tryget(struct container *ctn)
{
	if (test_bit(CONTAINER_DYING, &ctn->flags) ||
	    !config_item_get_unless_zero(&ctn->group.cg_item))
		return NULL;
	return ctn;
}

/* The current task's container, with a reference, or NULL. Context: Any. */
struct container *container_get_own(void)
{
	struct container *ctn;

	rcu_read_lock();
	ctn = rcu_dereference(current->container);
	if (ctn)
		ctn = container_tryget(ctn);
	rcu_read_unlock();
	return ctn;
}

/* Context: Any but an interrupt. */
void container_put(struct container *ctn)
{
	config_item_put(&ctn->group.cg_item);
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
	container_triggers_remove(ctn);
	container_table_remove(ctn);
}

/*
 * It has not been removed after all. What was charged to it is charged to nobody
 * now: it begins anew.
 */
void container_revive(struct container *ctn)
{
	long held = 0, droppable = 0;
	struct container_pcpu *pcpu;
	int cpu;

	/* who has still counted something for it is through after this */
	synchronize_rcu();
	for_each_possible_cpu(cpu) {
		pcpu = per_cpu_ptr(ctn->pcpu, cpu);
		held += pcpu->stat[CONTAINER_ANON] + pcpu->stat[CONTAINER_HELD_FILE] +
			/* it may be drained at the same time */
			atomic_long_xchg(&pcpu->stock[CONTAINER_HELD], 0);
		droppable += pcpu->stat[CONTAINER_FILE] +
			     atomic_long_xchg(&pcpu->stock[CONTAINER_DROPPABLE], 0);
		memset(pcpu->stat, 0, sizeof(pcpu->stat));
	}
	/* not all that the counters say: what is reserved is given back by who did that */
	page_counter_uncharge(&ctn->counter[CONTAINER_HELD], held);
	page_counter_uncharge(&ctn->counter[CONTAINER_DROPPABLE], droppable);
	container_pressure_revive(ctn);
	container_bc_revive(ctn);
	enable_delayed_work(&ctn->notify_work);
	/* without memory for that it stays as it is, and can be removed once more */
	if (container_table_add(ctn))
		return;

	/* who finds it clear finds the new ident */
	clear_bit_unlock(CONTAINER_DYING, &ctn->flags);
	if (READ_ONCE(ctn->notices))
		queue_delayed_work(system_unbound_wq, &ctn->notify_work, 0);
}

/* The directory is gone: another container may have the id. */
void container_free_id(struct container *ctn)
{
	xa_erase(&containers_by_id, ctn->id);
}

static void container_free_work(struct work_struct *work)
{
	struct container *ctn = container_of(work, struct container, release_work);

	container_bc_free(ctn);
	free_percpu(ctn->pcpu);
	kmem_cache_free(container_cache, ctn);
	container_audit_freed();
}

/* What is freed may have to be waited for, which cannot be done here. */
static void container_free_rcu(struct rcu_head *head)
{
	struct container *ctn = container_of(head, struct container, rcu);

	INIT_WORK(&ctn->release_work, container_free_work);
	queue_work(container_free_wq, &ctn->release_work);
}

static void container_release_work(struct work_struct *work)
{
	struct container *ctn = container_of(work, struct container,
					     release_work);

	container_trim_stop(ctn);
	container_pressure_stop(ctn);
	xa_destroy(&ctn->files);
	container_audit_remove(ctn);
	call_rcu(&ctn->rcu, container_free_rcu);
}

/**
 * container_destroy - the directory is gone, and so is every user of its files
 * @ctn: the container, which container_empty() has emptied.
 *
 * Context: Any but an interrupt. It may be the end of a wait, or of a claim.
 */
void container_destroy(struct container *ctn)
{
	/* if mkdir has failed, rmdir has not been here */
	set_bit(CONTAINER_DYING, &ctn->flags);
	container_table_remove(ctn);
	queue_work(container_free_wq, &ctn->release_work);
}

static int __init container_core_init(void)
{
	container_cache = KMEM_CACHE(container, SLAB_HWCACHE_ALIGN);
	container_free_wq = alloc_workqueue("container_free", WQ_UNBOUND, 0);
	if (!container_cache || !container_free_wq)
		panic("containers: no memory at boot\n");
	return 0;
}
core_initcall(container_core_init);

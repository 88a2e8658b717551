// SPDX-License-Identifier: GPL-2.0
/*
 * Which beancounters there are, and those of which something else counts all that
 * there is to count:
 *
 *  - numproc is num_tasks, task_limit and task_limit_hits. For the most that there
 *    were, and the barrier, fork compares with container::task_bound, which is the
 *    least of all that it is to notice, instead of with task_limit;
 *  - physpages is rss_usage, rss_limit and rss_failcnt. Over the barrier kcontainerd
 *    trims what is held, and nobody waits for that.
 *
 * Their limits may be written by other files, too: a barrier is only as high as the
 * limit that there is.
 */
#include <linux/export.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "bc.h"
#include "token.h"

/* The least of what was seen: nobody notices when there is less of these. */
static unsigned long least_seen(struct bc_row *row, unsigned long held)
{
	if (!row)
		return 0;	/* there was a time when there was nothing */
	bc_lower(&row->minheld, held);
	return READ_ONCE(row->minheld);
}

/* Page and task limits have another value for "none". */
static unsigned long from_limit(unsigned long limit)
{
	return limit == PAGE_COUNTER_MAX ? BC_MAXVALUE : limit;
}

static unsigned long to_limit(unsigned long value)
{
	return min(value, PAGE_COUNTER_MAX);
}

/* ---- numproc ---- */

/* ctn->lock is held. */
static void update_task_bound(struct container *ctn)
{
	WRITE_ONCE(ctn->task_bound, min3(ctn->task_limit, ctn->task_barrier,
					 ctn->task_max));
}

/**
 * container_tasks_fit - the number of tasks has passed task_bound
 * @ctn: the container.
 * @now: how many there are.
 * @nr: how many of them have just been counted.
 *
 * Context: Atomic at most, not from an interrupt.
 * Return: whether task_limit allows it.
 */
bool container_tasks_fit(struct container *ctn, unsigned long now, unsigned long nr)
{
	bool fit, hit = false;

	spin_lock(&ctn->lock);
	fit = now <= ctn->task_limit;
	if (fit) {
		hit = now > ctn->task_barrier && now - nr <= ctn->task_barrier;
		ctn->task_max = max(ctn->task_max, now);
		update_task_bound(ctn);
	}
	spin_unlock(&ctn->lock);

	if (hit)
		bc_resource(BC_NUMPROC)->barrier_hit(ctn);
	return fit;
}

static struct bc_row *find_row(struct container *ctn, unsigned int nr)
{
	/* what is in it is there: pairs with container_make_bc() */
	struct beancounter *bc = smp_load_acquire(&ctn->bc);

	return bc ? &bc->row[nr] : NULL;
}

/**
 * container_set_task_limit - set task_limit
 * @ctn: the container.
 * @limit: in tasks.
 *
 * Context: May sleep.
 * Return: 0, or -EPERM if the current task may not raise it so far.
 */
int container_set_task_limit(struct container *ctn, unsigned long limit)
{
	bool any = container_is_capable();
	struct bc_row *row;
	int err = 0;

	spin_lock(&ctn->lock);
	/* within the lock: what binds it may be made and set just now */
	row = find_row(ctn, BC_NUMPROC);
	if (row && !any && from_limit(limit) > row->bound.limit) {
		err = -EPERM;
	} else {
		WRITE_ONCE(ctn->task_limit, limit);
		update_task_bound(ctn);
	}
	spin_unlock(&ctn->lock);
	return err;
}

static void numproc_init(struct container *ctn, struct bc_row *row,
			 const struct bc_limits *limits)
{
	ctn->task_barrier = to_limit(limits->barrier);
	ctn->task_limit = to_limit(limits->limit);
	update_task_bound(ctn);
}

static int numproc_change(struct container *ctn, struct bc_row *row,
			  const struct bc_limits *limits, bool binds)
{
	bool may;

	spin_lock(&ctn->lock);
	may = bc_may_set(row, limits, binds);
	if (may) {
		ctn->task_barrier = to_limit(limits->barrier);
		WRITE_ONCE(ctn->task_limit, to_limit(limits->limit));
		update_task_bound(ctn);
	}
	spin_unlock(&ctn->lock);
	return may ? 0 : -EPERM;
}

/* Those who watch the file can do something before forks fail. */
static void numproc_barrier_hit(struct container *ctn)
{
	container_notify(ctn, CONTAINER_BC_FAILCNT);
}

static void numproc_read(struct container *ctn, struct bc_row *row,
			 struct bc_resource_parm *parm)
{
	spin_lock(&ctn->lock);
	parm->held = atomic_long_read(&ctn->nr_tasks);
	parm->limit = from_limit(ctn->task_limit);
	parm->barrier = min(from_limit(ctn->task_barrier), parm->limit);
	/* a fork may have counted, and be about to come here */
	parm->maxheld = max(ctn->task_max, parm->held);
	spin_unlock(&ctn->lock);
	parm->minheld = least_seen(row, parm->held);
	parm->failcnt = atomic_long_read(&ctn->task_limit_hits);
}

static void numproc_reset(struct container *ctn, struct bc_row *row)
{
	unsigned long held;

	spin_lock(&ctn->lock);
	WRITE_ONCE(ctn->task_bound, 0);
	/* fork counts, and then looks there: it is seen here, or waits for the lock */
	smp_mb();
	held = atomic_long_read(&ctn->nr_tasks);
	ctn->task_max = held;
	update_task_bound(ctn);
	spin_unlock(&ctn->lock);
	xchg(&row->minheld, held);
}

/* ---- physpages ---- */

/**
 * container_rss_barrier_hit - have kcontainerd trim what is held, if it is too much
 * @ctn: the container, whose counter is over the barrier of physpages.
 *
 * Context: Any, but not from an interrupt. Within RCU, or with a reference to @ctn.
 */
void container_rss_barrier_hit(struct container *ctn)
{
	/* the counter has what the CPUs have taken in advance as well */
	if (test_bit(CONTAINER_TRIMMING_HELD, &ctn->flags) ||
	    test_bit(CONTAINER_DYING, &ctn->flags) ||
	    container_held(ctn) <= container_rss_barrier(ctn))
		return;
	if (!test_and_set_bit(CONTAINER_TRIMMING_HELD, &ctn->flags))
		container_call_kcontainerd(ctn, CONTAINER_TRIM_HELD);
}

/**
 * container_may_set_rss_limit - may the current task set rss_limit so high?
 * @ctn: the container; its shrink_lock is held.
 * @limit: in pages.
 *
 * Context: Any.
 * Return: whether it may.
 */
bool container_may_set_rss_limit(struct container *ctn, unsigned long limit)
{
	struct bc_row *row = find_row(ctn, BC_PHYSPAGES);

	return !row || from_limit(limit) <= row->bound.limit ||
	       container_is_capable();
}

/* rss_limit is there already; kcontainerd looks for what is mapped from now on. */
static void set_rss_barrier(struct container *ctn, unsigned long barrier)
{
	WRITE_ONCE(ctn->rss_barrier, barrier);
	if (barrier != PAGE_COUNTER_MAX)
		container_enable_rss();
}

static void physpages_init(struct container *ctn, struct bc_row *row,
			   const struct bc_limits *limits)
{
	unsigned long limit = to_limit(limits->limit);

	ctn->limit_reached = limit;
	ctn->counter[CONTAINER_HELD].max = limit;
	if (limit != PAGE_COUNTER_MAX)
		container_enable_rss();
	set_rss_barrier(ctn, to_limit(limits->barrier));
}

/*
 * The limit takes its time. It is bound from the beginning, so that nobody raises it
 * behind the back of who waits here; if it is not reached, the last one that was is in
 * force again, unless somebody else has set another meanwhile.
 */
static int physpages_change(struct container *ctn, struct bc_row *row,
			    const struct bc_limits *limits, bool binds)
{
	unsigned long barrier;
	bool may;
	int err;

	spin_lock_irq(&ctn->shrink_lock);
	may = bc_may_set(row, limits, binds);
	spin_unlock_irq(&ctn->shrink_lock);
	if (!may)
		return -EPERM;

	container_stop_point("physpages: bound");
	err = container_set_rss_limit(ctn, to_limit(limits->limit));

	spin_lock_irq(&ctn->shrink_lock);
	/* it may have been lowered meanwhile */
	barrier = to_limit(min(limits->barrier, row->bound.barrier));
	if (!err)
		WRITE_ONCE(ctn->rss_barrier, barrier);
	if (!err && binds)
		ctn->bc->physpages_bound = *limits;
	else if (binds && row->bound.barrier == limits->barrier &&
		 row->bound.limit == limits->limit)
		row->bound = ctn->bc->physpages_bound;
	spin_unlock_irq(&ctn->shrink_lock);
	if (err)
		return err;

	if (barrier != PAGE_COUNTER_MAX)
		container_enable_rss();
	container_rss_barrier_hit(ctn);
	container_check_mapped(ctn);
	return 0;
}

static void physpages_read(struct container *ctn, struct bc_row *row,
			   struct bc_resource_parm *parm)
{
	struct page_counter *counter = &ctn->counter[CONTAINER_HELD];

	parm->held = container_rss(ctn);
	parm->limit = from_limit(container_rss_limit(ctn));
	parm->barrier = min(from_limit(container_rss_barrier(ctn)), parm->limit);
	/* with what is mapped besides, it may have been more when somebody looked */
	if (row)
		bc_raise(&row->maxheld, parm->held);
	parm->maxheld = max3(READ_ONCE(counter->local_watermark),
			     row ? READ_ONCE(row->maxheld) : 0, parm->held);
	parm->minheld = least_seen(row, parm->held);
	parm->failcnt = atomic_long_read(&ctn->event[CONTAINER_CHARGE_FAILURES]);
}

static void physpages_reset(struct container *ctn, struct bc_row *row)
{
	struct page_counter *counter = &ctn->counter[CONTAINER_HELD];
	unsigned long held;

	container_drain_stock(ctn);
	WRITE_ONCE(counter->local_watermark, page_counter_read(counter));
	held = container_rss(ctn);
	xchg(&row->maxheld, held);
	xchg(&row->minheld, held);
}

/* ---- the table ---- */

/*
 * The numbers are those of OpenVZ's kernels, and of the names all that it has had
 * are known, so that who asks for one is told what the matter is.
 */
static const struct bc_resource bc_resources[BC_RESOURCES] = {
	[BC_KMEMSIZE]		= { "kmemsize", BC_BYTES, .counted = true, .of_host = true },
	[BC_LOCKEDPAGES] = {
		.name		= "lockedpages",
		.unit		= BC_PAGES,
		.counted	= true,
		.sum_up		= container_locked_vm,
	},
	[BC_PRIVVMPAGES] = {
		.name		= "privvmpages",
		.unit		= BC_PAGES,
		.counted	= true,
		.sum_up		= container_private_vm,
	},
	[BC_SHMPAGES]		= { "shmpages", BC_PAGES, .counted = true },
	[BC_NUMPROC] = {
		.name		= "numproc",
		.unit		= BC_NUMBER,
		.counted	= true,
		.init		= numproc_init,
		.change		= numproc_change,
		.barrier_hit	= numproc_barrier_hit,
		.read		= numproc_read,
		.reset		= numproc_reset,
	},
	[BC_PHYSPAGES] = {
		.name		= "physpages",
		.unit		= BC_PAGES,
		.counted	= true,
		.init		= physpages_init,
		.change		= physpages_change,
		.barrier_hit	= container_rss_barrier_hit,
		.read		= physpages_read,
		.reset		= physpages_reset,
	},
	[BC_VMGUARPAGES]	= { "vmguarpages", BC_PAGES },
	[BC_OOMGUARPAGES]	= { "oomguarpages", BC_PAGES },
	[BC_NUMTCPSOCK]		= { "numtcpsock", BC_NUMBER, .counted = true, .of_host = true },
	[BC_NUMFLOCK]		= { "numflock", BC_NUMBER, .counted = true, .of_host = true },
	[BC_NUMPTY]		= { "numpty", BC_NUMBER, .counted = true, .of_host = true },
	[BC_NUMSIGINFO]		= { "numsiginfo", BC_NUMBER, .counted = true, .of_host = true },
	[BC_TCPSNDBUF]		= { "tcpsndbuf", BC_BYTES, .counted = true, .of_host = true },
	[BC_TCPRCVBUF]		= { "tcprcvbuf", BC_BYTES, .counted = true, .of_host = true },
	[BC_OTHERSOCKBUF]	= { "othersockbuf", BC_BYTES, .counted = true, .of_host = true },
	[BC_DGRAMRCVBUF]	= { "dgramrcvbuf", BC_BYTES, .counted = true, .of_host = true },
	[BC_NUMOTHERSOCK]	= { "numothersock", BC_NUMBER, .counted = true, .of_host = true },
	[BC_DCACHESIZE]		= { "dcachesize", BC_BYTES, .counted = true, .of_host = true },
	[BC_NUMFILE] = {
		.name		= "numfile",
		.unit		= BC_NUMBER,
		.counted	= true,
		.of_host	= true,
		.admin_to_limit	= true,
	},
	[BC_NUMIPTENT] = {
		.name		= "numiptent",
		.unit		= BC_NUMBER,
		.counted	= IS_ENABLED(CONFIG_NETFILTER_XTABLES),
		.of_host	= true,
	},
};

/* The resource of that number, which a user may have given, or NULL if there is none. */
const struct bc_resource *bc_resource(unsigned long nr)
{
	if (nr >= BC_RESOURCES)
		return NULL;
	nr = array_index_nospec(nr, BC_RESOURCES);
	return bc_resources[nr].name ? &bc_resources[nr] : NULL;
}

/* The number of the resource of that name, or -EINVAL. */
int bc_find_resource(const char *name, size_t len)
{
	const struct bc_resource *res;
	int nr;

	for (nr = 0; nr < BC_RESOURCES; nr++) {
		res = bc_resource(nr);
		if (res && strlen(res->name) == len && !memcmp(res->name, name, len))
			return nr;
	}
	return -EINVAL;
}

/* ---- and what a container has of them ---- */

/* one container at a time gets its beancounters, and counts what is there by then */
static DEFINE_MUTEX(make_mutex);

DEFINE_STATIC_KEY_FALSE(container_bc_key);
EXPORT_SYMBOL(container_bc_key);

/* make_mutex is held. NULL without memory. */
static struct beancounter *make_bc(struct container *ctn)
{
	struct beancounter *bc = kzalloc(sizeof(*bc), GFP_KERNEL);
	int nr;

	if (!bc)
		return NULL;
	spin_lock_init(&bc->lock);
	bc->physpages_bound = (struct bc_limits){ BC_MAXVALUE, BC_MAXVALUE };
	for (nr = 0; nr < BC_RESOURCES; nr++)
		bc_row_init(&bc->row[nr]);

	bc->ctn = ctn;
	container_kmem_init(bc);

	if (!static_key_enabled(&container_bc_key)) {
		static_branch_enable(&container_fault_key);
		static_branch_enable(&container_bc_key);
		/* who has passed by it as it was not is seen to have done what it did */
		synchronize_rcu();
	}
	/* who finds it finds what is in it */
	smp_store_release(&ctn->bc, bc);
	container_stop_point("bc: made");
	container_vm_count(ctn, bc);
	return bc;
}

/**
 * container_make_bc - a container is to have beancounters of its own
 * @ctn: the container.
 *
 * Context: May sleep.
 * Return: them, which are the container's, or NULL without memory.
 */
struct beancounter *container_make_bc(struct container *ctn)
{
	/* pairs with make_bc() */
	struct beancounter *bc = smp_load_acquire(&ctn->bc);

	/* as in container_bc_read() */
	if (bc && smp_load_acquire(&bc->counts_vm))
		return bc;
	mutex_lock(&make_mutex);
	bc = ctn->bc ?: make_bc(ctn);
	mutex_unlock(&make_mutex);
	return bc;
}

/* Is it counted by this kernel? 0, or what to say if not. */
static int check_resource(unsigned int nr)
{
	const struct bc_resource *res = bc_resource(nr);

	if (!res)
		return -EINVAL;
	return res->counted ? 0 : -EOPNOTSUPP;
}

/*
 * May these be limits of @res? Where "none" is less than BC_MAXVALUE, so is what is
 * more than that.
 */
static int check_limits(const struct bc_resource *res, const struct bc_limits *limits,
			struct bc_limits *kept)
{
	if (limits->barrier > BC_MAXVALUE || limits->limit > BC_MAXVALUE)
		return -EINVAL;
	*kept = *limits;
	if (res->read) {
		kept->barrier = from_limit(to_limit(limits->barrier));
		kept->limit = from_limit(to_limit(limits->limit));
	}
	return kept->barrier > kept->limit ? -EINVAL : 0;
}

static int row_change(struct beancounter *bc, struct bc_row *row,
		      const struct bc_limits *limits, bool binds)
{
	bool may;

	spin_lock(&bc->lock);
	may = bc_may_set(row, limits, binds);
	if (may) {
		WRITE_ONCE(row->limits.barrier, limits->barrier);
		WRITE_ONCE(row->limits.limit, limits->limit);
	}
	spin_unlock(&bc->lock);
	return may ? 0 : -EPERM;
}

/**
 * container_bc_set - set a barrier and a limit
 * @ctn: the container; the caller has a reference.
 * @nr: number of the resource.
 * @limits: both, in its unit; BC_MAXVALUE: none.
 *
 * What is in use already stays so. Set with CAP_SYS_RESOURCE, they bind who has not
 * got that.
 *
 * Context: May sleep, for long.
 * Return: 0; -EINVAL for what is no resource, and for a barrier over the limit;
 * -EOPNOTSUPP for what this kernel does not count; -ENOMEM; -EPERM for more than
 * is bound; for physpages what container_set_rss_limit() says.
 */
int container_bc_set(struct container *ctn, unsigned int nr,
		     const struct bc_limits *limits)
{
	const struct bc_resource *res = bc_resource(nr);
	bool binds = container_is_capable();
	struct bc_limits kept;
	struct beancounter *bc;
	int err = check_resource(nr) ?: check_limits(res, limits, &kept);

	if (err)
		return err;
	bc = container_make_bc(ctn);
	if (!bc)
		return -ENOMEM;
	if (res->change)
		return res->change(ctn, &bc->row[nr], &kept, binds);
	return row_change(bc, &bc->row[nr], &kept, binds);
}

/**
 * container_bc_read - what there is to say of a resource
 * @ctn: the container; the caller has a reference.
 * @nr: number of the resource.
 * @parm: set to that.
 *
 * Context: May sleep.
 * Return: 0; -EINVAL for what is no resource, -EOPNOTSUPP for what this kernel does
 * not count.
 */
int container_bc_read(struct container *ctn, unsigned int nr,
		      struct bc_resource_parm *parm)
{
	const struct bc_resource *res = bc_resource(nr);
	struct bc_row *row = find_row(ctn, nr < BC_RESOURCES ?
				      array_index_nospec(nr, BC_RESOURCES) : 0);
	struct bc_row none;
	int err = check_resource(nr);

	if (err)
		return err;
	if (res->read) {
		res->read(ctn, row, parm);
		return 0;
	}
	/* until all is counted it says nothing: pairs with container_vm_count() */
	if (row && res->sum_up && !smp_load_acquire(&ctn->bc->counts_vm))
		row = NULL;
	if (!row) {
		bc_row_init(&none);
		if (res->sum_up)
			atomic_long_set(&none.held, res->sum_up(ctn));
		row = &none;
	}
	bc_row_read(row, parm);
	return 0;
}

/**
 * container_bc_reset - begin a new period: maxheld and minheld are what is held
 * @ctn: the container; the caller has a reference.
 * @nr: number of the resource.
 *
 * Context: May sleep.
 * Return: 0; -EINVAL and -EOPNOTSUPP as container_bc_read(); -ENOMEM.
 */
int container_bc_reset(struct container *ctn, unsigned int nr)
{
	const struct bc_resource *res = bc_resource(nr);
	int err = check_resource(nr);
	struct beancounter *bc;

	if (err)
		return err;
	bc = container_make_bc(ctn);
	if (!bc)
		return -ENOMEM;
	if (res->reset)
		res->reset(ctn, &bc->row[nr]);
	else
		bc_row_reset(&bc->row[nr]);
	return 0;
}

/**
 * container_bc_charge - charge a container that has beancounters
 * @ctn: the container.
 * @nr: number of the resource, which nothing else counts.
 * @val: so much more, in its unit.
 * @severity: which of barrier and limit it has to fit below.
 *
 * Context: Any but an NMI. Within RCU, or with a reference to @ctn.
 * Return: 0, or -ENOMEM if it does not fit; that has been counted, then.
 */
int container_bc_charge(struct container *ctn, unsigned int nr, unsigned long val,
			enum bc_severity severity)
{
	/* what is in them is there: pairs with container_make_bc() */
	struct beancounter *bc = smp_load_acquire(&ctn->bc);

	return bc_row_charge(&bc->row[nr], bc_resource(nr), ctn, val, severity);
}

/**
 * container_bc_uncharge - and so much less
 * @token: whom it was charged to. If that is gone, so is what it was charged for.
 * @nr: what it was charged as.
 * @val: how much.
 *
 * Context: Any but an NMI.
 */
void container_bc_uncharge(unsigned long token, unsigned int nr, unsigned long val)
{
	struct beancounter *bc;
	struct container *ctn;

	if (!val)
		return;
	rcu_read_lock();
	ctn = token_container(token);
	if (ctn) {
		/* as above */
		bc = smp_load_acquire(&ctn->bc);
		bc_row_uncharge(&bc->row[nr], bc_resource(nr), ctn, val);
	}
	rcu_read_unlock();
}

/* ---- what new ones get ---- */

/* protects the next */
static DEFINE_SPINLOCK(default_lock);
static struct bc_limits default_limits[BC_RESOURCES];
/* which of them have been set, and are not "none" again: bits */
static unsigned long defaults_set;

/* As they were set: the barrier may be more than the limit is now. */
static void read_default(unsigned int nr, struct bc_limits *limits)
{
	spin_lock(&default_lock);
	if (defaults_set & BIT(nr))
		*limits = default_limits[nr];
	else
		*limits = (struct bc_limits){ BC_MAXVALUE, BC_MAXVALUE };
	/* it has a file of its own */
	if (nr == BC_NUMPROC)
		limits->limit = from_limit(READ_ONCE(container_default_task_limit));
	spin_unlock(&default_lock);
}

/**
 * container_bc_default - what new containers get of a resource
 * @nr: number of the resource; there is one.
 * @limits: set to that.
 *
 * Context: Any.
 */
void container_bc_default(unsigned int nr, struct bc_limits *limits)
{
	read_default(nr, limits);
	limits->barrier = min(limits->barrier, limits->limit);
}

/**
 * container_bc_set_default - set what new containers get
 * @nr: number of the resource.
 * @limits: both, in its unit; BC_MAXVALUE: none.
 *
 * Context: May sleep.
 * Return: 0; -EINVAL and -EOPNOTSUPP as container_bc_set().
 */
int container_bc_set_default(unsigned int nr, const struct bc_limits *limits)
{
	struct bc_limits kept;
	int err = check_resource(nr) ?: check_limits(bc_resource(nr), limits, &kept);

	if (err)
		return err;
	spin_lock(&default_lock);
	default_limits[nr] = kept;
	if (kept.barrier == BC_MAXVALUE)
		defaults_set &= ~BIT(nr);
	else
		defaults_set |= BIT(nr);
	if (nr == BC_NUMPROC)
		WRITE_ONCE(container_default_task_limit, to_limit(kept.limit));
	spin_unlock(&default_lock);
	return 0;
}

/**
 * container_bc_create - give a container the beancounters that new ones get
 * @ctn: the container, which nobody knows yet.
 *
 * Context: May sleep.
 * Return: 0 or -ENOMEM.
 */
int container_bc_create(struct container *ctn)
{
	unsigned long set = READ_ONCE(defaults_set);
	const struct bc_resource *res;
	struct bc_limits limits;
	struct beancounter *bc;
	int nr;

	ctn->task_barrier = PAGE_COUNTER_MAX;
	ctn->rss_barrier = PAGE_COUNTER_MAX;
	if (!set)
		return 0;

	bc = container_make_bc(ctn);
	if (!bc)
		return -ENOMEM;
	for_each_set_bit(nr, &set, BC_RESOURCES) {
		res = bc_resource(nr);
		read_default(nr, &limits);
		bc->row[nr].limits = limits;
		bc->row[nr].bound = limits;
		if (nr == BC_PHYSPAGES)
			bc->physpages_bound = limits;
		if (res->init)
			res->init(ctn, &bc->row[nr], &limits);
	}
	return 0;
}

/*
 * The container begins anew: what there is, is not its own any more, and nobody can charge
 * it yet. Context: Any.
 */
void container_bc_revive(struct container *ctn)
{
	struct beancounter *bc = ctn->bc;
	int nr;

	for (nr = 0; bc && nr < BC_RESOURCES; nr++)
		if (!bc_resources[nr].read)
			atomic_long_set(&bc->row[nr].held, 0);
	if (bc)
		container_kmem_revive(bc);
}

/* The container has gone, and nobody finds it any more. Context: May sleep. */
void container_bc_free(struct container *ctn)
{
	/* nobody queues it any more, but where it waits for a tick it may not have run yet */
	if (ctn->bc)
		irq_work_sync(&ctn->bc->failed);
	kfree(ctn->bc);
}

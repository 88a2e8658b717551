// SPDX-License-Identifier: GPL-2.0
/*
 * Beancounters: charging and uncharging one resource of one container. Which
 * resources there are, and what is particular to them, is in bc_resources.c.
 *
 * What is held changes by cmpxchg, from one value that is allowed to another: a
 * charge that fails has never been there, so that it makes no other fail.
 */
#include <linux/kernel.h>
#include <linux/printk.h>
#include <linux/ratelimit.h>
#include "bc.h"

/* No limits, and nothing is held. */
void bc_row_init(struct bc_row *row)
{
	memset(row, 0, sizeof(*row));
	row->limits.barrier = BC_MAXVALUE;
	row->limits.limit = BC_MAXVALUE;
	row->bound = row->limits;
}

/* Returns whether @val fits, and has been charged. */
static bool try_charge(struct bc_row *row, const struct bc_resource *res,
		       struct container *ctn, unsigned long val,
		       enum bc_severity severity)
{
	unsigned long barrier, before;

	if (!bc_row_add(row, val, severity, &before))
		return false;
	barrier = READ_ONCE(row->limits.barrier);
	if (before <= barrier && before + val > barrier && res->barrier_hit)
		res->barrier_hit(ctn);
	return true;
}

/**
 * bc_row_charge - charge so much more
 * @row: the resource of the container.
 * @res: which resource that is.
 * @ctn: the container.
 * @val: in the resource's unit.
 * @severity: which of barrier and limit it has to fit below.
 *
 * Context: Any but an NMI, unless the resource's limit_hit wants another. Within
 * RCU, or with a reference to @ctn.
 * Return: 0, or -ENOMEM if it does not fit; that has been counted, then.
 */
int bc_row_charge(struct bc_row *row, const struct bc_resource *res,
		  struct container *ctn, unsigned long val,
		  enum bc_severity severity)
{
	if (WARN_ON_ONCE(val > BC_MAXVALUE || severity > BC_FORCE))
		return -ENOMEM;

	while (!try_charge(row, res, ctn, val, severity)) {
		/* below the limit it is the barrier: room is not made for that */
		if (res->limit_hit &&
		    !bc_is_allowed(row, atomic_long_read(&row->held) + val, BC_LIMIT) &&
		    !res->limit_hit(ctn, val))
			continue;
		atomic_long_inc(&row->failcnt);
		container_notify(ctn, CONTAINER_BC_FAILCNT);
		return -ENOMEM;
	}
	return 0;
}

/**
 * bc_row_uncharge - so much is not held any more
 * @row: the resource of the container.
 * @res: which resource that is.
 * @ctn: the container.
 * @val: in the resource's unit. More than there is takes what there is, and is a bug.
 *
 * Context: Any but an NMI. Within RCU, or with a reference to @ctn.
 */
void bc_row_uncharge(struct bc_row *row, const struct bc_resource *res,
		     struct container *ctn, unsigned long val)
{
	if (unlikely(bc_row_sub(row, val) != val))
		bc_warn_uncharged(row, res, ctn, val);
}

/* So much was to be uncharged, and there was less. Context: Any but an NMI. */
void bc_warn_uncharged(struct bc_row *row, const struct bc_resource *res,
		       struct container *ctn, unsigned long val)
{
	pr_warn_ratelimited("BC %d %s warning: uncharging too much (held %ld, fails %ld, val %lu)\n",
			    ctn->id, res->name, atomic_long_read(&row->held),
			    atomic_long_read(&row->failcnt), val);
}

/* What there is to say of it. Context: Any. */
void bc_row_read(struct bc_row *row, struct bc_resource_parm *parm)
{
	parm->held = atomic_long_read(&row->held);
	/* who has just changed held may not have come to these */
	parm->maxheld = max(READ_ONCE(row->maxheld), parm->held);
	parm->minheld = min(READ_ONCE(row->minheld), parm->held);
	parm->limit = READ_ONCE(row->limits.limit);
	/* of two writers' */
	parm->barrier = min(READ_ONCE(row->limits.barrier), parm->limit);
	parm->failcnt = atomic_long_read(&row->failcnt);
}

/*
 * The most and the least that is held are what is held now. Who changes that after
 * it is read here finds them as set here: xchg is a full barrier. Context: Any.
 */
void bc_row_reset(struct bc_row *row)
{
	xchg(&row->maxheld, 0);
	bc_raise(&row->maxheld, atomic_long_read(&row->held));
	xchg(&row->minheld, ULONG_MAX);
	bc_lower(&row->minheld, atomic_long_read(&row->held));
}

/**
 * bc_may_set - may these be set? If they bind, note that they do
 * @row: the resource of the container, whose lock is held: see bc.h.
 * @limits: a barrier, and a limit that is no less.
 * @binds: whether who sets them has CAP_SYS_RESOURCE.
 *
 * Context: Any.
 * Return: whether they may.
 */
bool bc_may_set(struct bc_row *row, const struct bc_limits *limits, bool binds)
{
	if (!binds)
		return limits->barrier <= row->bound.barrier &&
		       limits->limit <= row->bound.limit;
	row->bound = *limits;
	return true;
}

#ifdef CONFIG_CONTAINERS_KUNIT_TEST
#include "tests/bc-kunit.h"
#endif

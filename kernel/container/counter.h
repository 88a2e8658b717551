/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Counting the pages of a container, inline: charges are taken from the stock of
 * the CPU that the task happens to run on. All of it within RCU; the CPU may
 * change in between, which does no harm.
 */
#ifndef _KERNEL_CONTAINER_COUNTER_H
#define _KERNEL_CONTAINER_COUNTER_H

#include "internal.h"

/* What a CPU may keep of what is uncharged there, if there is no reason against it. */
#define CONTAINER_STOCK_MOST	(2L * CONTAINER_STOCK)

void container_refill_stock(struct container *ctn, enum container_counter which,
			    atomic_long_t *stock);
void container_return_stock(struct container *ctn, enum container_counter which,
			    atomic_long_t *stock);
int container_reserve_slowly(struct container *ctn, atomic_long_t *stock,
			     long nr);

/*
 * What some numbers are made of: of the statistics of a CPU, or of their sums. Pages; one
 * that is charged on a CPU may be taken off on another, so that a part can be below 0.
 */
static inline long stat_held(const long *stat)
{
	return READ_ONCE(stat[CONTAINER_ANON]) + READ_ONCE(stat[CONTAINER_HELD_FILE]);
}

static inline long stat_file(const long *stat)
{
	return READ_ONCE(stat[CONTAINER_FILE]) + READ_ONCE(stat[CONTAINER_HELD_FILE]);
}

static inline long stat_mapped(const long *stat)
{
	return READ_ONCE(stat[CONTAINER_MAPPED_FILE]) +
	       READ_ONCE(stat[CONTAINER_MAPPED_HELD]);
}

static inline long stat_usage(const long *stat)
{
	return READ_ONCE(stat[CONTAINER_ANON]) + stat_file(stat);
}

/* rss_usage: what is held, and page cache that is mapped besides. */
static inline long stat_rss(const long *stat)
{
	return stat_held(stat) + READ_ONCE(stat[CONTAINER_MAPPED_FILE]);
}

/* Charge @nr pages, whether they fit or not. */
static __always_inline void
container_charge_pages(struct container *ctn, enum container_counter which,
		       long nr)
{
	atomic_long_t *stock = &raw_cpu_ptr(ctn->pcpu)->stock[which];

	if (unlikely(atomic_long_add_negative(-nr, stock)))
		container_refill_stock(ctn, which, stock);
}

static __always_inline void
container_uncharge_pages(struct container *ctn, enum container_counter which,
			 long nr)
{
	atomic_long_t *stock = &raw_cpu_ptr(ctn->pcpu)->stock[which];

	if (unlikely(atomic_long_fetch_add(nr, stock) >
		     READ_ONCE(ctn->stock_most) - nr))
		container_return_stock(ctn, which, stock);
}

/* Charge @nr pages of held memory if this CPU has that many in stock. */
static __always_inline bool container_reserve_from_stock(struct container *ctn,
							 long nr)
{
	atomic_long_t *stock = &raw_cpu_ptr(ctn->pcpu)->stock[CONTAINER_HELD];

	if (likely(!atomic_long_add_negative(-nr, stock)))
		return true;
	atomic_long_add(nr, stock);
	return false;
}

/*
 * Charge @nr pages of held memory if they fit below rss_limit. 0 or -ENOMEM. Once they
 * are counted as in use, container_check_limit() is to be called, unless they were in
 * stock.
 */
static inline int container_reserve(struct container *ctn, long nr)
{
	if (container_reserve_from_stock(ctn, nr))
		return 0;
	return container_reserve_slowly(ctn,
					&raw_cpu_ptr(ctn->pcpu)->stock[CONTAINER_HELD],
					nr);
}

#endif /* _KERNEL_CONTAINER_COUNTER_H */

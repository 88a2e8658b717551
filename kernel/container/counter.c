// SPDX-License-Identifier: GPL-2.0
/*
 * Counting pages: page counters, a stock of each CPU before them, and sums.
 *
 * Statistics are per CPU, and exact when read. The page counters serve to notice
 * and to keep the limits: every CPU charges them in advance for CONTAINER_STOCK
 * pages, so they never read less than is used. Where they read more than a limit
 * but the sum of the CPUs does not, the stocks are given back, so that no CPU can
 * go over the limit on a stock that it had before; and before anything fails for
 * rss_limit, they are given back, too. As long as more is held than rss_limit allows, a
 * CPU keeps nothing of what is uncharged: whoever runs there next would have it.
 *
 * What happens at the limits is in limit.c.
 */
#include "counter.h"

/**
 * container_stat - one of the statistics, summed up
 * @ctn: the container.
 * @item: which.
 *
 * Context: Any. Within RCU, or with a reference to @ctn.
 * Return: pages; exact while nobody charges.
 */
unsigned long container_stat(struct container *ctn, enum container_stat item)
{
	long sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu_ptr(ctn->pcpu, cpu)->stat[item]);

	/* a page may be taken off on another CPU before it is summed up here */
	return max(sum, 0L);
}

/* @of adds up some of the statistics of a CPU. Context as container_stat(). */
static __always_inline unsigned long sum(struct container *ctn,
					 long (*of)(const long *stat))
{
	long pages = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		pages += of(per_cpu_ptr(ctn->pcpu, cpu)->stat);
	return max(pages, 0L);
}

/* What rss_limit is about, with what is being moved in. */
unsigned long container_held(struct container *ctn)
{
	return sum(ctn, stat_held) + atomic_long_read(&ctn->moving_in);
}

unsigned long container_rss(struct container *ctn)
{
	return sum(ctn, stat_rss);
}

/* All page cache. */
unsigned long container_nr_file(struct container *ctn)
{
	return sum(ctn, stat_file);
}

/* What page_limit is about. */
unsigned long container_usage(struct container *ctn)
{
	return sum(ctn, stat_usage);
}

/**
 * container_sum_up - all of the statistics at once
 * @ctn: the container.
 * @sums: set to pages; exact while nobody charges, and one may be below 0 else.
 *
 * Context: as container_stat().
 */
void container_sum_up(struct container *ctn, struct container_sums *sums)
{
	const long *stat;
	int cpu, i;

	memset(sums, 0, sizeof(*sums));
	for_each_possible_cpu(cpu) {
		stat = per_cpu_ptr(ctn->pcpu, cpu)->stat;
		for (i = 0; i < NR_CONTAINER_STATS; i++)
			sums->stat[i] += READ_ONCE(stat[i]);
	}
}

/* What page_limit is about, with what the CPUs have in stock: never less. */
unsigned long container_charged(struct container *ctn)
{
	return page_counter_read(&ctn->counter[CONTAINER_HELD]) +
	       page_counter_read(&ctn->counter[CONTAINER_DROPPABLE]);
}

/* Give back what the CPUs hold in advance. Context: Any. */
void container_drain_stock(struct container *ctn)
{
	int i, cpu;
	long nr;

	/* one may be owed what another has: only the sum is the counter's */
	for (i = 0; i < NR_CONTAINER_COUNTERS; i++) {
		nr = 0;
		for_each_possible_cpu(cpu)
			nr += atomic_long_xchg(&per_cpu_ptr(ctn->pcpu, cpu)->stock[i],
					       0);
		if (nr > 0)
			page_counter_uncharge(&ctn->counter[i], nr);
		else if (nr < 0)
			page_counter_charge(&ctn->counter[i], -nr);
	}
}

/**
 * container_set_stock_most - more is held than rss_limit allows, or not any more
 * @ctn: the container.
 *
 * To be called when either begins, and when somebody begins to lower rss_limit, or ends:
 * who is last finds what is so.
 *
 * Context: Any, but not from an interrupt; not with shrink_lock held.
 */
void container_set_stock_most(struct container *ctn)
{
	unsigned long flags;

	spin_lock_irqsave(&ctn->shrink_lock, flags);
	WRITE_ONCE(ctn->stock_most, ctn->lowering || container_over_held(ctn) ?
				    0 : CONTAINER_STOCK_MOST);
	spin_unlock_irqrestore(&ctn->shrink_lock, flags);
}

/*
 * The stock of this CPU is used up. Fill it if the limits are far, or if
 * page_limit is past and that has been noticed below; just before a limit, take
 * no more than was asked for.
 */
noinline void container_refill_stock(struct container *ctn,
				     enum container_counter which,
				     atomic_long_t *stock)
{
	struct page_counter *counter = &ctn->counter[which];
	unsigned long limit = READ_ONCE(ctn->page_limit);
	unsigned long used = container_charged(ctn);
	long nr = -atomic_long_read(stock);

	if (nr <= 0)
		return;
	if ((used > limit || used + nr + CONTAINER_STOCK <= limit) &&
	    page_counter_read(counter) + nr + CONTAINER_STOCK <=
	    READ_ONCE(counter->max))
		nr += CONTAINER_STOCK;

	page_counter_charge(counter, nr);
	atomic_long_add(nr, stock);
	container_stop_point("charge: stock filled");
	container_note_peaks(ctn);
	container_check_limit(ctn);
	if (which == CONTAINER_HELD)
		container_held_grew(ctn);
}

/* More than enough: give back what is over, if it is there still. */
noinline void container_return_stock(struct container *ctn,
				     enum container_counter which,
				     atomic_long_t *stock)
{
	long most = READ_ONCE(ctn->stock_most);
	long nr = atomic_long_read(stock);

	do {
		if (nr <= most)
			return;
	} while (!atomic_long_try_cmpxchg(stock, &nr, most / 2));

	page_counter_uncharge(&ctn->counter[which], nr - most / 2);
}

/*
 * The stock of this CPU did not suffice for @nr pages, which are in it again:
 * charge them with a new stock, or alone, or from what all CPUs have in stock.
 * They are not in use yet, which is what page_limit is about: the caller asks
 * container_check_limit() when they are. 0 or -ENOMEM.
 */
noinline int container_reserve_slowly(struct container *ctn,
				      atomic_long_t *stock, long nr)
{
	struct page_counter *counter = &ctn->counter[CONTAINER_HELD];
	struct page_counter *over;

	if (container_charged(ctn) + nr + CONTAINER_STOCK <=
	    READ_ONCE(ctn->page_limit) &&
	    page_counter_try_charge(counter, nr + CONTAINER_STOCK, &over)) {
		atomic_long_add(CONTAINER_STOCK, stock);
		container_note_peaks(ctn);
		container_held_grew(ctn);
		return 0;
	}
	if (!page_counter_try_charge(counter, nr, &over)) {
		container_stop_point("charge: does not fit");
		container_drain_stock(ctn);
		if (!page_counter_try_charge(counter, nr, &over))
			return -ENOMEM;
	}
	container_note_peaks(ctn);
	container_held_grew(ctn);
	return 0;
}

#ifdef CONFIG_CONTAINERS_KUNIT_TEST
#include "tests/counter-kunit.h"
#endif

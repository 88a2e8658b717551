// SPDX-License-Identifier: GPL-2.0
/*
 * The most that there was: rss_peak, usage_peak, tasks_peak.
 *
 * Of pages this is looked at where a CPU takes some in advance, so that a charge costs
 * nothing more. The page counters are never less than what is used, so a peak is not,
 * either; it may be more by what the CPUs have in stock.
 *
 * What of rss_usage is mapped page cache is not in a page counter. It is counted in steps
 * of CONTAINER_STOCK pages of each CPU, and summed up anew when some more is charged, but
 * not twice in a tick of the clock, as a sum takes the longer the more CPUs there are.
 */
#include <linux/jiffies.h>
#include <linux/mm.h>
#include "internal.h"

static void raise_peak(struct container *ctn, enum container_peak which, long now)
{
	long peak = atomic_long_read(&ctn->peak[which]);

	while (now > peak && !atomic_long_try_cmpxchg(&ctn->peak[which], &peak, now))
		;
}

static unsigned long mapped_lately(struct container *ctn)
{
	unsigned long now = jiffies;

	if (READ_ONCE(ctn->mapped_looked) != now) {
		WRITE_ONCE(ctn->mapped_looked, now);
		atomic_long_set(&ctn->mapped_lately,
				container_stat(ctn, CONTAINER_MAPPED_FILE));
	}
	return max(atomic_long_read(&ctn->mapped_lately), 0L);
}

/**
 * container_note_peaks - some more pages have been charged
 * @ctn: the container.
 *
 * Context: Any, but not from an interrupt. Within RCU.
 */
void container_note_peaks(struct container *ctn)
{
	unsigned long held = page_counter_read(&ctn->counter[CONTAINER_HELD]);

	raise_peak(ctn, CONTAINER_PEAK_USAGE,
		   held + page_counter_read(&ctn->counter[CONTAINER_DROPPABLE]));
	raise_peak(ctn, CONTAINER_PEAK_RSS, held + mapped_lately(ctn));
}

/**
 * container_note_mapped - so much more or less page cache is mapped, of this CPU
 * @ctn: the container.
 * @nr: pages, in steps of CONTAINER_STOCK.
 *
 * Context: as container_note_peaks().
 */
void container_note_mapped(struct container *ctn, long nr)
{
	long mapped = atomic_long_add_return(nr, &ctn->mapped_lately);

	if (nr > 0)
		raise_peak(ctn, CONTAINER_PEAK_RSS, mapped +
			   page_counter_read(&ctn->counter[CONTAINER_HELD]));
}

/* Tasks have joined. Context: ctn->lock held. */
void container_note_tasks(struct container *ctn)
{
	long now = atomic_long_read(&ctn->nr_tasks);

	if (now > atomic_long_read(&ctn->peak[CONTAINER_PEAK_TASKS]))
		atomic_long_set(&ctn->peak[CONTAINER_PEAK_TASKS], now);
}

/**
 * container_peak - the most that there was since the container was made, or since
 *		    container_reset_peak()
 * @ctn: the container.
 * @which: of what.
 * @now: pages, or tasks, that there are of that now.
 *
 * Context: Any, with a reference to @ctn.
 * Return: pages, or tasks.
 */
unsigned long container_peak(struct container *ctn, enum container_peak which,
			     unsigned long now)
{
	/* of tasks it is written whenever one comes; what is counted may yet be refused */
	if (which != CONTAINER_PEAK_TASKS)
		raise_peak(ctn, which, now);
	return atomic_long_read(&ctn->peak[which]);
}

/**
 * container_reset_peak - what there is now is the most there was
 * @ctn: the container.
 * @which: of what.
 *
 * Context: Any, with a reference to @ctn.
 */
void container_reset_peak(struct container *ctn, enum container_peak which)
{
	if (which == CONTAINER_PEAK_TASKS) {
		spin_lock(&ctn->lock);
		atomic_long_set(&ctn->peak[which], atomic_long_read(&ctn->nr_tasks));
		spin_unlock(&ctn->lock);
		return;
	}
	/* what is taken from a stock from now on is noticed when that is filled */
	container_drain_stock(ctn);
	atomic_long_set(&ctn->peak[which], which == CONTAINER_PEAK_RSS ?
					   container_rss(ctn) : container_usage(ctn));
}

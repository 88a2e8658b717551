// SPDX-License-Identifier: GPL-2.0
/*
 * Trimming on demand: shrink, and lowering rss_limit. Who writes to these waits
 * until it is done, or does not get on.
 *
 * Several may do so at the same time, and none waits for another: kcontainerd goes
 * for the least that is wanted, and each sees for himself how far that has come.
 */
#include <linux/sched/signal.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include "internal.h"

/* One who wants usage to be trimmed to so many pages: in ctn->shrinkers */
struct shrinker_goal {
	struct list_head node;
	unsigned long pages;
};

static void update_goal(struct container *ctn)
{
	struct shrinker_goal *goal;
	unsigned long pages = ULONG_MAX;

	list_for_each_entry(goal, &ctn->shrinkers, node)
		pages = min(pages, goal->pages);
	WRITE_ONCE(ctn->shrink_pages, pages);
}

static void add_goal(struct container *ctn, struct shrinker_goal *goal)
{
	spin_lock_irq(&ctn->shrink_lock);
	list_add(&goal->node, &ctn->shrinkers);
	update_goal(ctn);
	spin_unlock_irq(&ctn->shrink_lock);
	/* a round that is said to begin after this sees it: begin_round() */
	smp_mb();
}

static void remove_goal(struct container *ctn, struct shrinker_goal *goal)
{
	spin_lock_irq(&ctn->shrink_lock);
	list_del(&goal->node);
	update_goal(ctn);
	spin_unlock_irq(&ctn->shrink_lock);
}

/* Returns 0 when the round has ended, or -EINTR for a signal. */
static int wait_for_round(struct container *ctn, enum container_trim_goal what)
{
	unsigned long round = READ_ONCE(ctn->trimmer[what].begun) + 1;

	container_call_kcontainerd(ctn, what);
	container_stop_point("shrink: round called");
	return wait_event_interruptible(ctn->wait,
					container_round_ended(ctn, what, round)) ?
	       -EINTR : 0;
}

/*
 * Have kcontainerd at it until @now says @goal or less. It ends: what counts is that
 * there is less than there ever was. -EBUSY if it does not get on,
 * -ERESTARTNOHAND for a signal, which is EINTR if that has a handler, and none at
 * all if it stops; -ENODEV if the container is being removed.
 */
static int trim_to(struct container *ctn, unsigned long goal,
		   enum container_trim_goal what,
		   unsigned long (*now)(struct container *ctn))
{
	unsigned long busy_until = jiffies + CONTAINER_BUSY;
	unsigned long least = ULONG_MAX, pages;
	unsigned int idle = 0;

	while ((pages = now(ctn)) > goal) {
		if (pages < least) {
			least = pages;
			idle = 0;
			busy_until = jiffies + CONTAINER_BUSY;
		} else if (!READ_ONCE(ctn->trimmer[what].idle) &&
			   time_before(jiffies, busy_until)) {
			/* what it met is in somebody's hands, or is being written */
			schedule_timeout_interruptible(HZ / 50);
		} else if (++idle >= CONTAINER_RETRIES) {
			return -EBUSY;
		}
		if (wait_for_round(ctn, what))
			return -ERESTARTNOHAND;
		if (test_bit(CONTAINER_DYING, &ctn->flags))
			return -ENODEV;
	}
	container_drain_stock(ctn);
	return 0;
}

/**
 * container_shrink - trim a container's usage
 * @ctn: the container; the caller has a reference.
 * @pages: how many anonymous and file pages may be left.
 *
 * Context: May sleep, for long.
 * Return: 0; -EBUSY if CONTAINER_RETRIES rounds made no progress; -ERESTARTNOHAND
 * for a signal; -ENODEV if it is being removed.
 */
int container_shrink(struct container *ctn, unsigned long pages)
{
	struct shrinker_goal goal = { .pages = pages };
	int err;

	add_goal(ctn, &goal);
	container_stop_point("shrink: goal set");
	err = trim_to(ctn, pages, CONTAINER_TRIM_USAGE, container_usage);
	container_stop_point("shrink: done");
	remove_goal(ctn, &goal);
	return err;
}

/*
 * A limit is tried as soon as it is written, and reached when no more than it is held.
 * Until then the one that was reached last is not forgotten. Of several writers the
 * last is tried; whoever reaches his has set it, unless a later one has, or tries.
 * Returns which writer that is, or 0 if the current task may not.
 */
static unsigned long try_limit(struct container *ctn, unsigned long limit)
{
	unsigned long writer = 0;

	spin_lock_irq(&ctn->shrink_lock);
	if (container_may_set_rss_limit(ctn, limit)) {
		writer = ++ctn->limit_writers;
		ctn->limit_tried_by = writer;
		WRITE_ONCE(ctn->lowering, ctn->lowering + 1);
		xchg(&ctn->counter[CONTAINER_HELD].max, limit);
	}
	spin_unlock_irq(&ctn->shrink_lock);
	return writer;
}

static void end_limit(struct container *ctn, unsigned long limit,
		      unsigned long writer, bool reached)
{
	spin_lock_irq(&ctn->shrink_lock);
	if (reached && writer > ctn->limit_reached_by) {
		ctn->limit_reached = limit;
		ctn->limit_reached_by = writer;
	}
	if (!ctn->limit_tried_by || ctn->limit_tried_by == writer) {
		ctn->limit_tried_by = 0;
		xchg(&ctn->counter[CONTAINER_HELD].max, ctn->limit_reached);
	}
	WRITE_ONCE(ctn->lowering, ctn->lowering - 1);
	spin_unlock_irq(&ctn->shrink_lock);
}

/**
 * container_set_rss_limit - set rss_limit, and trim what is held to it
 * @ctn: the container; the caller has a reference.
 * @limit: in pages.
 *
 * It is in force for new charges from the beginning. If it cannot be reached, the
 * one before is again, unless somebody else has set another meanwhile.
 *
 * Context: May sleep, for long.
 * Return: as container_shrink(), or -EPERM if the current task may not raise it so far.
 */
int container_set_rss_limit(struct container *ctn, unsigned long limit)
{
	unsigned long writer;
	int err;

	/* from now on charges may fail: before, nobody had to look for that */
	if (limit != PAGE_COUNTER_MAX)
		container_enable_rss();

	writer = try_limit(ctn, limit);
	if (!writer)
		return -EPERM;
	container_stop_point("rss_limit: set");
	/* nobody is to go on with what was taken in advance, nor with what is freed */
	container_set_stock_most(ctn);
	container_drain_stock(ctn);
	err = trim_to(ctn, limit, CONTAINER_TRIM_HELD, container_held);
	end_limit(ctn, limit, writer, !err);
	container_set_stock_most(ctn);
	if (!err)
		container_check_mapped(ctn);
	container_stop_point("rss_limit: done");
	wake_up_all(&ctn->wait);
	return err;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Noticing the limits: what happens where a page counter has passed page_limit,
 * where a charge does not fit below rss_limit, and where much is mapped.
 */
#include <linux/mm.h>
#include <linux/oom.h>
#include <linux/resume_user_mode.h>
#include <linux/sched/signal.h>
#include <trace/events/container.h>
#include "counter.h"
#include "token.h"

/* From now on there may be rss_limits. Context: May sleep. */
void container_enable_rss(void)
{
	static_branch_enable(&container_fault_key);
	static_branch_enable(&container_rss_key);
}

/*
 * May the current task be made to wait for this container? One that is being moved
 * is in another a moment before its mm is.
 */
static bool is_own_task(struct container *ctn)
{
	struct mm_struct *mm = current->mm;

	return (rcu_access_pointer(current->container) == ctn ||
		(mm && READ_ONCE(mm->container_token) == container_token(ctn))) &&
	       !(current->flags & PF_KTHREAD);
}

static void notice_page_limit(struct container *ctn, unsigned long usage,
			      unsigned long limit)
{
	if (test_bit(CONTAINER_TRIMMING, &ctn->flags) ||
	    test_and_set_bit(CONTAINER_TRIMMING, &ctn->flags))
		return;
	clear_bit(CONTAINER_TRIM_FAILED, &ctn->flags);
	atomic_long_inc(&ctn->page_limit_hits);
	container_notify(ctn, CONTAINER_PAGE_LIMIT_HITS);
	trace_container_limit_hit(ctn->id, false, usage, limit);
	container_call_kcontainerd(ctn, CONTAINER_TRIM_USAGE);
}

/*
 * The page counters are over page_limit: is the container? If so, call on
 * kcontainerd, once, and if it is far over have the current task, if that is
 * one of the container's, wait before it goes on in user mode.
 */
static void check_page_limit(struct container *ctn)
{
	unsigned long limit = READ_ONCE(ctn->page_limit);
	unsigned long usage = container_usage(ctn);

	if (usage <= limit) {
		container_drain_stock(ctn);
		return;
	}

	/*
	 * If trimming hardly helped the last time, kcontainerd comes again by
	 * itself; there is no use in calling it, nor in having anybody sleep,
	 * until there is more to trim: what has been dropped of a program's text
	 * and the like comes back.
	 */
	if (test_bit(CONTAINER_DYING, &ctn->flags) ||
	    (test_bit(CONTAINER_TRIM_FAILED, &ctn->flags) &&
	     usage <= READ_ONCE(ctn->failed_usage) + limit / 2))
		return;

	notice_page_limit(ctn, usage, limit);
	if (container_far_over(usage, limit) && is_own_task(ctn)) {
		current->container_flags |= CONTAINER_TASK_THROTTLED;
		set_notify_resume(current);
		container_stop_point("charge: to wait");
	}
}

/**
 * container_check_limit - do what is to be done over a limit
 * @ctn: the container, whose counters may be over one.
 *
 * Context: Any, but not from an interrupt. Within RCU.
 */
void container_check_limit(struct container *ctn)
{
	if (container_charged(ctn) > READ_ONCE(ctn->page_limit))
		check_page_limit(ctn);

	if (page_counter_read(&ctn->counter[CONTAINER_HELD]) <=
	    container_rss_limit(ctn))
		return;
	/* nobody is to go on with what was taken in advance */
	container_drain_stock(ctn);
	/* once: kcontainerd comes again by itself as long as that is so */
	if (container_over_held(ctn) && !test_bit(CONTAINER_DYING, &ctn->flags) &&
	    !test_and_set_bit(CONTAINER_TRIMMING_HELD, &ctn->flags)) {
		container_set_stock_most(ctn);
		container_call_kcontainerd(ctn, CONTAINER_TRIM_HELD);
	}
}

/**
 * container_check_mapped - some more page cache has been mapped
 * @ctn: the container.
 *
 * What is mapped counts in rss_usage, and kcontainerd sees to it that what of it
 * is cold does not stay over the limit. Nobody else is to notice.
 *
 * Context: Any, but not from an interrupt. Within RCU.
 */
void container_check_mapped(struct container *ctn)
{
	unsigned long goal = container_rss_goal(ctn);

	if (goal != PAGE_COUNTER_MAX && container_rss(ctn) > goal &&
	    !test_bit(CONTAINER_DYING, &ctn->flags))
		container_call_for_mapped(ctn);
}

/**
 * container_held_grew - some more held memory has been charged
 * @ctn: the container.
 *
 * Then what is mapped beside it may be too much, as when some more has been mapped.
 * A charge does not ask whether that is so, kcontainerd does, a moment later.
 *
 * Context: Any, but not from an interrupt. Within RCU.
 */
void container_held_grew(struct container *ctn)
{
	if (container_rss_goal(ctn) != PAGE_COUNTER_MAX &&
	    !test_bit(CONTAINER_DYING, &ctn->flags))
		container_call_for_mapped_later(ctn);
	if (page_counter_read(&ctn->counter[CONTAINER_HELD]) >
	    container_rss_barrier(ctn))
		container_rss_barrier_hit(ctn);
}

/*
 * Does the current task exit, with all of its process? A thread that exits alone leaves
 * what the kernel writes for it to the others: robust futexes, and its thread id,
 * wherever it wants to have that cleared.
 */
static bool is_going(void)
{
	return (current->flags & PF_EXITING) &&
	       (current->signal->flags & SIGNAL_GROUP_EXIT);
}

/*
 * It gives back more than it takes, as a rule. But what it writes to may be shared with
 * others, or be looked at by them: so far it may go over, in pages.
 */
#define GOING_PAGES	256UL

static bool goes_over_by_little(struct container *ctn, long nr)
{
	unsigned long limit = container_rss_limit(ctn);

	return page_counter_read(&ctn->counter[CONTAINER_HELD]) + nr <=
	       limit + max(limit / 8, GOING_PAGES);
}

/*
 * May a charge that does not fit below rss_limit go over it? A process that exits may,
 * by little, and an allocation that must not fail must not fail here. A
 * large folio that comes from swap to a limit that is smaller has to come all the
 * same.
 *
 * Besides, what is in use already is charged whether it fits or not, with
 * CONTAINER_OWN_FORCE: where a process is moved in, where swapoff(2) brings in what
 * is there, and where a folio that was charged to another turns out to be this one's.
 */
static bool may_go_over(struct container *ctn, long nr, gfp_t gfp, bool wait)
{
	return (gfp & __GFP_NOFAIL) ||
	       (is_going() && goes_over_by_little(ctn, nr)) ||
	       (wait && nr > 1 && nr > container_rss_limit(ctn)) ||
	       test_bit(CONTAINER_DYING, &ctn->flags);
}

/**
 * container_charge_fails - held memory does not fit below rss_limit
 * @ctn: the container.
 * @nr: pages.
 * @gfp: how they were allocated.
 * @wait: whether it is these that are to be waited for: the caller does not go on
 *	  with less.
 *
 * Context: Any, but not from an interrupt. Within RCU.
 * Return: -ENOMEM, or 0 if the pages have been charged over the limit.
 */
noinline int container_charge_fails(struct container *ctn, long nr, gfp_t gfp,
				    bool wait)
{
	if (may_go_over(ctn, nr, gfp, wait)) {
		container_charge_pages(ctn, CONTAINER_HELD, nr);
		return 0;
	}

	container_count(ctn, CONTAINER_CHARGE_FAILURES, 1);
	container_notify(ctn, CONTAINER_RSS_FAILCNT);
	if (trace_container_charge_failed_enabled())
		trace_container_charge_failed(ctn->id, nr, container_rss(ctn),
					      container_rss_limit(ctn));
	/* what a fault that fails with this is to wait for, unless it dies: see room.c */
	if (wait && is_own_task(ctn) && !is_going()) {
		current->container_wanted = nr;
		current->container_flags |= CONTAINER_TASK_SHORT;
		/* that is forgotten when the system call ends */
		set_notify_resume(current);
	}
	container_stop_point("charge: failed");
	return -ENOMEM;
}

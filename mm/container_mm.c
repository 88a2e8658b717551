// SPDX-License-Identifier: GPL-2.0
/*
 * kcontainerd: how far a container is trimmed, in which order, and when again.
 *
 * Two work items per container, on one workqueue, so that many containers are
 * trimmed at once and one that is stuck in I/O delays no other; nor does one that
 * writes files back delay who waits for room below rss_limit:
 *
 *  - CONTAINER_TRIM_USAGE brings anonymous and file pages below page_limit - 1/8,
 *    or to what was written to shrink. Besides, where rss_usage is over rss_limit,
 *    it unmaps page cache that is cold, for which nobody waits;
 *  - CONTAINER_TRIM_HELD makes room below rss_limit, of held memory only, and
 *    brings that below the barrier of physpages - 1/8, for which nobody waits.
 *
 * A round goes in passes, of which each takes more than the one before:
 *
 *  TRIM_ONCE	dirty pages of files are written back, clean ones that nobody
 *		maps and that were used once are dropped: of large files of
 *		which little is used again, of the other large ones, of small
 *		ones; of what is in use some is used once less from now on
 *  TRIM_LARGE	large files and tasks: what is in use is used once less from
 *		now on, and what is not goes
 *  TRIM_ALL	the same, for small files and tasks too
 *  TRIM_LAST	what is in use goes too
 *
 * In every pass but the first files come first, if they are more than half of the
 * limit, and then anonymous pages, if they are more than 1/64 of it and there is
 * swap. A page that is mapped or held and not in use is reclaimed, unless over_limit
 * says that it is only to be deactivated. What a use is: container_age.c.
 *
 * Who is charged, and when this is called, is in kernel/container/.
 */
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/swap.h>
#include <trace/events/container.h>
#include "internal.h"
#include "container_trim.h"

/* How long a container for which a round did nothing is left alone, at first */
#define TRIM_DELAY_MIN	(HZ / 10)
#define TRIM_DELAY_MAX	HZ

/* How long others have to use what they map and a container is charged for */
#define TRIM_OTHERS	(HZ / 2)

/* How often a round comes again for what it has sent to the disk, 1/50 s later each */
#define WRITTEN_TRIES	5

/* A round that has trimmed less than this part of what it was to has hardly helped */
#define TRIM_HELPED	4

static struct workqueue_struct *kcontainerd_wq;

/* Have kcontainerd begin a round, as soon as it has ended what it is at. */
void container_call_kcontainerd(struct container *ctn,
				enum container_trim_goal what)
{
	mod_delayed_work(kcontainerd_wq, &ctn->trimmer[what].work, 0);
}

/*
 * Have it look at what is mapped, unless it has done so a moment ago: then when that
 * is over. If it is to come later, it did not help.
 */
void container_call_for_mapped(struct container *ctn)
{
	struct container_trimmer *trimmer = &ctn->trimmer[CONTAINER_TRIM_USAGE];
	long delay = READ_ONCE(trimmer->next_look) - jiffies;

	queue_delayed_work(kcontainerd_wq, &trimmer->work,
			   clamp(delay, 0L, (long)TRIM_DELAY_MIN));
}

/* The same in a moment: whether it is to look takes a sum over all CPUs to know. */
void container_call_for_mapped_later(struct container *ctn)
{
	struct container_trimmer *trimmer = &ctn->trimmer[CONTAINER_TRIM_USAGE];

	/* in a round: when it is over it asks, and knows when to come again */
	if (READ_ONCE(trimmer->begun) != READ_ONCE(trimmer->ended))
		return;
	if (!delayed_work_pending(&trimmer->work))
		queue_delayed_work(kcontainerd_wq, &trimmer->work, TRIM_DELAY_MIN);
}

/* ---- goals ---- */

static bool over_limit(struct container *ctn)
{
	return container_usage(ctn) > READ_ONCE(ctn->page_limit);
}

static bool over_mapped(struct container *ctn)
{
	unsigned long goal = container_rss_goal(ctn);

	return goal != PAGE_COUNTER_MAX && container_rss(ctn) > goal &&
	       container_stat(ctn, CONTAINER_MAPPED_FILE);
}

/*
 * How far down a task that needs a page below rss_limit has it trimmed, so that
 * the next few need not come for it: as many pages as a CPU takes in advance, or
 * 1/64 of a large limit, or 1/8 of a small one.
 */
static unsigned long room_to_make(unsigned long limit)
{
	return min(max(limit / 64, (unsigned long)CONTAINER_STOCK), limit / 8);
}

/* Held pages that may be left. Asked anew each time: somebody may begin to wait. */
static unsigned long held_goal(struct container *ctn)
{
	unsigned long limit = container_rss_limit(ctn);

	if (limit == PAGE_COUNTER_MAX || !atomic_read(&ctn->room_waiters))
		return limit;
	return limit - min(max3(room_to_make(limit), 1UL,
				READ_ONCE(ctn->room_wanted)), limit);
}

/* Is more held than the barrier of physpages? Nobody waits for that. */
static bool over_barrier(struct container *ctn)
{
	unsigned long barrier = container_rss_barrier(ctn);

	return barrier != PAGE_COUNTER_MAX && container_held(ctn) > barrier;
}

/* Then some less than that may be left, as with page_limit. */
static unsigned long barrier_goal(struct trim *tr)
{
	unsigned long barrier = container_rss_barrier(tr->ctn);

	return tr->began_over ? barrier - barrier / 8 : ULONG_MAX;
}

/*
 * And of all pages; of which page_limit wants some less than it allows. Asked anew each
 * time, too: when somebody raises the limit no more is to go.
 */
static unsigned long usage_goal(struct trim *tr)
{
	unsigned long limit = READ_ONCE(tr->ctn->page_limit);
	unsigned long goal = tr->began_over ? limit - limit / 8 : ULONG_MAX;

	return min(goal, READ_ONCE(tr->ctn->shrink_pages));
}

/* How many pages it is from there. */
unsigned long trim_excess(struct trim *tr)
{
	unsigned long now, goal;

	if (tr->unmap) {
		now = container_rss(tr->ctn);
		goal = container_rss_goal(tr->ctn);
	} else if (only_held(tr)) {
		now = container_held(tr->ctn);
		goal = min(held_goal(tr->ctn), barrier_goal(tr));
	} else {
		now = container_usage(tr->ctn);
		goal = usage_goal(tr);
	}
	return now > goal ? now - goal : 0;
}

/*
 * Has the round come to where it was to come, or does nobody want it any more? Then it
 * is over: what is charged from there on fits below the limit, and is no reason to go on
 * to a pass that takes what is in use.
 */
bool trim_reached(struct trim *tr)
{
	if (!trim_excess(tr) || test_bit(CONTAINER_DYING, &tr->ctn->flags))
		tr->reached = true;
	return tr->reached;
}

/* Is this round for somebody who waits for it, rather than for page_limit? */
static bool is_urgent(struct trim *tr)
{
	return only_held(tr) || READ_ONCE(tr->ctn->shrink_pages) != ULONG_MAX;
}

/* ---- a round ---- */

/* For a moment, as much of it as may be under way. */
static void wait_for_writeback(void)
{
	__set_current_state(TASK_UNINTERRUPTIBLE);
	io_schedule_timeout(HZ / 50);
}

/* Does the share of one kind of pages make it worth going for them? */
static bool worth_trimming(struct trim *tr, unsigned long pages,
			   unsigned int shift)
{
	return is_urgent(tr) || pages > READ_ONCE(tr->ctn->page_limit) >> shift;
}

/*
 * What comes back was dropped too early, so there may be something in use that is not
 * used any more. For every four pages that come back one that is in use is aged, whichever
 * comes next: if it is used it stays in use. More often than that, and it is what is used
 * that goes: what has just come into use has not had the time to be used again.
 */
#define AGE_FOR		4

/* Returns how many may be aged; in a round no more than it is to free of a full one. */
static unsigned long begin_aging(struct trim *tr)
{
	long pages = container_stat(tr->ctn, CONTAINER_FILE);
	long back = atomic_long_read(&tr->ctn->came_back);

	/* what was long ago, where streams were enough to take from, is forgotten */
	if (back > pages)
		atomic_long_sub(back - pages, &tr->ctn->came_back);
	tr->age = min(min(back, pages) / AGE_FOR, pages / 8);
	return tr->age;
}

static void end_aging(struct trim *tr, unsigned long age)
{
	atomic_long_sub((age - tr->age) * AGE_FOR, &tr->ctn->came_back);
	tr->age = 0;
}

/*
 * Drop what was used once, of some files. What is dirty is clean in a moment: it is
 * worth waiting for that, rather than to take what is in use instead.
 */
static void trim_once(struct trim *tr, bool streams)
{
	bool writing = tr->writing;
	int tries;

	tr->streams = streams;
	for (tries = 0; tries < WRITTEN_TRIES && !trim_reached(tr); tries++) {
		if (tries)
			wait_for_writeback();
		tr->writing = false;
		trim_files(tr, true);
		if (!streams)
			trim_files(tr, false);
		if (!tr->writing)
			break;
		wake_up_all(&tr->ctn->wait);
	}
	tr->writing |= writing;
	tr->streams = false;
}

static void trim_pass(struct trim *tr)
{
	struct container *ctn = tr->ctn;
	unsigned long age;

	tr->force = only_held(tr) ||
		     container_usage(ctn) > READ_ONCE(ctn->shrink_pages);

	if (tr->pass == TRIM_ONCE) {
		if (only_held(tr))
			return;
		/* what is new in the others has the time to be used again, then */
		trim_once(tr, true);
		if (trim_reached(tr))
			return;
		age = begin_aging(tr);
		trim_once(tr, false);
		end_aging(tr, age);
		return;
	}

	/* few file pages are better than none to trim at all */
	if (worth_trimming(tr, container_nr_file(ctn), 1) || last_pass(tr)) {
		trim_files(tr, true);
		if (tr->pass > TRIM_LARGE)
			trim_files(tr, false);
	}

	/* without swap, some may have been given up all the same */
	if ((total_swap_pages || last_pass(tr)) &&
	    worth_trimming(tr, container_stat(ctn, CONTAINER_ANON), 6)) {
		trim_anon(tr, true);
		if (tr->pass > TRIM_LARGE)
			trim_anon(tr, false);
	}
}

/*
 * Unmap page cache that has not been referenced since the round before: one look
 * at each page in a round. What is in use stays, over the limit or not.
 */
static void trim_mapped(struct trim *tr)
{
	/* it has to have time to be referenced */
	if (time_before(jiffies, tr->trimmer->next_look))
		return;
	WRITE_ONCE(tr->trimmer->next_look, jiffies + TRIM_DELAY_MIN);
	tr->looked = true;
	tr->unmap = true;
	/* that is another goal */
	tr->reached = false;
	if (!trim_reached(tr))
		trim_files(tr, true);
	if (!trim_reached(tr))
		trim_files(tr, false);
	tr->unmap = false;
}

/* Add what a round has done to what the container's stat file says. */
static void count_round(struct trim *tr)
{
	struct container *ctn = tr->ctn;

	container_count(ctn, CONTAINER_ROUNDS, 1);
	container_count(ctn, CONTAINER_SCANNED, tr->scanned);
	container_count(ctn, CONTAINER_DEACTIVATED, tr->deactivated);
	container_count(ctn, CONTAINER_WRITTEN_BACK, tr->written_back);
	container_count(ctn, CONTAINER_DROPPED, tr->dropped);
	container_count(ctn, CONTAINER_RECLAIMED, tr->reclaimed);
	container_count(ctn, CONTAINER_SWAPPED_OUT, tr->swapped_out);
	atomic_long_add((only_held(tr) ? tr->reclaimed : 0) + tr->unmapped,
			&ctn->rss_reclaimed);
}

static void trim_round(struct trim *tr)
{
	struct container *ctn = tr->ctn;
	ktime_t start = ktime_get();
	bool mapped = !only_held(tr) && over_mapped(ctn);

	trace_container_trim_begin(ctn->id, container_usage(ctn),
				   only_held(tr) ? ULONG_MAX : usage_goal(tr),
				   only_held(tr) ? container_held(ctn) :
						   container_rss(ctn),
				   only_held(tr) ? min(held_goal(ctn), barrier_goal(tr)) :
				   mapped ? container_rss_goal(ctn) : ULONG_MAX);
	for (; tr->pass < TRIM_PASSES && !trim_reached(tr); tr->pass++) {
		/* let what was started be written before more is taken */
		if ((tr->busy || tr->writing) && tr->pass)
			wait_for_writeback();
		tr->busy = false;
		/* somebody may be killed if nothing is found: look everywhere */
		if (tr->pass == TRIM_ALL && is_urgent(tr) && !tr->unasked)
			lru_add_drain_all();
		trim_pass(tr);
		if (last_pass(tr) && tr->others)
			tr->trimmer->next_others = jiffies + TRIM_OTHERS;
		wake_up_all(&ctn->wait);
	}
	if (mapped)
		trim_mapped(tr);
	count_round(tr);
	trace_container_trim_end(ctn->id, container_usage(ctn),
				 container_rss(ctn), tr->scanned,
				 tr->deactivated, tr->written_back, tr->dropped,
				 tr->unmapped, tr->reclaimed,
				 ktime_us_delta(ktime_get(), start));
}

/* ---- and the next ---- */

/*
 * Still over a limit: when to have another go, in jiffies. Where a round hardly
 * helped it is ever later, up to a second: there is memory that cannot be trimmed.
 */
static unsigned int next_delay(struct trim *tr, unsigned long excess)
{
	struct container_trimmer *trimmer = tr->trimmer;
	struct container *ctn = tr->ctn;

	/* it went over while there was nothing to be done, or it was too soon to look */
	if (!excess && !only_held(tr) && over_limit(ctn))
		return 1;
	if (!excess && !only_held(tr) && !tr->looked)
		return TRIM_DELAY_MIN;
	if (excess ? tr->trimmed > excess / TRIM_HELPED : tr->unmapped) {
		trimmer->delay = 0;
		if (!only_held(tr))
			clear_bit(CONTAINER_TRIM_FAILED, &ctn->flags);
		/* not at once: it shall not have a CPU for itself */
		return excess ? 1 : TRIM_DELAY_MIN;
	}
	if (tr->writing) {
		if (!only_held(tr))
			clear_bit(CONTAINER_TRIM_FAILED, &ctn->flags);
		return HZ / 50;
	}

	trimmer->delay = clamp(2 * trimmer->delay, TRIM_DELAY_MIN,
			       TRIM_DELAY_MAX);
	if (!only_held(tr) && over_limit(ctn)) {
		WRITE_ONCE(ctn->failed_usage, container_usage(ctn));
		set_bit(CONTAINER_TRIM_FAILED, &ctn->flags);
	}
	return trimmer->delay;
}

static bool is_over(struct trim *tr)
{
	struct container *ctn = tr->ctn;

	return only_held(tr) ? container_over_held(ctn) || over_barrier(ctn) :
			       over_limit(ctn) || over_mapped(ctn);
}

static void begin_round(struct trim *tr, struct container_trimmer *trimmer)
{
	tr->began = jiffies;
	tr->trimmer = trimmer;
	tr->ctn = trimmer->ctn;
	tr->what = trimmer - trimmer->ctn->trimmer;
	INIT_LIST_HEAD(&tr->folios);
	folio_batch_init(&tr->gone);
	tr->others = !time_before(jiffies, trimmer->next_others);

	WRITE_ONCE(trimmer->begun, trimmer->begun + 1);
	/* who sees that it has begun may have to have set a goal before */
	smp_mb();
	tr->began_over = only_held(tr) ? over_barrier(tr->ctn) : over_limit(tr->ctn);
	tr->unasked = only_held(tr) &&
		      container_held(tr->ctn) <= held_goal(tr->ctn);
}

/*
 * Was a round for held memory in vain? That is counted here: who waits for room may go,
 * and come again, with each of its signals. Those of long ago do not count any more; nor
 * for a time do those before one that met what is in somebody's hands, or being written.
 */
static void count_in_vain(struct trim *tr)
{
	struct container_trimmer *trimmer = tr->trimmer;
	unsigned long held = container_held(tr->ctn);
	long reclaimed = atomic_long_read(&tr->ctn->held_reclaimed);
	bool progress = held < trimmer->held || reclaimed != trimmer->reclaimed;
	bool first = time_after(tr->began, trimmer->last + CONTAINER_BUSY);
	unsigned int in_vain = first ? 1 : trimmer->in_vain + 1;

	if (progress || first)
		WRITE_ONCE(trimmer->progress, jiffies);
	if (progress || ((tr->busy || tr->writing) &&
			 time_before(jiffies, trimmer->progress + CONTAINER_BUSY)))
		in_vain = 0;
	WRITE_ONCE(trimmer->in_vain, in_vain);

	trimmer->held = held;
	trimmer->reclaimed = reclaimed;
	WRITE_ONCE(trimmer->last, jiffies);
}

static void end_round(struct trim *tr, unsigned long excess)
{
	struct container_trimmer *trimmer = tr->trimmer;
	struct container *ctn = tr->ctn;

	/* from here on, who goes over the limit calls again */
	if (!only_held(tr))
		clear_bit(CONTAINER_TRIMMING, &ctn->flags);
	/* and who did before is seen: the bit goes before the usage is read */
	smp_mb__after_atomic();
	if (only_held(tr) && !is_over(tr)) {
		clear_bit(CONTAINER_TRIMMING_HELD, &ctn->flags);
		/* as above */
		smp_mb__after_atomic();
	}
	if (test_bit(CONTAINER_DYING, &ctn->flags)) {
		/* container_trim_stop() waits for this */
	} else if (is_over(tr)) {
		queue_delayed_work(kcontainerd_wq, &trimmer->work,
				   next_delay(tr, excess));
	} else {
		if (!only_held(tr))
			clear_bit(CONTAINER_TRIM_FAILED, &ctn->flags);
		trimmer->delay = 0;
	}

	if (only_held(tr))
		container_set_stock_most(ctn);
	/* nobody is killed for the barrier */
	if (only_held(tr) && excess && !tr->unasked)
		count_in_vain(tr);
	WRITE_ONCE(trimmer->idle, !tr->busy && !tr->writing);
	/* what it did is there to be seen by who waited for it */
	smp_store_release(&trimmer->ended, trimmer->begun);
	wake_up_all(&ctn->wait);
	/* who has charged more since that was asked may have been sent away */
	smp_mb();
	if (!only_held(tr) && !test_bit(CONTAINER_DYING, &ctn->flags) &&
	    over_mapped(ctn))
		container_call_for_mapped_later(ctn);
}

/* One round for one container. */
static void container_trim_work(struct work_struct *work)
{
	struct container_trimmer *trimmer =
		container_of(to_delayed_work(work), struct container_trimmer,
			     work);
	unsigned long excess;
	struct trim *tr;

	/* small, and the way out of a shortage: it is worth waiting for */
	tr = kzalloc(sizeof(*tr), GFP_NOIO | __GFP_NOFAIL);
	begin_round(tr, trimmer);
	excess = trim_excess(tr);
	if (excess || (!only_held(tr) && over_mapped(tr->ctn)))
		trim_round(tr);
	end_round(tr, excess);
	kfree(tr);
}

/* @ctn is being made. Context: Any. */
void container_trim_init(struct container *ctn)
{
	int i;

	for (i = 0; i < NR_CONTAINER_TRIMMERS; i++) {
		ctn->trimmer[i].ctn = ctn;
		INIT_DELAYED_WORK(&ctn->trimmer[i].work, container_trim_work);
	}
}

/* @ctn is to be freed, and nobody calls for a round any more. Context: May sleep. */
void container_trim_stop(struct container *ctn)
{
	int i;

	for (i = 0; i < NR_CONTAINER_TRIMMERS; i++)
		disable_delayed_work_sync(&ctn->trimmer[i].work);
}

static int __init kcontainerd_init(void)
{
	kcontainerd_wq = alloc_workqueue("kcontainerd",
					 WQ_UNBOUND | WQ_MEM_RECLAIM | WQ_SYSFS,
					 WQ_MAX_ACTIVE);
	if (!kcontainerd_wq)
		panic("containers: no memory at boot\n");
	return 0;
}
core_initcall(kcontainerd_init);

#ifdef CONFIG_CONTAINERS_KUNIT_TEST
#include "tests/container-kunit.h"
#endif

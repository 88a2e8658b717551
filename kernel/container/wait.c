// SPDX-License-Identifier: GPL-2.0
/*
 * Who waits for kcontainerd, and for what:
 *
 *  - a task whose container is far over its page_limit, for a moment;
 *  - a task whose container is over its rss_limit, or at it when one more page
 *    is needed, until there is room. If trimming does not help any more,
 *    somebody is killed. What cannot simply be dropped is anonymous and shmem
 *    pages: as long as these fit, nobody is, and the task goes on, over the
 *    limit by what file pages are mapped and will not go (those in mlock).
 *  - who writes to shrink, or lowers rss_limit, until it is done or does not
 *    get on.
 *
 * A page fault that cannot charge fails; it waits at its end, where locks can be
 * dropped. Pages that are charged regardless make the task wait before it goes
 * on in user mode, or in its next page fault. So whoever waits here holds no
 * lock that kcontainerd would need to get on: a write to shmem holds its inode's
 * lock, which kcontainerd does without.
 *
 * But others may want such a lock, even those who would make room: there is an end
 * to waiting with one. Where nobody may be killed, a write to shmem fails, and a
 * page fault in a system call goes over the limit after ten seconds, and those
 * after it in the same call, after a tenth of one each. They cannot fail: it may
 * be the stack of a signal handler that is missing.
 *
 * A page fault that may not be retried does not wait, nor does who is not in the
 * container: they go over the limit.
 *
 * Who waits holds a reference to the container's directory. That does not keep
 * rmdir from taking it apart, and rmdir lets all of them go.
 */
#include <linux/hash.h>
#include <linux/mm.h>
#include <linux/oom.h>
#include <linux/pagemap.h>
#include <linux/psi.h>
#include <linux/sched/signal.h>
#include <linux/wait.h>
#include <trace/events/container.h>
#include "internal.h"

/* Rounds without any progress until one gives up: as many as memcg's in 2008 */
#define CONTAINER_RETRIES	5

/* Rounds that met pages being written, or locked, until they count as the same */
#define CONTAINER_BUSY_RETRIES	100

/* Tenths of a second until one asks again who may be killed: 10 s */
#define CONTAINER_PATIENCE	100

/* Several containers may share a queue. */
#define CONTAINER_WAIT_BITS	4

static wait_queue_head_t container_wait[1 << CONTAINER_WAIT_BITS];

static wait_queue_head_t *container_wait_queue(struct container *ctn)
{
	return &container_wait[hash_ptr(ctn, CONTAINER_WAIT_BITS)];
}

/* kcontainerd has come to the end of a pass or a round, or rmdir has begun. */
void container_wake_waiters(struct container *ctn)
{
	wake_up_all(container_wait_queue(ctn));
}

/* Have kcontainerd begin a round, as soon as it has ended what it is at. */
void container_call_kcontainerd(struct container *ctn)
{
	mod_delayed_work(kcontainerd_wq, &ctn->trim_work, 0);
}

/*
 * Hold @ctn, found within RCU, beyond that; NULL if it is being freed. Its memory
 * stays, not its members: CONTAINER_DYING may be set at any time.
 */
struct container *container_tryget(struct container *ctn)
{
	if (test_bit(CONTAINER_DYING, &ctn->flags) ||
	    !config_item_get_unless_zero(&ctn->group.cg_item))
		return NULL;
	return ctn;
}

void container_put(struct container *ctn)
{
	config_item_put(&ctn->group.cg_item);
}

/* The current task has slept since @start for one of the limits. */
static void count_wait(struct container *ctn, bool hard, ktime_t start)
{
	s64 usec = ktime_us_delta(ktime_get(), start);

	container_count(ctn, hard ? CONTAINER_RECLAIM_USEC :
				    CONTAINER_THROTTLED_USEC, usec);
	trace_container_throttle(ctn->id, hard, usec);
}

/* ---- one round ---- */

static bool round_ended(struct container *ctn, unsigned long round)
{
	return (long)(READ_ONCE(ctn->rounds_ended) - round) >= 0 ||
	       test_bit(CONTAINER_DYING, &ctn->flags);
}

/*
 * Call kcontainerd, and wait for the end of a round that began after that.
 * Returns 0, or -EINTR for a signal: any, or a fatal one only.
 */
static int wait_for_round(struct container *ctn, bool fatal_only)
{
	wait_queue_head_t *queue = container_wait_queue(ctn);
	unsigned long round = READ_ONCE(ctn->rounds_begun) + 1;

	container_call_kcontainerd(ctn);
	container_stop_point("round: called");
	if (fatal_only)
		return wait_event_killable(*queue, round_ended(ctn, round)) ?
		       -EINTR : 0;
	return wait_event_interruptible(*queue, round_ended(ctn, round)) ?
	       -EINTR : 0;
}

/* How long it has been that rounds of kcontainerd got nowhere. */
struct futility {
	int idle;
	int busy;
};

/* A round has ended; @progress was made or not. Is it time to give up? */
static bool is_futile(struct container *ctn, struct futility *futility,
		      bool progress)
{
	container_stop_point("round: ended");
	if (progress) {
		*futility = (struct futility){};
		return false;
	}
	if (!READ_ONCE(ctn->round_idle)) {
		schedule_timeout_killable(HZ / 50);
		if (++futility->busy <= CONTAINER_BUSY_RETRIES)
			return false;
	}
	return ++futility->idle >= CONTAINER_RETRIES;
}

/* ---- room below rss_limit ---- */

static bool has_room(struct container *ctn, bool one_more)
{
	if (!one_more)
		return !container_over_rss(ctn);
	return container_rss(ctn) < READ_ONCE(ctn->counter[CONTAINER_RSS].max);
}

/* Could there be any without taking what cannot simply be dropped? */
static bool is_held(struct container *ctn, bool one_more)
{
	return container_held(ctn) + one_more >
	       READ_ONCE(ctn->counter[CONTAINER_RSS].max);
}

/* It may have been moved to another container meanwhile, or be on its way out. */
static bool may_wait(struct container *ctn)
{
	return rcu_access_pointer(current->container) == ctn &&
	       !test_bit(CONTAINER_DYING, &ctn->flags) &&
	       !(current->flags & PF_EXITING) && !tsk_is_oom_victim(current);
}

/* Nobody may be killed: wait so many tenths of a second. */
static void wait_for_better_times(struct container *ctn, bool one_more,
				  bool fatal_only, int tenths)
{
	int i;

	for (i = 0; i < tenths; i++) {
		if (has_room(ctn, one_more) || !may_wait(ctn) ||
		    (fatal_only ? fatal_signal_pending(current) :
				  signal_pending(current)))
			break;
		if (fatal_only)
			schedule_timeout_killable(HZ / 10);
		else
			schedule_timeout_interruptible(HZ / 10);
	}
}

/*
 * Returns -ENOMEM if there is none and nobody is killed for it: none but those that
 * must not be, or @may_kill is false. Anything else is no reason to wait any more.
 */
static int wait_for_room(struct container *ctn, bool one_more, bool fatal_only,
			 bool may_kill)
{
	struct futility futility = {};
	long reclaimed;
	unsigned long held;
	bool progress;

	while (!has_room(ctn, one_more) && may_wait(ctn)) {
		held = container_held(ctn);
		reclaimed = atomic_long_read(&ctn->held_reclaimed);

		if (wait_for_round(ctn, fatal_only))
			return 0;
		if (has_room(ctn, one_more) || !may_wait(ctn))
			return 0;

		if (!is_held(ctn, one_more)) {
			/* only mapped files are in the way, and they have to be */
			if (one_more)
				current->container_over |= CONTAINER_OVER_LET;
			return 0;
		}
		progress = container_held(ctn) < held ||
			   atomic_long_read(&ctn->held_reclaimed) != reclaimed;
		if (!is_futile(ctn, &futility, progress))
			continue;

		container_stop_point("room: none to be had");
		if (!may_kill)
			return -ENOMEM;
		if (!container_out_of_memory(ctn)) {
			container_stop_point("room: nobody to be killed");
			return -ENOMEM;
		}
		/* whoever was chosen takes a moment to go */
		schedule_timeout_killable(1);
		futility = (struct futility){};
	}
	return 0;
}

/* Who wants room for one more page, and what if there is none? */
enum room {
	ROOM_FOR_ALL,	/* who holds no lock waits on if nobody may be killed */
	ROOM_OR_OVER,	/* who may hold one goes over the limit then */
	ROOM_OR_FAIL,	/* or fails */
	ROOM_NO_KILL,	/* or fails before anybody is killed */
};

/*
 * Wait until there is room for one more page, or a signal kills. If mapped files
 * are in the way this ends all the same; the task's next charge is let through.
 * Returns 0 or -ENOMEM.
 */
static int make_room(struct container *ctn, enum room room)
{
	/* over it already, and so it has waited for long */
	bool again = current->container_over & CONTAINER_OVER_HARD;
	ktime_t start = ktime_get();
	unsigned long pflags;
	int err;

	current->container_over &= ~(CONTAINER_OVER_LET | CONTAINER_OVER_FORCE);
	atomic_inc(&ctn->room_waiters);
	psi_memstall_enter(&pflags);
	container_stop_point("room: wanted");
	for (;;) {
		err = wait_for_room(ctn, true, true, room != ROOM_NO_KILL);
		if (!err || room == ROOM_OR_FAIL || room == ROOM_NO_KILL)
			break;
		wait_for_better_times(ctn, true, true,
				      room == ROOM_OR_OVER && again ?
				      1 : CONTAINER_PATIENCE);
		if (room == ROOM_OR_OVER) {
			current->container_over |= CONTAINER_OVER_FORCE;
			err = 0;
			break;
		}
	}
	container_stop_point("room: waited");
	psi_memstall_leave(&pflags);
	atomic_dec(&ctn->room_waiters);
	count_wait(ctn, true, start);
	return err;
}

/*
 * The same until it is not over the limit any more. In a system call, with
 * @locked, this is -ENOMEM where nobody may be killed, and does not end for a
 * signal that does not kill: that may not be delivered before the fault is
 * through.
 */
static int settle(struct container *ctn, bool locked)
{
	ktime_t start = ktime_get();
	unsigned long pflags;
	int err;

	if (has_room(ctn, false))
		return 0;
	psi_memstall_enter(&pflags);
	container_stop_point("rss_limit: over it");
	while ((err = wait_for_room(ctn, false, locked, true)) && !locked)
		wait_for_better_times(ctn, false, false, CONTAINER_PATIENCE);
	container_stop_point("rss_limit: under it");
	psi_memstall_leave(&pflags);
	count_wait(ctn, true, start);
	return err;
}

/* The current task's container, with a reference. */
static struct container *get_own_container(void)
{
	struct container *ctn;

	rcu_read_lock();
	ctn = rcu_dereference(current->container);
	if (ctn)
		ctn = container_tryget(ctn);
	rcu_read_unlock();
	return ctn;
}

int __container_use_shmem(struct address_space *mapping, pgoff_t index,
			  enum container_use use)
{
	static const enum room room[] = {
		[CONTAINER_READ]	= ROOM_FOR_ALL,
		[CONTAINER_SPLICE]	= ROOM_OR_FAIL,
		[CONTAINER_WRITE]	= ROOM_OR_FAIL,
		[CONTAINER_RESERVE]	= ROOM_NO_KILL,
	};
	bool fill = use == CONTAINER_WRITE || use == CONTAINER_RESERVE;
	struct container_file *file;
	struct container *ctn;
	void *entry;
	int err = 0;

	rcu_read_lock_sched();
	ctn = rcu_dereference_sched(current->container);
	/* the counter is never less than what is used */
	if (likely(!ctn || page_counter_read(&ctn->counter[CONTAINER_RSS]) <
			   READ_ONCE(ctn->counter[CONTAINER_RSS].max)))
		ctn = NULL;
	if (ctn) {
		file = rcu_dereference_sched(mapping->container_file);
		entry = xa_load(&mapping->i_pages, index);
		/* a file that nobody owns yet is going to be this container's */
		if ((file && file->ctn != ctn) ||
		    (entry ? !xa_is_value(entry) : !fill) || has_room(ctn, true))
			ctn = NULL;
	}
	if (ctn)
		ctn = container_tryget(ctn);
	rcu_read_unlock_sched();

	if (ctn) {
		err = make_room(ctn, room[use]);
		container_put(ctn);
	}
	return err;
}

vm_fault_t __container_exit_fault(struct vm_area_struct *vma,
				  struct mm_struct *mm, unsigned int flags,
				  vm_fault_t ret)
{
	unsigned int over = current->container_over;
	/* there are drivers to which any error is a reason for SIGBUS */
	bool failed = (over & CONTAINER_OVER_FAILED) &&
		      (ret & (VM_FAULT_OOM | VM_FAULT_SIGBUS));
	bool user = flags & FAULT_FLAG_USER;
	struct container *ctn;
	int err = 0;

	current->container_over &= ~(CONTAINER_OVER_FAILED | CONTAINER_OVER_LET |
				     CONTAINER_OVER_FORCE);
	if (ret & (VM_FAULT_RETRY | VM_FAULT_COMPLETED))
		return ret;
	/* in user mode, there is a better place to settle very soon */
	if (!failed && (!(over & CONTAINER_OVER_HARD) ||
			!container_may_wait(flags) || user ||
			(ret & VM_FAULT_ERROR)))
		return ret;

	if (flags & FAULT_FLAG_VMA_LOCK)
		vma_end_read(vma);
	else
		mmap_read_unlock(mm);

	ctn = get_own_container();
	if (ctn) {
		if (failed)
			make_room(ctn, user ? ROOM_FOR_ALL : ROOM_OR_OVER);
		else
			err = settle(ctn, true);
		container_put(ctn);
	}
	/* else it is to wait where it holds no lock */
	if (!failed && !err)
		current->container_over &= ~CONTAINER_OVER_HARD;
	return failed ? VM_FAULT_RETRY :
			VM_FAULT_COMPLETED | (ret & VM_FAULT_MAJOR);
}

/* ---- on the way back to user mode ---- */

static bool must_wait(struct container *ctn)
{
	return rcu_access_pointer(current->container) == ctn &&
	       !test_bit(CONTAINER_FUTILE, &ctn->flags) &&
	       !test_bit(CONTAINER_DYING, &ctn->flags) &&
	       container_usage(ctn) > READ_ONCE(ctn->page_limit);
}

/*
 * Sleep until the container is under its page_limit: one second at most, as in
 * 2006, or two if another such sleep began within the last 5 jiffies. It
 * ends early if kcontainerd finds nothing to trim: waiting would not help.
 */
static void throttle(struct container *ctn)
{
	unsigned long timeout = HZ, pflags;
	ktime_t start = ktime_get();

	if (time_before_eq(jiffies, READ_ONCE(ctn->last_hit) + 5))
		timeout = 2 * HZ;
	WRITE_ONCE(ctn->last_hit, jiffies);

	psi_memstall_enter(&pflags);
	container_stop_point("page_limit: sleeps");
	wait_event_interruptible_timeout(*container_wait_queue(ctn),
					 !must_wait(ctn), timeout);
	psi_memstall_leave(&pflags);
	container_stop_point("page_limit: slept");
	count_wait(ctn, false, start);
}

void __container_throttle(void)
{
	unsigned int over = current->container_over;
	struct container *ctn;

	current->container_over = 0;
	ctn = get_own_container();
	if (!ctn)
		return;

	if (over & CONTAINER_OVER_HARD)
		settle(ctn, false);
	if (over & CONTAINER_OVER_SOFT)
		throttle(ctn);
	container_put(ctn);
}

/* ---- shrinking on demand ---- */

/*
 * Have kcontainerd go for a goal until @reached says that it is; then the result
 * of that. -EBUSY if it does not get on, -ERESTARTNOHAND for a signal, which is EINTR
 * if that has a handler, and none at all if it stops; -ENODEV if the container is
 * being removed.
 */
static int shrink_until(struct container *ctn, unsigned long goal,
			unsigned long (*now)(struct container *ctn),
			int (*reached)(struct container *ctn, unsigned long goal))
{
	struct futility futility = {};
	unsigned long before;
	int err;

	for (;;) {
		container_drain_stock(ctn);
		err = reached(ctn, goal);
		if (err != -EBUSY)
			return err;
		before = now(ctn);
		if (wait_for_round(ctn, false))
			return -ERESTARTNOHAND;
		if (test_bit(CONTAINER_DYING, &ctn->flags))
			return -ENODEV;
		if (is_futile(ctn, &futility, now(ctn) < before)) {
			container_drain_stock(ctn);
			return reached(ctn, goal);
		}
	}
}

static int pages_reached(struct container *ctn, unsigned long goal)
{
	return container_usage(ctn) <= goal ? 0 : -EBUSY;
}

static int rss_limit_set(struct container *ctn, unsigned long goal)
{
	return page_counter_set_max(&ctn->counter[CONTAINER_RSS], goal);
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
	int err;

	if (mutex_lock_interruptible(&ctn->shrink_lock))
		return -ERESTARTNOHAND;
	WRITE_ONCE(ctn->shrink_pages, pages);
	container_stop_point("shrink: goal set");
	err = shrink_until(ctn, pages, container_usage, pages_reached);
	container_stop_point("shrink: done");
	WRITE_ONCE(ctn->shrink_pages, ULONG_MAX);
	mutex_unlock(&ctn->shrink_lock);
	return err;
}

/**
 * container_set_rss_limit - set rss_limit, shrinking to it first
 * @ctn: the container; the caller has a reference.
 * @limit: in pages.
 *
 * Context: May sleep, for long.
 * Return: as container_shrink(); the limit is unchanged unless it is 0.
 */
int container_set_rss_limit(struct container *ctn, unsigned long limit)
{
	struct page_counter *rss = &ctn->counter[CONTAINER_RSS];
	int err;

	/* to raise it takes no shrinking, nor waiting for who shrinks */
	if (limit >= READ_ONCE(rss->max)) {
		xchg(&rss->max, limit);
		container_wake_waiters(ctn);
		return 0;
	}

	/* from now on charges may fail: before, nobody had to look for that */
	static_branch_enable(&container_rss_key);
	if (mutex_lock_interruptible(&ctn->shrink_lock))
		return -ERESTARTNOHAND;
	WRITE_ONCE(ctn->shrink_rss, limit);
	container_stop_point("rss_limit: goal set");
	err = shrink_until(ctn, limit, container_rss, rss_limit_set);
	container_stop_point("rss_limit: done");
	WRITE_ONCE(ctn->shrink_rss, ULONG_MAX);
	mutex_unlock(&ctn->shrink_lock);
	container_wake_waiters(ctn);
	return err;
}

static int __init container_wait_init(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(container_wait); i++)
		init_waitqueue_head(&container_wait[i]);
	return 0;
}
core_initcall(container_wait_init);

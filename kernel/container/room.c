// SPDX-License-Identifier: GPL-2.0
/*
 * Waiting for room below rss_limit. A charge that does not fit fails; who can try
 * again waits here first, while kcontainerd swaps held memory out:
 *
 *  - a page fault, at its end, where the lock that it was called with can be
 *    dropped. It is tried again then. If nothing is left to be swapped out,
 *    somebody in the container is killed;
 *  - some system calls, before they would return -ENOMEM. Nobody is killed for
 *    these: they do return it if there is no room to be had.
 *
 * A wait ends when there is room, which each waiter asks for itself; at a signal
 * that kills; when the task is moved, or its container is removed; and after ten
 * seconds. A fault in user mode is then simply tried again, and its wait ends at any
 * signal, so that a task that cannot go on can be stopped, frozen, and have its
 * signals handled. One in a system call fails, as others may be after a lock that
 * it holds; and what else does not fit in the same system call fails at once.
 *
 * Who waits holds a reference to the container's directory. That does not keep
 * rmdir from taking it apart, and rmdir lets all of them go.
 */
#include <linux/freezer.h>
#include <linux/mm.h>
#include <linux/oom.h>
#include <linux/psi.h>
#include <linux/resume_user_mode.h>
#include <linux/sched/signal.h>
#include <linux/wait.h>
#include <trace/events/container.h>
#include "internal.h"

#define ROOM_TIMEOUT	(10 * HZ)

/* How often one looks for room that others than kcontainerd make: jiffies */
#define ROOM_SLICE	(HZ / 20L)

/*
 * Nobody is killed so soon after there was progress: what a process had that has been
 * killed is freed a moment after the OOM killer has done with it.
 */
#define ROOM_KILL_DELAY	(HZ / 10)

/* Where nobody may be killed, one looks for room as often as this, and once */
#define ROOM_INTERVAL	HZ

struct room_request {
	struct container *ctn;	/* with a reference; the current task's */
	long nr;		/* pages */
	unsigned long deadline;	/* jiffies */
	unsigned int state;	/* TASK_*: which signals end it */
	bool may_kill;
};

/**
 * container_room_for - do so many more pages fit below rss_limit?
 * @ctn: the container.
 * @nr: pages of held memory.
 *
 * Context: Any. Within RCU, or with a reference to @ctn.
 */
bool container_room_for(struct container *ctn, long nr)
{
	unsigned long limit = container_rss_limit(ctn);
	unsigned long held = container_held(ctn);

	return held <= limit && nr <= limit - held;
}

/* Or is there another reason to try again: one has been moved, or is to die? */
static bool may_try_again(struct room_request *req)
{
	return container_room_for(req->ctn, req->nr) ||
	       rcu_access_pointer(current->container) != req->ctn ||
	       test_bit(CONTAINER_DYING, &req->ctn->flags) ||
	       tsk_is_oom_victim(current);
}

/* Sleep until there is a reason to try again, for so many jiffies at most. */
static void sleep_for_room(struct room_request *req, long timeout)
{
	___wait_event(req->ctn->wait, ___wait_cond_timeout(may_try_again(req)),
		      req->state, 0, timeout, __ret = schedule_timeout(__ret));
}

/* Returns whether a round of kcontainerd that began after this has ended. */
static bool wait_for_round(struct room_request *req)
{
	const enum container_trim_goal what = CONTAINER_TRIM_HELD;
	struct container *ctn = req->ctn;
	unsigned long round = READ_ONCE(ctn->trimmer[what].begun) + 1;
	long left = req->deadline - jiffies;
	bool ended = false;

	container_call_kcontainerd(ctn, what);
	container_stop_point("round: called");
	/* what is freed wakes nobody, so look now and then */
	while (left > 0 && !may_try_again(req) &&
	       !signal_pending_state(req->state, current)) {
		ended = container_round_ended(ctn, what, round);
		if (ended)
			break;
		___wait_event(ctn->wait,
			      ___wait_cond_timeout(may_try_again(req) ||
						   container_round_ended(ctn, what, round)),
			      req->state, 0, min(left, ROOM_SLICE),
			      __ret = schedule_timeout(__ret));
		left = req->deadline - jiffies;
	}
	container_stop_point("round: ended");
	return ended;
}

/* What has been gained since the last round? */
struct progress {
	unsigned long held;
	long reclaimed;
	unsigned int idle;	/* rounds that found nothing */
	unsigned long last;	/* jiffies: when there was some */
};

static bool is_progress(struct container *ctn, struct progress *p)
{
	unsigned long held = container_held(ctn);
	long reclaimed = atomic_long_read(&ctn->held_reclaimed);
	bool ret = held < p->held || reclaimed != p->reclaimed;

	p->held = held;
	p->reclaimed = reclaimed;
	if (ret) {
		p->idle = 0;
		p->last = jiffies;
	}
	return ret;
}

/* A round has not helped. Is it time to give up? */
static bool is_hopeless(struct room_request *req, struct progress *p)
{
	if (!READ_ONCE(req->ctn->trimmer[CONTAINER_TRIM_HELD].idle) &&
	    time_before(jiffies, p->last + CONTAINER_BUSY)) {
		/* what it met is in somebody's hands, or is being written */
		sleep_for_room(req, HZ / 50);
		return false;
	}
	return ++p->idle >= CONTAINER_RETRIES;
}

/* There is to be a kill. Has one been a moment ago, and was it enough? */
static bool comes_by_itself(struct room_request *req, struct progress *p)
{
	long left = p->last + ROOM_KILL_DELAY - jiffies;

	if (left <= 0)
		return false;
	sleep_for_room(req, left);
	return is_progress(req->ctn, p) || may_try_again(req) ||
	       signal_pending_state(req->state, current);
}

/*
 * Returns 0 to try again, -EINTR for a signal, -ETIMEDOUT after the deadline, and
 * -ENOMEM if there is no room to be had, and nobody is killed for it.
 */
static int wait_for_room(struct room_request *req)
{
	struct container *ctn = req->ctn;
	struct progress p = {};

	is_progress(ctn, &p);
	p.last = jiffies;
	p.idle = 0;
	if (time_before(jiffies, READ_ONCE(ctn->hopeless_until)))
		p.idle = CONTAINER_RETRIES - 1;
	while (!may_try_again(req)) {
		if (signal_pending_state(req->state, current))
			return -EINTR;
		if (time_after_eq(jiffies, req->deadline))
			return -ETIMEDOUT;
		if (!wait_for_round(req) || is_progress(ctn, &p) ||
		    !is_hopeless(req, &p))
			continue;

		container_stop_point("room: none to be had");
		if (!req->may_kill)
			return -ENOMEM;
		/* nobody dies for a limit that is going to be taken back */
		if (atomic_read(&ctn->lowering)) {
			if (!(req->state & TASK_FREEZABLE))
				return -ENOMEM;
		} else if (comes_by_itself(req, &p)) {
			continue;
		} else if (!container_out_of_memory(ctn, req->nr)) {
			container_stop_point("room: nobody to be killed");
			WRITE_ONCE(ctn->hopeless_until,
				   jiffies + 2 * ROOM_INTERVAL);
			return -ENOMEM;
		}
		/* whoever was chosen takes a moment to go */
		sleep_for_room(req, HZ / 50);
		p.idle = 0;
	}
	return 0;
}

/* The same, counted. The current task's container, and so many pages. */
static int want_room(struct container *ctn, long nr, unsigned int state,
		     bool may_kill)
{
	struct room_request req = {
		.ctn = ctn,
		.nr = nr,
		.deadline = jiffies + ROOM_TIMEOUT,
		.state = state,
		.may_kill = may_kill,
	};
	ktime_t start = ktime_get();
	unsigned long pflags;
	s64 usec;
	int err;

	/* a mere hint: who reads less than another needs comes again */
	if (atomic_inc_return(&ctn->room_waiters) == 1 ||
	    nr > READ_ONCE(ctn->room_wanted))
		WRITE_ONCE(ctn->room_wanted, nr);
	psi_memstall_enter(&pflags);
	container_stop_point("room: wanted");
	err = wait_for_room(&req);
	/* where nobody may be killed: it may be another that makes room */
	if (err == -ENOMEM && state & TASK_FREEZABLE)
		sleep_for_room(&req, ROOM_INTERVAL);
	container_stop_point("room: waited");
	psi_memstall_leave(&pflags);
	atomic_dec(&ctn->room_waiters);

	usec = ktime_us_delta(ktime_get(), start);
	container_count(ctn, CONTAINER_RECLAIM_USEC, usec);
	trace_container_throttle(ctn->id, true, usec);
	return err;
}

/*
 * There was no room to be had for a system call. That is forgotten on the way back to
 * user mode, or where there is none, at the next fault.
 */
static void give_up(void)
{
	current->container_gave_up = true;
	if (current->flags & (PF_KTHREAD | PF_USER_WORKER))
		return;
	current->container_throttled = true;
	set_notify_resume(current);
}

bool __container_wait_for_room(void)
{
	long nr = current->container_wanted;
	struct container *ctn;
	int err;

	current->container_wanted = 0;
	if (current->container_gave_up &&
	    !(current->flags & (PF_KTHREAD | PF_USER_WORKER)))
		return false;
	ctn = container_get_own();
	/* who is in none any more is charged for nothing */
	if (!ctn)
		return true;
	err = want_room(ctn, nr, TASK_KILLABLE, false);
	container_put(ctn);
	if (err)
		give_up();
	return !err;
}

static bool may_retry(unsigned int flags)
{
	return (flags & (FAULT_FLAG_ALLOW_RETRY | FAULT_FLAG_RETRY_NOWAIT)) ==
	       FAULT_FLAG_ALLOW_RETRY;
}

vm_fault_t __container_exit_fault(struct vm_area_struct *vma,
				  struct mm_struct *mm, unsigned int flags,
				  vm_fault_t ret)
{
	long nr = current->container_wanted;
	bool gave_up = current->container_gave_up;
	bool user = flags & FAULT_FLAG_USER;
	struct container *ctn;
	int err = 0;

	current->container_wanted = 0;
	if (user || (current->flags & (PF_KTHREAD | PF_USER_WORKER)))
		current->container_gave_up = false;
	/*
	 * It went well, or was not for want of room, or may not be tried again.
	 * There are drivers to which any error is a reason for SIGBUS.
	 */
	if (!nr || !(ret & (VM_FAULT_OOM | VM_FAULT_SIGBUS)) ||
	    (ret & (VM_FAULT_RETRY | VM_FAULT_COMPLETED)))
		return ret;
	if (!may_retry(flags)) {
		/* its caller may: container_wait_for_room() */
		current->container_wanted = nr;
		return ret;
	}
	/* it has waited, or another of the same system call has, to no avail */
	if (gave_up && !user)
		return ret;

	if (flags & FAULT_FLAG_VMA_LOCK)
		vma_end_read(vma);
	else
		mmap_read_unlock(mm);

	ctn = container_get_own();
	if (ctn) {
		err = want_room(ctn, nr, user ? TASK_INTERRUPTIBLE | TASK_FREEZABLE :
						TASK_KILLABLE, true);
		container_put(ctn);
	}
	/*
	 * The lock is not held any more, so it cannot be said now that this fails:
	 * it does when it is tried again, if there is no room then.
	 */
	if (err && !user)
		give_up();
	return VM_FAULT_RETRY;
}

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

/*
 * Who is told that there is no room may ask again at once, and kcontainerd is not to go
 * round for each: so long it is told the same.
 */
#define ROOM_FAILS	(HZ / 10)

/* Where nobody may be killed, one looks for room as often as this, and once */
#define ROOM_INTERVAL	HZ

struct room_request {
	struct container *ctn;	/* with a reference; the current task's */
	long nr;		/* pages */
	unsigned long deadline;	/* jiffies */
	unsigned int state;	/* TASK_*: which signals end it */
	bool user;		/* a fault in user mode: it is tried again */
	bool may_kill;
};

/**
 * container_room_for - do so many more pages fit below rss_limit?
 * @ctn: the container.
 * @nr: pages of held memory.
 *
 * Context: Any. Within RCU, or with a reference to @ctn.
 * Return: whether they do.
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

/* The same; or has that round of kcontainerd ended, unless @round is NULL? */
static bool may_go_on(struct room_request *req, const unsigned long *round)
{
	return may_try_again(req) ||
	       (round && container_round_ended(req->ctn, CONTAINER_TRIM_HELD, *round));
}

/* Sleep until then, for so many jiffies at most. What is freed wakes nobody: look. */
static void sleep_a_slice(struct room_request *req, const unsigned long *round,
			  long timeout)
{
	___wait_event(req->ctn->wait, ___wait_cond_timeout(may_go_on(req, round)),
		      req->state, 0, min(timeout, ROOM_SLICE),
		      __ret = schedule_timeout(__ret));
}

/* Sleep until there is a reason to try again, for so many jiffies at most. */
static void sleep_for_room(struct room_request *req, long timeout)
{
	unsigned long end = jiffies + timeout;

	while (timeout > 0 && !may_try_again(req) &&
	       !signal_pending_state(req->state, current)) {
		sleep_a_slice(req, NULL, timeout);
		timeout = end - jiffies;
	}
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
	while (left > 0 && !may_try_again(req) &&
	       !signal_pending_state(req->state, current)) {
		ended = container_round_ended(ctn, what, round);
		if (ended)
			break;
		sleep_a_slice(req, &round, left);
		left = req->deadline - jiffies;
	}
	container_stop_point("round: ended");
	return ended;
}

/* There is to be a kill. So long it has to wait, in jiffies. */
static long kill_delay(struct container *ctn)
{
	unsigned long last = READ_ONCE(ctn->trimmer[CONTAINER_TRIM_HELD].progress);
	unsigned long kill = READ_ONCE(ctn->last_kill);

	if (time_before(last, kill))
		last = kill;
	return last + ROOM_KILL_DELAY - jiffies;
}

/*
 * Rounds find nothing any more. Have somebody killed, if that may be. Returns -ENOMEM if
 * that makes no room, or else 0, after a moment, to look again.
 */
static int none_to_be_had(struct room_request *req)
{
	struct container *ctn = req->ctn;
	long delay = kill_delay(ctn);

	container_stop_point("room: none to be had");
	if (req->may_kill && READ_ONCE(ctn->lowering)) {
		/* nobody dies for a limit that is going to be taken back */
		if (!req->user)
			return -ENOMEM;
		delay = HZ / 50;
	} else if (delay <= 0) {
		if (!req->may_kill || !container_out_of_memory(ctn, req->nr)) {
			container_stop_point("room: nobody to be killed");
			WRITE_ONCE(ctn->no_room_until[req->may_kill],
				   jiffies + ROOM_FAILS);
			return -ENOMEM;
		}
		/* whoever was chosen, now or before, takes a moment to go */
		WRITE_ONCE(ctn->last_kill, jiffies);
		WRITE_ONCE(ctn->trimmer[CONTAINER_TRIM_HELD].in_vain, 0);
		delay = HZ / 50;
	}
	sleep_for_room(req, delay);
	return 0;
}

/*
 * Returns 0 to try again, -EINTR for a signal, -ETIMEDOUT after the deadline, and
 * -ENOMEM if there is no room to be had, and nobody is killed for it.
 */
static int wait_for_room(struct room_request *req)
{
	struct container *ctn = req->ctn;
	struct container_trimmer *trimmer = &ctn->trimmer[CONTAINER_TRIM_HELD];
	int err = 0;

	while (!err && !may_try_again(req)) {
		if (signal_pending_state(req->state, current))
			return -EINTR;
		if (time_after_eq(jiffies, req->deadline))
			return -ETIMEDOUT;
		if (time_before(jiffies, READ_ONCE(ctn->no_room_until[req->may_kill])))
			return -ENOMEM;
		if (!wait_for_round(req))
			continue;
		if (READ_ONCE(trimmer->in_vain) >= CONTAINER_RETRIES)
			err = none_to_be_had(req);
		else if (!READ_ONCE(trimmer->idle) &&
			 READ_ONCE(trimmer->progress) != READ_ONCE(trimmer->last))
			/* what it met is in somebody's hands, or is being written */
			sleep_for_room(req, HZ / 50);
	}
	return err;
}

/* The same, counted. The current task's container, and so many pages. */
static int want_room(struct container *ctn, long nr, bool user, bool may_kill)
{
	struct room_request req = {
		.ctn = ctn,
		.nr = nr,
		.deadline = jiffies + ROOM_TIMEOUT,
		.state = user ? TASK_INTERRUPTIBLE | TASK_FREEZABLE : TASK_KILLABLE,
		.user = user,
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
	if (err == -ENOMEM && user)
		sleep_for_room(&req, ROOM_INTERVAL);
	container_stop_point("room: waited");
	psi_memstall_leave(&pflags);
	atomic_dec(&ctn->room_waiters);

	usec = ktime_us_delta(ktime_get(), start);
	container_count(ctn, CONTAINER_RECLAIM_USEC, usec);
	trace_container_throttle(ctn->id, true, usec);
	return err;
}

/* A worker of io_uring has many requests, and does not return to user mode. */
static bool is_worker(void)
{
	return current->flags & PF_USER_WORKER;
}

bool __container_wait_for_room(void)
{
	long nr = current->container_wanted;
	struct container *ctn;
	int err;

	current->container_wanted = 0;
	if (current->container_flags & CONTAINER_TASK_GAVE_UP)
		return false;
	ctn = container_get_own();
	/* who is in none any more is charged for nothing */
	if (!ctn)
		return true;
	err = want_room(ctn, nr, false, false);
	container_put(ctn);
	if (err && !is_worker())
		current->container_flags |= CONTAINER_TASK_GAVE_UP;
	/* who has been killed has no need of it, and its caller may not look for that */
	return !err && !fatal_signal_pending(current);
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
	bool gave_up = current->container_flags & CONTAINER_TASK_GAVE_UP;
	bool user = flags & FAULT_FLAG_USER;
	struct container *ctn;
	int err = 0;

	if (current->container_flags & CONTAINER_TASK_OVER)
		container_kill_over();

	/* what does not return from a system call forgets here what was in the last */
	if (user || is_worker())
		container_end_syscall();
	current->container_wanted = 0;
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
		current->container_flags |= CONTAINER_TASK_SHORT;
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
		err = want_room(ctn, nr, user, true);
		container_put(ctn);
	}
	/*
	 * The lock is not held any more, so it cannot be said now that this fails:
	 * it does when it is tried again, if there is no room then.
	 */
	if (err && !user)
		current->container_flags |= CONTAINER_TASK_SHORT |
					    CONTAINER_TASK_GAVE_UP;
	return VM_FAULT_RETRY;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * The throttle: a task that takes its container far over page_limit sleeps for a
 * moment on its way back to user mode, where it holds no lock, so that kcontainerd
 * can catch up.
 *
 * It does not if trimming has hardly helped: then there is nothing to wait for.
 */
#include <linux/mm.h>
#include <linux/psi.h>
#include <linux/sched/signal.h>
#include <linux/wait.h>
#include <trace/events/container.h>
#include "internal.h"

static bool is_to_sleep(struct container *ctn)
{
	return rcu_access_pointer(current->container) == ctn &&
	       !test_bit(CONTAINER_TRIM_FAILED, &ctn->flags) &&
	       !test_bit(CONTAINER_DYING, &ctn->flags) &&
	       container_usage(ctn) > READ_ONCE(ctn->page_limit);
}

/*
 * Sleep until the container is under its page_limit: one second at most, or two if
 * another such sleep began within the last 5 jiffies.
 */
static void throttle(struct container *ctn)
{
	unsigned long timeout = HZ, pflags;
	ktime_t start = ktime_get();
	s64 usec;

	if (time_before_eq(jiffies, READ_ONCE(ctn->last_hit) + 5))
		timeout = 2 * HZ;
	WRITE_ONCE(ctn->last_hit, jiffies);

	psi_memstall_enter(&pflags);
	container_stop_point("page_limit: sleeps");
	wait_event_freezable_timeout(ctn->wait, !is_to_sleep(ctn), timeout);
	psi_memstall_leave(&pflags);
	container_stop_point("page_limit: slept");

	usec = ktime_us_delta(ktime_get(), start);
	container_count(ctn, CONTAINER_THROTTLED_USEC, usec);
	trace_container_throttle(ctn->id, false, usec);
}

void __container_resume_user_mode(void)
{
	unsigned int flags = current->container_flags;
	struct container *ctn;

	current->container_flags &= ~(CONTAINER_TASK_THROTTLED | CONTAINER_TASK_LET_GO);
	if (flags & CONTAINER_TASK_LET_GO)
		container_wait_for_freed();
	if (!(flags & CONTAINER_TASK_THROTTLED))
		return;
	ctn = container_get_own();
	if (!ctn)
		return;
	throttle(ctn);
	container_put(ctn);
}

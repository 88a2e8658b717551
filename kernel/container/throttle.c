// SPDX-License-Identifier: GPL-2.0
/*
 * The throttle: a task that takes its container far over page_limit sleeps for a
 * moment on its way back to user mode, where it holds no lock, so that kcontainerd
 * can catch up.
 *
 * It does not if trimming has hardly helped: then there is nothing to wait for.
 *
 * A task waits there as well for what RCU is to free of dcachesize, if its container has little
 * room for more: see bc_kmem.c.
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
	unsigned long timeout = HZ;

	if (time_before_eq(jiffies, READ_ONCE(ctn->last_hit) + 5))
		timeout = 2 * HZ;
	WRITE_ONCE(ctn->last_hit, jiffies);

	container_stop_point("page_limit: sleeps");
	wait_event_freezable_timeout(ctn->wait, !is_to_sleep(ctn), timeout);
	container_stop_point("page_limit: slept");
}

void __container_resume_user_mode(void)
{
	unsigned int flags = current->container_flags;
	ktime_t start = ktime_get();
	unsigned long pflags;
	struct container *ctn;
	bool slept = false;
	s64 usec;

	current->container_flags &= ~(CONTAINER_TASK_THROTTLED | CONTAINER_TASK_WAITS_RCU);
	ctn = container_get_own();
	if (!ctn)
		return;
	psi_memstall_enter(&pflags);
	if (flags & CONTAINER_TASK_WAITS_RCU)
		slept = container_wait_for_freed(ctn);
	if (flags & CONTAINER_TASK_THROTTLED) {
		throttle(ctn);
		slept = true;
	}
	psi_memstall_leave(&pflags);

	if (slept) {
		usec = ktime_us_delta(ktime_get(), start);
		container_count(ctn, CONTAINER_THROTTLED_USEC, usec);
		trace_container_throttle(ctn->id, false, usec);
	}
	container_put(ctn);
}

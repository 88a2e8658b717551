// SPDX-License-Identifier: GPL-2.0
/*
 * Out of memory inside a container: nothing is left to reclaim below its
 * rss_limit. The kernel's own OOM killer chooses, reports, kills and reaps, with
 * all its knobs; here is what it asks about containers.
 */
#include <linux/mm.h>
#include <linux/oom.h>
#include <linux/pid_namespace.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <trace/events/container.h>
#include "internal.h"

/*
 * Memory that the container may have, in pages. oom_score_adj is in thousandths of
 * this, rounded down: with less than a thousand it would have no weight.
 */
unsigned long container_oom_pages(struct container *ctn)
{
	return max(container_rss_limit(ctn), 1000UL);
}

/**
 * container_out_of_memory - have the OOM killer kill inside a container
 * @ctn: the container; the caller has a reference.
 * @nr: how many pages there is no room for.
 *
 * Context: May sleep. The caller is who needs the memory, a member or not.
 * Return: whether somebody was killed, or had been before and is on the way out,
 * or there is no need to any more.
 */
bool container_out_of_memory(struct container *ctn, long nr)
{
	struct oom_control oc = {
		.container = ctn,
		.gfp_mask = GFP_KERNEL,
	};
	bool ret = true;

	container_stop_point("oom: begins");
	if (mutex_lock_killable(&oom_lock))
		return true;
	container_stop_point("oom: locked");
	/* somebody may have died while this waited for the lock */
	if (!container_room_for(ctn, nr)) {
		trace_container_oom(ctn->id, container_rss(ctn),
				    container_rss_limit(ctn));
		ret = out_of_memory(&oc);
		container_stop_point("oom: killed");
	}
	mutex_unlock(&oom_lock);
	return ret;
}

/* Is a thread of @task in the container? All that share an mm are, or none. */
bool container_oom_eligible(struct container *ctn, struct task_struct *task)
{
	struct task_struct *thread;
	bool found = false;

	rcu_read_lock();
	for_each_thread(task, thread)
		found |= rcu_access_pointer(thread->container) == ctn;
	rcu_read_unlock();
	return found;
}

/*
 * There is nobody to be killed: has that been said a moment ago? Whoever fails for
 * it may try again at once, as often as it likes. oom_lock held.
 */
bool container_oom_told(struct container *ctn)
{
	if (time_before(jiffies, ctn->oom_told_until))
		return true;
	ctn->oom_told_until = jiffies + 10 * HZ;
	return false;
}

/* For the report of the OOM killer. */
void container_oom_print(struct container *ctn)
{
	pr_info("container %s: rss %lukB, limit %lukB, failcnt %ld\n",
		config_item_name(&ctn->group.cg_item),
		container_rss(ctn) << (PAGE_SHIFT - 10),
		container_rss_limit(ctn) << (PAGE_SHIFT - 10),
		atomic_long_read(&ctn->event[CONTAINER_CHARGE_FAILURES]));
	pr_info("container %s: anon %lukB, shmem %lukB, file cache %lukB, of that mapped %lukB\n",
		config_item_name(&ctn->group.cg_item),
		container_stat(ctn, CONTAINER_ANON) << (PAGE_SHIFT - 10),
		container_stat(ctn, CONTAINER_HELD_FILE) << (PAGE_SHIFT - 10),
		container_stat(ctn, CONTAINER_FILE) << (PAGE_SHIFT - 10),
		container_stat(ctn, CONTAINER_MAPPED_FILE) << (PAGE_SHIFT - 10));
}

/* How often the tasks of a container are gone over when all are to be killed */
#define OOM_TIMES	10

static bool may_be_killed(struct container *ctn, struct task_struct *task)
{
	return container_oom_eligible(ctn, task) &&
	       !(task->flags & PF_KTHREAD) && !is_global_init(task) &&
	       task->signal->oom_score_adj != OOM_SCORE_ADJ_MIN &&
	       !(task->signal->flags & SIGNAL_GROUP_EXIT);
}

/* The next process from pid @nr on that can be killed, with a reference. */
static struct task_struct *next_victim(struct container *ctn, int *nr)
{
	struct task_struct *task, *found = NULL;
	struct pid *pid;

	rcu_read_lock();
	while (!found && (pid = find_ge_pid(*nr, &init_pid_ns))) {
		*nr = pid_nr(pid) + 1;
		task = pid_task(pid, PIDTYPE_TGID);
		if (task && may_be_killed(ctn, task))
			found = get_task_struct(task);
	}
	rcu_read_unlock();
	return found;
}

/**
 * container_oom_killed - the OOM killer has killed a process of a container
 * @ctn: the container.
 * @kill: kills one more.
 * @message: an argument of it.
 *
 * If the container's oom says so all the others are to die, too, but for those
 * that must not be killed.
 *
 * Context: May sleep; oom_lock held.
 */
void container_oom_killed(struct container *ctn,
			  int (*kill)(struct task_struct *task, void *message),
			  void *message)
{
	struct task_struct *task;
	int nr, times = 0;
	bool killed;

	atomic_long_inc(&ctn->rss_oom_kills);
	container_notify(ctn, CONTAINER_RSS_OOM_KILLS);
	if (READ_ONCE(ctn->oom) != CONTAINER_OOM_CONTAINER)
		return;

	/*
	 * Until there are none that were just forked by those to come. Others may put
	 * new ones in, faster than they are killed: these are left alone some time.
	 */
	do {
		killed = false;
		nr = 1;
		while ((task = next_victim(ctn, &nr))) {
			kill(task, message);
			put_task_struct(task);
			atomic_long_inc(&ctn->rss_oom_kills);
			container_notify(ctn, CONTAINER_RSS_OOM_KILLS);
			killed = true;
		}
	} while (killed && ++times < OOM_TIMES);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Telling user space that a counter has changed, so that a program can sleep in
 * inotify until there is something to do: IN_MODIFY on the counter's file, at
 * most ten times a second for each container.
 */
#include "internal.h"

#define CONTAINER_NOTIFY_INTERVAL	(HZ / 10)

/* What is in beancounters, too */
#define BC_NOTICES	(BIT(CONTAINER_TASK_LIMIT_HITS) | BIT(CONTAINER_RSS_FAILCNT) | \
			 BIT(CONTAINER_BC_FAILCNT))

/**
 * container_notify - a counter has changed
 * @ctn: the container.
 * @counter: which.
 *
 * Context: Any. Within RCU, or with a reference to @ctn.
 */
void container_notify(struct container *ctn, enum container_notice counter)
{
	unsigned long next = READ_ONCE(ctn->last_notice) +
			     CONTAINER_NOTIFY_INTERVAL;

	set_bit(counter, &ctn->notices);
	/* if it is pending, it will see this; if disabled, rmdir has begun */
	queue_delayed_work(system_unbound_wq, &ctn->notify_work,
			   time_after(next, jiffies) ? next - jiffies : 0);
}

void container_notify_work(struct work_struct *work)
{
	struct container *ctn = container_of(to_delayed_work(work),
					     struct container, notify_work);
	unsigned long notices;
	int i;

	WRITE_ONCE(ctn->last_notice, jiffies);
	notices = xchg(&ctn->notices, 0);
	for_each_set_bit(i, &notices, NR_CONTAINER_NOTICES)
		if (container_notice_attrs[i])
			configfs_notify(&ctn->group.cg_item,
					container_notice_attrs[i]);
#ifdef CONFIG_BEANCOUNTERS
	if (notices & BC_NOTICES)
		configfs_notify(&ctn->group.cg_item, &container_attr_beancounters);
#endif
}

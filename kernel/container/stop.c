// SPDX-License-Identifier: GPL-2.0
/*
 * Stop points: a task is killed in the middle of what it does for a container, or
 * stays there, at a place of one's choice. For tests; built only with
 * CONFIG_CONTAINERS_DEBUG, and each point is a patched-out branch until debugfs'
 * containers/stop is first written. Where there is one, and what it is called, is
 * said where it is: container_stop_point().
 *
 * A task that writes N is sent SIGKILL at the Nth point that it passes from then
 * on. What it is at goes on from there as it does with a fatal signal pending,
 * whatever locks are held. A task that writes -N waits there until somebody else
 * kills it, at a point of which the test knows that it may sleep there. A task that
 * writes 0 only has them counted. Of several that have written, the last counts.
 * Reading tells of that one, alive or dead:
 *
 *	passed N	how many points, that of its death included
 *	killed NAME	which that is; "-" if it has not come to that
 *
 * of which the second is "waits NAME" for one that does or did that.
 */
#include <linux/debugfs.h>
#include <linux/kstrtox.h>
#include <linux/preempt.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/seq_file.h>
#include "internal.h"

DEFINE_STATIC_KEY_FALSE(container_stop_key);

/* protects what follows */
static DEFINE_SPINLOCK(stop_lock);
/* held by a reference, so that no other task is taken for it; NULL at first */
static struct task_struct *stop_task;
static unsigned long stop_at;		/* 0 for nowhere */
static bool stop_waits;			/* rather than being killed */
static unsigned long stop_passed;
static const char *stop_name;		/* where it was killed, or NULL */

/**
 * __container_stop_point - the current task passes a stop point
 * @name: what it is called. Kept: it has to be a constant.
 *
 * Context: Any.
 */
void __container_stop_point(const char *name)
{
	bool stop = false, wait = false;
	unsigned long flags;

	/* if it is, it stays so until another task writes: looked at again below */
	if (READ_ONCE(stop_task) != current || !in_task())
		return;

	spin_lock_irqsave(&stop_lock, flags);
	if (stop_task == current && !stop_name) {
		stop = ++stop_passed == stop_at;
		wait = stop_waits;
		if (stop)
			stop_name = name;
	}
	spin_unlock_irqrestore(&stop_lock, flags);

	if (stop && !wait)
		send_sig(SIGKILL, current, 1);
	while (stop && wait && !fatal_signal_pending(current))
		schedule_timeout_killable(HZ);
}

static ssize_t stop_write(struct file *file, const char __user *buf,
			  size_t count, loff_t *ppos)
{
	struct task_struct *before;
	long at;
	int err = kstrtol_from_user(buf, count, 10, &at);

	if (err)
		return err;

	static_branch_enable(&container_stop_key);
	spin_lock_irq(&stop_lock);
	before = stop_task;
	WRITE_ONCE(stop_task, get_task_struct(current));
	stop_at = abs(at);
	stop_waits = at < 0;
	stop_passed = 0;
	stop_name = NULL;
	spin_unlock_irq(&stop_lock);
	if (before)
		put_task_struct(before);
	return count;
}

static int stop_show(struct seq_file *m, void *unused)
{
	unsigned long passed;
	const char *name;
	bool waits;

	spin_lock_irq(&stop_lock);
	passed = stop_passed;
	name = stop_name;
	waits = stop_waits;
	spin_unlock_irq(&stop_lock);

	seq_printf(m, "passed %lu\n%s %s\n", passed, waits ? "waits" : "killed",
		   name ?: "-");
	return 0;
}

static int stop_open(struct inode *inode, struct file *file)
{
	return single_open(file, stop_show, NULL);
}

static const struct file_operations stop_fops = {
	.owner		= THIS_MODULE,
	.open		= stop_open,
	.read		= seq_read,
	.write		= stop_write,
	.llseek		= seq_lseek,
	.release	= single_release,
};

/* Makes the file; @dir is debugfs' containers. */
void __init container_stop_init(struct dentry *dir)
{
	debugfs_create_file("stop", 0600, dir, NULL, &stop_fops);
}

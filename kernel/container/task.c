// SPDX-License-Identifier: GPL-2.0
/*
 * Membership: which tasks and mms are in which container.
 *
 * A task is in the container of its parent from fork to exit, unless it is
 * moved. An mm has its container of its own, that of the tasks that use it,
 * since pages are charged for an mm and may outlive the task that faulted
 * them in. All tasks that share an mm, or a thread group, move together.
 *
 * task_struct::container and mm_struct::container_token change under the lock of
 * the container that loses or gains the member. Who may change them, besides:
 *  - fork, exec: for the current task and its new child or mm, with
 *    container_fork_rwsem held for reading;
 *  - exit: to NULL, for the current task or an mm that nobody uses;
 *  - moving and removal: for any, with container_attach_mutex held and
 *    container_fork_rwsem held for writing where tasks are concerned: move.c.
 */
#include <linux/percpu-rwsem.h>
#include <linux/oom.h>
#include <linux/pid_namespace.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/seq_file.h>
#include <linux/sort.h>
#include <trace/events/container.h>
#include "stat.h"
#include "token.h"

/* one change of membership at a time: see move.c */
DEFINE_MUTEX(container_attach_mutex);
DEFINE_PERCPU_RWSEM(container_fork_rwsem);

/* ---- mms ---- */

/* Take @mm out of its container, if it is in one. Context: Atomic at most. */
void container_mm_leave(struct mm_struct *mm)
{
	struct container *ctn;

	rcu_read_lock();
	while ((ctn = mm_container(mm))) {
		spin_lock(&ctn->lock);
		if (mm_container(mm) == ctn) {
			container_vm_leaves(ctn, mm);
			list_del(&mm->container_node);
			/* after this the mm can be freed: __mmput() does not wait */
			smp_store_release(&mm->container_token, 0);
		}
		spin_unlock(&ctn->lock);
		container_stop_point("mm: left");
	}
	rcu_read_unlock();
}

/*
 * Put @mm into @ctn, which is not being removed. The caller sees to it that the
 * current task does not leave that meanwhile. Context: Atomic at most.
 */
void container_mm_join(struct mm_struct *mm, struct container *ctn)
{
	spin_lock(&ctn->lock);
	list_add_tail(&mm->container_node, &ctn->mms);
	/* who charges @mm goes by this, within RCU: as rcu_assign_pointer() */
	smp_store_release(&mm->container_token, container_token(ctn));
	container_vm_joined(ctn, mm);
	spin_unlock(&ctn->lock);
	container_stop_point("mm: joined");
}

void __container_join_mm(struct mm_struct *mm)
{
	struct container *ctn;
	bool done = false;

	rcu_read_lock();
	while (!done && (ctn = rcu_dereference(current->container))) {
		spin_lock(&ctn->lock);
		/* else this task has just been moved, and ctn may be removed */
		if (rcu_access_pointer(current->container) == ctn) {
			list_add_tail(&mm->container_node, &ctn->mms);
			/* as in container_mm_join() */
			smp_store_release(&mm->container_token,
					  container_token(ctn));
			container_vm_joined(ctn, mm);
			done = true;
		}
		spin_unlock(&ctn->lock);
	}
	rcu_read_unlock();
	container_stop_point("fork: mm joined");
}

void __container_mm_exit(struct mm_struct *mm)
{
	container_mm_leave(mm);
}

/*
 * The current task was moved after its mm was made, in fork or exec. No other
 * task uses the mm yet. container_fork_rwsem is held for reading. Returns whether
 * the pages that it has are to be adopted, for which that lock must not be held.
 */
static bool mm_follow_current(struct mm_struct *mm)
{
	struct container *ctn =
		rcu_dereference_protected(current->container,
					  percpu_rwsem_is_held(&container_fork_rwsem));
	bool same;

	rcu_read_lock();
	same = mm_container(mm) == ctn;
	rcu_read_unlock();
	if (same)
		return false;

	container_mm_leave(mm);
	if (ctn)
		container_mm_join(mm, ctn);
	return true;
}

void __container_exec(struct mm_struct *mm)
{
	bool adopt;

	percpu_down_read(&container_fork_rwsem);
	container_stop_point("exec: locked");
	adopt = mm_follow_current(mm);
	percpu_up_read(&container_fork_rwsem);
	if (adopt)
		container_adopt_pages(mm, NULL);
}

void container_count_task_limit_hit(struct container *ctn)
{
	atomic_long_inc(&ctn->task_limit_hits);
	container_notify(ctn, CONTAINER_TASK_LIMIT_HITS);
	trace_container_limit_hit(ctn->id, true, atomic_long_read(&ctn->nr_tasks),
				  READ_ONCE(ctn->task_limit));
}

/* ---- fork and exit ---- */

/* task_struct::container_forking, from container_can_fork() to the end of fork */
enum {
	FORKING = 1,
	FORKING_MOVED,	/* and the child's mm has changed its container */
};

int __container_can_fork(struct task_struct *child, u64 clone_flags)
{
	struct container *ctn;
	long now;

	percpu_down_read(&container_fork_rwsem);
	ctn = rcu_dereference_protected(current->container,
					percpu_rwsem_is_held(&container_fork_rwsem));

	now = ctn ? atomic_long_inc_return(&ctn->nr_tasks) : 0;
	if (ctn && now > container_task_bound(ctn) &&
	    !container_tasks_fit(ctn, now, 1)) {
		atomic_long_dec(&ctn->nr_tasks);
		container_count_task_limit_hit(ctn);
		percpu_up_read(&container_fork_rwsem);
		return -EAGAIN;
	}

	container_stop_point("fork: counted");
	RCU_INIT_POINTER(child->container, ctn);
	if (ctn) {
		child->container_wanted = 0;
		spin_lock(&ctn->lock);
		list_add_tail(&child->container_node, &ctn->forks);
		spin_unlock(&ctn->lock);
	}
	child->container_forking = FORKING;
	if (child->mm && !(clone_flags & CLONE_VM) &&
	    mm_follow_current(child->mm))
		child->container_forking = FORKING_MOVED;
	container_stop_point("fork: allowed");
	return 0;
}

/*
 * The child is visible now, or fork has failed after all. Only from here on it
 * is in the container's list, and can be moved. It does not run yet: its mm stays.
 */
void __container_end_fork(struct task_struct *child, bool forked)
{
	struct container *ctn =
		rcu_dereference_protected(child->container,
					  percpu_rwsem_is_held(&container_fork_rwsem));
	bool adopt = forked && child->container_forking == FORKING_MOVED;

	container_stop_point(forked ? "fork: done" : "fork: failed");
	child->container_forking = 0;
	if (ctn) {
		spin_lock(&ctn->lock);
		if (forked) {
			list_move_tail(&child->container_node, &ctn->tasks);
			container_note_tasks(ctn);
			if (unlikely(child->container_wanted))
				container_kill_child(child);
		} else {
			list_del(&child->container_node);
			RCU_INIT_POINTER(child->container, NULL);
			atomic_long_dec(&ctn->nr_tasks);
		}
		spin_unlock(&ctn->lock);
	}
	percpu_up_read(&container_fork_rwsem);
	container_stop_point("fork: unlocked");
	if (adopt)
		container_adopt_pages(child->mm, NULL);
}

/* @task is not in the list of @ctn any more. Context: ctn->lock held. */
void container_unlist_task(struct container *ctn, struct task_struct *task)
{
	if (unlikely(ctn->kill_last == &task->container_node))
		ctn->kill_last = task->container_node.prev;
	list_del(&task->container_node);
	RCU_INIT_POINTER(task->container, NULL);
	atomic_long_dec(&ctn->nr_tasks);
	trace_container_detach(ctn->id, task);
}

/* Take @task out of its container, if it is in one. */
void container_task_leave(struct task_struct *task)
{
	struct container *ctn;

	rcu_read_lock();
	while ((ctn = rcu_dereference(task->container))) {
		spin_lock(&ctn->lock);
		if (rcu_access_pointer(task->container) == ctn)
			container_unlist_task(ctn, task);
		spin_unlock(&ctn->lock);
		container_stop_point("task: left");
	}
	rcu_read_unlock();
}

void __container_exit(struct task_struct *task)
{
	container_task_leave(task);
}

/* ---- listing ---- */

static int cmp_pid(const void *a, const void *b)
{
	return *(const pid_t *)a - *(const pid_t *)b;
}

/**
 * container_list_tasks - write the ids of a container's tasks, sorted
 * @ctn: the container.
 * @m: one id per line, in the reader's pid namespace; tasks that are not
 *     visible there are left out.
 *
 * Context: May sleep.
 * Return: 0 or -ENOMEM.
 */
int container_list_tasks(struct container *ctn, struct seq_file *m)
{
	struct pid_namespace *ns = task_active_pid_ns(current);
	struct task_struct *task;
	size_t nr, room, i;
	pid_t *pids;

	for (;;) {
		/* some may join meanwhile */
		room = atomic_long_read(&ctn->nr_tasks) + 32;
		pids = kvmalloc_array(room, sizeof(*pids), GFP_KERNEL);
		if (!pids)
			return -ENOMEM;

		container_stop_point("tasks: allocated");
		nr = 0;
		spin_lock(&ctn->lock);
		list_for_each_entry(task, &ctn->tasks, container_node) {
			if (nr < room)
				pids[nr] = task_pid_nr_ns(task, ns);
			nr++;
		}
		spin_unlock(&ctn->lock);
		if (nr <= room)
			break;
		kvfree(pids);
	}

	sort(pids, nr, sizeof(*pids), cmp_pid, NULL);
	for (i = 0; i < nr; i++)
		if (pids[i])
			seq_printf(m, "%d\n", pids[i]);
	kvfree(pids);
	return 0;
}

/**
 * proc_container_show - say in which container a task is: /proc/PID/container
 * @m: gets its name as one word, in one line, or nothing if it is in none.
 * @ns: the pid namespace of that procfs.
 * @pid: the task's.
 * @task: the task.
 *
 * The name is freed with the last reference to the directory, without a grace
 * period. So it is read with a reference, which is not to be had once the directory
 * is being removed: then the task is about to be in none. It does not change.
 *
 * Context: May sleep.
 * Return: 0.
 */
int proc_container_show(struct seq_file *m, struct pid_namespace *ns,
			struct pid *pid, struct task_struct *task)
{
	struct container *ctn;

	rcu_read_lock();
	ctn = rcu_dereference(task->container);
	if (ctn)
		ctn = container_tryget(ctn);
	rcu_read_unlock();
	if (!ctn)
		return 0;

	container_show_name(ctn, m);
	seq_putc(m, '\n');
	container_put(ctn);
	return 0;
}

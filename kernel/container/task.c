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
 *    container_fork_rwsem held for writing where tasks are concerned.
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
#include "internal.h"

static DEFINE_MUTEX(container_attach_mutex);
DEFINE_STATIC_PERCPU_RWSEM(container_fork_rwsem);

/* ---- mms ---- */

/* Take @mm out of its container, if it is in one. */
static void mm_leave(struct mm_struct *mm)
{
	struct container *ctn;

	rcu_read_lock();
	while ((ctn = mm_container(mm))) {
		spin_lock(&ctn->lock);
		if (mm_container(mm) == ctn) {
			list_del(&mm->container_node);
			/* after this the mm can be freed: __mmput() does not wait */
			smp_store_release(&mm->container_token, 0);
		}
		spin_unlock(&ctn->lock);
		container_check_leftovers(ctn);
		container_stop_point("mm: left");
	}
	rcu_read_unlock();
}

/* Put @mm into @ctn, unless the current task has left that meanwhile. */
static void mm_join(struct mm_struct *mm, struct container *ctn)
{
	spin_lock(&ctn->lock);
	list_add_tail(&mm->container_node, &ctn->mms);
	/* who charges @mm goes by this, within RCU: as rcu_assign_pointer() */
	smp_store_release(&mm->container_token, container_token(ctn));
	spin_unlock(&ctn->lock);
	container_stop_point("mm: joined");
}

void __container_dup_mm(struct mm_struct *mm)
{
	struct container *ctn;
	bool done = false;

	rcu_read_lock();
	while (!done && (ctn = rcu_dereference(current->container))) {
		spin_lock(&ctn->lock);
		/* else this task has just been moved, and ctn may be removed */
		if (rcu_access_pointer(current->container) == ctn) {
			list_add_tail(&mm->container_node, &ctn->mms);
			/* as in mm_join() */
			smp_store_release(&mm->container_token,
					  container_token(ctn));
			done = true;
		}
		spin_unlock(&ctn->lock);
	}
	rcu_read_unlock();
	container_stop_point("fork: mm joined");
}

void __container_mm_exit(struct mm_struct *mm)
{
	mm_leave(mm);
}

/*
 * The current task was moved after its mm was made, in fork or exec. No other
 * task uses the mm yet. container_fork_rwsem is held for reading.
 */
static void mm_follow_current(struct mm_struct *mm)
{
	struct container *ctn =
		rcu_dereference_protected(current->container,
					  percpu_rwsem_is_held(&container_fork_rwsem));

	if (mm_container(mm) == ctn)
		return;

	mm_leave(mm);
	if (ctn)
		mm_join(mm, ctn);
	container_adopt_pages(mm);
}

void __container_exec(struct mm_struct *mm)
{
	percpu_down_read(&container_fork_rwsem);
	container_stop_point("exec: locked");
	mm_follow_current(mm);
	percpu_up_read(&container_fork_rwsem);
}

static void count_task_limit_hit(struct container *ctn)
{
	atomic_long_inc(&ctn->task_limit_hits);
	container_notify(ctn, CONTAINER_TASK_LIMIT_HITS);
	trace_container_limit_hit(ctn->id, true, atomic_long_read(&ctn->nr_tasks),
				  READ_ONCE(ctn->task_limit));
}

/* ---- fork and exit ---- */

int __container_can_fork(struct task_struct *child, u64 clone_flags)
{
	struct container *ctn;

	percpu_down_read(&container_fork_rwsem);
	ctn = rcu_dereference_protected(current->container,
					percpu_rwsem_is_held(&container_fork_rwsem));

	if (ctn && atomic_long_inc_return(&ctn->nr_tasks) >
		   READ_ONCE(ctn->task_limit)) {
		atomic_long_dec(&ctn->nr_tasks);
		count_task_limit_hit(ctn);
		percpu_up_read(&container_fork_rwsem);
		return -EAGAIN;
	}

	container_stop_point("fork: counted");
	RCU_INIT_POINTER(child->container, ctn);
	child->container_forking = true;
	if (child->mm && !(clone_flags & CLONE_VM))
		mm_follow_current(child->mm);
	container_stop_point("fork: allowed");
	return 0;
}

/*
 * The child is visible now, or fork has failed after all. Only from here on it
 * is in the container's list, and can be moved.
 */
void __container_end_fork(struct task_struct *child, bool forked)
{
	struct container *ctn =
		rcu_dereference_protected(child->container,
					  percpu_rwsem_is_held(&container_fork_rwsem));

	container_stop_point(forked ? "fork: done" : "fork: failed");
	child->container_forking = false;
	if (ctn && forked) {
		spin_lock(&ctn->lock);
		list_add_tail(&child->container_node, &ctn->tasks);
		spin_unlock(&ctn->lock);
	} else if (ctn) {
		RCU_INIT_POINTER(child->container, NULL);
		atomic_long_dec(&ctn->nr_tasks);
	}
	percpu_up_read(&container_fork_rwsem);
	container_stop_point("fork: unlocked");
}

/* Take @task out of its container, if it is in one. */
static void task_leave(struct task_struct *task)
{
	struct container *ctn;

	rcu_read_lock();
	while ((ctn = rcu_dereference(task->container))) {
		spin_lock(&ctn->lock);
		if (rcu_access_pointer(task->container) == ctn) {
			list_del(&task->container_node);
			RCU_INIT_POINTER(task->container, NULL);
			atomic_long_dec(&ctn->nr_tasks);
			trace_container_detach(ctn->id, task);
		}
		spin_unlock(&ctn->lock);
		container_stop_point("task: left");
	}
	rcu_read_unlock();
}

void __container_exit(struct task_struct *task)
{
	task_leave(task);
}

/* ---- moving ---- */

/* As for a signal: one's own processes, or CAP_SYS_RESOURCE */
static bool cred_may_move(const struct cred *cred, struct task_struct *task)
{
	const struct cred *tcred;
	bool own;

	rcu_read_lock();
	tcred = __task_cred(task);
	own = uid_eq(cred->euid, tcred->suid) ||
	      uid_eq(cred->euid, tcred->uid) ||
	      uid_eq(cred->uid, tcred->suid) ||
	      uid_eq(cred->uid, tcred->uid);
	rcu_read_unlock();

	return own || container_cred_is_capable(cred);
}

/* Who has opened the file, and who writes to it */
static bool may_move(struct task_struct *task)
{
	return cred_may_move(current_cred(), task) &&
	       cred_may_move(current_real_cred(), task);
}

/*
 * Who shares memory with a task moves with it, but need not be the same user's:
 * between fork and exec a child of root's can be anybody's.
 */
static bool must_not_move(struct task_struct *task, struct container *to)
{
	return !may_move(task);
}

/*
 * Move one task to @to, or out if that is NULL. Tasks that are past exit_mm()
 * are left where they are: they leave on their own in a moment.
 *
 * Returns whether the task has joined @to: the caller has counted it there.
 */
static bool task_move(struct task_struct *task, struct container *to)
{
	bool joined = false;

	if (rcu_access_pointer(task->container) == to)
		return false;

	task_leave(task);
	if (!to)
		return false;

	/* against exit_mm(), after which container_exit() comes by once */
	task_lock(task);
	if (task->mm) {
		spin_lock(&to->lock);
		list_add_tail(&task->container_node, &to->tasks);
		rcu_assign_pointer(task->container, to);
		spin_unlock(&to->lock);
		trace_container_attach(to->id, task);
		joined = true;
	}
	task_unlock(task);
	container_stop_point("task: joined");
	return joined;
}

static bool group_uses_mm(struct task_struct *leader, struct mm_struct *mm)
{
	struct task_struct *t;

	for_each_thread(leader, t)
		if (READ_ONCE(t->mm) == mm)
			return true;
	return false;
}

/* Would task_move() have it join? */
static bool must_move(struct task_struct *task, struct container *to)
{
	return rcu_access_pointer(task->container) != to &&
	       READ_ONCE(task->mm);
}

/*
 * Call @fn for every task of every thread group that uses @mm. Returns for how
 * many it said true. No fork goes on: container_fork_rwsem.
 */
static long for_tasks_of_mm(struct mm_struct *mm, struct container *to,
			    bool (*fn)(struct task_struct *task,
				       struct container *to))
{
	struct task_struct *leader, *task;
	long nr = 0;

	rcu_read_lock();
	for_each_process(leader) {
		/* a kernel thread may use an mm, but only for a moment */
		if ((leader->flags & PF_KTHREAD) || !group_uses_mm(leader, mm))
			continue;
		for_each_thread(leader, task)
			nr += fn(task, to);
	}
	rcu_read_unlock();
	return nr;
}

/*
 * Both mutex and rwsem held. Returns 0, -EPERM if not all of them may be moved,
 * or -EAGAIN; then nothing has changed.
 */
static int move_tasks(struct mm_struct *mm, struct container *to)
{
	long nr, joined;

	if (for_tasks_of_mm(mm, to, must_not_move))
		return -EPERM;

	if (!to) {
		for_tasks_of_mm(mm, NULL, task_move);
		return 0;
	}

	nr = for_tasks_of_mm(mm, to, must_move);
	if (nr && atomic_long_add_return(nr, &to->nr_tasks) >
		  READ_ONCE(to->task_limit)) {
		atomic_long_sub(nr, &to->nr_tasks);
		count_task_limit_hit(to);
		return -EAGAIN;
	}

	container_stop_point("move: counted");
	joined = for_tasks_of_mm(mm, to, task_move);
	atomic_long_sub(nr - joined, &to->nr_tasks);
	return 0;
}

/*
 * Move the process of @task, and all that share its mm, to @to or out; only if
 * it is in @from, unless that is NULL.
 */
static int move_process(struct task_struct *task, struct container *from,
			struct container *to)
{
	struct mm_struct *mm = NULL;
	struct task_struct *user;
	int err;

	mutex_lock(&container_attach_mutex);
	percpu_down_write(&container_fork_rwsem);
	container_stop_point("move: locked");

again:
	/* a leader that has exited may have threads that have not */
	rcu_read_lock();
	user = find_lock_task_mm(task);
	if (user) {
		if (!from || rcu_access_pointer(user->container) == from) {
			mm = user->mm;
			mmget(mm);
		}
		task_unlock(user);
	}
	rcu_read_unlock();

	err = -ESRCH;
	if (!mm)
		goto out;

	err = -ENODEV;
	if (to && test_bit(CONTAINER_DYING, &to->flags))
		goto out;

	err = move_tasks(mm, to);
	container_stop_point("move: tasks moved");
	if (err)
		goto out;

	/* it may have left this mm by exec before it was found by that */
	if (READ_ONCE(task->mm) && READ_ONCE(task->mm) != mm &&
	    rcu_access_pointer(task->container) != to) {
		mmput_async(mm);
		mm = NULL;
		goto again;
	}
	if (mm_container(mm) != to) {
		mm_leave(mm);
		if (to)
			mm_join(mm, to);
	}
out:
	percpu_up_write(&container_fork_rwsem);
	mutex_unlock(&container_attach_mutex);

	container_stop_point("move: unlocked");
	if (!err)
		container_adopt_pages(mm);
	if (mm)
		mmput(mm);
	return err;
}

static struct task_struct *get_task_by_vpid(pid_t nr)
{
	struct task_struct *task;

	rcu_read_lock();
	task = find_task_by_vpid(nr);
	if (task)
		get_task_struct(task);
	rcu_read_unlock();
	return task;
}

/**
 * container_add_task - move a process into a container
 * @ctn: the container.
 * @nr: the id of one of its tasks, in the pid namespace of the caller.
 *
 * Context: May sleep.
 * Return: 0, also if it is there already; -ESRCH if there is no such task or
 * it exits, -EINVAL for a kernel thread, -EPERM, -EAGAIN at task_limit, and
 * -ENODEV if @ctn is being removed.
 */
int container_add_task(struct container *ctn, pid_t nr)
{
	struct task_struct *task = get_task_by_vpid(nr);
	int err;

	if (!task)
		return -ESRCH;

	if (task->flags & PF_KTHREAD)
		err = -EINVAL;
	else if (!may_move(task))
		err = -EPERM;
	else
		err = move_process(task, NULL, ctn);

	put_task_struct(task);
	return err;
}

/**
 * container_remove_task - move a process out of a container
 * @ctn: the container.
 * @nr: the id of one of its tasks, in the pid namespace of the caller.
 *
 * Context: May sleep.
 * Return: 0; -ESRCH if there is no such task in @ctn; -EPERM.
 */
int container_remove_task(struct container *ctn, pid_t nr)
{
	struct task_struct *task = get_task_by_vpid(nr);
	int err;

	if (!task)
		return -ESRCH;

	if (!may_move(task))
		err = rcu_access_pointer(task->container) == ctn ? -EPERM :
								  -ESRCH;
	else
		err = move_process(task, ctn, NULL);

	put_task_struct(task);
	return err;
}

/**
 * container_expel_tasks - move all tasks and mms out of a dying container
 * @ctn: the container; CONTAINER_DYING is set.
 *
 * The pages that they hold stay charged to it until it is freed.
 *
 * Context: May sleep.
 */
void container_expel_tasks(struct container *ctn)
{
	struct task_struct *task;
	struct mm_struct *mm;

	mutex_lock(&container_attach_mutex);
	container_stop_point("expel: locked");

	/*
	 * A fork or exec that is under way is one of a task in the list, so
	 * there is nothing to wait for if that is empty.
	 */
	if (!list_empty(&ctn->tasks)) {
		percpu_down_write(&container_fork_rwsem);
		spin_lock(&ctn->lock);
		while ((task = list_first_entry_or_null(&ctn->tasks,
							struct task_struct,
							container_node))) {
			list_del(&task->container_node);
			RCU_INIT_POINTER(task->container, NULL);
			atomic_long_dec(&ctn->nr_tasks);
			trace_container_detach(ctn->id, task);
			container_stop_point("expel: a task");
			cond_resched_lock(&ctn->lock);
		}
		spin_unlock(&ctn->lock);
		percpu_up_write(&container_fork_rwsem);
	}

	/* those that throttle has put to sleep have nothing to wait for now */
	container_wake_waiters(ctn);

	/*
	 * Their pages let go of the container in container_free_work(), which
	 * needs none of the locks that a task may hold for as long as it likes.
	 */
	spin_lock(&ctn->lock);
	while ((mm = list_first_entry_or_null(&ctn->mms, struct mm_struct,
					      container_node))) {
		list_del(&mm->container_node);
		/* as in mm_leave(): it can be freed after this */
		smp_store_release(&mm->container_token, 0);
		container_stop_point("expel: an mm");
		cond_resched_lock(&ctn->lock);
	}
	spin_unlock(&ctn->lock);

	mutex_unlock(&container_attach_mutex);
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

// SPDX-License-Identifier: GPL-2.0
/*
 * Moving: a process is put into a container, or taken out, with all that share its
 * mm; and all that are in a container that is removed leave it.
 *
 * Everything that is moved is moved while container_attach_mutex is held and, as
 * no task may fork or exec meanwhile, container_fork_rwsem for writing. What a
 * process holds follows it after that: adopt.c.
 */
#include <linux/oom.h>
#include <linux/mm.h>
#include <linux/percpu-rwsem.h>
#include <linux/pid_namespace.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <trace/events/container.h>
#include "token.h"

/* How long one waits for a child that its parent has made by vfork to be on its own */
#define VFORK_TIMEOUT	HZ

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
static bool may_not_move(struct task_struct *task, struct container *to)
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

	container_task_leave(task);
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
 * What a process has is charged where it is moved to whether it fits there or not, if
 * the administrator wants it so. Whoever has but a container or two is not to get
 * over a limit by that. Pages that @mm may be charged for; those of tmpfs that are
 * shared with others, or charged to others, as well. What else files hold counts as
 * page cache there: adopt_file() sees to it that it fits.
 */
static long pages_of(struct mm_struct *mm)
{
	return get_mm_counter_sum(mm, MM_ANONPAGES) +
	       get_mm_counter_sum(mm, MM_SHMEMPAGES);
}

/*
 * Charge @reserve->ctn, if there is one, for what @mm has until that is adopted: those
 * who are there are not to take the room meanwhile. Returns 0 or -ENOMEM.
 */
static int reserve_move(struct container_reserve *reserve, struct mm_struct *mm)
{
	struct container *to = reserve->ctn;
	struct page_counter *over;
	long nr;

	if (!to || container_is_capable() ||
	    READ_ONCE(mm->container_token) == container_token(to))
		return 0;

	nr = pages_of(mm);
	container_drain_stock(to);
	if (!page_counter_try_charge(&to->counter[CONTAINER_HELD], nr, &over))
		return -ENOMEM;
	atomic_long_add(nr, &to->moving_in);
	reserve->nr = nr;
	return 0;
}

/*
 * Both mutex and rwsem held. Returns 0, -EPERM if not all of them may be moved,
 * or -EAGAIN; then nothing has changed.
 */
static int move_tasks(struct mm_struct *mm, struct container *to)
{
	long nr, joined, now;

	if (for_tasks_of_mm(mm, to, may_not_move))
		return -EPERM;

	if (!to) {
		for_tasks_of_mm(mm, NULL, task_move);
		return 0;
	}

	nr = for_tasks_of_mm(mm, to, must_move);
	now = nr ? atomic_long_add_return(nr, &to->nr_tasks) : 0;
	if (now > container_task_bound(to) && !container_tasks_fit(to, now, nr)) {
		atomic_long_sub(nr, &to->nr_tasks);
		container_count_task_limit_hit(to);
		return -EAGAIN;
	}

	container_stop_point("move: counted");
	joined = for_tasks_of_mm(mm, to, task_move);
	atomic_long_sub(nr - joined, &to->nr_tasks);
	spin_lock(&to->lock);
	container_note_tasks(to);
	spin_unlock(&to->lock);
	return 0;
}

/*
 * Between vfork and exec a child runs on the memory of its parent, which is not to
 * be moved with it. That is so until exec is through, or exit, although the parent
 * goes on a moment before that.
 */
static bool is_on_parents_mm(struct task_struct *task)
{
	struct task_struct *leader = task->group_leader;
	bool leaves, shared;

	leaves = READ_ONCE(leader->vfork_done);
	/* in_execve is set before vfork_done is cleared, and cleared after the mm is set */
	smp_rmb();
	/* a bit of a word that only the leader writes */
	leaves |= leader->in_execve || (leader->flags & PF_EXITING);
	if (!leaves)
		return false;

	task_lock(leader);
	shared = leader->mm && atomic_read(&leader->mm->mm_users) >
			       get_nr_threads(leader);
	task_unlock(leader);
	return shared;
}

/* Returns 0, -EAGAIN after @end (jiffies), or -EINTR for a signal that kills. */
static int wait_for_own_mm(struct task_struct *task, unsigned long end)
{
	if (is_on_parents_mm(task))
		container_stop_point("move: waits for vfork");
	while (is_on_parents_mm(task)) {
		if (time_after(jiffies, end) || same_thread_group(task, current))
			return -EAGAIN;
		schedule_timeout_killable(1);
		if (fatal_signal_pending(current))
			return -EINTR;
	}
	return 0;
}

/* Both mutex and rwsem held. The tasks of @mm have been moved to @to, or out. */
static void move_mm(struct mm_struct *mm, struct container *to)
{
	struct container *from;

	if (READ_ONCE(mm->container_token) == (to ? container_token(to) : 0))
		return;

	rcu_read_lock();
	from = mm_container(mm);
	container_mm_leave(mm);
	if (to)
		container_mm_join(mm, to);
	/* those that wait for room there, or are slowed, go on */
	if (from)
		wake_up_all(&from->wait);
	rcu_read_unlock();
}

/*
 * Move the process of @task, and all that share its mm, to @to or out; only if
 * it is in @from, unless that is NULL.
 */
static int move_process(struct task_struct *task, struct container *from,
			struct container *to)
{
	struct container_reserve reserve = { .ctn = to };
	struct mm_struct *mm = NULL;
	struct task_struct *user;
	unsigned long end = jiffies + VFORK_TIMEOUT;
	bool again;
	int err;

wait:
	again = false;
	err = wait_for_own_mm(task, end);
	if (err)
		return err;

	if (mutex_lock_killable(&container_attach_mutex))
		return -EINTR;
	percpu_down_write(&container_fork_rwsem);
	container_stop_point("move: locked");

	if (is_on_parents_mm(task)) {
		percpu_up_write(&container_fork_rwsem);
		mutex_unlock(&container_attach_mutex);
		goto wait;
	}
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

	err = reserve_move(&reserve, mm) ?: move_tasks(mm, to);
	container_stop_point("move: tasks moved");
	if (err)
		goto out;

	move_mm(mm, to);
	/* it may have left this mm by exec before it was found by that */
	again = READ_ONCE(task->mm) && READ_ONCE(task->mm) != mm &&
		rcu_access_pointer(task->container) != to;
out:
	percpu_up_write(&container_fork_rwsem);
	mutex_unlock(&container_attach_mutex);

	container_stop_point("move: unlocked");
	if (!err)
		container_adopt_pages(mm, container_is_capable() ? NULL : &reserve);
	container_moved_in(&reserve, reserve.nr);
	if (mm)
		mmput(mm);
	mm = NULL;
	if (again)
		goto wait;
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
 * it exits, -EINVAL for a kernel thread, -EPERM, -EAGAIN at task_limit or if it
 * does not come from vfork to exec, -ENOMEM if what it has does not fit below
 * rss_limit and the caller has not got CAP_SYS_RESOURCE, -EINTR for a signal that
 * kills, and -ENODEV if @ctn is being removed. If it leaves its mm by exec meanwhile,
 * who shared that with it may have been moved by then.
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
			container_unlist_task(ctn, task);
			container_stop_point("expel: a task");
			cond_resched_lock(&ctn->lock);
		}
		spin_unlock(&ctn->lock);
		percpu_up_write(&container_fork_rwsem);
	}

	/* those that sleep for it have nothing to wait for now */
	wake_up_all(&ctn->wait);

	/* their pages are charged to nobody once the container is out of the table */
	spin_lock(&ctn->lock);
	while ((mm = list_first_entry_or_null(&ctn->mms, struct mm_struct,
					      container_node))) {
		container_vm_leaves(ctn, mm);
		list_del(&mm->container_node);
		/* as in container_mm_leave(): it can be freed after this */
		smp_store_release(&mm->container_token, 0);
		container_stop_point("expel: an mm");
		cond_resched_lock(&ctn->lock);
	}
	spin_unlock(&ctn->lock);

	mutex_unlock(&container_attach_mutex);
}

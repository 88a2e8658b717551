// SPDX-License-Identifier: GPL-2.0
/*
 * kill: a signal to every process of a container, and to what they fork meanwhile.
 *
 * A walk goes over ctn->tasks from its start to its end, in the order in which they
 * have joined, some at a time so that nobody waits for ctn->lock for long. In between
 * ctn->kill_last is the one that it has come to last, or the head of the list; if that
 * leaves, it is the one before (container_unlist_task()). There is one walk at a time
 * in a container: kill_mutex. Nobody else waits for that, and no fork waits for any of
 * it.
 *
 * A child of one of the tasks is in ctn->forks from container_can_fork() on, and at the
 * end of ctn->tasks from container_end_fork() on; both are changed with ctn->lock held.
 * So when a walk has come to the end of ctn->tasks, without letting go of the lock, a
 * child
 *  - is in ctn->tasks, and the walk has come to it, or
 *  - is in ctn->forks: it is noted there that it misses the signal, and it is sent that
 *    by container_kill_child() as soon as it is in ctn->tasks, or
 *  - is of a fork that has not come to container_can_fork(). Its parent has been sent the
 *    signal by then. If that was before copy_process() looked for signals, there is no
 *    child before the signal is dealt with; if it was after that, fork has put the signal
 *    off for the child as well, as it does with those of the type PIDTYPE_MAX.
 *
 * A child may be sent the signal as well as its parent that has forked it after it got it
 * itself. It is not sent the same one twice by a walk; but one whose fork has put it off,
 * and that has dealt with it before the walk is at the end of the list, is.
 *
 * Signals are for processes, and the list has threads. The leader has joined before
 * all others of a process: the walk has come to it if it is in the container. If it is
 * not any more, as it has exited, the first of the others that the walk comes to stands
 * for the process.
 *
 * Zombies have left the list. Kernel threads cannot join; the workers of io_uring and
 * the like are threads of a process.
 */
#include <linux/cred.h>
#include <linux/mutex.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/signal.h>
#include <linux/xarray.h>
#include "internal.h"

/* Tasks that a walk comes to with ctn->lock held */
#define KILL_BATCH	32

struct walk {
	int			sig;
	struct kernel_siginfo	info;
	const struct cred	*writer;	/* NULL: is who has opened the file */
	struct xarray		leaderless;	/* by pid: these have been dealt with */
	bool			self;		/* the writer has been sent it */
	long			sent;
	int			refused;	/* the first error, or 0 */
};

/* Both who has opened the file and who writes to it must have the right to. Within RCU. */
static int writer_may_kill(struct walk *walk, struct task_struct *task)
{
	const struct cred *opener;
	int err;

	if (!walk->writer)
		return 0;
	opener = override_creds(walk->writer);
	err = check_kill_permission(walk->sig, &walk->info, task);
	revert_creds(opener);
	return err;
}

static bool may_kill(struct walk *walk, struct task_struct *task)
{
	return !writer_may_kill(walk, task) &&
	       !check_kill_permission(walk->sig, &walk->info, task);
}

/* Does @task stand for its process? ctn->lock held, within RCU. */
static bool is_first(struct walk *walk, struct container *ctn,
		     struct task_struct *task)
{
	struct task_struct *leader = READ_ONCE(task->group_leader);

	if (task == leader)
		return true;
	if (rcu_access_pointer(leader->container) == ctn)
		return false;
	/* without memory for that, it is sent the signal again */
	return xa_insert(&walk->leaderless, task_tgid_nr(task), xa_mk_value(1),
			 GFP_ATOMIC | __GFP_NOWARN) != -EBUSY;
}

/* ctn->lock held, within RCU */
static void kill_process(struct walk *walk, struct task_struct *task)
{
	int err = writer_may_kill(walk, task) ?:
		  group_send_sig_info(walk->sig, &walk->info, task, PIDTYPE_MAX);

	if (!err) {
		walk->sent++;
		walk->self |= same_thread_group(task, current);
	} else if (err != -ESRCH && !walk->refused) {
		walk->refused = err;
	}
}

/*
 * What a child has missed is in its container_wanted, which it has no use for until
 * it runs: up to four signals, a byte each. After a SIGKILL no other matters.
 */
static void note_missed(struct task_struct *child, int sig)
{
	unsigned int missed = child->container_wanted, rest;

	if (sig == SIGKILL) {
		child->container_wanted = SIGKILL;
		return;
	}
	for (rest = missed; rest; rest >>= 8)
		if ((rest & 0xff) == sig || (rest & 0xff) == SIGKILL)
			return;
	if (missed <= 0xffffff)
		child->container_wanted = missed << 8 | sig;
}

/*
 * ctn->lock held, within RCU. There are hardly more of these than CPUs: on this part of
 * its way a fork sleeps for nobody.
 */
static void kill_forks(struct walk *walk, struct container *ctn)
{
	struct task_struct *child;

	list_for_each_entry(child, &ctn->forks, container_node)
		if (may_kill(walk, child))
			note_missed(child, walk->sig);
}

/**
 * container_kill_child - send a new process what walks have noted for it
 * @child: of the current task; it does not run yet.
 *
 * Context: The container's lock held.
 */
void container_kill_child(struct task_struct *child)
{
	unsigned int missed = child->container_wanted;
	int i, sig;

	child->container_wanted = 0;
	if (!thread_group_leader(child))
		return;
	for (i = sizeof(missed) - 1; i >= 0; i--) {
		sig = missed >> (8 * i) & 0xff;
		/* it may have been put off by fork, and be there */
		if (sig && !data_race(sigismember(&child->signal->shared_pending.signal,
						  sig)))
			do_send_sig_info(sig, SEND_SIG_NOINFO, child, PIDTYPE_TGID);
	}
}

/* Come to the next tasks. Returns whether there are more. */
static bool walk_on(struct walk *walk, struct container *ctn)
{
	struct task_struct *task;
	int nr = KILL_BATCH;
	bool more;

	spin_lock(&ctn->lock);
	rcu_read_lock();
	while (nr-- && !list_is_last(ctn->kill_last, &ctn->tasks)) {
		ctn->kill_last = ctn->kill_last->next;
		task = list_entry(ctn->kill_last, struct task_struct,
				  container_node);
		if (is_first(walk, ctn, task))
			kill_process(walk, task);
	}
	more = !list_is_last(ctn->kill_last, &ctn->tasks);
	if (!more && walk->sig)
		kill_forks(walk, ctn);
	rcu_read_unlock();
	spin_unlock(&ctn->lock);
	return more;
}

/*
 * The writer may be in the container, and be killed by its own signal: that is no reason
 * to end. Else one who is killed is not to go on.
 */
static bool is_killed(struct walk *walk)
{
	return fatal_signal_pending(current) && !walk->self;
}

/**
 * container_kill - send a signal to every process of a container
 * @ctn: the container; one that is being removed has none.
 * @sig: the signal; 0 sends nothing, but says whether one could be sent.
 *
 * Who may be sent it is as for kill(2), asked of current_cred() and of
 * current_real_cred().
 *
 * Context: May sleep.
 * Return: 0 if it was sent to one at least, or there was none; -EPERM, or what a
 * security module says, if there were only such that the caller may not send it to;
 * -EINTR for a signal that kills and did not come from here: then some may not have
 * been sent it.
 */
int container_kill(struct container *ctn, int sig)
{
	struct walk walk = { .sig = sig };
	bool more = true;

	xa_init(&walk.leaderless);
	if (current_cred() != current_real_cred())
		walk.writer = current_real_cred();
	clear_siginfo(&walk.info);
	walk.info.si_signo = sig;
	walk.info.si_code = SI_USER;
	walk.info.si_pid = task_tgid_vnr(current);
	walk.info.si_uid = from_kuid_munged(current_user_ns(),
					    current_real_cred()->uid);

	if (mutex_lock_killable(&ctn->kill_mutex))
		return -EINTR;
	spin_lock(&ctn->lock);
	ctn->kill_last = &ctn->tasks;
	spin_unlock(&ctn->lock);

	while (more && !is_killed(&walk)) {
		more = walk_on(&walk, ctn);
		cond_resched();
	}

	spin_lock(&ctn->lock);
	ctn->kill_last = NULL;
	spin_unlock(&ctn->lock);
	mutex_unlock(&ctn->kill_mutex);
	xa_destroy(&walk.leaderless);

	if (more)
		return -EINTR;
	return walk.sent ? 0 : walk.refused;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * The system calls of beancounters: get_bcid, set_bcid, set_bclimit and get_bcstat.
 * They name a container by its id, 0 being none. Their arguments, checks and errors
 * are those of 2006, and on x86-64 three of them have the numbers that OpenVZ's
 * kernels have for what are theirs: getluid, setluid and setublimit.
 *
 * Which resources there are, and what a limit does, is in bc_resources.c.
 */
#include <linux/capability.h>
#include <linux/kernel.h>
#include <linux/sched.h>
#include <linux/syscalls.h>
#include <linux/uaccess.h>
#include "bc.h"

/* get_bcid(): the id of the container that the current task is in, or 0 */
SYSCALL_DEFINE0(get_bcid)
{
	struct container *ctn;
	long id;

	rcu_read_lock();
	ctn = rcu_dereference(current->container);
	id = ctn ? ctn->id : 0;
	rcu_read_unlock();
	return id;
}

/* How often to try with one that is neither there nor away: rmdir may have been given up */
#define MAKE_TRIES	100

/* Find the container with that id, or make one. With a reference. */
static struct container *find_or_make(int id)
{
	struct container *ctn;
	char name[16];
	int err, tries;

	snprintf(name, sizeof(name), "%d", id);
	for (tries = 0; tries < MAKE_TRIES; tries++) {
		ctn = container_find(id);
		if (ctn)
			return ctn;
		/* this waits for who makes or removes one, of that id or another */
		err = container_make(name);
		if (err && err != -EEXIST)
			return ERR_PTR(err);
		cond_resched();
	}
	return ERR_PTR(-ENODEV);
}

static int join(int id)
{
	struct container *ctn;
	int err;

	/* until it is in one that is not removed at the same time */
	do {
		ctn = find_or_make(id);
		if (IS_ERR(ctn))
			return PTR_ERR(ctn);
		err = container_make_bc(ctn) ?
		      container_add_task(ctn, task_pid_vnr(current)) : -ENOMEM;
		container_put(ctn);
	} while (err == -ENODEV);
	return err;
}

static int leave(void)
{
	struct container *ctn;
	int err;

	/* until nobody moves it at the same time */
	do {
		ctn = container_get_own();
		if (!ctn)
			return 0;
		err = container_remove_task(ctn, task_pid_vnr(current));
		container_put(ctn);
	} while (err == -ESRCH);
	return err;
}

/*
 * set_bcid(id): move the process into the container with that id, which is made if it
 * is not there; or into none, for 0. All that share its memory move with it.
 */
SYSCALL_DEFINE1(set_bcid, uid_t, id)
{
	if (!capable(CAP_SETUID))
		return -EPERM;
	if (id > INT_MAX)
		return -EINVAL;
	return id ? join(id) : leave();
}

/* 0, or what to say of a resource of that number if there is none to be counted. */
static int check_number(unsigned long resource)
{
	if (!bc_resource(resource))
		return -EINVAL;
	return bc_resource(resource)->counted ? 0 : -EOPNOTSUPP;
}

/*
 * set_bclimit(id, resource, limits): limits[0] is the barrier, limits[1] the limit.
 * What is outside of all containers has none.
 */
SYSCALL_DEFINE3(set_bclimit, uid_t, id, unsigned long, resource,
		unsigned long __user *, limits)
{
	unsigned long given[2];
	struct bc_limits both;
	struct container *ctn;
	int err;

	if (!capable(CAP_SYS_RESOURCE))
		return -EPERM;
	err = check_number(resource);
	if (err)
		return err;
	if (copy_from_user(given, limits, sizeof(given)))
		return -EFAULT;
	both = (struct bc_limits){ given[0], given[1] };
	if (both.barrier > BC_MAXVALUE || both.limit > BC_MAXVALUE ||
	    both.barrier > both.limit)
		return -EINVAL;
	if (!id)
		return -EOPNOTSUPP;
	ctn = container_find(id);
	if (!ctn)
		return -ENOENT;
	err = container_bc_set(ctn, resource, &both);
	container_put(ctn);
	return err;
}

/*
 * get_bcstat(id, resource, parm): what there is to say of it. What is outside of all
 * containers has no limits, and is counted only while that is asked for: see bc_host.c. It is
 * everybody's, so that it is not for everybody to see.
 */
SYSCALL_DEFINE3(get_bcstat, uid_t, id, unsigned long, resource,
		struct bc_resource_parm __user *, parm)
{
	struct bc_resource_parm found;
	struct container *ctn;
	int err = check_number(resource);

	if (err)
		return err;
	if (id) {
		ctn = container_find(id);
		if (!ctn)
			return -ENOENT;
		err = container_bc_read(ctn, resource, &found);
		container_put(ctn);
		if (err)
			return err;
	} else {
		if (container_host_next(0) < BC_RESOURCES && !capable(CAP_SYS_ADMIN))
			return -EPERM;
		container_host_read(resource, &found);
	}
	return copy_to_user(parm, &found, sizeof(found)) ? -EFAULT : 0;
}

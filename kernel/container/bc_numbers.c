// SPDX-License-Identifier: GPL-2.0
/*
 * Beancounters of what there is a number of: open files, file locks, ptys, queued
 * signals, sockets. Each is counted for the container of the task that makes it, and
 * stays there until it is freed, whoever has it by then. But nobody is to be charged
 * for what others make: a queued signal is counted for who gets it, who has allowed that,
 * and what comes in on a socket that listens where that is: if that is the host, for who
 * accepts it.
 *
 * The object has its container as a token, so that it may outlive it: from then on it
 * names nobody, and there is nothing to uncharge. Nothing takes a lock here, as some of
 * these are freed with one held, or in an interrupt.
 */
#include <linux/capability.h>
#include <linux/container.h>
#include <linux/export.h>
#include <linux/sched.h>
#include "bc.h"
#include "token.h"

/* Charge @ctn, if there is one, and it has beancounters. Within RCU. */
static int charge(struct container *ctn, struct container_owner *owner, unsigned int nr,
		  enum bc_severity severity)
{
	int err;

	owner->token = 0;
	if (!ctn || !READ_ONCE(ctn->bc))
		return 0;
	if (severity == BC_BARRIER && bc_resource(nr)->admin_to_limit &&
	    has_capability_noaudit(current, CAP_SYS_ADMIN))
		severity = BC_LIMIT;
	err = container_bc_charge(ctn, nr, 1, severity);
	if (!err)
		owner->token = container_token(ctn);
	return err;
}

int __container_charge_one(struct container_owner *owner, unsigned int nr,
			   enum bc_severity severity)
{
	int err;

	rcu_read_lock();
	err = charge(container_of_current(), owner, nr, severity);
	rcu_read_unlock();
	return err;
}

int __container_charge_task(struct container_owner *owner, struct task_struct *task,
			    unsigned int nr, enum bc_severity severity)
{
	int err;

	rcu_read_lock();
	err = charge(rcu_dereference(task->container) ?: container_host(), owner, nr,
		     severity);
	rcu_read_unlock();
	return err;
}

/* Does @token name a container that has been made by somebody? */
static bool names_one(unsigned long token)
{
	struct container *ctn;
	bool ret;

	rcu_read_lock();
	ctn = token_container(token);
	ret = ctn && ctn != container_host();
	rcu_read_unlock();
	return ret;
}

void __container_charge_uncounted(struct container_owner *owner, unsigned int nr)
{
	unsigned long token = READ_ONCE(owner->token);
	struct container_owner mine;

	if (names_one(token))
		return;
	__container_charge_one(&mine, nr, BC_FORCE);
	if (!mine.token)
		return;
	/* another may have been here first */
	if (mine.token != token && cmpxchg(&owner->token, token, mine.token) == token)
		mine.token = token;
	container_bc_uncharge(mine.token, nr, 1);
}

int __container_charge_like(struct container_owner *owner,
			    const struct container_owner *like, unsigned int nr,
			    enum bc_severity severity)
{
	struct container *ctn;
	int err;

	rcu_read_lock();
	ctn = token_container(READ_ONCE(like->token));
	err = charge(ctn == container_host() ? NULL : ctn, owner, nr, severity);
	rcu_read_unlock();
	return err;
}
EXPORT_SYMBOL_GPL(__container_charge_like);

int __container_charge_instead(struct container_owner *owner, unsigned int is,
			       struct container_owner *old, unsigned int was,
			       unsigned int nr, enum bc_severity severity)
{
	struct container *ctn;
	int err = 0;

	owner->token = 0;
	rcu_read_lock();
	ctn = container_of_current();
	if (ctn && READ_ONCE(ctn->bc)) {
		if (old->token != container_token(ctn))
			was = 0;
		if (is > was)
			err = container_bc_charge(ctn, nr, is - was, severity);
		else
			container_bc_uncharge(old->token, nr, was - is);
		if (!err)
			owner->token = container_token(ctn);
		if (!err && was)
			old->token = 0;
	}
	rcu_read_unlock();
	return err;
}
EXPORT_SYMBOL_GPL(__container_charge_instead);

void __container_uncharge_many(struct container_owner *owner, unsigned int nr,
			       unsigned int val)
{
	unsigned long token = owner->token;

	owner->token = 0;
	container_bc_uncharge(token, nr, val);
}
EXPORT_SYMBOL_GPL(__container_uncharge_many);

// SPDX-License-Identifier: GPL-2.0
/*
 * Triggers of pressure: who has the file open and has written "some THRESHOLD WINDOW" to
 * it is woken from poll(2) when tasks of the container have waited for memory so long
 * within a window. The words and the events are those of /proc/pressure/memory.
 *
 * They are looked at by the work that computes the averages, ten times in the shortest
 * window, as long as somebody waits, or has waited within a window. Who waits or does not
 * wait finds nothing of them on its way.
 *
 * A trigger belongs to an open file, which ends it, and is in the list of its container.
 * The file may stay open for longer: a trigger has its container as a token. All triggers
 * are taken off the list before that names nobody any more.
 *
 * Locks: container_pressure::lock protects the list and all of a trigger but event and
 * removed. It is held while somebody is woken, so that who has taken a trigger off the
 * list can free it.
 */
#include <linux/ctype.h>
#include <linux/err.h>
#include <linux/math64.h>
#include <linux/poll.h>
#include <linux/psi.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "token.h"

/* A window is as long as one of PSI may be, in microseconds. */
#define WINDOW_MIN	500000U
#define WINDOW_MAX	10000000U

/* The work goes through all of them with a lock held. */
#define TRIGGERS_MAX	64

struct container_trigger {
	struct list_head	node;
	unsigned long		token;	/* of the container */
	u64			threshold;	/* of a wait, in ns */
	u64			window;		/* ns */
	u64			start;	/* of this window, */
	u64			start_total; /* and what had been waited until then */
	u64			before;	/* what was waited in the window before it */
	u64			next;	/* when it may be told of once more */
	wait_queue_head_t	wait;
	int			event;	/* it is to be told of */
	bool			removed; /* its container is */
};

static void restart(struct container_trigger *t, u64 now, u64 total)
{
	t->start = now;
	t->start_total = total;
	t->before = 0;
}

/*
 * So much had been waited until @now. Is it to be told of? @going_on is set if something
 * has been waited in the window, or in the one before it.
 */
static bool look(struct container_trigger *t, u64 now, u64 total, bool *going_on)
{
	u64 grown = total - t->start_total;
	u64 gone = now - t->start;

	if (t->before || grown)
		*going_on = true;
	if (gone >= t->window) {
		restart(t, now, total);
		t->before = min(grown, t->window);
	} else {
		/* as if what was waited in the window before had been spread over it */
		grown += mul_u64_u64_div_u64(t->before, t->window - gone, t->window);
	}
	if (grown < t->threshold || now < t->next)
		return false;
	t->next = now + t->window;
	return true;
}

/**
 * container_triggers_restart - somebody waits, and nobody has for longer than any window
 * @p: of the container; brought up to date.
 *
 * Context: the lock of @p is held.
 */
void container_triggers_restart(struct container_pressure *p)
{
	struct container_trigger *t;

	list_for_each_entry(t, &p->triggers, node)
		restart(t, p->since, p->total);
}

/**
 * container_triggers_look - wake up whose threshold has been passed
 * @p: of the container; brought up to date.
 *
 * Context: the lock of @p is held.
 * Return: is there anything in a window, so that it has to be looked at once more?
 */
bool container_triggers_look(struct container_pressure *p)
{
	struct container_trigger *t;
	bool going_on = false;

	list_for_each_entry(t, &p->triggers, node) {
		if (look(t, p->since, p->total, &going_on)) {
			WRITE_ONCE(t->event, 1);
			wake_up_interruptible(&t->wait);
		}
	}
	return going_on;
}

/* How often they are to be looked at. Context: the lock of @p is held. */
static void set_interval(struct container_pressure *p)
{
	struct container_trigger *t;
	u64 shortest = U64_MAX;

	list_for_each_entry(t, &p->triggers, node)
		shortest = min(shortest, t->window);
	p->look_every = list_empty(&p->triggers) ?
			0 : nsecs_to_jiffies(div_u64(shortest, 10));
}

/* "some THRESHOLD WINDOW", with one space, and a newline or none. 0 or -EINVAL. */
static int parse(const char *buf, unsigned int *threshold, unsigned int *window)
{
	char text[32], *words = text, *word;
	unsigned int *numbers[] = { threshold, window };
	ssize_t len = strscpy(text, buf, sizeof(text));
	int i;

	if (len < 0)
		return -EINVAL;
	if (len && text[len - 1] == '\n')
		text[len - 1] = '\0';
	if (strcmp(strsep(&words, " "), "some"))
		return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(numbers); i++) {
		word = strsep(&words, " ");
		/* no sign, nor anything else that kstrtouint() would take */
		if (!word || !isdigit(*word) || word[strlen(word) - 1] == '\n' ||
		    kstrtouint(word, 10, numbers[i]))
			return -EINVAL;
	}
	return words ? -EINVAL : 0;
}

/**
 * container_trigger_begin - an open file is to be told of pressure
 * @ctn: the container.
 * @buf: "some THRESHOLD WINDOW", in microseconds, with a newline or without.
 * @count: how long that is.
 *
 * Context: May sleep, with a reference to @ctn.
 * Return: the trigger, which container_trigger_end() frees; or -EINVAL, -ENOMEM, -ENOSPC
 *	   if the container has too many, -ENODEV if it is being removed, -EOPNOTSUPP if PSI
 *	   has been disabled when the machine was booted.
 */
void *container_trigger_begin(struct container *ctn, const char *buf, size_t count)
{
	struct container_pressure *p = &ctn->pressure;
	unsigned int threshold, window;
	struct container_trigger *t;
	int err = 0;

	if (static_branch_likely(&psi_disabled))
		return ERR_PTR(-EOPNOTSUPP);
	/* one NUL at the end is not a part of it: programs for PSI write that */
	if (strlen(buf) + 1 < count || parse(buf, &threshold, &window) ||
	    window < WINDOW_MIN || window > WINDOW_MAX || !threshold || threshold > window)
		return ERR_PTR(-EINVAL);

	t = kzalloc(sizeof(*t), GFP_KERNEL_ACCOUNT);
	if (!t)
		return ERR_PTR(-ENOMEM);
	t->threshold = threshold * (u64)NSEC_PER_USEC;
	t->window = window * (u64)NSEC_PER_USEC;
	init_waitqueue_head(&t->wait);

	spin_lock(&p->lock);
	/* if it is not, it has an ident: pairs with container_revive() */
	if (test_bit_acquire(CONTAINER_DYING, &ctn->flags)) {
		err = -ENODEV;
	} else if (p->nr_triggers == TRIGGERS_MAX) {
		err = -ENOSPC;
	} else {
		t->token = container_token(ctn);
		container_pressure_update(p);
		restart(t, p->since, p->total);
		list_add_tail(&t->node, &p->triggers);
		p->nr_triggers++;
		set_interval(p);
		/* it may be on its way, but for later */
		if (!p->resting)
			mod_delayed_work(system_wq, &p->work, p->look_every);
	}
	spin_unlock(&p->lock);
	if (!err)
		return t;
	kfree(t);
	return ERR_PTR(err);
}

/**
 * container_trigger_poll - what poll(2) says of an open file
 * @watch: its trigger, or NULL.
 * @file: the file.
 * @wait: as poll() of struct file_operations has it.
 *
 * Context: May sleep.
 * Return: with EPOLLPRI if there has been an event since the last call; with EPOLLERR as
 *	   well if there is no trigger, or no container any more.
 */
__poll_t container_trigger_poll(void *watch, struct file *file, poll_table *wait)
{
	struct container_trigger *t = watch;

	if (!t)
		return DEFAULT_POLLMASK | EPOLLERR | EPOLLPRI;
	poll_wait(file, &t->wait, wait);
	if (READ_ONCE(t->removed))
		return DEFAULT_POLLMASK | EPOLLERR | EPOLLPRI;
	return DEFAULT_POLLMASK | (xchg(&t->event, 0) ? EPOLLPRI : 0);
}

/**
 * container_trigger_end - the file is closed
 * @watch: its trigger, which is freed.
 *
 * Context: May sleep.
 */
void container_trigger_end(void *watch)
{
	struct container_trigger *t = watch;
	struct container_pressure *p;
	struct container *ctn;

	rcu_read_lock();
	ctn = token_container(t->token);
	if (ctn) {
		p = &ctn->pressure;
		spin_lock(&p->lock);
		if (!list_empty(&t->node)) {
			list_del(&t->node);
			p->nr_triggers--;
			set_interval(p);
		}
		spin_unlock(&p->lock);
	}
	rcu_read_unlock();
	kfree(t);
}

/**
 * container_triggers_remove - the container goes: whoever polls is told, for good
 * @ctn: the container, which has CONTAINER_DYING, and is in the table still.
 *
 * Context: May sleep.
 */
void container_triggers_remove(struct container *ctn)
{
	struct container_pressure *p = &ctn->pressure;
	struct container_trigger *t, *next;

	spin_lock(&p->lock);
	list_for_each_entry_safe(t, next, &p->triggers, node) {
		list_del_init(&t->node);
		WRITE_ONCE(t->removed, true);
		wake_up_interruptible_poll(&t->wait, EPOLLERR | EPOLLPRI);
	}
	p->nr_triggers = 0;
	p->look_every = 0;
	spin_unlock(&p->lock);
}

#ifdef CONFIG_CONTAINERS_KUNIT_TEST
#include "tests/trigger-kunit.h"
#endif

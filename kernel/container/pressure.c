// SPDX-License-Identifier: GPL-2.0
/*
 * The file pressure: how much of the time at least one task of the container has
 * waited for memory. What waiting for memory is, is what PSI says it is: the throttle,
 * waiting for room below rss_limit, reading what was in memory a moment ago, swap-in,
 * direct reclaim. The averages are those of /proc/pressure/memory ("some").
 *
 * PSI itself keeps a record of each CPU for each of its groups, and looks at it at each
 * switch of tasks. This one only looks where a wait begins or ends, so that who does not
 * wait pays nothing.
 *
 * A wait is counted for the container in which it began, whatever becomes of the task
 * meanwhile. The task has that as a token, which names nobody once the container is gone.
 */
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/psi.h>
#include <linux/sched/loadavg.h>
#include <linux/seq_file.h>
#include "token.h"

/*
 * As in PSI: the averages are computed every two seconds, over ten seconds, one minute
 * and five; these are FIXED_1 / exp(2 s / that).
 */
#define PRESSURE_PERIOD		(2 * NSEC_PER_SEC)
static const unsigned long decay[3] = { 1677, 1981, 2034 };

/*
 * Of the time since avg_time: @missed periods in which nobody has looked, so that nobody
 * waited, or all of it was one wait; then @period, of which @stalled is not in these.
 */
static void average(struct container_pressure *p, u64 stalled, u64 period,
		    u64 missed)
{
	unsigned long part;
	int i;

	if (p->stalled)
		stalled -= min(stalled, missed * PRESSURE_PERIOD);
	part = div64_u64(min(stalled, period) * 100, period) * FIXED_1;

	for (i = 0; i < ARRAY_SIZE(p->avg); i++) {
		if (missed)
			p->avg[i] = calc_load_n(p->avg[i], decay[i],
						p->stalled ? 100 * FIXED_1 : 0,
						min_t(u64, missed, UINT_MAX));
		p->avg[i] = calc_load(p->avg[i], decay[i], part);
	}
}

/* Bring all up to @now. The lock is held. */
static void update(struct container_pressure *p, u64 now)
{
	u64 missed = 0;

	if (p->stalled)
		p->total += now - p->since;
	p->since = now;
	if (now < p->avg_next)
		return;

	/* nobody has looked for longer: the work stops when nobody waits */
	missed = div64_u64(now - p->avg_next, PRESSURE_PERIOD);
	average(p, p->total - p->avg_total,
		now - p->avg_time - missed * PRESSURE_PERIOD, missed);
	p->avg_total = p->total;
	p->avg_time = now;
	p->avg_next += (missed + 1) * PRESSURE_PERIOD;
}

/* Bring all up to date. Context: the lock of @p is held. */
void container_pressure_update(struct container_pressure *p)
{
	update(p, ktime_get_ns());
}

/*
 * Is there something that is not averaged yet, or will be? Then the work is on its way:
 * if it came after a long time only, that would look as if it had just been. The lock is
 * held.
 */
static bool has_more(const struct container_pressure *p)
{
	return p->stalled || p->total != p->avg_total;
}

/*
 * How long it is until the averages are to be computed, or the triggers looked at, in
 * jiffies. The lock is held.
 */
static unsigned long until_next(const struct container_pressure *p)
{
	/* since is when all was brought up to date: just now */
	unsigned long averages = nsecs_to_jiffies(p->avg_next - p->since) + 1;

	return p->look_every ? min(averages, p->look_every) : averages;
}

static void pressure_work(struct work_struct *work)
{
	struct container_pressure *p =
		container_of(to_delayed_work(work), struct container_pressure, work);
	unsigned long delay;
	bool again;

	spin_lock(&p->lock);
	update(p, ktime_get_ns());
	again = container_triggers_look(p) || has_more(p);
	p->resting = !again;
	delay = until_next(p);
	spin_unlock(&p->lock);

	if (again)
		schedule_delayed_work(&p->work, delay);
}

void __container_stall_begin(void)
{
	struct container_pressure *p;
	unsigned long delay = 0;
	struct container *ctn;
	bool first;

	rcu_read_lock();
	ctn = rcu_dereference(current->container);
	if (ctn) {
		current->container_stall = container_token(ctn);
		p = &ctn->pressure;
		spin_lock(&p->lock);
		first = !p->stalled;
		if (first) {
			update(p, ktime_get_ns());
			if (p->resting)
				container_triggers_restart(p);
			p->resting = false;
			delay = until_next(p);
		}
		p->stalled++;
		spin_unlock(&p->lock);
		if (first)
			schedule_delayed_work(&p->work, delay);
	}
	rcu_read_unlock();
}

void __container_stall_end(void)
{
	struct container_pressure *p;
	struct container *ctn;

	rcu_read_lock();
	ctn = token_container(current->container_stall);
	current->container_stall = 0;
	if (ctn) {
		p = &ctn->pressure;
		spin_lock(&p->lock);
		if (p->stalled == 1)
			update(p, ktime_get_ns());
		p->stalled--;
		spin_unlock(&p->lock);
	}
	rcu_read_unlock();
}

/**
 * container_show_pressure - the averages, and all of it
 * @ctn: the container.
 * @m: a line is put there, as /proc/pressure/memory has it; total is in microseconds.
 *
 * Context: May sleep, with a reference to @ctn.
 * Return: 0, or -EOPNOTSUPP if PSI has been disabled when the machine was booted.
 */
int container_show_pressure(struct container *ctn, struct seq_file *m)
{
	struct container_pressure *p = &ctn->pressure;
	unsigned long avg[3];
	u64 total;

	if (static_branch_likely(&psi_disabled))
		return -EOPNOTSUPP;

	spin_lock(&p->lock);
	update(p, ktime_get_ns());
	memcpy(avg, p->avg, sizeof(avg));
	total = p->total;
	spin_unlock(&p->lock);

	seq_printf(m, "some avg10=%lu.%02lu avg60=%lu.%02lu avg300=%lu.%02lu total=%llu\n",
		   LOAD_INT(avg[0]), LOAD_FRAC(avg[0]), LOAD_INT(avg[1]),
		   LOAD_FRAC(avg[1]), LOAD_INT(avg[2]), LOAD_FRAC(avg[2]),
		   div_u64(total, NSEC_PER_USEC));
	return 0;
}

/* @ctn is being made. Context: Any. */
void container_pressure_init(struct container *ctn)
{
	struct container_pressure *p = &ctn->pressure;

	spin_lock_init(&p->lock);
	INIT_LIST_HEAD(&p->triggers);
	p->resting = true;
	p->since = ktime_get_ns();
	p->avg_time = p->since;
	p->avg_next = p->since + PRESSURE_PERIOD;
	INIT_DELAYED_WORK(&p->work, pressure_work);
}

/*
 * @ctn is not removed after all. Who began to wait in it does not find it when that ends,
 * as it has another ident now. Context: Any.
 */
void container_pressure_revive(struct container *ctn)
{
	struct container_pressure *p = &ctn->pressure;

	spin_lock(&p->lock);
	update(p, ktime_get_ns());
	p->stalled = 0;
	spin_unlock(&p->lock);
}

/* @ctn is to be freed. Context: May sleep. */
void container_pressure_stop(struct container *ctn)
{
	disable_delayed_work_sync(&ctn->pressure.work);
}

#ifdef CONFIG_CONTAINERS_KUNIT_TEST
#include "tests/pressure-kunit.h"
#endif

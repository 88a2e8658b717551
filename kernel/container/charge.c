// SPDX-License-Identifier: GPL-2.0
/*
 * Charging: tokens, counters, and what happens at the limits.
 *
 * An anonymous folio is charged to the container of the mm that it is for; a
 * folio of the page cache to the owner of the file, and only as long as it is
 * there. Other folios are uncharged when they are freed. When the stages of
 * that are, and that only the first can fail: see linux/container.h.
 *
 * Counting is per CPU and exact when read. The page counters serve to notice
 * and to keep the limits: every CPU charges them in advance for CONTAINER_STOCK
 * pages, so they never read less than is used. Where they read more than
 * page_limit but the sum of the CPUs does not, the stocks are given back, so
 * that no CPU can go over the limit on a stock that it had before; and before
 * anything fails for rss_limit, they are given back, too.
 *
 * The read-side sections here have preemption disabled, which RCU waits for as
 * well: they are short, and this is cheaper than rcu_read_lock() where that is
 * preemptible.
 *
 * Locks and lifetime: see internal.h.
 */
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/oom.h>
#include <linux/pagevec.h>
#include <linux/resume_user_mode.h>
#include <linux/rmap.h>
#include <linux/sched/signal.h>
#include <trace/events/container.h>
#include "internal.h"

DEFINE_STATIC_KEY_FALSE(containers_key);
DEFINE_STATIC_KEY_FALSE(container_rss_key);

#ifdef CONFIG_MEMCG
static __init bool need_container_page_ext(void)
{
	return true;
}

struct page_ext_operations container_page_ext_ops = {
	.size = sizeof(unsigned long),
	.need = need_container_page_ext,
};
#endif

/* Sum over all CPUs; exact while nobody charges. */
unsigned long container_stat(struct container *ctn, enum container_stat item)
{
	long sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu_ptr(ctn->pcpu, cpu)->stat[item]);

	/* a page may be taken off on another CPU before it is summed up here */
	return max(sum, 0L);
}

/* The sum of three in one go: who trims asks for these all the time. */
static unsigned long sum_of_three(struct container *ctn, enum container_stat a,
				  enum container_stat b, enum container_stat c)
{
	const long *stat;
	long sum = 0;
	int cpu;

	for_each_possible_cpu(cpu) {
		stat = per_cpu_ptr(ctn->pcpu, cpu)->stat;
		sum += READ_ONCE(stat[a]) + READ_ONCE(stat[b]) +
		       READ_ONCE(stat[c]);
	}
	return max(sum, 0L);
}

/* Anonymous and shmem pages: what can go nowhere but to swap. */
unsigned long container_held(struct container *ctn)
{
	return container_stat(ctn, CONTAINER_ANON) +
	       container_stat(ctn, CONTAINER_SHMEM);
}

/* What rss_limit is about. */
unsigned long container_rss(struct container *ctn)
{
	return sum_of_three(ctn, CONTAINER_ANON, CONTAINER_SHMEM,
			    CONTAINER_MAPPED_FILE);
}

/* All page cache, and what of it is mapped. */
unsigned long container_file(struct container *ctn)
{
	return container_stat(ctn, CONTAINER_FILE) +
	       container_stat(ctn, CONTAINER_SHMEM);
}

unsigned long container_mapped(struct container *ctn)
{
	return container_stat(ctn, CONTAINER_MAPPED_FILE) +
	       container_stat(ctn, CONTAINER_MAPPED_SHMEM);
}

/* What page_limit is about. */
unsigned long container_usage(struct container *ctn)
{
	return sum_of_three(ctn, CONTAINER_ANON, CONTAINER_FILE,
			    CONTAINER_SHMEM);
}

static unsigned long rss_limit(struct container *ctn)
{
	return READ_ONCE(ctn->counter[CONTAINER_RSS].max);
}

/*
 * Is it over rss_limit, so that tasks are to wait? Not on account of the few
 * file pages that it may always have mapped.
 */
bool container_over_rss(struct container *ctn)
{
	unsigned long limit = rss_limit(ctn);

	return limit != PAGE_COUNTER_MAX && container_rss(ctn) > limit &&
	       (container_held(ctn) > limit ||
		container_stat(ctn, CONTAINER_MAPPED_FILE) >
		CONTAINER_MAPPED_MIN);
}

/* Give back what the CPUs hold in advance. */
void container_drain_stock(struct container *ctn)
{
	int i, cpu;
	long nr;

	/* one may be owed what another has: only the sum is the counter's */
	for (i = 0; i < NR_CONTAINER_COUNTERS; i++) {
		nr = 0;
		for_each_possible_cpu(cpu)
			nr += atomic_long_xchg(&per_cpu_ptr(ctn->pcpu, cpu)->stock[i],
					       0);
		if (nr > 0)
			page_counter_uncharge(&ctn->counter[i], nr);
		else if (nr < 0)
			page_counter_charge(&ctn->counter[i], -nr);
	}
}

/* May the current task be made to wait for this container? */
static bool is_own_task(struct container *ctn)
{
	return rcu_access_pointer(current->container) == ctn &&
	       !(current->flags & (PF_KTHREAD | PF_EXITING));
}

static void make_wait(unsigned int why)
{
	current->container_over |= why;
	set_notify_resume(current);
	container_stop_point("charge: to wait");
}

/*
 * The page counters are over page_limit: is the container? If so, call on
 * kcontainerd, once, and if it is far over have the current task, if that is
 * one of the container's, wait before it goes on in user mode.
 */
static void check_page_limit(struct container *ctn)
{
	unsigned long limit = READ_ONCE(ctn->page_limit);
	unsigned long usage = container_usage(ctn);

	if (usage <= limit) {
		container_drain_stock(ctn);
		return;
	}

	/*
	 * If nothing could be trimmed the last time, kcontainerd comes again by
	 * itself; there is no use in calling it until there is more to trim.
	 */
	if (test_bit(CONTAINER_DYING, &ctn->flags) ||
	    (test_bit(CONTAINER_FUTILE, &ctn->flags) &&
	     usage <= READ_ONCE(ctn->futile_usage) + limit / 8))
		return;

	if (!test_bit(CONTAINER_TRIMMING, &ctn->flags) &&
	    !test_and_set_bit(CONTAINER_TRIMMING, &ctn->flags)) {
		clear_bit(CONTAINER_FUTILE, &ctn->flags);
		atomic_long_inc(&ctn->page_limit_hits);
		container_notify(ctn, CONTAINER_PAGE_LIMIT_HITS);
		trace_container_limit_hit(ctn->id, false, usage, limit);
		container_call_kcontainerd(ctn);
	}

	if (usage - limit > limit / 8 && is_own_task(ctn))
		make_wait(CONTAINER_OVER_SOFT);
}

static unsigned long counted(struct container *ctn)
{
	return page_counter_read(&ctn->counter[CONTAINER_RSS]) +
	       page_counter_read(&ctn->counter[CONTAINER_CACHE]);
}

/**
 * container_check_limit - do what is to be done over a limit
 * @ctn: the container, whose counters may be over one.
 *
 * Context: Any, but not from an interrupt. Within RCU.
 */
void container_check_limit(struct container *ctn)
{
	if (counted(ctn) > READ_ONCE(ctn->page_limit))
		check_page_limit(ctn);

	if (page_counter_read(&ctn->counter[CONTAINER_RSS]) <= rss_limit(ctn))
		return;
	/* in any case, nobody is to go on with what was taken in advance */
	container_drain_stock(ctn);
	if (!container_over_rss(ctn) || test_bit(CONTAINER_DYING, &ctn->flags))
		return;
	if (is_own_task(ctn))
		make_wait(CONTAINER_OVER_HARD);
	else
		container_call_kcontainerd(ctn);
}

/*
 * The stock of this CPU is used up. Fill it if the limits are far, or if
 * page_limit is past and that has been noticed below; just before a limit, take
 * no more than was asked for.
 */
static noinline void refill_stock(struct container *ctn,
				  enum container_counter which,
				  atomic_long_t *stock)
{
	struct page_counter *counter = &ctn->counter[which];
	unsigned long limit = READ_ONCE(ctn->page_limit);
	unsigned long used = counted(ctn);
	long nr = -atomic_long_read(stock);

	if (nr <= 0)
		return;
	if ((used > limit || used + nr + CONTAINER_STOCK <= limit) &&
	    page_counter_read(counter) + nr + CONTAINER_STOCK <=
	    READ_ONCE(counter->max))
		nr += CONTAINER_STOCK;

	page_counter_charge(counter, nr);
	atomic_long_add(nr, stock);
	container_stop_point("charge: stock filled");
	container_check_limit(ctn);
}

/* More than enough: give back what is over, if it is there still. */
static noinline void return_stock(struct container *ctn,
				  enum container_counter which,
				  atomic_long_t *stock)
{
	long nr = atomic_long_read(stock);

	do {
		if (nr <= 2 * CONTAINER_STOCK)
			return;
	} while (!atomic_long_try_cmpxchg(stock, &nr, CONTAINER_STOCK));

	page_counter_uncharge(&ctn->counter[which], nr - CONTAINER_STOCK);
}

/* Within RCU, as all that follows. The CPU may change: no harm is done. */
static __always_inline void charge_counter(struct container *ctn,
					   enum container_counter which, long nr)
{
	atomic_long_t *stock = &raw_cpu_ptr(ctn->pcpu)->stock[which];

	if (unlikely(atomic_long_add_negative(-nr, stock)))
		refill_stock(ctn, which, stock);
}

static __always_inline void
uncharge_stock(struct container *ctn, enum container_counter which,
	       struct container_pcpu __percpu *pcpu, long nr)
{
	atomic_long_t *stock = &raw_cpu_ptr(pcpu)->stock[which];

	if (unlikely(atomic_long_fetch_add(nr, stock) > 2 * CONTAINER_STOCK - nr))
		return_stock(ctn, which, stock);
}

static __always_inline void uncharge_counter(struct container *ctn,
					     enum container_counter which,
					     long nr)
{
	uncharge_stock(ctn, which, ctn->pcpu, nr);
}

/*
 * One that dies gives back more than it takes. If it is mapped files that fill the
 * limit, and will not go, what fits without them is let through. And who may hold
 * a lock cannot wait for ever.
 */
static bool may_go_over(struct container *ctn, long nr)
{
	if (fatal_signal_pending(current) || (current->flags & PF_EXITING) ||
	    tsk_is_oom_victim(current) ||
	    (nr == 1 && (current->container_over & CONTAINER_OVER_FORCE)) ||
	    test_bit(CONTAINER_DYING, &ctn->flags))
		return true;
	return (current->container_over & CONTAINER_OVER_LET) &&
	       container_held(ctn) + nr <= rss_limit(ctn);
}

/*
 * The stock of this CPU did not suffice for @nr pages, which are in it again:
 * all of them, or what the CPUs have between them, or none.
 */
static noinline int reserve_slowly(struct container *ctn, atomic_long_t *stock,
				   long nr)
{
	struct page_counter *counter = &ctn->counter[CONTAINER_RSS];
	struct page_counter *over;

	if (counted(ctn) + nr + CONTAINER_STOCK <= READ_ONCE(ctn->page_limit) &&
	    page_counter_try_charge(counter, nr + CONTAINER_STOCK, &over)) {
		atomic_long_add(CONTAINER_STOCK, stock);
		return 0;
	}
	if (!page_counter_try_charge(counter, nr, &over)) {
		container_stop_point("charge: does not fit");
		container_drain_stock(ctn);
		if (!page_counter_try_charge(counter, nr, &over)) {
			if (!may_go_over(ctn, nr))
				return -ENOMEM;
			current->container_over &= ~(CONTAINER_OVER_LET |
						     CONTAINER_OVER_FORCE);
			page_counter_charge(counter, nr);
		}
	}
	container_check_limit(ctn);
	return 0;
}

/* Charge @nr pages to rss from the stock of this CPU, if it has that many. */
static __always_inline bool reserve_from_stock(struct container *ctn, long nr)
{
	atomic_long_t *stock = &raw_cpu_ptr(ctn->pcpu)->stock[CONTAINER_RSS];

	if (likely(!atomic_long_add_negative(-nr, stock)))
		return true;
	atomic_long_add(nr, stock);
	return false;
}

/* Charge @nr pages to rss if they fit below the limit. */
static int reserve(struct container *ctn, long nr)
{
	if (reserve_from_stock(ctn, nr))
		return 0;
	return reserve_slowly(ctn, &raw_cpu_ptr(ctn->pcpu)->stock[CONTAINER_RSS],
			      nr);
}

static void count_failure(struct container *ctn, long nr)
{
	container_count(ctn, CONTAINER_CHARGE_FAILURES, 1);
	container_notify(ctn, CONTAINER_RSS_FAILCNT);
	trace_container_charge_failed(ctn->id, nr, container_rss(ctn),
				      rss_limit(ctn));
}

/*
 * That failed. A large folio is done without. In a page fault of one of its own
 * tasks it fails, and waits where no locks are held. Elsewhere it goes over the
 * limit: others may have to get on for these to.
 */
static noinline int failed_reserve(struct container *ctn, long nr)
{
	count_failure(ctn, nr);
	container_stop_point("charge: failed");
	if (nr > 1)
		return -ENOMEM;
	if (current->container_in_fault && is_own_task(ctn)) {
		make_wait(CONTAINER_OVER_FAILED);
		return -ENOMEM;
	}
	charge_counter(ctn, CONTAINER_RSS, nr);
	return 0;
}

/* ---- tokens ---- */

static __always_inline enum container_stat token_stat(unsigned long token)
{
	return (token & (CONTAINER_TOKEN_FILE | CONTAINER_TOKEN_SHMEM)) >> 1;
}

static __always_inline enum container_stat token_mapped_stat(unsigned long token)
{
	return token_stat(token) + CONTAINER_MAPPED_FILE - CONTAINER_FILE;
}

/* How many of @nr pages are charged as rss? */
static __always_inline long token_rss(unsigned long token, long nr)
{
	return token_stat(token) == CONTAINER_FILE ? token_mapped(token) : nr;
}

static __always_inline void charge_token(unsigned long token, long nr)
{
	struct container *ctn = token_container(token);
	long rss = token_rss(token, nr);

	if (rss)
		charge_counter(ctn, CONTAINER_RSS, rss);
	if (nr != rss)
		charge_counter(ctn, CONTAINER_CACHE, nr - rss);
}

static __always_inline void uncharge_token(unsigned long token, long nr)
{
	struct container *ctn = token_container(token);
	long rss = token_rss(token, nr);

	if (rss)
		uncharge_counter(ctn, CONTAINER_RSS, rss);
	if (nr != rss)
		uncharge_counter(ctn, CONTAINER_CACHE, nr - rss);
}

/* What of a token comes and goes while a folio stays charged */
#define TOKEN_STATE	(CONTAINER_TOKEN_ACTIVE | CONTAINER_TOKEN_MAPPED_MASK)

/* What @token says of that, with @sign 1 or -1. */
static __always_inline void count_state(unsigned long token, long nr, int sign)
{
	struct container *ctn = token_container(token);

	if (likely(!(token & TOKEN_STATE)))
		return;
	if (token & CONTAINER_TOKEN_ACTIVE)
		this_cpu_add(ctn->pcpu->stat[CONTAINER_ACTIVE], sign * nr);
	if (token_mapped(token))
		this_cpu_add(ctn->pcpu->stat[token_mapped_stat(token)],
			     sign * (long)token_mapped(token));
}

/* Count @nr pages as @token, which the caller has just put in place, says. */
static __always_inline void count_stat(unsigned long token, long nr)
{
	this_cpu_add(token_container(token)->pcpu->stat[token_stat(token)], nr);
	count_state(token, nr, 1);
}

static __always_inline void count_token(unsigned long token, long nr)
{
	count_stat(token, nr);
	charge_token(token, nr);
}

/* Undo that for @token, which the caller has just taken away. */
static __always_inline void uncount_token(unsigned long token, long nr)
{
	this_cpu_sub(token_container(token)->pcpu->stat[token_stat(token)], nr);
	count_state(token, nr, -1);
	uncharge_token(token, nr);
}

/* @nr more pages of a folio with @token have been mapped: that makes them rss. */
static __always_inline void move_mapped(unsigned long token, long nr)
{
	struct container *ctn = token_container(token);

	if (token_stat(token) != CONTAINER_FILE || !nr)
		return;
	if (nr > 0) {
		charge_counter(ctn, CONTAINER_RSS, nr);
		uncharge_counter(ctn, CONTAINER_CACHE, nr);
	} else {
		charge_counter(ctn, CONTAINER_CACHE, -nr);
		uncharge_counter(ctn, CONTAINER_RSS, -nr);
	}
}

/*
 * Give a folio that others may already find, and that has none, a token that
 * says nothing of PG_active yet: whether it is on the active list does not
 * change while lru_lock is held, and one that is being put there comes by
 * later. Returns the token, which is still to be counted; 0 if there was one.
 */
static unsigned long set_visible_token(struct folio *folio, unsigned long token)
{
	unsigned long *slot = folio_token_slot(folio);
	struct lruvec *lruvec;
	unsigned long flags;
	bool set;

	if (!slot)
		return 0;

	lruvec = folio_lruvec_lock_irqsave(folio, &flags);
	if (folio_test_lru(folio) && folio_test_active(folio))
		token |= CONTAINER_TOKEN_ACTIVE;
	set = !cmpxchg(slot, 0, token);
	unlock_page_lruvec_irqrestore(lruvec, flags);
	return set ? token : 0;
}

static void charge_visible_folio(struct folio *folio, unsigned long token)
{
	token = set_visible_token(folio, token);
	if (token)
		count_token(token, folio_nr_pages(folio));
}

/*
 * Have the token of @folio say @to, or nobody if that is NULL, instead of
 * another. Returns the token before, which is still to be uncounted, and sets
 * @new to that which is to be counted; 0 if nothing was changed.
 */
static unsigned long move_token(struct folio *folio, struct container *to,
				unsigned long *new)
{
	unsigned long *slot = folio_token_slot(folio);
	unsigned long old;

	if (!slot)
		return 0;

	old = READ_ONCE(*slot);
	do {
		if (!old || token_container(old) == to)
			return 0;
		*new = to ? container_token(to) |
			    (old & (BIT(CONTAINER_TOKEN_SHIFT) - 1)) : 0;
	} while (!try_cmpxchg(slot, &old, *new));
	return old;
}

/* Give the charge of @folio to @to. Returns false if there was none. */
static bool move_charge(struct folio *folio, struct container *to)
{
	unsigned long old, new;

	old = move_token(folio, to, &new);
	if (!old)
		return folio_container(folio);

	if (new)
		count_token(new, folio_nr_pages(folio));
	uncount_token(old, folio_nr_pages(folio));
	return true;
}

/*
 * The first stage for a folio that others may already find. Whoever else comes
 * to charge it at this moment, one of them has it.
 */
static int try_charge_visible(struct folio *folio, struct container *ctn,
			      unsigned long kind)
{
	long nr = folio_nr_pages(folio);
	unsigned long old, new;
	int err;

	if (folio_container(folio) == ctn)
		return 0;

	err = reserve(ctn, nr);
	if (unlikely(err)) {
		err = failed_reserve(ctn, nr);
		/* what is in swap is as large as it is */
		if (err && nr > 1 && !(kind && !folio_test_swapcache(folio))) {
			charge_counter(ctn, CONTAINER_RSS, nr);
			err = 0;
		}
		if (err)
			return err;
	}

	container_stop_point("charge: reserved");
	old = move_token(folio, ctn, &new);
	if (!old)
		new = set_visible_token(folio, container_token(ctn) | kind);
	if (new && token_rss(new, nr) == nr) {
		count_stat(new, nr);
	} else {
		uncharge_counter(ctn, CONTAINER_RSS, nr);
		if (new)
			count_token(new, nr);
	}
	if (old)
		uncount_token(old, nr);
	if (nr > 1)
		container_check_limit(ctn);
	return 0;
}

/* @nr pages of @folio, which nobody else knows, have been charged as @token says. */
static __always_inline void set_new_token(struct folio *folio,
					  unsigned long token, long nr)
{
	WRITE_ONCE(*folio_token_slot(folio), token);
	this_cpu_add(token_container(token)->pcpu->stat[token_stat(token)], nr);
}

static int try_charge_new(struct folio *folio, unsigned long token)
{
	struct container *ctn = token_container(token);
	long nr = folio_nr_pages(folio);
	int err;

	/* memory of a device is not the machine's */
	if (!folio_token_slot(folio) || folio_is_zone_device(folio))
		return 0;

	err = reserve(ctn, nr);
	if (err)
		err = failed_reserve(ctn, nr);
	if (!err)
		set_new_token(folio, token, nr);
	/* so many pages were not there yet for reserve() to see */
	if (nr > 1 && !err)
		container_check_limit(ctn);
	container_stop_point("charge: a new folio");
	return err;
}

static noinline int charge_slowly(struct folio *folio, struct mm_struct *mm)
{
	unsigned long token;
	int err = 0;

	rcu_read_lock_sched();
	token = READ_ONCE(mm->container_token);
	if (token)
		err = try_charge_new(folio, token);
	rcu_read_unlock_sched();
	return err;
}

/*
 * The first stage for a folio that nobody else knows, and the most common case:
 * one anonymous page, and it is in stock.
 */
static __always_inline bool charge_from_stock(struct folio *folio,
					      unsigned long token)
{
	if (unlikely(folio_test_large(folio)) ||
	    unlikely(folio_is_zone_device(folio)) ||
	    unlikely(!has_slot(folio_token_slot(folio))) ||
	    unlikely(!reserve_from_stock(token_container(token), 1)))
		return false;
	set_new_token(folio, token, 1);
	return true;
}

int __container_charge(struct folio *folio, struct mm_struct *mm)
{
	unsigned long token;

	rcu_read_lock_sched();
	token = READ_ONCE(mm->container_token);
	if (likely(token) && likely(charge_from_stock(folio, token))) {
		rcu_read_unlock_sched();
		return 0;
	}
	rcu_read_unlock_sched();
	return charge_slowly(folio, mm);
}

void __container_commit_anon(struct folio *folio, struct mm_struct *mm)
{
	struct container *ctn;

	rcu_read_lock_sched();
	ctn = mm_container(mm);
	/* it was charged when it was swapped in, or the mm has been moved */
	if (!move_charge(folio, ctn) && ctn && !folio_is_zone_device(folio))
		charge_visible_folio(folio, container_token(ctn));
	rcu_read_unlock_sched();
}

int __container_charge_swapin(struct folio *folio, struct mm_struct *mm)
{
	struct container *ctn;
	bool refault;
	int err = 0;

	/* some other task has it, and its container the charge */
	if (folio_mapped(folio))
		return 0;

	rcu_read_lock_sched();
	ctn = mm_container(mm);
	if (ctn) {
		refault = !folio_container(folio);
		err = try_charge_visible(folio, ctn, 0);
		if (refault && !err)
			this_cpu_add(ctn->pcpu->stat[CONTAINER_REFAULTED],
				     folio_nr_pages(folio));
	}
	rcu_read_unlock_sched();
	return err;
}

void __container_commit_swapin(struct folio *folio, struct mm_struct *mm)
{
	if (!folio_mapped(folio))
		__container_commit_anon(folio, mm);
}

int __container_charge_shmem(struct folio *folio, struct address_space *mapping)
{
	const unsigned long kind = CONTAINER_TOKEN_FILE | CONTAINER_TOKEN_SHMEM;
	struct container_file *file;
	int err = 0;

	rcu_read_lock_sched();
	file = rcu_dereference_sched(mapping->container_file);
	/* what others do with the file must not fail: it is forced later */
	if (file && is_own_task(file->ctn)) {
		if (folio_test_swapcache(folio) || folio_token(folio))
			err = try_charge_visible(folio, file->ctn, kind);
		else
			err = try_charge_new(folio, file->token);
	}
	rcu_read_unlock_sched();
	return err;
}

/* Has the file more pages than kcontainerd has it down for? */
static __always_inline bool has_grown(const struct container_file *file,
				      const struct address_space *mapping)
{
	return READ_ONCE(mapping->nrpages) >= READ_ONCE(file->outgrown);
}

static noinline void charge_file_slowly(struct folio *folio,
					struct address_space *mapping,
					bool refault)
{
	struct container_file *file;
	unsigned long *slot;
	unsigned long token;
	bool grown = false;

	rcu_read_lock_sched();
	file = rcu_dereference_sched(mapping->container_file);
	slot = folio_token_slot(folio);
	if (!file || !slot) {
		/* shmem that its owner swapped out and then lost */
		move_charge(folio, NULL);
		goto out;
	}

	grown = has_grown(file, mapping);
	if (refault)
		this_cpu_add(file->ctn->pcpu->stat[CONTAINER_REFAULTED],
			     folio_nr_pages(folio));

	/* shmem mostly is what it is to be already */
	if (!((READ_ONCE(*slot) ^ container_token(file->ctn)) >>
	      CONTAINER_TOKEN_SHIFT) && (READ_ONCE(*slot) & CONTAINER_TOKEN_FILE))
		goto out;

	/* khugepaged has it charged to the process that it works for */
	if (READ_ONCE(*slot) && !(READ_ONCE(*slot) & CONTAINER_TOKEN_FILE))
		move_charge(folio, NULL);

	container_stop_point("charge: a file folio");
	token = file->token;
	if (READ_ONCE(*slot) || folio_test_lru(folio) ||
	    folio_test_swapcache(folio)) {
		/* charged already, or shmem that comes back from swap */
		if (!move_charge(folio, file->ctn))
			charge_visible_folio(folio, token);
	} else {
		WRITE_ONCE(*slot, token);
		count_token(token, folio_nr_pages(folio));
	}
out:
	rcu_read_unlock_sched();
	/* khugepaged has i_pages locked: kcontainerd finds that out by itself */
	if (grown && !irqs_disabled())
		container_file_grown(mapping);
}

/* One page that nobody else knows, or that has been charged as it is to be? */
static __always_inline bool charge_new_file(struct folio *folio,
					    const struct container_file *file)
{
	const unsigned long known = BIT(PG_head) | BIT(PG_lru) | BIT(PG_swapcache);
	unsigned long *slot = folio_token_slot(folio);
	unsigned long token = file->token;
	atomic_long_t *stock;

	if (unlikely(!has_slot(slot)))
		return false;
	if (READ_ONCE(*slot))
		return READ_ONCE(*slot) == token;
	/* PG_swapcache may be another flag, of which some file systems know */
	if (unlikely(folio->flags & known))
		return false;
	WRITE_ONCE(*slot, token);
	this_cpu_inc(*file->stat);
	stock = raw_cpu_ptr(file->stock);
	if (unlikely(atomic_long_add_negative(-1, stock)))
		refill_stock(file->ctn, token & CONTAINER_TOKEN_SHMEM ?
					CONTAINER_RSS : CONTAINER_CACHE, stock);
	return true;
}

void __container_charge_file(struct folio *folio, struct address_space *mapping,
			     bool refault)
{
	struct container_file *file;
	bool done = false;

	rcu_read_lock_sched();
	file = rcu_dereference_sched(mapping->container_file);
	if (likely(file && !refault) && likely(!has_grown(file, mapping)))
		done = charge_new_file(folio, file);
	rcu_read_unlock_sched();
	if (unlikely(!done))
		charge_file_slowly(folio, mapping, refault);
}

/* @token is that of one page, which is neither active nor mapped. */
static __always_inline void uncount_plain(unsigned long token)
{
	struct container *ctn = token_container(token);
	struct container_pcpu __percpu *pcpu = ctn->pcpu;

	this_cpu_dec(pcpu->stat[token_stat(token)]);
	/* a branch is cheaper than to compute which */
	if (token_stat(token) == CONTAINER_FILE)
		uncharge_stock(ctn, CONTAINER_CACHE, pcpu, 1);
	else
		uncharge_stock(ctn, CONTAINER_RSS, pcpu, 1);
}

static noinline void uncount_slowly(unsigned long token, long nr)
{
	uncount_token(token, nr);
}

void __container_uncharge(struct folio *folio)
{
	unsigned long *slot;
	unsigned long token = 0;

	rcu_read_lock_sched();
	slot = folio_token_slot(folio);
	/* without page_ext, this has been asked already */
	if (!IS_ENABLED(CONFIG_MEMCG) || (slot && READ_ONCE(*slot)))
		token = xchg(slot, 0);
	if (!token)
		;
	else if (likely(!(token & TOKEN_STATE)) &&
		 likely(!(folio->flags & BIT(PG_head))))
		uncount_plain(token);
	else
		uncount_slowly(token, folio_nr_pages(folio));
	rcu_read_unlock_sched();
}

void __container_uncharge_folios(struct folio_batch *folios)
{
	unsigned long token = 0, next;
	unsigned long *slot;
	struct folio *folio;
	long nr = 0;
	int i;

	/*
	 * Folios that are freed together mostly have the same token. Nobody has a
	 * reference by now: it takes no xchg to have it for oneself.
	 */
	rcu_read_lock_sched();
	for (i = 0; i < folio_batch_count(folios); i++) {
		folio = folios->folios[i];
		slot = folio_token_slot(folio);
		next = has_slot(slot) ? READ_ONCE(*slot) : 0;
		if (!next)
			continue;
		WRITE_ONCE(*slot, 0);
		if (unlikely(next != token)) {
			if (token)
				uncount_slowly(token, nr);
			token = next;
			nr = 0;
		}
		nr += folio_nr_pages(folio);
		/* mapped pages are counted per folio */
		if (unlikely(token_mapped(token))) {
			uncount_slowly(token, nr);
			token = 0;
			nr = 0;
		}
	}
	if (token)
		uncount_token(token, nr);
	rcu_read_unlock_sched();
}

void __container_replace_folio(struct folio *old, struct folio *new)
{
	unsigned long *old_slot, *new_slot;
	unsigned long token, moved;

	/* memory of a device is nobody's, and is not searched */
	if (folio_is_zone_device(new))
		return;

	rcu_read_lock_sched();
	old_slot = folio_token_slot(old);
	new_slot = folio_token_slot(new);
	token = old_slot && new_slot ? xchg(old_slot, 0) : 0;
	if (token) {
		/* the new folio is neither mapped nor on a list as yet */
		moved = token & ~(BIT(CONTAINER_TOKEN_SHIFT) - 1);
		moved |= token & (CONTAINER_TOKEN_FILE | CONTAINER_TOKEN_SHMEM);
		WRITE_ONCE(*new_slot, moved);
		count_state(token, folio_nr_pages(old), -1);
		/* what is mapped has been charged as rss, and is not now */
		if (token_rss(token, 0))
			move_mapped(token, -(long)token_mapped(token));
	}
	rcu_read_unlock_sched();
}

void __container_split_folio(struct folio *folio, unsigned int new_order)
{
	long i, nr = folio_nr_pages(folio);
	unsigned long token;
	unsigned long *slot;

	rcu_read_lock_sched();
	slot = folio_token_slot(folio);
	token = slot ? READ_ONCE(*slot) : 0;
	/* it is unmapped, so what one part may have counted is not the others' */
	token &= ~CONTAINER_TOKEN_MAPPED_MASK;
	/* the parts take their place on the LRU list, active or not */
	if (token)
		for (i = 1L << new_order; i < nr; i += 1L << new_order)
			*page_token_slot(folio_page(folio, i)) = token;
	rcu_read_unlock_sched();
}

/*
 * The count in the token is what has been counted for the container. One task
 * may come here for its unmapping after another that has mapped the page again
 * meanwhile, so it can be more than the folio has pages for a moment; and one
 * whose mapping was never counted, as the folio was adopted since, may come
 * for its unmapping: hence the bound.
 */
void __container_mod_mapped(struct folio *folio, int nr)
{
	unsigned long *slot;
	unsigned long old, new;
	long mapped;

	rcu_read_lock_sched();
	slot = folio_token_slot(folio);
	old = slot ? READ_ONCE(*slot) : 0;
	while (old) {
		mapped = clamp((long)token_mapped(old) + nr, 0L,
			       CONTAINER_TOKEN_MAPPED_MAX);
		new = old + (mapped - token_mapped(old)) *
			    CONTAINER_TOKEN_MAPPED;
		if (try_cmpxchg(slot, &old, new)) {
			mapped -= token_mapped(old);
			this_cpu_add(token_container(old)->pcpu->stat[token_mapped_stat(old)],
				     mapped);
			move_mapped(old, mapped);
			break;
		}
	}
	rcu_read_unlock_sched();
}

/* Is there room for all of a file folio to be mapped at once? */
bool __container_may_map(struct folio *folio)
{
	struct container *ctn;
	bool ret = true;

	rcu_read_lock_sched();
	ctn = folio_container(folio);
	if (ctn && !folio_test_swapbacked(folio))
		ret = page_counter_read(&ctn->counter[CONTAINER_RSS]) +
		      folio_nr_pages(folio) <= rss_limit(ctn);
	rcu_read_unlock_sched();
	return ret;
}

void __container_mod_active(struct folio *folio, bool active)
{
	long nr = active ? folio_nr_pages(folio) : -folio_nr_pages(folio);
	unsigned long *slot;
	unsigned long old;

	rcu_read_lock_sched();
	slot = folio_token_slot(folio);
	old = slot ? READ_ONCE(*slot) : 0;
	/* what was not counted when it was put there is not taken off either */
	while (old && !!(old & CONTAINER_TOKEN_ACTIVE) != active) {
		if (try_cmpxchg(slot, &old, old ^ CONTAINER_TOKEN_ACTIVE)) {
			this_cpu_add(token_container(old)->pcpu->stat[CONTAINER_ACTIVE],
				     nr);
			break;
		}
	}
	rcu_read_unlock_sched();
}

/**
 * container_move_charge - charge an anonymous folio to another container
 * @folio: the folio; the caller has a reference.
 * @mm: the mm that maps it and was moved.
 *
 * @folio goes to the container that @mm is in now, if any.
 *
 * Context: Any.
 */
void container_move_charge(struct folio *folio, struct mm_struct *mm)
{
	struct container *to;

	rcu_read_lock_sched();
	do {
		to = mm_container(mm);
		if (!move_charge(folio, to) && to)
			charge_visible_folio(folio, container_token(to));
		/* moved again meanwhile, and this page was seen there before? */
	} while (to != mm_container(mm));
	rcu_read_unlock_sched();
}

/**
 * container_adopt_folio - charge a folio that is in the page cache already
 * @folio: the folio, locked; the caller has a reference.
 * @mapping: the file it belongs to.
 *
 * @folio goes to the owner of @mapping, if there is one.
 *
 * Context: May sleep.
 */
void container_adopt_folio(struct folio *folio, struct address_space *mapping)
{
	struct container_file *file;
	unsigned long token;

	bool unmapped = false;

again:
	rcu_read_lock_sched();
	file = rcu_dereference_sched(mapping->container_file);
	if (file && !move_charge(folio, file->ctn)) {
		/*
		 * Nothing says how many pages of it are mapped, which can only
		 * be told while that does not change. The lock keeps the first
		 * of them from being mapped, but not the last from being
		 * unmapped: for one page __container_mod_mapped() knows; of
		 * more, unmap all, and let those finish who are at it.
		 */
		if (folio_test_large(folio) && folio_mapped(folio) && !unmapped) {
			rcu_read_unlock_sched();
			try_to_unmap(folio, TTU_SPLIT_HUGE_PMD |
					    TTU_IGNORE_MLOCK | TTU_SYNC);
			/* there may be many, and who faults waits for the lock */
			synchronize_rcu_expedited();
			unmapped = true;
			goto again;
		}
		token = file->token;
		if (folio_mapped(folio))
			token += CONTAINER_TOKEN_MAPPED;
		charge_visible_folio(folio, token);
		/* it can have been unmapped before there was a token to say so */
		if (token_mapped(token) && !folio_mapped(folio))
			__container_mod_mapped(folio, -1);
	}
	rcu_read_unlock_sched();
}

/**
 * container_drop_charge - uncharge a folio from one container
 * @folio: the folio; the caller has a reference.
 * @ctn: a folio of any other is left alone.
 *
 * Context: Any.
 */
void container_drop_charge(struct folio *folio, struct container *ctn)
{
	unsigned long *slot;
	unsigned long token;

	rcu_read_lock_sched();
	slot = folio_token_slot(folio);
	token = slot ? READ_ONCE(*slot) : 0;
	/* another may get it at any time */
	while (token && token_container(token) == ctn) {
		if (try_cmpxchg(slot, &token, 0)) {
			uncount_token(token, folio_nr_pages(folio));
			break;
		}
	}
	rcu_read_unlock_sched();
}

#ifdef CONFIG_CONTAINERS_KUNIT_TEST
#include "tests/charge-kunit.h"
#endif

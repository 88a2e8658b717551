// SPDX-License-Identifier: GPL-2.0
/*
 * Charging: tokens, counters, what happens at the limit, and the throttle.
 *
 * An anonymous folio is charged when it is first mapped, to the container of
 * the mm; a folio of the page cache when it is added, to the owner of the
 * file, and only as long as it is there. Other folios are uncharged when they
 * are freed. None of this can fail: page_limit is a soft limit.
 *
 * Counting is per CPU and exact when read. The page counter serves to notice
 * the limit: every CPU charges it in advance for CONTAINER_STOCK pages, so it
 * never reads less than is used. Where it reads more than the limit but the
 * sum of the CPUs does not, the stocks are given back, so that no CPU can go
 * over the limit on a stock that it had before.
 *
 * Locks and lifetime: see internal.h.
 */
#include <linux/hash.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/pagevec.h>
#include <linux/psi.h>
#include <linux/resume_user_mode.h>
#include <linux/rmap.h>
#include <linux/sched/signal.h>
#include <linux/wait.h>
#include "internal.h"

DEFINE_STATIC_KEY_FALSE(containers_key);

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

/* Pages that page_limit is about. */
unsigned long container_usage(struct container *ctn)
{
	return container_stat(ctn, CONTAINER_ANON) +
	       container_stat(ctn, CONTAINER_FILE);
}

/* Give back what the CPUs hold in advance. */
void container_drain_stock(struct container *ctn)
{
	long nr = 0;
	int cpu;

	/* one may be owed what another has: only the sum is the counter's */
	for_each_possible_cpu(cpu)
		nr += atomic_long_xchg(&per_cpu_ptr(ctn->pcpu, cpu)->stock, 0);

	if (nr > 0)
		page_counter_uncharge(&ctn->pages, nr);
	else if (nr < 0)
		page_counter_charge(&ctn->pages, -nr);
}

/*
 * The page counter is over the limit: is the container? If so, call on
 * kcontainerd, once, and if it is far over have the current task, if that is
 * one of the container's, wait before it goes on in user mode.
 *
 * Context: Any, but not from an interrupt. Within RCU.
 */
void container_check_limit(struct container *ctn)
{
	unsigned long limit = READ_ONCE(ctn->pages.high);
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
		mod_delayed_work(kcontainerd_wq, &ctn->trim_work, 0);
	}

	if (usage - limit > limit / 8 &&
	    rcu_access_pointer(current->container) == ctn &&
	    !(current->flags & (PF_KTHREAD | PF_EXITING))) {
		current->container_over = true;
		set_notify_resume(current);
	}
}

/*
 * The stock of this CPU is used up. Fill it if the limit is far, or if it is
 * past and that has been noticed below; just before the limit, take no more
 * than was asked for.
 */
static noinline void refill_stock(struct container *ctn, atomic_long_t *stock)
{
	unsigned long limit = READ_ONCE(ctn->pages.high);
	unsigned long used = page_counter_read(&ctn->pages);
	long nr = -atomic_long_read(stock);

	if (nr <= 0)
		return;
	if (used > limit || used + nr + CONTAINER_STOCK <= limit)
		nr += CONTAINER_STOCK;

	page_counter_charge(&ctn->pages, nr);
	atomic_long_add(nr, stock);

	if (page_counter_read(&ctn->pages) > limit)
		container_check_limit(ctn);
}

/* More than enough: give back what is over, if it is there still. */
static noinline void return_stock(struct container *ctn, atomic_long_t *stock)
{
	long nr = atomic_long_read(stock);

	do {
		if (nr <= 2 * CONTAINER_STOCK)
			return;
	} while (!atomic_long_try_cmpxchg(stock, &nr, CONTAINER_STOCK));

	page_counter_uncharge(&ctn->pages, nr - CONTAINER_STOCK);
}

/* Within RCU, as all that follows. The CPU may change: no harm is done. */
static __always_inline void charge_pages(struct container *ctn,
					 enum container_stat item, long nr)
{
	struct container_pcpu *pcpu = raw_cpu_ptr(ctn->pcpu);

	this_cpu_add(ctn->pcpu->stat[item], nr);
	if (atomic_long_sub_return(nr, &pcpu->stock) < 0)
		refill_stock(ctn, &pcpu->stock);
}

static __always_inline void uncharge_pages(struct container *ctn,
					   enum container_stat item, long nr)
{
	struct container_pcpu *pcpu = raw_cpu_ptr(ctn->pcpu);

	this_cpu_sub(ctn->pcpu->stat[item], nr);
	if (atomic_long_add_return(nr, &pcpu->stock) > 2 * CONTAINER_STOCK)
		return_stock(ctn, &pcpu->stock);
}

static __always_inline enum container_stat token_stat(unsigned long token)
{
	return token & CONTAINER_TOKEN_FILE ? CONTAINER_FILE : CONTAINER_ANON;
}

/* Count @nr pages as @token, which the caller has just put in place, says. */
static __always_inline void count_token(unsigned long token, long nr)
{
	struct container *ctn = token_container(token);

	charge_pages(ctn, token_stat(token), nr);
	if (token & CONTAINER_TOKEN_ACTIVE)
		this_cpu_add(ctn->pcpu->stat[CONTAINER_ACTIVE], nr);
	if (token_mapped(token))
		this_cpu_add(ctn->pcpu->stat[CONTAINER_MAPPED],
			     token_mapped(token));
}

/* What @token says besides whose the folio is does not hold any more. */
static __always_inline void uncount_state(unsigned long token, long nr)
{
	struct container *ctn = token_container(token);

	if (token & CONTAINER_TOKEN_ACTIVE)
		this_cpu_sub(ctn->pcpu->stat[CONTAINER_ACTIVE], nr);
	if (token_mapped(token))
		this_cpu_sub(ctn->pcpu->stat[CONTAINER_MAPPED],
			     token_mapped(token));
}

/* Undo that for @token, which the caller has just taken away. */
static __always_inline void uncount_token(unsigned long token, long nr)
{
	struct container *ctn = token_container(token);

	uncharge_pages(ctn, token_stat(token), nr);
	uncount_state(token, nr);
}

/*
 * Charge a folio that others may already find, with a token that says nothing
 * of PG_active yet: whether it is on the active list does not change while
 * lru_lock is held, and one that is being put there comes by later.
 */
static void charge_visible_folio(struct folio *folio, unsigned long token)
{
	unsigned long *slot = folio_token_slot(folio);
	struct lruvec *lruvec;
	unsigned long flags;
	bool charged;

	if (!slot)
		return;

	lruvec = folio_lruvec_lock_irqsave(folio, &flags);
	if (folio_test_lru(folio) && folio_test_active(folio))
		token |= CONTAINER_TOKEN_ACTIVE;
	charged = !cmpxchg(slot, 0, token);
	unlock_page_lruvec_irqrestore(lruvec, flags);

	if (charged)
		count_token(token, folio_nr_pages(folio));
}

/*
 * Give the charge of @folio, if there is one, to @to, or to nobody if that is
 * NULL. Returns false if there was none.
 */
static bool move_charge(struct folio *folio, struct container *to)
{
	unsigned long *slot = folio_token_slot(folio);
	unsigned long old, new;

	if (!slot)
		return false;

	old = READ_ONCE(*slot);
	do {
		if (!old)
			return false;
		if (token_container(old) == to)
			return true;
		new = to ? container_token(to) |
			   (old & (BIT(CONTAINER_TOKEN_SHIFT) - 1)) : 0;
	} while (!try_cmpxchg(slot, &old, new));

	if (new)
		count_token(new, folio_nr_pages(folio));
	uncount_token(old, folio_nr_pages(folio));
	return true;
}

void __container_charge_anon(struct folio *folio, struct mm_struct *mm)
{
	unsigned long *slot;
	struct container *ctn;
	unsigned long token;

	rcu_read_lock();
	ctn = rcu_dereference(mm->container);
	slot = folio_token_slot(folio);
	/* one that was swapped in has been charged already */
	if (ctn && slot && !READ_ONCE(*slot)) {
		token = container_token(ctn);
		WRITE_ONCE(*slot, token);
		charge_pages(ctn, CONTAINER_ANON, folio_nr_pages(folio));
	}
	rcu_read_unlock();
}

void __container_charge_swapin(struct folio *folio, struct mm_struct *mm)
{
	struct container *ctn;

	/* some other task has it, and its container the charge */
	if (folio_mapped(folio))
		return;

	rcu_read_lock();
	ctn = rcu_dereference(mm->container);
	if (!move_charge(folio, ctn) && ctn)
		charge_visible_folio(folio, container_token(ctn));
	rcu_read_unlock();
}

void __container_charge_file(struct folio *folio, struct address_space *mapping)
{
	struct container_file *file;
	unsigned long *slot;
	unsigned long token;

	rcu_read_lock();
	file = rcu_dereference(mapping->container_file);
	slot = folio_token_slot(folio);
	if (!file || !slot) {
		/* shmem that its owner swapped out and then lost */
		move_charge(folio, NULL);
		goto out;
	}

	token = container_token(file->ctn) | CONTAINER_TOKEN_FILE;
	if (folio_test_swapbacked(folio) &&
	    (folio_test_lru(folio) || folio_test_swapcache(folio))) {
		/* shmem that comes back from swap */
		if (!move_charge(folio, file->ctn))
			charge_visible_folio(folio, token);
	} else if (!READ_ONCE(*slot)) {
		WRITE_ONCE(*slot, token);
		charge_pages(file->ctn, CONTAINER_FILE, folio_nr_pages(folio));
	}
out:
	rcu_read_unlock();
}

void __container_uncharge(struct folio *folio)
{
	unsigned long *slot;
	unsigned long token;

	rcu_read_lock();
	slot = folio_token_slot(folio);
	token = slot && READ_ONCE(*slot) ? xchg(slot, 0) : 0;
	if (token)
		uncount_token(token, folio_nr_pages(folio));
	rcu_read_unlock();
}

void __container_uncharge_folios(struct folio_batch *folios)
{
	unsigned long token = 0, next;
	long nr = 0;
	int i;

	/* folios that are freed together mostly have the same token */
	rcu_read_lock();
	for (i = 0; i < folio_batch_count(folios); i++) {
		struct folio *folio = folios->folios[i];
		unsigned long *slot;

		if (!folio_maybe_charged(folio))
			continue;
		slot = folio_token_slot(folio);
		next = slot && READ_ONCE(*slot) ? xchg(slot, 0) : 0;
		if (!next)
			continue;
		/* mapped pages are counted per folio */
		if (next != token || token_mapped(next)) {
			if (token)
				uncount_token(token, nr);
			token = next;
			nr = 0;
		}
		nr += folio_nr_pages(folio);
	}
	if (token)
		uncount_token(token, nr);
	rcu_read_unlock();
}

void __container_replace_folio(struct folio *old, struct folio *new)
{
	unsigned long *old_slot, *new_slot;
	unsigned long token, moved;

	rcu_read_lock();
	old_slot = folio_token_slot(old);
	new_slot = folio_token_slot(new);
	token = old_slot && new_slot ? xchg(old_slot, 0) : 0;
	if (token) {
		/* the new folio is neither mapped nor on a list as yet */
		moved = token & ~(BIT(CONTAINER_TOKEN_SHIFT) - 1);
		moved |= token & CONTAINER_TOKEN_FILE;
		WRITE_ONCE(*new_slot, moved);
		uncount_state(token, folio_nr_pages(old));
	}
	rcu_read_unlock();
}

void __container_split_folio(struct folio *folio, unsigned int new_order)
{
	long i, nr = folio_nr_pages(folio);
	unsigned long token;
	unsigned long *slot;

	rcu_read_lock();
	slot = folio_token_slot(folio);
	token = slot ? READ_ONCE(*slot) : 0;
	/* it is unmapped, so what one part may have counted is not the others' */
	token &= ~(CONTAINER_TOKEN_MAPPED_MAX << CONTAINER_TOKEN_MAPPED_SHIFT);
	/* the parts take their place on the LRU list, active or not */
	if (token)
		for (i = 1L << new_order; i < nr; i += 1L << new_order)
			*page_token_slot(folio_page(folio, i)) = token;
	rcu_read_unlock();
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

	rcu_read_lock();
	slot = folio_token_slot(folio);
	old = slot ? READ_ONCE(*slot) : 0;
	while (old) {
		mapped = clamp((long)token_mapped(old) + nr, 0L,
			       CONTAINER_TOKEN_MAPPED_MAX);
		new = old + (mapped - token_mapped(old)) *
			    CONTAINER_TOKEN_MAPPED;
		if (try_cmpxchg(slot, &old, new)) {
			this_cpu_add(token_container(old)->pcpu->stat[CONTAINER_MAPPED],
				     mapped - (long)token_mapped(old));
			break;
		}
	}
	rcu_read_unlock();
}

void __container_mod_active(struct folio *folio, bool active)
{
	long nr = active ? folio_nr_pages(folio) : -folio_nr_pages(folio);
	unsigned long *slot;
	unsigned long old;

	rcu_read_lock();
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
	rcu_read_unlock();
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

	rcu_read_lock();
	do {
		to = rcu_dereference(mm->container);
		if (!move_charge(folio, to) && to)
			charge_visible_folio(folio, container_token(to));
		/* moved again meanwhile, and this page was seen there before? */
	} while (to != rcu_dereference(mm->container));
	rcu_read_unlock();
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

	/*
	 * How many pages of it are mapped can only be told while that does not
	 * change. The lock keeps the first of them from being mapped, but not
	 * the last from being unmapped: for one page __container_mod_mapped()
	 * knows; of more, unmap all, and let those finish who are at it.
	 */
	if (folio_test_large(folio) && folio_mapped(folio)) {
		try_to_unmap(folio, TTU_SPLIT_HUGE_PMD | TTU_IGNORE_MLOCK |
				    TTU_SYNC);
		synchronize_rcu();
	}

	rcu_read_lock();
	file = rcu_dereference(mapping->container_file);
	if (file && !move_charge(folio, file->ctn)) {
		token = container_token(file->ctn) | CONTAINER_TOKEN_FILE;
		if (folio_mapped(folio))
			token += CONTAINER_TOKEN_MAPPED;
		charge_visible_folio(folio, token);
		/* it can have been unmapped before there was a token to say so */
		if (token_mapped(token) && !folio_mapped(folio))
			__container_mod_mapped(folio, -1);
	}
	rcu_read_unlock();
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
	rcu_read_lock();
	if (folio_container(folio) == ctn)
		move_charge(folio, NULL);
	rcu_read_unlock();
}

/*
 * The throttle. A task waits on a queue that several containers may share, as
 * its own may be removed while it does; it looks at its container within RCU.
 */
#define CONTAINER_WAIT_BITS	4

static wait_queue_head_t container_wait[1 << CONTAINER_WAIT_BITS];

static wait_queue_head_t *container_wait_queue(struct container *ctn)
{
	return &container_wait[hash_ptr(ctn, CONTAINER_WAIT_BITS)];
}

/* kcontainerd has made progress with @ctn, or has given up, or removes it. */
void container_wake_throttled(struct container *ctn)
{
	wake_up_all(container_wait_queue(ctn));
}

static bool must_wait(struct container *ctn)
{
	bool wait;

	rcu_read_lock();
	wait = rcu_dereference(current->container) == ctn &&
	       !test_bit(CONTAINER_FUTILE, &ctn->flags) &&
	       !test_bit(CONTAINER_DYING, &ctn->flags) &&
	       container_usage(ctn) > READ_ONCE(ctn->pages.high);
	rcu_read_unlock();
	return wait;
}

/*
 * Sleep until the container is under its limit: one second at most, as in
 * 2006, or two if the last such sleep was hardly over, within 5 jiffies. It
 * ends early if kcontainerd finds nothing to trim: waiting would not help.
 */
void __container_throttle(void)
{
	unsigned long timeout = HZ, pflags;
	struct container *ctn;

	current->container_over = false;

	rcu_read_lock();
	ctn = rcu_dereference(current->container);
	if (ctn) {
		if (time_before_eq(jiffies, READ_ONCE(ctn->last_hit) + 5))
			timeout = 2 * HZ;
		WRITE_ONCE(ctn->last_hit, jiffies);
	}
	rcu_read_unlock();
	if (!ctn)
		return;

	psi_memstall_enter(&pflags);
	wait_event_interruptible_timeout(*container_wait_queue(ctn),
					 !must_wait(ctn), timeout);
	psi_memstall_leave(&pflags);
}

static int __init container_charge_init(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(container_wait); i++)
		init_waitqueue_head(&container_wait[i]);
	return 0;
}
core_initcall(container_charge_init);

// SPDX-License-Identifier: GPL-2.0
/*
 * Whom folios are charged to: the table that tokens name containers by, and
 * giving a folio that others may find to another container, or to none.
 */
#include <linux/idr.h>
#include <linux/memcontrol.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include "counter.h"
#include "token.h"

/* No token has this ident. */
struct container container_nobody = { .ident = ULONG_MAX };

struct container_chunk *container_table[CONTAINER_CHUNKS];

/* Entries that are in use, or used up */
static DEFINE_IDA(container_table_ida);

/* protects the making of chunks, and generations */
static DEFINE_MUTEX(container_table_mutex);

static int make_chunk(unsigned int nr)
{
	struct container_chunk *chunk;
	int i;

	if (container_table[nr])
		return 0;
	chunk = kzalloc(sizeof(*chunk), GFP_KERNEL);
	if (!chunk)
		return -ENOMEM;
	for (i = 0; i < CONTAINER_CHUNK; i++)
		chunk->ctn[i] = &container_nobody;
	/* who finds it finds what is in it */
	smp_store_release(&container_table[nr], chunk);
	return 0;
}

/**
 * container_next_generation - use an entry of the table once more
 * @generation: that was used last; set to the next one.
 *
 * Context: Any.
 * Return: false if there is none: then the entry is never to be used again, as
 * a token may be left that has any of them.
 */
bool container_next_generation(u32 *generation)
{
	if (*generation == CONTAINER_GENERATION_MAX)
		return false;
	++*generation;
	return true;
}

/**
 * container_table_add - let tokens name a container
 * @ctn: the container; its ident is set.
 *
 * Context: May sleep.
 * Return: 0, -ENOMEM, or -ENOSPC if there are too many containers.
 */
int container_table_add(struct container *ctn)
{
	struct container_chunk *chunk;
	int index, err;
	u32 *generation;

	mutex_lock(&container_table_mutex);
	for (;;) {
		index = ida_alloc_max(&container_table_ida,
				      BIT(CONTAINER_INDEX_BITS) - 1, GFP_KERNEL);
		err = min(index, 0);
		if (err)
			break;
		err = make_chunk(index / CONTAINER_CHUNK);
		if (err) {
			ida_free(&container_table_ida, index);
			break;
		}
		chunk = container_table[index / CONTAINER_CHUNK];
		generation = &chunk->generation[index % CONTAINER_CHUNK];
		/* one that is used up stays allocated */
		if (!container_next_generation(generation))
			continue;
		WRITE_ONCE(ctn->ident, (unsigned long)*generation <<
				       CONTAINER_INDEX_BITS | index);
		set_bit(CONTAINER_IN_TABLE, &ctn->flags);
		/* who finds it finds its ident, too */
		smp_store_release(&chunk->ctn[index % CONTAINER_CHUNK], ctn);
		break;
	}
	mutex_unlock(&container_table_mutex);
	return err;
}

/**
 * container_table_remove - no token names a container any more
 * @ctn: the container. Who has looked it up before may use it until RCU allows.
 *
 * Context: Any but an interrupt.
 */
void container_table_remove(struct container *ctn)
{
	unsigned long index = ctn->ident % BIT(CONTAINER_INDEX_BITS);
	struct container_chunk *chunk = container_table[index / CONTAINER_CHUNK];

	if (!test_and_clear_bit(CONTAINER_IN_TABLE, &ctn->flags))
		return;
	WRITE_ONCE(chunk->ctn[index % CONTAINER_CHUNK], &container_nobody);
	ida_free(&container_table_ida, index);
}

/* ---- what is counted for a token ---- */

/* What @token says of the folio besides whose it is, with @sign 1 or -1. */
static void count_state(struct container *ctn, unsigned long token, long nr,
			int sign)
{
	if (token & CONTAINER_TOKEN_ACTIVE)
		this_cpu_add(ctn->pcpu->stat[CONTAINER_ACTIVE], sign * nr);
	if (token_mapped(token))
		this_cpu_add(ctn->pcpu->stat[token_mapped_stat(token)],
			     sign * (long)token_mapped(token));
}

/*
 * A token of a folio with @nr pages has been taken away. It may be that of pages of the
 * kernel itself, which are freed as folios here and there. Within RCU.
 */
void container_uncount(unsigned long token, long nr)
{
	struct container *ctn = token_container(token);

	if (!ctn)
		return;
	if (unlikely(token_is_kmem(token))) {
		container_uncharge_kmem(token);
		return;
	}
	this_cpu_sub(ctn->pcpu->stat[token_stat(token)], nr);
	count_state(ctn, token, nr, -1);
	container_uncharge_pages(ctn, token_counter(token), nr);
}

/*
 * Give a folio that others may already find, and that has none, a token that
 * says nothing of PG_active yet: whether it is on the active list does not
 * change while lru_lock is held, and one that is being put there comes by
 * later. Returns it, or 0 if there was one.
 */
static unsigned long set_first_token(struct folio *folio, unsigned long *slot,
				     unsigned long token)
{
	struct lruvec *lruvec;
	unsigned long flags;
	bool set;

	lruvec = folio_lruvec_lock_irqsave(folio, &flags);
	if (folio_test_lru(folio) && folio_test_active(folio))
		token |= CONTAINER_TOKEN_ACTIVE;
	set = !cmpxchg(slot, 0, token);
	unlock_page_lruvec_irqrestore(lruvec, flags);
	return set ? token : 0;
}

/*
 * Have @folio have a token with this ident and kind. What else one has that is
 * there already stays. Returns the new one, and sets @old to that before; 0 if it
 * was so already.
 */
static unsigned long set_token(struct folio *folio, unsigned long *slot,
			       unsigned long token, unsigned long *old)
{
	unsigned long new;

	*old = READ_ONCE(*slot);
	for (;;) {
		if (!*old) {
			new = set_first_token(folio, slot, token);
			if (new)
				return new;
			*old = READ_ONCE(*slot);
			continue;
		}
		if (!((*old ^ token) & ~CONTAINER_TOKEN_STATE))
			return 0;
		new = (token & ~CONTAINER_TOKEN_STATE) |
		      (*old & CONTAINER_TOKEN_STATE);
		if (try_cmpxchg(slot, old, new))
			return new;
	}
}

/**
 * container_own_folio - charge a folio that others may find to a container
 * @folio: the folio; the caller has a reference.
 * @ctn: the container.
 * @kind: CONTAINER_TOKEN_FILE and CONTAINER_TOKEN_HELD, or neither for an
 *	  anonymous folio. For one that has no token yet this may say as well how
 *	  many pages of it are mapped.
 * @how: CONTAINER_OWN_*; what is droppable is always charged.
 *
 * Whoever was charged for it before is so no more. Of several who do this at the
 * same time, one has the folio in the end, and the others nothing.
 *
 * Context: Any, but not from an interrupt. Within RCU.
 * Return: 0 or -ENOMEM.
 */
int container_own_folio(struct folio *folio, struct container *ctn,
			unsigned long kind, unsigned int how)
{
	unsigned long *slot = folio_token_slot(folio);
	unsigned long token = container_token(ctn) | kind;
	enum container_counter which = token_counter(token);
	long nr = folio_nr_pages(folio);
	unsigned long old, new;
	int err;

	if (!has_slot(slot) ||
	    !((READ_ONCE(*slot) ^ token) & ~CONTAINER_TOKEN_STATE))
		return 0;

	if (which == CONTAINER_DROPPABLE || how == CONTAINER_OWN_FORCE) {
		container_charge_pages(ctn, which, nr);
	} else {
		err = container_reserve(ctn, nr);
		if (err && how == CONTAINER_OWN_CHARGE)
			err = container_charge_fails(ctn, nr, 0, true);
		if (err)
			return err;
	}

	container_stop_point("charge: reserved");
	new = set_token(folio, slot, token, &old);
	if (!new) {
		container_uncharge_pages(ctn, which, nr);
		return 0;
	}
	this_cpu_add(ctn->pcpu->stat[token_stat(new)], nr);
	count_state(ctn, new, nr, 1);
	if (old)
		container_uncount(old, nr);
	container_check_limit(ctn);
	return 0;
}

/**
 * container_disown_folio - charge nobody for a folio any more
 * @folio: the folio; the caller has a reference.
 *
 * Context: Any. Within RCU.
 */
void container_disown_folio(struct folio *folio)
{
	unsigned long *slot = folio_token_slot(folio);
	unsigned long token = slot ? xchg(slot, 0) : 0;

	if (token)
		container_uncount(token, folio_nr_pages(folio));
}

#ifdef CONFIG_CONTAINERS_KUNIT_TEST
#include "tests/token-kunit.h"
#endif

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The layout of a folio's token, where it lies, and whom it names.
 *
 * A token, lowest bits first:
 *
 *	bit 0		the folio is counted in CONTAINER_ACTIVE
 *	bits 1 and 2	page cache, not anonymous; held memory of a file: together
 *			they are its enum container_stat
 *	bits 3 to 16	pages of it that are counted as mapped page cache
 *	bits 17 to 36	which entry of container_table
 *	bits 37 to 63	the generation of that entry, from 1 on
 *
 * All that was counted is in the one word that a cmpxchg replaces, and so
 * moving or dropping a charge is exact without a lock on the folio.
 *
 * The upper 47 bits are struct container's ident. Removing a container clears
 * its entry; the next one that has the entry has another generation. So a token
 * that outlives its container names nobody, and there is nothing to uncharge.
 * What it says of the folio is kept up to date all the same: who is charged for
 * the folio next takes it over.
 *
 * An mm has a token as well, with an ident only, as have the objects that beancounters
 * count. Pages of the kernel itself that they count have one that says of them that they
 * are held, but not of a file: CONTAINER_TOKEN_KMEM. In place of pages that are mapped it
 * has one more than the order of what was allocated.
 */
#ifndef _KERNEL_CONTAINER_TOKEN_H
#define _KERNEL_CONTAINER_TOKEN_H

#include <linux/container.h>
#include <linux/page_ext.h>
#include "internal.h"

#define CONTAINER_TOKEN_FILE	2UL
#define CONTAINER_TOKEN_HELD	4UL		/* only with the one above */
#define CONTAINER_TOKEN_KMEM	CONTAINER_TOKEN_HELD
#define CONTAINER_TOKEN_KIND	(CONTAINER_TOKEN_FILE | CONTAINER_TOKEN_HELD)
#define CONTAINER_TOKEN_MAPPED	8UL		/* one mapped page */
#define CONTAINER_TOKEN_MAPPED_SHIFT	3
#define CONTAINER_TOKEN_MAPPED_MAX	((1L << 14) - 1)
#define CONTAINER_TOKEN_MAPPED_MASK	\
	((unsigned long)CONTAINER_TOKEN_MAPPED_MAX << CONTAINER_TOKEN_MAPPED_SHIFT)

/* What of a token comes and goes while the folio stays charged */
#define CONTAINER_TOKEN_STATE	\
	(CONTAINER_TOKEN_ACTIVE | CONTAINER_TOKEN_MAPPED_MASK)

/*
 * A million containers at once. An entry whose generations are used up, after
 * 134 million containers, is not used again.
 */
#define CONTAINER_INDEX_BITS	20
#define CONTAINER_GENERATION_MAX	(BIT(64 - CONTAINER_TOKEN_SHIFT - \
					     CONTAINER_INDEX_BITS) - 1)
#define CONTAINER_CHUNK_BITS	9
#define CONTAINER_CHUNK		BIT(CONTAINER_CHUNK_BITS)
#define CONTAINER_CHUNKS	BIT(CONTAINER_INDEX_BITS - CONTAINER_CHUNK_BITS)

/* A part of the table; never freed. An entry without a container has &container_nobody. */
struct container_chunk {
	struct container *ctn[CONTAINER_CHUNK];
	u32 generation[CONTAINER_CHUNK];	/* that was used last */
};

extern struct container_chunk *container_table[CONTAINER_CHUNKS];

/* The container that @token names, or NULL. Within RCU. */
static __always_inline struct container *token_container(unsigned long token)
{
	unsigned long ident = token >> CONTAINER_TOKEN_SHIFT;
	unsigned long chunk = (ident >> CONTAINER_CHUNK_BITS) % CONTAINER_CHUNKS;
	struct container *ctn;

	/* the first chunk is there before anybody can be charged: 0 is in it */
	ctn = READ_ONCE(container_table[chunk]->ctn[ident % CONTAINER_CHUNK]);
	return likely(ctn->ident == ident) ? ctn : NULL;
}

/* The token of a folio that @ctn is charged for, nothing else being counted. */
static __always_inline unsigned long container_token(const struct container *ctn)
{
	return READ_ONCE(ctn->ident) << CONTAINER_TOKEN_SHIFT;
}

static inline unsigned long token_mapped(unsigned long token)
{
	return (token & CONTAINER_TOKEN_MAPPED_MASK) >>
	       CONTAINER_TOKEN_MAPPED_SHIFT;
}

/* Is it that of pages of the kernel itself? */
static __always_inline bool token_is_kmem(unsigned long token)
{
	return (token & CONTAINER_TOKEN_KIND) == CONTAINER_TOKEN_KMEM;
}

/* What a token says of 2^@order such pages */
static inline unsigned long token_kmem(unsigned int order)
{
	return CONTAINER_TOKEN_KMEM | (order + 1) * CONTAINER_TOKEN_MAPPED;
}

static inline unsigned int token_kmem_order(unsigned long token)
{
	return token_mapped(token) - 1;
}

static __always_inline enum container_stat token_stat(unsigned long token)
{
	return (token & CONTAINER_TOKEN_KIND) >> 1;
}

static __always_inline enum container_stat token_mapped_stat(unsigned long token)
{
	return token_stat(token) + CONTAINER_MAPPED_FILE - CONTAINER_FILE;
}

/* Which counter is charged for what @token says? */
static __always_inline enum container_counter token_counter(unsigned long token)
{
	return token_stat(token) == CONTAINER_FILE ? CONTAINER_DROPPABLE :
						     CONTAINER_HELD;
}

/*
 * Where the token of @page is, or NULL where page_ext is not there yet: pages
 * that old are the kernel's own. Valid for the caller's RCU read-side section.
 */
#ifdef CONFIG_MEMCG
static inline unsigned long *page_token_slot(struct page *page)
{
	struct page_ext *ext = page_ext_get(page);
	unsigned long *slot;

	if (!ext)
		return NULL;
	slot = page_ext_data(ext, &container_page_ext_ops);
	page_ext_put(ext);
	return slot;
}
#else
static inline unsigned long *page_token_slot(struct page *page)
{
	return &page->container_token;
}
#endif

static inline unsigned long *folio_token_slot(struct folio *folio)
{
	return page_token_slot(&folio->page);
}

/* The compiler is not allowed to find out by itself that it is there. */
static inline bool has_slot(const unsigned long *slot)
{
	return !IS_ENABLED(CONFIG_MEMCG) || slot;
}

static inline unsigned long folio_token(struct folio *folio)
{
	unsigned long *slot = folio_token_slot(folio);

	return has_slot(slot) ? READ_ONCE(*slot) : 0;
}

/* The container that is charged for @folio, or NULL. Within RCU. */
static inline struct container *folio_container(struct folio *folio)
{
	return token_container(folio_token(folio));
}

/* Is @ctn charged for @folio at the moment? It need not be dereferenced for that. */
static inline bool folio_charged_to(struct folio *folio, struct container *ctn)
{
	return !((folio_token(folio) ^ container_token(ctn)) >>
		 CONTAINER_TOKEN_SHIFT);
}

/* Is it a part in a file of held memory? */
static inline bool file_is_held(const struct container_file *file)
{
	return file->token & CONTAINER_TOKEN_HELD;
}

/* The container that @mm is in, or NULL. To be followed within RCU only. */
static inline struct container *mm_container(struct mm_struct *mm)
{
	return token_container(READ_ONCE(mm->container_token));
}

/* token.c */
bool container_next_generation(u32 *generation);
int container_own_folio(struct folio *folio, struct container *ctn,
			unsigned long kind, unsigned int how);
void container_disown_folio(struct folio *folio);
void container_uncount(unsigned long token, long nr);

/* How container_own_folio() charges what is held */
#define CONTAINER_OWN_TRY	0U	/* if it fits; nobody is told if it does not */
#define CONTAINER_OWN_CHARGE	1U	/* if it fits; else the charge has failed */
#define CONTAINER_OWN_FORCE	2U	/* in any case */

#endif /* _KERNEL_CONTAINER_TOKEN_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A round of kcontainerd, as its parts share it.
 */
#ifndef _MM_CONTAINER_TRIM_H
#define _MM_CONTAINER_TRIM_H

#include <linux/mm_inline.h>
#include <linux/pagevec.h>
#include "../kernel/container/token.h"

/* Pages that one visit to a file or a task deals with: DEACTIVATE_COUNT */
#define TRIM_COUNT	1000

enum trim_pass {
	TRIM_ONCE,	/* what was used once, and nothing else */
	TRIM_LARGE,	/* of large files and tasks, what is used least */
	TRIM_ALL,	/* of small ones, too */
	TRIM_LAST,	/* and what is in use */
	TRIM_PASSES
};

/* Folios that are given to reclaim at a time, so many that a disk is kept busy */
#define TRIM_BATCH	256

struct trim {
	struct container *ctn;
	struct container_trimmer *trimmer;
	enum container_trim_goal what;
	enum trim_pass pass;
	unsigned long began;		/* jiffies */
	bool reached;			/* has it come to where it was to come? */
	bool began_over;		/* was it over page_limit, or the barrier, when it began? */
	bool unasked;			/* for the barrier of physpages, and nobody waits? */
	bool unmap;			/* only unmap what is cold: see trim_mapped() */
	bool force;			/* reclaim, whatever over_limit says? */
	bool held;			/* is what is isolated held memory? */
	bool named;			/* is its file named for this container? */
	struct container_scan scan;	/* of the file that is looked at */
	bool others;			/* may go what others map and do not use? */
	bool streams;			/* only files of which little is used again? */
	bool dear;			/* do outsiders map its file very often? */
	unsigned long dear_until;	/* jiffies, for such files; 0 until there is one */
	unsigned long age;		/* pages in use that may be aged in TRIM_ONCE */
	bool looked;			/* at what is mapped? */
	bool busy;			/* met what is in somebody's hands */
	bool writing;			/* met, or began, what is being written */
	unsigned long trimmed;		/* pages that are no longer charged */
	unsigned long scanned;
	unsigned long deactivated;
	unsigned long chosen;		/* anonymous, for the next pass */
	unsigned long written_back;
	unsigned long dropped;
	unsigned long reclaimed;
	unsigned long swapped_out;
	unsigned long unmapped;
	/* of what was reclaimed: what writeback may have kept from being freed */
	unsigned long pfns[TRIM_BATCH];
	int nr_pfns;
	struct list_head folios;	/* isolated, to be reclaimed */
	int nr_folios;
	struct folio_batch gone;	/* dropped, to be put together */
};

/* Is it room below rss_limit that is wanted, and nothing else? */
static inline bool only_held(const struct trim *tr)
{
	return tr->what == CONTAINER_TRIM_HELD;
}

static inline bool last_pass(const struct trim *tr)
{
	return tr->pass == TRIM_LAST;
}

/* May what was deactivated be reclaimed, too? */
static inline bool may_reclaim(const struct trim *tr)
{
	return tr->force ||
	       READ_ONCE(tr->ctn->over_limit) == CONTAINER_OVER_RECLAIM;
}

/* container_age.c */
unsigned int folio_uses(const struct folio *folio);

/* What folio_was_touched() says */
#define TOUCHED			1	/* by the container's */
#define TOUCHED_BY_OTHERS	2	/* by one who is not in it */
#define MAPPED_BY_OTHERS	4
#define MAPPED_BY_MANY		8	/* not all mappings were looked at */
unsigned int folio_was_touched(struct folio *folio, const struct container *ctn,
			       bool clear_others);
unsigned int trim_forget_use(struct trim *tr, struct folio *folio);

/* Was it used more than once, as far as that has not been forgotten? */
static inline bool folio_in_use(const struct folio *folio)
{
	return folio_uses(folio) > 1;
}

/* container_mm.c */
bool trim_reached(struct trim *tr);
unsigned long trim_excess(struct trim *tr);

/* container_scan_file.c */
void trim_files(struct trim *tr, bool large);

/* container_scan_anon.c */
void trim_anon(struct trim *tr, bool large);

/* container_reclaim.c */
void trim_take(struct trim *tr, struct folio *folio);
void trim_isolate(struct trim *tr, struct folio *folio);
void trim_reclaim(struct trim *tr);

#endif /* _MM_CONTAINER_TRIM_H */

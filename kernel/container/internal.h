/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of the containers share: the container itself, the layout of
 * a folio's token, and who calls whom.
 *
 *	core.c		making, removing and freeing a container
 *	charge.c	tokens, counters, and noticing the limits
 *	wait.c		who waits: the throttle, room below rss_limit, shrinking
 *	oom.c		who dies if there is none
 *	notify.c	telling user space of them
 *	task.c		membership of tasks and mms: fork, exec, exit, moving
 *	adopt.c		the pages that a process holds when it is moved
 *	sweep.c		finding what is charged when nothing leads to it any more
 *	file.c		ownership of files: claiming, moving, eviction
 *	configfs.c	the tree that users see, and nothing else
 *	audit.c		for tests: do the counters say what is there?
 *	stop.c		for tests: a task is killed in the middle of all that
 *	fault.c		for tests: allocations fail that the kernel's own fault
 *			injection does not reach
 *	mm/container_mm.c	kcontainerd: what it does over the limit
 *	mm/container_swap.c	pages in the swap cache that nobody can reach
 *
 * Lock order, outermost first:
 *
 *	configfs: the directories' i_rwsem, frag_sem; but who moves a process or
 *	a file, which may make one wait for anybody, comes without
 *	  sweep_mutex			one search through all of memory
 *	  container_attach_mutex	one change of membership at a time
 *	    container_fork_rwsem	write: no task forks or execs meanwhile
 *	      container::lock		tasks, mms; of two containers: one after
 *					the other, never nested
 *	      container::files_lock	files; nests inode::i_lock and
 *					address_space::i_pages inside
 *	mmap_lock, page table lock	while charging, or walking an mm
 *	  lruvec::lru_lock		nests inside a page table lock
 *
 * The charge path takes none of the containers' locks: it goes by tokens,
 * per-CPU counters and RCU. kcontainerd takes files_lock, container::lock,
 * then, one at a time, s_umount (tried, for reading) and mmap_lock.
 *
 * Lifetime: whoever finds a container through a task, an mm, a mapping or a
 * token may use it for an RCU read-side section. Removal first takes it away
 * from tasks, mms and mappings, so that a grace period later no charge can be
 * added; the charges that are left are then taken off, and the memory is
 * freed after one more grace period. No reference is counted on any path but
 * where a task waits for kcontainerd, or moves a process or a file.
 */
#ifndef _KERNEL_CONTAINER_INTERNAL_H
#define _KERNEL_CONTAINER_INTERNAL_H

#include <linux/configfs.h>
#include <linux/container.h>
#include <linux/page_counter.h>
#include <linux/page_ext.h>
#include <linux/percpu.h>
#include <linux/security.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

/*
 * What is counted in pages for a container, for each CPU. Which of them it is
 * for a folio can be seen from its token without a branch: see token_stat().
 */
enum container_stat {
	CONTAINER_ANON		= 0,
	CONTAINER_FILE		= 1,	/* page cache, other than shmem */
	CONTAINER_ACTIVE	= 2,	/* pages on an active LRU list */
	CONTAINER_SHMEM		= 3,	/* page cache that only swap can take */
	CONTAINER_REFAULTED	= 4,	/* came back after they were reclaimed: events */
	CONTAINER_MAPPED_FILE	= 5,	/* of these kinds, those that are mapped */
	CONTAINER_MAPPED_SHMEM	= 7,
	NR_CONTAINER_STATS	= 8,
};

/*
 * Every page is charged to one of two counters. The first is what rss_limit is
 * about, what cannot simply be dropped: anonymous and shmem pages, and file
 * pages while they are mapped. The second is the rest of the page cache.
 * page_limit is about the sum of both.
 */
enum container_counter {
	CONTAINER_RSS,
	CONTAINER_CACHE,
	NR_CONTAINER_COUNTERS,
};

/* What has happened to a container since it was made; see its stat file. */
enum container_event {
	CONTAINER_CHARGE_FAILURES,	/* charges that met rss_limit */
	CONTAINER_THROTTLED_USEC,	/* tasks slept as they are over page_limit */
	CONTAINER_RECLAIM_USEC,		/* tasks waited for room below rss_limit */
	CONTAINER_ROUNDS,		/* rounds of kcontainerd */
	CONTAINER_SCANNED,		/* and what they did, in pages */
	CONTAINER_DEACTIVATED,
	CONTAINER_WRITTEN_BACK,
	CONTAINER_DROPPED,		/* clean page cache that nobody mapped */
	CONTAINER_RECLAIMED,		/* what was mapped, or anonymous, or shmem */
	CONTAINER_SWAPPED_OUT,		/* of that, what went to swap */
	NR_CONTAINER_EVENTS,
};

/*
 * Pages that a CPU takes from the page counter in advance, so that it need not
 * touch it for every page. As large as memcg's: both bound the same error.
 */
#define CONTAINER_STOCK		64

struct container_pcpu {
	long		stat[NR_CONTAINER_STATS];
	/* atomic as others may drain it */
	atomic_long_t	stock[NR_CONTAINER_COUNTERS];
};

/*
 * Files and tasks with fewer pages than this are left for the second pass of
 * kcontainerd: PAGE_THRESHOLD_LIMIT of 2006.
 */
#define CONTAINER_LARGE		50

static inline bool is_large(unsigned long nr_pages)
{
	return nr_pages >= CONTAINER_LARGE;
}

/* What kcontainerd does when deactivating did not help */
enum container_over_limit {
	CONTAINER_OVER_RECLAIM,
	CONTAINER_OVER_DEACTIVATE,
};

/* What dies if rss_limit cannot be kept otherwise */
enum container_oom {
	CONTAINER_OOM_TASK,
	CONTAINER_OOM_CONTAINER,
};

/*
 * File pages that a container may have mapped although the rest fills its
 * rss_limit: what a few instructions of a few tasks need to get on at all,
 * mapped by CONTAINER_STOCK / 16 fault-arounds.
 */
#define CONTAINER_MAPPED_MIN	CONTAINER_STOCK

/* Counters whose changes user space is told of: bits in container::notices */
enum container_notice {
	CONTAINER_PAGE_LIMIT_HITS,
	CONTAINER_TASK_LIMIT_HITS,
	CONTAINER_RSS_FAILCNT,
	CONTAINER_RSS_OOM_KILLS,
	NR_CONTAINER_NOTICES,
};

/* bits in container::flags */
enum {
	CONTAINER_DYING,	/* rmdir has begun; takes no more members */
	CONTAINER_TRIMMING,	/* kcontainerd is at it, or about to be */
	CONTAINER_FUTILE,	/* its last round found nothing to trim */
};

/*
 * What kcontainerd has a file down for, by the pages of it that are cached. One
 * that has got fewer is noticed when its turn comes, and one that has outgrown
 * its class by who adds the page.
 */
enum container_file_class {
	CONTAINER_FILE_EMPTY,		/* kcontainerd does not look at these */
	CONTAINER_FILE_SMALL,
	CONTAINER_FILE_LARGE,
	NR_CONTAINER_FILE_CLASSES,
};

/* A file that a container owns: what address_space::container_file is. */
struct container_file {
	unsigned long		token;	/* of a folio of it, as yet unmapped */
	/* where that is counted: in ctn->pcpu */
	long __percpu		*stat;
	atomic_long_t __percpu	*stock;
	struct container	*ctn;
	struct address_space	*mapping; /* NULL for a place in the list */
	unsigned long		outgrown; /* pages that are too many for class */
	pgoff_t			cursor;	/* where kcontainerd goes on */
	enum container_file_class class;
	/* in ctn->files and ctn->trim_files[class], as this: files_lock */
	struct list_head	node;
	union {
		struct list_head	trim_node;
		struct rcu_head		rcu;	/* once it is in no list */
	};
};

struct container {
	struct config_group		group;
	int				id;
	unsigned long			flags;
	struct container_pcpu __percpu	*pcpu;

	/* what is charged and the CPUs' stocks; rss_limit is the max of RSS */
	struct page_counter		counter[NR_CONTAINER_COUNTERS];
	unsigned long			page_limit;
	atomic_long_t			page_limit_hits;
	unsigned long			last_hit;	/* jiffies */
	enum container_over_limit	over_limit;

	atomic_long_t			nr_tasks;
	unsigned long			task_limit;
	atomic_long_t			task_limit_hits;

	spinlock_t			lock;	/* protects tasks and mms */
	struct list_head		tasks;
	struct list_head		mms;

	spinlock_t			files_lock; /* protects the next three */
	struct list_head		files;
	/* whose turn it is comes first */
	struct list_head		trim_files[NR_CONTAINER_FILE_CLASSES];
	unsigned long			nr_files[NR_CONTAINER_FILE_CLASSES];

	struct delayed_work		trim_work;
	unsigned int			trim_delay;	/* jiffies to a retry */
	unsigned long			rounds_begun;
	unsigned long			rounds_ended;	/* see wait_for_round() */
	bool				round_idle;	/* the last one did nothing */
	struct mutex			shrink_lock;	/* one who sets the goals: */
	unsigned long			shrink_pages;	/* anon + file, or ULONG_MAX */
	unsigned long			shrink_rss;	/* rss, or ULONG_MAX */
	atomic_t			room_waiters;	/* tasks that need a page */
	atomic_long_t			held_reclaimed;	/* anon and shmem pages */

	atomic_long_t			event[NR_CONTAINER_EVENTS];
	atomic_long_t			rss_reclaimed;	/* pages, for want of room */
	atomic_long_t			rss_oom_kills;
	enum container_oom		oom;
	unsigned long			oom_told_until;	/* jiffies */

	unsigned long			notices;
	unsigned long			last_notice;	/* jiffies */
	struct delayed_work		notify_work;

	unsigned long			futile_usage;	/* when FUTILE was set */
	/* where trimming anonymous pages goes on: only compared, not followed */
	struct mm_struct		*trim_mm;
	unsigned long			trim_addr;

	struct delayed_work		leftovers_work;	/* see sweep.c */
	unsigned int			leftovers_tries;

	struct rcu_work			free_work;
#ifdef CONFIG_CONTAINERS_DEBUG
	struct list_head		audit_node;	/* see audit.c */
#endif
};

/*
 * A token, lowest bits first:
 *
 *	bit 0		the folio is counted in CONTAINER_ACTIVE
 *	bits 1 and 2	page cache, not anonymous; shmem, which is page cache, too:
 *			together they are its enum container_stat
 *	bits 3 to 16	pages of it that are counted as mapped page cache
 *	bits 17 to 63	where the container is, from PAGE_OFFSET, in units of
 *			CONTAINER_ALIGN: 55 bits of address
 *
 * All that was counted is in the one word that a cmpxchg replaces, and so
 * moving or dropping a charge is exact without a lock on the folio.
 */
#define CONTAINER_TOKEN_FILE	2UL
#define CONTAINER_TOKEN_SHMEM	4UL
#define CONTAINER_TOKEN_MAPPED	8UL		/* one mapped page */
#define CONTAINER_TOKEN_MAPPED_SHIFT	3
#define CONTAINER_TOKEN_MAPPED_MAX	((1L << 14) - 1)
#define CONTAINER_TOKEN_MAPPED_MASK	\
	((unsigned long)CONTAINER_TOKEN_MAPPED_MAX << CONTAINER_TOKEN_MAPPED_SHIFT)
#define CONTAINER_ALIGN		BIT(CONTAINER_ALIGN_SHIFT)

/* @token is not 0. */
static inline struct container *token_container(unsigned long token)
{
	return (struct container *)(((token >> CONTAINER_TOKEN_SHIFT) <<
				     CONTAINER_ALIGN_SHIFT) + PAGE_OFFSET);
}

static inline unsigned long token_mapped(unsigned long token)
{
	return (token & (BIT(CONTAINER_TOKEN_SHIFT) - 1)) >>
	       CONTAINER_TOKEN_MAPPED_SHIFT;
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
	unsigned long token = folio_token(folio);

	return token ? token_container(token) : NULL;
}

/* Is @ctn charged for @folio at the moment? */
static inline bool folio_charged_to(struct folio *folio, struct container *ctn)
{
	bool ret;

	rcu_read_lock();
	ret = folio_container(folio) == ctn;
	rcu_read_unlock();
	return ret;
}

/* The container that @mm is in, or NULL. To be followed within RCU only. */
static inline struct container *mm_container(struct mm_struct *mm)
{
	unsigned long token = READ_ONCE(mm->container_token);

	return token ? token_container(token) : NULL;
}

/* Is it charged, and neither as shmem nor as another file's? */
static inline bool folio_charged_as_anon(struct folio *folio)
{
	unsigned long token = folio_token(folio);

	return token && !(token & CONTAINER_TOKEN_FILE);
}

static inline unsigned long container_nr_files(struct container *ctn)
{
	return READ_ONCE(ctn->nr_files[CONTAINER_FILE_EMPTY]) +
	       READ_ONCE(ctn->nr_files[CONTAINER_FILE_SMALL]) +
	       READ_ONCE(ctn->nr_files[CONTAINER_FILE_LARGE]);
}

/* May whoever has @cred move what is not theirs? */
static inline bool container_cred_is_capable(const struct cred *cred)
{
	return !security_capable(cred, &init_user_ns, CAP_SYS_RESOURCE,
				 CAP_OPT_NONE);
}

static inline struct container *to_container(struct config_item *item)
{
	return container_of(to_config_group(item), struct container, group);
}

/* core.c */
extern unsigned long container_default_page_limit;
extern unsigned long container_default_task_limit;
struct container *container_create(void);
void container_empty(struct container *ctn);
void container_revive(struct container *ctn);
void container_free_id(struct container *ctn);
void container_destroy(struct container *ctn);

/* charge.c */
void container_move_charge(struct folio *folio, struct mm_struct *mm);
void container_adopt_folio(struct folio *folio, struct address_space *mapping);
void container_drop_charge(struct folio *folio, struct container *ctn);
unsigned long container_stat(struct container *ctn, enum container_stat item);
unsigned long container_usage(struct container *ctn);
unsigned long container_file(struct container *ctn);
unsigned long container_mapped(struct container *ctn);
unsigned long container_held(struct container *ctn);
unsigned long container_rss(struct container *ctn);
bool container_over_rss(struct container *ctn);
void container_drain_stock(struct container *ctn);
void container_check_limit(struct container *ctn);

static inline void container_count(struct container *ctn,
				   enum container_event event, long nr)
{
	atomic_long_add(nr, &ctn->event[event]);
}

/* wait.c */
void container_call_kcontainerd(struct container *ctn);
void container_wake_waiters(struct container *ctn);
int container_shrink(struct container *ctn, unsigned long pages);
int container_set_rss_limit(struct container *ctn, unsigned long limit);
struct container *container_tryget(struct container *ctn);
void container_put(struct container *ctn);

/* oom.c */
bool container_out_of_memory(struct container *ctn);

/* notify.c */
void container_notify(struct container *ctn, enum container_notice counter);
void container_notify_work(struct work_struct *work);

/* task.c */
int container_add_task(struct container *ctn, pid_t nr);
int container_remove_task(struct container *ctn, pid_t nr);
void container_expel_tasks(struct container *ctn);
int container_list_tasks(struct container *ctn, struct seq_file *m);

/* adopt.c */
void container_adopt_pages(struct mm_struct *mm);

/* sweep.c */
void container_sweep(struct container *ctn,
		     void (*fn)(struct folio *folio, struct container *ctn));
void container_leftovers_work(struct work_struct *work);
void container_check_leftovers(struct container *ctn);

/* file.c */
int container_add_file(struct container *ctn, const char *name);
int container_remove_file(struct container *ctn, const char *name);
struct inode *container_next_file(struct container *ctn, bool large,
				  bool rss_only, unsigned long *left,
				  pgoff_t *cursor, bool *busy);
void container_file_grown(struct address_space *mapping);
void container_set_cursor(struct container *ctn, struct inode *inode,
			  pgoff_t cursor);
void container_release_file(struct inode *inode);
void container_expel_files(struct container *ctn);
int container_list_files(struct container *ctn, struct seq_file *m);

/* configfs.c */
extern const struct configfs_attribute * const
	container_notice_attrs[NR_CONTAINER_NOTICES];
int container_parse_limit(const char *buf, size_t len, bool pages,
			  unsigned long *limit);

/* audit.c */
#ifdef CONFIG_CONTAINERS_DEBUG
void container_audit_add(struct container *ctn);
void container_audit_remove(struct container *ctn);
void container_audit_freed(void);
#else
static inline void container_audit_add(struct container *ctn) { }
static inline void container_audit_remove(struct container *ctn) { }
static inline void container_audit_freed(void) { }
#endif

/* stop.c */
#ifdef CONFIG_CONTAINERS_DEBUG
DECLARE_STATIC_KEY_FALSE(container_stop_key);
void __container_stop_point(const char *name);
void container_stop_init(struct dentry *dir);

/* A test may have the current task killed here, by this name. Context: Any. */
static __always_inline void container_stop_point(const char *name)
{
	if (static_branch_unlikely(&container_stop_key))
		__container_stop_point(name);
}
#else
static inline void container_stop_point(const char *name) { }
#endif

/* fault.c */
#if defined(CONFIG_CONTAINERS_DEBUG) && defined(CONFIG_FAULT_INJECTION)
bool container_percpu_fails(size_t size);
void container_fault_init(struct dentry *dir);
#else
static inline bool container_percpu_fails(size_t size) { return false; }
static inline void container_fault_init(struct dentry *dir) { }
#endif

/* mm/container_mm.c */
extern struct workqueue_struct *kcontainerd_wq;
void container_trim_work(struct work_struct *work);

#endif /* _KERNEL_CONTAINER_INTERNAL_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of the containers share: the container itself, and who calls
 * whom.
 *
 *	core.c		making, removing and freeing a container
 *	counter.[ch]	page counters, the stocks of the CPUs before them, sums
 *	token.[ch]	whom a folio is charged to, and giving it to another
 *	limit.c		noticing the limits: what fits, and who is told
 *	peak.c		the most that there was
 *	charge.c	the hooks where folios are charged, uncharged and moved
 *	throttle.c	who sleeps as page_limit is passed by far
 *	room.c		who waits for room below rss_limit
 *	shrink.c	trimming on demand: shrink, and lowering rss_limit
 *	oom.c		who dies if there is no room
 *	pressure.c	how much of the time its tasks wait for memory
 *	trigger.c	who is woken by that
 *	notify.c	telling user space of the limits
 *	task.c		membership of tasks and mms: fork, exec, exit
 *	move.c		moving a process in and out
 *	kill.c		sending a signal to all processes
 *	adopt.c		the pages that a process holds when it is moved
 *	file.c		which files belong to a container or have memory of it
 *	owner.c		naming the owner of a file: addfile and rmfile
 *	mappings.c	listing the files
 *	stat.[ch]	the numbers of a container, and of all of them, as text
 *	configfs.c	the tree that users see, and nothing else
 *	bc.h, bc*.c	beancounters: see bc.h
 *	audit.c		for tests: do the counters say what is there?
 *	stop.c		for tests: a task is killed in the middle of all that
 *	fault.c		for tests: allocations fail that the kernel's own fault
 *			injection does not reach
 *	mm/container_mm.c	kcontainerd: how far to trim, and when
 *	mm/container_scan_file.c, mm/container_scan_anon.c
 *				what of files and of processes it trims
 *	mm/container_reclaim.c	how that goes away
 *	mm/container_swap.c	pages in the swap cache that nobody can reach
 *
 * Lock order, outermost first:
 *
 *	configfs: the directories' i_rwsem, frag_sem; but who moves a process or
 *	a file, which may make one wait for anybody, comes without
 *	  container_attach_mutex	one change of membership at a time
 *	    container_fork_rwsem	write: no task forks or execs meanwhile
 *	      container::lock		tasks, mms; of two containers: one after
 *					the other, never nested
 *	        sighand_struct::siglock	while a signal is sent: kill.c
 *	      container::files_lock	files; nests inode::i_lock, or
 *					address_space::i_pages, inside
 *	mmap_lock, page table lock	while charging, or walking an mm
 *	  container::lock		nests inside mmap_lock: bc_vm.c
 *	  lruvec::lru_lock		nests inside a page table lock
 *	container::shrink_lock		a leaf, with interrupts off; nests inside a page
 *					table lock, and i_pages
 *	container_pressure::lock	another; nests inside a page table lock
 *	container::kill_mutex		nests container::lock; nothing else is held
 *
 * The charge path takes none of the containers' locks: it goes by tokens,
 * per-CPU counters and RCU; but the first page of a file, and the fiftieth, take
 * files_lock. kcontainerd takes files_lock, container::lock,
 * then, one at a time, s_umount (tried, for reading) and mmap_lock.
 *
 * Lifetime: whoever finds a container through a task, an mm, a mapping or a
 * token may use it for an RCU read-side section. Removal takes it away from all
 * of these: tasks, mms and files leave it, and its entry in container_table is
 * cleared, so that what is still charged to it is charged to nobody. After a
 * grace period its memory is freed. No reference is counted on any path but
 * where a task waits for kcontainerd, or moves a process or a file.
 */
#ifndef _KERNEL_CONTAINER_INTERNAL_H
#define _KERNEL_CONTAINER_INTERNAL_H

#include <linux/configfs.h>
#include <linux/container.h>
#include <linux/page_counter.h>
#include <linux/percpu.h>
#include <linux/security.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

/*
 * What is counted in pages for a container, for each CPU. Which of them it is
 * for a folio can be seen from its token without a branch: see token_stat().
 */
enum container_stat {
	CONTAINER_ANON		= 0,
	CONTAINER_FILE		= 1,	/* page cache that can be dropped */
	CONTAINER_ACTIVE	= 2,	/* pages on an active LRU list */
	CONTAINER_HELD_FILE	= 3,	/* page cache that cannot: shmem, ramfs */
	CONTAINER_REFAULTED	= 4,	/* came back after they were reclaimed: events */
	CONTAINER_MAPPED_FILE	= 5,	/* of these kinds, those that are mapped */
	CONTAINER_MAPPED_HELD	= 7,
	NR_CONTAINER_STATS	= 8,
};

/*
 * Every page is charged to one of two counters. The first is what rss_limit is
 * about: anonymous pages, and those of files that cannot be dropped. page_limit
 * is about the sum of both.
 */
enum container_counter {
	CONTAINER_HELD,
	CONTAINER_DROPPABLE,
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
	CONTAINER_RECLAIMED,		/* what was mapped, or is held */
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

/* All of struct container_pcpu::stat, summed up: see container_sum_up(). */
struct container_sums {
	long		stat[NR_CONTAINER_STATS];
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

/* Counters whose changes user space is told of: bits in container::notices */
enum container_notice {
	CONTAINER_PAGE_LIMIT_HITS,
	CONTAINER_TASK_LIMIT_HITS,
	CONTAINER_RSS_FAILCNT,
	CONTAINER_RSS_OOM_KILLS,
	CONTAINER_BC_FAILCNT,	/* or a barrier of numproc that was passed */
	NR_CONTAINER_NOTICES,
};

/* What its *_peak files say the most of */
enum container_peak {
	CONTAINER_PEAK_RSS,
	CONTAINER_PEAK_USAGE,
	CONTAINER_PEAK_TASKS,
	NR_CONTAINER_PEAKS,
};

/* bits in container::flags */
enum {
	CONTAINER_DYING,	/* rmdir has begun; takes no more members */
	CONTAINER_IN_TABLE,	/* tokens name it */
	CONTAINER_TRIMMING,	/* kcontainerd is at page_limit, or about to be */
	CONTAINER_TRIMMING_HELD, /* or at what is held over rss_limit */
	CONTAINER_TRIM_FAILED,	/* its last round there hardly helped */
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

/*
 * How far kcontainerd has come in a file, and what it has seen there. It goes over a
 * file once in each part of a round, from where it left off to there again: a lap.
 */
struct container_scan {
	pgoff_t			cursor;	/* where it goes on */
	pgoff_t			start;	/* where the lap has begun */
	unsigned int		lap;	/* which one that is */
	bool			wrapped; /* has come to the end of the file in it? */
	bool			lapped;	/* and to its start again? */
	unsigned int		looked;	/* pages, of late */
	unsigned int		used;	/* of these, used more than once */
};

/* A lap over the files of a container: see container_next_file(). */
struct container_lap {
	unsigned int		nr;	/* which one that is */
	bool			large;	/* over files with CONTAINER_LARGE pages */
	unsigned long		visits;	/* that may be made yet */
	unsigned long		skips;	/* files that may be passed over yet */
};

/*
 * A container's part in a file. Of a file of droppable cache there is one at
 * most, that of the owner; of a file of held memory there is one for each
 * container that has, or had, memory in it. See file.c for who may do what.
 */
struct container_file {
	struct container	*ctn;
	struct address_space	*mapping;
	struct container_file __rcu *next;	/* another container's */
	unsigned long		token;	/* of a folio of it, as yet unmapped */
	unsigned long		outgrown; /* pages that are too many for class */
	struct container_scan	scan;
	u32			id;	/* where it is in ctn->files */
	bool			named;	/* by addfile */
	enum container_file_class class;
	union {
		struct list_head	trim_node; /* in ctn->trim_files[class] */
		struct rcu_head		rcu;	/* once it is in no list */
	};
};

/* What kcontainerd works at: two rounds of one container may go on at once. */
enum container_trim_goal {
	CONTAINER_TRIM_USAGE,	/* page_limit, shrink, and what is mapped */
	CONTAINER_TRIM_HELD,	/* room below rss_limit */
	NR_CONTAINER_TRIMMERS,
};

/* What a container is charged for in advance, for one who is being moved in */
struct container_reserve {
	struct container	*ctn;
	long			nr;		/* pages */
};

struct container_trimmer {
	struct delayed_work	work;
	struct container	*ctn;
	unsigned int		delay;		/* jiffies to a retry */
	unsigned long		begun;		/* rounds */
	unsigned long		ended;
	bool			idle;		/* the last one did nothing */
	/* of those for held memory: */
	unsigned int		in_vain;	/* rounds without progress, in a row */
	unsigned long		progress;	/* jiffies: when there was some */
	unsigned long		last;		/* jiffies: when the last one ended */
	unsigned long		held;		/* pages, after the last */
	long			reclaimed;	/* what ctn->held_reclaimed was then */
	/* where trimming anonymous pages goes on: only compared, not followed */
	struct mm_struct	*mm;
	unsigned long		addr;
	unsigned long		next_look;	/* jiffies: at what is mapped */
	unsigned long		next_others;	/* and at what outsiders map */
};

/* See pressure.c. Time is in nanoseconds of ktime_get(). */
struct container_pressure {
	spinlock_t		lock;	/* protects all but work */
	unsigned int		stalled; /* tasks that wait for memory */
	u64			since;	/* when that was looked at last */
	u64			total;	/* time that there was one at least, until then */
	unsigned long		avg[3];	/* hundredths of time, as calc_load() has them */
	u64			avg_total; /* what total was when */
	u64			avg_time;  /* these were computed last */
	u64			avg_next;  /* and when the next time is */
	struct delayed_work	work;
	bool			resting; /* and does not come until somebody waits */
	struct list_head	triggers; /* see trigger.c */
	unsigned int		nr_triggers;
	unsigned long		look_every; /* jiffies; 0 if there are none */
};

struct container {
	/* what a charge reads */
	unsigned long			ident;	/* see token.h */
	struct container_pcpu __percpu	*pcpu;
	unsigned long			flags;
	unsigned long			page_limit;
	/* and an uncharge: what a CPU may have in stock; written under shrink_lock */
	long				stock_most;

	/* what is charged and the CPUs' stocks; rss_limit is the max of HELD */
	struct page_counter		counter[NR_CONTAINER_COUNTERS];

	struct config_group		group;
	int				id;
	atomic_long_t			page_limit_hits;
	unsigned long			last_hit;	/* jiffies */
	enum container_over_limit	over_limit;
	unsigned long			failed_usage;	/* pages, when TRIM_FAILED was set */

	atomic_long_t			nr_tasks;
	unsigned long			task_limit;
	atomic_long_t			task_limit_hits;

	spinlock_t			lock;	/* protects the next four */
	struct list_head		tasks;
	struct list_head		mms;
	struct list_head		forks;	/* children on their way to tasks, */
	struct list_head		*kill_last; /* in tasks: see kill.c */
	struct mutex			kill_mutex; /* one write to kill at a time */

	/* see peak.c; that of tasks changes under lock */
	atomic_long_t			peak[NR_CONTAINER_PEAKS];
	atomic_long_t			mapped_lately;	/* pages, or nearly, */
	unsigned long			mapped_looked;	/* jiffies: when summed up */
#ifdef CONFIG_BEANCOUNTERS
	unsigned long			task_bound;	/* what fork is to notice */
	unsigned long			task_barrier;
	unsigned long			task_max;	/* the most there were */
	unsigned long			rss_barrier;	/* pages; under shrink_lock */
	struct beancounter		*bc;		/* once one is written */
#endif

	spinlock_t			files_lock; /* protects the next four */
	struct xarray			files;	/* all, by container_file::id */
	u32				next_file;
	/* whose turn it is comes first */
	struct list_head		trim_files[NR_CONTAINER_FILE_CLASSES];
	unsigned long			nr_files[NR_CONTAINER_FILE_CLASSES];
	atomic_t			trim_laps; /* see struct container_scan */
	atomic_long_t			came_back; /* dropped pages: see begin_aging() */
	atomic_long_t			nr_owned;	/* of these */

	struct container_trimmer	trimmer[NR_CONTAINER_TRIMMERS];
	wait_queue_head_t		wait;	/* rounds ending, room, removal */
	spinlock_t			shrink_lock;	/* protects the next two */
	struct list_head		shrinkers;	/* see shrink.c */
	unsigned long			shrink_pages;	/* the least of them wants */
	/* of rss_limit, also under shrink_lock: see shrink.c */
	unsigned long			limit_reached;	/* that was set last */
	unsigned long			limit_reached_by;
	unsigned long			limit_writers;	/* so far: who is which */
	unsigned long			limit_tried_by;	/* whose is max; 0: reached */
	unsigned int			lowering;	/* who waits for that now, */
					/* under shrink_lock as well */
	atomic_long_t			moving_in;	/* pages, see move.c */
	atomic_t			room_waiters;	/* tasks that need pages */
	unsigned long			room_wanted;	/* the most that one needs */
	unsigned long			no_room_until[2]; /* jiffies: see room.c */
	unsigned long			last_kill;	/* jiffies: see room.c */
	atomic_long_t			held_reclaimed;	/* pages */

	atomic_long_t			event[NR_CONTAINER_EVENTS];
	atomic_long_t			rss_reclaimed;	/* pages, for want of room */
	atomic_long_t			rss_oom_kills;
	enum container_oom		oom;
	unsigned long			oom_told_until;	/* jiffies */

#ifdef CONFIG_PSI
	struct container_pressure	pressure;
#endif

	unsigned long			notices;
	unsigned long			last_notice;	/* jiffies */
	struct delayed_work		notify_work;

	struct work_struct		release_work;
	struct rcu_head			rcu;
#ifdef CONFIG_CONTAINERS_DEBUG
	struct list_head		audit_node;	/* see audit.c */
#endif
};

/* In how many files it has a part. */
static inline unsigned long container_nr_parts(struct container *ctn)
{
	return READ_ONCE(ctn->nr_files[CONTAINER_FILE_EMPTY]) +
	       READ_ONCE(ctn->nr_files[CONTAINER_FILE_SMALL]) +
	       READ_ONCE(ctn->nr_files[CONTAINER_FILE_LARGE]);
}

/* May whoever has @cred move what is not theirs? Most have no need to: it is no audit event. */
static inline bool container_cred_is_capable(const struct cred *cred)
{
	return !security_capable(cred, &init_user_ns, CAP_SYS_RESOURCE,
				 CAP_OPT_NOAUDIT);
}

/* Who has opened the file that is written to, if that is what goes on, as well. */
static inline bool container_is_capable(void)
{
	return container_cred_is_capable(current_cred()) &&
	       container_cred_is_capable(current_real_cred());
}

static inline struct container *to_container(struct config_item *item)
{
	return container_of(to_config_group(item), struct container, group);
}

/* core.c */
extern unsigned long container_default_page_limit;
extern unsigned long container_default_task_limit;
struct container *container_create(u32 id);
struct container *container_create_host(void);
void container_publish(struct container *ctn);
struct container *container_find(u32 id);
struct container *container_find_from(loff_t *id);
void container_empty(struct container *ctn);
void container_revive(struct container *ctn);
void container_free_id(struct container *ctn);
void container_destroy(struct container *ctn);

struct container *container_tryget(struct container *ctn);
struct container *container_get_own(void);
void container_put(struct container *ctn);

/* token.c */
extern struct container container_nobody;
int container_table_add(struct container *ctn);
void container_table_remove(struct container *ctn);

/* counter.c */
unsigned long container_stat(struct container *ctn, enum container_stat item);
unsigned long container_usage(struct container *ctn);
unsigned long container_nr_file(struct container *ctn);
void container_sum_up(struct container *ctn, struct container_sums *sums);
unsigned long container_held(struct container *ctn);
unsigned long container_rss(struct container *ctn);
unsigned long container_charged(struct container *ctn);
void container_drain_stock(struct container *ctn);
void container_set_stock_most(struct container *ctn);

/* limit.c */
void container_check_limit(struct container *ctn);
void container_held_grew(struct container *ctn);
void container_check_mapped(struct container *ctn);
int container_charge_fails(struct container *ctn, long nr, gfp_t gfp, bool wait);
void container_enable_rss(void);

static inline unsigned long container_rss_limit(struct container *ctn)
{
	return READ_ONCE(ctn->counter[CONTAINER_HELD].max);
}

/* Is more of it held than rss_limit? It may be after a move or swapoff. */
static inline bool container_over_held(struct container *ctn)
{
	unsigned long limit = container_rss_limit(ctn);

	return limit != PAGE_COUNTER_MAX && container_held(ctn) > limit;
}

/* Has round @round of @trimmer ended, or never will as the container is removed? */
static inline bool container_round_ended(struct container *ctn,
					 enum container_trim_goal what,
					 unsigned long round)
{
	/* what the round has done is seen: pairs with end_round() */
	return (long)(smp_load_acquire(&ctn->trimmer[what].ended) - round) >= 0 ||
	       test_bit(CONTAINER_DYING, &ctn->flags);
}

/*
 * So many pages above page_limit are never far: with a limit of next to nothing, one
 * that sleeps for each page finds those that its next instruction needs gone again.
 */
#define CONTAINER_NEVER_FAR	32UL

/* Is that so far over page_limit that the current task is to sleep? */
static inline bool container_far_over(unsigned long usage, unsigned long limit)
{
	return usage > limit &&
	       usage - limit > max(limit / 8, CONTAINER_NEVER_FAR);
}

/* Rounds without any progress until who wants some gives up */
#define CONTAINER_RETRIES	5

/* How long a round that met pages in somebody's hands does not count as one */
#define CONTAINER_BUSY		(2 * HZ)

static inline void container_count(struct container *ctn,
				   enum container_event event, long nr)
{
	atomic_long_add(nr, &ctn->event[event]);
}

/* peak.c */
void container_note_peaks(struct container *ctn);
void container_note_mapped(struct container *ctn, long nr);
void container_note_tasks(struct container *ctn);
unsigned long container_peak(struct container *ctn, enum container_peak which,
			     unsigned long now);
void container_reset_peak(struct container *ctn, enum container_peak which);

/* room.c */
bool container_room_for(struct container *ctn, long nr);

/* shrink.c */
int container_shrink(struct container *ctn, unsigned long pages);
int container_set_rss_limit(struct container *ctn, unsigned long limit);

/* oom.c */
bool container_out_of_memory(struct container *ctn, long nr);

/* pressure.c */
#ifdef CONFIG_PSI
void container_pressure_init(struct container *ctn);
void container_pressure_revive(struct container *ctn);
void container_pressure_stop(struct container *ctn);
int container_show_pressure(struct container *ctn, struct seq_file *m);
void container_pressure_update(struct container_pressure *p);

/* trigger.c */
void container_triggers_restart(struct container_pressure *p);
bool container_triggers_look(struct container_pressure *p);
void *container_trigger_begin(struct container *ctn, const char *buf, size_t count);
__poll_t container_trigger_poll(void *watch, struct file *file,
				struct poll_table_struct *wait);
void container_trigger_end(void *watch);
void container_triggers_remove(struct container *ctn);
#else
static inline void container_triggers_remove(struct container *ctn) { }
static inline void container_pressure_init(struct container *ctn) { }
static inline void container_pressure_revive(struct container *ctn) { }
static inline void container_pressure_stop(struct container *ctn) { }
#endif

/* notify.c */
void container_notify(struct container *ctn, enum container_notice counter);
void container_notify_work(struct work_struct *work);

/* task.c */
extern struct mutex container_attach_mutex;
extern struct percpu_rw_semaphore container_fork_rwsem;
void container_mm_leave(struct mm_struct *mm);
void container_mm_join(struct mm_struct *mm, struct container *ctn);
void container_task_leave(struct task_struct *task);
void container_unlist_task(struct container *ctn, struct task_struct *task);
void container_count_task_limit_hit(struct container *ctn);
int container_list_tasks(struct container *ctn, struct seq_file *m);

/* move.c */
int container_add_task(struct container *ctn, pid_t nr);
int container_remove_task(struct container *ctn, pid_t nr);
void container_expel_tasks(struct container *ctn);

/* kill.c */
int container_kill(struct container *ctn, int sig);
void container_kill_child(struct task_struct *child);

/* adopt.c */
void container_adopt_pages(struct mm_struct *mm, struct container_reserve *reserve);
void container_moved_in(struct container_reserve *reserve, long nr);

/* file.c */
struct container_file *container_first_file(struct address_space *mapping);
struct container_file *container_find_file(struct address_space *mapping,
					   struct container *ctn);
bool container_mapping_is_held(struct address_space *mapping);
int container_join_own(struct address_space *mapping, gfp_t gfp);
int container_join_file(struct address_space *mapping, struct container *ctn);
int container_name_file(struct address_space *mapping, struct container *ctn);
void container_claim_file(struct address_space *mapping, gfp_t gfp);
void container_file_grown(struct container_file *file);
bool container_leave_file(struct address_space *mapping, struct container *ctn);
void container_adopt_folios(struct folio **folios, unsigned int nr,
			    struct container *ctn, unsigned int how);
struct inode *container_hold_file(struct container_file *file);
struct inode *container_next_file(struct container *ctn,
				  bool (*wanted)(struct container_file *file),
				  struct container_lap *lap,
				  struct container_scan *scan, bool *busy);
void container_set_scan(struct container *ctn, struct inode *inode,
			const struct container_scan *scan);
void container_release_file(struct inode *inode);
void container_expel_files(struct container *ctn);

/* owner.c */
int container_add_file(struct container *ctn, const char *name);
int container_remove_file(struct container *ctn, const char *name);
bool container_may_say(struct inode *inode);

/* mappings.c */
extern const struct seq_operations container_mappings_ops;

/* bc_resources.c */
#ifdef CONFIG_BEANCOUNTERS
bool container_tasks_fit(struct container *ctn, unsigned long now, unsigned long nr);
int container_set_task_limit(struct container *ctn, unsigned long limit);
void container_rss_barrier_hit(struct container *ctn);
bool container_may_set_rss_limit(struct container *ctn, unsigned long limit);
int container_bc_create(struct container *ctn);
void container_bc_revive(struct container *ctn);
void container_bc_free(struct container *ctn);

/* More tasks than this are for container_tasks_fit() to look at. */
static inline unsigned long container_task_bound(struct container *ctn)
{
	return READ_ONCE(ctn->task_bound);
}

/* In pages: what kcontainerd trims what is held to, if it is less than rss_limit. */
static inline unsigned long container_rss_barrier(struct container *ctn)
{
	return READ_ONCE(ctn->rss_barrier);
}
#else
static inline bool container_tasks_fit(struct container *ctn, unsigned long now,
				       unsigned long nr)
{
	return false;
}

static inline int container_set_task_limit(struct container *ctn,
					   unsigned long limit)
{
	WRITE_ONCE(ctn->task_limit, limit);
	return 0;
}

static inline void container_rss_barrier_hit(struct container *ctn) { }

static inline bool container_may_set_rss_limit(struct container *ctn,
					       unsigned long limit)
{
	return true;
}

static inline int container_bc_create(struct container *ctn)
{
	return 0;
}

static inline void container_bc_revive(struct container *ctn) { }
static inline void container_bc_free(struct container *ctn) { }

static inline unsigned long container_task_bound(struct container *ctn)
{
	return READ_ONCE(ctn->task_limit);
}

static inline unsigned long container_rss_barrier(struct container *ctn)
{
	return PAGE_COUNTER_MAX;
}
#endif

/* bc_vm.c */
#ifdef CONFIG_BEANCOUNTERS
void container_vm_joined(struct container *ctn, struct mm_struct *mm);
void container_vm_leaves(struct container *ctn, struct mm_struct *mm);
void container_vm_audit(struct container *ctn, long nr[][3]);
void container_uncharge_kmem(unsigned long token);
void container_kill_over(void);
bool container_wait_for_freed(struct container *ctn);
#else
static inline void container_vm_audit(struct container *ctn, long nr[][3]) { }
static inline void container_uncharge_kmem(unsigned long token) { }
static inline void container_kill_over(void) { }
static inline bool container_wait_for_freed(struct container *ctn) { return false; }
static inline void container_vm_joined(struct container *ctn, struct mm_struct *mm) { }
static inline void container_vm_leaves(struct container *ctn, struct mm_struct *mm) { }
#endif

/* What rss_usage is trimmed to, if there is something that can be. */
static inline unsigned long container_rss_goal(struct container *ctn)
{
	return min(container_rss_limit(ctn), container_rss_barrier(ctn));
}

/* bc_files.c */
#ifdef CONFIG_BEANCOUNTERS
extern struct configfs_attribute container_attr_beancounters;
extern struct configfs_attribute containers_attr_beancounters;
extern struct configfs_attribute containers_attr_default_beancounters;
extern struct configfs_attribute containers_attr_count_host;
#endif

/* configfs.c */
int container_make(const char *name);
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

/* mm/container_age.c */
void container_restore_use(struct folio *folio, struct container_file *file);

/* mm/container_mm.c */
void container_call_kcontainerd(struct container *ctn,
				enum container_trim_goal what);
void container_call_for_mapped(struct container *ctn);
void container_call_for_mapped_later(struct container *ctn);
void container_trim_init(struct container *ctn);
void container_trim_stop(struct container *ctn);

#endif /* _KERNEL_CONTAINER_INTERNAL_H */

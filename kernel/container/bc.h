/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Beancounters: for each resource a barrier and a limit, what is held, the most
 * and the least of that, and how often something was refused.
 *
 *	bc.c		one resource of one container: charging and uncharging
 *	bc_resources.c	which resources there are, and those that something else
 *			counts already: numproc and physpages
 *	bc_files.c	the text of the files, both ways
 *	bc_numbers.c	those of which the kernel has objects: files, locks, sockets
 *	bc_vm.c		what processes map: privvmpages and lockedpages
 *	bc_kmem.c	memory of the kernel itself: kmemsize and dcachesize
 *	bc_sock.c	socket buffers: tcpsndbuf and the like
 *	bc_shm.c	shared memory: shmpages
 *	bc_host.c	what is in no container, once that is asked for
 *	bc_syscalls.c	the system calls, which name a container by its id
 *
 * Where it is charged is said how hard that is. BC_BARRIER: somebody asks for more
 * and can be told no; it fails over the barrier. BC_LIMIT: to refuse it does harm;
 * it fails over the limit, which is the barrier or more. BC_FORCE: it never fails.
 * To hold as much as the barrier, or the limit, is allowed.
 *
 * Locks: a charge takes none, and may come from any context but an NMI. Who writes
 * barriers and limits takes a spinlock: that of what they are kept with. For
 * numproc this is container::lock, for physpages container::shrink_lock, else
 * beancounter::lock. A charge that goes on meanwhile sees each of them as it is
 * before or after.
 *
 * What processes map is charged under container::lock besides, for the mm that it
 * is charged for: see bc_vm.c.
 *
 * Lifetime: struct beancounter comes with the first write of one, by whom it is
 * published once, and is freed with its container. Who has the container has it.
 */
#ifndef _KERNEL_CONTAINER_BC_H
#define _KERNEL_CONTAINER_BC_H

#include <linux/container_kmem.h>
#include <linux/irq_work.h>
#include <linux/limits.h>
#include <uapi/linux/beancounter.h>
#include "internal.h"

#define BC_MAXVALUE	LONG_MAX	/* no limit */

struct kmem_cache;

enum bc_unit {
	BC_NUMBER,
	BC_BYTES,
	BC_PAGES,
};

struct bc_limits {
	unsigned long barrier;
	unsigned long limit;
};

/* One resource of one container. */
struct bc_row {
	struct bc_limits limits;
	/*
	 * What somebody with CAP_SYS_RESOURCE has set: nobody without it goes over
	 * these. BC_MAXVALUE until then.
	 */
	struct bc_limits bound;
	atomic_long_t held;
	atomic_long_t failcnt;
	unsigned long maxheld;
	unsigned long minheld;
};

struct beancounter {
	/* each in a cache line of its own: they change all the time */
	struct bc_row row[BC_RESOURCES];
	spinlock_t lock;	/* protects limits and bound of most rows: see above */
	struct container *ctn;	/* whose they are */
	struct irq_work failed;	/* who watches is to be told: see bc_kmem.c */
	/* of dcachesize: is what was kept to go, too? the least since the last wait for RCU */
	bool squeezed;
	long least_names;
	/* of dcachesize: the page cache's own, which takes no room */
	atomic_long_t of_pages;
	/* what binds of physpages and has been reached; under shrink_lock */
	struct bc_limits physpages_bound;
	/* is what the processes map counted, all of it? It then stays so */
	bool counts_vm;
};

/*
 * What is particular to a resource. Of the functions each may be NULL; all may be
 * called with nothing but a reference to the container, or within RCU.
 */
struct bc_resource {
	const char *name;
	enum bc_unit unit;
	bool counted;	/* by this kernel? */
	bool of_host;	/* for the host as well? see bc_host.c */
	bool admin_to_limit; /* with CAP_SYS_ADMIN BC_BARRIER is BC_LIMIT */

	/* the container is being made: these are its limits */
	void (*init)(struct container *ctn, struct bc_row *row,
		     const struct bc_limits *limits);
	/*
	 * Set both, if that may be: see bc_may_set(). May sleep. 0, -EPERM, or
	 * whatever keeps them from being reached; then nothing has changed.
	 */
	int (*change)(struct container *ctn, struct bc_row *row,
		      const struct bc_limits *limits, bool binds);
	/* a charge has taken it over its barrier. Context: that of the charge */
	void (*barrier_hit)(struct container *ctn);
	/*
	 * A charge of @val does not fit below the limit. 0 if there is room now,
	 * and it is to be tried again. Context: that of the charge.
	 */
	int (*limit_hit)(struct container *ctn, unsigned long val);

	/* of what something else counts: what it says; @row is NULL if not there */
	void (*read)(struct container *ctn, struct bc_row *row,
		     struct bc_resource_parm *parm);
	void (*reset)(struct container *ctn, struct bc_row *row);

	/*
	 * Of what is charged for each process: what is held of it where there are no
	 * beancounters, and nothing is charged. Any context but an interrupt.
	 */
	unsigned long (*sum_up)(struct container *ctn);
};

/* Have *@most be @value at least. Context: Any. */
static __always_inline void bc_raise(unsigned long *most, unsigned long value)
{
	unsigned long old = READ_ONCE(*most);

	while (unlikely(value > old) && !try_cmpxchg(most, &old, value))
		;
}

/* Have *@least be @value at most. Context: Any. */
static __always_inline void bc_lower(unsigned long *least, unsigned long value)
{
	unsigned long old = READ_ONCE(*least);

	while (unlikely(value < old) && !try_cmpxchg(least, &old, value))
		;
}

/* Is it allowed to hold @held for a charge that is so hard? */
static __always_inline bool bc_is_allowed(const struct bc_row *row, unsigned long held,
					  enum bc_severity severity)
{
	switch (severity) {
	case BC_BARRIER:
		return held <= READ_ONCE(row->limits.barrier) &&
		       held <= READ_ONCE(row->limits.limit);
	case BC_LIMIT:
		return held <= READ_ONCE(row->limits.limit);
	case BC_FORCE:
		break;
	}
	return true;
}

/*
 * Hold @val more of @row, if that is allowed where @apart of what is held takes no room, and
 * nothing else: bc_row_charge() is what is to be called unless all of that is done otherwise.
 * Returns whether it is, and sets @before to what was held then. Context: Any.
 */
static __always_inline bool bc_row_add_beside(struct bc_row *row, unsigned long val,
					      unsigned long apart, enum bc_severity severity,
					      unsigned long *before)
{
	long held = atomic_long_read(&row->held);

	do {
		/* what is apart may be less by now. Each is BC_MAXVALUE at most */
		if (!bc_is_allowed(row, val + (held > (long)apart ? held - apart : 0), severity))
			return false;
	} while (!atomic_long_try_cmpxchg(&row->held, &held, held + val));

	bc_raise(&row->maxheld, held + val);
	*before = held;
	return true;
}

static __always_inline bool bc_row_add(struct bc_row *row, unsigned long val,
				       enum bc_severity severity, unsigned long *before)
{
	return bc_row_add_beside(row, val, 0, severity, before);
}

/*
 * Hold @val less of @row. What is returned is how much that was: less than @val if there
 * was no more, which is a bug. bc_row_uncharge() says so. Context: Any.
 */
static __always_inline unsigned long bc_row_sub(struct bc_row *row, unsigned long val)
{
	long held = atomic_long_read(&row->held);
	unsigned long less;

	do {
		less = min_t(unsigned long, val, held);
	} while (!atomic_long_try_cmpxchg(&row->held, &held, held - less));

	bc_lower(&row->minheld, held - less);
	return less;
}

/*
 * Some have how much is charged for them beside the token that says to whom, as not all of it
 * need be. Several may change that at once. Context: Any.
 */
static inline void bc_count_add(unsigned long *count, unsigned long val)
{
	unsigned long old = READ_ONCE(*count);

	while (!try_cmpxchg(count, &old, old + val))
		;
}

/* As much of @val as there is. Returns how much that was. */
static inline unsigned long bc_count_sub(unsigned long *count, unsigned long val)
{
	unsigned long old = READ_ONCE(*count), less;

	do {
		less = min(val, old);
	} while (less && !try_cmpxchg(count, &old, old - less));
	return less;
}

/* bc_host.c */
extern struct container __rcu *container_host_row;

/* What is in no container is charged to this one. NULL if to nobody. Within RCU of any kind. */
static __always_inline struct container *container_host(void)
{
	if (static_branch_unlikely(&container_host_key))
		return rcu_dereference_check(container_host_row, rcu_read_lock_any_held());
	return NULL;
}

/*
 * Who is charged for what the current task makes? Its container, or the host if it is in none
 * or this is an interrupt; NULL if nobody. Within RCU of any kind.
 */
static __always_inline struct container *container_of_current(void)
{
	struct container *ctn = NULL;

	if (in_task())
		ctn = rcu_dereference_check(current->container, rcu_read_lock_any_held());
	return ctn ?: container_host();
}

void container_host_read(unsigned int nr, struct bc_resource_parm *parm);
unsigned int container_host_next(unsigned int nr);

/* bc.c */
void bc_row_init(struct bc_row *row);
int bc_row_charge(struct bc_row *row, const struct bc_resource *res,
		  struct container *ctn, unsigned long val,
		  enum bc_severity severity);
void bc_row_uncharge(struct bc_row *row, const struct bc_resource *res,
		     struct container *ctn, unsigned long val);
void bc_warn_uncharged(struct bc_row *row, const struct bc_resource *res,
		       struct container *ctn, unsigned long val);
void bc_row_read(struct bc_row *row, struct bc_resource_parm *parm);
void bc_row_reset(struct bc_row *row);
bool bc_may_set(struct bc_row *row, const struct bc_limits *limits, bool binds);

/* bc_kmem.c */
void container_kmem_init(struct beancounter *bc);
void container_kmem_revive(struct beancounter *bc);
unsigned int container_kmem_resource(const struct kmem_cache *s);

/* bc_vm.c */
void container_vm_count(struct container *ctn, struct beancounter *bc);
unsigned long container_private_vm(struct container *ctn);
unsigned long container_locked_vm(struct container *ctn);

/* bc_resources.c */
const struct bc_resource *bc_resource(unsigned long nr);
int bc_find_resource(const char *name, size_t len);
struct beancounter *container_make_bc(struct container *ctn);
int container_bc_set(struct container *ctn, unsigned int nr,
		     const struct bc_limits *limits);
int container_bc_read(struct container *ctn, unsigned int nr,
		      struct bc_resource_parm *parm);
int container_bc_reset(struct container *ctn, unsigned int nr);
int container_bc_charge(struct container *ctn, unsigned int nr, unsigned long val,
			enum bc_severity severity);
void container_bc_uncharge(unsigned long token, unsigned int nr, unsigned long val);
void container_bc_default(unsigned int nr, struct bc_limits *limits);
int container_bc_set_default(unsigned int nr, const struct bc_limits *limits);

#endif /* _KERNEL_CONTAINER_BC_H */

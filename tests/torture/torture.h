/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of the torture share.
 *
 *	main.c		options, the actors' lives, rounds and pauses
 *	check.c		what must hold at a pause: the audit, the counters
 *	report.c	what the actors did, by operation and error
 *	tools.c		random numbers, small files, children
 *	tree.c		actors: containers made, filled, limited and removed
 *	memory.c	actors: mappings of a process's own
 *	process.c	operations of these that take another process or thread
 *	number.c	and on files, locks, ptys, signals and sockets, which are counted
 *	files.c		actors: files read, written, mapped and cut
 *	uring.c		io_uring, for files.c
 *	keeper.c	actors: what is kept over rmdir and used afterwards
 *	limit.c		actors: all ways past rss_limit, and files of several containers
 *	system.c	actors: what an administrator does to the machine
 *
 * An actor is a process that carries out one operation after another, chosen by
 * a random number generator of its own. Which these are depends on nothing but
 * the seed and the actor's number; how they fall together is left to the
 * scheduler. Between two operations it stops if it is told to.
 */
#ifndef TORTURE_H
#define TORTURE_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/types.h>

#define PAGE		4096UL
#define HUGE		(512 * PAGE)

#define ROOT		"/config/containers"
#define AUDIT		"/sys/kernel/debug/containers/audit"
#define WORK		"/dev/shm/torture"

#define CONTAINERS	6
#define FILES		10	/* in each directory */
#define ACTORS_MAX	32
#define OPS_MAX		52
#define ERRNOS		134

/* Of actors that have containers of their own: these, and more after a "-" */
#define OWN		ROOT "/k%d"

/* An operation had nothing to work on: it is not counted. */
#define NOTHING		(-1)

struct actor;

struct op {
	const char *name;
	int weight;
	int (*fn)(struct actor *actor);	/* 0, an errno, or NOTHING */
};

struct kind {
	const char *name;
	const struct op *ops;		/* ends with one without a name */
	void (*begin)(struct actor *actor);
	/* may a limit's want of room, or of memory, kill it? */
	bool mortal;
	/* has containers of its own, and is not moved by others */
	bool alone;
	/* seconds until an operation is interrupted by a signal, or 0 */
	int patience;
	/* milliseconds between operations, at most */
	int delay;
};

extern const struct kind tree_kind, memory_kind, file_kind, system_kind,
			 keeper_kind, limit_kind;

/* One for each actor, and seen by all. */
struct slot {
	const struct kind *kind;
	volatile pid_t pid;		/* 0 until it is a program of its own */
	pid_t process;			/* the same from fork to its death */
	volatile pid_t child;		/* that it has at the moment, or 0 */
	volatile bool parked;
	const struct op *volatile op;	/* that it is at */
	volatile long since;		/* seconds */
	unsigned int generation;
};

struct shared {
	volatile int pause;		/* a futex */
	uint64_t seed;
	int nr_slots;
	struct slot slot[ACTORS_MAX];
	/* by slot and number of the operation */
	unsigned long count[ACTORS_MAX][OPS_MAX][ERRNOS];
	unsigned long deaths[ACTORS_MAX][65];	/* by signal */
	/* how many pages may still be lost */
	int offline_left;
	int poison_left;
	/* odd while one goes on: what it brings in may be over rss_limit */
	volatile unsigned int swapoffs;
	unsigned long corrupt;		/* memory or files with wrong contents */
	unsigned long broken;		/* promises */
};

extern struct shared *shared;

struct actor {
	int number;
	struct slot *slot;
	uint64_t random;
};

/* tools.c */
void seed_random(struct actor *a, unsigned int generation);
uint64_t next_random(struct actor *a);
/* less than @n */
unsigned long below(struct actor *a, unsigned long n);
bool chance(struct actor *a, unsigned int percent);
long now(void);
const char *random_container(struct actor *a);
const char *random_dir(struct actor *a);
const char *random_file(struct actor *a);
extern const char * const work_dirs[];
extern const int nr_work_dirs;
/* 0 or an errno; the text in one write */
int put(const char *path, const char *text);
int putf(const char *path, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* All of a file that fits, with a null byte: its length, or -errno. */
ssize_t get(const char *path, char *buf, size_t size);
/* A child that goes when its parent does, in the slot's child. */
pid_t fork_child(struct actor *a);
/* Wait for it: 0, ECHILD if a signal killed it, EPROTO if it exited with 1. */
int await_child(struct actor *a, pid_t pid);
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* All directories of containers: @fn gets the path. */
void for_containers(void (*fn)(const char *dir));
/* Of an actor's own, that an earlier life has left */
void remove_own(struct actor *a);
/* What a file of a container says, or -1 without such a file. */
long number_in(const char *dir, const char *file);
/* A promise has not been kept. */
void broken(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Contents are not what they should be. */
void corrupt(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* process.c, used by memory.c */
struct region {
	char *p;
	size_t pages;
	bool shared;
	bool stamped;	/* each page has its stamp in its first word, or 0 */
	bool same;	/* all pages have the same, for KSM */
	uint64_t id;
};

#define REGIONS		6
/* Mapped in each memory actor, for others to write to */
#define MAILBOX		((char *)0x600000000000)
#define MAILBOX_PAGES	64

struct region *random_region(struct actor *a);
void write_stamps(struct region *r, size_t from, size_t count);
bool check_stamps(struct region *r, size_t from, size_t count);
int op_fork(struct actor *a);
int op_fork_deep(struct actor *a);
int op_exec(struct actor *a);
int op_vfork(struct actor *a);
int op_sharer(struct actor *a);
int op_threads(struct actor *a);
int op_ptrace(struct actor *a);
int op_vm_write(struct actor *a);
int op_proc_mem(struct actor *a);
int op_userfault(struct actor *a);
int op_die(struct actor *a);

/* number.c, likewise */
int op_more_files(struct actor *a);
int op_socket(struct actor *a);
int op_lock_bytes(struct actor *a);
int op_signals(struct actor *a);
int op_pass(struct actor *a);
int op_poison(struct actor *a);
int op_soft_offline(struct actor *a);
int op_migrate(struct actor *a);
/* what an executed child does */
int touch_and_exit(const char *pages);

/* uring.c */
int uring_transfer(int fd, void *buf, size_t len, off_t offset, bool write,
		   unsigned int flags);

/* check.c: each waits up to so many seconds for what should be */
void lift_limits(void);
bool audit_agrees(int seconds);
bool all_is_zero(int seconds);
bool all_is_freed(int seconds);
/* New ones have nothing, whatever is left of those that had their places. */
bool new_are_empty(void);
/* Has the container, in which nobody ever was, nothing? At any time. */
bool is_empty(const char *name);
void show_audit(void);
void show_stuck(struct slot *slot);

/* report.c */
void report_counts(void);
/* Operations that were tried often, and failed each time; they are named. */
int count_futile(void);

#endif

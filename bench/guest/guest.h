/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of the guest's benchmark share.
 *
 *	main.c		being init, and which row to run
 *	util.c		files, the clock, results
 *	group.c		a container or a memory cgroup, whichever is measured
 *	anchor.c	a page, a fork, a limit, a group: one at a time
 *	trim.c		what kcontainerd costs, and whom it holds up
 *	scale.c		the same with 10,000 containers, or 100,000 files
 *	contend.c	two tasks on two processors
 *	memory.c	what it takes of the memory
 */
#ifndef _BENCH_GUEST_H
#define _BENCH_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE	4096UL
#define MB	(1024UL * 1024)

/* util.c */
void die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
void put(const char *path, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
int try_put(const char *path, const char *text);
char *get(const char *path);
unsigned long get_number(const char *path);
unsigned long get_field(const char *path, const char *key);
void make_dir(const char *path);
void mount_at(const char *type, const char *device, const char *dir);
void result(const char *name, double value);
void settle(void);
uint64_t idle_ns(void);

/* Where all pages and files of the rows lie. */
#define TMPFS	"/dev/shm"
#define EXT4	"/mnt"

/*
 * The clock: with -icount shift=0 the TSC counts the instructions that the
 * guest has executed, and time in which it idled.
 */
static inline uint64_t clock_now(void)
{
	uint32_t low, high;

	asm volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return (uint64_t)high << 32 | low;
}

/* A measurement under way. profile.c goes by the two functions' addresses. */
struct span {
	uint64_t begin, idle;
};

void profile_begin(void);
void profile_end(void);
struct span span_begin(void);
/* Instructions per unit; time that the processor idled is left out. */
double span_end(struct span span, double units);
extern double profiled_units;	/* in all spans */

/* group.c: what the configuration calls a group, and where the row runs */
struct group_conf {
	const char *name;
	bool memcg;		/* make a cgroup */
	bool container;		/* make a container */
	bool enter;		/* run in them */
	bool high;		/* limit by memory.high, not memory.max */
};

extern const struct group_conf *conf;
void group_choose(const char *name);
void group_setup(void);
void group_count(void);
void group_path(char *path, size_t size, const char *name);
void group_make(const char *name);
void group_remove(const char *name);
void group_enter(const char *name);
void group_limit(const char *name, unsigned long bytes);
void group_hard_limit(const char *name, unsigned long bytes);
unsigned long group_usage(const char *name);	/* in pages */
void group_trim(const char *name, unsigned long pages);
bool group_any(void);

/* Run fn() in a process of its own, in the group @name if it is not NULL. */
void in_child(const char *name, void (*fn)(void));

/* rows */
void row_anon(void);
void row_tmpfs(void);
void row_anon_limit(void);
void row_tmpfs_limit(void);
void row_map(void);
void row_fork(void);
void row_object(void);
void row_read(void);
void row_write(void);
void row_swap(void);
void row_mkdir(void);
void row_kmem(void);
void row_trim(void);
void row_crossing(void);
void row_stall(void);
void row_vma(void);
void row_vmas(void);
void row_file(void);
void row_files(void);
void row_scale(void);
void row_owned(void);
void row_contend(void);
void row_memory(void);

#endif /* _BENCH_GUEST_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of the tree's fuzzer share: chance, complaints, and what the
 * fuzzer knows about its own containers.
 *
 * Chance alone decides what is done, never a clock or a process id: a seed does
 * the same again.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define ROOT "/config/containers"
#define WITNESS ROOT "/witness"
#define USER 1000
#define NAME_MAX_BYTES 255
#define PAGE 4096ul
#define ARRAY_SIZE(array) (sizeof(array) / sizeof(*(array)))
#define NOBODY (-1)

/* ---- chance.c ---- */

void seed_chance(uint64_t seed);
uint64_t chance(void);
/* Less than @n. */
unsigned int below(unsigned int n);
static inline int one_in(unsigned int n)
{
	return !below(n);
}

#define ONE_OF(list) ((list)[below(ARRAY_SIZE(list))])

/* The longest that gen_*() make. */
#define TEXT_MAX 5000

struct text {
	size_t len;
	char bytes[TEXT_MAX + 1];
};

/* Change a few bytes. */
void mutate(struct text *text);
/* Something that some attribute may take for a value. */
void gen_value(struct text *text);
/* And for barriers and limits. */
void gen_bc(struct text *text);
/* A name for a directory, good or bad. It has no null byte in it. */
void gen_name(struct text *text);

/* ---- model.c: what is to come of a write, by the manual and not the kernel ---- */

enum kind {
	KIND_PAGES,	/* a limit in pages */
	KIND_TASKS,	/* a limit in tasks */
	KIND_SIZE,	/* a limit in pages that is not "max" */
	KIND_OVER,
	KIND_OOM,
	KIND_PID,
	KIND_SIGNAL,
	KIND_PEAK,	/* 0, and nothing else */
	KIND_PATH,
};

/*
 * 0, or the error. Where it is taken, @value is what can be read afterwards: for
 * KIND_PID and KIND_PATH the value itself.
 */
int judge(enum kind kind, const char *bytes, size_t len, char *value, size_t size);

/* What a write to beancounters, or to default_beancounters, says. */
/* What is after the second has no file of its own. */
enum resource {
	NUMPROC, PHYSPAGES, NUMTCPSOCK, NUMFLOCK, NUMPTY, NUMSIGINFO, NUMOTHERSOCK, NUMFILE,
	NUMIPTENT, LOCKEDPAGES, PRIVVMPAGES, SHMPAGES, NR_RESOURCES
};
#define NO_LIMIT 0x7fffffffffffffffull
#define UNKNOWN (NO_LIMIT + 1)

struct bc_said {
	enum resource resource;
	int reset;
	unsigned long long barrier, limit;
};

extern const char *const resource_names[NR_RESOURCES];

/* 0, or the error; @defaults: those have no reset. */
int judge_bc(const char *bytes, size_t len, int defaults, struct bc_said *said);

/* ---- tree.c ---- */

/* Say what is wrong, with all that is needed to see it again, and end. */
void complain(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

enum as { AS_ROOT, AS_USER, AS_USERNS, AS_PIDNS };

struct worker {
	int number;
	enum as as;
	uint64_t seed;
	unsigned long op;	/* how many it has begun */
	char scratch[64];	/* a directory of its own, and its working directory */
};

extern struct worker me;

/* ---- own.c: containers that the worker may do with as it likes ---- */

/* The values that are checked whenever they may have changed. */
enum value { PAGE_LIMIT, RSS_LIMIT, TASK_LIMIT, OVER_LIMIT, OOM, NR_VALUES };
#define VALUE_MAX 32

#define NR_OWN 4
#define NR_SLEEPERS 3
#define NR_FILES 4
#define FILE_PAGES 41		/* that is as long as they get */

struct own {
	char name[NAME_MAX_BYTES + 1];
	int alive;
	unsigned long life;	/* which of those of this number */
	int used;		/* has had a process or a file */
	char values[NR_VALUES][VALUE_MAX];
	/*
	 * Of each resource: the barrier as it was written, the limit if that has no other
	 * file, and what binds a user.
	 */
	unsigned long long barrier[NR_RESOURCES];
	unsigned long long limit[NR_RESOURCES];
	unsigned long long bound[NR_RESOURCES][2];
};

extern struct own own[NR_OWN];
/* Processes that sleep, and where they are: an index of own[], or NOBODY. */
extern pid_t sleepers[NR_SLEEPERS];
extern int sleeper_in[NR_SLEEPERS];
/* Files in the scratch directory, and whose they are. */
extern const char *const file_names[NR_FILES];
extern int file_in[NR_FILES];
/*
 * They are held memory, and the worker, which reads and writes them, is in no
 * container: a page is charged to whom the file is named for, or to nobody.
 */
void page_written(int file, unsigned long page);
/* One that is there may have come back from swap. */
void page_read(int file, unsigned long page);
void file_cut(int file, unsigned long size);
void file_named(int file, int index);
void file_let_go(int file);
/* The two defaults at the top, as the first worker of root's has set them. */
extern char defaults[2][VALUE_MAX];
/* And of default_beancounters, what has no other file; a limit as in a value. */
extern unsigned long long default_barrier[NR_RESOURCES];
extern unsigned long long default_limit[NR_RESOURCES];
extern char default_rss_limit[VALUE_MAX];

extern const char *const value_names[NR_VALUES];
extern const enum kind value_kinds[NR_VALUES];

void own_path(const struct own *ctn, const char *attr, char *path, size_t size);
/* What a file says, without its newline; complains if it cannot be read. */
void read_value(const char *path, char *value, size_t size);
/* May the worker not set this value to what the model says it would be? */
int is_bound(const struct own *ctn, int value, const char *then);
unsigned long long limit_of(const char *value);
/* Complain unless the container says what it should. */
void check_own(struct own *ctn);
/* And unless it has memory in those files only in which it can have some. */
void check_files(struct own *ctn);
/* One that has just been made. */
void adopt(struct own *ctn, const char *name);
/* One that has just been removed. */
void forget(struct own *ctn);
/* One that is there, or NULL. */
struct own *any_own(void);
void start_own(void);
/* Take all back: what is then in use must be nothing. */
void end_own(void);

/* ---- write.c, files.c, names.c: what is done ---- */

/* Each does one thing and returns whether the kernel took it. */
int op_write_value(void);
int op_write_default(void);
int op_write_bc(void);
int op_write_default_bc(void);
int op_count_host(void);
int op_write_task(void);
int op_write_file(void);
int op_kill(void);
int op_write_peak(void);
int op_shrink(void);
int op_write_held(void);
int op_write_foreign(void);

int op_open(void);
int op_read_held(void);
int op_fd_call(void);
int op_splice(void);
int op_map(void);
int op_watch(void);
int op_close(void);
int op_file_io(void);

int op_mkdir(void);
int op_rmdir(void);
int op_link(void);
int op_chmod(void);
int op_xattr(void);
int op_look(void);
int op_mount(void);

/* Descriptors that are kept open, perhaps for longer than what they are of. */
struct held {
	int fd;
	int own;		/* index, or NOBODY */
	unsigned long life;
	int value;		/* enum value, or -1 */
	int writable;
	int changes;		/* its text is not of the moment of open(2) */
};

struct held *any_held(void);
void close_held(struct held *held);
void end_held(void);

/* A path in the tree that the worker may only look at, or does not exist. */
void foreign_path(char *path, size_t size);
/* Any, for what changes nothing. */
void any_path(char *path, size_t size);

/* Whether it is one that may change nothing outside its own. */
static inline int is_user(void)
{
	return me.as != AS_ROOT;
}

/* ---- witness.c: what nobody may change ---- */

void make_witness(void);
/* Complain if it is not as it was. */
void check_witness(void);
void remove_witness(void);
extern pid_t witness_pid;
#define WITNESS_FILE "/dev/shm/fuzz-witness/file"

/* A process that does nothing, with some pages of its own. */
pid_t start_sleeper(void);
void sleep_for_ever(void) __attribute__((noreturn));

#endif

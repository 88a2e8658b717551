/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the commands of ctnctl share: refusing, wrong usage, help, opening the
 * tree, and the options that set limits.
 */
#ifndef CTNCTL_COMMON_H
#define CTNCTL_COMMON_H

#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdnoreturn.h>
#include <sys/types.h>

#include "ctn.h"

struct json_object;

#define ARRAY_SIZE(array) (sizeof(array) / sizeof(*(array)))
#define PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

enum {
	STATUS_OK = 0,
	STATUS_REFUSED = 1,
	STATUS_USAGE = 2,
	/* What a program that ran another one says about it, as env(1). */
	STATUS_CANNOT_EXEC = 126,
	STATUS_NOT_FOUND = 127,
};

struct command {
	const char *name;
	const char *summary;
	/* Everything --help prints. */
	const char *help;
	/* argv[0] is the name of the command. Returns the exit status. */
	int (*run)(const struct command *cmd, int argc, char **argv);
};

extern const struct command create_command, delete_command, list_command,
	show_command, set_command, add_task_command, rm_task_command,
	add_file_command, rm_file_command, shrink_command, watch_command,
	trim_command, run_command, path_command, apply_command, save_command,
	metrics_command, top_command, check_command, kill_command,
	stop_command, which_command, ps_command, beancounters_command,
	oci_hook_command, rules_command;

/* Say on stderr what the library refused. Returns STATUS_REFUSED. */
int refused(void);

/* Print the rest of such a line on stderr, whose beginning is there. */
void print_reason(const char *fmt, va_list args) PRINTF(1, 0);

/* Say something on stderr, in one line that can be printed. */
void complain(const char *fmt, ...) PRINTF(1, 2);

/* The same, and exit with STATUS_REFUSED. */
noreturn void die(const char *fmt, ...) PRINTF(1, 2);

/* Say what is wrong with the command line, and exit. @cmd NULL: with ctnctl. */
noreturn void wrong_usage(const struct command *cmd, const char *fmt, ...)
	PRINTF(2, 3);

/* The same, when next_option() has said it. */
noreturn void try_help(const struct command *cmd);

/* getopt_long(3), whose messages are such lines, too. */
int next_option(int argc, char **argv, const char *letters,
		const struct option *options);

/* Take the options of a command that has none but --help; optind is what comes next. */
void take_no_options(const struct command *cmd, int argc, char **argv);

/* Print the help of a command, and exit. */
noreturn void print_help(const struct command *cmd);

/* Exit if nothing can be written to stdout: it may be long until somebody tries. */
void need_output(void);

/* Flush stdout and exit; what could not be written is a refusal. */
noreturn void finish(int status);

/* Where configfs is; NULL means that the library looks for it. */
extern const char *configfs;

/* These exit when there is nothing to open. */
struct ctn_tree *open_tree(void);
struct ctn *open_container(const struct ctn_tree *tree, const char *name);

/* name.c */

/* Whether names are as they are typed, and have no escapes. */
extern int exact_names;

/*
 * What was typed for the name of a container as that name. One that is there as it was
 * typed is meant; if there is none, what is printed so. Exits if there are both.
 */
char *take_name(const struct ctn_tree *tree, char *typed);

/* The same for all of an array that ends with NULL, or is NULL. */
void take_names(const struct ctn_tree *tree, char **names);

/*
 * Who holds many containers open at once, as each has a descriptor, may have as many as
 * the hard limit has. Not for who becomes another program, or starts one.
 */
void allow_many_files(void);

void *xrealloc(void *old, size_t count, size_t size);
char *xasprintf(const char *fmt, ...) PRINTF(1, 2);

/**
 * read_number() - a number of a container
 * @ctn: the container
 * @stats: all that the kernel has in one file, read beforehand, or NULL
 * @attr: which
 * @value: set to it
 *
 * What is not in @stats is read from its own file. Returns 0, or -1 as ctn_get_number().
 */
int read_number(const struct ctn *ctn, const struct ctn_stats *stats, const char *attr,
		uint64_t *value);

/* The same for anonymous memory and page cache together, in pages. */
int read_usage(const struct ctn *ctn, const struct ctn_stats *stats, uint64_t *pages);

/* text.c: numbers and strings */

/*
 * Words of ours that may be typed in small or capital letters: whether two are the same,
 * whether one begins as @with does, and a letter as a small one. Letters are those of
 * ASCII: a locale can have others for them, as Turkish has for i and I.
 */
int same_word(const char *a, const char *b);
int begins_word(const char *word, const char *with);
char small_letter(char c);

uint64_t pages_to_bytes(uint64_t pages);

/* Such as "1023.9K". */
struct size_text {
	char text[32];
};

/* A number of bytes for people, and what is in a number of pages. */
struct size_text size_of_bytes(uint64_t bytes);
struct size_text size_of_pages(uint64_t pages);

/*
 * A size of memory as an option has it: "64M", also "64m" and "64MiB", "80p" for
 * pages, or 0; a number alone is pages to the kernel, and bytes or megabytes to
 * who forgets a letter. It is put into @text as the kernel takes it. Returns why it
 * cannot be taken, and leaves @text alone then, or NULL.
 */
const char *take_size(char *text);

/*
 * A number of pages without rounding, in the largest unit that does: "64M", "max".
 * It reads back as the same number.
 */
struct size_text exact_size(uint64_t pages);

/* What people are told to write. */
#define WANT_SIZE "want a size such as 64M, or pages such as 80p"

/* A copy that a terminal can print, in one line: as ctn_escape() has it, but for spaces. */
char *printable(const char *text);

/* The same, but for what is in @kept. */
char *printable_but(const char *text, const char *kept);

/* A copy that is UTF-8: U+FFFD stands for each byte that is not part of it. */
char *to_utf8(const char *text);

/* A copy as Prometheus has it between quotes. */
char *to_label(const char *text);

/* json.c: objects of json-c, which exits when there is no memory */

struct json_object *json_new(void);

/*
 * Add to an object. Text becomes UTF-8, whatever bytes are in it. A number of pages
 * comes as it is, and in bytes as KEY_bytes, or num_anon_bytes beside num_anon_pages;
 * CTN_MAX is "max".
 */
void json_put(struct json_object *to, const char *key, struct json_object *value);
void json_put_text(struct json_object *to, const char *key, const char *text);
void json_put_number(struct json_object *to, const char *key, uint64_t number);
void json_put_pages(struct json_object *to, const char *key, uint64_t pages);

/*
 * Add what a file says: a number, "max" or other text, and pages as bytes, too, if the
 * library knows it as such.
 */
void json_put_attr(struct json_object *to, const char *attr, const char *value);

/* Print an object, on one line or on several, and free it. */
void json_print_line(struct json_object *object);
void json_print(struct json_object *object);

/* directory.c */

/*
 * Open a directory that nobody else may write to, and make it, and those above it, if it
 * is not there. Returns it, or -1 and in @why the reason.
 */
int open_own_directory(const char *path, const char **why);

/* run.c */

/* Is there such a program, where execvp(3) looks for it? Returns an errno. */
int find_program(const char *program);

/* Say that a program cannot be run for @err. Returns the exit status for that. */
int cannot_run(const char *program, int err);

/*
 * Remove a container that was made for nothing, unless another has joined it meanwhile,
 * and would be thrown out. @own: how many tasks are our own.
 */
void delete_unused(const struct ctn *ctn, uint64_t own);

/* create.c: remove a container, and say what goes on without. Returns an exit status. */
int delete_loudly(const struct ctn *ctn);

/* kill.c */

/* A signal by name, with SIG or without, or by number; -1 if there is none. */
int take_signal(const char *text);

/* Write it to kill. Returns as ctn_set() does. */
int send_signal(const struct ctn *ctn, int number);

/*
 * Wait until nobody is in a container, for @seconds at most, or until stop_signal. What
 * is then in it is in @left; nobody, if it was removed meanwhile. Returns 0 or -1.
 */
int wait_until_empty(const struct ctn *ctn, double seconds, uint64_t *left);

/*
 * which.c: the name of the container that has a task in its list, "" if none has, to be given
 * to free(3). It is for a kernel that does not say so in /proc.
 */
char *which_container(const struct ctn_tree *tree, pid_t pid);

/* nearest.c: what may have been meant by a word that is not known */

struct nearest {
	const char *word;	/* the nearest of those looked at, or NULL */
	size_t far;
};

/* Look at another @known word; one that is far from what was typed is left out. */
void nearest_look(struct nearest *nearest, const char *typed, const char *known);

/* stop.c: signals that ask to stop */

/* The one that came last, or 0. */
extern volatile sig_atomic_t stop_signal;

/*
 * From here to stop_end() SIGINT, SIGTERM and SIGHUP, unless they are ignored,
 * end nothing but the system call that they meet, with EINTR, and are kept in
 * stop_signal.
 */
void stop_begin(void);
void stop_end(void);

/* Die of the signal that came between the two, if one has. */
void stop_now(void);

/* settings.c: attributes and the values that they are to have */

struct setting {
	const char *attr;
	const char *value;
};

struct settings {
	struct setting *list;
	size_t count;
};

/* The options of every command that sets limits. */
enum {
	OPT_PAGE_LIMIT = 0x100,
	OPT_TASK_LIMIT,
	OPT_OVER_LIMIT,
	OPT_RSS_LIMIT,
	OPT_OOM,
};

#define SETTING_OPTIONS							\
	{ "page-limit", required_argument, NULL, OPT_PAGE_LIMIT },	\
	{ "task-limit", required_argument, NULL, OPT_TASK_LIMIT },	\
	{ "over-limit", required_argument, NULL, OPT_OVER_LIMIT },	\
	{ "rss-limit", required_argument, NULL, OPT_RSS_LIMIT },	\
	{ "oom", required_argument, NULL, OPT_OOM }

#define SETTING_HELP							\
	"     --page-limit LIMIT  trim its memory to LIMIT: a size with K, M, G\n"	\
	"                         or T, a number of pages with p, or \"max\"\n"	\
	"     --task-limit LIMIT  refuse a fork beyond LIMIT threads: a\n"	\
	"                         number, or \"max\"\n"			\
	"     --over-limit MODE   what to do with its cold memory over the\n"	\
	"                         page limit: \"reclaim\" or \"deactivate\"\n"	\
	"     --rss-limit LIMIT   never let it have more than LIMIT of anonymous\n"	\
	"                         and shared memory; mapped files do not count\n"	\
	"     --oom WHAT          what to kill if that cannot be kept otherwise:\n"	\
	"                         the largest process (\"task\"), or all of the\n"	\
	"                         \"container\"\n"

void settings_add(struct settings *settings, const char *attr,
		  const char *value);

/*
 * Take an option of SETTING_OPTIONS, whose @value is put as the kernel takes it.
 * Returns 0 if it is none of them.
 */
int settings_option(const struct command *cmd, struct settings *settings,
		    int opt, char *value);

/*
 * Write all settings in order. On a refusal, say so, put back what was
 * written, and return STATUS_REFUSED. So it is with a signal that asks to stop:
 * the caller cleans up and calls stop_now().
 */
int settings_apply(const struct settings *settings, const struct ctn *ctn);

/*
 * A value as people write it, put as the kernel takes it, which is never longer: a size
 * may also be as options have it. Returns why it cannot be taken, or NULL. What is no
 * size is for the kernel to refuse.
 */
const char *take_value(const struct ctn_attr *attr, char *value);

/*
 * What may have been meant by @name, which is no setting: an attribute that @is_wanted,
 * of those of containers or, without "default_", of those of the tree, or a resource;
 * NULL if nothing is near.
 */
const char *nearest_setting(const char *name, int of_tree,
			    int is_wanted(const struct ctn_attr *attr));

/* The file of the tree that has the default of @attr, which may be its name. */
char *default_name(const char *attr);

/* The same for the defaults of new containers. */
int settings_apply_defaults(const struct settings *settings,
			    const struct ctn_tree *tree);

void settings_free(struct settings *settings);

#endif /* CTNCTL_COMMON_H */

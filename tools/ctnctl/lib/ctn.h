/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libctn: containers of the Linux kernel, managed through configfs.
 *
 * This header is the whole interface. A container is a directory below
 * "containers" in configfs; what can be known and changed about it are the
 * files in that directory, its attributes. The library finds the tree, makes
 * and removes containers, reads and writes attributes, and turns the two
 * lists (tasks and mappings) into arrays.
 *
 * Growing. A program that was linked to a release runs with all later ones of
 * the same soname. Structs without fields here are looked into by functions, of
 * which later releases may have more. Those with fields stay as they are: the
 * library makes them, and what it knows besides will have functions. Programs
 * make none, but for the struct ctn_event of ctn_watch_next(), which is one of
 * three functions of 0.2 that are here for those who have them.
 *
 * Errors. A function that fails returns -1 or NULL, sets errno, and leaves a
 * line of text for ctn_errmsg(). A refusal by the kernel keeps the kernel's
 * errno. ENOMEM can come from every function that allocates and is not
 * repeated below. On failure output arguments are left as they were.
 *
 * Units. Memory is counted in pages of sysconf(_SC_PAGESIZE) bytes, as in the
 * files, unless a comment says otherwise.
 *
 * Ownership. A pointer to const belongs to the object it was taken from, and
 * lives as long as that object. Everything else belongs to the caller, who
 * hands it back to the function named in its comment.
 *
 * Threads. The library keeps no state but the text for ctn_errmsg(), which
 * each thread has its own of. Objects do not change once they are made: any
 * number of threads may use one, as long as none of them frees it. A watch does
 * change, and is for one thread at a time.
 *
 * Files. The library opens every file with O_CLOEXEC, and none stays open
 * after a function has returned but that of a watch, which is an instance of
 * inotify, and that of a container: a descriptor with O_PATH of its directory,
 * from ctn_open() or ctn_create() to ctn_close(). So a container object means
 * the container that was opened, and never another that has its name later;
 * and as long as there is one configfs cannot be unmounted (EBUSY). Who goes
 * over thousands of containers opens one, closes it, and opens the next.
 */
#ifndef CTN_H
#define CTN_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The number that stands for "max", that is, for no limit. */
#define CTN_MAX UINT64_MAX

/** The longest value a configfs file takes, in bytes. */
#define CTN_VALUE_MAX 4095

/** The longest name of a container, in bytes. */
#define CTN_NAME_MAX 255

/** The tree: configfs and the directory of all containers in it. */
struct ctn_tree;

/** A container. */
struct ctn;

/** What tells of events in containers, as they happen. */
struct ctn_watch;

/* ------------------------------------------------------------------ errors */

/**
 * Say why the last function of this library that failed in this thread did.
 *
 * The text is one line without a newline, and names the file, the value if
 * there was one, and the reason:
 *
 *   /config/containers/web/page_limit: "12Q": Invalid argument (want ...)
 *
 * The bytes of what the locale cannot print are written as \xNN, so that the
 * text is safe to send to a terminal.
 *
 * Returns the text, "" if nothing has failed yet. It belongs to the library
 * and is good until the next failure in this thread.
 */
const char *ctn_errmsg(void);

/**
 * Make text safe to send to a terminal, and one word: a space, a backslash,
 * and what the locale cannot print become \xNN, two digits for each byte. So do
 * other spaces, what is not seen or turns the text around, private characters,
 * and an accent that has nothing of the text to be on. Names of containers can
 * have any of these.
 *
 * Returns the text, to be given to free(3), or NULL.
 */
char *ctn_escape(const char *text);

/**
 * Undo ctn_escape(), in any locale.
 *
 * Returns the text, to be given to free(3), or NULL with errno
 *   EINVAL   there is a backslash without x and two digits after it, or with 00
 */
char *ctn_unescape(const char *text);

/** Returns the version of the library that is running, such as "0.2.0". */
const char *ctn_version(void);

/* -------------------------------------------------------------------- tree */

/**
 * Find the tree.
 * @configfs: where configfs is mounted, or NULL to look it up in
 *            /proc/self/mountinfo
 *
 * Returns the tree, to be given to ctn_tree_close(), or NULL with errno
 *   ENODEV   configfs is not mounted
 *   ENOSYS   configfs is there, but this kernel has no containers
 *   or what opening the directory failed with.
 */
struct ctn_tree *ctn_tree_open(const char *configfs);

/** Free a tree. NULL is ignored. Containers opened from it stay usable. */
void ctn_tree_close(struct ctn_tree *tree);

/** Returns the directory of all containers, such as "/config/containers". */
const char *ctn_tree_path(const struct ctn_tree *tree);

/**
 * List the containers, in the order that people count in (web2, web10).
 *
 * Returns an array of names that ends with NULL, to be given to
 * ctn_names_free(), or NULL.
 */
char **ctn_tree_names(const struct ctn_tree *tree);

/**
 * Read an attribute of the tree itself, such as "default_page_limit".
 *
 * Returns and fails as ctn_get() does.
 */
char *ctn_tree_get(const struct ctn_tree *tree, const char *attr);

/**
 * Write an attribute of the tree itself.
 *
 * Returns and fails as ctn_set() does.
 */
int ctn_tree_set(const struct ctn_tree *tree, const char *attr,
		 const char *value);

/**
 * List the attributes of the tree itself, as ctn_attrs() does.
 */
char **ctn_tree_attrs(const struct ctn_tree *tree);

/** Free what the functions that list names returned. NULL is ignored. */
void ctn_names_free(char **names);

/* -------------------------------------------------------------- containers */

/**
 * Make a container.
 * @name: 1 to CTN_NAME_MAX bytes, without '/', and neither "." nor ".."
 *
 * Like every mkdir(2) it is opened by name after it was made: whoever removes
 * it in that moment and makes another has that one opened.
 *
 * Returns the container, to be given to ctn_close(), or NULL with errno
 *   EINVAL, ENAMETOOLONG   this cannot be a name
 *   EEXIST                 there is one of this name
 *   ENOENT                 it was removed again at once
 *   EMFILE                 there is no room for its descriptor; nothing was made
 *   or what mkdir(2) failed with.
 */
struct ctn *ctn_create(const struct ctn_tree *tree, const char *name);

/**
 * Open a container that exists.
 *
 * Nothing keeps it from being removed meanwhile; functions called on it then
 * fail with ENOENT, also when there is another of its name.
 *
 * Returns the container, to be given to ctn_close(), or NULL with errno
 *   EINVAL, ENAMETOOLONG   this cannot be a name
 *   ENOENT                 there is none of this name
 *   EMFILE                 there is no room for its descriptor
 */
struct ctn *ctn_open(const struct ctn_tree *tree, const char *name);

/**
 * Free a container object and its descriptor; the container lives on. NULL is
 * ignored.
 */
void ctn_close(struct ctn *ctn);

/**
 * Find out whether the container that was opened is still there.
 *
 * Returns 0 if it is, or -1 with errno
 *   ENOENT   it was removed, whether there is another of its name or not
 */
int ctn_exists(const struct ctn *ctn);

/**
 * Remove the container that was opened, and no other. Its tasks and files leave
 * it and go on without one. The object is to be closed as before.
 *
 * The kernel removes by name: it is looked whether that still is the name of
 * this container right before. Only who removes it and makes another between
 * that look and rmdir(2), some microseconds, loses the other.
 *
 * Returns 0, or -1 with errno
 *   ENOENT   it was removed already, whether there is another of its name or not
 *   or what rmdir(2) failed with.
 */
int ctn_remove(const struct ctn *ctn);

/**
 * Returns the descriptor of the directory of a container, with O_PATH, for
 * fstat(2), fstatat(2), fchownat(2) and the like. It belongs to the container
 * object.
 */
int ctn_fd(const struct ctn *ctn);

/**
 * Remove the container that has a name now. Its tasks and files leave it and go
 * on without one. See ctn_remove() for one that was opened.
 *
 * Returns 0, or -1 with errno
 *   EINVAL, ENAMETOOLONG   this cannot be a name
 *   ENOENT                 there is none of this name
 *   or what rmdir(2) failed with.
 */
int ctn_delete(const struct ctn_tree *tree, const char *name);

/** Returns the name of a container. */
const char *ctn_name(const struct ctn *ctn);

/**
 * Returns the directory of a container, such as "/config/containers/web", as it
 * was when it was opened.
 */
const char *ctn_path(const struct ctn *ctn);

/* -------------------------------------------------------------- attributes */

/** What the value of an attribute means. */
enum ctn_kind {
	CTN_KIND_WORD,	/**< text on one line */
	CTN_KIND_COUNT,	/**< a number, or "max" */
	CTN_KIND_PAGES,	/**< a number of pages, or "max" */
	CTN_KIND_LIST,	/**< a line per element */
};

/** The attribute can be read. */
#define CTN_ATTR_READ	0x1u
/** The attribute can be written. */
#define CTN_ATTR_WRITE	0x2u
/** The attribute belongs to the tree, not to a container. */
#define CTN_ATTR_TREE	0x4u
/** The attribute is a counter, and that it has grown is an event. */
#define CTN_ATTR_EVENT	0x8u
/**
 * The attribute is a setting: written back, what was read changes nothing. It is
 * what is to be the same after a reboot.
 */
#define CTN_ATTR_SETTING	0x10u

/**
 * An attribute that this library knows. The kernel may have others; they can
 * be read and written by name all the same.
 */
struct ctn_attr {
	const char *name;	/**< the name of the file */
	const char *column;	/**< a heading for tables, or NULL */
	enum ctn_kind kind;	/**< what the value means */
	unsigned int flags;	/**< CTN_ATTR_* */
	const char *want;	/**< what it takes, for people, or NULL */
	const char *help;	/**< what it is, for people, in a few words */
};

/**
 * Returns the attribute at @index, counted from 0, in the order that the
 * documentation has them, or NULL past the last. Never fails otherwise.
 */
const struct ctn_attr *ctn_attr_at(size_t index);

/** Returns the attribute of this name, or NULL if the library knows none. */
const struct ctn_attr *ctn_attr_find(const char *name);

/**
 * List the attributes that a container has on this kernel, known ones or
 * not, sorted by name.
 *
 * Returns an array of names that ends with NULL, to be given to
 * ctn_names_free(), or NULL.
 */
char **ctn_attrs(const struct ctn *ctn);

/**
 * Read an attribute, whole, without the newline at its end.
 *
 * Returns the text, to be given to free(3), or NULL with errno
 *   EINVAL   @attr cannot be the name of a file
 *   ENOENT   there is no such attribute, or no such container any more
 *   EACCES   it cannot be read, or not by this user
 */
char *ctn_get(const struct ctn *ctn, const char *attr);

/**
 * Read an attribute that is a number; "max" is CTN_MAX.
 *
 * Returns 0, or -1 with errno as ctn_get(), and
 *   EPROTO   the attribute holds something else
 */
int ctn_get_number(const struct ctn *ctn, const char *attr, uint64_t *value);

/**
 * Find out whether this kernel has an attribute, without opening it.
 *
 * Returns 0 if it has, or -1 with errno
 *   EINVAL   @attr cannot be the name of a file
 *   ENOENT   there is no such attribute, or no such container any more
 */
int ctn_has(const struct ctn *ctn, const char *attr);

/**
 * Write an attribute: the bytes of @value, unchanged, in a single write(2).
 *
 * Returns 0, or -1 with errno
 *   EINVAL   the kernel takes no such value, or @attr cannot be the name of a
 *            file, or @value is empty
 *   ERANGE   the number is too big
 *   E2BIG    @value is longer than CTN_VALUE_MAX
 *   ENOENT   there is no such attribute, or no such container any more
 *   EACCES   it cannot be written, or not by this user
 *   EBUSY    rss_limit, shrink: the container could not be trimmed to it. The
 *            rss_limit from before is in force again.
 *   EINTR    rss_limit, shrink, which block meanwhile: a signal came that has
 *            a handler, with SA_RESTART or without. They go on after others,
 *            such as SIGSTOP and SIGCONT.
 *   or what else the kernel refuses it with; the attribute is then unchanged.
 */
int ctn_set(const struct ctn *ctn, const char *attr, const char *value);

/* ------------------------------------------------------------------ memory */

/**
 * Read a size as the kernel reads one: a number of pages; a number of bytes
 * with K, M, G or T, rounded down to pages; or "max", which is CTN_MAX.
 * @pages: where to put the number of pages
 *
 * Returns 0, or -1 with errno
 *   EINVAL   @text is no size
 *   ERANGE   the number is too big
 */
int ctn_parse_pages(const char *text, uint64_t *pages);

/**
 * Read how much memory is charged to a container: the anonymous and the file
 * pages together, which is what page_limit and ctn_shrink() go by.
 * @pages: where to put the number of pages
 *
 * Returns and fails as ctn_get_number() does.
 */
int ctn_usage(const struct ctn *ctn, uint64_t *pages);

/**
 * Trim a container now, until no more than @pages are charged to it.
 *
 * This blocks until it is done, for seconds if pages have to be written. What
 * was freed stays free on failure. Another thread may look at ctn_usage()
 * meanwhile.
 *
 * Returns 0, or -1 with errno
 *   EBUSY    no more can be freed at the moment: five rounds made no progress
 *   EINTR    a signal came that has a handler, with SA_RESTART or without. It
 *            goes on after others, such as SIGSTOP and SIGCONT.
 *   ENODEV   the container is being removed
 *   ENOENT   this kernel cannot do it, or there is no such container any more
 *   EACCES   this user may not
 */
int ctn_shrink(const struct ctn *ctn, uint64_t pages);

/** All numbers of a container: "stat", read at once. */
struct ctn_stats;

/**
 * Read all numbers of a container, in the kernel's order: those that have a file of their
 * own, with CTN_MAX for a limit that there is not, and what has been done about its limits.
 * One call for all of them is cheaper than ctn_get_number() for a few.
 *
 * Returns it, to be given to ctn_stats_free(), or NULL with errno as ctn_get(), and
 *   EPROTO   a line cannot be understood
 */
struct ctn_stats *ctn_stats_read(const struct ctn *ctn);

/** Returns how many lines there are. */
size_t ctn_stats_count(const struct ctn_stats *stats);

/**
 * Returns what the line at @index counts, NULL past the last. It belongs to @stats.
 */
const char *ctn_stats_key(const struct ctn_stats *stats, size_t index);

/** Returns the number of the line at @index; 0 past the last. */
uint64_t ctn_stats_value(const struct ctn_stats *stats, size_t index);

/** Free what ctn_stats_read() returned. NULL is ignored. */
void ctn_stats_free(struct ctn_stats *stats);

/** A line of the attribute "stat", for ctn_stats(). */
struct ctn_stat {
	const char *key;	/**< what was counted */
	uint64_t value;		/**< since the container was made */
};

/**
 * The same as ctn_stats_read(), as an array of a struct that cannot grow.
 * @stats: where to put an array, to be given to free(3), which has the keys
 *         as well; never NULL on success
 *
 * Returns how many there are, or -1 with errno as ctn_get(), and
 *   EPROTO   a line cannot be understood
 */
ssize_t ctn_stats(const struct ctn *ctn, struct ctn_stat **stats);

/* ----------------------------------------------------------- beancounters */

/** What a resource is counted in. */
enum ctn_unit {
	CTN_UNIT_COUNT,	/**< tasks, files, locks... */
	CTN_UNIT_PAGES,
	CTN_UNIT_BYTES,
};

/** A resource that a kernel may count. More may follow the last member. */
struct ctn_resource {
	const char *name;	/**< such as "numproc" */
	enum ctn_unit unit;
	const char *limit;	/**< the attribute that has its limit as well, or NULL */
	const char *failcnt;	/**< and its failcnt */
};

/** Returns the resource at @index, counted from 0, or NULL past the last. */
const struct ctn_resource *ctn_resource_at(size_t index);

/** Returns the resource of this name, or NULL if this library knows none. */
const struct ctn_resource *ctn_resource_find(const char *name);

/** What a container holds of each resource: "beancounters", read at once. */
struct ctn_bcs;

/** What is known of a resource. */
enum ctn_bc_what {
	CTN_BC_HELD,	/**< now, in its unit: tasks, pages or bytes */
	CTN_BC_MAXHELD,	/**< the most since it was made, or reset */
	CTN_BC_MINHELD,	/**< the least */
	CTN_BC_BARRIER,
	CTN_BC_LIMIT,
	CTN_BC_FAILCNT,	/**< how often a charge found no room and failed */
};

/**
 * Read what a container holds of each resource that the kernel counts.
 *
 * Returns it, to be given to ctn_bcs_free(), or NULL with errno as ctn_get() (ENOENT:
 * this kernel has no beancounters), and
 *   EPROTO   a line cannot be understood
 */
struct ctn_bcs *ctn_bcs_read(const struct ctn *ctn);

/** Returns how many resources there are. */
size_t ctn_bcs_count(const struct ctn_bcs *bcs);

/**
 * Returns the resource at @index, such as "numproc", in the order of the kernel; NULL
 * past the last. It belongs to @bcs.
 */
const char *ctn_bcs_resource(const struct ctn_bcs *bcs, size_t index);

/**
 * Read a number of the resource at @index; CTN_MAX is no limit.
 *
 * Returns 0, or -1 with errno
 *   EINVAL   @index is past the last, or this library does not know @what
 */
int ctn_bcs_number(const struct ctn_bcs *bcs, size_t index, enum ctn_bc_what what,
		   uint64_t *number);

/** Free what ctn_bcs_read() returned. NULL is ignored. */
void ctn_bcs_free(struct ctn_bcs *bcs);

/** A line of the attribute "beancounters", for ctn_bc_list(); CTN_MAX is no limit. */
struct ctn_bc {
	const char *resource;	/**< what is counted, such as "numproc" */
	uint64_t held;		/**< now, in its unit: tasks, pages or bytes */
	uint64_t maxheld;	/**< the most since it was made, or reset */
	uint64_t minheld;	/**< the least */
	uint64_t barrier;
	uint64_t limit;
	uint64_t failcnt;	/**< how often a charge found no room and failed */
};

/**
 * The same as ctn_bcs_read(), as an array of a struct that cannot grow.
 * @rows: where to put an array, to be given to free(3), which has the names as well;
 *        never NULL on success
 *
 * Returns how many there are, or -1 with errno as ctn_get() (ENOENT: this kernel has
 * no beancounters), and
 *   EPROTO   a line cannot be understood
 */
ssize_t ctn_bc_list(const struct ctn *ctn, struct ctn_bc **rows);

/**
 * Set the barrier and the limit of a resource, both at once.
 * @barrier, @limit: a number, "max", or a size such as 64M where it is of pages or bytes
 *
 * Returns 0, or -1 with errno as ctn_set(), and
 *   EINVAL       there is no such resource, or the barrier is over the limit
 *   EOPNOTSUPP   this kernel does not count it
 *   EPERM        an administrator has bound it to less
 */
int ctn_bc_set(const struct ctn *ctn, const char *resource, const char *barrier,
	       const char *limit);

/**
 * Have maxheld and minheld of a resource begin anew.
 *
 * Returns and fails as ctn_bc_set() does.
 */
int ctn_bc_reset(const struct ctn *ctn, const char *resource);

/* --------------------------------------------------------- tasks and files */

/**
 * Move a process into a container, with all its threads.
 * @pid: in the pid namespace of the caller
 *
 * Returns 0, or -1 with errno
 *   ESRCH    there is no such process
 *   EPERM    it is another user's
 *   EINVAL   it is a kernel thread
 *   EAGAIN   the container is at its task_limit, or the process comes from
 *            vfork(2) and has not called exec yet, for a second now
 *   ENODEV   the container is being removed
 *   or what else the kernel refuses it with.
 */
int ctn_add_task(const struct ctn *ctn, pid_t pid);

/**
 * Move a process out of a container.
 *
 * Returns and fails as ctn_add_task(); ESRCH also if it is not in there.
 */
int ctn_rm_task(const struct ctn *ctn, pid_t pid);

/**
 * Make a container the owner of a file: its page cache is charged there; that of
 * a file on tmpfs and the like only while there is room below rss_limit.
 * @path: as open(2) takes it.
 *
 * Returns 0, or -1 with errno
 *   ENOENT         there is no such file
 *   EINVAL         it is not a regular file
 *   ENAMETOOLONG   the path is longer than CTN_VALUE_MAX
 *   EPERM          it is another user's
 *   or what else the kernel refuses it with.
 */
int ctn_add_file(const struct ctn *ctn, const char *path);

/**
 * Take a file from a container. Its page cache is charged to nobody from then on;
 * that of a file on tmpfs and the like stays charged until it is freed, unless the
 * caller has CAP_SYS_RESOURCE.
 *
 * Returns and fails as ctn_add_file(); ENOENT also if it is not the owner. Of a
 * file on tmpfs and the like it is only if ctn_add_file() has named it.
 */
int ctn_rm_file(const struct ctn *ctn, const char *path);

/**
 * List the threads in a container, sorted.
 * @tids: where to put an array, to be given to free(3); never NULL on success
 *
 * Returns how many there are, or -1 with errno as ctn_get(), and
 *   EPROTO   a line is not a thread id
 */
ssize_t ctn_tasks(const struct ctn *ctn, pid_t **tids);

/** A file that a container owns, or has memory in. */
struct ctn_mapping {
	/**
	 * Pages of it in the page cache; of a file on tmpfs and the like, those
	 * that are charged to the container.
	 */
	uint64_t pages;
	unsigned int major;	/**< of the device of its file system */
	unsigned int minor;
	uint64_t inode;
	/**
	 * The path from the root of its file system, not escaped, or NULL if
	 * it has none.
	 */
	char *fspath;
	/**
	 * The path in the mount namespace of the caller, or NULL if the file
	 * has no name there: its file system, or that part of it, is not
	 * mounted, or the file was removed or renamed meanwhile.
	 */
	char *path;
};

/**
 * List the files that a container owns, or has memory in. A file that comes or
 * goes meanwhile may be listed or not.
 * @mappings: where to put an array of pointers that ends with NULL, to be
 *            given to ctn_mappings_free()
 *
 * Returns how many there are, or -1 with errno as ctn_get() (EACCES: only the
 * owner of the container's directory may), and
 *   EPROTO   a line cannot be understood
 */
ssize_t ctn_mappings(const struct ctn *ctn, struct ctn_mapping ***mappings);

/** Free what ctn_mappings() returned. NULL is ignored. */
void ctn_mappings_free(struct ctn_mapping **mappings);

/* ------------------------------------------------------------------ events */

/** What has happened. */
enum ctn_event_type {
	CTN_EVENT_COUNT,	/**< a counter has grown */
	CTN_EVENT_ADDED,	/**< a container was made and is watched now */
	CTN_EVENT_REMOVED,	/**< a container was removed */
};

/** Something that has happened, for ctn_watch_next(). */
struct ctn_event {
	enum ctn_event_type type;
	/** The container. It belongs to the watch until its next event. */
	const char *name;
	/**
	 * The counter: an attribute that has CTN_ATTR_EVENT, or a resource of beancounters,
	 * of whose failcnt it is; NULL with other types.
	 */
	const char *attr;
	uint64_t value;		/**< of the counter */
	uint64_t increase;	/**< since its last event, or since the opening */
};

/**
 * Begin to watch containers.
 * @names: those to watch, an array that ends with NULL, or NULL for all.
 *         One that is removed and made anew is watched again.
 *
 * It holds no container open: configfs can be unmounted, which is an event.
 *
 * What comes is kept by the kernel until ctn_watch_take() fetches it. The
 * kernel tells of each counter at most ten times a second, so that an event can
 * stand for several hits; none is lost.
 *
 * Returns the watch, to be given to ctn_watch_close(), or NULL with errno
 *   EINVAL, ENAMETOOLONG   this cannot be a name
 *   ENOENT   there is none of this name
 *   ENOSYS   this kernel tells of no events
 *   EACCES   this user may not read a counter
 *   EMFILE   there are too many instances of inotify
 *   ENOSPC   there are too many watches of inotify: each container takes one
 *            for each counter
 */
struct ctn_watch *ctn_watch_open(const struct ctn_tree *tree,
				 char *const *names);

/**
 * Begin to watch containers that need not be there yet: one that is not is
 * watched as soon as it is made.
 *
 * Returns and fails as ctn_watch_open(), but not because there is none of a
 * name.
 */
struct ctn_watch *ctn_watch_await(const struct ctn_tree *tree,
				  char *const *names);

/** End a watch. NULL is ignored. */
void ctn_watch_close(struct ctn_watch *watch);

/**
 * Returns a file descriptor that is readable, for poll(2) and the like, when
 * ctn_watch_take() has something to do. It belongs to the watch.
 */
int ctn_watch_fd(const struct ctn_watch *watch);

/** Returns how many containers are watched now. */
size_t ctn_watch_count(const struct ctn_watch *watch);

/**
 * Fetch the next event. This does not block. What it is say the functions below,
 * until the next call.
 *
 * Returns 1, or 0 if there is none at the moment, or -1 with errno
 *   ENODEV   there are no containers any more: configfs was unmounted. There
 *            will be no further event.
 *   or as ctn_watch_open() for a container that was made meanwhile, or as
 *   ctn_get_number() for a counter. The next call goes on with the next event.
 */
int ctn_watch_take(struct ctn_watch *watch);

/** Returns what has happened. */
enum ctn_event_type ctn_watch_type(const struct ctn_watch *watch);

/**
 * Returns the container of the event. The name belongs to the watch until the
 * next call of ctn_watch_take(); NULL before the first event.
 */
const char *ctn_watch_name(const struct ctn_watch *watch);

/** Returns the counter, which has CTN_ATTR_EVENT; NULL with other types. */
const char *ctn_watch_attr(const struct ctn_watch *watch);

/** Returns the value of the counter. */
uint64_t ctn_watch_value(const struct ctn_watch *watch);

/** Returns by how much it has grown since its last event, or since the opening. */
uint64_t ctn_watch_increase(const struct ctn_watch *watch);

/**
 * The same as ctn_watch_take(), with a struct that cannot grow.
 * @event: where to put it
 *
 * Returns and fails as ctn_watch_take() does.
 */
int ctn_watch_next(struct ctn_watch *watch, struct ctn_event *event);

#ifdef __cplusplus
}
#endif

#endif /* CTN_H */

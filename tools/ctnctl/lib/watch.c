// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Waiting for events: counters that the kernel raises IN_MODIFY on, and the
 * containers that come and go, by inotify and nothing else.
 *
 * An event of inotify says that a counter has changed, not to what, and the same
 * event is not queued twice. So an event only marks the counter, whose value
 * is then read and compared with the one that was seen last.
 */
#include <errno.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "internal.h"

/* The attribute that came with events: older kernels have others of them. */
#define MARK "rss_failcnt"

/* Where the failcnt of a resource is, if it is in no other file. */
#define BEANCOUNTERS "beancounters"

struct counter {
	const char *attr;	/* or the resource, if it is one */
	int is_resource;
	int wd;			/* -1: this kernel has no such counter */
	uint64_t seen;
	int changed;
};

/*
 * A container that is watched. It is opened whenever it is looked at, and not held open:
 * that would keep configfs from being unmounted. The name may be that of another by
 * then, whose counters are not this one's.
 */
struct member {
	char *name;
	struct identity id;
	int unsure;		/* its events were lost */
	struct counter counters[];	/* as many as the watch says */
};

struct ctn_watch {
	struct ctn_tree tree;
	char **names;		/* those that it is about, NULL for all */
	int fd;
	int top;		/* wd of the tree; -1 when it has gone */
	size_t ncounters;
	struct member **members;
	size_t count;
	struct member *gone;	/* which the last event was about */
	struct ctn_event last;	/* that was fetched */
	int unsure;		/* events were lost */
	char **maybe;		/* then: those that may have come, or NULL */
	size_t nmaybe;		/* how many of them have been looked for */
	size_t at, len;		/* what is left in buf */
	alignas(struct inotify_event) char buf[4096];
};

static int fail_inotify(const char *path)
{
	return fail(errno, path, NULL, NULL,
		    errno == ENOSPC ? "see fs.inotify.max_user_watches" :
		    errno == EMFILE ? "see fs.inotify.max_user_instances" :
		    NULL);
}

/* Members */

static void free_member(struct member *member)
{
	if (member)
		free(member->name);
	free(member);
}

static struct member *new_member(struct ctn_watch *watch, const char *name)
{
	struct member *member = calloc(1, sizeof(*member) + watch->ncounters *
				       sizeof(*member->counters));
	const struct ctn_resource *resource;
	const struct ctn_attr *attr;
	size_t n = 0;

	if (!member) {
		fail(ENOMEM, name, NULL, NULL, NULL);
		return NULL;
	}
	for (size_t i = 0; (attr = ctn_attr_at(i)); i++)
		if (attr->flags & CTN_ATTR_EVENT)
			member->counters[n++] = (struct counter){
				.attr = attr->name, .wd = -1,
			};
	for (size_t i = 0; (resource = ctn_resource_at(i)); i++)
		if (!resource->failcnt)
			member->counters[n++] = (struct counter){
				.attr = resource->name, .is_resource = 1, .wd = -1,
			};
	member->name = strdup(name);
	if (!member->name) {
		free_member(member);
		fail(ENOMEM, name, NULL, NULL, NULL);
		return NULL;
	}
	return member;
}

/* Another one of its name is not it: ENOENT. */
static struct ctn *open_member(const struct ctn_watch *watch, const struct member *member)
{
	struct ctn *ctn = ctn_open(&watch->tree, member->name);
	struct identity id;

	if (!ctn)
		return NULL;
	if (!identify(ctn, &id) && id.dev == member->id.dev && id.ino == member->id.ino)
		return ctn;
	ctn_close(ctn);
	errno = ENOENT;
	return NULL;
}

static int fail_mark(const struct ctn *ctn)
{
	char *path;

	if (ctn_exists(ctn))
		return -1;
	path = join(ctn->path, MARK);
	if (path)
		fail(ENOSYS, path, NULL, "No such attribute",
		     "this kernel tells of no events");
	free(path);
	return -1;
}

/* Its failcnt. One that this kernel does not count has none: 0. */
static uint64_t failcnt_of(const struct ctn_bcs *bcs, const char *resource)
{
	uint64_t failcnt;

	for (size_t i = 0; i < ctn_bcs_count(bcs); i++)
		if (!strcmp(ctn_bcs_resource(bcs, i), resource) &&
		    !ctn_bcs_number(bcs, i, CTN_BC_FAILCNT, &failcnt))
			return failcnt;
	return 0;
}

static int read_counter(const struct ctn *ctn, const struct counter *counter,
			uint64_t *value)
{
	struct ctn_bcs *bcs;

	if (!counter->is_resource)
		return ctn_get_number(ctn, counter->attr, value);
	bcs = ctn_bcs_read(ctn);
	if (!bcs)
		return -1;
	*value = failcnt_of(bcs, counter->attr);
	ctn_bcs_free(bcs);
	return 0;
}

/*
 * Watch the files of a container, also if they have been watched before. A
 * watch on a file that has gone would keep its inode: it is taken off.
 *
 * inotify(7) goes by path. If that leads to the container in the end it has done so all
 * the time: one that was removed does not get its name back.
 */
static int watch_counters(struct ctn_watch *watch, struct member *member,
			  const struct ctn *ctn)
{
	for (size_t i = 0; i < watch->ncounters; i++) {
		struct counter *counter = &member->counters[i];
		char *path = join(ctn->path, counter->is_resource ? BEANCOUNTERS :
								    counter->attr);
		int wd;

		if (!path)
			return -1;
		wd = inotify_add_watch(watch->fd, path, IN_MODIFY);
		/* who may not read the table is told of the others */
		if (wd < 0 && errno != ENOENT && !(counter->is_resource && errno == EACCES)) {
			fail_inotify(path);
			free(path);
			return -1;
		}
		free(path);
		if (counter->wd >= 0 && counter->wd != wd)
			inotify_rm_watch(watch->fd, counter->wd);
		counter->wd = wd;
		/* all of them have been given their attr */
		/* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker) */
		if (wd < 0 && !strcmp(counter->attr, MARK))
			return fail_mark(ctn);
	}
	return ctn_exists(ctn);
}

static void unwatch_counters(struct ctn_watch *watch, struct member *member)
{
	for (size_t i = 0; i < watch->ncounters; i++)
		if (member->counters[i].wd >= 0)
			inotify_rm_watch(watch->fd, member->counters[i].wd);
}

/* What it has counted so far is no event. */
static int read_counters(struct ctn_watch *watch, struct member *member,
			 const struct ctn *ctn)
{
	struct ctn_bcs *bcs = NULL;
	int ret = 0;

	for (size_t i = 0; !ret && i < watch->ncounters; i++) {
		struct counter *counter = &member->counters[i];

		if (counter->wd < 0)
			continue;
		if (!counter->is_resource)
			ret = ctn_get_number(ctn, counter->attr, &counter->seen);
		else if (bcs || (bcs = ctn_bcs_read(ctn)))
			counter->seen = failcnt_of(bcs, counter->attr);
		else
			ret = -1;
	}
	ctn_bcs_free(bcs);
	return ret;
}

static void mark_counters(struct ctn_watch *watch, struct member *member)
{
	for (size_t i = 0; i < watch->ncounters; i++)
		member->counters[i].changed = member->counters[i].wd >= 0;
}

static ssize_t find_member(const struct ctn_watch *watch, const char *name)
{
	for (size_t i = 0; i < watch->count; i++)
		if (!strcmp(watch->members[i]->name, name))
			return (ssize_t)i;
	return -1;
}

/*
 * @fresh: it was made while we were watching, and all that it has counted is an
 *         event.
 * ENOENT may as well mean that it has gone again.
 */
static int add_member(struct ctn_watch *watch, const char *name, int fresh)
{
	struct member **more = realloc(watch->members, (watch->count + 1) *
				       sizeof(*more));
	struct member *member;
	struct ctn *ctn;
	int ret, err;

	if (!more)
		return fail(ENOMEM, name, NULL, NULL, NULL);
	watch->members = more;
	member = new_member(watch, name);
	ctn = member ? ctn_open(&watch->tree, name) : NULL;
	ret = !ctn || identify(ctn, &member->id) || watch_counters(watch, member, ctn) ||
	      (!fresh && read_counters(watch, member, ctn)) ? -1 : 0;
	err = errno;
	ctn_close(ctn);
	if (ret) {
		if (member)
			unwatch_counters(watch, member);
		free_member(member);
		errno = err;
		return -1;
	}
	if (fresh)
		mark_counters(watch, member);
	watch->members[watch->count++] = member;
	return 0;
}

/* The last event has its name, so it is not freed before the next. */
static void remove_member(struct ctn_watch *watch, size_t index)
{
	free_member(watch->gone);
	watch->gone = watch->members[index];
	unwatch_counters(watch, watch->gone);
	memmove(&watch->members[index], &watch->members[index + 1],
		(--watch->count - index) * sizeof(*watch->members));
}

static int is_wanted(const struct ctn_watch *watch, const char *name)
{
	if (!watch->names)
		return 1;
	for (char **wanted = watch->names; *wanted; wanted++)
		if (!strcmp(*wanted, name))
			return 1;
	return 0;
}

/* Opening and closing */

CTN_API void ctn_watch_close(struct ctn_watch *watch)
{
	if (!watch)
		return;
	if (watch->fd >= 0)
		close(watch->fd);
	for (size_t i = 0; i < watch->count; i++)
		free_member(watch->members[i]);
	free_member(watch->gone);
	free(watch->members);
	ctn_names_free(watch->maybe);
	ctn_names_free(watch->names);
	free(watch->tree.path);
	free(watch);
}

static char **copy_names(char *const *names)
{
	size_t count = 0;
	char **copy;

	while (names[count])
		count++;
	copy = calloc(count + 1, sizeof(*copy));
	for (size_t i = 0; copy && i < count; i++) {
		copy[i] = strdup(names[i]);
		if (!copy[i]) {
			ctn_names_free(copy);
			return NULL;
		}
	}
	return copy;
}

static struct ctn_watch *new_watch(const struct ctn_tree *tree,
				   char *const *names)
{
	struct ctn_watch *watch = calloc(1, sizeof(*watch));
	const struct ctn_resource *resource;
	const struct ctn_attr *attr;

	if (!watch)
		goto no_memory;
	watch->fd = -1;
	watch->tree.path = strdup(tree->path);
	if (names)
		watch->names = copy_names(names);
	if (!watch->tree.path || (names && !watch->names))
		goto no_memory;
	for (size_t i = 0; (attr = ctn_attr_at(i)); i++)
		watch->ncounters += !!(attr->flags & CTN_ATTR_EVENT);
	for (size_t i = 0; (resource = ctn_resource_at(i)); i++)
		watch->ncounters += !resource->failcnt;
	return watch;
no_memory:
	ctn_watch_close(watch);
	fail(ENOMEM, tree->path, NULL, NULL, NULL);
	return NULL;
}

/* @later: those that are named may come later. */
static int add_all(struct ctn_watch *watch, int later)
{
	char **names = watch->names;
	int ret = 0;

	if (!names)
		names = ctn_tree_names(&watch->tree);
	if (!names)
		return -1;
	for (char **name = names; !ret && *name; name++) {
		if (find_member(watch, *name) >= 0)
			continue;
		ret = add_member(watch, *name, 0);
		/* One that nobody has named may go meanwhile. */
		if (ret && (later || !watch->names) && errno == ENOENT)
			ret = 0;
	}
	if (!watch->names)
		ctn_names_free(names);
	return ret;
}

static struct ctn_watch *open_watch(const struct ctn_tree *tree,
				    char *const *names, int later)
{
	struct ctn_watch *watch = new_watch(tree, names);
	int err;

	if (!watch)
		return NULL;
	watch->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	/* The tree first, so that no container slips in between. */
	if (watch->fd >= 0)
		watch->top = inotify_add_watch(watch->fd, tree->path, IN_ONLYDIR |
					       IN_CREATE | IN_DELETE);
	if (watch->fd < 0 || watch->top < 0)
		fail_inotify(tree->path);
	else if (!add_all(watch, later))
		return watch;
	err = errno;
	ctn_watch_close(watch);
	errno = err;
	return NULL;
}

CTN_API struct ctn_watch *ctn_watch_open(const struct ctn_tree *tree,
					 char *const *names)
{
	return open_watch(tree, names, 0);
}

CTN_API struct ctn_watch *ctn_watch_await(const struct ctn_tree *tree,
					  char *const *names)
{
	return open_watch(tree, names, 1);
}

CTN_API int ctn_watch_fd(const struct ctn_watch *watch)
{
	return watch->fd;
}

CTN_API size_t ctn_watch_count(const struct ctn_watch *watch)
{
	return watch->count;
}

/* Events */

/* Returns 1 if it has grown. */
static int look_at(const struct ctn_watch *watch, const struct member *member,
		   struct counter *counter, struct ctn_event *event)
{
	struct ctn *ctn = open_member(watch, member);
	uint64_t value;
	int ret, err;

	counter->changed = 0;
	ret = ctn ? read_counter(ctn, counter, &value) : -1;
	err = errno;
	ctn_close(ctn);
	errno = err;
	if (ret)
		/* That it has gone is another event. */
		return err == ENOENT ? 0 : -1;
	if (value == counter->seen)
		return 0;
	*event = (struct ctn_event){
		.type = CTN_EVENT_COUNT,
		.name = member->name,
		.attr = counter->attr,
		.value = value,
		/* Less than before is that of another container. */
		.increase = value > counter->seen ? value - counter->seen :
			    value,
	};
	counter->seen = value;
	return event->increase != 0;
}

static int next_count(struct ctn_watch *watch, struct ctn_event *event)
{
	for (size_t i = 0; i < watch->count; i++) {
		struct member *member = watch->members[i];

		for (size_t n = 0; n < watch->ncounters; n++) {
			int ret = 0;

			if (member->counters[n].changed)
				ret = look_at(watch, member,
					      &member->counters[n], event);
			if (ret)
				return ret;
		}
	}
	return 0;
}

static int came(struct ctn_watch *watch, const char *name,
		struct ctn_event *event)
{
	if (!is_wanted(watch, name) || find_member(watch, name) >= 0)
		return 0;
	if (add_member(watch, name, 1))
		/* It has gone already, or it is no container. */
		return errno == ENOENT || errno == ENOTDIR ? 0 : -1;
	*event = (struct ctn_event){
		.type = CTN_EVENT_ADDED,
		.name = watch->members[watch->count - 1]->name,
	};
	return 1;
}

static int went(struct ctn_watch *watch, ssize_t index,
		struct ctn_event *event)
{
	if (index < 0)
		return 0;
	remove_member(watch, (size_t)index);
	*event = (struct ctn_event){
		.type = CTN_EVENT_REMOVED,
		.name = watch->gone->name,
	};
	return 1;
}

/*
 * Events were lost, whichever: look at everything, one event or failure at a
 * time. What fails is not looked at again, and hides nothing that comes after.
 */
static void lose_events(struct ctn_watch *watch)
{
	watch->unsure = 1;
	for (size_t i = 0; i < watch->count; i++)
		watch->members[i]->unsure = 1;
}

static int watch_again(struct ctn_watch *watch, struct member *member)
{
	struct ctn *ctn = open_member(watch, member);
	int ret = ctn ? watch_counters(watch, member, ctn) : -1;
	int err = errno;

	ctn_close(ctn);
	errno = err;
	return ret;
}

/* A container can have gone, and another one of its name come. */
static int check_members(struct ctn_watch *watch, struct ctn_event *event)
{
	for (size_t i = 0; i < watch->count; i++) {
		struct member *member = watch->members[i];
		int ret;

		if (!member->unsure)
			continue;
		member->unsure = 0;
		ret = watch_again(watch, member);
		if (ret && errno == ENOENT)
			return went(watch, (ssize_t)i, event);
		/* Some of them may be read all the same. */
		mark_counters(watch, member);
		if (ret)
			return ret;
	}
	return 0;
}

static int check_names(struct ctn_watch *watch, struct ctn_event *event)
{
	int ret = 0;

	if (!watch->maybe) {
		watch->maybe = ctn_tree_names(&watch->tree);
		watch->nmaybe = 0;
	}
	if (!watch->maybe)
		ret = -1;
	while (!ret && watch->maybe[watch->nmaybe])
		ret = came(watch, watch->maybe[watch->nmaybe++], event);
	if (!ret || !watch->maybe) {
		ctn_names_free(watch->maybe);
		watch->maybe = NULL;
		watch->unsure = 0;
	}
	return ret;
}

static int make_sure(struct ctn_watch *watch, struct ctn_event *event)
{
	int ret = check_members(watch, event);

	return ret ? ret : check_names(watch, event);
}

static int handle(struct ctn_watch *watch, const struct inotify_event *raw,
		  struct ctn_event *event)
{
	if (raw->mask & IN_Q_OVERFLOW) {
		lose_events(watch);
		return 0;
	}
	if (raw->wd == watch->top) {
		if (raw->mask & IN_IGNORED)
			watch->top = -1;
		else if (raw->mask & IN_CREATE)
			return came(watch, raw->name, event);
		else if (raw->mask & IN_DELETE)
			return went(watch, find_member(watch, raw->name),
				    event);
		return 0;
	}
	if (!(raw->mask & IN_MODIFY))
		return 0;
	for (size_t i = 0; i < watch->count; i++)
		for (size_t n = 0; n < watch->ncounters; n++)
			if (watch->members[i]->counters[n].wd == raw->wd)
				watch->members[i]->counters[n].changed = 1;
	return 0;
}

/* NULL with EAGAIN if there is none at the moment. */
static const struct inotify_event *next_raw(struct ctn_watch *watch)
{
	const struct inotify_event *raw;
	ssize_t got;

	if (watch->at == watch->len) {
		do
			got = read(watch->fd, watch->buf, sizeof(watch->buf));
		while (got < 0 && errno == EINTR);
		if (got < 0)
			return NULL;
		watch->at = 0;
		watch->len = (size_t)got;
	}
	raw = (const struct inotify_event *)(watch->buf + watch->at);
	watch->at += sizeof(*raw) + raw->len;
	return raw;
}

static int fetch(struct ctn_watch *watch, struct ctn_event *event)
{
	const struct inotify_event *raw;
	int ret;

	for (;;) {
		if (watch->top < 0)
			return fail(ENODEV, watch->tree.path, NULL,
				    "The containers have gone", NULL);
		ret = watch->unsure ? make_sure(watch, event) : 0;
		if (!ret)
			ret = next_count(watch, event);
		if (ret)
			return ret;
		raw = next_raw(watch);
		if (!raw)
			return errno == EAGAIN ? 0 :
			       fail_inotify(watch->tree.path);
		ret = handle(watch, raw, event);
		if (ret)
			return ret;
	}
}

CTN_API int ctn_watch_take(struct ctn_watch *watch)
{
	return fetch(watch, &watch->last);
}

CTN_API enum ctn_event_type ctn_watch_type(const struct ctn_watch *watch)
{
	return watch->last.type;
}

CTN_API const char *ctn_watch_name(const struct ctn_watch *watch)
{
	return watch->last.name;
}

CTN_API const char *ctn_watch_attr(const struct ctn_watch *watch)
{
	return watch->last.attr;
}

CTN_API uint64_t ctn_watch_value(const struct ctn_watch *watch)
{
	return watch->last.value;
}

CTN_API uint64_t ctn_watch_increase(const struct ctn_watch *watch)
{
	return watch->last.increase;
}

CTN_API int ctn_watch_next(struct ctn_watch *watch, struct ctn_event *event)
{
	int ret = ctn_watch_take(watch);

	if (ret > 0)
		*event = watch->last;
	return ret;
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The attributes that the library knows: one table, and looking things up in
 * it. A release of the kernel that adds an attribute adds a line here, and
 * tables, help and refusals follow.
 */
#include <errno.h>
#include <string.h>

#include "internal.h"

#define R	CTN_ATTR_READ
#define W	CTN_ATTR_WRITE
#define TREE	CTN_ATTR_TREE
#define EVENT	CTN_ATTR_EVENT
/* what is read and written, and says what somebody wants rather than what is */
#define SETTING	(R | W | CTN_ATTR_SETTING)

#define WANT_PAGES "want pages, a size such as 64M, or \"max\""
#define WANT_SIZE "want pages, or a size such as 64M"
#define WANT_COUNT "want a number or \"max\""
#define WANT_BC "want a resource and its limit, or its barrier and a limit that is not below it, or \"reset\""
#define WANT_PID "want the number of a process that is no kernel thread"
#define WANT_ZERO "want 0, which makes what there is now the peak"
#define WANT_SIGNAL "want the number of a signal"
#define WANT_PATH "want the path of a regular file"

static const struct ctn_attr attrs[] = {
	{ "id", "ID", CTN_KIND_COUNT, R, NULL,
	  "number of the container" },
	{ "num_tasks", "TASKS", CTN_KIND_COUNT, R, NULL,
	  "threads in the container" },
	{ "tasks_peak", "TASKS-PEAK", CTN_KIND_COUNT, R | W, WANT_ZERO,
	  "the most threads that were in the container" },
	{ "task_limit", "TASK-LIMIT", CTN_KIND_COUNT, SETTING, WANT_COUNT,
	  "threads that the container may have" },
	{ "task_limit_hits", "TASK-HITS", CTN_KIND_COUNT, R | EVENT, NULL,
	  "forks and moves refused for task_limit" },
	{ "num_files", "FILES", CTN_KIND_COUNT, R, NULL,
	  "files that the container owns" },
	{ "num_anon_pages", "ANON", CTN_KIND_PAGES, R, NULL,
	  "anonymous memory" },
	{ "num_file_pages", "FILE", CTN_KIND_PAGES, R, NULL,
	  "page cache charged to the container" },
	{ "num_mapped_pages", "MAPPED", CTN_KIND_PAGES, R, NULL,
	  "page cache that is mapped" },
	{ "num_active_pages", "ACTIVE", CTN_KIND_PAGES, R, NULL,
	  "memory that is in active use" },
	{ "usage_peak", "USAGE-PEAK", CTN_KIND_PAGES, R | W, WANT_ZERO,
	  "the most anonymous memory and page cache together" },
	{ "page_limit", "LIMIT", CTN_KIND_PAGES, SETTING, WANT_PAGES,
	  "memory that the container is trimmed to" },
	{ "page_limit_hits", "HITS", CTN_KIND_COUNT, R | EVENT, NULL,
	  "times the container went over page_limit" },
	{ "over_limit", "OVER-LIMIT", CTN_KIND_WORD, SETTING,
	  "want \"reclaim\" or \"deactivate\"",
	  "what is done with cold memory over page_limit" },
	{ "rss_usage", "RSS", CTN_KIND_PAGES, R, NULL,
	  "anonymous, shared and mapped memory" },
	{ "rss_peak", "RSS-PEAK", CTN_KIND_PAGES, R | W, WANT_ZERO,
	  "the most that rss_usage was" },
	{ "rss_limit", "RSS-LIMIT", CTN_KIND_PAGES, SETTING, WANT_PAGES,
	  "the most anonymous and shared memory there may be" },
	{ "rss_failcnt", "RSS-HITS", CTN_KIND_COUNT, R | EVENT, NULL,
	  "charges that found no room below rss_limit" },
	{ "rss_reclaimed", "RSS-RECLAIMED", CTN_KIND_PAGES, R, NULL,
	  "memory reclaimed for rss_limit" },
	{ "rss_oom_kills", "OOM-KILLS", CTN_KIND_COUNT, R | EVENT, NULL,
	  "processes killed for rss_limit" },
	{ "oom", "OOM", CTN_KIND_WORD, SETTING, "want \"task\" or \"container\"",
	  "what is killed when rss_limit leaves no other way" },
	{ "freeing", "FREEING", CTN_KIND_COUNT, R, NULL,
	  "1 while the container is being removed" },
	{ "tasks", NULL, CTN_KIND_LIST, R | W, WANT_PID,
	  "thread ids" },
	{ "mappings", NULL, CTN_KIND_LIST, R, NULL,
	  "files that the container owns, with their pages" },
	{ "stat", NULL, CTN_KIND_LIST, R, NULL,
	  "what was done about its limits, in numbers" },
	{ "pressure", NULL, CTN_KIND_LIST, R | W, NULL,
	  "how much of the time its tasks wait for memory" },
	{ "kill", NULL, CTN_KIND_COUNT, W, WANT_SIGNAL,
	  "signal to send to its processes now" },
	{ "beancounters", NULL, CTN_KIND_LIST, R | W, WANT_BC,
	  "what it holds of each resource, with barrier and limit" },
	{ "shrink", NULL, CTN_KIND_PAGES, W, WANT_SIZE,
	  "memory to trim it to now" },
	{ "addtask", NULL, CTN_KIND_COUNT, W, WANT_PID,
	  "process to move in" },
	{ "rmtask", NULL, CTN_KIND_COUNT, W, WANT_PID,
	  "process to move out" },
	{ "addfile", NULL, CTN_KIND_WORD, W, WANT_PATH,
	  "file to own" },
	{ "rmfile", NULL, CTN_KIND_WORD, W, WANT_PATH,
	  "file to own no longer" },

	{ "description", NULL, CTN_KIND_WORD, R | TREE, NULL,
	  "what this tree is" },
	{ "default_page_limit", NULL, CTN_KIND_PAGES, SETTING | TREE, WANT_PAGES,
	  "page_limit of new containers" },
	{ "default_task_limit", NULL, CTN_KIND_COUNT, SETTING | TREE, WANT_COUNT,
	  "task_limit of new containers" },
	{ "default_beancounters", NULL, CTN_KIND_LIST, R | W | TREE, WANT_BC,
	  "barriers and limits of new containers" },
};

#define BOUND "it is bound to less, for whoever has not got CAP_SYS_RESOURCE"
#define NOT_FREED "no more of its memory can be freed now"

/* What errno alone does not tell. */
static const struct {
	const char *attr;
	int err;
	const char *hint;
} refusals[] = {
	{ "addtask", EAGAIN,
	  "the container is at its task_limit, or the process has yet to call exec" },
	{ "addtask", ENOMEM, "what it has does not fit below rss_limit" },
	{ "addtask", EPERM, "it is another user's process" },
	{ "rmtask", EPERM, "it is another user's process" },
	{ "rmtask", ESRCH, "there is none of this number in the container" },
	{ "tasks", EAGAIN,
	  "the container is at its task_limit, or the process has yet to call exec" },
	{ "tasks", ENOMEM, "what it has does not fit below rss_limit" },
	{ "tasks", EPERM, "it is another user's process" },
	{ "kill", EPERM, "they are other users' processes" },
	{ "addfile", EPERM, "it is another user's file" },
	{ "rmfile", EPERM, "it is another user's file" },
	{ "rmfile", ENOENT, "or it is not the container's" },
	{ "rss_limit", EBUSY, NOT_FREED "; the old limit stays" },
	{ "rss_limit", EINTR, "the old limit stays" },
	{ "shrink", EBUSY, NOT_FREED },
	{ "beancounters", EBUSY, NOT_FREED "; the old limit stays" },
	{ "beancounters", EINTR, "the old limit stays" },
	{ "beancounters", EOPNOTSUPP, "this kernel does not count that" },
	{ "default_beancounters", EOPNOTSUPP, "this kernel does not count that" },
	{ "beancounters", EPERM, BOUND },
	{ "task_limit", EPERM, BOUND },
	{ "rss_limit", EPERM, BOUND },
};

const char *attr_hint(const char *attr, int err)
{
	const struct ctn_attr *known = ctn_attr_find(attr);

	if (err == ENODEV)
		return "the container is being removed";
	if (known && (err == EINVAL || err == ERANGE))
		return known->want;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++)
		if (refusals[i].err == err && !strcmp(refusals[i].attr, attr))
			return refusals[i].hint;
	return NULL;
}

CTN_API const struct ctn_attr *ctn_attr_at(size_t index)
{
	return index < sizeof(attrs) / sizeof(*attrs) ? &attrs[index] : NULL;
}

CTN_API const struct ctn_attr *ctn_attr_find(const char *name)
{
	for (size_t i = 0; i < sizeof(attrs) / sizeof(*attrs); i++)
		if (!strcmp(attrs[i].name, name))
			return &attrs[i];
	return NULL;
}

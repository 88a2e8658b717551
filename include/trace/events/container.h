/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What happens to containers. In every event, id is the container's, as its id
 * file has it; numbers are of pages unless they say otherwise; a limit of
 * PAGE_COUNTER_MAX is none.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM container

#if !defined(_TRACE_CONTAINER_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_CONTAINER_H

#include <linux/sched.h>
#include <linux/tracepoint.h>

DECLARE_EVENT_CLASS(container_life,

	TP_PROTO(int id, const char *name),

	TP_ARGS(id, name),

	TP_STRUCT__entry(
		__field(int, id)
		__string(name, name)
	),

	TP_fast_assign(
		__entry->id = id;
		__assign_str(name);
	),

	TP_printk("id=%d name=%s", __entry->id, __get_str(name))
);

/* mkdir has made a container of this name. */
DEFINE_EVENT(container_life, container_create,
	TP_PROTO(int id, const char *name),
	TP_ARGS(id, name)
);

/* rmdir has taken it apart. */
DEFINE_EVENT(container_life, container_remove,
	TP_PROTO(int id, const char *name),
	TP_ARGS(id, name)
);

DECLARE_EVENT_CLASS(container_member,

	TP_PROTO(int id, struct task_struct *task),

	TP_ARGS(id, task),

	TP_STRUCT__entry(
		__field(int, id)
		__field(pid_t, pid)
		__array(char, comm, TASK_COMM_LEN)
	),

	TP_fast_assign(
		__entry->id = id;
		__entry->pid = task->pid;
		memcpy(__entry->comm, task->comm, TASK_COMM_LEN);
	),

	TP_printk("id=%d pid=%d comm=%s",
		  __entry->id, __entry->pid, __entry->comm)
);

/* A thread has been moved into it. Those that are forked in it are not told of. */
DEFINE_EVENT(container_member, container_attach,
	TP_PROTO(int id, struct task_struct *task),
	TP_ARGS(id, task)
);

/* A thread has left it: moved, or at its exit. */
DEFINE_EVENT(container_member, container_detach,
	TP_PROTO(int id, struct task_struct *task),
	TP_ARGS(id, task)
);

/*
 * The usage has gone over a limit: that of tasks, or else of pages. Counted in
 * task_limit_hits or page_limit_hits.
 */
TRACE_EVENT(container_limit_hit,

	TP_PROTO(int id, bool tasks, unsigned long usage, unsigned long limit),

	TP_ARGS(id, tasks, usage, limit),

	TP_STRUCT__entry(
		__field(int, id)
		__field(bool, tasks)
		__field(unsigned long, usage)
		__field(unsigned long, limit)
	),

	TP_fast_assign(
		__entry->id = id;
		__entry->tasks = tasks;
		__entry->usage = usage;
		__entry->limit = limit;
	),

	TP_printk("id=%d limit=%s usage=%lu max=%lu",
		  __entry->id, __entry->tasks ? "task_limit" : "page_limit",
		  __entry->usage, __entry->limit)
);

/*
 * So many pages of held memory did not fit below rss_limit: the charge has failed.
 * rss is rss_usage, mapped page cache included, and so may be more than limit. A
 * charge that may go over the limit is not told of.
 */
TRACE_EVENT(container_charge_failed,

	TP_PROTO(int id, long nr, unsigned long rss, unsigned long limit),

	TP_ARGS(id, nr, rss, limit),

	TP_STRUCT__entry(
		__field(int, id)
		__field(long, nr)
		__field(unsigned long, rss)
		__field(unsigned long, limit)
	),

	TP_fast_assign(
		__entry->id = id;
		__entry->nr = nr;
		__entry->rss = rss;
		__entry->limit = limit;
	),

	TP_printk("id=%d nr=%ld rss=%lu limit=%lu",
		  __entry->id, __entry->nr, __entry->rss, __entry->limit)
);

/*
 * kcontainerd begins a round. There are usage anonymous and file pages, of which
 * goal may be left; -1 if they are not why. rss is rss_usage, and rss_goal is how
 * much of it may be left if page cache is to be unmapped, or how much held memory
 * if goal is -1 and room below rss_limit is wanted; -1 if neither is.
 */
TRACE_EVENT(container_trim_begin,

	TP_PROTO(int id, unsigned long usage, unsigned long goal,
		 unsigned long rss, unsigned long rss_goal),

	TP_ARGS(id, usage, goal, rss, rss_goal),

	TP_STRUCT__entry(
		__field(int, id)
		__field(unsigned long, usage)
		__field(unsigned long, goal)
		__field(unsigned long, rss)
		__field(unsigned long, rss_goal)
	),

	TP_fast_assign(
		__entry->id = id;
		__entry->usage = usage;
		__entry->goal = goal;
		__entry->rss = rss;
		__entry->rss_goal = rss_goal;
	),

	TP_printk("id=%d usage=%lu goal=%ld rss=%lu rss_goal=%ld",
		  __entry->id, __entry->usage, (long)__entry->goal,
		  __entry->rss, (long)__entry->rss_goal)
);

/*
 * It ends after usec microseconds, with this usage and rss left. Of the pages
 * scanned, those deactivated stay for another visit, of those written_back writing
 * has begun, those dropped were clean page cache that nobody mapped, those unmapped
 * are still in the page cache, and those reclaimed were mapped page cache or held
 * memory.
 */
TRACE_EVENT(container_trim_end,

	TP_PROTO(int id, unsigned long usage, unsigned long rss,
		 unsigned long scanned, unsigned long deactivated,
		 unsigned long written_back, unsigned long dropped,
		 unsigned long unmapped, unsigned long reclaimed, s64 usec),

	TP_ARGS(id, usage, rss, scanned, deactivated, written_back, dropped,
		unmapped, reclaimed, usec),

	TP_STRUCT__entry(
		__field(int, id)
		__field(unsigned long, usage)
		__field(unsigned long, rss)
		__field(unsigned long, scanned)
		__field(unsigned long, deactivated)
		__field(unsigned long, written_back)
		__field(unsigned long, dropped)
		__field(unsigned long, unmapped)
		__field(unsigned long, reclaimed)
		__field(s64, usec)
	),

	TP_fast_assign(
		__entry->id = id;
		__entry->usage = usage;
		__entry->rss = rss;
		__entry->scanned = scanned;
		__entry->deactivated = deactivated;
		__entry->written_back = written_back;
		__entry->dropped = dropped;
		__entry->unmapped = unmapped;
		__entry->reclaimed = reclaimed;
		__entry->usec = usec;
	),

	TP_printk("id=%d usage=%lu rss=%lu scanned=%lu deactivated=%lu written_back=%lu dropped=%lu unmapped=%lu reclaimed=%lu usec=%lld",
		  __entry->id, __entry->usage, __entry->rss, __entry->scanned,
		  __entry->deactivated, __entry->written_back,
		  __entry->dropped, __entry->unmapped, __entry->reclaimed,
		  __entry->usec)
);

/*
 * A task has slept for so many microseconds: if hard, it has waited for room below
 * rss_limit, else its container was far over page_limit.
 */
TRACE_EVENT(container_throttle,

	TP_PROTO(int id, bool hard, s64 usec),

	TP_ARGS(id, hard, usec),

	TP_STRUCT__entry(
		__field(int, id)
		__field(bool, hard)
		__field(s64, usec)
	),

	TP_fast_assign(
		__entry->id = id;
		__entry->hard = hard;
		__entry->usec = usec;
	),

	TP_printk("id=%d limit=%s usec=%lld",
		  __entry->id, __entry->hard ? "rss_limit" : "page_limit",
		  __entry->usec)
);

/*
 * A page fault waits for room below rss_limit, and nothing is left to be swapped
 * out: the OOM killer is called. rss is rss_usage.
 */
TRACE_EVENT(container_oom,

	TP_PROTO(int id, unsigned long rss, unsigned long limit),

	TP_ARGS(id, rss, limit),

	TP_STRUCT__entry(
		__field(int, id)
		__field(unsigned long, rss)
		__field(unsigned long, limit)
	),

	TP_fast_assign(
		__entry->id = id;
		__entry->rss = rss;
		__entry->limit = limit;
	),

	TP_printk("id=%d rss=%lu limit=%lu",
		  __entry->id, __entry->rss, __entry->limit)
);

#endif /* _TRACE_CONTAINER_H */

/* This part must be outside protection */
#include <trace/define_trace.h>

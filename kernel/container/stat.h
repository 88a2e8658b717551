/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The numbers of a container: those that have a file of their own, and those that
 * only stat has. A line here, a case in stat.c, and perhaps a file in configfs.c, is
 * what one more takes.
 */
#ifndef _KERNEL_CONTAINER_STAT_H
#define _KERNEL_CONTAINER_STAT_H

#include "internal.h"

/* In the order of the lines and columns of stat. A limit may be "max". */
#define CONTAINER_NUMBERS(NUMBER, LIMIT)				\
	NUMBER(id)							\
	NUMBER(num_tasks)						\
	NUMBER(tasks_peak)						\
	LIMIT(task_limit)						\
	NUMBER(task_limit_hits)						\
	NUMBER(num_files)						\
	NUMBER(num_anon_pages)						\
	NUMBER(num_file_pages)						\
	NUMBER(num_mapped_pages)					\
	NUMBER(num_active_pages)					\
	NUMBER(usage_peak)						\
	LIMIT(page_limit)						\
	NUMBER(page_limit_hits)						\
	NUMBER(rss_usage)						\
	NUMBER(rss_peak)						\
	LIMIT(rss_limit)						\
	NUMBER(rss_failcnt)						\
	NUMBER(rss_reclaimed)						\
	NUMBER(rss_oom_kills)						\
	NUMBER(freeing)							\
	/* from here on, only stat has them */				\
	NUMBER(charge_failures)						\
	NUMBER(throttled_usec)						\
	NUMBER(reclaim_usec)						\
	NUMBER(rounds)							\
	NUMBER(scanned)							\
	NUMBER(deactivated)						\
	NUMBER(written_back)						\
	NUMBER(dropped)							\
	NUMBER(reclaimed)						\
	NUMBER(swapped_out)						\
	NUMBER(refaulted)

enum container_number {
#define CONTAINER_NUMBER(name) CONTAINER_NUMBER_##name,
	CONTAINER_NUMBERS(CONTAINER_NUMBER, CONTAINER_NUMBER)
#undef CONTAINER_NUMBER
	NR_CONTAINER_NUMBERS
};

unsigned long container_number(struct container *ctn, enum container_number nr);
bool container_is_limit(enum container_number nr);
void container_show_stat(struct container *ctn, struct seq_file *m);
extern const struct seq_operations containers_stat_ops;

/* Going over all containers: for the start, next and stop of a seq_file. */
void *containers_seq_start(struct seq_file *m, loff_t *pos);
void *containers_seq_next(struct seq_file *m, void *v, loff_t *pos);
void containers_seq_stop(struct seq_file *m, void *v);

#endif /* _KERNEL_CONTAINER_STAT_H */

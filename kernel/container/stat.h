/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The numbers of a container: those that have a file of their own, and those that
 * only stat has. A line here, two in stat.c, and perhaps a file in configfs.c, is what
 * one more takes.
 */
#ifndef _KERNEL_CONTAINER_STAT_H
#define _KERNEL_CONTAINER_STAT_H

#include "internal.h"

/* In the order of the lines and columns of stat. */
enum container_number {
	CONTAINER_NUMBER_id,
	CONTAINER_NUMBER_num_tasks,
	CONTAINER_NUMBER_tasks_peak,
	CONTAINER_NUMBER_task_limit,
	CONTAINER_NUMBER_task_limit_hits,
	CONTAINER_NUMBER_num_files,
	CONTAINER_NUMBER_num_anon_pages,
	CONTAINER_NUMBER_num_file_pages,
	CONTAINER_NUMBER_num_mapped_pages,
	CONTAINER_NUMBER_num_active_pages,
	CONTAINER_NUMBER_usage_peak,
	CONTAINER_NUMBER_page_limit,
	CONTAINER_NUMBER_page_limit_hits,
	CONTAINER_NUMBER_rss_usage,
	CONTAINER_NUMBER_rss_peak,
	CONTAINER_NUMBER_rss_limit,
	CONTAINER_NUMBER_rss_failcnt,
	CONTAINER_NUMBER_rss_reclaimed,
	CONTAINER_NUMBER_rss_oom_kills,
	CONTAINER_NUMBER_freeing,
	/* from here on, only stat has them */
	CONTAINER_NUMBER_charge_failures,
	CONTAINER_NUMBER_throttled_usec,
	CONTAINER_NUMBER_reclaim_usec,
	CONTAINER_NUMBER_rounds,
	CONTAINER_NUMBER_scanned,
	CONTAINER_NUMBER_deactivated,
	CONTAINER_NUMBER_written_back,
	CONTAINER_NUMBER_dropped,
	CONTAINER_NUMBER_reclaimed,
	CONTAINER_NUMBER_swapped_out,
	CONTAINER_NUMBER_refaulted,
	NR_CONTAINER_NUMBERS
};

unsigned long container_number(struct container *ctn, enum container_number nr);
bool container_is_limit(enum container_number nr);
void container_show_name(struct container *ctn, struct seq_file *m);
void container_show_stat(struct container *ctn, struct seq_file *m);
extern const struct seq_operations containers_stat_ops;

/* Going over all containers: for the start, next and stop of a seq_file. */
void *containers_seq_start(struct seq_file *m, loff_t *pos);
void *containers_seq_next(struct seq_file *m, void *v, loff_t *pos);
void containers_seq_stop(struct seq_file *m, void *v);

#endif /* _KERNEL_CONTAINER_STAT_H */

// SPDX-License-Identifier: GPL-2.0
/*
 * The numbers of a container, and the files that have all of them: stat in each
 * container, a line for each number, and stat at the top, a line for each container. Who
 * looks at many numbers, or containers, opens one file.
 */
#include <linux/seq_file.h>
#include <linux/string.h>
#include "counter.h"
#include "stat.h"

static const struct {
	const char *name;
	bool is_limit;	/* PAGE_COUNTER_MAX: none */
} numbers[NR_CONTAINER_NUMBERS] = {
	[CONTAINER_NUMBER_id] = { "id" },
	[CONTAINER_NUMBER_num_tasks] = { "num_tasks" },
	[CONTAINER_NUMBER_tasks_peak] = { "tasks_peak" },
	[CONTAINER_NUMBER_task_limit] = { "task_limit", true },
	[CONTAINER_NUMBER_task_limit_hits] = { "task_limit_hits" },
	[CONTAINER_NUMBER_num_files] = { "num_files" },
	[CONTAINER_NUMBER_num_anon_pages] = { "num_anon_pages" },
	[CONTAINER_NUMBER_num_file_pages] = { "num_file_pages" },
	[CONTAINER_NUMBER_num_mapped_pages] = { "num_mapped_pages" },
	[CONTAINER_NUMBER_num_active_pages] = { "num_active_pages" },
	[CONTAINER_NUMBER_usage_peak] = { "usage_peak" },
	[CONTAINER_NUMBER_page_limit] = { "page_limit", true },
	[CONTAINER_NUMBER_page_limit_hits] = { "page_limit_hits" },
	[CONTAINER_NUMBER_rss_usage] = { "rss_usage" },
	[CONTAINER_NUMBER_rss_peak] = { "rss_peak" },
	[CONTAINER_NUMBER_rss_limit] = { "rss_limit", true },
	[CONTAINER_NUMBER_rss_failcnt] = { "rss_failcnt" },
	[CONTAINER_NUMBER_rss_reclaimed] = { "rss_reclaimed" },
	[CONTAINER_NUMBER_rss_oom_kills] = { "rss_oom_kills" },
	[CONTAINER_NUMBER_freeing] = { "freeing" },
	[CONTAINER_NUMBER_charge_failures] = { "charge_failures" },
	[CONTAINER_NUMBER_throttled_usec] = { "throttled_usec" },
	[CONTAINER_NUMBER_reclaim_usec] = { "reclaim_usec" },
	[CONTAINER_NUMBER_rounds] = { "rounds" },
	[CONTAINER_NUMBER_scanned] = { "scanned" },
	[CONTAINER_NUMBER_deactivated] = { "deactivated" },
	[CONTAINER_NUMBER_written_back] = { "written_back" },
	[CONTAINER_NUMBER_dropped] = { "dropped" },
	[CONTAINER_NUMBER_reclaimed] = { "reclaimed" },
	[CONTAINER_NUMBER_swapped_out] = { "swapped_out" },
	[CONTAINER_NUMBER_refaulted] = { "refaulted" },
};

/* A part of it may have been taken off on a CPU that was summed up before. */
static unsigned long pages(long sum)
{
	return max(sum, 0L);
}

static unsigned long read_number(struct container *ctn, enum container_number nr,
				 const struct container_sums *sums)
{
	switch (nr) {
	case CONTAINER_NUMBER_id:
		return ctn->id;
	case CONTAINER_NUMBER_num_tasks:
		return atomic_long_read(&ctn->nr_tasks);
	case CONTAINER_NUMBER_tasks_peak:
		return container_peak(ctn, CONTAINER_PEAK_TASKS,
				      atomic_long_read(&ctn->nr_tasks));
	case CONTAINER_NUMBER_task_limit:
		return READ_ONCE(ctn->task_limit);
	case CONTAINER_NUMBER_task_limit_hits:
		return atomic_long_read(&ctn->task_limit_hits);
	case CONTAINER_NUMBER_num_files:
		return atomic_long_read(&ctn->nr_owned);
	case CONTAINER_NUMBER_num_anon_pages:
		return pages(sums->stat[CONTAINER_ANON]);
	case CONTAINER_NUMBER_num_file_pages:
		return pages(stat_file(sums->stat));
	case CONTAINER_NUMBER_num_mapped_pages:
		return pages(stat_mapped(sums->stat));
	case CONTAINER_NUMBER_num_active_pages:
		return pages(sums->stat[CONTAINER_ACTIVE]);
	case CONTAINER_NUMBER_usage_peak:
		return container_peak(ctn, CONTAINER_PEAK_USAGE,
				      pages(stat_usage(sums->stat)));
	case CONTAINER_NUMBER_page_limit:
		return READ_ONCE(ctn->page_limit);
	case CONTAINER_NUMBER_page_limit_hits:
		return atomic_long_read(&ctn->page_limit_hits);
	case CONTAINER_NUMBER_rss_usage:
		return pages(stat_rss(sums->stat));
	case CONTAINER_NUMBER_rss_peak:
		return container_peak(ctn, CONTAINER_PEAK_RSS,
				      pages(stat_rss(sums->stat)));
	case CONTAINER_NUMBER_rss_limit:
		return container_rss_limit(ctn);
	case CONTAINER_NUMBER_rss_reclaimed:
		return atomic_long_read(&ctn->rss_reclaimed);
	case CONTAINER_NUMBER_rss_oom_kills:
		return atomic_long_read(&ctn->rss_oom_kills);
	case CONTAINER_NUMBER_freeing:
		return test_bit(CONTAINER_DYING, &ctn->flags);
	case CONTAINER_NUMBER_rss_failcnt:
	case CONTAINER_NUMBER_charge_failures:
		return atomic_long_read(&ctn->event[CONTAINER_CHARGE_FAILURES]);
	case CONTAINER_NUMBER_throttled_usec:
		return atomic_long_read(&ctn->event[CONTAINER_THROTTLED_USEC]);
	case CONTAINER_NUMBER_reclaim_usec:
		return atomic_long_read(&ctn->event[CONTAINER_RECLAIM_USEC]);
	case CONTAINER_NUMBER_rounds:
		return atomic_long_read(&ctn->event[CONTAINER_ROUNDS]);
	case CONTAINER_NUMBER_scanned:
		return atomic_long_read(&ctn->event[CONTAINER_SCANNED]);
	case CONTAINER_NUMBER_deactivated:
		return atomic_long_read(&ctn->event[CONTAINER_DEACTIVATED]);
	case CONTAINER_NUMBER_written_back:
		return atomic_long_read(&ctn->event[CONTAINER_WRITTEN_BACK]);
	case CONTAINER_NUMBER_dropped:
		return atomic_long_read(&ctn->event[CONTAINER_DROPPED]);
	case CONTAINER_NUMBER_reclaimed:
		return atomic_long_read(&ctn->event[CONTAINER_RECLAIMED]);
	case CONTAINER_NUMBER_swapped_out:
		return atomic_long_read(&ctn->event[CONTAINER_SWAPPED_OUT]);
	case CONTAINER_NUMBER_refaulted:
		return pages(sums->stat[CONTAINER_REFAULTED]);
	case NR_CONTAINER_NUMBERS:
		break;
	}
	return 0;
}

/**
 * container_number - one of the numbers of a container
 * @ctn: the container.
 * @nr: which.
 *
 * Context: Any, with a reference to @ctn.
 * Return: the number, in tasks, files, pages, or times; PAGE_COUNTER_MAX for a limit
 * that there is not.
 */
unsigned long container_number(struct container *ctn, enum container_number nr)
{
	struct container_sums sums;

	container_sum_up(ctn, &sums);
	return read_number(ctn, nr, &sums);
}

/* Can it be "max"? */
bool container_is_limit(enum container_number nr)
{
	return numbers[nr].is_limit;
}

/* All numbers, with a blank, or with its name, before each. */
static void show_numbers(struct container *ctn, struct seq_file *m, bool names,
			 enum container_number nr)
{
	struct container_sums sums;
	unsigned long value;

	container_sum_up(ctn, &sums);
	for (; nr < NR_CONTAINER_NUMBERS; nr++) {
		value = read_number(ctn, nr, &sums);
		if (names)
			seq_puts(m, numbers[nr].name);
		if (numbers[nr].is_limit && value == PAGE_COUNTER_MAX)
			seq_puts(m, " max");
		else
			seq_put_decimal_ull(m, " ", value);
		if (names)
			seq_putc(m, '\n');
	}
}

/**
 * container_show_stat - all numbers of a container
 * @ctn: the container.
 * @m: a line for each is put there, of its name and its value.
 *
 * Context: Any, with a reference to @ctn.
 */
void container_show_stat(struct container *ctn, struct seq_file *m)
{
	show_numbers(ctn, m, true, CONTAINER_NUMBER_id);
}

/* ---- of all containers ---- */

/* Its name as one word: what is not of one is escaped as in mappings. */
void container_show_name(struct container *ctn, struct seq_file *m)
{
	seq_escape_str(m, config_item_name(&ctn->group.cg_item), ESCAPE_OCTAL,
		       " \t\n\v\f\r\\");
}

/**
 * containers_seq_start - the start of a seq_file of all containers
 * @m: not used.
 * @pos: 0 for a heading, or the id from which to go on; set to that which is found.
 *
 * A container is held while it is shown: it may be removed meanwhile, and others made.
 * Nobody waits for who reads.
 *
 * Context: May sleep.
 * Return: SEQ_START_TOKEN, a container, or NULL at the end.
 */
void *containers_seq_start(struct seq_file *m, loff_t *pos)
{
	return *pos ? container_find_from(pos) : SEQ_START_TOKEN;
}

/* The same for the next one. */
void *containers_seq_next(struct seq_file *m, void *v, loff_t *pos)
{
	containers_seq_stop(m, v);
	/* who reads from far behind the start goes over all of them in one call */
	cond_resched();
	++*pos;
	return container_find_from(pos);
}

/* And for the end of a part of it. */
void containers_seq_stop(struct seq_file *m, void *v)
{
	if (v && v != SEQ_START_TOKEN)
		container_put(v);
}

static int containers_stat_show(struct seq_file *m, void *v)
{
	struct container *ctn = v;
	enum container_number nr;

	if (v == SEQ_START_TOKEN) {
		seq_puts(m, "id name");
		for (nr = CONTAINER_NUMBER_id + 1; nr < NR_CONTAINER_NUMBERS; nr++) {
			seq_putc(m, ' ');
			seq_puts(m, numbers[nr].name);
		}
	} else {
		seq_put_decimal_ull(m, "", ctn->id);
		seq_putc(m, ' ');
		container_show_name(ctn, m);
		show_numbers(ctn, m, false, CONTAINER_NUMBER_id + 1);
	}
	seq_putc(m, '\n');
	return 0;
}

const struct seq_operations containers_stat_ops = {
	.start	= containers_seq_start,
	.next	= containers_seq_next,
	.stop	= containers_seq_stop,
	.show	= containers_stat_show,
};

// SPDX-License-Identifier: GPL-2.0
/*
 * The file mappings of a container: a line for each file that it owns, or that
 * has memory of it: cached pages, device, inode, and the path in the file
 * system's root with white space and backslashes in it as \ooo. Instead of a path
 * there is "-" for a file without one, or with one that is longer than a page.
 *
 * It is read a line at a time: only what is listed at the moment is looked at, and
 * a reader who goes on later finds what is there then.
 */
#include <linux/dcache.h>
#include <linux/fs.h>
#include <linux/pagemap.h>
#include <linux/rcupdate_wait.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include "token.h"

static struct container *mappings_container(struct seq_file *m)
{
	return to_container(m->private);
}

/* The position is the id of a file, of which the first is 1. */
static void *mappings_find(struct seq_file *m, loff_t *pos)
{
	unsigned long id = *pos;

	if (!xa_find(&mappings_container(m)->files, &id, U32_MAX, XA_PRESENT))
		return NULL;
	*pos = id;
	return (void *)id;
}

static void *mappings_start(struct seq_file *m, loff_t *pos)
{
	return mappings_find(m, pos);
}

static void *mappings_next(struct seq_file *m, void *v, loff_t *pos)
{
	++*pos;
	return mappings_find(m, pos);
}

static void mappings_stop(struct seq_file *m, void *v) { }

/*
 * Pages of a file of held memory that are charged to @ctn. The caller sees to it
 * that the file stays. May sleep.
 */
static unsigned long count_held(struct address_space *mapping,
				struct container *ctn)
{
	XA_STATE(xas, &mapping->i_pages, 0);
	unsigned long nr = 0;
	struct folio *folio;

	rcu_read_lock();
	xas_for_each(&xas, folio, ULONG_MAX) {
		if (xas_retry(&xas, folio) || xa_is_value(folio))
			continue;
		if (folio_charged_to(folio, ctn))
			nr += 1UL << xas_get_order(&xas);
		if (need_resched()) {
			xas_pause(&xas);
			cond_resched_rcu();
			if (fatal_signal_pending(current))
				break;
		}
	}
	rcu_read_unlock();
	return nr;
}

/* @inode is held, or cannot go for another reason. */
static void show_file(struct seq_file *m, struct inode *inode, unsigned long nr)
{
	dev_t dev = inode->i_sb->s_dev;
	size_t begin = m->count, before_path;
	struct dentry *dentry;

	seq_printf(m, "%lu %u:%u %lu ", nr, MAJOR(dev), MINOR(dev), inode->i_ino);
	before_path = m->count;

	rcu_read_lock();
	dentry = d_find_alias_rcu(inode);
	if (dentry)
		seq_dentry(m, dentry, " \t\n\v\f\r\\");
	else
		seq_putc(m, '-');
	rcu_read_unlock();
	/* a line of its own that does not fit: no reader is to hold more memory */
	if (!begin && m->count >= m->size - 1) {
		m->count = before_path;
		seq_putc(m, '-');
	}
	seq_putc(m, '\n');
}

static int mappings_show(struct seq_file *m, void *v)
{
	struct container *ctn = mappings_container(m);
	struct container_file *file;
	struct inode *inode = NULL;
	unsigned long nr = 0;
	bool held = false, named = false;

	spin_lock(&ctn->files_lock);
	file = xa_load(&ctn->files, (unsigned long)v);
	if (file) {
		held = file_is_held(file);
		named = file->named;
		nr = READ_ONCE(file->mapping->nrpages);
		if (held)
			inode = container_hold_file(file);
		/* what cannot be held now cannot be counted: who else has some? */
		if (!held || (!inode && named))
			show_file(m, file->mapping->host, nr);
	}
	spin_unlock(&ctn->files_lock);
	container_stop_point("mappings: one listed");

	if (inode) {
		nr = count_held(inode->i_mapping, ctn);
		if (nr || named)
			show_file(m, inode, nr);
		container_release_file(inode);
	}
	return 0;
}

const struct seq_operations container_mappings_ops = {
	.start	= mappings_start,
	.next	= mappings_next,
	.stop	= mappings_stop,
	.show	= mappings_show,
};

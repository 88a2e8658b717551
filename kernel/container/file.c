// SPDX-License-Identifier: GPL-2.0
/*
 * Which files belong to a container, or have memory of it.
 *
 * What a file is, is asked of its mapping: memory that can be neither written
 * back nor reclaimed is held, and all other page cache is droppable. That
 * decides who is charged.
 *
 * A regular file of droppable cache has one owner: the container whose task is
 * the first to bring one of its pages in, or that addfile has named. All pages
 * that are added from then on are the owner's. Those that were cached before
 * stay uncharged when a file is claimed in passing: the host had them.
 *
 * A file of held memory has no owner. A container whose task brings a page in
 * is charged for that page, and from then on has a part in the file: that is
 * how kcontainerd finds the page. So several containers can have one. addfile
 * can name one of them: it is charged for all pages as long as it has room.
 *
 * address_space::container_files is the address of a struct container_file, or
 * the first of a list of them with CONTAINER_FILES_HELD; one that is named is the
 * first. The list is changed under the inode's i_lock, inside the files_lock of
 * the container whose part comes or goes, and read within RCU. While a container
 * has a part in a file its inode has not been evicted, as eviction takes it off
 * under files_lock. An inode that is to be used beyond that lock is held by a
 * reference, as always, and by s_umount: a reference alone would be found by
 * umount.
 */
#include <linux/backing-dev.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/rmap.h>
#include <linux/slab.h>
#include "token.h"

/**
 * container_mapping_is_held - are pages of a file held memory?
 * @mapping: the file.
 *
 * They are if nothing but swap, or nothing at all, can take them: shmem, tmpfs,
 * memfd, SysV shm, shared anonymous memory, ramfs, secretmem, guest_memfd.
 *
 * Context: Any.
 * Return: whether they are.
 */
bool container_mapping_is_held(struct address_space *mapping)
{
	return mapping->host && (mapping_unevictable(mapping) ||
				 !mapping_can_writeback(mapping));
}

/* The first part that a container has in a file, or NULL. Within RCU. */
struct container_file *container_first_file(struct address_space *mapping)
{
	return (struct container_file *)(READ_ONCE(mapping->container_files) &
					 ~CONTAINER_FILES_HELD);
}

/* The part that @ctn has in a file, or NULL; none is NULL's. Within RCU. */
struct container_file *container_find_file(struct address_space *mapping,
					   struct container *ctn)
{
	struct container_file *file = container_first_file(mapping);

	while (file && file->ctn != ctn)
		file = rcu_dereference_check(file->next,
					     rcu_read_lock_any_held() ||
					     lockdep_is_held(&mapping->host->i_lock));
	return file;
}

/* ---- the list of a mapping: i_lock held ---- */

static void set_first(struct address_space *mapping, struct container_file *file)
{
	unsigned long files = (unsigned long)file;

	if (file && file_is_held(file))
		files |= CONTAINER_FILES_HELD;
	/* as rcu_assign_pointer() */
	smp_store_release(&mapping->container_files, files);
}

static struct container_file *next_file(struct container_file *file)
{
	return rcu_dereference_protected(file->next,
					 lockdep_is_held(&file->mapping->host->i_lock));
}

/* Not before one that is named. */
static void link_file(struct container_file *file)
{
	struct container_file *first = container_first_file(file->mapping);

	if (first && first->named) {
		RCU_INIT_POINTER(file->next, next_file(first));
		rcu_assign_pointer(first->next, file);
	} else {
		RCU_INIT_POINTER(file->next, first);
		set_first(file->mapping, file);
	}
}

/* Who has seen @file goes on to the next from there. */
static void unlink_file(struct container_file *file)
{
	struct container_file *before = container_first_file(file->mapping);

	if (before == file) {
		set_first(file->mapping, next_file(file));
		return;
	}
	while (next_file(before) != file)
		before = next_file(before);
	rcu_assign_pointer(before->next, next_file(file));
}

/* ---- classes: files_lock held ---- */

static enum container_file_class file_class(unsigned long nr_pages)
{
	if (is_large(nr_pages))
		return CONTAINER_FILE_LARGE;
	return nr_pages ? CONTAINER_FILE_SMALL : CONTAINER_FILE_EMPTY;
}

static unsigned long outgrown(enum container_file_class class)
{
	static const unsigned long pages[] = {
		[CONTAINER_FILE_EMPTY] = 1,
		[CONTAINER_FILE_SMALL] = CONTAINER_LARGE,
		[CONTAINER_FILE_LARGE] = ULONG_MAX,
	};

	return pages[class];
}

/*
 * See what class @file is in now, by all pages that are cached, and put it at the
 * end of that. A page that is added at this moment is either seen here or added
 * with the lock of i_pages taken after us: then who adds it sees what we have set.
 */
static void file_classify(struct container_file *file)
{
	struct address_space *mapping = file->mapping;
	struct container *ctn = file->ctn;
	enum container_file_class class;
	unsigned long nr;

	do {
		class = file_class(READ_ONCE(mapping->nrpages));
		WRITE_ONCE(file->outgrown, outgrown(class));
		xa_lock_irq(&mapping->i_pages);
		nr = mapping->nrpages;
		xa_unlock_irq(&mapping->i_pages);
	} while (nr >= outgrown(class));

	list_move_tail(&file->trim_node, &ctn->trim_files[class]);
	ctn->nr_files[file->class]--;
	ctn->nr_files[class]++;
	file->class = class;
}

/* Is @file still a part of its container? */
static bool file_is_there(struct container_file *file)
{
	return xa_load(&file->ctn->files, file->id) == file;
}

/**
 * container_file_grown - a file may have more pages than it is down for
 * @file: a container's part in it. Within RCU.
 *
 * Context: Atomic at most; not from an interrupt.
 */
void container_file_grown(struct container_file *file)
{
	spin_lock(&file->ctn->files_lock);
	if (file_is_there(file))
		file_classify(file);
	spin_unlock(&file->ctn->files_lock);
}

/* ---- joining and leaving ---- */

static struct container_file *file_alloc(struct address_space *mapping,
					 struct container *ctn, gfp_t gfp)
{
	struct container_file *file = kzalloc(sizeof(*file), gfp);

	if (!file)
		return NULL;
	file->ctn = ctn;
	file->mapping = mapping;
	file->token = container_token(ctn) | CONTAINER_TOKEN_FILE;
	if (container_mapping_is_held(mapping))
		file->token |= CONTAINER_TOKEN_HELD;
	/* a place in the list, which it takes in file_join() */
	if (xa_alloc_cyclic(&ctn->files, &file->id, NULL, xa_limit_32b,
			    &ctn->next_file, gfp) < 0) {
		kfree(file);
		return NULL;
	}
	return file;
}

static void file_free(struct container_file *file)
{
	xa_erase(&file->ctn->files, file->id);
	kfree(file);
}

/*
 * Returns 0, -EEXIST if the file has an owner, or @file->ctn has a part in it, or
 * -ENODEV if that is being removed.
 */
static int file_join(struct container_file *file)
{
	struct address_space *mapping = file->mapping;
	struct container *ctn = file->ctn;
	int err = 0;

	/* it is about to get a page, most likely */
	file->class = CONTAINER_FILE_SMALL;
	file->outgrown = outgrown(file->class);

	spin_lock(&ctn->files_lock);
	if (test_bit(CONTAINER_DYING, &ctn->flags)) {
		err = -ENODEV;
		goto out;
	}
	spin_lock(&mapping->host->i_lock);
	if (file_is_held(file) ? !!container_find_file(mapping, ctn) :
				 !!container_first_file(mapping))
		err = -EEXIST;
	else
		link_file(file);
	spin_unlock(&mapping->host->i_lock);
	if (err)
		goto out;

	/* the place is there: this needs no memory */
	xa_store(&ctn->files, file->id, file, GFP_NOWAIT);
	list_add_tail(&file->trim_node, &ctn->trim_files[file->class]);
	ctn->nr_files[file->class]++;
	if (!file_is_held(file))
		atomic_long_inc(&ctn->nr_owned);
	if (READ_ONCE(mapping->nrpages))
		file_classify(file);
out:
	spin_unlock(&ctn->files_lock);
	return err;
}

/* files_lock held. Whoever sees @file still may use it until RCU allows. */
static void file_leave_locked(struct container_file *file)
{
	struct inode *inode = file->mapping->host;
	struct container *ctn = file->ctn;

	spin_lock(&inode->i_lock);
	unlink_file(file);
	if (file->named || !file_is_held(file))
		atomic_long_dec(&ctn->nr_owned);
	file->named = false;
	spin_unlock(&inode->i_lock);
	xa_erase(&ctn->files, file->id);
	list_del(&file->trim_node);
	ctn->nr_files[file->class]--;
	kfree_rcu(file, rcu);
}

static bool file_leave(struct container_file *file)
{
	struct container *ctn = file->ctn;
	bool left;

	spin_lock(&ctn->files_lock);
	left = file_is_there(file);
	if (left)
		file_leave_locked(file);
	spin_unlock(&ctn->files_lock);
	return left;
}

/* @ctn, to which the caller has a reference, joins. As file_join(), or -ENOMEM. */
static int join(struct address_space *mapping, struct container *ctn, gfp_t gfp)
{
	struct container_file *file = file_alloc(mapping, ctn, gfp);
	int err;

	container_stop_point("claim: allocated");
	if (!file)
		return -ENOMEM;
	err = file_join(file);
	if (err)
		file_free(file);
	return err;
}

/* The current task's container joins, and may be removed while it does. */
static int join_own(struct address_space *mapping, gfp_t gfp)
{
	struct container *ctn = container_get_own();
	int err;

	if (!ctn)
		return -ENODEV;
	err = join(mapping, ctn, (gfp & GFP_KERNEL) | __GFP_NOWARN |
				 (gfp & __GFP_NOFAIL));
	container_put(ctn);
	container_stop_point("claim: done");
	return err;
}

/**
 * container_join_own - let the current task's container have a part in a file
 * @mapping: a file of held memory.
 * @gfp: how to allocate.
 *
 * Context: May sleep if @gfp allows.
 * Return: 0, -ENOMEM, or -ENODEV if it is in none any more.
 */
int container_join_own(struct address_space *mapping, gfp_t gfp)
{
	int err = join_own(mapping, gfp);

	return err == -EEXIST ? 0 : err;
}

/**
 * container_join_file - let a container have a part in a file
 * @mapping: a file of held memory, of which the caller has a folio locked.
 * @ctn: the container; the caller has a reference.
 *
 * Context: May sleep.
 * Return: 0, -ENOMEM, or -ENODEV if it is being removed.
 */
int container_join_file(struct address_space *mapping, struct container *ctn)
{
	bool there;
	int err;

	rcu_read_lock();
	there = container_find_file(mapping, ctn);
	rcu_read_unlock();
	if (there)
		return 0;

	err = join(mapping, ctn, GFP_NOFS);
	return err == -EEXIST ? 0 : err;
}

/**
 * container_claim_file - let the current task's container own a file
 * @mapping: a file of droppable cache.
 * @gfp: how to allocate. If memory is short, the file stays without an owner.
 *
 * Block devices hold what is everybody's: the metadata of the fs. So do inodes
 * that it has for itself, such as ext4's buddy cache. Nobody has opened these,
 * and what kind they are is left over from another inode.
 *
 * Context: May sleep if @gfp allows.
 */
void container_claim_file(struct address_space *mapping, gfp_t gfp)
{
	if (S_ISREG(mapping->host->i_mode) &&
	    !hlist_empty(&mapping->host->i_dentry))
		join_own(mapping, gfp);
}

/* @ctn's part in @mapping is named, and none besides. */
static bool name_part(struct address_space *mapping, struct container *ctn)
{
	struct container_file *file, *first;

	spin_lock(&mapping->host->i_lock);
	first = container_first_file(mapping);
	file = container_find_file(mapping, ctn);
	if (file && !file_is_held(file)) {
		file->named = true;
	} else if (file && !file->named) {
		if (first->named) {
			first->named = false;
			atomic_long_dec(&first->ctn->nr_owned);
		}
		/* whoever walks the list meanwhile may miss some: no harm */
		unlink_file(file);
		link_file(file);
		file->named = true;
		atomic_long_inc(&ctn->nr_owned);
	}
	spin_unlock(&mapping->host->i_lock);
	return file;
}

/**
 * container_name_file - make a container the owner of a file
 * @mapping: the file; the caller sees to it that it stays.
 * @ctn: the container, likewise.
 *
 * Context: May sleep.
 * Return: 0, -ENOMEM, or -ENODEV if @ctn is being removed.
 */
int container_name_file(struct address_space *mapping, struct container *ctn)
{
	struct container_file *file, *other;
	int err;

	file = file_alloc(mapping, ctn, GFP_KERNEL);
	if (!file)
		return -ENOMEM;
	container_stop_point("addfile: allocated");

	/* it is the container's as soon as it has joined, and freed by that */
	while ((err = file_join(file)) == -EEXIST && !file_is_held(file)) {
		bool owned;

		rcu_read_lock();
		other = container_first_file(mapping);
		owned = other && other->ctn == ctn;
		if (other && !owned)
			file_leave(other);
		rcu_read_unlock();
		if (owned)
			break;
		container_stop_point("addfile: taken away");
	}
	if (err)
		file_free(file);
	if (err && err != -EEXIST)
		return err;
	/* it may be another's by now, or the container is being removed */
	if (!name_part(mapping, ctn) &&
	    test_bit(CONTAINER_DYING, &ctn->flags))
		return -ENODEV;
	return 0;
}

/**
 * container_leave_file - a container does not own a file any more
 * @mapping: the file; the caller sees to it that it stays.
 * @ctn: the container, likewise.
 *
 * Of held memory it keeps its part: what it has in the file stays its own.
 *
 * Context: May sleep.
 * Return: whether it did.
 */
bool container_leave_file(struct address_space *mapping, struct container *ctn)
{
	struct container_file *file;
	bool left = false;

	rcu_read_lock();
	file = container_find_file(mapping, ctn);
	if (file && !file_is_held(file)) {
		left = file_leave(file);
	} else if (file) {
		spin_lock(&mapping->host->i_lock);
		left = file->named;
		if (left) {
			file->named = false;
			atomic_long_dec(&ctn->nr_owned);
		}
		spin_unlock(&mapping->host->i_lock);
	}
	rcu_read_unlock();
	return left;
}

void __container_forget_mapping(struct address_space *mapping)
{
	struct container_file *file;

	rcu_read_lock();
	while ((file = container_first_file(mapping)))
		file_leave(file);
	rcu_read_unlock();
	container_stop_point("file: evicted");
}

/**
 * container_expel_files - take all files from a dying container
 * @ctn: the container; CONTAINER_DYING is set.
 *
 * What is charged for their pages is charged to nobody as soon as no token names
 * the container any more.
 *
 * Context: May sleep.
 */
void container_expel_files(struct container *ctn)
{
	struct container_file *file;
	unsigned long id = 0;

	/* none is added any more, but eviction may take one away */
	rcu_read_lock();
	while ((file = xa_find(&ctn->files, &id, ULONG_MAX, XA_PRESENT))) {
		file_leave(file);
		rcu_read_unlock();
		container_stop_point("expel: a file");
		cond_resched();
		rcu_read_lock();
	}
	rcu_read_unlock();
}

/* ---- pages that are cached already ---- */

/*
 * Nothing says how many pages of a large folio that is charged to nobody are
 * mapped, which can only be told while that does not change. Its lock keeps the
 * first of them from being mapped, but not the last from being unmapped: so unmap
 * all of it, and let those finish who are at that.
 */
static bool must_unmap(struct folio *folio)
{
	return folio_test_large(folio) && folio_mapped(folio) &&
	       !folio_token(folio);
}

static void adopt_folio(struct folio *folio, struct container *ctn,
			unsigned int how)
{
	unsigned long kind = CONTAINER_TOKEN_FILE;
	bool mapped = false;

	/* another may have been named meanwhile, and comes by later: the lock */
	if (!container_find_file(folio->mapping, ctn))
		return;
	if (container_mapping_is_held(folio->mapping))
		kind |= CONTAINER_TOKEN_HELD;
	/* one page: __container_mod_mapped() knows what may come of that */
	if (!folio_token(folio) && folio_mapped(folio)) {
		kind += CONTAINER_TOKEN_MAPPED;
		mapped = true;
	}
	container_own_folio(folio, ctn, kind, how);
	/* it can have been unmapped before there was a token to say so */
	if (mapped && !folio_mapped(folio))
		__container_mod_mapped(folio, -1);
}

/**
 * container_adopt_folios - charge folios of files that are cached already
 * @folios: each locked, in a file, and held by a reference.
 * @nr: how many.
 * @ctn: who is to be charged, and has a part in these files.
 * @how: CONTAINER_OWN_*, of what is held.
 *
 * Context: May sleep. Waits for a grace period if some are large, mapped, and
 * have not been charged before.
 */
void container_adopt_folios(struct folio **folios, unsigned int nr,
			    struct container *ctn, unsigned int how)
{
	bool unmapped = false;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		if (!must_unmap(folios[i]))
			continue;
		try_to_unmap(folios[i], TTU_SPLIT_HUGE_PMD | TTU_IGNORE_MLOCK |
					TTU_SYNC);
		unmapped = true;
	}
	/* who faults waits for the locks */
	if (unmapped)
		synchronize_rcu_expedited();

	rcu_read_lock_sched();
	for (i = 0; i < nr; i++)
		adopt_folio(folios[i], ctn, how);
	rcu_read_unlock_sched();
}

/* ---- using a file from its container's list ---- */

/**
 * container_hold_file - hold the inode of a file beyond files_lock
 * @file: a container's part in it.
 *
 * Context: The container's files_lock is held.
 * Return: the inode, for container_release_file(); NULL if it is on its way out,
 * or its file system is.
 */
struct inode *container_hold_file(struct container_file *file)
{
	struct inode *inode = file->mapping->host;
	struct super_block *sb = inode->i_sb;

	if (!down_read_trylock(&sb->s_umount))
		return NULL;
	/*
	 * A frozen file system may have to be written to when the last
	 * reference is dropped, and is thawed under s_umount.
	 */
	if ((sb->s_flags & SB_ACTIVE) && sb_start_write_trylock(sb)) {
		if (igrab(inode))
			return inode;
		sb_end_write(sb);
	}
	up_read(&sb->s_umount);
	return NULL;
}

/* Undo container_hold_file(). Context: May sleep. */
void container_release_file(struct inode *inode)
{
	struct super_block *sb = inode->i_sb;

	iput(inode);
	sb_end_write(sb);
	up_read(&sb->s_umount);
}

/**
 * container_next_file - the next file that kcontainerd is to look at
 * @ctn: the container. Only its kcontainerd calls this.
 * @wanted: says which of them may be.
 * @lap: the lap; what is gone over in it already is passed over. A visit, or a
 *	 file that is passed over, is counted down.
 * @scan: set to how far it has come in that file, and on this lap.
 * @busy: set if one could not be held just now.
 *
 * Takes turns; what has no page is not in the way.
 *
 * Context: May sleep.
 * Return: the inode, to be given to container_release_file(); NULL if there
 * was none.
 */
struct inode *container_next_file(struct container *ctn,
				  bool (*wanted)(struct container_file *file),
				  struct container_lap *lap,
				  struct container_scan *scan, bool *busy)
{
	const enum container_file_class class =
		lap->large ? CONTAINER_FILE_LARGE : CONTAINER_FILE_SMALL;
	struct container_file *file;
	struct inode *inode = NULL;
	unsigned long unseen;

	spin_lock(&ctn->files_lock);
	unseen = ctn->nr_files[class];
	while (!inode && lap->visits && lap->skips && unseen &&
	       !list_empty(&ctn->trim_files[class])) {
		file = list_first_entry(&ctn->trim_files[class],
					struct container_file, trim_node);
		file_classify(file);
		if (file->class == class && wanted(file) &&
		    !(file->scan.lap == lap->nr && file->scan.lapped)) {
			lap->visits--;
			*scan = file->scan;
			if (scan->lap != lap->nr) {
				scan->lap = lap->nr;
				scan->start = scan->cursor;
				scan->wrapped = false;
				scan->lapped = false;
			}
			inode = container_hold_file(file);
			*busy |= !inode;
		} else {
			lap->skips--;
			/* once around, and there was none */
			unseen--;
		}
		cond_resched_lock(&ctn->files_lock);
	}
	spin_unlock(&ctn->files_lock);
	return inode;
}

/* Remember how far it has come in a file, if @ctn still has a part in it. */
void container_set_scan(struct container *ctn, struct inode *inode,
			const struct container_scan *scan)
{
	struct container_file *file;

	rcu_read_lock();
	file = container_find_file(inode->i_mapping, ctn);
	if (file) {
		file->scan.cursor = scan->cursor;
		file->scan.start = scan->start;
		file->scan.lap = scan->lap;
		file->scan.wrapped = scan->wrapped;
		file->scan.lapped = scan->lapped;
		/* container_restore_use() reads them with no lock */
		WRITE_ONCE(file->scan.looked, scan->looked);
		WRITE_ONCE(file->scan.used, scan->used);
	}
	rcu_read_unlock();
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Ownership of files: which mappings belong to which container.
 *
 * A regular file that has no owner belongs to the container whose task is the
 * first to bring one of its pages into the page cache; addfile and rmfile
 * change that. Pages that were cached before stay uncharged when a file is
 * claimed in passing: the host had them. When an administrator names the
 * owner, with addfile, they are charged along.
 *
 * address_space::container_file is set by cmpxchg from NULL, and cleared under
 * the files_lock of the container it belongs to. While a file is in that list
 * its inode has not been evicted, as eviction takes it off under that lock.
 * An inode that is to be used beyond the lock is held by a reference, as
 * always, and by s_umount: a reference alone would be found by umount.
 */
#include <linux/dcache.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <linux/mm.h>
#include <linux/namei.h>
#include <linux/oom.h>
#include <linux/pagemap.h>
#include <linux/pagevec.h>
#include <linux/seq_file.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>
#include "internal.h"

static struct container_file *file_alloc(struct address_space *mapping, gfp_t gfp)
{
	struct container_file *file = kzalloc(sizeof(*file), gfp);

	if (file)
		file->mapping = mapping;
	return file;
}

static void file_set_container(struct container_file *file,
			       struct container *ctn)
{
	file->ctn = ctn;
	file->token = container_token(ctn) | CONTAINER_TOKEN_FILE;
	file->stat = &ctn->pcpu->stat[CONTAINER_FILE];
	file->stock = &ctn->pcpu->stock[CONTAINER_CACHE];
	if (shmem_mapping(file->mapping)) {
		file->token |= CONTAINER_TOKEN_SHMEM;
		file->stat = &ctn->pcpu->stat[CONTAINER_SHMEM];
		file->stock = &ctn->pcpu->stock[CONTAINER_RSS];
	}
}

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
 * See what class @file is in now, and put it at the end of that. files_lock held.
 * A page that is added at this moment is either seen here or added with the lock
 * of i_pages taken after us: then who adds it sees what we have set.
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

/* Make @file->ctn the owner if there is none and it is not being removed. */
static bool file_join(struct container_file *file)
{
	struct container *ctn = file->ctn;
	bool joined = false;

	/* it is about to get a page, most likely */
	file->class = CONTAINER_FILE_SMALL;
	file->outgrown = outgrown(file->class);

	spin_lock(&ctn->files_lock);
	if (test_bit(CONTAINER_DYING, &ctn->flags))
		goto out;
	/* before a page of it is charged: that is how sweep.c sees that it may be */
	list_add_tail(&file->node, &ctn->files);
	if (!cmpxchg((struct container_file **)&file->mapping->container_file,
		     NULL, file)) {
		list_add_tail(&file->trim_node, &ctn->trim_files[file->class]);
		ctn->nr_files[file->class]++;
		if (READ_ONCE(file->mapping->nrpages))
			file_classify(file);
		joined = true;
	} else {
		list_del(&file->node);
	}
out:
	spin_unlock(&ctn->files_lock);
	return joined;
}

/* files_lock held. Whoever sees @file still may use it until RCU allows. */
static void file_leave_locked(struct container_file *file)
{
	RCU_INIT_POINTER(file->mapping->container_file, NULL);
	list_del(&file->node);
	list_del(&file->trim_node);
	file->ctn->nr_files[file->class]--;
	kfree_rcu(file, rcu);
}

/* Take @mapping from @ctn, or whoever owns it if NULL. Returns if it was so. */
static bool mapping_leave(struct address_space *mapping, struct container *ctn)
{
	struct container_file *file;
	struct container *owner;
	bool left = false;

	rcu_read_lock();
	file = rcu_dereference(mapping->container_file);
	if (file && (!ctn || file->ctn == ctn)) {
		owner = file->ctn;
		spin_lock(&owner->files_lock);
		if (rcu_access_pointer(mapping->container_file) == file) {
			file_leave_locked(file);
			left = true;
		}
		spin_unlock(&owner->files_lock);
		container_check_leftovers(owner);
	}
	rcu_read_unlock();
	return left;
}

void __container_claim_mapping(struct address_space *mapping, gfp_t gfp)
{
	struct container_file *file;
	struct container *ctn;

	/* swapoff(2) reads in what is everybody's as well */
	if (oom_task_origin(current))
		return;
	/*
	 * Block devices hold what is everybody's: the metadata of the fs. So do
	 * inodes that it has for itself, such as ext4's buddy cache. Nobody has
	 * opened these, and what kind they are is left over from another inode.
	 */
	if (!mapping->host || !S_ISREG(mapping->host->i_mode) ||
	    hlist_empty(&mapping->host->i_dentry))
		return;

	rcu_read_lock();
	ctn = rcu_dereference(current->container);
	if (ctn && test_bit(CONTAINER_DYING, &ctn->flags))
		ctn = NULL;
	rcu_read_unlock();
	if (!ctn)
		return;

	file = file_alloc(mapping, (gfp & GFP_KERNEL) | __GFP_NOWARN);
	if (!file)
		return;

	container_stop_point("claim: allocated");
	rcu_read_lock();
	ctn = rcu_dereference(current->container);
	if (ctn)
		file_set_container(file, ctn);
	if (!ctn || !file_join(file))
		kfree(file);
	rcu_read_unlock();
	container_stop_point("claim: done");
}

void __container_forget_mapping(struct address_space *mapping)
{
	mapping_leave(mapping, NULL);
	container_stop_point("file: evicted");
}

/* ---- pages of a file that changes its owner ---- */

/* Do one of two things with all folios of @mapping that are cached. */
static void for_all_folios(struct address_space *mapping,
			   void (*fn)(struct folio *folio, void *arg), void *arg)
{
	struct folio_batch fbatch;
	pgoff_t index = 0;
	unsigned int i;

	folio_batch_init(&fbatch);
	while (filemap_get_folios(mapping, &index, -1, &fbatch)) {
		for (i = 0; i < folio_batch_count(&fbatch); i++)
			fn(fbatch.folios[i], arg);
		container_stop_point("file: some pages done");
		folio_batch_release(&fbatch);
		cond_resched();
	}
}

static void drop_folio(struct folio *folio, void *ctn)
{
	container_drop_charge(folio, ctn);
}

/* A folio that takes another's place, in migration, gets its charge late. */
static void lock_and_drop_folio(struct folio *folio, void *ctn)
{
	folio_lock(folio);
	container_drop_charge(folio, ctn);
	folio_unlock(folio);
}

static void adopt_folio(struct folio *folio, void *mapping)
{
	folio_lock(folio);
	if (folio->mapping == mapping)
		container_adopt_folio(folio, mapping);
	folio_unlock(folio);
}

/* ---- addfile and rmfile ---- */

static bool cred_may_say(const struct cred *cred, vfsuid_t uid)
{
	return vfsuid_eq_kuid(uid, cred->fsuid) ||
	       container_cred_is_capable(cred);
}

/*
 * The inode whose pages are cached for @name; on overlayfs that is the one
 * beneath. @path holds it, and the mount: the caller puts that. Only the owner
 * of the file may say whose it is: both who opened addfile, and who writes to it.
 */
static struct inode *file_by_name(const char *name, struct path *path)
{
	struct inode *inode;
	vfsuid_t uid;
	int err;

	err = kern_path(name, LOOKUP_FOLLOW, path);
	if (err)
		return ERR_PTR(err);

	uid = i_uid_into_vfsuid(mnt_idmap(path->mnt), d_inode(path->dentry));
	inode = d_real_inode(path->dentry);
	/* huge pages of hugetlbfs are a budget of their own */
	if (!S_ISREG(inode->i_mode) ||
	    inode->i_sb->s_magic == HUGETLBFS_MAGIC)
		err = -EINVAL;
	else if (!cred_may_say(current_cred(), uid) ||
		 !cred_may_say(current_real_cred(), uid))
		err = -EPERM;
	if (!err)
		return inode;

	path_put(path);
	return ERR_PTR(err);
}

static bool mapping_is_owned_by(struct address_space *mapping,
				struct container *ctn)
{
	struct container_file *owner;
	bool ret;

	rcu_read_lock();
	owner = rcu_dereference(mapping->container_file);
	ret = owner && owner->ctn == ctn;
	rcu_read_unlock();
	return ret;
}

/* Have @ctn own @mapping, whoever did before. */
static int mapping_join(struct address_space *mapping, struct container *ctn)
{
	struct container_file *file = file_alloc(mapping, GFP_KERNEL);

	if (!file)
		return -ENOMEM;

	container_stop_point("addfile: allocated");
	file_set_container(file, ctn);
	while (!mapping_is_owned_by(mapping, ctn)) {
		if (file_join(file))
			return 0;
		if (test_bit(CONTAINER_DYING, &ctn->flags)) {
			kfree(file);
			return -ENODEV;
		}
		mapping_leave(mapping, NULL);
		container_stop_point("addfile: taken away");
	}
	kfree(file);
	return 0;
}

/**
 * container_add_file - make a container the owner of a file
 * @ctn: the container.
 * @name: path of the file, in the root of the caller.
 *
 * Pages of it that are cached are charged to @ctn from now on, whoever had
 * them.
 *
 * Context: May sleep.
 * Return: 0, also if it is the owner already; an error of path lookup, -EINVAL
 * if this is not a regular file, -EPERM, -ENOMEM, or -ENODEV if @ctn is being
 * removed.
 */
int container_add_file(struct container *ctn, const char *name)
{
	struct address_space *mapping;
	struct inode *inode;
	struct path path;
	int err;

	inode = file_by_name(name, &path);
	if (IS_ERR(inode))
		return PTR_ERR(inode);

	mapping = inode->i_mapping;
	err = mapping_join(mapping, ctn);
	container_stop_point("addfile: joined");
	if (!err) {
		/* who still charges the owner before is through after this */
		synchronize_rcu();
		container_stop_point("addfile: waited");
		for_all_folios(mapping, adopt_folio, mapping);
	}
	path_put(&path);
	return err;
}

/**
 * container_remove_file - take a file from a container
 * @ctn: the container.
 * @name: path of the file, in the root of the caller.
 *
 * Pages of it that are cached stay so, but are charged to nobody.
 *
 * Context: May sleep.
 * Return: 0; -ENOENT if @ctn does not own it; else as container_add_file().
 */
int container_remove_file(struct container *ctn, const char *name)
{
	struct inode *inode;
	struct path path;
	int err = 0;

	inode = file_by_name(name, &path);
	if (IS_ERR(inode))
		return PTR_ERR(inode);

	if (mapping_leave(inode->i_mapping, ctn)) {
		container_stop_point("rmfile: left");
		synchronize_rcu();
		container_stop_point("rmfile: waited");
		for_all_folios(inode->i_mapping, lock_and_drop_folio, ctn);
	} else {
		err = -ENOENT;
	}
	path_put(&path);
	return err;
}

/* ---- using a file from its container's list ---- */

/*
 * Hold the inode of @file beyond files_lock, which is held: NULL if it is on
 * its way out, and with it all its pages.
 */
static struct inode *file_hold(struct container_file *file)
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

/* Undo file_hold(), which container_next_file() did. May sleep. */
void container_release_file(struct inode *inode)
{
	struct super_block *sb = inode->i_sb;

	iput(inode);
	sb_end_write(sb);
	up_read(&sb->s_umount);
}

/**
 * container_file_grown - a file may have more pages than it is down for
 * @mapping: the file; the caller sees to it that it stays.
 *
 * Context: Atomic at most; not from an interrupt.
 */
void container_file_grown(struct address_space *mapping)
{
	struct container_file *file;

	rcu_read_lock();
	file = rcu_dereference(mapping->container_file);
	if (file) {
		spin_lock(&file->ctn->files_lock);
		if (rcu_access_pointer(mapping->container_file) == file)
			file_classify(file);
		spin_unlock(&file->ctn->files_lock);
	}
	rcu_read_unlock();
}

/* Has it pages that are a part of rss? It may be that there are none after all. */
static bool may_have_rss(struct address_space *mapping)
{
	return mapping_mapped(mapping) || shmem_mapping(mapping);
}

/**
 * container_next_file - the next file that kcontainerd is to look at
 * @ctn: the container. Only its kcontainerd calls this.
 * @large: one with CONTAINER_LARGE pages or more; else one with fewer, but not
 *	   none.
 * @rss_only: only one that is mapped, or shmem.
 * @left: how many files may still be looked at; counted down.
 * @cursor: set to where it left off in that file.
 * @busy: set if one could not be held just now.
 *
 * Takes turns; what has no page is not in the way.
 *
 * Context: May sleep.
 * Return: the inode, to be given to container_release_file(); NULL if there
 * was none among @left.
 */
struct inode *container_next_file(struct container *ctn, bool large,
				  bool rss_only, unsigned long *left,
				  pgoff_t *cursor, bool *busy)
{
	const enum container_file_class class =
		large ? CONTAINER_FILE_LARGE : CONTAINER_FILE_SMALL;
	struct container_file *file;
	struct inode *inode = NULL;

	spin_lock(&ctn->files_lock);
	while (!inode && *left && !list_empty(&ctn->trim_files[class])) {
		--*left;
		file = list_first_entry(&ctn->trim_files[class],
					struct container_file, trim_node);
		file_classify(file);
		if (file->class == class &&
		    (!rss_only || may_have_rss(file->mapping))) {
			*cursor = file->cursor;
			inode = file_hold(file);
			*busy |= !inode;
		}
		cond_resched_lock(&ctn->files_lock);
	}
	spin_unlock(&ctn->files_lock);
	return inode;
}

/* Remember where to go on in a file, if it is still @ctn's. */
void container_set_cursor(struct container *ctn, struct inode *inode,
			  pgoff_t cursor)
{
	struct container_file *file;

	rcu_read_lock();
	file = rcu_dereference(inode->i_mapping->container_file);
	if (file && file->ctn == ctn)
		file->cursor = cursor;
	rcu_read_unlock();
}

/**
 * container_expel_files - take all files from a dying container
 * @ctn: the container; CONTAINER_DYING is set.
 *
 * Context: May sleep.
 */
void container_expel_files(struct container *ctn)
{
	struct container_file *file, *next;
	struct address_space *mapping;
	struct inode *inode;

	spin_lock(&ctn->files_lock);
again:
	list_for_each_entry_safe(file, next, &ctn->files, node) {
		mapping = file->mapping;
		if (!mapping)		/* somebody's place in the list */
			continue;
		inode = file_hold(file);
		file_leave_locked(file);
		if (!inode)
			continue;
		spin_unlock(&ctn->files_lock);
		container_stop_point("expel: a file");
		for_all_folios(mapping, drop_folio, ctn);
		container_release_file(inode);
		cond_resched();
		spin_lock(&ctn->files_lock);
		goto again;
	}
	spin_unlock(&ctn->files_lock);
}

/* ---- listing ---- */

static void list_file(struct container_file *file, struct seq_file *m)
{
	struct inode *inode = file->mapping->host;
	dev_t dev = inode->i_sb->s_dev;
	struct dentry *dentry;

	seq_printf(m, "%lu %u:%u %lu ", READ_ONCE(file->mapping->nrpages),
		   MAJOR(dev), MINOR(dev), inode->i_ino);

	rcu_read_lock();
	dentry = d_find_alias_rcu(inode);
	if (dentry)
		seq_dentry(m, dentry, " \t\n\v\f\r\\");
	else
		seq_putc(m, '-');
	rcu_read_unlock();
	seq_putc(m, '\n');
}

/**
 * container_list_files - write what files a container owns
 * @ctn: the container.
 * @m: one per line: cached pages, device, inode, path in the file system's
 *     root, with white space and backslashes in it as \ooo; "-" without one.
 *
 * Context: May sleep.
 * Return: 0
 */
int container_list_files(struct container *ctn, struct seq_file *m)
{
	/* a place in the list, at which to go on */
	struct container_file here = { .ctn = ctn };
	struct container_file *file;
	int batch;

	spin_lock(&ctn->files_lock);
	list_add(&here.node, &ctn->files);
	while (!list_is_last(&here.node, &ctn->files) &&
	       !seq_has_overflowed(m)) {
		for (batch = 0; batch < 32; batch++) {
			if (list_is_last(&here.node, &ctn->files))
				break;
			file = list_next_entry(&here, node);
			if (file->mapping)
				list_file(file, m);
			list_move(&here.node, &file->node);
		}
		container_stop_point("mappings: some listed");
		cond_resched_lock(&ctn->files_lock);
	}
	list_del(&here.node);
	spin_unlock(&ctn->files_lock);
	return 0;
}

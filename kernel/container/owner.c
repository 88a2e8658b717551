// SPDX-License-Identifier: GPL-2.0
/*
 * Naming the owner of a file: addfile and rmfile.
 *
 * Pages that are cached already move along. What orders this against a page of
 * droppable cache that is being added is the lock of i_pages, and then the folio's:
 * whoever adds a page asks for the owner after it has had the first, with the second
 * held. So a page is either found here, and is dealt with when its lock is free, or
 * is added by one who sees the new owner. A page of held memory that is being added
 * at this moment may stay with who brings it in.
 */
#include <linux/dcache.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/mnt_idmapping.h>
#include <linux/mount.h>
#include <linux/namei.h>
#include <linux/pagemap.h>
#include <linux/pagevec.h>
#include "token.h"

static bool cred_may_say(const struct cred *cred, vfsuid_t uid)
{
	return vfsuid_eq_kuid(uid, cred->fsuid) ||
	       container_cred_is_capable(cred);
}

/* Both who opened the file that is written to, and who writes. */
static bool may_say(vfsuid_t uid)
{
	return cred_may_say(current_cred(), uid) &&
	       cred_may_say(current_real_cred(), uid);
}

/**
 * container_may_say - may the current task say whose the memory of a file is?
 * @inode: the file's.
 *
 * Context: Any.
 * Return: whether it is its owner, or capable; of who opened the file that is written to
 *	   as well.
 */
bool container_may_say(struct inode *inode)
{
	return may_say(i_uid_into_vfsuid(&nop_mnt_idmap, inode));
}

/*
 * The inode whose pages are cached for @name; on overlayfs that is the one
 * beneath. @path holds it, and the mount: the caller puts that. Only the owner
 * of the file may say whose it is.
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
	else if (!may_say(uid))
		err = -EPERM;
	if (!err)
		return inode;

	path_put(path);
	return ERR_PTR(err);
}

/* Whoever added a page for another owner has put it there by the end of this. */
static void wait_for_adders(struct address_space *mapping)
{
	xa_lock_irq(&mapping->i_pages);
	xa_unlock_irq(&mapping->i_pages);
}

/* Call @fn for all folios of @mapping that are cached: some at a time, locked. */
static void for_all_folios(struct address_space *mapping,
			   void (*fn)(struct folio **folios, unsigned int nr,
				      struct container *ctn),
			   struct container *ctn)
{
	struct folio *locked[PAGEVEC_SIZE];
	struct folio_batch fbatch;
	pgoff_t index = 0;
	unsigned int i, nr;

	folio_batch_init(&fbatch);
	while (filemap_get_folios(mapping, &index, -1, &fbatch)) {
		nr = 0;
		/* by ascending index, as everybody who locks several */
		for (i = 0; i < folio_batch_count(&fbatch); i++) {
			folio_lock(fbatch.folios[i]);
			if (fbatch.folios[i]->mapping == mapping)
				locked[nr++] = fbatch.folios[i];
			else
				folio_unlock(fbatch.folios[i]);
		}
		fn(locked, nr, ctn);
		for (i = 0; i < nr; i++)
			folio_unlock(locked[i]);
		container_stop_point("file: some pages done");
		folio_batch_release(&fbatch);
		cond_resched();
	}
}

/* What is held stays with who is charged for it where there is no room. */
static void adopt_folios(struct folio **folios, unsigned int nr,
			 struct container *ctn)
{
	container_adopt_folios(folios, nr, ctn, CONTAINER_OWN_TRY);
}

static void drop_folios(struct folio **folios, unsigned int nr,
			struct container *ctn)
{
	unsigned int i;

	rcu_read_lock_sched();
	for (i = 0; i < nr; i++)
		if (folio_charged_to(folios[i], ctn))
			container_disown_folio(folios[i]);
	rcu_read_unlock_sched();
}

/**
 * container_add_file - make a container the owner of a file
 * @ctn: the container.
 * @name: path of the file, in the root of the caller.
 *
 * Pages of it that are cached are charged to @ctn from now on, whoever had
 * them; held memory as long as there is room below rss_limit.
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
	err = container_name_file(mapping, ctn);
	container_stop_point("addfile: joined");
	if (!err) {
		wait_for_adders(mapping);
		for_all_folios(mapping, adopt_folios, ctn);
	}
	path_put(&path);
	return err;
}

/*
 * What is charged to nobody is limited by nobody: whose container it is must not
 * be able to have held memory become that.
 */
static bool may_let_go(struct address_space *mapping)
{
	return !container_mapping_is_held(mapping) ||
	       (container_cred_is_capable(current_cred()) &&
		container_cred_is_capable(current_real_cred()));
}

/**
 * container_remove_file - take a file from a container
 * @ctn: the container.
 * @name: path of the file, in the root of the caller.
 *
 * Pages of it that are cached stay so, but are charged to nobody. Held memory
 * stays charged to @ctn until it is freed, unless the caller has
 * CAP_SYS_RESOURCE: else this would be a way out of its rss_limit.
 *
 * Context: May sleep.
 * Return: 0; -ENOENT if @ctn does not own it; else as container_add_file().
 */
int container_remove_file(struct container *ctn, const char *name)
{
	struct address_space *mapping;
	struct inode *inode;
	struct path path;
	int err = 0;

	inode = file_by_name(name, &path);
	if (IS_ERR(inode))
		return PTR_ERR(inode);

	mapping = inode->i_mapping;
	if (!container_leave_file(mapping, ctn)) {
		err = -ENOENT;
	} else if (may_let_go(mapping)) {
		container_stop_point("rmfile: left");
		wait_for_adders(mapping);
		for_all_folios(mapping, drop_folios, ctn);
	}
	path_put(&path);
	return err;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * The audit: do the counters say what is there? For tests; built only with
 * CONFIG_CONTAINERS_DEBUG, and does nothing until debugfs' containers/audit is
 * opened. Then all of memory is searched for tokens, and each folio that has
 * one is looked at: what it is, and where it is mapped, by struct page alone,
 * which knows nothing of containers.
 *
 * A line for each container that is not freed yet, with a number for each state
 * that is counted:
 *
 *	ID NAME folios=N anon=N held_file=N file=N mapped_held=N mapped_file=N
 *		active=N held=N droppable=N tasks=N mms=N private=N locked=N
 *		kmemsize=N dcachesize=N files=N
 *
 * Where the folios, their tokens and the counters do not say the same there are
 * three numbers, in this order: anon=5/5/6. held and droppable are the page
 * counters without what the CPUs hold in advance. tasks, mms and files are how many are in
 * the lists, how many of these know that they are, and the counter. private and locked,
 * which are there with beancounters, are pages that the mms have, what is charged for
 * them, and the counter. kmemsize and dcachesize are bytes: what objects and pages say
 * that they are charged, twice, and the counter; these are exact at any time. Then what
 * should not be:
 *
 *	strangers N	folios with the token of a container that has no part in
 *			the file that they are in
 *	stray N		tokens of pages that are free, or no folio's first
 *
 * then "unowned N", folios whose token names a container that has been removed,
 * which is nothing wrong, "allocated N", how many containers there are whose memory is not freed
 * yet, and last "agree", or "disagree" and how many of the lines above are why.
 *
 * All of it is exact when nothing goes on. Under load it is as consistent as
 * can be without stopping the machine: not very, but it is safe.
 */
#include <linux/cpu.h>
#include <linux/debugfs.h>
#include <linux/memblock.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/stop_machine.h>
#include "../../mm/slab.h"
#include "bc.h"
#include "token.h"

/* What is compared: six states, and both page counters. */
enum audit_number {
	AUDIT_ANON,
	AUDIT_HELD_FILE,
	AUDIT_FILE,
	AUDIT_MAPPED_HELD,
	AUDIT_MAPPED_FILE,
	AUDIT_ACTIVE,
	AUDIT_HELD,
	AUDIT_DROPPABLE,
	NR_AUDIT,
};

static const char * const audit_names[NR_AUDIT] = {
	[AUDIT_ANON] = "anon",
	[AUDIT_HELD_FILE] = "held_file",
	[AUDIT_FILE] = "file",
	[AUDIT_MAPPED_HELD] = "mapped_held",
	[AUDIT_MAPPED_FILE] = "mapped_file",
	[AUDIT_ACTIVE] = "active",
	[AUDIT_HELD] = "held",
	[AUDIT_DROPPABLE] = "droppable",
};

/* Who says so: */
enum audit_source {
	AUDIT_FOLIOS,
	AUDIT_TOKENS,
	AUDIT_COUNTERS,
	NR_AUDIT_SOURCES,
};

/* Memory of the kernel itself */
enum {
	AUDIT_KMEMSIZE,
	AUDIT_DCACHESIZE,
	NR_AUDIT_KMEM,
};

struct audit_row {
	struct container *ctn;
	int id;
	char *name;
	unsigned long folios;
	long nr[NR_AUDIT][NR_AUDIT_SOURCES];
	long tasks[NR_AUDIT_SOURCES];
	long mms[NR_AUDIT_SOURCES];
	long vm[NR_CONTAINER_VMS][NR_AUDIT_SOURCES];
	long kmem[NR_AUDIT_KMEM][NR_AUDIT_SOURCES];
	long files[NR_AUDIT_SOURCES];
};

struct audit {
	int nr_rows;
	struct audit_row *last;
	unsigned long strangers;
	unsigned long unowned;
	unsigned long stray;
	unsigned long pfn[2];	/* the last one of each of these */
	unsigned long token[2];
	int allocated;
	struct audit_row rows[] __counted_by(nr_rows);
};

/*
 * The containers that charges may be found of. Whoever holds the mutex keeps
 * them from being freed.
 */
static LIST_HEAD(audit_list);
static int audit_list_nr;
static DEFINE_MUTEX(audit_mutex);

static atomic_t audit_allocated;

/* @ctn has been made. May sleep. */
void container_audit_add(struct container *ctn)
{
	atomic_inc(&audit_allocated);
	mutex_lock(&audit_mutex);
	list_add_tail(&ctn->audit_node, &audit_list);
	audit_list_nr++;
	mutex_unlock(&audit_mutex);
}

/* Nothing is charged to @ctn any more, and it is about to be freed. May sleep. */
void container_audit_remove(struct container *ctn)
{
	mutex_lock(&audit_mutex);
	list_del(&ctn->audit_node);
	audit_list_nr--;
	mutex_unlock(&audit_mutex);
}

/* The memory of a container has been given back. */
void container_audit_freed(void)
{
	atomic_dec(&audit_allocated);
}

/* ---- what a folio is ---- */

static struct audit_row *find_row(struct audit *audit, unsigned long token)
{
	struct container *ctn;
	int i;

	/* by the table, as those who uncharge: not by what it ought to say */
	rcu_read_lock();
	ctn = token_container(token);
	rcu_read_unlock();
	if (!ctn)
		return NULL;
	if (audit->last && audit->last->ctn == ctn)
		return audit->last;
	for (i = 0; i < audit->nr_rows; i++)
		if (audit->rows[i].ctn == ctn)
			return audit->last = &audit->rows[i];
	return NULL;
}

/* Pages of @folio that are in somebody's page table, counted one by one. */
static long count_mapped(struct folio *folio)
{
	long i, nr = folio_nr_pages(folio), mapped = 0;

	if (folio_test_large(folio) && folio_entire_mapcount(folio))
		return nr;
	for (i = 0; i < nr; i++)
		mapped += atomic_read(&folio_page(folio, i)->_mapcount) >= 0;
	return mapped;
}

/* Held memory of a file? If it is in none just now, its token has to say. */
static bool is_held(struct folio *folio, unsigned long token)
{
	struct address_space *mapping = folio_mapping(folio);

	if (folio_test_swapcache(folio) || !mapping)
		return token & CONTAINER_TOKEN_HELD;
	return container_mapping_is_held(mapping);
}

/*
 * What is counted for @folio, going by itself. Only of one that is in no file
 * and no process, in the swap cache or on its way, it does not show which it
 * will be again.
 */
static void audit_state(struct folio *folio, unsigned long token, long *nr)
{
	long pages = folio_nr_pages(folio), mapped = 0;
	bool anon = folio_test_anon(folio);

	if (!folio->mapping)
		anon = !(token & CONTAINER_TOKEN_FILE);
	if (!anon)
		mapped = count_mapped(folio);

	if (anon) {
		nr[AUDIT_ANON] = pages;
		nr[AUDIT_HELD] = pages;
	} else if (is_held(folio, token)) {
		nr[AUDIT_HELD_FILE] = pages;
		nr[AUDIT_MAPPED_HELD] = mapped;
		nr[AUDIT_HELD] = pages;
	} else {
		nr[AUDIT_FILE] = pages;
		nr[AUDIT_MAPPED_FILE] = mapped;
		nr[AUDIT_DROPPABLE] = pages;
	}
	if (folio_test_lru(folio) && folio_test_active(folio) &&
	    !folio_test_unevictable(folio))
		nr[AUDIT_ACTIVE] = pages;
}

/* The same, going by its token. */
static void audit_token(struct folio *folio, unsigned long token, long *nr)
{
	long pages = folio_nr_pages(folio), mapped = token_mapped(token);

	if (!(token & CONTAINER_TOKEN_FILE)) {
		nr[AUDIT_ANON] = pages;
		nr[AUDIT_HELD] = pages;
	} else if (token & CONTAINER_TOKEN_HELD) {
		nr[AUDIT_HELD_FILE] = pages;
		nr[AUDIT_MAPPED_HELD] = mapped;
		nr[AUDIT_HELD] = pages;
	} else {
		nr[AUDIT_FILE] = pages;
		nr[AUDIT_MAPPED_FILE] = mapped;
		nr[AUDIT_DROPPABLE] = pages;
	}
	if (token & CONTAINER_TOKEN_ACTIVE)
		nr[AUDIT_ACTIVE] = pages;
}

/* Is @folio, charged to @ctn, in a file that @ctn has no part in? */
static bool is_stranger(struct folio *folio, struct container *ctn)
{
	bool ret = false;

	/*
	 * Who cannot lock it has to do without: it may leave the file. And what is
	 * on no list may be so new that its flags are set without the lock.
	 */
	if (!folio_test_lru(folio) || !folio_trylock(folio))
		return false;
	if (folio->mapping && !folio_test_anon(folio))
		ret = !container_find_file(folio->mapping, ctn);
	folio_unlock(folio);
	return ret;
}

enum { AUDIT_STRANGER, AUDIT_STRAY };

static void note(struct audit *audit, int what, struct page *page,
		 unsigned long token)
{
	audit->pfn[what] = page_to_pfn(page);
	audit->token[what] = token;
}

static void audit_page(struct audit *audit, struct page *page,
		       unsigned long *slot, unsigned long token)
{
	long state[NR_AUDIT] = {}, said[NR_AUDIT] = {};
	struct folio *folio = page_folio(page);
	struct audit_row *row;
	int i;

	if (!folio_try_get(folio)) {
		audit->stray++;
		note(audit, AUDIT_STRAY, page, token);
		return;
	}
	/* there, the vector of its objects has this place: see audit_kmem() */
	if (folio_test_slab(folio))
		goto out;
	token = READ_ONCE(*slot);
	if (token_is_kmem(token))
		goto out;
	if (&folio->page != page || page_folio(page) != folio) {
		audit->stray += !!token;
		note(audit, AUDIT_STRAY, page, token);
		goto out;
	}
	if (!token)
		goto out;
	row = find_row(audit, token);
	if (!row) {
		audit->unowned++;
		goto out;
	}

	row->folios++;
	audit_state(folio, token, state);
	audit_token(folio, token, said);
	for (i = 0; i < NR_AUDIT; i++) {
		row->nr[i][AUDIT_FOLIOS] += state[i];
		row->nr[i][AUDIT_TOKENS] += said[i];
	}
	if (is_stranger(folio, row->ctn)) {
		audit->strangers++;
		note(audit, AUDIT_STRANGER, page, token);
	}
out:
	folio_put(folio);
}

/*
 * Look at memory for this long at a time: what can be hot-plugged, at least, or else
 * what mem_map is rounded up to.
 */
#ifdef CONFIG_SPARSEMEM
#define AUDIT_BLOCK	PAGES_PER_SUBSECTION
#else
#define AUDIT_BLOCK	MAX_ORDER_NR_PAGES
#endif

static void audit_memory(struct audit *audit)
{
	unsigned long pfn, i, token, *slot;
	struct page *page;

	get_online_mems();
	for (pfn = 0; pfn < max_pfn; pfn += AUDIT_BLOCK) {
		cond_resched();
		page = pfn_to_online_page(pfn);
		if (!page)
			continue;

		rcu_read_lock();
		for (i = 0; i < AUDIT_BLOCK; i++) {
			slot = page_token_slot(page + i);
			token = slot ? READ_ONCE(*slot) : 0;
			if (token && !PageSlab(page + i) && !token_is_kmem(token))
				audit_page(audit, page + i, slot, token);
		}
		rcu_read_unlock();
	}
	put_online_mems();
}

/* ---- memory of the kernel itself ---- */

#ifdef CONFIG_BEANCOUNTERS
static void audit_slab(struct audit *audit, struct slab *slab)
{
	struct slabobj_ext *exts = slab_obj_exts(slab);
	struct kmem_cache *s = slab->slab_cache;
	struct audit_row *row;
	unsigned int i, which;

	if (!exts)
		return;
	for (i = 0; i < slab->objects; i++) {
		/* without one, of a page of KFENCE, the cache may have gone */
		row = exts[i].container.token ? find_row(audit, exts[i].container.token) : NULL;
		if (!row)
			continue;
		which = container_kmem_resource(s) == BC_DCACHESIZE ? AUDIT_DCACHESIZE :
								      AUDIT_KMEMSIZE;
		row->kmem[which][AUDIT_TOKENS] += s->object_size;
	}
}

static void audit_kmem_page(struct audit *audit, struct page *page)
{
	struct audit_row *row;
	unsigned long *slot;

	if (PageSlab(page)) {
		if (!PageTail(page))
			audit_slab(audit, page_slab(page));
		return;
	}
	slot = page_token_slot(page);
	if (!slot || !token_is_kmem(*slot))
		return;
	row = find_row(audit, *slot);
	if (row)
		row->kmem[AUDIT_KMEMSIZE][AUDIT_TOKENS] += PAGE_SIZE << token_kmem_order(*slot);
}

/* The machine is stopped: no charge is half done. */
static int audit_kmem(void *data)
{
	static const unsigned int numbers[NR_AUDIT_KMEM] = {
		[AUDIT_KMEMSIZE] = BC_KMEMSIZE,
		[AUDIT_DCACHESIZE] = BC_DCACHESIZE,
	};
	struct audit *audit = data;
	struct audit_row *row;
	struct page *page;
	unsigned long pfn;
	int i;

	for (pfn = 0; pfn < max_pfn; pfn++) {
		page = pfn_to_online_page(pfn);
		if (page)
			audit_kmem_page(audit, page);
	}
	for (row = audit->rows; row < audit->rows + audit->nr_rows; row++)
		for (i = 0; i < NR_AUDIT_KMEM; i++) {
			row->kmem[i][AUDIT_FOLIOS] = row->kmem[i][AUDIT_TOKENS];
			if (row->ctn->bc)
				row->kmem[i][AUDIT_COUNTERS] =
					atomic_long_read(&row->ctn->bc->row[numbers[i]].held);
		}
	return 0;
}
#else
static int audit_kmem(void *data)
{
	return 0;
}
#endif

/* ---- what the counters say ---- */

/* Not container_stat(): that is never negative. */
static long raw_stat(struct container *ctn, enum container_stat item)
{
	long sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu_ptr(ctn->pcpu, cpu)->stat[item]);
	return sum;
}

static long counter_without_stock(struct container *ctn,
				  enum container_counter which)
{
	long nr = page_counter_read(&ctn->counter[which]);
	int cpu;

	for_each_possible_cpu(cpu)
		nr -= atomic_long_read(&per_cpu_ptr(ctn->pcpu, cpu)->stock[which]);
	return nr;
}

static void audit_counters(struct audit_row *row)
{
	static const enum container_stat stats[AUDIT_HELD] = {
		[AUDIT_ANON] = CONTAINER_ANON,
		[AUDIT_HELD_FILE] = CONTAINER_HELD_FILE,
		[AUDIT_FILE] = CONTAINER_FILE,
		[AUDIT_MAPPED_HELD] = CONTAINER_MAPPED_HELD,
		[AUDIT_MAPPED_FILE] = CONTAINER_MAPPED_FILE,
		[AUDIT_ACTIVE] = CONTAINER_ACTIVE,
	};
	int i;

	for (i = 0; i < AUDIT_HELD; i++)
		row->nr[i][AUDIT_COUNTERS] = raw_stat(row->ctn, stats[i]);
	row->nr[AUDIT_HELD][AUDIT_COUNTERS] =
		counter_without_stock(row->ctn, CONTAINER_HELD) -
		atomic_long_read(&row->ctn->moving_in);
	row->nr[AUDIT_DROPPABLE][AUDIT_COUNTERS] =
		counter_without_stock(row->ctn, CONTAINER_DROPPABLE);
}

static void audit_lists(struct audit_row *row)
{
	struct container *ctn = row->ctn;
	struct container_file *file;
	struct task_struct *task;
	struct mm_struct *mm;
	unsigned long id;

	spin_lock(&ctn->lock);
	list_for_each_entry(task, &ctn->tasks, container_node) {
		row->tasks[AUDIT_FOLIOS]++;
		row->tasks[AUDIT_TOKENS] +=
			rcu_access_pointer(task->container) == ctn;
	}
	list_for_each_entry(mm, &ctn->mms, container_node) {
		row->mms[AUDIT_FOLIOS]++;
		row->mms[AUDIT_TOKENS] +=
			READ_ONCE(mm->container_token) == container_token(ctn);
	}
	/* there is no counter of them */
	row->mms[AUDIT_COUNTERS] = row->mms[AUDIT_FOLIOS];
	container_vm_audit(ctn, row->vm);
	row->tasks[AUDIT_COUNTERS] = atomic_long_read(&ctn->nr_tasks);
	spin_unlock(&ctn->lock);

	spin_lock(&ctn->files_lock);
	xa_for_each(&ctn->files, id, file) {
		row->files[AUDIT_FOLIOS]++;
		row->files[AUDIT_TOKENS] += file->ctn == ctn && file->id == id &&
			!((file->token ^ container_token(ctn)) >>
			  CONTAINER_TOKEN_SHIFT) &&
			container_find_file(file->mapping, ctn) == file;
	}
	row->files[AUDIT_COUNTERS] = container_nr_parts(ctn);
	spin_unlock(&ctn->files_lock);
}

/* ---- the report ---- */

static bool show_numbers(struct seq_file *m, const char *name, const long *nr)
{
	bool agree = nr[0] == nr[1] && nr[1] == nr[2];

	if (agree)
		seq_printf(m, " %s=%ld", name, nr[0]);
	else
		seq_printf(m, " %s=%ld/%ld/%ld", name, nr[0], nr[1], nr[2]);
	return agree;
}

static bool show_row(struct seq_file *m, struct audit_row *row)
{
	bool agree = true;
	int i;

	seq_printf(m, "%d ", row->id);
	seq_escape(m, row->name ?: "-", " \t\n\\");
	seq_printf(m, " folios=%lu", row->folios);
	for (i = 0; i < NR_AUDIT; i++)
		agree &= show_numbers(m, audit_names[i], row->nr[i]);
	agree &= show_numbers(m, "tasks", row->tasks);
	agree &= show_numbers(m, "mms", row->mms);
	if (IS_ENABLED(CONFIG_BEANCOUNTERS)) {
		agree &= show_numbers(m, "private", row->vm[CONTAINER_VM_PRIVATE]);
		agree &= show_numbers(m, "locked", row->vm[CONTAINER_VM_LOCKED]);
		agree &= show_numbers(m, "kmemsize", row->kmem[AUDIT_KMEMSIZE]);
		agree &= show_numbers(m, "dcachesize", row->kmem[AUDIT_DCACHESIZE]);
	}
	agree &= show_numbers(m, "files", row->files);
	seq_putc(m, '\n');
	return agree;
}

/* Where the last of them was is for whoever has a debugger. */
static bool show_wrong(struct seq_file *m, const char *name, unsigned long nr,
		       unsigned long pfn, unsigned long token)
{
	seq_printf(m, "%s %lu", name, nr);
	if (nr)
		seq_printf(m, " (pfn %#lx, token %#lx)", pfn, token);
	seq_putc(m, '\n');
	return !nr;
}

static int audit_show(struct seq_file *m, void *unused)
{
	struct audit *audit = m->private;
	int i, wrong = 0;

	for (i = 0; i < audit->nr_rows; i++)
		wrong += !show_row(m, &audit->rows[i]);
	wrong += !show_wrong(m, "strangers", audit->strangers,
			     audit->pfn[AUDIT_STRANGER],
			     audit->token[AUDIT_STRANGER]);
	wrong += !show_wrong(m, "stray", audit->stray, audit->pfn[AUDIT_STRAY],
			     audit->token[AUDIT_STRAY]);
	seq_printf(m, "unowned %lu\n", audit->unowned);
	seq_printf(m, "allocated %d\n", audit->allocated);
	if (wrong)
		seq_printf(m, "disagree %d\n", wrong);
	else
		seq_puts(m, "agree\n");
	return 0;
}

/* The name of a container whose directory may be going away. */
static char *copy_name(struct container *ctn)
{
	char *name;

	if (!config_item_get_unless_zero(&ctn->group.cg_item))
		return NULL;
	name = kstrdup(config_item_name(&ctn->group.cg_item) ?: "-",
		       GFP_KERNEL);
	config_item_put(&ctn->group.cg_item);
	return name;
}

static void free_audit(struct audit *audit)
{
	int i;

	for (i = 0; i < audit->nr_rows; i++)
		kfree(audit->rows[i].name);
	kvfree(audit);
}

static struct audit *make_audit(void)
{
	struct container *ctn;
	struct audit *audit;
	int i = 0;

	mutex_lock(&audit_mutex);
	audit = kvzalloc(struct_size(audit, rows, audit_list_nr), GFP_KERNEL);
	if (!audit)
		goto out;
	audit->nr_rows = audit_list_nr;
	list_for_each_entry(ctn, &audit_list, audit_node) {
		/* no token names one that is being removed, whatever it counts */
		if (test_bit(CONTAINER_DYING, &ctn->flags))
			continue;
		audit->rows[i].ctn = ctn;
		audit->rows[i].id = ctn->id;
		audit->rows[i].name = copy_name(ctn);
		i++;
	}
	audit->nr_rows = i;
	audit_memory(audit);
	cpus_read_lock();
	get_online_mems();
	stop_machine_cpuslocked(audit_kmem, audit, NULL);
	put_online_mems();
	cpus_read_unlock();
	for (i = 0; i < audit->nr_rows; i++) {
		audit_counters(&audit->rows[i]);
		audit_lists(&audit->rows[i]);
	}
	audit->allocated = atomic_read(&audit_allocated);
out:
	mutex_unlock(&audit_mutex);
	return audit;
}

static int audit_open(struct inode *inode, struct file *file)
{
	struct audit *audit = make_audit();
	int err;

	if (!audit)
		return -ENOMEM;
	err = single_open(file, audit_show, audit);
	if (err)
		free_audit(audit);
	return err;
}

static int audit_release(struct inode *inode, struct file *file)
{
	struct seq_file *m = file->private_data;

	free_audit(m->private);
	return single_release(inode, file);
}

static const struct file_operations audit_fops = {
	.owner		= THIS_MODULE,
	.open		= audit_open,
	.read		= seq_read,
	.llseek		= seq_lseek,
	.release	= audit_release,
};

static int __init container_audit_init(void)
{
	struct dentry *dir = debugfs_create_dir("containers", NULL);

	debugfs_create_file("audit", 0400, dir, NULL, &audit_fops);
	container_stop_init(dir);
	container_fault_init(dir);
	return 0;
}
late_initcall(container_audit_init);

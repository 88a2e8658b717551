// SPDX-License-Identifier: GPL-2.0
/*
 * The tree that users see: /config/containers, a directory in it for every
 * container, and the files in that. Here are their names, modes and formats,
 * and how what is written is read; what it means is elsewhere.
 *
 * A value comes in one write, of which one newline at the end is not a part.
 * It is taken whole or refused with no change.
 */
#include <linux/ctype.h>
#include <linux/init.h>
#include <linux/kstrtox.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <trace/events/container.h>
#include "stat.h"

/* ---- reading what is written ---- */

/* Length of a value of @len bytes without the newline that echo adds. */
static size_t value_len(const char *buf, size_t len)
{
	return len && buf[len - 1] == '\n' ? len - 1 : len;
}

static bool value_is(const char *buf, size_t len, const char *word)
{
	len = value_len(buf, len);
	return len == strlen(word) && !memcmp(buf, word, len);
}

/**
 * container_parse_limit - read a limit
 * @buf: what was written.
 * @len: how many bytes that is.
 * @pages: whether this is a limit in pages, for which K, M, G and T may follow
 *	   the number and make it one of bytes, rounded down to pages.
 * @limit: set to the limit; PAGE_COUNTER_MAX for "max".
 *
 * Context: Any.
 * Return: 0; -EINVAL if it is not a limit; -ERANGE if it is too large for one.
 */
int container_parse_limit(const char *buf, size_t len, bool pages,
			  unsigned long *limit)
{
	u64 value = 0;
	size_t i;
	int unit;

	if (value_is(buf, len, "max")) {
		*limit = PAGE_COUNTER_MAX;
		return 0;
	}

	len = value_len(buf, len);
	unit = 0;
	if (pages && len) {
		const char *units = "KMGT";
		const char *p = memchr(units, buf[len - 1], 4);

		if (p) {
			unit = p - units + 1;
			len--;
		}
	}

	/* all of it, before it is called too large rather than wrong */
	for (i = 0; i < len; i++)
		if (!isdigit(buf[i]))
			return -EINVAL;
	if (!len)
		return -EINVAL;

	for (i = 0; i < len; i++) {
		if (check_mul_overflow(value, 10ULL, &value) ||
		    check_add_overflow(value, (u64)(buf[i] - '0'), &value))
			return -ERANGE;
	}
	if (unit) {
		if (value > U64_MAX >> (10 * unit))
			return -ERANGE;
		value = value << (10 * unit) >> PAGE_SHIFT;
	}
	if (value > PAGE_COUNTER_MAX)
		return -ERANGE;

	*limit = value;
	return 0;
}

/* A task id: a positive number and nothing else. */
static int parse_pid(const char *buf, size_t len, pid_t *pid)
{
	unsigned long nr;
	int err;

	err = container_parse_limit(buf, len, false, &nr);
	if (err)
		return err;
	if (value_is(buf, len, "max") || !nr)
		return -EINVAL;
	if (nr > INT_MAX)
		return -ERANGE;
	*pid = nr;
	return 0;
}

/* A number of a signal, or 0: then it is only asked whether one could be sent. */
static int parse_signal(const char *buf, size_t len, int *sig)
{
	unsigned long nr;
	int err;

	err = container_parse_limit(buf, len, false, &nr);
	if (err)
		return err;
	if (value_is(buf, len, "max"))
		return -EINVAL;
	if (nr > _NSIG)
		return -ERANGE;
	*sig = nr;
	return 0;
}

static ssize_t show_limit(unsigned long limit, char *page)
{
	if (limit == PAGE_COUNTER_MAX)
		return sysfs_emit(page, "max\n");
	return sysfs_emit(page, "%lu\n", limit);
}

/* ---- a container ---- */

static ssize_t show_number(struct config_item *item, char *page,
			   enum container_number nr)
{
	unsigned long value = container_number(to_container(item), nr);

	if (container_is_limit(nr))
		return show_limit(value, page);
	return sysfs_emit(page, "%lu\n", value);
}

#define CONTAINER_SHOW(name)						\
static ssize_t container_##name##_show(struct config_item *item,	\
				       char *page)			\
{									\
	return show_number(item, page, CONTAINER_NUMBER_##name);	\
}									\
CONFIGFS_ATTR_RO(container_, name)

/* The same for one whose changes user space is told of */
#define CONTAINER_SHOW_NOTICE(name)					\
static ssize_t container_##name##_show(struct config_item *item,	\
				       char *page)			\
{									\
	return show_number(item, page, CONTAINER_NUMBER_##name);	\
}									\
									\
static struct configfs_attribute container_attr_##name = {		\
	.ca_name = #name,						\
	.ca_mode = 0444,						\
	.ca_owner = THIS_MODULE,					\
	.ca_notify = true,						\
	.show = container_##name##_show,				\
}

CONTAINER_SHOW(id);
CONTAINER_SHOW(num_tasks);
CONTAINER_SHOW_NOTICE(task_limit_hits);
CONTAINER_SHOW(num_files);
CONTAINER_SHOW(num_anon_pages);
CONTAINER_SHOW(num_file_pages);
CONTAINER_SHOW(num_mapped_pages);
CONTAINER_SHOW(num_active_pages);
CONTAINER_SHOW_NOTICE(page_limit_hits);
CONTAINER_SHOW(rss_usage);
CONTAINER_SHOW_NOTICE(rss_failcnt);
CONTAINER_SHOW(rss_reclaimed);
CONTAINER_SHOW_NOTICE(rss_oom_kills);
CONTAINER_SHOW(freeing);

/* The most there was, until somebody writes 0 to have it begin anew. */
static ssize_t store_peak(struct config_item *item, const char *buf, size_t len,
			  enum container_peak peak)
{
	unsigned long value;
	int err = container_parse_limit(buf, len, false, &value);

	if (!err && value)
		err = -EINVAL;
	if (err)
		return err;
	container_reset_peak(to_container(item), peak);
	return len;
}

#define CONTAINER_SHOW_PEAK(name, PEAK)					\
static ssize_t container_##name##_show(struct config_item *item,	\
				       char *page)			\
{									\
	return show_number(item, page, CONTAINER_NUMBER_##name);	\
}									\
									\
static ssize_t container_##name##_store(struct config_item *item,	\
					const char *buf, size_t len)	\
{									\
	return store_peak(item, buf, len, CONTAINER_PEAK_##PEAK);	\
}									\
CONFIGFS_ATTR(container_, name)

CONTAINER_SHOW_PEAK(rss_peak, RSS);
CONTAINER_SHOW_PEAK(usage_peak, USAGE);
CONTAINER_SHOW_PEAK(tasks_peak, TASKS);

static ssize_t container_page_limit_show(struct config_item *item, char *page)
{
	return show_number(item, page, CONTAINER_NUMBER_page_limit);
}

static ssize_t container_page_limit_store(struct config_item *item,
					  const char *buf, size_t len)
{
	struct container *ctn = to_container(item);
	unsigned long limit;
	int err = container_parse_limit(buf, len, true, &limit);

	if (err)
		return err;

	WRITE_ONCE(ctn->page_limit, limit);
	container_stop_point("page_limit: set");
	/* a stock taken when the limit was far must not lead past it now */
	container_drain_stock(ctn);
	clear_bit(CONTAINER_TRIM_FAILED, &ctn->flags);
	rcu_read_lock();
	container_check_limit(ctn);
	rcu_read_unlock();
	return len;
}
CONFIGFS_ATTR(container_, page_limit);

/*
 * Limits that somebody with CAP_SYS_RESOURCE may have bound: who opened the file
 * is asked for that, too.
 */
#define CONTAINER_BOUND_ATTR(name)					\
static struct configfs_attribute container_attr_##name = {		\
	.ca_name	= __stringify(name),				\
	.ca_mode	= 0644,						\
	.ca_owner	= THIS_MODULE,					\
	.ca_opener_cred	= IS_ENABLED(CONFIG_BEANCOUNTERS),		\
	.show		= container_##name##_show,			\
	.store		= container_##name##_store,			\
}

static ssize_t container_rss_limit_show(struct config_item *item, char *page)
{
	return show_number(item, page, CONTAINER_NUMBER_rss_limit);
}

static ssize_t container_rss_limit_store(struct config_item *item,
					 const char *buf, size_t len)
{
	unsigned long limit;
	int err = container_parse_limit(buf, len, true, &limit) ?:
		  container_set_rss_limit(to_container(item), limit);

	return err ?: len;
}
CONTAINER_BOUND_ATTR(rss_limit);

static ssize_t container_shrink_store(struct config_item *item,
				      const char *buf, size_t len)
{
	unsigned long pages;
	int err = container_parse_limit(buf, len, true, &pages);

	/* "max" is no size to shrink to */
	if (!err && value_is(buf, len, "max"))
		err = -EINVAL;
	if (!err)
		err = container_shrink(to_container(item), pages);
	return err ?: len;
}

static struct configfs_attribute container_attr_shrink = {
	.ca_name = "shrink",
	.ca_mode = 0200,
	.ca_owner = THIS_MODULE,
	.store = container_shrink_store,
};

static ssize_t container_task_limit_show(struct config_item *item, char *page)
{
	return show_number(item, page, CONTAINER_NUMBER_task_limit);
}

static ssize_t container_task_limit_store(struct config_item *item,
					  const char *buf, size_t len)
{
	unsigned long limit;
	int err = container_parse_limit(buf, len, false, &limit) ?:
		  container_set_task_limit(to_container(item), limit);

	return err ?: len;
}
CONTAINER_BOUND_ATTR(task_limit);

/* An attribute that is one of some words: which, or -EINVAL. */
static int parse_word(const char *buf, size_t len, const char * const *words,
		      int nr)
{
	int i;

	for (i = 0; i < nr; i++)
		if (value_is(buf, len, words[i]))
			return i;
	return -EINVAL;
}

static const char * const over_limit_words[] = {
	[CONTAINER_OVER_RECLAIM] = "reclaim",
	[CONTAINER_OVER_DEACTIVATE] = "deactivate",
};

static ssize_t container_over_limit_show(struct config_item *item, char *page)
{
	return sysfs_emit(page, "%s\n",
			  over_limit_words[READ_ONCE(to_container(item)->over_limit)]);
}

static ssize_t container_over_limit_store(struct config_item *item,
					  const char *buf, size_t len)
{
	int word = parse_word(buf, len, over_limit_words,
			      ARRAY_SIZE(over_limit_words));

	if (word < 0)
		return word;
	WRITE_ONCE(to_container(item)->over_limit, word);
	return len;
}
CONFIGFS_ATTR(container_, over_limit);

static const char * const oom_words[] = {
	[CONTAINER_OOM_TASK] = "task",
	[CONTAINER_OOM_CONTAINER] = "container",
};

static ssize_t container_oom_show(struct config_item *item, char *page)
{
	return sysfs_emit(page, "%s\n",
			  oom_words[READ_ONCE(to_container(item)->oom)]);
}

static ssize_t container_oom_store(struct config_item *item,
				   const char *buf, size_t len)
{
	int word = parse_word(buf, len, oom_words, ARRAY_SIZE(oom_words));

	if (word < 0)
		return word;
	WRITE_ONCE(to_container(item)->oom, word);
	return len;
}
CONFIGFS_ATTR(container_, oom);

static int container_stat_seq_show(struct config_item *item, struct seq_file *m)
{
	container_show_stat(to_container(item), m);
	return 0;
}

static struct configfs_attribute container_attr_stat = {
	.ca_name = "stat",
	.ca_mode = 0444,
	.ca_owner = THIS_MODULE,
	.seq_show = container_stat_seq_show,
};

#ifdef CONFIG_PSI
static int container_pressure_seq_show(struct config_item *item, struct seq_file *m)
{
	return container_show_pressure(to_container(item), m);
}

static void *container_pressure_watch(struct config_item *item, const char *buf,
				      size_t count)
{
	return container_trigger_begin(to_container(item), buf, count);
}

static const struct configfs_watch_operations container_pressure_watch_ops = {
	.begin	= container_pressure_watch,
	.poll	= container_trigger_poll,
	.end	= container_trigger_end,
};

static struct configfs_attribute container_attr_pressure = {
	.ca_name = "pressure",
	.ca_mode = 0644,
	.ca_owner = THIS_MODULE,
	.seq_show = container_pressure_seq_show,
	.watch_ops = &container_pressure_watch_ops,
};
#endif

/*
 * What is to be found and moved may make one wait for anybody: a path that leads to a
 * directory here that rmdir has locked, or to a file system that does not answer;
 * an mm whose process waits for that in mmap(2). The container may have been
 * removed meanwhile: then it takes nothing, and has nothing.
 *
 * Who opened the file must have the right to it, not only who is made to write.
 */
#define CONTAINER_FINDS							\
	.ca_owner		= THIS_MODULE,				\
	.ca_unlocked_store	= true,					\
	.ca_opener_cred		= true

#define CONTAINER_FIND_ATTR(name)					\
static struct configfs_attribute container_attr_##name = {		\
	.ca_name		= __stringify(name),			\
	.ca_mode		= 0200,					\
	.store			= container_##name##_store,		\
	CONTAINER_FINDS,						\
}

static ssize_t container_addtask_store(struct config_item *item,
				       const char *buf, size_t len)
{
	pid_t pid;
	int err = parse_pid(buf, len, &pid) ?:
		  container_add_task(to_container(item), pid);

	return err ?: len;
}
CONTAINER_FIND_ATTR(addtask);

static ssize_t container_rmtask_store(struct config_item *item,
				      const char *buf, size_t len)
{
	pid_t pid;
	int err = parse_pid(buf, len, &pid) ?:
		  container_remove_task(to_container(item), pid);

	return err ?: len;
}
CONTAINER_FIND_ATTR(rmtask);

/* Whom it is sent to may not be the writer's: the same goes for it. */
static ssize_t container_kill_store(struct config_item *item, const char *buf,
				    size_t len)
{
	int sig, err = parse_signal(buf, len, &sig) ?:
		       container_kill(to_container(item), sig);

	return err ?: len;
}
CONTAINER_FIND_ATTR(kill);

static int container_tasks_seq_show(struct config_item *item,
				    struct seq_file *m)
{
	return container_list_tasks(to_container(item), m);
}

/* Bytes of a line, at most. */
#define TASKS_LINE	12

static size_t container_tasks_seq_size(struct config_item *item)
{
	return atomic_long_read(&to_container(item)->nr_tasks) * TASKS_LINE;
}

static struct configfs_attribute container_attr_tasks = {
	.ca_name = "tasks",
	.ca_mode = 0644,
	.seq_show = container_tasks_seq_show,
	.seq_size = container_tasks_seq_size,
	.store = container_addtask_store,
	CONTAINER_FINDS,
};

/* It tells what people have open. */
static struct configfs_attribute container_attr_mappings = {
	.ca_name = "mappings",
	.ca_mode = 0400,
	.ca_owner = THIS_MODULE,
	.seq_ops = &container_mappings_ops,
};

/* Call @fn with the path in @buf. */
static ssize_t store_path(struct config_item *item, const char *buf, size_t len,
			  int (*fn)(struct container *ctn, const char *name))
{
	size_t name_len = value_len(buf, len);
	char *name;
	int err;

	if (!name_len || memchr(buf, '\0', name_len))
		return -EINVAL;

	name = kmemdup_nul(buf, name_len, GFP_KERNEL);
	if (!name)
		return -ENOMEM;
	err = fn(to_container(item), name);
	kfree(name);
	return err ?: len;
}

static ssize_t container_addfile_store(struct config_item *item,
				       const char *buf, size_t len)
{
	return store_path(item, buf, len, container_add_file);
}
CONTAINER_FIND_ATTR(addfile);

static ssize_t container_rmfile_store(struct config_item *item,
				      const char *buf, size_t len)
{
	return store_path(item, buf, len, container_remove_file);
}
CONTAINER_FIND_ATTR(rmfile);

static struct configfs_attribute *container_attrs[] = {
	&container_attr_id,
	&container_attr_tasks,
	&container_attr_addtask,
	&container_attr_rmtask,
	&container_attr_kill,
	&container_attr_num_tasks,
	&container_attr_tasks_peak,
	&container_attr_task_limit,
	&container_attr_task_limit_hits,
	&container_attr_mappings,
	&container_attr_addfile,
	&container_attr_rmfile,
	&container_attr_num_files,
	&container_attr_num_anon_pages,
	&container_attr_num_file_pages,
	&container_attr_num_mapped_pages,
	&container_attr_num_active_pages,
	&container_attr_usage_peak,
	&container_attr_page_limit,
	&container_attr_page_limit_hits,
	&container_attr_over_limit,
	&container_attr_rss_usage,
	&container_attr_rss_peak,
	&container_attr_rss_limit,
	&container_attr_rss_failcnt,
	&container_attr_rss_reclaimed,
	&container_attr_rss_oom_kills,
	&container_attr_oom,
	&container_attr_shrink,
	&container_attr_stat,
#ifdef CONFIG_PSI
	&container_attr_pressure,
#endif
	&container_attr_freeing,
#ifdef CONFIG_BEANCOUNTERS
	&container_attr_beancounters,
#endif
	NULL,
};

const struct configfs_attribute * const
container_notice_attrs[NR_CONTAINER_NOTICES] = {
	[CONTAINER_PAGE_LIMIT_HITS] = &container_attr_page_limit_hits,
	[CONTAINER_TASK_LIMIT_HITS] = &container_attr_task_limit_hits,
	[CONTAINER_RSS_FAILCNT] = &container_attr_rss_failcnt,
	[CONTAINER_RSS_OOM_KILLS] = &container_attr_rss_oom_kills,
};

static void container_begin_remove(struct config_item *item)
{
	container_empty(to_container(item));
}

static void container_cancel_remove(struct config_item *item)
{
	container_revive(to_container(item));
}

static void container_release(struct config_item *item)
{
	container_destroy(to_container(item));
}

static void container_made(struct config_item *item)
{
	container_publish(to_container(item));
}

static struct configfs_item_operations container_item_ops = {
	.made		= container_made,
	.begin_remove	= container_begin_remove,
	.cancel_remove	= container_cancel_remove,
	.release	= container_release,
};

static const struct config_item_type container_type = {
	.ct_item_ops	= &container_item_ops,
	.ct_attrs	= container_attrs,
	.ct_owner	= THIS_MODULE,
};

/* ---- the top level ---- */

/*
 * The id that a name stands for, or 0 for any: who names a container by its id, and
 * has it made, finds it by its name as well.
 */
static u32 id_of_name(const char *name)
{
	unsigned int id;

	/* not 007, nor what kstrtouint() takes besides digits */
	if (!IS_ENABLED(CONFIG_BEANCOUNTERS) || *name == '0' ||
	    name[strspn(name, "0123456789")] || kstrtouint(name, 10, &id) ||
	    id > INT_MAX)
		return 0;
	return id;
}

static struct config_group *containers_make_group(struct config_group *group,
						  const char *name)
{
	struct container *ctn = container_create(id_of_name(name));

	if (IS_ERR(ctn))
		return ERR_CAST(ctn);

	config_group_init_type_name(&ctn->group, name, &container_type);
	/* there was no memory for a long one */
	if (!config_item_name(&ctn->group.cg_item)) {
		container_free_id(ctn);
		config_item_put(&ctn->group.cg_item);
		return ERR_PTR(-ENOMEM);
	}
	trace_container_create(ctn->id, name);
	container_stop_point("mkdir: named");
	return &ctn->group;
}

static ssize_t containers_description_show(struct config_item *item, char *page)
{
	return sysfs_emit(page,
"Resource containers.  mkdir makes one here, rmdir removes it.\n"
"Write a pid to its addtask, a path to its addfile, and the number of pages,\n"
"or a size such as 64M, that it should stay within to its page_limit.\n");
}
CONFIGFS_ATTR_RO(containers_, description);

#define CONTAINERS_DEFAULT(name, in_pages)				\
static ssize_t containers_default_##name##_show(struct config_item *item, \
						char *page)		\
{									\
	return show_limit(READ_ONCE(container_default_##name), page);	\
}									\
static ssize_t containers_default_##name##_store(struct config_item *item, \
						 const char *buf,	\
						 size_t len)		\
{									\
	unsigned long limit;						\
	int err = container_parse_limit(buf, len, in_pages, &limit);	\
									\
	if (err)							\
		return err;						\
	WRITE_ONCE(container_default_##name, limit);			\
	return len;							\
}									\
CONFIGFS_ATTR(containers_, default_##name)

CONTAINERS_DEFAULT(page_limit, true);
CONTAINERS_DEFAULT(task_limit, false);

/*
 * It says what is in directories that may have been closed to others: it is for who
 * may see them all.
 */
static struct configfs_attribute containers_attr_stat = {
	.ca_name	= "stat",
	.ca_mode	= 0400,
	.ca_owner	= THIS_MODULE,
	.seq_ops	= &containers_stat_ops,
};

static struct configfs_attribute *containers_attrs[] = {
	&containers_attr_description,
	&containers_attr_default_page_limit,
	&containers_attr_default_task_limit,
	&containers_attr_stat,
#ifdef CONFIG_BEANCOUNTERS
	&containers_attr_beancounters,
	&containers_attr_default_beancounters,
	&containers_attr_count_host,
#endif
	NULL,
};

static void containers_drop_item(struct config_group *group,
				 struct config_item *item)
{
	trace_container_remove(to_container(item)->id, config_item_name(item));
	container_stop_point("rmdir: detached");
	container_free_id(to_container(item));
	config_item_put(item);
}

static struct configfs_group_operations containers_group_ops = {
	.make_group	= containers_make_group,
	.drop_item	= containers_drop_item,
};

static const struct config_item_type containers_type = {
	.ct_group_ops	= &containers_group_ops,
	.ct_attrs	= containers_attrs,
	.ct_owner	= THIS_MODULE,
};

static struct configfs_subsystem containers_subsys = {
	.su_group = {
		.cg_item = {
			.ci_namebuf = "containers",
			.ci_type = &containers_type,
		},
	},
};

/**
 * container_make - make a container as mkdir(2) does
 * @name: of its directory.
 *
 * Context: May sleep, with none of the containers' locks.
 * Return: 0; -EEXIST if there is one of that name, or one that has the id for which
 * the name stands; -ENOMEM.
 */
int container_make(const char *name)
{
	return configfs_make_dir(&containers_subsys, name);
}

static int __init container_configfs_init(void)
{
	config_group_init(&containers_subsys.su_group);
	mutex_init(&containers_subsys.su_mutex);
	return configfs_register_subsystem(&containers_subsys);
}

late_initcall(container_configfs_init);

#ifdef CONFIG_CONTAINERS_KUNIT_TEST
#include "tests/configfs-kunit.h"
#endif

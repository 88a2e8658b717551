// SPDX-License-Identifier: GPL-2.0
/*
 * The files of the beancounters: beancounters in each container, that of all of them
 * and default_beancounters at the top, and /proc/user_beancounters for programs that
 * know that of OpenVZ. Here is how they are written and read; what it means is in
 * bc_resources.c.
 */
#include <linux/ctype.h>
#include <linux/init.h>
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/string.h>
#include "bc.h"
#include "stat.h"

/* ---- reading what is written ---- */

struct bc_word {
	const char *text;
	size_t len;
};

/* The name of a resource and two limits, at most */
#define BC_WORDS	3

static bool word_is(const struct bc_word *word, const char *text)
{
	return word->len == strlen(text) && !memcmp(word->text, text, word->len);
}

/*
 * Words with a space between each two, and perhaps a newline at the end. Returns how
 * many there are, or -EINVAL.
 */
static int split_words(const char *buf, size_t len, struct bc_word *words)
{
	size_t i;
	int nr = 0;

	if (len && buf[len - 1] == '\n')
		len--;
	words[0] = (struct bc_word){ buf, 0 };
	for (i = 0; i < len; i++) {
		if (buf[i] != ' ')
			words[nr].len++;
		else if (++nr < BC_WORDS)
			words[nr] = (struct bc_word){ buf + i + 1, 0 };
		else
			return -EINVAL;
	}
	for (i = 0; i <= nr; i++)
		if (!words[i].len)
			return -EINVAL;
	return nr + 1;
}

/*
 * A number, with K, M, G or T for bytes, also where it is of pages; or "max". 0,
 * -EINVAL, or -ERANGE for more than BC_MAXVALUE.
 */
static int parse_value(const struct bc_word *word, enum bc_unit unit,
		       unsigned long *value)
{
	static const char suffixes[] = "KMGT";
	size_t i, digits = word->len;
	const char *suffix = NULL;
	u64 number = 0;

	if (word_is(word, "max")) {
		*value = BC_MAXVALUE;
		return 0;
	}
	if (unit != BC_NUMBER)
		suffix = memchr(suffixes, word->text[digits - 1], 4);
	if (suffix)
		digits--;

	/* all of it, before it is called too large rather than wrong */
	for (i = 0; i < digits; i++)
		if (!isdigit(word->text[i]))
			return -EINVAL;
	if (!digits)
		return -EINVAL;

	for (i = 0; i < digits; i++)
		if (check_mul_overflow(number, 10ULL, &number) ||
		    check_add_overflow(number, (u64)(word->text[i] - '0'), &number))
			return -ERANGE;
	if (suffix) {
		int shift = 10 * (suffix - suffixes + 1);

		if (number > U64_MAX >> shift)
			return -ERANGE;
		number <<= shift;
		if (unit == BC_PAGES)
			number >>= PAGE_SHIFT;
	}
	if (number > BC_MAXVALUE)
		return -ERANGE;
	*value = number;
	return 0;
}

/* One limit, which is both, or a barrier and a limit. */
static int parse_limits(const struct bc_word *words, int nr, enum bc_unit unit,
			struct bc_limits *limits)
{
	int err = parse_value(&words[0], unit, &limits->barrier);
	int err2 = parse_value(&words[nr - 1], unit, &limits->limit);

	/* wrong before too large, wherever it is */
	if (err == -EINVAL || err2 == -EINVAL)
		return -EINVAL;
	return err ?: err2;
}

/*
 * The name of a resource that this kernel counts, and one word or two after it. The
 * number of the resource, or -EINVAL or -EOPNOTSUPP.
 */
static int parse_line(const char *buf, size_t len, struct bc_word *words,
		      int *nr_words)
{
	int nr;

	*nr_words = split_words(buf, len, words);
	if (*nr_words < 2)
		return -EINVAL;
	nr = bc_find_resource(words[0].text, words[0].len);
	if (nr >= 0 && !bc_resource(nr)->counted)
		return -EOPNOTSUPP;
	return nr;
}

/* ---- text ---- */

static void show_limit(struct seq_file *m, unsigned long limit)
{
	if (limit == BC_MAXVALUE)
		seq_printf(m, " %12s", "max");
	else
		seq_printf(m, " %12lu", limit);
}

/* The first resource from number @nr on that this kernel counts, or BC_RESOURCES. */
static int next_counted(int nr)
{
	while (nr < BC_RESOURCES && !(bc_resource(nr) && bc_resource(nr)->counted))
		nr++;
	return nr;
}

static void show_row(struct seq_file *m, int nr,
		     const struct bc_resource_parm *parm)
{
	seq_printf(m, "%-12s %12lu %12lu %12lu", bc_resource(nr)->name, parm->held, parm->maxheld,
		   parm->minheld);
	show_limit(m, parm->barrier);
	show_limit(m, parm->limit);
	seq_printf(m, " %12lu\n", parm->failcnt);
}

static void show_heading(struct seq_file *m)
{
	seq_printf(m, "%-12s %12s %12s %12s %12s %12s %12s\n", "resource", "held",
		   "maxheld", "minheld", "barrier", "limit", "failcnt");
}

/* ---- in a container ---- */

static int container_bc_seq_show(struct config_item *item, struct seq_file *m)
{
	struct container *ctn = to_container(item);
	struct bc_resource_parm parm;
	int nr;

	show_heading(m);
	for (nr = next_counted(0); nr < BC_RESOURCES; nr = next_counted(nr + 1)) {
		container_bc_read(ctn, nr, &parm);
		show_row(m, nr, &parm);
	}
	return 0;
}

static ssize_t container_bc_store(struct config_item *item, const char *buf,
				  size_t len)
{
	struct container *ctn = to_container(item);
	struct bc_word words[BC_WORDS];
	struct bc_limits limits;
	int nr_words, err;
	int nr = parse_line(buf, len, words, &nr_words);

	if (nr < 0)
		return nr;
	if (nr_words == 2 && word_is(&words[1], "reset"))
		err = container_bc_reset(ctn, nr);
	else
		err = parse_limits(words + 1, nr_words - 1, bc_resource(nr)->unit,
				   &limits) ?:
		      container_bc_set(ctn, nr, &limits);
	return err ?: len;
}

struct configfs_attribute container_attr_beancounters = {
	.ca_name	= "beancounters",
	.ca_mode	= 0644,
	.ca_owner	= THIS_MODULE,
	.ca_opener_cred	= true,
	.ca_notify	= true,
	.seq_show	= container_bc_seq_show,
	.store		= container_bc_store,
};

/* ---- of all containers ---- */

static int containers_bc_show(struct seq_file *m, void *v)
{
	struct bc_resource_parm parm;
	struct container *ctn = v;
	int nr;

	if (v == SEQ_START_TOKEN) {
		seq_printf(m, "%7s %-15s ", "id", "name");
		show_heading(m);
		for (nr = container_host_next(0); nr < BC_RESOURCES;
		     nr = container_host_next(nr + 1)) {
			container_host_read(nr, &parm);
			seq_printf(m, "%7d %-15s ", 0, "-");
			show_row(m, nr, &parm);
		}
		return 0;
	}
	for (nr = next_counted(0); nr < BC_RESOURCES; nr = next_counted(nr + 1)) {
		container_bc_read(ctn, nr, &parm);
		seq_printf(m, "%7d ", ctn->id);
		seq_setwidth(m, 15);
		container_show_name(ctn, m);
		seq_pad(m, ' ');
		show_row(m, nr, &parm);
	}
	return 0;
}

static const struct seq_operations containers_bc_ops = {
	.start	= containers_seq_start,
	.next	= containers_seq_next,
	.stop	= containers_seq_stop,
	.show	= containers_bc_show,
};

/* As stat at the top: for who may see all containers. */
struct configfs_attribute containers_attr_beancounters = {
	.ca_name	= "beancounters",
	.ca_mode	= 0400,
	.ca_owner	= THIS_MODULE,
	.seq_ops	= &containers_bc_ops,
};

/* ---- what new ones get ---- */

static int containers_bc_default_show(struct config_item *item, struct seq_file *m)
{
	struct bc_limits limits;
	int nr;

	seq_printf(m, "%-12s %12s %12s\n", "resource", "barrier", "limit");
	for (nr = next_counted(0); nr < BC_RESOURCES; nr = next_counted(nr + 1)) {
		container_bc_default(nr, &limits);
		seq_printf(m, "%-12s", bc_resource(nr)->name);
		show_limit(m, limits.barrier);
		show_limit(m, limits.limit);
		seq_putc(m, '\n');
	}
	return 0;
}

static ssize_t containers_bc_default_store(struct config_item *item,
					   const char *buf, size_t len)
{
	struct bc_word words[BC_WORDS];
	struct bc_limits limits;
	int nr_words, err;
	int nr = parse_line(buf, len, words, &nr_words);

	if (nr < 0)
		return nr;
	err = parse_limits(words + 1, nr_words - 1, bc_resource(nr)->unit, &limits) ?:
	      container_bc_set_default(nr, &limits);
	return err ?: len;
}

struct configfs_attribute containers_attr_default_beancounters = {
	.ca_name	= "default_beancounters",
	.ca_mode	= 0644,
	.ca_owner	= THIS_MODULE,
	.seq_show	= containers_bc_default_show,
	.store		= containers_bc_default_store,
};

/* ---- /proc/user_beancounters ---- */

/* The id is in the first line of each. Columns are as wide as any number. */
static void show_user_row(struct seq_file *m, int id, bool first, int nr,
			  const struct bc_resource_parm *parm)
{
	if (first)
		seq_printf(m, "%9d: ", id);
	else
		seq_printf(m, "%9s  ", "");
	seq_printf(m, " %-12s %20lu %20lu %20lu %20lu %20lu\n", bc_resource(nr)->name,
		   parm->held, parm->maxheld, parm->barrier, parm->limit, parm->failcnt);
}

static int user_beancounters_show(struct seq_file *m, void *v)
{
	struct bc_resource_parm parm;
	struct container *ctn = v;
	bool first = true;
	int nr;

	if (v == SEQ_START_TOKEN) {
		seq_puts(m, "Version: 2.5\n");
		seq_printf(m, "%10s  %-12s %20s %20s %20s %20s %20s\n", "uid",
			   "resource", "held", "maxheld", "barrier", "limit",
			   "failcnt");
		for (nr = container_host_next(0); nr < BC_RESOURCES;
		     nr = container_host_next(nr + 1)) {
			container_host_read(nr, &parm);
			show_user_row(m, 0, first, nr, &parm);
			first = false;
		}
		return 0;
	}
	for (nr = next_counted(0); nr < BC_RESOURCES; nr = next_counted(nr + 1)) {
		container_bc_read(ctn, nr, &parm);
		show_user_row(m, ctn->id, first, nr, &parm);
		first = false;
	}
	return 0;
}

static const struct seq_operations user_beancounters_ops = {
	.start	= containers_seq_start,
	.next	= containers_seq_next,
	.stop	= containers_seq_stop,
	.show	= user_beancounters_show,
};

static int __init container_bc_files_init(void)
{
	proc_create_seq("user_beancounters", 0400, NULL, &user_beancounters_ops);
	return 0;
}

/* after the tree is there */
late_initcall_sync(container_bc_files_init);

#ifdef CONFIG_CONTAINERS_KUNIT_TEST
#include "tests/bc-files-kunit.h"
#endif

// SPDX-License-Identifier: GPL-2.0
/*
 * The host's beancounters: what tasks in no container, and interrupts, take of the kernel.
 * Nobody is to pay for that, so it is counted only while count_host at the top says so, from
 * that moment on: what was there before is not in it. It has no limits.
 *
 * It is a container like any other, with id 0, that is in no directory; those who charge the
 * current task's ask for it where that has none. When it goes, its tokens name nobody, as
 * those of a container that is removed.
 *
 * What a container would be charged for is charged to it as before: what the host has been
 * charged for is no reason not to charge it. So of shared memory, which is whose that fills it
 * first, and of what comes in on a socket that listens, nothing is charged to the host; of
 * processes and what they map there are other numbers, in /proc.
 */
#include <linux/container.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/seq_file.h>
#include <linux/string.h>
#include "bc.h"

DEFINE_STATIC_KEY_FALSE(container_host_key);
struct container __rcu *container_host_row;

/* protects the two above */
static DEFINE_MUTEX(host_mutex);

static int begin(void)
{
	struct container *host = container_create_host();

	if (IS_ERR(host))
		return PTR_ERR(host);
	if (!container_make_bc(host)) {
		container_destroy(host);
		return -ENOMEM;
	}
	rcu_assign_pointer(container_host_row, host);
	static_branch_enable(&container_host_key);
	return 0;
}

static void end(void)
{
	struct container *host =
		rcu_dereference_protected(container_host_row, lockdep_is_held(&host_mutex));

	/* who charges it until it is not seen any more charges nobody */
	container_table_remove(host);
	static_branch_disable(&container_host_key);
	RCU_INIT_POINTER(container_host_row, NULL);
	container_destroy(host);
}

/* Is the resource of that number counted for the host? */
static bool is_counted(unsigned int nr)
{
	return bc_resource(nr)->counted && bc_resource(nr)->of_host;
}

/**
 * container_host_read - what the host has of a resource
 * @nr: number of the resource.
 * @parm: set to that; where it is not counted, to nothing, without limits.
 *
 * Context: May sleep.
 */
void container_host_read(unsigned int nr, struct bc_resource_parm *parm)
{
	struct container *host;

	*parm = (struct bc_resource_parm){ .barrier = BC_MAXVALUE, .limit = BC_MAXVALUE };
	if (!is_counted(nr))
		return;
	mutex_lock(&host_mutex);
	host = rcu_dereference_protected(container_host_row, lockdep_is_held(&host_mutex));
	if (host)
		container_bc_read(host, nr, parm);
	mutex_unlock(&host_mutex);
}

/**
 * container_host_next - the next resource that is counted for the host
 * @nr: where to begin.
 *
 * Context: Any.
 * Return: its number, or BC_RESOURCES if there is no more, or nothing is counted for the host.
 */
unsigned int container_host_next(unsigned int nr)
{
	if (!static_key_enabled(&container_host_key))
		return BC_RESOURCES;
	while (nr < BC_RESOURCES && !(bc_resource(nr) && is_counted(nr)))
		nr++;
	return nr;
}

static int count_host_seq_show(struct config_item *item, struct seq_file *m)
{
	seq_printf(m, "%d\n", static_key_enabled(&container_host_key));
	return 0;
}

static ssize_t count_host_store(struct config_item *item, const char *buf, size_t len)
{
	size_t digits = len && buf[len - 1] == '\n' ? len - 1 : len;
	bool on;
	int err = 0;

	if (digits != 1 || (buf[0] != '0' && buf[0] != '1'))
		return -EINVAL;
	on = buf[0] == '1';
	mutex_lock(&host_mutex);
	if (on && !static_key_enabled(&container_host_key))
		err = begin();
	else if (!on && static_key_enabled(&container_host_key))
		end();
	mutex_unlock(&host_mutex);
	return err ?: len;
}

struct configfs_attribute containers_attr_count_host = {
	.ca_name	= "count_host",
	.ca_mode	= 0644,
	.ca_owner	= THIS_MODULE,
	.seq_show	= count_host_seq_show,
	.store		= count_host_store,
};

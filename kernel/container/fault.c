// SPDX-License-Identifier: GPL-2.0
/*
 * Allocations that fail on demand, where the kernel's own fault injection does not
 * reach. For tests; built only with CONFIG_CONTAINERS_DEBUG and
 * CONFIG_FAULT_INJECTION, and done as all of that is: /proc/PID/fail-nth counts
 * these, too, and debugfs' containers/fail_percpu has the usual files.
 */
#include <linux/debugfs.h>
#include <linux/fault-inject.h>
#include "internal.h"

/* alloc_percpu() takes what it has, and asks for pages only when that is used up */
static DECLARE_FAULT_ATTR(fail_percpu);

/**
 * container_percpu_fails - is an allocation for each CPU to fail?
 * @size: how much is going to be asked for, in bytes.
 *
 * Context: Any.
 * Return: whether to go on as if alloc_percpu() had failed.
 */
bool container_percpu_fails(size_t size)
{
	return should_fail(&fail_percpu, size);
}

/* Makes the files; @dir is debugfs' containers. */
void __init container_fault_init(struct dentry *dir)
{
	fault_create_debugfs_attr("fail_percpu", dir, &fail_percpu);
}

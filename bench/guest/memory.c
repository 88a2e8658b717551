// SPDX-License-Identifier: GPL-2.0
/*
 * What it takes of the memory: /proc/meminfo and /proc/slabinfo before and after
 * there is more of something.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest.h"

/* What the kernel has taken for itself, in bytes. */
static double kernel_memory(void)
{
	static const char * const kinds[] = {
		"Slab", "Percpu", "VmallocUsed", "KernelStack", "PageTables" };
	double sum = 0;

	settle();
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		sum += get_field("/proc/meminfo", kinds[i]);
	return sum * 1024;
}

/* All pages that are free, also those in the CPUs' lists, in bytes. */
static double free_memory(void)
{
	double pages = get_field("/proc/meminfo", "MemFree") * 1024.0 / PAGE;
	char *at = get("/proc/zoneinfo");

	while ((at = strstr(at, " count: ")))
		pages += strtoul(at += strlen(" count: "), NULL, 10);
	return pages * PAGE;
}

/* The memory of one more group. */
void row_kmem(void)
{
	const int groups = 500;
	double before = 0, free_before = 0;
	char name[32];

	/* what is made only once is made by the first 500 */
	for (int i = 0; i < 2 * groups; i++) {
		if (i == groups) {
			before = kernel_memory();
			free_before = free_memory();
		}
		snprintf(name, sizeof(name), "g%d", i);
		group_make(name);
	}
	result("kmem", (kernel_memory() - before) / groups);
	result("kmem-free", (free_before - free_memory()) / groups);
}

/* Bytes that a slab takes for each object of it. */
static double slab_object(const char *name)
{
	unsigned long active, objects, size, per_slab, pages;
	char key[64], *at;

	snprintf(key, sizeof(key), "\n%s ", name);
	at = strstr(get("/proc/slabinfo"), key);
	if (!at || sscanf(at + strlen(key), "%lu %lu %lu %lu %lu", &active, &objects,
			  &size, &per_slab, &pages) != 5) {
		errno = ENOENT;
		die("slab %s", name);
	}
	return pages * PAGE / (double)per_slab;
}

#define TASKS	500
#define FILES	5000

static void nap_tasks(void)
{
	int ready[2];
	char byte;

	if (pipe(ready))
		die("pipe");
	for (int i = 0; i < TASKS; i++) {
		pid_t pid = fork();

		if (pid < 0)
			die("fork");
		if (!pid) {
			if (write(ready[1], "", 1) != 1)
				_exit(1);
			for (;;)
				pause();
		}
	}
	for (int i = 0; i < TASKS; i++)
		if (read(ready[0], &byte, 1) != 1)
			die("a task");
	close(ready[0]);
	close(ready[1]);
}

static void write_files(void)
{
	char path[64];

	for (int i = 0; i < FILES; i++) {
		int fd;

		snprintf(path, sizeof(path), TMPFS "/memory%d", i);
		fd = open(path, O_RDWR | O_CREAT, 0600);
		if (fd < 0 || write(fd, "", 1) != 1 || ftruncate(fd, 0))
			die("%s", path);
		close(fd);
	}
}

void row_memory(void)
{
	double before;

	/* what the kernel has left of it: struct page and page_ext are taken */
	settle();
	result("memory-free", free_memory());
	result("memory-task-struct", slab_object("task_struct"));
	result("memory-mm-struct", slab_object("mm_struct"));
	result("memory-tmpfs-inode", slab_object("shmem_inode_cache"));
	result("memory-ext4-inode", slab_object("ext4_inode_cache"));

	before = kernel_memory();
	write_files();
	result("memory-file", (kernel_memory() - before) / FILES);

	before = kernel_memory();
	nap_tasks();
	result("memory-task", (kernel_memory() - before) / TASKS);
	/* the tasks end with the machine */
}

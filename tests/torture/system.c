// SPDX-License-Identifier: GPL-2.0
/*
 * Actors that do to the machine what an administrator may do while containers
 * are in use: swap off and on, unmounting, dropping caches, hot-plugging memory
 * and processors, and turning the knobs of the memory management. They are in no
 * container themselves, and nothing kills them.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <unistd.h>
#include "torture.h"

#define KSM	"/sys/kernel/mm/ksm/"
#define THP	"/sys/kernel/mm/transparent_hugepage/"
#define CPU1	"/sys/devices/system/cpu/cpu1/"

/* ---- swap ---- */

static const char *swap_device(void)
{
	static char device[64];
	char text[4096];
	int i;

	/* that which the guest was started with; it is off at times */
	if (device[0] || get("/proc/swaps", text, sizeof(text)) <= 0)
		return device;
	for (i = 0; text[i] && text[i] != '\n'; i++)
		;
	sscanf(text + i, " %63s", device);
	return device;
}

static int op_swapoff(struct actor *a)
{
	int err;

	(void)a;
	if (!swap_device()[0])
		return NOTHING;
	__atomic_add_fetch(&shared->swapoffs, 1, __ATOMIC_SEQ_CST);
	err = swapoff(swap_device()) ? errno : 0;
	__atomic_add_fetch(&shared->swapoffs, 1, __ATOMIC_SEQ_CST);
	if (swapon(swap_device(), 0) && errno != EBUSY)
		say("swapon: %s", strerror(errno));
	return err;
}

/* ---- file systems ---- */

static int op_umount_tmpfs(struct actor *a)
{
	int err;

	err = umount2(WORK "/tmp", chance(a, 50) ? 0 : MNT_DETACH) ? errno : 0;
	if (!err && mount("torture", WORK "/tmp", "tmpfs", 0,
			  chance(a, 50) ? "size=40%,huge=within_size" : "size=40%"))
		say("mount of a tmpfs: %s", strerror(errno));
	return err;
}

/* Not detached: the device can only be mounted again when that is gone. */
static int op_umount_disk(struct actor *a)
{
	int err;

	(void)a;
	err = umount2(WORK "/ram", 0) ? errno : 0;
	if (!err && mount("/dev/ram0", WORK "/ram", "ext4", 0, NULL))
		say("mount of the RAM disk: %s", strerror(errno));
	return err;
}

static int op_remount(struct actor *a)
{
	(void)a;
	if (mount(NULL, WORK "/tmp", NULL, MS_REMOUNT | MS_RDONLY, NULL))
		return errno;
	return mount(NULL, WORK "/tmp", NULL, MS_REMOUNT, NULL) ? errno : 0;
}

static int op_sync(struct actor *a)
{
	(void)a;
	sync();
	return 0;
}

/* ---- memory ---- */

static int op_drop_caches(struct actor *a)
{
	return putf("/proc/sys/vm/drop_caches", "%lu", 1 + below(a, 3));
}

static int op_compact(struct actor *a)
{
	(void)a;
	return put("/proc/sys/vm/compact_memory", "1");
}

static int op_node_reclaim(struct actor *a)
{
	char path[96];

	snprintf(path, sizeof(path), "/sys/devices/system/node/node%lu/compact",
		 below(a, 2));
	return put(path, "1");
}

/* A block is taken away, if its pages can be moved, and comes back. */
static int op_memory_hotplug(struct actor *a)
{
	unsigned long nr = 0, chosen;
	char path[320], text[64];
	struct dirent *entry;
	DIR *d = opendir("/sys/devices/system/memory");
	int err;

	if (!d)
		return errno;
	while ((entry = readdir(d)))
		nr += sscanf(entry->d_name, "memory%lu", &chosen) == 1;
	rewinddir(d);
	chosen = nr ? below(a, nr) : 0;
	while ((entry = readdir(d)))
		if (!strncmp(entry->d_name, "memory", 6) && !chosen--)
			break;
	if (!entry) {
		closedir(d);
		return NOTHING;
	}
	snprintf(path, sizeof(path), "/sys/devices/system/memory/%s/state",
		 entry->d_name);
	closedir(d);
	err = put(path, "offline");
	/* whatever happened: it is to be there afterwards */
	if (get(path, text, sizeof(text)) > 0 && !strncmp(text, "offline", 7) &&
	    put(path, "online_movable") && put(path, "online"))
		say("%s does not come back", path);
	return err;
}

static int op_cpu_hotplug(struct actor *a)
{
	int err;

	(void)a;
	err = put(CPU1 "online", "0");
	if (!err)
		err = put(CPU1 "online", "1");
	return err;
}

/* ---- knobs ---- */

static int op_ksm(struct actor *a)
{
	put(KSM "sleep_millisecs", "20");
	put(KSM "pages_to_scan", "1000");
	/* 2 also splits up what has been merged */
	return putf(KSM "run", "%lu", chance(a, 60) ? 1 : below(a, 3));
}

static int op_huge_pages(struct actor *a)
{
	static const char * const enabled[] = { "always", "madvise", "never" };
	static const char * const shmem[] = {
		"always", "within_size", "advise", "never",
	};

	put(THP "khugepaged/scan_sleep_millisecs", chance(a, 50) ? "100" : "10000");
	put(THP "khugepaged/alloc_sleep_millisecs", "100");
	put(THP "hugepages-64kB/enabled", enabled[below(a, 3)]);
	put(THP "hugepages-64kB/shmem_enabled", shmem[below(a, 4)]);
	put(THP "shmem_enabled", shmem[below(a, 4)]);
	return put(THP "enabled", enabled[below(a, 3)]);
}

/*
 * Everything moves from one set of lists to the other. For that the kernel patches
 * code that all processors run, all the time, and QEMU before 8.1 may go on with
 * the breakpoint that it puts there meanwhile: see tests/vm/run. So there is one.
 */
static int op_lru_gen(struct actor *a)
{
	int err;

	put(CPU1 "online", "0");
	err = put("/sys/kernel/mm/lru_gen/enabled", chance(a, 70) ? "n" : "y");
	put(CPU1 "online", "1");
	return err;
}

static int op_zswap(struct actor *a)
{
	return put("/sys/module/zswap/parameters/enabled",
		   chance(a, 50) ? "Y" : "N");
}

static int op_vm(struct actor *a)
{
	switch (below(a, 4)) {
	case 0:
		return putf("/proc/sys/vm/swappiness", "%lu", below(a, 201));
	case 1:
		return putf("/proc/sys/vm/page-cluster", "%lu", below(a, 5));
	case 2:
		return putf("/proc/sys/vm/vfs_cache_pressure", "%lu",
			    50 + below(a, 1000));
	default:
		return put("/proc/sys/vm/stat_refresh", "1");
	}
}

/* ---- looking ---- */

static int op_look(struct actor *a)
{
	static const char * const paths[] = {
		"/proc/kpageflags", "/proc/kpagecount", "/proc/vmstat",
		"/proc/zoneinfo", "/sys/kernel/mm/page_idle/bitmap",
		"/sys/kernel/debug/lru_gen_full",
	};
	static char text[1 << 16];
	int fd = open(paths[below(a, 6)], O_RDONLY | O_CLOEXEC);
	ssize_t got = 0;

	if (fd < 0)
		return errno;
	for (int i = 0; i < 32 && (got = read(fd, text, sizeof(text))) > 0; i++)
		;
	close(fd);
	return got < 0 ? errno : 0;
}

/* With the memory cgroup: actors go from one to the other, below a limit. */
static int op_cgroup(struct actor *a)
{
	unsigned long i = below(a, 2);
	pid_t pid;
	char path[96];

	if (access("/sys/fs/cgroup/torture0/memory.max", F_OK))
		return NOTHING;
	switch (below(a, 4)) {
	case 0:
		snprintf(path, sizeof(path),
			 "/sys/fs/cgroup/torture%lu/memory.high", i);
		return chance(a, 50) ? put(path, "max") :
				       putf(path, "%luM", 8 + below(a, 64));
	case 1:
		snprintf(path, sizeof(path),
			 "/sys/fs/cgroup/torture%lu/memory.reclaim", i);
		return putf(path, "%luM", 1 + below(a, 16));
	}
	pid = shared->slot[below(a, shared->nr_slots)].pid;
	snprintf(path, sizeof(path), "/sys/fs/cgroup/%scgroup.procs",
		 i ? "torture0/" : chance(a, 50) ? "torture1/" : "");
	return pid > 0 ? putf(path, "%d", pid) : NOTHING;
}

/* ---- the kind ---- */

static const struct op ops[] = {
	{ "swapoff, swapon", 4, op_swapoff },
	{ "umount tmpfs", 6, op_umount_tmpfs },
	{ "umount ext4", 6, op_umount_disk },
	{ "remount", 2, op_remount },
	{ "sync", 2, op_sync },
	{ "drop_caches", 6, op_drop_caches },
	{ "compact_memory", 4, op_compact },
	{ "compact a node", 2, op_node_reclaim },
	{ "memory hot-plug", 3, op_memory_hotplug },
	{ "CPU hot-plug", 3, op_cpu_hotplug },
	{ "KSM", 4, op_ksm },
	{ "huge pages", 6, op_huge_pages },
	{ "lru_gen", 2, op_lru_gen },
	{ "zswap", 2, op_zswap },
	{ "vm knobs", 4, op_vm },
	{ "look", 4, op_look },
	{ "cgroups", 8, op_cgroup },
	{ }
};

const struct kind system_kind = {
	.name = "system", .ops = ops, .patience = 6, .delay = 600,
};

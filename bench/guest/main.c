// SPDX-License-Identifier: GPL-2.0
/*
 * ROW CONFIGURATION: run one row of the benchmark, and say what came of it in
 * lines of "= NAME NUMBER". This is the only program in the guest: as init it
 * mounts what the rows need, and turns the machine off in the end. In a guest
 * of tests/vm/run, which has all that, it is a program like others.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/reboot.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest.h"

static const struct {
	const char *name;
	void (*run)(void);
	bool disk, swap;	/* needs ext4; needs a swap device */
	bool outside;		/* enters groups by itself */
	bool counted;		/* with beancounters */
} rows[] = {
	{ "anon", row_anon },
	{ "tmpfs", row_tmpfs },
	{ "anon-limit", row_anon_limit },
	{ "tmpfs-limit", row_tmpfs_limit },
	{ "map", row_map, .disk = true },
	{ "fork", row_fork },
	{ "fork-counted", row_fork, .counted = true },
	{ "object", row_object, .counted = true },
	{ "read", row_read, .disk = true },
	{ "write", row_write, .disk = true },
	{ "swap", row_swap, .swap = true },
	{ "mkdir", row_mkdir, .outside = true },
	{ "kmem", row_kmem, .outside = true },
	{ "trim-page", row_trim, .disk = true, .swap = true },
	{ "crossing", row_crossing, .disk = true, .swap = true },
	{ "stall", row_stall, .disk = true, .swap = true, .outside = true },
	{ "vma", row_vma, .swap = true },
	{ "vmas", row_vmas, .swap = true },
	{ "file", row_file, .disk = true },
	{ "files", row_files, .disk = true },
	{ "groups", row_scale, .outside = true },
	{ "owned", row_owned, .outside = true },
	{ "contend", row_contend, .outside = true },
	{ "objects", row_memory, .disk = true },
};

/*
 * The file system image is in /ext4: for each block that is not zero, its
 * number and its contents.
 */
static void make_disk(void)
{
	static char block[PAGE];
	uint64_t number;
	int from, to;

	from = open("/ext4", O_RDONLY);
	to = open("/dev/ram0", O_WRONLY);
	if (from < 0 || to < 0)
		die("the disk");
	while (read(from, &number, sizeof(number)) == sizeof(number))
		if (read(from, block, PAGE) != PAGE ||
		    pwrite(to, block, PAGE, number * PAGE) != PAGE)
			die("filling the disk");
	close(from);
	close(to);
	unlink("/ext4");
	mount_at("ext4", "/dev/ram0", EXT4);
}

static void make_swap(unsigned long size)
{
	static char header[PAGE];
	uint32_t *info = (uint32_t *)(header + 1024);
	int fd;

	put("/sys/block/zram0/disksize", "%lu", size);
	info[0] = 1;			/* version */
	info[1] = size / PAGE - 1;	/* last page */
	/* NOLINTNEXTLINE(bugprone-not-null-terminated-result): it is none there */
	memcpy(header + PAGE - 10, "SWAPSPACE2", 10);
	fd = open("/dev/zram0", O_WRONLY);
	if (fd < 0 || write(fd, header, PAGE) != PAGE || close(fd))
		die("/dev/zram0");
	if (swapon("/dev/zram0", 0))
		die("swapon");
}

static void be_init(size_t row)
{
	mount_at("proc", "none", "/proc");
	mount_at("sysfs", "none", "/sys");
	mount_at("devtmpfs", "none", "/dev");
	mount_at("tmpfs", "none", TMPFS);
	if (conf->memcg)
		mount_at("cgroup2", "none", "/sys/fs/cgroup");
	if (conf->container)
		mount_at("configfs", "none", "/config");
	if (rows[row].disk)
		make_disk();
	if (rows[row].swap)
		make_swap(256 * MB);
	/* by then the kernel has settled on its clock */
	sleep(3);
}

static void turn_off(void)
{
	fflush(stdout);
	/* the last character has to be out of the serial line */
	usleep(10000);
	reboot(LINUX_REBOOT_CMD_RESTART);
	die("reboot");
}

static void run(size_t row)
{
	group_setup();
	if (rows[row].counted)
		group_count();
	in_child(conf->enter && !rows[row].outside ? "bench" : NULL, rows[row].run);
}

int main(int argc, char **argv)
{
	size_t row = 0;

	if (argc != 3) {
		fprintf(stderr, "usage: guest ROW CONFIGURATION\n");
		return 2;
	}
	group_choose(argv[2]);
	while (row < sizeof(rows) / sizeof(*rows) && strcmp(rows[row].name, argv[1]))
		row++;
	if (row == sizeof(rows) / sizeof(*rows)) {
		errno = EINVAL;
		die("row %s", argv[1]);
	}
	if (getpid() == 1) {
		int status;
		pid_t pid = fork();

		/* whatever happens to it, the machine is turned off */
		if (!pid) {
			be_init(row);
			run(row);
			_exit(0);
		}
		waitpid(pid, &status, 0);
		printf(status ? "bench: failed\n" : "bench: done\n");
		turn_off();
	}
	run(row);
	return 0;
}

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The guest's side of bench/choice/run: guest.sh PROGRAM LISTS GROUP,... ROW...
# prints "= ROW GROUP again=N of=N usec=N" for each. LISTS is "classic" or "mglru";
# GROUP is page_limit, or high or max of a memory cgroup, each of 32 MB.
set -eu

program=$1
lists=$2
IFS=, read -ra groups <<<"$3"
shift 3

[ "$lists" = mglru ] && enabled=y || enabled=n
echo "$enabled" >/sys/kernel/mm/lru_gen/enabled

group() {
	group=/config/containers/$row
	[ "$1" = page_limit ] || group=/sys/fs/cgroup/$row
	mkdir "$group"
	case $1 in
	page_limit) echo 32M >"$group/page_limit" ;;
	*) echo 32M >"$group/memory.$1" ;;
	esac
}

join() {
	case $group in
	/config/*) echo $BASHPID >"$group/addtask" ;;
	*) echo $BASHPID >"$group/cgroup.procs" ;;
	esac
}

remove() {
	for _ in {1..50}; do
		! rmdir "$group" 2>/dev/null || return 0
		sleep 0.1
	done
	echo "cannot remove $group" >&2
	return 1
}

case "${groups[*]}" in
*high* | *max*)
	mountpoint -q /sys/fs/cgroup || mount -t cgroup2 none /sys/fs/cgroup
	echo +memory >/sys/fs/cgroup/cgroup.subtree_control
	;;
esac

for row; do
	files=/mnt/disk/$row
	mkdir "$files"
	"$program" make "$row" "$files"
	for limit in "${groups[@]}"; do
		sync
		echo 3 >/proc/sys/vm/drop_caches
		group "$limit"
		done=$(join && exec "$program" run "$row" "$files")
		echo "= $row $limit $done"
		remove
	done
	rm -r "$files"
done

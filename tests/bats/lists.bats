#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# tasks and mappings read whole, however long.
#
# vm: --mem 2G --smp 2
# kernels: base

load common

setup_file() { common_setup_file; }
setup() { common_setup; }

teardown() {
	common_teardown
	rm -rf /dev/shm/many
}

@test "tasks reads whole with 20,000 entries" {
	echo 60000 >/proc/sys/kernel/threads-max
	echo 100000 >/proc/sys/kernel/pid_max
	hold_start p "$C"
	HOLD_TIMEOUT=200 tells p threads 19999
	assert_equal "$(attr num_tasks)" 20000
	sort -nuc "$C/tasks"
	assert_equal "$(cksum <"$C/tasks")" "$(printf '%s\n' "/proc/$p/task"/* |
		sed 's/.*\///' | sort -n | cksum)"
	assert_equal "$(dd if="$C/tasks" bs=1000 status=none | cksum)" "$(cksum <"$C/tasks")"
	set_attr rmtask "$p"
	assert_equal "$(attr num_tasks)" 0
	set_attr addtask "$p"
	assert_equal "$(attr num_tasks)" 20000
}

@test "mappings reads whole with 20,000 entries" {
	mkdir /dev/shm/many
	hold_start p "$C"
	HOLD_TIMEOUT=200 tells p files /dev/shm/many 20000
	assert_equal "$(attr num_files) $(attr num_file_pages)" "20000 20000"
	assert_equal "$(wc -l <"$C/mappings")" 20000
	assert_equal "$(awk '{ print $4 }' "$C/mappings" | sort -u | grep -cE '^/many/f[0-9]+$')" 20000
	timeout 60 rmdir "$C"
	mkdir "$C"
	assert_equal "$(find /dev/shm/many -type f | wc -l)" 20000
}

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

# lists_each FIRST LAST: mappings lists each file of these once, by path.
lists_each() {
	assert_equal "$(awk '{ print $4 }' "$C/mappings" | grep -cE '^/many/f[0-9]+$')" \
		$(($2 - $1 + 1))
	assert_equal "$(awk '{ print $4 }' "$C/mappings" | sort -u | wc -l)" $(($2 - $1 + 1))
}

@test "mappings reads whole with 20,000 entries" {
	mkdir /dev/shm/many
	hold_start p "$C"
	HOLD_TIMEOUT=200 tells p files /dev/shm/many 20000
	# it owns none of these, but has memory in each
	assert_equal "$(attr num_files) $(attr num_file_pages)" "0 20000"
	assert_equal "$(wc -l <"$C/mappings")" 20000
	lists_each 0 19999
	assert_equal "$(awk '$1 != 1' "$C/mappings" | wc -l)" 0
	assert_equal "$(dd if="$C/mappings" bs=1000 status=none | cksum)" "$(cksum <"$C/mappings")"
	timeout 60 rmdir "$C"
	mkdir "$C"
	assert_equal "$(find /dev/shm/many -type f | wc -l)" 20000
}

available() {
	awk '$1 == "MemAvailable:" { print $2 }' /proc/meminfo
}

@test "who has mappings open holds a page of it, however long it is" {
	local before after reader

	mkdir /dev/shm/many
	hold_start p "$C"
	HOLD_TIMEOUT=200 tells p files /dev/shm/many 10000
	mkfifo "$BATS_TEST_TMPDIR/ready"
	before=$(available)
	python3 -c '
import os, sys, time
for i in range(400):
    assert os.read(os.open(sys.argv[1], os.O_RDONLY), 1)
open(sys.argv[2], "w").write("ready\n")
time.sleep(600)' "$C/mappings" "$BATS_TEST_TMPDIR/ready" 3>&- &
	reader=$!
	run timeout 60 cat "$BATS_TEST_TMPDIR/ready"
	assert_output ready
	after=$(available)
	kill $reader
	# Python itself takes some 10 MB
	echo "400 readers hold $((before - after)) kB"
	assert [ $((before - after)) -lt 25000 ]
}

@test "mappings is read to its end while what it lists goes away" {
	local reader

	mkdir /dev/shm/many
	hold_start p "$C"
	HOLD_TIMEOUT=200 tells p files /dev/shm/many 2000
	exec {reader}<"$C/mappings"
	dd bs=4096 count=1 status=none <&$reader >"$BATS_TEST_TMPDIR/list"
	# some that it has listed, the last that it has, and some of those to come
	rm /dev/shm/many/f{0..49} /dev/shm/many/f{1500..1999}
	rm -f "/dev/shm$(tail -n 1 "$BATS_TEST_TMPDIR/list" | cut -d ' ' -f 4)"
	cat <&$reader >>"$BATS_TEST_TMPDIR/list"
	exec {reader}<&-
	# each of those that are left once, and none twice
	assert_equal "$(awk '{ print $4 }' "$BATS_TEST_TMPDIR/list" | grep -E '^/many/f[0-9]+$' |
		sort | uniq -d | wc -l)" 0
	cut -d ' ' -f 4 "$BATS_TEST_TMPDIR/list" | sort -u >"$BATS_TEST_TMPDIR/listed"
	find /dev/shm/many -type f | sed 's|^/dev/shm||' | sort >"$BATS_TEST_TMPDIR/left"
	assert_equal "$(comm -13 "$BATS_TEST_TMPDIR/listed" "$BATS_TEST_TMPDIR/left")" ''
	# nor any that was gone before its turn came
	assert_equal "$(grep -cE '^/many/f(1[5-9][0-9][0-9])$' "$BATS_TEST_TMPDIR/listed")" 0
}

#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# Containers beside the memory cgroup: one task, two limits, and both hold.
#
# vm: --mem 512M --smp 2 --disk 384M --swap 256M
# kernels: coexist

load common

setup_file() {
	common_setup_file
	echo +memory >/sys/fs/cgroup/cgroup.subtree_control
}

setup() {
	common_setup
	F=/mnt/disk/$BATS_TEST_NUMBER
	G=/sys/fs/cgroup/g$BATS_TEST_NUMBER
	mkdir "$G"
}

teardown() {
	common_teardown
	rm -f "$F"
	rmdir "$G"
}

# in_both COMMAND...: in the container and in the cgroup.
in_both() {
	# shellcheck disable=SC2016
	timeout 120 sh -c 'echo $$ >"$0/cgroup.procs"; exec "$@"' "$G" enter "$C" "$@" 3>&-
}

@test "the container's limit holds in a cgroup without one" {
	set_attr page_limit 2048
	in_both dd if=/dev/zero of="$F" bs=64K count=1280 status=none
	wait_until 20 usage_at_most 2048
	assert [ "$(attr page_limit_hits)" -gt 0 ]
}

@test "the cgroup's limit holds in a container without one" {
	echo 16M >"$G/memory.max"
	in_both dd if=/dev/zero of="$F" bs=64K count=1280 status=none
	assert [ "$(cat "$G/memory.current")" -le 16777216 ]
	assert [ "$(usage)" -le 4096 ]
	assert_equal "$(attr page_limit_hits)" 0
}

@test "with both, the tighter one is kept, and so is the other" {
	echo 32M >"$G/memory.max"
	set_attr page_limit 2048
	in_both dd if=/dev/zero of="$F" bs=64K count=1280 status=none
	wait_until 20 usage_at_most 2048
	assert [ "$(cat "$G/memory.current")" -le 33554432 ]
	assert_equal "$(awk '/^oom_kill / { print $2 }' "$G/memory.events")" 0
}

@test "anonymous pages, with both limits, go to swap and come back" {
	echo 32M >"$G/memory.max"
	set_attr page_limit 2048
	hold_start p "$C"
	echo "$p" >"$G/cgroup.procs"
	tells p anon a 12000
	HOLD_TIMEOUT=100 tells p touch a
	wait_until 20 usage_at_most 2048
	HOLD_TIMEOUT=100 tells p check a
	assert_equal "$(awk '/^oom_kill / { print $2 }' "$G/memory.events")" 0
	let_go p
}

@test "both count the same anonymous pages" {
	hold_start p
	echo "$p" >"$G/cgroup.procs"
	set_attr addtask "$p"
	tells p exec
	tells p anon a 3000
	tells p touch a
	assert_exact_anon p
	run awk '/^anon / { print $2 / 4096 }' "$G/memory.stat"
	assert [ $((output - 3000)) -lt 300 ]
	assert [ $((output - 3000)) -ge 0 ]
	let_go p
}

@test "rmdir of the container leaves the cgroup's charges alone" {
	local before

	hold_start p "$C"
	echo "$p" >"$G/cgroup.procs"
	tells p write "$F" 2000
	before=$(awk '/^file / { print $2 }' "$G/memory.stat")
	rmdir "$C"
	mkdir "$C"
	assert_equal "$(awk '/^file / { print $2 }' "$G/memory.stat")" "$before"
	let_go p
}

#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# page_limit without any swap: nothing can be done about anonymous pages, and
# nobody may be hurt for them.
#
# vm: --mem 512M --smp 2 --disk 384M --append psi=0

load common

setup_file() { common_setup_file; }

setup() {
	common_setup
	F=/mnt/disk/$BATS_TEST_NUMBER
	LIMIT=2048
}

teardown() {
	common_teardown
	rm -f "$F"
}

@test "a machine without PSI says so of pressure" {
	run cat "$C/pressure"
	assert_failure
	assert_output --partial 'Operation not supported'
}

@test "an anonymous touch of 20 times the limit ends, and nobody is killed" {
	set_attr page_limit "$LIMIT"
	hold_start p "$C"
	tells p anon a 40960
	HOLD_TIMEOUT=100 tells p touch a
	tells p check a
	assert_exact_anon p
	assert [ "$(attr page_limit_hits)" -gt 0 ]
	run dmesg
	refute_output --partial 'Out of memory'
	refute_output --partial 'oom-kill'
}

@test "files are trimmed while anonymous pages are over the limit alone" {
	set_attr page_limit 1000
	hold_start p "$C"
	tells p anon a 1500
	tells p touch a
	HOLD_TIMEOUT=100 tells p write "$F" 10000
	few_files() { [ "$(attr num_file_pages)" -lt 1000 ]; }
	wait_until 20 few_files
	tells p check a
}

@test "dd writes 20 times the limit" {
	set_attr page_limit "$LIMIT"
	timeout 100 enter "$C" dd if=/dev/zero of="$F" bs=64K count=2560 status=none
	wait_until 20 usage_at_most "$LIMIT"
	assert_equal "$(stat -c %s "$F")" 167772160
}

@test "an mmap write of 20 times the limit" {
	truncate -s 160M "$F"
	set_attr page_limit "$LIMIT"
	hold_start p "$C"
	tells p map m "$F" 40960 shared
	HOLD_TIMEOUT=200 tells p touch m
	wait_until 20 usage_at_most "$LIMIT"
	HOLD_TIMEOUT=200 tells p check m
}

@test "tmpfs pages stay, and so does their writer" {
	set_attr page_limit 500
	hold_start p "$C"
	tells p shm s 3000
	HOLD_TIMEOUT=100 tells p touch s
	tells p check s
	assert_equal "$(attr num_file_pages)" 3000
}

@test "when nothing can be trimmed a task is not held up for long" {
	local took

	set_attr page_limit 100
	hold_start p "$C"
	tells p anon a 20000
	took=$(HOLD_TIMEOUT=100 tell p time touch a)
	echo "took $took ms"
	assert [ "$took" -lt $((20000 * ${SLOW:-1})) ]
}

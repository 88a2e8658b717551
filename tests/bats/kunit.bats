#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# The KUnit tests of the kernel part: they run as it boots.
#
# vm: --append kunit.enable=1

load common

passes() {
	run cat "/sys/kernel/debug/kunit/$1/results"
	assert_success
	refute_output --partial 'not ok'
	assert_output --regexp "pass:$2 fail:0 skip:0 total:$2"
}

@test "KUnit: stocks and limits" {
	passes container_counter 4
}

@test "KUnit: whom a token names" {
	passes container_token 5
}

@test "KUnit: how limits and pids are read" {
	passes container_configfs 3
}

@test "KUnit: when and how far kcontainerd trims" {
	passes container_trim 6
}

@test "KUnit: what is charged below a barrier and a limit" {
	passes container_bc 7
}

@test "KUnit: what the kernel's own pages are charged" {
	passes container_kmem 4
}

@test "KUnit: how barriers and limits are read" {
	passes container_bc_files 3
}

@test "KUnit: how waits become averages" {
	passes container_pressure 5
	passes container_trigger 5
}

@test "KUnit: whose use of a mapped page counts" {
	passes container_file 2
}

#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# What a task in a container costs has not grown: instructions, counted by QEMU,
# may not be more than 2 % above what cost.recorded says. "bench/guard --record"
# writes that anew; "make bench ROW=anon PROFILE=inside" says where they go.
#
# where: host

load common

guard() {
	run "$BATS_TEST_DIRNAME/../../bench/guard" "$1"
	assert_success
}

@test "an anonymous page in a container costs what it did" {
	guard anon
}

@test "a page written to tmpfs in a container costs what it did" {
	guard tmpfs
}

@test "a fork in a container costs what it did" {
	guard fork
}

@test "reading a disk at the limit of a container costs what it did" {
	guard read
}

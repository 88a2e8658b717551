#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# With other compilers, and other flags than ours.

load helper

# builds NAME ARGUMENT...: make takes these, with all warnings being errors
builds() {
	run make -s -C "$CTNCTL_SOURCE" BUILD="$BATS_TEST_TMPDIR/$1" WERROR=1 "${@:2}" all
	assert_success
	run "$BATS_TEST_TMPDIR/$1/ctnctl" --version
	assert_success
	assert_output --partial ctnctl
}

@test "clang builds it without a warning" {
	builds clang CC=clang
}

@test "so does gcc, and with LTO" {
	builds gcc CC=gcc
	builds lto CC=gcc CFLAGS='-O2 -g -flto'
}

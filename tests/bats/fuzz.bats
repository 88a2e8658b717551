#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# A short run of the fuzzer of the tree: see tests/fuzz/tree.c. "make fuzz" is the
# long one. It tells of a failure with the command that does the same again.
#
# vm: --mem 512M --smp 2 --swap 128M

load common

setup_file() {
	FUZZ=${FUZZ:-$BATS_TEST_DIRNAME/../../build/fuzz}
	export PATH=$FUZZ:$PATH
	keep "$FUZZ/fuzz-tree"
}

setup() {
	can_nap
}

# One that has failed leaves all where it was. No container is left over.
teardown() {
	pkill -9 -x fuzz-tree || true
	pkill -9 -x fuzz-sleeper || true
	find "$ROOT" -mindepth 1 -maxdepth 1 -type d -exec rmdir {} +
	echo max >"$ROOT/default_page_limit"
	echo max >"$ROOT/default_task_limit"
	echo 0 >"$ROOT/count_host"
	reset_default_beancounters
	rm -rf /dev/shm/fuzz-*
	wait_until 60 all_freed || fail "$(<"$AUDIT")"
}

# What there was to be done has been done, and some of it was taken.
assert_done() {
	local operation taken

	for operation in "$@"; do
		taken=$(awk -v operation="$operation" '
			$2 == operation { sum += $4 } END { print +sum }' <<<"$output")
		assert [ "$taken" -gt 0 ]
	done
}

# fuzz AS COUNT: the sum of what the workers have done is in $output.
fuzz() {
	run fuzz-tree --as "$1" --seed "${SEED:-1}" --count "$2"
	assert_success
}

@test "whatever root does comes to what the manual says" {
	fuzz root 40000
	assert_done write_value write_default write_bc write_default_bc write_task \
		write_file kill write_peak shrink \
		write_held open read_held watch mkdir rmdir chmod look
}

@test "whatever a user does changes nothing but what is theirs" {
	fuzz user 40000
	assert_done write_value write_task write_file kill write_peak shrink write_held open \
		read_held watch chmod look
}

@test "nor does root of a user namespace" {
	fuzz userns 40000
	assert_done write_value write_task write_file kill write_peak shrink write_held open look
}

@test "nor does one of a pid namespace" {
	fuzz pidns 40000
	assert_done write_value write_task write_file kill write_peak shrink write_held open look
}

#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# Which of KCSAN's reports tests/vm/kcsan takes for ours: on something small that
# is laid out and compiled as the kernel is.
#
# where: host

bats_load_library bats-support
bats_load_library bats-assert

setup_file() {
	local tree=$BATS_FILE_TMPDIR/build/linux

	mkdir -p "$tree"/{include/linux,kernel/container,mm,lib,out}
	cat >"$tree/include/linux/container.h" <<'END'
static inline __attribute__((always_inline)) void hook(volatile int *p) { *p = 1; }
END
	echo 'void ours(volatile int *p) { *p = 2; }' >"$tree/kernel/container/ours.c"
	echo 'void helper(volatile int *p) { *p = 3; }' >"$tree/lib/helper.c"
	cat >"$tree/mm/others.c" <<'END'
#include "../include/linux/container.h"
void hooked(volatile int *p) { hook(p); }
void theirs(volatile int *p) { *p = 4; }
void they_too(volatile int *p) { *p = 5; }
END
	cd "$tree/out" || return
	gcc -g -O2 -nostdlib -shared -o vmlinux ../kernel/container/ours.c ../lib/helper.c ../mm/others.c
	nm vmlinux | awk 'NF == 3' >System.map
}

setup() {
	kernel=$BATS_FILE_TMPDIR/build/linux/out
	cd "$BATS_TEST_TMPDIR" || return
}

# frame FUNCTION: as a report has it, just behind its first instruction.
frame() {
	local at after

	at=$(awk -v name="$1" '$3 == name { print "0x" $1 }' "$kernel/System.map")
	after=$(awk '{ print "0x" $1 }' "$kernel/System.map" | sort -u | awk -v at="$at" '$0 > at' | head -n 1)
	printf '[    9.000001]  %s+0x1/0x%x\n' "$1" $((after - at))
}

# report STACK STACK: a report of two accesses, each with the functions named.
report() {
	local line='==================================================================' name

	printf '[    9.000000] %s\n' $line
	echo "[    9.000000] BUG: KCSAN: data-race in ${1%% *} / ${2%% *}"
	echo '[    9.000001] '
	echo '[    9.000001] write to 0xffff888003c8a628 of 8 bytes by task 487 on cpu 0:'
	for name in $1; do
		frame "$name"
	done
	echo '[    9.000001] '
	echo '[    9.000001] read to 0xffff888003c8a628 of 8 bytes by interrupt on cpu 1:'
	for name in $2; do
		frame "$name"
	done
	echo '[    9.000001] '
	echo '[    9.000001] Reported by Kernel Concurrency Sanitizer on:'
	echo '[    9.000001] CPU: 1 PID: 488 Comm: ours+0x1/0x8'
	printf '[    9.000002] %s\n' $line
}

@test "an access of ours, on either side, makes a race ours" {
	report theirs 'ours they_too' >log
	run "$BATS_TEST_DIRNAME/kcsan" "$kernel" log
	assert_failure 1
	assert_line --index 0 'BUG: KCSAN: data-race in theirs / ours'
	assert_line --regexp '^ ours.*  kernel/container/ours\.c:1$'
	assert_line 'KCSAN: 1 data races with our code in them, 0 without'
}

@test "so does what is inlined of container.h" {
	report 'hooked theirs' they_too >log
	run "$BATS_TEST_DIRNAME/kcsan" "$kernel" log
	assert_failure 1
	assert_line --regexp '^ hooked.*  include/linux/container\.h:1 <- mm/others\.c:2$'
}

@test "what a helper does is its caller's" {
	report 'helper ours' theirs >log
	run "$BATS_TEST_DIRNAME/kcsan" "$kernel" log
	assert_failure 1
	report 'helper theirs ours' theirs >log
	run "$BATS_TEST_DIRNAME/kcsan" "$kernel" log
	assert_success
}

@test "what others do, called by us or not, is only counted" {
	{
		report 'theirs ours' they_too
		report theirs theirs
	} >log
	run "$BATS_TEST_DIRNAME/kcsan" "$kernel" log
	assert_success
	assert_output 'KCSAN: 0 data races with our code in them, 2 without'
	run "$BATS_TEST_DIRNAME/kcsan" --all "$kernel" log
	assert_success
	assert_line 'BUG: KCSAN: data-race in theirs / they_too'
}

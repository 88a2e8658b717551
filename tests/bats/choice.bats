#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# Which pages kcontainerd takes of a container that uses some over and over, and others
# once: bench/choice, of which the rows here are guarded. A bound is the least with room
# to spare that a container has at 32 MB, and less than a memory cgroup has; see
# Documentation/benchmarks.rst.
#
# vm: --mem 1G --smp 2 --disk 512M --swap 320M
# kernels: base coexist

load common

setup_file() {
	common_setup_file
	echo n >/sys/kernel/mm/lru_gen/enabled
}

setup() {
	common_setup
}

teardown() {
	common_teardown
	rm -rf /mnt/disk/work
}

# work ROW: $AGAIN of a thousand uses were those of what had to be read again
work() {
	local again of

	mkdir -p /mnt/disk/work
	"$HELPERS/choice" make "$1" /mnt/disk/work
	sync
	echo 3 >/proc/sys/vm/drop_caches
	set_attr page_limit 8192
	run bash -c 'echo $BASHPID >"$1/addtask" && exec "$2" run "$3" /mnt/disk/work' \
		- "$C" "$HELPERS/choice" "$1"
	assert_success
	echo "$output"
	[[ $output =~ again=([0-9]+)" "of=([0-9]+) ]]
	again=${BASH_REMATCH[1]}
	of=${BASH_REMATCH[2]}
	assert [ "$(attr page_limit_hits)" -gt 2 ]
	AGAIN=$((again * 1000 / of))
	COUNTED=$again
}

@test "what is read at random stays beside what is read once" {
	work hot
	assert [ "$AGAIN" -le 10 ]
}

@test "memory stays beside what is read once" {
	work anon
	assert [ "$AGAIN" -eq 0 ]
}

@test "what is mapped stays beside what is read once" {
	work mapped
	assert [ "$AGAIN" -le 20 ]
}

# With MADV_RANDOM, and four times as large as what there is room for
@test "a mapped database is not read again and again" {
	work lmdb
	assert [ "$AGAIN" -le 110 ]
}

@test "of many small files those that are used stay" {
	work files
	assert [ "$AGAIN" -le 5 ]
}

# With a list of the last used it is all, and no other choice leaves less than a fifth.
@test "of a loop a part stays" {
	work loop
	assert [ "$AGAIN" -le 550 ]
}

@test "a working set that becomes another one" {
	work shift
	# what is used first comes from the disk once, which does not count
	assert [ "$AGAIN" -le 80 ]
}

# The large one is gone over in many visits, and is new each time.
@test "a small file in use is not gone over again and again beside a large one" {
	set_attr page_limit 8192
	truncate -s 1G /mnt/disk/large
	head -c 4M /dev/zero >/mnt/disk/used
	sync
	echo 3 >/proc/sys/vm/drop_caches
	run bash -c 'echo $BASHPID >"$1/addtask"
		for i in {0..11}; do
			cat /mnt/disk/used /mnt/disk/used >/dev/null
			dd if=/mnt/disk/large of=/dev/null bs=1M count=48 skip=$((i * 48)) status=none
		done
		exec fincore -n -b -r -o RES /mnt/disk/used' - "$C"
	rm /mnt/disk/large /mnt/disk/used
	assert_success
	assert [ "$(attr page_limit_hits)" -gt 2 ]
	assert_output $((4 << 20))
}

@test "what comes back is counted, here and by the machine" {
	local before refaults

	before=$(awk '$1 == "workingset_refault_file" { print $2 }' /proc/vmstat)
	work loop
	refaults=$(($(awk '$1 == "workingset_refault_file" { print $2 }' /proc/vmstat) - before))
	# what was dropped before its first use counts is in it as well
	assert [ "$(stat_of refaulted)" -ge $((COUNTED * 9 / 10)) ]
	assert [ "$refaults" -ge $((COUNTED * 9 / 10)) ]
	assert [ "$refaults" -le $((COUNTED * 11 / 10 + 1000)) ]
}

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
	assert [ "$AGAIN" -le 95 ]
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
	assert [ "$AGAIN" -le 50 ]
}

# Together they are too large by a little, and the second alone is not.
@test "what was in use and is not any more makes room" {
	local before i

	head -c 9M /dev/zero >/mnt/disk/old
	head -c 24M /dev/zero >/mnt/disk/new
	sync
	echo 3 >/proc/sys/vm/drop_caches
	set_attr page_limit 8192
	hold_start p "$C"
	for i in 1 2 3; do
		tells p read /mnt/disk/old
	done
	for i in {1..15}; do
		before=$(stat_of refaulted)
		tells p read /mnt/disk/new
		echo "$i: $(($(stat_of refaulted) - before)) of 6144"
	done
	assert [ $(($(stat_of refaulted) - before)) -le 300 ]
	rm /mnt/disk/old /mnt/disk/new
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

# The pages that are used again lie where kcontainerd goes on: it would take them first.
@test "memory that is used at every look is in use, and not only until the next" {
	hold_start p "$C"
	# from the highest address down
	tells p anon rest 1000
	tells p anon again 500
	tells p anon first 400
	[[ "$(tell p where first)" < "$(tell p where again)" ]] || fail 'it is above'
	[[ "$(tell p where again)" < "$(tell p where rest)" ]] || fail 'it is above'
	tells p touch first
	tells p touch again
	tells p touch rest
	drain_batches
	set_attr shrink $(($(usage) - 400))
	echo "first: $(tell p count first), again: $(tell p count again), rest: $(tell p count rest)"
	assert [ "$(seen swap "$(tell p count first)")" -ge 350 ]
	for _ in 1 2; do
		tells p look again
		set_attr shrink $(($(usage) - 300))
	done
	assert [ "$(seen swap "$(tell p count rest)")" -ge 550 ]
	# others in their place, and nothing is used since then
	tells p unmap rest
	tells p anon new 1000
	[[ "$(tell p where again)" < "$(tell p where new)" ]] || fail 'it is above'
	tells p touch new
	drain_batches
	echo 1 >"/proc/$p/clear_refs"
	set_attr shrink $(($(usage) - 900))
	echo "again: $(tell p count again), new: $(tell p count new)"
	assert [ "$(seen swap "$(tell p count again)")" -le 100 ]
	assert [ "$(seen swap "$(tell p count new)")" -ge 750 ]
}

@test "what is mapped and used at every look is in use, and not only until the next" {
	local file=/mnt/disk/mapped

	dd if=/dev/zero of="$file" bs=4K count=1900 status=none
	sync "$file"
	echo 3 >/proc/sys/vm/drop_caches
	hold_start p "$C"
	tells p map all "$file" 1900 shared
	tells p map head "$file" 900 shared
	tells p look all
	drain_batches
	# pages 0 to 400 or so
	set_attr shrink $(($(usage) - 400))
	assert [ "$(tell p resident "$file" 0 400)" -le 50 ]
	tells p unmap head 400
	tells p look head
	# where it goes on, 500 pages are in use, and 1000 are not
	set_attr shrink $(($(usage) - 400))
	assert [ "$(tell p resident "$file" 450 450)" -eq 450 ]
	assert [ "$(tell p resident "$file" 900 1000)" -le 650 ]
	drain_batches
	tell p count head
	assert [ "$(seen active "$(tell p count head)")" -ge 450 ]
	rm "$file"
}

# Each look at them comes after a thousand pages of the large one.
@test "what is mapped is looked at once while a large file is gone over" {
	local file=/mnt/disk/mapped i

	truncate -s 32M "$file-large"
	for i in {1..10}; do
		dd if=/dev/zero of="$file$i" bs=4K count=60 status=none
	done
	sync
	echo 3 >/proc/sys/vm/drop_caches
	hold_start p "$C"
	tells p map large "$file-large" 8192 shared
	for i in {1..10}; do
		tells p map "library$i" "$file$i" 60 shared
		tells p look "library$i"
	done
	tells p look large
	drain_batches
	# from here on, it is known what is used since then: the libraries
	set_attr shrink $(($(usage) - 100))
	for i in {1..10}; do
		tells p look "library$i"
	done
	set_attr shrink $(($(usage) - 6500))
	echo "large: $(tell p resident "$file-large")"
	assert [ "$(tell p resident "$file-large")" -le 1800 ]
	for i in {1..10}; do
		assert_equal "$(tell p resident "$file$i")" 60
	done
	rm "$file"*
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

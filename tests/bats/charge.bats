#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# What is charged, to the page, checked against those who know nothing of
# containers: pagemap and kpageflags, smaps, mincore.
#
# vm: --mem 512M --smp 2 --disk 256M --swap 256M
# kernels: base coexist

load common

setup_file() {
	common_setup_file
	# what is not asked for shall not be in the way
	echo 0 >/proc/sys/vm/swappiness
	# a page that is on its way to a disk stays in memory, and charged, until
	# reclaim comes by again; one that goes to zram is gone at once
	echo 32M >/sys/block/zram0/disksize
	mkswap /dev/zram0 >/dev/null
	swapon -p 100 /dev/zram0
	enable_huge_pages
}

setup() {
	common_setup
	F=/mnt/disk/$BATS_TEST_NUMBER
	LRU_GEN=$(lru_gen)
}

teardown() {
	common_teardown
	rm -f "$F" "/dev/shm/$BATS_TEST_NUMBER"
	set_lru_gen "$LRU_GEN"
	echo 0 >/sys/kernel/mm/ksm/run
	grep -q zram0 /proc/swaps || swapon -p 100 /dev/zram0
}

swapped_out() {
	[ "$(seen swap "$(tell "$1" count "$2")")" -ge "$3" ] &&
		[ "$(awk '$1 == "SwapCached:" { print $2 }' /proc/meminfo)" = 0 ]
}

# pageout NAME REGION PAGES: have them all swapped out, and none left in the swap
# cache; now and then one is held by somebody for a moment, and passed over.
pageout() {
	for _ in 1 2 3 4 5; do
		drain_batches
		tells "$1" advise "$2" pageout
		! swapped_out "$@" || return 0
		tells "$1" look "$2"
	done
	fail "not all of $3 pages are in swap: $(tell "$1" count "$2")"
}

# The container's file pages are those of the file that mincore finds.
assert_exact_file() {
	drain_batches
	assert_equal "file $(attr num_file_pages)" "file $(hold <<<"resident $1")"
}

@test "anonymous pages that are touched are charged, to the page" {
	local before

	hold_start p "$C"
	assert_exact_anon p
	tells p anon a 1000
	assert_exact_anon p
	before=$(attr num_anon_pages)
	tells p touch a 700
	assert_equal "$(attr num_anon_pages)" $((before + 700))
	assert_exact_anon p
}

@test "smaps says the same of a process" {
	hold_start p "$C"
	tells p anon a 300
	tells p touch a
	drain_batches
	assert_equal "$(awk '/^Anonymous:/ { print $2 / 4 }' "/proc/$p/smaps_rollup")" \
		"$(attr num_anon_pages)"
}

@test "pages that are only read are the zero page, and not charged" {
	local before

	hold_start p "$C"
	tells p anon a 300
	before=$(attr num_anon_pages)
	tells p look a
	assert_equal "$(attr num_anon_pages)" "$before"
}

@test "unmapped pages are given back" {
	local before

	hold_start p "$C"
	tells p anon a 1000
	before=$(attr num_anon_pages)
	tells p touch a
	tells p unmap a 400
	drain_batches
	assert_equal "$(attr num_anon_pages)" $((before + 600))
	tells p advise a dontneed
	drain_batches
	assert_equal "$(attr num_anon_pages)" "$before"
	assert_exact_anon p
}

@test "joining charges what a process holds already, leaving gives it back" {
	hold_start p
	tells p anon a 1000
	tells p touch a
	assert_equal "$(attr num_anon_pages)" 0
	set_attr addtask "$p"
	assert [ "$(attr num_anon_pages)" -ge 1000 ]
	assert_exact_anon p
	set_attr rmtask "$p"
	drain_batches
	assert_equal "$(attr num_anon_pages)" 0
	assert_equal "$(attr num_active_pages)" 0
}

@test "a move between containers takes the pages along" {
	mkdir "$C-to"
	hold_start p "$C"
	tells p anon a 500
	tells p touch a
	tells p thp b 1024
	tells p touch b
	set_attr addtask "$p" "$C-to"
	drain_batches
	assert_equal "$(attr num_anon_pages)" 0
	assert_exact_anon p "$C-to"
}

@test "an exit gives everything back" {
	hold_start p "$C"
	tells p anon a 1000
	tells p touch a
	let_go p
	drain
	assert_equal "$(attr num_anon_pages)" 0
	assert_equal "$(attr num_active_pages)" 0
	assert_equal "$(attr num_mapped_pages)" 0
}

@test "exec gives back what the old program had" {
	hold_start p "$C"
	tells p anon a 1000
	tells p touch a
	tells p exec
	drain
	assert [ "$(attr num_anon_pages)" -lt 500 ]
	assert_exact_anon p
}

@test "huge pages are counted by their small ones" {
	local count

	hold_start p "$C"
	tells p thp a 2048
	tells p touch a
	count=$(tell p count a)
	assert_equal "$(seen huge "$count")" 2048
	assert_exact_anon p
}

@test "a huge page that is unmapped gives all of it back" {
	local before

	hold_start p "$C"
	before=$(attr num_anon_pages)
	tells p thp a 1024
	tells p touch a
	tells p unmap a
	drain_batches
	assert_equal "$(attr num_anon_pages)" "$before"
}

@test "splitting huge pages keeps the sum" {
	hold_start p "$C"
	tells p thp a 2048
	tells p touch a
	drain_batches
	echo "$p,$(tell p where a)" >/sys/kernel/debug/split_huge_pages
	assert_equal "$(seen huge "$(tell p count a)")" 0
	assert_exact_anon p
	tells p unmap a 1000
	assert_exact_anon p
}

@test "collapsing small pages to huge ones keeps the sum" {
	hold_start p "$C"
	tells p thp a 1024
	tells p touch a
	drain_batches
	echo "$p,$(tell p where a)" >/sys/kernel/debug/split_huge_pages
	tells p advise a collapse
	assert_equal "$(seen huge "$(tell p count a)")" 1024
	tells p check a
	assert_exact_anon p
}

@test "pages shared by a fork are charged once, and copies when they are written" {
	local before child

	hold_start p "$C"
	tells p anon a 600
	tells p touch a
	drain_batches
	before=$(attr num_anon_pages)
	child=$(tell p child look a)
	drain_batches
	assert [ "$(attr num_anon_pages)" -lt $((before + 100)) ]
	tells p reap "${child%% *}"
	child=$(tell p child touch a)
	drain_batches
	assert [ "$(attr num_anon_pages)" -ge $((before + 600)) ]
	assert [ "$(attr num_anon_pages)" -lt $((before + 700)) ]
	tells p reap "${child%% *}"
	drain_batches
	assert_exact_anon p
}

@test "pages shared with a process outside stay where they were" {
	local child

	hold_start p
	tells p anon a 600
	tells p touch a
	child=$(tell p child pid)
	child=${child%% *}
	set_attr addtask "$child"
	assert [ "$(attr num_anon_pages)" -lt 100 ]
}

@test "when the last process has gone, what it shared is whose that map it" {
	local child

	mkdir "$C-to"
	hold_start p "$C"
	tells p anon a 600
	tells p touch a
	tells p anon b 300
	tells p touch b
	child=$(tell p child look a)
	child=${child%% *}
	set_attr rmtask "$p"
	assert [ "$(attr num_anon_pages)" -ge 900 ]
	tells p unmap b
	set_attr addtask "$p" "$C-to"
	assert [ "$(attr num_anon_pages)" -ge 600 ]
	assert [ "$(attr num_anon_pages "$C-to")" -lt 200 ]

	tells p reap "$child"
	is_empty() { [ "$(attr num_anon_pages)" = 0 ]; }
	wait_until 20 is_empty
	assert_exact_anon p "$C-to"

	# the other way round: who maps it is in none
	child=$(tell p child look a)
	child=${child%% *}
	set_attr rmtask "$p" "$C-to"
	assert [ "$(attr num_anon_pages "$C-to")" -ge 600 ]
	tells p reap "$child"
	is_empty_to() { [ "$(attr num_anon_pages "$C-to")" = 0 ]; }
	wait_until 20 is_empty_to
	tells p check a
}

@test "when the last process has gone, what it read of a swap cache goes, too" {
	local child

	# to the disk: zram has no swap cache
	swapoff /dev/zram0
	hold_start p "$C"
	tells p anon a 600
	tells p touch a
	set_attr shrink 100 || true
	child=$(tell p child look a)
	child=${child%% *}
	set_attr rmtask "$p"
	assert [ "$(seen swap "$(tell p count a)")" -gt 300 ]
	assert [ "$(attr num_anon_pages)" -gt 300 ]
	tells p reap "$child"
	is_empty() { [ "$(attr num_anon_pages)" = 0 ]; }
	wait_until 20 is_empty
	tells p check a
}

@test "swapping out gives a page back, swapping in charges it" {
	local before

	hold_start p "$C"
	tells p anon a 1000
	before=$(attr num_anon_pages)
	tells p touch a
	pageout p a 1000
	drain_batches
	assert_equal "$(attr num_anon_pages)" "$before"
	assert_exact_anon p
	tells p check a
	assert_equal "$(attr num_anon_pages)" $((before + 1000))
	assert_exact_anon p
}

@test "what was swapped out by another container is charged to who swaps it in" {
	mkdir "$C-to"
	hold_start p "$C"
	tells p anon a 500
	tells p touch a
	pageout p a 500
	set_attr addtask "$p" "$C-to"
	tells p look a
	drain_batches
	assert_equal "$(attr num_anon_pages)" 0
	assert_exact_anon p "$C-to"
	tells p check a
}

@test "swapoff keeps the sum" {
	hold_start p "$C"
	tells p anon a 500
	tells p touch a
	pageout p a 500
	timeout 60 swapoff /dev/zram0
	assert_equal "$(seen swap "$(tell p count a)")" 0
	assert_exact_anon p
	tells p check a
	swapon -p 100 /dev/zram0
}

@test "who does swapoff does not come to own what is nobody's" {
	hold_start p
	tells p shm s 500
	tells p touch s
	tells p advise s pageout
	timeout 60 enter "$C" swapoff /dev/zram0
	assert_equal "$(seen swap "$(tell p count s)")" 0
	assert_equal "$(attr num_files) $(attr num_file_pages)" '0 0'
	tells p check s
	swapon -p 100 /dev/zram0
}

@test "swap to a disk: out and in keeps the sum" {
	timeout 60 swapoff /dev/zram0
	hold_start p "$C"
	tells p anon a 1000
	tells p touch a
	drain_batches
	# they stay in the swap cache until reclaim comes by again
	tells p advise a pageout
	assert [ "$(seen swap "$(tell p count a)")" -ge 900 ]
	tells p check a
	assert_exact_anon p
	tells p unmap a
	assert_exact_anon p
	swapon -p 100 /dev/zram0
}

@test "what is on its way to a disk at an exit is not charged any more" {
	timeout 60 swapoff /dev/zram0
	hold_start p "$C"
	tells p anon a 8000
	tells p touch a
	tells p advise a pageout
	let_go p
	drain_batches
	assert_equal "$(attr num_tasks) $(attr num_anon_pages)" "0 0"
	swapon -p 100 /dev/zram0
}

@test "compaction keeps the sum and what is in the pages" {
	hold_start p "$C"
	tells p anon a 4000
	tells p touch a
	# holes, that there is something to do
	tells p anon b 2000
	tells p touch b
	tells p unmap b 1000
	tells p write "$F" 1000
	for _ in 1 2 3; do
		echo 1 >/proc/sys/vm/compact_memory
	done
	tells p check a
	assert_exact_anon p
	assert_exact_file "$F"
}

@test "migration moves the charge with the page" {
	[ -d /sys/devices/system/memory ] || skip "no memory blocks"
	local block moved=

	hold_start p "$C"
	tells p anon a 4000
	tells p touch a
	for block in /sys/devices/system/memory/memory*; do
		if timeout 30 sh -c 'echo offline >"$0/state"' "$block" 2>/dev/null; then
			moved=$block
			break
		fi
	done
	[ -n "$moved" ] || skip "no block of memory can be taken offline"
	assert_exact_anon p
	tells p check a
	echo online >"$moved/state"
}

@test "KSM: merged pages are counted as the pages that are there" {
	hold_start p "$C"
	tells p anon a 400
	tells p fill a
	tells p advise a mergeable
	echo 2000 >/sys/kernel/mm/ksm/pages_to_scan
	echo 1 >/sys/kernel/mm/ksm/run
	shared() { [ "$(cat /sys/kernel/mm/ksm/pages_sharing)" -gt 100 ]; }
	wait_until 30 shared
	echo 0 >/sys/kernel/mm/ksm/run
	assert [ "$(seen anon "$(tell p count a)")" -lt 300 ]
	assert_exact_anon p
	# copies, when they are written
	tells p touch a
	assert_exact_anon p
	echo 2 >/sys/kernel/mm/ksm/run
	assert_exact_anon p
}

@test "pages of a file that is written are charged, as mincore finds them" {
	hold_start p "$C"
	tells p write "$F" 500
	assert_equal "$(attr num_file_pages)" 500
	assert_exact_file "$F"
	assert_equal "$(attr num_files)" 1
}

@test "pages of a file that is read are charged, as mincore finds them" {
	hold <<<"write $F 500"
	sync "$F"
	drain
	hold_start p "$C"
	tells p read "$F"
	assert_equal "$(attr num_file_pages)" 500
	assert_exact_file "$F"
}

@test "file pages that are dropped are given back" {
	hold_start p "$C"
	tells p write "$F" 500
	tells p sync "$F"
	drain
	assert_exact_file "$F"
	assert_equal "$(attr num_file_pages)" 0
	let_go p
	drain
	assert_equal "$(attr num_active_pages)" 0
}

@test "a file that is truncated gives back what it had" {
	hold_start p "$C"
	tells p write "$F" 500
	truncate -s 409600 "$F"
	assert_exact_file "$F"
	assert_equal "$(attr num_file_pages)" 100
	truncate -s 0 "$F"
	drain_batches
	assert_equal "$(attr num_file_pages)" 0
}

@test "file pages that are mapped are counted as mapped, each once" {
	hold_start p "$C"
	tells p write "$F" 300
	assert_equal "$(attr num_mapped_pages)" 0
	tells p map m "$F" 300 shared
	tells p look m 200
	assert_equal "$(attr num_mapped_pages)" "$(seen file "$(tell p count m)")"
	tells p look m
	assert_equal "$(attr num_mapped_pages)" 300
	tells p map again "$F" 300 shared
	tells p look again
	assert_equal "$(attr num_mapped_pages)" 300
	tells p unmap m
	assert_equal "$(attr num_mapped_pages)" 300
	tells p unmap again
	drain_batches
	assert_equal "$(attr num_mapped_pages)" 0
	assert_equal "$(attr num_file_pages)" 300
}

@test "pages that an mmap write makes are file pages" {
	truncate -s 1200K "$F"
	hold_start p "$C"
	tells p map m "$F" 300 shared
	tells p touch m
	assert_exact_file "$F"
	assert_equal "$(attr num_file_pages)" 300
	assert_equal "$(attr num_mapped_pages)" 300
	assert_exact_anon p
}

@test "what is written to a private mapping of a file is anonymous" {
	local before

	hold_start p "$C"
	tells p write "$F" 300
	tells p map m "$F" 300 private
	before=$(attr num_anon_pages)
	tells p touch m 100
	assert_equal "$(attr num_anon_pages)" $((before + 100))
	assert_exact_anon p
	assert_exact_file "$F"
}

@test "a memfd's pages are file pages of its owner" {
	local before

	hold_start p "$C"
	before=$(attr num_anon_pages)
	tells p shm s 400
	tells p touch s
	drain_batches
	assert_equal "$(attr num_file_pages)" 400
	assert_equal "$(attr num_mapped_pages)" 400
	assert_equal "$(attr num_anon_pages)" "$before"
	assert_equal "$(seen file "$(tell p count s)")" 400
	let_go p
	drain_batches
	assert_equal "$(attr num_file_pages)" 0
	assert_equal "$(attr num_files)" 0
}

@test "pages of a file on tmpfs are charged until it is deleted" {
	hold_start p "$C"
	tells p write "/dev/shm/$BATS_TEST_NUMBER" 400
	assert_exact_file "/dev/shm/$BATS_TEST_NUMBER"
	assert_equal "$(attr num_file_pages)" 400
	drain
	assert_equal "$(attr num_file_pages)" 400
	rm "/dev/shm/$BATS_TEST_NUMBER"
	drain_batches
	assert_equal "$(attr num_file_pages)" 0
	assert_equal "$(attr num_files)" 0
}

@test "shmem that is swapped out is given back, and charged when it returns" {
	hold_start p "$C"
	tells p shm s 400
	tells p touch s
	drain_batches
	tells p advise s pageout
	drain_batches
	assert [ "$(attr num_file_pages)" -lt 100 ]
	assert_equal "$(attr num_mapped_pages)" "$(seen file "$(tell p count s)")"
	tells p check s
	drain_batches
	assert_equal "$(attr num_file_pages)" 400
	assert_equal "$(attr num_mapped_pages)" 400
}

@test "active pages are those that kpageflags says are active" {
	set_lru_gen n
	hold_start p "$C"
	tells p anon a 500
	tells p touch a
	tells p write "$F" 500
	for _ in 1 2 3; do
		tells p read "$F"
	done
	tells p map m "$F" 500 shared
	tells p look m
	drain_batches
	assert_exact_anon p
	# of all it maps, but the program itself, on a tmpfs, is nobody's
	count=$(tell p count m)
	assert [ "$(seen active "$count")" -gt 0 ]
	active_now() {
		local all

		all=$(($(seen active "$(tell p count a)") + $(seen active "$(tell p count m)")))
		[ "$(attr num_active_pages)" -ge $all ] &&
			[ "$(attr num_active_pages)" -le $((all + $(attr num_anon_pages) - 500)) ]
	}
	wait_until 20 active_now
}

@test "all of it holds with the other kind of LRU lists, too" {
	local other=y

	[ "$LRU_GEN" = n ] || other=n
	hold_start p "$C"
	tells p anon a 500
	tells p touch a
	tells p write "$F" 500
	set_lru_gen $other
	assert_exact_anon p
	assert_exact_file "$F"
	tells p anon b 500
	tells p touch b
	tells p read "$F"
	assert_exact_anon p
	tells p sync "$F"
	pageout p a 500
	drain
	assert_exact_anon p
	set_lru_gen "$LRU_GEN"
	let_go p
	drain
	assert_equal "$(usage)" 0
	assert_equal "$(attr num_active_pages)" 0
}

@test "with the tasks gone and the files dropped, all is zero" {
	local name

	hold_start p "$C"
	tells p anon a 300
	tells p touch a
	tells p thp b 1024
	tells p touch b
	tells p shm s 300
	tells p touch s
	tells p write "$F" 300
	tells p map m "$F" 300 shared
	tells p touch m
	tell p child touch a >/dev/null
	tell p forks 5 >/dev/null
	let_go p
	rm "$F"
	drain
	for name in num_tasks num_files num_anon_pages num_file_pages \
		    num_mapped_pages num_active_pages; do
		assert_equal "$name $(attr $name)" "$name 0"
	done
}

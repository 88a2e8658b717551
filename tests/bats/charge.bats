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
	T=/dev/shm/$BATS_TEST_NUMBER
	LRU_GEN=$(lru_gen)
}

teardown() {
	common_teardown
	rm -f "$F" "$T"
	! mountpoint -q /run/huge || umount -l /run/huge
	set_lru_gen "$LRU_GEN"
	echo 0 >/sys/kernel/mm/ksm/run
	grep -q zram0 /proc/swaps || swapon -p 100 /dev/zram0
}

# Pages in the swap cache, also those that are mapped.
swap_cached() {
	awk '$1 == "SwapCached:" { print $2 / 4 }' /proc/meminfo
}

# Each CPU has some slots in advance: after this none of another device's.
fresh_zram() {
	timeout 60 swapoff /dev/zram0
	swapon -p 100 /dev/zram0
}

# swapped_out NAME REGION PAGES CACHED: with no more than that in the swap cache
swapped_out() {
	[ "$(seen swap "$(tell "$1" count "$2")")" -ge "$3" ] &&
		[ "$(swap_cached)" -le "$4" ]
}

# pageout NAME REGION PAGES: have them all swapped out, and none left in the swap
# cache; now and then one is held by somebody for a moment, and passed over.
pageout() {
	# what a test before this one has left there goes when reclaim comes by
	local cached

	cached=$(swap_cached)
	for _ in 1 2 3 4 5; do
		drain_batches
		tells "$1" advise "$2" pageout
		! swapped_out "$@" "$cached" || return 0
		tells "$1" look "$2"
	done
	fail "not all of $3 pages are in swap: $(tell "$1" count "$2"); $(swap_cached) of them cached, $cached before"
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

@test "a process that joins brings all that it maps and that is charged to nobody" {
	local child

	hold_start p
	tells p anon a 600
	tells p touch a
	child=$(tell p child pid)
	child=${child%% *}
	set_attr addtask "$child"
	assert [ "$(attr num_anon_pages)" -ge 600 ]
	assert [ "$(attr num_anon_pages)" -lt 800 ]
	# its parent comes later, and to another: they stay
	mkdir "$C-to"
	set_attr addtask "$p" "$C-to"
	assert [ "$(attr num_anon_pages)" -ge 600 ]
	assert [ "$(attr num_anon_pages "$C-to")" -lt 200 ]
	tells p unmap a
	assert [ "$(attr num_anon_pages)" -ge 600 ]
	# but for what both have
	tells p reap "$child"
	drain_batches
	assert [ "$(attr num_anon_pages)" -lt 200 ]
	let_go p
	drain
	assert_equal "$(attr num_anon_pages) $(attr num_anon_pages "$C-to")" "0 0"
}

@test "a daemon is charged for what it had from its parent, and that is all of it" {
	local child had

	child=$(python3 -c '
import os, sys, time
pages = bytearray(8 << 20)
for i in range(0, len(pages), 4096): pages[i] = 1
child = os.fork()
if child:
    with open(sys.argv[1] + "/addtask", "w") as f: f.write(str(child))
    os.write(1, b"%d\n" % child)
    os._exit(0)
os.close(1)
time.sleep(600)' "$C" 3>&-)
	asleep() {
		local stat

		read -r _ _ stat _ <"/proc/$child/stat"
		[ "$stat" = S ]
	}
	wait_until 20 asleep
	had=$(awk '$1 == "Anonymous:" { print $2 / 4 }' "/proc/$child/smaps_rollup")
	drain_batches
	assert [ "$had" -ge 2048 ]
	assert_equal "anon $(attr num_anon_pages)" "anon $had"
	kill "$child"
	wait_gone "$child"
	drain_batches
	assert_equal "$(attr num_anon_pages)" 0
}

@test "pages shared with who stays in another container stay there" {
	local child

	mkdir "$C-to"
	hold_start p "$C"
	tells p anon a 600
	tells p touch a
	child=$(tell p child look a)
	child=${child%% *}
	set_attr addtask "$child" "$C-to"
	assert [ "$(attr num_anon_pages)" -ge 600 ]
	assert [ "$(attr num_anon_pages "$C-to")" -lt 100 ]
	# nor is one charged for them who leaves all
	set_attr rmtask "$child" "$C-to"
	assert [ "$(attr num_anon_pages)" -ge 600 ]
	tells p reap "$child"
}

@test "pages that were shared stay charged when the last process has gone, until they are freed" {
	local child before

	mkdir "$C-to"
	hold_start p "$C"
	tells p anon a 600
	tells p touch a
	child=$(tell p child look a)
	child=${child%% *}
	# it takes along what it alone maps: its stack, and what it has written since
	set_attr rmtask "$p"
	before=$(attr num_anon_pages)
	assert [ "$before" -ge 600 ]
	tells p reap "$child"
	assert_equal "$(attr num_tasks)" 0
	drain_batches
	assert [ "$(attr num_anon_pages)" -ge 600 ]

	# freed, or brought along by the only one that maps them
	tells p unmap a 200
	drain_batches
	assert [ "$(attr num_anon_pages)" -ge 400 ]
	assert [ "$(attr num_anon_pages)" -le $((before - 200)) ]
	set_attr addtask "$p" "$C-to"
	drain_batches
	assert_equal "$(attr num_anon_pages)" 0
	assert_exact_anon p "$C-to"
	tells p look a

	# and one that leaves: they are nobody's
	set_attr rmtask "$p" "$C-to"
	drain_batches
	assert_equal "$(attr num_anon_pages "$C-to")" 0
}

@test "what was read of a swap cache is charged until another maps it, or it is freed" {
	local child before

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
	before=$(attr num_anon_pages)
	assert [ "$before" -gt 300 ]
	tells p reap "$child"
	assert_equal "$(attr num_tasks)" 0
	assert [ "$(attr num_anon_pages)" -gt 300 ]
	# a process in no container has them, and so nobody is charged
	tells p look a
	assert [ "$(attr num_anon_pages)" -lt $((before - 300)) ]
	tells p check a
	let_go p
	drain
	assert_equal "$(attr num_anon_pages)" 0
}

@test "what is read ahead from swap is charged when it is mapped" {
	local before cluster

	swapoff /dev/zram0
	cluster=$(cat /proc/sys/vm/page-cluster)
	echo 5 >/proc/sys/vm/page-cluster
	hold_start p "$C"
	tells p anon a 1000
	before=$(attr num_anon_pages)
	tells p touch a
	pageout p a 1000
	drain_batches
	assert_equal "$(attr num_anon_pages)" "$before"
	tells p look a 100
	echo "$cluster" >/proc/sys/vm/page-cluster
	drain_batches
	assert [ "$(swap_cached)" -gt "$(seen anon "$(tell p count a)")" ]
	assert_equal "$(attr num_anon_pages)" $((before + $(seen anon "$(tell p count a)")))
	tells p look a
	assert_exact_anon p
	tells p unmap a
	drain_batches
	assert_equal "$(attr num_anon_pages)" "$before"
}

@test "a process that joins brings what it has in the swap cache" {
	local before cluster mapped cached

	swapoff /dev/zram0
	cluster=$(cat /proc/sys/vm/page-cluster)
	hold_start p
	tells p anon a 1000
	tells p touch a
	pageout p a 1000
	before=$(swap_cached)
	echo 5 >/proc/sys/vm/page-cluster
	tells p look a 100
	echo "$cluster" >/proc/sys/vm/page-cluster
	drain_batches
	# more has been read than is mapped
	mapped=$(seen anon "$(tell p count a)")
	cached=$(($(swap_cached) - before))
	assert [ "$cached" -gt "$mapped" ]
	set_attr addtask "$p"
	assert [ "$(attr num_anon_pages)" -ge \
		 $(($(seen anon "$(tell p count)") + cached - mapped)) ]
	# in the same place: they are found there, not read
	tells p look a 100
	tells p unmap a
	drain_batches
	assert_exact_anon p
}

@test "what is read from swap by advice is charged at once, and stops at rss_limit" {
	run timeout 60 python3 -c '
import mmap, os, sys
PAGEOUT = 21
def write(name, what):
    with open(sys.argv[1] + "/" + name, "w") as f: f.write(str(what))
def read(name):
    with open(sys.argv[1] + "/" + name) as f: return int(f.read())
write("addtask", os.getpid())
memory = mmap.mmap(-1, 2000 * 4096, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
for i in range(0, len(memory), 4096): memory[i] = 1
for i in range(5): memory.madvise(PAGEOUT)
before = read("rss_usage")
write("rss_limit", before + 500)
memory.madvise(mmap.MADV_WILLNEED)
after = read("rss_usage")
write("rss_limit", "max")
memory.madvise(mmap.MADV_WILLNEED)
print(before, after, read("rss_usage"))
# it can be used, and so charged to nobody else
for i in range(0, len(memory), 4096): assert memory[i] == 1' "$C"
	assert_success
	read -r before after all <<<"$output"
	assert [ "$after" -le $((before + 500)) ]
	assert [ "$after" -gt $((before + 400)) ]
	assert [ "$all" -gt $((before + 1500)) ]
}

@test "what does not fit is not read from swap by advice" {
	local kind before ahead

	# pages that were read
	swapped_in() {
		awk '$1 == "pswpin" { print $2 }' /proc/vmstat
	}
	# with none read ahead
	ahead=$(cat /proc/sys/vm/page-cluster)
	echo 0 >/proc/sys/vm/page-cluster
	hold_start p "$C"
	for kind in anon shm; do
		tells p "$kind" "$kind" 1000
		tells p touch "$kind"
		if [ "$kind" = anon ]; then
			pageout p "$kind" 1000
		else
			drain_batches
			tells p advise "$kind" pageout
		fi
		set_attr rss_limit $(($(attr rss_usage) + 200))
		before=$(swapped_in)
		tells p advise "$kind" willneed
		before=$(($(swapped_in) - before))
		echo "$kind: $before pages"
		assert [ "$before" -ge 100 ]
		assert [ "$before" -le 300 ]
		assert [ "$(attr rss_usage)" -gt $(($(attr rss_limit) - 100)) ]
		assert_equal "$(attr rss_oom_kills)" 0
		set_attr rss_limit max
		# and all that does fit is read
		before=$(attr rss_usage)
		tells p advise "$kind" willneed
		assert [ $(($(attr rss_usage) - before)) -ge 750 ]
		tells p check "$kind"
	done
	echo "$ahead" >/proc/sys/vm/page-cluster
}

@test "a process that joins brings its shared memory, if that is charged to nobody" {
	local child

	mkdir "$C-to"
	hold_start p
	tells p shm s 400
	tells p touch s 300
	tells p anon a 100
	tells p touch a
	child=$(tell p child look s 300)
	child=${child%% *}
	set_attr addtask "$p"
	drain_batches
	assert_equal "$(attr num_file_pages) $(attr num_mapped_pages)" "300 300"
	assert_equal "$(attr rss_usage)" $((300 + $(attr num_anon_pages)))
	# its own now: what another brings in is the other's
	set_attr addtask "$child" "$C-to"
	assert_equal "$(attr num_file_pages) $(attr num_file_pages "$C-to")" "300 0"
	tells p touch s
	assert_equal "$(attr num_file_pages) $(attr num_file_pages "$C-to")" "400 0"
	# leaving is no way out of being charged for it
	set_attr rmtask "$p"
	assert_equal "$(attr num_file_pages)" 400
	tells p unmap s
	assert_equal "$(attr num_file_pages)" 400
	tells p reap "$child"
	drain_batches
	assert_equal "$(attr num_file_pages) $(attr num_mapped_pages)" "0 0"
}

@test "a process that joins brings the program that it runs, if that is on a tmpfs" {
	local count

	cp "$HELPERS/hold" "$T"
	chmod +x "$T"
	ln -s "$T" "$BATS_TEST_TMPDIR/hold"
	PATH=$BATS_TEST_TMPDIR:$PATH
	hold_start p
	count=$(tell p count)
	set_attr addtask "$p"
	assert [ "$(seen file "$count")" -gt 10 ]
	assert_equal "$(attr num_file_pages)" "$(seen file "$count")"
	assert_equal "$(attr num_mapped_pages)" "$(seen file "$count")"
	run attr mappings
	assert_output --regexp "^$(seen file "$count") .* /$BATS_TEST_NUMBER\$"
}

# A child that its parent makes by vfork runs on the memory of that for a moment.
@test "a child that is moved as soon as it is spawned leaves its parent where it is" {
	run timeout 120 python3 -c '
import os, signal, sys
def write(name, what):
    with open(sys.argv[1] + "/" + name, "w") as f: f.write(what)
pages = bytearray(8 << 20)
for i in range(0, len(pages), 4096): pages[i] = 1
for i in range(40):
    child = os.posix_spawn("/bin/sleep", ["sleep", "60"], os.environ)
    write("addtask", str(child))
    with open(sys.argv[1] + "/tasks") as f: tasks = f.read().split()
    with open(sys.argv[1] + "/num_anon_pages") as f: anon = int(f.read())
    if tasks != [str(child)] or anon >= 2048:
        sys.exit("%d: %s are in it, with %d pages" % (i, tasks, anon))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)' "$C"
	assert_success
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
	fresh_zram
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
	fresh_zram
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

@test "swapoff charges the only container that has memory in a file, or the named one" {
	fresh_zram
	mkdir "$C-to"
	truncate -s 4000K "$T"
	hold_start p "$C"
	tells p map t "$T" 1000 shared
	tells p touch t 300
	drain_batches
	tells p advise t pageout
	drain_batches
	assert [ "$(attr num_file_pages)" -lt 100 ]
	timeout 60 swapoff /dev/zram0
	assert_equal "$(attr num_file_pages)" 300
	swapon -p 100 /dev/zram0

	# of two, nobody knows whose it was
	hold_start q "$C-to"
	tells q map t "$T" 1000 shared
	tells q touch t
	assert_equal "$(attr num_file_pages) $(attr num_file_pages "$C-to")" "300 700"
	# what several map is not paged out by advice
	tells p unmap t
	drain_batches
	tells q advise t pageout
	drain_batches
	assert [ $(($(attr num_file_pages) + $(attr num_file_pages "$C-to"))) -lt 200 ]
	timeout 60 swapoff /dev/zram0
	assert [ $(($(attr num_file_pages) + $(attr num_file_pages "$C-to"))) -lt 200 ]
	swapon -p 100 /dev/zram0

	set_attr addfile "$T"
	assert_equal "$(attr num_file_pages) $(attr num_file_pages "$C-to")" "1000 0"
	drain_batches
	tells q look t
	tells q advise t pageout
	drain_batches
	assert [ "$(attr num_file_pages)" -lt 200 ]
	timeout 60 enter "$C-to" swapoff /dev/zram0
	assert_equal "$(attr num_file_pages) $(attr num_file_pages "$C-to")" "1000 0"
	tells q check t
	swapon -p 100 /dev/zram0
}

@test "swap to a disk: out and in keeps the sum" {
	fresh_zram
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
	fresh_zram
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

@test "a memfd's pages are file pages of who touches them" {
	local before

	hold_start p "$C"
	before=$(attr num_anon_pages)
	tells p shm s 400
	tells p touch s
	drain_batches
	assert_equal "$(attr num_file_pages)" 400
	assert_equal "$(attr num_mapped_pages)" 400
	assert_equal "$(attr num_anon_pages)" "$before"
	assert_equal "$(attr rss_usage)" $((before + 400))
	assert_equal "$(seen file "$(tell p count s)")" 400
	# it owns no file by that
	assert_equal "$(attr num_files)" 0
	run attr mappings
	assert_output --regexp '^400 [0-9]+:[0-9]+ [0-9]+ -$'
	let_go p
	drain_batches
	assert_equal "$(attr num_file_pages) $(attr mappings)" "0 "
}

@test "pages of a file on tmpfs are charged until it is deleted" {
	hold_start p "$C"
	tells p write "$T" 400
	assert_exact_file "$T"
	assert_equal "$(attr num_file_pages)" 400
	assert_equal "$(attr num_files)" 0
	drain
	assert_equal "$(attr num_file_pages)" 400
	run attr mappings
	assert_output --regexp "^400 [0-9]+:[0-9]+ [0-9]+ /$BATS_TEST_NUMBER\$"
	rm "$T"
	drain_batches
	assert_equal "$(attr num_file_pages) $(attr mappings)" "0 "
}

@test "of a tmpfs file that two containers have memory in, each is trimmed to its own" {
	mkdir "$C-to"
	truncate -s 2400K "$T"
	hold_start p "$C"
	hold_start q "$C-to"
	tells p map t "$T" 600 shared
	tells q map t "$T" 600 shared
	tells p touch t 200
	tells q touch t
	drain_batches
	assert_equal "$(attr num_file_pages) $(attr num_file_pages "$C-to")" "200 400"
	set_attr shrink 0 "$C-to" || true
	drain_batches
	assert [ "$(attr num_file_pages "$C-to")" -le 50 ]
	assert_equal "$(attr num_file_pages) $(attr num_mapped_pages)" "200 200"
	set_attr shrink 0 || true
	drain_batches
	assert [ "$(attr num_file_pages)" -le 50 ]

	# who swaps a page in is charged for it, whoever had it before
	tells p look t
	drain_batches
	assert [ "$(attr num_file_pages "$C-to")" -le 50 ]
	assert_equal "$(($(attr num_file_pages) + $(attr num_file_pages "$C-to")))" 600
	tells q look t
	assert_equal "$(($(attr num_file_pages) + $(attr num_file_pages "$C-to")))" 600
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

# Huge pages of a tmpfs that has some where they are asked for.
mount_huge() {
	mkdir -p /run/huge
	mount -t tmpfs -o huge=advise tmpfs /run/huge
	truncate -s 4M /run/huge/a
}

@test "collapsing pages of a tmpfs file keeps the sum" {
	mount_huge
	hold_start p "$C"
	tells p map t /run/huge/a 1024 shared
	# a container that has memory in it gets the holes, too: it has asked for that
	tells p touch t 600
	drain_batches
	assert_equal "$(attr num_file_pages)" 600
	tells p advise t collapse
	tells p look t
	assert_equal "$(seen huge "$(tell p count t)")" 1024
	drain_batches
	assert_equal "$(attr num_file_pages) $(attr num_mapped_pages)" "1024 1024"
	tells p unmap t
	assert_equal "$(attr num_file_pages) $(attr num_mapped_pages)" "1024 0"
	truncate -s 0 /run/huge/a
	drain_batches
	assert_equal "$(attr num_file_pages)" 0
}

@test "pages of a tmpfs file that are of two containers are not collapsed into one" {
	mkdir "$C-to"
	mount_huge
	hold_start p "$C"
	hold_start q "$C-to"
	tells p map t /run/huge/a 1024 shared
	tells q map t /run/huge/a 1024 shared
	tells p touch t 300
	tells q touch t
	drain_batches
	assert_equal "$(attr num_file_pages) $(attr num_file_pages "$C-to")" "300 724"
	tell p advise t collapse
	tell q advise t collapse
	drain_batches
	assert_equal "$(seen huge "$(tell q count t)")" 0
	assert_equal "$(attr num_file_pages) $(attr num_file_pages "$C-to")" "300 724"
	tells q check t

	# nor is another charged for the holes between what one has
	truncate -s 0 /run/huge/a
	truncate -s 4M /run/huge/a
	tells q touch t 600
	drain_batches
	tell p advise t collapse
	drain_batches
	assert_equal "$(attr num_file_pages) $(attr num_file_pages "$C-to")" "0 600"
	tells q advise t collapse
	drain_batches
	assert_equal "$(attr num_file_pages) $(attr num_file_pages "$C-to")" "0 1024"
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
	# of all it maps, but the program itself is nobody's
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

@test "what is cut off a tmpfs file and kept by a pipe stays charged until it is freed" {
	run timeout 60 enter "$C" python3 -c '
import fcntl, os, sys, time
def held():
    line = [l for l in open(sys.argv[2]) if " %s " % sys.argv[3] in l][0]
    return int(line.split(" held_file=")[1].split()[0].split("/")[0])
f = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
r, w = os.pipe()
fcntl.fcntl(w, 1031, 1 << 20)		# F_SETPIPE_SZ
os.write(f, b"x" * (200 << 12))
for i in range(200): os.splice(f, w, 1, i << 12)
os.ftruncate(f, 0)
kept = held()
os.close(r)
os.close(w)
for i in range(100):
    if held() < 50: break
    time.sleep(0.1)
print(kept >= 200, held() < 50)' "/dev/shm/$BATS_TEST_NUMBER" "$AUDIT" "${C##*/}"
	assert_output 'True True'
	rm "/dev/shm/$BATS_TEST_NUMBER"
}

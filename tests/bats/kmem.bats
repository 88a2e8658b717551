#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# Beancounters of the kernel's own memory: kmemsize and dcachesize. Many of each thing are
# made, and what is held is so many times what SLUB says that the objects take; at barrier
# and limit; what a page fault needs; and what is left when a container is removed. The
# audit compares all objects and pages with what is held.
#
# vm: --mem 768M --smp 2 --disk 64M
# kernels: base coexist
# debug: quick

load common

setup_file() { common_setup_file; }

setup() {
	common_setup
	D=/dev/shm/$BATS_TEST_NUMBER
	# where names and inodes are kept in case they are used again
	KEPT=/mnt/disk/$BATS_TEST_NUMBER
	mkdir -p "$D" "$KEPT"
	# counting begins with a write
	set_attr beancounters 'numfile max'
}

teardown() {
	common_teardown
	umount "/dev/shm/$BATS_TEST_NUMBER" 2>/dev/null || true
	rm -rf "/dev/shm/$BATS_TEST_NUMBER" "$KEPT"
}

# size CACHE...: how many bytes one object of each takes, all together
size() {
	local sum=0 cache

	for cache; do
		sum=$((sum + $(<"/sys/kernel/slab/$cache/object_size")))
	done
	echo $sum
}

# How large the stacks of tasks are: twice as much with KASAN.
stack_size() {
	local each

	each=$(($(awk '$1 == "KernelStack:" {print $2}' /proc/meminfo) /
		$(find /proc/[0-9]*/task -mindepth 1 -maxdepth 1 2>/dev/null | wc -l)))
	echo $((each < 24 ? 16384 : 32768))
}

# kmem_start WHAT [out|COMMAND...]: "m" makes so many of these in the container, or outside
kmem_start() {
	local what=$1 enter=(enter "$C")

	shift
	[ "${1-}" != out ] || { enter=(); shift; }
	start_teller m "$@" "${enter[@]}" kmem "$what" "$D"
	assert_equal "$(tell m 0)" '0 ok'
}

# takes WHAT NUMBER BYTES [MORE]: so many take so many bytes each, and all together as much
# as MORE besides (default: two pages); and once they are freed it is as before
takes() {
	local resource=${RESOURCE:-kmemsize} before took most

	kmem_start "$1"
	before=$(bc "$resource")
	assert_equal "$1: $(tell m "$2")" "$1: $2 ok"
	took=$(($(bc "$resource") - before))
	most=$(($2 * $3 + ${4:-8192}))
	audit_agrees
	((took >= $2 * $3 && took <= most)) ||
		fail "$2 of $1 take $took bytes, and not $(($2 * $3)) to $most"
	[ "$STAYS" ] || freed "$1" "$resource" "$before" "${4:-8192}"
	kmem_end
}

# There can be another.
kmem_end() {
	let_go m
	rm -r "$BATS_TEST_TMPDIR/hold-m"
}

# freed WHAT RESOURCE BEFORE MORE
freed() {
	assert_equal "$1: $(tell m -)" "$1: 0 ok"
	# the kernel frees some things late
	wait_until 20 is_down_to "$2" $(($3 + $4))
}

is_down_to() {
	[ "$(bc "$1")" -le "$2" ]
}

@test "what a process maps: mappings, what they are found by, page tables" {
	local vma anon

	vma=$(size vm_area_struct)
	[ ! -e /sys/kernel/slab/vma_lock ] || vma=$((vma + $(size vma_lock)))
	anon=$(size anon_vma anon_vma_chain)
	# each page in the area makes one more of that, too; ten or so are in a node
	takes vma 2000 $((2 * vma)) $((2000 * $(size maple_node) / 2))
	takes anon 2000 $((2 * vma + anon)) $((2000 * $(size maple_node) / 2 + 10 * 4096))
	takes pgtable 1000 4096 $((4 * 4096))
}

@test "tasks: a thread, a process, a number of a user" {
	local task

	task=$(($(size task_struct) + $(stack_size)))
	takes thread 100 "$task" $((100 * 4096))
	takes process 100 $((task + $(size signal_cache sighand_cache files_cache fs_cache \
		mm_struct))) $((100 * 131072))
	# that it asks for it, touches a page, and so there is one more page table
	takes uid 100 $((4096 + $(size uid_cache)))
}

@test "signals and timers" {
	takes sigqueue 1000 "$(size sigqueue)"
	takes timer 1000 "$(size posix_timers_cache sigqueue)"
}

@test "descriptors, and what they stand for" {
	local file

	file=$(size filp)
	takes epoll 1000 "$(size eventpoll_epi eventpoll_pwq)"
	takes eventfd 1000 "$file"
	takes inotify 500 "$(size inotify_inode_mark)"
	# what a pipe is, is larger with lockdep
	takes pipe 200 $((2 * file + $(size kmalloc-cg-192 kmalloc-cg-1k) + 4096)) $((200 * 512))
	takes pty 20 $((2 * file + 2 * $(size kmalloc-cg-1k))) 65536
	takes unix 100 $((2 * (file + $(size UNIX)) + $(size skbuff_head_cache))) $((100 * 2048))
	# three bits and a pointer for each, in pages
	STAYS=1 takes fd 20000 8 $((20000 * 9 + 65536))
	STAYS=1 takes ldt 4000 8 4096
}

@test "SysV messages and semaphores" {
	takes msg 1000 "$(size kmalloc-cg-64)"
	takes msgseg 100 "$(size kmalloc-cg-4k kmalloc-cg-4k)"
	takes semundo 100 "$(size kmalloc-cg-512 kmalloc-cg-96)"
	takes semops 20 $(($(size task_struct kmalloc-cg-4k) + $(stack_size))) $((20 * 4096))
}

@test "what waits for descriptors" {
	# a page of struct poll_list has 510, one of struct poll_table_page 63
	takes poll 10000 $((8 + 64)) $((10000 * 2 + 65536))
	# three sets to look for, and three of what was found: 45,000 bytes, and a thread
	takes select 60000 1 65536
}

@test "file locks, and mounts" {
	takes lock 1000 "$(size file_lock_cache)"
	takes mount 100 "$(size mnt_cache)" 65536
}

@test "what is kept in case it is used again is dcachesize" {
	local before

	before=$(bc kmemsize)
	RESOURCE=dcachesize
	takes node 200 "$(size radix_tree_node)"
	takes inode 1000 "$(size dentry)"
	# tmpfs does not keep those that are not there
	D=$KEPT
	STAYS=1 takes dentry 1000 "$(size dentry)" 16384
	# their names are there by now
	STAYS=1 takes inode 500 "$(size ext4_inode_cache)" $((500 * 128))
	# and not kmemsize
	[ "$(bc kmemsize)" -le $((before + 4096)) ]
	# but for an inode of tmpfs, which nothing can free
	D=/dev/shm/$BATS_TEST_NUMBER RESOURCE=kmemsize takes inode 1000 "$(size shmem_inode_cache)" 32768
}

# ---- at the barrier and the limit ----

@test "a fork that fails half way gives all of it back" {
	local before at

	kmem_start process
	assert_equal "$(tell m 1)" '1 ok'
	assert_equal "$(tell m -)" '0 ok'
	before=$(bc kmemsize)
	for ((at = 0; at < 40000; at += 1500)); do
		set_attr beancounters "kmemsize $((before + at)) max"
		assert_equal "$at $(tell m 1)" "$at 0 ENOMEM"
		wait_until 10 is_down_to kmemsize "$before"
	done
	set_attr beancounters 'kmemsize max'
	assert_equal "$(tell m 1)" '1 ok'
}

@test "up to the barrier to the byte, and no further" {
	local one before

	one=$(size kmalloc-cg-64)
	kmem_start msg
	before=$(bc kmemsize)
	set_attr beancounters "kmemsize $((before + 10 * one))"
	assert_equal "$(tell m 100)" '10 ENOMEM'
	bc_is kmemsize held $((before + 10 * one))
	bc_is kmemsize failcnt 1
	assert_equal "$(tell m -)" '0 ok'
	assert_equal "$(tell m 10)" '10 ok'
	bc_is kmemsize failcnt 1
	# a byte less is one less
	assert_equal "$(tell m -)" '0 ok'
	set_attr beancounters "kmemsize $((before + 10 * one - 1)) max"
	assert_equal "$(tell m 100)" '9 ENOMEM'
	set_attr beancounters 'kmemsize max'
	assert_equal "$(tell m 100)" '100 ok'
}

@test "each says what it says without memory" {
	local what

	for what in sigqueue:EAGAIN timer:EAGAIN epoll:ENOMEM eventfd:ENOMEM msg:ENOMEM \
		lock:ENOLCK thread:EAGAIN process:ENOMEM vma:ENOMEM; do
		kmem_start "${what%:*}"
		assert_equal "$what $(tell m 1)" "$what 1 ok"
		# what a fault needs is there
		set_attr beancounters "kmemsize 0 max"
		assert_equal "${what%:*}:$(tell m 500 | cut -d' ' -f2)" "$what"
		set_attr beancounters 'kmemsize max'
		assert_equal "$what $(tell m 1)" "$what 1 ok"
		kmem_end
	done
}

@test "nobody outside notices" {
	start_teller p enter "$C" kmem msg
	assert_equal "$(tell p 1)" '1 ok'
	set_attr beancounters 'kmemsize 0 max'
	kmem_start msg out
	assert_equal "$(tell m 1000)" '1000 ok'
	assert_equal "$(tell p 1)" '0 ENOMEM'
}

@test "page tables go over the barrier, and no further than the limit" {
	local before

	kmem_start pgtable
	before=$(bc kmemsize)
	set_attr beancounters "kmemsize $before $((before + 200 * 4096))"
	assert_equal "$(tell m 150)" '150 ok'
	[ "$(bc kmemsize)" -ge $((before + 150 * 4096)) ]
	bc_is kmemsize failcnt 0
	dmesg -C
	# over that it is killed, and does not try for ever
	HOLD_TIMEOUT=20 run tell m 1000
	assert_failure
	run wait "$m"
	assert_equal "$status" 137
	[ "$(bc kmemsize failcnt)" -ge 1 ]
	dmesg | grep -q 'container: kmem\[.*is killed'
	wait_until 10 is_down_to kmemsize 4096
}

@test "nor if it is read(2) that needs them" {
	kmem_start pgread
	set_attr beancounters "kmemsize $(bc kmemsize)"
	HOLD_TIMEOUT=20 run tell m 1000
	run wait "$m"
	assert_equal "$status" 137
	[ "$(bc kmemsize maxheld)" -lt $(($(bc kmemsize limit) + 16 * 4096)) ]
}

@test "nor are those that a system call needs kept to the barrier" {
	local before

	kmem_start remap
	before=$(bc kmemsize)
	# what the mapping itself takes fits
	set_attr beancounters "kmemsize $((before + 65536)) $((before + 65536))"
	assert_equal "$(tell m 1)" '0 ENOMEM'
	bc_is kmemsize failcnt 1
	set_attr beancounters "kmemsize $((before + 65536)) $((before + 300 * 4096))"
	assert_equal "$(tell m 1)" '1 ok'
	bc_is kmemsize failcnt 1
	[ "$(bc kmemsize maxheld)" -gt $((before + 200 * 4096)) ]
}

@test "a stack grows over the barrier" {
	start_teller p enter "$C" maps
	tells p stack 10
	set_attr beancounters 'kmemsize 0 max'
	tells p stack 1000
	bc_is kmemsize failcnt 0
}

# ---- what is kept in case it is used again ----

# files DIRECTORY NUMBER: make so many there, of a line each, whose names need memory of
# their own. Nothing of them is kept.
files() {
	mkdir -p "$1"
	seq -f 'line %g' "$2" | split -l 1 -a 4 - "$1/a-name-that-has-no-room-in-the-dentry-itself-"
	drop_kept
}

# Nobody's is kept. What was used twice goes with the second look.
drop_kept() {
	sync
	echo 3 >/proc/sys/vm/drop_caches
	echo 3 >/proc/sys/vm/drop_caches
}

# were_read DIRECTORY: who reads a file that is newer than its last reading has the time of
# that written, and its inode is kept. Once that has been done.
were_read() {
	grep -rc line "$1" >/dev/null
	drop_kept
}

# fill_kept [BARRIER]: C has a barrier of dcachesize of 1M, and keeps as much as it may.
fill_kept() {
	local D=$KEPT/none

	mkdir -p "$D"
	set_attr beancounters "dcachesize ${1:-1M}"
	kmem_start dentry
	assert_equal "$(tell m 6000)" '6000 ok'
	kmem_end
	is_full
}

# It keeps as much as it may: between that and the barrier is an eighth. What a file system
# has in the page cache of its disk comes on top of it.
is_full() {
	local most

	most=$(bc dcachesize barrier)
	[ "$(bc dcachesize)" -gt $((most * 3 / 4)) ]
	wait_until 20 is_down_to dcachesize $((most * 7 / 8 + ${1:-16384}))
}

# Likewise.
stayed_below_barrier() {
	bc_is dcachesize failcnt 0
	[ "$(bc dcachesize maxheld)" -le $(($(bc dcachesize barrier) + ${1:-16384})) ] ||
		fail "$(grep dcachesize "$C/beancounters")"
}

# cached FILE...: how many bytes of them are in the page cache
cached() {
	fincore -n -b -o RES "$@" | awk '{sum += $1} END {print sum + 0}'
}

@test "a container with no room for names and inodes looks at all files" {
	local all

	files "$KEPT/tree" 5000
	echo used >"$KEPT/used"
	were_read "$KEPT/tree"
	enter "$C" cat "$KEPT/used" >/dev/null
	set_attr beancounters 'dcachesize 512K'
	run enter "$C" find "$KEPT/tree" -type f -size +0
	assert_success
	assert_equal "${#lines[@]}" 5000
	# of 5000 inodes on disk are the blocks, with debugging larger
	stayed_below_barrier 524288
	is_full 524288
	run enter "$C" grep -rc line "$KEPT/tree"
	assert_success
	assert_equal "${#lines[@]}" 5000
	stayed_below_barrier 524288
	is_full 524288
	# what was there before is still there, also when it has been used once more
	assert_equal "$(cached "$KEPT/used")" 4096
	enter "$C" cat "$KEPT/used" >/dev/null
	assert_equal "$(cached "$KEPT/used")" 4096
	# and once there is room again all is kept
	set_attr beancounters 'dcachesize max'
	enter "$C" find "$KEPT/tree" -type f -size +0 >/dev/null
	all=$(size dentry ext4_inode_cache)
	[ "$(bc dcachesize)" -ge $((5000 * all)) ]
	audit_agrees
}

@test "and for names that are not there" {
	D=$KEPT
	set_attr beancounters 'dcachesize 256K'
	kmem_start dentry
	assert_equal "$(tell m 5000)" '5000 ok'
	stayed_below_barrier
	is_full
	# those that are there are not made anew, and stay
	assert_equal "$(tell m -)" '0 ok'
	set_attr beancounters 'dcachesize 1'
	assert_equal "$(tell m 500)" '500 ok'
	assert_equal "$(tell m -)" '0 ok'
	assert_equal "$(tell m 500)" '500 ok'
	bc_is dcachesize failcnt 0
	set_attr beancounters 'dcachesize max'
	assert_equal "$(tell m 5000)" '5000 ok'
	[ "$(bc dcachesize)" -ge $((5000 * $(size dentry))) ]
}

# tree NUMBER: C has a barrier of 512K, and has filled it; so many files are new to it
tree() {
	files "$KEPT/tree" "$1"
	were_read "$KEPT/tree"
	fill_kept 512K
}

@test "what went with one who has exited is not in the way of the next" {
	tree 800
	run enter "$C" bash -c '
		files=("$1"/*)
		for ((i = 0; i < 800; i += 20)); do
			(for ((n = 0; n < 20; n++)); do
				exec {fd}<"${files[i + n]}" || echo "$i: none"
			done)
		done' - "$KEPT/tree"
	assert_output ''
	stayed_below_barrier 524288
}

# at_once NUMBER: so many processes look at 100 files each; prints what they could not
at_once() {
	enter "$C" bash -c '
		files=("$1"/*)
		for ((i = 0; i < 100 * $2; i += 100)); do
			(for ((n = 0; n < 100; n++)); do
				[ -s "${files[i + n]}" ] || echo "not $((i + n))"
			done) &
		done
		wait' - "$KEPT/tree" "$1"
}

# Sixteen: with a call each they take a third of the eighth that is left. Twenty take more.
@test "nor are many at once in each other's way" {
	tree 2000
	run at_once 16
	assert_output ''
	bc_is dcachesize failcnt 0
	run at_once 20
	assert [ "${#lines[@]}" -le 8 ]
}

@test "nor is what is never kept" {
	set_attr beancounters 'dcachesize 128K'
	kmem_start socket
	assert_equal "$(tell m 5000)" '5000 ok'
	kmem_end
	# names of tmpfs that are not there
	kmem_start dentry
	assert_equal "$(tell m 5000)" '5000 ok'
	stayed_below_barrier
}

@test "nor are long names that are no more" {
	fill_kept 512K
	D=$KEPT
	kmem_start rename
	assert_equal "$(tell m 3000)" '3000 ok'
	stayed_below_barrier 524288
}

@test "where all is in use nobody waits each time" {
	local in_use waits tracing=/sys/kernel/tracing

	[ -e $tracing/events ] || mount -t tracefs none $tracing
	kmem_start inode
	assert_equal "$(tell m 4000)" '4000 ok'
	in_use=$(bc dcachesize)
	set_attr beancounters "dcachesize $((in_use * 100 / 94))"
	echo 1 >$tracing/events/container/container_throttle/enable
	start_teller n enter "$C" kmem dentry "$KEPT"
	assert_equal "$(tell n 0)" '0 ok'
	echo >$tracing/trace
	assert_equal "$(tell n 300)" '300 ok'
	waits=$(grep -c container_throttle: $tracing/trace)
	echo 0 >$tracing/events/container/container_throttle/enable
	# 57600 bytes, of 800K, were let go
	assert [ "$waits" -ge 1 ]
	assert [ "$waits" -le 30 ]
	assert [ "$(stat_of throttled_usec)" -gt 0 ]
	# nor too late, where there is less than that
	set_attr beancounters "dcachesize $(($(bc dcachesize) * 1000 / 994))"
	assert_equal "$(tell n -)" '0 ok'
	assert_equal "$(tell n 100)" '100 ok'
	let_go n
	bc_is dcachesize failcnt 0
}

@test "what it writes without room for its name and inode is whole" {
	local i n

	head -c 300000 /dev/urandom >"/dev/shm/$BATS_TEST_NUMBER/data"
	fill_kept
	for i in {1..20}; do
		enter "$C" cp "/dev/shm/$BATS_TEST_NUMBER/data" "$KEPT/$i"
	done
	# what is to be written is kept, and so there is an end to it
	run enter "$C" bash -c \
		'for i in {1..500}; do echo "line $i" >"$1/small-$i" || exit; done' - "$KEPT"
	assert_output --partial 'Cannot allocate memory'
	n=$(find "$KEPT" -name 'small-*' -size +0 | wc -l)
	assert [ "$n" -ge 5 ]
	drop_kept
	for i in {1..20}; do
		cmp "/dev/shm/$BATS_TEST_NUMBER/data" "$KEPT/$i"
	done
	for ((i = 1; i <= n; i++)); do
		assert_equal "$(<"$KEPT/small-$i")" "line $i"
	done
	# it is as on a machine that is short of memory: later there is room
	enter "$C" bash -c 'for i in {1..10}; do echo "line $i" >"$1/later-$i"; done' - "$KEPT"
}

@test "what is to be written is kept, and is written before a file system is frozen" {
	local dirty

	fill_kept
	enter "$C" head -c 1M /dev/zero >"$KEPT/file"
	enter "$C" stat "$KEPT/file" >/dev/null
	dirty=$(awk '$1 == "Dirty:" {print $2}' /proc/meminfo)
	assert [ "$dirty" -ge 900 ]
	assert_equal "$(cached "$KEPT/file")" 1048576
}

@test "what others have in memory stays, whoever has no room and uses it" {
	files "$KEPT/theirs" 100
	files "$KEPT/own" 100
	head -c 409600 /dev/zero >"$KEPT/large"
	were_read "$KEPT"
	fill_kept
	cat "$KEPT"/theirs/* >/dev/null
	enter "$C" bash -c 'cat "$1"/theirs/* "$1"/own/* >/dev/null' - "$KEPT"
	assert_equal "$(cached "$KEPT"/theirs/*)" 409600
	assert_equal "$(cached "$KEPT"/own/*)" 0
	# nor what would take long to look at
	enter "$C" cat "$KEPT/large" >/dev/null
	assert_equal "$(cached "$KEPT/large")" 409600
	# nor if it brings in the names, and they the rest
	echo 2 >/proc/sys/vm/drop_caches
	echo 2 >/proc/sys/vm/drop_caches
	fill_kept
	enter "$C" bash -c 'cat "$1"/theirs/* >/dev/null' - "$KEPT"
	assert_equal "$(cached "$KEPT"/theirs/*)" 409600
	stayed_below_barrier
}

# negative: how many names of no file are kept
negative() {
	awk '{print $5}' /proc/sys/fs/dentry-state
}

@test "names that others have brought in stay, also once something has failed" {
	local before D=$KEPT/theirs

	mkdir -p "$KEPT/theirs" "$KEPT/more"
	start_teller o kmem dentry "$KEPT/theirs"
	assert_equal "$(tell o 500)" '500 ok'
	fill_kept
	start_teller n enter "$C" kmem dentry "$KEPT/more"
	assert_equal "$(tell n 0)" '0 ok'
	kmem_start dentry
	set_attr beancounters 'dcachesize 1'
	assert_equal "$(tell n 1)" '0 ENOMEM'
	before=$(negative)
	assert_equal "$(tell m 500)" '500 ok'
	assert [ "$(negative)" -ge $((before - 50)) ]
}

@test "what others use last stays, though it was brought in without room" {
	local last file fd

	files "$KEPT/shared" 3
	were_read "$KEPT/shared"
	fill_kept
	for last in other own; do
		file=$KEPT/shared/a-name-that-has-no-room-in-the-dentry-itself-
		[ $last = other ] && file+=aaaa || file+=aaab
		hold_start p "$C"
		assert_equal "$(tell p open "$file")" ok
		exec {fd}<"$file"
		enter "$C" cat "$file" >/dev/null
		[ $last = other ] || exec {fd}<&-
		let_go p
		rm -r "$BATS_TEST_TMPDIR/hold-p"
		[ $last = own ] || exec {fd}<&-
		assert_equal "$last $(cached "$file")" "$last $([ $last = own ] && echo 0 || echo 4096)"
	done
	# nor does what they have read of a file that it was the first to look at
	file=$KEPT/shared/a-name-that-has-no-room-in-the-dentry-itself-aaac
	hold_start p "$C"
	assert_equal "$(tell p open "$file")" ok
	cat "$file" >/dev/null
	let_go p
	assert_equal "$(cached "$file")" 4096
	stayed_below_barrier
}

@test "what is pinned cannot go, and is up to the barrier" {
	kmem_start inode
	assert_equal "$(tell m 1)" '1 ok'
	set_attr beancounters "dcachesize $(($(bc dcachesize) + 10 * $(size dentry)))"
	assert_equal "$(tell m 100)" '10 ENOMEM'
	bc_is dcachesize failcnt 1
	bc_is kmemsize failcnt 0
	assert_equal "$(find "/dev/shm/$BATS_TEST_NUMBER" -type f | wc -l)" 11
	set_attr beancounters 'dcachesize max'
	assert_equal "$(tell m 100)" '100 ok'
	assert_equal "$(find "/dev/shm/$BATS_TEST_NUMBER" -type f | wc -l)" 111
}

@test "names that were kept without a file do not keep one" {
	local before

	D=$KEPT
	kmem_start dentry
	assert_equal "$(tell m 1000)" '1000 ok'
	kmem_end
	before=$(bc dcachesize)
	set_attr beancounters "dcachesize $((before + 8192))"
	kmem_start inode
	assert_equal "$(tell m 1000)" '1000 ok'
	bc_is dcachesize failcnt 0
	# seven eighths are kept, and what the file system has of its disk: a buffer head for
	# four inodes
	wait_until 20 is_down_to dcachesize $(((before + 8192) * 7 / 8 + 250 * $(size buffer_head) + 16384))
}

@test "after a lower barrier has made something fail, what was kept goes when it is used" {
	local before

	D=$KEPT
	kmem_start dentry
	assert_equal "$(tell m 1000)" '1000 ok'
	before=$(bc dcachesize)
	set_attr beancounters "dcachesize $((before / 2))"
	assert_equal "$(tell m -)" '0 ok'
	assert_equal "$(tell m 1000)" '1000 ok'
	bc_is dcachesize held "$before"
	assert_equal "$(tell m 1)" '0 ENOMEM'
	assert_equal "$(tell m -)" '0 ok'
	assert_equal "$(tell m 1000)" '1000 ok'
	wait_until 20 is_down_to dcachesize $((before / 2))
	assert_equal "$(tell m 1000)" '1000 ok'
	bc_is dcachesize failcnt 1
}

watching() {
	grep -q ^inotify "/proc/$WATCHER/fdinfo/"* 2>/dev/null
}

@test "who watches is told" {
	kmem_start msg
	# to write it would be told, too
	set_attr beancounters 'kmemsize 0 max'
	inotifywait -q -t $((20 * ${SLOW:-1})) -e modify "$C/beancounters" 3>&- &
	WATCHER=$!
	wait_until 20 watching
	assert_equal "$(tell m 1)" '0 ENOMEM'
	wait "$WATCHER"
}

@test "what goes with the page cache is neither refused nor in the way" {
	local before held fd

	kmem_start mapnode
	assert_equal "$(tell m 10)" '10 ok'
	before=$(bc dcachesize)
	set_attr beancounters "dcachesize $((before + 65536))"
	assert_equal "$(tell m 1000)" '1000 ok'
	kmem_end
	# of each of its blocks, and of the file system's
	enter "$C" dd if=/dev/zero of="$KEPT/large" bs=1M count=16 status=none
	exec {fd}<"$KEPT/large"
	[ "$(bc dcachesize)" -ge $((16384 * $(size buffer_head))) ]
	# that is far over the barrier
	D=$KEPT
	kmem_start dentry
	assert_equal "$(tell m 100)" '100 ok'
	kmem_end
	kmem_start node
	assert_equal "$(tell m 1000)" '1000 ok'
	bc_is dcachesize failcnt 0
	# and once it is gone nothing is held for it
	held=$(bc dcachesize)
	exec {fd}<&-
	kmem_end
	rm "$KEPT/large"
	wait_until 20 is_down_to dcachesize $((held - 16384 * $(size buffer_head) - 1000 *
		$(size radix_tree_node)))
	audit_agrees
}

# ---- what has to go on over the limit ----

# Each page has five nodes of its own.
@test "of a file with large holes nodes are up to the barrier" {
	local page

	set_attr beancounters 'dcachesize 128K'
	run enter "$C" bash -c 'for ((i = 1; i <= 300; i++)); do
			dd if=/dev/zero of="$1" bs=4096 count=1 seek=$((i << 30)) \
				conv=notrunc status=none || exit
		done' - "/dev/shm/$BATS_TEST_NUMBER/holes"
	assert_failure
	assert_output --partial 'Cannot allocate memory'
	page=$((4 * $(size buffer_head) + $(size radix_tree_node) / 8))
	[ "$(bc dcachesize)" -le $((131072 + 65536 + page * 800)) ] ||
		fail "$(grep dcachesize "$C/beancounters")"
}

@test "privileges, mappings and names are given up over the limit" {
	local what

	for what in seteuid unmap unlink; do
		kmem_start "$what"
		set_attr beancounters 'kmemsize 0'
		set_attr beancounters 'dcachesize 0'
		assert_equal "$what $(tell m 2000)" "$what 2000 ok"
		set_attr beancounters 'kmemsize max'
		set_attr beancounters 'dcachesize max'
		# and there is nothing left where a name was
		[ "$what" != unlink ] || assert_equal "$(tell m 1)" '1 ok'
		kmem_end
	done
}

@test "a file system that is changed over the limits stays well" {
	local i left
	local -a limits=('kmemsize 1' 'kmemsize max' 'dcachesize 1' 'dcachesize max')

	D=$KEPT
	dmesg -C
	start_teller p enter "$C" kmem change "$D"
	kmem_start change
	echo 100000 >&"$IN_m"
	echo 100000 >&"$IN_p"
	# by hand, as fast as it goes: each allocation is the one that fails
	left=$((SECONDS + 15))
	while [ "$SECONDS" -lt "$left" ]; do
		for i in 0 1 2 3; do
			echo "${limits[i]}" >"$C/beancounters"
		done
	done
	[ "$(bc kmemsize failcnt)" -ge 100 ]
	kill -9 "$m" "$p"
	sync
	touch "$KEPT/written"
	run dmesg
	refute_output --regexp 'EXT4-fs (error|warning)|JBD2'
	audit_agrees
}

@test "somebody waits for room in a file system, and nobody for him" {
	D=$KEPT
	kmem_start change
	assert_equal "$(tell m 300)" '300 ok'
	sync
	# what it takes to find its way in a file has to be read again
	echo 3 >/proc/sys/vm/drop_caches
	set_attr beancounters 'dcachesize 1'
	set_attr beancounters 'kmemsize 1'
	echo 2000 >&"$IN_m"
	sleep 3
	timeout $((20 * ${SLOW:-1})) sync -f "$KEPT"
	kill -9 "$m"
}

@test "what the kernel shares with a process by mapping it stays what it is" {
	kmem_start ring
	assert_equal "$(tell m 10)" '10 ok'
	audit_agrees
	assert_equal "$(tell m -)" '0 ok'
	kmem_end
	audit_agrees
}

# ---- whose it is ----

@test "what was there before, and what is outside, is not counted" {
	local D=$ROOT/later before

	mkdir "$D"
	start_teller p enter "$D" kmem msg
	assert_equal "$(tell p 1000)" '1000 ok'
	kmem_start msg out
	before=$(bc kmemsize)
	assert_equal "$(tell m 1000)" '1000 ok'
	bc_is kmemsize held "$before"
	echo 'kmemsize max' >"$D"/beancounters
	assert_equal "$(bc kmemsize held "$D")" 0
	assert_equal "$(tell p 1000)" '1000 ok'
	assert_equal "$(bc kmemsize held "$D")" $((1000 * $(size kmalloc-cg-64)))
	# and to free what is not counted takes nothing away
	assert_equal "$(tell p -)" '0 ok'
	assert_equal "$(bc kmemsize held "$D")" 0
}

@test "it stays where it was made" {
	local D=$ROOT/other one before

	one=$(size kmalloc-cg-64)
	mkdir "$D"
	echo 'kmemsize max' >"$D"/beancounters
	kmem_start msg
	before=$(bc kmemsize)
	assert_equal "$(tell m 100)" '100 ok'
	echo "$m" >"$D"/addtask
	assert_equal "$(tell m 10)" '10 ok'
	bc_is kmemsize held $((before + 100 * one))
	assert_equal "$(bc kmemsize held "$D")" $((10 * one))
	assert_equal "$(tell m -)" '0 ok'
	bc_is kmemsize held "$before"
	assert_equal "$(bc kmemsize held "$D")" 0
}

@test "rmdir leaves 100,000 objects where they are, and they are freed later" {
	local D=$ROOT/gone before start

	mkdir "$D"
	echo 'kmemsize max' >"$D"/beancounters
	start_teller m enter "$D" kmem msg
	assert_equal "$(tell m 50000)" '50000 ok'
	start_teller p enter "$D" kmem sigqueue
	assert_equal "$(tell p 50000)" '50000 ok'
	[ "$(bc kmemsize held "$D")" -ge $((100000 * 64)) ]
	echo "$m" >"$D"/rmtask
	echo "$p" >"$D"/rmtask
	start=$(date +%s%N)
	rmdir "$D"
	assert [ $(($(date +%s%N) - start)) -lt $((2000000000 * ${SLOW:-1})) ]
	# another in its place has nothing, and nothing is taken from it
	mkdir "$D"
	echo 'kmemsize max' >"$D"/beancounters
	assert_equal "$(tell m -)" '0 ok'
	assert_equal "$(tell p -)" '0 ok'
	assert_equal "$(bc kmemsize held "$D") $(bc kmemsize minheld "$D")" '0 0'
	audit_agrees
}

@test "it is exact while many make and free" {
	local i

	for i in 1 2 3 4; do
		enter "$C" bash -c 'for i in {1..100}; do
			bash -c "exec 9<>/dev/null; { :; } | { :; }" 2>/dev/null; done' 3>&- &
	done
	for i in {1..5}; do
		sleep "0.$i"
		assert_equal "$(grep -c '[a-z]size=[0-9]*/' "$AUDIT")" 0
	done
	wait
	wait_until 20 is_down_to kmemsize 0
}

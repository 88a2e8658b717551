#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# rss_limit: what is charged to it, that it holds, that cache never gets anybody
# killed, and who is if nothing else helps; shrink, and lowering the limit. With
# swap on a disk; without it: hard-noswap.bats.
#
# vm: --mem 512M --smp 2 --parallel --disk 512M --swap 256M
# kernels: base coexist

load common

setup_file() { common_setup_file; }

setup() {
	common_setup
	F=/mnt/disk/$BATS_TEST_NUMBER
}

teardown() {
	common_teardown
	rm -rf "$F"* "/dev/shm/$BATS_TEST_NUMBER"
	echo never >/sys/kernel/mm/transparent_hugepage/enabled
}

stat_of() {
	awk -v key="$1" '$1 == key { print $2 }' "${2:-$C}/stat"
}

no_kill() {
	assert_equal "$(attr rss_oom_kills)" 0
	run dmesg
	refute_output --partial 'oom-kill'
}

@test "rss is anonymous, shmem and mapped file pages, and no other page cache" {
	hold_start p "$C"
	tells p anon a 300
	tells p touch a
	tells p shm s 200
	tells p touch s
	tells p write "$F" 1000
	tells p sync "$F"
	drain_batches
	assert_equal "$(attr rss_usage)" \
		$(($(attr num_anon_pages) + 200))
	tells p map m "$F" 100 shared
	tells p touch m
	drain_batches
	assert_equal "$(attr rss_usage)" \
		$(($(attr num_anon_pages) + $(attr num_mapped_pages)))
	assert [ "$(attr num_mapped_pages)" -ge 300 ]
	tells p unmap m
	tells p unmap s
	assert_equal "$(attr rss_usage)" "$(attr num_anon_pages)"
}

@test "rss_usage is what smaps says, while all kinds of things happen" {
	local before

	hold_start p "$C"
	before=$(attr rss_usage)
	tells p anon a 1000
	tells p touch a
	tell p child touch a 500 >/dev/null
	drain_batches
	# the child has copies of 500, and of what else it wrote
	assert_exact_anon_sum
	tells p advise a dontneed
	drain_batches
	assert_exact_anon_sum
	assert [ "$(attr rss_usage)" -lt $((before + 1200)) ]
}

# The anonymous pages of all tasks, counted once each, are what is charged.
assert_exact_anon_sum() {
	local pid sum=0 kb

	while read -r pid; do
		[ -d "/proc/$pid" ] || continue
		kb=$(awk '/^Pss_Anon:/ { print $2 }' "/proc/$pid/smaps_rollup")
		sum=$((sum + kb))
	done <"$C/tasks"
	# Pss rounds down per process
	assert [ $(($(attr num_anon_pages) * 4 - sum)) -ge 0 ]
	assert [ $(($(attr num_anon_pages) * 4 - sum)) -le 8 ]
	assert_equal "$(attr rss_usage)" "$(attr num_anon_pages)"
}

@test "eight tasks at the limit with swap never go over it, and none is killed" {
	set_attr rss_limit 2000
	with_peak timeout 100 enter "$C" eat 8 1500 3
	assert_output 'well=8 killed=0 bad=0'
	assert [ "$PEAK" -gt 1000 ]
	# read while pages come and go: a sum over CPUs, a page or two off
	assert [ "$PEAK" -le $((2000 + 8)) ]
	assert [ "$(attr rss_failcnt)" -gt 0 ]
	assert [ "$(attr rss_reclaimed)" -gt 100 ]
	no_kill
	assert_equal "$(attr rss_usage)" 0
}

@test "neither do huge pages" {
	echo always >/sys/kernel/mm/transparent_hugepage/enabled
	set_attr rss_limit 3000
	with_peak timeout 100 enter "$C" eat 4 2048 2 thp
	assert_output 'well=4 killed=0 bad=0'
	assert [ "$PEAK" -le $((3000 + 4)) ]
	no_kill
}

@test "neither does shared memory" {
	set_attr rss_limit 2000
	with_peak timeout 100 enter "$C" eat 4 1200 2 shm
	assert_output 'well=4 killed=0 bad=0'
	assert [ "$PEAK" -le $((2000 + 4)) ]
	no_kill
}

@test "a large write to a tmpfs makes room for itself" {
	set_attr rss_limit 2000
	with_peak timeout 100 enter "$C" dd if=/dev/zero bs=1M count=30 status=none \
		of="/dev/shm/$BATS_TEST_NUMBER"
	assert_success
	# and dd itself has file pages mapped: 16 with each fault
	assert [ "$PEAK" -le $((2000 + 64 + 16)) ]
	no_kill
	run cmp -n 31457280 "/dev/shm/$BATS_TEST_NUMBER" /dev/zero
	assert_success
}

@test "a mapped file is unmapped rather than anybody killed, and stays cached" {
	hold_start h
	tells h write "$F" 12000
	tells h sync "$F"
	set_attr addfile "$F"
	set_attr rss_limit 1000
	hold_start p "$C"
	tells p map m "$F" 12000 shared
	with_peak tell p look m
	assert_output ok
	# a fault maps 16 pages and waits afterwards; 64 are let be
	assert [ "$PEAK" -le $((1000 + 64 + 16)) ]
	assert_equal "$(tell h resident "$F")" 12000
	no_kill
}

@test "files that are written for as long as one likes get nobody killed" {
	set_attr rss_limit 1000
	set_attr page_limit 2000
	for _ in 1 2 3 4 5 6; do
		with_peak timeout 60 enter "$C" dd if=/dev/zero of="$F" bs=64K count=800 status=none
		assert_success
	done
	within() { [ "$(usage)" -le $((2000 + 2000 / 8)) ]; }
	wait_until 20 within
	no_kill
}

@test "what is locked is over the limit, and what is not goes on" {
	hold_start h
	tells h write "$F" 800
	set_attr addfile "$F"
	hold_start p "$C"
	tells p map m "$F" 800 shared
	tells p lock m
	set_attr rss_limit 1000
	tells p anon a 500
	HOLD_TIMEOUT=100 tells p touch a
	tells p check a
	no_kill
}

@test "what another does with an owner's file does not fail, nor kill the owner" {
	hold_start q "$C"
	tells q anon a 300
	tells q touch a
	set_attr rss_limit 500
	hold_start h
	tells h write "$F" 5000
	set_attr addfile "$F"
	tells h map m "$F" 5000 shared
	HOLD_TIMEOUT=100 tells h touch m
	tells h read "$F"
	touch "/dev/shm/$BATS_TEST_NUMBER"
	set_attr addfile "/dev/shm/$BATS_TEST_NUMBER"
	HOLD_TIMEOUT=100 tells h write "/dev/shm/$BATS_TEST_NUMBER" 2000
	tells q check a
	no_kill
	fits() { [ "$(attr rss_usage)" -le $((500 + 64)) ]; }
	wait_until 20 fits
}

@test "a system call that fills memory waits as a page fault does" {
	set_attr rss_limit 2000
	head -c 24M /dev/urandom >"$F"
	# read(2) of 1 MB at a time into fresh memory
	with_peak timeout 100 enter "$C" dd if="$F" of=/dev/null bs=12M status=none
	assert_success
	assert [ "$PEAK" -le $((2000 + 64 + 16)) ]
	no_kill
}

@test "joining takes a process in whole, and trims it to the limit" {
	set_attr rss_limit 500
	hold_start p
	tells p anon a 2000
	tells p touch a
	set_attr addtask "$p"
	fits() { [ "$(attr rss_usage)" -le 500 ]; }
	wait_until 20 fits
	tells p check a
	no_kill
}

@test "lowering rss_limit shrinks first" {
	hold_start p "$C"
	tells p anon a 2000
	tells p touch a
	set_attr rss_limit 800
	assert_equal "$(attr rss_limit)" 800
	assert [ "$(attr rss_usage)" -le 800 ]
	tells p check a
}

@test "lowering rss_limit below what cannot go is refused, and the limit stays" {
	set_attr rss_limit 3000
	hold_start p "$C"
	tells p anon a 1000
	tells p touch a
	tells p lock a
	assert_equal "$(put_value rss_limit 500)" EBUSY
	assert_equal "$(attr rss_limit)" 3000
	assert_equal "$(put_value rss_limit max)" ok
}

@test "shrink trims to a size, files first" {
	hold_start p "$C"
	tells p anon a 500
	tells p touch a
	tells p write "$F" 4000
	tells p sync "$F"
	assert_equal "$(put_value shrink 4M)" ok
	assert [ "$(usage)" -le 1024 ]
	assert [ "$(attr num_anon_pages)" -ge 500 ]
	assert_equal "$(put_value shrink 100)" ok
	assert [ "$(usage)" -le 100 ]
	tells p check a
}

@test "shrink says EBUSY where nothing can go" {
	hold_start p "$C"
	tells p anon a 1000
	tells p touch a
	tells p lock a
	assert_equal "$(put_value shrink 500)" EBUSY
	assert_equal "$(put_value shrink 10000)" ok
}

@test "a signal ends shrink" {
	hold_start p "$C"
	tells p anon a 30000
	tells p touch a
	# it is at it for seconds: swap is on a disk
	put "$C/shrink" <<<10 >/dev/null 3>&- &
	wait_until 20 usage_at_most 29999
	kill -TERM $!
	status=0
	wait $! || status=$?
	assert_equal "$status" 143
	assert [ "$(usage)" -gt 10 ]
	tells p check a
}

@test "a signal that has a handler ends shrink with EINTR, and what is freed stays so" {
	hold_start p "$C"
	tells p anon a 30000
	tells p touch a
	"$CTNCTL" shrink "${C##*/}" 10 2>"$BATS_TEST_TMPDIR/said" 3>&- &
	wait_until 20 usage_at_most 29000
	kill -TERM $!
	status=0
	wait $! || status=$?
	assert [ "$status" -ne 0 ]
	run cat "$BATS_TEST_TMPDIR/said"
	assert_output --partial 'Interrupted system call; usage went from'
	assert [ "$(usage)" -gt 10 ]
	assert [ "$(usage)" -le 29000 ]
	tells p check a
}

@test "shrink goes on when it has been stopped" {
	hold_start p "$C"
	tells p anon a 30000
	tells p touch a
	put "$C/shrink" <<<10000 >"$BATS_TEST_TMPDIR/said" 3>&- &
	wait_until 20 usage_at_most 29999
	kill -STOP $!
	kill -CONT $!
	wait $!
	assert_equal "$(<"$BATS_TEST_TMPDIR/said")" ok
	assert [ "$(usage)" -le 10000 ]
}

@test "what a process has that is killed while it is trimmed is freed, not trimmed" {
	hold_start p "$C"
	tells p anon a 30000
	tells p touch a
	put "$C/shrink" <<<10 >/dev/null 3>&- &
	wait_until 20 usage_at_most 29000
	kill -9 "$p"
	# a round is counted at its end
	wait $!
	assert [ "$(stat_of swapped_out)" -lt 20000 ]
	assert [ "$(usage)" -le 10 ]
}

@test "what is reserved on tmpfs has what else there is swapped out" {
	local f=/dev/shm/$BATS_TEST_NUMBER

	hold_start p "$C"
	tells p anon a 1500
	tells p touch a
	set_attr rss_limit 2000
	run timeout 60 enter "$C" fallocate -l 4M "$f"
	assert_success
	assert_equal "$(stat -c %b "$f")" 8192
	# more than the limit is refused, and gives back all that it had
	run timeout 60 enter "$C" fallocate -l 12M "$f"
	assert_failure 1
	assert_output --partial 'Cannot allocate memory'
	assert_equal "$(stat -c %b "$f")" 8192
	tells p check a
	no_kill
}

@test "a file on tmpfs that is spliced out of swap stays below the limit" {
	local f=/dev/shm/$BATS_TEST_NUMBER

	set_attr rss_limit 2000
	run timeout 60 enter "$C" dd if=/dev/zero of="$f" bs=64K count=500 status=none
	assert_success
	hold_start p "$C"
	with_peak tell p splice "$f"
	assert_output ok
	assert [ "$PEAK" -le $((2000 + 64 + 16)) ]
	no_kill
}

@test "lowering page_limit always succeeds, and wakes kcontainerd" {
	hold_start p "$C"
	tells p anon a 1000
	tells p touch a
	tells p lock a
	assert_equal "$(put_value page_limit 10)" ok
	assert_equal "$(attr page_limit)" 10
	rounds() { [ "$(stat_of rounds)" -gt 0 ]; }
	wait_until 20 rounds
}

@test "rmdir goes through while somebody shrinks" {
	hold_start p "$C"
	tells p anon a 1000
	tells p touch a
	tells p lock a
	# nothing can go, so each try ends soon: one after the other, until it is gone
	busy() {
		while [ "$(put "$C/$1" <<<10)" = EBUSY ]; do :; done
	}
	busy shrink 3>&- &
	busy rss_limit 3>&- &
	begun() { [ "$(stat_of rounds)" -gt 2 ]; }
	wait_until 20 begun
	run timeout 20 rmdir "$C"
	assert_success
	tells p check a
}

@test "stat counts what was done" {
	set_attr page_limit 1000
	hold_start p "$C"
	HOLD_TIMEOUT=100 tells p write "$F" 5000
	under() { [ "$(usage)" -le 1000 ]; }
	wait_until 20 under
	assert [ "$(stat_of rounds)" -gt 0 ]
	assert [ "$(stat_of scanned)" -ge 4000 ]
	assert [ "$(stat_of written_back)" -ge 3000 ]
	assert [ "$(stat_of dropped)" -ge 3000 ]
	# files may be trimmed as fast as they are written, but these not at all
	tells p anon l 3000
	HOLD_TIMEOUT=100 tells p lock l
	assert [ "$(stat_of throttled_usec)" -gt 0 ]
	tells p unmap l
	set_attr page_limit max
	set_attr rss_limit 500
	tells p anon a 2000
	HOLD_TIMEOUT=100 tells p touch a
	tells p check a
	assert [ "$(stat_of charge_failures)" -gt 0 ]
	assert [ "$(stat_of reclaim_usec)" -gt 0 ]
	assert [ "$(stat_of swapped_out)" -ge 1500 ]
	assert [ "$(stat_of refaulted)" -ge 1500 ]
	assert [ "$(stat_of reclaimed)" -ge "$(stat_of swapped_out)" ]
}

@test "a cgroup's limit and rss_limit both hold on one task" {
	grep -qw memory /sys/fs/cgroup/cgroup.controllers || skip 'there is no memory cgroup in this kernel'
	echo +memory >/sys/fs/cgroup/cgroup.subtree_control
	mkdir -p /sys/fs/cgroup/x
	echo 12M >/sys/fs/cgroup/x/memory.max
	set_attr rss_limit 2000
	with_peak timeout 100 bash -c "echo \$\$ >/sys/fs/cgroup/x/cgroup.procs; exec enter $C eat 2 3000 2"
	assert_output 'well=2 killed=0 bad=0'
	assert [ "$PEAK" -le $((2000 + 2)) ]
	assert [ "$(cat /sys/fs/cgroup/x/memory.peak)" -le 12582912 ]
	# with so little the cgroup may kill by its own rules, but not the container
	echo 6M >/sys/fs/cgroup/x/memory.max
	with_peak timeout 100 bash -c "echo \$\$ >/sys/fs/cgroup/x/cgroup.procs; exec enter $C eat 2 3000 2"
	assert_success
	assert [ "$PEAK" -le 1600 ]
	assert_equal "$(attr rss_oom_kills)" 0
	rmdir /sys/fs/cgroup/x
}

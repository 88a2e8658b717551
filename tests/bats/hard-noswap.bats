#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# rss_limit without swap: who dies, and who does not.
#
# vm: --mem 512M --smp 2 --disk 256M

load common

setup_file() { common_setup_file; }

setup() {
	common_setup
	F=/mnt/disk/$BATS_TEST_NUMBER
	dmesg --clear
}

teardown() {
	fsfreeze -u /mnt/disk 2>/dev/null || true
	common_teardown
	rm -f "$F" "/dev/shm/$BATS_TEST_NUMBER"
	echo 0 >/proc/sys/vm/panic_on_oom
	echo 0 >/proc/sys/vm/oom_kill_allocating_task
}

@test "a process that fits the limit to the page is let be" {
	local base

	hold_start p "$C"
	tells p anon a 1000
	tells p touch a 1
	base=$(attr num_anon_pages)
	set_attr rss_limit $((base + 999))
	tells p touch a
	tells p check a
	assert_equal "$(attr num_anon_pages)" $((base + 999))
	assert_equal "$(attr rss_oom_kills)" 0
}

@test "one that goes over it is killed, nobody else, and the report says why" {
	hold_start h
	hold_start p "$C"
	tells p anon a 3000
	set_attr rss_limit 1000
	run tell p touch a
	assert_failure
	wait_gone "$p"
	tells h anon a 100
	assert_equal "$(attr rss_oom_kills)" 1
	assert [ "$(attr rss_failcnt)" -gt 0 ]
	run dmesg
	assert_output --partial "container ${C##*/}: rss"
	assert_output --partial "limit 4000kB"
	assert_output --partial "constraint=CONSTRAINT_CONTAINER"
	assert_output --partial "Container out of memory: Killed process $p (hold)"
	assert_equal "$(attr num_tasks) $(attr rss_usage)" '0 0'
}

@test "the largest of them dies, and the others go on" {
	hold_start p "$C"
	tells p anon a 1500
	tells p touch a
	hold_start q "$C"
	tells q anon a 1000
	tells q touch a 100
	set_attr rss_limit 2000
	HOLD_TIMEOUT=20 tells q touch a
	tells q check a
	wait_gone "$p"
	assert_equal "$(attr rss_oom_kills)" 1
}

@test "oom_score_adj is respected" {
	hold_start p "$C"
	tells p anon a 1500
	tells p touch a
	echo -1000 >"/proc/$p/oom_score_adj"
	hold_start q "$C"
	tells q anon a 1000
	set_attr rss_limit 2000
	run tell q touch a
	assert_failure
	wait_gone "$q"
	tells p check a
}

@test "with oom=container all die together, and nobody outside" {
	hold_start h
	hold_start p "$C"
	tells p anon a 500
	tells p touch a
	tell p forks 5 >/dev/null
	hold_start q "$C"
	tells q anon a 3000
	set_attr oom container
	set_attr rss_limit 2000
	run tell q touch a
	assert_failure
	wait_gone "$p"
	wait_gone "$q"
	wait_until 20 has_tasks 0
	assert_equal "$(attr rss_oom_kills)" 7
	tells h anon a 100
}

@test "eight tasks at the limit never go over it, and those that fit survive" {
	set_attr rss_limit 2000
	with_peak timeout 60 enter "$C" eat 8 600 2 anon together
	# read while pages come and go: a sum over CPUs, a page or two off
	assert [ "$PEAK" -le $((2000 + 8)) ]
	assert_output --regexp 'well=[1-7] killed=[1-7] bad=0'
	assert_equal "$(attr rss_usage)" 0
}

@test "panic_on_oom of 1 is for the machine's memory only" {
	echo 1 >/proc/sys/vm/panic_on_oom
	set_attr rss_limit 500
	run timeout 20 enter "$C" eat 1 1000 1
	assert_output 'well=0 killed=1 bad=0'
}

@test "oom_kill_allocating_task kills who asks for more" {
	hold_start p "$C"
	tells p anon a 1500
	tells p touch a
	hold_start q "$C"
	tells q anon a 1000
	set_attr rss_limit 2000
	echo 1 >/proc/sys/vm/oom_kill_allocating_task
	run tell q touch a
	assert_failure
	wait_gone "$q"
	tells p check a
}

@test "what MADV_FREE gave up is taken before anybody is killed" {
	hold_start p "$C"
	tells p anon a 1000
	tells p touch a
	tells p advise a free
	set_attr rss_limit 1500
	tells p anon b 1200
	HOLD_TIMEOUT=20 tells p touch b
	tells p check b
	assert_equal "$(attr rss_oom_kills)" 0
}

@test "a tmpfs that fills the limit gets its writer killed" {
	set_attr rss_limit 1000
	run timeout 20 enter "$C" dd if=/dev/zero bs=64K count=200 status=none \
		of="/dev/shm/$BATS_TEST_NUMBER"
	assert_equal "$status" 137
	assert [ "$(attr rss_usage)" -le 1000 ]
}

# p, which must not be killed, and has filled the limit of 1000 pages with file $1
fill_the_limit() {
	hold_start p "$C"
	echo -1000 >"/proc/$p/oom_score_adj"
	tells p anon a 100
	tells p touch a
	# untouched
	tells p shm s 10
	: >"$1"
	tells p store a "$1"
	set_attr rss_limit 1000
	while [ "$(tell p store a "$1")" = ok ]; do
		:
	done
	assert_equal "$(attr rss_usage)" 1000
}

@test "where nobody may be killed for it, more than fits on tmpfs is refused" {
	local f=/dev/shm/$BATS_TEST_NUMBER

	fill_the_limit "$f"
	# what has been written is there
	assert [ "$(stat -c %s "$f")" -gt $((500 * 4096)) ]
	assert_equal "$(tell p store a "$f") $(tell p store a "$f")" 'ENOMEM ENOMEM'
	assert_equal "$(attr rss_oom_kills) $(attr rss_usage)" '0 1000'
	: >"$f"
	tells p store a "$f"
}

@test "what is reserved on tmpfs fits, or is refused" {
	local f=/dev/shm/$BATS_TEST_NUMBER

	set_attr rss_limit 1000
	run timeout 30 enter "$C" fallocate -l 8M "$f"
	assert_failure 1
	assert_output --partial 'Cannot allocate memory'
	assert_equal "$(stat -c '%s %b' "$f")" '0 0'
	run timeout 30 enter "$C" fallocate -l 2M "$f"
	assert_success
	assert_equal "$(attr rss_oom_kills)" 0
}

waits_for_room() {
	grep -q __container_exit_fault "/proc/$1/stack"
}

@test "that it is refused is told once in a while, not each time" {
	local f=/dev/shm/$BATS_TEST_NUMBER

	fill_the_limit "$f"
	for _ in {1..10}; do
		assert_equal "$(tell p store a "$f")" ENOMEM
	done
	run dmesg
	assert_output --partial 'no killable processes'
	run grep -c 'no killable processes' <<<"$output"
	assert [ "$output" -le 3 ]
}

@test "a write to tmpfs whose data cannot be touched does not keep its file locked" {
	local f=/dev/shm/$BATS_TEST_NUMBER

	fill_the_limit "$f"
	echo "store s $f" >&"$IN_p"
	wait_until 20 waits_for_room "$p"
	run timeout 60 rm "$f"
	assert_success
	# who has it open waits on, but keeps nobody from making room
	set_attr rss_limit max
	read -r -t 30 -u "$OUT_p" output
	assert_equal "$output" ENOMEM
	tells p touch s
	assert_equal "$(attr rss_oom_kills)" 0
}

@test "who waits in vain for room goes on in another container" {
	local f=/dev/shm/$BATS_TEST_NUMBER

	fill_the_limit "$f"
	echo 'touch s' >&"$IN_p"
	wait_until 20 waits_for_room "$p"
	assert [ "$(attr rss_usage)" -eq 1000 ]
	mkdir "$C.2"
	set_attr addtask "$p" "$C.2"
	read -r -t 20 -u "$OUT_p" output
	assert_equal "$output" ok
	assert_equal "$(attr rss_oom_kills)" 0
}

@test "a hole of a file on tmpfs is read at the limit as well" {
	local f=/dev/shm/$BATS_TEST_NUMBER

	hold_start p "$C"
	tells p write "$f" 100
	tells p read "$f"
	: >"$f"
	truncate -s 400K "$f"
	set_attr rss_limit "$(attr num_anon_pages)"
	HOLD_TIMEOUT=20 tells p read "$f"
	assert_equal "$(attr rss_oom_kills) $(attr rss_failcnt)" '0 0'
	assert_equal "$(stat -c %b "$f")" 0
}

@test "a vfork parent and its child do not hang at the limit" {
	hold_start p "$C"
	tells p anon a 800
	tells p touch a
	set_attr rss_limit 1000
	tell p vfork >/dev/null
	tells p anon b 1000
	run tell p touch b
	assert_failure
	wait_gone "$p"
}

@test "a victim that cannot even die does not hold up the others" {
	hold_start p "$C"
	tells p anon a 1500
	tells p touch a
	fsfreeze -f /mnt/disk
	echo "write $F 10" >&"$IN_p"
	sleeps() { grep -q '^State:	D' "/proc/$p/status"; }
	wait_until 20 sleeps
	hold_start q "$C"
	tells q anon a 1000
	set_attr rss_limit 2000
	HOLD_TIMEOUT=20 tells q touch a
	assert sleeps
	tells q check a
	fsfreeze -u /mnt/disk
	wait_gone "$p"
}

@test "a fork bomb of memory hogs stays inside" {
	hold_start h
	tells h anon a 500
	tells h touch a
	set_attr task_limit 20
	set_attr rss_limit 3000
	run timeout 60 enter "$C" eat 40 1000 1
	wait_until 20 has_tasks 0
	assert_equal "$(attr rss_usage)" 0
	tells h check a
	run dmesg
	refute_output --partial 'Out of memory: Killed'
}

@test "clean and dirty cache get nobody killed" {
	set_attr rss_limit 300
	for _ in 1 2 3; do
		run timeout 60 enter "$C" dd if=/dev/zero of="$F" bs=64K count=800 status=none
		assert_success
		run timeout 60 enter "$C" dd if="$F" of=/dev/null bs=64K status=none
		assert_success
	done
	assert_equal "$(attr rss_oom_kills)" 0
}

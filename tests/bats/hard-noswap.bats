#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# rss_limit without swap: who dies, and who does not; who gets an error instead, and
# who waits.
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
	echo 0 >/sys/kernel/mm/ksm/run
	common_teardown
	rm -rf "$F" "/dev/shm/$BATS_TEST_NUMBER"*
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

@test "what another processor has in stock does not keep anybody from using it all" {
	local before

	hold_start q "$C"
	tells q anon a 10
	hold_start p "$C"
	tells p anon a 1
	tells p touch a
	taskset -pc 1 "$q" >/dev/null
	taskset -pc 0 "$p" >/dev/null
	drain_batches
	set_attr rss_limit $(($(attr rss_usage) + 500))
	# far from the limit: it takes some for later
	tells q touch a
	before=$(attr rss_usage)
	tells p anon b $(($(attr rss_limit) - before))
	HOLD_TIMEOUT=20 tells p touch b
	assert_equal "$(attr rss_usage)" "$(attr rss_limit)"
	assert_equal "$(attr rss_failcnt) $(attr rss_oom_kills)" '0 0'
	tells p check b
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

@test "oom_score_adj has weight where the limit is below 1000 pages" {
	hold_start p "$C"
	tells p anon a 400
	tells p touch a
	hold_start q "$C"
	tells q anon a 100
	tells q touch a
	echo 900 >"/proc/$q/oom_score_adj"
	tells p anon b 200
	set_attr rss_limit $(($(attr rss_usage) + 50))
	assert [ "$(attr rss_limit)" -lt 1000 ]
	HOLD_TIMEOUT=20 tells p touch b
	wait_gone "$q"
	tells p check a
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

@test "with oom=container who must not be killed is spared, and all the others die" {
	hold_start p "$C"
	tells p anon a 300
	tells p touch a
	echo -1000 >"/proc/$p/oom_score_adj"
	hold_start r "$C"
	tells r anon a 300
	tells r touch a
	tell r forks 5 >/dev/null
	hold_start q "$C"
	tells q anon a 3000
	set_attr oom container
	set_attr rss_limit 2000
	run tell q touch a
	assert_failure
	wait_gone "$q"
	wait_gone "$r"
	wait_until 20 has_tasks 1
	assert_equal "$(attr tasks)" "$p"
	tells p check a
	assert_equal "$(attr rss_oom_kills)" 7
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

# What a system call brings in does not get anybody killed: "$@" answers ENOMEM, and
# what is held is at most the limit of 1000 pages.
assert_refused() {
	run tell p "$@"
	assert_output --regexp '(^| )ENOMEM$'
	assert [ "$(attr rss_usage)" -le 1000 ]
	assert [ "$(attr rss_usage)" -gt 900 ]
	assert_equal "$(attr rss_oom_kills)" 0
}

@test "memory that may be dropped is, and who fills it goes on" {
	fill_droppable
	assert_equal "$(attr rss_oom_kills)" 0
}

end_of_p() {
	kill -9 "$p"
	wait_gone "$p"
}

@test "a process that exits goes over it by little" {
	local limit

	hold_start p "$C"
	tells p anon a 800
	tells p threads 800 a
	drain_batches
	limit=$(($(attr rss_usage) + 20))
	set_attr rss_limit "$limit"
	with_peak end_of_p
	assert_success
	assert [ "$PEAK" -gt "$limit" ]
	assert [ "$PEAK" -le $((limit + (limit / 8 > 256 ? limit / 8 : 256) + 8)) ]
	assert_equal "$(attr rss_oom_kills) $(attr num_anon_pages)" '0 0'
}

@test "a tmpfs that fills the limit gets its writer an error" {
	local d=/dev/shm/$BATS_TEST_NUMBER

	mkdir "$d"
	hold_start p "$C"
	# with one write(2), of zeroes, which take no memory
	tells p anon a 3000
	tells p look a
	set_attr rss_limit 1000
	with_peak tell p write "$d/a" 3000
	assert_output ENOMEM
	assert [ "$PEAK" -le $((1000 + 4)) ]
	assert_refused write "$d/a" 3000
	rm "$d/a"
	: >"$d/a"
	assert_equal "$(tell p store a "$d/a")" short
	assert_refused store a "$d/a"
	rm "$d/a"
	# each of these has a page
	assert_refused symlinks "$d" 3000
}

@test "so does any file system that holds what is written, if a user has mounted it" {
	set_attr rss_limit 1000
	set_attr page_limit 1000
	hold_start p "$C"
	tells p ramfs /mnt
	with_peak tell p write /mnt/a 3000
	assert_output ENOMEM
	assert [ "$PEAK" -le $((1000 + 4)) ]
	assert_refused write /mnt/a 3000
	assert [ "$(attr num_file_pages)" -gt 500 ]
}

@test "memory that cannot be swapped at all is held, too" {
	hold_start p "$C"
	tells p secret s 500
	tells p touch s 300
	assert_equal "$(attr rss_usage)" $(($(attr num_anon_pages) + 300))
	set_attr rss_limit $(($(attr rss_usage) + 100))
	run tell p touch s
	assert_failure
	wait_gone "$p"
	assert_equal "$(attr rss_oom_kills)" 1
}

# region NAME: the first address of it, in process p
region() {
	local where

	where=$(tell p where "$1")
	echo "${where%,*}"
}

# poked WHO HOW: write to what p has not touched yet, at the limit. An error comes
# before it is all written, and nobody has gone over the limit, or been killed.
poked() {
	local most count kind

	tells p anon a 1000
	read -r count kind < <(tell "$1" poke "$2" "${3:-$p}" "$(region a)" 1000)
	echo "$1 $2: $count $kind"
	assert [ "$count" -lt 310 ]
	assert [ "$kind" != ok ]
	most=$(attr rss_usage)
	assert [ "$most" -le "$(attr rss_limit)" ]
	assert [ "$most" -gt $(($(attr rss_limit) - 10)) ]
	assert_equal "$(attr rss_oom_kills)" 0
	assert [ "$(attr rss_failcnt)" -gt 0 ]
	tells p unmap a
}

@test "who writes to another's memory gets an error at the limit, and nobody is killed" {
	local who how

	hold_start h
	hold_start p "$C"
	hold_start q "$C"
	# so that they need no page later
	tells p anon a 1
	for how in mem vm ptrace; do
		for who in h q; do
			assert_equal "$(tell $who poke $how "$p" "$(region a)" 1)" '1 ok'
		done
	done
	assert_equal "$(tell p poke mem self "$(region a)" 1)" '1 ok'
	tells p unmap a
	set_attr rss_limit $(($(attr rss_usage) + 300))
	for how in mem ptrace; do
		poked h $how
		poked q $how
	done
	poked p mem self
	poked h vm
	# here a fault is tried again, and so one waits where one is charged
	echo -1000 | tee "/proc/$p/oom_score_adj" "/proc/$q/oom_score_adj" >/dev/null
	poked q vm
	poked p vm self
	# and where there is room it works
	set_attr rss_limit max
	tells p anon a 1000
	assert_equal "$(tell q poke mem "$p" "$(region a)" 1000)" '1000 ok'
}

@test "UFFDIO_COPY gets an error at the limit, and nobody is killed" {
	hold_start p "$C"
	assert_equal "$(tell p uffd a 1)" '1 ok'
	set_attr rss_limit $(($(attr rss_usage) + 300))
	run tell p uffd b 1000
	assert_output --regexp '^(29[0-9]|300) ENOMEM$'
	assert [ "$(attr rss_usage)" -le "$(attr rss_limit)" ]
	assert_equal "$(attr rss_oom_kills)" 0
}

@test "a fault that does not fail for want of room is not held up by one that did" {
	: >"$F"
	hold_start p "$C"
	assert_equal "$(tell p uffd a 1)" '1 ok'
	tells p map m "$F" 1 shared
	set_attr rss_limit $(($(attr rss_usage) + 30))
	run tell p uffd b 100
	assert_output --partial ENOMEM
	# beyond the end of the file: SIGBUS
	run tell p look m
	assert_failure
	status=0
	wait "$p" || status=$?
	assert_equal "$status" 135
	assert_equal "$(attr rss_oom_kills)" 0
}

@test "breaking up what KSM has merged gets an error at the limit" {
	hold_start p "$C"
	tells p anon a 400
	tells p fill a
	tells p advise a mergeable
	echo 2000 >/sys/kernel/mm/ksm/pages_to_scan
	echo 1 >/sys/kernel/mm/ksm/run
	shared() { [ "$(</sys/kernel/mm/ksm/pages_sharing)" -gt 380 ]; }
	wait_until 30 shared
	echo 0 >/sys/kernel/mm/ksm/run
	drain_batches
	set_attr rss_limit $(($(attr rss_usage) + 100))
	run tell p advise a unmergeable
	assert_output --regexp '^(EAGAIN|ENOMEM)$'
	assert [ "$(attr rss_usage)" -le "$(attr rss_limit)" ]
	assert [ "$(attr rss_usage)" -gt $(($(attr rss_limit) - 10)) ]
	assert_equal "$(attr rss_oom_kills)" 0
	set_attr rss_limit max
	tells p advise a unmergeable
	assert_exact_anon p
}

@test "an exec at the limit gets an error, and nobody is killed" {
	hold_start p "$C"
	tells p anon a 300
	tells p touch a
	drain_batches
	set_attr rss_limit "$(attr rss_usage)"
	assert_equal "$(tell p exec)" E2BIG
	tells p check a
	assert_equal "$(attr rss_oom_kills)" 0
}

@test "text that is mapped again and again does not put off who is to be killed" {
	hold <<<"write $F 3000"
	set_attr rss_limit 2000
	SECONDS=0
	run timeout 60 enter "$C" eat 5 1500 1 "$F" together
	assert_output 'well=1 killed=4 bad=0'
	assert [ "$SECONDS" -le $((25 * ${SLOW:-1})) ]
}

@test "nor does cache that goes all the while" {
	local dropper

	hold_start q "$C"
	tells q write "$F" 12000
	tells q sync "$F"
	hold_start p "$C"
	tells p anon a 3000
	# a little at a time: there is always less of it than a moment ago
	python3 -c '
import os, sys, time
file = os.open(sys.argv[1], os.O_RDONLY)
for page in range(0, 12000, 5):
	os.posix_fadvise(file, page * 4096, 5 * 4096, os.POSIX_FADV_DONTNEED)
	time.sleep(0.005)' "$F" 3>&- &
	dropper=$!
	begun() {
		[ "$(attr num_file_pages)" -lt 11990 ]
	}
	wait_until 60 begun
	set_attr rss_limit 1000
	HOLD_TIMEOUT=20 run tell p touch a
	assert_failure
	wait_gone "$p"
	# it was not waited for
	assert [ "$(attr num_file_pages)" -gt 1000 ]
	kill "$dropper"
	assert_equal "$(attr rss_oom_kills)" 1
	assert [ -d "/proc/$q" ]
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
	while [ "$(tell p store a "$1")" != ENOMEM ]; do
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

@test "who is killed is freed before another is killed" {
	local i

	# each has too little for what is needed
	for i in 1 2 3 4; do
		hold_start "v$i" "$C"
		tells "v$i" anon a 200
		tells "v$i" touch a
	done
	hold_start p "$C"
	tells p anon a 600
	echo -1000 >"/proc/$p/oom_score_adj"
	drain_batches
	set_attr rss_limit "$(attr rss_usage)"
	HOLD_TIMEOUT=40 tells p touch a
	assert [ "$(attr rss_oom_kills)" -gt 1 ]
	# a tenth of a second lies between them, less what it took to print the first
	run awk -F '[][]' '/Killed process/ { if (last) print ($2 - last < 0.08) "soon"; last = $2 }' \
		<(dmesg)
	refute_line 1soon
	assert_line 0soon
}

@test "nobody is killed for limits that are tried all the time, and taken back" {
	local child writer writers=()

	hold_start p "$C"
	tells p anon a 1000
	tells p touch a
	set_attr rss_limit 3000
	hold_start q "$C"
	tells q anon c 100
	child=$(tell q again 'touch c; advise c dontneed')
	# one begins before another ends: it is below what is there for long
	for _ in 1 2 3 4 5 6; do
		timeout 5 bash -c 'while :; do put "$1/rss_limit" <<<500; done' - "$C" \
			>/dev/null 3>&- &
		writers+=($!)
	done
	for writer in "${writers[@]}"; do
		wait "$writer" || true
	done
	assert [ "$(attr rss_failcnt)" -gt 0 ]
	assert [ -d "/proc/$child" ]
	assert_equal "$(attr rss_oom_kills) $(attr rss_limit)" '0 3000'
}

@test "signals do not put off who is to be killed" {
	hold_start p "$C"
	tells p anon a 3000
	tells p ticks 20
	set_attr rss_limit $(($(attr rss_usage) + 500))
	echo "touch a" >&"$IN_p"
	wait_gone "$p"
	assert_equal "$(attr rss_oom_kills)" 1
}

@test "who is refused room again and again does not keep kcontainerd at it" {
	local before

	hold_start p "$C"
	tells p anon z 1
	tells p look z
	: >"/dev/shm/$BATS_TEST_NUMBER"
	set_attr rss_limit $(($(attr rss_usage) + 500))
	tell p again "store z /dev/shm/$BATS_TEST_NUMBER"
	wait_until 20 refused 10
	before=$(awk '$1 == "rounds" { print $2 }' "$C/stat")
	sleep 5
	assert refused 100
	# it takes five to see that there is none to be had, and ten a second are enough
	assert [ $(($(awk '$1 == "rounds" { print $2 }' "$C/stat") - before)) -le 80 ]
	assert_equal "$(attr rss_oom_kills)" 0
}

# refused TIMES: at least
refused() {
	[ "$(attr rss_failcnt)" -ge "$1" ]
}

@test "that there is nobody to be killed is told once in a while, not each time" {
	fill_the_limit "/dev/shm/$BATS_TEST_NUMBER"
	echo 'touch s' >&"$IN_p"
	wait_until 20 waits_for_room "$p"
	sleep 5
	assert waits_for_room "$p"
	run dmesg
	assert_output --partial 'no killable processes'
	run grep -c 'no killable processes' <<<"$output"
	assert [ "$output" -le 2 ]
	set_attr rss_limit max
	read -r -t 30 -u "$OUT_p" output
	assert_equal "$output" ok
}

@test "a write to tmpfs whose data cannot be touched fails, and does not keep its file locked" {
	local f=/dev/shm/$BATS_TEST_NUMBER

	fill_the_limit "$f"
	tells p open "$f"
	echo "store s $f" >&"$IN_p"
	run timeout 40 rm "$f"
	assert_success
	read -r -t $((30 * ${SLOW:-1})) -u "$OUT_p" output
	assert_equal "$output" EFAULT
	set_attr rss_limit max
	tells p touch s
	assert_equal "$(attr rss_oom_kills)" 0
}

@test "a system call that fills memory fails where nobody may be killed for it" {
	hold_start p "$C"
	echo -1000 >"/proc/$p/oom_score_adj"
	set_attr rss_limit $(($(attr rss_usage) + 300))
	for command in 'fetch a /dev/zero' 'advise a populate' 'lock a'; do
		tells p anon a 1000
		run tell p "$command"
		echo "$command: $output"
		assert_output --regexp '^(short|EFAULT|ENOMEM|EAGAIN)$'
		assert [ "$(attr rss_usage)" -le "$(attr rss_limit)" ]
		tells p unmap a
	done
	assert_equal "$(attr rss_oom_kills)" 0
}

is_stopped() {
	grep -q '^State:	T' "/proc/$p/status"
}

is_frozen() {
	grep -qx 'frozen 1' /sys/fs/cgroup/f/cgroup.events
}

@test "who waits in vain can be stopped, handles signals, can be frozen, and killed" {
	fill_the_limit "/dev/shm/$BATS_TEST_NUMBER"
	tells p handler
	echo 'touch s' >&"$IN_p"
	wait_until 20 waits_for_room "$p"

	kill -STOP "$p"
	wait_until 20 is_stopped
	kill -CONT "$p"
	wait_until 20 waits_for_room "$p"

	kill -USR1 "$p"
	read -r -t $((20 * ${SLOW:-1})) -u "$OUT_p" output
	assert_equal "$output" caught
	wait_until 20 waits_for_room "$p"

	mkdir /sys/fs/cgroup/f
	echo "$p" >/sys/fs/cgroup/f/cgroup.procs
	echo 1 >/sys/fs/cgroup/f/cgroup.freeze
	wait_until 20 is_frozen
	# and then it waits for nothing
	sleep 1
	assert is_frozen
	echo 0 >/sys/fs/cgroup/f/cgroup.freeze
	wait_until 20 waits_for_room "$p"
	echo "$p" >/sys/fs/cgroup/cgroup.procs
	rmdir /sys/fs/cgroup/f

	kill -9 "$p"
	wait_gone "$p"
	assert_equal "$(attr rss_oom_kills)" 0
}

@test "who waits in vain goes on once there is room" {
	local f=/dev/shm/$BATS_TEST_NUMBER

	fill_the_limit "$f"
	echo 'touch s' >&"$IN_p"
	wait_until 20 waits_for_room "$p"
	truncate -s 400K "$f"
	read -r -t $((20 * ${SLOW:-1})) -u "$OUT_p" output
	assert_equal "$output" ok
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

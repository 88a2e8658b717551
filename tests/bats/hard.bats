#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# rss_limit: what is charged to it, that it holds for what is held, and that nobody
# waits, fails, swaps or dies for cache; shrink, and lowering the limit. With swap on
# a disk; without it, and who is killed: hard-noswap.bats. What others do who are not
# in the container: outsiders.bats.
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

no_kill() {
	assert_equal "$(attr rss_oom_kills)" 0
	run dmesg
	refute_output --partial 'oom-kill'
}

# Nobody waited for room, was refused any, or had pages swapped out.
no_trouble() {
	no_kill
	assert_equal "failcnt $(attr rss_failcnt)" 'failcnt 0'
	assert_equal "waited $(stat_of reclaim_usec)" 'waited 0'
	assert_equal "swapped $(stat_of swapped_out)" 'swapped 0'
}

# rss_at_most PAGES
rss_at_most() {
	[ "$(attr rss_usage)" -le "$1" ]
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
	# mapped or not
	tells p write "/dev/shm/$BATS_TEST_NUMBER" 50
	assert_equal "$(attr rss_usage)" \
		$(($(attr num_anon_pages) + 250))
	rm "/dev/shm/$BATS_TEST_NUMBER"
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
	local f=/dev/shm/$BATS_TEST_NUMBER

	hold_start p "$C"
	# of zeroes, which take no memory
	tells p anon a 7680
	tells p look a
	: >"$f"
	set_attr rss_limit 2000
	HOLD_TIMEOUT=100 with_peak tell p store a "$f"
	assert_output ok
	assert [ "$PEAK" -gt 1000 ]
	assert [ "$PEAK" -le $((2000 + 4)) ]
	no_kill
	run cmp -n 31457280 "$f" /dev/zero
	assert_success
}

@test "mapped cache over the limit costs nobody anything, and is unmapped once it is cold" {
	hold_start h
	tells h write "$F" 12000
	tells h sync "$F"
	set_attr addfile "$F"
	hold_start p "$C"
	tells p anon a 500
	tells p touch a
	set_attr rss_limit 1000
	tells p map m "$F" 12000 shared
	tells p look m
	# all of it is charged, and fits
	tells p anon b 300
	tells p touch b
	no_trouble
	wait_until 60 rss_at_most 1000
	assert_equal "$(tell h resident "$F")" 12000
	assert_equal "$(seen swap "$(tell p count a)")" 0
	assert_equal "$(attr num_anon_pages)" "$(seen anon "$(tell p count)")"
	assert [ "$(attr rss_reclaimed)" -ge 11000 ]
	no_trouble
}

@test "so it is where the limit is lowered below what is mapped" {
	hold_start p "$C"
	tells p write "$F" 3000
	tells p map m "$F" 3000 shared
	tells p look m
	assert [ "$(attr rss_usage)" -gt 3000 ]
	# at once: none of that is held
	assert_equal "$(put_value rss_limit 500)" ok
	wait_until 30 rss_at_most 500
	assert_equal "$(attr num_file_pages)" 3000
	no_trouble
}

@test "and where held memory has grown beside it" {
	local limit

	hold_start p "$C"
	tells p write "$F" 800
	tells p map m "$F" 800 shared
	tells p look m
	limit=$(($(attr rss_usage) + 100))
	set_attr rss_limit "$limit"
	tells p anon b 300
	tells p touch b
	wait_until 30 rss_at_most "$limit"
	assert_equal "$(attr num_file_pages)" 800
	no_trouble
}

# There are at most ten rounds a second: $ROUNDS in three seconds, or somewhat more.
look_for_rounds() {
	local before begun=${EPOCHREALTIME/./}

	before=$(stat_of rounds)
	sleep 3
	ROUNDS=$(($(stat_of rounds) - before))
	echo "$ROUNDS rounds"
	assert [ "$ROUNDS" -le $(((${EPOCHREALTIME/./} - begun) / 100000 + 5)) ]
}

@test "mapped cache that is in use stays, and kcontainerd does not look all the time" {
	hold_start p "$C"
	tells p write "$F" 2000
	tells p map m "$F" 2000 shared
	set_attr rss_limit 1000
	tell p again look m >/dev/null
	wait_until 20 mapped_at_least 2000
	look_for_rounds
	assert [ "$(attr num_mapped_pages)" -gt 1000 ]
	no_trouble
}

@test "mapped cache that comes and goes is not looked at all the time either" {
	hold_start p "$C"
	tells p write "$F" 400
	tells p sync "$F"
	tells p map n "$F" 400 shared
	tells p look n
	tells p unmap n
	drain_batches
	set_attr rss_limit $(($(attr rss_usage) + 200))
	tell p again "map n $F 400 shared;look n;unmap n" >/dev/null
	look_for_rounds
	assert [ "$ROUNDS" -gt 0 ]
	no_kill
}

# Two on each processor take turns: one alone may have what it reads in its TLB for
# long, and then the page tables do not tell that it does.
@test "mapped cache over the limit that is in use is not unmapped again and again" {
	local cpu reader reclaimed looks

	hold_start p "$C"
	tells p write "$F" 1000
	tells p sync "$F"
	tells p map m "$F" 1000 shared
	for cpu in 0 0 1 1; do
		reader=$(tell p again look m)
		taskset -pc $cpu "$reader" >/dev/null
	done
	wait_until 20 mapped_at_least 1000
	# 900 pages are over it
	set_attr rss_limit $(($(attr rss_usage) - 900))
	looked_at() { [ "$(stat_of rounds)" -ge $((looks + $1)) ]; }
	# the first may come before the readers
	looks=$(stat_of rounds)
	wait_until 20 looked_at 2
	looks=$(stat_of rounds)
	reclaimed=$(attr rss_reclaimed)
	wait_until 30 looked_at 6
	looks=$(($(stat_of rounds) - looks))
	reclaimed=$(($(attr rss_reclaimed) - reclaimed))
	echo "$reclaimed pages were unmapped in $looks rounds"
	assert [ "$reclaimed" -lt $((400 * looks)) ]
	assert [ "$(attr num_mapped_pages)" -gt 800 ]
	no_trouble
}

mapped_at_least() {
	[ "$(attr num_mapped_pages)" -ge "$1" ]
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

@test "locked cache over the limit is nobody's concern" {
	hold_start h
	tells h write "$F" 800
	set_attr addfile "$F"
	hold_start p "$C"
	tells p map m "$F" 800 shared
	tells p lock m
	set_attr rss_limit 700
	tells p anon a 500
	tells p touch a
	tells p check a
	assert [ "$(attr rss_usage)" -gt 1200 ]
	no_trouble
}

@test "what is locked stays in memory, and what is not goes on below the limit" {
	hold_start p "$C"
	tells p anon l 800
	tells p lock l
	tells p touch l
	set_attr rss_limit 1200
	tells p anon a 500
	HOLD_TIMEOUT=100 with_peak tell p touch a
	assert_output ok
	assert [ "$PEAK" -le $((1200 + 4)) ]
	tells p check a
	assert_equal "$(seen swap "$(tell p count l)")" 0
	no_kill
}

@test "a system call that fills memory waits as a page fault does" {
	hold_start p "$C"
	tells p anon a 3000
	tells p anon b 3000
	head -c 12M /dev/urandom >"$F"
	truncate -s 12288000 "$F"
	set_attr rss_limit 2000
	# read(2) of 12 MB into fresh memory
	HOLD_TIMEOUT=100 with_peak tell p fetch a "$F"
	assert_output ok
	assert [ "$PEAK" -le $((2000 + 4)) ]
	HOLD_TIMEOUT=100 with_peak tell p advise b populate
	assert_output ok
	assert [ "$PEAK" -le $((2000 + 4)) ]
	no_kill
}

@test "threads that exit do not go over it" {
	hold_start p "$C"
	tells p anon a 3000
	tells p touch a 1
	drain_batches
	set_attr rss_limit $(($(attr rss_usage) + 500))
	HOLD_TIMEOUT=100 with_peak tell p exits a
	assert_output ok
	assert [ "$(attr rss_failcnt)" -gt 0 ]
	assert [ "$PEAK" -le $(($(attr rss_limit) + 8)) ]
	no_kill
}

@test "memory that may be dropped is, and who fills it goes on" {
	fill_droppable
	no_kill
}

@test "an exec at the limit makes room for its arguments" {
	hold_start p "$C"
	tells p anon a 1000
	tells p touch a
	drain_batches
	set_attr rss_limit "$(attr rss_usage)"
	HOLD_TIMEOUT=100 tells p exec
	assert [ "$(attr rss_failcnt)" -gt 0 ]
	no_kill
}

@test "MADV_WILLNEED reads no more from swap than fits" {
	local limit

	hold_start p "$C"
	tells p anon a 1500
	tells p touch a
	HOLD_TIMEOUT=100 tells p advise a pageout
	drain_batches
	assert [ "$(seen swap "$(tell p count a)")" -gt 1400 ]
	limit=$(($(attr rss_usage) + 200))
	set_attr rss_limit "$limit"
	HOLD_TIMEOUT=100 with_peak tell p advise a willneed
	assert_output ok
	assert [ "$PEAK" -le $((limit + 4)) ]
	tells p unmap a
	no_kill
}

@test "swapoff brings back what there is over the limit, and what comes next is trimmed" {
	local swap

	read -r swap _ < <(tail -n 1 /proc/swaps)
	hold_start p "$C"
	tells p anon a 2000
	tells p touch a
	tells p shm s 500
	tells p touch s
	set_attr rss_limit 800
	assert [ "$(attr rss_usage)" -le 800 ]
	timeout 60 swapoff "$swap"
	# all of it is there, in the container, and nobody is to die for that
	assert_equal "$(attr rss_usage)" $(($(attr num_anon_pages) + 500))
	assert [ "$(attr num_anon_pages)" -ge 2000 ]
	tells p check a
	tells p check s
	no_kill
	swapon "$swap"
	tells p anon b 100
	HOLD_TIMEOUT=60 tells p touch b
	assert [ "$(attr rss_usage)" -le 800 ]
	tells p check a
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

limit_reads() {
	[ "$(attr rss_limit)" = "$1" ]
}

holds_less_than() {
	[ "$(attr rss_usage)" -lt "$1" ]
}

@test "a lower rss_limit is in force at once, while there is more" {
	hold_start q "$C"
	tells q anon b 10
	hold_start p "$C"
	tells p anon a 30000
	tells p touch a
	# it is at it for seconds: swap is on a disk
	put "$C/rss_limit" <<<800 >"$BATS_TEST_TMPDIR/said" 3>&- &
	wait_until 20 limit_reads 800
	# what CPUs had in stock has been given back when the first goes
	wait_until 20 holds_less_than 30000
	# a page is had when the last of the others has gone
	HOLD_TIMEOUT=100 tells q touch b 1
	assert [ "$(attr rss_usage)" -le 800 ]
	wait $!
	assert_equal "$(<"$BATS_TEST_TMPDIR/said")" ok
	assert_equal "$(attr rss_limit)" 800
	no_kill
}

@test "a signal ends lowering rss_limit, and the one before is back" {
	hold_start p "$C"
	tells p anon a 30000
	tells p touch a
	set_attr rss_limit 40000
	put "$C/rss_limit" <<<10 >/dev/null 3>&- &
	wait_until 20 limit_reads 10
	kill -TERM $!
	status=0
	wait $! || status=$?
	assert_equal "$status" 143
	assert_equal "$(attr rss_limit)" 40000
	tells p check a
}

@test "an rss_limit that is set while another is being lowered stays" {
	hold_start p "$C"
	tells p anon a 30000
	tells p touch a
	set_attr rss_limit 40000
	put "$C/rss_limit" <<<10 >/dev/null 3>&- &
	wait_until 20 limit_reads 10
	assert_equal "$(put_value rss_limit 50000)" ok
	kill -TERM $! || true
	wait $! || true
	assert_equal "$(attr rss_limit)" 50000
	assert_equal "$(put_value rss_limit max)" ok
	tells p check a
}

@test "two who lower rss_limit below what cannot go leave it as it was" {
	local pids

	hold_start p "$C"
	tells p anon a 1000
	tells p touch a
	tells p lock a
	set_attr rss_limit 3000
	for _ in {1..5}; do
		pids=()
		for limit in 500 400 300; do
			put "$C/rss_limit" <<<$limit >"$BATS_TEST_TMPDIR/said-$limit" 3>&- &
			pids+=($!)
		done
		wait "${pids[@]}"
		run cat "$BATS_TEST_TMPDIR"/said-*
		assert_output $'EBUSY\nEBUSY\nEBUSY'
		assert_equal "$(attr rss_limit)" 3000
	done
}

@test "nobody is killed for a limit that is going to be taken back" {
	local child

	hold_start p "$C"
	tells p anon a 1000
	tells p touch a
	tells p lock a
	set_attr rss_limit 3000
	hold_start q "$C"
	tells q anon c 100
	child=$(tell q again 'touch c; advise c dontneed')
	for _ in {1..10}; do
		assert_equal "$(put_value rss_limit 500)" EBUSY
	done
	# some of these did meet it
	assert [ "$(attr rss_failcnt)" -gt 0 ]
	assert [ -d "/proc/$child" ]
	no_kill
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
	"$CTNCTL" shrink "${C##*/}" 10p 2>"$BATS_TEST_TMPDIR/said" 3>&- &
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

@test "shrink beside one who writes without end ends, and rss_limit does not wait for it" {
	local writer from to

	hold_start p "$C"
	tells p anon a 2000
	tells p touch a
	writer=$(tell p again write "$F" 400)
	put "$C/shrink" <<<0 >"$BATS_TEST_TMPDIR/said" 3>&- &
	for _ in 1 2 3; do
		from=${EPOCHREALTIME/./}
		assert_equal "$(put_value rss_limit 100000)" ok
		to=${EPOCHREALTIME/./}
		assert [ $((to - from)) -lt $((5000000 * ${SLOW:-1})) ]
	done
	wait_until 60 has_ended $!
	wait $!
	run cat "$BATS_TEST_TMPDIR/said"
	assert_output --regexp '^(ok|EBUSY)$'
	assert [ -d "/proc/$writer" ]
	no_kill
}

@test "rss_limit does not wait for a shrink that takes its time" {
	hold_start p "$C"
	tells p anon a 30000
	tells p touch a
	put "$C/shrink" <<<10 >/dev/null 3>&- &
	wait_until 20 usage_at_most 29999
	assert_equal "$(timeout 10 put "$C/rss_limit" <<<100000)" ok
	assert [ "$(usage)" -gt 10 ]
	kill -9 $!
	wait $! || true
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
	hold_start p "$C"
	HOLD_TIMEOUT=100 tells p write "$f" 8000
	HOLD_TIMEOUT=100 with_peak tell p splice "$f"
	assert_output ok
	assert [ "$PEAK" -le $((2000 + 4)) ]
	HOLD_TIMEOUT=100 with_peak tell p read "$f"
	assert_output ok
	assert [ "$PEAK" -le $((2000 + 4)) ]
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
	# files may be trimmed as fast as they are written
	tells p anon l 8000
	HOLD_TIMEOUT=100 tells p touch l
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

#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# kcontainerd's round is held: swap is on a disk that comes to no end. Who waits looks
# for itself, and nobody else is held up.
#
# vm: --mem 512M --smp 2 --disk 128M

load common

setup_file() {
	common_setup_file
	# a loop device writes to its file as anybody would, and so waits while the
	# file system is frozen
	export SLOW_DISK=/run/slow LOOP
	mkfs.ext4 -q -O ^has_journal /dev/ram0
	mkdir -p "$SLOW_DISK"
	mount /dev/ram0 "$SLOW_DISK"
	fallocate -l 12M "$SLOW_DISK/swap"
	LOOP=$(losetup -f --show "$SLOW_DISK/swap")
	mkswap "$LOOP" >/dev/null
	swapon "$LOOP"
}

teardown_file() {
	swapoff "$LOOP"
	losetup -d "$LOOP"
	umount "$SLOW_DISK"
}

setup() {
	common_setup
	F=/mnt/disk/$BATS_TEST_NUMBER
	CGROUP=/sys/fs/cgroup/stuck
}

teardown() {
	let_swap_go_on
	[ ! -e "$CGROUP" ] || echo 0 >"$CGROUP/cgroup.freeze"
	common_teardown
	rm -f "$F" "/dev/shm/$BATS_TEST_NUMBER"*
	[ ! -e "$CGROUP" ] || wait_until 20 rmdir "$CGROUP"
}

# From now on a page that is written to swap stays on its way there.
hold_swap() {
	fsfreeze -f "$SLOW_DISK"
}

let_swap_go_on() {
	fsfreeze -u "$SLOW_DISK" 2>/dev/null || true
}

# kcontainerd has begun to write what it will wait for.
round_is_held() {
	awk '$1 == "nr_writeback" { exit !$2 }' /proc/vmstat
}

waits_for_room() {
	grep -q __container_exit_fault "/proc/$1/stack"
}

# A process of which 500 pages can go to swap, and 800 cannot.
#
# Nothing is written of a page of zeroes, and each process has more than a hundred of
# these that do go. So what is wanted below is more than all of them.
fill() {
	hold_start "$1" "$C"
	tells "$1" anon a 500
	tells "$1" touch a
	tells "$1" anon l 800
	tells "$1" lock l
}

# And there is no room for more.
at_its_limit() {
	drain_batches
	set_attr rss_limit "$(attr rss_usage)"
	hold_swap
}

# will_wait NAME COMMAND...: it does that, and waits for room while swap does not
# move. For "answers" to come.
will_wait() {
	local in=IN_$1

	echo "${*:2}" >&"${!in}"
	wait_until 20 waits_for_room "${!1}" ||
		fail "$1 does not wait: $(<"/proc/${!1}/stack")"
	wait_until 20 round_is_held
}

# answers_with NAME ANSWER: in much less than the ten seconds after which it looks anyway.
answers_with() {
	local out=OUT_$1 answer

	read -r -t $((4 * ${SLOW:-1})) -u "${!out}" answer || fail "$1 does not go on"
	assert_equal "$answer" "$2"
}

answers() {
	answers_with "$1" ok
}

# kcontainerd has not been any help.
assert_still_held() {
	assert round_is_held
	assert_equal "rounds $(stat_of rounds)" 'rounds 0'
	assert_equal "kills $(attr rss_oom_kills)" 'kills 0'
}

@test "who waits for room goes on when there is some, while kcontainerd is still at it" {
	fill p
	fill r
	hold_start q "$C"
	tells q anon b 800
	tells q anon c 800
	tells q anon d 2000
	at_its_limit
	# another frees some
	will_wait q touch b
	tells p unmap l
	answers q
	assert_still_held
	# another ends
	will_wait q touch c
	kill -9 "$r"
	answers q
	assert_still_held
	# there may be more
	will_wait q touch d
	set_attr rss_limit max
	answers q
	assert_still_held
	tells q check d
}

@test "who waits for room goes on as soon as it is in another container, or in none" {
	mkdir "$C-to"
	fill p
	hold_start q "$C"
	tells q anon b 800
	hold_start r "$C"
	tells r anon b 800
	at_its_limit
	will_wait q touch b
	will_wait r touch b
	set_attr addtask "$q" "$C-to"
	answers q
	set_attr rmtask "$r"
	answers r
	assert_still_held
	tells q check b
	assert [ "$(attr rss_usage "$C-to")" -ge 800 ]
}

@test "whoever is moved goes on, although the limit that it waited below is lowered meanwhile" {
	local lowers

	mkdir "$C-to"
	fill p
	hold_start q "$C"
	tells q anon b 800
	at_its_limit
	will_wait q touch b
	put "$C/rss_limit" <<<100 >"$BATS_TEST_TMPDIR/said" 3>&- &
	lowers=$!
	wait_until 20 limit_reads 100
	set_attr addtask "$q" "$C-to"
	answers q
	assert_still_held
	let_swap_go_on
	wait "$lowers" || true
}

limit_reads() {
	[ "$(attr rss_limit)" = "$1" ]
}

# took NAME: how long it is since $BEGAN until the answer, in ms; and that in $ANSWER.
took() {
	local out=OUT_$1

	read -r -t $((30 * ${SLOW:-1})) -u "${!out}" ANSWER || fail "$1 waits"
	TOOK=$(((${EPOCHREALTIME/./} - BEGAN) / 1000))
	echo "$1: $ANSWER after $TOOK ms"
}

@test "a system call waits for room for ten seconds, and then fails" {
	local t=/dev/shm/$BATS_TEST_NUMBER

	fill p
	: >"$t"
	printf abc >"$t-3"
	hold_start q "$C"
	tells q anon b 1
	hold_start r "$C"
	# of zeroes, which take no memory
	tells r anon z 100
	tells r look z
	hold_start x "$C"
	tells x anon b 1500
	at_its_limit
	# one in user mode takes whatever room there is, and waits for as long as it takes
	will_wait x touch b
	BEGAN=${EPOCHREALTIME/./}
	# read(2) into fresh memory, and write(2) to a file that needs some itself
	echo "fetch b $t-3" >&"$IN_q"
	echo "store z $t" >&"$IN_r"
	took q
	assert_equal "$ANSWER" EFAULT
	assert [ "$TOOK" -ge 9000 ]
	assert [ "$TOOK" -le $((10000 + 4000 * ${SLOW:-1})) ]
	took r
	assert_equal "$ANSWER" ENOMEM
	assert [ "$TOOK" -ge 9000 ]
	assert [ "$TOOK" -le $((10000 + 4000 * ${SLOW:-1})) ]
	assert_still_held
	wait_until 20 waits_for_room "$x"
}

@test "a system call that has waited in vain does not wait for its next page" {
	fill p
	hold_start q "$C"
	tells q anon b 800
	at_its_limit
	BEGAN=${EPOCHREALTIME/./}
	echo "advise b populate" >&"$IN_q"
	took q
	assert [ "$ANSWER" != ok ]
	assert [ "$TOOK" -ge 9000 ]
	assert [ "$TOOK" -le $((10000 + 4000 * ${SLOW:-1})) ]
	# and the next call does
	will_wait q advise b populate
	tells p unmap l
	answers q
}

waits_in_call() {
	grep -q __container_wait_for_room "/proc/$1/stack"
}

# will_wait_in_call NAME FILE: it adds to that file of tmpfs, and waits for room, as x
# does, who takes whatever there is.
will_wait_in_call() {
	local in=IN_$1

	# of zeroes, which take no memory
	tells "$1" anon z 100
	tells "$1" look z
	hold_start x "$C"
	tells x anon b 1500
	at_its_limit
	will_wait x touch b
	echo "store z $2" >&"${!in}"
	wait_until 20 waits_in_call "${!1}"
}

@test "who has waited in vain in a system call handles its signals, which may need room" {
	local answer t=/dev/shm/$BATS_TEST_NUMBER

	fill p
	: >"$t"
	hold_start q "$C"
	tells q anon s 64
	tells q handler s
	will_wait_in_call q "$t"
	kill -USR1 "$q"
	# ten seconds later it gives up; the handler's stack is a page that is not there
	wait_until 40 waits_for_room "$q" ||
		fail "it does not wait: $(<"/proc/$q/stack")"
	set_attr rss_limit max
	answers x
	answers_with q caught
	answers_with q ENOMEM
	assert_equal "$(attr rss_oom_kills)" 0
}

@test "who is killed in a system call that waits for room does not ask for it again" {
	local failed t=/dev/shm/$BATS_TEST_NUMBER

	fill p
	: >"$t"
	hold_start q "$C"
	echo 1000 >"/proc/$q/oom_score_adj"
	will_wait_in_call q "$t"
	failed=$(attr rss_failcnt)
	# by the OOM killer, whose victims need not wait
	echo f >/proc/sysrq-trigger
	wait_gone "$q"
	assert [ $(($(attr rss_failcnt) - failed)) -le 10 ]
	tells p check a
}

@test "who waits for room in user mode handles its signals, is stopped and frozen at once" {
	local answer

	fill p
	hold_start q "$C"
	tells q anon b 1500
	tells q handler
	at_its_limit

	will_wait q touch b
	kill -USR1 "$q"
	read -r -t $((4 * ${SLOW:-1})) -u "$OUT_q" answer || fail "its handler does not run"
	assert_equal "$answer" caught
	wait_until 20 waits_for_room "$q"

	kill -STOP "$q"
	wait_until $((4 * ${SLOW:-1})) is_stopped "$q"
	kill -CONT "$q"
	wait_until 20 waits_for_room "$q"

	mkdir "$CGROUP"
	echo "$q" >"$CGROUP/cgroup.procs"
	echo 1 >"$CGROUP/cgroup.freeze"
	wait_until $((4 * ${SLOW:-1})) is_frozen
	assert_still_held
}

is_stopped() {
	[ "$(awk '{ print $3 }' "/proc/$1/stat")" = T ]
}

@test "another container is trimmed while one waits for swap" {
	mkdir "$C-b"
	hold <<<"write $F 3000"
	sync "$F"
	drain
	enter "$C-b" cat "$F" >/dev/null
	assert [ "$(attr num_file_pages "$C-b")" -ge 3000 ]
	fill p
	hold_start q "$C"
	tells q anon b 800
	at_its_limit
	will_wait q touch b
	set_attr page_limit 2000 "$C-b"
	wait_until 20 usage_at_most 1750 "$C-b"
	assert_equal "$(timeout 20 put "$C-b/shrink" <<<100)" ok
	assert_still_held
	assert waits_for_room "$q"
}

# The total of pressure, in microseconds
waited() {
	local line

	line=$(attr pressure "$@")
	echo "${line##*total=}"
}

# In microseconds, too
now() {
	local up

	read -r up _ </proc/uptime
	echo "${up/./}0000"
}

@test "pressure is the part of the time that at least one task waits for memory" {
	local begun before

	hold_start q "$C"
	tells q anon b 2
	tells q touch b 1
	fill p
	mkdir "$C-idle"
	at_its_limit
	begun=$(now)
	tells p anon b 900
	tells q unmap b
	tells q anon b 900
	will_wait p touch b
	will_wait q touch b
	before=$(waited)
	sleep 4
	# two at the same time are not more than one
	assert [ $(($(waited) - before)) -ge 3900000 ]
	assert [ "$(waited)" -le $(($(now) - begun)) ]
	assert [ "$(sed 's/.*avg10=\([0-9]*\)\..*/\1/' "$C/pressure")" -ge 20 ]
	set_attr rss_limit max
	answers p
	answers q
	let_swap_go_on
	wait_until 20 nobody_waits
	before=$(waited)
	sleep 1
	assert_equal "$(waited)" "$before"
	assert_equal "$(waited "$C-idle")" 0
}

nobody_waits() {
	local before

	before=$(waited)
	sleep 0.5
	[ "$(waited)" = "$before" ]
}

# await NAME TEXT [FILE]: have a process be told of pressure; what it says is in $TOLD
await() {
	TOLD=$BATS_TEST_TMPDIR/$1
	trigger "${3:-$C/pressure}" "$2" >"$TOLD" 3>&- &
	AWAITS=$!
	wait_until 10 test -s "$TOLD"
}

# How often who writes to FILE has been told
told() {
	grep -c '^pressure' "$1" || true
}

was_told() {
	[ "$(told "$1")" -ge "$2" ]
}

@test "who asked for it is told by poll that tasks wait, once in a window at most" {
	local few long often other

	fill p
	mkdir "$C-idle"
	await often 'some 100000 1000000'
	often=$TOLD
	await long $'some 9500000 10000000\n'
	long=$TOLD
	await few 'some 200000 500000'
	few=$TOLD
	await other 'some 1 500000' "$C-idle/pressure"
	other=$TOLD
	assert_equal "$(head -qn1 "$often" "$long" "$few" "$other" | sort -u)" ok
	at_its_limit
	sleep 1
	assert_equal "nobody waits yet: $(told "$often")" 'nobody waits yet: 0'
	tells p anon b 900
	will_wait p touch b
	wait_until 10 was_told "$often" 3
	# twice as often, and a little later
	assert [ "$(told "$few")" -ge 4 ]
	assert [ "$(told "$few")" -le $((2 * $(told "$often") + 3)) ]
	# in each second one, from the first tenth of a second on
	run awk '/pressure/ { if (last && $2 - last < 900) exit 1; last = $2 }' "$often"
	assert_success
	assert_equal "not that long: $(told "$long")" 'not that long: 0'
	assert_equal "another: $(told "$other")" 'another: 0'
	set_attr rss_limit max
	answers p
	let_swap_go_on
	wait_until 20 nobody_waits
	sleep 2
	few=$(told "$often")
	sleep 2
	assert_equal "nobody waits any more: $(told "$often")" "nobody waits any more: $few"
	# and with the container it ends
	rmdir "$C-idle"
	wait_until 10 grep -q removed "$other"
}

average() {
	cut -d' ' -f2 "$C/pressure"
}

average_is_not() {
	[ "$(average)" != "$1" ]
}

@test "a wait that began before somebody asked is told of" {
	local average i

	fill p
	at_its_limit
	tells p anon b 900
	will_wait p touch b
	# where it takes long to start a program, once may be in time by chance
	for i in 1 2; do
		# the averages have just been computed, and are not to be for nearly 2 s
		average=$(average)
		wait_until 10 average_is_not "$average"
		average=$(average)
		wait_until 10 average_is_not "$average"
		sleep 0.1
		await "late$i" 'some 300000 500000'
		wait_until 10 was_told "$TOLD" 1
		kill "$AWAITS"
		run awk '/pressure/ { print $2 < 1200 ? "in time" : "late: " $2; exit }' "$TOLD"
		assert_output 'in time'
	done
	set_attr rss_limit max
	answers p
	let_swap_go_on
}

@test "a wait is one of the container in which it began" {
	local before

	fill p
	mkdir "$C-other"
	at_its_limit
	tells p anon b 900
	will_wait p touch b
	assert [ "$(waited)" -gt 0 ]
	# it does not wait for its own mm to be moved
	echo "$p" >"$C-other/addtask"
	answers p
	before=$(waited)
	sleep 1
	assert_equal "$(waited)" "$before"
	assert_equal "$(waited "$C-other")" 0
}

# p frees what is in f, and waits for as much all the same until swap goes on.
frees_and_wants() {
	tells p unmap f
	drain_batches
	tells p anon g 50
	will_wait p touch g 50
	let_swap_go_on
}

@test "what is freed while rss_limit is lowered is had by nobody until that is reached" {
	fill p
	# however long this takes: where nothing goes to swap, one is killed soon
	echo -1000 >"/proc/$p/oom_score_adj"
	# on the CPU where it goes on, whose stock would have them
	taskset -p -c 0 "$p" >/dev/null
	tells p anon f 60
	tells p lock f
	hold_swap
	put "$C/rss_limit" <<<1200 >"$BATS_TEST_TMPDIR/said" 3>&- &
	wait_until 20 round_is_held
	frees_and_wants
	answers_with p ok
	wait $!
	assert_equal "$(<"$BATS_TEST_TMPDIR/said")" ok
}

@test "what is freed over rss_limit is had by nobody until there is room" {
	hold_start q
	tells q anon m 400
	tells q touch m
	fill p
	# however long this takes: where nothing goes to swap, one is killed soon
	echo -1000 | tee "/proc/$p/oom_score_adj" >"/proc/$q/oom_score_adj"
	taskset -p -c 0 "$p" >/dev/null
	tells p anon f 60
	tells p lock f
	at_its_limit
	# root may move in what does not fit
	set_attr addtask "$q"
	wait_until 20 round_is_held
	frees_and_wants
	answers p
	tells q check m
}

@test "of two limits that are not reached, neither binds" {
	local first second

	fill p
	drain_batches
	chown -R 1000 "$C"
	hold_swap
	printf 'physpages 100' | put "$C/beancounters" >"$BATS_TEST_TMPDIR/first" 3>&- &
	first=$!
	wait_until 20 limit_reads 100
	wait_until 20 round_is_held
	# it finds the first one's, which is not in force
	printf 'physpages 90' | put "$C/beancounters" >"$BATS_TEST_TMPDIR/second" 3>&- &
	second=$!
	wait_until 20 limit_reads 90
	kill -KILL "$first"
	wait "$first" || true
	kill -KILL "$second"
	wait "$second" || true
	wait_until 20 limit_reads max
	let_swap_go_on
	assert_equal "$(put_as 1000 beancounters 'physpages 200000')" ok
}

@test "one who lowers rss_limit to what is not reached keeps no other writer waiting" {
	local first limit said=$BATS_TEST_TMPDIR/said

	fill p
	drain_batches
	hold_swap
	put "$C/rss_limit" <<<100 >"$said" 3>&- &
	first=$!
	wait_until 20 limit_reads 100
	wait_until 20 round_is_held
	for limit in 100000 200000; do
		run timeout 5 put "$C/rss_limit" <<<"$limit"
		assert_output ok
		assert_equal "$(attr rss_limit)" "$limit"
	done
	# nor is there any need for the first to have come to its end
	assert kill -0 "$first"
	assert_still_held
	let_swap_go_on
	wait "$first"
	assert_regex "$(<"$said")" '^(ok|EBUSY)$'
	assert_equal "$(attr rss_limit)" 200000
	tells p check a
}

@test "what is still on its way to swap at an exit is not charged any more" {
	hold_start p "$C"
	tells p anon a 500
	tells p touch a
	hold_swap
	tells p advise a pageout
	wait_until 20 round_is_held
	let_go p
	drain_batches
	assert round_is_held
	assert_equal "$(attr num_tasks) $(attr num_anon_pages)" "0 0"
}

@test "kcontainerd is called once for all that goes over page_limit" {
	hold_start p "$C"
	tells p anon a 4450
	tells p touch a 1
	hold_swap
	# it is not slowed for 500 pages more than that
	set_attr page_limit $(($(usage) + 4000))
	tells p touch a
	wait_until 20 round_is_held
	assert [ "$(usage)" -ge $(($(attr page_limit) + 250)) ]
	assert_equal "$(attr page_limit_hits)" 1
	assert_still_held
	assert_equal "$(stat_of throttled_usec)" 0
	let_swap_go_on
	wait_until 20 usage_at_most "$(attr page_limit)"
	assert_equal "$(attr page_limit_hits)" 1
	tells p check a
}

is_throttled() {
	grep -q __container_resume_user_mode "/proc/$1/stack"
}

# cut_short COMMAND...: it ends the sleep of $slow, which is slowed a second at a time.
# Whether it came before the sleep would have ended: that one has just begun.
cut_short() {
	local before slept

	wait_until 20 round_is_held
	before=$(stat_of throttled_usec)
	another() { [ "$(stat_of throttled_usec)" != "$before" ]; }
	wait_until 20 another
	wait_until 20 is_throttled "$slow"
	before=$(stat_of throttled_usec)
	"$@"
	slept=$(($(stat_of throttled_usec) - before))
	echo "slept $slept us"
	[ "$slept" -gt 0 ] && [ "$slept" -lt 800000 ]
}

# slowed NAME: the process is, while swap is held: it is $slow.
slowed() {
	local in=IN_$1

	hold_start "$1" "$C"
	tells "$1" anon a 2000
	set_attr page_limit 1000
	hold_swap
	echo 'touch a' >&"${!in}"
	slow=${!1}
}

needs_to_be_in_time() {
	[ "${SLOW:-1}" = 1 ] || skip 'a second is too short here'
}

@test "who is slowed at page_limit is killed at once" {
	local try slow

	needs_to_be_in_time
	killed() {
		kill -9 "$slow"
		wait_gone "$slow"
	}
	for try in p q r; do
		slowed "$try"
		! cut_short killed || return 0
		let_swap_go_on
		wait_until 20 has_tasks 0
	done
	fail 'it has slept to the end each time'
}

is_frozen() {
	grep -qx 'frozen 1' "$CGROUP/cgroup.events"
}

@test "who is slowed at page_limit goes on at once when it is moved" {
	local try slow

	needs_to_be_in_time
	goes_on() {
		! is_throttled "$slow"
	}
	moved() {
		set_attr rmtask "$slow"
		wait_until 20 goes_on
	}
	for try in p q r; do
		slowed "$try"
		! cut_short moved || return 0
		let_swap_go_on
	done
	fail 'it has slept to the end each time'
}

@test "who is slowed at page_limit is frozen at once" {
	local slow

	needs_to_be_in_time
	frozen() {
		echo 1 >"$CGROUP/cgroup.freeze"
		wait_until 20 is_frozen
	}
	slowed p
	mkdir "$CGROUP"
	echo "$p" >"$CGROUP/cgroup.procs"
	for _ in 1 2 3; do
		if cut_short frozen; then
			# and then it does nothing
			sleep 0.2
			assert is_frozen
			return 0
		fi
		echo 0 >"$CGROUP/cgroup.freeze"
	done
	fail 'it has slept to the end each time'
}

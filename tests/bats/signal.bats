#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# kill: a signal to all processes of a container. Who may do that is in user.bats.
#
# vm: --mem 512M --smp 2

load common

STOP=/sys/kernel/debug/containers/stop

setup_file() { common_setup_file hear bomb; }
setup() { common_setup; }
teardown() { common_teardown; }

# hearer NAME SIGNAL [THREADS]: a process in the container that says in the file NAME
# what it hears.
hearer() {
	HEARD=$BATS_TEST_TMPDIR/$1
	hear "$C" "$2" "${3:-0}" >"$HEARD" 3>&- &
	wait_until 20 grep -q ready "$HEARD"
}

# heard NAME COUNT: so many signals so far.
heard() {
	[ "$(($(wc -l <"$BATS_TEST_TMPDIR/$1") - 1))" -eq "$2" ]
}

# state_of PID
state_of() {
	local stat

	read -r stat <"/proc/$1/stat"
	stat=${stat##*) }
	echo "${stat%% *}"
}

has_state() {
	[ "$(state_of "$1")" = "$2" ]
}

@test "9 ends all that are in the container, and nobody else" {
	hold_start p "$C"
	tells p threads 5
	tell p child pid
	hold_start q
	assert_equal "$(attr num_tasks)" 7
	assert_equal "$(put_value kill 9)" ok
	wait_until 20 has_tasks 0
	assert_equal "$(attr tasks)" ''
	tells q anon a 1
	wait "$p" || assert_equal $? 137
}

@test "a number is the signal's, with a newline or without" {
	hearer one 10
	assert_equal "$(put_value kill 10)" ok
	wait_until 20 heard one 1
	assert_equal "$(put_value kill '10\n')" ok
	wait_until 20 heard one 2
	set_attr kill 10
	wait_until 20 heard one 3
}

@test "each process gets it once, however many threads it has" {
	hearer one 40 20
	hearer two 40
	assert_equal "$(attr num_tasks)" 22
	# of real-time signals each one counts
	set_attr kill 40
	wait_until 20 heard one 1
	wait_until 20 heard two 1
	set_attr kill 40
	wait_until 20 heard one 2
	wait_until 20 heard two 2
	sleep 0.3
	heard one 2
	heard two 2
}

@test "a process whose first thread has exited gets it, once" {
	hearer one 40 -20
	wait_until 20 has_tasks 20
	set_attr kill 40
	wait_until 20 heard one 1
	sleep 0.3
	heard one 1
	set_attr kill 9
	wait_until 20 has_tasks 0
}

@test "it comes from who has written" {
	local pid uid

	hearer one 10
	# bash's own echo
	echo 10 >"$C/kill"
	wait_until 20 heard one 1
	read -r _ pid uid < <(tail -1 "$HEARD")
	assert_equal "$pid $uid" "$BASHPID 0"
}

@test "0 sends nothing" {
	hearer one 10
	assert_equal "$(put_value kill 0)" ok
	assert_equal "$(attr num_tasks)" 1
	heard one 0
}

@test "in a container with nobody in it there is nothing to do" {
	assert_equal "$(put_value kill 9)" ok
	assert_equal "$(put_value kill 0)" ok
}

@test "what is no signal is refused, and nothing happens" {
	hold_start p "$C"
	put --refused "$C/kill" "$C/num_tasks" <<-'END'
		EINVAL KILL
		EINVAL SIGTERM
		EINVAL TERM
		EINVAL -9
		EINVAL +9
		EINVAL 9 9
		EINVAL 9\n9
		EINVAL 9K
		EINVAL 0x9
		EINVAL 9.
		EINVAL  9
		EINVAL max
		EINVAL \n
		EINVAL 9\0
		ERANGE 65
		ERANGE 1000
		ERANGE 99999999999999999999999999
	END
	assert_equal "$(put_value kill '')" EINVAL
	tells p anon a 1
	run cat "$C/kill"
	assert_failure
}

@test "a fork bomb of 60 tasks ends by one write" {
	local i

	set_attr task_limit 60
	for i in 1 2 3 4 5; do
		bomb "$C" 3>&- &
		wait_until 60 is_full
		assert_equal "$(put_value kill 9)" ok
		wait_until 60 has_tasks 0
		sleep 0.1
		assert_equal "$(attr num_tasks)" 0
	done
}

# A fork was refused: it has been at the limit.
is_full() {
	[ "$(attr num_tasks)" -ge 55 ]
}

@test "all children get it whose parent gets it while it forks" {
	local i count

	for i in {1..40}; do
		bomb "$C" 10 60 >"$BATS_TEST_TMPDIR/count" 3>&- &
		until [ "$(attr num_tasks)" -gt $((i % 8)) ]; do :; done
		set_attr kill 10
		wait_until 20 test -s "$BATS_TEST_TMPDIR/count"
		read -r count <"$BATS_TEST_TMPDIR/count"
		# it forks on if it got it before the first, or is through after the last
		wait_until 20 has_tasks 1 ||
			fail "round $i: of $count children $(($(attr num_tasks) - 1)) are there"
		set_attr kill 9
		wait_until 20 has_tasks 0
	done
}

# Forks that are stopped at their Nth point: $1 is "killed" or "waits", $2 the point.
fork_stops() {
	grep -q "^$1 $2\$" $STOP
}

@test "a child gets it that cannot be seen yet" {
	local sig

	# which point that is: it may wait there
	bomb "$C" 10 1 $STOP 4 3>&- &
	wait_until 20 fork_stops killed 'fork: done'
	wait_until 20 has_tasks 1
	set_attr kill 9
	wait_until 20 has_tasks 0
	for sig in 9 15 10 40; do
		# or it still says where the one before waited
		echo 0 >$STOP
		bomb "$C" $sig 1 $STOP -4 3>&- &
		wait_until 20 fork_stops waits 'fork: done'
		assert_equal "$(attr num_tasks)" 2
		assert_equal "$(attr tasks)" $!
		assert_equal "$(put_value kill $sig)" ok
		wait_until 20 has_tasks 0
		sleep 0.1
		assert_equal "$(attr num_tasks) $(attr tasks)" '0 '
	done
}

@test "nor is there a child of a fork that has only begun" {
	bomb "$C" 10 1 $STOP 3 3>&- &
	wait_until 20 fork_stops killed 'fork: allowed'
	wait_until 20 has_tasks 0
	bomb "$C" 9 1 $STOP -3 3>&- &
	wait_until 20 fork_stops waits 'fork: allowed'
	assert_equal "$(put_value kill 9)" ok
	wait_until 20 has_tasks 0
}

@test "who writes it may be inside, and all the others go too" {
	run enter "$C" bash -c '
		for i in {1..80}; do hold --sleep & done
		echo 9 >"$0/kill"
		echo still here' "$C"
	assert_equal "$status" 137
	refute_output --partial 'still here'
	wait_until 20 has_tasks 0
}

@test "the first process of a pid namespace is killed from outside" {
	enter "$C" unshare --pid --fork hold --sleep 3>&- &
	wait_until 20 has_tasks 2
	assert_equal "$(put_value kill 9)" ok
	wait_until 20 has_tasks 0
}

@test "those that are stopped are killed, and 19 and 18 stop and continue all" {
	hold_start p "$C"
	hold_start q "$C"
	set_attr kill 19
	wait_until 20 has_state "$p" T
	wait_until 20 has_state "$q" T
	set_attr kill 18
	wait_until 20 has_state "$p" S
	tells p anon a 1
	set_attr kill 19
	wait_until 20 has_state "$p" T
	set_attr kill 9
	wait_until 20 has_tasks 0
}

@test "a thousand are killed by one write, and others fork meanwhile" {
	hold_start p "$C"
	assert_equal "$(HOLD_TIMEOUT=300 tell p forks 1000)" '1000 ok'
	hold_start q
	exec {KILL_FD}>"$C/kill"
	echo 9 >&"$KILL_FD"
	exec {KILL_FD}>&-
	tell q child pid
	wait_until 60 has_tasks 0
}

@test "two that write at once, and one that is inside, do not wait for each other for ever" {
	local i

	hearer one 40 5
	for i in {1..50}; do
		echo 40 >"$C/kill" &
		enter "$C" bash -c 'trap : 40; echo 40 >"$0/kill"' "$C" &
		wait $! || true
	done
	wait_until 20 has_tasks 6
	set_attr kill 9
	wait_until 20 has_tasks 0
}

@test "once the container is gone it is nobody's" {
	hold_start p "$C"
	exec {KILL_FD}>"$C/kill"
	rmdir "$C"
	run bash -c "echo 9 >&$KILL_FD"
	assert_failure
	assert_output --partial 'No such file or directory'
	exec {KILL_FD}>&-
	tells p anon a 1
}

#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2154
#
# kill and stop: what is written, and how long they wait. That processes end by it is
# in tests/bats.

load helper

@test "kill writes SIGKILL, and with --signal another one" {
	container web
	: >"$tree/web/kill"
	run ctnctl kill web
	assert_success
	assert_output ''
	assert_equal "$(<"$tree/web/kill")" 9
	while read -r name number; do
		: >"$tree/web/kill"
		run ctnctl kill -s "$name" web
		assert_success
		assert_equal "$name $(<"$tree/web/kill")" "$name $number"
	done <<-'END'
		TERM 15
		SIGTERM 15
		sigterm 15
		15 15
		0 0
		32 32
		64 64
		RTMIN 34
		SIGRTMIN+3 37
		RTMAX-1 63
		SIGRTMAX 64
	END
}

@test "what is no signal is wrong usage, and nothing is sent" {
	container web
	: >"$tree/web/kill"
	for name in '' x SIG SIGSIG -9 65 1000 99999999999 9x RTMIN-1 RTMIN+31 RTMAX+1 RTMAX-31 RTMIN+; do
		run ctnctl kill "--signal=$name" web
		assert_wrong_usage
		assert_line --index 0 "ctnctl: kill: unknown signal: \"$name\""
		run ctnctl stop "--signal=$name" web
		assert_wrong_usage
	done
	run ctnctl kill
	assert_wrong_usage
	run ctnctl stop
	assert_wrong_usage
	for time in '' x -1 1x nan; do
		run ctnctl stop "--time=$time" web
		assert_wrong_usage
	done
	assert_equal "$(<"$tree/web/kill")" ''
}

@test "one that is refused does not keep the others from it" {
	container web
	container db
	: >"$tree/db/kill"
	full "$tree/web/kill"
	run ctnctl kill web gone db
	assert_failure 1
	assert_line "ctnctl: $tree/gone: No such container"
	assert_line "ctnctl: $tree/web/kill: \"9\": No space left on device"
	assert_equal "$(<"$tree/db/kill")" 9
	: >"$tree/db/kill"
	run ctnctl stop -t 0 web db
	assert_failure 1
	assert_equal "$(<"$tree/db/kill")" 15
}

@test "kill does not wait, and with --wait it waits until nobody is in" {
	container web num_tasks=3
	: >"$tree/web/kill"
	run timeout 5 "$CTNCTL" kill web
	assert_success
	background ctnctl kill --wait web
	wait_until contains "$tree/web/kill" 9
	sleep 0.5
	assert kill -0 "$pid"
	echo 1 1<>"$tree/web/num_tasks"
	sleep 0.5
	assert kill -0 "$pid"
	echo 0 1<>"$tree/web/num_tasks"
	join
	assert_equal "$status" 0
	assert_equal "$stderr" ''
}

@test "one that is removed meanwhile has nobody in it" {
	container web num_tasks=3
	: >"$tree/web/kill"
	background ctnctl kill --wait web
	wait_until contains "$tree/web/kill" 9
	rm -r "${tree:?}/web"
	join
	assert_equal "$status" 0
}

@test "a signal ends the waiting" {
	container web num_tasks=3
	: >"$tree/web/kill"
	background ctnctl kill --wait web
	wait_until contains "$tree/web/kill" 9
	kill -TERM "$pid"
	join
	assert_equal "$status" 143
	: >"$tree/web/kill"
	background ctnctl stop web
	wait_until contains "$tree/web/kill" 15
	kill -INT "$pid"
	join
	assert_equal "$status" 130
	# who is asked to stop does not kill
	assert_equal "$(<"$tree/web/kill")" 15
}

@test "stop sends SIGTERM, and is content when nobody is left" {
	container web num_tasks=3
	: >"$tree/web/kill"
	background ctnctl stop web
	wait_until contains "$tree/web/kill" 15
	sleep 0.3
	echo 0 1<>"$tree/web/num_tasks"
	join
	assert_equal "$status" 0
	assert_equal "$stderr" ''
	assert_equal "$(<"$tree/web/kill")" 15
}

@test "those that do not end in time are killed, and that is said" {
	container web num_tasks=3
	: >"$tree/web/kill"
	background ctnctl stop -t 0.5 -s INT web
	wait_until contains "$tree/web/kill" 2
	wait_until contains "$tree/web/kill" 9
	sleep 0.3
	assert kill -0 "$pid"
	echo 0 1<>"$tree/web/num_tasks"
	join
	assert_equal "$status" 0
	assert_equal "$stderr" 'ctnctl: web: 3 threads have not ended in time, and are killed'
}

@test "all have the same time" {
	local from to

	for name in a b c d; do
		container $name num_tasks=1
		: >"$tree/$name/kill"
	done
	background ctnctl stop -t 3 a b c d
	from=${EPOCHREALTIME/./}
	for name in a b c d; do
		wait_until contains "$tree/$name/kill" 9
		echo 0 1<>"$tree/$name/num_tasks"
	done
	to=${EPOCHREALTIME/./}
	join
	assert_equal "$status" 0
	assert [ $((to - from)) -lt 10000000 ]
	assert_equal "$(grep -c '1 thread has not ended in time, and is killed' "$err")" 4
}

@test "a name cannot do more than be printed" {
	container $'x\e[2J\ny' num_tasks=1
	: >"$tree/"$'x\e[2J\ny/kill'
	background ctnctl stop -t 0 $'x\e[2J\ny'
	wait_until contains "$tree/"$'x\e[2J\ny/kill' 9
	echo 0 1<>"$tree/"$'x\e[2J\ny/num_tasks'
	join
	assert_equal "$stderr" 'ctnctl: x\x1b[2J\x0ay: 1 thread has not ended in time, and is killed'
}

#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2154
#
# kill and stop: what is written, and how long they wait. That processes end by it is
# in tests/bats.

load helper

# is_asleep: it waits between two looks.
is_asleep() {
	[[ $(cut -d ' ' -f 3 "/proc/$pid/stat") == S ]]
}

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

@test "a signal ends the waiting, and who is left is said" {
	local signal status_of

	for signal in 'TERM 143' 'INT 130' 'HUP 129'; do
		status_of=${signal#* }
		for command in 'kill --wait' 'kill --wait --signal TERM' 'stop' 'stop -t 0'; do
			rm -rf "${tree:?}"/*/
			container web num_tasks=3
			container db num_tasks=1
			container gone
			: | tee "$tree/web/kill" "$tree/db/kill" >"$tree/gone/kill"
			# shellcheck disable=SC2086
			background ctnctl $command gone web db
			wait_until test -s "$tree/db/kill"
			# those that have had their time are killed, one after the other
			case $command in
			*'-t 0'*) wait_until contains "$tree/web/kill" 9 ;;
			*) wait_until is_asleep ;;
			esac
			kill -"${signal% *}" "$pid"
			join
			assert_equal "$command $status" "$command $status_of"
			assert_equal "$output" ''
			assert_equal "$(grep -v 'in time' <<<"$stderr")" 'ctnctl: web: 3 threads are still in it
ctnctl: db: 1 thread is still in it'
			# who is asked to stop kills nobody else, and all were sent the first
			case $command in
			*--signal*) assert_equal "$(cat "$tree"/*/kill)" 151515 ;;
			kill*) assert_equal "$(cat "$tree"/*/kill)" 999 ;;
			*0) assert_equal "$(cat "$tree"/{db,gone,web}/kill)" 15159 ;;
			*) assert_equal "$(cat "$tree"/*/kill)" 151515 ;;
			esac
		done
	done
}

@test "a signal that comes while the others are sent does not keep them from it" {
	local name

	for name in a b c; do
		container $name num_tasks=1
		: >"$tree/$name/kill"
	done
	# the second takes its time
	echo 500 >"$tree/b/deaf"
	background LD_PRELOAD="$KERNEL" ctnctl stop a b c
	wait_until contains "$tree/a/kill" 15
	kill -TERM "$pid"
	join
	assert_equal "$status" 143
	assert_equal "$(cat "$tree"/{a,b,c}/kill)" 151515
	assert_equal "$stderr" "$(printf 'ctnctl: %s: 1 thread is still in it\n' a b c)"
}

@test "a signal that is ignored does not end the waiting" {
	container web num_tasks=3
	: >"$tree/web/kill"
	background --ignore-signal=HUP ctnctl kill --wait web
	wait_until contains "$tree/web/kill" 9
	kill -HUP "$pid"
	sleep 0.3
	assert kill -0 "$pid"
	echo 0 1<>"$tree/web/num_tasks"
	join
	assert_equal "$status" 0
	assert_equal "$stderr" ''
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

@test "kill takes a signal as kill(1) does" {
	container web
	for signal in '-9 9' '-TERM 15' '-SIGHUP 1' '-0 0' '-RTMIN+1 35'; do
		: >"$tree/web/kill"
		run ctnctl kill "${signal% *}" web
		assert_success
		assert_equal "$signal: $(<"$tree/web/kill")" "$signal: ${signal#* }"
	done
	: >"$tree/web/kill"
	# first of all, and one that there is
	for words in 'web -9' '-99 web' '-NOPE web' '--9 web'; do
		# shellcheck disable=SC2086
		run ctnctl kill $words
		assert_wrong_usage
	done
	assert_equal "$(<"$tree/web/kill")" ''
}

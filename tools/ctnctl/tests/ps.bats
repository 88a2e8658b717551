#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2154
#
# ps, and show with --tasks and --tree: what /proc says of those that are in containers.

load helper

# sleeper VARIABLE [NAME]: a process that sleeps, with this name.
sleeper() {
	perl -e '$0 = shift; sleep 100' "${2:-sleeper}" 3>&- &
	printf -v "$1" %d $!
	wait_until contains "/proc/$!/comm" "${2:-sleeper}"
	sleepers+=($!)
}

teardown() {
	[[ ! ${sleepers-} ]] || kill -KILL "${sleepers[@]}" || true
	wait 2>/dev/null
}

# kb PID KEY FILE: what a line of a file in /proc has, in bytes
kb() {
	awk -v key="$2:" '$1 == key { print $2 * 1024 }' "/proc/$1/$3"
}

# assert_near A B: what is shared with others changes as these come and go.
assert_near() {
	[[ $1 -gt $(($2 / 2)) && $1 -lt $(($2 * 2)) ]] || fail "$1 is not near $2"
}

@test "a process is a line, with what /proc says of it" {
	local p

	container web
	sleeper p 'two words'
	echo "$p" >"$tree/web/tasks"
	run ctnctl ps -bno CONTAINER,PID,PPID,USER,STATE,THREADS,COMMAND web
	assert_success
	assert_output --regexp "^web +$p +$$|$BASHPID +$(id -un) +S +1 +two words$"
	json '.processes[]' ps --json -o PID,USER,STATE,THREADS,RSS,PSS,SWAP,COMMAND
	assert_equal "$(jq .pid <<<"$output")" "$p"
	assert_equal "$(jq -r .user <<<"$output")" "$(id -un)"
	assert_equal "$(jq .rss_bytes <<<"$output")" "$(kb "$p" VmRSS status)"
	assert_near "$(jq .pss_bytes <<<"$output")" "$(kb "$p" Pss smaps_rollup)"
	assert_equal "$(jq .swap_bytes <<<"$output")" "$(kb "$p" VmSwap status)"
	assert_equal "$(jq -r .command <<<"$output")" 'two words'
}

@test "the usual columns have the command line" {
	container web
	sleep 98.7 3>&- &
	sleepers=($!)
	wait_until contains "/proc/$!/comm" sleep
	echo $! >"$tree/web/tasks"
	run ctnctl ps
	assert_success
	assert_line --index 0 --regexp '^CONTAINER +PID +USER +STATE +RSS +PSS +SWAP +ARGS$'
	assert_line --index 1 --regexp "^web +$! .* sleep 98.7$"
}

@test "a process with threads is one line, in order, each container's" {
	local p q r

	container web
	container db
	container empty
	sleeper p
	sleeper q
	sleeper r
	# a thread that has gone, and two of one process
	printf '%s\n' "$q" 4194304 "$p" "$p" >"$tree/web/tasks"
	echo "$r" >"$tree/db/tasks"
	run ctnctl ps -rno CONTAINER,PID
	assert_success
	assert_output "\
db $r
web $p
web $q"
	run ctnctl ps -rno PID web
	assert_output "$p"$'\n'"$q"
	run ctnctl ps -rno PID empty
	assert_success
	assert_output ''
	run ctnctl ps gone
	assert_refused "$tree/gone: No such container"
	run ctnctl ps -rno PID --sort -PID web
	assert_output "$q"$'\n'"$p"
}

@test "more than a few hundred are read" {
	local pids

	container web
	pids=()
	for _ in {1..300}; do
		sleep 100 3>&- &
		pids+=($!)
	done
	sleepers=("${pids[@]}")
	printf '%s\n' "${pids[@]}" >"$tree/web/tasks"
	run ctnctl ps -rno PID web
	assert_success
	assert_equal "$output" "$(printf '%s\n' "${pids[@]}" | sort -n)"
}

@test "a tree has each process below its parent, below its container" {
	container web rss_usage=1000
	container db
	bash -c 'sleep 101 & sleep 102 & echo $$ $(jobs -p); wait' >pids 3>&- &
	sleepers=($!)
	wait_until contains pids ' '
	read -r parent first second <pids
	sleepers+=("$first" "$second")
	printf '%s\n' "$parent" "$first" >"$tree/web/tasks"
	echo "$second" >"$tree/db/tasks"
	for command in 'show --tree' 'show -T' 'ps --tree' 'ps -T'; do
		# shellcheck disable=SC2086
		LC_ALL=C.UTF-8 run ctnctl $command -no NAME,PID
		assert_success
		assert_equal "$(tr -s ' ' <<<"$output" | sed 's, *$,,')" "\
db
└─sleep $second
web
└─bash $parent
 └─sleep $first"
	done
	run ctnctl show --tree -no NAME,RSS web
	assert_line --index 0 --regexp '^web +3.9M$'
	run ctnctl show --tree -rno NAME,PID web
	assert_output $'web -\nbash '"$parent"$'\nsleep '"$first"
	json '[.processes[].pid]' show --tree --json web
	assert_output "[null,$parent,$first]"
	run ctnctl ps --tree --sort pid
	assert_wrong_usage
	run ctnctl show --tree --tasks web
	assert_wrong_usage
}

@test "threads have what their process has" {
	local p

	container web
	sleeper p
	echo "$p" >"$tree/web/tasks"
	json '.tasks[]' show --tasks --json -o +RSS,PSS,SWAP,ARGS web
	assert_equal "$(jq -c '[.tid, .pid, .user, .state]' <<<"$output")" \
		"[$p,$p,\"$(id -un)\",\"S\"]"
	assert_equal "$(jq .rss_bytes <<<"$output")" "$(kb "$p" VmRSS status)"
	assert_near "$(jq .pss_bytes <<<"$output")" "$(kb "$p" Pss smaps_rollup)"
}

@test "what is another user's to know is left out" {
	[ "$(id -u)" = 0 ] || skip 'only root can be another user'
	local p

	container web
	sleeper p
	echo "$p" >"$tree/web/tasks"
	chmod -R go+rX "$BATS_TEST_TMPDIR"
	json '.processes[]' ps --json -o PID,PSS
	assert_output --partial pss_bytes
	run setpriv --reuid 1000 --regid 1000 --clear-groups "$CTNCTL" ps -rno PID,PSS
	if [ "$status" = 0 ]; then
		assert_output "$p -"
	else
		# the directories above may not be the user's to pass
		assert_output --partial 'Permission denied'
	fi
}

#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2016,SC2154
#
# run: a program in a container.

load helper

@test "the program runs with its arguments" {
	container web
	run ctnctl run web -- printf '%s|' -x --page-limit 'a b'
	assert_success
	assert_output -- '-x|--page-limit|a b|'
}

@test "the process that joins is the one that becomes the program" {
	container web
	run ctnctl run web -- sh -c 'echo $$'
	assert_success
	assert_equal "$output" "$(<"$tree/web/addtask")"
}

@test "the exit status is the program's" {
	container web
	run ctnctl run web -- sh -c 'exit 7'
	assert_failure 7
}

@test "a signal that ends the program ends it for the caller too" {
	container web
	run ctnctl run web -- sh -c 'kill -TERM $$'
	assert_failure 143
}

@test "no file of the tree is open in the program" {
	container web
	run ctnctl run web -- sh -c 'ls -l /proc/$$/fd'
	assert_success
	refute_output --partial "$tree"
}

@test "limits are set first" {
	container web
	run ctnctl run --page-limit 64M --task-limit 5 --rss-limit 32M web -- \
		cat "$tree/web/page_limit" "$tree/web/task_limit" "$tree/web/rss_limit"
	assert_success
	assert_output 64M532M
}

@test "options may follow the name, until the program" {
	container web
	run ctnctl run web --page-limit 64M -- cat "$tree/web/page_limit"
	assert_output 64M
	run ctnctl run web echo --page-limit
	assert_output -- --page-limit
	run ctnctl run web echo -- x
	assert_output -- '-- x'
	run ctnctl run -- web echo -n
	assert_success
	assert_output ''
}

@test "a program that is not there is 127, one that cannot be run 126" {
	container web
	run -127 ctnctl run web -- /nonexistent/program
	assert_output 'ctnctl: /nonexistent/program: No such file or directory'
	run ctnctl run web -- /etc
	assert_failure 126
	assert_output 'ctnctl: /etc: Permission denied'
}

@test "for a program that is mistyped nothing is made, and nothing set" {
	local program

	container old
	for program in nosuchprogram ./nosuchprogram /etc ''; do
		run ctnctl run --page-limit 64M new -- "$program"
		assert [ "$status" = 127 -o "$status" = 126 ]
		assert [ ! -e "$tree/new" ]
		run ctnctl run old --page-limit 64M "$program"
		assert [ "$status" = 127 -o "$status" = 126 ]
		assert_equal "$(<"$tree/old/page_limit")" max
		assert_equal "$(<"$tree/old/addtask")" ''
	done
}

@test "a program is looked for where execvp does it" {
	container web
	mkdir "$BATS_TEST_TMPDIR/a" "$BATS_TEST_TMPDIR/b"
	: >"$BATS_TEST_TMPDIR/a/prog"
	printf '#!/bin/sh\necho found\n' >"$BATS_TEST_TMPDIR/b/prog"
	chmod +x "$BATS_TEST_TMPDIR/b/prog"
	PATH=$BATS_TEST_TMPDIR/a:$BATS_TEST_TMPDIR/b:$PATH run ctnctl run web prog
	assert_output found
	cd "$BATS_TEST_TMPDIR/b"
	PATH=:$PATH run "$CTNCTL" run web prog
	assert_output found
	run env -u PATH "$CTNCTL" run web echo found
	assert_output found
}

@test "a program does not run when its limit is refused" {
	container web
	picky "$tree/web/over_limit"
	run ctnctl run --over-limit never web -- echo ran
	assert_refused "$tree/web/over_limit: \"never\": Invalid argument (want \"reclaim\" or \"deactivate\")"
}

@test "a program does not run when it cannot join" {
	container web
	full "$tree/web/addtask"
	run ctnctl run web -- echo ran
	assert_failure 1
	assert_output --regexp "^ctnctl: $tree/web/addtask: \"[0-9]+\": No space left on device$"
}

@test "a container that was made for nothing is removed again" {
	run ctnctl run web -- echo ran
	assert_failure 1
	refute_line ran
	assert [ ! -e "$tree/web" ]
}

@test "a signal before the program starts is the end" {
	container web num_file_pages=600
	slow web
	background LD_PRELOAD="$KERNEL" ctnctl run --rss-limit 20p web -- echo ran
	wait_until contains "$tree/web/writes" 'rss_limit 20'
	kill -TERM "$pid"
	join
	assert_equal "$status" 143
	assert_equal "$output" ''
	assert_equal "$(<"$tree/web/addtask")" ''
}

@test "the program does with signals what it would do without ctnctl" {
	container web
	run env --default-signal --ignore-signal=HUP,ALRM "$CTNCTL" run --page-limit 1p web -- \
		sh -c 'grep -E "^Sig(Ign|Cgt)" /proc/$$/status; exit 0'
	ignored=$output
	run env --default-signal --ignore-signal=HUP,ALRM \
		sh -c 'grep -E "^Sig(Ign|Cgt)" /proc/$$/status; exit 0'
	assert_equal "$ignored" "$output"
}

@test "an alarm that was set before is the program's" {
	container web
	run perl -e 'alarm 1; exec @ARGV' "$CTNCTL" run --page-limit 1p web -- sleep 5
	assert_failure $((128 + 14))
}

@test "with --rm it stays, and removes the container that it made" {
	like_the_kernel
	run --separate-stderr with_kernel "$CTNCTL" run --rm web -- \
		sh -c 'echo $$ $PPID; cat "$1/addtask"' - "$tree/web"
	assert_success
	read -r child parent <<<"${lines[0]}"
	assert [ "$child" != "$parent" ]
	assert_equal "${lines[1]}" "$child"
	assert_equal "$stderr" ''
	assert [ ! -e "$tree/web" ]
}

@test "one that was there before stays, and what goes on without is said" {
	like_the_kernel
	container web
	run with_kernel "$CTNCTL" run --rm web -- true
	assert_success
	assert_output 'ctnctl: web: it was there before, and stays'
	assert [ -e "$tree/web" ]
	run with_kernel "$CTNCTL" run --rm new -- sh -c 'echo 3 >"$1/num_tasks"' - "$tree/new"
	assert_success
	assert_output 'ctnctl: new: 3 threads go on without a container'
	assert [ ! -e "$tree/new" ]
}

@test "the exit status is the program's, also when ctnctl stays" {
	container web
	run ctnctl run --summary web -- sh -c 'exit 7'
	assert_failure 7
	run ctnctl run --summary web -- sh -c 'kill -KILL $$'
	assert_failure 137
	run ctnctl run --summary web -- sh -c 'kill -TERM $$'
	assert_failure 143
	# a core is the program's, and not another of ctnctl's
	run ctnctl run --summary web -- sh -c 'ulimit -c 0; kill -SEGV $$'
	assert_failure 139
}

@test "what cannot be run leaves nothing behind" {
	like_the_kernel
	printf '#!/nonexistent/interpreter\n' >prog
	chmod +x prog
	for option in --rm --kill --summary; do
		run -127 with_kernel "$CTNCTL" run $option web -- ./prog
		assert_failure 127
		assert_output 'ctnctl: ./prog: No such file or directory'
		assert [ ! -e "$tree/web" ]
	done
	container old
	full "$tree/old/addtask"
	run ctnctl run --summary old -- echo ran
	assert_failure 1
	assert_output --regexp '^ctnctl: .*/addtask: "[0-9]+": No space left on device$'
}

@test "signals are handed on" {
	container web
	# what is put into the background has SIGQUIT ignored
	for signal in HUP INT TERM USR1 USR2; do
		: >said
		background ctnctl run --summary web -- sh -c '
			trap "echo got; exit 9" '$signal'; echo ready >said
			while :; do sleep 0.05; done'
		wait_until contains said ready
		kill -$signal "$pid"
		join
		assert_equal "$signal $status" "$signal 9"
		assert_equal "$output" got
	done
	# one that ends the program ends ctnctl
	: >said
	background ctnctl run --summary web -- sh -c 'echo ready >said; exec sleep 100'
	wait_until contains said ready
	kill -TERM "$pid"
	join
	assert_equal "$status" 143
}

@test "what is left is killed with --kill" {
	container web num_tasks=2
	: >"$tree/web/kill"
	background ctnctl run --kill web -- true
	wait_until contains "$tree/web/kill" 9
	sleep 0.3
	assert kill -0 "$pid"
	echo 0 1<>"$tree/web/num_tasks"
	join
	assert_equal "$status" 0
	assert_equal "$stderr" ''
}

@test "a summary says what it took" {
	container web rss_peak=16384 usage_peak=20480 tasks_peak=5
	printf '%s\n' 'throttled_usec 1000000' 'reclaim_usec 5' 'dropped 100' 'reclaimed 10' >"$tree/web/stat"
	run --separate-stderr ctnctl run --summary web -- sh -c '
		printf "%s\n" "throttled_usec 2500000" "reclaim_usec 5" "dropped 356" "reclaimed 266" >"$1/stat"
		echo out' - "$tree/web"
	assert_success
	assert_output out
	assert_regex "$stderr" "^time        [0-9]+\.[0-9]{3} s, [0-9]+\.[0-9]{3} s user, [0-9]+\.[0-9]{3} s system
rss peak    64M
usage peak  80M
tasks peak  5
throttled   1.500 s
trimmed     2M\$"
	printf '%s\n' 'throttled_usec 1' 'dropped 1' >"$tree/web/stat"
	run --separate-stderr ctnctl run --summary=json web -- sh -c 'exit 3'
	assert_failure 3
	assert_equal "$(jq -c '[.name, .status, .rss_peak, .rss_peak_bytes, .usage_peak,
		.tasks_peak, .throttled_usec, .trimmed_pages, .trimmed_bytes]' <<<"$stderr")" \
		'["web",3,16384,67108864,20480,5,0,0,0]'
	assert [ "$(jq .usec <<<"$stderr")" -gt 0 ]
	run --separate-stderr ctnctl run --summary=json web -- sh -c 'kill -TERM $$'
	assert_equal "$(jq -c '[.signal, .status]' <<<"$stderr")" '[15,null]'
	run ctnctl run --summary=xml web -- true
	assert_wrong_usage
}

@test "on a kernel without peaks they are left out" {
	old_container web
	run --separate-stderr ctnctl run --summary web -- true
	assert_success
	refute_regex "$stderr" peak
	assert_regex "$stderr" 'trimmed     0B'
}

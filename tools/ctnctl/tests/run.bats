#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2154
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

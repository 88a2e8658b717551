#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2016,SC2030,SC2031,SC2154
#
# watch.

load helper

time='[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}[+-][0-9]{2}:[0-9]{2}'

# watch COUNT ARGUMENT...: ctnctl watch, when it watches COUNT containers.
watch() {
	background ctnctl watch "${@:2}"
	wait_until has_watches $((1 + 4 * $1))
}

# It ends, and what it has printed is in $output, without the times.
stop() {
	kill -TERM "$pid"
	join
	output=$(sed -E "s/^$time //" "$out")
	mapfile -t lines <<<"$output"
}

@test "watch prints a line an event, as it happens" {
	container web page_limit_hits=7
	watch 1
	bump web page_limit_hits 9
	wait_until contains "$out" page_limit_hits
	bump web page_limit_hits 10
	wait_until contains "$out" +1
	kill -TERM "$pid"
	join
	assert_equal "$status" 0
	assert_equal "$stderr" ''
	assert_output --regexp "^$time web page_limit_hits 9 \+2"$'\n'"$time web page_limit_hits 10 \+1$"
}

@test "each counter that the kernel tells of is an event" {
	container web
	watch 1
	for counter in page_limit_hits task_limit_hits rss_failcnt rss_oom_kills; do
		bump web $counter 3
		wait_until contains "$out" "web $counter 3 +3"
	done
	stop
	assert_equal "$(wc -l <"$out")" 4
}

# table FAILCNT-OF-NUMFILE FAILCNT-OF-NUMPTY
table() {
	printf '%s\n' 'resource held maxheld minheld barrier limit failcnt' \
		'numproc 1 1 0 10 10 9' "numfile 3 4 0 10 10 $1" "numpty 0 0 0 max max $2"
}

@test "what finds no room of a resource is an event of that" {
	container web
	table 2 0 >"$tree/web/beancounters"
	background ctnctl watch
	wait_until has_watches 6
	table 2 0 1<>"$tree/web/beancounters"
	table 5 0 1<>"$tree/web/beancounters"
	wait_until contains "$out" 'web numfile 5 +3'
	table 5 1 1<>"$tree/web/beancounters"
	wait_until contains "$out" 'web numpty 1 +1'
	# numproc has a file of its own
	bump web task_limit_hits 9
	wait_until contains "$out" 'web task_limit_hits 9 +9'
	stop
	assert_equal "$(wc -l <"$out")" 3
}

@test "who may not read the table of resources is told of all else" {
	container web
	table 0 0 >"$tree/web/beancounters"
	chown nobody "$tree/web/beancounters"
	chmod 600 "$tree/web/beancounters"
	out=$BATS_TEST_TMPDIR/out err=$BATS_TEST_TMPDIR/err
	setpriv --bounding-set=-dac_override,-dac_read_search "$CTNCTL" watch </dev/null \
		>"$out" 2>"$err" 3>&- &
	pid=$!
	wait_until has_watches 5
	bump web rss_failcnt 4
	wait_until contains "$out" 'web rss_failcnt 4 +4'
	stop
	assert_equal "$(<"$err")" ''
}

@test "what was counted before is no event" {
	container web rss_failcnt=5
	watch 1
	bump web rss_failcnt 5
	bump web page_limit_hits 1
	wait_until contains "$out" page_limit_hits
	stop
	assert_output 'web page_limit_hits 1 +1'
}

@test "events come at the time of day that it is" {
	container web
	watch 1
	before=$(date +%s%3N)
	bump web rss_failcnt 1
	wait_until contains "$out" rss_failcnt
	after=$(date +%s%3N)
	printed=$(date -d "$(cut -d' ' -f1 "$out")" +%s%3N)
	assert [ "$before" -le "$printed" ]
	assert [ "$printed" -le "$after" ]
}

@test "watch takes no time of the processor when nothing happens" {
	container web
	watch 1
	ticks() {
		cut -d' ' -f14,15 "/proc/$pid/stat"
		sed -n '/_ctxt/s/.*\t//p' "/proc/$pid/status"
	}
	before=$(ticks)
	sleep 1
	assert_equal "$(ticks)" "$before"
}

@test "with json each line is an object" {
	name=$'a "b"\n\\c'
	container "$name" rss_failcnt=1
	watch 1 --json
	bump "$name" rss_failcnt 4
	bump "$name" rss_oom_kills 2
	wait_until contains "$out" rss_oom_kills
	stop
	run jq -c '[.name, .event, .value, .increase]' "$out"
	assert_success
	assert_line --index 0 '["a \"b\"\n\\c","rss_failcnt",4,3]'
	assert_line --index 1 '["a \"b\"\n\\c","rss_oom_kills",2,2]'
	run jq -r .time "$out"
	assert_line --index 0 --regexp "^$time$"
}

@test "a name is one word, safe for a terminal" {
	container $'two words\n\e[31m'
	watch 1
	bump $'two words\n\e[31m' rss_failcnt 1
	wait_until contains "$out" rss_failcnt
	stop
	assert_output 'two\x20words\x0a\x1b[31m rss_failcnt 1 +1'
}

@test "only those are watched that are named" {
	container web
	container db
	watch 1 db
	bump web rss_failcnt 1
	bump db rss_failcnt 2
	wait_until contains "$out" db
	stop
	assert_output 'db rss_failcnt 2 +2'
}

@test "a container that is made later joins, with all that it has counted" {
	watch 0
	arrive web rss_failcnt=2
	wait_until contains "$out" rss_failcnt
	bump web rss_failcnt 3
	wait_until contains "$out" +1
	stop
	assert_output $'web added\nweb rss_failcnt 2 +2\nweb rss_failcnt 3 +1'
}

@test "a container that is removed leaves nothing behind" {
	container db
	arrive web
	watch 2
	# its files live on: something else has them open
	rm "$tree/web"
	wait_until has_watches 5
	bump db rss_failcnt 1
	wait_until contains "$out" db
	stop
	assert_equal "$stderr" ''
	assert_equal "$status" 0
}

@test "one that is made anew under the same name starts from nothing" {
	arrive web rss_failcnt=5
	watch 1
	depart web
	wait_until has_watches 1
	arrive web
	wait_until has_watches 5
	bump web rss_failcnt 2
	wait_until contains "$out" rss_failcnt
	stop
	assert_output $'web removed\nweb added\nweb rss_failcnt 2 +2'
}

@test "that a container comes or goes is JSON, too" {
	background ctnctl watch --json
	wait_until has_watches 1
	arrive web
	wait_until contains "$out" added
	depart web
	wait_until contains "$out" removed
	kill -TERM "$pid"
	join
	run jq -c '[.name, .id, .event, has("value"), (.time | length > 20)]' "$out"
	assert_output $'["web",1,"added",false,true]\n["web",1,"removed",false,true]'
}

@test "a file in the tree is no container" {
	watch 0
	: >"$tree/file"
	arrive web
	wait_until has_watches 5
	stop
	assert_equal "$status" 0
	assert_equal "$stderr" ''
}

@test "watch ends when all of its names have been removed" {
	arrive web
	arrive db
	watch 2 web db web
	depart web
	wait_until has_watches 5
	depart db
	join
	assert_equal "$status" 0
	assert_equal "$stderr" ''
	assert_equal "$(printf '%s\n' "${lines[@]#* }")" $'web removed\ndb removed'
}

@test "one of its names that comes back is watched again" {
	arrive web
	container db
	watch 2 web db
	depart web
	wait_until has_watches 5
	arrive web rss_failcnt=1
	arrive other rss_failcnt=1
	wait_until contains "$out" 'web rss_failcnt 1 +1'
	bump db rss_failcnt 1
	wait_until contains "$out" db
	stop
	assert_output $'web removed\nweb added\nweb rss_failcnt 1 +1\ndb rss_failcnt 1 +1'
}

@test "without names watch goes on when there is no container any more" {
	arrive web
	watch 1
	depart web
	wait_until has_watches 1
	stop
	assert_equal "$status" 0
}

@test "SIGINT and SIGTERM end watch with status 0" {
	container web
	for signal in INT TERM; do
		watch 1
		kill -"$signal" "$pid"
		join
		assert_equal "$status" 0
		assert_equal "$output$stderr" ''
	done
}

@test "an alarm that was set before ends watch" {
	# a process that is ended has not given back what it points to in a register
	[ -z "$UNDER" ] || skip "to valgrind that is lost"
	run timeout 10 perl -e 'alarm 1; exec @ARGV' "$CTNCTL" watch
	assert_failure $((128 + 14))
	assert_output ''
}

@test "watch ends when nobody reads what it prints" {
	container web
	mkfifo "$BATS_TEST_TMPDIR/pipe"
	exec {reader}<>"$BATS_TEST_TMPDIR/pipe"
	"$CTNCTL" watch >"$BATS_TEST_TMPDIR/pipe" 3>&- {reader}>&- &
	pid=$!
	wait_until has_watches 5
	exec {reader}>&-
	wait "$pid" || status=$?
	assert_equal "$status" $((128 + 13))
}

@test "a container that is not there is refused" {
	container web
	run ctnctl watch web nope
	assert_refused "$tree/nope: No such container"
}

@test "a kernel without events is called that" {
	old_container web
	for words in watch 'watch web'; do
		# shellcheck disable=SC2086
		run timeout 10 "$CTNCTL" $words
		assert_refused "$tree/web/rss_failcnt: No such attribute (this kernel tells of no events)"
	done
}

@test "a kernel without events is called that as soon as it shows" {
	background ctnctl watch
	wait_until has_watches 1
	old_container ../web
	ln -s ../web "$tree/web"
	join
	assert_equal "$status" 1
	assert_equal "$stderr" "ctnctl: $tree/web/rss_failcnt: No such attribute (this kernel tells of no events)"
}

@test "a counter that cannot be understood is refused, and watch goes on" {
	container web
	container db
	watch 2
	bump web rss_failcnt many
	wait_until contains "$err" many
	bump db rss_failcnt 1
	wait_until contains "$out" db
	stop
	assert_equal "$status" 1
	assert_output 'db rss_failcnt 1 +1'
	assert_equal "$stderr" "ctnctl: $tree/web/rss_failcnt: \"many\": Not what is expected of this file"
}

# overflow NAME: it counts, while nobody reads, until events are lost. Bats would
# take its time over each.
overflow() {
	bash -c 'for ((i = 1; i <= $2; i++)); do
			echo $i 1<>"$1/rss_failcnt"
			echo $i 1<>"$1/page_limit_hits"
		done' - "$tree/$1" "$(</proc/sys/fs/inotify/max_queued_events)"
}

@test "when events are lost watch looks for what has happened" {
	container web
	arrive gone
	arrive again rss_failcnt=9
	watch 3
	kill -STOP "$pid"
	overflow web
	depart gone
	depart again
	arrive new rss_failcnt=7
	arrive again rss_failcnt=3
	bump web rss_oom_kills 1
	kill -CONT "$pid"
	wait_until has_watches $((1 + 3 * 4))
	bump again rss_oom_kills 1
	bump new rss_failcnt 8
	wait_until contains "$out" 'new rss_failcnt 8 +1'
	wait_until contains "$out" 'again rss_oom_kills 1 +1'
	stop
	assert_equal "$status" 0
	assert_equal "$stderr" ''
	assert_line "web rss_oom_kills 1 +1"
	assert_line 'new rss_failcnt 7 +7'
	assert_line 'again rss_failcnt 3 +3'
	assert_line 'gone removed'
	refute_output --partial 'gone rss'
}

@test "when events are lost, what cannot be watched hides nothing else" {
	container web
	container db
	watch 2
	kill -STOP "$pid"
	overflow web
	# these cannot be opened, not even by root
	for name in db bad; do
		[[ -e $tree/$name ]] || arrive $name
		ln -sf rss_failcnt "$tree/$name/rss_failcnt"
	done
	bump db rss_oom_kills 1
	arrive new rss_failcnt=7
	arrive zoo rss_failcnt=8
	kill -CONT "$pid"
	wait_until contains "$out" 'zoo rss_failcnt 8 +8'
	wait_until contains "$out" 'db rss_oom_kills 1 +1'
	stop
	assert_equal "$status" 1
	assert_line 'new rss_failcnt 7 +7'
	for name in db bad; do
		assert grep -qF "$tree/$name/rss_failcnt: Too many levels of symbolic links" <<<"$stderr"
	done
}

@test "watch ends when the tree goes away" {
	container web
	watch 1
	mv "$tree" "$CTN_CONFIG/moved"
	rm -r "$CTN_CONFIG/moved"
	join
	assert_equal "$status" 1
	assert_equal "$stderr" "ctnctl: $tree: The containers have gone"
}

@test "with json each event has the id of its container, also when that has gone" {
	arrive web id=7
	container db id=8
	watch 2 --json
	bump web rss_failcnt 1
	wait_until contains "$out" '"id":7'
	depart web
	wait_until contains "$out" removed
	arrive web id=9
	bump db rss_failcnt 1
	wait_until contains "$out" '"id":8'
	wait_until contains "$out" added
	depart web
	wait_until has_watches 5
	stop
	run jq -c '[.name, .event, .id]' "$out"
	assert_line '["web","rss_failcnt",7]'
	assert_line '["web","removed",7]'
	assert_line '["web","added",9]'
	assert_line '["web","removed",9]'
	assert_line '["db","rss_failcnt",8]'
}

@test "what is told late of a container that has gone has its id, not its successor's" {
	arrive web id=7
	watch 1 --json
	kill -STOP "$pid"
	depart web
	arrive web id=8
	kill -CONT "$pid"
	wait_until contains "$out" added
	stop
	run jq -c '[.name, .event, .id]' "$out"
	assert_line '["web","removed",7]'
	assert_line '["web","added",8]'
}

@test "a program is run for each event, with all about it in its environment" {
	name=$'a "b"\n\xff$(touch made)'
	container "$name" id=7 rss_failcnt=1
	cd "$BATS_TEST_TMPDIR"
	# no shell takes any of this apart
	watch 1 --exec env "$name" -- -u LC_ALL printenv -0
	bump "$name" rss_failcnt 4
	wait_until contains "$out" CTN_TIME
	kill -TERM "$pid"
	wait "$pid" || true
	pid=
	run bash -c 'tr "\n\0" "_\n" <"$1" | LC_ALL=C grep -a ^CTN_ | sort' - "$out"
	assert_line 'CTN_EVENT=rss_failcnt'
	assert_line 'CTN_ID=7'
	assert_line 'CTN_INCREASE=3'
	assert_line 'CTN_VALUE=4'
	assert_line $'CTN_NAME=a "b"_\xff$(touch made)'
	assert_line --regexp "^CTN_TIME=$time$"
	assert [ ! -e made ]
}

@test "what comes and goes has a program run, too, without numbers" {
	background env CTN_VALUE=old ctnctl watch --exec sh -- -c \
		'echo "$CTN_NAME $CTN_ID $CTN_EVENT ${CTN_VALUE-none} $1" ; cat' - argument
	wait_until has_watches 1
	arrive web id=5
	wait_until contains "$out" added
	depart web
	wait_until contains "$out" removed
	stop
	assert_equal "$status" 0
	assert_equal "$(<"$out")" $'web 5 added none argument\nweb 5 removed none argument'
}

@test "programs run one after the other, and no event is lost" {
	container web
	watch 1 -x sh -- -c 'echo "begin $CTN_VALUE $CTN_INCREASE"; sleep 0.5; echo end'
	bump web rss_failcnt 1
	wait_until contains "$out" begin
	bump web rss_failcnt 2
	bump web rss_failcnt 3
	wait_until contains "$out" 'begin 3'
	wait_until contains "$out" $'begin 3 2\nend'
	stop
	assert_equal "$(<"$out")" $'begin 1 1\nend\nbegin 3 2\nend'
}

@test "a program that fails is told of, and watch goes on" {
	container web
	watch 1 --exec sh -- -c '[ "$CTN_VALUE" != 1 ] || exit 3; kill -KILL $$'
	bump web rss_failcnt 1
	wait_until contains "$err" 'ctnctl: sh: exit status 3'
	bump web rss_failcnt 2
	wait_until contains "$err" 'ctnctl: sh: Killed'
	stop
	assert_equal "$status" 1
	assert_equal "$(wc -l <"$err")" 2
}

@test "a program that is not there is refused before there is an event" {
	container web
	run timeout 5 "$CTNCTL" watch --exec nosuchprogram
	assert_refused 'nosuchprogram: No such file or directory'
	run timeout 5 "$CTNCTL" watch --exec /dev/null
	assert_refused '/dev/null: Permission denied'
	for words in '--exec' '--exec=' '--json --exec true'; do
		# shellcheck disable=SC2086
		run ctnctl watch $words
		assert_wrong_usage
	done
}

@test "a signal that ends watch ends the program that it runs, and is waited for" {
	container web
	watch 1 --exec sh -- -c 'trap "echo told; exit" TERM; echo begun; while :; do sleep 0.1; done'
	bump web rss_failcnt 1
	wait_until contains "$out" begun
	kill -TERM "$pid"
	join
	assert_equal "$status" 0
	assert_equal "$output" $'begun\ntold'
}

@test "the program finds the tree that watch was told of" {
	container web
	config=$CTN_CONFIG
	CTN_CONFIG=/nonexistent background ctnctl --config "$config" watch --exec sh -- -c \
		'echo "at $CTN_CONFIG"'
	wait_until has_watches 5
	bump web rss_failcnt 1
	wait_until contains "$out" at
	stop
	assert_equal "$(<"$out")" "at $config"
}

@test "after two dashes there are names, if there is no program" {
	container -w
	watch 1 -- -w
	bump -w rss_failcnt 1
	wait_until contains "$out" rss_failcnt
	stop
	assert_output -- '-w rss_failcnt 1 +1'
}

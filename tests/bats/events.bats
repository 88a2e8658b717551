#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# What a program can sleep on, and what tracing shows: inotify on the counters,
# and the tracepoints.
#
# vm: --mem 512M --smp 2 --disk 256M

load common

setup_file() { common_setup_file; }

setup() {
	common_setup
	F=/mnt/disk/$BATS_TEST_NUMBER
	T=/sys/kernel/tracing
	[ -e $T/events ] || mount -t tracefs none $T
	echo >$T/trace
	EVENTS=$BATS_TEST_TMPDIR/events
}

teardown() {
	echo 0 >"$T/events/container/enable"
	common_teardown
	rm -f "$F"
}

# watch FILE...: the events on these come to $EVENTS, with the time in ms.
watch() {
	inotifywait -m -q -e modify --timefmt %s --format '%T %w%f' "$@" >"$EVENTS" \
		2>"$EVENTS.err" 3>&- &
	WATCHER=$!
	wait_until 20 watching
}

watching() {
	grep -q '^inotify' "/proc/$WATCHER/fdinfo/"* 2>/dev/null
}

# It is there, and watches nothing.
watches_nothing() {
	! watching && ! has_ended "$WATCHER"
}

# told FILE: has there been an event on it?
told() {
	grep -q "$1" "$EVENTS"
}

trace() {
	echo 1 >"$T/events/container/enable"
}

@test "page_limit_hits raises an event when it changes" {
	set_attr page_limit 100
	watch "$C/page_limit_hits"
	hold_start p "$C"
	tells p anon a 300
	tells p touch a
	wait_until 20 told page_limit_hits
	assert [ "$(attr page_limit_hits)" -gt 0 ]
}

@test "task_limit_hits raises an event when it changes" {
	set_attr task_limit 2
	hold_start p "$C"
	watch "$C/task_limit_hits"
	assert_equal "$(tell p forks 5)" '1 EAGAIN'
	wait_until 20 told task_limit_hits
}

@test "rss_failcnt and rss_oom_kills raise an event when they change" {
	hold_start p "$C"
	watch "$C/rss_failcnt" "$C/rss_oom_kills"
	set_attr rss_limit 500
	tells p anon a 1000
	run tell p touch a
	wait_until 20 told rss_failcnt
	wait_until 20 told rss_oom_kills
}

@test "who watches the directory is told, too" {
	watch "$C"
	cat "$C/page_limit_hits"
	set_attr page_limit 100
	hold_start p "$C"
	tells p anon a 300
	tells p touch a
	wait_until 20 told page_limit_hits
}

@test "a counter that does not change raises nothing" {
	watch "$C/page_limit_hits" "$C/rss_failcnt"
	hold_start p "$C"
	tells p anon a 300
	tells p touch a
	cat "$C/page_limit_hits"
	sleep 0.5
	assert_equal "$(cat "$EVENTS")" ''
}

@test "a watch lasts although the file is opened and closed, and ends with rmdir" {
	watch "$C/page_limit_hits"
	cat "$C/page_limit_hits" "$C/page_limit_hits"
	drain
	echo 2 >/proc/sys/vm/drop_caches
	set_attr page_limit 100
	hold_start p "$C"
	tells p anon a 300
	tells p touch a
	wait_until 20 told page_limit_hits
	let_go p
	run timeout 10 rmdir "$C"
	assert_success
	wait_until 20 watches_nothing
	mkdir "$C"
}

has_hits() {
	[ "$(attr task_limit_hits)" -ge "$1" ]
}

@test "there are at most ten events a second" {
	local from to count

	hold_start p "$C"
	set_attr task_limit 2
	watch "$C/task_limit_hits"
	from=$EPOCHREALTIME
	# its child may not fork, and tries all the time
	tell p again "forks 1" >/dev/null
	wait_until 20 has_hits 150
	set_attr task_limit max
	sleep 0.3
	to=$EPOCHREALTIME
	count=$(wc -l <"$EVENTS")
	assert [ "$count" -gt 0 ]
	assert [ "$count" -le $(((${to/./} - ${from/./}) / 100000 + 2)) ]
}

@test "tracing shows a container's life and its members" {
	trace
	mkdir "$C-x"
	hold_start p
	set_attr addtask "$p" "$C-x"
	set_attr rmtask "$p" "$C-x"
	rmdir "$C-x"
	run cat "$T/trace"
	assert_output --regexp "container_create: id=[0-9]+ name=${C##*/}-x"
	assert_output --regexp "container_attach: id=[0-9]+ pid=$p comm=hold"
	assert_output --regexp "container_detach: id=[0-9]+ pid=$p comm=hold"
	assert_output --regexp "container_remove: id=[0-9]+ name=${C##*/}-x"
}

@test "tracing shows hits, rounds with what they did, and throttled tasks" {
	trace
	set_attr page_limit 500
	hold_start p "$C"
	HOLD_TIMEOUT=60 tells p write "$F" 4000
	under() { [ "$(usage)" -le 500 ]; }
	wait_until 20 under
	run cat "$T/trace"
	assert_output --regexp "container_limit_hit: id=$(attr id) limit=page_limit usage=[0-9]+ max=500"
	assert_output --regexp "container_trim_begin: id=$(attr id) usage=[0-9]+ goal=438 rss=[0-9]+ rss_goal=-1"
	assert_output --regexp "container_trim_end: id=$(attr id) usage=[0-9]+ .*scanned=[1-9][0-9]* .*usec=[1-9]"
	# what the rounds did is what stat says
	assert_equal "$(grep -o 'dropped=[0-9]*' "$T/trace" | awk -F= '{ sum += $2 } END { print sum }')" \
		"$(awk '$1 == "dropped" { print $2 }' "$C/stat")"

	# files may be trimmed as fast as they are written, but these not at all
	tells p anon a 2000
	HOLD_TIMEOUT=60 tells p touch a
	run cat "$T/trace"
	assert_output --regexp "container_throttle: id=$(attr id) limit=page_limit usec=[0-9]+"
}

@test "tracing shows failed charges and OOM" {
	trace
	set_attr rss_limit 300
	run enter "$C" eat 1 500 1
	run cat "$T/trace"
	assert_output --regexp "container_charge_failed: id=$(attr id) nr=1 rss=300 limit=300"
	assert_output --regexp "container_throttle: id=$(attr id) limit=rss_limit usec="
	assert_output --regexp "container_oom: id=$(attr id) rss=300 limit=300"
}

@test "every event has a format, with the id of the container" {
	local event

	for event in create remove attach detach limit_hit charge_failed trim_begin \
		     trim_end throttle oom; do
		run cat "$T/events/container/container_$event/format"
		assert_success
		assert_output --partial 'field:int id;'
	done
}

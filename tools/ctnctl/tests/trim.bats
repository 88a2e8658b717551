#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2154
#
# trim.

load helper

# Pages in so many megabytes.
mb() {
	echo $((($1 << 20) / pagesize))
}

# over NAME PAGES [ATTR=VALUE...]: a container of so many pages.
over() {
	container "$1" "num_file_pages=$2" "${@:3}"
}

# What was written to shrink of a container.
writes() {
	local what value list=''

	[[ ! -e $tree/$1/writes ]] || while read -r what value; do
		assert_equal "$what" shrink
		list+=" $value"
	done <"$tree/$1/writes"
	echo "${list# }"
}

# trim COUNT ARGUMENT...: ctnctl trim, when it watches COUNT containers.
trim() {
	background LD_PRELOAD="$KERNEL" ctnctl trim "${@:2}"
	wait_until has_watches $((1 + 4 * $1))
}

stop() {
	kill -TERM "$pid"
	join
}

pages_of() {
	cat "$tree/$1/num_file_pages"
}

is_at() {
	[[ $(pages_of "$1") == "$2" ]]
}

# fill NAME PAGES ATTR: it grows, and meets a limit.
fill() {
	bump "$1" num_file_pages "$2"
	bump "$1" "$3" $(($(<"$tree/$1/$3") + 1))
}

@test "a percent sign that was forgotten is not taken for pages" {
	container web num_file_pages=100 page_limit=100
	with_kernel run ctnctl trim --once --below 80
	assert_wrong_usage
	assert_line --index 0 "ctnctl: trim: --below 80: a number needs a unit; want a size such as 64M, or pages such as 80p, or a part of each page limit such as 80%"
	assert_equal "$(<"$tree/web/num_file_pages")" 100
}

@test "once trims those that are over the watermark, and only those" {
	over web 100
	over db 50
	over idle 0
	with_kernel run ctnctl trim --once --below 70p
	assert_success
	assert_output ''
	assert_equal "$(pages_of web) $(writes web)" '70 70'
	assert_equal "$(pages_of db) $(writes db)" '50 '
}

@test "the watermark counts anonymous and file pages" {
	over web 100 num_anon_pages=50
	with_kernel run ctnctl trim --once --below 120p
	assert_success
	assert_equal "$(pages_of web)" 70
}

@test "a watermark can be a size" {
	over web "$(mb 3)"
	with_kernel run ctnctl trim --once --below 2M
	assert_success
	assert_equal "$(pages_of web)" "$(mb 2)"
}

@test "a percentage is one of each page limit" {
	over web 100 page_limit=100
	over db 1000 page_limit=999
	with_kernel run ctnctl trim --once --below 80%
	assert_success
	assert_equal "$(pages_of web) $(pages_of db)" '80 799'
}

@test "without a page limit a percentage means nothing" {
	over web 100 page_limit=max
	with_kernel run ctnctl trim --once --below 0%
	assert_success
	assert_equal "$(pages_of web)" 100
}

@test "only those are trimmed that are named" {
	over web 100
	over db 100
	with_kernel run ctnctl trim --once --below 70p db
	assert_success
	assert_equal "$(pages_of web) $(pages_of db)" '100 70'
}

@test "what is much is done in rounds, of which those farther over get more" {
	over web $(($(mb 96) + 10))
	over db $(($(mb 32) + 10))
	with_kernel run ctnctl trim --once --below 10p
	assert_success
	# 48M and 16M of the first 64M, and of the second
	assert_equal "$(writes web)" "$(($(mb 48) + 10)) 10"
	assert_equal "$(writes db)" "$(($(mb 16) + 10)) 10"
}

@test "one that cannot be trimmed is refused, and the others are trimmed" {
	over db 100
	over web 100
	over zoo 100
	echo 90 >"$tree/web/floor"
	with_kernel run ctnctl trim --once --below 70p
	assert_refused "$tree/web/shrink: \"70\": Device or resource busy (no more of its memory can be freed now)"
	assert_equal "$(pages_of db) $(pages_of web) $(pages_of zoo)" '70 90 70'
	assert_equal "$(writes web)" 70
}

@test "one that is being removed is passed over" {
	over web 100
	over zoo 100
	echo 1 >"$tree/web/dying"
	with_kernel run ctnctl trim --once --below 70p
	assert_success
	assert_output ''
	assert_equal "$(pages_of zoo)" 70
}

@test "one that does not get smaller is given up" {
	over 'a b' 100
	# without the stand-in, a write changes nothing
	run timeout 10 "$CTNCTL" trim --once --below 70p
	assert_refused "$tree/a\\x20b: it did not get smaller in 5 rounds, and is $((30 * pagesize / 1024))K over"
}

@test "verbose says what is done" {
	over 'a b' "$(mb 3)"
	over db 1
	with_kernel run ctnctl trim --once --verbose --below 1M
	assert_success
	assert_output 'a\x20b: 3M, 2M over, trimmed to 1M'
}

@test "trim begins with those that are over already" {
	over web 100
	trim 1 --below 70p
	wait_until is_at web 70
	stop
	assert_equal "$status" 0
	assert_equal "$output$stderr" ''
}

@test "a hit of either limit wakes trim" {
	container web
	trim 1 --below 70p
	for limit in page_limit_hits rss_failcnt; do
		fill web 100 $limit
		wait_until is_at web 70
	done
	stop
	assert_equal "$status" 0
}

@test "a hit of one container makes trim look at all" {
	container web
	container db
	trim 2 --below 70p
	bump db num_file_pages 90
	fill web 100 page_limit_hits
	wait_until is_at web 70
	wait_until is_at db 70
}

@test "nothing else wakes trim" {
	container web
	trim 1 --below 70p
	switches=$(grep ctxt "/proc/$pid/status")
	bump web num_file_pages 100
	sleep 1.5
	assert_equal "$(grep ctxt "/proc/$pid/status")" "$switches"
	bump web task_limit_hits 1
	sleep 0.5
	assert is_at web 100
}

@test "with an interval trim looks by itself" {
	container web
	trim 1 --below 70p --interval 1
	bump web num_file_pages 100
	wait_until is_at web 70
	bump web num_file_pages 99
	wait_until is_at web 70
	stop
	assert_equal "$status" 0
}

@test "a percentage follows the page limit" {
	over web 100 page_limit=100
	trim 1 --below 90%
	wait_until is_at web 90
	echo 50 >"$tree/web/page_limit"
	fill web 95 page_limit_hits
	wait_until is_at web 45
}

@test "containers that are made later are trimmed, those that go are not missed" {
	arrive web
	container db
	trim 2 --below 70p
	depart web
	arrive new num_file_pages=100
	wait_until is_at new 70
	fill new 101 rss_failcnt
	wait_until is_at new 70
	stop
	assert_equal "$status" 0
	assert_equal "$stderr" ''
}

@test "trim of names leaves others alone that are made later" {
	container web
	trim 1 --below 70p web
	arrive new num_file_pages=100
	fill web 100 page_limit_hits
	wait_until is_at web 70
	assert is_at new 100
}

@test "trim goes on when all of its names have been removed, and they may come back" {
	arrive web
	arrive db
	trim 2 --below 70p web db
	depart web
	depart db
	wait_until has_watches 1
	arrive db num_file_pages=100
	wait_until is_at db 70
	fill db 101 page_limit_hits
	wait_until is_at db 70
	stop
	assert_equal "$status" 0
	assert_equal "$stderr" ''
}

@test "trim says which of its names are not there, and waits for them" {
	over web 100
	trim 1 --below 70p web later
	wait_until is_at web 70
	arrive other num_file_pages=100
	arrive later num_file_pages=100
	wait_until is_at later 70
	fill later 101 rss_failcnt
	wait_until is_at later 70
	stop
	assert_equal "$status" 0
	assert_equal "$stderr" "ctnctl: $tree/later: No such container; waiting for it"
	assert is_at other 100
}

@test "trim waits also if none of its names is there" {
	trim 0 --below 70p later
	arrive later num_file_pages=100
	wait_until is_at later 70
	stop
	assert_equal "$status" 0
}

@test "one that cannot be trimmed is reported once, and left alone for a while" {
	over web 100
	echo 90 >"$tree/web/floor"
	trim 1 --below 70p
	wait_until contains "$err" busy
	bump web page_limit_hits 1
	sleep 0.1
	bump web page_limit_hits 2
	sleep 0.1
	assert_equal "$(writes web)" 70
	# after a second it is tried again
	sleep 1
	bump web page_limit_hits 3
	wait_until contains "$tree/web/writes" $'70\nshrink 70'
	stop
	assert_equal "$status" 0
	assert_equal "$(wc -l <"$err")" 1
}

@test "one that is made anew does not wait for what was before it" {
	arrive web num_file_pages=100
	echo 90 >"$tree/web/floor"
	trim 1 --below 70p
	wait_until contains "$err" busy
	depart web
	arrive web num_file_pages=100
	wait_until is_at web 70
}

@test "one that could be trimmed again is reported anew" {
	over web 100
	echo 90 >"$tree/web/floor"
	trim 1 --below 70p
	wait_until contains "$err" busy
	sleep 1
	rm "$tree/web/floor"
	fill web 95 page_limit_hits
	wait_until is_at web 70
	echo 90 >"$tree/web/floor"
	fill web 95 page_limit_hits
	wait_until contains "$err" $'now)\nctnctl'
	stop
	assert_equal "$(wc -l <"$err")" 2
}

@test "SIGINT and SIGTERM end trim with status 0, also in the middle" {
	for signal in INT TERM; do
		rm -rf "${tree:?}"/{web,zoo}
		over web 1000
		over zoo 1000
		slow web
		background LD_PRELOAD="$KERNEL" ctnctl trim --below 70p
		wait_until contains "$tree/web/writes" 'shrink 70'
		kill -"$signal" "$pid"
		join
		assert_equal "$status" 0
		assert_equal "$stderr" ''
		assert [ "$(pages_of web)" -gt 900 ]
		assert_equal "$(writes web)" 70
		assert_equal "$(writes zoo)" ''
	done
}

@test "a signal in the middle of once is no success" {
	over web 1000
	slow web
	background LD_PRELOAD="$KERNEL" ctnctl trim --once --below 70p
	wait_until contains "$tree/web/writes" 'shrink 70'
	kill -TERM "$pid"
	join
	assert_equal "$status" 143
}

@test "once refuses a container that is not there, and trims the others" {
	over web 100
	with_kernel run ctnctl trim --once --below 70p nope web
	assert_refused "$tree/nope: No such container"
	assert is_at web 70
}

@test "what cannot be a name is not waited for" {
	run timeout 10 "$CTNCTL" trim --below 70p a/b
	assert_refused "$tree: \"a/b\": Invalid argument (want a name other than \".\" and \"..\", without \"/\")"
}

@test "a kernel that cannot shrink is called that, once" {
	old_container web
	old_container zoo
	run timeout 10 "$CTNCTL" trim --below 70p
	assert_refused "$tree/web/rss_failcnt: No such attribute (this kernel tells of no events)"
	run ctnctl trim --once --below 70p
	assert_refused "$tree/web/shrink: No such attribute (this kernel lacks it)"
}

@test "a watermark that is none is wrong usage" {
	for below in '' max 12Q 64MB 101% -1% % 5%% 1.5G 10%x; do
		run ctnctl trim --once --below "$below"
		assert_wrong_usage
	done
	run ctnctl trim --once
	assert_wrong_usage
}

@test "an interval that is none is wrong usage" {
	for interval in '' 0 -1 1s 1.5 1000001 99999999999999999999; do
		run timeout 10 "$CTNCTL" trim --below 1p --interval "$interval"
		assert_wrong_usage
	done
	run ctnctl trim --below 1p --interval 1 --once
	assert_wrong_usage
}

@test "the service has the path of the program, and systemd takes it" {
	make -s -C "$CTNCTL_SOURCE" BUILD="$BATS_TEST_TMPDIR/build" \
		PREFIX="$BATS_TEST_TMPDIR/usr" install
	unit=$BATS_TEST_TMPDIR/usr/lib/systemd/system/ctnctl-trim.service
	assert grep -qF "ExecStart=$BATS_TEST_TMPDIR/usr/sbin/ctnctl trim " "$unit"
	hash systemd-analyze || skip "there is no systemd here"
	run env SYSTEMD_OFFLINE=1 systemd-analyze verify --man=no "$unit"
	assert_success
	assert_output ''
}

# open_in_tree: what of the tree $pid has open.
open_in_tree() {
	readlink "/proc/$pid"/fd/* | grep -F "$tree" || :
}

@test "no container is held open while trim and watch sleep" {
	container web page_limit=16 num_file_pages=8
	container db page_limit=16 num_file_pages=8
	for words in 'trim --below 80%' watch; do
		# shellcheck disable=SC2086
		background ctnctl $words
		wait_until has_watches 9
		assert_equal "$(open_in_tree)" ''
		bump web page_limit_hits 1
		sleep 0.2
		assert_equal "$(open_in_tree)" ''
		kill "$pid"
		join
	done
}

@test "trim goes by what there is, and not by what another of the name had" {
	container web page_limit=100 num_file_pages=200
	container db page_limit=100 num_file_pages=300
	container ../other page_limit=1000 num_file_pages=90
	printf '%s\n' '#!/bin/sh' "[ -e '$CTN_CONFIG/other' ] || exit 0" \
		"rm -r '$tree/web' && mv '$CTN_CONFIG/other' '$tree/web'" >"$CTN_CONFIG/on-shrink"
	chmod +x "$CTN_CONFIG/on-shrink"
	# db comes first
	with_kernel run ctnctl trim --below 80% --once
	assert_success
	assert_equal "$(<"$tree/db/num_file_pages") $(<"$tree/web/num_file_pages")" '80 90'
}

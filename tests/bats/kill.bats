#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# ctnctl is killed, at each of its system calls from the first that has to do with
# the tree, and at any moment while the kernel works for it: the container can be
# used afterwards, and each value is the old one or the new one.
#
# At every eighth of them, that is: with EVERY=1 at each, which takes ten minutes;
# SEED says which is the first.
#
# One processor: a tracer and what it traces take turns, which costs more on two.
#
# vm: --mem 512M --smp 1 --disk 128M --swap 128M

load common

setup_file() {
	common_setup_file killat
}

setup() {
	common_setup
	CTN=${CTNCTL:-$BATS_TEST_DIRNAME/../../build/ctnctl/ctnctl}
	N=${C##*/}
	F=/mnt/disk/$BATS_TEST_NUMBER
	SEED=${SEED:-1}
	EVERY=${EVERY:-8}
}

teardown() {
	common_teardown
	rm -f "$F"
}

# say NAME...: what files of the container say, in $said. A fork for each would take
# most of the time here.
say() {
	local name line

	said=
	for name in "$@"; do
		read -r line <"$C/$name"
		said+=${said:+ }$line
	done
}

# The container is there, works, and can be removed and made anew.
assert_usable() {
	set_attr page_limit 77M
	set_attr task_limit 77
	say page_limit task_limit freeing
	[ "$said" = '19712 77 0' ] || fail "$said"
	rmdir "$C"
	mkdir "$C"
}

# assert_said VALUES...: it is one of these that was said.
assert_said() {
	local values

	for values in "$@"; do
		[ "$said" != "$values" ] || return 0
	done
	fail "it says '$said', and not one of: $*"
}

# kill_everywhere PREPARE CHECK END ARGUMENT...: at each of its calls in turn, or
# every few of them, until it comes to its end. PREPARE is what comes before each
# time; the container is new then, or has just been made anew. END is the status
# with which it ends when it is not killed, and what is said then.
kill_everywhere() {
	local prepare=$1 check=$2 end=$3 nth

	shift 3
	for ((nth = 1 + SEED % EVERY; ; nth += EVERY)); do
		$prepare
		status=0
		killat "$nth" "$ROOT" "$CTN" "$@" >/dev/null 2>&1 || status=$?
		[ "$status" = 137 ] || break
		$check
		assert_usable
	done
	assert [ "$nth" -gt 3 ]
	$check
	assert_equal "$status $said" "$end"
	run "$CTN" list
	assert_success
	assert_usable
}

fresh() {
	[ -d "$C" ] || mkdir "$C"
}

no_container() {
	[ ! -d "$C" ] || rmdir "$C"
}

@test "create" {
	made() {
		# it may not have come to it
		[ -d "$C" ] || mkdir "$C"
		say page_limit task_limit
		assert_said 'max max' '256 max' '256 9'
	}
	kill_everywhere no_container made '0 256 9' create --page-limit 1M --task-limit 9 "$N"
}

@test "set" {
	with_limits() {
		fresh
		set_attr page_limit 1000
		set_attr task_limit 10
	}
	set_or_not() {
		say page_limit task_limit oom
		assert_said '1000 10 task' '256 10 task' '256 9 task' '256 9 container'
	}
	kill_everywhere with_limits set_or_not '0 256 9 container' \
		set "$N" page_limit=1M task_limit=9 oom=container
}

@test "a set that is refused, and takes back what it did" {
	refused_or_not() {
		say page_limit task_limit
		assert_said 'max max' '256 max'
	}
	kill_everywhere fresh refused_or_not '1 max max' set "$N" page_limit=1M task_limit=none
}

@test "add-task and rm-task" {
	hold_start p
	in_or_out() {
		say num_tasks
		assert_said 0 1
		assert_equal "$(tell p pid)" "$p"
	}
	inside() {
		fresh
		set_attr addtask "$p"
	}
	kill_everywhere fresh in_or_out '0 1' add-task "$N" "$p"
	kill_everywhere inside in_or_out '0 0' rm-task "$N" "$p"
}

@test "add-file and rm-file" {
	hold <<<"write $F 100"
	owned_or_not() {
		say num_files num_file_pages
		assert_said '0 0' '1 100'
	}
	owner() {
		fresh
		set_attr addfile "$F"
	}
	kill_everywhere fresh owned_or_not '0 1 100' add-file "$N" "$F"
	kill_everywhere owner owned_or_not '0 0 0' rm-file "$N" "$F"
}

@test "delete" {
	gone_or_not() {
		if [ -d "$C" ]; then
			say num_tasks
			assert_said 0
		else
			said=gone
			mkdir "$C"
		fi
	}
	kill_everywhere fresh gone_or_not '0 gone' delete "$N"
}

@test "run" {
	printf '%s\n' '#!/bin/sh' 'exit 7' >"$BIN/ends"
	chmod +x "$BIN/ends"
	ran_or_not() {
		[ -d "$C" ] || mkdir "$C"
		say page_limit num_tasks
		assert_said 'max 0' '256 0'
	}
	kill_everywhere no_container ran_or_not '7 256 0' run --page-limit 1M "$N" -- \
		"$BIN/ends"
}

@test "shrink and trim" {
	with_pages() {
		fresh
		set_attr page_limit 400
		hold <<<"write $F 300"
		set_attr addfile "$F"
	}
	smaller_or_not() {
		say page_limit num_files
		assert_said '400 1'
		[ "$(<"$C/num_file_pages")" -le 300 ]
	}
	kill_everywhere with_pages smaller_or_not '0 400 1' shrink "$N" 100p
	kill_everywhere with_pages smaller_or_not '0 400 1' \
		trim --once --below 100p "$N"
}

@test "at any moment while the kernel trims for it" {
	RANDOM=$SEED
	hold_start p "$C"
	tells p anon a 2000
	tells p touch a
	tells p lock a
	for _ in {1..12}; do
		set_attr page_limit 5000
		case $((RANDOM % 3)) in
		0) exec "$CTN" shrink "$N" 100p ;;
		1) exec "$CTN" set "$N" page_limit=4000 rss_limit=100 ;;
		*) exec "$CTN" trim --below 100p --interval 1 "$N" ;;
		esac >/dev/null 2>&1 3>&- &
		sleep "0.$(printf %03d $((RANDOM % 1000)))"
		# it may have come to its end
		kill -9 $! 2>/dev/null || true
		wait $! 2>/dev/null || true
		say page_limit rss_limit
		assert_said '5000 max' '4000 max'
		tells p check a
	done
	let_go p
	assert_usable
}

#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# rmdir: always, at once, and with nothing left behind.
#
# There is a hole in the memory, such as those that the firmware of many machines
# leaves, in the middle of one of the kernel's sections of 128 MB.
#
# vm: --mem 768M --smp 2 --disk 256M --swap 128M --append memmap=4M$260M
# kernels: base coexist

load common

setup_file() { common_setup_file; }

setup() {
	common_setup
	F=/mnt/disk/$BATS_TEST_NUMBER
}

teardown() {
	common_teardown
	rm -f "$F"*
}

mem_free() {
	echo 3 >/proc/sys/vm/drop_caches
	sleep 1
	# what lies in the CPUs' own lists is free as well
	awk '/^MemFree:/ { kb += $2 } /^ +count:/ { kb += 4 * $2 } END { print kb }' \
		/proc/meminfo /proc/zoneinfo
}

@test "rmdir lets running tasks go on, outside" {
	local child

	hold_start p "$C"
	tells p threads 5
	tells p anon a 500
	tells p touch a
	timeout 30 rmdir "$C"
	tells p check a
	tells p anon b 500
	tells p touch b
	child=$(tell p child touch b)
	tells p reap "${child%% *}"
	mkdir "$C"
	assert_equal "$(attr num_tasks) $(usage)" "0 0"
	set_attr addtask "$p"
	assert [ "$(attr num_tasks)" -ge 6 ]
	assert_exact_anon p
}

@test "rmdir finds what is charged wherever it is in memory" {
	hold_start p "$C"
	tells p anon a 100000
	HOLD_TIMEOUT=120 tells p touch a
	timeout 60 rmdir "$C"
	wait_until 20 all_freed
	mkdir "$C"
}

@test "rmdir leaves files mapped and dirty as they are" {
	truncate -s 4M "$F"
	hold_start p "$C"
	tells p map m "$F" 1000 shared
	tells p touch m
	timeout 30 rmdir "$C"
	assert_equal "$(seen file "$(tell p count m)")" 1000
	tells p check m
	tells p sync "$F"
	mkdir "$C"
	set_attr addfile "$F"
	assert_equal "$(attr num_mapped_pages)" 1000
}

@test "rmdir works on a container that is far over its limit" {
	set_attr page_limit 100
	hold_start p "$C"
	tells p anon a 8000
	HOLD_TIMEOUT=90 tells p touch a &
	sleep 1
	timeout 30 rmdir "$C"
	wait $!
	mkdir "$C"
	tells p check a
}

@test "whoever holds a file of it open gets ENOENT" {
	local name

	mkdir "$C-x"
	exec {r}<"$C-x/tasks" {w}>"$C-x/page_limit" {a}>"$C-x/addtask" {i}<"$C-x/id"
	timeout 30 rmdir "$C-x"
	for name in $r $i; do
		run cat <&"$name"
		assert_failure
		assert_output --partial 'No such file or directory'
	done
	for name in $w $a; do
		run bash -c "echo $$ >&$name"
		assert_failure
		assert_output --regexp '(No such file|I/O error)'
	done
	exec {r}<&- {w}>&- {a}>&- {i}<&-
}

@test "readers and writers at work do not keep rmdir from it" {
	hold_start p
	for _ in 1 2 3; do
		# shellcheck disable=SC2016
		timeout 60 sh -c 'while :; do cat "$0"/* ; echo "$1" >"$0/addtask"
			echo 100 >"$0/page_limit"; echo "$1" >"$0/rmtask"; done' \
			"$C" "$p" >/dev/null 2>&1 3>&- &
	done
	local writers
	writers=$(jobs -p)
	for _ in {1..10}; do
		timeout 30 rmdir "$C"
		mkdir "$C"
	done
	for w in $writers; do
		[ "$w" = "$p" ] || kill "$w" 2>/dev/null || true
	done
	tell p pid
	assert_equal "$(attr freeing)" 0
}

@test "rmdir while tasks fork and exit leaves nobody behind" {
	for _ in 1 2; do
		timeout 60 enter "$C" sh -c 'while :; do /bin/true; done' 3>&- &
	done
	sleep 1
	timeout 30 rmdir "$C"
	mkdir "$C"
	sleep 0.5
	assert_equal "$(attr num_tasks) $(attr tasks)" "0 "
	# shellcheck disable=SC2046
	kill $(jobs -p) 2>/dev/null || true
}

@test "mkdir, run, rmdir, a thousand times: MemFree is back" {
	local before after

	[ "${SLOW:-1}" = 1 ] || skip "too many rounds for a slow kernel, where kmemleak finds leaks"
	# some, so that all that is made at the first time is there
	hold_start p
	HOLD_TIMEOUT=60 tells p rounds 100 "$C-r"
	before=$(mem_free)
	HOLD_TIMEOUT=240 tells p rounds 1000 "$C-r"
	after=$(mem_free)
	echo "MemFree: $before kB, then $after kB"
	assert [ $((before - after)) -lt 4096 ]
}

@test "a process goes through many containers that are removed under it" {
	local i

	hold_start p
	tells p anon a 1000
	for i in {1..20}; do
		mkdir "$C-$i"
		set_attr addtask "$p" "$C-$i"
		tells p touch a
		rmdir "$C-$i"
	done
	tells p check a
	set_attr addtask "$p"
	assert_exact_anon p
}

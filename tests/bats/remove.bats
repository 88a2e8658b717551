#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# rmdir: always, at once, and with nothing left behind that would do harm: what was
# charged is charged to nobody, wherever it is.
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
	T=/dev/shm/$BATS_TEST_NUMBER
}

teardown() {
	common_teardown
	rm -rf "$F"* "$T"
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

# Folios that say the name of a container that is no more.
unowned() {
	sed -n 's/^unowned //p' "$AUDIT"
}

@test "rmdir searches for nothing: what is charged says so still, and names nobody" {
	local before

	hold_start p "$C"
	tells p anon a 100000
	HOLD_TIMEOUT=120 tells p touch a
	before=$(unowned)
	timeout 60 rmdir "$C"
	wait_until 20 all_freed
	assert [ "$(unowned)" -ge $((before + 100000)) ]
	HOLD_TIMEOUT=60 tells p check a
	# until it is freed
	tells p unmap a
	drain_batches
	assert [ "$(unowned)" -lt $((before + 1000)) ]
	mkdir "$C"
}

# The next container takes the entry in the kernel's table that the first has left.
@test "a new container is charged for nothing of the one that was removed" {
	hold_start p "$C"
	tells p anon a 500
	tells p touch a
	tells p thp b 1024
	tells p touch b
	tells p shm s 300
	tells p touch s
	tells p write "$F" 300
	tells p map m "$F" 300 shared
	tells p touch m
	tells p write "$T" 300
	rmdir "$C"
	mkdir "$C"
	is_zero() {
		local name

		for name in num_tasks num_files num_anon_pages num_file_pages \
			    num_mapped_pages num_active_pages rss_usage; do
			assert_equal "$name $(attr $name)" "$name 0"
		done
		assert_equal "$(attr mappings)" ''
		wait_until 20 audit_agrees
	}
	is_zero

	# neither when it is used, nor when it is freed
	tells p check a
	tells p check b
	tells p check s
	tells p unmap a 100
	tells p unmap b 700
	tells p unmap m
	drain
	is_zero
	tells p unmap a
	tells p unmap b
	tells p unmap s
	rm "$F" "$T"
	let_go p
	drain
	is_zero
}

@test "what a removed container has left is charged to who takes it over" {
	hold_start p "$C"
	tells p anon a 500
	tells p touch a
	tells p thp b 1024
	tells p touch b
	tells p shm s 300
	tells p touch s
	tells p write "$F" 300
	tells p map m "$F" 300 shared
	tells p touch m
	tells p write "$T" 300
	rmdir "$C"
	mkdir "$C"
	set_attr addtask "$p"
	assert_equal "$(attr num_file_pages) $(attr num_mapped_pages)" '300 300'
	set_attr addfile "$F"
	set_attr addfile "$T"
	assert_equal "$(attr num_file_pages) $(attr num_mapped_pages)" '900 600'
	assert_equal "$(attr num_files)" 2
	tells p unmap m
	assert_equal "$(attr num_file_pages) $(attr num_mapped_pages)" '900 300'
	drain_batches
	assert_equal "anon $(attr num_anon_pages)" \
		"anon $(seen anon "$(tell p count)")"
	wait_until 20 audit_agrees
}

@test "rmdir of a container that has memory in a file with others leaves theirs" {
	mkdir "$C-to"
	truncate -s 2400K "$T"
	hold_start p "$C"
	hold_start q "$C-to"
	tells p map t "$T" 600 shared
	tells q map t "$T" 600 shared
	tells p touch t 200
	tells q touch t
	rmdir "$C"
	mkdir "$C"
	assert_equal "$(attr num_file_pages) $(attr num_file_pages "$C-to")" '0 400'
	assert_equal "$(attr mappings)" ''
	wait_until 20 audit_agrees
	tells q check t
	# who joins brings what is nobody's, and that alone
	set_attr addtask "$p"
	assert_equal "$(attr num_file_pages) $(attr num_file_pages "$C-to")" '200 400'
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
	exec {r}<"$C-x/tasks" {w}>"$C-x/page_limit" {a}>"$C-x/addtask" {i}<"$C-x/id" \
		{m}<"$C-x/mappings"
	timeout 30 rmdir "$C-x"
	for name in $r $i $m; do
		run cat <&"$name"
		assert_failure
		assert_output --partial 'No such file or directory'
	done
	for name in $w $a; do
		run bash -c "echo $$ >&$name"
		assert_failure
		assert_output --regexp '(No such file|I/O error)'
	done
	exec {r}<&- {w}>&- {a}>&- {i}<&- {m}<&-
}

@test "whoever has read half of mappings gets ENOENT for the rest" {
	local m

	mkdir "$C-x" "$T"
	hold_start p "$C-x"
	tells p files "$T" 1000
	exec {m}<"$C-x/mappings"
	# what is left of a page has been made already
	assert [ "$(dd bs=1000 count=1 status=none <&$m | wc -l)" -gt 10 ]
	timeout 30 rmdir "$C-x"
	run cat <&$m
	assert_failure
	assert_output --regexp '^cat: [^ ]*: No such file or directory$'
	exec {m}<&-
	rm -r "$T"
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

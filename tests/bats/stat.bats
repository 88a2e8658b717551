#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# The files that have all numbers: stat in each container, and that of all of them.
#
# vm: --mem 512M --smp 2

load common

setup_file() { common_setup_file; }
setup() { common_setup; }

teardown() {
	chmod 400 "$ROOT/stat"
	common_teardown
}

# A container with something in it, and no two limits alike
in_use() {
	hold_start p "$C"
	tells p anon a 300
	tells p touch a
	tells p shm m 40
	tells p touch m
	drain_batches
	set_attr page_limit 50000
	set_attr rss_limit 40000
	set_attr task_limit 30
}

# What the line of a container says below a heading
column() {
	NAME=$1 COLUMN=$2 awk '
		NR == 1 { for (i = 1; i <= NF; i++) if ($i == ENVIRON["COLUMN"]) at = i }
		NR > 1 && $2 == ENVIRON["NAME"] { print $at }' "$ROOT/stat"
}

@test "stat has each number that has a file" {
	local name nr=0

	in_use
	for name in "$C"/*; do
		name=${name##*/}
		[ -r "$C/$name" ] || continue
		grep -Eqx '[0-9]+|max' "$C/$name" || continue
		[ "$name" != tasks ] || continue
		assert_equal "$name $(stat_of "$name")" "$name $(attr "$name")"
		nr=$((nr + 1))
	done
	assert_equal "$nr" 20
	assert_equal "$(stat_of task_limit)" 30
	assert_equal "$(stat_of charge_failures)" "$(attr rss_failcnt)"
}

@test "each line of stat is a name and a number" {
	run grep -Evc '^[a-z_]+ ([0-9]+|max)$' "$C/stat"
	assert_output 0
	assert_equal "$(cut -d' ' -f1 "$C/stat" | sort | uniq -d)" ''
}

@test "the stat of all has a line for each, with what its own has" {
	local name value nr=0

	in_use
	mkdir "$ROOT/another"
	assert_equal "$(wc -l <"$ROOT/stat")" 3
	assert_equal "$(head -n 1 "$ROOT/stat" | cut -d' ' -f1-3)" 'id name num_tasks'
	while read -r name value; do
		assert_equal "$name $(column "${C##*/}" "$name")" "$name $value"
		nr=$((nr + 1))
	done <"$C/stat"
	assert_equal "$nr" "$(($(head -n 1 "$ROOT/stat" | wc -w) - 1))"
	assert_equal "$(column another num_tasks)" 0
	assert_equal "$(column another page_limit)" max
}

@test "a name in it is one word" {
	mkdir "$ROOT/a b"$'\n''\c'
	assert_equal "$(column 'a\040b\012\134c' id)" "$(<"$ROOT/a b"$'\n''\c/id')"
	assert_equal "$(awk '{ print NF }' "$ROOT/stat" | sort -u | wc -l)" 1
}

@test "it is for who may see all directories" {
	assert_equal "$(stat -c %a "$ROOT/stat")" 400
	run as 1000 cat "$ROOT/stat"
	assert_failure
	assert_output --partial 'Permission denied'
	# an administrator may think otherwise
	chmod 444 "$ROOT/stat"
	run as 1000 cat "$ROOT/stat"
	assert_success
	run sh -c "echo 1 >$ROOT/stat"
	assert_failure
}

@test "it is whole, however many there are, and in the order of their ids" {
	local i

	for i in {1..200}; do
		mkdir "$ROOT/many-$i"
	done
	assert_equal "$(wc -l <"$ROOT/stat")" 202
	assert_equal "$(awk '{ print NF }' "$ROOT/stat" | sort -u | wc -l)" 1
	assert_equal "$(tail -n +2 "$ROOT/stat" | cut -d' ' -f1)" \
		"$(cat "$ROOT"/*/id | sort -n)"
}

@test "one who is in the middle of it keeps nobody from making and removing" {
	local fd i

	for i in {1..200}; do
		mkdir "$ROOT/many-$i"
	done
	exec {fd}<"$ROOT/stat"
	head -c 100 <&"$fd" >"$BATS_TEST_TMPDIR/begin"
	for i in {1..200}; do
		timeout 20 rmdir "$ROOT/many-$i"
	done
	timeout 20 mkdir "$ROOT/new"
	wait_until 20 freed_but 2
	# what is left are those that there are now; a page may have been read before
	timeout 20 cat <&"$fd" >"$BATS_TEST_TMPDIR/rest"
	exec {fd}<&-
	assert [ "$(wc -l <"$BATS_TEST_TMPDIR/rest")" -lt 100 ]
}

# So many containers have their memory still.
freed_but() {
	local lines

	mapfile -t lines <"$AUDIT"
	[ "${lines[-2]}" = "allocated $1" ]
}

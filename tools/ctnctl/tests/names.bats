#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC1003,SC2154
#
# Names of containers as they are printed, and as they are typed.

load helper

# What could be taken for something else.
names=('a b' $'tab\there' $'new\nline' $'\e[31m' $'\xff\xfe' 'back\slash' 'a\x5c'
	$'\u202eleft' $'no\u00a0break' $'\u0301accent' 'čárka' '\')

@test "every command takes a name as it is printed" {
	for name in "${names[@]}"; do
		container "$name" beancounters="resource held"
		for shown in "$(ctnctl list -no NAME | sed 's/ *$//')" "$(ctnctl list -rno NAME)"; do
			while read -r words; do
				# shellcheck disable=SC2086
				run --separate-stderr ctnctl $words "$shown"
				assert_success
			done <<-'END'
				list
				show
				ps
				path
				save
				beancounters
				top -bn1
				check
				show --tasks
			END
			run --separate-stderr ctnctl set "$shown" page_limit=77
			assert_success
			assert_equal "$(<"$tree/$name/page_limit")" 77
			echo max >"$tree/$name/page_limit"
			run ctnctl add-task "$shown" 12
			assert_success
			assert_equal "$(<"$tree/$name/addtask")" 12
			run ctnctl shrink "$shown" 3p
			assert_success
			run ctnctl kill -s TERM "$shown"
			assert_success
			run ctnctl trim --once --below 80% "$shown"
			assert_success
			run ctnctl run "$shown" true
			assert_success
			assert_equal "$(find "$tree" -mindepth 1 -maxdepth 1 -type d -printf x)" x
		done
		rm -r "${tree:?}/$name"
		mkdir "$tree/$name"
		run ctnctl delete "$shown"
		assert_success
		assert [ ! -e "$tree/$name" ]
	done
}

@test "what which prints can be typed" {
	container 'a\x20b'
	echo $$ >"$tree/a\\x20b/tasks"
	container 'a b'
	run ctnctl which $$
	assert_output 'a\x5cx20b'
	run ctnctl show -no VALUE "$output" tasks
	assert_output "$$"
}

@test "a name that is there as it was typed is meant" {
	container 'a\x20b' page_limit=1
	run ctnctl set 'a\x20b' page_limit=2
	assert_success
	assert_equal "$(<"$tree/a\\x20b/page_limit")" 2
}

@test "a name that is there, and stands for another as well, is refused" {
	container 'a\x20b' page_limit=1
	container 'a b' page_limit=1
	for words in 'show' 'delete' 'set --page-limit 8p' 'kill' 'list web' 'top -b'; do
		# shellcheck disable=SC2086
		run ctnctl $words 'a\x20b'
		assert_refused 'a\x5cx20b: a container has this name, and another is printed like it; with --exact names are as they are typed'
	done
	# each of them can be had
	for name in 'a b' 'a\x5cx20b'; do
		run ctnctl set "$name" page_limit=2
		assert_success
	done
	assert_equal "$(<"$tree/a b/page_limit") $(<"$tree/a\\x20b/page_limit")" '2 2'
	run ctnctl --exact set 'a\x20b' page_limit=3
	assert_success
	assert_equal "$(<"$tree/a b/page_limit") $(<"$tree/a\\x20b/page_limit")" '2 3'
}

@test "with --exact a name has no escapes" {
	container 'a b'
	run ctnctl --exact list 'a\x20b'
	assert_refused "$tree/a\\x5cx20b: No such container"
}

@test "a new container is called as it was typed" {
	run ctnctl create 'a\x20b'
	assert_success
	assert [ -d "$tree/a\\x20b" ]
}

@test "a table has no character that turns the text around" {
	container $'a\u202eb'
	run ctnctl list -no NAME
	assert_output 'a\xe2\x80\xaeb'
	run ctnctl show -no VALUE $'a\u202eb' page_limit
	assert_output max
}

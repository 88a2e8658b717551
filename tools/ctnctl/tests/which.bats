#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2154
#
# which: the container of a process, or of a file, by lists. What the kernel says of a
# process is in tests/bats.

load helper

# file_line PATH: as it is in mappings
file_line() {
	printf '%s %d:%d %s /%s\n' "${2:-1}" $(("0x$(stat -c %D "$1")" >> 8)) \
		$(("0x$(stat -c %D "$1")" & 255)) "$(stat -c %i "$1")" "${1##*/}"
}

@test "a process is in the container that lists it" {
	[ ! -e /proc/self/container ] || skip "this kernel says it itself"
	container web
	container db
	echo $$ >"$tree/db/tasks"
	run ctnctl which $$
	assert_success
	assert_output db
	run --separate-stderr ctnctl which 1
	assert_failure 1
	assert_output ''
	assert_equal "$stderr" 'ctnctl: 1: it is in no container'
}

@test "one that is not there is said to be so" {
	for pid in 0 4194304 99999999999999999999; do
		run ctnctl which $pid
		assert_refused "$pid: No such process"
	done
}

@test "a file is its owner's, and all are printed that have memory in it" {
	echo x >file
	echo x >other
	container web
	container db
	container app
	file_line "$PWD/file" >"$tree/web/mappings"
	file_line "$PWD/file" >"$tree/db/mappings"
	file_line "$PWD/other" >"$tree/app/mappings"
	run ctnctl which file
	assert_success
	assert_equal "$(sort <<<"$output" | xargs)" 'db web'
	run ctnctl which ./other "$PWD/other"
	assert_success
	assert_output "./other: app
$PWD/other: app"
	run ctnctl which file ./other
	assert_equal "$(sort <<<"$output")" $'./other: app\nfile: db\nfile: web'
	ln -s other link
	run ctnctl which link
	assert_output app
}

@test "what is in none, is not there, or is no regular file is said to be so" {
	echo x >file
	echo x >./1
	container web
	run ctnctl which file ./1 missing /etc /dev/null ''
	assert_failure 1
	assert_output "\
ctnctl: file: it is in no container
ctnctl: ./1: it is in no container
ctnctl: missing: No such file or directory
ctnctl: /etc: it is no regular file
ctnctl: /dev/null: it is no regular file
ctnctl: : No such file or directory"
	run ctnctl which
	assert_wrong_usage
}

@test "where not all lists may be read, that is said" {
	echo x >file
	container web
	rm "$tree/web/mappings"
	mkdir "$tree/web/mappings"
	run ctnctl which file
	assert_refused 'file: it is in none of the containers whose files this user may list'
}

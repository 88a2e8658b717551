#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2154
#
# add-task, rm-task, add-file and rm-file.

load helper

@test "tasks are written to addtask and rmtask" {
	container web
	run ctnctl add-task web 123
	assert_success
	run ctnctl rm-task web 456
	assert_success
	run cat "$tree/web/addtask" "$tree/web/rmtask"
	assert_output 123456
}

@test "a pid that is refused is named, and the next is tried" {
	container web
	picky "$tree/web/addtask"
	run ctnctl add-task web one two
	assert_failure 1
	assert_line --index 0 "ctnctl: $tree/web/addtask: \"one\": Invalid argument (want the number of a process that is no kernel thread)"
	assert_line --index 1 "ctnctl: $tree/web/addtask: \"two\": Invalid argument (want the number of a process that is no kernel thread)"
}

@test "an absolute path is written as it is" {
	container web
	run ctnctl add-file web '/srv/a b'
	assert_success
	run cat "$tree/web/addfile"
	assert_output '/srv/a b'
}

@test "a relative path is written as it is, for the kernel to look up from here" {
	container web
	ln -s /etc "$BATS_TEST_TMPDIR/link"
	cd "$BATS_TEST_TMPDIR"
	run ctnctl rm-file web link/hostname
	assert_success
	run cat "$tree/web/rmfile"
	assert_output link/hostname
}

@test "a newline that a name ends in is not taken for echo's" {
	container web
	run ctnctl add-file web $'/srv/file\n'
	assert_success
	run cat -A "$tree/web/addfile"
	assert_output $'/srv/file$\n$'
}

@test "an empty path is refused" {
	container web
	run ctnctl add-file web ''
	assert_refused '"": No such file or directory'
}

@test "a path of 4095 bytes is written, a longer one refused" {
	container web
	path=/$(printf '%04094d' 0)
	run ctnctl add-file web "$path"
	assert_success
	run cat "$tree/web/addfile"
	assert_output "$path"
	run ctnctl add-file web "${path}0"
	assert_refused "$tree/web/addfile: \"${path}0\": File name too long"
}

@test "a file is found however deep the directory is" {
	local name

	container web
	cd "$BATS_TEST_TMPDIR"
	name=$(printf '%0200d' 0)
	for _ in {1..25}; do
		mkdir "$name"
		cd "$name"
	done
	run ctnctl add-file web "$name"
	assert_success
	assert_equal "$(<"$tree/web/addfile")" "$name"
	cd "$BATS_TEST_TMPDIR"
	rm -r "$name"
}

@test "a path that starts with a dash can follow two dashes" {
	container web
	cd "$BATS_TEST_TMPDIR"
	run ctnctl add-file -- web -x
	assert_success
	run cat "$tree/web/addfile"
	assert_output -- -x
}

@test "a container that is not there is refused once" {
	run ctnctl add-task web 1 2 3
	assert_refused "$tree/web: No such container"
}

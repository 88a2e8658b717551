#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2154
#
# create and delete.

load helper

@test "create makes a directory for each name" {
	run ctnctl create web db
	assert_success
	assert_output ''
	assert [ -d "$tree/web" ]
	assert [ -d "$tree/db" ]
}

@test "create refuses a name that is taken, and goes on" {
	container web
	run ctnctl create web db
	assert_refused "$tree/web: File exists"
	assert [ -d "$tree/db" ]
}

@test "a container that cannot get its limits is not left behind" {
	run ctnctl create --page-limit 64M web
	assert_refused "$tree/web/page_limit: \"64M\": No such attribute (this kernel lacks it)"
	assert [ ! -e "$tree/web" ]
}

@test "a container on a kernel without hard limits does not get one" {
	run ctnctl create --rss-limit 64M web
	assert_refused "$tree/web/rss_limit: \"64M\": No such attribute (this kernel lacks it)"
	assert [ ! -e "$tree/web" ]
}

@test "names that no directory can have are refused in one line" {
	for name in '' . .. a/b /etc web/; do
		for command in create delete; do
			run ctnctl "$command" "$name"
			assert_refused "$tree: \"$name\": Invalid argument (want a name other than \".\" and \"..\", without \"/\")"
		done
		run ctnctl run "$name" true
		assert_failure 1
	done
}

@test "a name of 255 bytes is taken, one of 256 refused" {
	name=$(printf '%0255d' 0)
	run ctnctl create "$name"
	assert_success
	assert [ -d "$tree/$name" ]
	run ctnctl create "0$name"
	assert_refused "$tree: \"0$name\": File name too long (want at most 255 bytes)"
}

@test "a newline in a name does not break the line of a refusal" {
	run ctnctl delete $'two\nlines'
	assert_refused "$tree/two\\x0alines: No such container"
}

@test "an escape sequence in a name does not reach the terminal" {
	run ctnctl delete $'\e[31mred'
	assert_refused "$tree/\\x1b[31mred: No such container"
}

@test "names in other scripts are printed as they are" {
	run ctnctl delete 'čárka'
	assert_refused "$tree/čárka: No such container"
}

@test "delete removes each container" {
	mkdir "$tree/web" "$tree/db"
	run ctnctl delete web db
	assert_success
	assert [ ! -e "$tree/web" ]
	assert [ ! -e "$tree/db" ]
}

@test "delete refuses a container that is not there, and goes on" {
	mkdir "$tree/db"
	run ctnctl delete web db
	assert_refused "$tree/web: No such container"
	assert [ ! -e "$tree/db" ]
}

@test "delete refuses a file of the tree" {
	run ctnctl delete description
	assert_refused "$tree/description: Not a container"
	assert [ -e "$tree/description" ]
}

@test "create that is refused leaves alone who has taken the name meanwhile" {
	like_the_kernel
	replaces over_limit web
	with_kernel run ctnctl create --page-limit 64M --over-limit reclaim --oom task web
	assert_refused "$tree/web: No such container"
	assert_equal "$(<"$tree/web/page_limit") $(<"$tree/web/oom")" 'max task'
	assert [ -e "$tree/web/num_tasks" ]
}

#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2154
#
# The command line itself: help, wrong usage, and finding the tree.

load helper

commands=(create delete list show set add-task rm-task add-file rm-file shrink
	watch trim run path apply save metrics top check beancounters)

@test "help names every command" {
	run ctnctl --help
	assert_success
	for command in "${commands[@]}"; do
		assert_line --regexp "^  $command +[a-z]"
	done
}

@test "every command has help that goes to standard output" {
	for command in "${commands[@]}"; do
		for option in -h --help; do
			run --separate-stderr ctnctl "$command" "$option"
			assert_success
			assert_line --index 0 --partial "Usage: ctnctl $command "
			assert_equal "$stderr" ""
		done
	done
}

@test "the help of every command names each of its options" {
	for command in "${commands[@]}"; do
		# An abbreviation of all options makes getopt list them. One that
		# is not ambiguous must not get far.
		possible=$(for letter in {a..z}; do
				ctnctl -c /nonexistent "$command" "--$letter" 2>&1 |
					grep -oE -- "'?--[a-z-]+" | tr -d "'" |
					grep -vx -- "--$letter" || true
			done)
		run ctnctl "$command" --help
		for option in $possible; do
			assert_output --partial -- "$option"
		done
		case $command in
		create | set | run)
			assert_output --partial -- --page-limit
			assert_output --partial -- --task-limit
			assert_output --partial -- --over-limit
			assert_output --partial -- --rss-limit
			assert_output --partial -- --oom
			;;
		list | show)
			for option in --bytes --json --noheadings --output --raw; do
				assert_output --partial -- "$option"
			done
			;;
		esac
	done
}

@test "help lines fit a terminal of 80 columns" {
	for command in "" "${commands[@]}"; do
		# shellcheck disable=SC2086
		run ctnctl $command --help
		refute_line --regexp '^.{80}'
	done
}

@test "the version is printed" {
	run ctnctl --version
	assert_success
	assert_output --regexp '^ctnctl [0-9]+\.[0-9]+\.[0-9]+$'
}

@test "no command is wrong usage" {
	run ctnctl
	assert_wrong_usage
}

@test "help is what --help prints" {
	local command

	run ctnctl help
	assert_output "$(ctnctl --help)"
	run ctnctl help --help
	assert_output "$(ctnctl --help)"
	for command in list show run delete path; do
		run ctnctl help "$command"
		assert_success
		assert_output "$(ctnctl "$command" --help)"
	done
	run ctnctl help list show
	assert_wrong_usage
	run ctnctl help nope
	assert_wrong_usage
}

@test "a command that is nearly right is told, and those of other tools are taken" {
	while read -r typed meant; do
		run ctnctl "$typed"
		assert_wrong_usage
		assert_line --index 0 "ctnctl: unknown command: $typed; did you mean $meant?"
	done <<-'END'
		lst list
		creat create
		add-tasks add-task
		wacth watch
		rmtask rm-task
		helo help
		hel help
		hlep help
	END
	for typed in xy q rmm watchwatchwatchwatchwatch; do
		run ctnctl "$typed"
		assert_line --index 0 "ctnctl: unknown command: $typed"
	done
	run ctnctl mk web
	assert_success
	run ctnctl ls -rno NAME
	assert_output web
	run ctnctl rm web
	assert_success
	assert [ ! -e "$tree/web" ]
}

@test "path says where a container is" {
	container web
	run ctnctl path web
	assert_output "$tree/web"
	run ctnctl path
	assert_output "$tree"
	run ctnctl path nope
	assert_refused "$tree/nope: No such container"
	run ctnctl path web db
	assert_wrong_usage
}

@test "what is opened is not taken for an output that is closed" {
	container web
	# shellcheck disable=SC2016
	for command in watch 'trim -v --below 1M'; do
		run timeout 5 bash -c '"$CTNCTL" '"$command"' >&-'
		assert_failure 1
		assert_output --partial 'standard output'
	done
	run ctnctl -c '' list
	assert_wrong_usage
}

@test "an unknown command is wrong usage" {
	run ctnctl frobnicate
	assert_wrong_usage
	assert_output --partial frobnicate
}

@test "an unknown option is wrong usage, before and after the command" {
	run ctnctl --frobnicate list
	assert_wrong_usage
	for command in "${commands[@]}"; do
		run ctnctl "$command" --frobnicate
		assert_wrong_usage
		assert_output --partial "ctnctl: $command: "
		assert_output --partial "Try 'ctnctl $command --help'"
	done
}

@test "an option without its argument is wrong usage" {
	run ctnctl --config
	assert_wrong_usage
	run ctnctl create web --page-limit
	assert_wrong_usage
	run ctnctl list -o
	assert_wrong_usage
}

@test "missing operands are wrong usage" {
	container web
	for words in create delete show set 'set web' add-task 'add-task web' \
		rm-task 'rm-task web' add-file 'add-file web' rm-file \
		'rm-file web' run 'run web' 'run web --'; do
		# shellcheck disable=SC2086
		run ctnctl $words
		assert_wrong_usage
	done
}

@test "wrong usage changes nothing" {
	run ctnctl create web --frobnicate
	assert_wrong_usage
	assert [ ! -e "$tree/web" ]
	run ctnctl run web
	assert_wrong_usage
	assert [ ! -e "$tree/web" ]
}

@test "config names the mount of configfs, and goes before the environment" {
	container web
	config=$CTN_CONFIG
	CTN_CONFIG=/nonexistent run ctnctl --config "$config" list -no NAME
	assert_success
	assert_output web
}

@test "a mount that does not exist is refused" {
	run ctnctl --config /nonexistent list
	assert_refused '/nonexistent: No such file or directory'
}

@test "a kernel without containers is called that" {
	rmdir_me=$BATS_TEST_TMPDIR/empty
	mkdir "$rmdir_me"
	run ctnctl --config "$rmdir_me" list
	assert_refused "this kernel has no containers (no $rmdir_me/containers; it needs CONFIG_CONTAINERS)"
}

@test "without configfs the way to mount it is printed" {
	if grep -q ' - configfs ' /proc/self/mountinfo; then
		skip "configfs is mounted here"
	fi
	unset CTN_CONFIG
	for words in 'create web' list 'run web true'; do
		# shellcheck disable=SC2086
		run ctnctl $words
		assert_refused 'configfs is not mounted; mount it with: modprobe configfs; mount -t configfs none /sys/kernel/config'
	done
}

@test "an output that cannot be written is refused" {
	container web
	for words in list 'show web' --help 'list --json'; do
		# shellcheck disable=SC2086
		run bash -c '"$CTNCTL" '"$words"' >/dev/full'
		assert_refused 'standard output: No space left on device'
	done
}

@test "what is wrong with the usage is said in one line that can be printed" {
	while IFS=' ' read -r message arguments; do
		eval "run ctnctl $arguments"
		assert_wrong_usage
		assert_line --index 0 "ctnctl: ${message//_/ }"
	done <<-'END'
		unknown_command:_a\x0ab $'a\nb'
		unknown_command:_a__b\x5c 'a  b\'
		unrecognized_option_'--a\x0a\x1b' $'--a\n\e'
		invalid_option_--_'\x01' $'-\x01'
		show:_unrecognized_option_'--\xff' show $'--\xff'
		trim:_want_a_number_of_seconds,_not:_1\x0a2 trim --below 1p --interval $'1\n2'
	END
	container web
	run -127 ctnctl run web -- $'no\nprogram'
	assert_output 'ctnctl: no\x0aprogram: No such file or directory'
}

@test "whatever is sorted is sorted by one rule, in one wording" {
	local rule='numbers from the largest, text from its beginning; with + before the name the smallest first, with - the largest'

	for command in list show ps beancounters top; do
		run ctnctl "$command" --help
		assert_success
		output=$(tr -s ' \n' ' ' <<<"$output")
		assert_output --partial "$rule"
	done
	container web num_tasks=1 num_file_pages=5
	container db num_tasks=3 num_file_pages=5
	for sort in tasks +tasks -tasks name +name -name; do
		run ctnctl list -rno NAME --sort "$sort"
		list=$output
		run bash -c '"$CTNCTL" top -b -n 1 -s "$1" | sed -nE "s/^(web|db) .*/\1/p"' - "$sort"
		assert_equal "$sort $output" "$sort $list"
	done
}

# use_locale LOCALE CHARSET: one that need not be installed.
use_locale() {
	[ -e "/usr/share/i18n/locales/$1" ] || skip 'the package locales is not installed'
	mkdir locales
	localedef -i "$1" -f "$2" "locales/$1"
	export LC_ALL=$1 LOCPATH=$PWD/locales
}

@test "what is typed, and the keys of JSON, do not depend on the language" {
	container web page_limit=7
	use_locale tr_TR ISO-8859-9
	# there the small letter of I is none of ASCII
	run ctnctl list -rno id,limit,tasks
	assert_success
	assert_output "1 $((7 * pagesize / 1024))K 0"
	ctnctl list --json -o ID,LIMIT >json
	assert_equal "$(jq -c '.containers[0] | keys' json)" '["id","page_limit","page_limit_bytes"]'
	run ctnctl kill -s int web
	assert_success
	assert_equal "$(<"$tree/web/kill")" 2
	run ctnctl top -bn 1 -s limit web
	assert_success
	ctnctl complete kill -s i >words
	run tr '\0' , <words
	assert_output --partial ',INT,'
}

@test "numbers are written with a point in any language" {
	container web
	use_locale de_DE UTF-8
	run ctnctl stop -t 0.1 web
	assert_success
}

@test "a man page that cannot be made is no page" {
	mkdir bin
	printf '%s\n' '#!/bin/sh' 'echo half a page' 'exit 3' >bin/rst2man
	chmod +x bin/rst2man
	echo >manual.rst
	PATH=$PWD/bin:$PATH run "$CTNCTL_SOURCE/man/manual" manual.rst name what 1 2026-01-01
	assert_failure 3
}

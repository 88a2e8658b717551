#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2016,SC2030,SC2031,SC2154
#
# What bash completes.

load helper

# complete WORD...: what it offers for the last one, in $output, sorted.
complete_words() {
	# shellcheck source=/dev/null
	source "$CTNCTL_SOURCE/completion/ctnctl"
	COMP_WORDS=(ctnctl "$@")
	COMP_CWORD=$#
	_ctnctl
	output=$(printf '%s\n' "${COMPREPLY[@]}" | sort | paste -sd' ')
}

@test "every command of the help is completed" {
	complete_words ''
	assert_equal "$output" "$({
		ctnctl --help | sed -n '/^Commands/,/^$/s/^  \([a-z-]*\) .*/\1/p'
		printf '%s\n' ls mk rm
	} | sort | paste -sd' ')"
	complete_words wa
	assert_output watch
}

@test "the options of a command are completed" {
	complete_words watch --j
	assert_output --json
	complete_words create --rss
	assert_output --rss-limit
}

@test "a container is completed" {
	container web
	container db
	for command in delete list show set add-task shrink watch trim run save; do
		complete_words "$command" ''
		assert_output 'db web'
	done
}

@test "a second container is completed where there may be one" {
	container web
	container db
	for command in delete list watch trim save top check; do
		complete_words "$command" db w
		assert_output web
	done
	complete_words shrink db w
	assert_output ''
}

@test "what apply takes is a file" {
	container web
	cd "$BATS_TEST_TMPDIR"
	touch one.conf two.conf
	complete_words apply -n one.conf tw
	assert_output two.conf
	complete_words apply w
	assert_output ''
	complete_words apply --pr
	assert_output --prune
}

@test "the argument of an option is taken for no container" {
	container web
	for option in --page-limit --rss-limit --oom; do
		complete_words run "$option" 1 ''
		assert_output web
	done
	for option in --below --interval; do
		complete_words trim "$option" 1 ''
		assert_output web
	done
}

@test "names of containers and of signals come where they are wanted" {
	container web
	for words in 'ps' 'kill' 'stop' 'kill -s TERM' 'stop -t 3' 'stop --time = 3' 'show --tree' \
		'run --rm --kill --summary' 'run --summary = json'; do
		# shellcheck disable=SC2086
		complete_words $words ''
		assert_output web
	done
	complete_words kill -s te
	assert_output TERM
	complete_words stop --signal = us
	assert_output 'USR1 USR2'
	complete_words run --summary =
	assert_output json
	: >"$BATS_TEST_TMPDIR/here"
	complete_words which he
	assert_output here
}

@test "what follows an option without an argument is taken for a container" {
	container web
	complete_words show -b web 'page_'
	assert_output 'page_limit page_limit_hits'
	complete_words set -d ''
	assert_output 'default_page_limit= default_task_limit='
}

@test "what an option takes is completed, and nothing else in its place" {
	container web
	complete_words list -o n
	assert_output NAME
	complete_words list -o name,rss-
	assert_output 'name,RSS-HITS name,RSS-LIMIT name,RSS-PEAK name,RSS-RECLAIMED'
	for words in 'list -s -us' 'ls -s -us' 'list --sort -us'; do
		# shellcheck disable=SC2086
		complete_words $words
		assert_output '-USAGE -USAGE-PEAK -USE%'
	done
	complete_words top -s -us
	assert_output '-USAGE -USE%'
	complete_words show --sort attribute,-v
	assert_output 'attribute,-VALUE'
	complete_words show -s we
	assert_output web
	complete_words create --oom ''
	assert_output 'container task'
	complete_words set web --over-limit d
	assert_output deactivate
	for option in --below --interval; do
		complete_words trim "$option" ''
		assert_output ''
	done
	# as readline breaks it
	complete_words create --oom = t
	assert_output task
	complete_words list --output = nam
	assert_output NAME
	complete_words run --page-limit = 64M we
	assert_output web
	complete_words list -rno nam
	assert_output NAME
	complete_words show -t -o ''
	assert_output 'ARGS COMMAND PID PSS RSS STATE SWAP TID USER'
	complete_words show -o a
	assert_output ATTRIBUTE
	mkdir -p "$BATS_TEST_TMPDIR/dirs/one"
	complete_words -c "$BATS_TEST_TMPDIR/dirs/"
	assert_output "$BATS_TEST_TMPDIR/dirs/one"
}

@test "what the options of top take is taken for no container" {
	container web
	complete_words top -b -n 1 -d 2 we
	assert_output web
	complete_words top web we
	assert_output web
	for option in -n -d --count --delay; do
		complete_words top "$option" ''
		assert_output ''
	done
	complete_words list -n we
	assert_output web
	complete_words top -s refl
	assert_output REFLT/s
}

@test "the program of watch is completed, and then its files" {
	container web
	: >"$BATS_TEST_TMPDIR/some-file"
	for option in -x --exec; do
		complete_words watch "$option" pwd
		assert_output --partial pwd
		complete_words watch "$option" pwd we
		assert_output web
	done
	complete_words watch --exec cat -- "$BATS_TEST_TMPDIR/some-"
	assert_output "$BATS_TEST_TMPDIR/some-file"
}

@test "the file of metrics is completed, and no container" {
	container web
	: >"$BATS_TEST_TMPDIR/some.prom"
	complete_words metrics ''
	assert_output ''
	for option in -o --output; do
		complete_words metrics "$option" "$BATS_TEST_TMPDIR/so"
		assert_output "$BATS_TEST_TMPDIR/some.prom"
	done
}

@test "a program is completed, and then its files" {
	container web
	: >"$BATS_TEST_TMPDIR/some-file"
	for words in 'run web' 'run web --' 'run --page-limit 1M web --'; do
		# shellcheck disable=SC2086
		complete_words $words pwd
		assert_output --partial pwd
		# shellcheck disable=SC2086
		complete_words $words cat "$BATS_TEST_TMPDIR/some-"
		assert_output "$BATS_TEST_TMPDIR/some-file"
	done
	complete_words help wat
	assert_output watch
	# run is no shell
	for word in 'if' 'then' alias; do
		complete_words run web "$word"
		[[ " $output " != *" $word "* ]] || fail "$word is offered"
	done
	complete_words run web "$BATS_TEST_TMPDIR/some-"
	assert_output "$BATS_TEST_TMPDIR/some-file"
}

@test "options come from where they are listed, and names from the tree that is asked" {
	complete_words --p
	assert_output ''
	complete_words watch --u
	assert_output ''
	container web
	mkdir -p "$BATS_TEST_TMPDIR/other/containers/elsewhere"
	for words in "-c $BATS_TEST_TMPDIR/other" "--config = $BATS_TEST_TMPDIR/other"; do
		# shellcheck disable=SC2086
		complete_words $words list ''
		assert_output elsewhere
	done
	for words in 'rm web' 'ls web'; do
		# shellcheck disable=SC2086
		complete_words $words w
		assert_output web
	done
}

# evaluate [BEFORE AFTER]: what the shell makes of what is offered, in $words.
evaluate() {
	local offered

	words=()
	for offered in "${COMPREPLY[@]}"; do
		eval "words+=(${1-}$offered${2-})"
	done
}

@test "a name is never evaluated, and is offered as the shell takes it" {
	names=('!h' '#c' '$(touch${IFS}made)' '*' '`touch${IFS}made`' 'a  b'
		'a\x41' 'a"b' 'a:b=c@d' "it's" $'new\nline\n' $'\377' 'čárka'
		'{a,b}' '~root')
	for name in "${names[@]}"; do
		container "$name"
	done
	cd "$BATS_TEST_TMPDIR"
	complete_words show ''
	assert [ ! -e made ]
	evaluate
	assert [ ! -e made ]
	mapfile -td '' words < <(printf '%s\0' "${words[@]}" | sort -z)
	mapfile -td '' names < <(printf '%s\0' "${names[@]}" | sort -z)
	assert_equal "${words[*]@Q}" "${names[*]@Q}"
}

@test "a part of a name is completed, however it is quoted" {
	name='a "$b" `c` '\''d'\'' !\:e'
	container "$name"
	for part in 'a\ ' 'a\ \"' "a' '" 'a" "' "'a '" 'a" \"$b"'; do
		complete_words show "$part"
		evaluate
		assert_equal "${words[*]}" "$name"
	done
	complete_words show b
	assert_output ''
}

@test "after a quote that is open, the rest of a name is offered" {
	name='a "$b" `c` '\''d'\'' !\:e'
	container "$name"
	container $'a \e[31m'
	for typed in "'" '"' "a'" 'a"' "a\\ '"; do
		complete_words show "$typed"
		evaluate "$typed" "${typed: -1}"
		assert_equal "${words[*]}" "$name"
	done
}

@test "attributes are completed, and then their values" {
	container web
	printf '%s\n' 'resource held maxheld minheld barrier limit failcnt' \
		'numproc 3 5 1 30 max 2' >"$tree/web/beancounters"
	complete_words show web rss_l
	assert_output rss_limit
	complete_words set web o
	assert_output 'oom= over_limit='
	complete_words set web num
	assert_output 'numproc='
	# as readline breaks it
	complete_words set web oom = c
	assert_output container
	complete_words set web page_limit =
	assert_output max
	complete_words set web numproc = 30 : m
	assert_output ''
	complete_words set --defaults default_page_limit = m
	assert_output max
}

@test "a name is completed as it is printed, too" {
	container 'a b'
	container 'a:b'
	complete_words show 'a\\x2'
	assert_output 'a\ b'
	complete_words show a : ''
	assert_output 'b'
}

@test "the tasks of a container are completed, whatever its name" {
	container 'a b'
	echo $$ >"$tree/a b/tasks"
	complete_words rm-task 'a\ b' ''
	assert_output "$$"
}

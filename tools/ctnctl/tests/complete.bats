#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2016,SC2034,SC2154
#
# ctnctl complete, which says what shells complete, and what zsh and fish make of it;
# bash is in completion.bats.

load helper

eval "$(declare -f setup | sed '1s/.*/set_up()/')"
setup() {
	set_up
	mkdir "$BATS_TEST_TMPDIR/bin"
	ln -s "$(realpath "$CTNCTL")" "$BATS_TEST_TMPDIR/bin/ctnctl"
	export PATH=$BATS_TEST_TMPDIR/bin:$PATH HOME=$BATS_TEST_TMPDIR
}

# complete WORD...: the kind and the words that there can be for the last one, and what
# they are if $HELP is set.
complete_words() {
	local words

	ctnctl complete "$@" >records || return
	mapfile -td '' words <records
	output=${words[0]}
	for ((i = 1; i < ${#words[@]}; i += 2)); do
		output+=" ${words[i]}${HELP:+ (${words[i + 1]})}"
	done
}

# in_zsh KEYS, in_fish LINE: what is in the line then, and what there is to choose from.
in_zsh() {
	hash zsh 2>/dev/null || skip 'there is no zsh here'
	run timeout 60 zsh -f "$CTNCTL_SOURCE/tests/zsh.zsh" "$CTNCTL_SOURCE/completion" "$1"
	assert_success
}

in_fish() {
	hash fish 2>/dev/null || skip 'there is no fish here'
	run fish --no-config -c 'source $argv[1]; complete -C $argv[2]' -- \
		"$CTNCTL_SOURCE/completion/ctnctl.fish" "$1"
	assert_success
}

@test "the help is what is completed" {
	# all commands, and the options of each
	complete_words ''
	commands=$output
	for name in $(ctnctl --help | sed -n '/^Commands/,/^$/s/^  \([a-z-]*\) .*/\1/p'); do
		[[ " $commands " == *" $name "* ]] || fail "$name is not completed"
		[[ $name != help ]] || continue
		complete_words "$name" --
		assert_equal "$output" " $(ctnctl "$name" --help |
			sed -nE 's/^ (-[A-Za-z], |    )(--[a-z-]+).*/\2/p' | paste -sd' ')"
	done
	complete_words --
	assert_equal "$output" ' --config --exact --help --version'
	HELP=1 complete_words shr
	assert_equal "$output" ' shrink (trim a container now)'
	HELP=1 complete_words run --summ
	assert_equal "$output" ' --summary (print on standard error what PROGRAM took)'
}

@test "what is to be completed is what the usage says" {
	container web
	container db
	while IFS='|' read -r words wanted; do
		# shellcheck disable=SC2086
		eval "complete_words $words"
		assert_equal "$words: $output" "$words: $wanted"
	done <<-'END'
		delete ''| db web
		delete db w| web
		shrink web ''|
		shrink --help w| web
		path web ''|
		create ''|
		apply ''|files
		add-file web ''|files
		which /et|files
		run w| web
		run web ''|programs
		run --rm web -- ''|programs
		run web cat ''|files
		run --page-limit m| max
		run --page-limit 64M w| web
		watch --exec ''|programs
		watch -x true w| web
		watch -x true web -- ''|files
		trim --below ''|
		trim --below 80% w| web
		metrics -o ''|files
		metrics ''|
		-c ''|directories
		--config=''|directories
		help which ''|
		show --tree web d| db
		show web page_limit_| page_limit_hits
		list -rno nam| NAME
		list -onam| -oNAME
		list --output=id,nam| --output=id,NAME
		show --tasks web -o ti| TID
		show --tasks -o tid,-co| tid,-COMMAND
		nosuch ''|
		kill --sig=hu| --sig=HUP
		kill -shu| -sHUP
	END
}

@test "nothing that is typed makes it fail" {
	container web
	words=('' - -- --= -c --config= --x=y -- $'\n' $'\xff' '\x' '\x00' '=' list show set run help complete web a=b page_limit=)
	for round in {1..200}; do
		typed=()
		for _ in $(seq $((RANDOM % 5 + 1))); do
			typed+=("${words[RANDOM % ${#words[@]}]}")
		done
		timeout 20 "$CTNCTL" complete "${typed[@]}" >records 2>errors ||
			fail "$round: ${typed[*]@Q}: $?"
		[[ ! -s errors ]] || fail "${typed[*]@Q}: $(<errors)"
	done
}

@test "zsh completes commands, options, names, columns and values" {
	container web
	container 'a b'
	container "q'\"x"
	while IFS='|' read -r keys wanted; do
		in_zsh "$keys"
		assert_output "$wanted"
	done <<-'END'
		ctnctl beanc^I|ctnctl beancounters 
		ctnctl list --s^I|ctnctl list --sort 
		ctnctl show w^I|ctnctl show web 
		ctnctl show a^I|ctnctl show a\ b 
		ctnctl show 'a^I|ctnctl show 'a b' 
		ctnctl show a\\x2^I|ctnctl show a\ b 
		ctnctl show q^I|ctnctl show q\'\"x 
		ctnctl set web oo^I|ctnctl set web oom=
		ctnctl set web oom=c^I|ctnctl set web oom=container 
		ctnctl list -o id,na^I|ctnctl list -o id,NAME 
		ctnctl create --oom=t^I|ctnctl create --oom=task 
		ctnctl -c /etc/defaul^I|ctnctl -c /etc/default/
		ctnctl metrics --output=/etc/hostn^I|ctnctl metrics --output=/etc/hostname 
		ctnctl run web bashbu^I|ctnctl run web bashbug 
	END
}

@test "fish completes commands, options, names, columns and values" {
	container web
	container 'a b'
	container $'n\nl\\q'
	while IFS='|' read -r line wanted; do
		in_fish "$line"
		wanted=${wanted//_/$'\t'}
		assert_output "${wanted//@/_}"
	done <<-'END'
		ctnctl shr|shrink_trim a container now
		ctnctl list --s|--sort_sort by these, separated by commas, shown or not
		ctnctl show w|web
		ctnctl show a|a b
		ctnctl show n|n\x0al\x5cq
		ctnctl set web oo|oom=_what is killed when rss@limit leaves no other way
		ctnctl set web oom=c|oom=container
		ctnctl list -o id,na|id,NAME_name of the container
		ctnctl create --oom=t|--oom=task
		ctnctl -c /etc/defaul|/etc/default/
		ctnctl apply /etc/hostn|/etc/hostname
	END
	in_fish 'ctnctl run web bashbu'
	assert_output --partial bashbug
}

@test "resources are completed where set and show take them" {
	container web
	counts web
	counts ''
	rm -f "$tree/table" "$tree/web/table"
	complete_words set web ph
	assert_equal "$output" ' physpages='
	complete_words set --defaults num
	assert_equal "$output" ' numproc='
	complete_words show web num
	[[ " $output " == *' numproc '* ]] || fail "$output"
	complete_words show --defaults num
	assert_equal "$output" ' numproc'
	complete_words set web numproc=
	assert_equal "$output" ' numproc=max numproc=reset'
	# neither of one that is not there, nor where the kernel has none
	complete_words set nosuch num
	assert_equal "$output" ''
	rm "$tree/web/beancounters" "$tree/default_beancounters"
	complete_words set web num
	assert_equal "$output" ''
	complete_words set --defaults num
	assert_equal "$output" ''
}

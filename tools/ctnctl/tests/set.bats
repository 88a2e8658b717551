#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2154
#
# set, and how a value is refused.

load helper

@test "set writes the value and not a byte more" {
	container web
	run ctnctl set web page_limit=64M
	assert_success
	assert_output ''
	run cat -A "$tree/web/page_limit"
	assert_output 64M
}

@test "each limit has an option" {
	container web
	run ctnctl set web --page-limit 64M --task-limit=10 --over-limit deactivate \
		--rss-limit 48M --oom container
	assert_success
	run cat "$tree/web/"{page_limit,task_limit,over_limit,rss_limit,oom}
	assert_output 64M10deactivate48Mcontainer
}

@test "an attribute that ctnctl has never heard of can be set" {
	container web shrink_to_fit=0
	run ctnctl set web shrink_to_fit=1
	assert_success
	run cat "$tree/web/shrink_to_fit"
	assert_output 1
}

@test "a value may contain an equals sign" {
	container web note=x
	run ctnctl set web note=a=b
	assert_success
	run cat "$tree/web/note"
	assert_output a=b
}

@test "a refusal names the file, the value, the reason and what is wanted" {
	container web
	picky "$tree/web/page_limit"
	run ctnctl set web page_limit=12Q
	assert_refused "$tree/web/page_limit: \"12Q\": Invalid argument (want pages, a size such as 64M, or \"max\")"
}

@test "the refusal of each limit says what it wants" {
	container web
	check() {
		picky "$tree/web/$1"
		run ctnctl set web "$1=12Q"
		assert_refused "$tree/web/$1: \"12Q\": Invalid argument ($2)"
	}
	check task_limit 'want a number or "max"'
	check rss_limit 'want pages, a size such as 64M, or "max"'
	check oom 'want "task" or "container"'
	check shrink 'want pages, or a size such as 64M'
}

@test "an attribute that this kernel lacks is called that" {
	old_container web
	run ctnctl set web --rss-limit 64M
	assert_refused "$tree/web/rss_limit: \"64M\": No such attribute (this kernel lacks it)"
	run ctnctl set web shrink=64M
	assert_refused "$tree/web/shrink: \"64M\": No such attribute (this kernel lacks it)"
	run ctnctl show --defaults rss_limit
	assert_refused "$tree/default_rss_limit: No such attribute"
}

@test "an empty value is refused" {
	container web page_limit=7
	run ctnctl set web page_limit=
	assert_refused "$tree/web/page_limit: \"\": Invalid argument (want pages, a size such as 64M, or \"max\")"
	run cat "$tree/web/page_limit"
	assert_output 7
}

@test "a value longer than configfs takes is refused and not cut short" {
	container web page_limit=7
	value=$(printf '%04096d' 1)
	run ctnctl set web "page_limit=$value"
	assert_refused "$tree/web/page_limit: \"$value\": The value is too long"
	run cat "$tree/web/page_limit"
	assert_output 7
}

@test "an attribute that is not there is refused" {
	container web
	run ctnctl set web page_limits=1
	assert_refused "$tree/web/page_limits: \"1\": No such attribute; did you mean page_limit?"
	run ctnctl set web colours=1
	assert_refused "$tree/web/colours: \"1\": No such attribute"
	run ctnctl set --defaults page_limits=1
	assert_refused "$tree/default_page_limits: \"1\": No such attribute; did you mean page_limit?"
	assert [ ! -e "$tree/web/page_limits" ]
}

@test "an attribute cannot lead out of the container" {
	container web
	run ctnctl set web ../description=x
	assert_refused "$tree/web: \"../description\": Not the name of an attribute"
}

@test "a container that is not there is refused" {
	run ctnctl set web page_limit=1
	assert_refused "$tree/web: No such container"
}

@test "a word without an equals sign is wrong usage" {
	container web
	for word in page_limit =1; do
		run ctnctl set web "$word"
		assert_wrong_usage
	done
}

@test "an option wants a unit, and ATTR=VALUE takes what the file takes" {
	local option value

	container web
	for option in --page-limit --rss-limit; do
		for value in 100 3K 64MB '' -1 1.5G; do
			run ctnctl set web "$option" "$value"
			assert_wrong_usage
			assert_line --index 0 --regexp "^ctnctl: set: $option ${value//./\\.}: .*; want a size such as 64M, or pages such as 80p, or \"max\"\$"
		done
	done
	assert_equal "$(<"$tree/web/page_limit")" max
	run ctnctl set web --page-limit 100p page_limit=100 --rss-limit max
	assert_success
	assert_equal "$(<"$tree/web/page_limit")" 100
}

@test "a size may be written as options have it, but not what is less than a page" {
	container web
	for size in 64MiB 64m 64M; do
		run ctnctl set web page_limit=$size
		assert_success
		assert_equal "$(<"$tree/web/page_limit")" 64M
	done
	run ctnctl set --defaults page_limit=80p
	assert_success
	assert_equal "$(<"$tree/default_page_limit")" 80
	run ctnctl set web page_limit=1K
	assert_refused "$tree/web/page_limit: \"1K\": it is less than a page"
	assert_equal "$(<"$tree/web/page_limit")" 64M
}

@test "settings are written in the order given" {
	container web
	run ctnctl set web page_limit=1 --page-limit 2p
	assert_success
	run cat "$tree/web/page_limit"
	assert_output 2
	run ctnctl set --page-limit 3p web page_limit=4
	run cat "$tree/web/page_limit"
	assert_output 4
}

@test "after a refusal the values before it are as they were" {
	container web page_limit=7 task_limit=max
	picky "$tree/web/over_limit"
	run ctnctl set web page_limit=1 page_limit=2 task_limit=5 over_limit=never
	assert_refused "$tree/web/over_limit: \"never\": Invalid argument (want \"reclaim\" or \"deactivate\")"
	run cat "$tree/web/page_limit" "$tree/web/task_limit"
	assert_output 7max
}

@test "after a refusal the values after it are not written" {
	container web task_limit=max
	picky "$tree/web/over_limit"
	run ctnctl set web over_limit=never task_limit=5
	assert_failure 1
	run cat "$tree/web/task_limit"
	assert_output max
}

@test "defaults takes the names of limits" {
	run ctnctl set --defaults --page-limit 64M task_limit=9
	assert_success
	run cat "$tree/default_page_limit" "$tree/default_task_limit"
	assert_output 64M9
}

@test "defaults that are refused say so" {
	picky "$tree/default_page_limit"
	run ctnctl set --defaults page_limit=12Q
	assert_refused "$tree/default_page_limit: \"12Q\": Invalid argument (want pages, a size such as 64M, or \"max\")"
}

@test "a limit that memory cannot be freed for is refused, and the rest put back" {
	container web page_limit=7 rss_limit=max num_file_pages=100
	echo 50 >"$tree/web/floor"
	with_kernel run ctnctl set web page_limit=9 rss_limit=20 page_limit=10
	assert_refused "$tree/web/rss_limit: \"20\": Device or resource busy (no more of its memory can be freed now; the old limit stays)"
	assert_equal "$(<"$tree/web/page_limit")" 7
}

@test "a signal ends set, and what was set is put back" {
	container web page_limit=7 num_file_pages=600
	slow web
	for signal in INT TERM HUP; do
		background LD_PRELOAD="$KERNEL" ctnctl set web page_limit=9 rss_limit=20 oom=container
		wait_until contains "$tree/web/writes" 'rss_limit 20'
		assert_equal "$(<"$tree/web/page_limit")" 9
		kill -"$signal" "$pid"
		join
		rm "$tree/web/writes"
		assert_equal "$status" $((128 + $(kill -l "$signal")))
		assert_equal "$stderr" "ctnctl: $tree/web/rss_limit: \"20\": Interrupted system call (the old limit stays)"
		assert_equal "$(<"$tree/web/page_limit") $(<"$tree/web/oom")" '7 task'
	done
}

@test "a signal that was ignored before does not end set" {
	container web page_limit=7 num_file_pages=600
	slow web
	echo 590 >"$tree/web/num_file_pages"
	background --ignore-signal=HUP LD_PRELOAD="$KERNEL" ctnctl set web rss_limit=575
	wait_until contains "$tree/web/writes" 'rss_limit 575'
	kill -HUP "$pid"
	join
	assert_equal "$status" 0
	assert_equal "$(<"$tree/web/rss_limit")" 575
}

@test "nothing is put back into another container that has the name meanwhile" {
	container web page_limit=16 over_limit=deactivate
	replaces over_limit web
	with_kernel run ctnctl set web page_limit=64M over_limit=reclaim oom=task
	assert_refused "$tree/web: No such container"
	assert_equal "$(<"$tree/web/page_limit") $(<"$tree/web/over_limit")" 'max reclaim'
}

@test "a trigger of pressure is refused, as it would end at once" {
	container web
	echo some >"$tree/web/pressure"
	run ctnctl set web 'pressure=some 150000 1000000'
	assert_failure 1
	assert_output --partial 'a trigger ends with the program'
	assert_equal "$(<"$tree/web/pressure")" some
}

@test "what may neither be read nor written is not called one of these" {
	container web
	chown nobody "$tree/web/page_limit"
	chmod 000 "$tree/web/page_limit"
	for command in "set web page_limit=1M" "show web page_limit"; do
		# shellcheck disable=SC2086
		run setpriv --bounding-set=-dac_override,-dac_read_search "$CTNCTL" $command
		assert_failure 1
		assert_output --partial 'page_limit'
		assert_output --partial 'Permission denied'
		refute_output --partial -only
	done
}

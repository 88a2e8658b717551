#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2154
#
# shrink.

load helper

# on_terminal INPUT ARGUMENT...: ctnctl on a terminal, at which the command INPUT
# types, and what comes there, with its status last. Where the cursor goes back
# to the beginning of the line, there a line ends.
on_terminal() {
	local command="trap : INT; \"\$CTNCTL\" ${*:2}; echo status \$?"

	LD_PRELOAD=$KERNEL run env --default-signal=INT script -qc "$command" \
		/dev/null 3>&- < <(eval "$1")
	output=$(tr -s '\r' '\n' <<<"$output" | sed 's/ *$//' | grep .)
	mapfile -t lines <<<"$output"
}

@test "shrink writes the size as it was typed" {
	container web
	run ctnctl shrink web 400M
	assert_success
	assert_output ''
	assert_equal "$(<"$tree/web/shrink")" 400M
}

@test "sizes are taken as others write them, and written as the kernel takes them" {
	local size

	container web
	for size in 400m=400M 400MiB=400M 2g=2G 80p=80 0=0 0p=0 0K=0 "$((pagesize / 1024))k=$((pagesize / 1024))K"; do
		run ctnctl shrink web "${size%=*}"
		assert_success
		assert_equal "$(<"$tree/web/shrink")" "${size#*=}"
	done
	run ctnctl shrink web 1kiB
	assert_line --index 0 --partial 'shrink: 1kiB: it is less than a page; '
	for size in 99999999999999999999m 4503599627370495p 99999999999999999999p; do
		run ctnctl shrink web "$size"
		assert_wrong_usage
		assert_line --index 0 --partial "shrink: $size: it is too large; "
	done
}

@test "shrink comes back when the container is that small" {
	container web num_anon_pages=30 num_file_pages=70
	with_kernel run ctnctl shrink web 60p
	assert_success
	assert_equal "$(<"$tree/web/num_file_pages")" 30
}

@test "a size that is none is wrong usage" {
	container web
	for size in 12Q max '' 80 80% 1.5G 64MB ' 1M'; do
		run ctnctl shrink web "$size"
		assert_wrong_usage
		assert_line --index 0 --partial "; want a size such as 64M, or pages such as 80p"
		assert_line --index 0 --partial "shrink: $size: "
	done
	assert_equal "$(<"$tree/web/shrink")" ''
}

@test "when no more can be freed shrink says how far it came" {
	container web num_file_pages=$(((100 << 20) / pagesize))
	echo $(((80 << 20) / pagesize)) >"$tree/web/floor"
	with_kernel run ctnctl shrink web 10p
	assert_refused "$tree/web/shrink: \"10\": Device or resource busy (no more of its memory can be freed now); usage went from 100M to 80M"
}

@test "a signal ends shrink, which says how far it came" {
	for signal in INT TERM; do
		rm -rf "$tree/web"
		container web num_file_pages=600
		slow web
		background LD_PRELOAD="$KERNEL" ctnctl shrink web 20p
		wait_until has_pages web 598
		kill -"$signal" "$pid"
		join
		assert_equal "$status" $((128 + $(kill -l "$signal")))
		assert_equal "$output" ''
		assert_regex "$stderr" "^ctnctl: $tree/web/shrink: \"20\": Interrupted system call; usage went from [0-9.]+M to [0-9.]+[KM]$"
		assert_equal "$(($(<"$tree/web/num_file_pages") > 500))" 1
	done
}

@test "a signal that comes before the kernel looks for one is not lost" {
	container web num_file_pages=600
	slow web
	echo 500 >"$tree/web/deaf"
	background LD_PRELOAD="$KERNEL" ctnctl shrink web 20p
	wait_until contains "$tree/web/writes" 'shrink 20'
	kill -TERM "$pid"
	join
	assert_equal "$status" 143
	assert_equal "$(($(<"$tree/web/num_file_pages") > 500))" 1
}

@test "a terminal is told how far it is" {
	((pagesize == 4096)) || skip "written for pages of 4K"
	container web num_anon_pages=256 num_file_pages=256
	echo 128 >"$tree/web/step"
	echo 1000 >"$tree/web/pause"
	on_terminal 'sleep 3' shrink web 1M
	assert_line 'status 0'
	assert_line '2M, 1M to go, 0%'
	assert_line '1.5M, 512K to go, 50%'
}

@test "nothing is left of that when it is done" {
	container web num_file_pages=3
	echo 1000 >"$tree/web/pause"
	run bash -c 'LD_PRELOAD=$KERNEL script -qec "\"\$CTNCTL\" shrink web 1p" /dev/null </dev/null'
	assert_output --regexp $'%.*\r {30}\r$'
}

@test "Ctrl-C on a terminal ends shrink" {
	container web num_file_pages=600
	slow web
	# typed when there is somebody to be told
	# shellcheck disable=SC2016 # on_terminal has it evaluated
	on_terminal 'wait_until contains "$tree/web/writes" "shrink 20"; printf "\003"; sleep 3' \
		shrink web 20p
	assert_line 'status 130'
	assert_line --regexp "^ctnctl: $tree/web/shrink: \"20\": Interrupted system call; usage went from "
}

@test "what is no terminal is not told how far it is" {
	container web num_file_pages=3
	echo 600 >"$tree/web/pause"
	with_kernel run ctnctl shrink web 1p
	assert_success
	assert_output ''
}

@test "a kernel that cannot shrink is called that" {
	old_container web
	run ctnctl shrink web 400M
	assert_refused "$tree/web/shrink: \"400M\": No such attribute (this kernel lacks it)"
}

@test "shrink refuses a container that is not there" {
	run ctnctl shrink web 400M
	assert_refused "$tree/web: No such container"
}

@test "shrink takes a container and a size, and no more" {
	for words in shrink 'shrink web' 'shrink web 1p 2'; do
		# shellcheck disable=SC2086
		run ctnctl $words
		assert_wrong_usage
	done
}

#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# The most that there was: usage_peak, rss_peak, tasks_peak.
#
# vm: --mem 512M --smp 2 --disk 128M

load common

setup_file() { common_setup_file; }

setup() {
	common_setup
	F=/mnt/disk/$BATS_TEST_NUMBER
	# what CPUs may have in advance, of each counter
	STOCK=$((128 * $(nproc)))
}

teardown() {
	common_teardown
	rm -f "$F"
}

# assert_between LEAST VALUE MOST
assert_between() {
	[[ $1 -le $2 && $2 -le $3 ]] || fail "$2 is not between $1 and $3"
}

@test "of a new container it is 0" {
	assert_equal "$(attr usage_peak) $(attr rss_peak) $(attr tasks_peak)" '0 0 0'
}

@test "of memory that is gone the peak is what there was" {
	local usage rss

	hold_start p "$C"
	tells p anon a 3000
	tells p touch a
	usage=$(usage) rss=$(attr rss_usage)
	tells p unmap a
	assert [ "$(usage)" -lt 1000 ]
	assert_between "$usage" "$(attr usage_peak)" $((usage + 2 * STOCK))
	assert_between "$rss" "$(attr rss_peak)" $((rss + STOCK))
}

@test "it is the same of huge pages, of shared memory, and of what is moved in" {
	local rss

	hold_start p "$C"
	tells p shm a 2000
	tells p touch a
	rss=$(attr rss_usage)
	tells p unmap a
	assert_between "$rss" "$(attr rss_peak)" $((rss + STOCK))
	let_go p
	hold_start q
	tells q anon a 4000
	tells q touch a
	set_attr addtask "$q"
	rss=$(attr rss_usage)
	assert [ "$rss" -ge 4000 ]
	tells q unmap a
	assert_between "$rss" "$(attr rss_peak)" $((rss + STOCK))
}

@test "page cache counts in the one, and in the other while it is mapped" {
	local usage

	hold <<<"write $F 10000"
	sync "$F"
	echo 1 >/proc/sys/vm/drop_caches
	hold_start p "$C"
	tells p read "$F"
	usage=$(usage)
	assert [ "$usage" -ge 10000 ]
	assert [ "$(attr rss_peak)" -lt 2000 ]
	tells p map a "$F" 10000 shared
	tells p look a
	tells p unmap a
	drain
	assert [ "$(usage)" -lt 2000 ]
	assert_between "$usage" "$(attr usage_peak)" $((usage + 2 * STOCK))
	assert_between 9800 "$(attr rss_peak)" $((12000 + STOCK))
}

@test "it is never less than what there is" {
	hold_start p "$C"
	tells p anon a 700
	for i in {1..70}; do
		tells p touch a $((i * 10))
		rss=$(attr rss_usage)
		assert [ "$(attr rss_peak)" -ge "$rss" ]
		usage=$(usage)
		assert [ "$(attr usage_peak)" -ge "$usage" ]
	done
}

@test "after a 0 it begins anew" {
	hold_start p "$C"
	tells p anon a 3000
	tells p touch a
	tells p unmap a
	assert [ "$(attr usage_peak)" -ge 3000 ]
	drain_batches
	assert_equal "$(put_value usage_peak 0)" ok
	assert_equal "$(put_value rss_peak '0\n')" ok
	assert_between "$(usage)" "$(attr usage_peak)" $(($(usage) + 200))
	assert_between "$(attr rss_usage)" "$(attr rss_peak)" $(($(attr rss_usage) + 200))
}

@test "and what CPUs had in advance then is not missed" {
	local i before peak

	hold_start p "$C"
	tells p anon a 40
	# fewer than what a CPU takes at a time
	for i in 1 2 3 4 5 6 7 8; do
		tells p touch a
		tells p advise a dontneed
		drain_batches
		set_attr rss_peak 0
		before=$(attr rss_usage)
		tells p touch a
		tells p advise a dontneed
		drain_batches
		peak=$(attr rss_peak)
		assert [ "$peak" -ge $((before + 40)) ]
	done
}

@test "nothing but 0 can be written" {
	hold_start p "$C"
	for name in usage_peak rss_peak tasks_peak; do
		put --refused "$C/$name" "$C/tasks_peak" <<-'END'
			EINVAL 1
			EINVAL max
			EINVAL 0K
			EINVAL -0
			EINVAL 0 0
			EINVAL x
			ERANGE 99999999999999999999999999
		END
	done
}

@test "tasks_peak is the most tasks that there were" {
	hold_start p "$C"
	tells p threads 10
	assert_equal "$(attr tasks_peak)" 11
	tells p exec
	wait_until 20 has_tasks 1
	assert_equal "$(attr tasks_peak)" 11
	set_attr tasks_peak 0
	assert_equal "$(attr tasks_peak)" 1
	tells p threads 3
	assert_equal "$(attr tasks_peak)" 4
}

@test "with those that were moved in, and without those that were refused" {
	hold_start p
	tells p threads 5
	set_attr addtask "$p"
	assert_equal "$(attr tasks_peak)" 6
	set_attr task_limit 8
	tell p forks 10
	assert_equal "$(attr tasks_peak)" 8
	hold_start q
	assert_equal "$(put_value addtask "$q")" EAGAIN
	assert_equal "$(attr tasks_peak)" 8
	set_attr kill 9
	wait_until 20 has_tasks 0
	assert_equal "$(attr tasks_peak)" 8
}

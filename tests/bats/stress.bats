#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# stress-ng inside a limit, while another container and the host go on
# unharmed.
#
# vm: --mem 768M --smp 2 --parallel --disk 512M --swap 256M
# kernels: base coexist

load common

setup_file() { common_setup_file; }

setup() {
	common_setup
	LIMIT=4096
	set_attr page_limit "$LIMIT"
	D=/mnt/disk/$BATS_TEST_NUMBER
	mkdir "$D"
	# those who are not to notice
	mkdir "$C-other"
	hold_start q "$C-other"
	tells q anon a 2000
	tells q touch a
	tells q write "$D/other" 1000
	tells q sync "$D/other"
	hold_start h
	tells h anon a 2000
	tells h touch a
	ip link set lo up
}

teardown() {
	common_teardown
	rm -rf "$D"
}

# stress-ng with these options, in the container, for some seconds
stress() {
	cd "$D" || return
	timeout 120 enter "$C" stress-ng --temp-path "$D" --timeout 6 --quiet "$@" 3>&-
}

assert_unharmed() {
	assert_equal "other: $(tell q check a)" 'other: ok'
	assert_equal "host: $(tell h check a)" 'host: ok'
	assert_equal "$(seen swap "$(tell q count a)")" 0
	assert_equal "$(seen swap "$(tell h count a)")" 0
	assert_equal "$(attr num_file_pages "$C-other")" 1000
	assert_equal "$(attr page_limit_hits "$C-other")" 0
	run dmesg
	refute_output --partial 'oom-kill'
}

# All have ended, and their pages are gone; files may stay within the limit.
assert_cleared() {
	drain
	wait_until 20 usage_at_most "$LIMIT"
	assert_equal "$(attr num_tasks)" 0
	assert_equal "$(attr num_anon_pages)" 0
	# not 0: the C library may have come in here, and others map it
	assert [ "$(attr num_mapped_pages)" -le "$(attr num_file_pages)" ]
}

@test "vm: memory that is written and checked" {
	stress --vm 2 --vm-bytes 48M --vm-method rand-set --verify
	assert [ "$(attr page_limit_hits)" -gt 0 ]
	assert_unharmed
	assert_cleared
}

@test "mmap: mappings that come and go" {
	stress --mmap 2 --mmap-bytes 32M
	assert_unharmed
	assert_cleared
}

@test "fork: processes by the thousand" {
	stress --fork 2
	assert_unharmed
	assert_cleared
}

@test "a fork bomb stays inside" {
	# stress-ng itself needs three; those that have exited count no more
	set_attr task_limit 5
	stress --fork 2 --fork-max 40 || true
	assert [ "$(attr task_limit_hits)" -gt 0 ]
	assert_unharmed
	assert_cleared
}

@test "page cache: files written, read and mapped" {
	stress --hdd 1 --hdd-bytes 64M --readahead 1 --readahead-bytes 64M
	assert [ "$(attr page_limit_hits)" -gt 0 ]
	assert_unharmed
	assert_cleared
}

@test "all at once, with moves between containers and changing limits" {
	mkdir "$C-to"
	stress --vm 1 --vm-bytes 32M --mmap 1 --mmap-bytes 32M --fork 1 --hdd 1 --hdd-bytes 32M &
	for _ in {1..10}; do
		sleep 0.5
		for pid in $(head -n 5 "$C/tasks"); do
			put_value addtask "$pid" "$C-to" >/dev/null
		done
		set_attr page_limit 1000
		for pid in $(head -n 3 "$C-to/tasks"); do
			put_value addtask "$pid" "$C" >/dev/null
		done
		set_attr page_limit max
	done
	wait $!
	assert_unharmed
	drain
	assert_equal "$(attr num_tasks) $(attr num_anon_pages)" "0 0"
	assert_equal "$(attr num_tasks "$C-to") $(attr num_anon_pages "$C-to")" "0 0"
}

# slab: how much the kernel has there that it cannot reclaim, in K
slab() {
	awk '$1 == "SUnreclaim:" {print $2}' /proc/meminfo
}

@test "what takes kernel memory of each kind stays inside its beancounters" {
	local kind line before name

	set_attr page_limit max
	for line in 'numproc 20' 'numfile 300' 'numflock 1' 'numpty 5' 'numsiginfo 30' \
		'numtcpsock 20' 'numothersock 20' 'tcpsndbuf 256K' 'tcprcvbuf 256K' \
		'dgramrcvbuf 128K' 'othersockbuf 128K' 'kmemsize 4M' 'dcachesize 1M' \
		'shmpages 12000' 'privvmpages 40000' 'lockedpages 100'; do
		set_attr beancounters "$line"
	done
	before=$(slab)
	for kind in open flock fcntl mq sem sem-sysv shm shm-sysv msg epoll sock sockmany udp \
		pty sigq timer inotify dentry fork; do
		# whether one is content with what it gets is its business
		stress --timeout 2 "--$kind" 1 || true
		assert_equal "$kind $(attr num_tasks)" "$kind 0"
	done
	# of the others these need less, or go without when they are told so
	for name in numfile numflock numpty numtcpsock tcpsndbuf tcprcvbuf dgramrcvbuf shmpages \
		privvmpages; do
		[ "$(bc "$name" failcnt)" -gt 0 ] ||
			fail "$name has held nobody up: $(<"$C/beancounters")"
	done
	assert_unharmed
	none_left() {
		[ "$(awk '$1 ~ /^num|buf$|^lockedpages|^privvm/ {sum += $2} END {print sum}' \
			"$C/beancounters")" = 0 ]
	}
	# a socket of TCP may be there for a while
	wait_until 70 none_left
	assert [ "$(bc kmemsize)" -lt 65536 ]
	# vectors of tokens, and slabs that are not full
	assert [ "$(slab)" -lt $((before + 6144)) ]
}

#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# Beancounters of shared memory: shmpages. What is counted is compared with the blocks that
# tmpfs says a file has, and with the size of what counts in whole.
#
# vm: --mem 512M --smp 2 --swap 64M
# kernels: base coexist
# debug: quick

load common

setup_file() {
	common_setup_file
}

setup() {
	common_setup
	F=/dev/shm/$BATS_TEST_NUMBER
	# counting begins with a write
	set_attr beancounters 'shmpages max'
	hold_start p "$C"
}

teardown() {
	common_teardown
	rm -f "$F"*
	run dmesg
	refute_output --partial 'uncharging too much'
}

@test "a segment and a shared mapping count in whole from the beginning" {
	tells p sysv s 4711 300
	bc_is shmpages held 300
	tells p shared m 200
	bc_is shmpages held 500
	tells p touch m
	tells p touch s
	bc_is shmpages held 500
	tells p unmap m
	bc_is shmpages held 300
	# a segment is there until it is removed, with its process or without
	let_go p
	bc_is shmpages held 300
	ipcrm -M 4711
	bc_is shmpages held 0
	bc_is shmpages maxheld 500
	bc_is shmpages failcnt 0
}

@test "of files it is what has been used" {
	tells p shm f 1000
	bc_is shmpages held 0
	tells p touch f 100
	bc_is shmpages held 100
	tells p write "$F" 50
	assert_equal $(($(stat -c %b "$F") / 8)) 50
	bc_is shmpages held 150
	# what is in swap is there as well
	tells p advise f pageout
	assert [ "$(stat_of swapped_out)" -ge 0 ]
	bc_is shmpages held 150
	truncate -s 40960 "$F"
	bc_is shmpages held 110
	rm "$F"
	bc_is shmpages held 100
	tells p unmap f
	bc_is shmpages held 0
}

@test "over the barrier a segment and a mapping are ENOMEM, and a file has no space left" {
	set_attr beancounters 'shmpages 100 200'
	tells p sysv s 4712 100
	bc_is shmpages held 100
	run tell p shared m 1
	assert_output ENOMEM
	bc_is shmpages failcnt 1
	run tell p sysv t 4713 1
	assert_output ENOMEM
	bc_is shmpages failcnt 2
	run tell p write "$F" 1
	assert_output ENOSPC
	bc_is shmpages failcnt 3
	bc_is shmpages held 100
	# what fails leaves nothing
	assert_equal "$(stat -c %b "$F")" 0
	tells p unmap s
	ipcrm -M 4712
	bc_is shmpages held 0
	tells p write "$F" 100
	bc_is shmpages held 100
	assert_equal $(($(stat -c %b "$F") / 8)) 100
}

@test "a segment that is too large for its barrier leaves nothing of itself" {
	local before

	set_attr beancounters 'shmpages 100'
	before=$(awk '$1 == "Committed_AS:" {print $2}' /proc/meminfo)
	run tell p sysv s 4714 100000
	assert_output ENOMEM
	run ipcs -m
	refute_output --partial 100000
	[ $(($(awk '$1 == "Committed_AS:" {print $2}' /proc/meminfo) - before)) -lt 200000 ]
	bc_is shmpages held 0
}

@test "to touch a page of a file over the barrier is SIGBUS, as on a full file system" {
	set_attr beancounters 'shmpages 10'
	tells p shm f 20
	tells p touch f 10
	bc_is shmpages held 10
	run tell p touch f
	assert_failure
	wait_gone "$p"
	bc_is shmpages held 0
	assert [ "$(bc shmpages failcnt)" -ge 1 ]
}

@test "a large folio that has no room is small ones" {
	echo always >"$HUGE_PAGES/shmem_enabled"
	set_attr beancounters 'shmpages 600'
	tells p shm f 1024
	tells p touch f 600
	bc_is shmpages held 600
	echo never >"$HUGE_PAGES/shmem_enabled"
}

@test "what others put into it is not counted" {
	tells p write "$F" 10
	bc_is shmpages held 10
	# more of it
	dd if=/dev/zero of="$F" bs=4096 seek=10 count=90 conv=notrunc status=none
	assert_equal $(($(stat -c %b "$F") / 8)) 100
	bc_is shmpages held 10
	# of what is freed those of others are the first
	truncate -s $((50 * 4096)) "$F"
	bc_is shmpages held 10
	truncate -s $((5 * 4096)) "$F"
	bc_is shmpages held 5
	rm "$F"
	bc_is shmpages held 0
}

@test "what is put into a file from outside is counted where that is first" {
	local fd

	head -c 40960 /dev/zero >"$F"
	exec {fd}>>"$F"
	enter "$C" head -c 122880 /dev/zero >&"$fd"
	bc_is shmpages held 30
	mkdir "$C-other"
	set_attr beancounters 'shmpages max' "$C-other"
	enter "$C-other" head -c 40960 /dev/zero >&"$fd"
	bc_is shmpages held 30
	assert_equal "$(bc shmpages held "$C-other")" 0
	# of 50 pages 20 are of others
	truncate -s $((35 * 4096)) "$F"
	bc_is shmpages held 30
	truncate -s $((25 * 4096)) "$F"
	bc_is shmpages held 25
	exec {fd}>&-
	rm "$F"
	bc_is shmpages held 0
}

@test "where the file system has no space left nothing stays charged" {
	local dir=$BATS_TEST_TMPDIR/small

	mkdir "$dir"
	mount -t tmpfs -o size=40K none "$dir"
	run tell p write "$dir/file" 20
	assert_output ENOSPC
	assert_equal $(($(stat -c %b "$dir/file") / 8)) 10
	bc_is shmpages held 10
	bc_is shmpages failcnt 0
	rm "$dir/file"
	bc_is shmpages held 0

	# and there are pages of others
	tells p write "$dir/file" 0
	run dd if=/dev/zero of="$dir/file" bs=4096 status=none
	assert_equal $(($(stat -c %b "$dir/file") / 8)) 10
	run enter "$C" dd if=/dev/zero of="$dir/file" bs=4096 seek=10 count=1 conv=notrunc
	assert_output --partial 'No space left'
	bc_is shmpages held 0
	rm "$dir/file"
	umount "$dir"
}

@test "what counts in whole is counted anew when it is cut" {
	local start end

	tells p shared m 200
	bc_is shmpages held 200
	IFS=, read -r start end <<<"$(tell p where m)"
	truncate -s $((50 * 4096)) "/proc/$p/map_files/${start#0x}-${end#0x}"
	bc_is shmpages held 50
	tells p unmap m
	bc_is shmpages held 0
}

@test "who is over the barrier keeps nobody else from a file" {
	set_attr beancounters 'shmpages 10'
	tells p write "$F" 10
	dd if=/dev/zero of="$F" bs=4096 seek=10 count=10 conv=notrunc status=none
	bc_is shmpages held 10
	bc_is shmpages failcnt 0
}

@test "what is there when its container is removed is freed later, and uncharged nowhere" {
	tells p write "$F" 100
	tells p sysv s 4715 100
	echo "$p" >"$C/rmtask"
	rmdir "$C"
	mkdir "$C"
	set_attr beancounters 'shmpages max'
	rm "$F"
	tells p unmap s
	ipcrm -M 4715
	bc_is shmpages held 0
	bc_is shmpages minheld 0
}

@test "what is there from before is not counted, whatever becomes of it" {
	local d=$ROOT/before

	mkdir "$d"
	hold_start q "$d"
	tells q write "$F" 50
	set_attr beancounters 'shmpages max' "$d"
	assert_equal "$(bc shmpages held "$d")" 0
	dd if=/dev/zero bs=4096 count=20 conv=notrunc status=none >>"$F"
	rm "$F"
	assert_equal "$(bc shmpages held "$d")" 0
}

#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# A task is killed in the middle of what it does for a container, at each of the
# kernel's stop points in turn: tests/helpers/partway.c. It dies of that or comes
# to its end, the container can be used afterwards by another, the audit agrees,
# and rmdir frees it.
#
# vm: --mem 256M --smp 1 --disk 64M --swap 64M

load partway

# passed OPERATION POINT...: is each of these among what $output says it was killed at?
passed() {
	local operation=$1 point

	shift
	for point in "$@"; do
		grep -qE "^$operation [0-9]+: $point\$" <<<"$output" || return
	done
}

# killed OPERATION POINT...: killed wherever it passes a point, and it passes these.
# kcontainerd is at work beside it, so its way is not always the same, and one go may
# kill it nowhere at a point that it does pass: there are three goes at most.
killed() {
	local operation=$1 point all=''

	shift
	for _ in 1 2 3; do
		run partway kill "$operation" "$C" /mnt/disk
		echo "$output"
		assert_success
		output=$all$output
		all=$output$'\n'
		! passed "$operation" "$@" || break
	done
	mapfile -t lines <<<"$output"
	for point in "$@"; do
		assert_line --regexp "^$operation [0-9]+: $point\$"
	done
}

# not_passed POINT: nor did it pass one of these.
not_passed() {
	refute_line --regexp "^[^ ]+ [0-9]+: $1"
}

# once OPERATION: with nothing going wrong.
once() {
	run partway once "$1" "$C" /mnt/disk
	echo "$output"
	assert_success
}

@test "killed in mkdir, it has made a container that works, or none" {
	killed mkdir 'mkdir: allocated' 'mkdir: made' 'mkdir: named'
}

@test "killed in rmdir, it has removed the container, or that works" {
	killed rmdir 'rmdir: dying' 'expel: locked' 'expel: a task' 'expel: an mm' \
		'rmdir: no tasks' 'expel: a file' 'rmdir: no files' 'rmdir: detached'
}

@test "killed in rmdir, which waits for a reader of one of the files" {
	killed rmdir-busy 'rmdir: dying' 'expel: a task' 'rmdir: no files'
}

@test "killed in rmdir, which does not wait for who adds a file by its path" {
	killed rmdir-addfile 'rmdir: dying' 'rmdir: no files' 'rmdir: detached'
}

@test "killed in rmdir, which does not wait for who moves a process" {
	killed rmdir-addtask 'rmdir: dying' 'expel: a task' 'rmdir: detached'
}

@test "killed in rmdir, while room is kept for a process that is being moved in" {
	killed rmdir-busy-addtask 'rmdir: dying' 'rmdir: no files'
}

@test "killed in rmdir, which does not wait for a file system that is frozen" {
	killed rmdir-busy-frozen 'expel: a file' 'rmdir: no files'
}

@test "killed while a process is moved into the container, to another, or out" {
	killed join 'move: locked' 'move: counted' 'task: joined' \
		'move: tasks moved' 'mm: joined' 'move: unlocked' \
		'adopt: a batch found' 'charge: stock filled' 'adopt: a batch done'
	killed addtask 'task: joined' 'mm: joined' 'adopt: a batch done'
	killed addtask-moved 'task: left' 'task: joined' 'mm: left' 'mm: joined'
	killed addtask-shared 'adopt: a batch found' 'charge: reserved' \
		'adopt: a batch done'
	killed rmtask 'task: left' 'mm: left' 'adopt: a batch done'
}

@test "killed while it waits for a child to leave its parent's memory" {
	killed addtask-spawned 'move: waits for vfork' 'move: locked' 'task: joined' \
		'move: unlocked'
}

@test "a child that does not leave its parent's memory is not moved, nor is that" {
	once addtask-spawned
	once addtask-spawned-for-long
}

@test "killed while a file gets an owner, another one, or none" {
	killed addfile 'addfile: allocated' 'addfile: joined' 'charge: reserved' \
		'file: some pages done'
	killed addfile-taken 'addfile: taken away' 'file: some pages done'
	killed rmfile 'rmfile: left' 'file: some pages done'
	killed unlink 'file: evicted'
}

@test "killed while a file of held memory is named, named anew, or is not any more" {
	killed addfile-held 'addfile: allocated' 'addfile: joined' 'charge: reserved' \
		'file: some pages done'
	killed addfile-held-taken 'addfile: joined' 'file: some pages done'
	not_passed 'addfile: taken away'
	killed rmfile-held 'rmfile: left' 'file: some pages done'
	killed unlink-held 'file: evicted'
}

@test "killed in fork, in clone and in exec" {
	killed fork 'fork: mm joined' 'fork: counted' 'fork: allowed' 'fork: done' \
		'fork: unlocked'
	killed thread 'fork: counted' 'fork: done'
	# the new mm is there, and in the container, before the old one goes
	killed exec 'fork: mm joined' 'charge: a new folio' 'exec: locked' 'mm: left'
	not_passed 'adopt: '
}

@test "killed while memory is charged, and while it waits at page_limit" {
	killed anon 'charge: a new folio'
	killed huge 'charge: a new folio'
	killed anon-over-page-limit 'charge: to wait' 'page_limit: sleeps' \
		'page_limit: slept'
}

@test "killed while it waits for room below rss_limit" {
	killed anon-at-rss-limit 'charge: does not fit' 'charge: failed' \
		'room: wanted' 'round: called' 'round: ended' 'room: waited'
	# it asks for room before it reads: which charge finds that there is none is luck
	killed swapin-at-rss-limit 'room: wanted' 'round: called' 'room: waited'
}

@test "killed while a system call waits for room below rss_limit" {
	killed tmpfs-at-rss-limit 'charge: failed' 'room: wanted' 'round: called' \
		'room: waited'
	killed fallocate-at-rss-limit 'charge: failed' 'room: wanted' 'room: waited'
	killed tmpfs-swapin-at-rss-limit 'charge: failed' 'room: wanted' 'room: waited'
	killed exec-at-rss-limit 'charge: failed' 'room: wanted' 'room: waited'
}

@test "whoever maps page cache over rss_limit waits for nobody" {
	killed map-over-rss-limit
	not_passed '(charge|room|round): '
}

@test "killed while somebody is to be killed for want of room" {
	killed oom 'round: ended' 'room: none to be had' 'oom: begins' 'oom: locked' \
		'oom: killed'
	killed oom-of-another 'oom: begins' 'oom: locked' 'oom: killed'
	killed oom-of-nobody 'oom: begins' 'room: nobody to be killed'
}

@test "killed while it brings a file into the page cache" {
	killed tmpfs 'claim: allocated' 'claim: done' 'charge: a new folio'
	killed write 'claim: allocated' 'claim: done' 'charge: stock filled'
	killed read 'claim: allocated' 'claim: done' 'charge: stock filled'
	killed map 'claim: allocated' 'claim: done' 'charge: stock filled'
}

@test "killed while it reads lists" {
	killed tasks 'tasks: allocated'
	killed mappings 'mappings: one listed'
}

@test "killed while the container is shrunk, or its limits are lowered" {
	killed shrink 'shrink: goal set' 'shrink: round called' 'shrink: done'
	killed shrink-in-vain 'shrink: round called' 'shrink: done'
	killed rss_limit 'rss_limit: set' 'shrink: round called' 'rss_limit: done'
	killed page_limit 'page_limit: set'
}

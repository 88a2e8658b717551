#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# Ownership of files: who gets one, addfile and rmfile, and that neither the
# file's end nor its file system's is in anybody's way.
#
# vm: --mem 512M --smp 2 --disk 256M
# kernels: base coexist

load common

setup_file() { common_setup_file; }

setup() {
	common_setup
	F=/mnt/disk/$BATS_TEST_NUMBER
	T=/dev/shm/$BATS_TEST_NUMBER
	mkdir "$C-other"
	O=$C-other
	LOOP=
}

teardown() {
	common_teardown
	umount -l /run/fs 2>/dev/null || true
	[ -z "$LOOP" ] || losetup -d "$LOOP"
	rm -rf "$F"* "$T"
}

# A file of 300 pages that the host has made: on disk, or in memory too.
on_disk() {
	hold <<<"write $1 300"
	sync "$1"
	drain
}

cached() {
	on_disk "$1"
	hold <<<"read $1"
	assert_equal "$(resident "$1")" 300
}

# hold_in CONTAINER COMMAND: its output goes to a pipe, as a page of a file would
# be one more in the container.
hold_in() {
	local out

	out=$(timeout 60 enter "$1" hold <<<"$2") && [ "$out" = ok ]
}

resident() {
	hold <<<"resident $1"
}

# Mount a small ext4 of its own on /run/fs.
mount_fs() {
	truncate -s 32M "$T"
	mkfs.ext4 -q -F "$T"
	mkdir -p /run/fs
	# not by mount -o loop: it has the device open for writing, which a
	# kernel can be told not to allow while that is mounted
	LOOP=$(losetup -f --show "$T")
	mount "$LOOP" /run/fs
}

@test "a file belongs to the container that first brings it in" {
	on_disk "$F"
	hold_in "$C" "read $F"
	hold_in "$O" "read $F"
	assert_equal "$(attr num_files) $(attr num_file_pages)" "1 300"
	assert_equal "$(attr num_files "$O") $(attr num_file_pages "$O")" "0 0"
}

@test "pages that others add to an owned file are charged to its owner" {
	on_disk "$F"
	hold_in "$C" "read $F"
	drain
	assert_equal "$(attr num_file_pages)" 0
	hold_in "$O" "read $F"
	assert_equal "$(attr num_file_pages)" 300
	drain
	hold <<<"read $F"
	assert_equal "$(attr num_file_pages)" 300
	assert_equal "$(attr num_file_pages "$O")" 0
}

@test "a file that the host has cached is not charged to who reads it" {
	cached "$F"
	hold_in "$C" "read $F"
	assert_equal "$(attr num_file_pages)" 0
}

@test "a task in no container owns nothing" {
	on_disk "$F"
	hold <<<"read $F"
	assert_equal "$(attr num_files)" 0
}

@test "addfile takes the cached pages along, and they stay cached" {
	cached "$F"
	set_attr addfile "$F"
	assert_equal "$(attr num_files) $(attr num_file_pages)" "1 300"
	assert_equal "$(resident "$F")" 300
}

@test "rmfile gives the pages back, and they stay cached" {
	on_disk "$F"
	hold_in "$C" "read $F"
	assert_equal "$(attr num_file_pages)" 300
	set_attr rmfile "$F"
	assert_equal "$(attr num_files) $(attr num_file_pages)" "0 0"
	assert_equal "$(resident "$F")" 300
}

@test "addfile takes a file from another container, pages and all" {
	on_disk "$F"
	hold_in "$O" "read $F"
	set_attr addfile "$F"
	assert_equal "$(attr num_files) $(attr num_file_pages)" "1 300"
	assert_equal "$(attr num_files "$O") $(attr num_file_pages "$O")" "0 0"
}

@test "addfile and rmfile count what is mapped" {
	cached "$F"
	hold_start p
	tells p map m "$F" 300 shared
	tells p look m
	set_attr addfile "$F"
	assert_equal "$(attr num_mapped_pages)" "$(seen file "$(tell p count m)")"
	set_attr addfile "$F" "$O"
	assert_equal "$(attr num_mapped_pages) $(attr num_mapped_pages "$O")" "0 300"
	set_attr rmfile "$F" "$O"
	assert_equal "$(attr num_mapped_pages "$O")" 0
	set_attr addfile "$F"
	tells p unmap m
	assert_equal "$(attr num_mapped_pages) $(attr num_file_pages)" "0 300"
}

@test "addfile of a file that is owned already changes nothing" {
	cached "$F"
	set_attr addfile "$F"
	assert_equal "$(put_value addfile "$F")" ok
	assert_equal "$(attr num_files) $(attr num_file_pages)" "1 300"
}

@test "addfile of tmpfs files works as well" {
	hold <<<"write $T 300"
	set_attr addfile "$T"
	assert_equal "$(attr num_files) $(attr num_file_pages)" "1 300"
	set_attr rmfile "$T"
	assert_equal "$(attr num_files) $(attr num_file_pages)" "0 0"
}

@test "addfile of what is no regular file is refused with EINVAL" {
	mkfifo "$T"
	assert_equal "$(put_value addfile /mnt/disk)" EINVAL
	assert_equal "$(put_value addfile "$T")" EINVAL
	assert_equal "$(put_value addfile /dev/null)" EINVAL
	assert_equal "$(put_value addfile "$(findmnt -no SOURCE /mnt/disk)")" EINVAL
	assert_equal "$(attr num_files)" 0
}

@test "addfile and rmfile of what is not there are refused with ENOENT" {
	assert_equal "$(put_value addfile "$F-missing")" ENOENT
	assert_equal "$(put_value rmfile "$F-missing")" ENOENT
	assert_equal "$(put_value addfile /mnt/disk/lost+found/x/y)" ENOENT
	touch "$F"
	assert_equal "$(put_value addfile "$F/x")" ENOTDIR
}

@test "rmfile of a file that the container does not own is refused with ENOENT" {
	cached "$F"
	assert_equal "$(put_value rmfile "$F")" ENOENT
	set_attr addfile "$F" "$O"
	assert_equal "$(put_value rmfile "$F")" ENOENT
	assert_equal "$(attr num_file_pages "$O")" 300
}

@test "a symbolic link stands for the file, a hard link is the file" {
	cached "$F"
	ln -s "$F" "$F-soft"
	ln "$F" "$F-hard"
	set_attr addfile "$F-soft"
	assert_equal "$(attr num_files) $(attr num_file_pages)" "1 300"
	set_attr addfile "$F-hard"
	assert_equal "$(attr num_files) $(attr num_file_pages)" "1 300"
	set_attr rmfile "$F-hard"
	assert_equal "$(attr num_files)" 0
}

@test "a path is one in the writer's root and directory" {
	cached "$F"
	cd /mnt/disk
	set_attr addfile "$BATS_TEST_NUMBER"
	cd /
	assert_equal "$(attr num_file_pages)" 300
	mkdir -p /dev/shm/root/c
	cp "$BIN/put" /dev/shm/root/
	mount --bind "$C" /dev/shm/root/c
	run chroot /dev/shm/root /put /c/addfile <<<"/put"
	umount /dev/shm/root/c
	assert_output ok
	assert_equal "$(attr num_files)" 2
	rm -r /dev/shm/root
}

@test "mappings tells pages, device, inode and path" {
	cached "$F"
	set_attr addfile "$F"
	assert_equal "$(attr mappings)" \
		"300 $(mountpoint -d /mnt/disk) $(stat -c %i "$F") /$BATS_TEST_NUMBER"
}

@test "mappings escapes white space and backslashes in a path" {
	touch "$F a	b\\c"$'\nd\re\vf\fg'
	# in one write: echo does one a line
	assert_equal "$(printf %s "$F a	b\\c"$'\nd\re\vf\fg' | put "$C/addfile")" ok
	run cat "$C/mappings"
	assert_equal "${#lines[@]}" 1
	assert_output --partial " /$BATS_TEST_NUMBER"'\040a\011b\134c\012d\015e\013f\014g'
}

@test "mappings follows a rename and knows a deleted file without a path" {
	touch "$F"
	set_attr addfile "$F"
	mv "$F" "$F-new"
	run cat "$C/mappings"
	assert_output --partial " /$BATS_TEST_NUMBER-new"
	hold_start p
	tells p open "$F-new"
	rm "$F-new"
	run cat "$C/mappings"
	assert_output --regexp ' -$'
}

@test "a deleted file leaves no trace" {
	hold_in "$C" "write $F 300"
	assert_equal "$(attr num_files)" 1
	rm "$F"
	assert_equal "$(attr num_files) $(attr num_file_pages)" "0 0"
	assert_equal "$(attr mappings)" ''
}

@test "a deleted file that is open stays until it is closed" {
	hold_start p
	hold_in "$C" "write $F 300"
	tells p open "$F"
	rm "$F"
	assert_equal "$(attr num_files) $(attr num_file_pages)" "1 300"
	let_go p
	assert_equal "$(attr num_files) $(attr num_file_pages)" "0 0"
}

@test "an inode that is evicted leaves no trace, and is nobody's afterwards" {
	hold_in "$C" "write $F 300"
	# the inode as well: a dirty one stays
	sync
	no_files() {
		echo 3 >/proc/sys/vm/drop_caches
		[ "$(attr num_files)" = 0 ]
	}
	wait_until 20 no_files
	assert_equal "$(attr num_file_pages)" 0
	hold_in "$O" "read $F"
	assert_equal "$(attr num_file_pages "$O")" 300
}

@test "umount of a file system takes its files out" {
	mount_fs
	hold_in "$C" "write /run/fs/a 300"
	hold_in "$C" "write /run/fs/b 300"
	assert_equal "$(attr num_files) $(attr num_file_pages)" "2 600"
	umount /run/fs
	assert_equal "$(attr num_files) $(attr num_file_pages)" "0 0"
}

@test "umount never fails because of kcontainerd" {
	mount_fs
	set_attr page_limit 200
	for _ in 1 2 3 4 5 6; do
		hold_in "$C" "write /run/fs/a 2000"
		hold_in "$C" "write /run/fs/b 2000"
		umount /run/fs
		assert_equal "$(attr num_files)" 0
		mount "$LOOP" /run/fs
	done
	umount /run/fs
}

@test "files are free for others after rmdir" {
	mkdir "$C-gone"
	on_disk "$F"
	hold_in "$C-gone" "read $F"
	rmdir "$C-gone"
	assert_equal "$(resident "$F")" 300
	drain
	hold_in "$C" "read $F"
	assert_equal "$(attr num_files) $(attr num_file_pages)" "1 300"
}

@test "directories and what a file system keeps for itself are nobody's" {
	mkdir "$F"
	touch "$F"/{1..50}
	drain
	enter "$C" ls -l "$F" >/dev/null
	run grep -E " /$BATS_TEST_NUMBER(/|$)" "$C/mappings"
	assert_output ''
}

@test "on overlayfs the file beneath is the one that is owned" {
	rm -f /root/overlay-test
	hold <<<"write /root/overlay-test 100"
	set_attr addfile /root/overlay-test
	assert_equal "$(attr num_files) $(attr num_file_pages)" "1 100"
	set_attr rmfile /root/overlay-test
	assert_equal "$(attr num_files) $(attr num_file_pages)" "0 0"
	rm /root/overlay-test
}

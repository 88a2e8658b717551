#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# Ownership of files: who gets one, addfile and rmfile, and that neither the
# file's end nor its file system's is in anybody's way. And memory in files: whose
# task brings a page in, that container is charged for it.
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

# mapping PAGES PATH: the line for a file that is the first level of its file system.
mapping() {
	local dev

	dev=$(findmnt -no MAJ:MIN -T "${2%/*}")
	echo "$1 ${dev// /} $(stat -c %i "$2") /${2##*/}"
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
	assert_equal "$(attr rss_usage)" 300
	assert_equal "$(attr mappings)" "$(mapping 300 "$T")"
	set_attr rmfile "$T"
	assert_equal "$(attr num_files) $(attr num_file_pages)" "0 0"
	assert_equal "$(attr mappings)" ''
	assert_equal "$(put_value rmfile "$T")" ENOENT
}

@test "two containers have memory in one tmpfs file, and each is told of its own" {
	truncate -s 1600K "$T"
	hold_start p "$C"
	hold_start q "$O"
	tells p map t "$T" 400 shared
	tells q map t "$T" 400 shared
	tells p touch t 100
	# the first hundred are there
	tells q touch t
	tells p look t
	assert_equal "$(attr num_file_pages) $(attr num_file_pages "$O")" "100 300"
	assert_equal "$(attr num_mapped_pages) $(attr num_mapped_pages "$O")" "100 300"
	assert_equal "$(attr mappings)" "$(mapping 100 "$T")"
	assert_equal "$(attr mappings "$O")" "$(mapping 300 "$T")"
	assert_equal "$(attr num_files) $(attr num_files "$O")" "0 0"

	# the last of the pages of one are gone, and those of the other are not
	truncate -s 400K "$T"
	drain_batches
	assert_equal "$(attr num_file_pages) $(attr num_file_pages "$O")" "100 0"
	assert_equal "$(attr mappings "$O")" ''
	let_go p
	let_go q
	rm "$T"
	drain_batches
	assert_equal "$(attr num_file_pages) $(attr mappings)" "0 "
}

@test "who has a page in a tmpfs file is not charged for what others add" {
	truncate -s 4000K "$T"
	hold_start p
	hold_start q "$C"
	tells p map t "$T" 1000 shared
	tells q map t "$T" 1000 shared
	tells q look t 1
	tells p touch t
	assert_equal "$(attr num_file_pages) $(attr num_files)" "1 0"
	assert_equal "$(attr mappings)" "$(mapping 1 "$T")"
	# nor does who comes later take anything away
	hold_in "$O" "read $T"
	assert_equal "$(attr num_file_pages) $(attr num_file_pages "$O")" "1 0"
}

@test "who is named for a tmpfs file is charged for it while there is room" {
	touch "$T"
	set_attr rss_limit 100
	set_attr addfile "$T"
	hold_in "$O" "write $T 300"
	assert_equal "$(attr num_file_pages) $(attr num_file_pages "$O")" "100 200"
	assert_equal "$(attr mappings)" "$(mapping 100 "$T")"
	assert_equal "$(attr mappings "$O")" "$(mapping 200 "$T")"
	assert_equal "$(attr num_files) $(attr num_files "$O")" "1 0"
	# nothing has failed there, and nobody has waited
	assert_equal "$(attr rss_failcnt) $(attr rss_reclaimed)" "0 0"

	# where there is room again, it is charged again
	truncate -s 0 "$T"
	hold <<<"write $T 120"
	drain_batches
	assert_equal "$(attr num_file_pages) $(attr num_file_pages "$O")" "100 0"
}

# fails_at_rss_limit FILE: p gets an error, and is not killed, where what it writes to
# a new file does not fit.
fails_at_rss_limit() {
	# that it needs no page besides
	tells p write "$1" 1
	tell p write "$F/missing" 1
	set_attr rss_limit $(($(attr rss_usage) + 200))
	assert_equal "$(tell p write "$1" 1000)" ENOMEM
	drain_batches
	assert_equal "$(attr rss_usage)" "$(attr rss_limit)"
	assert [ "$(attr rss_failcnt)" -gt 0 ]
	assert_equal "$(attr rss_oom_kills)" 0
	set_attr rss_limit max
}

@test "a task of the container that is named fails like any other of it" {
	touch "$T"
	hold_start p "$C"
	set_attr addfile "$T"
	fails_at_rss_limit "$T"
	assert_equal "$(attr mappings)" "$(mapping "$(attr num_file_pages)" "$T")"
}

@test "addfile takes of a tmpfs file what there is room for, and leaves the rest" {
	hold_in "$O" "write $T 300"
	set_attr rss_limit 100
	set_attr addfile "$T"
	assert_equal "$(attr num_file_pages) $(attr num_file_pages "$O")" "100 200"
	set_attr rss_limit max
	set_attr addfile "$T"
	assert_equal "$(attr num_file_pages) $(attr num_file_pages "$O")" "300 0"
	assert_equal "$(attr mappings "$O")" ''

	# another is named: the first has it no longer
	set_attr addfile "$T" "$O"
	assert_equal "$(attr num_files) $(attr num_files "$O")" "0 1"
	assert_equal "$(attr num_file_pages) $(attr num_file_pages "$O")" "0 300"
	assert_equal "$(put_value rmfile "$T")" ENOENT
}

@test "rmfile of a tmpfs file lets go of its memory for who may do as they like" {
	local fd

	hold <<<"write $T 300"
	chown 1000 "$T"
	chown -R 1000 "$C"
	set_attr addfile "$T"
	# else this would be a way out of rss_limit
	run setpriv --reuid=1000 --regid=1000 --clear-groups put "$C/rmfile" <<<"$T"
	assert_output ok
	assert_equal "$(attr num_files) $(attr num_file_pages)" "0 300"
	assert_equal "$(attr mappings)" "$(mapping 300 "$T")"

	# who has opened it counts, and who writes to it
	set_attr addfile "$T"
	run put --opened-by 1000 "$C/rmfile" <<<"$T"
	assert_output ok
	assert_equal "$(attr num_files) $(attr num_file_pages)" "0 300"
	set_attr addfile "$T"
	exec {fd}>"$C/rmfile"
	setpriv --reuid=1000 --regid=1000 --clear-groups bash -c "printf %s '$T' >&$fd"
	exec {fd}>&-
	assert_equal "$(attr num_files) $(attr num_file_pages)" "0 300"

	set_attr addfile "$T"
	set_attr rmfile "$T"
	assert_equal "$(attr num_files) $(attr num_file_pages)" "0 0"
}

@test "rmfile of a file on a disk lets go of its pages, whoever's it is" {
	cached "$F"
	chown 1000 "$F"
	chown -R 1000 "$C"
	set_attr addfile "$F"
	run setpriv --reuid=1000 --regid=1000 --clear-groups put "$C/rmfile" <<<"$F"
	assert_output ok
	assert_equal "$(attr num_files) $(attr num_file_pages)" "0 0"
}

@test "pages of a ramfs are held memory of who brings them in" {
	mkdir -p /run/fs
	mount -t ramfs ramfs /run/fs
	hold_in "$C" "write /run/fs/a 300"
	hold_in "$O" "write /run/fs/b 200"
	assert_equal "$(attr num_file_pages) $(attr num_file_pages "$O")" "300 200"
	assert_equal "$(attr rss_usage) $(attr rss_usage "$O")" "300 200"
	assert_equal "$(attr num_files)" 0
	assert_equal "$(attr mappings)" "$(mapping 300 /run/fs/a)"
	# nothing can take them
	drain
	set_attr shrink 0 || true
	assert_equal "$(attr num_file_pages)" 300

	# and so the limit holds
	hold_start p "$C"
	fails_at_rss_limit /run/fs/c
	let_go p
	umount /run/fs
	drain_batches
	assert_equal "$(attr num_file_pages) $(attr num_file_pages "$O")" "0 0"
}

@test "a long symbolic link on a tmpfs is a page of held memory" {
	local target

	target=$(printf 'x%.0s' {1..200})
	# all that this reads is cached then
	ln -s "$target" "$T"
	rm "$T"
	enter "$C" ln -s "$target" "$T"
	assert_equal "$(attr num_file_pages) $(attr rss_usage)" "1 1"
	assert_equal "$(attr mappings)" "$(mapping 1 "$T")"
	rm "$T"
	drain_batches
	assert_equal "$(attr num_file_pages) $(attr mappings)" "0 "
}

# A grace period each would be 16 ms, or more where somebody else has just begun one.
@test "addfile and rmfile take no longer than it takes to find a file" {
	local dir took

	mkdir "$F" "$T"
	for dir in "$F" "$T"; do
		hold <<<"files $dir 200" >/dev/null
		run python3 -c '
import statistics, sys, time
def took(name, i):
    start = time.monotonic()
    with open(sys.argv[1] + "/" + name, "w") as f: f.write(sys.argv[2] + "/f%d" % i)
    return time.monotonic() - start
for name in "addfile", "rmfile":
    print(round(statistics.median([took(name, i) for i in range(200)]) * 1e6), end=" ")' \
			"$C" "$dir"
		assert_success
		echo "us, half of them: $output"
		for took in $output; do
			assert [ "$took" -lt $((3000 * ${SLOW:-1})) ]
		done
	done
	assert_equal "$(attr num_files)" 0
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
	cp "$HELPERS/put" /dev/shm/root/
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

@test "mappings is read by the owner of the directory, and nobody else" {
	mkdir -m 700 "$F"
	hold_in "$C" "write $F/secret 1"
	assert_equal "$(stat -c %a "$C/mappings")" 400
	run setpriv --reuid=65534 --regid=65534 --clear-groups cat "$C/mappings"
	assert_failure
	assert_output --partial 'Permission denied'
	chown -R 65534 "$C"
	run setpriv --reuid=65534 --regid=65534 --clear-groups cat "$C/mappings"
	assert_success
	assert_output --partial "/secret"
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

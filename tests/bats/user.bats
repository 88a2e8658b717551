#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# Who may do what: a user who owns a container's directory adds what is theirs
# and nothing else.
#
# vm: --mem 512M --smp 2 --disk 128M
# kernels: base

load common

setup_file() { common_setup_file bomb; }

setup() {
	common_setup
	chown -R 1000 "$C"
	F=/mnt/disk/$BATS_TEST_NUMBER
}

teardown() {
	common_teardown
	rm -f "$F" "/dev/shm/$BATS_TEST_NUMBER"
}

# A process of that user: its pid is in USER_PID.
run_as() {
	# not through as: a function has a process of its own
	setpriv --reuid "$1" --regid "$1" --clear-groups hold --sleep 3>&- &
	USER_PID=$!
	wait_until 20 grep -q "^Uid:.$1" "/proc/$USER_PID/status"
	wait_until 20 grep -q hold "/proc/$USER_PID/comm"
}

end_user() {
	kill "$USER_PID"
	wait "$USER_PID" || true
}

@test "a user without the directory changes nothing" {
	local name

	for name in addtask rmtask tasks addfile rmfile kill page_limit task_limit over_limit \
		rss_peak usage_peak tasks_peak; do
		assert_equal "$name $(put_as 1001 $name 1)" "$name open: EACCES"
	done
	run as 1001 rmdir "$C"
	assert_failure
	run as 1001 mkdir "$ROOT/mine"
	assert_failure
}

# forked WORDS...: a child of p that does these; its pid is in USER_PID
forked() {
	local said

	said=$(tell p child "$*")
	USER_PID=${said%% *}
	assert_equal "${said#* }" ok
}

@test "who is not capable brings nothing along that is another process's as well" {
	hold_start p
	tells p anon a 500
	tells p touch a
	# of root's, as those of a daemon that serves users
	forked 'uid 1000'
	assert_equal "$(put_as 1000 addtask "$USER_PID")" ok
	assert [ "$(attr num_anon_pages)" -lt 100 ]
	assert_equal "$(put_as 1000 rmtask "$USER_PID")" ok
	# what it alone has comes along
	forked 'uid 1000; anon b 300; touch b'
	assert_equal "$(put_as 1000 addtask "$USER_PID")" ok
	assert [ "$(attr num_anon_pages)" -ge 300 ]
	assert [ "$(attr num_anon_pages)" -lt 400 ]
	# and root is asked for no more than that there is nobody else who pays
	assert_equal "$(put_as 1000 rmtask "$USER_PID")" ok
	set_attr addtask "$USER_PID"
	assert [ "$(attr num_anon_pages)" -ge 800 ]
}

@test "who is not capable brings no memory of another user's file along" {
	local file=/dev/shm/$BATS_TEST_NUMBER

	hold_start p
	tells p write "$file" 500
	chmod 666 "$file"
	forked "uid 1000; map m $file 500 shared; touch m"
	assert_equal "$(put_as 1000 addtask "$USER_PID")" ok
	assert_equal "$(attr num_file_pages)" 0
	assert_equal "$(put_as 1000 rmtask "$USER_PID")" ok
	# nor by a descriptor that root has opened
	as 1000 bash -c "echo $USER_PID >&4" 4>"$C/addtask"
	assert_equal "$(attr num_tasks) $(attr num_file_pages)" '1 0'
	assert_equal "$(put_as 1000 rmtask "$USER_PID")" ok
	chown 1000 "$file"
	assert_equal "$(put_as 1000 addtask "$USER_PID")" ok
	assert_equal "$(attr num_file_pages)" 500
}

@test "everybody may read" {
	run as 1001 cat "$C/num_tasks" "$C/tasks" "$C/stat" "$C/page_limit"
	assert_success
}

@test "but what people have open only the owner" {
	hold <<<"write $F 100"
	set_attr addfile "$F"
	run as 1001 cat "$C/mappings"
	assert_failure
	assert_output --partial 'Permission denied'
	run as 1000 cat "$C/mappings"
	assert_success
	assert_output --partial " /$BATS_TEST_NUMBER"
	# not before chown, either
	mkdir "$C-x"
	run as 1000 cat "$C-x/mappings"
	assert_failure
}

@test "the owner sets limits" {
	assert_equal "$(put_as 1000 page_limit 1000)" ok
	assert_equal "$(put_as 1000 task_limit 10)" ok
	assert_equal "$(put_as 1000 over_limit deactivate)" ok
	assert_equal "$(attr page_limit) $(attr task_limit) $(attr over_limit)" "1000 10 deactivate"
}

@test "the owner may not change the defaults" {
	run as 1000 sh -c "echo 1 >$ROOT/default_page_limit"
	assert_failure
	assert_equal "$(cat "$ROOT/default_page_limit")" max
}

@test "the owner adds and removes processes of theirs" {
	run_as 1000
	assert_equal "$(put_as 1000 addtask "$USER_PID")" ok
	assert_equal "$(attr tasks)" "$USER_PID"
	assert_equal "$(put_as 1000 rmtask "$USER_PID")" ok
	assert_equal "$(attr num_tasks)" 0
	assert_equal "$(put_as 1000 tasks "$USER_PID")" ok
	assert_equal "$(attr num_tasks)" 1
	end_user
}

@test "the owner may not add or remove another's process" {
	run_as 1001
	assert_equal "$(put_as 1000 addtask "$USER_PID")" EPERM
	assert_equal "$(put_as 1000 tasks "$USER_PID")" EPERM
	assert_equal "$(put_as 1000 addtask 1)" EPERM
	assert_equal "$(put_as 1000 addtask $$)" EPERM
	assert_equal "$(attr num_tasks)" 0
	set_attr addtask "$USER_PID"
	assert_equal "$(put_as 1000 rmtask "$USER_PID")" EPERM
	assert_equal "$(attr tasks)" "$USER_PID"
	end_user
}

@test "the owner may not move another's process by one that shares its memory" {
	local sharer

	# as between vfork and exec, where a daemon starts what is to be the user's
	hold_start p
	sharer=$(tell p sharer 1000)
	assert_equal "$(stat -c %u "/proc/$sharer")" 1000
	assert_equal "$(put_as 1000 addtask "$sharer")" EPERM
	assert_equal "$(attr num_tasks)" 0
	set_attr addtask "$sharer"
	assert_equal "$(attr num_tasks)" 2
	assert_equal "$(put_as 1000 rmtask "$sharer")" EPERM
	assert_equal "$(attr num_tasks)" 2
}

@test "the owner adds and removes files of theirs" {
	hold <<<"write $F 100"
	chown 1000 "$F"
	assert_equal "$(put_as 1000 addfile "$F")" ok
	assert_equal "$(attr num_file_pages)" 100
	assert_equal "$(put_as 1000 rmfile "$F")" ok
	assert_equal "$(attr num_file_pages)" 0
}

@test "the owner may not add or remove another's file" {
	hold <<<"write $F 100"
	chown 1001 "$F"
	chmod 666 "$F"
	assert_equal "$(put_as 1000 addfile "$F")" EPERM
	assert_equal "$(put_as 1000 addfile /etc/passwd)" EPERM
	assert_equal "$(attr num_files)" 0
	set_attr addfile "$F"
	assert_equal "$(put_as 1000 rmfile "$F")" EPERM
	assert_equal "$(attr num_file_pages)" 100
}

@test "the owner does not get rid of held memory by rmfile" {
	T=/dev/shm/$BATS_TEST_NUMBER
	hold_start p "$C"
	tells p write "$T" 100
	chown 1000 "$T"
	assert_equal "$(put_as 1000 addfile "$T")" ok
	assert_equal "$(attr num_file_pages) $(attr num_files)" '100 1'
	assert_equal "$(put_as 1000 rmfile "$T")" ok
	assert_equal "$(attr num_file_pages) $(attr num_files)" '100 0'
	# it was not named any more
	assert_equal "$(put_value rmfile "$T")" ENOENT
	# nor by having root's program write it
	set_attr addfile "$T"
	assert_equal "$(printf %s "$T" | put --opened-by 1000 "$C/rmfile")" ok
	assert_equal "$(attr num_file_pages)" 100
	# root does
	set_attr addfile "$T"
	assert_equal "$(put_value rmfile "$T")" ok
	assert_equal "$(attr num_file_pages) $(attr num_files)" '0 0'
}

@test "nor may the owner have a program of root's write it for them" {
	run_as 1001
	hold <<<"write $F 100"
	lend() {
		printf %s "$2" | put --opened-by 1000 "$C/$1"
	}
	for name in addtask tasks; do
		assert_equal "$name $(lend $name "$USER_PID")" "$name EPERM"
		assert_equal "$name $(lend $name $$)" "$name EPERM"
	done
	assert_equal "$(lend addfile "$F")" EPERM
	set_attr addtask "$USER_PID"
	set_attr addfile "$F"
	assert_equal "$(lend rmtask "$USER_PID")" EPERM
	assert_equal "$(lend rmfile "$F")" EPERM
	assert_equal "$(attr tasks) $(attr num_file_pages)" "$USER_PID 100"
	end_user
	# what they may do themselves they may have done
	run_as 1000
	chown 1000 "$F"
	assert_equal "$(lend addtask "$USER_PID")" ok
	assert_equal "$(lend rmfile "$F")" ok
	end_user
}

@test "nor write it themselves to what root has opened" {
	run_as 1001
	hold <<<"write $F 100"
	chown 1001 "$F"
	for name in addtask tasks addfile; do
		case $name in
		addfile) value=$F ;;
		*) value=$USER_PID ;;
		esac
		run as 1000 bash -c "echo $value >&4" 4>"$C/$name"
		assert_failure
		assert_output --partial 'Operation not permitted'
	done
	assert_equal "$(attr num_tasks) $(attr num_files)" '0 0'
	end_user
}

# A process that is another user's, in the container: its pid is in OTHER_PID.
other_in() {
	run_as "$1"
	OTHER_PID=$USER_PID
	set_attr addtask "$OTHER_PID"
}

# is_alive PID: it is not dead, nor about to be.
is_alive() {
	sleep 0.1
	[ -d "/proc/$1" ] && ! grep -q '^State:.*[ZX]' "/proc/$1/status"
}

@test "the owner kills processes of theirs, and not another's" {
	other_in 1001
	assert_equal "$(put_as 1000 kill 9)" EPERM
	assert_equal "$(put_as 1000 kill 0)" EPERM
	assert_equal "$(put_as 1000 kill 15)" EPERM
	is_alive "$OTHER_PID"
	other_in 0
	assert_equal "$(put_as 1000 kill 9)" EPERM
	is_alive "$OTHER_PID"
	run_as 1000
	set_attr addtask "$USER_PID"
	assert_equal "$(put_as 1000 kill 0)" ok
	# those that they may, and that is no error
	assert_equal "$(put_as 1000 kill 9)" ok
	wait_gone "$USER_PID"
	is_alive "$OTHER_PID"
	assert_equal "$(attr num_tasks)" 2
	assert_equal "$(put_as 1000 kill 9)" EPERM
	assert_equal "$(put_value kill 9)" ok
	wait_until 20 has_tasks 0
}

@test "nor another's child that cannot be seen yet" {
	local stop=/sys/kernel/debug/containers/stop parent

	# nobody joins while a fork is under way
	run_as 1000
	set_attr addtask "$USER_PID"
	bomb "$C" 10 1 $stop -4 3>&- &
	parent=$!
	wait_until 20 grep -q '^waits fork: done' $stop
	assert_equal "$(put_as 1000 kill 9)" ok
	wait_gone "$USER_PID"
	# it is let go by root, who kills the parent only
	kill -9 "$parent"
	wait_gone "$parent"
	sleep 0.2
	assert_equal "$(attr num_tasks)" 1
}

@test "nor with a program of root's, nor with what root has opened" {
	other_in 1001
	assert_equal "$(printf 9 | put --opened-by 1000 "$C/kill")" EPERM
	run as 1000 bash -c "echo 9 >&4" 4>"$C/kill"
	assert_failure
	assert_output --partial 'Operation not permitted'
	is_alive "$OTHER_PID"
	# what they may do themselves they may have done
	run_as 1000
	set_attr addtask "$USER_PID"
	assert_equal "$(printf 9 | put --opened-by 1000 "$C/kill")" ok
	wait_gone "$USER_PID"
	is_alive "$OTHER_PID"
	kill -9 "$OTHER_PID"
	wait_until 20 has_tasks 0
}

@test "CAP_KILL is for all, and CAP_SYS_RESOURCE is not" {
	other_in 1001
	capable() {
		printf 9 | setpriv --reuid 1000 --regid 1000 --clear-groups \
			--inh-caps "+$1" --ambient-caps "+$1" put "$C/kill"
	}
	assert_equal "$(capable sys_resource)" EPERM
	is_alive "$OTHER_PID"
	assert_equal "$(capable kill)" ok
	wait_until 20 has_tasks 0
}

@test "the owner learns nothing of files that they cannot reach" {
	mkdir -m 700 "$F-dir"
	touch "$F-dir/there"
	assert_equal "$(put_as 1000 addfile "$F-dir/there")" EACCES
	assert_equal "$(put_as 1000 addfile "$F-dir/missing")" EACCES
	rm -r "$F-dir"
}

@test "CAP_SYS_RESOURCE adds everybody's" {
	run_as 1001
	hold <<<"write $F 100"
	chown 1001 "$F"
	cap() {
		printf %s "$2" | setpriv --reuid 1000 --regid 1000 --clear-groups \
			--inh-caps +sys_resource --ambient-caps +sys_resource put "$C/$1"
	}
	assert_equal "$(cap addtask "$USER_PID")" ok
	assert_equal "$(cap addfile "$F")" ok
	assert_equal "$(attr num_tasks) $(attr num_files)" "1 1"
	end_user
}

@test "a user's file that a container owns still opens and reads for others" {
	hold <<<"write $F 100"
	chown 1000 "$F"
	assert_equal "$(put_as 1000 addfile "$F")" ok
	assert_equal "$(put_as 1000 page_limit 0)" ok
	for _ in 1 2 3; do
		assert_equal "$(as 1001 hold <<<"read $F")" ok
	done
	assert_equal "$(attr num_files)" 1
}

# A process of user 1000 with 800 pages: its pid is in USER_PID.
has_800_pages() {
	rm -f "$BATS_TEST_TMPDIR/said"
	setpriv --reuid 1000 --regid 1000 --clear-groups python3 -c '
import mmap, time
m = mmap.mmap(-1, 800 << 12, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
for i in range(800): m[i << 12] = 1
print("ready", flush=True)
time.sleep(100)' >"$BATS_TEST_TMPDIR/said" 3>&- &
	USER_PID=$!
	wait_until 20 grep -q ready "$BATS_TEST_TMPDIR/said"
}

# anonymous_of PID: pages
anonymous_of() {
	awk '/^Anonymous:/ { print $2 / 4 }' "/proc/$1/smaps_rollup"
}

@test "what a user moves in has its room kept until it is there" {
	local stop=/sys/kernel/debug/containers/stop writer has

	has_800_pages
	has=$(anonymous_of "$USER_PID")
	hold_start p "$C"
	tells p anon b 900
	tells p touch b 1
	echo -1000 >"/proc/$USER_PID/oom_score_adj"
	drain_batches
	set_attr rss_limit $(($(attr rss_usage) + has + 300))
	# the sixth point is the one where it is in, and its pages are not yet
	setpriv --reuid 1000 --regid 1000 --clear-groups bash -c '
		echo -6 >&9; printf %s "$1" >"$2/addtask"' - "$USER_PID" "$C" 9>"$stop" 3>&- &
	writer=$!
	wait_until 20 grep -q "waits move: unlocked" "$stop"
	with_peak tell p touch b
	wait_gone "$p"
	assert [ "$PEAK" -le $(($(attr rss_limit) - has + 32)) ]
	kill -9 "$writer"
	wait "$writer" || true
	end_user
}

# One with 2048 pages of ramfs.
has_ramfs() {
	local said=$BATS_TEST_TMPDIR/said

	setpriv --reuid 1000 --regid 1000 --clear-groups unshare -Urm bash -c '
		mount -t ramfs none /mnt; head -c 8M /dev/zero >/mnt/f
		exec python3 -c "
import mmap, os, time
m = mmap.mmap(os.open(\"/mnt/f\", os.O_RDWR), 8 << 20)
for i in range(2048): m[i << 12]
print(\"ready\", flush=True)
time.sleep(100)"' >"$said" 3>&- &
	wait_until 20 grep -q ready "$said"
	USER_PID=$(pgrep -n -u 1000 python3)
}

@test "of memory that cannot be swapped a user moves in what fits" {
	has_ramfs
	set_attr rss_limit $(($(anonymous_of "$USER_PID") + 1000))
	with_peak put_as 1000 addtask "$USER_PID"
	assert_output ok
	assert [ "$(attr num_file_pages)" -ge 800 ]
	assert [ "$PEAK" -le $(($(attr rss_limit) + 8)) ]
	assert_equal "$(attr rss_oom_kills)" 0
	kill "$USER_PID"
	wait || true
}

@test "what a user moves in has to fit, and what root moves in need not" {
	has_800_pages
	set_attr rss_limit 500
	assert_equal "$(put_as 1000 addtask "$USER_PID")" ENOMEM
	assert_equal "$(attr num_tasks) $(attr rss_usage)" '0 0'
	set_attr rss_limit 10000
	assert_equal "$(put_as 1000 addtask "$USER_PID")" ok
	assert [ "$(attr num_anon_pages)" -ge 800 ]
	end_user
	set_attr rss_limit 500
	has_800_pages
	set_attr addtask "$USER_PID"
	assert [ "$(attr num_anon_pages)" -ge 800 ]
	end_user
}

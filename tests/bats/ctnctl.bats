#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# ctnctl on the real tree. What it makes of its options and of odd values is
# tested without a kernel, in tools/ctnctl/tests/.
#
# vm: --mem 512M --smp 2 --disk 256M --swap 128M
# kernels: base

bats_require_minimum_version 1.5.0
load common

setup_file() { common_setup_file; }

setup() {
	common_setup
	CTN=${CTNCTL:-$BATS_TEST_DIRNAME/../../build/ctnctl/ctnctl}
	N=${C##*/}
	F=/mnt/disk/$BATS_TEST_NUMBER
}

teardown() {
	common_teardown
	rm -f "$F"
}

@test "create makes a container with limits, delete removes it" {
	run "$CTN" create --page-limit 64M --task-limit 100 --over-limit deactivate "$N-x"
	assert_success
	assert_equal "$(attr page_limit "$C-x") $(attr task_limit "$C-x") $(attr over_limit "$C-x")" \
		"16384 100 deactivate"
	run "$CTN" delete "$N-x"
	assert_success
	assert [ ! -e "$C-x" ]
}

@test "create of what is there already fails" {
	run "$CTN" create "$N"
	assert_failure 1
}

@test "run runs a program in a container, with its status" {
	# shellcheck disable=SC2016
	run "$CTN" run "$N" -- sh -c 'grep -cx $$ "$0/tasks"; exit 7' "$C"
	assert_failure 7
	assert_output 1
	assert_equal "$(attr num_tasks)" 0
}

@test "run makes the container and sets its limits before the program starts" {
	run "$CTN" run --task-limit 5 "$N-new" -- hold <<<"forks 20"
	assert_success
	assert_output '4 EAGAIN'
	assert [ -d "$C-new" ]
}

@test "list shows what the kernel counts" {
	hold_start p "$C"
	tells p anon a 512
	tells p touch a
	tells p write "$F" 256
	drain_batches
	run "$CTN" list -nrbo NAME,ID,TASKS,FILES,ANON,FILE,LIMIT "$N"
	assert_success
	assert_output "$N $(attr id) 1 1 $(($(attr num_anon_pages) * 4096)) 1048576 max"
}

@test "list is sorted, and adds up, by what the kernel counts" {
	mkdir "$C-more"
	hold_start p "$C-more"
	tells p anon a 600
	tells p touch a
	drain_batches
	run "$CTN" list -nro NAME,TASKS -s -usage --total "$N" "$N-more"
	assert_success
	assert_output "$N-more 1
$N 0
total 1"
	set_attr page_limit 1 "$C"
	assert_equal "$("$CTN" list -J -o all "$N" | jq -c '[.containers[0] | .page_limit, .rss_limit]')" \
		'[1,"max"]'
}

@test "metrics are what the kernel counts, as Prometheus reads it" {
	hold_start p "$C"
	tells p anon a 300
	tells p touch a
	drain_batches
	"$CTN" metrics >"$BATS_TEST_TMPDIR/metrics"
	run "$BATS_TEST_DIRNAME/../../tools/ctnctl/tests/prometheus.py" <"$BATS_TEST_TMPDIR/metrics"
	assert_success
	assert_equal "$(jq -c --arg n "$N" '[.ctnctl_anon_bytes, .ctnctl_tasks, .ctnctl_throttled_seconds_total] |
		map(.samples[$n])' <<<"$output")" "[$(($(attr num_anon_pages) * 4096)),1,0]"
}

@test "show tells of the tasks and the files" {
	hold_start p "$C"
	tells p write "$F" 10
	run "$CTN" show -nro TID,COMMAND --tasks "$N"
	assert_output "$p hold"
	run "$CTN" show -nro PAGES,PATH --files "$N"
	assert_output "10 $F"
}

@test "set changes limits, and changes none if one is refused" {
	run "$CTN" set "$N" --page-limit 1M --task-limit 9
	assert_success
	assert_equal "$(attr page_limit) $(attr task_limit)" "256 9"
	run "$CTN" set "$N" page_limit=8M task_limit=nonsense
	assert_failure 1
	assert_equal "$(attr page_limit) $(attr task_limit)" "256 9"
}

@test "set --defaults is for those that are made later" {
	run "$CTN" set --defaults --page-limit 2M
	assert_success
	"$CTN" create "$N-later"
	assert_equal "$(attr page_limit "$C-later") $(attr page_limit)" "512 max"
}

@test "add-task and rm-task move a process, threads included" {
	hold_start p
	tells p threads 3
	run "$CTN" add-task "$N" "$p"
	assert_success
	assert_equal "$(attr num_tasks)" 4
	run "$CTN" rm-task "$N" "$p"
	assert_success
	assert_equal "$(attr num_tasks)" 0
	run "$CTN" rm-task "$N" "$p"
	assert_failure 1
	assert_output --partial "$p"
	run "$CTN" add-task "$N" 2
	assert_failure 1
}

@test "add-file and rm-file give and take a file" {
	hold <<<"write $F 100"
	run "$CTN" add-file "$N" "$F"
	assert_success
	assert_equal "$(attr num_file_pages)" 100
	run "$CTN" rm-file "$N" "$F"
	assert_success
	assert_equal "$(attr num_files)" 0
	run "$CTN" rm-file "$N" "$F"
	assert_failure 1
	run "$CTN" add-file "$N" /mnt/disk
	assert_failure 1
}

@test "a user cannot do with ctnctl what they may not" {
	cp "$CTN" "$BIN/ctnctl"
	run setpriv --reuid 1001 --regid 1001 --clear-groups \
		"$BIN/ctnctl" set "$N" --page-limit 1M
	assert_failure 1
	assert_output --partial 'Permission denied'
	run setpriv --reuid 1001 --regid 1001 --clear-groups \
		"$BIN/ctnctl" create mine
	assert_failure 1
	assert [ ! -e "$ROOT/mine" ]
}

# The lines that "watch" or "trim" has printed come to $OUT.
background() {
	OUT=$BATS_TEST_TMPDIR/out
	"$CTN" "$@" >"$OUT" 2>"$OUT.err" 3>&- &
	BACKGROUND=$!
}

# How many files does it watch?
watches() {
	[ "$(cat "/proc/$BACKGROUND/fdinfo/"* 2>/dev/null | grep -c ^inotify)" -ge "$1" ]
}

printed() {
	grep -qE -- "$1" "$OUT"
}

@test "set and show know the hard limit" {
	run "$CTN" set "$N" rss_limit=64M oom=container
	assert_success
	assert_equal "$(attr rss_limit) $(attr oom)" '16384 container'
	run "$CTN" show --json "$N"
	assert_success
	assert_equal "$(jq .rss_limit_bytes <<<"$output")" 67108864
	run "$CTN" show --stat "$N"
	assert_success
	assert_output --partial swapped_out
}

@test "set of an rss_limit that cannot be reached leaves both limits as they were" {
	set_attr page_limit 5000
	hold_start p "$C"
	tells p anon a 1000
	tells p touch a
	tells p lock a
	run "$CTN" set "$N" page_limit=4000 rss_limit=500
	assert_failure 1
	assert_output --partial 'Device or resource busy'
	assert_equal "$(attr page_limit) $(attr rss_limit)" '5000 max'
}

@test "delete says how many threads go on without, and path where it was" {
	hold_start p "$C"
	tells p threads 3
	assert_equal "$("$CTN" path "$N")" "$C"
	run "$CTN" delete "$N"
	assert_success
	assert_output --partial "$N: 4 threads go on without a container"
	assert [ ! -e "$C" ]
	mkdir "$C"
}

@test "shrink trims a container to a size" {
	hold_start p "$C"
	tells p write "$F" 2000
	tells p sync "$F"
	run "$CTN" shrink "$N" 2M
	assert_success
	assert [ "$(usage)" -le 512 ]
}

@test "shrink of what is locked is refused in one line" {
	hold_start p "$C"
	tells p anon a 1000
	tells p touch a
	tells p lock a
	run "$CTN" shrink "$N" 1M
	assert_failure 1
	assert_equal "${#lines[@]}" 1
	assert_output --partial shrink
}

@test "watch prints a line for each kind of event" {
	background watch "$N"
	wait_until 20 watches 4
	set_attr task_limit 3
	set_attr page_limit 500
	hold_start p "$C"
	tells p anon a 1000
	tells p touch a
	tell p forks 10 >/dev/null
	wait_until 20 printed "$N .*page_limit_hits"
	wait_until 20 printed "$N .*task_limit_hits"
	set_attr rss_limit 2000
	timeout 60 swapoff -a
	tells p anon b 3000
	# its children have its answers open, too
	HOLD_TIMEOUT=3 run tell p touch b
	wait_until 20 printed "$N .*rss_failcnt"
	wait_until 20 printed "$N .*rss_oom_kills"
	swapon /dev/vdb || true
	kill "$BACKGROUND"
	wait_gone "$BACKGROUND"
}

@test "watch takes in who is made later, and lets go of who is removed" {
	background watch
	wait_until 20 watches 5
	mkdir "$C-later"
	wait_until 20 watches 9
	set_attr task_limit 0 "$C-later"
	assert_equal "$(put_value addtask $$ "$C-later")" EAGAIN
	wait_until 20 printed "$N-later .*task_limit_hits"
	run timeout 10 rmdir "$C-later"
	assert_success
	for _ in 1 2 3; do
		mkdir "$C-later"
		rmdir "$C-later"
	done
	assert_equal "$(cat "$OUT.err")" ''
	kill "$BACKGROUND"
	wait_gone "$BACKGROUND"
}

@test "check says why a container stays over its limit" {
	run "$CTN" check "$N"
	assert_success
	hold_start p "$C"
	tells p anon a 1000
	tells p touch a
	tells p lock a
	set_attr page_limit 500
	run "$CTN" check "$N"
	assert_failure 1
	assert_output --partial 'over its page_limit: '
	assert_output --partial "memory is locked, the most by process $p"
}

@test "top prints rates of what the kernel does" {
	set_attr page_limit 500
	background top -b -d 1 "$N"
	wait_until 20 printed "$N"
	hold_start p "$C"
	HOLD_TIMEOUT=100 tells p write "$F" 3000
	tells p sync "$F"
	# TRIM/s, of the look that comes after it
	rated() { printed "^$N +[0-9]+ +[^ ]+ +[^ ]+ +[^ ]+ +[0-9]+ +[0-9.]+[KM] "; }
	wait_until 60 rated
	kill "$BACKGROUND"
	wait_gone "$BACKGROUND"
	assert_equal "$(cat "$OUT.err")" ''
}

@test "trim keeps a container below a watermark, and sleeps otherwise" {
	local before

	set_attr page_limit 2000
	background trim --verbose --below 50% "$N"
	wait_until 20 watches 2
	hold_start p "$C"
	# over the limit near the end: what comes after that is not told of
	HOLD_TIMEOUT=100 tells p write "$F" 2100
	below() { [ "$(usage)" -le 1200 ]; }
	wait_until 20 below
	before=$(awk '{ print $14 + $15 }' "/proc/$BACKGROUND/stat")
	sleep 1
	assert_equal "$(awk '{ print $14 + $15 }' "/proc/$BACKGROUND/stat")" "$before"
	kill "$BACKGROUND"
	wait_gone "$BACKGROUND"
}

@test "rmdir goes through while ctnctl shrinks and trims" {
	hold_start p "$C"
	tells p anon a 1000
	tells p touch a
	tells p lock a
	background trim --below 100p --interval 1 "$N"
	(while "$CTN" list "$N"; do "$CTN" shrink "$N" 100p; done) >/dev/null 2>&1 3>&- &
	begun() { grep -q '^rounds [1-9]' "$C/stat"; }
	wait_until 20 begun
	run timeout 20 rmdir "$C"
	assert_success
	kill "$BACKGROUND"
	wait_gone "$BACKGROUND"
	tells p check a
}

@test "kill ends all that are in a container, and waits for that" {
	hold_start p "$C"
	tells p threads 3
	tell p child pid
	run "$CTN" kill --wait "$N"
	assert_success
	assert_equal "$(attr num_tasks)" 0
	wait_gone "$p"
	run "$CTN" kill "$N" "$N-gone"
	assert_failure 1
	hold_start q "$C"
	run "$CTN" kill -s CONT "$N"
	assert_success
	assert_equal "$(attr num_tasks)" 1
	run setpriv --reuid 1000 --regid 1000 --clear-groups "$CTN" kill "$N"
	assert_failure 1
	assert_output --partial 'Permission denied'
	chown 1000 "$C/kill"
	run setpriv --reuid 1000 --regid 1000 --clear-groups "$CTN" kill "$N"
	assert_failure 1
	assert_output --partial "(they are other users' processes)"
	assert_equal "$(attr num_tasks)" 1
}

@test "stop gives them time, and then kills" {
	enter "$C" sleep 1000 3>&- &
	wait_until 20 has_tasks 1
	run "$CTN" stop "$N"
	assert_success
	assert_output ''
	assert_equal "$(attr num_tasks)" 0
	enter "$C" sh -c 'trap "" TERM; sleep 1000; sleep 1000' 3>&- &
	wait_until 20 has_tasks 2
	run "$CTN" stop -t 1 "$N"
	assert_success
	# that a signal is ignored is inherited
	assert_output "ctnctl: $N: 2 threads have not ended in time, and are killed"
	assert_equal "$(attr num_tasks)" 0
}

@test "which names the container of a process and of a file, whatever its name" {
	local odd=$'o\tdd \\040\nname'

	hold_start p "$C"
	run "$CTN" which "$p"
	assert_success
	assert_output "$N"
	run "$CTN" which $$
	assert_failure 1
	assert_output "ctnctl: $$: it is in no container"
	mkdir "$ROOT/$odd"
	set_attr addtask "$p" "$ROOT/$odd"
	run "$CTN" which "$p"
	assert_output 'o\x09dd \x5c040\x0aname'
	tells p write "$F" 10
	run "$CTN" which "$F" "$p"
	assert_output "$F: o\\x09dd \\x5c040\\x0aname"$'\n'"$p: o\\x09dd \\x5c040\\x0aname"
	hold <<<"write /dev/shm/$N 10"
	run "$CTN" which "/dev/shm/$N"
	assert_failure 1
	"$CTN" run "$N" hold <<<"write /dev/shm/$N 20"
	tells p write "/dev/shm/$N" 30
	run "$CTN" which "/dev/shm/$N"
	assert_equal "$(sort <<<"$output" | head -c1)" o
	rm "/dev/shm/$N"
}

@test "ps and show --tree tell who is where" {
	local child

	hold_start p "$C"
	tells p anon a 500
	tells p touch a
	child=$(tell p child pid)
	child=${child%% *}
	run "$CTN" ps -rno CONTAINER,PID,PPID,USER,STATE,COMMAND "$N"
	assert_success
	assert_line "$N $p $BASHPID root S hold"
	assert_line "$N $child $p root S hold"
	assert [ "$("$CTN" ps -J "$N" | jq .processes[0].rss_bytes)" -ge $((500 * 4096)) ]
	assert [ "$("$CTN" ps -J "$N" | jq .processes[0].pss_bytes)" -gt 0 ]
	run "$CTN" show --tree -rno NAME,PID "$N"
	assert_output "$N -
hold $p
hold $child"
}

@test "run --rm --kill leaves nothing behind" {
	run "$CTN" run --rm --kill "$N-new" -- sh -c 'sleep 1000 & sleep 1000 & exit 3'
	assert_failure 3
	assert_output ''
	assert [ ! -e "$C-new" ]
	run pgrep -f 'sleep 1000'
	assert_failure
	run "$CTN" run --rm "$N-new" -- sh -c 'sleep 3 3>&- >/dev/null 2>&1 & exit 0'
	assert_success
	assert_output "ctnctl: $N-new: 1 thread goes on without a container"
	assert [ ! -e "$C-new" ]
	run "$CTN" run --rm "$N-new" -- sh -c 'kill -9 $$'
	assert_failure 137
	assert [ ! -e "$C-new" ]
}

@test "a summary has the peaks, and what was done meanwhile" {
	run --separate-stderr "$CTN" run --rm --summary=json --page-limit 24M "$N-new" -- \
		hold <<-END
			forks 4
			write $F 9000
			anon a 2000
			touch a
		END
	assert_success
	assert [ "$(jq .rss_peak <<<"$stderr")" -ge 2000 ]
	assert [ "$(jq .usage_peak <<<"$stderr")" -ge 2000 ]
	assert_equal "$(jq .tasks_peak <<<"$stderr")" 5
	assert [ "$(jq .trimmed_pages <<<"$stderr")" -gt 0 ]
	assert [ "$(jq .usec <<<"$stderr")" -gt 0 ]
}

@test "who has opened a container does not take another of its name for it" {
	local first

	enter "$C" sh -c 'trap "" TERM; exec sleep 1000' 3>&- &
	first=$!
	wait_until 20 has_tasks 1
	background stop -t 10 "$N"
	has_it_open() { find "/proc/$BACKGROUND/fd" -lname "*/$N" | grep -q .; }
	wait_until 20 has_it_open
	sleep 0.5
	# the one that it waits for goes, and another comes
	rmdir "$C"
	mkdir "$C"
	hold_start p "$C"
	wait_gone "$BACKGROUND"
	assert_equal "$(cat "$OUT.err")" ''
	assert_equal "$(attr num_tasks)" 1
	tells p anon a 10
	kill -KILL "$first"
}

@test "configfs can be unmounted while trim and watch sleep" {
	local there=$BATS_TEST_TMPDIR/configfs

	mkdir "$there"
	mount -t configfs none "$there"
	for words in 'trim --below 50%' watch; do
		# shellcheck disable=SC2086
		background -c "$there" $words "$N"
		wait_until 20 watches 2
		run umount "$there"
		assert_success
		mount -t configfs none "$there"
		kill "$BACKGROUND"
		wait_gone "$BACKGROUND"
	done
	# and not while a container is open
	exec 5<"$there/containers/$N"
	run umount "$there"
	assert_failure
	exec 5<&-
	umount "$there"
}

@test "beancounters --failed tells what failed since, and begins anew with a container" {
	export CTN_STATE=/dev/shm/state
	rm -rf $CTN_STATE
	failed() {
		run --separate-stderr "$CTN" beancounters -rno NAME,RESOURCE,FAILCNT --failed
		assert_success
		assert_equal "$stderr" ''
	}
	failed
	assert_output ''
	"$CTN" set "$N" numproc=1
	run "$CTN" run "$N" -- sh -c '/bin/true; :'
	failed
	assert_output --regexp "^$N numproc [1-9]"
	failed
	assert_output ''
	run "$CTN" check "$N"
	assert_failure 1
	assert_output --regexp "^$N: [0-9]+ forks? or moves? w(as|ere) refused for its task_limit"
	# with --new, once
	run "$CTN" check --new "$N"
	assert_failure 1
	assert_output --regexp "^$N: [0-9]+ forks? or moves? w(as|ere) refused for its task_limit"
	run "$CTN" check --new "$N"
	assert_success
	assert_output ''
	# its id is given to the next
	"$CTN" delete "$N"
	"$CTN" create --task-limit 1 "$N"
	run "$CTN" run "$N" -- sh -c '/bin/true; :'
	failed
	assert_output --regexp "^$N numproc [1-9]"
	rm -r $CTN_STATE
}

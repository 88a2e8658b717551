#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# Membership of tasks: joining, leaving, fork and exec, task_limit.
#
# vm: --mem 512M --smp 2 --parallel

load common

setup_file() { common_setup_file; }
setup() { common_setup; }
teardown() { common_teardown; }

# The tasks of a container on one line.
tasks() {
	local lines

	mapfile -t lines <"${1:-$C}/tasks"
	echo "${lines[*]}"
}

@test "a pid written to addtask is in tasks" {
	hold_start p
	set_attr addtask "$p"
	assert_equal "$(tasks)" "$p"
	assert_equal "$(attr num_tasks)" 1
}

@test "a pid written to tasks is in tasks" {
	hold_start p
	set_attr tasks "$p"
	assert_equal "$(tasks)" "$p"
}

@test "a pid written to rmtask leaves" {
	hold_start p "$C"
	set_attr rmtask "$p"
	assert_equal "$(tasks)" ''
	assert_equal "$(attr num_tasks)" 0
}

@test "adding a process that is in already changes nothing" {
	hold_start p "$C"
	set_attr addtask "$p"
	assert_equal "$(tasks)" "$p"
	assert_equal "$(attr num_tasks)" 1
}

@test "a process moves from one container to another" {
	mkdir "$C-to"
	hold_start p "$C"
	set_attr addtask "$p" "$C-to"
	assert_equal "$(tasks)" ''
	assert_equal "$(attr num_tasks)" 0
	assert_equal "$(tasks "$C-to")" "$p"
	assert_equal "$(attr num_tasks "$C-to")" 1
}

@test "a process moves whole, threads included" {
	local tids

	hold_start p
	tells p threads 5
	tids=$(cd "/proc/$p/task" && printf '%s\n' * | sort -n)
	set_attr addtask "$p"
	assert_equal "$(cat "$C/tasks")" "$tids"
	assert_equal "$(attr num_tasks)" 6
	set_attr rmtask "$p"
	assert_equal "$(attr num_tasks)" 0
}

@test "the id of any thread stands for its process" {
	local tids

	hold_start p
	tells p threads 3
	tids=("/proc/$p/task"/*)
	set_attr addtask "${tids[-1]##*/}"
	assert_equal "$(attr num_tasks)" 4
	set_attr rmtask "${tids[-2]##*/}"
	assert_equal "$(attr num_tasks)" 0
}

@test "processes that share an mm move together" {
	local sharer

	hold_start p
	sharer=$(tell p sharer)
	set_attr addtask "$p"
	assert_equal "$(attr num_tasks)" 2
	set_attr rmtask "$sharer"
	assert_equal "$(attr num_tasks)" 0
}

@test "tasks is sorted by number" {
	hold_start p "$C"
	tells p threads 20
	sort -nc "$C/tasks"
	assert_equal "$(wc -l <"$C/tasks")" 21
}

@test "a child is in its parent's container" {
	local child

	hold_start p "$C"
	child=$(tell p child pid)
	assert_equal "$(tasks)" "$p ${child%% *}"
	assert_equal "$(attr num_tasks)" 2
	tells p reap "${child%% *}"
	assert_equal "$(tasks)" "$p"
}

@test "a new thread is in its process's container" {
	hold_start p "$C"
	tells p threads 1
	assert_equal "$(attr num_tasks)" 2
}

@test "vfork and exec keep membership" {
	local child

	hold_start p "$C"
	child=$(tell p vfork)
	assert_equal "$(tasks)" "$p $child"
	assert_equal "$(tr '\0' ' ' <"/proc/$child/cmdline")" 'hold --sleep '
}

# The child that p has made by vfork and that has not executed anything yet
vforked() {
	CHILD=$(pgrep -P "${1:-$p}")
}

@test "a child that comes from vfork is moved once it has executed, without its parent" {
	local parent in out

	# one that is written late has executed already
	for parent in p q r; do
		in=IN_$parent out=OUT_$parent
		hold_start "$parent"
		echo 'vfork 10 800' >&"${!in}"
		wait_until 20 vforked "${!parent}"
		assert_equal "$(put_value addtask "$CHILD")" ok
		read -r -t $((20 * ${SLOW:-1})) -u "${!out}" output
		assert_equal "$output" "$CHILD"
		assert_equal "$(tasks)" "$CHILD"
		assert_equal "$(tr '\0' ' ' <"/proc/$CHILD/cmdline")" 'hold --sleep 10 '
		wait_until 20 has_anon 10
		let_go "$parent"
		wait_until 20 has_tasks 0
	done
}

# has_anon PAGES, at least
has_anon() {
	[ "$(attr num_anon_pages)" -ge "$1" ]
}

@test "one that does not come to that stays out, with EAGAIN, and so does its parent" {
	local from to

	hold_start p
	echo "vfork 10 $((4000 * ${SLOW:-1}))" >&"$IN_p"
	wait_until 20 vforked
	from=${EPOCHREALTIME/./}
	assert_equal "$(put_value addtask "$CHILD")" EAGAIN
	to=${EPOCHREALTIME/./}
	assert [ $((to - from)) -ge 900000 ]
	assert [ $((to - from)) -le $((3500000 * ${SLOW:-1})) ]
	assert_equal "$(tasks)" ''
	# who waits for that can be killed
	put "$C/addtask" <<<"$CHILD" >/dev/null 3>&- &
	sleep 0.2
	kill -9 $! || true
	wait_gone $!
	# others do not wait with it
	hold_start q
	set_attr addtask "$q"
	assert_equal "$(tasks)" "$q"
	read -r -t $((20 * ${SLOW:-1})) -u "$OUT_p" output
	set_attr addtask "$p"
	assert_equal "$(tasks)" "$(printf '%s\n' "$p" "$q" | sort -n | xargs)"
}

@test "exec keeps membership" {
	hold_start p "$C"
	tells p exec
	assert_equal "$(tasks)" "$p"
}

@test "exec of a process with threads leaves one task" {
	hold_start p "$C"
	tells p threads 4
	assert_equal "$(attr num_tasks)" 5
	tells p exec
	wait_until 20 has_tasks 1
	assert_equal "$(tasks)" "$p"
}

@test "a task that exits is gone from its container" {
	hold_start p "$C"
	let_go p
	assert_equal "$(tasks)" ''
	assert_equal "$(attr num_tasks)" 0
}

@test "a task that is killed is gone from its container" {
	hold_start p "$C"
	tells p threads 10
	kill -9 "$p"
	wait_until 20 has_tasks 0
	assert_equal "$(tasks)" ''
}

@test "children stay when their parent leaves" {
	local child

	hold_start p "$C"
	child=$(tell p child pid)
	set_attr rmtask "$p"
	assert_equal "$(tasks)" "${child%% *}"
}

# where_is PID: what its /proc/PID/container says, and a "." after it
where_is() {
	cat "/proc/$1/container" && echo .
}

@test "/proc/PID/container is the name of the container, and empty in none" {
	local name=${C##*/}

	hold_start p
	assert_equal "$(where_is "$p")" .
	set_attr addtask "$p"
	assert_equal "$(where_is "$p")" "$name"$'\n.'
	mkdir "$C-to"
	set_attr addtask "$p" "$C-to"
	assert_equal "$(where_is "$p")" "$name-to"$'\n.'
	set_attr rmtask "$p" "$C-to"
	assert_equal "$(where_is "$p")" .
	set_attr addtask "$p"
	rmdir "$C"
	assert_equal "$(where_is "$p")" .
	assert_equal "$(where_is $$)" .
	mkdir "$C"
}

@test "each thread has one, a child has its parent's, a zombie has none" {
	local name=${C##*/} child tid

	hold_start p "$C"
	tells p threads 3
	for tid in "/proc/$p/task"/*; do
		assert_equal "$(where_is "$p/task/${tid##*/}")" "$name"$'\n.'
	done
	child=$(tell p child pid)
	child=${child%% *}
	assert_equal "$(where_is "$child")" "$name"$'\n.'
	kill -9 "$child"
	wait_until 20 grep -q '^State:.*Z' "/proc/$child/status"
	assert_equal "$(where_is "$child")" .
}

@test "a name cannot pass for two lines in it, nor for another's" {
	local dir=$ROOT/$'x\nweb y\t\\040z'

	mkdir "$dir" "$ROOT/$(printf '%0255d' 1)"
	hold_start p "$dir"
	assert_equal "$(where_is "$p")" 'x\012web\040y\011\134040z'$'\n.'
	set_attr addtask "$p" "$ROOT/$(printf '%0255d' 1)"
	assert_equal "$(where_is "$p")" "$(printf '%0255d' 1)"$'\n.'
}

@test "everybody may read it, as /proc/PID/cgroup" {
	hold_start p "$C"
	assert_equal "$(stat -c %A "/proc/$p/container")" -r--r--r--
	assert_equal "$(setpriv --reuid 1000 --regid 1000 --clear-groups \
		cat "/proc/$p/container")" "${C##*/}"
	# also where it has another number
	run enter "$C" unshare --pid --fork --mount-proc cat /proc/1/container
	assert_output "${C##*/}"
}

@test "it is read while containers come and go" {
	local dir name i line

	# one that is too long for the directory's own memory
	name=r$(printf '%0200d' 1)
	dir=$ROOT/$name
	hold_start p
	(
		for i in {1..40}; do
			mkdir "$dir"
			echo "$p" >"$dir/addtask"
			rmdir "$dir"
		done
		echo 'all' >"$BATS_TEST_TMPDIR/done"
	) 3>&- &
	until [ -s "$BATS_TEST_TMPDIR/done" ]; do
		# no fork for each
		for i in {1..20}; do
			read -r line <"/proc/$p/container" && echo "$line"
		done
	done >"$BATS_TEST_TMPDIR/read"
	assert_equal "$(sort -u "$BATS_TEST_TMPDIR/read")" "$name"
}

@test "a zombie is no member" {
	local child

	hold_start p "$C"
	child=$(tell p child pid)
	kill -9 "${child%% *}"
	wait_until 20 has_tasks 1
	assert_equal "$(tasks)" "$p"
	grep -q '^State:.*Z' "/proc/${child%% *}/status"
}

@test "a zombie cannot be added" {
	local child

	hold_start p
	child=$(tell p child pid)
	kill -9 "${child%% *}"
	wait_until 20 grep -q '^State:.*Z' "/proc/${child%% *}/status"
	assert_equal "$(put_value addtask "${child%% *}")" ESRCH
	assert_equal "$(attr num_tasks)" 0
}

@test "a pid that does not exist is refused with ESRCH" {
	assert_equal "$(put_value addtask 4194303)" ESRCH
	assert_equal "$(put_value tasks 4194303)" ESRCH
	assert_equal "$(put_value rmtask 4194303)" ESRCH
}

@test "rmtask of a task that is not in the container is refused with ESRCH" {
	mkdir "$C-other"
	hold_start p "$C-other"
	assert_equal "$(put_value rmtask "$p")" ESRCH
	assert_equal "$(tasks "$C-other")" "$p"
	set_attr rmtask "$p" "$C-other"
	assert_equal "$(put_value rmtask "$p" "$C-other")" ESRCH
}

@test "kernel threads are refused with EINVAL" {
	assert_equal "$(put_value addtask 2)" EINVAL
	assert_equal "$(put_value addtask "$(pgrep -o ksoftirqd)")" EINVAL
	assert_equal "$(attr num_tasks)" 0
}

@test "the writer can add itself" {
	# shellcheck disable=SC2016
	run enter "$C" sh -c 'cat "$0/tasks"' "$C"
	assert_success
	assert_equal "${#lines[@]}" 2
}

@test "a pid is one of the writer's pid namespace" {
	# shellcheck disable=SC2016
	run unshare --fork --pid --mount-proc sh -c \
		'echo $$ >"$0/addtask"; cat "$0/tasks"; echo 1 >"$0/rmtask"; cat "$0/num_tasks"' "$C"
	assert_success
	assert_line --index 0 1
	assert_line --index -1 0
}

@test "tasks of another pid namespace are not listed in it" {
	hold_start p "$C"
	run unshare --fork --pid --mount-proc cat "$C/tasks"
	assert_success
	assert_output ''
	assert_equal "$(attr num_tasks)" 1
}

@test "fork beyond task_limit fails with EAGAIN" {
	hold_start p "$C"
	set_attr task_limit 10
	assert_equal "$(tell p forks 100)" '9 EAGAIN'
	assert_equal "$(attr num_tasks)" 10
	assert_equal "$(attr task_limit_hits)" 1
}

@test "a thread beyond task_limit fails with EAGAIN" {
	hold_start p "$C"
	set_attr task_limit 4
	assert_equal "$(tell p threads 100)" '3 EAGAIN'
	assert_equal "$(attr num_tasks)" 4
}

@test "there is room again when a task has ended" {
	local child

	hold_start p "$C"
	set_attr task_limit 2
	child=$(tell p child pid)
	assert_equal "$(tell p forks 1)" '0 EAGAIN'
	tells p reap "${child%% *}"
	assert_equal "$(tell p forks 1)" '1 ok'
}

@test "a task_limit below what is there lets none be added and ends none" {
	hold_start p "$C"
	tells p threads 5
	set_attr task_limit 3
	assert_equal "$(attr num_tasks)" 6
	assert_equal "$(tell p forks 1)" '0 EAGAIN'
	set_attr task_limit max
	assert_equal "$(tell p forks 1)" '1 ok'
}

@test "a process that does not fit stays out, whole, with EAGAIN" {
	hold_start p
	tells p threads 5
	set_attr task_limit 5
	assert_equal "$(put_value addtask "$p")" EAGAIN
	assert_equal "$(attr num_tasks)" 0
	assert_equal "$(tasks)" ''
	assert_equal "$(attr task_limit_hits)" 1
	set_attr task_limit 6
	assert_equal "$(put_value addtask "$p")" ok
	assert_equal "$(attr num_tasks)" 6
}

@test "a task_limit of 0 lets nobody in" {
	hold_start p
	set_attr task_limit 0
	assert_equal "$(put_value addtask "$p")" EAGAIN
	assert_equal "$(attr num_tasks)" 0
}

@test "a fork bomb stays within task_limit and ends with its tasks" {
	local most=0

	look() {
		local now

		now=$(attr num_tasks)
		((most = now > most ? now : most, most > 5))
	}
	set_attr task_limit 15
	# shellcheck disable=SC2016
	timeout -s KILL 60 enter "$C" sh -c 'bomb() { while :; do (bomb) & done; }; bomb' \
		>/dev/null 2>&1 3>&- &
	wait_until 20 look
	for _ in {1..30}; do
		look
		sleep 0.1
	done
	# none can be born from here on, so that all can be found
	set_attr task_limit 0
	for _ in {1..20}; do
		# shellcheck disable=SC2046
		kill -9 $(tasks) 2>/dev/null || true
		has_tasks 0 && break
		sleep 0.2
	done
	assert_equal "$(attr num_tasks)" 0
	assert [ "$most" -le 15 ]
	assert [ "$(attr task_limit_hits)" -gt 0 ]
}

@test "tasks that fork and exit while they are moved are counted right" {
	local i

	mkdir "$C-to"
	for i in 1 2; do
		timeout -s KILL 60 enter "$C" sh -c 'while :; do (:) & wait; done' 3>&- &
	done
	for _ in {1..10}; do
		for i in $(tasks); do
			put_value addtask "$i" "$C-to" >/dev/null
		done
		for i in $(tasks "$C-to"); do
			put_value addtask "$i" "$C" >/dev/null
		done
	done
	for _ in {1..20}; do
		# shellcheck disable=SC2046
		kill -9 $(tasks) $(tasks "$C-to") 2>/dev/null || break
		sleep 0.1
	done
	wait_until 20 has_tasks 0
	assert_equal "$(attr num_tasks "$C-to")" 0
}

#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# ctnctl on the real tree. What it makes of its options and of odd values is
# tested without a kernel, in tools/ctnctl/tests/.
#
# vm: --mem 512M --smp 2 --disk 128M
# kernels: base

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

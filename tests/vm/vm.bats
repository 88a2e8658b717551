#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# What tests/vm/run promises to those who call it. This suite runs on the host.
#
# where: host

bats_load_library bats-support
bats_load_library bats-assert

bats_require_minimum_version 1.5.0

setup() {
	vm=$BATS_TEST_DIRNAME/run
	cd "$BATS_TEST_TMPDIR" || return
}

# There is a QEMU with these arguments, ten seconds from now at the latest.
wait_for_qemu() {
	for _ in {1..100}; do
		! pgrep -f "qemu.*$1" >/dev/null || return 0
		sleep 0.1
	done
	fail "no QEMU has $1"
}

@test "the command's exit status is the run's" {
	run "$vm" -- sh -c 'exit 42'
	assert_equal "$status" 42
}

@test "a command killed by a signal gives 128 and its number" {
	run "$vm" -- sh -c 'kill -TERM $$'
	assert_equal "$status" 143
}

@test "a command that is not there gives 127 and a message" {
	run -127 "$vm" -- no-such-command
	assert_output --partial "no-such-command"
}

@test "standard output carries the command's output, byte for byte, and nothing else" {
	head -c 3000000 /dev/urandom >data
	"$vm" -- cat data >out 2>err
	cmp data out
	assert_equal "$(wc -c <err)" 0
}

@test "standard error is kept apart" {
	"$vm" -- sh -c 'echo wrong >&2; echo right' >out 2>err
	assert_equal "$(cat out)" right
	assert_equal "$(cat err)" wrong
}

@test "arguments arrive as they are" {
	run "$vm" -- printf '<%s>' 'two words' "it's" '"quoted"' '' '$HOME *' $'a\nb' '--timeout'
	assert_success
	assert_output "<two words><it's><\"quoted\"><><\$HOME *><a"$'\n'"b><--timeout>"
}

@test "the command runs as root in the caller's directory" {
	mkdir 'a directory'
	cd 'a directory'
	run "$vm" -- sh -c 'id -u; pwd'
	assert_success
	assert_output "0"$'\n'"$PWD"
}

@test "files can be written in the guest and are not on the host" {
	echo host >file
	run "$vm" -- sh -c 'echo guest >file; echo new >other; cat file other'
	assert_output "guest"$'\n'"new"
	assert_equal "$(cat file)" host
	assert [ ! -e other ]
}

@test "the guest has what a system has mounted" {
	run "$vm" -- sh -c 'for dir in /proc /sys /sys/kernel/debug /sys/kernel/tracing /sys/fs/cgroup \
		/config /dev /dev/pts /dev/shm /dev/mqueue /run; do findmnt -n -o FSTYPE $dir || echo no $dir; done'
	assert_success
	assert_output "$(printf '%s\n' proc sysfs debugfs tracefs cgroup2 configfs devtmpfs devpts tmpfs mqueue tmpfs)"
}

@test "the loopback interface is up" {
	run "$vm" -- cat /sys/class/net/lo/carrier
	assert_output 1
}

@test "--smp and --mem give processors and memory" {
	run "$vm" --smp 1 --mem 256M -- sh -c 'nproc; awk "/MemTotal/{print (\$2 > 200000 && \$2 < 262144)}" /proc/meminfo'
	assert_output "1"$'\n'"1"
}

@test "--disk is a fresh ext4 of that size on /mnt/disk" {
	run "$vm" --disk 96M -- sh -c 'findmnt -n -o FSTYPE /mnt/disk; lsblk -b -n -o SIZE /dev/vda
		ls /mnt/disk; echo x >/mnt/disk/x && sync && cat /mnt/disk/x'
	assert_success
	assert_output "ext4"$'\n'"100663296"$'\n'"lost+found"$'\n'"x"
}

@test "--swap is a swap device in use" {
	run "$vm" --swap 64M --disk 64M -- awk '/SwapTotal/{print $2}' /proc/meminfo
	assert_success
	assert_output 65532
}

@test "--env passes variables on and sets them" {
	PASSED=on run "$vm" --env PASSED --env 'SET=to this' -- sh -c 'echo "$PASSED $SET"'
	assert_output "on to this"
}

@test "--append reaches the kernel" {
	run "$vm" --append 'some.thing=1' -- grep -c 'some.thing=1' /proc/cmdline
	assert_output 1
}

@test "standard input is empty unless --stdin passes it on" {
	run "$vm" -- cat <<<"hello"
	assert_success
	assert_output ""
	run "$vm" --stdin -- cat <<<"hello"
	assert_success
	assert_output hello
	echo "from a file" >"$BATS_TEST_TMPDIR/file"
	run "$vm" --stdin -- cat <"$BATS_TEST_TMPDIR/file"
	assert_success
	assert_output "from a file"
}

@test "--icount runs, on one processor" {
	run "$vm" --icount --smp 4 -- nproc
	assert_success
	assert_output 1
}

@test "--parallel has a thread for each processor" {
	local pid

	VM_ACCEL=tcg "$vm" --parallel --append marker=$$ -- sleep 100 3>&- &
	pid=$!
	wait_for_qemu "thread=multi.*[m]arker=$$"
	kill "$pid"
	wait "$pid" || true
}

@test "--kernel takes a file" {
	run "$vm" --kernel "$BATS_TEST_DIRNAME/../../build/base/arch/x86/boot/bzImage" -- echo up
	assert_output up
}

@test "a kernel that is not there is named" {
	run "$vm" --kernel /no/such/kernel -- true
	assert_equal "$status" 125
	assert_output --partial "/no/such/kernel"
}

@test "a file that is no kernel gives a message, not a hang" {
	echo "not a kernel" >kernel
	run "$vm" --kernel ./kernel --timeout 30 -- true
	assert_equal "$status" 125
	assert_output --partial "vm: "
}

@test "a command that takes too long is ended, with a message" {
	run "$vm" --timeout 6 -- sleep 100
	assert_equal "$status" 124
	assert_output --partial "the time is up: 6 seconds"
}

@test "a panic fails the run and is shown" {
	run "$vm" -- sh -c 'echo c >/proc/sysrq-trigger'
	assert_equal "$status" 125
	assert_output --partial "the guest died"
	assert_output --partial "sysrq triggered crash"
}

@test "a warning in the kernel's log fails the run though the command succeeds" {
	run "$vm" -- sh -c 'echo "WARNING: CPU: 0 PID: 1 at mm/test.c:1" >/dev/kmsg'
	assert_equal "$status" 125
	assert_output --partial "at mm/test.c:1"
}

@test "an oops fails the run and is shown" {
	run "$vm" -- sh -c 'echo EXCEPTION >/sys/kernel/debug/provoke-crash/DIRECT'
	assert_equal "$status" 125
	assert_output --partial "NULL pointer dereference"
	assert_output --partial "lkdtm_EXCEPTION"
}

# dies_of_int3 BYTE: that one was in front of where it stopped.
dies_of_int3() {
	run "$vm" -- sh -c "$2"'
		printf "%s\n" "Oops: int3: 0000 [#1]" "Code: 00 eb $0 <06> 48" >/dev/kmsg
		echo c >/proc/sysrq-trigger' "$1"
	assert_failure 125
}

@test "a guest that dies of a stale breakpoint before it says anything boots once more" {
	dies_of_int3 ab
	assert_output --partial 'a stale breakpoint, before COMMAND said anything: again'
	assert_output --partial 'a stale breakpoint, twice'

	dies_of_int3 ab 'echo said; sleep 1;'
	assert_output --partial 'vm: it died of a stale breakpoint'
	assert_output --partial 'sysrq triggered crash'
	refute_output --partial ': again'
}

@test "one that is there is the kernel's own fault" {
	dies_of_int3 cc
	assert_output --partial 'sysrq triggered crash'
	refute_output --partial 'stale'
}

@test "a guest that powers off is reported" {
	run "$vm" -- sh -c 'echo b >/proc/sysrq-trigger; sleep 5'
	assert_equal "$status" 125
	assert_output --partial "the guest died"
}

@test "an out-of-memory kill of the command is no kernel problem" {
	# a guest can read its programs over and over, from a slow host, before it
	# runs out of memory for good: have it kill rather than that
	run "$vm" --mem 256M -- sh -c 'cd /sys/kernel/mm/lru_gen
		echo y >enabled; echo 500 >min_ttl_ms
		tail /dev/zero; echo "status $?"'
	assert_success
	assert_output --partial "status 137"
}

@test "what the command leaves running does not hold up the run" {
	run "$vm" --timeout 30 -- sh -c 'sleep 1000 & echo started'
	assert_success
	assert_output started
}

@test "a run that is killed leaves no QEMU behind" {
	"$vm" --append marker=$$ -- sleep 100 3>&- &
	pid=$!
	wait_for_qemu "[m]arker=$$"
	sleep 1
	kill -KILL "$pid"
	sleep 1
	run pgrep -f "qemu.*[m]arker=$$"
	assert_failure
}

@test "a reader that goes away ends the run" {
	run bash -c 'timeout 20 "$0" --timeout 60 -- yes | head -n 1; exit "${PIPESTATUS[0]}"' "$vm"
	assert_failure 141
	assert_output y
	refute_output --partial Traceback
}

#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# Workloads of an OCI runtime, Debian's crun, in containers: what ctnctl oci-hook makes of
# what crun tells it. What it takes for a state is in ctnctl's own oci.bats.
#
# vm: --mem 512M --smp 2 --disk 192M

load common

setup_file() {
	common_setup_file
	export BUNDLE=/run/bundle CTNCTL=$BATS_TEST_DIRNAME/../../build/ctnctl/ctnctl
	mkdir -p "$BUNDLE/root"
	mount --bind / "$BUNDLE/root"
	mount --bind /mnt/disk "$BUNDLE/root/mnt/disk"
	export LOG=/run/log.txt LOGGER
	: >"$LOG"
	python3 -u -c 'import socket
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
    log.bind("/dev/log")
    while True:
        print(log.recv(4096).decode())' >"$LOG" 3>&- &
	LOGGER=$!
	wait_until 20 test -S /dev/log
}

setup() { common_setup; }

teardown() { common_teardown; }

teardown_file() {
	kill "$LOGGER"
	umount "$BUNDLE/root/mnt/disk" "$BUNDLE/root"
}

# workload COMMAND [ANNOTATION=VALUE...]: run that to its end.
workload() {
	(
		cd "$BUNDLE" || exit
		rm -f config.json
		crun spec
		jq --arg command "$1" --arg hook "$CTNCTL" '.root = {path: "root", readonly: false} |
			.process += {terminal: false, args: ["/bin/bash", "-c", $command]} |
			.linux = {namespaces: (["pid", "mount", "ipc", "uts"] | map({type: .}))} |
			.mounts = [{destination: "/proc", type: "proc", source: "proc"}] |
			.hooks = ({createRuntime: "begin", poststop: "end"} |
				map_values([{path: $hook, args: ["ctnctl", "oci-hook", "--trust", .]}])) |
			.annotations = ($ARGS.positional |
				map({key: "io.containers.ctn/\(split("=")[0])",
				     value: (split("=")[1:] | join("="))}) | from_entries)' \
			config.json --args -- "${@:2}" >new.json
		mv new.json config.json
		# crun throws away what a hook says
		timeout 120 crun --cgroup-manager=disabled run "oci-$BATS_TEST_NUMBER"
	)
}

containers() {
	find /config/containers -mindepth 1 -maxdepth 1 -type d -printf '%f\n'
}

@test "a workload is in its container from its first process on, until it ends" {
	run workload 'cat /proc/self/container /proc/1/container' page_limit=16M name=work
	assert_output $'work\nwork'
	# what it took is in the log
	wait_until 10 grep -Eq "ctnctl.*work, for oci-$BATS_TEST_NUMBER: usage peak [0-9.]+[KM], rss peak [0-9.]+[KM], over its limit 0 times, killed 0" "$LOG"
	assert_equal "$(containers)" "${C##*/}"
}

@test "its cache is trimmed, and nothing of it is killed" {
	head -c 96M /dev/zero >/mnt/disk/large
	sync
	echo 3 >/proc/sys/vm/drop_caches
	run workload 'cat /mnt/disk/large | wc -c; echo "$(fincore -n -b -o RES /mnt/disk/large)"' \
		page_limit=16M name=work
	assert_success
	assert_line --index 0 100663296
	assert [ "${lines[1]}" -gt 0 ]
	assert [ "${lines[1]}" -le $((18 << 20)) ]
	rm /mnt/disk/large
}

@test "one that cannot have what it is to have does not start" {
	run workload 'echo started' page_limit=16M rss_limit=64Q name=work
	assert_failure
	refute_line started
	assert_output --partial 'error executing hook'
	wait_until 10 grep -q 'ctnctl.*rss_limit: "64Q": Invalid argument' "$LOG"
	assert_equal "$(containers)" "${C##*/}"
}

@test "one can join a container that is there, and leaves it there" {
	run workload 'cat /proc/self/container' "container=${C##*/}"
	assert_output "${C##*/}"
	assert [ -d "$C" ]
	assert_equal "$(attr num_tasks)" 0
}

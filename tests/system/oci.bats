#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# Debian's podman and crun: a workload with our annotations runs in a container of the
# kernel, by the hook that comes with ctnctl.

load common

setup() {
	HELPERS+='
# run_podman ARGUMENT...: a workload of busybox, without a network of its own
run_podman() {
	podman run --network=none "$@"
}
'
}

@test "an image says nothing about others, until the administrator says that it may" {
	run in_guest '
		mkdir -p /srv/image
		sed -n "/args/,/]/p" /usr/share/containers/oci/hooks.d/ctnctl-begin.json | tr -d " \t\n"
		echo "{\"id\": \"a\", \"pid\": 1, \"annotations\": {\"io.containers.ctn/file\": \"/etc\"}}" |
			ctnctl oci-hook begin 2>&1
		sed -i "s/\"oci-hook\",/\"oci-hook\", \"--trust\",/" /usr/share/containers/oci/hooks.d/ctnctl-*.json
		grep -c trust /usr/share/containers/oci/hooks.d/ctnctl-*.json'
	assert_line --index 0 --partial '"oci-hook","begin"]'
	assert_output --partial 'io.containers.ctn/file: An image may have brought it'
	assert_line '/usr/share/containers/oci/hooks.d/ctnctl-begin.json:1'
}

@test "podman and crun are there, with an image to run" {
	run in_guest '
		mkdir -p /srv/image/bin
		cp /bin/busybox /srv/image/bin
		for name in sh cat head sleep tail; do
			ln -s busybox /srv/image/bin/$name
		done
		mkdir /srv/image/data
		tar -C /srv/image -c . | podman import -q - busy >/dev/null
		podman info --format "{{.Host.OCIRuntime.Name}}"
		run_podman --rm busy /bin/sh -c "echo runs"
		ctnctl list -nr'
	assert_success
	assert_output "$(printf '%s\n' crun runs)"
}

@test "a workload runs in a container with the limits of its annotations, to its end" {
	run in_guest '
		echo shared >/srv/shared
		id=$(run_podman -d --annotation io.containers.ctn/page_limit=64M \
			--annotation io.containers.ctn/rss_limit=32M \
			--annotation io.containers.ctn/file=/srv/shared \
			busy /bin/sh -c "sleep 1000 & sleep 1001; :")
		ctn=$(echo $id | cut -c1-12)
		in_it() { [ "$(value $ctn num_tasks)" = 3 ]; }
		wait_until in_it
		value $ctn page_limit
		value $ctn rss_limit
		ctnctl which $(podman inspect -f "{{.State.Pid}}" $id)
		ctnctl which /srv/shared
		podman exec $id /bin/sh -c "echo from inside"
		podman stop -t 1 $id 2>/dev/null
		ctnctl list -nr
		podman rm $id
		journalctl -b -q -o cat -t ctnctl -n 1'
	assert_success
	ctn=${lines[2]}
	assert_equal "${lines[*]:0:3}" "16384 8192 $ctn"
	assert_line --index 3 "$ctn"
	assert_line --index 4 'from inside'
	assert_line --index 5 --regexp "^$ctn"
	assert_line --index 6 "${lines[5]}"
	assert_line --index 7 --partial "$ctn, for ${lines[5]}: usage peak "
	assert_equal "${lines[*]:8}" ''
}

@test "its page cache is trimmed, and it is not killed" {
	run in_guest '
		head -c 48M /dev/zero >/srv/image/data/large
		sync
		echo 1 >/proc/sys/vm/drop_caches
		run_podman --rm -v /srv/image/data:/data --annotation io.containers.ctn/page_limit=8M \
			--name reader busy /bin/sh -c "cat /data/large /data/large >/dev/null; sleep 1001" &
		alone() { pgrep -fx "sleep 1001" >/dev/null; }
		wait_until alone || exit
		ctn=$(ctnctl list -nro NAME)
		value "$ctn" usage_peak
		value "$ctn" page_limit_hits
		value "$ctn" rss_failcnt
		podman kill reader >/dev/null
		wait
		ctnctl list -nr'
	assert [ "${lines[0]}" -gt 1024 ]
	assert [ "${lines[0]}" -lt 4096 ]
	assert [ "${lines[1]}" -gt 0 ]
	assert_line --index 2 0
	assert_equal "${#lines[@]}" 3
}

@test "one that goes over its rss_limit is killed, and nothing else" {
	run in_guest '
		run_podman --rm --annotation io.containers.ctn/rss_limit=8M busy /bin/tail -c 67108864 /dev/zero
		echo $?
		ctnctl list -nr
		systemctl is-system-running'
	assert_output "$(printf '%s\n' 137 running)"
}

@test "what cannot be set is told, the workload does not start, and nothing is left" {
	for annotation in page_limit=much pages=64M file=shared file=/nonexistent; do
		run in_guest "
			run_podman --rm --annotation io.containers.ctn/$annotation busy /bin/sh -c 'echo runs'
			echo \$?
			ctnctl list -nr
			podman ps -aq
			journalctl -b -q -o cat -t ctnctl -n 1"
		assert_line --index 0 126
		assert_line --index 1 --regexp '(much|pages|absolute|/nonexistent)'
		assert_line --index 2 --partial 'error executing hook'
		assert_equal "${#lines[@]}" 3
	done
}

@test "a workload without annotations is in none" {
	run in_guest '
		id=$(run_podman -d busy /bin/sleep 1000)
		ctnctl which $(podman inspect -f "{{.State.Pid}}" $id)
		podman rm -f -t 1 $id >/dev/null 2>&1
		ctnctl list -nr'
	assert_output --regexp '^ctnctl: [0-9]+: it is in no container$'
}

@test "of two jobs that want more, --memory kills one, and a page limit trims the other" {
	run in_guest '
		echo 128M >/sys/block/zram0/disksize
		mkswap -q /dev/zram0
		swapon /dev/zram0
		# it holds 40 MB at once; --memory counts as much swap again
		job="dd if=/dev/zero of=/dev/null bs=40M count=1 2>/dev/null; echo \$?"
		run_podman --rm --memory=16M busy /bin/sh -c "$job"
		journalctl -b -q -k -o cat -g "^Memory cgroup out of memory" | grep -o "(dd)"
		run_podman --rm --annotation io.containers.ctn/page_limit=16M busy /bin/sh -c "$job"
		journalctl -b -q -o cat -t ctnctl -n 1
		swapoff /dev/zram0'
	assert_line --index 0 137
	assert_line --index 1 '(dd)'
	assert_line --index 2 0
	assert_line --index 3 --regexp 'over its limit [1-9][0-9]* times, killed 0$'
	assert_equal "${#lines[@]}" 4
}

@test "podman of a user who is not root joins the container that the user was given" {
	run in_guest '
		set -e
		printf "%s\n" "[alice]" "page_limit = 64M" "owner = alice:" >/etc/ctnctl.d/50-alice.conf
		ctnctl apply >/dev/null
		tar -C /srv/image -cf /srv/image.tar .
		su -l alice -c "
			podman import -q /srv/image.tar busy >/dev/null
			podman run --rm --network=none --annotation io.containers.ctn/container=alice busy \
				/bin/sh -c \"id -u; cat /proc/self/container\"
			podman run --rm --network=none busy /bin/sh -c \"cat /proc/self/container; echo none\"" 2>&1'
	assert_success
	assert_output "$(printf '%s\n' 0 alice none)"
}

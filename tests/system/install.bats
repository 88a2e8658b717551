#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# A Debian system on which apt has installed our packages, that of the kernel among them.

load common

# What apt, dpkg and the packages' scripts say where something is not as it should be.
COMPLAINTS='^(W|E|N): |[Ww]arning|WARNING|[Ee]rror|[Ff]ailed|[Cc]annot|[Cc]an.t |not found|No such|dpkg: |debconf: '

@test "apt installs the packages without a complaint" {
	assert [ -s "$SYSTEM/apt.log" ]
	run grep -E "$COMPLAINTS" "$SYSTEM/apt.log"
	assert_output ''
	for package in ctnctl libctn0:amd64 libctn-dev:amd64 libpam-ctn:amd64 python3-ctn; do
		run grep -c "^Setting up $package (" "$SYSTEM/apt.log"
		assert_output 1
	done
	run in_guest 'dpkg --audit; dpkg --verify ctnctl libctn0 libctn-dev libpam-ctn python3-ctn; apt-get -qq check'
	assert_success
	assert_output ''
}

@test "the system is up, and no unit has failed" {
	assert_equal "$(cat "$BATS_FILE_TMPDIR/state")" running
	run in_guest 'systemctl --failed --no-legend; cat /proc/1/comm; findmnt -no FSTYPE /'
	assert_success
	assert_output "$(printf '%s\n' systemd ext4)"
}

@test "its kernel is the packaged one" {
	run in_guest '
		dpkg -S "/boot/vmlinuz-$(uname -r)"
		sha256sum <"/boot/vmlinuz-$(uname -r)"'
	assert_success
	assert_line --index 0 --regexp '^linux-image-(6.12.[0-9]+-containers): /boot/vmlinuz-6.12.[0-9]+-containers$'
	assert_line --index 1 "$(sha256sum <"$SYSTEM/vmlinuz")"
}

@test "configfs is where systemd mounts it, and has containers" {
	run in_guest 'findmnt -no FSTYPE,OPTIONS /sys/kernel/config; ls $ROOT/description'
	assert_success
	assert_line --index 0 --regexp '^configfs +rw,'
	assert_line --index 1 /sys/kernel/config/containers/description
}

@test "the units have started, and complain of nothing" {
	run in_guest '
		units="ctnctl-apply.service ctnctl-rules.service ctnctl-trim.service ctnctl-metrics.timer"
		systemctl is-enabled $units
		systemctl is-active $units
		grep -c pam_ctn /etc/pam.d/*session*'
	assert_output "$(printf '%s\n' enabled disabled disabled disabled active inactive inactive inactive \
		/etc/pam.d/common-session:0 /etc/pam.d/common-session-noninteractive:0)"
	run in_guest '
		journalctl -b -q -o cat -p warning -u "ctnctl-*"
		journalctl -b -q -o cat _PID=1 | grep -E "ctnctl-[^:]*:[0-9]+:"
		systemd-analyze --man=no verify /lib/systemd/system/ctnctl-*'
	assert_success
	assert_output ''
}

@test "ctnctl makes containers, runs in them, lists and removes them" {
	run in_guest '
		set -e
		ctnctl create --page-limit 64M web
		ctnctl run web -- ctnctl show -nro VALUE web num_tasks
		value web page_limit
		ctnctl list -nro NAME
		ctnctl delete web
		ctnctl list -nro NAME'
	assert_success
	assert_output "$(printf '%s\n' 1 16384 web)"
}

@test "the module for Python does" {
	run in_guest '
		ctnctl create web
		/usr/bin/python3 -c "
import ctn, os
c = ctn.Tree()[\"web\"]
c.add_task(os.getpid())
print(c.tasks == [os.getpid()], c.usage > 0)"
		ctnctl delete web'
	assert_success
	assert_output 'True True'
}

@test "what ctnctl check finds is nothing" {
	run in_guest 'ctnctl check'
	assert_success
	assert_output ''
}

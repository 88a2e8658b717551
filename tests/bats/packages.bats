#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# Debian's packages of ctnctl and libctn, installed in the guest by dpkg. What is in
# them, and that it is the same each time, is in packages-built.bats. That removing
# them leaves nothing is the last test.
#
# vm: --mem 768M --smp 2
# make: DEB_BUILD_OPTIONS=nocheck deb
# debug: no, as no other part of the kernel has to do with packages

load common

DEB=$BATS_TEST_DIRNAME/../../build/deb
PACKAGES=(ctnctl libctn0 libctn-dev libpam-ctn python3-ctn)
UNITS=/lib/systemd/system
WANTED=/etc/systemd/system/basic.target.wants/ctnctl-apply.service

# What is in the places where what is configured, and what is kept of that, can be.
kept() {
	find /etc /var/lib/systemd /var/lib/dpkg/info -xdev | sort
}

setup_file() {
	common_setup_file
	kept >"$BATS_FILE_TMPDIR/before"
	cd "$DEB" || return
	# shellcheck disable=SC2046
	dpkg -i $(printf '%s_*.deb ' "${PACKAGES[@]}") >"$BATS_FILE_TMPDIR/log" 2>&1 ||
		cat "$BATS_FILE_TMPDIR/log" >&2
}

setup() {
	common_setup
	N=${C##*/}
}

teardown() {
	common_teardown
}

@test "the installed ctnctl manages containers" {
	hash -r
	assert_equal "$(type -P ctnctl)" /usr/sbin/ctnctl
	run ctnctl list -nro NAME
	assert_success
	assert_output "$N"
	run ctnctl run --page-limit 64M "$N" -- ctnctl show -nro VALUE "$N" num_tasks
	assert_success
	assert_output 1
	run ldd /usr/sbin/ctnctl
	assert_line --regexp 'libctn\.so\.0 => /(usr/)?lib/'
}

@test "the installed module manages containers" {
	run /usr/bin/python3 -c "
import ctn, os
c = ctn.Tree()['$N']
c['page_limit'] = '64M'
c.add_task(os.getpid())
print(c['page_limit'], c.tasks == [os.getpid()], c.usage > 0, c.stats['charge_failures'])"
	assert_success
	assert_output '16384 True True 0'
}

@test "what apply is told in /etc is there" {
	printf '%s\n' "[$N]" 'page_limit = 8M' >/etc/ctnctl.d/50-test.conf
	# what the unit runs
	command=$(sed -n 's/^ExecStart=//p' $UNITS/ctnctl-apply.service)
	# shellcheck disable=SC2086
	run $command
	assert_output "$N: page_limit max -> 8M"
	rm /etc/ctnctl.d/50-test.conf
}

@test "apply is on from the next boot, what trims and what writes numbers is not" {
	assert [ "$(readlink -f "$WANTED")" -ef $UNITS/ctnctl-apply.service ]
	run find /etc/systemd/system -name 'ctnctl-*'
	assert_output "$WANTED"
}

# systemd as process 1, of a pid namespace with its own /run, and with no unit but those
# that a test has given it. It logs to the guest's console.
start_systemd() {
	LOG=$BATS_TEST_TMPDIR/systemd.log
	# shellcheck disable=SC2016
	unshare --fork --kill-child --pid --mount --cgroup --mount-proc sh -c '
		mount --make-rprivate /
		! mountpoint -q /sys/fs/cgroup || umount /sys/fs/cgroup
		mount -t cgroup2 none /sys/fs/cgroup
		mount -t tmpfs none /run
		exec env container=other SYSTEMD_LOG_TARGET=console \
			/lib/systemd/systemd --system --unit="$0" --show-status=no
	' "$1" >"$LOG" 2>&1 3>&- &
	SYSTEMD=$!
}

# service NAME: one of two processes, with the drop-in, that any user may have.
service() {
	local dir=/etc/systemd/system/$1.service.d

	printf '%s\n' '[Unit]' 'DefaultDependencies=no' '[Service]' 'User=nobody' \
		'ExecStart=/bin/sh -c "sleep 1000 & exec sleep 1001"' \
		"StandardError=append:$BATS_TEST_TMPDIR/$1.err" >"/etc/systemd/system/$1.service"
	mkdir "$dir"
	cp /usr/share/doc/ctnctl/examples/container.conf "$dir"
}

@test "a service with the drop-in runs in the container of its name" {
	service demo
	service lost
	printf '%s\n' '[Unit]' 'DefaultDependencies=no' 'Wants=demo.service lost.service' \
		>/etc/systemd/system/test.target
	printf '%s\n' '[demo]' 'page_limit = 8M' >/etc/ctnctl.d/50-demo.conf
	start_systemd test.target
	in_demo() { [ "$(cat "$ROOT/demo/num_tasks" 2>/dev/null)" = 2 ]; }
	wait_until 120 in_demo || fail "$(cat "$LOG" "$BATS_TEST_TMPDIR"/*.err)"
	assert_equal "$(attr page_limit "$ROOT/demo")" 2048
	for pid in $(attr tasks "$ROOT/demo"); do
		assert_equal "$(stat -c %U "/proc/$pid") $(tr '\0' ' ' <"/proc/$pid/cmdline" | cut -c1-9)" \
			'nobody sleep 100'
	done
	# and one without a container says so
	lost() { grep -q lost "$BATS_TEST_TMPDIR/lost.err"; }
	wait_until 60 lost
	run cat "$BATS_TEST_TMPDIR/lost.err"
	assert_output "ctnctl-add-unit: $ROOT/lost: No such container"
	# and does not go on
	only_demo() { [ "$(pgrep -cx -u nobody sleep)" = 2 ]; }
	wait_until 60 only_demo
	kill -9 $SYSTEMD
	wait_gone $SYSTEMD
	rm -r /etc/systemd/system/{demo,lost}.service{,.d} /etc/systemd/system/test.target \
		/etc/ctnctl.d/50-demo.conf
}

@test "systemd understands the units, and what they run is there" {
	for unit in "$UNITS"/ctnctl-*; do
		run systemd-analyze --man=no verify "$unit"
		assert_success
		refute_output --partial ctnctl
	done
	mapfile -t programs < <(sed -n 's/^Exec[A-Za-z]*=\([^ ]*\).*/\1/p' $UNITS/ctnctl-*.service | sort -u)
	assert_equal "${programs[*]}" '/bin/kill /usr/sbin/ctnctl'
}

@test "the packages' own tests pass" {
	export AUTOPKGTEST_TMP=$BATS_TEST_TMPDIR
	for name in library kernel; do
		run "$BATS_TEST_DIRNAME/../../debian/tests/$name"
		assert_success
	done
}

@test "installed once more, with what was configured, all of it stays" {
	echo '[web]' >/etc/ctnctl.d/50-mine.conf
	ln -sf "$UNITS/ctnctl-trim.service" /etc/systemd/system/multi-user.target.wants/
	run dpkg -i "$DEB"/ctnctl_*.deb
	assert_success
	assert_equal "$(</etc/ctnctl.d/50-mine.conf)" '[web]'
	assert [ -L "$WANTED" ]
	assert [ -L /etc/systemd/system/multi-user.target.wants/ctnctl-trim.service ]
	rm /etc/ctnctl.d/50-mine.conf
}

@test "what somebody has turned off is off after an upgrade" {
	rm "$WANTED"
	run dpkg -i "$DEB"/ctnctl_*.deb
	assert_success
	assert [ ! -e "$WANTED" ]
}

@test "purged, they leave nothing" {
	run dpkg --purge "${PACKAGES[@]}"
	assert_success
	hash -r
	refute type -P ctnctl
	assert [ ! -e /usr/lib/ctnctl ]
	diff <(kept) "$BATS_FILE_TMPDIR/before"
	run find /run /usr/lib/python3/dist-packages /usr/bin /usr/sbin /usr/include /usr/lib/x86_64-linux-gnu /usr/share/doc $UNITS \
		/usr/share/man/man[3578] /usr/share/bash-completion /usr/share/zsh /usr/share/fish -name '*ctn*'
	assert_output ''
}

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
PACKAGES=(ctnctl libctn0 libctn-dev python3-ctn)
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

@test "systemd understands the units, and what they run is there" {
	for unit in "$UNITS"/ctnctl-*; do
		run systemd-analyze --man=no verify "$unit"
		assert_success
		refute_output --partial ctnctl
	done
	mapfile -t programs < <(sed -n 's/^Exec[A-Za-z]*=\([^ ]*\).*/\1/p' $UNITS/ctnctl-*.service | sort -u)
	assert_equal "${programs[*]}" /usr/sbin/ctnctl
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
	diff <(kept) "$BATS_FILE_TMPDIR/before"
	run find /run /usr/lib/python3/dist-packages /usr/sbin /usr/include /usr/lib/x86_64-linux-gnu /usr/share/doc $UNITS \
		/usr/share/man/man[58] /usr/share/bash-completion -name '*ctn*'
	assert_output ''
}

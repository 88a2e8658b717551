#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# ctnctl-add-unit, as far as it comes without systemd and without containers. What it
# does in a service is in tests/bats/packages.bats.

load helper

@test "ctnctl-add-unit wants one container" {
	for arguments in '' 'a b'; do
		# shellcheck disable=SC2086
		run "$CTNCTL_SOURCE/ctnctl-add-unit" $arguments
		assert_failure 1
		assert_output 'ctnctl-add-unit: one container has to be named'
	done
}

@test "on a kernel without containers a service goes without" {
	[[ ! -e /config/containers && ! -e /sys/kernel/config/containers ]] ||
		skip "this kernel has containers"
	run "$CTNCTL_SOURCE/ctnctl-add-unit" web
	assert_success
	assert_output 'ctnctl-add-unit: this kernel has no containers: web goes without'
}

@test "what is installed calls the ctnctl that is installed" {
	make -s -C "$CTNCTL_SOURCE" BUILD="$BATS_TEST_TMPDIR/build" \
		PREFIX="$BATS_TEST_TMPDIR/usr" install
	usr=$BATS_TEST_TMPDIR/usr
	assert grep -qxF "ctnctl=$usr/sbin/ctnctl" "$usr/lib/ctnctl/ctnctl-add-unit"
	assert grep -qxF "ExecStartPost=+$usr/lib/ctnctl/ctnctl-add-unit %N" \
		"$usr/share/doc/ctnctl/examples/container.conf"
	assert grep -qxF "ExecStartPost=-+$usr/lib/ctnctl/ctnctl-add-unit --slice" \
		"$usr/share/doc/ctnctl/examples/slice.conf"
	assert [ -x "$usr/lib/ctnctl/ctnctl-add-unit" ]
}

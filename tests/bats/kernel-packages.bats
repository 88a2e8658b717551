#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# Debian's packages of the kernel: that of the base configuration, which is quick to
# build. What takes hours is only configured.
#
# where: host
# make: CONFIG=base deb-kernel

bats_load_library bats-support
bats_load_library bats-assert

setup_file() {
	export TOP=${BATS_TEST_DIRNAME%/tests/bats}
	export DEB=$TOP/build/deb-kernel/base
	dpkg-deb -x "$DEB"/linux-image-*.deb "$BATS_FILE_TMPDIR/root"
	VMLINUZ=$(echo "$BATS_FILE_TMPDIR"/root/boot/vmlinuz-*)
	export VMLINUZ
}

@test "the packages have the version of the kernel and that of the project" {
	version=$(dpkg-parsechangelog -l "$TOP/debian/changelog" -S Version)
	run dpkg-deb -f "$DEB"/linux-image-*.deb Package Version
	assert_output --regexp \
		"^Package: linux-image-6\.12\.[0-9]+-containers"$'\n'"Version: 6\.12\.[0-9]+-${version//./\\.}$"
	assert [ -e "$DEB"/linux-libc-dev_*.deb ]
}

@test "the packaged kernel boots, and has containers" {
	run "$TOP/tests/vm/run" --kernel "$VMLINUZ" -- \
		sh -c 'uname -r; mkdir /config/containers/a && cat /config/containers/a/num_tasks'
	assert_success
	assert_output "${VMLINUZ##*/vmlinuz-}"$'\n'0
}

@test "the image installs beside others, installs once more, and goes" {
	# shellcheck disable=SC2016
	run "$TOP/tests/vm/run" --kernel "$VMLINUZ" -- bash -ec '
		touch /boot/vmlinuz-of-somebody
		find /boot /lib/modules /etc/kernel | sort >/tmp/before
		dpkg -i "$0"/linux-image-*.deb >&2
		dpkg -i "$0"/linux-image-*.deb >&2
		echo /boot/vmlinuz-*
		dpkg --purge "linux-image-$(uname -r)" >&2
		diff <(find /boot /lib/modules /etc/kernel | sort) /tmp/before' "$DEB"
	assert_success
	assert_line --regexp "^/boot/vmlinuz-6.*-containers /boot/vmlinuz-of-somebody$"
}

@test "hours and minutes are said of what has to be compiled" {
	"$TOP/scripts/kernel-deb" --configure base >&2
	out=$TOP/build/linux/out-deb-base
	rm "$out/kernel/container/"{core,task}.o
	run "$TOP/scripts/kernel-deb" --estimate base
	assert_success
	assert_output --regexp \
		'^[0-9]+ objects to compile on [0-9]+ processors: about 0 hours and [1-9] minutes, less what ccache knows\.$'
	# those two, and not what is there
	run grep -o '^kernel/container/.*' "$out/.objects"
	assert_output "$(printf '%s\n' kernel/container/{core,task}.o)"
	assert [ "$(wc -l <"$out/.objects")" -lt 50 ]
}

@test "local has the modules that are in use, and no others" {
	printf '%s\n' 'Module Size Used by' 'ext4 1 0' 'virtio_blk 1 0' >"$BATS_TEST_TMPDIR/lsmod"
	config=$TOP/build/linux/out-deb-local/.config
	LSMOD=$BATS_TEST_TMPDIR/lsmod run "$TOP/scripts/kernel-deb" --configure local
	assert_success
	run grep -xE 'CONFIG_(EXT4_FS|VIRTIO_BLK|VIRTIO_NET|E1000|XFS_FS|CONTAINERS|CONFIGFS_FS)=.' "$config"
	assert_output "$(printf '%s\n' CONFIG_CONTAINERS=y CONFIG_VIRTIO_BLK=m CONFIG_EXT4_FS=m CONFIG_CONFIGFS_FS=y)"
	# those of another machine
	printf '%s\n' 'Module Size Used by' 'xfs 1 0' 'virtio_net 1 0' >"$BATS_TEST_TMPDIR/lsmod"
	LSMOD=$BATS_TEST_TMPDIR/lsmod run "$TOP/scripts/kernel-deb" --configure local
	assert_success
	run grep -xE 'CONFIG_(EXT4_FS|VIRTIO_BLK|VIRTIO_NET|XFS_FS)=.' "$config"
	assert_output "$(printf '%s\n' CONFIG_VIRTIO_NET=m CONFIG_XFS_FS=m)"
}

@test "what is no configuration or no list of modules is refused" {
	run "$TOP/scripts/kernel-deb" mine
	assert_failure 1
	assert_output 'kernel-deb: CONFIG is debian, local, base or system, and not "mine"'
	echo 'Module Size Used by' >"$BATS_TEST_TMPDIR/lsmod"
	LSMOD=$BATS_TEST_TMPDIR/lsmod run "$TOP/scripts/kernel-deb" --configure local
	assert_failure 1
	assert_line --partial 'kernel-deb: this machine has no module loaded; say LSMOD=FILE'
}

@test "debian has all of Debian's modules" {
	run "$TOP/scripts/kernel-deb" --configure debian
	assert_success
	theirs=$(xzcat /usr/src/linux-config-6.12/config.amd64_none_amd64.xz | grep -c '=m$')
	ours=$(grep -c '=m$' "$TOP/build/linux/out-deb-debian/.config")
	# some are built in for containers, some are for what is left out
	assert [ "$ours" -gt $((theirs - 20)) ]
	assert grep -qx CONFIG_CONTAINERS=y "$TOP/build/linux/out-deb-debian/.config"
}

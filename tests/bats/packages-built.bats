#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# What is in Debian's packages, and how they are built. How they install is in
# packages.bats.
#
# where: host
# make: DEB_BUILD_OPTIONS=nocheck deb

bats_load_library bats-support
bats_load_library bats-assert

setup() {
	TOP=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	DEB=$TOP/build/deb
	shopt -s nullglob
}

# contents PACKAGE...: the names of the files in packages.
contents() {
	local package

	for package in "$@"; do
		dpkg-deb --fsys-tarfile "$DEB/${package}"_*.deb | tar -t | grep -v '/$'
	done | sort
}

@test "there are the packages that there should be, and their source" {
	cd "$DEB"
	version=$(dpkg-parsechangelog -l "$TOP/debian/changelog" -S Version)
	arch=$(dpkg --print-architecture)
	run ls
	assert_output "$(printf '%s\n' "ctnctl-dbgsym_${version}_$arch.deb" \
		"ctnctl_$version.dsc" "ctnctl_$version.tar.xz" "ctnctl_${version}_$arch.buildinfo" \
		"ctnctl_${version}_$arch.changes" "ctnctl_${version}_$arch.deb" \
		"libctn-dev_${version}_$arch.deb" "libctn0-dbgsym_${version}_$arch.deb" \
		"libctn0_${version}_$arch.deb" "libpam-ctn-dbgsym_${version}_$arch.deb" \
		"libpam-ctn_${version}_$arch.deb" "python3-ctn-dbgsym_${version}_$arch.deb" \
		"python3-ctn_${version}_$arch.deb")"
}

@test "lintian has nothing to say" {
	run lintian --allow-root --display-info --pedantic --fail-on error,warning,info,pedantic \
		"$DEB"/*.changes
	assert_success
	assert_output ''
}

@test "make install and the packages have the same files" {
	make -s -C "$TOP/tools/ctnctl" BUILD="$BATS_TEST_TMPDIR/build" PREFIX=/usr \
		LIBDIR="/usr/lib/$(dpkg-architecture -qDEB_HOST_MULTIARCH)" UNITDIR=/lib/systemd/system \
		ZSHDIR=/usr/share/zsh/vendor-completions \
		PAMDIR="/lib/$(dpkg-architecture -qDEB_HOST_MULTIARCH)/security" \
		DESTDIR="$BATS_TEST_TMPDIR/root" install install-python install-pam
	installed=$(cd "$BATS_TEST_TMPDIR/root" && find . ! -type d | sort)
	# what dh adds and compresses
	packaged=$(contents ctnctl libctn0 libctn-dev libpam-ctn python3-ctn |
		sed -E -e '\,/doc/[^/]*/(changelog.gz|copyright)$,d' -e '\,/lintian/overrides/,d' -e 's/\.gz$//')
	assert_equal "$packaged" "$installed"
}

@test "ctnctl wants the library of its own version or a later one" {
	run dpkg-deb -f "$DEB"/ctnctl_*.deb Depends
	assert_output --regexp '(^|, )libctn0 \(>= [0-9.]+\)'
	run dpkg-deb -f "$DEB"/libctn-dev_*.deb Depends
	assert_output --regexp '(^|, )libctn0 \(= [0-9.]+\)'
}

@test "built again elsewhere by somebody else, they are the same to the byte" {
	mkdir "$BATS_TEST_TMPDIR/project"
	# with other dates, other modes, and without git
	tar -xf "$DEB"/*.tar.xz -C "$BATS_TEST_TMPDIR/project" --strip-components=1 -m
	cd "$BATS_TEST_TMPDIR/project"
	chmod -R go-rwx .
	mkdir build
	touch build/what-was-built
	(
		umask 077
		TZ=Asia/Kathmandu LC_ALL=C DEB_BUILD_OPTIONS='nocheck parallel=1' \
			scripts/deb "$BATS_TEST_TMPDIR/again" >"$BATS_TEST_TMPDIR/log" 2>&1
	)
	cd "$DEB"
	for file in *.deb *.dsc *.tar.xz; do
		cmp "$file" "$BATS_TEST_TMPDIR/again/$file"
	done
	assert_equal "$(cd "$BATS_TEST_TMPDIR/again" && ls)" "$(ls)"
}

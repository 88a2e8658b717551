#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# The kernel part as a series of patches, as a distribution or a mailing list takes it.
# Their style is a matter of scripts/kernel-check.
#
# where: host

bats_load_library bats-support
bats_load_library bats-assert

setup_file() {
	export TOP=${BATS_TEST_DIRNAME%/tests/bats} OUT=$BATS_FILE_TMPDIR/series
	"$TOP/scripts/series" "$OUT"
}

setup() {
	ORIG=$TOP/build/orig
	LINUX=$BATS_TEST_TMPDIR/linux
	cp -a "$ORIG/files" "$LINUX"
	cd "$LINUX" || return
}

# What is here is what is built.
assert_as_built() {
	local file

	while read -r file; do
		if [ -e "$TOP/build/linux/$file" ]; then
			cmp "$file" "$TOP/build/linux/$file"
		else
			assert [ ! -e "$file" ]
		fi
	done <"$ORIG/list"
}

repository() {
	git init -q .
	git add -Af .
	git -c user.name=a -c user.email=a@example.org commit -qm base
}

@test "git am takes the series, and it comes to what is built" {
	repository
	git -c user.name=a -c user.email=a@example.org am -q "$OUT"/*.patch
	assert_as_built
	assert_equal "$(git log --format=%s | wc -l)" $(($(wc -l <"$OUT/series") + 1))
}

@test "quilt takes the series, and takes it back" {
	export QUILT_PATCHES=$OUT QUILT_PC=$BATS_TEST_TMPDIR/pc
	quilt push -a -q --fuzz=0
	assert_as_built
	quilt pop -a -q
	find . -mindepth 1 -type d -empty -delete
	diff -r "$ORIG/files" "$LINUX"
}

@test "each patch has a subject and says why" {
	while read -r name; do
		subject=$(sed -n '/^Subject: /,/^$/p' "$OUT/$name" | tr -d '\n')
		assert_regex "$subject" '^Subject: \[PATCH [0-9]+/[0-9]+\] [a-z0-9/, ]+: [^ ]'
		body=$(sed '1,/^$/d; /^---$/,$d' "$OUT/$name")
		assert [ ${#body} -gt 50 ]
	done <"$OUT/series"
}

# Ours are compiled with the last patch, the kernel's with each.
@test "no file of the kernel's includes one of ours that a later patch brings" {
	ours=$(cd "$TOP" && find include kernel mm -name '*.[ch]')
	while read -r name; do
		patch -p1 -s -F0 <"$OUT/$name"
		while read -r file; do
			! grep -qxF "$file" <<<"$ours" || continue
			while read -r header; do
				case $header in
				'<'*) path=include/${header:1:-1} ;;
				*) path=${file%/*}/${header:1:-1} ;;
				esac
				# the kernel's own are not all here
				path=$(realpath -m --relative-to . "$path")
				! grep -qxF "$path" <<<"$ours" || assert [ -e "$path" ]
			done < <(sed -n 's/^#[ \t]*include[ \t]*\([<"][^>"]*[>"]\).*/\1/p' "$file")
		done < <(sed -n 's,^+++ b/\([^\t]*\.[ch]\)$,\1,p' "$OUT/$name")
	done <"$OUT/series"
}

@test "twice it is the same, whoever asks for it" {
	printf '[user]\nname = b\nemail = b@example.org\n[format]\nsignOff = true\nsuffix = .x\n' \
		>"$BATS_TEST_TMPDIR/.gitconfig"
	HOME=$BATS_TEST_TMPDIR TZ=Asia/Kathmandu LC_ALL=C "$TOP/scripts/series" "$BATS_TEST_TMPDIR/again"
	diff -r "$OUT" "$BATS_TEST_TMPDIR/again"
}

@test "SIGNOFF signs all of it off" {
	printf '[user]\nname = Bea\nemail = b@example.org\n' >"$BATS_TEST_TMPDIR/.gitconfig"
	env -u GIT_COMMITTER_NAME HOME="$BATS_TEST_TMPDIR" XDG_CONFIG_HOME= SIGNOFF=yes \
		GIT_CONFIG_COUNT=2 GIT_CONFIG_KEY_0=user.name GIT_CONFIG_VALUE_0=Bea \
		GIT_CONFIG_KEY_1=user.email GIT_CONFIG_VALUE_1=b@example.org \
		"$TOP/scripts/series" "$BATS_TEST_TMPDIR/signed"
	run grep -Lx 'Signed-off-by: Bea <b@example.org>' "$BATS_TEST_TMPDIR"/signed/*.patch
	assert_output ''
	run grep -l Signed-off-by "$OUT"/*.patch
	assert_output ''
}

@test "a directory that has something in it is left alone" {
	mkdir "$BATS_TEST_TMPDIR/full"
	echo mine >"$BATS_TEST_TMPDIR/full/series"
	run "$TOP/scripts/series" "$BATS_TEST_TMPDIR/full"
	assert_failure 1
	assert_output "series: $BATS_TEST_TMPDIR/full is there already, and not empty"
	assert_equal "$(cat "$BATS_TEST_TMPDIR"/full/*)" mine
	run "$TOP/scripts/series" ''
	assert_failure 1
	assert_output 'series: say where to: scripts/series DIRECTORY, or make series OUT=DIRECTORY'
}

@test "a file of ours that is in no patch, or in two, is named" {
	mkdir "$BATS_TEST_TMPDIR/project"
	cp -a "$TOP"/{scripts,patches,include,kernel,mm} "$BATS_TEST_TMPDIR/project"
	cd "$BATS_TEST_TMPDIR/project"
	touch kernel/container/new.c
	echo 'Files: kernel/container/core.c' >>patches/files/tree
	run scripts/series "$BATS_TEST_TMPDIR/out"
	assert_failure 1
	assert_output "is in two, or is not there: kernel/container/core.c
is in no patch: kernel/container/new.c
series: patches/files does not have each of our files once"
	assert [ ! -e "$BATS_TEST_TMPDIR/out" ]
}

#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# What the guide shows is what happens: its commands are typed as they stand there, and
# print what is below them, but for figures.
#
# vm: --mem 512M --smp 2 --disk 640M --swap 256M
# kernels: base

load common

GUIDE=$BATS_TEST_DIRNAME/../../Documentation/guide.rst

setup_file() {
	common_setup_file
	local user

	ln -sf "$BATS_TEST_DIRNAME/../../build/ctnctl/ctnctl" /usr/local/sbin/ctnctl
	for user in alice bob; do
		useradd -M "$user"
	done
}

setup() {
	# all are gone that are not those of the guide
	common_setup
	rmdir "$C"
	SECTION=$BATS_TEST_TMPDIR/section
}

teardown() {
	local name

	cd /
	for name in "$ROOT"/*/; do
		echo 9 >"$name/kill" || true
		rmdir "$name"
	done
	mkdir "$C"
	common_teardown
	rm -rf /mnt/disk/*
}

# section TITLE: what it types and what that prints, without what is around.
section() {
	awk -v title="$1" '
		$0 == title { on = 1; getline; next }
		on && /^=+$/ && before ~ /^[A-Z]/ { exit }
		{ before = $0 }
		on && sub(/^  /, "")' "$GUIDE" | sed '/^[^#$]*::$/d' >"$SECTION"
	[ -s "$SECTION" ] || fail "there is no section $1"
}

# The numbers are those of another day, and so are the widths of columns.
figures_aside() {
	sed -E 's/[0-9]+m[0-9.]+s/N/g; s/[0-9]+(\.[0-9]+)?[BKMG]?\b/N/g; s/ +/ /g; s/^ //; s/bash: line N: /bash: /'
}

# Type what is in $SECTION up to LINE, if there is one, and compare. "#" is root's prompt,
# and "$" that of $PERSON. What a command prints is in $printed.
type_it() {
	local line command printed='' expected='' prompt

	while IFS= read -r line; do
		[[ $line != "${1-}" ]] || break
		if [[ $line != [#$]\ * ]]; then
			expected+=${line:+$line$'\n'}
			continue
		fi
		same "$command" "$expected" "$printed"
		expected='' prompt=${line:0:1} command=${line:2}
		if [[ $prompt = '$' ]]; then
			printed=$(setpriv --reuid="$PERSON" --regid="$PERSON" --clear-groups \
				bash -c "$command" 2>&1) || true
		elif [[ $command = cd\ * ]]; then
			cd "${command#cd }" || return
			printed=
		else
			printed=$(bash -c "$command" 2>&1) || true
		fi
	done <"$SECTION"
	same "$command" "$expected" "$printed"
}

same() {
	[ -n "$1" ] || return 0
	assert_equal "$1: $(figures_aside <<<"$3" | sed '/^$/d')" \
		"$1: $(figures_aside <<<"$2" | sed '/^$/d')"
}

@test "a backup beside a database" {
	local i

	mkdir /mnt/disk/db /mnt/disk/home
	for i in 1 2 3; do
		head -c 40M /dev/urandom >"/mnt/disk/db/table$i"
	done
	head -c 100M /dev/zero >/mnt/disk/home/large
	sync
	cat /mnt/disk/db/* >/dev/null
	section 'A backup beside a database'
	type_it
	# all of it is in memory still
	assert_equal "$(fincore -n -b -o RES /mnt/disk/db/* | sort -u | tr -d ' ')" 41943040
}

@test "how much a job needs" {
	section 'How much a job needs'
	sed '/^#/,$d' "$SECTION" >/tmp/job.py
	sed -i '/^#/,$!d' "$SECTION"
	# the shell's "time" says three things, of which one is shown
	sed -i -E 's/^# time (.*)/# { TIMEFORMAT="real 0m%Rs"; time \1; }/' "$SECTION"
	type_it
	assert [ "$(attr page_limit_hits "$ROOT/batch64M")" -gt 0 ]
	assert_equal "$(attr page_limit_hits "$ROOT/batch112M")" 0
}

@test "services, and after a reboot" {
	mkdir -p /mnt/disk/db
	touch /mnt/disk/db/table{1,2,3}
	section 'Services, and after a reboot'
	# what is said to be in the file is put there
	mkdir -p /etc/ctnctl.d
	sed '1,/^# cat/d; /^#/,$d' "$SECTION" >/etc/ctnctl.d/50-machine.conf
	type_it '# systemctl enable --now ctnctl-apply.service'
	ctnctl apply >/dev/null
	assert_equal "$(ctnctl apply --dry-run)" ''
	assert_equal "$(stat -c %U "$ROOT/bob/addtask")" bob
	rm -r /etc/ctnctl.d
	echo max >"$ROOT/default_task_limit"
}

@test "a container for a user" {
	local PERSON=alice

	mkdir "$ROOT/bob"
	section 'A container for a user'
	type_it '# cd /config/containers/bob'
	PERSON=bob
	# the last command of alice, and what that prints
	sed -i '1,/^\$ ctnctl delete/d' "$SECTION"
	sed -i 1d "$SECTION"
	type_it
}

@test "a file that several use" {
	head -c 40M /dev/urandom >/mnt/disk/model.bin
	sync
	echo 3 >/proc/sys/vm/drop_caches
	section 'A file that several use'
	type_it
	assert_equal "$(attr num_file_pages "$ROOT/shared")" 10240
	assert_equal "$(attr num_file_pages "$ROOT/two")" 0
}

@test "a fork bomb" {
	section 'A fork bomb'
	type_it
	assert [ ! -e "$ROOT/bomb" ]
}

@test "beside cgroups" {
	section 'Beside cgroups'
	sed -i 's/exec job/exec true/' "$SECTION"
	mount -t cgroup2 none /sys/fs/cgroup 2>/dev/null || true
	echo +cpu >/sys/fs/cgroup/cgroup.subtree_control
	type_it
	wait_until 20 rmdir /sys/fs/cgroup/batch
}

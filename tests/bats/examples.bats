#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2016
#
# Every example in the manual pages of ctnctl, and in its helps, does what it is for, as
# it is written. In a page a comment before .EX says what is a configuration, and what
# cannot be run: these are counted here.
#
# vm: --mem 512M --smp 2 --disk 128M
# kernels: base

bats_require_minimum_version 1.5.0
load common

# What is not run: what watch and apply print, a file of settings, a part of a unit.
NOT_RUN=4

TOOLS=$BATS_TEST_DIRNAME/../../tools/ctnctl

# extract PAGE: each example as a file PAGE-N.KIND: sh, conf or not.
extract() {
	awk -v out="$EXAMPLES/${1##*/}" '
		/^\.\\" (not run|configuration)/ { mark = $2; next }
		/^\.EX/ { on = 1; file = out "-" ++n "." (mark == "not" ? "not" :
			mark ? "conf" : "sh"); printf "" > file; mark = ""; next }
		/^\.EE/ { on = 0; close(file); next }
		!on { mark = ""; next }
		{ gsub(/\\-/, "-"); gsub(/\\\(aq/, "'\''"); gsub(/\\e/, "\\"); print > file }
	' "$1"
}

# help_examples COMMAND: each of its help is a line.
help_examples() {
	local n=0 line command=("$1")

	[ "$1" != main ] || command=()
	while read -r line; do
		n=$((n + 1))
		echo "$line" >"$EXAMPLES/help-$1-$n.sh"
	done < <("$CTN" "${command[@]}" --help | sed -n '/^Examples\?[:,]/,/^$/s/^  *//p')
}

setup_file() {
	common_setup_file
	export CTN=${CTNCTL:-$BATS_TEST_DIRNAME/../../build/ctnctl/ctnctl}
	export EXAMPLES=$BATS_FILE_TMPDIR/examples
	local command user

	mkdir "$EXAMPLES"
	for page in "$TOOLS"/*.[0-9]; do
		extract "$page"
	done
	for command in main $("$CTN" help | sed -nE '/^Commands/,/^$/s/^  ([a-z-]+) .*/\1/p'); do
		[ "$command" = help ] || help_examples "$command"
	done

	# what they are about
	ln -s "$CTN" /usr/local/sbin/ctnctl
	for user in alice bob; do
		useradd -M "$user"
	done
	mkdir -p /var/lib/db /var/lib/postgresql/data /var/lib/prometheus/node-exporter
	echo x | tee /var/lib/db/{a,b}.dat >/var/lib/postgresql/data/table
	cp /usr/bin/sleep "$BIN/nginx"
	# configfs is no module here, which a kernel that is installed would say
	mkdir -p "/lib/modules/$(uname -r)"
	echo kernel/fs/configfs/configfs.ko >"/lib/modules/$(uname -r)/modules.builtin"
	depmod
	cp "$TOOLS"/*.service "$TOOLS"/*.timer /etc/systemd/system
}

setup() {
	common_setup
	CTN_STATE=$BATS_TEST_TMPDIR/state
	export CTN_STATE
	cd "$BATS_TEST_TMPDIR" || return
}

teardown() {
	common_teardown
	echo max >"$ROOT/default_page_limit"
	echo max >"$ROOT/default_task_limit"
}

# begin: what an example finds: containers, one process in each.
begin() {
	local name

	rm -rf /etc/ctnctl.d kills log
	for name in web db; do
		"$CTN" create "$name"
		"$CTN" run "$name" -- "$BIN/nginx" 1000 </dev/null >/dev/null 2>&1 3>&- &
		disown
		wait_until 20 grep -q . "$ROOT/$name/tasks"
	done
	printf 'all:\n\ttrue\n' >Makefile
}

end() {
	for name in "$ROOT"/*/; do
		echo 9 >"$name/kill" || true
		"$CTN" delete "${name%/}" 2>/dev/null || rmdir "$name"
	done
	mkdir "$C"
	echo max >"$ROOT/default_page_limit"
	echo max >"$ROOT/default_task_limit"
}

# until_stopped FILE COMMAND...: run it, let COMMAND make it happen, and see that it ends
# well when it is told to. A shell that was told so, too, ends by that.
until_stopped() {
	local done_well=0

	setsid bash -e -o pipefail "$1" >out 2>err </dev/null 3>&- &
	GROUP=$!
	sleep 3
	"${@:2}"
	kill -TERM -- "-$GROUP"
	wait "$GROUP" || done_well=$?
	[ "$done_well" = 143 ]
}

kill_something() {
	"$CTN" run --rss-limit 8M victim -- tail /dev/zero 2>/dev/null || true
	sleep 2
}

hit_something() {
	"$CTN" set web --page-limit 64K
	"$CTN" run web -- dd if=/dev/zero of=/mnt/disk/hit bs=1M count=2 status=none
	sleep 2
}

listen_for_log() {
	python3 -c 'import os, socket
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
if os.path.exists("/dev/log"): os.unlink("/dev/log")
s.bind("/dev/log")
while True:
    with open("log", "ab") as f: f.write(s.recv(4096) + b"\n")' 3>&- &
	LOGGER=$!
	wait_until 20 test -S /dev/log
}

# run_one FILE: as it is written, with what it needs. It says nothing on standard error.
run_one() {
	local text

	text=$(<"$1")
	begin
	case $text in
	*'create '*) "$CTN" stop web && "$CTN" delete web db 2>/dev/null ;;&
	*'which $$'*)
		# of a file on overlayfs it is the one beneath that is owned
		cp /usr/bin/bash /mnt/disk
		mount --bind /mnt/disk/bash /usr/bin/bash
		"$CTN" add-file web /usr/bin/bash
		;;&
	*'path alice'*) [[ $text == *create* ]] || "$CTN" create alice ;;&
	esac
	case $text in
	*'watch --json'*)
		until_stopped "$1" kill_something
		cat out kills 2>/dev/null | grep -q rss_oom_kills
		;;
	*'watch --exec'*)
		listen_for_log
		until_stopped "$1" hit_something
		kill "$LOGGER"
		grep -q 'web: page_limit_hits' log
		;;
	*'trim '*) until_stopped "$1" true ;;
	*'which $$'*) "$CTN" run web -- bash -e -o pipefail "$1" >out 2>err ;;
	*) bash -e -o pipefail "$1" >out 2>err </dev/null ;;
	esac || return
	case $text in
	*'chown -R alice'*) [ "$(stat -c %U "$ROOT/alice/page_limit")" = alice ] ;;
	*'systemctl enable'*) [ -L /etc/systemd/system/multi-user.target.wants/ctnctl-apply.service ] ||
		[ -L /etc/systemd/system/sysinit.target.wants/ctnctl-apply.service ] ;;&
	*'save >'*) [ -s /etc/ctnctl.d/50-saved.conf ] || [ -s web.conf ] ;;
	*'add-file db'*) [ "$(attr num_files "$ROOT/db")" = 2 ] ;;
	*'metrics --output'*) grep -q '^ctnctl_containers ' /var/lib/prometheus/node-exporter/ctnctl.prom ;;
	*'kill --wait'*) [ "$(attr num_tasks "$ROOT/web")" = 0 ] ;;
	*'which $$'*) umount -l /usr/bin/bash && [ "$(grep -c web out)" = 2 ] ;;
	*'mount -t configfs'*) [ -d /sys/kernel/config/containers ] && umount /sys/kernel/config ;;
	esac || return
	# nor is there a word of a fault
	! grep -v -e '^Created symlink' -e '^time ' -e '^[a-z-]* *[0-9]' \
		-e 'Removing leading' err | grep -q 'ctnctl:\|error\|[Nn]o such'
}

# run_all FILE...
run_all() {
	local file failed=''

	[ -e "$1" ]
	for file; do
		if ! run_one "$file"; then
			failed+="${file##*/}: $(<"$file")"$'\n'"$(tail -n 5 err out 2>/dev/null)"$'\n'
		fi
		end
	done
	[ ! "$failed" ] || fail "$failed"
}

@test "the examples of ctnctl(8) do what they are for" {
	run_all "$EXAMPLES"/ctnctl.8-*.sh
}

@test "the examples of ctnctl.conf(5) are taken, and change what they say" {
	local file name

	for file in "$EXAMPLES"/ctnctl.conf.5-*.conf; do
		run --separate-stderr "$CTN" apply "$file"
		assert_success
		assert_equal "$stderr" ''
		while read -r name; do
			assert [ -d "$ROOT/$name" ]
		done < <(sed -n 's/^\[\(.*\)\]$/\1/p' "$file")
		# all of it is so now
		run --separate-stderr "$CTN" apply "$file"
		assert_success
		assert_equal "$output$stderr" ''
		end
	done
	run_all "$EXAMPLES"/ctnctl.conf.5-*.sh
}

@test "the examples of the helps do what they are for" {
	run_all "$EXAMPLES"/help-*.sh
}

@test "what cannot be run is the exception, and nothing is left of the page's own signs" {
	local files=("$EXAMPLES"/*.not) all=("$EXAMPLES"/*)

	assert_equal "${#files[@]}" "$NOT_RUN"
	assert_equal "$(cat "$TOOLS"/*.[0-9] | grep -c '^\.EX')" "$(find "$EXAMPLES" -name 'ctnctl*' | wc -l)"
	assert [ "${#all[@]}" -gt 35 ]
	run grep -l '\\[(&f]' "${all[@]}"
	assert_failure
	# every help that has an example has one that was found
	run bash -c 'ls "$1" | grep -c ^help' - "$EXAMPLES"
	assert [ "$output" -gt 20 ]
}

#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# Services of systemd that run in containers, by the drop-ins that come with ctnctl.

load common

# Each reads 48 MB over and over, and says how often: that is page cache, six times as
# much as its container may have.
setup() {
	HELPERS+='
EXAMPLES=/usr/share/doc/ctnctl/examples
PASSES=/var/tmp/passes

# reader NAME LINE...: a service, with more lines for its unit
reader() {
	local name=$1

	shift
	mkdir -p -m 1777 $PASSES
	[ -e "/srv/$name" ] || { head -c 48M /dev/zero >"/srv/$name"; }
	# nobody has read any of it
	sync
	echo 1 >/proc/sys/vm/drop_caches
	printf "%s\n" "[Service]" User=nobody "$@" \
		"ExecStart=/bin/sh -c \"while :; do cat /srv/$name >/dev/null; echo >>$PASSES/$name; done\"" \
		>"/etc/systemd/system/$name.service"
}

passes() {
	cat "$PASSES/$1" 2>/dev/null | wc -l
}

# more NAME COUNT: has it read all so many times more, since the last call?
more() {
	[ "$(passes "$1")" -ge $(($(cat "/run/$1.before") + $2)) ]
}

# goes_on NAME...: has each read all of its file twice more?
goes_on() {
	local name

	for name; do
		passes "$name" >"/run/$name.before"
	done
	for name; do
		wait_until more "$name" 2 || return
	done
}

# used NAME: the most that a container had, in pages, and what is in it
used() {
	echo "most $(value "$1" usage_peak)"
	echo "hits $(value "$1" page_limit_hits)"
	echo "failures $(value "$1" rss_failcnt)"
}
'
}

@test "a service with the drop-in runs in its container, and its cache is trimmed" {
	run in_guest '
		reader one
		mkdir /etc/systemd/system/one.service.d
		cp $EXAMPLES/container.conf /etc/systemd/system/one.service.d
		printf "%s\n" "[one]" "page_limit = 8M" >/etc/ctnctl.d/50-one.conf
		systemctl daemon-reload
		systemctl restart ctnctl-apply one
		goes_on one || exit
		main=$(systemctl show -P MainPID one)
		ctnctl which $main
		grep -cx $main $ROOT/one/tasks
		used one'
	assert_success
	assert_line --index 0 one
	assert_line --index 1 1
	# over its limit it sleeps: it is never at twice that
	most=$(sed -n 's/^most //p' <<<"$output")
	assert [ "$most" -gt 1024 ]
	assert [ "$most" -lt 4096 ]
	assert [ "$(sed -n 's/^hits //p' <<<"$output")" -gt 0 ]
	assert_line 'failures 0'
}

@test "its cache stays below the limit, and it is not killed" {
	run in_guest '
		before=$(systemctl show -P MainPID,NRestarts,ActiveState one)
		for i in 1 2 3; do
			goes_on one || exit
			[ "$(value one num_file_pages)" -lt 3072 ] || echo "$(value one num_file_pages) pages"
		done
		[ "$before" = "$(systemctl show -P MainPID,NRestarts,ActiveState one)" ] || systemctl status one
		! journalctl -b -q -k -o cat | grep -i -e "killed process" -e out.of.memory'
	assert_success
	assert_output ''
}

@test "the drop-in for slices: services of a slice share the container of its name" {
	run in_guest '
		set -e
		mkdir -p /etc/systemd/system/service.d
		cp $EXAMPLES/slice.conf /etc/systemd/system/service.d
		printf "%s\n" "[batch.slice]" "page_limit = 8M" "[batch-own.slice]" "page_limit = 4M" \
			>/etc/ctnctl.d/50-batch.conf
		reader two Slice=batch.slice
		reader three Slice=batch-night.slice
		reader four Slice=batch-own.slice
		reader five
		systemctl daemon-reload
		systemctl restart ctnctl-apply
		systemctl start two three four five
		systemd-run -q --slice=batch --unit=six sleep 1000
		goes_on two three four five
		for name in two three four five six; do
			echo "$name: $(ctnctl which "$(systemctl show -P MainPID $name)")"
		done
		used batch.slice'
	assert_line 'two: batch.slice'
	assert_line 'three: batch.slice'
	assert_line 'four: batch-own.slice'
	assert_line 'five: '
	assert_line 'six: batch.slice'
	most=$(sed -n 's/^most //p' <<<"$output")
	assert [ "$most" -gt 1024 ]
	assert [ "$most" -lt 4096 ]
	assert_line 'failures 0'
}

@test "with that drop-in all other services start as they did" {
	run "$GUEST" reboot "$RUNNING"
	assert_output running
	run in_guest '
		systemctl start two
		goes_on two
		ctnctl which "$(systemctl show -P MainPID two)"
		journalctl -b -q -o cat -g ctnctl-add-unit
		systemctl --failed --no-legend'
	assert_success
	assert_output batch.slice
}

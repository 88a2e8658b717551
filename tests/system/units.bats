#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# The units that come with ctnctl do what they are for, and could do little else.

load common

@test "systemd-analyze security has less than 3 to say of each" {
	run in_guest '
		for unit in apply rules trim metrics; do
			systemd-analyze security --no-pager --threshold=30 ctnctl-$unit.service | tail -n 1
			[ "${PIPESTATUS[0]}" -eq 0 ] || exit
		done'
	assert_success
	assert_equal "${#lines[@]}" 4
	for line in "${lines[@]}"; do
		assert_regex "$line" '^→ Overall exposure level for ctnctl-[a-z]+\.service: [0-2]\.[0-9] '
	done
}

@test "trim keeps containers below the watermark" {
	run in_guest '
		set -e
		echo "TRIM_OPTIONS=--below 4M --interval 1" >/etc/default/ctnctl-trim
		ctnctl create --page-limit 64M ours
		ctnctl create --page-limit 64M theirs
		# whose files are not for others
		chown -R alice: $ROOT/theirs
		chmod 700 $ROOT/theirs
		for name in ours theirs; do
			ctnctl run $name -- sh -c "head -c 24M /dev/zero >/srv/$name; cat /srv/$name >/dev/null"
			[ "$(value $name num_file_pages)" -gt 4096 ]
		done
		systemctl enable -q --now ctnctl-trim
		trimmed() { [ "$(value "$1" num_file_pages)" -le 1024 ]; }
		wait_until trimmed ours
		wait_until trimmed theirs
		systemctl show -P NRestarts,ActiveState ctnctl-trim
		journalctl -b -q -o cat -u ctnctl-trim -p warning'
	assert_success
	assert_output "$(printf '%s\n' 0 active)"
}

@test "trim runs as nobody, who may override permissions and no more" {
	run in_guest '
		pid=$(systemctl show -P MainPID ctnctl-trim)
		[ "$(stat -c %u /proc/$pid)" -ge 61184 ] && echo dynamic
		sed -n "s/^\(Cap[EBA]..\|NoNewPrivs\|Seccomp\):\t//p" /proc/$pid/status
		# CAP_DAC_OVERRIDE is bit 1
		for dir in /etc /var/lib /srv /home /proc/sys/kernel; do
			[ -e /proc/$pid/root$dir ] || continue
			nsenter -t $pid -m findmnt -no OPTIONS -T $dir | cut -d, -f1
		done | sort -u
		nsenter -t $pid -m findmnt -no OPTIONS -T $ROOT | cut -d, -f1
		nsenter -t $pid -n ls /sys/class/net | wc -l'
	assert_success
	assert_line --index 0 dynamic
	for index in 1 2 3; do
		assert_line --index "$index" 0000000000000002
	done
	assert_line --index 4 1
	assert_line --index 5 2
	assert_line --index 6 ro
	assert_line --index 7 rw
}

@test "trim goes on by itself after it was killed, and is there after a reboot" {
	run "$GUEST" reboot "$RUNNING"
	assert_output running
	run in_guest '
		systemctl show -P ActiveState ctnctl-trim
		pid=$(systemctl show -P MainPID ctnctl-trim)
		kill -9 $pid
		again() {
			[ "$(systemctl show -P ActiveState ctnctl-trim)" = active ] &&
				[ "$(systemctl show -P MainPID ctnctl-trim)" != $pid ]
		}
		wait_until again && echo again'
	assert_success
	assert_output "$(printf '%s\n' active again)"
}

@test "the timer writes the numbers where node_exporter reads them, again and again" {
	run in_guest '
		set -e
		# as prometheus-node-exporter has it
		useradd -r -d /var/lib/prometheus prometheus
		install -d -o prometheus -g prometheus /var/lib/prometheus /var/lib/prometheus/node-exporter
		ctnctl create --page-limit 64M web
		chmod 700 $ROOT/web
		file=/var/lib/prometheus/node-exporter/ctnctl.prom
		systemctl enable -q --now ctnctl-metrics.timer
		wait_until [ -s $file ]
		stat -c "%A %U" $file
		grep "^ctnctl_page_limit_bytes{" $file
		before=$(stat -c %Y $file)
		ctnctl set web page_limit=8M
		later() { grep -q "container=\"web\"} 8388608" $file; }
		wait_until later
		grep "^ctnctl_page_limit_bytes{" $file
		ls -A ${file%/*}
		systemctl is-failed ctnctl-metrics.service || :
		journalctl -b -q -o cat -u "ctnctl-metrics*" -p warning'
	assert_success
	assert_line --index 0 '-rw-r--r-- root'
	assert_line --index 1 --regexp '^ctnctl_page_limit_bytes\{.*"web".*\} 67108864$'
	assert_line --index 2 --regexp '^ctnctl_page_limit_bytes\{.*"web".*\} 8388608$'
	assert_line --index 3 'ctnctl.prom'
	assert_line --index 4 --regexp '^(inactive|activating)$'
	assert_equal "${#lines[@]}" 5
}

@test "it may be told to write elsewhere" {
	run in_guest '
		set -e
		mkdir -p /srv/textfile
		echo METRICS_FILE=/srv/textfile/ctnctl.prom >/etc/default/ctnctl-metrics
		systemctl start ctnctl-metrics.service
		grep -c "^ctnctl_page_limit_bytes{" /srv/textfile/ctnctl.prom'
	assert_success
	assert_output 1
}

@test "apply, hardened, takes all that ctnctl.conf may say" {
	run in_guest '
		set -e
		mkdir -p -m 700 /home/alice/data
		chown alice: /home/alice/data
		for file in /home/alice/data/one /root/two /tmp/three /dev/shm/four /srv/five; do
			echo x >$file
		done
		chown alice: /home/alice/data/one
		cat >/etc/ctnctl.d/50-all.conf <<-END
			[defaults]
			page_limit = 1G

			[all]
			page_limit = 64M
			task_limit = 100
			numfile = 1000
			owner = alice:bob
			owner.rss_limit = root
			mode = 2750
			mode.addtask = 620
			file = /home/alice/data/**
			file = /root/two
			file = /tmp/three
			file = /dev/shm/four
			file = /srv/fiv?
		END
		systemctl restart ctnctl-apply
		ctnctl which /home/alice/data/one /root/two /tmp/three /dev/shm/four /srv/five
		cd $ROOT/all
		stat -c "%a %U:%G" . rss_limit addtask
		ctnctl show -nro PATH --files all | sort
		systemctl reload ctnctl-apply
		ctnctl apply
		journalctl -b -q -o cat -u ctnctl-apply -p warning'
	assert_success
	assert_output "$(printf '%s: all\n' /home/alice/data/one /root/two /tmp/three /dev/shm/four /srv/five
		printf '%s\n' '2750 alice:bob' '644 root:root' '620 alice:bob' \
			/dev/shm/four /home/alice/data/one /root/two /srv/five /tmp/three)"
}

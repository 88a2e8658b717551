#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# Packages are upgraded by apt while containers are in use, removed, installed again and
# purged, as Debian's policy has it: nothing that runs is lost, nothing that somebody has
# written is, and what the packages have brought goes.

load common

@test "before: containers, what is in them, and units that somebody has turned on" {
	run in_guest '
		set -e
		printf "%s\n" "[web]" "page_limit = 64M" >/etc/ctnctl.d/50-web.conf
		echo "TRIM_OPTIONS=--below 50%" >/etc/default/ctnctl-trim
		install -d /var/lib/prometheus/node-exporter
		systemctl restart ctnctl-apply
		systemctl enable -q --now ctnctl-rules.service ctnctl-trim.service ctnctl-metrics.timer
		DEBIAN_FRONTEND=noninteractive pam-auth-update --package --enable ctn
		ctnctl create --page-limit 32M --rss-limit 16M by-hand
		systemd-run -q --unit=job ctnctl run web -- sleep 100000
		in_web() { [ "$(value web num_tasks)" = 1 ]; }
		wait_until in_web
		ctnctl beancounters --failed >/dev/null
		ls /var/lib/ctnctl
		systemctl is-active ctnctl-apply.service ctnctl-rules.service ctnctl-trim.service ctnctl-metrics.timer'
	assert_success
	refute_output --partial inactive
}

@test "apt upgrades to a later version without a complaint" {
	run in_guest '
		systemctl show -P MainPID ctnctl-rules >/run/rules.before
		systemctl show -P MainPID ctnctl-trim >/run/trim.before
		echo "deb [trusted=yes] file:/srv/later ./" >/etc/apt/sources.list.d/later.list
		{ apt-get update && DEBIAN_FRONTEND=noninteractive apt-get -y upgrade; } >/run/apt.out 2>&1
		echo $?
		grep -E "^(W|E|N): |[Ww]arning|[Ee]rror|[Ff]ailed|[Cc]annot|not found|disabled|dpkg: " /run/apt.out
		dpkg-query -W -f "\${Package} \${Version} \${db:Status-Status}\n" \
			ctnctl libctn0 libctn-dev libpam-ctn python3-ctn | sed "s/ [0-9.]*+/ +/"'
	assert_output "$(printf '%s\n' 0 'ctnctl +later1 installed' 'libctn-dev +later1 installed' \
		'libctn0 +later1 installed' 'libpam-ctn +later1 installed' 'python3-ctn +later1 installed')"
}

@test "after it, containers, tasks and limits are what they were" {
	run in_guest '
		ctnctl list -nro NAME,TASKS --sort +NAME
		value by-hand page_limit
		value by-hand rss_limit
		systemctl is-active job
		cat /etc/ctnctl.d/50-web.conf /etc/default/ctnctl-trim'
	assert_success
	assert_output "$(printf '%s\n' 'by-hand 0' 'web 1' 8192 4096 active '[web]' \
		'page_limit = 64M' 'TRIM_OPTIONS=--below 50%')"
}

@test "after it, what somebody has turned on is on, with the new program" {
	run in_guest '
		systemctl is-active ctnctl-apply.service ctnctl-rules.service ctnctl-trim.service ctnctl-metrics.timer
		systemctl is-enabled ctnctl-apply.service ctnctl-rules.service ctnctl-trim.service ctnctl-metrics.timer
		for unit in rules trim; do
			pid=$(systemctl show -P MainPID ctnctl-$unit)
			[ $pid != "$(cat /run/$unit.before)" ] && echo restarted
			[ /proc/$pid/exe -ef /usr/sbin/ctnctl ] && echo new
		done
		grep -c pam_ctn /etc/pam.d/common-session
		systemctl --failed --no-legend'
	assert_success
	assert_output "$(printf '%s\n' active active active active \
		enabled enabled enabled enabled restarted new restarted new 1)"
}

@test "removed, they leave containers and what was configured, and nothing that runs" {
	run in_guest '
		DEBIAN_FRONTEND=noninteractive apt-get -y remove ctnctl >/run/apt.out 2>&1
		echo $?
		grep -E "^(W|E|N): |[Ww]arning|[Ee]rror|[Ff]ailed|[Cc]annot" /run/apt.out
		dpkg-query -W -f "\${db:Status-Status}\n" ctnctl
		pgrep -x ctnctl
		systemctl --all --no-legend list-units "ctnctl-*" | grep -v -e not-found
		systemctl --failed --no-legend
		systemctl is-active job
		cat $ROOT/web/num_tasks $ROOT/web/page_limit $ROOT/by-hand/page_limit
		cat /etc/ctnctl.d/50-web.conf
		ls -d /var/lib/ctnctl
		/usr/bin/python3 -c "import ctn; print(sorted(ctn.Tree()))"'
	assert_output "$(printf '%s\n' 0 config-files active 1 16384 8192 '[web]' \
		'page_limit = 64M' /var/lib/ctnctl "['by-hand', 'web']")"
}

@test "the system boots without them" {
	run "$GUEST" reboot "$RUNNING"
	assert_output running
	run in_guest 'ls $ROOT | grep -e web -e by-hand; cat /etc/ctnctl.d/50-web.conf'
	assert_output "$(printf '%s\n' '[web]' 'page_limit = 64M')"
}

@test "installed again on the running system, all is as it was configured" {
	run in_guest '
		DEBIAN_FRONTEND=noninteractive apt-get -y install ctnctl >/run/apt.out 2>&1
		echo $?
		grep -E "^(W|E|N): |[Ww]arning|[Ee]rror|[Ff]ailed|[Cc]annot" /run/apt.out
		systemctl is-active ctnctl-apply.service
		systemctl is-enabled ctnctl-apply.service ctnctl-rules.service ctnctl-trim.service ctnctl-metrics.timer
		value web page_limit'
	assert_output "$(printf '%s\n' 0 active enabled enabled enabled enabled 16384)"
}

@test "purged, they leave what somebody has written, and nothing of their own" {
	run in_guest '
		systemctl start ctnctl-rules.service ctnctl-trim.service ctnctl-metrics.timer
		ctnctl beancounters --failed >/dev/null
		DEBIAN_FRONTEND=noninteractive apt-get -y purge ctnctl libctn0 libctn-dev libpam-ctn python3-ctn >/run/apt.out 2>&1
		echo $?
		grep -E "^(W|E|N): |[Ee]rror|[Ff]ailed|[Cc]annot" /run/apt.out
		grep "warning" /run/apt.out | tr -d "\r"
		pgrep -x ctnctl
		systemctl --failed --no-legend
		grep -c pam_ctn /etc/pam.d/common-session
		su -l alice -c "echo in"
		find / -xdev \( -name "*ctnctl*" -o -name "libctn*" -o -name "*pam[-_]ctn*" \) ! -path "/srv/*" ! -path "/var/log/*" \
			! -path "/proc/*" ! -path "/var/lib/apt/*" | sort
		cat $ROOT/web/page_limit'
	assert_output "$(printf '%s\n' 0 \
		"dpkg: warning: while removing ctnctl, directory '/etc/ctnctl.d' not empty so not removed" \
		0 in \
		/etc/ctnctl.d /etc/default/ctnctl-trim /var/lib/prometheus/node-exporter/ctnctl.prom \
		16384)"
	run in_guest 'ls /etc/ctnctl.d'
	assert_output 50-web.conf
}

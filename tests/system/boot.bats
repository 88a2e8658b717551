#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# What /etc/ctnctl.d says is there after a reboot, before the services that need it.

load common

# What a service is to find, whenever it looks.
IS_THERE=$(printf '%s\n' 'containers db user\x20of\x20it' 'page_limit 16384' 'rss_limit 8192' \
	'task_limit 20' 'oom container' 'owner alice:alice' 'owner of task_limit root' \
	'files 2' 'other page_limit 2048' 'default task_limit 77')

# On a file system of its own, which is mounted from /etc/fstab.
@test "containers are configured, and a service that needs them" {
	run in_guest '
		set -e
		truncate -s 64M /srv/db.img
		mkfs.ext4 -q /srv/db.img
		mkdir /srv/db
		echo "/srv/db.img /srv/db ext4 loop 0 2" >>/etc/fstab
		mount /srv/db
		mkdir /srv/db/base
		head -c 1M /dev/zero >/srv/db/base/one
		head -c 1M /dev/zero >/srv/db/base/two
		cat >/etc/ctnctl.d/50-db.conf <<-"END"
			[defaults]
			task_limit = 77

			[db]
			page_limit = 64M
			rss_limit = 32M
			oom = container
			numproc = 10:20
			owner = alice:
			owner.task_limit = root
			file = /srv/db/base/**

			[user of it]
			page_limit = 8M
		END
		cat >/usr/local/bin/needs-db <<-"END"
			#!/bin/sh
			# what there is of its container as it starts
			value() { ctnctl show -nro VALUE "$@"; }
			exec >"/var/tmp/$(cat /proc/sys/kernel/random/boot_id)"
			ctnctl list -nro NAME --sort +NAME | paste -sd" " | sed "s/^/containers /"
			for attr in page_limit rss_limit task_limit oom; do
				echo "$attr $(value db $attr)"
			done
			cd /sys/kernel/config/containers/db
			stat -c "owner %U:%G" .
			stat -c "owner of task_limit %U" task_limit
			echo "files $(value db num_files)"
			echo "other page_limit $(value "user of it" page_limit)"
			echo "default task_limit $(cat ../default_task_limit)"
		END
		chmod +x /usr/local/bin/needs-db
		cat >/etc/systemd/system/needs-db.service <<-END
			[Service]
			Type=oneshot
			RemainAfterExit=yes
			User=alice
			ExecStart=/usr/local/bin/needs-db
			[Install]
			WantedBy=multi-user.target
		END
		systemctl daemon-reload
		systemctl enable -q needs-db.service
		systemctl restart ctnctl-apply.service
		systemctl start needs-db.service
		cat "/var/tmp/$(cat /proc/sys/kernel/random/boot_id)"'
	assert_success
	assert_output "$IS_THERE"
}

@test "after a reboot they are there before the service is" {
	before=$(in_guest 'cat /proc/sys/kernel/random/boot_id')
	run "$GUEST" reboot "$RUNNING"
	assert_success
	assert_output running
	run in_guest 'cat /proc/sys/kernel/random/boot_id'
	refute_output "$before"
	run in_guest 'cat "/var/tmp/$(cat /proc/sys/kernel/random/boot_id)"'
	assert_success
	assert_output "$IS_THERE"
}

@test "no service starts before, unless it says so" {
	run in_guest '
		apply=$(systemctl show -P ExecMainExitTimestampMonotonic ctnctl-apply.service)
		needs=$(systemctl show -P ExecMainStartTimestampMonotonic needs-db.service)
		[ "$apply" -gt 0 ] && [ "$apply" -le "$needs" ] && echo before
		systemctl show -P Before ctnctl-apply.service | tr " " "\n" | grep -x basic.target
		journalctl -b -q -o cat -p warning -u ctnctl-apply.service'
	assert_output "$(printf '%s\n' before basic.target)"
}

@test "the files that are named are charged to the container, whoever reads them" {
	run in_guest '
		cat /srv/db/base/* >/dev/null
		ctnctl which /srv/db/base/one /srv/db/base/two
		ctnctl show -nro PATH,SIZE --files db'
	assert_success
	assert_line '/srv/db/base/one: db'
	assert_line '/srv/db/base/two: db'
	assert_line '/srv/db/base/one 1M'
	assert_line '/srv/db/base/two 1M'
}

@test "a line that is refused is told, and all others hold" {
	run in_guest '
		printf "%s\n" "[web]" "page_limit = much" "rss_limit = 4M" "[late]" "page_limit = 5M" \
			>/etc/ctnctl.d/60-web.conf
		systemctl restart ctnctl-apply.service 2>&1
		systemctl is-failed ctnctl-apply.service
		journalctl -b -q -o cat -u ctnctl-apply.service -n 30 | grep -F 60-web
		value web rss_limit
		value late page_limit
		value db page_limit'
	assert_line --index 0 --partial 'Job for ctnctl-apply.service failed'
	assert_line 'failed'
	assert_line --regexp '/etc/ctnctl.d/60-web.conf:2: .*much'
	assert_line 1024
	assert_line 1280
	assert_line 16384
	run in_guest 'rm /etc/ctnctl.d/60-web.conf; systemctl restart ctnctl-apply && systemctl is-system-running'
	assert_output running
}

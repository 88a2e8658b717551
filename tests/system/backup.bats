#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# A nightly backup beside a database: Debian's PostgreSQL and tar, and files in /etc that give
# each its container. What of the database is in memory before and after is counted by
# fincore(1). How long queries take meanwhile is printed, and not judged: this machine is
# emulated.

load common

setup() {
	HELPERS+='
# sql STATEMENT: as the owner of the database
sql() {
	runuser -u postgres -- psql -qAtc "$1"
}

# the files that the table and its index are in
table_files() {
	local path

	for path in $(sql "select pg_relation_filepath(oid) from pg_class where relname like \$\$night%\$\$"); do
		ls /var/lib/postgresql/15/main/$path*
	done
}

# in_memory: how many KB of them are
in_memory() {
	fincore -bnro RES $(table_files) | awk "{ sum += \$1 } END { print int(sum / 1024) }"
}

# none of it is in memory, and then all of it is
warm() {
	systemctl restart postgresql@15-main
	sync
	echo 1 >/proc/sys/vm/drop_caches
	cat $(table_files) >/dev/null
	sql "select count(*) from night" >/dev/null
}

# latency: of queries, in microseconds, half of them and 99 of 100 took no longer
latency() {
	local log

	cd /var/lib/postgresql
	rm -f latency.*
	runuser -u postgres -- /usr/lib/postgresql/15/bin/pgbench -n -T "$1" -l \
		--log-prefix=latency -f query.sql >/dev/null
	cat latency.* | cut -d" " -f3 | sort -n | awk "
		{ took[NR] = \$1 }
		END { print NR \" queries, half of them in \" took[int((NR + 1) / 2)] \" us, 99 of 100 in \" took[int((NR * 99 + 99) / 100)] \" us\" }"
}

# night: the backup, with queries beside it; says what is in memory before and after
night() {
	local before

	warm
	before=$(in_memory)
	echo "before: $(latency 5)"
	systemctl start --no-block nightly-backup
	echo "while: $(latency 5)"
	ended() { [ "$(systemctl show -P ActiveState nightly-backup)" = inactive ]; }
	wait_until ended
	echo "kept: $(($(in_memory) * 1000 / before))"
	echo "after: $(latency 5)"
	systemctl show -P Result nightly-backup
}
'
}

# kept: of 1000 pages of the database
kept() {
	local kept

	kept=$(sed -n 's/^kept: //p' <<<"$output")
	sed -n 's/^\(before\|while\|after\): /# &/p; s/^kept: \(.*\)/# kept: \1 of 1000 pages of the database/p' \
		<<<"$output" >&3
	echo "$kept"
}

@test "a database, and a backup of more than the memory there is" {
	run in_guest '
		set -e
		echo "shared_buffers = 16MB" >/etc/postgresql/15/main/conf.d/small.conf
		systemctl enable -q --now postgresql
		systemctl start postgresql@15-main
		sql "create unlogged table night as select i, repeat(\$\$x\$\$, 400) as text from generate_series(1, 250000) i"
		sql "create index night_i on night (i)"
		sql "vacuum night"
		printf "%s\n" "\set i random(1, 250000)" "select text from night where i = :i;" \
			>/var/lib/postgresql/query.sql
		mkdir /srv/home
		for i in 1 2 3 4; do
			truncate -s 512M /srv/home/$i
		done
		cat >/etc/systemd/system/nightly-backup.service <<-END
			[Service]
			Type=oneshot
			ExecStart=/bin/sh -c "tar -cf - /srv/home | cat >/dev/null"
		END
		printf "%s\n" "[Timer]" "OnCalendar=03:00" "[Install]" "WantedBy=timers.target" \
			>/etc/systemd/system/nightly-backup.timer
		systemctl daemon-reload
		systemctl enable -q --now nightly-backup.timer
		warm
		[ "$(in_memory)" -gt 100000 ] && echo in memory'
	assert_success
	assert_output 'in memory'
}

@test "without containers the backup drives the database out of memory" {
	run in_guest night
	assert_line success
	assert [ "$(kept)" -lt 900 ]
}

@test "with files in /etc, and nothing else, it leaves all of it there" {
	run in_guest '
		set -e
		printf "%s\n" "[postgresql@15-main]" "file = /var/lib/postgresql/**" \
			"[backup]" "page_limit = 64M" "process = program=tar" >/etc/ctnctl.d/50-night.conf
		mkdir -p /etc/systemd/system/postgresql@.service.d
		cp /usr/share/doc/ctnctl/examples/container.conf /etc/systemd/system/postgresql@.service.d
		systemctl enable -q ctnctl-rules'
	assert_success
	run "$GUEST" reboot "$RUNNING"
	assert_output running
	run in_guest '
		night
		ctnctl which $(systemctl show -P MainPID postgresql@15-main)
		[ "$(value backup usage_peak)" -le 24576 ] && echo little
		value backup rss_oom_kills'
	assert_line success
	assert_line postgresql@15-main
	assert_line little
	assert [ "$(kept)" -ge 990 ]
}

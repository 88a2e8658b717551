#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# Programs of Debian at the limits of beancounters: each says what it says when the machine
# has no more, and goes on once there is room.

load common

setup() {
	HELPERS+='
# start SERVICE CONTAINER: with its processes in the container
start() {
	ctnctl create "$2"
	systemctl start "$1"
	for pid in $(cat "/sys/fs/cgroup$(systemctl show -P ControlGroup "$1")/cgroup.procs"); do
		ctnctl add-task "$2" "$pid" || :
	done
}

# held CONTAINER RESOURCE [COLUMN]
held() {
	ctnctl beancounters -nro "${3:-HELD}" "$1" | sed -n "$(ctnctl beancounters -nro RESOURCE "$1" |
		grep -nx "$2" | cut -d: -f1)p"
}

# get: what nginx says to who asks for a page
get() {
	timeout 20 bash -c "exec 3<>/dev/tcp/127.0.0.1/80
		printf \"GET / HTTP/1.0\r\n\r\n\" >&3
		head -n 1 <&3"
}
'
}

@test "sshd has no pty for one login too many, and has one for the next" {
	run in_guest '
		start ssh sshd
		mkdir -p -m 700 /root/.ssh
		ssh-keygen -q -t ed25519 -N "" -f /root/.ssh/id_ed25519
		cp /root/.ssh/id_ed25519.pub /root/.ssh/authorized_keys
		login() {
			exec ssh -tt -o BatchMode=yes -o StrictHostKeyChecking=no root@127.0.0.1 "$1" </dev/null 2>&1
		}
		ctnctl set sshd numpty=2
		login "tty; sleep 600" >/tmp/1 & first=$!
		login "tty; sleep 600" >/tmp/2 &
		wait_until grep -q /dev/pts /tmp/1
		wait_until grep -q /dev/pts /tmp/2
		echo "held: $(held sshd numpty)"
		echo "third: $(login "tty || :")"
		echo "failed: $(held sshd numpty FAILCNT)"
		kill $first
		freed() { [ "$(held sshd numpty)" = 1 ]; }
		wait_until freed
		echo "fourth: $(login tty)"
		systemctl stop ssh
		ctnctl kill sshd
		ctnctl delete sshd'
	assert_success
	assert_line 'held: 2'
	assert_line --partial 'PTY allocation request failed'
	assert_line 'failed: 1'
	assert_line --regexp '^fourth: /dev/pts/'
}

@test "nginx takes no more connections than it has files for, and all that come later" {
	run in_guest '
		start nginx web
		echo "before: $(get)"
		ctnctl set web numfile=$(($(held web numfile) + 5))
		fds=()
		for i in $(seq 20); do
			exec {fd}<>/dev/tcp/127.0.0.1/80
			fds+=($fd)
		done
		failed() { [ "$(held web numfile FAILCNT)" -gt 0 ]; }
		wait_until failed
		grep -o "accept4() failed.*" /var/log/nginx/error.log | sort -u
		for fd in "${fds[@]}"; do
			exec {fd}>&-
		done
		# it tries again after half a second
		answers() { [[ "$(get)" = *"200 OK"* ]]; }
		wait_until answers
		echo "after: $(get)"
		ctnctl set web numfile=max
		echo "then: $(get)"
		systemctl stop nginx
		ctnctl delete web'
	assert_success
	assert_line --regexp '^before: HTTP/1.1 200 OK'
	assert_line --partial 'accept4() failed (23: Too many open files in system)'
	assert_line --regexp '^after: HTTP/1.1 200 OK'
	assert_line --regexp '^then: HTTP/1.1 200 OK'
}

@test "PostgreSQL refuses a client that it has no process or no memory for, and not the next" {
	run in_guest '
		systemctl start postgresql@15-main
		ctnctl create db
		for pid in $(cat "/sys/fs/cgroup$(systemctl show -P ControlGroup postgresql@15-main)/cgroup.procs"); do
			ctnctl add-task db "$pid"
		done
		sql() {
			runuser -u postgres -- psql -qAtc "$1" 2>&1
		}
		sql "create table kept as select generate_series(1, 1000) as n"
		ctnctl set db numproc=$(held db numproc)
		echo "processes: $(sql "select 1")"
		ctnctl set db numproc=max
		echo "then: $(sql "select count(*) from kept")"
		ctnctl set db kmemsize=$(held db kmemsize)
		echo "memory: $(sql "select 1")"
		ctnctl set db kmemsize=max
		echo "then: $(sql "select count(*) from kept")"
		ctnctl set db numfile=$(($(held db numfile) + 3))
		echo "files: $(sql "select 1")"
		echo "failed: $(held db numfile FAILCNT)"
		ctnctl set db numfile=max
		echo "then: $(sql "select count(*) from kept")"
		echo "said:"
		grep -o "could not .*: Cannot allocate memory\|Too many open files in system" \
			/var/log/postgresql/postgresql-15-main.log | sort -u
		systemctl stop postgresql@15-main
		ctnctl delete db'
	assert_success
	assert_line --regexp 'processes: .*could not fork new process.*Resource temporarily unavailable'
	# what it says to the client then depends on where it was
	assert_line --partial 'memory: psql: error: connection to server'
	assert_line --regexp '^could not .*: Cannot allocate memory$'
	assert_line --partial 'files: psql: error: connection to server'
	assert_line 'Too many open files in system'
	refute_line 'failed: 0'
	assert_equal "$(grep -c '^then: 1000$' <<<"$output")" 3
}

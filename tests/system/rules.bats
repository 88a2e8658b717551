#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# ctnctl-rules.service: processes are in the container that a rule has for them, whoever has
# started them, and users have nothing moved that is not theirs.

load common

setup() {
	HELPERS+='
# as USER SCRIPT: in a session of the user
as() {
	su -l "$1" -c "$2"
}

# slowly USER: rsync, as that user, for as long as nobody ends it; prints its processes
slowly() {
	local before

	as "$1" "head -c 4M /dev/zero >from; mkdir -p to; rm -f to/*
		setsid -f rsync --bwlimit=1 from to/ </dev/null >/dev/null 2>&1"
	several() { [ "$(pgrep -c -x -u "$user" rsync)" -ge 3 ]; }
	user=$1
	wait_until several || return
	pgrep -x -u "$user" rsync
}

# all_in NAME PID...: is each of them in that container?
all_in() {
	local name=$1 pid

	shift
	for pid; do
		[ "$(ctnctl which "$pid" 2>/dev/null)" = "$name" ] || return
	done
}

# none PID...: is each of them in none?
none() {
	local pid

	for pid; do
		[ -e /proc/$pid ] && [ -z "$(cat /proc/$pid/container)" ] || return
	done
}
'
}

@test "rsync of two users is in the container for backups, and what else they run is not" {
	run in_guest '
		set -e
		printf "%s\n" "[backup]" "page_limit = 64M" "process = program=rsync" >/etc/ctnctl.d/50-backup.conf
		ctnctl rules --check
		systemctl restart ctnctl-apply
		# one of them is there before
		alices=$(slowly alice)
		none $alices
		systemctl enable -q --now ctnctl-rules
		wait_until all_in backup $alices
		bobs=$(slowly bob)
		wait_until all_in backup $bobs
		as alice "cp /usr/bin/rsync mine; setsid -f sleep 1000; setsid -f ./mine --bwlimit=1 from to/mine >/dev/null 2>&1"
		running() { pgrep -x -u alice mine >/dev/null; }
		wait_until running
		# whoever has come later has been looked at, too
		again=$(slowly bob)
		wait_until all_in backup $again
		none $(pgrep -x -u alice mine) $(pgrep -x -u alice sleep)
		echo $alices | wc -w
		ctnctl ps backup >/dev/null
		pkill -x -u alice,bob "mine|rsync|sleep"'
	assert_success
	assert_output 3
}

@test "what a user has mounted in place of the program is not moved" {
	run in_guest '
		as bob "cp /bin/sleep mine
			setsid -f unshare -Urm sh -c \"mount --bind mine /usr/bin/rsync && exec /usr/bin/rsync 1001\""
		there() { bobs=$(pgrep -f "^/usr/bin/rsync 1001"); }
		wait_until there
		readlink /proc/$bobs/exe
		alices=$(slowly alice)
		wait_until all_in backup $alices
		none $bobs && echo none
		kill $bobs $alices'
	assert_line --index 0 /usr/bin/rsync
	assert_line --index 1 none
}

@test "who is in a container stays there, until the rule says otherwise and is read again" {
	run in_guest '
		set -e
		ctnctl create web
		ctnctl run web -- su -l alice -c "head -c 4M /dev/zero >from; setsid -f rsync --bwlimit=1 from to/web >/dev/null 2>&1"
		alices=$(pgrep -x -u alice rsync)
		bobs=$(slowly bob)
		wait_until all_in backup $bobs
		all_in web $alices && echo web
		sed -i "s/program=rsync/program=rsync from=web/" /etc/ctnctl.d/50-backup.conf
		echo "process = nonsense" >>/etc/ctnctl.d/50-backup.conf
		systemctl reload ctnctl-rules
		wait_until all_in backup $alices
		journalctl -b -q -o cat -u ctnctl-rules | grep -c "50-backup.conf:4: .*nonsense"
		kill $alices $bobs
		systemctl show -P NRestarts,ActiveState ctnctl-rules'
	assert_success
	assert_output "$(printf '%s\n' web 1 0 active)"
}

@test "a user who keeps the kernel waiting, or forks without end, keeps nobody else waiting" {
	run in_guest '
		printf "%s\n" "[alice]" "page_limit = 64M" "process = user=alice" "[bob]" "process = user=bob" \
			>/etc/ctnctl.d/60-users.conf
		systemctl restart ctnctl-apply
		cat >/srv/vfork.py <<-"END"
			# children of vfork(2) that never execute anything
			import ctypes, os, time
			libc = ctypes.CDLL(None)
			for i in range(40):
			    if os.fork():
			        continue
			    CLONE_VM, CLONE_VFORK, SIGCHLD = 0x100, 0x4000, 17
			    libc.syscall(56, CLONE_VM | CLONE_VFORK | SIGCHLD, 0, 0, 0, 0)
			    time.sleep(600)
			    os._exit(0)
			while True:
			    if not os.fork():
			        os._exit(0)
			    os.wait()
		END
		as bob "setsid -f python3 /srv/vfork.py"
		enough() { [ "$(pgrep -c -u bob python3)" -ge 80 ]; }
		wait_until enough
		systemctl reload ctnctl-rules
		as alice "setsid -f sleep 1000"
		start=$(date +%s%N)
		wait_until all_in alice $(pgrep -x -u alice sleep)
		echo "# moved after $((($(date +%s%N) - start) / 1000000)) ms" >/run/took
		all_in alice $(pgrep -x -u alice sleep) && echo moved
		pkill -KILL -u bob
		pkill -KILL -u alice
		cat /run/took
		systemctl show -P NRestarts,ActiveState ctnctl-rules'
	assert_success
	echo "${lines[1]}" >&3
	assert_line --index 0 moved
	assert_line --index 2 0
	assert_line --index 3 active
}

@test "the service is nobody, with no more than it takes" {
	run in_guest '
		pid=$(systemctl show -P MainPID ctnctl-rules)
		[ "$(stat -c %u /proc/$pid)" -ge 61184 ] && echo dynamic
		sed -n "s/^\(Cap[EBA]..\|NoNewPrivs\|Seccomp\):\t//p" /proc/$pid/status
		journalctl -b -q -o cat -u ctnctl-rules -p warning | grep -v -e nonsense -e "cannot be moved"'
	# CAP_DAC_OVERRIDE is bit 1, CAP_NET_ADMIN 12, CAP_SYS_PTRACE 19, CAP_SYS_RESOURCE 24
	assert_output "$(printf '%s\n' dynamic 0000000001081002 0000000001081002 0000000001081002 1 2)"
}

#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# A container that is given to a user in /etc/ctnctl.d is that user's, who has logged in as
# users do, and nobody else's.

load common

setup() {
	HELPERS+='
# as USER SCRIPT: in a session that PAM and logind have opened
as() {
	su -l "$1" -c "$2"
}

# refused USER SCRIPT: prints what it says, as long as it fails
refused() {
	as "$1" "$2" 2>&1 && echo "$1 may: $2"
}
'
}

@test "owners come with the boot" {
	run in_guest '
		cat >/etc/ctnctl.d/50-users.conf <<-END
			[alice]
			page_limit = 64M
			owner = alice:

			[guests]
			page_limit = 64M
			owner.tasks = :users
			mode.tasks = 664
			owner.addtask = :users
			mode.addtask = 220
		END
		usermod -aG users alice'
	assert_success
	run "$GUEST" reboot "$RUNNING"
	assert_output running
	run in_guest '
		as alice "loginctl --no-legend list-sessions | grep -ow \"1000 alice\"; cat /proc/self/cgroup"
		stat -c %U:%G $ROOT/alice $ROOT/alice/page_limit $ROOT/guests $ROOT/guests/addtask'
	assert_success
	assert_output "$(printf '%s\n' '1000 alice' \
		'0::/user.slice/user-1000.slice/session-c1.scope' \
		alice:alice alice:alice root:root root:users)"
}

@test "the user runs in it, sets its limits, names files and sees what is there" {
	run in_guest '
		as alice "
			set -e
			ctnctl run alice -- ctnctl show -nro VALUE alice num_tasks
			ctnctl set alice page_limit=16M rss_limit=8M
			ctnctl show -nro VALUE alice page_limit rss_limit
			sleep 1000 &
			ctnctl add-task alice \$!
			ctnctl which \$!
			echo mine >mine
			ctnctl add-file alice mine
			ctnctl show -nro PATH --files alice | grep /home
			ctnctl stop alice
			ctnctl show -nro VALUE alice num_tasks"'
	assert_success
	assert_output "$(printf '%s\n' 1 4096 2048 alice /home/alice/mine 0)"
}

@test "what the user has set holds" {
	run in_guest '
		head -c 64M /dev/zero >/srv/large
		as alice "
			ctnctl run alice -- cat /srv/large /srv/large >/dev/null
			ctnctl run alice -- tail -c 32M /dev/zero
			echo \$?
			ctnctl show -nro VALUE alice usage_peak"' # tail holds all of it
	assert_line --index 0 137
	assert [ "${lines[1]}" -lt 8192 ]
}

@test "the user joins a container whose limits are root's, and sets none" {
	run in_guest '
		as alice "ctnctl run guests -- ctnctl show -nro VALUE guests num_tasks"
		refused alice "ctnctl set guests page_limit=1G"
		refused alice "ctnctl create another"
		refused alice "ctnctl delete alice"
		value guests page_limit'
	assert_line --index 0 1
	assert_line --index 1 --partial 'Permission denied'
	assert_line --index 2 --partial 'Permission denied'
	assert_line --index 3 --partial 'Permission denied'
	assert_line --index 4 16384
	assert_equal "${#lines[@]}" 5
}

@test "nobody else can use it, change it, look into it or end what is in it" {
	run in_guest '
		as alice "ctnctl run alice -- sleep 1000 & echo \$! >job; wait" &
		in_it() { [ "$(value alice num_tasks)" = 1 ]; }
		wait_until in_it
		job=$(value alice tasks)
		refused bob "ctnctl run alice -- true"
		refused bob "ctnctl run guests -- true"
		refused bob "ctnctl add-task alice \$\$"
		refused bob "ctnctl rm-task alice $job"
		refused bob "ctnctl set alice page_limit=1"
		refused bob "ctnctl shrink alice 0"
		refused bob "ctnctl kill alice"
		refused bob "ctnctl show --files alice"
		refused bob "echo >bobs; ctnctl add-file alice bobs"
		value alice num_tasks
		value alice page_limit'
	assert_line --index 9 1
	assert_line --index 10 4096
	assert_equal "${#lines[@]}" 11
	for line in "${lines[@]:0:9}"; do
		assert_regex "$line" '(Permission denied|Operation not permitted)'
	done
}

@test "nor does the user reach what is not the user's" {
	run in_guest '
		setsid runuser -u bob sleep 1000 &
		running() { bobs=$(pgrep -x -u bob sleep); }
		wait_until running
		refused alice "ctnctl add-task alice $bobs"
		refused alice "ctnctl add-task alice 1"
		refused alice "ctnctl add-file alice /etc/passwd"
		refused alice "ctnctl run guests -- sh -c \"ctnctl set guests task_limit=5\""
		value alice num_tasks
		pkill -x -u bob sleep
		ctnctl stop alice'
	assert_line --index 0 --regexp '(Permission denied|Operation not permitted)'
	assert_line --index 1 --regexp '(Permission denied|Operation not permitted)'
	assert_line --index 2 --regexp '(Permission denied|Operation not permitted)'
	refute_line --partial 'alice may'
	assert_line 1
}

@test "with pam_ctn a session begins in the container of its user, and only that" {
	run in_guest '
		set -e
		printf "%s\n" "[user-alice]" "[user-bob]" "page_limit = 64M" >>/etc/ctnctl.d/50-users.conf
		ctnctl apply >/dev/null
		useradd -m -s /bin/bash carol
		DEBIAN_FRONTEND=noninteractive pam-auth-update --package --enable ctn
		grep -h pam_ctn /etc/pam.d/common-session /etc/pam.d/common-session-noninteractive
		as alice "ctnctl which \$\$; sleep 1000 & ctnctl which \$!; kill \$!"
		as bob "ctnctl which \$\$"
		as carol "ctnctl which \$\$" 2>&1 || :
		ctnctl which $$ 2>&1 || :'
	assert_success
	assert_line --index 0 --regexp '^session.*required.*pam_ctn.so'
	assert_line --index 1 --regexp '^session.*required.*pam_ctn.so'
	assert_equal "${lines[*]:2:3}" 'user-alice user-alice user-bob'
	assert_line --index 5 --regexp '^ctnctl: [0-9]+: it is in no container$'
	assert_line --index 6 --regexp '^ctnctl: [0-9]+: it is in no container$'
	assert_equal "${#lines[@]}" 7
}

@test "so does one of ssh, and what systemd runs for the user" {
	run in_guest '
		set -e
		# one that was started before is where it was
		systemctl stop user@1001
		as bob "mkdir -m 700 .ssh; ssh-keygen -q -t ed25519 -N \"\" -f .ssh/id_ed25519
			cp .ssh/id_ed25519.pub .ssh/authorized_keys"
		ssh-keygen -A >/dev/null
		systemctl start ssh
		cp -r /home/bob/.ssh /root/bobs
		chown -R root /root/bobs
		ssh -n -o StrictHostKeyChecking=no -o LogLevel=ERROR -i /root/bobs/id_ed25519 bob@127.0.0.1 "
			ctnctl which \$\$
			systemd-run --user -q --wait --pipe cat /proc/self/container"
		systemctl stop ssh'
	assert_success
	assert_output $'user-bob\nuser-bob'
}

@test "and its user gets it out of there neither by a namespace nor by a daemon" {
	run in_guest '
		refused bob "ctnctl rm-task user-bob \$\$"
		refused bob "ctnctl run guests -- true"
		as bob "unshare -Urpf --mount-proc cat /proc/self/container"
		as bob "setsid -f sh -c \"sleep 1; cat /proc/self/container >was\"; sleep 3; cat was"
		as alice "su -l bob -c true" </dev/null 2>&1'
	assert_line --index 0 --regexp '(Permission denied|Operation not permitted)'
	assert_line --index 1 --regexp '(Permission denied|Operation not permitted)'
	assert_line --index 2 user-bob
	assert_line --index 3 user-bob
	refute_line --partial 'may: '
}

@test "a full container lets its user in nowhere else, unless the administrator says so" {
	run in_guest '
		as bob "setsid -f sleep 1000"
		ctnctl set user-bob task_limit=$(value user-bob num_tasks)
		as bob "echo in" 2>&1
		journalctl -b -q -o cat -g "pam_ctn.*user-bob/addtask" | tail -n 1
		sed -i "/pam_ctn/s/required/optional/" /etc/pam.d/common-session
		as bob "echo in; ctnctl which \$\$" 2>&1
		ctnctl set user-bob task_limit=max
		ctnctl stop user-bob
		sed -i "/pam_ctn/s/optional/required/" /etc/pam.d/common-session'
	refute_line --index 0 in
	assert_line --regexp 'pam_ctn\(su-l:session\): /sys/kernel/config/containers/user-bob/addtask: "[0-9]+": '
	assert_line in
	assert_line --regexp 'it is in no container$'
}

@test "with create and delegate each user has one, and root none" {
	run in_guest '
		set -e
		sed -i "s/pam_ctn.so.*/pam_ctn.so container=user-%u create delegate/" /etc/pam.d/common-session
		as carol "ctnctl which \$\$; ctnctl set user-carol page_limit=8M"
		stat -c %U $ROOT/user-carol $ROOT/user-carol/page_limit $ROOT
		value user-carol page_limit
		su -l root -c "ctnctl which \$\$" 2>&1 || :
		! ls -d $ROOT/user-root 2>/dev/null
		DEBIAN_FRONTEND=noninteractive pam-auth-update --package --remove ctn
		grep -h pam_ctn /etc/pam.d/* || :'
	assert_success
	assert_line --index 0 user-carol
	assert_equal "${lines[*]:1:4}" 'carol carol root 2048'
	assert_line --index 5 --regexp 'it is in no container$'
}

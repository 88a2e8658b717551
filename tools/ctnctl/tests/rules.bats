#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2154
#
# rules: which processes are moved where, and what is said of rules that are wrong. The
# processes are those of this machine, and so are the events; the containers are files, that
# do not know who is in them. What becomes of it on a whole system is in
# tests/system/rules.bats.

load helper

eval "$(declare -f setup | sed '1s/.*/set_up_tree()/')"
setup() {
	[[ ! $UNDER ]] || skip "valgrind has no pidfd_open(2)"
	set_up_tree
	# in a directory that nobody else may write to, as a program of a rule has to be
	umask 022
	program=$BATS_TEST_TMPDIR/program
	cp "$(type -P sleep)" "$program"
	container backup
	jobs=()
}

eval "$(declare -f teardown | sed '1s/.*/end_background()/')"
teardown() {
	[[ ${#jobs[@]} == 0 ]] || kill -KILL "${jobs[@]}" 2>/dev/null || true
	end_background
}

# configured LINE...: what is in the file rules.conf, in [backup] at first
configured() {
	printf '%s\n' '[backup]' "$@" >rules.conf
}

# job COMMAND...: one that stays, as $job
job() {
	"$@" 3>&- &
	job=$!
	jobs+=("$job")
	disown "$job"
	# it has become what it is to be
	if [[ $1 == *program* ]]; then
		wait_until [ "/proc/$job/exe" -ef "$1" ]
	fi
}

# once: look at all processes, and print those that are moved
once() {
	run ctnctl rules --once -v rules.conf
}

# serving [ENV-ARGUMENT...]: rules as $pid, which has begun to listen
serving() {
	background "$@" ctnctl rules -v rules.conf
	wait_until listens
}

# It sleeps in ppoll: all that there was has been looked at.
listens() {
	local state

	[[ $(cat "$err") ]] && skip "$(cat "$err")"
	read -r _ _ state _ <"/proc/$pid/stat"
	[[ $(ls -l /proc/"$pid"/fd) == *socket:* && $state == S ]]
}

moved() {
	grep -qxF "$1" "$out"
}

needs_root() {
	[[ $(id -u) == 0 ]] || skip "only root may"
}

@test "a rule that is in order is not spoken of" {
	configured 'process = program=/usr/bin/rsync' 'process = program=rsync user=root' \
		'process = user=0 group=0 from=web from=*' 'process = program=/usr/bin/not\x20there' \
		'page_limit = 64M' 'process =	group=root   program=nowhere-to-be-found'
	CTN_CONFIG=/nonexistent run ctnctl rules --check rules.conf
	assert_success
	assert_output ''
}

@test "one that is not is told with its file and line, and all others hold" {
	printf '#!/bin/sh\n' >script
	chmod +x script
	mkdir dir
	configured 'process = rsync' 'process = prgram=rsync' 'process = user=nobody-at-all' \
		'process = group=nobody-at-all' 'process = user=root user=root' 'process = from=*' \
		"process = program=$PWD/script" "process = program=$PWD/dir" 'process = program=bin/rsync' \
		'process = user=a:b' 'process = program=\x' 'process = user=' "process = program=$program"
	run ctnctl rules --check rules.conf
	assert_failure 1
	assert_output - <<-END
		ctnctl: rules.conf:2: process: "rsync": want program=, user=, group= or from=, and a value
		ctnctl: rules.conf:3: process: prgram: want program=, user=, group= or from=
		ctnctl: rules.conf:4: process: user=nobody-at-all: there is no such user
		ctnctl: rules.conf:5: process: group=nobody-at-all: there is no such group
		ctnctl: rules.conf:6: process: user=root: there are two of them
		ctnctl: rules.conf:7: process: want program=, user= or group=
		ctnctl: rules.conf:8: process: program=$PWD/script: it is a script: what runs is its interpreter
		ctnctl: rules.conf:9: process: program=$PWD/dir: it is no regular file
		ctnctl: rules.conf:10: process: program=bin/rsync: want an absolute path, or a name without /
		ctnctl: rules.conf:11: process: user=a:b: want the name of a user, or a number
		ctnctl: rules.conf:12: want \\ooo, \\xhh or \\\\ for a byte
		ctnctl: rules.conf:13: process: "user=": want program=, user=, group= or from=, and a value
	END
	job "$program" 1000
	run --separate-stderr ctnctl rules --once -v rules.conf
	assert_failure 1
	assert_output "backup: $job $program"
}

@test "apply reads the same lines, and says what is wrong with their form" {
	printf '%s\n' '[web]' 'process = program=rsync user=nobody-at-all' 'process = user=' \
		'process = program=/nowhere' 'page_limit = 64M' >web.conf
	container web
	run ctnctl apply web.conf
	assert_failure 1
	assert_line 'ctnctl: web.conf:3: process: "user=": want program=, user=, group= or from=, and a value'
	assert_line 'web: page_limit max -> 64M'
	assert_equal "${#lines[@]}" 2
	printf '%s\n' '[defaults]' 'process = program=rsync' >web.conf
	run ctnctl apply web.conf
	assert_refused 'web.conf:2: process: it is none of the defaults'
}

@test "what runs the program is moved, and nothing else" {
	configured "process = program=$program"
	cp program another-program
	job ./another-program 1000
	once
	assert_success
	assert_output ''
	job ./program 1000
	once
	assert_success
	assert_output "backup: $job $program"
	assert_equal "$(<"$tree/backup/addtask")" "$job"
}

@test "a dry run says so, and moves nothing" {
	configured "process = program=$program"
	job ./program 1000
	run ctnctl rules -n rules.conf
	assert_success
	assert_output "backup: $job $program"
	assert_equal "$(<"$tree/backup/addtask")" ''
}

@test "a name alone is that of a program of the system, and of no other" {
	configured "process = program=sleep user=$(id -un)"
	cp program sleep
	PATH=$PWD:$PATH job sleep 1000
	wait_until [ "/proc/$job/exe" -ef sleep ]
	once
	refute_output --partial "backup: $job "
	job /bin/sleep 1000
	wait_until [ "/proc/$job/exe" -ef /bin/sleep ]
	once
	assert_line "backup: $job $(realpath /bin/sleep)"
}

@test "it is the file that counts, and not what a process has mounted in its place" {
	unshare --mount --map-root-user true || skip "nobody may have namespaces here"
	configured "process = program=$program"
	cp program mine
	job unshare --mount --map-root-user sh -c "mount --bind mine program && exec '$program' 1000"
	has_become() { [[ $(readlink "/proc/$job/exe") == "$program" ]]; }
	wait_until has_become
	refute [ "/proc/$job/exe" -ef program ]
	once
	assert_success
	assert_output ''
}

@test "after an upgrade it is the new file, at once" {
	configured "process = program=$program"
	serving
	cp program new
	mv new program
	job ./program 1000
	wait_until moved "backup: $job $program"
	rm program
	cp "$(type -P sleep)" new
	mv new program
	job ./program 1000
	wait_until moved "backup: $job $program"
}

@test "a program that others could replace is none, wherever that is possible" {
	needs_root
	mkdir theirs ours open
	chmod 777 open
	cp program theirs
	cp program open
	chown nobody theirs
	cp program ours/others
	chown nobody ours/others
	cp program ours/writable
	chmod 775 ours/writable
	ln -s "$program" ours/link
	chown -h nobody ours/link
	ln -s ours good
	cp program ours/program
	configured "process = program=$PWD/theirs/program" "process = program=$PWD/open/program" \
		"process = program=$PWD/ours/others" "process = program=$PWD/ours/writable" \
		"process = program=$PWD/ours/link" "process = program=$PWD/open/nothing" \
		"process = program=$PWD/theirs/../ours/others" "process = program=$PWD/good/program"
	run ctnctl rules --check rules.conf
	assert_failure 1
	for line in 2 3 4 6 7; do
		assert_line --partial "rules.conf:$line: process: program=$PWD/"
	done
	assert_line "ctnctl: rules.conf:5: process: program=$PWD/ours/writable: others than root can write to it"
	refute_output --partial 'rules.conf:9'
	assert_equal "$(grep -c 'others than root can put something else there' <<<"$output")" 6
}

@test "a symbolic link of root's to it is followed" {
	ln -s . here
	ln -s "here/../${PWD##*/}/program" link
	configured "process = program=$PWD/link"
	job ./program 1000
	once
	assert_output "backup: $job $program"
}

@test "users and groups are those who have started it" {
	needs_root
	configured "process = program=$program user=nobody" "process = program=$program group=12345"
	chmod 755 . "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR/test"
	job ./program 1000
	once
	assert_output ''
	job setpriv --reuid nobody --clear-groups "$program" 1000
	wait_until [ "/proc/$job/exe" -ef program ]
	once
	assert_output "backup: $job $program"
	kill -KILL "$job"
	job setpriv --groups 1,12345,7 "$program" 1000
	wait_until [ "/proc/$job/exe" -ef program ]
	once
	assert_output --partial "backup: $job $program"
	# the effective one is another matter
	job setpriv --euid nobody "$program" 1000
	wait_until [ "/proc/$job/exe" -ef program ]
	once
	refute_output --partial "backup: $job"
}

@test "what cannot be told of a process hides no other thing about it" {
	needs_root
	configured 'process = user=12345'
	cp "$(realpath /usr/bin/python3)" pythonprogram
	chmod 755 . "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR/test"
	# the path of what it runs is too long to be told
	job /usr/bin/python3 -I -c 'if 1:
		import os, shutil
		for i in range(30):
			os.mkdir("d" * 200)
			os.chdir("d" * 200)
		shutil.copy("/bin/sleep", "sleep")
		os.setuid(12345)
		os.execv("./sleep", ["sleep", "1000"])'
	is_long() { [[ $(</proc/"$job"/comm) == sleep ]]; }
	wait_until is_long
	refute readlink "/proc/$job/exe"
	once
	assert_output "backup: $job ?"
	kill -KILL "$job"
	# the first thread has ended
	configured "process = program=$PWD/pythonprogram"
	job env ./pythonprogram -I -c 'if 1:
		import ctypes, threading, time
		threading.Thread(target=time.sleep, args=(1000,)).start()
		ctypes.CDLL(None).pthread_exit(None)'
	has_ended() { grep -q '^State:.*Z' "/proc/$job/status"; }
	wait_until has_ended
	once
	assert_output "backup: $job $PWD/pythonprogram"
}

@test "process 1 stays where it is, and so does what it starts" {
	needs_root
	configured 'process = user=root'
	# shellcheck disable=SC2016 # it is for the inner shell, which is process 1
	run unshare --pid --fork --mount-proc bash -c '
		"$1" 1000 >/dev/null 3>&- &
		until [ "/proc/$!/exe" -ef "$1" ]; do sleep 0.02; done
		readlink /proc/1/exe
		"$CTNCTL" rules -n rules.conf
		kill $!' - "$program"
	assert_line --regexp "^backup: [2-9][0-9]* $program$"
	assert_line --index 0 --regexp '^/.*bash$'
	refute_line --regexp '^backup: 1 '
}

@test "of several rules the last is taken" {
	container web
	configured "process = program=$program" '[web]' "process = user=$(id -u) program=$program"
	job ./program 1000
	once
	assert_output "web: $job $program"
	configured "process = user=$(id -u) program=$program" '[web]' 'page_limit = max' '[backup]' \
		"process = program=$program" '[web]' 'process = program=not-there'
	once
	assert_output "backup: $job $program"
}

@test "who is in a container stays there, unless the rule says from where" {
	container web
	job ./program 1000
	echo "$job" >"$tree/web/tasks"
	configured "process = program=$program"
	once
	assert_output ''
	configured "process = program=$program from=backup from=other"
	once
	assert_output ''
	configured "process = program=$program from=other from=web"
	once
	assert_output "backup: $job $program"
	configured "process = program=$program from=*"
	once
	assert_output "backup: $job $program"
	# a rule that may not is not for it, and the one before is
	container third
	configured "process = program=$program from=*" '[third]' "process = program=$program"
	once
	assert_output "backup: $job $program"
	# and where it is to be it is left alone
	configured "process = program=$program from=*" '[web]' "process = program=$program"
	once
	assert_output ''
}

@test "a star that is escaped is a name" {
	container web
	job ./program 1000
	echo "$job" >"$tree/web/tasks"
	configured "process = program=$program from=\\x2a"
	once
	assert_output ''
}

@test "when a number has become another's, that one is put back where it was" {
	needs_root
	configured "process = program=$program from=*"
	container web
	[[ -w /proc/sys/kernel/ns_last_pid ]] || skip "this kernel does not let numbers be chosen"
	# as the number is written its process ends, and another one gets it
	cat >"$CTN_CONFIG/on-addtask" <<-END
		#!/bin/bash
		mkdir "$PWD/once" 2>/dev/null || exit 0
		kill -KILL \$(cat $PWD/job)
		while [ -e /proc/\$(cat $PWD/job) ]; do sleep 0.01; done
		for try in {1..500}; do
			echo \$((\$(cat $PWD/job) - 1)) >/proc/sys/kernel/ns_last_pid
			/bin/sleep 5 >/dev/null 2>&1 3>&- &
			[ \$! != \$(cat $PWD/job) ] || exit 0
			kill \$!
		done
	END
	chmod +x "$CTN_CONFIG/on-addtask"
	# was_in [CONTAINER]: where the process has been
	was_in() {
		rm -rf once job
		(
			"$program" 1000 3>&- &
			echo $! >job
			wait $!
		) 2>/dev/null 3>&- &
		wait_until [ -s job ]
		wait_until [ "/proc/$(<job)/exe" -ef program ]
		for name; do
			echo "$(<job)" >"$tree/$name/tasks"
		done
		run with_kernel "$CTNCTL" rules --once -v rules.conf
		assert_equal "$(readlink "/proc/$(<job)/exe")" "$(realpath /bin/sleep)"
		assert_success
		assert_output ''
		kill -KILL "$(<job)"
	}
	was_in
	assert_equal "$(<"$tree/backup/rmtask")" "$(<job)"
	: >"$tree/backup/rmtask"
	was_in web
	assert_equal "$(<"$tree/web/addtask")" "$(<job)"
	assert_equal "$(<"$tree/backup/rmtask")" ''
}

@test "what starts later is moved as it starts, whoever forks or execs it" {
	configured "process = program=$program"
	serving
	job ./program 1000
	wait_until moved "backup: $job $program"
	# one that has been forked, and whose parent has gone
	"$program" 0.1 3>&- &
	job bash -c "sleep 0.2; exec '$program' 1000"
	wait_until moved "backup: $job $program"
	kill -TERM "$pid"
	join
	assert_equal "$status" 0
	assert_equal "$stderr" ''
}

@test "one that daemonizes is moved, too" {
	needs_root
	cp "$(realpath /usr/bin/python3)" pythonprogram
	configured "process = program=$PWD/pythonprogram"
	serving
	./pythonprogram -I -c 'if 1:
		import os, time
		if os.fork():
			os._exit(0)
		os.setsid()
		open("daemon", "w").write(f"{os.getpid()}\n")
		time.sleep(1000)' 3>&-
	wait_until [ -s daemon ]
	jobs+=("$(<daemon)")
	wait_until moved "backup: $(<daemon) $PWD/pythonprogram"
}

@test "who becomes another user is looked at anew" {
	needs_root
	cp "$(realpath /usr/bin/python3)" pythonprogram
	configured "process = program=$PWD/pythonprogram user=12345"
	serving
	job ./pythonprogram -I -c 'if 1:
		import os, time
		while not os.path.exists("go"):
			time.sleep(0.05)
		os.setuid(12345)
		time.sleep(1000)'
	sleep 1
	refute moved "backup: $job $PWD/pythonprogram"
	: >go
	wait_until moved "backup: $job $PWD/pythonprogram"
}

@test "when there are more events than it can take, it looks at all processes" {
	configured "process = program=$program"
	serving
	kill -STOP "$pid"
	/usr/bin/python3 -I -c 'if 1:
		import os
		for i in range(8000):
			if not os.fork():
				os._exit(0)
			os.wait()' 3>&-
	job ./program 1000
	kill -CONT "$pid"
	wait_until moved "backup: $job $program"
}

@test "one that cannot be moved keeps nobody else waiting" {
	configured "process = program=$program"
	# the kernel waits with the first
	cat >"$CTN_CONFIG/on-addtask" <<-END
		#!/bin/sh
		mkdir "$PWD/first" 2>/dev/null && exec sleep 30
		exit 0
	END
	chmod +x "$CTN_CONFIG/on-addtask"
	serving LD_PRELOAD="$KERNEL"
	job ./program 1000
	wait_until [ -d first ]
	job ./program 1000
	wait_until moved "backup: $job $program"
	# and comes to its end
	sleep 5
	wait_until contains "$err" 'rules.conf:2: it cannot be moved in 10 seconds'
	kill -TERM "$pid"
	join
	assert_equal "$status" 0
}

@test "SIGHUP has the rules read again, and all processes looked at" {
	configured 'process = program=not-there'
	job ./program 1000
	serving
	refute moved "backup: $job $program"
	configured "process = program=$program" 'process = nonsense'
	kill -HUP "$pid"
	wait_until moved "backup: $job $program"
	assert contains "$err" 'rules.conf:3: process: "nonsense"'
	kill -TERM "$pid"
	join
	assert_equal "$status" 0
}

@test "SIGHUP while the rules are read for the first time does not end it" {
	mkfifo late.conf
	background ctnctl rules late.conf
	catches() { ((0x$(awk '$1 == "SigCgt:" {print $2}' "/proc/$pid/status") & 1)); }
	wait_until catches
	kill -HUP "$pid"
	# for the first time, and for the second
	timeout 20 bash -c ': >late.conf'
	timeout 20 bash -c ': >late.conf'
	kill -TERM "$pid"
	join
	assert_equal "$status" 0
}

@test "what is refused is told with the line of the rule, and not over and over" {
	container full
	full "$tree/full/addtask"
	configured "process = program=not-there" '[full]' "process = program=$program" '[gone]' \
		"process = program=$PWD/other-program"
	cp program other-program
	serving
	for _ in 1 2 3 4 5; do
		job ./program 1000
	done
	job ./other-program 1000
	wait_until contains "$err" rules.conf:6
	# nor if there is room in between
	: >room
	ln -sf "$PWD/room" "$tree/full/addtask"
	job ./program 1000
	wait_until moved "full: $job $program"
	full "$tree/full/addtask"
	job ./program 1000
	job ./other-program 1000
	ln -sf "$PWD/room" "$tree/full/addtask"
	job ./program 1000
	wait_until moved "full: $job $program"
	kill -TERM "$pid"
	join
	assert_equal "$status" 0
	assert_equal "$(grep -c 'rules.conf:4: .*/full/addtask: "[0-9]*": No space left on device' <<<"$stderr")" 1
	assert_equal "$(grep -c 'rules.conf:6: .*/gone: No such container' <<<"$stderr")" 1
	assert_equal "$(wc -l <<<"$stderr")" 2
	run ctnctl rules --once rules.conf
	assert_failure 1
}

@test "what a process is called cannot spoil a line" {
	mkdir $'a\nb'
	cp program $'a\nb/program'
	configured 'process = program='"$PWD"'/a\x0ab/program'
	job $'./a\nb/program' 1000
	once
	assert_output "backup: $job $PWD/a\\x0ab/program"
}

@test "without rules, and without files, there is nothing to do" {
	mkdir empty
	CTN_APPLY_PATH=$PWD/empty run ctnctl rules --once
	assert_success
	assert_output ''
	run ctnctl rules --check nowhere.conf
	assert_refused 'nowhere.conf: No such file or directory'
}

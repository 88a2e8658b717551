#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# Beancounters of what there is a number of: open files, file locks, ptys, queued
# signals, sockets. What they are at, at barrier and limit, above, and after release.
#
# vm: --mem 512M --smp 2
# kernels: base coexist
# debug: quick

load common

setup_file() {
	common_setup_file
	ip link set lo up
}

setup() {
	common_setup
	F=/dev/shm/$BATS_TEST_NUMBER
	# counting begins with a write
	set_attr beancounters 'numfile max'
}

teardown() {
	common_teardown
	rm -f "$F"*
}

# many_start WHAT [out|COMMAND...]: a process in the container that makes so many of these,
# or outside
many_start() {
	local what=$1 enter=(enter "$C")

	shift
	[ "${1-}" != out ] || { enter=(); shift; }
	mkfifo "$BATS_TEST_TMPDIR/in" "$BATS_TEST_TMPDIR/out"
	"$@" "${enter[@]}" many "$what" "$F" <"$BATS_TEST_TMPDIR/in" >"$BATS_TEST_TMPDIR/out" 3>&- &
	MANY=$!
	exec {IN}>"$BATS_TEST_TMPDIR/in" {OUT}<"$BATS_TEST_TMPDIR/out"
	makes 0 '0 ok'
}

# makes LINE ANSWER
makes() {
	local answer

	echo "$1" >&"$IN"
	read -r -t $((60 * ${SLOW:-1})) -u "$OUT" answer
	assert_equal "$1: $answer" "$1: $2"
}

many_end() {
	exec {IN}>&-
	wait "$MANY"
	exec {OUT}<&-
	rm "$BATS_TEST_TMPDIR/in" "$BATS_TEST_TMPDIR/out"
}

# counted RESOURCE WHAT EACH ERROR: so many of the resource are counted for each of what
# is made, up to the limit; one more fails with the error
counted() {
	local resource=$1 what=$2 each=$3 error=$4 before fails

	many_start "$what"
	before=$(bc "$resource")
	fails=$(bc "$resource" failcnt)
	set_attr beancounters "$resource reset"
	makes 100 "$((what_is_two[$what] ? 200 : 100)) ok"
	assert_equal "$what $(($(bc "$resource") - before))" "$what $((100 * each))"
	makes - "0 ok"
	wait_until 10 bc_back "$resource" "$before"
	assert_equal "$what $(bc "$resource" maxheld)" "$what $((before + 100 * each))"
	bc_is "$resource" failcnt "$fails"
	set_attr beancounters "$resource $((before + 10 * each))"
	makes 100 "$((what_is_two[$what] ? 20 : 10)) $error"
	bc_is "$resource" held $((before + 10 * each))
	bc_is "$resource" failcnt $((fails + 1))
	# one is freed: there is room for one
	makes -1 "0 ok"
	[ "$each" != 1 ] || { wait_until 10 bc_back "$resource" $((before + 9)); makes 2 "1 $error"; }
	set_attr beancounters "$resource max"
	makes 5 "$((what_is_two[$what] ? 10 : 5)) ok"
	many_end
	wait_until 10 bc_back "$resource" 0
}

bc_back() {
	[ "$(bc "$1")" = "$2" ]
}

declare -gA what_is_two=([pipe]=1 [accept]=1)

@test "open files are counted, and one too many is ENFILE" {
	counted numfile file 1 ENFILE
	counted numfile pipe 2 ENFILE
}

@test "open files: a barrier is for who has not CAP_SYS_ADMIN" {
	local before

	many_start file
	before=$(bc numfile)
	set_attr beancounters "numfile $((before + 5)) $((before + 9))"
	makes 100 '9 ENFILE'
	many_end
	wait_until 10 bc_back numfile 0
	many_start file setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin
	makes 100 '5 ENFILE'
	makes - '0 ok'
	many_end
	bc_is numfile failcnt 2
}

@test "file locks are counted, and one too many is ENOLCK" {
	counted numflock flock 1 ENOLCK
	counted numflock posix 1 ENOLCK
	counted numflock lease 1 ENOLCK
}

@test "file locks: one that takes the place of others always fits" {
	many_start posix
	makes 10 '10 ok'
	set_attr beancounters 'numflock 1'
	makes shared '0 ok'
	bc_is numflock held 10
	makes all '0 ok'
	bc_is numflock held 1
	bc_is numflock failcnt 0
	# an unlock in the middle leaves two pieces, up to the limit
	makes -1 '0 ENOLCK'
	bc_is numflock held 1
	bc_is numflock failcnt 1
	set_attr beancounters 'numflock 1 2'
	makes -1 '0 ok'
	bc_is numflock held 2
	many_end
	wait_until 10 bc_back numflock 0
	many_start flock
	makes 1 '1 ok'
	set_attr beancounters 'numflock 0'
	makes shared '0 ok'
	bc_is numflock held 1
	many_end
	wait_until 10 bc_back numflock 0
}

@test "ptys are counted, and one too many is ENOSPC" {
	counted numpty pty 1 ENOSPC
}

@test "queued signals are counted, and one too many is EAGAIN" {
	counted numsiginfo signal 1 EAGAIN
	counted numsiginfo timer 1 EAGAIN
}

@test "sockets are counted, those of TCP apart, and one too many fails" {
	counted numtcpsock tcp 1 ENOMEM
	counted numothersock udp 1 ENOMEM
	counted numothersock unix 1 ENOMEM
	counted numothersock netlink 1 ENOMEM
	bc_is numtcpsock held 0
}

@test "a connection that comes in is counted where somebody listens" {
	many_start accept
	makes 1 '2 ok'
	# the one that listens, and both ends
	bc_is numtcpsock held 3
	makes 20 '40 ok'
	bc_is numtcpsock held 43
	set_attr beancounters 'numtcpsock 44'
	# there is room for the one, and not for the other, which is not to be accepted
	makes 1 '1 EAGAIN'
	bc_is numtcpsock held 44
	assert [ "$(bc numtcpsock failcnt)" -ge 1 ]
	many_end
	set_attr beancounters 'numtcpsock max'
	wait_until 70 bc_back numtcpsock 0
}

@test "a connection over a unix socket is counted where somebody listens" {
	many_start unix-accept
	makes 20 '40 ok'
	# the one that listens, and both ends
	bc_is numothersock held 41
	set_attr beancounters 'numothersock 42'
	makes 1 '0 ENOMEM'
	bc_is numothersock held 41
	many_end
	wait_until 10 bc_back numothersock 0
}

@test "who listens on a unix socket does not have others pay for what it has" {
	local server

	mkfifo "$BATS_TEST_TMPDIR/server"
	many unix-listen "$F" <"$BATS_TEST_TMPDIR/server" >/dev/null 3>&- &
	exec {server}>"$BATS_TEST_TMPDIR/server"
	wait_until 10 test -S "$F"
	many_start unix-connect
	makes 20 '20 ok'
	bc_is numothersock held 20
	makes - '0 ok'
	# nobody has accepted them, and there they are
	bc_is numothersock held 0
	many_end
	exec {server}>&-
}

@test "a signal is counted for who gets it" {
	mkdir "$C-other"
	echo 'numsiginfo 10' >"$C-other/beancounters"
	many_start signal
	F=$MANY enter "$C-other" bash -c 'many signal-to "$F" <<<50' >"$BATS_TEST_TMPDIR/said"
	assert_equal "$(<"$BATS_TEST_TMPDIR/said")" '50 ok'
	bc_is numsiginfo held 50
	# but for what it gets itself, of its children
	assert [ "$(bc numsiginfo maxheld "$C-other")" -lt 5 ]
	many_end
	wait_until 10 bc_back numsiginfo 0
}

@test "a server that listened before it was counted is, once it accepts" {
	set_attr beancounters 'numfile max'
	many_start accept out
	makes 3 '6 ok'
	bc_is numtcpsock held 0
	set_attr addtask "$MANY"
	# the one that listens, and both ends
	makes 1 '2 ok'
	bc_is numtcpsock held 3
	set_attr beancounters 'numtcpsock 4'
	makes 1 '1 EAGAIN'
	bc_is numtcpsock held 4
	many_end
	set_attr beancounters 'numtcpsock max'
	wait_until 70 bc_back numtcpsock 0
}

@test "a lock from before is not counted, whatever becomes of it" {
	many_start posix out
	makes 10 '10 ok'
	set_attr addtask "$MANY"
	set_attr beancounters 'numflock 0'
	makes shared '0 ok'
	makes all '0 ok'
	bc_is numflock maxheld 0
	many_end
}

@test "what is in no container, or in one without beancounters, is not counted" {
	mkdir "$C-none"
	C=$C-none many_start file
	makes 50 '50 ok'
	bc_is numfile held 0
	assert_equal "$(bc numfile held "$C-none")" 0
	# nor what it has from before it is counted
	echo 'numfile max' >"$C-none/beancounters"
	assert_equal "$(bc numfile held "$C-none")" 0
	makes 10 '10 ok'
	assert_equal "$(bc numfile held "$C-none")" 10
	makes - '0 ok'
	assert_equal "$(bc numfile held "$C-none")" 0
	many_end
}

@test "what is moved is counted where it was made" {
	mkdir "$C-to"
	echo 'numfile max' >"$C-to/beancounters"
	many_start file
	makes 50 '50 ok'
	set_attr addtask "$MANY" "$C-to"
	assert_equal "$(bc numfile held "$C-to")" 0
	assert [ "$(bc numfile)" -ge 50 ]
	makes 5 '5 ok'
	assert_equal "$(bc numfile held "$C-to")" 5
	many_end
	wait_until 10 bc_back numfile 0
	assert_equal "$(bc numfile held "$C-to")" 0
}

@test "rmdir leaves what there is to itself, and nobody is uncharged for it" {
	many_start file
	makes 1000 '1000 ok'
	rmdir "$C"
	mkdir "$C"
	set_attr beancounters 'numfile 100'
	bc_is numfile held 0
	makes - '0 ok'
	bc_is numfile held 0
	run dmesg
	refute_output --partial 'uncharging too much'
	many_end
}

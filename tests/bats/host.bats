#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# What is in no container, counted as the host's beancounters while count_host says so.
#
# vm: --mem 512M --smp 2
# kernels: base coexist
# debug: quick

load common

setup_file() {
	common_setup_file buffers
	ip link set lo up
}

setup() {
	common_setup
	F=/dev/shm/$BATS_TEST_NUMBER
	MAX=9223372036854775807
	NUMFILE=19
	NUMPROC=5
}

teardown() {
	# as it was charged
	[ "$(<"$ROOT/count_host")" = 0 ] || wait_until 20 audit_agrees
	echo 0 >"$ROOT/count_host"
	common_teardown
	rm -f "$F"*
	run dmesg
	refute_output --partial 'uncharging too much'
}

# host RESOURCE [COLUMN]: what the table of all says of it
host() {
	awk -v name="$1" -v column="${2:-held}" '
		NR == 1 {for (i = 1; i <= NF; i++) if ($i == column) at = i}
		$1 == 0 && $3 == name {print $at}' "$ROOT/beancounters"
}

# between RESOURCE LEAST MOST: is it? What runs beside the test has some of it, too.
between() {
	local held

	held=$(host "$1")
	((held >= $2 && held <= $3)) || {
		echo "$1 held $held, not $2 to $3"
		return 1
	}
}

@test "nothing is counted for the host until that is asked for" {
	assert_equal "$(<"$ROOT/count_host")" 0
	assert_equal "$(stat -c %a "$ROOT/count_host")" 644
	set_attr beancounters 'numfile max'
	assert_equal "$(awk '$1 == 0' "$ROOT/beancounters")" ''
	assert_equal "$(awk '$1 == "0:"' /proc/user_beancounters)" ''
	assert_equal "$(luid stat 0 "$NUMFILE")" "$MAX $MAX 0 0 0 0"
	assert_equal "$(luid uid=1000 stat 0 "$NUMFILE")" "$MAX $MAX 0 0 0 0"
}

@test "what is not 0 or 1 is refused, and changes nothing" {
	local word

	for word in '' 2 00 1x '1 ' yes '\n' '1\n\n'; do
		assert_equal "'$word' $(put_value count_host "$word" "$ROOT")" "'$word' EINVAL"
	done
	assert_equal "$(<"$ROOT/count_host")" 0
	run as 1000 put "$ROOT/count_host" <<<1
	assert_output 'open: EACCES'
	assert_equal "$(<"$ROOT/count_host")" 0
	echo 1 >"$ROOT/count_host"
	assert_equal "$(put_value count_host 2 "$ROOT")" EINVAL
	assert_equal "$(<"$ROOT/count_host")" 1
}

@test "files that are opened outside are the host's, and those of a container its own" {
	local before inside

	set_attr beancounters 'numfile max'
	echo 1 >"$ROOT/count_host"
	start_teller p many file "$F"
	start_teller q enter "$C" many file "$F"
	assert_equal "$(tell q 0)" '0 ok'
	before=$(host numfile)
	inside=$(bc numfile)
	assert_equal "$(tell p 500)" '500 ok'
	between numfile $((before + 500)) $((before + 530))
	bc_is numfile held "$inside"
	assert_equal "$(tell q 500)" '500 ok'
	between numfile $((before + 500)) $((before + 530))
	bc_is numfile held $((inside + 500))
	assert_equal "$(tell p -)" '0 ok'
	wait_until 10 between numfile $((before - 30)) $((before + 30))
	assert [ "$(host numfile maxheld)" -ge $((before + 500)) ]
	assert_equal "$(host numfile barrier) $(host numfile limit) $(host numfile failcnt)" \
		'max max 0'
}

@test "the host's rows are in all three places, where it is counted" {
	local held

	set_attr beancounters 'numfile max'
	echo 1 >"$ROOT/count_host"
	start_teller p many pty "$F"
	assert_equal "$(tell p 20)" '20 ok'
	assert_equal "$(host numpty)" 20
	assert_equal "$(luid stat 0 11)" "$MAX $MAX 20 20 0 0"
	# it is everybody's, and not for everybody
	assert_equal "$(luid uid=1000 stat 0 11)" EPERM
	assert_equal "$(luid without=21 stat 0 11)" EPERM
	assert_equal "$(awk '$1 == "numpty" {print $2; exit}' /proc/user_beancounters)" 20
	# the name is no name of a container
	assert_equal "$(awk '$3 == "numpty" && $1 == 0 {print $2}' "$ROOT/beancounters")" -
	# of processes, their memory and shared memory are other numbers
	for resource in numproc physpages privvmpages lockedpages shmpages; do
		assert_equal "$resource $(host "$resource")" "$resource "
	done
	assert_equal "$(luid stat 0 "$NUMPROC")" "$MAX $MAX 0 0 0 0"
	# and the host has no limits
	assert_equal "$(luid limit 0 11 5 5)" EOPNOTSUPP
	assert_equal "$(tell p 5)" '5 ok'
}

@test "objects and names of the kernel are the host's, as the audit finds them" {
	local kmem names

	set_attr beancounters 'numfile max'
	echo 1 >"$ROOT/count_host"
	start_teller p many file "$F"
	assert_equal "$(tell p 0)" '0 ok'
	kmem=$(host kmemsize)
	names=$(host dcachesize)
	assert_equal "$(tell p 3000)" '3000 ok'
	# an open file has 184 bytes at least
	assert [ "$(host kmemsize)" -ge $((kmem + 3000 * 180)) ]
	mkdir "$F-d"
	(cd "$F-d" && for i in {1..1000}; do echo >"$i"; done)
	assert [ "$(host dcachesize)" -ge $((names + 1000 * 190)) ]
	rm -r "$F-d"
	assert_equal "$(tell p -)" '0 ok'
	wait_until 20 between kmemsize 0 $((kmem + 100000))
	wait_until 20 between dcachesize 0 $((names + 100000))
}

@test "what is made in an interrupt is the host's" {
	local kmem size

	set_attr beancounters 'numfile max'
	echo 1 >"$ROOT/count_host"
	start_teller p enter "$C" many accept "$F"
	assert_equal "$(tell p 0)" '0 ok'
	kmem=$(host kmemsize)
	size=$(</sys/kernel/slab/TCP/object_size)
	assert_equal "$(tell p 100)" '200 ok'
	# the sockets of those that have come in
	assert [ "$(host kmemsize)" -ge $((kmem + 90 * size)) ]
	# by number they are whose the socket is that listens
	bc_is numtcpsock held 201
}

@test "what a container would be charged for is charged to it as before" {
	set_attr beancounters 'numfile max'
	echo 1 >"$ROOT/count_host"
	start_teller p many accept "$F"
	assert_equal "$(tell p 3)" '6 ok'
	bc_is numtcpsock held 0
	set_attr addtask "$p"
	# the one that listens, and both ends
	assert_equal "$(tell p 1)" '2 ok'
	bc_is numtcpsock held 3
	assert_equal "$(host numtcpsock)" 6
	set_attr beancounters 'numtcpsock 4'
	assert_equal "$(tell p 1)" '1 EAGAIN'
	bc_is numtcpsock held 4
	# nor has the host a file of tmpfs that nobody has put anything into
	: >"$F-shm"
	enter "$C" dd if=/dev/zero of="$F-shm" bs=4096 count=100 status=none
	bc_is shmpages held 100
}

@test "a server that came from the host, whose counting has ended, is one of nobody" {
	set_attr beancounters 'numfile max'
	echo 1 >"$ROOT/count_host"
	start_teller p many accept "$F"
	assert_equal "$(tell p 3)" '6 ok'
	echo 0 >"$ROOT/count_host"
	set_attr addtask "$p"
	assert_equal "$(tell p 1)" '2 ok'
	bc_is numtcpsock held 3
}

@test "what a socket has in buffers is the host's" {
	set_attr beancounters 'numfile max'
	echo 1 >"$ROOT/count_host"
	start_teller p buffers
	tells p stream a
	run tell p send a 50000
	assert_output '50000 ok'
	assert [ "$(host othersockbuf)" -ge 50000 ]
	tells p close a
	tells p close a-peer
	wait_until 10 between othersockbuf 0 20000
	assert [ "$(host othersockbuf maxheld)" -ge 50000 ]
}

@test "what is received where the host listens is whose that accepts it" {
	set_attr beancounters 'numfile max'
	echo 1 >"$ROOT/count_host"
	start_teller p buffers
	tells p listen s 4444
	set_attr addtask "$p"
	tells p connect a 4444
	tells p accept s b
	run tell p send a 50000
	assert_output '50000 ok'
	assert [ "$(bc tcprcvbuf)" -ge 50000 ]
}

@test "counting ends, and begins again with nothing" {
	set_attr beancounters 'numfile max'
	echo 1 >"$ROOT/count_host"
	start_teller p many pty "$F"
	assert_equal "$(tell p 20)" '20 ok'
	# it goes on
	echo 1 >"$ROOT/count_host"
	assert_equal "$(host numpty)" 20
	echo 0 >"$ROOT/count_host"
	assert_equal "$(awk '$1 == 0' "$ROOT/beancounters")" ''
	assert_equal "$(luid stat 0 11)" "$MAX $MAX 0 0 0 0"
	echo 1 >"$ROOT/count_host"
	assert_equal "$(host numpty) $(host numpty maxheld)" '0 0'
	assert_equal "$(tell p 5)" '5 ok'
	assert_equal "$(host numpty)" 5
	# what there was before is uncharged nowhere
	assert_equal "$(tell p -)" '0 ok'
	wait_until 10 between numpty 0 0
	assert_equal "$(host numpty minheld)" 0
}

@test "it begins and ends under load" {
	local pids=() pid

	set_attr beancounters 'numfile max'
	for _ in 1 2; do
		(while :; do
			(head -n 1 /etc/passwd | cat >/dev/null)
		done) 3>&- &
		pids+=($!)
	done
	for _ in {1..30}; do
		echo 1 >"$ROOT/count_host"
		nap
		echo 0 >"$ROOT/count_host"
	done
	kill "${pids[@]}"
	for pid in "${pids[@]}"; do
		wait "$pid" || true
	done
	echo 1 >"$ROOT/count_host"
	wait_until 20 audit_agrees
}

@test "a table of iptables is the host's until a container puts one in" {
	export XTABLES_LOCKFILE=/dev/shm/xtables.lock
	set_attr beancounters 'numfile max'
	iptables-legacy -F
	echo 1 >"$ROOT/count_host"
	iptables-legacy -A INPUT -s 10.0.0.1 -j ACCEPT
	assert_equal "$(host numiptent)" 5
	enter "$C" iptables-legacy -A INPUT -s 10.0.0.2 -j ACCEPT
	assert_equal "$(host numiptent) $(bc numiptent)" '0 6'
	iptables-legacy -F
	assert_equal "$(host numiptent) $(bc numiptent)" '4 0'
}

@test "the defaults are not the host's" {
	echo 'numpty 3' >"$ROOT/default_beancounters"
	echo 1 >"$ROOT/count_host"
	assert_equal "$(host numpty limit)" max
	start_teller p many pty "$F"
	assert_equal "$(tell p 20)" '20 ok'
}

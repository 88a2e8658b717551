#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# Beancounters of socket buffers: tcpsndbuf, tcprcvbuf, dgramrcvbuf, othersockbuf. The
# witness is SO_MEMINFO, which says what each socket has.
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
	# counting begins with a write
	set_attr beancounters 'tcpsndbuf max'
	start_teller p enter "$C" buffers
}

teardown() {
	common_teardown
	# an uncharge too much says so
	refute_warned
}

refute_warned() {
	run dmesg
	refute_output --partial 'uncharging too much'
}

# sums NAME...: $rmem, $wmem, $forward, $queued, $pages of these sockets
sums() {
	local name answer

	answer=$(tell p mem "$@")
	for name in rmem wmem forward queued pages; do
		[[ $answer =~ $name=([0-9]+) ]] || fail "mem $*: $answer"
		printf -v "$name" %d "${BASH_REMATCH[1]}"
	done
}

# Does what is held of TCP agree with what these sockets have? All of it to the byte, what
# has been received to a page of each.
tcp_agrees() {
	local snd rcv

	sums "$@"
	snd=$(bc tcpsndbuf)
	rcv=$(bc tcprcvbuf)
	((snd + rcv == queued + rmem + forward && rcv + 4096 * $# >= rmem && rcv <= pages + 4096 * $#)) || {
		echo "$snd + $rcv, queued=$queued rmem=$rmem forward=$forward"
		return 1
	}
}

# held_is RESOURCE VALUE [CONTAINER]
held_is() {
	[ "$(bc "$1" held "${3:-$C}")" -eq "$2" ]
}

# has RESOURCE COLUMN VALUE [CONTAINER]: so much at least
has() {
	[ "$(bc "$1" "$2" "${4:-$C}")" -ge "$3" ]
}

both_have() {
	[ $(($(bc tcpsndbuf) + $(bc tcprcvbuf))) -ge "$1" ]
}

# is_full NAME: nothing can be sent, and poll(2) says so, with something in the queue, which
# the other end has no room for; adds to $sent
is_full() {
	local answer

	answer=$(tell p send "$1" 20000000)
	sent=$((sent + ${answer%% *}))
	[ "$(tell p writable "$1")" = no ] && tcp_agrees "$1" "$1-peer" && [ "$queued" -gt 0 ]
}

# received NAME BYTES: so many, and each is what was sent
received() {
	local answer nr=0 ok

	for _ in {1..100}; do
		answer=$(tell p receive "$1")
		read -r answer ok <<<"$answer"
		assert_equal "$ok" ok
		nr=$((nr + answer))
		((nr < $2)) || break
		sleep 0.1
	done
	assert_equal "$nr" "$2"
}

@test "what a connection has to send and has received is counted" {
	local name

	tells p tcp a
	tells p tcp b
	run tell p send a 300000
	assert_output '300000 ok'
	run tell p send b-peer 100000
	assert_output '100000 ok'
	wait_until 20 tcp_agrees a a-peer b b-peer
	assert [ $((queued + rmem)) -ge 400000 ]
	assert [ "$(bc tcprcvbuf)" -ge 100000 ]
	bc_is othersockbuf held 0

	received a-peer 300000
	received b 100000
	wait_until 20 tcp_agrees a a-peer b b-peer
	assert [ "$(bc tcpsndbuf)" -le 16384 ]
	for name in a a-peer b b-peer; do
		tells p close $name
	done
	wait_until 20 held_is tcpsndbuf 0
	wait_until 20 held_is tcprcvbuf 0
	bc_is tcpsndbuf failcnt 0
	assert [ "$(bc tcprcvbuf maxheld)" -ge 100000 ]
}

@test "what nobody takes is counted as to be sent" {
	tells p tcp a
	# more than the other end has room for
	run tell p send a 20000000
	[[ $output != '20000000 ok' ]]
	wait_until 20 tcp_agrees a a-peer
	assert [ "$queued" -ge 500000 ]
	assert [ "$(bc tcpsndbuf)" -ge "$queued" ]
	assert [ "$(bc tcprcvbuf)" -ge "$rmem" ]
	tells p close a
	tells p close a-peer
	wait_until 20 held_is tcpsndbuf 0
}

@test "over the barrier of tcpsndbuf who sends waits, and nothing is lost" {
	local answer

	set_attr beancounters 'tcpsndbuf 64K 1M'
	tells p tcp a
	run tell p send a 20000000
	assert_output --regexp '^[0-9]+ Resource temporarily unavailable$'
	answer=${output%% *}
	assert [ "$(bc tcpsndbuf failcnt)" -ge 1 ]
	# a packet that was begun is sent
	assert [ "$(bc tcpsndbuf)" -le $((65536 + 65536)) ]
	wait_until 20 tcp_agrees a a-peer
	tells p wait a 500000
	received a-peer $((answer + 500000))
	wait_until 20 tcp_agrees a a-peer
}

@test "over the barrier of tcpsndbuf a socket whose buffer has a size waits as well" {
	local sent size

	set_attr beancounters 'tcpsndbuf 64K 1M'
	tells p tcp a
	tells p sndbuf a 200000
	size=$(tell p size a)
	run tell p send a 20000000
	assert_output --regexp '^[0-9]+ Resource temporarily unavailable$'
	sent=${output%% *}
	# nor is it said to be writable, once the other end takes no more
	wait_until 20 is_full a
	tells p wait a 100000
	received a-peer $((sent + 100000))
	wait_until 20 tcp_agrees a a-peer
	# where there is room it has its size again
	assert [ "$(tell p size a)" -lt "$size" ]
	set_attr beancounters 'tcpsndbuf max'
	for _ in {1..20}; do
		run tell p send a 40000
		received a-peer "${output%% *}"
	done
	assert_equal "$(tell p size a)" "$size"
	# and one that is set then is that
	set_attr beancounters 'tcpsndbuf 4K'
	tell p send a 20000000 >/dev/null
	assert [ "$(tell p size a)" -lt "$size" ]
	tells p sndbuf a 50000
	set_attr beancounters 'tcpsndbuf max'
	for _ in {1..20}; do
		tell p receive a-peer >/dev/null
		tell p send a 40000 >/dev/null
	done
	assert_equal "$(tell p size a)" 100000
}

# They come from outside, and nobody reads them.
@test "what is received over the limit is not what another has to send" {
	local i

	set_attr beancounters 'tcprcvbuf 4K'
	start_teller q buffers
	tells p listen l 7005
	for i in {1..10}; do
		tells q connect "c$i" 7005
		tells p accept l "d$i"
		tell q send "c$i" 60000 20000 >/dev/null
	done
	wait_until 20 has tcprcvbuf failcnt 10
	# a packet each, so that all get on
	wait_until 20 has tcprcvbuf held 40960
	assert [ "$(bc tcpsndbuf)" -le 8192 ]
	received d1 60000
}

@test "who has nothing on its way may send, whatever others have" {
	local kind kinds=(tcp) held

	[ ! -e /proc/sys/net/mptcp/enabled ] || kinds+=(mptcp)
	set_attr beancounters 'tcpsndbuf 64K'
	for kind in "${kinds[@]}"; do
		tells p "$kind" "$kind"
	done
	tells p tcp a
	tell p send a 20000000 >/dev/null
	tell p send a 20000000 >/dev/null
	for kind in "${kinds[@]}"; do
		run tell p send "$kind" 5
		assert_output '5 ok'
		received "$kind-peer" 5
	done

	set_attr beancounters 'othersockbuf 8K 64K'
	tells p dgram b
	tells p dgram c
	run tell p send b 100000
	assert_output --partial 'No buffer space available'
	held=$(bc othersockbuf)
	set_attr beancounters "othersockbuf $held 64K"
	run tell p send c 100
	assert_output '100 ok'
	assert [ "$(bc othersockbuf)" -gt "$held" ]
	run tell p send c 100
	assert_output '0 No buffer space available'
}

@test "a datagram grows up to the barrier" {
	local i

	set_attr beancounters 'othersockbuf 256K'
	for i in {1..10}; do
		tells p udp "a$i"
		tell p cork "a$i" 1 >/dev/null
		tell p cork "a$i" 60000 30000 >/dev/null
	done
	assert [ "$(bc othersockbuf failcnt)" -ge 1 ]
	assert [ "$(bc othersockbuf)" -le 262144 ]
	run tell p cork a10 60000 30000
	assert_output '0 No buffer space available'
}

@test "over the limit of tcprcvbuf what comes in is dropped, and comes again" {
	set_attr beancounters 'tcprcvbuf 32K 64K'
	tells p tcp a
	run tell p send a 400000
	assert_output '400000 ok'
	wait_until 20 has tcprcvbuf failcnt 1
	assert [ "$(bc tcprcvbuf)" -le 65536 ]
	# the barrier is for who can be told
	assert [ "$(bc tcprcvbuf maxheld)" -gt 32768 ]
	received a-peer 400000
	wait_until 20 tcp_agrees a a-peer
}

# It is noticed once a CPU has taken a megabyte.
@test "where TCP itself has no memory left nothing stays charged that was not given" {
	local was i names=()

	was=$(</proc/sys/net/ipv4/tcp_mem)
	echo '10 10 10' >/proc/sys/net/ipv4/tcp_mem
	for i in {1..8}; do
		tells p tcp "a$i"
		tells p sndbuf "a$i" 200000
		tell p send "a$i" 20000000 >/dev/null
		names+=("a$i" "a$i-peer")
	done
	for i in {1..8}; do
		tell p send "a$i" 20000000 >/dev/null
	done
	echo "$was" >/proc/sys/net/ipv4/tcp_mem
	wait_until 20 tcp_agrees "${names[@]}"
	bc_is tcpsndbuf failcnt 0
}

@test "what is acknowledged is not taken from what has been received" {
	tells p tcp a
	run tell p send a-peer 60000
	assert_output '60000 ok'
	wait_until 20 tcp_agrees a a-peer
	run tell p send a 60000
	assert_output '60000 ok'
	received a-peer 60000
	wait_until 20 tcp_agrees a a-peer
	assert [ "$rmem" -ge 60000 ]
}

@test "what is to be sent by another does not keep one from receiving" {
	tells p tcp a
	tells p tcp b
	set_attr beancounters 'tcpsndbuf 64K 128K'
	run tell p send a 20000000
	assert [ "$(bc tcpsndbuf failcnt)" -ge 1 ]
	set_attr beancounters 'tcpsndbuf 64K 64K'
	start_teller q buffers
	# not of the container: it may send, and b there may read
	tells q listen l 7001
	tells p connect c 7001
	tells q accept l d
	run tell q send d 50000
	assert_output '50000 ok'
	received c 50000
}

@test "what UDP has received is counted, and dropped over the limit" {
	local rcv

	tells p udp a
	run tell p send a 60000
	assert_output '60000 ok'
	sums a-peer
	assert [ "$rmem" -ge 60000 ]
	rcv=$(bc dgramrcvbuf)
	# pages, of which the last is not full, and one that it may keep for the next
	assert [ "$rcv" -ge "$rmem" ]
	assert_equal "$rcv" $((rmem + forward))
	received a-peer 60000
	tells p close a-peer
	tells p close a
	wait_until 20 held_is dgramrcvbuf 0

	set_attr beancounters "dgramrcvbuf 64K"
	tells p udp b
	run tell p send b 100000
	assert_output '100000 ok'
	assert [ "$(bc dgramrcvbuf)" -le 65536 ]
	assert [ "$(bc dgramrcvbuf failcnt)" -ge 1 ]
	sums b-peer
	assert [ "$rmem" -ge 30000 ]
	bc_is tcprcvbuf held 0
}

# what_unix_has KIND
what_unix_has() {
	tells p "$1" a
	run tell p send a 65536
	assert_output '65536 ok'
	sums a a-peer
	assert [ "$wmem" -ge 65536 ]
	bc_is othersockbuf held "$wmem"
	tells p "$1" b
	run tell p splice b-peer 20000
	assert_output '20000 ok'
	sums a a-peer b b-peer
	bc_is othersockbuf held "$wmem"
	received a-peer 65536
	sums a a-peer b b-peer
	bc_is othersockbuf held "$wmem"
	tells p close b
	tells p close b-peer
	bc_is othersockbuf held 0
	bc_is othersockbuf failcnt 0
}

@test "what a unix stream has to send is counted to the byte" {
	what_unix_has stream
}

@test "a datagram that is not complete is counted" {
	tells p udp a
	run tell p cork a 20000
	assert_output '20000 ok'
	sums a
	assert [ "$wmem" -ge 20000 ]
	bc_is othersockbuf held "$wmem"
	tells p close a
	bc_is othersockbuf held 0
}

@test "what comes with a connection over a unix socket is not for who connects" {
	start_teller q buffers
	tells q listen l "$BATS_TEST_TMPDIR/socket"
	tells p connect c "$BATS_TEST_TMPDIR/socket"
	bc_is othersockbuf held 0
	tells q accept l d
	run tell p send c 1000
	assert [ "$(bc othersockbuf)" -ge 1000 ]
	run tell q receive d
	assert_output '1000 ok'
	bc_is othersockbuf held 0
	run tell q send d 1000
	bc_is othersockbuf held 0
}

@test "over the barrier of othersockbuf to send is ENOBUFS" {
	local kind one fails=0

	for kind in stream dgram; do
		set_attr beancounters 'othersockbuf max'
		tells p "$kind" "$kind"
		run tell p send $kind 1024
		one=$(bc othersockbuf)
		set_attr beancounters "othersockbuf $((4 * one)) max"
		run tell p send $kind 8192
		assert_output '3072 No buffer space available'
		bc_is othersockbuf held $((4 * one))
		bc_is othersockbuf failcnt $((++fails))
		# reading makes room
		received $kind-peer 4096
		bc_is othersockbuf held 0
		run tell p send $kind 1024
		assert_output '1024 ok'
		tells p close $kind
		tells p close $kind-peer
		bc_is othersockbuf held 0
	done
}

@test "what is on its way is counted, whoever has the other end, until it is read" {
	local n

	tells p stream a
	run tell p send a 10000
	n=$(bc othersockbuf)
	assert [ "$n" -ge 10000 ]
	tells p close a
	bc_is othersockbuf held "$n"
	received a-peer 10000
	bc_is othersockbuf held 0
	run tell p send a-peer 10
	assert_output '0 Broken pipe'
}

@test "buffers are counted where the socket is: for who made it, or listens" {
	# whoever listens is in the container, who connects is not
	start_teller q buffers
	tells p listen l 7002
	tells q connect c 7002
	run tell q send c 50000
	assert_output '50000 ok'
	# nobody has accepted it as yet
	wait_until 20 has tcprcvbuf held 50000
	tells p accept l d
	bc_is tcpsndbuf held 0
	received d 50000
	run tell p send d 50000
	assert_output '50000 ok'
	bc_is tcprcvbuf held 0
	tell q receive c >/dev/null

	# and now the other way round
	tells q listen l 7003
	tells p connect e 7003
	tells q accept l f
	run tell q send f 20000
	wait_until 20 has tcprcvbuf held 20000
}

@test "a connection from before is counted from its next byte on, or not at all" {
	local d=$ROOT/before

	mkdir "$d"
	start_teller q enter "$d" buffers
	tells q listen l 7004
	tells q tcp a
	run tell q send a 100000
	start_teller r buffers
	tells r connect c 7004
	run tell r send c 50000
	set_attr beancounters 'numfile max' "$d"
	tells q accept l e
	run tell q receive e
	assert_output '50000 ok'
	run tell q receive a-peer
	assert_output '100000 ok'
	run tell r send c 30000
	wait_until 20 has tcprcvbuf held 30000 "$d"
	run tell q receive e
	assert_output '30000 ok'
	tells q close e
	wait_until 20 held_is tcprcvbuf 0 "$d"
	assert_equal "$(bc tcpsndbuf held "$d")" 0
}

@test "what is on its way when its container is removed is freed later, and uncharged nowhere" {
	local name

	for name in tcp udp stream; do
		tells p $name $name
		tell p send $name 50000 >/dev/null
	done
	start_teller q buffers
	echo "$p" >"$C/rmtask"
	rmdir "$C"
	mkdir "$C"
	set_attr beancounters 'tcpsndbuf 1G'
	for name in tcp udp stream; do
		received $name-peer 50000
		tells p close $name
		tells p close $name-peer
	done
	for name in tcpsndbuf tcprcvbuf dgramrcvbuf othersockbuf; do
		bc_is $name held 0
		bc_is $name maxheld 0
	done
}

# Connections of MPTCP are of several sockets, which give each other what they have.
@test "of MPTCP nothing is left" {
	[ -e /proc/sys/net/mptcp/enabled ] || skip "this kernel has no MPTCP"
	tells p mptcp a
	run tell p send a 200000
	assert_output --regexp '^[0-9]+ '
	wait_until 20 both_have 100000
	received a-peer "${output%% *}"
	tells p close a
	tells p close a-peer
	wait_until 20 held_is tcpsndbuf 0
	wait_until 20 held_is tcprcvbuf 0
}

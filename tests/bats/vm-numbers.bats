#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# Beancounters of what processes map: privvmpages and lockedpages. They are what
# /proc/PID/status says of all processes together, whatever is done; and at barrier and
# limit what is asked for fails, and nothing has changed.
#
# vm: --mem 512M --smp 2
# kernels: base coexist
# debug: quick

load common

setup_file() { common_setup_file maps; }

setup() {
	common_setup
	# counting begins with a write
	set_attr beancounters 'numfile max'
	ulimit -l unlimited
	UNPRIVILEGED=(setpriv --bounding-set=-ipc_lock --inh-caps=-ipc_lock)
}

teardown() { common_teardown; }

# maps_start NAME [CONTAINER [COMMAND...]]: a process that does as it is told, in the
# container; NAME is then a variable with its pid.
maps_start() {
	local name=$1 enter=() in=${2-$C}

	shift $(($# > 1 ? 2 : 1))
	[ -z "$in" ] || enter=(enter "$in")
	start_teller "$name" "$@" "${enter[@]}" maps
	tells "$name" unlockall
}

# What /proc says of all processes in the container: "PRIVATE LOCKED", in pages.
sums() {
	local tasks=()

	mapfile -t tasks <"${1:-$C}/tasks"
	[ "${#tasks[@]}" != 0 ] || { echo 0 0; return; }
	tasks=("${tasks[@]/#//proc/}")
	awk '
		$1 == "Tgid:" {leader = $2}
		$1 == "Pid:" {counts = $2 == leader}
		counts && ($1 == "VmData:" || $1 == "VmStk:") {private += $2 / 4}
		counts && $1 == "VmLck:" {locked += $2 / 4}
		END {print private + 0, locked + 0}' "${tasks[@]/%//status}"
}

# exact [WHAT [CONTAINER]]: so much is held
exact() {
	assert_equal "${1-}: $(bc privvmpages held "${2:-$C}") $(bc lockedpages held "${2:-$C}")" \
		"${1-}: $(sums "${2:-$C}")"
}

# grows NAME BY COMMAND...: it succeeds, held has so many pages more, and is exact
grows() {
	local name=$1 by=$2 before

	shift 2
	before=$(bc privvmpages)
	tells "$name" "$@"
	exact "$*"
	assert_equal "$* $(($(bc privvmpages) - before))" "$* $by"
}

# fails NAME ERROR COMMAND...: it fails, that is counted, and nothing has changed
fails() {
	local name=$1 error=$2 resource=${RESOURCE:-privvmpages} before failed

	shift 2
	before=$(bc "$resource")
	failed=$(bc "$resource" failcnt)
	assert_equal "$* $(tell "$name" "$@")" "$* $error"
	exact "$*"
	assert_equal "$* $(bc "$resource")" "$* $before"
	assert_equal "$* failcnt $(bc "$resource" failcnt)" "$* failcnt $((failed + 1))"
}

# limit_to PAGES [PAGES]: barrier and limit are so many more than what is held
limit_to() {
	local held

	held=$(bc "${RESOURCE:-privvmpages}")
	set_attr beancounters "${RESOURCE:-privvmpages} $((held + $1)) $((held + ${2:-$1}))"
}

no_limit() {
	set_attr beancounters "${RESOURCE:-privvmpages} max"
}

@test "privvmpages is VmData and VmStk, after anything that maps" {
	maps_start p
	exact start
	grows p 100 map a 100
	grows p 0 map b 100 ro
	grows p 0 map c 100 none
	grows p 0 map d 100 exec
	grows p 0 map e 100 shared
	grows p 100 map f 100 noreserve
	grows p 100 map g 100 grows
	grows p 40 protect b rw 40
	grows p -20 protect b ro 20
	grows p -30 protect a none 30
	grows p 30 protect a rw
	grows p 60 remap a 160
	grows p -100 remap a 60
	grows p 60 leave a
	grows p 50 map h 50 over c
	grows p 0 map i 50 over f
	grows p -50 map j 50 ro over i
	grows p -10 unmap h 10
	grows p -40 unmap h
	grows p 0 unmap e
	grows p 33 brk 33
	grows p -13 brk -13
	tells p stack 300
	exact stack
}

@test "privvmpages is exact over fork, threads, vfork, exec and exit" {
	local child other

	maps_start p
	tells p map a 100
	tells p map b 100 dontfork
	exact start
	child=$(tell p fork)
	exact fork
	other=$(tell p fork 50)
	exact 'fork and map'
	tells p reap "$child"
	exact exit
	tells p thread
	exact thread
	child=$(tell p vfork)
	wait_until 20 is_sleep "$child"
	exact vfork
	tells p exec
	exact exec
	kill -9 "$child" "$other"
	wait_until 20 has_one_process
	exact 'only one left'
	let_go p
	bc_is privvmpages held 0
}

is_sleep() {
	[ "$(<"/proc/$1/comm")" = sleep ]
}

has_one_process() {
	[ "$(wc -l <"$C/tasks")" = 1 ]
}

@test "it is exact from the start, whenever counting begins" {
	rmdir "$C"
	mkdir "$C"
	maps_start p
	tells p map a 100
	tells p lock a
	tell p fork 20 >/dev/null
	exact 'not counted'
	set_attr beancounters 'privvmpages max'
	exact 'counted'
	tells p map b 100
	tells p unlock a
	exact 'and goes on'
	mkdir "$C-later"
	maps_start q ''
	tells q map a 50
	set_attr addtask "$q" "$C-later"
	exact 'later' "$C-later"
	echo 'lockedpages max' >"$C-later/beancounters"
	exact 'later, counted' "$C-later"
}

@test "at the barrier, all that asks for more is refused, and nothing has changed" {
	maps_start p
	tells p map ro 50 ro
	tells p map none 50 none
	tells p map old 50
	limit_to 10
	fails p ENOMEM map a 11
	fails p ENOMEM map a 11 noreserve
	fails p ENOMEM map a 11 grows
	fails p ENOMEM map a 50 over none
	fails p ENOMEM map a 1000000 noreserve
	fails p ENOMEM protect ro rw
	fails p ENOMEM protect none rw 11
	fails p ENOMEM remap old 61
	fails p ENOMEM leave old
	fails p ENOMEM brk 11
	fails p ENOMEM fork
	# as many as the barrier
	grows p 10 map a 10
	fails p ENOMEM map b 1
	grows p -10 unmap a
	grows p 10 protect ro rw 10
	fails p ENOMEM protect none rw 1
	grows p -10 protect ro ro 10
	grows p 10 remap old 60
	grows p -10 remap old 50
	grows p 10 brk 10
	grows p -10 brk -10
	grows p 10 map b 10 over none
	# what goes makes room for what comes
	grows p 0 map c 10 over b
	grows p 0 map d 50 over old
	grows p -10 map e 10 none over b
	# what is not private is free
	grows p 0 map shared 1000 shared
	grows p 0 map many 1000 ro
	no_limit
	grows p 1000 map e 1000
}

@test "a fork needs as much as the child gets" {
	local child need

	maps_start p
	tells p map a 100
	tells p map no 5000 dontfork
	need=$(($(bc privvmpages) - 5000))
	limit_to $((need - 1))
	fails p ENOMEM fork
	limit_to "$need"
	child=$(tell p fork)
	exact fork
	assert_equal "$(bc privvmpages)" "$(bc privvmpages limit)"
	fails p ENOMEM fork
	tells p reap "$child"
	exact exit
	child=$(tell p fork)
	exact 'fork again'
	# a thread has a stack
	fails p EAGAIN thread
}

@test "a stack grows to the limit, and is not stopped by the barrier" {
	maps_start p
	tells p stack 40
	limit_to 0 50
	fails p ENOMEM map a 1
	assert_equal "$(tell p stack 1000)" SIGSEGV
	exact 'too far'
	assert_equal "$(bc privvmpages)" "$(bc privvmpages limit)"
	bc_is privvmpages failcnt 2
	no_limit
	tells p stack 1000
	exact stack
}

@test "what is executed has to fit, and is killed if it does not" {
	maps_start p
	tells p map a 100
	assert_equal "$(tell p run /bin/true)" 0
	exact run
	limit_to "$(($(bc privvmpages) + 10))"
	# the child gives up what it has when it executes: there is room for that
	assert_equal "$(tell p run /bin/true)" 0
	exact run
	tells p unmap a
	limit_to "$(bc privvmpages)"
	# but for what is larger than this: a program that the kernel cannot map, and one
	# that comes as far as asking for more itself
	gcc -static -x c -o "$BATS_TEST_TMPDIR/large" - \
		<<<'char c[32 << 20]; int main(void) { return c[0]; }'
	assert_equal "$(tell p run "$BATS_TEST_TMPDIR/large")" SIGSEGV
	exact 'run too large'
	assert_not_equal "$(tell p run /bin/bash -c true)" 0
	exact 'run what wants more'
	no_limit
	assert_equal "$(tell p run "$BATS_TEST_TMPDIR/large")" 0
	assert_equal "$(tell p run /bin/bash -c true)" 0
	exact 'run large'
}

@test "maxheld and minheld are what there was, and a failed call leaves no trace" {
	local held

	maps_start p
	held=$(bc privvmpages)
	set_attr beancounters 'privvmpages reset'
	bc_is privvmpages minheld "$held"
	bc_is privvmpages maxheld "$held"
	tells p map a 100
	tells p unmap a
	tells p map b 40 ro
	bc_is privvmpages maxheld $((held + 100))
	bc_is privvmpages minheld "$held"
	set_attr beancounters "privvmpages $((held + 10))"
	fails p ENOMEM map c 11
	bc_is privvmpages maxheld $((held + 100))
	tells p brk 5
	set_attr beancounters 'privvmpages reset'
	tells p brk -5
	bc_is privvmpages maxheld $((held + 5))
	bc_is privvmpages minheld "$held"
}

@test "a process that is moved takes what it has along, whatever the limit is" {
	mkdir "$C-to" "$C-none"
	echo 'privvmpages 10' >"$C-to/beancounters"
	echo 'lockedpages 10' >"$C-to/beancounters"
	maps_start p
	tells p map a 100
	tells p lock a
	tell p fork 30 >/dev/null
	set_attr addtask "$p" "$C-to"
	exact 'left'
	exact 'came' "$C-to"
	assert_equal "$(bc lockedpages held "$C-to")" 100
	assert_equal "$(tell p map b 1)" ENOMEM
	set_attr addtask "$p" "$C-none"
	exact 'gone' "$C-to"
	exact 'not counted' "$C-none"
	tells p map b 50
	set_attr addtask "$p"
	exact 'back'
	set_attr rmtask "$p"
	exact 'out'
	tells p map c 50
	tells p unlock a
	set_attr addtask "$p"
	exact 'in again'
	rmdir "$C"
	tells p map d 50
	mkdir "$C"
	set_attr beancounters 'privvmpages max'
	set_attr addtask "$p"
	exact 'in a new one'
	assert_equal "$(bc lockedpages held "$C-to")" 0
	run dmesg
	refute_output --partial 'uncharging too much'
}

@test "two containers have nothing to do with each other" {
	mkdir "$C-other"
	echo 'privvmpages max' >"$C-other/beancounters"
	maps_start p
	maps_start q "$C-other"
	limit_to 0
	fails p ENOMEM map a 1
	tells q map a 1000
	exact other "$C-other"
	exact
	assert_equal "$(bc privvmpages failcnt "$C-other")" 0
}

@test "a container's owner is bound by what the administrator has set" {
	set_attr beancounters 'privvmpages 20000'
	chown -R 1000 "$C"
	assert_equal "$(printf 'privvmpages 30000' | as 1000 put "$C/beancounters")" EPERM
	assert_equal "$(printf 'privvmpages 10000' | as 1000 put "$C/beancounters")" ok
	maps_start p "$C"
	tells p map a 100
	exact
	assert_equal "$(tell p map b 10000)" ENOMEM
}

@test "new containers get what default_beancounters has" {
	echo 'privvmpages 100' >"$ROOT"/default_beancounters
	mkdir "$C-new"
	assert_equal "$(bc privvmpages limit "$C-new")" 100
	maps_start q ''
	set_attr addtask "$q" "$C-new"
	exact new "$C-new"
	assert_equal "$(tell q map b 200)" ENOMEM
}

@test "lockedpages is VmLck, after anything that locks" {
	maps_start p
	exact start
	tells p map a 100
	tells p lock a
	exact lock
	bc_is lockedpages held 100
	tells p lock a
	bc_is lockedpages held 100
	tells p unmap a 10
	exact unmap
	tells p map b 20 locked
	exact 'map locked'
	tells p map c 30
	tells p lock c onfault
	exact onfault
	tells p remap c 60
	exact remap
	tells p leave c
	exact leave
	tells p unlock a
	exact unlock
	tell p fork >/dev/null
	# a child has nothing locked
	exact fork
	tells p map d 10 shared
	tells p lock d
	exact shared
	tells p lockall current
	exact lockall
	tells p unlockall
	bc_is lockedpages held 0
	tells p lockall future onfault
	tells p map e 15
	bc_is lockedpages held 15
	exact future
	tells p brk 9
	bc_is lockedpages held 24
	tells p exec
	bc_is lockedpages held 0
	exact exec
}

@test "at the barrier nothing more is locked, up to the limit with CAP_IPC_LOCK" {
	local RESOURCE=lockedpages

	maps_start p "$C" "${UNPRIVILEGED[@]}"
	tells p map a 100
	tells p map old 20 locked
	bc_is lockedpages held 20
	set_attr beancounters 'lockedpages 30 40'
	fails p ENOMEM lock a
	fails p ENOMEM lock a 11
	fails p ENOMEM lock a onfault
	fails p EAGAIN map b 11 locked
	fails p EAGAIN remap old 31
	fails p ENOMEM lockall current
	exact lockall
	tells p lock a 10
	bc_is lockedpages held 30
	fails p EAGAIN map b 1 locked
	# what is locked is not locked twice
	tells p lock a 10
	fails p ENOMEM lock a 11
	# and what is not locked is free
	tells p map c 100
	tells p lockall future
	fails p EAGAIN map d 1
	fails p ENOMEM brk 1
	tells p unlockall
	bc_is lockedpages held 0
	tells p lock a 30
	let_go p
	bc_is lockedpages held 0
	# who has the capability
	maps_start q
	tells q map a 100
	tells q lock a 40
	fails q ENOMEM lock a 41
	fails q EAGAIN map b 1 locked
	bc_is lockedpages held 40
}

@test "what goes around the end of memory is refused, and counts for nothing" {
	maps_start p
	tells p map a 20
	set_attr beancounters 'lockedpages reset'
	assert_equal "$(tell p lock a round)" EINVAL
	bc_is lockedpages maxheld 0
	set_attr beancounters 'lockedpages 30 40'
	assert_equal "$(tell p lock a round)" EINVAL
	bc_is lockedpages failcnt 0
	bc_is lockedpages held 0
}

@test "two threads of a process and a mover do not make it wrong" {
	local i

	mkdir "$C-to" "$C-none"
	echo 'privvmpages max' >"$C-to/beancounters"
	maps_start p
	maps_start q
	tells p storm
	tells q storm
	for ((i = 0; i < 40; i++)); do
		set_attr addtask "$p" "$C-to"
		set_attr addtask "$q" "$C-none"
		set_attr rmtask "$q" "$C-none"
		set_attr addtask "$q" "$C-to"
		set_attr addtask "$p"
		set_attr addtask "$q"
	done
	tells p calm
	tells q calm
	exact here
	exact there "$C-to"
	exact 'not counted' "$C-none"
	let_go p
	let_go q
	bc_is privvmpages held 0
	bc_is lockedpages held 0
	run dmesg
	refute_output --partial 'uncharging too much'
}

@test "counting begins while all goes on, and is right" {
	local i

	maps_start p
	tells p storm
	for ((i = 0; i < 20; i++)); do
		mkdir "$C-$i"
		set_attr addtask "$p" "$C-$i"
		echo 'privvmpages max' >"$C-$i/beancounters"
	done
	tells p calm
	exact last "$C-19"
	let_go p
	for ((i = 0; i < 20; i++)); do
		assert_equal "$(bc privvmpages held "$C-$i") $(bc lockedpages held "$C-$i")" '0 0'
	done
}

at_most() {
	[ "$(bc privvmpages)" -le "$1" ]
}

@test "many that ask at once do not get over the limit" {
	local limit

	maps_start p
	maps_start q
	tells p storm
	tells q storm
	limit_to 60
	limit=$(bc privvmpages limit)
	# what was mapped meanwhile may be more than that
	wait_until 20 at_most "$limit"
	set_attr beancounters 'privvmpages reset'
	sleep 3
	tells p calm
	tells q calm
	exact calm
	assert [ "$(bc privvmpages maxheld)" -le "$limit" ]
	assert [ "$(bc privvmpages failcnt)" -ge 1 ]
}

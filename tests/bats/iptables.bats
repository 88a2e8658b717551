#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# Beancounters of entries in the tables of iptables (numiptent). A rule is one; a table
# without rules has four.
#
# vm: --mem 512M --smp 2
# kernels: base coexist
# debug: quick

load common

setup_file() { common_setup_file; }

setup() {
	common_setup
	export XTABLES_LOCKFILE=/dev/shm/xtables.lock
	set_attr beancounters 'numiptent max'
	# nobody's
	iptables-legacy -F
}

teardown() {
	iptables-legacy -F
	iptables-legacy -X
	common_teardown
	run dmesg
	refute_output --partial 'uncharging too much'
}

# rule NUMBER: one that matches nothing that there is
rule() {
	echo "-A INPUT -s 10.0.$(($1 / 256)).$(($1 % 256)) -j ACCEPT"
}

# rules FIRST LAST [CONTAINER]: add these, by a process in the container
rules() {
	local n

	{
		echo '*filter'
		for ((n = $1; n <= $2; n++)); do
			rule $n
		done
		echo COMMIT
	} >"$BATS_TEST_TMPDIR/rules"
	enter "${3:-$C}" iptables-legacy-restore --noflush <"$BATS_TEST_TMPDIR/rules"
}

# there_are NUMBER: so many rules
there_are() {
	assert_equal "$(iptables-legacy -S | grep -c -- -A)" "$1"
}

@test "the table that a process puts in is counted, in place of the one before" {
	bc_is numiptent held 0
	# all of them are its own, then
	rules 1 1
	bc_is numiptent held 5
	rules 2 100
	bc_is numiptent held 104
	bc_is numiptent maxheld 104
	enter "$C" iptables-legacy -D INPUT 1
	bc_is numiptent held 103
	there_are 99
	enter "$C" iptables-legacy -F
	bc_is numiptent held 4
	bc_is numiptent failcnt 0
}

@test "one too many is refused, and the table stays as it is" {
	rules 1 6
	set_attr beancounters 'numiptent 12'
	rules 7 8
	bc_is numiptent held 12
	run rules 9 9
	assert_failure
	bc_is numiptent held 12
	bc_is numiptent failcnt 1
	there_are 8
	# fewer are never too many
	set_attr beancounters 'numiptent 5'
	enter "$C" iptables-legacy -D INPUT 1
	bc_is numiptent held 11
	there_are 7
	# the barrier does not count
	set_attr beancounters 'numiptent 0 12'
	rules 9 9
	bc_is numiptent held 12
}

@test "what others put in is not counted, and who did before has none any more" {
	mkdir "$C-b"
	set_attr beancounters 'numiptent max' "$C-b"
	rules 1 10
	bc_is numiptent held 14
	rules 11 20 "$C-b"
	bc_is numiptent held 0
	assert_equal "$(bc numiptent held "$C-b")" 24
	rules 21 30
	bc_is numiptent held 34
	assert_equal "$(bc numiptent held "$C-b")" 0
	# nor has who is refused taken anything from who has it
	set_attr beancounters 'numiptent 30' "$C-b"
	run rules 31 31 "$C-b"
	assert_failure
	assert_equal "$(bc numiptent held "$C-b") $(bc numiptent failcnt "$C-b")" '0 1'
	bc_is numiptent held 34
	iptables-legacy -D INPUT 1
	bc_is numiptent held 0
	there_are 29
}

@test "tables of a network namespace are gone with it" {
	hold_start p "$C"
	rules 1 1
	enter "$C" unshare --net iptables-legacy -A INPUT -s 10.1.1.1 -j ACCEPT
	wait_until 20 held_is 5
	# the first look at a table makes it
	set_attr beancounters 'numiptent 8'
	run enter "$C" unshare --net iptables-legacy -S
	assert_failure
	# it is tried twice: a module might have been missing
	assert [ "$(bc numiptent failcnt)" -ge 1 ]
	set_attr beancounters 'numiptent 9'
	run enter "$C" unshare --net iptables-legacy -S
	assert_success
	wait_until 20 held_is 5
}

held_is() {
	[ "$(bc numiptent)" = "$1" ]
}

@test "rmdir leaves the table, and nobody is uncharged for it" {
	mkdir "$C-b" "$C-c"
	set_attr beancounters 'numiptent max' "$C-b"
	rules 1 10 "$C-b"
	rmdir "$C-b"
	set_attr beancounters 'numiptent max' "$C-c"
	there_are 10
	rules 11 11
	bc_is numiptent held 15
	assert_equal "$(bc numiptent held "$C-c")" 0
}

@test "a chain of one's own is two" {
	rules 1 1
	enter "$C" iptables-legacy -N mine
	bc_is numiptent held 7
}

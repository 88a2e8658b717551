#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# Memory runs out in the middle of what is done for a container: each allocation
# in turn fails, by tests/helpers/partway.c. What was to be done is done or refused
# with ENOMEM; nothing is left behind or counted twice, and the same works when
# there is memory.
#
# A freed object that is written to after all is found by what slub_debug has put
# there.
#
# vm: --mem 256M --smp 1 --disk 64M --swap 64M --append slub_debug=FZP
# kernels: coexist debug

load partway

# Debian's kernel does not have it.
needs_fault_injection() {
	[ -e /proc/self/fail-nth ] || skip "this kernel injects no faults"
}

# short_of_memory OPERATION RESULT...: at each allocation in turn; each of these is
# what came of it at least once: "ok", or the name of an error.
short_of_memory() {
	local operation=$1 result

	needs_fault_injection
	shift
	run partway fault "$operation" "$C" /mnt/disk
	echo "$output"
	assert_success
	for result in "$@"; do
		assert_line --regexp "^$operation: [1-9][0-9]* faults:.* [0-9]+ $result( |\$)"
	done
}

@test "no memory in mkdir and rmdir" {
	local usual

	oks() { [[ $output =~ \ ([0-9]+)\ ok ]] && echo "${BASH_REMATCH[1]}"; }
	dmesg --clear
	short_of_memory mkdir ENOMEM ok
	usual=$(oks)
	run dmesg
	assert_output --partial 'name fail_percpu,'
	# its id itself needs some, which is then asked for once more
	short_of_memory mkdir-64th ENOMEM ok
	assert [ "$(oks)" -gt "$usual" ]
	short_of_memory rmdir ENOMEM
	# a name that is longer than what an item has room for: there is none without it
	C=$C-and-more-of-it-for-which-memory-is-needed short_of_memory mkdir ENOMEM ok
	assert_equal "$(oks)" "$usual"
}

@test "no memory while a process is moved" {
	short_of_memory join ENOMEM
	short_of_memory addtask ENOMEM
	short_of_memory addtask-moved ENOMEM
	# what is shared stays nobody's where there is no memory to say whose it is
	short_of_memory addtask-shared ENOMEM ok
	short_of_memory rmtask ENOMEM
}

@test "no memory while a file gets an owner, another one, or none" {
	short_of_memory addfile ENOMEM
	short_of_memory addfile-taken ENOMEM
	short_of_memory rmfile ENOMEM
	short_of_memory addfile-held ENOMEM
	short_of_memory addfile-held-taken ENOMEM
	short_of_memory rmfile-held ENOMEM
}

@test "no memory in fork, in clone and in exec" {
	short_of_memory fork ENOMEM
	short_of_memory thread ENOMEM
	short_of_memory exec ENOMEM
}

@test "no memory for memory itself" {
	short_of_memory anon ok
	short_of_memory huge ok
	short_of_memory anon-over-page-limit ok
	short_of_memory anon-at-rss-limit ok
	short_of_memory swapin-at-rss-limit ok
	short_of_memory tmpfs-at-rss-limit ENOMEM
	short_of_memory fallocate-at-rss-limit ENOMEM
	short_of_memory tmpfs-swapin-at-rss-limit ENOMEM
	short_of_memory exec-at-rss-limit E2BIG
}

@test "no memory while a file is brought into the page cache" {
	short_of_memory tmpfs ok ENOMEM
	short_of_memory write ok ENOMEM
	short_of_memory read ok
	short_of_memory map ok
}

@test "no memory for files that are opened, and for lists" {
	short_of_memory open ENOMEM
	short_of_memory tasks ENOMEM
	short_of_memory mappings ENOMEM
}

@test "no memory while limits are set, and to shrink" {
	short_of_memory rss_limit ENOMEM
	short_of_memory page_limit ENOMEM
	short_of_memory shrink ENOMEM
	short_of_memory shrink-in-vain ENOMEM
}

# From now on all that these of the kernel's workers want to allocate fails, or
# nothing. They read what the guest runs, too: so no program is run meanwhile.
fail_workers() {
	local pid

	for pid in $workers; do
		echo "$1" >"/proc/$pid/make-it-fail"
	done 2>/dev/null
	echo $(($1 * 100)) >"$FAILSLAB/probability"
}

@test "no memory for kcontainerd" {
	local workers

	needs_fault_injection
	FAILSLAB=/sys/kernel/debug/failslab
	echo Y >$FAILSLAB/task-filter
	echo N >$FAILSLAB/ignore-gfp-wait
	echo 0 >$FAILSLAB/verbose
	echo 1000000 >$FAILSLAB/times
	mkdir "$C"
	hold_start p "$C"
	tells p anon a 1500
	tells p touch a

	workers=$(pgrep '^kworker/u')
	fail_workers 1
	set_attr page_limit 700
	rounds() {
		local key value

		while read -r key value; do
			[ "$key" != rounds ] || [ "$value" -lt "$1" ] || return 0
		done <"$C/stat"
		return 1
	}
	wait_until 20 rounds 3
	fail_workers 0
	assert [ "$(cat $FAILSLAB/times)" -lt 1000000 ]

	under() { [ "$(usage)" -le 700 ]; }
	wait_until 20 under
	tells p check a
}

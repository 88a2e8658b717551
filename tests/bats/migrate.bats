#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# Pages that are on their way from one place in memory to another while their
# process goes from one container to another.
#
# debug: quick
# vm: --mem 512M --smp 2 --disk 64M --swap 64M --append numa=fake=2

load common

setup_file() {
	common_setup_file
	enable_huge_pages
}

setup() {
	common_setup
	mkdir "$C-to"
	hold_start p "$C"
}

teardown() {
	common_teardown
}

# Move p to and fro while its pages are moved, and then see where they are.
move_while_pages_move() {
	local input

	mkfifo "$BATS_TEST_TMPDIR/stop"
	shuffle "$p" <"$BATS_TEST_TMPDIR/stop" >"$BATS_TEST_TMPDIR/times" 3>&- &
	exec {input}>"$BATS_TEST_TMPDIR/stop"
	for _ in {1..15}; do
		set_attr addtask "$p" "$C-to"
		set_attr addtask "$p" "$C"
	done
	set_attr addtask "$p" "$C-to"
	exec {input}>&-
	wait $!
	assert [ "$(<"$BATS_TEST_TMPDIR/times")" -gt 1 ]
	drain_batches
	assert_equal "left behind: $(attr num_anon_pages)" 'left behind: 0'
	assert_exact_anon p "$C-to"
	let_go p
}

@test "small pages that are being migrated go along" {
	tells p anon a 4000
	tells p touch a
	move_while_pages_move
}

@test "huge pages that are being migrated go along" {
	tells p thp a 4096
	tells p touch a
	assert [ "$(seen huge "$(tell p count a)")" -ge 2048 ]
	move_while_pages_move
}

@test "shared memory that is being migrated is found by who joins" {
	local input i

	let_go p
	hold_start q
	tells q shm s 3000
	tells q touch s
	mkfifo "$BATS_TEST_TMPDIR/stop"
	shuffle "$q" <"$BATS_TEST_TMPDIR/stop" >"$BATS_TEST_TMPDIR/times" 3>&- &
	exec {input}>"$BATS_TEST_TMPDIR/stop"
	for i in {1..10}; do
		mkdir "$C-$i"
		set_attr addtask "$q" "$C-$i"
		assert_equal "$i: $(attr num_file_pages "$C-$i")" "$i: 3000"
		# so that it is nobody's once more
		rmdir "$C-$i"
	done
	exec {input}>&-
	wait $!
	assert [ "$(<"$BATS_TEST_TMPDIR/times")" -gt 1 ]
	tells q check s
}

# Who unmaps them sees a migration entry, and not that they are in the swap cache.
@test "pages in the swap cache that are unmapped while they are migrated are not left behind" {
	local input had i

	had=$(attr num_anon_pages)
	for i in {1..12}; do
		tells p anon a 2000
		tells p touch a
		tells p advise a pageout
		tells p look a
		mkfifo "$BATS_TEST_TMPDIR/stop$i"
		shuffle "$p" <"$BATS_TEST_TMPDIR/stop$i" >"$BATS_TEST_TMPDIR/times" 3>&- &
		exec {input}>"$BATS_TEST_TMPDIR/stop$i"
		sleep "0.$((i % 5))5"
		assert [ "$(grep ^SwapCached: /proc/meminfo | tr -dc 0-9)" -gt 1000 ]
		tells p unmap a
		exec {input}>&-
		wait $!
	done
	drain_batches
	assert_equal "left behind: $(($(attr num_anon_pages) - had))" 'left behind: 0'
	let_go p
}

# On a kernel with lock checks: the limit's lock is taken below that of the file's pages,
# which interrupts take that end the writing of others.
@test "shared memory becomes huge pages while rss_limit is lowered" {
	local i writer

	dd if=/dev/zero of=/mnt/disk/f bs=64k count=64 conv=fsync 2>/dev/null
	rm /mnt/disk/f
	tells p shm s 8192
	tells p touch s
	while :; do
		echo 1000 >"$C/rss_limit" || true
	done 2>/dev/null 3>&- &
	writer=$!
	for i in {1..5}; do
		tell p advise s collapse >/dev/null
	done
	kill "$writer"
	wait "$writer" || true
	set_attr rss_limit max
	tells p check s
	let_go p
}

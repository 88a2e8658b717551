#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# The audit: what it says is what there is, by the account of those who know
# nothing of containers.
#
# vm: --mem 512M --smp 2 --disk 256M --swap 256M
# kernels: base coexist

load common

setup_file() {
	common_setup_file
	enable_huge_pages
}

setup() {
	common_setup
	F=/mnt/disk/$BATS_TEST_NUMBER
}

teardown() {
	common_teardown
	rm -f "$F"
}

# audited KEY [CONTAINER]: the number in the line of the container.
audited() {
	local line

	line=$(grep " $(basename "${2:-$C}") " "$AUDIT")
	[[ " $line " =~ " $1="([^ ]*)" " ]] && echo "${BASH_REMATCH[1]}"
}

@test "an empty container: nothing but zeroes, and they agree" {
	wait_until 20 audit_agrees
	run grep " $(basename "$C") " "$AUDIT"
	assert_output "$(attr id) $(basename "$C") folios=0 anon=0 shmem=0 file=0 mapped_shmem=0 mapped_file=0 active=0 rss=0 cache=0 tasks=0 mms=0 files=0"
	run tail -n 5 "$AUDIT"
	assert_output "strangers 0
dangling 0
stray 0
allocated 1
agree"
}

@test "anonymous pages, small and huge, are found" {
	local count

	hold_start p "$C"
	tells p anon a 500
	tells p touch a
	tells p thp b 512
	tells p touch b
	count=$(tell p count)
	drain_batches
	wait_until 20 audit_agrees
	assert_equal "$(audited anon)" "$(seen anon "$count")"
	assert_equal "$(audited rss)" "$(seen anon "$count")"
	assert_equal "$(audited anon)" "$(attr num_anon_pages)"
	# a huge page is one folio
	assert [ "$(audited folios)" -lt $(($(audited anon) - 500)) ]
	assert_equal "$(audited tasks) $(audited mms)" '1 1'
}

@test "page cache, mapped and not, is found" {
	hold_start p "$C"
	tells p write "$F" 600
	tells p sync "$F"
	drain_batches
	wait_until 20 audit_agrees
	assert_equal "$(audited file) $(audited mapped_file) $(audited cache)" '600 0 600'
	tells p map m "$F" 100 shared
	tells p look m
	wait_until 20 audit_agrees
	assert_equal "$(audited file)" 600
	assert_equal "$(audited mapped_file)" "$(attr num_mapped_pages)"
	assert [ "$(audited mapped_file)" -ge 100 ]
	assert_equal "$(audited cache)" $((600 - $(audited mapped_file)))
	assert_equal "$(audited files)" 1
}

@test "shared memory is found" {
	hold_start p "$C"
	tells p shm s 300
	tells p touch s
	drain_batches
	wait_until 20 audit_agrees
	assert_equal "$(audited shmem) $(audited mapped_shmem) $(audited cache)" '300 300 0'
}

@test "a container that is removed is freed, and no page says its name" {
	hold_start p "$C"
	tells p anon a 500
	tells p touch a
	tells p write "$F" 500
	assert_equal "$(tail -n 2 "$AUDIT" | head -n 1)" 'allocated 1'
	rmdir "$C"
	wait_until 20 all_freed
	run cat "$AUDIT"
	assert_output "strangers 0
dangling 0
stray 0
allocated 0
agree"
	mkdir "$C"
}

@test "only root may have it" {
	assert_equal "$(stat -c %a "$AUDIT")" 400
}

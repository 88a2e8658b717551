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
	T=/dev/shm/$BATS_TEST_NUMBER
}

teardown() {
	common_teardown
	rm -f "$F" "$T"
}

# audited KEY [CONTAINER]: the number in the line of the container.
audited() {
	local line

	line=$(grep " $(basename "${2:-$C}") " "$AUDIT")
	[[ " $line " =~ " $1="([^ ]*)" " ]] && echo "${BASH_REMATCH[1]}"
}

# What it says of all containers. What those that have been removed have left, in
# other tests too, is charged to nobody: its number may be any.
assert_end() {
	run tail -n 5 "$AUDIT"
	assert_equal "${#lines[@]}" 5
	assert_equal "${lines[0]}" 'strangers 0'
	assert_equal "${lines[1]}" 'stray 0'
	assert_regex "${lines[2]}" '^unowned [0-9]+$'
	assert_equal "${lines[3]}" "allocated $1"
	assert_equal "${lines[4]}" 'agree'
}

# Folios that say the name of a container that has been removed.
unowned() {
	sed -n 's/^unowned //p' "$AUDIT"
}

@test "an empty container: nothing but zeroes, and they agree" {
	wait_until 20 audit_agrees
	run grep " $(basename "$C") " "$AUDIT"
	assert_output "$(attr id) $(basename "$C") folios=0 anon=0 held_file=0 file=0 mapped_held=0 mapped_file=0 active=0 held=0 droppable=0 tasks=0 mms=0 private=0 locked=0 kmemsize=0 dcachesize=0 files=0"
	assert_end 1
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
	assert_equal "$(audited held)" "$(seen anon "$count")"
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
	assert_equal "$(audited file) $(audited mapped_file) $(audited droppable)" '600 0 600'
	tells p map m "$F" 100 shared
	tells p look m
	wait_until 20 audit_agrees
	assert_equal "$(audited file)" 600
	assert_equal "$(audited mapped_file)" "$(attr num_mapped_pages)"
	assert [ "$(audited mapped_file)" -ge 100 ]
	assert_equal "$(audited droppable)" 600
	assert_equal "$(audited held_file) $(audited held)" "0 $(attr num_anon_pages)"
	assert_equal "$(audited files)" 1
}

@test "held memory of files is found, with each container that has some" {
	local held

	mkdir "$C-other"
	hold_start p "$C"
	hold_start q "$C-other"
	tells p shm s 300
	tells p touch s
	tells p write "$T" 200
	tells q map t "$T" 1000 shared
	truncate -s 4000K "$T"
	tells q touch t
	drain_batches
	wait_until 20 audit_agrees
	assert_equal "$(audited held_file) $(audited mapped_held) $(audited droppable)" \
		'500 500 0'
	assert_equal "$(audited held)" $((500 + $(attr num_anon_pages)))
	assert_equal "$(audited files)" 2
	held=$(audited held_file "$C-other")
	assert_equal "$held $(audited files "$C-other")" '800 1'
}

@test "a container that is removed is freed, and what is left of it is nobody's" {
	local before after

	hold_start p "$C"
	tells p anon a 500
	tells p touch a
	tells p write "$F" 500
	tells p write "$T" 500
	assert_equal "$(tail -n 2 "$AUDIT" | head -n 1)" 'allocated 1'
	before=$(unowned)
	rmdir "$C"
	wait_until 20 all_freed
	assert_end 0
	after=$(unowned)
	assert [ $((after - before)) -ge 1500 ]
	assert [ $((after - before)) -lt 1700 ]

	# and when it is freed, it says nothing any more
	let_go p
	rm "$F" "$T"
	drain
	assert [ "$(unowned)" -le $((after - 1500)) ]
	mkdir "$C"
}

@test "only root may have it" {
	assert_equal "$(stat -c %a "$AUDIT")" 400
}

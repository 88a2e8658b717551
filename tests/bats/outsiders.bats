#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# Who is in a container, and who is not: what an outsider does costs the container
# nothing, what a container does costs no outsider anything, and two containers
# cannot hide their memory in each other's files. Without swap, so that what should
# not be charged would get somebody killed.
#
# vm: --mem 512M --smp 2 --disk 128M
# kernels: base coexist

load common

setup_file() { common_setup_file; }

setup() {
	common_setup
	F=/mnt/disk/$BATS_TEST_NUMBER
	T=/dev/shm/$BATS_TEST_NUMBER
	O=$C-other
	mkdir "$O"
	LIMIT=600
	PAGES=1500	# of each file: more than the limit
	dmesg --clear
}

teardown() {
	ipcrm --all=shm
	common_teardown
	rm -f "$F" "$T"*
}

# Nothing has happened to the tasks of CONTAINER: none waited, failed or died.
assert_unharmed() {
	local key

	assert_equal "kills $(attr rss_oom_kills "$1")" 'kills 0'
	assert_equal "failcnt $(attr rss_failcnt "$1")" 'failcnt 0'
	for key in reclaim_usec throttled_usec; do
		assert_equal "$key $(stat_of $key "$1")" "$key 0"
	done
}

# assert_held PAGES [CONTAINER]: held memory is these, and not one more than 8: it
# takes some for the stack of who is told to do something for the first time.
assert_held() {
	local now

	drain_batches
	now=$(attr rss_usage "${2:-$C}")
	assert [ "$now" -ge "$1" ]
	assert [ "$now" -le $(($1 + 8)) ]
}

# A file of $PAGES pages of kind $3, which is m of process $1 and m of process $2.
share() {
	local kind=$3 where pid=${!1}

	case $kind in
	memfd)
		tells "$1" shm m "$PAGES"
		where=$(tell "$1" where m)
		where=${where//0x/}
		tells "$2" map m "/proc/$pid/map_files/${where/,/-}" "$PAGES" shared
		;;
	sysv)
		tells "$1" sysv m "$BATS_TEST_NUMBER" "$PAGES"
		tells "$2" sysv m "$BATS_TEST_NUMBER" "$PAGES"
		;;
	tmpfs)
		: >"$T"
		truncate -s $((PAGES * 4))K "$T"
		tells "$1" map m "$T" "$PAGES" shared
		tells "$2" map m "$T" "$PAGES" shared
		;;
	esac
}

# An outsider fills what a process of the container has open, and has written to and
# read from before.
outsider_fills() {
	local before

	hold_start p "$C"
	hold_start h
	share p h "$1"
	tells p touch m 10
	tells p look m 20
	tells p anon a 300
	tells p touch a 100
	drain_batches
	before=$(attr rss_usage)
	set_attr rss_limit $((before + 300))
	HOLD_TIMEOUT=20 tells h touch m
	assert_held "$before"
	# it sees all of it, and has all the room that is its own
	tells p check m
	tells p lock m
	tells p touch a
	assert_held $((before + 200))
	assert_unharmed "$C"
}

@test "a memfd: what an outsider puts there costs the container nothing" {
	outsider_fills memfd
}

@test "a SysV segment: what an outsider puts there costs the container nothing" {
	outsider_fills sysv
}

@test "a file on tmpfs: what an outsider puts there costs the container nothing" {
	outsider_fills tmpfs
}

# A process of the container fills what an outsider has made, and written to, which
# is in a container as well or in none.
insider_fills() {
	local kind=$1 before others

	shift
	hold_start p "$C"
	hold_start h "$@"
	share h p "$kind"
	tells h touch m 100
	tells h anon a 100
	tells h touch a 50
	drain_batches
	before=$(attr rss_usage)
	others=$(attr rss_usage "$O")
	set_attr rss_limit "$LIMIT"
	set_attr rss_limit $((others + 60)) "$O"
	HOLD_TIMEOUT=20 with_peak tell p touch m
	assert_failure
	wait_gone "$p"
	assert [ "$PEAK" -le $((LIMIT + 4)) ]
	assert_equal "$(attr rss_oom_kills)" 1
	# what it has brought in stays its container's
	assert_held $((LIMIT - before - 4))
	assert_held "$others" "$O"
	# what the outsider has is there, and it goes on where the other ended
	tells h look m 500
	tells h touch a
	[ $# = 0 ] || tells h unmap a
	[ $# = 0 ] || set_attr rss_limit max "$O"
	HOLD_TIMEOUT=20 tells h touch m
	tells h check m
	assert_unharmed "$O"
	tells h unmap m
	[ "$kind" != sysv ] || ipcrm --all=shm
	rm -f "$T"
	assert_held 0
}

@test "a memfd: a container that fills an outsider's is charged, and fails alone" {
	insider_fills memfd
}

@test "a SysV segment: a container that fills an outsider's is charged, and fails alone" {
	insider_fills sysv
}

@test "a file on tmpfs: a container that fills an outsider's is charged, and fails alone" {
	insider_fills tmpfs
}

@test "a memfd of another container: who fills it is charged, and fails alone" {
	insider_fills memfd "$O"
}

# tmpfs_pages FILE...: what they have, by what the file system says
tmpfs_pages() {
	stat -c %b "$@" | awk '{ sum += $1 } END { print sum / 8 }'
}

# p of $C and q of $O write to each other's files when they are at their limits.
each_other() {
	local who of

	hold_start p "$C"
	hold_start q "$O"
	: >"$T-p"
	: >"$T-q"
	if [ "$1" = named ]; then
		set_attr addfile "$T-p" "$C"
		set_attr addfile "$T-q" "$O"
	fi
	for who in p q; do
		# zeroes, which take no memory
		tells $who anon z 200
		tells $who look z
	done
	set_attr rss_limit "$LIMIT" "$C"
	set_attr rss_limit "$LIMIT" "$O"
	# its own first, and then the other's, and again
	for of in "p p" "q q" "p q" "q p" "p q" "q p" "p p" "q q"; do
		for _ in {1..5}; do
			tell "${of% *}" store z "$T-${of#* }" >/dev/null
		done
		assert [ "$(attr rss_usage "$C")" -le "$LIMIT" ]
		assert [ "$(attr rss_usage "$O")" -le "$LIMIT" ]
	done
	for of in "p p" "q q" "p q" "q p"; do
		assert_equal "$(tell "${of% *}" store z "$T-${of#* }")" ENOMEM
	done
	# not one page is charged to nobody
	drain_batches
	assert_equal "$(tmpfs_pages "$T"-*)" \
		$(($(attr num_file_pages "$C") + $(attr num_file_pages "$O")))
	assert [ "$(attr rss_usage "$C")" -ge $((LIMIT - 20)) ]
	assert [ "$(attr rss_usage "$O")" -ge $((LIMIT - 20)) ]
	assert_equal "$(attr rss_oom_kills "$C") $(attr rss_oom_kills "$O")" '0 0'
}

@test "two containers cannot hide memory in each other's files" {
	each_other unnamed
}

@test "nor in files that were named for the other" {
	each_other named
}

@test "nor in files of a third, and nobody's" {
	hold_start p "$C"
	mkdir "$C-third"
	: >"$T-third"
	: >"$T-none"
	set_attr addfile "$T-third" "$C-third"
	set_attr rss_limit 100 "$C-third"
	set_attr rss_limit "$LIMIT"
	tells p anon z 2000
	tells p look z
	assert_equal "$(tell p store z "$T-third")" short
	assert_equal "$(tell p store z "$T-none")" ENOMEM
	assert_equal "$(attr rss_usage) $(attr rss_usage "$C-third")" "$LIMIT 100"
	assert_equal "$(attr num_file_pages)" $(($(tmpfs_pages "$T"-*) - 100))
	assert_unharmed "$C-third"
}

@test "an outsider writes to a file that is named for a container, full or not" {
	hold_start p "$C"
	tells p anon a 200
	tells p touch a 100
	hold_start h
	: >"$T"
	set_attr addfile "$T"
	set_attr rss_limit "$LIMIT"
	tells h anon z 3000
	tells h look z
	with_peak tell h time store z "$T"
	assert_output --regexp '^[0-9]+$'
	assert [ "$output" -le $((5000 * ${SLOW:-1})) ]
	assert [ "$PEAK" -le $((LIMIT + 4)) ]
	assert_equal "$(attr rss_oom_kills)" 0
	assert_equal "$(stat_of reclaim_usec "$C")" 0
	tells h fetch z "$T"
	# and rmfile by root gives it the room back
	set_attr rmfile "$T"
	tells p touch a
	assert_equal "$(attr rss_oom_kills)" 0
}

# took: how many ms it takes p to use 400 pages anew, several times
took() {
	local sum=0

	for _ in {1..5}; do
		sum=$((sum + $(HOLD_TIMEOUT=30 tell p time touch a)))
		tells p advise a dontneed
	done
	echo $sum
}

# The outsider does COMMAND with a file that the container owns, and that is cached
# and mapped then, over its limit.
outsider_maps() {
	local before after rounds

	hold_start p "$C"
	tells p write "$F" 3000
	tells p sync "$F"
	tells p anon a 400
	set_attr rss_limit 700
	before=$(took)
	hold_start h
	tells h map m "$F" 3000 shared
	run tell h "$@"
	mapped() { [ "$(attr num_mapped_pages)" -ge 2500 ]; }
	wait_until 20 mapped
	rounds=$(stat_of rounds "$C")
	SECONDS=0
	after=$(took)
	echo "$before ms, and $after ms beside the outsider"
	assert [ "$after" -le $((3 * before + 1000)) ]
	sleep 2
	assert [ $(($(stat_of rounds "$C") - rounds)) -le $((15 * (SECONDS + 1))) ]
	assert_unharmed "$C"
	assert_equal "$(attr num_file_pages)" 3000
	let_go h
	below() { [ "$(attr rss_usage)" -le 700 ]; }
	wait_until 20 below
}

@test "a file that an outsider has mapped and locked costs its owner nothing" {
	outsider_maps lock m
}

@test "nor one that an outsider reads all the time" {
	outsider_maps again look m
}

@test "files that a container has mapped and locked cost their owner nothing" {
	hold_start q "$O"
	tells q write "$F" 3000
	tells q sync "$F"
	tells q anon a 300
	set_attr rss_limit "$LIMIT" "$O"
	set_attr rss_limit "$LIMIT" "$C"
	hold_start p "$C"
	tells p map m "$F" 3000 shared
	tells p lock m
	tells q touch a
	assert [ "$(attr rss_usage "$O")" -gt 3000 ]
	assert_equal "$(attr rss_usage "$C")" "$(attr num_anon_pages "$C")"
	assert_unharmed "$O"
	assert_unharmed "$C"
}

@test "locking what is another's charges nobody, and takes nothing away" {
	local before

	# the outsider's, by the container
	hold_start h
	hold_start p "$C"
	share h p memfd
	tells h touch m
	before=$(attr rss_usage)
	set_attr rss_limit $((before + 100))
	tells p lock m
	assert_held "$before"
	# the container's, by the outsider
	tells p unmap m
	tells p shm s 80
	tells p touch s
	where=$(tell p where s)
	where=${where//0x/}
	tells h map s "/proc/$p/map_files/${where/,/-}" 80 shared
	tells h lock s
	assert_held $((before + 80))
	tells h unmap s
	tells p unmap s
	assert_held "$before"
	assert_unharmed "$C"
}

@test "who writes to a process of another container has that charged, and gets the error" {
	local range before

	hold_start p "$C"
	hold_start q "$O"
	tells p anon w 1
	range=$(tell p where w)
	assert_equal "$(tell q poke mem "$p" "${range%,*}" 1)" '1 ok'
	tells p anon a "$PAGES"
	range=$(tell p where a)
	before=$(attr rss_usage "$O")
	set_attr rss_limit "$LIMIT"
	for how in mem vm; do
		run tell q poke $how "$p" "${range%,*}" "$PAGES"
		refute_output --partial ok
		assert [ "$(attr rss_usage)" -le "$LIMIT" ]
	done
	assert [ "$(attr rss_usage)" -gt $((LIMIT - 10)) ]
	assert_held "$before" "$O"
	assert_equal "$(attr rss_oom_kills)" 0
	assert_unharmed "$O"
}

@test "an outsider is not slowed for a page_limit that is not its own" {
	hold_start p "$C"
	hold_start h
	: >"$F"
	set_attr addfile "$F"
	set_attr page_limit 200
	HOLD_TIMEOUT=60 tells h write "$F" 5000
	under() { [ "$(usage)" -le 200 ]; }
	wait_until 30 under
	assert [ "$(attr page_limit_hits)" -gt 0 ]
	assert_unharmed "$C"
}

@test "what a service is handed it uses, whatever becomes of it outside" {
	local before

	# one byte of a memfd is read; it is filled outside; the service works on
	hold_start h
	hold_start p "$C"
	share h p memfd
	tells p look m 1
	tells p anon a 256
	tells p touch a
	drain_batches
	before=$(attr rss_usage)
	set_attr rss_limit $((before + 10))
	tells h touch m
	for _ in {1..10}; do
		tells p advise a dontneed
		tells p touch a
	done
	assert_held "$before"
	assert_unharmed "$C"
}

# Each look at a page of such a file would go through all of these.
@test "how often an outsider maps a file does not hold up its container's kcontainerd" {
	local times

	dd if=/dev/zero of="$F" bs=4K count=1900 status=none
	truncate -s 16M "$F-read"
	sync
	echo 3 >/proc/sys/vm/drop_caches
	# these are gone through first
	hold_start q
	times=$(tell q often "$F" 1900 60000)
	assert [ "$times" -ge 59000 ]
	hold_start p "$C"
	tells p map m "$F" 1900 shared
	tells p look m
	set_attr page_limit 2048
	# it is over its limit now and again, with what is mapped, and with what is not
	for _ in 1 2 3; do
		tells p look m
		tells p read "$F-read"
	done
	echo "throttled for $(stat_of throttled_usec) us"
	# one page takes 0.15 s to unmap here, and there is one in most rounds; else it is 30 s
	assert [ "$(stat_of throttled_usec)" -le 10000000 ]
	rm "$F-read"
}

@test "what an outsider uses by a mapping stays, though the container was first to read it" {
	local child

	# in pages that had to be read again
	majors() {
		awk '{ print $12 }' "/proc/$child/stat"
	}
	dd if=/dev/zero of="$F" bs=4K count=400 status=none
	truncate -s 16M "$F-read"
	sync
	echo 3 >/proc/sys/vm/drop_caches
	hold_start p "$C"
	tells p read "$F"
	assert_equal "$(attr num_file_pages)" 400
	hold_start q
	tells q map m "$F" 400 shared
	tells q look m
	child=$(tell q again look m)
	# it has them all by now
	until [ "$(awk '$1 == "Rss:" { sum += $2 } END { print sum }' "/proc/$child/smaps")" -ge 1600 ]; do
		sleep 0.1
	done
	# so it cannot come to its limit
	set_attr page_limit 300
	for _ in 1 2 3 4; do
		tells p read "$F-read"
	done
	assert [ "$(attr page_limit_hits)" -gt 2 ]
	echo "$(majors) read again"
	# some, where it does not get a CPU for tenths of a second
	assert [ "$(majors)" -le 100 ]
	tells q reap "$child"
	rm "$F-read"
}

# What comes back has what is in use used once less from then on: who reads it again has to
# be one of those that use the rest.
@test "what an outsider reads again and again leaves alone what the container has in use" {
	dd if=/dev/zero of="$F" bs=4K count=1500 status=none
	dd if=/dev/zero of="$F-read" bs=4K count=4500 status=none
	sync
	echo 3 >/proc/sys/vm/drop_caches
	set_attr page_limit 4000
	hold_start p "$C"
	for _ in 1 2 3; do
		tells p read "$F"
	done
	tells p read "$F-read"
	hold_start q
	for _ in {1..10}; do
		tells q read "$F-read"
	done
	assert [ "$(stat_of refaulted)" -gt 10000 ]
	run tell p resident "$F"
	echo "$output of 1500 are left"
	assert [ "${output##* }" -ge 1400 ]
	# with nobody in it, it is there for those outside
	let_go p
	wait_until 5 has_tasks 0
	for _ in {1..20}; do
		tells q read "$F-read"
	done
	run tell q resident "$F"
	echo "$output of 1500 are left"
	assert [ "${output##* }" -le 700 ]
	rm "$F-read"
}

# An outsider who maps a file, and looks at it once: the page_limit of who has its cache
# holds, whether that uses it, how often it is mapped, and how much else there is.
@test "what an outsider maps and does not use does not stay over page_limit" {
	local kind child

	reclaims() {
		[ "$(stat_of reclaimed "$1")" -ge "$2" ]
	}
	dd if=/dev/zero of="$F" bs=4K count=400 status=none
	sync
	for kind in once often used held; do
		echo 3 >/proc/sys/vm/drop_caches
		mkdir "$C-$kind"
		hold_start "p$kind" "$C-$kind"
		tells "p$kind" read "$F"
		hold_start "q$kind"
		# the mapping with the pages in it is met after these
		[ "$kind" != often ] ||
			assert_equal "$(tell "q$kind" often "$F" 400 1100)" 1100
		tells "q$kind" map m "$F" 400 shared
		tells "q$kind" look m
		child=
		LIMIT=300
		case $kind in
		# each time anew: a processor that has a page in its TLB does not say
		# that it is used
		used)
			child=$(tell "p$kind" again "map m $F 400 shared; look m; unmap m")
			;;
		# files are less than half of the limit, and the rest cannot go
		held)
			tells "p$kind" anon a 700
			tells "p$kind" touch a
			LIMIT=1000
			;;
		esac
		assert [ "$(usage "$C-$kind")" -gt "$LIMIT" ]
		set_attr page_limit "$LIMIT" "$C-$kind"
		if [ "$kind" = used ]; then
			# it comes back each time
			wait_until 20 reclaims "$C-$kind" 200
		else
			wait_until 20 usage_at_most "$LIMIT" "$C-$kind"
		fi
		[ ! "$child" ] || tells "p$kind" reap "$child"
		let_go "p$kind"
		let_go "q$kind"
		rmdir "$C-$kind"
	done
}

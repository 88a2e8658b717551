#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# page_limit: what kcontainerd does over it, and the throttle. There is swap.
#
# vm: --mem 512M --smp 2 --disk 768M --swap 320M
# kernels: base coexist

load common

setup_file() {
	common_setup_file
	enable_huge_pages
}

setup() {
	common_setup
	F=/mnt/disk/$BATS_TEST_NUMBER
	LIMIT=2048	# pages: 8M
	LRU_GEN=$(lru_gen)
}

teardown() {
	common_teardown
	rm -rf "$F" "/dev/shm/$BATS_TEST_NUMBER"
	set_lru_gen "$LRU_GEN"
}

# The load is over: usage comes below the limit and there were hits.
assert_trimmed() {
	wait_until 20 usage_at_most "$LIMIT" ||
		fail "usage: $(attr num_anon_pages) + $(attr num_file_pages) of $LIMIT"
	assert [ "$(attr page_limit_hits)" -gt 0 ]
}

# Run a load in the container, that must succeed. MOST is what it used at most,
# as far as it was seen.
load_in() {
	local pid now

	MOST=0
	timeout 120 enter "$C" "$@" 3>&- &
	pid=$!
	while kill -0 "$pid" 2>/dev/null; do
		now=$(usage)
		((now > MOST)) && MOST=$now
		sleep 0.1
	done
	wait "$pid"
}

@test "within the limit nothing is done" {
	set_attr page_limit "$LIMIT"
	hold_start p "$C"
	tells p anon a 1000
	tells p touch a
	tells p write "$F" 800
	assert_equal "$(attr page_limit_hits)" 0
	assert_equal "$(attr num_file_pages)" 800
	assert_equal "$(seen swap "$(tell p count a)")" 0
}

@test "dd writes 20 times the limit" {
	set_attr page_limit "$LIMIT"
	load_in dd if=/dev/zero of="$F" bs=64K count=2560 status=none
	assert_trimmed
	assert_equal "$(stat -c %s "$F")" 167772160
	assert [ "$MOST" -lt $((2 * LIMIT)) ]
}

@test "tar writes 20 times the limit" {
	local i

	mkdir "$F"
	for i in {1..40}; do
		head -c 4M /dev/zero >"$F/$i"
	done
	sync
	drain
	set_attr page_limit "$LIMIT"
	load_in tar -C /mnt/disk -cf /mnt/disk/tar "$BATS_TEST_NUMBER"
	assert_trimmed
	assert_equal "$(tar -tf /mnt/disk/tar | wc -l)" 41
	rm /mnt/disk/tar
	assert [ "$MOST" -lt $((2 * LIMIT)) ]
}

@test "an mmap write of 20 times the limit" {
	truncate -s 160M "$F"
	set_attr page_limit "$LIMIT"
	hold_start p "$C"
	tells p map m "$F" 40960 shared
	HOLD_TIMEOUT=200 tells p touch m
	assert_trimmed
	HOLD_TIMEOUT=200 tells p check m
}

@test "an anonymous touch of 20 times the limit, with swap" {
	set_attr page_limit "$LIMIT"
	hold_start p "$C"
	tells p anon a 40960
	HOLD_TIMEOUT=200 tells p touch a
	assert_trimmed
	assert [ "$(seen swap "$(tell p count a)")" -ge $((40960 - LIMIT)) ]
	HOLD_TIMEOUT=200 tells p check a
}

@test "the same with the other kind of LRU lists" {
	local other=y

	[ "$LRU_GEN" = n ] || other=n
	set_lru_gen $other
	set_attr page_limit "$LIMIT"
	hold_start p "$C"
	tells p anon a 8000
	HOLD_TIMEOUT=100 tells p touch a
	assert_trimmed
	tells p unmap a
	HOLD_TIMEOUT=100 tells p write "$F" 8000
	assert_trimmed
}

@test "tmpfs pages go to swap and come back as they were" {
	set_attr page_limit "$LIMIT"
	hold_start p "$C"
	tells p shm s 8000
	HOLD_TIMEOUT=100 tells p touch s
	assert_trimmed
	HOLD_TIMEOUT=100 tells p check s
}

@test "huge pages are trimmed as well" {
	set_attr page_limit "$LIMIT"
	hold_start p "$C"
	tells p thp a 8192
	HOLD_TIMEOUT=100 tells p touch a
	assert_trimmed
	HOLD_TIMEOUT=100 tells p check a
}

@test "the first page over the limit is noticed, if it is the last one as well" {
	local limit

	# it is to be there when one looks for it
	set_attr over_limit deactivate
	hold_start p "$C"
	tells p anon a 100
	tells p touch a 60
	tells p touch a 60
	limit=$(($(usage) + 20))
	set_attr page_limit "$limit"
	tells p touch a 80
	assert_equal "$(usage) $(attr page_limit_hits)" "$limit 0"
	tells p touch a 81
	assert_equal "$(usage) $(attr page_limit_hits)" "$((limit + 1)) 1"
}

@test "a huge page that goes over the limit is noticed, and not with the next one" {
	# it is to be there when one looks for it
	set_attr over_limit deactivate
	hold_start p "$C"
	tells p thp a 1024
	tells p touch a 1
	set_attr page_limit $(($(usage) + 300))
	# what is small is in stock
	tells p touch a 513
	assert [ "$(seen huge "$(tell p count a)")" -gt 0 ]
	assert [ "$(attr page_limit_hits)" -gt 0 ]
}

@test "lowering the limit below usage trims to below limit - limit/8" {
	hold_start p "$C"
	tells p write "$F" 3000
	tells p sync "$F"
	assert_equal "$(attr num_file_pages)" 3000
	set_attr page_limit 800
	wait_until 20 usage_at_most 700
	assert_equal "$(attr page_limit_hits)" 1
}

@test "a round ends when the limit is raised" {
	hold_start p "$C"
	tells p anon a 40000
	tells p touch a
	echo 400 >"$C/page_limit"
	wait_until 20 usage_at_most 39000
	echo max >"$C/page_limit"
	# what was isolated by then is reclaimed
	sleep 1
	assert [ "$(usage)" -gt 2000 ]
	assert_equal "$(attr page_limit_hits)" 1
}

@test "dirty pages are written, not lost" {
	hold_start p "$C"
	truncate -s 12M "$F"
	tells p map m "$F" 3000 shared
	tells p touch m
	set_attr page_limit 500
	wait_until 30 usage_at_most 500
	tells p check m
}

@test "clean file pages go before anonymous ones" {
	hold <<<"write $F 20000"
	sync "$F"
	drain
	set_attr page_limit "$LIMIT"
	hold_start p "$C"
	tells p anon a 500
	tells p touch a
	HOLD_TIMEOUT=100 tells p read "$F"
	assert_trimmed
	assert [ "$(seen swap "$(tell p count a)")" -lt 50 ]
}

@test "large files go before small ones, if they were small before, too" {
	local i small

	mkdir "$F"
	for i in {1..60} new{1..60} g; do
		dd if=/dev/zero of="$F/$i" bs=80K count=1 status=none
	done
	sync
	drain
	hold_start p "$C"
	for i in g {1..60}; do
		tells p read "$F/$i"
	done
	# kcontainerd comes by all of them
	set_attr page_limit 600
	LIMIT=600 assert_trimmed
	set_attr page_limit max
	rm "$F"/{1..60}
	# others, that have not been read before: what comes back is in use
	for i in {1..60}; do
		tells p read "$F/new$i"
	done
	tells p write "$F/g" 2000
	tells p sync "$F/g"
	assert_equal "$(attr num_file_pages)" 3200

	set_attr page_limit 2200
	LIMIT=2200 assert_trimmed
	small=$(awk '$4 !~ /g$/ {sum += $1} END {print sum}' "$C/mappings")
	assert_equal "$small" 1200
}

# trim_a_part: as many pages of what there is as one eighth of a limit, and some more
trim_a_part() {
	local limit=$(($(usage) - 50))

	set_attr page_limit $limit
	wait_until 20 usage_at_most $((limit - limit / 8))
	set_attr page_limit max
}

@test "the next round goes on in a file where the last one has ended" {
	hold <<<"write $F 4000"
	sync "$F"
	drain
	hold_start p "$C"
	tells p read "$F"
	assert_equal "$(attr num_file_pages)" 4000
	# 550 pages or so
	trim_a_part
	assert_equal "$(tell p resident "$F" 0 500)" 0
	assert [ "$(tell p resident "$F" 700 3300)" -ge 3200 ]
	# these are new: what comes back as it was would be in use
	timeout 20 enter "$C" dd if=/dev/zero of="$F" bs=4K count=700 conv=notrunc,fsync status=none
	assert_equal "$(tell p resident "$F" 0 600)" 600
	trim_a_part
	assert_equal "$(tell p resident "$F" 0 500)" 500
	assert_equal "$(tell p resident "$F" 700 300)" 0
}

@test "the next round goes on in a process where the last one has ended" {
	hold_start p "$C"
	# the second is below the first, and what else it has further down
	tells p anon high 3600
	tells p anon low 400
	[[ "$(tell p where low)" < "$(tell p where high)" ]] || fail 'it is above'
	tells p touch low
	tells p touch high
	drain_batches
	# 560 pages, and what there is of a batch
	trim_a_part
	assert [ "$(seen swap "$(tell p count low)")" -ge 350 ]
	assert [ "$(seen swap "$(tell p count high)")" -le 1000 ]
	# others in their place, which are not in use either
	tells p unmap low
	tells p anon again 400
	[[ "$(tell p where again)" < "$(tell p where high)" ]] || fail 'it is above'
	tells p touch again
	drain_batches
	echo 1 >"/proc/$p/clear_refs"
	trim_a_part
	echo "again: $(tell p count again), high: $(tell p count high)"
	assert [ "$(seen swap "$(tell p count again)")" -le 20 ]
	assert [ "$(seen swap "$(tell p count high)")" -ge 500 ]
	tells p check again
	tells p check high
}

@test "a file that has had no page for a time is trimmed when it has some" {
	mkdir "$F"
	dd if=/dev/zero of="$F/a" bs=80K count=1 status=none
	dd if=/dev/zero of="$F/locked" bs=80K count=1 status=none
	sync
	drain
	hold_start p "$C"
	tells p map m "$F/locked" 20 shared
	tells p look m
	tells p lock m
	tells p read "$F/a"
	# it cannot come to that, and looks everywhere again and again
	assert_equal "$(put_value shrink 0)" EBUSY
	assert_equal "$(tell p resident "$F/a")" 0
	assert_equal "$(put_value shrink 0)" EBUSY

	tells p read "$F/a"
	assert_equal "$(tell p resident "$F/a")" 20
	assert_equal "$(put_value shrink 0)" EBUSY
	assert_equal "$(tell p resident "$F/a")" 0
}

@test "a file that the host has cached stays cached while the container's are trimmed" {
	hold <<<"write $F-host 500"
	sync "$F-host"
	set_attr page_limit 1000
	hold_start p "$C"
	tells p read "$F-host"
	HOLD_TIMEOUT=100 tells p write "$F" 10000
	tells p read "$F-host"
	wait_until 20 usage_at_most 1000
	assert_equal "$(hold <<<"resident $F-host")" 500
	assert [ "$(attr page_limit_hits)" -gt 0 ]
	rm "$F-host"
}

@test "another container's pages are left alone" {
	mkdir "$C-other"
	hold_start q "$C-other"
	tells q anon a 1500
	tells q touch a
	tells q write "$F-other" 500
	tells q sync "$F-other"
	set_attr page_limit "$LIMIT"
	hold_start p "$C"
	tells p anon a 8000
	HOLD_TIMEOUT=100 tells p touch a
	HOLD_TIMEOUT=100 tells p write "$F" 8000
	assert_trimmed
	assert_equal "$(seen swap "$(tell q count a)")" 0
	assert_equal "$(attr num_file_pages "$C-other")" 500
	assert_equal "$(attr page_limit_hits "$C-other")" 0
	rm "$F-other"
}

@test "with over_limit at deactivate anonymous pages stay" {
	set_attr over_limit deactivate
	set_attr page_limit 500
	hold_start p "$C"
	tells p anon a 2000
	tells p touch a
	sleep 2
	assert_equal "$(seen swap "$(tell p count a)")" 0
	assert [ "$(attr page_limit_hits)" -gt 0 ]
	# so that one sees the difference
	set_attr over_limit reclaim
	set_attr page_limit 500
	wait_until 30 usage_at_most 500
}

@test "locked pages stay, and their task goes on" {
	set_attr page_limit 500
	hold_start p "$C"
	tells p anon a 1500
	tells p lock a
	tells p touch a
	sleep 1
	tells p check a
	assert_equal "$(seen anon "$(tell p count a)")" 1500
	tells p unmap a
	wait_until 20 usage_at_most 500
}

# What p has, which cannot go, is over the limit of 1000 pages: it is slowed once, and
# kcontainerd looks again now and then.
assert_let_be() {
	local before slept took

	slept=$(stat_of throttled_usec)
	tells p anon b 50
	# the first round has found out by then
	sleep 3
	before=$(stat_of rounds)
	sleep 4
	assert [ $(($(stat_of rounds) - before)) -le 8 ]
	for _ in {1..20}; do
		tells p touch b
		tells p advise b dontneed
	done
	took=$(($(stat_of throttled_usec) - slept))
	echo "slept $took us"
	assert [ "$took" -le $((3000000 * ${SLOW:-1})) ]
}

@test "who has locked more than the limit is slowed once, and kcontainerd does not go round" {
	hold_start p "$C"
	tells p anon a 3000
	tells p lock a
	tells p touch a
	set_attr page_limit 1000
	assert_let_be
	assert_equal "$(seen anon "$(tell p count a)")" 3000
	tells p unmap a
	wait_until 20 usage_at_most 1000
}

@test "who has pinned more than the limit is slowed once, and kcontainerd does not go round" {
	hold_start p "$C"
	tells p anon a 2048
	tells p touch a
	tells p pin a
	tells p anon c 100
	tells p touch c
	set_attr page_limit 1000
	assert_let_be
	assert_equal "$(seen anon "$(tell p count a)")" 2048
	tells p check a
	tells p check c
	tells p unpin
	# the ring is taken apart in the background
	wait_until 20 usage_at_most 1000
	tells p check a
}

@test "many small processes are trimmed, too" {
	hold_start p "$C"
	# on one processor, whose counters have not told of any of these pages
	taskset -pc 0 "$p" >/dev/null
	for _ in {1..150}; do
		tell p vfork 12 >/dev/null
	done
	wait_until 20 usage_at_least 2000
	assert_equal "$(put_value shrink 256)" ok
	assert [ "$(usage)" -le 256 ]
	assert_equal "$(attr num_tasks)" 151
}

usage_at_least() {
	[ "$(usage)" -ge "$1" ]
}

@test "a container that cannot be trimmed does not hold up another" {
	mkdir "$C-stuck"
	set_attr page_limit 100 "$C-stuck"
	hold_start q "$C-stuck"
	tells q anon a 3000
	tells q lock a
	set_attr page_limit "$LIMIT"
	hold_start p "$C"
	HOLD_TIMEOUT=100 tells p write "$F" 20000
	assert_trimmed
	assert [ "$(usage "$C-stuck")" -ge 3000 ]
}

@test "many containers are trimmed at once" {
	local i

	for i in 1 2 3 4 5 6; do
		mkdir "$C-$i"
		set_attr page_limit 500 "$C-$i"
		timeout 100 enter "$C-$i" hold <<<"write $F-$i 4000" 3>&- >/dev/null &
	done
	wait
	for i in 1 2 3 4 5 6; do
		wait_until 20 usage_at_most 500 "$C-$i"
		assert [ "$(attr page_limit_hits "$C-$i")" -gt 0 ]
	done
	rm "$F"-*
}

@test "a task far over its limit is slowed" {
	local took throttled

	set_attr page_limit 1000
	hold_start p "$C"
	tells p anon a 8000
	took=$(HOLD_TIMEOUT=100 tell p time touch a)
	throttled=$(awk '$1 == "throttled_usec" { print $2 / 1000 }' "$C/stat")
	echo "touching took $took ms, of which it slept $throttled ms"
	assert [ "${throttled%.*}" -gt 100 ]
	assert [ "$took" -ge "${throttled%.*}" ]
}

@test "a task that is slowed can be killed" {
	set_attr page_limit 200
	hold_start p "$C"
	tells p anon a 40000
	echo "touch a" >&"$IN_p"
	sleep 1
	kill -9 "$p"
	ended() { [ "$(attr num_tasks)" = 0 ]; }
	wait_until 20 ended
}

@test "a container that was over its limit and comes below needs no more hits" {
	local hits

	set_attr page_limit "$LIMIT"
	hold_start p "$C"
	HOLD_TIMEOUT=100 tells p write "$F" 8000
	assert_trimmed
	sleep 1
	hits=$(attr page_limit_hits)
	sleep 2
	assert_equal "$(attr page_limit_hits)" "$hits"
}

@test "a limit of 0 lets its tasks live" {
	set_attr page_limit 0
	hold_start p "$C"
	tells p anon a 100
	tells p touch a
	tells p write "$F" 200
	tells p check a
	assert_equal "$(attr num_tasks)" 1
}

shrunk_to_nothing() {
	[ "$(put "$C/shrink" <<<0)" = ok ]
}

# One instruction may need several pages. Who slept for each of these would find the
# others gone when it goes on.
@test "with a limit of 0 a task does not sleep for each page" {
	local slept

	hold_start p "$C"
	tells p anon a 1
	tells p touch a
	set_attr page_limit 0
	# no processor has any in stock either: the next page is noticed
	wait_until 20 shrunk_to_nothing
	slept=$(stat_of throttled_usec)
	tells p check a
	assert_equal "$(stat_of throttled_usec)" "$slept"
}

#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# Beancounters: the files, barriers and limits of numproc and physpages, who may
# raise them, and who is told. With swap. The arithmetic is KUnit's: kunit.bats.
#
# vm: --mem 512M --smp 2 --disk 128M --swap 256M
# kernels: base coexist

load common

setup_file() { common_setup_file; }

setup() {
	common_setup
	F=/mnt/disk/$BATS_TEST_NUMBER
	EVENTS=$BATS_TEST_TMPDIR/events
	# those after physpages
	OTHERS=(numtcpsock numflock numpty numsiginfo tcpsndbuf tcprcvbuf othersockbuf
		dgramrcvbuf numothersock dcachesize numfile numiptent)
	COLUMNS_OF=(resource held maxheld minheld barrier limit failcnt)
}

teardown() {
	common_teardown
	rm -f "$F"
}

# limits_are RESOURCE BARRIER LIMIT
limits_are() {
	assert_equal "$1 $(bc "$1" barrier) $(bc "$1" limit)" "$*"
}

watch() {
	inotifywait -m -q -e modify --format '%w%f' "$@" >"$EVENTS" 2>"$EVENTS.err" 3>&- &
	WATCHER=$!
	wait_until 20 watching
}

watching() {
	grep -q '^inotify' "/proc/$WATCHER/fdinfo/"* 2>/dev/null
}

told() {
	[ "$(grep -c beancounters "$EVENTS")" -ge "$1" ]
}

# plain TEXT: with one space where there are several
plain() {
	local words

	read -ra words <<<"$1"
	echo "${words[*]}"
}

@test "a table of what is counted, with a heading" {
	local lines

	mapfile -t lines <"$C/beancounters"
	assert_equal "$(plain "${lines[0]}")" "${COLUMNS_OF[*]}"
	assert_equal "$(plain "${lines[1]}")" 'kmemsize 0 0 0 max max 0'
	assert_equal "$(plain "${lines[2]}")" 'lockedpages 0 0 0 max max 0'
	assert_equal "$(plain "${lines[3]}")" 'privvmpages 0 0 0 max max 0'
	assert_equal "$(plain "${lines[4]}")" 'shmpages 0 0 0 max max 0'
	assert_equal "$(plain "${lines[5]}")" 'numproc 0 0 0 max max 0'
	assert_equal "$(plain "${lines[6]}")" 'physpages 0 0 0 max max 0'
	assert_equal "$(stat -c %a "$C/beancounters")" 644
}

@test "one number is both, two are barrier and limit" {
	assert_equal "$(put_value beancounters 'numproc 30\n')" ok
	limits_are numproc 30 30
	assert_equal "$(put_value beancounters 'numproc 30 32')" ok
	limits_are numproc 30 32
	assert_equal "$(put_value beancounters 'numproc 30 max')" ok
	limits_are numproc 30 max
	assert_equal "$(put_value beancounters 'numproc 0')" ok
	limits_are numproc 0 0
	assert_equal "$(put_value beancounters 'numproc max')" ok
	limits_are numproc max max
	limits_are physpages max max
}

@test "bytes are rounded down to pages" {
	assert_equal "$(put_value beancounters 'physpages 1M 2M')" ok
	limits_are physpages 256 512
	assert_equal "$(put_value beancounters 'physpages 9K 1G')" ok
	limits_are physpages 2 262144
}

@test "what is no barrier and limit is refused, and changes nothing" {
	set_attr beancounters 'numproc 7 9'
	run put --refused "$C/beancounters" "$C"/beancounters "$C/task_limit" "$C/rss_limit" <<'END'
EINVAL 
EINVAL \n
EINVAL numproc
EINVAL numproc 
EINVAL numproc 1 2 3
EINVAL numproc  1
EINVAL  numproc 1
EINVAL numproc 1 
EINVAL numproc 1\n\n
EINVAL numproc\x091
EINVAL numproc 1\0
EINVAL numproc\0 1
EINVAL numproc -1
EINVAL numproc 1K
EINVAL numproc 0x1
EINVAL numproc 10 9
EINVAL numproc max 9
EINVAL numproc 10M reset
EINVAL numproc reset 1
EINVAL numproc Reset
EINVAL physpages 1k
EINVAL physpages 2M 1M
EINVAL physpages max 1T
EINVAL numprocs 1
EINVAL NUMPROC 1
EINVAL dummy 1
EINVAL max
EINVAL 5 1
ERANGE numproc 9223372036854775808
ERANGE numproc 1 99999999999999999999999999
ERANGE physpages 16777216T
EINVAL numproc 99999999999999999999999999 x
END
	assert_success
	assert_output ''
}

@test "what this kernel does not count is another matter than what nobody does" {
	local name

	for name in vmguarpages oomguarpages; do
		assert_equal "$name $(put_value beancounters "$name 10")" "$name EOPNOTSUPP"
		assert_equal "$name $(put_value beancounters "$name reset")" "$name EOPNOTSUPP"
		assert_equal "$name $(put_value default_beancounters "$name 10" "$ROOT")" \
			"$name EOPNOTSUPP"
	done
	assert_equal "$(put_value default_beancounters 'dummy 1' "$ROOT")" EINVAL
}

@test "the largest number is no limit" {
	set_attr beancounters 'numproc 9223372036854775807'
	set_attr beancounters 'physpages 9223372036854775807'
	limits_are numproc max max
	limits_are physpages max max
	assert_equal "$(attr task_limit) $(attr rss_limit)" 'max max'
}

@test "numproc: as many as the limit, and then EAGAIN" {
	set_attr beancounters 'numproc 3 5'
	hold_start p "$C"
	assert_equal "$(tell p forks 10)" '4 EAGAIN'
	bc_is numproc held 5
	bc_is numproc maxheld 5
	bc_is numproc failcnt 1
	assert_equal "$(attr num_tasks) $(attr task_limit) $(attr task_limit_hits)" '5 5 1'
}

@test "numproc and task_limit are one limit" {
	set_attr beancounters 'numproc 3 5'
	assert_equal "$(attr task_limit)" 5
	set_attr task_limit 2
	# no barrier is over its limit
	limits_are numproc 2 2
	hold_start p "$C"
	assert_equal "$(tell p forks 10)" '1 EAGAIN'
	set_attr task_limit max
	limits_are numproc 3 max
	set_attr beancounters 'numproc 4'
	assert_equal "$(tell p forks 10)" '2 EAGAIN'
	bc_is numproc failcnt 2
}

@test "numproc: the most is exact, though nobody looked" {
	local pid

	hold_start p "$C"
	pid=$(tell p child 'threads 6')
	pid=${pid%% *}
	assert_equal "$(tell p reap "$pid")" ok
	bc_is numproc held 1
	bc_is numproc maxheld 8
	# from now on
	set_attr beancounters 'numproc reset'
	bc_is numproc maxheld 1
	bc_is numproc minheld 1
	tells p threads 2
	bc_is numproc maxheld 3
	# also with a limit
	set_attr beancounters 'numproc 4 5'
	assert_equal "$(tell p forks 10)" '2 EAGAIN'
	bc_is numproc maxheld 5
}

@test "numproc: one who is moved in counts for the most as well" {
	hold_start p
	tells p threads 4
	set_attr addtask "$p"
	bc_is numproc held 5
	set_attr rmtask "$p"
	bc_is numproc held 0
	bc_is numproc maxheld 5
	set_attr beancounters 'numproc 4'
	assert_equal "$(put_value addtask "$p")" EAGAIN
	bc_is numproc failcnt 1
	bc_is numproc maxheld 5
}

@test "numproc: a limit below what there is takes nobody away" {
	hold_start p "$C"
	tells p threads 4
	assert_equal "$(put_value beancounters 'numproc 2')" ok
	limits_are numproc 2 2
	bc_is numproc held 5
	assert_equal "$(tell p forks 1)" '0 EAGAIN'
	bc_is numproc held 5
}

@test "a reset is of one resource" {
	hold_start p "$C"
	tells p anon a 300
	tells p touch a
	tells p unmap a
	tells p threads 3
	set_attr beancounters 'numproc reset'
	assert [ "$(bc physpages maxheld)" -ge 300 ]
	bc_is physpages minheld 0
	bc_is numproc minheld 4
	set_attr beancounters 'physpages reset'
	assert [ "$(bc physpages maxheld)" -lt 300 ]
	assert [ "$(bc physpages minheld)" -gt 0 ]
}

@test "physpages is rss_usage, rss_limit and rss_failcnt" {
	hold_start p "$C"
	tells p anon a 300
	tells p touch a
	tells p shm s 200
	tells p touch s
	drain_batches
	bc_is physpages held "$(attr rss_usage)"
	set_attr beancounters 'physpages 2000 3000'
	assert_equal "$(attr rss_limit)" 3000
	set_attr rss_limit 2500
	limits_are physpages 2000 2500
	set_attr rss_limit 1000
	limits_are physpages 1000 1000
	tells p lock a
	assert_equal "$(put_value beancounters 'physpages 100')" EBUSY
	limits_are physpages 1000 1000
	assert_equal "$(attr rss_limit)" 1000
	bc_is physpages failcnt "$(attr rss_failcnt)"
}

@test "physpages: the most is at least what there was, and a stock of each CPU more" {
	hold_start p "$C"
	tells p anon a 1000
	tells p touch a
	tells p unmap a
	drain_batches
	assert [ "$(bc physpages held)" -lt 500 ]
	assert [ "$(bc physpages maxheld)" -ge 1000 ]
	assert [ "$(bc physpages maxheld)" -le $((1000 + $(bc physpages held) + 256)) ]
}

@test "physpages: over the barrier it is trimmed, and nobody waits or fails" {
	set_attr beancounters 'physpages 1000 3000'
	hold_start p "$C"
	tells p anon a 2000
	tells p touch a
	wait_until 20 held_at_most 1000
	assert [ "$(stat_of swapped_out)" -ge 900 ]
	assert_equal "$(attr rss_failcnt) $(stat_of reclaim_usec) $(stat_of throttled_usec)" '0 0 0'
	tells p check a
}

held_at_most() {
	[ "$(bc physpages held)" -le "$1" ]
}

@test "physpages: a barrier alone has it trimmed, too" {
	hold_start p "$C"
	tells p anon a 2000
	tells p touch a
	assert [ "$(bc physpages held)" -ge 2000 ]
	set_attr beancounters 'physpages 1000 max'
	wait_until 20 held_at_most 1000
	# an eighth less, as with page_limit, and not all of it
	assert [ "$(bc physpages held)" -gt 500 ]
}

@test "physpages: nobody is killed for the barrier, whatever is over it" {
	set_attr beancounters 'physpages 500 4000'
	hold_start p "$C"
	tells p anon a 2000
	tells p touch a 400
	tells p lock a
	tells p anon b 1500
	tells p touch b
	tells p anon c 1000
	tells p touch c
	sleep 2
	assert_equal "$(attr rss_oom_kills)" 0
	tells p check c
}

@test "physpages: mapped page cache goes for the barrier, when it is cold" {
	hold_start p "$C"
	tells p write "$F" 2000
	tells p sync "$F"
	tells p map m "$F" 2000 shared
	tells p look m
	assert [ "$(attr rss_usage)" -ge 2000 ]
	set_attr beancounters 'physpages 1000 max'
	wait_until 30 held_at_most 1000
	# it has only been unmapped
	assert [ "$(attr num_file_pages)" -ge 2000 ]
}

@test "the limit that an administrator has set binds the owner" {
	chown -R 1000 "$C"
	set_attr beancounters 'numproc 10 20'
	assert_equal "$(put_as 1000 beancounters 'numproc 10 21')" EPERM
	assert_equal "$(put_as 1000 beancounters 'numproc 11 20')" EPERM
	assert_equal "$(put_as 1000 beancounters 'numproc max')" EPERM
	limits_are numproc 10 20
	# he may lower it, and raise it again
	assert_equal "$(put_as 1000 beancounters 'numproc 5')" ok
	limits_are numproc 5 5
	assert_equal "$(put_as 1000 beancounters 'numproc 10 20')" ok
	limits_are numproc 10 20
	# of what is not bound he is the master
	assert_equal "$(put_as 1000 beancounters 'physpages 10000')" ok
	assert_equal "$(put_as 1000 beancounters 'physpages max')" ok
}

@test "the same limit is bound in its own file" {
	chown -R 1000 "$C"
	set_attr beancounters 'numproc 10 20'
	set_attr beancounters 'physpages 3000 4000'
	assert_equal "$(put_as 1000 task_limit 21)" EPERM
	assert_equal "$(put_as 1000 task_limit max)" EPERM
	assert_equal "$(put_as 1000 task_limit 15)" ok
	assert_equal "$(put_as 1000 task_limit 20)" ok
	assert_equal "$(put_as 1000 rss_limit 4001)" EPERM
	assert_equal "$(put_as 1000 rss_limit max)" EPERM
	assert_equal "$(put_as 1000 rss_limit 3500)" ok
	assert_equal "$(put_as 1000 rss_limit 4000)" ok
	assert_equal "$(put_as 1000 beancounters 'physpages 3001 4000')" EPERM
	limits_are numproc 10 20
	limits_are physpages 3000 4000
}

@test "what the owner writes binds nobody, and max unbinds" {
	chown -R 1000 "$C"
	assert_equal "$(put_as 1000 beancounters 'numproc 10')" ok
	assert_equal "$(put_as 1000 beancounters 'numproc 20')" ok
	set_attr beancounters 'numproc 5'
	assert_equal "$(put_as 1000 beancounters 'numproc 6')" EPERM
	set_attr beancounters 'numproc max'
	assert_equal "$(put_as 1000 beancounters 'numproc 6')" ok
	assert_equal "$(put_as 1000 task_limit max)" ok
}

@test "who opened the file is asked, and not only who writes" {
	chown -R 1000 "$C"
	set_attr beancounters 'numproc 5'
	assert_equal "$(printf 'numproc 6' | put --opened-by 1000 "$C/beancounters")" EPERM
	assert_equal "$(printf 6 | put --opened-by 1000 "$C/task_limit")" EPERM
	set_attr beancounters 'physpages 5000'
	assert_equal "$(printf 6000 | put --opened-by 1000 "$C/rss_limit")" EPERM
	limits_are numproc 5 5
	limits_are physpages 5000 5000
}

@test "root without the capability is not the administrator" {
	set_attr beancounters 'numproc 5'
	run setpriv --bounding-set -sys_resource --inh-caps -sys_resource \
		sh -c "printf 'numproc 6' | put $C/beancounters"
	assert_output EPERM
	run setpriv --bounding-set -sys_resource --inh-caps -sys_resource \
		sh -c "printf 'numproc 4' | put $C/beancounters"
	assert_output ok
	limits_are numproc 4 4
}

@test "a limit that cannot be reached does not bind" {
	chown -R 1000 "$C"
	hold_start p "$C"
	tells p anon a 1000
	tells p touch a
	tells p lock a
	assert_equal "$(put_value beancounters 'physpages 500')" EBUSY
	limits_are physpages max max
	assert_equal "$(put_as 1000 beancounters 'physpages 5000')" ok
	assert_equal "$(put_as 1000 beancounters 'physpages max')" ok
}

@test "new containers get the defaults, and are bound by them" {
	local D=$ROOT/new

	echo 'numproc 3 4' >"$ROOT"/default_beancounters
	echo 'physpages 4M 8M' >"$ROOT"/default_beancounters
	assert_equal "$(<"$ROOT"/default_task_limit)" 4
	assert_equal "$(sed 's/  */ /g' "$ROOT"/default_beancounters)" \
		"$(echo resource barrier limit
		   printf '%s max max\n' kmemsize lockedpages privvmpages shmpages
		   echo numproc 3 4
		   echo physpages 1024 2048
		   printf '%s max max\n' "${OTHERS[@]}")"
	mkdir "$D"
	assert_equal "$(bc numproc barrier "$D") $(bc numproc limit "$D")" '3 4'
	assert_equal "$(bc physpages barrier "$D") $(bc physpages limit "$D")" '1024 2048'
	assert_equal "$(<"$D"/rss_limit) $(<"$D"/task_limit)" '2048 4'
	# those that are there keep theirs
	limits_are numproc max max
	limits_are physpages max max
	chown -R 1000 "$D"
	assert_equal "$(printf 'numproc 5' | as 1000 put "$D"/beancounters)" EPERM
	assert_equal "$(printf 'physpages 9M' | as 1000 put "$D"/beancounters)" EPERM
	hold_start p "$D"
	assert_equal "$(tell p forks 10)" '3 EAGAIN'
	assert_equal "$(tell p anon a 4000)" ok
	tells p touch a
	assert [ "$(bc physpages held "$D")" -le 2048 ]
	echo 'physpages max' >"$ROOT"/default_beancounters
	echo 'numproc max' >"$ROOT"/default_beancounters
	mkdir "$D"-2
	assert_equal "$(bc physpages limit "$D"-2) $(bc numproc limit "$D"-2)" 'max max'
	chown -R 1000 "$D"-2
	assert_equal "$(printf 'numproc 5' | as 1000 put "$D"-2/beancounters)" ok
	assert_equal "$(printf 'numproc 6' | as 1000 put "$D"-2/beancounters)" ok
}

@test "a default barrier over the default limit is there once that is raised" {
	local D=$ROOT/new

	echo 'numproc 30 40' >"$ROOT"/default_beancounters
	echo 4 >"$ROOT"/default_task_limit
	assert_equal "$(sed -n 's/^numproc *//p' "$ROOT"/default_beancounters |
		sed 's/  */ /g')" '4 4'
	mkdir "$D"
	assert_equal "$(bc numproc barrier "$D") $(bc numproc limit "$D")" '4 4'
	echo 35 >"$D"/task_limit
	assert_equal "$(bc numproc barrier "$D") $(bc numproc limit "$D")" '30 35'
}

@test "the defaults are refused like the limits, and have no reset" {
	run put --refused "$ROOT"/default_beancounters "$ROOT"/default_beancounters \
		"$ROOT"/default_task_limit <<'END'
EINVAL numproc
EINVAL numproc reset
EINVAL numproc 2 1
EINVAL numproc max 1
ERANGE numproc 9223372036854775808
EINVAL numprocs 1
EOPNOTSUPP oomguarpages 1
END
	assert_success
	assert_output ''
	run as 1000 sh -c "echo numproc 1 >$ROOT/default_beancounters"
	assert_failure
}

@test "the table of all containers" {
	mkdir "$ROOT/a b"
	set_attr beancounters 'numproc 30 32'
	assert_equal "$(stat -c %a "$ROOT"/beancounters)" 400
	run cat "$ROOT"/beancounters
	assert_equal "$(plain "${lines[0]}")" "id name ${COLUMNS_OF[*]}"
	assert_equal "${#lines[@]}" $((1 + 2 * (6 + ${#OTHERS[@]})))
	assert_output --regexp "$(attr id) +${C##*/} +numproc +0 +0 +0 +30 +32 +0"
	assert_output --regexp "$(attr id) +${C##*/} +physpages +0 +0 +0 +max +max +0"
	# a name is one word
	assert_output --regexp "$(<"$ROOT/a b/id") +a\\\\040b +numproc "
	# it tells of directories that may be closed to others
	run as 1000 cat "$ROOT"/beancounters
	assert_failure
	assert_output --partial 'Permission denied'
}

@test "the table of all is whole, however many there are" {
	local i rows=$((301 * (6 + ${#OTHERS[@]})))

	for i in {1..300}; do
		mkdir "$ROOT/many-$i"
	done
	assert_equal "$(wc -l <"$ROOT"/beancounters)" $((rows + 1))
	assert_equal "$(tail -n +2 "$ROOT"/beancounters | awk 'NF == 9' | wc -l)" "$rows"
	assert_equal "$(wc -l </proc/user_beancounters)" $((rows + 2))
}

@test "/proc/user_beancounters is what programs for OpenVZ know" {
	local id

	id=$(attr id)
	set_attr beancounters 'numproc 30 32'
	hold_start p "$C"
	run cat /proc/user_beancounters
	assert_success
	assert_line --index 0 'Version: 2.5'
	assert_line --index 1 "$(printf '%10s  %-12s %20s %20s %20s %20s %20s' uid resource \
		held maxheld barrier limit failcnt)"
	assert_line --index 2 "$(printf '%9d:  %-12s %20d %20d %20d %20d %20d' "$id" \
		kmemsize "$(bc kmemsize)" "$(bc kmemsize maxheld)" $((2 ** 63 - 1)) $((2 ** 63 - 1)) 0)"
	assert_line --index 6 "$(printf '%11s %-12s %20d %20d %20d %20d %20d' '' numproc \
		1 1 30 32 0)"
	assert_line --index 7 --regexp \
		'^            physpages    ( +[0-9]+){2}( +9223372036854775807){2} +0$'
	assert_equal "$(stat -c %a /proc/user_beancounters)" 400
	run as 1000 cat /proc/user_beancounters
	assert_failure
}

@test "who watches is told when a failcnt changes" {
	set_attr beancounters 'numproc 2'
	hold_start p "$C"
	watch "$C/beancounters"
	assert_equal "$(tell p forks 5)" '1 EAGAIN'
	wait_until 20 told 1
	sleep 0.5
	: >"$EVENTS"
	set_attr beancounters 'physpages 500'
	tells p anon a 400
	tells p touch a
	tells p lock a
	tells p anon b 300
	run tell p touch b
	assert [ "$(bc physpages failcnt)" -gt 0 ]
	wait_until 20 told 1
}

@test "and when numproc passes its barrier" {
	set_attr beancounters 'numproc 3 100'
	hold_start p "$C"
	watch "$C/beancounters"
	tells p threads 2
	sleep 0.5
	assert_equal "$(wc -l <"$EVENTS")" 0
	tells p threads 1
	wait_until 20 told 1
	bc_is numproc failcnt 0
}

@test "nobody is told otherwise" {
	set_attr beancounters 'numproc 10'
	watch "$C/beancounters"
	hold_start p "$C"
	tells p threads 3
	tells p anon a 300
	tells p touch a
	sleep 0.5
	refute [ -s "$EVENTS" ]
}

@test "nothing is left when the container goes" {
	set_attr beancounters 'numproc 3 4'
	exec 7<"$C/beancounters"
	exec 8>"$C/beancounters"
	rmdir "$C"
	run cat <&7
	assert_failure
	run bash -c 'echo numproc 1 >&8'
	assert_failure
	exec 7<&- 8>&-
	mkdir "$C"
	limits_are numproc max max
}

@test "ctnctl sets them by the names of resources, and puts them back" {
	local name=${C##*/}

	run "$CTNCTL" set "$name" numproc=30:32 physpages=1M:2M
	assert_success
	limits_are numproc 30 32
	limits_are physpages 256 512
	run "$CTNCTL" set "$name" numproc=5 physpages=max page_limit=nonsense
	assert_failure 1
	limits_are numproc 30 32
	limits_are physpages 256 512
	run "$CTNCTL" set "$name" oomguarpages=30M:32M
	assert_failure 1
	run "$CTNCTL" set "$name" beancounters='oomguarpages 30M 32M'
	assert_failure 1
	assert_output --partial 'this kernel does not count that'
	run "$CTNCTL" beancounters -rn "$name"
	assert_output "$name kmemsize 0 0 max max 0
$name lockedpages 0 0 max max 0
$name privvmpages 0 0 max max 0
$name shmpages 0 0 max max 0
$name numproc 0 0 30 32 0
$name physpages 0 0 256 512 0
$(printf "$name %s 0 0 max max 0\n" "${OTHERS[@]}")"
}

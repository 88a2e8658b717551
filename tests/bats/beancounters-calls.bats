#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# The system calls of beancounters, made by nothing but their numbers, and containers
# that are named by theirs. What a limit does is in beancounters.bats.
#
# vm: --mem 512M --smp 2 --swap 128M
# kernels: base coexist

load common

setup_file() { common_setup_file luid; }

setup() {
	common_setup
	ID=1000$BATS_TEST_NUMBER
	D=$ROOT/$ID
	NUMPROC=5
	PHYSPAGES=6
	MAX=9223372036854775807
	CAP_SETUID=7
	CAP_SYS_RESOURCE=24
}

teardown() { common_teardown; }

# luid_is EXPECTED ARGUMENT...: what it prints
luid_is() {
	local expected=$1

	shift
	assert_equal "$* $(luid "$@")" "$* $expected"
}

@test "outside of all containers the id is 0" {
	luid_is 0 get
}

@test "in a container it is that of the container" {
	assert_equal "$(enter "$C" luid get)" "$(attr id)"
	# anybody may ask
	assert_equal "$(enter "$C" luid uid=1000 get)" "$(attr id)"
}

@test "set_bcid moves the process, with all its threads" {
	local id

	id=$(attr id)
	luid_is "ok $id" set "$id"
	luid_is 'ok 20' both "$id" 20
	# children are where their parent is
	assert_equal "$(luid run "$id" sh -c 'luid get')" "$id"
	assert_equal "$(attr num_tasks)" 0
	assert_equal "$(awk '$1 == "numproc" {print $3}' "$C/beancounters")" 21
}

@test "set_bcid makes what is not there, with the number for a name" {
	refute [ -e "$D" ]
	luid_is "ok $ID" set "$ID"
	assert_equal "$(<"$D/id")" "$ID"
	# it stays, and is the same the next time
	luid_is "ok $ID" set "$ID"
	assert_equal "$(stat -c '%a %u' "$D")" '755 0'
	rmdir "$D"
	refute [ -e "$D" ]
}

@test "it is made whatever the caller's mask, root and working directory are" {
	mkdir -p "$BATS_TEST_TMPDIR/root"
	cp "$HELPERS/luid" "$BATS_TEST_TMPDIR/root"
	umask 777
	assert_equal "$(chroot "$BATS_TEST_TMPDIR/root" /luid set "$ID")" "ok $ID"
	umask 022
	assert_equal "$(stat -c '%a %u' "$D")" '755 0'
}

@test "it is made where configfs is not mounted" {
	run unshare --mount --propagation private sh -c "umount -l /config && luid set $ID"
	assert_output "ok $ID"
	assert_equal "$(<"$D/id")" "$ID"
}

@test "what set_bcid makes has the defaults" {
	echo 'numproc 3 4' >"$ROOT/default_beancounters"
	luid_is "ok $ID" set "$ID"
	luid_is '3 4 0 1 0 0' stat "$ID" "$NUMPROC"
	luid_is EAGAIN both "$ID" 4
}

@test "set_bcid to 0 leaves" {
	assert_equal "$(enter "$C" luid set 0)" 'ok 0'
	luid_is 'ok 0' set 0
	assert_equal "$(attr num_tasks)" 0
}

@test "set_bcid takes CAP_SETUID, and nothing else" {
	luid_is EPERM without="$CAP_SETUID" set "$ID"
	luid_is EPERM uid=1000 set 0
	luid_is EPERM uid=1000 set 4000000000
	refute [ -e "$D" ]
	luid_is "ok $ID" without="$CAP_SYS_RESOURCE" set "$ID"
	rmdir "$D"
	# it is made by one who may not make one
	run setpriv --reuid 1000 --clear-groups --inh-caps +setuid --ambient-caps +setuid \
		luid set "$ID"
	assert_output "ok $ID"
	assert_equal "$(stat -c '%a %u' "$D")" '755 0'
}

@test "nor has root of a user namespace that" {
	run unshare --user --map-root-user luid set "$ID"
	assert_output EPERM
	refute [ -e "$D" ]
}

@test "an id is 2147483647 at most" {
	luid_is EINVAL set 2147483648
	luid_is EINVAL set 4294967295
	luid_is 'ok 2147483647' set 2147483647
	assert_equal "$(<"$ROOT/2147483647/id")" 2147483647
}

@test "set_bcid to one with a name of its own" {
	local id

	id=$(attr id)
	luid_is "ok $id" set "$id"
	refute [ -e "$ROOT/$id" ]
}

@test "many processes at once make one, and all get in" {
	luid_is 40 race "$ID" 40
	assert_equal "$(<"$D/id")" "$ID"
}

@test "all get in while it is removed over and over" {
	local pid n

	luid race "$ID" 100 >"$BATS_TEST_TMPDIR/in" 3>&- &
	pid=$!
	while kill -0 $pid 2>/dev/null; do
		rmdir "$D" 2>/dev/null || true
	done
	wait $pid
	n=$(<"$BATS_TEST_TMPDIR/in")
	# one may have been moved out again before it asked
	assert [ "$n" -gt 0 ]
	assert [ "$n" -le 100 ]
	[ ! -d "$D" ] || rmdir "$D"
	luid_is "ok $ID" set "$ID"
}

@test "task_limit holds for set_bcid, too" {
	set_attr task_limit 0
	luid_is EAGAIN set "$(attr id)"
	assert_equal "$(attr task_limit_hits)" 1
}

@test "set_bclimit sets barrier and limit at once" {
	local id

	id=$(attr id)
	luid_is ok limit "$id" "$NUMPROC" 30 32
	assert_equal "$(awk '$1 == "numproc" {print $5, $6}' "$C/beancounters")" '30 32'
	assert_equal "$(attr task_limit)" 32
	luid_is ok limit "$id" "$PHYSPAGES" 1000 2000
	assert_equal "$(attr rss_limit)" 2000
	luid_is ok limit "$id" "$PHYSPAGES" "$MAX" "$MAX"
	assert_equal "$(attr rss_limit)" max
	# a limit below what there is is taken
	hold_start p "$C"
	luid_is ok limit "$id" "$NUMPROC" 0 0
	assert_equal "$(attr num_tasks)" 1
}

@test "what set_bclimit sets binds" {
	chown -R 1000 "$C"
	luid_is ok limit "$(attr id)" "$NUMPROC" 30 32
	assert_equal "$(echo 33 | setpriv --reuid 1000 --clear-groups put "$C/task_limit")" EPERM
	assert_equal "$(attr task_limit)" 32
}

@test "set_bclimit looks at its arguments one after the other" {
	local id

	id=$(attr id)
	luid_is EPERM without="$CAP_SYS_RESOURCE" limit 77777 99 null 0
	luid_is EPERM uid=1000 limit "$id" "$NUMPROC" 1 1
	# the resource comes before the limits ...
	luid_is EINVAL limit 77777 24 null 0
	luid_is EINVAL limit 77777 18446744073709551615 null 0
	luid_is EINVAL limit 77777 4 null 0
	luid_is EOPNOTSUPP limit 77777 8 null 0
	# ... these before the id ...
	luid_is EFAULT limit 77777 "$NUMPROC" null 0
	luid_is EFAULT limit 77777 "$NUMPROC" torn 0
	luid_is EINVAL limit 77777 "$NUMPROC" 0 9223372036854775808
	luid_is EINVAL limit 77777 "$NUMPROC" 9223372036854775808 "$MAX"
	luid_is EINVAL limit 77777 "$NUMPROC" 2 1
	# ... which makes nothing
	luid_is ENOENT limit 77777 "$NUMPROC" 1 1
	luid_is ENOENT limit 4294967295 "$NUMPROC" 1 1
	refute [ -e "$ROOT/77777" ]
	luid_is EOPNOTSUPP limit 0 "$NUMPROC" 1 1
	assert_equal "$(attr task_limit)" max
}

@test "a limit of physpages that cannot be reached is told" {
	hold_start p "$C"
	tells p anon a 1000
	tells p touch a
	tells p lock a
	luid_is EBUSY limit "$(attr id)" "$PHYSPAGES" 100 100
	assert_equal "$(attr rss_limit)" max
}

@test "get_bcstat tells what beancounters does" {
	local id name nr row

	id=$(attr id)
	set_attr beancounters 'numproc 4 5'
	set_attr beancounters 'physpages 3000 4000'
	hold_start p "$C"
	tells p threads 2
	assert_equal "$(tell p forks 9)" '2 EAGAIN'
	tells p anon a 100
	tells p touch a
	drain_batches
	for nr in "$NUMPROC" "$PHYSPAGES"; do
		[ "$nr" = "$NUMPROC" ] && name=numproc || name=physpages
		row=$(awk -v name="$name" '$1 == name {print $5, $6, $2, $3, $4, $7}' \
			"$C/beancounters")
		luid_is "$row" stat "$id" "$nr"
		# anybody may ask
		luid_is "$row" uid=1000 stat "$id" "$nr"
	done
	luid_is '4 5 5 5 0 1' stat "$id" "$NUMPROC"
}

@test "get_bcstat looks at its arguments one after the other" {
	local id

	id=$(attr id)
	luid_is EINVAL stat 77777 24
	luid_is EINVAL stat 77777 18446744073709551615
	luid_is EINVAL stat 77777 4
	luid_is EOPNOTSUPP stat 77777 8
	luid_is ENOENT stat 77777 null:"$NUMPROC"
	luid_is EFAULT stat "$id" null:"$NUMPROC"
	luid_is "$MAX $MAX 0 0 0 0" stat "$id" "$NUMPROC"
	# nobody counts what is in no container
	luid_is "$MAX $MAX 0 0 0 0" stat 0 "$PHYSPAGES"
}

@test "the numbers around them are nobody's" {
	local n

	for n in 463 499 503 504 510; do
		luid_is ENOSYS number $n
	done
	# nor have x32 programs any of them
	for n in 500 501 502 511; do
		luid_is ENOSYS x32 $n
	done
	luid_is ok number 500
}

@test "a container whose name is a number has that id" {
	local name

	mkdir "$D"
	assert_equal "$(<"$D/id")" "$ID"
	rmdir "$D"
	for name in 007 0 99999999999 '7 ' +7 7x $'7\n'; do
		mkdir "$ROOT/$name"
		assert [ "$(<"$ROOT/$name/id")" -lt 20 ]
	done
}

@test "not if another has it" {
	local id

	id=$(attr id)
	run mkdir "$ROOT/$id"
	assert_failure
	assert_output --partial 'File exists'
	rmdir "$C"
	mkdir "$ROOT/$id"
	assert_equal "$(<"$ROOT/$id/id")" "$id"
	# and the lowest that is free is another then
	mkdir "$C"
	refute [ "$(attr id)" = "$id" ]
}

#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# ctnctl apply and save on the real tree: containers that come back, limits below what
# is used, owners, named files. What they make of odd configurations is tested
# without a kernel, in tools/ctnctl/tests/.
#
# vm: --mem 512M --smp 2 --disk 256M --swap 128M
# kernels: base

bats_require_minimum_version 1.5.0
load common

setup_file() { common_setup_file; }

# who have no names here
ALICE=61234 BOB=61235

setup() {
	common_setup
	CTN=${CTNCTL:-$BATS_TEST_DIRNAME/../../build/ctnctl/ctnctl}
	N=${C##*/}
	D=/mnt/disk/$BATS_TEST_NUMBER
	mkdir "$D"
	CONF=$D.conf
}

teardown() {
	common_teardown
	rm -rf "$D" "$CONF" "/dev/shm/$BATS_TEST_NUMBER"
}

# apply LINE...: a configuration of these.
apply() {
	printf '%s\n' "$@" >"$CONF"
	run --separate-stderr "$CTN" apply "$CONF"
}

# assert_applied LINE...: without a word on stderr.
assert_applied() {
	assert_equal "$stderr" ''
	assert_success
	assert_output "$(printf '%s\n' "$@")"
}

@test "a new container has no mode and no owner that is worth a word" {
	run "$CTN" save "$N"
	assert_success
	assert_equal "$(tail -n +2 <<<"$output")" "
[$N]
task_limit = max
page_limit = max
over_limit = reclaim
rss_limit = max
oom = task
kmemsize = max:max
lockedpages = max:max
privvmpages = max:max
shmpages = max:max
numproc = max:max
physpages = max:max
numtcpsock = max:max
numflock = max:max
numpty = max:max
numsiginfo = max:max
tcpsndbuf = max:max
tcprcvbuf = max:max
othersockbuf = max:max
dgramrcvbuf = max:max
numothersock = max:max
dcachesize = max:max
numfile = max:max
numiptent = max:max
owner = root:root"
}

@test "all comes back after it was removed" {
	"$CTN" create --page-limit 64M --task-limit 100 --over-limit deactivate "$N-a b]"
	"$CTN" create --rss-limit 48M --oom container $'new\nline\xff'
	"$CTN" set --defaults page_limit=1G task_limit=1000
	chown -R "$ALICE:$BOB" "$C-a b]"
	chown "$BOB" "$C"/{tasks,addtask}
	chmod 664 "$C/tasks"
	chmod 711 "$C"
	touch "$D"/{a,b} "$D/odd *"
	"$CTN" add-file "$N" "$D"/{a,b,odd*}

	run "$CTN" save --files
	assert_success
	cp <(echo "$output") "$CONF"
	run --separate-stderr "$CTN" apply --prune <("$CTN" save --files)
	assert_applied

	rmdir "$ROOT"/*/
	echo max >"$ROOT/default_page_limit"
	echo max >"$ROOT/default_task_limit"
	run --separate-stderr "$CTN" apply "$CONF"
	assert_equal "$stderr" ''
	assert_success
	assert_equal "$("$CTN" save --files)" "$(<"$CONF")"
	assert_equal "$(stat -c '%u:%g %a' "$C-a b]/shrink" "$C/tasks" "$C")" \
		"$ALICE:$BOB 200
$BOB:0 664
0:0 711"
	# not the default, which was another when it was made
	odd=$ROOT/$'new\nline\xff'
	assert_equal "$(attr num_files) $(attr page_limit "$odd") $(attr rss_limit "$odd")" \
		'3 max 12288'
	run --separate-stderr "$CTN" apply --prune "$CONF"
	assert_applied
}

@test "barriers and limits come back, and bind whom the container is given to" {
	echo 'numproc 30 32' >"$C/beancounters"
	echo 'physpages 32M 64M' >"$C/beancounters"
	echo 'numproc 100 max' >"$ROOT/default_beancounters"
	chown -R "$ALICE" "$C"
	run --separate-stderr "$CTN" apply <("$CTN" save)
	assert_applied
	"$CTN" save >"$CONF"
	assert_equal "$(grep -A1 numproc "$CONF")" 'numproc = 100:max
physpages = max:max
--
numproc = 30:32
physpages = 32M:64M'

	rmdir "$C"
	echo 'numproc max' >"$ROOT/default_beancounters"
	run --separate-stderr "$CTN" apply "$CONF"
	assert_equal "$stderr" ''
	assert_success
	assert_line "$N: numproc 30:32"
	refute_line --partial 'task_limit'
	assert_equal "$("$CTN" save)" "$(cat "$CONF")"
	assert_equal "$(attr task_limit) $(attr rss_limit)" '32 16384'
	run --separate-stderr "$CTN" apply "$CONF"
	assert_applied
	assert_equal "$(put_as "$ALICE" beancounters 'numproc 33')" EPERM
	assert_equal "$(put_as "$ALICE" task_limit 33)" EPERM
	echo 'numproc max' >"$ROOT/default_beancounters"
}

@test "so does what was bound with both the same" {
	echo 'numproc 32' >"$C/beancounters"
	chown -R "$ALICE" "$C"
	"$CTN" save "$N" >"$CONF"
	rmdir "$C"
	"$CTN" apply "$CONF"
	assert_equal "$(put_as "$ALICE" task_limit 33)" EPERM
	# what does not bind does not stop who may raise it
	apply "[$N]" 'numproc = max'
	assert_applied "$N: numproc 32:32 -> max:max"
	assert_equal "$(put_as "$ALICE" task_limit 33)" ok
}

@test "a resource that this kernel does not count is told, and the rest is applied" {
	apply "[$N]" 'oomguarpages = 21504:21504' 'numproc = 7' 'numfile = max'
	assert_equal "$stderr" "ctnctl: $CONF:2: oomguarpages: this kernel does not count that"
	assert_failure 1
	assert_output "$N: numproc max:max -> 7:7"
}

@test "a refusal of a resource is told with its line" {
	echo 'numproc 10' >"$C/beancounters"
	chown -R "$ALICE" "$C"
	printf '%s\n' "[$N]" 'numproc = 11' 'page_limit = 8M' >"$CONF"
	chmod 644 "$CONF"
	run --separate-stderr setpriv --reuid "$ALICE" --clear-groups "$CTN" apply "$CONF"
	assert_failure 1
	assert_output "$N: page_limit max -> 8M"
	assert_equal "$stderr" "ctnctl: $CONF:2: $C/beancounters: \"numproc 11 11\": Operation not permitted (it is bound to less, for whoever has not got CAP_SYS_RESOURCE)"
}

@test "a dry run tells what is done then" {
	touch "$D/file"
	printf '%s\n' "[$N]" 'page_limit = 4M' "owner.tasks = $ALICE" "file = $D/file" \
		"[$N-new]" 'rss_limit = 8M' "owner = $ALICE" >"$CONF"
	run --separate-stderr "$CTN" apply -n "$CONF"
	assert_success
	dry=$output
	assert [ ! -e "$C-new" ]
	assert_equal "$(attr page_limit) $(attr num_files)" 'max 0'
	run --separate-stderr "$CTN" apply "$CONF"
	assert_applied "$dry"
	assert_line "$N: page_limit max -> 4M"
	assert_line "$N: file $D/file"
	assert_line "$N-new: rss_limit 8M"
}

@test "a page limit below what is used is set, and trimmed to" {
	hold_start p "$C"
	tells p write "$D/file" 2000
	tells p sync "$D/file"
	apply "[$N]" 'page_limit = 2M' 'rss_limit = 1G'
	assert_applied "$N: page_limit max -> 2M" "$N: rss_limit max -> 1G"
	at_most() { [ "$(usage)" -le 512 ]; }
	wait_until 20 at_most
}

@test "an rss limit below what is used is trimmed to by swapping" {
	hold_start p "$C"
	tells p anon a 3000
	tells p touch a
	apply "[$N]" 'rss_limit = 4M'
	assert_applied "$N: rss_limit max -> 4M"
	assert [ "$(attr rss_usage)" -le 1024 ]
	tells p check a
}

@test "an rss limit that cannot be reached is refused, and the rest applied" {
	hold_start p "$C"
	tells p anon a 1000
	tells p touch a
	tells p lock a
	apply "[$N]" 'rss_limit = 1M' 'task_limit = 50' "[$N-b]" 'rss_limit = 1M'
	assert_failure 1
	assert_equal "$stderr" "ctnctl: $CONF:2: $C/rss_limit: \"1M\": Device or resource busy (no more of its memory can be freed now; the old limit stays)"
	assert_output "$N: task_limit max -> 50
$N-b: created
$N-b: rss_limit 1M"
	assert_equal "$(attr rss_limit) $(attr task_limit)" 'max 50'
}

@test "who is given a container, or some of its files, may do that and no more" {
	apply "[$N]" "owner = $ALICE" "[$N-b]" "owner.tasks = $BOB" "owner.addtask = $BOB"
	assert_applied "$N: owner root:root -> $ALICE:root" "$N-b: created" \
		"$N-b: owner.tasks root:root -> $BOB:root" \
		"$N-b: owner.addtask root:root -> $BOB:root"
	run as "$ALICE" put "$C/page_limit" <<<500
	assert_output ok
	run as "$BOB" put "$C/page_limit" <<<500
	assert_output 'open: EACCES'
	run as "$BOB" put "$C-b/page_limit" <<<500
	assert_output 'open: EACCES'
	run as "$BOB" bash -c "echo \$\$ >$C-b/addtask && cat $C-b/num_tasks"
	assert_output 1
	apply "[$N]" 'owner = root:root'
	assert_applied "$N: owner $ALICE:root -> root:root"
	run as "$ALICE" put "$C/page_limit" <<<500
	assert_output 'open: EACCES'
}

@test "a user applies what is theirs, and the rest is refused" {
	chown -R "$ALICE" "$C"
	touch "$D/mine" "$D/roots"
	chown "$ALICE" "$D/mine"
	chmod 755 "$D"
	printf '%s\n' "[$N]" 'page_limit = 8M' "file = $D/roots" "file = $D/mine" 'owner = root' \
		"[$N-b]" >"$CONF"
	chmod 644 "$CONF"
	cp "$CTN" "$BIN/ctnctl"
	run --separate-stderr as "$ALICE" "$BIN/ctnctl" apply "$CONF"
	assert_failure 1
	assert_output "$N: page_limit max -> 8M
$N: file $D/mine"
	assert_line_of_stderr() { assert_regex "$stderr" "$1"; }
	assert_line_of_stderr "$CONF:3: $D/roots: Operation not permitted \\(it is another user's file\\)"
	assert_line_of_stderr "$CONF:5: owner: Operation not permitted"
	assert_line_of_stderr "$CONF:6: $C-b: Permission denied"
}

@test "with the service's capabilities alone, all of it can be done" {
	touch "$D/mine"
	chown "$ALICE" "$D/mine"
	chmod 700 "$D"
	chown "$ALICE" "$D"
	chown -R "$ALICE" "$C"
	printf '%s\n' '[defaults]' 'page_limit = 1G' "[$N]" 'page_limit = 8M' \
		"file = $D/**" "owner = $BOB" 'mode.tasks = 0660' "[$N-b]" "owner = $ALICE" >"$CONF"
	caps=$(sed -n 's/^CapabilityBoundingSet=//p' \
		"$BATS_TEST_DIRNAME/../../tools/ctnctl/ctnctl-apply.service")
	set=-all
	for cap in $caps; do
		cap=${cap,,}
		set+=,+${cap#cap_}
	done
	run --separate-stderr setpriv --bounding-set "$set" --inh-caps -all --no-new-privs \
		"$CTN" apply "$CONF"
	assert_applied 'default_page_limit max -> 1G' "$N: page_limit max -> 8M" \
		"$N: owner $ALICE:root -> $BOB:root" "$N: mode.tasks 0644 -> 0660" \
		"$N-b: created" "$N-b: owner root:root -> $ALICE:root" "$N: file $D/mine"
}

@test "a tree is named, whoever had it, and only what is new the next time" {
	mkdir "$D/sub"
	hold <<<"write $D/one 100"
	hold <<<"write $D/sub/two 50"
	mkdir "$C-b"
	"$CTN" add-file "$N-b" "$D/one"
	apply "[$N]" "file = $D/**"
	assert_applied "$N: file $D/one" "$N: file $D/sub/two"
	assert_equal "$(attr num_files) $(attr num_file_pages) $(attr num_files "$C-b")" '2 150 0'
	apply "[$N]" "file = $D/**"
	assert_applied
	hold <<<"write $D/sub/three 10"
	apply "[$N]" "file = $D/**"
	assert_applied "$N: file $D/sub/three"
	assert_equal "$(attr num_file_pages)" 160
}

@test "a file that the kernel has forgotten is named again" {
	hold <<<"write $D/one 100"
	sync
	apply "[$N]" "file = $D/*"
	assert_applied "$N: file $D/one"
	forgotten() {
		echo 3 >/proc/sys/vm/drop_caches
		[ "$(attr num_files)" = 0 ]
	}
	wait_until 20 forgotten
	apply "[$N]" "file = $D/*"
	assert_applied "$N: file $D/one"
}

@test "a file on tmpfs is named once, also if the container has memory in it" {
	F=/dev/shm/$BATS_TEST_NUMBER
	hold_start p "$C"
	tells p write "$F" 50
	assert_equal "$(attr num_files)" 0
	run "$CTN" show -nro PATH --files "$N"
	assert_output "$F"
	apply "[$N]" "file = $F"
	assert_applied "$N: file $F"
	assert_equal "$(attr num_files)" 1
	apply "[$N]" "file = $F"
	assert_applied
	run "$CTN" save --files "$N"
	refute_line --regexp '^file ='
}

@test "a file on overlayfs is named once" {
	mkdir "$D"/{lower,upper,work,merged}
	echo low >"$D/lower/low"
	mount -t overlay -o "lowerdir=$D/lower,upperdir=$D/upper,workdir=$D/work" overlay \
		"$D/merged"
	echo up >"$D/merged/up"
	apply "[$N]" "file = $D/merged/*"
	printed=$output
	run --separate-stderr "$CTN" apply "$CONF"
	umount "$D/merged"
	assert_equal "$printed" "$N: file $D/merged/low
$N: file $D/merged/up"
	assert_applied
}

@test "--prune removes what is empty, and what has tasks if that is forced" {
	mkdir "$C-b" "$C-c"
	hold_start p "$C-c"
	printf '%s\n' "[$N]" >"$CONF"
	run --separate-stderr "$CTN" apply --prune "$CONF"
	assert_failure 1
	assert_output "$N-b: removed"
	assert_equal "$stderr" "ctnctl: $N-c: 1 thread is in it, and it stays; --force removes it"
	run --separate-stderr "$CTN" apply --prune --force "$CONF"
	assert_applied "$N-c: removed"
	assert [ -d "$C" ]
	tells p anon a 10
}

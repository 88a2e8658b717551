#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2154,SC1003,SC2016,SC2030,SC2031
#
# apply: containers as configuration files have them.

load helper

# config LINE...: a configuration, in $conf.
config() {
	conf=$BATS_TEST_TMPDIR/test.conf
	printf '%s\n' "$@" >"$conf"
}

# assert_applied LINE...: it was done without a word on stderr; these are the changes.
assert_applied() {
	assert_success
	assert_equal "$stderr" ''
	assert_output "$(printf '%s\n' "$@")"
}

# complaints LINE...: what is on stderr, and status 1.
assert_complaints() {
	assert_failure 1
	assert_equal "$stderr" "$(printf 'ctnctl: %s\n' "$@")"
}

values() {
	(cd "$tree/$1" && cat "${@:2}")
}

# dirs: three directories for configurations, the first hides the others.
dirs() {
	export CTN_APPLY_PATH=$BATS_TEST_TMPDIR/etc:$BATS_TEST_TMPDIR/run:$BATS_TEST_TMPDIR/lib
	mkdir etc run lib
}

@test "a container is made with what is written of it" {
	like_the_kernel
	config '[web]' 'page_limit = 64M' 'oom = container'
	run --separate-stderr apply "$conf"
	assert_applied 'web: created' 'web: oom container' 'web: page_limit 64M'
	run values web page_limit oom rss_limit
	assert_output 64Mcontainermax
}

@test "applied again, nothing is written and nothing is said" {
	like_the_kernel
	mkdir "$BATS_TEST_TMPDIR/data"
	touch "$BATS_TEST_TMPDIR/data/"{a,b}
	config '[defaults]' 'page_limit = 1G' '[web]' 'page_limit = 64M' \
		'task_limit = 10' 'over_limit = deactivate' 'rss_limit = max' \
		'oom = container' 'owner = 0:0' 'mode.tasks = 0664' \
		"file = $BATS_TEST_TMPDIR/data/**" '[db]'
	[ "$(id -u)" = 0 ] || sed -i "s/owner = .*/owner = $(id -u):$(id -g)/" "$conf"
	run --separate-stderr apply "$conf"
	assert_success
	chmod 444 "$tree"/*_limit "$tree"/*/*
	touch -d @1 "$tree"/*_limit "$tree"/*/* "$tree"/*
	run --separate-stderr apply "$conf"
	# but for what was made another just now
	assert_applied 'web: mode.tasks 0444 -> 0664'
	run find "$CTN_CONFIG/containers/" -mindepth 1 -newermt @2
	assert_output ''
}

@test "only what differs is written, with what it was before" {
	container web page_limit=16384 task_limit=10 rss_limit=max
	config '[web]' 'page_limit = 64M' 'task_limit = 20' 'rss_limit = 48M'
	run --separate-stderr apply "$conf"
	assert_applied 'web: task_limit 10 -> 20' 'web: rss_limit max -> 48M'
	run values web page_limit task_limit rss_limit
	assert_output $'16384\n2048M'
}

@test "a dry run prints the same, and changes nothing" {
	like_the_kernel
	container old page_limit=5
	: >"$BATS_TEST_TMPDIR/file"
	config '[defaults]' 'page_limit = 1G' '[web]' 'page_limit = 64M' 'oom = task' \
		'mode.tasks = 0660' "file = $BATS_TEST_TMPDIR/file" '[old]' \
		'page_limit = 2M' 'over_limit = never' '[gone]'
	find "$CTN_CONFIG" -type f -exec sha256sum {} + >before
	run --separate-stderr apply -n --prune "$conf"
	assert_failure 1
	dry=$output
	assert_output --partial 'old: page_limit 20K -> 2M'
	assert_equal "$stderr" "ctnctl: $conf:10: over_limit: \"never\": Invalid argument (want \"reclaim\" or \"deactivate\")"
	assert_equal "$(find "$CTN_CONFIG" -type f -exec sha256sum {} +)" "$(cat before)"
	sed -i 's/never/reclaim/' "$conf"
	run --separate-stderr apply --prune "$conf"
	assert_applied "$dry"
	run --separate-stderr apply --dry-run --prune "$conf"
	assert_applied
}

@test "values are taken as set takes them, and sizes as options do" {
	container web page_limit=1
	for value in 64M 64m 64MiB 16384 16384p 65536K 0016384; do
		echo 1 >"$tree/web/page_limit"
		config '[web]' "page_limit = $value"
		run --separate-stderr apply "$conf"
		assert_applied 'web: page_limit 4K -> 64M'
		run --separate-stderr apply "$conf"
		assert_applied
	done
	config '[web]' 'page_limit = max'
	run --separate-stderr apply "$conf"
	assert_applied 'web: page_limit 64M -> max'
	for value in 64Q 1K -1 '' 64M#x '64M 5' 99999999999999T; do
		config '[web]' "page_limit = $value"
		run --separate-stderr apply "$conf"
		assert_failure 1
		assert_output ''
		assert_equal "${#stderr_lines[@]}" 1
		assert_regex "$stderr" "^ctnctl: $conf:2: "
		assert_equal "$(values web page_limit)" max
	done
}

@test "what the kernel refuses is told with the line, and the rest is done" {
	container web
	picky "$tree/web/page_limit"
	container db
	config '[web]' 'task_limit = 5' 'page_limit = 12T' 'oom = container' '[db]' 'task_limit = 7'
	# it says 0 and takes no unit
	run --separate-stderr apply "$conf"
	assert_complaints "$conf:3: $tree/web/page_limit: \"12T\": Invalid argument (want pages, a size such as 64M, or \"max\")"
	assert_output $'web: oom task -> container\nweb: task_limit max -> 5\ndb: task_limit max -> 7'
}

@test "a line that cannot be understood does not stop the rest" {
	container web
	config 'page_limit = 1' 'nonsense' '[web]' 'page_limit' '= 5' 'page_limit =' \
		'page_limt = 5' 'tasks = 1' 'addfile = /x' 'num_tasks = 5' 'x/y = 1' '.. = 1' \
		'page_limit = 64M' '[web' 'page_limit = 1' '[]' '[a]b]' '[.]' '[a/b]' \
		'[a\400]' '[a\x]' '[web] # x' '[web]' 'task_limit = 7' 'owner. = 1'
	run --separate-stderr apply "$conf"
	assert_failure 1
	assert_output $'web: page_limit max -> 64M\nweb: task_limit max -> 7'
	mapfile -t lines <<<"$stderr"
	for line in "${lines[@]}"; do
		assert_regex "$line" "^ctnctl: $conf:[0-9]+: "
	done
	assert_equal "$(sed -E 's/^[^:]*: [^:]*:([0-9]+).*/\1/' <<<"$stderr" | sort -n | xargs)" \
		'1 2 4 5 6 7 8 9 10 11 12 14 16 17 18 19 20 21 22 25'
}

@test "a key that is nearly right is told" {
	container web
	config '[web]' 'page_limt = 5' 'ower = root' 'files = /x' 'over_limits = reclaim' \
		'nothing_like_it = 1' '[defaults]' 'page-limit = 5'
	run --separate-stderr apply "$conf"
	assert_complaints "$conf:8: page-limit: no such attribute; did you mean page_limit?" \
		"$conf:2: page_limt: no such attribute; did you mean page_limit?" \
		"$conf:3: ower: no such attribute; did you mean owner?" \
		"$conf:4: files: no such attribute; did you mean file?" \
		"$conf:5: over_limits: no such attribute; did you mean over_limit?" \
		"$conf:6: nothing_like_it: no such attribute"
}

@test "what an attribute says that ctnctl has never heard of is set" {
	container web shiny=no
	config '[web]' 'shiny = very much = so'
	run --separate-stderr apply "$conf"
	assert_applied 'web: shiny no -> very\x20much\x20=\x20so'
	assert_equal "$(values web shiny)" 'very much = so'
}

@test "the defaults are set first, by either of their names" {
	like_the_kernel
	container defaults
	config '[web]' '[defaults]' 'page_limit = 1G' 'default_task_limit = 100' \
		'[\144efaults]' 'task_limit = 3'
	run --separate-stderr apply "$conf"
	assert_applied 'default_page_limit max -> 1G' 'default_task_limit max -> 100' \
		'web: created' 'defaults: task_limit max -> 3'
	config '[defaults]' 'owner = root' 'file = /x' 'rss_limit = 5M' 'description = x'
	run --separate-stderr apply "$conf"
	assert_failure 1
	assert_equal "${#stderr_lines[@]}" 4
	config '[defaults]' 'page_limit = 2G' 'default_page_limit = 3G'
	run --separate-stderr apply "$conf"
	assert_complaints "$conf:3: page_limit: it is in line 2 already"
	assert_output 'default_page_limit 1G -> 2G'
}

@test "over_limit and oom are set before the limits" {
	container web
	config '[web]' 'page_limit = 64M' 'over_limit = deactivate'
	run --separate-stderr apply "$conf"
	assert_applied 'web: over_limit reclaim -> deactivate' 'web: page_limit max -> 64M'
}

@test "a section may be continued, but a key is given once in a file" {
	container web
	config '[web]' 'page_limit = 1M' '[db]' '[web]' 'task_limit = 5' 'page_limit = 2M'
	like_the_kernel
	run --separate-stderr apply "$conf"
	assert_complaints "$conf:6: page_limit: it is in line 2 already"
	assert_output $'web: page_limit max -> 1M\nweb: task_limit max -> 5\ndb: created'
}

@test "of several files a later one goes before" {
	container web
	config '[web]' 'page_limit = 1M' 'task_limit = 5'
	run --separate-stderr apply "$conf" - <<<$'[web]\npage_limit = 2M'
	assert_applied 'web: page_limit max -> 2M' 'web: task_limit max -> 5'
}

@test "names can be any bytes" {
	like_the_kernel
	names=('my web' 'a]b' '[' '#x' ';' '\' $'new\nline' $'\377' ' ' 'ünï' 'a=b' 'a"b' ']')
	for name in "${names[@]}"; do
		container "$name" page_limit=5
	done
	with_kernel "$CTNCTL" save >saved
	with_kernel "$CTNCTL" delete "${names[@]}"
	run --separate-stderr apply saved
	assert_success
	for name in "${names[@]}"; do
		assert_equal "$(cat "$tree/$name/page_limit")" 20K
	done
	assert_equal "$(with_kernel "$CTNCTL" save)" "$(cat saved)"
	# all escapes that there are, white space around it
	config ' [	my\x20\167eb ] ' 'page_limit=1M' '[a\\b]'
	run --separate-stderr apply "$conf"
	assert_applied 'my\x20web: page_limit 20K -> 1M' 'a\x5cb: created'
}

@test "comments, white space, CRLF, a byte order mark and no newline at the end" {
	container web
	printf '\xef\xbb\xbf# c\r\n\r\n  ; d\r\n\t[web]\t\r\n page_limit\t=  1M \r\ntask_limit=5' >file
	run --separate-stderr apply file
	assert_applied 'web: page_limit max -> 1M' 'web: task_limit max -> 5'
	: >file
	run --separate-stderr apply file
	assert_applied
}

@test "null bytes and lines that are too long are told, and lose no more than a section" {
	container web
	container db
	{
		printf '[web]\npage_limit = 1M\ntask_limit = \0005\n'
		printf 'oom = %040000d\nrss_limit = 2M\n' 0
		printf '[\0db]\npage_limit = 3M\n[web]\nover_limit = deactivate\n'
	} >file
	run --separate-stderr apply --prune file
	assert_complaints 'file:3: there is a null byte in it' \
		'file:4: the line is too long' 'file:6: there is a null byte in it' \
		'nothing is removed: a file, or a part of it, could not be read'
	assert_output "$(printf '%s\n' 'web: over_limit reclaim -> deactivate' \
		'web: page_limit max -> 1M' 'web: rss_limit max -> 2M')"
	run --separate-stderr timeout 10 env LD_PRELOAD="$KERNEL" "$CTNCTL" apply /dev/zero
	assert_complaints '/dev/zero:1: the line has no end; what comes after it is not read'
}

@test "a stream is read once, from standard input too" {
	container web page_limit=7
	run --separate-stderr bash -c '"$CTNCTL" apply <(echo [web]; sleep 0.1; echo page_limit = 8)'
	assert_applied 'web: page_limit 28K -> 32K'
	run --separate-stderr bash -c 'printf "[web]\npage_limit = 9\nnope" | "$CTNCTL" apply -'
	assert_complaints '<stdin>:3: want [NAME] or KEY = VALUE'
	assert_output 'web: page_limit 32K -> 36K'
}

@test "a file that cannot be read is told, and the others are applied" {
	container web
	config '[web]' 'page_limit = 1M'
	run --separate-stderr apply /nonexistent "$BATS_TEST_TMPDIR" "$conf"
	assert_complaints '/nonexistent: No such file or directory' \
		"$BATS_TEST_TMPDIR: Is a directory"
	assert_output 'web: page_limit max -> 1M'
}

@test "without a file those of the directories are read, sorted by name" {
	container web
	dirs
	printf '[web]\npage_limit = 1M\ntask_limit = 1\n' >etc/20-a.conf
	printf '[web]\npage_limit = 2M\n' >lib/30-b.conf
	printf '[web]\npage_limit = 3M\noom = container\n' >run/10-c.conf
	printf 'nonsense\n' | tee etc/x.conf~ etc/.x.conf etc/conf etc/.conf etc/x.confx >lib/x
	run --separate-stderr apply
	assert_applied 'web: oom task -> container' 'web: page_limit max -> 2M' \
		'web: task_limit max -> 1'
}

@test "a file of the same name hides that of the later directories" {
	container web
	dirs
	printf '[web]\npage_limit = 1M\n' >etc/50.conf
	printf '[web]\npage_limit = 2M\ntask_limit = 2\n' >run/50.conf
	printf '[web]\npage_limit = 3M\noom = container\n' >lib/50.conf
	printf '[web]\ntask_limit = 4\n' >run/40.conf
	printf '[web]\ntask_limit = 5\n' >lib/40.conf
	run --separate-stderr apply
	assert_applied 'web: task_limit max -> 4' 'web: page_limit max -> 1M'
}

@test "a link to /dev/null, or an empty file, hides one" {
	container web
	dirs
	ln -s /dev/null etc/50.conf
	: >run/60.conf
	printf '[web]\npage_limit = 3M\n' | tee lib/50.conf >lib/60.conf
	run --separate-stderr apply
	assert_applied
}

@test "what is there and cannot be read hides as well, and is told" {
	container web
	dirs
	ln -s nowhere etc/50.conf
	mkfifo etc/60.conf
	mkdir etc/70.conf
	printf '[web]\npage_limit = 3M\n' | tee lib/{5,6,7}0.conf >lib/80.conf
	run --separate-stderr timeout 10 env LD_PRELOAD="$KERNEL" "$CTNCTL" apply
	assert_complaints "$PWD/etc/50.conf: No such file or directory" \
		"$PWD/etc/60.conf: it is no regular file" \
		"$PWD/etc/70.conf: it is no regular file"
	assert_output 'web: page_limit max -> 3M'
}

@test "where there is no file, or no directory for them, there is nothing to do" {
	container web
	export CTN_APPLY_PATH=$BATS_TEST_TMPDIR/nowhere:$BATS_TEST_TMPDIR
	run --separate-stderr apply
	assert_applied
}

# Files

need_root() {
	[ "$(id -u)" = 0 ] || skip 'needs root'
}

# data: some files, in $data.
data() {
	data=$BATS_TEST_TMPDIR/data
	mkdir -p "$data/sub/deep"
	touch "$data"/{a,b,c} "$data/sub/"{d,e} "$data/sub/deep/f"
	ln -s a "$data/link"
	ln -s sub "$data/linked"
	mkfifo "$data/pipe"
}

owned() {
	cut -d ' ' -f 4 "$tree/web/mappings"
}

@test "a file is named by its path, a link too" {
	like_the_kernel
	data
	ln -s link "$data/link2"
	config '[web]' "file = $data/sub/d" "file = $data/link2"
	run --separate-stderr apply "$conf"
	assert_applied 'web: created' "web: file $data/sub/d" "web: file $data/link2"
	run owned
	assert_output "$data/sub/d"$'\n'"$data/a"
	run --separate-stderr apply "$conf"
	assert_applied
}

@test "a pattern takes regular files, and no links" {
	like_the_kernel
	data
	config '[web]' "file = $data/[a-b]" "file = $data/*/?" "file = $data/li*"
	run --separate-stderr apply "$conf"
	assert_success
	assert_output "$(printf '%s\n' 'web: created' "web: file $data/"{a,b,sub/d,sub/e})"
	assert_equal "$stderr" "ctnctl: $conf:4: $data/li*: there is no such file yet"
	run owned
	assert_output "$(printf '%s\n' "$data/"{a,b,sub/d,sub/e})"
}

@test "a tree takes all that is in it, and a pattern of trees too" {
	like_the_kernel
	data
	config '[web]' "file = $data/**"
	run --separate-stderr apply "$conf"
	assert_applied 'web: created' "web: file $data/"{a,b,c,sub/d,sub/deep/f,sub/e}
	config '[web]' "file = $data/s*/**"
	run --separate-stderr apply "$conf"
	assert_applied
	with_kernel "$CTNCTL" delete web
	run --separate-stderr apply "$conf"
	assert_applied 'web: created' "web: file $data/sub/"{d,deep/f,e}
}

@test "links before what is special are followed" {
	like_the_kernel
	data
	config '[web]' "file = $data/linked/?" "file = $data/linked/deep/**"
	run --separate-stderr apply "$conf"
	assert_applied 'web: created' "web: file $data/sub/"{d,e,deep/f}
	config '[web]' "file = $data/linked/**"
	run --separate-stderr apply "$conf"
	assert_applied
}

@test "a user's link is followed to what is that user's, and to nothing else" {
	need_root
	like_the_kernel
	data
	home=$BATS_TEST_TMPDIR/home
	mkdir -p "$home/own/deep" "$home/far"
	touch "$home/own/mine" "$home/own/deep/too"
	ln -s "$data/a" "$home/stolen"
	ln -s "$data/sub" "$home/dir"
	ln -s ../dir "$home/far/dir"
	ln -s own/mine "$home/mine"
	ln -s own "$home/all"
	ln -s loop "$home/loop"
	chown -hR 1000:1000 "$home"
	# ours, to a user's link: it is that which counts
	ln -s home/stolen "$BATS_TEST_TMPDIR/through"
	config '[web]' "file = $home/stolen" "file = $home/dir/d" "file = $home/dir/**" \
		"file = $home/dir/?" "file = $home/far/dir/**" "file = $BATS_TEST_TMPDIR/through" \
		"file = $home/loop" "file = $home/loop/**" "file = $home/lo*" "file = $home/lo*/**" \
		"file = $home/mine" "file = $home/all/**"
	run --separate-stderr apply "$conf"
	local no="it leads by a user's symbolic link to what is not that user's"
	assert_complaints "$conf:2: $home/stolen: $no" "$conf:3: $home/dir/d: $no" \
		"$conf:4: $home/dir: $no" "$conf:5: $home/dir: $no" \
		"$conf:6: $home/far/dir: $no" "$conf:7: $BATS_TEST_TMPDIR/through: $no" \
		"$conf:8: $home/loop: Too many levels of symbolic links" \
		"$conf:9: $home/loop: Too many levels of symbolic links" \
		"$conf:10: $home/lo*: there is no such file yet" \
		"$conf:11: $home/lo*/**: there is no such file yet"
	assert_output "$(printf '%s\n' 'web: created' "web: file $home/own/"{deep/too,mine})"
	run owned
	assert_output "$(printf '%s\n' "$home/own/"{deep/too,mine})"
}

@test "a hard link that a user may have made is left out" {
	need_root
	like_the_kernel
	data
	home=$BATS_TEST_TMPDIR/home
	mkdir -p "$home/deep" "$home/roots"
	ln "$data/a" "$home/stolen"
	ln "$data/b" "$home/deep/stolen"
	# a file that is theirs, with two names; one that is not, with one; and in a directory
	# of root's in theirs, where they cannot make one
	touch "$home/mine" "$home/given"
	ln "$home/mine" "$home/deep/mine"
	ln "$data/c" "$home/roots/c"
	chown 1000:1000 "$home" "$home/deep" "$home/mine"
	config '[web]' "file = $home/**" "file = $home/st*" "file = $home/stolen" "file = $home/deep/s*"
	for dry in -n ''; do
		run --separate-stderr apply $dry "$conf"
		local left="left out, which a user may have linked there from elsewhere:"
		assert_complaints "$conf:2: $home/**: 2 files are $left $home/deep/stolen, ..." \
			"$conf:3: $home/st*: 1 file is $left $home/stolen" \
			"$conf:4: $home/stolen: it has another name, and may be somebody else's file, linked there by a user" \
			"$conf:5: $home/deep/s*: 1 file is $left $home/deep/stolen"
		assert_output "$(printf '%s\n' 'web: created' "web: file $home/"{deep/mine,given,roots/c})"
	done
	# no fault, so that no user can make the service fail
	sed -i 4d "$conf"
	run --separate-stderr apply "$conf"
	assert_success
	# nor where others than the owner may write, whose files they are
	chown root "$home" "$home/deep"
	chmod 1777 "$home"
	config '[db]' "file = $home/stolen" "file = $home/given" "file = $home/deep/stolen"
	run --separate-stderr apply "$conf"
	assert_complaints "$conf:2: $home/stolen: it has another name, and may be somebody else's file, linked there by a user"
	assert_output "$(printf '%s\n' 'db: created' "db: file $home/"{given,deep/stolen})"
}

@test "all limits are set before any file is looked for" {
	like_the_kernel
	data
	config '[web]' "file = $data/**" '[db]' 'page_limit = 1M' 'mode = 0700' \
		"file = $data/nope"
	run --separate-stderr apply "$conf"
	assert_complaints "$conf:6: $data/nope: No such file or directory"
	assert_output "$(printf '%s\n' 'web: created' 'db: created' 'db: page_limit 1M' \
		'db: mode 0755 -> 0700' "web: file $data/"{a,b,c,sub/d,sub/deep/f,sub/e})"
}

@test "a file that several lines name is what the last one says" {
	like_the_kernel
	data
	config '[web]' "file = $data/**" '[db]' "file = $data/sub/**" '[web]' "file = $data/sub/d"
	run --separate-stderr apply "$conf"
	assert_success
	assert_output "$(printf '%s\n' 'web: created' 'db: created' \
		"web: file $data/"{a,b,c,sub/d} "db: file $data/sub/"{deep/f,e})"
	run --separate-stderr apply "$conf"
	assert_applied
}

@test "paths can have any bytes but in patterns they stand for themselves" {
	like_the_kernel
	data=$BATS_TEST_TMPDIR/odd
	mkdir "$data"
	(cd "$data" && touch '*' 'a b ' '[x]' '\' '#' $'new\nline' $'\377' '**' plain)
	config '[web]' "file = $data/\\052" "file = $data/a b\\x20" "file = $data/\\133x]" \
		"file = $data/\\\\" "file = $data/#" "file = $data/new\\012line" \
		"file = $data/\\377" "file = $data/\\052\\052"
	run --separate-stderr apply "$conf"
	assert_success
	assert_equal "$stderr" ''
	assert_equal "${#lines[@]}" 9
	run owned
	refute_line "$data/plain"
	assert_equal "${#lines[@]}" 8
	run --separate-stderr apply "$conf"
	assert_applied
	with_kernel "$CTNCTL" save --files >saved
	with_kernel "$CTNCTL" delete web
	run --separate-stderr apply saved
	assert_success
	run owned
	refute_line "$data/plain"
	assert_equal "${#lines[@]}" 8
}

@test "files that cannot be named are told with their lines" {
	container web
	data
	touch "$data/g.others"
	config '[web]' 'file = relative' "file = $data/nope" "file = $data" "file = $data/pipe" \
		"file = $data/nope/*" "file = $data/nope/**" "file = $data/a/**" \
		"file = $data/\\q" "file = $data/g.others" "file = $data/b"
	run --separate-stderr apply "$conf"
	assert_complaints "$conf:2: want an absolute path" \
		"$conf:3: $data/nope: No such file or directory" \
		"$conf:4: $data: it is no regular file; for all in it, write /** after it" \
		"$conf:5: $data/pipe: it is no regular file" \
		"$conf:6: $data/nope: No such file or directory" \
		"$conf:7: $data/nope: No such file or directory" \
		"$conf:8: $data/a: Not a directory" \
		"$conf:9: want \\ooo, \\xhh or \\\\ for a byte" \
		"$conf:10: $data/g.others: Operation not permitted (it is another user's file)"
	assert_output "web: file $data/b"
}

# Owners and modes

# look NAME FILE...
look() {
	(cd "$tree/$1" && stat -c '%n %U:%G %a' "${@:2}")
}

@test "an owner gets the directory and all files" {
	need_root
	like_the_kernel
	config '[web]' 'owner = nobody'
	run --separate-stderr apply "$conf"
	assert_applied 'web: created' 'web: owner root:root -> nobody:root'
	run find "$tree/web" ! -user nobody
	assert_output ''
	run find "$tree/web" ! -group root
	assert_output ''
	chown root "$tree/web/tasks"
	run --separate-stderr apply "$conf"
	assert_applied 'web: owner root:root -> nobody:root'
	run find "$tree/web" ! -user nobody
	assert_output ''
}

@test "a file can have an owner and a mode of its own" {
	need_root
	like_the_kernel
	config '[web]' 'mode.tasks = 0664' 'owner.tasks = nobody:daemon' 'owner.addtask = daemon' \
		'mode = 0711' '[db]' 'owner = daemon:' 'owner.oom = :bin' 'owner.tasks = 7:8'
	run --separate-stderr apply -n "$conf"
	dry=$output
	run --separate-stderr apply "$conf"
	assert_success
	assert_equal "$stderr" ''
	assert_line 'web: owner.tasks root:root -> nobody:daemon'
	assert_line 'web: mode 0755 -> 0711'
	assert_line 'db: owner.oom root:root -> root:bin'
	assert_output "$dry"
	run look web tasks addtask page_limit .
	assert_output $'tasks nobody:daemon 664\naddtask daemon:root 200\npage_limit root:root 644\n. root:root 711'
	run look db oom tasks page_limit .
	assert_output "$(printf '%s\n' 'oom root:bin 644' "tasks $(id -nu 7):$(getent group 8 | cut -d: -f1) 644" \
		'page_limit daemon:daemon 644' '. daemon:daemon 755')"
	run --separate-stderr apply "$conf"
	assert_applied
}

@test "owners and modes that there are not are told" {
	container web
	config '[web]' 'owner = nobody-of-this-name' 'owner.tasks = :no-such-group' \
		'owner.id = :' 'owner.nope = 0' 'owner.oom = 4294967295' 'owner.stat = -1' \
		'mode = rwx' 'mode.id = 10000' 'mode.oom = 8' 'mode.nope = 0644' \
		'owner.../default_page_limit = 1' 'mode.../default_page_limit = 777' \
		'owner.. = 1' 'mode... = 777'
	run --separate-stderr apply "$conf"
	assert_complaints "$conf:2: owner: \"nobody-of-this-name\": there is no such user" \
		"$conf:3: owner.tasks: \":no-such-group\": there is no such group" \
		"$conf:4: owner.id: \":\": want a group after the colon" \
		"$conf:5: owner.nope: no such attribute" \
		"$conf:6: owner.oom: \"4294967295\": there is no such user" \
		"$conf:7: owner.stat: \"-1\": there is no such user" \
		"$conf:12: owner.../default_page_limit: no such attribute" \
		"$conf:14: owner..: no such attribute" \
		"$conf:8: mode: \"rwx\": want an octal number such as 0640" \
		"$conf:9: mode.id: \"10000\": want an octal number such as 0640" \
		"$conf:10: mode.oom: \"8\": want an octal number such as 0640" \
		"$conf:11: mode.nope: no such attribute" \
		"$conf:13: mode.../default_page_limit: no such attribute" \
		"$conf:15: mode...: no such attribute"
	assert_output ''
}

# Pruning

@test "--prune removes the containers that no file tells of" {
	like_the_kernel
	container web
	container old
	container older
	config '[web]'
	run --separate-stderr apply "$conf"
	assert_applied
	run --separate-stderr apply --prune "$conf"
	assert_applied 'old: removed' 'older: removed'
	assert [ -d "$tree/web" ]
	assert [ ! -e "$tree/old" ]
}

@test "--prune lets those with tasks stay, unless it is forced" {
	like_the_kernel
	container web num_tasks=5
	container old num_tasks=1
	container older num_tasks=2
	config '[web]'
	run --separate-stderr apply --prune "$conf"
	assert_complaints 'old: 1 thread is in it, and it stays; --force removes it' \
		'older: 2 threads are in it, and it stays; --force removes it'
	assert_output ''
	run --separate-stderr apply --prune --force "$conf"
	assert_applied 'old: removed' 'older: removed'
	assert [ -d "$tree/web" ]
	run ctnctl apply --force "$conf"
	assert_wrong_usage
}

@test "--prune removes nothing if a file, or a heading, could not be read" {
	like_the_kernel
	container web
	container old
	config '[web]' 'nonsense'
	run --separate-stderr apply --prune "$conf" /nonexistent
	assert_failure 1
	assert_output ''
	assert_regex "$stderr" $'\nctnctl: nothing is removed: a file, or a part of it, could not be read$'
	config '[web]' '[old'
	run --separate-stderr apply --prune "$conf"
	assert_failure 1
	assert_output ''
	# a key tells of no container
	config '[web]' 'nonsense'
	run --separate-stderr apply --prune "$conf"
	assert_failure 1
	assert_output 'old: removed'
}

@test "--prune does not remove all for want of a configuration" {
	like_the_kernel
	container web
	for file in /dev/null <(true) <(echo '[defaults]'); do
		run --separate-stderr apply --prune "$file"
		assert_complaints 'nothing is removed: no file tells of a container'
	done
	dirs
	run --separate-stderr apply --prune
	assert_complaints 'nothing is removed: no file tells of a container'
	assert [ -d "$tree/web" ]
}

@test "a container that cannot be made is refused, and the others are made" {
	like_the_kernel
	: >"$tree/file"
	config "[$(printf '%0256d' 0)]" 'page_limit = 1M' '[file]' 'page_limit = 1M' '[web]'
	run --separate-stderr apply "$conf"
	assert_complaints "$conf:1: $tree: \"$(printf '%0256d' 0)\": File name too long (want at most 255 bytes)" \
		"$conf:3: $tree/file: Not a container"
	assert_output 'web: created'
}

@test "a signal stops it, and the old limit stays" {
	container web num_file_pages=1000
	container db
	slow web
	echo 1 >"$tree/web/step"
	config '[web]' 'rss_limit = 1M' 'task_limit = 5' '[db]' 'task_limit = 5'
	background LD_PRELOAD="$KERNEL" ctnctl apply "$conf"
	wait_until test -e "$tree/web/writes"
	kill -INT "$pid"
	join
	assert_equal "$status" 130
	assert_output ''
	assert_equal "$stderr" "ctnctl: $conf:2: $tree/web/rss_limit: \"1M\": Interrupted system call (the old limit stays)"
	assert_equal "$(cat "$tree"/*/task_limit)" $'max\nmax'
}

# What is around it

@test "the configuration of the manual is taken as it is printed there" {
	need_root
	like_the_kernel
	export MANWIDTH=200
	man -E UTF-8 -l "$CTNCTL_SOURCE/ctnctl.conf.5" | col -bx |
		sed -n '/^ *# the database/,/^ *file/p; /^ *\[alice\]/,/addtask/p; /^ *\[shared\]/,/file/p' |
		sed -E "s/= (postgres:postgres|alice|bob)$/= nobody/
			s,= /var,= $BATS_TEST_TMPDIR/var," >manual.conf
	mkdir -p "$BATS_TEST_TMPDIR/var/lib/postgresql/15"
	touch "$BATS_TEST_TMPDIR/var/lib/postgresql/15/table"
	run --separate-stderr apply manual.conf
	assert_success
	assert_equal "$stderr" ''
	assert_line 'db: rss_limit 1G'
	assert_line "db: file $BATS_TEST_TMPDIR/var/lib/postgresql/15/table"
	assert_line --partial 'shared: file '
	assert_line --partial 'owner.addtask'
}

@test "the service has the path of the program, and systemd takes it" {
	make -s -C "$CTNCTL_SOURCE" BUILD="$BATS_TEST_TMPDIR/build" \
		PREFIX="$BATS_TEST_TMPDIR/usr" install
	unit=$BATS_TEST_TMPDIR/usr/lib/systemd/system/ctnctl-apply.service
	assert grep -qFx "ExecStart=$BATS_TEST_TMPDIR/usr/sbin/ctnctl apply" "$unit"
	assert grep -qFx "ExecReload=$BATS_TEST_TMPDIR/usr/sbin/ctnctl apply" "$unit"
	hash systemd-analyze || skip "there is no systemd here"
	run env SYSTEMD_OFFLINE=1 systemd-analyze verify --man=no "$unit"
	assert_success
	assert_output ''
}

@test "barrier and limit of a resource are written if they differ" {
	container web
	counts web '5 9'
	config '[web]' 'numproc = 30:32' 'physpages = 64M'
	run --separate-stderr apply "$conf"
	assert_applied 'web: numproc 5:9 -> 30:32' 'web: physpages max:max -> 64M:64M'
	assert_equal "$(sed 1d "$tree/web/beancounters")" 'numproc 3 7 0 30 32 2
physpages 100 200 1 16384 16384 0'
	touch -d @1 "$tree/web/beancounters"
	run --separate-stderr apply "$conf"
	assert_applied
	assert_equal "$(stat -c %Y "$tree/web/beancounters")" 1
	config '[web]' 'numproc = 9223372036854775807' 'physpages = 80p:64MiB'
	run --separate-stderr apply "$conf"
	assert_applied 'web: numproc 30:32 -> max:max' 'web: physpages 64M:64M -> 320K:64M'
	config '[web]' 'numproc = max' 'physpages = 327680:64M'
	sed -i 's/327680/80/' "$conf"
	run --separate-stderr apply "$conf"
	assert_applied
}

@test "so are those of the defaults, before any container is made" {
	like_the_kernel
	counts ''
	config '[web]' '[defaults]' 'numproc = 30:32' 'physpages = 1G'
	for dry in -n ''; do
		run --separate-stderr apply $dry "$conf"
		assert_applied 'numproc max:max -> 30:32' 'physpages max:max -> 1G:1G' 'web: created'
	done
	assert_equal "$(<"$tree/default_beancounters")" 'resource barrier limit
numproc 30 32
physpages 262144 262144'
	run --separate-stderr apply "$conf"
	assert_applied
}

@test "what binds is written to a new container, though it is so already" {
	like_the_kernel
	mkdir "$tree/x" && counts x '30 32' && mv "$tree/x/"* "$CTN_CONFIG/new" && rmdir "$tree/x"
	counts '' '30 32'
	config '[web]' 'numproc = 30:32' 'physpages = max:max'
	for dry in -n ''; do
		run --separate-stderr apply $dry "$conf"
		assert_applied 'web: created' 'web: numproc 30:32'
	done
	assert_equal "$(sed -n 2p "$tree/web/beancounters")" 'numproc 3 7 0 30 32 2'
	assert_equal "$(sed -n 3p "$tree/web/beancounters")" 'physpages 100 200 1 max max 0'
}

@test "a limit that a resource sets, too, is written with it" {
	container web
	counts web
	config '[web]' 'task_limit = 32' 'numproc = 30:32' 'rss_limit = 64M' 'physpages = 64M'
	for dry in -n ''; do
		run --separate-stderr apply $dry "$conf"
		assert_applied 'web: numproc max:max -> 30:32' 'web: physpages max:max -> 64M:64M'
	done
	run --separate-stderr apply "$conf"
	assert_applied
	assert_equal "$(<"$tree/web/task_limit") $(<"$tree/web/rss_limit")" '32 16384'
	# a kernel that does not count it has the limit all the same
	container db
	sed -i 's/web/db/' "$conf"
	run --separate-stderr apply "$conf"
	assert_complaints "$conf:3: numproc: this kernel does not count that" \
		"$conf:5: physpages: this kernel does not count that"
	assert_output $'db: task_limit max -> 32\ndb: rss_limit max -> 64M'
}

@test "a limit that is asked to be two things is told" {
	container web
	counts web
	config '[web]' 'task_limit = 64' 'numproc = 30:32'
	run --separate-stderr apply "$conf"
	assert_complaints "$conf:3: numproc: \"30:32\": its limit is task_limit, which is \"64\" at $conf:2"
	assert_output 'web: task_limit max -> 64'
}

@test "a resource that is not counted, or nonsense, is told and does not stop the rest" {
	like_the_kernel
	container web
	counts web
	config '[web]' 'kmemsize = 11055923:11377049' 'numfile = max' 'numproc = x' 'numproc =' \
		'physpages = 2M:1M' 'beancounters = numproc 3' 'numprocs = 5' 'numproc: = 5' '[db]' \
		'physpages = 5' 'numproc = max:max' '[app]' 'numproc = reset' '[web]' 'page_limit = 8'
	for dry in -n ''; do
		run --separate-stderr apply $dry "$conf"
		assert_complaints "$conf:5: numproc: there is no value" \
			"$conf:2: kmemsize: this kernel does not count that" \
			"$conf:4: numproc: \"x\": want LIMIT or BARRIER:LIMIT, numbers or \"max\"" \
			"$conf:6: physpages: \"2M:1M\": the barrier is over the limit" \
			"$conf:7: beancounters: it is no setting; write RESOURCE = BARRIER:LIMIT" \
			"$conf:8: numprocs: no such attribute; did you mean numproc?" \
			"$conf:9: numproc:: no such attribute; did you mean numproc?" \
			"$conf:11: physpages: this kernel does not count that" \
			"$conf:14: numproc: \"reset\": it is no setting"
		assert_output $'web: page_limit max -> 32K\ndb: created\napp: created'
	done
}

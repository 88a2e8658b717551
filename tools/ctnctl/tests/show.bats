#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2016,SC2154
#
# show: attributes, tasks, files.

load helper

@test "show prints what each file says, and pages as sizes" {
	container web page_limit=$(((64 << 20) / pagesize))
	run ctnctl show -r web
	assert_success
	assert_line 'ATTRIBUTE VALUE SIZE'
	assert_line "page_limit $(((64 << 20) / pagesize)) 64M"
	assert_line 'over_limit reclaim -'
	assert_line 'num_anon_pages 0 0B'
	refute_line --regexp '^(tasks|mappings|addtask|addfile) '
}

@test "show prints the hard limit" {
	container web rss_usage=3 rss_limit=$(((64 << 20) / pagesize)) oom=container
	run ctnctl show -r web
	assert_success
	assert_line "rss_usage 3 $((3 * pagesize / 1024))K"
	assert_line "rss_limit $(((64 << 20) / pagesize)) 64M"
	assert_line 'rss_failcnt 0 -'
	assert_line 'oom container -'
	refute_line --regexp '^shrink'
}

@test "show leaves out what the kernel lacks" {
	old_container web
	run ctnctl show -r web
	assert_success
	refute_line --regexp '^(rss_|oom|stat|shrink)'
	assert_line --regexp '^page_limit '
}

@test "show prints attributes that ctnctl has never heard of" {
	container web colour=blue
	run ctnctl show -rno ATTRIBUTE,VALUE web
	assert_line 'colour blue'
}

@test "show prints only the attributes that are asked for" {
	container web page_limit=7
	run ctnctl show -no VALUE web page_limit over_limit
	assert_success
	assert_output $'7\nreclaim'
	run ctnctl show web nonsense
	assert_failure 1
	assert_output --partial "ctnctl: $tree/web/nonsense: No such attribute"
}

@test "show prints exact bytes" {
	container web page_limit=7
	run ctnctl show -rnbo SIZE web page_limit
	assert_output $((7 * pagesize))
}

@test "show in json is an object of the files, with numbers, strings and max" {
	container web page_limit=7 colour='a "b" \ c'
	json '[.name, .id, .page_limit, .task_limit, .rss_limit_bytes, .over_limit, .colour]' \
		show --json web
	assert_success
	assert_output '["web",1,7,"max","max","reclaim","a \"b\" \\ c"]'
	json .page_limit_bytes show --json web
	assert_output $((7 * pagesize))
	json . show --json web page_limit
	assert_output "{\"name\":\"web\",\"page_limit\":7,\"page_limit_bytes\":$((7 * pagesize))}"
	json 'keys' show --json --defaults task_limit
	assert_output '["default_task_limit"]'
	run ctnctl show --json -o VALUE web
	assert_wrong_usage
}

@test "show is sorted, too" {
	container web
	printf 'rounds 3\ndropped 20\nscanned 100\n' >"$tree/web/stat"
	run ctnctl show -rns web --sort -value
	assert_output $'scanned 100\ndropped 20\nrounds 3'
	printf '%s\n' '1 8:1 7 /b' '20 8:1 8 /a' '3 8:1 9 -' >"$tree/web/mappings"
	run ctnctl show -rnf web --sort -size -o inode
	assert_output $'8\n9\n7'
}

@test "what only looks like a number is a string in json" {
	container web a=007 b=99999999999999999999999 c=-1 d=1.5x e=
	json '[.a, .b, .c, .d, .e]' show --json web a b c d e
	assert_success
	assert_output '["007","99999999999999999999999","-1","1.5x",""]'
}

@test "a value of several lines has several lines" {
	container web
	printf 'one\ntwo\n' >"$tree/web/stat"
	run ctnctl show -no VALUE web stat
	assert_output $'one\ntwo'
	run ctnctl show -rno VALUE web stat
	assert_output 'one\x0atwo'
	json .stat show --json web stat
	assert_output '"one\ntwo"'
}

@test "show refuses a container that is not there" {
	run ctnctl show web
	assert_refused "$tree/web: No such container"
}

@test "defaults takes the names that set --defaults takes" {
	echo 77 >"$tree/default_task_limit"
	for name in task_limit default_task_limit; do
		run ctnctl show -rno ATTRIBUTE,VALUE --defaults "$name"
		assert_output 'default_task_limit 77'
		run ctnctl set --defaults "$name=78"
		assert_success
		assert_equal "$(<"$tree/default_task_limit")" 78
		echo 77 >"$tree/default_task_limit"
	done
	run ctnctl show --defaults nope
	assert_refused "$tree/default_nope: No such attribute"
}

@test "defaults shows the tree itself" {
	run ctnctl show -rno ATTRIBUTE,VALUE --defaults default_page_limit
	assert_output 'default_page_limit max'
	run ctnctl show --defaults
	assert_success
	assert_line --partial 'a tree of files'
}

@test "tasks shows each thread with its process and name" {
	container web
	echo $$ >"$tree/web/tasks"
	run ctnctl show -rn --tasks web
	assert_success
	assert_output "$$ $$ $(id -un) $(ps -o state= $$) $(</proc/$$/comm)"
}

@test "newlines in the name of a thread are shown" {
	container web
	perl -e '$0 = "ab\ncd\n"; sleep 100' 3>&- &
	pid=$!
	echo "$pid" >"$tree/web/tasks"
	wait_until contains "/proc/$pid/comm" ab
	json '.tasks[].command' show --json --tasks web
	assert_output '"ab\ncd\n"'
	run ctnctl show -rno COMMAND --tasks web
	assert_output 'ab\x0acd\x0a'
}

@test "a thread that has gone is listed without a name" {
	container web
	echo 2147483647 >"$tree/web/tasks"
	json '.tasks' show --json --tasks web
	assert_output '[{"tid":2147483647}]'
}

@test "no tasks and no files are empty arrays in json" {
	container web
	json .tasks show --json --tasks web
	assert_output '[]'
	json .files show --json --files web
	assert_output '[]'
}

@test "a list of tasks longer than a page is read whole" {
	container web
	seq 1000000 1009999 >"$tree/web/tasks"
	json '.tasks | length' show --json -o TID --tasks web
	assert_output 10000
}

@test "tasks that are no numbers are refused" {
	container web
	printf '1\nx\n2\n' >"$tree/web/tasks"
	run ctnctl show -n --tasks web
	assert_refused "$tree/web/tasks: \"x\": Not what is expected of this file"
}

# mapping FILE: the line that a kernel has for it, and the path without
# escapes in $fspath.
mapping() {
	local device root target
	read -r device target < <(findmnt -rno MAJ:MIN,TARGET -T "$1")
	root=$(findmnt -rno FSROOT -T "$1")
	fspath=${root%/}/${1#"${target%/}/"}
	local escaped=${fspath//\\/\\134}
	escaped=${escaped// /\\040}
	escaped=${escaped//$'\n'/\\012}
	echo "3 $device $(stat -c %i "$1") $escaped"
}

@test "files shows the path that a file has here" {
	container web
	file=$BATS_TEST_TMPDIR/$'back\\slash and\nnewline'
	: >"$file"
	mapping "$file" >"$tree/web/mappings"
	json '.files[] | [.size_bytes, .path]' show --files --json web
	assert_success
	assert_output "[$((3 * pagesize)),$(jq -nc --arg f "$file" '$f')]"
}

@test "files shows device, inode and the path in the file system" {
	container web
	printf '%s\n' '12 259:3 77 /srv/a\040b' >"$tree/web/mappings"
	json .files[0] show --files --json -o PAGES,DEVICE,INODE,FSPATH web
	assert_output '{"pages":12,"device":"259:3","inode":77,"fspath":"/srv/a b"}'
}

@test "a file that has no name here is in brackets, and null in json" {
	container web
	echo '12 4095:3 77 /srv/file' >"$tree/web/mappings"
	run ctnctl show -no PATH --files web
	assert_output '[/srv/file]'
	json .files[0].path show --files --json web
	assert_output null
}

@test "a file that has no path at all is listed without one" {
	container web
	echo '12 259:3 77 -' >"$tree/web/mappings"
	run ctnctl show -rno INODE,PATH --files web
	assert_success
	assert_output '77 -'
	json '.files[0] | [.fspath, .path]' show --files --json -o FSPATH,PATH web
	assert_output '[null,null]'
}

@test "another file in the place of one is not taken for it" {
	container web
	: >"$BATS_TEST_TMPDIR/file"
	mapping "$BATS_TEST_TMPDIR/file" >"$BATS_TEST_TMPDIR/line"
	read -r pages device inode path <"$BATS_TEST_TMPDIR/line"
	echo "$pages $device $((inode + 1000000)) $path" >"$tree/web/mappings"
	run ctnctl show -no PATH --files web
	assert_output "[$fspath]" || assert_output "[$path]"
}

@test "mappings that cannot be understood are refused" {
	container web
	for line in nonsense '1 2:3 4' '1 2 3 /x' '1 2:3 x /y'; do
		echo "$line" >"$tree/web/mappings"
		run ctnctl show -n --files web
		assert_refused "$tree/web: Cannot understand its mappings"
	done
}

@test "stat shows a line for each number of the kernel" {
	container web
	# what has a file of its own is shown as such
	printf 'num_tasks 4\npage_limit max\nrounds 12\nnew_in_this_kernel 3\n' \
		>"$tree/web/stat"
	run ctnctl show -r --stat web
	assert_success
	assert_output $'KEY VALUE\nrounds 12\nnew_in_this_kernel 3'
	json . show --json --stat web
	assert_output '{"name":"web","rounds":12,"new_in_this_kernel":3}'
}

@test "no statistics are no keys in json" {
	container web
	json . show --json --stat web
	assert_output '{"name":"web"}'
}

@test "statistics that cannot be understood are refused" {
	container web
	for line in rounds ' 3' 'rounds x' 'rounds 3 4' 'rounds -3' 'rounds 99999999999999999999'; do
		printf 'scanned 1\n%s\n' "$line" >"$tree/web/stat"
		run ctnctl show -n --stat web
		assert_refused "$tree/web/stat: \"$line\": Not what is expected of this file"
	done
}

@test "statistics that this kernel lacks are refused" {
	old_container web
	run ctnctl show -n --stat web
	assert_refused "$tree/web/stat: No such attribute (this kernel lacks it)"
}

@test "two views at once are wrong usage" {
	container web
	run ctnctl show --tasks --files web
	assert_wrong_usage
	run ctnctl show --stat --files web
	assert_wrong_usage
	run ctnctl show --tasks web page_limit
	assert_wrong_usage
}

@test "a resource is shown as set takes it" {
	container web
	counts web '30 32' '50 max'
	counts '' '7 8'
	run ctnctl show -rn web numproc physpages page_limit
	assert_success
	assert_output "numproc 30:32 -
physpages $((50 * pagesize / 1024))K:max -
page_limit max max"
	json . show --json web numproc
	assert_output '{"name":"web","numproc":"30:32"}'
	run ctnctl show -rn --defaults numproc
	assert_output 'numproc 7:8 -'
	run ctnctl show web kmemsize
	assert_refused "$tree/web/beancounters: kmemsize: this kernel does not count that"
	# a file of that name comes first
	echo 5 >"$tree/web/numproc"
	run ctnctl show -rn web numproc
	assert_output 'numproc 5 -'
}

@test "a value of many lines takes no longer for each of them" {
	container web
	[[ ! ${ASAN_OPTIONS-}$UNDER ]] || skip 'it is about time'
	seq 200000 | sed 's/$/ some path or other that is not that short/' >"$tree/web/list"
	# in the square of their number it takes half a minute, and else a second
	run timeout 15 bash -c '"$CTNCTL" show web list page_limit list >out'
	assert_success
	run grep -nE '^[a-z]' out
	assert_line --regexp '^2:list +1 some'
	assert_line --regexp '^200002:page_limit +max +max'
	assert_line --regexp '^200003:list +1 some'
	assert_equal "$(tail -n 1 out | cut -d ' ' -f 2- | xargs)" '200000 some path or other that is not that short'
}

@test "the defaults have barriers and limits of resources" {
	counts '' '30 32' '256 max'
	run ctnctl show -r --defaults
	assert_success
	assert_line 'numproc 30:32 -'
	assert_line 'physpages 1M:max -'
	json '[.numproc, .physpages]' show --json --defaults
	assert_output '["30:32","1M:max"]'
	ln -sf /proc/self/mem "$tree/default_beancounters"
	run ctnctl show -r --defaults
	assert_failure 1
	assert_line "ctnctl: $tree/default_beancounters: Input/output error"
	rm "$tree/default_beancounters" "$tree/table"
	run ctnctl show -r --defaults
	assert_success
	refute_line --partial numproc
}

@test "many lines are not filled up with spaces to where a long one ends" {
	container web wide="$(printf 'x%.0s' {1..20000})"
	seq 5000 >"$tree/web/list"
	run bash -c '"$CTNCTL" show web list wide page_limit | wc -c'
	# three lines are that long, and no others
	assert [ "$output" -gt 60000 ]
	assert [ "$output" -lt 200000 ]
}

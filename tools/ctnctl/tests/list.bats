#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2154
#
# list.

load helper

@test "list prints nothing but headings at most when there are no containers" {
	run ctnctl list -n
	assert_success
	assert_output ''
}

@test "list prints a line for each container, in the order people count in" {
	for name in web10 web2 .hidden; do
		container "$name"
	done
	run ctnctl list -no NAME
	assert_success
	assert_output $'.hidden\nweb2\nweb10'
}

@test "list takes files of the tree for no containers" {
	container web
	run ctnctl list -no NAME
	assert_output web
}

@test "list has the columns people look for" {
	container web
	run ctnctl list
	assert_line --index 0 --regexp '^ID +NAME +TASKS +FILES +ANON +FILE +USAGE +LIMIT +HITS$'
}

@test "every column of the help can be chosen, by either name" {
	container web
	columns=$(ctnctl list --help | sed -n '/^Columns/,/^$/s/^  \([A-Z-]*\).*/\1/p' | paste -sd,)
	run ctnctl list -ro "$columns"
	assert_success
	assert_line --index 0 "${columns//,/ }"
	run ctnctl list -no page_limit,task_limit
	assert_success
	assert_output --regexp '^ +max +max$'
}

@test "sizes are for people, exact with bytes" {
	container web
	echo $((1536 * 1024 / pagesize)) >"$tree/web/num_anon_pages"
	echo $(((64 << 20) / pagesize)) >"$tree/web/page_limit"
	run ctnctl list -rno ANON,FILE,USAGE,LIMIT
	assert_output '1.5M 0B 1.5M 64M'
	run ctnctl list -rnbo ANON,FILE,USAGE,LIMIT
	assert_output "1572864 0 1572864 67108864"
}

@test "sizes are rounded and never read 1024" {
	container web
	check() {
		echo "$1" >"$tree/web/num_anon_pages"
		run ctnctl list -rno ANON
		assert_output "$2"
	}
	((pagesize == 4096)) || skip "written for pages of 4K"
	check 1 4K
	check 255 1020K
	check 256 1M
	check 269 1.1M
	check 262143 1G
	check 18446744073709551614 16E
}

@test "usage is anonymous memory and page cache together" {
	container web num_anon_pages=3 num_file_pages=4
	run ctnctl list -nbo USAGE
	assert_output $((7 * pagesize))
}

@test "no limit is max" {
	container web
	run ctnctl list -rno LIMIT,TASK-LIMIT
	assert_output 'max max'
}

@test "json has numbers for numbers and null for no limit" {
	container web id=7 num_tasks=2 num_anon_pages=3
	json '.containers[0] | [.id, .name, .tasks, .anon, .limit]' list --json
	assert_success
	assert_output "[7,\"web\",2,$((3 * pagesize)),null]"
}

@test "json is valid without containers and with every column" {
	json .containers list --json
	assert_success
	assert_output '[]'
	container $'a "quoted"\n\\name'
	columns=$(ctnctl list --help | sed -n '/^Columns/,/^$/s/^  \([A-Z-]*\).*/\1/p' | paste -sd,)
	json '.containers[0].name' list --json -o "$columns"
	assert_success
	assert_output '"a \"quoted\"\n\\name"'
}

@test "a name with a newline stays on its line" {
	container $'two\nlines'
	run ctnctl list -no NAME
	assert_success
	assert_equal "${#lines[@]}" 1
}

@test "raw cells do not contain spaces" {
	container 'two words'
	run ctnctl list -rno NAME,ID
	assert_output 'two\x20words 1'
}

@test "a plus adds columns, and none comes twice" {
	container web
	run ctnctl list -ro +over_limit,id
	assert_line --index 0 'ID NAME TASKS FILES ANON FILE USAGE LIMIT HITS OVER-LIMIT'
}

@test "an unknown column is wrong usage" {
	for columns in NAME,SHOE 'ID,' '' +; do
		run ctnctl list -o "$columns"
		assert_wrong_usage
	done
}

@test "json and raw together are wrong usage" {
	run ctnctl list --json --raw
	assert_wrong_usage
}

@test "list takes names, and refuses those that are not there" {
	container web
	container db
	run --separate-stderr ctnctl list -no NAME web nope
	assert_failure 1
	assert_output web
	assert_equal "$stderr" "ctnctl: $tree/nope: No such container"
}

@test "the hard limit has columns" {
	container web rss_usage=3 rss_limit=4 rss_failcnt=5 rss_reclaimed=6 \
		rss_oom_kills=7 oom=container
	run ctnctl list -rbo RSS,RSS-LIMIT,RSS-HITS,RECLAIMED,OOM-KILLS,OOM
	assert_success
	assert_output "RSS RSS-LIMIT RSS-HITS RECLAIMED OOM-KILLS OOM
$((3 * pagesize)) $((4 * pagesize)) 5 $((6 * pagesize)) 7 container"
	json '.containers[0] | [.rss, ."rss-limit", ."rss-hits", .reclaimed, ."oom-kills", .oom]' \
		list --json -o rss_usage,rss_limit,rss_failcnt,rss_reclaimed,rss_oom_kills,oom
	assert_output "[$((3 * pagesize)),$((4 * pagesize)),5,$((6 * pagesize)),7,\"container\"]"
}

@test "without a hard limit in the kernel there is a dash in its cells" {
	old_container web
	run --separate-stderr ctnctl list -rno NAME,RSS,RSS-LIMIT,OOM
	assert_success
	assert_output 'web - - -'
	assert_equal "$stderr" ''
	json '.containers[0] | [.rss, ."rss-limit", .oom]' list --json -o NAME,RSS,RSS-LIMIT,OOM
	assert_output '[null,null,null]'
}

@test "an attribute that this kernel lacks leaves its cell empty" {
	container web
	rm "$tree/web/num_active_pages"
	run ctnctl list -no NAME,ACTIVE
	assert_success
	json '.containers[0].active' list --json -o NAME,ACTIVE
	assert_output null
}

@test "an attribute that makes no sense is refused" {
	container web num_tasks=many
	run --separate-stderr ctnctl list -no NAME,TASKS
	assert_failure 1
	assert_equal "$stderr" "ctnctl: $tree/web/num_tasks: \"many\": Not what is expected of this file"
}

@test "JSON is UTF-8 whatever bytes a name has" {
	local words name

	# a lone byte, one too few, a surrogate, an overlong slash, and what is right
	for name in $'\xff' $'a\xe2\x82' $'\xed\xa0\x80' $'\xc0\xaf' $'\xf4\x90\x80\x80' 'čárka €𝄞'; do
		rm -rf "${tree:?}"/*/
		container "$name"
		echo $'bad\xff' >"$tree/$name/oom"
		echo $'1 8:1 7 /bad\xff' >"$tree/$name/mappings"
		for words in list 'list -o oom,name' 'show web oom' 'show web' 'show -f web'; do
			read -ra words <<<"$words"
			run bash -c '"$CTNCTL" "${@:2}" -J | python3 -c "
import json, sys
text = sys.stdin.buffer.read().decode(\"utf-8\")
json.loads(text)
print(\"bad\" in text, \"\\ufffd\" in text, sys.argv[1] in text)" "$1"' - "$name" "${words[@]/web/$name}"
			assert_success
		done
	done
	run bash -c '"$CTNCTL" list -J | jq -r ".containers[].name"'
	assert_output 'čárka €𝄞'
	container $'a\xffb'
	run bash -c '"$CTNCTL" list -J $'"'a\\xffb'"' | jq -r ".containers[].name"'
	assert_output 'a�b'
}

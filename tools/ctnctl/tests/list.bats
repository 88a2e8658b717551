#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2016,SC2030,SC2031,SC2154
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
	columns=$(ctnctl list --help | sed -n '/^Columns/,/^$/s/^  \([^ ]*\).*/\1/p' | paste -sd,)
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

@test "json has the names of files, pages and bytes, and max" {
	container web id=7 num_tasks=2 num_anon_pages=3 num_file_pages=1 page_limit=9
	json '.containers[0]' list --json -o id,name,tasks,anon,limit,task-limit,rss-limit,usage,use%
	assert_success
	assert_output "{\"id\":7,\"name\":\"web\",\"num_tasks\":2,\
\"num_anon_pages\":3,\"num_anon_bytes\":$((3 * pagesize)),\
\"page_limit\":9,\"page_limit_bytes\":$((9 * pagesize)),\
\"task_limit\":\"max\",\"rss_limit\":\"max\",\"rss_limit_bytes\":\"max\",\
\"usage\":4,\"usage_bytes\":$((4 * pagesize)),\"use_percent\":45}"
}

@test "json has the same keys and values in list and in show" {
	container web id=7 num_anon_pages=3 page_limit=9
	run jq -ne --argjson list "$(ctnctl list -J -o all)" --argjson show "$(ctnctl show -J web)" \
		'$list.containers[0] | del(.usage, .usage_bytes, .use_percent) == $show'
	assert_success
}

@test "json is valid without containers and with every column" {
	json .containers list --json
	assert_success
	assert_output '[]'
	container $'a "quoted"\n\\name'
	columns=$(ctnctl list --help | sed -n '/^Columns/,/^$/s/^  \([^ ]*\).*/\1/p' | paste -sd,)
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
	run ctnctl list -rbo RSS,RSS-LIMIT,RSS-HITS,RSS-RECLAIMED,OOM-KILLS,OOM
	assert_success
	assert_output "RSS RSS-LIMIT RSS-HITS RSS-RECLAIMED OOM-KILLS OOM
$((3 * pagesize)) $((4 * pagesize)) 5 $((6 * pagesize)) 7 container"
	json '.containers[0] | [.rss_usage, .rss_limit_bytes, .rss_failcnt, .rss_reclaimed, .rss_oom_kills, .oom]' \
		list --json -o rss_usage,rss_limit,rss_failcnt,rss_reclaimed,rss_oom_kills,oom
	assert_output "[3,$((4 * pagesize)),5,6,7,\"container\"]"
}

@test "without a hard limit in the kernel there is a dash in its cells" {
	old_container web
	run --separate-stderr ctnctl list -rno NAME,RSS,RSS-LIMIT,OOM
	assert_success
	assert_output 'web - - -'
	assert_equal "$stderr" ''
	json '.containers[0]' list --json -o NAME,RSS,RSS-LIMIT,OOM
	assert_output '{"name":"web"}'
}

@test "an attribute that this kernel lacks leaves its cell empty" {
	container web
	rm "$tree/web/num_active_pages"
	run ctnctl list -no NAME,ACTIVE
	assert_success
	json '.containers[0]' list --json -o NAME,ACTIVE
	assert_output '{"name":"web"}'
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

@test "USE% is of the page limit, and over 100 when it is over that" {
	check() {
		container "$1" num_anon_pages="$2" page_limit="$3"
		run ctnctl list -rno USE% "$1"
		assert_equal "$output" "$4"
	}
	check some 50 200 25%
	check none 0 200 0%
	check full 200 200 100%
	check over 100001 100000 101%
	check nearly 99999 100000 100%
	check free 50 max -
	check shut 3 0 300%
	check empty 0 0 0%
	check huge 18446744073709551614 1 18446744073709551614%
	rm "$tree/some/page_limit"
	run --separate-stderr ctnctl list -rno USE% some
	assert_success
	assert_equal "$output$stderr" -
}

# order ARGUMENT...: the names of what list prints, in one line.
order() {
	run ctnctl list -no NAME "$@"
	assert_success
	output=$(paste -sd' ' <<<"$output")
}

@test "list is sorted by any column, from either end" {
	container a2 num_anon_pages=100 page_limit=400 id=1
	container a10 num_anon_pages=9 page_limit=max id=2
	container b num_anon_pages=20 page_limit=20 id=10
	order --sort anon
	assert_output 'a2 b a10'
	order --sort=-anon
	assert_output 'a2 b a10'
	order -s +anon
	assert_output 'a10 b a2'
	order -s name
	assert_output 'a2 a10 b'
	order -s +name
	assert_output 'a2 a10 b'
	order -s -name
	assert_output 'b a10 a2'
	order -s +num_anon_pages -b
	assert_output 'a10 b a2'
	order -s +id
	assert_output 'a2 a10 b'
	# no limit is the largest, and what is not there comes last
	order -s +limit
	assert_output 'b a2 a10'
	order -s limit
	assert_output 'a10 a2 b'
	order -s +use%
	assert_output 'a2 b a10'
	order -s use_percent
	assert_output 'b a2 a10'
	json '[.containers[].name]' list -J --sort=-id
	assert_output '["b","a10","a2"]'
}

@test "list is sorted by several columns, of which the first counts most" {
	container c num_tasks=1 num_files=2
	container b num_tasks=1 num_files=1
	container a num_tasks=2 num_files=1
	order -s +tasks,+files
	assert_output 'b c a'
	order -s -tasks,-files
	assert_output 'a c b'
	order -s +files,-name
	assert_output 'b a c'
	# what is equal stays as it was
	order -s files
	assert_output 'c a b'
	for columns in '' ',' shoe 'tasks,,' --tasks '-,'; do
		run ctnctl list --sort="$columns"
		assert_wrong_usage
	done
}

@test "what is sorted by is not printed for that" {
	container web num_anon_pages=1
	run ctnctl list -ro NAME -s anon
	assert_output $'NAME\nweb'
	json '.containers[0] | keys' list -J -o NAME -s anon
	assert_output '["name"]'
}

@test "all columns can be chosen at once, each once" {
	container web
	run ctnctl list -r -o all
	assert_line --index 0 "$(ctnctl list --help | sed -n '/^Columns/,/^$/s/^  \([^ ]*\) .*/\1/p' | paste -sd' ')"
	run ctnctl list -r -o id,all
	assert_line --index 0 --regexp '^ID NAME .* FREEING$'
	run ctnctl list -r -o +ALL
	assert_line --index 0 --regexp '^ID NAME TASKS FILES ANON FILE USAGE LIMIT HITS USE% '
}

@test "a line of totals comes last, if it is wanted" {
	container web num_tasks=1 num_anon_pages=3 num_file_pages=1 page_limit=10 task_limit=5
	container db num_tasks=2 num_anon_pages=4 page_limit=10
	run ctnctl list -rb -o name,id,tasks,task-limit,anon,usage,limit,use%,oom -s -tasks --total
	assert_success
	assert_output "NAME ID TASKS TASK-LIMIT ANON USAGE LIMIT USE% OOM
db 1 2 max $((4 * pagesize)) $((4 * pagesize)) $((10 * pagesize)) 40% task
web 1 1 5 $((3 * pagesize)) $((4 * pagesize)) $((10 * pagesize)) 40% task
total - 3 max $((7 * pagesize)) $((8 * pagesize)) $((20 * pagesize)) 40% -"
	run ctnctl list -rno name,use% --total
	assert_line --index 2 'total 40%'
	json '[(.containers | length), .total]' list -J -o name,id,tasks,limit,use% --total
	assert_output "[2,{\"num_tasks\":3,\"page_limit\":20,\"page_limit_bytes\":$((20 * pagesize)),\"use_percent\":40}]"
	rm "$tree"/*/num_tasks
	run ctnctl list -rno name,tasks --total
	assert_line --index 2 'total -'
	echo 18446744073709551614 >"$tree/web/num_file_pages"
	run ctnctl list -rno file --total web db
	assert_line --index 2 '16E'
}

@test "the totals of no container are none" {
	run ctnctl list -rno name,tasks,use% --total
	assert_output 'total - 0%'
}

@test "many containers do not take many descriptors" {
	container c1 beancounters='resource held'
	names=(c1)
	for n in {2..120}; do
		cp -r "$tree/c1" "$tree/c$n"
		names+=("c$n")
	done
	for words in list save metrics ps check beancounters 'top -bn1' 'show --tree' \
		'trim --once --below 80%' 'which /dev/shm'; do
		# shellcheck disable=SC2016,SC2086
		run bash -c 'ulimit -n 30; exec "$CTNCTL" "$@"' - $words
		refute_output --partial 'Too many open files'
	done
	# who holds those that are named raises what may be raised
	# shellcheck disable=SC2016
	run bash -c 'ulimit -Sn 30; exec "$CTNCTL" kill -s 0 "$@"' - "${names[@]}"
	assert_success
	assert_equal "$(cat "$tree/c1/kill" "$tree/c120/kill")" 00
	# shellcheck disable=SC2016
	printf '[%s]\n' "${names[@]}" >all.conf
	run bash -c 'ulimit -n 30; exec "$CTNCTL" apply "$@"' - all.conf
	assert_success
}

@test "one file of a container has the numbers of its line" {
	container web
	rm "$tree/web"/{num_*,page_limit*}
	printf 'num_tasks 3\nnum_anon_pages 2\nnum_file_pages 1\npage_limit max\npage_limit_hits 7\n' \
		>"$tree/web/stat"
	run ctnctl list -brno NAME,TASKS,USAGE,LIMIT,HITS
	assert_success
	assert_output "web 3 $((3 * $(getconf PAGESIZE))) max 7"
}

@test "of a container that cannot be read there is one line" {
	container bad num_tasks=many num_files=many num_anon_pages=many
	container web num_tasks=3
	run --separate-stderr ctnctl list -rno NAME,TASKS,FILES,USAGE
	assert_failure 1
	assert_equal "$stderr" "ctnctl: $tree/bad/num_tasks: \"many\": Not what is expected of this file"
	assert_line 'web 3 0 0B'
}

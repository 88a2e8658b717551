#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# The tree in configfs: names, modes, formats, and what is refused.
#
# vm: --mem 512M --smp 2

load common

setup_file() { common_setup_file; }
setup() { common_setup; }
teardown() { common_teardown; }

READABLE=(id tasks num_tasks task_limit task_limit_hits mappings num_files
	num_anon_pages num_file_pages num_mapped_pages num_active_pages
	page_limit page_limit_hits over_limit rss_usage rss_limit rss_failcnt
	rss_reclaimed rss_oom_kills oom stat pressure freeing tasks_peak beancounters)

# Standard input has lines of an error and a value: written to the file, each of
# these gets that error and changes nothing. See tests/helpers/put.c.
refuses() {
	local dir=${2:-$C}

	run put --refused "$dir/$1" "${READABLE[@]/#/"$C/"}" \
		"$ROOT"/default_{page,task}_limit
	assert_success
	assert_output ''
}

# COUNT times CHARACTER
times() {
	local spaces

	printf -v spaces "%$1s" ''
	echo "${spaces// /"$2"}"
}

# What no file takes, whatever it is for.
nonsense() {
	cat <<-END
		EINVAL
		EINVAL \n
		EINVAL $(times 5000 1)
		EINVAL $(times 5000 x)
		EINVAL $(times 4096 1)
	END
}

# What no file takes that is for a number.
no_number() {
	nonsense
	printf 'EINVAL %s\n' -1 +1 ' 1' '1 ' '1\n\n' '1\n2' 0x10 1.5 1e3 one \
		12abc MAX 'max ' maxx m '1\0' '\0' '\x01\xff\x80' \
		'\xff\xff\xff\xff' '\xd9\xa1' -99999999999999999999999 \
		"$(times 4095 x)" "$(times 4094 9)x"
	printf 'ERANGE %s\n' 99999999999999999999999 18446744073709551616 \
		"$(times 4095 9)"
}

no_page_limit() {
	no_number
	printf 'EINVAL %s\n' K T k 1k 1m 1KB 1KK K1 '1 K' 1P -1K
	printf 'ERANGE %s\n' 2251799813685248 8388608T 16777217T \
		18446744073709551615 18446744073709551615K
}

@test "mkdir makes a container with its files and their modes" {
	run stat -c '%A %n' "$C"/*
	assert_success
	assert_equal "${output//"$C/"/}" "\
--w------- addfile
--w------- addtask
-rw-r--r-- beancounters
-r--r--r-- freeing
-r--r--r-- id
--w------- kill
-r-------- mappings
-r--r--r-- num_active_pages
-r--r--r-- num_anon_pages
-r--r--r-- num_file_pages
-r--r--r-- num_files
-r--r--r-- num_mapped_pages
-r--r--r-- num_tasks
-rw-r--r-- oom
-rw-r--r-- over_limit
-rw-r--r-- page_limit
-r--r--r-- page_limit_hits
-rw-r--r-- pressure
--w------- rmfile
--w------- rmtask
-r--r--r-- rss_failcnt
-rw-r--r-- rss_limit
-r--r--r-- rss_oom_kills
-rw-r--r-- rss_peak
-r--r--r-- rss_reclaimed
-r--r--r-- rss_usage
--w------- shrink
-r--r--r-- stat
-rw-r--r-- task_limit
-r--r--r-- task_limit_hits
-rw-r--r-- tasks
-rw-r--r-- tasks_peak
-rw-r--r-- usage_peak"
}

@test "a new container has nothing in it and no limits" {
	run grep -H . "$C"/{num_*,*_hits,freeing,page_limit,task_limit,over_limit,rss_*,oom,tasks,mappings}
	assert_equal "${output//"$C/"/}" "\
num_active_pages:0
num_anon_pages:0
num_file_pages:0
num_files:0
num_mapped_pages:0
num_tasks:0
page_limit_hits:0
task_limit_hits:0
freeing:0
page_limit:max
task_limit:max
over_limit:reclaim
rss_failcnt:0
rss_limit:max
rss_oom_kills:0
rss_peak:0
rss_reclaimed:0
rss_usage:0
oom:task"
	run cat "$C/stat"
	assert_output "\
id $(attr id)
num_tasks 0
tasks_peak 0
task_limit max
task_limit_hits 0
num_files 0
num_anon_pages 0
num_file_pages 0
num_mapped_pages 0
num_active_pages 0
usage_peak 0
page_limit max
page_limit_hits 0
rss_usage 0
rss_peak 0
rss_limit max
rss_failcnt 0
rss_reclaimed 0
rss_oom_kills 0
freeing 0
charge_failures 0
throttled_usec 0
reclaim_usec 0
rounds 0
scanned 0
deactivated 0
written_back 0
dropped 0
reclaimed 0
swapped_out 0
refaulted 0"
}

# ask_for TEXT [COUNT]: what trigger says at first
ask_for() {
	timeout 1 trigger "$C/pressure" "$@" | head -n1
}

@test "what is not a trigger of pressure is refused" {
	local text

	for text in '' some 'some 1' 'full 1 1000000' 'some 0 1000000' 'some 1000001 1000000' \
		    'some 1 499999' 'some 1 10000001' 'some 1 1000000 1' 'some 1 1000000x' \
		    'some -1 1000000' 'some 1 18446744073710551616' 'some150000 1000000' \
		    'some 0100000010000000' 'some  1 1000000' 'some 1 1000000 ' ' some 1 1000000' \
		    'some +1 1000000' 'some 0x1 1000000'; do
		assert_equal "$text: $(ask_for "$text")" "$text: EINVAL"
	done
	for text in 'some 1 500000' 'some 10000000 10000000' $'some 1 1000000\n'; do
		assert_equal "$text: $(ask_for "$text")" "$text: ok"
		assert_equal "$text: $(TRIGGER_NUL=1 ask_for "$text")" "$text: ok"
	done
}

@test "an open file has one trigger of pressure, and a container 64" {
	local file

	assert_equal "$(ask_for 'some 1 1000000' 100)" '64 ENOSPC'
	# they have gone with who had them
	assert_equal "$(ask_for 'some 1 1000000' 64)" '64 ok'
	exec {file}<>"$C/pressure"
	echo 'some 1 1000000' >&"$file"
	run bash -c "echo 'some 1 2000000' >&$file"
	assert_failure
	assert_output --partial 'Device or resource busy'
	rmdir "$C"
	exec {file}>&-
}

@test "a new container has no pressure, in the words of /proc/pressure" {
	assert_equal "$(attr pressure)" \
		'some avg10=0.00 avg60=0.00 avg300=0.00 total=0'
	assert_equal "$(sed 's/[0-9.]*\( \|$\)/ /g' "$C/pressure")" \
		"$(sed -n '1s/[0-9.]*\( \|$\)/ /gp' /proc/pressure/memory)"
}

@test "the tree shows wherever configfs is mounted" {
	mkdir -p /run/elsewhere
	mount -t configfs none /run/elsewhere
	echo 123 >"/run/elsewhere/containers/${C##*/}/page_limit"
	assert_equal "$(attr page_limit)" 123
	umount /run/elsewhere
}

@test "the description says something" {
	run cat "$ROOT"/description
	assert_success
	assert_output --partial addtask
}

@test "every live container has an id of its own" {
	mkdir "$C"-{1..20}
	rmdir "$C"-{5..15}
	mkdir "$C"-again-{5..15}
	assert_equal "$(sort -u "$ROOT"/*/id | wc -l)" 21
	run grep -LxE '[1-9][0-9]*' "$ROOT"/*/id
	assert_output ''
}

@test "an id is free again as soon as rmdir returns" {
	# the next one is there much sooner than a grace period has gone by
	run timeout 60 python3 -c '
import os, sys
name = sys.argv[1]
def made():
	os.mkdir(name)
	with open(name + "/id") as file:
		return int(file.read())
first = made()
for i in range(50):
	os.rmdir(name)
	now = made()
	assert now == first, f"{now} after {first}, the {i}th time"
os.rmdir(name)' "$C-x"
	assert_success
}

@test "a new container gets the default limits" {
	echo 100 >"$ROOT"/default_page_limit
	echo 7 >"$ROOT"/default_task_limit
	mkdir "$C-new"
	assert_equal "$(attr page_limit "$C-new")" 100
	assert_equal "$(attr task_limit "$C-new")" 7
}

@test "a container that is there keeps its limits when the default ones change" {
	echo 100 >"$ROOT"/default_page_limit
	echo 7 >"$ROOT"/default_task_limit
	assert_equal "$(attr page_limit)" max
	assert_equal "$(attr task_limit)" max
}

@test "a limit takes pages, K, M, G, T and max, and reads back in pages" {
	local given

	while read -r given read_back; do
		assert_equal "$(put_value page_limit "$given\n")" ok
		assert_equal "$given $(attr page_limit)" "$given $read_back"
		assert_equal "$(put_value rss_limit "$given\n")" ok
		assert_equal "$given $(attr rss_limit)" "$given $read_back"
	done <<-END
		1 1
		0 0
		12345 12345
		007 7
		4K 1
		1K 0
		7K 1
		8K 2
		1M 256
		3G 786432
		2T 536870912
		0T 0
		2251799813685246 2251799813685246
		max max
	END
}

@test "a value needs no newline at its end" {
	assert_equal "$(put_value page_limit 16M)" ok
	assert_equal "$(attr page_limit)" 4096
	assert_equal "$(put_value page_limit max)" ok
	assert_equal "$(attr page_limit)" max
}

@test "a number of 4095 digits is taken as any other" {
	assert_equal "$(put_value page_limit "$(times 4091 0)1234")" ok
	assert_equal "$(attr page_limit)" 1234
}

@test "a value whose end cannot be read is refused whole" {
	set_attr page_limit 100
	assert_equal "$(printf 123 | put --torn "$C/page_limit")" EFAULT
	assert_equal "$(attr page_limit)" 100
}

@test "task_limit takes a number and max" {
	assert_equal "$(put_value task_limit '42\n')" ok
	assert_equal "$(attr task_limit)" 42
	assert_equal "$(put_value task_limit 'max\n')" ok
	assert_equal "$(attr task_limit)" max
}

@test "task_limit takes no size" {
	set_attr task_limit 5
	printf 'EINVAL %s\n' 4K 1M 1T | refuses task_limit
}

@test "over_limit is reclaim or deactivate" {
	assert_equal "$(put_value over_limit 'deactivate\n')" ok
	assert_equal "$(attr over_limit)" deactivate
	assert_equal "$(put_value over_limit reclaim)" ok
	assert_equal "$(attr over_limit)" reclaim
}

@test "page_limit refuses what is no limit" {
	set_attr page_limit 100
	no_page_limit | refuses page_limit
}

@test "rss_limit refuses what is no limit" {
	set_attr rss_limit 100
	no_page_limit | refuses rss_limit
}

@test "shrink refuses what is no size" {
	{
		no_page_limit
		printf 'EINVAL %s\n' max 'max\n'
	} | refuses shrink
}

@test "oom is task or container" {
	assert_equal "$(put_value oom 'container\n')" ok
	assert_equal "$(attr oom)" container
	{
		nonsense
		printf 'EINVAL %s\n' Task 'task ' containers 0 max 'task\0'
	} | refuses oom
	assert_equal "$(put_value oom task)" ok
	assert_equal "$(attr oom)" task
}

@test "task_limit refuses what is no limit" {
	set_attr task_limit 100
	no_number | refuses task_limit
}

@test "over_limit refuses what is neither" {
	{
		nonsense
		printf 'EINVAL %s\n' Reclaim 'reclaim ' ' reclaim' reclai \
			reclaimx 0 -1 'reclaim\0' 'deactivate\n\n' \
			'\x01\xff' "$(times 4095 r)"
	} | refuses over_limit
}

@test "default_page_limit refuses what is no limit" {
	echo 100 >"$ROOT/default_page_limit"
	no_page_limit | refuses default_page_limit "$ROOT"
}

@test "default_task_limit refuses what is no limit" {
	echo 100 >"$ROOT/default_task_limit"
	no_number | refuses default_task_limit "$ROOT"
}

@test "addtask, rmtask and tasks refuse what is no task id" {
	local name

	for name in addtask rmtask tasks; do
		{
			no_number
			printf '%s\n' 'EINVAL 0' 'EINVAL max' 'EINVAL 1K' \
				'ERANGE 2147483648' 'ESRCH 2147483647'
		} | refuses $name
	done
}

@test "addfile and rmfile refuse what is no path" {
	local name

	for name in addfile rmfile; do
		{
			nonsense
			printf '%s\n' 'EINVAL /dev/shm/bin/put\0' \
				'ENOENT \x01\xff\x80' 'ENOENT -1' \
				'ENOENT 99999999999999999999999' \
				"ENAMETOOLONG $(times 4095 x)"
		} | refuses $name
	done
}

@test "a file that is only to be read cannot be written" {
	local name

	for name in id num_tasks num_files num_anon_pages num_file_pages \
		    num_mapped_pages num_active_pages mappings freeing \
		    page_limit_hits task_limit_hits rss_usage rss_failcnt \
		    rss_reclaimed rss_oom_kills stat; do
		assert_equal "$name $(put_value $name 1)" "$name open: EACCES"
	done
}

@test "a file that is only to be written cannot be read" {
	local name

	for name in addtask rmtask addfile rmfile shrink; do
		run cat "$C/$name"
		assert_failure
		assert_output --partial 'Permission denied'
	done
}

@test "mkdir in a container is refused" {
	run mkdir "$C/inside"
	assert_failure
	assert_output --partial 'Operation not permitted'
}

@test "nothing but mkdir makes an entry" {
	run touch "$C/file"
	assert_failure
	run touch "$ROOT"/file
	assert_failure
	run ln -s "$C" "$ROOT"/link
	assert_failure
	run ln -s "$C" "$C/link"
	assert_failure
	run mv "$C" "$C-moved"
	assert_failure
	run rm "$C/id"
	assert_failure
	assert [ -d "$C" ]
	assert_equal "$(attr num_tasks)" 0
}

@test "the top directory stays" {
	run rmdir "$ROOT"
	assert_failure
	assert [ -f "$ROOT"/description ]
}

@test "a name that is there already is refused" {
	run mkdir "$C"
	assert_failure
	assert_output --partial 'File exists'
}

@test "a name is free again after rmdir" {
	for _ in {1..10}; do
		rmdir "$C"
		mkdir "$C"
	done
	assert_equal "$(attr num_tasks)" 0
}

@test "a name may have any 255 bytes that a directory's may" {
	local name

	for name in 'two words' $'new\nline' 'ünï' -dash "$(times 255 n)" '*' '%s%n'; do
		mkdir -- "$ROOT/$name"
		assert_equal "$(attr num_tasks "$ROOT/$name")" 0
		rmdir -- "$ROOT/$name"
	done
	run mkdir "$ROOT/$(times 256 n)"
	assert_failure
	assert_output --partial 'File name too long'
}

@test "an attribute reads the same byte by byte" {
	assert_equal "$(dd if="$C/id" bs=1 status=none)" "$(attr id)"
	assert_equal "$(dd if="$ROOT"/description bs=1 status=none)" "$(cat "$ROOT"/description)"
}

@test "ps shows kcontainerd, a worker of the kernel" {
	run ps -e -o ppid=,comm=
	assert_output --regexp ' 2 [^ ]*kcontainerd'
}

#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2016,SC2030,SC2031,SC2154
#
# check.

load helper

# on_machine MEMORY SWAP FREE-SWAP ARGUMENT...: check on a machine that has so many MB.
on_machine() {
	printf '%s: %s kB\n' MemTotal $(($1 << 10)) SwapTotal $(($2 << 10)) \
		SwapFree $(($3 << 10)) >"$BATS_TEST_TMPDIR/meminfo"
	unshare -m true 2>/dev/null || skip "another /proc/meminfo takes root"
	run unshare -m bash -c 'mount --bind "$1" /proc/meminfo && "$CTNCTL" check "${@:2}"' \
		- "$BATS_TEST_TMPDIR/meminfo" "${@:4}"
}

# pages MB
pages() {
	echo $(($1 * (1 << 20) / pagesize))
}

@test "check of what is well prints nothing, with status 0" {
	container web num_tasks=1 num_anon_pages="$(pages 3)" page_limit="$(pages 3)" \
		rss_usage=5 rss_limit=5 page_limit_hits=100
	container db
	on_machine 100 100 100
	assert_success
	assert_output ''
	run ctnctl check web
	assert_success
	json . check --json web
	assert_output '{"findings":[]}'
}

@test "check without containers finds nothing" {
	run ctnctl check
	assert_success
	assert_output ''
}

@test "check says why a container stays over its page limit" {
	container web num_tasks=1 num_anon_pages="$(pages 10)" page_limit="$(pages 8)"
	on_machine 100 0 0 web
	assert_failure 1
	assert_output 'web: it has 10M, 2M over its page_limit: 10M is anonymous, and there is no swap'
	on_machine 100 100 1 web
	assert_output 'web: it has 10M, 2M over its page_limit: 10M is anonymous, and swap is full'
	on_machine 100 100 50 web
	assert_output 'web: it has 10M, 2M over its page_limit: what it has is in use, or comes back as fast as it is trimmed'
	echo deactivate >"$tree/web/over_limit"
	on_machine 100 100 50 web
	assert_output 'web: it has 10M, 2M over its page_limit: over_limit is "deactivate"'
	# page cache alone is not held up by swap
	echo 0 >"$tree/web/num_anon_pages"
	pages 10 >"$tree/web/num_file_pages"
	echo reclaim >"$tree/web/over_limit"
	on_machine 100 0 0 web
	assert_output --partial 'what it has is in use'
}

@test "check tells of shared memory that cannot be trimmed" {
	container web num_tasks=1 num_file_pages="$(pages 10)" page_limit="$(pages 8)"
	[[ $(stat -fc %T /dev/shm) == tmpfs ]] || skip "there is no tmpfs here"
	file=$(mktemp -p /dev/shm)
	{
		echo "$(pages 1) $(stat -c %Hd:%Ld "$file") $(stat -c %i "$file") /${file##*/}"
		echo "$(pages 2) 0:1 77 -"
		echo "$(pages 4) 8:1 78 /srv/file"
	} >"$tree/web/mappings"
	on_machine 100 0 0 web
	rm "$file"
	assert_output 'web: it has 10M, 2M over its page_limit: 3M is shared memory, and there is no swap'
}

@test "check tells of locked memory, and whose it is" {
	ulimit -l 8192 2>/dev/null || skip "no memory can be locked here"
	container web num_tasks=1 num_anon_pages="$(pages 10)" page_limit="$(pages 8)"
	python3 -c 'import ctypes, mmap, time
memory = mmap.mmap(-1, 4 << 20)
address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
libc = ctypes.CDLL(None)
print(libc.mlock(ctypes.c_void_p(address), ctypes.c_size_t(4 << 20)), flush=True)
time.sleep(100)' >"$BATS_TEST_TMPDIR/locked" 3>&- &
	pid=$!
	wait_until test -s "$BATS_TEST_TMPDIR/locked"
	[[ $(<"$BATS_TEST_TMPDIR/locked") == 0 ]] || skip "no memory can be locked here"
	echo "$pid" >"$tree/web/tasks"
	on_machine 100 100 50 web
	assert_output "web: it has 10M, 2M over its page_limit: 4M of its processes' memory is locked, the most by process $pid"
}

@test "a container that is over its limit for a moment is no finding" {
	container web num_tasks=1 num_anon_pages=10 page_limit=8
	background ctnctl check web
	sleep 0.4
	echo 5 >"$tree/web/num_anon_pages"
	join
	assert_equal "$status" 0
	assert_equal "$output$stderr" ''
}

@test "check tells of an rss limit that is not kept, and by what" {
	container web num_tasks=1 rss_usage="$(pages 10)" rss_limit="$(pages 8)" \
		num_mapped_pages="$(pages 2)"
	on_machine 100 0 0 web
	assert_failure 1
	assert_output 'web: its rss is 10M, 2M over its rss_limit: 2M of files is mapped, which counts and kills nobody'
	echo 0 >"$tree/web/num_mapped_pages"
	on_machine 100 0 0 web
	assert_output 'web: its rss is 10M, 2M over its rss_limit: there is no swap'
}

@test "check tells of what limits have cost" {
	container web num_tasks=1 rss_failcnt=3
	run ctnctl check web
	assert_failure 1
	assert_output 'web: 3 charges found no room below its rss_limit: tasks waited, or got ENOMEM'
	echo 2 >"$tree/web/rss_oom_kills"
	run ctnctl check web
	assert_output "web: 2 processes were killed for its rss_limit; the kernel's log has which
web: 3 charges found no room below its rss_limit: tasks waited, or got ENOMEM"
	echo 0 >"$tree/web/rss_failcnt"
	echo 1 >"$tree/web/rss_oom_kills"
	echo 1 >"$tree/web/task_limit_hits"
	run ctnctl check web
	assert_output "web: 1 process was killed for its rss_limit; the kernel's log has which
web: 1 fork or move was refused for its task_limit"
}

@test "check does not take what it cannot read for well" {
	container web num_tasks=1 num_file_pages=many
	run ctnctl check web
	assert_failure 1
	assert_output "ctnctl: $tree/web/num_file_pages: \"many\": Not what is expected of this file"
	# of a container one line is enough
	echo many >"$tree/web/rss_usage"
	run ctnctl check web
	assert_output "ctnctl: $tree/web/num_file_pages: \"many\": Not what is expected of this file"
	run --separate-stderr ctnctl check --json web
	assert_failure 1
	assert_equal "$(jq -c . <<<"$output")" '{"findings":[]}'
}

@test "check tells of a limit that is below what is worked on" {
	container web num_tasks=1 page_limit="$(pages 8)"
	printf '%s\n' "dropped $(pages 10)" "reclaimed $(pages 10)" "refaulted $(pages 10)" >"$tree/web/stat"
	run ctnctl check web
	assert_failure 1
	assert_output 'web: of 20M that was trimmed for its page_limit, 10M came back: the limit is below what it works on'
	# less than half, or less than an eighth of the limit
	printf '%s\n' "dropped $(pages 10)" "reclaimed $(pages 10)" "refaulted $(pages 9)" >"$tree/web/stat"
	run ctnctl check web
	assert_success
	printf '%s\n' "dropped $(pages 1)" "refaulted $(pages 1)" >"$tree/web/stat"
	run ctnctl check web
	assert_success
	echo max >"$tree/web/page_limit"
	printf '%s\n' "dropped $(pages 9)" "refaulted $(pages 9)" >"$tree/web/stat"
	run ctnctl check web
	assert_success
}

@test "check tells of tasks near their limit, and of memory without tasks" {
	container web num_tasks=18 task_limit=20
	run ctnctl check web
	assert_failure 1
	assert_output 'web: it has 18 of the 20 tasks that it may have'
	echo 5 >"$tree/web/task_limit"
	echo 4 >"$tree/web/num_tasks"
	run ctnctl check web
	assert_success
	echo 20 >"$tree/web/task_limit"
	echo 17 >"$tree/web/num_tasks"
	run ctnctl check web
	assert_success
	container old num_anon_pages="$(pages 1)"
	run ctnctl check old
	assert_output 'old: it has 1M of anonymous memory and no task: a process that has left it, or shared it before, or a debugger, uses that'
	container going freeing=1 task_limit_hits=3
	run ctnctl check going
	assert_output 'going: it is being removed'
}

@test "check adds up what is promised, against what the machine has" {
	container web page_limit="$(pages 60)" rss_limit="$(pages 60)"
	container db page_limit="$(pages 60)" rss_limit="$(pages 60)"
	container free
	on_machine 100 50 50
	assert_failure 1
	assert_output 'the machine: page limits add up to 120M, and it has 100M of memory: not all can be used at once'
	on_machine 100 0 0
	assert_line 'the machine: rss limits add up to 120M, and it has 100M of memory and 0B of swap: its own OOM killer may come first'
	assert_line 'the machine: there is no swap: a container that meets its rss_limit has a process killed at once'
	assert_equal "${#lines[@]}" 3
	# what is asked of one is of that one
	on_machine 100 0 0 web
	assert_success
	echo 18446744073709551614 >"$tree/web/page_limit"
	on_machine 100 50 50
	assert_output --partial 'page limits add up to 16E'
}

@test "check says what this kernel lacks" {
	old_container web
	run ctnctl check
	assert_failure 1
	assert_line --partial 'the machine: this kernel lacks tasks_peak, usage_peak, rss_usage, rss_peak, rss_limit, rss_failcnt,'
	assert_line --partial 'stat'
	run ctnctl --config /nonexistent check
	assert_failure 1
	assert_line --index 0 'the machine: /nonexistent: No such file or directory'
	mkdir "$BATS_TEST_TMPDIR/empty"
	run ctnctl --config "$BATS_TEST_TMPDIR/empty" check
	assert_failure 1
	assert_line --index 0 --partial 'the machine: this kernel has no containers'
}

@test "check wants watches of inotify for all" {
	most=$(</proc/sys/fs/inotify/max_user_watches)
	((most < 2000)) || skip "there are enough for $((most / 4)) containers"
	seq -f "$tree/c%.0f" 0 $((most / 4)) | xargs mkdir
	run ctnctl check
	assert_line --partial "fs.inotify.max_user_watches is $most"
}

@test "check in json has each finding with its container, and what it is about" {
	container web num_tasks=1 rss_failcnt=1
	json '.findings' check --json web
	assert_output '[{"name":"web","about":"rss_failcnt","text":"1 charge found no room below its rss_limit: tasks waited, or got ENOMEM"}]'
	json '.findings[0] | keys' --config /nonexistent check -J
	assert_output '["about","text"]'
}

@test "a name that is not there is refused, and others are looked at" {
	container $'a\nb' rss_failcnt=1 num_tasks=1
	run --separate-stderr ctnctl check nope $'a\nb'
	assert_failure 1
	assert_output 'a\x0ab: 1 charge found no room below its rss_limit: tasks waited, or got ENOMEM'
	assert_equal "$stderr" "ctnctl: $tree/nope: No such container"
	container web
	run ctnctl check web nope
	assert_refused "$tree/nope: No such container"
	run ctnctl check --bogus
	assert_wrong_usage
}

@test "check says what is refused, over its barrier or over its limit of a resource" {
	container web num_tasks=3 task_limit_hits=2 rss_usage=100 rss_limit=80
	counts web '2 32' '50 80'
	{
		echo 'kmemsize 3072 3072 0 1024 2048 0'
		echo 'numfile 5 9 0 9 9 1'
		echo 'numpty 5 9 0 5 9 0'
		echo 'numnew 7 9 0 6 8 12'
	} >>"$tree/web/beancounters"
	on_machine 100 100 50 web
	assert_failure 1
	assert_output "$(printf 'web: %s\n' "its rss is $((100 * pagesize / 1024))K, $((20 * pagesize / 1024))K over its rss_limit" \
		'2 forks or moves were refused for its task_limit' \
		'it holds 3 of numproc, which is over its barrier of 2' \
		'it holds 3K of kmemsize, and its limit is 2K: it gets no more that can be refused' \
		'1 charge of numfile found no room below its limit, and failed' \
		'12 charges of numnew found no room below its limit, and failed' \
		'it holds 7 of numnew, which is over its barrier of 6')"
	json '[.findings[].about]' check --json web
	assert_output '["rss_limit","task_limit_hits","numproc","kmemsize","numfile","numnew","numnew"]'
}

@test "beancounters that are well are no finding, and what is none is refused" {
	container web num_tasks=3
	counts web '3 3' '100 100'
	sed -i 's/ 2$/ 0/' "$tree/web/beancounters"
	echo 30 >"$tree/web/task_limit"
	run ctnctl check web
	assert_success
	assert_output ''
	printf 'resource held\nnumproc 1\n' >"$tree/web/beancounters"
	run ctnctl check web
	assert_refused "$tree/web/beancounters: \"numproc 1\": Not what is expected of this file"
}

@test "with --new, what was counted is told once, and what lasts each time" {
	container web num_tasks=95 task_limit=100 rss_oom_kills=2 task_limit_hits=7
	counts web
	# numproc has a file of its own
	sed -i 's/^physpages .*/physpages 100 200 1 max max 4/' "$tree/web/beancounters"
	run ctnctl check --new web
	assert_failure 1
	assert_output "web: 2 processes were killed for its rss_limit; the kernel's log has which
web: 7 forks or moves were refused for its task_limit
web: 4 charges of physpages found no room below its limit, and failed
web: it has 95 of the 100 tasks that it may have"
	run ctnctl check --new web
	assert_failure 1
	assert_output 'web: it has 95 of the 100 tasks that it may have'
	echo 5 >"$tree/web/num_tasks"
	json . check --new --json web
	assert_success
	assert_output '{"findings":[]}'
	# without it, all is told as before, and nothing is taken for seen
	echo 3 >"$tree/web/rss_oom_kills"
	run ctnctl check web
	assert_failure 1
	assert_line --partial '3 processes were killed'
	assert_line --partial '7 forks'
	run ctnctl check -N web
	assert_failure 1
	assert_output "web: 3 processes were killed for its rss_limit; the kernel's log has which"
	run ctnctl check -N web
	assert_success
	# it is another matter than what beancounters has seen
	run ctnctl beancounters -rno NAME,RESOURCE --failed
	assert_output $'web numproc\nweb physpages'
	assert_equal "$(cd "$CTN_STATE" && echo *)" 'beancounters beancounters.lock check check.lock'
}

@test "with --new, pages that come back are told while more do" {
	container web page_limit=80
	stat() {
		printf '%s\n' 'dropped 10' 'reclaimed 30' "refaulted $1" >"$tree/web/stat"
	}
	stat 30
	run ctnctl check --new
	assert_failure 1
	assert_output --partial 'came back'
	run ctnctl check --new
	assert_success
	assert_output ''
	stat 31
	run ctnctl check --new
	assert_failure 1
	assert_output --partial 'came back'
}

@test "with --new, what cannot be kept or printed is not seen" {
	container web rss_oom_kills=1
	run bash -c '"$CTNCTL" check --new >/dev/full'
	assert_failure 1
	assert_output 'ctnctl: standard output: No space left on device'
	rm -r "$CTN_STATE"
	: >"$CTN_STATE"
	run ctnctl check --new
	assert_failure 1
	assert_line "ctnctl: $CTN_STATE: it is no directory: what has ever failed is printed, as nothing can be kept there"
	assert_line --partial 'killed for its rss_limit'
	rm "$CTN_STATE"
	run ctnctl check --new
	assert_failure 1
	assert_output --partial 'killed for its rss_limit'
	run ctnctl check --new
	assert_success
}

# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What the suites share. Each test has a container of its own, $C, which is gone
# with all that is in it when the test ends.

# The libraries call it for each of their files, in each test: as a program it takes
# half a second of a test in a guest.
dirname() {
	echo "${1%/*}"
}
bats_load_library bats-support
bats_load_library bats-assert
unset -f dirname

ROOT=/config/containers
AUDIT=/sys/kernel/debug/containers/audit
HELPERS=${HELPERS:-$BATS_TEST_DIRNAME/../../build/helpers}
PATH=$HELPERS:$PATH
# for what a test makes itself
BIN=/dev/shm/bin

# hold_start makes a variable of each name it is given
# shellcheck disable=SC2034
declare -g p q h

# Where the kernel is slow, all that has to be done in time has more of it.
if [ "${SLOW:-1}" != 1 ]; then
	timeout() {
		command timeout $(($1 * SLOW)) "${@:2}"
	}
fi

# The programs are in the page cache, and stay there, charged to nobody: they add
# nothing to a container in which they run.
common_setup_file() {
	mkdir -p $BIN
	keep "$HELPERS"/{hold,put,enter,eat,peak,shuffle} "${@/#/$HELPERS/}"
}

common_setup() {
	C=$ROOT/t$BATS_TEST_NUMBER
	HOLDERS=()
	can_nap
	mkdir "$C"
}

# Do the counters of all containers say what is there? They do once the load has
# come to an end: until then, what is in somebody's hands is nowhere.
audit_agrees() {
	local lines

	mapfile -t lines <$AUDIT
	[ "${lines[-1]}" = agree ]
}

# There is no container, nor the memory of one.
all_freed() {
	local lines

	mapfile -t lines <$AUDIT
	[ "${lines[-2]} ${lines[-1]}" = 'allocated 0 agree' ]
}

# A guest is thrown away, but the next test in it wants it as it was. Nor may the
# test have left the counters wrong, or a container that cannot be freed.
common_teardown() {
	local name pid pids dir wrong=''

	for name in "${HOLDERS[@]}"; do
		let_go "$name"
	done
	for dir in "$ROOT"/*/; do
		[ -d "$dir" ] || continue
		mapfile -t pids <"$dir/tasks"
		for pid in "${pids[@]}"; do
			[ "$pid" = $$ ] || kill -9 "$pid" 2>/dev/null || true
		done
	done
	# what a test has left running would be waited for
	mapfile -t pids < <(jobs -p)
	[ "${#pids[@]}" = 0 ] || kill -9 "${pids[@]}" 2>/dev/null || true
	wait 2>/dev/null || true
	wait_until 20 audit_agrees || wrong=$(<$AUDIT)
	timeout 60 rmdir -- "$ROOT"/*/
	wait_until 60 all_freed || wrong+=$(<$AUDIT)
	echo max >$ROOT/default_page_limit
	echo max >$ROOT/default_task_limit
	[ ! -e $ROOT/default_beancounters ] || reset_default_beancounters
	[ -z "$wrong" ] || fail "$wrong"
}

reset_default_beancounters() {
	local name

	while read -r name _; do
		[ "$name" = resource ] || echo "$name max" >$ROOT/default_beancounters
	done <<<"$(<$ROOT/default_beancounters)"
}

# stat_of NAME [CONTAINER]: what a line of its stat file says.
stat_of() {
	awk -v key="$1" '$1 == key { print $2 }' "${2:-$C}/stat"
}

# attr NAME [CONTAINER]: what a file of the container says.
attr() {
	local lines

	# in a guest without a fast processor, a cat takes its time
	mapfile -t lines <"${2:-$C}/$1" || return
	printf '%s\n' "${lines[@]}"
}

# set_attr NAME VALUE [CONTAINER]
set_attr() {
	echo "$2" >"${3:-$C}/$1"
}

# What one write of VALUE, byte for byte with printf's escapes, comes to: "ok",
# or the name of the error. put_value NAME VALUE [CONTAINER]
put_value() {
	# shellcheck disable=SC2059
	printf "$2" | put "${3:-$C}/$1"
}

# ---- huge pages ----

HUGE_PAGES=/sys/kernel/mm/transparent_hugepage

# It has looked at all processes that may have huge pages, and has gone to sleep.
khugepaged_sleeps() {
	local stat

	[ "$(<$HUGE_PAGES/khugepaged/full_scans)" -gt "$1" ] || return 1
	read -r _ _ stat _ <"/proc/$(pgrep -x khugepaged)/stat"
	[ "$stat" = S ]
}

# Have huge pages where they are asked for, but not of khugepaged: it puts together
# what a test has taken apart, and is charged for a huge page more while it does.
# So let it look at somebody once, and then sleep until long after the last test.
enable_huge_pages() {
	local scans hold_fd

	echo 10000000 >$HUGE_PAGES/khugepaged/scan_sleep_millisecs
	echo madvise >$HUGE_PAGES/enabled
	echo madvise >$HUGE_PAGES/defrag
	scans=$(<$HUGE_PAGES/khugepaged/full_scans)
	exec {hold_fd}> >(hold >/dev/null)
	printf '%s\n' 'thp a 512' 'touch a' >&"$hold_fd"
	can_nap
	wait_until 60 khugepaged_sleeps "$scans"
	exec {hold_fd}>&- {NAP_FD}>&-
}

# Use the multi-generational LRU lists ("y") or the others ("n"), with one processor:
# the kernel patches code for that, and tests/vm/run says what QEMU makes of it.
set_lru_gen() {
	local cpu=/sys/devices/system/cpu/cpu1/online

	[ "$(lru_gen)" != "$1" ] || return 0
	[ ! -e $cpu ] || echo 0 >$cpu
	echo "$1" >/sys/kernel/mm/lru_gen/enabled
	[ ! -e $cpu ] || echo 1 >$cpu
}

lru_gen() {
	[ "$(</sys/kernel/mm/lru_gen/enabled)" = 0x0000 ] && echo n || echo y
}

# A moment, without executing anything: what is read from is never written to.
can_nap() {
	exec {NAP_FD}<> <(:)
}

nap() {
	read -r -t 0.05 -u "$NAP_FD" || true
}

# wait_until SECONDS COMMAND...: try it over and over. Where the kernel is slow
# there is more time.
wait_until() {
	local end=$((SECONDS + $1 * ${SLOW:-1}))

	shift
	until "$@"; do
		((SECONDS < end)) || return 1
		nap
	done
}

# wait_gone PID: until the process has ended, whether its parent has noticed or not:
# when bash asks for children that run in the background is its own affair.
wait_gone() {
	wait_until 20 has_ended "$1" ||
		fail "process $1 is there: $(</proc/"$1"/stat) $(</proc/"$1"/stack)"
}

has_ended() {
	local stat

	! { read -r stat <"/proc/$1/stat"; } 2>/dev/null || [[ $stat = *') '[ZX]' '* ]]
}

# Pages that were just freed can wait in a CPU's batch: see them off. The second
# kind leaves what is cached in memory.
drain() {
	echo 1 >/proc/sys/vm/drop_caches
}

drain_batches() {
	assert_equal "$(hold <<<drain)" ok
}

usage() {
	echo $(($(attr num_anon_pages "$@") + $(attr num_file_pages "$@")))
}

# usage_at_most PAGES [CONTAINER]
usage_at_most() {
	[ "$(usage "${2:-$C}")" -le "$1" ]
}

# has_tasks COUNT
has_tasks() {
	[ "$(attr num_tasks)" -eq "$1" ]
}

# as UID COMMAND...
as() {
	local uid=$1

	shift
	setpriv --reuid "$uid" --regid "$uid" --clear-groups "$@"
}

# put_as UID NAME VALUE
put_as() {
	printf %s "$3" | as "$1" put "$C/$2"
}

# Run COMMAND with the largest rss_usage in $PEAK and its output in $output.
with_peak() {
	exec {PEAK_FD}< <(exec peak "$C/rss_usage")
	local pid=$! begun

	read -r -u "$PEAK_FD" begun
	assert_equal "$begun" begun
	run "$@"
	kill "$pid"
	# shellcheck disable=SC2034 # for who has called
	read -r -u "$PEAK_FD" PEAK
	exec {PEAK_FD}<&-
}

# bc RESOURCE [COLUMN [CONTAINER]]: a number of beancounters; what is held if it is not said
bc() {
	awk -v name="$1" -v column="${2:-held}" '
		NR == 1 {for (i = 1; i <= NF; i++) if ($i == column) at = i}
		$1 == name {print $at}' "${3:-$C}/beancounters"
}

# bc_is RESOURCE COLUMN VALUE
bc_is() {
	assert_equal "$1 $2 $(bc "$1" "$2")" "$1 $2 $3"
}

# ---- a process that does as it is told: tests/helpers/hold.c ----

# hold_start NAME [CONTAINER]: NAME is then a variable with its pid.
hold_start() {
	start_teller "$1" hold "${@:2}"
	tell "$1" pid >/dev/null
}

# start_teller NAME COMMAND...: what is told to NAME is told to that.
start_teller() {
	local name=$1
	local dir=$BATS_TEST_TMPDIR/hold-$name

	shift
	mkdir -p "$dir"
	mkfifo "$dir/in" "$dir/out"
	"$@" <"$dir/in" >"$dir/out" 2>"$dir/err" 3>&- &
	printf -v "$name" %d $!
	exec {HOLD_FD}>"$dir/in"
	printf -v "IN_$name" %d "$HOLD_FD"
	exec {HOLD_FD}<"$dir/out"
	printf -v "OUT_$name" %d "$HOLD_FD"
	HOLDERS+=("$name")
}

# tell NAME COMMAND...: the answer is printed.
tell() {
	local in=IN_$1 out=OUT_$1 answer

	shift
	echo "$*" >&"${!in}"
	if ! read -r -t $((${HOLD_TIMEOUT:-60} * ${SLOW:-1})) -u "${!out}" answer; then
		echo "no answer to: $*" >&2
		return 1
	fi
	echo "$answer"
}

# tells NAME COMMAND...: the same, and the answer must be "ok".
tells() {
	local answer

	answer=$(tell "$@") || return 1
	[ "$answer" = ok ] || fail "$*: $answer"
}

# seen KIND ANSWER: the number in an answer to "count".
seen() {
	[[ " $2 " =~ " $1="([0-9]+)" " ]] && echo "${BASH_REMATCH[1]}"
}

# It ends, and so do its children.
let_go() {
	local in=IN_$1 out=OUT_$1 pid=$1

	[ -n "${!in}" ] || return 0
	# not just the end of its input: others have inherited that
	(echo quit >&"${!in}") 2>/dev/null || true
	timeout 20 tail --pid="${!pid}" -s 0.05 -f /dev/null || kill -9 "${!pid}" || true
	eval "exec ${!in}>&- ${!out}<&-"
	wait "${!pid}" 2>/dev/null || true
	printf -v "$in" ''
}

# assert_exact_anon NAME [CONTAINER]: NAME is the only process in it, and has all
# the anonymous pages that are charged.
assert_exact_anon() {
	local count

	count=$(tell "$1" count)
	# what it took to count is gone, too
	drain_batches
	assert_equal "anon $(attr num_anon_pages "${2:-$C}")" "anon $(seen anon "$count")"
	# and that is all of the rss where there are no files
	[ "$(attr num_file_pages "${2:-$C}")" != 0 ] ||
		assert_equal "rss $(attr rss_usage "${2:-$C}")" "rss $(seen anon "$count")"
}

# Twice as much as fits of memory that the kernel may drop: $F is filled, too.
fill_droppable() {
	hold <<<"write $F 3000"
	hold_start p "$C"
	tells p droppable a 3000
	tells p touch a 1
	set_attr rss_limit 1500
	HOLD_TIMEOUT=40 tells p touch a
	# and in the middle of a system call
	HOLD_TIMEOUT=40 tells p fetch a "$F"
	assert [ "$(attr rss_failcnt)" -gt 0 ]
}

#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2016,SC2030,SC2031,SC2154
#
# top: as plain lines, and as a screen, for which tests/screen.py is the terminal.

load helper

# stat NAME [KEY=VALUE...]: what the kernel has done about its limits.
stat_of() {
	local name=$1 pair

	for pair in charge_failures=0 throttled_usec=0 reclaim_usec=0 dropped=0 reclaimed=0 \
		refaulted=0 "${@:2}"; do
		echo "${pair/=/ }"
	done | tac | awk '!seen[$1]++' >"$tree/$name/stat.new"
	mv "$tree/$name/stat.new" "$tree/$name/stat"
}

# screen SIZE STEP... [-- ARGUMENT...]: of top, whose clock is left out.
screen() {
	local steps=("$1")

	shift
	while (($#)) && [[ $1 != -- ]]; do
		steps+=("$1")
		shift
	done
	run "$CTNCTL_SOURCE/tests/screen.py" "${steps[@]}" -- "$CTNCTL" top "${@:2}"
	output=$(sed -E 's/^(ctnctl top -) [0-9:]{8},/\1/' <<<"$output")
	mapfile -t lines <<<"$output"
}

# Two that use memory, and one that does not.
some() {
	container web num_anon_pages=$((6 << 20 >> 12)) num_file_pages=$((4 << 20 >> 12)) \
		page_limit=$((8 << 20 >> 12)) num_tasks=3 page_limit_hits=7
	container db id=2 num_file_pages=$((32 << 20 >> 12)) page_limit=$((64 << 20 >> 12))
	container idle id=3
	stat_of web
	stat_of db
	((pagesize == 4096)) || skip "written for pages of 4K"
}

@test "in a pipe top prints plain lines" {
	some
	run bash -c '"$CTNCTL" top -b -n 1 | cat'
	assert_success
	assert_line --index 0 --regexp '^ctnctl top - [0-9:]{8}, 3 containers, 1 over its limit$'
	assert_line --index 1 --regexp '^NAME TASKS USAGE LIMIT USE% HITS TRIM/s REFLT/s THROT% FAIL/s KILLS +RSS RSS-LIMIT$'
	assert_line --index 2 --regexp '^db +0 +32M +64M +50% +0 +- +- +- +- +0 +0B +max$'
	assert_line --index 3 --regexp '^web +3 +10M +8M +125% +7 '
	assert_line --index 4 --regexp '^idle +0 +0B +max +- '
	refute_output --partial $'\e'
}

@test "top escapes a name in a pipe as list does" {
	container 'a b\c'
	container $'a\xff'
	run "$CTNCTL" list -no name
	assert_line 'a b\x5cc'
	assert_line 'a\xff'
	mapfile -t names <<<"$output"
	run ctnctl top -b -n 1
	for name in "${names[@]}"; do
		assert_line --regexp "^${name//\\/\\\\} +0 "
	done
}

@test "rates are of the time between two looks" {
	some
	background ctnctl top -b -n 2 -d 1 web
	wait_until contains "$out" web
	stat_of web dropped=2048 reclaimed=2048 refaulted=1024 throttled_usec=400000 \
		reclaim_usec=100000 charge_failures=9
	join
	assert_equal "$status" 0
	assert_equal "$(grep -c '^ctnctl top' "$out")" 2
	# a second or a little more
	run awk '/^web/ { n++ } n == 2 { print $7, $8, $9, $10; exit }' "$out"
	assert_output --regexp '^(1[0-6](\.[0-9])?|[89](\.[0-9])?)M [234](\.[0-9])?M [2-5][0-9]% [4-9]$'
}

@test "what a kernel lacks is a dash" {
	old_container web
	container bad num_tasks=many page_limit=
	run ctnctl top -b -n 1 -s name
	assert_success
	assert_line --index 2 --regexp '^bad +- +0B +- +- '
	assert_line --index 3 --regexp '^web +0 +0B +max +- +0 +- +- +- +- +- +- +-$'
}

@test "the largest comes first, or with a plus the smallest" {
	some
	order() {
		run ctnctl top -b -n 1 "$@"
		output=$(printf '%s\n' "${lines[@]:2}" | cut -d' ' -f1 | paste -sd' ')
	}
	order
	assert_output 'db web idle'
	order --sort use%
	assert_output 'web db idle'
	order -s +usage
	assert_output 'idle web db'
	order -s -LIMIT
	assert_output 'idle db web'
	order -s name
	assert_output 'db idle web'
	order -s -name
	assert_output 'web idle db'
	order -s page_limit_hits
	assert_output 'web db idle'
	# what is not known comes last, from either end
	order -s +use%
	assert_output 'db web idle'
	order -s trimmed web idle
	assert_output 'idle web'
}

@test "names that are asked for have to be there, and may go" {
	some
	run ctnctl top -b -n 1 web nope
	assert_refused "$tree/nope: No such container"
	arrive later
	background ctnctl top -b -n 100 -d 0.05 later later
	wait_until contains "$out" later
	depart later
	wait_until contains "$out" ' 0 containers'
	arrive later
	arrive other
	: >"$out"
	wait_until contains "$out" later
	kill -TERM "$pid"
	join
	assert_equal "$status" 0
	refute grep -q other <<<"$output"
}

@test "containers come and go" {
	container one
	background ctnctl top -b -d 0.05
	wait_until contains "$out" ' 1 container,'
	arrive two
	wait_until contains "$out" two
	depart two
	: >"$out"
	wait_until contains "$out" ' 1 container,'
	kill -INT "$pid"
	join
	assert_equal "$status" 0
	assert_equal "$stderr" ''
}

@test "wrong numbers and columns are wrong usage" {
	container web
	for words in '-d 0' '-d -1' '-d x' '-d 1s' '-d .5' '-d 1.' '-d 0.0001' '-d 1000001' \
		'-d 99999999999999999999' '-n 0' '-n -1' '-n x' '-n 99999999999999999999' \
		'-s shoe' '-s -' '--sort=' --bogus; do
		# shellcheck disable=SC2086
		run ctnctl top -b -n 1 $words
		assert_wrong_usage
	done
}

@test "without a terminal that has a screen, top says so in a line" {
	container web
	run bash -c 'TERM=screen "$CTNCTL" top </dev/null'
	assert_refused 'standard input is no terminal; -b prints plain lines'
	try() {
		run env "$1" script -qec "$CTNCTL top" /dev/null </dev/null
		assert_failure 1
		assert_output "ctnctl: $2; -b prints plain lines"$'\r'
	}
	try TERM= 'TERM does not say which terminal this is'
	try TERM=dumb 'a terminal "dumb" (TERM) has no screen'
	try TERM=$'no\e]0;such' 'nothing is known of a terminal "no\x1b]0;such" (TERM)'
	run bash -c 'TERM=screen script -qec "$CTNCTL top | cat" /dev/null </dev/null'
	assert_output 'ctnctl: standard output is no terminal; -b prints plain lines'$'\r'
}

@test "the screen has usage against limits as bars, and the largest first" {
	some
	screen 24x80 wait:idle show keys:q end
	assert_success
	assert_output "ctnctl top - 3 containers, 1 over its limit
sorted by USAGE, largest first; h help, t tasks, q quit
NAME         TASKS  USAGE  LIMIT         USE%  HITS TRIM/s REFLT/s THROT% FAIL/s
db               0    32M    64M [|||   ] 50%     0      -       -      -      -
web              3    10M     8M [||||||]125%     7      -       -      -      -
idle             0     0B    max            -     0      -       -      -      -
status 0"
}

@test "what has grown is in colour, and so are bars" {
	some
	screen 24x80 wait:idle 'look:\|\|\|   ' 'look:\|{6}' 'look:125%' \
		"sh:echo 8 1<>'$tree/web/page_limit_hits'" 'wait: 8 ' 'look:8     0B' keys:q end -- -d 0.3
	assert_success
	assert_output $'green\nred\ndefault\nred bold\nstatus 0'
	export NO_COLOR=1
	screen 24x80 wait:idle 'look:\|{6}' keys:q end
	assert_output $'default\nstatus 0'
}

@test "a screen that is small or wide has what fits, also after it was resized" {
	some
	screen 6x40 'wait:^idle .*-$' show size:10x120 wait:RSS-LIMIT 'wait:^idle .*max *$' show size:2x9 'gone:RSS' \
		'wait:sorted b[+]' show size:1x1 size:24x80 wait:FAIL keys:q end
	assert_success
	assert_output "ctnctl top - 3 containers, 1 +
sorted by USAGE, largest first; h help,+
NAME          USAGE  LIMIT          USE%
db              32M    64M [||||   ] 50%
web             10M     8M [|||||||]125%
idle             0B    max             -
ctnctl top - 3 containers, 1 over its limit
sorted by USAGE, largest first; h help, t tasks, q quit
NAME         TASKS  USAGE  LIMIT                          USE%  HITS TRIM/s REFLT/s THROT% FAIL/s KILLS    RSS RSS-LIMIT
db               0    32M    64M [||||||||||||           ] 50%     0      -       -      -      -     0     0B       max
web              3    10M     8M [|||||||||||||||||||||||]125%     7      -       -      -      -     0     0B       max
idle             0     0B    max                             -     0      -       -      -      -     0     0B       max
ctnctl t+
sorted b+
status 0"
}

@test "keys sort, turn around, and explain themselves" {
	some
	screen 24x80 wait:idle keys:n 'wait:NAME, smallest' keys:r 'wait:NAME, largest' \
		'keys:%' 'wait:USE%, largest' 'keys:>' wait:HITS, 'keys:<' wait:USE%, \
		'keys:\x1bOC' wait:HITS, keys:h 'wait:^Keys' keys:h gone:^Keys 'keys:?' \
		'wait:^Keys' 'keys: ' wait:sorted show keys:q end
	assert_success
	assert_line --index 1 'sorted by HITS, largest first; h help, t tasks, q quit'
	assert_line --index 3 --regexp '^web '
}

@test "rows are selected, and the screen follows them" {
	for ((i = 10; i < 40; i++)); do
		container "c$i" num_anon_pages=$((i * 256))
	done
	screen 8x80 wait:c39 'look:c39' keys:j 'wait:.' 'keys:\x1bOB' 'sh:sleep 0.3' 'wait:c38' \
		'look:c38' 'keys:\x1b[4~' wait:c10 'look:c10' show 'keys:\x1b[1~' wait:c39 \
		'look:c39' keys:q end -- -d 100
	assert_success
	assert_output "default
default reverse
default reverse
ctnctl top - 30 containers, 0 over their limit
sorted by USAGE, not all of them seen, largest first; h help, t tasks, q quit
NAME         TASKS  USAGE  LIMIT         USE%  HITS TRIM/s REFLT/s THROT% FAIL/s
c14              0    14M    max            -     0      -       -      -      -
c13              0    13M    max            -     0      -       -      -      -
c12              0    12M    max            -     0      -       -      -      -
c11              0    11M    max            -     0      -       -      -      -
c10              0    10M    max            -     0      -       -      -      -
default reverse
status 0"
}

@test "the tasks of a container are shown, and those that have gone" {
	some
	perl -e '$0 = "odd\e[31m"; sleep 100' 3>&- &
	pid=$!
	printf '%s\n' "$pid" 2147483647 >"$tree/db/tasks"
	wait_until contains "/proc/$pid/comm" odd
	screen 24x80 wait:idle keys:t 'wait:2 threads' 'gone:^idle' show keys:t wait:sorted keys:q end
	assert_success
	assert_line --index 0 db
	assert_line --index 1 '2 threads; t back, q quit'
	assert_line --index 2 '     TID      PID S     RSS    SWAP COMMAND'
	assert_line --index 3 --regexp "^ *$pid +$pid S +[0-9.]+[KM] +0B odd\\\\x1b\[31m$"
	assert_line --index 4 --regexp '^2147483647 +- - +- +-$'
	# the container goes meanwhile
	container gone
	screen 24x80 wait:gone keys:t wait:threads "sh:rm -r '$tree/gone'" 'wait:No such container' \
		keys:q end -- -d 0.2 gone
	assert_output 'status 0'
}

@test "no name gets to the terminal but as what it prints" {
	for name in $'a\e]0;evil\a' $'\x9b31m' $'new\nline' $'\xff\xfe' $'\u202egnp' $'\u200bx' 'two words' \
		'漢字漢字漢字漢字漢字漢字' $'e\u0301'; do
		container "$name"
	done
	export LC_ALL=C.UTF-8
	screen 24x80 wait:two keys:n 'wait:sorted by NAME' show keys:q end
	assert_success
	for name in 'a\x1b]0;evil\x07 ' '\x9b31m ' 'new\x0aline' '\xff\xfe ' '\xe2\x80\xaegnp ' \
		'\xe2\x80\x8bx ' 'two words ' 'é '; do
		assert grep -qF "$name" <<<"$output"
	done
	assert_output --partial '漢'
	export LC_ALL=C
	screen 24x80 wait:two show keys:q end
	assert_success
	assert_output --partial 'two words'
	refute_output --partial '漢'
	assert_output --partial '\xe6\xbc\xa2'
}

@test "the terminal is given back at every end, and while top is stopped" {
	some
	for how in keys:q 'keys:\x03' signal:INT signal:TERM signal:HUP; do
		screen 24x80 wait:idle "$how" end
		assert_success
		assert_output 'status 0'
	done
	for how in 'keys:\x1c' signal:QUIT; do
		ulimit -c 0
		screen 24x80 wait:idle "$how" end
		assert_output 'status -3'
	done
	for how in {keys:'\x1a',signal:TSTP}{,,}; do
		screen 24x80 wait:idle "$how" stopped signal:CONT wait:idle keys:q end
		assert_success
		assert_output 'status 0'
	done
	screen 24x80 wait:idle end -- -n 2 -d 0.2
	assert_output 'status 0'
	# and when it cannot go on
	screen 24x200 wait:idle "sh:mv '$tree' '$tree.gone'" end show -- -d 0.2
	assert_success
	assert_line --index 0 'status 1'
	assert_output --partial "ctnctl: $tree: No such file or directory"
}

@test "top is stopped also while it draws" {
	some
	# what a terminal sends comes whenever it likes: here with the third write to it
	cat >stop.c <<-'C'
		#define _GNU_SOURCE
		#include <dlfcn.h>
		#include <signal.h>
		#include <stdlib.h>
		#include <unistd.h>

		ssize_t write(int fd, const void *text, size_t len)
		{
			ssize_t (*really)(int, const void *, size_t) = dlsym(RTLD_NEXT, "write");
			static int count;

			if (fd == STDOUT_FILENO && ++count == 3)
				raise(SIGTSTP);
			return really(fd, text, len);
		}
	C
	"${CC:-cc}" -O1 -shared -fPIC -o stop.so stop.c
	run timeout 60 "$CTNCTL_SOURCE/tests/screen.py" 24x80 stopped signal:CONT wait:idle \
		keys:q end -- env LD_PRELOAD="$PWD/stop.so" "$CTNCTL" top -d 0.2
	assert_success
	assert_output 'status 0'
}

@test "many containers take no more than their part of the time" {
	[ -z "$UNDER" ] || skip "valgrind takes its own time"
	mkdir "$tree"/c{0..2999}
	for ((i = 0; i < 3000; i++)); do
		echo 1 >"$tree/c$i/num_anon_pages"
		echo "$i" >"$tree/c$i/num_file_pages"
	done
	# all are read the first time; in a 25th of 10 ms thousands cannot be
	run "$CTNCTL_SOURCE/tests/screen.py" 24x80 wait:c2999 end -- env ASAN_OPTIONS="${ASAN_OPTIONS-}:detect_leaks=0" \
		strace -qq --seccomp-bpf -f \
		-e trace=openat -o "$BATS_TEST_TMPDIR/calls" "$CTNCTL" top -d 0.01 -n 30
	assert_success
	assert_output 'status 0'
	assert [ "$(grep -c num_file_pages "$BATS_TEST_TMPDIR/calls")" -ge 3000 ]
	assert [ "$(wc -l <"$BATS_TEST_TMPDIR/calls")" -le 60000 ]
}

@test "top takes no notice of what it cannot read, and all of what it can" {
	container web
	ln -sf web/nowhere "$tree/web/num_tasks"
	mkdir "$tree/no container"
	: >"$tree/file"
	run ctnctl top -b -n 1
	assert_success
	assert_line --index 0 --partial ' 2 containers'
}

@test "one file of a container has all that is shown" {
	container web
	rm "$tree/web"/{num_*,page_*,rss_*}
	stat_of web num_tasks=3 num_anon_pages=$((6 << 20 >> 12)) \
		num_file_pages=$((4 << 20 >> 12)) page_limit=$((20 << 20 >> 12)) \
		page_limit_hits=7 rss_usage=$((6 << 20 >> 12)) rss_limit=max rss_oom_kills=1
	run ctnctl top -b -n 1
	assert_success
	assert_output --regexp 'web +3 +10M +20M +50% +7 .* 1 +6M +max'
}

@test "one file of all containers has all that is shown, whatever their names" {
	container web num_tasks=1
	container 'a b' num_tasks=1
	container closed num_tasks=7
	cat >"$tree/stat" <<'END'
id name num_tasks new_here page_limit num_anon_pages num_file_pages dropped
1 web 3 9 max 1536 1024 0
2 a\040b 4 9 5120 512 0 0
3 gone 5 9 max 0 0 0
END
	run ctnctl top -b -n 1 -s usage
	assert_success
	assert_line --index 2 --regexp '^web +3 +10M +max'
	assert_line --index 3 --regexp '^a b +4 +2M +20M +10%'
	# what is not there has its own
	assert_line --index 4 --regexp '^closed +7 '
	refute_line --partial gone
	# who names some reads these
	run ctnctl top -b -n 1 web
	assert_line --index 2 --regexp '^web +1 '
	# a file that is something else is none
	echo nonsense >"$tree/stat"
	run ctnctl top -b -n 1 -s tasks
	assert_line --index 2 --regexp '^closed +7 '
}

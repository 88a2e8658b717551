#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2016,SC2030,SC2031,SC2154
#
# metrics.

load helper

# metrics FILTER: what jq makes of what tests/prometheus.py makes of it.
metrics() {
	run bash -o pipefail -c '"$CTNCTL" metrics | "$CTNCTL_SOURCE/tests/prometheus.py" | jq -c "$1"' \
		- "$1"
	assert_success
}

# value METRIC CONTAINER: one of its numbers.
value() {
	metrics ".ctnctl_$1.samples[\"$2\"]"
}

@test "metrics prints what the files say, in bytes and seconds" {
	container web num_tasks=2 task_limit=9 num_anon_pages=3 num_file_pages=4 \
		page_limit=100 rss_usage=5
	printf '%s\n' 'throttled_usec 1500000' 'reclaim_usec 7' 'rounds 3' 'dropped 6' \
		'charge_failures 2' 'unheard_of 5' >"$tree/web/stat"
	value tasks web
	assert_output 2
	value task_limit web
	assert_output 9
	for what in "anon_bytes 3" "file_bytes 4" "usage_bytes 7" "page_limit_bytes 100" \
		"rss_usage_bytes 5" "dropped_bytes_total 6"; do
		value "${what% *}" web
		assert_output $((${what#* } * pagesize))
	done
	value throttled_seconds_total web
	assert_output 1.5
	run ctnctl metrics
	assert_line 'ctnctl_throttled_seconds_total{container="web"} 1.500000'
	assert_line 'ctnctl_reclaim_seconds_total{container="web"} 0.000007'
	assert_line '# HELP ctnctl_anon_bytes Anonymous memory.'
	assert_line '# TYPE ctnctl_rounds_total counter'
	refute_output --partial unheard_of
	refute_output --partial charge_failures
}

@test "what can only grow is a counter, and all else is none" {
	container web task_limit_hits=1 page_limit_hits=2 rss_failcnt=3 rss_oom_kills=4 \
		rss_reclaimed=5
	for what in 'task_limit_hits 1' 'page_limit_hits 2' 'rss_failcnt 3' 'rss_oom_kills 4'; do
		value "${what% *}_total" web
		assert_output "${what#* }"
	done
	value rss_reclaimed_bytes_total web
	assert_output $((5 * pagesize))
	metrics '[to_entries[] | select(.value.type == "gauge") | .key] | join(" ")'
	for name in anon_bytes file_bytes mapped_bytes active_bytes rss_usage_bytes tasks \
		files containers; do
		assert_output --regexp "ctnctl_${name}[ \"]"
	done
	refute_output --partial _hits
}

@test "no limit has no number, and neither has what this kernel lacks" {
	container limited page_limit=1
	container free
	metrics '[.ctnctl_page_limit_bytes.samples | keys, has("free")]'
	assert_output '[["limited"],false]'
	metrics 'has("ctnctl_rss_limit_bytes")'
	assert_output false
	rm -r "${tree:?}"/*/
	old_container old
	run --separate-stderr ctnctl metrics
	assert_success
	assert_equal "$stderr" ''
	refute_output --partial rss
	metrics '.ctnctl_containers.samples'
	assert_output '{"":1}'
}

@test "all that there is is printed once for each container, in blocks" {
	for ((i = 0; i < 30; i++)); do
		container "c$i" num_tasks=$i
	done
	metrics '[.ctnctl_containers.samples[""], (.ctnctl_tasks.samples | length), .ctnctl_tasks.samples.c29]'
	assert_output '[30,30,29]'
	rm -r "${tree:?}"/*/
	metrics .
	assert_output '{"ctnctl_containers":{"type":"gauge","samples":{"":0}}}'
}

@test "a label is right whatever bytes a name has, and none is that of another" {
	local name names=('two words' 'a"b' $'new\nline' 'back\slash' $'\xff' '\xff' '\\xff' 'čárka €'
		$'\xed\xa0\x80' $'\t\r' '{}' 'a\nb' $'\xc3' '\xc3' '�')
	for name in "${names[@]}"; do
		container "$name"
	done
	metrics '.ctnctl_tasks.samples | length'
	assert_output "${#names[@]}"
	for name in 'two words' 'a"b' $'new\nline' 'čárka €' '{}'; do
		run bash -o pipefail -c '"$CTNCTL" metrics | "$CTNCTL_SOURCE/tests/prometheus.py" |
			jq --arg name "$1" ".ctnctl_tasks.samples[\$name]"' - "$name"
		assert_output 0
	done
	value tasks '\\xff'
	assert_output 0
	value tasks '\\x5cxff'
	assert_output 0
	value tasks '\\x09\\x0d'
	assert_output 0
	! hash promtool 2>/dev/null || check_with_promtool
}

# Its advice on names is heeded, too.
check_with_promtool() {
	run bash -o pipefail -c '"$CTNCTL" metrics | promtool check metrics 2>&1'
	assert_success
	assert_output ''
}

@test "promtool has nothing to say about it" {
	hash promtool || skip "Debian's package prometheus is not here"
	container web page_limit=1 task_limit=1 rss_limit=1
	printf '%s 5\n' throttled_usec reclaim_usec rounds scanned deactivated written_back \
		dropped reclaimed swapped_out refaulted >"$tree/web/stat"
	container db
	check_with_promtool
}

@test "a file is replaced at once, and can be read by all" {
	container web num_tasks=2
	file=$BATS_TEST_TMPDIR/ctnctl.prom
	echo old >"$file"
	exec {old}<"$file"
	umask 077
	run ctnctl metrics --output "$file"
	assert_success
	assert_output ''
	assert_equal "$(<"$file")" "$(ctnctl metrics)"
	assert_equal "$(stat -c %a "$file")" 644
	# who has the old one open reads it to its end
	assert_equal "$(cat <&"$old")" old
	exec {old}<&-
	assert_equal "$(find "$BATS_TEST_TMPDIR" -name '*prom*')" "$file"
	run ctnctl metrics -o "$BATS_TEST_TMPDIR/new.prom"
	assert_success
	assert [ -s "$BATS_TEST_TMPDIR/new.prom" ]
}

@test "the temporary file is beside it, ends otherwise, and goes on failure" {
	container web
	dir=$BATS_TEST_TMPDIR/dir
	mkdir "$dir"
	# a sanitizer cannot look for leaks in what is traced
	run env ASAN_OPTIONS="${ASAN_OPTIONS-}:detect_leaks=0" \
		strace -f -e trace=openat,rename -o "$BATS_TEST_TMPDIR/calls" \
		"$CTNCTL" metrics --output "$dir/ctnctl.prom"
	assert_success
	made=$(sed -n "s|.*openat(AT_FDCWD, \"\(${dir}[^\"]*\)\".*O_EXCL.*|\1|p" "$BATS_TEST_TMPDIR/calls")
	assert_regex "$made" "^$dir/ctnctl\.prom\.[A-Za-z0-9]{6}$"
	assert grep -qF "rename(\"$made\", \"$dir/ctnctl.prom\")" "$BATS_TEST_TMPDIR/calls"
	rm "$dir"/*
	# there is no room for it
	run bash -c 'trap "" XFSZ; ulimit -f 0; "$CTNCTL" metrics --output "$1/ctnctl.prom"' - "$dir"
	assert_refused "$dir/ctnctl.prom: File too large"
	assert_equal "$(ls -A "$dir")" ''
}

@test "what is no file is not replaced" {
	container web
	dir=$BATS_TEST_TMPDIR/dir
	mkdir "$dir"
	run ctnctl metrics --output "$dir"
	assert_refused "$dir: Not a regular file"
	mkfifo "$dir/fifo"
	run ctnctl metrics --output "$dir/fifo"
	assert_refused "$dir/fifo: Not a regular file"
	assert [ -p "$dir/fifo" ]
	run ctnctl metrics --output "$dir/none/file"
	assert_refused "$dir/none/file: No such file or directory"
	ln -s none/file "$dir/lost"
	run ctnctl metrics --output "$dir/lost"
	assert_refused "$dir/lost: it is a symbolic link"
	assert [ -L "$dir/lost" ]
	# as /dev/stdout is
	ln -s /proc/self/fd/1 "$dir/stdout"
	run bash -o pipefail -c '"$CTNCTL" metrics --output "$1" 2>&1 | cat' - "$dir/stdout"
	assert_refused "$dir/stdout: it is a symbolic link"
	assert [ -L "$dir/stdout" ]
	# whoever owns the directory could have root replace another file by that
	: >"$dir/file"
	ln -s file "$dir/link"
	run ctnctl metrics --output "$dir/link"
	assert_refused "$dir/link: it is a symbolic link"
	assert [ -L "$dir/link" ]
	assert [ ! -s "$dir/file" ]
	(cd "$dir" && run ctnctl metrics --output - && assert_line 'ctnctl_containers 1')
	assert [ ! -e "$dir/-" ]
	for words in '-o' 'web' '--output='; do
		# shellcheck disable=SC2086
		run ctnctl metrics $words
		assert_wrong_usage
	done
}

@test "one bad container hides no other" {
	container bad num_tasks=many
	container web num_tasks=3
	echo nonsense >"$tree/bad/stat"
	file=$BATS_TEST_TMPDIR/ctnctl.prom
	run --separate-stderr ctnctl metrics --output "$file"
	assert_failure 1
	assert_equal "$stderr" "ctnctl: $tree/bad/stat: \"nonsense\": Not what is expected of this file"
	run bash -o pipefail -c '"$CTNCTL_SOURCE/tests/prometheus.py" <"$1" | jq -c .ctnctl_tasks.samples' \
		- "$file"
	assert_output '{"web":3}'
}

@test "an output that cannot be written is refused by metrics, too" {
	container web
	run bash -c '"$CTNCTL" metrics >/dev/full'
	assert_refused 'standard output: No space left on device'
}

@test "the timer and its service have the path of the program, and systemd takes them" {
	make -s -C "$CTNCTL_SOURCE" BUILD="$BATS_TEST_TMPDIR/build" \
		PREFIX="$BATS_TEST_TMPDIR/usr" install
	units=$BATS_TEST_TMPDIR/usr/lib/systemd/system
	assert grep -qF "ExecStart=$BATS_TEST_TMPDIR/usr/sbin/ctnctl metrics --output " \
		"$units/ctnctl-metrics.service"
	hash systemd-analyze || skip "there is no systemd here"
	run env SYSTEMD_OFFLINE=1 systemd-analyze verify --man=no \
		"$units/ctnctl-metrics.service" "$units/ctnctl-metrics.timer"
	assert_success
	assert_output ''
}

@test "the columns of beancounters are metrics, in bytes or in numbers" {
	container web
	container db
	container old
	counts web '30 32' '50 max'
	counts db 'max max' 'max 70'
	printf 'tcpsndbuf 11 22 0 33 44 55\nnumnew 1 2 0 3 4 5\n' >>"$tree/db/beancounters"
	for what in 'held,web numproc,3' 'maxheld,web numproc,7' 'barrier,web numproc,30' \
		'limit,web numproc,32' 'failcnt_total,web numproc,2' 'failcnt_total,db physpages,0' \
		"held_bytes,web physpages,$((100 * pagesize))" \
		"maxheld_bytes,web physpages,$((200 * pagesize))" \
		"barrier_bytes,web physpages,$((50 * pagesize))" 'limit_bytes,web physpages,null' \
		"limit_bytes,db physpages,$((70 * pagesize))" 'barrier,db numproc,null' \
		'held,web physpages,null' 'held_bytes,web numproc,null' 'held_bytes,db tcpsndbuf,11' \
		'limit_bytes,db tcpsndbuf,44' 'failcnt_total,db tcpsndbuf,55'; do
		IFS=, read -r name label number <<<"$what"
		value "beancounter_$name" "$label"
		assert_output "$number"
	done
	metrics '[to_entries[] | select(.value.type == "counter") | .key] | map(select(contains("beancounter"))) | join(" ")'
	assert_output '"ctnctl_beancounter_failcnt_total"'
	run --separate-stderr ctnctl metrics
	assert_equal "$stderr" ''
	refute_output --partial numnew
	refute_output --partial 'old",resource'
	assert_line 'ctnctl_beancounter_held{container="web",resource="numproc"} 3'
	assert_line '# HELP ctnctl_beancounter_limit_bytes The most that can be held of the resource, in bytes.'
}

@test "beancounters that cannot be read are said, and all else is printed" {
	container web num_tasks=2
	printf 'resource held\nnumproc 1\n' >"$tree/web/beancounters"
	run --separate-stderr ctnctl metrics
	assert_failure 1
	assert_equal "$stderr" "ctnctl: $tree/web/beancounters: \"numproc 1\": Not what is expected of this file"
	assert_line 'ctnctl_tasks{container="web"} 2'
}

@test "one file has most of it, and pressure is time" {
	container web
	rm "$tree/web"/{num_*,page_limit*,rss_*}
	printf 'num_tasks 3\nnum_anon_pages 2\nnum_file_pages 1\npage_limit max\nrounds 5\n' \
		>"$tree/web/stat"
	echo 'some avg10=1.00 avg60=0.50 avg300=0.10 total=1500042' >"$tree/web/pressure"
	run ctnctl metrics
	assert_success
	assert_line 'ctnctl_tasks{container="web"} 3'
	assert_line "ctnctl_usage_bytes{container=\"web\"} $((3 * $(getconf PAGESIZE)))"
	assert_line 'ctnctl_rounds_total{container="web"} 5'
	refute_line --partial 'ctnctl_page_limit_bytes{'
	assert_line 'ctnctl_pressure_waiting_seconds_total{container="web"} 1.500042'
}

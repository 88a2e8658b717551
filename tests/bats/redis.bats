#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# A real server under a hard limit: Redis, loaded by its own benchmark.
#
# vm: --mem 768M --smp 2

load common

setup_file() { common_setup_file; }

setup() {
	common_setup
	set_attr rss_limit 64M
	S=$BATS_TEST_TMPDIR
}

teardown() {
	redis-cli -s "$S/out" shutdown nosave 2>/dev/null || true
	common_teardown
}

# start NAME [OPTION...]: a Redis that listens on a socket of that name; in the
# container if that is "in".
start() {
	local name=$1 wrap=()

	shift
	[ "$name" != in ] || wrap=(enter "$C")
	"${wrap[@]}" redis-server --port 0 --unixsocket "$S/$name" --save '' \
		--appendonly no --daemonize no "$@" >"$S/$name.log" 2>&1 3>&- &
	wait_until 20 test -S "$S/$name"
	wait_until 20 answers "$name"
}

answers() {
	[ "$(redis-cli -s "$S/$1" ping 2>/dev/null)" = PONG ]
}

# load NAME: values of 1 KB each under random keys, more than fit
load_it() {
	timeout 200 redis-benchmark -s "$S/$1" -t set -n 90000 -r 10000000 -d 1000 -P 16 -c 10 -q
}

@test "Redis within its own maxmemory is neither killed nor refused anything" {
	start in --maxmemory 48mb --maxmemory-policy allkeys-lru
	run load_it in
	assert_success
	refute_output --regexp '[Ee]rror'
	answers in
	assert [ "$(redis-cli -s "$S/in" info stats | tr -d '\r' | awk -F: '$1 == "evicted_keys" { print $2 }')" -gt 0 ]
	assert [ "$(attr rss_usage)" -gt 10000 ]
	# its text, which is mapped, is not what the limit is about
	assert [ "$(attr num_anon_pages)" -le 16384 ]
	assert_equal "$(attr rss_oom_kills)" 0
}

@test "without it Redis is killed alone, and another outside answers throughout" {
	local pings=0

	start out
	redis-cli -s "$S/out" set key value
	start in
	load_it in >"$S/load" 2>&1 3>&- &
	local loader=$!
	while kill -0 $loader 2>/dev/null; do
		assert_equal "$(redis-cli -s "$S/out" get key)" value
		pings=$((pings + 1))
	done
	assert [ $pings -gt 3 ]
	run answers in
	assert_failure
	assert_equal "$(attr rss_oom_kills)" 1
	assert_equal "$(redis-cli -s "$S/out" get key)" value
	run dmesg
	assert_output --partial '(redis-server)'
}

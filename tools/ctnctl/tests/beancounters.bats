#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2154
#
# beancounters: the table of what containers hold; and set, with the names of resources.

load helper

# counted NAME [LIMIT]: a container with beancounters
counted() {
	container "$1"
	cat >"$tree/$1/beancounters" <<-END
		resource       held  maxheld  minheld  barrier    limit  failcnt
		numproc           3        7        0       30       32        2
		physpages       100      200        1      max   ${2:-max}        0
	END
}

@test "a line for each resource of each container" {
	counted web 500
	counted db
	run ctnctl beancounters -r
	assert_success
	assert_output 'NAME RESOURCE HELD MAXHELD BARRIER LIMIT FAILCNT
db numproc 3 7 30 32 2
db physpages 100 200 max max 0
web numproc 3 7 30 32 2
web physpages 100 200 max 500 0'
	run ctnctl beancounters -rno NAME,RESOURCE,MINHELD web
	assert_output $'web numproc 0\nweb physpages 1'
}

@test "only what something was refused of" {
	counted web
	run ctnctl beancounters -rn --failed
	assert_success
	assert_output 'web numproc 3 7 30 32 2'
}

@test "as JSON" {
	counted web
	json .beancounters beancounters --json web
	assert_success
	assert_output '[{"name":"web","resource":"numproc","held":3,"maxheld":7,"barrier":30,"limit":32,"failcnt":2},{"name":"web","resource":"physpages","held":100,"maxheld":200,"barrier":"max","limit":"max","failcnt":0}]'
}

@test "one that is not there, and a kernel without them, are refused" {
	run ctnctl beancounters missing
	assert_failure 1
	assert_output --partial "ctnctl: $tree/missing: "
	container web
	run ctnctl beancounters web
	assert_failure 1
	assert_output --partial "ctnctl: $tree/web/beancounters: "
}

@test "what is no such table is refused" {
	local line

	for line in 'numproc' 'numproc 1 2 3 4 5' 'numproc 1 2 3 4 5 6 7' \
		'numproc 1 2 3 4 5 x' 'numproc 1 2 3 4 5 -1'; do
		container web
		printf 'resource held\n%s\n' "$line" >"$tree/web/beancounters"
		run ctnctl beancounters web
		assert_refused "$tree/web/beancounters: \"$line\": Not what is expected of this file"
		rm -r "${tree:?}/web"
	done
}

@test "set writes a barrier and a limit by the name of the resource" {
	counted web
	run ctnctl set web numproc=30:33
	assert_success
	assert_equal "$(<"$tree/web/beancounters")" 'numproc 30 33'
	counted db
	run ctnctl set db physpages=64M
	assert_success
	assert_equal "$(<"$tree/db/beancounters")" 'physpages 64M'
	counted app
	run ctnctl set app numproc=reset
	assert_success
	assert_equal "$(<"$tree/app/beancounters")" 'numproc reset'
}

@test "set does not take what is neither a file nor counted" {
	counted web
	run ctnctl set web kmemsize=30M:32M
	assert_failure 1
	assert_output --partial "ctnctl: $tree/web/kmemsize: "
	run ctnctl set web numpro=1
	assert_failure 1
	container db
	run ctnctl set db numproc=1
	assert_failure 1
}

@test "set does the same for the defaults" {
	printf 'resource barrier limit\nnumproc max max\nphyspages 1 2\n' \
		>"$tree/default_beancounters"
	run ctnctl set --defaults physpages=32M:64M
	assert_success
	assert_equal "$(<"$tree/default_beancounters")" 'physpages 32M 64M'
}

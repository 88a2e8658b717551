#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2030,SC2031,SC2086,SC2154
#
# oci-hook: containers for workloads of OCI runtimes, of which each test makes the state.
# What a runtime makes of it is in tests/bats/oci.bats.

load helper

A=io.containers.ctn
TRUST=--trust
ID=0123456789abcdef0123456789abcdef

# given begin|end STATE: as a runtime calls it.
given() {
	run with_kernel "$CTNCTL" oci-hook $TRUST "$1" <<<"$2"
}

# hook begin|end [ANNOTATION=VALUE...]: the same for the workload $ID, whose process is
# 4711, with these of our annotations.
hook() {
	given "$1" "$(jq -n --arg id "$ID" '{ociVersion: "1.0.2", id: $id, status: "created",
		pid: 4711, bundle: "/run/bundle", annotations: ($ARGS.positional |
		map({key: "io.containers.ctn/\(split("=")[0])",
		     value: (split("=")[1:] | join("="))}) | from_entries)}' \
		--args -- "${@:2}")"
}

refuses() {
	assert_failure 1
	assert_equal "${#lines[@]}" 1
	assert_output "ctnctl: $1"
}

nothing_is_left() {
	assert_equal "$(ls "$tree")" "$1"
	assert_equal "$(ls -A "$CTN_STATE/oci")" ''
}

@test "without annotations of ours nothing is done" {
	like_the_kernel
	given begin '{"id": "a", "pid": 1, "annotations": {"org.example/page_limit": "1"}}'
	assert_success
	assert_output ''
	given begin '{"id": "a", "pid": 1}'
	assert_success
	given begin '{"id": "a", "pid": 1, "annotations": null}'
	assert_success
	assert [ ! -e "$CTN_STATE" ]
	hook end
	assert_success
	assert_output ''
}

@test "the end of one for which nothing can have been noted is no failure" {
	# in the user namespace of a workload one is root, and /run/ctnctl that of another
	CTN_STATE=/dev/null hook end container=web
	assert_success
	assert_output ''
}

@test "a workload has a container with its limits, until it ends" {
	like_the_kernel
	hook begin page_limit=64M over_limit=deactivate name=web
	assert_success
	assert_output ''
	assert_equal "$(<"$tree/web/page_limit")" 64M
	assert_equal "$(<"$tree/web/over_limit")" deactivate
	assert_equal "$(<"$tree/web/addtask")" 4711
	hook end page_limit=64M over_limit=deactivate name=web
	assert_success
	assert_output ''
	nothing_is_left $'default_page_limit\ndefault_task_limit\ndescription'
}

@test "without a name the container has the id that engines print" {
	like_the_kernel
	hook begin rss_limit=32M
	assert_success
	assert_equal "$(<"$tree/0123456789ab/rss_limit")" 32M
	# the annotations are not needed for the end
	hook end
	assert_success
	assert [ ! -e "$tree/0123456789ab" ]
}

@test "what is refused leaves nothing behind, and the workload does not start" {
	local before

	like_the_kernel
	before=$(ls "$tree")
	hook begin name=web page_limit=64M page_limt=1
	assert_failure 1
	assert_equal "${#lines[@]}" 1
	assert_output --partial 'did you mean page_limit?'
	nothing_is_left "$before"
	hook begin name=web numfile=10:20
	assert_failure 1
	nothing_is_left "$before"
	# these are no settings, and would be written before the process joins
	for attr in kill addtask shrink tasks default_page_limit stat; do
		hook begin "name=web" "$attr=1"
		refuses "$A/$attr: It is no setting"
	done
	# nor what may be one of another container, or of a kernel that is not known
	for attr in ../web/page_limit web/page_limit . '' new_attribute; do
		hook begin "name=db" "$attr=1"
		refuses "$A/$attr: It is no setting"
	done
	hook begin name=../web
	assert_failure 1
	nothing_is_left "$before"
}

@test "a process that cannot be moved has no container" {
	local before

	like_the_kernel
	before=$(ls "$tree")
	rm -f "$CTN_CONFIG/new/addtask"
	hook begin name=web page_limit=64M
	assert_failure 1
	nothing_is_left "$before"
}

@test "a container that is there is not taken, and stays" {
	like_the_kernel
	container web
	hook begin name=web page_limit=64M
	assert_failure 1
	assert_output "ctnctl: $tree/web: File exists"
	hook end name=web page_limit=64M
	assert_success
	assert [ -e "$tree/web/page_limit" ]
}

@test "one that is there can be joined, and stays" {
	like_the_kernel
	container web
	hook begin container=web
	assert_success
	assert_equal "$(<"$tree/web/addtask")" 4711
	hook end container=web
	assert_success
	assert [ -d "$tree/web" ]
	hook begin container=db
	refuses "$tree/db: No such container"
	hook begin container=web page_limit=64M
	refuses "$A/container: web is there already, and has its own limits, files and name"
	assert_equal "$(<"$tree/web/page_limit")" max
}

@test "another container that has the name by now stays" {
	like_the_kernel
	hook begin name=web page_limit=64M
	assert_success
	rm -rf "${tree:?}/web"
	container web id=2
	hook end name=web page_limit=64M
	assert_success
	assert [ -d "$tree/web" ]
	assert_equal "$(ls -A "$CTN_STATE/oci")" ''
}

@test "what is left of a workload whose end was not told of is in nobody's way" {
	like_the_kernel
	hook begin name=web page_limit=64M
	assert_success
	hook begin name=web page_limit=48M
	assert_success
	assert_equal "$(<"$tree/web/page_limit")" 48M
	# nor in that of another one
	ID=f$ID
	hook begin name=web page_limit=32M
	assert_success
	assert_equal "$(<"$tree/web/page_limit")" 32M
	# but nobody is thrown out for that
	echo 1 >"$tree/web/num_tasks"
	hook begin name=web page_limit=16M
	assert_failure 1
	assert_equal "$(<"$tree/web/page_limit")" 32M
}

@test "files become the container's" {
	local before

	like_the_kernel
	before=$(ls "$tree")
	mkdir data
	touch data/{a,b}
	hook begin name=web "file=$PWD/data/**"
	assert_success
	assert_equal "$(grep -c "$PWD/data/" "$tree/web/mappings")" 2
	hook end
	assert_success
	hook begin name=web "file=$PWD/none"
	refuses "$A/file:1: $PWD/none: No such file or directory"
	nothing_is_left "$before"
	touch b.others
	hook begin name=web "file=$PWD/b.others"
	refuses "$A/file:1: $PWD/b.others: Operation not permitted (it is another user's file)"
	nothing_is_left "$before"
}

@test "what an image may have brought is about nobody but its workload" {
	local before

	like_the_kernel
	before=$(ls "$tree")
	TRUST=
	container web
	for annotation in name=db container=web "file=$PWD"; do
		hook begin page_limit=64M "$annotation"
		refuses "$A/${annotation%=*}: An image may have brought it; see --trust in ctnctl(8)"
	done
	assert [ ! -s "$tree/web/addtask" ]
	rm -r "${tree:?}/web"
	assert_equal "$(ls "$tree")" "$before"
	hook begin page_limit=64M
	assert_success
	assert_equal "$(<"$tree/0123456789ab/page_limit")" 64M
}

@test "on a kernel without containers a workload goes without" {
	rmdir "$tree" 2>/dev/null || rm -r "$tree"
	hook begin page_limit=64M
	assert_success
	assert_output --partial "$ID goes without a container"
	hook end
	assert_success
}

@test "what is no state is refused" {
	local state

	like_the_kernel
	want='want the state of an OCI container'
	for state in '' '{' '{]'; do
		given begin "$state"
		refuses "standard input: It is no JSON; $want"
	done
	given begin '[1]'
	refuses "standard input: It is no object; $want"
	given begin '{"pid": 1}'
	refuses "standard input: There is no id; $want"
	given begin '{"id": 7, "pid": 1}'
	refuses 'standard input: id: Not a string'
	for id in '' . .. a/b .a; do
		given end "{\"id\": \"$id\", \"pid\": 1}"
		refuses "standard input: The id cannot be one; $want"
	done
	given begin '{"id": "a\u0000b", "pid": 1}'
	refuses 'standard input: id: There is a null byte in it'
	for pid in '"1"' -1 4294967297 1.5; do
		given begin "{\"id\": \"a\", \"pid\": $pid}"
		refuses "standard input: The pid is no number of a process; $want"
	done
	given begin "{\"id\": \"a\", \"annotations\": {\"$A/page_limit\": \"1M\"}}"
	refuses "standard input: There is no pid; $want"
	given begin '{"id": "a", "pid": 1, "annotations": []}'
	refuses "standard input: The annotations are no object; $want"
	given begin "{\"id\": \"a\", \"pid\": 1, \"annotations\": {\"$A/page_limit\": 1}}"
	refuses "standard input: $A/page_limit: Not a string"
}

@test "the stage has to be one" {
	like_the_kernel
	run ctnctl oci-hook
	assert_failure 2
	assert_line --index 0 'ctnctl: oci-hook: want begin or end'
	run ctnctl oci-hook start
	assert_failure 2
	assert_line --index 0 'ctnctl: oci-hook: want begin or end, not: start'
}

@test "nobody else says what is to be removed" {
	like_the_kernel
	container web
	mkdir -p "$CTN_STATE/oci"
	echo "1 $(stat -c %i "$tree/web") web" >"$CTN_STATE/oci/$ID"
	chmod 777 "$CTN_STATE/oci"
	hook end
	refuses "$CTN_STATE/oci: others may write to it"
	chmod 700 "$CTN_STATE/oci"
	# what cannot be understood is nothing
	echo garbage >"$CTN_STATE/oci/$ID"
	hook end
	assert_success
	assert [ -d "$tree/web" ]
	assert [ ! -e "$CTN_STATE/oci/$ID" ]
}

@test "the files for engines are JSON, and call what is installed" {
	local file

	make -s -C "$CTNCTL_SOURCE" BUILD="$BATS_TEST_TMPDIR/build" \
		PREFIX="$BATS_TEST_TMPDIR/usr" install
	for stage in begin:createRuntime end:poststop; do
		file=$BATS_TEST_TMPDIR/usr/share/containers/oci/hooks.d/ctnctl-${stage%:*}.json
		run jq -r '.version, .hook.path, (.hook.args | join(" ")), .stages[],
			(.when.annotations | keys[])' "$file"
		assert_output "1.0.0
$BATS_TEST_TMPDIR/usr/sbin/ctnctl
ctnctl oci-hook ${stage%:*}
${stage#*:}
^io\\.containers\\.ctn/"
	done
}

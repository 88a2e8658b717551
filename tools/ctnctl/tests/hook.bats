#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# ctn-oci-hook: what it does with what a runtime tells it. With podman and crun it is in
# tests/system/oci.bats.

load helper

setup() {
	HOOK=${CTNCTL%/shared/ctnctl}
	HOOK=${HOOK%/ctnctl}/ctn-oci-hook
	export LC_ALL=C.UTF-8
	export CTN_CONFIG=$BATS_TEST_TMPDIR/config
	tree=$CTN_CONFIG/containers
	mkdir -p "$tree"
}

# state ANNOTATIONS [FIELD...]: of a workload
state() {
	jq -n --argjson annotations "$1" \
		'{ociVersion: "1.0.2", id: "abc", status: "created", pid: 4711, bundle: "/b", annotations: $annotations}'
}

@test "a workload without annotations is left alone" {
	for annotations in null '{}' '{"io.containers.other/page_limit": "1"}'; do
		run "$HOOK" createRuntime < <(state "$annotations")
		assert_success
		assert_output ''
	done
	run ls "$tree"
	assert_output ''
}

@test "what it does not know is refused, and nothing is made" {
	run "$HOOK" createRuntime < <(state '{"io.containers.ctn/pages": "1"}')
	assert_failure 1
	assert_output 'ctn-oci-hook: io.containers.ctn/pages: no such annotation; there are page_limit, rss_limit and file'
	run "$HOOK" createRuntime < <(state '{"io.containers.ctn/page_limit": 1}')
	assert_failure 1
	assert_output 'ctn-oci-hook: an annotation is no text'
	run ls "$tree"
	assert_output ''
}

@test "what is no state is refused" {
	for text in '' '{' '[]' '"x"'; do
		run "$HOOK" createRuntime <<<"$text"
		assert_failure 1
		assert_output 'ctn-oci-hook: standard input is not the state of a workload, in JSON'
	done
	run "$HOOK" createRuntime <<<'{"id": "a", "annotations": {"io.containers.ctn/page_limit": "1"}}'
	assert_failure 1
	assert_output 'ctn-oci-hook: the state has no pid'
	for id in '""' '"../x"' 7 "\"$(printf '%0255d' 0)\""; do
		run "$HOOK" poststop <<<"{\"id\": $id}"
		assert_failure 1
		assert_output 'ctn-oci-hook: the state has no id that a container can be named for'
	done
}

@test "the stage has to be one of the two" {
	for arguments in '' 'prestart' 'createRuntime poststop'; do
		# shellcheck disable=SC2086
		run "$HOOK" $arguments <<<'{}'
		assert_failure 2
		assert_output 'ctn-oci-hook: its argument is createRuntime or poststop'
	done
}

@test "what cannot be set leaves no container behind" {
	# a directory here has no files
	run "$HOOK" createRuntime < <(state '{"io.containers.ctn/page_limit": "64M"}')
	assert_failure 1
	assert_output --regexp '^ctn-oci-hook: .*/oci-abc/page_limit: .*$'
	run ls "$tree"
	assert_output ''
}

@test "after the end the container goes, and one that is not there is no fault" {
	mkdir "$tree/oci-abc" "$tree/oci-other"
	run "$HOOK" poststop < <(state '{}')
	assert_success
	run ls "$tree"
	assert_output oci-other
	run "$HOOK" poststop < <(state '{}')
	assert_success
	assert_output ''
}

@test "on a kernel that has no containers the workload goes without" {
	rmdir "$tree"
	run "$HOOK" createRuntime < <(state '{"io.containers.ctn/page_limit": "64M"}')
	assert_success
	assert_output --regexp '^ctn-oci-hook: this kernel has no containers'
}

@test "what is installed for podman calls the hook that is installed" {
	usr=$BATS_TEST_TMPDIR/usr
	make -s -C "$CTNCTL_SOURCE" BUILD="$BATS_TEST_TMPDIR/build" PREFIX="$usr" install
	for stage in createRuntime poststop; do
		json=$usr/share/containers/oci/hooks.d/ctn-$stage.json
		assert_equal "$(jq -r .hook.path "$json")" "$usr/lib/ctnctl/ctn-oci-hook"
		assert_equal "$(jq -c '[.hook.args[1], .stages]' "$json")" "[\"$stage\",[\"$stage\"]]"
	done
	assert [ -x "$usr/lib/ctnctl/ctn-oci-hook" ]
	# where those find it who are not root
	assert [ "$usr/bin/ctnctl" -ef "$usr/sbin/ctnctl" ]
}

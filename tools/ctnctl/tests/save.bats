#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2154,SC2016
#
# save: containers as a configuration, and back again.

load helper

@test "save prints all settings of all containers" {
	need_owner=$(id -nu):$(id -ng)
	like_the_kernel
	with_kernel "$CTNCTL" create db web
	echo 16385 >"$tree/web/page_limit"
	echo 7 >"$tree/web/task_limit"
	echo 262144 >"$tree/default_page_limit"
	run --separate-stderr ctnctl save
	assert_success
	assert_equal "$stderr" ''
	assert_output - <<-END
		# Printed by "ctnctl save", for "ctnctl apply": see ctnctl.conf(5).

		[defaults]
		page_limit = 1G
		task_limit = max

		[db]
		task_limit = max
		page_limit = max
		over_limit = reclaim
		rss_limit = max
		oom = task
		owner = $need_owner

		[web]
		task_limit = 7
		page_limit = 65540K
		over_limit = reclaim
		rss_limit = max
		oom = task
		owner = $need_owner
	END
}

@test "save of some prints these, without the defaults" {
	like_the_kernel
	with_kernel "$CTNCTL" create a b c
	run --separate-stderr ctnctl save c nope a c
	assert_failure 1
	assert_equal "$stderr" "ctnctl: $tree/nope: No such container"
	assert_equal "$(grep '^\[' <<<"$output" | xargs)" '[c] [a]'
}

@test "what save prints changes nothing, and brings everything back" {
	like_the_kernel
	: >"$BATS_TEST_TMPDIR/file"
	with_kernel "$CTNCTL" create web db 'odd [name]' defaults
	echo 0 >"$tree/web/page_limit"
	echo 1 >"$tree/db/rss_limit"
	echo 2251799813685246 >"$tree/defaults/page_limit"
	echo 00012 >"$tree/defaults/task_limit"
	echo container >"$tree/db/oom"
	chmod 664 "$tree/db/tasks"
	chmod 711 "$tree/db"
	with_kernel "$CTNCTL" add-file db "$BATS_TEST_TMPDIR/file"
	[ "$(id -u)" != 0 ] || chown nobody:daemon "$tree/db/tasks" "$tree/web"
	run --separate-stderr bash -c '"$CTNCTL" apply --prune <("$CTNCTL" save --files)'
	assert_success
	assert_output ''
	assert_equal "$stderr" ''

	ctnctl save --files >saved
	with_kernel "$CTNCTL" delete web db 'odd [name]' defaults
	echo 5 >"$tree/default_task_limit"
	run --separate-stderr apply saved
	assert_success
	assert_equal "$stderr" ''
	assert_equal "$(ctnctl save --files)" "$(cat saved)"
	assert_equal "$(stat -c '%U:%G %a' "$tree/db/tasks" "$tree/db")" "$(
		[ "$(id -u)" != 0 ] && echo "$(id -nu):$(id -ng) 664" || echo 'nobody:daemon 664'
		echo "$(id -nu):$(id -ng) 711"
	)"
}

@test "files are saved if that is asked for" {
	like_the_kernel
	with_kernel "$CTNCTL" create web
	data=$BATS_TEST_TMPDIR/data
	mkdir "$data"
	touch "$data/"{b,a,gone}
	with_kernel "$CTNCTL" add-file web "$data/"{b,a,gone}
	rm "$data/gone"
	run ctnctl save web
	refute_line --partial 'file ='
	for option in -f --files; do
		run ctnctl save "$option" web
		assert_equal "$(grep 'file =' <<<"$output")" "file = $data/a"$'\n'"file = $data/b"
	done
}

@test "files on tmpfs are not saved" {
	[ "$(stat -fc %T /dev/shm)" = tmpfs ] || skip 'needs a tmpfs'
	like_the_kernel
	with_kernel "$CTNCTL" create web
	file=$(mktemp /dev/shm/ctnctl-XXXXXX)
	with_kernel "$CTNCTL" add-file web "$file"
	run ctnctl save --files web
	rm "$file"
	assert_success
	refute_line --partial 'file ='
}

@test "a kernel that lacks an attribute has none saved" {
	old_container web
	run --separate-stderr ctnctl save web
	assert_success
	assert_equal "$stderr" ''
	refute_line --partial oom
	refute_line --partial rss_limit
	assert_line 'page_limit = max'
}

@test "what no kernel says is refused, and the rest saved" {
	like_the_kernel
	with_kernel "$CTNCTL" create web
	echo nonsense >"$tree/web/page_limit"
	echo >"$tree/web/over_limit"
	echo 5 >"$tree/web/task_limit"
	run --separate-stderr ctnctl save web
	assert_failure 1
	assert_equal "$stderr" "ctnctl: $tree/web/page_limit: \"nonsense\": Not what is expected of this file
ctnctl: $tree/web/over_limit: \"\": Not what is expected of this file"
	refute_line --partial page_limit
	assert_line 'task_limit = 5'
}

@test "a container that goes meanwhile is left out" {
	container web
	container gone
	rm "$tree/gone/oom"
	mkfifo "$tree/gone/oom"
	exec 9<>"$tree/gone/oom"
	"$CTNCTL" save --files >out 2>err 3>&- 9>&- &
	pid=$!
	is_reading() {
		[[ $(readlink "/proc/$pid/fd/"* 2>/dev/null) == *gone/oom* ]]
	}
	wait_until is_reading
	rm -r "$tree/gone"
	echo task >&9
	exec 9>&-
	wait "$pid"
	pid=
	assert_equal "$(cat err)" ''
	assert_equal "$(grep '^\[' out | xargs)" '[defaults] [web]'
}

@test "barriers and limits are saved, and change nothing at once" {
	like_the_kernel
	container web task_limit=32 rss_limit=16384
	container db
	counts web '30 32' '8192 16384'
	counts db
	counts '' '100 max'
	# before task_limit and rss_limit there are others
	run --separate-stderr ctnctl save
	assert_success
	assert_equal "$stderr" ''
	assert_equal "$(grep -E '^(num|phys|\[)' <<<"$output")" '[defaults]
numproc = 100:max
physpages = max:max
[db]
numproc = max:max
physpages = max:max
[web]
numproc = 30:32
physpages = 32M:64M'
	run --separate-stderr bash -c 'LD_PRELOAD=$KERNEL "$CTNCTL" apply <("$CTNCTL" save)'
	assert_success
	assert_output ''
	assert_equal "$stderr" ''
	ctnctl save >saved
	counts web
	echo max >"$tree/web/task_limit"
	echo max >"$tree/web/rss_limit"
	counts db '1 2'
	echo 2 >"$tree/db/task_limit"
	counts ''
	run --separate-stderr apply saved
	assert_equal "$stderr" ''
	assert_equal "$(ctnctl save)" "$(cat saved)"
}

@test "what is no table of resources is refused, and the rest saved" {
	container web
	printf 'resource held\nnumproc 1\n' >"$tree/web/beancounters"
	run --separate-stderr ctnctl save web
	assert_failure 1
	assert_equal "$stderr" "ctnctl: $tree/web/beancounters: \"numproc 1\": Not what is expected of this file"
	assert_line 'task_limit = max'
	assert_line --partial 'owner ='
}

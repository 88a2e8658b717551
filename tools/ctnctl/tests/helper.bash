# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2154
#
# For all tests here: a tree of plain files that ctnctl takes for configfs.
# It knows nothing of what a kernel does with them; it holds still, and so it
# shows what ctnctl reads, writes and prints.

bats_require_minimum_version 1.5.0
bats_load_library bats-support
bats_load_library bats-assert

# What programs that are compiled here run under; nothing, but for valgrind.
export UNDER=${UNDER-}
export CTNCTL_SOURCE=${BATS_TEST_DIRNAME%/tests}

# Without $CTNCTL, build one.
setup_file() {
	export KERNEL=$BATS_FILE_TMPDIR/kernel.so
	"${CC:-cc}" -O1 -Wall -Wextra -Werror -shared -fPIC -o "$KERNEL" \
		"$CTNCTL_SOURCE/tests/kernel.c"
	if [[ ! ${CTNCTL-} ]]; then
		make -s -C "$CTNCTL_SOURCE" BUILD="$BATS_FILE_TMPDIR/build" all
		export CTNCTL=$BATS_FILE_TMPDIR/build/ctnctl
	fi
}

setup() {
	export LC_ALL=C.UTF-8
	export CTN_CONFIG=$BATS_TEST_TMPDIR/config
	export CTN_STATE=$BATS_TEST_TMPDIR/state
	tree=$CTN_CONFIG/containers
	pagesize=$(getconf PAGESIZE)
	mkdir -p "$tree"
	echo 'a tree of files' >"$tree/description"
	echo max >"$tree/default_page_limit"
	echo max >"$tree/default_task_limit"
	# what a test writes goes with it
	cd "$BATS_TEST_TMPDIR" || return
}

teardown() {
	[[ ! ${pid-} ]] || kill -KILL "$pid" || true
	wait 2>/dev/null
}

ctnctl() {
	"$CTNCTL" "$@"
}

# json FILTER ARGUMENT...: what jq makes of the JSON that ctnctl prints.
json() {
	run bash -o pipefail -c '"$CTNCTL" "${@:2}" | jq -c "$1"' - "$@"
}

# with_kernel COMMAND...: ctnctl in it finds a stand-in for the kernel, which is
# in tests/kernel.c.
with_kernel() {
	LD_PRELOAD=$KERNEL "$@"
}

# background [ENV-ARGUMENT...] ctnctl ARGUMENT...: ctnctl as $pid, which writes
# to $out and $err. A shell lets what it puts there ignore SIGINT, a person would
# not.
background() {
	local environment=()

	while [[ $1 != ctnctl ]]; do
		environment+=("$1")
		shift
	done
	shift
	out=$BATS_TEST_TMPDIR/out
	err=$BATS_TEST_TMPDIR/err
	env --default-signal=INT "${environment[@]}" "$CTNCTL" "$@" \
		</dev/null >"$out" 2>"$err" 3>&- &
	pid=$!
}

# What has become of it, in $status, $output and $stderr.
# shellcheck disable=SC2034
join() {
	status=0
	wait "$pid" || status=$?
	pid=
	output=$(<"$out")
	stderr=$(<"$err")
	mapfile -t lines <"$out"
}

# wait_until COMMAND...: try it over and over, for ten seconds at most.
wait_until() {
	local end=$((SECONDS + 10))

	until "$@"; do
		((SECONDS < end)) || fail "in vain: $*"
		sleep 0.02
	done
}

# has_watches COUNT: whether it has so many watches of inotify, and sleeps.
has_watches() {
	local state

	read -r _ _ state _ <"/proc/$pid/stat"
	[[ $(cat /proc/"$pid"/fdinfo/* | grep -c ^inotify) == "$1" && $state == S ]]
}

# arrive NAME [ATTR=VALUE...]: a container that comes with all its files at once,
# as one of the kernel does.
arrive() {
	container "../$1" "${@:2}"
	ln -s "../$1" "$tree/$1"
}

depart() {
	rm -r "${CTN_CONFIG:?}/$1" "${tree:?}/$1"
}

# bump NAME ATTR VALUE: as the kernel does it, with one event, and without a
# moment in which the file is empty.
bump() {
	echo "$3" 1<>"$tree/$1/$2"
}

# has_pages NAME MOST: whether no more page cache than that is left.
has_pages() {
	local pages

	# in the very moment of a write it is empty
	pages=$(<"$tree/$1/num_file_pages")
	[[ $pages && $pages -le $2 ]]
}

contains() {
	[[ $(cat "$1" 2>/dev/null) == *"$2"* ]]
}

# container NAME [ATTR=VALUE...]: one with the attributes that all have.
container() {
	local dir=$tree/$1 attr
	shift
	mkdir "$dir"
	for attr in id=1 num_tasks=0 task_limit=max task_limit_hits=0 \
		num_files=0 num_anon_pages=0 num_file_pages=0 \
		num_mapped_pages=0 num_active_pages=0 page_limit=max \
		page_limit_hits=0 over_limit=reclaim rss_usage=0 \
		rss_limit=max rss_failcnt=0 rss_reclaimed=0 rss_oom_kills=0 \
		oom=task freeing=0 tasks_peak=0 usage_peak=0 rss_peak=0 "$@"; do
		echo "${attr#*=}" >"$dir/${attr%%=*}"
	done
	for attr in tasks mappings stat pressure addtask rmtask addfile rmfile kill shrink; do
		: >"$dir/$attr"
	done
}

# like_the_kernel: containers are made and removed with all their files, which have
# the kernel's modes. Use with_kernel.
like_the_kernel() {
	container ../new
	(
		cd "$CTN_CONFIG/new" || exit
		chmod 444 ./*
		chmod 644 task_limit page_limit over_limit rss_limit oom tasks pressure ./*_peak
		chmod 200 addtask rmtask addfile rmfile kill shrink
		chmod 400 mappings
	)
}

# counts NAME [NUMPROC [PHYSPAGES]]: beancounters of a container, or, with "", the defaults
# of new ones; each of them BARRIER LIMIT. Use with_kernel.
counts() {
	local dir=$tree${1:+/$1} file=beancounters

	if [[ $1 ]]; then
		cat >"$dir/table" <<-END
			resource held maxheld minheld barrier limit failcnt
			numproc 3 7 0 ${2-max max} 2
			physpages 100 200 1 ${3-max max} 0
		END
	else
		file=default_beancounters
		printf 'resource barrier limit\nnumproc %s\nphyspages %s\n' \
			"${2-max max}" "${3-max max}" >"$dir/table"
	fi
	cp "$dir/table" "$dir/$file"
}

# apply [ARGUMENT...]: with_kernel ctnctl apply, of what is on standard input if
# there is a "-".
apply() {
	with_kernel "$CTNCTL" apply "$@"
}

# replaces ATTR NAME: as something is about to be written to ATTR, NAME is removed, and
# another one made that is called so. Use with_kernel.
replaces() {
	container ../other
	printf '%s\n' '#!/bin/sh' "rm -r '$tree/$2' && mv '$CTN_CONFIG/other' '$tree/$2'" \
		>"$CTN_CONFIG/on-$1"
	chmod +x "$CTN_CONFIG/on-$1"
}

# slow NAME: a kernel that shrinks this container by a page every 100 ms.
slow() {
	echo 1 >"$tree/$1/step"
	echo 100 >"$tree/$1/pause"
}

# old_container NAME: one of a kernel that has neither a hard limit nor events.
old_container() {
	container "$1"
	rm "$tree/$1"/{rss_*,oom,stat,pressure,shrink,kill,tasks_peak,usage_peak}
}

# Writing to this attribute fails with ENOSPC. Reading it never ends.
full() {
	ln -sf /dev/full "$1"
}

# Writing what is no number to this attribute fails with EINVAL.
picky() {
	ln -sf /proc/self/oom_score_adj "$1"
}

# What was refused, and nothing but that, in one line.
assert_refused() {
	assert_failure 1
	assert_output "ctnctl: $1"
}

assert_wrong_usage() {
	assert_failure 2
	assert_line --index 0 --partial "ctnctl: "
	assert_line --index 1 --regexp "^Try 'ctnctl .*--help' for more information\.$"
	assert_equal "${#lines[@]}" 2
}

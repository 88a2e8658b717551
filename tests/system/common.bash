# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What the suites of a Debian system have in common: each has a guest of its own, which is
# started before its first test and shut down after its last. Tests change the system, and
# find it as the one before has left it: they run in their order.

bats_load_library bats-support
bats_load_library bats-assert

SYSTEM=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)/build/system
GUEST=$BATS_TEST_DIRNAME/guest
# How long a script in the guest may take: far longer than it does.
PATIENCE=900

setup_file() {
	name=${BATS_TEST_FILENAME##*/}
	export RUNNING=$SYSTEM/guest-${name%.bats}
	# what the system says of itself when it is up
	"$GUEST" start "$RUNNING" >"$BATS_FILE_TMPDIR/state" || {
		"$GUEST" stop "$RUNNING"
		return 1
	}
}

teardown_file() {
	# The kernel has had nothing to report, and containers are counted as they are.
	"$GUEST" stop "$RUNNING"
}

# in_guest SCRIPT: for bash, as root. What is above the script is for all of them.
in_guest() {
	"$GUEST" run "$RUNNING" "$PATIENCE" "$HELPERS"$'\n'"$1"
}

# What scripts in the guest call.
# shellcheck disable=SC2016
HELPERS='
ROOT=/sys/kernel/config/containers

# wait_until COMMAND...: until it succeeds
wait_until() {
	local end=$((SECONDS + 300))

	until "$@"; do
		if [ $SECONDS -ge $end ]; then
			echo "in vain: $*" >&2
			return 1
		fi
		sleep 0.2
	done
}

# value NAME ATTR: of a container
value() {
	ctnctl show -nro VALUE "$1" "$2"
}
'

#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2030,SC2031,SC2154
#
# pam_ctn.so, as PAM calls it, and tests/session.c in place of login. That all of a session
# is in the container then is in tests/system/users.bats.

load helper

eval "$(declare -f setup_file | sed '1s/.*/set_up_kernel()/')"
setup_file() {
	# a module with a sanitizer in it is not loaded by a program without: see setup()
	[[ ! ${ASAN_OPTIONS-} ]] || return 0
	set_up_kernel
	make -s -C "$CTNCTL_SOURCE" BUILD="$BATS_FILE_TMPDIR/build" PREFIX="$BATS_FILE_TMPDIR/usr" \
		install install-pam >&2
	export MODULE=$BATS_FILE_TMPDIR/usr/lib/security/pam_ctn.so
	export SESSION=$BATS_FILE_TMPDIR/session
	"${CC:-cc}" -O1 -Wall -Wextra -Werror -rdynamic -o "$SESSION" \
		"$CTNCTL_SOURCE/tests/session.c" -lpam
}

eval "$(declare -f setup | sed '1s/.*/set_up_tree()/')"
setup() {
	[[ ! ${ASAN_OPTIONS-} ]] || skip "not with sanitizers"
	set_up_tree
	configured
}

# how a line in the log begins
LOG='pam_ctn(session:session)'

# configured WORD...: with these options of the module, by which alone it finds the tree
configured() {
	mkdir -p pam.d
	printf '%s\n' "session required $MODULE config=$CTN_CONFIG $*" >pam.d/session
	: >pam.d/other
}

# opens USER [NAME [UID]]: a session, which is to be opened
opens() {
	run --separate-stderr with_kernel ${UNDER:+"$UNDER"} "$SESSION" "$PWD/pam.d" "$@"
	assert_success
	assert_equal "${#lines[@]}" 1
	assert_output --regexp '^Success [0-9]+$'
	session=${output#Success }
}

# refuses LINE USER [NAME [UID]]: a session, with this in the log
refuses() {
	run --separate-stderr with_kernel ${UNDER:+"$UNDER"} "$SESSION" "$PWD/pam.d" "${@:2}"
	assert_failure 1
	assert_equal "$stderr" "$LOG: $1"
}

@test "the process that opens a session is moved into the container of the user's name" {
	container alice
	container bob
	opens alice
	assert_equal "$stderr" ''
	assert_equal "$(<"$tree/alice/addtask")" "$session"
	assert_equal "$(<"$tree/bob/addtask")" ''
}

@test "a user without a container is logged in as ever, and nothing is made" {
	container bob
	opens alice
	assert_equal "$stderr" ''
	assert [ ! -e "$tree/alice" ]
	configured debug
	opens alice
	assert_equal "$stderr" "$LOG: there is no container alice"
}

@test "so is one on a kernel without containers, or without configfs" {
	rm -r "$tree"
	configured create
	opens alice
	assert_equal "$stderr" ''
	printf '%s\n' "session required $MODULE" >pam.d/session
	[[ ! -e /config/containers && ! -e /sys/kernel/config/containers ]] ||
		skip "this kernel has containers"
	opens alice
	assert_equal "$stderr" ''
}

@test "the name may have other words around that of the user" {
	container user-alice
	container 100%-alice-alice
	container all
	configured container=user-%u
	opens alice
	assert_equal "$(<"$tree/user-alice/addtask")" "$session"
	configured container=100%%-%u-%u
	opens alice
	assert_equal "$(<"$tree/100%-alice-alice/addtask")" "$session"
	configured container=all
	opens alice
	assert_equal "$(<"$tree/all/addtask")" "$session"
	configured container=%g
	refuses 'no container for user alice: want %u or %% in container=' alice
}

@test "it is the name that the system has, and not how it was typed" {
	container alice
	container ALICE
	configured create
	opens ALICE alice
	assert_equal "$(<"$tree/alice/addtask")" "$session"
	assert_equal "$(<"$tree/ALICE/addtask")" ''
}

@test "a name that would lead elsewhere is refused, whoever has it" {
	container alice
	configured create
	local no='want a name without / that does not begin with a dot'
	for user in ../alice alice/ . .. .alice; do
		refuses "no container for user $user: $no" "$user"
	done
	configured create container=%u-%u
	refuses "no container for user ../alice: $no" ../alice
	configured create 'container='
	refuses "no container for user alice: $no" alice
	configured create
	refuses $'no container for user al\nice: there is a control character in it' $'al\nice'
	refuses "no container for user $(printf '%0300d' 0): it is too long" "$(printf '%0300d' 0)"
	assert_equal "$(<"$tree/alice/addtask")" ''
	assert_equal "$(ls -d "$tree"/*/)" "$tree/alice/"
}

@test "who is not known is refused" {
	container alice
	refuses 'there is no user alice' alice bob
	assert_equal "$(<"$tree/alice/addtask")" ''
}

@test "create makes the container, once" {
	like_the_kernel
	configured create
	umask 077
	opens alice alice 1000
	umask 022
	assert_equal "$(<"$tree/alice/addtask")" "$session"
	assert_equal "$(stat -c '%a %u' "$tree/alice")" "755 $(id -u)"
	echo 64M >"$tree/alice/page_limit"
	opens alice alice 1000
	assert_equal "$(<"$tree/alice/addtask")" "$session"
	assert_equal "$(<"$tree/alice/page_limit")" 64M
}

@test "none is made for root, who joins the one that there is" {
	like_the_kernel
	configured create
	opens root root 0
	assert [ ! -e "$tree/root" ]
	container root
	opens root root 0
	assert_equal "$(<"$tree/root/addtask")" "$session"
}

@test "delegate gives the user what was made, and not what was there" {
	[[ $(id -u) == 0 ]] || skip "only root may"
	like_the_kernel
	configured create delegate
	opens alice alice 4711
	assert_equal "$(stat -c %u "$tree/alice" "$tree/alice"/* | sort -u)" 4711
	container bob
	opens bob bob 4712
	assert_equal "$(<"$tree/bob/addtask")" "$session"
	assert_equal "$(stat -c %u "$tree/bob" "$tree/bob"/* | sort -u)" 0
}

@test "one that cannot be given to the user is not left there" {
	[[ $(id -u) != 0 ]] || ! hash setpriv || {
		# neither may root, without the capability
		configured create delegate
		like_the_kernel
		chmod -R 777 "$BATS_TEST_TMPDIR"
		run --separate-stderr with_kernel setpriv --bounding-set -chown --inh-caps -chown \
			"$SESSION" "$PWD/pam.d" alice alice 4711
		assert_failure
		assert_equal "$stderr" "$LOG: cannot set the owner of the files of container alice for user alice: Operation not permitted"
		assert [ ! -e "$tree/alice" ]
		return 0
	}
	skip "it takes root and setpriv"
}

@test "a container that cannot be joined is told, and the session is refused" {
	container alice
	full "$tree/alice/addtask"
	run --separate-stderr with_kernel ${UNDER:+"$UNDER"} "$SESSION" "$PWD/pam.d" alice
	assert_failure
	[[ $stderr == "$LOG: $tree/alice/addtask: "*': No space left on device' ]] || fail "$stderr"
	# unless the administrator says that it may be opened
	printf '%s\n' "session optional $MODULE config=$CTN_CONFIG" \
		'session required pam_permit.so' >pam.d/session
	run --separate-stderr with_kernel ${UNDER:+"$UNDER"} "$SESSION" "$PWD/pam.d" alice
	assert_success
	[[ $stderr == "$LOG: $tree/alice/addtask: "* ]] || fail "$stderr"
}

@test "what is no option is told, and the session is refused" {
	container alice
	configured contianer=alice
	refuses 'unknown option: contianer=alice' alice
	configured delegate
	refuses 'delegate is for create' alice
	assert_equal "$(<"$tree/alice/addtask")" ''
}

@test "nothing is taken from the environment" {
	container alice
	mkdir -p other/containers
	cp -r "$tree/alice" other/containers
	CTN_CONFIG=$PWD/other opens alice
	assert_equal "$(<"$tree/alice/addtask")" "$session"
	assert_equal "$(<other/containers/alice/addtask)" ''
}

@test "the module has what PAM calls, and nothing else that others could call" {
	run bash -c 'nm -D --defined-only "$0" | sed "s/.* //; s/@.*//" | sort' "$MODULE"
	assert_output "$(printf '%s\n' pam_sm_close_session pam_sm_open_session)"
}

@test "its man page has no warnings, and names every option" {
	page=$BATS_FILE_TMPDIR/usr/share/man/man8/pam_ctn.8
	LC_ALL=C.UTF-8 MANROFFSEQ='' MANWIDTH=80 run --separate-stderr \
		man --warnings -E UTF-8 -l "$page"
	assert_success
	assert_equal "$stderr" ''
	for option in $(grep -oE '"(container=|config=|create|delegate|debug)"' "$CTNCTL_SOURCE/pam/pam_ctn.c" | tr -d '"' | sort -u); do
		assert grep -qF -- "$option" "$page"
	done
}

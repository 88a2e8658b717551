#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# How trim divides its work: src/divide.c by itself.

load helper

setup_file() {
	export DIVIDE=$BATS_FILE_TMPDIR/divide
	"${CC:-cc}" -std=gnu11 -Wall -Wextra -Werror -fsanitize=undefined \
		-fno-sanitize-recover -I"$CTNCTL_SOURCE/src" -o "$DIVIDE" \
		"$CTNCTL_SOURCE/tests/divide.c" "$CTNCTL_SOURCE/src/divide.c"
}

# divides ROUND 'OVER...' 'PART...'
divides() {
	local over

	read -ra over <<<"$2"
	run ${UNDER:+"$UNDER"} "$DIVIDE" "$1" "${over[@]}"
	assert_success
	assert_output "$3"
}

@test "what a round is enough for is done in one" {
	divides 100 '10 0 90' '10 0 90'
	divides 1000 '10 0 90' '10 0 90'
}

@test "those that are farther over get more, in proportion" {
	divides 100 '300 100' '75 25'
	divides 100 '500 300 200' '50 30 20'
}

@test "those that are not over get nothing" {
	divides 100 '0 400 0' '0 100 0'
}

@test "nobody who is over gets nothing" {
	divides 100 '1 1000000' '1 100'
	divides 2 '1 1 1 1' '1 1 1 1'
}

@test "nobody gets more than they are over" {
	divides 10 '1 1 9' '1 1 9'
	divides 99 '1 1 98' '1 1 98'
}

@test "a round is exceeded by less than a page for each" {
	divides 100 '1 1 1 999' '1 1 1 100'
}

@test "there may be nobody, or nothing to do" {
	divides 100 '' ''
	divides 100 '0 0' '0 0'
	divides 0 '5 5' '0 0'
}

@test "the largest numbers are divided well" {
	divides 1000 '18446744073709551615 18446744073709551615' '500 500'
	divides 18446744073709551615 '18446744073709551615 18446744073709551615' \
		'9223372036854775808 9223372036854775808'
}

# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What the suites share in which tests/helpers/partway.c does something over and
# over, each time with something else going wrong in the middle of it. $C is the
# name of the container that it makes anew for each.

load common

setup_file() {
	common_setup_file partway
	enable_huge_pages
}

setup() {
	common_setup
	rmdir "$C"
}

teardown() {
	[ -d "$C" ] || mkdir "$C"
	common_teardown
}

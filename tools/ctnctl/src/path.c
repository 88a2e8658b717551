// SPDX-License-Identifier: GPL-2.0-only
/*
 * ctnctl path: where the containers are, or one of them.
 */
#include <stdio.h>

#include "common.h"

static int run_path(const struct command *cmd, int argc, char **argv)
{
	struct ctn_tree *tree;
	struct ctn *ctn;

	take_no_options(cmd, argc, argv);
	if (argc - optind > 1)
		wrong_usage(cmd, "too many arguments: %s", argv[optind + 1]);

	tree = open_tree();
	if (optind < argc) {
		ctn = open_container(tree, take_name(tree, argv[optind]));
		puts(ctn_path(ctn));
		ctn_close(ctn);
	} else {
		puts(ctn_tree_path(tree));
	}
	ctn_tree_close(tree);
	return STATUS_OK;
}

const struct command path_command = {
	.name = "path",
	.summary = "print where the containers are, or one of them",
	.help =
	"Usage: ctnctl path [OPTION...] [NAME]\n\n"
	"Print the directory of the container NAME, or the one that all are in.\n\n"
	"Options:\n"
	" -h, --help  print this help\n"
	"\nExample:\n"
	"  chown -R alice \"$(ctnctl path alice)\"\n",
	.run = run_path,
};

// SPDX-License-Identifier: GPL-2.0-only
/*
 * ctnctl add-task, rm-task, add-file and rm-file: what is in a container.
 * All four take a NAME and then members of one sort.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "common.h"

/* Do something with each member, even if one before it was refused. */
static int for_members(const struct command *cmd, int argc, char **argv,
		       const char *what,
		       int (*change)(const struct ctn *ctn, const char *member))
{
	int status = STATUS_OK;
	struct ctn_tree *tree;
	struct ctn *ctn;

	take_no_options(cmd, argc, argv);
	if (argc - optind < 2)
		wrong_usage(cmd, "no %s given",
			    optind == argc ? "NAME" : what);

	tree = open_tree();
	ctn = open_container(tree, take_name(tree, argv[optind]));
	optind++;
	for (; optind < argc; optind++)
		if (change(ctn, argv[optind]))
			status = refused();
	ctn_close(ctn);
	ctn_tree_close(tree);
	return status;
}

/*
 * A pid goes to the kernel as it was typed: if it is none, the kernel says so
 * just as it does for every other value.
 */
static int add_task(const struct ctn *ctn, const char *pid)
{
	return ctn_set(ctn, "addtask", pid);
}

static int rm_task(const struct ctn *ctn, const char *pid)
{
	return ctn_set(ctn, "rmtask", pid);
}

static int run_add_task(const struct command *cmd, int argc, char **argv)
{
	return for_members(cmd, argc, argv, "PID", add_task);
}

static int run_rm_task(const struct command *cmd, int argc, char **argv)
{
	return for_members(cmd, argc, argv, "PID", rm_task);
}

static int run_add_file(const struct command *cmd, int argc, char **argv)
{
	return for_members(cmd, argc, argv, "PATH", ctn_add_file);
}

static int run_rm_file(const struct command *cmd, int argc, char **argv)
{
	return for_members(cmd, argc, argv, "PATH", ctn_rm_file);
}

const struct command add_task_command = {
	.name = "add-task",
	.summary = "move processes into a container",
	.help =
	"Usage: ctnctl add-task [OPTION...] NAME PID...\n\n"
	"Move each process PID, with all its threads, into the container NAME.\n"
	"The anonymous memory that it alone has is charged there from now on, and\n"
	"what it has that was charged to nobody. Its children will be in the\n"
	"container too; those that it has are not moved.\n\n"
	"Options:\n"
	" -h, --help  print this help\n"
	"\nExample:\n"
	"  ctnctl add-task web $(pidof nginx)\n",
	.run = run_add_task,
};

const struct command rm_task_command = {
	.name = "rm-task",
	.summary = "move processes out of a container",
	.help =
	"Usage: ctnctl rm-task [OPTION...] NAME PID...\n\n"
	"Move each process PID, with all its threads, out of the container NAME.\n\n"
	"Options:\n"
	" -h, --help  print this help\n",
	.run = run_rm_task,
};

const struct command add_file_command = {
	.name = "add-file",
	.summary = "make a container the owner of files",
	.help =
	"Usage: ctnctl add-file [OPTION...] NAME PATH...\n\n"
	"Make the container NAME the owner of each file PATH: its page cache is\n"
	"charged there from now on, whoever uses it. What is cached already moves\n"
	"with it.\n\n"
	"Options:\n"
	" -h, --help  print this help\n"
	"\nExample:\n"
	"  ctnctl add-file db /var/lib/db/*.dat\n",
	.run = run_add_file,
};

const struct command rm_file_command = {
	.name = "rm-file",
	.summary = "take files from a container",
	.help =
	"Usage: ctnctl rm-file [OPTION...] NAME PATH...\n\n"
	"Take each file PATH from the container NAME.\n\n"
	"Options:\n"
	" -h, --help  print this help\n",
	.run = run_rm_file,
};

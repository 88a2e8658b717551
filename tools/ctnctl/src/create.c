// SPDX-License-Identifier: GPL-2.0-only
/*
 * ctnctl create and delete: containers come and go.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "common.h"

/* A container that cannot get its limits is not left without them. */
static int create(const struct ctn_tree *tree, const char *name,
		  const struct settings *settings)
{
	struct ctn *ctn = ctn_create(tree, name);
	int status;

	if (!ctn)
		return refused();
	status = settings_apply(settings, ctn);
	/* nobody else's, who has taken the name meanwhile */
	if (status && ctn_remove(ctn) && errno != ENOENT)
		refused();
	ctn_close(ctn);
	return status;
}

static int run_create(const struct command *cmd, int argc, char **argv)
{
	static const struct option options[] = {
		SETTING_OPTIONS,
		{ "help", no_argument, NULL, 'h' },
		{ 0 }
	};
	struct settings settings = { 0 };
	int status = STATUS_OK;
	struct ctn_tree *tree;
	int opt;

	while ((opt = next_option(argc, argv, "h", options)) != -1) {
		if (opt == 'h')
			print_help(cmd);
		if (!settings_option(cmd, &settings, opt, optarg))
			try_help(cmd);
	}
	if (optind == argc)
		wrong_usage(cmd, "no NAME given");

	tree = open_tree();
	for (; optind < argc && !stop_signal; optind++)
		status |= create(tree, argv[optind], &settings);
	ctn_tree_close(tree);
	settings_free(&settings);
	stop_now();
	return status;
}

const struct command create_command = {
	.name = "create",
	.summary = "make containers",
	.help =
	"Usage: ctnctl create [OPTION...] NAME...\n\n"
	"Make a container of each NAME. One that cannot get its limits is not\n"
	"made; the others are.\n\n"
	"Options:\n"
	SETTING_HELP
	" -h, --help              print this help\n"
	"\nExample:\n"
	"  ctnctl create --page-limit 64M --task-limit 100 web\n",
	.run = run_create,
};

/* What goes on without limits is worth a word. */
int delete_loudly(const struct ctn *ctn)
{
	uint64_t tasks = 0;

	if (ctn_get_number(ctn, "num_tasks", &tasks))
		tasks = 0;
	if (ctn_remove(ctn))
		return refused();
	if (tasks)
		complain("%s: %" PRIu64 " thread%s on without a container",
			 ctn_name(ctn), tasks, tasks == 1 ? " goes" : "s go");
	return STATUS_OK;
}

static int delete(const struct ctn_tree *tree, const char *name)
{
	struct ctn *ctn = ctn_open(tree, name);
	int status = ctn ? delete_loudly(ctn) : refused();

	ctn_close(ctn);
	return status;
}

static int run_delete(const struct command *cmd, int argc, char **argv)
{
	int status = STATUS_OK;
	struct ctn_tree *tree;

	take_no_options(cmd, argc, argv);
	if (optind == argc)
		wrong_usage(cmd, "no NAME given");

	tree = open_tree();
	take_names(tree, argv + optind);
	for (; optind < argc; optind++)
		status |= delete(tree, argv[optind]);
	ctn_tree_close(tree);
	return status;
}

const struct command delete_command = {
	.name = "delete",
	.summary = "remove containers; their tasks and files go on without",
	.help =
	"Usage: ctnctl delete [OPTION...] NAME...\n\n"
	"Remove the container of each NAME. Its tasks and files leave it first,\n"
	"and go on without a container; nothing is killed. How many threads that are\n"
	"is said on standard error.\n\n"
	"Options:\n"
	" -h, --help  print this help\n",
	.run = run_delete,
};

// SPDX-License-Identifier: GPL-2.0-only
/*
 * ctnctl set: change attributes of a container, or the defaults of new ones.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"

struct config {
	int defaults;
	char *name;
	struct settings settings;
};

/* ATTR=VALUE is cut in two where it stands. */
static void take_word(const struct command *cmd, struct config *config,
		      char *word)
{
	char *equals;

	if (!config->defaults && !config->name) {
		config->name = word;
		return;
	}
	/* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): an argument */
	equals = strchr(word, '=');
	if (!equals || equals == word)
		wrong_usage(cmd, "want ATTR=VALUE, not: %s", word);
	*equals = '\0';
	settings_add(&config->settings, word, equals + 1);
}

static void parse(const struct command *cmd, struct config *config, int argc,
		  char **argv)
{
	static const struct option options[] = {
		SETTING_OPTIONS,
		{ "defaults", no_argument, NULL, 'd' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 }
	};
	int opt;

	/*
	 * The - makes words come as options, so that all settings are taken
	 * in the order they are given in.
	 */
	while ((opt = next_option(argc, argv, "-dh", options)) != -1) {
		switch (opt) {
		case 1:
			take_word(cmd, config, optarg);
			break;
		case 'd':
			if (config->name)
				wrong_usage(cmd,
					    "--defaults stands in place of NAME");
			config->defaults = 1;
			break;
		case 'h':
			print_help(cmd);
		default:
			if (!settings_option(cmd, &config->settings, opt, optarg))
				try_help(cmd);
		}
	}
	for (; optind < argc; optind++)
		take_word(cmd, config, argv[optind]);
	if (!config->defaults && !config->name)
		wrong_usage(cmd, "no NAME given");
	if (!config->settings.count)
		wrong_usage(cmd, "nothing to set");
}

static int run_set(const struct command *cmd, int argc, char **argv)
{
	struct config config = { 0 };
	struct ctn_tree *tree;
	struct ctn *ctn;
	int status;

	parse(cmd, &config, argc, argv);
	tree = open_tree();
	if (config.defaults) {
		status = settings_apply_defaults(&config.settings, tree);
	} else {
		ctn = open_container(tree, take_name(tree, config.name));
		status = settings_apply(&config.settings, ctn);
		ctn_close(ctn);
	}
	ctn_tree_close(tree);
	settings_free(&config.settings);
	stop_now();
	return status;
}

const struct command set_command = {
	.name = "set",
	.summary = "change limits and other attributes",
	.help =
	"Usage: ctnctl set [OPTION...] NAME [ATTR=VALUE...]\n"
	"       ctnctl set [OPTION...] --defaults [ATTR=VALUE...]\n\n"
	"Write attributes of the container NAME, in the order given. If one is\n"
	"refused, those before it get back the values that they had, and those\n"
	"after it are not written. Any attribute that can be written may be\n"
	"given as ATTR=VALUE, and a resource that beancounters count as\n"
	"RESOURCE=LIMIT, RESOURCE=BARRIER:LIMIT or RESOURCE=reset. Of memory a value\n"
	"can be a size as below; a number alone is pages.\n\n"
	"Options:\n"
	SETTING_HELP
	" -d, --defaults          set the limits that new containers get\n"
	" -h, --help              print this help\n"
	"\nExamples:\n"
	"  ctnctl set web --page-limit 64M\n"
	"  ctnctl set web page_limit=max over_limit=deactivate\n"
	"  ctnctl set web numproc=30:32\n"
	"  ctnctl set --defaults --task-limit 1000\n",
	.run = run_set,
};

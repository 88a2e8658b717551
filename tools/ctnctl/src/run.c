// SPDX-License-Identifier: GPL-2.0-only
/*
 * ctnctl run: a program in a container. ctnctl joins, then becomes the
 * program, so that signals and the exit status are the program's own; or it stays as its
 * parent, if there is something to be done at its end: supervise.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "supervise.h"

enum { OPT_KILL = 0x200, OPT_RM, OPT_SUMMARY };

struct config {
	struct supervision end;
	char *name;
	char **program;
	struct settings settings;
};

static enum summary take_summary(const struct command *cmd, const char *how)
{
	if (!how || !strcmp(how, "text"))
		return SUMMARY_TEXT;
	if (!strcmp(how, "json"))
		return SUMMARY_JSON;
	wrong_usage(cmd, "want --summary or --summary=json, not: \"%s\"", how);
}

static void take_options(const struct command *cmd, struct config *config,
			 int argc, char **argv)
{
	static const struct option options[] = {
		SETTING_OPTIONS,
		{ "help", no_argument, NULL, 'h' },
		{ "kill", no_argument, NULL, OPT_KILL },
		{ "rm", no_argument, NULL, OPT_RM },
		{ "summary", optional_argument, NULL, OPT_SUMMARY },
		{ 0 }
	};
	int opt;

	while ((opt = next_option(argc, argv, "+h", options)) != -1) {
		if (opt == 'h')
			print_help(cmd);
		if (opt == OPT_KILL)
			config->end.kill = 1;
		else if (opt == OPT_RM)
			config->end.remove = 1;
		else if (opt == OPT_SUMMARY)
			config->end.summary = take_summary(cmd, optarg);
		else if (!settings_option(cmd, &config->settings, opt, optarg))
			try_help(cmd);
	}
}

/*
 * Options may stand before NAME and after it, but all that comes after "--",
 * or after the first word that is no option, is the program's.
 */
static void parse(const struct command *cmd, struct config *config, int argc,
		  char **argv)
{
	int ended;

	take_options(cmd, config, argc, argv);
	if (optind == argc)
		wrong_usage(cmd, "no NAME given");
	ended = !strcmp(argv[optind - 1], "--");
	config->name = argv[optind++];
	if (!ended)
		take_options(cmd, config, argc, argv);
	else if (optind < argc && !strcmp(argv[optind], "--"))
		optind++;
	if (optind == argc)
		wrong_usage(cmd, "no PROGRAM given");
	config->program = argv + optind;
}

/*
 * Whoever comes second finds the container there, and goes on with it. Says
 * in @made who was first.
 */
static struct ctn *create_or_open(const struct ctn_tree *tree,
				  const char *name, int *made)
{
	struct ctn *ctn = ctn_create(tree, name);

	*made = ctn != NULL;
	if (!ctn && errno == EEXIST)
		ctn = ctn_open(tree, name);
	if (!ctn)
		exit(refused());
	return ctn;
}

void delete_unused(const struct ctn *ctn, uint64_t own)
{
	uint64_t tasks;

	if (!ctn_get_number(ctn, "num_tasks", &tasks) && tasks > own)
		return;
	if (ctn_remove(ctn) && errno != ENOENT)
		refused();
}

int cannot_run(const char *program, int err)
{
	/* what does not fit below rss_limit is too long as well */
	complain("%s: %s%s", program, strerror(err), err == E2BIG ?
		 " (or its arguments do not fit below rss_limit)" : "");
	return err == ENOENT ? STATUS_NOT_FOUND : STATUS_CANNOT_EXEC;
}

static int is_program(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return 0;
	if (S_ISDIR(st.st_mode)) {
		errno = EACCES;
		return 0;
	}
	return !faccessat(AT_FDCWD, path, X_OK, AT_EACCESS);
}

/* Nothing is to be made or set for one that is mistyped. */
int find_program(const char *program)
{
	const char *dirs = getenv("PATH");
	int err = ENOENT;
	size_t len;

	if (strchr(program, '/'))
		return is_program(program) ? 0 : errno;
	if (!*program)
		return ENOENT;
	for (dirs = dirs ? dirs : "/bin:/usr/bin";; dirs += len + 1) {
		char *path;

		len = strcspn(dirs, ":");
		path = xasprintf("%.*s%s%s", (int)len, dirs, len ? "/" : "",
				 program);
		if (is_program(path))
			err = 0;
		else if (errno == EACCES)
			err = EACCES;
		free(path);
		if (!err || !dirs[len])
			return err;
	}
}

static int run_run(const struct command *cmd, int argc, char **argv)
{
	struct config config = { 0 };
	struct ctn_tree *tree;
	struct ctn *ctn;
	int made, err, status, stay;

	parse(cmd, &config, argc, argv);
	tree = open_tree();
	err = find_program(config.program[0]);
	if (err) {
		ctn_tree_close(tree);
		settings_free(&config.settings);
		return cannot_run(config.program[0], err);
	}
	ctn = create_or_open(tree, take_name(tree, config.name), &made);
	stay = config.end.kill || config.end.remove || config.end.summary;
	status = settings_apply(&config.settings, ctn);
	if (!status && !stop_signal && !stay && ctn_add_task(ctn, getpid()))
		status = refused();
	if ((status || stop_signal) && made)
		delete_unused(ctn, 0);
	stop_now();
	if (!status && stay) {
		status = supervise(ctn, made, config.program, &config.end);
	} else if (!status) {
		execvp(config.program[0], config.program);
		status = cannot_run(config.program[0], errno);
		if (made)
			delete_unused(ctn, 1);
	}
	ctn_close(ctn);
	ctn_tree_close(tree);
	settings_free(&config.settings);
	return status;
}

const struct command run_command = {
	.name = "run",
	.summary = "run a program in a container",
	.help =
	"Usage: ctnctl run [OPTION...] NAME [--] PROGRAM [ARGUMENT...]\n\n"
	"Run PROGRAM in the container NAME. If there is no such container, it is made.\n"
	"The container stays when the program has ended. The limits are set before the\n"
	"program starts, also if the container was there before.\n\n"
	"Options:\n"
	SETTING_HELP
	"     --rm                remove the container in the end, if it was made\n"
	"     --kill              in the end kill all processes that are still in the\n"
	"                         container\n"
	"     --summary[=json]    print on standard error what PROGRAM took: peaks, time\n"
	"                         that it was held up, memory that was trimmed\n"
	" -h, --help              print this help\n"
	"\nThe exit status is that of PROGRAM; 126 if it cannot be run, 127 if it\n"
	"cannot be found, 1 if the container was refused.\n"
	"\nExample:\n"
	"  ctnctl run --page-limit 64M web -- tar -cf /tmp/home.tar /home\n"
	"  ctnctl run --rm --kill --summary job -- make\n",
	.run = run_run,
};

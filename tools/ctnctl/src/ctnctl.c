// SPDX-License-Identifier: GPL-2.0-only
/*
 * ctnctl: containers from the command line. This file takes the options that
 * come before the command, and finds the command.
 */
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "complete.h"

/*
 * What is opened is not to be taken for one of these that is closed. Nothing can be
 * written to what stands in for it, so that this is noticed.
 */
static void open_standard_files(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDONLY);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

static const struct command *const commands[] = {
	&create_command, &delete_command, &list_command, &show_command,
	&set_command, &add_task_command, &rm_task_command, &add_file_command,
	&rm_file_command, &shrink_command, &watch_command, &trim_command,
	&run_command, &ps_command, &which_command, &kill_command,
	&stop_command, &path_command, &apply_command, &save_command,
	&metrics_command, &top_command, &check_command,
	&beancounters_command, &oci_hook_command, &rules_command,
};

/* What they are called by those who know other tools. */
static const struct {
	const char *name;
	const struct command *cmd;
} aliases[] = {
	{ "ls", &list_command }, { "mk", &create_command },
	{ "rm", &delete_command },
};

static noreturn void print_main_help(void)
{
	fputs("Usage: ctnctl [--config DIR] [--exact] COMMAND [ARGUMENT...]\n\n"
	      "Manage the containers of the kernel: groups of tasks and files\n"
	      "whose memory is counted and limited together.\n\n"
	      "Commands:\n", stdout);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		printf("  %-12s  %s\n", commands[i]->name,
		       commands[i]->summary);
	printf("  %-12s  %s\n", "help",
	       "print this help, or that of a command: help COMMAND");
	printf("  %-12s  %s\n", "ls, mk, rm", "short for list, create and delete");
	fputs("\nOptions:\n"
	      " -c, --config DIR  where configfs is mounted, if it is not to be\n"
	      "                   looked up; also taken from $CTN_CONFIG\n"
	      "     --exact       names are as they are typed, and have no escapes\n"
	      " -h, --help        print this help; after a command, print its\n"
	      " -V, --version     print the version\n"
	      "\nExit status: 0 when all was done, 1 when something was refused,\n"
	      "2 for wrong usage. With run it is that of the program.\n"
	      "\nExample:\n"
	      "  ctnctl create --page-limit 64M web\n"
	      "  ctnctl run web -- tar -cf /tmp/home.tar /home\n"
	      "  ctnctl list\n"
	      "\nFor more, see ctnctl(8).\n", stdout);
	finish(STATUS_OK);
}

static const struct command *look_up(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(commands[i]->name, name))
			return commands[i];
	for (size_t i = 0; i < ARRAY_SIZE(aliases); i++)
		if (!strcmp(aliases[i].name, name))
			return aliases[i].cmd;
	return NULL;
}

static const struct command *find_command(const char *name)
{
	const struct command *cmd = look_up(name);
	struct nearest meant = { 0 };

	if (cmd)
		return cmd;
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		nearest_look(&meant, name, commands[i]->name);
	nearest_look(&meant, name, "help");
	if (meant.word)
		wrong_usage(NULL, "unknown command: %s; did you mean %s?", name,
			    meant.word);
	wrong_usage(NULL, "unknown command: %s", name);
}

/* list and show have more to say than their text. */
static noreturn void help(int argc, char **argv)
{
	static char option[] = "--help";
	char *words[] = { argv[1], option, NULL };
	const struct command *cmd;

	if (argc > 2)
		wrong_usage(NULL, "too many arguments: %s", argv[2]);
	if (argc < 2 || !strcmp(argv[1], "help") || *argv[1] == '-')
		print_main_help();
	cmd = find_command(argv[1]);
	optind = 0;
	finish(cmd->run(cmd, 2, words));
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "exact", no_argument, &exact_names, 1 },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 }
	};
	static char name[] = "ctnctl";
	const struct command *cmd;
	int opt;

	open_standard_files();
	setlocale(LC_ALL, "");
	/* numbers are for programs, too, and are written as the manual has them */
	setlocale(LC_NUMERIC, "C");
	configfs = getenv("CTN_CONFIG");
	if (configfs && !*configfs)
		configfs = NULL;

	if (argc > 0)
		argv[0] = name;
	while ((opt = next_option(argc, argv, "+c:hV", options)) != -1) {
		switch (opt) {
		case 0:
			break;
		case 'c':
			if (!*optarg)
				wrong_usage(NULL, "want a directory, not: \"\"");
			configfs = optarg;
			break;
		case 'h':
			print_main_help();
		case 'V':
			printf("ctnctl %s\n", ctn_version());
			finish(STATUS_OK);
		default:
			try_help(NULL);
		}
	}
	if (optind >= argc)
		wrong_usage(NULL, "no command given");

	/* for shells, and not in the help */
	if (!strcmp(argv[optind], "complete"))
		complete(&(struct words){ look_up, print_main_help }, argc - optind,
			 argv + optind);
	if (!strcmp(argv[optind], "help"))
		help(argc - optind, argv + optind);
	cmd = find_command(argv[optind]);
	argc -= optind;
	argv += optind;
	/* getopt(3) begins its messages with this. */
	argv[0] = xasprintf("ctnctl: %s", cmd->name);
	/* 0 makes glibc start over, and read the + and - of the next string. */
	optind = 0;
	opt = cmd->run(cmd, argc, argv);
	free(argv[0]);
	finish(opt);
}

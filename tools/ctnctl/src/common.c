// SPDX-License-Identifier: GPL-2.0-only
/*
 * How ctnctl ends: refusals, wrong usage, help. And how it begins: opening the
 * tree and a container in it.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"

const char *configfs;

int refused(void)
{
	fprintf(stderr, "ctnctl: %s\n", ctn_errmsg());
	return STATUS_REFUSED;
}

noreturn void die(const char *fmt, ...)
{
	va_list args;

	fputs("ctnctl: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	exit(STATUS_REFUSED);
}

noreturn void try_help(const struct command *cmd)
{
	fprintf(stderr, "Try 'ctnctl %s%s--help' for more information.\n",
		cmd ? cmd->name : "", cmd ? " " : "");
	exit(STATUS_USAGE);
}

noreturn void wrong_usage(const struct command *cmd, const char *fmt, ...)
{
	va_list args;

	fputs("ctnctl: ", stderr);
	if (cmd)
		fprintf(stderr, "%s: ", cmd->name);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	try_help(cmd);
}

noreturn void print_help(const struct command *cmd)
{
	fputs(cmd->help, stdout);
	finish(STATUS_OK);
}

noreturn void finish(int status)
{
	int failed = ferror(stdout);

	if (fclose(stdout) || failed)
		die("standard output: %s", strerror(errno));
	exit(status);
}

struct ctn_tree *open_tree(void)
{
	struct ctn_tree *tree = ctn_tree_open(configfs);

	if (!tree)
		exit(refused());
	return tree;
}

struct ctn *open_container(const struct ctn_tree *tree, const char *name)
{
	struct ctn *ctn = ctn_open(tree, name);

	if (!ctn)
		exit(refused());
	return ctn;
}

void *xrealloc(void *old, size_t count, size_t size)
{
	void *new = reallocarray(old, count, size);

	if (!new)
		die("%s", strerror(ENOMEM));
	return new;
}

char *xasprintf(const char *fmt, ...)
{
	va_list args;
	char *text;
	int len;

	va_start(args, fmt);
	len = vasprintf(&text, fmt, args);
	va_end(args);
	if (len < 0)
		die("%s", strerror(ENOMEM));
	return text;
}

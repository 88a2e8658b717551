// SPDX-License-Identifier: GPL-2.0-only
/*
 * How ctnctl ends: refusals, wrong usage, help. And how it begins: opening the
 * tree and a container in it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common.h"

const char *configfs;

int refused(void)
{
	fprintf(stderr, "ctnctl: %s\n", ctn_errmsg());
	return STATUS_REFUSED;
}

/* Is there nothing to escape? Nearly all that is printed is so: numbers, and most names. */
static int is_plain(const char *text, const char *kept)
{
	for (; *text; text++)
		if ((*text <= ' ' || *text > '~' || *text == '\\') && !strchr(kept, *text))
			return 0;
	return 1;
}

char *printable_but(const char *text, const char *kept)
{
	char *line = NULL;
	FILE *to;
	size_t len;

	if (is_plain(text, kept)) {
		line = strdup(text);
		if (!line)
			die("%s", strerror(errno));
		return line;
	}
	to = open_memstream(&line, &len);
	if (!to)
		die("%s", strerror(errno));
	for (;;) {
		size_t word = strcspn(text, kept);
		char *copy = strndup(text, word);
		char *escaped = copy ? ctn_escape(copy) : NULL;

		fputs(escaped ? escaped : "", to);
		free(escaped);
		free(copy);
		text += word;
		if (!*text)
			break;
		putc(*text++, to);
	}
	fclose(to);
	return line;
}

char *printable(const char *text)
{
	return printable_but(text, " ");
}

/* A line on stderr, and one line whatever the words in it are. */
static void print_line(const char *text)
{
	char *line = printable(text);

	fprintf(stderr, "%s\n", line);
	free(line);
}

void print_reason(const char *fmt, va_list args)
{
	char *text;

	if (vasprintf(&text, fmt, args) < 0) {
		fprintf(stderr, "%s\n", strerror(ENOMEM));
		return;
	}
	print_line(text);
	free(text);
}

static PRINTF(2, 0) void print_message(const struct command *cmd,
				       const char *fmt, va_list args)
{
	fprintf(stderr, "ctnctl: %s%s", cmd ? cmd->name : "", cmd ? ": " : "");
	print_reason(fmt, args);
}

void complain(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	print_message(NULL, fmt, args);
	va_end(args);
}

noreturn void die(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	print_message(NULL, fmt, args);
	va_end(args);
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

	va_start(args, fmt);
	print_message(cmd, fmt, args);
	va_end(args);
	try_help(cmd);
}

int next_option(int argc, char **argv, const char *letters,
		const struct option *options)
{
	FILE *real = stderr;
	char *text = NULL;
	size_t len;
	int opt;

	/* getopt(3) puts words into its messages as they are. */
	stderr = open_memstream(&text, &len);
	if (!stderr) {
		stderr = real;
		die("%s", strerror(errno));
	}
	opt = getopt_long(argc, argv, letters, options, NULL);
	fclose(stderr);
	stderr = real;
	if (text && len) {
		text[len - 1] = '\0';
		print_line(text);
	}
	free(text);
	return opt;
}

void take_no_options(const struct command *cmd, int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ 0 }
	};
	int opt;

	while ((opt = next_option(argc, argv, "h", options)) != -1) {
		if (opt == 'h')
			print_help(cmd);
		try_help(cmd);
	}
}

noreturn void print_help(const struct command *cmd)
{
	fputs(cmd->help, stdout);
	finish(STATUS_OK);
}

void need_output(void)
{
	if ((fcntl(STDOUT_FILENO, F_GETFL) & O_ACCMODE) == O_RDONLY)
		die("standard output: %s", strerror(EBADF));
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

void allow_many_files(void)
{
	struct rlimit files;

	if (!getrlimit(RLIMIT_NOFILE, &files)) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
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

int read_number(const struct ctn *ctn, const struct ctn_stats *stats, const char *attr,
		uint64_t *value)
{
	for (size_t i = 0; stats && i < ctn_stats_count(stats); i++) {
		if (strcmp(ctn_stats_key(stats, i), attr) != 0)
			continue;
		*value = ctn_stats_value(stats, i);
		return 0;
	}
	return ctn_get_number(ctn, attr, value);
}

int read_usage(const struct ctn *ctn, const struct ctn_stats *stats, uint64_t *pages)
{
	uint64_t anon, file;

	if (read_number(ctn, stats, "num_anon_pages", &anon) ||
	    read_number(ctn, stats, "num_file_pages", &file))
		return -1;
	*pages = anon + file;
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * ctnctl which: in which container a process is, and whose a file is.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "common.h"
#include "parse.h"
#include "process.h"

/* @word: what is in it, if there is more than one to tell of, or NULL. */
static void print_name(const char *word, const char *name)
{
	char *of = word ? printable(word) : NULL;
	char *text = printable(name);

	printf("%s%s%s\n", of ? of : "", of ? ": " : "", text);
	free(text);
	free(of);
}

char *which_container(const struct ctn_tree *tree, pid_t pid)
{
	char **names = ctn_tree_names(tree), *container = NULL;
	int found = 0;

	if (!names)
		exit(refused());
	for (char **name = names; *name && !found; name++) {
		struct ctn *ctn = ctn_open(tree, *name);
		pid_t *tids = NULL;
		ssize_t count = ctn ? ctn_tasks(ctn, &tids) : 0;

		for (ssize_t i = 0; i < count && !found; i++)
			found = tids[i] == pid;
		if (found)
			container = xasprintf("%s", *name);
		free(tids);
		ctn_close(ctn);
	}
	ctn_names_free(names);
	return container ? container : xasprintf("%s", "");
}

/* Returns 1 if it is in one. */
static int search_tasks(const struct ctn_tree *tree, const char *label, pid_t pid)
{
	char *container = which_container(tree, pid);
	int found = *container != '\0';

	if (found)
		print_name(label, container);
	free(container);
	return found;
}

static int which_task(const struct ctn_tree *tree, const char *word, const char *label)
{
	/* each byte of a name can be four here */
	char text[4 * CTN_NAME_MAX + 2];
	unsigned long pid;
	char *end;
	int found;

	errno = 0;
	pid = strtoul(word, &end, 10);
	if (errno || pid > INT_MAX || !pid) {
		complain("%s: %s", word, strerror(ESRCH));
		return STATUS_REFUSED;
	}
	if (proc_read((pid_t)pid, "container", text, sizeof(text))) {
		found = *text != '\0';
		text[strcspn(text, "\n")] = '\0';
		undo_octal(text);
		if (found)
			print_name(label, text);
	} else if (errno != ENOENT) {
		complain("%s: %s", word, strerror(errno));
		return STATUS_REFUSED;
	} else if (!proc_read((pid_t)pid, "comm", text, sizeof(text))) {
		complain("%s: %s", word, strerror(ESRCH));
		return STATUS_REFUSED;
	} else {
		found = search_tasks(tree, label, (pid_t)pid);
	}
	if (!found)
		complain("%s: it is in no container", word);
	return found ? STATUS_OK : STATUS_REFUSED;
}

/* The file on overlayfs is listed as the one beneath: then its path is the same. */
static int is_file(const struct ctn_mapping *map, const struct stat *st,
		   const char *path)
{
	return (map->major == major(st->st_dev) && map->minor == minor(st->st_dev) &&
		map->inode == st->st_ino) ||
	       (map->path && path && !strcmp(map->path, path));
}

/* All that own it, or have memory in it. */
static int which_file(const struct ctn_tree *tree, const char *word, const char *label)
{
	int found = 0, unread = 0;
	char **names, *path;
	struct stat st;

	if (stat(word, &st)) {
		complain("%s: %s", word, strerror(errno));
		return STATUS_REFUSED;
	}
	if (!S_ISREG(st.st_mode)) {
		complain("%s: it is no regular file", word);
		return STATUS_REFUSED;
	}
	path = realpath(word, NULL);
	names = ctn_tree_names(tree);
	if (!names)
		exit(refused());
	for (char **name = names; *name; name++) {
		struct ctn *ctn = ctn_open(tree, *name);
		struct ctn_mapping **maps = NULL;

		/* one that has gone has no files; and not all may be looked at */
		if (!ctn || ctn_mappings(ctn, &maps) < 0)
			unread |= errno != ENOENT;
		for (size_t i = 0; maps && maps[i]; i++) {
			if (!is_file(maps[i], &st, path))
				continue;
			print_name(label, *name);
			found = 1;
			break;
		}
		ctn_mappings_free(maps);
		ctn_close(ctn);
	}
	ctn_names_free(names);
	free(path);
	if (!found)
		complain(unread ? "%s: it is in none of the containers whose files this user may list" :
			 "%s: it is in no container", word);
	return found ? STATUS_OK : STATUS_REFUSED;
}

static int run_which(const struct command *cmd, int argc, char **argv)
{
	int several, status = STATUS_OK;
	struct ctn_tree *tree;

	take_no_options(cmd, argc, argv);
	if (optind == argc)
		wrong_usage(cmd, "no PID or PATH given");
	several = argc - optind > 1;
	tree = open_tree();
	for (; optind < argc; optind++) {
		const char *word = argv[optind], *label = several ? word : NULL;

		if (*word && !word[strspn(word, "0123456789")])
			status |= which_task(tree, word, label);
		else
			status |= which_file(tree, word, label);
	}
	ctn_tree_close(tree);
	return status;
}

const struct command which_command = {
	.name = "which",
	.summary = "print the container of processes and files",
	.help =
	"Usage: ctnctl which [OPTION...] PID|PATH...\n\n"
	"Print the name of the container that each process PID, or thread, is in, and\n"
	"of each one that owns the file PATH or has memory in it, a line for each;\n"
	"after PID or PATH, if there are several. A file whose name is a number is\n"
	"written ./NUMBER.\n\n"
	"Options:\n"
	" -h, --help  print this help\n"
	"\nThe exit status is 1 if one of them is in none.\n"
	"\nExample:\n"
	"  ctnctl which $$ /usr/bin/bash\n",
	.run = run_which,
};

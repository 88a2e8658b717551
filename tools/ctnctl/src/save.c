// SPDX-License-Identifier: GPL-2.0-only
/*
 * ctnctl save: print the containers as a configuration that ctnctl apply takes.
 *
 * All settings are printed, also those that are as in a new container: what was
 * changed since is set back by them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"
#include "named.h"
#include "resource.h"
#include "rights.h"

/* What can be written: one line, without white space around it. */
static int is_line(const char *value)
{
	size_t len = strlen(value);

	return len && len <= CTN_VALUE_MAX && !strpbrk(value, "\n\v\f\r") && !strchr(" \t", *value) &&
	       !strchr(" \t", value[len - 1]);
}

/* @name: the key. A kernel may lack the attribute. */
static int save_value(FILE *to, const char *path, const struct ctn_attr *attr,
		      const char *name, char *value)
{
	int status = STATUS_OK;
	uint64_t number;

	if (!value)
		return errno == ENOENT ? STATUS_OK : refused();
	if (attr->kind == CTN_KIND_PAGES && !ctn_parse_pages(value, &number)) {
		fprintf(to, "%s = %s\n", name, exact_size(number).text);
	} else if (attr->kind != CTN_KIND_PAGES && is_line(value)) {
		fprintf(to, "%s = %s\n", name, value);
	} else {
		complain("%s/%s: \"%.80s\": Not what is expected of this file", path,
			 attr->name, value);
		status = STATUS_REFUSED;
	}
	free(value);
	return status;
}

/* What cannot be a key, or would be refused. */
static int is_row(const struct resource_row *rows, ssize_t at)
{
	const char *name = rows[at].name;

	if (!*name || name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_")] ||
	    rows[at].bounds.barrier > rows[at].bounds.limit)
		return 0;
	while (at-- > 0)
		if (!strcmp(rows[at].name, name))
			return 0;
	return 1;
}

/* A kernel may have no beancounters. */
static int save_resources(FILE *to, const struct holder *of)
{
	struct resource_row *rows = NULL;
	ssize_t count = resource_rows(of, &rows);
	int status = STATUS_OK;

	if (count < 0)
		return errno == ENOENT ? STATUS_OK : refused();
	for (ssize_t i = 0; i < count; i++) {
		char *text = resource_text(rows[i].name, &rows[i].bounds);

		if (is_row(rows, i)) {
			fprintf(to, "%s = %s\n", rows[i].name, text);
		} else {
			complain("%s/%sbeancounters: \"%.80s\", %s: Not what is expected of this file",
				 of->ctn ? ctn_path(of->ctn) : ctn_tree_path(of->tree),
				 of->ctn ? "" : "default_", rows[i].name, text);
			status = STATUS_REFUSED;
		}
		free(text);
	}
	resource_rows_free(rows, count);
	return status;
}

static int save_defaults(FILE *to, const struct ctn_tree *tree)
{
	const struct ctn_attr *attr;
	int status = STATUS_OK;

	fputs("\n[defaults]\n", to);
	for (size_t i = 0; (attr = ctn_attr_at(i)); i++)
		if ((attr->flags & CTN_ATTR_SETTING) &&
		    (attr->flags & CTN_ATTR_TREE))
			status |= save_value(to, ctn_tree_path(tree), attr,
					     attr->name + strlen("default_"),
					     ctn_tree_get(tree, attr->name));
	return status | save_resources(to, &(struct holder){ .tree = tree });
}

static void save_owner(FILE *to, const char *file, const struct stat *st)
{
	char *text = owner_text(&(struct owner){ st->st_uid, st->st_gid });

	fprintf(to, "owner%s%s = %s\n", *file ? "." : "", file, text);
	free(text);
}

static void save_mode(FILE *to, const char *file, const struct stat *st)
{
	mode_t usual;

	if (!mode_of_new(*file ? file : NULL, &usual) &&
	    (st->st_mode & 07777) != usual)
		fprintf(to, "mode%s%s = %04o\n", *file ? "." : "", file,
			st->st_mode & 07777);
}

/* A key cannot have every name that a file can. */
static int is_key(const char *file)
{
	return !file[strcspn(file, "= \t\n\v\f\r")];
}

static int save_rights(FILE *to, const struct ctn *ctn)
{
	char **files = ctn_attrs(ctn);
	int fd = ctn_fd(ctn);
	struct stat dir, st;

	if (!files || fstat(fd, &dir)) {
		int status = errno == ENOENT ? STATUS_OK : STATUS_REFUSED;

		if (status)
			complain("%s: %s", ctn_path(ctn), strerror(errno));
		ctn_names_free(files);
		return status;
	}
	save_owner(to, "", &dir);
	for (size_t i = 0; files[i]; i++)
		if (is_key(files[i]) && !fstatat(fd, files[i], &st, 0) &&
		    (st.st_uid != dir.st_uid || st.st_gid != dir.st_gid))
			save_owner(to, files[i], &st);
	save_mode(to, "", &dir);
	for (size_t i = 0; files[i]; i++)
		if (is_key(files[i]) && !fstatat(fd, files[i], &st, 0))
			save_mode(to, files[i], &st);
	ctn_names_free(files);
	return STATUS_OK;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* What is on tmpfs is gone after a reboot, and may be listed without being named. */
static int can_save(const char *path)
{
	int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	int can;

	if (fd < 0)
		return 0;
	can = !fstat(fd, &st) && S_ISREG(st.st_mode) && !is_held(fd);
	close(fd);
	return can;
}

static int save_files(FILE *to, const struct ctn *ctn)
{
	struct ctn_mapping **mappings;
	ssize_t count = ctn_mappings(ctn, &mappings);
	const char **paths;
	size_t npaths = 0;

	if (count < 0)
		return errno == ENOENT ? STATUS_OK : refused();
	paths = xrealloc(NULL, (size_t)count + 1, sizeof(*paths));
	for (ssize_t i = 0; i < count; i++)
		if (mappings[i]->path && can_save(mappings[i]->path))
			paths[npaths++] = mappings[i]->path;
	qsort(paths, npaths, sizeof(*paths), by_path);
	for (size_t i = 0; i < npaths; i++) {
		char *path = config_escape(paths[i]);

		fprintf(to, CONFIG_FILE " = %s\n", path);
		free(path);
	}
	free(paths);
	ctn_mappings_free(mappings);
	return STATUS_OK;
}

/* @named: the user asked for this one. What goes meanwhile is as if it had not been. */
static int save_one(const struct ctn_tree *tree, const char *name, int named,
		    int files)
{
	struct ctn *ctn = ctn_open(tree, name);
	const struct ctn_attr *attr;
	char *text = NULL, *escaped;
	int status = STATUS_OK;
	size_t len;
	FILE *to;

	if (!ctn)
		return named || errno != ENOENT ? refused() : STATUS_OK;
	to = open_memstream(&text, &len);
	if (!to)
		die("%s", strerror(errno));
	escaped = config_name(name);
	fprintf(to, "\n[%s]\n", escaped);
	free(escaped);
	for (size_t i = 0; (attr = ctn_attr_at(i)); i++)
		if ((attr->flags & CTN_ATTR_SETTING) &&
		    !(attr->flags & CTN_ATTR_TREE))
			status |= save_value(to, ctn_path(ctn), attr, attr->name,
					     ctn_get(ctn, attr->name));
	status |= save_resources(to, &(struct holder){ .ctn = ctn });
	status |= save_rights(to, ctn);
	if (files)
		status |= save_files(to, ctn);
	if (fclose(to))
		die("%s", strerror(errno));

	if (!ctn_exists(ctn))
		fputs(text, stdout);
	else if (named)
		status = refused();
	ctn_close(ctn);
	free(text);
	return status;
}

/* Of two sections with the same keys one would be refused. */
static int was_named(char **names, int count)
{
	for (int i = 0; i < count; i++)
		if (!strcmp(names[i], names[count]))
			return 1;
	return 0;
}

static int run_save(const struct command *cmd, int argc, char **argv)
{
	static const struct option options[] = {
		{ "files", no_argument, NULL, 'f' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 }
	};
	int opt, files = 0, status = STATUS_OK;
	struct ctn_tree *tree;
	char **names;

	while ((opt = next_option(argc, argv, "fh", options)) != -1) {
		switch (opt) {
		case 'f':
			files = 1;
			break;
		case 'h':
			print_help(cmd);
		default:
			try_help(cmd);
		}
	}
	tree = open_tree();
	take_names(tree, argv + optind);
	fputs("# Printed by \"ctnctl save\", for \"ctnctl apply\": see ctnctl.conf(5).\n",
	      stdout);
	for (int i = 0; i < argc - optind; i++)
		if (!was_named(argv + optind, i))
			status |= save_one(tree, argv[optind + i], 1, files);
	if (optind == argc) {
		status |= save_defaults(stdout, tree);
		names = ctn_tree_names(tree);
		if (!names)
			status = refused();
		for (size_t i = 0; names && names[i]; i++)
			status |= save_one(tree, names[i], 0, files);
		ctn_names_free(names);
	}
	ctn_tree_close(tree);
	return status;
}

const struct command save_command = {
	.name = "save",
	.summary = "print containers as a configuration file",
	.help =
	"Usage: ctnctl save [OPTION...] [NAME...]\n\n"
	"Print all settings of each container, or of those of each NAME, as a\n"
	"configuration that \"ctnctl apply\" takes: see ctnctl.conf(5). Tasks are\n"
	"not saved.\n\n"
	"Options:\n"
	" -f, --files  print the files that they own now, too, but for those on tmpfs;\n"
	"              whether somebody named a file for a container, or it was only\n"
	"              the first to use it, cannot be told\n"
	" -h, --help   print this help\n"
	"\nExample:\n"
	"  mkdir -p /etc/ctnctl.d && ctnctl save >/etc/ctnctl.d/50-saved.conf\n",
	.run = run_save,
};

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attributes and the values that they are to have: collected from options and
 * ATTR=VALUE, written all or none.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "resource.h"

void settings_add(struct settings *settings, const char *attr,
		  const char *value)
{
	settings->list = xrealloc(settings->list, settings->count + 1,
				  sizeof(*settings->list));
	settings->list[settings->count++] = (struct setting){ attr, value };
}

/* A limit of memory, which is "max" if there is none. */
static void take_limit(const struct command *cmd, const char *option,
		       char *value)
{
	const char *why = strcmp(value, "max") ? take_size(value) : NULL;

	if (why)
		wrong_usage(cmd, "--%s %s: %s; " WANT_SIZE ", or \"max\"", option,
			    value, why);
}

int settings_option(const struct command *cmd, struct settings *settings,
		    int opt, char *value)
{
	switch (opt) {
	case OPT_PAGE_LIMIT:
		take_limit(cmd, "page-limit", value);
		settings_add(settings, "page_limit", value);
		return 1;
	case OPT_TASK_LIMIT:
		settings_add(settings, "task_limit", value);
		return 1;
	case OPT_OVER_LIMIT:
		settings_add(settings, "over_limit", value);
		return 1;
	case OPT_RSS_LIMIT:
		take_limit(cmd, "rss-limit", value);
		settings_add(settings, "rss_limit", value);
		return 1;
	case OPT_OOM:
		settings_add(settings, "oom", value);
		return 1;
	default:
		return 0;
	}
}

char *default_name(const char *attr)
{
	static const char prefix[] = "default_";

	return xasprintf("%s%s", strncmp(attr, prefix, sizeof(prefix) - 1) ?
			 prefix : "", attr);
}

const char *take_value(const struct ctn_attr *attr, char *value)
{
	if (!attr || attr->kind != CTN_KIND_PAGES || !strcmp(value, "max") ||
	    !value[strspn(value, "0123456789")])
		return NULL;
	return take_size(value);
}

const char *nearest_setting(const char *name, int of_tree, int is_wanted(const struct ctn_attr *))
{
	struct nearest meant = { 0 };
	const struct ctn_attr *attr;

	for (size_t i = 0; (attr = ctn_attr_at(i)); i++)
		if (!(attr->flags & CTN_ATTR_TREE) == !of_tree && is_wanted(attr))
			nearest_look(&meant, name, attr->name +
				     (of_tree ? strlen("default_") : 0));
	for (size_t i = 0; ctn_resource_at(i); i++)
		nearest_look(&meant, name, ctn_resource_at(i)->name);
	return meant.word;
}

/* What is being written, and what was there before. */
struct change {
	char *file;		/* the attribute, or NULL if it is a resource */
	char *value;		/* NULL if it is not to be put back */
};

static char *get_file(const struct holder *of, const char *file)
{
	return of->ctn ? ctn_get(of->ctn, file) : ctn_tree_get(of->tree, file);
}

static int set_file(const struct holder *to, const char *file, const char *value)
{
	return to->ctn ? ctn_set(to->ctn, file, value) :
			 ctn_tree_set(to->tree, file, value);
}

/* Say why the value of a setting cannot be taken. */
static int refuse_value(const struct holder *to, const char *file, const char *value,
			const char *why)
{
	complain("%s/%s: \"%s\": %s", to->ctn ? ctn_path(to->ctn) : ctn_tree_path(to->tree),
		 file, value, why);
	return STATUS_REFUSED;
}

static int refuse_resource(const struct holder *to, const struct setting *new,
			   const char *why)
{
	char *text = xasprintf("%s %s", new->attr, new->value);
	int status = refuse_value(to, to->ctn ? "beancounters" : "default_beancounters",
				  text, why);

	free(text);
	return status;
}

static int set_resource(const struct holder *to, const struct setting *new,
			struct change *change)
{
	char *value = xasprintf("%s", new->value);
	struct bounds before, after;
	const char *why = strcmp(value, "reset") ?
			  resource_parse(new->attr, value, &after) : NULL;
	int counted = resource_get(to, new->attr, &before), status = STATUS_OK;

	if (counted < 0 || (counted && !why && resource_set(to, new->attr, value)))
		status = refused();
	else if (!counted)
		status = resource_not_counted(to, new->attr);
	else if (why)
		status = refuse_resource(to, new, why);
	else
		change->value = resource_text(new->attr, &before);
	free(value);
	return status;
}

static int is_writable(const struct ctn_attr *attr)
{
	return (attr->flags & CTN_ATTR_WRITE) != 0;
}

/* What the library has said, and what may have been meant. */
static int refuse_file(const struct holder *to, const struct setting *new, const char *file)
{
	int unknown = errno == ENOENT && !ctn_attr_find(file) &&
		      !(to->ctn && ctn_exists(to->ctn));
	const char *meant = unknown ? nearest_setting(new->attr, !to->ctn, is_writable) : NULL;

	if (!meant)
		return refused();
	fprintf(stderr, "ctnctl: %s; did you mean %s?\n", ctn_errmsg(), meant);
	return STATUS_REFUSED;
}

static int set_attr(const struct holder *to, const struct setting *new,
		    struct change *change)
{
	char *file = to->ctn ? xasprintf("%s", new->attr) : default_name(new->attr);
	const struct ctn_attr *known = ctn_attr_find(file);
	char *value = xasprintf("%s", new->value);
	const char *why = take_value(known, value);
	int is_list = known && known->kind == CTN_KIND_LIST;
	int status = STATUS_OK;
	uint64_t pages;

	change->file = file;
	change->value = is_list ? NULL : get_file(to, file);
	/* the kernel says what else is wrong, but takes less than a page for none */
	if (known && !strcmp(known->name, "pressure"))
		status = refuse_value(to, file, new->value,
				      "a trigger ends with the program that has the file open");
	else if (why && !ctn_parse_pages(value, &pages))
		status = refuse_value(to, file, new->value, why);
	else if (set_file(to, file, value))
		status = refuse_file(to, new, file);
	free(value);
	return status;
}

/* Returns an exit status; what was refused has been said then. */
static int set(const struct holder *to, const struct setting *new, struct change *change)
{
	int is_resource = resource_is(to, new->attr);

	*change = (struct change){ 0 };
	return is_resource < 0 ? refused() : is_resource ? set_resource(to, new, change) :
	       set_attr(to, new, change);
}

static int put_back(const struct holder *to, const struct setting *new,
		    const struct change *change)
{
	return change->file ? set_file(to, change->file, change->value) :
	       resource_set(to, new->attr, change->value);
}

static int apply(const struct settings *settings, const struct holder *to)
{
	struct change *changes = xrealloc(NULL, settings->count + 1, sizeof(*changes));
	int status = STATUS_OK;
	size_t done = 0;

	stop_begin();
	while (!status && done < settings->count) {
		if (stop_signal) {
			status = STATUS_REFUSED;
			break;
		}
		status = set(to, &settings->list[done], &changes[done]);
		if (status) {
			/* this one is as it was */
			free(changes[done].file);
			free(changes[done].value);
		} else {
			done++;
		}
	}
	while (done-- > 0) {
		const struct change *change = &changes[done];

		/* of one that has gone nothing is left to be put back */
		if (status && change->value && *change->value &&
		    (!to->ctn || !ctn_exists(to->ctn)) &&
		    put_back(to, &settings->list[done], change))
			refused();
		free(change->file);
		free(change->value);
	}
	free(changes);
	stop_end();
	return status;
}

int settings_apply(const struct settings *settings, const struct ctn *ctn)
{
	return apply(settings, &(struct holder){ .ctn = ctn });
}

int settings_apply_defaults(const struct settings *settings,
			    const struct ctn_tree *tree)
{
	return apply(settings, &(struct holder){ .tree = tree });
}

void settings_free(struct settings *settings)
{
	free(settings->list);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attributes and the values that they are to have: collected from options and
 * ATTR=VALUE, written all or none.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"

/* A container, or the defaults of new ones: what can be read and written. */
struct target {
	const struct ctn *ctn;
	const struct ctn_tree *tree;	/* if ctn is NULL */
};

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

/*
 * The line of a resource in beancounters, or in default_beancounters, without its name;
 * NULL if @attr is none that this kernel counts.
 */
static char *resource_line(const struct target *to, const char *attr)
{
	char *text = NULL, *line, *save, *found = NULL;
	size_t len = strlen(attr);

	/* a file of that name comes first */
	if (ctn_attr_find(attr) || strchr(attr, ' ') ||
	    (to->ctn && !ctn_has(to->ctn, attr)))
		return NULL;
	if (to->ctn && !ctn_has(to->ctn, "beancounters"))
		text = ctn_get(to->ctn, "beancounters");
	else if (!to->ctn)
		text = ctn_tree_get(to->tree, "default_beancounters");
	/* the first is the heading */
	line = text ? strtok_r(text, "\n", &save) : NULL;
	while (line && (line = strtok_r(NULL, "\n", &save)) != NULL)
		if (!strncmp(line, attr, len) && line[len] == ' ')
			found = xasprintf("%s", line + len);
	free(text);
	return found;
}

/* Of such a line, BARRIER:LIMIT. */
static char *resource_value(const struct target *to, const char *line)
{
	char barrier[32], limit[32];
	int nr;

	/* in a container, held, maxheld and minheld come before them */
	if (to->ctn)
		nr = sscanf(line, "%*s %*s %*s %31s %31s", barrier, limit);
	else
		nr = sscanf(line, "%31s %31s", barrier, limit);
	if (nr != 2)
		return NULL;
	return xasprintf("%s:%s", barrier, limit);
}

/* BARRIER:LIMIT, or one for both, or "reset". */
static int set_resource(const struct target *to, const char *resource,
			const char *value)
{
	char *line = xasprintf("%s %s", resource, value);
	char *colon = strchr(line, ':');
	int ret;

	if (colon)
		*colon = ' ';
	ret = to->ctn ? ctn_set(to->ctn, "beancounters", line) :
			ctn_tree_set(to->tree, "default_beancounters", line);
	free(line);
	return ret;
}

/* What to put back after a refusal; NULL if there is no such thing. */
static char *get(const struct target *to, const char *attr)
{
	const struct ctn_attr *known = ctn_attr_find(attr);
	char *name, *value, *line;

	if (known && known->kind == CTN_KIND_LIST)
		return NULL;
	line = resource_line(to, attr);
	if (line) {
		value = resource_value(to, line);
		free(line);
		return value;
	}
	if (to->ctn)
		return ctn_get(to->ctn, attr);
	name = default_name(attr);
	value = ctn_tree_get(to->tree, name);
	free(name);
	return value;
}

static int set(const struct target *to, const char *attr, const char *value)
{
	char *name = resource_line(to, attr);
	int ret;

	if (name) {
		free(name);
		return set_resource(to, attr, value);
	}
	if (to->ctn)
		return ctn_set(to->ctn, attr, value);
	name = default_name(attr);
	ret = ctn_tree_set(to->tree, name, value);
	free(name);
	return ret;
}

static int apply(const struct settings *settings, const struct target *to)
{
	char **before = xrealloc(NULL, settings->count + 1, sizeof(*before));
	int status = STATUS_OK;
	size_t done;

	stop_begin();
	for (done = 0; done < settings->count; done++) {
		const struct setting *new = &settings->list[done];

		if (stop_signal) {
			status = STATUS_REFUSED;
			break;
		}
		before[done] = get(to, new->attr);
		if (set(to, new->attr, new->value)) {
			free(before[done]);
			status = refused();
			break;
		}
	}
	while (done-- > 0) {
		/* of one that has gone nothing is left to be put back */
		if (status && before[done] && *before[done] &&
		    (!to->ctn || !ctn_exists(to->ctn)) &&
		    set(to, settings->list[done].attr, before[done]))
			refused();
		free(before[done]);
	}
	free(before);
	stop_end();
	return status;
}

int settings_apply(const struct settings *settings, const struct ctn *ctn)
{
	return apply(settings, &(struct target){ .ctn = ctn });
}

int settings_apply_defaults(const struct settings *settings,
			    const struct ctn_tree *tree)
{
	return apply(settings, &(struct target){ .tree = tree });
}

void settings_free(struct settings *settings)
{
	free(settings->list);
}

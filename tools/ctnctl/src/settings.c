// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attributes and the values that they are to have: collected from options and
 * ATTR=VALUE, written all or none.
 */
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

/* What the kernel is to say of it that it does not count it. */
static int is_resource(const struct holder *to, const char *attr)
{
	struct bounds bounds;

	return !resource_get_attr(to, attr, &bounds) ||
	       (resource_find(attr) && !(to->ctn && !ctn_has(to->ctn, attr)));
}

/* What to put back after a refusal; NULL if there is no such thing. */
static char *get(const struct holder *to, const char *attr)
{
	const struct ctn_attr *known = ctn_attr_find(attr);
	struct bounds bounds;
	char *name, *value;

	if (known && known->kind == CTN_KIND_LIST)
		return NULL;
	if (!resource_get_attr(to, attr, &bounds))
		return resource_text(attr, &bounds);
	if (to->ctn)
		return ctn_get(to->ctn, attr);
	name = default_name(attr);
	value = ctn_tree_get(to->tree, name);
	free(name);
	return value;
}

static int set(const struct holder *to, const char *attr, const char *value)
{
	char *name;
	int ret;

	if (is_resource(to, attr))
		return resource_set(to, attr, value);
	if (to->ctn)
		return ctn_set(to->ctn, attr, value);
	name = default_name(attr);
	ret = ctn_tree_set(to->tree, name, value);
	free(name);
	return ret;
}

static int apply(const struct settings *settings, const struct holder *to)
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

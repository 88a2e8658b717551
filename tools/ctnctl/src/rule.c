// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rules as they are written, and which of them is for a process.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rights.h"
#include "rule.h"

static PRINTF(2, 3) int refuse(const struct key *key, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	complain_key(key, fmt, args);
	va_end(args);
	return STATUS_REFUSED;
}

static const char white[] = " \t\n\v\f\r";

/* A word without its escapes, in place. Returns why there is one that is none, or NULL. */
static const char *unescape(char *word)
{
	const char *from = word, *why = NULL;
	char *out = word;
	int escaped;

	while (!why && *from)
		why = config_byte(&from, out++, &escaped);
	*out = '\0';
	return why;
}

static const char *take_program(struct rule *rule, const char *value, int look)
{
	if (rule->program)
		return "there are two of them";
	if (look)
		return program_new(value, &rule->program);
	return *value != '/' && strchr(value, '/') ?
	       "want an absolute path, or a name without /" : NULL;
}

static const char *take_user(struct rule *rule, const char *value, int look)
{
	struct owner owner = { 0 };
	const char *why = NULL;

	if (rule->has_user++)
		return "there are two of them";
	if (strchr(value, ':'))
		return "want the name of a user, or a number";
	if (look)
		why = owner_parse(value, &owner);
	if (look && !why)
		rule->uid = owner.uid;
	return why;
}

static const char *take_group(struct rule *rule, const char *value, int look)
{
	char *text = xasprintf(":%s", value);
	struct owner owner = { 0 };
	const char *why = NULL;

	if (rule->has_group++)
		why = "there are two of them";
	else if (look)
		why = owner_parse(text, &owner);
	if (look && !why)
		rule->gid = owner.gid;
	free(text);
	return why;
}

static const char *take_from(struct rule *rule, const char *value, int is_any)
{
	rule->from_any |= is_any;
	rule->from = xrealloc(rule->from, rule->nfrom + 1, sizeof(*rule->from));
	rule->from[rule->nfrom++] = xasprintf("%s", value);
	return NULL;
}

/* Returns STATUS_OK, or STATUS_REFUSED if it has said why it is no condition. */
static int take_word(struct rule *rule, const struct key *key, char *word, int look)
{
	char *value = strchr(word, '=');
	const char *why;
	int is_any;

	if (!value || value == word || !value[1])
		return refuse(key, "\"%s\": want program=, user=, group= or from=, and a value",
			      word);
	*value++ = '\0';
	/* one that is escaped is the name of a container */
	is_any = !strcmp(value, "*");
	why = unescape(value);
	if (why) {
		fault_at(&key->at, why);
		return STATUS_REFUSED;
	}
	if (!strcmp(word, "program"))
		why = take_program(rule, value, look);
	else if (!strcmp(word, "user"))
		why = take_user(rule, value, look);
	else if (!strcmp(word, "group"))
		why = take_group(rule, value, look);
	else if (!strcmp(word, "from"))
		why = take_from(rule, value, is_any);
	else
		return refuse(key, "%s: want program=, user=, group= or from=", word);
	return why ? refuse(key, "%s=%s: %s", word, value, why) : STATUS_OK;
}

static void free_rule(struct rule *rule)
{
	program_free(rule->program);
	for (size_t i = 0; i < rule->nfrom; i++)
		free(rule->from[i]);
	free(rule->from);
}

static int take_line(struct rule *rule, const struct key *key, int look)
{
	char *text = xasprintf("%s", key->value), *rest = text, *word;
	int status = STATUS_OK, is_one = 0;

	while (!status && (word = strsep(&rest, white))) {
		if (!*word)
			continue;
		is_one |= strncmp(word, "from=", strlen("from="));
		status = take_word(rule, key, word, look);
	}
	/* that would be all processes there are */
	if (!status && !is_one)
		status = refuse(key, "want program=, user= or group=");
	free(text);
	return status;
}

int rule_check(const struct key *key)
{
	struct rule rule = { 0 };
	int status = take_line(&rule, key, 0);

	free_rule(&rule);
	return status;
}

static int take_key(struct rules *rules, const struct section *section, const struct key *key)
{
	struct rule rule = { .container = section->name, .at = &key->at };
	int status = take_line(&rule, key, 1);

	if (status) {
		free_rule(&rule);
		return status;
	}
	rules->list = xrealloc(rules->list, rules->count + 1, sizeof(*rules->list));
	rules->list[rules->count++] = rule;
	rules->by_group |= rule.has_group;
	return STATUS_OK;
}

static int last_first(const void *a, const void *b)
{
	unsigned long x = ((const struct rule *)a)->at->order;
	unsigned long y = ((const struct rule *)b)->at->order;

	return x > y ? -1 : x < y;
}

int rules_take(struct rules *rules, const struct config *config)
{
	int status = STATUS_OK;

	*rules = (struct rules){ 0 };
	for (size_t i = 0; i < config->nsections; i++) {
		const struct section *section = config->sections[i];

		for (size_t j = 0; j < section->nkeys; j++)
			if (!strcmp(section->keys[j].name, CONFIG_PROCESS))
				status |= take_key(rules, section, &section->keys[j]);
	}
	if (rules->count)
		qsort(rules->list, rules->count, sizeof(*rules->list), last_first);
	return status;
}

void rules_free(struct rules *rules)
{
	for (size_t i = 0; i < rules->count; i++)
		free_rule(&rules->list[i]);
	free(rules->list);
}

static int has_group(const struct subject *subject, gid_t gid)
{
	if (subject->gid == gid)
		return 1;
	for (size_t i = 0; i < subject->ngroups; i++)
		if (subject->groups[i] == gid)
			return 1;
	return 0;
}

/* Where it is, it is left, unless the rule says that it may be taken from there. */
static int may_leave(const struct rule *rule, const char *container)
{
	if (!*container || rule->from_any || !strcmp(container, rule->container))
		return 1;
	for (size_t i = 0; i < rule->nfrom; i++)
		if (!strcmp(container, rule->from[i]))
			return 1;
	return 0;
}

int rules_may_match(const struct rules *rules, const char *exe)
{
	for (size_t i = 0; i < rules->count; i++)
		if (!rules->list[i].program || program_is_called(rules->list[i].program, exe))
			return 1;
	return 0;
}

struct rule *rules_match(const struct rules *rules, const struct subject *subject)
{
	for (size_t i = 0; i < rules->count; i++) {
		struct rule *rule = &rules->list[i];

		if ((!rule->has_user || rule->uid == subject->uid) &&
		    (!rule->has_group || has_group(subject, rule->gid)) &&
		    may_leave(rule, subject->container) &&
		    (!rule->program || program_is(rule->program, subject)))
			return rule;
	}
	return NULL;
}

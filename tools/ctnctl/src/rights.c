// SPDX-License-Identifier: GPL-2.0-only
/*
 * Owners and modes as text, and those of a new container.
 */
#include <ctype.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "rights.h"

/* -1 stands for no number. */
static int64_t parse_id(const char *text)
{
	unsigned long long id;
	char *end;

	if (!isdigit((unsigned char)*text))
		return -1;
	errno = 0;
	id = strtoull(text, &end, 10);
	return errno || *end || id >= UINT32_MAX ? -1 : (int64_t)id;
}

/* A name may look like a number: it comes first, as POSIX has it for chown(1). */
static const char *take_user(const char *name, struct owner *owner, gid_t *login)
{
	struct passwd *user = getpwnam(name);
	int64_t id = parse_id(name);

	if (user) {
		owner->uid = user->pw_uid;
		*login = user->pw_gid;
		return NULL;
	}
	if (id < 0)
		return "there is no such user";
	owner->uid = (uid_t)id;
	return NULL;
}

static const char *take_group(const char *name, struct owner *owner)
{
	struct group *group = getgrnam(name);
	int64_t id = parse_id(name);

	if (!group && id < 0)
		return "there is no such group";
	owner->gid = group ? group->gr_gid : (gid_t)id;
	return NULL;
}

const char *owner_parse(const char *text, struct owner *owner)
{
	struct owner new = { .uid = (uid_t)-1, .gid = (gid_t)-1 };
	const char *colon = strchrnul(text, ':'), *why = NULL;
	char *user = xasprintf("%.*s", (int)(colon - text), text);
	gid_t login = (gid_t)-1;

	if (!*user && !colon[0])
		why = "want USER, USER:GROUP or :GROUP";
	else if (*user)
		why = take_user(user, &new, &login);
	free(user);
	if (!why && *colon && colon[1])
		why = take_group(colon + 1, &new);
	else if (!why && *colon && login != (gid_t)-1)
		new.gid = login;
	else if (!why && *colon)
		why = "want a group after the colon";
	if (!why)
		*owner = new;
	return why;
}

/* Whether a configuration can have it, and it is no other's number or name. */
static int is_plain(const char *name)
{
	return *name && !isdigit((unsigned char)*name) &&
	       !name[strcspn(name, ": \t\n\v\f\r")];
}

char *owner_text(const struct owner *owner)
{
	struct passwd *user = getpwuid(owner->uid);
	struct group *group;
	char *text, *left;

	if (user && is_plain(user->pw_name))
		left = xasprintf("%s", user->pw_name);
	else
		left = xasprintf("%u", owner->uid);
	group = getgrgid(owner->gid);
	if (group && is_plain(group->gr_name))
		text = xasprintf("%s:%s", left, group->gr_name);
	else
		text = xasprintf("%s:%u", left, owner->gid);
	free(left);
	return text;
}

const char *mode_parse(const char *text, mode_t *mode)
{
	size_t digits = strspn(text, "01234567");

	if (!digits || text[digits] || digits > 5 ||
	    strtoul(text, NULL, 8) > 07777)
		return "want an octal number such as 0640";
	*mode = (mode_t)strtoul(text, NULL, 8);
	return NULL;
}

int mode_of_new(const char *attr, mode_t *mode)
{
	const struct ctn_attr *known;
	mode_t mask;

	if (!attr) {
		mask = umask(0);
		umask(mask);
		*mode = 0777 & ~mask;
		return 0;
	}
	known = ctn_attr_find(attr);
	if (!known)
		return -1;
	*mode = (known->flags & CTN_ATTR_READ ? 0444 : 0) |
		(known->flags & CTN_ATTR_WRITE ? 0200 : 0);
	/* it tells what people have open */
	if (!strcmp(attr, "mappings"))
		*mode = 0400;
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * ctnctl apply: make the containers what configuration files say. Only what differs
 * is written, and a line is printed for each change. What is refused does not stop
 * the rest.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"
#include "named.h"
#include "resource.h"
#include "rights.h"
#include "rule.h"

struct apply {
	int dry_run;
	int prune;
	int force;
	const struct ctn_tree *tree;
	int status;
};

/* A container, or the defaults of new ones, that is being made what is written. */
struct target {
	struct apply *apply;
	const struct section *section;
	/* NULL for the defaults, and for one that a dry run would make */
	struct ctn *ctn;
	int found;		/* or made */
	int made;		/* it was not there */
	char *name;		/* as it is printed */
};

static PRINTF(2, 3) void say(const struct target *target, const char *fmt, ...)
{
	va_list args;

	if (target->name)
		printf("%s: ", target->name);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	putchar('\n');
}

/* A line for a value that has changed; a new container had none that matters. */
static void say_changed(const struct target *target, const char *what,
			const char *before, const char *after)
{
	char *old = before ? ctn_escape(before) : NULL;
	char *new = ctn_escape(after);

	if (old)
		say(target, "%s %s -> %s", what, old, new);
	else
		say(target, "%s %s", what, new);
	free(old);
	free(new);
}

static void refuse(const struct target *target, const struct place *at)
{
	refused_at(at);
	target->apply->status = STATUS_REFUSED;
}

static PRINTF(3, 4) void refuse_key(const struct target *target,
				    const struct key *key, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	complain_key(key, fmt, args);
	va_end(args);
	target->apply->status = STATUS_REFUSED;
}

/* Attributes */

static char *get(const struct target *target, const char *attr)
{
	return target->section->name ? ctn_get(target->ctn, attr) :
	       ctn_tree_get(target->apply->tree, attr);
}

static int set(const struct target *target, const char *attr, const char *value)
{
	return target->section->name ? ctn_set(target->ctn, attr, value) :
	       ctn_tree_set(target->apply->tree, attr, value);
}

static int is_count(const char *text)
{
	return !text[strspn(text, "0123456789")];
}

/* A number or "max" as the kernel takes it for this attribute. */
static int parse_value(const struct ctn_attr *attr, const char *text,
		       uint64_t *number)
{
	if (attr->kind == CTN_KIND_PAGES ||
	    (attr->kind == CTN_KIND_COUNT && (is_count(text) || !strcmp(text, "max"))))
		return ctn_parse_pages(text, number);
	errno = EINVAL;
	return -1;
}

static int same_value(const struct ctn_attr *attr, const char *a, const char *b)
{
	uint64_t x, y;

	if (attr && !parse_value(attr, a, &x) && !parse_value(attr, b, &y))
		return x == y;
	return !strcmp(a, b);
}

/* As people read it: sizes as sizes. */
static char *value_text(const struct ctn_attr *attr, const char *value)
{
	uint64_t pages;

	if (attr && attr->kind == CTN_KIND_PAGES &&
	    !ctn_parse_pages(value, &pages))
		return xasprintf("%s", exact_size(pages).text);
	return xasprintf("%s", value);
}

/*
 * What the kernel would say about a value, for a dry run: it takes numbers, and the
 * words that are wanted in quotes.
 */
static int would_take(const struct ctn_attr *attr, const char *value)
{
	uint64_t number;
	char *quoted;
	int known;

	if (!attr->want)
		return 1;
	if (attr->kind != CTN_KIND_WORD)
		return !parse_value(attr, value, &number);
	quoted = xasprintf("\"%s\"", value);
	known = strstr(attr->want, quoted) != NULL;
	free(quoted);
	return known;
}

static int is_setting(const struct ctn_attr *attr)
{
	return (attr->flags & CTN_ATTR_SETTING) != 0;
}

static void refuse_unknown(const struct target *target, const struct key *key)
{
	int is_container = target->section->name != NULL;
	const char *setting = nearest_setting(key->name, !is_container, is_setting);
	struct nearest meant = { 0 };

	if (setting)
		nearest_look(&meant, key->name, setting);
	if (is_container) {
		nearest_look(&meant, key->name, CONFIG_FILE);
		nearest_look(&meant, key->name, CONFIG_PROCESS);
		nearest_look(&meant, key->name, "owner");
		nearest_look(&meant, key->name, "mode");
	}
	if (meant.word)
		refuse_key(target, key, "no such attribute; did you mean %s?",
			   meant.word);
	else
		refuse_key(target, key, "no such attribute");
}

static char *value_of(const struct target *target, const struct key *key,
		      const struct ctn_attr *attr)
{
	char *value = xasprintf("%s", key->value);
	const char *why = take_value(attr, value);

	if (!why)
		return value;
	refuse_key(target, key, "\"%s\": %s; want a size such as 64M, a number of "
		   "pages, or \"max\"", key->value, why);
	free(value);
	return NULL;
}

static void put_value(const struct target *target, const struct key *key,
		      const char *name, const struct ctn_attr *attr,
		      const char *value)
{
	char *before = NULL, *old = NULL, *new = NULL;

	if (!target->made) {
		before = get(target, name);
		if (!before) {
			if (errno == ENOENT && !attr)
				refuse_unknown(target, key);
			else
				refuse(target, &key->at);
			return;
		}
		if (same_value(attr, before, value))
			goto out;
	} else if (!attr && (!target->ctn || ctn_has(target->ctn, name))) {
		refuse_unknown(target, key);
		return;
	}
	if (target->apply->dry_run && attr && !would_take(attr, value)) {
		refuse_key(target, key, "\"%s\": %s (%s)", value,
			   strerror(EINVAL), attr->want);
		goto out;
	}
	if (!target->apply->dry_run && set(target, name, value)) {
		refuse(target, &key->at);
		goto out;
	}
	old = before ? value_text(attr, before) : NULL;
	new = value_text(attr, value);
	say_changed(target, name, old, new);
out:
	free(before);
	free(old);
	free(new);
}

static void put_attr(const struct target *target, const struct key *key)
{
	unsigned int tree = target->section->name ? 0 : CTN_ATTR_TREE;
	char *name = tree ? default_name(key->name) : xasprintf("%s", key->name);
	const struct ctn_attr *attr = ctn_attr_find(name);
	char *value = NULL;

	if (!strcmp(name, "addfile"))
		refuse_key(target, key, "it is no setting; write " CONFIG_FILE
			   " = PATH");
	else if (!strcmp(name, "beancounters") || !strcmp(name, "default_beancounters"))
		refuse_key(target, key, "it is no setting; write RESOURCE = BARRIER:LIMIT");
	else if (attr && !(is_setting(attr) && (attr->flags & CTN_ATTR_TREE) == tree))
		refuse_key(target, key, "it is no setting");
	else
		value = value_of(target, key, attr);
	if (value)
		put_value(target, key, name, attr, value);
	free(value);
	free(name);
}

/* Resources */

static struct holder holder_of(const struct target *target)
{
	/* one that nobody has made yet has what new ones get */
	return (struct holder){ .ctn = target->ctn, .tree = target->apply->tree };
}

/* What a line says of the limit of @resource, or of the file that it is. */
static int get_limit(const struct key *key, const char *resource, uint64_t *limit)
{
	char *value = xasprintf("%s", key->value);
	int is_file = strcmp(key->name, resource);
	struct bounds bounds;
	int ret = (is_file && strchr(value, ':')) ||
		  resource_parse(resource, value, &bounds) ? -1 : 0;

	free(value);
	*limit = ret ? 0 : bounds.limit;
	return ret;
}

/* The line of the file that has the limit of the resource that this line is of. */
static const struct key *limit_key(const struct target *target, const struct key *key)
{
	const struct ctn_resource *known = ctn_resource_find(key->name);

	return known && known->limit ? config_key(target->section, known->limit) : NULL;
}

/* Is this a limit that the line of a resource sets, too? Then that is enough. */
static int is_in_resource(const struct target *target, const struct key *key)
{
	const struct holder of = holder_of(target);

	for (size_t i = 0; i < target->section->nkeys; i++) {
		const struct key *other = &target->section->keys[i];
		uint64_t limit, same;
		struct bounds now;

		if (limit_key(target, other) == key && resource_is(&of, other->name) > 0 &&
		    resource_get(&of, other->name, &now) > 0 &&
		    !get_limit(key, other->name, &limit) &&
		    !get_limit(other, other->name, &same) && limit == same)
			return 1;
	}
	return 0;
}

static void put_resource(const struct target *target, const struct key *key)
{
	const struct holder to = holder_of(target);
	char *value = xasprintf("%s", key->value);
	struct bounds before, after;
	const struct key *other;
	uint64_t limit;
	const char *why = !strcmp(value, "reset") ? "it is no setting" :
			  resource_parse(key->name, value, &after);
	char *old = NULL, *new = NULL;
	int counted;

	if (why) {
		refuse_key(target, key, "\"%s\": %s", key->value, why);
		goto out;
	}
	other = limit_key(target, key);
	if (other && !get_limit(other, key->name, &limit) && limit != after.limit) {
		refuse_key(target, key, "\"%s\": its limit is %s, which is \"%s\" at %s:%lu",
			   key->value, other->name, other->value, other->at.file,
			   other->at.line);
		goto out;
	}
	counted = resource_get(&to, key->name, &before);
	if (counted < 0)
		refuse(target, &key->at);
	/* nothing is what there is of what is not counted */
	else if (!counted && after.barrier != CTN_MAX)
		refuse_key(target, key, RESOURCE_NOT_COUNTED);
	if (counted <= 0)
		goto out;
	/*
	 * In a new container a limit that is so already is written all the same: only
	 * what is written binds whom the container is given to.
	 */
	if (before.barrier == after.barrier && before.limit == after.limit &&
	    (!target->made || after.barrier == CTN_MAX))
		goto out;
	if (!target->apply->dry_run && resource_set(&to, key->name, value)) {
		refuse(target, &key->at);
		goto out;
	}
	old = target->made ? NULL : resource_text(key->name, &before);
	new = resource_text(key->name, &after);
	say_changed(target, key->name, old, new);
out:
	free(value);
	free(old);
	free(new);
}

/* Rights */

#define OWNER "owner"
#define MODE "mode"

/*
 * For "owner" and "mode" this is "", for "owner.FILE" and "mode.FILE" it is the name
 * of the file; NULL for all other keys.
 */
static const char *right_of(const struct key *key, const char *right)
{
	size_t len = strlen(right);

	if (strncmp(key->name, right, len))
		return NULL;
	return !key->name[len] ? key->name + len :
	       key->name[len] == '.' && key->name[len + 1] ?
	       key->name + len + 1 : NULL;
}

/* Whether there is a key for the owner of this file alone. */
static int has_own_owner(const struct section *section, const char *file)
{
	for (size_t i = 0; i < section->nkeys; i++) {
		const char *of = right_of(&section->keys[i], OWNER);

		if (of && !strcmp(of, file))
			return 1;
	}
	return 0;
}

/* @file "" is the directory. One that nobody has made yet is as it would be. */
static int look_at(const struct target *target, const char *file,
		   struct stat *st)
{
	/* no other file than one of the container's */
	errno = ENOENT;
	if (strchr(file, '/') || !strcmp(file, ".") || !strcmp(file, ".."))
		return -1;
	if (!target->ctn) {
		*st = (struct stat){ 0 };
		return mode_of_new(*file ? file : NULL, &st->st_mode);
	}
	return fstatat(ctn_fd(target->ctn), *file ? file : ".", st, 0);
}

static void refuse_file(const struct target *target, const struct key *key,
			const char *file)
{
	if (errno == ENOENT)
		refuse_key(target, key, "no such attribute");
	else if (*file)
		refuse_key(target, key, "%s: %s", file, strerror(errno));
	else
		refuse_key(target, key, "%s", strerror(errno));
}

/* Returns 1 if it was changed, with what it was before in @before. */
static int put_owner_of(const struct target *target, const struct key *key,
			const char *file, const struct owner *owner,
			struct owner *before)
{
	struct stat st;

	if (look_at(target, file, &st)) {
		refuse_file(target, key, file);
		return 0;
	}
	*before = (struct owner){ st.st_uid, st.st_gid };
	if ((owner->uid == (uid_t)-1 || owner->uid == st.st_uid) &&
	    (owner->gid == (gid_t)-1 || owner->gid == st.st_gid))
		return 0;
	if (target->apply->dry_run)
		return 1;
	if (fchownat(ctn_fd(target->ctn), *file ? file : ".", owner->uid, owner->gid, 0)) {
		refuse_file(target, key, file);
		return 0;
	}
	return 1;
}

/* Like chown -R, but for the files that have a key of their own. */
static void put_owner(const struct target *target, const struct key *key,
		      const char *file)
{
	struct owner owner, before, first = { 0 };
	const char *why = owner_parse(key->value, &owner);
	char **files = NULL, *old, *new;
	int changed;

	if (why) {
		refuse_key(target, key, "\"%s\": %s", key->value, why);
		return;
	}
	changed = put_owner_of(target, key, file, &owner, &first);
	if (!*file && target->ctn) {
		files = ctn_attrs(target->ctn);
		if (!files)
			refuse(target, &key->at);
	}
	for (size_t i = 0; files && files[i]; i++) {
		if (has_own_owner(target->section, files[i]) ||
		    !put_owner_of(target, key, files[i], &owner, &before))
			continue;
		if (!changed++)
			first = before;
	}
	ctn_names_free(files);
	if (!changed)
		return;
	if (owner.uid == (uid_t)-1)
		owner.uid = first.uid;
	if (owner.gid == (gid_t)-1)
		owner.gid = first.gid;
	old = owner_text(&first);
	new = owner_text(&owner);
	say_changed(target, key->name, old, new);
	free(old);
	free(new);
}

static void put_mode(const struct target *target, const struct key *key,
		     const char *file)
{
	const char *why;
	struct stat st;
	mode_t mode;

	why = mode_parse(key->value, &mode);
	if (why) {
		refuse_key(target, key, "\"%s\": %s", key->value, why);
		return;
	}
	if (look_at(target, file, &st)) {
		refuse_file(target, key, file);
		return;
	}
	if ((st.st_mode & 07777) == mode)
		return;
	if (!target->apply->dry_run &&
	    fchmodat(ctn_fd(target->ctn), *file ? file : ".", mode, 0)) {
		refuse_file(target, key, file);
		return;
	}
	say(target, "%s %04o -> %04o", key->name, st.st_mode & 07777, mode);
}

/* Files */

static int has_file(const struct target *target, const struct owned *owned,
		    const struct opened *opened)
{
	if (!owned || !owned_has(owned, opened))
		return 0;
	/* named or not, to name it does no harm; see put_file() */
	return !opened->held || target->apply->dry_run;
}

/* Returns 1 if it was not named before. */
static int put_file(const struct target *target, const struct named *file,
		    const struct opened *opened, int listed)
{
	uint64_t before = 0, after = 1;

	if (target->apply->dry_run)
		return 1;
	/* of one that is held, only how many are named tells whether it was */
	if (listed && ctn_get_number(target->ctn, "num_files", &before))
		before = 0;
	if (named_add(file, opened, target->ctn)) {
		target->apply->status = STATUS_REFUSED;
		return 0;
	}
	if (listed && ctn_get_number(target->ctn, "num_files", &after))
		after = before + 1;
	return !listed || after > before;
}

static void put_files(const struct target *target)
{
	const struct section *section = target->section;
	struct owned *owned = NULL;
	struct opened opened;

	if (section->nfiles && target->ctn && !target->made) {
		owned = owned_read(target->ctn);
		if (!owned)
			refuse(target, &section->at);
	}
	for (size_t i = 0; i < section->nfiles && !stop_signal; i++) {
		const struct named *file = &section->files[i];

		if (named_open(file, &opened)) {
			target->apply->status = STATUS_REFUSED;
			continue;
		}
		if (!has_file(target, owned, &opened) &&
		    put_file(target, file, &opened,
			     owned && owned_has(owned, &opened)))
			say_changed(target, CONFIG_FILE, NULL, file->path);
		close(opened.fd);
	}
	owned_free(owned);
}

/* Sections */

/* What is done with memory comes before how much there may be of it. */
static int is_word(const struct key *key)
{
	const struct ctn_attr *attr = ctn_attr_find(key->name);

	return attr && attr->kind == CTN_KIND_WORD;
}

static void put_setting(const struct target *target, const struct key *key)
{
	const struct holder to = holder_of(target);
	int is_resource = resource_is(&to, key->name);

	if (is_resource < 0)
		refuse(target, &key->at);
	else if (is_resource)
		put_resource(target, key);
	else if (!is_in_resource(target, key))
		put_attr(target, key);
}

/* What is no setting. */
static int is_for_later(const struct key *key)
{
	return !strcmp(key->name, CONFIG_FILE) || !strcmp(key->name, CONFIG_PROCESS) ||
	       right_of(key, OWNER) || right_of(key, MODE);
}

static void put_attrs(const struct target *target, int words)
{
	for (size_t i = 0; i < target->section->nkeys && !stop_signal; i++) {
		const struct key *key = &target->section->keys[i];

		if (is_for_later(key) || is_word(key) != words)
			continue;
		put_setting(target, key);
	}
}

/* chown(2) may change a mode. */
static void put_rights(const struct target *target)
{
	const struct section *section = target->section;
	const char *file;

	for (size_t i = 0; i < section->nkeys; i++) {
		file = right_of(&section->keys[i], OWNER);
		if (file)
			put_owner(target, &section->keys[i], file);
	}
	for (size_t i = 0; i < section->nkeys; i++) {
		file = right_of(&section->keys[i], MODE);
		if (file)
			put_mode(target, &section->keys[i], file);
	}
}

static void put_defaults(struct apply *apply, const struct config *config)
{
	struct target target = { .apply = apply, .section = &config->defaults };

	for (size_t i = 0; i < target.section->nkeys; i++) {
		const struct key *key = &target.section->keys[i];

		if (is_for_later(key))
			refuse_key(&target, key, "it is none of the defaults");
		else
			put_setting(&target, key);
	}
}

/* Who goes by them is "ctnctl rules"; that they are wrong is seen here as well. */
static void check_processes(const struct target *target)
{
	for (size_t i = 0; i < target->section->nkeys; i++)
		if (!strcmp(target->section->keys[i].name, CONFIG_PROCESS))
			target->apply->status |= rule_check(&target->section->keys[i]);
}

/* Open the container, or make it. Returns 0 if it is there, or a dry run would make it. */
static int find_or_make(struct target *target)
{
	const struct ctn_tree *tree = target->apply->tree;
	const char *name = target->section->name;

	target->ctn = ctn_open(tree, name);
	if (target->ctn)
		return 0;
	if (errno != ENOENT)
		return -1;
	target->made = 1;
	if (!target->apply->dry_run) {
		target->ctn = ctn_create(tree, name);
		/* somebody else was first */
		if (!target->ctn && errno == EEXIST) {
			target->made = 0;
			target->ctn = ctn_open(tree, name);
		}
		if (!target->ctn)
			return -1;
	}
	if (target->made)
		say(target, "created");
	return 0;
}

/* Which they are is found out when all have their limits. */
static int has_files(const struct section *section)
{
	for (size_t i = 0; i < section->nkeys; i++)
		if (!strcmp(section->keys[i].name, CONFIG_FILE))
			return 1;
	return 0;
}

static void put_section(struct target *target)
{
	target->name = ctn_escape(target->section->name);
	if (!target->name)
		die("%s", strerror(ENOMEM));
	if (find_or_make(target)) {
		refuse(target, &target->section->at);
		return;
	}
	target->found = 1;
	put_attrs(target, 1);
	put_attrs(target, 0);
	put_rights(target);
	check_processes(target);
	if (has_files(target->section))
		return;
	/* a descriptor less */
	ctn_close(target->ctn);
	target->ctn = NULL;
	target->found = 0;
}

/*
 * All containers have their limits before files are looked for: that takes as long as
 * there are files, and who can make them must not keep others from their limits.
 */
static void put_sections(struct apply *apply, const struct config *config)
{
	struct target *targets = xrealloc(NULL, config->nsections + 1, sizeof(*targets));
	struct named_files named = { 0 };
	size_t count = 0;

	while (count < config->nsections && !stop_signal) {
		targets[count] = (struct target){
			.apply = apply, .section = config->sections[count],
		};
		put_section(&targets[count++]);
	}
	if (!stop_signal)
		named_find(&named, config);
	for (size_t i = 0; i < count && !stop_signal; i++)
		if (targets[i].found)
			put_files(&targets[i]);
	apply->status |= named.status;
	named_free(&named);
	while (count--) {
		ctn_close(targets[count].ctn);
		free(targets[count].name);
	}
	free(targets);
}

/* Pruning */

/* Nobody is put out of a container for want of a line, unless that is asked for. */
static int may_remove(const struct apply *apply, const struct ctn *ctn)
{
	uint64_t tasks = 0;
	int ret;

	ret = ctn_get_number(ctn, "num_tasks", &tasks);
	if (ret && errno != ENOENT)
		refused();
	else
		ret = 0;
	if (!ret && tasks && !apply->force) {
		complain("%s: %" PRIu64 " thread%s in it, and it stays; --force removes it",
			 ctn_name(ctn), tasks, tasks == 1 ? " is" : "s are");
		ret = -1;
	}
	return !ret;
}

static void prune_one(struct apply *apply, const char *name)
{
	struct ctn *ctn = ctn_open(apply->tree, name);
	char *escaped;
	int may;

	if (!ctn) {
		if (errno != ENOENT)
			apply->status = refused();
		return;
	}
	may = may_remove(apply, ctn);
	if (may && !apply->dry_run && ctn_remove(ctn)) {
		refused();
		may = 0;
	}
	ctn_close(ctn);
	if (!may) {
		apply->status = STATUS_REFUSED;
		return;
	}
	escaped = ctn_escape(name);
	printf("%s: removed\n", escaped ? escaped : name);
	free(escaped);
}

static void prune(struct apply *apply, const struct config *config)
{
	const char *why = NULL;
	char **names;

	if (config->unsure)
		why = "a file, or a part of it, could not be read";
	else if (!config->nsections)
		why = "no file tells of a container";
	if (why) {
		complain("nothing is removed: %s", why);
		apply->status = STATUS_REFUSED;
		return;
	}
	names = ctn_tree_names(apply->tree);
	if (!names)
		apply->status = refused();
	for (size_t i = 0; names && names[i] && !stop_signal; i++)
		if (!config_find(config, names[i]))
			prune_one(apply, names[i]);
	ctn_names_free(names);
}

/* The command */

static void parse(const struct command *cmd, struct apply *apply, int argc,
		  char **argv)
{
	enum { OPT_PRUNE = 0x200, OPT_FORCE };
	static const struct option options[] = {
		{ "dry-run", no_argument, NULL, 'n' },
		{ "force", no_argument, NULL, OPT_FORCE },
		{ "help", no_argument, NULL, 'h' },
		{ "prune", no_argument, NULL, OPT_PRUNE },
		{ 0 }
	};
	int opt;

	while ((opt = next_option(argc, argv, "hn", options)) != -1) {
		switch (opt) {
		case 'n':
			apply->dry_run = 1;
			break;
		case OPT_PRUNE:
			apply->prune = 1;
			break;
		case OPT_FORCE:
			apply->force = 1;
			break;
		case 'h':
			print_help(cmd);
		default:
			try_help(cmd);
		}
	}
	if (apply->force && !apply->prune)
		wrong_usage(cmd, "--force is for --prune");
}

static int run_apply(const struct command *cmd, int argc, char **argv)
{
	struct apply apply = { 0 };
	struct config config = { 0 };
	struct ctn_tree *tree;

	parse(cmd, &apply, argc, argv);
	tree = open_tree();
	apply.tree = tree;
	if (optind == argc)
		config_read_all(&config);
	if (optind == argc && !config.nfiles && isatty(STDOUT_FILENO))
		complain("there is no file to apply; see ctnctl.conf(5)");
	for (; optind < argc; optind++)
		config_read(&config, argv[optind]);

	/* those whose files are to be found stay open until then */
	allow_many_files();
	/* a limit may take its time: what was done before is seen meanwhile */
	setlinebuf(stdout);
	/* who reads that may go, and what is begun is to be done all the same */
	signal(SIGPIPE, SIG_IGN);
	stop_begin();
	put_defaults(&apply, &config);
	put_sections(&apply, &config);
	if (apply.prune && !stop_signal)
		prune(&apply, &config);
	stop_end();

	apply.status |= config.status;
	config_free(&config);
	ctn_tree_close(tree);
	if (stop_signal)
		fflush(stdout);
	stop_now();
	return apply.status;
}

const struct command apply_command = {
	.name = "apply",
	.summary = "make containers what configuration files say",
	.help =
	"Usage: ctnctl apply [OPTION...] [FILE...]\n\n"
	"Make the containers that each FILE tells of, give them the limits, the owner\n"
	"and the files that are written there, and print what is changed. What is so\n"
	"already is left alone. - is standard input. Without a FILE, the files\n"
	"ctnctl.d/*.conf in /etc, /run, /usr/local/lib and /usr/lib are read: see\n"
	"ctnctl.conf(5).\n\n"
	"Options:\n"
	" -n, --dry-run  print what would be changed, and change nothing\n"
	"     --prune    remove the containers that no FILE tells of; those that\n"
	"                have tasks stay\n"
	"     --force    with --prune: remove these, too; their tasks go on\n"
	"                without a container\n"
	" -h, --help     print this help\n"
	"\nThe exit status is 1 if a line was refused; all others have been applied.\n"
	"\nExamples:\n"
	"  ctnctl apply -n\n"
	"  ctnctl save >web.conf; ctnctl apply web.conf\n",
	.run = run_apply,
};

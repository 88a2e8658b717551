// SPDX-License-Identifier: GPL-2.0-only
/*
 * What shells complete. "ctnctl complete WORD..." is for completion/ to call, and prints
 * what the last word may become; the words before it are as they were typed, without
 * quotes. There is no table of commands and options here: the help is read, as people
 * read it. "Usage:" tells what comes where, an option's line what it takes, and words in
 * quotes there are those that it takes.
 *
 * What is printed are texts that end with a null byte each: first what the shell is to
 * complete by itself ("files", "directories", "programs" or nothing), then pairs of a
 * word and what it is. What does not fit to what was typed is left out already.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "complete.h"
#include "resource.h"

/* An option, as its line of the help has it. */
struct known {
	char letter;		/* '\0' if it has none */
	char *name;
	char *arg;		/* what it takes, or NULL */
	int may_lack;		/* it is --name[=arg] */
	char *help;
};

/* A command, or ctnctl itself, by what its help says. */
struct manual {
	char *text;
	char *rest;		/* the text, cut into lines where they were read */
	struct known *options;
	size_t count;
};

/* The words, and what was found out about them. */
struct typed {
	char **words;		/* those after "complete" */
	size_t count;
	const char *last;	/* which is to be completed */
	const struct command *cmd;
	struct manual manual;
	int *given;		/* whether there is such an option */
	char *names[2];		/* the first two that are no options */
	size_t nwords;		/* how many are none */
	int ended;		/* there was "--" */
};

static const struct words *all;

/* Output */

/* A kind that the shell completes itself, once and first. */
static void put_kind(const char *kind)
{
	fputs(kind, stdout);
	putchar('\0');
}

/* @prefix is what stays of the word. */
static void put(const char *prefix, const char *word, const char *suffix,
		const char *help)
{
	printf("%s%s%s", prefix, word, suffix);
	putchar('\0');
	fputs(help ? help : "", stdout);
	putchar('\0');
}

static int begins(const char *word, const char *with)
{
	return !strncmp(word, with, strlen(with));
}

/* Reading the help */

/* What @print writes to standard output, and exits then. */
static char *capture(void (*print)(const void *arg), const void *arg)
{
	char *text = xrealloc(NULL, 1, 1);
	size_t len = 0;
	char part[4096];
	int fds[2];
	ssize_t got;
	pid_t child;

	fflush(NULL);
	if (pipe(fds))
		die("pipe: %s", strerror(errno));
	child = fork();
	if (child < 0)
		die("fork: %s", strerror(errno));
	if (!child) {
		dup2(fds[1], STDOUT_FILENO);
		close(fds[0]);
		close(fds[1]);
		print(arg);
		_exit(STATUS_REFUSED);
	}
	close(fds[1]);
	while ((got = read(fds[0], part, sizeof(part))) > 0) {
		text = xrealloc(text, len + (size_t)got + 1, 1);
		memcpy(text + len, part, (size_t)got);
		len += (size_t)got;
	}
	close(fds[0]);
	waitpid(child, NULL, 0);
	text[len] = '\0';
	return text;
}

static void print_main(const void *arg)
{
	(void)arg;
	all->print_help();
}

static void print_help_of(const void *arg)
{
	static char name[] = "ctnctl", option[] = "--help";
	char *argv[] = { name, option, NULL };
	const struct command *cmd = arg;

	optind = 0;
	cmd->run(cmd, 2, argv);
}

/* " -x, --name ARG  help", " --name[=arg]  help"; the line is cut. */
static int parse_option(char *line, struct known *option)
{
	char *name = strstr(line, "--"), *end, *help;

	*option = (struct known){ 0 };
	if (*line != ' ' || !name || name - line > 5 || !islower((unsigned char)name[2]))
		return 0;
	if (line[1] == '-')
		option->letter = line[2];
	else if (strspn(line, " ") != (size_t)(name - line))
		return 0;
	name += 2;
	help = strstr(name, "  ");
	if (help) {
		*help = '\0';
		help += 2;
		help += strspn(help, " ");
	}
	end = name + strcspn(name, " [");
	if (*end == '[') {
		option->may_lack = 1;
		end[strcspn(end, "]")] = '\0';
		option->arg = end + 2;
	} else if (*end) {
		option->arg = end + 1;
	}
	*end = '\0';
	option->name = name;
	option->help = xasprintf("%s", help ? help : "");
	return 1;
}

/* An option's help can go on in the lines below. */
static void add_help(struct known *option, const char *line)
{
	char *more = xasprintf("%s %s", option->help, line + strspn(line, " "));

	free(option->help);
	option->help = more;
}

static void read_manual(struct manual *manual, char *text)
{
	struct known option, *last = NULL;
	char *line, *rest;

	*manual = (struct manual){ .text = text, .rest = xasprintf("%s", text) };
	rest = manual->rest;
	while ((line = strsep(&rest, "\n"))) {
		if (parse_option(line, &option)) {
			manual->options = xrealloc(manual->options, manual->count + 1,
						   sizeof(*manual->options));
			last = &manual->options[manual->count++];
			*last = option;
		} else if (last && strspn(line, " ") > 5) {
			add_help(last, line);
		} else {
			last = NULL;
		}
	}
}

static void free_manual(struct manual *manual)
{
	for (size_t i = 0; i < manual->count; i++)
		free(manual->options[i].help);
	free(manual->options);
	free(manual->rest);
	free(manual->text);
}

/* As getopt_long(3) finds it; @len letters of the name. NULL if there is none. */
static struct known *find_long(const struct manual *manual, const char *name, size_t len)
{
	struct known *found = NULL;

	for (size_t i = 0; len && i < manual->count; i++) {
		struct known *option = &manual->options[i];

		if (strncmp(option->name, name, len))
			continue;
		if (!option->name[len])
			return option;
		if (found)
			return NULL;
		found = option;
	}
	return found;
}

static struct known *find_letter(const struct manual *manual, char letter)
{
	for (size_t i = 0; i < manual->count; i++)
		if (manual->options[i].letter == letter)
			return &manual->options[i];
	return NULL;
}

/* The first part of a help, for a list. */
static void put_option(const struct known *option)
{
	char *help = xasprintf("%s", option->help);

	help[strcspn(help, ";:")] = '\0';
	printf("--%s", option->name);
	put("", "", "", help);
	free(help);
}

/* Sorts of words */

static struct ctn_tree *tree;

static int has_tree(void)
{
	if (!tree)
		tree = ctn_tree_open(configfs);
	return tree != NULL;
}

/* As commands take it, but that nothing is said. */
static struct ctn *open_typed(const char *typed)
{
	struct ctn *ctn = has_tree() ? ctn_open(tree, typed) : NULL;
	char *meant = ctn || !tree ? NULL : ctn_unescape(typed);

	if (meant)
		ctn = ctn_open(tree, meant);
	free(meant);
	return ctn;
}

/* The name, also where it was typed as it is printed. */
static void put_names(const char *typed)
{
	char **names = has_tree() ? ctn_tree_names(tree) : NULL;

	for (char **name = names; name && *name; name++) {
		char *escaped = ctn_escape(*name);

		if (begins(*name, typed) || (escaped && !exact_names && begins(escaped, typed)))
			put("", *name, "", NULL);
		free(escaped);
	}
	ctn_names_free(names);
}

static void put_commands(const char *typed)
{
	char *text = capture(print_main, NULL), *rest, *line, *help, *name;

	rest = strstr(text, "\nCommands:\n");
	if (rest)
		rest += strlen("\nCommands:\n");
	while (rest && (line = strsep(&rest, "\n")) && begins(line, "  ")) {
		line += 2;
		help = strstr(line, "  ");
		if (help)
			*help++ = '\0';
		while ((name = strsep(&line, ", ")))
			if (*name && begins(name, typed))
				put("", name, "", help ? help + strspn(help, " ") : NULL);
	}
	free(text);
}

static void put_processes(const char *typed)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		const char *name = entry->d_name;

		if (isdigit((unsigned char)*name) && begins(name, typed))
			put("", name, "", NULL);
	}
	if (dir)
		closedir(dir);
}

static void put_tasks(const char *typed, const char *name)
{
	struct ctn *ctn = open_typed(name);
	pid_t *tids = NULL;
	ssize_t count = ctn ? ctn_tasks(ctn, &tids) : 0;
	char text[16];

	for (ssize_t i = 0; i < count; i++) {
		snprintf(text, sizeof(text), "%d", (int)tids[i]);
		if (begins(text, typed))
			put("", text, "", NULL);
	}
	free(tids);
	ctn_close(ctn);
}

static void put_signals(const char *prefix, const char *typed)
{
	for (int i = 1; i < SIGRTMIN; i++) {
		const char *name = sigabbrev_np(i);

		if (name && begins_word(name, typed))
			put(prefix, name, "", sigdescr_np(i));
	}
}

/* Words in quotes, or one that is no placeholder, after @prefix. */
static void put_values(const char *prefix, const char *typed, const char *arg,
		       const char *text)
{
	const char *from, *to;
	char *word;

	if (islower((unsigned char)*arg) && begins(arg, typed))
		put(prefix, arg, "", NULL);
	for (from = strchr(text, '"'); from; from = strchr(to + 1, '"')) {
		to = strchr(++from, '"');
		if (!to)
			return;
		word = xasprintf("%.*s", (int)(to - from), from);
		if (begins(word, typed))
			put(prefix, word, "", NULL);
		free(word);
	}
}

/* Whether an option was given, by its name. */
static int is_given(const struct typed *typed, const char *name, size_t len)
{
	const struct known *option = find_long(&typed->manual, name, len);

	return option && typed->given[option - typed->manual.options];
}

/* Below "Columns", or "Columns with" the option that changes what is printed. */
static int is_heading(const struct typed *typed, const char *line)
{
	static const char with[] = "Columns with --";

	if (!begins(line, with))
		return begins(line, "Columns") ? 1 : 0;
	line += strlen(with);
	return is_given(typed, line, strcspn(line, ":,;")) ? 2 : 0;
}

/* Names of columns after commas; + and - may be before them. */
static void put_columns(const struct typed *typed, const char *part)
{
	const char *comma = strrchr(part, ','), *from = NULL;
	char *before, *text, *line, *rest;
	int best = 0;

	for (const char *at = typed->manual.text; at; at = strchr(at, '\n')) {
		int fits;

		at += *at == '\n';
		fits = is_heading(typed, at);
		if (fits > best) {
			best = fits;
			from = at;
		}
	}
	if (!from)
		return;
	part = comma ? comma + 1 : part;
	part += *part == '+' || *part == '-';
	/* what was typed, less this part of it */
	before = xasprintf("%s", typed->last);
	before[strlen(before) - strlen(part)] = '\0';
	text = rest = xasprintf("%s", from);
	(void)strsep(&rest, "\n");
	while (rest && (line = strsep(&rest, "\n")) && begins(line, "  ")) {
		char *help;

		line += 2;
		help = line + strcspn(line, " ");
		if (*help)
			*help++ = '\0';
		if (begins_word(line, part))
			put(before, line, "", help + strspn(help, " "));
	}
	free(text);
	free(before);
}

/* Attributes of a container, of the tree, or what there can be. */
static char **list_attrs(const struct typed *typed, struct ctn **ctn)
{
	*ctn = NULL;
	if (is_given(typed, "defaults", strlen("defaults")))
		return has_tree() ? ctn_tree_attrs(tree) : NULL;
	if (typed->names[0])
		*ctn = open_typed(typed->names[0]);
	return *ctn ? ctn_attrs(*ctn) : NULL;
}

/* Those that the kernel counts, which set and show take as well. */
static void put_resources(const struct typed *typed, const struct ctn *ctn, const char *suffix)
{
	struct resource_row *rows = NULL;
	ssize_t count = ctn || tree ? resource_rows(&(struct holder){ ctn, tree }, &rows) : 0;

	for (ssize_t i = 0; i < count; i++)
		if (begins(rows[i].name, typed->last))
			put("", rows[i].name, suffix, "beancounter");
	resource_rows_free(rows, count);
}

static void put_attrs(const struct typed *typed, unsigned int flag, const char *suffix)
{
	struct ctn *ctn;
	char **names = list_attrs(typed, &ctn);

	for (char **name = names; name && *name; name++) {
		const struct ctn_attr *attr = ctn_attr_find(*name);

		if (begins(*name, typed->last) && (!attr || (attr->flags & flag)))
			put("", *name, suffix, attr ? attr->help : NULL);
	}
	if (names)
		put_resources(typed, ctn, suffix);
	ctn_names_free(names);
	ctn_close(ctn);
}

static void put_settings(const struct typed *typed)
{
	const char *equals = strchr(typed->last, '=');
	const struct ctn_attr *attr;
	char *name, *prefix;

	if (!equals) {
		put_attrs(typed, CTN_ATTR_WRITE, "=");
		return;
	}
	name = xasprintf("%.*s", (int)(equals - typed->last), typed->last);
	prefix = xasprintf("%s=", name);
	attr = ctn_attr_find(name);
	if (attr && attr->want)
		put_values(prefix, equals + 1, "", attr->want);
	else if (!attr)
		put_values(prefix, equals + 1, "", "\"max\" \"reset\"");
	free(prefix);
	free(name);
}

/* What a word of the usage, or of an option's line, stands for. */
static const char *kind_of(const char *word)
{
	static const struct {
		const char *word, *kind;
	} kinds[] = {
		{ "PATH", "files" }, { "FILE", "files" }, { "ARGUMENT", "files" },
		{ "DIR", "directories" }, { "PROGRAM", "programs" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strstr(word, kinds[i].word))
			return kinds[i].kind;
	return "";
}

static void put_words(const struct typed *typed, const char *word, const char *part)
{
	put_kind(kind_of(word));
	if (begins(word, "NAME") && strcmp(typed->cmd->name, "create"))
		put_names(part);
	else if (begins(word, "COMMAND"))
		put_commands(part);
	else if (begins(word, "PID") && !strcmp(typed->cmd->name, "rm-task"))
		put_tasks(part, typed->names[0]);
	else if (begins(word, "PID"))
		put_processes(part);
	else if (begins(word, "ATTR=VALUE"))
		put_settings(typed);
	else if (begins(word, "ATTR"))
		put_attrs(typed, CTN_ATTR_READ, "");
}

/* @prefix: of the last word, what is the option's. */
static void put_argument(const struct typed *typed, const struct known *option,
			 const char *prefix, const char *part)
{
	put_kind(kind_of(option->arg));
	if (begins(option->arg, "COLUMN"))
		put_columns(typed, part);
	else if (!strcmp(option->arg, "SIGNAL"))
		put_signals(prefix, part);
	else
		put_values(prefix, part, option->arg, option->help);
}

/* Usage */

/*
 * The line of "Usage:" that is for the options that are given: the first, unless
 * another one has one of them in it.
 */
static const char *find_usage(const struct typed *typed)
{
	const char *line = typed->manual.text, *found = line;

	while (begins(line, "Usage:") || begins(line, "       ctnctl")) {
		const char *end = line + strcspn(line, "\n");

		for (const char *at = strstr(line, "--"); at && at < end;
		     at = strstr(at + 2, "--"))
			if (islower((unsigned char)at[2]) &&
			    is_given(typed, at + 2, strcspn(at + 2, " |]\n")))
				found = line;
		line = end + (*end == '\n');
	}
	return found;
}

/*
 * What the word after @before others is, of such a line: "NAME", "PID|PATH...". The line
 * is "ctnctl COMMAND" and then these, with options among them. NULL if there is none.
 */
static char *word_of_usage(const struct typed *typed, size_t before)
{
	const char *usage = strstr(find_usage(typed), "ctnctl ");
	char *line = xasprintf("%.*s", (int)strcspn(usage, "\n"), usage);
	char *rest = line, *word, *found = NULL;
	size_t at = 0;

	/* its name, and the command's */
	(void)strsep(&rest, " ");
	(void)strsep(&rest, " ");
	while ((word = strsep(&rest, " "))) {
		int repeated = strstr(word, "...") != NULL;

		word += *word == '[';
		if (begins(word, "--")) {
			const struct known *option =
				find_long(&typed->manual, word + 2, strcspn(word + 2, " ]|"));

			if (option && option->arg && !option->may_lack)
				(void)strsep(&rest, " ");
			/* what comes after it is another program's */
			if (!strcmp(word, "--"))
				break;
			continue;
		}
		if (begins(word, "OPTION"))
			continue;
		/* one that may be repeated is all that come */
		if (at++ == before || repeated) {
			found = xasprintf("%s", word);
			break;
		}
	}
	free(line);
	return found;
}

/* Words */

/* Takes words[*at], an option. Returns one that takes the next word, or NULL. */
static struct known *take_option(struct typed *typed, const char *word)
{
	const struct manual *manual = &typed->manual;
	struct known *option;
	size_t len;

	if (word[1] == '-') {
		len = strcspn(word + 2, "=");
		option = find_long(manual, word + 2, len);
		if (option)
			typed->given[option - manual->options] = 1;
		return option && option->arg && !option->may_lack && !word[2 + len] ?
		       option : NULL;
	}
	for (word++; *word; word++) {
		option = find_letter(manual, *word);
		if (!option)
			continue;
		typed->given[option - manual->options] = 1;
		if (option->arg && !option->may_lack)
			return word[1] ? NULL : option;
	}
	return NULL;
}

/* What the last word is an argument of, as in --name=arg and -xarg; *part is what. */
static struct known *own_argument(const struct typed *typed, const char **part)
{
	const char *word = typed->last;
	struct known *option;

	if (*word != '-' || !word[1])
		return NULL;
	if (word[1] == '-') {
		const char *equals = strchr(word, '=');

		option = equals ? find_long(&typed->manual, word + 2,
					    (size_t)(equals - word - 2)) : NULL;
		if (!option || !option->arg)
			return NULL;
		*part = equals + 1;
		return option;
	}
	for (word++; *word; word++) {
		option = find_letter(&typed->manual, *word);
		if (option && option->arg && !option->may_lack && word[1]) {
			*part = word + 1;
			return option;
		}
	}
	return NULL;
}

/* Another program's words begin: its arguments are files, as far as we know. */
static int is_others(const struct typed *typed)
{
	int is_run = !strcmp(typed->cmd->name, "run");

	return (is_run && typed->nwords > 1) ||
	       (!strcmp(typed->cmd->name, "watch") && typed->ended);
}

/* After the command. */
static void complete_words(struct typed *typed, size_t from)
{
	struct known *waits = NULL;
	const char *part = NULL;
	char *word, *prefix;

	for (size_t i = from; i + 1 < typed->count; i++) {
		word = typed->words[i];
		if (waits) {
			waits = NULL;
		} else if (!typed->ended && !strcmp(word, "--")) {
			typed->ended = 1;
		} else if (!typed->ended && *word == '-' && word[1] && !is_others(typed)) {
			waits = take_option(typed, word);
		} else {
			if (typed->nwords < ARRAY_SIZE(typed->names))
				typed->names[typed->nwords] = word;
			typed->nwords++;
		}
	}
	if (is_others(typed)) {
		put_kind("files");
		return;
	}
	if (waits) {
		put_argument(typed, waits, "", typed->last);
		return;
	}
	waits = typed->ended ? NULL : own_argument(typed, &part);
	if (waits) {
		prefix = xasprintf("%.*s", (int)(part - typed->last), typed->last);
		put_argument(typed, waits, prefix, part);
		free(prefix);
	} else if (*typed->last == '-' && !typed->ended) {
		put_kind("");
		for (size_t i = 0; i < typed->manual.count; i++) {
			const struct known *option = &typed->manual.options[i];

			word = xasprintf("--%s", option->name);
			if (begins(word, typed->last))
				put_option(option);
			free(word);
		}
	} else {
		word = word_of_usage(typed, typed->nwords);
		if (word)
			put_words(typed, word, typed->last);
		else
			put_kind("");
		free(word);
	}
}

static void read_typed(struct typed *typed, char *text)
{
	read_manual(&typed->manual, text);
	typed->given = xrealloc(NULL, typed->manual.count + 1, sizeof(*typed->given));
	memset(typed->given, 0, (typed->manual.count + 1) * sizeof(*typed->given));
}

/* The options before the command. Returns where that is; the last if there is none. */
static size_t find_command(struct typed *typed)
{
	static const struct command none = { .name = "" };
	struct known *waits = NULL;
	const char *part;
	size_t i;

	typed->cmd = &none;
	for (i = 0; i + 1 < typed->count; i++) {
		char *word = typed->words[i];
		const char *equals = strchr(word, '=');

		if (waits) {
			configfs = word;
			waits = NULL;
		} else if (*word == '-') {
			waits = take_option(typed, word);
			if (begins(word, "--c") && equals)
				configfs = equals + 1;
			else if (begins(word, "-c") && word[2])
				configfs = word + 2;
		} else {
			break;
		}
	}
	exact_names = is_given(typed, "exact", strlen("exact"));
	if (i + 1 < typed->count)
		return i;
	waits = waits ? waits : own_argument(typed, &part);
	if (waits) {
		put_kind(kind_of(waits->arg));
	} else if (*typed->last == '-') {
		complete_words(typed, i);
	} else {
		put_kind("");
		put_commands(typed->last);
	}
	return i;
}

void complete(const struct words *words, int argc, char **argv)
{
	static char none[] = "";
	struct typed typed = { .words = argv + 1, .count = (size_t)argc - 1 };
	char *no_words[] = { none, NULL };
	struct typed after;
	size_t i;

	all = words;
	if (!typed.count) {
		typed.words = no_words;
		typed.count = 1;
	}
	typed.last = typed.words[typed.count - 1];
	read_typed(&typed, capture(print_main, NULL));
	i = find_command(&typed);
	if (i + 1 < typed.count && !strcmp(typed.words[i], "help")) {
		put_kind("");
		if (i + 2 == typed.count)
			put_commands(typed.last);
	} else if (i + 1 < typed.count) {
		after = (struct typed){
			.words = typed.words, .count = typed.count, .last = typed.last,
			.cmd = words->find(typed.words[i]),
		};
		if (after.cmd) {
			read_typed(&after, capture(print_help_of, after.cmd));
			complete_words(&after, i + 1);
			free_manual(&after.manual);
			free(after.given);
		}
	}
	free_manual(&typed.manual);
	free(typed.given);
	ctn_tree_close(tree);
	finish(STATUS_OK);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Configuration files: finding them, reading them, and the escapes in them.
 *
 * libeconf, which others have for this, gives up a file at its first line with a
 * fault, keeps one of several lines with the same key, cuts long lines, and ends
 * each at a "#".
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "config.h"

/* A longer line is refused: it has room for the longest path, all escaped. */
#define LINE_SIZE 32768

/* Further than that nobody looks for the end of a line. */
#define LINE_END_MAX (1UL << 20)

static const char directories[] =
	"/etc/ctnctl.d:/run/ctnctl.d:/usr/local/lib/ctnctl.d:/usr/lib/ctnctl.d";

/* Complaints */

static void print_place(const struct place *at)
{
	char *file = ctn_escape(at->file);

	fprintf(stderr, "ctnctl: %s:%lu: ", file ? file : "", at->line);
	free(file);
}

void complain_at(const struct place *at, const char *fmt, ...)
{
	va_list args;

	print_place(at);
	va_start(args, fmt);
	print_reason(fmt, args);
	va_end(args);
}

void complain_key(const struct key *key, const char *fmt, va_list args)
{
	char *why = NULL;

	if (vasprintf(&why, fmt, args) < 0)
		die("%s", strerror(ENOMEM));
	complain_at(&key->at, "%s: %s", key->name, why);
	free(why);
}

void fault_at(const struct place *at, const char *why)
{
	print_place(at);
	fprintf(stderr, "%s\n", why);
}

void refused_at(const struct place *at)
{
	/* what had to be escaped in it is */
	fault_at(at, ctn_errmsg());
}

/* Escapes */

const char *config_byte(const char **text, char *byte, int *escaped)
{
	const char *at = *text;
	unsigned int value = 0;
	int len = 0;

	*escaped = *at == '\\';
	if (!*escaped || at[1] == '\\') {
		*byte = *at;
		*text = at + 1 + *escaped;
		return NULL;
	}
	if (at[1] == 'x') {
		if (isxdigit((unsigned char)at[2]) && isxdigit((unsigned char)at[3]))
			sscanf(at + 2, "%2x%n", &value, &len);
		len += 2;
	} else if (strspn(at + 1, "01234567") >= 3) {
		sscanf(at + 1, "%3o%n", &value, &len);
		len += 1;
	}
	if (!value || value > 0xff)
		return "want \\ooo, \\xhh or \\\\ for a byte";
	*byte = (char)value;
	*text = at + len;
	return NULL;
}

/* What ctn_escape() makes of it, and some more bytes as \ooo. */
static char *escape(const char *text, const char *special)
{
	char *escaped = ctn_escape(text);
	char *more, *out;

	if (!escaped)
		die("%s", strerror(ENOMEM));
	more = out = xrealloc(NULL, strlen(escaped) + 1, 4);
	for (const char *at = escaped; *at; at++) {
		if (strchr(special, *at))
			out += sprintf(out, "\\x%02x", (unsigned char)*at);
		else
			*out++ = *at;
	}
	*out = '\0';
	free(escaped);
	return more;
}

char *config_escape(const char *text)
{
	return escape(text, "*?[");
}

#define DEFAULTS "defaults"

/* One that is called as the section for the defaults has its first letter escaped. */
char *config_name(const char *name)
{
	if (!strcmp(name, DEFAULTS))
		return xasprintf("\\%03o%s", (unsigned char)*name, name + 1);
	return escape(name, "[]");
}

/* In place. Returns why it cannot be done, or NULL. */
static const char *unescape_name(char *text)
{
	const char *from = text, *why = NULL;
	char *out = text;
	int escaped;

	while (!why && *from)
		why = strchr("[]", *from) ?
		      "want \\133 and \\135 for brackets in a name" :
		      config_byte(&from, out++, &escaped);
	*out = '\0';
	return why;
}

/* Sections and keys */

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct section *)a)->name,
		      ((const struct section *)b)->name);
}

struct section *config_find(const struct config *config, const char *name)
{
	struct section wanted = { .name = (char *)name };
	struct section **found = tfind(&wanted, &config->index, by_name);

	return found ? *found : NULL;
}

static struct section *add_section(struct config *config, const char *name,
				   const struct place *at)
{
	struct section *section = config_find(config, name);

	if (section)
		return section;
	section = xrealloc(NULL, 1, sizeof(*section));
	*section = (struct section){ .name = xasprintf("%s", name), .at = *at };
	if (!tsearch(section, &config->index, by_name))
		die("%s", strerror(ENOMEM));
	config->sections = xrealloc(config->sections, config->nsections + 1,
				    sizeof(*config->sections));
	config->sections[config->nsections++] = section;
	return section;
}

struct key *config_key(const struct section *section, const char *name)
{
	for (size_t i = 0; i < section->nkeys; i++)
		if (!strcmp(section->keys[i].name, name))
			return &section->keys[i];
	return NULL;
}

/* Of two lines in one file, one would be in vain. A later file may know better. */
static int add_key(struct section *section, const char *name, const char *value,
		   const struct place *at)
{
	int is_list = !strcmp(name, CONFIG_FILE) || !strcmp(name, CONFIG_PROCESS);
	struct key *key = is_list ? NULL : config_key(section, name);

	if (key && key->at.file == at->file) {
		complain_at(at, "%s: it is in line %lu already", name,
			    key->at.line);
		return STATUS_REFUSED;
	}
	if (key) {
		free(key->name);
		free(key->value);
	} else {
		section->keys = xrealloc(section->keys, section->nkeys + 1,
					 sizeof(*section->keys));
		key = &section->keys[section->nkeys++];
	}
	*key = (struct key){
		.name = xasprintf("%s", name),
		.value = xasprintf("%s", value), .at = *at,
	};
	return STATUS_OK;
}

/* Lines */

/* Where a reader is. */
struct reader {
	struct config *config;
	struct section *section;
	int in_section;		/* lines before the first are in none */
	struct place at;
};

static void bad_line(const struct reader *reader, const char *why)
{
	fault_at(&reader->at, why);
	reader->config->status = STATUS_REFUSED;
}

static const char white[] = " \t\n\v\f\r";

/* In place; the end of CRLF is white space. */
static char *strip(char *text)
{
	char *end;

	text += strspn(text, white);
	end = text + strlen(text);
	while (end > text && strchr(white, end[-1]))
		end--;
	*end = '\0';
	return text;
}

/* What comes below a heading that cannot be read is nobody's. */
static void read_heading(struct reader *reader, char *line)
{
	size_t len = strlen(line);
	const char *why = NULL;
	char *name;

	reader->section = NULL;
	reader->in_section = 1;
	if (line[len - 1] != ']') {
		why = "want a name in brackets, and nothing after it";
	} else {
		line[len - 1] = '\0';
		name = strip(line + 1);
		if (!strcmp(name, DEFAULTS)) {
			reader->section = &reader->config->defaults;
			return;
		}
		why = *name ? unescape_name(name) : "want a name in brackets";
		if (!why)
			reader->section = add_section(reader->config, name,
						      &reader->at);
	}
	if (why) {
		bad_line(reader, why);
		reader->config->unsure = 1;
	}
}

static void read_line(struct reader *reader, char *line)
{
	static const char prefix[] = "default_";
	char *equals, *value;

	line = strip(line);
	if (!*line || *line == '#' || *line == ';')
		return;
	if (*line == '[') {
		read_heading(reader, line);
		return;
	}
	equals = strchr(line, '=');
	if (!equals || equals == line) {
		bad_line(reader, "want [NAME] or KEY = VALUE");
		return;
	}
	*equals = '\0';
	line = strip(line);
	value = strip(equals + 1);
	/* of the defaults this is another name for the same */
	if (reader->section == &reader->config->defaults &&
	    !strncmp(line, prefix, strlen(prefix)))
		line += strlen(prefix);
	if (!reader->in_section)
		complain_at(&reader->at, "%s: it is in no section", line);
	else if (!*value)
		complain_at(&reader->at, "%s: there is no value", line);
	else if (!reader->section ||
		 !add_key(reader->section, line, value, &reader->at))
		return;
	reader->config->status = STATUS_REFUSED;
}

/* It may have been a heading: what comes below it is not the last section's. */
static void lose_line(struct reader *reader, const char *line)
{
	line += strspn(line, white);
	if (*line && *line != '[')
		return;
	reader->section = NULL;
	reader->in_section = 1;
	reader->config->unsure = 1;
}

/* What getc(3) has of a line; returns its length, and 0 at the end of the file. */
static size_t get_line(FILE *from, char *line, int *has_null)
{
	size_t len = 0;
	int c;

	*has_null = 0;
	while (len < LINE_END_MAX && (c = getc_unlocked(from)) != EOF) {
		if (len < LINE_SIZE - 1)
			line[len] = (char)c;
		*has_null |= !c;
		len++;
		if (c == '\n')
			break;
	}
	line[len < LINE_SIZE ? len : LINE_SIZE - 1] = '\0';
	return len;
}

static void read_lines(struct reader *reader, FILE *from)
{
	static const char mark[] = "\xef\xbb\xbf";
	char *line = xrealloc(NULL, LINE_SIZE, 1);
	int has_null;
	size_t len;

	while ((len = get_line(from, line, &has_null))) {
		reader->at.line++;
		reader->at.order = ++reader->config->lines;
		if (len >= LINE_END_MAX) {
			bad_line(reader,
				 "the line has no end; what comes after it is not read");
			reader->config->unsure = 1;
			break;
		}
		if (has_null || len >= LINE_SIZE) {
			bad_line(reader, has_null ? "there is a null byte in it" :
				 "the line is too long");
			lose_line(reader, line);
			continue;
		}
		/* editors of another system put it there */
		if (reader->at.line == 1 && !strncmp(line, mark, strlen(mark)))
			read_line(reader, line + strlen(mark));
		else
			read_line(reader, line);
	}
	free(line);
}

/* Files */

static void refuse_file(struct config *config, const char *file)
{
	complain("%s: %s", file, strerror(errno));
	config->status = STATUS_REFUSED;
	config->unsure = 1;
}

void config_read(struct config *config, const char *file)
{
	struct reader reader = { .config = config };
	int is_stdin = !strcmp(file, "-");
	FILE *from = is_stdin ? stdin : fopen(file, "re");
	char *name = xasprintf("%s", is_stdin ? "<stdin>" : file);

	config->files = xrealloc(config->files, config->nfiles + 1,
				 sizeof(*config->files));
	config->files[config->nfiles++] = name;
	reader.at.file = name;
	if (!from) {
		refuse_file(config, name);
		return;
	}
	read_lines(&reader, from);
	if (ferror(from))
		refuse_file(config, name);
	if (!is_stdin)
		fclose(from);
}

/* NAME.conf in one of the directories. */
struct found {
	char *path;
	const char *name;	/* the last part of path */
};

struct list {
	struct found *found;
	size_t count;
};

static int is_config(const char *name)
{
	static const char suffix[] = ".conf";
	size_t len = strlen(name);

	return *name != '.' && len > strlen(suffix) &&
	       !strcmp(name + len - strlen(suffix), suffix);
}

static int is_hidden(const struct list *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++)
		if (!strcmp(list->found[i].name, name))
			return 1;
	return 0;
}

static void find_in(struct config *config, struct list *list, const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	struct found *new;

	if (!dir) {
		if (errno != ENOENT)
			refuse_file(config, path);
		return;
	}
	while (errno = 0, (entry = readdir(dir))) {
		if (!is_config(entry->d_name) || is_hidden(list, entry->d_name))
			continue;
		list->found = xrealloc(list->found, list->count + 1,
				       sizeof(*list->found));
		new = &list->found[list->count++];
		new->path = xasprintf("%s/%s", path, entry->d_name);
		new->name = new->path + strlen(path) + 1;
	}
	if (errno)
		refuse_file(config, path);
	closedir(dir);
}

static int by_file_name(const void *a, const void *b)
{
	return strcmp(((const struct found *)a)->name,
		      ((const struct found *)b)->name);
}

/* /dev/null, or a link to it, hides those of its name and has nothing to say. */
static void read_found(struct config *config, const char *path)
{
	struct stat st, null;

	if (stat(path, &st)) {
		refuse_file(config, path);
	} else if (S_ISREG(st.st_mode)) {
		config_read(config, path);
	} else if (stat("/dev/null", &null) || st.st_rdev != null.st_rdev ||
		   !S_ISCHR(st.st_mode)) {
		/* a pipe would be waited for */
		complain("%s: it is no regular file", path);
		config->status = STATUS_REFUSED;
		config->unsure = 1;
	}
}

void config_read_all(struct config *config)
{
	const char *named = getenv("CTN_APPLY_PATH");
	char *path = xasprintf("%s", named && *named ? named : directories);
	struct list list = { 0 };
	char *rest = path, *dir;

	while ((dir = strsep(&rest, ":")))
		if (*dir)
			find_in(config, &list, dir);
	if (list.count)
		qsort(list.found, list.count, sizeof(*list.found), by_file_name);
	for (size_t i = 0; i < list.count; i++) {
		read_found(config, list.found[i].path);
		free(list.found[i].path);
	}
	free(list.found);
	free(path);
}

static void free_keys(struct section *section)
{
	for (size_t i = 0; i < section->nkeys; i++) {
		free(section->keys[i].name);
		free(section->keys[i].value);
	}
	free(section->keys);
}

static void keep(void *section)
{
	(void)section;
}

void config_free(struct config *config)
{
	tdestroy(config->index, keep);
	for (size_t i = 0; i < config->nsections; i++) {
		free_keys(config->sections[i]);
		free(config->sections[i]->name);
		free(config->sections[i]);
	}
	free_keys(&config->defaults);
	free(config->sections);
	for (size_t i = 0; i < config->nfiles; i++)
		free(config->files[i]);
	free(config->files);
}

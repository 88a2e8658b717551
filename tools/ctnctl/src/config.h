/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Configuration files, as ctnctl.conf(5) has them: what they say, line by line, and
 * how what they cannot hold as it is, is escaped. What it means is not known here.
 */
#ifndef CTNCTL_CONFIG_H
#define CTNCTL_CONFIG_H

#include "common.h"

/* Where something is written. */
struct place {
	const char *file;
	unsigned long line;
	unsigned long order;	/* of all lines of all files, from 1 */
};

/* NAME = VALUE, without the white space around them; VALUE is not empty. */
struct key {
	char *name;
	char *value;
	struct place at;
};

/* What all files say about one container, or about the defaults of new ones. */
struct section {
	char *name;		/* of the container; NULL for the defaults */
	struct place at;	/* where it begins first */
	struct key *keys;	/* each name once, but for those two */
	size_t nkeys;
	struct named *files;	/* see named.h */
	size_t nfiles;
};

struct config {
	struct section **sections;	/* of containers, each name once */
	size_t nsections;
	struct section defaults;
	int status;		/* STATUS_REFUSED if something was not understood */
	int unsure;		/* there may be sections that could not be read */
	unsigned long lines;	/* of all files */
	void *index;		/* the sections, for tsearch(3) */
	char **files;		/* the names that the places have */
	size_t nfiles;
};

/* The names of what names files, and of what says which processes; any number of times. */
#define CONFIG_FILE "file"
#define CONFIG_PROCESS "process"

/*
 * Read a file, "-" for standard input, once from its beginning to its end; it need
 * not be one that can be read again. What it says goes before what is there. What
 * cannot be understood is said, and left out.
 */
void config_read(struct config *config, const char *file);

/*
 * Read the files NAME.conf of all directories for them, sorted by name. Of those
 * of one name the first is read, in the order of the directories.
 */
void config_read_all(struct config *config);

struct section *config_find(const struct config *config, const char *name);

/* The line of this key, or NULL; of several it is the first. */
struct key *config_key(const struct section *section, const char *name);

void config_free(struct config *config);

/* Say something about what is written there; words of others may be in it. */
void complain_at(const struct place *at, const char *fmt, ...) PRINTF(2, 3);

/* The same of a key, whose name comes before it. */
void complain_key(const struct key *key, const char *fmt, va_list args) PRINTF(2, 0);

/* The same with words of our own, in which a backslash is one. */
void fault_at(const struct place *at, const char *why);

/* The same with what the library refused. */
void refused_at(const struct place *at);

/*
 * A name or a path as a configuration has it: what is white space, special or not to
 * be printed is escaped. config_name() is for what stands in brackets.
 */
char *config_escape(const char *text);
char *config_name(const char *name);

/*
 * Take a byte of a text with escapes, and say in @escaped whether it was one. Returns
 * why that is none, or NULL.
 */
const char *config_byte(const char **text, char *byte, int *escaped);

#endif /* CTNCTL_CONFIG_H */

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What libctn and ctnctl read of the kernel's files in one way. It is not installed.
 */
#ifndef CTN_PARSE_H
#define CTN_PARSE_H

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/*
 * Read digits; *@end is what comes after them. Returns -1 if there are none, or too many.
 * strtoull(3) takes signs and spaces, and no number of the kernel has any.
 */
static inline int parse_number(const char *text, char **end, uint64_t *value)
{
	unsigned long long number;

	if (*text < '0' || *text > '9')
		return -1;
	errno = 0;
	number = strtoull(text, end, 10);
	*value = number;
	return errno ? -1 : 0;
}

/* Read digits and nothing else, or "max", which is UINT64_MAX. Returns 0 or -1. */
static inline int parse_value(const char *text, uint64_t *value)
{
	char *end;

	if (strcmp(text, "max"))
		return parse_number(text, &end, value) || *end ? -1 : 0;
	*value = UINT64_MAX;
	return 0;
}

/*
 * A line "NAME NUMBER..." of a table of beancounters, with any spaces between: cut it, and
 * read so many numbers. Returns 0, or -1 if there are others or more or fewer.
 */
static inline int parse_line(char *line, char **name, uint64_t *numbers, size_t count)
{
	char *save, *word;

	*name = strtok_r(line, " ", &save);
	for (size_t i = 0; *name && i < count; i++) {
		word = strtok_r(NULL, " ", &save);
		if (!word || parse_value(word, &numbers[i]))
			return -1;
	}
	return !*name || strtok_r(NULL, " ", &save) ? -1 : 0;
}

/* Undo the \ooo of seq_path() in the kernel, in place. */
static inline void undo_octal(char *text)
{
	char *to = text;

	while (*text) {
		const char *digits = text + 1;

		if (*text == '\\' && strspn(digits, "01234567") >= 3) {
			*to++ = (char)((digits[0] - '0') * 64 + (digits[1] - '0') * 8 +
				       (digits[2] - '0'));
			text += 4;
		} else {
			*to++ = *text++;
		}
	}
	*to = '\0';
}

#endif /* CTN_PARSE_H */

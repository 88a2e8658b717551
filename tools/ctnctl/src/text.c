// SPDX-License-Identifier: GPL-2.0-only
/*
 * Numbers and strings as people and JSON want them.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common.h"

uint64_t pages_to_bytes(uint64_t pages)
{
	uint64_t size = (uint64_t)sysconf(_SC_PAGESIZE);

	return pages > UINT64_MAX / size ? UINT64_MAX : pages * size;
}

/* As lsblk(8) has it: one digit after the point, none if it would be 0. */
struct size_text size_of_bytes(uint64_t bytes)
{
	static const char units[] = "BKMGTPE";
	struct size_text size;
	uint64_t whole, tenths;
	unsigned int unit = 0;

	while (unit < sizeof(units) - 2 && bytes >> (10 * (unit + 1)))
		unit++;
	whole = bytes >> (10 * unit);
	tenths = 0;
	if (unit) {
		/* Ten bits of what is left are enough to round to a tenth. */
		uint64_t rest = bytes >> (10 * (unit - 1)) & 1023;

		tenths = (rest * 10 + 512) / 1024;
		if (tenths == 10) {
			whole++;
			tenths = 0;
		}
		if (whole == 1024 && unit < sizeof(units) - 2) {
			whole = 1;
			unit++;
		}
	}
	if (tenths)
		snprintf(size.text, sizeof(size.text),
			 "%" PRIu64 ".%" PRIu64 "%c", whole, tenths,
			 units[unit]);
	else
		snprintf(size.text, sizeof(size.text), "%" PRIu64 "%c", whole,
			 units[unit]);
	return size;
}

struct size_text size_of_pages(uint64_t pages)
{
	return size_of_bytes(pages_to_bytes(pages));
}

struct size_text exact_size(uint64_t pages)
{
	static const char units[] = "KMGT";
	/* a page is some K */
	uint64_t size = pages * ((uint64_t)sysconf(_SC_PAGESIZE) / 1024);
	struct size_text text;
	size_t unit = 0;

	if (pages == CTN_MAX) {
		strcpy(text.text, "max");
		return text;
	}
	while (size && size % 1024 == 0 && unit < sizeof(units) - 2) {
		size /= 1024;
		unit++;
	}
	if (size)
		snprintf(text.text, sizeof(text.text), "%" PRIu64 "%c", size,
			 units[unit]);
	else
		strcpy(text.text, "0");
	return text;
}

const char *take_size(char *text)
{
	size_t digits = strspn(text, "0123456789");
	char *unit = text + digits;
	int is_zero = strspn(text, "0") == digits;
	char letter = *unit;
	uint64_t pages = 0;
	char *size;

	if (letter >= 'a' && letter <= 'z')
		letter = (char)(letter - 'a' + 'A');
	if (!digits)
		return "it is no size";
	if (!*unit)
		return is_zero ? NULL : "a number needs a unit";
	if (strcmp(unit, "p") &&
	    (!strchr("KMGT", letter) || (unit[1] && strcmp(unit + 1, "iB"))))
		return "it is no size";
	size = xasprintf("%.*s%.*s", (int)digits, text, *unit != 'p', &letter);
	if (ctn_parse_pages(size, &pages))
		pages = CTN_MAX;
	/* what is less than a page would be none */
	if (pages && pages != CTN_MAX)
		strcpy(text, size);
	else if (is_zero)
		strcpy(text, "0");
	free(size);
	return pages == CTN_MAX ? "it is too large" :
	       !pages && !is_zero ? "it is less than a page" : NULL;
}

/*
 * How many bytes the character takes that @text begins with, 0 if it is none. glibc's
 * iconv(3) also takes what is beyond U+10FFFF, and readers of JSON do not.
 */
static size_t utf8_length(const char *text)
{
	const unsigned char *bytes = (const unsigned char *)text;
	size_t len = *bytes < 0x80 ? 1 : *bytes < 0xc2 ? 0 : *bytes < 0xe0 ? 2 :
		     *bytes < 0xf0 ? 3 : *bytes < 0xf5 ? 4 : 0;

	/* what could be written with fewer bytes, surrogates, and beyond U+10FFFF */
	if ((*bytes == 0xe0 && bytes[1] < 0xa0) ||
	    (*bytes == 0xed && bytes[1] > 0x9f) ||
	    (*bytes == 0xf0 && bytes[1] < 0x90) ||
	    (*bytes == 0xf4 && bytes[1] > 0x8f))
		return 0;
	/* a null byte continues none */
	for (size_t i = 1; i < len; i++)
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
	return len;
}

char *to_utf8(const char *text)
{
	static const char unknown[] = "\xef\xbf\xbd";
	char *copy = xrealloc(NULL, strlen(text) + 1, sizeof(unknown) - 1);
	char *out = copy;

	while (*text) {
		size_t len = utf8_length(text);

		out = mempcpy(out, len ? text : unknown,
			      len ? len : sizeof(unknown) - 1);
		text += len ? len : 1;
	}
	*out = '\0';
	return copy;
}

/* C0 but for the line feed, which the format escapes, DEL and C1 */
static int is_control(const char *text, size_t len)
{
	unsigned char first = (unsigned char)text[0];

	return (first < ' ' && first != '\n') || first == 0x7f ||
	       (len == 2 && first == 0xc2 && (unsigned char)text[1] < 0xa0);
}

/*
 * Names that are different must have labels that are: what is not UTF-8 cannot become
 * U+FFFD here. Its bytes are \xNN, and so is a backslash, so that none is taken for
 * another. Then there is what the format wants escaped.
 */
char *to_label(const char *text)
{
	static const char longest[] = "\\\\xNN";
	char *label = xrealloc(NULL, strlen(text) + 1, sizeof(longest) - 1);
	char *out = label;

	while (*text) {
		size_t len = utf8_length(text);

		if (!len || *text == '\\' || is_control(text, len))
			for (size_t i = 0; i < (len ? len : 1); i++)
				out += sprintf(out, "\\\\x%02x",
					       (unsigned char)text[i]);
		else if (*text == '"')
			out = stpcpy(out, "\\\"");
		else if (*text == '\n')
			out = stpcpy(out, "\\n");
		else
			out = mempcpy(out, text, len);
		text += len ? len : 1;
	}
	*out = '\0';
	return label;
}

char small_letter(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

int begins_word(const char *word, const char *with)
{
	while (*with && small_letter(*word) == small_letter(*with)) {
		word++;
		with++;
	}
	return !*with;
}

int same_word(const char *a, const char *b)
{
	return strlen(a) == strlen(b) && begins_word(a, b);
}

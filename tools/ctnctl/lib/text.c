// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Text into numbers, as the kernel takes them, and bytes into text that is
 * safe for a terminal.
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wctype.h>

#include "internal.h"

/* The power of 2 that a unit stands for; -1 if it is none. */
static int unit_shift(const char *text)
{
	static const char units[] = "KMGT";
	const char *unit = strchr(units, *text);

	if (!*text)
		return 0;
	return unit && !text[1] ? (int)(10 * (unit - units + 1)) : -1;
}

CTN_API int ctn_parse_pages(const char *text, uint64_t *pages)
{
	uint64_t size = (uint64_t)sysconf(_SC_PAGESIZE);
	const char *unit = text + strspn(text, "0123456789");
	int shift = unit == text ? -1 : unit_shift(unit);
	uint64_t number, most = INT64_MAX / size;
	char *end;

	if (!strcmp(text, "max")) {
		*pages = CTN_MAX;
		return 0;
	}
	/* It is called too large only if it is a number at all. */
	if (shift < 0)
		return fail(EINVAL, NULL, text, NULL,
			    attr_hint("page_limit", EINVAL));
	if (parse_number(text, &end, &number) || number > UINT64_MAX >> shift)
		return fail(ERANGE, NULL, text, NULL, NULL);
	if (shift)
		number = (number << shift) / size;
	if (number > most)
		return fail(ERANGE, NULL, text, NULL, NULL);
	*pages = number == most ? CTN_MAX : number;
	return 0;
}

/*
 * Characters that iswprint(3) takes, and with which a name could look like another: what
 * Unicode calls spaces (Z), formats (Cf), which are not seen or turn the text around
 * them, and private ones (Co); fillers and selectors, which are not seen either; and
 * Braille with no dot.
 */
static int is_deceptive(wchar_t c)
{
	static const struct {
		wchar_t first, last;
	} ranges[] = {
		{ 0xa0, 0xa0 }, { 0xad, 0xad }, { 0x34f, 0x34f },
		{ 0x600, 0x605 }, { 0x61c, 0x61c }, { 0x6dd, 0x6dd },
		{ 0x70f, 0x70f }, { 0x890, 0x891 }, { 0x8e2, 0x8e2 },
		{ 0x115f, 0x1160 }, { 0x1680, 0x1680 }, { 0x17b4, 0x17b5 },
		{ 0x180b, 0x180f }, { 0x2000, 0x200f }, { 0x2028, 0x202f },
		{ 0x205f, 0x206f }, { 0x2800, 0x2800 }, { 0x3000, 0x3000 },
		{ 0x3164, 0x3164 }, { 0xe000, 0xf8ff }, { 0xfe00, 0xfe0f },
		{ 0xfeff, 0xfeff }, { 0xffa0, 0xffa0 }, { 0xfff0, 0xfffb },
		{ 0x110bd, 0x110bd }, { 0x110cd, 0x110cd },
		{ 0x13430, 0x1343f }, { 0x1bca0, 0x1bca3 },
		{ 0x1d173, 0x1d17a }, { 0xe0000, 0x10ffff },
	};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(*ranges); i++)
		if (c >= ranges[i].first && c <= ranges[i].last)
			return 1;
	return 0;
}

/*
 * Names and values come from anywhere: what the locale cannot print must not
 * reach a terminal, nor may a newline break a line in two.
 */
size_t escape_next(struct escape *from, char *out)
{
	const char *bytes = from->text;
	size_t left = strnlen(bytes, MB_LEN_MAX), at = 0, len;
	wchar_t wide;
	int plain;

	if (!left)
		return 0;
	len = mbrtowc(&wide, bytes, left, &from->state);
	plain = len != (size_t)-1 && len != (size_t)-2;
	if (!plain) {
		memset(&from->state, 0, sizeof(from->state));
		len = 1;
	}
	/* an accent is seen on the character before it, which must be of this text */
	if (plain && !from->is_after && wcwidth(wide) == 0)
		plain = 0;
	if (plain && iswprint((wint_t)wide) && !is_deceptive(wide) &&
	    !strchr(from->special, *bytes)) {
		from->is_after = *bytes != ' ';
		memcpy(out, bytes, len);
		at = len;
	} else {
		from->is_after = 0;
		for (size_t i = 0; i < len; i++)
			at += (size_t)sprintf(out + at, "\\x%02x",
					      (unsigned char)bytes[i]);
	}
	from->text += len;
	return at;
}

CTN_API char *ctn_escape(const char *text)
{
	struct escape from = { .text = text, .special = "\\ " };
	char *escaped = malloc(4 * strlen(text) + MB_LEN_MAX + 1);
	size_t at = 0, len;

	if (!escaped) {
		fail(ENOMEM, NULL, text, NULL, NULL);
		return NULL;
	}
	while ((len = escape_next(&from, escaped + at)))
		at += len;
	escaped[at] = '\0';
	return escaped;
}

static int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *found = c ? strchr(digits, tolower((unsigned char)c)) : NULL;

	return found ? (int)(found - digits) : -1;
}

CTN_API char *ctn_unescape(const char *text)
{
	char *plain = malloc(strlen(text) + 1), *out = plain;
	int high, low;

	if (!plain) {
		fail(ENOMEM, NULL, text, NULL, NULL);
		return NULL;
	}
	while (*text) {
		if (*text != '\\') {
			*out++ = *text++;
			continue;
		}
		high = text[1] == 'x' ? hex_digit(text[2]) : -1;
		low = high < 0 ? -1 : hex_digit(text[3]);
		if (low < 0 || !(high | low)) {
			free(plain);
			fail(EINVAL, NULL, text, "Not an escape", "want \\xNN for a byte");
			return NULL;
		}
		*out++ = (char)(high << 4 | low);
		text += 4;
	}
	*out = '\0';
	return plain;
}

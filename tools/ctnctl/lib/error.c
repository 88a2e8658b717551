// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The text that says why a function failed: one line, safe for a terminal.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "internal.h"

/*
 * Room for a path and a value of full length. When escapes make the text
 * longer than that it is cut short, and ends in "...".
 */
#define TEXT_MAX (2 * 4096 + 512)

struct text {
	char buf[TEXT_MAX];
	size_t len;
	int full;
};

static _Thread_local struct text last;

static void add(struct text *text, const char *bytes, size_t len)
{
	static const char cut[] = "...";

	if (text->full)
		return;
	if (len > sizeof(text->buf) - sizeof(cut) - text->len) {
		bytes = cut;
		len = sizeof(cut) - 1;
		text->full = 1;
	}
	memcpy(text->buf + text->len, bytes, len);
	text->len += len;
	text->buf[text->len] = '\0';
}

static void add_escaped(struct text *text, const char *str, int quoted)
{
	struct escape from = {
		.text = str, .special = quoted ? "\\\"" : "\\",
	};
	char bytes[ESCAPED_MAX];
	size_t len;

	while ((len = escape_next(&from, bytes)))
		add(text, bytes, len);
}

static void add_text(struct text *text, const char *str)
{
	add(text, str, strlen(str));
}

int fail(int err, const char *file, const char *value, const char *reason,
	 const char *hint)
{
	last.len = 0;
	last.full = 0;
	if (file) {
		add_escaped(&last, file, 0);
		add_text(&last, ": ");
	}
	if (value) {
		add_text(&last, "\"");
		add_escaped(&last, value, 1);
		add_text(&last, "\": ");
	}
	add_text(&last, reason ? reason : strerror(err));
	if (hint) {
		add_text(&last, " (");
		add_text(&last, hint);
		add_text(&last, ")");
	}
	errno = err;
	return -1;
}

CTN_API const char *ctn_errmsg(void)
{
	return last.buf;
}

CTN_API const char *ctn_version(void)
{
	return CTN_VERSION;
}

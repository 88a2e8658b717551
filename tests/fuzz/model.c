// SPDX-License-Identifier: GPL-2.0
/*
 * What is to come of a write, from Documentation/containers.rst: written without
 * a look at the kernel's code, and by other means, so that the two can disagree.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fuzz.h"

#define LARGEST 2251799813685247ull	/* the same as "max" */

/* As many digits as cannot overflow 128 bits with the largest unit after them. */
#define MANY_DIGITS 26

static int is_word(const char *bytes, size_t len, const char *word)
{
	return len == strlen(word) && !strncmp(bytes, word, len);
}

static int judge_number(int pages, const char *bytes, size_t len,
			unsigned __int128 *number)
{
	static const char units[] = "KMGT";
	size_t digits = 0, zeros = 0;
	const char *unit;

	while (digits < len && isdigit((unsigned char)bytes[digits]))
		digits++;
	while (zeros < digits && bytes[zeros] == '0')
		zeros++;
	if (!digits || len - digits > 1)
		return EINVAL;
	unit = len > digits && bytes[digits] ? strchr(units, bytes[digits]) : NULL;
	if (len > digits && (!unit || !pages))
		return EINVAL;
	if (digits - zeros > MANY_DIGITS)
		return ERANGE;
	*number = 0;
	for (size_t i = zeros; i < digits; i++)
		*number = *number * 10 + (unsigned int)(bytes[i] - '0');
	if (unit) {
		for (const char *u = units; u <= unit; u++)
			*number *= 1024;
		*number /= PAGE;
	}
	return *number > LARGEST ? ERANGE : 0;
}

int judge(enum kind kind, const char *bytes, size_t len, char *value, size_t size)
{
	unsigned __int128 number;
	int err;

	if (!len || len >= 4096)
		return EINVAL;
	if (bytes[len - 1] == '\n')
		len--;

	switch (kind) {
	case KIND_OVER:
	case KIND_OOM:
		if (kind == KIND_OVER ? !is_word(bytes, len, "reclaim") &&
		    !is_word(bytes, len, "deactivate") :
		    !is_word(bytes, len, "task") && !is_word(bytes, len, "container"))
			return EINVAL;
		snprintf(value, size, "%.*s", (int)len, bytes);
		return 0;
	case KIND_PATH:
		if (!len || memchr(bytes, 0, len))
			return EINVAL;
		snprintf(value, size, "%.*s", (int)len, bytes);
		return 0;
	case KIND_PID:
		err = judge_number(0, bytes, len, &number);
		if (err)
			return err;
		if (!number)
			return EINVAL;
		if (number > 0x7fffffff)
			return ERANGE;
		break;
	case KIND_SIGNAL:
	case KIND_PEAK:
		err = judge_number(0, bytes, len, &number);
		if (err)
			return err;
		if (kind == KIND_SIGNAL && number > 64)
			return ERANGE;
		if (kind == KIND_PEAK && number)
			return EINVAL;
		break;
	default:
		number = LARGEST;
		if (is_word(bytes, len, "max"))
			err = kind == KIND_SIZE ? EINVAL : 0;
		else
			err = judge_number(kind != KIND_TASKS, bytes, len, &number);
		if (err)
			return err;
	}
	if (number == LARGEST)
		snprintf(value, size, "max");
	else
		snprintf(value, size, "%llu", (unsigned long long)number);
	return 0;
}

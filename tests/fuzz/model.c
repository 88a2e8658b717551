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

const char *const resource_names[NR_RESOURCES] = {
	"numproc", "physpages", "numtcpsock", "numflock", "numpty", "numsiginfo",
	"numothersock", "numfile", "numiptent", "lockedpages", "privvmpages", "shmpages",
};

static const char *const not_counted[] = {
	"vmguarpages", "oomguarpages",
};

/* Of tasks and pages there is no more than of the limits: more is no limit. */
static int judge_bc_number(enum resource resource, const char *bytes, size_t len,
			   unsigned long long *value)
{
	unsigned __int128 number = 0;
	int err;

	*value = NO_LIMIT;
	if (is_word(bytes, len, "max"))
		return 0;
	err = judge_number(resource == PHYSPAGES || resource >= LOCKEDPAGES, bytes, len,
			   &number);
	/* it has been found out how large it is, if there are not too many digits */
	if (err == EINVAL || (err && (!number || number > NO_LIMIT)))
		return err;
	/* a size is of less than 2^64 bytes */
	if (!isdigit((unsigned char)bytes[len - 1]) && number >> 52)
		return ERANGE;
	if (number < LARGEST || resource > PHYSPAGES)
		*value = (unsigned long long)number;
	return 0;
}

int judge_bc(const char *bytes, size_t len, int defaults, struct bc_said *said)
{
	size_t begin[4] = { 0 }, end[4];
	int words = 0, err, err2;

	if (!len || len >= 4096)
		return EINVAL;
	if (bytes[len - 1] == '\n')
		len--;
	for (size_t i = 0; i <= len; i++) {
		if (i < len && bytes[i] != ' ')
			continue;
		if (words == 3 || i == begin[words])
			return EINVAL;
		end[words++] = i;
		begin[words] = i + 1;
	}
	if (words < 2)
		return EINVAL;

	for (size_t i = 0; i < ARRAY_SIZE(not_counted); i++)
		if (is_word(bytes, end[0], not_counted[i]))
			return EOPNOTSUPP;
	for (said->resource = 0; said->resource < NR_RESOURCES; said->resource++)
		if (is_word(bytes, end[0], resource_names[said->resource]))
			break;
	if (said->resource == NR_RESOURCES)
		return EINVAL;
	said->reset = words == 2 && !defaults &&
		      is_word(bytes + begin[1], end[1] - begin[1], "reset");
	if (said->reset)
		return 0;
	err = judge_bc_number(said->resource, bytes + begin[1],
			      end[1] - begin[1], &said->barrier);
	err2 = judge_bc_number(said->resource, bytes + begin[words - 1],
			       end[words - 1] - begin[words - 1], &said->limit);
	if (err == EINVAL || err2 == EINVAL)
		return EINVAL;
	if (err || err2)
		return ERANGE;
	return said->barrier > said->limit ? EINVAL : 0;
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

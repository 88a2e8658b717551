// SPDX-License-Identifier: GPL-2.0-only
/*
 * What may have been meant by a word that is not known.
 */
#include <stdint.h>
#include <string.h>

#include "common.h"

/* Letters to put in, leave out or change to have one word from the other. */
static size_t distance(const char *from, const char *to)
{
	size_t row[24], len = strlen(to);

	if (len >= ARRAY_SIZE(row))
		return SIZE_MAX;
	for (size_t i = 0; i <= len; i++)
		row[i] = i;
	for (; *from; from++) {
		size_t diagonal = row[0]++;

		for (size_t i = 0; i < len; i++) {
			size_t change = diagonal + (*from != to[i]);

			diagonal = row[i + 1];
			row[i + 1]++;
			if (row[i] + 1 < row[i + 1])
				row[i + 1] = row[i] + 1;
			if (change < row[i + 1])
				row[i + 1] = change;
		}
	}
	return row[len];
}

void nearest_look(struct nearest *nearest, const char *typed, const char *known)
{
	size_t far = distance(typed, known);

	/* of a word with two letters anything is near */
	if (far < (nearest->word ? nearest->far : 3) && 2 * far <= strlen(typed)) {
		nearest->far = far;
		nearest->word = known;
	}
}

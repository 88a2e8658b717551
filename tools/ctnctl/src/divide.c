// SPDX-License-Identifier: GPL-2.0-only
/*
 * How trim divides a round: see divide.h.
 */
#include "divide.h"

/* What a sum of products of 64-bit numbers fits in. */
typedef unsigned __int128 wide;

void divide(const uint64_t *over, size_t count, uint64_t round, uint64_t *part)
{
	wide sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += over[i];
	for (size_t i = 0; i < count; i++)
		part[i] = sum <= round ? over[i] :
			  (uint64_t)(((wide)over[i] * round + sum - 1) / sum);
}

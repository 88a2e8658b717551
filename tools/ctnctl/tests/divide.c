// SPDX-License-Identifier: GPL-2.0-only
/* divide ROUND OVER...: the parts that divide() makes of it, in one line. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "divide.h"

int main(int argc, char **argv)
{
	uint64_t over[16], part[16];
	size_t count = (size_t)argc - 2;

	if (argc < 2 || count > 16)
		return 2;
	for (size_t i = 0; i < count; i++)
		over[i] = strtoull(argv[i + 2], NULL, 10);
	divide(over, count, strtoull(argv[1], NULL, 10), part);
	for (size_t i = 0; i < count; i++)
		printf("%s%" PRIu64, i ? " " : "", part[i]);
	puts("");
	return 0;
}

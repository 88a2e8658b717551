/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Dividing the work of trimming. Numbers in, numbers out: what is done with
 * them is in trim.c.
 */
#ifndef CTNCTL_DIVIDE_H
#define CTNCTL_DIVIDE_H

#include <stddef.h>
#include <stdint.h>

/**
 * divide() - say how much each is trimmed in a round
 * @over: how far each is over its watermark
 * @count: how many they are
 * @round: how much is to be trimmed in all
 * @part: where to put how much each is trimmed
 *
 * If the round is enough for all, each is trimmed by all that it is over. If
 * not, the parts are to the round what each is over is to the sum, rounded up:
 * the farther over, the larger the part, and nobody who is over gets none. So
 * the parts may add up to as much as @count - 1 more than the round.
 */
void divide(const uint64_t *over, size_t count, uint64_t round, uint64_t *part);

#endif /* CTNCTL_DIVIDE_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which counters have grown since the last call: what was seen then is kept in a file.
 */
#ifndef CTNCTL_FAILED_H
#define CTNCTL_FAILED_H

#include "common.h"

struct failed;

/*
 * Read what the command @name has seen, which is kept in a file that is called so. If
 * there is no place to keep it, that is said, and nothing was seen. To be given to
 * failed_close().
 */
struct failed *failed_open(const char *name);

/*
 * Whether the counter @key of a container, a word, has grown, and is @value now. It is
 * seen now.
 */
int failed_has_grown(struct failed *failed, const struct ctn *ctn, const char *key,
		     uint64_t value);

/*
 * Keep what was seen, but for what has been kept meanwhile of the same; @all: containers
 * that were not seen are gone. Returns STATUS_REFUSED if it cannot be kept, which is said.
 */
int failed_keep(struct failed *failed, int all);

void failed_close(struct failed *failed);

#endif /* CTNCTL_FAILED_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which failcnt has grown since the last call: what was seen then is kept in a file.
 */
#ifndef CTNCTL_FAILED_H
#define CTNCTL_FAILED_H

#include "common.h"

struct failed;

/*
 * Read what was seen. If there is no place to keep it, that is said, and nothing was
 * seen. To be given to failed_close().
 */
struct failed *failed_open(void);

/* Whether the failcnt of a resource has grown. It is seen now. */
int failed_has_grown(struct failed *failed, const struct ctn *ctn, const struct ctn_bc *row);

/*
 * Keep what was seen, but for what has been kept meanwhile of the same; @all: containers
 * that were not seen are gone. Returns STATUS_REFUSED if it cannot be kept, which is said.
 */
int failed_keep(struct failed *failed, int all);

void failed_close(struct failed *failed);

#endif /* CTNCTL_FAILED_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Events of processes, as the kernel tells of them: who has been forked, who executes
 * another program, who is another user.
 */
#ifndef CTNCTL_PROCEVENT_H
#define CTNCTL_PROCEVENT_H

#include <sys/types.h>

/**
 * procevents_open() - begin to listen
 *
 * Exits if the kernel does not tell, or not us: it takes CAP_NET_ADMIN, outside of
 * namespaces of processes, users and networks.
 *
 * Return: a socket that is readable when there is something to take.
 */
struct procevents *procevents_open(void);

int procevents_fd(const struct procevents *events);

/**
 * procevents_take() - take what has come, for a while
 * @events: those
 * @see: called for each process, with its id; by then it may have ended, and the number may
 *       be that of another
 *
 * Context: does not block.
 * Return: 0, or -1 if events were lost, as there were too many.
 */
int procevents_take(struct procevents *events, void see(pid_t pid, void *data), void *data);

void procevents_close(struct procevents *events);

#endif /* CTNCTL_PROCEVENT_H */

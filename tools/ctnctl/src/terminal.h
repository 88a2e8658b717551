/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Taking the terminal for ncurses, and giving it back whatever ends the program.
 */
#ifndef CTNCTL_TERMINAL_H
#define CTNCTL_TERMINAL_H

/* Exits if it is no terminal that has a screen. */
void take_terminal(void);

void give_back_terminal(void);

/*
 * refresh(3X). While it writes, ncurses ignores SIGTSTP, and what is typed then would be
 * lost; here it waits until that is over.
 */
void refresh_terminal(void);

#endif /* CTNCTL_TERMINAL_H */

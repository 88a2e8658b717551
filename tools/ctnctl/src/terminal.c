// SPDX-License-Identifier: GPL-2.0-only
/*
 * Taking the terminal for ncurses, and giving it back whatever ends the program: ncurses
 * does so for SIGTSTP, stop.c and this for the other signals of a keyboard, atexit(3) for
 * the rest.
 */
#include <curses.h>
#include <signal.h>
#include <stdlib.h>
#include <term.h>
#include <unistd.h>

#include "common.h"
#include "terminal.h"

static SCREEN *taken;

void give_back_terminal(void)
{
	if (!taken)
		return;
	endwin();
	delscreen(taken);
	taken = NULL;
}

/* Not one of those that stop_begin() is for: it leaves a core. */
static void on_quit(int signal)
{
	stop_signal = signal;
}

void take_terminal(void)
{
	static const char hint[] = "-b prints plain lines";
	struct sigaction act = { .sa_handler = on_quit };
	const char *term = getenv("TERM");
	int ret;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		die("standard %s is no terminal; %s",
		    isatty(STDIN_FILENO) ? "output" : "input", hint);
	if (!term || !*term)
		die("TERM does not say which terminal this is; %s", hint);
	if (setupterm(term, STDOUT_FILENO, &ret) != OK)
		die("nothing is known of a terminal \"%s\" (TERM); %s", term, hint);
	if (!cursor_address || !clear_screen)
		die("a terminal \"%s\" (TERM) has no screen; %s", term, hint);
	/* this was to look at it, and newterm(3) does so once more */
	del_curterm(cur_term);
	sigaction(SIGQUIT, &act, NULL);
	atexit(give_back_terminal);
	taken = newterm(term, stdout, stdin);
	if (!taken)
		die("the terminal cannot be set up; %s", hint);
}

void refresh_terminal(void)
{
	sigset_t stop, before;

	sigemptyset(&stop);
	sigaddset(&stop, SIGTSTP);
	sigprocmask(SIG_BLOCK, &stop, &before);
	refresh();
	sigprocmask(SIG_SETMASK, &before, NULL);
}

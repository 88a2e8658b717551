// SPDX-License-Identifier: GPL-2.0-only
/*
 * Children that move processes.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "mover.h"

/* At a time, at all and for one user. */
#define MOST 128
#define MOST_OF_USER 16

/* A process is moved in far less, unless it is as large as the machine. */
#define PATIENCE_MS 10000

struct mover {
	struct move move;
	pid_t child;		/* 0: there is none */
	int text;		/* from which what was refused is read */
	uint64_t until;		/* when it is ended, in milliseconds */
	int ended;		/* it was */
};

struct movers {
	struct mover list[MOST];
	size_t count;
};

static uint64_t now_ms(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

struct movers *movers_new(void)
{
	struct movers *movers = xrealloc(NULL, 1, sizeof(*movers));

	*movers = (struct movers){ 0 };
	return movers;
}

struct move *movers_find(struct movers *movers, pid_t pid)
{
	for (size_t i = 0; i < MOST; i++)
		if (movers->list[i].child && movers->list[i].move.pid == pid)
			return &movers->list[i].move;
	return NULL;
}

static struct mover *find_free(struct movers *movers, uid_t uid)
{
	struct mover *found = NULL;
	int of_user = 0;

	for (size_t i = 0; i < MOST; i++) {
		struct mover *mover = &movers->list[i];

		if (!mover->child)
			found = mover;
		else
			of_user += mover->move.uid == uid;
	}
	return of_user < MOST_OF_USER ? found : NULL;
}

static _Noreturn void be_child(int text, enum move_result work(void *data), void *data)
{
	enum move_result result;

	/* nobody waits for us then */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	result = work(data);
	if (result == MOVE_REFUSED && write(text, ctn_errmsg(), strlen(ctn_errmsg())) < 0)
		result = MOVE_REFUSED;
	_exit((int)result);
}

int movers_start(struct movers *movers, const struct move *move,
		 enum move_result work(void *data), void *data)
{
	struct mover *mover = find_free(movers, move->uid);
	int ends[2];
	pid_t child;

	if (!mover || pipe2(ends, O_CLOEXEC | O_NONBLOCK))
		return -1;
	child = fork();
	if (!child)
		be_child(ends[1], work, data);
	close(ends[1]);
	if (child < 0) {
		close(ends[0]);
		return -1;
	}
	*mover = (struct mover){
		.move = *move, .child = child, .text = ends[0],
		.until = now_ms() + PATIENCE_MS,
	};
	mover->move.exe = xasprintf("%s", move->exe);
	movers->count++;
	return 0;
}

static char *read_text(int fd)
{
	char text[4 * CTN_VALUE_MAX];
	ssize_t len = read(fd, text, sizeof(text) - 1);

	return xasprintf("%.*s", len > 0 ? (int)len : 0, text);
}

static void finish_move(struct movers *movers, struct mover *mover, int status, struct move *move)
{
	*move = mover->move;
	move->result = WIFEXITED(status) ? (enum move_result)WEXITSTATUS(status) : MOVE_REFUSED;
	move->why = mover->ended ? xasprintf("it cannot be moved in %d seconds",
					     PATIENCE_MS / 1000) : read_text(mover->text);
	close(mover->text);
	mover->child = 0;
	movers->count--;
}

int movers_take(struct movers *movers, struct move *move)
{
	uint64_t time = now_ms();

	for (size_t i = 0; i < MOST; i++) {
		struct mover *mover = &movers->list[i];
		int status = 0;

		if (!mover->child)
			continue;
		if (!mover->ended && time >= mover->until) {
			kill(mover->child, SIGKILL);
			mover->ended = 1;
		}
		if (waitpid(mover->child, &status, WNOHANG)) {
			finish_move(movers, mover, status, move);
			return 1;
		}
	}
	return 0;
}

void move_free(struct move *move)
{
	free(move->exe);
	free(move->why);
}

void movers_forget_rules(struct movers *movers)
{
	for (size_t i = 0; i < MOST; i++)
		movers->list[i].move.rule = NULL;
}

size_t movers_count(const struct movers *movers)
{
	return movers->count;
}

int movers_timeout(const struct movers *movers)
{
	uint64_t time = now_ms(), first = UINT64_MAX;

	for (size_t i = 0; i < MOST; i++)
		if (movers->list[i].child && movers->list[i].until < first &&
		    !movers->list[i].ended)
			first = movers->list[i].until;
	return first == UINT64_MAX ? -1 : first > time ? (int)(first - time) : 0;
}

void movers_free(struct movers *movers)
{
	struct move move;

	for (size_t i = 0; i < MOST; i++)
		if (movers->list[i].child) {
			kill(movers->list[i].child, SIGKILL);
			waitpid(movers->list[i].child, NULL, 0);
			finish_move(movers, &movers->list[i], 0, &move);
			move_free(&move);
		}
	free(movers);
}

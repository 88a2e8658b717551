// SPDX-License-Identifier: GPL-2.0
/*
 * maps: map memory, as told line by line on standard input; each line is answered by "ok"
 * or the error, or a pid. At the end of the input it ends.
 *
 *	map NAME PAGES [HOW...]	map it; private, to be read and written, unless HOW says
 *				otherwise: ro, none, exec, shared, noreserve, grows, locked,
 *				over OTHER (at the beginning of that), dontfork
 *	unmap NAME [PAGES]	all of it, or the first so many pages
 *	protect NAME HOW [PAGES]  ro, none, rw: all, or the first so many pages
 *	remap NAME PAGES	make it this long, wherever there is room
 *	leave NAME		move its memory elsewhere, the mapping stays: MREMAP_DONTUNMAP
 *	brk PAGES		so many more, or with a minus less
 *	lock NAME [onfault|PAGES|round]	mlock, of all or the first so many pages, or as many
 *				as it takes to come to address 0 again
 *	unlock NAME
 *	lockall [current] [future] [onfault]	mlockall
 *	unlockall
 *	stack PAGES		write so far down the stack; SIGSEGV if that is too far
 *	fork [PAGES]		a child that sleeps, and maps so many first; its pid
 *	run PROGRAM [ARGUMENT]	a child that executes it: its exit status or signal
 *	vfork			a child that executes a sleeper; its pid
 *	thread			one more, which sleeps
 *	reap PID		end a child
 *	storm [unlocked]	from now on, four threads and a child at a time map, unmap,
 *				protect, lock, move and fork, as it comes
 *	calm			until here, and nothing of that is left
 *	exec			execute itself again
 *	quit			end
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

#define PAGE 4096UL
#define WORDS 12
#define STORMERS 4

struct region {
	char name[16];
	char *at;
	unsigned long pages;
};

static struct region regions[64];
static char answer[64], handler_stack[65536];
static sigjmp_buf out;
static volatile bool storming;
static bool storm_locks;
static pthread_t stormers[STORMERS];
static unsigned int seeds[STORMERS];

/* A word that has to be there. */
static const char *need(const char *word)
{
	if (!word)
		exit(2);
	return word;
}

static struct region *find(const char *name)
{
	need(name);
	for (struct region *r = regions; r < regions + 64; r++)
		if (!strcmp(r->name, name))
			return r;
	fprintf(stderr, "maps: no %s\n", name);
	exit(2);
}

static struct region *find_or_new(const char *name)
{
	struct region *r = regions;

	while (r < regions + 63 && r->name[0] && strcmp(r->name, need(name)))
		r++;
	snprintf(r->name, sizeof(r->name), "%s", need(name));
	return r;
}

static void say(long err)
{
	snprintf(answer, sizeof(answer), "%s", err ? strerrorname_np(errno) : "ok");
}

static void say_pid(long pid)
{
	if (pid < 0)
		say(-1);
	else
		snprintf(answer, sizeof(answer), "%ld", pid);
}

static unsigned long pages_of(const struct region *r, const char *word)
{
	return word ? strtoul(word, NULL, 0) : r->pages;
}

static void map(char **word)
{
	struct region kept = { .pages = strtoul(need(word[2]), NULL, 0) };
	int prot = PROT_READ | PROT_WRITE, flags = MAP_ANONYMOUS | MAP_PRIVATE;
	bool dontfork = false;
	char *at = NULL;
	struct region *r;

	for (char **how = word + 3; *how; how++) {
		if (!strcmp(*how, "ro"))
			prot = PROT_READ;
		else if (!strcmp(*how, "none"))
			prot = PROT_NONE;
		else if (!strcmp(*how, "exec"))
			prot = PROT_READ | PROT_EXEC;
		else if (!strcmp(*how, "shared"))
			flags = (flags & ~MAP_PRIVATE) | MAP_SHARED;
		else if (!strcmp(*how, "noreserve"))
			flags |= MAP_NORESERVE;
		else if (!strcmp(*how, "grows"))
			flags |= MAP_GROWSDOWN;
		else if (!strcmp(*how, "locked"))
			flags |= MAP_LOCKED;
		else if (!strcmp(*how, "dontfork"))
			dontfork = true;
		else if (!strcmp(*how, "over")) {
			at = find(*++how)->at;
			flags |= MAP_FIXED;
		}
	}
	at = mmap(at, kept.pages * PAGE, prot, flags, -1, 0);
	say(at == MAP_FAILED);
	if (at == MAP_FAILED)
		return;
	if (dontfork)
		madvise(at, kept.pages * PAGE, MADV_DONTFORK);
	r = find_or_new(word[1]);
	r->at = at;
	r->pages = kept.pages;
}

static void unmap(char **word)
{
	struct region *r = find(word[1]);
	unsigned long pages = pages_of(r, word[2]);
	int err = munmap(r->at, pages * PAGE);

	say(err);
	if (err)
		return;
	r->at += pages * PAGE;
	r->pages -= pages;
	if (!r->pages)
		r->name[0] = 0;
}

static void protect(char **word)
{
	struct region *r = find(word[1]);
	int prot = !strcmp(need(word[2]), "rw") ? PROT_READ | PROT_WRITE :
		   !strcmp(need(word[2]), "ro") ? PROT_READ : PROT_NONE;

	say(mprotect(r->at, pages_of(r, word[3]) * PAGE, prot));
}

static void remap(char **word)
{
	struct region *r = find(word[1]);
	unsigned long pages = strtoul(need(word[2]), NULL, 0);
	char *at = mremap(r->at, r->pages * PAGE, pages * PAGE, MREMAP_MAYMOVE);

	say(at == MAP_FAILED);
	if (at == MAP_FAILED)
		return;
	r->at = at;
	r->pages = pages;
}

static void leave(char **word)
{
	struct region *r = find(word[1]);

	say(mremap(r->at, r->pages * PAGE, r->pages * PAGE,
		   MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL) == MAP_FAILED);
}

static void lock(char **word)
{
	struct region *r = find(word[1]);

	if (word[2] && !strcmp(word[2], "onfault"))
		say(mlock2(r->at, r->pages * PAGE, MLOCK_ONFAULT));
	else if (word[2] && !strcmp(word[2], "round"))
		say(mlock(r->at, -(uintptr_t)r->at));
	else
		say(mlock(r->at, pages_of(r, word[2]) * PAGE));
}

static void lock_all(char **word)
{
	int flags = 0;

	while (*++word)
		flags |= !strcmp(*word, "current") ? MCL_CURRENT :
			 !strcmp(*word, "future") ? MCL_FUTURE : MCL_ONFAULT;
	say(mlockall(flags));
}

static void too_far(int sig)
{
	(void)sig;
	siglongjmp(out, 1);
}

static void stack(unsigned long pages)
{
	stack_t other = { .ss_sp = handler_stack, .ss_size = sizeof(handler_stack) };
	struct sigaction act = { .sa_handler = too_far, .sa_flags = SA_ONSTACK };
	volatile char *here = (volatile char *)__builtin_frame_address(0);

	sigaltstack(&other, NULL);
	sigaction(SIGSEGV, &act, NULL);
	if (sigsetjmp(out, 1)) {
		strcpy(answer, "SIGSEGV");
	} else {
		for (unsigned long i = 1; i <= pages; i++)
			here[-(long)(i * PAGE)] = 0;
		strcpy(answer, "ok");
	}
	signal(SIGSEGV, SIG_DFL);
}

static pid_t sleeper(unsigned long pages)
{
	int fds[2];
	char c = 0;
	pid_t pid;

	if (pipe(fds))
		return -1;
	pid = fork();
	if (!pid) {
		char *own = mmap(NULL, (pages ? pages : 1) * PAGE, pages ? PROT_READ | PROT_WRITE :
				 PROT_READ, MAP_ANONYMOUS | MAP_PRIVATE, -1, 0);

		if (own == MAP_FAILED)
			_exit(1);
		if (write(fds[1], &c, 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	/* it has mapped, when this has an answer */
	if (pid > 0 && read(fds[0], &c, 1) != 1)
		exit(2);
	close(fds[0]);
	close(fds[1]);
	return pid;
}

static void run(char **word)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		execv(need(word[1]), word + 1);
		_exit(127);
	}
	if (pid < 0) {
		say(-1);
		return;
	}
	waitpid(pid, &status, 0);
	if (WIFSIGNALED(status))
		snprintf(answer, sizeof(answer), "SIG%s", sigabbrev_np(WTERMSIG(status)));
	else
		snprintf(answer, sizeof(answer), "%d", WEXITSTATUS(status));
}

static void vforked(void)
{
	char *args[] = { "sleep", "1000", NULL };
	pid_t pid = vfork();

	if (!pid) {
		execv("/bin/sleep", args);
		_exit(127);
	}
	say_pid(pid);
}

static void reap(pid_t pid)
{
	kill(pid, SIGKILL);
	say(waitpid(pid, NULL, 0) != pid);
}

static void *sleep_on(void *arg)
{
	(void)arg;
	for (;;)
		pause();
	return NULL;
}

/* Some number, of its own for each thread. */
static unsigned int any(unsigned int *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 16;
}

/* What one of those in a storm has, is its own. */
static void *storm_on(void *arg)
{
	unsigned int *seed = arg;
	char *at[8] = { NULL };
	unsigned long pages[8] = { 0 };

	while (storming) {
		unsigned int i = any(seed) % 8;
		unsigned long n = 1 + any(seed) % 32;
		char *new;

		if (!at[i]) {
			new = mmap(NULL, n * PAGE, any(seed) % 2 ? PROT_READ :
				   PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
			if (new != MAP_FAILED) {
				at[i] = new;
				pages[i] = n;
			}
			continue;
		}
		switch (any(seed) % 7) {
		case 0:
			munmap(at[i], pages[i] * PAGE);
			at[i] = NULL;
			break;
		case 1:
			mprotect(at[i], pages[i] / 2 * PAGE, PROT_READ | PROT_WRITE);
			break;
		case 2:
			mprotect(at[i], pages[i] * PAGE, PROT_READ);
			break;
		case 3:
			new = mremap(at[i], pages[i] * PAGE, n * PAGE, MREMAP_MAYMOVE);
			if (new != MAP_FAILED) {
				at[i] = new;
				pages[i] = n;
			}
			break;
		case 4:
			new = mmap(at[i], pages[i] * PAGE, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
			if (new != MAP_FAILED)
				*new = 1;
			break;
		case 5:
			if (storm_locks)
				mlock(at[i], pages[i] * PAGE);
			break;
		case 6:
			if (storm_locks)
				munlock(at[i], pages[i] * PAGE);
			break;
		}
		if (seed == seeds && !(any(seed) % 16)) {
			pid_t pid = fork();

			if (!pid)
				_exit(0);
			if (pid > 0)
				waitpid(pid, NULL, 0);
		}
	}
	for (int i = 0; i < 8; i++)
		if (at[i])
			munmap(at[i], pages[i] * PAGE);
	return NULL;
}

static void storm(bool locks)
{
	storming = true;
	storm_locks = locks;
	for (unsigned int i = 0; i < STORMERS; i++) {
		seeds[i] = i + 1;
		if (pthread_create(&stormers[i], NULL, storm_on, &seeds[i]))
			exit(2);
	}
	say(0);
}

static void calm(void)
{
	storming = false;
	for (int i = 0; i < STORMERS; i++)
		pthread_join(stormers[i], NULL);
	say(0);
}

static void obey(char **word)
{
	char *what = word[0];
	pthread_t thread;

	if (!strcmp(what, "map"))
		map(word);
	else if (!strcmp(what, "unmap"))
		unmap(word);
	else if (!strcmp(what, "protect"))
		protect(word);
	else if (!strcmp(what, "remap"))
		remap(word);
	else if (!strcmp(what, "leave"))
		leave(word);
	else if (!strcmp(what, "brk"))
		say((intptr_t)sbrk(strtol(need(word[1]), NULL, 0) * (long)PAGE) == -1);
	else if (!strcmp(what, "lock"))
		lock(word);
	else if (!strcmp(what, "unlock"))
		say(munlock(find(word[1])->at, find(word[1])->pages * PAGE));
	else if (!strcmp(what, "lockall"))
		lock_all(word);
	else if (!strcmp(what, "unlockall"))
		say(munlockall());
	else if (!strcmp(what, "stack"))
		stack(strtoul(need(word[1]), NULL, 0));
	else if (!strcmp(what, "fork"))
		say_pid(sleeper(word[1] ? strtoul(word[1], NULL, 0) : 0));
	else if (!strcmp(what, "run"))
		run(word);
	else if (!strcmp(what, "vfork"))
		vforked();
	else if (!strcmp(what, "thread"))
		say(errno = pthread_create(&thread, NULL, sleep_on, NULL));
	else if (!strcmp(what, "reap"))
		reap(atoi(need(word[1])));
	else if (!strcmp(what, "storm"))
		storm(!word[1]);
	else if (!strcmp(what, "calm"))
		calm();
	else if (!strcmp(what, "exec"))
		execl("/proc/self/exe", "maps", "again", NULL);
	else
		exit(2);
}

int main(int argc, char **argv)
{
	static char line[256], buf[4096], out_buf[4096];
	char *words[WORDS] = { NULL };

	(void)argv;
	/* it maps nothing by itself */
	setvbuf(stdin, buf, _IOFBF, sizeof(buf));
	setvbuf(stdout, out_buf, _IOLBF, sizeof(out_buf));
	if (argc > 1)
		puts("ok");
	while (fgets(line, sizeof(line), stdin)) {
		int nr = 0;

		for (char *w = strtok(line, " \n"); w && nr < WORDS - 1; w = strtok(NULL, " \n"))
			words[nr++] = w;
		words[nr] = NULL;
		if (!nr)
			continue;
		if (!strcmp(words[0], "quit"))
			break;
		obey(words);
		puts(answer);
	}
	return 0;
}

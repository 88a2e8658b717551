// SPDX-License-Identifier: GPL-2.0
/*
 * killat N PREFIX COMMAND [ARGUMENT...]: run COMMAND, and kill it with SIGKILL as it
 * enters its Nth system call, counted from the first that is given a path which
 * begins with PREFIX. The status is 137 if it came to that, and else that of
 * COMMAND; 125 if it could not be run. What a shell's kill -9 hits by luck, this
 * hits one after the other.
 *
 * For x86-64.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

/* The path that a call is given, as far as it may matter; empty if there is none. */
static void path_of(pid_t pid, const struct user_regs_struct *regs, char *path,
		    size_t size)
{
	struct iovec to = { .iov_base = path, .iov_len = size - 1 }, from;
	unsigned long address;

	memset(path, 0, size);
	switch (regs->orig_rax) {
	case SYS_openat:
	case SYS_newfstatat:
		address = regs->rsi;
		break;
	case SYS_mkdir:
	case SYS_rmdir:
	case SYS_access:
	case SYS_stat:
		address = regs->rdi;
		break;
	default:
		return;
	}
	/* NOLINTNEXTLINE(performance-no-int-to-ptr): of another process */
	from = (struct iovec){ .iov_base = (void *)address, .iov_len = size - 1 };
	if (process_vm_readv(pid, &to, 1, &from, 1, 0) < 0)
		*path = 0;
}

static int await(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		exit(125);
	if (WIFEXITED(status))
		exit(WEXITSTATUS(status));
	if (WIFSIGNALED(status))
		exit(128 + WTERMSIG(status));
	return WSTOPSIG(status);
}

int main(int argc, char **argv)
{
	unsigned long at, count = 0;
	struct user_regs_struct regs;
	int entering = 0, stop = 0;
	char path[64];
	pid_t pid;

	if (argc < 4 || strlen(argv[2]) >= sizeof(path))
		return 125;
	at = strtoul(argv[1], NULL, 10);
	pid = fork();
	if (!pid) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		kill(getpid(), SIGSTOP);
		execvp(argv[3], argv + 3);
		_exit(125);
	}
	if (pid < 0 || await(pid) != SIGSTOP ||
	    ptrace(PTRACE_SETOPTIONS, pid, NULL,
		   PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL))
		return 125;

	for (;;) {
		/* exec is told of as SIGTRAP, which is not for the program */
		if (stop == (SIGTRAP | 0x80) || stop == SIGTRAP)
			stop = 0;
		ptrace(PTRACE_SYSCALL, pid, NULL, stop);
		stop = await(pid);
		if (stop != (SIGTRAP | 0x80))
			continue;
		entering = !entering;
		if (!entering || ptrace(PTRACE_GETREGS, pid, NULL, &regs))
			continue;
		path_of(pid, &regs, path, sizeof(path));
		if ((count || !strncmp(path, argv[2], strlen(argv[2]))) &&
		    ++count == at)
			kill(pid, SIGKILL);
	}
}

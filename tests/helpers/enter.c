// SPDX-License-Identifier: GPL-2.0
/*
 * enter DIRECTORY COMMAND [ARGUMENT...]: put this process in the container of
 * that directory and become COMMAND. Status 125 says that it could not.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	char path[4096], pid[32];
	int fd, len;

	if (argc < 3)
		return 125;

	snprintf(path, sizeof(path), "%s/addtask", argv[1]);
	len = snprintf(pid, sizeof(pid), "%d\n", getpid());
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, pid, len) != len) {
		perror(path);
		return 125;
	}
	execvp(argv[2], argv + 2);
	perror(argv[2]);
	/* cppcheck-suppress resourceLeak ; the end of the process closes it */
	return 127;
}

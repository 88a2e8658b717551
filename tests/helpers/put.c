// SPDX-License-Identifier: GPL-2.0
/*
 * put FILE: write standard input, whole, to FILE in one write(2), also if it is
 * empty, and print what came of it: "ok", or the name of the error, such as
 * EINVAL. A shell's echo does no write for nothing, and splits long ones.
 *
 * put --torn FILE: the same, but the write is one byte longer than standard input,
 * and that byte is where there is no memory.
 *
 * put --opened-by UID FILE: as that user opens it, and this one writes.
 *
 * put --refused FILE WATCHED...: standard input has lines of an error's name and
 * a value, with \n, \0 and \xHH in it. Write each value to FILE, and complain if
 * that is not the error, or if what the files WATCHED say has changed. Silence
 * and status 0 if all is as it should be.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char buf[1 << 20];

static const char *try(const char *file, const char *value, size_t len)
{
	int fd = open(file, O_WRONLY);
	ssize_t ret;

	if (fd < 0)
		return strerrorname_np(errno);
	ret = write(fd, value, len);
	if (ret < 0) {
		ret = errno;
		close(fd);
		return strerrorname_np(ret);
	}
	close(fd);
	return (size_t)ret == len ? "ok" : "short";
}

/* All that the files say, up to the end of @text. */
static void look(char **files, char *text, size_t size)
{
	memset(text, 0, size);
	for (size_t len = 0; *files; files++) {
		int fd = open(*files, O_RDONLY);
		ssize_t got;

		while ((got = read(fd, text + len, size - 1 - len)) > 0)
			len += got;
		close(fd);
	}
}

/* In place; returns the length. */
static size_t unescape(char *value)
{
	char *to = value, hex[3] = "";

	for (char *from = value; *from; from++, to++) {
		*to = *from;
		if (*from != '\\')
			continue;
		switch (*++from) {
		case 'n':
			*to = '\n';
			break;
		case '0':
			*to = 0;
			break;
		case 'x':
			memcpy(hex, from + 1, 2);
			*to = strtol(hex, NULL, 16);
			from += 2;
			break;
		}
	}
	return to - value;
}

static int refused(const char *file, char **watched)
{
	static char before[1 << 16], after[1 << 16];
	static char line[1 << 16];
	int wrong = 0, cases = 0;

	while (fgets(line, sizeof(line), stdin)) {
		char *value = strchr(line, ' ');
		const char *got;
		size_t len;

		line[strcspn(line, "\n")] = 0;
		if (!value)
			value = strchr(line, 0);
		else
			*value++ = 0;
		look(watched, before, sizeof(before));
		snprintf(buf, sizeof(buf), "%.60s", value);
		len = unescape(value);
		got = try(file, value, len);
		cases++;
		if (strcmp(got, line)) {
			printf("'%s' (%zu bytes): %s, not %s\n", buf, len, got, line);
			wrong = 1;
		}
		look(watched, after, sizeof(after));
		if (memcmp(before, after, sizeof(before))) {
			printf("'%s': changed\n%sto\n%s", buf, before, after);
			wrong = 1;
		}
	}
	return wrong || !cases;
}

/* Moves @len bytes of buf to the end of memory; NULL if there is no such place. */
static const char *at_the_end(size_t len)
{
	size_t room = (len + 4095) & ~4095ul;
	char *pages = mmap(NULL, room + 4096, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (pages == MAP_FAILED || munmap(pages + room, 4096))
		return NULL;
	return memcpy(pages + room - len, buf, len);
}

/* In a process that has its descriptors with us. */
static int open_as(unsigned long id, const char *file)
{
	pid_t pid = syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
	int status;

	if (!pid)
		_exit(setresgid(id, id, id) || setresuid(id, id, id) ? 255 :
		      open(file, O_WRONLY) & 255);
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) ||
	    WEXITSTATUS(status) == 255)
		return -1;
	return WEXITSTATUS(status);
}

int main(int argc, char **argv)
{
	int torn = argc > 1 && !strcmp(argv[1], "--torn");
	const char *from = buf, *opener = NULL;
	size_t len = 0;
	ssize_t got;
	int fd;

	argv += torn;
	argc -= torn;
	if (argc > 2 && !strcmp(argv[1], "--opened-by")) {
		opener = argv[2];
		argv += 2;
		argc -= 2;
	}
	if (argc > 2 && !strcmp(argv[1], "--refused"))
		return refused(argv[2], argv + 3);
	if (argc != 2)
		return 2;

	while ((got = read(0, buf + len, sizeof(buf) - len)) > 0)
		len += got;

	fd = opener ? open_as(strtoul(opener, NULL, 10), argv[1]) :
		      open(argv[1], O_WRONLY);
	if (fd < 0) {
		printf("open: %s\n", strerrorname_np(errno));
		return 0;
	}
	if (torn)
		from = at_the_end(len++);
	got = write(fd, from, len);
	if (got < 0)
		printf("%s\n", strerrorname_np(errno));
	else if ((size_t)got != len)
		printf("short: %zd of %zu\n", got, len);
	else
		printf("ok\n");
	return 0;
}

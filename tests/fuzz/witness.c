// SPDX-License-Identifier: GPL-2.0
/*
 * What nobody may change: a container of root's with a process, a file and limits
 * of its own, the top of the tree, and the containers that are there. All that
 * they say is taken down and compared later.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fuzz.h"

pid_t witness_pid;
static char *before;

/* A program of its own: it shares no page with whoever started it. */
void sleep_for_ever(void)
{
	char *pages = malloc(50 * PAGE);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!pages)
		_exit(1);
	memset(pages, 1, 50 * PAGE);
	if (write(1, "", 1) != 1)
		_exit(1);
	close(1);
	for (;;)
		pause();
}

pid_t start_sleeper(void)
{
	int ends[2];
	pid_t pid;
	char c;

	if (pipe(ends))
		complain("pipe: %s", strerror(errno));
	pid = fork();
	if (pid < 0)
		complain("fork: %s", strerror(errno));
	if (!pid) {
		dup2(ends[1], 1);
		close(ends[0]);
		close(ends[1]);
		execl("/proc/self/exe", "fuzz-sleeper", "--sleep", NULL);
		_exit(127);
	}
	close(ends[1]);
	if (read(ends[0], &c, 1) != 1)
		complain("a sleeper did not start");
	close(ends[0]);
	return pid;
}

static void put(const char *attr, const char *value)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), WITNESS "/%s", attr);
	fd = open(path, O_WRONLY);
	if (fd < 0 || write(fd, value, strlen(value)) != (ssize_t)strlen(value))
		complain("%s: %s", path, strerror(errno));
	close(fd);
}

/* This moves by itself: a file, and a line of stat. */
static const char restless[] = "num_active_pages";

static void take_down(FILE *out, const char *path)
{
	char line[8192];
	struct stat st;
	FILE *file;

	if (stat(path, &st))
		complain("%s: %s", path, strerror(errno));
	fprintf(out, "%s %o %u %u\n", path, st.st_mode, st.st_uid, st.st_gid);
	if (!S_ISREG(st.st_mode) || !(st.st_mode & 0444) ||
	    !strcmp(strrchr(path, '/') + 1, restless))
		return;
	file = fopen(path, "re");
	if (!file)
		complain("%s: %s", path, strerror(errno));
	while (fgets(line, sizeof(line), file))
		if (strncmp(line, restless, strlen(restless)))
			fputs(line, out);
	fclose(file);
}

static void take_down_dir(FILE *out, const char *path)
{
	struct dirent **entries;
	int nr = scandir(path, &entries, NULL, alphasort);

	if (nr < 0)
		complain("%s: %s", path, strerror(errno));
	take_down(out, path);
	for (int i = 0; i < nr; i++) {
		char entry[512];

		snprintf(entry, sizeof(entry), "%s/%s", path, entries[i]->d_name);
		if (!strcmp(entry, ROOT "/beancounters") || !strcmp(entry, ROOT "/stat"))
			;	/* they are about those of the workers, too */
		else if (*entries[i]->d_name != '.' && entries[i]->d_type == DT_REG)
			take_down(out, entry);
		/* that the containers of workers come and go is their business */
		else if (me.as != AS_ROOT && entries[i]->d_type == DT_DIR)
			fprintf(out, "%s\n", entry);
		free(entries[i]);
	}
	free(entries);
}

static char *take_all_down(void)
{
	char *text;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		complain("no memory");
	take_down_dir(out, WITNESS);
	/* root's workers set the defaults */
	if (me.as != AS_ROOT)
		take_down_dir(out, ROOT);
	take_down(out, WITNESS_FILE);
	fclose(out);
	return text;
}

void make_witness(void)
{
	char page[PAGE] = "x", pid[16];
	int fd;

	if (mkdir("/dev/shm/fuzz-witness", 0755) || mkdir(WITNESS, 0777))
		complain(WITNESS ": %s", strerror(errno));
	fd = open(WITNESS_FILE, O_WRONLY | O_CREAT | O_EXCL, 0644);
	for (int i = 0; i < 20; i++)
		if (write(fd, page, sizeof(page)) != sizeof(page))
			complain("%s: %s", WITNESS_FILE, strerror(errno));
	close(fd);
	witness_pid = start_sleeper();
	snprintf(pid, sizeof(pid), "%d", witness_pid);
	put("addtask", pid);
	put("addfile", WITNESS_FILE);
	put("page_limit", "5000");
	put("rss_limit", "6000");
	put("task_limit", "17");
	put("over_limit", "deactivate");
	put("oom", "container");
}

/* The first time, take it down. */
void check_witness(void)
{
	char *now = take_all_down();
	const char *a = before, *b = now;

	if (waitpid(witness_pid, NULL, WNOHANG))
		complain("the witness' process has not survived");
	if (!before) {
		before = now;
		return;
	}
	while (*a && *a == *b) {
		a++;
		b++;
	}
	if (*a || *b) {
		while (a > before && a[-1] != '\n') {
			a--;
			b--;
		}
		complain("the witness has changed:\n%.*s\nis now\n%.*s",
			 (int)strcspn(a, "\n"), a, (int)strcspn(b, "\n"), b);
	}
	free(now);
}

void remove_witness(void)
{
	kill(witness_pid, SIGKILL);
	waitpid(witness_pid, NULL, 0);
	unlink(WITNESS_FILE);
	rmdir("/dev/shm/fuzz-witness");
	if (rmdir(WITNESS))
		complain("rmdir " WITNESS ": %s", strerror(errno));
}

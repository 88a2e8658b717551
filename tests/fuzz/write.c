// SPDX-License-Identifier: GPL-2.0
/*
 * Writes to attributes, in all the ways that there are to write. Each is compared
 * with what the model says of it, and with what can be read afterwards.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fuzz.h"

static const char *name_of(int err)
{
	return err ? strerrorname_np(err) : "ok";
}

/* For a complaint: what was written, as far as it can be shown. */
static const char *shown(const struct text *text)
{
	static char buf[4 * 80 + 40];
	size_t at = 0;

	for (size_t i = 0; i < text->len && i < 80; i++) {
		unsigned char c = (unsigned char)text->bytes[i];

		at += (size_t)snprintf(buf + at, sizeof(buf) - at,
				       c >= ' ' && c < 127 && c != '\\' ? "%c" : "\\%03o", c);
	}
	snprintf(buf + at, sizeof(buf) - at, "%s (%zu bytes)",
		 text->len > 80 ? "..." : "", text->len);
	return buf;
}

static off_t any_offset(void)
{
	return one_in(2) ? (off_t)below(8192) : (off_t)(chance() >> (1 + below(63)));
}

/* The bytes in two to four pieces. */
static ssize_t write_pieces(int fd, const struct text *text, int at_offset)
{
	struct iovec pieces[4];
	int nr = 2 + (int)below(3);
	size_t at = 0;

	for (int i = 0; i < nr; i++) {
		size_t len = i == nr - 1 ? text->len - at :
			     below((unsigned int)(text->len - at) + 1);

		pieces[i].iov_base = (char *)text->bytes + at;
		pieces[i].iov_len = len;
		at += len;
	}
	return at_offset ? pwritev(fd, pieces, nr, any_offset()) :
	       writev(fd, pieces, nr);
}

/*
 * From memory whose end is missing: no value is there to be taken. Returns as
 * write(2) does.
 */
static ssize_t write_torn(int fd, const struct text *text)
{
	size_t there = below((unsigned int)text->len);
	char *pages = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *from = pages + 2 * PAGE - there;
	ssize_t ret;
	int err;

	memcpy(from, text->bytes, there);
	mprotect(pages + 2 * PAGE, PAGE, PROT_NONE);
	ret = write(fd, from, text->len);
	err = errno;
	munmap(pages, 3 * PAGE);
	errno = err;
	return ret;
}

/* Write, somehow: 0 or the error. Complains if it was taken in part. */
static int write_somehow(int fd, const struct text *text)
{
	ssize_t ret;

	switch (below(6)) {
	case 0:
		ret = pwrite(fd, text->bytes, text->len, any_offset());
		break;
	case 1:
		/* of nothing, the VFS makes no write at all */
		ret = text->len ? write_pieces(fd, text, one_in(2)) : write(fd, "", 0);
		break;
	case 2:
		lseek(fd, any_offset(), (int)below(5));
		/* fall through */
	default:
		ret = write(fd, text->bytes, text->len);
	}
	if (ret >= 0 && (size_t)ret != text->len)
		complain("%zd bytes were taken of %s", ret, shown(text));
	return ret < 0 ? errno : 0;
}

/* Open the way a program may that means to write. */
static int open_to_write(const char *path)
{
	static const int flags[] = {
		0, 0, O_TRUNC, O_APPEND, O_CREAT, O_NONBLOCK, O_SYNC, O_NOCTTY,
		O_CREAT | O_TRUNC, O_NOFOLLOW, O_LARGEFILE,
	};

	return open(path, O_WRONLY | O_CLOEXEC | ONE_OF(flags), 0666);
}

/* To a path that must open: 0 or the error. */
static int write_path(const char *path, const struct text *text)
{
	int fd = open_to_write(path);
	int err;

	if (fd < 0)
		complain("cannot open %s: %s", path, strerror(errno));
	err = write_somehow(fd, text);
	close(fd);
	return err;
}

static void agree(const char *path, const struct text *text, int err, int expected)
{
	char was[32];

	if (err == expected)
		return;
	snprintf(was, sizeof(was), "%s", name_of(err));
	complain("%s > %s: %s, not %s", shown(text), path, was, name_of(expected));
}

static int is_trimming(int err)
{
	return err == EBUSY || err == EINTR;
}

static int may_wait(const struct own *ctn, int value)
{
	char path[512], usage[64];

	if (value != RSS_LIMIT)
		return 0;
	own_path(ctn, "rss_usage", path, sizeof(path));
	read_value(path, usage, sizeof(usage));
	return strcmp(usage, "0") != 0;
}

int op_write_value(void)
{
	struct own *ctn = any_own();
	int value = (int)below(NR_VALUES), expected, err, torn = one_in(40);
	char path[512], then[VALUE_MAX];
	struct text text;

	gen_value(&text);
	if (!ctn)
		return 0;
	own_path(ctn, value_names[value], path, sizeof(path));
	expected = judge(value_kinds[value], text.bytes, text.len, then, sizeof(then));
	if (!expected && is_bound(ctn, value, then))
		expected = EPERM;
	if (torn && text.len && text.len < 4096) {
		int fd = open_to_write(path);

		err = write_torn(fd, &text) < 0 ? errno : 0;
		close(fd);
		agree(path, &text, err, EFAULT);
	} else {
		err = write_path(path, &text);
		if (!is_trimming(err) || expected || !may_wait(ctn, value))
			agree(path, &text, err, expected);
		if (!err)
			strcpy(ctn->values[value], then);
	}
	check_own(ctn);
	return !err;
}

int op_write_default(void)
{
	static const char *const names[] = { "default_page_limit", "default_task_limit" };
	int which = (int)below(2), expected, err;
	char path[128], then[VALUE_MAX];
	struct text text;

	gen_value(&text);
	/* one of them sets them, or nobody would know what they are */
	if (is_user() || me.number)
		return 0;
	/* small ones stand in the way of all that follows: a while is enough */
	if (one_in(3)) {
		memcpy(text.bytes, "max", 3);
		text.len = 3;
	}
	snprintf(path, sizeof(path), ROOT "/%s", names[which]);
	expected = judge(which ? KIND_TASKS : KIND_PAGES, text.bytes, text.len,
			 then, sizeof(then));
	err = write_path(path, &text);
	agree(path, &text, err, expected);
	if (!err)
		strcpy(defaults[which], then);
	read_value(path, then, sizeof(then));
	if (strcmp(then, defaults[which]))
		complain("%s says %s, not %s", path, then, defaults[which]);
	return !err;
}

static void to_value(unsigned long long limit, char *value)
{
	if (limit == NO_LIMIT)
		strcpy(value, "max");
	else
		snprintf(value, VALUE_MAX, "%llu", limit);
}

int op_write_bc(void)
{
	struct own *ctn = any_own();
	struct bc_said said;
	char path[512];
	struct text text;
	int expected, err;

	gen_bc(&text);
	if (!ctn)
		return 0;
	own_path(ctn, "beancounters", path, sizeof(path));
	expected = judge_bc(text.bytes, text.len, 0, &said);
	if (!expected && !said.reset && is_user() &&
	    (said.barrier > ctn->bound[said.resource][0] ||
	     said.limit > ctn->bound[said.resource][1]))
		expected = EPERM;
	err = write_path(path, &text);
	if (!is_trimming(err) || expected || said.reset || said.resource != PHYSPAGES ||
	    !may_wait(ctn, RSS_LIMIT))
		agree(path, &text, err, expected);
	if (!err && !said.reset) {
		ctn->barrier[said.resource] = said.barrier;
		if (said.resource > PHYSPAGES)
			ctn->limit[said.resource] = said.limit;
		else
			to_value(said.limit,
				 ctn->values[said.resource == NUMPROC ? TASK_LIMIT : RSS_LIMIT]);
	}
	check_own(ctn);
	return !err;
}

/* What it says is what new containers get: see adopt(). */
int op_write_default_bc(void)
{
	static const char path[] = ROOT "/default_beancounters";
	struct bc_said said;
	struct text text;
	int expected, err;

	gen_bc(&text);
	if (is_user() || me.number)
		return 0;
	/* as in op_write_default() */
	if (one_in(3))
		text.len = (size_t)sprintf(text.bytes, "%s max",
					   resource_names[below(NR_RESOURCES)]);
	expected = judge_bc(text.bytes, text.len, 1, &said);
	err = write_path(path, &text);
	agree(path, &text, err, expected);
	if (!err) {
		default_barrier[said.resource] = said.barrier;
		if (said.resource > PHYSPAGES)
			default_limit[said.resource] = said.limit;
		else
			to_value(said.limit, said.resource == NUMPROC ? defaults[1] :
								       default_rss_limit);
	}
	return !err;
}

int op_count_host(void)
{
	static const char path[] = ROOT "/count_host";
	static char is = '0';
	char now[VALUE_MAX];
	struct text text;
	size_t len;
	int err;

	gen_value(&text);
	if (is_user() || me.number)
		return 0;
	if (one_in(2))
		text.len = (size_t)sprintf(text.bytes, "%d", one_in(2));
	len = text.len && text.bytes[text.len - 1] == '\n' ? text.len - 1 : text.len;
	err = write_path(path, &text);
	agree(path, &text, err,
	      len == 1 && (text.bytes[0] == '0' || text.bytes[0] == '1') ? 0 : EINVAL);
	if (!err)
		is = text.bytes[0];
	read_value(path, now, sizeof(now));
	if (now[0] != is || now[1])
		complain("%s says %s, not %c", path, now, is);
	return !err;
}

int op_shrink(void)
{
	struct own *ctn = any_own();
	char path[512], then[VALUE_MAX];
	struct text text;
	int expected, err;

	gen_value(&text);
	if (!ctn)
		return 0;
	own_path(ctn, "shrink", path, sizeof(path));
	expected = judge(KIND_SIZE, text.bytes, text.len, then, sizeof(then));
	err = write_path(path, &text);
	if (!is_trimming(err) || expected)
		agree(path, &text, err, expected);
	check_own(ctn);
	return !err;
}

/* ---- tasks ---- */

static void gen_pid(struct text *text)
{
	unsigned long long pid;

	switch (below(8)) {
	case 0 ... 3:
		pid = (unsigned long long)ONE_OF(sleepers);
		break;
	case 4:
		pid = below(3);
		break;
	case 5:
		pid = (unsigned long long)witness_pid;
		break;
	case 6:
		pid = below(500);
		break;
	default:
		gen_value(text);
		return;
	}
	text->len = (size_t)snprintf(text->bytes, TEXT_MAX, "%llu%s", pid,
				     one_in(2) ? "\n" : "");
	if (one_in(10))
		mutate(text);
}

static int is_limited(const struct own *ctn)
{
	char path[512], tasks[64];

	own_path(ctn, "num_tasks", path, sizeof(path));
	read_value(path, tasks, sizeof(tasks));
	return strcmp(ctn->values[TASK_LIMIT], "max") &&
	       strtoull(ctn->values[TASK_LIMIT], NULL, 10) <= strtoull(tasks, NULL, 10);
}

/* More than a sleeper can have in memory, in pages */
#define SLEEPER_PAGES	2048

/* Only who may have what they like moves a process to where it does not fit. */
static int may_not_fit(const struct own *ctn)
{
	char path[512], usage[64];

	if (!is_user() || !strcmp(ctn->values[RSS_LIMIT], "max"))
		return 0;
	own_path(ctn, "rss_usage", path, sizeof(path));
	read_value(path, usage, sizeof(usage));
	return strtoull(usage, NULL, 10) + SLEEPER_PAGES >
	       strtoull(ctn->values[RSS_LIMIT], NULL, 10);
}

/* What is to come of moving a process that is not one of the sleepers. */
static int refused_stranger(pid_t pid, int err)
{
	return err == ESRCH || (err == EPERM && is_user()) ||
	       (err == EINVAL && (pid == 2 || is_user()));
}

/* A process that it may well move, but had better not: itself, or others' own. */
static int must_not_touch(pid_t pid)
{
	return pid == getpid() || (pid != 2 && !kill(pid, 0));
}

int op_write_task(void)
{
	static const char *const names[] = { "addtask", "tasks", "rmtask" };
	struct own *ctn = any_own();
	int which = (int)below(3), sleeper, expected, err;
	char path[512], then[VALUE_MAX];
	struct text text;
	pid_t pid;

	gen_pid(&text);
	if (!ctn)
		return 0;
	own_path(ctn, names[which], path, sizeof(path));
	expected = judge(KIND_PID, text.bytes, text.len, then, sizeof(then));
	if (expected) {
		agree(path, &text, write_path(path, &text), expected);
		return 0;
	}
	pid = (pid_t)strtoul(then, NULL, 10);
	for (sleeper = 0; sleeper < NR_SLEEPERS && sleepers[sleeper] != pid; sleeper++)
		;
	if (sleeper == NR_SLEEPERS) {
		if (must_not_touch(pid))
			return 0;
		err = write_path(path, &text);
		if (!refused_stranger(pid, err))
			complain("%s > %s: %s", shown(&text), path, name_of(err));
		return 0;
	}

	if (which == 2)
		expected = sleeper_in[sleeper] == ctn - own ? 0 : ESRCH;
	else
		expected = sleeper_in[sleeper] != ctn - own && is_limited(ctn) ?
			   EAGAIN : 0;
	err = write_path(path, &text);
	/* there may be two reasons */
	if (err != ENOMEM || (expected && expected != EAGAIN) || which == 2 ||
	    !may_not_fit(ctn))
		agree(path, &text, err, expected);
	if (!err)
		sleeper_in[sleeper] = which == 2 ? NOBODY : (int)(ctn - own);
	ctn->used |= !err;
	check_own(ctn);
	return !err;
}

/* What ends a sleeper, or does nothing to it. */
static int is_known(int sig)
{
	return sig == 0 || sig == SIGKILL || sig == SIGCHLD || sig == SIGCONT ||
	       sig == SIGURG || sig == SIGWINCH;
}

static void gen_signal(struct text *text)
{
	static const int signals[] = { 0, SIGKILL, SIGCHLD, SIGCONT, SIGURG, SIGWINCH };

	if (one_in(3)) {
		gen_value(text);
		return;
	}
	text->len = (size_t)snprintf(text->bytes, TEXT_MAX, "%d%s", ONE_OF(signals),
				     one_in(2) ? "\n" : "");
	if (one_in(10))
		mutate(text);
}

/* All of its own that are in the container have got it, and nobody else has. */
int op_kill(void)
{
	struct own *ctn = any_own();
	char path[512], then[VALUE_MAX];
	struct text text;
	int expected, sig, status;

	gen_signal(&text);
	if (!ctn)
		return 0;
	own_path(ctn, "kill", path, sizeof(path));
	expected = judge(KIND_SIGNAL, text.bytes, text.len, then, sizeof(then));
	sig = expected ? 0 : atoi(then);
	if (!is_known(sig))
		return 0;
	agree(path, &text, write_path(path, &text), expected);
	for (int i = 0; sig == SIGKILL && i < NR_SLEEPERS; i++) {
		if (sleeper_in[i] != ctn - own)
			continue;
		if (waitpid(sleepers[i], &status, 0) != sleepers[i] ||
		    !WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
			complain("sleeper %d: %s, status %#x", i, strerror(errno), status);
		sleepers[i] = start_sleeper();
		sleeper_in[i] = NOBODY;
	}
	for (int i = 0; i < NR_SLEEPERS; i++)
		if (waitpid(sleepers[i], NULL, WNOHANG))
			complain("sleeper %d has not survived %d to others", i, sig);
	check_own(ctn);
	return !expected;
}

/* ---- peaks ---- */

static unsigned long long number_in(const struct own *ctn, const char *attr)
{
	char path[512], value[64];

	own_path(ctn, attr, path, sizeof(path));
	read_value(path, value, sizeof(value));
	return strtoull(value, NULL, 10);
}

static const struct {
	const char *name;
	const char *parts[2];	/* the sum of which it is the peak of */
} peaks[] = {
	{ "rss_peak", { "rss_usage", NULL } },
	{ "usage_peak", { "num_anon_pages", "num_file_pages" } },
	{ "tasks_peak", { "num_tasks", NULL } },
};

/* What somebody else's memory does to it meanwhile, a page is mapped or swapped. */
#define PEAK_MOVES 2048

int op_write_peak(void)
{
	struct own *ctn = any_own();
	unsigned int which = below(ARRAY_SIZE(peaks));
	char path[512], then[VALUE_MAX];
	unsigned long long before, now = 0;
	struct text text;
	int expected, err;

	if (one_in(2))
		gen_value(&text);
	else
		text.len = (size_t)snprintf(text.bytes, TEXT_MAX, "0");
	if (!ctn)
		return 0;
	own_path(ctn, peaks[which].name, path, sizeof(path));
	before = number_in(ctn, peaks[which].name);
	expected = judge(KIND_PEAK, text.bytes, text.len, then, sizeof(then));
	err = write_path(path, &text);
	agree(path, &text, err, expected);
	if (err && number_in(ctn, peaks[which].name) < before)
		complain("%s has changed from %llu", path, before);
	for (int i = 0; i < 2 && peaks[which].parts[i]; i++)
		now += number_in(ctn, peaks[which].parts[i]);
	if (!err && number_in(ctn, peaks[which].name) > now + PEAK_MOVES)
		complain("%s is far above the %llu that there are", path, now);
	if (which == 2 && number_in(ctn, peaks[which].name) < now)
		complain("%s is below the %llu that there are", path, now);
	check_own(ctn);
	return !err;
}

/* ---- files ---- */

static const struct {
	const char *path;
	int root, user;		/* errors: -1 is not to be tried */
} strangers[] = {
	{ ".", EINVAL, EINVAL }, { "dir", EINVAL, EINVAL },
	{ "fifo", EINVAL, EINVAL }, { "/dev/null", EINVAL, EINVAL },
	{ "loop", ELOOP, ELOOP }, { "missing", ENOENT, ENOENT },
	{ "file/x", ENOTDIR, ENOTDIR }, { "link/", ENOTDIR, ENOTDIR },
	{ "/proc/version", -1, EPERM }, { WITNESS_FILE, -1, EPERM },
	{ "/etc/passwd", -1, EPERM }, { "/etc/shadow", -1, EPERM },
	{ ROOT, EINVAL, EINVAL }, { "/root/x", ENOENT, EACCES },
};

/* A file of its own, by one of the paths that lead there. */
static void gen_path(struct text *text, int file)
{
	static const char *const ways[] = { "", "./", "dir/../", ".//" };

	text->len = (size_t)snprintf(text->bytes, TEXT_MAX, "%s%s%s%s",
				     one_in(4) ? me.scratch : ".", "/", ONE_OF(ways),
				     !file && one_in(2) ? "link" : file_names[file]);
}

int op_write_file(void)
{
	struct own *ctn = any_own();
	int remove = one_in(2), file = (int)below(NR_FILES), expected, err;
	unsigned int stranger = below(ARRAY_SIZE(strangers));
	char path[512], then[2 * TEXT_MAX];
	struct text text;

	if (!ctn)
		return 0;
	if (one_in(4)) {
		expected = is_user() ? strangers[stranger].user :
			   strangers[stranger].root;
		text.len = (size_t)snprintf(text.bytes, TEXT_MAX, "%s",
					    strangers[stranger].path);
		file = NR_FILES;
	} else if (one_in(8)) {
		gen_name(&text);
		file = NR_FILES;
		expected = 0;
	} else {
		gen_path(&text, file);
		expected = remove && file_in[file] != ctn - own ? ENOENT : 0;
	}
	if (one_in(2))
		text.bytes[text.len++] = '\n';
	if (one_in(20)) {
		mutate(&text);
		file = NR_FILES;
		expected = 0;
	}
	err = judge(KIND_PATH, text.bytes, text.len, then, sizeof(then));
	if (err) {
		expected = err;
	} else if (file == NR_FILES && !expected) {
		/* what there is, is not to be tried: it may be one of its own */
		expected = access(then, F_OK) ? errno : -1;
	}
	if (expected < 0)
		return 0;

	own_path(ctn, remove ? "rmfile" : "addfile", path, sizeof(path));
	err = write_path(path, &text);
	agree(path, &text, err, expected);
	ctn->used |= !err;
	if (!err && remove)
		file_let_go(file);
	else if (!err)
		file_named(file, (int)(ctn - own));
	check_own(ctn);
	check_files(ctn);
	return !err;
}

/* ---- what is held open, and what is not its own ---- */

int op_write_held(void)
{
	struct held *held = NULL;
	struct text text;
	char then[VALUE_MAX];
	int expected, err;
	struct own *ctn;

	gen_value(&text);
	for (int tries = 0; tries < 10 && (!held || !held->writable); tries++)
		held = any_held();
	if (!held || !held->writable)
		return 0;
	ctn = &own[held->own];
	expected = judge(value_kinds[held->value], text.bytes, text.len, then,
			 sizeof(then));
	if (!expected && is_bound(ctn, held->value, then))
		expected = EPERM;
	if (!ctn->alive || ctn->life != held->life) {
		/* too short or too long comes first */
		expected = text.len && text.len < 4096 ? ENOENT : EINVAL;
		ctn = NULL;
	}
	err = write_somehow(held->fd, &text);
	if (!is_trimming(err) || expected || !ctn || !may_wait(ctn, held->value))
		agree("a file held open", &text, err, expected);
	if (ctn) {
		if (!err)
			strcpy(ctn->values[held->value], then);
		check_own(ctn);
	}
	return !err;
}

/* What may not be written cannot be opened to write, either. */
int op_write_foreign(void)
{
	char path[8192];
	int flags = O_CLOEXEC | (one_in(2) ? O_WRONLY : O_RDWR);
	int fd;

	foreign_path(path, sizeof(path));
	if (one_in(4))
		flags |= O_TRUNC;
	fd = open(path, flags);
	if (fd >= 0)
		complain("%s could be opened to write", path);
	/* root may, which changes nothing */
	if (!truncate(path, any_offset()) && is_user())
		complain("%s could be truncated", path);
	return 0;
}

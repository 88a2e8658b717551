// SPDX-License-Identifier: GPL-2.0
/*
 * init.c - the guest's process 1: from the bare kernel to COMMAND and back
 *
 * tests/vm/run is at the other end of the virtio port that this talks over. It
 * sends a request: arguments, environment, directory. This makes a system out
 * of the host's root file system, runs the request in it, and sends back what
 * the command wrote and how it ended.
 *
 * Both directions carry frames of one type byte, four bytes of length (little
 * endian) and the data.
 *
 *	to the guest		c directory, a argument, v NAME=VALUE,
 *				t rows cols (2 + 2 bytes: wants a terminal),
 *				p (wants its input piped), g go,
 *				i input, z end of input, w rows cols
 *	from the guest		h here I am, o output, e error output,
 *				x exit status (4 bytes), f why it cannot be done
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/wait.h>
#include <unistd.h>

/* The last line in the kernel log; tests/vm/run waits for it. */
#define END_MARK "<0>vm: the end\n"

/* As much as one write to a virtio port takes. */
#define CHUNK 32768

static int link_fd = -1;

__attribute__((noreturn))
static void power_off(void)
{
	/* The guest runs with -no-reboot: this ends it at once. */
	reboot(RB_AUTOBOOT);
	for (;;)
		pause();
}

static void write_all(const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		ssize_t n = write(link_fd, p, len);

		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n <= 0)
			power_off();
		p += n;
		len -= n;
	}
}

static void send_frame(char type, const void *data, uint32_t len)
{
	/* One write per frame: each is a round trip to the host. */
	static char buf[5 + CHUNK];

	buf[0] = type;
	memcpy(buf + 1, &len, 4);
	memcpy(buf + 5, data, len);
	write_all(buf, 5 + len);
}

static void read_all(void *data, size_t len)
{
	char *p = data;

	while (len) {
		ssize_t n = read(link_fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			power_off();
		p += n;
		len -= n;
	}
}

/* The caller owns the data, which has a null byte after it. */
static char *receive_frame(char *type, uint32_t *len)
{
	char header[5], *data;

	read_all(header, sizeof(header));
	*type = header[0];
	memcpy(len, header + 1, 4);
	data = malloc(*len + 1);
	if (!data)
		power_off();
	read_all(data, *len);
	data[*len] = '\0';
	return data;
}

__attribute__((format(printf, 1, 2), noreturn))
static void fail(const char *format, ...)
{
	char text[512];
	va_list ap;
	int len;

	va_start(ap, format);
	len = vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (len > (int)sizeof(text) - 1)
		len = sizeof(text) - 1;
	if (link_fd >= 0)
		send_frame('f', text, len);
	fprintf(stderr, "vm: %s\n", text);
	for (;;)
		pause();
}

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, text, strlen(text)) < 0)
		fprintf(stderr, "vm: %s: %m\n", path);
	close(fd);
}

static void make_dir(const char *path)
{
	if (mkdir(path, 0755) && errno != EEXIST)
		fail("cannot make %s: %s", path, strerror(errno));
}

static void do_mount(const char *what, const char *where, const char *type,
		     unsigned long flags, const char *options)
{
	if (mount(what, where, type, flags, options))
		fail("cannot mount %s on %s: %s", what, where, strerror(errno));
}

/* Kernels may come without some of these. */
static void try_mount(const char *what, const char *where, const char *type,
		      const char *options)
{
	mkdir(where, 0755);
	if (mount(what, where, type, MS_NOSUID, options) && errno != ENODEV)
		fprintf(stderr, "vm: cannot mount %s on %s: %m\n", what, where);
}

static void open_link(void)
{
	make_dir("/dev");
	/* Fails where the kernel has done it already. */
	mount("dev", "/dev", "devtmpfs", 0, NULL);
	for (int tries = 0; tries < 5000; tries++) {
		link_fd = open("/dev/vport0p1", O_RDWR | O_CLOEXEC);
		if (link_fd >= 0)
			return;
		usleep(2000);
	}
	fail("there is no virtio port to the host");
}

static void mount_root(void)
{
	make_dir("/host");
	make_dir("/rw");
	make_dir("/new");
	do_mount("root", "/host", "9p", MS_RDONLY,
		 "trans=virtio,version=9p2000.L,msize=512000,cache=loose");
	do_mount("rw", "/rw", "tmpfs", 0, "mode=755");
	make_dir("/rw/upper");
	make_dir("/rw/work");
	do_mount("root", "/new", "overlay", 0,
		 "lowerdir=/host,upperdir=/rw/upper,workdir=/rw/work,"
		 "xino=off,index=off,metacopy=off,redirect_dir=off");
	do_mount("/dev", "/new/dev", NULL, MS_MOVE, NULL);
	if (chdir("/new") || mount(".", "/", NULL, MS_MOVE, NULL) ||
	    chroot(".") || chdir("/"))
		fail("cannot make the overlay the root: %s", strerror(errno));
}

static bool lies_below(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	return !strncmp(path, dir, len) && (!path[len] || path[len] == '/');
}

/* @cwd: nothing is mounted over it, the caller wants to see it */
static void mount_the_rest(const char *cwd)
{
	try_mount("proc", "/proc", "proc", NULL);
	try_mount("sysfs", "/sys", "sysfs", NULL);
	try_mount("debugfs", "/sys/kernel/debug", "debugfs", NULL);
	try_mount("tracefs", "/sys/kernel/tracing", "tracefs", NULL);
	try_mount("cgroup2", "/sys/fs/cgroup", "cgroup2", NULL);
	try_mount("configfs", "/config", "configfs", NULL);
	try_mount("devpts", "/dev/pts", "devpts",
		  "ptmxmode=666,mode=620,gid=5");
	try_mount("mqueue", "/dev/mqueue", "mqueue", NULL);
	try_mount("shm", "/dev/shm", "tmpfs", "mode=1777");
	if (!lies_below(cwd, "/run"))
		try_mount("run", "/run", "tmpfs", "mode=755");
	mkdir("/run/lock", 01777);
	symlink("/proc/self/fd", "/dev/fd");
	symlink("fd/0", "/dev/stdin");
	symlink("fd/1", "/dev/stdout");
	symlink("fd/2", "/dev/stderr");
	/* The host's table does not describe this system. */
	unlink("/etc/mtab");
	symlink("/proc/self/mounts", "/etc/mtab");
}

/* tests/vm/run names the disks by what they are for. */
static void use_disks(void)
{
	for (char c = 'a'; c <= 'd'; c++) {
		char path[64], serial[32];
		ssize_t len;
		int fd;

		snprintf(path, sizeof(path), "/sys/block/vd%c/serial", c);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			break;
		len = read(fd, serial, sizeof(serial) - 1);
		close(fd);
		serial[len < 0 ? 0 : len] = '\0';
		serial[strcspn(serial, "\n")] = '\0';

		snprintf(path, sizeof(path), "/dev/vd%c", c);
		if (!strcmp(serial, "disk")) {
			mkdir("/mnt", 0755);
			mkdir("/mnt/disk", 0755);
			do_mount(path, "/mnt/disk", "ext4", 0, NULL);
		} else if (!strcmp(serial, "swap") && swapon(path, 0)) {
			fail("cannot swap on %s: %s", path, strerror(errno));
		}
	}
}

/* The kernel has booted with one: tests/vm/run says why. */
static void bring_up_processors(void)
{
	char path[64];

	for (int i = 1; ; i++) {
		snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/online", i);
		if (access(path, F_OK))
			return;
		put(path, "1");
	}
}

static void settings(void)
{
	struct rlimit files = { 1024, 524288 }, cores = { 0, RLIM_INFINITY };
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd >= 0) {
		ioctl(fd, SIOCSIFFLAGS, &ifr);
		close(fd);
	}
	sethostname("guest", 5);
	setrlimit(RLIMIT_NOFILE, &files);
	setrlimit(RLIMIT_CORE, &cores);
	umask(022);
}

struct request {
	char **argv;
	char **envp;
	char *cwd;
	bool terminal;
	bool input;
	struct winsize size;
};

static char **append(char **list, size_t *count, char *item)
{
	list = realloc(list, (*count + 2) * sizeof(*list));
	if (!list)
		power_off();
	list[(*count)++] = item;
	list[*count] = NULL;
	return list;
}

static struct winsize to_winsize(const char *data)
{
	uint16_t rows, cols;

	memcpy(&rows, data, 2);
	memcpy(&cols, data + 2, 2);
	return (struct winsize){ .ws_row = rows, .ws_col = cols };
}

static struct request receive_request(void)
{
	size_t args = 0, envs = 0;
	struct request req = { 0 };
	uint32_t len;
	char type;

	req.envp = calloc(1, sizeof(*req.envp));
	do {
		char *data = receive_frame(&type, &len);

		switch (type) {
		case 'a':
			req.argv = append(req.argv, &args, data);
			break;
		case 'v':
			req.envp = append(req.envp, &envs, data);
			break;
		case 'c':
			free(req.cwd);
			req.cwd = data;
			break;
		case 't':
			req.terminal = true;
			req.input = true;
			req.size = to_winsize(data);
			free(data);
			break;
		case 'p':
			req.input = true;
			free(data);
			break;
		default:
			free(data);
		}
	} while (type != 'g');
	if (!req.argv || !req.cwd)
		fail("the request has no command or no directory");
	return req;
}

/* The ends of the command's streams that are ours; -1 where there is none. */
struct streams {
	int in;
	int out;
	int err;
};

static void run_command(const struct request *req)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	put("/proc/self/oom_score_adj", "0");
	if (chdir(req->cwd)) {
		fprintf(stderr, "vm: cannot go to %s: %m\n", req->cwd);
		_exit(126);
	}
	environ = req->envp;
	execvp(req->argv[0], req->argv);
	fprintf(stderr, "vm: cannot run %s: %m\n", req->argv[0]);
	_exit(errno == ENOENT ? 127 : 126);
}

static pid_t start_piped(const struct request *req, struct streams *ours)
{
	int in[2] = { -1, -1 }, out[2], err[2];
	pid_t pid;

	if (pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC) ||
	    (req->input && pipe2(in, O_CLOEXEC)))
		fail("no pipes: %s", strerror(errno));
	if (!req->input)
		in[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	pid = fork();
	if (!pid) {
		setsid();
		dup2(in[0], 0);
		dup2(out[1], 1);
		dup2(err[1], 2);
		run_command(req);
	}
	close(in[0]);
	close(out[1]);
	close(err[1]);
	*ours = (struct streams){ in[1], out[0], err[0] };
	return pid;
}

static pid_t start_on_terminal(const struct request *req, struct streams *ours)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	pid_t pid;

	if (master < 0 || grantpt(master) || unlockpt(master))
		fail("no terminal: %s", strerror(errno));
	ioctl(master, TIOCSWINSZ, &req->size);
	pid = fork();
	if (!pid) {
		int tty;

		setsid();
		tty = open(ptsname(master), O_RDWR);
		ioctl(tty, TIOCSCTTY, 0);
		dup2(tty, 0);
		dup2(tty, 1);
		dup2(tty, 2);
		if (tty > 2)
			close(tty);
		run_command(req);
	}
	*ours = (struct streams){ master, master, -1 };
	return pid;
}

/* Pass on one piece of what the command wrote; false: there is none now. */
static bool relay(int *fd, char type)
{
	static char buf[CHUNK - 8];
	ssize_t n;

	if (*fd < 0)
		return false;
	n = read(*fd, buf, sizeof(buf));
	if (n > 0) {
		send_frame(type, buf, n);
		return true;
	}
	if (!n || (errno != EAGAIN && errno != EINTR)) {
		/* A pipe at its end, or a terminal that nobody has open. */
		close(*fd);
		*fd = -1;
	}
	return false;
}

static void take_input(struct streams *s, bool terminal)
{
	struct winsize size;
	uint32_t len, done;
	char type, *data = receive_frame(&type, &len);

	switch (type) {
	case 'i':
		for (done = 0; s->in >= 0 && done < len;) {
			ssize_t n = write(s->in, data + done, len - done);

			if (n < 0)
				break;
			done += n;
		}
		break;
	case 'z':
		if (!terminal && s->in >= 0) {
			close(s->in);
			s->in = -1;
		}
		break;
	case 'w':
		size = to_winsize(data);
		if (terminal && s->in >= 0)
			ioctl(s->in, TIOCSWINSZ, &size);
		break;
	}
	free(data);
}

/* Reap everything; true and the status once @pid is among it. */
static bool reap(pid_t pid, int *status)
{
	bool found = false;
	int st;
	pid_t p;

	while ((p = waitpid(-1, &st, WNOHANG)) > 0) {
		if (p == pid) {
			*status = st;
			found = true;
		}
	}
	return found;
}

static int attend(pid_t pid, struct streams *s, bool terminal)
{
	struct signalfd_siginfo info;
	sigset_t mask;
	int sig_fd, status = 0;
	bool ended = false;

	sigemptyset(&mask);
	sigaddset(&mask, SIGCHLD);
	sig_fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	fcntl(s->out, F_SETFL, O_NONBLOCK);
	if (s->err >= 0)
		fcntl(s->err, F_SETFL, O_NONBLOCK);

	while (!ended) {
		struct pollfd fds[] = {
			{ .fd = sig_fd, .events = POLLIN },
			{ .fd = link_fd, .events = POLLIN },
			{ .fd = s->out, .events = POLLIN },
			{ .fd = s->err, .events = POLLIN },
		};

		if (poll(fds, 4, -1) < 0)
			continue;
		if (fds[0].revents &&
		    read(sig_fd, &info, sizeof(info)) == sizeof(info))
			ended = reap(pid, &status);
		if (fds[1].revents & POLLIN)
			take_input(s, terminal);
		else if (fds[1].revents & (POLLHUP | POLLERR))
			power_off();
		if (fds[2].revents)
			relay(&s->out, 'o');
		if (fds[3].revents)
			relay(&s->err, 'e');
	}
	/* What it left in the pipes; others may hold them open for ever. */
	while (relay(&s->out, 'o'))
		;
	while (relay(&s->err, 'e'))
		;
	return status;
}

/* What the command left running goes now, so that its end is seen as well. */
static void kill_the_rest(void)
{
	kill(-1, SIGKILL);
	for (int tries = 0; tries < 2000; tries++) {
		pid_t pid = waitpid(-1, NULL, WNOHANG);

		if (pid < 0 && errno == ECHILD)
			return;
		if (!pid)
			usleep(1000);
	}
}

int main(void)
{
	struct streams streams;
	struct request req;
	sigset_t mask;
	uint32_t code;
	pid_t pid;
	int status;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&mask);
	sigaddset(&mask, SIGCHLD);
	sigprocmask(SIG_BLOCK, &mask, NULL);

	open_link();
	send_frame('h', "", 0);
	req = receive_request();
	mount_root();
	mount_the_rest(req.cwd);
	put("/proc/self/oom_score_adj", "-1000");
	mlockall(MCL_CURRENT | MCL_FUTURE);
	bring_up_processors();
	use_disks();
	settings();

	if (req.terminal)
		pid = start_on_terminal(&req, &streams);
	else
		pid = start_piped(&req, &streams);
	if (pid < 0)
		fail("cannot fork: %s", strerror(errno));
	status = attend(pid, &streams, req.terminal);
	kill_the_rest();
	put("/dev/kmsg", END_MARK);
	code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	send_frame('x', &code, sizeof(code));
	for (;;)
		pause();
}

// SPDX-License-Identifier: GPL-2.0
/*
 * buffers: sockets, and what they have in their buffers, as told line by line on standard
 * input, each line answered by one. At the end of the input it ends.
 *
 *	tcp NAME		a connection over loopback: NAME is who connects, and
 *				NAME-peer the other end
 *	mptcp NAME		the same, of MPTCP
 *	listen NAME PORT	a socket that listens there
 *	accept NAME FROM	one that comes in there
 *	connect NAME PORT	one that connects there
 *				with a path for PORT it is a unix socket
 *	udp NAME		two sockets that are connected to each other
 *	stream NAME, dgram NAME	a pair of unix sockets
 *	sndbuf NAME BYTES	SO_SNDBUF
 *	size NAME		what that is, as the kernel says: twice as much
 *	writable NAME		does poll(2) say that there is room: yes or no
 *	send NAME BYTES [EACH]	so many bytes, EACH (1024) with one send(2) that does not
 *				wait: how many it was, and the error
 *	cork NAME BYTES [EACH]	the same, as the first part of a datagram: MSG_MORE
 *	splice NAME BYTES	the same with sendfile(2), of zeroes
 *	wait NAME BYTES		the same with one that does wait, by a child, which ends then
 *	receive NAME		all that there is: how many bytes, and whether each is what was
 *				sent
 *	mem NAME...		what the kernel says of all of these: rmem=, wmem=, forward=,
 *				queued=, pages= of what each has received, in bytes
 *	close NAME
 *	quit			end
 *
 * The nth byte that is sent on a socket is n modulo 251.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP	262
#endif
#define MAX_SOCKETS	64
#define PAGE		4096UL
#define MODULO		251

static struct sock {
	char name[64];
	int fd;
	long sent, received;
} socks[MAX_SOCKETS];

static int failed(const char *what)
{
	printf("%s: %s\n", what, strerror(errno));
	return 1;
}

static struct sock *find(const char *name)
{
	for (int i = 0; i < MAX_SOCKETS; i++)
		if (socks[i].fd >= 0 && !strcmp(socks[i].name, name))
			return &socks[i];
	return NULL;
}

static void keep(const char *name, const char *suffix, int fd)
{
	for (int i = 0; i < MAX_SOCKETS; i++) {
		if (socks[i].fd >= 0)
			continue;
		socks[i] = (struct sock){ .fd = fd };
		snprintf(socks[i].name, sizeof(socks[i].name), "%s%s", name, suffix);
		return;
	}
	fprintf(stderr, "too many sockets\n");
	exit(1);
}

static struct sockaddr_in loopback(int port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
}

static int listener(int port, int protocol)
{
	struct sockaddr_in addr = loopback(port);
	int fd = socket(AF_INET, SOCK_STREAM, protocol), one = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
	    bind(fd, (void *)&addr, sizeof(addr)) || listen(fd, 16))
		return -1;
	return fd;
}

static int connected(int type, int protocol, struct sockaddr_in addr)
{
	int fd = socket(AF_INET, type, protocol);

	if (fd < 0 || connect(fd, (void *)&addr, sizeof(addr)))
		return -1;
	return fd;
}

static int unix_socket(const char *path, int listens)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	if (fd < 0)
		return -1;
	if (!listens)
		return connect(fd, (void *)&addr, sizeof(addr)) ? -1 : fd;
	return bind(fd, (void *)&addr, sizeof(addr)) || listen(fd, 16) ? -1 : fd;
}

static int make_tcp(const char *name, int protocol)
{
	struct sockaddr_in addr;
	socklen_t len = sizeof(addr);
	int fd = listener(0, protocol), a, b;

	if (fd < 0 || getsockname(fd, (void *)&addr, &len))
		return failed("listen");
	a = connected(SOCK_STREAM, protocol, addr);
	if (a < 0)
		return failed("connect");
	b = accept(fd, NULL, NULL);
	if (b < 0)
		return failed("accept");
	close(fd);
	keep(name, "", a);
	keep(name, "-peer", b);
	return 0;
}

static int make_udp(const char *name)
{
	struct sockaddr_in addr[2];
	socklen_t len = sizeof(addr[0]);
	int fd[2];

	for (int i = 0; i < 2; i++) {
		addr[i] = loopback(0);
		fd[i] = socket(AF_INET, SOCK_DGRAM, 0);
		if (fd[i] < 0 || bind(fd[i], (void *)&addr[i], len) ||
		    getsockname(fd[i], (void *)&addr[i], &len))
			return failed("bind");
	}
	for (int i = 0; i < 2; i++)
		if (connect(fd[i], (void *)&addr[!i], len))
			return failed("connect");
	keep(name, "", fd[0]);
	keep(name, "-peer", fd[1]);
	return 0;
}

static int make_unix(const char *name, int type)
{
	int fd[2];

	if (socketpair(AF_UNIX, type, 0, fd))
		return failed("socketpair");
	keep(name, "", fd[0]);
	keep(name, "-peer", fd[1]);
	return 0;
}

static void send_bytes(struct sock *s, long bytes, long each, int flags)
{
	char buffer[each];
	long done = 0;
	ssize_t ret = 0;

	while (done < bytes) {
		long nr = bytes - done < each ? bytes - done : each;

		for (long i = 0; i < nr; i++)
			buffer[i] = (s->sent + i) % MODULO;
		ret = send(s->fd, buffer, nr, flags | MSG_NOSIGNAL);
		if (ret < 0)
			break;
		s->sent += ret;
		done += ret;
	}
	printf("%ld %s\n", done, ret < 0 ? strerror(errno) : "ok");
}

static void splice_bytes(struct sock *s, long bytes)
{
	int fd = memfd_create("zeroes", 0);
	ssize_t ret;

	if (fd < 0 || ftruncate(fd, bytes)) {
		failed("memfd");
		return;
	}
	ret = sendfile(s->fd, fd, NULL, bytes);
	printf("%zd %s\n", ret, ret < 0 ? strerror(errno) : "ok");
	close(fd);
}

static void receive(struct sock *s)
{
	static char buffer[1 << 18];
	long done = 0, wrong = 0;
	ssize_t ret;

	while ((ret = recv(s->fd, buffer, sizeof(buffer), MSG_DONTWAIT)) > 0) {
		for (long i = 0; i < ret; i++)
			wrong += buffer[i] != (char)((s->received + i) % MODULO);
		s->received += ret;
		done += ret;
	}
	printf("%ld %s\n", done, wrong ? "wrong" : "ok");
}

static int mem(char *names)
{
	unsigned long sum[SK_MEMINFO_VARS] = { 0 }, pages = 0;

	for (char *name = strtok(names, " "); name; name = strtok(NULL, " ")) {
		unsigned int info[SK_MEMINFO_VARS] = { 0 };
		socklen_t len = sizeof(info);
		struct sock *s = find(name);

		if (!s || getsockopt(s->fd, SOL_SOCKET, SO_MEMINFO, info, &len))
			return failed(name);
		for (int i = 0; i < SK_MEMINFO_VARS; i++)
			sum[i] += info[i];
		pages += (info[SK_MEMINFO_RMEM_ALLOC] + PAGE - 1) / PAGE * PAGE;
	}
	printf("rmem=%lu wmem=%lu forward=%lu queued=%lu pages=%lu\n",
	       sum[SK_MEMINFO_RMEM_ALLOC], sum[SK_MEMINFO_WMEM_ALLOC],
	       sum[SK_MEMINFO_FWD_ALLOC], sum[SK_MEMINFO_WMEM_QUEUED], pages);
	return 0;
}

/* With a socket that there is. Returns 1 if it has answered. */
static int with(struct sock *s, const char *what, const char *rest)
{
	long a = 0, b = 1024;
	char from[64];
	int fd;

	sscanf(rest, "%ld %ld", &a, &b);
	if (!strcmp(what, "send")) {
		send_bytes(s, a, b, MSG_DONTWAIT);
	} else if (!strcmp(what, "cork")) {
		send_bytes(s, a, b, MSG_DONTWAIT | MSG_MORE);
	} else if (!strcmp(what, "splice")) {
		splice_bytes(s, a);
	} else if (!strcmp(what, "wait")) {
		if (!fork()) {
			/* what it says is nobody's business: the answer was given */
			close(1);
			send_bytes(s, a, b, 0);
			_exit(0);
		}
		s->sent += a;
		return 0;
	} else if (!strcmp(what, "receive")) {
		receive(s);
	} else if (!strcmp(what, "sndbuf")) {
		fd = a;
		if (setsockopt(s->fd, SOL_SOCKET, SO_SNDBUF, &fd, sizeof(fd)))
			return failed(what);
		return 0;
	} else if (!strcmp(what, "size")) {
		socklen_t len = sizeof(fd);

		if (getsockopt(s->fd, SOL_SOCKET, SO_SNDBUF, &fd, &len))
			return failed(what);
		printf("%d\n", fd);
	} else if (!strcmp(what, "writable")) {
		struct pollfd p = { .fd = s->fd, .events = POLLOUT };

		puts(poll(&p, 1, 0) == 1 ? "yes" : "no");
	} else if (!strcmp(what, "accept")) {
		if (sscanf(rest, "%63s", from) != 1)
			return failed(what);
		fd = accept(s->fd, NULL, NULL);
		if (fd < 0)
			return failed(what);
		keep(from, "", fd);
		return 0;
	} else if (!strcmp(what, "close")) {
		close(s->fd);
		s->fd = -1;
		return 0;
	} else {
		printf("what is %s?\n", what);
	}
	return 1;
}

/* Returns 1 if it has answered. */
static int make(const char *what, const char *name, const char *where)
{
	int fd, port = atoi(where);

	where += strspn(where, " ");

	if (!strcmp(what, "tcp"))
		return make_tcp(name, 0);
	if (!strcmp(what, "mptcp"))
		return make_tcp(name, IPPROTO_MPTCP);
	if (!strcmp(what, "udp"))
		return make_udp(name);
	if (!strcmp(what, "stream"))
		return make_unix(name, SOCK_STREAM);
	if (!strcmp(what, "dgram"))
		return make_unix(name, SOCK_DGRAM);
	if (!strcmp(what, "listen"))
		fd = port ? listener(port, 0) : unix_socket(where, 1);
	else if (!strcmp(what, "connect"))
		fd = port ? connected(SOCK_STREAM, 0, loopback(port)) :
			    unix_socket(where, 0);
	else
		return printf("there is no %s\n", name) > 0;
	if (fd < 0)
		return failed(what);
	keep(name, "", fd);
	return 0;
}

int main(void)
{
	static char line[4096];
	char what[64], name[64];
	struct sock *s;
	int len, answered;

	for (int i = 0; i < MAX_SOCKETS; i++)
		socks[i].fd = -1;
	setlinebuf(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		if (!strcmp(line, "quit"))
			break;
		if (sscanf(line, "%63s %63s%n", what, name, &len) != 2) {
			puts("ok");
			continue;
		}
		s = find(name);
		if (!strcmp(what, "mem"))
			answered = mem(line + strlen("mem "));
		else if (s)
			answered = with(s, what, line + len);
		else
			answered = make(what, name, line + len);
		if (!answered && strcmp(what, "mem"))
			puts("ok");
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
	return 0;
}

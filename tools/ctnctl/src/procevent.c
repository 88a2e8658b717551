// SPDX-License-Identifier: GPL-2.0-only
/*
 * Listening to the kernel's proc connector, through libmnl.
 *
 * Whatever comes is a hint to look at a process, and no more: it is late, and others could
 * send it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/filter.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common.h"
#include "procevent.h"

/* What the kernel keeps for us while we are busy: some five thousand events. */
#define ROOM (2 << 20)

/* So many are taken before the caller has its turn. */
#define MANY 4096

/* How long the answer may take that somebody is there who tells. */
#define PATIENCE_MS 5000

struct procevents {
	struct mnl_socket *socket;
	uint32_t question;	/* what the kernel adds one to, to answer us */
	int answered;		/* the kernel has said that it will tell us */
	int refused;		/* or an errno, why it will not */
};

/* Where the type of an event is in a message. */
#define WHAT (sizeof(struct nlmsghdr) + offsetof(struct cn_msg, data) + \
	      offsetof(struct proc_event, what))

/* Of what there is, most is that somebody ends: the kernel is to keep that for itself. */
static void filter(int fd)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, WHAT),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(PROC_EVENT_FORK), 5, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(PROC_EVENT_EXEC), 4, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(PROC_EVENT_UID), 3, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(PROC_EVENT_GID), 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(PROC_EVENT_NONE), 1, 0),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
	};
	const struct sock_fprog program = { .len = ARRAY_SIZE(code), .filter = code };

	/* without it there is more to read, and nothing else is different */
	setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

/*
 * An answer is sent to all who listen. So ask with a number that nobody else knows: any user
 * can ask something that the kernel refuses, and the answer to that is none of ours.
 */
static int ask(struct procevents *events)
{
	static const enum proc_cn_mcast_op op = PROC_CN_MCAST_LISTEN;
	char buffer[256] = "";
	struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);
	struct cn_msg *message;

	if (getrandom(&events->question, sizeof(events->question), 0) < 0)
		return -1;
	header->nlmsg_type = NLMSG_DONE;
	message = mnl_nlmsg_put_extra_header(header, sizeof(*message) + sizeof(op));
	message->id.idx = CN_IDX_PROC;
	message->id.val = CN_VAL_PROC;
	message->ack = events->question;
	message->len = sizeof(op);
	memcpy(message->data, &op, sizeof(op));
	return mnl_socket_sendto(events->socket, header, header->nlmsg_len) < 0 ? -1 : 0;
}

static uint64_t now_ms(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

static void see_nobody(pid_t pid, void *data)
{
	(void)pid;
	(void)data;
}

static void await_answer(struct procevents *events)
{
	struct pollfd readable = { .fd = procevents_fd(events), .events = POLLIN };
	uint64_t time = now_ms(), until = time + PATIENCE_MS;

	/* however much of others comes before it */
	for (; time < until && !events->answered; time = now_ms()) {
		if (poll(&readable, 1, (int)(until - time)) < 0)
			break;
		/* it may be among what was lost */
		if (procevents_take(events, see_nobody, NULL) && !events->answered && ask(events))
			break;
	}
	if (!events->answered)
		die("the kernel does not tell of processes (it needs CONFIG_PROC_EVENTS, and nobody in a namespace is told)");
	if (events->refused)
		die("the kernel does not tell of processes: %s", strerror(events->refused));
}

struct procevents *procevents_open(void)
{
	struct procevents *events = xrealloc(NULL, 1, sizeof(*events));
	int room = ROOM, fd;

	*events = (struct procevents){
		.socket = mnl_socket_open2(NETLINK_CONNECTOR, SOCK_CLOEXEC | SOCK_NONBLOCK),
	};
	if (!events->socket && errno == EPROTONOSUPPORT)
		die("the kernel does not tell of processes (it needs CONFIG_PROC_EVENTS)");
	if (!events->socket || mnl_socket_bind(events->socket, CN_IDX_PROC, MNL_SOCKET_AUTOPID))
		die("the kernel does not tell of processes: %s", strerror(errno));
	fd = procevents_fd(events);
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	filter(fd);
	if (ask(events))
		die("the kernel does not tell of processes: %s", strerror(errno));
	await_answer(events);
	return events;
}

int procevents_fd(const struct procevents *events)
{
	return mnl_socket_get_fd(events->socket);
}

void procevents_close(struct procevents *events)
{
	if (!events)
		return;
	mnl_socket_close(events->socket);
	free(events);
}

static void take_event(const struct proc_event *event, void see(pid_t pid, void *data),
		       void *data)
{
	switch (event->what) {
	case PROC_EVENT_FORK:
		/* and no thread */
		if (event->event_data.fork.child_pid == event->event_data.fork.child_tgid)
			see(event->event_data.fork.child_tgid, data);
		break;
	case PROC_EVENT_EXEC:
		see(event->event_data.exec.process_tgid, data);
		break;
	case PROC_EVENT_UID:
	case PROC_EVENT_GID:
		see(event->event_data.id.process_tgid, data);
		break;
	default:
		break;
	}
}

static void take_message(struct procevents *events, const struct nlmsghdr *header,
			 void see(pid_t pid, void *data), void *data)
{
	const struct cn_msg *message = mnl_nlmsg_get_payload(header);
	struct proc_event event;

	if (mnl_nlmsg_get_payload_len(header) < sizeof(*message) + sizeof(event) ||
	    message->id.idx != CN_IDX_PROC || message->id.val != CN_VAL_PROC ||
	    message->len < sizeof(event))
		return;
	/* it is not aligned as it wants to be */
	memcpy(&event, message->data, sizeof(event));
	if (event.what != PROC_EVENT_NONE) {
		take_event(&event, see, data);
	} else if (message->ack == events->question + 1) {
		events->answered = 1;
		events->refused = (int)event.event_data.ack.err;
	}
}

int procevents_take(struct procevents *events, void see(pid_t pid, void *data), void *data)
{
	char buffer[4096] __attribute__((aligned(NLMSG_ALIGNTO)));

	for (int count = 0; count < MANY; count++) {
		ssize_t size = mnl_socket_recvfrom(events->socket, buffer, sizeof(buffer));
		const struct nlmsghdr *header = (const struct nlmsghdr *)buffer;
		int left = (int)size;

		if (size < 0 && errno == ENOBUFS)
			return -1;
		/* there is no more, or it is none of ours */
		if (size < 0 && (errno == EAGAIN || errno == EINTR))
			break;
		for (; size > 0 && mnl_nlmsg_ok(header, left);
		     header = mnl_nlmsg_next(header, &left))
			take_message(events, header, see, data);
	}
	return 0;
}

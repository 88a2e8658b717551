// SPDX-License-Identifier: GPL-2.0-only
/*
 * A program that opens a session of PAM, as login does: session DIRECTORY USER [NAME [UID]].
 * The configuration is DIRECTORY/session. The one user that there is has NAME, or USER, in
 * capital letters or small ones, and UID, or ours. What goes to the log is printed on
 * standard error, and on standard output what PAM has said, and our pid.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/types.h>
#include <syslog.h>
#include <unistd.h>

#include <security/pam_appl.h>

static const char *canonical;
static uid_t uid;

/* What libpam calls: it finds ours before those of the C library. */
/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name) */
int getpwnam_r(const char *name, struct passwd *user, char *text, size_t size,
	       struct passwd **found)
{
	(void)text;
	(void)size;
	*found = NULL;
	if (strcasecmp(name, canonical))
		return 0;
	*user = (struct passwd){
		.pw_name = (char *)canonical, .pw_uid = uid, .pw_gid = getgid(),
		.pw_passwd = (char *)"", .pw_gecos = (char *)"", .pw_dir = (char *)"/",
		.pw_shell = (char *)"/bin/sh",
	};
	*found = user;
	return 0;
}

static void print(const char *fmt, va_list args)
{
	vfprintf(stderr, fmt, args);
	putc('\n', stderr);
}

/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name) */
void syslog(int priority, const char *fmt, ...)
{
	va_list args;

	(void)priority;
	va_start(args, fmt);
	print(fmt, args);
	va_end(args);
}

void __syslog_chk(int priority, int flag, const char *fmt, ...);
void __syslog_chk(int priority, int flag, const char *fmt, ...)
{
	va_list args;

	(void)priority;
	(void)flag;
	va_start(args, fmt);
	print(fmt, args);
	va_end(args);
}

static int converse(int count, const struct pam_message **messages,
		    struct pam_response **answers, void *data)
{
	(void)count;
	(void)messages;
	(void)answers;
	(void)data;
	return PAM_CONV_ERR;
}

int main(int argc, char **argv)
{
	const struct pam_conv conv = { .conv = converse };
	pam_handle_t *pamh;
	int ret;

	if (argc < 3)
		return 2;
	canonical = argc > 3 ? argv[3] : argv[2];
	uid = argc > 4 ? (uid_t)atoi(argv[4]) : getuid();
	ret = pam_start_confdir("session", argv[2], &conv, argv[1], &pamh);
	if (ret != PAM_SUCCESS) {
		fprintf(stderr, "session: PAM does not start\n");
		return 2;
	}
	ret = pam_open_session(pamh, 0);
	printf("%s %d\n", pam_strerror(pamh, ret), (int)getpid());
	if (ret == PAM_SUCCESS && pam_close_session(pamh, 0) != PAM_SUCCESS)
		printf("the end is refused\n");
	pam_end(pamh, ret);
	return ret != PAM_SUCCESS;
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * pam_ctn.so: a session of a user begins in that user's container. This is all of it:
 * which container, making it, and moving the process that opens the session, of which all
 * that the user starts are children. pam_ctn(8) is its manual.
 *
 * It runs as root in programs of others, some of them setuid. So nothing is taken from the
 * environment, and of what the user can choose only the user's name is looked at, in the
 * form that the system has it in: where typed names may differ in case, each of them would
 * have a container of its own. Nothing is waited for but the kernel.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include <security/pam_ext.h>
#include <security/pam_modules.h>
#include <security/pam_modutil.h>

#include "ctn.h"

/* What the line of the configuration says. */
struct options {
	const char *container;	/* "%u" in it stands for the user */
	const char *configfs;	/* where it is, or NULL to have it looked up */
	int create;
	int delegate;
	int debug;
};

/* The rest of @text if it begins with @word, or NULL. */
static const char *after(const char *text, const char *word)
{
	size_t len = strlen(word);

	return strncmp(text, word, len) ? NULL : text + len;
}

/* Returns 0, or -1 if it has told of a word that is none. */
static int take_options(const pam_handle_t *pamh, int argc, const char **argv,
			struct options *options)
{
	int ret = 0;

	*options = (struct options){ .container = "%u" };
	for (int i = 0; i < argc; i++) {
		const char *value;

		if ((value = after(argv[i], "container="))) {
			options->container = value;
		} else if ((value = after(argv[i], "config="))) {
			options->configfs = value;
		} else if (!strcmp(argv[i], "create")) {
			options->create = 1;
		} else if (!strcmp(argv[i], "delegate")) {
			options->delegate = 1;
		} else if (!strcmp(argv[i], "debug")) {
			options->debug = 1;
		} else {
			pam_syslog(pamh, LOG_ERR, "unknown option: %s", argv[i]);
			ret = -1;
		}
	}
	if (options->delegate && !options->create) {
		pam_syslog(pamh, LOG_ERR, "delegate is for create");
		ret = -1;
	}
	return ret;
}

/*
 * The name of the container. A user's name may come from a directory of names that somebody
 * else runs. Returns 0, or -1 if it has told why there is none.
 */
static int make_name(const pam_handle_t *pamh, const struct options *options,
		     const char *user, char name[static CTN_NAME_MAX + 1])
{
	const char *why = NULL;
	size_t len = 0;

	for (const char *at = options->container; *at && !why; at++) {
		const char *from = at;
		size_t more = 1;

		if (at[0] == '%' && at[1] == 'u') {
			from = user;
			more = strlen(user);
			at++;
		} else if (at[0] == '%' && at[1] == '%') {
			at++;
		} else if (at[0] == '%') {
			why = "want %u or %% in container=";
		}
		if (!why && more > CTN_NAME_MAX - len)
			why = "it is too long";
		if (!why)
			memcpy(name + len, from, more);
		len += more;
	}
	if (!why) {
		name[len] = '\0';
		if (!len || *name == '.' || strchr(name, '/'))
			why = "want a name without / that does not begin with a dot";
		for (size_t i = 0; i < len; i++)
			if (iscntrl((unsigned char)name[i]))
				why = "there is a control character in it";
	}
	if (!why)
		return 0;
	pam_syslog(pamh, LOG_ERR, "no container for user %s: %s", user, why);
	return -1;
}

/* As chown -R does. Returns 0, or -1 with errno and what it was about. */
static int give_to(const struct ctn *ctn, const struct passwd *user, const char **what)
{
	char **files = ctn_attrs(ctn);
	int ret = files ? 0 : -1;

	*what = "owner of the files";
	for (size_t i = 0; files && files[i] && !ret; i++)
		ret = fchownat(ctn_fd(ctn), files[i], user->pw_uid, user->pw_gid,
			       AT_SYMLINK_NOFOLLOW);
	if (!ret) {
		*what = "owner";
		ret = fchownat(ctn_fd(ctn), "", user->pw_uid, user->pw_gid, AT_EMPTY_PATH);
	}
	ctn_names_free(files);
	return ret;
}

/*
 * What is made is for all to look at, whatever the umask is of who opens the session. Returns
 * 0, or -1 with errno and what it was about.
 */
static int set_rights(const struct ctn *ctn, const struct options *options,
		      const struct passwd *user, const char **what)
{
	*what = "mode";
	if (fchmodat(ctn_fd(ctn), ".", 0755, 0))
		return -1;
	return options->delegate ? give_to(ctn, user, what) : 0;
}

/* Another login may be first. Returns NULL if it has told why there is none. */
static struct ctn *create(const pam_handle_t *pamh, const struct options *options,
			  const struct ctn_tree *tree, const char *name,
			  const struct passwd *user)
{
	struct ctn *ctn = ctn_create(tree, name);
	const char *what;

	if (!ctn && errno == EEXIST)
		ctn = ctn_open(tree, name);
	else if (ctn && set_rights(ctn, options, user, &what)) {
		pam_syslog(pamh, LOG_ERR, "cannot set the %s of container %s for user %s: %m",
			   what, name, user->pw_name);
		ctn_remove(ctn);
		ctn_close(ctn);
		return NULL;
	}
	if (!ctn)
		pam_syslog(pamh, LOG_ERR, "%s", ctn_errmsg());
	return ctn;
}

static int join(const pam_handle_t *pamh, const struct options *options,
		const struct ctn_tree *tree, const char *name, const struct passwd *user)
{
	struct ctn *ctn = ctn_open(tree, name);
	int ret = PAM_SUCCESS;

	if (!ctn && errno != ENOENT) {
		pam_syslog(pamh, LOG_ERR, "%s", ctn_errmsg());
		return PAM_SESSION_ERR;
	}
	/* what root does is never limited by what nobody has written */
	if (!ctn && (!options->create || !user->pw_uid)) {
		if (options->debug)
			pam_syslog(pamh, LOG_DEBUG, "there is no container %s", name);
		return PAM_SUCCESS;
	}
	if (!ctn)
		ctn = create(pamh, options, tree, name, user);
	if (!ctn)
		return PAM_SESSION_ERR;
	if (ctn_add_task(ctn, getpid())) {
		pam_syslog(pamh, LOG_ERR, "%s", ctn_errmsg());
		ret = PAM_SESSION_ERR;
	} else if (options->debug) {
		pam_syslog(pamh, LOG_DEBUG, "user %s is in container %s", user->pw_name, name);
	}
	ctn_close(ctn);
	return ret;
}

/**
 * pam_sm_open_session() - move this process into the container of the user
 * @pamh: the session's
 * @flags: nothing is printed, with PAM_SILENT or without
 * @argc: how many options there are
 * @argv: those, see pam_ctn(8)
 *
 * Context: as root, in the process of which the session's are to be children.
 * Return: PAM_SUCCESS, also if there is no container for this user, or none in this kernel;
 * PAM_SERVICE_ERR for an option that is none, PAM_USER_UNKNOWN, or PAM_SESSION_ERR if the
 * user has a container and is not in it. The log says why.
 */
int pam_sm_open_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	char name[CTN_NAME_MAX + 1];
	struct options options;
	struct ctn_tree *tree;
	struct passwd *user;
	const char *typed;
	int ret;

	(void)flags;
	if (take_options(pamh, argc, argv, &options))
		return PAM_SERVICE_ERR;
	if (pam_get_item(pamh, PAM_USER, (const void **)&typed) != PAM_SUCCESS || !typed) {
		pam_syslog(pamh, LOG_ERR, "there is no user");
		return PAM_USER_UNKNOWN;
	}
	user = pam_modutil_getpwnam(pamh, typed);
	if (!user) {
		pam_syslog(pamh, LOG_ERR, "there is no user %s", typed);
		return PAM_USER_UNKNOWN;
	}
	if (make_name(pamh, &options, user->pw_name, name))
		return PAM_SESSION_ERR;
	tree = ctn_tree_open(options.configfs);
	if (!tree && (errno == ENODEV || errno == ENOSYS)) {
		if (options.debug)
			pam_syslog(pamh, LOG_DEBUG, "%s", ctn_errmsg());
		return PAM_SUCCESS;
	}
	if (!tree) {
		pam_syslog(pamh, LOG_ERR, "%s", ctn_errmsg());
		return PAM_SESSION_ERR;
	}
	ret = join(pamh, &options, tree, name, user);
	ctn_tree_close(tree);
	return ret;
}

/**
 * pam_sm_close_session() - leave everything as it is
 * @pamh: the session's
 * @flags: see PAM
 * @argc: see PAM
 * @argv: see PAM
 *
 * What the user has left running stays where it is, and so does the container.
 *
 * Return: PAM_SUCCESS.
 */
int pam_sm_close_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	(void)pamh;
	(void)flags;
	(void)argc;
	(void)argv;
	return PAM_SUCCESS;
}

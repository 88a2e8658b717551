// SPDX-License-Identifier: GPL-2.0-only
/*
 * ctnctl oci-hook: what a runtime of OCI containers (crun, runc) calls when it has made
 * one and when one has ended. The annotations of the workload say what is wanted; a
 * container is made for it then, has its limits and files before the first process of the
 * workload is moved in, and is removed in the end.
 *
 * Annotations come with images, too, and who runs an image need not know them. So what
 * says something about others than the workload is only taken with --trust.
 *
 * What has been made is written down in a file for each workload: only that is removed,
 * and not what has got its name since, or had it before. The directory does not outlive
 * a reboot, as containers do not.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "named.h"
#include "resource.h"

/* In front of all annotations that are for us. */
#define PREFIX "io.containers.ctn/"

/* What engines print of the id of a workload, and its container is called. */
#define SHORT_ID 12

/* Are the annotations those of who runs the workload, all of them? */
static int trust;

/* The workload, as the runtime tells of it on standard input. */
struct workload {
	struct json_object *state;
	const char *id;
	pid_t pid;		/* its first process; 0 if there is none */
};

/* What its annotations want. */
struct wish {
	const char *name;	/* of the container that is made, or NULL */
	const char *joins;	/* the one that is there already, or NULL */
	struct settings settings;
	struct section section;	/* with the files */
	struct key file;
	size_t count;		/* of annotations that are for us */
};

/* ---- what is said ---- */

static int messages = -1, old_stderr = -1;

/* Called at the end, wherever that is. */
static void pass_messages(void)
{
	char *text = NULL;
	FILE *from;
	size_t size = 0;

	fflush(stderr);
	dup2(old_stderr, STDERR_FILENO);
	from = lseek(messages, 0, SEEK_SET) ? NULL : fdopen(messages, "r");
	openlog("ctnctl", LOG_PID, LOG_DAEMON);
	while (from && getline(&text, &size, from) > 0) {
		fputs(text, stderr);
		syslog(LOG_ERR, "%s", text);
	}
	closelog();
	free(text);
	if (from)
		fclose(from);
}

/* Runtimes throw away what a hook prints: have it told to the log as well. */
static void keep_messages(void)
{
	messages = memfd_create("messages", MFD_CLOEXEC);
	old_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	if (messages < 0 || old_stderr < 0 || dup2(messages, STDERR_FILENO) < 0 ||
	    atexit(pass_messages))
		die("cannot keep what is to be said: %s", strerror(errno));
}

/* ---- what comes on standard input ---- */

static noreturn void no_state(const char *why)
{
	die("standard input: %s; want the state of an OCI container", why);
}

/* NULL if it is not there. */
static const char *text_of(struct json_object *value, const char *what)
{
	const char *text;

	if (!value)
		return NULL;
	if (!json_object_is_type(value, json_type_string))
		die("standard input: %s: Not a string", what);
	text = json_object_get_string(value);
	if (strlen(text) != (size_t)json_object_get_string_len(value))
		die("standard input: %s: There is a null byte in it", what);
	return text;
}

static struct json_object *member(const struct workload *workload, const char *key)
{
	struct json_object *value;

	return json_object_object_get_ex(workload->state, key, &value) ? value : NULL;
}

static struct workload read_workload(void)
{
	struct workload workload = { .state = json_object_from_fd(STDIN_FILENO) };
	struct json_object *pid;

	if (!workload.state)
		no_state("It is no JSON");
	if (!json_object_is_type(workload.state, json_type_object))
		no_state("It is no object");
	workload.id = text_of(member(&workload, "id"), "id");
	if (!workload.id)
		no_state("There is no id");
	/* it becomes the name of a file, and is one for all runtimes */
	else if (!*workload.id || *workload.id == '.' || strchr(workload.id, '/') ||
	    strlen(workload.id) > NAME_MAX)
		no_state("The id cannot be one");
	pid = member(&workload, "pid");
	if (pid && (!json_object_is_type(pid, json_type_int) ||
		    json_object_get_int64(pid) < 0 || json_object_get_int64(pid) > INT_MAX))
		no_state("The pid is no number of a process");
	workload.pid = pid ? (pid_t)json_object_get_int64(pid) : 0;
	return workload;
}

static int is_setting(const struct ctn_attr *attr)
{
	return (attr->flags & CTN_ATTR_SETTING) && !(attr->flags & CTN_ATTR_TREE);
}

/* What is not known here is not written: a kernel may do anything for it. */
static void need_setting(const char *annotation, const char *name)
{
	const struct ctn_attr *attr = ctn_attr_find(name);
	const char *meant;

	if (attr ? is_setting(attr) : ctn_resource_find(name) != NULL)
		return;
	meant = attr ? NULL : nearest_setting(name, 0, is_setting);
	if (meant)
		die("%s: It is no setting; did you mean %s?", annotation, meant);
	die("%s: It is no setting", annotation);
}

static void take_annotation(struct wish *wish, const char *annotation, const char *value)
{
	const char *name = annotation + strlen(PREFIX);

	wish->count++;
	if (!trust && (!strcmp(name, "name") || !strcmp(name, "container") ||
		       !strcmp(name, CONFIG_FILE)))
		die("%s: An image may have brought it; see --trust in ctnctl(8)", annotation);
	if (!strcmp(name, "name")) {
		wish->name = value;
	} else if (!strcmp(name, "container")) {
		wish->joins = value;
	} else if (!strcmp(name, CONFIG_FILE)) {
		wish->file.value = xasprintf("%s", value);
	} else {
		need_setting(annotation, name);
		settings_add(&wish->settings, name, value);
	}
}

static struct wish read_wish(const struct workload *workload)
{
	struct json_object *annotations = member(workload, "annotations");
	struct wish wish = { 0 };

	if (!annotations || json_object_is_type(annotations, json_type_null))
		return wish;
	if (!json_object_is_type(annotations, json_type_object))
		no_state("The annotations are no object");
	json_object_object_foreach(annotations, annotation, value)
		if (!strncmp(annotation, PREFIX, strlen(PREFIX)))
			take_annotation(&wish, annotation,
					value ? text_of(value, annotation) : "");
	if (wish.joins && wish.count > 1)
		die(PREFIX "container: %s is there already, and has its own limits, files and name",
		    wish.joins);
	return wish;
}

static void free_wish(struct wish *wish)
{
	settings_free(&wish->settings);
	free(wish->file.value);
}

/* ---- what has been made ---- */

/* Who is not root has a directory of his own that does not outlive a reboot either. */
static char *find_directory(void)
{
	const char *state = getenv("CTN_STATE"), *run = getenv("XDG_RUNTIME_DIR");

	if (state && *state)
		return xasprintf("%s/oci", state);
	if (!geteuid())
		return xasprintf("/run/ctnctl/oci");
	return run && *run == '/' ? xasprintf("%s/ctnctl/oci", run) : NULL;
}

/*
 * Returns the directory, open, or -1 if it says why not. It is locked: who finds a
 * container there that has no tasks finds one that is left over, and not one of which the
 * first is yet to come.
 */
static int open_directory(void)
{
	char *path = find_directory();
	const char *why = NULL;
	int dir = -1;

	if (!path) {
		complain("XDG_RUNTIME_DIR is not set: there is no place to note what was made");
		return -1;
	}
	dir = open_own_directory(path, &why);
	if (dir >= 0 && flock(dir, LOCK_EX)) {
		why = strerror(errno);
		close(dir);
		dir = -1;
	}
	if (dir < 0)
		complain("%s: %s", path, why);
	free(path);
	return dir;
}

/* A container is known by its id and its inode: a later one may have one of them. */
static int identify(const struct ctn *ctn, uint64_t *id, uint64_t *inode)
{
	struct stat st;

	if (ctn_get_number(ctn, "id", id) || fstat(ctn_fd(ctn), &st))
		return -1;
	*inode = st.st_ino;
	return 0;
}

/* Returns an exit status. */
static int note(int dir, const char *workload, const struct ctn *ctn)
{
	uint64_t id, inode;
	int fd, ret;

	if (identify(ctn, &id, &inode))
		return refused();
	/* one of an earlier run that has not been told of its end is worth nothing */
	if (unlinkat(dir, workload, 0) && errno != ENOENT)
		goto failed;
	fd = openat(dir, workload, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		goto failed;
	ret = dprintf(fd, "%" PRIu64 " %" PRIu64 " %s", id, inode, ctn_name(ctn));
	if (close(fd) || ret < 0) {
		unlinkat(dir, workload, 0);
		goto failed;
	}
	return STATUS_OK;
failed:
	complain("cannot note that %s was made: %s", ctn_name(ctn), strerror(errno));
	return STATUS_REFUSED;
}

/* Returns the container that was made for a workload, or NULL if it is not there. */
static struct ctn *find_made(const struct ctn_tree *tree, int dir, const char *workload)
{
	char text[CTN_NAME_MAX + 64];
	uint64_t id, inode, now[2];
	struct ctn *ctn;
	ssize_t len;
	int fd, at;

	fd = openat(dir, workload, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	len = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (len < 0)
		return NULL;
	text[len] = '\0';
	if (sscanf(text, "%" SCNu64 " %" SCNu64 "%n", &id, &inode, &at) != 2 || text[at] != ' ')
		return NULL;
	ctn = ctn_open(tree, text + at + 1);
	if (ctn && (identify(ctn, &now[0], &now[1]) || now[0] != id || now[1] != inode)) {
		ctn_close(ctn);
		ctn = NULL;
	}
	return ctn;
}

/* ---- a workload begins ---- */

static int add_file(const struct ctn *ctn, const struct named *file)
{
	struct opened opened;
	int ret;

	if (named_open(file, &opened))
		return STATUS_REFUSED;
	ret = named_add(file, &opened, ctn);
	close(opened.fd);
	return ret ? STATUS_REFUSED : STATUS_OK;
}

static int add_files(const struct ctn *ctn, struct wish *wish)
{
	static const struct place at = { .file = PREFIX CONFIG_FILE, .line = 1 };
	struct section *sections[] = { &wish->section };
	const struct config config = { .sections = sections, .nsections = 1 };
	struct named_files named = { 0 };
	int status;

	if (!wish->file.value)
		return STATUS_OK;
	wish->file.name = (char *)CONFIG_FILE;
	wish->file.at = at;
	wish->section.keys = &wish->file;
	wish->section.nkeys = 1;
	named_find(&named, &config);
	status = named.status;
	for (size_t i = 0; !status && i < named.count; i++)
		status = add_file(ctn, &named.files[i]);
	named_free(&named);
	return status;
}

static int join(const struct ctn *ctn, const struct workload *workload)
{
	return ctn_add_task(ctn, workload->pid) ? refused() : STATUS_OK;
}

/* A runtime may not tell of an end: then what was made for the workload is there still. */
static void remove_leftover(const struct ctn_tree *tree, int dir, const char *workload,
			    const char *name)
{
	struct ctn *ctn = find_made(tree, dir, workload);
	uint64_t tasks;

	if (ctn && !strcmp(ctn_name(ctn), name) &&
	    !ctn_get_number(ctn, "num_tasks", &tasks) && !tasks) {
		if (ctn_remove(ctn))
			refused();
		else
			unlinkat(dir, workload, 0);
	}
	ctn_close(ctn);
}

/* Has the name been taken by one that was made for another workload? */
static void remove_leftovers(const struct ctn_tree *tree, int dir, const char *name)
{
	int again = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = again < 0 ? NULL : fdopendir(again);
	struct dirent *entry;

	if (!list && again >= 0)
		close(again);
	while (list && (entry = readdir(list)))
		if (*entry->d_name != '.')
			remove_leftover(tree, dir, entry->d_name, name);
	if (list)
		closedir(list);
}

/* All of it or nothing: a workload does not start without what it was promised. */
static int make_for(const struct ctn_tree *tree, const struct workload *workload,
		    struct wish *wish)
{
	char *name = wish->name ? xasprintf("%s", wish->name) :
				  xasprintf("%.*s", SHORT_ID, workload->id);
	int dir = open_directory(), status = STATUS_REFUSED;
	struct ctn *ctn = NULL;

	if (dir >= 0)
		ctn = ctn_create(tree, name);
	if (dir >= 0 && !ctn && errno == EEXIST) {
		remove_leftovers(tree, dir, name);
		ctn = ctn_create(tree, name);
	}
	free(name);
	if (ctn)
		status = note(dir, workload->id, ctn);
	else if (dir >= 0)
		refused();
	if (!status)
		status = settings_apply(&wish->settings, ctn);
	if (!status)
		status = add_files(ctn, wish);
	if (!status)
		status = join(ctn, workload);
	if (ctn && status) {
		if (ctn_remove(ctn) && errno != ENOENT)
			refused();
		unlinkat(dir, workload->id, 0);
	}
	ctn_close(ctn);
	if (dir >= 0)
		close(dir);
	return status;
}

static int begin(const struct workload *workload)
{
	struct wish wish = read_wish(workload);
	struct ctn_tree *tree;
	struct ctn *ctn;
	int status;

	if (!wish.count)
		return STATUS_OK;
	if (!workload->pid)
		no_state("There is no pid");
	tree = ctn_tree_open(configfs);
	if (!tree) {
		/* as a service does: see ctnctl-add-unit */
		if (errno != ENODEV && errno != ENOSYS)
			return refused();
		complain("%s; %s goes without a container", ctn_errmsg(), workload->id);
		return STATUS_OK;
	}
	if (wish.joins) {
		ctn = ctn_open(tree, wish.joins);
		status = ctn ? join(ctn, workload) : refused();
		ctn_close(ctn);
	} else {
		status = make_for(tree, workload, &wish);
	}
	ctn_tree_close(tree);
	free_wish(&wish);
	return status;
}

/* ---- and ends ---- */

static char *size_or_none(const struct ctn *ctn, const char *attr)
{
	uint64_t pages;

	return ctn_get_number(ctn, attr, &pages) ? xasprintf("?") :
	       xasprintf("%s", size_of_pages(pages).text);
}

/* Nobody reads what a hook prints now: what the workload took is told to the log. */
static void tell(const struct ctn *ctn, const struct workload *workload)
{
	char *name = printable(ctn_name(ctn)), *id = printable(workload->id);
	char *usage = size_or_none(ctn, "usage_peak"), *rss = size_or_none(ctn, "rss_peak");
	uint64_t hits = 0, kills = 0;

	if (ctn_get_number(ctn, "page_limit_hits", &hits))
		hits = 0;
	if (ctn_get_number(ctn, "rss_oom_kills", &kills))
		kills = 0;
	openlog("ctnctl", LOG_PID, LOG_DAEMON);
	syslog(LOG_INFO, "%s, for %s: usage peak %s, rss peak %s, over its limit %" PRIu64
	       " times, killed %" PRIu64, name, id, usage, rss, hits, kills);
	closelog();
	free(name);
	free(id);
	free(usage);
	free(rss);
}

static int end(const struct workload *workload)
{
	char *path = find_directory();
	int dir, status = STATUS_OK;
	struct ctn_tree *tree;
	struct ctn *ctn;

	/* without a place to note what was made nothing was, and one could be joined only */
	if (!path || access(path, F_OK)) {
		free(path);
		return STATUS_OK;
	}
	free(path);
	dir = open_directory();
	if (dir < 0)
		return STATUS_REFUSED;
	if (faccessat(dir, workload->id, F_OK, AT_SYMLINK_NOFOLLOW)) {
		close(dir);
		return STATUS_OK;
	}
	tree = open_tree();
	ctn = find_made(tree, dir, workload->id);
	if (ctn) {
		tell(ctn, workload);
		status = delete_loudly(ctn);
	}
	ctn_close(ctn);
	ctn_tree_close(tree);
	/* one that could not be removed may be, when it is tried again */
	if (!status)
		unlinkat(dir, workload->id, 0);
	close(dir);
	return status;
}

static int run_oci_hook(const struct command *cmd, int argc, char **argv)
{
	static const struct option options[] = {
		{ "trust", no_argument, &trust, 1 },
		{ "help", no_argument, NULL, 'h' },
		{ 0 }
	};
	struct workload workload;
	int begins, status, opt;

	while ((opt = next_option(argc, argv, "h", options)) != -1) {
		if (opt == 'h')
			print_help(cmd);
		if (opt)
			try_help(cmd);
	}
	if (argc - optind != 1)
		wrong_usage(cmd, "want begin or end");
	begins = !strcmp(argv[optind], "begin");
	if (!begins && strcmp(argv[optind], "end"))
		wrong_usage(cmd, "want begin or end, not: %s", argv[optind]);
	keep_messages();
	workload = read_workload();
	status = begins ? begin(&workload) : end(&workload);
	json_object_put(workload.state);
	stop_now();
	return status;
}

const struct command oci_hook_command = {
	.name = "oci-hook",
	.summary = "called by podman and the like: a container for a workload",
	.help =
	"Usage: ctnctl oci-hook [--trust] begin | end\n\n"
	"For runtimes of OCI containers, which call it by the files that are installed\n"
	"in /usr/share/containers/oci/hooks.d: make a container for a workload, as its\n"
	"annotations say, and remove that when the workload has ended. The state of\n"
	"the workload is read from standard input.\n\n"
	"Annotations:\n"
	"  " PREFIX "page_limit=64M  or another setting, or a resource\n"
	"and with --trust\n"
	"  " PREFIX "name=NAME       what it is called, and not by its id\n"
	"  " PREFIX "file=PATH       files that are to be its own\n"
	"  " PREFIX "container=NAME  join one that is there, and leave it there\n\n"
	"Options:\n"
	"     --trust  take these, too: no image can bring them\n"
	" -h, --help   print this help\n"
	"\nWith podman:\n"
	"  podman run --annotation " PREFIX "page_limit=64M docker.io/library/debian\n",
	.run = run_oci_hook,
};

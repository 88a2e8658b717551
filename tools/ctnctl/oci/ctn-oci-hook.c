// SPDX-License-Identifier: GPL-2.0-only
/*
 * ctn-oci-hook STAGE: has a workload of an OCI runtime (crun, runc), which podman or
 * another has started, run in a container of the kernel. The runtime calls it by what is
 * in hooks.d, as root, with the state of the workload on standard input:
 *
 *   createRuntime  before the workload starts: makes the container "oci-ID", sets the
 *                  limits, names the files and moves the process in
 *   poststop       after it has ended: removes the container
 *
 * The annotations of the workload say what is wanted:
 *
 *   io.containers.ctn/page_limit   as the kernel takes it: pages, 64M, max
 *   io.containers.ctn/rss_limit
 *   io.containers.ctn/file         absolute paths, with ":" between
 *
 * If it cannot be done, nothing is left, the hook says why, on standard error and in the
 * system's log, and fails, and with it the start of the workload. On a kernel that has no containers the workload goes without.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include <json-c/json.h>

#include "ctn.h"

#define PREFIX "io.containers.ctn/"

/* More than any state: annotations are all of it that can be long. */
#define STATE_MAX (1 << 20)

struct wanted {
	const char *page_limit;		/* NULL if it is not said; so are these two */
	const char *rss_limit;
	const char *files;
};

/* crun passes on no more than our exit status: the reason is in the log as well. */
static int fail(const char *what)
{
	fprintf(stderr, "ctn-oci-hook: %s\n", what);
	syslog(LOG_ERR, "%s", what);
	return -1;
}

/* To be freed, or NULL. */
static struct json_object *read_state(void)
{
	struct json_tokener *tokener = json_tokener_new();
	char *text = malloc(STATE_MAX);
	struct json_object *state = NULL;
	size_t len;

	if (text && tokener) {
		len = fread(text, 1, STATE_MAX, stdin);
		if (len < STATE_MAX)
			state = json_tokener_parse_ex(tokener, text, (int)len);
	}
	if (state && !json_object_is_type(state, json_type_object)) {
		json_object_put(state);
		state = NULL;
	}
	if (tokener)
		json_tokener_free(tokener);
	free(text);
	if (!state)
		fail("standard input is not the state of a workload, in JSON");
	return state;
}

static const char *string_of(struct json_object *value)
{
	return json_object_is_type(value, json_type_string) ?
		json_object_get_string(value) : NULL;
}

static int refuse_annotation(const char *key)
{
	char *escaped = ctn_escape(key);
	char *text;

	if (escaped && asprintf(&text, "%s: no such annotation; there are page_limit, "
				"rss_limit and file", escaped) >= 0) {
		fail(text);
		free(text);
	} else {
		fail(strerror(errno));
	}
	free(escaped);
	return -1;
}

/* What the annotations say: how many there are, or -1. */
static int read_annotations(struct json_object *state, struct wanted *wanted)
{
	struct json_object *annotations = json_object_object_get(state, "annotations");
	int count = 0;

	*wanted = (struct wanted){};
	if (!json_object_is_type(annotations, json_type_object))
		return 0;
	json_object_object_foreach(annotations, key, value) {
		const char *name = key + strlen(PREFIX);

		if (strncmp(key, PREFIX, strlen(PREFIX)) != 0)
			continue;
		count++;
		if (!string_of(value))
			return fail("an annotation is no text");
		if (!strcmp(name, "page_limit")) {
			wanted->page_limit = string_of(value);
		} else if (!strcmp(name, "rss_limit")) {
			wanted->rss_limit = string_of(value);
		} else if (!strcmp(name, "file")) {
			wanted->files = string_of(value);
		} else {
			return refuse_annotation(key);
		}
	}
	return count;
}

static int add_files(const struct ctn *ctn, const char *files)
{
	char *copy = strdup(files);
	char *rest = copy;
	char *path;

	if (!copy)
		return fail(strerror(errno));
	while ((path = strsep(&rest, ":"))) {
		if (*path != '/') {
			free(copy);
			return fail(PREFIX "file: a path that is not absolute");
		}
		if (ctn_add_file(ctn, path)) {
			free(copy);
			return fail(ctn_errmsg());
		}
	}
	free(copy);
	return 0;
}

static int set_up(const struct ctn *ctn, const struct wanted *wanted, pid_t pid)
{
	if (wanted->page_limit && ctn_set(ctn, "page_limit", wanted->page_limit))
		return fail(ctn_errmsg());
	if (wanted->rss_limit && ctn_set(ctn, "rss_limit", wanted->rss_limit))
		return fail(ctn_errmsg());
	if (wanted->files && add_files(ctn, wanted->files))
		return -1;
	/* What it forks is in there, too. */
	if (ctn_add_task(ctn, pid))
		return fail(ctn_errmsg());
	return 0;
}

static int create(const struct ctn_tree *tree, const char *name, struct json_object *state)
{
	int64_t pid = json_object_get_int64(json_object_object_get(state, "pid"));
	struct wanted wanted;
	struct ctn *ctn;
	int count = read_annotations(state, &wanted);
	int failed;

	if (count <= 0)
		return count;
	if (pid <= 0 || pid != (pid_t)pid)
		return fail("the state has no pid");
	ctn = ctn_create(tree, name);
	if (!ctn)
		return fail(ctn_errmsg());
	failed = set_up(ctn, &wanted, (pid_t)pid);
	if (failed)
		ctn_remove(ctn);
	ctn_close(ctn);
	return failed;
}

static int destroy(const struct ctn_tree *tree, const char *name)
{
	/* One that was never made, or is gone, is what is wanted. */
	if (ctn_delete(tree, name) && errno != ENOENT)
		return fail(ctn_errmsg());
	return 0;
}

static int run(const char *stage, struct json_object *state)
{
	const char *id = string_of(json_object_object_get(state, "id"));
	struct ctn_tree *tree;
	char name[CTN_NAME_MAX + 1];
	int failed;

	/* Who makes it an identifier of theirs is to have no other name than that. */
	if (!id || !*id || strchr(id, '/') ||
	    snprintf(name, sizeof(name), "oci-%s", id) >= (int)sizeof(name))
		return fail("the state has no id that a container can be named for");
	tree = ctn_tree_open(getenv("CTN_CONFIG"));
	if (!tree) {
		int is_without = errno == ENOSYS || errno == ENODEV;

		fail(ctn_errmsg());
		return is_without ? 0 : -1;
	}
	failed = !strcmp(stage, "poststop") ? destroy(tree, name) : create(tree, name, state);
	ctn_tree_close(tree);
	return failed;
}

int main(int argc, char **argv)
{
	struct json_object *state;
	int failed;

	openlog("ctn-oci-hook", 0, LOG_DAEMON);
	if (argc != 2 || (strcmp(argv[1], "createRuntime") != 0 && strcmp(argv[1], "poststop") != 0)) {
		fail("its argument is createRuntime or poststop");
		return 2;
	}
	state = read_state();
	if (!state)
		return 1;
	failed = run(argv[1], state);
	json_object_put(state);
	return failed ? 1 : 0;
}

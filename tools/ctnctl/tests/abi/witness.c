// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A program of 0.2: it is compiled with the header of that release, which is beside it
 * and stays as it is, and runs with the library that there is now. All that it can know
 * by layout it looks at.
 *
 *   witness CONFIGFS [COMMAND]     COMMAND is run while web is watched
 */
#include <ctn.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_attr(const struct ctn_attr *attr)
{
	printf("%s %s %d %u %s %s\n", attr->name, attr->column ? attr->column : "-",
	       (int)attr->kind, attr->flags, attr->want ? attr->want : "-", attr->help);
}

int main(int argc, char **argv)
{
	static char web[] = "web";
	char *names[] = { web, NULL };
	/* what lies behind what the library fills in */
	struct { struct ctn_event event; char canary[64]; } room;
	struct ctn_tree *tree = ctn_tree_open(argc > 1 ? argv[1] : NULL);
	struct ctn *ctn = tree ? ctn_open(tree, web) : NULL;
	struct ctn_watch *watch = ctn ? ctn_watch_open(tree, names) : NULL;
	struct ctn_mapping **mappings;
	struct ctn_stat *stats;
	struct ctn_bc *rows;
	ssize_t count;
	uint64_t limit;

	if (!watch) {
		puts(ctn_errmsg());
		return 1;
	}
	print_attr(ctn_attr_find("page_limit"));
	print_attr(ctn_attr_find("rss_failcnt"));
	if (ctn_get_number(ctn, "page_limit", &limit))
		return 1;
	printf("limit %" PRIu64 "\n", limit);

	count = ctn_stats(ctn, &stats);
	for (ssize_t i = 0; i < count; i++)
		printf("%s=%" PRIu64 "\n", stats[i].key, stats[i].value);
	free(stats);

	count = ctn_bc_list(ctn, &rows);
	for (ssize_t i = 0; i < count; i++)
		printf("%s %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %"
		       PRIu64 "\n", rows[i].resource, rows[i].held, rows[i].maxheld,
		       rows[i].minheld, rows[i].barrier, rows[i].limit, rows[i].failcnt);
	free(rows);

	count = ctn_mappings(ctn, &mappings);
	for (ssize_t i = 0; i < count; i++)
		printf("%" PRIu64 " %u:%u %" PRIu64 " %s %s\n", mappings[i]->pages,
		       mappings[i]->major, mappings[i]->minor, mappings[i]->inode,
		       mappings[i]->fspath ? mappings[i]->fspath : "-",
		       mappings[i]->path ? mappings[i]->path : "-");
	ctn_mappings_free(mappings);

	memset(&room, 0x5a, sizeof(room));
	/* NOLINTNEXTLINE(cert-env33-c): it is the test that says which */
	if (argc > 2 && system(argv[2]))
		return 1;
	while (ctn_watch_next(watch, &room.event) > 0)
		printf("%d %s %s %" PRIu64 " +%" PRIu64 "\n", (int)room.event.type,
		       room.event.name, room.event.attr ? room.event.attr : "-",
		       room.event.value, room.event.increase);
	for (size_t i = 0; i < sizeof(room.canary); i++)
		if (room.canary[i] != 0x5a)
			puts("there is more in an event than there was");

	ctn_watch_close(watch);
	ctn_close(ctn);
	if (!ctn_delete(tree, "none") || errno != ENOENT)
		return 1;
	ctn_tree_close(tree);
	return 0;
}

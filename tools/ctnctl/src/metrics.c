// SPDX-License-Identifier: GPL-2.0-only
/*
 * ctnctl metrics: the numbers of all containers as Prometheus reads them, on standard
 * output or in a file that is replaced at once.
 *
 * A metric is a file that has a number, or a line of "stat". Names are those of the
 * files, in base units: num_anon_pages is ctnctl_anon_bytes, throttled_usec is
 * ctnctl_throttled_seconds_total. The columns of "beancounters" are metrics, too, with
 * the resource as a label; what is counted in tasks and what is in bytes has two names,
 * so that the samples of one can be added up.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "resource.h"

enum unit { UNIT_NONE, UNIT_PAGES, UNIT_USEC };

struct metric {
	const char *source;	/* the file, or the key in "stat" */
	char *name;
	const char *help;
	enum unit unit;
	int is_counter;
};

/*
 * What is in "stat". A key that is not here is left out: its unit, and so its name, is
 * not known. charge_failures is rss_failcnt.
 */
static const struct metric stat_metrics[] = {
	{ "throttled_usec", NULL, "time that tasks slept in the throttle",
	  UNIT_USEC, 1 },
	{ "reclaim_usec", NULL, "time that tasks waited for room below rss_limit",
	  UNIT_USEC, 1 },
	{ "rounds", NULL, "rounds of kcontainerd that had something to do",
	  UNIT_NONE, 1 },
	{ "scanned", NULL, "memory that kcontainerd looked at", UNIT_PAGES, 1 },
	{ "deactivated", NULL, "memory that kcontainerd deactivated",
	  UNIT_PAGES, 1 },
	{ "written_back", NULL, "dirty page cache that kcontainerd sent to the disk",
	  UNIT_PAGES, 1 },
	{ "dropped", NULL, "clean unmapped page cache that kcontainerd dropped",
	  UNIT_PAGES, 1 },
	{ "reclaimed", NULL, "mapped or held memory that kcontainerd freed",
	  UNIT_PAGES, 1 },
	{ "swapped_out", NULL, "reclaimed memory that went to swap",
	  UNIT_PAGES, 1 },
	{ "refaulted", NULL, "memory that came back after it was reclaimed",
	  UNIT_PAGES, 1 },
};

/* Files whose numbers never go down, besides those that come with events. */
static const char *const other_counters[] = { "rss_reclaimed" };

/* Numbers that nobody would draw. */
static const char *const left_out[] = { "id", "freeing" };

struct metrics {
	struct metric *list;
	size_t count;
	size_t nattrs;		/* the first so many are files */
	size_t usage;		/* one that is computed */
	size_t pressure;	/* one of a file with more than a number */
};

/* What was read of a container. */
struct sample {
	char *label;
	uint64_t *values;	/* one for each metric */
	char *there;		/* whether it is */
	struct resource_row *rows;	/* of its beancounters */
	ssize_t nrows;
};

struct samples {
	struct sample *list;
	size_t count;
};

static int is_among(const char *name, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(list[i], name))
			return 1;
	return 0;
}

/* The name of a source, less @suffix if it has that at its end. */
static int base_length(const char *source, const char *suffix)
{
	size_t len = strlen(source), end = strlen(suffix);

	return (int)(len > end && !strcmp(source + len - end, suffix) ?
		     len - end : len);
}

static size_t add_metric(struct metrics *metrics, struct metric metric)
{
	const char *source = metric.source;
	const char *suffix = metric.unit == UNIT_PAGES ? "_pages" :
			     metric.unit == UNIT_USEC ? "_usec" : "";
	const char *unit = metric.unit == UNIT_PAGES ? "_bytes" :
			   metric.unit == UNIT_USEC ? "_seconds" : "";

	if (!strncmp(source, "num_", 4))
		source += 4;
	metric.name = xasprintf("ctnctl_%.*s%s%s", base_length(source, suffix),
				source, unit, metric.is_counter ? "_total" : "");
	metrics->list = xrealloc(metrics->list, metrics->count + 1,
				 sizeof(*metrics->list));
	metrics->list[metrics->count] = metric;
	return metrics->count++;
}

static void add_metrics(struct metrics *metrics)
{
	const struct ctn_attr *attr;

	for (size_t i = 0; (attr = ctn_attr_at(i)); i++) {
		if (!(attr->flags & CTN_ATTR_READ) ||
		    (attr->flags & CTN_ATTR_TREE) ||
		    (attr->kind != CTN_KIND_COUNT && attr->kind != CTN_KIND_PAGES) ||
		    is_among(attr->name, left_out, ARRAY_SIZE(left_out)))
			continue;
		add_metric(metrics, (struct metric){
			.source = attr->name, .help = attr->help,
			.unit = attr->kind == CTN_KIND_PAGES ? UNIT_PAGES :
				UNIT_NONE,
			.is_counter = (attr->flags & CTN_ATTR_EVENT) ||
				      is_among(attr->name, other_counters,
					       ARRAY_SIZE(other_counters)),
		});
	}
	metrics->nattrs = metrics->count;
	for (size_t i = 0; i < ARRAY_SIZE(stat_metrics); i++)
		add_metric(metrics, stat_metrics[i]);
	metrics->usage = add_metric(metrics, (struct metric){
		.source = "usage", .unit = UNIT_PAGES,
		.help = "anonymous memory and page cache together",
	});
	/* as the machine's is called elsewhere */
	metrics->pressure = add_metric(metrics, (struct metric){
		.source = "pressure_waiting_usec", .unit = UNIT_USEC, .is_counter = 1,
		.help = "time that at least one task waited for memory",
	});
}

/* Reading */

static void set(const struct sample *sample, size_t metric, uint64_t value)
{
	sample->values[metric] = value;
	sample->there[metric] = value != CTN_MAX;
}

/* A kernel may lack a file, and a container may go: there is no number then. */
static int missing(void)
{
	return errno == ENOENT ? STATUS_OK : refused();
}

/* Of a container one line is enough: @status is STATUS_REFUSED if there was one. */
static int read_attrs(const struct metrics *metrics, const struct sample *sample,
		      const struct ctn *ctn, const struct ctn_stats *stats, int status)
{
	uint64_t value;

	for (size_t i = 0; i < metrics->nattrs; i++) {
		if (!read_number(ctn, stats, metrics->list[i].source, &value))
			set(sample, i, value);
		else if (!status)
			status = missing();
	}
	return status;
}

static void take_stat(const struct metrics *metrics, const struct sample *sample,
		      const struct ctn_stats *stats)
{
	for (size_t n = 0; n < ctn_stats_count(stats); n++)
		for (size_t i = metrics->nattrs; i < metrics->usage; i++)
			if (!strcmp(metrics->list[i].source, ctn_stats_key(stats, n)))
				set(sample, i, ctn_stats_value(stats, n));
}

/* Its file, and then what has a file as well. */
static int read_stat(const struct metrics *metrics, const struct sample *sample,
		     const struct ctn *ctn)
{
	struct ctn_stats *stats = ctn_stats_read(ctn);
	int status = stats ? STATUS_OK : missing();
	uint64_t usage;

	if (stats)
		take_stat(metrics, sample, stats);
	status = read_attrs(metrics, sample, ctn, stats, status);
	/* what it is of was read, or said */
	if (!read_usage(ctn, stats, &usage))
		set(sample, metrics->usage, usage);
	ctn_stats_free(stats);
	return status;
}

/* A kernel may have no PSI, or it may be off. */
static int read_pressure(const struct metrics *metrics, const struct sample *sample,
			 const struct ctn *ctn, int status)
{
	char *text = ctn_get(ctn, "pressure");
	const char *total = text ? strstr(text, "total=") : NULL;
	uint64_t usec;
	char *end;

	if (!text)
		return status || errno == EOPNOTSUPP ? status : missing();
	errno = 0;
	if (total) {
		usec = strtoull(total + strlen("total="), &end, 10);
		if (!errno && end > total + strlen("total="))
			set(sample, metrics->pressure, usec);
	}
	free(text);
	return status;
}

/* A kernel may have no beancounters. */
static int read_rows(struct sample *sample, const struct ctn *ctn, int status)
{
	sample->nrows = resource_rows(&(struct holder){ .ctn = ctn }, &sample->rows);
	return sample->nrows < 0 && !status ? missing() : status;
}

static void free_sample(const struct sample *sample)
{
	resource_rows_free(sample->rows, sample->nrows);
	free(sample->label);
	free(sample->values);
	free(sample->there);
}

static int read_sample(const struct metrics *metrics, struct samples *samples,
		       const struct ctn_tree *tree, const char *name)
{
	struct ctn *ctn = ctn_open(tree, name);
	struct sample sample;
	int status;

	if (!ctn)
		return missing();
	sample = (struct sample){
		.label = to_label(name),
		.values = xrealloc(NULL, metrics->count, sizeof(uint64_t)),
		.there = xrealloc(NULL, metrics->count, 1),
	};
	memset(sample.there, 0, metrics->count);
	status = read_stat(metrics, &sample, ctn);
	status = read_pressure(metrics, &sample, ctn, status);
	status = read_rows(&sample, ctn, status);

	/* One that has gone meanwhile would have lost some of its files. */
	if (ctn_exists(ctn)) {
		free_sample(&sample);
	} else {
		samples->list = xrealloc(samples->list, samples->count + 1,
					 sizeof(*samples->list));
		samples->list[samples->count++] = sample;
	}
	ctn_close(ctn);
	return status;
}

/* Printing */

static void print_head(FILE *to, const char *name, const char *help,
		       const char *type)
{
	fprintf(to, "# HELP %s %c%s.\n# TYPE %s %s\n", name,
		*help >= 'a' && *help <= 'z' ? *help - 'a' + 'A' : *help,
		help + 1, name, type);
}

static void print_sample(FILE *to, const struct metric *metric,
			 const char *label, uint64_t value)
{
	fprintf(to, "%s{container=\"%s\"} ", metric->name, label);
	if (metric->unit == UNIT_USEC)
		fprintf(to, "%" PRIu64 ".%06" PRIu64 "\n", value / 1000000,
			value % 1000000);
	else
		fprintf(to, "%" PRIu64 "\n", metric->unit == UNIT_PAGES ?
			pages_to_bytes(value) : value);
}

static void print_metric(FILE *to, const struct metrics *metrics, size_t index,
			 const struct samples *samples)
{
	const struct metric *metric = &metrics->list[index];
	int any = 0;

	for (size_t i = 0; i < samples->count; i++) {
		const struct sample *sample = &samples->list[i];

		if (!sample->there[index])
			continue;
		if (!any)
			print_head(to, metric->name, metric->help,
				   metric->is_counter ? "counter" : "gauge");
		any = 1;
		print_sample(to, metric, sample->label, sample->values[index]);
	}
}

/* Beancounters */

static const struct bc_metric {
	const char *name;
	const char *help;
	size_t offset;		/* in struct resource_row */
	int is_count;		/* of charges that failed, whatever the resource is counted in */
} bc_metrics[] = {
	{ "held", "what is held of the resource", offsetof(struct resource_row, held), 0 },
	{ "maxheld", "the most held of the resource since the container was made or the last reset",
	  offsetof(struct resource_row, maxheld), 0 },
	{ "barrier", "the most that should be held of the resource", offsetof(struct resource_row, bounds.barrier), 0 },
	{ "limit", "the most that can be held of the resource", offsetof(struct resource_row, bounds.limit), 0 },
	{ "failcnt", "charges that found no room and failed", offsetof(struct resource_row, failcnt), 1 },
};

/* A newer kernel may count what is not known here: its unit, and so its name, is not. */
static int print_row(FILE *to, const struct bc_metric *metric, int in_bytes,
		     const struct sample *sample, const struct resource_row *row, int any)
{
	const struct ctn_resource *resource = ctn_resource_find(row->name);
	char *name, *help;
	uint64_t value;

	memcpy(&value, (const char *)row + metric->offset, sizeof(value));
	if (!resource || value == CTN_MAX ||
	    (!metric->is_count && in_bytes != (resource->unit != CTN_UNIT_COUNT)))
		return any;
	if (!metric->is_count && resource->unit == CTN_UNIT_PAGES)
		value = pages_to_bytes(value);
	name = xasprintf("ctnctl_beancounter_%s%s", metric->name,
			 metric->is_count ? "_total" : in_bytes ? "_bytes" : "");
	help = xasprintf("%s%s", metric->help, metric->is_count ? "" : in_bytes ?
			 ", in bytes" : ", in numbers");
	if (!any)
		print_head(to, name, help, metric->is_count ? "counter" : "gauge");
	fprintf(to, "%s{container=\"%s\",resource=\"%s\"} %" PRIu64 "\n", name,
		sample->label, row->name, value);
	free(help);
	free(name);
	return 1;
}

static void print_beancounters(FILE *to, const struct samples *samples)
{
	for (size_t m = 0; m < ARRAY_SIZE(bc_metrics); m++) {
		const struct bc_metric *metric = &bc_metrics[m];

		for (int in_bytes = 0; in_bytes < 2 - metric->is_count; in_bytes++) {
			int any = 0;

			for (size_t i = 0; i < samples->count; i++)
				for (ssize_t n = 0; n < samples->list[i].nrows; n++)
					any = print_row(to, metric, in_bytes,
							&samples->list[i],
							&samples->list[i].rows[n], any);
		}
	}
}

static void print_all(FILE *to, const struct metrics *metrics,
		      const struct samples *samples)
{
	print_head(to, "ctnctl_containers", "containers that there are", "gauge");
	fprintf(to, "ctnctl_containers %zu\n", samples->count);
	for (size_t i = 0; i < metrics->count; i++)
		print_metric(to, metrics, i, samples);
	print_beancounters(to, samples);
}

/* Files */

/*
 * Exit if a file of this name must not be replaced: if it is a device, a directory or a
 * symbolic link. Who may write to its directory could have put a link there that leads
 * to what is somebody else's; /dev/stdout is one, too.
 */
static void check_target(const char *file)
{
	struct stat st;

	if (lstat(file, &st)) {
		if (errno != ENOENT)
			die("%s: %s", file, strerror(errno));
		return;
	}
	if (S_ISLNK(st.st_mode))
		die("%s: it is a symbolic link", file);
	if (!S_ISREG(st.st_mode))
		die("%s: Not a regular file", file);
}

static int fail_file(const char *file)
{
	complain("%s: %s", file, strerror(errno));
	return STATUS_REFUSED;
}

/* Who reads the directory takes what ends in .prom: that does not. */
static int write_file(const char *target, const struct metrics *metrics,
		      const struct samples *samples)
{
	char *temporary = xasprintf("%s.XXXXXX", target);
	int fd = mkostemp(temporary, O_CLOEXEC);
	FILE *to = fd < 0 ? NULL : fdopen(fd, "w");
	int status = STATUS_OK;
	int failed;

	if (!to) {
		status = fail_file(target);
		goto out;
	}
	print_all(to, metrics, samples);
	failed = fchmod(fd, 0644) || ferror(to);
	if (fclose(to) || failed || rename(temporary, target)) {
		status = fail_file(target);
		unlink(temporary);
	}
out:
	free(temporary);
	return status;
}

static int print_to(const char *file, const struct metrics *metrics,
		    const struct samples *samples)
{
	int status = STATUS_OK;

	if (!file) {
		print_all(stdout, metrics, samples);
		return status;
	}
	check_target(file);
	/* A signal must not leave half a file behind. */
	stop_begin();
	status = write_file(file, metrics, samples);
	stop_end();
	stop_now();
	return status;
}

/* The command */

static const char *parse(const struct command *cmd, int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "output", required_argument, NULL, 'o' },
		{ 0 }
	};
	const char *file = NULL;
	int opt;

	while ((opt = next_option(argc, argv, "ho:", options)) != -1) {
		switch (opt) {
		case 'o':
			file = optarg;
			if (!*file)
				wrong_usage(cmd, "want a file, not: \"\"");
			if (!strcmp(file, "-"))
				file = NULL;
			break;
		case 'h':
			print_help(cmd);
		default:
			try_help(cmd);
		}
	}
	if (optind < argc)
		wrong_usage(cmd, "too many arguments: %s", argv[optind]);
	return file;
}

static int run_metrics(const struct command *cmd, int argc, char **argv)
{
	const char *file = parse(cmd, argc, argv);
	struct metrics metrics = { 0 };
	struct samples samples = { 0 };
	struct ctn_tree *tree = open_tree();
	char **names = ctn_tree_names(tree);
	int status = STATUS_OK;

	if (!names)
		exit(refused());
	add_metrics(&metrics);
	for (char **name = names; *name; name++)
		status |= read_sample(&metrics, &samples, tree, *name);
	status |= print_to(file, &metrics, &samples);

	for (size_t i = 0; i < samples.count; i++)
		free_sample(&samples.list[i]);
	for (size_t i = 0; i < metrics.count; i++)
		free(metrics.list[i].name);
	free(samples.list);
	free(metrics.list);
	ctn_names_free(names);
	ctn_tree_close(tree);
	return status;
}

const struct command metrics_command = {
	.name = "metrics",
	.summary = "print the numbers of all containers for Prometheus",
	.help =
	"Usage: ctnctl metrics [--output FILE]\n\n"
	"Print the numbers of all containers in the text format of Prometheus. The\n"
	"names are those of the files, after ctnctl_, in bytes and seconds, and of\n"
	"beancounters those of its columns, after ctnctl_beancounter_; a limit that\n"
	"is \"max\", and what this kernel lacks, is left out.\n\n"
	"Options:\n"
	" -o, --output FILE  replace FILE by it, which is at no time there in part;\n"
	"                    - is standard output\n"
	" -h, --help         print this help\n"
	"\nExample, for node_exporter; ctnctl-metrics.timer does it over and over:\n"
	"  ctnctl metrics --output /var/lib/prometheus/node-exporter/ctnctl.prom\n",
	.run = run_metrics,
};
